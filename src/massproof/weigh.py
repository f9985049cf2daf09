"""From what was integrated to what is reported: file unit → SI, volume × density, errors → intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from massproof import units
from massproof.mass import Array, Body, Measured
from massproof.properties import Box, Inertia, Point, Principal, Quantity
from massproof.units import Unit


@dataclass(frozen=True, slots=True)
class Density:
    """A density in kg/m³ and the range of what is sold or written under its name."""

    value: float
    low: float
    high: float


_SI = units.system("SI")
_EXACTLY = Density(1.0, 1.0, 1.0)
_MOST = (2.0, 2.0, 2.0, 1.0, 1.0, 1.0)  # Ixx is the sum of two entries of the second moment, Ixy one negated


class Weighed:
    """The quantities of one measured geometry, in SI; None where a value does not exist."""

    def __init__(
        self, measured: Measured, length: Unit, density: Density | None, total: float | None
    ) -> None:
        """Weigh `measured`, whose coordinates are in `length`, by a density or by a total mass in kg."""
        self._measured, self._total, self._powers = measured, total, _powers(length.symbol)
        scale = float(length.factor) * (1 + 1e-15)
        self._errors = {k: e and e.scaled(scale) for k, e in measured.errors.items()}
        self._budgets: dict[tuple[str, float], tuple[dict[str, float | None], float]] = {}
        self.volume = None
        if measured.body:
            self.volume = self._plain(self._si([measured.body.mass], 3)[0], "volume", "volume")
        if total is not None and self.volume is not None:
            lo, hi = self.volume.interval
            value = total / self.volume.value
            density = Density(value, _down(total / hi), _up(total / lo) if lo > 0 else math.inf)
        self._density = density

    def quantities(self) -> dict[str, Any]:
        """Every geometric and mass property by its field name in `Properties`."""
        body, volume = self._measured.body, self.volume
        tensor = self._tensor(body) if body and volume else None
        return {
            "area": self._plain(self._si([self._measured.area], 2)[0], "area", "area"),
            "volume": volume,
            "density": self._density_quantity(),
            "mass": self._mass(),
            "center_of_mass": self._centre(body) if body else None,
            "bounding_box": self._box(),
            "inertia": self._inertia(tensor) if tensor is not None and self._density else None,
            "principal": self._principal(tensor, volume) if tensor is not None and volume else None,
        }

    def _si(self, values: Iterable[float], power: int) -> list[float]:
        return units.scale(values, self._powers[power])

    def _tensor(self, body: Body) -> Array:
        """The inertia tensor of unit density."""
        second = np.array(self._si(body.second.ravel().tolist(), 5)).reshape(3, 3)
        return Body(body.mass, body.centre, second).inertia()

    def _budget(self, field: str, factor: float = 1.0) -> tuple[dict[str, float | None], float]:
        """Half widths by cause of one field of `Errors`, and their sum; a cause that cannot touch it is left out."""
        known = self._budgets.get((field, factor))
        if known is None:
            found: dict[str, float | None] = {}
            for cause, errors in self._errors.items():
                size = None if errors is None else getattr(errors, field) * factor
                if size != 0.0:
                    found[cause] = size
            known = self._budgets[field, factor] = found, sum(x for x in found.values() if x)
        return known

    def _plain(self, value: float, dimension: str, field: str, factor: float = 1.0) -> Quantity:
        budget, half = self._budget(field, factor)
        return Quantity(value, _SI[dimension], _interval(value, half), budget.copy())

    def _centre(self, body: Body) -> Point:
        return Point(*self._lengths(self._si(body.centre.tolist(), 1), "centre"))

    def _lengths(self, values: Iterable[float], field: str, factor: float = 1.0) -> list[Quantity]:
        budget, half = self._budget(field, factor)
        return [Quantity(x, _SI["length"], _interval(x, half), budget.copy()) for x in values]

    def _box(self) -> Box:
        low, high = self._measured.low.tolist(), self._measured.high.tolist()
        ax, ay, az, bx, by, bz = self._lengths(self._si(low + high, 1), "box")
        sides = [units.difference(b, a, self._powers[1]) for a, b in zip(low, high, strict=True)]
        return Box(Point(ax, ay, az), Point(bx, by, bz), *self._lengths(sides, "box", 2.0))

    def _density_quantity(self) -> Quantity | None:
        rho = self._density
        if rho is None:
            return None
        spread = max(rho.value - rho.low, rho.high - rho.value)
        budget = {"density": spread} if spread else {}
        return Quantity(rho.value, _SI["density"], (rho.low, rho.high), budget)

    def _mass(self) -> Quantity | None:
        if self._total is not None:
            return Quantity(self._total, _SI["mass"], (self._total, self._total))
        if self.volume is None or self._density is None:
            return None
        return self._weighed(self.volume.value, self.volume.interval, "mass", self._budget("volume")[0])

    def _weighed(
        self,
        volume: float,
        interval: tuple[float, float],
        dimension: str,
        budget: Mapping[str, float | None],
    ) -> Quantity:
        """A quantity of unit density, which lies in `interval`, times the density, whose range widens it."""
        rho = self._density or _EXACTLY
        lo, hi = interval
        corners = lo * rho.low, lo * rho.high, hi * rho.low, hi * rho.high
        spread = abs(volume) * max(rho.value - rho.low, rho.high - rho.value)
        parts = {k: None if v is None else v * rho.value for k, v in budget.items()}
        if spread:
            parts["density"] = spread
        return Quantity(volume * rho.value, _SI[dimension], (_down(min(corners)), _up(max(corners))), parts)

    def _inertia(self, tensor: Array) -> Inertia:
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = tensor.tolist()
        entries = []
        for value, most in zip((xx, yy, zz, xy, yz, xz), _MOST, strict=True):
            budget, half = self._budget("second", most)
            entries.append(self._weighed(value, _interval(value, half), "inertia", budget))
        return Inertia(*entries)

    def _principal(self, tensor: Array, volume: Quantity) -> Principal:
        values, columns = np.linalg.eigh(tensor)
        # Weyl: eigenvalues move by no more than the norm of the change; √18 bounds that of a tensor
        # whose diagonal entries may be off by 2 and the others by 1. 64 ulps for eigh itself.
        budget, half = self._budget("second", 18**0.5)
        half += 64 * 2.0**-53 * float(np.abs(tensor).max())
        found = [(value, _interval(value, half)) for value in values.tolist()]
        axes = _right_handed(columns.T.tolist())
        a, b, c = (_radius(*one, volume) for one in found)
        if self._density is None:
            return Principal(axes, (a, b, c), None)
        one, two, three = (self._weighed(*one, "inertia", budget) for one in found)
        return Principal(axes, (a, b, c), (one, two, three))


@cache
def _powers(length: str) -> tuple[Fraction, ...]:
    """Factors to SI of what is in powers of a unit of length, from none to the fifth."""
    return tuple(units.unit(length).factor ** power for power in range(6))


def _interval(value: float, half: float) -> tuple[float, float]:
    return math.nextafter(value - half, -math.inf), math.nextafter(value + half, math.inf)


def _radius(moment: float, interval: tuple[float, float], volume: Quantity) -> Quantity:
    """√(I/V), a length whatever the density."""
    lo = math.sqrt(max(interval[0], 0.0) / volume.interval[1])
    hi = math.sqrt(max(interval[1], 0.0) / volume.interval[0]) if volume.interval[0] > 0 else math.inf
    value = math.sqrt(max(moment, 0.0) / volume.value)
    budget = {"volume and inertia": max(hi - value, value - lo)}
    return Quantity(value, _SI["length"], (max(_down(lo), 0.0), _up(hi)), budget)


def _right_handed(rows: list[list[float]]) -> tuple[tuple[float, float, float], ...]:
    """Rows with the largest component positive, the last one turned to make them right-handed."""
    (a, b, c), (d, e, f) = (_turned(row) for row in rows[:2])
    x, y, z = b * f - c * e, c * d - a * f, a * e - b * d
    return (a + 0.0, b + 0.0, c + 0.0), (d + 0.0, e + 0.0, f + 0.0), (x + 0.0, y + 0.0, z + 0.0)  # no -0.0


def _turned(row: list[float]) -> list[float]:
    return [-x for x in row] if max(row, key=abs) < 0 else row


def _down(x: float) -> float:
    return math.nextafter(x, -math.inf)


def _up(x: float) -> float:
    return math.nextafter(x, math.inf)
