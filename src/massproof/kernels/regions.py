"""Connected parts of a surface: which faces belong together, which way they turn, how many holes they have.

Disjoint sets are trees whose root is the smallest member, with paths halved on the way (R. E. Tarjan, J. van
Leeuwen, "Worst-case analysis of set union algorithms", J. ACM 31, 1984). For orientation each member also
knows whether it is turned against its parent.
"""

import numpy as np

from massproof.kernels import COMPILED_FROM
from massproof.kernels.edges import degenerate, edges_of, end_of_edge, face_of, paired
from massproof.kernels.jit import entry, kernel

_1, _3 = np.uint64(1), np.uint64(3)
_LOW = np.uint64(0xFFFFFFFF)


def joined(count, sides, pairs):
    """Number of the part each of `count` faces belongs to, (F,) int32, parts in order of their first face.

    Faces are connected by edges that exactly two of them share, and by `pairs` (n, 2) int64 of faces.
    """
    if count < COMPILED_FROM:
        least = connected(count, np.concatenate([_shared(sides)[0], pairs]))
        return np.unique(least, return_inverse=True)[1].astype(np.int32)
    label = np.empty(count, np.int32)
    join(sides.starts, sides.words, pairs, 1, label)
    return label


def connected(count, pairs):
    """For each of `count` nodes the smallest node that `pairs` (n, 2) int64 connect it with, (n,) int32."""
    if len(pairs) >= COMPILED_FROM:
        label = np.empty(count, np.int32)
        join(np.zeros(1, np.int32), np.empty(0, np.uint64), np.ascontiguousarray(pairs, np.int64), 0, label)
        return label
    label = np.arange(count, dtype=np.int32)
    while len(pairs):
        ends = label[pairs]
        differ = ends[:, 0] != ends[:, 1]
        if not differ.any():
            break
        pairs, ends = pairs[differ], ends[differ]
        np.minimum.at(label, ends.max(axis=1), ends.min(axis=1))
        while True:  # follow labels to their roots, so that chains halve in each round
            root = label[label]
            if (root == label).all():
                break
            label = root
    return label


@kernel
def root_of(parent, i):
    """The root of the tree that holds i."""
    while np.uint64(parent[i]) != i:
        parent[i] = parent[np.uint64(parent[i])]
        i = np.uint64(parent[i])
    return i


