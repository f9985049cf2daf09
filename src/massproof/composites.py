"""Curves that a STEP file joins from others, as one spline: pieces are Bézier curves, exactly what they were.

Sources. Bézier pieces of a spline by inserting knots: W. Boehm, "Inserting new knots into B-spline curves",
Computer-Aided Design 12, 1980. Arcs as rational pieces, degrees raised, pieces cut: L. Piegl, W. Tiller,
"The NURBS Book", 2nd edition, 1997, chapters 5 and 7. A piece is an array (degree + 1, 4) of x w, y w, z w, w.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from massproof.brep import CIRCLE, ELLIPSE, LINE, SPLINE, Floats, Integers
from massproof.entities import Entities, Row, Typed

_NEST = 8  # composite curves in composite curves
_NEAR = 1e-6  # of a parameter's range: a trim so near to an end is there

Piece = tuple[float, float, Floats]  # from this parameter to that, control points


class Carriers(NamedTuple):
    """Curves as rows of `brep.Shapes` have them."""

    frames: Floats
    curves: Integers
    numbers: Floats
    controls: Floats
    knots: Floats
    angle: float | None  # radian of the unit of parameters of circles and ellipses; None: not known


def bases(entities: Entities, row: int, depth: int = 0) -> set[int]:
    """Rows of the curves that a composite curve is made of in the end."""
    if entities.type(row) != "COMPOSITE_CURVE" or entities.checked[row] != 1:
        return {_untrimmed(entities, row)}
    if depth == _NEST:
        return set()
    found = set()
    for segment in entities.arguments(row)[1]:
        if entities.checked[segment] == 1:
            found |= bases(entities, entities.arguments(segment)[2], depth + 1)
    return found


def _untrimmed(entities: Entities, row: int) -> int:
    if entities.type(row) == "TRIMMED_CURVE" and entities.checked[row] == 1:
        return int(entities.arguments(row)[1])
    return row


def joined(
    entities: Entities, row: int, slots: Any, carriers: Carriers
) -> tuple[int, Floats, Floats, bool] | None:
    """Degree, control points with weights, knots of a composite curve, and whether it is rational.

    None when it, or something in it, is of a kind that is not joined here.
    """
    pieces = _composite(entities, row, slots, carriers, 0)
    if not pieces:
        return None
    degree = max(len(piece) for piece in pieces) - 1
    whole = [_raised(piece, degree) for piece in pieces]
    points = [whole[0]]
    for piece in whole[1:]:
        points.append(piece[1:] * (points[-1][-1, 3] / piece[0, 3]))
    controls = np.concatenate(points)
    knots = np.repeat(np.arange(len(whole) + 1.0), degree)
    weights = controls[:, 3:]
    controls = np.hstack([controls[:, :3] / weights, weights])
    rational = bool(np.ptp(weights) > 0)
    return degree, controls, np.concatenate([knots[:1], knots, knots[-1:]]), rational


def _composite(
    entities: Entities, row: int, slots: Any, carriers: Carriers, depth: int
) -> list[Floats] | None:
    """Control points of the pieces of a composite curve, one after the other."""
    if depth == _NEST or entities.checked[row] != 1:
        return None
    found: list[Floats] = []
    for segment in entities.arguments(row)[1]:
        if entities.checked[segment] != 1:
            return None
        _, same, curve = entities.arguments(segment)
        if entities.type(curve) == "COMPOSITE_CURVE":
            pieces = _composite(entities, curve, slots, carriers, depth + 1)
        else:
            pieces = _bounded(entities, curve, slots, carriers)
        if pieces is None:
            return None
        found += pieces if same else _reversed(pieces)
    return found


def _reversed(pieces: list[Floats]) -> list[Floats]:
    return [piece[::-1] for piece in reversed(pieces)]


def _bounded(entities: Entities, row: int, slots: Any, carriers: Carriers) -> list[Floats] | None:
    """Control points of a spline, or of the trimmed part of a line, a circle, an ellipse or a spline."""
    slot = int(slots[_untrimmed(entities, row)])
    if slot < 0:
        return None
    kind = carriers.curves[slot, 0]
    trims, same = (None, None), True
    if entities.type(row) == "TRIMMED_CURVE":
        arguments = entities.arguments(row)
        trims, same = (arguments[2], arguments[3]), arguments[4]
        if not same:
            trims = trims[::-1]
    pieces = None
    if kind == LINE:
        pieces = _segment(entities, carriers.numbers[slot], trims)
    elif kind in (CIRCLE, ELLIPSE):
        pieces = _arc(entities, slot, carriers, trims)
    elif kind == SPLINE:
        pieces = _part(entities, slot, carriers, trims)
    return pieces if same or pieces is None else _reversed(pieces)


def _trim(entities: Entities, trim: Any) -> tuple[float | None, Floats | None]:
    """Parameter and point of an end, as far as they are written."""
    parameter, point = None, None
    for one in trim if isinstance(trim, list) else ():
        if isinstance(one, Typed) and one.name == "PARAMETER_VALUE":
            parameter = one.value[0] if one.value and isinstance(one.value[0], float) else None
        elif isinstance(one, Row) and entities.type(one) == "CARTESIAN_POINT" and entities.checked[one] == 1:
            values = np.array(entities.arguments(one)[1], float)
            point = values if values.shape == (3,) else None
    return parameter, point


def _segment(entities: Entities, numbers: Floats, trims: tuple[Any, Any]) -> list[Floats] | None:
    ends = []
    for parameter, point in (_trim(entities, trim) for trim in trims):
        if point is None:
            if parameter is None:
                return None
            point = numbers[:3] + parameter * numbers[3:]
        ends.append(point)
    return [np.hstack([np.array(ends), np.ones((2, 1))])]


def _arc(entities: Entities, slot: int, carriers: Carriers, trims: tuple[Any, Any]) -> list[Floats] | None:
    """Pieces of an arc, counter-clockwise, or of the whole conic where it is not trimmed."""
    frame = carriers.frames[carriers.curves[slot, 1]].reshape(4, 3)
    radii = carriers.numbers[slot, :2]
    angles: list[float | None] = []
    for parameter, point in (_trim(entities, trim) for trim in trims):
        if point is not None:  # parameters are in the file's unit of angles, which points do not need
            local = frame[1:3] @ (point - frame[0]) / radii
            angles.append(math.atan2(local[1], local[0]))
        else:
            known = parameter is not None and carriers.angle is not None
            angles.append((parameter or 0.0) * (carriers.angle or 0.0) if known else None)
    first, last = (0.0, math.tau) if trims == (None, None) else angles
    if first is None or last is None:
        return None
    sweep = (last - first) % math.tau or math.tau
    count = math.ceil(sweep / (math.pi / 2) - 1e-9)
    return [_quarter(frame, radii, first + sweep * i / count, sweep / count) for i in range(count)]


def _quarter(frame: Floats, radii: Floats, first: float, sweep: float) -> Floats:
    """A rational piece of degree 2 of an ellipse, of up to a quarter of it."""
    half = math.cos(sweep / 2)
    rows = []
    for angle, weight in ((first, 1.0), (first + sweep / 2, half), (first + sweep, 1.0)):
        local = np.array([math.cos(angle), math.sin(angle)]) * radii / weight
        rows.append([*((frame[0] + local @ frame[1:3]) * weight), weight])
    return np.array(rows)


def _part(entities: Entities, slot: int, carriers: Carriers, trims: tuple[Any, Any]) -> list[Floats] | None:
    """Pieces of a spline between two of its parameters, or two of its ends."""
    pieces = _pieces(carriers, slot)
    low, high = pieces[0][0], pieces[-1][1]
    ends: list[float] = []
    for default, trim in zip((low, high), trims, strict=True):
        parameter, point = _trim(entities, trim)
        if parameter is None and point is not None:
            last = pieces[-1][2][-1] if default == high else pieces[0][2][0]
            if np.linalg.norm(last[:3] / last[3] - point) > _NEAR * np.abs(pieces[0][2]).max():
                return None
        ends.append(default if parameter is None else parameter)
    if not low - _NEAR * (high - low) <= ends[0] < ends[1] <= high + _NEAR * (high - low):
        return None
    return [_cut(piece, *ends) for piece in pieces if piece[1] > ends[0] and piece[0] < ends[1]]


def _pieces(carriers: Carriers, slot: int) -> list[Piece]:
    """The Bézier curves that a spline consists of."""
    _, _, degree, first, count, knot, knots, _ = carriers.curves[slot].tolist()
    points = carriers.controls[first : first + count]
    points = np.hstack([points[:, :3] * points[:, 3:], points[:, 3:]])
    vector = carriers.knots[knot : knot + knots]
    inner = np.unique(vector[degree : knots - degree])
    for value in inner:
        for _ in range(degree - int(np.count_nonzero(vector == value))):
            points, vector = _inserted(points, vector, degree, value)
    found = []
    for low, high in itertools.pairwise(inner):
        last = int(np.searchsorted(vector, high))  # of control points: where the piece ends
        found.append((float(low), float(high), points[last - degree - 1 : last]))
    return found


def _inserted(points: Floats, vector: Floats, degree: int, value: float) -> tuple[Floats, Floats]:
    """Control points and knots of a spline after one more knot."""
    span = min(int(np.searchsorted(vector, value, "right")) - 1, len(points) - 1)
    rows = [points[: span - degree + 1]]
    for i in range(span - degree + 1, span + 1):
        width = vector[i + degree] - vector[i]
        share = (value - vector[i]) / width if width > 0 else 1.0
        rows.append((share * points[i] + (1 - share) * points[i - 1])[None])
    rows.append(points[span:])
    return np.concatenate(rows), np.insert(vector, span + 1, value)


def _cut(piece: Piece, start: float, stop: float) -> Floats:
    """The part of a piece between two parameters."""
    low, high, points = piece
    if stop < high:
        points = _split((stop - low) / (high - low), points)[0]
        high = stop
    if start > low:
        points = _split((start - low) / (high - low), points)[1]
    return points


def _split(share: float, points: Floats) -> tuple[Floats, Floats]:
    """Both parts of a Bézier curve, by de Casteljau's algorithm."""
    left, right = [points[0]], [points[-1]]
    while len(points) > 1:
        points = (1 - share) * points[:-1] + share * points[1:]
        left.append(points[0])
        right.append(points[-1])
    return np.array(left), np.array(right[::-1])


def _raised(points: Floats, degree: int) -> Floats:
    """The same Bézier curve with a higher degree."""
    while len(points) <= degree:
        share = np.arange(1, len(points))[:, None] / len(points)
        points = np.concatenate([points[:1], share * points[:-1] + (1 - share) * points[1:], points[-1:]])
    return points
