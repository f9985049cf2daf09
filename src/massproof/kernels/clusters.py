"""Chains of points that lie within a tolerance of each other: what a weld with a tolerance makes one.

Points are entered one by one to a grid whose cells are about as wide as the tolerance, so that only those
around a point can hold one near it (J. L. Bentley, J. H. Friedman, "Data structures for range searching",
ACM Computing Surveys 11, 1979, section 3).
"""

import math

import numpy as np

from massproof.kernels import COMPILED_FROM
from massproof.kernels.hashing import mixed, place
from massproof.kernels.jit import entry, kernel
from massproof.kernels.regions import connected, root_of, unite

_CELLS = 2.0**28  # along an axis at most: so that a cell is found to 2⁻²³ of its width
_SLACK = 2.0**-20  # of a cell: what rounding can do to its border, with room to spare
_COMPARED = 32  # points that a point is compared with, on average, before narrower cells are tried
_STEPS = 64  # points in a cell that are compared by numpy; a fuller one is left to the compiled kernel


def chained(points, tolerance):
    """For each of `points` (n, 3) float64 the first one that a chain of near ones leads to, (n,) int32.

    Two points are near when no coordinate differs by more than the tolerance, which is greater than zero.
    """
    pairs = _near(points, tolerance) if len(points) < COMPILED_FROM else None
    if pairs is not None:
        return connected(len(points), pairs)
    # Wide cells, eight of which are near a point, unless they hold so many points that narrow ones pay.
    label = _linked(points, tolerance, 2 * tolerance, _COMPARED * len(points))
    return _linked(points, tolerance, tolerance * (1 - _SLACK), -1) if label is None else label


def _linked(points, tolerance, width, budget):
    """As `chained`, with a grid of cells of a width; None when the budget of comparisons does not suffice."""
    low = points.min(axis=0)
    width = max(width, float(np.ptp(points, axis=0).max()) / _CELLS)
    table = np.zeros(1 << (2 * len(points)).bit_length(), np.int32)
    chain, label = np.empty(len(points), np.int32), np.empty(len(points), np.int32)
    filled, reach = int(width < tolerance), tolerance / width + _SLACK
    places = (points - low) / width + 2  # so that no cell next to one is below zero
    left = link(points, places, tolerance, reach, filled, budget, table, chain, label)
    return label if left or budget < 0 else None


def _near(points, tolerance):
    """Pairs of near points that chain all that are near; None when cells hold too many."""
    low, pairs = points.min(axis=0), []
    # In cells a little wider than twice the tolerance, shifted by half a cell in each direction, two
    # points that are near share a cell at least once.
    width = max(tolerance * 2.001, float(np.ptp(points, axis=0).max()) / _CELLS)
    for shift in range(8):
        cell = np.floor((points - low) / width + np.array([shift & 1, shift >> 1 & 1, shift >> 2 & 1]) / 2)
        order = np.lexsort(cell.T)
        run = np.cumsum((np.diff(cell[order], axis=0, prepend=-1) != 0).any(axis=1))
        for step in range(1, len(points)):
            together = np.flatnonzero(run[step:] == run[:-step])
            if not len(together):
                break
            if step == _STEPS:
                return None
            ends = np.stack([order[together], order[together + step]], axis=1)
            pairs.append(ends[(np.abs(points[ends[:, 0]] - points[ends[:, 1]]) <= tolerance).all(axis=1)])
    return np.concatenate([np.empty((0, 2), np.int64), *pairs])


@kernel
def slot_of(x, y, z, places, table):
    """The slot of a cell: empty, or with the last point that was entered in it, plus one."""
    word = mixed(np.uint64(x), np.uint64(y), np.uint64(z))
    s = np.int64(place(word, np.uint64(len(table))))
    while table[s] != 0:
        i = table[s] - 1
        if math.floor(places[i, 0]) == x and math.floor(places[i, 1]) == y and math.floor(places[i, 2]) == z:
            break
        s = (s + 1) & (len(table) - 1)
    return s


@kernel
def distance(points, i, j):
    """The largest difference of a coordinate of two points."""
    x, y, z = points[i, 0] - points[j, 0], points[i, 1] - points[j, 1], points[i, 2] - points[j, 2]
    return max(abs(x), abs(y), abs(z))


@kernel
def link_to_cell(points, i, last, tolerance, filled, budget, chain, label):
    """Chain point i with the near ones of a cell, whose last point is given; returns the budget left."""
    while last >= 0 and budget != 0:
        # In a filled cell all points are chained already, so that one of them stands for all.
        if filled and root_of(label, np.uint64(i)) == root_of(label, np.uint64(last)):
            break
        if distance(points, i, last) <= tolerance:
            unite(label, np.uint64(i), np.uint64(last))
        last = np.int64(chain[last])
        budget -= 1
    return budget


@entry("f8[:,3] f8[:,3] f8 f8 i8 i8 i4[:] i4[:] i4[:]")
def link(points, places, tolerance, reach, filled, budget, table, chain, label):
    """Find for each point the first one that a chain of near ones leads to.

    places : (n, 3) of the points, in cells;  reach : the tolerance, in cells
    filled : 1 when all points in one cell are near each other;  budget : of comparisons, unlimited below zero
    table : (T,) a power of two, twice the points at least, zero;  chain : (n,) memory;  label : (n,) written
    returns what is left of the budget: at 0, label is of no use
    """
    for i in range(len(points)):
        if budget == 0:
            break
        label[i] = i
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        for a in range(math.floor(x - reach), math.floor(x + reach) + 1):
            for b in range(math.floor(y - reach), math.floor(y + reach) + 1):
                for c in range(math.floor(z - reach), math.floor(z + reach) + 1):
                    last = np.int64(table[slot_of(a, b, c, places, table)]) - 1
                    budget = link_to_cell(points, i, last, tolerance, filled, budget, chain, label)
        s = slot_of(math.floor(x), math.floor(y), math.floor(z), places, table)
        chain[i] = table[s] - 1
        table[s] = i + 1
    if budget != 0:
        for i in range(len(points)):
            label[i] = label[np.uint64(label[i])]
    return budget
