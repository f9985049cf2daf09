"""How often a closed surface winds around the points just below its faces, exactly.

Below a face, on the side of the material, lies a layer of points; where nothing enters the face (`intersections`)
the layer is in one piece, and one ray from it tells the winding number of all of it: faces that the ray leaves
through count 1, those that it comes in through −1. It starts below the middle of the face and runs along the axis
nearest to the normal.

The ray is moved aside by less than any distance there is, along one axis first and far less along the other, so
that it meets no edge and no corner: H. Edelsbrunner, E. Mücke, "Simulation of Simplicity", ACM Transactions on
Graphics 9, 1990. It starts below the face by less than that: what touches the face from above lies above the start.
Which of two faces the ray meets first is decided by the sides on which their corners lie; where these do not tell, by
their heights along the ray, which rounding may leave open: then in integers.
"""

from operator import add, sub
from typing import NamedTuple

import numpy as np

from massproof.kernels.predicates import TINY, heights, turns
from massproof.kernels.rays import candidates, from_middles, turned
from massproof.kernels.tree import Boxes

_BLOCK = 256  # rays at a time
_CHUNK = 1 << 16  # pairs at a time
_EXACT = 50_000  # pairs that may be compared in integers, at 20 µs each
_GAP_BOUND = (
    32 * 2.0**-53
)  # of the sum of absolute products: no path through `_gap` rounds more than 15 times


class Windings(NamedTuple):
    """How often bodies wind around points: for each point (ray) and body once, where the number is not 0."""

    rays: np.ndarray  # (n,) int64
    bodies: np.ndarray  # (n,) int64
    numbers: np.ndarray  # (n,) int64
    unknown: np.ndarray  # (Q,) bool: points for which it could not be told


def windings(surface, chosen, label, low, high, limit):
    """How often each body winds around the points just below the middles of some faces.

    surface : a `tree.Surface`;  chosen : (Q,) faces that have an area and that nothing enters
    label : (F,) body of each face;  low, high : (B, 3) corners of the bodies' boxes
    limit : how many faces may be looked at, as `rays.candidates` counts them
    """
    bodies, label = Boxes(surface.grid.around(low, high)), np.ascontiguousarray(label, np.int64)
    unknown, exact = np.zeros(len(chosen), bool), _EXACT
    rays, winding, counts = [], [], []
    for first in range(0, len(chosen), _BLOCK):
        some = from_middles(surface, chosen[first : first + _BLOCK])
        pairs, work = candidates(surface, bodies, label, some, limit)
        if pairs is None:
            unknown[first:] = True
            break
        limit -= work
        count, unsure, used = _met(surface, some, pairs, exact)
        exact -= used
        met = count != 0
        rays.append(pairs[met, 0] + first)
        winding.append(label[pairs[met, 1]])
        counts.append(count[met])
        unknown[first + np.flatnonzero(unsure)] = True
    return _summed(rays, winding, counts, unknown, len(low))


