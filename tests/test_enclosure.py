"""What is defined, what is not, and bounds that hold, for triangle meshes."""

from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BOX_FACES, CORNERS, QUADS, box, boxes, joined, solids, sphere, vectors

from massproof import bounds, enclosure, nesting, union
from massproof.enclosure import Options
from massproof.errors import FormatError
from massproof.kernels import BLOCK, FIELDS, jit, scan, scan_small
from massproof.mass import Body
from massproof.mesh import Mesh, Records, from_instances, from_polygons, placed_at

PRODUCTS = [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)]


def measure(mesh, **options):
    return enclosure.measure(mesh, "part", Options(**options))


def soup(corners):
    """A mesh whose triangles (F, 3, 3) share nothing."""
    return Mesh(corners.reshape(-1, 3), np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3))


def codes(measured):
    return [code for code, _, _ in measured.notes]


def evidence(measured, code):
    return next(found for c, _, found in measured.notes if c == code)


def without(mesh, *faces):
    keep = [f for f in range(len(mesh.faces)) if f not in faces]
    return Mesh(mesh.vertices, mesh.faces[keep])


def total(measured, field):
    return Fraction(sum(getattr(e, field) for e in measured.errors.values() if e))


KINDS = ["plain", "far", "huge", "tiny", "needle", "shell"]


def shaped(mesh, kind, seed):
    """`mesh` made hard to add up: far away, huge, tiny, squeezed to needles, or nearly cancelled by a cavity."""
    rng = np.random.default_rng(seed)
    scale = {"huge": 1e12, "tiny": 1e-12}.get(kind, 1.0)
    squeeze = np.array([1.0, 1e-6, 1.0]) if kind == "needle" else np.ones(3)
    offset = rng.uniform(-1, 1, 3) * (1e6 if kind == "far" else 0.0)
    vertices = mesh.vertices * scale * squeeze + offset
    if kind == "shell":
        middle = vertices.mean(axis=0)
        inner = Mesh(middle + (vertices - middle) * (1 - 1e-9), np.ascontiguousarray(mesh.faces[:, ::-1]))
        return joined(Mesh(vertices, mesh.faces), inner)
    return Mesh(vertices, mesh.faces)


def check_exactly(mesh, found):
    """Exact rationals over the very doubles that were measured: no tolerance but the one stated."""
    one, centre, inertia = naive.body(mesh.vertices, mesh.faces)

    assert abs(Fraction(found.body.mass) - one) <= total(found, "volume")
    for k in range(3):
        if np.isfinite(centre_error := sum(e.centre for e in found.errors.values() if e)):
            assert abs(Fraction(float(found.body.centre[k])) - centre[k]) <= Fraction(centre_error)
    got = found.body.inertia()
    if np.isfinite(sum(e.second for e in found.errors.values() if e)):
        for i, j in PRODUCTS:
            error = abs(Fraction(float(got[i, j])) - inertia[i][j])
            assert error <= total(found, "second") * (2 if i == j else 1)


@pytest.mark.skipif(jit.DISABLED, reason="minutes of exact arithmetic, once is enough")
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_random_solids_lie_within_their_bounds(kind):
    """Dented octahedra and tetrahedra, 1 700 of each kind."""
    octahedron = np.array(
        [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]], np.int32
    )
    tips = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], np.int32)
    rng = np.random.default_rng(KINDS.index(kind))
    for n in range(1700):
        if n % 2:
            mesh = Mesh(tips * rng.uniform(0.1, 3, (6, 1)), octahedron)
        else:
            mesh = Mesh(
                np.vstack([np.zeros(3), np.eye(3) * rng.uniform(0.1, 3, 3)]) + rng.normal(size=3), tetrahedron
            )
        mesh = shaped(mesh, kind, int(rng.integers(2**31)))
        found = measure(mesh, check="closed")
        if found.body is not None:
            check_exactly(mesh, found)
        else:
            assert kind in ("far", "shell", "needle"), found.absent


@pytest.mark.parametrize("kind", KINDS)
@given(solids(), st.integers(0, 2**31))
def test_the_exact_value_lies_within_the_stated_rounding(kind, mesh, seed):
    """Exact rationals over the very doubles that were measured: no tolerance but the one stated."""
    mesh = shaped(mesh, kind, seed)
    found = measure(mesh)

    check_exactly(mesh, found)
    assert abs(Fraction(found.area) - naive.area(mesh.vertices, mesh.faces)) <= total(found, "area")


