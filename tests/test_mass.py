import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rotations, vectors

from massproof.mass import Body, Errors, length

masses = st.floats(0.1, 10)


def point_masses(body, masses, points):
    """The body of a few point masses, from the definition."""
    m, p = np.array(masses), np.array(points)
    centre = (m[:, None] * p).sum(axis=0) / m.sum()
    return Body(float(m.sum()), centre, ((p - centre).T * m) @ (p - centre))


@given(st.lists(st.tuples(masses, vectors), min_size=2, max_size=6), st.integers(1, 5))
def test_bodies_add_up_like_the_masses_they_are_made_of(points, cut):
    cut = min(cut, len(points) - 1)
    whole = point_masses(Body, *zip(*points, strict=True))
    sum_ = point_masses(Body, *zip(*points[:cut], strict=True)) + point_masses(
        Body, *zip(*points[cut:], strict=True)
    )

    assert sum_.mass == pytest.approx(whole.mass)
    assert sum_.centre == pytest.approx(whole.centre, abs=1e-9)
    assert sum_.second == pytest.approx(whole.second, rel=1e-9, abs=1e-7)


@given(vectors)
def test_lengths_are_those_of_numpy(vector):
    assert length(vector) == np.linalg.norm(vector)


@given(st.lists(st.tuples(masses, vectors), min_size=3, max_size=6), rotations(), vectors)
def test_the_inertia_of_a_moved_body_is_the_rotated_inertia(points, rotation, translation):
    body = point_masses(Body, *zip(*points, strict=True))

    assert body.moved(rotation, translation).inertia() == pytest.approx(
        rotation @ body.inertia() @ rotation.T, abs=1e-7
    )


def test_products_of_inertia_carry_a_minus_sign():
    """Two unit masses at ±(1, 1, 0): ∫xy dm = 2, so Ixy = −2, Ixx = 2, Izz = 4."""
    body = point_masses(Body, [1, 1], [(1, 1, 0), (-1, -1, 0)])

    assert body.inertia().tolist() == [[2, -2, 0], [-2, 2, 0], [0, 0, 4]]


def test_density_scales_mass_and_inertia_but_not_the_centre():
    body = point_masses(Body, [1, 3], [(1, 0, 0), (0, 1, 2)])
    heavy = body.scaled(2.5)

    assert (heavy.mass, heavy.centre.tolist()) == (10.0, body.centre.tolist())
    assert heavy.inertia() == pytest.approx(2.5 * body.inertia())


def test_errors_scale_with_the_power_of_their_length():
    assert Errors(1, 1, 1, 1, 1).scaled(10) == Errors(100, 1000, 10, 100000, 10)
