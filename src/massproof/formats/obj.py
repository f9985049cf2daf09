"""Wavefront OBJ: polygons by index. Layout: Wavefront, "Advanced Visualizer" manual, appendix B1, 1995.

OBJ has no unit. Only positions and faces are measured; groups, normals, textures and lines bound nothing. What a file
shows are its objects, or where it has none its groups, or else what has one material, by their names.
"""

from __future__ import annotations

import re
from typing import NoReturn

import numpy as np

from massproof.errors import FormatError, Note
from massproof.kernels import topology, weld
from massproof.kernels.obj_text import polygons
from massproof.kernels.text import Unusual
from massproof.mesh import Corners, Floats, Integers, Mesh, from_polygons
from massproof.scene import Colour, Definition, Files, Occurrence, Scene, pieces

SUFFIXES = (".obj",)

# The first line that is no comment; a search further on would find keywords in any text or binary.
_STARTS = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|#[^\n\r]*[\n\r])*"
    rb"(?:v|vn|vt|vp|f|fo|l|p|o|g|s|mg|mtllib|usemtl|usemap|maplib)[ \t]"
)
# Surfaces that are not polygons: leaving them out would make a closed part look open.
_FREE_FORM = {b"curv", b"curv2", b"surf", b"cstype", b"bmat", b"call", b"csh"}

# From this many bytes on, compiled code is worth linking: some 50 ms once, against 0.3 µs a byte in Python.
_COMPILED_FROM = 1 << 18

# Vertices, corners of all polygons, how many each has (None: three), and what was noticed.
_Polygons = tuple[Floats, Corners, Corners | None, tuple[Note, ...]]

_NAMING = (b"o", b"g", b"usemtl")  # in this order: the first that a file has tells its parts
_NAMED = re.compile(rb"\n(o|g|usemtl)(?:[ \t]+([^\r\n#]*))?(?=[\r\n#]|\Z)")
_SEGMENT = 1 << 24  # bytes that are looked through together
_MOST = 100_000  # parts, as many as an assembly is measured with; a file with more of them is one

_Mark = tuple[bytes, bytes, int]  # keyword, name, polygons before it
_Part = tuple[str, Floats, Corners]  # name, vertices, faces


def sniff(data: memoryview) -> bool:
    """Whether `data` looks like OBJ: its first line that is no comment begins with a keyword."""
    return bool(_STARTS.match(data[: 1 << 16]))


def read(data: memoryview) -> Mesh:
    """Read an OBJ file: all its polygons, triangulated without leaving them.

    Raises FormatError for an index of 0 or out of range, a face of fewer than three corners, a number
    that does not parse or is not finite, free-form surfaces, or no face at all.
    """
    return _mesh(*(_usual(data) or _any(data)))