@given(solids())
def test_rounding_of_a_part_near_its_origin_is_below_a_part_in_a_trillion(mesh):
    """Of the area times the reach, which a sliver has too; these are no slivers, but for some dents."""
    found = measure(mesh)
    reach = np.ptp(mesh.vertices, axis=0).max() + np.abs(mesh.vertices - found.low).max()

    assert total(found, "volume") <= 1e-12 * max(found.body.mass, found.area * reach / 6)


def test_the_rounding_of_ordinary_parts_is_below_a_part_in_a_trillion(data):
    from massproof.formats import read

    for name in ("box.stl", "sphere.stl", "bracket.stl", "torus.obj"):
        found = measure(read((data / name).read_bytes(), (data / name).suffix)[0], check="closed")

        assert found.errors["rounding"].volume <= 1e-12 * found.body.mass, name


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
def test_one_face_turned_against_the_others_is_turned_back_and_said(mesh, which):
    faces = mesh.faces.copy()
    faces[which % len(faces)] = faces[which % len(faces)][::-1]
    found = measure(Mesh(mesh.vertices, faces))

    assert found.body.mass == pytest.approx(measure(mesh).body.mass, rel=1e-13)
    assert found.bounded
    assert evidence(found, "reoriented")["faces"] == 1
    assert evidence(found, "reoriented")["inconsistent_edges"] == 3


def test_each_body_is_turned_for_itself_and_a_cavity_stays_one():
    host, cavity, beside = box((3, 3, 3)), box((1, 1, 1), (1, 1, 1)), box((1, 1, 1), (9, 0, 0))
    faces = host.faces.copy()
    faces[4] = faces[4][::-1]
    mixed = beside.faces.copy()
    mixed[::2] = mixed[::2, ::-1]
    parts = (
        Mesh(host.vertices, faces),
        Mesh(cavity.vertices, cavity.faces[:, ::-1]),
        Mesh(beside.vertices, mixed),
    )
    found = measure(joined(*parts))

    assert found.body.mass == pytest.approx(26 + 1, rel=1e-13)
    assert evidence(found, "reoriented")["bodies"] == 2
    assert "cavities" in codes(found)


def test_a_surface_with_one_side_defines_no_volume():
    """A Klein bottle of 3 × 3 squares: closed, and no winding is consistent."""
    n = 3
    place = lambda i, j: (i % n) * n + ((-j if i >= n else j) % n)  # noqa: E731
    faces = [
        f
        for i in range(n)
        for j in range(n)
        for f in (
            (place(i, j), place(i + 1, j), place(i + 1, j + 1)),
            (place(i, j), place(i + 1, j + 1), place(i, j + 1)),
        )
    ]
    found = measure(Mesh(np.random.default_rng(0).normal(size=(n * n, 3)), np.array(faces, np.int32)))

    assert found.body is None
    assert codes(found) == ["inconsistent-winding"]


@given(solids() | st.sampled_from([sphere(1.0, 5), sphere(3.0, 9)]), st.integers(0, 10**6), vectors)
def test_a_capped_hole_gives_an_estimate_that_holds_wherever_the_part_lies(mesh, which, shift):
    """The missing triangle itself is one of the patches that stay in the ball over the hole."""
    whole = measure(mesh).body.mass
    holed = without(mesh, which % len(mesh.faces))
    found = measure(holed, repair="estimate")
    moved = measure(Mesh(holed.vertices + shift, holed.faces), repair="estimate")

    assert measure(holed).body is None
    assert found.bounded
    assert "estimated" in codes(found)
    assert (found.body is None) == ("volume-in-doubt" in codes(found))
    if found.body is None:
        doubt = evidence(found, "volume-in-doubt")
        assert abs(doubt["signed_volume"]) <= doubt["bound"] * (1 + 1e-9)
        return
    assert found.body.mass - found.errors["holes"].volume > 0
    assert found.body.mass == pytest.approx(whole, rel=1e-9)
    assert abs(found.body.mass - whole) <= total(found, "volume")
    assert moved.body.mass == pytest.approx(found.body.mass, rel=1e-9)
    assert moved.errors["holes"].volume == pytest.approx(found.errors["holes"].volume, rel=1e-9)


