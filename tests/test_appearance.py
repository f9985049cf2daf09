"""Colours, transparency, visibility and layers of STEP files."""

import sys

import numpy as np
import part21_naive as naive
import pytest
from step_makers import Solids
from test_corpus import HOME

from massproof import appearance, stepfile
from massproof.appearance import Look
from massproof.errors import FormatError
from massproof.kernels import jit

RED, BLUE, GREEN, GREY = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.5, 0.5, 0.25)


class Styles(Solids):
    """Lines of styles, and of what they are of."""

    def rgb(self, colour):
        return self(f"COLOUR_RGB('',{','.join(map(repr, colour))})")

    def usage(self, *elements, side="BOTH"):
        inner = self(f"SURFACE_SIDE_STYLE('',({','.join(elements)}))")
        return self(f"SURFACE_STYLE_USAGE(.{side}.,{inner})")

    def fill(self, colour):
        colour = colour if isinstance(colour, str) else self.rgb(colour)
        inner = self(f"FILL_AREA_STYLE_COLOUR('',{colour})")
        area = self(f"FILL_AREA_STYLE('',({inner}))")
        return self(f"SURFACE_STYLE_FILL_AREA({area})")

    def rendered(self, colour, transparency):
        inner = self(f"SURFACE_STYLE_TRANSPARENT({transparency})")
        return self(f"SURFACE_STYLE_RENDERING_WITH_PROPERTIES(.NORMAL_SHADING.,{self.rgb(colour)},({inner}))")

    def assigned(self, *usages):
        return self(f"PRESENTATION_STYLE_ASSIGNMENT(({','.join(usages)}))")

    def style(self, item, colour, where=None, over=None):
        """A styled item; where : the context in which alone it holds;  over : the styled item that it overrides."""
        usage = self.usage(self.fill(colour))
        style = self(f"PRESENTATION_STYLE_BY_CONTEXT(({usage}),{where})") if where else self.assigned(usage)
        kind, more = ("OVER_RIDING_STYLED_ITEM", f",{over}") if over else ("STYLED_ITEM", "")
        return self(f"{kind}('',({style}),{item}{more})")

    def layer(self, name, *items):
        return self(f"PRESENTATION_LAYER_ASSIGNMENT('{name}','',({','.join(items)}))")

    def members(self, solid):
        """The shell of a solid, and its faces."""
        shell = self[int(solid[1:]) - 1].rpartition(",")[2].rstrip(")")
        return shell, self[int(shell[1:]) - 1].rpartition("(")[2].rstrip(")").split(",")

    def read(self):
        return stepfile.read(self.file()).appearance


def number(reference):
    return int(reference[1:])


def test_what_is_not_styled_looks_like_nothing():
    f = Styles()
    found = f.shown(f.box()).read()
    assert found == appearance.Appearance(((Look(),),), {})
    assert found.of(0, 0, 17) == Look(None, 1.0, False, ())


def test_colours_are_of_solids_of_shells_and_of_faces():
    f = Styles()
    box = f.box()
    shell, faces = f.members(box)
    f.shown(box)
    over = f.style(box, RED)
    f.style(shell, BLUE)
    f.style(faces[2], GREEN, over=over)
    found = f.read()

    assert found.of(0).colour == RED
    assert found.of(0, 0, number(faces[2])).colour == GREEN
    assert all(found.of(0, 0, number(one)).colour == BLUE for one in faces if one != faces[2])


def test_what_overrides_wins_wherever_it_stands():
    f = Styles()
    box = f.box()
    f.style(box, RED, over="$")
    f.style(box, BLUE)
    assert f.shown(box).read().of(0).colour == RED


def test_a_representation_gives_its_items_what_these_do_not_say():
    f = Styles()
    one, other = f.box(), f.box(x=5.0)
    shape = f.shape(f.millimetres(), one, other)
    f.product("part", shape)
    f.style(shape, RED)
    f.style(other, BLUE)
    f.layer("all", shape)
    found = f.read()
    assert [found.of(n).colour for n in (0, 1)] == [RED, BLUE]
    assert [found.of(n).layers for n in (0, 1)] == [("all",)] * 2


