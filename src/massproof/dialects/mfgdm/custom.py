"""Custom properties: values that clients set of components, kept by the service.

A definition is made by the first value that is set under its id, and says ever after which kind of value it takes:
what has one id has one content, as normalising caches assume.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from massproof.dialects.mfgdm.desk import Context
from massproof.dialects.mfgdm.queries import wrong
from massproof.dialects.mfgdm.stating import chosen

_VALUES, _DEFINITIONS = "mfgdm.custom", "mfgdm.definitions"
_NAME, _TEXT, _MOST = 200, 10_000, 1000  # characters of an id, of a value; properties of one component
_LARGEST = 1e300  # a number
_LOCK = threading.Lock()


def page(context: Context, file: str, part: str, filter: Any, pagination: Any) -> dict[str, Any]:
    """A page of what has been set of a component, by name."""
    context.block()
    found = context.desk.service.records.get(_VALUES, f"{file}/{part}") or {}
    rows = [(id, written(id, found[id], context)) for id in sorted(found)]
    return context.page([row for row in rows if chosen(row[1], filter)], pagination, dict)


def assign(
    context: Context, file: str, part: str, inputs: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Set or clear values of a component; raises Refused, and changes nothing, when one of them cannot be."""
    context.block()
    with _LOCK:
        records, key = context.desk.service.records, f"{file}/{part}"
        values = records.get(_VALUES, key) or {}
        for one in inputs:
            id = one["propertyDefinitionId"]
            if not 0 < len(id) <= _NAME:
                wrong(f"the id of a property has {len(id)} characters; 1 to {_NAME} are kept")
            if one.get("shouldClear"):
                values.pop(id, None)
            else:
                values[id] = _checked(context, id, one.get("value"))
        if len(values) > _MOST:
            wrong(f"a component would have {len(values)} custom properties; at most {_MOST} are kept")
        for id, value in values.items():
            records.put(_DEFINITIONS, id, kind_of(value), once=True)
        records.put(_VALUES, key, values)
    told = dict.fromkeys(one["propertyDefinitionId"] for one in inputs)
    return [written(id, values[id], context) for id in told if id in values]


def _checked(context: Context, id: str, value: Any) -> Any:
    kind = kind_of(value)
    if kind == "":
        wrong(f"{id} takes text of at most {_TEXT} characters, a number, true or false")
    known = context.desk.service.records.get(_DEFINITIONS, id)
    if known not in (None, kind):
        wrong(f"{id} takes a {known}, as it was first set; this value is a {kind}")
    return value


def kind_of(value: Any) -> str:
    """The specification of a value, "" for what is none."""
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, (int, float)):
        return "FLOAT" if abs(value) < _LARGEST else ""  # which neither infinity nor NaN is
    return "STRING" if isinstance(value, str) and len(value) <= _TEXT else ""


def written(id: str, value: Any, context: Context) -> dict[str, Any]:
    """A custom property as the API says it."""
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else repr(value)
    return {
        "name": id,
        "displayValue": text,
        "value": value,
        "definition": {
            **context.desk.contract["served"]["definition"],
            "id": id,
            "name": id,
            "localizedName": id,
            "specification": kind_of(value),
            "isReadOnly": False,
        },
    }
