"""How often a closed surface winds around the points just below its faces, exactly.

Below a face, on the side of the material, lies a layer of points; where nothing enters the face (`intersections`)
the layer is in one piece, and one ray from it tells the winding number of all of it: faces that the ray leaves
through count 1, those that it comes in through −1. It starts below the middle of the face and runs along the axis
nearest to the normal.

The ray is moved aside by less than any distance there is, along one axis first and far less along the other, so
that it meets no edge and no corner: H. Edelsbrunner, E. Mücke, "Simulation of Simplicity", ACM Transactions on
Graphics 9, 1990. It starts below the face by less than that: what touches the face from above lies above the start.
Which of two faces the ray meets first is decided by the sides on which their corners lie; where these do not tell, in
fractions.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from massproof.kernels.predicates import heights, turns
from massproof.kernels.tree import Boxes

_BLOCK = 256  # rays at a time
_CHUNK = 1 << 16  # faces at a time that rays may meet
_EXACT = 1_000  # rays that may be followed in fractions, at a millisecond each


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
    limit : how many faces may be looked at
    """
    bodies = Boxes(surface.grid.around(low, high))
    unknown = np.zeros(len(chosen), bool)
    rays, winding, counts = [], [], []
    for first in range(0, len(chosen), _BLOCK):
        some = chosen[first : first + _BLOCK]
        axis, start = _starts(surface, some)
        column = _columns(surface, some, axis, start)
        around = bodies.meeting(
            column, max(limit, 0)
        )  # a body that does not reach the point has no part in this
        pairs = None if around is None else _candidates(surface, bodies, around, column, axis, limit)
        if pairs is None:
            unknown[first:] = True
            break
        limit -= len(pairs) + len(around)
        held = np.isin(pairs[:, 0] * len(low) + label[pairs[:, 1]], around[:, 0] * len(low) + around[:, 1])
        pairs = pairs[held]
        count, unsure = _met(surface, some, axis, start, pairs)
        rays.append(pairs[:, 0] + first)
        winding.append(label[pairs[:, 1]])
        counts.append(count)
        unknown[first + np.flatnonzero(unsure)] = True
    return _summed(rays, winding, counts, unknown, len(low))


def _candidates(surface, bodies, around, column, axis, limit):
    """Pairs (n, 2) of a ray and a face it may meet before it has left all bodies around its start."""
    rows = np.arange(len(column))
    top = column[rows, axis + 3]
    np.maximum.at(top, around[:, 0], bodies.rows[around[:, 1], axis[around[:, 0]] + 3])
    column[rows, axis + 3] = top
    return surface.boxes.meeting(column, max(limit - len(around), 0))


