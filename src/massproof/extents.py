"""How far the faces of a part reach along the axes, as they are or turned.

Edges have their extrema in `kernels.boxes`. Inside of a face there is one only where its normal is along an axis,
or at a tip: on planes, cylinders and cones at the apex, on spheres and tori at points known in closed form, on
splines where `crests` finds it. Such a point counts if it is part of the face (`borders`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from massproof.borders import Border, evaluated
from massproof.brep import CONE, OFFSET, SPHERE, SPLINE, TORUS, Floats, Integers
from massproof.crests import Relief, Summit, climb
from massproof.tables import Flags, Table, distinct, grouped, spread, subset, turned

_FINE = 2.5e-10  # of the size of a part: its box may be off by that where splines bulge
_OUTWARDS = np.repeat([-1.0, 1.0], 3)  # from corners to heights along −x, −y, −z, x, y, z, and back
_AS_IT_IS = np.eye(3).tobytes()
_PLAIN = 0.99  # cosine of a normal that is along an axis, or nearly

Box = tuple[Floats, Floats, float]  # two corners, and how far they can be off


@dataclass(frozen=True, eq=False, slots=True)
class Extent:
    """The faces of one part, which know how far they reach when they are turned."""

    table: Table
    faces: Integers
    senses: Floats  # of each face, 1 where its loops run counter-clockwise round Su × Sv, or −1
    plain: Box  # as they are
    known: dict[bytes, Box]  # by matrix

    def box(self, matrix: Floats) -> Box:
        """The box after r -> matrix·r: scale × rotation or mirror."""
        matrix = np.asarray(matrix, float) + 0.0
        key = matrix.tobytes()
        if key not in self.known:
            self.known[key] = self._exchanged(matrix) if _exchanges(matrix) else self._turned(matrix)
        return self.known[key]

    def _exchanged(self, matrix: Floats) -> Box:
        """The box of the faces with axes exchanged or mirrored, which moves its corners and rounds nothing."""
        low, high, rim = self.plain
        corners = np.sort([matrix @ low, matrix @ high], axis=0)
        return corners[0], corners[1], rim

    def _turned(self, matrix: Floats) -> Box:
        """The box of the faces turned by a rotation; a mirror, of negative size, exchanges the corners."""
        size = float(np.cbrt(np.linalg.det(matrix)))
        table = turned(subset(self.table, self.faces), matrix / size)
        (one,) = extents(table, np.array([0, len(self.faces)]), self.senses)
        low, high, rim = one.box(np.eye(3))
        corners = np.sort([size * low, size * high], axis=0)
        return corners[0], corners[1], abs(size) * rim


def _exchanges(matrix: Floats) -> bool:
    """Whether every row and every column of a matrix is zero but for a 1 or −1."""
    ones = np.abs(matrix)
    return bool(((ones == 0) | (ones == 1)).all() and (ones @ ones.T == np.eye(3)).all())


def extents(table: Table, first: Integers, senses: Floats) -> list[Extent]:
    """Extents of all parts, of faces first[p] to first[p + 1] − 1 each; senses: of all faces."""
    part = np.repeat(np.arange(len(first) - 1), np.diff(first))
    border = table.boxes * _OUTWARDS
    border[table.bare] = -np.inf
    tops = grouped(np.maximum, part, len(first) - 1, border, -np.inf)
    slack = grouped(np.maximum, part, len(tops), table.slack, 0.0)
    rises = _risen(table, first, part, senses, tops) if table.bulging.any() else np.zeros(len(tops))
    known: Flags = np.logical_and.reduce(np.isfinite(tops), axis=1)
    corners = np.where(known[:, None], tops * _OUTWARDS, 0.0)
    rims = (table.noise + np.maximum(slack, rises)).tolist()
    out = []
    for p, (start, stop) in enumerate(pairwise(first.tolist())):
        box = corners[p, :3] + table.centre, corners[p, 3:] + table.centre, rims[p]
        out.append(Extent(table, np.arange(start, stop), senses[start:stop], box, {_AS_IT_IS: box}))
    return out


def _risen(table: Table, first: Integers, part: Integers, senses: Floats, tops: Floats) -> Floats:
    """Raise the tops of all parts to what their faces reach beyond their edges; returns how far they can be off."""
    hulls = _hulls(table)
    most = np.maximum(tops, grouped(np.maximum, part, len(tops), hulls, -np.inf))
    wide = np.where(np.isfinite(tops), tops, most)
    fine = _FINE * np.linalg.norm(
        np.where(np.isfinite(wide), wide, 0.0).reshape(-1, 2, 3).sum(axis=1), axis=1
    )
    beyond = np.flatnonzero((hulls > tops[part] + fine[part, None]).any(axis=1))
    rises = np.zeros(len(tops))
    for p in distinct(part[beyond]).tolist():
        some = beyond[np.searchsorted(beyond, first[p]) : np.searchsorted(beyond, first[p + 1])]
        rises[p] = _raised(table, some, senses, hulls, tops[p], float(fine[p]))
    return rises


def _hulls(table: Table) -> Floats:
    """Minus the least and the greatest coordinates that each face can have beyond its edges, (F, 6)."""
    shapes = table.shapes
    out = np.full((len(shapes.surfaces) + 1, 6), -np.inf)
    kinds = shapes.surfaces[:, 0]
    nets = np.flatnonzero((kinds == SPLINE) | (kinds == OFFSET))
    if len(nets):
        rows, _ = spread(
            shapes.surfaces[nets, 6], count := shapes.surfaces[nets, 4] * shapes.surfaces[nets, 5]
        )
        points = np.hstack([-shapes.controls[rows, :3], shapes.controls[rows, :3]])
        out[nets] = np.maximum.reduceat(points, np.cumsum(count) - count)
        out[nets] += np.where(
            shapes.surfaces[nets, 0] == OFFSET, np.abs(shapes.surface_numbers[nets, 0]), 0.0
        )[:, None]
    round_ = np.flatnonzero((kinds == SPHERE) | (kinds == TORUS))
    if len(round_):
        frames, (a, b) = shapes.frames[shapes.surfaces[round_, 1]], shapes.surface_numbers[round_, :2].T
        ring = a[:, None] * np.sqrt(np.maximum(0.0, 1 - frames[:, 9:] ** 2)) + b[:, None]
        reach = np.where(kinds[round_, None] == SPHERE, a[:, None], ring)
        out[round_] = np.hstack([reach - frames[:, :3], reach + frames[:, :3]])
    for s in np.flatnonzero(kinds == CONE).tolist():
        for spot, _ in _tips(table, s):
            out[s] = np.append(-spot, spot)
    return np.where(table.bulging[:, None], out[shapes.faces[:, 0]], -np.inf)


def _raised(table: Table, faces: Integers, senses: Floats, hulls: Floats, tops: Floats, fine: float) -> float:
    """Raise the tops of a part to what its faces reach, the farthest first; returns how far they can be off."""
    borders = {f: Border(table, f, float(senses[f])) for f in faces.tolist()}
    over = tops.copy()
    for k in range(6):
        for f in faces[np.argsort(-hulls[faces, k])].tolist():
            if hulls[f, k] <= tops[k] + fine:
                over[k] = max(over[k], hulls[f, k])
                break
            tops[k], most = _reach(table, borders[f], k, float(tops[k]), fine)
            over[k] = max(over[k], most)
    known = np.isfinite(tops)
    return float((over[known] - tops[known]).max(initial=0.0))


def _reach(table: Table, border: Border, k: int, top: float, fine: float) -> tuple[float, float]:
    """How high a face surely is in direction k of −x, −y, −z, x, y, z, at least `top`, and what it is not above."""
    s, over = border.surface, top
    if table.shapes.surfaces[s, 0] in (SPLINE, OFFSET):
        return _climbed(table, border, k, top, fine)
    for spot, place in (*_tips(table, s), *_tops(table, s, k)):
        height = float(spot[k % 3]) * (1 if k > 2 else -1)
        if height > over:
            inside = border.holds(spot, place)
            over = over if inside is False else height
            top = height if inside else top
    return top, over


def _tips(table: Table, s: int) -> Iterator[tuple[Floats, Floats]]:
    """Where a cone or a spindle ends in a point on its axis: points, and their parameters."""
    shapes = table.shapes
    kind, (a, b, _, _) = shapes.surfaces[s, 0], shapes.surface_numbers[s].tolist()
    origin, _, _, axis = shapes.frames[shapes.surfaces[s, 1]].reshape(4, 3)
    if kind == CONE and b != 0:
        v = -a / math.tan(b)
        yield origin + v * axis, np.array([0.0, v])
    elif kind == TORUS and a < b:
        v = math.acos(-a / b)
        other = 2 * math.pi - v if shapes.surfaces[s, 11] == 1 else -v
        for angle in (v, other):
            yield origin + b * math.sin(angle) * axis, np.array([0.0, angle])


def _tops(table: Table, s: int, k: int) -> Iterator[tuple[Floats, Floats]]:
    """Where the normal of a sphere or torus is along direction k: points, and their parameters."""
    shapes = table.shapes
    kind, (a, b, _, _) = shapes.surfaces[s, 0], shapes.surface_numbers[s].tolist()
    origin, *axes = shapes.frames[shapes.surfaces[s, 1]].reshape(4, 3)
    towards = np.eye(3)[k % 3] * (1 if k > 2 else -1)
    if kind == SPHERE:
        yield origin + a * towards, np.zeros(2)
        return
    x, y, z = np.array(axes) @ towards
    u, flat = math.atan2(y, x), math.hypot(x, y)
    for angle, v in ((u, math.atan2(z, flat)), (u + math.pi, math.atan2(z, -flat))):
        rho = a + b * math.cos(v)
        inner = shapes.surfaces[s, 11] == 1
        if kind == TORUS and (rho < 0 if inner else rho > 0):
            out = math.cos(angle) * axes[0] + math.sin(angle) * axes[1]
            yield (
                origin + rho * out + b * math.sin(v) * axes[2],
                np.array([angle, v + 2 * math.pi * (inner and v < 0)]),
            )


def _climbed(table: Table, border: Border, k: int, top: float, fine: float) -> tuple[float, float]:
    """The same of a face on a spline, or on an offset of one."""
    shapes, s, sign = table.shapes, border.surface, 1.0 if k > 2 else -1.0
    p, q, n, m, first, knot, in_u, in_v = shapes.surfaces[s, 2:10].tolist()
    net = shapes.controls[first : first + n * m].reshape(n, m, 4)
    knots = shapes.knots[knot : knot + in_u + in_v]
    repeat_u, repeat_v, low, high = (table.closures[s] > 0).tolist()
    creases = np.array([repeat_u, repeat_u, repeat_v or low, repeat_v or high])
    relief = Relief(sign * net[..., k % 3], net[..., 3], (p, q), (knots[:in_u], knots[in_u:]), creases)
    offset = float(shapes.surface_numbers[s, 0]) if shapes.surfaces[s, 0] == OFFSET else 0.0

    def look(u: float, v: float) -> Summit:
        place = np.array([[u, v]])
        spot = evaluated(table, s, place)[0, 0]
        return Summit(sign * float(spot[k % 3]), lift(place), lambda: border.holds(spot, place[0]))

    def lift(place: Floats) -> float | None:
        if offset == 0:
            return 0.0
        at = evaluated(table, int(shapes.surfaces[s, 11]), place)[0]
        normal = np.cross(at[1], at[2])
        share = sign * float(normal[k % 3]) / (float(np.linalg.norm(normal)) or 1.0)
        return offset * math.copysign(1.0, share) if abs(share) > _PLAIN else None

    return climb(relief, top, fine, look, abs(offset))
