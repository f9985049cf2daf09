"""Our result as the `physicalProperties` object of the Manufacturing Data Model.

The object is the same in v2 and v3 of the API. What names and ids it carries is in contract.toml.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from massproof.properties import Properties, Quantity


@cache
def contract() -> dict[str, dict[str, str]]:
    """The table of names, units and ids, property by property."""
    return tomllib.loads(Path(__file__).with_name("contract.toml").read_text(encoding="utf-8"))


def physical_properties(result: Properties) -> dict[str, Any]:
    """The `physicalProperties` object; a property that does not exist is null.

    The work is done, so its status is COMPLETED whatever is absent: FAILED would have the vendor's
    clients submit it again.
    """
    box = result.bounding_box
    sides = ("length", "width", "height")
    return {
        "status": "COMPLETED",
        "area": _property("area", result.area),
        "volume": _property("volume", result.volume),
        "density": _property("density", result.density),
        "mass": _property("mass", result.mass),
        "boundingBox": {k: _property(k, getattr(box, k)) for k in sides} if box else None,
    }


def _property(name: str, quantity: Quantity | None) -> dict[str, Any] | None:
    if quantity is None:
        return None
    row = contract()[name]
    value = quantity.to(row["unit"]).value
    return {
        "name": row["definition_name"],
        "displayValue": repr(value),
        "value": value,
        "definition": {
            "name": row["definition_name"],
            "specification": row["specification"],
            "units": {"id": row["unit_id"], "name": row["unit_name"]},
        },
    }
