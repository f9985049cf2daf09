"""From one format to another; what was written is measured again, and compared with the source."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from massproof import formats, units
from massproof.errors import UsageError
from massproof.measure import measure
from massproof.properties import Finding, Properties
from massproof.replacing import replaced

if TYPE_CHECKING:
    from massproof.scene import Scene

# Format and options by the suffix of what is written.
TARGETS: dict[str, tuple[str, dict[str, str]]] = {
    ".stl": ("stl", {}),
    ".stlb": ("stl", {"storage": "binary"}),
    ".stla": ("stl", {"storage": "ascii"}),
    ".obj": ("obj", {}),
    ".ply": ("ply", {}),
    ".glb": ("glb", {"storage": "binary"}),
    ".gltf": ("glb", {"storage": "standard"}),
}
_METRES = ("glb",)  # which say their unit, and have no other


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written, and how it differs from what was read."""

    files: tuple[Path, ...]  # the one that was asked for first
    format: str
    unit: str  # length unit of its coordinates
    parts: int
    triangles: int
    source: Properties
    written: Properties  # of the first file, read and measured again
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
    **options: str,
) -> Conversion:
    """Write a file or an object in another format: STL, OBJ, PLY or glTF; the suffix of `target` says which.

    source, unit, format : as `massproof.measure` takes them
    to : format, whatever the suffix says: one of TARGETS without its point
    to_unit : length unit of what is written; millimetres without it. glTF has metres
    up, forward : axes of what is written along which +z and −y of the source then lie; glTF has up +y
    deflection, angle, volume_error : of exact shapes: millimetres between facets and faces, degrees between facets,
        share of the volume of each part that facets may miss; without them what suits the size of a part
    options : storage and presentation, as `formats.<format>.write` takes them

    A file that is there is replaced when the new one is complete, not before.

    Raises what `massproof.measure` raises for a source that cannot be read, InputError when the target cannot be
    written, UsageError for a format, unit, axes or options that there are not or that facets cannot reach,
    MissingExtra for exact shapes without Open CASCADE.
    """
    from massproof import sources, tessellate

    path = Path(target)
    name, given = _target(path, to)
    fineness = tessellate.Fineness(deflection, angle, volume_error)
    if hasattr(source, "read"):
        source = source.read()  # twice
    before = measure(source, unit=unit, format=format)
    loaded = sources.load(source, format)
    scene = tessellate.scene(loaded.geometry, loaded.name, loaded.length(unit).symbol, fineness)
    length = units.unit("m" if name in _METRES else to_unit or "mm", "length").symbol
    turned = scene if (up, forward) == ("+z", "-y") else scene.turned(up, forward)
    with replaced(path) as (files, made):
        formats.write(turned.in_unit(length), name, path.name, files, given | options)
    after = measure(
        _readable(turned, name, path, given | options), unit=None if name in _METRES else length, format=name
    )
    return _found(tuple(made), name, length, scene, before, after)


def _target(path: Path, to: str | None) -> tuple[str, dict[str, str]]:
    suffix = f".{to.lower().removeprefix('.')}" if to else path.suffix.lower()
    if suffix not in TARGETS:
        known = ", ".join(one.removeprefix(".") for one in TARGETS)
        msg = f"cannot write {suffix or path.name!r}; give the target one of the suffixes {known}"
        raise UsageError(msg)
    return TARGETS[suffix]


def _readable(scene: Scene, name: str, path: Path, options: dict[str, str]) -> Any:
    """What is measured again: the file, or of a glTF, which is read as GLB only, the same in that form."""
    if name != "glb" or options.get("storage") == "binary":
        return path
    buffer = io.BytesIO()
    buffer.close = lambda: None  # type: ignore[method-assign]  # its bytes are wanted afterwards
    formats.write(scene, name, path.name, lambda _: buffer, {"storage": "binary"})
    return buffer.getvalue()


def _found(
    files: tuple[Path, ...], name: str, unit: str, scene: Scene, before: Properties, after: Properties
) -> Conversion:
    error, findings = None, []
    if before.volume and after.volume:
        error = abs(after.volume.value - before.volume.value) / before.volume.value
    elif before.volume:
        why = after.absent.get("volume", "it encloses none")
        message = f"the source encloses a volume, and what was written does not: {why}"
        findings.append(Finding("not-closed", message, {"open": [one.code for one in after.findings]}))
    parts = sum(1 for _ in scene.placed())
    return Conversion(files, name, unit, parts, scene.triangles, before, after, error, tuple(findings))
