"""The true properties of triangles whose corners are whole numbers: integer sums, no rounding until the end.

Numbers of more than 64 bits are kept as digits of 24 bits, so that a product of two digits has 48 and 2¹³ of
them add up within 63. Sums of the chunks are Python's integers. Formulas: see `massproof.kernels.scan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

_BITS = 24
_MASK = (1 << _BITS) - 1
_CHUNK = 1 << 13
_LARGEST = 1 << 27  # of a coordinate: normals then have at most 57 bits, determinants 86

Digits = list[np.ndarray]  # Σ digits[k] 2^(24 k); all but the last in 0 … 2²⁴ − 1


def digits(parts: Digits) -> Digits:
    """The same numbers with carries moved up; two digits more than there are parts."""
    found, carry = [], np.zeros_like(parts[0])
    for part in [*parts, np.zeros_like(parts[0])]:
        total = part + carry
        found.append(total & _MASK)
        carry = total >> _BITS
    return [*found, carry]


def total(numbers: np.ndarray) -> int:
    """Sum of int64 below 2⁵⁰ in magnitude."""
    starts = np.arange(0, len(numbers), _CHUNK)
    return sum(np.add.reduceat(numbers, starts).tolist())


def total_product(left: Digits, right: Digits) -> int:
    """Sum of the products of numbers given as digits."""
    return sum(total(a * b) << _BITS * (i + j) for i, a in enumerate(left) for j, b in enumerate(right))


def properties(blocks: Iterator[np.ndarray], step: Fraction) -> dict[str, object]:
    """Signed volume, area, centre and inertia (xx yy zz xy yz zx, about the centre), in mm.

    All are rounded once, but for the area, whose square roots are of 64 bits.

    blocks : (n, 3, 3) int64 corners in units of `step` mm
    """
    area, one, first, second = np.longdouble(0), 0, [0] * 3, [0] * 6
    for corners in blocks:
        _check(corners)
        a, b, c = (corners[:, k] for k in range(3))
        normal = np.cross(b - a, c - a)
        area += np.sqrt((normal.astype(np.longdouble) ** 2).sum(axis=1)).sum() / 2
        d, s = _determinants(a, normal), a + b + c
        one += _total_of(d)
        for i in range(3):
            first[i] += total_product(d, digits([s[:, i]]))
        for k, (i, j) in enumerate([(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)]):
            q = s[:, i] * s[:, j] + a[:, i] * a[:, j] + b[:, i] * b[:, j] + c[:, i] * c[:, j]
            second[k] += total_product(d, digits([q]))
    return _rounded(
        area, Fraction(one, 6), [Fraction(x, 24) for x in first], [Fraction(x, 120) for x in second], step
    )


def volume(blocks: Iterator[np.ndarray], step: Fraction) -> float:
    """The signed volume alone, in a fifth of the time."""
    one = 0
    for corners in blocks:
        _check(corners)
        a, b, c = (corners[:, k] for k in range(3))
        one += _total_of(_determinants(a, np.cross(b - a, c - a)))
    return float(Fraction(one, 6) * step**3)


def _check(corners: np.ndarray) -> None:
    if np.abs(corners).max() >= _LARGEST:
        raise ValueError(corners)


def _determinants(a: np.ndarray, normal: np.ndarray) -> Digits:
    low, middle, high = normal & _MASK, (normal >> _BITS) & _MASK, normal >> 2 * _BITS
    return digits([(a * n).sum(axis=1) for n in (low, middle, high)])


def _total_of(numbers: Digits) -> int:
    return sum(total(digit) << _BITS * k for k, digit in enumerate(numbers))


def _rounded(
    area: np.longdouble, one: Fraction, first: list, second: list, step: Fraction
) -> dict[str, object]:
    centre = [x / one for x in first] if one else [Fraction(0)] * 3
    (x, y, z), (xx, yy, zz, xy, yz, zx) = centre, second
    xx, yy, zz = xx - one * x * x, yy - one * y * y, zz - one * z * z
    inertia = [yy + zz, zz + xx, xx + yy, one * x * y - xy, one * y * z - yz, one * z * x - zx]
    return {
        "volume": float(one * step**3),
        "area": float(area * np.longdouble(float(step)) ** 2),  # steps of text round here, by 1e-16
        "centre": [float(x * step) for x in centre],
        "inertia": [float(x * step**5) for x in inertia],
    }
