"""What a triangle soup is as a surface: matched edges, boundaries, bodies, what lies inside what.

Solid angles: A. van Oosterom, J. Strackee, "The Solid Angle of a Plane Triangle", IEEE Trans. Biomed. Eng.
30, 1983.
"""

from typing import NamedTuple

import numpy as np

from massproof.kernels.clusters import chained
from massproof.kernels.coincident import coincident
from massproof.kernels.edges import CROWDED, UNBALANCED, Sides, degenerate, face_of, listed, paired
from massproof.kernels.formulas import cross
from massproof.kernels.regions import connected, euler, joined, oriented
from massproof.kernels.weld import welded as weld
from massproof.kernels.weld import welded_records

__all__ = [
    "Edges", "Sides", "back_to_back", "bodies", "boundary", "connected", "degenerate", "euler", "match_edges",
    "oriented", "paired", "repeated", "weld", "weld_within", "welded_records", "winding",
]  # fmt: skip


class Edges(NamedTuple):
    """How the edges of a set of faces match: counts, and the edges no other face closes."""

    total: int
    boundary: int  # belong to one face only
    inconsistent: int  # belong to two faces that run the same way
    nonmanifold: int  # belong to more than two faces
    unbalanced: int  # their directed uses do not cancel: zero means closed and oriented
    open_pairs: np.ndarray  # (n, 2) int64, vertices of the unbalanced edges


def weld_within(vertices, faces, chosen, tolerance):
    """Faces after chains of `chosen` vertices within `tolerance` of each other in each coordinate become one.

    chosen : (n,) vertex numbers that may be merged, ascending;  tolerance : greater than zero
    returns (F, 3) int32 over the same vertices, and the largest move along any coordinate
    """
    points = vertices[chosen]
    label = chained(points, tolerance)
    target = np.arange(len(vertices), dtype=np.int32)
    target[chosen] = chosen[label]
    return target[faces], float(np.abs(points - points[label]).max(initial=0.0))


def match_edges(faces, count, sides=None):
    """How the edges of `faces` over `count` vertices match; faces with a repeated vertex do not count.

    sides : what `paired` returned for them, if it is known
    """
    sides = sides or paired(faces, count)
    pairs = np.ascontiguousarray(listed(sides, UNBALANCED)[:, :2])
    return Edges(sides.total, sides.boundary, sides.inconsistent, sides.crowded, sides.unbalanced, pairs)


def boundary(faces, count, sides=None):
    """The directed edges that would balance the others, (n, 2) int64, and the loop of each, (n,) int32.

    faces, count, sides : as for `match_edges`

    An edge that lacks several is there as often. At each vertex as many edges arrive as leave, so that each
    loop can be closed by triangles between its edges and any one point. Loops that touch are one. They are
    numbered in order of their smallest vertex.
    """
    rows = listed(sides or paired(faces, count), UNBALANCED)
    up, balance = rows[:, :2], rows[:, 4]
    pairs = np.repeat(np.where(balance[:, None] > 0, up[:, ::-1], up), np.abs(balance), axis=0)
    vertices, ends = np.unique(pairs, return_inverse=True)
    least = connected(len(vertices), ends.reshape(-1, 2))[ends.reshape(-1, 2)[:, 0]]
    return pairs, np.unique(least, return_inverse=True)[1].astype(np.int32)


def repeated(faces):
    """Which faces repeat an earlier one, corner for corner and wound alike."""
    return coincident(faces)[0]


def back_to_back(faces):
    """How many pairs of faces lie on one another, wound against each other."""
    return coincident(faces)[1]


def bodies(vertices, faces, sides=None):
    """Body number of each face, (F,) int32 from 0, and at how many edges bodies run through each other.

    vertices : (V, 3) float64;  faces : (F, 3) int32, closed and consistently oriented, outside outside
    sides : what `paired` returned for them, if it is known

    Faces that share an edge belong to one body. Where more than two meet, as where bodies touch along
    an edge, the two that bound a wedge of material belong together: going round the edge, each face
    that material follows must be followed by one that ends it. Where it is not, wedges overlap, and
    all faces of that edge are taken together. Bodies are numbered in order of their first face.
    """
    sides = sides or paired(faces, len(vertices))
    crowded = listed(sides, CROWDED)
    pairs, tangled = [np.empty((0, 2), np.int64)], 0
    for size in np.unique(crowded[:, 3]):
        rows = crowded[crowded[:, 3] == size]
        here, clean = _wedges(vertices, faces, rows, sides.words[rows[:, 2:3] + np.arange(size)])
        pairs.append(here)
        tangled += int((~clean).sum())
    return joined(len(faces), sides, np.concatenate(pairs)), tangled


def _wedges(vertices, faces, edges, words):
    """Pairs of faces that bound material at edges of as many sides, and at which edges all do so cleanly.

    edges : (n, 5) as `listed` shows them;  words : (n, size) of their sides
    """
    face, _ = face_of(words)
    upward = words & np.uint64(1) == 0
    rows = np.arange(len(edges))
    low = vertices[edges[:, 0]]
    axis = vertices[edges[:, 1]] - low
    length = np.sqrt((axis * axis).sum(axis=1))[:, None]
    axis /= np.where(length > 0, length, 1.0)  # whose square may underflow
    third = faces[face].sum(axis=2) - edges[:, 0:1] - edges[:, 1:2]
    spokes = vertices[third] - low[:, None]
    spokes -= (spokes * axis[:, None]).sum(axis=2)[:, :, None] * axis[:, None]
    length = np.sqrt((spokes * spokes).sum(axis=2))
    longest = np.argmax(length, axis=1)
    most = length[rows, longest][:, None]
    first = spokes[rows, longest] / np.where(most > 0, most, 1.0)  # of faces without area only, there is none
    across = (spokes * cross(axis, first)[:, None]).sum(axis=2)
    angle = np.arctan2(across, (spokes * first[:, None]).sum(axis=2)) % (2 * np.pi)
    angle = np.round(angle, 9) % round(2 * np.pi, 9)  # what touches is at one angle
    # A face that runs up the edge ends the material below it, one that runs down begins it above.
    turn = np.lexsort([~upward, angle], axis=1)
    ends_here = upward[rows[:, None], turn]
    after = np.roll(ends_here, -1, axis=1)
    # A triangle without area has no direction round the edge.
    clean = (after != ends_here).all(axis=1) & (length > 0).all(axis=1)
    ring = face[rows[:, None], turn]
    # In a clean ring, a face that begins material and the next one; else all of them together.
    wanted = ~ends_here | ~clean[:, None]
    return np.stack([ring, np.roll(ring, -1, axis=1)], axis=2)[wanted], clean


def winding(vertices, faces, point):
    """How often the closed surface `faces` winds around `point`: 1 inside, 0 outside.

    Each triangle with corners a, b, c about the point covers the solid angle 2 atan2(a·(b×c),
    |a||b||c| + (a·b)|c| + (b·c)|a| + (c·a)|b|); the sum over 4π is the winding number.
    """
    a, b, c = (vertices[faces[:, k]] - point for k in range(3))
    la, lb, lc = (np.sqrt((p * p).sum(axis=1)) for p in (a, b, c))
    triple = (a * cross(b, c)).sum(axis=1)
    flat = la * lb * lc + (a * b).sum(axis=1) * lc + (b * c).sum(axis=1) * la + (c * a).sum(axis=1) * lb
    return float(np.arctan2(triple, flat).sum() / (2 * np.pi))
