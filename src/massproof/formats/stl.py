"""STL, binary and ASCII. Layout: M. Burns, "Automated Fabrication", 1993, section 6.5.

STL has no unit and no shared vertices.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from massproof.errors import FormatError
from massproof.mesh import Mesh, float32_precision

SUFFIXES = (".stl", ".stla", ".stlb")

_HEADER = 80  # bytes of free text; some exporters start it with "solid", so it decides nothing
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*solid\b", re.IGNORECASE)


def sniff(data: memoryview) -> bool:
    """Whether `data` looks like STL, from its first bytes and its length only."""
    return _declared_size(data) == len(data) or bool(_TEXT.match(data[:_HEADER]))


def read(data: memoryview) -> Mesh:
    """Read an STL file.

    Raises FormatError when the length and the triangle count disagree, or when an ASCII number does
    not parse. The normals in the file are ignored: the corner order decides.
    """
    if _declared_size(data) == len(data):
        return _mesh(_binary_corners(data), single=True)
    if _TEXT.match(data[:_HEADER]) and b"\0" not in bytes(data[:512]):
        return _mesh(_ascii_corners(bytes(data)), single=False)
    raise FormatError(_not_stl(data))


def _mesh(corners: npt.NDArray[np.float64], *, single: bool) -> Mesh:
    """Mesh of a triangle soup; `single` when the file stores float32."""
    bad = ~np.isfinite(corners).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        msg = (
            f"STL with {bad.sum()} of {len(corners)} corners not finite, the first in triangle {row // 3}: "
            f"{corners[row].tolist()} is nan or inf; export it again"
        )
        raise FormatError(msg)
    if not len(corners):
        msg = "STL with no triangles: 0 facets, so there is nothing to measure; export it again"
        raise FormatError(msg)
    step = float32_precision(corners) if single else None
    faces = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    return Mesh(corners, faces, precision=step)


def _declared_size(data: memoryview) -> int | None:
    """Length a binary STL must have to hold the triangles its header counts."""
    if len(data) < _HEADER + 4:
        return None
    count = int.from_bytes(data[_HEADER : _HEADER + 4], "little")
    return _HEADER + 4 + count * _TRIANGLE.itemsize


def _binary_corners(data: memoryview) -> npt.NDArray[np.float64]:
    triangles = np.frombuffer(data, _TRIANGLE, offset=_HEADER + 4)
    return triangles["corners"].reshape(-1, 3).astype(np.float64)


def _ascii_corners(data: bytes) -> npt.NDArray[np.float64]:
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
    if not re.search(rb"\bendsolid\b", data[-4096:], re.IGNORECASE):
        msg = f"ASCII STL cut short: no 'endsolid' after {facets} facets; export or copy it again"
        raise FormatError(msg)
    corners = np.empty((len(found), 3))
    for i, words in enumerate(found):
        try:
            if b"_" in b"".join(words):  # float("1_0") is 10.0 to Python, and a typing error here
                raise ValueError
            corners[i] = (float(words[0]), float(words[1]), float(words[2]))
        except ValueError:
            shown = b" ".join(words).decode("ascii", "replace")
            msg = (
                f"ASCII STL: the vertex '{shown}' of facet {i // 3} is not three numbers, written like "
                "-1.25e-3 with a point; export it again"
            )
            raise FormatError(msg) from None
    return corners


def _not_stl(data: memoryview) -> str:
    declared = _declared_size(data)
    if declared is None:
        return (
            f"not an STL file, or one cut short: {len(data)} bytes is too small for the "
            f"{_HEADER + 4}-byte header; export or copy it again"
        )
    count = (declared - _HEADER - 4) // _TRIANGLE.itemsize
    what = "cut short (truncated)" if declared > len(data) else "followed by other (trailing) bytes"
    return (
        f"binary STL {what}: the header counts {count} triangles, which take {declared} bytes, "
        f"but the file has {len(data)}; export or copy it again"
    )
