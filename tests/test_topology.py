import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    BOX_FACES,
    box,
    broken_surfaces,
    either_way,
    joined,
    rotations,
    solids,
    sphere,
    tangles,
    vectors,
)

from massproof.kernels import clusters, edges, topology
from massproof.mesh import Mesh

surfaces = st.one_of(tangles(), broken_surfaces())


@given(surfaces)
def test_sides_are_paired_as_the_naive_list_says(surface):
    faces, count = surface
    sides = either_way(topology.paired, faces, count)
    expected = naive.edge_faces(faces.tolist())

    low = np.repeat(np.arange(count), np.diff(sides.starts))
    face, k = edges.face_of(sides.words)
    found = {}
    for edge, f, up in zip(
        zip(low.tolist(), (sides.words >> np.uint64(32)).tolist(), strict=True),
        face.tolist(),
        (sides.words & np.uint64(1) == 0).tolist(),
        strict=True,
    ):
        found.setdefault(edge, []).append((f, up))
    assert list(found) == sorted(expected)
    assert found == expected
    ends = np.stack([faces[face, k], faces[face, (k + 1) % 3]])
    assert (ends.min(axis=0) == low).all()


@given(surfaces)
def test_edges_match_as_the_naive_count_says(surface):
    faces, count = surface
    faces = faces[~topology.degenerate(faces)]
    found, expected = either_way(topology.match_edges, faces, count), naive.edge_balance(faces)

    assert found.total == len(expected)
    assert found.boundary == sum(n == 1 for n, _ in expected.values())
    assert found.inconsistent == sum(n == 2 and b != 0 for n, b in expected.values())
    assert found.nonmanifold == sum(n > 2 for n, _ in expected.values())
    assert {frozenset(p) for p in found.open_pairs.tolist()} == {e for e, (_, b) in expected.items() if b}
    assert found.unbalanced == len(found.open_pairs)


@given(tangles())
def test_faces_that_name_a_vertex_twice_have_no_edges(tangle):
    faces, count = tangle
    left, right = (topology.match_edges(f, count) for f in (faces, faces[~topology.degenerate(faces)]))

    assert left[:5] == right[:5]
    assert np.array_equal(left.open_pairs, right.open_pairs)


def test_no_faces_have_no_edges():
    assert either_way(topology.match_edges, np.zeros((0, 3), np.int32), 5).total == 0


@given(st.integers(0, 2**31))
def test_a_vertex_of_many_faces_is_paired_as_any_other(seed):
    """Its sides are sorted by a heap."""
    rng = np.random.default_rng(seed)
    rim = rng.permutation(60) + 1
    fan = np.stack([np.zeros(60, np.int64), rim, np.roll(rim, -1)], axis=1).astype(np.int32)
    fan = np.concatenate([fan, fan[rng.random(60) < 0.2], fan[rng.random(60) < 0.2, ::-1]])
    sides = either_way(topology.paired, np.ascontiguousarray(rng.permutation(fan)), 61)

    assert sides.total == 120


def test_threads_pair_the_sides_as_one_does(monkeypatch):
    mesh = sphere(1.0, 6)
    whole = topology.paired(mesh.faces, len(mesh.vertices))
    monkeypatch.setattr(edges, "_PART", 7)
    parts = either_way(topology.paired, mesh.faces, len(mesh.vertices))

    assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True))


@given(st.lists(solids(), min_size=1, max_size=3))
def test_bodies_that_lie_apart_are_the_naive_components(meshes):
    far = [Mesh(m.vertices + np.array([100.0 * n, 0, 0]), m.faces) for n, m in enumerate(meshes)]
    mesh = joined(*far)
    order = np.random.default_rng(len(mesh.faces)).permutation(len(mesh.faces))
    faces = np.ascontiguousarray(mesh.faces[order])
    label, tangled = either_way(topology.bodies, mesh.vertices, faces)

    assert tangled == 0
    assert {frozenset(np.flatnonzero(label == k).tolist()) for k in range(label.max() + 1)} == {
        frozenset(g) for g in naive.components(faces)
    }
    assert np.flatnonzero(np.diff(np.maximum.accumulate(label), prepend=-1)).tolist() == [
        int(np.argmax(label == k)) for k in range(label.max() + 1)
    ]


@given(rotations(), st.sampled_from([(1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1)]))
def test_bodies_that_touch_are_told_apart_in_any_position(rotation, corner):
    """By the wedges of material round the edges they share."""
    mesh = joined(box((1, 1, 1)), box((1, 1, 1), corner))
    vertices, faces = topology.weld(mesh.vertices @ rotation.T, mesh.faces)
    label, tangled = either_way(topology.bodies, vertices, faces)

    assert tangled == 0
    assert sorted(np.bincount(label).tolist()) == [12, 12]
    assert len(set(label[:12])) == 1


