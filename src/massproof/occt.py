"""Exact solids through Open CASCADE: STEP and CAD objects in, mass properties out.

The only module that imports OCP, and only inside functions: importing it costs a second or more.
Either distribution of OCP serves, `cadquery-ocp` or the lighter `cadquery-ocp-novtk`, 7.8 or later.
"""

from __future__ import annotations

import functools
import io
import operator
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from massproof.brep import Brep
from massproof.errors import FormatError, MissingExtra, Note
from massproof.kernels.overlap import shared_volume
from massproof.mass import Array, Body, Errors

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
_ULPS = 16 * sys.float_info.epsilon  # of placing, per length that a chain of locations passes through
_BOX = 2e-7  # tori and splines: OCCT leaves a rim of 1e-7 around them


@dataclass(frozen=True, eq=False, slots=True)
class Integrals:
    """Mass properties of a Brep in its own length unit; errors are estimated half widths."""

    body: Body | None  # of unit density; None without solids
    area: float  # of the faces of the solids; of the free shells when there are no solids
    lo: Array  # (3,) corners of the tight bounding box of what `area` counts
    hi: Array
    volume_error: float
    area_error: float
    centre_error: float  # of the distance between the true and the given centre
    second_error: float  # of the Frobenius norm of `body.second`
    box_error: float
    spline_faces: int  # faces of distinct solids that are splines or are trimmed by splines
    solids: int  # occurrences
    repeated: int  # solids that stand where the same one stands already
    repeated_volume: float
    pairs: int  # of solids whose boxes overlap
    shared: float  # volume that these pairs can have in common at most
    inverted: int  # solids whose surface is inside out; they count with their positive volume
    unclosed: int  # solids with an edge that does not join two faces, or without any volume


def read(data: bytes | memoryview) -> Brep:
    """Read a STEP file from its bytes; coordinates come out in millimetres, if it states its unit.

    Raises FormatError when OCCT cannot read it, when any entity fails to transfer, when it holds
    neither solid nor surface, or when it places more than MAX_OCCURRENCES of them.
    Raises MissingExtra without OCP.
    """
    with _door("reading STEP"):
        from OCP.IFSelect import IFSelect_ReturnStatus
        from OCP.STEPControl import STEPControl_Reader

        reader = STEPControl_Reader()
        status = reader.ReadStream("input.step", io.BytesIO(data))
        if status != IFSelect_ReturnStatus.IFSelect_RetDone:  # any other call now is a null pointer
            msg = f"STEP file does not parse: syntax error in its {len(data)} bytes; export or copy it again"
            raise FormatError(msg)
        reader.SetSystemLengthUnit(1.0)  # millimetre, whatever the process was configured for
        names = _units(reader)
        # Not TransferRoots: in OCCT 7.9 that never ends on an assembly of 10¹⁰ parts.
        for root in range(reader.NbRootsForTransfer()):
            reader.TransferOneRoot(root + 1)
        _check_transfer(reader)
        shapes = [reader.Shape(i + 1) for i in range(reader.NbShapes())]
        solids, shells = _occurrences(shapes)
    if not (solids or shells):
        raise FormatError(_nothing(bytes(data), len(shapes)))
    # Without a unit in the file its numbers came through as they are, in whatever they are.
    return Brep(solids, shells, "mm" if names else None, ", ".join(names), _surface_notes(solids, shells))


def wrap(source: object) -> Brep | None:
    """The solids and free surfaces of a CAD object, None when `source` is none.

    source : TopoDS_Shape; CadQuery Workplane, Shape or Assembly; build123d Shape or BuildPart

    Raises FormatError for a CAD object that holds no solid and no surface.
    """
    if "OCP" not in sys.modules:  # then no such object can exist
        return None
    with _door("measuring CAD objects"):
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


