"""What a STEP file states of its parts, as its exporter computed it, against what is measured of their faces.

Validation properties are an oracle that knows nothing of us: the CAD system that made the part. Source: CAx-IF
Recommended Practices for Geometric and Assembly Validation Properties, 4.4. The labels of their units are
sometimes wrong; then the factor that explains the value is named, and the value still counts as wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from massproof import units
from massproof.errors import UsageError
from massproof.measure import of_step
from massproof.properties import SCHEMA_VERSION, Finding, Quantity, Source
from massproof.units import Unit

if TYPE_CHECKING:
    from massproof.branches import Branch, Branches
    from massproof.placed import Whole
    from massproof.stated import Stated
    from massproof.stepfile import Model

_CLOSE = 1e-3  # relative: of exporters that integrate over facets, or to a coarse tolerance
_CERTAIN = 8  # digits from which on the last one written tells the precision, and is no rounded-off zero
_FEWEST = 6  # digits that the coarsest exporter writes, as %g does
_POWERS = {"volume": 3, "area": 2, "centre": 1}
_DIMENSIONS = {"volume": "volume", "area": "area", "centre": "length", "density": "density"}
_SAME = Fraction(1, 10_000)
_DENSITY_UNITS = ("kg/m^3", "g/cm^3", "lb/in^3", "kg/mm^3", "t/mm^3")


class Agreement(StrEnum):
    """How a stated value compares with the measured one."""

    AGREES = "agrees"  # within the interval and the digits that are written
    CLOSE = "close"  # beyond these, and within a thousandth
    DISAGREES = "disagrees"
    UNIT = "wrong unit"  # what is written disagrees, and agrees in the unit that the remark names
    UNCOMPARED = "not compared"  # the remark says why


@dataclass(frozen=True, slots=True)
class Comparison:
    """One value that a file states, and the same as measured."""

    kind: str  # volume, area, centre
    of: str  # name of the product
    level: str  # part, assembly; use: a component in the frame of its assembly; shape: some solids of a part
    entity: int  # number of the instance that states it
    stated: tuple[float, ...]  # as written, in `unit`; of a centre three
    unit: str  # symbol; "" where the file's own is none that we know
    measured: tuple[Quantity, ...]  # in `unit`, or where that says nothing in the unit of the file
    difference: float | None  # relative; of centres to the diagonal of the box
    agreement: Agreement
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """A material or density that a file states."""

    kind: str  # material, density
    of: str
    entity: int
    stated: float | str
    unit: str  # as written
    density: Quantity | None  # None: not one, or its unit is not that of a density
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """All that a STEP file states of its parts, compared."""

    source: Source
    compared: tuple[Comparison, ...]
    described: tuple[Description, ...]
    findings: tuple[Finding, ...]
    method: str

    @property
    def wrong(self) -> int:
        """How many stated values disagree, in a wrong unit or in any."""
        return sum(one.agreement in (Agreement.DISAGREES, Agreement.UNIT) for one in self.compared)

    def to_dict(self) -> dict[str, Any]:
        """JSON object of this."""
        return {
            "schema_version": SCHEMA_VERSION,
            "source": {k: getattr(self.source, k) for k in ("name", "format", "sha256", "unit")},
            "method": self.method,
            "counts": {one.value: sum(c.agreement is one for c in self.compared) for one in Agreement},
            "compared": [_compared(one) for one in self.compared],
            "described": [_described(one) for one in self.described],
            "findings": [
                {"code": f.code, "message": f.message, "evidence": dict(f.evidence)} for f in self.findings
            ],
        }


def _compared(one: Comparison) -> dict[str, Any]:
    measured = [{"value": q.value, "interval": list(q.interval), "unit": q.unit.symbol} for q in one.measured]
    plain = {k: getattr(one, k) for k in ("kind", "of", "level", "entity", "unit", "difference", "remark")}
    return plain | {"stated": list(one.stated), "measured": measured, "agreement": one.agreement.value}


def _described(one: Description) -> dict[str, Any]:
    plain = {k: getattr(one, k) for k in ("kind", "of", "entity", "stated", "unit", "remark")}
    density = one.density and {"value": one.density.value, "unit": one.density.unit.symbol}
    return plain | {"density": density}


def verify(
    source: Any, *, format: str | None = None, engine: str | None = None, accuracy: float | None = None
) -> Verification:
    """Compare the volumes, areas and centres that a STEP file states with those measured of its faces.

    source, format, engine, accuracy : as `measure` takes them

    Raises what `measure` raises for a source that cannot be read, and UsageError for what is no STEP file.
    """
    of_step(engine, accuracy)
    from massproof import engines, sources
    from massproof.branches import Branches
    from massproof.brep import Drawn

    loaded = sources.load(source, format)
    if not isinstance(loaded.geometry, Drawn):
        msg = f"{loaded.name} is no STEP file: only those state what their exporter computed; give one"
        raise UsageError(msg)
    model: Model = loaded.geometry.model
    stated = loaded.stated()
    branches = Branches(model, stated, engine or engines.NATIVE, accuracy or engines.ACCURACY)
    found = [Finding(*note) for note in (*loaded.geometry.notes, *branches.notes)]
    if loaded.geometry.unit is None:
        text = f"no length unit in {loaded.name}: millimetres are assumed"
        found.append(Finding("unit-assumed", text, {"assumed": "mm"}))
    described = tuple(_descriptions(model, stated))
    found += _odd(described)
    return Verification(
        Source(loaded.name, loaded.format, loaded.digest, loaded.declared or "mm"),
        tuple(_comparisons(model, stated, branches)),
        described,
        tuple(found),
        branches.method,
    )


def _comparisons(model: Model, stated: Sequence[Stated], branches: Branches) -> Iterator[Comparison]:
    digits = _Digits([x for one in stated if one.kind in _POWERS for x in _numbers(one)])
    for one in stated:
        if one.kind in _POWERS:
            yield _comparison(model, branches, one, digits)
        elif one.kind == "notional centre":
            why = "of unit solids at the origins of the components, which is no mass property"
            yield _uncompared(model, one, why)


def _numbers(one: Stated) -> tuple[float, ...]:
    return one.value if isinstance(one.value, tuple) else (float(one.value),)


def _uncompared(model: Model, one: Stated, why: str) -> Comparison:
    label = _label(one)
    unit = label.symbol if label else ""
    return Comparison(one.kind, *_whose(model, one), _numbers(one), unit, (), None, Agreement.UNCOMPARED, why)


def _whose(model: Model, one: Stated) -> tuple[str, str, int]:
    """Name and level of what a value is of, and where it is stated."""
    from massproof import products

    level = "part"
    if one.use >= 0:
        level = "use"
    elif one.items:
        level = "shape"
    elif one.product in model.members:
        level = "assembly"
    return products.title(model.entities, one.product), level, one.number


def _label(one: Stated) -> Unit | None:
    """Our unit that a value is labelled with, None where it is none of the right dimension or not in our table."""
    if not one.factor:
        return None
    dimension = _DIMENSIONS.get(one.kind, "length")
    near = _SAME if dimension == "density" else 0  # pounds are written with four digits, and only shown
    same = (unit for unit in units.UNITS if unit.dimension == dimension)
    return next((unit for unit in same if abs(one.factor / unit.factor - 1) <= near), None)


class _Measured(NamedTuple):
    """One way to measure what is stated."""

    values: tuple[Quantity, ...]  # in SI
    scale: float  # what a difference is relative to
    remark: str = ""


def _comparison(model: Model, branches: Branches, one: Stated, digits: _Digits) -> Comparison:
    if one.product < 0:
        return _uncompared(model, one, "of no product")
    found, why = _measured(one.kind, branches.of(one.product, one.use, one.items))
    if not found:
        return _uncompared(model, one, why)
    factor = float(one.factor) if one.factor else 1.0
    ours = min(found, key=lambda each: _apart(_numbers(one), factor, each))
    agreement, remark = _judged(one, ours, digits)
    if agreement is Agreement.DISAGREES and any("tessellation" in each.budget for each in ours.values):
        agreement, remark = (
            Agreement.UNCOMPARED,
            "measured over triangles, how far from the part is not known",
        )
    label, (name, level, entity) = _label(one), _whose(model, one)
    if (one.kind, level, agreement, len(found)) == ("centre", "assembly", Agreement.DISAGREES, 1):
        remark = "parts of different density would explain it"
    unit = label or units.unit({3: "mm^3", 2: "mm^2", 1: "mm"}[_POWERS[one.kind]])
    return Comparison(
        *(one.kind, name, level, entity, _numbers(one), label.symbol if label else ""),
        tuple(value.to(unit) for value in ours.values),
        _apart(_numbers(one), factor, ours) if one.factor else None,
        agreement,
        "; ".join(text for text in (remark, ours.remark) if text),
    )


def _measured(kind: str, branch: Branch) -> tuple[list[_Measured], str]:
    """What may be meant, and why there is nothing."""
    if kind == "area":
        return _areas(branch), "it draws nothing that can be measured"
    if not branch.solids:
        return [], "it holds no solid"
    if branch.solids.unclosed:
        return [], f"{branch.solids.unclosed} of its {branch.solids.solids} solids are not closed"
    found = _weighed(branch.solids)
    if kind == "volume":
        return [_Measured((found["volume"],), found["volume"].value)], ""
    size = math.hypot(*(getattr(found["bounding_box"], side).value for side in ("length", "width", "height")))
    centres = [_Measured(tuple(found["center_of_mass"]), size)]
    if branch.weighed:
        own = tuple(_weighed(branch.weighed)["center_of_mass"])
        centres.append(_Measured(own, size, "weighed by the densities that the file states"))
    return centres, ""


def _areas(branch: Branch) -> list[_Measured]:
    """That of the solids, and where surfaces bound none, that of all; exporters mean either."""
    parts = [_weighed(one)["area"] for one in branch if one]
    found = [_Measured((one,), one.value) for one in parts]
    if len(parts) < 2:
        return found
    solids, surfaces = parts
    whole = Quantity(
        solids.value + surfaces.value,
        solids.unit,
        (solids.interval[0] + surfaces.interval[0], solids.interval[1] + surfaces.interval[1]),
    )
    return [
        _Measured((whole,), whole.value, "with its surfaces that bound no solid"),
        _Measured((solids,), solids.value, "of its solids alone"),
    ]


def _weighed(found: Whole) -> dict[str, Any]:
    from massproof import weigh
    from massproof.mass import Measured

    measured = Measured(found.area, found.body, found.lo, found.hi, found.errors, "")
    return weigh.Weighed(measured, units.unit("mm"), None, None).quantities()


def _apart(stated: Sequence[float], factor: float, ours: _Measured) -> float:
    """Relative difference of values times a factor from the measured ones."""
    pairs = zip(stated, ours.values, strict=True)
    return math.hypot(*(x * factor - q.value for x, q in pairs)) / ours.scale


def _judged(one: Stated, ours: _Measured, digits: _Digits) -> tuple[Agreement, str]:
    stated = _numbers(one)
    if one.factor:
        factor, last = float(one.factor), digits.last(stated)
        off = [abs(x * factor - q.value) for x, q in zip(stated, ours.values, strict=True)]
        if all(o <= _reach(q) + last * factor for o, q in zip(off, ours.values, strict=True)):
            return Agreement.AGREES, ""
        if _apart(stated, factor, ours) <= _CLOSE:
            return Agreement.CLOSE, ""
    right = _explaining(one, ours)
    if right is None and one.factor:
        return Agreement.DISAGREES, ""
    named = f"right in {right.symbol}" if right else f"in no unit of {_DIMENSIONS[one.kind]} is it right"
    if right and one.factor:
        times = f"{float(one.factor / right.factor):.6g}"
        return Agreement.UNIT, f"{named}; its label is a unit {times} times as large"
    return Agreement.UNIT, f"{named}; it is labelled with {_exponents(one.unit)}"


def _reach(quantity: Quantity) -> float:
    lo, hi = quantity.interval
    return max(quantity.value - lo, hi - quantity.value)


def _explaining(one: Stated, ours: _Measured) -> Unit | None:
    """The unit in which a stated value would be right."""
    same = (unit for unit in units.UNITS if unit.dimension == _DIMENSIONS[one.kind])
    return next((u for u in same if _apart(_numbers(one), float(u.factor), ours) <= _CLOSE), None)


class _Digits:
    """How many digits an exporter writes, from all that it wrote: it leaves zeros at the end out."""

    def __init__(self, numbers: Sequence[float]) -> None:
        shown = [Decimal(repr(x)).normalize().as_tuple() for x in numbers if math.isfinite(x)]
        self._most = max((len(one.digits) for one in shown), default=_FEWEST)
        self._places = max(
            (-int(one.exponent) for one in shown if len(one.digits) >= _CERTAIN), default=math.inf
        )

    def last(self, numbers: Sequence[float]) -> float:
        """One unit of the last digit that was written of the largest of these: exporters round or cut there."""
        largest = Decimal(repr(max(map(abs, numbers)))).normalize()
        own = largest.as_tuple()
        by_size = largest.adjusted() + 1 - max(self._most, _FEWEST)
        certain = int(own.exponent) if len(own.digits) >= _CERTAIN else -math.inf
        return float(10.0 ** max(by_size, certain, -self._places))


def _descriptions(model: Model, stated: Sequence[Stated]) -> Iterator[Description]:
    """Materials and densities."""
    from massproof.densities import plausible

    for one in stated:
        name, _, entity = _whose(model, one)
        if one.kind == "material":
            yield Description(one.kind, name, entity, str(one.value), "", None)
        elif one.kind == "density":
            label, value = _label(one), _numbers(one)[0]
            if one.factor:
                density = value * float(one.factor)
                found = Quantity(density, units.unit("kg/m^3"), (density, density))
                said = "" if plausible(density) else "no solid has such a density"
                yield Description(one.kind, name, entity, value, label.symbol if label else "", found, said)
            else:
                text = _exponents(one.unit)
                yield Description(one.kind, name, entity, value, text, None, _plausible(value, text))


def _odd(described: Sequence[Description]) -> list[Finding]:
    """Densities in units that are none."""
    odd = [one for one in described if one.kind == "density" and one.density is None]
    if not odd:
        return []
    text = f"{len(odd)} densities are stated in units that are none, as #{odd[0].entity}: {odd[0].stated:g}"
    return [Finding("density-unit", f"{text}, {odd[0].remark}", {"entities": [one.entity for one in odd]})]


def _exponents(unit: tuple[int, int] | None) -> str:
    """A unit by its exponents of length and mass."""
    if unit is None:
        return "a unit that cannot be read"
    powers = [(name, power) for name, power in zip(("mass", "length"), unit[::-1], strict=True) if power]
    return " × ".join(name if power == 1 else f"{name}^{power}" for name, power in powers)


def _plausible(value: float, label: str) -> str:
    """What a density with a unit that is none may mean."""
    from massproof.densities import plausible

    found = [u for u in map(units.unit, _DENSITY_UNITS) if plausible(value * float(u.factor))]
    wrong = f"{label} is no unit of density"
    if len(found) != 1:
        return wrong
    return f"{wrong}; {value:g} {found[0].symbol} would be plausible"
