"""Entities of STEP files as rows of shapes: all kinds of them, and a reason for what cannot be one."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from part21_makers import Lines, file
from test_corpus import HOME

from massproof import brep, part21, shapes
from massproof.errors import FormatError
from massproof.kernels import jit


def decoded(lines):
    return shapes.decode(part21.read(lines.file()))


def one_curve(make, start=(0, 0, 0), end=(1, 0, 0), sense=".T."):
    """The row of the curve of an edge whose curve `make` writes, its numbers, and all that was decoded."""
    lines = Lines()
    lines.edge(make(lines), start, end, sense)
    found = decoded(lines)
    assert len(found.shapes.edges) == 1
    row = found.shapes.edges[0, 0]
    table = found.shapes
    return (None, None, found) if row < 0 else (table.curves[row], table.curve_numbers[row], found)


def one_surface(make):
    """As `one_curve`, for the surface of a face."""
    lines = Lines()
    lines.shell(lines.disc(surface=make(lines)))
    found = decoded(lines)
    row = found.shapes.faces[0, 0]
    table = found.shapes
    return (None, None, found) if row < 0 else (table.surfaces[row], table.surface_numbers[row], found)


def reason(found):
    """The one problem of what was decoded, without the number."""
    (text,) = found.problems.values()
    return text.partition(" ")[2]


def at(table, row, t):
    """The point of a spline curve at a parameter, by de Boor's algorithm."""
    _, _, degree, first, count, knot, knots, _ = table.curves[row].tolist()
    points = table.controls[first : first + count]
    points = np.hstack([points[:, :3] * points[:, 3:], points[:, 3:]])
    vector = table.knots[knot : knot + knots]
    span = min(int(np.searchsorted(vector, t, "right")) - 1, count - 1)
    span = max(span, degree)
    d = points[span - degree : span + 1].copy()
    for r in range(1, degree + 1):
        for j in range(degree, r - 1, -1):
            i = j + span - degree
            share = (t - vector[i]) / (vector[i + degree - r + 1] - vector[i])
            d[j] = (1 - share) * d[j - 1] + share * d[j]
    return d[-1][:3] / d[-1][3]


def knots(found, row=0):
    _, _, _, _, _, first, count, _ = found.shapes.curves[row].tolist()
    return found.shapes.knots[first : first + count].tolist()


# --- curves


def test_a_line_is_a_point_and_a_vector():
    curve, numbers, found = one_curve(lambda f: f.line((1, 2, 3), (0, 3, 4), 10.0))
    assert curve[0] == brep.LINE
    assert numbers.tolist() == [1, 2, 3, 0, 6, 8]
    assert found.shapes.edge_points.tolist() == [[0, 0, 0, 1, 0, 0]]
    assert found.shapes.edges[0, 1:3].tolist() == [1, 0]
    assert found.problems == {}


