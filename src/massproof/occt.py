"""Exact solids through Open CASCADE: STEP and CAD objects in, mass properties out.

The only module that imports OCP, and only inside functions: importing it costs a second or more.
Either distribution of OCP serves, `cadquery-ocp` or the lighter `cadquery-ocp-novtk`, 7.8 or
later, and before 8, which has other names for much.
"""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from massproof.brep import Brep
from massproof.errors import FormatError, MissingExtra, Note
from massproof.mass import Array, Body, Errors
from massproof.placed import Box, Definition, Occurrence, Whole, checked, whole

LIGHTER = '"cadquery-ocp-novtk<8"'  # OCP without what draws on screens, as pip is told
MAX_OCCURRENCES = 100_000  # placed solids and surfaces; a file of 80 kB can hold 10¹⁰

# Relative accuracy asked of each face. Spheres, cones and tori written as NURBS are off by 1.5e-8
# at 1e-10 and by 1e-9 at 1e-12, while OCCT claims 5e-16: the difference of the two runs encloses
# the error, the claim does not. Looser settings mislead: a real part of 13 faces converges
# falsely down to 1e-10, 8.5e-6 off, and the inertia of a plain cylinder is off by 5e-6 at 1e-8, by
# 4e-9 at 1e-12. Volume and area of 113 real files: 12 s at 1e-6, 20 s at 1e-10, 27 s at 1e-12, 39 s
# at 1e-14; reading them takes 10 s.
COARSE, FINE = 1e-10, 1e-12
# Of sums over Gauss points, per area × reach: two crossing cylinders, cut from each other along splines,
# are off by 5 times 64 ulps.
_ROUNDING = 1024 * sys.float_info.epsilon
# Where an edge is looked at: its ends, and the points of a Gauss rule, which gives its length. Never at equal steps,
# where a curve that Open CASCADE approximates goes through what it approximates: 33 times too narrow on a real face.
_GAUSS = np.polynomial.legendre.leggauss(9)
_NODES, _WEIGHTS = [0.0, *(_GAUSS[0] + 1) / 2, 1.0], [0.0, *_GAUSS[1] / 2, 0.0]
_BOX = 2e-7  # tori and splines: OCCT leaves a rim of 1e-7 around them


def wrap(source: object) -> Brep | None:
    """The solids and free surfaces of a CAD object, None when `source` is none.

    source : TopoDS_Shape; CadQuery Workplane, Shape or Assembly; build123d Shape or BuildPart

    Raises FormatError for a CAD object that holds no solid and no surface.
    """
    if "OCP" not in sys.modules:  # then no such object can exist
        return None
    with door("measuring CAD objects"):
        shapes = _shapes_of(source)
        if shapes is None:
            return None
        solids, shells = _occurrences(shapes)
    if not (solids or shells):
        msg = (
            f"{type(source).__name__} holds no solid and no face, {len(shapes)} shapes in all; "
            "pass an object with a solid"
        )
        raise FormatError(msg)
    return Brep(solids, shells, None, "", _surface_notes(solids, shells))


def integrate(brep: Brep) -> Whole:
    """Mass properties of the solids of `brep`; area and box of its shells when it has no solids.

    Each definition is integrated once, near its own centre, and moved to its occurrences.
    """
    solid = bool(brep.solids)
    numbers: dict[Any, int] = {}
    definitions: list[Definition] = []
    occurrences: list[Occurrence] = []
    with door("measuring solids"):
        from OCP.TopLoc import TopLoc_Location

        for shape in brep.solids or brep.shells:
            number = numbers.setdefault((shape.TShape(), shape.Orientation()), len(definitions))
            if number == len(definitions):
                definitions.append(_definition(shape.Located(TopLoc_Location()), solid))
            occurrences.append(Occurrence(number, *_placement(shape), *_travel(shape.Location())))
        return whole(definitions, occurrences, solid=solid)


def placed(brep: Brep) -> Iterator[tuple[Any, Array]]:
    """The solids of `brep`, or where it has none its surfaces, in their own frames, and (4, 4) where they stand."""
    from OCP.TopLoc import TopLoc_Location

    for shape in brep.solids or brep.shells:
        matrix, offset, _ = _placement(shape)
        place = np.eye(4)
        place[:3, :3], place[:3, 3] = matrix, offset
        yield shape.Located(TopLoc_Location()), place


