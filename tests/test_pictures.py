"""Thumbnails and turntables: what is drawn over them is where it was measured, and the bytes are the same each time."""

import io
import sys

import numpy as np
import pytest
from PIL import Image
from strategies import box
from test_cli import run

import massproof as mp
from massproof import drawing, overlays
from massproof.errors import MissingExtra, UsageError
from massproof.scene import Definition, Occurrence, Scene

SIZE = 48


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)


def block(size=(1.0, 2.0, 3.0)):
    return box(size).vertices, box(size).faces


def test_a_thumbnail_is_a_png_of_its_size_the_same_each_time(data):
    first, again = (mp.render(data / "bracket.stl", size=SIZE, unit="mm") for _ in range(2))

    assert first == again
    assert opened(first).shape == (SIZE, SIZE, 4)
    assert (opened(first)[0, 0] == 255).all()


def test_the_ground_may_be_left_out():
    assert opened(mp.render(block(), size=SIZE, transparent=True))[0, 0, 3] == 0


def test_a_stream_is_read_once_and_drawn_with_what_is_measured(data):
    with (data / "box.stl").open("rb") as stream:
        drawn = mp.render(stream, size=SIZE, unit="mm", overlay=("center",))

    assert drawn == mp.render(data / "box.stl", size=SIZE, unit="mm", overlay=("center",))


def test_the_mark_of_the_centre_is_where_the_centre_is():
    plain, marked = (opened(mp.render(block(), size=64, view="front", overlay=o)) for o in ((), ("center",)))
    changed = np.argwhere((plain != marked).any(axis=2))

    assert (changed.min(axis=0) + changed.max(axis=0)) / 2 == pytest.approx([32, 32], abs=1.5)


def test_the_axes_are_as_long_as_the_radii_of_gyration():
    """Of a block of 1 × 2 × 3, seen from the right: the largest radius, √(5/12), is along x and seen from its end."""
    plain, marked = (opened(mp.render(block(), size=64, view="right", overlay=o)) for o in ((), ("axes",)))
    changed = np.argwhere((plain != marked).any(axis=2))
    scale = 64 * 0.88 / 3
    height, width = np.ptp(changed, axis=0)

    assert height == pytest.approx(2 * scale * np.sqrt(10 / 12 / 2), rel=0.35)
    assert width > 3


def test_the_box_fits_into_the_picture_with_its_dimensions():
    ball = Definition("ball", box().vertices, box().faces)
    scene = Scene("mm", (ball,), (Occurrence("ball", np.eye(4), 0),))
    camera = overlays.around_box(scene, drawing.turn("isometric"), 200)
    seen = camera.seen(box().vertices)[:, :2]

    assert seen.min() >= 0
    assert seen.max() <= 200


@pytest.mark.parametrize("view", ["isometric", "front"])
def test_sides_of_the_box_have_their_lengths_where_they_are_seen(view):
    plain, marked = (
        opened(mp.render(block(), size=64, unit="mm", view=view, overlay=o)) for o in ((), ("box",))
    )

    assert (plain != marked).any()


def test_an_open_mesh_has_a_box_but_no_centre(data):
    plain, nothing, framed = (
        mp.render(data / "open_box.stl", size=SIZE, unit="mm", overlay=o)
        for o in ((), ("center", "axes"), ("box",))
    )

    assert plain == nothing
    assert plain != framed


@pytest.mark.parametrize(("kind", "frames"), [("gif", 3), ("apng", 5)])
def test_a_turntable_turns(kind, frames):
    found = Image.open(io.BytesIO(mp.turntable(block(), size=SIZE, frames=frames, kind=kind)))
    shown = []
    for k in range(frames):
        found.seek(k)
        shown.append(np.asarray(found.convert("RGB")).astype(int))

    assert found.n_frames == frames
    assert all((shown[0] != one).any() for one in shown[1:])


def test_a_part_stays_in_the_picture_while_it_turns():
    part = Scene("mm", (Definition("a", *block((1, 9, 2))),), (Occurrence("a", np.eye(4), 0),))
    camera = drawing.round_about(part, 100)
    for degrees in range(0, 360, 15):
        seen = camera(drawing.turn("isometric", degrees)).seen(block((1, 9, 2))[0])[:, :2]
        assert seen.min() >= 0
        assert seen.max() <= 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 8}, "16 to 4096 pixels, not 8"),
        ({"size": 9999}, "16 to 4096 pixels, not 9999"),
        ({"view": "above"}, "unknown view 'above'"),
        ({"overlay": ("weight",)}, "cannot draw 'weight' over it"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        mp.render(block(), **options)


@pytest.mark.parametrize(("kind", "frames"), [("mp4", 3), ("gif", 1), ("gif", 361)])
def test_a_turntable_of_another_kind_is_refused(kind, frames):
    with pytest.raises(UsageError, match="gif or apng with 2 to 360 frames"):
        mp.turntable(block(), kind=kind, frames=frames)


def test_without_pillow_it_is_said_what_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"massproof\[render\]"):
        mp.render(block(), size=SIZE)


def test_the_command_writes_a_thumbnail(data, tmp_path):
    target = tmp_path / "b.png"
    done = run(
        "render",
        data / "box.stl",
        "-o",
        target,
        "--size",
        SIZE,
        "--unit",
        "mm",
        "--overlay",
        "box",
        "--overlay",
        "center",
    )

    assert done.exit_code == 0
    assert done.stdout == f"{target}: {target.stat().st_size} bytes\n"
    assert Image.open(io.BytesIO(target.read_bytes())).size == (SIZE, SIZE)


@pytest.mark.parametrize(("name", "kind"), [("b.gif", "GIF"), ("b.apng", "PNG"), ("b.png", "PNG")])
def test_the_command_writes_a_turntable(name, kind, data, tmp_path):
    target = tmp_path / name
    done = run(
        "render", data / "box.stl", "-o", target, "--size", SIZE, "--unit", "mm", "--turntable", "--frames", 2
    )

    assert done.exit_code == 0
    assert Image.open(io.BytesIO(target.read_bytes())).format == kind


def test_the_command_says_what_is_wrong(data, tmp_path):
    done = run("render", data / "box.stl", "-o", tmp_path / "b.png", "--size", 1)

    assert done.exit_code == 2
    assert "16 to 4096 pixels" in done.stderr
