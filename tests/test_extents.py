"""Boxes of solids: closed forms, the same solids as splines, turned and mirrored, and surfaces searched point by point."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from solids_by_hand import PI, SOLIDS, Builder, X, Z, caps, cone_without_seam, frustum, moved, torus, twin

from massproof import borders, crests
from massproof.brep import CONE, OFFSET, SPHERE, TORUS
from massproof.crests import Relief, Summit, climb
from massproof.exact import integrate
from massproof.kernels.jit import DISABLED
from massproof.sweeps import Net, arc, extruded, revolved

TURN = np.linalg.qr(np.array([[1.0, 2, 3], [-1, 4, 1], [2, 0, -5]]))[0]
TURN *= np.sign(np.linalg.det(TURN))
SHAPED = ["box", "caps"] if DISABLED else sorted(set(SOLIDS) - {"apple", "lemon", "bare_torus"})


def turns(draw):
    q = np.array(draw(st.tuples(*[st.integers(-9, 9)] * 4).filter(any)), float)
    a, b, c, d = q / np.linalg.norm(q)
    skew = np.array([[0, -d, c], [d, 0, -b], [-c, b, 0]])
    return np.eye(3) + 2 * a * skew + 2 * skew @ skew


rotations = st.composite(turns)()


@pytest.mark.parametrize("name", SHAPED)
def test_boxes_of_splines_are_those_of_the_same_solids_in_closed_form(name):
    shapes = moved(SOLIDS[name]()[0], TURN)
    (plain,), (free,) = integrate(shapes), integrate(twin(shapes))
    rim, size = free.errors["integration"].box, np.linalg.norm(plain.high - plain.low)

    assert free.splines and rim < 2e-9 * size
    assert (
        np.abs([free.low - plain.low, free.high - plain.high]).max() <= rim + plain.errors["integration"].box
    )


@pytest.mark.parametrize("name", ["box", "cone", "apple", "lemon", "elbow"])
@pytest.mark.parametrize("scale", [1.0, -2.0])
def test_a_turned_part_has_the_box_of_turned_shapes(name, scale):
    """A mirror is a half turn of what stands on its head: boxes of both are known."""
    shapes, _ = SOLIDS[name]()
    shapes = moved(shapes, translation=np.array([3.0, -4, 5]))
    (part,) = integrate(shapes)
    (other,) = integrate(moved(shapes, TURN, scale=abs(scale)))
    low, high, rim = part.extent.box(scale * TURN)
    expected = np.sort([math.copysign(1, scale) * other.low, math.copysign(1, scale) * other.high], axis=0)

    assert np.array([low, high]) == pytest.approx(expected, abs=1e-13 * abs(scale))
    assert rim < 1e-13
    assert part.extent.box(scale * TURN)[0] is low and part.extent.box(np.eye(3))[0] is part.low


@given(rotations, st.floats(-1.2, 1.2))
@example(
    np.diag([-1.0, -1.0, 1.0]), -(2.0**-14)
)  # so near its border that the sphere may or may not be reached
@settings(max_examples=10 if DISABLED else 100)
def test_a_cap_reaches_to_the_sphere_or_to_its_border(rotation, height):
    """Along d the sphere r is reached when d·axis ≥ h/r, else the circle: h d·a + ρ √(1 − (d·a)²)."""
    r = 1.5
    shapes, _ = caps(r, height)
    (part,) = integrate(moved(shapes, rotation))
    along = np.concatenate([-rotation[:, 2], rotation[:, 2]])
    rho = math.sqrt(r * r - height * height)
    round_ = height * along + rho * np.tile(np.hypot(rotation[:, 0], rotation[:, 1]), 2)
    expected = np.where(along >= height / r, r, round_)

    bound = part.errors["integration"].box
    assert np.concatenate([-part.low, part.high]) == pytest.approx(expected, abs=bound + 1e-12)
    assert bound < 1e-7 * r  # 1e-8 in 4 000 caps, where the summit lies that near the border


@pytest.mark.parametrize("sense", [1, -1])
def test_the_tip_of_a_cone_counts_when_the_border_goes_round_it(sense):
    """Without a seam, no edge is there; a face that lies beside the axis does not reach its cone's apex."""
    shapes, _ = cone_without_seam(2.0, 3.0)
    (part,) = integrate(
        moved(shapes, sense * np.diag([1.0, 1.0, 1.0]) if sense > 0 else np.diag([1.0, -1, -1]))
    )
    tips = sorted([0.0, 3.0 * sense])

    assert [part.low[2], part.high[2]] == pytest.approx(tips, abs=1e-14)


