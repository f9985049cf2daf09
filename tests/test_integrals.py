"""Both implementations of the integrals: exact oracle, laws, and each other."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import box, boxes, joined, lengths, rotations, solids, sphere, vectors

from massproof.kernels import BLOCK, FIELDS, integrals, integrals_small
from massproof.mass import Body

EPS = np.finfo(float).eps
BOTH = pytest.mark.parametrize(
    "sums", [integrals_small.surface_sums, integrals.surface_sums], ids=["numpy", "numba"]
)


def body(sums, mesh):
    origin = mesh.vertices.mean(axis=0)
    return Body.from_moments(sums(mesh.vertices, mesh.faces, origin)[3:], origin)


@BOTH
@given(solids())
def test_moments_equal_exact_rational_arithmetic(sums, mesh):
    """Against the naive oracle, within the bound that every result states: 96 u R^k Σ|ab||ac|."""
    origin = np.round(mesh.vertices.mean(axis=0), 3)
    fast = sums(mesh.vertices, mesh.faces, origin)
    exact = np.array([float(x) for x in naive.solid_moments(mesh.vertices, mesh.faces, origin)])
    reach = np.abs(mesh.vertices - origin).max()

    assert (
        np.abs(fast[3:] - exact) <= 48 * EPS * fast[1] * reach ** np.array([1, 2, 2, 2, 3, 3, 3, 3, 3, 3])
    ).all()
    assert fast[0] == pytest.approx(float(naive.area(mesh.vertices, mesh.faces)), rel=1e-14)


@BOTH
@given(boxes())
def test_a_box_weighs_what_the_textbook_says(sums, case):
    mesh, corner, (a, b, c) = case
    it = body(sums, mesh)
    expected = it.mass / 12 * np.array([b * b + c * c, c * c + a * a, a * a + b * b])

    assert it.mass == pytest.approx(a * b * c)
    assert it.centre == pytest.approx(corner + np.array([a, b, c]) / 2)
    assert np.diag(it.inertia()) == pytest.approx(expected)


@BOTH
@given(solids(), rotations(), vectors)
def test_moving_the_mesh_moves_the_body(sums, mesh, rotation, translation):
    """measure(move(mesh)) == move(measure(mesh)): catches every sign and index slip."""
    moved = type(mesh)(mesh.vertices @ rotation.T + translation, mesh.faces)
    left, right = body(sums, moved), body(sums, mesh).moved(rotation, translation)

    assert left.mass == pytest.approx(right.mass, rel=1e-9)
    assert left.centre == pytest.approx(right.centre, rel=1e-9, abs=1e-9)
    assert left.second == pytest.approx(right.second, rel=1e-9, abs=1e-9 * np.trace(right.second))


@BOTH
@given(solids(), lengths)
def test_scaling_by_k_scales_area_by_k2_mass_by_k3_and_inertia_by_k5(sums, mesh, k):
    scaled = type(mesh)(mesh.vertices * k, mesh.faces)
    origin = mesh.vertices[0]

    assert sums(scaled.vertices, mesh.faces, origin * k)[0] == pytest.approx(
        k**2 * sums(mesh.vertices, mesh.faces, origin)[0]
    )
    assert body(sums, scaled).mass == pytest.approx(body(sums, mesh).mass * k**3)
    assert body(sums, scaled).second == pytest.approx(
        body(sums, mesh).second * k**5, abs=1e-9 * k**5 * np.trace(body(sums, mesh).second)
    )


@BOTH
@given(boxes(), solids(), st.randoms(use_true_random=False))
def test_adding_bodies_equals_measuring_both_meshes_at_once_in_any_order(sums, one, q, random):
    p = one[0]
    both = joined(p, q)
    order = list(range(len(both.faces)))
    random.shuffle(order)
    left, right = (
        body(sums, type(p)(both.vertices, both.faces[order])),
        body(sums, p) + body(sums, q),
    )

    assert left.mass == pytest.approx(right.mass)
    assert left.centre == pytest.approx(right.centre, abs=1e-9)
    assert left.second == pytest.approx(right.second, abs=1e-9 * np.trace(right.second))


@BOTH
def test_spread_and_edges_are_the_sums_the_bound_is_made_of(sums):
    """For one right triangle with legs 3 and 4: |ab||ac| = 12, |ab| + |ac| = 7."""
    vertices = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0]], float)
    found = sums(vertices, np.array([[0, 1, 2]], np.int32), np.zeros(3))

    assert found[:3] == pytest.approx([6, 12, 7])


@BOTH
def test_no_faces_add_up_to_nothing(sums):
    assert (sums(np.zeros((1, 3)), np.zeros((0, 3), np.int32), np.zeros(3)) == np.zeros(len(FIELDS))).all()


@given(st.integers(1, 3 * BLOCK + 1), st.integers(0, 99))
def test_the_two_implementations_agree_to_rounding(count, seed):
    rng = np.random.default_rng(seed)
    vertices, faces = rng.normal(size=(50, 3)), rng.integers(0, 50, (count, 3)).astype(np.int32)
    one, two = (
        f(vertices, faces, np.zeros(3)) for f in (integrals.surface_sums, integrals_small.surface_sums)
    )

    assert np.abs(one - two).max() <= 1e-12 * count


def test_the_result_does_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(integrals, "_CHUNK", 2)
    rng = np.random.default_rng(7)
    vertices = rng.normal(size=(999, 3))
    faces = rng.integers(0, 999, (9 * BLOCK + 1, 3)).astype(np.int32)
    results = {integrals.surface_sums(vertices, faces, np.zeros(3), n).tobytes() for n in (1, 2, 3, 8)}

    assert len(results) == 1


def test_a_sphere_converges_to_the_ball_as_the_square_of_its_edges():
    """4πr³/3, 4πr² and 2mr²/5; halving the edges divides the error by four."""
    errors = []
    for rings in (16, 32):
        mesh = sphere(2.0, rings, (5, -7, 1))
        it, area = (
            body(integrals_small.surface_sums, mesh),
            integrals_small.surface_sums(mesh.vertices, mesh.faces, np.zeros(3))[0],
        )
        errors.append(
            [
                it.mass / (32 * np.pi / 3) - 1,
                area / (16 * np.pi) - 1,
                it.inertia()[0, 0] / (0.4 * 4 * it.mass) - 1,
            ]
        )
    ratio = np.array(errors[0]) / np.array(errors[1])

    assert ratio == pytest.approx([4, 4, 4], rel=0.05)
    assert np.abs(errors[1]).max() < 0.02


def test_box_far_from_the_origin_keeps_its_digits():
    mesh = box((1, 2, 3), (2.0**30, 2.0**30, 2.0**30))
    it = body(integrals_small.surface_sums, mesh)

    assert it.mass == 6.0
    assert np.diag(it.inertia()) == pytest.approx([6.5, 5.0, 2.5], rel=1e-15)
