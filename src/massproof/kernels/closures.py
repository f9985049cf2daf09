"""Which splines close upon themselves, and which end in a point: seen on points of their borders."""

from massproof.kernels.geometry import GEOMETRY, OFFSET, SPLINE, Geometry, distance
from massproof.kernels.jit import entry, kernel
from massproof.kernels.surfaces import domain, free_point

_POINTS = 5  # on each border
_CLOSED = 1e-6  # of the extent of the surface: borders so near to each other are one


@kernel
def border_place(side, i, low_u, high_u, low_v, high_v):
    """Parameters of point i of a side: 0 low u, 1 high u, 2 low v, 3 high v."""
    share = (i + 0.5) / _POINTS
    if side < 2:
        return low_u if side == 0 else high_u, low_v + (high_v - low_v) * share
    return low_u + (high_u - low_u) * share, low_v if side == 2 else high_v


@kernel
def judge(points, out):
    """Compare the borders in `points`, (20, 3) side by side."""
    apart_u = apart_v = wide_low = wide_high = size = 0.0
    for i in range(_POINTS):
        apart_u = max(apart_u, distance(points[i], points[_POINTS + i]))
        apart_v = max(apart_v, distance(points[2 * _POINTS + i], points[3 * _POINTS + i]))
        wide_low = max(wide_low, distance(points[2 * _POINTS], points[2 * _POINTS + i]))
        wide_high = max(wide_high, distance(points[3 * _POINTS], points[3 * _POINTS + i]))
    for i in range(4 * _POINTS):
        size = max(size, distance(points[0], points[i]))
    near = _CLOSED * size
    out[0] = 1 if apart_u <= near else 0
    out[1] = 1 if apart_v <= near else 0
    out[2] = 1 if wide_low <= near else 0
    out[3] = 1 if wide_high <= near else 0


@entry(f"{GEOMETRY} f8[:,32] f8[6,3] f8[20,3] i8[:,4]")
def closures(
    frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots, work, at, points, out
):  # fmt: skip
    """Of each spline and offset: whether it repeats in u, in v, is one point at low v, at high v.

    work : (ROWS, WIDTH) scratch;  at, points : scratch;  out : (S, 4), 0 for other surfaces
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    for s in range(len(surfaces)):
        for k in range(4):
            out[s, k] = 0
        if surfaces[s, 0] != SPLINE and surfaces[s, 0] != OFFSET:
            continue
        low_u, high_u, low_v, high_v = domain(geometry, s)
        for i in range(4 * _POINTS):
            u, v = border_place(i // _POINTS, i % _POINTS, low_u, high_u, low_v, high_v)
            free_point(geometry, s, u, v, work, at)
            for k in range(3):
                points[i, k] = at[0, k]
        judge(points, out[s])
    return 0
