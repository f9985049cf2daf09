"""Triangles from polygons: a fan where the polygon is convex, ear clipping where it is not.

Source: G. H. Meisters, "Polygons have ears", American Mathematical Monthly 82, 1975. A fan of a
concave polygon covers parts outside it, so its area is too large; ears never leave the polygon.
"""

import numpy as np

from massproof.kernels.integrals_small import cross

# A corner that turns by less than this part of the polygon's area is straight: rounding of three products
# of float64, and of the plane they are projected to, stays below it.
_STRAIGHT = 1e-12

# Triangles that cover a polygon once have its area; by this part of it more, they fold over.
_FOLDED = 1e-9


def triangulate(vertices, indices, starts):
    """Faces that cover each polygon once, in the order of the polygons.

    vertices : (V, 3) float64
    indices : (K,) int, the corners of all polygons one after the other; trusted
    starts : (P+1,) int, polygon i owns indices[starts[i]:starts[i+1]], at least three
    returns (K − 2P, 3) int32, wound like their polygons
    """
    out = np.empty((len(indices) - 2 * (len(starts) - 1), 3), np.int32)
    for _, corners, places in _by_size(indices, starts):
        for k in range(places.shape[1]):
            out[places[:, k]] = corners[:, [0, k + 1, k + 2]]
        if places.shape[1] > 1:
            for i in np.flatnonzero(folded(vertices[corners], vertices[out[places]]) > 0):
                out[places[i]] = corners[i][_ears(vertices[corners[i]])]
    return out


def _by_size(indices, starts):
    """Polygons with the same number of corners at a time, arguments as in `triangulate`.

    yields their numbers (n,), their corners (n, size), and the rows of their triangles (n, size − 2)
    """
    indices, starts = np.asarray(indices, np.int64), np.asarray(starts, np.int64)
    sizes = np.diff(starts)
    first = starts[:-1] - 2 * np.arange(len(sizes))  # where a polygon's triangles begin
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        corners = indices[starts[chosen][:, None] + np.arange(size)]
        yield chosen, corners, first[chosen][:, None] + np.arange(size - 2)


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
    excess = covered - area
    return np.where(against & (excess > _FOLDED * covered), excess, 0.0)


def folds(vertices, indices, starts, faces):
    """By how much each polygon's triangles in `faces` exceed it: (P,) areas, as `folded` says."""
    excess = np.zeros(len(starts) - 1)
    for chosen, corners, places in _by_size(indices, starts):
        if places.shape[1] > 1:
            excess[chosen] = folded(vertices[corners], vertices[faces[places]])
    return excess


def bending(vertices, indices, starts):
    """How far polygons leave their planes, and what the choice of triangles can therefore change.

    Arguments as in `triangulate`
    returns for each polygon its thickness along its mean normal and its perimeter, and the bounds of
        area and volume: all surfaces across a polygon of perimeter P and thickness t lie in its convex
        hull, which holds no more than t P²/4π; a triangle's area exceeds its projection by t P/2 at most
    """
    sizes = np.diff(starts)
    thickness, perimeter = np.zeros(len(sizes)), np.zeros(len(sizes))
    for chosen, corners, places in _by_size(indices, starts):
        if places.shape[1] == 1:
            continue  # a triangle does not bend
        points = vertices[corners]
        edges = np.roll(points, -1, axis=1) - points
        perimeter[chosen] = np.sqrt((edges * edges).sum(axis=2)).sum(axis=1)
        normal = _normal(points)
        length = np.sqrt((normal * normal).sum(axis=1))
        heights = ((points - points[:, :1]) * normal[:, None, :]).sum(axis=2)
        spread = heights.max(axis=1) - heights.min(axis=1)
        # Without an area there is no normal: the polygon may bend by half its perimeter.
        flat = length == 0
        thickness[chosen] = np.where(flat, perimeter[chosen] / 2, spread / np.where(flat, 1, length))
    area = thickness * perimeter / 2 * np.maximum(sizes - 2, 0)
    return thickness, perimeter, area.sum(), (thickness * perimeter**2).sum() / (4 * np.pi)


def _normal(points):
    """Twice the vector area of (P, size, 3) polygons, summed about the first corner."""
    spokes = points - points[:, :1]
    later = np.roll(spokes, -1, axis=1)
    return cross(spokes.reshape(-1, 3), later.reshape(-1, 3)).reshape(points.shape).sum(axis=1)


def _project(points):
    """(size, 3) corners as (size, 2) in the coordinate plane nearest to theirs, counter-clockwise."""
    normal = _normal(points[None])[0]
    axis = int(np.argmax(np.abs(normal)))
    plane = points[:, [(axis + 1) % 3, (axis + 2) % 3]]
    return plane if normal[axis] > 0 else plane[:, ::-1]


def _ears(corners):
    """Triangles (size − 2, 3) of a polygon (size, 3), as corner numbers, that fold over the least.

    Corners in one place are one corner; each that is left out gives a triangle without extent.
    """
    last = np.roll(corners, 1, axis=0)
    kept = np.flatnonzero((corners != last).any(axis=1))
    spare = len(corners) - len(kept)  # at least three are kept: without an area nothing folds
    plane = _project(corners[kept])
    best, least = None, np.inf
    for slack in (_STRAIGHT, 0.0, -_STRAIGHT):  # straight corners block an ear, or do not
        found = kept[_clip(plane, slack * abs(_turn(plane[:1], plane, np.roll(plane, -1, axis=0)).sum()))]
        excess = float(folded(corners[None], corners[found][None])[0])
        if excess < least:
            best, least = found, excess
        if not excess:
            break
    return np.concatenate([best, np.zeros((spare, 3), int)])


def _clip(points, slack):
    """Triangles (size − 2, 3) of a counter-clockwise polygon (size, 2), as corner numbers.

    A polygon that crosses itself may run out of ears; the corner with the widest turn is clipped then.
    """
    left = list(range(len(points)))
    found = []
    while len(left) > 3:
        ring = np.array(left)
        before, after = points[np.roll(ring, 1)], points[np.roll(ring, -1)]
        turn = _turn(before, points[ring], after)
        reflex = points[ring[turn <= slack]]
        wide = (k for k in np.argsort(-turn) if turn[k] > 0)
        ears = (k for k in wide if _empty(before[k], points[ring[k]], after[k], reflex, slack))
        k = int(next(ears, np.argmax(turn)))
        found.append((left[k - 1], left[k], left[(k + 1) % len(left)]))
        del left[k]
    return np.array([*found, tuple(left)])


def _turn(a, b, c):
    """Twice the signed area of the triangles (a, b, c)."""
    (ax, ay), (bx, by), (cx, cy) = a.T, b.T, c.T
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


def _empty(a, b, c, reflex, slack):
    """Whether no reflex corner lies in the triangle a, b, c."""
    # A corner in the same place as one of the triangle's does not block it: bridged holes touch so.
    for p in (a, b, c):
        reflex = reflex[(reflex != p).any(axis=1)]
    inside = np.ones(len(reflex), bool)
    for p, q in ((a, b), (b, c), (c, a)):
        inside &= _turn(p[None], q[None], reflex) >= -slack
    return not inside.any()
