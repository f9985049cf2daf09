"""Records in a database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from massproof.operations.databases import Database, insistent
from massproof.operations.records import checked, following

_TABLES = sa.MetaData()
# Keys are in the order of code points: SQLite compares bytes of UTF-8 by itself, PostgreSQL when told so.
_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_RECORDS = sa.Table(
    "massproof_records",
    _TABLES,
    sa.Column("space", _KEY, primary_key=True),
    sa.Column("key", _KEY, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_ROW = _RECORDS.c
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class InDatabase:
    """The port `Records`, on SQLite and PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Raises InputError when the database cannot be used."""
        database.create(_TABLES)
        self._database = database

    @insistent
    def put(self, space: str, key: str, value: Any, once: bool = False) -> bool:
        """As the port says."""
        row = {"space": checked(space), "key": checked(key), "value": json.dumps(value)}
        new = self._database.insert(_RECORDS).values(row)
        index = [_ROW.space, _ROW.key]
        told = (
            new.on_conflict_do_nothing(index_elements=index)
            if once
            else new.on_conflict_do_update(index_elements=index, set_={"value": row["value"]})
        )
        with self._database.promise.begin() as connection:
            return connection.execute(told.returning(_ROW.key)).first() is not None

    @insistent
    def get(self, space: str, key: str) -> Any:
        """As the port says."""
        wanted = sa.select(_ROW.value).where(_ROW.space == checked(space), _ROW.key == checked(key))
        with self._database.step.connect() as connection:
            text = connection.execute(wanted).scalar()
        return None if text is None else json.loads(text)

    @insistent
    def list(
        self, space: str, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> list[tuple[str, Any]]:
        """As the port says."""
        wanted = sa.select(_ROW.key, _ROW.value).where(_ROW.space == checked(space)).limit(limit)
        wanted = wanted.order_by(_ROW.key.desc() if descending else _ROW.key)
        if prefix:
            wanted = wanted.where(_ROW.key >= checked(prefix))
            beyond = following(prefix)
            wanted = wanted if beyond is None else wanted.where(_ROW.key < beyond)
        if after:
            wanted = wanted.where(_ROW.key < checked(after) if descending else _ROW.key > checked(after))
        with self._database.step.connect() as connection:
            return [(row.key, json.loads(row.value)) for row in connection.execute(wanted)]

    @insistent
    def delete(self, space: str, key: str) -> bool:
        """As the port says."""
        gone = sa.delete(_RECORDS).where(_ROW.space == checked(space), _ROW.key == checked(key))
        with self._database.promise.begin() as connection:
            return bool(connection.execute(gone).rowcount)

    def named(self) -> Iterator[str]:
        """The SHA-256 of every blob that a record names, in its key or its value; some more than once."""
        with self._database.engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(sa.select(_ROW.key, _ROW.value)):
                yield from _DIGEST.findall(f"{row.key} {row.value}")

    def close(self) -> None:
        """As the port says; the connections are those of the operations, which close them."""
