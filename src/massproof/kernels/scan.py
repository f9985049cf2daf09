"""One pass over the triangles of a surface: integrals, their rounding bound, box, and whether it is closed.

Sources. Integrals: J. Blow, A. Binstock, "How to find the inertia tensor (or other mass properties) of a 3D
solid body represented by a triangle mesh", 2004; we return raw second moments, which add, where they return
inertia tensors, and take normals from edge vectors, so that rounding scales with the triangle. Rounding bound:
docs/decisions/rounding-bound.md. Fingerprint: docs/decisions/fingerprint.md.

The work is done in blocks of `LANES` triangles side by side, each a loop that the compiler vectorises.
"""

import math

import numpy as np

from massproof.kernels import BLOCK, FACTORS, FIELDS, LANES
from massproof.kernels.jit import entry, in_threads, kernel

_ROWS = 256  # blocks a thread takes at a time: half a million triangles, some milliseconds
_COLUMNS = len(FIELDS)

_K1, _K2, _K3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xD6E8FEB86659FD93)
_C1, _C2, _C3 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0xFF51AFD7ED558CCD)
_28, _29, _31, _32 = np.uint64(28), np.uint64(29), np.uint64(31), np.uint64(32)


class Scan:
    """What one pass found."""

    __slots__ = ("fingerprint", "high", "low", "sums")

    def __init__(self, sums, low, high, fingerprint):
        self.sums = sums  # (17,) as FIELDS names them, about the origin that was given
        self.low, self.high = low, high  # (3,) corners of the box
        self.fingerprint = fingerprint  # two words, both 0 when every directed edge meets its opposite


@kernel(replaced_by="bits")
def bits(x):
    """The 64 bits of a float64."""
    return np.float64(x).view(np.uint64)


@kernel
def hashed(x, y, z):
    """Three words of a position, whose coordinates must not be −0.0."""
    t = bits(x) * _K1
    t = ((t ^ (t >> _32)) + bits(y)) * _K2
    t = ((t ^ (t >> _29)) + bits(z)) * _K3
    t ^= t >> _32
    a, b, c = t * _C1, t * _C2, t * _C3
    return a ^ (a >> _29), b ^ (b >> _31), c ^ (c >> _28)


@kernel
def add_fingerprints(lanes, words):
    """Add to words[0] and words[1] the boundary of each lane's triangle, hashed.

    With (a, b, c) the hash of a corner, Σ over the edges from i to j of aᵢbⱼ − aⱼbᵢ, and the same with c: an
    edge and its opposite cancel, all else stays. The sum over a triangle is (a₂−a₁)(b₃−b₁) − (a₃−a₁)(b₂−b₁).
    """
    for j in range(LANES):
        a1, b1, c1 = hashed(lanes[0, j], lanes[1, j], lanes[2, j])
        a2, b2, c2 = hashed(lanes[3, j], lanes[4, j], lanes[5, j])
        a3, b3, c3 = hashed(lanes[6, j], lanes[7, j], lanes[8, j])
        words[0, j] += (a2 - a1) * (b3 - b1) - (a3 - a1) * (b2 - b1)
        words[1, j] += (a2 - a1) * (c3 - c1) - (a3 - a1) * (c2 - c1)


@kernel
def widen_boxes(lanes, box):
    """Widen each lane's box by its triangle: rows 0..2 are its low corner, 3..5 the high one."""
    for axis in range(3):
        for j in range(LANES):
            a, b, c = lanes[axis, j], lanes[axis + 3, j], lanes[axis + 6, j]
            least, most = min(min(a, b), c), max(max(a, b), c)
            box[axis, j] = min(box[axis, j], least)
            box[axis + 3, j] = max(box[axis + 3, j], most)


@kernel
def add_integrals(lanes, ox, oy, oz, sums):
    """Add to each lane of `sums` the fields of its triangle, but for factors that all have in common.

    With a, b, c the corners about the origin o, e₁ = b − a, e₂ = c − a, n = e₁ × e₂, d = a·n, s = a + b + c:

        area |n|     ∫1 = d     ∫x = d sx     ∫xy = d (sx sy + ax ay + bx by + cx cy)
    """
    for j in range(LANES):
        ax, ay, az = lanes[0, j] - ox, lanes[1, j] - oy, lanes[2, j] - oz
        bx, by, bz = lanes[3, j] - ox, lanes[4, j] - oy, lanes[5, j] - oz
        cx, cy, cz = lanes[6, j] - ox, lanes[7, j] - oy, lanes[8, j] - oz
        ux, uy, uz = lanes[3, j] - lanes[0, j], lanes[4, j] - lanes[1, j], lanes[5, j] - lanes[2, j]
        wx, wy, wz = lanes[6, j] - lanes[0, j], lanes[7, j] - lanes[1, j], lanes[8, j] - lanes[2, j]
        px, qx, py, qy, pz, qz = uy * wz, uz * wy, uz * wx, ux * wz, ux * wy, uy * wx
        nx, ny, nz = px - qx, py - qy, pz - qz
        gx, gy, gz = abs(px) + abs(qx), abs(py) + abs(qy), abs(pz) + abs(qz)
        d = ax * nx + ay * ny + az * nz
        sx, sy, sz = ax + bx + cx, ay + by + cy, az + bz + cz
        sums[0, j] += abs(ax) * gx + abs(ay) * gy + abs(az) * gz
        sums[1, j] += gx + gy + gz
        sums[2, j] += abs(ux) + abs(uy) + abs(uz) + abs(wx) + abs(wy) + abs(wz)
        sums[3, j] += math.sqrt(nx * nx + ny * ny + nz * nz)
        sums[4, j] += nx
        sums[5, j] += ny
        sums[6, j] += nz
        sums[7, j] += d
        sums[8, j] += d * sx
        sums[9, j] += d * sy
        sums[10, j] += d * sz
        sums[11, j] += d * (ax * ax + bx * bx + cx * cx + sx * sx)
        sums[12, j] += d * (ay * ay + by * by + cy * cy + sy * sy)
        sums[13, j] += d * (az * az + bz * bz + cz * cz + sz * sz)
        sums[14, j] += d * (ax * ay + bx * by + cx * cy + sx * sy)
        sums[15, j] += d * (ay * az + by * bz + cy * cz + sy * sz)
        sums[16, j] += d * (az * ax + bz * bx + cz * cx + sz * sx)


