"""Where triangles of a surface cross each other, decided exactly.

A triangle *enters* another when it meets its interior and has a corner strictly below its plane, on the side
of the material. Two triangles cross when one enters the other, or when they lie on one another in one plane and face
the same way. Where surfaces merely touch, from outside, back to back, at edges or at corners, nothing crosses.
This is what `layers` needs: where nothing enters a triangle, the space just below all of it is in one piece.

In their common line each triangle is an interval; whether they overlap is decided without computing its ends, by the
side of one more tetrahedron: P. Guigue, O. Devillers, "Fast and Robust Triangle-Triangle Overlap Test Using
Orientation Predicates", Journal of Graphics Tools 8, 2003. We let an interval be a point, for triangles that touch
the plane of the other one.
"""

from typing import NamedTuple

import numpy as np

from massproof.kernels.neighbours import batches
from massproof.kernels.predicates import heights, turns
from massproof.kernels.topology import connected

_CHUNK = 1 << 15  # pairs decided at a time
_LOOKED = 200_000_000  # pairs whose boxes meet: ten seconds; a mesh of ten million triangles has 70 million


class Intersections(NamedTuple):
    """What was found among the pairs of triangles."""

    crossing: np.ndarray  # (n, 2) int64: pairs of faces that cross, the smaller number first, in order
    complete: bool  # whether all pairs were looked at
    loose: np.ndarray  # (F, 3) uint8: edges, from corner k on, in the plane of a face that may touch them


def intersections(surface, limit, label=None, threads=0):
    """Pairs of faces that cross, and edges that others touch; ends after `limit` pairs.

    surface : a `tree.Surface`;  label : (F,) body of each face, if only pairs within one body are asked for
    The result is the same for any number of threads.
    """
    crossing, loose = [np.empty((0, 2), np.int64)], np.zeros(surface.faces.shape, np.uint8)
    left, work, complete = limit, _LOOKED, True
    for near, looked, whole in batches(surface, loose, threads):
        work -= looked
        if label is not None:
            near = near[label[near[:, 0]] == label[near[:, 1]]]
        for i in range(0, len(near) if left > 0 else 0, _CHUNK):
            cross, edges = decided(surface.vertices, surface.faces, near[i : i + _CHUNK])
            crossing.append(near[i : i + _CHUNK][cross])
            left -= int(cross.sum())
            for k in range(2):
                row, corner = np.nonzero(edges[k])
                loose[near[i + row, k], corner] = 1
            if left <= 0:
                break
        complete = whole and work > 0 and left > 0
        if not complete:
            break
    pairs = np.sort(np.concatenate(crossing), axis=1)
    return Intersections(pairs[np.lexsort(pairs.T[::-1])], complete, loose)


def decided(vertices, faces, pairs):
    """Which pairs (n, 2) of faces cross, and which of their edges lie in the other's plane where they do not.

    returns (n,) bool and (2, n, 3) bool, edges of the first and of the second face, from corner k to k + 1; where
    both lie in one plane and may touch, all edges count
    """
    names = faces[pairs]  # (n, 2, 3)
    first, second = (vertices.T[:, names[:, k]] for k in range(2))
    same = names[:, 0, :, None] == names[:, 1, None]
    above = [_sides(second, first, same.any(axis=2)), _sides(first, second, same.any(axis=1))]
    above = np.stack(above)  # (2, n, 3): corners of each, over the other
    solid = ~(_flat(first) | _flat(second))
    level = (above == 0).all(axis=(0, 2))
    cross = np.zeros(len(pairs), bool)
    edges = (above == 0) & (np.roll(above, -1, axis=2) == 0)
    edges &= solid[:, None]
    rows = np.flatnonzero(solid & ~level)
    cross[rows] = _enters(first[:, rows], second[:, rows], above[:, rows])
    rows = np.flatnonzero(solid & level)
    cross[rows] = _cover(first[:, rows], second[:, rows])
    return cross, edges & ~cross[:, None]


def _sides(plane, points, shared):
    """(n, 3): above or below the planes of triangles (3, n, 3) the corners of others lie."""
    return heights(*(plane[:, :, k, None] for k in range(3)), points, shared)


