"""Bodies that one side lacks, or counts more often than the other: which ones, from the volume that is missing.

Every other property then follows from the bodies that are left, and has to agree too.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np

from massproof import figures
from massproof.causes import Cause, moments, stated
from massproof.figures import Figures, Span
from massproof.members import Member, together
from massproof.rows import Between

_TRIED = 20_000  # subsets; of more, some fit any number
_TIMES = 16  # that a body counts
_NAMED = 4  # bodies in a sentence


def family(left: Sequence[Member], right: Sequence[Member]) -> Callable[[Between], Iterator[Cause]]:
    """Causes from the bodies of either side, where they are known."""

    def causes(between: Between) -> Iterator[Cause]:
        if "volume" not in between.wrong:
            return
        for parts, side in ((left, "left"), (right, "right")):
            yield from _missing(between, parts, side)
            yield from _repeated(between, parts, side)

    return causes


def _missing(between: Between, parts: Sequence[Member], side: str) -> Iterator[Cause]:
    """Bodies of `side` that the other lacks."""
    own = getattr(between, side)["volume"].value
    other = "right" if side == "left" else "left"
    wanted = own - getattr(between, other)["volume"].value
    chosen = list(_subsets(parts, wanted, _slack(between)))
    for some in chosen:
        rest = [one for k, one in enumerate(parts) if k not in some]
        names = [parts[k].name for k in some]
        text = f"missing bodies: {{{other}}} lacks {_listed(names)} of the {len(parts)} bodies of {{{side}}}"
        evidence = {"missing": names, "of": len(parts), "volume": wanted, "side": other}
        prior = 0.2 / max(len(chosen), len(parts))
        yield Cause("missing-bodies", f"{side} {some}", prior, text, _rule(side, [*parts], rest), evidence)


def _slack(between: Between) -> float:
    spans = (between.left["volume"], between.right["volume"])
    return between.bound("volume").tolerance + sum(span.high - span.low for span in spans)


def _subsets(parts: Sequence[Member], wanted: float, slack: float) -> Iterator[tuple[int, ...]]:
    """Numbers of bodies whose volumes add up to what is wanted, the fewest first; never all."""
    volumes = [one.body.mass for one in parts]
    tried = 0
    for count in range(1, len(parts)):
        tried += math.comb(len(parts), count - 1)
        if tried > _TRIED or wanted <= slack:
            return
        yield from _of_size(volumes, count, wanted, slack)


def _of_size(volumes: Sequence[float], count: int, wanted: float, slack: float) -> Iterator[tuple[int, ...]]:
    """All but the last are chosen in turn, the last one is looked up."""
    order = sorted(range(len(volumes)), key=lambda k: volumes[k])
    sizes = [volumes[k] for k in order]
    for some in combinations(range(len(volumes)), count - 1):
        left = wanted - sum(volumes[k] for k in some)
        for at in range(bisect_left(sizes, left - slack), bisect_right(sizes, left + slack)):
            last = order[at]
            if not some or last > some[-1]:
                yield (*some, last)


def _repeated(between: Between, parts: Sequence[Member], side: str) -> Iterator[Cause]:
    """Bodies of `side` that the other counts several times."""
    own = getattr(between, side)["volume"].value
    other = "right" if side == "left" else "left"
    more = getattr(between, other)["volume"].value - own
    for k, one in enumerate(parts):
        times = round(more / one.body.mass)
        if 1 <= times < _TIMES and abs(more - times * one.body.mass) <= _slack(between):
            text = f"counted {times + 1} times: {{{other}}} counts {one.name} of {{{side}}} so often"
            evidence = {"body": one.name, "times": times + 1, "side": other}
            rule = _rule(side, [*parts], [*parts, *[one] * times])
            yield Cause(
                "counted-twice" if times == 1 else "counted",
                f"{side} {k}",
                0.1 / len(parts),
                text,
                rule,
                evidence,
            )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _rule(
    side: str, before: list[Member], after: list[Member]
) -> Callable[[Figures, Figures], tuple[Figures, Figures]]:
    """The side with bodies that `after` lists instead of those of `before`; densities are taken to be alike."""

    def rule(left: Figures, right: Figures) -> tuple[Figures, Figures]:
        if side == "left":
            return _replaced(left, before, after), right
        return left, _replaced(right, before, after)

    return rule


def _replaced(found: Figures, before: list[Member], after: list[Member]) -> Figures:
    old, new = (_numbers(found, together(parts)) for parts in (before, after))
    # What is the same is left as it was measured; else the interval is as wide, relative to its size.
    return {
        name: span if new.get(name) == old.get(name) else _like(span, new[name])
        for name, span in found.items()
        if name in new
    }


def _like(span: Span, value: float) -> Span:
    half = (span.high - span.low) / 2
    grown = half * max(1.0, abs(value / span.value)) if span.value else half
    return Span(value, value - grown, value + grown)


def _numbers(found: Figures, one: Member) -> dict[str, float]:
    """Every property of a body, its density that of the side."""
    rho = next(iter(stated(found)), 1.0)
    body = one.body.scaled(rho)
    tensor = body.inertia()
    entries = (tensor[at] for at in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)))
    known = dict(zip(figures.TENSOR, map(float, entries), strict=True))
    spans = {name: Span(x, x, x) for name, x in known.items()}
    own = [span.value for span in moments(spans, 0.0).values()]
    radii = np.sqrt(np.maximum(own, 0.0) / body.mass)
    groups = (
        (("area", "volume", "mass"), (one.area, one.body.mass, body.mass)),
        (figures.CENTRE, body.centre),
        (figures.SIDES, one.high - one.low),
        (figures.LOW, one.low),
        (figures.HIGH, one.high),
        (figures.MOMENTS, own),
        (figures.RADII, radii),
    )
    flat = {name: float(x) for names, values in groups for name, x in zip(names, values, strict=True)}
    density = {"density": found["density"].value} if "density" in found else {}
    return flat | known | density
