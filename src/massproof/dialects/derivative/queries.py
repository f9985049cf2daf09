"""Queries over the objects of a file: which of them, which of their properties, how many at a time.

Numbers are compared in metric base units (m, m², m³, kg), whatever unit they are written in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from massproof.dialects.derivative import shapes, tables
from massproof.dialects.derivative.model import Model, Node
from massproof.properties import Quantity
from massproof.serving.web import Refused

_IDS = ("objectid", "externalId")
_PREFIX = "properties."


class Query(NamedTuple):
    """What is asked for. test : of a model and an object;  fields : None for all"""

    test: Callable[[Model, Node], bool]
    fields: tuple[str, ...] | None
    offset: int
    limit: int
    form: str


def read(asked: Mapping[str, Any]) -> Query:
    """The body of a request; raises Refused for what means nothing."""
    fields, page, form = asked.get("fields"), asked.get("pagination") or {}, asked.get("payload") or "text"
    if fields is not None and not (isinstance(fields, list) and all(isinstance(one, str) for one in fields)):
        raise Refused(400, "fields must be a list of texts.")
    if not isinstance(page, Mapping) or form not in ("text", "unit"):
        raise Refused(400, "pagination must be an object, and payload text or unit.")
    most, usual = tables.service()["limits"]["page"], shapes.contract()["limit"]["default"]
    offset, limit = (
        _whole(page, "offset", 0, 0, 1 << 53),
        _whole(page, "limit", usual, 1, most),
    )
    query = asked.get("query")
    test = (lambda model, node: True) if query is None else _test(query)
    return Query(test, None if fields is None else tuple(fields), offset, limit, form)


def answer(model: Model, query: Query) -> dict[str, Any]:
    """The objects that fit, from the offset, as many as the limit says."""
    found = [node for node in model.nodes if query.test(model, node)]
    page = found[query.offset : query.offset + query.limit]
    return {
        "pagination": {"limit": query.limit, "offset": query.offset, "totalResults": len(found)},
        "data": {
            "type": shapes.contract()["type"]["collection"],
            "collection": [_cut(model.described(node, query.form), query.fields) for node in page],
        },
    }


def _whole(page: Mapping[str, Any], name: str, usual: int, least: int, most: int) -> int:
    value = page.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(400, f"pagination.{name} must be a whole number from {least} to {most}.")
    return value


def _test(query: Any) -> Callable[[Model, Node], bool]:
    if not isinstance(query, Mapping) or len(query) != 1:
        raise Refused(400, f"query must have one of {', '.join(_OPERATORS)}.")
    (name, words), *_ = query.items()
    if name not in _OPERATORS:
        raise Refused(400, f"query: {str(name)[:40]!r} is none of {', '.join(_OPERATORS)}.")
    if not isinstance(words, list) or len(words) < 2 or not isinstance(words[0], str):
        raise Refused(
            400, f"query.{name} must be a list of the name of a field and what it is compared with."
        )
    return _OPERATORS[name](words[0], words[1:])


def _in(field: str, values: list[Any]) -> Callable[[Model, Node], bool]:
    if field not in _IDS:
        raise Refused(400, f"query.$in: the field must be one of {', '.join(_IDS)}.")
    known = {str(value) for value in values}
    return lambda model, node: str(node.id if field == "objectid" else node.external) in known


def _prefix(field: str, values: list[Any]) -> Callable[[Model, Node], bool]:
    start = _one_text("$prefix", values)
    return lambda model, node: any(text.startswith(start) for text in _texts(model, node, field))


def _eq(field: str, values: list[Any]) -> Callable[[Model, Node], bool]:
    value = _one("$eq", values)
    if _is_number(value):
        return lambda model, node: (
            _number(model, node, field, lambda q: _same(q, value))
            or (field == "objectid" and node.id == value)
        )
    return lambda model, node: str(value) in _texts(model, node, field)


def _same(quantity: Quantity, value: float) -> bool:
    """Whether a number is the one that is asked for: within its interval, or what is printed of it."""
    low, high = quantity.interval
    return low <= value <= high or math.isclose(quantity.value, value, rel_tol=1e-9)


def _between(field: str, values: list[Any]) -> Callable[[Model, Node], bool]:
    if len(values) != 2 or not all(map(_is_number, values)):
        raise Refused(400, "query.$between must have two numbers.")
    low, high = values
    return lambda model, node: _number(model, node, field, lambda q: low <= q.value <= high)


def _le(field: str, values: list[Any]) -> Callable[[Model, Node], bool]:
    high = _one_number("$le", values)
    return lambda model, node: _number(model, node, field, lambda q: q.value <= high)


def _ge(field: str, values: list[Any]) -> Callable[[Model, Node], bool]:
    low = _one_number("$ge", values)
    return lambda model, node: _number(model, node, field, lambda q: q.value >= low)


def _contains(field: str, values: list[Any]) -> Callable[[Model, Node], bool]:
    words, most = _one_text("$contains", values).lower().split(), tables.service()["limits"]["words"]
    if not 0 < len(words) <= most:
        raise Refused(400, f"query.$contains must have 1 to {most} words.")

    def test(model: Model, node: Node) -> bool:
        return any(all(word in text.lower() for word in words) for text in _texts(model, node, field))

    return test


_OPERATORS = {
    "$in": _in,
    "$prefix": _prefix,
    "$eq": _eq,
    "$between": _between,
    "$le": _le,
    "$ge": _ge,
    "$contains": _contains,
}


def _one(name: str, values: list[Any]) -> Any:
    if len(values) != 1:
        raise Refused(400, f"query.{name} must have one value.")
    return values[0]


def _one_text(name: str, values: list[Any]) -> str:
    value = _one(name, values)
    if not isinstance(value, str):
        raise Refused(400, f"query.{name} must have a text.")
    return value


def _one_number(name: str, values: list[Any]) -> float:
    value = _one(name, values)
    if not _is_number(value):
        raise Refused(400, f"query.{name} must have a number.")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def _number(model: Model, node: Node, field: str, test: Callable[[Quantity], bool]) -> bool:
    found = model.numbers(node).get(field.removeprefix(_PREFIX)) if field.startswith(_PREFIX) else None
    return found is not None and test(found)


def _texts(model: Model, node: Node, field: str) -> list[str]:
    """What a field of an object says: one text, or none."""
    if field == "name":
        return [node.name]
    if field in _IDS:
        return [str(node.id) if field == "objectid" else node.external]
    if not field.startswith(_PREFIX):
        return []
    return [text for path, text in _flat(model.described(node)["properties"]) if path == field]


def _flat(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for key, value in properties.items():
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        found += [(_PREFIX + key + (f".{name}" if name else ""), text) for name, text in inner]
    return found


def _cut(one: dict[str, Any], fields: tuple[str, ...] | None) -> dict[str, Any]:
    """An object with the fields that are asked for only."""
    if fields is None:
        return one
    kept: dict[str, Any] = {key: one[key] for key in ("objectid", "name", "externalId") if key in fields}
    if "properties" in fields:
        return kept | {"properties": one["properties"]}
    paths = [field.removeprefix(_PREFIX) for field in fields if field.startswith(_PREFIX)]
    if not paths:
        return kept
    properties: dict[str, Any] = {}
    for key, value in one["properties"].items():
        if not isinstance(value, Mapping):
            if any(_fits(path, key) for path in paths):
                properties[key] = value
        elif inner := {k: v for k, v in value.items() if any(_fits(p, key, k) for p in paths)}:
            properties[key] = inner
    return kept | {"properties": properties}


def _fits(path: str, key: str, inner: str | None = None) -> bool:
    """Whether a field names a property: by its name, its start and a star, its category, or in any category."""
    if path.endswith("*") and not path.endswith(".*"):
        return key.startswith(path[:-1])
    if inner is None:
        return path in (key, "*")
    category, _, name = path.partition(".")
    return path == key or (category in (key, "*") and name in (inner, "*"))
