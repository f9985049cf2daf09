"""Operations in a database: what was asked for survives this process, and is done once.

A row of our own table is the truth about an operation; DBOS runs it until it has ended. Each time that it is asked to
run is a turn, a workflow of DBOS; a turn counts its own tries, so that a file that kills every process that
touches it ends as WORKER_LOST. An answer is written by the process that claimed last, and by no other.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, TypeVar

from massproof.operations import presence
from massproof.operations.databases import Database, held, insistent
from massproof.operations.jobs import Ending, ending, failure_of
from massproof.operations.port import Failure, Job, Operation, Outcome, Run, State, again
from massproof.operations.recent import Recent, Waiting
from massproof.operations.tables import Claimed, Table, Turn, encoded
from massproof.operations.workflows import Workflows

_RECENT = 2048  # operations that have ended and are kept in memory,
_RECENT_BYTES = 64 << 20  # and of their results in JSON
_HERE, _ELSEWHERE = 1.0, 0.05  # seconds between looks at an operation that runs here, and that does not
_WAITING = 16  # turns that wait here for a thread, for each of them; others go to the queue
_ROUND = 2.0  # seconds between looks for processes that died
_STALE = 10.0  # seconds after which a turn is missed that this process has and does not know
_GRACE = 10.0  # seconds that `close` waits for what runs

if TYPE_CHECKING:
    import sqlalchemy as sa

T = TypeVar("T")


class Durable:
    """The port `Operations`, on SQLite and PostgreSQL."""

    def __init__(
        self,
        run: Run,
        database: Database,
        *,
        threads: int = 2,
        job_seconds: float = 60.0,
        keep_seconds: float = 7 * 86400.0,
        tries: int = 3,
        tidy: Callable[[Table, float], None] = lambda table, before: None,
    ) -> None:
        """threads : that run jobs; 0: other processes do. job_seconds : that a job may take.

        tries : of a job, each ended by the death of a process, before it is given up.
        keep_seconds : after its end an operation is forgotten; tidy is told of what is left, and of that time.
        Raises InputError when the database cannot be used, or another process has it.
        """
        self._run, self._seconds, self._keep = run, job_seconds, keep_seconds
        self._tries, self._tidy = tries, tidy
        self._node = presence.name()
        self._recent = Recent(_RECENT, _RECENT_BYTES)
        self._waiting = Waiting()
        self._mine: dict[str, int] = {}  # operations that wait or run here, and in which turn
        self._running: dict[Turn, threading.Event] = {}
        self._closing = threading.Event()
        self._database = database
        with ExitStack() as undo:
            undo.callback(database.close)
            self._table = Table(database)
            self._presence = presence.present(database, self._node)
            undo.callback(self._presence.close)
            self._flow = Workflows(database, self._node, self._perform, threads)
            undo.callback(self._flow.close)
            self.recover()
            undo.pop_all()
        self._keeper = threading.Thread(target=self._keeping, name="massproof-keeper", daemon=True)
        self._keeper.start()

    # What the port asks for.

    def submit(self, job: Job) -> Operation:
        """As the port says."""
        known = self.get(job.id)
        if known is not None and not again(known):
            return known
        now = time.time()
        here = self._flow.threads > 0 and not self._crowded()
        turn = self._asked(job, known, now, here)
        if turn is None:  # another was faster
            return self._table.get(job.id) or Operation(job.id, job, State.QUEUED, now, updated=now)
        if here:
            self._started(turn)
        attempts = known.attempts if known else 0
        return Operation(job.id, job, State.QUEUED, now, updated=now, attempts=attempts)

    @insistent
    def _asked(self, job: Job, known: Operation | None, now: float, here: bool) -> Turn | None:
        node = self._node if here else ""
        with self._promising(here) as connection:
            turn = (
                self._table.ask(connection, job, now, node)
                if known is None
                else self._table.again(connection, known, now, node)
            )
            if turn is not None:
                self._taken(connection, turn, here)
        return turn

    def _promising(self, here: bool) -> AbstractContextManager[sa.Connection]:
        """Where one statement is written, or that and the queue's, as one."""
        return (self._database.promise if here else self._database.synced).begin()

    def _crowded(self) -> bool:
        return self._flow.queue and len(self._mine) >= self._flow.threads * _WAITING

    def _taken(self, connection: sa.Connection, turn: Turn, here: bool) -> None:
        if here:
            self._mine[turn.id] = turn.number
        else:
            self._flow.enqueue(connection, turn)

    def _done_with(self, turn: Turn) -> None:
        if self._mine.get(turn.id) == turn.number:  # else it was asked for again meanwhile
            del self._mine[turn.id]

    def _started(self, turn: Turn) -> None:
        try:
            self._flow.start(turn)
        except BaseException:
            self._done_with(turn)  # stored it is: the keeper misses it, and starts it
            raise

    def get(self, id: str) -> Operation | None:
        """As the port says; what it holds is shared, and not to be changed."""
        found = self.held(id)
        if found is not None:
            return found
        read = self._table.read(id)
        if read is None:
            return None
        operation, size = read
        if operation.state.ended and not again(operation):
            self._recent.add(operation, size)
        return operation

    def held(self, id: str) -> Operation | None:
        """As the port says: of those that ended not long ago."""
        return self._recent.get(id, time.time() - self._keep)

    def list(
        self,
        *,
        kind: str | None = None,
        state: State | None = None,
        limit: int = 100,
        before: float | None = None,
    ) -> Sequence[Operation]:
        """As the port says."""
        return self._table.list(kind, state, limit, before)

    def wait(self, id: str, seconds: float) -> Operation | None:
        """As the port says."""
        until = time.monotonic() + seconds
        with self._waiting.on(id) as told:
            while True:
                found, left = self.get(id), until - time.monotonic()
                if found is None or found.state.ended or left <= 0:
                    return found
                told.wait(min(left, _HERE if id in self._mine else _ELSEWHERE))
                told.clear()

    def cancel(self, id: str) -> Operation | None:
        """As the port says: what runs is not interrupted, its answer is not kept, and its place is free at once."""
        if self._table.cancel(id, time.time()):
            for turn, running in [*self._running.items()]:
                if turn.id == id:
                    running.set()
            self._waiting.tell(id)
        return self._table.get(id)

    def recover(self) -> int:
        """As the port says; one process at a time does it."""
        nodes = self._table.nodes()
        if self._node not in nodes:  # it is new, or was taken for dead
            self._table.join(self._node)
        with self._presence.reaper() as mine:
            if not mine:
                return 0
            dead = [one for one in nodes if one != self._node and not self._presence.lives(one)]
            found = 0
            for node in dead:
                found += self._revived(node, self._flow.begun(node), self._table.held(node, time.time()))
                self._table.part(node)
        return found

    def close(self) -> None:
        """As the port says: what does not finish in time is left to another process, or to the next start."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._keeper.join()
        self._flow.close()
        self._idle(_GRACE)
        for running in [*self._running.values()]:
            running.set()
        self._idle(math.inf)
        self._presence.close()
        self._database.close()

    def _idle(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._running and time.monotonic() < until:
            time.sleep(0.01)

    # What runs a turn: DBOS calls `_perform`, as often as processes die that run it.

    def _perform(self, id: str, number: int) -> None:
        turn = Turn(id, number)
        done = self._running[turn] = threading.Event()
        self._mine[id] = number
        try:
            claimed = self._held(lambda: self._table.claim(turn, time.time(), self._node))
            if claimed is not None:
                lost = claimed.tries > self._tries
                job = claimed.operation.job
                self._finish(
                    claimed, _lost(self._tries) if lost else ending(self._run, job, self._seconds, done)
                )
        finally:
            self._running.pop(turn, None)
            self._done_with(turn)
            self._waiting.tell(id)

    def _finish(self, claimed: Claimed, found: Ending | None) -> None:
        if found is None:  # cancelled, or left
            self._held(lambda: self._table.leave(claimed))
            return
        state, outcome, failure = found
        try:
            text = encoded(outcome, failure)
        except (TypeError, ValueError) as error:
            state, outcome, failure = State.FAILED, Outcome(), failure_of(error)
            text = encoded(outcome, failure)
        files = [*outcome.files.values()]
        self._held(lambda: self._table.end(claimed, state, text, files, time.time()))

    def _held(self, call: Callable[[], T]) -> T:
        return held(call, self._closing)

    # What keeps watch.

    def _keeping(self) -> None:
        tidied = -math.inf
        while not self._closing.wait(_ROUND):
            try:
                self._presence.hold()
                self.recover()
                self._missed()
                if time.monotonic() - tidied > min(3600.0, self._keep / 4):
                    tidied = time.monotonic()
                    self.expire()
            except Exception:  # noqa: BLE001  # recorded, and the watch goes on
                _log().exception("what keeps watch over operations failed; it goes on")

    def _missed(self) -> int:
        """Turns that this process should have and does not know, as after a failure of the database."""
        stale = self._table.held(self._node, time.time() - _STALE)
        lost = [turn for turn in stale if self._mine.get(turn.id) != turn.number]
        return self._revived(self._node, [], lost)

    def _revived(self, node: str, begun: Sequence[str], turns: Sequence[Turn]) -> int:
        """Have turns go on that a process had which does not run them."""
        standing = self._flow.standing(turns)
        pending = [turn.workflow for turn in turns if standing.get(turn.workflow) == "PENDING"]
        self._flow.resume(sorted({*begun, *pending}))
        known = [turn for turn in turns if standing.get(turn.workflow) in ("PENDING", "ENQUEUED")]
        self._table.put_down(known, time.time())
        for turn in set(turns) - set(known):  # the process died before DBOS was told
            self._passed_on(turn)
        return len({*begun, *(turn.workflow for turn in turns)})

    def _passed_on(self, turn: Turn) -> None:
        here = self._flow.threads > 0
        with self._promising(here) as connection:
            following = self._table.pass_on(connection, turn, time.time(), self._node if here else "")
            if following is not None:
                self._taken(connection, following, here)
        if following is not None and here:
            self._started(following)

    def expire(self) -> int:
        """Forget operations that ended too long ago, and have the blobs swept that nothing needs; how many."""
        with self._presence.reaper() as mine:
            if not mine:
                return 0
            before, count = time.time() - self._keep - 60.0, 0  # nobody has them in memory any more
            while turns := self._table.expired(before, 500):
                self._flow.forget(turns)
                self._table.forget(turns, before)
                count += len(turns)
            self._tidy(self._table, before)
        return count


def _lost(tries: int) -> Ending:
    message = (
        f"{tries} processes ended while they worked on this, so it was given up; "
        "see what they had in common, or simplify the file"
    )
    return State.FAILED, Outcome(), Failure("WORKER_LOST", message)


def _log() -> logging.Logger:
    return logging.getLogger("massproof.operations")
