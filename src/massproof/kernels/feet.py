"""Feet of the points of a border on a spline: each is looked for from that of the point before, and then everywhere."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.kernels.geometry import GEOMETRY, Geometry
from massproof.kernels.inversion import GAP, PLACE, U, V, free_foot, nearest_control, wrapped
from massproof.kernels.jit import entry
from massproof.kernels.patches import make_patch

_CLOSE = (
    1e-6  # of the size of a border: a foot so near to its point needs no search whether another is nearer
)
_MORE = 4.0  # times the distance of a foot that was looked for everywhere: others may be as far away


class Room(NamedTuple):
    """Scratch memory of a search."""

    work: npt.NDArray[np.float64]  # (ROWS, WIDTH)
    at: npt.NDArray[np.float64]  # (7, 3)


@entry(f"{GEOMETRY} i8 i8[4] f8[:,3] f8 f8[:,12] f8[:,32] f8[7,3] f8[8] f8[:,3]")
def feet(
    frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots,
    s, closure, spots, size, frame, work, at, here, out,
):  # fmt: skip
    """Parameters of the foot of each spot on surface s, a spline or an offset of one, and how far it is.

    closure : as of `closures`;  spots : (n, 3) along a border;  size : of that, a length;  out : (n, 3)
    frame, work, at, here : scratch
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    patch = make_patch(geometry, s, frame[0], spots[0], spots[0], size, 0.0, closure, 1)
    room, near = Room(work, at), _CLOSE * size
    at[PLACE, 0] = math.nan
    nearest_control(geometry, patch, spots[0], here)
    for i in range(len(spots)):
        for search in range(2):
            if search == 1 and here[GAP] <= near:
                continue
            free_foot(geometry, patch, spots[i], spots[i], here, search, room)
            if search == 1:
                near = max(near, _MORE * here[GAP])
        out[i, 0] = wrapped(here[U], patch.low_u, patch.period_u)
        out[i, 1] = wrapped(here[V], patch.low_v, patch.period_v)
        out[i, 2] = here[GAP]
    return 0