def test_bodies_that_run_through_each_other_along_an_edge_are_tangled():
    mesh = joined(box((1, 1, 1)), box((2, 0.5, 1)))
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)
    sides = topology.paired(faces, len(vertices))

    assert either_way(topology.bodies, vertices, faces, sides)[1] > 0


@pytest.mark.parametrize("scale", [1.0, 1e-170])
def test_faces_without_area_have_no_direction_round_an_edge(scale):
    """Neither do edges so short that the square of their length is zero: all faces of the edge are one body."""
    line = np.array([[0.5, 0.5, 0.5], [1, 0.5, 0.5], [0.75, 0.5, 0.5], [0.6, 0.5, 0.5]])
    faces = np.array([[0, 1, 2], [2, 1, 0], [0, 1, 3], [3, 1, 0]], np.int32)
    with np.errstate(divide="raise", invalid="raise"):
        label, tangled = topology.bodies((line - line[0]) * scale, faces)

    assert label.tolist() == [0, 0, 0, 0]
    assert tangled == 1


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60))
def test_connected_labels_each_node_with_the_smallest_it_reaches(count, pairs):
    pairs = [(a % count, b % count) for a, b in pairs]
    reach = {n: {n} for n in range(count)}
    for _ in range(count):
        for a, b in pairs:
            reach[a] |= reach[b]
            reach[b] |= reach[a]

    found = either_way(topology.connected, count, np.array(pairs, np.int64).reshape(-1, 2))
    assert found.tolist() == [min(reach[n]) for n in range(count)]


@given(surfaces)
def test_faces_are_turned_as_the_naive_search_says(surface):
    faces, count = surface
    turn, conflicts, part = either_way(topology.oriented, faces, count)

    assert (turn.tolist(), conflicts, part.tolist()) == naive.oriented(faces.tolist())


@given(solids(), st.integers(0, 2**31))
def test_turning_restores_a_surface_some_faces_of_which_were_turned(mesh, seed):
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(mesh.faces)) < rng.choice([0.05, 0.45])
    faces = np.ascontiguousarray(np.where(wrong[:, None], mesh.faces[:, ::-1], mesh.faces))
    turn, conflicts, part = topology.oriented(faces, len(mesh.vertices))

    if 2 * wrong.sum() < len(wrong):
        assert (turn == wrong).all()
    assert conflicts == 0
    assert not part.any()


@pytest.mark.parametrize("twisted", [False, True])
def test_a_moebius_strip_cannot_be_oriented_and_stays_as_it_is(twisted):
    top, bottom = np.arange(8), np.arange(8, 16)
    ahead = (np.roll(bottom, -1), np.roll(top, -1)) if twisted else (np.roll(top, -1), np.roll(bottom, -1))
    next_top = np.append(np.roll(top, -1)[:-1], ahead[0][-1])
    next_bottom = np.append(np.roll(bottom, -1)[:-1], ahead[1][-1])
    strip = np.concatenate(
        [np.stack([top, bottom, next_top], axis=1), np.stack([bottom, next_bottom, next_top], axis=1)]
    )
    strip[3] = strip[3, ::-1]
    turn, conflicts, _ = either_way(topology.oriented, strip.astype(np.int32), 16)

    assert conflicts == twisted
    assert np.flatnonzero(turn).tolist() == ([] if twisted else [3])


@given(surfaces)
def test_the_boundary_is_what_would_balance_all_edges(surface):
    faces, count = surface
    pairs, loop = either_way(topology.boundary, faces, count)

    assert sorted(map(tuple, pairs.tolist())) == naive.missing(faces.tolist())
    fans = np.column_stack([pairs, count + loop]).astype(np.int32)
    closed = np.concatenate([faces[~topology.degenerate(faces)], fans])
    assert topology.match_edges(closed, count + len(pairs) + 1).unbalanced == 0


def test_each_hole_is_a_loop():
    mesh = joined(sphere(1.0, 5), sphere(1.0, 4, (5, 0, 0)))
    kept = np.ones(len(mesh.faces), bool)
    kept[[5, 30, len(mesh.faces) - 3]] = False
    pairs, loop = either_way(topology.boundary, mesh.faces[kept], len(mesh.vertices))

    assert len(pairs) == 9
    assert np.bincount(loop).tolist() == [3, 3, 3]
    assert {frozenset(pairs[loop == k].ravel().tolist()) for k in range(3)} == {
        frozenset(f) for f in mesh.faces[~kept].tolist()
    }


