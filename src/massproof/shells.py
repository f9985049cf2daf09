"""What the faces of a mesh bound: solids with their hollows, and surfaces that do not close."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from massproof.bodies import Booleans, Faces, Floats, Integers, volumes_of
from massproof.errors import UsageError
from massproof.kernels import topology

_LOOKED_AT = 400_000_000  # faces that are looked at to find what hollows lie in: some ten seconds
_THIN = 2.0**-50  # of the largest coordinate: what is no thicker than that encloses nothing


class Shell(NamedTuple):
    """Faces that are connected."""

    rows: Integers  # of the faces of the mesh
    turned: bool  # whether these are to be reversed, so that the shell alone has its outside outside


class Part(NamedTuple):
    """A solid, its outer shell first, then its hollows; or one surface that does not close."""

    shells: tuple[Shell, ...]
    closed: bool


class _Bodies(NamedTuple):
    rows: list[Integers]
    volumes: Floats
    low: Floats
    high: Floats
    closed: Booleans


def parts(vertices: Floats, faces: Faces) -> tuple[Part, ...]:
    """What the faces bound, in the order of their first face.

    vertices, faces : over distinct positions; no face names a vertex twice

    A shell whose outside is inside is the hollow of the smallest shell that it lies in, and a solid where it lies in
    none. A mesh that is inside out as a whole is turned first.

    Raises UsageError when finding out what lies in what takes too long.
    """
    if not len(faces):
        return ()
    found = _bodies(vertices, faces)
    turned = bool(found.volumes[found.closed].sum() < 0)
    outward = found.closed & ((found.volumes < 0) == turned)
    hosts = _hosts(vertices, faces, found, outward)
    hollows: dict[int, list[Shell]] = {}
    for hollow, host in hosts.items():
        hollows.setdefault(host, []).append(Shell(found.rows[hollow], bool(found.volumes[hollow] < 0)))
    return tuple(
        Part(
            (Shell(rows, bool(found.closed[k] and found.volumes[k] < 0)), *hollows.get(k, ())),
            bool(found.closed[k]),
        )
        for k, rows in enumerate(found.rows)
        if k not in hosts
    )  # fmt: skip


def _bodies(vertices: Floats, faces: Faces) -> _Bodies:
    label, _ = topology.bodies(vertices, faces)
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    a, b, c = (vertices.T[:, faces[order, k]] for k in range(3))
    near = np.repeat(a[:, starts], np.diff(starts, append=len(faces)), axis=1)
    volumes = np.add.reduceat(volumes_of(a, b, c, near), starts) / 6
    low = np.minimum.reduceat(np.minimum(np.minimum(a, b), c), starts, axis=1).T
    high = np.maximum.reduceat(np.maximum(np.maximum(a, b), c), starts, axis=1).T
    x, y, z = (high - low).T
    reach = np.maximum(np.abs(low), np.abs(high)).max(axis=1)
    closed = _balanced(faces, label, len(starts)) & (
        np.abs(volumes) > _THIN * reach * (x * y + y * z + z * x)
    )
    return _Bodies(np.split(order, starts[1:]), volumes, low, high, closed)


def _balanced(faces: Faces, label: Integers, count: int) -> Booleans:
    """Which bodies run along each of their edges as often one way as the other."""
    start, end = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    keys = np.minimum(start, end) * (int(faces.max()) + 1) + np.maximum(start, end)
    _, edge = np.unique(keys, return_inverse=True)
    sums = np.bincount(edge, np.where(start < end, 1, -1))
    balanced = np.ones(count, bool)
    balanced[np.repeat(label, 3)[sums[edge] != 0]] = False
    return balanced


def _hosts(vertices: Floats, faces: Faces, found: _Bodies, outward: Booleans) -> dict[int, int]:
    """By the number of each hollow that of the shell it lies in."""
    hosts, left = {}, _LOOKED_AT
    for k in np.flatnonzero(found.closed & ~outward).tolist():
        around = outward & (found.low <= found.low[k]).all(axis=1) & (found.high >= found.high[k]).all(axis=1)
        near = np.flatnonzero(around)
        middle = vertices[faces[found.rows[k][0]]].mean(axis=0)
        for host in near[np.argsort(np.abs(found.volumes[near]), kind="stable")].tolist():
            left -= len(found.rows[host])
            if left < 0:
                msg = (
                    f"{len(found.rows)} shells, too many to find out which hollow lies in which solid; "
                    "write another format, or fewer parts"
                )
                raise UsageError(msg)
            if abs(topology.winding(vertices, faces[found.rows[host]], middle)) > 0.5:
                hosts[k] = host
                break
    return hosts
