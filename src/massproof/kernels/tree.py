"""Which boxes meet: a tree of boxes for many, a sweep for few.

Boxes are put in the order of a Morton curve, as in T. Karras, "Maximizing Parallelism in the Construction of BVHs,
Octrees, and k-d Trees", 2012; we then pack eight to a node, and eight nodes to the next, as in I. Kamel,
C. Faloutsos, "On Packing R-trees", 1993: no pointers, and a node is compared with a box in a few instructions.

Coordinates are rounded to a grid of 2³⁰ steps. Rounding keeps the order, so boxes that meet still meet; those that
are nearer than a step may seem to.
"""

from typing import NamedTuple

import numpy as np

from massproof.kernels.jit import DISABLED, entry, kernel
from massproof.kernels.predicates import flushed

WIDTH = 8  # boxes to a node; `simd.meeting` compares as many at once
STEPS = 2.0**30

DEPTH = 128  # nodes that wait: seven of each level, and there are not more than eleven levels
# Boxes: linking compiled code takes 80 ms, numpy up to 70 µs for each needle they hold; kernels as Python, longer.
COMPILED_FROM = 5_000 if DISABLED else 1_500

_ROOM = 1 << 16  # pairs there is memory for at first
_FEW = 4  # queries that are compared with every box: sooner done than linking what looks into the tree
_STRIP = 1 << 20  # pairs of intervals the sweep looks at in one go
_CROWD = 1 << 17  # pairs that are quicker looked at by compiled code, linking included


class Tree(NamedTuple):
    """Boxes in a tree; see `planted`."""

    nodes: np.ndarray  # (N, 6, 8) int32: low corner and high corner of each box
    starts: np.ndarray  # (L + 1,) int64, of each level; level 0 holds the boxes, the last is one node
    order: np.ndarray  # (F,) int64: which box stands at each place of level 0


class Grid:
    """The grid around points (n, 3) float64."""

    __slots__ = ("low", "scale")

    def __init__(self, points):
        self.low = points.min(axis=0)
        extent = float((points.max(axis=0) - self.low).max())
        self.scale = STEPS / extent if extent > 0 else 0.0

    def rounded(self, points):
        """Points (n, 3) on the grid: int32, in order along each axis."""
        return np.clip((points - self.low) * self.scale, -1.0, STEPS + 1.0).astype(np.int32)

    def around(self, low, high):
        """(n, 6) int32 boxes with these corners."""
        return np.ascontiguousarray(np.hstack([self.rounded(low), self.rounded(high)]))


class Boxes:
    """Boxes on the grid: (N, 6) int32, low corner and high corner, from 0 to STEPS."""

    __slots__ = ("_tree", "rows")

    def __init__(self, rows):
        self.rows, self._tree = rows, None

    @property
    def tree(self):
        """They in a tree."""
        self._tree = self._tree or planted(self.rows)
        return self._tree

    def pairs(self):
        """Pairs (n, 2) int64 of two boxes that meet, each once; None when a tree should look for them."""
        return swept_pairs(self.rows) if len(self.rows) < COMPILED_FROM else None

    def crowded(self, queries):
        """Whether compiled code should look for what meets so many boxes: they are more than linking it is worth."""
        return len(queries) > _FEW and len(self.rows) >= COMPILED_FROM

    def meeting(self, queries, most=1 << 62):
        """Pairs (n, 2) int64 of a query, an (n, 6) int32 box, and a box that meets it; None when more than `most`."""
        if len(queries) <= _FEW:
            found = [np.flatnonzero(meets(self.rows, query)) for query in queries]
            counts = [len(boxes) for boxes in found]
            pairs = np.stack([np.repeat(np.arange(len(queries)), counts), np.concatenate(found)], axis=1)
        elif len(self.rows) < COMPILED_FROM:
            pairs = swept(queries, self.rows)
        else:
            pairs = _looked_up(self.tree, queries, most)
        return pairs if len(pairs) <= most else None


class Surface:
    """Triangles, and boxes around them by which to find them."""

    __slots__ = ("boxes", "faces", "grid", "vertices")

    def __init__(self, vertices, faces):
        """vertices : (V, 3) float64;  faces : (F, 3) int32 over distinct positions, trusted, F not 0."""
        self.vertices, self.faces = flushed(vertices), faces
        self.grid = Grid(self.vertices)
        if len(faces) < COMPILED_FROM:
            corners = self.grid.rounded(self.vertices)[faces]
            rows = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        else:
            points, rows = np.empty(vertices.shape, np.int32), np.empty((len(faces), 6), np.int32)
            enclose(self.vertices, *map(float, self.grid.low), self.grid.scale, faces, points, rows)
        self.boxes = Boxes(rows)


