"""Conversion of units, one number at a time, exactly and then rounded once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from massproof import units
from massproof.dialects.zoo.forms import PATH, variant
from massproof.dialects.zoo.profiles import Profile, table
from massproof.dialects.zoo.shapes import contract

_OWN = ("length", "area", "volume", "mass")  # whose factors are in `units`
_ANGLES = {"degrees": math.radians, "radians": math.degrees}


def kinds() -> list[str]:
    """What can be converted."""
    return sorted((*_OWN, "angle", *table()["quantities"]))


def words(kind: str, profile: Profile) -> list[str]:
    """The units of a kind."""
    if kind == "angle":
        return list(_ANGLES)
    return profile.words(kind) if kind in _OWN else sorted(table()["quantities"][kind])


def converted(
    kind: str, source: str, target: str, value: float, profile: Profile
) -> tuple[float | None, str]:
    """`value` in another unit and "", or None and why there is none.

    Raises Refused, 400, for a kind or unit that there is not.
    """
    variant(kind, kinds(), PATH)
    known = words(kind, profile)
    variant(source, known, PATH), variant(target, known, PATH)
    if kind == "angle":
        found = value if source == target else _ANGLES[source](value)
    elif kind in _OWN:
        found = _exact(value, units.unit(source, kind).factor, units.unit(target, kind).factor)
    else:
        old, new = (_fraction(table()["quantities"][kind][name]) for name in (source, target))
        found = _exact(
            value, old, new, *(_fraction(table()["zeros"].get(name, "0")) for name in (source, target))
        )
    if math.isfinite(found):
        return found, ""
    return None, f"{value!r} {source} is too large to be written in {target}; ask for a larger unit"


def _exact(
    value: float, old: Fraction, new: Fraction, zero: Fraction = Fraction(), other: Fraction = Fraction()
) -> float:
    """The decimal number that `value` is printed as, in a unit of another size and zero; infinite beyond doubles."""
    try:
        return float((Fraction(repr(value)) * old + zero - other) / new)
    except OverflowError:
        return math.inf


def _fraction(text: str) -> Fraction:
    """A decimal, or one by another."""
    top, _, bottom = text.partition("/")
    return Fraction(top) / Fraction(bottom or "1")


def answer(
    kind: str, source: str, target: str, value: float, profile: Profile, head: Mapping[str, Any]
) -> dict[str, Any]:
    """The answer of the endpoint; head : its common fields, of a call that is complete."""
    found, why = converted(kind, source, target, value, profile)
    state = {"status": contract()["status"]["failed"], "error": why} if why else {}
    output = {} if found is None else {"output": found}
    return {**head, **state, "input": value, "input_unit": source, **output, "output_unit": target}
