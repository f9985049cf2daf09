"""Which triangles cross, exactly: against fractions, against brute force, and compiled code against numpy."""

from fractions import Fraction
from itertools import combinations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import box, joined, rotations, solids, sphere

from massproof.kernels import intersections, layers, neighbours, predicates, rays, topology, tree

seeds = st.integers(0, 2**31)


def corners_of(vertices, faces):
    return [[naive.exact(vertices.tolist())[v] for v in face] for face in faces.tolist()]


def welded(*meshes):
    mesh = joined(*meshes)
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)
    return vertices, faces[~topology.degenerate(faces)]


def lattice(rng, count, size):
    """Triangles whose corners are few positions, so that they touch in every way there is."""
    points = np.unique(rng.integers(0, size, (3 * size, 3)), axis=0).astype(float)
    faces = rng.integers(0, len(points), (count, 3)).astype(np.int32)
    return points, faces[~topology.degenerate(faces)]


@pytest.fixture
def compiled(monkeypatch):
    """The path for many triangles, in small parts."""

    def use(size=1):
        monkeypatch.setattr(tree, "COMPILED_FROM", size)

    return use


@pytest.mark.parametrize("spread", [0, 3, 40])
@given(seeds)
def test_heights_and_turns_have_the_sign_of_the_exact_value(spread, seed):
    """Points of a plane, rounded, and points of any size: rounding decides neither."""
    rng = np.random.default_rng(seed)
    a, b, c, x = rng.normal(size=(4, 3, 12)) * 10.0 ** rng.integers(-spread, spread + 1, (4, 3, 12))
    s, t = rng.random((2, 12))
    x[:, :6] = (a + s * (b - a) + t * (c - a))[:, :6]
    a, b, c, x = (np.where(rng.random((3, 12)) < 0.2, np.round(p), p) for p in (a, b, c, x))
    rows = [[naive.exact(p.T.tolist()) for p in (a, b, c, x)]]
    heights = predicates.heights(a, b, c, x)
    turns = predicates.turns(a[:2], b[:2], x[:2])
    single = [predicates.turn(*a[:2, i], *b[:2, i], *x[:2, i], np.empty(24)) for i in range(12)]

    for i in range(12):
        (p, q, r, y), *_ = [[point[i] for point in row] for row in rows]
        assert heights[i] == naive.sign(naive.height([p, q, r], y))
        assert turns[i] == single[i] == naive.sign(naive.turn(p, q, y))


@pytest.mark.parametrize("scale", [1e-50, 1e-20, 1e50])
@given(seeds)
def test_heights_are_exact_at_both_ends_of_the_range(scale, seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 4, (4, 3, 40)) * scale
    points += rng.integers(-2, 3, points.shape) * np.spacing(scale)
    rows = [naive.exact(p.T.tolist()) for p in points]

    for i, found in enumerate(predicates.heights(*points)):
        p, q, r, x = (row[i] for row in rows)
        assert found == naive.sign(naive.height([p, q, r], x))


def test_what_is_far_below_every_precision_is_taken_as_zero():
    vertices = np.array([[1.0, -1e-95, 0.0], [5e-324, 1e-89, -1.0]])

    assert predicates.flushed(vertices).tolist() == [[1.0, 0.0, 0.0], [0.0, 1e-89, -1.0]]
    assert predicates.flushed(vertices[:1, :1]) is not None


@given(seeds, st.integers(2, 4))
def test_triangles_cross_as_fractions_say(seed, size):
    rng = np.random.default_rng(seed)
    vertices, faces = lattice(rng, 12, size)
    pairs = np.array(list(combinations(range(len(faces)), 2)), np.int64).reshape(-1, 2)
    pairs = pairs[[set(faces[i]) != set(faces[j]) for i, j in pairs]]
    found, _ = intersections.decided(vertices, faces, pairs)
    corners = corners_of(vertices, faces)

    assert found.tolist() == [naive.crosses(corners[i], corners[j]) for i, j in pairs]


