"""Surfaces of revolution and of extrusion as the rational splines that they are.

A conic arc is a rational B-spline of degree 2, and a curve that is swept round or along keeps its own: L. Piegl,
W. Tiller, "The NURBS Book", 2nd edition, 1997, sections 7.3 to 7.6 and 8.3 to 8.5. Kernels then know splines only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from massproof.brep import CIRCLE, ELLIPSE, HYPERBOLA, LINE, PARABOLA, Floats, Shapes


class Net(NamedTuple):
    """A spline: control points x, y, z, weight (not multiplied), degree and knots of one or two parameters."""

    points: Floats  # (n, 4), or (n, m, 4)
    degrees: tuple[int, ...]
    knots: tuple[Floats, ...]


def arc(a: float, b: float, start: float, stop: float) -> Net:
    """The ellipse (a cos t, b sin t) from angle start to angle stop, in a plane: z is zero."""
    parts = max(1, int(np.ceil(abs(stop - start) / (np.pi / 2) - 1e-9)))
    angles = np.linspace(start, stop, 2 * parts + 1)
    weights = np.ones(2 * parts + 1)
    weights[1::2] = np.cos((stop - start) / (2 * parts))
    points = np.zeros((2 * parts + 1, 4))
    points[:, 0], points[:, 1] = a * np.cos(angles) / weights, b * np.sin(angles) / weights
    points[:, 3] = weights
    if abs(abs(stop - start) - 2 * np.pi) < 1e-12:
        points[-1] = points[0]
    inner = np.repeat(np.arange(1, parts), 2)
    return Net(points, (2,), (np.concatenate([[0] * 3, inner, [parts] * 3]).astype(float),))


def conic(kind: int, a: float, b: float, start: float, stop: float) -> Net:
    """Piece of a parabola (a t², 2 a t) or of a branch of a hyperbola (a cosh t, b sinh t), as one Bezier arc."""
    middle = (start + stop) / 2
    points = np.zeros((3, 4))
    points[:, 3] = 1.0
    if kind == PARABOLA:
        points[:, 0] = a * start**2, a * start * stop, a * stop**2
        points[:, 1] = 2 * a * start, 2 * a * middle, 2 * a * stop
    else:
        points[1, 3] = np.cosh((stop - start) / 2)
        points[:, 0] = a * np.cosh([start, middle, stop]) / [1.0, points[1, 3], 1.0]
        points[:, 1] = b * np.sinh([start, middle, stop]) / [1.0, points[1, 3], 1.0]
    return Net(points, (2,), (np.array([0.0, 0, 0, 1, 1, 1]),))


def curve_net(shapes: Shapes, c: int, start: float, stop: float) -> Net:
    """Curve c as a spline, from parameter start to stop where it is not one already."""
    kind, frame, degree, first, count, knot, knots, _ = (int(n) for n in shapes.curves[c])
    a, b = (float(n) for n in shapes.curve_numbers[c, :2])
    if kind == LINE:
        ends = shapes.curve_numbers[c, :3] + np.outer([start, stop], shapes.curve_numbers[c, 3:])
        return Net(np.column_stack([ends, np.ones(2)]), (1,), (np.array([0.0, 0, 1, 1]),))
    if kind in (CIRCLE, ELLIPSE):
        flat = arc(a, b, start, stop)
    elif kind in (PARABOLA, HYPERBOLA):
        flat = conic(kind, a, b, start, stop)
    else:
        return Net(
            shapes.controls[first : first + count].copy(),
            (degree,),
            (shapes.knots[knot : knot + knots].copy(),),
        )
    axes = shapes.frames[frame].reshape(4, 3)
    points = flat.points.copy()
    points[:, :3] = axes[0] + flat.points[:, :3] @ axes[1:]
    return Net(points, flat.degrees, flat.knots)


def extruded(curve: Net, direction: Floats, low: float, high: float) -> Net:
    """The surface C(u) + v d for v from low to high."""
    ends = np.repeat(curve.points[:, None], 2, axis=1)
    ends[:, 0, :3] += low * direction
    ends[:, 1, :3] += high * direction
    return Net(ends, (*curve.degrees, 1), (*curve.knots, np.array([0.0, 0, 1, 1])))


def revolved(curve: Net, frame: Floats) -> Net:
    """The curve turned once about the z axis of `frame`; u is the angle."""
    origin, _, _, axis = frame.reshape(4, 3)
    circle = arc(1.0, 1.0, 0.0, 2 * np.pi)
    away = curve.points[:, :3] - origin
    along = np.outer(away @ axis, axis)
    across = away - along
    x, y = circle.points[:, 0, None, None], circle.points[:, 1, None, None]
    points = np.empty((len(circle.points), len(curve.points), 4))
    points[..., :3] = origin + along + x * across + y * np.cross(axis, across)
    points[..., 3] = circle.points[:, None, 3] * curve.points[:, 3]
    points[-1] = points[0]
    return Net(points, (2, *curve.degrees), (*circle.knots, *curve.knots))
