"""What a triangle soup is as a surface: shared vertices, matched edges, bodies, what lies inside what.

Sorting instead of pointers, as in M. Botsch et al., "Polygon Mesh Processing", 2010, chapter 2, is the
usual remedy for meshes that need not be manifold. Solid angles: A. van Oosterom, J. Strackee, "The
Solid Angle of a Plane Triangle", IEEE Trans. Biomed. Eng. 30, 1983.
"""

from typing import NamedTuple

import numpy as np

from massproof.kernels.integrals_small import cross


class Edges(NamedTuple):
    """How the edges of a set of faces match: counts, and the edges no other face closes."""

    total: int
    boundary: int  # belong to one face only
    inconsistent: int  # belong to two faces that run the same way
    nonmanifold: int  # belong to more than two faces
    unbalanced: int  # their directed uses do not cancel: zero means closed and oriented
    open_pairs: np.ndarray  # (n, 2) vertices of the unbalanced edges


def weld(vertices, faces):
    """Faces over distinct positions: bit-identical vertices become one, unused ones go.

    vertices : (V, 3) float64, finite;  faces : (F, 3) int32, trusted
    returns (U, 3) float64 and (F, 3) int32
    """
    used, corners = np.unique(faces, return_inverse=True)
    points = vertices[used] + 0.0  # -0.0 becomes 0.0, else the two would stay apart
    first, label = _distinct(points)
    return points[first], label[corners].reshape(-1, 3).astype(np.int32)


def _distinct(points):
    """First row of each distinct point, and for every row which of them it is."""
    bits = points.view(np.uint64)
    mixed = np.zeros(len(points), np.uint64)
    for column in bits.T:  # odd multipliers spread the low bits, the shift folds the high ones down
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    _, first, label = np.unique(mixed, return_index=True, return_inverse=True)
    if (points == points[first[label]]).all():
        return first, label
    # Two different points with one hash: about one run in 10¹⁰ at a million points.
    _, first, label = np.unique(points, axis=0, return_index=True, return_inverse=True)
    return first, label.ravel()


def weld_within(vertices, faces, chosen, tolerance):
    """Faces after chains of `chosen` vertices closer than `tolerance` in each coordinate become one.

    chosen : (n,) vertex numbers that may be merged;  others as in `weld`
    returns (F, 3) int32 over the same vertices, and the largest move along any coordinate
    """
    points = vertices[chosen]
    pairs = []
    for shift in range(8):
        # In cells twice the tolerance wide, shifted by half a cell in each direction, any two points
        # closer than the tolerance share a cell at least once.
        offset = np.array([shift & 1, shift >> 1 & 1, shift >> 2 & 1]) * tolerance
        cell = np.floor((points - points.min(axis=0) + offset) / (2 * tolerance))
        order = np.lexsort(cell.T)
        same = (np.diff(cell[order], axis=0) == 0).all(axis=1)
        pairs.append(np.stack([order[:-1][same], order[1:][same]], axis=1))
    near = np.concatenate(pairs)
    near = near[(np.abs(points[near[:, 0]] - points[near[:, 1]]) <= tolerance).all(axis=1)]
    label = connected(len(chosen), near)
    target = np.arange(len(vertices))
    target[chosen] = chosen[label]
    move = np.abs(points - points[label]).max(initial=0.0)
    return target[faces].astype(np.int32), float(move)


def match_edges(faces, count):
    """How the edges of `faces` over `count` vertices match; faces with a repeated vertex do not count."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    key = low * count + high
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    if not len(starts):
        return Edges(0, 0, 0, 0, 0, np.empty((0, 2), np.int64))
    uses = np.diff(starts, append=len(key))
    balance = np.add.reduceat(np.where(pairs[order, 0] == low[order], 1, -1), starts)
    unmatched = key[order][starts[balance != 0]]
    return Edges(
        total=len(starts),
        boundary=int((uses == 1).sum()),
        inconsistent=int(((uses == 2) & (balance != 0)).sum()),
        nonmanifold=int((uses > 2).sum()),
        unbalanced=len(unmatched),
        open_pairs=np.stack([unmatched // count, unmatched % count], axis=1),
    )


def degenerate(faces):
    """Which faces name a vertex twice."""
    a, b, c = faces.T
    return (a == b) | (b == c) | (c == a)


def repeated(faces):
    """Which faces repeat an earlier one, corner for corner and wound alike."""
    _, first = np.unique(_turned(faces), axis=0, return_index=True)
    again = np.ones(len(faces), bool)
    again[first] = False
    return again


def back_to_back(faces):
    """How many pairs of faces lie on one another, wound against each other."""
    front = np.unique(_turned(faces), axis=0)
    _, counts = np.unique(np.concatenate([front, _turned(front[:, ::-1])]), axis=0, return_counts=True)
    return int((counts == 2).sum()) // 2


def _turned(faces):
    """Each face from its smallest vertex on."""
    turn = np.argmin(faces, axis=1)
    return faces[np.arange(len(faces))[:, None], (turn[:, None] + np.arange(3)) % 3]


def bodies(faces, count):
    """Body number of each face, from 0: faces that share an edge belong to one body."""
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    key = pairs[:, 0].astype(np.int64) * count + pairs[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.diff(key[order]) == 0
    owner = np.tile(np.arange(len(faces)), 3)[order]
    label = connected(len(faces), np.stack([owner[:-1][same], owner[1:][same]], axis=1))
    return np.unique(label, return_inverse=True)[1]


def connected(count, pairs):
    """For each of `count` nodes the smallest node that `pairs` connect it with."""
    label = np.arange(count)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    while len(pairs):
        ends = label[pairs]
        differ = ends[:, 0] != ends[:, 1]
        if not differ.any():
            break
        pairs, ends = pairs[differ], ends[differ]
        low, high = ends.min(axis=1), ends.max(axis=1)
        np.minimum.at(label, high, low)
        while True:  # follow labels to their roots, so that chains halve in each round
            root = label[label]
            if (root == label).all():
                break
            label = root
    return label


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
