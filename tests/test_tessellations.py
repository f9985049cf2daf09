"""Tessellated shapes of STEP files: the triangles that they stand for, and what these enclose."""

import functools
import re

import numpy as np
import part21_naive as naive
import pytest
from hypothesis import given
from hypothesis import strategies as st
from step_makers import BOX, Solids

from massproof import facetted, part21, solids, stepfile, tessellations
from massproof.errors import FormatError
from massproof.formats import step
from massproof.kernels import jit

CORNERS = [(i >> 2 & 1, 2 * (i >> 1 & 1), 3 * (i & 1)) for i in range(8)]  # of the box of `Solids.box`
SIDES = [side for a, b, c, d in BOX for side in ((a, b, c), (a, c, d))]


def lists(rows):
    return "(" + ",".join("(" + ",".join(map(repr, row)) + ")" for row in rows) + ")"


class Tessellations(Solids):
    """Lines of tessellated shapes; corners count from 0 in Python, and from 1 in the file."""

    def coordinates(self, points):
        return self(f"COORDINATES_LIST('',{len(points)},{lists([map(float, p) for p in points])})")

    def triangles(self, points, faces, kind="TRIANGULATED_FACE", named=()):
        """Triangles over points, or a list of coordinates that is written; named : of each corner its point."""
        where = points if isinstance(points, str) else self.coordinates(points)
        link = ",$" if kind.endswith("FACE") else ""
        index = "(" + ",".join(str(n + 1) for n in named) + ")"
        return self(f"{kind}('',{where},8,(){link},{index},{lists([[n + 1 for n in f] for f in faces])})")

    def complex(self, points, strips, fans, kind="COMPLEX_TRIANGULATED_FACE"):
        link = ",$" if kind.endswith("FACE") else ""
        one, other = (lists([[n + 1 for n in run] for run in runs]) for runs in (strips, fans))
        return self(f"{kind}('',{self.coordinates(points)},8,(){link},(),{one},{other})")

    def whole(self, *faces, kind="TESSELLATED_SOLID", link="$"):
        return self(f"{kind}('',({','.join(faces)}),{link})")

    def faceted(self, x=0.0, kind="TESSELLATED_SOLID", link="$", sides=SIDES):
        """The box of `box` as a solid or shell of one triangulated face."""
        points = [(a + x, b, c) for a, b, c in CORNERS]
        return self.whole(self.triangles(points, sides), kind=kind, link=link)


def measured(f, engine=None):
    return solids.measure_drawn(step.read(f.file()), "part", engine, None)


def codes(found):
    return [note[0] for note in found.notes]


def read(f, row=-1):
    """The triangles of the last instance that was written."""
    entities = part21.read(f.file())
    rows = np.flatnonzero(entities.rows[:, 0] >= 0)
    return tessellations.mesh(entities, int(rows[row]))


def as_box(found, size=1.0):
    assert found.body.mass == pytest.approx(6 * size**3, rel=1e-14)
    assert found.area == pytest.approx(22 * size**2, rel=1e-14)
    assert found.body.second == pytest.approx(0.5 * size**5 * np.diag([1, 4, 9]), rel=1e-12, abs=1e-12)
    assert found.high - found.low == pytest.approx(size * np.array([1, 2, 3]))


def separate(f):
    """Each side with a list of coordinates of its own, of which it names four."""
    faces = [
        f.triangles([(9, 9, 9), *(CORNERS[i] for i in ring)], [(0, 1, 2), (0, 2, 3)], named=(1, 2, 3, 4))
        for ring in BOX
    ]
    return f.whole(*faces)


def shared(f):
    where = f.coordinates(CORNERS)
    return f.whole(*(f.triangles(where, SIDES[n : n + 2]) for n in range(0, 12, 2)), kind="TESSELLATED_SHELL")