@kernel
def add_lanes(sums, out, row):
    """Add up the lanes of each field, by halves, to one row; the lanes are zero after that."""
    for q in range(_COLUMNS):
        half = LANES // 2
        while half > 0:
            for j in range(half):
                sums[q, j] += sums[q, j + half]
            half //= 2
        out[row, q] = sums[q, 0]
        for j in range(LANES):
            sums[q, j] = 0.0


@kernel
def fill_up(lanes, count):
    """Lanes from `count` on become triangles without extent, which add nothing."""
    for q in range(9):
        for j in range(count, LANES):
            lanes[q, j] = lanes[q % 3, 0]


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
def add_block(lanes, ox, oy, oz, sums, box, words):
    """Everything that is added for the triangles in the lanes."""
    add_fingerprints(lanes, words)
    widen_boxes(lanes, box)
    add_integrals(lanes, ox, oy, oz, sums)


_STATE = f"f8[{_COLUMNS},{LANES}] f8[6,{LANES}] u8[2,{LANES}] f8[:,{_COLUMNS}]"


@entry(f"u1[:] i8 i8 i8 i8 f8 f8 f8 f8[9,{LANES}] {_STATE}")
def records(data, at, count, first, last, ox, oy, oz, lanes, sums, box, words, out):
    """Sums of blocks first..last of the triangles of a binary STL file, one row of `out` for each.

    data : the file;  at : byte of the first corner of its first record;  count : its triangles
    ox, oy, oz : the origin, in the file's unit u; choose it near the mesh: rounding grows with distance
    lanes, sums, box, words : memory of this thread; sums, words zero, box +inf −inf on entry
    out : (blocks, 17) float64, in u³ u² u u² u² u² u² u³ u⁴ u⁵, but for constant factors
    """
    for row in range(first, last):
        stop = min((row + 1) * BLOCK, count)
        for i in range(row * BLOCK, stop, LANES):
            n = min(LANES, stop - i)
            whole = n - n % 8
            for j in range(0, whole, 8):
                eight_records(data, at + 50 * (i + j), lanes, j)
            for j in range(whole, n):
                one_record(data, at + 50 * (i + j), lanes, j)
            fill_up(lanes, n)
            add_block(lanes, ox, oy, oz, sums, box, words)
        add_lanes(sums, out, row)
    return 0


@entry(f"f8[:,3] i4[:,3] i8 i8 f8 f8 f8 f8[9,{LANES}] {_STATE}")
def faces(vertices, corners, first, last, ox, oy, oz, lanes, sums, box, words, out):
    """As `records`, of triangles that share vertices; indices are trusted."""
    for row in range(first, last):
        stop = min((row + 1) * BLOCK, len(corners))
        for i in range(row * BLOCK, stop, LANES):
            n = min(LANES, stop - i)
            for j in range(n):
                for k in range(3):
                    v = corners[i + j, k]
                    for axis in range(3):
                        lanes[3 * k + axis, j] = vertices[v, axis] + 0.0
            fill_up(lanes, n)
            add_block(lanes, ox, oy, oz, sums, box, words)
        add_lanes(sums, out, row)
    return 0


def scan_records(data, at, count, origin, threads=0):
    """Scan of the triangles of a binary STL file; arguments as in `records`."""
    x, y, z = (float(o) for o in origin)
    return _scan(count, threads, lambda first, last, *m: records(data, at, count, first, last, x, y, z, *m))


def scan_faces(vertices, corners, origin, threads=0):
    """Scan of faces (F, 3) int32 over vertices (V, 3) float64; bit-identical for any number of threads."""
    x, y, z = (float(o) for o in origin)
    return _scan(
        len(corners), threads, lambda first, last, *m: faces(vertices, corners, first, last, x, y, z, *m)
    )


def _scan(count, threads, run):
    blocks = -(-count // BLOCK)
    out = np.empty((blocks, _COLUMNS))

    def part(first):
        lanes, sums = np.empty((9, LANES)), np.zeros((_COLUMNS, LANES))
        box, words = np.full((6, LANES), np.inf), np.zeros((2, LANES), np.uint64)
        box[3:] = -np.inf
        run(first, min(first + _ROWS, blocks), lanes, sums, box, words, out)
        return box[:3].min(axis=1), box[3:].max(axis=1), words.sum(axis=1, dtype=np.uint64)

    parts = in_threads(part, range(0, blocks, _ROWS), threads)
    low, high, words = (np.array(x) for x in zip(*parts, strict=True))
    sums = np.array([math.fsum(column) for column in out.T]) * FACTORS
    return Scan(
        sums, low.min(axis=0), high.max(axis=0), tuple(int(w) for w in words.sum(axis=0, dtype=np.uint64))
    )
