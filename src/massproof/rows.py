"""Two numbers of one property: whether they agree, and within what.

Intervals that meet agree. Else the gap between them is held against a tolerance, the relative one of a profile
times what a property can be off by at most when every part of the body has that relative error, on the side where
that is more:

* the integrals ∫ f dm with f ≥ 0 (area, volume, mass, moments of inertia) and what follows from them without
  cancellation (density, principal moments, radii, lengths of the box): themselves;
* a product of inertia, which vanishes for a symmetric body: √(Sxx Syy) ≥ ∫ |xy| dm, S the second moments, by
  Cauchy and Schwarz. It is no frame's favour: −tS ≤ δS ≤ tS holds in all frames or in none;
* a position, whose coordinates may be of any size far from the origin: the diagonal of the box, since the centre
  is a mean of places in it.

A service that computes in single precision adds a rounding of the coordinate itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from massproof import figures
from massproof.figures import Figures
from massproof.properties import Quantity

if TYPE_CHECKING:
    from massproof.profiles import Profile

_SINGLE = 2.0**-23  # of a coordinate: two roundings to float32, of the place and of what is added to it


_POSITIONS = frozenset(figures.POSITIONS)
_SIZES = ("area", "volume", *figures.SIDES, *figures.RADII)  # from which a diagonal is taken
MISS = "; the intervals miss each other by "  # in the reason of what disagrees, before the gap in SI
NOTHING: Mapping[str, float] = MappingProxyType({})


class Outcome(StrEnum):
    """How two numbers of one property, or two results, compare."""

    AGREE = "AGREE"  # the intervals meet
    WITHIN = "WITHIN"  # they do not, and the gap is within the tolerance
    DISAGREE = "DISAGREE"
    INCOMPARABLE = "INCOMPARABLE"  # there is nothing to compare with; the row says why


@dataclass(frozen=True, slots=True)
class Row:
    """One property on both sides, in SI."""

    name: str  # as in `figures.NAMES`
    left: Quantity | None
    right: Quantity | None
    unit: str  # symbol
    absolute: float | None  # right − left
    relative: float | None  # of what the tolerance is relative to: the value, or a size of the body
    tolerance: float | None  # in `unit`, by which the intervals may miss each other
    because: str  # where the verdict comes from
    verdict: Outcome


class Bound(NamedTuple):
    """By how much the intervals of one property may miss each other, and what that is relative to."""

    tolerance: float
    scale: float
    of: str


class Between:
    """Two sides with the tolerances between them."""

    def __init__(
        self, left: Figures, right: Figures, profile: Profile, facets: Mapping[str, float] = NOTHING
    ) -> None:
        """Compare by a profile; facets : by how much facets can move each property, where one side has them."""
        self.left, self.right, self.profile, self.facets = left, right, profile, facets
        self._before: Between | None = None

    def changed(self, left: Figures, right: Figures) -> Between:
        """The same with other numbers, of which those that are the same object are not compared again."""
        new = Between(left, right, self.profile, self.facets)
        new._before = self
        return new

    @cached_property
    def diagonal(self) -> float:
        """Size of the larger body, 0 where nothing tells."""
        return max(figures.diagonal(self.left), figures.diagonal(self.right))

    @cached_property
    def seconds(self) -> tuple[tuple[float, float, float], ...]:
        """Second moments of either side, where both have them."""
        sides = (self.left, self.right)
        known = all(name in side for name in figures.DIAGONAL for side in sides)
        return tuple(figures.second(side) for side in sides) if known else ()

    def bound(self, name: str) -> Bound:
        """That of one property which both sides have."""
        size = max(abs(self.left[name].value), abs(self.right[name].value))
        rounding, relative, of = 0.0, self.profile.relative, "the value"
        if name in _POSITIONS:
            rounding, size, of = size * _SINGLE, self.diagonal, "the diagonal of the box"
        elif name in figures.SIDES:
            rounding = _SINGLE * self._farthest(name)
        elif name in figures.PRODUCTS and self.seconds:
            size, of = self._product(name), "√(Sxx·Syy) of its axes"
        elif name == "density" and self.profile.density is not None:
            relative = self.profile.density
        tolerance = relative * size + rounding * self.profile.single
        return Bound(tolerance + self.facets.get(name, 0.0), size, of)

    def _farthest(self, name: str) -> float:
        """The largest coordinate that a length of the box is a difference of."""
        k = figures.SIDES.index(name)
        ends, sides = (figures.LOW[k], figures.HIGH[k], name), (self.left, self.right)
        return max(abs(side[end].value) for side in sides for end in ends if end in side)

    def _product(self, name: str) -> float:
        i, j = (figures.AXES.index(axis) for axis in name[-2:])
        return max(math.sqrt(side[i]) * math.sqrt(side[j]) for side in self.seconds)

    def gap(self, name: str) -> float:
        """By how much the intervals miss each other."""
        a, b = self.left[name], self.right[name]
        return max(0.0, a.low - b.high, b.low - a.high)

    def agree(self, name: str) -> bool:
        """Whether a property that both sides have agrees, or is within its tolerance."""
        return self.gap(name) <= self.bound(name).tolerance

    @cached_property
    def common(self) -> tuple[str, ...]:
        """What both sides have, with intervals that end."""
        left, right = self.left, self.right
        return tuple(
            n for n in figures.NAMES if n in left and n in right and left[n].bounded and right[n].bounded
        )

    @cached_property
    def wrong(self) -> frozenset[str]:
        """What disagrees."""
        before, known = self._before, set[str]()
        if before:
            known = {name for name in self.common if self._kept(before, name)}
            for sizes, names in ((_SIZES, _POSITIONS), (figures.DIAGONAL, figures.PRODUCTS)):
                if not known.issuperset(name for name in sizes if name in self.left or name in self.right):
                    known.difference_update(names)
        found = {name for name in self.common if name not in known and not self.agree(name)}
        return frozenset(found | (known & before.wrong if before else known))

    def _kept(self, before: Between, name: str) -> bool:
        return self.left[name] is before.left.get(name) and self.right[name] is before.right.get(name)

    def row(self, name: str, left: Quantity, right: Quantity) -> Row:
        """The row of a property that both sides have."""
        bound = self.bound(name)
        verdict, because = self._judged(name, left, right, bound)
        absolute = right.value - left.value
        relative = abs(absolute) / bound.scale if bound.scale else (math.inf if absolute else 0.0)
        tolerance = None if verdict is Outcome.INCOMPARABLE else bound.tolerance
        return Row(name, left, right, left.unit.symbol, absolute, relative, tolerance, because, verdict)

    def _judged(self, name: str, left: Quantity, right: Quantity, bound: Bound) -> tuple[Outcome, str]:
        if name not in self.common:
            return Outcome.INCOMPARABLE, "not compared: an interval without an end meets everything"
        gap = self.gap(name)
        if not gap:
            return Outcome.AGREE, _met(left, right)
        allowed = f"{self.profile.name}: {self._allowed(name, bound)}"
        if gap <= bound.tolerance:
            return Outcome.WITHIN, allowed
        return Outcome.DISAGREE, f"{allowed}{MISS}{gap:.3g} {left.unit.symbol}"

    def _allowed(self, name: str, bound: Bound) -> str:
        """What the tolerance is, in words."""
        if name in self.facets:
            return "so far facets can be off"
        if not self.profile.relative:
            return "intervals alone"
        if not bound.scale:
            return f"no size is known that {self.profile.relative:g} could be of, so intervals alone"
        return f"{self.profile.relative:g} of {bound.of}"


def table(
    between: Between,
    left: Mapping[str, Quantity],
    right: Mapping[str, Quantity],
    why: Callable[[str, bool], str],
) -> list[Row]:
    """A row for every property that either side has; why : reason why a side, true: the left one, has none."""
    found = []
    for name in figures.NAMES:
        one, two = left.get(name), right.get(name)
        if one is not None and two is not None:
            found.append(between.row(name, one, two))
        elif one is not None or two is not None:
            found.append(_lonely(name, one, two, why(name, one is None)))
    return found


def _met(one: Quantity, two: Quantity) -> str:
    """Which interval reaches furthest, and mostly from what."""
    side, q = max((("left", one), ("right", two)), key=lambda each: each[1].interval[1] - each[1].interval[0])
    half = (q.interval[1] - q.interval[0]) / 2
    if not half:
        return "the same number"
    known = {cause: size for cause, size in q.budget.items() if size}
    cause = max(known, key=lambda k: known[k], default="rounding")
    return f"intervals meet; the wider one is ±{half:.2g} {q.unit.symbol}, {side}, mostly from {cause}"


def _lonely(name: str, left: Quantity | None, right: Quantity | None, why: str) -> Row:
    unit = figures.unit(name)
    because = f"not compared: {'left' if left is None else 'right'} has none" + (f": {why}" if why else "")
    return Row(name, left, right, unit, None, None, None, because, Outcome.INCOMPARABLE)