@pytest.mark.parametrize(("name", "colour"), [("red", RED), ("Blue", BLUE), ("puce", None)])
def test_some_colours_have_names(name, colour):
    f = Styles()
    box = f.box()
    f.style(box, f(f"DRAUGHTING_PRE_DEFINED_COLOUR('{name}')"))
    assert f.shown(box).read().of(0).colour == colour


def test_transparency_is_of_the_style_that_renders():
    f = Styles()
    one, other = f.box(), f.box(x=5.0)
    f(f"STYLED_ITEM('',({f.assigned(f.usage(f.fill(RED), f.rendered(GREY, 0.75)))}),{one})")
    f(f"STYLED_ITEM('',({f.assigned(f.usage(f.rendered(GREY, 0.0)))}),{other})")
    found = f.shown(one, other).read()
    assert (found.of(0).colour, found.of(0).opacity) == (RED, 0.25)
    assert (found.of(1).colour, found.of(1).opacity) == (GREY, 1.0)


@pytest.mark.parametrize("value", ["2.", "$", "-1."])
def test_a_transparency_that_is_none_changes_nothing(value):
    f = Styles()
    box = f.box()
    f(f"STYLED_ITEM('',({f.assigned(f.usage(f.fill(RED), f.rendered(GREY, value)))}),{box})")
    assert f.shown(box).read().of(0) == Look(RED)


def test_the_inside_of_a_surface_does_not_count():
    f = Styles()
    box = f.box()
    sides = f.usage(f.fill(RED), side="NEGATIVE"), f.usage(f.fill(BLUE), side="POSITIVE")
    f(f"STYLED_ITEM('',({f.assigned(*sides)}),{box})")
    assert f.shown(box).read().of(0).colour == BLUE


def test_curves_have_colours_of_their_own():
    f = Styles()
    box = f.box()
    curve = f(f"CURVE_STYLE('',$,POSITIVE_LENGTH_MEASURE(0.1),{f.rgb(RED)})")
    border = f.usage(f(f"SURFACE_STYLE_BOUNDARY({curve})"))
    f(f"STYLED_ITEM('',({f.assigned(curve, border)}),{box})")
    assert f.shown(box).read().of(0).colour is None


@pytest.mark.parametrize("numbers", ["1.,0.", "255.,0.,0.", "1.,$,0.", "-0.1,0.,0."])
def test_a_colour_that_is_none_is_none(numbers):
    f = Styles()
    box = f.box()
    f.style(box, f(f"COLOUR_RGB('',{numbers})"))
    assert f.shown(box).read().of(0).colour is None


def test_styles_that_go_round_in_circles_end():
    f = Styles()
    box = f.box()
    f(f"STYLED_ITEM('',(#{len(f) + 2}),{box})")
    f(f"PRESENTATION_STYLE_ASSIGNMENT((#{len(f) + 1}))")
    f("STYLED_ITEM('')")
    f("STYLED_ITEM('',$,$)")
    assert f.shown(box).read().of(0) == Look()


def test_layers_are_of_solids_faces_and_what_is_styled():
    f = Styles()
    one, other = f.box(), f.box(x=5.0)
    _, faces = f.members(one)
    f.layer("steel", one)
    f.layer("all", one, f.style(other, RED))
    f.layer("edges", faces[0])
    found = f.shown(one, other).read()

    assert found.of(0).layers == ("steel", "all")
    assert found.of(1) == Look(RED, 1.0, False, ("all",))
    assert found.of(0, 0, number(faces[0])).layers == ("edges",)
    assert found.of(0, 0, number(faces[1])).layers == ("steel", "all")


def test_styled_items_and_layers_can_be_hidden():
    f = Styles()
    boxes = [f.box(x=5.0 * n) for n in range(3)]
    _, faces = f.members(boxes[2])
    item, layer = f.style(boxes[0], RED), f.layer("off", boxes[1], faces[1])
    f.layer("on", boxes[2])
    f(f"INVISIBILITY(({item},{layer}))")
    found = f.shown(*boxes).read()

    assert [found.of(n).hidden for n in range(3)] == [True, True, False]
    assert found.of(2, 0, number(faces[1])).hidden
    assert found.of(0, 0, 1).hidden


# --- places


