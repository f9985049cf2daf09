"""Geometry and material in, Properties out: the one function everything else calls.

Modules that need numpy are imported when something is measured: `import massproof` stays light.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from massproof import units
from massproof.errors import NotASolid, UnitError, UsageError
from massproof.properties import Finding, Properties, Quantity, Source, Verdict
from massproof.units import Unit

if TYPE_CHECKING:
    from massproof.mass import Measured
    from massproof.sources import Loaded
    from massproof.stated import Stated
    from massproof.weigh import Density

_ASSUMED_UNIT = "mm"
_CHECKS = ("auto", "closed", "full")
_REPAIRS = (None, "estimate", "union")
_ENGINES = (None, "native", "occt", "both")
_FINEST, _COARSEST = 1e-14, 1e-2  # between what float64 holds and what is worth calling a measurement
_LEAST = 1e-30  # kg or kg/m³: less is a slip of the pen, and its square would underflow
# Largest sides, in millimetres, outside which a part in millimetres is rare enough to say so.
_SMALL, _LARGE = 0.5, 10_000.0


def measure(
    source: Any,
    *,
    unit: str | None = None,
    material: str | None = None,
    density: str | Quantity | None = None,
    mass: str | Quantity | None = None,
    format: str | None = None,
    strict: bool = False,
    check: str = "auto",
    weld: float | None = None,
    repair: str | None = None,
    engine: str | None = None,
    accuracy: float | None = None,
) -> Properties:
    """Measure a file or an object: area, volume, mass, centre of mass, inertia, bounding box.

    source : path, bytes, binary file object, (vertices, faces), trimesh.Trimesh, CadQuery Workplane,
        Shape or Assembly, build123d shape, or an OCCT shape
    unit : length unit of a source that declares none ("mm", "inch", ...); without it millimetres are
        assumed and a finding says so
    material : a name of the materials table; its density and the range of it are used
    density : "2.7 g/cm^3";  mass : "85 g", of the whole; give at most one of material, density, mass.
        Without any, parts of a STEP file weigh what the densities that it states of them say, and a finding tells which
    format : "stl", "step", ...; without it a suffix decides, and without that the first bytes
    strict : raise instead of assuming a unit, and when no volume is defined
    check : of a mesh, "closed": one pass proves that it is closed and consistently wound; "full": also whether
        it intersects itself and bodies overlap; "auto": full below 200 000 triangles. What was not looked for is
        a finding, and the verdict then BOUNDED
    weld : corners of open edges of a mesh at most this far apart, in its own unit, are taken as one if that
        closes it; without it up to a millionth of the diagonal
    repair : "estimate" caps the holes of a mesh; "union" looks for what its bodies share, whatever `check` says, and
        counts it once (extra `union`). Either is a finding, and `not-united` says why there is no union
    engine : of a STEP file, "native" integrates its exact faces, and leaves what it cannot do to Open CASCADE
        (extra `step`); "occt": that alone; "both": a finding says whether they agree within their errors
    accuracy : of native integration, relative; 1e-9 without it

    Values are in SI, with the interval that encloses each and what is not known about it. The formulas
    and their sources are documented in `kernels.formulas` and `mass`.

    Raises InputError when the source cannot be opened, FormatError when it is malformed, UnitError,
    UnknownMaterial and UsageError for arguments that mean nothing, MissingExtra when a reader needs an
    optional dependency; with `strict` also UnitError without a unit and NotASolid without a volume.
    """
    begun = begin(
        source,
        unit=unit,
        material=material,
        density=density,
        mass=mass,
        format=format,
        strict=strict,
        check=check,
        weld=weld,
        repair=repair,
        engine=engine,
        accuracy=accuracy,
    )
    from massproof import sources

    loaded, stated = begun.loaded, begun.stated
    return report(loaded, sources.integrate(loaded, stated=stated, **begun.options), stated, begun.asked)


class Asked(NamedTuple):
    """What is reported, and how it weighs."""

    unit: Unit | None  # of a source without any
    material: str | None
    given: Density | None
    total: float | None  # kg, of the whole
    strict: bool = False


class Begun(NamedTuple):
    """A source that was loaded, and what is asked of it."""

    loaded: Loaded
    stated: tuple[Stated, ...]  # what it states of its parts, where that decides what they weigh
    options: dict[str, Any]  # of `sources.integrate`
    asked: Asked


def begin(
    source: Any,
    *,
    unit: str | None = None,
    material: str | None = None,
    density: str | Quantity | None = None,
    mass: str | Quantity | None = None,
    format: str | None = None,
    strict: bool = False,
    check: str = "auto",
    weld: float | None = None,
    repair: str | None = None,
    engine: str | None = None,
    accuracy: float | None = None,
) -> Begun:
    """Load what `measure` is asked to measure, with its options; raises what it raises of them and of the source."""
    if sum(x is not None for x in (material, density, mass)) > 1:
        msg = "give one of material, density and mass: each fixes the others"
        raise UsageError(msg)
    options = _options(check, weld, repair) | of_step(engine, accuracy)
    total = None if mass is None else _given(mass, "mass")
    asked = units.unit(unit, "length") if unit is not None else None

    from massproof import files

    source = files.opened(source)  # before numpy is imported, so that it can be hashed meanwhile
    from massproof import sources

    given = _density(material, density)
    loaded = sources.load(source, format)
    stated = loaded.weighed() if given is None and total is None else ()
    return Begun(loaded, stated, options, Asked(asked, material, given, total, strict))


def report(
    loaded: Loaded, measured: Measured, stated: Sequence[Stated], asked: Asked, side: float | None = None
) -> Properties:
    """What was integrated, in SI, with the intervals, findings and reasons that belong to it.

    stated : of what was measured;  side : longest of the whole that it is part of, if it is part of one

    Raises, if `asked` is strict, UnitError without a unit and NotASolid without a volume.
    """
    from massproof import weigh

    findings = [Finding(*note) for note in measured.notes]
    side = float((measured.high - measured.low).max()) if side is None else side
    length = _length_unit(loaded, asked, side, findings)
    if asked.strict and measured.body is None:
        raise NotASolid(measured.absent)
    given = asked.given
    findings += _stated_density(stated, measured) if stated else []
    source = _density_source(stated, measured, asked.material)
    if measured.weighted:
        own = measured.weighted
        measured = replace(measured, body=own.body, errors=own.errors)
        given = weigh.Density(own.density, own.density - own.off, own.density + own.off)
    found = weigh.Weighed(measured, length, given, asked.total).quantities()
    absent = _absent(found, measured.absent, findings)
    return Properties(
        Source(loaded.name, loaded.format, loaded.digest, loaded.declared or length.symbol),
        _verdict(measured, findings),
        tuple(findings),
        measured.method,
        loaded.provenance() | measured.versions | source,
        absent=absent,
        **found,
    )


def _options(check: str, weld: float | None, repair: str | None) -> dict[str, Any]:
    if check not in _CHECKS:
        msg = f"check={check!r} is unknown; use one of {', '.join(_CHECKS)}"
        raise UsageError(msg)
    if repair not in _REPAIRS:
        msg = f"repair={repair!r} is unknown; use estimate or union"
        raise UsageError(msg)
    if weld is not None and not 0 < weld < math.inf:
        msg = f"weld must be a length greater than zero and finite, in the unit of the file, got {weld}"
        raise UsageError(msg)
    return {"check": check, "weld": weld, "repair": repair}


def of_step(engine: str | None, accuracy: float | None) -> dict[str, Any]:
    """Options of STEP files by name; raises UsageError for what means nothing."""
    if engine not in _ENGINES:
        msg = f"engine={engine!r} is unknown; use native, occt or both"
        raise UsageError(msg)
    if accuracy is not None and not _FINEST <= accuracy <= _COARSEST:
        msg = f"accuracy must be relative, from {_FINEST:g} to {_COARSEST:g}, got {accuracy}"
        raise UsageError(msg)
    return {"engine": engine, "accuracy": accuracy}


def _density(material: str | None, density: str | Quantity | None) -> Density | None:
    from massproof.weigh import Density

    if material is not None:
        from massproof import materials

        row = materials.material(str(material))
        return Density(row.density, row.low, row.high)
    if density is None:
        return None
    value = _given(density, "density")
    if isinstance(density, Quantity):  # a measured one keeps its interval
        low, high = density.to(units.SYSTEMS["SI"]["density"]).interval
        return Density(value, low, high)
    return Density(value, value, value)


def _stated_density(stated: Sequence[Stated], measured: Measured) -> list[Finding]:
    """Which densities the file itself states, and whether they are used: never in silence."""
    from massproof.densities import listed

    found, odd, names = listed(stated)
    used = measured.weighted is not None
    named = ", ".join(f"{density:.6g}" for density in found or odd)
    called = f" ({', '.join(names)})" if names else ""
    if used:
        text = f"no density is given: that which the file states of its parts is used, {named} kg/m³{called}"
    elif found:
        text = (
            f"the file states {named} kg/m³ as density of its parts{called}, which is not used: not each of them has a "
            "volume and one density that a solid can have; give one"
        )
    elif odd:
        text = (
            f"the file states {named}{called} as density, in no unit of density, which is not used; give one"
        )
    elif names:
        text = (
            f"the file states what its parts are made of{called} and no density; give a material or a density"
        )
    else:
        return []
    return [
        Finding("density-stated", text, {"densities": found, "odd": odd, "materials": names, "used": used})
    ]


def _density_source(stated: Sequence[Stated], measured: Measured, material: str | None) -> dict[str, str]:
    if measured.weighted:
        from massproof.densities import listed

        names = listed(stated).materials
        return {"density_source": "stated in the file"} | ({"material": ", ".join(names)} if names else {})
    if material is None:
        return {}
    from massproof import materials

    row = materials.material(material)
    return {"material": row.name, "density_source": row.source}


def _given(text: str | Quantity, dimension: str) -> float:
    """A positive quantity in SI from text or Quantity."""
    if isinstance(text, Quantity):
        value = text.to(units.SYSTEMS["SI"][dimension]).value
    else:
        value = units.parse(text, dimension)
    if not _LEAST < value < 1 / _LEAST:
        msg = f"a {dimension} must be greater than zero and finite, got {text}"
        raise UnitError(msg)
    return value


def _length_unit(loaded: Loaded, wanted: Asked, side: float, findings: list[Finding]) -> Unit:
    """The length unit of the coordinates: the source's own, else the one asked for, else millimetres."""
    asked = wanted.unit
    if loaded.unit is not None:
        own = units.unit(loaded.unit, "length")
        if asked is not None and loaded.declared and asked.symbol != loaded.declared:
            text = f"the file declares its own unit, {loaded.declared}; unit={asked.symbol} was not used"
            findings.append(Finding("unit-declared", text, {"declared": loaded.declared}))
        return own
    if asked is not None:
        return asked
    if wanted.strict:
        msg = f"{loaded.name} carries no length unit and strict assumes none; give one: unit='mm', --unit mm"
        raise UnitError(msg)
    text = f"no length unit in {loaded.name}: millimetres are assumed; give one with unit= or --unit"
    if not _SMALL <= side <= _LARGE:
        other = "metres or inches" if side < _SMALL else "micrometres"
        text += f". Its largest side would be {side:g} mm, so it may be in {other}"
    findings.append(Finding("unit-assumed", text, {"assumed": _ASSUMED_UNIT, "largest_side": side}))
    return units.unit(_ASSUMED_UNIT)


def _verdict(measured: Measured, findings: list[Finding]) -> Verdict:
    if measured.body is None:
        return Verdict.UNSAFE
    assumed = any(finding.code == "unit-assumed" for finding in findings)
    return Verdict.BOUNDED if assumed or measured.bounded else Verdict.SOUND


def _absent(found: dict[str, Any], no_solid: str, findings: list[Finding]) -> dict[str, str]:
    """Why each property that is None does not exist; without a density, a finding says so too."""
    no_density = "no density is known: give a material, a density or, for a closed part, the mass"
    if found["mass"] is not None and found["density"] is None:
        no_density = "the mass is given, but without a volume it gives no density"
    if found["density"] is None:
        findings.append(Finding("no-density", no_density + "; mass and inertia need one"))
    needs_solid = {"volume", "center_of_mass", "principal"}
    return {
        name: no_solid if no_solid and (name in needs_solid or found["density"]) else no_density
        for name, value in found.items()
        if value is None
    }
