"""Pairs of triangles that may cross: those whose boxes meet, without those that surely do not.

Two triangles are apart when the corners of one lie strictly on one side of the plane of the other, or when the line
of an edge of one parts them in the projection along the axis nearest to their normals (of two convex polygons that
are apart, an edge of one always does: S. Gottschalk, M. Lin, D. Manocha, "OBBTree", 1996). Corners they share may
lie on the plane or the line: then these are all they have in common. The line is exact, so that flat regions of any
size leave nothing behind; planes may err towards "not apart", which the exact test after it makes good.
"""

import numpy as np

from massproof.kernels.jit import entry, in_threads, kernel
from massproof.kernels.predicates import HEIGHT_BOUND, TINY, rounded_heights, turn, turns
from massproof.kernels.tree import DEPTH, WIDTH, lowest_bit, meeting, next_leaf

_PART = 512  # leaves a thread takes at a time
_FIRST = 8  # leaves it takes at first, so that a surface that crosses itself all over is soon known to
_BATCH = 16  # parts between two answers
_CHUNK = 1 << 15  # pairs that numpy looks at in one go
_ENOUGH = 1 << 26  # pairs of one part, some seconds: then triangles are so long that this is not the way
_MANY = 1 << 20  # pairs of one part: more than a closed surface of short triangles has by far
_ROOM = 1 << 16  # pairs a part has memory for at first

# Corners of two triangles are numbered 0 to 5: which comes next, whose triangle it is, which are the other's.
_NEXT, _OWN = [1, 2, 0, 4, 5, 3], [0, 0, 0, 1, 1, 1]
_OTHER = np.array([[3, 4, 5]] * 3 + [[0, 1, 2]] * 3)


