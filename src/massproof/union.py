"""The boolean union of the bodies of a surface, for those who want what several of them share counted once.

The one door to manifold3d, which computes it in float64: E. Lalish, "Manifold", https://github.com/elalish/manifold.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from massproof.errors import MissingExtra, NotASolid
from massproof.kernels import topology, weld
from massproof.kernels.intersections import intersections
from massproof.kernels.tree import Surface

Floats = npt.NDArray[np.float64]
Faces = npt.NDArray[np.int32]

_ALL = 1 << 62  # pairs of triangles that cross; what is united is computed from all of them anyway


def united(vertices: Floats, faces: Faces, label: npt.NDArray[Any]) -> tuple[Floats, Faces]:
    """The surface of everything that lies in at least one body, cavities subtracted from the body they lie in.

    vertices, faces : a closed, consistently oriented surface;  label : (F,) body of each face
    returns vertices at distinct positions and faces over them

    Raises MissingExtra without manifold3d; NotASolid for a body that crosses itself, which manifold3d does not
    resolve, that it refuses, or that is inside out and not within another one, and where there is too much to look at.
    """
    try:
        from manifold3d import Manifold
    except ImportError as error:
        what = "uniting bodies"
        raise MissingExtra(what, "union") from error
    label = _untangled(faces, label)
    parts = _parts(vertices, faces, label)
    volumes = np.array([_volume(vertices, part) for part in parts])
    solids = [n for n in np.argsort(volumes, kind="stable").tolist() if volumes[n] > 0]  # the smallest first
    hollows = np.flatnonzero(volumes < 0).tolist()
    crossed = _crossed(vertices, faces, label) if hollows else set()
    whole = {n: _manifold(vertices, parts[n], n) for n in solids}
    for n in hollows:
        host = _host(vertices, parts, n, [s for s in solids if (min(n, s), max(n, s)) not in crossed])
        whole[host] = whole[host] - _manifold(vertices, parts[n][:, ::-1], n)
    joined = reduce(Manifold.__add__, whole.values()).to_mesh64()
    corners = np.arange(len(joined.vert_properties))
    corners[joined.merge_from_vert] = joined.merge_to_vert
    points, triangles = weld.welded(
        np.array(joined.vert_properties[:, :3]), corners[joined.tri_verts].astype(np.int32)
    )
    return points, triangles


def _untangled(faces: Faces, label: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Bodies where several run through one edge, told apart by the order of their faces in the file."""
    ends = np.stack([faces, np.roll(faces, -1, axis=1)]).reshape(2, -1).astype(np.int64)
    down = ends[0] > ends[1]
    face = np.arange(ends.shape[1]) // 3
    keys = ends.min(axis=0), ends.max(axis=0), label[face]
    order = np.lexsort([face, *keys])  # along an edge of a body as many faces run up as down
    up, down = order[~down[order]] // 3, order[down[order]] // 3
    return np.unique(topology.connected(len(faces), np.stack([up, down], axis=1)), return_inverse=True)[1]


def _parts(vertices: Floats, faces: Faces, label: npt.NDArray[np.int64]) -> list[Faces]:
    """The faces of each body, none of which crosses itself."""
    found = intersections(Surface(vertices, faces), 1, label)
    if len(found.crossing):
        number = int(label[found.crossing[0, 0]]) + 1
        msg = f"body {number} of {label.max() + 1} crosses itself, so that there is no union; mend it where it was made"
        raise NotASolid(msg)
    _require(found.complete)
    order = np.argsort(label, kind="stable")
    return np.split(faces[order], np.flatnonzero(np.diff(label[order])) + 1)


def _crossed(vertices: Floats, faces: Faces, label: npt.NDArray[np.int64]) -> set[tuple[int, ...]]:
    """Pairs of bodies that cross, the smaller number first."""
    found = intersections(Surface(vertices, faces), _ALL)
    _require(found.complete)
    return set(map(tuple, np.sort(label[found.crossing], axis=1).tolist()))


def _require(complete: bool) -> None:
    if not complete:
        msg = (
            "triangles are so long that too many of their boxes overlap to look at all of them: what crosses is not "
            "known; divide long triangles"
        )
        raise NotASolid(msg)


def _volume(vertices: Floats, faces: Faces) -> float:
    a, b, c = (vertices[faces[:, k]] - vertices[faces[0, 0]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def _host(vertices: Floats, parts: list[Faces], hollow: int, solids: list[int]) -> int:
    """The smallest of `solids`, none of which it crosses, that a body lies in: its first corner tells."""
    corner = vertices[parts[hollow][0, 0]]
    for n in solids:
        if topology.winding(vertices, parts[n], corner) > 0.5:
            return n
    msg = (
        f"body {hollow + 1} of {len(parts)} is inside out and lies in no other one: "
        "there is no union; turn its faces round where it was made"
    )
    raise NotASolid(msg)


def _manifold(vertices: Floats, faces: Faces, number: int) -> Any:
    from manifold3d import Error, Manifold, Mesh64

    used, corners = np.unique(faces, return_inverse=True)
    body = Manifold(Mesh64(vertices[used], corners.reshape(-1, 3).astype(np.uint64)))
    if body.status() != Error.NoError:
        msg = f"manifold3d refuses body {number + 1}: {body.status().name}; mend it where it was made"
        raise NotASolid(msg)
    return body
