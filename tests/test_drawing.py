"""Pictures: the pixels that are covered are those that exact arithmetic says, and nothing depends on the threads."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import box

from massproof import drawing
from massproof.errors import UsageError
from massproof.kernels import jit, raster
from massproof.scene import Definition, Occurrence, Scene

SIZE = 24
RED, CLEAR = (1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 0.4)


def scene(*definitions, **places):
    matrices = places.get("at", [np.eye(4)] * len(definitions))
    return Scene(
        "mm",
        tuple(definitions),
        tuple(Occurrence(d.name, m, k) for k, (d, m) in enumerate(zip(definitions, matrices, strict=True))),
    )


def cube(name="cube", colour=None, **more):
    return Definition(name, box().vertices / [1, 2, 3], box().faces, colour, **more)


def sphere(n=12):
    """A closed sphere of triangles that share their vertices."""
    u, v = np.linspace(0, np.pi, n + 1)[1:-1], np.linspace(0, 2 * np.pi, 2 * n, endpoint=False)
    ring = np.stack(
        [np.outer(np.sin(u), np.cos(v)), np.outer(np.sin(u), np.sin(v)), np.outer(np.cos(u), np.ones(2 * n))],
        -1,
    )
    vertices = np.concatenate([[[0, 0, 1.0]], ring.reshape(-1, 3), [[0, 0, -1.0]]])
    faces = []
    for j in range(2 * n):
        k = (j + 1) % (2 * n)
        faces.append((0, 1 + j, 1 + k))
        for i in range(n - 2):
            a, b = 1 + i * 2 * n, 1 + (i + 1) * 2 * n
            faces += [(a + j, b + j, b + k), (a + j, b + k, a + k)]
        last = 1 + (n - 2) * 2 * n
        faces.append((last + j, len(vertices) - 1, last + k))
    return Definition("sphere", vertices, np.array(faces, np.int32))


def canvas(size=SIZE):
    return (
        np.full((size, size), raster.FARTHEST, np.float32),
        np.zeros((size, size, 3), np.int16),
        np.zeros((size, size), np.int32),
    )


def covered(points, faces, parts, bands=((0, SIZE),), opacities=(1.0,) * 4):
    depth, facing, part = canvas()
    normals = np.empty((0, 3, 3), np.float32)
    for first, last in bands:
        raster.cover(points, faces, normals, parts, np.array(opacities), first, last, depth, facing, part)
    return depth, facing, part


def inside(triangle, x, y):
    """Whether the middle of a pixel is in a triangle of corners rounded to 1/256, its border included."""
    corners = [
        (Fraction(int(np.floor(px * 256 + 0.5)), 256), Fraction(int(np.floor(py * 256 + 0.5)), 256))
        for px, py in triangle
    ]
    px, py = x + Fraction(1, 2), y + Fraction(1, 2)
    turns = [
        (bx - ax) * (py - ay) - (by - ay) * (px - ax)
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True)
    ]  # fmt: skip
    (ax, ay), (bx, by), (cx, cy) = corners
    return (bx - ax) * (cy - ay) != (by - ay) * (cx - ax) and (
        all(t >= 0 for t in turns) or all(t <= 0 for t in turns)
    )


coordinates = st.floats(-5, SIZE + 5, allow_nan=False, width=32)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=3))
def test_a_pixel_is_covered_when_its_middle_is_inside(triangle):
    points = np.array([(x, y, 0.0) for x, y in triangle])
    part = covered(points, np.array([[0, 1, 2]], np.int32), np.array([1], np.int32))[2]

    expected = [[inside(triangle, x, y) for x in range(SIZE)] for y in range(SIZE)]
    assert ((part != 0) == expected).all()


@given(st.permutations(range(4)))
def test_what_is_nearer_is_seen_in_any_order(order):
    points = np.array([(x, y, z) for z in range(4) for x, y in ((0, 0), (SIZE, 0), (0, SIZE))], float)
    faces = np.arange(12, dtype=np.int32).reshape(4, 3)[list(order)]
    depth, _, part = covered(points, faces, np.array([1 + k for k in order], np.int32), opacities=(1.0,) * 5)

    assert set(np.unique(part)) == {0, -4}  # y runs down, so these are seen from their back
    assert depth.max() == 3


@given(st.integers(1, SIZE - 1))
def test_bands_give_the_same_pixels_as_the_whole(cut):
    camera = drawing.fitted(scene(sphere()), drawing.turn("isometric"), SIZE)
    points, faces = camera.seen(sphere().vertices), sphere().faces
    parts = np.ones(len(faces), np.int32)

    for a, b in zip(
        covered(points, faces, parts), covered(points, faces, parts, ((0, cut), (cut, SIZE))), strict=True
    ):
        assert (a == b).all()


def test_a_sphere_is_a_disc_without_holes_that_faces_the_eye():
    camera = drawing.fitted(scene(sphere()), drawing.turn("isometric"), SIZE)
    points, faces = camera.seen(sphere().vertices), sphere().faces
    _, facing, part = covered(points, faces, np.ones(len(faces), np.int32))
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - SIZE / 2
    r = np.hypot(x, y) / (SIZE * 0.44)

    assert (part[r < 0.95] == 1).all()
    assert (part[r > 1.05] == 0).all()
    assert (facing[part == 1][:, 2] > 0).all()


def test_what_lets_light_through_covers_as_many_pixels_as_it_is_opaque():
    points = np.array([(0, 0, 0), (0, 300, 0), (300, 0, 0)], float)
    for opacity in (0.0, 1 / 3, 5 / 9, 1.0):
        part = covered(
            points, np.array([[0, 1, 2]], np.int32), np.array([1], np.int32), opacities=(1.0, opacity)
        )[2]
        assert (part != 0).mean() == pytest.approx(opacity, abs=1e-12)


def test_round_parts_are_smooth_and_edges_stay_sharp():
    ball, block = drawing.corner_normals(sphere(24)), drawing.corner_normals(cube())
    around = sphere(24).vertices[sphere(24).faces]

    assert ball == pytest.approx(around, abs=0.066)  # half the 7.5° between facets
    a, b, c = (cube().vertices[cube().faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert block == pytest.approx(np.repeat(flat[:, None], 3, axis=1), abs=1e-6)


@pytest.mark.parametrize("view", drawing.VIEWS)
def test_the_scene_is_in_the_middle_and_fills_the_picture(view):
    part = scene(cube(), at=[np.diag([3.0, 1, 2, 1])])
    camera = drawing.fitted(part, drawing.turn(view), 100)
    seen = camera.seen(next(part.placed()).vertices())

    assert (seen.min(axis=0) + seen.max(axis=0))[:2] / 2 == pytest.approx([50, 50], abs=1e-9)
    assert np.ptp(seen[:, :2], axis=0).max() == pytest.approx(88, abs=1e-9)


def test_views_show_what_their_names_say():
    """From the front x runs right and z up; from the right y runs right; from the top x right, y up."""
    for view, right, up in (
        ("front", [1, 0, 0], [0, 0, 1]),
        ("right", [0, 1, 0], [0, 0, 1]),
        ("top", [1, 0, 0], [0, 1, 0]),
        ("back", [-1, 0, 0], [0, 0, 1]),
    ):
        assert drawing.turn(view)[:2] == pytest.approx(np.array([right, up], float), abs=1e-12)
    with pytest.raises(UsageError, match="unknown view 'above'"):
        drawing.turn("above")


def picture(subject, size=SIZE, **more):
    return drawing.draw(subject, drawing.fitted(subject, drawing.turn("isometric"), size), size, **more)


def test_any_number_of_threads_gives_the_same_bytes(monkeypatch):
    subject = scene(
        sphere(),
        cube(colour=RED),
        cube("glass", CLEAR),
        at=[np.eye(4), np.diag([2.0, 2, 2, 1]), np.diag([-3.0, 3, 1, 1])],
    )
    first = picture(subject)
    for count in (1, 3):
        monkeypatch.setattr(jit, "cores", lambda count=count: count)
        assert (picture(subject) == first).all()


def test_a_mirrored_part_shows_its_outside():
    colour = scene(cube(colour=RED), at=[np.eye(4)])
    mirrored = scene(cube(colour=RED), at=[np.diag([-1.0, 1, 1, 1])])

    assert set(np.unique(picture(colour)[..., 1])) == set(np.unique(picture(mirrored)[..., 1]))


def test_an_open_surface_is_dull_from_its_back():
    lid = Definition(
        "lid", np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)], float), np.array([[0, 1, 2]], np.int32), RED
    )
    below = drawing.draw(scene(lid), drawing.fitted(scene(lid), drawing.turn("bottom"), SIZE), SIZE)
    above = drawing.draw(scene(lid), drawing.fitted(scene(lid), drawing.turn("top"), SIZE), SIZE)

    assert below[..., 0].min() < above[..., 0][above[..., 1] < 60].max()
    assert below[12, 8].tolist() != above[12, 8].tolist()


def test_the_ground_may_be_transparent():
    found = picture(scene(cube()), ground=(0.0, 0.0, 0.0, 0.0))

    assert found[0, 0].tolist() == [0, 0, 0, 0]
    assert found[SIZE // 2, SIZE // 2, 3] == 255
    assert (picture(scene(cube()))[0, 0] == 255).all()


def test_patches_have_their_colours():
    faces = cube(colour=RED, patches=((6, (0.0, 1.0, 0.0, 1.0)),))
    placed = next(scene(faces).placed())

    assert placed.patches() == ((0, RED), (6, (0.0, 1.0, 0.0, 1.0)))
    assert next(scene(cube(patches=((0, RED),))).placed()).patches() == ((0, RED),)
    other = Scene("mm", (faces,), (Occurrence("blue", np.eye(4), 0, colour=CLEAR),))
    assert next(other.placed()).patches() == ((0, CLEAR),)
    shown = picture(scene(faces))[..., :3].reshape(-1, 3).astype(int)
    assert (shown[:, 0] > shown[:, 1] + 60).any()
    assert (shown[:, 1] > shown[:, 0] + 60).any()


def test_lines_of_a_part_are_drawn_where_nothing_hides_them():
    across = np.array([(0.2, 0.2, 1.0), (0.8, 0.8, 1.0)])
    inner = np.array([(0.2, 0.2, 0.5), (0.8, 0.8, 0.5)])
    plain, drawn, hidden = (
        drawing.draw(s, drawing.fitted(s, drawing.turn("top"), SIZE), SIZE)
        for s in (scene(cube()), scene(cube(lines=(across,))), scene(cube(lines=(inner,))))
    )

    assert (hidden == plain).all()
    assert (drawn[..., 0].astype(int) <= plain[..., 0]).all()
    assert (drawn[..., 0] < plain[..., 0].astype(int) - 15).sum() > SIZE // 3


def test_a_part_of_many_facets_is_drawn_flat_and_in_pieces(monkeypatch):
    subject = scene(sphere())
    monkeypatch.setattr(drawing, "_SMOOTHED", 10)
    whole = picture(subject)
    monkeypatch.setattr(drawing, "_CHUNK", 17)

    assert (picture(subject) == whole).all()


def test_nothing_to_draw_is_refused():
    nothing = Definition("nothing", np.empty((0, 3)), np.empty((0, 3), np.int32))
    with pytest.raises(UsageError, match="nothing to draw"):
        drawing.fitted(scene(nothing), drawing.turn("top"), SIZE)


def test_a_flat_or_tiny_part_can_be_seen():
    """A plate seen from its edge, a part that is one point: no division by zero, a picture all the same."""
    plate = Definition(
        "plate", np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)], float), np.array([[0, 1, 2]], np.int32)
    )
    point = Definition("point", np.zeros((3, 3)), np.array([[0, 1, 2]], np.int32))
    for part in (plate, point):
        assert drawing.draw(
            scene(part), drawing.fitted(scene(part), drawing.turn("front"), SIZE), SIZE
        ).shape == (SIZE, SIZE, 4)


def test_facets_without_area_have_no_normal_and_do_no_harm():
    needle = Definition(
        "needle",
        np.array([(0, 0, 0), (1, 0, 0), (2, 0, 0), (0, 1, 0)], float),
        np.array([[0, 1, 2], [0, 1, 3]], np.int32),
    )
    normals = drawing.corner_normals(needle)

    assert (normals[0, 2] == 0).all()
    assert (normals[1] == [0, 0, 1]).all()
    assert picture(scene(needle)).shape == (SIZE, SIZE, 4)


def test_a_large_picture_is_sampled_less_finely(monkeypatch):
    seen = []
    monkeypatch.setattr(drawing, "_FINE", SIZE)
    monkeypatch.setattr(
        drawing, "_finished", lambda canvas, camera, parts, colours, factor, ground: seen.append(factor)
    )
    for size in (SIZE, SIZE + 1):
        picture(scene(cube()), size)

    assert seen == [3, 2]


def test_the_same_part_in_several_places_is_smoothed_once(monkeypatch):
    calls, once = [], drawing.corner_normals
    monkeypatch.setattr(
        drawing, "corner_normals", lambda definition: (calls.append(definition), once(definition))[1]
    )
    places = tuple(Occurrence(str(x), np.diag([1.0 + x, 1, 1, 1]), 0) for x in range(3))
    picture(Scene("mm", (cube(),), places))

    assert len(calls) == 1


def test_a_facet_whose_corners_cancel_is_lit_as_a_flat_one():
    """Normals at its corners may be opposite where a surface folds back: their mean is no direction."""
    points = np.array([(0, 0, 0), (SIZE, 0, 0), (0, SIZE, 0)], float)
    depth, facing, part = canvas()
    normals = np.zeros((1, 3, 3), np.float32)
    args = np.array([[0, 2, 1]], np.int32), normals, np.array([1], np.int32), np.array([1.0, 1.0]), 0, SIZE
    raster.cover(points, *args, depth, facing, part)

    assert (facing[part == 1] == [0, 0, int(raster.UNIT)]).all()


def test_a_needle_that_rounding_makes_wide_has_a_normal_too():
    points = np.array([(0, 0, 0), (3.0021, 6.0039, 0), (6.0042, 12.0078, 0)])
    _, facing, part = covered(points, np.array([[0, 1, 2], [0, 2, 1]], np.int32), np.array([1, 1], np.int32))

    assert (facing[part != 0] != 0).any(axis=1).all()
