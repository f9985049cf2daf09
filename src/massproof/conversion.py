"""From one format to another; what was written is measured again, and compared with the source."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from massproof import formats, replacing, units
from massproof.errors import UsageError
from massproof.measure import measure
from massproof.properties import Finding, Properties

if TYPE_CHECKING:
    from massproof.brep import Brep, Drawn
    from massproof.mesh import Floats
    from massproof.scene import Scene
    from massproof.selection import Parts
    from massproof.sources import Loaded
    from massproof.tessellate import Fineness

# Format and options by the suffix of what is written.
TARGETS: dict[str, tuple[str, dict[str, str]]] = {
    ".stl": ("stl", {}),
    ".stlb": ("stl", {"storage": "binary"}),
    ".stla": ("stl", {"storage": "ascii"}),
    ".obj": ("obj", {}),
    ".ply": ("ply", {}),
    ".glb": ("glb", {"storage": "binary"}),
    ".gltf": ("glb", {"storage": "standard"}),
    ".step": ("step", {}),
    ".stp": ("step", {}),
}
STRUCTURES = ("single", "multiple")  # of files, the usual one first
_UNSAFE = re.compile(r"[^\w.+-]+")  # in the name of a file
_LONGEST = 40  # letters of a part's name that a file's name has
_METRES = ("glb",)  # which have no other unit
_OWN = ("glb", "step")  # which say their unit
_USUAL = {"step": "m"}  # unit where none is asked for; of others millimetres
_LEFT = (
    "of some parts of a STEP file names and colours are written, and no layers, no colours of one place alone, and "
    "nothing that is stated of an assembly"
)
_DIGITS = 1e-12  # relative: what writing coordinates in another unit rounds, beyond all intervals


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written, and how it differs from what was read."""

    files: tuple[Path, ...]  # the one that was asked for first, or those of the parts in their order
    format: str
    unit: str  # length unit of its coordinates
    parts: int
    triangles: int  # 0 of exact faces
    source: Properties
    written: (
        Properties  # of the first file, or of a file for each part of all together, read and measured again
    )
    volume_error: float | None  # |written − source| / source; None where either encloses no volume
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON object of this."""
        return {
            "files": [str(path) for path in self.files],
            "format": self.format,
            "unit": self.unit,
            "parts": self.parts,
            "triangles": self.triangles,
            "volumeError": self.volume_error,
            "findings": [
                {"code": one.code, "message": one.message, "evidence": dict(one.evidence)}
                for one in self.findings
            ],
            "source": self.source.to_dict(),
            "written": self.written.to_dict(),
        }


def convert(
    source: Any,
    target: str | os.PathLike[str],
    *,
    unit: str | None = None,
    format: str | None = None,
    to: str | None = None,
    to_unit: str | None = None,
    up: str = "+z",
    forward: str = "-y",
    deflection: float | None = None,
    angle: float | None = None,
    volume_error: float | None = None,
    parts: Parts = (),
    structure: str = STRUCTURES[0],
    **options: str,
) -> Conversion:
    """Write a file or an object in another format: STL, OBJ, PLY, glTF or STEP; the suffix of `target` says which.

    source, unit, format : as `massproof.measure` takes them
    to : format, whatever the suffix says: one of TARGETS without its point
    to_unit : length unit of what is written; millimetres without it, of STEP metres. glTF has no other than metres
    up, forward : axes of what is written along which +z and −y of the source then lie, of glTF +y and +z; a glTF
        that is written has its own up, +y
    deflection, angle, volume_error : of exact shapes: millimetres between facets and faces, degrees between facets,
        share of the volume of each part that facets may miss; without them what suits the size of a part
    parts : names or numbers of what is written, where it stands; all without any. A name means every part and group
        that has it, a number, from 0 on, is that in the order of the tree, groups before what is in them
    structure : "single", or "multiple": a file for each part, called as part_1-plate.stl; all of them or none
    options : storage, presentation and protocol, as `formats.<format>.write` takes them

    STEP of an exact shape is exact, with the assembly, names, colours, layers and validation properties of a STEP file;
    materials, dimensions and tolerances are left out. STEP of a mesh has a plane face for each triangle, and says so.
    Some parts of a STEP file keep their tree, names and the colours that they have everywhere.

    A file that is there is replaced when the new one is complete, not before.

    Raises what `massproof.measure` raises for a source that cannot be read, InputError when the target cannot be
    written, UsageError for a format, unit, axes, parts or options that there are not or that facets cannot reach,
    MissingExtra for exact shapes without Open CASCADE.
    """
    from massproof import sources, tessellate
    from massproof.brep import Brep, Drawn
    from massproof.scene import frame

    path = Path(target)
    name, given = _target(path, to)
    fineness = tessellate.Fineness(deflection, angle, volume_error)
    turn = frame(up, forward)  # refused before anything is read
    _require_structure(structure, name)
    loaded = sources.load(source, format)
    turn = turn @ frame(*loaded.upright).T
    length = units.unit("m" if name in _METRES else to_unit or _USUAL.get(name, "mm"), "length").symbol
    job = _Job(path, name, length, turn, given | options, structure == STRUCTURES[1])
    if name == "step" and isinstance(loaded.geometry, (Brep, Drawn)):
        if fineness != tessellate.Fineness():
            msg = f"{loaded.name} becomes STEP with exact faces: leave out deflection, angle and volume error"
            raise UsageError(msg)
        before, made = _exact(loaded, parts, unit, job)
    else:
        before, made = _drawn(loaded, parts, unit, fineness, job)
    del loaded  # and all coordinates, before others are read
    after = measure(_again(made, job), unit=None if name in _OWN else length, format=name)
    findings = (*made.findings, *_findings(before, after, turn if name == "step" else None))
    files, error = tuple(made.files), _error(before, after)
    return Conversion(files, name, length, made.parts, made.triangles, before, after, error, findings)


class _Job(NamedTuple):
    """What is to be written."""

    path: Path
    format: str
    unit: str
    turn: Floats  # (4, 4)
    options: dict[str, str]
    multiple: bool


class _Made(NamedTuple):
    """What was written."""

    files: list[Path]
    parts: int
    triangles: int
    again: list[Any]  # what is measured again, together
    findings: list[Finding]


def _exact(loaded: Loaded, parts: Parts, unit: str | None, job: _Job) -> tuple[Properties, _Made]:
    """Write exact shapes as STEP; how they measure."""
    from massproof import choice, rewrite
    from massproof.brep import Drawn

    formats.require_options("step", job.options)
    findings: list[Finding] = []
    roots = None
    exact = cast("Brep | Drawn", loaded.geometry)
    if parts or isinstance(parts, int):
        chosen = choice.of(loaded, parts)
        loaded, findings = chosen.loaded(), chosen.findings()
        if isinstance(exact, Drawn) and not chosen.all:
            roots = chosen.roots
            findings.append(Finding("layers-left", _LEFT))
        else:
            exact = cast("Brep | Drawn", loaded.geometry)
    before = measure(loaded, unit=unit)
    data, count = rewrite.step(exact, job.path.stem, job.unit, job.turn, roots=roots, **job.options)
    replacing.write(job.path, data)
    return before, _Made([job.path], count, 0, [job.path], findings)


def _drawn(
    loaded: Loaded, parts: Parts, unit: str | None, fineness: Fineness, job: _Job
) -> tuple[Properties, _Made]:
    """Write the facets of what was loaded, in one file or in several; how it measures."""
    from massproof import choice

    chosen = choice.of(loaded, parts)
    before = measure(chosen.loaded(), unit=unit)
    scene = chosen.scene(unit, fineness).moved(job.turn)
    count, triangles, findings = sum(1 for _ in scene.placed()), scene.triangles, chosen.findings()
    pieces = _pieces(scene, job.path) if job.multiple else [(job.path.name, scene)]
    with replacing.replaced(job.path) as (files, made):
        for name, piece in pieces:
            formats.write(piece.in_unit(job.unit), job.format, name, files, job.options)
    again = [_readable(piece, job, name) for name, piece in pieces]
    return before, _Made(made, count, triangles, again, findings)


def _pieces(scene: Scene, path: Path) -> list[tuple[str, Scene]]:
    """Names of files and what is in them: every part, where it stands."""
    from massproof.scene import Occurrence, Scene

    found = []
    for number, placed in enumerate(scene.placed(), 1):
        shade = None if placed.colour == placed.definition.colour else placed.colour
        root = Occurrence(placed.path[-1], placed.matrix, 0, colour=shade)
        name = f"{path.stem}_{number}-{_UNSAFE.sub('_', root.name)[:_LONGEST]}{path.suffix}"
        found.append((name, Scene(scene.unit, (placed.definition,), (root,))))
    return found


def _again(made: _Made, job: _Job) -> Any:
    """What was written, to be measured."""
    from massproof import sources

    if len(made.again) == 1:
        return made.again[0]
    return sources.joined([sources.load(one, job.format) for one in made.again])


def _require_structure(structure: str, name: str) -> None:
    if structure not in STRUCTURES:
        msg = f"the structure of files is {' or '.join(STRUCTURES)}, not {structure!r}"
        raise UsageError(msg)
    if structure == STRUCTURES[1] and name == "step":
        msg = "STEP is one file with all its parts: leave out the structure, or write a mesh format"
        raise UsageError(msg)


def _target(path: Path, to: str | None) -> tuple[str, dict[str, str]]:
    suffix = f".{to.lower().removeprefix('.')}" if to else path.suffix.lower()
    if suffix not in TARGETS:
        known = ", ".join(one.removeprefix(".") for one in TARGETS)
        msg = f"cannot write {suffix or path.name!r}; give the target one of the suffixes {known}"
        raise UsageError(msg)
    return TARGETS[suffix]


def _readable(scene: Scene, job: _Job, name: str) -> Any:
    """What is measured again: the file, or of a glTF, which is read as GLB only, the same in that form."""
    if job.format != "glb" or job.options.get("storage") == "binary":
        return job.path.parent / name
    buffer = io.BytesIO()
    buffer.close = lambda: None  # type: ignore[method-assign]  # its bytes are wanted afterwards
    formats.write(scene, job.format, name, lambda _: buffer, {"storage": "binary"})
    return buffer.getvalue()


def _error(before: Properties, after: Properties) -> float | None:
    if before.volume and after.volume:
        return abs(after.volume.value - before.volume.value) / before.volume.value
    return None


def _findings(before: Properties, after: Properties, turn: Floats | None) -> list[Finding]:
    """What to say of how they differ; turn : (4, 4) by which one was turned, where they should not differ at all."""
    findings = []
    if before.volume and not after.volume:
        why = after.absent.get("volume", "it encloses none")
        message = f"the source encloses a volume, and what was written does not: {why}"
        findings.append(Finding("not-closed", message, {"open": [one.code for one in after.findings]}))
    if turn is not None and (apart := _apart(before, after, turn)):
        named = ", ".join(f"{name} {old!r} and {new!r}" for name, (old, new) in apart.items())
        message = f"the source and what was written differ by more than their intervals: {named}"
        findings.append(Finding("differs", message, {name: list(pair) for name, pair in apart.items()}))
    return findings


def _apart(
    before: Properties, after: Properties, turn: Floats
) -> dict[str, tuple[float | None, float | None]]:
    """What differs beyond both intervals, in SI."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for name in ("volume", "area"):
        old, new = getattr(before, name), getattr(after, name)
        if new and not (old and _agree(old.interval, new.interval, new.value)):
            found[name] = old and old.value, new.value
    box = before.bounding_box
    if before.center_of_mass and after.center_of_mass and box and box.min and box.max:
        reach = max(abs(corner.value) for corner in (*box.min, *box.max))
        rows = turn[:3, :3].tolist()
        for axis, row, new in zip("xyz", rows, after.center_of_mass, strict=True):
            sign, old = next((s, q) for s, q in zip(row, before.center_of_mass, strict=True) if s)
            low, high = sorted(sign * bound for bound in old.interval)
            if not _agree((low, high), new.interval, reach):
                found[f"centre {axis}"] = sign * old.value, new.value
    return found


def _agree(first: tuple[float, float], second: tuple[float, float], size: float) -> bool:
    """Whether two intervals meet, after what writing numbers of this size may move them by."""
    return max(first[0], second[0]) - min(first[1], second[1]) <= _DIGITS * size
