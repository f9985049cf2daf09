"""STEP as Open CASCADE writes it, exact shapes as they are: the third room behind the door that `occt` is."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from massproof import occt, units
from massproof.brep import Brep
from massproof.errors import FormatError
from massproof.mass import Array
from massproof.version import __version__

# What it calls the protocols, and the units of length that it can write, by our symbols.
_PROTOCOLS = {"AP203": "AP203", "AP214": "AP214IS", "AP242": "AP242DIS"}
UNITS = {"m": "M", "cm": "CM", "mm": "MM", "um": "UM", "km": "KM", "in": "INCH", "ft": "FT", "mil": "MIL"}
_KEPT = (
    "Color",
    "Layer",
    "Name",
    "Props",
    "SHUO",
)  # besides shapes; materials would get a wrong unit of density

# Its own way to write numbers keeps twelve digits, which move what they place by a part in 10¹²; one that drops zeros
# drops exponents, too. So it writes seventeen, and those that say nothing are taken away afterwards.
_FORMAT = "%.16E"
_NUMBER = re.compile(rb"(?<=[(,\s])-?\d\.\d{16}E[+-]\d+(?=[,)\s])")


def rewritten(
    data: bytes, unit: str, protocol: str, turn: list[list[float]], name: str, created: str
) -> tuple[dict[str, Any], bytes]:
    """A STEP file written again: shapes, assemblies, names, colours, layers, and validation properties.

    unit : one of UNITS;  protocol : one of `formats.step.PROTOCOLS`
    turn : (4, 4) rotation of the whole;  name, created : what the header tells; without a time, now

    Raises FormatError when it cannot be read or written. Meant to be called through `isolation.call_for_bytes`.
    """
    with occt.door("writing STEP"), _without_names_of_its_own():
        document = _document()
        _read(document, data)
        _turn(document, turn)
        return {"version": occt.version()}, _written(document, unit, protocol, name, created)


def selected(
    data: bytes, unit: str, protocol: str, tree: list[Any], name: str, created: str
) -> tuple[dict[str, Any], bytes]:
    """Parts of a STEP file, with their own names and colours, in a tree that is told.

    tree : a list for each node: its name; (4, 4) where it stands in what it is in, in millimetres; the positions in the
        file of its solid and of its shells, empty of a group; and the nodes in it

    The rest as in `rewritten`. Raises FormatError also for a part that Open CASCADE makes nothing of.
    """
    with occt.door("writing STEP"), _without_names_of_its_own():
        document = _document()
        found, _ = occt.drawn_by(_read(document, data))
        called, _, _, _, inner = tree[0]
        if len(tree) == 1 and inner:  # the whole has a name of its own
            whole = _assembly(document, called, inner, found)
        else:
            whole = _assembly(document, name, tree, found)
        _tool(document).UpdateAssemblies()
        return {"version": occt.version()}, _written(document, unit, protocol, name, created, whole)


def _read(document: Any, data: bytes) -> Any:
    """Read a STEP file into a document; the reader that knows the shapes."""
    from OCP.STEPCAFControl import STEPCAFControl_Reader

    reader = STEPCAFControl_Reader()
    for what in _KEPT:
        getattr(reader, f"Set{what}Mode")(True)
    occt.require_read(reader.ReadStream("input.step", io.BytesIO(data)), len(data))
    reader.Transfer(document)
    occt.check_transfer(reader.Reader())
    return reader.ChangeReader()


def _assembly(document: Any, name: str, tree: list[Any], found: dict[int, Any]) -> Any:
    """The label of a new assembly of what `tree` tells."""
    tool = _tool(document)
    whole = tool.NewShape()
    _name(whole, name)
    for called, matrix, solids, shells, inner in tree:
        shapes = [found[at] for at in solids or shells if at in found]
        if not (shapes or inner):
            msg = f"Open CASCADE makes no shape of {called}: repair it where it was made"
            raise FormatError(msg)
        parts = [_assembly(document, called, inner, found)] if inner else []
        for part in [*parts, *(_part(tool, called, shape) for shape in shapes)]:
            _name(tool.AddComponent(whole, part, _location(matrix)), called)
    return whole


def _part(tool: Any, name: str, shape: Any) -> Any:
    """The label of a shape as the file has it; a new one for what is only some of a part."""
    from OCP.TDF import TDF_Label

    label = TDF_Label()
    if not tool.FindShape(shape, label):
        label = tool.AddShape(shape, False)
        _name(label, name)
    return label


def of_objects(
    brep: Brep, unit: str, protocol: str, turn: Sequence[Sequence[float]], name: str, created: str
) -> bytes:
    """The solids of a CAD object, or where it has none its surfaces, as `rewritten` writes them.

    Placements that scale or mirror, of which STEP has none for parts, are applied to the shapes.
    """
    from OCP.BRep import BRep_Builder
    from OCP.TopoDS import TopoDS_Compound

    with occt.door("writing STEP"):
        builder, whole = BRep_Builder(), TopoDS_Compound()
        builder.MakeCompound(whole)
        shapes = [*map(_plainly_placed, brep.solids or brep.shells)]
        for shape in shapes:
            builder.Add(whole, shape)
        document = _document()
        tool = _tool(document)
        single = len(shapes) == 1 and shapes[0].Location().IsIdentity()
        _name(tool.AddShape(shapes[0] if single else whole, not single), name)
        _turn(document, turn)
        return _written(document, unit, protocol, name, created)


def _document() -> Any:
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.TDocStd import TDocStd_Document
    from OCP.XCAFDoc import XCAFDoc_DocumentTool

    document = TDocStd_Document(TCollection_ExtendedString("massproof"))
    occt.static(XCAFDoc_DocumentTool, "SetLengthUnit")(document, 0.001)  # what it reads is in millimetres
    return document


def _tool(document: Any) -> Any:
    from OCP.XCAFDoc import XCAFDoc_DocumentTool

    return occt.static(XCAFDoc_DocumentTool, "ShapeTool")(document.Main())


def _name(label: Any, name: str) -> None:
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.TDataStd import TDataStd_Name

    occt.static(TDataStd_Name, "Set")(label, TCollection_ExtendedString(name, True))


def _name_of(label: Any) -> str:
    from OCP.TDataStd import TDataStd_Name

    found = TDataStd_Name()
    known = label.FindAttribute(occt.static(TDataStd_Name, "GetID")(), found)
    return str(found.Get().ToExtString()) if known else ""


@contextmanager
def _without_names_of_its_own() -> Iterator[None]:
    """Parts that have no name get none, as "=>[0:1:1:1]"."""
    from OCP.XCAFDoc import XCAFDoc_ShapeTool

    before = occt.static(XCAFDoc_ShapeTool, "AutoNaming")()
    occt.static(XCAFDoc_ShapeTool, "SetAutoNaming")(False)
    try:
        yield
    finally:
        occt.static(XCAFDoc_ShapeTool, "SetAutoNaming")(before)


def _location(matrix: Sequence[Sequence[float]] | Array) -> Any:
    from OCP.gp import gp_Trsf
    from OCP.TopLoc import TopLoc_Location

    trsf = gp_Trsf()
    trsf.SetValues(*(float(x) for row in list(matrix)[:3] for x in row))
    return TopLoc_Location(trsf)


def _turn(document: Any, matrix: Sequence[Sequence[float]]) -> None:
    """Turn everything: each part that is part of no other becomes an occurrence of itself."""
    from OCP.TDF import TDF_Label, TDF_LabelSequence

    if np.array_equal(matrix, np.eye(4)):
        return
    tool, roots = _tool(document), TDF_LabelSequence()
    tool.GetFreeShapes(roots)
    for label in [roots.Value(k + 1) for k in range(roots.Length())]:
        turned = TDF_Label()
        tool.SetLocation(label, _location(matrix), turned)
        _name(turned, _name_of(label))
    tool.UpdateAssemblies()


def _scale_centres(document: Any, factor: float) -> None:
    """Bring stated centres to the unit in which they will be written, which Open CASCADE forgets to do."""
    from OCP.gp import gp_Pnt
    from OCP.TDF import TDF_ChildIterator
    from OCP.XCAFDoc import XCAFDoc_Centroid

    labels = TDF_ChildIterator(document.Main(), True)
    while labels.More():
        centre = gp_Pnt()
        if occt.static(XCAFDoc_Centroid, "Get")(labels.Value(), centre):
            moved = gp_Pnt(*(one * factor for one in (centre.X(), centre.Y(), centre.Z())))
            occt.static(XCAFDoc_Centroid, "Set")(labels.Value(), moved)
        labels.Next()


def _plainly_placed(shape: Any) -> Any:
    """A shape whose placement neither scales nor mirrors."""
    from OCP.BRepBuilderAPI import BRepBuilderAPI_Transform
    from OCP.TopLoc import TopLoc_Location

    move = shape.Location().Transformation()
    if move.ScaleFactor() == 1.0 and not move.IsNegative():
        return shape
    return BRepBuilderAPI_Transform(shape.Located(TopLoc_Location()), move, True).Shape()


def _written(document: Any, unit: str, protocol: str, name: str, created: str, only: Any = None) -> bytes:
    from OCP.STEPCAFControl import STEPCAFControl_Writer
    from OCP.StepData import StepData_StepWriter

    _scale_centres(document, units.unit("mm").to(units.unit(unit), 1.0))
    with _set({"write.step.unit": UNITS[unit], "write.step.schema": _PROTOCOLS[protocol]}):
        writer = STEPCAFControl_Writer()
        for what in _KEPT:
            getattr(writer, f"Set{what}Mode")(True)
        if not writer.Transfer(document if only is None else only):
            msg = "Open CASCADE cannot write these shapes as STEP; repair them where they were made"
            raise FormatError(msg)
        model = writer.ChangeWriter().Model()
        _head(model, name, created)
        text = StepData_StepWriter(model)
        text.FloatWriter().SetFormat(_FORMAT)
        text.SendModel(model.Protocol())
        out = io.BytesIO()
        text.Print(out)
    return _NUMBER.sub(lambda found: _short(found[0]), out.getvalue())


@contextmanager
def _set(values: dict[str, str]) -> Iterator[None]:
    """Settings of Open CASCADE, which all of a process shares, for a while."""
    from OCP.Interface import Interface_Static
    from OCP.STEPControl import STEPControl_Controller

    occt.static(STEPControl_Controller, "Init")()  # defines them
    set_, get = occt.static(Interface_Static, "SetCVal"), occt.static(Interface_Static, "CVal")
    before = {key: get(key) for key in values}
    try:
        for key, value in values.items():
            set_(key, value)
        yield
    finally:
        for key, value in before.items():
            set_(key, value)


def _head(model: Any, name: str, created: str) -> None:
    from OCP.APIHeaderSection import APIHeaderSection_MakeHeader
    from OCP.TCollection import TCollection_HAsciiString

    head = APIHeaderSection_MakeHeader(model)
    head.SetName(TCollection_HAsciiString(name.encode("ascii", "replace").decode()))
    head.SetOriginatingSystem(TCollection_HAsciiString(f"massproof {__version__}"))
    if created:
        head.SetTimeStamp(TCollection_HAsciiString(created))


def _short(number: bytes) -> bytes:
    """The same number in as few digits as tell it."""
    digits, _, power = repr(float(number)).partition("e")
    point = digits.removesuffix(".0") + "." if "." not in digits or digits.endswith(".0") else digits
    return f"{point}E{power}".encode() if power else point.encode()
