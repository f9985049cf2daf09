"""Curves and surfaces against their definitions, derivatives against differences, splines against exact rationals."""

import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from solids_by_hand import PI, Builder, X, Y, Z

from massproof.brep import (
    CIRCLE,
    CONE,
    CYLINDER,
    ELLIPSE,
    EXTRUSION,
    HYPERBOLA,
    LINE,
    OFFSET,
    PARABOLA,
    PLANE,
    REVOLUTION,
    SPHERE,
    TORUS,
)  # fmt: skip
from massproof.kernels import curves, surfaces
from massproof.kernels.geometry import ROWS, WIDTH, Geometry
from massproof.kernels.inversion import GAP, U, V, free_foot, tube_foot
from massproof.kernels.patches import Patch
from massproof.sweeps import Net, arc, conic, curve_net, extruded, revolved

rng = np.random.default_rng(7)
FRAME = (np.array([1.0, -2, 3]), np.array([1.0, 2, 2]), np.array([2.0, 1, 0]))


def curve_at(shapes, c, t):
    out = np.zeros((3 * len(t), 3))
    curves.points(*shapes[:7], c, np.array(t, float), np.zeros((ROWS, WIDTH)), out)
    return out.reshape(-1, 3, 3)


def surface_at(shapes, s, uv):
    out = np.zeros((6 * len(uv), 3))
    surfaces.points(*shapes[:7], s, np.array(uv, float), np.zeros((ROWS, WIDTH)), out)
    return out.reshape(-1, 6, 3)


def spline(degree=3, rational=True):
    count = degree + 4
    knots = np.concatenate([[0.0] * (degree + 1), [0.25, 0.25, 0.7], [1.0] * (degree + 1)])
    points = rng.normal(size=(count, 4))
    points[:, 3] = rng.uniform(0.5, 2, count) if rational else 1.0
    return Net(points, (degree,), (knots,))


def patch(p=2, q=3, rational=True):
    u, v = spline(p), spline(q)
    points = rng.normal(size=(len(u.points), len(v.points), 4))
    points[..., 3] = rng.uniform(0.5, 2, points.shape[:2]) if rational else 1.0
    return Net(points, (p, q), (*u.knots, *v.knots))


def de_boor(knots, degree, points, t):
    """A point of a spline by repeated interpolation, in exact rational numbers; homogeneous."""
    knots = [Fraction(float(k)) for k in knots]
    t = Fraction(float(t))
    i = max(j for j in range(degree, len(points)) if knots[j] <= t and knots[j] < knots[j + 1])
    rows = [list(map(Fraction, row)) for row in points[i - degree : i + 1]]
    for r in range(1, degree + 1):
        for j in range(degree, r - 1, -1):
            a = (t - knots[j + i - degree]) / (knots[j + 1 + i - r] - knots[j + i - degree])
            rows[j] = [(1 - a) * x + a * y for x, y in zip(rows[j - 1], rows[j], strict=True)]
    return rows[degree]


def homogeneous(points):
    """Control points multiplied by their weights, exactly."""
    return [
        [Fraction(float(x)) * Fraction(float(p[3])) for x in p[:3]] + [Fraction(float(p[3]))] for p in points
    ]


def cartesian(row):
    return np.array([float(x / row[3]) for x in row[:3]])


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
@pytest.mark.parametrize("t", [0.0, 0.1, 0.25, 0.5, 0.7, 1.0])
def test_splines_are_what_exact_interpolation_gives(degree, t):
    build, net = Builder(), spline(degree)
    c = build.spline_curve(net)
    point = curve_at(build.shapes(), c, [t])[0, 0]

    assert point == pytest.approx(
        cartesian(de_boor(net.knots[0], degree, homogeneous(net.points), t)), rel=1e-12
    )


def test_spline_surfaces_are_splines_of_splines():
    build, net = Builder(), patch()
    s = build.spline_surface(net)
    for u, v in ((0.1, 0.9), (0.25, 0.3), (1.0, 0.0)):
        rows = [de_boor(net.knots[1], 3, homogeneous(row), v) for row in net.points]
        exact = cartesian(de_boor(net.knots[0], 2, rows, u))
        assert surface_at(build.shapes(), s, [(u, v)])[0, 0] == pytest.approx(exact, rel=1e-12)


def all_curves():
    build = Builder()
    frame = build.frame(*FRAME)
    rows = [
        build.line(np.array([1.0, 2, 3]), np.array([2.0, 0, 5])),
        build.curve(CIRCLE, frame, 2.0, 2.0),
        build.curve(ELLIPSE, frame, 2.0, 0.7),
        build.curve(PARABOLA, frame, 0.4),
        build.curve(HYPERBOLA, frame, 1.2, 0.8),
        build.spline_curve(spline(2)),
        build.spline_curve(spline(1, rational=False)),
    ]
    return build, rows


