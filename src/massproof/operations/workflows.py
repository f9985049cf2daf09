"""The door to DBOS, which sees to it that every turn that was accepted runs until it has returned.

DBOS is told no more than which turn to run: what a turn is, and what became of it, is in our own table. Nothing of its
telemetry, its console or its proprietary parts is used, and it makes no connection but to the database.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from massproof.errors import InputError, MissingExtra
from massproof.operations.databases import Database
from massproof.operations.tables import Turn, chunks

if TYPE_CHECKING:
    import sqlalchemy as sa
    from dbos import DBOSConfig

Perform = Callable[[str, int], None]

_APPLICATION = "massproof"
_VERSION = "1"  # of what a turn is to DBOS, constant: turns of older releases are recovered as well
_QUEUE = "massproof"
_AHEAD = 8  # turns of the queue that a process takes at once: it looks 10 times a second, and many turns are shorter
_POLL = 0.1  # seconds; it costs an idle process 3 % of a core

_one = threading.Lock()  # DBOS is one for a process


class Workflows:
    """Runs turns: at once in this process, or in whichever takes them from the queue (on PostgreSQL)."""

    def __init__(self, database: Database, node: str, perform: Perform, threads: int) -> None:
        """threads : that run turns here; with 0 none do. Raises InputError while this process has another."""
        self.threads, self.queue = threads, not database.embedded
        with _discreet():
            self._perform = _opened(database, node, perform, threads)
            import dbos

            self._client = dbos.DBOSClient(
                system_database_engine=database.engine,
                serializer=dbos.DBOSPortableJSONSerializer(),
                application_name=_APPLICATION,
            )
        if self.queue:
            with ExitStack() as undo:
                undo.callback(self.close)
                self._client.register_queue(
                    _QUEUE, worker_concurrency=_AHEAD, polling_interval_sec=_POLL, on_conflict="always_update"
                )
                undo.pop_all()

    def start(self, turn: Turn) -> None:
        """Run a turn here, when a thread is free."""
        import dbos

        assert self._perform is not None
        with dbos.SetWorkflowID(turn.workflow):
            dbos.DBOS.start_workflow(self._perform, turn.id, turn.number)

    def enqueue(self, connection: sa.Connection, turn: Turn) -> None:
        """Have a turn run anywhere, once this transaction is committed."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": _APPLICATION,
                "queue_name": _QUEUE,
                "workflow_id": turn.workflow,
                "app_version": _VERSION,
            },
            turn.id,
            turn.number,
        )

    def begun(self, node: str) -> Sequence[str]:
        """Workflows that a process has begun and not finished."""
        found = self._client.list_workflows(
            status="PENDING", executor_id=node, load_input=False, load_output=False
        )
        return [one.workflow_id for one in found]

    def standing(self, turns: Sequence[Turn]) -> dict[str, str]:
        """How DBOS says that turns stand, by workflow; those that it does not know are not there."""
        stand: dict[str, str] = {}
        for some in chunks([turn.workflow for turn in turns]):
            found = self._client.list_workflows(workflow_ids=[*some], load_input=False, load_output=False)
            stand |= {one.workflow_id: one.status for one in found}
        return stand

    def resume(self, workflows: Sequence[str]) -> None:
        """Run workflows again that a process began which is gone."""
        for some in chunks(workflows):
            self._client.resume_workflows([*some], queue_name=_QUEUE if self.queue else None)

    def forget(self, turns: Sequence[Turn]) -> None:
        """Delete what DBOS knows of operations, their earlier turns included."""
        every = [Turn(turn.id, number).workflow for turn in turns for number in range(1, turn.number + 1)]
        for some in chunks(every):
            self._client.delete_workflows([*some])

    def close(self) -> None:
        """Begin no turn any more; what runs goes on."""
        import dbos

        self._client.destroy()
        if self._perform is not None:
            dbos.DBOS.destroy(destroy_registry=True)
            _one.release()


@contextmanager
def _discreet() -> Iterator[None]:
    """Let nothing that DBOS logs, or reads from the environment, reach the outside."""
    told = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("DBOS__")}
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # it adds one for the console where there is none
    logger.propagate = False
    try:
        yield
    finally:
        os.environ.update(told)  # with which it would have reported to its vendor's cloud


def _opened(database: Database, node: str, perform: Perform, threads: int) -> Perform | None:
    """What runs a turn here, None where nothing does; the tables are there."""
    try:
        import dbos
    except ImportError as error:
        what = "keeping operations in a database"
        raise MissingExtra(what, "serve") from error
    if threads:
        return _launched(database, node, perform, threads)
    dbos.DBOS.migrate(database.url.render_as_string(hide_password=False))
    return None


def _launched(database: Database, node: str, perform: Perform, threads: int) -> Perform:
    import dbos

    if not _one.acquire(blocking=False):
        msg = 'this process already runs operations of a database; use another process, or database="memory"'
        raise InputError(msg)
    try:
        dbos.DBOS(config=_settings(database, node, threads))

        def turn(id: str, number: int) -> None:
            perform(id, number)

        made: Perform = dbos.DBOS.workflow(name=_APPLICATION, max_recovery_attempts=None)(turn)
        dbos.DBOS.launch()
    except BaseException:
        dbos.DBOS.destroy(destroy_registry=True)
        _one.release()
        raise
    return made


def _settings(database: Database, node: str, threads: int) -> DBOSConfig:
    import dbos

    return {
        "name": _APPLICATION,
        "application_version": _VERSION,
        "executor_id": node,
        "system_database_url": database.url.render_as_string(hide_password=False),
        "system_database_engine": database.engine,
        "serializer": dbos.DBOSPortableJSONSerializer(),
        "enable_otlp": False,
        "log_level": "CRITICAL",
        "max_executor_threads": threads,
        "use_listen_notify": False,
        "notification_listener_polling_interval_sec": 0.1,  # nothing is listened for; `close` waits for it
    }
