"""Where edges begin and end on curves, and splines that close in the other direction."""

import numpy as np
import pytest
from solids_by_hand import PI, SOLIDS, Builder, filleted_box, frustum, twin

from massproof.brep import LINE, SPLINE
from massproof.exact import integrate
from massproof.sweeps import curve_net
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
