"""The databases that operations and records are kept in: SQLite in a file, or PostgreSQL.

Two engines go to one database. What a client was promised (that an operation or a record is kept) is synced to the
disk before the promise: `synced`. How work goes on is not: `engine`, with synchronous=NORMAL on SQLite and
synchronous_commit=off on PostgreSQL. Both write to one log, in order, so that a power cut may take the last steps of
work, which is done again, but no promise, and never leaves half of anything. A killed process loses nothing.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from massproof.errors import InputError, MissingExtra

if TYPE_CHECKING:
    import sqlalchemy as sa

P = ParamSpec("P")
T = TypeVar("T")

_BUSY = 30_000  # milliseconds that a writer waits for another before it fails
_POOL, _MORE = (
    5,
    15,
)  # connections of each engine that are kept, and more in a rush: PostgreSQL admits 100 in all


class Database:
    """Where to connect to."""

    def __init__(self, url: str) -> None:
        """url : sqlite:///path or postgresql://…; Raises MissingExtra and InputError."""
        try:
            import sqlalchemy
        except ImportError as error:
            what = "keeping operations in a database"
            raise MissingExtra(what, "serve") from error
        try:
            self.url = sqlalchemy.make_url(url)
        except sqlalchemy.exc.ArgumentError as error:
            msg = f'{url!r} is no database; say "memory", "sqlite", or postgresql://user@host/name'
            raise InputError(msg) from error
        self.embedded = self.url.get_backend_name() == "sqlite"
        if self.embedded:
            self.engine, self.synced = _sqlite(self.url, "NORMAL"), _sqlite(self.url, "FULL")
        else:
            self.engine, self.synced = (
                _postgresql(self.url, "-c synchronous_commit=off"),
                _postgresql(self.url, ""),
            )
        # One statement needs no BEGIN and COMMIT, which to PostgreSQL are messages of their own.
        self.step, self.promise = _alone(self.engine), _alone(self.synced)
        self._closed = False
        for engine in (self.engine, self.synced):
            sqlalchemy.event.listen(engine, "checkin", self._given_back)

    @property
    def name(self) -> str:
        """The address, without a password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path:
        """Of SQLite."""
        return Path(self.url.database or "")

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        from sqlalchemy.dialects import postgresql, sqlite

        return sqlite.insert(table) if self.embedded else postgresql.insert(table)

    def create(self, tables: sa.MetaData) -> None:
        """Make tables that are not there yet; raises InputError when the database cannot be used."""
        import sqlalchemy

        try:
            with self.synced.begin() as connection:
                if not self.embedded:  # IF NOT EXISTS does not keep two processes from making the same table
                    connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(7340033)"))
                tables.create_all(connection)
        except sqlalchemy.exc.DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            msg = f"the database {self.name} cannot be used: {reason}; name another, or see that it runs"
            raise InputError(msg) from error

    def close(self) -> None:
        """Close what is open, and what is in use when it is given back."""
        self._closed = True
        self.engine.dispose()
        self.synced.dispose()

    def _given_back(self, _: Any, record: Any) -> None:
        if self._closed:
            record.invalidate()


def _alone(engine: sa.Engine) -> sa.Engine:
    """The same connections, where each statement is a transaction."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _sqlite(url: sa.URL, synchronous: str) -> sa.Engine:
    import sqlalchemy as sa

    engine = sa.create_engine(
        url, pool_size=_POOL, max_overflow=_MORE, connect_args={"timeout": _BUSY / 1000}
    )

    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = "IMMEDIATE"  # a reader that turned writer could not wait for another
        connection.execute(f"PRAGMA busy_timeout={_BUSY}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")  # as DBOS expects

    sa.event.listen(engine, "connect", prepare)
    return engine


def _postgresql(url: sa.URL, options: str) -> sa.Engine:
    import sqlalchemy as sa

    if url.get_backend_name() != "postgresql":
        msg = f'{url.get_backend_name()} is no database for operations; say "sqlite" or postgresql://user@host/name'
        raise InputError(msg)
    told = {"options": f"{url.query.get('options', '')} {options}"}
    try:
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=_POOL,
            max_overflow=_MORE,
            connect_args=told,
        )
    except ImportError as error:
        what = "PostgreSQL"
        raise MissingExtra(what, "postgres") from error


def held(call: Callable[[], T], stop: threading.Event) -> T:
    """What `call` returns, called again while the database is away, full or busy, until `stop`; then it raises."""
    from sqlalchemy.exc import OperationalError

    pause = 0.1
    while True:
        try:
            return call()
        except OperationalError:
            if stop.wait(pause):
                raise
            pause = min(2 * pause, 2.0)


def insistent(method: Callable[P, T]) -> Callable[P, T]:
    """The method, called once more when the connection that it was given turned out to be dead.

    A server that was restarted has cut all of them. Whether the first call was heard is then unknown, so the method
    must be one that may be called twice.
    """

    @functools.wraps(method)
    def called(*arguments: P.args, **named: P.kwargs) -> T:
        from sqlalchemy.exc import DBAPIError

        try:
            return method(*arguments, **named)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return method(*arguments, **named)

    return called
