"""What is defined, what is not, and bounds that hold, for triangle meshes."""

from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BOX_FACES, CORNERS, QUADS, box, boxes, joined, solids, sphere, vectors

from massproof import enclosure, nesting
from massproof.errors import FormatError
from massproof.kernels import integrals_small
from massproof.mass import Body
from massproof.mesh import Mesh, from_instances, from_polygons, placed_at

PRODUCTS = [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)]


def measure(mesh):
    return enclosure.measure(mesh, "part")


def codes(measured):
    return [code for code, _, _ in measured.notes]


def evidence(measured, code):
    return next(found for c, _, found in measured.notes if c == code)


def without(mesh, *faces):
    keep = [f for f in range(len(mesh.faces)) if f not in faces]
    return Mesh(mesh.vertices, mesh.faces[keep])


def total(measured, field):
    return Fraction(sum(getattr(e, field) for e in measured.errors.values() if e))


def shaped(mesh, kind, seed):
    """`mesh` made hard to add up: far away, huge, tiny, or squeezed to needles."""
    rng = np.random.default_rng(seed)
    scale = {"far": 1.0, "huge": 1e12, "tiny": 1e-12, "needle": 1.0, "plain": 1.0}[kind]
    squeeze = np.array([1.0, 1e-6, 1.0]) if kind == "needle" else np.ones(3)
    offset = rng.uniform(-1, 1, 3) * (1e6 if kind == "far" else 0.0)
    return Mesh(mesh.vertices * scale * squeeze + offset, mesh.faces)


@pytest.mark.parametrize("kind", ["plain", "far", "huge", "tiny", "needle"])
@given(solids(), st.integers(0, 2**31))
def test_the_exact_value_lies_within_the_stated_rounding(kind, mesh, seed):
    """Exact rationals over the very doubles that were measured: no tolerance but the one stated."""
    mesh = shaped(mesh, kind, seed)
    found = measure(mesh)
    one, centre, inertia = naive.body(mesh.vertices, mesh.faces)

    assert abs(Fraction(found.body.mass) - one) <= total(found, "volume")
    assert abs(Fraction(found.area) - naive.area(mesh.vertices, mesh.faces)) <= total(found, "area")
    for k in range(3):
        assert abs(Fraction(float(found.body.centre[k])) - centre[k]) <= total(found, "centre")
    got = found.body.inertia()
    for i, j in PRODUCTS:
        assert abs(Fraction(float(got[i, j])) - inertia[i][j]) <= total(found, "second") * (
            2 if i == j else 1
        )


@given(solids())
def test_rounding_of_a_part_near_its_origin_is_below_a_part_in_a_billion(mesh):
    found = measure(mesh)

    assert total(found, "volume") <= 1e-9 * found.body.mass


@given(solids(), st.integers(0, 2**31))
def test_moving_each_coordinate_by_the_precision_stays_within_its_bound(mesh, seed):
    """The exporter rounded; whatever it had, within half a step, lies in the file-precision bound."""
    step = 1e-4
    found = measure(Mesh(mesh.vertices, mesh.faces, precision=step))
    stored = found.errors["file-precision"]
    rng = np.random.default_rng(seed)
    other = measure(Mesh(mesh.vertices + rng.uniform(-step, step, mesh.vertices.shape), mesh.faces))

    assert abs(other.body.mass - found.body.mass) <= stored.volume
    assert abs(other.area - found.area) <= stored.area
    assert np.abs(other.body.centre - found.body.centre).max() <= stored.centre
    assert np.abs(other.body.second - found.body.second).max() <= stored.second
    assert np.abs(other.low - found.low).max() <= stored.box


def test_swelling_a_box_in_all_directions_uses_most_of_its_bound():
    """Against a bound that is never wrong because it is never tight: this one is within a factor 3."""
    step = 1e-6
    stored = measure(Mesh(box().vertices, BOX_FACES, precision=step)).errors["file-precision"]
    swollen = measure(Mesh(box().vertices + step * np.sign(box().vertices - [0.5, 1, 1.5]), BOX_FACES))
    change = swollen.body.mass - 6.0

    assert stored.volume / 3 < change < stored.volume


@given(boxes(), vectors)
def test_a_hole_leaves_area_and_box_and_no_volume_wherever_the_part_lies(case, shift):
    mesh = without(case[0], 10, 11)
    here, there = measure(mesh), measure(Mesh(mesh.vertices + shift, mesh.faces))

    assert here.body is None
    assert there.body is None
    assert "4 of 17 edges belong to one triangle only, around 1 hole;" in here.absent
    assert here.absent == there.absent
    assert evidence(here, "open-edges")["boundary_edges"] == 4
    assert len(evidence(here, "open-edges")["where"]) == 3
    assert here.area == pytest.approx(there.area, rel=1e-12)