@kernel
def unite(parent, a, b):
    """Make one set of those that hold a and b."""
    a, b = root_of(parent, a), root_of(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@kernel
def face(word):
    """The face of a side."""
    return ((word & _LOW) >> _1) // _3


@entry("i4[:] u8[:] i8[:,2] i8 i4[:]")
def join(starts, words, pairs, numbered, label):
    """Find the parts that edges of two sides and `pairs` connect; returns how many there are.

    starts, words : as in `Sides`;  pairs : of nodes, which are trusted
    label : (n,) written, for each node its part: the smallest node of it or, if `numbered` is 1, a number in
    order of the smallest nodes
    """
    for i in range(len(label)):
        label[i] = i
    for v in range(len(starts) - 1):
        i, stop = np.int64(starts[v]), np.int64(starts[v + 1])
        while i < stop:
            end = end_of_edge(words, i, stop)
            if end - i == 2:
                unite(label, face(words[np.uint64(i)]), face(words[np.uint64(i + 1)]))
            i = end
    for n in range(len(pairs)):
        unite(label, np.uint64(pairs[n, 0]), np.uint64(pairs[n, 1]))
    parts = 0
    for i in range(len(label)):
        if label[i] == i:
            label[i] = parts if numbered else i
            parts += 1
        else:  # its parent is smaller, and done
            label[i] = label[np.uint64(label[i])]
    return parts


def oriented(faces, count, sides=None):
    """Which faces to turn so that neighbours agree, (F,) bool; how many parts cannot; the part of each face.

    faces : (F, 3) int32 over `count` vertices;  sides : what `paired` returned for them, if it is known
    Neighbours share an edge that no third face has; they agree when they run along it in opposite ways. Of
    each part the smaller number of faces is turned, of two halves the one without the first face. A part that
    cannot be oriented, as a Möbius strip, stays as it is. Parts are (F,) int32, in order of their first face.
    """
    sides, size = sides or paired(faces, count), len(faces)
    if size < COMPILED_FROM:
        return _oriented_small(size, sides)
    parent, label, excess = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    turned, torn = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    conflicts = orient(sides.starts, sides.words, parent, turned, torn, label, excess)
    return turned.view(np.bool_), conflicts, label


@kernel
def root_turning(parent, turned, i):
    """The root of the tree that holds i, and whether i is turned against it."""
    against = np.uint8(0)
    while np.uint64(parent[i]) != i:
        above = np.uint64(parent[i])
        turned[i] ^= turned[above]
        parent[i] = parent[above]
        against ^= turned[i]
        i = np.uint64(parent[i])
    return i, against


@kernel
def unite_turned(parent, turned, torn, a, b, against):
    """Make one set of those that hold a and b, which are turned `against` each other or not."""
    a, t = root_turning(parent, turned, a)
    b, u = root_turning(parent, turned, b)
    low, high = min(a, b), max(a, b)
    if low == high:
        torn[low] |= t ^ u ^ against
    else:
        parent[high] = low
        turned[high] = t ^ u ^ against
        torn[low] |= torn[high]


@entry("i4[:] u8[:] i4[:] u1[:] u1[:] i4[:] i4[:]")
def orient(starts, words, parent, turned, torn, label, excess):
    """Find the faces to turn over, as `oriented` says; returns how many parts cannot be oriented.

    turned : (F,) zero, written, which faces to turn;  label : (F,) written, part of each face
    parent, torn, excess : (F,) memory, torn zero
    """
    for i in range(len(parent)):
        parent[i] = i
    for v in range(len(starts) - 1):
        i, stop = np.int64(starts[v]), np.int64(starts[v + 1])
        while i < stop:
            end = end_of_edge(words, i, stop)
            if end - i == 2:
                one, other = words[np.uint64(i)], words[np.uint64(i + 1)]
                alike = np.uint8(~(one ^ other) & _1)
                unite_turned(parent, turned, torn, face(one), face(other), alike)
            i = end
    parts = conflicts = 0
    for i in range(len(parent)):
        above = np.uint64(parent[i])
        if above == i:
            label[i], excess[parts] = parts, 0
            parts += 1
            conflicts += np.int64(torn[i])
        else:  # its parent is smaller, and done
            label[i], torn[i] = label[above], torn[above]
            turned[i] ^= turned[above]
        excess[np.uint64(label[i])] += 1 - 2 * np.int64(turned[i])
    for i in range(len(parent)):
        turned[i] = 0 if torn[i] else turned[i] ^ (excess[np.uint64(label[i])] < 0)
    return conflicts


def _shared(sides):
    """The two faces of each edge that has two, (n, 2), and whether they run along it the same way."""
    rows = edges_of(sides.starts, sides.words)
    rows = rows[rows[:, 3] == 2]
    return np.stack([face_of(sides.words[rows[:, 2] + k])[0] for k in (0, 1)], axis=1), rows[:, 4] != 0


def _oriented_small(size, sides):
    """As `oriented`: node 2f is face f as it is, 2f + 1 is f turned, and those that agree are connected."""
    ends, alike = _shared(sides)
    a, b = ends.T
    pairs = np.concatenate(
        [np.stack([2 * a, 2 * b + alike], axis=1), np.stack([2 * a + 1, 2 * b + 1 - alike], axis=1)]
    )
    least = connected(2 * size, pairs)
    torn = least[::2] == least[1::2]
    first, label = np.unique(least[::2] // 2, return_inverse=True)
    turned = (least[::2] % 2).astype(bool)
    excess = np.bincount(label, 1 - 2 * turned, len(first))
    turned = (turned ^ (excess < 0)[label]) & ~torn
    return turned, int(torn[first].sum()), label.astype(np.int32)


def euler(faces, count, label, sides=None):
    """Vertices less edges plus faces of each body, (B,) int64: 2 − 2·genus when it is closed and manifold.

    faces : (F, 3) int32 over `count` vertices;  label : (F,) int32, body of each face, from 0
    sides : what `paired` returned for them, if it is known
    What two bodies share counts in both; faces that name a vertex twice do not count.
    """
    sides = sides or paired(faces, count)
    bodies = int(label.max(initial=-1)) + 1
    if len(faces) < COMPILED_FROM:
        return _euler_small(faces, count, label, sides, bodies)
    result, seen = np.zeros(bodies, np.int64), np.zeros(bodies + 1, np.int64)
    order, owner = np.empty(len(faces), np.int32), np.full(count, -1, np.int32)
    count_cells(sides.starts, sides.words, faces, label, order, owner, seen, result)
    return result


@entry("i4[:] u8[:] i4[:,3] i4[:] i4[:] i4[:] i8[:] i8[:]")
def count_cells(starts, words, faces, label, order, owner, seen, result):
    """Add faces and vertices of each body to `result` (B,), and subtract its edges.

    order : (F,) memory;  owner : (V,) memory, −1;  seen : (B + 1,) memory, zero
    """
    for i in range(len(faces)):
        if faces[i, 0] != faces[i, 1] and faces[i, 1] != faces[i, 2] and faces[i, 2] != faces[i, 0]:
            seen[label[i] + 1] += 1
            result[label[i]] += 1
    for b in range(len(result)):
        seen[b + 1] += seen[b]
    whole = seen[len(result)]
    for i in range(len(faces)):
        if faces[i, 0] != faces[i, 1] and faces[i, 1] != faces[i, 2] and faces[i, 2] != faces[i, 0]:
            order[seen[label[i]]] = i
            seen[label[i]] += 1
    # Body by body, a vertex whose last body is another one has not been counted in this one.
    for n in range(whole):
        for k in range(3):
            v, b = faces[order[n], k], label[order[n]]
            result[b] += owner[v] != b
            owner[v] = b
    seen[:] = 0
    for v in range(len(starts) - 1):
        first, stop = np.int64(starts[v]), np.int64(starts[v + 1])
        while first < stop:
            end = end_of_edge(words, first, stop)
            for i in range(first, end):
                b = label[face(words[i])]
                result[b] -= seen[b] != end  # `end` is another one for each edge
                seen[b] = end
            first = end
    return 0


def _euler_small(faces, count, label, sides, bodies):
    whole = ~degenerate(faces)
    counts = np.bincount(label[whole], minlength=bodies)
    corners = np.unique(label[whole, None].astype(np.int64) * count + faces[whole])
    counts += np.bincount(corners // count, minlength=bodies)
    rows = edges_of(sides.starts, sides.words)
    bodies_there = label[face_of(sides.words)[0]].astype(np.int64)
    edges = np.unique(bodies_there * len(rows) + np.repeat(np.arange(len(rows)), rows[:, 3]))
    return counts - np.bincount(edges // max(len(rows), 1), minlength=bodies)
