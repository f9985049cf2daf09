"""The result: each quantity with its unit, interval and budget; what is absent, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from massproof import units
from massproof.errors import UsageError
from massproof.units import Unit

SCHEMA_VERSION = "1"


class Verdict(StrEnum):
    """What the numbers of a result are worth."""

    SOUND = "SOUND"  # each number is enclosed by its interval
    BOUNDED = "BOUNDED"  # usable, with a stated wider interval or assumption
    UNSAFE = "UNSAFE"  # the input does not define a volume


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the input that its user should know, with the numbers that show it."""

    code: str  # stable word for machines
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Quantity:
    """A number, its unit, the interval that encloses it, and where the width comes from.

    A measured quantity is in SI; `to` expresses it in another unit, interval and budget with it.
    """

    value: float
    unit: Unit
    interval: tuple[float, float]  # (lo, hi), in `unit`
    # Half width by cause, in `unit`: rounding, file-precision, tessellation, integration,
    # density, ...; None: this cause exists and its size is not known, so it is not in the interval.
    budget: Mapping[str, float | None] = field(default_factory=dict)

    def to(self, name: str | Unit) -> Quantity:
        """The same quantity in another unit; raises UnitError when that has another dimension."""
        new = units.unit(name)
        if new.factor == self.unit.factor and new.dimension == self.unit.dimension:
            return Quantity(self.value, new, self.interval, self.budget)
        known = [half for half in self.budget.values() if half is not None]
        value, lo, hi, *halves = self.unit.convert(new, [self.value, *self.interval, *known])
        rest = iter(halves)
        return Quantity(
            value,
            new,
            (math.nextafter(lo, -math.inf), math.nextafter(hi, math.inf)),  # the rounding above
            {cause: None if half is None else next(rest) for cause, half in self.budget.items()},
        )

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value!r} {self.unit.symbol}"

    def __repr__(self) -> str:
        lo, hi = self.interval
        return f"<{self.value:.12g} {self.unit.symbol} in [{lo:.12g}, {hi:.12g}]>"

    def __format__(self, spec: str) -> str:
        """`f"{q:.3f}"` formats the value, `f"{q:.3f cm^3}"` converts first and adds the unit."""
        number, _, name = spec.partition(" ")
        if name:
            return f"{self.to(name).value:{number}} {units.unit(name).symbol}"
        return f"{self.value:{number}}" if number else str(self)

    def to_dict(self, name: str, system: Mapping[str, Unit]) -> dict[str, Any]:
        """JSON object of this quantity, called `name`, in the unit that `system` gives it."""
        q = self.to(system[self.unit.dimension])
        return {
            "value": q.value,
            "displayValue": repr(q.value),
            "definition": {
                "name": name,
                "specification": q.unit.dimension,
                "units": {"id": q.unit.symbol, "name": q.unit.name},
            },
            "interval": [_finite(bound) for bound in q.interval],
            "budget": {cause: _finite(half) for cause, half in q.budget.items()},
        }


def _finite(bound: float | None) -> float | None:
    """JSON has no infinity: what is not bounded is null."""
    return bound if bound is not None and math.isfinite(bound) else None