def test_two_holes_are_two_holes():
    found = measure(without(joined(box(), box(corner=(9, 9, 9))), 0, 12))

    assert evidence(found, "open-edges")["holes"] == 2
    assert "around 2 holes" in found.absent


@given(boxes())
def test_faces_all_turned_inwards_give_the_same_solid_and_say_so(case):
    mesh = case[0]
    found, turned = measure(mesh), measure(Mesh(mesh.vertices, mesh.faces[:, ::-1]))

    assert codes(found) == []
    assert codes(turned) == ["inverted"]
    assert turned.bounded
    assert turned.body.mass == pytest.approx(found.body.mass, rel=1e-14)
    assert turned.body.inertia() == pytest.approx(found.body.inertia(), rel=1e-12, abs=1e-12)


@given(solids(), st.integers(0, 10**6))
def test_one_face_turned_against_the_others_defines_no_volume(mesh, which):
    faces = mesh.faces.copy()
    faces[which % len(faces)] = faces[which % len(faces)][::-1]
    found = measure(Mesh(mesh.vertices, faces))

    assert found.body is None
    assert evidence(found, "inconsistent-winding")["inconsistent_edges"] == 3


def test_a_fin_on_a_closed_part_defines_no_volume():
    mesh = box()
    fin = np.vstack([mesh.faces, [mesh.faces[0]]])
    found = measure(Mesh(mesh.vertices, fin))

    assert found.body is None
    assert codes(found) == ["nonmanifold-edges"]


def test_every_face_twice_is_not_twice_the_volume():
    mesh = box()
    found = measure(Mesh(mesh.vertices, np.vstack([mesh.faces, mesh.faces])))

    assert "repeated-faces" in codes(found)
    assert found.bounded
    assert found.body.mass - total(found, "volume") <= 6.0


ALT_FACES = np.array([f for a, b, c, d in QUADS for f in ((b, c, d), (b, d, a))], np.int32)


def turned(mesh):
    return Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))


def other(size=(1.0, 1.0, 1.0), corner=(0.0, 0.0, 0.0)):
    """A box whose faces are cut along the other diagonals."""
    return Mesh(box(size, corner).vertices, ALT_FACES)


CUBE, ROOM = box((1, 1, 1)), box((10, 10, 10))


@pytest.mark.parametrize(
    ("parts", "union"),
    [
        ([CUBE, other()], 1),
        ([CUBE, other((1, 1, 2))], 2),
        ([CUBE, box((2, 0.5, 1))], 1.5),
        ([CUBE, box((1, 1, 1), (0.5, 0, 0))], 1.5),
        ([CUBE, CUBE], 1),
        ([ROOM, turned(box((4, 4, 4), (1, 1, 1))), turned(box((2, 2, 2), (2, 2, 2)))], 936),
        ([ROOM, turned(box((3, 3, 3), (1, 1, 1))), turned(box((3, 3, 3), (2, 2, 2)))], 954),
        ([ROOM, turned(box((3, 3, 3), (1, 1, 1))), turned(other((3, 3, 3), (1, 1, 1)))], 973),
    ],
    ids=[
        "coincident",
        "shared base",
        "shared edge",
        "half",
        "twice",
        "nested cavities",
        "crossing cavities",
        "one cavity twice",
    ],
)
def test_what_counts_more_than_once_is_never_sound(parts, union):
    """Whatever edges the bodies share: the verdict is not SOUND, and the interval holds the material."""
    found = measure(joined(*parts))

    assert found.bounded
    assert abs(found.body.mass - union) <= total(found, "volume")


@pytest.mark.parametrize("corner", [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0.5, 0), (0, 0, 1)])
@pytest.mark.parametrize(
    "cut", [lambda c: box((1, 1, 1), c), lambda c: other((1, 1, 1), c)], ids=["same cut", "other cut"]
)
def test_bodies_that_only_touch_are_sound(cut, corner):
    """At a wall, an edge or a corner: each keeps its own material, and nothing is in doubt."""
    found = measure(joined(CUBE, cut(corner)))

    assert found.body.mass == pytest.approx(2)
    assert not found.bounded
    assert set(codes(found)) <= {"coincident-faces"}


