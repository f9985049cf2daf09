"""Where the poles of a sphere are put: far from the edges of its face, since longitude is wild near a pole."""

import math

import numpy as np

from massproof.kernels.geometry import GEOMETRY, Geometry, local
from massproof.kernels.jit import entry, kernel
from massproof.kernels.trims import edge_point

_POINTS = 8  # of each edge
_R2, _R3 = 0.5**0.5, 3**-0.5
# Axes to choose from: of the sides, corners and edges of a cube.
_AXES = np.array(
    [
        (0, 0, 1), (1, 0, 0), (0, 1, 0),
        (_R3, _R3, _R3), (_R3, -_R3, _R3), (-_R3, _R3, _R3), (-_R3, -_R3, _R3),
        (_R2, _R2, 0), (_R2, -_R2, 0), (_R2, 0, _R2), (-_R2, 0, _R2), (0, _R2, _R2), (0, -_R2, _R2),
    ],
    dtype=np.float64,
)  # fmt: skip


@kernel
def see(x, y, z, nearest):
    """Note how near a point comes to the poles of each axis, as the cosine of the angle."""
    size = math.sqrt(x * x + y * y + z * z)
    for a in range(len(_AXES)):
        cosine = abs(x * _AXES[a, 0] + y * _AXES[a, 1] + z * _AXES[a, 2]) / size if size > 0.0 else 1.0
        nearest[a] = max(nearest[a], cosine)


@kernel
def turn(frame, nearest, out):
    """Write the frame whose z is the axis that is farthest from the edges; the first when several are."""
    best = 0
    for a in range(1, len(_AXES)):
        if nearest[a] < nearest[best] - 1e-6:
            best = a
    p, q, r = _AXES[best, 0], _AXES[best, 1], _AXES[best, 2]
    # x of the new frame: across the axis and the coordinate that it has least of.
    if abs(p) <= abs(q) and abs(p) <= abs(r):
        x, y, z = 0.0, r, -q
    elif abs(q) <= abs(r):
        x, y, z = -r, 0.0, p
    else:
        x, y, z = q, -p, 0.0
    size = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / size, y / size, z / size
    for k in range(3):
        out[k] = frame[k]
        out[3 + k] = x * frame[3 + k] + y * frame[6 + k] + z * frame[9 + k]
        out[9 + k] = p * frame[3 + k] + q * frame[6 + k] + r * frame[9 + k]
    out[6] = out[10] * out[5] - out[11] * out[4]
    out[7] = out[11] * out[3] - out[9] * out[5]
    out[8] = out[9] * out[4] - out[10] * out[3]


@entry(f"{GEOMETRY} i8[:,4] f8[:,6] f8[:,2] i8[:] i8[:,4] i8[:,5] i8[:] f8[:,32] f8[:,3] f8[13] f8[:,12]")
def axes(
    frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots,
    edges, edge_points, ranges, uses, loops, faces, chosen, work, spot, nearest, out,
):  # fmt: skip
    """Frames with poles far from the edges, of the faces `chosen`, whose surfaces are spheres.

    work, spot, nearest : scratch;  out : (F, 12)
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    for f in chosen:
        frame = frames[surfaces[faces[f, 0], 1]]
        for k in range(13):
            nearest[k] = 0.0
        for loop in range(faces[f, 2], faces[f, 2] + faces[f, 3]):
            for i in range(loops[loop, 0], loops[loop, 0] + loops[loop, 1]):
                e = abs(uses[i]) - 1
                for q in range(_POINTS + 1 if edges[e, 0] >= 0 else 0):
                    t = ranges[e, 0] + (ranges[e, 1] - ranges[e, 0]) * q / _POINTS
                    edge_point(geometry, edges, edge_points, e, t, work, spot, 0)
                    x, y, z = local(
                        frame, spot[0, 0] - frame[0], spot[0, 1] - frame[1], spot[0, 2] - frame[2]
                    )
                    see(x, y, z, nearest)
        turn(frame, nearest, out[f])
    return 0
