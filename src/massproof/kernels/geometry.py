"""The geometry of a file as kernels see it: kinds of curves and surfaces, their tables, and a few vectors."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.kernels.jit import kernel

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LINE, CIRCLE, ELLIPSE, PARABOLA, HYPERBOLA, SPLINE = 1, 2, 3, 4, 5, 6
PLANE, CYLINDER, CONE, SPHERE, TORUS, EXTRUSION, REVOLUTION, OFFSET = 11, 12, 13, 14, 15, 17, 18, 19

DEGREE = 30  # the highest degree of a spline that the scratch memory below holds
# Scratch memory of one evaluation, (ROWS, WIDTH): basis functions and derivatives of u and of v, homogeneous
# sums, points of a basis curve.
ROWS, WIDTH = 18, 32
_U, _V, _SUMS, CURVE, BASE = 0, 3, 6, 12, 15


class Geometry(NamedTuple):
    """Seven arrays of `brep.Shapes`, under the same names and with the same columns."""

    frames: Floats
    curves: Integers
    curve_numbers: Floats
    surfaces: Integers
    surface_numbers: Floats
    controls: Floats
    knots: Floats


# How an entry spells the arguments that make a `Geometry`.
GEOMETRY = "f8[:,12] i8[:,8] f8[:,6] i8[:,12] f8[:,4] f8[:,4] f8[:]"


@kernel
def distance(a, b):
    """Distance of two points."""
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return math.sqrt(x * x + y * y + z * z)


@kernel
def local(frame, x, y, z):
    """Coordinates in `frame` of a point given from its origin, or of a vector."""
    return (
        x * frame[3] + y * frame[4] + z * frame[5],
        x * frame[6] + y * frame[7] + z * frame[8],
        x * frame[9] + y * frame[10] + z * frame[11],
    )