def test_an_edge_is_closed_where_it_ends_where_it_began():
    lines = Lines()
    circle = lines(f"CIRCLE('',{lines.frame()},1.)")
    lines.edge(circle, (1, 0, 0), (1, 0, 0))
    lines(f"EDGE_CURVE('',{lines.vertex(1, 0, 0)},{lines.vertex(1, 0, 0)},{circle},.F.)")
    lines(f"EDGE_CURVE('',{lines.vertex(1, 0, 0)},{lines.vertex(-1, 0, 0)},{circle},.T.)")
    assert decoded(lines).shapes.edges[:, 1:3].tolist() == [[1, 1], [0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("text", "kind", "numbers"),
    [
        ("CIRCLE('',@,2.)", brep.CIRCLE, [2, 2]),
        ("ELLIPSE('',@,3.,2.)", brep.ELLIPSE, [3, 2]),
        ("HYPERBOLA('',@,3.,2.)", brep.HYPERBOLA, [3, 2]),
        ("PARABOLA('',@,1.5)", brep.PARABOLA, [1.5, 1.5]),
    ],
)
def test_conics_have_a_frame_and_sizes(text, kind, numbers):
    curve, found, table = one_curve(lambda f: f(text.replace("@", f.frame((1, 2, 3), (0, 2, 0), (5, 1, 0)))))
    assert curve[0] == kind
    assert found[:2].tolist() == numbers
    assert table.shapes.frames[curve[1]].tolist() == [1, 2, 3, 1, 0, 0, 0, 0, -1, 0, 1, 0]


@pytest.mark.parametrize(
    ("axis", "reference", "expected"),
    [
        ("$", "$", [1, 0, 0, 0, 1, 0, 0, 0, 1]),
        ((1, 0, 0), "$", [0, 1, 0, 0, 0, 1, 1, 0, 0]),
        ((0, 0, 1), (0, 0, 2), [1, 0, 0, 0, 1, 0, 0, 0, 1]),
        ((0, 3, 0), (0, -2, 0), [1, 0, 0, 0, 0, -1, 0, 1, 0]),
    ],
)
def test_axes_that_are_left_out_or_meet_are_chosen(axis, reference, expected):
    def make(f):
        written = [one if one == "$" else f.direction(*one) for one in (axis, reference)]
        frame = f(f"AXIS2_PLACEMENT_3D('',{f.point(0, 0, 0)},{','.join(written)})")
        return f(f"CIRCLE('',{frame},1.)")

    curve, _, found = one_curve(make)
    assert found.shapes.frames[curve[1], 3:].tolist() == pytest.approx(expected, abs=1e-15)


@given(st.tuples(*[st.floats(-1, 1)] * 3), st.tuples(*[st.floats(-1, 1)] * 3))
def test_frames_are_orthonormal_and_right_handed(axis, reference):
    if np.linalg.norm(axis) > 1e-6 and np.linalg.norm(reference) > 1e-6:
        curve, _, found = one_curve(lambda f: f(f"CIRCLE('',{f.frame((0, 0, 0), axis, reference)},1.)"))
        x, y, z = found.shapes.frames[curve[1], 3:].reshape(3, 3)
        assert np.allclose([x @ y, y @ z, z @ x], 0, atol=1e-14)
        assert np.allclose(np.cross(x, y), z, atol=1e-14)
        assert np.allclose(z * np.linalg.norm(axis), axis, atol=1e-14)


SPLINE = "B_SPLINE_CURVE_WITH_KNOTS('',2,@,.U.,.F.,.F.,(3,1,3),(0.,1.,4.),.U.)"
FOUR = [(0, 0, 0), (1, 1, 0), (2, 0, 0), (3, 0, 1)]
PARTS = "(BOUNDED_CURVE()B_SPLINE_CURVE(2,@,.U.,.F.,.F.)B_SPLINE_CURVE_WITH_KNOTS((3,1,3),(0.,1.,4.),.U.)CURVE()RATIONAL_B_SPLINE_CURVE((1.,2.,3.,4.))REPRESENTATION_ITEM(''))"


@pytest.mark.parametrize(
    ("text", "points", "degree", "expected"),
    [
        (SPLINE, FOUR, 2, [0, 0, 0, 1, 4, 4, 4]),
        (PARTS, FOUR, 2, [0, 0, 0, 1, 4, 4, 4]),
        ("BEZIER_CURVE('',3,@,.U.,.F.,.F.)", FOUR, 3, [0, 0, 0, 0, 1, 1, 1, 1]),
        ("BEZIER_CURVE('',1,@,.U.,.F.,.F.)", FOUR, 1, [0, 0, 1, 2, 3, 3]),
        ("UNIFORM_CURVE('',2,@,.U.,.F.,.F.)", FOUR, 2, [-2, -1, 0, 1, 2, 3, 4]),
        ("QUASI_UNIFORM_CURVE('',2,@,.U.,.F.,.F.)", FOUR, 2, [0, 0, 0, 1, 2, 2, 2]),
        ("(BEZIER_CURVE()B_SPLINE_CURVE(3,@,.U.,.F.,.F.)RATIONAL_B_SPLINE_CURVE((1.,2.,3.,4.)))", FOUR, 3, [0] * 4 + [1] * 4),
        ("(B_SPLINE_CURVE(1,@,.U.,.F.,.F.)QUASI_UNIFORM_CURVE())", FOUR, 1, [0, 0, 1, 2, 3, 3]),
        ("(B_SPLINE_CURVE(1,@,.U.,.F.,.F.)UNIFORM_CURVE())", FOUR, 1, [-1, 0, 1, 2, 3, 4]),
        ("POLYLINE('',@)", FOUR, 1, [0, 0, 1, 2, 3, 3]),
    ],
)  # fmt: skip
def test_splines_have_control_points_and_all_their_knots(text, points, degree, expected):
    curve, _, found = one_curve(lambda f: f(text.replace("@", f.points(*points))))
    assert curve.tolist() == [brep.SPLINE, -1, degree, 0, 4, 0, len(expected), int("RATIONAL" in text)]
    assert knots(found) == expected
    weights = [1, 2, 3, 4] if "RATIONAL" in text else [1] * 4
    assert found.shapes.controls.tolist() == [[*p, w] for p, w in zip(points, weights, strict=True)]


def test_trims_are_left_out_and_their_sense_is_the_edges():
    """Ends are the vertices'. A curve on surfaces is its curve in space."""
    for sense, flag in ((".T.", 1), (".F.", 0)):
        curve, _, found = one_curve(
            lambda f, sense=sense: f(
                f"SURFACE_CURVE('',{f(f'TRIMMED_CURVE(#0,{f.line((0, 0, 0), (1, 0, 0))},(PARAMETER_VALUE(0.)),(#1),{sense},.U.)'.replace('#0', repr('')))},(),.U.)"
            )
        )
        assert curve[0] == brep.LINE
        assert found.shapes.edges[0, 1] == flag


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f.line((0, 0, 0), (0, 0, 0)), "LINE has an axis or direction that is none"),
        (lambda f: f.line((0, 0, 0), (1, 0, 0), 0.0), "LINE has an axis or direction that is none"),
        (lambda f: f(f"LINE('',{f.point(0, 0, 0)[:2]},{f.direction(0, 0, 1)})"), "LINE has"),
        (lambda f: f(f"LINE('',{f(CARTESIAN_2D)},{f(f'VECTOR($,{f.direction(0, 0, 1)},1.)')})"), "LINE needs points in space, and has others"),
        (lambda f: f(f"LINE('',{f.point(0, 0, 0)},{f(f'VECTOR(1,{f.direction(0, 0, 1)},1.)')})"), "LINE needs points in space"),
        (lambda f: f(f"CIRCLE('',{f.frame()},0.)"), "CIRCLE has a radius or angle that is not positive"),
        (lambda f: f(f"ELLIPSE('',{f.frame()},1.,-1.)"), "ELLIPSE has a radius"),
        (lambda f: f(f"CIRCLE('',{f.frame(axis=(0, 0, 0))},1.)"), "CIRCLE has an axis or direction that is none"),
        (lambda f: f(f"CIRCLE('',{f('AXIS2_PLACEMENT_3D(1,#1,$,$)')},1.)"), "CIRCLE has an axis"),
        (lambda f: f(f"CIRCLE('',{f('AXIS2_PLACEMENT_2D($,#1,$)')},1.)"), "CIRCLE has #"),
        (lambda f: f(SPLINE.replace("@", f.points(*FOUR[:3]))), "has knots that do not fit its control points"),
        (lambda f: f(SPLINE.replace("@", f.points(*FOUR[:2]))), "has control points that do not fit its degree"),
        (lambda f: f(SPLINE.replace("@", f.points(*FOUR)).replace("0.,1.,4.", "0.,0.,4.")), "has knots"),
        (lambda f: f(SPLINE.replace("@", f.points(*FOUR)).replace("0.,1.,4.", "0.,4.")), "has knots"),
        (lambda f: f(SPLINE.replace("@", f.points(*FOUR)).replace("(3,1,3)", "(3,4000000,3)")), "has knots"),
        (lambda f: f(SPLINE.replace("@", f.points(*FOUR)).replace("(3,1,3),(0.,1.,4.)", "(7),(0.)")), "has knots"),
        (lambda f: f(SPLINE.replace("@", "(" + ",".join([f(CARTESIAN_2D)] * 4) + ")")), "needs points in space"),
        (lambda f: f(PARTS.replace("@", f.points(*FOUR)).replace("(1.,2.", "(1.,0.")), "has weights"),
        (lambda f: f(PARTS.replace("@", f.points(*FOUR)).replace("(1.,2.", "(1.,1.,2.")), "has weights"),
        (lambda f: f(PARTS.replace("@", f.points(*FOUR)).replace("B_SPLINE_CURVE_WITH_KNOTS((3,1,3),(0.,1.,4.),.U.)", "")), "has control points"),
        (lambda f: f(PARTS.replace("@", f.points(*FOUR)).replace("(2,(", "(1.5,(")), "expected whole number"),
        (lambda f: f("BEZIER_CURVE('',2,@,.U.,.F.,.F.)".replace("@", f.points(*FOUR))), "has knots"),
        (lambda f: f("POLYLINE('',@)".replace("@", f.points(FOUR[0]))), "POLYLINE has control points"),
        (lambda f: f(f"POLYLINE('',({f(CARTESIAN_2D)},{f(CARTESIAN_2D)}))"), "POLYLINE needs points in space"),
        (lambda f: f(f"OFFSET_CURVE_3D('',{f.line((0, 0, 0), (1, 0, 0))},1.,.F.,{f.direction(1, 0, 0)})"), "OFFSET_CURVE_3D is of a type that is not read"),
        (lambda f: f(f"SURFACE_CURVE('',#{len(f) + 1},(),.U.)"), "SURFACE_CURVE is of a type that is not read"),
    ],
)  # fmt: skip
def test_a_curve_that_cannot_be_read_has_a_reason(make, words):
    curve, _, found = one_curve(make)
    assert curve is None
    assert words in reason(found)


