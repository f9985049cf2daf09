"""Curves and surfaces that a STEP file makes of others: copies that are moved, offsets of lines and circles.

Terms and rules of ISO 10303-42. What is made is exact. Copies may be turned and scaled, those of curves mirrored, too;
not made here, and left to others, are copies of swept and offset surfaces and offsets of other curves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from massproof.brep import CIRCLE, CONE, LINE, SPLINE, TORUS, Floats, Integers
from massproof.entities import Entities, Row
from massproof.kernels import placing
from massproof.placements import frame

CURVES, SURFACES = ("CURVE_REPLICA", "OFFSET_CURVE_3D"), ("SURFACE_REPLICA",)
_NEST = 8  # copies of copies
_TRIMS = ("TRIMMED_CURVE", "SURFACE_CURVE", "SEAM_CURVE", "INTERSECTION_CURVE", "BOUNDED_SURFACE_CURVE")
_ACROSS = 1e-12  # by which an offset may lean out of the plane of a circle


class Arrays:
    """Rows of curves or surfaces, and what they are made of, with room for as many more as copies are wanted."""

    def __init__(
        self, frames: Floats, rows: Integers, numbers: Floats, controls: Floats, knots: Floats, state: Any
    ) -> None:
        """state : how many frames, rows, control points and knots there are, which is kept up to date."""
        self.frames, self.rows, self.numbers = frames, rows, numbers
        self.controls, self.knots, self.state = controls, knots, state

    def add(self, row: Integers, numbers: Floats, axes: Floats | None, points: Floats | None) -> int:
        """One more row, with a frame and control points of its own where it has any; the knots are shared."""
        count = int(self.state[1])
        if axes is not None:
            row[1] = self.state[0]
            self.frames[self.state[0]] = axes.ravel()
            self.state[0] += 1
        if points is not None:
            row[3 if self.rows.shape[1] == 8 else 6] = at = int(self.state[2])
            self.controls = np.concatenate([self.controls[:at], points, self.controls[at:]])
            self.state[2] += len(points)
        self.rows[count], self.numbers[count] = row, numbers
        self.state[1] += 1
        return count


def wanted(entities: Entities, rows: list[int], names: tuple[str, ...]) -> set[int]:
    """Rows of what these copies and offsets are made of, and that of them that is a copy or an offset, too."""
    found: set[int] = set()
    stack = list(rows)
    while stack:
        row = stack.pop()
        if entities.type(row) in names and entities.checked[row] == 1:
            base = _base(entities, row)
            stack += [] if base in found else [base]
            found.add(base)
    return found


def _base(entities: Entities, row: int) -> int:
    """Row of the curve or surface that a copy or an offset is made of, without trims of it."""
    base = int(entities.arguments(row)[1])
    for _ in range(_NEST):
        arguments = entities.arguments(base) if entities.type(base) in _TRIMS else []
        if entities.checked[base] != 1 or not arguments or arguments[-2:-1] == [False]:  # turned round
            break
        base = int(arguments[1])
    return base


def make(entities: Entities, rows: list[int], slots: Any, reasons: Any, arrays: Arrays) -> None:
    """Make the copies and offsets in `rows`: their slots become known, or their reasons say why they are not made."""
    with np.errstate(all="ignore"):  # who integrates refuses what is beyond all measure
        for row in rows:
            _made(entities, row, slots, reasons, arrays, 0)


def _made(entities: Entities, row: int, slots: Any, reasons: Any, arrays: Arrays, depth: int) -> int:
    """Slot of a curve or surface, which is made if it is a copy or an offset; −1 where it is none."""
    name = entities.type(row)
    if slots[row] >= 0 or name not in (*CURVES, *SURFACES) or entities.checked[row] != 1:
        return int(slots[row])
    if depth == _NEST:
        reasons[row] = placing.ENDLESS
        return -1
    arguments = entities.arguments(row)
    base = _made(entities, _base(entities, row), slots, reasons, arrays, depth + 1)
    reasons[row] = placing.BASE if base < 0 else placing.TYPE
    if base >= 0:
        found = (
            _offset(entities, base, arguments, arrays)
            if name == CURVES[1]
            else _copy(entities, base, arguments, arrays)
        )
        if found >= 0:
            slots[row], reasons[row] = found, placing.NO_REASON
    return int(slots[row])


def _copy(entities: Entities, base: int, arguments: list[Any], arrays: Arrays) -> int:
    """Row of a copy, −1 where it cannot be made."""
    operator = arguments[2] if isinstance(arguments[2], Row) else -1
    moves = entities.type(operator).startswith("CARTESIAN_TRANSFORMATION_OPERATOR")
    matrix = frame(entities, operator, 1.0) if moves else None
    if matrix is None:
        return -1
    turn, size = matrix[:3, :3], float(np.linalg.norm(matrix[:3, 0]))
    row, numbers = arrays.rows[base].copy(), arrays.numbers[base].copy()
    curves = arrays.rows.shape[1] == 8
    mirrored = np.linalg.det(turn) < 0
    if not curves and (mirrored or row[0] not in (*range(TORUS + 1), SPLINE)):
        return -1  # a mirrored surface looks the other way
    axes = points = None
    if row[0] == SPLINE:
        count = int(row[4] if curves else row[4] * row[5])
        first = int(row[3] if curves else row[6])
        points = arrays.controls[first : first + count].copy()
        points[:, :3] = points[:, :3] @ turn.T + matrix[:3, 3]
    elif curves and row[0] == LINE:
        numbers[:3], numbers[3:] = turn @ numbers[:3] + matrix[:3, 3], turn @ numbers[3:]
    else:
        axes = _moved(arrays.frames[row[1]].reshape(4, 3), matrix, size)
        numbers[: 1 if not curves and row[0] == CONE else None] *= size
    return arrays.add(row, numbers, axes, points)


def _moved(axes: Floats, matrix: Floats, size: float) -> Floats:
    """A frame after a movement: right-handed again where that mirrors, with the same x and y axis."""
    x, y = (axes[1:3] @ matrix[:3, :3].T) / size
    return np.array([matrix[:3, :3] @ axes[0] + matrix[:3, 3], x, y, np.cross(x, y)])


def _offset(entities: Entities, base: int, arguments: list[Any], arrays: Arrays) -> int:
    """Row of an offset curve, −1 where it is neither a line nor a circle."""
    _, _, distance, _, across = arguments
    row, numbers = arrays.rows[base].copy(), arrays.numbers[base].copy()
    v = np.array(entities.arguments(across)[1], float) if entities.checked[across] == 1 else np.zeros(3)
    if v.shape != (3,) or not v.any():
        return -1
    v /= np.linalg.norm(v)
    if row[0] == LINE:
        side = np.cross(v, numbers[3:] / np.linalg.norm(numbers[3:]))
        if np.linalg.norm(side) < _ACROSS:
            return -1
        numbers[:3] += distance * side / np.linalg.norm(side)
        return arrays.add(row, numbers, None, None)
    if row[0] != CIRCLE:
        return -1
    axis = arrays.frames[row[1]].reshape(4, 3)[3]
    if np.linalg.norm(np.cross(v, axis)) > _ACROSS:
        return -1
    numbers[:2] -= distance * np.sign(v @ axis)  # seen from the axis, the tangent's left is inside
    return arrays.add(row, numbers, None, None) if numbers[0] > 0 else -1