def integrate(brep: Brep) -> Integrals:
    """Mass properties of the solids of `brep`; area and box of its shells when it has no solids.

    Each definition is integrated once, near its own centre, and moved to its occurrences. Solids are
    summed, overlapping or not, as the parts of an assembly weigh.
    """
    shapes = brep.solids or brep.shells
    with _door("measuring solids"):
        parts, splines = _parts(shapes, solid=bool(brep.solids))
        low, high = _boxes(shapes)
        repeated = _repeated(brep.solids)
    lo, hi = low.min(axis=0), high.max(axis=0)
    volumes = np.array([part.body.mass if part.body else 0.0 for part in parts])
    once = ~repeated if brep.solids else np.zeros(len(parts), bool)
    pairs, _, shared = shared_volume(volumes[once], low[once] + _BOX, high[once] - _BOX)
    body, centre_error, second_error = _total(parts)
    return Integrals(
        body,
        sum(part.area for part in parts),
        lo,
        hi,
        sum(part.errors.volume for part in parts),
        sum(part.errors.area for part in parts),
        centre_error,
        second_error,
        _BOX + _ULPS * (float(np.abs([lo, hi]).max()) + max(part.travel for part in parts)),
        splines,
        len(brep.solids),
        int(repeated.sum()),
        float(volumes[repeated].sum()) if brep.solids else 0.0,
        pairs,
        shared,
        sum(part.inverted for part in parts),
        sum(part.unclosed for part in parts),
    )


def _parts(shapes: Iterable[Any], *, solid: bool) -> tuple[list[_Part], int]:
    """Integrals of each placed shape, and how many faces of their definitions are splines."""
    definitions: dict[Any, _Part] = {}
    parts = []
    for shape in shapes:
        key = (shape.TShape(), shape.Orientation())
        if key not in definitions:
            definitions[key] = _integrate_one(_own(shape), solid)
        placed = definitions[key].placed(*_placement(shape))
        parts.append(replace(placed, travel=_travel(shape.Location())))
    return parts, sum(part.spline_faces for part in definitions.values())


def version() -> str:
    """Version of OCP, which begins with that of Open CASCADE."""
    import OCP

    return str(OCP.__version__)


def definitions(shapes: Iterable[Any]) -> int:
    """How many different things `shapes` places."""
    return len({shape.TShape() for shape in shapes})


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """Integrals of one solid or surface."""

    body: Body | None
    area: float
    errors: Errors
    spline_faces: int
    inverted: bool = False
    unclosed: bool = False
    travel: float = 0.0  # how far the locations that place it go, one after the other

    def placed(self, matrix: Array, offset: Array, scale: float) -> _Part:
        """This part after r -> matrix·r + offset, where matrix = scale × (rotation or mirror)."""
        k = abs(scale)
        body = self.body and self.body.moved(matrix, offset).scaled(k**3)
        return replace(self, body=body, area=self.area * k**2, errors=self.errors.scaled(k))


def _total(parts: list[_Part]) -> tuple[Body | None, float, float]:
    """Sum of the bodies with the errors of its centre and of its second moment."""
    parts = [part for part in parts if part.body]
    bodies = [part.body for part in parts if part.body]
    if not bodies:
        return None, 0.0, 0.0
    total = functools.reduce(operator.add, bodies)
    centre = second = 0.0
    for part, body in zip(parts, bodies, strict=True):
        apart = float(np.linalg.norm(body.centre - total.centre))
        own = part.errors.centre + _ULPS * (float(np.linalg.norm(body.centre)) + part.travel)
        centre += body.mass * own + part.errors.volume * apart
        second += part.errors.second + part.errors.volume * apart**2 + 2 * body.mass * apart * own
    return total, centre / total.mass, second


def _integrate_one(shape: Any, solid: bool) -> _Part:
    """`shape` in its own frame; the error is the difference between two accuracies."""
    from OCP.BRep import BRep_Tool
    from OCP.TopAbs import TopAbs_ShapeEnum

    lo, hi = _box(shape, tight=False)
    centre, reach = (lo + hi) / 2, float(np.linalg.norm(hi - lo)) / 2
    rough, _ = _area(shape, COARSE)
    area, claim = _area(shape, FINE)
    area_error = max(abs(area - rough), claim * area) + _ROUNDING * area
    splines = sum(map(_is_spline, _explore(shape, TopAbs_ShapeEnum.TopAbs_FACE)))
    if not solid:
        return _Part(None, area, Errors(area_error), splines)
    coarse, _ = _volume(shape, centre, COARSE)
    fine, claim = _volume(shape, centre, FINE)
    size, moved = abs(fine.mass), float(np.linalg.norm(fine.centre - coarse.centre))
    error = max(abs(fine.mass - coarse.mass), claim * size) + _ROUNDING * area * reach
    if not size > error:  # catches nan, too
        return _Part(None, area, Errors(area_error), splines, unclosed=True)
    second_error = max(float(np.linalg.norm(fine.second - coarse.second)), error * reach**2)
    closed = map(_static(BRep_Tool, "IsClosed"), _explore(shape, TopAbs_ShapeEnum.TopAbs_SHELL))
    return _Part(
        Body(size, fine.centre, fine.second * np.sign(fine.mass)),
        area,
        Errors(area_error, error, max(moved, error / size * reach), second_error),
        splines,
        inverted=fine.mass < 0,
        unclosed=not all(closed),
    )


