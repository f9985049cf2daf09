import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import rotations

from massproof.kernels import polygons
from massproof.kernels.jit import DISABLED
from massproof.kernels.polygons import divide


def triangulate(points, corners, starts):
    return divide(points, np.array(corners, np.int64), np.array(starts))[0]


def areas(points, faces):
    return [float(naive.area(points, [f])) for f in faces]


@st.composite
def stars(draw):
    """A simple, mostly concave polygon: corners at growing angles around a point that sees them all."""
    count = draw(st.integers(4, 12))
    radii = [draw(st.floats(0.1, 3).map(lambda x: round(x, 3))) for _ in range(count)]
    angles = 2 * np.pi * np.arange(count) / count
    flat = np.stack([radii * np.cos(angles), radii * np.sin(angles), np.zeros(count)], axis=1)
    return flat @ draw(rotations()).T + np.array([1.0, -2.0, 3.0])


@given(stars(), st.integers(0, 11), st.booleans())
def test_triangles_cover_a_planar_polygon_once(points, turn, reverse):
    """Their areas add up to the polygon's: one too many, or one outside, and they would not."""
    corners = np.roll(np.arange(len(points)), turn)[:: -1 if reverse else 1]
    faces = triangulate(points, corners, [0, len(points)])

    assert len(faces) == len(points) - 2
    assert sum(areas(points, faces)) == pytest.approx(naive.polygon_area(points), rel=1e-9)
    assert {frozenset(e) for e in zip(corners, np.roll(corners, -1), strict=True)} == {
        edge for edge, (count, _) in naive.edge_balance(faces).items() if count == 1
    }


@given(stars())
def test_triangles_are_wound_like_their_polygon(points):
    faces = triangulate(points, np.arange(len(points)), [0, len(points)])
    inner = [balance for count, balance in naive.edge_balance(faces).values() if count == 2]

    assert not any(inner)


@pytest.mark.parametrize("turn", range(6))
def test_an_l_has_area_three_from_any_first_corner(turn):
    """A fan from some corners gives 4: the mistake of several readers."""
    points = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [1, 1, 0], [1, 2, 0], [0, 2, 0]], float)

    assert sum(areas(points, triangulate(points, np.roll(np.arange(6), turn), [0, 6]))) == 3.0


ARROW = [(0, 0), (2, 1), (0, 2), (1, 1)]
STAIRS = [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (2, 1), (2, 2), (1, 2), (1, 1), (0, 1)]
U = [(0, 0), (1, 0), (2, 0), (3, 0), (3, 3), (2, 3), (2, 2), (2, 1), (1, 1), (1, 3), (0, 3), (0, 1)]


@pytest.mark.parametrize(
    ("outline", "area"), [(ARROW, 1.0), (STAIRS, 4.0), (U, 7.0)], ids=["arrow", "stairs", "u"]
)
@given(rotations(), st.integers(0, 11), st.integers(0, 11))
def test_straight_and_repeated_corners_leave_the_area_as_it_is(outline, area, rotation, turn, twice):
    """In any plane, from any corner, with one of them named twice: what rounds to a turn is none."""
    flat = np.roll(np.array([(x, y, 0) for x, y in outline], float), turn, axis=0)
    points = np.insert(flat, twice % len(flat), flat[twice % len(flat)], axis=0) @ rotation.T
    corners = np.arange(len(points))
    faces, excess, _, _ = divide(points, corners, np.array([0, len(points)]))

    assert len(faces) == len(points) - 2
    assert sum(areas(points, faces)) == pytest.approx(area, rel=1e-9)
    assert not excess.any()


def test_a_polygon_all_in_one_or_two_places_has_no_area():
    points = np.array([[1, 2, 3]] * 4 + [[4, 5, 6]], float)
    for corners in ([0, 1, 2, 3], [0, 4, 1, 4], [0, 1, 4, 4]):
        faces = triangulate(points, corners, [0, 4])
        assert len(faces) == 2
        assert sum(areas(points, faces)) == 0


def test_what_folds_over_is_measured():
    bowtie = np.array([[0, 0, 0], [2, 2, 0], [2, 0, 0], [0, 1, 0]], float)
    _, excess, _, _ = divide(bowtie, np.arange(4), np.array([0, 4]))

    assert excess[0] > 0