def test_a_hole_over_a_dome_is_within_the_interval_of_its_cap():
    """A third of a sphere as the hole: the ball over its rim holds all of what is missing."""
    mesh = sphere(1.0, 12)
    upper = mesh.vertices[mesh.faces].mean(axis=1)[:, 2] > 0.55
    found = measure(Mesh(mesh.vertices, mesh.faces[~upper]), repair="estimate")

    assert evidence(found, "estimated")["holes"] == 1
    assert abs(found.body.mass - measure(mesh).body.mass) <= total(found, "volume")


def test_a_hole_that_may_be_all_of_the_volume_leaves_none():
    """Half a sphere as the hole: the ball over its rim reaches down to the other pole."""
    mesh = sphere(1.0, 12)
    upper = mesh.vertices[mesh.faces].mean(axis=1)[:, 2] > 0
    found = measure(Mesh(mesh.vertices, mesh.faces[~upper]), repair="estimate")

    assert found.body is None
    assert codes(found) == ["estimated", "volume-in-doubt"]
    assert "encloses no volume that is known" in found.absent


def test_a_weld_wider_than_the_part_is_thick_leaves_no_volume():
    found = measure(without(box((2, 2, 2)), 11), weld=10.0)

    assert found.body is None
    assert codes(found) == ["closed-within-tolerance", "volume-in-doubt"]


def test_winding_and_holes_together_are_mended_only_when_asked():
    mesh = sphere(1.0, 6)
    faces = np.delete(mesh.faces, [3], axis=0)
    faces[10] = faces[10][::-1]
    broken = Mesh(mesh.vertices, faces)

    assert codes(measure(broken)) == ["open-edges"]
    assert measure(broken, repair="estimate").body.mass == pytest.approx(measure(mesh).body.mass, rel=1e-9)
    assert {"reoriented", "estimated"} <= set(codes(measure(broken, repair="estimate")))


def test_a_fin_is_not_capped():
    fin = np.vstack([box().faces, [[0, 7, 3]]]).astype(np.int32)

    assert measure(Mesh(box().vertices, fin), repair="estimate").body is None


@pytest.mark.parametrize(("weld", "closed"), [(None, False), (1e-6, False), (3e-5, True)])
def test_a_tolerance_that_is_asked_for_closes_wider_cracks(weld, closed):
    rng = np.random.default_rng(1)
    corners = box().vertices[box().faces]
    found = measure(soup(corners + rng.uniform(-1e-5, 1e-5, corners.shape)), weld=weld)

    assert (found.body is not None) == closed
    assert ("closed-within-tolerance" in codes(found)) == closed
    if closed:
        assert abs(found.body.mass - 6.0) <= total(found, "volume")


@pytest.mark.parametrize("shake", [1e-9, 1e-8, 1e-7, 1e-6])
def test_the_smallest_tolerance_that_closes_is_taken(shake):
    rng = np.random.default_rng(2)
    corners = box().vertices[box().faces]
    found = measure(soup(corners + rng.uniform(-shake, shake, corners.shape)))
    tolerance = evidence(found, "closed-within-tolerance")["tolerance"] / 14**0.5

    assert shake / 10 < tolerance < 30 * shake
    assert abs(found.body.mass - 6.0) <= total(found, "volume") < 100 * shake


def test_only_the_cracked_part_widens_the_interval():
    """One corner of one triangle off by 1e-8, in a sphere of many: the layer is over its neighbours only."""
    mesh = sphere(1.0, 16)
    corners = mesh.vertices[mesh.faces].copy()
    corners[7, 0] += 1e-8
    found = measure(soup(corners))

    assert codes(found) == ["closed-within-tolerance"]
    assert 0 < found.errors["cracks"].volume < 1e-9


def stored(mesh):
    """`mesh` as the records of a binary STL file."""
    out = np.zeros((len(mesh.faces), 50), np.uint8)
    corners = mesh.vertices[mesh.faces].astype("<f4")
    out[:, 12:48] = corners.view(np.uint8).reshape(-1, 36)
    return Records(np.concatenate([np.zeros(84, np.uint8), out.ravel()]), len(mesh.faces))


