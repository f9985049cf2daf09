"""From what was integrated to what is reported: file unit → SI, volume × density, errors → intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from massproof import units
from massproof.kernels.formulas import cross
from massproof.mass import Array, Body, Measured
from massproof.properties import Box, Inertia, Point, Principal, Quantity
from massproof.units import Unit


@dataclass(frozen=True, slots=True)
class Density:
    """A density in kg/m³ and the range of what is sold or written under its name."""

    value: float
    low: float
    high: float


class Weighed:
    """The quantities of one measured geometry, in SI; None where a value does not exist."""

    def __init__(
        self, measured: Measured, length: Unit, density: Density | None, total: float | None
    ) -> None:
        """Weigh `measured`, whose coordinates are in `length`, by a density or by a total mass in kg."""
        self._measured, self._total = measured, total
        self._factors = [length.factor**power for power in range(6)]
        scale = float(length.factor) * (1 + 1e-15)
        self._errors = {k: e and e.scaled(scale) for k, e in measured.errors.items()}
        self._body = self._in_si(measured.body) if measured.body else None
        self.volume = self._plain(self._body.mass, "volume", "volume") if self._body else None
        if total is not None and self.volume is not None:
            lo, hi = self.volume.interval
            value = total / self.volume.value
            density = Density(value, _down(total / hi), _up(total / lo) if lo > 0 else math.inf)
        self._density = density

    def quantities(self) -> dict[str, Any]:
        """Every geometric and mass property by its field name in `Properties`."""
        body = self._body
        return {
            "area": self._plain(self._si(self._measured.area, 2), "area", "area"),
            "volume": self.volume,
            "density": self._density_quantity(),
            "mass": self._mass(),
            "center_of_mass": self._point(body.centre, "centre") if body else None,
            "bounding_box": self._box(),
            "inertia": self._inertia(body) if body and self._density else None,
            "principal": self._principal(body, self.volume) if body and self.volume else None,
        }

    def _si(self, value: float | Fraction, power: int) -> float:
        return units.scale(value, self._factors[power])

    def _in_si(self, body: Body) -> Body:
        return Body(
            self._si(body.mass, 3),
            np.array([self._si(float(x), 1) for x in body.centre]),
            np.array([[self._si(float(x), 5) for x in row] for row in body.second]),
        )

    def _budget(self, field: str, factor: float = 1.0) -> dict[str, float | None]:
        """Half widths by cause of one field of `Errors`; a cause that cannot touch it is left out."""
        found: dict[str, float | None] = {}
        for cause, errors in self._errors.items():
            size = None if errors is None else getattr(errors, field) * factor
            if size != 0.0:
                found[cause] = size
        return found

    def _plain(self, value: float, dimension: str, field: str, factor: float = 1.0) -> Quantity:
        budget = self._budget(field, factor)
        return _quantity(value, dimension, budget, sum(x for x in budget.values() if x))

    def _point(self, coordinates: Array, field: str) -> Point:
        return Point(*(self._plain(float(x), "length", field) for x in coordinates))

    def _box(self) -> Box:
        low, high = (
            np.array([self._si(float(x), 1) for x in corner])
            for corner in (self._measured.low, self._measured.high)
        )
        sides = [
            self._plain(self._si(Fraction(b) - Fraction(a), 1), "length", "box", 2.0)
            for a, b in zip(self._measured.low, self._measured.high, strict=True)
        ]
        return Box(self._point(low, "box"), self._point(high, "box"), *sides)

    def _density_quantity(self) -> Quantity | None:
        rho = self._density
        if rho is None:
            return None
        spread = max(rho.value - rho.low, rho.high - rho.value)
        return Quantity(
            rho.value,
            units.unit("kg/m^3"),
            (rho.low, rho.high),
            {"density": spread} if spread else {},
        )

    def _mass(self) -> Quantity | None:
        if self._total is not None:
            return Quantity(self._total, units.unit("kg"), (self._total, self._total))
        if self.volume is None or self._density is None:
            return None
        return self._weighed(self.volume, "mass", self._budget("volume"))

    def _weighed(self, volume: Quantity, dimension: str, budget: Mapping[str, float | None]) -> Quantity:
        """A quantity of unit density times the density, whose range widens it."""
        rho = self._density or Density(1.0, 1.0, 1.0)
        value = volume.value * rho.value
        corners = [x * d for x in volume.interval for d in (rho.low, rho.high)]
        spread = abs(volume.value) * max(rho.value - rho.low, rho.high - rho.value)
        parts = {k: None if v is None else v * rho.value for k, v in budget.items()}
        if spread:
            parts["density"] = spread
        return Quantity(
            value,
            units.unit(units.SYSTEMS["SI"][dimension]),
            (_down(min(corners)), _up(max(corners))),
            parts,
        )

    def _inertia(self, body: Body) -> Inertia:
        tensor = body.inertia()
        entries = []
        for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)):
            # Ixx is the sum of two entries of the second moment, Ixy the negative of one.
            budget = self._budget("second", 2.0 if i == j else 1.0)
            half = sum(x for x in budget.values() if x)
            entries.append(
                self._weighed(_quantity(float(tensor[i, j]), "inertia", {}, half), "inertia", budget)
            )
        return Inertia(*entries)

    def _principal(self, body: Body, volume: Quantity) -> Principal:
        tensor = body.inertia()
        values, columns = np.linalg.eigh(tensor)
        axes = _right_handed(columns.T)
        # Weyl: eigenvalues move by no more than the norm of the change; √18 bounds that of a tensor
        # whose diagonal entries may be off by 2 and the others by 1. 64 ulps for eigh itself.
        budget = self._budget("second", 18**0.5)
        own = 64 * 2.0**-53 * float(np.abs(tensor).max())
        half = sum(x for x in budget.values() if x) + own
        a, b, c = (_quantity(float(x), "inertia", {}, half) for x in values)
        radii = (_radius(a, volume), _radius(b, volume), _radius(c, volume))
        if self._density is None:
            return Principal(axes, radii, None)
        one, two, three = (self._weighed(q, "inertia", budget) for q in (a, b, c))
        return Principal(axes, radii, (one, two, three))


def _quantity(value: float, dimension: str, budget: Mapping[str, float | None], half: float) -> Quantity:
    si = units.unit(units.SYSTEMS["SI"][dimension])
    return Quantity(value, si, (_down(value - half), _up(value + half)), budget)


def _radius(moment: Quantity, volume: Quantity) -> Quantity:
    """√(I/V), a length whatever the density."""
    lo = math.sqrt(max(moment.interval[0], 0.0) / volume.interval[1])
    hi = math.sqrt(max(moment.interval[1], 0.0) / volume.interval[0]) if volume.interval[0] > 0 else math.inf
    value = math.sqrt(max(moment.value, 0.0) / volume.value)
    budget = {"volume and inertia": max(hi - value, value - lo)}
    return Quantity(value, units.unit("m"), (max(_down(lo), 0.0), _up(hi)), budget)


def _right_handed(rows: Array) -> tuple[tuple[float, float, float], ...]:
    """Rows with the largest component positive, the last one turned to make them right-handed."""
    first, second = (row * np.sign(row[np.argmax(np.abs(row))]) for row in rows[:2])
    turned = np.array([first, second, cross(first[None], second[None])[0]]) + 0.0  # no -0.0
    return tuple((float(x), float(y), float(z)) for x, y, z in turned)


def _down(x: float) -> float:
    return math.nextafter(x, -math.inf)


def _up(x: float) -> float:
    return math.nextafter(x, math.inf)
