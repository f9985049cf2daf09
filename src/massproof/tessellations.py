"""Tessellated shapes of STEP files as triangles that share vertices.

Terms and rules of ISO 10303-42:2019, clause 6, and of the CAx-IF Recommended Practices for 3D Tessellated Geometry,
1.1: indices begin with 1, and those of triangles count through `pnindex` where that is not empty. A strip's second,
fourth, … triangle is turned round; a fan's triangles share its first index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from massproof.brep import Floats, Integers
from massproof.entities import Entities, Row
from massproof.kernels import tokens
from massproof.placements import frame

if TYPE_CHECKING:
    from massproof.mesh import Mesh

OF_PARTS = "TESSELLATION_OF_PARTS"  # an item that is moved, which has several parts
FACES = ("TRIANGULATED_FACE", "COMPLEX_TRIANGULATED_FACE")
SETS = ("TRIANGULATED_SURFACE_SET", "COMPLEX_TRIANGULATED_SURFACE_SET")
SOLIDS, SHELLS, GROUPS = ("TESSELLATED_SOLID",), ("TESSELLATED_SHELL",), ("TESSELLATED_GEOMETRIC_SET",)
ALL = (*SOLIDS, *SHELLS, *FACES, *SETS)

# What a solid or a set may list beside triangles, and has no area.
_WITHOUT_AREA = ("CURVE", "EDGE", "POINT", "VERTEX", "WIRE")
_NEST = 8  # sets in sets
_NEAR = 1e-6  # as `repair.close_cracks` has it, which measures what that may change


class Unread(Exception):
    """Why a tessellation could not be read."""


def kind(entities: Entities, row: int) -> str:
    """Which of `ALL` an instance is, as one of its parts if need be; "" if it is none."""
    return next((name for name in entities.type(row).split("+") if name in ALL), "")


def surfaces(entities: Entities, row: int, depth: int = 0) -> Iterator[int]:
    """Rows of all that has an area in a tessellated item: itself, or what a TESSELLATED_GEOMETRIC_SET lists."""
    name = entities.type(row)
    if kind(entities, row) or "TRIANGULATED" in name:
        yield row
    elif name in GROUPS and depth < _NEST:
        arguments = entities.arguments(row)
        items = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], list) else []
        for one in (one for one in items if isinstance(one, Row)):
            yield from surfaces(entities, int(one), depth + 1)


def _items(entities: Entities, row: int) -> list[Any]:
    """Arguments of a solid or shell after its name: what it lists, and what it is a picture of."""
    name = kind(entities, row)
    return entities.parts(row)[name] if entities.is_complex(row) else entities.arguments(row)[1:]


def link(entities: Entities, row: int) -> int:
    """Row of the exact shape that a solid or shell says it is a picture of, −1 where it says none."""
    structured = kind(entities, row) in (*SOLIDS, *SHELLS)
    one = (*_items(entities, row), None, None)[1] if structured else None
    return int(one) if isinstance(one, Row) else -1


def mesh(entities: Entities, row: int) -> Mesh:
    """Triangles of a tessellated solid, shell, face or set.

    Raises Unread for what is malformed, of a type that is not read, or has no triangle.
    """
    from massproof.mesh import Mesh

    places: dict[
        int, tuple[int, int]
    ] = {}  # of each list of coordinates: how many points are before it, and in it
    points, corners, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], 0
    for face in _faces(entities, row):
        where = _points_of(entities, face)
        if where not in places:
            points.append(_coordinates(entities, where))
            places[where] = count, len(points[-1])
            count += len(points[-1])
        start, size = places[where]
        corners.append(_triangles(entities, face, size) + start)
    whole = np.concatenate(corners)
    if not len(whole):
        msg = f"{entities.describe(row)} has no triangles"
        raise Unread(msg)
    used, faces = np.unique(whole, return_inverse=True)
    vertices = _moved(entities, row, np.concatenate(points)[used])
    return Mesh(vertices, faces.reshape(-1, 3).astype(np.int32))


def _moved(entities: Entities, row: int, points: Floats) -> Floats:
    """Points of a shape where a REPOSITIONED_TESSELLATED_ITEM puts them."""
    parts = entities.parts(row) if entities.is_complex(row) else {}
    if "REPOSITIONED_TESSELLATED_ITEM" not in parts:
        return points
    one = (*parts["REPOSITIONED_TESSELLATED_ITEM"], None)[0]
    matrix = frame(entities, one, 1.0) if isinstance(one, Row) else None
    if matrix is None:
        msg = f"{entities.describe(row)} is moved by what is no placement"
        raise Unread(msg)
    moved: Floats = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _faces(entities: Entities, row: int) -> Iterator[int]:
    """Rows of the triangulated faces of a tessellated shape."""
    if entities.type(row) in (*FACES, *SETS):
        yield _sound(entities, row)
        return
    structured = kind(entities, row) in (*SOLIDS, *SHELLS)
    items = (*_items(entities, row), None)[0] if structured else None
    if not isinstance(items, list):
        msg = f"{entities.describe(row)} is of a type that is not read, or has no list of what it is made of"
        raise Unread(msg)
    for one in items:
        name = entities.type(one) if isinstance(one, Row) else ""
        if name in (*FACES, *SETS):
            yield _sound(entities, int(one))
        elif not any(word in name for word in _WITHOUT_AREA):
            found = entities.describe(one) if isinstance(one, Row) else repr(one)
            msg = f"{entities.describe(row)} is made of {found}, which is not read"
            raise Unread(msg)


def _sound(entities: Entities, row: int) -> int:
    if entities.checked[row] != 1:
        raise Unread(entities.problem(row))
    where = _points_of(entities, row)
    if entities.checked[where] != 1:
        raise Unread(entities.problem(where))
    return row


def _points_of(entities: Entities, row: int) -> int:
    """Row of the COORDINATES_LIST of a face or set: its second argument, read without the long ones after it."""
    return int(entities.values[entities.rows[row, 2] + 2])


def _lists(entities: Entities, row: int) -> list[tuple[Floats, Integers]]:
    """The lists that an instance has as arguments: their numbers, and how many each list in them holds."""
    first = int(entities.rows[row, 2])
    kinds, values = entities.kinds, entities.values
    end, token, found = int(values[first]) - 1, first + 1, []
    while token < end:
        if kinds[token] != tokens.LEFT:
            token += 1
            continue
        after = int(values[token])
        inner = kinds[token + 1 : after - 1]
        opening = np.flatnonzero(inner == tokens.LEFT) + token + 1
        sizes = values[opening].astype(np.int64) - opening - 2
        found.append((values[token + 1 : after - 1][inner == tokens.NUMBER], sizes))
        token = after
    return found


def _coordinates(entities: Entities, row: int) -> Floats:
    """Points of a COORDINATES_LIST: (n, 3)."""
    ((numbers, sizes),) = _lists(entities, row)
    if (sizes != 3).any():
        msg = f"{entities.describe(row)} has a point of {int(sizes[sizes != 3][0])} coordinates, expected 3"
        raise Unread(msg)
    return numbers.reshape(-1, 3)


def _triangles(entities: Entities, row: int, count: int) -> Integers:
    """Corners of the triangles of a face or set over `count` points, from 0 on: (n, 3)."""
    lists = _lists(entities, row)
    strips = 2 if entities.type(row).startswith("COMPLEX") else 0
    (named, _), *shapes = lists[-1 - max(strips, 1) :]
    if strips:
        found = np.concatenate([_striped(entities, row, *shapes[0]), _fanned(entities, row, *shapes[1])])
    else:
        _no_less(entities, row, shapes[0][1], 3, 3)
        found = shapes[0][0].astype(np.int64).reshape(-1, 3)
    if len(named):
        _within(entities, row, found, len(named))
        found = named.astype(np.int64)[found - 1]
    _within(entities, row, found, count)
    return found - 1


def _within(entities: Entities, row: int, found: Integers, count: int) -> None:
    wrong = found[(found < 1) | (found > count)]
    if len(wrong):
        msg = f"{entities.describe(row)} has the index {int(wrong[0])}, expected 1 to {count}"
        raise Unread(msg)


def _no_less(entities: Entities, row: int, sizes: Integers, least: int, most: float = np.inf) -> None:
    wrong = sizes[(sizes < least) | (sizes > most)]
    if len(wrong):
        msg = f"{entities.describe(row)} has {int(wrong[0])} indices where {least} make a triangle"
        raise Unread(msg)


def _runs(entities: Entities, row: int, sizes: Integers) -> tuple[Integers, Integers]:
    """Where in all indices each triangle of strips or fans begins, and how many are before it in its own."""
    _no_less(entities, row, sizes, 3)
    before = np.arange(sizes.sum() - 2 * len(sizes)) - np.repeat(np.cumsum(sizes - 2) - sizes + 2, sizes - 2)
    return np.repeat(np.cumsum(sizes) - sizes, sizes - 2), before


def _striped(entities: Entities, row: int, numbers: Floats, sizes: Integers) -> Integers:
    first, before = _runs(entities, row, sizes)
    at, odd = first + before, before % 2
    return numbers.astype(np.int64)[np.column_stack([at + odd, at + 1 - odd, at + 2])]


def _fanned(entities: Entities, row: int, numbers: Floats, sizes: Integers) -> Integers:
    first, before = _runs(entities, row, sizes)
    return numbers.astype(np.int64)[np.column_stack([first, first + before + 1, first + before + 2])]


def closed(one: Mesh) -> bool:
    """Whether no edge belongs to one triangle only, once corners within `_NEAR` of the diagonal are taken as one."""
    from massproof.kernels import topology

    vertices, faces = topology.weld(one.vertices, one.faces)
    faces = faces[~topology.degenerate(faces)]
    found = topology.match_edges(faces, len(vertices))
    if not found.boundary:
        return True
    near = _NEAR * float(np.linalg.norm(np.ptp(vertices, axis=0)))
    faces, _ = topology.weld_within(vertices, faces, np.unique(found.open_pairs), near)
    faces = faces[~topology.degenerate(faces)]
    return len(faces) > 0 and not topology.match_edges(faces, len(vertices)).boundary