def scene(data: memoryview) -> Scene:
    """What an OBJ file shows: parts with their names; libraries of materials are other files, which are not read.

    Groups that share edges which are open in each of them are faces of one part. Raises what `read` raises.
    """
    found = _usual(data)
    marks = (
        None if found is None else _marked(data, len(found[1]) // 3 if found[2] is None else len(found[2]))
    )
    if found is None or marks is None:
        reader = _read(data)
        found, marks = _held(reader), reader.marks
    mesh, sizes = _mesh(*found), found[2]
    triangles = np.arange(len(mesh.faces) + 1) if sizes is None else np.cumsum([0, *np.maximum(sizes - 2, 0)])
    parts = [
        (name, *weld.welded(mesh.vertices, mesh.faces[some])) for name, some in _divided(marks, triangles)
    ]
    joined = [
        parts[members[0]] if len(members) == 1 else _together([parts[n] for n in members], len(parts))
        for members in _joined(parts)
    ]
    return Scene(
        "mm",  # it has no unit
        tuple(Definition(*part) for part in joined),
        tuple(Occurrence(name, np.eye(4), n) for n, (name, _, _) in enumerate(joined)),
    )


def _mesh(vertices: Floats, corners: Corners, sizes: Corners | None, notes: tuple[Note, ...]) -> Mesh:
    if not np.isfinite(vertices).all():
        bad = ~np.isfinite(vertices[corners]).all(axis=1)
        if bad.any():
            row = int(corners[np.argmax(bad)])
            msg = (
                f"OBJ vertex {row + 1} is not finite: {vertices[row].tolist()} is nan or inf; export it again"
            )
            raise FormatError(msg)
    return from_polygons(vertices, corners, sizes, notes=notes)


def _usual(data: memoryview) -> _Polygons | None:
    """What compiled kernels read of a large file in the usual form; None for any other."""
    if len(data) < _COMPILED_FROM or b"\0" in bytes(data[:512]):
        return None
    try:
        return (*polygons(data), ())
    except Unusual:
        return None


def _any(data: memoryview) -> _Polygons:
    """What the file holds, read in Python: the authority on what it means and on what is wrong with it."""
    return _held(_read(data))


def _read(data: memoryview) -> _Reader:
    reader = _Reader()
    reader.read(_text(data))
    if not reader.sizes:
        msg = (
            f"OBJ with no faces: {len(reader.points) // 3} vertices and 0 polygons enclose nothing; "
            "export it as a surface"
        )
        raise FormatError(msg)
    return reader


def _held(reader: _Reader) -> _Polygons:
    vertices = np.array(reader.points).reshape(-1, 3)
    return vertices, np.array(reader.corners, np.int64), np.array(reader.sizes, np.int64), tuple(reader.notes)


def _text(data: memoryview) -> bytes:
    """The file as one byte string with continuation lines joined."""
    raw = bytes(data)
    if b"\0" in raw[:512]:
        msg = "not an OBJ file: it holds NUL bytes, so it is binary; export it again"
        raise FormatError(msg)
    # Comments go first: one that ends in a backslash does not continue on the next line.
    plain = re.sub(rb"#[^\r\n]*", b"", raw.removeprefix(b"\xef\xbb\xbf"))
    return re.sub(rb"\\[ \t]*(?:\r\n|\n|\r)", b" ", plain)


def _marked(data: memoryview, polygons: int) -> list[_Mark] | None:
    """Names of a file in the usual form and where they stand; None where its faces cannot be told from afar."""
    marks: list[_Mark] = []
    count, at = 0, 0
    while at < len(data):
        text = bytes(data[at : at + _SEGMENT])
        if at + len(text) < len(data):
            text = text[: text.rfind(b"\n")] or text
        at, text = at + len(text), text if at else b"\n" + text
        done = 0
        for found in _NAMED.finditer(text):
            count, done = count + text.count(b"\nf", done, found.start()), found.start()
            marks.append((found[1], b" ".join((found[2] or b"").split()), count))
        count += text.count(b"\nf", done)
    return marks if count == polygons else None


def _divided(marks: list[_Mark], triangles: Integers) -> list[tuple[str, Integers]]:
    """Names of parts, and their triangles; triangles : how many come before each polygon, and in all."""
    first = next((word for word in _NAMING if any(one[0] == word for one in marks)), b"")
    own = [(name.decode("utf-8", "replace"), count) for word, name, count in marks if word == first]
    starts = [("", 0), *own] if own and own[0][1] else own or [("", 0)]
    stops = [*(count for _, count in starts[1:]), len(triangles) - 1]
    found: dict[tuple[str, int], list[Integers]] = {}
    for n, ((name, start), stop) in enumerate(zip(starts, stops, strict=True)):
        some = np.arange(triangles[start], triangles[stop])
        if len(some):  # of objects of one name each is one, and a group may be gone on with
            found.setdefault((name, n if first == b"o" else 0), []).append(some)
    if len(found) > _MOST:
        return [("", np.arange(triangles[-1]))]
    return [(name, np.concatenate(rows)) for (name, _), rows in found.items()]


def _joined(parts: list[_Part]) -> list[list[int]]:
    """Numbers of parts, those together that share an edge at which each of them is open."""
    keys, owners = [np.empty((0, 6))], [np.empty(0, np.int64)]
    for n, (_, vertices, faces) in enumerate(parts if len(parts) > 1 else ()):
        ends = vertices[topology.match_edges(faces, len(vertices)).open_pairs]
        order = np.lexsort(ends.transpose(2, 0, 1)[::-1], axis=-1)
        keys.append(np.take_along_axis(ends, order[..., None], axis=1).reshape(-1, 6))
        owners.append(np.full(len(ends), n))
    _, edge = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    label = [*range(len(parts))]
    seen: dict[int, int] = {}
    for key, owner in zip(edge.ravel().tolist(), np.concatenate(owners).tolist(), strict=True):
        one, other = _root(label, owner), _root(label, seen.setdefault(key, owner))
        label[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for n in range(len(parts)):
        groups.setdefault(_root(label, n), []).append(n)
    return [*groups.values()]


def _root(label: list[int], n: int) -> int:
    while label[n] != n:
        n = label[n]
    return n


def _together(parts: list[_Part], count: int) -> _Part:
    """Parts as one, under the name of the first; where these are all there are, of the file."""
    starts = np.cumsum([0, *(len(vertices) for _, vertices, _ in parts)])
    faces = np.concatenate([faces + first for (_, _, faces), first in zip(parts, starts, strict=False)])
    vertices, corners = weld.welded(np.concatenate([one for _, one, _ in parts]), faces.astype(np.int32))
    return "" if len(parts) == count else parts[0][0], vertices, corners


class _Reader:
    """Positions and polygons, line by line."""

    def __init__(self) -> None:
        self.points: list[float] = []
        self.corners: list[int] = []
        self.sizes: list[int] = []
        self._line = 0
        self.notes: list[Note] = []
        self.marks: list[_Mark] = []
        self._latest = (-1, 0)  # the largest index named, and its line: it may come before its vertex

    def read(self, text: bytes) -> None:
        for self._line, line in enumerate(re.split(rb"\r\n|\n|\r", text), 1):
            words = line.split()
            if not words:
                continue
            if words[0] == b"v":
                self._vertex(words[1:])
            elif words[0] in (b"f", b"fo"):
                self._face(words[1:])
            elif words[0] in _NAMING:
                self.marks.append((words[0], b" ".join(words[1:]), len(self.sizes)))
            elif words[0] in _FREE_FORM:
                self._refuse(
                    f"'{words[0].decode()}' is not supported: only polygons are measured; export it as a mesh"
                )
        index, self._line = self._latest
        count = len(self.points) // 3
        if index >= count:
            self._refuse(f"vertex index {index + 1} is out of range: the file has {count} vertices")

    def _vertex(self, words: list[bytes]) -> None:
        try:
            x, y, z = words[:3]
            if b"_" in x + y + z:  # float("1_0") is 10.0 to Python, and a typing error here
                raise ValueError
            self.points += (float(x), float(y), float(z))
            if len(words) > 3 and not self.notes and b"nan" in b"".join(words[3:]).lower():
                text = f"line {self._line} has a colour or weight that is not a number; it was not used"
                self.notes.append(("ignored-nan", text, {"line": self._line}))
        except ValueError:
            shown = b" ".join(words).decode("ascii", "replace")
            self._refuse(f"the vertex '{shown}' is not three numbers, written like -1.25e-3 with a point")

    def _face(self, words: list[bytes]) -> None:
        if len(words) < 3:
            self._refuse(f"a face has {len(words)} corners; a polygon has at least 3 vertices")
        self.corners += [self._index(word) for word in words]
        self.sizes.append(len(words))

    def _index(self, word: bytes) -> int:
        """Position that `7`, `7/1/2` or, counted from the last one read, `-1` names."""
        count = len(self.points) // 3
        first = word.split(b"/", 1)[0]
        if not re.fullmatch(rb"-?[0-9]{1,18}", first):
            self._refuse(f"'{word.decode('ascii', 'replace')}' names no vertex: an index is an integer")
        number = int(first)
        index = number - 1 if number > 0 else count + number
        if number == 0 or index < 0:
            self._refuse(f"vertex index {number} is out of range: indices count from 1, or from -1 backwards")
        self._latest = max(self._latest, (index, self._line))
        return index

    def _refuse(self, why: str) -> NoReturn:
        msg = f"OBJ line {self._line}: {why}"
        raise FormatError(msg)


def write(scene: Scene, name: str, files: Files) -> None:
    """Write the parts of a scene where they stand, each an object of its own, with all digits of the coordinates.

    Colours go to a library of materials beside it, a file of the same name that ends in .mtl.
    """
    colours = sorted({c for placed in scene.placed() for _, c in placed.patches() if c})
    library = f"{_word(name.rpartition('.')[0] or name)}.mtl"  # which is named in a line of words
    with files(name) as out:
        out.write(f"# massproof, lengths in {scene.unit}\n".encode())
        if colours:
            out.write(f"mtllib {library}\n".encode())
        start = 1
        for placed in scene.placed():
            out.write(f"o {_word('/'.join(placed.path))}\n".encode())
            for points in placed.points():
                out.write("".join(f"v {x!r} {y!r} {z!r}\n" for x, y, z in points.tolist()).encode())
            faces, patches = placed.faces(), placed.patches()
            stops = [*(first for first, _ in patches[1:]), len(faces)]
            for (first, colour), stop in zip(patches, stops, strict=True):
                if colour:
                    out.write(f"usemtl {_material(colours.index(colour))}\n".encode())
                for some in pieces(faces[first:stop]):
                    rows = (some + np.int64(start)).tolist()
                    out.write("".join(f"f {a} {b} {c}\n" for a, b, c in rows).encode())
            start += len(placed.definition.vertices)
    if colours:
        with files(library) as out:
            out.write("".join(_described(k, colour) for k, colour in enumerate(colours)).encode())


def _material(number: int) -> str:
    return f"colour_{number + 1}"


def _described(number: int, colour: Colour) -> str:
    red, green, blue, opacity = (f"{share:.6g}" for share in colour)
    return f"newmtl {_material(number)}\nKd {red} {green} {blue}\nd {opacity}\nillum 1\n\n"


def _word(text: str) -> str:
    """A name without what would end it: white space and what does not print."""
    return "".join(c if c.isprintable() and not c.isspace() else "_" for c in text) or "_"
