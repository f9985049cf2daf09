"""3-vectors as named tuples: numba keeps them in registers, readers keep the formula."""

from typing import NamedTuple

from massproof.kernels.jit import kernel


class Vector(NamedTuple):
    """Three coordinates in one frame and one unit."""

    x: float
    y: float
    z: float


@kernel
def from_row(array, i):
    """Row `i` of an (N, 3) array."""
    return Vector(array[i, 0], array[i, 1], array[i, 2])


@kernel
def minus(a, b):
    """Difference a − b."""
    return Vector(a.x - b.x, a.y - b.y, a.z - b.z)


@kernel
def cross(a, b):
    """Cross product a×b."""
    return Vector(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)


@kernel
def dot(a, b):
    """Dot product a·b."""
    return a.x * b.x + a.y * b.y + a.z * b.z