@pytest.fixture
def streamed(monkeypatch):
    """Every mesh takes the path of a large one."""
    monkeypatch.setattr(scan, "COMPILED_FROM", 1)


def single(mesh):
    return Mesh(mesh.vertices.astype(np.float32).astype(float), mesh.faces)


@pytest.mark.parametrize("form", [stored, single], ids=["records", "mesh"])
def test_a_large_surface_is_proved_closed_in_one_pass(streamed, form):
    mesh = single(sphere(2.0, 5, (3, -2, 1)))
    found, full = measure(form(mesh), check="closed"), measure(form(mesh), check="full")

    assert codes(found) == ["intersections-unchecked"]
    assert found.bounded
    assert codes(full) == []
    assert not full.bounded
    for got in (found, full):
        check_exactly(mesh, got)
        assert (got.low == mesh.vertices.min(axis=0)).all()
    assert (found.errors["file-precision"] is None) == (form is single)


@pytest.mark.parametrize("form", [stored, single], ids=["records", "mesh"])
@pytest.mark.parametrize("check", ["closed", "full", "auto"])
def test_a_large_open_surface_is_looked_at_more_closely(streamed, form, check):
    found = measure(form(without(sphere(2.0, 4), 3)), check=check)

    assert found.body is None
    assert evidence(found, "open-edges")["boundary_edges"] == 3


def test_a_large_surface_inside_out_or_flat_is_found_in_one_pass(streamed):
    turned = Mesh(box().vertices, box().faces[:, ::-1])
    sheet = Mesh(np.eye(3), np.array([[0, 1, 2], [0, 2, 1]], np.int32))

    assert "inverted" in codes(measure(stored(turned), check="closed"))
    assert measure(stored(turned), check="closed").body.mass == pytest.approx(6)
    assert "no-volume" in codes(measure(stored(sheet), check="closed"))


def test_a_large_open_surface_beyond_the_limit_says_so_and_no_more(streamed, monkeypatch):
    monkeypatch.setattr(enclosure, "_WELDED_AT_MOST", 3)
    found = measure(stored(without(box(), 3)))

    assert found.body is None
    assert "do not all match" in found.absent
    assert evidence(found, "open-edges") == {"faces": 11}


def test_a_large_file_with_a_coordinate_that_is_not_finite_is_refused(streamed):
    records = stored(box())
    records.stored[96 + 50 * 7 : 100 + 50 * 7] = np.frombuffer(np.float32(np.nan).tobytes(), np.uint8)

    with pytest.raises(FormatError, match="1 of 36 corners not finite, the first in triangle 7"):
        measure(records)


PATHS = pytest.mark.parametrize("compiled", [False, True], ids=["numpy", "compiled"])


@PATHS
@pytest.mark.parametrize("place", [0, 7], ids=["in the sample", "beside it"])
def test_infinities_of_both_signs_in_two_blocks_are_refused(compiled, place, monkeypatch):
    """Their sums have no value, not even an infinite one."""
    if compiled:
        monkeypatch.setattr(scan, "COMPILED_FROM", 1)
    mesh = soup(np.random.default_rng(0).normal(size=(4000, 3, 3)))
    mesh.vertices[3 * place], mesh.vertices[-1] = (np.inf, 0, 0), (-np.inf, 0, 0)

    with pytest.raises(FormatError, match="2 of 12000 corners not finite"):
        measure(stored(mesh))


@PATHS
@pytest.mark.parametrize("scale", [7e61, 1e120, 1e307])
def test_coordinates_whose_sums_overflow_are_refused(compiled, scale, monkeypatch):
    """Each block's sum may be finite while that of all of them is not."""
    if compiled:
        monkeypatch.setattr(scan, "COMPILED_FROM", 1)
    rng = np.random.default_rng(0)
    vertices = rng.uniform(0.5, 1, (9, 3)) * scale
    faces = rng.integers(0, 9, (2 * BLOCK + 1, 3)).astype(np.int32)
    for power in np.linspace(0.9, 1.1, 9) if scale < 1e100 else (1,):
        with pytest.raises(FormatError, match="their fifth powers must be"):
            measure(Mesh(vertices * power, faces))


