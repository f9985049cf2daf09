"""What files do to faces: sweeps and offsets, turned faces, seams, open shells, edges off their faces, gaps."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids_by_hand import (
    ORIGIN,
    PI,
    SOLIDS,
    Builder,
    X,
    Y,
    Z,
    box,
    box_faces,
    elbow,
    filleted_box,
    frustum,
    moved,
    sphere,
    torus,
    twin,
)  # fmt: skip
from strategies import rotations

from massproof.brep import (
    CIRCLE,
    CYLINDER,
    ELLIPSE,
    EXTRUSION,
    HYPERBOLA,
    OFFSET,
    PARABOLA,
    PLANE,
    REVOLUTION,
    SPHERE,
    SPLINE,
    TORUS,
)  # fmt: skip
from massproof.exact import integrate
from massproof.kernels.faces import COUNTS, REVERSED, TOTAL, TURNS_U, TURNS_V, WOUND, finish, flags_of
from massproof.kernels.geometry import ROWS, WIDTH, Geometry
from massproof.kernels.inner import FIELDS, spline_inner, tabulate
from massproof.kernels.patches import Patch
from massproof.kernels.pieces import BAND
from massproof.kernels.quadrature import FIFTEEN
from massproof.sweeps import Net, arc, extruded, revolved


def widths(part):
    return {name: sum(getattr(e, name) for e in part.errors.values()) for name in ("area", "volume")}


def agree(left, right):
    """Two parts are the same within what both report."""
    assert abs(left.area - right.area) <= widths(left)["area"] + widths(right)["area"]
    assert abs(left.body.mass - right.body.mass) <= widths(left)["volume"] + widths(right)["volume"]


def with_surface(shapes, s, kind, frame, numbers=(), base=0, curve=None):
    """The shapes with surface s written another way, with one more curve row when given."""
    surfaces, surface_numbers = shapes.surfaces.copy(), shapes.surface_numbers.copy()
    surfaces[s], surface_numbers[s] = 0, 0
    surfaces[s, 0], surfaces[s, 1], surfaces[s, 11] = kind, frame, base
    surface_numbers[s, : len(numbers)] = numbers
    if curve is not None:
        row, floats = curve
        shapes = shapes._replace(
            curves=np.vstack([shapes.curves, [row]]),
            curve_numbers=np.vstack([shapes.curve_numbers, [floats]]),
        )
        surfaces[s, 11] = len(shapes.curves) - 1
    return shapes._replace(surfaces=surfaces, surface_numbers=surface_numbers)


LINE_ROW = (1, -1, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(("top", "sense"), [(2.0, 1), (2.0, -1), (1.0, 1), (1.0, -1)])
def test_a_revolved_line_is_a_cylinder_or_a_cone(top, sense):
    """The side of a frustum as a revolved line, upwards or downwards; faces look along Su × Sv."""
    shapes, _ = frustum(2.0, top, 3.0)
    p, q = np.array([2.0, 0, 0]), np.array([top, 0, 3.0])
    line = (*(p if sense > 0 else q), *(sense * (q - p)))
    side = int(shapes.faces[1, 0])
    faces = shapes.faces.copy()
    faces[1, 1] = 1 if sense > 0 else 0
    swept = with_surface(shapes, side, REVOLUTION, shapes.surfaces[side, 1], curve=(LINE_ROW, line))

    agree(integrate(swept._replace(faces=faces))[0], integrate(shapes)[0])


def test_a_line_revolved_across_the_axis_is_a_plane():
    shapes, _ = frustum(2.0, 1.0, 3.0)
    bottom = int(shapes.faces[0, 0])
    line = (*(2 * X), *(-X))
    swept = with_surface(shapes, bottom, REVOLUTION, shapes.surfaces[bottom, 1], curve=(LINE_ROW, line))

    agree(integrate(swept)[0], integrate(shapes)[0])


def test_a_skew_line_revolves_to_a_hyperboloid():
    """Between two circles about the axis, ρ² = 1 + z²: the volume is ∫ π (1 + z²) dz."""
    build = Builder()
    r = math.sqrt(2)
    low = build.circle(-Z, Z, r, np.array([1.0, -1, -1]))
    high = build.circle(Z, Z, r, np.array([1.0, 1, 1]))
    seam = build.segment(np.array([1.0, -1, -1]), np.array([1.0, 1, 1]))
    side = build.surface(
        REVOLUTION, build.frame(), base=build.line(np.array([1.0, -2, -2]), np.array([1.0, 2, 2]))
    )
    faces = [
        build.face(side, [low, seam, -high, -seam]),
        build.face(build.surface(PLANE, build.frame(-Z, -Z)), [-low]),
        build.face(build.surface(PLANE, build.frame(Z, Z)), [high]),
    ]
    build.solid(build.shell(faces))
    (part,) = integrate(build.shapes())

    assert abs(part.body.mass - PI * (2 + 2 / 3)) <= widths(part)["volume"] < 1e-8


@pytest.mark.parametrize("name", ["torus", "sphere_with_seam"])
@pytest.mark.parametrize("z", [1, -1])
def test_a_revolved_circle_is_a_torus_or_a_sphere(name, z):
    shapes, _ = SOLIDS[name]()
    radius, centre = (1.0, 3 * X) if name == "torus" else (1.5, ORIGIN)
    frame = np.concatenate([centre, X, np.cross(-z * Y, X), -z * Y])
    row = (CIRCLE, len(shapes.frames), 0, 0, 0, 0, 0, 0)
    swept = with_surface(
        shapes, 0, REVOLUTION, shapes.surfaces[0, 1], curve=(row, (radius, radius, 0, 0, 0, 0))
    )
    faces = shapes.faces.copy()
    faces[0, 1] = 1 if z > 0 else 0
    swept = swept._replace(frames=np.vstack([shapes.frames, frame]), faces=faces)

    agree(integrate(swept)[0], integrate(shapes)[0])


@pytest.mark.parametrize("kind", [ELLIPSE, PARABOLA, HYPERBOLA])
def test_an_extruded_conic_has_the_volume_of_its_section(kind):
    """A segment of a conic between two of its points, closed by the chord, extruded by one."""
    build = Builder()
    a, b, t = 1.3, 0.7, 0.9
    ends = {
        ELLIPSE: [(a * math.cos(s), b * math.sin(s)) for s in (-t, t)],
        PARABOLA: [(a * s * s, 2 * a * s) for s in (-t, t)],
        HYPERBOLA: [(a * math.cosh(s), b * math.sinh(s)) for s in (-t, t)],
    }[kind]
    area = {
        ELLIPSE: a * b * (t - math.sin(t) * math.cos(t)),
        PARABOLA: 8 / 3 * a * a * t**3,
        HYPERBOLA: a * b * (math.sinh(t) * math.cosh(t) - t),
    }[kind]
    (p, q), lift = (np.array([*end, 0.0]) for end in ends), Z
    curves = [build.curve(kind, build.frame(z), a, b) for z in (ORIGIN, lift)]
    low, high = build.edge(curves[0], p, q), build.edge(curves[1], p + lift, q + lift)
    chord, lid = build.segment(p, q), build.segment(p + lift, q + lift)
    up, down = build.segment(p, p + lift), build.segment(q, q + lift)
    side = build.surface(EXTRUSION, -1, *lift, base=curves[0])
    flat = build.surface(EXTRUSION, -1, *lift, base=build.line(q, p))
    faces = [
        build.face(side, [low, down, -high, -up]),
        build.face(flat, [-chord, up, lid, -down]),
        build.face(build.surface(PLANE, build.frame(ORIGIN, -Z)), [chord, -low]),
        build.face(build.surface(PLANE, build.frame(lift, Z)), [high, -lid]),
    ]
    build.solid(build.shell(faces))
    (part,) = integrate(build.shapes())

    assert part.closed
    assert abs(abs(part.body.mass) - area) <= widths(part)["volume"] < 1e-9


@pytest.mark.parametrize("name", ["box", "cylinder", "cone", "sphere_with_seam", "torus"])
def test_an_offset_of_a_closed_form_is_that_form(name):
    """Each surface as an offset by 0.25 of one that is 0.25 smaller, twice."""
    shapes, _ = SOLIDS[name]()
    count = len(shapes.surfaces)
    inner, numbers = shapes.surfaces.copy(), shapes.surface_numbers.copy()
    frames = np.vstack([shapes.frames, shapes.frames])
    for s in range(count):
        plane = inner[s, 0] == PLANE
        if plane:
            row = len(shapes.frames) + inner[s, 1]
            frames[row, :3] -= 0.5 * frames[row, 9:]
            inner[s, 1] = row
        elif name == "torus":
            numbers[s, 1] -= 0.5
        else:
            numbers[s, 0] -= 0.5 / math.cos(numbers[s, 1])
    offsets = np.zeros((2 * count, 12), np.int64)
    offsets[:, 0] = OFFSET
    offsets[:count, 11], offsets[count:, 11] = np.arange(count) + count, np.arange(count) + 2 * count
    distances = np.zeros((2 * count, 4))
    distances[:, 0] = 0.25
    set_off = shapes._replace(
        frames=frames, surfaces=np.vstack([offsets, inner]), surface_numbers=np.vstack([distances, numbers])
    )

    agree(integrate(set_off)[0], integrate(shapes)[0])


def test_an_offset_of_a_spline_is_integrated_as_it_is():
    """An elliptic cylinder has no offset in closed form, a round one has: here as a spline, half as large."""
    shapes, truth = frustum(2.0, 2.0, 3.0)
    build = Builder()
    build.spline_surface(extruded(arc(1.0, 1.0, 0.0, 2 * PI), Z, -1.0, 4.0))
    extra = build.shapes()
    side, base = int(shapes.faces[1, 0]), len(shapes.surfaces)
    surfaces = np.vstack([shapes.surfaces, extra.surfaces])
    numbers = np.vstack([shapes.surface_numbers, extra.surface_numbers])
    surfaces[side], numbers[side, 0] = 0, 1.0
    surfaces[side, 0], surfaces[side, 11] = OFFSET, base
    (part,) = integrate(
        shapes._replace(
            surfaces=surfaces, surface_numbers=numbers, controls=extra.controls, knots=extra.knots
        )
    )

    assert abs(part.area - truth.area) <= widths(part)["area"] < 1e-7
    assert abs(part.body.mass - truth.volume) <= widths(part)["volume"] < 1e-7


@pytest.mark.parametrize("which", range(6))
def test_a_face_that_looks_the_wrong_way_is_turned_and_noticed(which):
    shapes, truth = box()
    first = shapes.loops[which, 0]
    uses, faces = shapes.uses.copy(), shapes.faces.copy()
    uses[first : first + 4] = -uses[first : first + 4][::-1]
    faces[which, 1] = 0
    (part,) = integrate(shapes._replace(uses=uses, faces=faces))

    assert len(part.turned) == 1 and part.closed
    assert part.body.mass == pytest.approx(truth.volume)


def test_orientations_of_bounds_and_of_faces_in_shells_count():
    """The same box with every loop listed backwards, every bound .F., half of the faces used through .F."""
    shapes, truth = box()
    uses, loops, faces, used = (
        shapes.uses.copy(),
        shapes.loops.copy(),
        shapes.faces.copy(),
        shapes.shell_faces.copy(),
    )
    for first in loops[:, 0]:
        uses[first : first + 4] = -uses[first : first + 4][::-1]
    loops[:, 2] = 0
    for f in (0, 3, 4):
        loops[f, 2] = 1
        faces[f, 1], used[f, 1] = 0, 0
    (part,) = integrate(shapes._replace(uses=uses, loops=loops, faces=faces, shell_faces=used))

    assert not part.turned and part.closed and not part.inverted
    assert part.body.mass == pytest.approx(truth.volume)


def test_a_solid_that_is_inside_out_counts_as_positive_and_is_noticed():
    build = Builder()
    build.solid(build.shell(box_faces(build, np.array([1.0, 2, 3]), inward=True)))
    (part,) = integrate(build.shapes())

    assert part.inverted and part.body.mass == pytest.approx(6.0)


def test_a_free_shell_has_an_area_and_no_volume():
    build = Builder()
    build.shell(box_faces(build, np.array([1.0, 2, 3]))[:5])
    (part,) = integrate(build.shapes())

    assert part.body is None and not part.closed and "shell" in part.absent
    assert part.area == pytest.approx(22 - 2)


def test_unsupported_faces_are_named():
    shapes, _ = box()
    faces, edges = shapes.faces.copy(), shapes.edges.copy()
    faces[2, 0], edges[0, 0] = -1, -1
    (part,) = integrate(shapes._replace(faces=faces, edges=edges))

    assert part.body is None and 502 in part.unsupported and len(part.unsupported) == 3


def test_a_face_without_border_on_a_surface_without_end_is_unsupported():
    build = Builder()
    build.solid(build.shell([build.face(build.surface(PLANE, build.frame()))]))
    (part,) = integrate(build.shapes())

    assert part.unsupported == (500,) and "faces" in part.absent


def test_an_edge_off_its_face_widens_the_interval_by_the_gap():
    """A cylinder of radius 2 whose edges have radius 2.001: the truth is anywhere between."""
    shapes, truth = frustum(2.0, 2.0, 3.0)
    numbers = shapes.surface_numbers.copy()
    numbers[0, 0] = 2.001
    (part,) = integrate(shapes._replace(surface_numbers=numbers))

    assert part.gap == pytest.approx(0.001)
    assert abs(part.body.mass - truth.volume) <= part.errors["brep-gap"].volume
    assert part.errors["brep-gap"].volume < 0.2


def test_an_edge_of_another_face_is_not_taken_for_its_own():
    shapes, _ = frustum(2.0, 2.0, 3.0)
    numbers = shapes.surface_numbers.copy()
    numbers[0, 0] = 2.5
    (part,) = integrate(shapes._replace(surface_numbers=numbers))

    assert part.body is None and part.unsupported == (501,)


@given(rotations(), st.floats(0.3, 3), st.lists(st.floats(-9, 9), min_size=3, max_size=3))
def test_moving_the_shapes_moves_the_part(rotation, scale, translation):
    shapes, _ = elbow(angle=1.1)
    (left,), (right,) = integrate(moved(shapes, rotation, np.array(translation), scale)), integrate(shapes)

    assert left.area == pytest.approx(right.area * scale**2, rel=1e-10)
    assert left.body.mass == pytest.approx(right.body.mass * scale**3, rel=1e-10)
    assert left.body.centre == pytest.approx(scale * rotation @ right.body.centre + translation, abs=1e-9)
    turned = scale**5 * rotation @ right.body.second @ rotation.T
    assert left.body.second == pytest.approx(turned, abs=1e-9 * np.trace(turned))


def test_what_is_cut_in_two_adds_up():
    """Two quarters of a bent pipe are half of it."""
    (half,), (quarter,) = integrate(elbow(angle=PI)[0]), integrate(elbow(angle=PI / 2)[0])

    turned = quarter.body.moved(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), ORIGIN)
    both = quarter.body + turned
    assert half.body.mass == pytest.approx(both.mass, rel=1e-12)
    assert half.body.centre == pytest.approx(both.centre, abs=1e-12)
    assert half.body.second == pytest.approx(both.second, abs=1e-10)


def test_a_coarser_accuracy_is_reported_as_one():
    shapes, truth = filleted_box()
    for accuracy in (1e-3, 1e-6, 1e-12):
        (part,) = integrate(shapes, accuracy)
        assert abs(part.body.mass - truth.volume) <= widths(part)["volume"]


def test_boxes_of_edges_are_exact():
    (part,) = integrate(frustum(2.0, 1.0, 3.0)[0])

    assert part.low == pytest.approx([-2, -2, 0], abs=1e-15) and part.high == pytest.approx(
        [2, 2, 3], abs=1e-15
    )


BOXES = {
    "sphere": ([-1.5] * 3, [1.5] * 3),
    "sphere_with_seam": ([-1.5] * 3, [1.5] * 3),
    "sphere_octants": ([-1.5] * 3, [1.5] * 3),
    "caps": ([-1.445683229480096] * 2 + [0.4], [1.445683229480096] * 2 + [1.5]),
    "torus": ([-4, -4, -1], [4, 4, 1]),
    "bare_torus": ([-4, -4, -1], [4, 4, 1]),
    "elbow": ([0, 0, -1], [5, 5, 1]),
    "filleted_box": ([-2, -1.5, -1], [2, 1.5, 1]),
}


@pytest.mark.parametrize("name", BOXES)
def test_boxes_hold_what_bulges_between_edges(name):
    (part,) = integrate(SOLIDS[name]()[0])
    low, high = BOXES[name]

    assert part.low == pytest.approx(low, abs=1e-14) and part.high == pytest.approx(high, abs=1e-14)


def test_a_turned_torus_reaches_as_far_as_its_axis_lets_it():
    shapes, _ = torus()
    c, s = math.cos(0.4), math.sin(0.4)
    (part,) = integrate(moved(shapes, np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])))
    axis = np.array([s, 0, c])

    assert part.high == pytest.approx(3 * np.sqrt(1 - axis**2) + 1, abs=1e-12)


def test_the_box_of_a_spline_is_bounded_by_its_control_points():
    (part,) = integrate(twin(sphere()[0]))

    assert (part.high + part.errors["integration"].box >= 1.5 - 1e-12).all()


@pytest.mark.parametrize("edge", range(0, 36, 5))
def test_edges_that_do_not_meet_are_joined_and_the_strip_is_in_the_interval(edge):
    """One end of an edge is a thousandth away from where its neighbours end."""
    shapes, truth = filleted_box()
    ends = shapes.edge_points.copy()
    ends[edge % len(ends), :3] += 1e-3 * np.array([0.6, -0.64, 0.48])
    (part,) = integrate(shapes._replace(edge_points=ends))

    assert not part.unsupported and 0 < part.imbalance < 1e-3
    assert abs(part.body.mass - truth.volume) <= part.errors["brep-gap"].volume < 1e-2 * truth.volume


def test_an_edge_that_runs_to_a_pole_at_an_angle_is_followed():
    """A part of a hemisphere that is a spline, between a spiral from the pole, φ = 2θ/π, and a meridian."""
    build = Builder()
    surface = build.spline_surface(_half_sphere())
    t = np.linspace(0, 1, 9)
    way = np.stack(
        [np.sin(t * PI / 2) * np.cos(t), np.sin(t * PI / 2) * np.sin(t), np.cos(t * PI / 2)], axis=1
    )
    points = np.column_stack([1.5 * way, np.ones(9)])
    curve = build.spline_curve(Net(points, (1,), (np.array([0, *np.arange(9.0), 8]),)))
    bent = build.edge(curve, 1.5 * Z, 1.5 * way[-1])
    round_ = build.circle(ORIGIN, Z, 1.5, 1.5 * way[-1], 1.5 * np.array([-1.0, 0, 0]))
    back = build.circle(ORIGIN, Y, 1.5, np.array([-1.5, 0, 0]), 1.5 * Z)
    build.shell([build.face(surface, [bent, round_, back])])
    (part,) = integrate(build.shapes())

    # The spiral is a polygon of chords: it is off the sphere, and its foot runs along great circles.
    assert part.area == pytest.approx(1.5**2 * (PI - 2 / PI), rel=2e-2)
    assert not part.unsupported


def _half_sphere():
    flat = arc(1.5, 1.5, 0, PI / 2)
    points = flat.points.copy()
    points[:, :3] = np.outer(flat.points[:, 0], X) + np.outer(flat.points[:, 1], Z)
    return revolved(Net(points, flat.degrees, flat.knots), np.concatenate([ORIGIN, X, Y, Z]))


NO_PATCH = Patch._make([0] * len(Patch._fields))
TURN = 2 * PI


def walked(area, turns_u=0, turns_v=0):
    """The memory of a walk that has gone round a face."""
    scratch = SimpleNamespace(sums=np.zeros((9, FIELDS)), places=np.zeros((10, 8)), pieces=np.zeros((20, 4)))
    scratch.sums[TOTAL, 0] = area
    scratch.places[COUNTS, TURNS_U], scratch.places[COUNTS, TURNS_V] = turns_u, turns_v
    return scratch


@pytest.mark.parametrize("sense", [1.0, -1.0])
@pytest.mark.parametrize("stage", [1, 2])
@pytest.mark.parametrize(("share", "turns"), [(-0.3, -1), (0.0, -1), (0.7, 0), (1.3, 1)])
def test_a_face_of_a_torus_is_between_nothing_and_the_whole_of_it(share, turns, stage, sense):
    """What its loops bound is off by whole tori: one is added below nothing, and taken away above the whole."""
    patch = NO_PATCH._replace(
        kind=TORUS, a=3.0, b=1.0, size=8.0, whole=True, top=0.5, period_u=TURN, period_v=TURN, low_u=0.2
    )
    scratch = walked(sense * share * 4 * PI**2 * 3.0)
    count = finish(SimpleNamespace(surfaces=[()]), patch, sense, stage, 0, scratch)
    bands = scratch.pieces[:count]

    assert (bands[:, 0] == BAND).all() and (bands[:, 1] == 0.5).all()
    assert (bands[:, 3] - bands[:, 2]).sum() == pytest.approx(turns * sense * TURN)


@pytest.mark.parametrize(
    ("kind", "turns_u", "turns_v", "flag"),
    [
        (CYLINDER, 0, 0, 0), (CYLINDER, 1, 0, WOUND), (TORUS, -1, 0, WOUND), (TORUS, 0, 1, WOUND),
        (TORUS, 0, 0, 0), (SPHERE, 1, 0, 0),
    ],
)  # fmt: skip
def test_loops_that_wind_round_a_surface_without_a_pole_are_noticed(kind, turns_u, turns_v, flag):
    patch = NO_PATCH._replace(kind=kind, period_u=TURN, period_v=TURN if kind == TORUS else 0.0)
    forward, back = (walked(area, turns_u, turns_v) for area in (2.0, -2.0))

    assert flags_of(patch, 1.0, 0, forward) == flags_of(patch, -1.0, 0, back) == flag
    assert flags_of(patch, 1.0, 0, back) == flag | REVERSED


def test_integrals_of_a_spline_that_closes_go_on_beyond_its_end():
    """One period more in v adds what one lap round it gives, one less takes that away."""
    ring, build, work = arc(2.0, 2.0, 0.0, TURN), Builder(), np.zeros((ROWS, WIDTH))
    points = np.stack([ring.points, ring.points + np.array([0, 0, 5.0, 0])])
    s = build.spline_surface(Net(points, (1, *ring.degrees), (np.array([0.0, 0, 1, 1]), *ring.knots)))
    geometry, knots = Geometry(*build.shapes()[:7]), ring.knots[0]
    cells, table = np.zeros((8, 3)), np.zeros((8 * 15, 2 * WIDTH))
    count = tabulate(geometry, s, FIFTEEN, 1, cells, table, work)
    low, high = knots[0], knots[-1]
    patch = NO_PATCH._replace(
        kind=SPLINE, surface=s, base=s, origin=np.array([0.3, 0.1, -1]), start=low, rule=FIFTEEN, cells=count,
        period_v=high - low, low_v=low, high_v=high,
    )  # fmt: skip
    scratch = SimpleNamespace(
        work=work, cells=cells, table=table, row=np.zeros(2 * WIDTH), columns=np.zeros((len(ring.points), 8))
    )

    def inner(v):
        out = np.zeros((2, FIELDS))
        spline_inner(geometry, patch, 0.4, v, scratch, *out)
        return out[0]

    lap, part = inner(high), inner(low + 0.3 * (high - low))

    assert lap[0] == pytest.approx(TURN * 2.0 * 5.0)
    assert inner(low + 1.3 * (high - low)) == pytest.approx(part + lap, abs=1e-12)
    assert inner(low - 0.7 * (high - low)) == pytest.approx(part - lap, abs=1e-12)
