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
from massproof.scene import Colour, Definition, Files, Occurrence, Scene, pieces, shaded

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
# Positions with red, green and blue after them, of which all in a file are from 0 to 1, or all to 255.
_LIT = re.compile(
    rb"^v(?:[ \t]+[^\s#]+){3}[ \t]+([^\s#]+)[ \t]+([^\s#]+)[ \t]+([^\s#]+)[ \t]*(?=[\r\n#])", re.MULTILINE
)
_COLOURED = 1 << 28  # bytes of a file whose colours are read: that takes a microsecond a vertex
_MOST = 100_000  # parts, as many as an assembly is measured with; a file with more of them is one

_Mark = tuple[bytes, bytes, int]  # keyword, name, polygons before it


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
    """What an OBJ file shows: parts with their names; colours are those of vertices, of a triangle their mean;
    libraries of materials are other files, which are not read.

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
    rows = _joined(mesh, _divided(marks, triangles))
    shades = _shades(data, mesh, *found[:2])
    return Scene(
        "mm",  # it has no unit
        tuple(_definition(name, mesh, some, shades) for name, some in rows),
        tuple(Occurrence(name, np.eye(4), n) for n, (name, _) in enumerate(rows)),
    )


def _definition(name: str, mesh: Mesh, some: Integers, shades: Floats | None) -> Definition:
    vertices, faces = weld.welded(mesh.vertices, mesh.faces[some])
    if shades is None:
        return Definition(name, vertices, faces)
    return shaded(name, vertices, faces, shades[some])


def _shades(data: memoryview, mesh: Mesh, vertices: Floats, corners: Corners) -> Floats | None:
    """Of each triangle the mean colour of its corners, (F, 4); None where not every vertex has one."""
    if len(data) > _COLOURED or not _LIT.search(data[:_SEGMENT]):
        return None
    try:
        found = np.array([row.groups() for row in _LIT.finditer(data)]).astype(np.float64)
    except ValueError:  # words that are no numbers
        return None
    if len(found) < len(vertices) or not (found >= 0).all() or not found.max() <= 255:
        return None
    found = found[np.unique(corners)] / (255 if found.max() > 1 else 1)
    return np.pad(found[mesh.faces].mean(axis=1), ((0, 0), (0, 1)), constant_values=1.0)


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


def _joined(mesh: Mesh, rows: list[tuple[str, Integers]]) -> list[tuple[str, Integers]]:
    """Parts, those as one that share an edge at which each of them is open: it has the name of the first of them, and
    where these are all there are, none.
    """
    if len(rows) < 2:
        return rows
    keys, owners = [], []
    for n, (_, some) in enumerate(rows):
        vertices, faces = weld.welded(mesh.vertices, mesh.faces[some])
        ends = vertices[topology.match_edges(faces, len(vertices)).open_pairs]
        order = np.lexsort(ends.transpose(2, 0, 1)[::-1], axis=-1)
        keys.append(np.take_along_axis(ends, order[..., None], axis=1).reshape(-1, 6))
        owners.append(np.full(len(ends), n))
    _, edge = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    label = [*range(len(rows))]
    seen: dict[int, int] = {}
    for key, owner in zip(edge.ravel().tolist(), np.concatenate(owners).tolist(), strict=True):
        one, other = _root(label, owner), _root(label, seen.setdefault(key, owner))
        label[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for n in range(len(rows)):
        groups.setdefault(_root(label, n), []).append(n)
    return [
        (
            rows[first][0] if 1 == len(members) or len(members) < len(rows) else "",
            np.concatenate([rows[n][1] for n in members]),
        )
        for first, members in groups.items()
    ]


def _root(label: list[int], n: int) -> int:
    while label[n] != n:
        n = label[n]
    return n


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
