"""Which sides of triangles lie on one edge: paired once, and used by everything that asks about a surface.

The sides of all faces are brought together by a counting sort on the lower of their two vertices (D. E.
Knuth, "The Art of Computer Programming", volume 3, 1998, section 5.2, algorithm D); those of one vertex, six
in a closed surface, are then sorted by the higher one. Sorting instead of pointers, as in M. Botsch et al.,
"Polygon Mesh Processing", 2010, chapter 2, is the usual remedy for meshes that need not be manifold.
"""

from typing import NamedTuple

import numpy as np

from massproof.kernels import COMPILED_FROM
from massproof.kernels.jit import entry, in_threads, kernel

UNBALANCED, CROWDED = 0, 1  # edges whose directed uses do not cancel; edges of more than two faces

_PART = 131072  # vertices whose sides a thread sorts at a time: about a millisecond
_FEW = 32  # sides that are sorted by insertion; more, round the middle of a fan, by a heap

_1, _2, _3, _32 = (np.uint64(n) for n in (1, 2, 3, 32))
_LOW = np.uint64(0xFFFFFFFF)


class Sides(NamedTuple):
    """The sides of faces, those of one edge together; faces that name a vertex twice have none.

    Side k of face f runs from corner k to corner k + 1 and has the number 3f + k. Its word holds its higher
    vertex, then its number, then whether it runs down, from the higher vertex to the lower.
    """

    starts: np.ndarray  # (V + 1,) int32, where the sides of each lower vertex begin
    words: np.ndarray  # (n,) uint64, ascending for each lower vertex: vertex << 32 | number << 1 | down
    total: int  # edges
    boundary: int  # that belong to one face only
    inconsistent: int  # to two faces that run the same way
    crowded: int  # to more than two faces
    unbalanced: int  # whose directed uses do not cancel


def face_of(words):
    """The face of each side, and which of its sides it is."""
    side = ((words & _LOW) >> _1).astype(np.int64)
    return side // 3, side % 3


def paired(faces, count):
    """The sides of faces (F, 3) int32 over `count` vertices, indices trusted, F < 7·10⁸."""
    if len(faces) < COMPILED_FROM:
        return _small(faces, count)
    starts, words = np.zeros(count + 2, np.int32), np.empty(3 * len(faces), np.uint64)
    starts, words = starts[:-1], words[: place_sides(faces, starts, words)]

    def part(first):
        tally = np.zeros(5, np.int64)
        order_sides(starts, words, first, min(first + _PART, count), tally)
        return tally

    tallies = in_threads(part, range(0, count, _PART))
    return Sides(starts, words, *np.sum(tallies, axis=0, dtype=np.int64).tolist())


@kernel
def sink(words, first, n, root):
    """Let the word at the root of a heap of n words sink to its place."""
    while 2 * root + 1 < n:
        child = 2 * root + 1
        if child + 1 < n and words[first + child] < words[first + child + 1]:
            child += 1
        if words[first + root] >= words[first + child]:
            break
        words[first + root], words[first + child] = words[first + child], words[first + root]
        root = child


