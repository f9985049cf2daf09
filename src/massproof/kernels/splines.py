"""Spline curves and surfaces of a STEP file, with all their knots.

Rules of ISO 10303-42: knots that a type implies, how knots, weights and control points must agree.
"""

import numpy as np

from massproof.kernels.boundaries import triple
from massproof.kernels.geometry import SPLINE
from massproof.kernels.jit import kernel
from massproof.kernels.placing import CONTROLS, KNOTS, NO_REASON, POINTS, WEIGHTS
from massproof.kernels.schema import TYPES
from massproof.kernels.signatures import after_value
from massproof.kernels.tokens import CODES

_FIRST_SPLINE, _LAST_SPLINE, _POLYLINE = (
    TYPES["B_SPLINE_CURVE_WITH_KNOTS"],
    TYPES["SPLINE_OF_PARTS"],
    TYPES["POLYLINE"],
)
_FIRST_NET, _LAST_NET = TYPES["B_SPLINE_SURFACE_WITH_KNOTS"], TYPES["SURFACE_OF_PARTS"]
# Which knots a spline has: written, or by its type. Types in the order of `signatures`.
WRITTEN, BEZIER, UNIFORM, QUASI_UNIFORM = range(4)
_PART_FORMS = tuple(
    (TYPES[f"{form}_{kind}"], k)
    for kind in ("CURVE", "SURFACE")
    for form, k in (("BEZIER", BEZIER), ("UNIFORM", UNIFORM), ("QUASI_UNIFORM", QUASI_UNIFORM))
)
_WITH_KNOTS = (TYPES["B_SPLINE_CURVE_WITH_KNOTS"], TYPES["B_SPLINE_SURFACE_WITH_KNOTS"])
_BASIS = (TYPES["B_SPLINE_CURVE"], TYPES["B_SPLINE_SURFACE"])
_RATIONAL = (TYPES["RATIONAL_B_SPLINE_CURVE"], TYPES["RATIONAL_B_SPLINE_SURFACE"])


@kernel
def length_of(kinds, values, token):
    """How many single values a list has."""
    return np.int64(values[token]) - token - 2


@kernel
def write_points(file, token, controls, at):
    """Points of a list as control points of weight 1: whether all are in space."""
    _rows, kinds, values, _checked = file
    for i in range(length_of(kinds, values, token)):
        x, y, z, there = triple(file, np.int64(values[token + 1 + i]))
        if not there:
            return False
        controls[at + i, 0], controls[at + i, 1], controls[at + i, 2], controls[at + i, 3] = x, y, z, 1.0
    return True


@kernel
def write_weights(kinds, values, token, controls, at, count):
    """Weights of a list, of which there must be `count`, all positive: whether that is so."""
    if length_of(kinds, values, token) != count:
        return False
    for i in range(count):
        weight = values[token + 1 + i]
        if not weight > 0.0:
            return False
        controls[at + i, 3] = weight
    return True


@kernel
def write_knots(kinds, values, counts, numbers, total, knots, at):
    """Knots of a list as often as another says: whether they rise, and are `total` in all."""
    size, written = length_of(kinds, values, numbers), 0
    if length_of(kinds, values, counts) != size:
        return False
    for i in range(size):
        value, times = values[numbers + 1 + i], np.int64(values[counts + 1 + i])
        if times > total - written or (i > 0 and not value > values[numbers + i]):
            return False
        for k in range(times):
            knots[at + written + k] = value
        written += times
    return written == total and size > 1