def _summed(rays, bodies, counts, unknown, width):
    rays, bodies, counts = (np.concatenate([np.empty(0, np.int64), *x]) for x in (rays, bodies, counts))
    keys, place = np.unique(rays * width + bodies, return_inverse=True)
    numbers = np.zeros(len(keys), np.int64)
    np.add.at(numbers, place, counts)
    kept = (numbers != 0) & ~unknown[keys // width]
    return Windings(keys[kept] // width, keys[kept] % width, numbers[kept], unknown)


def _starts(surface, chosen):
    """The axis nearest to the normal of each face, and the middle along the other two: (2, Q)."""
    a, b, c = (surface.vertices[surface.faces[chosen, k]].T for k in range(3))
    (ux, uy, uz), (wx, wy, wz) = b - a, c - a
    axis = np.argmax(np.abs([uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx]), axis=0)
    middle = a + ((b - a) + (c - a)) / 3
    rows = np.arange(len(chosen))
    return axis, np.stack([middle[(axis + 1) % 3, rows], middle[(axis + 2) % 3, rows]])


def _columns(surface, chosen, axis, start):
    """Boxes (Q, 6) on the grid around the starts of rays, a step wider than they are, as long as the faces are."""
    rows = np.arange(len(chosen))
    points = np.zeros((len(chosen), 3))
    points[rows, (axis + 1) % 3], points[rows, (axis + 2) % 3] = start
    points = surface.grid.rounded(points)
    column = np.concatenate([points - 1, points + 1], axis=1)
    column[rows, axis] = surface.boxes.rows[chosen, axis]
    column[rows, axis + 3] = surface.boxes.rows[chosen, axis + 3]
    return column


def _met(surface, chosen, axis, start, pairs):
    """What each pair (n, 2) of a ray and a face adds to the winding number, and which rays are unknown."""
    counts, unsure = np.zeros(len(pairs), np.int64), np.zeros(len(pairs), bool)
    for i in range(0, len(pairs), _CHUNK):
        ray, face = pairs[i : i + _CHUNK].T
        own, other = (_turned(surface, faces, axis[ray]) for faces in (chosen[ray], face))
        part = slice(i, i + _CHUNK)
        counts[part], unsure[part] = _counted(own, other, start[:, ray])
    doubtful = np.zeros(len(chosen), bool)
    doubtful[pairs[unsure, 0]] = True
    for ray in np.flatnonzero(doubtful)[:_EXACT]:
        rows = np.flatnonzero(pairs[:, 0] == ray)
        found = _exactly(surface, chosen[ray], pairs[rows, 1], int(axis[ray]))
        if found is not None:
            counts[rows], doubtful[ray] = found, False
    return counts, doubtful


def _turned(surface, faces, axis):
    """Corners (3, n, 3) of faces, their coordinates turned so that `axis` comes last."""
    corners = surface.vertices.T[:, surface.faces[faces]]
    return np.stack([np.choose(((axis + k) % 3)[:, None], corners) for k in (1, 2, 0)])


def _counted(own, other, start):
    """What faces add to the winding number below others: 1, 0, −1; and where this could not be told."""
    way, facing = (turns(*(x[:2, :, k] for k in range(3))) for x in (own, other))
    counts = np.zeros(len(way), np.int64)
    unsure = ~_within(own, start, way, aside=False)
    rows = np.flatnonzero(_within(other, start, facing, aside=True) & ~unsure)
    rows = rows[other[2, rows].max(axis=1) >= own[2, rows].min(axis=1)]
    higher = (other[2, rows].min(axis=1) > own[2, rows].max(axis=1)).astype(np.int64)
    close = np.flatnonzero(higher == 0)
    near = rows[close]
    side = _side(own[:, near], other[:, near]) * -facing[near]
    side = np.where(side == 0, way[near], side)  # in one plane, and the start is below it
    left = np.flatnonzero(np.abs(side) > 1)
    side[left] = _side(other[:, near[left]], own[:, near[left]]) * way[near[left]]
    unsure[near[np.abs(side) > 1]] = True
    higher[close] = side > 0
    counts[rows] = facing[rows] * higher
    return counts, unsure


def _side(points, plane):
    """The side of planes (3, n, 3) on which triangles lie: 1 or −1, 0 in it, 2 if on both."""
    side = heights(*(plane[:, :, k, None] for k in range(3)), points)
    low, high = side.min(axis=1), side.max(axis=1)
    return np.where(low * high < 0, 2, low + high).clip(-1, 2).astype(np.int64)


def _within(corners, point, way, aside):
    """Whether points (2, n), moved aside or not, lie strictly inside triangles that turn that way."""
    p = corners[:2]
    q = np.roll(p, -1, axis=2)
    side = turns(p, q, point[..., None])
    if aside:  # by ε along x and ε² along y
        x, y = np.sign(q - p).astype(np.int64)
        side = np.where(side == 0, np.where(y != 0, -y, x), side)
    return (way != 0) & (side == way[:, None]).all(axis=1)


def _exactly(surface, face, others, axis):
    """What each of `others` adds to the winding number below the middle of a face, in fractions; None: unknown."""
    own = _fractions(surface, face, axis)
    point = [sum(column) / 3 for column in zip(*own, strict=True)]
    way = _sign(_turn(*own))
    counts = []
    for other in others:
        corners = _fractions(surface, other, axis)
        facing = _sign(_turn(*corners))
        if facing == 0 or any(_moved_turn(corners[k - 1], corners[k], point) != facing for k in range(3)):
            counts.append(0)
            continue
        height = _height(corners, point) * facing  # of the middle over the other plane, along the axis
        if height == 0:
            if min(_height(own, corner) for corner in corners) < 0:
                return None
            height = -way
        counts.append(facing if height < 0 else 0)
    return counts


def _fractions(surface, face, axis):
    corners = surface.vertices[surface.faces[face]].tolist()
    return [[Fraction(corner[(axis + k) % 3]) for k in (1, 2, 0)] for corner in corners]


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