@pytest.mark.parametrize("terms", [[np.inf, -np.inf], [1e308, 1e308], [np.nan, 1.0]])
def test_sums_without_a_value_are_nan(terms):
    rows = np.zeros((2, len(FIELDS)))
    rows[:, 3] = terms
    found = scan_small.Scan(rows, np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 2), np.uint64))

    assert np.isnan(found.sums[3])
    assert not np.delete(found.sums, 3).any()


def test_a_check_that_was_not_made_is_said_of_small_meshes_too():
    cracked = box().vertices[box().faces]
    cracked[3, 0] += 1e-7

    assert codes(measure(box(), check="closed")) == ["intersections-unchecked"]
    assert codes(measure(soup(cracked), check="closed")) == [
        "closed-within-tolerance",
        "intersections-unchecked",
    ]


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
    assert "impossible-mass" in codes(found)
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

    assert codes(found) == ["closed-within-tolerance"]
    assert abs(found.body.mass - measure(mesh).body.mass) <= total(found, "volume")


@given(solids(), st.floats(1e-7, 1e-3))
def test_the_shares_of_the_causes_add_up_to_the_joint_bound(mesh, step):
    """Two causes together can move the centre further than the sum of what each does alone."""
    sums = bounds.integrate(mesh.vertices, mesh.faces, mesh.vertices[0], 1.0)
    one, two, none = bounds.Cause(0, step, step, step), bounds.Cause(0, 2 * step, 0, 0), {"rounding": None}
    alone = [bounds.by_cause(sums, none | {"a": cause})["a"] for cause in (one, two)]
    both = bounds.by_cause(sums, none | {"a": one, "b": two})

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

    assert codes(found) == ["closed-within-tolerance"]
    assert found.bounded
    assert evidence(found, "closed-within-tolerance")["largest_gap"] <= 2e-8
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
    monkeypatch.setattr(scan, "COMPILED_FROM", 1)
    large = measure(mesh)

    assert large.body.mass == small.body.mass
    assert (large.body.second == small.body.second).all()


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


def test_a_tolerance_wider_than_the_part_closes_nothing():
    triangle = Mesh(np.eye(3), np.array([[0, 1, 2]], np.int32))

    assert codes(measure(triangle, weld=100.0)) == ["open-edges"]


def test_turning_faces_does_not_mend_a_fin():
    faces = box().faces.copy()
    faces[0] = faces[0][::-1]
    found = measure(Mesh(box().vertices, np.vstack([faces, faces[7:8]])))

    assert found.body is None
    assert "reoriented" not in codes(found)


def test_a_large_cracked_surface_is_summed_again_by_the_compiled_path(streamed):
    corners = sphere(1.0, 4).vertices[sphere(1.0, 4).faces].copy()
    corners[7, 0] += 1e-8
    found = measure(soup(corners), check="full")

    assert codes(found) == ["closed-within-tolerance"]
    assert found.body.mass == pytest.approx(measure(sphere(1.0, 4)).body.mass, rel=1e-7)


def test_bodies_that_overlap_are_united_when_that_is_asked_for():
    pytest.importorskip("manifold3d")
    pair = joined(box((1, 1, 1)), box((1, 1, 1), (0.5, 0, 0)))
    found = measure(pair, repair="union")

    assert found.body.mass == pytest.approx(1.5, rel=1e-12)
    assert found.body.centre == pytest.approx([0.75, 0.5, 0.5])
    assert found.area == pytest.approx(12)  # of the faces as stored
    assert evidence(found, "united")["bodies"] == 2
    assert found.bounded


def test_nothing_is_united_that_does_not_overlap():
    apart = joined(box((1, 1, 1)), box((1, 1, 1), (5, 0, 0)))

    assert codes(measure(apart, repair="union")) == []


@pytest.mark.parametrize(
    "options", [{}, {"check": "closed"}, {"check": "full"}], ids=["auto", "closed", "full"]
)
def test_a_union_looks_for_what_bodies_share_however_many_triangles_there_are(options, monkeypatch):
    pytest.importorskip("manifold3d")
    monkeypatch.setattr(enclosure, "THOROUGH_BELOW", 1)
    pair = joined(box((1, 1, 1)), box((1, 1, 1), (0.5, 0, 0)))

    assert measure(pair, repair="union", **options).body.mass == pytest.approx(1.5, rel=1e-12)


