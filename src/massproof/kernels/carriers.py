"""Curves and surfaces that a STEP file's edges and faces lie on, as rows of `brep.Shapes`.

Terms and rules of ISO 10303-42: axes that are left out, knots that a type implies, how knots and control
points must agree. What breaks a rule gets no row, and a reason.
"""

import math

import numpy as np

from massproof.kernels.boundaries import CHAIN, base_curve, triple
from massproof.kernels.jit import entry, kernel
from massproof.kernels.part21 import CODES, FALSE, REFERENCE
from massproof.kernels.signatures import TYPES, after_value

# Kinds of curves and surfaces, as in `brep`.
LINE, CIRCLE, ELLIPSE, PARABOLA, HYPERBOLA, SPLINE = 1, 2, 3, 4, 5, 6
PLANE, CYLINDER, CONE, SPHERE, TORUS, EXTRUSION, REVOLUTION, OFFSET = 11, 12, 13, 14, 15, 17, 18, 19

# Why what is wanted has no row.
NO_REASON, ARGUMENTS, TYPE, POINTS, AXES, SIZE, CONTROLS, KNOTS, WEIGHTS, BASE, ENDLESS, EMPTY = range(12)

_LINE, _CIRCLE, _ELLIPSE, _PARABOLA, _HYPERBOLA = (
    TYPES[name] for name in ("LINE", "CIRCLE", "ELLIPSE", "PARABOLA", "HYPERBOLA")
)
_FIRST_SPLINE, _LAST_SPLINE, _POLYLINE = (
    TYPES["B_SPLINE_CURVE_WITH_KNOTS"],
    TYPES["SPLINE_OF_PARTS"],
    TYPES["POLYLINE"],
)
_COMPOSITE, _LAST_CURVE = TYPES["COMPOSITE_CURVE"], TYPES["OFFSET_CURVE_3D"]
_PLANE, _DEGENERATE, _CONE = TYPES["PLANE"], TYPES["DEGENERATE_TOROIDAL_SURFACE"], TYPES["CONICAL_SURFACE"]
_EXTRUSION, _REVOLUTION = TYPES["SURFACE_OF_LINEAR_EXTRUSION"], TYPES["SURFACE_OF_REVOLUTION"]
_OFFSET, _RECTANGULAR = TYPES["OFFSET_SURFACE"], TYPES["RECTANGULAR_TRIMMED_SURFACE"]
_FIRST_NET, _LAST_NET = TYPES["B_SPLINE_SURFACE_WITH_KNOTS"], TYPES["SURFACE_OF_PARTS"]
_POINT, _AXIS = TYPES["CARTESIAN_POINT"], TYPES["AXIS1_PLACEMENT"]

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
_SHORT = 1e-9  # of a unit vector's part across another: less is no direction


@kernel
def unit(x, y, z):
    """A vector of length 1, and the length that it had; 0 for none."""
    longest = max(abs(x), abs(y), abs(z))
    if not (longest > 0.0 and longest < math.inf):
        return 0.0, 0.0, 0.0, 0.0
    x, y, z = x / longest, y / longest, z / longest
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length, length * longest


@kernel
def direction(file, token, x, y, z):
    """The unit vector that a token refers to, x, y, z if it is left out, and whether it is one."""
    _rows, kinds, values, _checked = file
    there = True
    if kinds[token] == REFERENCE:
        x, y, z, there = triple(file, np.int64(values[token]))
    x, y, z, length = unit(x, y, z)
    return x, y, z, there and length > 0.0


@kernel
def across(rx, ry, rz, zx, zy, zz):
    """The unit vector across the unit vector z that is nearest to r, and the length of r's part there."""
    d = rx * zx + ry * zy + rz * zz
    return unit(rx - d * zx, ry - d * zy, rz - d * zz)


