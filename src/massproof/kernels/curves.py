"""Points of curves, with first and second derivatives, in the parameters of ISO 10303-42."""

import math

from massproof.kernels.bsplines import curve_point
from massproof.kernels.geometry import ELLIPSE, GEOMETRY, LINE, PARABOLA, SPLINE, Geometry
from massproof.kernels.jit import entry, kernel


@kernel
def domain(geometry, c):
    """First and last parameter of spline c."""
    numbers = geometry.curves[c]
    return geometry.knots[numbers[5] + numbers[2]], geometry.knots[numbers[5] + numbers[4]]


@kernel
def point(geometry, c, t, work, out, at):
    """Point, first and second derivative of curve c at t, to out[at:at+3].

    A spline that is asked beyond its end continues from its beginning: edges of closed curves may.
    """
    kind = geometry.curves[c, 0]
    if kind == SPLINE:
        low, high = domain(geometry, c)
        if t > high:
            t -= high - low
        curve_point(geometry.curves[c], geometry.controls, geometry.knots, t, work, out, at)
        return
    a, b = geometry.curve_numbers[c, 0], geometry.curve_numbers[c, 1]
    if kind == LINE:
        for k in range(3):
            d = geometry.curve_numbers[c, 3 + k]
            out[at, k], out[at + 1, k], out[at + 2, k] = geometry.curve_numbers[c, k] + t * d, d, 0.0
        return
    x, y, dx, dy, ddx, ddy = conic(kind, a, b, t)
    frame = geometry.frames[geometry.curves[c, 1]]
    for k in range(3):
        out[at, k] = frame[k] + x * frame[3 + k] + y * frame[6 + k]
        out[at + 1, k] = dx * frame[3 + k] + dy * frame[6 + k]
        out[at + 2, k] = ddx * frame[3 + k] + ddy * frame[6 + k]


@kernel
def conic(kind, a, b, t):
    """Coordinates in its frame of a point of a conic, first and second derivatives.

    circle, ellipse (a cos t, b sin t)    parabola (a t², 2 a t)    hyperbola (a cosh t, b sinh t)
    """
    if kind <= ELLIPSE:
        c, s = math.cos(t), math.sin(t)
        return a * c, b * s, -a * s, b * c, -a * c, -b * s
    if kind == PARABOLA:
        return a * t * t, 2.0 * a * t, 2.0 * a * t, 2.0 * a, 2.0 * a, 0.0
    c, s = math.cosh(t), math.sinh(t)
    return a * c, b * s, a * s, b * c, a * c, b * s


@entry(f"{GEOMETRY} i8 f8[:] f8[:,32] f8[:,3]")
def points(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots, c, t, work, out):
    """Point, first and second derivative of curve c at each of t: three rows of `out` for each.

    work : (ROWS, WIDTH) scratch
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    for i in range(len(t)):
        point(geometry, c, t[i], work, out, 3 * i)
    return 0
