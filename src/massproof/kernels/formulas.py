"""What one triangle adds to the sums of a scan: written once, for numpy arrays and for vector registers.

Sources. Integrals: J. Blow, A. Binstock, "How to find the inertia tensor (or other mass properties) of a 3D
solid body represented by a triangle mesh", 2004; we return raw second moments, which add, where they return
inertia tensors, and take normals from edge vectors, so that rounding scales with the triangle. Fingerprint:
docs/decisions/fingerprint.md.

Arguments are vectors, one triangle a lane, and `m` has the functions of vectors that no operator stands for:
`sqrt`, `least`, `most`. Nothing is fused: a result has the same bits on every processor, compiled or not, for
a tenth more time.
"""

import numpy as np

from massproof.kernels import MULTIPLIERS

_K1, _K2, _K3 = MULTIPLIERS
_C1, _C2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def integrals(m, corners, origin, sums):
    """The sums, as FIELDS names them, with a triangle added, but for factors that all have in common.

    corners : the nine coordinates of a, b, c

    With a, b, c about the origin o, e₁ = b − a, e₂ = c − a, n = e₁ × e₂, d = a·n, s = a + b + c:

        area |n|     ∫1 = d     ∫x = d sx     ∫xy = d (sx sy + ax ay + bx by + cx cy)
    """
    ax, ay, az, bx, by, bz, cx, cy, cz = corners
    ux, uy, uz, wx, wy, wz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    ax, ay, az, bx, by, bz, cx, cy, cz = (p - origin[k % 3] for k, p in enumerate(corners))
    px, qx, py, qy, pz, qz = uy * wz, uz * wy, uz * wx, ux * wz, ux * wy, uy * wx
    nx, ny, nz = px - qx, py - qy, pz - qz
    gx, gy, gz = abs(px) + abs(qx), abs(py) + abs(qy), abs(pz) + abs(qz)
    d = ax * nx + ay * ny + az * nz
    x, y, z = ((a, b, c, a + b + c) for a, b, c in ((ax, bx, cx), (ay, by, cy), (az, bz, cz)))
    second = (
        p[0] * q[0] + p[1] * q[1] + p[2] * q[2] + p[3] * q[3]
        for p, q in ((x, x), (y, y), (z, z), (x, y), (y, z), (z, x))
    )
    return (
        sums[0] + (abs(ax) * gx + abs(ay) * gy + abs(az) * gz),
        sums[1] + (gx + gy + gz),
        sums[2] + (abs(ux) + abs(uy) + abs(uz) + (abs(wx) + abs(wy) + abs(wz))),
        sums[3] + m.sqrt(nx * nx + ny * ny + nz * nz),
        sums[4] + nx,
        sums[5] + ny,
        sums[6] + nz,
        sums[7] + d,
        *(total + d * p for total, p in zip(sums[8:], (x[3], y[3], z[3], *second), strict=True)),
    )


def boundary(m, corners, words):
    """The two words with the boundary of a triangle added, modulo 2⁶⁴.

    corners : three for each corner, the bits of its coordinates as unsigned integers of 32 or 64 bits

    With (a, b, c) the hash of a corner, Σ over the edges from i to j of aᵢbⱼ − aⱼbᵢ, and the same with c: an
    edge and its opposite cancel, all else stays. The sum over a triangle is (a₂−a₁)(b₃−b₁) − (a₃−a₁)(b₂−b₁).
    """
    (a1, b1, c1), (a2, b2, c2), (a3, b3, c3) = (_hashed(m, *corners[k : k + 3]) for k in (0, 3, 6))
    p, q = a2 - a1, a3 - a1
    return words[0] + (p * (b3 - b1) - q * (b2 - b1)), words[1] + (p * (c3 - c1) - q * (c2 - c1))


def _hashed(m, x, y, z):
    """Three words of a position, whose coordinates must not be −0.0; every step but the last can be undone."""
    if m.narrow:
        t = (x | (y << 32)) * _K1
    else:
        t = x * _K1
        t = ((t ^ (t >> 29)) + y) * _K3
    t = ((t ^ (t >> 32)) + z) * _K2
    t = t ^ (t >> 32)
    b, c = t * _C1, t * _C2
    return t, b ^ (b >> 29), c ^ (c >> 31)


def widened(m, corners, box):
    """The box, low corner first, widened by a triangle."""
    axes = [corners[k::3] for k in range(3)]
    low = [m.least(box[k], m.least(a, m.least(b, c))) for k, (a, b, c) in enumerate(axes)]
    high = [m.most(box[k + 3], m.most(a, m.most(b, c))) for k, (a, b, c) in enumerate(axes)]
    return *low, *high


def cross(a, b):
    """Row by row a×b; numpy's own is four times slower on (N, 3)."""
    ax, ay, az = a.T
    bx, by, bz = b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)
