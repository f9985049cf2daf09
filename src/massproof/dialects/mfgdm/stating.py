"""Properties that are texts: what a file states of a component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from massproof.dialects.mfgdm.desk import Context
from massproof.dialects.mfgdm.subject import Subject


def text(context: Context, name: str, value: str | int | None) -> dict[str, Any]:
    """A property that is a text or a count."""
    row = context.desk.contract["served"]["definition"]
    return {
        "name": name,
        "displayValue": None if value is None else str(value),
        "value": value,
        "definition": {
            **row,
            "id": row["id"] + name.lower().replace(" ", "-"),
            "name": name,
            "localizedName": name,
            "specification": "INTEGER" if isinstance(value, int) else "STRING",
        },
    }


def base(
    context: Context, subject: Subject, filter: Mapping[str, Any] | None, pagination: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A page of what the file states of a component; what is not known, or not yet, is left out."""
    told = {
        "Material Name": subject.material(context),
        "Name": subject.name(context),
        "Part Number": subject.number(context),
    }
    rows = [(name, text(context, name, value)) for name, value in told.items() if value is not None]
    return context.page([row for row in rows if chosen(row[1], filter)], pagination, dict)


def chosen(one: Mapping[str, Any], filter: Mapping[str, Any] | None) -> bool:
    """Whether a filter of names and ids lets a property through."""
    given = filter or {}
    names, ids = given.get("names"), given.get("ids")
    return (names is None or one["name"] in names) and (ids is None or one["definition"]["id"] in ids)