def test_cubes_like_a_chessboard_touch_at_edges_only():
    board = [
        box((1, 1, 1), (i, j, k))
        for i in range(3)
        for j in range(3)
        for k in range(3)
        if (i + j + k) % 2 == 0
    ]
    found = measure(joined(*board))

    assert found.body.mass == pytest.approx(14)
    assert codes(found) == []


def test_a_surface_that_turns_inside_out_defines_no_volume():
    """A box whose far end is mirrored: it narrows to nothing and goes on inside out. ∫ dV = 1/20 about x = −8/3."""
    twisted = CORNERS - 0.5
    twisted[:, 1] *= np.where(CORNERS[:, 0] == 1, -0.9, 1.0)
    found = measure(Mesh(twisted, BOX_FACES))

    assert found.body is None
    assert codes(found) == ["self-intersecting"]
    assert "inside out" in found.absent


def test_a_mass_distribution_that_no_solid_has_is_refused():
    body = Body(1.0, np.array([5.0, 0, 0]), np.eye(3))
    low, high = np.zeros(3), np.ones(3)

    assert enclosure._impossible(body, {}, low, high)
    assert enclosure._impossible(Body(1.0, np.full(3, 0.5), -np.eye(3)), {}, low, high)
    assert not enclosure._impossible(Body(1.0, np.full(3, 0.5), np.eye(3)), {}, low, high)


@given(st.integers(0, 2**31))
def test_a_part_that_is_placed_far_away_keeps_its_volume_in_the_interval(seed):
    """Rounding where a matrix places a small part: its own cause, and the exact value within it."""
    rng = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    matrix[:3, 3] = rng.uniform(-1, 1, 3) * 10.0 ** rng.integers(0, 9)
    small = box((0.1, 0.1, 0.1))
    found = measure(from_instances([(small.vertices, small.faces.astype(np.int64), placed_at(matrix))], "mm"))
    one, _, _ = naive.body(small.vertices, small.faces)
    exact = one * abs(naive.det(*naive.exact(matrix[:3, :3].tolist())))

    assert abs(Fraction(found.body.mass) - exact) <= total(found, "volume")


def test_a_chain_of_placements_that_comes_back_keeps_what_rounding_did_on_the_way():
    """A turn about a point a million away, in three steps: the last matrix looks harmless."""
    far, c, s = 1e6 + 0.1, 0.6, 0.8
    there, turn, back = np.eye(4), np.eye(4), np.eye(4)
    there[:2, 3], back[:2, 3] = (-far, 0), (c * far, s * far)
    turn[:2, :2] = [[c, -s], [s, c]]
    chain = placed_at(back).then(placed_at(turn)).then(placed_at(there))
    steps = [[[Fraction(float(x)) for x in row] for row in m] for m in (there, turn, back)]
    point = [Fraction(1, 2)] * 3
    for m in steps:
        point = [sum(a * b for a, b in zip(row[:3], point, strict=True)) + row[3] for row in m[:3]]
    cube = box((1, 1, 1))
    found = measure(from_instances([(cube.vertices, cube.faces.astype(np.int64), chain)], "mm"))

    for k in range(3):
        assert abs(Fraction(float(found.body.centre[k])) - point[k]) <= total(found, "centre")


@pytest.mark.parametrize("turn", range(12))
@pytest.mark.parametrize(
    ("host", "hollow"),
    [
        (sphere(1.0, 12), box((1.4,) * 3, (-0.7,) * 3)),
        (box((3, 3, 3)), box((1, 1, 4), (1, 1, -0.5))),
    ],
    ids=["corners poke out", "ends poke out"],
)
def test_a_body_inside_out_that_sticks_out_is_never_sound(host, hollow, turn):
    """Whichever of its faces comes first."""
    faces = np.roll(turned(hollow).faces, turn, axis=0)
    found = measure(joined(host, Mesh(hollow.vertices, faces)))

    assert found.bounded


def test_a_cavity_in_a_turned_room_is_proved_to_be_one():
    angle = np.deg2rad(30)
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    hollow = joined(box((3, 3, 3)), turned(box((1, 1, 1), (1, 1, 1))))
    found = measure(Mesh(hollow.vertices @ rotation.T, hollow.faces))

    assert codes(found) == ["cavities"]
    assert not found.bounded


