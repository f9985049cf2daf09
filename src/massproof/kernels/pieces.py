"""The border of a face as a list of pieces: ends of edges, smooth parts of edges, and the gaps between edges."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.kernels.geometry import ELLIPSE, LINE, SPLINE
from massproof.kernels.jit import kernel

# A row is kind, edge, first and last parameter. START and END ask where the vertex is on the surface; their
# second parameter is the middle of the edge, which tells u where the vertex is a pole. LINK joins the end of the
# edge before to START, CLOSE the last end to the first; BAND is v and the range of u of a line of constant v.
FIRST, START, END, LINK, EDGE, CLOSE, BAND = 0, 1, 2, 3, 4, 5, 6

_INSIDE = 0.5  # of the edge
_QUARTER = 0.5 * math.pi
_SAME = 1e-12  # of the edge: knots so near to each other are one


class Borders(NamedTuple):
    """Five arrays of `brep.Shapes` under their names, and the parameters of `trims.ranges`."""

    edges: npt.NDArray[np.int64]
    edge_points: npt.NDArray[np.float64]
    ranges: npt.NDArray[np.float64]
    uses: npt.NDArray[np.int64]
    loops: npt.NDArray[np.int64]


@kernel
def put(pieces, count, kind, edge, a, b):
    """Append one piece; returns how many there are."""
    pieces[count, 0], pieces[count, 1], pieces[count, 2], pieces[count, 3] = kind, edge, a, b
    return count + 1


@kernel(apart=True)
def put_between(knots, first, last, period, kind, edge, low, high, pieces, count):
    """Append low…high, divided at knots first…last and at the same knots one period later and earlier."""
    begin = low
    for lap in range(-1, 2):
        for i in range(first, last):
            knot = knots[i] + lap * period
            if begin + _SAME * (high - low) < knot < high - _SAME * (high - low):
                count = put(pieces, count, kind, edge, begin, knot)
                begin = knot
        if period == 0.0:
            break
    return put(pieces, count, kind, edge, begin, high)


@kernel
def put_evenly(kind, edge, a, b, pieces, count):
    """Append a…b in equal parts of a quarter turn at most."""
    parts = 1 + int(max(0.0, abs(b - a) / _QUARTER - 1e-9))
    for i in range(parts):
        count = put(pieces, count, kind, edge, a + (b - a) * i / parts, a + (b - a) * (i + 1) / parts)
    return count


@kernel
def turn_round(pieces, first, last):
    """Reverse the order of pieces first…last − 1 and their direction."""
    for i in range((last - first) // 2):
        for k in range(4):
            other = pieces[last - 1 - i, k]
            pieces[last - 1 - i, k] = pieces[first + i, k]
            pieces[first + i, k] = other
    for i in range(first, last):
        pieces[i, 2], pieces[i, 3] = pieces[i, 3], pieces[i, 2]


@kernel
def put_edge(geometry, edges, e, a, b, pieces, count):
    """Append edge e from a to b, in parts over which it is smooth."""
    c = edges[e, 0]
    kind = geometry.curves[c, 0]
    if kind == LINE:
        return put(pieces, count, EDGE, e, a, b)
    if kind != SPLINE:
        return (
            put_evenly(EDGE, e, a, b, pieces, count) if kind <= ELLIPSE else put(pieces, count, EDGE, e, a, b)
        )
    first, degree, points = geometry.curves[c, 5], geometry.curves[c, 2], geometry.curves[c, 4]
    period = geometry.knots[first + points] - geometry.knots[first + degree]
    before, low, high = count, min(a, b), max(a, b)
    count = put_between(
        geometry.knots, first + degree, first + points + 1, period, EDGE, e, low, high, pieces, count
    )
    if b < a:
        turn_round(pieces, before, count)
    return count


@kernel
def put_loop(geometry, borders, loop, pieces, count):
    """Append the pieces of one loop in the direction of its bound."""
    first, uses, forward = borders.loops[loop, 0], borders.loops[loop, 1], borders.loops[loop, 2] == 1
    for i in range(uses):
        use = borders.uses[first + i if forward else first + uses - 1 - i]
        e = abs(use) - 1
        a, b = borders.ranges[e, 0], borders.ranges[e, 1]
        if (use > 0) != forward:
            a, b = b, a
        count = put(pieces, count, FIRST if i == 0 else START, e, a, a + (b - a) * _INSIDE)
        if i > 0:
            count = put(pieces, count, LINK, e, 0.0, 1.0)
        count = put_edge(geometry, borders.edges, e, a, b, pieces, count)
        count = put(pieces, count, END, e, b, b + (a - b) * _INSIDE)
    return put(pieces, count, CLOSE, 0, 0.0, 1.0) if uses > 0 else count


@kernel(apart=True)
def put_band(geometry, patch, v, a, b, pieces, count):
    """Append the line of constant v from u = a to u = b, on a surface that repeats in u."""
    numbers = geometry.surfaces[patch.base]
    before, low, high = count, min(a, b), max(a, b)
    if patch.cells == 0:
        count = put_evenly(BAND, 0, low, high, pieces, count)
    else:
        first, last = numbers[7] + numbers[2], numbers[7] + numbers[4] + 1
        count = put_between(geometry.knots, first, last, patch.period_u, BAND, 0, low, high, pieces, count)
    if b < a:
        turn_round(pieces, before, count)
    for i in range(before, count):
        pieces[i, 1] = v
    return count