@pytest.mark.parametrize("which", range(7))
def test_derivatives_of_curves_are_their_differences(which):
    build, rows = all_curves()
    t, h = 0.4, 1e-4
    before, at, after = curve_at(build.shapes(), rows[which], [t - h, t, t + h])

    assert at[1] == pytest.approx((after[0] - before[0]) / (2 * h), rel=1e-5, abs=1e-5)
    assert at[2] == pytest.approx((after[1] - before[1]) / (2 * h), rel=1e-5, abs=1e-5)


def test_curves_pass_where_the_standard_says():
    build, rows = all_curves()
    shapes = build.shapes()
    origin, x, y, _ = shapes.frames[0].reshape(4, 3)

    assert curve_at(shapes, rows[0], [0.5])[0, 0] == pytest.approx([1.5, 1, 4])
    assert curve_at(shapes, rows[1], [PI / 2])[0, 0] == pytest.approx(origin + 2 * y)
    assert curve_at(shapes, rows[2], [PI])[0, 0] == pytest.approx(origin - 2 * x)
    assert curve_at(shapes, rows[3], [2.0])[0, 0] == pytest.approx(origin + 1.6 * x + 1.6 * y)
    assert curve_at(shapes, rows[4], [0.0])[0, 0] == pytest.approx(origin + 1.2 * x)


def test_a_spline_starts_again_beyond_its_end():
    build, rows = all_curves()
    early, late = curve_at(build.shapes(), rows[5], [0.2, 1.2])

    assert early == pytest.approx(late)


def all_surfaces():
    build = Builder()
    frame = build.frame(*FRAME)
    curve = build.spline_curve(spline(3))
    free = build.spline_surface(patch())
    rows = [
        build.surface(PLANE, frame), build.surface(CYLINDER, frame, 2.0), build.surface(CONE, frame, 2.0, 0.3),
        build.surface(SPHERE, frame, 2.0), build.surface(TORUS, frame, 3.0, 1.0), free,
        build.surface(EXTRUSION, frame, 0.6, 0.0, 0.8, base=curve), build.surface(REVOLUTION, frame, base=curve),
        build.surface(OFFSET, frame, 0.3, base=free), build.surface(EXTRUSION, frame, 0.6, 0.0, 0.8, base=build.line(X, Y)),
    ]  # fmt: skip
    return build.shapes(), rows


@pytest.mark.parametrize("which", range(10))
def test_derivatives_of_surfaces_are_their_differences(which):
    shapes, rows = all_surfaces()
    u, v, h = 0.4, 0.6, 1e-4
    at, left, right, below, above = surface_at(
        shapes, rows[which], [(u, v), (u - h, v), (u + h, v), (u, v - h), (u, v + h)]
    )
    near = {"rel": 1e-4, "abs": 1e-4}

    assert at[1] == pytest.approx((right[0] - left[0]) / (2 * h), **near)
    assert at[2] == pytest.approx((above[0] - below[0]) / (2 * h), **near)
    if which != 8:  # second derivatives of an offset are those of its basis
        assert at[3] == pytest.approx((right[1] - left[1]) / (2 * h), **near)
        assert at[4] == pytest.approx((above[1] - below[1]) / (2 * h), **near)
        assert at[5] == pytest.approx((above[2] - below[2]) / (2 * h), **near)


def test_an_offset_is_as_far_from_its_basis_as_it_says():
    shapes, rows = all_surfaces()
    base, offset = (surface_at(shapes, rows[k], [(0.4, 0.6)])[0] for k in (5, 8))
    normal = np.cross(base[1], base[2])

    assert offset[0] - base[0] == pytest.approx(0.3 * normal / np.linalg.norm(normal))


def test_the_surfaces_of_revolution_pass_where_the_standard_says():
    shapes, rows = all_surfaces()
    origin, x, y, z = shapes.frames[0].reshape(4, 3)
    u, v = 0.4, 0.6
    out = math.cos(u) * x + math.sin(u) * y

    assert surface_at(shapes, rows[0], [(u, v)])[0, 0] == pytest.approx(origin + u * x + v * y)
    assert surface_at(shapes, rows[1], [(u, v)])[0, 0] == pytest.approx(origin + 2 * out + v * z)
    assert surface_at(shapes, rows[2], [(u, v)])[0, 0] == pytest.approx(
        origin + (2 + v * math.tan(0.3)) * out + v * z
    )
    assert surface_at(shapes, rows[3], [(u, v)])[0, 0] == pytest.approx(
        origin + 2 * math.cos(v) * out + 2 * math.sin(v) * z
    )
    assert surface_at(shapes, rows[4], [(u, v)])[0, 0] == pytest.approx(
        origin + (3 + math.cos(v)) * out + math.sin(v) * z
    )