def _summed(rays, bodies, counts, unknown, width):
    rays, bodies, counts = (np.concatenate([np.empty(0, np.int64), *x]) for x in (rays, bodies, counts))
    keys, place = np.unique(rays * width + bodies, return_inverse=True)
    numbers = np.zeros(len(keys), np.int64)
    np.add.at(numbers, place, counts)
    kept = (numbers != 0) & ~unknown[keys // width]
    return Windings(keys[kept] // width, keys[kept] % width, numbers[kept], unknown)


def _met(surface, rays, pairs, most):
    """What each pair (n, 2) of a ray and a face adds to the winding number, and which rays are unknown.

    most : how many pairs may be compared in integers; how many were is the third of the results
    """
    counts, unsure = np.zeros(len(pairs), np.int64), rays.slack[pairs[:, 0]] > 0
    for i in range(0, len(pairs), _CHUNK):
        part = i + np.flatnonzero(~unsure[i : i + _CHUNK])
        ray, face = pairs[part].T
        own, other = (turned(surface, faces, rays.axis[ray]) for faces in (rays.faces[ray], face))
        counts[part], unsure[part] = _counted(own, other, rays.start[:, ray])
    doubtful = np.zeros(len(rays.faces), bool)
    left = np.flatnonzero(unsure)
    left = left[
        np.argsort(pairs[left, 0], kind="stable")
    ]  # so that rays are followed to their end, one by one
    doubtful[pairs[left[most:], 0]] = True
    left = left[:most]
    some = left[~doubtful[pairs[left, 0]]]
    ray, face = pairs[some].T
    both = (turned(surface, faces, rays.axis[ray]).transpose(1, 2, 0) for faces in (rays.faces[ray], face))
    for n, r, own, other in zip(some, ray, *both, strict=True):
        found = _exactly(own.tolist(), other.tolist(), None if rays.slack[r] else rays.start[:, r].tolist())
        doubtful[r] |= found is None
        counts[n] = found or 0
    return counts, doubtful, len(left)


def _counted(own, other, start):
    """What faces add to the winding number below others: 1, 0, −1; and where this could not be told."""
    way, facing = (turns(*(x[:2, :, k] for k in range(3))) for x in (own, other))
    counts, unsure = np.zeros(len(way), np.int64), np.zeros(len(way), bool)
    rows = np.flatnonzero(_within(other, start, facing))
    rows = rows[other[2, rows].max(axis=1) >= own[2, rows].min(axis=1)]
    higher = (other[2, rows].min(axis=1) > own[2, rows].max(axis=1)).astype(np.int64)
    close = np.flatnonzero(higher == 0)
    near = rows[close]
    side = _side(own[:, near], other[:, near]) * -facing[near]
    side = np.where(side == 0, way[near], side)  # in one plane, and the start is below it
    left = np.flatnonzero(np.abs(side) > 1)
    side[left] = _side(other[:, near[left]], own[:, near[left]]) * way[near[left]]
    left = np.flatnonzero(np.abs(side) > 1)
    some = near[left]
    side[left] = _higher(own[:, some], other[:, some], start[:, some]) * way[some] * facing[some]
    unsure[some] = side[left] == 0
    higher[close] = side > 0
    counts[rows] = facing[rows] * higher
    return counts, unsure


def _side(points, plane):
    """The side of planes (3, n, 3) on which triangles lie: 1 or −1, 0 in it, 2 if on both."""
    side = heights(*(plane[:, :, k, None] for k in range(3)), points)
    low, high = side.min(axis=1), side.max(axis=1)
    return np.where(low * high < 0, 2, low + high).clip(-1, 2).astype(np.int64)


def _within(corners, point, way):
    """Whether points (2, n), moved aside by ε along x and ε² along y, lie inside triangles that turn that way."""
    p = corners[:2]
    q = np.roll(p, -1, axis=2)
    side = turns(p, q, point[..., None])
    x, y = np.sign(q - p).astype(np.int64)
    side = np.where(side == 0, np.where(y != 0, -y, x), side)
    return (way != 0) & (side == way[:, None]).all(axis=1)


def _higher(own, other, point):
    """The sign of `_gap` for triangles (3, n, 3) and points (2, n); 0 where rounding may be all of it."""
    own, other = own.transpose(2, 0, 1), other.transpose(2, 0, 1)
    gap = _gap(own, other, point, sub, sub)
    size = _gap(own, other, point, lambda p, q: abs(p - q), add)
    return np.where(np.abs(gap) > _GAP_BOUND * size + TINY, np.sign(gap), 0).astype(np.int64)


def _gap(own, other, point, apart, less):
    """How far the plane of `other` is above that of `own` at a point, times twice the area of both in projection.

    own, other : their corners, each of three coordinates, the last of which is the height
    apart, less : how coordinates, and products of them, are subtracted: what makes a bound for the rounding of it
    """
    (area, drop), (over, fall) = _plane(own, point, apart, less), _plane(other, point, apart, less)
    return less(area * over * apart(other[0][2], own[0][2]), area * fall) + over * drop


def _plane(corners, point, apart, less):
    """Twice the area of a triangle in projection; how far its plane falls from a corner to a point, times that."""
    a, b, c = corners
    (ux, uy, uz), (wx, wy, wz) = ([apart(p[k], a[k]) for k in range(3)] for p in (b, c))
    slope = less(uy * wz, uz * wy) * apart(point[0], a[0]) + less(uz * wx, ux * wz) * apart(point[1], a[1])
    return less(ux * wy, uy * wx), slope


def _exactly(own, other, point):
    """What one triangle adds to the winding number below another, in integers; None: unknown.

    own, other : their corners, of three coordinates, the last along the ray;  point : where that is, None: the middle
    """
    numbers = _integers([x for corner in (*own, *other, point or ()) for x in corner])
    own, other = ([numbers[i : i + 3] for i in range(k, k + 9, 3)] for k in (0, 9))
    point = numbers[18:] or [sum(corner[k] for corner in own) // 3 for k in range(2)]
    way, facing = _sign(_turn(*own)), _sign(_turn(*other))
    if facing == 0 or any(_moved_turn(other[k - 1], other[k], point) != facing for k in range(3)):
        return 0
    above = _sign(_gap(own, other, point, sub, sub)) * way * facing
    if above == 0:
        if min(_height(own, corner) for corner in other) < 0:
            return None
        above = way
    return facing if above > 0 else 0


def _integers(numbers):
    """`numbers` times one that makes integers of them, and of a third of the sum of any three."""
    ratios = [x.as_integer_ratio() for x in numbers]
    most = 3 * max(below for _, below in ratios)  # all of them powers of two
    return [above * (most // below) for above, below in ratios]


def _sign(x):
    return (x > 0) - (x < 0)


def _turn(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _moved_turn(a, b, point):
    return _sign(_turn(a, b, point)) or _sign(a[1] - b[1]) or _sign(b[0] - a[0])


def _height(plane, point):
    """Six times the volume between a triangle and a point, positive above it."""
    u, w, x = ([p[k] - plane[0][k] for k in range(3)] for p in (plane[1], plane[2], point))
    return sum(x[k] * (u[k - 2] * w[k - 1] - u[k - 1] * w[k - 2]) for k in range(3))
