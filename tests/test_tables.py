"""Sweeps that have no closed form become splines, and shells are made consistent round seams."""

import numpy as np
import pytest
from solids_by_hand import Builder, X, Y, Z, frustum, sphere

from massproof.brep import CIRCLE, REVOLUTION, SPLINE
from massproof.exact import integrate
from massproof.sweeps import arc
from massproof.tables import prepare


@pytest.mark.parametrize(
    ("centre", "normal"),
    [(3 * X, Y + 0.2 * X), (3 * X, Y + 0.2 * Z), (0.5 * X, Y)],
    ids=["leaning outwards", "leaning along the axis", "across the axis"],
)
def test_a_circle_that_sweeps_no_torus_sweeps_a_spline(centre, normal):
    build = Builder()
    circle = build.curve(CIRCLE, build.frame(centre, normal), 1.0, 1.0)
    build.surface(REVOLUTION, build.frame(), base=circle)

    assert prepare(build.shapes()).shapes.surfaces[0, 0] == SPLINE


def test_a_spline_sweeps_a_spline_of_its_own_control_points():
    build = Builder()
    curve = build.spline_curve(arc(1.0, 2.0, 0.0, 1.0))
    build.surface(REVOLUTION, build.frame(3 * Y, X), base=curve)
    shapes = prepare(build.shapes()).shapes

    assert shapes.surfaces[0, 0] == SPLINE and shapes.surfaces[0, 5] == 3


def test_a_face_that_meets_itself_at_a_seam_is_turned_with_its_neighbours():
    shapes, truth = frustum(2.0, 1.0, 3.0)
    shapes.shell_faces[0, 1] = 0
    (part,) = integrate(shapes)

    assert len(part.turned) == 1 and part.body.mass == pytest.approx(truth.volume, rel=1e-12)


def test_nothing_is_far_from_itself():
    """A sphere without edges, 10⁶ away: only its own place tells how its numbers round."""
    shapes, truth = sphere()
    far = shapes._replace(frames=shapes.frames + np.concatenate([1e6 * X, np.zeros(9)]))
    (part,) = integrate(far)

    assert abs(part.body.mass - truth.volume) <= sum(one.volume for one in part.errors.values())