@given(surfaces, st.integers(1, 4), st.integers(0, 2**31))
def test_vertices_less_edges_plus_faces_are_counted_for_each_body(surface, bodies, seed):
    faces, count = surface
    label = np.random.default_rng(seed).integers(0, bodies, len(faces)).astype(np.int32)

    assert either_way(topology.euler, faces, count, label).tolist() == naive.euler(
        faces.tolist(), label.tolist()
    )


@pytest.mark.parametrize(("holes", "expected"), [(0, 2), (1, 0)])
def test_euler_tells_a_sphere_from_a_torus(holes, expected):
    if holes:
        i, j = (n.ravel() for n in np.meshgrid(np.arange(5), np.arange(7)))
        a, b, c, d = (5 * ((j + v) % 7) + (i + u) % 5 for u, v in ((0, 0), (1, 0), (1, 1), (0, 1)))
        faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]).astype(np.int32)
    else:
        faces = sphere(1.0, 5).faces
    label = np.zeros(len(faces), np.int32)

    assert either_way(topology.euler, faces, int(faces.max()) + 1, label).tolist() == [expected]


@given(vectors, st.integers(0, 2**31))
def test_corners_within_the_tolerance_become_one_and_others_stay(corner, seed):
    rng = np.random.default_rng(seed)
    mesh = box((1, 2, 3), corner)
    corners = mesh.vertices[mesh.faces].reshape(-1, 3)
    shaken = corners + rng.uniform(-4e-7, 4e-7, corners.shape)
    faces = np.arange(36, dtype=np.int32).reshape(-1, 3)
    merged, move = either_way(topology.weld_within, shaken, faces, np.arange(36), 1e-6)

    assert len(np.unique(merged)) == 8
    assert topology.match_edges(merged, 36).unbalanced == 0
    assert 0 < move <= 8e-7
    assert len(np.unique(topology.weld_within(shaken, faces, np.arange(36), 1e-12)[0])) == 36


@given(st.integers(0, 2**31), st.sampled_from([1e-12, 1e-3, 0.05, 0.125, 0.3, 2.0]))
def test_points_are_chained_as_the_naive_search_says(seed, tolerance):
    """On lattices, in planes, far from the origin: where differences are exactly the tolerance."""
    rng = np.random.default_rng(seed)
    points = rng.random((rng.integers(1, 30), 3)) * rng.choice([1, 10, 1e6])
    if rng.random() < 0.5:
        points = np.round(points * 8) / 8
    points[:, rng.integers(0, 3)] *= rng.choice([0, 1])

    found = either_way(clusters.chained, points, tolerance)
    assert found.tolist() == naive.chains(points.tolist(), tolerance)


def test_many_points_within_the_tolerance_are_chained_in_cells_that_hold_few():
    """Two clouds of eighty points, nearer than twice the tolerance, and one that links with the second."""
    cloud = np.random.default_rng(4).random((80, 3)) * 0.1
    points = np.concatenate([cloud, cloud + np.array([1.2, 0, 0]), cloud + np.array([1.2, 0.95, 0])])
    label = either_way(clusters.chained, points, 1.0)

    assert label.tolist() == [0] * 80 + [80] * 160


def test_degenerate_faces_name_a_vertex_twice():
    faces = np.array([[0, 1, 2], [0, 0, 1], [1, 2, 1], [2, 1, 1]], np.int32)

    assert topology.degenerate(faces).tolist() == [False, True, True, True]


@given(surfaces)
def test_faces_that_lie_on_one_another_are_found_as_by_the_naive_search(surface):
    faces, _ = surface
    again, pairs = naive.coincident(faces.tolist())

    assert either_way(topology.repeated, faces).tolist() == again
    assert either_way(topology.back_to_back, faces) == pairs


def test_repeated_faces_are_those_wound_alike():
    faces = np.array([[0, 1, 2], [1, 2, 0], [2, 1, 0], [3, 1, 2], [2, 0, 1]], np.int32)

    assert topology.repeated(faces).tolist() == [False, True, False, False, True]


def test_faces_back_to_back_are_counted_in_pairs():
    faces = np.array([[0, 1, 2], [2, 1, 0], [1, 0, 2], [3, 1, 2], [4, 5, 6], [5, 4, 6]], np.int32)

    assert topology.back_to_back(faces) == 2
    assert topology.back_to_back(faces[3:5]) == 0


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