CARTESIAN_2D = "CARTESIAN_POINT('',(0.,1.))"


def test_an_edge_needs_points_and_arguments():
    lines = Lines()
    line = lines.line((0, 0, 0), (1, 0, 0))
    flat = lines(f"VERTEX_POINT('',{lines(CARTESIAN_2D)})")
    good = lines.vertex(0, 0, 0)
    none = lines("VERTEX_POINT('',$)")
    for first, last in ((flat, good), (good, flat), (none, none)):
        lines(f"EDGE_CURVE('',{first},{last},{line},.T.)")
    lines.face(lines(f"PLANE('',{lines.frame()})"), lines.loop(lines(f"EDGE_CURVE('',{good},{good},$,.T.)")))
    found = decoded(lines)
    assert found.shapes.edges[:, 0].tolist() == [-1, -1, -1]
    assert found.shapes.faces[:, 0].tolist() == [-1]
    texts = list(found.problems.values())
    assert any("CARTESIAN_POINT needs points in space" in text for text in texts)
    assert any("VERTEX_POINT has $ as argument 2, expected point" in text for text in texts)
    assert any("EDGE_CURVE has $ as argument 4, expected curve" in text for text in texts)


# --- joined curves


def arc(f, radius=1.0, trims=((1, 0, 0), (0, 1, 0)), sense=".T.", points=True):
    circle = f(f"CIRCLE('',{f.frame()},{radius!r})")
    ends = [f"({f.point(*one)})" if points else f"(PARAMETER_VALUE({one!r}))" for one in trims]
    return f(f"TRIMMED_CURVE('',{circle},{ends[0]},{ends[1]},{sense},.U.)")


def segment(f, start, end, points=True):
    line = f.line(start, np.subtract(end, start), 2.0)
    length = float(np.linalg.norm(np.subtract(end, start))) / 2
    ends = (
        (f.point(*start), f.point(*end))
        if points
        else ("PARAMETER_VALUE(0.)", f"PARAMETER_VALUE({length!r})")
    )
    return f(f"TRIMMED_CURVE('',{line},({ends[0]}),({ends[1]}),.T.,.U.)")


def composite(f, *curves):
    parts = [f(f"COMPOSITE_CURVE_SEGMENT(.CONTINUOUS.,{sense},{curve})") for curve, sense in curves]
    return f(f"COMPOSITE_CURVE('',({','.join(parts)}),.F.)")


def spline(f, text=SPLINE):
    return f(text.replace("@", f.points(*FOUR)))


def polyline(f, *points):
    return f(f"POLYLINE('',{f.points(*points)})")


def bezier(*points):
    """Points of a polynomial curve of any degree, by de Casteljau's algorithm."""

    def value(t):
        rest = np.array(points, float)
        while len(rest) > 1:
            rest = (1 - t) * rest[:-1] + t * rest[1:]
        return rest[0]

    return value


def turn(first, last, radius=1.0):
    return lambda t: radius * np.array([math.cos(a := first + t * (last - first)), math.sin(a), 0])


def test_arcs_are_trimmed_in_the_unit_of_angles():
    """Degrees; where a file has several units, nothing says which one is meant."""
    lines = Lines()
    lines.edge(composite(lines, (arc(lines, 1.0, (0.0, 90.0), points=False), ".T.")))
    entities = part21.read(lines.file())
    table = shapes.decode(entities, math.pi / 180).shapes
    assert np.allclose([at(table, 1, t) for t in (0, 1)], [(1, 0, 0), (0, 1, 0)])
    (text,) = shapes.decode(entities, None).problems.values()
    assert text.endswith("COMPOSITE_CURVE is of a type that is not read")


@pytest.mark.parametrize("points", [True, False])
def test_lines_and_arcs_are_joined_exactly(points):
    half = (0.0, math.pi / 2)

    def make(f):
        first = arc(f, 1.0, ((1, 0, 0), (0, 1, 0)) if points else half, ".T.", points)
        back = arc(f, 1.0, ((0, 1, 0), (1, 0, 0)) if points else half[::-1], ".F.", points)
        return composite(
            *(f, (segment(f, (3, 0, 0), (1, 0, 0), points), ".T."), (first, ".T.")),
            *((back, ".T."), (segment(f, (3, 0, 0), (1, 0, 0), points), ".F.")),
        )

    curve, _, found = one_curve(make)
    table = found.shapes
    assert curve[:3].tolist() == [brep.SPLINE, -1, 2]
    assert curve[7] == 1
    assert knots(found, len(table.curves) - 1) == [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4]
    row = len(table.curves) - 1
    for i in range(4):
        ends = [at(table, row, i + t) for t in (0.0, 1.0)]
        expected = [(3, 0, 0), (1, 0, 0), (0, 1, 0), (1, 0, 0), (3, 0, 0)][i : i + 2]
        assert np.allclose(ends, expected, atol=1e-15)
    for t in np.linspace(1, 3, 17):
        assert np.linalg.norm(at(table, row, t)) == pytest.approx(1, abs=1e-15)


