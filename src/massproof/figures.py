"""One result as a flat table: what is compared row by row, and what a cause is tried on.

Tensors and points are spread over their entries, so that a unit or a frame is a rule on names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from massproof.properties import Properties, Quantity

AXES = "xyz"
CENTRE = tuple(f"center_of_mass.{axis}" for axis in AXES)
SIDES = tuple(f"bounding_box.{side}" for side in ("length", "width", "height"))
LOW = tuple(f"bounding_box.min.{axis}" for axis in AXES)
HIGH = tuple(f"bounding_box.max.{axis}" for axis in AXES)
DIAGONAL = tuple(f"inertia.{axis}" for axis in ("xx", "yy", "zz"))
PRODUCTS = tuple(f"inertia.{axis}" for axis in ("xy", "yz", "zx"))
TENSOR = DIAGONAL + PRODUCTS
MOMENTS = tuple(f"principal_moments.{k}" for k in "123")
RADII = tuple(f"radii_of_gyration.{k}" for k in "123")
POSITIONS = CENTRE + LOW + HIGH
LENGTHS = POSITIONS + SIDES + RADII
SCALARS = ("area", "volume", "density", "mass")
# Every property that is compared, in the order of the rows.
NAMES = SCALARS + CENTRE + SIDES + LOW + HIGH + TENSOR + MOMENTS + RADII

_SYMBOLS = {
    "area": "m^2",
    "volume": "m^3",
    "density": "kg/m^3",
    "mass": "kg",
    "inertia": "kg*m^2",
    "principal_moments": "kg*m^2",
}


def unit(name: str) -> str:
    """The SI unit of a property."""
    return _SYMBOLS.get(name.partition(".")[0], "m")


class Span(NamedTuple):
    """A number and the interval that encloses it."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Span:
        """Every number of it times `factor`."""
        low, high = self.low * factor, self.high * factor
        return Span(self.value * factor, low, high) if factor > 0 else Span(self.value * factor, high, low)

    def plus(self, value: float, half: float = 0.0) -> Span:
        """The sum with a number that is known to `half`."""
        return Span(self.value + value, self.low + value - half, self.high + value + half)

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite."""
        return self.low > -math.inf and self.high < math.inf


Figures = Mapping[str, Span]  # name → number in SI; what does not exist is left out


def quantities(result: Properties) -> dict[str, Quantity]:
    """Every property of a result that exists, by its name in `NAMES`."""
    return dict(_quantities(result))


def _quantities(result: Properties) -> Iterator[tuple[str, Quantity]]:
    for name in NAMES:
        found: object = result
        for part in name.split("."):
            found = found[int(part) - 1] if isinstance(found, tuple) else getattr(found, part, None)
        if isinstance(found, Quantity):
            yield name, found


def figures(result: Properties) -> dict[str, Span]:
    """The same as plain numbers with their intervals, in SI."""
    return {name: Span(q.value, *q.interval) for name, q in quantities(result).items()}


def diagonal(found: Figures) -> float:
    """A length that the body has about as diagonal of its box, 0 where nothing tells.

    That of the box; without one that of the box with the same radii of gyration, in which the mean square
    distance from the centre is a twelfth of the squared diagonal; then that of the cube of the same volume,
    which no box around the body undercuts; then that of the cube of the same area.
    """
    if all(name in found for name in SIDES):
        return math.hypot(*(found[name].value for name in SIDES))
    if all(name in found for name in RADII):
        # The moments of a body add up to twice its second moment about the centre.
        return math.sqrt(6) * math.hypot(*(found[name].value for name in RADII))
    if "volume" in found:
        return math.sqrt(3) * math.cbrt(abs(found["volume"].value))
    if "area" in found:
        return math.sqrt(abs(found["area"].value) / 2)
    return 0.0


def second(found: Figures) -> tuple[float, float, float]:
    """∫ x² dm, ∫ y² dm and ∫ z² dm about the centre, from the diagonal of the inertia tensor.

    Of a tensor that no body has one may be negative: then zero.
    """
    xx, yy, zz = (found[name].value for name in DIAGONAL)
    half = (xx + yy + zz) / 2
    return max(half - xx, 0.0), max(half - yy, 0.0), max(half - zz, 0.0)
