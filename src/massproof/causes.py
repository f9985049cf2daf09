"""What a cause is: a rule that takes one side as it is to what it would be without the cause.

A rule is tried by comparing again; what agrees then, and did not before, speaks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from massproof import figures
from massproof.figures import Figures, Span
from massproof.rows import Between

Rule = Callable[[Figures, Figures], tuple[Figures, Figures]]


@dataclass(frozen=True, slots=True, eq=False)
class Cause:
    """One cause of a difference, tried."""

    code: str
    key: str  # what tells it from others of its code
    prior: float  # how often it is the cause of a difference, before any number is seen
    text: str  # {left} and {right} stand for the names of the sides
    rule: Rule  # both sides as they would be without it
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fitted: int = 0  # numbers that were fitted: as many rows agree by that alone


def on_right(change: Callable[[Figures], Figures]) -> Rule:
    """The rule that changes the right side only."""
    return lambda left, right: (left, change(right))


def scaled(names: Mapping[str, float]) -> Callable[[Figures], Figures]:
    """Each of some properties times a factor."""

    def change(found: Figures) -> Figures:
        return {name: span.times(names[name]) if name in names else span for name, span in found.items()}

    return change


def widened(names: Iterable[str], relative: float) -> Callable[[Figures], Figures]:
    """Some properties known to a relative error only, as after multiplying by a number that is off by it."""

    def change(found: Figures) -> Figures:
        half = {name: abs(found[name].value) * relative for name in names if name in found}
        return dict(found) | {name: found[name].plus(0.0, x) for name, x in half.items()}

    return change


def ratio(between: Between, name: str) -> float | None:
    """Left over right of a property, None where a side has none or it is not positive."""
    left, right = between.left.get(name), between.right.get(name)
    if left is None or right is None or not (left.value > 0 and right.value > 0):
        return None
    return left.value / right.value


def stated(found: Figures) -> list[float]:
    """What is stated as density, and mass by volume: what exists of them."""
    rho, mass, volume = (found.get(name) for name in ("density", "mass", "volume"))
    both = mass and volume and mass.value > 0 and volume.value > 0
    values = [rho.value if rho else 0.0, mass.value / volume.value if both and mass and volume else 0.0]
    return [value for value in values if value > 0]


def density(found: Figures) -> float | None:
    """The first of `stated`."""
    return next(iter(stated(found)), None)


def factor(between: Between, names: Iterable[str]) -> float | None:
    """What to multiply the right side by so that most of some properties agree, the first before the later ones."""
    # Multiplied, the right side is as large as the left, to whose size the tolerances then belong.
    own = Between(between.left, between.left, between.profile, between.facets)
    ends = []
    for name in names:
        if name not in between.common:
            continue
        left, right, slack = between.left[name], between.right[name], own.bound(name).tolerance
        if left.high < 0 and right.high < 0:
            left, right = left.times(-1.0), right.times(-1.0)
        if left.low > 0 and right.low > 0:
            ends.append((max(left.low - slack, 0.0) / right.high, (left.high + slack) / right.low))
    return _common(ends)


def shift(between: Between, names: Iterable[str]) -> float | None:
    """What to add to the right side so that most of some properties agree, the first before the later ones."""
    ends = []
    for name in names:
        left, right, slack = between.left[name], between.right[name], between.bound(name).tolerance
        ends.append((left.low - slack - right.high, left.high + slack - right.low))
    return _common(ends)


def _common(ends: Iterable[tuple[float, float]]) -> float | None:
    """The middle of what is common to intervals, those left out which would leave nothing."""
    low, high = -math.inf, math.inf
    for one, two in ends:
        if max(low, one) <= min(high, two):
            low, high = max(low, one), min(high, two)
    return (low + high) / 2 if math.isfinite(low) else None


def every(names: Iterable[str], factor: float) -> dict[str, float]:
    """The same factor for each name."""
    return dict.fromkeys(names, factor)


# How a property scales with length, all else of the body being the same matter: mass with the volume.
POWERS: dict[str, int] = {
    "area": 2,
    "volume": 3,
    "mass": 3,
    **dict.fromkeys(figures.LENGTHS, 1),
    **dict.fromkeys(figures.TENSOR + figures.MOMENTS, 5),
}
WEIGHED = ("mass", *figures.TENSOR, *figures.MOMENTS)


def moments(found: Figures, relative: float) -> dict[str, Span]:
    """Principal moments of the inertia tensor as it stands, whose entries are off by some part of it.

    Eigenvalues move by no more than the norm of the change (Weyl).
    """
    import numpy as np

    xx, yy, zz, xy, yz, zx = (found[name].value for name in figures.TENSOR)
    values = np.linalg.eigvalsh(np.array([[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]]))
    spans = [found[name] for name in figures.TENSOR]
    half = 3 * max(max(s.high - s.value, s.value - s.low) for s in spans)
    half += 3 * relative * max(abs(xx), abs(yy), abs(zz))
    return {n: Span(x, x - half, x + half) for n, x in zip(figures.MOMENTS, map(float, values), strict=True)}