@given(seeds, st.integers(2, 4))
def test_triangles_that_are_apart_do_not_cross_and_both_ways_to_tell_agree(seed, size):
    rng = np.random.default_rng(seed)
    vertices, faces = lattice(rng, 12, size)
    pairs = np.array(list(combinations(range(len(faces)), 2)), np.int64).reshape(-1, 2)
    apart = neighbours.apart(vertices, faces, pairs)
    corners, names = np.empty((6, 3)), np.empty((6, 2), np.int64)
    exact = corners_of(vertices, faces)

    for (i, j), found in zip(pairs, apart, strict=True):
        neighbours.load(vertices, faces, i, 0, corners, names)
        neighbours.load(vertices, faces, j, 3, corners, names)
        with np.errstate(all="ignore"):
            assert neighbours.surely_apart(corners, names, np.empty(24)) == found
        if found and set(faces[i]) != set(faces[j]):
            assert not naive.crosses(exact[i], exact[j])


def solid_at(rng):
    """A box, a tetrahedron or an octahedron with corners on a small lattice."""
    low = rng.integers(0, 3, 3).astype(float)
    kind = rng.integers(3)
    if kind == 0:
        return box(rng.integers(1, 3, 3), low)
    mesh = sphere(1.0, 2) if kind == 1 else sphere(2.0, 2)
    return type(mesh)(np.round(mesh.vertices) + low, mesh.faces)


@pytest.mark.parametrize("threads", [1, 2, 4])
@settings(max_examples=25)
@given(seed=seeds)
def test_compiled_code_finds_what_numpy_finds(threads, seed):
    rng = np.random.default_rng(seed)
    vertices, faces = welded(*[solid_at(rng) for _ in range(3)])
    small = intersections.intersections(tree.Surface(vertices, faces), 10**6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "COMPILED_FROM", 1)
        patch.setattr(neighbours, "_PART", threads)
        patch.setattr(neighbours, "_FIRST", 1)
        patch.setattr(neighbours, "_MANY", 1 if threads == 2 else 1 << 20)  # parts shrink again
        patch.setattr(neighbours, "_ROOM", 4)
        large = intersections.intersections(tree.Surface(vertices, faces), 10**6, threads=threads)

    assert large.crossing.tolist() == small.crossing.tolist()
    assert large.loose.tolist() == small.loose.tolist()
    assert large.complete and small.complete


@settings(max_examples=25)
@given(seeds)
def test_all_crossing_pairs_of_a_surface_are_found(seed):
    rng = np.random.default_rng(seed)
    vertices, faces = welded(*[solid_at(rng) for _ in range(2)])
    found = intersections.intersections(tree.Surface(vertices, faces), 10**6)
    exact = corners_of(vertices, faces)
    pairs = [
        [i, j]
        for i, j in combinations(range(len(faces)), 2)
        if set(faces[i]) != set(faces[j]) and naive.crosses(exact[i], exact[j])
    ]

    assert found.crossing.tolist() == pairs


@given(solids())
def test_a_star_shaped_solid_does_not_cross_itself(mesh):
    """Neither as it is nor with its corners far from the origin."""
    for vertices in (mesh.vertices, mesh.vertices + 1e6):
        vertices, faces = topology.weld(vertices, mesh.faces)
        found = intersections.intersections(tree.Surface(vertices, faces), 10)

        assert found.complete
        assert not len(found.crossing)


def test_a_limit_ends_the_search_and_is_told(compiled, monkeypatch):
    vertices, faces = welded(sphere(1.0, 6), sphere(1.0, 6, (0.5, 0.3, 0.2)))
    for _ in range(2):
        found = intersections.intersections(tree.Surface(vertices, faces), 5)
        assert not found.complete
        assert len(found.crossing) >= 5
        compiled()
    for name, most in (("_LOOKED", 10),):
        with monkeypatch.context() as patch:
            patch.setattr(intersections, name, most)
            assert not intersections.intersections(tree.Surface(vertices, faces), 10**6).complete
    monkeypatch.setattr(neighbours, "_ENOUGH", 10)
    monkeypatch.setattr(neighbours, "_MANY", 10)
    assert not intersections.intersections(tree.Surface(vertices, faces), 10**6).complete


def test_only_pairs_within_one_body_are_found_when_bodies_are_given():
    vertices, faces = welded(sphere(1.0, 4), sphere(1.0, 4, (0.5, 0.3, 0.2)))
    label = (np.arange(len(faces)) >= len(faces) // 2).astype(np.int64)

    assert len(intersections.intersections(tree.Surface(vertices, faces), 10**6).crossing)
    assert not len(intersections.intersections(tree.Surface(vertices, faces), 10**6, label).crossing)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 65, 300])
