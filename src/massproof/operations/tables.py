"""The table of operations, and what is asked of it: every change is one statement that tells whether it came first."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from massproof.operations.databases import Database, insistent
from massproof.operations.port import Failure, Job, Operation, Outcome, State

T = TypeVar("T")

_TABLES = sa.MetaData()
_OPERATIONS = sa.Table(
    "massproof_operations",
    _TABLES,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column(
        "turn", sa.Integer, nullable=False
    ),  # counts how often it was asked to run, with `tries` in each
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("node", sa.Text, nullable=False),  # the process that has it; "" while a queue has
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("job", sa.Text, nullable=False),  # JSON: inputs, options
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("updated", sa.Double, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text),  # JSON: result, files, failure
    sa.Column("used", sa.Text, nullable=False),  # SHA-256 of blobs, with spaces between
    sa.Index("massproof_by_creation", "created", "id"),
    sa.Index("massproof_by_kind", "kind", "created", "id"),
    sa.Index("massproof_by_state", "state", "created", "id"),
    sa.Index("massproof_by_end", "ended"),
)
_NODES = sa.Table("massproof_nodes", _TABLES, sa.Column("node", sa.Text, primary_key=True))

_ROW = _OPERATIONS.c
_CHUNK = 500
_UNFINISHED = (State.QUEUED, State.RUNNING)


class Turn(NamedTuple):
    """One time that an operation was asked to run: what DBOS calls a workflow."""

    id: str
    number: int

    @property
    def workflow(self) -> str:
        """Its id there: the operation's own, the first time."""
        return self.id if self.number == 1 else f"{self.id}.{self.number}"


class Claimed(NamedTuple):
    """A turn that this process runs now, for the `tries`-th time in all processes."""

    operation: Operation
    turn: Turn
    tries: int


