"""Curves and surfaces that are copies of others, and offsets: as if they were written themselves."""

import numpy as np
import pytest
from step_makers import Solids

from massproof import brep, part21, shapes, solids, stepfile
from massproof.formats import step

TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
TILT = np.linalg.qr(np.array([[1.0, 2, 3], [0, 1, 4], [5, 6, 0]]))[0]
MIRROR = np.diag([1.0, 1.0, -1.0])
SPOT = (3.0, -2.0, 7.0)


class Copies(Solids):
    """Lines of copies and offsets."""

    def copy(self, one, matrix=TURN, offset=SPOT, scale=2.0, kind="CURVE"):
        return self(f"{kind}_REPLICA('',{one},{self.operator(matrix, offset, scale)})")

    def offset(self, one, distance, across=(0, 0, 1)):
        return self(f"OFFSET_CURVE_3D('',{one},{float(distance)!r},.F.,{self.direction(*across)})")

    def decoded(self, *curves):
        """Rows of what is read of edges along curves."""
        for curve in curves:
            self.face(self(f"PLANE('',{self.frame()})"), self.loop(self.edge(curve)))
        return shapes.decode(part21.read(self.file()))


def at(table, row, t):
    """The point of a curve at a parameter, as ISO 10303-42 defines it."""
    kind, frame, *_ = table.curves[row].tolist()
    numbers = table.curve_numbers[row]
    if kind == brep.LINE:
        return numbers[:3] + t * numbers[3:]
    origin, x, y, z = table.frames[frame].reshape(4, 3)
    assert np.linalg.det([x, y, z]) == pytest.approx(1, abs=1e-14)
    a, b = numbers[:2]
    if kind in (brep.CIRCLE, brep.ELLIPSE):
        return origin + a * np.cos(t) * x + b * np.sin(t) * y
    if kind == brep.HYPERBOLA:
        return origin + a * np.cosh(t) * x + b * np.sinh(t) * y
    return origin + a * (t * t * x + 2 * t * y)


CURVES = {
    "line": lambda f: f.line((1, 2, 3), (0, 3, 4), 2.5),
    "circle": lambda f: f(f"CIRCLE('',{f.frame((1, 2, 3), (0, 1, 1))},2.)"),
    "ellipse": lambda f: f(f"ELLIPSE('',{f.frame((1, 2, 3), (0, 1, 1))},2.,1.)"),
    "hyperbola": lambda f: f(f"HYPERBOLA('',{f.frame((1, 2, 3), (1, 0, 1), (0, 1, 0))},2.,3.)"),
    "parabola": lambda f: f(f"PARABOLA('',{f.frame((1, 2, 3))},2.)"),
}


@pytest.mark.parametrize("matrix", [TURN, TILT, MIRROR], ids=["turned", "tilted", "mirrored"])
@pytest.mark.parametrize("name", CURVES)
def test_a_copy_has_at_each_parameter_the_point_that_its_parent_has_there_moved(name, matrix):
    f = Copies()
    parent = CURVES[name](f)
    table = f.decoded(parent, f.copy(parent, matrix)).shapes
    one, other = table.edges[:, 0].tolist()
    for t in (-1.0, 0.0, 0.4, 2.0):
        assert at(table, other, t) == pytest.approx(2 * matrix @ at(table, one, t) + SPOT, abs=1e-13)


def test_a_copy_of_a_spline_has_its_points_moved():
    f = Copies()
    points = [(0, 0, 0), (1, 2, 0), (3, 1, 1), (4, 0, 2)]
    spline = f(f"QUASI_UNIFORM_CURVE('',2,{f.points(*points)},.U.,.F.,.F.)")
    net = f"({f.points(*points)},{f.points(*[(x, y, z + 5) for x, y, z in points])})"
    surface = f(f"QUASI_UNIFORM_SURFACE('',1,2,{net},.U.,.F.,.F.,.F.)")
    found = f.decoded(spline, f.copy(spline))
    f.face(f.copy(surface, kind="SURFACE"), f.loop(f.edge(spline)))
    both = shapes.decode(part21.read(f.file())).shapes
    for table, row, first, count in (
        (found.shapes, found.shapes.curves[found.shapes.edges[1, 0]], 3, 4),
        (both, both.surfaces[both.faces[2, 0]], 6, 8),
    ):
        expected = points if count == 4 else points + [(x, y, z + 5) for x, y, z in points]
        rows = table.controls[row[first] : row[first] + count]
        assert rows[:, :3] == pytest.approx(2 * np.array(expected) @ TURN.T + SPOT)
        assert rows[:, 3].tolist() == [1.0] * count
    assert both.controls[both.curves[both.edges[0, 0], 3] :][:4, :3].tolist() == [
        list(map(float, p)) for p in points
    ]


