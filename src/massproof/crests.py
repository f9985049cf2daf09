"""How high splines rise along a direction, where they are part of a face: a search by branch and bound.

`kernels.crests` looks for summits, the highest first; here each is asked whether the face reaches it. On creases, where
a spline is only continuous, seams and poles, a summit needs no vanishing derivative: there only a rise towards the
other side excludes one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.brep import Floats
from massproof.kernels import crests as kernel
from massproof.kernels.geometry import WIDTH

_STEPS = 20_000  # patches that are looked at
_CELLS = 4096  # of them that wait
_TESTS = 32  # whether a summit is part of the face
_SMALL = 1e-3  # of the parameters

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


def climb(
    relief: Relief, top: float, fine: float, look: Callable[[float, float], Summit], lift: float = 0.0
) -> tuple[float, float]:
    """How high a face surely is that reaches `top` elsewhere, and what it is not above.

    look : what is at u, v;  lift : what an offset adds to the heights at most
    """
    (p, q), net = relief.degrees, np.stack([relief.heights * relief.weights, relief.weights], axis=-1)
    state = np.array([top + fine, fine, lift, -1.0, 0.0, _STEPS, top, 0.0, 0.0])
    cells = np.empty((_CELLS, kernel.NET + 2 * (p + 1) * (q + 1)))
    shape, creases = np.array([p, q, *relief.heights.shape]), relief.creases.astype(float)
    given = (net.reshape(-1, 2), *relief.knots, shape, creases, state, np.empty((2, WIDTH)), cells)
    over, tests = top, 0
    small = _SMALL * max(float(k[-1] - k[0]) for k in relief.knots)
    while (found := kernel.climb(*given)) == kernel.FLAT:
        cell, bound = cells[int(state[kernel.COUNT])], float(state[kernel.HIGHEST])
        summit = look(*state[kernel.PLACE : kernel.PLACE + 2].tolist())
        if summit.lift is None:
            wide = float((cell[2:5:2] - cell[1:4:2]).max())
            state[kernel.AGAIN] = wide > small  # smaller ones have no summit, or one whose normal is
        bound += 0.0 if summit.lift is None else summit.lift - lift
        if state[kernel.AGAIN] or bound <= top + fine:
            continue
        tests += 1
        if tests > _TESTS:
            return top, max(over, top + fine, float(state[kernel.HIGHEST]))
        inside = summit.inside()
        over = max(over, bound) if inside is not False else over
        top = max(top, summit.height) if inside else top
        state[kernel.ABOVE] = top + fine
    return top, max(over, top + fine, float(state[kernel.HIGHEST]) if found == kernel.FULL else top)
