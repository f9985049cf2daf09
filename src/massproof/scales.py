"""Causes that multiply: units, densities, bodies that count several times."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from itertools import permutations
from typing import Any

from massproof import figures, units
from massproof.causes import POWERS, WEIGHED, Cause, density, every, factor, on_right, ratio, scaled, stated
from massproof.rows import Between

# Pairs of length units that are taken for each other, with how often: what CAD systems and mesh formats use.
_PAIRS = (
    ("in", "mm", 0.1),
    ("m", "mm", 0.1),
    ("cm", "mm", 0.07),
    ("m", "cm", 0.05),
    ("in", "cm", 0.02),
    ("m", "in", 0.02),
    ("ft", "mm", 0.02),
    ("m", "ft", 0.02),
    ("ft", "in", 0.02),
    ("ft", "cm", 0.005),
    ("yd", "m", 0.002),
    ("yd", "ft", 0.002),
    ("m", "um", 0.005),
    ("cm", "um", 0.002),
    ("in", "um", 0.002),
    ("yd", "in", 0.002),
)  # fmt: skip

# What became of mass, density and inertia when the lengths were read in another unit: by how many powers of it
# each was changed, how often that happens, and what it means.
_VARIANTS = (
    (3, 0, 5, 1.0, ", and the mass follows from the volume"),
    (0, -3, 2, 0.2, ", and the mass was given"),
    (0, 0, 0, 0.05, ", of the shape alone"),
    (0, 0, 2, 0.03, ", and mass and density were given"),
)


def lengths(between: Between) -> Iterator[Cause]:
    """Lengths in one unit that were meant in another, where some ratio of numbers speaks for it."""
    seen = list(_roots(between))
    for k, names, prior in factors():
        if any(abs(k / root - 1) <= width for root, width in seen):
            yield from (_length(between, k, names, prior, variant) for variant in _VARIANTS)


def every_length(between: Between) -> Iterator[Cause]:
    """All pairs of units, whatever the ratios are; the mass follows from the volume."""
    return (_length(between, k, names, prior, _VARIANTS[0]) for k, names, prior in factors())


@cache
def factors() -> tuple[tuple[float, tuple[str, str], float], ...]:
    """Ratios of two units of length, the units, and how often they are taken for each other."""
    found = []
    for big, small, prior in _PAIRS:
        times = float(units.unit(big).factor / units.unit(small).factor)
        found += [(times, (big, small), prior), (1 / times, (small, big), prior)]
    return tuple(found)


def _roots(between: Between) -> Iterator[tuple[float, float]]:
    """The factor of length that each ratio would come from, and how well that can be told."""
    for name in between.wrong & set(POWERS):
        left, right = between.left[name].value, between.right[name].value
        if left * right > 0:
            for n in {POWERS[name], 2 if name in WEIGHED else POWERS[name]}:
                yield (left / right) ** (1 / n), _near(between, name)
    stated = ratio(between, "density")
    if stated and "density" in between.wrong:
        yield stated ** (-1 / 3), _near(between, "density")


_SHOWN = ("area", "volume", "density", "mass", *figures.SIDES, *figures.CENTRE, *figures.MOMENTS)


_Variant = tuple[int, int, int, float, str]


def _length(between: Between, k: float, names: tuple[str, str], prior: float, variant: _Variant) -> Cause:
    """{right} times k is {left}, to the power of each property."""
    mass, rho, inertia, share, what = variant
    powers = (
        POWERS | {"mass": mass, "density": rho} | dict.fromkeys(figures.TENSOR + figures.MOMENTS, inertia)
    )
    one, two = names
    shown = f"{max(k, 1 / k):g}"
    times = "times" if k > 1 else "of"
    part = shown if k > 1 else f"1/{shown}"
    text = (
        f"length unit, a factor {shown}ⁿ: lengths of {{left}} are {part} {times} those of {{right}}, areas and "
        f"volumes the square and cube of that: what is {one} to {{left}} is {two} to {{right}}{what}"
    )
    evidence = {
        "factor": k,
        "units": [one, two],
        "measured": {
            name: {"n": powers[name], "ratio": r}
            for name in _SHOWN
            if powers[name] and (r := ratio(between, name))
        },
    }
    change = scaled({name: k**n for name, n in powers.items() if n})
    return Cause("length-unit", f"{k:.6g}", prior * share, text, on_right(change), evidence)


_GROUPS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("area", ("area",), "area"),
    ("volume", ("volume",), "volume"),
    ("mass", ("mass",), "mass"),
    ("density", ("density",), "density"),
    ("centre of mass", figures.CENTRE, "length"),
    ("box", figures.SIDES + figures.LOW + figures.HIGH, "length"),
    ("inertia", figures.TENSOR + figures.MOMENTS, "inertia"),
    ("radii of gyration", figures.RADII, "length"),
)
_COMMON = {
    *("mm", "cm", "m", "in", "ft", "mm^2", "cm^2", "m^2", "in^2", "mm^3", "cm^3", "m^3", "in^3", "l"),
    *("kg", "g", "lb", "kg/m^3", "g/cm^3", "kg/cm^3", "kg/mm^3", "lb/ft^3", "lb/in^3"),
    *("kg*m^2", "kg*mm^2", "kg*cm^2", "g*mm^2", "g*cm^2", "lb*in^2"),
}


@cache
def _ratios(dimension: str) -> dict[float, tuple[float, str, str]]:
    """Ratios of two units of a dimension: how often they are exchanged, and their symbols."""
    found: dict[float, tuple[float, str, str]] = {}
    same = [unit for unit in units.UNITS if unit.dimension == dimension]
    for one, two in permutations(same, 2):
        prior = 3e-3 if {one.symbol, two.symbol} <= _COMMON else 1e-5
        key = float(one.factor / two.factor)
        if key != 1.0 and prior > found.get(key, (0.0, "", ""))[0]:
            found[key] = (prior, one.symbol, two.symbol)
    return found


def labels(between: Between) -> Iterator[Cause]:
    """One property whose number is in another unit than it says."""
    for label, names, dimension in _GROUPS:
        first = next((name for name in names if name in between.wrong), None)
        if first is None or not (between.left[first].value and between.right[first].value):
            continue
        measured = between.left[first].value / between.right[first].value
        for times, (prior, one, two) in _ratios(dimension).items():
            if abs(times / measured - 1) > _near(between, first):
                continue
            text = (
                f"mislabelled unit of the {label}, a factor {times:.6g}: what {{right}} gives as {two} is "
                f"{one}, or {{left}} the other way round"
            )
            evidence = {"factor": times, "measured": measured, "units": [one, two], "property": label}
            change = scaled(every(names, times))
            yield Cause("mislabelled-unit", f"{label} {times:.6g}", prior, text, on_right(change), evidence)


def _near(between: Between, name: str) -> float:
    """Relative width within which a ratio can be told: beyond it, no rule can make this property agree."""
    left, right = between.left[name], between.right[name]
    widths = [(span.high - span.low) / abs(span.value) for span in (left, right) if span.value]
    bound = between.bound(name)
    size = max(abs(left.value), abs(right.value))
    return 2 * sum(widths) + 4 * bound.tolerance / size + 1e-12


_PLAUSIBLE = 10.0, 25_000.0  # kg/m³, of foam and of osmium
_DEFAULTS = {1.0: "1 kg/m³", 1000.0: "1000 kg/m³, that of water", 7850.0: "7850 kg/m³, that of steel"}
_CUBIC_FOOT = (
    16.01846,
    16.018463373960138,
)  # kg/m³ in 1 lb/ft³: as the Rust crate `measurements` has it, and exact


def densities(between: Between, chosen: Collection[str] = ()) -> Iterator[Cause]:
    """The same shape of another matter."""
    one, two = density(between.left), density(between.right)
    names = ("density", *WEIGHED)
    if one is None or two is None or not between.wrong & set(names) or "volume" in between.wrong:
        return
    # What is stated as density may be wrong besides, and so may the inertia.
    fits = {times for order in (names, names[::-1]) if (times := factor(between, order))} or {one / two}
    for times in sorted(fits):
        code, prior, text, evidence = _of_density(between, chosen, one, two, times)
        for of, share in ((names, 1.0), (names[:2], 0.05)):
            change = on_right(scaled(every(of, times)))
            yield Cause(code, f"{times:.2g} of {len(of)}", prior * share, text, change, evidence, 1)


def _of_density(
    between: Between, chosen: Collection[str], one: float, two: float, times: float
) -> tuple[str, float, str, dict[str, Any]]:
    """Code, prior, text and evidence of two densities."""
    evidence: dict[str, Any] = {"left": one, "right": two, "factor": times}
    pound = _CUBIC_FOOT[0] / _CUBIC_FOOT[1]
    if min(abs(times - pound), abs(times - 1 / pound)) < 1e-9:
        return "pound-constant", 0.5, _POUND, evidence
    sensible = all(_PLAUSIBLE[0] <= rho <= _PLAUSIBLE[1] for rho in (one, two))
    evidence["materials"] = {"left": fitting(one), "right": fitting(two)}
    default = _default(between, chosen)
    text = f"{default}densities differ, volumes do not: {{left}} {_matter(one)}, {{right}} {_matter(two)}"
    prior = 0.3 if sensible or default else 1e-3
    return ("default-density" if default else "density"), prior, text, evidence


_POUND = (
    "constant of the unit lb/ft³: Zoo takes 16.01846 kg/m³, exactly it is 16.018463373960138; densities and masses "
    "are 2.1e-7 apart"
)


def _default(between: Between, chosen: Collection[str]) -> str:
    """Which side has a density that programs take when none is given, "" when none has."""
    width = max(2.5 * between.profile.relative, 1e-6)
    for side, found in (("right", between.right), ("left", between.left)):
        for usual, text in _DEFAULTS.items() if side not in chosen else ():
            if any(abs(rho / usual - 1) <= width for rho in stated(found)):
                return f"default density: {{{side}}} has {text}; "
    return ""


def _matter(rho: float) -> str:
    names = fitting(rho)
    return f"{rho:.6g} kg/m³" + (f" ({', '.join(names)})" if names else "")


def fitting(rho: float) -> list[str]:
    """Materials that have this density, the nearest first, at most three."""
    from massproof import materials

    rows = [row for row in materials.table() if row.low <= rho <= row.high]
    return [row.name for row in sorted(rows, key=lambda row: abs(row.density - rho))[:3]]


_MOST = 64  # times that a body counts


def counts(between: Between) -> Iterator[Cause]:
    """The whole body counted several times in the same place; an area alone may be that of any other surface."""
    names = ("area", "volume", *WEIGHED)
    if ratio(between, "volume") is None and ratio(between, "mass") is None:
        return
    for name in ("volume", "area", "mass"):
        measured = ratio(between, name)
        if measured is None or name not in between.wrong:
            continue
        times = round(max(measured, 1 / measured))
        if 2 <= times <= _MOST:
            by = float(times) if measured > 1 else 1 / times
            side = "left" if measured > 1 else "right"
            text = (
                f"counted {times} times: area, volume and mass of {{{side}}} are {times} times the other's, "
                "and no length is"
            )
            evidence = {"times": times, "side": side, "measured": measured}
            change = on_right(scaled(every(names, by)))
            yield Cause(
                "counted-twice" if times == 2 else "counted",
                f"{by:.6g}",
                0.1 / times**2,
                text,
                change,
                evidence,
            )


def family(chosen: Collection[str] = ()) -> Callable[[Between], Iterator[Cause]]:
    """All causes that multiply; chosen : sides whose density was named, and so is no default."""

    def causes(between: Between) -> Iterator[Cause]:
        for some in (lengths, labels, counts):
            yield from some(between)
        yield from densities(between, chosen)

    return causes
