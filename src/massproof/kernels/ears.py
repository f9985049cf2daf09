"""Triangles of concave polygons: ears are cut off until a triangle is left. None leaves the polygon.

Source: G. H. Meisters, "Polygons have ears", American Mathematical Monthly 82, 1975. Of all ears the one with
the widest turn goes first, which keeps triangles round. A corner that was no ear is asked again only when the
corner that blocked it is gone, so that a polygon of n corners takes about n² steps.
"""

import math

import numpy as np

from massproof.kernels.jit import entry, kernel

# A corner that turns by less than this part of the polygon's area is straight: rounding of three products
# of float64, and of the plane they are projected to, stays below it.
STRAIGHT = 1e-12

# Triangles that cover a polygon once have its area; by this part of it more, they fold over.
FOLDED = 1e-9

# From this sum of squared sizes on, compiled code is worth linking: 30 ms once, against 3 µs in Python.
_COMPILED_FROM = 10_000

_BEFORE, _AFTER, _BLOCKER = 0, 1, 2  # columns of a ring


@kernel
def turned(plane, a, b, c):
    """Twice the signed area of the triangle of three corners."""
    ax, ay = plane[a, 0], plane[a, 1]
    return (plane[b, 0] - ax) * (plane[c, 1] - ay) - (plane[b, 1] - ay) * (plane[c, 0] - ax)


@kernel
def crossed(points, a, b, c):
    """Cross product of the edges from a to b and from a to c."""
    ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    wx, wy, wz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
    return uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx


@kernel
def normal_of(points, count):
    """Twice the vector area of a polygon of `count` corners."""
    x = y = z = 0.0
    for k in range(1, count - 1):
        nx, ny, nz = crossed(points, 0, k, k + 1)
        x, y, z = x + nx, y + ny, z + nz
    return x, y, z


@kernel
def fold(points, count, triangles, used):
    """By how much `used` triangles exceed the polygon of `count` corners, as `polygons.folded` says."""
    x, y, z = normal_of(points, count)
    covered, against = 0.0, False
    for t in range(used):
        nx, ny, nz = crossed(points, triangles[t, 0], triangles[t, 1], triangles[t, 2])
        covered += math.sqrt(nx * nx + ny * ny + nz * nz) / 2
        against = against or nx * x + ny * y + nz * z < 0
    area = math.sqrt(x * x + y * y + z * z) / 2
    excess, against = covered - area, against or area <= FOLDED * covered
    return excess if against and excess > FOLDED * covered else 0.0


@kernel
def distinct(points, count, kept):
    """Write to `kept` the corners that are not in the place of the one before: how many they are."""
    found = 0
    for k in range(count):
        j = k - 1 if k else count - 1
        if points[k, 0] != points[j, 0] or points[k, 1] != points[j, 1] or points[k, 2] != points[j, 2]:
            kept[found] = k
            found += 1
    return found


@kernel
def flatten(points, count, kept, found, plane):
    """Corners in the coordinate plane nearest to theirs, counter-clockwise: twice their area there."""
    x, y, z = normal_of(points, count)
    axis, most = 0, x
    if abs(y) > abs(most):
        axis, most = 1, y
    if abs(z) > abs(most):
        axis, most = 2, z
    first, second = (axis + 1) % 3, (axis + 2) % 3
    if most <= 0:
        first, second = second, first
    for k in range(found):
        plane[k, 0], plane[k, 1] = points[kept[k], first], points[kept[k], second]
    return abs(most)


@kernel
def same(plane, a, b):
    """Whether two corners are in one place."""
    return plane[a, 0] == plane[b, 0] and plane[a, 1] == plane[b, 1]


@kernel
def blocker(plane, k, ring, turns, left, slack):
    """A corner that does not turn outwards and lies in the triangle at corner k; −1 when there is none."""
    a, c = ring[k, _BEFORE], ring[k, _AFTER]
    r = ring[c, _AFTER]
    for _ in range(left - 3):
        inside = turns[r] <= slack and turned(plane, a, k, r) >= -slack
        inside = inside and turned(plane, k, c, r) >= -slack and turned(plane, c, a, r) >= -slack
        # A corner in the same place as one of the triangle's does not block it: bridged holes touch so.
        if inside and not (same(plane, a, r) or same(plane, k, r) or same(plane, c, r)):
            return r
        r = ring[r, _AFTER]
    return -1