def assembly(f, box, count=3):
    """A product that uses another `count` times: the usages, and what relates each to its shape."""
    context, axis = f.millimetres(), f.frame()
    shape = f.shape(context, box)
    part = f.product("part", shape)
    group = f.shape(context, axis)
    whole = f.product("whole", group)
    uses = [f.use(whole, part) for _ in range(count)]
    placed = [
        f.place(use, shape, group, f.between(axis, f.frame((4.0 * n, 0, 0)))) for n, use in enumerate(uses)
    ]
    return whole, group, uses, placed


def contexts(f, use, placed):
    """All ways to name a usage as the context of a style."""
    shape = f.of(use)
    picture = f.shape("$", f.frame())
    f(f"SHAPE_DEFINITION_REPRESENTATION({shape},{picture})")
    return {"usage": use, "shape": shape, "relation": placed, "picture": picture}


@pytest.mark.parametrize("how", ["usage", "shape", "relation", "picture"])
def test_a_place_may_look_otherwise(how):
    f = Styles()
    box = f.box()
    _, _, uses, placed = assembly(f, box)
    f.style(box, BLUE, where=contexts(f, uses[1], placed[1])[how], over=f.style(box, RED))
    found = f.read()
    assert [look.colour for look in found.parts[0]] == [RED, BLUE, RED]


def test_a_face_may_look_otherwise_in_a_place():
    f = Styles()
    box = f.box()
    shell, faces = f.members(box)
    _, _, uses, _ = assembly(f, box)
    f.style(faces[0], GREEN)
    f.style(shell, BLUE, where=uses[1])
    f.style(faces[1], GREY, where=uses[1])
    found = f.read()
    seen = [[found.of(0, n, number(face)).colour for face in faces[:3]] for n in range(3)]
    assert seen == [[GREEN, None, None], [BLUE, GREY, BLUE], [GREEN, None, None]]


def test_a_context_of_several_steps_is_all_of_them():
    """Two assemblies of three parts each: the second part of the first alone."""
    f = Styles()
    box = f.box()
    whole, group, uses, placed = assembly(f, box)
    axis = f.frame()
    top_shape = f.shape(f.millimetres(), axis)
    top = f.product("top", top_shape)
    outer = [f.use(top, whole) for _ in range(2)]
    steps = [
        f.place(use, group, top_shape, f.between(axis, f.frame((100.0 * n, 0, 0))))
        for n, use in enumerate(outer)
    ]
    style = f.assigned(f.usage(f.fill(RED)))
    kind = "CONTEXT_DEPENDENT_OVER_RIDING_STYLED_ITEM"
    f(f"{kind}('',({style}),{box},{f.style(box, GREY)},({steps[0]},{placed[1]}))")
    f.style(box, BLUE, where=outer[1])
    f.style(box, GREEN, where=uses[2])
    (shown,) = stepfile.read(f.file()).parts
    looks = f.read().parts[0]

    found = {round(one[0, 3]): look.colour for one, look in zip(shown.part.placements, looks, strict=True)}
    assert found == {0: GREY, 4: RED, 8: GREEN, 100: BLUE, 104: BLUE, 108: BLUE}


def test_a_context_that_is_not_known_is_no_context():
    f = Styles()
    box = f.box()
    assembly(f, box)
    f.style(box, BLUE, where=f.frame())
    assert f.read().of(0, 1) == Look()


def test_mapped_items_may_be_styled():
    f = Styles()
    box = f.box()
    f.placed(box, *(f.operator(np.eye(3), (5.0 * n, 0, 0)) for n in range(3)))
    items = [f"#{n + 1}" for n, line in enumerate(f) if "=MAPPED_ITEM(" in line]
    f.style(box, GREY)
    f.style(items[1], RED)
    f.style(box, BLUE, where=items[2])
    assert [look.colour for look in f.read().parts[0]] == [GREY, RED, BLUE]


def test_faces_of_surfaces_and_turned_ones_have_colours():
    f = Styles()
    faces = [f.disc(), f.disc()]
    turned = f(f"ORIENTED_FACE('',*,{faces[0]},.F.)")
    shell = f.shell(turned, faces[1], kind="OPEN_SHELL")
    other = f(f"ORIENTED_OPEN_SHELL('',*,{shell},.F.)")
    f.product("sheet", f.shape(f.millimetres(), f(f"SHELL_BASED_SURFACE_MODEL('',({other}))")))
    f.style(other, RED)
    found = f.read()
    assert [found.of(0, 0, number(face)).colour for face in faces] == [RED, RED]