def meets(boxes, box):
    """Which boxes (F, 6) meet one."""
    found = np.ones(len(boxes), bool)
    for k in range(3):
        found &= (boxes[:, k] <= box[k + 3]) & (boxes[:, k + 3] >= box[k])
    return found


def planted(boxes):
    """A tree over boxes (F, 6) int32, of coordinates from 0 to STEPS; F is not 0."""
    count = len(boxes)
    keys = np.empty(count, np.int64)
    curve(boxes, keys)
    keys.sort()
    order = keys & 0xFFFFFFFF
    sizes = [-(-count // WIDTH)]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // WIDTH))
    starts = np.cumsum([0, *sizes])
    nodes = np.empty((starts[-1], 6, WIDTH), np.int32)
    fill(boxes, order, nodes, starts)
    return Tree(nodes, starts, order)


def _looked_up(tree, queries, most):
    """Pairs of a query and a box that meet; if there are more than `most`, more than so many."""
    stack, room = np.empty(DEPTH, np.int64), _ROOM
    while True:
        out = np.empty((room, 2), np.int64)
        found = look_up(tree.nodes, tree.starts, tree.order, queries, stack, out)
        if found <= room or room > most:
            return out[:found]
        room = min(found, most + 1)


def swept(queries, boxes):
    """Pairs (n, 2) of a query and a box that meet, in numpy: of two intervals that meet, one begins in the other."""
    axis = _shortest(boxes)
    begins, order = _sorted(boxes[:, axis])
    first = np.searchsorted(begins, queries[:, axis], "left")
    last = np.searchsorted(begins, queries[:, axis + 3], "right")
    found = _ranges(np.arange(len(queries)), order, first, last, axis, queries, boxes)
    begins, order = _sorted(queries[:, axis])
    first = np.searchsorted(begins, boxes[:, axis], "right")
    last = np.searchsorted(begins, boxes[:, axis + 3], "right")
    others = _ranges(np.arange(len(boxes)), order, first, last, axis, boxes, queries)
    return np.concatenate([found, others[:, ::-1]])


def swept_pairs(boxes):
    """Pairs (n, 2) of two different boxes that meet, each once, in numpy; None when they are very many."""
    axis = _shortest(boxes)
    begins, order = _sorted(boxes[:, axis])
    last = np.searchsorted(begins, boxes[order, axis + 3], "right")
    return _ranges(order, order, np.arange(1, len(boxes) + 1), last, axis, boxes, boxes, _CROWD)


def _shortest(boxes):
    """The axis along which boxes are shortest, beside the extent of all."""
    low, high = boxes[:, :3].astype(float), boxes[:, 3:].astype(float)
    extent = np.maximum(high.max(axis=0) - low.min(axis=0), 1.0)
    return int(np.argmin((high - low).mean(axis=0) / extent))


def _sorted(begins):
    order = np.argsort(begins, kind="stable")
    return begins[order], order


def _ranges(queries, order, first, last, axis, left, right, most=None):
    """Pairs of queries[i] and order[first[i]:last[i]] whose boxes in `left` and `right` meet along the other axes."""
    counts = np.maximum(last - first, 0)
    ends = np.cumsum(counts)
    found = [np.empty((0, 2), np.int64)]
    row = 0
    while row < len(counts):
        stop = max(row + 1, int(np.searchsorted(ends, ends[row] - counts[row] + _STRIP)))
        some = counts[row:stop]
        query = np.repeat(queries[row:stop], some)
        box = order[np.arange(len(query)) - np.repeat(np.cumsum(some) - some - first[row:stop], some)]
        for k in ((axis + 1) % 3, (axis + 2) % 3):
            meet = (left[query, k] <= right[box, k + 3]) & (left[query, k + 3] >= right[box, k])
            query, box = query[meet], box[meet]
        found.append(np.stack([query, box], axis=1))
        if most is not None and sum(map(len, found)) > most:
            return None
        row = stop
    return np.concatenate(found)


@kernel(replaced_by="meeting")
def meeting(nodes, n, boxes, row):
    """A bit for each of the eight boxes of nodes[n] that meets boxes[row]."""
    low, high = boxes[row, :3, None], boxes[row, 3:, None]
    found = (nodes[n, :3] <= high).all(axis=0) & (nodes[n, 3:] >= low).all(axis=0)
    return int((found * (1 << np.arange(WIDTH))).sum())


@kernel(replaced_by="lowest_bit")
def lowest_bit(x):
    """Number of the lowest bit that is set in an int64 that is not 0."""
    return (x & -x).bit_length() - 1


@entry("f8[:,3] f8 f8 f8 f8 i4[:,3] i4[:,3] i4[:,6]")
def enclose(vertices, x, y, z, scale, faces, points, boxes):
    """Round vertices to the grid, and write the boxes of faces over them."""
    for i in range(len(vertices)):
        points[i, 0] = int((vertices[i, 0] - x) * scale)
        points[i, 1] = int((vertices[i, 1] - y) * scale)
        points[i, 2] = int((vertices[i, 2] - z) * scale)
    for i in range(len(faces)):
        for k in range(3):
            a, b, c = points[faces[i, 0], k], points[faces[i, 1], k], points[faces[i, 2], k]
            boxes[i, k], boxes[i, k + 3] = min(min(a, b), c), max(max(a, b), c)
    return 0


@kernel
def spread(x):
    """Ten bits, with two zeros between any two."""
    x = (x | x << 16) & 0x030000FF
    x = (x | x << 8) & 0x0300F00F
    x = (x | x << 4) & 0x030C30C3
    return (x | x << 2) & 0x09249249


@entry("i4[:,6] i8[:]")
def curve(boxes, keys):
    """Place of each box's middle on the Morton curve, above its number in the lower 32 bits."""
    for i in range(len(boxes)):
        key = 0
        for axis in range(3):
            middle = (int(boxes[i, axis]) + int(boxes[i, axis + 3])) >> 21
            key |= spread(min(middle, 1023)) << axis
        keys[i] = key << 32 | i
    return 0


@entry("i4[:,6] i8[:] i4[:,6,8] i8[:]")
def fill(boxes, order, nodes, starts):
    """Write the boxes in their order to level 0, and around each node a box of the next level."""
    for place in range(WIDTH * starts[1]):
        for k in range(6):  # places that hold no box get one that nothing meets
            empty = 0x7FFFFFFF if k < 3 else -0x7FFFFFFF
            nodes[place >> 3, k, place & 7] = boxes[order[place], k] if place < len(order) else empty
    for level in range(1, len(starts) - 1):
        below, here = starts[level - 1], starts[level]
        for place in range(WIDTH * (starts[level + 1] - here)):
            for k in range(6):
                side = 0x7FFFFFFF if k < 3 else -0x7FFFFFFF
                if below + place < here:
                    for j in range(WIDTH):
                        other = int(nodes[below + place, k, j])
                        side = min(side, other) if k < 3 else max(side, other)
                nodes[here + (place >> 3), k, place & 7] = side
    return 0


@kernel
def next_leaf(nodes, starts, boxes, row, least, stack, waiting):
    """The next node of level 0, number `least` or later, whose box meets boxes[row], or −1; and what waits then.

    stack : the first `waiting` entries are nodes to look into, as level << 40 | number
    """
    while waiting > 0:
        waiting -= 1
        level, n = stack[waiting] >> 40, stack[waiting] & 0xFFFFFFFFFF
        if level == 0:
            return n, waiting
        below = starts[level] - starts[level - 1]
        mask = meeting(nodes, starts[level] + n, boxes, row)
        while mask:
            child = WIDTH * n + lowest_bit(mask)
            mask &= mask - 1
            if (child + 1) << 3 * (level - 1) > least and child < below:
                stack[waiting] = (level - 1) << 40 | child
                waiting += 1
    return -1, 0


@entry("i4[:,6,8] i8[:] i8[:] i4[:,6] i8[:] i8[:,2]")
def look_up(nodes, starts, order, queries, stack, out):
    """Pairs of a query and a box that meet; returns how many there are, also when they do not fit."""
    count = 0
    for row in range(len(queries)):
        stack[0] = (len(starts) - 2) << 40
        waiting = 1
        while True:
            leaf, waiting = next_leaf(nodes, starts, queries, row, 0, stack, waiting)
            if leaf < 0:
                break
            mask = meeting(nodes, leaf, queries, row)
            while mask:
                if count < len(out):
                    out[count, 0] = row
                    out[count, 1] = order[WIDTH * leaf + lowest_bit(mask)]
                count += 1
                mask &= mask - 1
    return count
