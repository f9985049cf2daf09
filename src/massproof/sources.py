"""What may be measured: paths, bytes, arrays, meshes and CAD objects become geometry here."""

from __future__ import annotations

import hashlib
import platform
import stat
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np

from massproof import enclosure, formats, occt, solids, units
from massproof.brep import Brep
from massproof.errors import FormatError, InputError, UnitError
from massproof.mass import Measured
from massproof.mesh import Mesh, as_mesh


@dataclass(frozen=True, eq=False, slots=True)
class Loaded:
    """Geometry with what is known of where it came from."""

    geometry: Mesh | Brep
    name: str
    format: str
    sha256: str

    @property
    def unit(self) -> str | None:
        """Length unit of the coordinates, None when the source carries none."""
        return self.geometry.unit

    @property
    def declared(self) -> str:
        """Length unit that the source itself states, by our symbol where we know it; "" if none."""
        own = self.geometry.declared if isinstance(self.geometry, Brep) else self.geometry.unit
        try:
            return units.unit(own, "length").symbol if own else ""
        except UnitError:  # several, or a word of the exporter's own: the coordinates are converted
            return own or ""

    def provenance(self) -> dict[str, str]:
        """Versions of everything that computed with this geometry."""
        return _versions() | ({"OCCT": occt.version()} if isinstance(self.geometry, Brep) else {})


@cache
def _versions() -> dict[str, str]:
    return {
        "massproof": version("massproof"),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def load(source: Any, format: str | None = None) -> Loaded:
    """Geometry of anything that `measure` accepts.

    Raises InputError when a path cannot be opened, FormatError when its bytes are malformed,
    TypeError for an object of another kind.
    """
    suffix = None if format is None else "." + format.lower().removeprefix(".")
    if isinstance(source, (str, Path)):
        return _from_path(Path(source), str(source), suffix)
    if isinstance(source, (bytes, bytearray, memoryview, mmap)):
        return _from_bytes(source, "<bytes>", suffix)
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        name = name if isinstance(name, str) else "<stream>"
        return _from_bytes(_binary(source.read(), name), name, suffix or Path(name).suffix or None)
    if isinstance(source, (tuple, list)) and len(source) == 2:
        return _from_arrays(source[0], source[1], "(vertices, faces)")
    if _is_mesh(source):
        unit = getattr(source, "units", None)  # as trimesh has it, None when it knows none
        return _from_arrays(source.vertices, source.faces, type(source).__name__, unit)
    brep = occt.wrap(source) if _may_be_cad(source) else None
    if brep is None:
        msg = (
            f"cannot measure a {type(source).__name__}: give a path, bytes, a binary file object, "
            "(vertices, faces), a trimesh.Trimesh or a CadQuery or build123d shape"
        )
        raise TypeError(msg)
    return Loaded(brep, type(source).__name__, "cad-object", "")


def integrate(loaded: Loaded) -> Measured:
    """Area, box and, where one is defined, the solid."""
    if isinstance(loaded.geometry, Brep):
        return solids.measure(loaded.geometry, loaded.name)
    return enclosure.measure(loaded.geometry, loaded.name)


def _binary(data: Any, name: str) -> bytes:
    if not isinstance(data, bytes):
        msg = f"{name} was opened as text; open it in binary mode: open(path, 'rb')"
        raise TypeError(msg)
    return data


def _is_mesh(source: Any) -> bool:
    """Whether `source` has arrays as trimesh has, and not methods of these names as CadQuery has."""
    parts = (getattr(source, "vertices", None), getattr(source, "faces", None))
    return all(part is not None and not callable(part) for part in parts)


def _may_be_cad(source: Any) -> bool:
    """Whether asking OCCT is worth loading it."""
    marks = ("wrapped", "vals", "toCompound", "part", "ShapeType")
    return any(hasattr(source, mark) for mark in marks)


def _from_path(path: Path, name: str, suffix: str | None) -> Loaded:
    return _from_bytes(_mapped(path), name, suffix or path.suffix or None)


def _mapped(path: Path) -> mmap | bytes:
    """The bytes of a regular file, mapped and not read. The map closes with its last view."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a device, pipe (FIFO) or socket"
            msg = f"{path} is {kind}, not a regular file; name a file"
            raise InputError(msg)
        with path.open("rb") as file:
            return mmap(file.fileno(), 0, access=ACCESS_READ) if status.st_size else b""
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        msg = f"cannot open {path}: {why}"
        raise InputError(msg) from error


def _from_bytes(data: formats.Bytes, name: str, suffix: str | None) -> Loaded:
    try:
        geometry, format_name = formats.read(data, suffix)
    except FormatError as error:
        msg = f"{name}: {error}"
        raise FormatError(msg) from error
    return Loaded(geometry, name, format_name, hashlib.sha256(data).hexdigest())


def _from_arrays(vertices: Any, faces: Any, name: str, unit: str | None = None) -> Loaded:
    try:
        mesh = as_mesh(vertices, faces, unit and units.unit(unit, "length").symbol)
    except (ValueError, TypeError) as error:
        msg = f"{name}: {error}"
        raise FormatError(msg) from error
    digest = hashlib.sha256(mesh.vertices.tobytes())
    digest.update(mesh.faces.tobytes())
    return Loaded(mesh, name, "arrays", digest.hexdigest())
