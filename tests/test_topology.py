import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BOX_FACES, box, joined, rotations, solids, sphere, vectors

from massproof.kernels import topology
from massproof.mesh import Mesh

soups = st.lists(
    st.tuples(*[st.integers(0, 7)] * 3).filter(lambda t: len(set(t)) == 3), min_size=1, max_size=30
).map(lambda faces: np.array(faces, np.int32))


@given(soups)
def test_edges_match_as_the_naive_count_says(faces):
    found, expected = topology.match_edges(faces, 8), naive.edge_balance(faces)

    assert found.total == len(expected)
    assert found.boundary == sum(n == 1 for n, _ in expected.values())
    assert found.inconsistent == sum(n == 2 and b != 0 for n, b in expected.values())
    assert found.nonmanifold == sum(n > 2 for n, _ in expected.values())
    assert {frozenset(p) for p in found.open_pairs.tolist()} == {e for e, (_, b) in expected.items() if b}
    assert found.unbalanced == len(found.open_pairs)


@given(st.lists(solids(), min_size=1, max_size=3))
def test_bodies_that_lie_apart_are_the_naive_components(meshes):
    far = [Mesh(m.vertices + np.array([100.0 * n, 0, 0]), m.faces) for n, m in enumerate(meshes)]
    mesh = joined(*far)
    label, tangled = topology.bodies(mesh.vertices, mesh.faces)

    assert tangled == 0
    assert {frozenset(np.flatnonzero(label == k).tolist()) for k in range(label.max() + 1)} == {
        frozenset(g) for g in naive.components(mesh.faces)
    }


@given(rotations(), st.sampled_from([(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1)]))
def test_bodies_that_touch_are_told_apart_in_any_position(rotation, corner):
    """By the wedges of material round the edges they share."""
    mesh = joined(box((1, 1, 1)), box((1, 1, 1), corner))
    vertices, faces = topology.weld(mesh.vertices @ rotation.T, mesh.faces)
    label, tangled = topology.bodies(vertices, faces)

    assert tangled == 0
    assert sorted(np.bincount(label).tolist()) == [12, 12]
    assert len(set(label[:12])) == 1


def test_bodies_that_run_through_each_other_along_an_edge_are_tangled():
    mesh = joined(box((1, 1, 1)), box((2, 0.5, 1)))
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)

    assert topology.bodies(vertices, faces)[1] > 0


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60))
def test_connected_labels_each_node_with_the_smallest_it_reaches(count, pairs):
    pairs = [(a % count, b % count) for a, b in pairs]
    reach = {n: {n} for n in range(count)}
    for _ in range(count):
        for a, b in pairs:
            reach[a] |= reach[b]
            reach[b] |= reach[a]

    assert topology.connected(count, np.array(pairs, np.int64).reshape(-1, 2)).tolist() == [
        min(reach[n]) for n in range(count)
    ]


@given(solids(), st.integers(0, 99))
def test_welding_a_soup_gives_back_the_mesh(mesh, seed):
    """Any order of triangles, each with corners of its own: same positions, same edges, same triangles."""
    order = np.random.default_rng(seed).permutation(len(mesh.faces))
    corners = mesh.vertices[mesh.faces[order]].reshape(-1, 3)
    vertices, faces = topology.weld(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3))

    assert len(vertices) == len(mesh.vertices)
    assert (vertices[faces].reshape(-1, 3) == corners).all()
    assert topology.match_edges(faces, len(vertices)).unbalanced == 0


def test_welding_takes_minus_zero_for_zero_and_drops_unused_vertices():
    vertices = np.array([[0.0, 0, 0], [-0.0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9]])
    welded, faces = topology.weld(vertices, np.array([[0, 2, 3], [1, 3, 2]], np.int32))

    assert len(welded) == 3
    assert topology.match_edges(faces, 3).unbalanced == 0


def test_a_hash_collision_still_welds_exactly(monkeypatch):
    real = np.unique
    calls = []

    def unique(values, **options):
        if options.get("axis") is None and values.dtype == np.uint64 and not calls:
            calls.append(1)
            values = np.zeros_like(values)  # as if every point had the same hash
        return real(values, **options)

    monkeypatch.setattr(topology.np, "unique", unique)
    mesh = box()
    welded, faces = topology.weld(mesh.vertices, mesh.faces)

    assert calls
    assert len(welded) == 8
    assert (welded[faces] == mesh.vertices[mesh.faces]).all()


@given(vectors, st.integers(0, 2**31))
def test_corners_within_the_tolerance_become_one_and_others_stay(corner, seed):
    rng = np.random.default_rng(seed)
    mesh = box((1, 2, 3), corner)
    corners = mesh.vertices[mesh.faces].reshape(-1, 3)
    shaken = corners + rng.uniform(-4e-7, 4e-7, corners.shape)
    faces = np.arange(36, dtype=np.int32).reshape(-1, 3)
    merged, move = topology.weld_within(shaken, faces, np.arange(36), 1e-6)

    assert len(np.unique(merged)) == 8
    assert topology.match_edges(merged, 36).unbalanced == 0
    assert 0 < move <= 8e-7
    assert len(np.unique(topology.weld_within(shaken, faces, np.arange(36), 1e-12)[0])) == 36


def test_degenerate_faces_name_a_vertex_twice():
    faces = np.array([[0, 1, 2], [0, 0, 1], [1, 2, 1], [2, 1, 1]], np.int32)

    assert topology.degenerate(faces).tolist() == [False, True, True, True]


def test_repeated_faces_are_those_wound_alike():
    faces = np.array([[0, 1, 2], [1, 2, 0], [2, 1, 0], [3, 1, 2], [2, 0, 1]], np.int32)

    assert topology.repeated(faces).tolist() == [False, True, False, False, True]


def test_faces_back_to_back_are_counted_in_pairs():
    faces = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 2], [3, 1, 2], [4, 5, 6], [5, 4, 6]], np.int32)

    assert topology.back_to_back(faces) == 2
    assert topology.back_to_back(faces[3:5]) == 0


def test_no_faces_have_no_edges():
    assert topology.match_edges(np.zeros((0, 3), np.int32), 5).total == 0


@given(vectors)
def test_winding_is_one_inside_and_zero_outside(point):
    mesh = sphere(2.0, 8)
    distance = float(np.sqrt((point * point).sum()))
    if 1.8 < distance < 2.2:
        return  # between the facets and the sphere

    assert topology.winding(mesh.vertices, mesh.faces, point) == pytest.approx(float(distance < 2), abs=1e-9)


def test_winding_counts_bodies_around_a_point():
    both = joined(box((4, 4, 4)), box((2, 2, 2), (1, 1, 1)))

    assert topology.winding(both.vertices, both.faces, np.array([2.0, 2.1, 2.2])) == pytest.approx(2)
    assert topology.winding(both.vertices, BOX_FACES[:, ::-1], np.array([2.0, 2.1, 2.2])) == pytest.approx(-1)
