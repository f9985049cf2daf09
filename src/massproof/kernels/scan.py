"""One pass over the triangles of a surface: integrals, their rounding bound, box, and whether it is closed.

What a triangle adds is in `formulas`, with its sources; rounding bound: docs/decisions/rounding-bound.md.
Corners are laid out in lanes, a chunk at a time: one row for each coordinate, one column for each triangle.
"""

import math

import numpy as np

from massproof.kernels import BLOCK, CHUNK, COMPILED_FROM, FIELDS, WIDTH, formulas
from massproof.kernels.jit import entry, in_threads, kernel
from massproof.kernels.scan_small import Arrays, Scan, scan_corners

_ROWS = 256  # blocks a thread takes at a time: half a million triangles, some milliseconds
_COLUMNS = len(FIELDS)

_LINE, _PAGE = 64, 4096  # bytes of a line of the cache, which is a vector, and of a page


@kernel(replaced_by="bits")
def bits(x):
    """The 64 bits of a float64."""
    return np.float64(x).view(np.uint64)


@kernel(replaced_by="add_integrals")
def add_integrals(lanes, groups, ox, oy, oz, sums):
    """Add to `sums`, (17, WIDTH), what `formulas.integrals` says of the first `groups` × WIDTH lanes."""
    for at in range(0, groups * WIDTH, WIDTH):
        corners = lanes[:, at : at + WIDTH].astype(np.float64)
        sums[:] = formulas.integrals(Arrays(False), corners, (ox, oy, oz), sums)
    return 0


@kernel(replaced_by="add_boundaries")
def add_boundaries(lanes, groups, box, words):
    """Widen `box`, (6, WIDTH), and add to `words`, (2, WIDTH), the boundaries of the triangles of the lanes."""
    m = Arrays(lanes.dtype == np.float32)
    stored = lanes.view(np.uint32 if m.narrow else np.uint64).astype(np.uint64)
    for at in range(0, groups * WIDTH, WIDTH):
        part = slice(at, at + WIDTH)
        box[:] = formulas.widened(m, lanes[:, part], box)
        words[:] = formulas.boundary(m, stored[:, part], words)
    return 0


@kernel
def add_up(sums, total):
    """Add the sums of a chunk to those of its block; they are zero after that."""
    for q in range(_COLUMNS):
        for j in range(WIDTH):
            total[q, j] += sums[q, j]
            sums[q, j] = 0.0


@kernel
def add_lanes(total, out, row):
    """Add up the lanes of each field, by halves, to one row; the lanes are zero after that."""
    for q in range(_COLUMNS):
        half = WIDTH // 2
        while half > 0:
            for j in range(half):
                total[q, j] += total[q, j + half]
            half //= 2
        out[row, q] = total[q, 0]
        for j in range(WIDTH):
            total[q, j] = 0.0


@kernel
def fill_up(lanes, count):
    """Groups that the first `count` lanes take; the last is filled up with triangles without extent."""
    groups = (count + WIDTH - 1) // WIDTH
    for q in range(9):
        for j in range(count, groups * WIDTH):
            lanes[q, j] = lanes[q % 3, 0]
    return groups


@kernel(replaced_by="eight_records")
def eight_records(data, at, lanes, j):
    """Nine float32 of each of eight records of 50 bytes, from byte `at` on, to lanes[:, j:j+8]."""
    for r in range(8):
        lanes[:, j + r] = data[at + 50 * r : at + 50 * r + 36].view(np.float32) + 0.0
    return 0


@kernel(replaced_by="one_record")
def one_record(data, at, lanes, j):
    """Nine float32 from byte `at` on to lanes[:, j]."""
    lanes[:, j] = data[at : at + 36].view(np.float32) + 0.0
    return 0


@kernel
def add_chunk(lanes, count, ox, oy, oz, sums, total, box, words):
    """Everything that is added for the triangles of the first `count` lanes."""
    groups = fill_up(lanes, count)
    add_boundaries(lanes, groups, box, words)
    add_integrals(lanes, groups, ox, oy, oz, sums)
    add_up(sums, total)


def _state(real):
    """Signature of the lanes, in which `real` numbers are stored, and of the sums that one thread keeps."""
    sums = f"f8[{_COLUMNS},{WIDTH}]"
    return f"{real}[9,{CHUNK}] {sums} {sums} {real}[6,{WIDTH}] u8[2,{WIDTH}] f8[:,{_COLUMNS}]"


