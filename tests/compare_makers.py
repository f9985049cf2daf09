"""Results made of numbers, bodies made of boxes, and what can go wrong with either: for tests of `compare`."""

from dataclasses import dataclass, replace

import numpy as np

from massproof import figures, units
from massproof.properties import Box, Inertia, Point, Principal, Properties, Quantity, Source, Verdict


def result(numbers, *, name="part", format="made", absent=None, verdict=Verdict.SOUND, half=None):
    """Properties of numbers by their names in `figures.NAMES`; those left out do not exist.

    half : half widths of the intervals by name
    """
    found = {
        key: Quantity(x, units.unit(figures.unit(key)), (x - h, x + h), {"rounding": h} if h else {})
        for key, x in numbers.items()
        for h in [(half or {}).get(key, 0.0)]
    }

    def group(kind, names):
        parts = [found.get(key) for key in names]
        return kind(*parts) if any(part is not None for part in parts) else None

    low, high = group(Point, figures.LOW), group(Point, figures.HIGH)
    sides = [found.get(key) for key in figures.SIDES]
    box = Box(low, high, *sides) if low or high or any(sides) else None
    moments, radii = ([found.get(key) for key in names] for names in (figures.MOMENTS, figures.RADII))
    principal = None
    if any(moments) or any(radii):
        principal = Principal((), tuple(radii) if any(radii) else None, tuple(moments) if any(moments) else None)
    return Properties(
        Source(name, format, lambda: "", "mm"),
        verdict,
        (),
        "made",
        {},
        *(found.get(key) for key in figures.SCALARS),
        center_of_mass=group(Point, figures.CENTRE),
        bounding_box=box,
        inertia=group(Inertia, figures.TENSOR),
        principal=principal,
        absent=absent or {},
    )


@dataclass(frozen=True, eq=False)
class Solid:
    """A body of some boxes, in metres and kilograms."""

    area: float
    volume: float
    centre: np.ndarray
    second: np.ndarray  # ∫ r rᵀ dV about the centre
    low: np.ndarray
    high: np.ndarray
    density: float = 2700.0

    def __add__(self, other):
        volume = self.volume + other.volume
        apart = other.centre - self.centre
        return replace(
            self,
            area=self.area + other.area,
            volume=volume,
            centre=self.centre + apart * (other.volume / volume),
            second=self.second + other.second + np.outer(apart, apart) * (self.volume * other.volume / volume),
            low=np.minimum(self.low, other.low),
            high=np.maximum(self.high, other.high),
        )

    def turned(self, matrix):
        ends = np.sort([matrix @ self.low, matrix @ self.high], axis=0)
        return replace(
            self, centre=matrix @ self.centre, second=matrix @ self.second @ matrix.T, low=ends[0], high=ends[1]
        )

    def inertia(self):
        return self.density * (np.trace(self.second) * np.eye(3) - self.second)

    def numbers(self):
        tensor = self.inertia()
        moments = np.linalg.eigvalsh(tensor)
        mass = self.volume * self.density
        values = [
            *(self.area, self.volume, self.density, mass, *self.centre, *(self.high - self.low), *self.low, *self.high),
            *(tensor[0, 0], tensor[1, 1], tensor[2, 2], tensor[0, 1], tensor[1, 2], tensor[2, 0]),
            *moments,
            *np.sqrt(moments / mass),
        ]
        return dict(zip(figures.NAMES, map(float, values), strict=True))


def box(rng, spread=0.1):
    """One box somewhere, turned anyhow."""
    sides = rng.uniform(0.005, 0.06, 3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    centre = rng.uniform(-spread, spread, 3) + 0.03
    x, y, z = sides
    reach = np.abs(turn) @ sides / 2
    second = turn @ np.diag(x * y * z * sides**2 / 12) @ turn.T
    return Solid(2 * (x * y + y * z + z * x), x * y * z, centre, second, centre - reach, centre + reach)


def solid(rng, boxes=3, density=2700.0):
    """Some boxes as one body, with no symmetry."""
    parts = [replace(box(rng), density=density) for _ in range(boxes)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total, parts


def noisy(numbers, rng, relative, share=0.9):
    """Numbers off by up to a share of the tolerance that a profile gives them."""
    from massproof.figures import Span
    from massproof.profiles import Profile
    from massproof.rows import Between

    spans = {key: Span(x, x, x) for key, x in numbers.items()}
    between = Between(spans, spans, Profile("", relative, ""))
    return {key: x + share * between.bound(key).tolerance * rng.uniform(-1, 1) for key, x in numbers.items()}
