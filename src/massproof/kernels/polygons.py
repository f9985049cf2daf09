"""Triangles from polygons: a fan where the polygon is convex, ears where it is not.

A fan of a concave polygon covers parts outside it, so its area is too large; ears never leave the polygon.
Fans stand here twice: compiled, for many polygons, and in numpy, for so few that they would wait longer for
linking than for the answer.
"""

import math

import numpy as np

from massproof.kernels import COMPILED_FROM
from massproof.kernels.ears import FOLDED, crossed, cut_all
from massproof.kernels.formulas import cross
from massproof.kernels.jit import entry, in_threads, kernel

_PART = 1 << 16  # polygons a thread takes at a time: some milliseconds


def divide(vertices, indices, starts):
    """Triangles that cover each polygon once, in their order, and how far polygons are from being planar.

    vertices : (V, 3) float64
    indices : (K,) int, the corners of all polygons one after the other; trusted
    starts : (P+1,) int, polygon i owns indices[starts[i]:starts[i+1]], at least three
    returns (K − 2P, 3) int32, wound like their polygons; and of each polygon, (P,) float64: by how much its
        triangles exceed it where they fold over, as `folded` says; its thickness along its mean normal, or
        where it folds over also `_across` it; and its perimeter; the last two 0 for triangles
    """
    corners, starts = np.ascontiguousarray(indices, np.int32), np.ascontiguousarray(starts, np.int64)
    count = len(starts) - 1
    faces = np.empty((len(corners) - 2 * count, 3), np.int32)
    excess, thickness, perimeter = np.zeros(count), np.zeros(count), np.zeros(count)
    out = faces, excess, thickness, perimeter
    if len(faces) >= COMPILED_FROM:
        in_threads(
            lambda i: fans(vertices, corners, starts, i, min(i + _PART, count), *out), range(0, count, _PART)
        )
    else:
        _fans_small(vertices, corners, starts, *out)
    chosen = np.flatnonzero(excess > 0)
    if len(chosen):
        cut_all(vertices, corners, starts, chosen, faces, excess)
    # Next to no vector area, as of a bow-tie or a line, says nothing of the plane that a polygon lies in.
    rows = np.flatnonzero((excess > 0) | np.isinf(thickness))
    sizes = starts[rows + 1] - starts[rows]
    for size in np.unique(sizes):
        some = rows[sizes == size]
        points = vertices[corners[starts[some][:, None] + np.arange(size)]]
        thickness[some] = np.minimum(thickness[some], _across(points, excess[some] > 0))
    return out


def bending(thickness, perimeter, sizes):
    """What the choice of triangles can change in polygons that are not planar: bounds of area and volume.

    All surfaces across a polygon of perimeter P and thickness t lie in its convex hull, which holds no more
    than t P²/4π; a triangle's area exceeds its projection by t P/2 at most.
    """
    area = thickness * perimeter / 2 * np.maximum(sizes - 2, 0)
    return area.sum(), (thickness * perimeter**2).sum() / (4 * np.pi)


@entry("i4[:] u1[:]")
def mark(corners, used):
    """Set used[c] to 1 for all corners c, which are trusted."""
    for c in corners:
        used[c] = 1
    return 0


@kernel
def side(vertices, a, b):
    """The edge from vertex a to vertex b."""
    return vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]


@kernel
def length(x, y, z):
    """Length of a vector."""
    return math.sqrt(x * x + y * y + z * z)


@kernel
def fan(vertices, corners, first, count, faces, at):
    """Write the fan of one polygon to faces[at:]: twice its vector area, and the area of the triangles."""
    x = y = z = covered = 0.0
    o = corners[first]
    for k in range(first + 1, first + count - 1):
        b, c = corners[k], corners[k + 1]
        nx, ny, nz = crossed(vertices, o, b, c)
        x, y, z = x + nx, y + ny, z + nz
        covered += length(nx, ny, nz) / 2
        faces[at, 0], faces[at, 1], faces[at, 2] = o, b, c
        at += 1
    return x, y, z, covered


@kernel
def spread(vertices, corners, first, count, x, y, z):
    """Of one polygon whose doubled vector area is given: whether a triangle is against it, and its shape.

    returns that, how far its corners reach along the vector, times its length, and the perimeter
    """
    against, low, high, around = False, 0.0, 0.0, 0.0
    o, last = corners[first], corners[first + count - 1]
    for k in range(first, first + count):
        c = corners[k]
        ex, ey, ez = side(vertices, last, c)
        around += length(ex, ey, ez)
        nx, ny, nz = crossed(vertices, o, last, c)
        against = against or nx * x + ny * y + nz * z < 0
        hx, hy, hz = side(vertices, o, c)
        height = hx * x + hy * y + hz * z
        low, high, last = min(low, height), max(high, height), c
    return against, high - low, around