def volume(shape: Any) -> float:
    """Volume of a solid, positive, by the integration that is exact to 1e-12."""
    lo, hi = box(shape, tight=False)
    return abs(_volume(shape, (lo + hi) / 2, FINE)[0].mass)


def ready(data: bytes) -> bool:
    """Import what `parts` needs; MissingExtra when it is not there."""
    with door("measuring with Open CASCADE"):
        from OCP.STEPControl import STEPControl_Reader

        return STEPControl_Reader is not None


def parts(data: bytes, wanted: list[list[Any]]) -> dict[str, Any]:
    """Integrals of single solids and surfaces of a STEP file, in their own frames, as JSON can say them.

    wanted : of each the positions in the file, from 1 on, of its solid, or none of a surface; those of its shells;
        and rotations (3, 3) for which its box is asked
    returns the version of Open CASCADE, and of each what `_answer` says, None for what it makes nothing of;
        lengths in millimetres, if the file states its unit

    Raises FormatError when the file cannot be read. Meant to be called through `isolation.call`.
    """
    with door("reading STEP"):
        found, _ = drawn(data)
        answers = [
            _answer([found.get(at) for at in solids], [found.get(at) for at in shells], turns)
            for solids, shells, turns in wanted
        ]
    return {"version": version(), "parts": answers}


def drawn(data: bytes) -> tuple[dict[int, Any], Callable[[Any], int]]:
    """Solids, surfaces and groups of a STEP file in their own frames, by the position in it of what draws them.

    A solid whose shell holds several bodies is a group of them. With them comes what tells the position of what draws
    any shape in them, −1 for none. Raises FormatError when the file cannot be read.
    """
    return drawn_by(_read(data))


def drawn_by(reader: Any) -> tuple[dict[int, Any], Callable[[Any], int]]:
    """What `drawn` returns, of what a reader has read and made shapes of."""
    from OCP.TopAbs import TopAbs_ShapeEnum as Kind
    from OCP.TopLoc import TopLoc_Location

    model = reader.StepModel()
    # Found by identity, since this door to C++ compares copies of handles where numbers are looked up.
    entities = [model.Entity(position) for position in range(1, model.NbEntities() + 1)]
    positions = {id(entity): (n, entity) for n, entity in enumerate(entities, 1)}

    def place(shape: Any) -> int:
        # Through the reader, which must be there as long as this is: without it nothing is found.
        entity = reader.WS().TransferReader().EntityFromShapeResult(shape, -1)
        return positions.get(id(entity), (-1, None))[0]

    stack = [reader.Shape(i + 1) for i in range(reader.NbShapes())]
    _occurrences(stack)  # refuses too many
    seen: set[Any] = set()
    found: dict[int, Any] = {}
    while stack:
        shape = stack.pop()
        if shape.IsNull() or shape.TShape() in seen:
            continue
        seen.add(shape.TShape())
        own = shape.Located(TopLoc_Location())
        position = place(own)
        if position >= 0:
            found.setdefault(position, own)
        if own.ShapeType() in (Kind.TopAbs_COMPOUND, Kind.TopAbs_COMPSOLID):
            stack.extend(_children(own))
    return found, place


def _answer(solids: list[Any], shells: list[Any], turns: list[Any]) -> dict[str, Any] | None:
    """Of a solid, or of shells together: what is in a Definition, and a box for each turn; None where there is none.

    Of a solid that does not close there is nothing but its shells.
    """
    members, solid = _members(solids, 0), True
    if not members:
        members, solid = _members(shells, 1), False
    if not members:
        return None
    found = [_definition(one, solid) for one in members]
    if solids and not solid:
        found = [replace(one, unclosed=True) for one in found]
    boxes = [zip(*(one.box(np.array(turn)) for one in found), strict=True) for turn in turns]
    together = whole(found, [Occurrence(n, np.eye(3), np.zeros(3)) for n in range(len(found))], solid=solid)
    body, causes = together.body, together.errors.items()
    return {
        "body": body and [body.mass, body.centre.tolist(), body.second.tolist()],
        "area": together.area,
        "errors": {
            cause: [one.area, one.volume, one.centre, one.second, one.box] for cause, one in causes if one
        },
        "boxes": [
            [np.min(lows, axis=0).tolist(), np.max(highs, axis=0).tolist(), max(rims)]
            for lows, highs, rims in boxes
        ],
        "splines": together.splines,
        "inverted": together.inverted > 0,
        "unclosed": together.unclosed > 0,
    }