def cylinder(f, sides, ends, side, radius=2.0, height=5.0):
    """A cylinder of edges and surfaces that are given, about the z axis."""
    low, high = f.vertex(radius, 0, 0), f.vertex(radius, 0, height)
    rings = [f(f"EDGE_CURVE('',{v},{v},{ring},.T.)") for v, ring in zip((low, high), ends, strict=True)]
    seam = f(f"EDGE_CURVE('',{low},{high},{sides},.T.)")

    def loop(*uses):
        used = [f(f"ORIENTED_EDGE('',*,*,{edge},.{sense}.)") for edge, sense in uses]
        return f(f"EDGE_LOOP('',({','.join(used)}))")

    round_about = loop((rings[0], "T"), (seam, "T"), (rings[1], "F"), (seam, "F"))
    return f.solid(
        f.face(side, round_about),
        f.face(f(f"PLANE('',{f.frame((0, 0, height))})"), loop((rings[1], "T"))),
        f.face(f(f"PLANE('',{f.frame()})"), loop((rings[0], "F")), sense=".F."),
    )


def as_cylinder(f, engine=None):
    found = solids.measure_drawn(step.read(f.file()), "part", engine, None)
    assert found.body.mass == pytest.approx(20 * np.pi, rel=1e-12)
    assert found.area == pytest.approx(28 * np.pi, rel=1e-12)
    return found


def parts(f):
    """A half as large cylinder somewhere else, and what brings it to where the whole one is."""
    ring = f(f"CIRCLE('',{f.frame()},1.)")
    return f.line((1, 0, 0), (0, 0, 1)), ring, f(f"CYLINDRICAL_SURFACE('',{f.frame()},1.)")


def test_a_cylinder_of_copies_is_the_cylinder():
    f = Copies()
    line, ring, side = parts(f)
    rings = [f.copy(ring, np.eye(3), (0, 0, z)) for z in (0, 5)]
    f.shown(
        cylinder(
            f, f.copy(line, np.eye(3), (0, 0, 0)), rings, f.copy(side, np.eye(3), (0, 0, 0), kind="SURFACE")
        )
    )
    assert as_cylinder(f).notes == ()


def test_copies_of_trimmed_curves_and_of_copies_are_followed():
    f = Copies()
    line, ring, side = parts(f)
    trimmed = f(f"TRIMMED_CURVE('',{line},(PARAMETER_VALUE(0.)),(PARAMETER_VALUE(9.)),.T.,.PARAMETER.)")
    on = f(f"SURFACE_CURVE('',{ring},(),.CURVE_3D.)")
    copy = f.copy(on, np.eye(3), (0, 0, 0))
    rings = [copy, f.copy(copy, np.eye(3), (0, 0, 5), 1.0)]
    f.shown(
        cylinder(
            f,
            f.copy(trimmed, np.eye(3), (0, 0, 0)),
            rings,
            f.copy(side, np.eye(3), (0, 0, 0), kind="SURFACE"),
        )
    )
    assert as_cylinder(f).notes == ()


@pytest.mark.parametrize(("distance", "across"), [(1.0, (0, 0, -1)), (-1.0, (0, 0, 2))])
def test_the_offset_of_a_circle_and_of_a_line_is_one(distance, across):
    """Left of the tangent, seen from where `across` points to: inside a circle that is seen from above."""
    f = Copies()
    rings = [f.offset(f(f"CIRCLE('',{f.frame((0, 0, z))},1.)"), distance, across) for z in (0, 5)]
    seam = f.offset(f.line((0.5, 0, 0), (0, 0, 3)), 1.5, (0, 1, 0))
    f.shown(cylinder(f, seam, rings, f(f"CYLINDRICAL_SURFACE('',{f.frame()},2.)")))
    assert as_cylinder(f).notes == ()


def test_open_cascade_reads_the_same_copies():
    """Not those that are scaled, of which it leaves circles as they are."""
    pytest.importorskip("OCP")
    f = Copies()
    ring, side = f(f"CIRCLE('',{f.frame()},2.)"), f(f"CYLINDRICAL_SURFACE('',{f.frame()},2.)")
    rings = [ring, f.copy(ring, np.eye(3), (0, 0, 5), 1.0)]
    f.shown(cylinder(f, f.copy(f.line((0, 0, 0), (0, 0, 1)), np.eye(3), (2, 0, 0), 1.0), rings, side))
    assert [note[0] for note in as_cylinder(f, "both").notes] == ["engines-agree"]


def test_open_cascade_reads_the_same_offsets():
    """To 1e-8: it integrates over an approximation of them."""
    pytest.importorskip("OCP")
    f = Copies()
    rings = [f.offset(f(f"CIRCLE('',{f.frame((0, 0, z))},1.)"), -1) for z in (0, 5)]
    f.shown(cylinder(f, f.line((2, 0, 0), (0, 0, 1)), rings, f(f"CYLINDRICAL_SURFACE('',{f.frame()},2.)")))
    theirs = solids.measure_drawn(step.read(f.file()), "part", "occt", None)
    assert theirs.body.mass == pytest.approx(as_cylinder(f).body.mass, rel=1e-8)


def trims(f, count):
    """A line that is trimmed so often."""
    line = f.line((0, 0, 0), (0, 1, 0))
    for _ in range(count):
        line = f(f"TRIMMED_CURVE('',{line},(),(),.T.,.PARAMETER.)")
    return line