def test_a_file_without_representations_has_looks_too():
    f = Styles()
    box = f.box()
    f.style(box, RED)
    assert f.read().parts == ((Look(RED),),)


def test_reading_a_file_does_not_look_at_its_styles(monkeypatch):
    f = Styles()
    box = f.box()
    f.style(box, RED)
    monkeypatch.delitem(sys.modules, "massproof.appearance")
    stepfile.read(f.shown(box).file())
    assert "massproof.appearance" not in sys.modules


def test_a_shell_that_is_a_part_has_faces_that_look_otherwise_in_a_place():
    f = Styles()
    faces = [f.disc(), f.disc()]
    _, _, uses, _ = assembly(f, f.shell(*faces, kind="OPEN_SHELL"), count=2)
    f.style(faces[0], RED, where=uses[1])
    found = f.read()
    assert found.over == {(0, 1, number(faces[0])): Look(RED)}
    assert [found.of(0, n, number(faces[0])).colour for n in range(2)] == [None, RED]


@pytest.mark.skipif(jit.DISABLED, reason="many files take too long as Python")
@pytest.mark.parametrize("other", ["$", "1.", "'a'", "(#1)", "((#1,2.))", ".A.", "*", "", "#9", "#40", "#70"])
def test_any_argument_of_a_style_may_be_anything(other):
    """Each token of styles, one after the other, replaced: how it looks, or why it is not read, and nothing else."""
    f = Styles()
    shell = f.shell(f.disc(), kind="OPEN_SHELL")
    _, _, uses, placed = assembly(f, f(f"SHELL_BASED_SURFACE_MODEL('',({shell}))"), count=2)
    styled = len(f)
    f.style(shell, RED, where=contexts(f, uses[1], placed[1])["picture"])
    f(f"INVISIBILITY(({f.style(shell, BLUE)},{f.layer('a', shell)}))")
    f(f"STYLED_ITEM('',({f.assigned(f.usage(f.rendered(RED, 0.5)))}),{uses[0]})")
    text = f.file().decode()
    for match in naive.TOKEN.finditer(text, text.index(f"#{styled + 1}=")):
        if match.lastgroup not in ("gap", "mark", "name") and text[match.start() - 1] in "(,":
            try:
                stepfile.read((text[: match.start()] + other + text[match.end() :]).encode()).appearance.of(
                    0, 1, 1
                )
            except FormatError as error:
                assert str(error).endswith("again")


# --- peers


def document():
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.TDocStd import TDocStd_Document
    from OCP.XCAFApp import XCAFApp_Application
    from OCP.XCAFDoc import XCAFDoc_DocumentTool

    kind = TCollection_ExtendedString("XmlXCAF")
    found = TDocStd_Document(kind)
    XCAFApp_Application.GetApplication_s().NewDocument(kind, found)
    tool = XCAFDoc_DocumentTool
    return (
        found,
        tool.ShapeTool_s(found.Main()),
        tool.ColorTool_s(found.Main()),
        tool.LayerTool_s(found.Main()),
    )


def srgb(*colour):
    from OCP.Quantity import Quantity_Color, Quantity_TypeOfColor

    return Quantity_Color(*colour, Quantity_TypeOfColor.Quantity_TOC_sRGB)


def moved(x):
    from OCP.gp import gp_Trsf, gp_Vec
    from OCP.TopLoc import TopLoc_Location

    there = gp_Trsf()
    there.SetTranslation(gp_Vec(x, 0, 0))
    return TopLoc_Location(there)


