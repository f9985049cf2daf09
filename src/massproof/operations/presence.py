"""Which processes live: each holds a lock that vanishes with it, however it ends, and nothing is told by the clock."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from massproof.errors import InputError
from massproof.operations.databases import Database

_REAPER = "massproof reaper"


def name() -> str:
    """A name for this process that no other has, nor had."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Presence(Protocol):
    """The lock of this process, and what it tells of others."""

    def lives(self, node: str) -> bool:
        """Whether another process does."""
        ...

    def reaper(self) -> Any:
        """A context, for one process at a time: whether it is this one."""
        ...

    def hold(self) -> None:
        """Hold the lock again, should it have been lost."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def present(database: Database, node: str) -> Presence:
    """Take the lock of this process; raises InputError when a file is in use by another."""
    return Alone(database) if database.embedded else Among(database, node)


class Alone:
    """On SQLite one process runs operations, so any other that is named is dead.

    The lock is one of SQLite's own, on a small file beside the database: it works where SQLite does.
    """

    def __init__(self, database: Database) -> None:
        self._lock = sqlite3.connect(
            database.file.with_suffix(".lock"), timeout=0.2, isolation_level=None, check_same_thread=False
        )
        try:
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._lock.close()
            msg = (
                f"{database.file} is in use by another process; stop that one, name another folder, "
                "or share a PostgreSQL database"
            )
            raise InputError(msg) from error

    def lives(self, node: str) -> bool:
        """None but this."""
        return False

    @contextmanager
    def reaper(self) -> Iterator[bool]:
        """Always."""
        yield True

    def hold(self) -> None:
        """It cannot be lost."""

    def close(self) -> None:
        """As the protocol says."""
        self._lock.close()


class Among:
    """On PostgreSQL: advisory locks of a session that nothing else uses."""

    def __init__(self, database: Database, node: str) -> None:
        self._url, self._node, self._one = database.url, node, threading.Lock()
        self._session = self._opened()

    def _opened(self) -> Any:
        import psycopg

        session = psycopg.connect(
            self._url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
        )
        session.execute("SELECT pg_advisory_lock(%s)", (_key(self._node),))
        return session

    def lives(self, node: str) -> bool:
        """As the protocol says."""
        return not self._tried(node) or self._freed(node)

    def _tried(self, node: str) -> bool:
        with self._one:
            row = self._session.execute("SELECT pg_try_advisory_lock(%s)", (_key(node),)).fetchone()
        return bool(row[0])

    def _freed(self, node: str) -> bool:
        with self._one:
            self._session.execute("SELECT pg_advisory_unlock(%s)", (_key(node),))
        return False

    @contextmanager
    def reaper(self) -> Iterator[bool]:
        """As the protocol says."""
        mine = self._tried(_REAPER)
        try:
            yield mine
        finally:
            if mine:
                self._freed(_REAPER)

    def hold(self) -> None:
        """As the protocol says: a server that was restarted has forgotten the lock."""
        import psycopg

        with self._one:
            try:
                self._session.execute("SELECT 1")
            except psycopg.OperationalError:
                self._session.close()
                self._session = self._opened()

    def close(self) -> None:
        """As the protocol says."""
        self._session.close()


def _key(node: str) -> int:
    return int.from_bytes(hashlib.sha256(node.encode()).digest()[:8], "big", signed=True)
