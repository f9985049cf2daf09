"""The files that are measured: made once, kept in a temporary folder, with their exact answers beside them.

Coordinates are whole multiples of a step: a power of two in binary files, so that float32 holds them exactly,
and 10⁻⁵ mm in text. Integer arithmetic then gives the true answer (`exact`).

    python benchmarks/meshes.py torus_1e5        write one file and print its exact answer
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import exact
import numpy as np

FOLDER = Path(os.environ.get("MASSPROOF_BENCH", Path(tempfile.gettempdir()) / "massproof-bench"))
VERSION = 1  # a change of the files below needs a new number, so that kept ones are not used
CENTRE = np.array([3.0, -7.0, 11.0])
TURN = np.array([[6, 2, 3], [-3, 6, 2], [-2, -3, 6]]) / 7  # a rotation in rational numbers
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_CELLS = 1 << 17  # quadrilaterals made at a time: 4e7 triangles need no more memory than 1e5

Blocks = Iterator[np.ndarray]  # (n, 3, 3) int64 corners, in steps


class Case(NamedTuple):
    """One file: what it is, in what format, and what makes its triangles."""

    title: str
    suffix: str  # ".stl", ".txt.stl" (ASCII), ".obj"
    step: Fraction  # mm
    blocks: Callable[[Fraction], Blocks]

    @property
    def kind(self) -> str:
        """What a peer must read: binary, ascii or obj."""
        return {".stl": "binary", ".txt.stl": "ascii", ".obj": "obj"}[self.suffix]


def sizes(count: float) -> tuple[int, int]:
    """Quadrilaterals around the ring and around the tube of a ring of `count` triangles."""
    cells = round(count / 2)
    side = next(n for n in range(round((count / 4) ** 0.5), 0, -1) if cells % n == 0)
    return cells // side, side


def ring_points(u: np.ndarray, v: np.ndarray, around: int, side: int, tube: float) -> np.ndarray:
    """Points (…, 3) of a ring of radius 20 mm, tilted and uneven, so that no error cancels by symmetry."""
    angle, tilt = 2 * np.pi * (u % around) / around, 2 * np.pi * (v % side) / side
    thick = tube * (1 + 0.2 * np.sin(3 * angle + 1))
    ring = 20 + thick * np.cos(tilt)
    points = np.stack([ring * np.cos(angle), 0.75 * ring * np.sin(angle), thick * np.sin(tilt)], axis=-1)
    return points @ TURN + CENTRE


def torus(
    count: float, shift: float = 0.0, scale: float = 1.0, tube: float = 5.0
) -> Callable[[Fraction], Blocks]:
    """A ring of `count` triangles, moved by `shift` mm along each axis, `scale` times as large."""
    around, side = sizes(count)

    def blocks(step: Fraction) -> Blocks:
        for first in range(0, around * side, _CELLS):
            cell = np.arange(first, min(first + _CELLS, around * side))
            u, v = cell // side, cell % side
            points = (
                ring_points(u + i, v + j, around, side, tube) for i, j in [(0, 0), (1, 0), (1, 1), (0, 1)]
            )
            a, b, c, d = (np.rint((p + shift) * (scale / float(step))).astype(np.int64) for p in points)
            yield np.stack([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)], axis=1).reshape(
                -1, 3, 3
            )

    return blocks


def many(count: float, each: float) -> Callable[[Fraction], Blocks]:
    """Rings of `each` triangles side by side, `count` in all."""

    def blocks(step: Fraction) -> Blocks:
        one = np.concatenate(list(torus(each)(step)))
        bodies = round(count / each)
        row = round(bodies ** (1 / 3))
        pitch = np.array([54, 54, 54]) / float(step)
        for body in range(bodies):
            place = np.array([body % row, body // row % row, body // row**2])
            yield one + np.rint(place * pitch).astype(np.int64)

    return blocks


def changed(name: str, count: float) -> Callable[[Fraction], Blocks]:
    """A ring with a fault: facets missing or flipped, a second body through it, a cavity wound wrongly."""

    def blocks(step: Fraction) -> Blocks:
        whole = np.concatenate(list(torus(count)(step)))
        n = len(whole)
        yield {
            "facet_missing": lambda: np.delete(whole, n // 3, axis=0),
            "half_missing": lambda: whole[: n // 2],
            "facet_flipped": lambda: np.where(np.arange(n)[:, None, None] == n // 3, whole[:, ::-1], whole),
            "inside_out": lambda: whole[:, ::-1],
            "overlapping": lambda: np.concatenate([whole, whole + np.array([round(4 / step), 0, 0])]),
            "cavity_outward": lambda: np.concatenate([whole, *torus(count, tube=2.5)(step)]),
        }[name]()

    return blocks


_FINE, _TEXT, _TINY = Fraction(1, 1 << 16), Fraction(1, 10**5), Fraction(1, 1 << 40)
CASES = {
    "torus_1e3": Case("binary STL, 10³ triangles", ".stl", _FINE, torus(1e3)),
    "torus_1e5": Case("binary STL, 10⁵ triangles", ".stl", _FINE, torus(1e5)),
    "torus_1e6": Case("binary STL, 10⁶ triangles", ".stl", _FINE, torus(1e6)),
    "many_1e6": Case("binary STL, 1000 bodies, 10⁶ triangles", ".stl", Fraction(1, 1 << 12), many(1e6, 1e3)),
    "torus_1e7": Case("binary STL, 10⁷ triangles", ".stl", _FINE, torus(1e7)),
    "ascii_1e6": Case("ASCII STL, 10⁶ triangles", ".txt.stl", _TEXT, torus(1e6)),
    "obj_1e6": Case("OBJ, 10⁶ triangles", ".obj", _TEXT, torus(1e6)),
    "torus_1e4": Case("at the origin", ".stl", _FINE, torus(1e4)),
    "moved_1e3": Case("10³ mm away", ".stl", Fraction(1, 1 << 13), torus(1e4, 1e3)),
    "moved_1e6": Case("10⁶ mm away", ".stl", Fraction(1, 1 << 4), torus(1e4, 1e6)),
    "tiny": Case("2⁻⁴⁰ times the size", ".stl", _FINE * _TINY, torus(1e4, scale=2.0**-40)),
    "huge": Case("2⁴⁰ times the size", ".stl", _FINE / _TINY, torus(1e4, scale=2.0**40)),
    "facet_missing": Case("one facet missing", ".stl", _FINE, changed("facet_missing", 1e3)),
    "half_missing": Case("half of it missing", ".stl", _FINE, changed("half_missing", 1e3)),
    "facet_flipped": Case("one facet flipped", ".stl", _FINE, changed("facet_flipped", 1e3)),
    "inside_out": Case("all facets flipped", ".stl", _FINE, changed("inside_out", 1e3)),
    "overlapping": Case("two bodies that overlap", ".stl", _FINE, changed("overlapping", 1e3)),
    "cavity_outward": Case("cavity wound outwards", ".stl", _FINE, changed("cavity_outward", 1e3)),
}


def file(name: str) -> Path:
    """Path of the file of a case, written if it is not there."""
    case = CASES[name]
    path = FOLDER / f"{name}-{VERSION}{case.suffix}"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        {"binary": write_binary, "ascii": _write_ascii, "obj": _write_obj}[case.kind](
            partial, case.blocks(case.step), case.step
        )
        partial.rename(path)
    return path


def answer(name: str) -> dict[str, object]:
    """The exact answer of a case, in mm, computed if it is not kept."""
    case, path = CASES[name], FOLDER / f"{name}-{VERSION}.json"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(exact.properties(case.blocks(case.step), case.step)))
    return json.loads(path.read_text())


def _normals(corners: np.ndarray) -> np.ndarray:
    edges = (corners[:, 1:] - corners[:, :1]).astype(np.float64)
    normals = np.cross(edges[:, 0], edges[:, 1])
    return normals / np.maximum(np.linalg.norm(normals, axis=1), 1.0)[:, None]


def write_binary(path: Path, blocks: Blocks, step: Fraction) -> None:
    """Write a binary STL; raises ValueError where float32 does not hold a coordinate."""
    with path.open("wb") as out:
        out.write(bytes(84))
        count = 0
        for corners in blocks:
            records = np.zeros(len(corners), RECORD)
            records["normal"], records["corners"] = _normals(corners), corners * float(step)
            if not np.array_equal(records["corners"].astype(np.float64), corners * float(step)):
                raise ValueError(path)
            out.write(records.tobytes())
            count += len(corners)
        out.seek(80)
        out.write(count.to_bytes(4, "little"))


def _lines(points: np.ndarray, step: Fraction, pattern: str) -> list[str]:
    return [pattern % (x, y, z) for x, y, z in (points / step.denominator).tolist()]


def _write_ascii(path: Path, blocks: Blocks, step: Fraction) -> None:
    """Normals and corners as C's %e, as most exporters write them."""
    with path.open("w") as out:
        out.write("solid ring\n")
        for corners in blocks:
            heads = _lines(_normals(corners), Fraction(1), "%e %e %e")
            a, b, c = (_lines(corners[:, k], step, "%e %e %e") for k in range(3))
            out.writelines(
                f"  facet normal {n}\n    outer loop\n      vertex {p}\n      vertex {q}\n      vertex {r}\n"
                "    endloop\n  endfacet\n"
                for n, p, q, r in zip(heads, a, b, c, strict=True)
            )
        out.write("endsolid ring\n")


def _write_obj(path: Path, blocks: Blocks, step: Fraction) -> None:
    """Shared vertices in the order of their first use, then the faces."""
    corners = np.concatenate(list(blocks)).reshape(-1, 3)
    mixed = corners @ np.array([0x9E3779B97F4A7C1, 0xC2B2AE3D27D4EB5, 0xD6E8FEB86659FD9])  # wraps around
    _, first, label = np.unique(mixed, return_index=True, return_inverse=True)
    if not np.array_equal(corners[first[label]], corners):
        raise ValueError(path)  # two positions with one word
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(1, len(order) + 1)
    with path.open("w") as out:
        out.write("\n".join(_lines(corners[first[order]], step, "v %.6f %.6f %.6f")) + "\n")
        out.writelines(f"f {a} {b} {c}\n" for a, b, c in rank[label].reshape(-1, 3).tolist())


if __name__ == "__main__":
    for word in sys.argv[1:]:
        print(file(word), json.dumps(answer(word), indent=1))
