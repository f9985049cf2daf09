"""Shared vertices: corners at one position become one vertex, numbered in order of first appearance.

Corners are looked up in a table by the hash of their position, with linear probing (D. E. Knuth, "The Art of
Computer Programming", volume 3, 1998, section 6.4), and what the table proposes is compared bit by bit, so
that no two positions are ever taken for one another. Most triangles of a file share corners with triangles
shortly before them: a small table with one place for each hash answers for these. The others are collected
and looked up together in the large table, whose lines of memory are asked for in advance.
"""

import numpy as np

from massproof.kernels import COMPILED_FROM, LANES
from massproof.kernels.hashing import mixed, place
from massproof.kernels.jit import entry, kernel
from massproof.kernels.scan import bits, eight_records, one_record

_ROUND = 1024  # triangles whose unknown corners are looked up together
_CORNERS = 3 * _ROUND
_NEAR = 32768  # words of the small table: 256 KB, which a second-level cache holds
_AHEAD = 32  # corners: so far ahead the large table is asked for, and half as far the vertices it names

_0, _1, _3, _15, _16, _32 = (np.uint64(n) for n in (0, 1, 3, 15, 16, 32))
_LOW = np.uint64(0xFFFFFFFF)


@kernel(replaced_by="prefetch")
def prefetch(words, i):
    """Ask for words[i], which is read soon, to be brought near; any i is allowed."""
    return 0


@kernel
def hashed(x, y, z):
    """The hash of a position, whose coordinates must not be −0.0."""
    return mixed(bits(x), bits(y), bits(z))


@kernel
def after(s, step, mask):
    """The slot to try after s, in step `step`: round the 16 slots of a line of memory, then the next line."""
    if step & _15:
        return (s & ~_15) | ((s + _1) & _15)
    return (s + _16) & mask


@kernel
def same(points, i, x, y, z):
    """Whether points[i] has exactly these coordinates, none of which may be −0.0."""
    a, b, c = bits(points[i, 0]) ^ bits(x), bits(points[i, 1]) ^ bits(y), bits(points[i, 2]) ^ bits(z)
    return (a | b | c) == _0


@kernel
def number(lanes, n, words, near, hashes, vertices, first, taken, faces, row):
    """Number the corners of n triangles in the lanes; those that `near` does not know get new rows.

    near : (_NEAR,) words, the low half of a hash above the row of a vertex
    hashes : of the new rows, which begin at `first` in vertices;  taken : rows before the next free one
    faces : (F, 3), written from `row` on;  returns the rows taken then
    """
    for k in range(3):
        for j in range(LANES):
            words[k, j] = hashed(lanes[3 * k, j], lanes[3 * k + 1, j], lanes[3 * k + 2, j])
    for j in range(n):
        for k in range(3):
            x, y, z = lanes[3 * k, j], lanes[3 * k + 1, j], lanes[3 * k + 2, j]
            word = words[k, j]
            s = place(word, np.uint64(_NEAR))
            i = near[s] & _LOW
            # What `near` names may be out of date: another position by now, or no row at all.
            if (near[s] >> _32) != (word & _LOW) or i >= taken or not same(vertices, i, x, y, z):
                i = taken
                near[s] = (word << _32) | i
                vertices[i, 0], vertices[i, 1], vertices[i, 2] = x, y, z
                hashes[i - first] = word
                taken += _1
            faces[row + j, k] = i
    return taken


@kernel
def proposed(word, table, mask):
    """The first entry of the table whose tag is that of a word, 0 if there is none."""
    s, step = place(word, mask + _1), _0
    while table[s] != 0 and ((np.uint64(table[s]) ^ word) & _LOW & ~mask) != _0:
        step += _1
        s = after(s, step, mask)
    return np.uint64(table[s])


