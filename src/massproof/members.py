"""The bodies that a whole is made of, each with what it adds: to tell which of them another side lacks.

Moments of a tetrahedron (0, a, b, c) with d = a·(b×c) and s = a + b + c: ∫1 = d/6, ∫r = d s/24,
∫r rᵀ = d (s sᵀ + a aᵀ + b bᵀ + c cᵀ)/120.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from massproof import engines, groups, sources, units
from massproof.brep import Drawn
from massproof.mass import Array, Body
from massproof.mesh import Mesh, Records

if TYPE_CHECKING:
    from massproof.properties import Properties

_MOST = 2_000_000  # triangles: sorting more to find what is connected takes longer than an answer is worth
_BODIES = 2_000
_SAME = 1e-3  # relative: by how much the bodies together may differ from the whole that was measured


@dataclass(frozen=True, eq=False, slots=True)
class Member:
    """One body of unit density, in metres."""

    name: str
    body: Body
    area: float
    low: Array  # (3,) corners of its box
    high: Array

    def scaled(self, k: float) -> Member:
        """The same in another unit of length."""
        body = Body(self.body.mass * k**3, self.body.centre * k, self.body.second * k**5)
        return replace(self, body=body, area=self.area * k**2, low=self.low * k, high=self.high * k)


def members(source: Any, whole: Properties, format: str | None = None) -> list[Member]:
    """The bodies of what was measured as `whole`, in metres; none where there is one alone or they are not told.

    Bodies that do not add up to the volume of the whole, as of a file that was changed since, are none.
    """
    loaded = sources.load(source, format)
    geometry = loaded.geometry
    if isinstance(geometry, Drawn):
        found = list(_solids(geometry))
    elif isinstance(geometry, (Mesh, Records)):
        found = list(_shells(geometry))
    else:
        return []
    unit = units.unit(loaded.unit or whole.source.unit, "length")
    found = [one.scaled(float(unit.factor)) for one in found]
    total = sum(one.body.mass for one in found)
    same = whole.volume is not None and abs(total - whole.volume.value) <= _SAME * abs(whole.volume.value)
    return found if same and 1 < len(found) <= _BODIES else []


def together(parts: Sequence[Member]) -> Member:
    """Some bodies as one."""
    return Member(
        ", ".join(one.name for one in parts),
        functools.reduce(operator.add, (one.body for one in parts)),
        sum(one.area for one in parts),
        np.min([one.low for one in parts], axis=0),
        np.max([one.high for one in parts], axis=0),
    )


def _solids(drawn: Drawn) -> Iterator[Member]:
    """The solids of a STEP file, each as often as it stands somewhere."""
    found = engines.integrate(drawn.model)
    shown = [one.part for one in drawn.model.parts if (one.part.kind != groups.SURFACE) == found.solid]
    for number, place in enumerate(found.occurrences):
        definition, k = found.definitions[place.definition], abs(place.scale)
        part = shown[place.definition]
        # A solid without a body leaves the whole without a volume, with which nothing adds up.
        own = definition.body or Body(0.0, np.zeros(3), np.zeros((3, 3)))
        body = own.moved(place.matrix, place.offset).scaled(k**3)
        low, high, _ = definition.box(place.matrix)
        name = f"{part.name or 'solid'} (#{part.number}, body {number + 1})"
        yield Member(name, body, definition.area * k**2, low + place.offset, high + place.offset)


def _shells(mesh: Mesh | Records) -> Iterator[Member]:
    """The shells of a mesh that are connected, a cavity with the smallest body around it."""
    from massproof.kernels import edges, regions, weld

    if isinstance(mesh, Records):
        mesh = mesh.mesh()
    if len(mesh.faces) > _MOST:
        return
    vertices, faces = weld.welded(mesh.vertices, mesh.faces)
    faces = faces[~edges.degenerate(faces)]
    sides = edges.paired(faces, len(vertices))
    label = regions.joined(len(faces), sides, edges.listed(sides, edges.CROWDED)[:0, :2])
    shells = [
        _shell(vertices[faces[label == k]]) for k in range(min(int(label.max(initial=-1)) + 1, _BODIES + 1))
    ]
    hosts = sorted((one for one in shells if one[0] > 0), key=lambda one: one[0])
    for host in hosts:
        inner = [
            one for one in shells if one[0] < 0 and next((h for h in hosts if _holds(h, one)), None) is host
        ]
        moments = sum((one[1] for one in inner), host[1])
        area = sum((one[2] for one in inner), host[2])
        centre = (host[3] + host[4]) / 2
        at = ", ".join(f"{x:.6g}" for x in centre)
        yield Member(f"body around ({at})", Body.from_moments(moments, np.zeros(3)), area, host[3], host[4])


_Shell = tuple[float, Array, float, Array, Array]


def _shell(corners: Array) -> _Shell:
    """Signed volume, ten moments about the origin, area and box of the triangles (F, 3, 3) of a shell."""
    middle = corners.mean(axis=(0, 1))
    a, b, c = np.moveaxis(corners - middle, 1, 0)
    d, s = np.einsum("ij,ij->i", a, np.cross(b, c)), a + b + c
    second = sum(np.einsum("i,ij,ik->jk", d, v, v) for v in (s, a, b, c)) / 120
    volume, first = float(d.sum()) / 6, np.einsum("i,ij->j", d, s) / 24
    about = second + np.outer(first, middle) + np.outer(middle, first) + volume * np.outer(middle, middle)
    order = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))
    moments = np.array([volume, *(first + volume * middle), *(about[at] for at in order)])
    area = float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2
    return volume, moments, area, corners.min(axis=(0, 1)), corners.max(axis=(0, 1))


def _holds(host: _Shell, inner: _Shell) -> bool:
    return bool((host[3] <= inner[3]).all() and (inner[4] <= host[4]).all())