def batches(surface, loose, threads=0):
    """Arrays (n, 2) int64 of pairs that may cross; how many pairs were looked at for them, and whether these were all.

    surface : a `tree.Surface`;  loose : (F, 3) uint8, 1 is set for edges, from corner k on, that were found to lie in
    the plane of a face that they may touch
    """
    pairs = surface.boxes.pairs()
    if pairs is not None:
        for i in range(0, len(pairs), _CHUNK):
            some = pairs[i : i + _CHUNK]
            yield some[~apart(surface.vertices, surface.faces, some)], len(some), True
        return
    order = surface.boxes.tree.order
    local, slack = np.ascontiguousarray(surface.faces[order]), np.zeros(loose.shape, np.uint8)
    end, first, size, count = int(surface.boxes.tree.starts[1]), 0, _FIRST, 2
    while first < end:
        some = [(i, min(i + size, end)) for i in range(first, min(first + size * count, end), size)]
        found = in_threads(lambda part: _joined(surface, local, *part, slack), some, threads)
        counts = [looked for _, looked in found]
        yield order[np.concatenate([pairs for pairs, _ in found])], sum(counts), max(counts) <= _ENOUGH
        first += size * count
        if max(counts) >= _MANY:  # the caller may have had enough
            size, count = max(size // 4, _FIRST), 2
        elif size < _PART:
            size *= 4
        else:
            count = min(2 * count, _BATCH)
    loose[order] |= slack


def _joined(surface, local, first, last, slack):
    tree = surface.boxes.tree
    stack, query = np.empty(DEPTH, np.int64), np.empty((WIDTH + 1, 6), np.int32)
    corners, names = np.empty((6, 3)), np.empty((6, 2), np.int64)
    parts, counts = np.empty(24), np.zeros(1, np.int64)
    room = _ROOM
    while True:
        out = np.empty((room, 2), np.int64)
        memory = stack, query, corners, names, parts, slack, counts, out
        room = join(tree.nodes, tree.starts, surface.vertices, local, first, last, _ENOUGH, *memory)
        if room <= len(out):
            return out[:room].copy(), int(counts[0])


@entry("i4[:,6,8] i8[:] f8[:,3] i4[:,3] i8 i8 i8 i8[:] i4[:,6] f8[6,3] i8[6,2] f8[24] u1[:,3] i8[1] i8[:,2]")
def join(
    nodes, starts, vertices, faces, first, last, most, stack, query, corners, names, parts, loose, counts, out
):
    """Pairs of places that may cross, one in leaves first..last, the other the same or later; how many there are.

    faces : (F, 3) int32, in the order of the leaves;  counts : how many pairs were looked at; ends after `most`
    stack, query, corners, names, parts : memory;  loose : as in `batches`;  out : filled as far as it goes
    """
    found = counts[0] = 0
    for leaf in range(first, last):
        lanes = min(WIDTH, len(faces) - WIDTH * leaf)
        for k in range(6):
            side = nodes[leaf, k, 0]
            for j in range(lanes):
                query[j, k] = nodes[leaf, k, j]
                side = min(side, query[j, k]) if k < 3 else max(side, query[j, k])
            query[WIDTH, k] = side
        stack[0] = (len(starts) - 2) << 40
        waiting = 1
        while True:
            other, waiting = next_leaf(nodes, starts, query, WIDTH, leaf, stack, waiting)
            if other < 0 or counts[0] > most:
                break
            memory = query, corners, names, parts, loose, counts, out
            found = join_leaves(nodes, leaf, other, lanes, vertices, faces, memory, found)
    return found


@kernel
def join_leaves(nodes, leaf, other, lanes, vertices, faces, memory, found):
    """Add the pairs of a triangle in `leaf` and a later one in `other`; returns how many were found so far."""
    query, corners, names, parts, loose, counts, out = memory
    for lane in range(lanes):
        i = WIDTH * leaf + lane
        mask = meeting(nodes, other, query, lane)
        if leaf == other:
            mask &= -2 << lane
        if mask:
            load(vertices, faces, i, 0, corners, names)
        while mask:
            j = WIDTH * other + lowest_bit(mask)
            mask &= mask - 1
            load(vertices, faces, j, 3, corners, names)
            counts[0] += 1
            if not surely_apart(corners, names, parts) and not surely_touching(names, loose, i, j):
                if found < len(out):
                    out[found, 0], out[found, 1] = i, j
                found += 1
    return found


@kernel
def load(vertices, faces, i, row, corners, names):
    """Corners of a triangle, and their numbers, to three rows."""
    for k in range(3):
        v = faces[i, k]
        names[row + k, 0] = v
        for axis in range(3):
            corners[row + k, axis] = vertices[v, axis]


@kernel
def surely_apart(corners, names, parts):
    """Whether two triangles have nothing in common but corners of one name; or are the same, which is told elsewhere.

    names : (6, 2) int64, numbers of the corners; beside them their side of the other plane is written, if not apart
    """
    common = 0
    for j in range(3):
        for k in range(3, 6):
            common += names[j, 0] == names[k, 0]
    if common == 3:
        return True
    nx, ny, nz = 0.0, 0.0, 0.0
    for t in range(0, 6, 3):
        parted, x, y, z = parted_by_plane(corners, names, t)
        if parted:
            return True
        nx, ny, nz = nx + x, ny + y, nz + z
    axis = 0 if nx >= ny and nx >= nz else 1 if ny >= nz else 2
    parted, e = False, 0
    while e < 6 and not parted:
        parted = beyond(corners, names, e, axis, common, parts)
        e += 1
    return parted


@kernel
def parted_by_plane(corners, names, t):
    """Whether the triangle not in rows t.. is surely on one side of the plane of the one there; and its |normal|.

    Beside the names, sides are 1, 0, −1 where they are sure, else 2.
    """
    a, b, c = t, t + 1, t + 2
    ux, uy, uz = corners[b, 0] - corners[a, 0], corners[b, 1] - corners[a, 1], corners[b, 2] - corners[a, 2]
    wx, wy, wz = corners[c, 0] - corners[a, 0], corners[c, 1] - corners[a, 1], corners[c, 2] - corners[a, 2]
    p1, p2, p3, p4, p5, p6 = uy * wz, uz * wy, uz * wx, ux * wz, ux * wy, uy * wx
    nx, ny, nz = p1 - p2, p3 - p4, p5 - p6
    mx, my, mz = abs(p1) + abs(p2), abs(p3) + abs(p4), abs(p5) + abs(p6)
    above, below = True, True
    for k in range(3 - t, 6 - t):
        name, side = names[k, 0], 0
        if name != names[a, 0] and name != names[b, 0] and name != names[c, 0]:
            x, y, z = (
                corners[k, 0] - corners[a, 0],
                corners[k, 1] - corners[a, 1],
                corners[k, 2] - corners[a, 2],
            )
            det, size = nx * x + ny * y + nz * z, mx * abs(x) + my * abs(y) + mz * abs(z)
            bound = HEIGHT_BOUND * size + TINY
            side = 1 if det > bound else -1 if det < -bound else 0 if size == 0.0 else 2
            above, below = above and side == 1, below and side == -1
        names[k, 1] = side
    return above or below, abs(nx), abs(ny), abs(nz)


@kernel
def range_of_sides(names, t):
    """The lowest and the highest side of the corners in rows t.. of the other triangle's plane."""
    a, b, c = names[t, 1], names[t + 1, 1], names[t + 2, 1]
    return min(min(a, b), c), max(max(a, b), c)


@kernel
def surely_touching(names, loose, i, j):
    """Whether the sides of their corners show that two triangles do not cross; then marks edges that may be touched."""
    low, high = range_of_sides(names, 0)
    least, most = range_of_sides(names, 3)
    if high == 2 or most == 2 or (low == 0 and high == 0) or (least == 0 and most == 0):
        return False
    if low < 0 and least < 0 and high >= 0 and most >= 0 and (high > 0 or most > 0):
        return False
    for k in range(3):
        if names[k, 1] == 0 and names[(k + 1) % 3, 1] == 0:
            loose[i, k] = 1
        if names[3 + k, 1] == 0 and names[3 + (k + 1) % 3, 1] == 0:
            loose[j, k] = 1
    return True


@kernel
def beyond(corners, names, e, axis, common, parts):
    """Whether, along `axis`, the line of edge e has its triangle on one side and the other one on the other."""
    t = e - e % 3
    p, q, r = e, t + (e + 1) % 3, t + (e + 2) % 3
    x, y = (axis + 1) % 3, (axis + 2) % 3
    own = 0
    for n in range(4):
        k = r if n == 0 else 2 - t + n
        if n > 0 and (names[k, 0] == names[p, 0] or names[k, 0] == names[q, 0]):
            continue
        side = turn(
            corners[p, x], corners[p, y], corners[q, x], corners[q, y], corners[k, x], corners[k, y], parts
        )
        if n == 0:
            own = side
        if side == own and (n > 0 or side == 0):
            return False
        if side == 0 and not (common == 1 and behind(corners, names, p, q, k, 3 - t, x, y)):
            return False
    return True


@kernel
def behind(corners, names, p, q, k, other, x, y):
    """Whether corner k, on the line of p and q, is on the far side of the one of them that both triangles share."""
    if (
        names[q, 0] == names[other, 0]
        or names[q, 0] == names[other + 1, 0]
        or names[q, 0] == names[other + 2, 0]
    ):
        p, q = q, p
    elif (
        names[p, 0] != names[other, 0]
        and names[p, 0] != names[other + 1, 0]
        and names[p, 0] != names[other + 2, 0]
    ):
        return False
    if corners[q, x] == corners[p, x]:
        x = y
    if corners[q, x] > corners[p, x]:
        return corners[k, x] < corners[p, x]
    return corners[k, x] > corners[p, x]


def apart(vertices, faces, pairs):
    """As `surely_apart`, for pairs (n, 2), in numpy; returns (n,) bool."""
    names = faces[pairs].reshape(-1, 6)
    same = names[:, :3, None] == names[:, None, 3:]
    common = same.sum(axis=(1, 2))
    shared = np.concatenate([same.any(axis=2), same.any(axis=1)], axis=1)
    corners = vertices.T[:, names]
    away = (common == 3) | _beside(corners, shared, 0) | _beside(corners, shared, 3)
    rows = np.flatnonzero(~away)
    away[rows] = _parted(corners[:, rows], names[rows], shared[rows], common[rows])
    return away


def _beside(corners, shared, t):
    """Where the corners of the other triangle that are not shared lie surely on one side of this one's plane."""
    a, b, c = (corners[:, :, t + k, None] for k in range(3))
    side, sure = rounded_heights(a, b, c, corners[:, :, 3 - t : 6 - t])
    shared = shared[:, 3 - t : 6 - t]
    return (shared | sure & (side > 0)).all(axis=1) | (shared | sure & (side < 0)).all(axis=1)


def _parted(corners, names, shared, common):
    """Where the line of an edge has its triangle on one side and the other one beyond it, as `beyond` says."""
    axis = np.argmax(_normals(corners, 0) + _normals(corners, 3), axis=0)[:, None]
    flat = np.stack([np.choose((axis + k) % 3, corners) for k in (1, 2)])
    p, q = flat, flat[:, :, _NEXT]
    own = turns(*(flat[:, :, k::3] for k in range(3)))[:, _OWN]
    held = (names[:, _OTHER] == names[:, :, None]) | (names[:, _OTHER] == names[:, _NEXT, None])
    points = flat[:, :, _OTHER]
    side = turns(p[..., None], q[..., None], points, held)
    hinge = np.where(shared[:, _NEXT], q, p)
    along = np.where(shared[:, _NEXT], p - q, q - p)[..., None]
    away = points - hinge[..., None]
    behind = np.where(along[0] != 0, along[0] * away[0], along[1] * away[1]) < 0
    behind &= ((common == 1)[:, None] & (shared | shared[:, _NEXT]))[..., None]
    passed = held | (side == -own[..., None]) | ((side == 0) & behind)
    return (passed.all(axis=2) & (own != 0)).any(axis=1)


def _normals(corners, t):
    """Size of each coordinate of the normal."""
    (ux, uy, uz), (wx, wy, wz) = (
        corners[:, :, t + 1] - corners[:, :, t],
        corners[:, :, t + 2] - corners[:, :, t],
    )
    return np.abs([uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx])