@kernel
def widest(head, ring, turns, left, slack, every):
    """The corner that turns most, of `every` one or of those that turn inwards and seem free."""
    best, most = -1, 0.0
    k = head
    for _ in range(left):
        b = ring[k, _BLOCKER]
        blocked = b >= 0 and ring[b, _AFTER] >= 0 and turns[b] <= slack
        if (best < 0 and every) or (turns[k] > most and (every or not blocked)):
            best, most = k, turns[k]
        k = ring[k, _AFTER]
    return best


@kernel
def next_ear(plane, head, ring, turns, left, slack):
    """The ear to cut off; a polygon that crosses itself may have none: then the corner that turns most."""
    while True:
        k = widest(head, ring, turns, left, slack, False)
        if k < 0:
            return widest(head, ring, turns, left, slack, True)
        ring[k, _BLOCKER] = blocker(plane, k, ring, turns, left, slack)
        if ring[k, _BLOCKER] < 0:
            return k


@kernel
def clip(plane, count, slack, ring, turns, out):
    """Write the `count` − 2 triangles of a counter-clockwise polygon to `out`."""
    for k in range(count):
        ring[k, _BEFORE], ring[k, _AFTER], ring[k, _BLOCKER] = (k - 1) % count, (k + 1) % count, -1
        turns[k] = turned(plane, (k - 1) % count, k, (k + 1) % count)
    head = 0
    for t in range(count - 2):
        k = next_ear(plane, head, ring, turns, count - t, slack) if t < count - 3 else ring[head, _AFTER]
        a, c = ring[k, _BEFORE], ring[k, _AFTER]
        out[t, 0], out[t, 1], out[t, 2] = a, k, c
        ring[a, _AFTER], ring[c, _BEFORE] = c, a
        ring[k, _AFTER] = -1  # it blocks no more
        head = c if k == head else head
        for i in (a, c):
            ring[i, _BLOCKER] = -1
            turns[i] = turned(plane, ring[i, _BEFORE], i, ring[i, _AFTER])


@kernel
def best_ears(points, count, kept, plane, ring, turns, found, best):
    """Write the triangles of a polygon that fold over the least to `best`: by how much they do.

    Corners in one place are one corner; each that is left out gives a triangle without extent.
    """
    left = distinct(points, count, kept)
    area = flatten(points, count, kept, left, plane)
    least = math.inf
    for step in range(3):
        if least == 0.0:
            break
        slack = (1 - step) * STRAIGHT * area  # straight corners block an ear, or do not
        clip(plane, left, slack, ring, turns, found)
        for t in range(count - 2):
            for i in range(3):
                found[t, i] = kept[found[t, i]] if t < left - 2 else 0
        excess = fold(points, count, found, count - 2)
        if excess < least:
            least = excess
            for t in range(count - 2):
                best[t, 0], best[t, 1], best[t, 2] = found[t, 0], found[t, 1], found[t, 2]
    return least


@entry("f8[:,3] i4[:] i8[:] i8[:] i4[:,3] f8[:] f8[:,3] f8[:,2] i4[:] i4[:,3] f8[:] i4[:,3] i4[:,3]")
def cut_ears(vertices, corners, starts, chosen, faces, excess, points, plane, kept, ring, turns, found, best):
    """Replace the triangles of polygons by such as do not leave them, and say by how much these fold over.

    vertices, corners, starts : as `polygons.divide` makes them, trusted
    chosen : (n,) int64, polygons that have an area
    faces, excess : as `divide` returns them, changed for the chosen ones
    points … best : memory for the corners of the largest of them
    """
    for i in chosen:
        first, count = starts[i], starts[i + 1] - starts[i]
        for k in range(count):
            for axis in range(3):
                points[k, axis] = vertices[corners[first + k], axis]
        excess[i] = best_ears(points, count, kept, plane, ring, turns, found, best)
        for t in range(count - 2):
            for k in range(3):
                faces[first - 2 * i + t, k] = corners[first + best[t, k]]
    return 0


def cut_all(vertices, corners, starts, chosen, faces, excess):
    """As `cut_ears`, which is compiled when there is enough to do."""
    sizes = starts[chosen + 1] - starts[chosen]
    run = cut_ears if (sizes * sizes).sum() >= _COMPILED_FROM else cut_ears.function
    n = int(sizes.max())
    links = np.empty(n, np.int32), np.empty((n, 3), np.int32), np.empty(n)
    memory = (
        np.empty((n, 3)),
        np.empty((n, 2)),
        *links,
        np.empty((n, 3), np.int32),
        np.empty((n, 3), np.int32),
    )
    with np.errstate(all="ignore"):  # areas of 1e200 overflow; such coordinates are refused later
        run(vertices, corners, starts, chosen, faces, excess, *memory)