def in_sets(f):
    inner = f(f"TESSELLATED_GEOMETRIC_SET('',({f.triangles(CORNERS, SIDES, 'TRIANGULATED_SURFACE_SET')}))")
    curves = f(f"TESSELLATED_CURVE_SET('',{f.coordinates(CORNERS)},((1,2)))")
    return f(f"TESSELLATED_GEOMETRIC_SET('',({curves},{inner}))")


MAKERS = {
    "solid": lambda f: f.faceted(),
    "shell": lambda f: f.faceted(kind="TESSELLATED_SHELL"),
    "face": lambda f: f.triangles(CORNERS, SIDES),
    "set": lambda f: f.triangles(CORNERS, SIDES, "TRIANGULATED_SURFACE_SET"),
    "sets": in_sets,
    "separate": separate,
    "shared": shared,
    "strips": lambda f: f.whole(f.complex(CORNERS, [(a, b, d, c) for a, b, c, d in BOX], [])),
    "fans": lambda f: f.complex(CORNERS, [], BOX, "COMPLEX_TRIANGULATED_SURFACE_SET"),
    "edges beside": lambda f: f.whole(f.triangles(CORNERS, SIDES), f("TESSELLATED_EDGE('',$,$,(1,2))")),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_box_of_triangles_is_the_box_that_they_enclose(name):
    f = Tessellations()
    found = measured(f.shown(MAKERS[name](f)))

    as_box(found)
    assert found.absent == ""
    assert found.method == "divergence theorem over the triangles as stored"
    assert found.errors["tessellation"] is None
    assert found.errors["file-precision"] is None
    assert "brep-gap" not in found.errors
    assert "integration" not in found.errors
    assert sum(one.volume for one in found.errors.values() if one) < 1e-12


runs = st.lists(st.lists(st.integers(0, 7), min_size=3, max_size=7), max_size=4)


@given(runs, runs)
def test_strips_and_fans_are_the_triangles_that_the_standard_says(strips, fans):
    """Every second triangle of a strip is turned; all of a fan share its first corner."""
    triangles = [(s[k], s[k + 1], s[k + 2]) if k % 2 == 0 else (s[k + 1], s[k], s[k + 2]) for s in strips for k in range(len(s) - 2)]  # fmt: skip
    triangles += [(fan[0], fan[k], fan[k + 1]) for fan in fans for k in range(1, len(fan) - 1)]
    f = Tessellations()
    f.complex(CORNERS, strips, fans)
    if not triangles:
        with pytest.raises(tessellations.Unread, match="has no triangles"):
            read(f)
        return
    found = read(f)
    assert found.vertices[found.faces].tolist() == [
        [list(map(float, CORNERS[i])) for i in one] for one in triangles
    ]


def test_a_tessellated_part_is_placed_and_scaled_like_any_other():
    f = Tessellations()
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    found = measured(f.placed(f.faceted(), f.operator(np.eye(3)), f.operator(turn, (10, 0, 0), 2.0)))

    assert found.body.mass == pytest.approx(6 + 48)
    assert found.area == pytest.approx(22 + 88)
    assert found.low == pytest.approx([0, 0, 0])
    assert found.high == pytest.approx([10, 2, 6])  # the turned one reaches from 6 to 10 in x
    assert found.body.centre == pytest.approx((6 * np.array([0.5, 1, 1.5]) + 48 * np.array([8, 1, 3])) / 54)


def test_tessellated_parts_stand_beside_exact_ones_in_their_own_units():
    """A box in inches of triangles, and one in millimetres of faces, of two products."""
    f = Tessellations()
    f.product("exact", f.shape(f.millimetres(), f.box()))
    f.product("triangles", f.shape(f.context(f.inch()), f.faceted(x=10.0)))
    found = measured(f)

    assert found.body.mass == pytest.approx(6 * (1 + 25.4**3))
    assert found.area == pytest.approx(22 * (1 + 25.4**2))
    assert found.high == pytest.approx([11 * 25.4, 2 * 25.4, 3 * 25.4])
    assert found.errors["tessellation"] is None
    assert found.errors["brep-gap"].volume < 1e-12
    assert found.errors["integration"].volume < 1e-6
    assert found.method.endswith("divergence theorem over the triangles as stored for 1 of 2 parts")


def test_an_assembly_measures_its_triangles_once():
    f = Tessellations()
    context, axis = f.millimetres(), f.frame()
    shape = f.shape(context, f.faceted())
    part = f.product("part", shape)
    group = f.shape(context, axis)
    whole = f.product("whole", group)
    for i in range(5):
        f.place(f.use(whole, part), shape, group, f.between(axis, f.frame((4.0 * i, 0, 0))))
    found = measured(f)

    assert found.body.mass == pytest.approx(30)
    assert found.high == pytest.approx([17, 2, 3])
    assert len(step.read(f.file()).model.parts) == 1


# --- exact shapes and pictures of them


def beside(kind, of="solid"):
    """An exact box and its picture, in representations that nothing joins; of : what the picture says it shows."""
    f = Tessellations()
    box = f.box()
    shell = f[int(box[1:]) - 1].rpartition(",")[2].rstrip(")")
    link = {"solid": box, "shell": shell}[of]
    f.product("part", f.shape(f.millimetres(), box))
    f.shape(f.millimetres(), f.faceted(kind=kind, link=link), kind="TESSELLATED_SHAPE_REPRESENTATION")
    return f


@pytest.mark.parametrize(("kind", "of"), [("TESSELLATED_SOLID", "solid"), ("TESSELLATED_SHELL", "shell")])
def test_what_is_there_exactly_is_not_counted_again(kind, of):
    found = measured(beside(kind, of))

    as_box(found)
    assert (found.notes, found.bounded) == ((), False)
    assert "tessellation" not in found.errors


@pytest.mark.parametrize("kind", ["TESSELLATED_SOLID", "TESSELLATED_SHELL"])
def test_triangles_that_do_not_say_what_they_show_are_pictures_and_that_is_told(kind):
    f = Tessellations()
    found = measured(f.shown(f.box(), f.faceted(kind=kind, x=20.0)))

    as_box(found)
    assert codes(found) == ["tessellation-left"]
    assert found.bounded


def test_a_surface_and_a_shell_of_triangles_are_one_and_a_solid_of_triangles_is_more():
    f = Tessellations()
    model = f(f"SHELL_BASED_SURFACE_MODEL('',({f.shell(f.disc(), kind='OPEN_SHELL')}))")
    sheet = f.faceted(kind="TESSELLATED_SHELL", sides=SIDES[:2])
    f.product("part", f.shape(f.millimetres(), model, sheet))
    assert measured(f).area == pytest.approx(np.pi)

    g = Tessellations()
    model = g(f"SHELL_BASED_SURFACE_MODEL('',({g.shell(g.disc(), kind='OPEN_SHELL')}))")
    found = measured(g.shown(model, g.faceted()))
    as_box(found)
    assert codes(found) == ["free-shells"]


# --- what encloses nothing, or not what it seems


def test_open_triangles_are_a_surface():
    f = Tessellations()
    found = measured(f.shown(f.faceted(kind="TESSELLATED_SHELL", sides=SIDES[:10])))

    assert found.body is None
    assert found.area == pytest.approx(20)
    assert codes(found) == ["open-shells"]
    assert "only surfaces" in found.absent


def test_open_triangles_beside_a_solid_are_left_out_as_free_shells_are():
    f = Tessellations()
    f.product("sheet", f.shape(f.millimetres(), f.faceted(kind="TESSELLATED_SHELL", sides=SIDES[:10])))
    f.product("solid", f.shape(f.millimetres(), f.faceted(x=5.0)))
    found = measured(f)

    as_box(found)
    assert codes(found) == ["free-shells"]


def test_a_solid_of_triangles_that_does_not_close_has_no_volume():
    f = Tessellations()
    found = measured(f.shown(f.faceted(sides=SIDES[:10])))

    assert found.body is None
    assert found.area == pytest.approx(20)
    assert codes(found) == ["open-edges", "open-solids"]
    assert "1 of 1 tessellated parts, the first #" in found.notes[0][1]


def test_what_is_noticed_of_triangles_is_told_once():
    f = Tessellations()
    turned = [side[::-1] for side in SIDES]
    found = measured(f.shown(*(f.faceted(x=5.0 * n, sides=turned) for n in range(3))))

    assert found.body.mass == pytest.approx(18)
    assert codes(found) == ["inverted"]
    assert found.notes[0][2]["parts"] == 3
    assert found.bounded


def test_bodies_that_overlap_within_a_part_count_in_doubt():
    f = Tessellations()
    other = [(a + 0.5, b, c) for a, b, c in CORNERS]
    part = f.whole(f.triangles(CORNERS, SIDES), f.triangles(other, SIDES))
    found = measured(f.shown(part))

    assert found.body.mass == pytest.approx(12)
    assert found.errors["counted-twice"].volume > 0
    assert found.bounded


def test_both_engines_leave_triangles_to_the_machinery_of_meshes():
    pytest.importorskip("OCP")
    f = Tessellations()
    f.shown(f.faceted())
    for engine in ("occt", "both"):
        found = measured(f, engine)
        as_box(found)
        assert codes(found) == (["engines-unchecked"] if engine == "both" else [])


# --- moved ones


def moved(f, where, part="TESSELLATED_SOLID((%s),$)"):
    face = f.triangles(CORNERS, SIDES)
    return f(
        f"(GEOMETRIC_REPRESENTATION_ITEM()REPOSITIONED_TESSELLATED_ITEM({where})REPRESENTATION_ITEM('')TESSELLATED_ITEM()"
        f"{part.replace('%s', face)})"
    )


def test_a_repositioned_item_stands_where_it_says():
    f = Tessellations()
    found = measured(f.shown(moved(f, f.frame((10, 0, 0), (0, 0, 1), (0, 1, 0)))))

    assert found.body.mass == pytest.approx(6)
    assert found.low == pytest.approx([8, 0, 0])
    assert found.high == pytest.approx([10, 1, 3])


def test_other_parts_than_a_place_move_nothing():
    f = Tessellations()
    face = f.triangles(CORNERS, SIDES)
    f(f"(REPRESENTATION_ITEM('')TESSELLATED_ITEM()TESSELLATED_SHELL(({face}),$))")
    assert read(f).vertices.tolist() == sorted(map(list, CORNERS))


# --- malformed

TRIANGLE = "TRIANGULATED_FACE('',{},3,(),$,{},{})"


def bad(f, coordinates="((0.,0.,0.),(1.,0.,0.),(0.,1.,0.))", named="()", faces="((1,2,3))", text=TRIANGLE):
    return f(text.format(f(f"COORDINATES_LIST('',3,{coordinates})"), named, faces))


STRIPS = "COMPLEX_TRIANGULATED_FACE('',{},3,(),$,{},{},())"
MALFORMED = {
    "no triangles": (lambda f: bad(f, faces="()"), r"#\d+ TRIANGULATED_FACE has no triangles"),
    "beyond": (lambda f: bad(f, faces="((1,2,4))"), r"has the index 4, expected 1 to 3"),
    "zero": (lambda f: bad(f, faces="((0,1,2))"), r"has the index 0, expected 1 to 3"),
    "beyond names": (lambda f: bad(f, named="(1,2)"), r"has the index 3, expected 1 to 2"),
    "name beyond": (lambda f: bad(f, named="(1,2,7)"), r"has the index 7, expected 1 to 3"),
    "two corners": (lambda f: bad(f, faces="((1,2))"), r"has 2 indices where 3 make a triangle"),
    "four corners": (lambda f: bad(f, faces="((1,2,3,1))"), r"has 4 indices where 3 make a triangle"),
    "short strip": (lambda f: bad(f, faces="((1,2))", text=STRIPS), r"has 2 indices where 3"),
    "plane": (lambda f: bad(f, "((0.,0.),(1.,0.),(1.,1.))"), r"has a point of 2 coordinates, expected 3"),
    "letters": (lambda f: bad(f, faces="(('a',2,3))"), r"as argument 7, expected lists of whole number"),
    "coordinates": (lambda f: bad(f, "((0.,$,0.))"), r"COORDINATES_LIST has .* as argument 3"),
    "no list": (lambda f: f("TESSELLATED_SOLID('',$,$)"), r"no list of what it is made of"),
    "empty": (lambda f: f("TESSELLATED_SHELL('',(),$)"), r"TESSELLATED_SHELL has no triangles"),
    "short": (lambda f: f("TESSELLATED_SHELL('')"), r"no list of what it is made of"),
    "curved": (lambda f: f.whole(f("CUBIC_BEZIER_TRIANGULATED_FACE('',$,3,(),$,())")), r"made of #\d+ CUBIC_\w+, which is not read"),
    "nothing": (lambda f: f.whole("$"), r"made of None, which is not read"),
    "alone": (lambda f: f("CUBIC_BEZIER_TRIANGULATED_FACE('',$,3,(),$,())"), r"of a type that is not read"),
    "moved by nothing": (lambda f: moved(f, "$"), r"moved by what is no placement"),
    "moved by a point": (lambda f: moved(f, f.point(0, 0, 0)), r"moved by what is no placement"),
    "moved face": (lambda f: moved(f, f.frame(), "TRIANGULATED_FACE($,3,(),$,(),((1,2,3)))"), r"of a type that is not read"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_with_a_reason(name):
    make, words = MALFORMED[name]
    f = Tessellations()
    f.shown(make(f))
    (part,) = stepfile.read(f.file()).parts
    assert part.mesh is None
    assert re.search(words, part.problems[0])


def test_triangles_that_cannot_be_read_are_an_error_of_the_file():
    pytest.importorskip("OCP")
    f = Tessellations()
    f.shown(bad(f, faces="((1,2,4))"))
    with pytest.raises(FormatError, match=r"that cannot be made: .* has the index 4, expected 1 to 3"):
        measured(f)


def test_sets_in_sets_end():
    f = Tessellations()
    last = f.triangles(CORNERS, SIDES)
    for _ in range(12):
        last = f(f"TESSELLATED_GEOMETRIC_SET('',({last}))")
    f.shown(last)
    with pytest.raises(FormatError, match="no solid and no surface: 1 faces are written"):
        stepfile.read(f.file())


def test_points_too_far_away_are_refused():
    f = Tessellations()
    f.shown(f.whole(f.triangles([(1e30 * a, b, c) for a, b, c in CORNERS], SIDES)))
    with pytest.raises(FormatError, match="beyond all measure"):
        measured(f)


@pytest.mark.skipif(jit.DISABLED, reason="many files take too long as Python")
@pytest.mark.parametrize(
    "other", ["$", "1.", "0", "'a'", "(1,2)", "((1,2,3))", "(((1)))", ".A.", "*", "", "#9", "#2"]
)
def test_any_argument_of_a_tessellation_may_be_anything(other):
    f = Tessellations()
    face = f.triangles(CORNERS[:4], [(0, 1, 2)], named=(0, 1, 2))
    run = f.complex(CORNERS, [(0, 1, 2, 3)], [(4, 5, 6)], "COMPLEX_TRIANGULATED_SURFACE_SET")
    f(f"TESSELLATED_GEOMETRIC_SET('',({f.whole(face)},{run}))")
    last = f"#{len(f)}"
    moved(f, f.frame())
    f.shown(last, f"#{len(f)}")
    text = f.file().decode()
    for match in naive.TOKEN.finditer(text, text.index("DATA;")):
        if match.lastgroup not in ("gap", "mark", "name") and text[match.start() - 1] in "(,":
            try:
                stepfile.read((text[: match.start()] + other + text[match.end() :]).encode())
            except FormatError as error:
                assert str(error).endswith(("again", "export solids"))


# --- peers


@functools.cache
def cylinder():
    """A cylinder with triangles on its faces, as Open CASCADE makes them."""
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeCylinder

    shape = BRepPrimAPI_MakeCylinder(2.0, 5.0).Shape()
    BRepMesh_IncrementalMesh(shape, 0.05)
    return shape


def written(shape, folder, mode):
    from OCP.Interface import Interface_Static
    from OCP.STEPControl import STEPControl_StepModelType, STEPControl_Writer

    writer = STEPControl_Writer()  # its constructor defines the parameters
    given = {"write.step.schema": "AP242DIS", "write.step.tessellated": mode}
    before = {name: Interface_Static.CVal_s(name) for name in given}
    for name, value in given.items():
        Interface_Static.SetCVal_s(name, value)
    try:
        writer.Transfer(shape, STEPControl_StepModelType.STEPControl_AsIs)
        writer.Write(str(folder / "out.step"))
    finally:
        for name, value in before.items():
            Interface_Static.SetCVal_s(name, value)
    return (folder / "out.step").read_bytes()


def test_open_cascade_writes_a_solid_and_its_picture(tmp_path):
    pytest.importorskip("OCP")
    data = written(cylinder(), tmp_path, "On")
    assert b"TESSELLATED_SOLID" in data
    found = solids.measure_drawn(step.read(data), "part", None, None)

    assert found.body.mass == pytest.approx(20 * np.pi, rel=1e-9)
    assert found.notes == ()
    entities = part21.read(data)
    (row,) = entities.of_type("TESSELLATED_SOLID")
    assert tessellations.closed(tessellations.mesh(entities, row))


def test_triangles_that_open_cascade_leaves_turned_are_turned_and_that_is_told(tmp_path):
    """It writes those of faces that look against their surface as they lie on that: they enclose what the faces do."""
    pytest.importorskip("OCP")
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeCylinder
    from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt

    hole = BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(5, 5, -1), gp_Dir(0, 0, 1)), 3.0, 12.0).Shape()
    shape = BRepAlgoAPI_Cut(BRepPrimAPI_MakeBox(10.0, 10.0, 10.0).Shape(), hole).Shape()
    BRepMesh_IncrementalMesh(shape, 0.01)
    entities = part21.read(written(shape, tmp_path, "On"))
    (row,) = entities.of_type("TESSELLATED_SOLID")
    found = facetted.measure(tessellations.mesh(entities, row), True)

    assert "reoriented" in [note[0] for note in found.notes]
    assert found.bounded
    assert found.definition.body.mass == pytest.approx(
        1000 - 90 * np.pi, rel=0.02 / 3
    )  # of the hole's radius


def test_open_cascade_writes_triangles_that_enclose_what_it_says(tmp_path):
    """A face of triangles alone: its volume against the sum over the triangulation that was written."""
    pytest.importorskip("OCP")
    from OCP.BRep import BRep_Builder
    from OCP.RWStl import RWStl
    from OCP.StlAPI import StlAPI_Writer
    from OCP.TopoDS import TopoDS_Face

    StlAPI_Writer().Write(cylinder(), str(tmp_path / "c.stl"))
    triangles = RWStl.ReadFile_s(str(tmp_path / "c.stl"))
    face = TopoDS_Face()
    BRep_Builder().MakeFace(face, triangles)
    data = written(face, tmp_path, "OnNoBRep")
    assert b"TRIANGULATED_SURFACE_SET" in data
    found = solids.measure_drawn(step.read(data), "part", None, None)

    points = [triangles.Node(i + 1).Coord() for i in range(triangles.NbNodes())]
    faces = [triangles.Triangle(i + 1).Get() for i in range(triangles.NbTriangles())]
    corners = np.array([[points[i - 1] for i in one] for one in faces])
    assert found.body.mass == pytest.approx(np.linalg.det(corners).sum() / 6, rel=1e-9)
    assert found.body.mass < 20 * np.pi