def _members(shapes: list[Any], kind: int) -> list[Any]:
    """Solids (0) or surfaces (1) of these shapes; none where one of them is not there."""
    if any(one is None for one in shapes):
        return []
    return [member for one in shapes for member in _occurrences([one])[kind]]


def _read(data: bytes) -> Any:
    """A reader that has made shapes of a whole STEP file, in millimetres."""
    from OCP.STEPControl import STEPControl_Reader

    reader = STEPControl_Reader()
    require_read(reader.ReadStream("input.step", io.BytesIO(data)), len(data))
    reader.SetSystemLengthUnit(1.0)  # millimetre, whatever the process was configured for
    # Not TransferRoots: in OCCT 7.9 that never ends on an assembly of 10¹⁰ parts.
    for root in range(reader.NbRootsForTransfer()):
        reader.TransferOneRoot(root + 1)
    check_transfer(reader)
    return reader


def require_read(status: Any, size: int) -> None:
    """Refuse a file of `size` bytes that was not read: any other call now is a null pointer."""
    from OCP.IFSelect import IFSelect_ReturnStatus

    if status != IFSelect_ReturnStatus.IFSelect_RetDone:
        msg = f"STEP file does not parse: syntax error in its {size} bytes; export or copy it again"
        raise FormatError(msg)


def version() -> str:
    """Version of OCP, which begins with that of Open CASCADE."""
    import OCP

    return str(OCP.__version__)


def _definition(shape: Any, solid: bool) -> Definition:
    """`shape` in its own frame; the error is the difference between two accuracies."""
    from OCP.TopAbs import TopAbs_ShapeEnum

    lo, hi = box(shape, tight=False)
    strip, gap, fits = _strips(shape)
    rough, _ = _area(shape, COARSE)
    area, claim = _area(shape, FINE)
    area_error = max(abs(area - rough), claim * area) + _ROUNDING * area
    splines = sum(map(_is_spline, explore(shape, TopAbs_ShapeEnum.TopAbs_FACE)))
    errors = {"integration": Errors(area_error), "brep-gap": Errors(strip, box=gap)}
    surface = Definition(None, area, errors, functools.partial(_turned_box, shape), splines)
    return (
        _solid(shape, surface, (lo + hi) / 2, float(np.linalg.norm(hi - lo)) / 2, fits) if solid else surface
    )


def _solid(shape: Any, surface: Definition, centre: Array, reach: float, fits: bool) -> Definition:
    """A solid, of which its surface is known; centre, reach : of a ball around it;  fits : whether its faces do."""
    from OCP.BRep import BRep_Tool
    from OCP.TopAbs import TopAbs_ShapeEnum

    coarse, _ = _volume(shape, centre, COARSE)
    fine, claim = _volume(shape, centre, FINE)
    size, moved = abs(fine.mass), float(np.linalg.norm(fine.centre - coarse.centre))
    error = max(abs(fine.mass - coarse.mass), claim * size) + _ROUNDING * surface.area * reach
    if not size > error:  # catches nan, too
        return replace(surface, unclosed=True)
    second = max(float(np.linalg.norm(fine.second - coarse.second)), error * reach**2)
    far = reach + float(np.linalg.norm(fine.centre - centre))
    rough, gap = (surface.errors[cause] or Errors() for cause in ("integration", "brep-gap"))
    errors = {
        "integration": Errors(rough.area, error, max(moved, error / size * reach), second),
        "brep-gap": Errors(gap.area, gap.area * far, gap.area * far**2 / size, gap.area * far**3, gap.box),
    }
    body = Body(size, fine.centre, fine.second * np.sign(fine.mass))
    closed = all(map(static(BRep_Tool, "IsClosed"), explore(shape, TopAbs_ShapeEnum.TopAbs_SHELL)))
    return checked(
        replace(surface, body=body, errors=errors, inverted=fine.mass < 0, unclosed=not (fits and closed))
    )