BOWTIE = [(0, 0), (1, 1), (1, 0), (0, 1)]  # its two halves cancel
LINE = [(0, 0), (3, 0), (1, 0), (2, 0), (5, 0)]
PLACE = [(1, 1)] * 4


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize(
    ("outline", "folds"),
    [(BOWTIE, True), ([*BOWTIE, (0, 0)], True), (LINE, False), (PLACE, False)],
    ids=["bow-tie", "bow-tie with a corner twice", "line", "place"],
)
@given(rotations())
def test_a_planar_polygon_whose_vector_area_vanishes_is_planar(many, outline, folds, rotation):
    """In its own plane exactly, and turned but for rounding, which gives it some area in any direction."""
    flat = np.array([(x, y, 0) for x, y in outline], float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polygons, "COMPILED_FROM", 0 if many else 1 << 60)
        for points in (flat, flat @ rotation.T):
            _, excess, thickness, _ = divide(points, np.arange(len(flat)), np.array([0, len(flat)]))

            assert (excess[0] > 1e-12) == folds
            assert 0 <= thickness[0] < 1e-12


def test_a_polygon_that_folds_over_and_is_not_planar_is_as_thick_as_it_is():
    bent = np.array([[0, 0, 0], [2, 2, 0.25], [2, 0, 0], [0, 1, 0]], float)
    _, excess, thickness, _ = divide(bent, np.arange(4), np.array([0, 4]))

    assert excess[0] > 0
    assert 0.05 < thickness[0] <= 0.25


def test_polygons_of_all_sizes_keep_their_order():
    points = np.array([[np.cos(a), np.sin(a), 0] for a in 2 * np.pi * np.arange(8) / 8])
    faces = triangulate(points, [0, 1, 2, 0, 2, 4, 6, 1, 3, 5, 0, 1, 2, 3, 4], [0, 3, 7, 10, 15])

    assert faces.tolist() == [
        [0, 1, 2],
        [0, 2, 4],
        [0, 4, 6],
        [1, 3, 5],
        [0, 1, 2],
        [0, 2, 3],
        [0, 3, 4],
    ]
    assert faces.dtype == np.int32


def test_a_polygon_that_crosses_itself_or_has_no_area_still_gives_all_its_triangles():
    bowtie = np.array([(x, y, 0) for x, y in BOWTIE], float)
    spiral = np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0], [3, 3, 0], [1, -1, 0], [1, 4, 0]], float)
    line = np.array([[k, 0, 0] for k in range(5)], float)

    for points in (bowtie, spiral, line):
        faces = triangulate(points, np.arange(len(points)), [0, len(points)])
        assert len(faces) == len(points) - 2


def test_no_polygons_give_no_triangles():
    assert triangulate(np.zeros((0, 3)), [], [0]).shape == (0, 3)


def comb(count):
    """A polygon with a tooth for every four corners, of seven lengths."""
    teeth = [
        (4 * i + x, y * (1 + i % 7)) for i in range(count // 4) for x, y in ((0, 0), (1, -9), (2, -9), (3, 0))
    ]
    return np.array([(x, y, 0) for x, y in [*teeth, (count, 5), (-1, 5)]], float)


def star(count):
    angles = 2 * np.pi * np.arange(count) / count
    radii = np.where(np.arange(count) % 2, 1.0, 0.4) + 0.1 * np.sin(5 * angles)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles), 0 * angles], axis=1)


@pytest.mark.parametrize("shape", [comb, star])
def test_a_polygon_of_thousands_of_concave_corners_is_covered_once(shape):
    """In about n² steps: in n³ this would take minutes."""
    points = shape(100 if DISABLED else 4000)
    faces, excess, _, _ = divide(points, np.arange(len(points)), np.array([0, len(points)]))
    edges = naive.edge_balance(faces)

    assert len(faces) == len(points) - 2 and not excess.any()
    assert float(naive.area(points, faces)) == pytest.approx(naive.polygon_area(points), rel=1e-9)
    assert sum(count == 1 for count, _ in edges.values()) == len(points)
    assert not any(balance for count, balance in edges.values() if count == 2)


@given(st.data())
def test_many_polygons_are_divided_as_few_are(data):
    """What is compiled for many is numpy for few: of the same faces, and the same shapes but for rounding."""
    points = np.array(
        data.draw(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=3, max_size=12)), float
    )
    shapes = data.draw(
        st.lists(st.lists(st.integers(0, len(points) - 1), min_size=3, max_size=6), max_size=6)
    )
    corners = np.array([c for shape in shapes for c in shape], np.int64)
    starts = np.cumsum([0, *map(len, shapes)])
    few = divide(points, corners, starts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polygons, "COMPILED_FROM", 0)
        patch.setattr(polygons, "_PART", 2)
        many = divide(points, corners, starts)

    assert (few[0] == many[0]).all()
    for left, right in zip(few[1:], many[1:], strict=True):
        assert left == pytest.approx(right, rel=1e-12, abs=1e-12)
