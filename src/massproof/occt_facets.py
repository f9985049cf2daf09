"""Facets of exact shapes, by Open CASCADE: the second room behind the door that `occt` is.

Open CASCADE divides every edge once, and each face on its own. Here corners on an edge, or at a vertex, are one corner
for all faces around it, whatever coordinates each face gives them: a closed shell has closed facets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from massproof import occt, slits
from massproof.brep import Brep
from massproof.errors import UsageError
from massproof.mesh import Floats, Integers

ANGLE = math.radians(12.0)  # between neighbouring facets
RELATIVE = 1e-3  # of the diagonal of a part: how far facets may lie from its faces
_ROUNDS = 12
MAX_TRIANGLES = 20_000_000  # of all parts of a file


class Facets(NamedTuple):
    """Triangles of one part in its own frame, in millimetres."""

    vertices: Floats  # (V, 3)
    faces: Integers  # (F, 3), counter-clockwise seen from outside
    patches: list[tuple[int, int]]  # of each face of the part: its first triangle, position in the file or −1
    lines: list[list[int]]  # edges of the part: corners that each runs through
    deflection: float  # that was asked for in the end
    volume: float  # that they enclose, if they are closed


def facets(
    data: bytes,
    wanted: list[list[list[int]]],
    deflection: float | None,
    angle: float | None,
    volumes: list[float | None],
    share: float | None,
) -> tuple[dict[str, Any], bytes]:
    """Facets of parts of a STEP file: what JSON can say of them, and the bytes of all numbers.

    wanted : of each the positions in the file of its solid, which a surface has none of, and of its shells
    deflection : how far facets may lie from faces, in millimetres; None: RELATIVE
    angle : between neighbouring facets, in radian; None: ANGLE
    volumes, share : of each part its exact volume in mm³, None without one, and how much of it the facets may miss

    Raises UsageError when that takes more than MAX_TRIANGLES. Meant to be called through `isolation.call`.
    """
    with occt.door("dividing STEP into facets"):
        found, place = occt.drawn(data)
        rows: list[dict[str, Any] | None] = []
        buffer, count = bytearray(), 0
        for (solids, shells), volume in zip(wanted, volumes, strict=True):
            shapes = [found[at] for at in solids if at in found] or [
                found[at] for at in shells if at in found
            ]
            if not shapes:
                rows.append(None)
                continue
            part = refined(shapes, place, deflection, angle, volume, share)
            count += len(part.faces)
            if count > MAX_TRIANGLES:
                msg = f"more than {MAX_TRIANGLES} triangles; ask for a larger deflection or volume error"
                raise UsageError(msg)
            rows.append(_packed(part, buffer))
    return {"version": occt.version(), "parts": rows}, bytes(buffer)


def numbered(brep: Brep) -> list[tuple[int, Floats]]:
    """Of each solid of a CAD object, or where it has none of its surfaces, which of the distinct ones it is, and where
    it stands.
    """
    seen: dict[Any, int] = {}
    with occt.door("reading CAD objects"):
        return [(seen.setdefault(_key(own), len(seen)), matrix) for own, matrix in occt.placed(brep)]


def of_objects(
    brep: Brep, deflection: float | None, angle: float | None, share: float | None
) -> Iterator[Facets]:
    """Facets of each solid of a CAD object, or where it has none of its surfaces, in its own frame.

    Copies have the same. The numbers are those of `facets`.
    """
    seen: dict[Any, Facets] = {}
    with occt.door("dividing CAD objects into facets"):
        for own, _ in occt.placed(brep):
            if _key(own) not in seen:
                volume = occt.volume(own) if share and brep.solids else None
                seen[_key(own)] = refined([own], lambda face: -1, deflection, angle, volume, share)
            yield seen[_key(own)]


def _key(shape: Any) -> tuple[Any, Any]:
    """Equal for copies of a shape."""
    return shape.TShape(), shape.Orientation()


def _packed(part: Facets, buffer: bytearray) -> dict[str, Any]:
    """The numbers of a part appended to `buffer`, and what is there."""
    lines = np.array([corner for line in part.lines for corner in line], np.int32)
    for array in (part.vertices, part.faces.astype(np.int32), lines):
        buffer += array.tobytes()
    return {
        "vertices": len(part.vertices),
        "faces": len(part.faces),
        "lines": [len(line) for line in part.lines],
        "patches": part.patches,
        "deflection": part.deflection,
        "volume": part.volume,
    }


def refined(
    shapes: list[Any],
    place: Callable[[Any], int],
    deflection: float | None,
    angle: float | None,
    volume: float | None,
    share: float | None,
) -> Facets:
    """Facets of shapes together, finer and finer until they miss no more than `share` of `volume`.

    place : tells the position in the file of what made a face, as that of `occt.drawn`

    Raises UsageError when that is not reached.
    """
    boxes = [occt.box(shape, tight=False) for shape in shapes]
    low, high = np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)
    step = deflection or RELATIVE * float(np.linalg.norm(high - low)) or 1e-3
    turn = angle or ANGLE
    for _ in range(_ROUNDS):
        found = _divided(shapes, place, step, turn)
        if not (volume and share):
            return found
        missed = abs(found.volume - volume) / volume
        if missed <= share:
            return found
        if len(found.faces) > MAX_TRIANGLES:
            break
        smaller = min(0.6, max(0.05, 0.8 * share / missed))  # what is missed goes with the deflection
        step, turn = step * smaller, turn * math.sqrt(smaller)
    msg = (
        f"facets still miss {missed:.2g} of the volume, where {share:g} was asked for, with "
        f"{len(found.faces)} triangles; ask for a larger volume error"
    )
    raise UsageError(msg)


def _divided(shapes: Sequence[Any], place: Callable[[Any], int], deflection: float, angle: float) -> Facets:
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.BRepTools import BRepTools
    from OCP.TopAbs import TopAbs_ShapeEnum

    net = _Net()
    for shape in shapes:
        occt.static(BRepTools, "Clean")(shape)
        BRepMesh_IncrementalMesh(shape, deflection, False, angle, False)
        net.take(shape, place)
    if all(shape.ShapeType() == TopAbs_ShapeEnum.TopAbs_SOLID for shape in shapes):
        net.close(deflection)
    return net.facets(deflection)


class _Net:
    """Corners and triangles while the faces of shapes are taken up one after the other."""

    def __init__(self) -> None:
        from OCP.TopTools import TopTools_IndexedMapOfShape

        self.edges, self.vertices = TopTools_IndexedMapOfShape(), TopTools_IndexedMapOfShape()
        self.rows: dict[tuple[int, int], int] = {}  # corner of (edge, place on it), or of (0, vertex)
        self.points: list[tuple[float, float, float]] = []
        self.triangles: list[tuple[int, int, int]] = []
        self.patches: list[tuple[int, int]] = []
        self.lines: dict[int, list[int]] = {}

    def take(self, shape: Any, place: Callable[[Any], int]) -> None:
        """Take up all faces of a shape."""
        from OCP.BRep import BRep_Tool
        from OCP.TopAbs import TopAbs_Orientation, TopAbs_ShapeEnum
        from OCP.TopLoc import TopLoc_Location
        from OCP.TopoDS import TopoDS

        for face in map(occt.static(TopoDS, "Face"), occt.explore(shape, TopAbs_ShapeEnum.TopAbs_FACE)):
            where = TopLoc_Location()
            net = occt.static(BRep_Tool, "Triangulation")(face, where)
            if net is None or not net.NbTriangles():
                continue
            corners = self.bound(face, net, where)
            move = where.Transformation()
            for k in range(1, net.NbNodes() + 1):
                if k not in corners:
                    corners[k] = self.corner(None, net.Node(k).Transformed(move))
            self.patches.append((len(self.triangles), place(face)))
            turned = face.Orientation() == TopAbs_Orientation.TopAbs_REVERSED
            for k in range(1, net.NbTriangles() + 1):
                a, b, c = (corners[n] for n in net.Triangle(k).Get())
                if a != b != c != a:  # at poles a side has no length
                    self.triangles.append((a, c, b) if turned else (a, b, c))

    def bound(self, face: Any, net: Any, where: Any) -> dict[int, int]:
        """Corners of the nodes of a face on its edges: those of the edges and vertices."""
        from OCP.BRep import BRep_Tool
        from OCP.TopAbs import TopAbs_Orientation, TopAbs_ShapeEnum
        from OCP.TopExp import TopExp
        from OCP.TopoDS import TopoDS

        corners: dict[int, int] = {}
        move = where.Transformation()
        for edge in map(occt.static(TopoDS, "Edge"), occt.explore(face, TopAbs_ShapeEnum.TopAbs_EDGE)):
            line = occt.static(BRep_Tool, "PolygonOnTriangulation")(edge, net, where)
            if line is None:
                continue
            number = self.edges.Add(edge)
            forward = occt.static(TopoDS, "Edge")(edge.Oriented(TopAbs_Orientation.TopAbs_FORWARD))
            first = self.vertices.Add(occt.static(TopExp, "FirstVertex")(forward))
            last = self.vertices.Add(occt.static(TopExp, "LastVertex")(forward))
            count = line.NbNodes()
            point = occt.static(BRep_Tool, "Degenerated")(edge)
            through = []
            for k in range(1, count + 1):
                node = line.Node(k)
                end = first if k == 1 or point else last if k == count else 0
                key = (0, end) if end else (number, k)
                corners[node] = self.corner(key, net.Node(node).Transformed(move))
                through.append(corners[node])
            if not point:
                self.lines.setdefault(number, through)
        return corners

    def corner(self, key: tuple[int, int] | None, point: Any) -> int:
        """Row of the corner of a key, a new one for None."""
        if key in self.rows:
            return self.rows[key]
        self.points.append((point.X(), point.Y(), point.Z()))
        if key:
            self.rows[key] = len(self.points) - 1
        return len(self.points) - 1

    def close(self, width: float) -> None:
        """Fill holes of faces that are no wider than that."""
        faces = np.array(self.triangles, np.int64).reshape(-1, 3)
        more = slits.filled(np.array(self.points, np.float64).reshape(-1, 3), faces, width)
        if more:
            self.patches.append((len(self.triangles), -1))
            self.triangles += more

    def facets(self, deflection: float) -> Facets:
        """What was taken up."""
        points = np.array(self.points, np.float64).reshape(-1, 3)
        faces = np.array(self.triangles, np.int64).reshape(-1, 3)
        centre = points.mean(axis=0) if len(points) else np.zeros(3)
        a, b, c = (points[faces[:, k]] - centre for k in range(3))
        volume = float((a * np.cross(b, c)).sum() / 6)
        return Facets(points, faces, self.patches, list(self.lines.values()), deflection, volume)