def test_a_whole_circle_and_an_ellipse_are_joined():
    for text, radii in (("CIRCLE('',@,2.)", (2, 2)), ("ELLIPSE('',@,3.,1.)", (3, 1))):
        curve, _, found = one_curve(
            lambda f, text=text: composite(f, (f(text.replace("@", f.frame())), ".T."))
        )
        for t in np.linspace(0, 4, 33):
            x, y, _ = at(found.shapes, len(found.shapes.curves) - 1, t)
            assert (x / radii[0]) ** 2 + (y / radii[1]) ** 2 == pytest.approx(1, abs=1e-14)
        assert curve[4] == 9


@pytest.mark.parametrize(
    "text", [SPLINE, PARTS, "UNIFORM_CURVE('',2,@,.U.,.F.,.F.)", "QUASI_UNIFORM_CURVE('',3,@,.U.,.F.,.F.)"]
)
@pytest.mark.parametrize("trim", [None, (0.25, 0.75), (0.5, 1.5)])
def test_splines_are_joined_exactly(text, trim):
    """Their Bézier pieces go through the points of the spline; also between two parameters."""

    def make(f):
        curve = spline(f, text)
        if trim:
            ends = [f"(PARAMETER_VALUE({one!r}))" for one in trim]
            curve = f(f"TRIMMED_CURVE('',{curve},{ends[0]},{ends[1]},.T.,.U.)")
        return composite(f, (curve, ".T."))

    if trim == (0.5, 1.5) and "QUASI" in text:
        return
    _, _, found = one_curve(make)
    table, row = found.shapes, len(found.shapes.curves) - 1
    original = knots(found, 0)
    degree = int(table.curves[0, 2])
    inner = np.unique(original[degree : len(original) - degree])
    low, high = trim or (inner[0], inner[-1])
    breaks = [low, *[x for x in inner if low < x < high], high]
    for i, (a, b) in enumerate(itertools.pairwise(breaks)):
        for t in (0.0, 1.0):
            assert np.allclose(at(table, row, i + t), at(table, 0, a + t * (b - a)), atol=1e-14)
        middle = [at(table, 0, x) for x in np.linspace(a, b, 400)]
        distances = np.linalg.norm(middle - at(table, row, i + 0.5), axis=1)
        assert distances.min() < 0.01


def test_a_spline_may_be_trimmed_by_its_own_ends():
    def make(f):
        curve = spline(f)
        first, last = (f.point(*one) for one in (FOUR[0], FOUR[-1]))
        trimmed = f(f"TRIMMED_CURVE('',{curve},({first}),({last}),.T.,.U.)")
        return composite(f, (trimmed, ".T."))

    _, _, found = one_curve(make)
    assert found.problems == {}


def test_composite_curves_may_hold_composite_curves():
    def make(f):
        inner = composite(f, (polyline(f, (0, 0, 0), (1, 0, 0), (1, 1, 0)), ".T."))
        return composite(f, (inner, ".F."), (polyline(f, (0, 0, 0), (5, 0, 0)), ".T."))

    curve, _, found = one_curve(make)
    first, count = curve[3:5]
    assert found.shapes.controls[first : first + count, :3].tolist() == [
        [1, 1, 0],
        [1, 0, 0],
        [0, 0, 0],
        [5, 0, 0],
    ]
    assert curve[7] == 0


def endless(f):
    row = len(f) + 2
    inner = f(f"COMPOSITE_CURVE_SEGMENT(.CONTINUOUS.,.T.,#{row})")
    return f(f"COMPOSITE_CURVE('',({inner}),.F.)")


def trimmed(f, curve, first, last):
    return composite(f, (f(f"TRIMMED_CURVE('',{curve},({first}),({last}),.T.,.U.)"), ".T."))