@pytest.mark.parametrize("turn", range(4))
def test_a_face_that_is_not_planar_gives_the_same_interval_however_it_is_cut(turn):
    """A cube with one corner lifted by a half: 13/12 or 7/6, as the diagonal runs."""
    vertices = CUBE.vertices.copy()
    vertices[7, 2] = 1.5
    quads = [np.roll(q, turn) for q in QUADS]
    found = measure(from_polygons(vertices, np.concatenate(quads).astype(np.int64), np.full(6, 4)))

    assert "non-planar-polygons" in codes(found)
    assert found.bounded
    for volume in (13 / 12, 7 / 6):
        assert abs(found.body.mass - volume) <= total(found, "volume")


@pytest.mark.parametrize("rings", [6, 12])
def test_a_soup_of_shrunk_triangles_still_encloses_what_its_corners_span(rings):
    """Every triangle pulled in by less than the tolerance: the volume is that of the closed surface."""
    mesh = sphere(1.0, rings)
    corners = mesh.vertices[mesh.faces]
    middle = corners.mean(axis=1, keepdims=True)
    shrunk = corners + (middle - corners) / np.abs(middle - corners).max() * 4e-8
    found = measure(Mesh(shrunk.reshape(-1, 3), np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)))

    assert codes(found) == ["merged-corners"]
    assert abs(found.body.mass - measure(mesh).body.mass) <= total(found, "volume")


@given(solids(), st.floats(1e-7, 1e-3))
def test_the_shares_of_the_causes_add_up_to_the_joint_bound(mesh, step):
    """Two causes together can move the centre further than the sum of what each does alone."""
    alone = [
        enclosure._by_cause(
            integrals_small.surface_sums(mesh.vertices, mesh.faces, mesh.vertices[0]), {"a": cause}
        )["a"]
        for cause in (enclosure._Cause(0, step, step, step), enclosure._Cause(0, 2 * step, 0, 0))
    ]
    both = enclosure._by_cause(
        integrals_small.surface_sums(mesh.vertices, mesh.faces, mesh.vertices[0]),
        {"a": enclosure._Cause(0, step, step, step), "b": enclosure._Cause(0, 2 * step, 0, 0)},
    )

    assert both["a"].centre + both["b"].centre >= alone[0].centre + alone[1].centre


def test_two_boxes_that_share_a_wall_are_sound_and_the_wall_is_named():
    """Unlike a fin, whose edges do not cancel: here each wall triangle closes its own box."""
    found = measure(joined(box((1, 1, 1)), box((1, 1, 1), (1, 0, 0))))

    assert found.body.mass == pytest.approx(2)
    assert not found.bounded
    assert codes(found) in (["coincident-faces"], [])


def test_triangles_without_extent_are_counted_and_change_nothing():
    mesh = box()
    found = measure(Mesh(mesh.vertices, np.vstack([mesh.faces, [[0, 0, 1]]]).astype(np.int32)))

    assert codes(found) == ["degenerate-faces"]
    assert found.body.mass == 6.0
    assert not found.bounded


def test_a_flat_closed_surface_has_no_volume_and_not_the_volume_zero():
    sheet = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 2, 1]], np.int32))
    found = measure(sheet)

    assert found.body is None
    assert codes(found) == ["no-volume"]
    assert found.area == 1.0


@given(st.integers(0, 2**31))
def test_corners_that_differ_by_less_than_float32_can_say_are_merged_and_reported(seed):
    """As SolidWorks writes zeros: 1e-17 here, 0 there. The volume's interval covers any such choice."""
    rng = np.random.default_rng(seed)
    corners = box().vertices[box().faces].reshape(-1, 3)
    shaken = corners + rng.uniform(-1e-8, 1e-8, corners.shape)
    found = measure(Mesh(shaken, np.arange(36, dtype=np.int32).reshape(-1, 3)))

    assert codes(found) == ["merged-corners"]
    assert found.bounded
    assert evidence(found, "merged-corners")["largest_gap"] <= 2e-8
    assert abs(found.body.mass - 6.0) <= total(found, "volume") < 1e-5


def test_wider_cracks_stay_open():
    rng = np.random.default_rng(1)
    corners = box().vertices[box().faces].reshape(-1, 3)
    found = measure(
        Mesh(
            corners + rng.uniform(-1e-5, 1e-5, corners.shape),
            np.arange(36, dtype=np.int32).reshape(-1, 3),
        )
    )

    assert codes(found) == ["open-edges"]


def test_a_cavity_is_subtracted_and_named():
    hollow = joined(box((3, 3, 3)), Mesh(box((1, 1, 1), (1, 1, 1)).vertices, BOX_FACES[:, ::-1]))
    found = measure(hollow)

    assert found.body.mass == pytest.approx(26, rel=1e-14)
    assert codes(found) == ["cavities"]
    assert not found.bounded