@entry(f"u1[:] i8 i8 i8 i8 f8 f8 f8 {_state('f4')}")
def records(data, at, count, first, last, ox, oy, oz, lanes, sums, total, box, words, out):
    """Sums of blocks first..last of the triangles of a binary STL file, one row of `out` for each.

    data : the file;  at : byte of the first corner of its first record;  count : its triangles
    ox, oy, oz : the origin, in the file's unit u; choose it near the mesh: rounding grows with distance
    lanes … words : memory of this thread, as `_memory` makes it
    out : (blocks, 17) float64, in u³ u² u u² u² u² u² u³ u⁴ u⁵, but for constant factors
    """
    for row in range(first, last):
        stop = min((row + 1) * BLOCK, count)
        for i in range(row * BLOCK, stop, CHUNK):
            n = min(CHUNK, stop - i)
            whole = n - n % 8
            for j in range(0, whole, 8):
                eight_records(data, at + 50 * (i + j), lanes, j)
            for j in range(whole, n):
                one_record(data, at + 50 * (i + j), lanes, j)
            add_chunk(lanes, n, ox, oy, oz, sums, total, box, words)
        add_lanes(total, out, row)
    return 0


@entry(f"f8[:,3] i4[:,3] i8 i8 f8 f8 f8 {_state('f8')}")
def faces(vertices, corners, first, last, ox, oy, oz, lanes, sums, total, box, words, out):
    """As `records`, of triangles that share vertices; indices are trusted."""
    for row in range(first, last):
        stop = min((row + 1) * BLOCK, len(corners))
        for i in range(row * BLOCK, stop, CHUNK):
            n = min(CHUNK, stop - i)
            for j in range(n):
                for k in range(3):
                    v = corners[i + j, k]
                    for axis in range(3):
                        lanes[3 * k + axis, j] = vertices[v, axis] + 0.0
            add_chunk(lanes, n, ox, oy, oz, sums, total, box, words)
        add_lanes(total, out, row)
    return 0


def scan_records(data, at, count, origin, threads=0):
    """Scan of the triangles of a binary STL file; arguments as in `records`."""
    if count < COMPILED_FROM and not records.at_hand(count):
        return scan_corners(np.ndarray((count, 9), "<f4", data, at, (50, 4)), origin)
    x, y, z = (float(o) for o in origin)
    return _scan(
        np.float32, count, threads, lambda first, last, *m: records(data, at, count, first, last, x, y, z, *m)
    )


def scan_faces(vertices, corners, origin, threads=0):
    """Scan of faces (F, 3) int32 over vertices (V, 3) float64; bit-identical for any number of threads."""
    if len(corners) < COMPILED_FROM and not faces.at_hand(len(corners)):
        return scan_corners(vertices[corners].reshape(-1, 9), origin)
    x, y, z = (float(o) for o in origin)
    return _scan(
        np.float64,
        len(corners),
        threads,
        lambda first, last, *m: faces(vertices, corners, first, last, x, y, z, *m),
    )


def _memory(real):
    """What one thread keeps: lanes, sums of a chunk, of a block, box, words.

    All of it lies in one place that begins with a page, so that no vector straddles two lines of the cache:
    where the parts happened to fall made some runs take half as long again as others.
    """
    wide = (_COLUMNS, WIDTH)
    parts = (
        ((9, CHUNK), real),
        (wide, np.float64),
        (wide, np.float64),
        ((6, WIDTH), real),
        ((2, WIDTH), np.uint64),
    )
    whole = np.zeros(_PAGE + 9 * CHUNK * 8 + _PAGE, np.uint8)
    at = -whole.ctypes.data % _PAGE
    out = []
    for shape, dtype in parts:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        out.append(whole[at : at + size].view(dtype).reshape(shape))
        at += -(-size // _LINE) * _LINE
    box = out[3]
    box[:3], box[3:] = np.inf, -np.inf
    return out


def _scan(real, count, threads, run):
    blocks = -(-count // BLOCK)
    rows = np.empty((blocks, _COLUMNS))

    def part(first):
        memory = _memory(real)
        run(first, min(first + _ROWS, blocks), *memory, rows)
        *_, box, words = memory
        return box[:3].min(axis=1), box[3:].max(axis=1), words.sum(axis=1, dtype=np.uint64)

    low, high, words = zip(*in_threads(part, range(0, blocks, _ROWS), threads), strict=True)
    return Scan(rows, np.array(low, np.float64), np.array(high, np.float64), np.array(words))
