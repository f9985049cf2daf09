"""The integrals of `scan`, in numpy: for inputs too small to pay for linking compiled code.

The formulas are those of `scan.add_integrals`; see there for their source.
"""

import math

import numpy as np

from massproof.kernels import BLOCK, FACTORS, FIELDS

_CHUNK = 8 * BLOCK  # triangles at a time: temporaries of 16 384 rows stay in the cache


def surface_sums(vertices, faces, origin):
    """Sums over all faces, one per name in `FIELDS`.

    vertices : (V, 3) float64, any one length unit u
    faces : (F, 3) int32, counter-clockwise seen from outside; indices are trusted
    origin : (3,) float64, in u; choose it near the mesh: rounding error grows with distance
    returns (17,) float64, in the powers of u that `FIELDS` says
    """
    starts = range(0, len(faces), _CHUNK)
    partial = [_block_sums(terms(vertices, faces[i : i + _CHUNK], origin)) for i in starts]
    if not partial:
        return np.zeros(len(FIELDS))
    return np.array([math.fsum(row) for row in np.concatenate(partial, axis=1)])


def terms(vertices, faces, origin):
    """What each face adds to each field: (17, F)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    edges = b - a, c - a
    p, q = (edges[0][:, i] * edges[1][:, j] for i, j in (((1, 2, 0), (2, 0, 1)), ((2, 0, 1), (1, 2, 0))))
    n, size = p - q, np.abs(p) + np.abs(q)
    a, b, c = a - origin, b - origin, c - origin
    d = (a * n).sum(axis=1)
    s = a + b + c
    squares = a * a + b * b + c * c + s * s
    products = sum(x * x[:, [1, 2, 0]] for x in (a, b, c, s))
    rows = [
        (np.abs(a) * size).sum(axis=1),
        size.sum(axis=1),
        (np.abs(edges[0]) + np.abs(edges[1])).sum(axis=1),
        np.sqrt((n * n).sum(axis=1)),
        n.T,
        d,
        (d[:, None] * s).T,
        (d[:, None] * squares).T,
        (d[:, None] * products).T,
    ]
    return np.vstack(rows) * FACTORS[:, None]


def cross(a, b):
    """Row by row a×b; numpy's own is four times slower on (N, 3)."""
    ax, ay, az = a.T
    bx, by, bz = b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)


def _block_sums(rows):
    """(17, F) terms, summed in blocks: (17, blocks). numpy adds 2 048 numbers in a tree of depth 23."""
    count = -(-rows.shape[1] // BLOCK) * BLOCK
    padded = np.zeros((len(rows), count))
    padded[:, : rows.shape[1]] = rows
    return padded.reshape(len(rows), -1, BLOCK).sum(axis=2)