def test_a_body_inside_out_beside_another_is_no_cavity():
    pair = joined(box((3, 3, 3)), Mesh(box((1, 1, 1), (5, 1, 1)).vertices, BOX_FACES[:, ::-1]))
    found = measure(pair)

    assert "inverted-body" in codes(found)
    assert found.body.mass + total(found, "volume") >= 28


def test_a_body_inside_another_one_s_notch_is_no_cavity_though_its_box_is_inside():
    low, notch = box((4, 4, 1)), box((1, 4, 3), (0, 0, 1))
    l_shape = joined(low, notch)  # touching boxes: their outline encloses air at (2, 2, 2)
    found = measure(joined(l_shape, Mesh(box((1, 1, 1), (2, 2, 2)).vertices, BOX_FACES[:, ::-1])))

    assert "inverted-body" in codes(found)


@given(vectors)
def test_bodies_that_overlap_get_an_interval_that_holds_their_union(shift):
    one, other = box((1, 1, 1)), box((1, 1, 1), shift / 8)
    found = measure(joined(one, other))
    common = float(np.prod(np.clip(1 - np.abs(shift / 8), 0, None)))

    assert found.body.mass == pytest.approx(2)
    assert found.bounded == (common > 0)
    assert found.body.mass - total(found, "volume") <= 2 - common + 1e-9


def test_one_body_inside_another_is_an_overlap():
    found = measure(joined(box((3, 3, 3)), box((1, 1, 1), (1, 1, 1))))

    assert evidence(found, "overlap")["volume_at_most"] == 1
    assert total(found, "volume") >= 1


def test_many_apart_bodies_are_sound():
    found = measure(joined(*[box((1, 1, 1), (2 * i, 2 * j, 0)) for i in range(6) for j in range(6)]))

    assert found.body.mass == pytest.approx(36)
    assert not found.bounded
    assert codes(found) == []


def test_too_many_faces_to_look_for_cavities_is_said(monkeypatch):
    monkeypatch.setattr(nesting, "_WINDING_LIMIT", 3)
    hollow = joined(box((3, 3, 3)), Mesh(box((1, 1, 1), (1, 1, 1)).vertices, BOX_FACES[:, ::-1]))
    found = measure(hollow)

    assert "nesting-unchecked" in codes(found)
    assert abs(found.body.mass - 26) <= total(found, "volume")


def test_many_triangles_take_the_compiled_path_to_the_same_answer(monkeypatch):
    mesh = sphere(2.0, 8)
    small = measure(mesh)
    monkeypatch.setattr(enclosure, "COMPILED_FROM", 1)
    large = measure(mesh)

    assert large.body.mass == pytest.approx(small.body.mass, rel=1e-14)
    assert large.body.second == pytest.approx(small.body.second, rel=1e-12, abs=1e-12)


def test_a_volume_smaller_than_the_file_can_store_is_given_with_an_interval_that_says_so():
    """A sliver of 1e-9: as stored its volume is certain, as exported it may be none, its centre anywhere."""
    sliver = box((1, 1, 1e-9))
    found = measure(Mesh(sliver.vertices, sliver.faces, precision=1e-8))

    assert found.body.mass == pytest.approx(1e-9)
    assert found.errors["rounding"].volume < 1e-12 < found.body.mass < found.errors["file-precision"].volume
    assert found.errors["file-precision"].centre == np.inf


def test_no_triangles_and_overflow_are_errors():
    with pytest.raises(FormatError, match="part holds no triangles"):
        measure(Mesh(np.zeros((3, 3)), np.zeros((0, 3), np.int32)))
    with pytest.raises(FormatError, match=r"coordinates of 3e\+100, and only 1e-50 to 1e\+50"):
        measure(box((1e100, 2e100, 3e100)))
    with pytest.raises(FormatError, match="coordinates of 3e-90"):
        measure(box((1e-90, 2e-90, 3e-90)))


@pytest.mark.parametrize("scale", [1e-40, 3e38])
def test_the_whole_range_of_float32_is_measured(scale):
    found = measure(box((scale, scale, scale)))

    assert found.body.mass == pytest.approx(scale**3, rel=1e-12)


def test_the_reader_s_notes_are_kept():
    noted = Mesh(box().vertices, BOX_FACES, notes=(("odd", "something odd", {}),))

    assert codes(measure(noted)) == ["odd"]


def test_a_mesh_never_claims_to_know_what_it_approximates():
    assert measure(box()).errors["tessellation"] is None
