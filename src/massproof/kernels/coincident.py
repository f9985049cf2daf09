"""Faces that lie on one another: the same three vertices, wound alike or against each other."""

import numpy as np

from massproof.kernels import COMPILED_FROM
from massproof.kernels.edges import degenerate
from massproof.kernels.hashing import mixed, place
from massproof.kernels.jit import entry, kernel


def coincident(faces):
    """Which faces repeat an earlier one wound alike, (F,) bool; how many pairs are wound against each other.

    faces : (F, 3) int32;  those that name a vertex twice do not count
    All faces on the same three vertices are one pair at most.
    """
    if len(faces) < COMPILED_FROM:
        return _small(faces)
    again, windings = np.zeros(len(faces), np.uint8), np.zeros(len(faces), np.uint8)
    table = np.zeros(1 << (2 * len(faces)).bit_length(), np.int32)
    pairs = compare(faces, table, windings, again)
    return again.view(np.bool_), pairs


@kernel
def ascending(faces, i):
    """The vertices of a face in ascending order, and 1 if it runs through them, 2 if against them."""
    a, b, c = np.int64(faces[i, 0]), np.int64(faces[i, 1]), np.int64(faces[i, 2])
    low, high = min(a, b, c), max(a, b, c)
    swaps = np.int64(a > b) + np.int64(b > c) + np.int64(a > c)
    return low, a + b + c - low - high, high, 1 + (swaps & 1)


@entry("i4[:,3] i4[:] u1[:] u1[:]")
def compare(faces, table, windings, again):
    """Mark faces that repeat an earlier one; returns how many pairs are back to back.

    table : (T,) a power of two, twice the faces at least, zero: faces plus one, by the hash of their vertices
    windings : (F,) zero: of the first face on three vertices, which of both windings there are
    again : (F,) zero, written
    """
    pairs, mask = 0, len(table) - 1
    for i in range(len(faces)):
        a, b, c, winding = ascending(faces, i)
        if a < b < c:
            word = mixed(np.uint64(a), np.uint64(b), np.uint64(c))
            s = np.int64(place(word, np.uint64(len(table))))
            while table[s] != 0:
                x, y, z, _ = ascending(faces, table[s] - 1)
                if x == a and y == b and z == c:
                    break
                s = (s + 1) & mask
            if table[s] == 0:
                table[s] = i + 1
            first = table[s] - 1
            again[i] = (windings[first] & winding) != 0
            pairs += windings[first] + winding == 3
            windings[first] |= winding
    return pairs


def _small(faces):
    """As `coincident`, by sorting."""
    whole = np.flatnonzero(~degenerate(faces))
    a, b, c = faces[whole].T
    odd = (a > b) ^ (b > c) ^ (a > c)
    vertices = np.sort(faces[whole], axis=1)
    order = np.lexsort((odd, *vertices.T[::-1]))
    together = (np.diff(vertices[order], axis=0) == 0).all(axis=1)
    turned = odd[order][1:] != odd[order][:-1]
    again = np.zeros(len(faces), bool)
    again[whole[order[1:][together & ~turned]]] = True
    return again, int((together & turned).sum())