def beside_the_axis():
    """A quarter of a frustum of a cone, as a free face."""
    build = Builder()
    low, high = np.array([[2.0, 0, 0], [0, 2.0, 0]]), np.array([[1.0, 0, 2.0], [0, 1.0, 2.0]])
    loop = [
        build.circle(np.zeros(3), Z, 2.0, low[0], low[1]), build.segment(low[1], high[1]),
        -build.circle(2 * Z, Z, 1.0, high[0], high[1]), build.segment(high[0], low[0]),
    ]  # fmt: skip
    build.shell([build.face(build.surface(CONE, build.frame(), 2.0, -math.atan(0.5)), loop)])
    return build.shapes()


def test_a_face_beside_the_tip_of_its_cone_does_not_reach_it():
    (part,) = integrate(beside_the_axis())

    assert part.high[2] == 2.0 and not part.unsupported


@pytest.mark.parametrize("inner", [0, 1])
def test_dimples_of_an_apple_and_tips_of_a_lemon_count(inner):
    """The face round the upper singular point, up to the meridian angle v: its lowest or highest point is there."""
    R, r = 1.0, 2.0
    v = math.acos(-R / r) + (0.2 if inner else -0.2)
    rho, z, tip = R + r * math.cos(v), r * math.sin(v), math.sqrt(r * r - R * R)
    build = Builder()
    ring = build.circle(z * Z, Z, abs(rho), np.array([abs(rho), 0, z]))
    surface = build.surface(TORUS, build.frame(), R, r, base=inner)
    build.shell([build.face(surface, [-ring if inner else ring])])
    (part,) = integrate(build.shapes())

    assert sorted([part.low[2], part.high[2]]) == pytest.approx(sorted([z, tip]), abs=1e-12)


def square(net):
    """A free face on a spline whose four corners are the corners of its border."""
    build = Builder()
    surface = build.spline_surface(net)
    corners = [net.points[i, j, :3] for i, j in ((0, 0), (-1, 0), (-1, -1), (0, -1))]
    build.shell(
        [
            build.face(
                surface,
                [build.segment(p, q) for p, q in zip(corners, corners[1:] + corners[:1], strict=True)],
            )
        ]
    )
    return build.shapes()


def pillow(heights, degree, weights=1.0):
    """A spline over the square [0, 1]², flat along its border."""
    count = len(heights)
    points = np.ones((count, count, 4))
    points[..., 0], points[..., 1] = np.meshgrid(*[np.linspace(0, 1, count)] * 2, indexing="ij")
    points[..., 2], points[..., 3] = heights, weights
    knots = np.concatenate([[0] * degree, np.arange(count - degree + 1), [count - degree] * degree]).astype(
        float
    )
    return Net(points, (degree, degree), (knots, knots))


HILL = np.zeros((5, 5))
HILL[2, 2], HILL[1, 3], HILL[3, 1] = 1.0, -0.5, 0.4


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_pillow_is_as_high_as_its_highest_point(degree):
    """Of degree 1 its peak is a corner of four patches, where no derivative vanishes."""
    net = pillow(HILL, degree)
    (part,) = integrate(square(net))
    u = np.linspace(0, 5 - degree, 401)
    basis = np.array([[basis_function(i, degree, net.knots[0], x) for i in range(5)] for x in u])
    heights = basis @ HILL @ basis.T
    rim = part.errors["integration"].box

    assert rim < 1e-8
    assert heights.max() <= part.high[2] + rim and part.high[2] <= heights.max() + 1e-4
    assert heights.min() >= part.low[2] - rim and part.low[2] >= heights.min() - 1e-4


def basis_function(i, degree, knots, u):
    """Cox and de Boor's recurrence, straight from the book."""
    if degree == 0:
        last = u == knots[-1] and knots[i] < knots[i + 1] == u
        return float(knots[i] <= u < knots[i + 1] or last)
    out = 0.0
    for j, rising in ((i, True), (i + 1, False)):
        width = knots[j + degree] - knots[j]
        if width > 0:
            share = (u - knots[j] if rising else knots[j + degree] - u) / width
            out += share * basis_function(j, degree - 1, knots, u)
    return out


@pytest.mark.parametrize("offset", [0.5, -0.25])
def test_an_offset_of_a_spline_reaches_as_far_as_it_does(offset):
    """Of a pillow that is level at its summit and along its border, these are lifted."""
    net = pillow(np.pad(np.ones((1, 1)), 2), 2)
    shapes = square(net)
    shapes = shapes._replace(
        surfaces=np.vstack([shapes.surfaces, shapes.surfaces]),
        surface_numbers=np.vstack([shapes.surface_numbers, [[offset, 0, 0, 0]]]),
        edge_points=shapes.edge_points + np.tile(offset * Z, 2),
    )
    shapes.surfaces[1, [0, 11]] = OFFSET, 0
    shapes.faces[0, 0] = 1
    (part,) = integrate(shapes, 0.1)  # boxes do not ask how accurate the rest is
    (plain,) = integrate(square(net), 0.1)

    assert part.high[2] == pytest.approx(plain.high[2] + offset, abs=1e-8)
    assert part.errors["integration"].box < 1e-7


