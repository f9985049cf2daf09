"""How far faces reach beyond their edges: spheres and tori in closed form, splines up to their control points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from massproof.brep import LINE, OFFSET, SPHERE, SPLINE, TORUS, Floats, Integers
from massproof.kernels.curves import points
from massproof.kernels.geometry import ROWS, WIDTH
from massproof.tables import Table, subset, turned

_SAMPLES = 65  # of each edge, the nearest of which tells on which side of it a point is


@dataclass(frozen=True, eq=False, slots=True)
class Extent:
    """The faces of one part, which know how far they reach when they are turned."""

    table: Table
    faces: Integers
    senses: Floats  # of each face, as in `reach`
    known: dict[bytes, tuple[Floats, Floats, float]]  # boxes by matrix

    def box(self, matrix: Floats) -> tuple[Floats, Floats, float]:
        """Corners of the box after r -> matrix·r, and how far it can be off; matrix: scale × rotation or mirror."""
        matrix = np.asarray(matrix, float) + 0.0
        key = matrix.tobytes()
        if key not in self.known:
            self.known[key] = self._turned(matrix)
        return self.known[key]

    def _turned(self, matrix: Floats) -> tuple[Floats, Floats, float]:
        """The box of the faces turned by a rotation; a mirror, of negative size, exchanges the corners."""
        size = float(np.cbrt(np.linalg.det(matrix)))
        rotation = matrix / size
        table = turned(subset(self.table, self.faces), rotation)
        (one,) = extents(table, np.array([0, len(self.faces)]), self.senses)
        low, high, rim = one.box(np.eye(3))
        corners = np.sort([size * low, size * high], axis=0)
        return corners[0], corners[1], abs(size) * rim


def extents(table: Table, first: Integers, senses: Floats) -> list[Extent]:
    """Extents of all parts, faces first[p] to first[p + 1] − 1 of each; senses: of all faces."""
    out = []
    for start, stop in pairwise(first.tolist()):
        faces = np.arange(start, stop)
        known = {np.eye(3).tobytes(): _box(table, faces, senses[start:stop])}
        out.append(Extent(table, faces, senses[start:stop], known))
    return out


def _box(table: Table, faces: Integers, senses: Floats) -> tuple[Floats, Floats, float]:
    """Box of some faces and how far these can be outside of it."""
    low, high = table.boxes[faces, :3].min(axis=0, initial=np.inf), table.boxes[faces, 3:].max(axis=0, initial=-np.inf)
    slack = float(table.slack[faces].max(initial=0.0))
    for n in np.flatnonzero(table.bulging[faces]):
        low, high, more = reach(table, int(faces[n]), float(senses[n]), low, high)
        slack = max(slack, more)
    if not (low <= high).all():
        low = high = np.zeros(3)
    return low + table.centre, high + table.centre, table.noise + slack


def reach(table: Table, f: int, sense: float, low: Floats, high: Floats) -> tuple[Floats, Floats, float]:
    """A box widened by face f, and how far the face can be outside of it at most.

    sense : sign of the face's integrals, 1 where its loops run counter-clockwise round Su × Sv
    """
    shapes = table.shapes
    s = int(shapes.faces[f, 0])
    kind = shapes.surfaces[s, 0] if s >= 0 else 0
    if kind in (SPLINE, OFFSET):  # an offset repeats the columns of its basis
        off = abs(float(shapes.surface_numbers[s, 0])) if kind == OFFSET else 0.0
        first, count = shapes.surfaces[s, 6], shapes.surfaces[s, 4] * shapes.surfaces[s, 5]
        net = shapes.controls[first : first + count, :3]
        more = max((low - net.min(axis=0)).max(), (net.max(axis=0) - high).max())
        return low, high, max(0.0, float(more) + off)
    if kind not in (SPHERE, TORUS):
        return low, high, 0.0
    tops = _tops(table, s)
    out = tops[((tops < low) | (tops > high)).any(axis=1)]
    if not len(out):
        return low, high, 0.0
    edges, tangents = _edges(table, f)
    for top in out:
        if not len(edges) or _inside(table, s, top, sense, edges, tangents):
            low, high = np.minimum(low, top), np.maximum(high, top)
    return low, high, 0.0


def _tops(table: Table, s: int) -> Floats:
    """Points of a sphere or torus where its normal is along a coordinate axis."""
    shapes = table.shapes
    origin, _, _, axis = shapes.frames[shapes.surfaces[s, 1]].reshape(4, 3)
    a, b = shapes.surface_numbers[s, :2]
    directions = np.concatenate([np.eye(3), -np.eye(3)])
    if shapes.surfaces[s, 0] == SPHERE:
        round_: Floats = origin + a * directions
        return round_
    flat = directions - np.outer(directions @ axis, axis)
    size = np.linalg.norm(flat, axis=1)[:, None]
    outwards = flat / np.where(size > 1e-12, size, 1.0)
    return np.concatenate([origin + side * a * outwards + b * directions for side in (1.0, -1.0)])


def _edges(table: Table, f: int) -> tuple[Floats, Floats]:
    """Points of the edges of a face and their directions along its loops; edges used twice bound nothing."""
    shapes, uses = table.shapes, table.edge_use[table.edge_face == f]
    spots, ways = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for use in uses:
        e = abs(int(use)) - 1
        if -use in uses:
            continue
        t = np.linspace(float(table.ranges[e, 0]), float(table.ranges[e, 1]), _SAMPLES)
        out = np.zeros((3 * _SAMPLES, 3))
        c = int(shapes.edges[e, 0])
        if shapes.curves[c, 0] == LINE:
            p, q = shapes.edge_points[e].reshape(2, 3)
            out[::3], out[1::3] = p + np.outer(t, q - p), q - p
        else:
            points(*shapes[:7], c, t, np.zeros((ROWS, WIDTH)), out)
        spots.append(out[::3])
        ways.append(out[1::3] * np.sign(use) * np.sign(table.ranges[e, 1] - table.ranges[e, 0]))
    return np.concatenate(spots), np.concatenate(ways)


def _inside(table: Table, s: int, top: Floats, sense: float, edges: Floats, tangents: Floats) -> bool:
    """Whether a point of the surface is on the left of the edge that is nearest, seen from outside."""
    distance = np.linalg.norm(edges - top, axis=1)
    near = np.flatnonzero(distance <= distance.min() * (1 + 1e-9))
    origin, _, _, axis = table.shapes.frames[table.shapes.surfaces[s, 1]].reshape(4, 3)
    normals = edges[near] - origin
    if table.shapes.surfaces[s, 0] == TORUS:
        flat = normals - np.outer(normals @ axis, axis)
        normals -= table.shapes.surface_numbers[s, 0] * flat / np.linalg.norm(flat, axis=1)[:, None]
    left = np.cross(sense * normals, tangents[near])
    return bool((((top - edges[near]) * left).sum(axis=1) >= 0).all())
