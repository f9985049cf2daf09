"""What several bodies enclose together: sound when each point is enclosed once at most, else a finding that says so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import BOX_FACES, QUADS, box, joined, rotations, solids, sphere

from massproof import bodies, nesting
from massproof.kernels import intersections, neighbours, overlap, topology, tree
from massproof.kernels.overlap import shared_volume
from massproof.mesh import Mesh

ALT_FACES = np.array([f for a, b, c, d in QUADS for f in ((b, c, d), (b, d, a))], np.int32)
TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], np.int32)
CUBE, ROOM = box((1, 1, 1)), box((10, 10, 10))
DOUBTFUL = {
    "inverted-body",
    "overlap",
    "repeated-faces",
    "self-intersecting",
    "tangled-bodies",
    "nesting-unchecked",
    "intersections-unchecked",
}


def turned(mesh):
    return Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))


def volume(mesh):
    return float(np.linalg.det(mesh.vertices[mesh.faces]).sum() / 6)


def other(size=(1.0, 1.0, 1.0), corner=(0.0, 0.0, 0.0)):
    """A box whose faces are cut along the other diagonals."""
    return Mesh(box(size, corner).vertices, ALT_FACES)


def doubt(*meshes):
    """The volume in doubt, and the findings by code."""
    mesh = joined(*meshes)
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)
    faces = faces[~topology.degenerate(faces)]
    sides = topology.paired(faces, len(vertices))
    notes = []
    assert not sides.unbalanced
    found = nesting.doubt(vertices, faces, not sides.crowded, notes, sides)
    assert found == nesting.doubt(vertices, faces, not sides.crowded, [])
    return found, {code: evidence for code, _, evidence in notes}


def lattice_boxes(seed):
    """Boxes and hollows on a small lattice, cut in two ways; their winding number in each cell; whether none is cut open."""
    rng = np.random.default_rng(seed)
    meshes, cells = [], np.zeros((4, 4, 4), int)
    for _ in range(rng.integers(1, 5)):
        size = rng.integers(1, 4, 3)
        low = rng.integers(0, 5 - size)
        hollow = rng.random() < 0.25
        mesh = (box if rng.random() < 0.5 else other)(size, low)
        meshes.append(turned(mesh) if hollow else mesh)
        cells[tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))] += -1 if hollow else 1
    return joined(*meshes), cells


@settings(max_examples=150)
@given(st.integers(0, 2**31))
def test_what_is_not_doubted_encloses_each_point_once_at_most(seed):
    """Boxes touch, overlap, coincide and contain each other in every way there is on a lattice."""
    mesh, cells = lattice_boxes(seed)
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)
    if cells.sum() <= 0 or topology.paired(faces, len(vertices)).unbalanced:
        return
    volume, found = doubt(mesh)
    fine = ((cells == 0) | (cells == 1)).all()

    assert fine or DOUBTFUL & set(found)
    if cells.min() >= 0 and "self-intersecting" not in found:
        assert abs(cells.sum() - (cells > 0).sum()) <= volume + 1e-9
    if "tangled-bodies" in found:
        least = max((cells > 0).sum(), (cells != 0).sum())
        assert least <= found["tangled-bodies"]["volume_at_most"] <= cells.sum() + volume
        assert cells.sum() <= volume


def test_what_is_tangled_is_anything_up_to_its_boxes():
    """Two boxes and a hollow through one edge: 8 are covered, of which 4 remain."""
    volume, found = doubt(box((2, 2, 2)), box((2, 1, 2)), turned(box((4, 1, 2))))

    assert found["tangled-bodies"]["volume_at_most"] == 4 * 2 * 2
    assert volume >= 16 - 4


@settings(max_examples=100)
@given(st.integers(0, 2**31))
def test_solid_boxes_that_share_nothing_are_not_doubted(seed):
    """However they touch: nothing is reported but walls."""
    rng = np.random.default_rng(seed)
    cuts = [np.unique(np.append([0, 6], rng.integers(1, 6, 2))) for _ in range(3)]
    meshes = []
    for i in range(len(cuts[0]) - 1):
        for j in range(len(cuts[1]) - 1):
            for k in range(len(cuts[2]) - 1):
                low = np.array([cuts[0][i], cuts[1][j], cuts[2][k]])
                size = np.array([cuts[0][i + 1], cuts[1][j + 1], cuts[2][k + 1]]) - low
                size[2] -= size[2] > 1 and rng.random() < 0.5  # so that walls do not match
                meshes.append((box if rng.random() < 0.5 else other)(size, low))
    volume, found = doubt(*meshes)

    assert volume == 0
    assert set(found) <= {"coincident-faces"}


@given(solids(), rotations())
def test_a_solid_alone_is_not_doubted(mesh, rotation):
    assert doubt(Mesh(mesh.vertices @ rotation.T, mesh.faces)) == (0.0, {})


def test_many_triangles_take_the_compiled_path_to_the_same_findings(monkeypatch):
    parts = [
        sphere(1.0, 6),
        sphere(1.0, 6, (0.5, 0.3, 0.2)),
        ROOM,
        turned(sphere(2.0, 4, (5, 5, 5))),
        sphere(0.5, 4, (5, 5, 5)),
    ]
    small = doubt(*parts)
    monkeypatch.setattr(tree, "COMPILED_FROM", 1)

    assert doubt(*parts) == small


def test_nested_shells_are_sound_whichever_comes_first():
    """Material, hollow, material, hollow, material: each in the one before."""
    shells = [box((10 - 2 * k,) * 3, (k,) * 3) for k in range(5)]
    shells = [turned(shell) if k % 2 else shell for k, shell in enumerate(shells)]
    for turn in range(5):
        volume, found = doubt(*shells[turn:], *shells[:turn])

        assert volume == 0
        assert found == {"cavities": {"count": 2, "volume": 8**3 + 4**3}}


def test_bodies_whose_boxes_meet_but_that_do_not_are_sound():
    """A tetrahedron in the corner that another one leaves of its box."""
    corner = Mesh(
        np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3.0]]),
        np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32),
    )
    volume, found = doubt(corner, box((1, 1, 1), (1.9, 1.9, 1.9)))

    assert (volume, found) == (0.0, {})


def test_bodies_that_overlap_are_named_and_what_they_share_is_bounded():
    volume, found = doubt(CUBE, box((1, 1, 1), (5, 5, 5)), box((1, 1, 1), (0.75, 0.75, 0.75)))

    assert volume == found["overlap"]["volume_at_most"] == 0.25**3
    assert found["overlap"]["pairs"] == 1
    assert found["overlap"]["bodies"] == [[0, 2]]
    assert np.abs(np.array(found["overlap"]["where"]) - 0.875).max() <= 0.5


def test_a_body_in_the_material_of_another_counts_twice():
    volume, found = doubt(
        ROOM, turned(box((6, 6, 6), (1, 1, 1))), box((1, 1, 1), (8, 8, 8)), box((1, 1, 1), (3, 3, 3))
    )

    assert volume == 1
    assert found["overlap"]["bodies"] == [[0, 2]]
    assert found["cavities"]["count"] == 1


def test_a_hollow_in_a_hollow_is_subtracted_twice_and_one_outside_is_no_hollow():
    inner = turned(box((2, 2, 2), (2, 2, 2)))
    volume, found = doubt(ROOM, turned(box((4, 4, 4), (1, 1, 1))), inner)
    outside, alone = doubt(ROOM, turned(box((2, 2, 2), (20, 2, 2))))

    assert volume == found["overlap"]["volume_at_most"] == 8
    assert outside == pytest.approx(16, rel=1e-14)
    assert alone == {"inverted-body": {"count": 1, "volume": 8.0}}


def test_a_hollow_that_sticks_out_is_not_proved_to_be_one():
    volume, found = doubt(ROOM, turned(box((2, 2, 2), (9, 2, 2))))

    assert volume == 16
    assert set(found) == {"inverted-body"}


def twisted():
    """A box one end of which is turned by half a turn: its sides cross each other."""
    vertices = box((1, 1, 4)).vertices - [0.5, 0.5, 0]
    vertices[4:, :2] *= -1
    return Mesh(vertices, BOX_FACES)


def test_a_surface_that_crosses_itself_is_named_with_places():
    prism = box((3, 1, 1)).vertices
    folded = sphere(1.0, 8)
    vertices = folded.vertices * [1, 1, 2]
    vertices[np.abs(vertices[:, 2] - 2) < 0.5, 2] -= 5  # the top is pushed out through the bottom
    volume, found = doubt(Mesh(vertices, folded.faces), Mesh(prism + 9, BOX_FACES))

    assert volume == 0
    assert found["self-intersecting"]["pairs"] > 0
    assert found["self-intersecting"]["complete"]
    assert len(found["self-intersecting"]["where"]) == 3
    assert doubt(twisted(), box((9, 9, 9), (9, 9, 9)))[1].keys() == {"self-intersecting"}


def test_so_many_crossings_that_counting_ends_leave_the_boxes_to_say_what_is_shared(monkeypatch):
    monkeypatch.setattr(bodies, "_CROSSINGS", 3)
    hollow = turned(box((1, 1, 1), (20, 0, 0)))
    volume, found = doubt(sphere(1.0, 6), sphere(1.0, 6, (0.5, 0, 0)), box((3, 3, 3), (19, -1, -1)), hollow)

    assert found["overlap"].keys() == {"pairs", "volume_at_most"}
    assert found["inverted-body"]["count"] == 1
    assert volume == found["overlap"]["volume_at_most"] + 2
    apart = doubt(twisted(), box((9, 9, 9), (9, 9, 9)))[1]
    assert set(apart) == {"self-intersecting"}
    assert not apart["self-intersecting"]["complete"]


def test_too_many_long_triangles_are_not_called_sound(monkeypatch):
    monkeypatch.setattr(intersections, "_LOOKED", 3)
    volume, found = doubt(CUBE, box((1, 1, 1), (0.5, 3, 0)))

    assert set(found) == {"intersections-unchecked"}
    assert volume == 0


def test_what_takes_too_long_to_place_is_not_called_sound(monkeypatch):
    monkeypatch.setattr(nesting, "_WINDING_LIMIT", 3)
    volume, found = doubt(box((3, 3, 3)), turned(box((1, 1, 1), (1, 1, 1))))

    assert found["nesting-unchecked"]["bodies"] == 2
    assert volume == 27 + 2


def sheet(corner, size=1.0):
    """A square without thickness, both of its sides closed by one another."""
    x, y, z = corner
    points = np.array([[x, y, z], [x + size, y, z], [x + size, y + size, z], [x, y + size, z]])
    return Mesh(points, np.array([[0, 1, 2], [0, 2, 3], [0, 2, 1], [0, 3, 2]], np.int32))


def test_sheets_without_thickness_enclose_nothing_and_harm_nothing():
    for place in ((5, 5, 5), (20, 20, 20)):
        volume, found = doubt(ROOM, sheet(place))

        assert volume == 0
        assert set(found) == {"coincident-faces"}


@settings(max_examples=20)
@given(rotations())
def test_a_body_without_thickness_is_neither_a_cavity_nor_inside_out_wherever_it_lies(rotation):
    """A square that is cut along one diagonal on one side, along the other on the other: a tetrahedron, but flat."""
    flat = sheet((0, 0, 0)).vertices, np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [3, 2, 1]], np.int32)
    for place in ((5, 5, 5), (20, 20, 20)):
        for turn in (np.eye(3), rotation):
            for faces in (flat[1], flat[1][:, ::-1]):
                volume, found = doubt(ROOM, Mesh(flat[0] @ turn.T + place, np.ascontiguousarray(faces)))

                assert volume < 1e-13
                assert found.keys() == {"empty-bodies"} or (
                    not found and place[0] == 20
                )  # a solid, if hardly one
                assert found or (turn is rotation)
    assert set(doubt(ROOM, Mesh(flat[0] + [9.5, 5, 5], flat[1]))[1]) & DOUBTFUL


def test_flat_bodies_on_one_another_of_which_not_all_crossings_are_known_are_not_called_sound(monkeypatch):
    monkeypatch.setattr(bodies, "_CROSSINGS", 1)
    volume, found = doubt(CUBE, sheet((20, 20, 20)), sheet((20.3, 20.2, 20)))

    assert volume == 0
    assert set(found) & DOUBTFUL


def test_a_sheet_that_sticks_in_a_solid_is_reported():
    assert set(doubt(ROOM, sheet((9.5, 5, 5)))[1]) & DOUBTFUL


def test_two_bodies_in_one_are_odd_when_nothing_of_them_crosses():
    """A box and the same one turned, one in the other, told to be one body: it winds twice around the inner one."""
    inner = box((1, 1, 1), (1, 1, 1))
    mesh = joined(box((3, 3, 3)), inner)
    surface = tree.Surface(mesh.vertices, mesh.faces)
    one = bodies.bodies_of(surface, np.zeros(24, np.int64))
    crossings = bodies.crossings_of(one)
    piece = bodies.layers_of(one, crossings, True, 10**6)
    both = piece._replace(
        faces=np.array([0, 12]),
        body=np.array([0, 0]),
        own=np.array([1, 2]),
        told=np.array([True, True]),
        unknown=np.array([False, False]),
    )
    notes = []

    assert nesting._nested(one, crossings, both, notes) == 0
    assert [code for code, _, _ in notes] == ["self-intersecting"]


def test_faces_without_area_bound_nothing():
    """A box with a corner on the middle of an edge, which one side of the edge ignores: a triangle without area."""
    vertices = np.vstack([CUBE.vertices, [[0.5, 0, 0]]])
    faces = CUBE.faces.tolist()
    edge = next(n for n, f in enumerate(faces) if {0, 1} <= set(f))
    a, b, c = faces[edge]
    while {a, b} != {0, 1}:
        a, b, c = b, c, a
    faces[edge : edge + 1] = [[a, 8, c], [8, b, c], [a, b, 8]]

    assert doubt(Mesh(vertices, np.array(faces, np.int32))) == (0.0, {})


def test_a_body_without_any_area_is_left_alone():
    line = Mesh(np.array([[20.0, 0, 0], [21, 0, 0], [22, 0, 0]]), np.array([[0, 1, 2], [0, 2, 1]], np.int32))

    assert doubt(CUBE, line)[0] == 0


@pytest.mark.parametrize("count", [0, 1, 30])
def test_boxes_share_what_pairs_of_them_share(count):
    rng = np.random.default_rng(count)
    low = rng.random((count, 3))
    high = low + rng.random((count, 3)) / 2
    volumes = np.prod(high - low, axis=1)
    pairs, shared = 0, 0.0
    for i in range(count):
        for j in range(i):
            sides = np.minimum(high[i], high[j]) - np.maximum(low[i], low[j])
            if (sides > 0).all():
                pairs, shared = pairs + 1, shared + min(np.prod(sides), volumes[i], volumes[j])
    found = shared_volume(volumes, low, high)

    assert found[:2] == (pairs, True)
    assert found[2] == pytest.approx(
        min(shared, volumes.sum() - volumes.max(initial=0)), rel=1e-12, abs=1e-300
    )


def test_of_very_many_bodies_in_one_place_the_largest_counts(monkeypatch):
    """The union of all holds at least the largest."""
    monkeypatch.setattr(overlap, "_PAIRS", 10)
    monkeypatch.setattr(overlap, "_MOST", 10)
    volumes, low = np.arange(1.0, 9.0), np.zeros((8, 3))
    pairs, whole, shared = shared_volume(volumes, low, low + 2)

    assert 0 < pairs < 28
    assert (whole, shared) == (False, 28.0)
    monkeypatch.setattr(bodies, "_CROSSINGS", 3)
    volume, found = doubt(*[sphere(1.0, 4, (0.1 * k, 0, 0)) for k in range(8)])
    assert 0 < found["overlap"]["pairs"] < 28
    assert volume == found["overlap"]["volume_at_most"]


def test_bodies_share_no_more_than_all_but_the_largest():
    """Five boxes in one another make ten pairs, of which each counts the smaller one."""
    volume, found = doubt(*[box((5 - k,) * 3, (k / 2,) * 3) for k in range(5)])

    assert found["overlap"]["pairs"] == 10
    assert volume == 4**3 + 3**3 + 2**3 + 1


def test_a_surface_that_crosses_itself_all_over_is_soon_known_to(monkeypatch):
    """Small parts come first: not all pairs are looked at before the crossings are counted."""
    monkeypatch.setattr(tree, "COMPILED_FROM", 1)
    monkeypatch.setattr(bodies, "_CROSSINGS", 100)
    monkeypatch.setattr(neighbours, "_MANY", 1000)
    looked, batches = [], neighbours.batches
    spy = lambda *of: (looked.append(batch[1]) or batch for batch in batches(*of))  # noqa: E731
    monkeypatch.setattr(intersections, "batches", spy)
    rng = np.random.default_rng(0)
    tetrahedra = [Mesh(rng.normal(size=(4, 3)), TETRAHEDRON) for _ in range(100)]
    found = doubt(*[t if volume(t) > 0 else turned(t) for t in tetrahedra])[1]

    assert "overlap" in found
    assert sum(looked) < 2 * 400 * 399 / 2 / 2  # `doubt` looks twice
