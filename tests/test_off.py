"""OFF: every variant of one cube is the same cube; every lie is refused in words."""

import io

import numpy as np
import pytest
from makers import GOOD, QUADS, TRIANGLES, area, assert_cube, refused, volume
from makers import off as make

from massproof.errors import FormatError
from massproof.formats import off


def read(data):
    return off.read(memoryview(data))


L = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]  # area 3; a fan from corner 1 covers 4
L_OFF = "OFF\n6 1 0\n" + "".join(f"{x} {y} 0\n" for x, y in L) + "6 1 2 3 4 5 0\n"


@pytest.mark.parametrize(
    "data",
    [
        make(),
        make(faces=TRIANGLES),
        make(head="COFF", after=(" 255 0 0 255", "")),
        make(after=("", " 0.1 0.2 0.3")),
        make(head="# made by hand\nOFF # header\n\n", after=(" # a point", "  # a face")),
        make().replace(b"OFF\n", b"OFF "),
        make().replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + make(),
    ],
    ids=["quads", "triangles", "vertex colours", "face colours", "comments", "one line", "crlf", "marked"],
)
def test_every_off_cube_is_the_cube(data):
    assert off.sniff(memoryview(data))
    mesh = read(data)
    assert_cube(mesh)
    assert mesh.unit is None and mesh.precision is None and mesh.notes == ()


def test_a_concave_polygon_has_its_true_area():
    assert area(read(L_OFF.encode())) == pytest.approx(3, rel=1e-12)


def test_faces_of_two_corners_are_left_out_and_noted():
    mesh = read(make(faces=[*QUADS, (0, 7)]))
    assert_cube(mesh)
    code, why, evidence = mesh.notes[0]
    assert (code, evidence) == ("faces-without-area", {"count": 1}) and why.startswith("1 faces")


def test_a_vertex_that_is_not_finite_matters_only_when_a_face_uses_it():
    points = [(0, 0, 0), ("nan", 0, 0), (1, 0, 0), (0, 1, 0)]
    mesh = read(make(points, [(0, 2, 3)]))
    assert area(mesh) == 0.5 and len(mesh.vertices) == 3
    refused(lambda: read(make(points, [(0, 1, 2)])), "vertex 1", "not finite")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (make(counts=(8, 7)), ["count", "7 faces", "14 lines"]),
        (make(counts=(8, 5)), ["count", "5 faces"]),
        (make(counts=(4 * 10**9, 6)), ["count"]),
        (make(counts=(-8, 22)), ["count"]),
        (make(faces=[*QUADS, (0, 1, 8)]), ["face 6", "index 8", "out of range", "8 vertices"]),
        (make(faces=[*QUADS, (0, 1, -1)]), ["face 6", "index -1", "out of range"]),
        (make(faces=[(0, 1, 2, 2**70)]), ["OFF file is damaged"]),
        (make(faces=[]), ["no triangles: 8 points, 0 faces"]),
        (make().replace(b"0 0 0\n", b"0 0\n", 2), ["vertex 0 has 2 numbers"]),
        (make().replace(b"4 0 2 3 1", b"5 0 2 3 1"), ["counts 5 corners", "4 numbers"]),
        (make().replace(b"0 0 1", b"0 0 1,0"), ["1,0"]),
        (make().replace(b"0 0 1", b"0 0 \xff"), ["OFF file is damaged"]),
        (make().replace(b"0 0 1", b"0 0 1_0"), ["'1_0'", "expected a number"]),
        (make().replace(b"0 0 1", "0 0 ١".encode()), ["'١'", "expected a number"]),
        (make().replace(b"4 0 2 3 1", b"4 0 2 3 0_1"), ["'0_1'"]),
        (make(head="4OFF"), ["4OFF", "not supported"]),
        (make(head="OFF BINARY"), ["not supported"]),
        (b"OFF", ["OFF file is damaged"]),
    ],
)
def test_a_malformed_off_is_refused(data, words):
    refused(lambda: read(data), *words)


@pytest.mark.parametrize("data", GOOD["off"])
def test_a_file_cut_anywhere_is_refused_or_is_still_the_cube(data):
    """Only bytes at the very end may be without meaning."""
    for size in range(0, len(data), 7):
        try:
            mesh = read(data[:size])
        except FormatError:
            continue
        assert size > len(data) - 8
        assert_cube(mesh)


@pytest.mark.parametrize("data", GOOD["off"])
def test_a_damaged_byte_is_refused_or_gives_a_finite_mesh(data):
    """No other exception and no warning escapes, whatever the bytes say."""
    random = np.random.default_rng(1)
    for _ in range(400):
        broken = bytearray(data)
        for at in random.integers(0, len(data), 2):
            broken[at] = random.integers(0, 256)
        try:
            mesh = read(broken)
        except FormatError:
            continue
        assert len(mesh.faces) and np.isfinite(mesh.vertices).all()


def test_other_content_is_refused_with_its_first_bytes():
    refused(lambda: read(b"solid cube"), "not a", "OFF", "b'solid cu'", "suffix")
    refused(lambda: read(b""), "not a", "OFF", "b''")
    assert not off.sniff(memoryview(b"solid cube")) and not off.sniff(memoryview(b""))


@pytest.mark.parametrize("data", GOOD["off"])
def test_trimesh_reads_the_same_cube(data):
    trimesh = pytest.importorskip("trimesh")
    mesh = read(data)
    other = trimesh.load_scene(io.BytesIO(data), file_type="off", process=False).to_mesh()
    assert other.area == pytest.approx(area(mesh)) and other.volume == pytest.approx(volume(mesh))
