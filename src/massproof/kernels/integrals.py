"""Integrals over a triangle surface and the solid it encloses, compiled.

Source: J. Blow, A. Binstock, "How to find the inertia tensor (or other mass properties) of a 3D solid
body represented by a triangle mesh", 2004. We sum signed tetrahedra as they do, but return raw second
moments, not the inertia tensor: moments add, inertia tensors do not. The triple product is taken from
edge vectors of the coordinates as stored, so that its rounding error scales with the triangle's edges.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from massproof.kernels import BLOCK, FIELDS
from massproof.kernels.jit import kernel
from massproof.kernels.vector import cross, dot, from_row, minus

_CHUNK = 1024  # blocks a thread takes at a time: 262 144 triangles, some milliseconds


@kernel
def add_triangle(total, a, edge_ab, edge_ac, origin):
    """Add one triangle (a, a + edge_ab, a + edge_ac) to the sums in `total`.

    With p the corners about `origin`, n = ab × ac, d = p_a·n and s = p_a + p_b + p_c:

        area |n|/2   spread |ab||ac|   edges |ab| + |ac|
        ∫1 = d/6     ∫x = d sx/24      ∫xy = d (sx sy + ax ay + bx by + cx cy)/120
    """
    n = cross(edge_ab, edge_ac)
    ab, ac = math.sqrt(dot(edge_ab, edge_ab)), math.sqrt(dot(edge_ac, edge_ac))
    total[0] += 0.5 * math.sqrt(dot(n, n))
    total[1] += ab * ac
    total[2] += ab + ac
    p = minus(a, origin)
    d = dot(p, n)
    qx, qy, qz = p.x + edge_ab.x, p.y + edge_ab.y, p.z + edge_ab.z
    rx, ry, rz = p.x + edge_ac.x, p.y + edge_ac.y, p.z + edge_ac.z
    sx, sy, sz = p.x + qx + rx, p.y + qy + ry, p.z + qz + rz
    d1, d2 = d / 24, d / 120
    total[3] += d / 6
    total[4] += d1 * sx
    total[5] += d1 * sy
    total[6] += d1 * sz
    total[7] += d2 * (sx * sx + p.x * p.x + qx * qx + rx * rx)
    total[8] += d2 * (sy * sy + p.y * p.y + qy * qy + ry * ry)
    total[9] += d2 * (sz * sz + p.z * p.z + qz * qz + rz * rz)
    total[10] += d2 * (sx * sy + p.x * p.y + qx * qy + rx * ry)
    total[11] += d2 * (sy * sz + p.y * p.z + qy * qz + ry * rz)
    total[12] += d2 * (sz * sx + p.z * p.x + qz * qx + rz * rx)


@kernel
def block_sums(vertices, faces, origin, first, last, out):
    """Fill out[first:last] with the sums of those blocks, each in the order of its faces.

    vertices : (V, 3) float64, any one length unit u
    faces : (F, 3) int32, counter-clockwise seen from outside; indices are trusted
    origin : (3,) float64, in u; choose it near the mesh: rounding error grows with distance
    out : (blocks, 13) float64, in u² u² u u³ u⁴ u⁵, zero on entry
    """
    centre = from_row(origin.reshape(1, 3), 0)
    for block in range(first, last):
        total = out[block]
        stop = min((block + 1) * BLOCK, len(faces))
        for f in range(block * BLOCK, stop):
            a = from_row(vertices, faces[f, 0])
            edge_ab = minus(from_row(vertices, faces[f, 1]), a)
            edge_ac = minus(from_row(vertices, faces[f, 2]), a)
            add_triangle(total, a, edge_ab, edge_ac, centre)


def surface_sums(vertices, faces, origin, threads=0):
    """Sums over all faces, one per name in `FIELDS`; bit-identical for any number of threads.

    Arguments as in `block_sums`; threads : 0 means one for each core
    """
    blocks = -(-len(faces) // BLOCK)
    partial = np.zeros((blocks, len(FIELDS)))
    starts = range(0, blocks, _CHUNK)
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        jobs = [
            pool.submit(block_sums, vertices, faces, origin, i, min(i + _CHUNK, blocks), partial)
            for i in starts
        ]
        for job in jobs:
            job.result()
    return np.array([math.fsum(column) for column in partial.T])
