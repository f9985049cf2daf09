"""What may be measured: paths, bytes, arrays, meshes and CAD objects become geometry here.

Modules that integrate are imported when they are needed: a mesh waits for no B-rep, and the other way round.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np

from massproof import formats, units
from massproof.brep import Brep
from massproof.errors import FormatError, InputError, UnitError, UsageError
from massproof.mass import Measured
from massproof.mesh import Mesh, Records, as_mesh
from massproof.version import __version__

_HASHED_AT_ONCE = 1 << 20  # bytes: half a millisecond; hashing more takes longer than measuring it


class Digest:
    """SHA-256 of what was read, computed when it is asked for; as a pickle it is the digest alone."""

    __slots__ = ("_data", "_known", "_same")

    def __init__(
        self, data: formats.Bytes = b"", same: Callable[[], bool] | None = None, known: str | None = None
    ) -> None:
        """Digest of `data`; `same` tells whether a file it is mapped from is still the one that was read."""
        self._data, self._same, self._known = data, same, known
        lasting = same is not None or isinstance(data, bytes)
        if known is None and not (lasting and memoryview(data).nbytes > _HASHED_AT_ONCE):
            self()

    def __call__(self) -> str:
        """The digest in hexadecimal; raises InputError when the file has changed."""
        if self._known is None:
            known = hashlib.sha256(self._data).hexdigest()
            if self._same is not None and not self._same():
                msg = "the file has changed since it was measured, so its SHA-256 is not known; measure it again"
                raise InputError(msg)
            self._known, self._data = known, b""
        return self._known

    def __reduce__(self) -> tuple[Any, ...]:
        return Digest, (b"", None, self())


@dataclass(frozen=True, eq=False, slots=True)
class Loaded:
    """Geometry with what is known of where it came from."""

    geometry: Mesh | Records | Brep
    name: str
    format: str
    digest: Digest

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
        if not isinstance(self.geometry, Brep):
            return _versions()
        from massproof import occt

        return _versions() | {"OCCT": occt.version()}


@cache
def _versions() -> dict[str, str]:
    return {
        "massproof": __version__,
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
    brep = _wrapped(source)
    if brep is None:
        msg = (
            f"cannot measure a {type(source).__name__}: give a path, bytes, a binary file object, "
            "(vertices, faces), a trimesh.Trimesh or a CadQuery or build123d shape"
        )
        raise TypeError(msg)
    return Loaded(brep, type(source).__name__, "cad-object", Digest(known=""))


def integrate(
    loaded: Loaded, check: str = "auto", weld: float | None = None, repair: str | None = None
) -> Measured:
    """Area, box and, where one is defined, the solid; the options are those of meshes.

    Raises UsageError when a repair of meshes is asked for a B-rep.
    """
    if isinstance(loaded.geometry, Brep):
        if weld is not None or repair is not None:
            msg = f"{loaded.name} is a B-rep: weld and repair are for meshes; leave them out"
            raise UsageError(msg)
        from massproof import solids

        return solids.measure(loaded.geometry, loaded.name)
    from massproof import enclosure

    return enclosure.measure(loaded.geometry, loaded.name, enclosure.Options(check, weld, repair))


def _binary(data: Any, name: str) -> bytes:
    if not isinstance(data, bytes):
        msg = f"{name} was opened as text; open it in binary mode: open(path, 'rb')"
        raise TypeError(msg)
    return data


def _is_mesh(source: Any) -> bool:
    """Whether `source` has arrays as trimesh has, and not methods of these names as CadQuery has."""
    parts = (getattr(source, "vertices", None), getattr(source, "faces", None))
    return all(part is not None and not callable(part) for part in parts)


def _wrapped(source: Any) -> Brep | None:
    """A CAD object as a B-rep; OCCT is loaded only when it may be one."""
    marks = ("wrapped", "vals", "toCompound", "part", "ShapeType")
    if not any(hasattr(source, mark) for mark in marks):
        return None
    from massproof import occt

    return occt.wrap(source)


def _from_path(path: Path, name: str, suffix: str | None) -> Loaded:
    data, same = _mapped(path)
    return _from_bytes(data, name, suffix or path.suffix or None, same)


def _mapped(path: Path) -> tuple[mmap | bytes, Callable[[], bool]]:
    """The bytes of a regular file, mapped and not read, and whether it still is the same file.

    The map closes with its last view.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a device, pipe (FIFO) or socket"
            msg = f"{path} is {kind}, not a regular file; name a file"
            raise InputError(msg)
        with path.open("rb") as file:
            data = mmap(file.fileno(), 0, access=ACCESS_READ) if status.st_size else b""
            return data, lambda: _state(path) == _state(path, status)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        msg = f"cannot open {path}: {why}"
        raise InputError(msg) from error


def _state(path: Path, status: os.stat_result | None = None) -> tuple[int, ...]:
    """What changes when a file does; nothing when it is gone."""
    try:
        found = status or path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _from_bytes(
    data: formats.Bytes, name: str, suffix: str | None, same: Callable[[], bool] | None = None
) -> Loaded:
    try:
        geometry, format_name = formats.read(data, suffix)
    except FormatError as error:
        msg = f"{name}: {error}"
        raise FormatError(msg) from error
    return Loaded(geometry, name, format_name, Digest(data, same))


def _from_arrays(vertices: Any, faces: Any, name: str, unit: str | None = None) -> Loaded:
    try:
        mesh = as_mesh(vertices, faces, unit and units.unit(unit, "length").symbol)
    except (ValueError, TypeError) as error:
        msg = f"{name}: {error}"
        raise FormatError(msg) from error
    digest = hashlib.sha256(mesh.vertices.data)
    digest.update(mesh.faces.data)
    return Loaded(mesh, name, "arrays", Digest(known=digest.hexdigest()))
