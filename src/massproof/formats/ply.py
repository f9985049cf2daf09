"""PLY, text and binary: polygons by index. Layout: Greg Turk, "The PLY polygon file format", 1994.

PLY has no unit. Only positions and faces are measured; colours are shown, other elements and properties stepped over.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, NoReturn

import numpy as np

from massproof.errors import FormatError, UsageError
from massproof.kernels import weld
from massproof.mesh import Floats, Mesh, float32_precision, from_polygons
from massproof.scene import PLAIN, Files, Occurrence, Placed, Scene, pieces, shaded

SUFFIXES = (".ply",)

_START = re.compile(rb"\s*ply[ \t]*[\n\r]")
_HEADER = re.compile(
    rb"\s*ply[ \t]*(\r\n|\n|\r)(.*?[\n\r])??[ \t]*end_header[ \t]*(?:\1|\r?\n|\Z)", re.DOTALL
)
_ENCODINGS = ("ascii", "binary_little_endian", "binary_big_endian")
_TYPES = {
    **{"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I"},
    **{"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I"},
    **{"float": "f", "float32": "f", "double": "d", "float64": "d"},
}  # as in struct and numpy

STORAGE = ("binary_little_endian", "binary_big_endian", "ascii")  # as it can be written, the usual one first
_OWNERS, _SHADES = ("face", "vertex"), ("red", "green", "blue")  # of colours, the first that has them
_FULL = {("B", ""): 255.0, ("H", ""): 65535.0, ("f", ""): 1.0, ("d", ""): 1.0}  # of a type, what is all of it
_MOST = 2**31 - 1  # vertices that the type of an index can number

Columns = dict[str, Any]  # by "element.property": an array, or (values, sizes) of lists


def sniff(data: memoryview) -> bool:
    """Whether the first line of `data` is the word ply."""
    return bool(_START.match(data[:4096]))


def read(data: memoryview) -> Mesh:
    """Read a PLY file: all its polygons, triangulated without leaving them.

    Raises FormatError when it is no such file, when its rows are fewer or more than the header
    counts, and for a number that does not parse, is not finite or is out of range.
    """
    if not sniff(data):
        msg = (
            f"not a PLY file, which starts with the word ply; this one starts with "
            f"{bytes(data[:8])!r}; export it again or give it the suffix of its content"
        )
        raise FormatError(msg)
    with _told():
        return _mesh(_read(data))


def scene(data: memoryview) -> Scene | None:
    """What a PLY file shows: colours of faces, or of a face the mean of those of its vertices; None without any.

    Colours of faces that are not all of one size are read in text only. Raises what `read` raises.
    """
    with _told():
        _, elements, _ = _opened(data)
        named = {f"{e.name}.{name}" for e in elements for name, _, _ in e.properties}
        if not any({f"{owner}.{shade}" for shade in _SHADES} <= named for owner in _OWNERS):
            return None  # which is not read once more
        found = _read(data, shown=True)
        mesh = _mesh(found)
        shades = _shades(found, mesh)
        if shades is None:
            return None
        vertices, faces = weld.welded(mesh.vertices, mesh.faces)
        part = shaded("", vertices, faces, shades)
        return Scene("mm", (part,), (Occurrence("", np.eye(4), 0),))  # it has no unit


@contextmanager
def _told() -> Iterator[None]:
    """What is raised where the file is not what it should be, as FormatError."""
    try:
        yield
    except (ValueError, IndexError, OverflowError) as error:  # numbers and rows that are not there
        msg = f"PLY file is damaged: {error}; export or copy it again"
        raise FormatError(msg) from error


@dataclass(frozen=True)
class _Element:
    """`count` rows; a property is (name, type, type of the list's length or "")."""

    name: str
    count: int
    properties: list[tuple[str, str, str]]

    @property
    def lists(self) -> bool:
        return any(length for _, _, length in self.properties)


class _Read(NamedTuple):
    """What a file holds."""

    encoding: str
    kinds: dict[str, tuple[str, str]]  # by "element.property": type, and that of the length of a list or ""
    columns: Columns


def _opened(data: memoryview) -> tuple[str, list[_Element], memoryview]:
    """Encoding, elements, and what follows the header."""
    header = _HEADER.match(data)
    if header is None:
        _refuse("header has no end_header line: the file is cut short or damaged; export it again")
    return *_header((header[2] or b"").decode("utf-8", "replace")), data[header.end() :]


def _read(data: memoryview, *, shown: bool = False) -> _Read:
    """shown : with what text tells of faces beside their corners."""
    encoding, elements, body = _opened(data)
    if encoding == "ascii":
        columns = _text(bytes(body).decode("ascii"), elements, shown)
    else:
        columns = _binary(body, "<" if encoding == "binary_little_endian" else ">", elements)
    kinds = {f"{e.name}.{p}": (kind, length) for e in elements for p, kind, length in e.properties}
    return _Read(encoding, kinds, columns)


def _mesh(found: _Read) -> Mesh:
    encoding, kinds, columns = found
    axes = [f"vertex.{axis}" for axis in "xyz"]
    if not all(axis in columns and not kinds[axis][1] for axis in axes):
        _refuse(f"vertices need scalar properties x, y and z, found {', '.join(kinds)}")
    with np.errstate(invalid="ignore"):  # a signalling NaN is reported with its face
        vertices = np.column_stack([np.asarray(columns[axis], np.float64) for axis in axes])
    float32 = encoding != "ascii" and all(kinds[axis][0] == "f" for axis in axes)
    values, sizes = _faces(columns, kinds)
    return from_polygons(
        vertices,
        np.array(values, np.int64),
        np.array(sizes, np.int64),
        precision=float32_precision if float32 else None,
    )


def _shades(found: _Read, mesh: Mesh) -> Floats | None:
    """Colours of triangles, (F, 4) from 0 to 1; None where there are none, or no such numbers."""
    values, sizes = (np.array(one, np.int64) for one in _faces(found.columns, found.kinds))
    for owner in _OWNERS:
        columns: list[Any] = [found.columns.get(f"{owner}.{shade}") for shade in _SHADES]
        kinds = {found.kinds.get(f"{owner}.{shade}") for shade in _SHADES}
        full = _FULL.get(next(iter(kinds)) or ("", "")) if len(kinds) == 1 else None
        if full is None or any(column is None for column in columns):
            continue
        clear = found.columns.get(f"{owner}.alpha") if found.kinds.get(f"{owner}.alpha") in kinds else None
        columns.append(np.full(len(columns[0]), full) if clear is None else clear)
        table = np.column_stack([np.asarray(column, np.float64) for column in columns]) / full
        if not ((table >= 0) & (table <= 1)).all():
            continue
        if owner == "face":
            return np.repeat(table, np.maximum(sizes - 2, 0), axis=0)
        used = np.unique(values[np.repeat(sizes > 2, sizes)])  # which the mesh has
        shades: Floats = table[used][mesh.faces].mean(axis=1)
        return shades
    return None


def _faces(columns: Columns, kinds: dict[str, tuple[str, str]]) -> tuple[Any, Any]:
    """The corners of all faces, and how many each face has."""
    for name in ("face.vertex_indices", "face.vertex_index"):
        if name in kinds:
            kind, length = kinds[name]
            if kind in "fd" or not length:
                _refuse(f"property {name} is not a list of integers; expected integers")
            return columns[name]  # type: ignore[no-any-return]
    return [], []


def _header(text: str) -> tuple[str, list[_Element]]:
    encoding, elements = "", [_Element("", 0, [])]
    for line in text.splitlines():
        match line.split():
            case ["format", encoding, "1.0"] if encoding in _ENCODINGS:
                pass
            case ["element", name, count] if count.isdecimal():
                elements.append(_Element(name, int(count), []))
            case ["property", "list", length, kind, name] if {length, kind} <= _TYPES.keys():
                elements[-1].properties.append((name, _TYPES[kind], _TYPES[length]))
            case ["property", kind, name] if kind in _TYPES:
                elements[-1].properties.append((name, _TYPES[kind], ""))
            case ["format" | "element" | "property", *_]:
                _refuse(f"header line {line.strip()[:80]!r} is not understood; export it again")
            case _:  # comment, obj_info; what else stands here does not change the layout
                pass
    names = [element.name for element in elements]
    owned = [(element.name, name) for element in elements for name, _, _ in element.properties]
    twice = len(set(names)) < len(names) or len(set(owned)) < len(owned)
    if not encoding or elements[0].properties or twice or "tristrips" in names:
        _refuse(
            "header needs a format, and elements and properties of different names, no tristrips; "
            f"it has {names[1:]}"
        )
    return encoding, elements[1:]


def _short(element: _Element, have: int) -> FormatError:
    return FormatError(
        f"PLY file cut short or its count is wrong: the header counts {element.count} of element "
        f"{element.name}, but the file ends after {have} of them; export or copy it again"
    )


def _text(text: str, elements: list[_Element], shown: bool) -> Columns:
    if "_" in text:  # float("1_0") is 10.0 to Python, and a typing error here
        word = next(word for word in text.split() if "_" in word)
        _refuse(f"has {word[:40]!r}, expected a number like -1.25e-3; export it again")
    lines = [line for line in text.splitlines() if line.strip()]
    columns: Columns = {}
    for element in elements:
        if element.count > len(lines):
            raise _short(element, len(lines))
        rows = [line.split() for line in lines[: element.count]]
        del lines[: element.count]
        if element.lists and element.name == "face":
            columns |= _lists(element, rows)
            if shown and len(rows):
                columns |= _after_list(element, rows)
        elif element.name == "vertex":
            table = _decimals(rows, len(element.properties))
            columns |= {f"vertex.{p[0]}": table[:, i] for i, p in enumerate(element.properties)}
    if lines:
        _refuse(f"header counts fewer rows than the file has: {len(lines)} lines are left over")
    return columns


def _after_list(element: _Element, rows: list[list[str]]) -> Columns:
    """Properties that follow the last list of an element."""
    lists = [bool(length) for _, _, length in element.properties]
    count = lists[::-1].index(True)
    table = np.array([row[len(row) - count :] for row in rows], np.float64)
    names = [name for name, _, _ in element.properties[len(element.properties) - count :]]
    return {f"{element.name}.{name}": table[:, k] for k, name in enumerate(names)}


def _lists(element: _Element, rows: list[list[str]]) -> Columns:
    lists: Columns = {f"face.{name}": ([], []) for name, _, length in element.properties if length}
    for number, row in enumerate(rows):
        at = 0
        for name, kind, length in element.properties:
            if length:
                values, sizes = lists[f"face.{name}"]
                count = int(row[at])
                if count < 0:
                    _refuse(f"face {number} has a list of {count} numbers; export it again")
                sizes.append(count)
                read = float if kind in "fd" else int
                values.extend(map(read, row[at + 1 : at + 1 + count]))
                at += count
            at += 1
        if at != len(row):
            _refuse(f"face {number} has {len(row)} numbers, its properties take {at}")
    return lists


def _binary(body: memoryview, order: str, elements: list[_Element]) -> Columns:
    columns: Columns = {}
    for element in elements:
        row, lengths = _first_row(element, body, order)
        used = element.count * row.itemsize
        fits = used <= len(body)
        table = np.frombuffer(body[:used], row) if used and fits else np.empty(0, row)
        if fits and all((table[f"#{name}"] == k).all() for name, k in lengths.items()):
            for name, _, length in element.properties:
                sizes = np.full(len(table), lengths.get(name, 0))
                values = (table[name].reshape(-1), sizes) if length else table[name]
                columns[f"{element.name}.{name}"] = values
        elif lengths:
            lists, used = _walk(element, body, order)
            columns |= lists
        else:
            raise _short(element, len(body) // row.itemsize)
        body = body[used:]
    if len(body):
        _refuse(f"header counts less than the file has: {len(body)} bytes are left over")
    return columns


def _first_row(element: _Element, body: memoryview, order: str) -> tuple[np.dtype[Any], dict[str, int]]:
    """Layout of the first row and the lengths of its lists; most files keep it for all rows."""
    fields: list[Any] = []
    lengths, at = {}, 0
    for name, kind, length in element.properties:
        if length:
            fields.append((f"#{name}", order + length))
            end = at + struct.calcsize(length)
            count = struct.unpack_from(order + length, body, at)[0] if end <= len(body) else 0
            possible = 0 <= count * struct.calcsize(kind) <= len(body) - end
            lengths[name] = count = count if possible else 0
            fields.append((name, order + kind, (count,)))
            at = end + count * struct.calcsize(kind)
        else:
            fields.append((name, order + kind))
            at += struct.calcsize(kind)
    return np.dtype(fields), lengths


def _walk(element: _Element, body: memoryview, order: str) -> tuple[Columns, int]:
    """Lists of different lengths, row by row, and the bytes they take."""
    lists: Columns = {name: ([], []) for name, _, length in element.properties if length}
    at = 0
    for number in range(element.count):  # a row takes a byte or more, so a wrong count ends soon
        for name, kind, length in element.properties:
            count = 1
            if length and at + struct.calcsize(length) <= len(body):
                count = struct.unpack_from(order + length, body, at)[0]
                at += struct.calcsize(length)
            end = at + count * struct.calcsize(kind)
            if not at <= end <= len(body):
                raise _short(element, number)
            if length:
                lists[name][0].extend(struct.unpack_from(f"{order}{count}{kind}", body, at))
                lists[name][1].append(count)
            at = end
    return {f"{element.name}.{name}": values for name, values in lists.items()}, at


def _decimals(rows: list[list[str]], width: int) -> Floats:
    """(rows, width) numbers."""
    for number, row in enumerate(rows):
        if len(row) != width:
            _refuse(f"vertex {number} has {len(row)} numbers, expected {width}: {' '.join(row)[:80]!r}")
    return np.fromiter(map(float, chain.from_iterable(rows)), np.float64).reshape(-1, width)


def _refuse(why: str) -> NoReturn:
    msg = f"PLY {why}"
    raise FormatError(msg)


def write(scene: Scene, name: str, files: Files, *, storage: str = STORAGE[0]) -> None:
    """Write the triangles of a scene where they stand, with 64 bits a coordinate; colours become colours of faces.

    storage : one of STORAGE

    Raises UsageError for another one.
    """
    if storage not in STORAGE:
        msg = f"PLY can be stored as {', '.join(STORAGE)}, not as {storage!r}"
        raise UsageError(msg)
    placed = list(scene.placed())
    coloured = any(colour for one in placed for _, colour in one.patches())
    order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(storage)
    with files(name) as out:
        out.write(_head(scene, placed, storage, coloured).encode())
        for one in placed:
            for points in one.points():
                out.write(_plain(points) if order is None else points.astype(f"{order}f8").tobytes())
        start = 0
        for one in placed:
            colours = _bytes(one) if coloured else np.empty((len(one.definition.faces), 0), np.uint8)
            for faces, some in zip(pieces(one.faces()), pieces(colours), strict=True):
                out.write(_rows(faces + np.int64(start), some, order))
            start += len(one.definition.vertices)


def _head(scene: Scene, placed: list[Placed], storage: str, coloured: bool) -> str:
    vertices = sum(len(one.definition.vertices) for one in placed)
    if vertices > _MOST:
        msg = f"PLY numbers {_MOST} vertices at most, and there are {vertices}; write STL"
        raise UsageError(msg)
    lines = ["ply", f"format {storage} 1.0", f"comment massproof, lengths in {scene.unit}"]
    lines += [f"element vertex {vertices}", *(f"property double {axis}" for axis in "xyz")]
    lines += [f"element face {scene.triangles}", "property list uchar int vertex_indices"]
    lines += [f"property uchar {colour}" for colour in ("red", "green", "blue", "alpha") if coloured]
    return "\n".join([*lines, "end_header", ""])


def _bytes(placed: Placed) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(F, 4) colours of the triangles, 0 to 255."""
    colours = np.empty((len(placed.definition.faces), 4), np.uint8)
    for first, colour in placed.patches():
        colours[first:] = np.round(np.multiply(colour or PLAIN, 255))
    return colours


def _rows(faces: Any, colours: Any, order: str | None) -> bytes:
    if order is None:
        return _plain(np.concatenate([np.full((len(faces), 1), 3), faces, colours], axis=1))
    kind = np.dtype([("n", "u1"), ("corners", f"{order}i4", 3), ("colour", "u1", colours.shape[1:])])
    rows = np.empty(len(faces), kind)
    rows["n"], rows["corners"], rows["colour"] = 3, faces, colours
    return rows.tobytes()


def _plain(rows: Any) -> bytes:
    """Rows of numbers as text, with all their digits."""
    return "".join(" ".join(map(repr, row)) + "\n" for row in rows.tolist()).encode()