@entry("f8[:,3] i4[:] i8[:] i8 i8 i4[:,3] f8[:] f8[:] f8[:]")
def fans(vertices, corners, starts, first, last, faces, excess, thickness, perimeter):
    """Fans of polygons first..last; arguments as `divide` makes and returns them, all of them trusted."""
    for i in range(first, last):
        begin, count = starts[i], starts[i + 1] - starts[i]
        x, y, z, covered = fan(vertices, corners, begin, count, faces, begin - 2 * i)
        if count > 3:
            against, reach, around = spread(vertices, corners, begin, count, x, y, z)
            area = length(x, y, z)
            beyond = covered - area / 2
            against = against or area / 2 <= FOLDED * covered  # the parts of a bow-tie may all but cancel
            excess[i] = beyond if against and beyond > FOLDED * covered else 0.0
            thickness[i] = reach / area if area > FOLDED * around * around else math.inf
            perimeter[i] = around
    return 0


def _fans_small(vertices, corners, starts, faces, excess, thickness, perimeter):
    """As `fans`, of all polygons."""
    sizes = np.diff(starts)
    first = starts[:-1] - 2 * np.arange(len(sizes))  # where a polygon's triangles begin
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        named = corners[starts[chosen][:, None] + np.arange(size)]
        places = first[chosen][:, None] + np.arange(size - 2)
        for k in range(size - 2):
            faces[places[:, k]] = named[:, [0, k + 1, k + 2]]
        if size > 3:
            points = vertices[named]
            excess[chosen] = folded(points, vertices[faces[places]])
            thickness[chosen], perimeter[chosen] = _shapes(points)


def folded(points, triangles):
    """By how much the triangles of polygons exceed them, where they fold over.

    points : (P, size, 3) polygons;  triangles : (P, T, 3, 3) of each
    returns (P,) areas; 0 where the excess is that of a polygon which is not planar, or of rounding
    """
    normal = _normal(points)
    area = np.sqrt((normal * normal).sum(axis=1)) / 2
    flat = triangles.reshape(-1, 3, 3)
    turned = cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]).reshape(*triangles.shape[:2], 3)
    covered = np.sqrt((turned * turned).sum(axis=2)).sum(axis=1) / 2
    # Where all triangles look the way of the polygon, what they exceed it by is its bend.
    against = ((turned * normal[:, None]).sum(axis=2) < 0).any(axis=1)
    against |= area <= FOLDED * covered  # the parts of a bow-tie may all but cancel
    excess = covered - area
    return np.where(against & (excess > FOLDED * covered), excess, 0.0)


def _shapes(points):
    """Thickness and perimeter of (P, size, 3) polygons, each (P,); the first is infinite without a normal."""
    edges = np.roll(points, -1, axis=1) - points
    perimeter = np.sqrt((edges * edges).sum(axis=2)).sum(axis=1)
    normal = _normal(points)
    area = np.sqrt((normal * normal).sum(axis=1))
    heights = ((points - points[:, :1]) * normal[:, None, :]).sum(axis=2)
    reach = heights.max(axis=1) - heights.min(axis=1)
    some = area > FOLDED * perimeter * perimeter
    return np.where(some, reach / np.where(some, area, 1), np.inf), perimeter


def _across(points, folded):
    """Thickness of (P, size, 3) polygons, whatever their area, (P,).

    That of the cylinder around the line from the first corner to the one farthest from it, or, of those that fold
    over, along the normal of the widest triangle over that line: the area of others is bounded by their mean normal.
    """
    spokes = points - points[:, :1]
    length, far = _longest(spokes)
    turned = cross(np.broadcast_to(far[:, None], spokes.shape).reshape(-1, 3), spokes.reshape(-1, 3))
    width, normal = _longest(turned.reshape(spokes.shape))
    heights = (spokes * normal[:, None]).sum(axis=2)
    reach = heights.max(axis=1) - heights.min(axis=1)
    flat = np.where(folded & (width > 0), reach / np.where(width > 0, width, 1), np.inf)
    return np.minimum(flat, 2 * width / np.where(length > 0, length, 1))


def _longest(vectors):
    """Of each row of (P, n, 3) vectors the length of the longest one, (P,), and that one, (P, 3)."""
    lengths = np.sqrt((vectors * vectors).sum(axis=2))
    at = np.arange(len(vectors)), lengths.argmax(axis=1)
    return lengths[at], vectors[at]


def _normal(points):
    """Twice the vector area of (P, size, 3) polygons, summed about the first corner."""
    spokes = points - points[:, :1]
    later = np.roll(spokes, -1, axis=1)
    return cross(spokes.reshape(-1, 3), later.reshape(-1, 3)).reshape(points.shape).sum(axis=1)
