"""The integrals of `integrals`, in numpy: for inputs too small to pay for a compiler.

The formulas are those of `integrals.add_triangle`; see there for their source.
"""

import math

import numpy as np

from massproof.kernels import BLOCK, FIELDS

_CHUNK = 64 * BLOCK  # triangles at a time: temporaries of 16 384 rows stay in the cache


def surface_sums(vertices, faces, origin):
    """Sums over all faces, one per name in `FIELDS`.

    vertices : (V, 3) float64, any one length unit u
    faces : (F, 3) int32, counter-clockwise seen from outside; indices are trusted
    origin : (3,) float64, in u; choose it near the mesh: rounding error grows with distance
    returns (13,) float64, in u² u² u u³ u⁴ u⁵
    """
    partial = [
        _block_sums(terms(vertices, faces[i : i + _CHUNK], origin)) for i in range(0, len(faces), _CHUNK)
    ]
    if not partial:
        return np.zeros(len(FIELDS))
    return np.array([math.fsum(row) for row in np.concatenate(partial, axis=1)])


def terms(vertices, faces, origin):
    """What each face adds to each field: (13, F)."""
    a = vertices[faces[:, 0]]
    ab, ac = vertices[faces[:, 1]] - a, vertices[faces[:, 2]] - a
    n = cross(ab, ac)
    p = a - origin
    q, r = p + ab, p + ac
    s = p + q + r
    d = (p * n).sum(axis=1)
    length_ab, length_ac = np.sqrt((ab * ab).sum(axis=1)), np.sqrt((ac * ac).sum(axis=1))
    squares = s * s + p * p + q * q + r * r
    products = _products(s) + _products(p) + _products(q) + _products(r)
    return np.vstack(
        [
            0.5 * np.sqrt((n * n).sum(axis=1)),
            length_ab * length_ac,
            length_ab + length_ac,
            d / 6,
            (d[:, None] / 24 * s).T,
            (d[:, None] / 120 * squares).T,
            (d[:, None] / 120 * products).T,
        ]
    )


def cross(a, b):
    """Row by row a×b; numpy's own is four times slower on (N, 3)."""
    ax, ay, az = a.T
    bx, by, bz = b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)


def _products(p):
    """xy, yz, zx of each row."""
    return p * p[:, [1, 2, 0]]


def _block_sums(rows):
    """(13, F) terms, summed in blocks: (13, blocks)."""
    count = -(-rows.shape[1] // BLOCK) * BLOCK
    padded = np.zeros((len(rows), count))
    padded[:, : rows.shape[1]] = rows
    return padded.reshape(len(rows), -1, BLOCK).sum(axis=2)
