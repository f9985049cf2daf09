"""Tessellated parts of STEP files, measured as meshes are: what triangles enclose, and what is noticed of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from massproof import enclosure
from massproof.errors import Note
from massproof.mass import Array
from massproof.mesh import Mesh
from massproof.placed import Box, Definition

_UNKNOWN = ("tessellation", "file-precision")  # causes whose size a file does not tell
_OF_SOLIDS = ("open-edges", "inconsistent-winding", "nonmanifold-edges", "no-volume")  # of a surface no news


class Facetted(NamedTuple):
    """One tessellated part, in the unit of the file."""

    definition: Definition
    notes: tuple[Note, ...]
    bounded: bool  # whether a note is an assumption that the intervals do not prove


def measure(mesh: Mesh, solid: bool) -> Facetted:
    """What the triangles of a part define; solid : whether they shall enclose one.

    How far they are from the surface that they stand for is not known: the error of the cause `tessellation` is None.
    """
    found = enclosure.measure(mesh, "the part")
    definition = Definition(
        found.body if solid else None,
        found.area,
        {cause: one for cause, one in found.errors.items() if one or cause in _UNKNOWN},
        functools.partial(_box, mesh.vertices),
        unclosed=solid and found.body is None,
    )
    notes = tuple(note for note in found.notes if solid or note[0] not in _OF_SOLIDS)
    return Facetted(definition, notes, found.bounded and solid)


def _box(points: Array, matrix: Array) -> Box:
    """Tight corners after r -> matrix·r; the rounding of that is in what placing is said to add."""
    turned = points @ matrix.T
    return turned.min(axis=0), turned.max(axis=0), 0.0


def notes(numbers: Sequence[int], found: Sequence[Facetted]) -> list[Note]:
    """Findings of tessellated parts, each once: of the first part that has it, and how many do.

    numbers : of the instances that the parts are
    """
    told: dict[str, list[tuple[int, Note]]] = {}
    for number, one in zip(numbers, found, strict=True):
        for note in one.notes:
            told.setdefault(note[0], []).append((number, note))
    return [
        (
            code,
            f"{len(some)} of {len(found)} tessellated parts, the first #{some[0][0]}: {some[0][1][1]}",
            dict(some[0][1][2]) | {"parts": len(some), "number": some[0][0]},
        )
        for code, some in told.items()
    ]
