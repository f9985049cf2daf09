"""Shapes that Open CASCADE makes, and STEP files that it writes; import it where OCP is known to be there."""

import io
import math

import numpy as np
from OCP.BRep import BRep_Builder
from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut
from OCP.BRepBuilderAPI import BRepBuilderAPI_Sewing
from OCP.BRepFilletAPI import BRepFilletAPI_MakeFillet
from OCP.BRepPrimAPI import (
    BRepPrimAPI_MakeBox,
    BRepPrimAPI_MakeCone,
    BRepPrimAPI_MakeCylinder,
    BRepPrimAPI_MakeSphere,
    BRepPrimAPI_MakeTorus,
)
from OCP.gp import gp_Ax1, gp_Ax2, gp_Dir, gp_Pnt, gp_Trsf, gp_Vec
from OCP.Interface import Interface_Static
from OCP.STEPControl import STEPControl_StepModelType, STEPControl_Writer
from OCP.TopAbs import TopAbs_ShapeEnum
from OCP.TopExp import TopExp_Explorer
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS, TopoDS_Compound

PI = math.pi


def static(owner, name):
    """A static method, whose name ends in `_s` in some versions of OCP."""
    return getattr(owner, f"{name}_s", None) or getattr(owner, name)


def written(shape, unit="MM"):
    """`shape`, in millimetres, as a STEP file in `unit`."""
    writer = STEPControl_Writer()  # its constructor defines the parameter
    static(Interface_Static, "SetCVal")("write.step.unit", unit)
    try:
        writer.Transfer(shape, STEPControl_StepModelType.STEPControl_AsIs)
        stream = io.BytesIO()
        writer.WriteStream(stream)
    finally:
        static(Interface_Static, "SetCVal")("write.step.unit", "MM")
    return stream.getvalue()


def box(x=10.0, y=20.0, z=30.0):
    return BRepPrimAPI_MakeBox(x, y, z).Shape()


def faces(shape):
    found = TopExp_Explorer(shape, TopAbs_ShapeEnum.TopAbs_FACE)
    while found.More():
        yield found.Current()
        found.Next()


def compound(*shapes, kind=TopoDS_Compound):
    builder, whole = BRep_Builder(), kind()
    (builder.MakeCompound if kind is TopoDS_Compound else builder.MakeCompSolid)(whole)
    for shape in shapes:
        builder.Add(whole, shape)
    return whole


def moved(shape, angle=0.0, offset=(0.0, 0.0, 0.0), scale=1.0, mirror=False):
    """`shape` turned about (1, 2, 3), scaled, perhaps mirrored, then shifted; and the matrix."""
    trsf = gp_Trsf()
    trsf.SetRotation(gp_Ax1(gp_Pnt(0, 0, 0), gp_Dir(1, 2, 3)), angle)
    if scale != 1.0:
        trsf.SetScaleFactor(scale)
    if mirror:
        flip = gp_Trsf()
        flip.SetMirror(gp_Ax2(gp_Pnt(0, 0, 0), gp_Dir(1, 0, 0)))
        trsf.Multiply(flip)
    trsf.SetTranslationPart(gp_Vec(*offset))
    matrix = np.array([[trsf.Value(i, j) for j in (1, 2, 3)] for i in (1, 2, 3)])
    return shape.Moved(TopLoc_Location(trsf), False), matrix


def open_shell():
    sewing = BRepBuilderAPI_Sewing()
    for face in list(faces(box()))[:5]:
        sewing.Add(face)
    sewing.Perform()
    return sewing.SewedShape()


def drilled():
    """A box with one rounded edge and a hole: volume and area in closed form."""
    block = box()
    fillet = BRepFilletAPI_MakeFillet(block)
    edge = TopExp_Explorer(block, TopAbs_ShapeEnum.TopAbs_EDGE).Current()  # along z
    fillet.Add(2.0, static(TopoDS, "Edge")(edge))
    hole = BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(5, 10, -1), gp_Dir(0, 0, 1)), 3.0, 40.0)
    return BRepAlgoAPI_Cut(fillet.Shape(), hole.Shape()).Shape()


CORNER = 4 - PI  # cross-section that a fillet of radius 2 takes off
SOLIDS = {
    "box": (box(), 6000.0, 2200.0),
    "cylinder": (BRepPrimAPI_MakeCylinder(5.0, 9.0).Shape(), 225 * PI, 140 * PI),
    "cone": (
        BRepPrimAPI_MakeCone(7.0, 3.0, 6.0).Shape(),
        2 * PI * (49 + 21 + 9),
        PI * (58 + 10 * math.hypot(4, 6)),
    ),
    "sphere": (BRepPrimAPI_MakeSphere(10.0).Shape(), 4000 * PI / 3, 400 * PI),
    "torus": (BRepPrimAPI_MakeTorus(10.0, 3.0).Shape(), 180 * PI**2, 120 * PI**2),
    "drilled": (
        drilled(),
        30 * (200 - CORNER - 9 * PI),
        2 * (200 - CORNER - 9 * PI) + 30 * (60 - 4 + PI + 6 * PI),
    ),
}