@kernel
def sort(words, first, stop):
    """Sort words[first:stop]."""
    n = stop - first
    if n <= _FEW:
        for i in range(first + 1, stop):
            word, j = words[np.uint64(i)], i
            while j > first and words[np.uint64(j - 1)] > word:
                words[np.uint64(j)] = words[np.uint64(j - 1)]
                j -= 1
            words[np.uint64(j)] = word
    else:
        for root in range(n // 2 - 1, -1, -1):
            sink(words, first, n, root)
        for last in range(n - 1, 0, -1):
            words[first], words[first + last] = words[first + last], words[first]
            sink(words, first, last, 0)


@kernel
def put(a, b, side, starts, words):
    """Append the side from a to b to those of its lower vertex."""
    low = min(a, b) + _1
    at = starts[low]
    words[np.uint64(at)] = (max(a, b) << _32) | (side << _1) | np.uint64(a > b)
    starts[low] = at + 1


@entry("i4[:,3] i4[:] u8[:]")
def place_sides(faces, starts, words):
    """Bring the sides of each lower vertex together; returns how many sides there are.

    starts : (V + 2,) int32, zero; the first V + 1 are as in `Sides` then
    words : (3F,) uint64, written
    """
    for i in range(len(faces)):
        a, b, c = np.uint64(faces[i, 0]), np.uint64(faces[i, 1]), np.uint64(faces[i, 2])
        if a != b and b != c and c != a:
            starts[min(a, b) + _2] += 1
            starts[min(b, c) + _2] += 1
            starts[min(c, a) + _2] += 1
    total = 0
    for v in range(len(starts)):
        total += starts[v]
        starts[v] = total
    for i in range(len(faces)):
        a, b, c = np.uint64(faces[i, 0]), np.uint64(faces[i, 1]), np.uint64(faces[i, 2])
        if a != b and b != c and c != a:
            side = _3 * np.uint64(i)
            put(a, b, side, starts, words)
            put(b, c, side + _1, starts, words)
            put(c, a, side + _2, starts, words)
    return total


@kernel
def end_of_edge(words, first, stop):
    """Where the sides of the edge end that begin at `first`; `stop` ends those of its lower vertex."""
    i = first + 1
    while i < stop and (words[np.uint64(i)] ^ words[np.uint64(first)]) >> _32 == 0:
        i += 1
    return i


@kernel
def balance_of(words, first, stop):
    """How many more sides run up than down."""
    balance = 0
    for i in range(first, stop):
        balance += 1 - 2 * np.int64(words[np.uint64(i)] & _1)
    return balance


@entry("i4[:] u8[:] i8 i8 i8[5]")
def order_sides(starts, words, first, last, tally):
    """Sort the sides of each of the lower vertices first..last, and add their edges to the tally.

    starts, words : as in `Sides`, but for the order;  tally : total, boundary and so on, as in `Sides`
    """
    total = boundary = inconsistent = crowded = unbalanced = 0
    for v in range(first, last):
        i, stop = np.int64(starts[v]), np.int64(starts[v + 1])
        sort(words, i, stop)
        while i < stop:
            end = end_of_edge(words, i, stop)
            uneven = balance_of(words, i, end) != 0
            total += 1
            boundary += end - i == 1
            inconsistent += (end - i == 2) & uneven
            crowded += end - i > 2
            unbalanced += uneven
            i = end
    tally[0] += total
    tally[1] += boundary
    tally[2] += inconsistent
    tally[3] += crowded
    tally[4] += unbalanced
    return 0


@entry("i4[:] u8[:] i8 i8[:,5]")
def list_edges(starts, words, kind, rows):
    """List the edges of a kind, UNBALANCED or CROWDED, as `listed` does; returns how many."""
    found = 0
    for v in range(len(starts) - 1):
        i, stop = np.int64(starts[v]), np.int64(starts[v + 1])
        while i < stop:
            end = end_of_edge(words, i, stop)
            balance = balance_of(words, i, end)
            if (kind == UNBALANCED and balance != 0) or (kind == CROWDED and end - i > 2):
                rows[found, 0], rows[found, 1] = v, words[i] >> _32
                rows[found, 2], rows[found, 3], rows[found, 4] = i, end - i, balance
                found += 1
            i = end
    return found


def listed(sides, kind):
    """The edges of a kind, (n, 5) int64, ascending: vertices, first side, number of sides, ups less downs."""
    count = sides.unbalanced if kind == UNBALANCED else sides.crowded
    if not count:
        return np.empty((0, 5), np.int64)
    if len(sides.words) < 3 * COMPILED_FROM:
        rows = edges_of(sides.starts, sides.words)
        return rows[rows[:, 4] != 0] if kind == UNBALANCED else rows[rows[:, 3] > 2]
    rows = np.empty((count, 5), np.int64)
    list_edges(sides.starts, sides.words, kind, rows)
    return rows


def edges_of(starts, words):
    """Every edge, as `listed` shows it."""
    low, high = np.repeat(np.arange(len(starts) - 1), np.diff(starts)), (words >> _32).astype(np.int64)
    first = np.flatnonzero((np.diff(low, prepend=-1) != 0) | (np.diff(high, prepend=-1) != 0))
    ups = np.append(0, np.cumsum(1 - 2 * (words & _1).astype(np.int64)))
    stop = np.append(first[1:], len(words))[: len(first)]
    return np.stack([low[first], high[first], first, stop - first, ups[stop] - ups[first]], axis=1)


def _small(faces, count):
    """As `paired`, by sorting."""
    whole = np.flatnonzero(~degenerate(faces))
    a = faces[whole].astype(np.uint64)
    b = np.roll(a, -1, axis=1)
    number = 3 * whole[:, None].astype(np.uint64) + np.arange(3, dtype=np.uint64)
    low = np.minimum(a, b).ravel()
    words = (np.maximum(a, b) << _32 | number << _1 | (a > b)).ravel()
    starts = np.append(0, np.cumsum(np.bincount(low.astype(np.int64), minlength=count))).astype(np.int32)
    words = words[np.lexsort((words, low))]
    _, _, _, uses, balance = edges_of(starts, words).T
    tally = uses > 0, uses == 1, (uses == 2) & (balance != 0), uses > 2, balance != 0
    return Sides(starts, words, *(int(t.sum()) for t in tally))


def degenerate(faces):
    """Which faces name a vertex twice."""
    a, b, c = faces.T
    return (a == b) | (b == c) | (c == a)
