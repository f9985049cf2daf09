"""Curves and surfaces that a STEP file's edges and faces lie on, as rows of `brep.Shapes`.

Terms and rules of ISO 10303-42. What breaks a rule gets no row, and a reason.
"""

import numpy as np

from massproof.kernels.boundaries import CHAIN, base_curve, triple
from massproof.kernels.geometry import EXTRUSION, HYPERBOLA, LINE, OFFSET, PLANE, REVOLUTION, TORUS
from massproof.kernels.jit import entry, kernel
from massproof.kernels.placing import (
    ARGUMENTS,
    AXES,
    BASE,
    EMPTY,
    ENDLESS,
    NO_REASON,
    POINTS,
    SIZE,
    TYPE,
    direction,
    frame_of,
)
from massproof.kernels.schema import TYPES
from massproof.kernels.splines import polyline, spline_curve, spline_surface
from massproof.kernels.tokens import FALSE

_FIRST_SPLINE, _LAST_SPLINE, _POLYLINE = (
    TYPES[name] for name in ("B_SPLINE_CURVE_WITH_KNOTS", "SPLINE_OF_PARTS", "POLYLINE")
)
_FIRST_NET, _LAST_NET = TYPES["B_SPLINE_SURFACE_WITH_KNOTS"], TYPES["SURFACE_OF_PARTS"]
_LINE, _CIRCLE, _ELLIPSE, _PARABOLA, _HYPERBOLA = (
    TYPES[name] for name in ("LINE", "CIRCLE", "ELLIPSE", "PARABOLA", "HYPERBOLA")
)
_LAST_CURVE = TYPES["CURVE_REPLICA"]
_PLANE, _DEGENERATE, _CONE = TYPES["PLANE"], TYPES["DEGENERATE_TOROIDAL_SURFACE"], TYPES["CONICAL_SURFACE"]
_EXTRUSION, _REVOLUTION = TYPES["SURFACE_OF_LINEAR_EXTRUSION"], TYPES["SURFACE_OF_REVOLUTION"]
_OFFSET, _RECTANGULAR = TYPES["OFFSET_SURFACE"], TYPES["RECTANGULAR_TRIMMED_SURFACE"]
_REPLICA = TYPES["SURFACE_REPLICA"]
_POINT, _AXIS = TYPES["CARTESIAN_POINT"], TYPES["AXIS1_PLACEMENT"]


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
        reason = TYPE if code == _REPLICA else ENDLESS
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


@entry("i4[:] i1[:] i8[:,4] i8[:,5] i8[:,12]")
def link(slots, reasons, edges, faces, surfaces):
    """Name curves and surfaces by their rows instead of those of the file: how many offset surfaces there are.

    slots, reasons : of `curves` and `surfaces`; what has a reason is −1
    edges, faces, surfaces : of `brep.Shapes`
    """
    offsets = 0
    for edge in range(len(edges)):
        row = edges[edge, 0]
        edges[edge, 0] = slots[row] if reasons[row] == NO_REASON else -1
    for face in range(len(faces)):
        row = faces[face, 0]
        faces[face, 0] = slots[row] if row >= 0 and reasons[row] == NO_REASON else -1
    for surface in range(len(surfaces)):
        if surfaces[surface, 0] == OFFSET:
            surfaces[surface, 11] = slots[surfaces[surface, 11]]
            offsets += 1
    return offsets
