"""What may be measured: paths, bytes, arrays, meshes and CAD objects become geometry here.

Modules that integrate are imported when they are needed: a mesh waits for no B-rep, and the other way round.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from massproof import files, formats, units
from massproof.brep import Brep, Drawn
from massproof.errors import FormatError, UnitError, UsageError
from massproof.files import Bytes, Digest
from massproof.mass import Measured
from massproof.mesh import Mesh, Records, as_mesh
from massproof.version import __version__

if TYPE_CHECKING:
    from massproof.engines import Pool
    from massproof.stated import Stated


@dataclass(frozen=True, eq=False, slots=True)
class Loaded:
    """Geometry with what is known of where it came from."""

    geometry: Mesh | Records | Brep | Drawn
    name: str
    format: str
    digest: Digest
    data: Bytes = b""  # of a file, in which its format may tell more than its geometry

    @property
    def unit(self) -> str | None:
        """Length unit of the coordinates, None when the source carries none."""
        return self.geometry.unit

    @property
    def declared(self) -> str:
        """Length unit that the source itself states, by our symbol where we know it; "" if none."""
        own = self.geometry.declared if isinstance(self.geometry, (Brep, Drawn)) else self.geometry.unit
        try:
            return units.unit(own, "length").symbol if own else ""
        except UnitError:  # several, or a word of the exporter's own: the coordinates are converted
            return own or ""

    def length(self, asked: str | None) -> units.Unit:
        """The length unit of the coordinates: the source's own, else the one asked for, else millimetres.

        Raises UnitError for a unit that is none of length.
        """
        return units.unit(self.unit or asked or "mm", "length")

    @property
    def upright(self) -> tuple[str, str]:
        """Axes along which up and forward lie; where a format does not say so, +z and −y."""
        return ("+y", "+z") if self.format == "glb" else ("+z", "-y")

    def stated(self) -> tuple[Stated, ...]:
        """What a STEP file states of its parts; raises FormatError for units that are none."""
        if not isinstance(self.geometry, Drawn):
            return ()
        with _named(self.name):
            found: tuple[Stated, ...] = self.geometry.model.stated()
        return found

    def weighed(self) -> tuple[Stated, ...]:
        """The same, and of parts what is stated of the raw material that they are made from."""
        stated = self.stated()
        if not (stated and isinstance(self.geometry, Drawn)):
            return ()
        from massproof import densities

        return densities.applied(self.geometry.model.entities, stated)

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
    """Geometry of anything that `measure` accepts; what is loaded already is returned as it is.

    Raises InputError when a path cannot be opened, FormatError when its bytes are malformed,
    TypeError for an object of another kind.
    """
    if isinstance(source, Loaded):
        return source
    suffix = None if format is None else "." + format.lower().removeprefix(".")
    source = files.opened(source)
    if isinstance(source, files.Opened):
        return _from_bytes(source.data, source.name, suffix or source.suffix or None, source.digest)
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
    loaded: Loaded,
    check: str = "auto",
    weld: float | None = None,
    repair: str | None = None,
    engine: str | None = None,
    accuracy: float | None = None,
    stated: Sequence[Stated] = (),
    pool: Callable[[], Pool] | None = None,
) -> Measured:
    """Area, box and, where one is defined, the solid; the options are those of meshes, and of STEP files.

    stated : what the file states, of which the densities weigh its parts
    pool : gives the parts of a STEP file, where they are integrated for others, too

    Raises UsageError when a repair of meshes is asked for a B-rep, or an engine for what is no STEP file.
    """
    geometry = loaded.geometry
    if isinstance(geometry, (Brep, Drawn)):
        if weld is not None or repair is not None:
            msg = f"{loaded.name} is a B-rep: weld and repair are for meshes; leave them out"
            raise UsageError(msg)
        from massproof import solids

        if isinstance(geometry, Drawn):
            with _named(loaded.name):
                return solids.measure_drawn(geometry, loaded.name, engine, accuracy, stated, pool)
    if engine is not None or accuracy is not None:
        msg = f"{loaded.name} is no STEP file: engine and accuracy are for those; leave them out"
        raise UsageError(msg)
    if isinstance(geometry, Brep):
        return solids.measure(geometry, loaded.name)
    from massproof import enclosure

    return enclosure.measure(geometry, loaded.name, enclosure.Options(check, weld, repair))


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


def _from_bytes(data: Bytes, name: str, suffix: str | None, digest: Digest | None = None) -> Loaded:
    with _named(name):
        geometry, format_name = formats.read(data, suffix)
    return Loaded(geometry, name, format_name, digest or Digest(data), data)


def joined(loaded: Sequence[Loaded]) -> Loaded:
    """Meshes of several files of one format as one, under the name of the first."""
    meshes = [one.geometry.mesh() if isinstance(one.geometry, Records) else one.geometry for one in loaded]
    found = [one for one in meshes if isinstance(one, Mesh)]
    starts = np.cumsum([0, *(len(one.vertices) for one in found)])
    faces = np.concatenate([one.faces + n for one, n in zip(found, starts, strict=False)]).astype(np.int32)
    steps = [one.precision for one in found if one.precision is not None]
    mesh = Mesh(
        np.concatenate([one.vertices for one in found]),
        faces,
        found[0].unit,
        max(steps, default=None),
        placement=max(one.placement for one in found),
    )
    return Loaded(mesh, loaded[0].name, loaded[0].format, Digest(known=""))


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Errors of what is read say where it came from."""
    try:
        yield
    except FormatError as error:
        msg = f"{name}: {error}"
        raise error.again(msg) from error


def _from_arrays(vertices: Any, faces: Any, name: str, unit: str | None = None) -> Loaded:
    try:
        mesh = as_mesh(vertices, faces, unit and units.unit(unit, "length").symbol)
    except (ValueError, TypeError) as error:
        msg = f"{name}: {error}"
        raise FormatError(msg) from error
    digest = hashlib.sha256(mesh.vertices.data)
    digest.update(mesh.faces.data)
    return Loaded(mesh, name, "arrays", Digest(known=digest.hexdigest()))