@kernel
def frame_of(file, row, slots, frames, count):
    """Slot of the frame of a placement, −1 if it is none; how many frames there are; the reason."""
    rows, _kinds, values, checked = file
    if slots[row] >= 0:
        return slots[row], count, NO_REASON
    t = rows[row, 2]
    if checked[row] != 1:
        return -1, count, AXES
    ox, oy, oz, there = triple(file, np.int64(values[t + 2]))
    zx, zy, zz, upright = direction(file, t + 3, 0.0, 0.0, 1.0)
    rx, ry, rz, given = 1.0, 0.0, 0.0, True
    if rows[row, 1] != _AXIS:
        rx, ry, rz, given = direction(file, t + 4, 1.0, 0.0, 0.0)
    if not (there and upright and given):
        return -1, count, AXES
    xx, xy, xz, length = across(rx, ry, rz, zx, zy, zz)
    if length < _SHORT:  # along z, or left out where z is x: another will do
        rx, ry = (0.0, 1.0) if abs(zx) > abs(zy) else (1.0, 0.0)
        xx, xy, xz, length = across(rx, ry, 0.0, zx, zy, zz)
    if length < 0.5:  # what cancelled left a part along z
        xx, xy, xz, length = across(xx, xy, xz, zx, zy, zz)
    f = frames[count]
    f[0], f[1], f[2], f[3], f[4], f[5] = ox, oy, oz, xx, xy, xz
    f[6], f[7], f[8] = zy * xz - zz * xy, zz * xx - zx * xz, zx * xy - zy * xx
    f[9], f[10], f[11] = zx, zy, zz
    slots[row] = count
    return count, count + 1, NO_REASON


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
        if written + times > total or (i > 0 and not value > values[numbers + i]):
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
def straight(file, row, line, numbers):
    """A line: the reason why it is none."""
    rows, _kinds, values, checked = file
    t = rows[row, 2]
    x, y, z, there = triple(file, np.int64(values[t + 2]))
    vector = np.int64(values[t + 3])
    if not there or checked[vector] != 1:
        return POINTS
    inner = rows[vector, 2]
    dx, dy, dz, given = direction(file, inner + 2, 0.0, 0.0, 0.0)
    size = values[inner + 3]
    if not given or not size > 0.0:
        return AXES
    line[0], line[1] = LINE, -1
    numbers[0], numbers[1], numbers[2] = x, y, z
    numbers[3], numbers[4], numbers[5] = dx * size, dy * size, dz * size
    return NO_REASON


@kernel
def conic(file, row, slots, frames, count, line, numbers):
    """A circle, ellipse, parabola or hyperbola: the reason why it is none, and how many frames there are."""
    rows, _kinds, values, _checked = file
    code, t = rows[row, 1], rows[row, 2]
    frame, count, reason = frame_of(file, np.int64(values[t + 2]), slots, frames, count)
    a = values[t + 3]
    b = values[t + 4] if code in (_ELLIPSE, _HYPERBOLA) else a
    if frame < 0:
        return reason, count
    if not (a > 0.0 and b > 0.0):
        return SIZE, count
    line[0], line[1] = code - _LINE + LINE, frame
    if code == _HYPERBOLA:
        line[0] = HYPERBOLA
    numbers[0], numbers[1] = a, b
    return NO_REASON, count


@entry("i8[:,4] i8 u1[:] f8[:] i1[:] u1[:] i8[2]")
def sizes(rows, count, kinds, values, checked, wanted, found):
    """Add up how many control points and knots the wanted splines have at most."""
    for row in range(count):
        code, t = rows[row, 1], rows[row, 2]
        if wanted[row] == 0 or checked[row] != 1:
            continue
        if (code >= _FIRST_SPLINE and code <= _POLYLINE) or (code >= _FIRST_NET and code <= _LAST_NET):
            tokens = np.int64(values[t]) - t
            found[0] += tokens
            found[1] += 2 * tokens + 8
    return 0


