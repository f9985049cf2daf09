"""How a mesh is connected: shells, edges that do not match, holes, genus, and what lies inside what.

Euler's formula V − E + F = 2 − 2·genus for a closed orientable surface: M. A. Armstrong, "Basic Topology", 1983.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from massproof.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Faces = npt.NDArray[np.int32]

_NAMED = 3  # places that are named of each kind
_NESTED_AT_MOST = 20_000_000  # faces that are looked at to find which shells lie in which: some seconds

Place = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Shell:
    """Faces connected through edges."""

    faces: int
    closed: bool  # every directed edge meets its opposite
    euler: int  # V − E + F
    genus: int | None  # of a closed manifold; None of any other
    volume: (
        float | None
    )  # signed, in the cube of the file's unit: negative when its outside is inside; None if open
    inside: (
        tuple[int, ...] | None
    )  # numbers of the closed shells it lies in; None when that was not looked for
    low: Place
    high: Place


@dataclass(frozen=True, slots=True)
class Topology:
    """A mesh after equal positions became one vertex; lengths in its own unit."""

    name: str
    triangles: int
    vertices: int
    edges: int
    boundary_edges: int  # belong to one face
    boundary_loops: int
    inconsistent_edges: int  # belong to two faces that run along them the same way
    nonmanifold_edges: int  # belong to more than two faces
    degenerate_faces: int  # name a vertex twice
    repeated_faces: int  # repeat another one, wound alike
    closed: bool
    shells: tuple[Shell, ...]  # in order of their first face
    where: dict[str, list[Place]]  # some places of each kind of fault

    def to_dict(self) -> dict[str, Any]:
        """JSON object of this."""
        shells = [{f.name: getattr(shell, f.name) for f in fields(Shell)} for shell in self.shells]
        return {f.name: getattr(self, f.name) for f in fields(Topology)} | {"shells": shells}


def topology(source: Any, *, format: str | None = None) -> Topology:
    """How the triangles of a mesh are connected: counts, places of faults, and each shell.

    source, format : as `measure` takes them

    Raises what `measure` raises for a source that cannot be read, and UsageError for a B-rep.
    """
    from massproof import sources
    from massproof.brep import Brep, Drawn
    from massproof.kernels import edges, weld
    from massproof.mesh import Records, require_finite

    loaded = sources.load(source, format)
    mesh = loaded.geometry
    if isinstance(mesh, (Brep, Drawn)):
        msg = f"{loaded.name} is a B-rep: its shells are what its file says; give a mesh"
        raise UsageError(msg)
    if isinstance(mesh, Records):
        require_finite(mesh.corners())
        vertices, faces = weld.welded_records(mesh.stored, Records.START, mesh.count)
    else:
        vertices, faces = weld.welded(mesh.vertices, mesh.faces)
    return _topology(loaded.name, vertices, faces, edges.degenerate(faces))


def _topology(name: str, vertices: Floats, faces: Faces, flat: npt.NDArray[np.bool_]) -> Topology:
    """What is found of faces over distinct positions; those marked `flat` name one twice."""
    from massproof.kernels import edges, regions
    from massproof.kernels import topology as kernels

    solid = faces[~flat]
    sides = edges.paired(solid, len(vertices))
    found = kernels.match_edges(solid, len(vertices), sides)
    again = kernels.repeated(solid)
    crowded = edges.listed(sides, edges.CROWDED)
    label = regions.joined(len(solid), sides, crowded[:0, :2])
    loops = kernels.boundary(solid, len(vertices), sides)[1] if found.boundary else label[:0]
    where = {
        "unmatched_edges": vertices[found.open_pairs[:_NAMED]].mean(axis=1),
        "nonmanifold_edges": vertices[crowded[:_NAMED, :2]].mean(axis=1),
        "degenerate_faces": vertices[faces[flat][:_NAMED, 0]],
        "repeated_faces": vertices[solid[again][:_NAMED, 0]],
    }
    return Topology(
        name=name,
        triangles=len(faces),
        vertices=len(vertices),
        edges=found.total,
        boundary_edges=found.boundary,
        boundary_loops=int(loops.max(initial=-1)) + 1,
        inconsistent_edges=found.inconsistent,
        nonmanifold_edges=found.nonmanifold,
        degenerate_faces=int(flat.sum()),
        repeated_faces=int(again.sum()),
        closed=not found.unbalanced and bool(len(solid)),
        shells=_shells(vertices, solid, sides, label) if len(solid) else (),
        where=_places(where),
    )


def _places(where: dict[str, Floats]) -> dict[str, list[Place]]:
    return {kind: [_place(p) for p in points] for kind, points in where.items() if len(points)}


def _place(point: Floats) -> Place:
    x, y, z = (float(c) for c in point)
    return x, y, z


def _shells(vertices: Floats, faces: Faces, sides: Any, label: npt.NDArray[np.int32]) -> tuple[Shell, ...]:
    """Each connected part of the faces, with what it encloses."""
    import numpy as np

    from massproof import bounds
    from massproof.kernels import edges, regions

    count = int(label.max()) + 1
    open_, crowded = (_touched(sides, kind, label, count) for kind in (edges.UNBALANCED, edges.CROWDED))
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(count))
    corners = vertices[faces[order]]
    volume = np.add.reduceat(bounds.volumes(vertices, faces[order], corners.mean(axis=(0, 1))), starts)
    low, high = (
        np.minimum.reduceat(corners.min(axis=1), starts),
        np.maximum.reduceat(corners.max(axis=1), starts),
    )
    euler = regions.euler(faces, len(vertices), label, sides)
    stops = np.append(starts, len(faces))
    inside = _inside(vertices, faces[order], stops, ~open_, low, high)
    return tuple(
        Shell(
            faces=int(stops[k + 1] - stops[k]),
            closed=not open_[k],
            euler=int(euler[k]),
            # An odd number tells of a vertex that is pinched: no manifold either.
            genus=None if open_[k] or crowded[k] or euler[k] % 2 else 1 - int(euler[k]) // 2,
            volume=None if open_[k] else float(volume[k]),
            inside=inside[k] if inside else None,
            low=_place(low[k]),
            high=_place(high[k]),
        )
        for k in range(count)
    )


def _touched(sides: Any, kind: int, label: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.bool_]:
    """Which of `count` shells have edges of a kind: every side of them is looked at."""
    import numpy as np

    from massproof.kernels import edges

    touched = np.zeros(count, np.bool_)
    rows = edges.listed(sides, kind)
    for k in range(int(rows[:, 3].max(initial=0))):
        deep = rows[rows[:, 3] > k]
        touched[label[edges.face_of(sides.words[deep[:, 2] + k])[0]]] = True
    return touched


def _inside(
    vertices: Floats,
    faces: Faces,
    starts: npt.NDArray[np.int64],
    closed: npt.NDArray[np.bool_],
    low: Floats,
    high: Floats,
) -> list[tuple[int, ...]] | None:
    """The closed shells that each shell lies in, by the winding number of its first corner."""
    from massproof.kernels.topology import winding

    left, found = _NESTED_AT_MOST, []
    for k in range(len(closed)):
        hosts = closed & (low <= low[k]).all(axis=1) & (high[k] <= high).all(axis=1)
        hosts[k] = False
        within = []
        for host in hosts.nonzero()[0].tolist():
            part = faces[starts[host] : starts[host + 1]]
            left -= len(part)
            if left < 0:
                return None
            if abs(winding(vertices, part, vertices[faces[starts[k], 0]])) > 0.5:
                within.append(host)
        found.append(tuple(within))
    return found