def test_boxes_that_meet_are_found_by_sweep_and_tree(count, monkeypatch):
    rng = np.random.default_rng(count)
    low = rng.integers(0, 1000, (count, 3))
    rows = np.hstack([low, low + rng.integers(0, 300, (count, 3)) ** 2 // 100]).astype(np.int32)
    meet = (rows[:, None, :3] <= rows[None, :, 3:]).all(axis=2) & (
        rows[:, None, 3:] >= rows[None, :, :3]
    ).all(axis=2)
    expected = np.argwhere(meet).tolist()

    assert sorted(tree.Boxes(rows).meeting(rows).tolist()) == expected
    assert sorted(sorted(pair) for pair in tree.Boxes(rows).pairs().tolist()) == [
        [i, j] for i, j in expected if i < j
    ]
    assert tree.Boxes(rows).meeting(rows, len(expected) - 1) is None
    monkeypatch.setattr(tree, "COMPILED_FROM", 1)
    monkeypatch.setattr(tree, "_ROOM", 3)
    assert sorted(tree.Boxes(rows).meeting(rows).tolist()) == expected
    assert tree.Boxes(rows).meeting(rows, len(expected) - 1) is None
    assert tree.Boxes(rows).pairs() is None


def test_very_many_pairs_are_left_to_the_tree(monkeypatch):
    rows = np.tile(np.array([[0, 0, 0, 9, 9, 9]], np.int32), (40, 1))

    assert len(tree.Boxes(rows).pairs()) == 780
    monkeypatch.setattr(tree, "_STRIP", 100)
    assert len(tree.Boxes(rows).pairs()) == 780
    monkeypatch.setattr(tree, "_CROWD", 100)
    assert tree.Boxes(rows).pairs() is None


def below(corners, weights, step):
    """A point at a triangle's inner point, moved along its normal."""
    n = naive.normal(corners)
    middle = [sum(w * p[k] for w, p in zip(weights, corners, strict=True)) for k in range(3)]
    return [x + step * y for x, y in zip(middle, n, strict=True)]


def told(vertices, faces, label, **options):
    surface = tree.Surface(vertices, faces)
    low = np.array([vertices[faces[label == n]].min(axis=(0, 1)) for n in range(label.max() + 1)])
    high = np.array([vertices[faces[label == n]].max(axis=(0, 1)) for n in range(label.max() + 1)])
    return layers.windings(surface, np.arange(len(faces)), label, low, high, options.get("limit", 10**7))


@pytest.mark.parametrize("large", [False, True])
@settings(max_examples=20)
@given(seed=seeds)
def test_windings_below_faces_are_those_of_points_just_below(large, seed):
    """Bodies that touch in any way, but do not cross: the points are a millionth of the size below the middles."""
    rng = np.random.default_rng(seed)
    meshes = [box(rng.integers(1, 3, 3), rng.integers(0, 3, 3)) for _ in range(3)]
    meshes[2] = type(meshes[2])(meshes[2].vertices, meshes[2].faces[:, ::-1])
    mesh = joined(*meshes)
    label = np.repeat(np.arange(3), 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "COMPILED_FROM", 1 if large else 1000)
        found = told(mesh.vertices, mesh.faces, label)
    table = np.zeros((36, 3), int)
    table[found.rays, found.bodies] = found.numbers
    corners = corners_of(mesh.vertices, mesh.faces)
    third = [
        Fraction(1, 3) + Fraction(1, 10**5),
        Fraction(1, 3) + Fraction(3, 10**5),
        Fraction(1, 3) - Fraction(4, 10**5),
    ]

    assert not found.unknown.any()
    for n in range(0, 36, 5):
        point = below(corners[n], third, -Fraction(1, 10**7))
        for body in range(3):
            assert table[n, body] == naive.winding(corners[12 * body : 12 * body + 12], point, rng)


@pytest.mark.parametrize("large", [False, True])
@settings(max_examples=5)
@given(rotation=rotations(), thin=st.sampled_from([0.5, 2.0**-26, 2.0**-50]))
def test_windings_among_slanted_rods_are_exact(large, rotation, thin):
    """Rods side by side, whose sides lie in one plane but for rounding, one around another; some are needles."""
    rods = [box((100, thin, thin), (0, 2 * thin * i, 2 * thin * j)) for i in range(2) for j in range(2)]
    mesh = joined(*rods, box((102, 6 * thin, 6 * thin), (-1, -2 * thin, -2 * thin)))
    vertices, faces = topology.weld(mesh.vertices @ rotation.T, mesh.faces)
    kept = ~topology.degenerate(faces)
    faces, label = faces[kept], np.repeat(np.arange(5), 12)[kept]
    flat = intersections.without_area(vertices, faces)
    if len(np.unique(label)) < 5 or len(
        intersections.intersections(tree.Surface(vertices, faces), 1).crossing
    ):
        return  # rounding took the area of a rod, or made it cross something
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "COMPILED_FROM", 1 if large else 1000)
        patch.setattr(rays, "_ROOM", 3)
        found = told(vertices, faces, label)
    table = np.zeros((len(faces), 5), int)
    table[found.rays, found.bodies] = found.numbers
    corners, rng = corners_of(vertices, faces), np.random.default_rng(0)
    third = [Fraction(k, 10**5) for k in (33334, 33335, 33331)]

    assert not found.unknown[~flat].any()
    for n in np.flatnonzero(~flat)[::7]:
        point = below(corners[n], third, -Fraction(1, 10**40))
        for body in range(5):
            triangles = [corners[i] for i in np.flatnonzero(label == body)]
            assert table[n, body] == naive.winding(triangles, point, rng)


@pytest.mark.parametrize("slack", [0.0, 1e-16])
@given(seeds)
def test_a_face_is_passed_over_only_where_the_ray_is_beside_it_and_both_ways_to_tell_agree(slack, seed):
    rng = np.random.default_rng(seed)
    vertices, faces = lattice(rng, 12, 4)
    vertices = vertices + rng.integers(0, 2, vertices.shape) * np.spacing(vertices)
    surface = tree.Surface(vertices, faces)
    start = rng.integers(0, 9, (2, len(faces))) / 2
    aim = rays.Rays(np.arange(len(faces)), rng.integers(0, 3, len(faces)), start, np.full(len(faces), slack))
    pairs = np.stack(np.meshgrid(aim.faces, aim.faces), axis=2).reshape(-1, 2)
    exact, seen = corners_of(vertices, faces), 0

    for (ray, face), beside in zip(pairs, rays._beside(surface, aim, pairs), strict=True):
        axis = aim.axis[ray]
        assert rays.surely_beside(vertices, faces, face, axis, *start[:, ray], slack) == beside
        p = [[corner[(axis + k) % 3] for k in (1, 2)] for corner in exact[face]]
        point = naive.exact([start[:, ray].tolist()])[0]
        signs = {naive.sign(naive.turn(p[k - 1], p[k], point)) for k in range(3)}
        assert beside <= ({-1, 1} <= signs)
        seen += beside
    assert seen


@given(seeds)
def test_heights_along_a_ray_have_the_sign_of_the_exact_value_or_none(seed):
    """Planes that pass near each other at the ray, or through one point of it."""
    rng = np.random.default_rng(seed)
    slopes, point = rng.integers(-4, 5, (2, 2, 20)) / 8, rng.integers(-4, 5, (2, 20)) / 4
    own, other = rng.integers(-9, 10, (2, 3, 20, 3)).astype(float)
    for corners, (x, y) in zip((own, other), slopes, strict=True):
        corners[2] = (corners[0] - point[0, :, None]) * x[:, None] + (corners[1] - point[1, :, None]) * y[
            :, None
        ]
    own[2] += rng.choice([0, 1e-16, 1e-12], (20, 3)) * rng.normal(size=(20, 3))
    found = layers._higher(own, other, point)

    for n in range(20):
        p, q = ([[Fraction(x) for x in corner] for corner in c[:, n].T.tolist()] for c in (own, other))
        here = naive.exact([point[:, n].tolist()])[0]
        up = naive.turn(*p) * naive.turn(*q)
        gap = naive.height(q, [*here, 0]) * naive.turn(*p) - naive.height(p, [*here, 0]) * naive.turn(*q)
        assert found[n] in (0, -naive.sign(gap))
        assert up == 0 or abs(float(gap)) < 1e-6 or found[n]


def test_needles_whose_middle_is_no_floating_point_number_inside_are_followed_in_integers():
    """Corners a unit in the last place apart: the middle of a face rounds to its rim."""
    step = np.spacing(1.0)
    mesh = box((1.0, step, step), (1.0, 1.0, 1.0))
    found = told(mesh.vertices, mesh.faces, np.zeros(12, np.int64))

    assert not found.unknown.any()
    assert found.numbers.tolist() == [1] * 12


def test_too_many_needles_stay_unknown(monkeypatch):
    step = np.spacing(1.0)
    mesh = box((1.0, step, step), (1.0, 1.0, 1.0))
    monkeypatch.setattr(layers, "_EXACT", 25)

    assert 0 < told(mesh.vertices, mesh.faces, np.zeros(12, np.int64)).unknown.sum() < 12
    assert told(mesh.vertices, mesh.faces, np.zeros(12, np.int64), limit=3).unknown.all()
    monkeypatch.setattr(tree, "COMPILED_FROM", 1)
    for limit in (3, 11, 25, 500):  # bodies around, faces, and what is kept of them
        assert told(mesh.vertices, mesh.faces, np.zeros(12, np.int64), limit=limit).unknown.all()


def test_what_may_be_compared_in_integers_is_counted_over_all_rays(monkeypatch):
    step = np.spacing(1.0)
    mesh = box((1.0, step, step), (1.0, 1.0, 1.0))
    label = np.zeros(12, np.int64)
    monkeypatch.setattr(layers, "_EXACT", 25)
    once = told(mesh.vertices, mesh.faces, label).unknown.tolist()
    monkeypatch.setattr(layers, "_BLOCK", 1)

    assert told(mesh.vertices, mesh.faces, label).unknown.tolist() == once


def test_only_pairs_that_rounding_leaves_open_are_compared_in_integers(monkeypatch):
    """Slanted rods side by side: a ray meets many faces, and only needles and ties need integers."""
    rods = joined(*[box((100, 0.5, 0.5), (0, i, j)) for i in range(5) for j in range(5)])
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    calls, exactly = [], layers._exactly
    monkeypatch.setattr(layers, "_exactly", lambda *pair: calls.append(pair) or exactly(*pair))
    found = told(rods.vertices @ turn.T, rods.faces, np.repeat(np.arange(25), 12))

    assert not found.unknown.any()
    assert (found.numbers == 1).all() and (found.bodies == found.rays // 12).all()
    assert len(calls) < 10


@pytest.mark.parametrize("height", [-1 / 64, 0.0, 1 / 64])
@pytest.mark.parametrize("turn", [range(3), (0, 2, 1)], ids=["up", "down"])
def test_of_two_triangles_that_straddle_each_other_heights_tell_which_is_higher(height, turn):
    """The second plane passes over, under, or through the middle of the first triangle, which is not entered then."""
    slope = [[x, y, (x - 1) / 8 + height] for x, y in ((-7.0, -9.0), (11.0, -9.0), (1.0, 21.0))]
    vertices = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0], *slope])
    faces = np.array([np.arange(3)[list(turn)], [3, 4, 5]], np.int32)
    found = told(vertices, faces, np.array([0, 1]))
    ways = 1 if turn == range(3) else 0

    assert found.unknown.tolist() == [height == 0, False]
    if height:
        around = dict(
            zip(zip(found.rays.tolist(), found.bodies.tolist(), strict=True), found.numbers, strict=True)
        )
        assert around.get((0, 0), 0) == ways
        assert around.get((0, 1), 0) == (height > 0)


def test_an_edge_that_a_longer_one_covers_is_loose_and_does_not_connect():
    """A cube beside a pillar: one of the cube's edges lies along one of the pillar's, with no corner in common."""
    vertices, faces = welded(box((1, 1, 1)), box((1, 1, 3), (1, 1, -1)))
    surface = tree.Surface(vertices, faces)
    found = intersections.intersections(surface, 10)
    ends = np.stack([vertices[faces], vertices[np.roll(faces, -1, axis=1)]])
    along = (ends[..., :2] == 1).all(axis=(0, 3))
    label = (np.arange(24) >= 12).astype(np.int64)

    assert not len(found.crossing)
    assert along.sum() == 4
    assert found.loose[along].all()
    assert intersections.pieces(surface, label, np.zeros_like(found.loose)).tolist() == label.tolist()
    assert len(np.unique(intersections.pieces(surface, label, np.ones_like(found.loose)))) == 24
