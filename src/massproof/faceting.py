"""Facets in place of curved surfaces: what a mesh of a part lacks of it, and whether that is all that differs.

A chord is shorter than its arc, whichever way a surface bends: the area of the mesh is the smaller one. Its volume is
smaller where the part is convex and larger where it is hollow, by at most what a layer as thick as the lack of area
times the size of the part holds: on a cylinder of radius r facets of the angle α lack α²/24 of the area and, of the
volume, α²/24 · 2 r of that area.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from massproof import figures
from massproof.causes import Cause
from massproof.figures import Figures
from massproof.mass import Errors
from massproof.rows import Between

_MOST = 0.1  # of the area: hexagons for circles lack 4.5 %
_TOUCHED = ("area", "volume", "mass", *figures.TENSOR, *figures.MOMENTS, *figures.LENGTHS)
_LOOSE = 0.05  # of what each property is relative to, beside which other causes are looked for


def tolerances(errors: Errors, found: Figures) -> dict[str, float]:
    """By how much facets can move each property of a side; errors : in metres, of unit density."""
    rho = found["mass"].value / found["volume"].value if "mass" in found and "volume" in found else 1.0
    sizes: dict[str, float] = {"area": errors.area, "volume": errors.volume, "mass": rho * errors.volume}
    groups = (
        (figures.CENTRE, errors.centre),
        (figures.LOW + figures.HIGH, errors.box),
        (figures.SIDES, 2 * errors.box),
        # Ixx is the sum of two second moments, Ixy one; the moments move by the norm of the change.
        (figures.DIAGONAL, 2 * rho * errors.second),
        (figures.PRODUCTS, rho * errors.second),
        (figures.MOMENTS, math.sqrt(18) * rho * errors.second),
    )
    sizes |= {name: size for names, size in groups for name in names}
    sizes |= {name: _of_radius(errors, found, name) for name in figures.RADII if name in found}
    return {name: size for name, size in sizes.items() if name in found}


def _of_radius(errors: Errors, found: Figures, name: str) -> float:
    """Of I = m k²: 2 δk/k is at most δI/I + δm/m."""
    volume, radius = found["volume"].value, found[name].value
    return (math.sqrt(18) * errors.second / (volume * radius) + errors.volume / volume * radius) / 2


def family(mesh: str) -> Callable[[Between], Iterator[Cause]]:
    """The cause, where one side alone, `mesh`, is made of facets."""

    def causes(between: Between) -> Iterator[Cause]:
        evidence = _signature(between, mesh)
        if evidence:
            shape = (
                "smaller, as of a convex part" if evidence["volume"] < 0 else "larger, as of a hollow part"
            )
            text = (
                f"faceting: {{{mesh}}} is a mesh, whose facets lack {evidence['area']:.2g} of the area; its volume "
                f"is {shape}, by {abs(evidence['volume']):.2g}"
            )
            yield Cause("faceting", "", 1.0, text, _smooth(mesh), evidence)

    return causes


def _smooth(mesh: str) -> Callable[[Figures, Figures], tuple[Figures, Figures]]:
    def rule(left: Figures, right: Figures) -> tuple[Figures, Figures]:
        exact, faceted = (right, left) if mesh == "left" else (left, right)
        known = {name: exact[name] for name in faceted if name in _TOUCHED and name in exact}
        new = dict(faceted) | known
        return (new, right) if mesh == "left" else (left, new)

    return rule


def _signature(between: Between, mesh: str) -> Mapping[str, float]:
    """What facets lack, relative; empty where that cannot be all."""
    faceted, exact = (between.left, between.right) if mesh == "left" else (between.right, between.left)
    if not all(name in between.common for name in ("area", "volume")) or not between.wrong & set(_TOUCHED):
        return {}
    area, volume = (faceted[name].value / exact[name].value - 1 for name in ("area", "volume"))
    layer = between.diagonal * exact["area"].value / exact["volume"].value
    lack = -area + between.bound("area").tolerance / exact["area"].value
    if not (-_MOST < area < 0 and abs(volume) <= lack * layer) or not _all(between, lack * max(layer, 1.0)):
        return {}
    return {"area": -area, "volume": volume}


def _all(between: Between, most: float) -> bool:
    """Whether every other property differs by so little; moments grow with the fifth power of length."""
    limits = dict.fromkeys(figures.TENSOR + figures.MOMENTS, 5 * most)
    return all(
        between.gap(name)
        <= limits.get(name, most) * between.bound(name).scale + between.bound(name).tolerance
        for name in between.wrong - {"area"}
    )


def loose(between: Between) -> Between:
    """The same sides beside tolerances that facets can hide in; of what they cannot move, the density, as before."""
    profile = replace(between.profile, relative=_LOOSE, density=between.profile.relative)
    return Between(between.left, between.right, profile, between.facets)