@pytest.mark.parametrize(
    "make",
    [
        endless,
        lambda f: composite(f, (f.line((0, 0, 0), (1, 0, 0)), ".T.")),
        lambda f: trimmed(f, f.line((0, 0, 0), (1, 0, 0)), "$", "$"),
        lambda f: trimmed(f, f.line((0, 0, 0), (1, 0, 0)), f(CARTESIAN_2D), "PARAMETER_VALUE('a')"),
        lambda f: trimmed(f, f(f"CIRCLE('',{f.frame()},1.)"), "PARAMETER_VALUE(0.)", "$"),
        lambda f: trimmed(f, spline(f), "PARAMETER_VALUE(3.)", "PARAMETER_VALUE(1.)"),
        lambda f: trimmed(f, spline(f), f.point(7, 7, 7), "PARAMETER_VALUE(1.)"),
        lambda f: trimmed(f, f(f"PARABOLA('',{f.frame()},1.)"), "PARAMETER_VALUE(0.)", "PARAMETER_VALUE(1.)"),
        lambda f: composite(f, (f(f"OFFSET_CURVE_3D('',{f.line((0, 0, 0), (1, 0, 0))},1.,.F.,{f.direction(1, 0, 0)})"), ".T.")),
        lambda f: composite(f, ("$", ".T.")),
        lambda f: composite(f, (f("COMPOSITE_CURVE('',(),$,$)"), ".T.")),
        lambda f: f("COMPOSITE_CURVE('',(),.F.)"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_not_read(make):
    curve, _, found = one_curve(make)
    assert curve is None
    assert any("COMPOSITE_CURVE is of a type that is not read" in text for text in found.problems.values())


# --- surfaces


@pytest.mark.parametrize(
    ("text", "kind", "numbers", "base"),
    [
        ("PLANE('',@)", brep.PLANE, [0, 0], 0),
        ("CYLINDRICAL_SURFACE('',@,2.)", brep.CYLINDER, [2, 0], 0),
        ("CONICAL_SURFACE('',@,2.,0.5)", brep.CONE, [2, 0.5], 0),
        ("CONICAL_SURFACE('',@,0.,0.5)", brep.CONE, [0, 0.5], 0),
        ("SPHERICAL_SURFACE('',@,2.)", brep.SPHERE, [2, 0], 0),
        ("TOROIDAL_SURFACE('',@,3.,1.)", brep.TORUS, [3, 1], 0),
        ("DEGENERATE_TOROIDAL_SURFACE('',@,1.,3.,.T.)", brep.TORUS, [1, 3], 0),
        ("DEGENERATE_TOROIDAL_SURFACE('',@,1.,3.,.F.)", brep.TORUS, [1, 3], 1),
    ],
)
def test_elementary_surfaces_have_a_frame_and_sizes(text, kind, numbers, base):
    surface, found, _ = one_surface(lambda f: f(text.replace("@", f.frame())))
    assert surface[[0, 11]].tolist() == [kind, base]
    assert surface[1] >= 0
    assert found[:2].tolist() == numbers


NET = "B_SPLINE_SURFACE_WITH_KNOTS('',1,2,@,.U.,.F.,.F.,.F.,(2,2),(3,3),(0.,1.),(0.,5.),.U.)"
NET_PARTS = "(B_SPLINE_SURFACE(1,2,@,.U.,.F.,.F.,.F.)B_SPLINE_SURFACE_WITH_KNOTS((2,2),(3,3),(0.,1.),(0.,5.),.U.)RATIONAL_B_SPLINE_SURFACE(((1.,2.,3.),(4.,5.,6.)))SURFACE())"
ROWS = [[(0, 0, 0), (0, 1, 1), (0, 2, 0)], [(1, 0, 0), (1, 1, 1), (1, 2, 0)]]


def net(f, rows=ROWS):
    return "(" + ",".join(f.points(*row) for row in rows) + ")"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NET, [0, 0, 1, 1, 0, 0, 0, 5, 5, 5]),
        (NET_PARTS, [0, 0, 1, 1, 0, 0, 0, 5, 5, 5]),
        ("BEZIER_SURFACE('',1,2,@,.U.,.F.,.F.,.F.)", [0, 0, 1, 1, 0, 0, 0, 1, 1, 1]),
        ("UNIFORM_SURFACE('',1,1,@,.U.,.F.,.F.,.F.)", [-1, 0, 1, 2, -1, 0, 1, 2, 3]),
        ("QUASI_UNIFORM_SURFACE('',1,1,@,.U.,.F.,.F.,.F.)", [0, 0, 1, 1, 0, 0, 1, 2, 2]),
        ("(B_SPLINE_SURFACE(1,2,@,.U.,.F.,.F.,.F.)BEZIER_SURFACE())", [0, 0, 1, 1, 0, 0, 0, 1, 1, 1]),
    ],
)
def test_spline_surfaces_have_a_net_and_all_their_knots(text, expected):
    surface, _, found = one_surface(lambda f: f(text.replace("@", net(f))))
    _, _, p, q, u, v, first, knot, ku, kv, rational, _ = surface.tolist()
    weights = [1, 2, 3, 4, 5, 6] if "RATIONAL" in text else [1] * 6
    points = [point for row in ROWS for point in row]
    assert (u, v, ku, kv, rational) == (2, 3, 3 + p, 4 + q, int("RATIONAL" in text))
    assert found.shapes.knots[knot : knot + ku + kv].tolist() == expected
    assert found.shapes.controls[first : first + 6].tolist() == [
        [*p, w] for p, w in zip(points, weights, strict=True)
    ]


def test_swept_surfaces_name_their_curve():
    surface, numbers, found = one_surface(
        lambda f: f(
            f"SURFACE_OF_LINEAR_EXTRUSION('',{spline(f)},{f(f'VECTOR($,{f.direction(0, 0, 4)},9.)')})"
        )
    )
    assert surface[0] == brep.EXTRUSION
    assert numbers[:3].tolist() == [0, 0, 1]
    assert found.shapes.curves[surface[11], 0] == brep.SPLINE
    surface, _, found = one_surface(
        lambda f: f(f"SURFACE_OF_REVOLUTION('',{f.line((1, 0, 0), (0, 0, 1))},{f(f'AXIS1_PLACEMENT($,{f.point(1, 2, 3)},{f.direction(0, 5, 0)})')})")
    )  # fmt: skip
    assert surface[0] == brep.REVOLUTION
    assert found.shapes.curves[surface[11], 0] == brep.LINE
    assert found.shapes.frames[surface[1], [0, 1, 2, 9, 10, 11]].tolist() == [1, 2, 3, 0, 1, 0]


def plane(f):
    return f(f"PLANE('',{f.frame()})")


def trim(f, surface, senses=".T.,.T."):
    return f(f"RECTANGULAR_TRIMMED_SURFACE('',{surface},0.,1.,0.,1.,{senses})")


def reversed_extrusion(f):
    curve = f(f"TRIMMED_CURVE('',{f.line((1, 0, 0), (0, 0, 1))},(),(),.F.,.U.)")
    vector = f(f"VECTOR($,{f.direction(0, 1, 0)},1.)")
    return f(f"SURFACE_OF_LINEAR_EXTRUSION('',{curve},{vector})")


@pytest.mark.parametrize(
    ("make", "same"),
    [
        (plane, 1),
        (lambda f: trim(f, plane(f)), 1),
        (lambda f: trim(f, plane(f), ".F.,.F."), 1),
        (lambda f: trim(f, plane(f), ".F.,.T."), 0),
        (lambda f: trim(f, trim(f, plane(f), ".F.,.T."), ".T.,.F."), 1),
        (lambda f: f(f"CURVE_BOUNDED_SURFACE('',{plane(f)},(),.T.)"), 1),
        (reversed_extrusion, 0),
    ],
)
def test_trims_of_surfaces_are_left_out_and_their_sense_is_the_faces(make, same):
    surface, _, found = one_surface(make)
    assert surface[0] in (brep.PLANE, brep.EXTRUSION)
    assert found.shapes.faces[0, 1] == same


