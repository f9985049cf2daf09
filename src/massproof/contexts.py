"""Units of STEP files: what each geometric context says of lengths, angles and uncertainty."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any, NamedTuple

from massproof import units
from massproof.entities import Entities, Row, Typed
from massproof.errors import FormatError

_POWERS = {
    **{"EXA": 18, "PETA": 15, "TERA": 12, "GIGA": 9, "MEGA": 6, "KILO": 3, "HECTO": 2, "DECA": 1},
    **{"DECI": -1, "CENTI": -2, "MILLI": -3, "MICRO": -6, "NANO": -9, "PICO": -12, "FEMTO": -15, "ATTO": -18},
}
_PREFIXES = {name: Fraction(10) ** power for name, power in _POWERS.items()}
_ONE, _GRAM = Fraction(1), Fraction(1, 1000)
_CHAIN = 8  # units that may be defined by another, one after the other
_DEGREE = math.pi / 180
TYPES = ("CONTEXT_OF_PARTS", "GEOMETRIC_REPRESENTATION_CONTEXT", "GLOBAL_UNIT_ASSIGNED_CONTEXT")


class Measure(NamedTuple):
    """A unit of a file: what it measures, as the file says, and what one of it is in SI."""

    kind: str  # LENGTH_UNIT, PLANE_ANGLE_UNIT, …; "" where that is not written
    name: str  # MILLIMETRE, INCH
    factor: Fraction


class Context(NamedTuple):
    """What the numbers of a representation mean."""

    number: int
    length: Measure | None  # None: not written
    angle: Measure | None
    uncertainty: float | None  # distance below which points are one, in the context's unit of length
    space: bool  # whether it has three dimensions


def symbol(factor: Fraction) -> str | None:
    """Our name of the unit of length that is `factor` metres, None if we have none."""
    return next(
        (one.symbol for one in units.UNITS if one.dimension == "length" and one.factor == factor), None
    )


def read(entities: Entities, row: int, known: dict[int, Measure]) -> Context:
    """The geometric context that an instance defines.

    known : units that are read already, by row; those of this context are added

    Raises FormatError for a unit whose conversion factor is none, or that is defined by itself.
    """
    parts = entities.parts(row)
    assigned = _list(parts.get("GLOBAL_UNIT_ASSIGNED_CONTEXT"))
    measures = [measure(entities, one, known) for one in assigned if isinstance(one, Row)]
    length = next((one for one in measures if one.kind == "LENGTH_UNIT"), None)
    angle = next((one for one in measures if one.kind == "PLANE_ANGLE_UNIT"), None)
    values = [
        _uncertainty(entities, one, length, known)
        for one in _list(parts.get("GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT"))
        if isinstance(one, Row)
    ]
    dimensions = parts.get("GEOMETRIC_REPRESENTATION_CONTEXT") or [0]
    return Context(
        entities.number(row),
        length,
        angle,
        next((value for value in values if value is not None), None),
        dimensions[-1] == 3,
    )


def _list(arguments: list[Any] | None) -> list[Any]:
    """The list that is the last argument of a part, empty if it has none."""
    return arguments[-1] if arguments and isinstance(arguments[-1], list) else []


def _uncertainty(
    entities: Entities, row: Row, length: Measure | None, known: dict[int, Measure]
) -> float | None:
    value, unit = _quantity(entities, row)
    if value is None or not isinstance(unit, Row) or length is None:
        return None
    given = measure(entities, unit, known)
    if given.kind != "LENGTH_UNIT":
        return None
    return value if given is length else float(_written(value) * given.factor / length.factor)


def _written(value: float) -> Fraction:
    """What a file says, as a number in decimals that was read: 0.0254 is not the float nearest to it."""
    return Fraction(repr(value))


def _quantity(entities: Entities, row: int) -> tuple[float | None, Any]:
    """Value and unit of a measure, as it is written."""
    arguments = [one for part in entities.parts(row).values() for one in part]
    for value, unit in itertools.pairwise(arguments):
        number = value.value if isinstance(value, Typed) else value
        number = number[0] if isinstance(number, list) and len(number) == 1 else number
        if isinstance(number, float) and isinstance(unit, Row):
            return number, unit
    return None, None


def measure(entities: Entities, row: int, known: dict[int, Measure], chain: tuple[int, ...] = ()) -> Measure:
    """The unit that an instance defines.

    known : units that are read already, by row;  chain : rows of the units that it is to define

    Raises FormatError for a conversion factor that is none, or a unit that is defined by itself.
    """
    if row in known:
        return known[row]
    if row in chain or len(chain) == _CHAIN:
        ring = " > ".join(f"#{entities.number(one)}" for one in (*chain, row))
        msg = (
            f"STEP file with a unit that is defined by itself or by too many others: {ring}; export it again"
        )
        raise FormatError(msg)
    parts = entities.parts(row)
    kind = next((name for name in parts if name.endswith("_UNIT") and name not in _NOT_KINDS), "")
    if "CONVERSION_BASED_UNIT" in parts:
        name, factor = _converted(entities, row, parts["CONVERSION_BASED_UNIT"], known, (*chain, row))
        if kind == "PLANE_ANGLE_UNIT" and abs(float(factor) / _DEGREE - 1) < 1e-6:
            factor = Fraction(_DEGREE)  # files write it with 9 digits
    elif "SI_UNIT" in parts:
        prefix, base = (*parts["SI_UNIT"], None, None)[-4:-2]
        factor = _PREFIXES.get(str(prefix), _ONE)
        factor = factor * _GRAM if base == "GRAM" else factor
        name, kind = f"{prefix or ''}{base}", kind or _SI_KINDS.get(str(base), "")
    else:
        name, factor = "", Fraction(1)
    known[row] = Measure(kind, name, factor)
    return known[row]


_NOT_KINDS = {"NAMED_UNIT", "SI_UNIT", "CONVERSION_BASED_UNIT", "CONTEXT_DEPENDENT_UNIT", "DERIVED_UNIT"}
_SI_KINDS = {"METRE": "LENGTH_UNIT", "RADIAN": "PLANE_ANGLE_UNIT", "GRAM": "MASS_UNIT"}


def _converted(
    entities: Entities, row: int, arguments: list[Any], known: dict[int, Measure], chain: tuple[int, ...]
) -> tuple[str, Fraction]:
    """Name and factor of a unit that is so many of another."""
    name, quantity = (*arguments, None, None)[:2]
    value, unit = _quantity(entities, quantity) if isinstance(quantity, Row) else (None, None)
    if value is None or unit is None or value <= 0:
        found = "nothing" if not isinstance(quantity, Row) else entities.describe(quantity)
        shown = f"{float(value):g}" if value is not None else "no number"
        msg = (
            f"STEP file with a unit, {entities.describe(row)}, whose conversion factor, in {found}, is "
            f"{shown}, expected more than 0; export it again"
        )
        raise FormatError(msg)
    return str(name), _written(value) * measure(entities, int(unit), known, chain).factor
