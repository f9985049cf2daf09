"""Two numbers of one property: whether they agree, and within what.

Intervals that meet agree. Else the gap between them is held against a tolerance, the relative one of a profile
times what a property can be off by at most when every part of the body has that relative error:

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

from massproof import figures
from massproof.figures import Figures, Span
from massproof.profiles import Profile
from massproof.properties import Quantity

_SINGLE = 2.0**-23  # of a coordinate: two roundings to float32, of the place and of what is added to it


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


@dataclass(frozen=True, slots=True)
class Bound:
    """By how much the intervals of one property may miss each other, and what that is relative to."""

    tolerance: float
    scale: float
    of: str


class Bounds:
    """The tolerances between two results."""

    def __init__(self, profile: Profile, facets: Figures | None = None) -> None:
        """Those of a profile; facets : how far facets can move each property, for profiles that look at them."""
        self.profile, self._facets = profile, facets or {}

    def bound(self, name: str, left: Figures, right: Figures) -> Bound:
        """That of one property which both sides have."""
        a, b = left[name], right[name]
        size, rounding, of = max(abs(a.value), abs(b.value)), 0.0, "the value"
        if name in figures.POSITIONS:
            rounding, of = size * _SINGLE, "the diagonal of the box"
            sizes = [x for x in (figures.diagonal(left), figures.diagonal(right)) if x]
            size = min(sizes, default=0.0)
        elif name in figures.SIDES:
            rounding = _SINGLE * _reach(name, left, right)
        elif name in figures.PRODUCTS and all(n in x for n in figures.DIAGONAL for x in (left, right)):
            size, of = min(_product(name, left), _product(name, right)), "√(Sxx·Syy) of its axes"
        tolerance = self.profile.relative * size + rounding * self.profile.single
        if name in self._facets:
            tolerance += self._facets[name].high
        return Bound(tolerance, size, of)

    def agree(self, name: str, left: Figures, right: Figures) -> bool:
        """Whether a property that both sides have agrees, or is within its tolerance."""
        return _gap(left[name], right[name]) <= self.bound(name, left, right).tolerance

    def rows(
        self, left: Mapping[str, Quantity], right: Mapping[str, Quantity], why: Callable[[str, bool], str]
    ) -> list[Row]:
        """A row for every property that either side has; why : reason why a side, true: left, has none."""
        a, b = ({name: Span(q.value, *q.interval) for name, q in side.items()} for side in (left, right))
        found = []
        for name in figures.NAMES:
            if name in left and name in right:
                found.append(self._row(name, left[name], right[name], self.bound(name, a, b)))
            elif name in left or name in right:
                here = name in left
                found.append(_lonely(name, (left if here else right)[name], here, why(name, not here)))
        return found

    def _row(self, name: str, left: Quantity, right: Quantity, bound: Bound) -> Row:
        verdict, because = self._judged(name, left, right, bound)
        absolute = right.value - left.value
        relative = abs(absolute) / bound.scale if bound.scale else (math.inf if absolute else 0.0)
        tolerance = None if verdict is Outcome.INCOMPARABLE else bound.tolerance
        return Row(name, left, right, left.unit.symbol, absolute, relative, tolerance, because, verdict)

    def _judged(self, name: str, left: Quantity, right: Quantity, bound: Bound) -> tuple[Outcome, str]:
        a, b = (Span(q.value, *q.interval) for q in (left, right))
        if not (a.bounded and b.bounded):
            return Outcome.INCOMPARABLE, "not compared: an interval without an end meets everything"
        gap = _gap(a, b)
        if not gap:
            return Outcome.AGREE, _met(left, right)
        allowed = f"{self.profile.name}: {self._allowed(name, bound)}"
        if gap <= bound.tolerance:
            return Outcome.WITHIN, allowed
        return Outcome.DISAGREE, f"{allowed}; the intervals miss each other by {gap:.3g} {left.unit.symbol}"

    def _allowed(self, name: str, bound: Bound) -> str:
        """What the tolerance is, in words."""
        if name in self._facets:
            return "so far facets can be off"
        if not self.profile.relative:
            return "intervals alone"
        if not bound.scale:
            return f"no size is known that {self.profile.relative:g} could be of, so intervals alone"
        return f"{self.profile.relative:g} of {bound.of}"


def _reach(name: str, left: Figures, right: Figures) -> float:
    """The largest coordinate that a length of the box is a difference of."""
    k = figures.SIDES.index(name)
    ends = (figures.LOW[k], figures.HIGH[k], name)
    return max(abs(side[end].value) for side in (left, right) for end in ends if end in side)


def _product(name: str, found: Figures) -> float:
    seconds = figures.second(found)
    one, two = (figures.AXES.index(axis) for axis in name[-2:])
    return math.sqrt(seconds[one] * seconds[two])


def _gap(a: Span, b: Span) -> float:
    return max(0.0, a.low - b.high, b.low - a.high)


def _met(one: Quantity, two: Quantity) -> str:
    """Which interval reaches furthest, and mostly from what."""
    side, q = max((("left", one), ("right", two)), key=lambda each: each[1].interval[1] - each[1].interval[0])
    half = (q.interval[1] - q.interval[0]) / 2
    if not half:
        return "the same number"
    known = {cause: size for cause, size in q.budget.items() if size}
    cause = max(known, key=lambda k: known[k], default="rounding")
    return f"intervals meet; the wider one is ±{half:.2g} {q.unit.symbol}, {side}, mostly from {cause}"


def _lonely(name: str, only: Quantity, on_the_left: bool, why: str) -> Row:
    because = f"not compared: {'right' if on_the_left else 'left'} has none" + (f": {why}" if why else "")
    left, right = (only, None) if on_the_left else (None, only)
    return Row(name, left, right, only.unit.symbol, None, None, None, because, Outcome.INCOMPARABLE)