UNMADE = {
    "copy of many trims": (lambda f: f.copy(trims(f, 12)), "CURVE_REPLICA is made of"),
    "offset of an ellipse": (lambda f: f.offset(f(f"ELLIPSE('',{f.frame()},2.,1.)"), 1), "OFFSET_CURVE_3D is of a type"),
    "offset to a point": (lambda f: f.offset(f(f"CIRCLE('',{f.frame()},1.)"), 1), "OFFSET_CURVE_3D is of a type"),
    "offset out of the plane": (lambda f: f.offset(f(f"CIRCLE('',{f.frame()},1.)"), 1, (0, 1, 1)), "OFFSET_CURVE_3D is of a type"),
    "offset along a line": (lambda f: f.offset(f.line((0, 0, 0), (0, 0, 1)), 1), "OFFSET_CURVE_3D is of a type"),
    "offset across nothing": (lambda f: f.offset(f.line((0, 0, 0), (0, 1, 0)), 1, (0, 0, 0)), "OFFSET_CURVE_3D is of a type"),
    "offset in a plane": (lambda f: f(f"OFFSET_CURVE_3D('',{f.line((0, 0, 0), (0, 1, 0))},1.,.F.,{f('DIRECTION($,(0.,1.))')})"), "OFFSET_CURVE_3D is of a type"),
    "offset of a copy of nothing": (lambda f: f.offset(f(f"CURVE_REPLICA('',{f.line((0, 0, 0), (0, 1, 0))},$)"), 1), "OFFSET_CURVE_3D is made of a curve"),
    "copy by nothing": (lambda f: f(f"CURVE_REPLICA('',{f.line((0, 0, 0), (0, 1, 0))},$)"), "CURVE_REPLICA is of a type"),
    "copy by a point": (lambda f: f(f"CURVE_REPLICA('',{f.line((0, 0, 0), (0, 1, 0))},{f.point(0, 0, 0)})"), "CURVE_REPLICA is of a type"),
    "copy of itself": (lambda f: (where := f.operator(TURN)) and f(f"CURVE_REPLICA('',#{len(f) + 1},{where})"), "CURVE_REPLICA is made of"),
    "copy of what is turned": (lambda f: f.copy(f(f"TRIMMED_CURVE('',{f.line((0, 0, 0), (0, 1, 0))},(),(),.F.,.PARAMETER.)")), "CURVE_REPLICA is made of"),
    "copy without a parent": (lambda f: f("CURVE_REPLICA('',$,$)"), "CURVE_REPLICA has $ as argument 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNMADE)
def test_other_curves_are_left_to_others_with_a_reason(name):
    make, words = UNMADE[name]
    f = Copies()
    f.shown(f.solid(f.disc(make(f))))
    (part,) = stepfile.read(f.file()).parts
    assert words in part.problems[0]


SURFACES = {
    "mirrored": lambda f: f.copy(f(f"CYLINDRICAL_SURFACE('',{f.frame()},1.)"), MIRROR, kind="SURFACE"),
    "swept": lambda f: f.copy(f(f"SURFACE_OF_LINEAR_EXTRUSION('',{f.line((0, 0, 0), (1, 0, 0))},{f.vector()})"), kind="SURFACE"),
}  # fmt: skip


@pytest.mark.parametrize("name", SURFACES)
def test_copies_of_surfaces_that_are_not_made_say_so(name):
    f = Copies()
    f.vector = lambda: f(f"VECTOR('',{f.direction(0, 0, 1)},1.)")
    f.shown(f.solid(f.disc(surface=SURFACES[name](f))))
    (part,) = stepfile.read(f.file()).parts
    assert "SURFACE_REPLICA is" in part.problems[0]


def test_cones_keep_their_angle_and_get_larger():
    f = Copies()
    f.face(
        f.copy(f(f"CONICAL_SURFACE('',{f.frame()},1.,0.5)"), kind="SURFACE"),
        f.loop(f.edge(f.line((0, 0, 0), (1, 0, 0)))),
    )
    f.face(
        f.copy(f(f"TOROIDAL_SURFACE('',{f.frame()},3.,1.)"), kind="SURFACE"),
        f.loop(f.edge(f.line((0, 0, 0), (1, 0, 0)))),
    )
    table = shapes.decode(part21.read(f.file())).shapes
    assert [table.surface_numbers[row, :2].tolist() for row in table.faces[:, 0]] == [[2.0, 0.5], [6.0, 2.0]]


def test_a_composite_curve_may_be_made_of_copies():
    f = Copies()
    line = f.line((0, 0, 0), (1, 0, 0))
    copy = f.copy(line, np.eye(3), (0, 0, 0), 1.0)
    trimmed = f(f"TRIMMED_CURVE('',{copy},(PARAMETER_VALUE(0.)),(PARAMETER_VALUE(2.)),.T.,.PARAMETER.)")
    segment = f(f"COMPOSITE_CURVE_SEGMENT(.CONTINUOUS.,.T.,{trimmed})")
    table = f.decoded(f(f"COMPOSITE_CURVE('',({segment}),.F.)")).shapes
    row = table.curves[table.edges[0, 0]]
    assert table.controls[row[3] : row[3] + 2, :3].tolist() == [[0, 0, 0], [2, 0, 0]]
