"""Frames of the placements in a STEP file, and unit vectors.

Axes that are left out are chosen as ISO 10303-42 says, or as near to it as there is one.
"""

import math

import numpy as np

from massproof.kernels.boundaries import triple
from massproof.kernels.jit import kernel
from massproof.kernels.schema import TYPES
from massproof.kernels.tokens import REFERENCE

# Why what is wanted has no row.
NO_REASON, ARGUMENTS, TYPE, POINTS, AXES, SIZE, CONTROLS, KNOTS, WEIGHTS, BASE, ENDLESS, EMPTY = range(12)
_AXIS = TYPES["AXIS1_PLACEMENT"]
_SHORT = 1e-9  # of a unit vector's part across another: less is no direction


@kernel
def unit(x, y, z):
    """A vector of length 1, and the length that it had; 0 for none."""
    longest = max(abs(x), abs(y), abs(z))
    if not (longest > 0.0 and longest < math.inf):
        return 0.0, 0.0, 0.0, 0.0
    x, y, z = x / longest, y / longest, z / longest
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length, length * longest


@kernel
def direction(file, token, x, y, z):
    """The unit vector that a token refers to, x, y, z if it is left out, and whether it is one."""
    _rows, kinds, values, _checked = file
    there = True
    if kinds[token] == REFERENCE:
        x, y, z, there = triple(file, np.int64(values[token]))
    x, y, z, length = unit(x, y, z)
    return x, y, z, there and length > 0.0


@kernel
def across(rx, ry, rz, zx, zy, zz):
    """The unit vector across the unit vector z that is nearest to r, and the length of r's part there."""
    d = rx * zx + ry * zy + rz * zz
    return unit(rx - d * zx, ry - d * zy, rz - d * zz)


@kernel
def frame_of(file, row, slots, frames, count):
    """Slot of the frame of a placement, −1 if it is none; how many frames there are; the reason."""
    rows, _kinds, values, checked = file
    if slots[row] >= 0:
        return slots[row], count, NO_REASON
    t = rows[row, 2]
    if checked[row] != 1:
        return -1, count, AXES
    ox, oy, oz, there = triple(file, np.int64(values[t + 2]))
    zx, zy, zz, upright = direction(file, t + 3, 0.0, 0.0, 1.0)
    rx, ry, rz, given = 1.0, 0.0, 0.0, True
    if rows[row, 1] != _AXIS:
        rx, ry, rz, given = direction(file, t + 4, 1.0, 0.0, 0.0)
    if not (there and upright and given):
        return -1, count, AXES
    xx, xy, xz, length = across(rx, ry, rz, zx, zy, zz)
    if length < _SHORT:  # along z, or left out where z is x: another will do
        rx, ry = (0.0, 1.0) if abs(zx) > abs(zy) else (1.0, 0.0)
        xx, xy, xz, length = across(rx, ry, 0.0, zx, zy, zz)
    if length < 0.5:  # what cancelled left a part along z
        xx, xy, xz, length = across(xx, xy, xz, zx, zy, zz)
    f = frames[count]
    f[0], f[1], f[2], f[3], f[4], f[5] = ox, oy, oz, xx, xy, xz
    f[6], f[7], f[8] = zy * xz - zz * xy, zz * xx - zx * xz, zx * xy - zy * xx
    f[9], f[10], f[11] = zx, zy, zz
    slots[row] = count
    return count, count + 1, NO_REASON
