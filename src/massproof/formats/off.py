"""OFF: polygons by index, as text. Layout: Geomview manual, section "OFF files", 1996.

OFF has no unit. Only positions and faces are read; colours, normals and textures bound nothing.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import NoReturn

import numpy as np

from massproof.errors import FormatError
from massproof.mesh import Floats, Integers, Mesh, from_polygons

SUFFIXES = (".off",)

# 4OFF and nOFF are recognised, so that `read` can say what they are.
_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|#[^\n\r]*[\n\r])*(?:ST)?C?N?4?n?OFF(?![^\s#])")


def sniff(data: memoryview) -> bool:
    """Whether the first word of `data` that is no comment is OFF, COFF and so on."""
    return bool(_START.match(data[:4096]))


def read(data: memoryview) -> Mesh:
    """Read a text OFF file: all its polygons, triangulated without leaving them.

    Raises FormatError when it is no such file, when the lines are fewer or more than the header
    counts, and for a number that does not parse, is not finite or is out of range.
    """
    if not sniff(data):
        msg = (
            f"not an OFF file, which starts with the word OFF; this one starts with "
            f"{bytes(data[:4096]).lstrip()[:8]!r}; export it again or give it the suffix of its content"
        )
        raise FormatError(msg)
    try:
        vertices, corners, sizes = _polygons(_rows(data))
    except (ValueError, IndexError, OverflowError) as error:  # numbers and lines that are not there
        msg = f"OFF file is damaged: {error}; export or copy it again"
        raise FormatError(msg) from error
    return from_polygons(vertices, corners, sizes)


def _rows(data: memoryview) -> list[list[str]]:
    """The words of every line that has any."""
    text = re.sub(r"#[^\n\r]*", "", bytes(data).decode("utf-8-sig"))
    if "_" in text or not text.isascii():  # float("1_0") is 10.0 to Python, and a typing error here
        word = next(word for word in text.split() if "_" in word or not word.isascii())
        _refuse(f"has {word[:40]!r}, expected a number like -1.25e-3; export it again")
    return [row for line in text.splitlines() if (row := line.split())]


def _polygons(rows: list[list[str]]) -> tuple[Floats, Integers, Integers]:
    """Vertices, the corners of all faces, and how many each face has."""
    head = rows[0]
    if not re.fullmatch("(ST)?C?N?OFF", head[0]) or "BINARY" in head:
        _refuse(f"header {' '.join(head)[:40]!r} is not supported; export text OFF in 3D")
    body = rows[1:] if len(head) == 1 else [head[1:], *rows[1:]]
    points, polygons = (int(count) for count in body[0][:2])
    if min(points, polygons) < 0 or points + polygons != len(body) - 1:
        _refuse(
            f"file cut short or its count is wrong: the header counts {points} vertices and "
            f"{polygons} faces, but {len(body) - 1} lines follow to the end; export it again"
        )
    vertices = _vertices([row[:3] for row in body[1 : points + 1]])
    sizes = [int(row[0]) for row in body[points + 1 :]]
    corners: list[int] = []
    for number, (size, row) in enumerate(zip(sizes, body[points + 1 :], strict=True)):
        if not 0 <= size < len(row):
            _refuse(f"face {number} counts {size} corners, but its line has {len(row) - 1} numbers")
        corners.extend(map(int, row[1 : size + 1]))
    return vertices, np.array(corners, np.int64), np.array(sizes, np.int64)


def _vertices(rows: list[list[str]]) -> Floats:
    for number, row in enumerate(rows):
        if len(row) != 3:
            _refuse(f"vertex {number} has {len(row)} numbers, expected 3: {' '.join(row)[:80]!r}")
    return np.fromiter(map(float, chain.from_iterable(rows)), np.float64).reshape(-1, 3)


def _refuse(why: str) -> NoReturn:
    msg = f"OFF {why}"
    raise FormatError(msg)
