"""The property database of a view: objects, attributes and values in SQLite, as readers of the vendor's expect it.

Its tables are those that public readers of such files ask (APSToolkit, forge-props-service): entity, attribute, value.
Values are the viewer's: numbers that are not rounded, with their unit beside the attribute.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from massproof.dialects.derivative import shapes
from massproof.dialects.derivative.model import Model, Node

NAME, ROLE, MIME = "properties.db", "Autodesk.CloudPlatform.PropertyDatabase", "application/autodesk-db"

_TEXT, _OBJECT = 20, 11  # types of attributes that are no measured numbers
_TABLES = """
CREATE TABLE _objects_id (id INTEGER PRIMARY KEY, external_id TEXT, viewable_id TEXT);
CREATE TABLE _objects_attr (id INTEGER PRIMARY KEY, name TEXT, category TEXT, data_type INTEGER,
    data_type_context TEXT, description TEXT, display_name TEXT, flags INTEGER, display_precision INTEGER);
CREATE TABLE _objects_val (id INTEGER PRIMARY KEY, value BLOB);
CREATE TABLE _objects_eav (id INTEGER PRIMARY KEY, entity_id INTEGER, attribute_id INTEGER, value_id INTEGER);
"""


class _Attribute(NamedTuple):
    name: str
    category: str
    type: int
    context: str | None = None  # unit


def written(model: Model, view: str) -> bytes:
    """The database of all objects, the same bytes for the same model; view : guid of the view that they are in."""
    attributes: dict[_Attribute, int] = {}
    values: dict[tuple[type, Any], int] = {}
    parents = {child: node.id for node in model.nodes for child in node.children}
    rows: list[tuple[int, int, int, int]] = []
    for node in model.nodes:
        for attribute, value in _told(model, node, parents.get(node.id), view):
            a = attributes.setdefault(attribute, len(attributes) + 1)
            v = values.setdefault((type(value), value), len(values) + 1)
            rows.append((len(rows) + 1, node.id, a, v))
    precision = shapes.contract()["viewer"]["precision"]
    with closing(sqlite3.connect(":memory:")) as base, base:
        base.executescript(_TABLES)
        ids = [(node.id, node.external, view) for node in model.nodes]
        base.executemany("INSERT INTO _objects_id VALUES (?, ?, ?)", ids)
        named = [(n, *one, None, one.name, 0, precision) for one, n in attributes.items()]
        base.executemany("INSERT INTO _objects_attr VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", named)
        base.executemany("INSERT INTO _objects_val VALUES (?, ?)", [(n, v) for (_, v), n in values.items()])
        base.executemany("INSERT INTO _objects_eav VALUES (?, ?, ?, ?)", rows)
        base.commit()
        return base.serialize()


def _told(model: Model, node: Node, parent: int | None, view: str) -> Iterator[tuple[_Attribute, Any]]:
    yield _Attribute("name", "__name__", _TEXT), node.name
    yield _Attribute("viewable_in", "__viewable_in__", _TEXT), view
    if parent is not None:
        yield _Attribute("parent", "__parent__", _OBJECT), parent
    for child in node.children:
        yield _Attribute("child", "__child__", _OBJECT), child
    for row in shapes.emit(model.assembly.parts[node.part].properties, form="viewer", mass="kilogram"):
        kind = _Attribute(row["attributeName"], row["displayCategory"], row["type"], row["units"])
        yield kind, row["displayValue"]
    for key, text in model.words(node).items():
        yield _Attribute(key, "Physical" if key == shapes.contract()["material"]["key"] else "", _TEXT), text
