"""Where the edges of a file begin and end on their curves: parameters of their vertices.

An edge runs from its first vertex to its second, along its curve or against it. Lines are taken as the segment
between the vertices, parameter 0 to 1. The range of a closed spline that passes the curve's own end goes on
beyond it, where `curves.point` starts again.
"""

import math

from massproof.kernels.curves import domain, point
from massproof.kernels.geometry import (
    ELLIPSE,
    GEOMETRY,
    LINE,
    PARABOLA,
    SPLINE,
    Geometry,
    distance,
    local,
)
from massproof.kernels.jit import entry, kernel

_NEAR = 1e-5  # of the length of its control polygon: so near to a spline's end, a vertex is that end
_SAMPLES = 8  # points for each control point, among which the nearest to a vertex is looked for
_TURN = 2.0 * math.pi


@kernel
def edge_point(geometry, edges, edge_points, e, t, work, out, at):
    """Point, first and second derivative of edge e at t, to out[at:at+3]; work as in `curves.point`."""
    if geometry.curves[edges[e, 0], 0] != LINE:
        point(geometry, edges[e, 0], t, work, out, at)
        return
    for k in range(3):
        d = edge_points[e, 3 + k] - edge_points[e, k]
        out[at, k] = edge_points[e, k] + t * d
        out[at + 1, k] = d
        out[at + 2, k] = 0.0


@kernel
def conic_parameter(geometry, c, x, y, z):
    """Parameter of a point near conic c: by its angle, or by its distance from the axis."""
    frame = geometry.frames[geometry.curves[c, 1]]
    a, b = geometry.curve_numbers[c, 0], geometry.curve_numbers[c, 1]
    p, q, _ = local(frame, x - frame[0], y - frame[1], z - frame[2])
    kind = geometry.curves[c, 0]
    if kind <= ELLIPSE:
        return math.atan2(q / b, p / a)
    if kind == PARABOLA:
        return q / (2.0 * a)
    return math.asinh(q / b)


@kernel
def foot(geometry, c, vertex, work):
    """Parameter of the point of spline c that is nearest to `vertex`.

    Newton's method for (C − V)·C' = 0 from the nearest of many samples, by C'·C' alone where the whole second
    derivative would lead to a point that is farthest.
    """
    low, high = domain(geometry, c)
    count = _SAMPLES * geometry.curves[c, 4]
    best, t = math.inf, low
    for i in range(count + 1):
        at = low + (high - low) * i / count
        point(geometry, c, at, work, work, 12)
        d = distance(work[12], vertex)
        if d < best:
            best, t = d, at
    for _ in range(30):
        point(geometry, c, t, work, work, 12)
        f = square = bend = 0.0
        for k in range(3):
            away = work[12, k] - vertex[k]
            f += away * work[13, k]
            square += work[13, k] ** 2
            bend += away * work[14, k]
        slope = square + bend if bend > -0.5 * square else square
        new = min(high, max(low, t - f / slope)) if slope > 0.0 else t
        if abs(new - t) <= 1e-15 * (high - low):
            return new
        t = new
    return t


@kernel
def spline_ends(geometry, c, ends, near, work):
    """Parameters of the two vertices `ends` of an edge on spline c; whether the curve is closed."""
    low, high = domain(geometry, c)
    closed, first, last = False, low, high
    for i in range(2):
        vertex = ends[3 * i : 3 * i + 3]
        for k in range(2):
            point(geometry, c, high if k == 0 else low, work, work, 12)
            for j in range(3):
                work[15 + k, j] = work[12, j]
        closed = distance(work[15], work[16]) <= near
        if distance(work[15], vertex) <= near:
            t = high
        elif distance(work[16], vertex) <= near:
            t = low
        else:
            t = foot(geometry, c, vertex, work)
        if i == 0:
            first = t
        else:
            last = t
    return first, last, closed


@kernel
def spline_range(geometry, c, forward, ends, work):
    """First and last parameter of an edge on spline c, last < first when it runs against the curve."""
    low, high = domain(geometry, c)
    first, count = geometry.curves[c, 3], geometry.curves[c, 4]
    size = 0.0
    for i in range(count - 1):
        size += distance(geometry.controls[first + i], geometry.controls[first + i + 1])
    begin, end, closed = spline_ends(geometry, c, ends, _NEAR * size, work)
    if not closed:
        return begin, end
    tiny = 1e-9 * (high - low)
    if not forward:
        begin, end = end, begin
    if high - begin <= tiny:
        begin = low
    if end - begin <= tiny:
        end += high - low  # it passes the end of the curve, or goes all the way round
    return (begin, end) if forward else (end, begin)


@kernel
def conic_range(geometry, c, forward, closed, ends):
    """First and last parameter of an edge on conic c, last < first when it runs against the curve."""
    begin = conic_parameter(geometry, c, ends[0], ends[1], ends[2])
    end = conic_parameter(geometry, c, ends[3], ends[4], ends[5])
    kind = geometry.curves[c, 0]
    if kind > ELLIPSE:
        return begin, end
    turn = _TURN if forward else -_TURN
    if closed:
        return begin, begin + turn
    if (end - begin) * turn <= 1e-12:
        end += turn
    return begin, end


@entry(f"{GEOMETRY} i8[:,4] f8[:,6] i8 i8 f8[:,32] f8[:,2] f8[:]")
def ranges(
    frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots,
    edges, edge_points, first, last, work, out, gaps,
):  # fmt: skip
    """Parameters of the vertices of edges first..last, and how far they are from the curve at most.

    work : (ROWS, WIDTH) scratch;  out : (E, 2);  gaps : (E,) in the unit of length
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    for e in range(first, last):
        c = edges[e, 0]
        out[e, 0], out[e, 1], gaps[e] = 0.0, 1.0, 0.0
        if c < 0 or curves[c, 0] == LINE:
            continue
        if curves[c, 0] == SPLINE:
            begin, end = spline_range(geometry, c, edges[e, 1] == 1, edge_points[e], work)
        else:
            begin, end = conic_range(geometry, c, edges[e, 1] == 1, edges[e, 2] == 1, edge_points[e])
        out[e, 0], out[e, 1] = begin, end
        for i in range(2):
            point(geometry, c, out[e, i], work, work, 12)
            gaps[e] = max(gaps[e], distance(work[12], edge_points[e, 3 * i : 3 * i + 3]))
    return 0
