"""One face's surface as its integration sees it: kind, numbers, domain, and where the inner parameter starts."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.kernels.geometry import CONE, CYLINDER, OFFSET, PLANE, SPHERE, SPLINE, TORUS, local
from massproof.kernels.jit import kernel
from massproof.kernels.quadrature import ELEVEN, FIFTEEN
from massproof.kernels.surfaces import domain

Floats = npt.NDArray[np.float64]

_GRID = 48  # points in each direction, at most, from which the search for a foot starts


class Patch(NamedTuple):
    """What stays the same while a face is walked round."""

    kind: int
    surface: int
    base: int  # the spline itself, or the one that it is an offset of
    frame: Floats  # (12,)
    a: float  # numbers of the surface
    b: float
    lemon: bool  # the inner part of a spindle torus
    origin: Floats  # (3,) about which is integrated
    size: float  # of the face, a length
    noise: float  # how far rounding has moved the points of the file, a length
    start: float  # v where inner integrals begin
    bottom: float  # v of the ends where all u are one point, if there are such
    top: float
    pole_low: bool  # whether a spline is one point at low v, at high v
    pole_high: bool
    whole: bool  # whether the surface has no border
    period_u: float  # 0: does not repeat
    period_v: float
    low_u: float
    high_u: float
    low_v: float
    high_v: float
    grid_u: int
    grid_v: int
    rule: int  # of inner integrals of splines
    cells: int  # pieces of the domain of v


@kernel
def inner_rule(geometry, base):
    """Order of inner integrals: K11 is exact for ∫1 of polynomial splines up to degree 5, others need more."""
    numbers = geometry.surfaces[base]
    return ELEVEN if numbers[10] == 0 and numbers[3] <= 3 else FIFTEEN


@kernel
def is_free(kind):
    """Whether a surface has no closed form here: a spline, or an offset of one."""
    return kind in (SPLINE, OFFSET)


@kernel
def round_start(kind, frame, a, b, lemon, vertex):
    """Of a closed form: v where inner integrals begin, v of both ends, whether v repeats.

    On a sphere they begin at a pole, on a spindle torus where it meets its axis, elsewhere at a vertex.
    """
    x, y, z = local(frame, vertex[0] - frame[0], vertex[1] - frame[1], vertex[2] - frame[2])
    if kind == PLANE:
        return y, 0.0, 0.0, False
    if kind == CYLINDER:
        return z, 0.0, 0.0, False
    if kind == CONE:
        apex = -a / math.tan(b)
        return z, apex, apex, False
    if kind == SPHERE:
        return -0.5 * math.pi, -0.5 * math.pi, 0.5 * math.pi, False
    if a > b:
        v = math.atan2(z, math.sqrt(x * x + y * y) - a)
        return v, v, v + 2.0 * math.pi, True
    cusp = math.acos(-a / b)
    if lemon:
        return cusp, cusp, 2.0 * math.pi - cusp, False
    return -cusp, -cusp, cusp, False


@kernel
def make_patch(geometry, s, frame, origin, vertex, size, noise, closure, cells):
    """The patch of surface s.

    closure : whether a spline repeats in u and in v, and whether it ends in a point at low and at high v
    cells : of the table of a spline, 0 of others
    """
    kind, base = geometry.surfaces[s, 0], s
    a, b = geometry.surface_numbers[s, 0], geometry.surface_numbers[s, 1]
    lemon = kind == TORUS and geometry.surfaces[s, 11] == 1 and a < b
    if is_free(kind):
        base = geometry.surfaces[s, 11] if kind == OFFSET else s
        low_u, high_u, low_v, high_v = domain(geometry, s)
        start, bottom, top = low_v, low_v, high_v
        period_u = high_u - low_u if closure[0] == 1 else 0.0
        period_v = high_v - low_v if closure[1] == 1 else 0.0
        whole = closure[0] == 1 and (closure[1] == 1 or (closure[2] == 1 and closure[3] == 1))
        grid_u = min(_GRID, 4 * geometry.surfaces[base, 4])
        grid_v = min(_GRID, 4 * geometry.surfaces[base, 5])
        rule = inner_rule(geometry, base)
    else:
        start, bottom, top, repeats = round_start(kind, frame, a, b, lemon, vertex)
        low_u, high_u, low_v, high_v = 0.0, 2.0 * math.pi, 0.0, 0.0
        period_u = 0.0 if kind == PLANE else 2.0 * math.pi
        period_v = 2.0 * math.pi if repeats else 0.0
        whole = kind in (SPHERE, TORUS)
        grid_u, grid_v, rule = 1, 1, FIFTEEN
    return Patch(
        kind, s, base, frame, a, b, lemon, origin, size, noise, start, bottom, top,
        closure[2] == 1, closure[3] == 1, whole, period_u, period_v,
        low_u, high_u, low_v, high_v, grid_u, grid_v, rule, cells,
    )  # fmt: skip
