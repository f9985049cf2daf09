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
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, NoReturn, cast
from xml.etree import ElementTree

import numpy as np

from massproof.errors import FormatError
from massproof.kernels import weld
from massproof.mesh import (
    Floats,
    Integers,
    Mesh,
    Placed,
    Transform,
    from_instances,
    from_polygons,
    placed_at,
)
from massproof.scene import Colour, Definition, Occurrence, Scene, painted

SUFFIXES = (".3mf",)

_INFLATED = 256 << 20  # bytes of XML: about two million triangles
_RATIO = 200  # XML of real meshes deflates 5 to 30 times, a bomb 1000 times
_SMALL = 1 << 20  # bytes below which any ratio is harmless
_DEEPEST = 64  # levels of components
_CORE = "{http://schemas.microsoft.com/3dmanufacturing/core/2015/02}"
_MATERIAL = "{http://schemas.microsoft.com/3dmanufacturing/material/2015/02}"
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
    with _told():
        package = _Package(data)
        root = package.root()
        part = package.part(root)
        return from_instances(package.instances(root, part.build), part.unit)


def scene(data: memoryview) -> Scene:
    """What the build of a 3MF file shows: objects with their names, components, and colours of triangles.

    Colours are those of base materials and colour groups, of a triangle that of its first corner; textures and mixed
    materials are left out. Raises what `read` raises.
    """
    with _told():
        package = _Package(data, _Shown)
        return _Tree(package).scene(package.root())


@contextmanager
def _told() -> Iterator[None]:
    """What is raised where the file is not what it should be, as FormatError."""
    try:
        yield
    except _DAMAGED as error:
        msg = f"3MF file is damaged: {error}; export or copy it again"
        raise FormatError(msg) from error