def test_a_ring_that_closes_has_its_top_on_the_seam():
    """Turned so that the seam is uppermost, and no edge is near: faces between two circles of a tube."""
    tube = extruded(arc(1.0, 1.0, PI / 2, 5 * PI / 2), Z, -1.0, 3.0)
    build = Builder()
    surface = build.spline_surface(tube)
    rings = [build.circle(z * Z, Z, 1.0, np.array([0.0, -1, z])) for z in (0.0, 2.0)]
    build.shell([build.face(surface, [rings[0]], [-rings[1]])])
    (part,) = integrate(moved(build.shapes(), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])))

    assert [part.low, part.high] == [
        pytest.approx([-1, -2, -1], abs=1e-9),
        pytest.approx([1, 0, 1], abs=1e-9),
    ]


def test_a_pole_of_a_spline_is_its_tip():
    (part,) = integrate(twin(cone_without_seam(2.0, 3.0)[0]))

    assert [part.low[2], part.high[2]] == pytest.approx([0.0, 3.0], abs=1e-8)


def climbed(heights, weights, degree, knots, **options):
    """Of a whole surface; every point of it counts."""
    count = len(heights)

    def look(u, v):
        basis = [np.array([basis_function(i, degree, knots, x) for i in range(count)]) for x in (u, v)]
        height = basis[0] @ (heights * weights) @ basis[1] / (basis[0] @ weights @ basis[1])
        return Summit(float(height), 0.0, lambda: options.get("inside", True))

    relief = Relief(heights, weights, (degree, degree), (knots, knots), np.ones(4, bool))
    return climb(relief, options.get("top", -np.inf), 1e-9, look)


@pytest.mark.parametrize("clamped", [True, False])
@pytest.mark.parametrize("seed", range(2 if DISABLED else 12))
def test_no_point_of_a_rational_spline_is_above_its_summit(seed, clamped):
    rng = np.random.default_rng(seed)
    degree, count = int(rng.integers(1, 4)), 5
    knots = np.sort(rng.uniform(0, 1, count + degree + 1))
    if clamped:
        knots[: degree + 1], knots[count:] = 0.0, 1.0
    heights, weights = rng.normal(size=(count, count)), rng.uniform(0.3, 3, (count, count))
    top, most = climbed(heights, weights, degree, knots)
    u = np.linspace(knots[degree], knots[count] * (1 - 1e-12), 60)
    basis = np.array([[basis_function(i, degree, knots, x) for i in range(count)] for x in u])
    seen = (basis @ (heights * weights) @ basis.T) / (basis @ weights @ basis.T)

    assert most - top < 1e-8
    assert seen.max() <= most and top <= seen.max() + 0.1


def test_what_is_not_looked_at_is_in_the_bound(monkeypatch):
    """Too many patches, too many summits outside, a point too near to the border to say: the interval holds them."""
    knots = np.array([0.0, 0, 0, 0.3, 0.6, 1, 1, 1])
    exact, _ = climbed(HILL, np.ones((5, 5)), 2, knots)

    def between(**options):
        low, high = climbed(HILL, np.ones((5, 5)), 2, knots, top=0.0, **options)
        return low <= exact <= high

    assert climbed(HILL, np.ones((5, 5)), 2, knots, inside=False, top=0.0)[0] == 0.0
    assert climbed(HILL, np.ones((5, 5)), 2, knots, inside=None, top=0.0)[0] == 0.0 and between(inside=None)
    assert climbed(HILL, np.ones((5, 5)), 2, knots, top=2.0) == (2.0, 2.0 + 1e-9)
    for name, most in (("_CELLS", 2), ("_TESTS", 0), ("_STEPS", 1)):
        with monkeypatch.context() as limited:
            limited.setattr(crests, name, most)
            assert between()


def test_a_point_on_the_border_is_neither_inside_nor_outside():
    """A hemisphere, whose top along x and y is a point of its border."""
    (part,) = integrate(caps(1.5, 0.0)[0])
    table = part.extent.table
    border = borders.Border(table, 0, 1.0)
    spot = np.array([1.5, 0, 0]) - table.centre

    assert border.holds(spot, np.zeros(2)) is None
    assert border.holds(np.array([0, 0, 1.5]) - table.centre, np.zeros(2)) is True
    assert border.holds(np.array([0, 0, -1.5]) - table.centre, np.zeros(2)) is False


def test_paths_that_meet_no_chord_or_disagree_say_nothing(monkeypatch):
    """Chords on one line with the point are along every path; and what no path can say stays unsaid."""
    line = np.column_stack([np.linspace(1, 2, 20), np.zeros(20)])

    assert borders._left(np.zeros(2), line, np.arange(19), np.zeros(2), 1.0) is None
    monkeypatch.setattr(borders, "_left", lambda *_: None)
    table = integrate(caps(1.5, 0.0)[0])[0].extent.table
    assert borders.Border(table, 0, 1.0).holds(np.array([0, 0, 1.5]), np.zeros(2)) is None


