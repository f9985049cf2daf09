"""Densities that a STEP file states of its parts: which part has which, and which can be none.

Exporters label them with units that are none, or write one that no solid has; those are never taken. Source: CAx-IF
Recommended Practices for Material Identification and Density, 2.1: of a part, or of the raw material it is made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from massproof.entities import Entities, Row
from massproof.mass import Body, Errors, Measured, Weighted
from massproof.placed import Definition, Occurrence, Whole, whole
from massproof.stated import DENSITY, MATERIAL, Stated
from massproof.stepfile import Shown

_SOLID = 10.0, 25_000.0  # kg/m³: of foam and of osmium


def plausible(density: float) -> bool:
    """Whether a solid can have a density, in kg/m³."""
    return _SOLID[0] <= density <= _SOLID[1]


class Listed(NamedTuple):
    """What a file states of densities and materials, each once."""

    densities: list[float]  # kg/m³, ascending
    odd: list[float]  # as written, in units that are none of density
    materials: list[str]


def listed(stated: Sequence[Stated]) -> Listed:
    """All densities and materials."""
    told = [(one.value, one.factor) for one in stated if one.kind == DENSITY and isinstance(one.value, float)]
    return Listed(
        sorted({value * float(factor) for value, factor in told if factor}),
        sorted({value for value, factor in told if not factor}),
        sorted({str(one.value) for one in stated if one.kind == MATERIAL}),
    )


def applied(entities: Entities, stated: Sequence[Stated]) -> tuple[Stated, ...]:
    """What is stated, and of parts what is stated of the raw material that they are made from."""
    found = list(stated)
    if any(one.kind in (DENSITY, MATERIAL) for one in stated):
        for row in entities.of_type("MAKE_FROM_USAGE_OPTION"):
            made, raw = (*entities.arguments(row)[3:5], None, None)[:2]
            if isinstance(made, Row) and isinstance(raw, Row):
                found += [
                    one._replace(product=int(made), items=())
                    for one in found
                    if one.kind in (DENSITY, MATERIAL) and not one.items and one.product == raw
                ]
    return tuple(found)


def of_parts(stated: Iterable[Stated], parts: Iterable[Shown]) -> list[float | None]:
    """Density in kg/m³ that is stated of each part, or of its product; None where it is none or there are several.

    stated : as `applied` has it
    """
    told: dict[int, set[float]] = {}
    for one in stated:
        if one.kind == DENSITY and one.factor and isinstance(one.value, float):
            for owner in one.items or (one.product,):
                told.setdefault(owner, set()).add(one.value * float(one.factor))
    found = []
    for shown in parts:
        values = told.get(shown.part.row) or told.get(shown.part.product, set())
        found.append(next(iter(values)) if len(values) == 1 and plausible(min(values)) else None)
    return found


def heavy(
    definitions: Sequence[Definition], occurrences: Sequence[Occurrence], densities: Sequence[float | None]
) -> Whole | None:
    """What weighs as its parts do, in kg/m³ times the cube of the unit; None where one has no density or no volume."""
    used = {one.definition for one in occurrences}
    if any(densities[n] is None or definitions[n].body is None or definitions[n].unclosed for n in used):
        return None
    weighed = [_weighed(one, density or 0.0) for one, density in zip(definitions, densities, strict=True)]
    return whole(weighed, occurrences, solid=True)


def _weighed(one: Definition, density: float) -> Definition:
    errors = {
        cause: error and replace(error, volume=error.volume * density, second=error.second * density)
        for cause, error in one.errors.items()
    }
    return replace(one, body=one.body and one.body.scaled(density), errors=errors)


def weighted(measured: Measured, mass: Whole, densities: Iterable[float | None]) -> Measured:
    """What was measured, with the centre and second moment of its mass, as if all of it had the mean density.

    mass : the same as `heavy` makes it;  densities : of all its parts

    Errors of the mass go to the volume, so that its interval times the mean density holds the mass.
    """
    stated = tuple(sorted({one for one in densities if one}))
    body = measured.body
    assert body
    assert mass.body
    mean = mass.body.mass / body.mass
    most = stated[-1] / mean
    errors = {
        cause: error and _together(error, mass.errors.get(cause), mean, most)
        for cause, error in measured.errors.items()
    }
    made = Body(body.mass, mass.body.centre, mass.body.second / mean)
    off = sum(error.volume for error in errors.values() if error) / body.mass * mean
    return replace(measured, weighted=Weighted(made, errors, mean, off if len(stated) > 1 else 0.0, stated))


def _together(plain: Errors, mass: Errors | None, mean: float, most: float) -> Errors:
    """Errors of geometry, and of what has the mean density; most : of the density to its mean."""
    if mass is None:  # what is added to the whole and not to its parts
        return replace(
            plain, volume=plain.volume * most, centre=plain.centre * most, second=plain.second * most
        )
    volume = max(plain.volume, mass.volume / mean)
    return replace(plain, volume=volume, centre=mass.centre, second=mass.second / mean)