@pytest.mark.parametrize(
    ("make", "distance"),
    [
        (plane, 0.5),
        (lambda f: trim(f, plane(f), ".F.,.T."), -0.5),
        (reversed_extrusion, -0.5),
        (lambda f: f(f"OFFSET_SURFACE('',{trim(f, plane(f), '.F.,.T.')},2.,.F.)"), -0.5),
    ],
)
def test_offsets_name_their_surface(make, distance):
    """Where the surface below is turned round by a trim, so is the side that the offset is on."""
    surface, numbers, found = one_surface(lambda f: f(f"OFFSET_SURFACE('',{make(f)},0.5,.F.)"))
    assert surface[0] == brep.OFFSET
    assert numbers[0] == distance
    assert found.shapes.surfaces[surface[11], 0] in (brep.PLANE, brep.EXTRUSION, brep.OFFSET)


def ring(f):
    row = len(f) + 2
    f(f"OFFSET_SURFACE('',#{row},1.,.F.)")
    return f(f"OFFSET_SURFACE('',#{row - 1},1.,.F.)")


def own_trim(f):
    return trim(f, f"#{len(f) + 1}")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f(f"PLANE('',{f.frame(axis=(0, 0, 0))})"), "PLANE has an axis or direction that is none"),
        (lambda f: f(f"SPHERICAL_SURFACE('',{f.frame()},-1.)"), "has a radius or angle that is not positive"),
        (lambda f: f(f"CONICAL_SURFACE('',{f.frame()},0.,0.)"), "has a radius or angle that is not positive"),
        (lambda f: f(NET.replace("@", net(f, [ROWS[0], ROWS[1][:2]]))), "has control points that do not fit its degree"),
        (lambda f: f(NET.replace("@", net(f, ROWS[:1]))), "has control points that do not fit its degree"),
        (lambda f: f(NET.replace("@", f"(({','.join([f(CARTESIAN_2D)] * 3)}),({','.join([f(CARTESIAN_2D)] * 3)}))")), "needs points in space"),
        (lambda f: f(NET.replace("@", net(f)).replace("(2,2)", "(2,1)")), "has knots"),
        (lambda f: f(NET.replace("@", net(f)).replace("(3,3)", "(3,1)")), "has knots"),
        (lambda f: f("BEZIER_SURFACE('',1,1,@,.U.,.F.,.F.,.F.)".replace("@", net(f, [row + row[:1] for row in ROWS] + [ROWS[0] + ROWS[0][:1]])).replace(",1,1,", ",2,2,")), "has knots"),
        (lambda f: f(NET_PARTS.replace("@", net(f)).replace("(1.,2.,3.)", "(1.,2.)")), "has weights"),
        (lambda f: f(NET_PARTS.replace("@", net(f)).replace(",(4.,5.,6.)", "")), "has weights"),
        (lambda f: f(NET_PARTS.replace("@", net(f)).replace(",(4.,5.,6.)", ",(4.,5.,6.),(4.,5.,6.)")), "has weights"),
        (lambda f: f(f"SURFACE_OF_LINEAR_EXTRUSION('',{f.line((0, 0, 0), (1, 0, 0))},{f(f'VECTOR($,{f.direction(0, 0, 0)},1.)')})"), "has an axis"),
        (lambda f: f(f"SURFACE_OF_LINEAR_EXTRUSION('',{f.line((0, 0, 0), (1, 0, 0))},{f(f'VECTOR(1,{f.direction(0, 0, 1)},1.)')})"), "has an axis"),
        (lambda f: f(f"SURFACE_OF_REVOLUTION('',{f.line((0, 0, 0), (1, 0, 0))},{f(f'AXIS1_PLACEMENT($,{f.point(0, 0, 0)},{f.direction(0, 0, 0)})')})"), "has an axis"),
        (ring, "is made of itself"),
        (own_trim, "is made of itself"),
        (lambda f: f("PLANE('',$)"), "PLANE has $ as argument 2, expected frame"),
        (lambda f: f(f"OFFSET_SURFACE('',{own_trim(f)},1.,.F.)"), "OFFSET_SURFACE is made of a curve or surface that is not read"),
    ],
)  # fmt: skip
def test_a_surface_that_cannot_be_read_has_a_reason(make, words):
    surface, _, found = one_surface(make)
    assert surface is None
    assert any(words in text for text in found.problems.values())
    assert found.shapes.faces[0, 0] == -1


@pytest.mark.parametrize("depth", [1, 2, 20])
def test_an_offset_of_what_cannot_be_read_is_none(depth):
    def make(f):
        surface = f(f"SPHERICAL_SURFACE('',{f.frame()},-1.)") if depth < 20 else plane(f)
        for _ in range(depth):
            surface = f(f"OFFSET_SURFACE('',{surface},1.,.F.)")
        return surface

    surface, _, found = one_surface(make)
    assert surface is None
    assert any("OFFSET_SURFACE is made of" in text for text in found.problems.values())


def test_a_surface_swept_by_what_cannot_be_read_is_none():
    _, _, found = one_surface(
        lambda f: f(f"SURFACE_OF_LINEAR_EXTRUSION('',{f.line((0, 0, 0), (0, 0, 0))},{f(f'VECTOR($,{f.direction(0, 0, 4)},9.)')})")
    )  # fmt: skip
    words = "SURFACE_OF_LINEAR_EXTRUSION is made of a curve or surface that is not read"
    assert any(words in text for text in found.problems.values())


# --- topology


