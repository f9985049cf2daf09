"""Slits in the facets of solids: holes no wider than facets may lie from faces, where a triangulator gave up.

Each is closed by the triangles between its corners that have the least area in sum: G. Barequet and M. Sharir, "Filling
gaps in the boundary of a polyhedron", 1995.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np

from massproof.mesh import Floats, Integers

_LONGEST = 40  # corners round a hole: a slit is the end of one face, and the work grows with their cube

_Triangle = tuple[int, int, int]


def filled(points: Floats, faces: Integers, width: float) -> list[_Triangle]:
    """Triangles for all holes that triangles no higher than `width` close; corners are rows of `points`.

    points : (V, 3);  faces : (F, 3), counter-clockwise seen from outside, as what is returned is
    """
    found: list[_Triangle] = []
    for loop in _loops(faces):
        _, triangles = _least(points[loop])
        if all(_height(*points[[loop[k] for k in corners]]) <= width for corners in triangles):
            found += [(loop[i], loop[j], loop[k]) for i, j, k in triangles]
    return found


def _loops(faces: Integers) -> list[list[int]]:
    """Corners round each hole, the way triangles in it run; those that touch others are left out."""
    sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    keys, counts = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    alone = {(a, b) for a, b in keys[counts == 1].tolist()}
    if not alone:
        return []
    steps = [(b, a) for a, b in sides.tolist() if (min(a, b), max(a, b)) in alone]
    leaving = Counter(a for a, _ in steps)
    after = {a: b for a, b in steps if leaving[a] == 1}
    loops = []
    while after:
        start, here = after.popitem()
        loop = [start]
        while here in after:
            loop.append(here)
            here = after.pop(here)
        if here == start and len(loop) <= _LONGEST:
            loops.append(loop)
    return loops


def _least(corners: Floats) -> tuple[float, list[_Triangle]]:
    """The triangles that fill a polygon with the least area, and that area."""

    @cache
    def best(first: int, last: int) -> tuple[float, list[_Triangle]]:
        if last - first < 2:
            return 0.0, []
        choices = []
        for k in range(first + 1, last):
            (left, before), (right, behind) = best(first, k), best(k, last)
            area = _area(*corners[[first, k, last]])
            choices.append((left + right + area, [*before, (first, k, last), *behind]))
        return min(choices)

    return best(0, len(corners) - 1)


def _area(a: Floats, b: Floats, c: Floats) -> float:
    return float(np.linalg.norm(np.cross(b - a, c - a))) / 2


def _height(a: Floats, b: Floats, c: Floats) -> float:
    """The least of a triangle."""
    longest = max(float(np.linalg.norm(q - p)) for p, q in pairwise((a, b, c, a)))
    return 2 * _area(a, b, c) / longest
