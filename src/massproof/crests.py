"""How high splines rise along a direction, where they are part of a face: a search by branch and bound.

A rational Bezier patch stays between its least and greatest control coordinates, and has no summit inside where
its derivative by u or v keeps its sign; all other patches are halved until they are flat (L. Piegl, W. Tiller,
"The NURBS Book", 2nd edition, 1997, sections 5.3 and 5.4). On creases, where a spline is only continuous, seams and
poles, a summit needs no vanishing derivative: there only a rise towards the other side excludes one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.brep import Floats

_LEVELS = 160  # of halving: 50 in each parameter are enough to reach rounding
_CELLS = 4096  # that are looked at together
_TESTS = 32  # whether a summit is part of the face
_SMALL = 1e-3  # of the parameters
_CERTAIN = 1e-14  # of the size: rounding of a derivative

Flags = npt.NDArray[np.bool_]


class Relief(NamedTuple):
    """Heights of the control points of a spline."""

    heights: Floats  # (n, m), in the direction that is asked for
    weights: Floats  # (n, m), positive
    degrees: tuple[int, int]
    knots: tuple[Floats, Floats]
    creases: Flags  # (4,) whether low u, high u, low v, high v are seams or poles


class Summit(NamedTuple):
    """A point of the surface that was looked at."""

    height: float
    lift: float | None  # what an offset adds to the height, None where its normal is not plainly up or down
    inside: Callable[[], bool | None]


class _Cells(NamedTuple):
    """Bezier patches."""

    nets: Floats  # (c, p + 1, q + 1, 2) height × weight, weight
    spans: Floats  # (c, 4) low u, high u, low v, high v
    creases: Flags  # (c, 4)

    def chosen(self, which: npt.NDArray[np.generic]) -> _Cells:
        """Some of them."""
        return _Cells(self.nets[which], self.spans[which], self.creases[which])


def climb(
    relief: Relief, top: float, fine: float, look: Callable[[float, float], Summit], lift: float = 0.0
) -> tuple[float, float]:
    """How high a face surely is that reaches `top` elsewhere, and what it is not above.

    look : what is at u, v;  lift : what an offset adds to the heights at most
    """
    cells = _patches(relief, top + fine - lift)
    over, tests = top, 0
    small = _SMALL * max(float(k[-1] - k[0]) for k in relief.knots)
    for _ in range(_LEVELS):
        bounds = _bounds(cells) + lift
        cells, bounds = _left(cells, bounds, top + fine)
        if not len(bounds):
            return top, max(over, top + fine)
        if len(bounds) > _CELLS or tests > _TESTS:
            break
        corners = _corners(cells.nets)
        flat = bounds - lift - corners.max(axis=1) <= fine
        for n in np.flatnonzero(flat)[np.argsort(-bounds[flat])].tolist():
            at = int(corners[n].argmax())
            summit = look(float(cells.spans[n, at // 2]), float(cells.spans[n, 2 + at % 2]))
            if summit.lift is None and (cells.spans[n, 1::2] - cells.spans[n, ::2]).max() > small:
                flat[n] = False  # smaller ones have no summit, or one whose normal is
                continue
            bound = float(bounds[n]) - lift + (lift if summit.lift is None else summit.lift)
            if bound <= top + fine:
                continue
            tests += 1
            inside = summit.inside() if tests <= _TESTS else None
            if inside is not False:
                over = max(over, bound)
                top = max(top, summit.height) if inside else top
        cells = _halved(cells.chosen(~flat))
    return top, max(over, top + fine, float(bounds.max(initial=top)))


def _patches(relief: Relief, above: float) -> _Cells:
    """The patches that may rise above a height."""
    high = relief.heights > above
    net = np.stack([relief.heights * relief.weights, relief.weights], axis=-1)
    if not high.any():
        return _Cells(np.zeros((0, 2, 2, 2)), np.zeros((0, 4)), np.zeros((0, 4), bool))
    spans, creases = [], []
    for k in (0, 1):
        rows = np.flatnonzero(high.any(axis=1 - k))
        net, ends, sharp = _bezier(np.moveaxis(net, 2 * k, 0), relief, k, int(rows[0]), int(rows[-1]))
        net = np.moveaxis(net, (0, 1), (2 * k, 2 * k + 1))
        spans.append(ends)
        creases.append(sharp)
    count = len(spans[0]), len(spans[1])
    nets = net.transpose(0, 2, 1, 3, 4).reshape(count[0] * count[1], *net.shape[1::2], 2)
    i, j = np.repeat(np.arange(count[0]), count[1]), np.tile(np.arange(count[1]), count[0])
    return _Cells(nets, np.hstack([spans[0][i], spans[1][j]]), np.hstack([creases[0][i], creases[1][j]]))


def _bezier(net: Floats, relief: Relief, k: int, first: int, last: int) -> tuple[Floats, Floats, Flags]:
    """Bezier points of the spans of u (k = 0) or v that control points first to last reach: spans, and p + 1 of each.

    Boehm's knot insertion, until each knot is there p times.
    """
    degree, knots, count = relief.degrees[k], relief.knots[k], net.shape[0]
    low, high = max(degree, first), min(count - 1, last + degree)
    breaks = np.unique(knots[low : high + 2])
    ends = np.column_stack([breaks[:-1], breaks[1:]])
    outer = relief.creases[2 * k : 2 * k + 2]
    sharp = np.array([np.count_nonzero(knots == t) >= degree for t in breaks])
    sharp[0] = outer[0] if breaks[0] == knots[degree] else sharp[0]
    sharp[-1] = outer[1] if breaks[-1] == knots[count] else sharp[-1]
    net, knots = net[low - degree : high + 1], knots[low - degree : high + degree + 2]
    for t in breaks:
        for _ in range(degree - np.count_nonzero(knots == t)):
            at = min(int(np.searchsorted(knots, t, "right")), len(net)) - 1
            i = np.arange(at - degree + 1, at + 1)
            share = ((t - knots[i]) / (knots[i + degree] - knots[i])).reshape(-1, *[1] * (net.ndim - 1))
            net = np.concatenate([net[: i[0]], share * net[i] + (1 - share) * net[i - 1], net[at:]])
            knots = np.insert(knots, np.searchsorted(knots, t), t)
    last_of = np.searchsorted(knots, breaks[:-1], "right") - 1
    points = net[last_of[:, None] + np.arange(-degree, 1)]
    return points, ends, np.column_stack([sharp[:-1], sharp[1:]])


def _bounds(cells: _Cells) -> Floats:
    """What no point of a patch is above."""
    bounds: Floats = (cells.nets[..., 0] / cells.nets[..., 1]).max(axis=(1, 2), initial=-np.inf)
    return bounds


def _corners(nets: Floats) -> Floats:
    """Heights at low u low v, low u high v, high u low v, high u high v: (c, 4)."""
    ends = nets[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    heights: Floats = ends[..., 0] / ends[..., 1]
    return heights


def _left(cells: _Cells, bounds: Floats, above: float) -> tuple[_Cells, Floats]:
    """The patches that may have a summit above a height."""
    high = bounds > above
    cells, bounds = cells.chosen(high), bounds[high]
    possible = np.ones(len(bounds), bool)
    for k in (0, 1):
        rises, falls = _slopes(cells.nets, 1 + k)
        possible &= ~(rises & ~cells.creases[:, 2 * k + 1]) & ~(falls & ~cells.creases[:, 2 * k])
    return cells.chosen(possible), bounds[possible]


def _slopes(nets: Floats, axis: int) -> tuple[Flags, Flags]:
    """Whether the height rises everywhere in a patch with u or v, or falls.

    With X = height × weight and any c, G = X − c W: the derivative has the sign of G' W − G W'.
    """
    weights = nets[..., 1]
    middle = (nets[..., 0] / weights).mean(axis=(1, 2))
    moved = nets[..., 0] - middle[:, None, None] * weights
    step, change = np.diff(moved, axis=axis), np.diff(weights, axis=axis)
    least, most = weights.min(axis=(1, 2)), weights.max(axis=(1, 2))
    doubt = np.abs(moved).max(axis=(1, 2)) * np.abs(change).max(axis=(1, 2))
    doubt += _CERTAIN * np.abs(nets[..., 0]).max(axis=(1, 2)) * most
    return step.min(axis=(1, 2)) * least > doubt, -step.max(axis=(1, 2)) * least > doubt


def _halved(cells: _Cells) -> _Cells:
    """Every patch halved along the parameter with which its height changes most."""
    heights = cells.nets[..., 0] / cells.nets[..., 1]
    wide = [np.abs(np.diff(heights, axis=k)).max(axis=(1, 2)) for k in (1, 2)]
    along = wide[1] > wide[0]
    both = [_cut(cells.chosen(along == bool(k)), k) for k in (0, 1)]
    return _Cells(*(np.concatenate(parts) for parts in zip(*both, strict=True)))


def _cut(cells: _Cells, k: int) -> _Cells:
    """Patches halved along u (k = 0) or v: de Casteljau's construction in the middle."""
    net = np.moveaxis(cells.nets, 1 + k, 0).copy()
    lower = [net[0].copy()]
    upper = [net[-1].copy()]
    while len(net) > 1:
        net = (net[1:] + net[:-1]) / 2
        lower.append(net[0])
        upper.append(net[-1])
    nets = np.concatenate([np.moveaxis(np.array(part), 0, 1 + k) for part in (lower, upper[::-1])])
    spans, creases = np.concatenate([cells.spans] * 2), np.concatenate([cells.creases] * 2)
    half, count = cells.spans[:, 2 * k : 2 * k + 2].mean(axis=1), len(cells.spans)
    spans[:count, 2 * k + 1], spans[count:, 2 * k] = half, half
    creases[:count, 2 * k + 1], creases[count:, 2 * k] = False, False
    return _Cells(nets, spans, creases)