def test_loops_name_edges_in_their_direction():
    lines = Lines()
    a = lines.edge(lines.line((0, 0, 0), (1, 0, 0)), (0, 0, 0), (1, 0, 0))
    b = lines.edge(lines.line((1, 0, 0), (0, 1, 0)), (0, 0, 0), (1, 0, 0))
    forth, back = lines(f"ORIENTED_EDGE('',*,*,{a},.T.)"), lines(f"ORIENTED_EDGE('',#1,(),{b},.F.)")
    loop = lines(f"EDGE_LOOP('',({forth},{back}))")
    pole = lines(f"VERTEX_LOOP('',{lines.vertex(0, 0, 0)})")
    bounds = [lines(f"FACE_OUTER_BOUND('',{loop},.F.)"), lines(f"FACE_BOUND('',{pole},.T.)")]
    lines(f"FACE_SURFACE('',({','.join(bounds)}),{plane(lines)},.F.)")
    table = decoded(lines).shapes
    assert table.uses.tolist() == [1, -2]
    assert table.loops.tolist() == [[0, 2, 0, brep.EDGES], [2, 0, 1, brep.VERTEX]]
    assert table.faces[0, 1:4].tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f(f"EDGE_LOOP('',({f('ORIENTED_EDGE($,*,*,$,.T.)')}))"), "ORIENTED_EDGE has $ as argument 4, expected edge"),
        (lambda f: f(f"EDGE_LOOP('',({f(f'ORIENTED_EDGE($,*,*,#{len(f) + 1},.T.)')}))"), "ORIENTED_EDGE as argument 4, expected edge"),
        (lambda f: f("EDGE_LOOP('',())"), "EDGE_LOOP has no edges"),
        (lambda f: f("EDGE_LOOP('',$)"), "EDGE_LOOP has $ as argument 2, expected a list of use"),
        (lambda f: f(f"POLY_LOOP('',({f(CARTESIAN_2D)}))"), "needs points in space"),
    ],
)  # fmt: skip
def test_a_face_whose_boundary_cannot_be_read_has_no_surface(make, words):
    lines = Lines()
    lines.face(plane(lines), make(lines))
    found = decoded(lines)
    assert found.shapes.faces[:, 0].tolist() == [-1]
    assert words in reason(found)


def test_a_face_without_bounds_or_with_others_is_none():
    lines = Lines()
    face = lines("ADVANCED_FACE('',$,#1,.T.)")
    bound = lines("FACE_BOUND('',$,.T.)")
    lines(f"ADVANCED_FACE('',({bound}),{plane(lines)},.T.)")
    lines.shell(face, kind="OPEN_SHELL")
    found = decoded(lines)
    assert found.shapes.faces[:, 0].tolist() == [-1, -1]
    assert found.shapes.faces[:, 3].tolist() == [0, 1]
    assert found.shapes.shell_faces.tolist() == [[0, 1]]
    texts = list(found.problems.values())
    assert any("has $ as argument 2, expected a list of bound" in text for text in texts)
    assert any("FACE_BOUND has $ as argument 2, expected loop" in text for text in texts)


def test_shells_and_solids_name_what_they_are_made_of():
    lines = Lines()
    faces = [lines.disc() for _ in range(4)]
    turned = lines(f"ORIENTED_FACE('',*,{faces[1]},.F.)")
    outer = lines.shell(faces[0], turned)
    inner = lines(f"ORIENTED_CLOSED_SHELL('',*,{lines.shell(faces[2])},.F.)")
    bad = lines("CLOSED_SHELL('',$)")
    lines(f"BREP_WITH_VOIDS('',{outer},({inner},{bad}))")
    lines(f"MANIFOLD_SOLID_BREP('',{bad})")
    lines("MANIFOLD_SOLID_BREP('',$)")
    lines(f"(BREP_WITH_VOIDS(({inner}))FACETED_BREP()MANIFOLD_SOLID_BREP({outer})REPRESENTATION_ITEM(''))")
    lines("(MANIFOLD_SOLID_BREP())")
    lines(f"SHELL_BASED_SURFACE_MODEL('',({lines.shell(faces[3], kind='OPEN_SHELL')},{inner}))")
    lines("SHELL_BASED_SURFACE_MODEL('',$)")
    found = decoded(lines)
    table = found.shapes
    assert table.shell_faces.tolist() == [[0, 1], [1, 0], [2, 1], [3, 1]]
    assert table.shells[:, :2].tolist() == [[0, 2], [2, 1], [3, 1]]
    assert table.solids[:, :2].tolist() == [[0, 3], [3, 1], [4, 1], [5, 2], [7, 1]]
    assert table.solid_shells.tolist() == [[0, 1], [1, 0], [-1, 1], [-1, 1], [-1, 1], [0, 1], [1, 0], [-1, 1]]
    assert sorted(found.solids.values()) == [0, 1, 2, 3, 4]
    assert ((2, 1), (1, 0)) in found.surfaces.values()


def test_loops_that_are_used_without_end_are_refused():
    lines = Lines()
    edge = lines.edge(lines.line((0, 0, 0), (1, 0, 0)))
    loop = lines.loop(*[edge] * 40)
    bound, surface = lines(f"FACE_BOUND('',{loop},.T.)"), plane(lines)
    for _ in range(40):
        lines(f"ADVANCED_FACE('',({','.join([bound] * 9)}),{surface},.T.)")
    with pytest.raises(FormatError, match="360 bounds with 14400 edges, more than the"):
        decoded(lines)


def test_a_frame_that_several_use_is_one():
    lines = Lines()
    frame = lines.frame()
    circles = [lines(f"CIRCLE('',{frame},{r}.)") for r in (1, 2)]
    for circle in circles:
        lines.edge(circle)
    lines.disc(surface=lines(f"PLANE('',{frame})"))
    table = decoded(lines).shapes
    assert len(table.frames) == 2
    assert table.curves[:2, 1].tolist() == [0, 0] == [table.surfaces[0, 1]] * 2


# --- polygons