def _flat(corners):
    """Which triangles (3, n, 3) have no area: they bound nothing, and no plane is theirs."""
    flat = np.ones(corners.shape[1], bool)
    for axis in range(3):
        rows = np.flatnonzero(flat)
        a, b, c = (corners[[axis, (axis + 1) % 3]][:, rows, k] for k in range(3))
        flat[rows] = turns(a, b, c) == 0
    return flat


def _enters(first, second, above):
    """Whether one of two triangles, not in one plane, enters the other."""
    low, high = above.min(axis=2), above.max(axis=2)  # (2, n)
    spans, reaches = (low < 0) & (high > 0), (low < 0) & (high >= 0)
    meet = (spans[1] & reaches[0]) | (spans[0] & reaches[1])
    meet &= (low <= 0).all(axis=0) & (high >= 0).all(axis=0)
    rows = np.flatnonzero(meet)
    meet[rows] = _overlap(first[:, rows], second[:, rows], above[:, rows])
    return meet


def _overlap(first, second, above):
    """Whether the intervals that two triangles have on the line of their planes share more than end points.

    One of them has corners strictly on both sides of the other's plane, the other at least one off it.
    """
    (p, q, r), turn = _from_apex(first, above[0])
    (s, t, u), other = _from_apex(second, above[1])
    q, r = np.where(other, r, q), np.where(other, q, r)  # so that p sees the other triangle counter-clockwise
    t, u = np.where(turn, u, t), np.where(turn, t, u)
    return (heights(p, q, s, t) < 0) & (heights(p, r, u, s) < 0)


def _from_apex(corners, above):
    """Corners (3, n, 3) in turn from the one that stands alone on its side on, and whether it stands below."""
    count = np.stack([(above == side).sum(axis=1) for side in (-1, 0, 1)])
    strict = (count[0] > 0) & (count[2] > 0)
    alone = np.where(count[2] == 1, 1, np.where(count[0] == 1, -1, 0))
    alone = np.where(strict | (count[1] != 1), alone, 0)
    start = np.argmax(above == alone[:, None], axis=1)
    rows = np.arange(len(start))
    sides = above[rows, start], above[rows, (start + 1) % 3], above[rows, (start + 2) % 3]
    below = np.where(sides[0] != 0, sides[0] < 0, (sides[1] > 0) | (sides[2] > 0))
    return [corners[:, rows, (start + k) % 3] for k in range(3)], below


def _cover(first, second):
    """Whether two triangles of one plane face the same way and overlap in more than a line."""
    cover = np.zeros(first.shape[1], bool)
    left = ~cover
    for axis in range(3):  # the first projection that does not make lines of them
        flat = np.concatenate([first, second], axis=2)[[axis, (axis + 1) % 3]]
        way = turns(flat[:, :, 0], flat[:, :, 1], flat[:, :, 2])
        rows = np.flatnonzero(left & (way != 0))
        flat, way = flat[:, rows], way[rows]
        over = turns(flat[:, :, 3], flat[:, :, 4], flat[:, :, 5]) == way
        for e in range(6):
            t = e - e % 3
            here, there = flat[:, :, e], flat[:, :, t + (e + 1) % 3]
            beyond = [turns(here, there, flat[:, :, k]) != way for k in range(3 - t, 6 - t)]
            over &= ~np.logical_and.reduce(beyond)
        cover[rows] = over
        left[rows] = False
    return cover


def without_area(vertices, faces):
    """Which faces are lines or points, exactly."""
    return _flat(vertices.T[:, faces])


def pieces(surface, label, loose):
    """Piece of each face, from 0: faces that share an edge where nothing can come between the layers below them.

    label : (F,) body of each face;  loose : as in `Intersections`
    Of more than two faces at an edge, and along an edge that another face touches, each may lie in a piece of its
    own; so may a face without area. Pieces never reach from body to body.
    """
    faces = surface.faces
    loose = (loose > 0) | without_area(surface.vertices, faces)[:, None]
    ends = np.stack([faces, np.roll(faces, -1, axis=1)]).reshape(2, -1).astype(np.int64)
    keys = ends.min(axis=0) * len(surface.vertices) + ends.max(axis=0)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    two = starts[np.diff(starts, append=len(keys)) == 2]
    sides = np.stack([order[two], order[two + 1]], axis=1)
    linked = sides[~loose.ravel()[sides].any(axis=1)] // 3
    linked = linked[label[linked[:, 0]] == label[linked[:, 1]]]
    return np.unique(connected(len(faces), linked), return_inverse=True)[1]
