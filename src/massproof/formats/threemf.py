"""3MF: a zip archive with XML models of triangles, components and a unit.

Sources: 3MF Consortium, "3D Manufacturing Format, core specification" 1.3 and "production
extension" 1.1, 2021. Only what the build reaches is measured, as often as it is reached.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NoReturn
from xml.etree import ElementTree

import numpy as np

from massproof.errors import FormatError
from massproof.mesh import Floats, Integers, Mesh, Placed, Transform, from_instances, placed_at

SUFFIXES = (".3mf",)

_INFLATED = 256 << 20  # bytes of XML: about two million triangles
_RATIO = 200  # XML of real meshes deflates 5 to 30 times, a bomb 1000 times
_SMALL = 1 << 20  # bytes below which any ratio is harmless
_DEEPEST = 64  # levels of components
_CORE = "{http://schemas.microsoft.com/3dmanufacturing/core/2015/02}"
_MODEL_TYPE = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
_SAFE = re.compile("/3dmanufacturing/(material|production|slice|trianglesets)/")  # same triangles
_UNITS = {
    **{"micron": "um", "millimeter": "mm", "centimeter": "cm", "meter": "m"},
    **{"inch": "in", "foot": "ft"},
}
# What Python takes for a number and no other program does: float("1_0") is 10.0, and so is "１０".
_STRANGE = "not a number, written like -1.25e-3"
# What zipfile and expat raise: LookupError for an encoding or an attribute that is unknown or
# missing, ValueError for a name that is no text, RuntimeError for an archive with a password,
# OverflowError for an offset beyond 2^63.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, ElementTree.ParseError,
    LookupError, ValueError, RuntimeError, OverflowError,
)  # fmt: skip


def sniff(data: memoryview) -> bool:
    """Whether `data` begins like a zip archive, which no other format here is."""
    return bytes(data[:4]) == b"PK\x03\x04"


def read(data: memoryview) -> Mesh:
    """Read a 3MF file: every mesh of the build, placed, in the unit of its model.

    Raises FormatError when it is no such file, a part is missing or malformed, an archive inflates
    without bound, components form a cycle, or an extension is required that changes the triangles.
    """
    if not sniff(data):
        msg = (
            f"not a 3MF file, which is a zip archive; this one starts with {bytes(data[:8])!r}; "
            "export it again or give it the suffix of its content"
        )
        raise FormatError(msg)
    try:
        package = _Package(data)
        root = package.root()
        part = package.part(root)
        return from_instances(package.instances(root, part.build), part.unit)
    except _DAMAGED as error:
        msg = f"3MF file is damaged: {error}; export or copy it again"
        raise FormatError(msg) from error


@dataclass(eq=False)
class _Object:
    """Triangles, or components (part or None, object id, matrix)."""

    vertices: array[float] = field(default_factory=lambda: array("d"))
    triangles: array[int] = field(default_factory=lambda: array("q"))
    components: list[tuple[str | None, str, Floats]] = field(default_factory=list)

    @cached_property
    def mesh(self) -> tuple[Floats, Integers]:
        points = np.array(self.vertices, np.float64).reshape(-1, 3)
        return points, np.array(self.triangles, np.int64).reshape(-1, 3)


class _Part:
    """What the XML parser tells of one model part, kept without building a tree."""

    def __init__(self) -> None:
        self.attributes: dict[str, str] | None = None
        self.objects: dict[str, _Object] = {}
        self.build = _Object()
        self.current = self.build
        self.prefixes: dict[str, str] = {}
        self.seen: set[str] = set()

    def doctype(self, *_: object) -> None:
        """Refuse it before any entity is declared."""
        _refuse("model has a DTD (<!DOCTYPE>), which may declare entities; 3MF forbids it")

    def start_ns(self, prefix: str, uri: str) -> None:
        self.prefixes[prefix] = uri

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.attributes is None:
            if tag != f"{_CORE}model":
                _refuse(f"model part starts with {tag!r}, expected <model> of the core namespace")
            self.attributes = attributes
        self.seen.add(tag)
        read = self._readers.get(tag)
        if read:
            try:
                read(self, attributes)
            except (KeyError, ValueError, OverflowError) as error:
                wrong = f"no {error}" if isinstance(error, KeyError) else str(error)
                msg = f"3MF <{tag[len(_CORE) :]}> element with {str(attributes)[:100]}: {wrong}"
                raise FormatError(msg) from error

    def _object(self, attributes: dict[str, str]) -> None:
        if attributes["id"] in self.objects:
            msg = "another object has this id"
            raise ValueError(msg)
        self.objects[attributes["id"]] = self.current = _Object()

    def _vertex(self, attributes: dict[str, str]) -> None:
        x, y, z = attributes["x"], attributes["y"], attributes["z"]
        numbers = x + y + z
        if "_" in numbers or not numbers.isascii():
            raise ValueError(_STRANGE)
        self.current.vertices.extend((float(x), float(y), float(z)))

    def _triangle(self, attributes: dict[str, str]) -> None:
        i, j, k = attributes["v1"], attributes["v2"], attributes["v3"]
        numbers = i + j + k
        if "_" in numbers or not numbers.isascii():
            raise ValueError(_STRANGE)
        self.current.triangles.extend((int(i), int(j), int(k)))

    def _component(self, attributes: dict[str, str]) -> None:
        path = next((v for k, v in attributes.items() if k.endswith("}path")), None)
        matrix = np.eye(4)
        numbers = attributes.get("transform", "1 0 0 0 1 0 0 0 1 0 0 0")
        if "_" in numbers or not numbers.isascii():
            raise ValueError(_STRANGE)
        matrix[:3] = np.array(numbers.split(), float).reshape(4, 3).T
        with np.errstate(all="ignore"):  # an infinity is reported where it places a vertex
            volume = np.linalg.det(matrix[:3, :3])
        if not np.isfinite(matrix).all() or volume == 0:
            msg = "the transform is not invertible"
            raise ValueError(msg)
        self.current.components.append((path, attributes["objectid"], matrix))

    def _build(self, _: dict[str, str]) -> None:
        self.current = self.build

    _readers: ClassVar = {
        f"{_CORE}object": _object,
        f"{_CORE}vertex": _vertex,
        f"{_CORE}triangle": _triangle,
        f"{_CORE}component": _component,
        f"{_CORE}build": _build,
        f"{_CORE}item": _component,
    }  # fmt: skip

    @property
    def unit(self) -> str:
        name = (self.attributes or {}).get("unit", "millimeter")
        if name not in _UNITS:
            _refuse(f"model has the unit {name!r}; one of {', '.join(_UNITS)} is possible")
        return _UNITS[name]

    def close(self) -> _Part:
        wanted = (self.attributes or {}).get("requiredextensions", "").split()
        for space in (self.prefixes.get(prefix, prefix) for prefix in wanted):
            if not _SAFE.search(space):
                _refuse(f"needs the extension {space!r}, which is not supported; export without it")
        for name in ("resources", "build"):
            if f"{_CORE}{name}" not in self.seen:
                _refuse(f"model has no <{name}> element, which 3MF demands; export it again")
        return self


class _Relations:
    """The targets of the relationships that point to the model."""

    doctype = _Part.doctype

    def __init__(self) -> None:
        self.models: list[str] = []

    def start(self, _: str, attributes: dict[str, str]) -> None:
        if attributes.get("Type") == _MODEL_TYPE:
            self.models.append(attributes["Target"])

    def close(self) -> list[str]:
        return self.models


def _part_name(name: str) -> str:
    return "/" + name.lstrip("/").lower()  # part names are compared without regard to case


class _Package:
    """The zip archive; parts are inflated and read once, on demand."""

    def __init__(self, data: memoryview) -> None:
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile as error:
            msg = f"3MF zip archive is truncated or corrupt: {error}; export or copy it again"
            raise FormatError(msg) from error
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self.zip.infolist():
            if self.entries.setdefault(_part_name(entry.filename), entry) is not entry:
                _refuse(f"archive has two parts named {entry.filename!r}; export it again")
        self.parts: dict[str, _Part] = {}
        self.left = _INFLATED

    def _parse(self, name: str, target: Any) -> Any:
        entry = self.entries.get(_part_name(name))
        if entry is None:
            _refuse(f"archive has no part {name!r}, so a model is missing: {[*self.entries][:8]}")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            _refuse(f"part {name!r} is neither stored nor deflated, as 3MF demands; export it again")
        self.left -= entry.file_size  # zipfile inflates no more than this
        if self.left < 0 or entry.file_size > max(_SMALL, _RATIO * entry.compress_size):
            _refuse(
                f"part {name!r} is too large: {entry.compress_size} bytes inflate to "
                f"{entry.file_size}; the limit is {_INFLATED} bytes in all and a ratio of {_RATIO}"
            )
        parser = ElementTree.XMLParser(target=target)
        with self.zip.open(entry) as stream:
            while block := stream.read(1 << 16):
                parser.feed(block)
        return parser.close()

    def root(self) -> str:
        """Name of the part that the package calls its model."""
        if "/_rels/.rels" not in self.entries:
            return "/3d/3dmodel.model"
        models = self._parse("/_rels/.rels", _Relations())
        if len(models) != 1:
            _refuse(f"archive has {len(models)} models (_rels/.rels: {models[:8]}), expected one")
        return _part_name(models[0])

    def part(self, name: str) -> _Part:
        if name not in self.parts:
            self.parts[name] = self._parse(name, _Part())
        return self.parts[name]

    def instances(self, root: str, build: _Object) -> Iterator[Placed]:
        """Every mesh that the build reaches, as often as it reaches it."""
        stack: list[tuple[str, _Object, Transform, tuple[_Object, ...]]] = [
            (root, build, placed_at(np.eye(4)), ())
        ]
        while stack:
            name, parent, matrix, above = stack.pop()
            yield *parent.mesh, matrix
            for path, number, place in reversed(parent.components):
                home = _part_name(path) if path else name
                child = self.part(home).objects.get(number)
                if child is None:
                    _refuse(f"refers to object {number!r}, which {home} does not define")
                if child is parent or child in above or len(above) > _DEEPEST:
                    what = f"lies deeper than the limit of {_DEEPEST} components"
                    if child in (parent, *above):
                        what = "contains itself (a component cycle)"
                    _refuse(f"object {number!r} {what}; export it again")
                stack.append((home, child, matrix.then(placed_at(place)), (*above, parent)))


def _refuse(why: str) -> NoReturn:
    msg = f"3MF {why}"
    raise FormatError(msg)