def _volume(shape: Any, centre: Array, accuracy: float) -> tuple[Body, float]:
    """Body of unit density, and the relative error that OCCT claims for its volume.

    Never the overload without an accuracy: it is 2 % off on some B-spline faces.
    """
    from OCP.BRepGProp import BRepGProp
    from OCP.gp import gp_Pnt
    from OCP.GProp import GProp_GProps

    properties = GProp_GProps(gp_Pnt(*map(float, centre)))  # apex: rounding grows with distance²
    claim = _static(BRepGProp, "VolumeProperties")(shape, properties, accuracy)
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
    claim = _static(BRepGProp, "SurfaceProperties")(shape, properties, accuracy)
    return properties.Mass(), claim


def _boxes(shapes: Iterable[Any]) -> tuple[Array, Array]:
    """Corners of the tight box of each shape; a pure translation shifts a box already known."""
    boxes: dict[Any, tuple[Array, Array]] = {}
    lows, highs = [], []
    for shape in shapes:
        matrix, offset, _ = _placement(shape)
        key = (shape.TShape(), matrix.tobytes())
        if key not in boxes:
            boxes[key] = _box(_own(shape).Located(_turn(shape), False), tight=True)
        lows.append(boxes[key][0] + offset)
        highs.append(boxes[key][1] + offset)
    return np.array(lows), np.array(highs)


def _repeated(solids: Iterable[Any]) -> npt.NDArray[np.bool_]:
    """Which solids are the same definition in the same place as an earlier one."""
    seen = set()
    again = []
    for solid in solids:
        matrix, offset, _ = _placement(solid)
        key = (solid.TShape(), matrix.tobytes(), offset.tobytes())
        again.append(key in seen)
        seen.add(key)
    return np.array(again, bool)


def _box(shape: Any, *, tight: bool) -> tuple[Array, Array]:
    """Corners of the bounding box, of the geometry itself when `tight`."""
    from OCP.Bnd import Bnd_Box
    from OCP.BRepBndLib import BRepBndLib

    box = Bnd_Box()
    if tight:  # neither triangles nor the tolerances of edges widen it
        _static(BRepBndLib, "AddOptimal")(shape, box, False, False)
    else:
        _static(BRepBndLib, "Add")(shape, box, False)
    if box.IsVoid():
        msg = "a shape has no extent: it holds no geometry; repair it where it was made"
        raise FormatError(msg)
    box.SetGap(0.0)
    lo, hi = (np.array([p.X(), p.Y(), p.Z()]) for p in (box.CornerMin(), box.CornerMax()))
    return lo, hi


def _is_spline(face: Any) -> bool:
    """Whether the surface under trims and offsets, or an edge, is none that integrates exactly."""
    from OCP.BRep import BRep_Tool
    from OCP.BRepAdaptor import BRepAdaptor_Curve, BRepAdaptor_Surface
    from OCP.GeomAbs import GeomAbs_CurveType as Curve
    from OCP.GeomAbs import GeomAbs_SurfaceType as Kind
    from OCP.TopAbs import TopAbs_ShapeEnum
    from OCP.TopoDS import TopoDS

    surface = BRepAdaptor_Surface(_static(TopoDS, "Face")(face), False)
    while surface.GetType() == Kind.GeomAbs_OffsetSurface:
        surface = surface.BasisSurface()
    exact = (Kind.GeomAbs_Plane, Kind.GeomAbs_Cylinder, Kind.GeomAbs_Cone, Kind.GeomAbs_Sphere)
    if surface.GetType() not in (*exact, Kind.GeomAbs_Torus):
        return True
    smooth = (Curve.GeomAbs_Line, Curve.GeomAbs_Circle, Curve.GeomAbs_Ellipse)
    edges = map(_static(TopoDS, "Edge"), _explore(face, TopAbs_ShapeEnum.TopAbs_EDGE))
    whole = (edge for edge in edges if not _static(BRep_Tool, "Degenerated")(edge))
    return any(BRepAdaptor_Curve(edge).GetType() not in smooth for edge in whole)


