"""STEP entities → `brep.Shapes`: what the solids of a file are, in the numbers that it writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from massproof import composites, facets, replicas
from massproof.brep import OFFSET, PLANE, SPLINE, Floats, Integers, Shapes
from massproof.entities import Entities, Row
from massproof.errors import FormatError
from massproof.kernels import boundaries, carriers, placing
from massproof.kernels.schema import OF_CLASS

_SOLIDS = ("MANIFOLD_SOLID_BREP", "FACETED_BREP", "BREP_WITH_VOIDS", "SOLID_OF_PARTS")
_MODELS = ("SHELL_BASED_SURFACE_MODEL", "FACE_BASED_SURFACE_MODEL")
_SHELLS = ("OPEN_SHELL", "CLOSED_SHELL")
_REASONS = {
    placing.TYPE: "is of a type that is not read",
    placing.POINTS: "needs points in space, and has others",
    placing.AXES: "has an axis or direction that is none",
    placing.SIZE: "has a radius or angle that is not positive",
    placing.CONTROLS: "has control points that do not fit its degree",
    placing.KNOTS: "has knots that do not fit its control points",
    placing.WEIGHTS: "has weights that are not positive, or not one for each control point",
    placing.BASE: "is made of a curve or surface that is not read",
    placing.ENDLESS: "is made of itself",
    placing.EMPTY: "has no edges",
}


class Decoded(NamedTuple):
    """What a file draws, and where each of it is written."""

    shapes: Shapes
    solids: dict[int, int]  # row of each solid in the file, and in `shapes`
    surfaces: dict[int, tuple[tuple[int, int], ...]]  # row of each surface, its shells and orientations
    problems: dict[int, str]  # by row of the file, why what is needed could not be read
    face_rows: (
        Integers  # row in the file of each face's surface, or of what is in its place and could not be read
    )
    edge_rows: Integers  # the same of each edge's curve


class _Tables(NamedTuple):
    """Arrays that kernels fill for one file, by row of the file."""

    wanted: Any
    slots: Any
    reasons: Any


def decode(entities: Entities, angle: float | None = 1.0) -> Decoded:
    """Solids, shells, faces and all they are made of; lengths and half angles of cones as they are written.

    angle : radian of the unit of angles that trim curves; None if there are several

    Raises FormatError when loops are used so often that a file of its size cannot mean it.
    """
    count = len(entities)
    tables = _Tables(np.zeros(count, np.uint8), np.full(count, -1, np.int32), np.zeros(count, np.int8))
    edges, points = _edges(entities, tables)
    faces, loops, uses, shells, members = _faces(entities, tables)
    made = _carriers(entities, tables, angle)
    shapes = Shapes._make((*made, edges, points, uses, loops, faces, shells, members, *_no_solids()))
    edge_rows, face_rows = edges[:, 0].copy(), faces[:, 0].copy()
    odd = _linked(shapes, tables, face_rows)
    shapes = _polygons(entities, shapes, tables)
    solids, shapes = _solids(entities, shapes, tables.slots)
    models = _models(entities, tables.slots)
    problems = _problems(entities, tables.reasons, odd)
    return Decoded(shapes, solids, models, problems, face_rows, edge_rows)


def _file(entities: Entities) -> tuple[Any, ...]:
    """A file as kernels take it."""
    return entities.rows, len(entities), entities.kinds, entities.values, entities.checked


def _no_solids() -> tuple[Integers, Integers]:
    return np.zeros((0, 3), np.int64), np.zeros((0, 2), np.int64)


def _edges(entities: Entities, tables: _Tables) -> tuple[Integers, Floats]:
    size = entities.count("EDGE_CURVE")
    edges, points = np.zeros((size, 4), np.int64), np.zeros((size, 6))
    found = boundaries.edges(*_file(entities), tables.wanted, tables.slots, edges, points)
    return edges[:found], points[:found]


def _faces(entities: Entities, tables: _Tables) -> tuple[Integers, ...]:
    """Faces, loops and uses of edges; shells and the faces in them."""
    file, sizes = _file(entities), np.zeros(3, np.int64)
    boundaries.sizes(*file, sizes)
    bounds, ends, members = sizes.tolist()
    if bounds + ends > len(entities.kinds):  # a bound is of one face, an edge of one loop in one direction
        msg = (
            f"STEP file whose faces use {bounds} bounds with {ends} edges, more than "
            f"the {len(entities.kinds)} values that are written; export it again"
        )
        raise FormatError(msg)
    faces = np.zeros((_of_class(entities, "face"), 5), np.int64)
    loops, uses = np.zeros((bounds, 4), np.int64), np.zeros(ends, np.int64)
    found = boundaries.faces(*file, tables.wanted, tables.slots, faces, loops, uses, sizes)
    shells, within = np.zeros((_of_class(entities, "shell"), 3), np.int64), np.zeros((members, 2), np.int64)
    those = boundaries.shells(*file, tables.slots, shells, within)
    return faces[:found], loops[: sizes[0]], uses[: sizes[1]], shells[:those], within


def _of_class(entities: Entities, name: str) -> int:
    return entities.count(*OF_CLASS[name])


def _carriers(entities: Entities, tables: _Tables, angle: float | None) -> tuple[Any, ...]:
    """Frames, curves and surfaces with their numbers, control points and knots."""
    file, sizes = _file(entities), np.zeros(2, np.int64)
    wanted = [row for row in entities.of_type("COMPOSITE_CURVE") if tables.wanted[row]]
    for row in wanted:
        tables.wanted[list(composites.bases(entities, row))] = 1
    copies = [_copies(entities, tables, names) for names in (replicas.CURVES, replicas.SURFACES)]
    carriers.sizes(*file, tables.wanted, sizes)
    curves = np.zeros((_of_class(entities, "curve") + 1, 8), np.int64)
    surfaces = np.zeros((_of_class(entities, "surface") + 1, 12), np.int64)
    room = _of_class(entities, "frame") + _of_class(entities, "axis") + 1
    frames = np.zeros((room + sum(map(len, copies)), 12))
    curve_numbers, surface_numbers = np.zeros((len(curves), 6)), np.zeros((len(surfaces), 4))
    controls, knots = np.empty((sizes[0], 4)), np.empty(sizes[1])
    state = np.zeros(4, np.int64)
    carriers.curves(*file, *tables, frames, curves, curve_numbers, controls, knots, state)
    controls = _copied(entities, copies[0], tables, (frames, curves, curve_numbers, controls, knots, state))
    known = composites.Carriers(frames, curves, curve_numbers, controls, knots, angle)
    joined = _composites(entities, tables, known, int(state[1]), wanted)
    found, state[1] = state[1], 0
    carriers.surfaces(*file, *tables, frames, surfaces, surface_numbers, controls, knots, state)
    controls = _copied(
        entities, copies[1], tables, (frames, surfaces, surface_numbers, controls, knots, state)
    )
    curves, controls, knots = _with_composites(
        curves[:found], controls[: state[2]], knots[: state[3]], joined
    )
    return (
        *(frames[: state[0]], curves, curve_numbers[: len(curves)]),
        *(surfaces[: state[1]], surface_numbers[: state[1]], controls, knots),
    )


def _copies(entities: Entities, tables: _Tables, names: tuple[str, ...]) -> list[int]:
    """Rows of the copies and offsets that are wanted; what they are made of is wanted, too."""
    rows = [row for row in entities.of_type(*names) if tables.wanted[row]]
    if rows:
        tables.wanted[list(replicas.wanted(entities, rows, names))] = 1
    return [row for row in entities.of_type(*names) if tables.wanted[row]] if rows else []


def _copied(entities: Entities, rows: list[int], tables: _Tables, made: tuple[Any, ...]) -> Floats:
    """Control points, with those of the copies in `rows`, which are added to what is made so far."""
    arrays = replicas.Arrays(*made)
    replicas.make(entities, rows, tables.slots, tables.reasons, arrays)
    return arrays.controls


def _composites(
    entities: Entities, tables: _Tables, known: composites.Carriers, first: int, rows: list[int]
) -> list[tuple[int, Floats, Floats, bool]]:
    """Splines of the composite curves that can be joined, which get the slots after all other curves."""
    found: list[tuple[int, Floats, Floats, bool]] = []
    for row in rows:
        spline = composites.joined(entities, row, tables.slots, known)
        if spline is not None:
            tables.slots[row], tables.reasons[row] = first + len(found), 0
            found.append(spline)
    return found


def _with_composites(
    curves: Integers, controls: Floats, knots: Floats, joined: list[tuple[int, Floats, Floats, bool]]
) -> tuple[Integers, Floats, Floats]:
    """Curves, control points and knots with those of the composite curves after them."""
    if not joined:
        return curves, controls, knots
    rows = []
    for degree, points, vector, rational in joined:
        rows.append((SPLINE, -1, degree, len(controls), len(points), len(knots), len(vector), rational))
        controls, knots = np.concatenate([controls, points]), np.concatenate([knots, vector])
    return np.concatenate([curves, np.array(rows, np.int64)]), controls, knots


def _linked(shapes: Shapes, tables: _Tables, face_rows: Integers) -> list[int]:
    """Let edges, faces and offsets of `shapes` name rows of curves and surfaces instead of rows of the file.

    Returns the rows in the file of offsets whose base could not be read.
    """
    faces, surfaces = shapes.faces, shapes.surfaces
    if not carriers.link(tables.slots, tables.reasons, shapes.edges, faces, surfaces):
        return []
    offsets = np.flatnonzero(surfaces[:, 0] == OFFSET).tolist()
    bad = {i for i in offsets if surfaces[i, 11] < 0}
    while more := {i for i in offsets if int(surfaces[i, 11]) in bad} - bad:
        bad |= more
    lost = np.isin(faces[:, 0], list(bad))
    faces[lost, 0] = -1
    surfaces[list(bad)] = 0
    surfaces[list(bad), 0] = PLANE
    odd: list[int] = np.unique(face_rows[lost]).tolist()
    return odd


def _polygons(entities: Entities, shapes: Shapes, tables: _Tables) -> Shapes:
    """`shapes` whose polygons have edges, and planes where the file has none."""
    at = facets.places(shapes) if entities.count("POLY_LOOP") else ()
    if not len(at):
        return shapes
    tokens = entities.rows[shapes.uses[at], 2] + 3
    shapes = facets.with_sides(shapes, entities.values[tokens[:, None] + np.arange(3)])
    rows = entities.rows_of("FACE")
    bare = tables.slots[rows[(entities.checked[rows] == 1)]].astype(np.int64)
    return facets.with_planes(shapes, bare) if len(bare) else shapes


def _solids(entities: Entities, shapes: Shapes, slots: Any) -> tuple[dict[int, int], Shapes]:
    """Rows of `shapes` of all solids, and by their rows in the file."""
    solids: list[tuple[int, int, int]] = []
    members: list[tuple[int, int]] = []
    found: dict[int, int] = {}
    for row in entities.of_type(*_SOLIDS):
        outer, voids = _shells_of_solid(entities, row)
        found[row] = len(solids)
        shells = [outer, *voids]
        solids.append((len(members), len(shells), entities.number(row)))
        members += [_shell(entities, one, slots) for one in shells]
    rows, used = np.array(solids, np.int64).reshape(-1, 3), np.array(members, np.int64).reshape(-1, 2)
    return found, shapes._replace(solids=rows, solid_shells=used)


def _shells_of_solid(entities: Entities, row: int) -> tuple[Any, list[Any]]:
    """What a solid has as its outer shell and its voids."""
    if entities.is_complex(row):
        parts = entities.parts(row)
        outer, voids = (*parts["MANIFOLD_SOLID_BREP"], None)[0], parts.get("BREP_WITH_VOIDS")
        return outer, voids[0] if voids and isinstance(voids[0], list) else []
    arguments = entities.arguments(row)
    if entities.checked[row] != 1:
        return None, []
    return arguments[1], arguments[2] if len(arguments) > 2 else []


def _shell(entities: Entities, one: Any, slots: Any) -> tuple[int, int]:
    """A shell as a solid or a surface model names it: its row, −1 if it could not be read; its orientation."""
    if not isinstance(one, Row) or one < 0 or entities.checked[one] != 1:
        return -1, 1
    if "SHELL" in (name := entities.type(one)) and name.startswith("ORIENTED_"):
        _, _, shell, same = entities.arguments(one)
        return _shell(entities, shell, slots)[0], int(same)
    return int(slots[one]), 1


def _models(entities: Entities, slots: Any) -> dict[int, tuple[tuple[int, int], ...]]:
    """Shells of every surface model."""
    found = {
        row: tuple(_shell(entities, one, slots) for one in entities.arguments(row)[1])
        for row in entities.of_type(*_MODELS)
        if entities.checked[row] == 1
    }
    for row in entities.of_type(*_SHELLS):
        found[row] = (_shell(entities, Row(row), slots),)
    return found


def _problems(entities: Entities, reasons: Any, odd: Iterable[int]) -> dict[int, str]:
    """Why everything that is needed and could not be read could not, by its row in the file."""
    found = {}
    for row in np.flatnonzero(reasons).tolist():
        reason = int(reasons[row])
        known = reason == placing.ARGUMENTS
        found[row] = entities.problem(row) if known else f"{entities.describe(row)} {_REASONS[reason]}"
    for row in odd:
        found[row] = f"{entities.describe(row)} {_REASONS[placing.BASE]}"
    return found
