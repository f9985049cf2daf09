"""The bodies of a closed surface: how large they are, which of them cross, how they wind around each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.kernels.intersections import Intersections, intersections, pieces, without_area
from massproof.kernels.layers import Windings, windings
from massproof.kernels.tree import Surface

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Faces = npt.NDArray[np.int32]

_CROSSINGS = 10_000  # pairs of crossing triangles; more say no more
_SAMPLE = 64  # faces of a single piece, of which the largest stands for it


class Bodies(NamedTuple):
    """The bodies of a surface, each number of a body its row."""

    surface: Surface
    label: Integers  # (F,) body of each face
    volumes: Floats  # (B,) signed; of a single body that of its box
    low: Floats  # (B, 3)
    high: Floats

    @property
    def middle(self) -> Floats:
        """A place for a finding to name, for each body."""
        return (self.low + self.high) / 2


class Crossings(NamedTuple):
    """What crosses what."""

    found: Intersections
    own: Integers  # (n, 2) faces of one body that cross
    pairs: Integers  # (m, 2) bodies that cross each other, the smaller number first
    places: Floats  # (m, 3) where
    bodies: Booleans  # (B,) which bodies cross anything


class Layers(NamedTuple):
    """How the bodies wind around the points just below one face of each piece of the surface."""

    faces: Integers  # (P,)
    body: Integers  # (P,) whose piece it is
    own: Integers  # (P,) how often that body winds around them
    told: Booleans  # (P,) whether all is known, and matters
    unknown: Booleans  # (P,)
    around: Windings  # all bodies


def bodies_of(surface: Surface, label: Integers) -> Bodies:
    """Volumes and boxes of the bodies of a surface."""
    vertices, faces = surface.vertices, surface.faces
    if not label.max():
        low, high = vertices.min(axis=0)[None], vertices.max(axis=0)[None]
        return Bodies(surface, label, np.prod(high - low, axis=1), low, high)
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    a, b, c = (vertices.T[:, faces[order, k]] for k in range(3))
    near = np.repeat(a[:, starts], np.diff(starts, append=len(faces)), axis=1)
    return Bodies(
        surface,
        label,
        np.add.reduceat(volumes_of(a, b, c, near), starts) / 6,
        np.minimum.reduceat(np.minimum(np.minimum(a, b), c), starts, axis=1).T,
        np.maximum.reduceat(np.maximum(np.maximum(a, b), c), starts, axis=1).T,
    )


def volumes_of(a: Floats, b: Floats, c: Floats, origin: Floats) -> Floats:
    """Six times the signed volume between each triangle, its corners (3, F), and a point that is best near."""
    (x, y, z), (ux, uy, uz), (wx, wy, wz) = a - origin, b - a, c - a
    volumes: Floats = x * (uy * wz - uz * wy) + y * (uz * wx - ux * wz) + z * (ux * wy - uy * wx)
    return volumes


def crossings_of(bodies: Bodies) -> Crossings:
    """Which of its triangles cross, and which bodies they belong to."""
    found = intersections(bodies.surface, _CROSSINGS)
    between = np.sort(bodies.label[found.crossing], axis=1)
    same = between[:, 0] == between[:, 1]
    crossed = np.zeros(len(bodies.volumes), bool)
    crossed[between] = True
    pairs, first = np.unique(between[~same], axis=0, return_index=True)
    places = places_of(bodies.surface, found.crossing[~same][first])
    return Crossings(found, found.crossing[same], pairs, places, crossed)


def places_of(surface: Surface, pairs: Integers) -> Floats:
    """Where pairs (n, 2) of faces cross: the middle of what is common to their boxes."""
    corners = surface.vertices[surface.faces[pairs]]
    places: Floats = (corners.min(axis=2).max(axis=1) + corners.max(axis=2).min(axis=1)) / 2
    return places


def layers_of(bodies: Bodies, crossings: Crossings, manifold: bool, limit: int) -> Layers:
    """How the bodies wind around the points below one face of each piece; `limit` faces are looked at at most.

    None is looked at where not all crossings are known: then a layer need not be in one piece.
    """
    surface, loose = bodies.surface, crossings.found.loose
    piece = bodies.label if manifold and not loose.any() else pieces(surface, bodies.label, loose)
    faces = _largest(surface, piece) if crossings.found.complete else np.empty(0, np.int64)
    body = bodies.label[faces]
    around = windings(surface, faces, bodies.label, bodies.low, bodies.high, limit)
    own = np.zeros(len(faces), np.int64)
    mine = around.bodies == body[around.rays]
    own[around.rays[mine]] = around.numbers[mine]
    told = ~around.unknown
    if (own[told] == 0).any() and not manifold:
        told &= ~_sheets(surface.faces, piece, faces, own)
    return Layers(faces, body, own, told, around.unknown & ~crossings.bodies[body], around)


def _largest(surface: Surface, piece: Integers) -> Integers:
    """The largest face of each piece, without those pieces that have no area."""
    some = np.arange(len(piece))
    if not piece.max():
        some = some[:: max(1, len(some) // _SAMPLE)]
    a, b, c = (surface.vertices.T[:, surface.faces[some, k]] for k in range(3))
    (ux, uy, uz), (wx, wy, wz) = b - a, c - a
    size = abs(uy * wz - uz * wy) + abs(uz * wx - ux * wz) + abs(ux * wy - uy * wx)
    order = np.lexsort([size, piece[some]])
    last = np.flatnonzero(np.diff(piece[some][order], append=-1))
    largest: Integers = some[order[last]]
    kept: Integers = largest[~without_area(surface.vertices, surface.faces[largest])]
    return kept


def _sheets(faces: Faces, piece: Integers, chosen: Integers, own: Integers) -> Booleans:
    """Which pieces consist of faces that lie back to back, and enclose nothing on either side."""
    a, b, c = faces.T
    triples, which = np.unique(np.sort(faces, axis=1), axis=0, return_inverse=True)
    balance = np.bincount(which.ravel(), np.where((a < b) ^ (b < c) ^ (c < a), 1, -1), len(triples))
    single = np.zeros(int(piece.max()) + 1, bool)
    single[piece[balance[which.ravel()] != 0]] = True
    sheets: Booleans = (own == 0) & ~single[piece[chosen]]
    return sheets
