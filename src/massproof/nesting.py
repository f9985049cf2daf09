"""Which bodies a closed surface is made of, and what their nesting and overlap leave in doubt."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.errors import Note
from massproof.kernels import integrals_small, topology
from massproof.kernels.integrals_small import cross
from massproof.kernels.overlap import shared_volume

Floats = npt.NDArray[np.float64]
Faces = npt.NDArray[np.int32]

# Solid angles and sides of planes: a second or two. Beyond, nesting is not looked for.
_WINDING_LIMIT = 8_000_000
_APART = 1e-9  # of a triangle's size: a corner this near to its plane is on neither side


class _Bodies(NamedTuple):
    """Closed components, faces sorted by body."""

    vertices: Floats
    faces: Faces
    starts: npt.NDArray[np.int64]  # (B,) where the faces of each body begin
    volumes: Floats  # (B,) signed
    low: Floats  # (B, 3)
    high: Floats

    def of(self, body: int) -> Faces:
        """The faces of one body."""
        stop = self.starts[body + 1] if body + 1 < len(self.starts) else len(self.faces)
        return self.faces[self.starts[body] : stop]


def doubt(vertices: Floats, faces: Faces, manifold: bool, notes: list[Note]) -> float:
    """Volume that repeated faces, bodies inside out, and overlap leave in doubt; `notes` say which.

    vertices, faces : a closed, consistently oriented surface, its volume positive
    manifold : whether no edge has more than two faces; then no two faces can coincide
    """
    total = 0.0
    if not manifold:
        total += _repeated(vertices, faces, notes)
        _walls(faces, notes)
    label, tangled = topology.bodies(vertices, faces)
    if not (label.max() or tangled):
        return total
    found = _bodies(vertices, faces, label)
    if tangled:
        total += _tangled(tangled, float(found.volumes.sum()), notes)
    return total + _between(found, notes)


def _walls(faces: Faces, notes: list[Note]) -> None:
    walls = topology.back_to_back(faces)
    if walls:
        text = (
            f"{walls} pairs of triangles lie back to back, as where two bodies touch: the wall between them "
            "is no part of the outside, but counts in the area"
        )
        notes.append(("coincident-faces", text, {"pairs": walls}))


def _repeated(vertices: Floats, faces: Faces, notes: list[Note]) -> float:
    again = topology.repeated(faces)
    if not again.any():
        return 0.0
    count = int(again.sum())
    text = f"{count} of {len(again)} triangles repeat another one: their area and volume count twice"
    notes.append(("repeated-faces", text, {"count": count, "faces": len(again)}))
    return float(abs(_volumes(vertices, faces[again]).sum()))


def _volumes(vertices: Floats, faces: Faces) -> Floats:
    """Signed volume between each face and the middle of the box."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    volumes: Floats = integrals_small.terms(vertices, faces, low + (high - low) / 2)[3]
    return volumes


def _tangled(edges: int, volume: float, notes: list[Note]) -> float:
    text = (
        f"at {edges} edges bodies run through each other: material lies in several of them and counts more "
        f"than once, so that the volume is anything up to {volume:g}"
    )
    notes.append(("tangled-bodies", text, {"edges": edges, "volume_at_most": volume}))
    return volume


def _bodies(vertices: Floats, faces: Faces, label: npt.NDArray[np.int64]) -> _Bodies:
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    faces = faces[order]
    corners = vertices[faces]
    return _Bodies(
        vertices,
        faces,
        starts,
        np.add.reduceat(_volumes(vertices, faces), starts),
        np.minimum.reduceat(corners.min(axis=1), starts),
        np.maximum.reduceat(corners.max(axis=1), starts),
    )


def _between(found: _Bodies, notes: list[Note]) -> float:
    """What bodies do to each other: cavities are subtracted, overlap counts twice."""
    solid = np.flatnonzero(found.volumes > 0)
    cavities, inverted = _hollow(found, solid, notes)
    total = 0.0
    if cavities:
        volume = float(-found.volumes[cavities].sum())
        text = f"{len(cavities)} closed cavities are subtracted"
        notes.append(("cavities", text, {"count": len(cavities), "volume": volume}))
    if inverted:
        volume = float(-found.volumes[inverted].sum())
        text = (
            f"{len(inverted)} of {len(found.starts)} bodies are inside out, and not proved to lie in another "
            f"one: their volume, {volume:g}, is subtracted as that of cavities is"
        )
        notes.append(("inverted-body", text, {"count": len(inverted), "volume": volume}))
        total += 2 * volume
    for group, what in ((solid, "bodies"), (np.array(cavities, np.int64), "cavities")):
        pairs, shared = shared_volume(np.abs(found.volumes[group]), found.low[group], found.high[group])
        if pairs:
            text = (
                f"the boxes of {pairs} pair{'s' * (pairs != 1)} of {what} overlap, so the {what} may too: "
                f"what lies in both, at most {shared:g}, would be counted twice"
            )
            notes.append(("overlap", text, {"pairs": pairs, "volume_at_most": shared}))
            total += shared
    return total


def _hollow(found: _Bodies, solid: npt.NDArray[np.int64], notes: list[Note]) -> tuple[list[int], list[int]]:
    """Bodies of negative volume: those that are proved to lie in a solid one, and the others."""
    cavities: list[int] = []
    inverted: list[int] = []
    left = _WINDING_LIMIT
    hollow = np.flatnonzero(found.volumes < 0)
    for i in hollow:
        corners = found.vertices[np.unique(found.of(int(i)))]
        within = (found.low[solid] <= found.low[i]) & (found.high[i] <= found.high[solid])
        inside = False
        for k in solid[within.all(axis=1)]:
            host = found.of(int(k))
            left -= len(host)
            near = _near(found.vertices[host], found.low[i], found.high[i])
            left -= len(near) * len(corners)
            if left > 0 and _on_one_side(near, corners):
                inside = inside or topology.winding(found.vertices, host, corners.mean(axis=0)) > 0.5
        (cavities if inside else inverted).append(int(i))
    if left <= 0:
        text = f"{len(hollow)} inside-out bodies: too many to find which of them are cavities"
        notes.append(("nesting-unchecked", text, {"bodies": len(hollow)}))
    return cavities, inverted


def _near(triangles: Floats, low: Floats, high: Floats) -> Floats:
    """The triangles (F, 3, 3) whose boxes meet a box."""
    meet = (triangles.min(axis=1) <= high) & (triangles.max(axis=1) >= low)
    chosen: Floats = triangles[meet.all(axis=1)]
    return chosen


def _on_one_side(triangles: Floats, points: Floats) -> bool:
    """Whether each triangle's plane has all points strictly on one side.

    Then no triangle meets the convex hull of the points, and one of them tells where all of it lies.
    """
    a, ab, ac = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    normal = cross(ab, ac)
    size = np.sqrt((normal * normal).sum(axis=1))
    normal = normal[size > 0] / size[size > 0, None]  # a triangle without area hides nothing
    a = a[size > 0]
    reach = np.sqrt((ab * ab).sum(axis=1) + (ac * ac).sum(axis=1))[size > 0]
    height = points @ normal.T - (a * normal).sum(axis=1)
    slack = _APART * (reach + np.abs(points).max(initial=0.0))
    return bool(((height > slack).all(axis=0) | (height < -slack).all(axis=0)).all())