class Table:
    """Operations in a database."""

    def __init__(self, database: Database) -> None:
        """Raises InputError when the database cannot be used."""
        database.create(_TABLES)
        self._database, self._engine, self._promise = database, database.step, database.promise

    @insistent
    def read(self, id: str) -> tuple[Operation, int] | None:
        """The operation, and the length of what is stored of it; None if there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_OPERATIONS).where(_ROW.id == id)).first()
        return None if row is None else (_operation(row), len(row.job) + len(row.outcome or ""))

    def get(self, id: str) -> Operation | None:
        """The operation, None if there is none."""
        found = self.read(id)
        return None if found is None else found[0]

    @insistent
    def list(
        self, kind: str | None, state: State | None, limit: int, before: float | None
    ) -> Sequence[Operation]:
        """Operations, newest first."""
        wanted = sa.select(_OPERATIONS).order_by(_ROW.created.desc(), _ROW.id.desc()).limit(limit)
        for column, value in ((_ROW.kind, kind), (_ROW.state, state)):
            wanted = wanted if value is None else wanted.where(column == value)
        if before is not None:
            wanted = wanted.where(_ROW.created < before)
        with self._engine.connect() as connection:
            return [_operation(row) for row in connection.execute(wanted)]

    def ask(self, connection: sa.Connection, job: Job, now: float, node: str) -> Turn | None:
        """A job's first turn; None when it was asked before."""
        inputs = {"inputs": job.inputs, "options": dict(job.options)}
        row = {
            "id": job.id,
            "turn": 1,
            "tries": 0,
            "node": node,
            "state": State.QUEUED,
            "kind": job.kind,
            "job": json.dumps(inputs, allow_nan=False),
            "created": now,
            "updated": now,
            "attempts": 0,
            "used": " ".join(job.inputs),
        }
        made = connection.execute(
            self._database.insert(_OPERATIONS).values(row).on_conflict_do_nothing().returning(_ROW.turn)
        )
        return None if made.first() is None else Turn(job.id, 1)

    def again(self, connection: sa.Connection, known: Operation, now: float, node: str) -> Turn | None:
        """The next turn of an operation that is in the state that is known; None when it no longer is."""
        row = connection.execute(
            sa.update(_OPERATIONS)
            .where(_ROW.id == known.id, _ROW.state == known.state, _ROW.updated == known.updated)
            .values(turn=_ROW.turn + 1, tries=0, node=node, state=State.QUEUED, created=now, updated=now)
            .values(started=None, ended=None, outcome=None)
            .returning(_ROW.turn)
        ).first()
        return None if row is None else Turn(known.id, row.turn)

    def claim(self, turn: Turn, now: float, node: str) -> Claimed | None:
        """Start a turn, or start it over; None when it has ended or another has come."""
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.update(_OPERATIONS)
                .where(_ROW.id == turn.id, _ROW.turn == turn.number, _ROW.state.in_(_UNFINISHED))
                .values(attempts=_ROW.attempts + 1, tries=_ROW.tries + 1, node=node)
                .values(state=State.RUNNING, started=now, updated=now)
                .returning(_OPERATIONS)
            ).first()
        return None if row is None else Claimed(_operation(row), turn, row.tries)

    def end(self, claimed: Claimed, state: State, outcome: str, files: Collection[str], now: float) -> bool:
        """How a turn ended, unless it has ended otherwise, or another process has claimed it since."""
        used = " ".join(dict.fromkeys((*claimed.operation.job.inputs, *files)))
        with self._engine.begin() as connection:
            return _changed(
                connection,
                self._ours(claimed).values(state=state, ended=now, updated=now, outcome=outcome, used=used),
            )

    def leave(self, claimed: Claimed) -> bool:
        """Give a turn back that was not finished, through no fault of it."""
        with self._engine.begin() as connection:
            back = self._ours(claimed).values(tries=_ROW.tries - 1, state=State.QUEUED)
            return _changed(connection, back)

    def _ours(self, claimed: Claimed) -> sa.Update:
        return sa.update(_OPERATIONS).where(
            _ROW.id == claimed.operation.id,
            _ROW.turn == claimed.turn.number,
            _ROW.attempts == claimed.operation.attempts,
            _ROW.state == State.RUNNING,
        )

    @insistent
    def cancel(self, id: str, now: float) -> bool:
        """Whether it had not ended."""
        with self._promise.begin() as connection:
            return _changed(
                connection,
                sa.update(_OPERATIONS)
                .where(_ROW.id == id, _ROW.state.in_(_UNFINISHED))
                .values(state=State.CANCELLED, ended=now, updated=now),
            )

    def held(self, node: str, before: float) -> Sequence[Turn]:
        """Turns that a process has, has not finished, and did not touch since."""
        wanted = sa.select(_ROW.id, _ROW.turn).where(
            _ROW.node == node, _ROW.state.in_(_UNFINISHED), _ROW.updated < before
        )
        with self._engine.connect() as connection:
            return [Turn(row.id, row.turn) for row in connection.execute(wanted)]

    def pass_on(self, connection: sa.Connection, turn: Turn, now: float, node: str) -> Turn | None:
        """A further turn in place of one that nobody will finish; the tries that were lost still count."""
        row = connection.execute(
            sa.update(_OPERATIONS)
            .where(_ROW.id == turn.id, _ROW.turn == turn.number, _ROW.state.in_(_UNFINISHED))
            .values(turn=_ROW.turn + 1, node=node, state=State.QUEUED, updated=now)
            .returning(_ROW.turn)
        ).first()
        return None if row is None else Turn(turn.id, row.turn)

    def put_down(self, turns: Sequence[Turn], now: float) -> None:
        """Say that a queue has them."""
        for some in chunks(turns):
            with self._engine.begin() as connection:
                connection.execute(
                    sa.update(_OPERATIONS)
                    .where(sa.tuple_(_ROW.id, _ROW.turn).in_(some), _ROW.state.in_(_UNFINISHED))
                    .values(node="", updated=now)
                )

    def expired(self, before: float, limit: int) -> Sequence[Turn]:
        """The last turns of operations that ended before a time."""
        wanted = sa.select(_ROW.id, _ROW.turn).where(_ROW.ended < before).order_by(_ROW.ended).limit(limit)
        with self._engine.connect() as connection:
            return [Turn(row.id, row.turn) for row in connection.execute(wanted)]

    def forget(self, turns: Collection[Turn], before: float) -> None:
        """Delete operations, unless one runs once more."""
        with self._engine.begin() as connection:
            ids = [turn.id for turn in turns]
            connection.execute(sa.delete(_OPERATIONS).where(_ROW.id.in_(ids), _ROW.ended < before))

    def used(self) -> Iterator[str]:
        """SHA-256 of every blob that an operation needs; some more than once."""
        with self._database.engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(sa.select(_ROW.used)):
                yield from row.used.split()

    def join(self, node: str) -> None:
        """Say that a process is there."""
        with self._engine.begin() as connection:
            connection.execute(self._database.insert(_NODES).values(node=node).on_conflict_do_nothing())

    def part(self, node: str) -> None:
        """Say that a process is gone, and has nothing any more."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_NODES).where(_NODES.c.node == node))

    def nodes(self) -> Sequence[str]:
        """Processes that are there, or were and died."""
        with self._engine.connect() as connection:
            return [row.node for row in connection.execute(sa.select(_NODES))]


def _changed(connection: sa.Connection, statement: sa.Update) -> bool:
    return bool(connection.execute(statement).rowcount)


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """A few at a time: a statement takes only so many values."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def encoded(outcome: Outcome, failure: Failure | None) -> str:
    """An outcome as it is stored; raises TypeError or ValueError for a result that JSON cannot say."""
    told: dict[str, Any] = {"result": outcome.result, "files": dict(outcome.files)}
    if failure is not None:
        told["failure"] = [failure.code, failure.message]
    return json.dumps(told, allow_nan=False, separators=(",", ":"))


def _operation(row: sa.Row[Any]) -> Operation:
    job, outcome = json.loads(row.job), json.loads(row.outcome or "{}")
    failure = outcome.get("failure")
    return Operation(
        id=row.id,
        job=Job(row.kind, tuple(job["inputs"]), job["options"]),
        state=State(row.state),
        created=row.created,
        started=row.started,
        ended=row.ended,
        updated=row.updated,
        attempts=row.attempts,
        outcome=Outcome(outcome.get("result"), outcome.get("files", {})),
        failure=None if failure is None else Failure(*failure),
    )
