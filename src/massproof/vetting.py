"""Rows of a table that cannot be what they say are taken out, so that kernels may trust all others.

A spline needs as many knots as its degree and control points say, in order; weights that are positive, as ISO 10303-42
has them; and a degree that scratch memory has room for. A row that names another needs that to be there. A face
that lacks something stays, without a surface: it counts as one that cannot be integrated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.brep import (
    CIRCLE,
    CONE,
    ELLIPSE,
    EXTRUSION,
    HYPERBOLA,
    LINE,
    OFFSET,
    PARABOLA,
    PLANE,
    REVOLUTION,
    SPLINE,
    TORUS,
    Floats,
    Integers,
    Shapes,
)
from massproof.kernels.geometry import DEGREE

HOPS = 16  # offsets of offsets that are followed
_FAR = 1e6  # times the extent of all vertices: control points so far away are no part of a solid
_HUGE = 1e50  # whose fifth power is still a number
_CONICS = (CIRCLE, ELLIPSE, PARABOLA, HYPERBOLA)

Flags = npt.NDArray[np.bool_]


def vetted(shapes: Shapes) -> Shapes:
    """The same shapes without rows that cannot be."""
    faults = _Faults.of(shapes)
    curves = _good_curves(shapes, faults)
    surfaces = _good_surfaces(shapes, faults, curves)
    edges, faces, bounds = shapes.edges.copy(), shapes.faces.copy(), shapes.loops.copy()
    known = _named(edges[:, 0], curves) & _finite(shapes.edge_points)
    edges[~known, 0] = -1
    points = np.where(np.isfinite(shapes.edge_points), shapes.edge_points, 0.0)
    rows = _plain_surfaces(shapes, surfaces)
    used = np.abs(shapes.uses)
    uses = _counts((used < 1) | (used > len(edges)))
    loops = _within(shapes.loops[:, 0], shapes.loops[:, 1], uses)
    whole = _within(faces[:, 2], faces[:, 3], _counts(~loops))
    faces[~whole, 2:4] = 0
    faces[~(whole & _named(faces[:, 0], surfaces)), 0] = -1
    for part, column in ((edges, 1), (edges, 2), (faces, 1), (bounds, 2)):
        part[:, column] = part[:, column] != 0
    lines = _plain_curves(shapes, curves)
    return _with_stand_ins(
        shapes._replace(
            edges=edges, edge_points=points, curves=lines, surfaces=rows, faces=faces, loops=bounds
        )
    )


def _plain_curves(shapes: Shapes, good: Flags) -> Integers:
    """Rows of curves that name nothing that they do not use, and nothing at all where they are no good."""
    rows = np.where(good[:, None], shapes.curves, 0)
    rows[rows[:, 0] != SPLINE, 2:] = 0
    rows[~np.isin(rows[:, 0], _CONICS), 1] = -1
    return rows


def _plain_surfaces(shapes: Shapes, good: Flags) -> Integers:
    """Rows of surfaces of which the same is true."""
    rows = np.where(good[:, None], shapes.surfaces, 0)
    kind = rows[:, 0]
    rows[kind != SPLINE, 2:11] = 0
    rows[~((kind >= PLANE) & (kind <= TORUS) | (kind == REVOLUTION)), 1] = -1
    rows[~np.isin(kind, (TORUS, EXTRUSION, REVOLUTION, OFFSET)), 11] = 0
    return rows


class _Faults(NamedTuple):
    """How many rows before each one cannot be."""

    controls: Integers  # weights that are not positive, coordinates that are not finite or absurdly far
    knots: Integers  # that are not finite, or greater than the next

    @classmethod
    def of(cls, shapes: Shapes) -> _Faults:
        """Those of a table."""
        far = np.abs(shapes.controls[:, :3]).max(axis=1, initial=0.0)
        size = np.abs(shapes.edge_points).max(initial=0.0) or _HUGE / _FAR
        controls = ~_finite(shapes.controls) | ~(far <= _FAR * size) | ~(shapes.controls[:, 3] > 0)
        later = np.append(shapes.knots[1:], np.inf)
        return cls(_counts(controls), _counts(~(np.isfinite(shapes.knots) & (shapes.knots <= later))))


def _counts(wrong: Flags) -> Integers:
    """How many are wrong before each row, and altogether."""
    out: Integers = np.append(0, np.cumsum(wrong)).astype(np.int64)
    return out


def _within(first: Integers, count: Integers, wrong: Integers) -> Flags:
    """Whether rows first to first + count − 1 are there, and none of them is wrong."""
    last = len(wrong) - 1
    there = (first >= 0) & (count >= 0) & (first <= last) & (count <= last - np.clip(first, 0, last))
    a, b = np.where(there, first, 0), np.where(there, first + count, 0)
    good: Flags = there & (wrong[a] == wrong[b])
    return good


def _named(row: Integers, good: Flags) -> Flags:
    """Whether a row is there, and good."""
    there = (row >= 0) & (row < len(good))
    out: Flags = there & np.append(good, False)[np.where(there, row, -1)]
    return out


def _framed(shapes: Shapes, row: Integers) -> Flags:
    return _named(row, _finite(shapes.frames))


def _finite(rows: Floats) -> Flags:
    out: Flags = np.logical_and.reduce(np.isfinite(rows), axis=1)
    return out


def _spaced(
    shapes: Shapes, faults: _Faults, degree: Integers, points: Integers, first: Integers, count: Integers
) -> Flags:
    """Whether knots first to first + count − 1 are those of a spline."""
    good: Flags = (degree >= 1) & (degree <= DEGREE) & (points > degree) & (count == points + degree + 1)
    good &= _within(first, np.maximum(count - 1, 0), faults.knots) & _within(
        first, count, np.zeros_like(faults.knots)
    )
    a, b = np.where(good, first + degree, 0), np.where(good, first + points, 0)
    knots = np.append(shapes.knots, 0.0)
    good &= knots[a] < knots[b]
    return good


def _good_curves(shapes: Shapes, faults: _Faults) -> Flags:
    kind, frame, degree, first, count, knot, knots, _ = shapes.curves.T
    numbers = shapes.curve_numbers
    finite = _finite(numbers)
    line = (kind == LINE) & (np.abs(numbers[:, 3:]).max(axis=1, initial=0.0) > 0)
    positive = (numbers[:, 0] > 0) & ((numbers[:, 1] > 0) | (kind == PARABOLA))
    conic = np.isin(kind, _CONICS) & _framed(shapes, frame) & positive
    spline = (kind == SPLINE) & _within(first, count, faults.controls)
    spline &= _spaced(shapes, faults, degree, count, knot, knots)
    good: Flags = finite & (line | conic | spline)
    return good


def _good_surfaces(shapes: Shapes, faults: _Faults, curves: Flags) -> Flags:
    kind, frame, p, q, n, m, first, knot, in_u, in_v, _, base = shapes.surfaces.T
    good: Flags = (kind >= PLANE) & (kind <= TORUS) & _framed(shapes, frame)
    slope = (kind != CONE) | (np.abs(shapes.surface_numbers[:, 1]) < np.pi / 2)
    good &= slope
    good |= (
        (kind == EXTRUSION)
        & _named(base, curves)
        & (np.abs(shapes.surface_numbers[:, :3]).max(axis=1, initial=0.0) > 0)
    )
    good |= (kind == REVOLUTION) & _named(base, curves) & _framed(shapes, frame)
    few = (
        (n >= 0) & (m >= 0) & (n <= len(shapes.controls)) & (m <= len(shapes.controls))
    )  # so that n m is no overflow
    spline = (kind == SPLINE) & few & _within(first, np.where(few, n * m, 0), faults.controls)
    spline &= _spaced(shapes, faults, p, n, knot, in_u)
    good |= spline & _spaced(shapes, faults, q, m, knot + in_u, in_v)
    good &= _finite(shapes.surface_numbers)
    offset = kind == OFFSET
    known = good.copy()  # of offsets those that come down to another kind in a few steps
    for _ in range(HOPS):
        known = good | (offset & _named(base, known) & _finite(shapes.surface_numbers))
    return known


def _with_stand_ins(shapes: Shapes) -> Shapes:
    """A face without a surface, or a shell of it alone, in place of those that are named and not there."""
    face, shell = shapes.shell_faces[:, 0], shapes.solid_shells[:, 0]
    lost_faces, lost_shells = (
        (face < 0) | (face >= len(shapes.faces)),
        (shell < 0) | (shell >= len(shapes.shells)),
    )
    members = _within(shapes.shells[:, 0], shapes.shells[:, 1], np.zeros(len(face) + 1, np.int64))
    bodies = _within(shapes.solids[:, 0], shapes.solids[:, 1], np.zeros(len(shell) + 1, np.int64))
    if not (lost_faces.any() or lost_shells.any() or not members.all() or not bodies.all()):
        return shapes
    shell_faces, solid_shells = shapes.shell_faces.copy(), shapes.solid_shells.copy()
    shells, solids = shapes.shells.copy(), shapes.solids.copy()
    shell_faces[lost_faces, 0], solid_shells[lost_shells, 0] = len(shapes.faces), len(shapes.shells)
    shells[~members, :2], solids[~bodies, :2] = (len(face), 1), (len(shell), 1)
    if lost_shells.any() or not bodies.all():
        shells = np.vstack([shells, [len(face), 1, 0]])
    return shapes._replace(
        faces=np.vstack([shapes.faces, [-1, 1, 0, 0, 0]]),
        shell_faces=np.vstack([shell_faces, [len(shapes.faces), 1]]),
        shells=shells,
        solid_shells=np.vstack([solid_shells, [len(shapes.shells), 1]]),
        solids=solids,
    )
