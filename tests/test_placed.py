"""The whole from its parts: placing, turning, mirroring and scaling a solid does to its numbers what it does to it."""

import dataclasses
from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_makers import Solids
from strategies import rotations, vectors

from massproof import placed, solids
from massproof.formats import step
from massproof.kernels import jit
from massproof.mass import Body, Errors
from massproof.placed import Definition, Occurrence, checked, in_unit, whole

SIZE = np.array([1.0, 2.0, 3.0])
EXAMPLES = settings(max_examples=5 if jit.DISABLED else 40)


def corners_of(matrix, size=SIZE, rim=1e-12):
    """The tight box of a box of `size` after a matrix."""
    corners = (
        np.array([[x, y, z] for x in (0, size[0]) for y in (0, size[1]) for z in (0, size[2])]) @ matrix.T
    )
    return corners.min(axis=0), corners.max(axis=0), rim * abs(np.linalg.det(matrix)) ** (1 / 3)


def block(error=1e-9, **changed):
    """A box of 1 × 2 × 3 with a corner at the origin."""
    body = Body(6.0, SIZE / 2, np.diag(6 / 12 * SIZE**2))
    errors = {"integration": Errors(error, error, error, error, 0.0)}
    return dataclasses.replace(Definition(body, 22.0, errors, corners_of), **changed)


def at(offset=(0, 0, 0), matrix=None, scale=1.0, definition=0):
    offset = np.array(offset, float)
    matrix = np.eye(3) if matrix is None else matrix
    return Occurrence(definition, matrix, offset, scale, float(np.linalg.norm(offset)))


def near(found, expected, error):
    """Equal within an error, which is the claim, and nearly so in any case."""
    assert np.abs(np.asarray(found) - expected).max() <= error
    assert np.asarray(found) == pytest.approx(
        np.asarray(expected), rel=1e-9, abs=1e-9 * (1 + np.abs(expected).max())
    )


@given(rotations(), vectors, st.booleans(), st.floats(0.1, 10))
def test_a_placed_solid_is_the_solid_placed(rotation, offset, mirror, scale):
    matrix = scale * rotation * ([[-1], [1], [1]] if mirror else 1.0)
    found = whole([block()], [at(offset, matrix, scale)], solid=True)
    own = block().body

    assert found.body.mass == pytest.approx(6 * scale**3, rel=1e-12)
    assert found.area == pytest.approx(22 * scale**2, rel=1e-12)
    near(found.body.centre, matrix @ own.centre + offset, found.errors["integration"].centre)
    near(
        found.body.second,
        scale**3 * matrix @ own.second @ matrix.T,
        found.errors["integration"].second + 1e-12 * scale**5,
    )
    low, high, rim = corners_of(matrix)
    assert found.lo == pytest.approx(low + offset, rel=1e-15)
    assert found.hi == pytest.approx(high + offset, rel=1e-15)
    assert found.box_error >= rim


@EXAMPLES
@given(rotations(), vectors, st.booleans(), st.sampled_from([1.0, 0.5, 2.5]))
def test_a_file_that_places_a_part_measures_the_part_placed(rotation, offset, mirror, scale):
    """From the bytes to the numbers; the box is that of the turned part, and not of its box."""
    flip = rotation @ np.diag([-1.0, 1, 1]) if mirror else rotation
    f = Solids()
    data = f.placed(f.box(), f.operator(flip, offset, scale)).file()
    drawn = step.read(data)
    found = solids.measure_drawn(drawn, "part", None, None)
    matrix = scale * flip
    second = scale**3 * matrix @ np.diag(6 / 12 * SIZE**2) @ matrix.T
    low, high, _ = corners_of(matrix)

    assert found.body.mass == pytest.approx(6 * scale**3, rel=1e-12)
    assert found.body.centre == pytest.approx(matrix @ SIZE / 2 + offset, rel=1e-12, abs=1e-12)
    assert found.body.second == pytest.approx(second, rel=1e-11, abs=1e-11)
    assert found.low == pytest.approx(low + offset, rel=1e-12, abs=1e-12)
    assert found.high == pytest.approx(high + offset, rel=1e-12, abs=1e-12)
    codes = {note[0] for note in drawn.notes}
    assert ("mirrored" in codes, "scaled" in codes) == (mirror, scale != 1.0)
    assert "inverted" not in {note[0] for note in found.notes}


