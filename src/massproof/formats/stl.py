"""STL, binary and ASCII. Layout: M. Burns, "Automated Fabrication", 1993, section 6.5.

STL has no unit and no shared vertices.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from massproof.errors import FormatError, UsageError
from massproof.kernels.stl_text import triangles
from massproof.kernels.text import Unusual
from massproof.mesh import Floats, Mesh, Records, require_finite
from massproof.scene import Files, Scene

SUFFIXES = (".stl", ".stla", ".stlb")

_HEADER = 80  # bytes of free text; some exporters start it with "solid", so it decides nothing
_EMPTY = "STL with no triangles: 0 facets, so there is nothing to measure; export it again"
_END = re.compile(rb"\bendsolid\b", re.IGNORECASE)
_LAST = 4096  # bytes in which it must stand
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*solid\b", re.IGNORECASE)

# From this many bytes on, compiled code is worth linking: some 50 ms once, against 0.2 µs a byte in Python.
_COMPILED_FROM = 1 << 18

STORAGE = ("binary", "ascii")  # as it can be written, the usual one first
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_MOST = 2**32 - 1  # triangles that the header can count
_FACET = "facet normal {} {} {}\nouter loop\n" + 3 * "vertex {} {} {}\n" + "endloop\nendfacet\n"


def sniff(data: memoryview) -> bool:
    """Whether `data` looks like STL, from its first bytes and its length only."""
    return _declared_size(data) == len(data) or bool(_TEXT.match(data[:_HEADER]))


def read(data: memoryview) -> Mesh | Records:
    """Read an STL file.

    Raises FormatError when the length and the triangle count disagree, or when an ASCII number does
    not parse. The normals in the file are ignored: the corner order decides.
    """
    if _declared_size(data) == len(data):
        return _binary(data)
    if _TEXT.match(data[:_HEADER]) and b"\0" not in bytes(data[:512]):
        return _ascii(data)
    raise FormatError(_not_stl(data))


def _ascii(data: memoryview) -> Mesh:
    """Every facet of every solid in the file: compiled, if they are written as usual."""
    if len(data) >= _COMPILED_FROM and _END.search(data[-_LAST:]):
        try:
            return _mesh(*triangles(data))
        except Unusual:
            pass  # word by word, then: the authority on what a file means and on what is wrong with it
    corners = _any_corners(bytes(data))
    return _mesh(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3))


def _mesh(vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int32]) -> Mesh:
    """Mesh of all facets, refused when there is none."""
    if not len(faces):
        raise FormatError(_EMPTY)
    if not np.isfinite(vertices).all():
        require_finite(vertices[faces])
    return Mesh(vertices, faces)


def _binary(data: memoryview) -> Records:
    """The records where they lie."""
    count = (len(data) - _HEADER - 4) // Records.SIZE
    if not count:
        raise FormatError(_EMPTY)
    return Records(np.frombuffer(data, np.uint8), count)


def _declared_size(data: memoryview) -> int | None:
    """Length a binary STL must have to hold the triangles its header counts."""
    if len(data) < _HEADER + 4:
        return None
    count = int.from_bytes(data[_HEADER : _HEADER + 4], "little")
    return _HEADER + 4 + count * Records.SIZE


def _any_corners(data: bytes) -> npt.NDArray[np.float64]:
    """Corners of every facet of every solid in the file; any white space separates words."""
    words = [word.lower() for word in re.findall(rb"\b(?:vertex|endfacet)\b", data, re.IGNORECASE)]
    facets = words.count(b"endfacet")
    found = re.findall(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", data, re.IGNORECASE)
    if len(found) != 3 * facets or words != [b"vertex", b"vertex", b"vertex", b"endfacet"] * facets:
        msg = (
            f"ASCII STL with {len(found)} complete 'vertex' lines in {facets} facets, where each facet has 3 "
            "vertices: the file is cut short or a number is missing; export or copy it again"
        )
        raise FormatError(msg)
    if not _END.search(data[-_LAST:]):
        msg = f"ASCII STL cut short: no 'endsolid' after {facets} facets; export or copy it again"
        raise FormatError(msg)
    places = np.empty((len(found), 3))
    for i, words in enumerate(found):
        try:
            if b"_" in b"".join(words):  # float("1_0") is 10.0 to Python, and a typing error here
                raise ValueError
            places[i] = (float(words[0]), float(words[1]), float(words[2]))
        except ValueError:
            shown = b" ".join(words).decode("ascii", "replace")
            msg = (
                f"ASCII STL: the vertex '{shown}' of facet {i // 3} is not three numbers, written like "
                "-1.25e-3 with a point; export it again"
            )
            raise FormatError(msg) from None
    return places


def _not_stl(data: memoryview) -> str:
    declared = _declared_size(data)
    if declared is None:
        return (
            f"not an STL file, or one cut short: {len(data)} bytes is too small for the "
            f"{_HEADER + 4}-byte header; export or copy it again"
        )
    count = (declared - _HEADER - 4) // Records.SIZE
    what = "cut short (truncated)" if declared > len(data) else "followed by other (trailing) bytes"
    return (
        f"binary STL {what}: the header counts {count} triangles, which take {declared} bytes, "
        f"but the file has {len(data)}; export or copy it again"
    )


def write(scene: Scene, name: str, files: Files, *, storage: str = "binary") -> None:
    """Write the triangles of a scene where they stand; names and colours have no place in STL.

    storage : "binary", whose coordinates are rounded to 32 bits, or "ascii", which keeps all their digits

    Raises UsageError for another storage, more triangles than can be counted, or coordinates that 32 bits cannot hold.
    """
    if storage not in STORAGE:
        msg = f"STL can be stored as {' or '.join(STORAGE)}, not as {storage!r}"
        raise UsageError(msg)
    with files(name) as out:
        if storage == "ascii":
            out.write(b"solid massproof\n")
            for normals, corners in _facets(scene):
                rows = np.concatenate([normals[:, None], corners], axis=1).reshape(-1, 12).tolist()
                out.write("".join(_FACET.format(*row) for row in rows).encode())
            out.write(b"endsolid massproof\n")
            return
        count = scene.triangles
        if count > _MOST:
            msg = f"binary STL counts {_MOST} triangles at most, and there are {count}; write another format"
            raise UsageError(msg)
        header = f"binary STL of massproof, lengths in {scene.unit}".encode()
        out.write(header.ljust(_HEADER) + count.to_bytes(4, "little"))
        for normals, corners in _facets(scene):
            records = np.zeros(len(corners), _RECORD)
            records["normal"], records["corners"] = normals, _narrowed(corners)
            out.write(records.tobytes())


def _facets(scene: Scene) -> Iterator[tuple[Floats, Floats]]:
    """Unit normals (n, 3) and corners (n, 3, 3), a few hundred thousand at a time."""
    for placed in scene.placed():
        for corners in placed.corners():
            normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            size = np.linalg.norm(normals, axis=1, keepdims=True)
            yield np.divide(normals, size, out=np.zeros_like(normals), where=size > 0), corners


def _narrowed(corners: Floats) -> npt.NDArray[np.float32]:
    most = float(np.abs(corners).max(initial=0.0))
    if most > float(np.finfo(np.float32).max):
        msg = f"a coordinate of {most:g} does not fit the 32 bits of binary STL; write another unit, or ASCII"
        raise UsageError(msg)
    return corners.astype(np.float32)