def _strips(shape: Any) -> tuple[float, float, bool]:
    """Area of the strips between edges and what bounds their faces, how wide the widest is; whether faces fit.

    They fit where they run each edge as often one way as the other. Where they do not, some look outwards and some
    inwards, and Open CASCADE adds up what it should subtract.

    Open CASCADE ends a face at curves of its parameter plane, which follow the edges within a tolerance. Where two
    of these do not meet it leaves a jump open, which can cost as much as the jump times the size of the face.
    """
    from OCP.BRep import BRep_Tool
    from OCP.TopAbs import TopAbs_Orientation, TopAbs_ShapeEnum
    from OCP.TopoDS import TopoDS

    senses = {TopAbs_Orientation.TopAbs_FORWARD: 1, TopAbs_Orientation.TopAbs_REVERSED: -1}
    total = widest = 0.0
    balance: dict[Any, int] = {}
    for face in explore(shape, TopAbs_ShapeEnum.TopAbs_FACE):
        ends: dict[Any, list[Any]] = {}
        size = 0.0
        for edge in explore(face, TopAbs_ShapeEnum.TopAbs_EDGE):
            if static(BRep_Tool, "Degenerated")(static(TopoDS, "Edge")(edge)):
                continue
            way = senses.get(edge.Orientation(), 0)
            balance[edge.TShape()] = balance.get(edge.TShape(), 0) + way
            length, gap, points = _apart(edge, face, ends)
            total, widest = total + length * gap, max(widest, gap)
            size = max(size, *map(points[0].Distance, points))
        jumps = [points[0].Distance(one) for points in ends.values() for one in points[1:]]
        total, widest = total + 2 * size * sum(jumps), max(widest, *jumps, 0.0)
    return total, widest, not any(balance.values())


def _apart(edge: Any, face: Any, ends: dict[Any, list[Any]]) -> tuple[float, float, list[Any]]:
    """Length of an edge, how far it lies off what bounds the face, and points of that; its ends by vertex."""
    from OCP.BRepAdaptor import BRepAdaptor_Curve
    from OCP.gp import gp_Pnt, gp_Vec
    from OCP.TopExp import TopExp
    from OCP.TopoDS import TopoDS

    edge, face = static(TopoDS, "Edge")(edge), static(TopoDS, "Face")(face)
    own, border = BRepAdaptor_Curve(edge), BRepAdaptor_Curve(edge, face)
    first, last, gap, length = own.FirstParameter(), own.LastParameter(), 0.0, 0.0
    points, point, tangent = [], gp_Pnt(), gp_Vec()
    for at, weight in zip(_NODES, _WEIGHTS, strict=True):
        own.D1(first + (last - first) * at, point, tangent)
        points.append(border.Value(first + (last - first) * at))
        speed = tangent.Magnitude()
        across = gp_Vec(point, points[-1]).CrossMagnitude(tangent)  # along the edge nothing is lost
        gap, length = max(gap, across / speed if speed else 0.0), length + weight * speed
    for vertex, one in (("FirstVertex", points[0]), ("LastVertex", points[-1])):
        ends.setdefault(static(TopExp, vertex)(edge).TShape(), []).append(one)
    return length * (last - first), gap, points


def _volume(shape: Any, centre: Array, accuracy: float) -> tuple[Body, float]:
    """Body of unit density, and the relative error that OCCT claims for its volume.

    Never the overload without an accuracy: it is 2 % off on some B-spline faces.
    """
    from OCP.BRepGProp import BRepGProp
    from OCP.gp import gp_Pnt
    from OCP.GProp import GProp_GProps

    properties = GProp_GProps(gp_Pnt(*map(float, centre)))  # apex: rounding grows with distance²
    claim = static(BRepGProp, "VolumeProperties")(shape, properties, accuracy)
    matrix, point = properties.MatrixOfInertia(), properties.CentreOfMass()
    # about the centre of mass, off-diagonal entries −∫ x y: I = tr(S)·1 − S
    inertia = np.array([[matrix.Value(i, j) for j in (1, 2, 3)] for i in (1, 2, 3)])
    second = np.trace(inertia) / 2 * np.eye(3) - inertia
    return Body(properties.Mass(), np.array([point.X(), point.Y(), point.Z()]), second), claim


def _area(shape: Any, accuracy: float) -> tuple[float, float]:
    """Area, and the relative error that OCCT claims for it."""
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps

    properties = GProp_GProps()
    claim = static(BRepGProp, "SurfaceProperties")(shape, properties, accuracy)
    return properties.Mass(), claim


def _turned_box(shape: Any, matrix: Array) -> Box:
    """The tight box of `shape` after r -> matrix·r."""
    from OCP.gp import gp_Trsf
    from OCP.TopLoc import TopLoc_Location

    trsf = gp_Trsf()
    trsf.SetValues(*(float(x) for row in matrix for x in (*row, 0.0)))
    lo, hi = box(shape.Moved(TopLoc_Location(trsf), False), tight=True)
    return lo, hi, _BOX * max(1.0, abs(trsf.ScaleFactor()))