@given(st.lists(st.tuples(rotations(), vectors), min_size=1, max_size=4))
def test_wholes_add_up(places):
    found = whole([block()], [at(offset, rotation) for rotation, offset in places], solid=True)
    single = [whole([block()], [at(offset, rotation)], solid=True) for rotation, offset in places]
    together = single[0].body
    for one in single[1:]:
        together = together + one.body

    assert found.solids == len(places)
    assert found.body.mass == pytest.approx(together.mass)
    assert found.body.centre == pytest.approx(together.centre, abs=1e-9)
    assert found.body.second == pytest.approx(together.second, rel=1e-9, abs=1e-9 * np.trace(together.second))
    assert found.lo == pytest.approx(np.min([one.lo for one in single], axis=0))
    assert found.errors["integration"].volume == pytest.approx(len(places) * 1e-9)


@given(st.lists(st.tuples(vectors, st.floats(-1, 1)), min_size=1, max_size=5))
def test_errors_of_parts_cover_those_of_the_whole(places):
    """Bodies that are off by all that they may be, in any direction, are within the error of the whole."""
    error = 1e-3
    exact = [(block(), offset) for offset, _ in places]
    off = []
    for (one, _), (_, by) in zip(exact, places, strict=True):
        body = Body(6 + by * error, SIZE / 2 + by * error / 2, one.body.second + by * error / 3 * np.eye(3))
        off.append(body)
    bodies = [body.moved(np.eye(3), offset) for body, (_, offset) in zip(off, exact, strict=True)]
    true = bodies[0]
    for body in bodies[1:]:
        true = true + body
    found = whole([block(error)], [at(offset) for offset, _ in places], solid=True)
    errors = found.errors["integration"]

    assert abs(found.body.mass - true.mass) <= errors.volume * (1 + 1e-9)
    assert np.abs(found.body.centre - true.centre).max() <= errors.centre * (1 + 1e-2)
    assert np.abs(found.body.second - true.second).max() <= errors.second * (1 + 1e-2)


def test_causes_that_only_some_parts_tell_are_kept():
    other = block(errors={"integration": Errors(1, 2, 0, 0, 0), "brep-gap": Errors(3, 4, 0, 0, 5)})
    found = whole([block(), other], [at(), at((9, 0, 0), definition=1)], solid=True)

    assert found.errors["brep-gap"].area == 3
    assert found.errors["brep-gap"].volume == 4
    assert found.errors["brep-gap"].box == 5
    assert found.errors["integration"].volume == pytest.approx(2)


def test_the_widest_gap_of_surfaces_is_that_of_their_box():
    sheet = block(body=None, errors={"brep-gap": Errors(3, box=5)})
    found = whole([sheet], [at(), at((9, 0, 0))], solid=False)

    assert (found.errors["brep-gap"].area, found.errors["brep-gap"].box) == (6, 5)
    assert (found.body, found.solids, found.unclosed, found.area) == (None, 0, 0, 44)


def test_a_solid_that_stands_twice_in_one_place_is_repeated():
    found = whole([block()], [at(), at(), at((-0.0, 0, 0)), at((4, 0, 0))], solid=True)

    assert (found.repeated, found.repeated_volume, found.solids) == (2, 12.0, 4)
    assert found.pairs == 0  # what is repeated is not counted as an overlap, too


def test_boxes_that_overlap_by_no_more_than_their_rims_do_not():
    for apart, pairs in ((1.0, 0), (1 - 1e-12, 0), (0.5, 1)):
        found = whole([block()], [at(), at((apart, 0, 0))], solid=True)
        assert found.pairs == pairs
    assert found.shared == pytest.approx(3)


def test_each_turn_of_a_part_is_boxed_once():
    seen = []

    def box(matrix):
        seen.append(matrix)
        return corners_of(matrix)

    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    places = [at((3 * i, 0, 0), turned if i % 2 else None) for i in range(10)]
    whole([block(box=box)], places, solid=True)

    assert len(seen) == 2


def test_what_is_unclosed_or_inside_out_is_counted_where_it_stands():
    found = whole(
        [block(inverted=True), block(body=None, unclosed=True, splines=3)],
        [at(), at((9, 0, 0)), at((0, 9, 0), definition=1)],
        solid=True,
    )

    assert (found.inverted, found.unclosed, found.splines) == (2, 1, 3)
    assert found.body.mass == 12


@given(st.sampled_from([1.0, 25.4, 1e-3, 1e3]))
def test_a_definition_in_another_unit_is_the_same_solid(factor):
    one = in_unit(block(), factor)
    low, high, rim = one.box(np.eye(3))

    assert one.body.mass == pytest.approx(6 * factor**3)
    assert one.body.centre == pytest.approx(SIZE / 2 * factor)
    assert one.body.second == pytest.approx(np.diag(6 / 12 * SIZE**2) * factor**5)
    assert one.area == pytest.approx(22 * factor**2)
    assert (high - low) == pytest.approx(SIZE * factor)
    assert rim == pytest.approx(1e-12 * factor)
    assert one.errors["integration"].volume >= 1e-9 * factor**3
    sheet = in_unit(block(body=None), factor)
    assert sheet.body is None


