"""Both implementations of the integrals: exact oracle, laws, and each other."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import box, boxes, joined, lengths, rotations, solids, sphere, vectors

from massproof.kernels import BLOCK, FIELDS, scan
from massproof.kernels.scan_small import scan_corners
from massproof.mass import Body

AREA, ONE = FIELDS.index("area"), FIELDS.index("one")


def scanned(vertices, faces, origin, threads=0):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "COMPILED_FROM", 0)
        return scan.scan_faces(np.ascontiguousarray(vertices), faces, origin, threads).sums


def summed(vertices, faces, origin):
    return scan_corners(vertices[faces].reshape(-1, 9), origin).sums


BOTH = pytest.mark.parametrize("sums", [summed, scanned], ids=["numpy", "compiled"])


def body(sums, mesh):
    origin = mesh.vertices.mean(axis=0)
    return Body.from_moments(sums(mesh.vertices, mesh.faces, origin)[ONE:], origin)


@BOTH
@given(solids())
def test_moments_equal_exact_rational_arithmetic(sums, mesh):
    """Against the naive oracle, within the bound that every result states: 64 u R^k of the condition."""
    origin = np.round(mesh.vertices.mean(axis=0), 3)
    fast = sums(mesh.vertices, mesh.faces, origin)
    exact = np.array([float(x) for x in naive.solid_moments(mesh.vertices, mesh.faces, origin)])
    reach = np.abs(mesh.vertices - origin).max()

    power = np.array([0, 1, 1, 1, 2, 2, 2, 2, 2, 2])

    assert (np.abs(fast[ONE:] - exact) <= 64 * 2.0**-53 * fast[0] * reach**power).all()
    assert abs(fast[AREA] - float(naive.area(mesh.vertices, mesh.faces))) <= 64 * 2.0**-53 * fast[1]


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

    assert sums(scaled.vertices, mesh.faces, origin * k)[AREA] == pytest.approx(
        k**2 * sums(mesh.vertices, mesh.faces, origin)[AREA]
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
def test_the_first_fields_are_what_the_bounds_are_made_of(sums):
    """A triangle with legs 3 and 4 in the plane x = 2: its products are 12 and 0, its edges 3 and 4."""
    vertices = np.array([[2, 0, 0], [2, 3, 0], [2, 0, 4]], float)
    found = sums(vertices, np.array([[0, 1, 2]], np.int32), np.zeros(3))

    assert found[: ONE + 1] == pytest.approx([2 * 12 / 6, 12 / 2, 7, 6, 6, 0, 0, 2 * 12 / 6])


@given(st.sampled_from([1, 7, 8, 127, 129, 2047, 2048, 2049, 4099]), st.integers(0, 99))
@settings(max_examples=12)
def test_both_implementations_give_the_same_bits(count, seed):
    rng = np.random.default_rng(seed)
    vertices, faces = rng.normal(size=(50, 3)), rng.integers(0, 50, (count, 3)).astype(np.int32)
    origin = rng.normal(size=3)

    assert (scanned(vertices, faces, origin) == summed(vertices, faces, origin)).all()


def test_the_result_does_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(scan, "_ROWS", 1)
    rng = np.random.default_rng(7)
    vertices = rng.normal(size=(999, 3))
    faces = rng.integers(0, 999, (2 * BLOCK + 1, 3)).astype(np.int32)
    results = {scanned(vertices, faces, np.zeros(3), n).tobytes() for n in (1, 2, 4)}

    assert len(results) == 1


def test_a_sphere_converges_to_the_ball_as_the_square_of_its_edges():
    """4πr³/3, 4πr² and 2mr²/5; halving the edges divides the error by four."""
    errors = []
    for rings in (16, 32):
        mesh = sphere(2.0, rings, (5, -7, 1))
        it, area = (
            body(summed, mesh),
            summed(mesh.vertices, mesh.faces, np.zeros(3))[AREA],
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
    it = body(summed, mesh)

    assert it.mass == 6.0
    assert np.diag(it.inertia()) == pytest.approx([6.5, 5.0, 2.5], rel=1e-15)
