"""How STEP files place one frame in another: 4 × 4 matrices of axis placements and transformation operators.

What a chain of them rounds is in proportion to the way that it goes, not to where it ends: one that comes back from
a kilometre away has still rounded there (docs/decisions/placing.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from massproof.brep import Floats
from massproof.entities import Entities, Row
from massproof.mass import length

_SMALLEST = 1e-30  # scale³ of a placement: 10⁻¹⁰ of its size is no part any more
_SHORT = 1e-9  # of a unit vector's part across another: less is no direction


class Places(NamedTuple):
    """Where one thing stands, n times, and how far the placements go that bring it there, one after the other."""

    matrices: Floats  # (n, 4, 4) a rotation or mirror times a scale, and an offset
    scales: Floats  # (n,)
    lengths: Floats  # (n,) of all offsets on the way, each as large as it is in the whole
    steps: Floats  # (n,) how many matrices are multiplied on the way

    def then(self, inner: Places) -> Places:
        """The same of something that `inner`, one place, places in this."""
        return Places(
            self.matrices @ inner.matrices,
            self.scales * inner.scales,
            self.lengths + self.scales * inner.lengths,
            self.steps + inner.steps,
        )

    def each(self, inner: Places) -> Places:
        """All places of something that stands in each of these as `inner` says, those of the first before others."""
        one, count = len(self.steps), len(inner.steps)
        scales = np.repeat(self.scales, count)
        return Places(
            (self.matrices[:, None] @ inner.matrices[None]).reshape(-1, 4, 4),
            scales * np.tile(inner.scales, one),
            np.repeat(self.lengths, count) + scales * np.tile(inner.lengths, one),
            np.repeat(self.steps, count) + np.tile(inner.steps, one),
        )


def step(matrix: Floats) -> Places:
    """One placement."""
    length, scale = (math.hypot(*matrix[:3, k].tolist()) for k in (3, 0))
    return Places(matrix[None], np.array([scale]), np.array([length]), np.ones(1))


STAY = Places(np.eye(4)[None], np.ones(1), np.zeros(1), np.zeros(1))


def joined(places: Sequence[Places]) -> Places:
    """All of them."""
    if len(places) == 1:
        return places[0]
    return Places(*(np.concatenate(arrays) for arrays in zip(*places, strict=True)))


def back(matrix: Floats) -> Places:
    """The placement that takes back what a matrix does; it goes as far."""
    one = step(matrix)
    return Places(inverse(matrix)[None], 1 / one.scales, one.lengths / one.scales, one.steps)


def frame(entities: Entities, row: int, factor: float) -> Floats | None:
    """Matrix of a placement or an operator, which may turn, mirror and scale; None if it is none.

    factor : of lengths, from those of its context to those of the result
    """
    arguments = entities.arguments(row)
    name = entities.type(row)
    with np.errstate(all="ignore"):
        if name == "AXIS2_PLACEMENT_3D" and entities.checked[row] == 1:
            matrix = _axes(entities, arguments, factor)
        elif name.startswith("CARTESIAN_TRANSFORMATION_OPERATOR"):
            matrix = _operator(entities, arguments, factor)
        else:
            return None
        if matrix is None or not np.isfinite(matrix).all():
            return None
        return matrix if _SMALLEST < abs(np.linalg.det(matrix[:3, :3])) < 1 / _SMALLEST else None


def _axes(entities: Entities, arguments: list[Any], factor: float) -> Floats | None:
    """Matrix of an axis placement."""
    origin, axis, reference = (_triple(entities, one) for one in arguments[1:4])
    z = np.array([0.0, 0.0, 1.0]) if arguments[2] is None else axis
    x = np.array([1.0, 0.0, 0.0]) if arguments[3] is None else reference
    return None if origin is None or z is None or x is None else _matrix(x, z, origin * factor)


def _triple(entities: Entities, one: Any) -> Floats | None:
    """Coordinates of a point, or a direction whose largest ratio is 1."""
    if not isinstance(one, Row) or entities.checked[one] != 1:
        return None
    values = np.array(entities.arguments(one)[1], float)
    if values.shape != (3,):
        return None
    if entities.type(one) == "CARTESIAN_POINT":
        return values
    return values / np.abs(values).max() if values.any() else None


def _matrix(x: Floats, z: Floats, origin: Floats) -> Floats:
    z = z / length(z)
    x = x / length(x)
    x = x - (x @ z) * z
    if length(x) < _SHORT:  # along z, or left out where z is x: another will do
        x = np.eye(3)[np.abs(z).argmin()]
        x = x - (x @ z) * z
    x = x / length(x)
    x = x - (x @ z) * z  # once more: what cancelled may have left a part along z
    x = x / length(x)
    return _joined(np.array([x, _cross(z, x), z]).T, origin)


def _cross(a: Floats, b: Floats) -> Floats:
    """a × b of two vectors; numpy's own takes ten times as long to begin."""
    (x, y, z), (u, v, w) = a.tolist(), b.tolist()
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


def _joined(matrix: Floats, origin: Floats) -> Floats:
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = matrix, origin
    return whole


def _operator(entities: Entities, arguments: list[Any], factor: float) -> Floats | None:
    """Matrix of an operator: two axes, a point, a scale and the third axis, which may be left-handed."""
    points = [
        i
        for i, one in enumerate(arguments)
        if isinstance(one, Row) and entities.type(one) == "CARTESIAN_POINT"
    ]
    if len(points) != 1 or points[0] < 2:
        return None
    at = points[0]
    first, second, scale, third = (*arguments[at - 2 : at], *arguments[at + 1 :], None, None)[:4]
    origin = _triple(entities, arguments[at])
    axes = [_triple(entities, one) for one in (first, second, third)]
    if origin is None or any(
        one is not None and axis is None for one, axis in zip((first, second, third), axes, strict=True)
    ):
        return None
    z = np.array([0.0, 0.0, 1.0]) if axes[2] is None else axes[2]
    x = np.array([1.0, 0.0, 0.0]) if axes[0] is None else axes[0]
    matrix = _matrix(x, z, origin * factor)
    if axes[1] is not None and axes[1] @ matrix[:3, 1] < 0:
        matrix[:3, 1] *= -1
    matrix[:3, :3] *= scale if isinstance(scale, float) else 1.0
    return matrix


def inverse(matrix: Floats) -> Floats:
    """The placement that takes back what an invertible one does."""
    inner = np.linalg.inv(matrix[:3, :3]).astype(np.float64)
    return _joined(inner, -inner @ matrix[:3, 3])