@dataclass(eq=False)
class _Object:
    """Triangles, or components (part or None, object id, matrix)."""

    vertices: array[float] = field(default_factory=lambda: array("d"))
    triangles: array[int] = field(default_factory=lambda: array("q"))
    components: list[tuple[str | None, str, Floats]] = field(default_factory=list)
    name: str = ""
    looks: list[tuple[str | None, str | None]] = field(
        default_factory=list
    )  # resource and place in it, of triangles
    look: tuple[str | None, str | None] = (None, None)  # of what has none of its own

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

    _readers: ClassVar[dict[str, Any]] = {
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

    def __init__(self, data: memoryview, kind: type[_Part] = _Part) -> None:
        self.kind = kind  # what listens to the parser
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
            self.parts[name] = self._parse(name, self.kind())
        return self.parts[name]

    def named(self, name: str, path: str | None, number: str) -> tuple[str, _Object]:
        """The object that something in the part `name` refers to, and the part that defines it."""
        home = _part_name(path) if path else name
        child = self.part(home).objects.get(number)
        if child is None:
            _refuse(f"refers to object {number!r}, which {home} does not define")
        return home, child

    def instances(self, root: str, build: _Object) -> Iterator[Placed]:
        """Every mesh that the build reaches, as often as it reaches it."""
        stack: list[tuple[str, _Object, Transform, tuple[_Object, ...]]] = [
            (root, build, placed_at(np.eye(4)), ())
        ]
        while stack:
            name, parent, matrix, above = stack.pop()
            yield *parent.mesh, matrix
            for path, number, place in reversed(parent.components):
                home, child = self.named(name, path, number)
                _require_new(child, number, (*above, parent))
                stack.append((home, child, matrix.then(placed_at(place)), (*above, parent)))


def _require_new(child: _Object, number: str, above: tuple[_Object, ...]) -> None:
    """Refuse an object that is in itself, or in too many others."""
    if child in above or len(above) > _DEEPEST + 1:
        what = f"lies deeper than the limit of {_DEEPEST} components"
        if child in above:
            what = "contains itself (a component cycle)"
        _refuse(f"object {number!r} {what}; export it again")


def _refuse(why: str) -> NoReturn:
    msg = f"3MF {why}"
    raise FormatError(msg)


class _Shown(_Part):
    """The same with names and colours, which measuring does not wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.colours: dict[str, list[Colour | None]] = {}  # of resources
        self.listed: list[Colour | None] = []

    def _object(self, attributes: dict[str, str]) -> None:
        super()._object(attributes)
        self.current.name = attributes.get("name") or attributes.get("partnumber") or ""
        self.current.look = attributes.get("pid"), attributes.get("pindex")

    def _triangle(self, attributes: dict[str, str]) -> None:
        super()._triangle(attributes)
        self.current.looks.append((attributes.get("pid"), attributes.get("p1")))

    def _group(self, attributes: dict[str, str]) -> None:
        self.listed = self.colours.setdefault(attributes["id"], [])

    def _base(self, attributes: dict[str, str]) -> None:
        self.listed.append(_colour(attributes.get("displaycolor") or attributes.get("color") or ""))

    _readers: ClassVar = _Part._readers | {
        f"{_CORE}object": _object,
        f"{_CORE}triangle": _triangle,
        f"{_CORE}basematerials": _group,
        f"{_CORE}base": _base,
        f"{_MATERIAL}colorgroup": _group,
        f"{_MATERIAL}color": _base,
    }

    def look(self, found: _Object, resource: str | None, place: str | None) -> Colour | None:
        """Colour of a triangle of an object, which may leave out what the object says."""
        resource, place = (resource, place) if resource or place else found.look
        listed = self.colours.get(resource or found.look[0] or "", [])
        number = int(place) if place and place.isdecimal() else 0
        return listed[number] if number < len(listed) else None


class _Tree:
    """The tree of a build, in which an object is made once."""

    def __init__(self, package: _Package) -> None:
        self.package = package
        self.definitions: list[Definition] = []
        self.known: dict[int, Occurrence] = {}  # by the identity of an object

    def scene(self, root: str) -> Scene:
        """All of it."""
        part = self.package.part(root)
        found = self.placed(root, part.build, ())
        return Scene(part.unit, tuple(self.definitions), found)

    def placed(self, home: str, whole: _Object, above: tuple[_Object, ...]) -> tuple[Occurrence, ...]:
        """What an object or the build is made of."""
        return tuple(self.occurrence(home, whole, one, above) for one in whole.components)

    def occurrence(
        self, name: str, whole: _Object, component: tuple[str | None, str, Floats], above: tuple[_Object, ...]
    ) -> Occurrence:
        """An object where it stands in another."""
        path, number, matrix = component
        home, child = self.package.named(name, path, number)
        _require_new(child, number, (*above, whole))
        if id(child) not in self.known:
            definition = self.definition(home, child) if child.triangles else None
            children = self.placed(home, child, (*above, whole))
            self.known[id(child)] = Occurrence(child.name, np.eye(4), definition, children)
        return replace(self.known[id(child)], matrix=matrix)

    def definition(self, home: str, found: _Object) -> int:
        """Number of what the triangles of an object are, those of a colour together."""
        part = cast("_Shown", self.package.part(home))
        colours = [part.look(found, *look) for look in found.looks]
        numbers = {colour: n for n, colour in enumerate(dict.fromkeys(colours))}
        shades = np.array([numbers[colour] for colour in colours])
        order = np.argsort(shades, kind="stable")
        points, corners = found.mesh
        mesh = from_polygons(points, corners[order].reshape(-1), None)
        firsts = np.searchsorted(shades[order], np.arange(len(numbers))).tolist()
        vertices, faces = weld.welded(mesh.vertices, mesh.faces)
        self.definitions.append(painted(found.name, vertices, faces, firsts, [*numbers]))
        return len(self.definitions) - 1


def _colour(text: str) -> Colour | None:
    """A colour as #RRGGBB or #RRGGBBAA; None where it is none."""
    if not re.fullmatch(r"#(?:[0-9A-Fa-f]{2}){3,4}", text):
        return None
    red, green, blue, opacity = (byte / 255 for byte in bytes.fromhex(f"{text[1:]}FF"[:8]))
    return red, green, blue, opacity