@kernel
def any_curve(file, row, slots, frames, count, line, numbers, memory, at, first):
    """One curve: the reason why it is none, frames there are, control points and knots that it has."""
    rows, _kinds, _values, _checked = file
    controls, knots = memory
    code, points, total = rows[row, 1], 0, 0
    if code == _LINE:
        reason = straight(file, row, line, numbers)
    elif code <= _HYPERBOLA:
        reason, count = conic(file, row, slots, frames, count, line, numbers)
    elif code <= _LAST_SPLINE:
        reason, points, total = spline_curve(file, row, line, controls, knots, at, first)
    elif code == _POLYLINE:
        reason, points, total = polyline(file, row, line, controls, knots, at, first)
    else:
        reason = TYPE
    return reason, count, points, total


@entry("i8[:,4] i8 u1[:] f8[:] i1[:] u1[:] i4[:] i1[:] f8[:,12] i8[:,8] f8[:,6] f8[:,4] f8[:] i8[4]")
def curves(
    rows, count, kinds, values, checked, wanted, slots, reasons, frames, out, numbers, controls, knots, state
):
    """Rows of the curves that are wanted.

    rows, count, kinds, values, checked : of `signatures.verify`
    wanted : (count,) uint8;  slots : (count,) int32 of −1, becomes the row of each curve and frame
    reasons : (count,) int8 of 0: why something has no row
    frames, out, numbers, controls, knots : `frames`, `curves`, … of `brep.Shapes`
    state : how many frames, curves, control points and knots there are
    """
    file, memory = (rows, kinds, values, checked), (controls, knots)
    frame, curve, at, first = state[0], state[1], state[2], state[3]
    for row in range(count):
        code = rows[row, 1]
        if wanted[row] == 0 or code < _LINE or code > _LAST_CURVE:
            continue
        reason, points, total = ARGUMENTS, 0, 0
        if checked[row] == 1:
            reason, frame, points, total = any_curve(
                file, row, slots, frames, frame, out[curve], numbers[curve], memory, at, first
            )
        reasons[row] = reason
        if reason == NO_REASON:
            slots[row] = curve
            curve, at, first = curve + 1, at + points, first + total
    state[0], state[1], state[2], state[3] = frame, curve, at, first
    return 0


@kernel
def elementary(file, row, slots, frames, count, line, numbers):
    """A plane, cylinder, cone, sphere or torus: the reason why it is none, and how many frames there are."""
    rows, kinds, values, _checked = file
    code, t = rows[row, 1], rows[row, 2]
    frame, count, reason = frame_of(file, np.int64(values[t + 2]), slots, frames, count)
    if frame < 0:
        return reason, count
    line[0], line[1] = min(code - _PLANE + PLANE, TORUS), frame
    count_of_sizes = 0 if code == _PLANE else 2 if code == _CONE or code > _CONE + 1 else 1
    for k in range(count_of_sizes):
        numbers[k] = values[t + 3 + k]
        # a cone's radius may be 0, where its frame is at the apex
        if not (numbers[k] > 0.0 or (code == _CONE and k == 0 and numbers[k] == 0.0)):
            return SIZE, count
    if code == _DEGENERATE:
        line[11] = kinds[t + 5] == FALSE
    return NO_REASON, count


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


@kernel
def swept(file, row, slots, frames, count, line, numbers):
    """A surface that a curve sweeps: the reason why it is none, and how many frames there are."""
    rows, _kinds, values, checked = file
    t = rows[row, 2]
    base = slots[base_curve(file, np.int64(values[t + 2]))[0]]
    if base < 0:
        return BASE, count
    other = np.int64(values[t + 3])
    line[11] = base
    if rows[row, 1] == _REVOLUTION:
        line[0] = REVOLUTION
        line[1], count, reason = frame_of(file, other, slots, frames, count)
        return reason, count
    x, y, z, given = direction(file, rows[other, 2] + 2, 0.0, 0.0, 0.0)
    if checked[other] != 1 or not given:
        return AXES, count
    line[0], line[1] = EXTRUSION, -1
    numbers[0], numbers[1], numbers[2] = x, y, z
    return NO_REASON, count


