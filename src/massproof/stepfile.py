"""One STEP file read whole: its shapes in one unit, its parts and where they are placed."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from massproof import part21, products, shapes
from massproof.brep import CONE, EXTRUSION, OFFSET, PLANE, REVOLUTION, Floats, Integers, Shapes
from massproof.errors import Note
from massproof.part21 import Entities
from massproof.products import Part


class Model(NamedTuple):
    """What a file holds. Placements and shapes are in the same unit of length, angles in radian."""

    shapes: Shapes
    parts: tuple[Part, ...]  # every solid and surface model once
    solids: dict[int, int]  # `row` of each part that is a solid: its row in `shapes.solids`
    surfaces: dict[
        int, tuple[tuple[int, int], ...]
    ]  # of each that is a surface: shells and their orientations
    unit: Fraction | None  # metres; None: the file has none
    declared: str
    problems: tuple[tuple[int, str], ...]  # number and reason of what is drawn and could not be read
    notes: tuple[Note, ...]
    entities: Entities


def read(data: bytes | memoryview) -> Model:
    """Read a STEP file.

    Raises FormatError for what `part21`, `shapes` and `products` refuse.
    """
    entities = part21.read(data)
    drawn = shapes.decode(entities)
    whole = products.read(entities)
    lengths, angles = _factors(drawn, whole.parts)
    table = in_one_unit(drawn.shapes, lengths, angles)
    return Model(
        *(table, whole.parts, drawn.solids, drawn.surfaces, whole.unit, whole.declared),
        *(drawn.problems, whole.notes, entities),
    )


def _factors(drawn: shapes.Decoded, parts: tuple[Part, ...]) -> tuple[Floats, Floats]:
    """By how much the lengths and the angles of each shell are to be multiplied."""
    lengths, angles = (np.ones(len(drawn.shapes.shells)) for _ in range(2))
    table = drawn.shapes
    for part in parts:
        shells = [shell for shell, _ in drawn.surfaces.get(part.row, ())]
        if part.row in drawn.solids:
            first, count, _ = table.solids[drawn.solids[part.row]]
            shells = table.solid_shells[first : first + count, 0].tolist()
        shells = [shell for shell in shells if shell >= 0]
        lengths[shells] = float(part.factor)
        if part.context and part.context.angle:
            angles[shells] = float(part.context.angle.factor)
    return lengths, angles


def in_one_unit(table: Shapes, lengths: Floats, angles: Floats) -> Shapes:
    """`table` with the lengths and angles of each shell multiplied by a factor of its own.

    lengths, angles : (H,) one for each shell; what shells share goes with the last of them
    """
    if (lengths == 1).all() and (angles == 1).all():
        return table
    turns = _of_surfaces(table, _of_faces(table, angles))
    numbers = table.surface_numbers.copy()
    cones = table.surfaces[:, 0] == CONE
    numbers[cones, 1] *= turns[cones]
    table = table._replace(surface_numbers=numbers)
    return table if (lengths == 1).all() else _scaled(table, _of_faces(table, lengths))


def _of_faces(table: Shapes, factors: Floats) -> Floats:
    """The factor of each face, from those of shells."""
    found = np.ones(len(table.faces))
    faces = table.shell_faces[:, 0]
    each = np.repeat(factors, table.shells[:, 1])
    found[faces[faces >= 0]] = each[faces >= 0]
    return found


def _of_surfaces(table: Shapes, factors: Floats) -> Floats:
    """The factor of each surface, from those of faces."""
    found = np.ones(len(table.surfaces))
    used = table.faces[:, 0]
    found[used[used >= 0]] = factors[used >= 0]
    offsets = np.flatnonzero(table.surfaces[:, 0] == OFFSET)
    for _ in range(16 if len(offsets) else 0):  # offsets of offsets, no longer a chain than is read
        found[table.surfaces[offsets, 11]] = found[offsets]
    return found


def _of_edges(table: Shapes, factors: Floats) -> Floats:
    """The factor of each edge, from those of faces."""
    found = np.ones(len(table.edges))
    loops = np.repeat(factors, table.faces[:, 3])
    order = np.concatenate([np.arange(a, a + n) for a, n in table.faces[:, 2:4].tolist()] or [np.arange(0)])
    for loop, factor in zip(order.tolist(), loops.tolist(), strict=True):
        first, count = table.loops[loop, :2]
        found[np.abs(table.uses[first : first + count]) - 1] = factor
    return found


def _scaled(table: Shapes, faces: Floats) -> Shapes:
    """`table` with all lengths multiplied by the factors of the faces that they belong to."""
    surfaces, edges = _of_surfaces(table, faces), _of_edges(table, faces)
    curves = np.ones(len(table.curves))
    drawn = table.edges[:, 0] >= 0
    curves[table.edges[drawn, 0]] = edges[drawn]
    swept = np.isin(table.surfaces[:, 0], (EXTRUSION, REVOLUTION))
    curves[table.surfaces[swept, 11]] = surfaces[swept]
    frames, controls = np.ones(len(table.frames)), np.ones(len(table.controls))
    for rows, factors in ((table.curves, curves), (table.surfaces, surfaces)):
        framed = rows[:, 1] >= 0
        frames[rows[framed, 1]] = factors[framed]
    for (first, count), factor in zip(table.curves[:, 3:5].tolist(), curves, strict=True):
        controls[first : first + count] = factor
    for (u, v, first), factor in zip(table.surfaces[:, 4:7].tolist(), surfaces, strict=True):
        controls[first : first + u * v] = factor
    return table._replace(
        frames=np.hstack([table.frames[:, :3] * frames[:, None], table.frames[:, 3:]]),
        curve_numbers=table.curve_numbers * curves[:, None],
        surface_numbers=_numbers(table, surfaces),
        controls=np.hstack([table.controls[:, :3] * controls[:, None], table.controls[:, 3:]]),
        edge_points=table.edge_points * edges[:, None],
    )


def _numbers(table: Shapes, factors: Floats) -> Floats:
    """Numbers of surfaces, of which angles and directions stay."""
    kinds: Integers = table.surfaces[:, 0]
    scales = np.ones((len(kinds), 4))
    scales[kinds != EXTRUSION] = factors[kinds != EXTRUSION, None]
    scales[kinds == CONE, 1] = 1
    scales[kinds == PLANE] = 1
    return table.surface_numbers * scales