def box(shape: Any, *, tight: bool) -> tuple[Array, Array]:
    """Corners of the bounding box, of the geometry itself when `tight`."""
    from OCP.Bnd import Bnd_Box
    from OCP.BRepBndLib import BRepBndLib

    found = Bnd_Box()
    if tight:  # neither triangles nor the tolerances of edges widen it
        static(BRepBndLib, "AddOptimal")(shape, found, False, False)
    else:
        static(BRepBndLib, "Add")(shape, found, False)
    if found.IsVoid():
        msg = "a shape has no extent: it holds no geometry; repair it where it was made"
        raise FormatError(msg)
    found.SetGap(0.0)
    lo, hi = (np.array([p.X(), p.Y(), p.Z()]) for p in (found.CornerMin(), found.CornerMax()))
    return lo, hi


def _is_spline(face: Any) -> bool:
    """Whether the surface under trims and offsets, or an edge, is none that integrates exactly."""
    from OCP.BRep import BRep_Tool
    from OCP.BRepAdaptor import BRepAdaptor_Curve, BRepAdaptor_Surface
    from OCP.GeomAbs import GeomAbs_CurveType as Curve
    from OCP.GeomAbs import GeomAbs_SurfaceType as Kind
    from OCP.TopAbs import TopAbs_ShapeEnum
    from OCP.TopoDS import TopoDS

    surface = BRepAdaptor_Surface(static(TopoDS, "Face")(face), False)
    while surface.GetType() == Kind.GeomAbs_OffsetSurface:
        surface = surface.BasisSurface()
    exact = (Kind.GeomAbs_Plane, Kind.GeomAbs_Cylinder, Kind.GeomAbs_Cone, Kind.GeomAbs_Sphere)
    if surface.GetType() not in (*exact, Kind.GeomAbs_Torus):
        return True
    smooth = (Curve.GeomAbs_Line, Curve.GeomAbs_Circle, Curve.GeomAbs_Ellipse)
    edges = map(static(TopoDS, "Edge"), explore(face, TopAbs_ShapeEnum.TopAbs_EDGE))
    whole = (edge for edge in edges if not static(BRep_Tool, "Degenerated")(edge))
    return any(BRepAdaptor_Curve(edge).GetType() not in smooth for edge in whole)


def _placement(shape: Any) -> tuple[Array, Array, float]:
    """Matrix, offset and scale factor of where `shape` is placed: r -> matrix·r + offset."""
    trsf = shape.Location().Transformation()
    rows = np.array([[trsf.Value(i, j) for j in (1, 2, 3, 4)] for i in (1, 2, 3)])
    return rows[:, :3], rows[:, 3], trsf.ScaleFactor()


def _travel(location: Any) -> tuple[float, int]:
    """Sum of the offsets of a chain of locations, and how many these are; one that comes back has still rounded."""
    total, steps = 0.0, 0
    while not location.IsIdentity():
        offset = location.FirstDatum().Transformation().TranslationPart()
        total, steps = (
            total + offset.Modulus() * abs(location.FirstPower()),
            steps + abs(location.FirstPower()),
        )
        location = location.NextLocation()
    return total, steps