@kernel
def untrimmed(file, row):
    """The surface that trims are made of, and whether one of them or its swept curve turns it round."""
    rows, kinds, values, checked = file
    turned = 0
    for _ in range(CHAIN):
        code, t = rows[row, 1], rows[row, 2]
        if checked[row] != 1 or code < _RECTANGULAR:
            break
        turned ^= code == _RECTANGULAR and kinds[t + 7] != kinds[t + 8]
        row = np.int64(values[t + 2])
    if checked[row] == 1 and rows[row, 1] in (_EXTRUSION, _REVOLUTION):
        turned ^= base_curve(file, np.int64(values[rows[row, 2] + 2]))[1]
    return row, turned


@kernel
def offset(file, row, line, numbers):
    """An offset surface, whose base stays a row of the file: the reason why it is none."""
    rows, _kinds, values, checked = file
    turned, last = 0, row
    for _ in range(CHAIN):
        last, half = untrimmed(file, np.int64(values[rows[last, 2] + 2]))
        turned ^= half
        if last == row:
            return ENDLESS
        if rows[last, 1] != _OFFSET or checked[last] != 1:
            break
    line[0], line[1] = OFFSET, -1
    line[11] = untrimmed(file, np.int64(values[rows[row, 2] + 2]))[0]
    numbers[0] = -values[rows[row, 2] + 3] if turned else values[rows[row, 2] + 3]
    return NO_REASON if rows[last, 1] != _OFFSET or checked[last] != 1 else ENDLESS


@kernel
def any_surface(file, row, slots, frames, count, line, numbers, memory, at, first):
    """One surface: as `any_curve`."""
    controls, knots = memory
    code, points, total = file[0][row, 1], 0, 0
    if code <= _DEGENERATE:
        reason, count = elementary(file, row, slots, frames, count, line, numbers)
    elif code <= _REVOLUTION:
        reason, count = swept(file, row, slots, frames, count, line, numbers)
    elif code == _OFFSET:
        reason = offset(file, row, line, numbers)
    elif code <= _LAST_NET:
        reason, points, total = spline_surface(file, row, line, controls, knots, at, first)
    else:
        reason = ENDLESS
    return reason, count, points, total


@entry("i8[:,4] i8 u1[:] f8[:] i1[:] u1[:] i4[:] i1[:] f8[:,12] i8[:,12] f8[:,4] f8[:,4] f8[:] i8[4]")
def surfaces(
    rows, count, kinds, values, checked, wanted, slots, reasons, frames, out, numbers, controls, knots, state
):
    """Rows of the surfaces that are wanted, after `curves`, whose arguments these are.

    The base of an OFFSET is a row of the file, and so need not be there.
    """
    file, memory = (rows, kinds, values, checked), (controls, knots)
    frame, surface, at, first = state[0], state[1], state[2], state[3]
    for row in range(count):
        code = rows[row, 1]
        if wanted[row] == 0 or (code >= _LINE and code <= _LAST_CURVE):
            continue
        reason, points, total = ARGUMENTS, 0, 0
        if code < _PLANE or code > _RECTANGULAR + 1:
            if checked[row] >= 0:  # what was found in place of a boundary
                reason = TYPE if checked[row] == 0 else POINTS if code == _POINT else EMPTY
        elif checked[row] == 1:
            reason, frame, points, total = any_surface(
                file, row, slots, frames, frame, out[surface], numbers[surface], memory, at, first
            )
        reasons[row] = reason
        if reason == NO_REASON:
            slots[row] = surface
            surface, at, first = surface + 1, at + points, first + total
        else:
            out[surface, 11] = 0
    state[0], state[1], state[2], state[3] = frame, surface, at, first
    return 0
