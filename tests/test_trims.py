"""Where edges begin and end on curves, and splines that close in the other direction."""

import numpy as np
import pytest
from solids_by_hand import PI, SOLIDS, Builder, filleted_box, frustum, twin

from massproof.brep import LINE, SPLINE
from massproof.exact import integrate
from massproof.kernels.curves import point
from massproof.kernels.geometry import ROWS, WIDTH, Geometry
from massproof.kernels.trims import foot
from massproof.sweeps import Net, curve_net
from massproof.tables import prepare


def with_spline_curves(shapes):
    """The same edges on splines, arcs being parts of whole circles."""
    build = Builder()
    for c in range(len(shapes.curves)):
        build.spline_curve(
            curve_net(
                shapes,
                c,
                -0.5 if shapes.curves[c, 0] == LINE else 0.0,
                1.5 if shapes.curves[c, 0] == LINE else 2 * PI,
            )
        )
    rows = build.shapes()
    return shapes._replace(
        curves=rows.curves, curve_numbers=rows.curve_numbers, controls=rows.controls, knots=rows.knots
    )


@pytest.mark.parametrize("against", [False, True])
def test_edges_are_parts_of_their_curves(against):
    """Arcs that begin anywhere on a circle written as a spline, and pass its end; along it and against it."""
    shapes, truth = filleted_box()
    free = with_spline_curves(shapes)
    if against:
        edges, ends = free.edges.copy(), free.edge_points.copy()
        edges[:, 1] = 0
        ends = ends[:, [3, 4, 5, 0, 1, 2]]
        free = free._replace(edges=edges, edge_points=ends, uses=-free.uses)
    (part,) = integrate(free)

    assert prepare(free).vertex_gaps.max() < 1e-14
    assert part.body.mass == pytest.approx(truth.volume, rel=1e-12)
    assert part.area == pytest.approx(truth.area, rel=1e-12)


def test_a_vertex_off_its_curve_is_measured():
    shapes, _ = filleted_box()
    ends = shapes.edge_points.copy()
    arc = int(np.flatnonzero(shapes.curves[shapes.edges[:, 0], 0] != LINE)[0])
    frame = shapes.frames[shapes.curves[shapes.edges[arc, 0], 1]]
    ends[arc, :3] += 1e-3 * frame[9:]

    assert prepare(shapes._replace(edge_points=ends)).vertex_gaps[arc] == pytest.approx(1e-3)


def transposed(shapes):
    """Every spline surface with u and v exchanged, and every face's sense with it."""
    surfaces, controls, knots, faces = (
        x.copy() for x in (shapes.surfaces, shapes.controls, shapes.knots, shapes.faces)
    )
    for row in surfaces:
        p, q, n, m, first, knot, a, b = row[2:10]
        controls[first : first + n * m] = (
            controls[first : first + n * m].reshape(n, m, 4).transpose(1, 0, 2).reshape(-1, 4)
        )
        knots[knot : knot + a + b] = np.roll(knots[knot : knot + a + b], b)
        row[2:10] = q, p, m, n, first, knot, b, a
    faces[:, 1] = 1 - faces[:, 1]
    return shapes._replace(surfaces=surfaces, controls=controls, knots=knots, faces=faces)


@pytest.mark.parametrize("name", ["cylinder", "sphere_with_seam"])
def test_splines_may_close_in_either_direction(name):
    shapes, truth = SOLIDS[name]()
    (part,) = integrate(transposed(twin(shapes)))

    assert part.area == pytest.approx(truth.area, rel=1e-9)
    assert part.body.mass == pytest.approx(truth.volume, rel=1e-9)


def test_splines_of_absurd_degree_are_unsupported():
    shapes, _ = frustum()
    surfaces, curves = shapes.surfaces.copy(), shapes.curves.copy()
    surfaces[0, 0], surfaces[0, 2] = SPLINE, 40
    curves[0, 0], curves[0, 2] = SPLINE, 40
    (part,) = integrate(shapes._replace(surfaces=surfaces, curves=curves))

    assert part.body is None and len(part.unsupported) >= 2


def curve_foot(points, knots, vertex):
    """Parameter of the foot of `vertex` on a cubic, the curve's point there, and its derivative."""
    build, work = Builder(), np.zeros((ROWS, WIDTH))
    points = np.column_stack([points, np.ones(len(points))])
    c = build.spline_curve(Net(points, (3,), (np.repeat(knots, 4).astype(float),)))
    geometry, out = Geometry(*build.shapes()[:7]), np.zeros((3, 3))
    t = foot(geometry, c, np.array(vertex, float), work)
    point(geometry, c, t, work, out, 0)
    return t, out[0], out[1]


def test_the_foot_of_a_vertex_is_where_the_curve_is_normal_to_what_leads_to_it():
    vertex = np.array([1.3, 0.9, 0.2])
    t, at, along = curve_foot([(0, 0, 0), (1, 2, 0), (2, -1, 0), (3, 1, 1)], (0, 1), vertex)

    assert 0 < t < 1
    assert (at - vertex) @ along == pytest.approx(0, abs=1e-13)


def test_a_foot_where_the_curve_stands_still_is_approached_as_far_as_the_steps_go():
    """The curve (t³, 0, 0) at 0: Newton's method converges by 4/5 a step there, and stops after thirty."""
    low, high = -1.0, 1.3
    cubes = [(low**3, 0, 0), (low**2 * high, 0, 0), (low * high**2, 0, 0), (high**3, 0, 0)]
    t, at, _ = curve_foot(cubes, (low, high), (0, 0, 0))

    assert 0 < abs(t) < 1e-3
    assert np.linalg.norm(at) < 1e-9