def crossing_itself():
    """A sphere whose one pole is pulled through the other."""
    mesh = sphere(1.0, 8)
    vertices = mesh.vertices.copy()
    vertices[0, 2] = -1.5
    return Mesh(vertices, mesh.faces)


@pytest.mark.parametrize(
    ("mesh", "code", "why"),
    [
        (crossing_itself(), "self-intersecting", "body 1 of 1 crosses itself"),
        (joined(crossing_itself(), box((1, 1, 1), (0.5, 0, 0))), "overlap", "body 1 of 2 crosses itself"),
        (
            joined(ROOM, turned(box((1, 1, 1), (20, 0, 0)))),
            "inverted-body",
            "is inside out and lies in no other",
        ),
        (
            joined(ROOM, turned(box((2, 2, 2), (9, 4, 4)))),
            "inverted-body",
            "is inside out and lies in no other",
        ),
        (without(CUBE, 0), "open-edges", "there is no volume"),
        (Mesh(np.eye(3), np.array([[0, 1, 2], [0, 2, 1]], np.int32)), "no-volume", "there is no volume"),
    ],
    ids=["itself", "itself and another", "inside out", "half inside out", "open", "flat"],
)
def test_a_union_that_is_not_made_is_said_and_changes_nothing(mesh, code, why):
    pytest.importorskip("manifold3d")
    found, plain = measure(mesh, repair="union"), measure(mesh)

    assert code in codes(found)
    assert codes(found).count("not-united") == 1
    assert why in next(text for one, text, _ in found.notes if one == "not-united")
    assert [one for one in codes(found) if one != "not-united"] == codes(plain)
    assert found.errors == plain.errors
    assert not plain.body or found.body.mass == plain.body.mass


def test_a_body_in_a_cavity_that_enters_its_wall_is_united_with_it():
    """The cavity lies in the room, and crosses the body: it is not subtracted from that, wherever it begins."""
    pytest.importorskip("manifold3d")
    inner = box((2, 2, 2), (1, 1, 1))  # one corner of the cavity lies in it
    found = measure(joined(ROOM, turned(box((6, 6, 6), (2, 2, 2))), inner), repair="union")

    assert found.body.mass == pytest.approx(1000 - 6**3 + 1)


WEDGE = Mesh(
    np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.6, 0.3], [0.5, 0.3, 0.6]]),
    np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], np.int32),
)  # in the cube, of which it has an edge; its volume is 0.045


@pytest.mark.parametrize("inner", [other(), WEDGE], ids=["in the same place", "at an edge"])
@pytest.mark.parametrize("seed", range(8))
def test_bodies_that_share_edges_are_united_rightly_or_not_at_all(inner, seed):
    """The order of the faces tells them apart there; where that is wrong, it is noticed."""
    pytest.importorskip("manifold3d")
    pair = joined(CUBE, inner)
    faces = np.random.default_rng(seed).permutation(pair.faces)
    found = measure(Mesh(pair.vertices, faces), repair="union")

    assert len({"united", "not-united"} & set(codes(found))) == 1
    assert abs(found.body.mass - 1) <= total(found, "volume") + 1e-12


def test_a_union_that_still_covers_points_several_times_is_none(monkeypatch):
    monkeypatch.setattr(union, "united", lambda vertices, faces, label: (vertices, faces))
    found = measure(joined(CUBE, WEDGE), repair="union")

    assert "covers points several times" in next(text for one, text, _ in found.notes if one == "not-united")
    assert found.body.mass == pytest.approx(1.045)


def test_a_closed_surface_beyond_the_limit_keeps_its_volume_whatever_is_asked_for(streamed, monkeypatch):
    monkeypatch.setattr(enclosure, "_WELDED_AT_MOST", 3)
    full, united = measure(stored(box()), check="full"), measure(stored(box()), repair="union")

    for found in (full, united):
        assert found.body.mass == pytest.approx(6)
        assert "that is done for up to 3" in found.notes[0][1]
    assert codes(full) == ["intersections-unchecked"]
    assert codes(united) == ["intersections-unchecked", "not-united"]