@pytest.mark.parametrize("kind", [LINE, CIRCLE, ELLIPSE, PARABOLA, HYPERBOLA])
def test_conics_are_rational_splines(kind):
    """Points of the spline satisfy the equation of the conic, and its ends are those of the range."""
    build, rows = all_curves()
    shapes = build.shapes()
    c = rows[kind - 1]
    net = curve_net(shapes, c, -0.7, 1.1)
    twin = Builder()
    s = twin.spline_curve(net)
    last = net.knots[0][-1]
    points = curve_at(twin.shapes(), s, np.linspace(0, last, 9))[:, 0]
    ends = curve_at(shapes, c, [-0.7, 1.1])[:, 0]

    assert points[[0, -1]] == pytest.approx(ends)
    if kind != LINE:
        origin, x, y, _ = shapes.frames[0].reshape(4, 3)
        a, b = shapes.curve_numbers[c, :2]
        p, q = (points - origin) @ x, (points - origin) @ y
        left = {PARABOLA: q**2 - 4 * a * p, HYPERBOLA: (p / a) ** 2 - (q / b) ** 2 - 1 if b else 0}
        assert left.get(kind, (p / a) ** 2 + (q / b) ** 2 - 1 if b else 0) == pytest.approx(0, abs=1e-12)


def test_sweeps_of_splines_are_their_surfaces():
    build, net = Builder(), spline(3)
    frame = build.frame(*FRAME)
    c = build.spline_curve(net)
    swept = [build.surface(EXTRUSION, frame, *Z, base=c), build.surface(REVOLUTION, frame, base=c)]
    free = [
        build.spline_surface(extruded(net, Z, -1.0, 2.0)),
        build.spline_surface(revolved(net, np.array(build.frames[0]))),
    ]
    shapes = build.shapes()

    assert surface_at(shapes, swept[0], [(0.3, 0.5)])[0, 0] == pytest.approx(
        surface_at(shapes, free[0], [(0.3, 0.5)])[0, 0]
    )
    # The spline's u is no angle but in the middle and at the ends of its quarters.
    assert surface_at(shapes, swept[1], [(PI / 4, 0.5)])[0, 0] == pytest.approx(
        surface_at(shapes, free[1], [(0.5, 0.5)])[0, 0]
    )


def test_whole_turns_close_exactly():
    assert (arc(2.0, 1.0, 0.3, 0.3 + 2 * PI).points[0] == arc(2.0, 1.0, 0.3, 0.3 + 2 * PI).points[-1]).all()
    assert len(conic(PARABOLA, 1.0, 0.0, 0.0, 1.0).points) == 3


NO_PATCH = Patch._make([0] * len(Patch._fields))


@pytest.mark.parametrize("v", [2.5, 3.0, 3.3, 4.0])
def test_the_foot_on_the_inner_part_of_a_spindle_torus_has_the_v_of_its_point(v):
    """There v goes on through π, from one cusp to the other, and does not jump to −π."""
    here, a, b = np.zeros(8), 1.0, 2.0
    patch = NO_PATCH._replace(kind=TORUS, a=a, b=b, lemon=True)
    tube_foot(patch, a + 1.1 * b * math.cos(v), 1.1 * b * math.sin(v), 0.0, 0.0, here)

    assert here[V] == pytest.approx(v)
    assert here[GAP] == pytest.approx(0.1 * b)


def test_the_search_for_a_foot_where_the_surface_stands_still_ends():
    """S = (u³, v, 0) at u = 0: Newton's method converges by 4/5 a step there, too slowly for a tiny face."""
    points = np.zeros((4, 2, 4))
    points[3, :, 0], points[:, 1, 1], points[..., 3] = 1, 1, 1
    build = Builder()
    s = build.spline_surface(Net(points, (3, 1), (np.repeat([0.0, 1.0], 4), np.repeat([0.0, 1.0], 2))))
    patch = NO_PATCH._replace(surface=s, base=s, size=1e-6, high_u=1.0, high_v=1.0)
    here, scratch = np.zeros(8), SimpleNamespace(at=np.full((7, 3), np.nan), work=np.zeros((ROWS, WIDTH)))
    here[U] = here[V] = 1.0
    free_foot(Geometry(*build.shapes()[:7]), patch, np.array([0, 0.4, 0]), Y, here, 0, scratch)

    assert here[V] == pytest.approx(0.4)
    assert 0 < here[U] < 1e-3
    assert here[GAP] < 1e-9
