"""Rows of a table that cannot be what they say are taken out, so that kernels may trust all others.

A spline needs as many knots as its degree and control points say, in order; weights that are positive, as ISO 10303-42
has them; and a degree that scratch memory has room for. A row that names another needs that to be there. A face
that lacks something stays, without a surface: it counts as one that cannot be integrated.
"""

from __future__ import annotations

import numpy as np

from massproof.brep import Integers, Shapes
from massproof.kernels.vetting import vet

_CHANGED = ("curves", "surfaces", "edges", "edge_points", "loops", "faces")


def vetted(shapes: Shapes) -> Shapes:
    """The same shapes without rows that cannot be."""
    copies = {name: np.array(getattr(shapes, name), order="C") for name in _CHANGED}
    shapes = Shapes._make(map(np.ascontiguousarray, shapes._replace(**copies)))
    counted = (shapes.curves, shapes.surfaces, shapes.controls, shapes.knots, shapes.uses, shapes.loops)
    scratch = np.zeros(4 + sum(map(len, counted)), np.int64)
    topology = (shapes.edges, shapes.edge_points, shapes.uses, shapes.loops, shapes.faces)
    bodies = (shapes.shells, shapes.shell_faces, shapes.solids, shapes.solid_shells)
    lost = vet(*shapes[:7], *topology, *bodies, scratch)
    return _with_stand_ins(shapes) if lost else shapes


def _with_stand_ins(shapes: Shapes) -> Shapes:
    """A face without a surface, or a shell of it alone, in place of those that are named and not there."""
    face, shell = shapes.shell_faces[:, 0], shapes.solid_shells[:, 0]
    shell_faces, solid_shells = shapes.shell_faces.copy(), shapes.solid_shells.copy()
    shells, solids = shapes.shells.copy(), shapes.solids.copy()
    shell_faces[(face < 0) | (face >= len(shapes.faces)), 0] = len(shapes.faces)
    solid_shells[(shell < 0) | (shell >= len(shells)), 0] = len(shells)
    shells[_beyond(shells, len(face)), :2] = len(face), 1
    solids[_beyond(solids, len(shell)), :2] = len(shell), 1
    if (solid_shells[:, 0] == len(shells)).any() or (solids[:, 0] == len(shell)).any():
        shells = np.vstack([shells, [len(face), 1, 0]])
    return shapes._replace(
        faces=np.vstack([shapes.faces, [-1, 1, 0, 0, 0]]),
        shell_faces=np.vstack([shell_faces, [len(shapes.faces), 1]]),
        shells=shells,
        solid_shells=np.vstack([solid_shells, [len(shapes.shells), 1]]),
        solids=solids,
    )


def _beyond(ranges: Integers, rows: int) -> Integers:
    """Which ranges, first and count, do not lie among so many rows."""
    first, count = ranges[:, 0], ranges[:, 1]
    kept = (first >= 0) & (count >= 0) & (first <= rows) & (count <= rows - np.clip(first, 0, rows))
    return np.flatnonzero(~kept)