@dataclass(frozen=True, slots=True)
class Point:
    """Three lengths in the frame of the file."""

    x: Quantity
    y: Quantity
    z: Quantity

    def __iter__(self) -> Iterator[Quantity]:
        return iter((self.x, self.y, self.z))

    def to(self, name: str) -> tuple[float, float, float]:
        """The three coordinates as plain numbers in the unit `name`."""
        return (self.x.to(name).value, self.y.to(name).value, self.z.to(name).value)


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned bounding box: length along x, width along y, height along z.

    Its corners are None where a service told the three lengths only; whatever was measured has them.
    """

    min: Point | None
    max: Point | None
    length: Quantity
    width: Quantity
    height: Quantity


@dataclass(frozen=True, slots=True)
class Inertia:
    """Inertia tensor I = ∫ (|r|² 1 − r rᵀ) dm about the centre of mass, axes parallel to the file's.

    The off-diagonal entries are the negated products of inertia: xy = −∫ x y dm.
    """

    xx: Quantity
    yy: Quantity
    zz: Quantity
    xy: Quantity
    yz: Quantity
    zx: Quantity

    def matrix(self, name: str = "kg*m^2") -> list[list[float]]:
        """The symmetric 3 × 3 tensor as plain numbers in the unit `name`."""
        xx, yy, zz, xy, yz, zx = (getattr(self, k).to(name).value for k in self.__slots__)
        return [[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]]


@dataclass(frozen=True, slots=True)
class Principal:
    """Principal axes through the centre of mass, in ascending order of their moments.

    radii : radii of gyration √(I/m) about those axes: they need no density
    axes : rows are unit vectors, right-handed
    """

    axes: tuple[tuple[float, float, float], ...]
    radii: tuple[Quantity, Quantity, Quantity]
    moments: tuple[Quantity, Quantity, Quantity] | None  # None without a density


@dataclass(frozen=True, slots=True)
class Source:
    """What was measured."""

    name: str
    format: str
    digest: Callable[[], str] = field(repr=False, compare=False)
    unit: str  # the length unit that its coordinates were read in

    @property
    def sha256(self) -> str:
        """Of the bytes read, or of the vertex and face arrays; a large file is hashed when this is asked for.

        Raises InputError when the file has changed since it was measured.
        """
        return self.digest()


@dataclass(frozen=True, slots=True, repr=False)
class Properties:
    """Everything measured of one input. A value that does not exist is None; `absent` says why."""

    source: Source
    verdict: Verdict
    findings: tuple[Finding, ...]
    method: str
    provenance: Mapping[str, str]  # versions of what computed this
    area: Quantity | None
    volume: Quantity | None
    density: Quantity | None
    mass: Quantity | None
    center_of_mass: Point | None
    bounding_box: Box | None
    inertia: Inertia | None
    principal: Principal | None
    absent: Mapping[str, str] = field(default_factory=dict)  # field name → why it is None

    def __repr__(self) -> str:
        names = ("area", "volume", "density", "mass")
        known = ", ".join(f"{name} {q}" for name in names if (q := getattr(self, name)))
        codes = ", ".join(f.code for f in self.findings) or "no findings"
        return f"<{self.source.name}: {self.verdict}, {known}; {codes}>"

    @property
    def radii_of_gyration(self) -> tuple[Quantity, Quantity, Quantity] | None:
        """Radii of gyration about the principal axes, ascending."""
        return self.principal.radii if self.principal else None

    @property
    def principal_moments(self) -> tuple[Quantity, Quantity, Quantity] | None:
        """Principal moments of inertia about the centre of mass, ascending."""
        return self.principal.moments if self.principal else None

    @property
    def principal_axes(self) -> tuple[tuple[float, float, float], ...] | None:
        """Unit vectors of the principal axes, one a row, in the order of the moments."""
        return self.principal.axes if self.principal else None

    def agrees_with(self, other: Any, *, profile: str | None = None, **options: Any) -> Any:
        """`massproof.compare` of this with another result: a Comparison, which is true where they agree.

        In a test: `assert part.agrees_with("fusion.json", profile="fusion-low")`; the pytest plugin prints the table.
        Raises what `compare` raises.
        """
        return COMPARE["agrees_with"](self, other, profile=profile, **options)

    @staticmethod
    def from_dict(document: Any) -> Properties:
        """The result that a JSON object of `to_dict` holds, in SI exactly what was measured.

        Raises FormatError for what is malformed, RemoteError for a report of a file that could not be measured.
        """
        found: Properties = READERS["native"](document)
        return found

    def to_dict(self, dialect: str = "native", units: str = "SI", **options: Any) -> Any:
        """JSON object of this result in the shape of `dialect`; of some dialects a list.

        dialect : "native" (docs/schema/native-1.json) or one that `massproof.dialects` lists
        units : unit system of the native values: SI, mm, cm, inch or ft
        options : those of the dialect's `emit`, as docs/dialects.md lists them

        Raises UsageError for an unknown dialect, UnitError for an unknown system.
        """
        if dialect == "native":
            return _native(self, units)
        if dialect not in DIALECTS:
            msg = f"unknown dialect {dialect!r}; use one of native, {', '.join(sorted(DIALECTS))}"
            raise UsageError(msg)
        return DIALECTS[dialect](self, **options)


# Writers of vendors' shapes. They know this module and not the other way round: the room above,
# `massproof.dialects`, enters its members here when the package is imported.
DIALECTS: dict[str, Callable[..., Any]] = {}
READERS: dict[str, Callable[..., Any]] = {}  # of the same shapes
COMPARE: dict[str, Callable[..., Any]] = {}  # the same for `massproof.compare`


def _native(result: Properties, units_name: str) -> dict[str, Any]:
    system = units.system(units_name)

    def plain(quantity: Quantity | None, name: str) -> dict[str, Any] | None:
        return quantity.to_dict(name, system) if quantity else None

    return {
        "schema_version": SCHEMA_VERSION,
        "source": {k: getattr(result.source, k) for k in ("name", "format", "sha256", "unit")},
        "verdict": result.verdict.value,
        "findings": [
            {"code": f.code, "message": f.message, "evidence": dict(f.evidence)} for f in result.findings
        ],
        "method": result.method,
        "provenance": dict(result.provenance),
        "properties": {
            "area": plain(result.area, "Area"),
            "volume": plain(result.volume, "Volume"),
            "density": plain(result.density, "Density"),
            "mass": plain(result.mass, "Mass"),
            "centerOfMass": _point(result.center_of_mass, system),
            "boundingBox": _box(result.bounding_box, system),
            "inertia": _inertia(result.inertia, system),
            "principal": _principal(result.principal, system),
        },
        "absent": dict(result.absent),
    }


def _point(point: Point | None, system: Mapping[str, Unit]) -> dict[str, Any] | None:
    if point is None:
        return None
    return {k: getattr(point, k).to_dict(f"Center of mass {k.upper()}", system) for k in "xyz"}


def _box(box: Box | None, system: Mapping[str, Unit]) -> dict[str, Any] | None:
    if box is None:
        return None
    sides = ("length", "width", "height")
    corners = {k: _corner(getattr(box, k), system["length"]) for k in ("min", "max")}
    return {k: getattr(box, k).to_dict(k.capitalize(), system) for k in sides} | corners


def _corner(corner: Point | None, unit: Unit) -> list[float] | None:
    return [q.to(unit).value for q in corner] if corner else None


def _inertia(inertia: Inertia | None, system: Mapping[str, Unit]) -> dict[str, Any] | None:
    if inertia is None:
        return None
    entries = {k: getattr(inertia, k).to_dict(f"Inertia {k}", system) for k in Inertia.__slots__}
    return {"about": "centerOfMass", "tensor": inertia.matrix(system["inertia"].symbol)} | entries


def _principal(principal: Principal | None, system: Mapping[str, Unit]) -> dict[str, Any] | None:
    if principal is None:
        return None
    moments = principal.moments
    return {
        "axes": [list(axis) for axis in principal.axes],
        "radiiOfGyration": [q.to_dict("Radius of gyration", system) for q in principal.radii],
        "moments": [q.to_dict("Principal moment", system) for q in moments] if moments else None,
    }
