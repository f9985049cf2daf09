"""Polygons of STEP files: their sides as edges that neighbours share, their planes where none is written."""

from __future__ import annotations

import numpy as np

from massproof.brep import LINE, PLANE, POLYGON, Floats, Integers, Shapes


def places(shapes: Shapes) -> Integers:
    """Where in `uses` polygons have their corners, one after the other."""
    first, count = _polygons(shapes)
    found: Integers = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
    return found


def _polygons(shapes: Shapes) -> tuple[Integers, Integers]:
    loops = shapes.loops[shapes.loops[:, 3] == POLYGON]
    return loops[:, 0], loops[:, 1]


def with_sides(shapes: Shapes, points: Floats) -> Shapes:
    """`shapes` whose polygons consist of edges.

    points : (P, 3) coordinates of their corners, for each of `places`; equal ones are one corner
    """
    _first, count = _polygons(shapes)
    at = places(shapes)
    following = np.arange(1, len(at) + 1)
    following[np.cumsum(count)[count > 0] - 1] = (np.cumsum(count) - count)[count > 0]
    corners, named = np.unique(points, axis=0, return_inverse=True)
    start = named.reshape(-1)
    end = start[following]
    proper = start != end  # a corner that is written twice makes no side
    keep = np.ones(len(shapes.uses), bool)
    keep[at[~proper]] = False
    at, start, end = at[proper], start[proper], end[proper]
    sides, used = np.unique(
        np.minimum(start, end) * len(corners) + np.maximum(start, end), return_inverse=True
    )
    uses = shapes.uses.copy()
    uses[at] = np.where(start <= end, 1, -1) * (used.reshape(-1) + len(shapes.edges) + 1)
    shapes = _with_lines(shapes, corners[sides // len(corners)], corners[sides % len(corners)])
    return _kept(shapes._replace(uses=uses), keep)


def _with_lines(shapes: Shapes, start: Floats, end: Floats) -> Shapes:
    """`shapes` with one edge more for each side from `start` to `end`."""
    curves = np.zeros((len(start), 8), np.int64)
    curves[:, :2] = LINE, -1
    edges = np.zeros((len(start), 4), np.int64)
    edges[:, 0] = len(shapes.curves) + np.arange(len(start))
    edges[:, 1], edges[:, 3] = 1, -1
    return shapes._replace(
        curves=np.concatenate([shapes.curves, curves]),
        curve_numbers=np.concatenate([shapes.curve_numbers, np.hstack([start, end - start])]),
        edges=np.concatenate([shapes.edges, edges]),
        edge_points=np.concatenate([shapes.edge_points, np.hstack([start, end])]),
    )


def _kept(shapes: Shapes, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Shapes:
    """`shapes` with only these uses."""
    before = np.concatenate([[0], np.cumsum(keep)])
    loops = shapes.loops.copy()
    loops[:, 1] = before[loops[:, 0] + loops[:, 1]] - before[loops[:, 0]]
    loops[:, 0] = before[loops[:, 0]]
    return shapes._replace(uses=shapes.uses[keep], loops=loops)


def with_planes(shapes: Shapes, bare: Integers) -> Shapes:
    """`shapes` where the faces `bare`, polygons of which no surface is written, lie on planes.

    The normal of a plane is the sum of the area vectors of the face's polygons, as they are oriented.
    """
    vectors, origins = _area_vectors(shapes, bare)
    lengths = np.linalg.norm(vectors, axis=1)
    flat = np.flatnonzero(lengths > 0)
    z = vectors[flat] / lengths[flat, None]
    least = np.eye(3)[np.abs(z).argmin(axis=1)]
    x = np.cross(least, z)
    x /= np.linalg.norm(x, axis=1)[:, None]
    surfaces = np.zeros((len(flat), 12), np.int64)
    surfaces[:, 0] = PLANE
    surfaces[:, 1] = len(shapes.frames) + np.arange(len(flat))
    faces = shapes.faces.copy()
    faces[bare[flat], 0] = len(shapes.surfaces) + np.arange(len(flat))
    return shapes._replace(
        frames=np.concatenate([shapes.frames, np.hstack([origins[flat], x, np.cross(z, x), z])]),
        surfaces=np.concatenate([shapes.surfaces, surfaces]),
        surface_numbers=np.concatenate([shapes.surface_numbers, np.zeros((len(flat), 4))]),
        faces=faces,
    )


def _area_vectors(shapes: Shapes, faces: Integers) -> tuple[Floats, Floats]:
    """Twice the area vector of the polygons of each face, and one of its corners."""
    vectors, origins = np.zeros((len(faces), 3)), np.zeros((len(faces), 3))
    for i, (loop, loops) in enumerate(shapes.faces[faces, 2:4].tolist()):
        for first, count, sense, _ in shapes.loops[loop : loop + loops].tolist():
            if not count:
                continue
            uses = shapes.uses[first : first + count]
            ends = shapes.edge_points[np.abs(uses) - 1].reshape(-1, 2, 3)
            start, end = np.where((uses > 0)[:, None, None], ends, ends[:, ::-1]).swapaxes(0, 1)
            origins[i] = start[0]
            vectors[i] += (1 if sense else -1) * np.cross(start - start[0], end - start[0]).sum(axis=0)
    return vectors, origins
