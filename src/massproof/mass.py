"""Mass-property algebra: where the mass is, and how bodies move and add up.

Source of the pairwise update: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for Computing the
Sample Variance", The American Statistician 37, 1983; written here for second-moment matrices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from massproof.errors import Note

Array = npt.NDArray[np.float64]


def length(vector: Array) -> float:
    """Of one vector; numpy's own takes ten times as long to begin."""
    return math.sqrt(vector.dot(vector))


@dataclass(frozen=True, eq=False, slots=True)
class Body:
    """Mass, centre of mass, and second moment S = ∫ r rᵀ dm about that centre.

    S and not the inertia tensor, because S is what adds: I = tr(S)·1 − S on the way out.
    About the centre and not the origin, because a part 10⁶ times its size away from the
    origin would lose twelve of its sixteen digits there.
    """

    mass: float  # of unit density: the volume; negative for a surface that is inside out
    centre: Array  # (3,)
    second: Array  # (3, 3), symmetric

    @classmethod
    def from_moments(cls, moments: Array, origin: Array) -> Body:
        """Body of unit density from the ten moments of its solid about `origin`.

        moments : (10,) ∫ 1, x, y, z, xx, yy, zz, xy, yz, zx; the first must not be zero
        """
        one = float(moments[0])
        r = moments[1:4] / one
        xx, yy, zz, xy, yz, zx = moments[4:10]
        raw = np.array([[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]])
        return cls(one, origin + r, raw - one * np.outer(r, r))

    def inertia(self) -> Array:
        """Inertia tensor about the centre of mass; products of inertia carry a minus sign."""
        return float(np.trace(self.second)) * np.eye(3) - self.second

    def scaled(self, density: float) -> Body:
        """The same shape with every mass element multiplied by `density`."""
        return Body(self.mass * density, self.centre, self.second * density)

    def moved(self, rotation: Array, translation: Array) -> Body:
        """The same body after r -> rotation·r + translation."""
        return Body(self.mass, rotation @ self.centre + translation, rotation @ self.second @ rotation.T)

    def __add__(self, other: Body) -> Body:
        """Both bodies as one; the sum of the masses must not be zero."""
        mass = self.mass + other.mass
        apart = other.centre - self.centre
        return Body(
            mass,
            self.centre + apart * (other.mass / mass),
            self.second + other.second + np.outer(apart, apart) * (self.mass * other.mass / mass),
        )


@dataclass(frozen=True, slots=True)
class Errors:
    """How far one cause can have moved each result: half widths, in powers of the length unit.

    `centre` and `box` hold for each coordinate, `second` for each entry of the second moment.
    """

    area: float = 0.0
    volume: float = 0.0
    centre: float = 0.0
    second: float = 0.0
    box: float = 0.0

    def __add__(self, other: Errors) -> Errors:
        """What both causes can do together."""
        return Errors(
            self.area + other.area,
            self.volume + other.volume,
            self.centre + other.centre,
            self.second + other.second,
            self.box + other.box,
        )

    def scaled(self, length: float) -> Errors:
        """The same errors after one length unit became `length` units."""
        return Errors(
            self.area * length**2,
            self.volume * length**3,
            self.centre * length,
            self.second * length**5,
            self.box * length,
        )


@dataclass(frozen=True, eq=False, slots=True)
class Weighted:
    """The same as if all of it had the mean of the densities that its source states of its parts."""

    body: Body  # centre and second moment of the mass, over the mean density
    errors: Mapping[str, Errors | None]
    density: float  # the mean, kg/m³
    off: float  # how far that can be off
    stated: tuple[float, ...]  # the densities, ascending


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """What was integrated over one geometry, in the powers of its own length unit."""

    area: float
    body: Body | None  # of unit density; None when no volume is defined
    low: Array  # (3,) corners of the bounding box
    high: Array
    errors: Mapping[str, Errors | None]  # by cause; None: the cause exists, its size is unknown
    method: str
    notes: tuple[Note, ...] = ()
    bounded: bool = False  # whether a note is an assumption that the intervals do not prove
    absent: str = ""  # why there is no body
    weighted: Weighted | None = None  # where the source states a density of each part, and that was asked for
    versions: dict[str, str] = field(default_factory=dict)  # of what else computed this, by name
