"""Boxes of edges: where they are highest and lowest along each axis, in closed form or by search.

A conic has its extrema where its derivative is zero, at known parameters. A spline is looked at on points of
each knot span; between two whose derivatives differ in sign the zero is enclosed.
"""

import math

from massproof.kernels.geometry import ELLIPSE, GEOMETRY, LINE, PARABOLA, SPLINE, Geometry
from massproof.kernels.jit import entry, kernel
from massproof.kernels.pieces import put_edge
from massproof.kernels.trims import edge_point

_PARTS = 8  # of each knot span
_HALVINGS = 50
_TINY = 1e-9  # of the interval: the height of an extremum is off by the square of that


@kernel
def widen(spot, row, box):
    """Take a point into a box: three least, three greatest coordinates."""
    for k in range(3):
        box[k] = min(box[k], spot[row, k])
        box[3 + k] = max(box[3 + k], spot[row, k])


@kernel
def extremum(geometry, c, axis, which):
    """Parameter where conic c runs across a coordinate axis: the first or the second, NaN where there is none."""
    frame = geometry.frames[geometry.curves[c, 1]]
    kind, a, b = geometry.curves[c, 0], geometry.curve_numbers[c, 0], geometry.curve_numbers[c, 1]
    x, y = frame[3 + axis], frame[6 + axis]
    if kind <= ELLIPSE:
        return math.atan2(b * y, a * x) + which * math.pi
    if which == 1:
        return math.nan
    if kind == PARABOLA:
        return -y / x if x != 0.0 else math.nan
    ratio = -(b * y) / (a * x) if x != 0.0 else math.nan
    return math.atanh(ratio) if abs(ratio) < 1.0 else math.nan


@kernel
def conic_box(geometry, borders, e, low, high, scratch, box):
    """Widen a box by the extrema of an edge on a conic."""
    edges, edge_points = borders
    work, spot = scratch
    for i in range(8):
        t = low if i == 6 else high
        if i < 6:
            t = extremum(geometry, edges[e, 0], i % 3, i // 3)
            if geometry.curves[edges[e, 0], 0] <= ELLIPSE:
                t += 2.0 * math.pi * math.ceil((low - t) / (2.0 * math.pi))
            if not low <= t <= high:
                continue
        edge_point(geometry, edges, edge_points, e, t, work, spot, 0)
        widen(spot, 0, box)


@kernel
def enclose(geometry, borders, e, axis, low, high, scratch, box):
    """Widen a box by the extremum between two parameters, at which the derivatives differ in sign.

    Newton's method, and halves where that leads out of what is left.
    """
    edges, edge_points = borders
    work, spot = scratch
    rising = spot[1, axis] > 0.0  # at the higher one, where the edge was evaluated last
    t, step, tiny = 0.5 * (low + high), high - low, _TINY * (high - low)
    for _ in range(_HALVINGS):
        if step <= tiny:
            continue
        edge_point(geometry, edges, edge_points, e, t, work, spot, 3)
        if (spot[4, axis] > 0.0) == rising:
            high = t
        else:
            low = t
        before, t = t, t - spot[4, axis] / spot[5, axis] if spot[5, axis] != 0.0 else low
        if not low < t < high:
            t = 0.5 * (low + high)
        step = abs(t - before)
    widen(spot, 3, box)


@kernel
def part_box(geometry, borders, e, low, high, scratch, box):
    """Widen a box by one smooth part of an edge; returns how far the edge can rise above it.

    Where derivatives at both ends of an interval of length h have one sign, a derivative whose slope changes by
    d over it is zero inside only if both are below h d/2, and then rises by no more than h² d/12.
    """
    edges, edge_points = borders
    work, spot = scratch
    slack, step = 0.0, (high - low) / _PARTS
    for i in range(_PARTS + 1):
        edge_point(geometry, edges, edge_points, e, low + i * step, work, spot, 0)
        widen(spot, 0, box)
        for axis in range(3 if i > 0 else 0):
            before, after = spot[6, axis], spot[1, axis]
            if before * after < 0.0:
                enclose(geometry, borders, e, axis, low + (i - 1) * step, low + i * step, scratch, box)
            else:
                change = abs(step * (spot[2, axis] - spot[7, axis]))
                if max(abs(before), abs(after)) <= 0.5 * change:
                    slack = max(slack, abs(step) * change / 6.0)  # twice the bound: d is taken at the ends
        for k in range(3):
            spot[6, k], spot[7, k] = spot[1, k], spot[2, k]
    return slack


@kernel
def spline_box(geometry, borders, e, low, high, scratch, pieces, box):
    """Widen a box by an edge on a spline; returns how far the edge can rise above it."""
    count = put_edge(geometry, borders[0], e, low, high, pieces, 0)
    slack = 0.0
    for i in range(count):
        rise = part_box(geometry, borders, e, pieces[i, 2], pieces[i, 3], scratch, box)
        slack = max(slack, rise)
    return slack


@entry(f"{GEOMETRY} i8[:,4] f8[:,6] f8[:,2] f8[:,32] f8[8,3] f8[:,4] f8[:,7]")
def edge_boxes(
    frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots,
    edges, edge_points, ranges, work, spot, pieces, out,
):  # fmt: skip
    """Boxes of all edges: least and greatest coordinates, and how far the edge can be outside.

    work, spot, pieces : scratch;  out : (E, 7); of edges without a curve the box of their vertices
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    scratch, borders = (work, spot), (edges, edge_points)
    for e in range(len(edges)):
        box = out[e]
        for k in range(3):
            box[k] = min(edge_points[e, k], edge_points[e, 3 + k])
            box[3 + k] = max(edge_points[e, k], edge_points[e, 3 + k])
        box[6] = 0.0
        low, high = min(ranges[e, 0], ranges[e, 1]), max(ranges[e, 0], ranges[e, 1])
        if edges[e, 0] < 0 or curves[edges[e, 0], 0] == LINE:
            continue
        if curves[edges[e, 0], 0] == SPLINE:
            box[6] = spline_box(geometry, borders, e, low, high, scratch, pieces, box)
        else:
            conic_box(geometry, borders, e, low, high, scratch, box)
    return 0


@entry("i8[:,4] i8[:,8] f8[:,7] i8[:] i8[:] f8[:,7] i8[:,2]")
def face_boxes(edges, curves, boxes, face, use, out, traits):
    """Boxes of the borders of all faces, in the same columns as those of edges.

    boxes : (E, 7) of edges;  face, use : the face of each use, and its edge + 1, negative when it runs against that
    out : (F, 7), from infinite to minus infinite of a face without edges
    traits : (F, 2) whether an edge is a spline, of how many pieces the edges are at most
    """
    for f in range(len(out)):
        for k in range(3):
            out[f, k], out[f, 3 + k] = math.inf, -math.inf
        out[f, 6], traits[f, 0], traits[f, 1] = 0.0, 0, 0
    for i in range(len(use)):
        e, f = abs(use[i]) - 1, face[i]
        c = edges[e, 0]
        traits[f, 1] += 12 if c < 0 else 12 + 3 * curves[c, 6]
        traits[f, 0] = 1 if c >= 0 and curves[c, 0] == SPLINE else traits[f, 0]
        for k in range(3):
            out[f, k] = min(out[f, k], boxes[e, k])
            out[f, 3 + k] = max(out[f, 3 + k], boxes[e, 3 + k])
        out[f, 6] = max(out[f, 6], boxes[e, 6])
    return 0
