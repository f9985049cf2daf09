"""Causes that mix up an inertia tensor: about another point, of another sign, in another order.

Parallel axes: I about a point at r from the centre is I about the centre + m (|r|² 1 − r rᵀ), Steiner's theorem.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import permutations, product

from massproof import figures, units
from massproof.causes import Cause, Rule, every, moments, on_right, scaled, stated, widened
from massproof.figures import PRODUCTS, TENSOR, Figures, Span
from massproof.rows import Between

# Units in which a density may have been left out: those of systems in which an inertia is written.
_OF_UNIT = (("kg/m^3", 0.1), ("g/cm^3", 0.05), ("g/mm^3", 0.02), ("kg/mm^3", 0.02), ("lb/in^3", 0.005))
_LOOSEST = 0.03  # of the difference of the moments: beyond, axes are not told
_TRANSPOSED = 1e-4  # prior of each of the 24 ways to order axes and their signs

# How six numbers of a symmetric tensor are put in a row.
_ORDERS = {
    "Ixx Iyy Izz Ixy Iyz Izx": ("xx", "yy", "zz", "xy", "yz", "zx"),
    "Ixx Ixy Ixz Iyy Iyz Izz (upper triangle, as in URDF)": ("xx", "xy", "zx", "yy", "yz", "zz"),
    "Ixx Ixy Iyy Ixz Iyz Izz (lower triangle)": ("xx", "xy", "yy", "zx", "yz", "zz"),
    "Ixx Iyy Izz Ixy Ixz Iyz (as in MuJoCo)": ("xx", "yy", "zz", "xy", "zx", "yz"),
    "Ixx Iyy Izz Iyz Ixz Ixy (Voigt)": ("xx", "yy", "zz", "yz", "zx", "xy"),
}


def mixed(between: Between) -> Iterator[Cause]:
    """Every way to mix up a tensor that both sides have."""
    if not between.wrong & {*TENSOR, *figures.MOMENTS}:
        return
    yield from _unit_volume(between)
    if not all(name in between.common for name in TENSOR):
        return
    yield from _about(between)
    yield _signs(between)
    yield from _packed(between)
    yield from _transposed(between)


def _unit_volume(between: Between) -> Iterator[Cause]:
    """An inertia of unit density beside one of the mass."""
    densities = sorted(
        {float(f"{rho:.3g}"): rho for rho in (*stated(between.left), *stated(between.right))}.values()
    )
    for rho, (unit, prior) in product(densities, _OF_UNIT):
        number = units.unit("kg/m^3").to(units.unit(unit), rho)
        if math.isclose(number, 1.0):
            continue
        for times, side in ((number, "right"), (1 / number, "left")):
            text = (
                f"inertia of the volume and not of the mass: that of {{{side}}} lacks the density, "
                f"{number:.6g} {unit}"
            )
            evidence = {"density": number, "unit": unit, "side": side}
            yield Cause("volume-inertia", f"{times:.3g}", prior, text, _weighed(times, between), evidence)


def _weighed(times: float, between: Between) -> Rule:
    """Times a density that is itself a number of the profile."""
    names = TENSOR + figures.MOMENTS
    one, two = scaled(every(names, times)), widened(names, between.profile.relative)
    return on_right(lambda found: two(one(found)))


def _about(between: Between) -> Iterator[Cause]:
    for sign, side in ((-1.0, "right"), (1.0, "left")):
        text = f"inertia about the origin: {{{side}}} has it about the origin, the other about the centre of mass"

        def change(found: Figures, sign: float = sign) -> Figures:
            return _shifted(found, between, sign)

        residual = _steiner(between.right, between)
        evidence = {"side": side, "parallel_axis": {n[-2:]: x for n, (x, _) in residual.items()}}
        if residual:
            yield Cause("inertia-about-origin", side, 0.15, text, on_right(change), evidence)


def _shifted(found: Figures, between: Between, sign: float) -> Figures:
    """The tensor about another point, and its moments where they were those of the tensor."""
    new = dict(found)
    for name, (value, size) in _steiner(found, between).items():
        # What is subtracted is as uncertain as what it is subtracted from: the tolerance of the sum.
        own = abs(found[name].value) + size
        new[name] = found[name].plus(sign * value, 2 * between.profile.relative * own + 1e-14 * own)
    return _with_moments(new, between)


def _with_moments(new: Figures, between: Between) -> Figures:
    """A changed tensor, and in place of principal moments that disagree its own."""
    if not between.wrong & set(figures.MOMENTS):
        return new
    return dict(new) | moments(new, between.profile.relative)


def _steiner(found: Figures, between: Between) -> dict[str, tuple[float, float]]:
    """m (|r|² 1 − r rᵀ) by entry, and a size that its error is relative to."""
    source = found if all(name in found for name in figures.CENTRE) else between.left
    mass = found.get("mass", between.left.get("mass"))
    if mass is None or not all(name in source for name in figures.CENTRE):
        return {}
    r = [source[name].value for name in figures.CENTRE]
    square = sum(x * x for x in r)
    values = {}
    for name in TENSOR:
        i, j = (figures.AXES.index(axis) for axis in name[-2:])
        values[name] = mass.value * ((square if i == j else 0.0) - r[i] * r[j])
    # A centre off by a part t of the diagonal moves every entry by up to 2 m |r| times that.
    size = mass.value * (square + 2 * square**0.5 * between.diagonal)
    return {name: (value, size) for name, value in values.items()}


def _signs(between: Between) -> Cause:
    text = "products of inertia of the other sign: one side has ∫ xy dm where the other has −∫ xy dm"

    def change(found: Figures) -> Figures:
        new = {name: span.times(-1.0) if name in PRODUCTS else span for name, span in found.items()}
        return _with_moments(new, between)

    return Cause("products-sign", "", 0.15, text, on_right(change))


@cache
def _slips() -> dict[tuple[int, ...], tuple[str, str]]:
    """Permutations of the six numbers: written in one order and read in another."""
    found: dict[tuple[int, ...], tuple[str, str]] = {}
    for (one, written), (two, read) in permutations(_ORDERS.items(), 2):
        # Where in the row that was read as `read` lies the number which was written as each entry.
        where = tuple(_index(read[written.index(name)]) for name in _ORDERS["Ixx Iyy Izz Ixy Iyz Izx"])
        found.setdefault(where, (one, two))
    return found


def _index(short: str) -> int:
    return TENSOR.index(f"inertia.{short}")


def _packed(between: Between) -> Iterator[Cause]:
    for where, (one, two) in _slips().items():
        text = f"entries of the inertia tensor in another order: {one} against {two}"
        evidence = {"orders": [one, two]}
        yield Cause("packed-tensor", str(where), 0.01, text, on_right(_reordered(where, between)), evidence)


def _reordered(where: tuple[int, ...], between: Between) -> Callable[[Figures], Figures]:
    def change(found: Figures) -> Figures:
        new = dict(found) | {name: found[TENSOR[where[k]]] for k, name in enumerate(TENSOR)}
        return _with_moments(new, between)

    return change


def _transposed(between: Between) -> Iterator[Cause]:
    """The principal axes as rows where columns were meant: A D Aᵀ for Aᵀ D A."""
    text = "transposed axes: one side turned the principal moments by the transpose of the matrix that the other took"
    import numpy as np

    xx, yy, zz, xy, yz, zx = (between.right[name].value for name in TENSOR)
    values, axes = np.linalg.eigh(np.array([[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]]))
    spread, least = float(values[2] - values[0]), float(np.diff(values).min())
    # Axes of a tensor that is off by t turn by up to t over the least difference of its moments.
    turn = 4 * between.profile.relative * float(values[2]) / least if least else math.inf
    half = spread * min(turn, _LOOSEST) + 3 * max(
        between.right[n].high - between.right[n].low for n in TENSOR
    )
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=2)):
        turned = (axes * np.array([*signs, 1.0]))[:, list(order)]
        other = turned.T @ np.diag(values[list(order)]) @ turned
        entries = [float(other[at]) for at in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))]
        new = {n: Span(x, x - half, x + half) for n, x in zip(TENSOR, entries, strict=True)}
        change = on_right(partial(_with, new))
        yield Cause("transposed-tensor", f"{order} {signs}", _TRANSPOSED, text, change)


def _with(new: Figures, found: Figures) -> Figures:
    return dict(found) | dict(new)