def test_a_cone_without_a_slope_has_no_tip():
    shapes, _ = frustum(2.0, 2.0, 3.0)
    shapes.surfaces[0, 0] = CONE
    (part,) = integrate(shapes)

    assert part.high == pytest.approx([2, 2, 3], abs=1e-14)


def test_a_sphere_s_top_so_near_to_its_border_widens_the_bound():
    """The cap's circle passes the top of the sphere at 1e-7: closer than chords can tell."""
    shapes, _ = caps(1.0, 0.0)
    angle = 1e-7
    c, s = math.cos(angle), math.sin(angle)
    (part,) = integrate(moved(shapes, np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])))

    assert abs(part.high[0] - 1.0) <= part.errors["integration"].box + 1e-14
    assert part.errors["integration"].box < 1e-13


def test_a_border_far_off_its_spline_says_nothing(monkeypatch):
    """Feet that are none give no side."""
    monkeypatch.setattr(borders, "_PIECES", (4,))
    net = pillow(HILL, 2)
    shapes = square(net)
    shapes.edge_points[:, [2, 5]] += 5.0
    (part,) = integrate(shapes)
    border = borders.Border(part.extent.table, 0, 1.0)

    assert border.holds(np.zeros(3), np.array([1.0, 1.0])) is None


def test_parts_of_nothing_have_no_box():
    build = Builder()
    build.shell([])
    build.shell([build.face(-1)])
    parts = integrate(build.shapes())

    assert [part.high.tolist() for part in parts] == [[0, 0, 0]] * 2
    assert parts[0].extent.box(TURN)[0].tolist() == [0, 0, 0]


def test_the_error_of_a_face_without_edges_knows_where_it_is():
    build = Builder()
    build.solid(build.shell([build.face(build.surface(SPHERE, build.frame(1e6 * X), 1.0), [], kind=1)]))
    (part,) = integrate(build.shapes())

    assert part.errors["integration"].box >= 1e-10
    assert part.high[0] == pytest.approx(1e6 + 1, abs=1e-9)


def test_a_revolved_spline_without_edges_is_searched_whole():
    profile = arc(1.0, 2.0, -PI / 2, PI / 2)
    points = profile.points[:, [0, 2, 1, 3]]
    build = Builder()
    frame = np.array([0.0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    surface = build.spline_surface(revolved(Net(points, profile.degrees, profile.knots), frame))
    build.solid(build.shell([build.face(surface, [], kind=1)]))
    (part,) = integrate(moved(build.shapes(), TURN))
    reach = np.sqrt(1 + 3 * TURN[:, 2] ** 2)  # of an ellipsoid 1, 1, 2: √(Σ (a d)²)

    assert part.high == pytest.approx(reach, abs=1e-8) and part.low == pytest.approx(-reach, abs=1e-8)


@pytest.mark.parametrize("make", [frustum, torus])
def test_boxes_of_many_turned_solids_come_one_from_another(make):
    (part,) = integrate(make()[0])
    for k in range(3):
        turn = np.roll(np.eye(3), k, axis=0)
        assert part.extent.box(turn)[1] == pytest.approx(np.roll(part.high, k), abs=1e-14)


@pytest.mark.parametrize("signs", [(1, 1, -1), (-1, 1, -1), (-1, -1, -1)])
@pytest.mark.parametrize("size", [1.0, 2.0])
def test_exchanging_axes_exchanges_the_numbers_of_a_box(signs, size):
    """What moves the corners finds what turning the faces finds."""
    (part,) = integrate(moved(SOLIDS["cone"]()[0], TURN, translation=np.array([3.0, -4, 5])))
    for order in itertools.permutations(range(3)):
        matrix = size * np.array(signs) * np.eye(3)[list(order)]
        low, high, rim = part.extent.box(matrix)
        turned = part.extent._turned(matrix)

        assert np.array([low, high]) == pytest.approx(np.array(turned[:2]), abs=1e-13)
        assert rim == pytest.approx(turned[2])
        corners = [matrix @ part.low, matrix @ part.high]
        assert size != 1 or np.array_equal([low, high], np.sort(corners, axis=0))


def test_a_sphere_smaller_than_rounding_has_no_sides():
    """All of it is its centre, from where no direction leads to a border."""
    shapes, _ = SOLIDS["caps"]()
    shapes.surface_numbers[shapes.surfaces[:, 0] == SPHERE] = 1e-300
    (part,) = integrate(shapes)
    assert part.unsupported == (int(shapes.faces[0, 4]),)
    assert part.high[2] == pytest.approx(0.4)