def test_what_open_cascade_writes_looks_as_it_was_painted(tmp_path):
    """A box with a green face and a cylinder that shines through, each twice, one of each painted anew."""
    pytest.importorskip("OCP")
    from occt_makers import faces
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeCylinder
    from OCP.Quantity import Quantity_ColorRGBA
    from OCP.STEPCAFControl import STEPCAFControl_Writer
    from OCP.STEPControl import STEPControl_StepModelType
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.XCAFDoc import XCAFDoc_ColorType

    made, shapes, colours, layers = document()
    kind = XCAFDoc_ColorType.XCAFDoc_ColorSurf
    box, cylinder = BRepPrimAPI_MakeBox(1.0, 2.0, 3.0).Shape(), BRepPrimAPI_MakeCylinder(1.0, 4.0).Shape()
    one, other = shapes.AddShape(box, False), shapes.AddShape(cylinder, False)
    colours.SetColor(one, srgb(0.2, 0.4, 0.6), kind)
    colours.SetColor(other, Quantity_ColorRGBA(srgb(1, 0, 0), 0.25), kind)
    colours.SetColor(shapes.AddSubShape(one, next(iter(faces(box)))), srgb(0.1, 0.9, 0.3), kind)
    for label, name in ((one, "boxes"), (other, "round")):
        layers.SetLayer(label, TCollection_ExtendedString(name))
    whole = shapes.NewShape()
    parts = [
        shapes.AddComponent(whole, label, moved(10.0 * n)) for n, label in enumerate([one, one, other, other])
    ]
    colours.SetColor(parts[1], srgb(0.9, 0.9, 0.1), kind)
    colours.SetColor(parts[3], srgb(0, 0, 1), kind)
    shapes.UpdateAssemblies()
    writer = STEPCAFControl_Writer()
    writer.SetColorMode(True)
    writer.SetLayerMode(True)
    writer.Transfer(made, STEPControl_StepModelType.STEPControl_AsIs)
    writer.Write(str(tmp_path / "painted.step"))
    model = stepfile.read((tmp_path / "painted.step").read_bytes())
    found = model.appearance

    def seen(n):
        return [(tuple(round(x, 6) for x in one.colour), one.opacity, one.layers) for one in found.parts[n]]

    xs = [[one[0, 3] for one in shown.part.placements] for shown in model.parts]
    assert xs == [[0, 10], [20, 30]]
    assert seen(0) == [((0.2, 0.4, 0.6), 1, ("boxes",)), ((0.9, 0.9, 0.1), 1, ("boxes",))]
    assert seen(1) == [((1, 0, 0), 0.25, ("round",)), ((0, 0, 1), 1, ("round",))]
    assert [one.colour for one in found.faces.values()] == [pytest.approx((0.1, 0.9, 0.3), abs=1e-6)]


@pytest.mark.skipif(not (HOME / "truth.json").exists(), reason=f"no corpus at {HOME}")
@pytest.mark.skipif(jit.DISABLED, reason="real files take too long as Python")
@pytest.mark.parametrize("name", [
    "ogeom-rs/ogeom_asm_bolted_plate.stp", "occt-import-js-caxif/as1-oc-214.stp",
    "occt-import-js-caxif/as1_pe_203.stp", "occt-import-js-caxif/dm1-id-214.stp", "occwl/ManyBodies.stp",
])  # fmt: skip
def test_real_files_have_the_colours_and_layers_that_open_cascade_reads(name):
    pytest.importorskip("OCP")
    from OCP.Quantity import Quantity_Color, Quantity_TypeOfColor
    from OCP.STEPCAFControl import STEPCAFControl_Reader
    from OCP.TDF import TDF_LabelSequence

    path = HOME / "files/step" / name
    found, _, colours, layers = document()
    reader = STEPCAFControl_Reader()
    reader.SetColorMode(True)
    reader.SetLayerMode(True)
    reader.ReadFile(str(path))
    reader.Transfer(found)
    labels, names, one = TDF_LabelSequence(), TDF_LabelSequence(), Quantity_Color()
    colours.GetColors(labels)
    layers.GetLayerLabels(names)
    theirs = set()
    for n in range(labels.Length()):
        colours.GetColor_s(labels.Value(n + 1), one)
        theirs.add(tuple(round(x, 2) for x in one.Values(Quantity_TypeOfColor.Quantity_TOC_sRGB)))
    ours = stepfile.read(path.read_bytes()).appearance
    looks = [look for places in ours.parts for look in places] + list(ours.faces.values())

    assert {tuple(round(x, 2) for x in look.colour) for look in looks if look.colour} == theirs
    assert len({layer for look in looks for layer in look.layers}) == names.Length()