@kernel
def vertex_at(x, y, z, word, table, mask, vertices, count):
    """The vertex at a position; if there is none, row `count` becomes it.

    table : of the low half of each hash, with the vertex plus one in place of the bits of `mask`
    """
    s, step = place(word, mask + _1), _0
    while table[s] != 0:
        if ((np.uint64(table[s]) ^ word) & _LOW & ~mask) == _0:
            i = (np.uint64(table[s]) & mask) - _1
            if same(vertices, i, x, y, z):
                return i
        step += _1
        s = after(s, step, mask)
    table[s] = (word & _LOW & ~mask) | (count + _1)
    vertices[count, 0], vertices[count, 1], vertices[count, 2] = x, y, z
    return count


@kernel
def settle(hashes, n, near, numbers, table, vertices, count):
    """Find out which of the n new rows from `count` on are vertices already, and close the gaps.

    numbers : of each new row, its vertex;  returns the number of vertices then
    """
    mask, first = np.uint64(len(table)) - _1, count
    for j in range(min(_AHEAD, n)):
        prefetch(table, place(hashes[j], mask + _1))
    for j in range(n):
        prefetch(table, place(hashes[min(j + _AHEAD, n - 1)], mask + _1))
        soon = proposed(hashes[min(j + _AHEAD // 2, n - 1)], table, mask)
        prefetch(vertices, _3 * ((soon & mask) - _1))
        prefetch(vertices, _3 * (soon & mask) - _1)
        row = first + np.uint64(j)
        x, y, z = vertices[row, 0], vertices[row, 1], vertices[row, 2]
        i = vertex_at(x, y, z, hashes[j], table, mask, vertices, count)
        near[place(hashes[j], np.uint64(_NEAR))] = (hashes[j] << _32) | i
        numbers[j] = i
        count = max(count, i + _1)
    return count


@kernel
def renumber(faces, first, stop, known, numbers):
    """Corners that name rows from `known` on get the numbers of these rows."""
    for i in range(first, stop):
        for k in range(3):
            if np.uint64(faces[i, k]) >= known:
                faces[i, k] = numbers[np.uint64(faces[i, k]) - known]


@kernel
def load_records(data, at, first, n, lanes):
    """The corners of n triangles of a binary STL file, from triangle `first` on, to the lanes."""
    whole = n - n % 8
    for j in range(0, whole, 8):
        eight_records(data, at + 50 * (first + j), lanes, j)
    for j in range(whole, n):
        one_record(data, at + 50 * (first + j), lanes, j)


@kernel
def load_corners(points, corners, first, n, lanes):
    """The corners of n faces, from face `first` on, to the lanes; −0.0 becomes 0.0."""
    for j in range(n):
        for k in range(3):
            for axis in range(3):
                lanes[3 * k + axis, j] = points[corners[first + j, k], axis] + 0.0


_MEMORY = f"f8[9,{LANES}] u8[3,{LANES}] u8[{_NEAR}] u8[{_CORNERS}] i4[{_CORNERS}]"


@entry(f"u1[:] i8 f8[:,3] i4[:,3] {_MEMORY} u4[:] f8[:,3] i4[:,3] i8[2]")
def share(data, at, points, corners, lanes, words, near, hashes, numbers, table, vertices, faces, state):
    """Number the corners of triangles, to the last one or until the memory is full.

    data, at : a binary STL file, and the byte of the first corner of its first record
    points, corners : when there are corners, faces in place of the file; indices are trusted
    lanes, words, near, hashes, numbers : memory, kept from one call to the next; `near` zero at first
    vertices : (V, 3) float64, at least one round of them
    table : (T,) a power of two, 8/5 of the vertices at least, zero where free
    faces : (F, 3) int32, written;  state : faces and vertices that are done
    """
    known = np.uint64(state[1])
    room = np.uint64(len(vertices) - _CORNERS)
    for first in range(state[0], len(faces), _ROUND):
        if known > room:
            break
        stop, taken = min(first + _ROUND, len(faces)), known
        for i in range(first, stop, LANES):
            n = min(LANES, stop - i)
            if len(corners):
                load_corners(points, corners, i, n, lanes)
            else:
                load_records(data, at, i, n, lanes)
            taken = number(lanes, n, words, near, hashes, vertices, known, taken, faces, i)
        total = settle(hashes, np.int64(taken - known), near, numbers, table, vertices, known)
        renumber(faces, first, stop, known, numbers)
        known = total
        state[0], state[1] = stop, known
    return 0


@entry("f8[:,3] i8 u4[:]")
def fill(vertices, count, table):
    """Enter the first `count` vertices, all of them distinct, to an empty table."""
    mask = np.uint64(len(table)) - _1
    for i in range(count):
        word = hashed(vertices[i, 0], vertices[i, 1], vertices[i, 2])
        s, step = place(word, mask + _1), _0
        while table[s] != 0:
            step += _1
            s = after(s, step, mask)
        table[s] = (word & _LOW & ~mask) | np.uint64(i + 1)
    return 0


def welded_records(data, at, count):
    """Vertices and faces of a binary STL file: bit-identical positions are one vertex, −0.0 is 0.0.

    data : (n,) uint8, the file;  at : byte of the first corner of its first record;  count : its triangles,
    whose coordinates are finite
    returns (U, 3) float64 and (F, 3) int32, vertices in order of first appearance
    """
    if count < COMPILED_FROM:
        stored = np.ndarray((count, 3, 3), "<f4", data[at:], 0, (50, 12, 4))
        corners = stored.reshape(-1, 3).astype(np.float64)
        return _small(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3))
    return _large(count, data, at, np.empty((0, 3)), np.empty((0, 3), np.int32))


def welded(vertices, faces):
    """Faces over distinct positions: bit-identical vertices become one, −0.0 is 0.0, unused ones go.

    vertices : (V, 3) float64, finite;  faces : (F, 3) int32, trusted
    returns (U, 3) float64 and (F, 3) int32, vertices in order of first appearance
    """
    if len(faces) < COMPILED_FROM:
        return _small(vertices, faces)
    return _large(len(faces), np.empty(0, np.uint8), 0, vertices, faces)


def _large(count, *source):
    faces, state = np.empty((count, 3), np.int32), np.zeros(2, np.int64)
    memory = [np.zeros((9, LANES)), np.empty((3, LANES), np.uint64), np.zeros(_NEAR, np.uint64)]
    memory += [np.empty(_CORNERS, np.uint64), np.empty(_CORNERS, np.int32)]
    # A closed surface has half as many vertices as faces; what has more gets more memory on the way.
    vertices = np.empty((count * 5 // 8 + _CORNERS, 3))
    table = _table(len(vertices))
    while state[0] < count:
        share(*source, *memory, table, vertices, faces, state)
        if state[0] < count:
            known = int(state[1])
            few, vertices = vertices[:known], np.empty((known + len(vertices), 3))
            vertices[:known] = few
            table = _table(len(vertices))
            fill(vertices, known, table)
    return vertices[: state[1]], faces


def _table(count):
    """An empty table for `count` vertices, its lines of 16 slots being lines of memory."""
    size = 1 << (count * 8 // 5).bit_length()
    words = np.empty(size + 16, np.uint32)
    first = -words.__array_interface__["data"][0] % 64 // 4
    table = words[first : first + size]
    table[:] = 0  # written here: pages that are first read and then written are fetched twice
    return table


def _small(vertices, faces):
    """As `welded`, by sorting."""
    used, corners = np.unique(faces, return_inverse=True)
    points = vertices[used] + 0.0
    first, label = _distinct(points)
    labels = label[corners.ravel()]
    seen = np.empty(len(first), np.int64)
    seen[labels[::-1]] = np.arange(len(labels))[::-1]  # the last one assigned, the first corner, stays
    order = np.argsort(seen)
    rank = np.empty(len(first), np.int32)
    rank[order] = np.arange(len(first))
    return points[first[order]], rank[labels].reshape(-1, 3)


def _distinct(points):
    """First row of each distinct point, and for every row which of them it is."""
    words = points.view(np.uint64)
    hashes = mixed(*words.T)
    _, first, label = np.unique(hashes, return_index=True, return_inverse=True)
    if (words == words[first[label]]).all():
        return first, label
    # Two different points with one hash: about one run in 10¹⁰ at a million points.
    _, first, label = np.unique(points, axis=0, return_index=True, return_inverse=True)
    return first, label.ravel()
