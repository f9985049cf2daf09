"""OFF: every variant of one cube is the same cube; every lie is refused in words."""

import pytest
from makers import QUADS, TRIANGLES, area, assert_cube, refused
from makers import off as make

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