CUBE = [(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
SIDES = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]


def faceted(bare=True, shared=True):
    lines = Lines()
    corners = [lines.point(*corner) for corner in CUBE]
    faces = []
    for side in SIDES:
        names = [corners[i] if shared else lines.point(*CUBE[i]) for i in (*side, side[0])]
        loop = lines(f"POLY_LOOP('',({','.join(names)}))")
        bound = lines(f"FACE_OUTER_BOUND('',{loop},.T.)")
        faces.append(
            lines(f"FACE('',({bound}))") if bare else lines(f"FACE_SURFACE('',({bound}),{plane(lines)},.T.)")
        )
    lines(f"FACETED_BREP('',{lines.shell(*faces)})")
    return decoded(lines)


@pytest.mark.parametrize("shared", [True, False])
def test_polygons_share_their_sides(shared):
    """A corner that is written again, as an end or by another face, is the same corner."""
    table = faceted(shared=shared).shapes
    assert len(table.edges) == 12
    assert table.loops[:, 1].tolist() == [4] * 6
    assert np.bincount(np.abs(table.uses))[1:].tolist() == [2] * 12
    assert np.bincount(np.abs(table.uses), np.sign(table.uses))[1:].tolist() == [0] * 12
    assert (table.curves[table.edges[:, 0], 0] == brep.LINE).all()
    assert np.allclose(table.edge_points[:, 3:] - table.edge_points[:, :3], table.curve_numbers[:, 3:])


def test_polygons_without_a_surface_lie_on_planes():
    table = faceted().shapes
    normals = table.frames[table.surfaces[table.faces[:, 0], 1], 9:]
    assert normals.tolist() == [[0, 0, -1], [0, 0, 1], [0, -1, 0], [0, 1, 0], [-1, 0, 0], [1, 0, 0]]
    frames = table.frames[:, 3:].reshape(-1, 3, 3)
    assert np.allclose(frames @ frames.transpose(0, 2, 1), np.eye(3))
    assert np.allclose(np.linalg.det(frames), 1)


def test_polygons_with_a_surface_keep_it():
    assert len(faceted(bare=False).shapes.surfaces) == 6


def test_a_polygon_of_one_corner_has_no_plane():
    lines = Lines()
    loops = [lines(f"POLY_LOOP('',({','.join([lines.point(1, 2, 3)] * 3)}))"), lines.loop(lines.edge(lines.line((0, 0, 0), (1, 0, 0))))]  # fmt: skip
    bounds = [lines(f"FACE_BOUND('',{loop},.F.)") for loop in loops]
    lines(f"FACE('',({','.join(bounds[:1])}))")
    lines("FACE('',$)")
    lines(f"FACE_SURFACE('',({','.join(bounds)}),{plane(lines)},.T.)")
    table = decoded(lines).shapes
    assert table.faces[:, 0].tolist() == [-1, -1, 0]
    assert table.loops[:, 1].tolist() == [0, 0, 1]


def test_an_empty_polygon_is_none():
    lines = Lines()
    lines.face(plane(lines), lines("POLY_LOOP('',())"))
    assert "POLY_LOOP has no edges" in reason(decoded(lines))


# --- real files


@pytest.mark.skipif(not (HOME / "truth.json").exists(), reason=f"no corpus at {HOME}")
@pytest.mark.skipif(jit.DISABLED, reason="real files take too long as Python")
def test_all_faces_of_real_files_are_read():
    """Each solid of the 113 files with all its faces, of as many of each kind as the file has planes, …"""
    kinds = {brep.PLANE: "PLANE", brep.CYLINDER: "CYLINDRICAL_SURFACE", brep.SPHERE: "SPHERICAL_SURFACE"}
    for record in json.loads((HOME / "truth.json").read_text())["files"]:
        data = (HOME / record["file"]).read_bytes() if record["kind"] == "brep" else b""
        if not data:
            continue
        found = shapes.decode(part21.read(data))
        table = found.shapes
        assert not found.problems, record["file"]
        assert (table.faces[:, 0] >= 0).all()
        assert (table.edges[:, 0] >= 0).all()
        for kind, name in kinds.items():
            assert np.count_nonzero(table.surfaces[:, 0] == kind) <= data.count(name.encode())
        uses = np.zeros(len(table.edges) + 1, int)
        np.add.at(uses, np.abs(table.uses), 1)
        assert len(table.solids) == sum(
            data.count(name) for name in (b"MANIFOLD_SOLID_BREP", b"BREP_WITH_VOIDS")
        )


@pytest.mark.skipif(jit.DISABLED, reason="many files take too long as Python")
def test_references_to_anything_are_refused_or_read():
    """Each reference of a small part, one after the other, to each of some others: no crash, rows within bounds."""
    lines = Lines()
    lines.solid(
        lines.disc(),
        lines.disc(spline(lines, PARTS)),
        lines.disc(surface=lines(NET.replace("@", net(lines)))),
    )
    lines.face(reversed_extrusion(lines), lines.loop(lines.edge(composite(lines, (arc(lines), ".T.")))))
    text = lines.file().decode()
    places = [i for i, letter in enumerate(text) if letter == "#" and text[i - 1] in ",("]
    for place in places:
        for target in range(1, len(lines) + 1, 11):
            end = place + 1
            while text[end].isdigit():
                end += 1
            found = shapes.decode(part21.read((text[:place] + f"#{target}" + text[end:]).encode())).shapes
            bounds(found)


def bounds(table):
    """Everything that names a row names one that is there."""
    assert (table.edges[:, 0] < len(table.curves)).all()
    assert (table.faces[:, 0] < len(table.surfaces)).all()
    assert (np.abs(table.uses) <= len(table.edges)).all()
    assert (table.uses != 0).all()
    assert (table.shell_faces[:, 0] < len(table.faces)).all()
    assert (table.solid_shells[:, 0] < len(table.shells)).all()
    assert (table.loops[:, 0] + table.loops[:, 1] <= len(table.uses)).all()
    assert (table.faces[:, 2] + table.faces[:, 3] <= len(table.loops)).all()
    splines = table.curves[table.curves[:, 0] == brep.SPLINE]
    assert (splines[:, 3] + splines[:, 4] <= len(table.controls)).all()
    assert (splines[:, 5] + splines[:, 6] <= len(table.knots)).all()
    assert (splines[:, 6] == splines[:, 4] + splines[:, 2] + 1).all()


def test_a_file_without_shapes_is_empty():
    found = shapes.decode(part21.read(file("#1=PRODUCT('a')")))
    assert all(len(array) == 0 for array in found.shapes)
