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
        for key, x in ((key, float(x)) for key, x in numbers.items())
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
        principal = Principal(
            (), tuple(radii) if any(radii) else None, tuple(moments) if any(moments) else None
        )
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
            second=self.second
            + other.second
            + np.outer(apart, apart) * (self.volume * other.volume / volume),
            low=np.minimum(self.low, other.low),
            high=np.maximum(self.high, other.high),
        )

    def turned(self, matrix):
        ends = np.sort([matrix @ self.low, matrix @ self.high], axis=0)
        return replace(
            self,
            centre=matrix @ self.centre,
            second=matrix @ self.second @ matrix.T,
            low=ends[0],
            high=ends[1],
        )

    def inertia(self):
        return self.density * (np.trace(self.second) * np.eye(3) - self.second)

    def numbers(self):
        tensor = self.inertia()
        moments = np.linalg.eigvalsh(tensor)
        mass = self.volume * self.density
        values = [
            *(
                self.area,
                self.volume,
                self.density,
                mass,
                *self.centre,
                *(self.high - self.low),
                *self.low,
                *self.high,
            ),
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


# What can go wrong: each takes the numbers of a result and gives those that a wrong result would have.


def tensor(n):
    xx, yy, zz, xy, yz, zx = (n[name] for name in figures.TENSOR)
    return np.array([[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]])


def entries(t):
    return dict(
        zip(figures.TENSOR, map(float, (t[0, 0], t[1, 1], t[2, 2], t[0, 1], t[1, 2], t[2, 0])), strict=True)
    )


def times(n, factors):
    return {name: x * factors.get(name, 1.0) for name, x in n.items()}


WEIGHED = ("mass", *figures.TENSOR, *figures.MOMENTS)
UNITS = (25.4, 10.0, 100.0, 1000.0, 304.8, 0.3048, 2.54, 12.0)


def in_unit(n, k, mass=3, rho=0, inertia=5):
    """Lengths times k, and what follows from them."""
    powers = {"area": 2, "volume": 3, "mass": mass, "density": rho} | dict.fromkeys(figures.LENGTHS, 1)
    powers |= dict.fromkeys(figures.TENSOR + figures.MOMENTS, inertia)
    return {name: x * k ** powers[name] for name, x in n.items()}


def length_unit(n, rng):
    k = rng.choice(UNITS) ** rng.choice([-1.0, 1.0])
    return in_unit(n, k, *[(3, 0, 5), (3, 0, 5), (0, -3, 2)][rng.integers(3)])


Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # (x, z, −y)
ROTATIONS = (Y_UP, Y_UP.T, np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]), np.diag([-1, -1, 1]))
MIRRORS = (
    np.diag([-1, 1, 1]),
    np.diag([1, -1, 1]),
    np.diag([1, 1, -1]),
    np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
)


def in_frame(n, matrix, whole=True):
    """In other axes: the centre, and with `whole` box and inertia."""

    def vector(names):
        return np.array([n[name] for name in names])

    new = dict(n) | dict(zip(figures.CENTRE, matrix @ vector(figures.CENTRE), strict=True))
    if whole:
        ends = np.sort([matrix @ vector(figures.LOW), matrix @ vector(figures.HIGH)], axis=0)
        new |= dict(zip(figures.LOW, ends[0], strict=True)) | dict(zip(figures.HIGH, ends[1], strict=True))
        new |= dict(zip(figures.SIDES, abs(matrix) @ vector(figures.SIDES), strict=True))
        new |= entries(matrix @ tensor(n) @ matrix.T)
    return new


def frame(n, rng):
    return in_frame(n, ROTATIONS[rng.integers(len(ROTATIONS))])


def frame_of_centre(n, rng):
    return in_frame(n, ROTATIONS[rng.integers(2)], whole=False)


def mirrored(n, rng):
    return in_frame(n, MIRRORS[rng.integers(len(MIRRORS))])


def moved(n, rng):
    by = rng.uniform(-0.1, 0.1, 3)
    return n | {name: n[name] + by["xyz".index(name[-1])] for name in figures.POSITIONS}


def about_origin(n, rng):
    c = np.array([n[name] for name in figures.CENTRE])
    t = tensor(n) + n["mass"] * (c @ c * np.eye(3) - np.outer(c, c))
    own = dict(zip(figures.MOMENTS, map(float, np.linalg.eigvalsh(t)), strict=True))
    return n | entries(t) | (own if rng.random() < 0.5 else {})


def products_sign(n, rng):
    return n | {name: -n[name] for name in figures.PRODUCTS}


ORDERS = (
    ("xx", "yy", "zz", "xy", "yz", "zx"),
    ("xx", "xy", "zx", "yy", "yz", "zz"),
    ("xx", "xy", "yy", "zx", "yz", "zz"),
    ("xx", "yy", "zz", "xy", "zx", "yz"),
)


def packed(n, rng):
    i, j = rng.permutation(len(ORDERS))[:2]
    return n | {f"inertia.{b}": n[f"inertia.{a}"] for a, b in zip(ORDERS[i], ORDERS[j], strict=True)}


def transposed(n, rng):
    values, axes = np.linalg.eigh(tensor(n))
    return n | entries(axes.T @ np.diag(values) @ axes)


def of_volume(n, rng):
    return times(n, dict.fromkeys(figures.TENSOR + figures.MOMENTS, n["volume"] / n["mass"]))


def of_density(n, rho):
    return times(n, dict.fromkeys(("density", *WEIGHED), rho / n["density"]))


def density(n, rng):
    return of_density(n, rng.choice([8960.0, 1052.0, 1240.0, 4430.0, 8400.0, 1130.0]))


def default_density(n, rng):
    return of_density(n, rng.choice([1000.0, 7850.0]))


def counted(n, rng):
    return times(n, dict.fromkeys(("area", "volume", *WEIGHED), float(rng.integers(2, 6))))


LABELS = (
    (("density",), 1e-6),  # kg/cm³ for kg/m³
    (("mass",), 1000.0),  # g for kg
    (("volume",), 1e9 / 16387.064),  # in³ for m³
    (figures.TENSOR + figures.MOMENTS, 1e9),  # g·mm² for kg·m²
)


def label(n, rng):
    names, factor = LABELS[rng.integers(len(LABELS))]
    return times(n, dict.fromkeys(names, factor))


CAUSES = {
    "length-unit": length_unit,
    "frame": frame,
    "mirrored": mirrored,
    "moved": moved,
    "inertia-about-origin": about_origin,
    "products-sign": products_sign,
    "packed-tensor": packed,
    "transposed-tensor": transposed,
    "volume-inertia": of_volume,
    "density": density,
    "default-density": default_density,
    "counted": counted,
    "mislabelled-unit": label,
}
# Two of which one cannot be told from another one, or from one alone.
ALIKE = (
    {"density", "default-density"},
    {"frame", "mirrored"},  # one mirror
    {"volume-inertia", "mislabelled-unit"},  # of the inertia: one factor
    {"products-sign", "transposed-tensor"},  # axes of another sign
)