def _occurrences(shapes: Iterable[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Every placed solid, and every placed shell or face that belongs to no solid.

    The count comes first, once per definition: listing 10¹⁰ parts would not end.
    """
    from OCP.TopAbs import TopAbs_ShapeEnum as Kind

    shapes = [shape for shape in shapes if not shape.IsNull()]
    counts: dict[Any, int] = {}
    total = sum(_count(shape, counts) for shape in shapes)
    if total > MAX_OCCURRENCES:
        msg = (
            f"too many occurrences: {total} placed solids and surfaces, the limit is "
            f"{MAX_OCCURRENCES}; measure the sub-assemblies one by one"
        )
        raise FormatError(msg)
    solids, shells, stack = [], [], shapes[::-1]
    while stack:
        shape = stack.pop()
        if not counts[shape.TShape()]:  # 10¹⁰ empty groups are not worth a walk either
            continue
        kind = shape.ShapeType()
        if kind == Kind.TopAbs_SOLID:
            solids.append(shape)
        elif kind in (Kind.TopAbs_SHELL, Kind.TopAbs_FACE):
            shells.append(shape)
        else:
            stack.extend([*_children(shape)][::-1])
    return tuple(solids), tuple(shells)


def _count(shape: Any, counts: dict[Any, int]) -> int:
    """How many solids, free shells and free faces `shape` places."""
    from OCP.TopAbs import TopAbs_ShapeEnum as Kind

    definition, kind = shape.TShape(), shape.ShapeType()
    if definition not in counts:
        if kind in (Kind.TopAbs_SOLID, Kind.TopAbs_SHELL):
            counts[definition] = int(any(explore(shape, Kind.TopAbs_FACE)))
        elif kind in (Kind.TopAbs_COMPOUND, Kind.TopAbs_COMPSOLID):
            counts[definition] = sum(_count(child, counts) for child in _children(shape))
        else:
            counts[definition] = int(kind == Kind.TopAbs_FACE)
    return counts[definition]


def _children(shape: Any) -> Iterator[Any]:
    """Direct members of `shape`, placed."""
    from OCP.TopoDS import TopoDS_Iterator

    members = TopoDS_Iterator(shape)
    while members.More():
        yield members.Value()
        members.Next()


def explore(shape: Any, kind: Any) -> Iterator[Any]:
    """Everything of one kind in `shape`."""
    from OCP.TopExp import TopExp_Explorer

    found = TopExp_Explorer(shape, kind)
    while found.More():
        yield found.Current()
        found.Next()


def _shapes_of(source: Any) -> list[Any] | None:
    """The OCCT shapes of a CAD object, recognised by its attributes; None when it is none."""
    from OCP.TopoDS import TopoDS_Shape

    if isinstance(source, TopoDS_Shape):
        return [source]
    if callable(getattr(source, "toCompound", None)):  # CadQuery Assembly
        return _shapes_of(source.toCompound())
    if callable(getattr(source, "vals", None)) and hasattr(source, "objects"):  # CadQuery Workplane
        found = [_shapes_of(value) for value in source.vals()]
        return [shape for shapes in found if shapes for shape in shapes]
    part = getattr(source, "part", None)  # build123d BuildPart
    wrapped = getattr(source if part is None else part, "wrapped", None)
    return [wrapped] if isinstance(wrapped, TopoDS_Shape) else None


def _surface_notes(solids: tuple[Any, ...], shells: tuple[Any, ...]) -> tuple[Note, ...]:
    """What to say of surfaces that bound no solid."""
    if not shells:
        return ()
    count = {"count": len(shells)}
    if solids:
        text = f"{len(shells)} free shells or faces bound no solid; they are not measured"
        return (("free-shells", text, count),)
    text = (
        f"no solid, only {len(shells)} open shells or faces: area is valid, volume is not defined; "
        "close the surface where it was made"
    )
    return (("open-shells", text, count),)


def check_transfer(reader: Any) -> None:
    """Refuse what OCCT left out: it drops a face or a solid that fails, and says it is done."""
    checks = reader.WS().TransferReader().TransientProcess().CheckList(False)
    failures = []
    checks.Start()
    while checks.More():
        check = checks.Value()
        failures += [check.CFail(i + 1).strip() for i in range(check.NbFails())]
        checks.Next()
    if failures:
        msg = (
            f"STEP file with invalid geometry, {len(failures)} entities in all, the first: "
            f"{failures[0]}; export it again"
        )
        raise FormatError(msg)


def static(owner: Any, name: str) -> Any:
    """A static method, whose name ends in `_s` in some versions of OCP and not in others."""
    return getattr(owner, name + "_s", None) or getattr(owner, name)


@contextmanager
def door(what: str) -> Iterator[None]:
    """OCCT without its prints, and with its exceptions as ours."""
    try:
        from OCP.Message import Message
    except ImportError as error:
        raise MissingExtra(what, "step", LIGHTER) from error
    messenger = static(Message, "DefaultMessenger")()
    printers = list(messenger.Printers())
    messenger.ChangePrinters().Clear()  # they write to stdout
    try:
        yield
    except ImportError as error:  # of a name that another version has
        lacking = f"{what} (the OCP that is installed is of another version: {error.msg.split(' (')[0]})"
        raise MissingExtra(lacking, "step", LIGHTER) from error
    except Exception as error:
        # OCP's exceptions share no base class: Standard_DomainError is no Standard_Failure
        if not (type(error).__module__.startswith("OCP") or isinstance(error, RuntimeError)):
            raise
        if "OutOfMemory" in type(error).__name__:
            raise MemoryError from error
        msg = f"{what} failed in Open CASCADE: {type(error).__name__} {error}; repair the geometry"
        raise FormatError(msg) from error
    finally:
        for printer in printers:
            messenger.AddPrinter(printer)