def _own(shape: Any) -> Any:
    """`shape` in the frame of its definition."""
    from OCP.TopLoc import TopLoc_Location

    return shape.Located(TopLoc_Location())


def _placement(shape: Any) -> tuple[Array, Array, float]:
    """Matrix, offset and scale factor of where `shape` is placed: r -> matrix·r + offset."""
    trsf = shape.Location().Transformation()
    rows = np.array([[trsf.Value(i, j) for j in (1, 2, 3, 4)] for i in (1, 2, 3)])
    return rows[:, :3], rows[:, 3], trsf.ScaleFactor()


def _travel(location: Any) -> float:
    """Sum of the offsets of a chain of locations; a chain that comes back has still rounded."""
    total = 0.0
    while not location.IsIdentity():
        offset = location.FirstDatum().Transformation().TranslationPart()
        total += offset.Modulus() * abs(location.FirstPower())
        location = location.NextLocation()
    return total


def _turn(shape: Any) -> Any:
    """The location of `shape` without its offset."""
    from OCP.gp import gp_Vec
    from OCP.TopLoc import TopLoc_Location

    trsf = shape.Location().Transformation()
    trsf.SetTranslationPart(gp_Vec(0.0, 0.0, 0.0))
    return TopLoc_Location(trsf)


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
            counts[definition] = int(any(_explore(shape, Kind.TopAbs_FACE)))
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


def _explore(shape: Any, kind: Any) -> Iterator[Any]:
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


def _units(reader: Any) -> list[str]:
    """Length units of a file that was read, as it spells them."""
    try:
        from OCP.TColStd import TColStd_SequenceOfAsciiString as Names
    except ImportError:  # pragma: no cover  # renamed in OCCT 8
        from OCP.collections import Sequence_TCollection_AsciiString as Names

    lengths, angles, solid_angles = Names(), Names(), Names()
    reader.FileUnits(lengths, angles, solid_angles)
    return list(dict.fromkeys(text for name in lengths if (text := name.ToCString().strip())))


def _check_transfer(reader: Any) -> None:
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


def _nothing(data: bytes, shapes: int) -> str:
    """Why a STEP file that parses holds nothing to measure."""
    words = ("NEXT_ASSEMBLY_USAGE_OCCURRENCE", "PRODUCT", "ADVANCED_FACE")
    uses, products, faces = (data.count(word.encode() + b"(") for word in words)
    if faces:
        why = (
            f"{faces} faces are written, {shapes} shapes could be made, none of them with a face; "
            "check its references and export it again"
        )
    elif uses:
        why = (
            f"{products} products and {uses} assembly uses, but not one face; the parts are in "
            "other files: measure those"
        )
    else:
        why = "not one face is written, only curves (wireframe), points or other data; export solids"
    return f"STEP file with no solid and no surface: {why}"


def _static(owner: Any, name: str) -> Any:
    """A static method, whose name ends in `_s` in some versions of OCP and not in others."""
    return getattr(owner, name + "_s", None) or getattr(owner, name)


@contextmanager
def _door(what: str) -> Iterator[None]:
    """OCCT without its prints, and with its exceptions as ours."""
    try:
        from OCP.Message import Message
    except ImportError as error:
        raise MissingExtra(what, "step", "cadquery-ocp-novtk") from error
    messenger = _static(Message, "DefaultMessenger")()
    printers = list(messenger.Printers())
    messenger.ChangePrinters().Clear()  # they write to stdout
    try:
        yield
    except Exception as error:
        # OCP's exceptions share no base class: Standard_DomainError is no Standard_Failure
        if not (type(error).__module__.startswith("OCP") or isinstance(error, RuntimeError)):
            raise
        msg = f"{what} failed in Open CASCADE: {type(error).__name__} {error}; repair the geometry"
        raise FormatError(msg) from error
    finally:
        for printer in printers:
            messenger.AddPrinter(printer)