@kernel
def imply_knots(form, degree, points, knots, at):
    """Knots that the type of a spline implies: whether there are such."""
    pieces = points - degree
    if form == BEZIER:
        if (points - 1) % degree:
            return False
        for k in range(points + degree + 1):
            knots[at + k] = min(max(k - 1, 0) // degree, (points - 1) // degree)
        return True
    for k in range(points + degree + 1):
        knots[at + k] = k - degree if form == UNIFORM else min(max(k - degree, 0), pieces)
    return True


@kernel
def spline_tokens(file, row, which):
    """Tokens of the degree, the multiplicities or −1, the weights or −1; and the form of the knots.

    which : 0 of a curve, 1 of a surface
    """
    rows, kinds, values, _checked = file
    code, t = rows[row, 1], rows[row, 2]
    first, last = (_FIRST_NET, _LAST_NET) if which else (_FIRST_SPLINE, _LAST_SPLINE)
    if code != last:
        after = np.int64(values[t + 3 + which]) + 3 + which
        return t + 2, (after if code == first else -1), -1, code - first
    end, token, basis, counts, weights, form = np.int64(values[t]) - 1, t + 1, -1, -1, -1, -1
    while token < end:
        part = np.int64(values[token]) % CODES
        if part == _BASIS[which]:
            basis = token + 2
        elif part == _WITH_KNOTS[which]:
            counts, form = token + 2, WRITTEN
        elif part == _RATIONAL[which]:
            weights = token + 1
        for name, kind in _PART_FORMS:
            if part == name:
                form = kind
        token = after_value(kinds, values, token)
    return basis, counts, (weights if weights < 0 else weights + 1), form


@kernel
def spline_curve(file, row, line, controls, knots, at, first):
    """Row, control points and knots of a spline curve: the reason why there are none, and how many of each."""
    _rows, kinds, values, _checked = file
    basis, counts, weights, form = spline_tokens(file, row, 0)
    degree, points = np.int64(values[basis]), length_of(kinds, values, basis + 1)
    if degree < 1 or degree >= points or form < 0:
        return CONTROLS, 0, 0
    if not write_points(file, basis + 1, controls, at):
        return POINTS, 0, 0
    if weights >= 0 and not write_weights(kinds, values, weights, controls, at, points):
        return WEIGHTS, 0, 0
    total = points + degree + 1
    if form == WRITTEN:
        fits = write_knots(kinds, values, counts, np.int64(values[counts]), total, knots, first)
    else:
        fits = imply_knots(form, degree, points, knots, first)
    if not fits:
        return KNOTS, 0, 0
    line[0], line[1], line[2], line[3], line[4] = SPLINE, -1, degree, at, points
    line[5], line[6], line[7] = first, total, weights >= 0
    return NO_REASON, points, total


@kernel
def polyline(file, row, line, controls, knots, at, first):
    """A polyline as a spline of degree 1: as `spline_curve`."""
    rows, kinds, values, _checked = file
    t = rows[row, 2] + 2
    points = length_of(kinds, values, t)
    if points < 2:
        return CONTROLS, 0, 0
    if not write_points(file, t, controls, at):
        return POINTS, 0, 0
    imply_knots(QUASI_UNIFORM, 1, points, knots, first)
    line[0], line[1], line[2], line[3], line[4] = SPLINE, -1, 1, at, points
    line[5], line[6], line[7] = first, points + 2, 0
    return NO_REASON, points, points + 2


@kernel
def net_points(file, net, controls, at):
    """Rows and columns of a net of control points, which are written; whether all rows are as long, and in space."""
    _rows, kinds, values, _checked = file
    u, v, token, end = 0, 0, net + 1, np.int64(values[net]) - 1
    while token < end:
        size = length_of(kinds, values, token)
        v = size if u == 0 else v
        if size != v:
            return 0, 0, True
        if not write_points(file, token, controls, at + u * v):
            return u, v, False
        u, token = u + 1, np.int64(values[token])
    return u, v, True


@kernel
def net_weights(kinds, values, net, controls, at, u, v):
    """Weights of a net: whether there are as many as control points, all positive."""
    token, end = net + 1, np.int64(values[net]) - 1
    for i in range(u):
        if token >= end or not write_weights(kinds, values, token, controls, at + i * v, v):
            return False
        token = np.int64(values[token])
    return token == end


@kernel
def net_knots(file, basis, counts, form, size, knots, at):
    """Knots of a net of u × v control points in both directions: whether they fit."""
    kinds, values = file[1], file[2]
    u, v = size
    p, q = np.int64(values[basis]), np.int64(values[basis + 1])
    second = at + u + p + 1
    if form != WRITTEN:
        return imply_knots(form, p, u, knots, at) and imply_knots(form, q, v, knots, second)
    other = np.int64(values[counts])
    numbers = np.int64(values[other])
    return write_knots(kinds, values, counts, numbers, u + p + 1, knots, at) and write_knots(
        kinds, values, other, np.int64(values[numbers]), v + q + 1, knots, second
    )


@kernel
def spline_surface(file, row, line, controls, knots, at, first):
    """Row, control points and knots of a spline surface: the reason why there are none, and how many of each."""
    _rows, kinds, values, _checked = file
    basis, counts, weights, form = spline_tokens(file, row, 1)
    p, q = np.int64(values[basis]), np.int64(values[basis + 1])
    u, v, there = net_points(file, basis + 2, controls, at)
    if not there:
        return POINTS, 0, 0
    if p < 1 or q < 1 or p >= u or q >= v or form < 0:
        return CONTROLS, 0, 0
    if weights >= 0 and not net_weights(kinds, values, weights, controls, at, u, v):
        return WEIGHTS, 0, 0
    if not net_knots(file, basis, counts, form, (u, v), knots, first):
        return KNOTS, 0, 0
    line[0], line[1], line[2], line[3], line[4], line[5] = SPLINE, -1, p, q, u, v
    line[6], line[7], line[8], line[9], line[10] = at, first, u + p + 1, v + q + 1, weights >= 0
    return NO_REASON, u * v, u + v + p + q + 2