@pytest.mark.parametrize("least", [-1.0, -1e-8, -1e-10, 0.0, 1.0])
def test_moments_below_zero_by_more_than_their_error_are_none(least):
    one = checked(block(body=Body(6.0, SIZE / 2, np.diag([least, 1.0, 2.0])), inverted=True))

    if least < -1e-9:
        assert (one.body, one.unclosed, one.inverted) == (None, True, False)
        assert one.errors["integration"] == Errors(1e-9)
    else:
        assert one.body.mass == 6
        assert not one.unclosed


TURNS = [((0, 0, 1), (1, 0, 0)), ((0, 0, 1), (3, 4, 0)), ((1, 2, 2), (2, 1, -2)), ((2, 3, 6), (3, -6, 2))]
spots = st.tuples(*[st.integers(-(10**9), 10**9)] * 3)  # in thousandths: a thousand metres away
frames = st.tuples(spots, st.sampled_from(TURNS))


def exactly(spot, turn):
    """Matrix and offset of a frame in rationals: its axes have rational lengths."""
    z, x = (np.array([Fraction(n, isqrt(sum(n * n for n in axis))) for n in axis]) for axis in turn)
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])
    return np.stack([x, y, z], axis=1), np.array([Fraction(n, 1000) for n in spot])


def nested(chain):
    """A box in as many assemblies as there are pairs of frames, and where its centre is."""
    f = Solids()
    shape = f.shape(f.millimetres(), f.box())
    part, point = f.product("part", shape), np.array([Fraction(1, 2), Fraction(1), Fraction(3, 2)])
    for level, pair in enumerate(chain):
        inner, outer = (f.frame([n / 1000 for n in spot], *turn) for spot, turn in pair)
        group = f.shape(f.millimetres())
        whole = f.product(f"level{level}", group)
        f.place(f.use(whole, part), shape, group, f.between(inner, outer))
        (own, offset), (to, there) = (exactly(*one) for one in pair)
        point = to @ (own.T @ (point - offset)) + there
        part, shape = whole, group
    return f.file(), point


def off(data, point):
    """How far the centre of what a file holds is off, and its error; the box encloses it."""
    found = solids.measure_drawn(step.read(data), "part", None, None)
    apart = max(abs(Fraction(float(x)) - y) for x, y in zip(found.body.centre, point, strict=True))
    slack = found.errors["integration"].box
    for low, y, high in zip(found.low, point, found.high, strict=True):
        assert float(low) - slack <= y <= float(high) + slack
    return float(apart), found.errors["integration"].centre


@EXAMPLES
@given(st.lists(st.tuples(frames, frames), min_size=1, max_size=6))
def test_nested_assemblies_place_within_their_error(chain):
    apart, error = off(*nested(chain))

    assert apart <= error
    assert error <= 16 * 2.0**-52 * 2 * len(chain) * 4 * len(chain) * 2e6 + 1e-12


def test_an_assembly_that_goes_away_and_comes_back_says_what_it_rounded():
    """Its last offset is small, of which a thousandth of what was lost on the way would be the rounding."""
    here = ((0, 0, 0), TURNS[0])
    away = ((123456789, -987654321, 555555555), TURNS[2])
    data, point = nested([(here, away), (away, here), (((1001, 2003, 3007), TURNS[3]), here)])
    apart, error = off(data, point)

    assert max(map(abs, point)) < 10
    assert 16 * 2.0**-52 * 20 < apart <= error < 1e-7


def test_a_chain_of_placements_that_comes_back_keeps_what_it_rounded():
    """A turn about a point a million away, as nested sub-assemblies give it."""
    far, c, s = 1e6 + 0.1, 0.6, 0.8
    matrix = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    offset = matrix @ [-far, 0, 0] + [c * far, s * far, 0]
    found = whole([block(0.0)], [Occurrence(0, matrix, offset, 1.0, 2 * far)], solid=True)
    exact = [Fraction(1, 2), Fraction(1)]
    x, y = (Fraction(v) for v in (c, s))
    there = (x * exact[0] - y * exact[1], y * exact[0] + x * exact[1])

    for k in range(2):
        assert abs(Fraction(float(found.body.centre[k])) - there[k]) <= found.errors["integration"].centre
    assert found.box_error >= placed._ULPS * 2 * far
