"""How far each cause can have moved the integrals over a mesh, and what of them is derived.

The bounds follow the standard model of floating-point arithmetic, fl(x∘y) = (x∘y)(1 + δ), |δ| ≤ u =
2⁻⁵³ (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2002, chapters 2 to 4); their
derivation for these sums is in docs/decisions/rounding-bound.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.kernels import BLOCK, FIELDS
from massproof.kernels.formulas import cross
from massproof.kernels.scan import scan_faces
from massproof.mass import Array, Errors

Faces = npt.NDArray[np.int32]

# 64 roundings cover a term, a block of 2 048 of them in any of our orders, and what is made of the sums.
_ROUNDING = 64 * BLOCK / 2048 * 2.0**-53
_UNDERFLOW = 1e-300  # more than the products of one triangle can lose below the smallest float64

_CONDITION, _PRODUCTS, _EDGES, _AREA, _NORMAL, _ONE = (
    FIELDS.index(name) for name in ("condition", "products", "edges", "area", "nx", "one")
)


class Sums(NamedTuple):
    """The integrals over a surface, and what their bounds are made of."""

    fields: Array  # (17,) as FIELDS names them, about the origin
    origin: Array  # (3,)
    reach: float  # largest distance of a corner from the origin along an axis
    faces: int  # how many

    @property
    def area(self) -> float:
        """Area of the surface."""
        return float(self.fields[_AREA])

    @property
    def volume(self) -> float:
        """Signed volume: of use when the surface is closed."""
        return float(self.fields[_ONE])

    @property
    def moments(self) -> Array:
        """∫ 1, x, y, z, xx, yy, zz, xy, yz, zx about the origin: (10,)."""
        return self.fields[_ONE:]

    @property
    def rounding(self) -> float:
        """How far rounding can have moved the volume; covers its own rounding."""
        return _ROUNDING * float(self.fields[_CONDITION]) * (1 + 1e-9) + self._underflow()

    @property
    def leaves(self) -> bool:
        """Whether the area vectors do not add up to zero, which those of a closed surface do."""
        slack = _ROUNDING * float(self.fields[_PRODUCTS]) * (1 + 1e-9) + self._underflow()
        return bool((abs(self.fields[_NORMAL : _NORMAL + 3]) > slack).any())

    def inverted(self) -> Sums:
        """The same surface with its inside outside."""
        fields = self.fields.copy()
        fields[_NORMAL:] = -fields[_NORMAL:]
        return self._replace(fields=fields)

    def _underflow(self) -> float:
        return self.faces * _UNDERFLOW * (1 + self.reach) ** 3


class Cause(NamedTuple):
    """How far one cause can move the area, the raw moments about the origin, and the box."""

    area: float = 0.0
    one: float = 0.0
    first: float = 0.0
    second: float = 0.0
    box: float = 0.0


def rounding(sums: Sums) -> Cause:
    """What computing with 53 bits can have changed."""
    unit = sums.rounding
    area = _ROUNDING * float(sums.fields[_PRODUCTS]) * (1 + 1e-9) + sums._underflow()
    return Cause(area, unit, unit * sums.reach, unit * sums.reach**2)


def in_doubt(volume: float, reach: float, area: float = 0.0) -> Cause:
    """Volume that may be there or not, anywhere within the reach."""
    return Cause(area, volume, volume * reach, volume * reach**2)


def moved(sums: Sums, step: float, reach: float = 0.0) -> Cause:
    """What moving every corner by up to `step` along each axis can change.

    The surface sweeps a layer of thickness √3·step over an area of at most A + t·L + 2t²F with t that
    thickness, L = Σ(|e₁| + |e₂|) and F triangles. `reach` is that of the whole when `sums` are of a part.
    """
    thick = 3**0.5 * step
    edges = float(sums.fields[_EDGES])
    area = thick * edges + 2 * thick**2 * sums.faces
    layer = thick * (sums.area + area)
    far = max(reach, sums.reach) + thick
    return Cause(area, layer, layer * far, layer * far**2, step)


def by_cause(sums: Sums, causes: Mapping[str, Cause | None]) -> dict[str, Errors | None]:
    """Errors of centre and central second moment, jointly, and the share of each cause in them.

    With V ± o, m ± f: |Δ(m/V)| ≤ (f + |m/V| o)/(V − o), and S = M − V r rᵀ term by term. The totals of
    all causes stand in the denominator and beside r, so that the shares add up to the joint bound.
    """
    volume = abs(sums.volume)
    least = volume - sum(c.one for c in causes.values() if c)
    if least <= 0:  # the volume may be zero, and the centre anywhere
        return {k: c and Errors(c.area, c.one, math.inf, math.inf, c.box) for k, c in causes.items()}
    r = float(abs(sums.moments[1:4]).max()) / volume
    centre = {k: (c.first + r * c.one) / least for k, c in causes.items() if c}
    joint = sum(centre.values())
    errors: dict[str, Errors | None] = {}
    for k, c in causes.items():
        if c is None:
            errors[k] = None
            continue
        second = c.second + (r + joint) ** 2 * c.one + volume * centre[k] * (2 * r + joint)
        errors[k] = Errors(c.area, c.one, centre[k], second, c.box)
    # The centre is added to the origin at the end, which rounds once more.
    far = 2.0**-53 * (float(abs(sums.origin).max()) + sums.reach)
    last = errors["rounding"] or Errors()
    errors["rounding"] = Errors(last.area, last.volume, last.centre + far, last.second, last.box)
    return errors


def integrate(vertices: Array, faces: Faces, origin: Array, reach: float) -> Sums:
    """Sums over faces (F, 3) of vertices (V, 3)."""
    fields = scan_faces(vertices, faces, origin).sums if len(faces) else np.zeros(len(FIELDS))
    return Sums(fields, origin, reach, len(faces))


def volumes(vertices: Array, faces: Faces, origin: Array) -> Array:
    """Signed volume between each face and the origin: (F,)."""
    a, b, c = (vertices[faces[:, k]] - origin for k in range(3))
    signed: Array = (a * cross(b - a, c - a)).sum(axis=1) / 6
    return signed
