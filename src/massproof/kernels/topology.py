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
    key, forward = _edge_keys(faces, count)
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    if not len(starts):
        return Edges(0, 0, 0, 0, 0, np.empty((0, 2), np.int64))
    uses = np.diff(starts, append=len(key))
    balance = np.add.reduceat(np.where(forward[order], 1, -1), starts)
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


def bodies(vertices, faces):
    """Body number of each face, from 0, and at how many edges bodies run through each other.

    vertices : (V, 3) float64;  faces : (F, 3) int32, closed and consistently oriented, outside outside

    Faces that share an edge belong to one body. Where more than two meet, as where bodies touch along
    an edge, the two that bound a wedge of material belong together: going round the edge, each face
    that material follows must be followed by one that ends it. Where it is not, wedges overlap, and
    all faces of that edge are taken together.
    """
    key, forward = _edge_keys(faces, len(vertices))
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    uses = np.diff(starts, append=len(key))
    plain = starts[uses == 2]
    pairs = [np.stack([order[plain], order[plain + 1]], axis=1)]
    tangled = 0
    for size in np.unique(uses[uses > 2]):
        sides = order[starts[uses == size][:, None] + np.arange(size)]
        here, clean = _wedges(vertices, faces, sides, forward)
        pairs.append(here)
        tangled += int((~clean).sum())
    label = connected(len(faces), np.concatenate(pairs) % len(faces))
    return np.unique(label, return_inverse=True)[1], tangled


def _wedges(vertices, faces, sides, forward):
    """Pairs of face sides (n, size) that bound material, and at which edges all of them do so cleanly.

    A side is numbered as in `_edge_keys`: face + F·k runs from corner k to corner k + 1.
    """
    face, k = sides % len(faces), sides // len(faces)
    rows = np.arange(len(sides))
    ends = np.stack([faces[face[:, 0], k[:, 0]], faces[face[:, 0], (k[:, 0] + 1) % 3]])
    low = vertices[ends.min(axis=0)]
    axis = vertices[ends.max(axis=0)] - low
    axis /= np.sqrt((axis * axis).sum(axis=1))[:, None]
    spokes = vertices[faces[face, (k + 2) % 3]] - low[:, None]
    spokes -= (spokes * axis[:, None]).sum(axis=2)[:, :, None] * axis[:, None]
    length = np.sqrt((spokes * spokes).sum(axis=2))
    longest = np.argmax(length, axis=1)
    first = spokes[rows, longest] / length[rows, longest][:, None]
    across = (spokes * cross(axis, first)[:, None]).sum(axis=2)
    angle = np.arctan2(across, (spokes * first[:, None]).sum(axis=2)) % (2 * np.pi)
    angle = np.round(angle, 9) % round(2 * np.pi, 9)  # what touches is at one angle
    # A face that runs up the edge ends the material below it, one that runs down begins it above.
    turn = np.lexsort([~forward[sides], angle], axis=1)
    ends_here = forward[sides][rows[:, None], turn]
    after = np.roll(ends_here, -1, axis=1)
    # A triangle without area has no direction round the edge.
    clean = (after != ends_here).all(axis=1) & (length > 0).all(axis=1)
    ring = sides[rows[:, None], turn]
    # In a clean ring, a face that begins material and the next one; else all of them together.
    wanted = ~ends_here | ~clean[:, None]
    return np.stack([ring, np.roll(ring, -1, axis=1)], axis=2)[wanted], clean


def _edge_keys(faces, count):
    """One number for each undirected edge of each face, and whether the face runs up it."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    return low * count + high, pairs[:, 0] == low


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
