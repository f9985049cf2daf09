"""PLY: every variant of one cube is the same cube; every lie is refused in words."""

import struct

import pytest
from makers import MIXED, QUADS, TRIANGLES, area, assert_cube, ply_binary, ply_text, refused, volume

from massproof.formats import ply


def read(data):
    return ply.read(memoryview(data))


@pytest.mark.parametrize("faces", [QUADS, TRIANGLES, MIXED], ids=["quads", "triangles", "mixed"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("kind", ["text", "<f", ">f", "<d"])
def test_every_ply_cube_is_the_cube(kind, end, faces):
    data = ply_text(faces, end=end) if kind == "text" else ply_binary(faces, *kind, end=end)
    assert ply.sniff(memoryview(data))
    mesh = read(data)
    assert len(mesh.faces) == 12 and area(mesh) == pytest.approx(6, rel=1e-12)
    assert volume(mesh) == pytest.approx(1, rel=1e-12)
    # float32 keeps 23 bits below 1; half of the last one is 2^-24
    assert mesh.precision == (2.0**-24 if kind.endswith("f") else None)
    assert mesh.unit is None


def test_other_elements_and_properties_are_stepped_over():
    head = (
        b"ply\nformat binary_little_endian 1.0\nobj_info x\nelement material 2\n"
        b"property uchar red\nproperty list uchar short codes\n"
        b"element vertex 3\nproperty uchar red\n"
        b"property double x\nproperty double y\nproperty double z\n"
        b"element nothing 4000000000\nelement face 2\n"
        b"property list uchar float texcoord\nproperty list uchar uint vertex_index\n"
        b"property short flag\nend_header\n"
    )
    body = struct.pack("<BBhBB", 1, 1, 5, 2, 0)
    for x, y in [(0, 0), (1, 0), (0, 1)]:
        body += struct.pack("<Bddd", 9, x, y, 0)
    body += struct.pack("<B2fB3Ih", 2, 0, 0, 3, 0, 1, 2, 7) + struct.pack("<BB3Ih", 0, 3, 0, 2, 1, 7)
    assert area(read(head + body)) == 1.0
    flagged = ply_text().replace(b"end_header", b"property char flag\nend_header")
    head, rows = flagged.split(b"end_header\n")
    rows = [row + b" 5" * row.startswith(b"4 ") for row in rows.splitlines()]
    assert_cube(read(head + b"end_header\n" + b"\n".join(rows)))
    edges = b"element edge 1\nproperty int vertex1\nend_header\n"
    assert_cube(read(ply_text().replace(b"end_header\n", edges) + b"7\n"))


def test_decimal_numbers_of_a_ply_keep_all_their_digits():
    data = ply_text().replace(b"1 1 1\n", b"1 1 1.1\n", 1)
    assert read(data).vertices[7, 2] == 1.1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (ply_text().replace(b"end_header", b""), ["end_header"]),
        (ply_text().replace(b"vertex 8", b"vertex 4000000000"), ["count", "4000000000", "vertex"]),
        (
            ply_binary().replace(b"vertex 8", b"vertex 4000000000"),
            ["count", "4000000000", "vertex"],
        ),
        (ply_binary().replace(b"face 6", b"face 4000000000"), ["count", "face", "after 6"]),
        (ply_binary()[:-3], ["cut short", "after 5"]),
        (ply_binary(MIXED)[:-3], ["cut short", "after 8"]),
        (ply_binary() + b"123", ["3 bytes are left over"]),
        (ply_text() + b"3 0 1 2\n", ["1 lines are left over"]),
        (ply_text([*QUADS, (0, 1, 50)]), ["face 6", "index 50", "out of range", "8 vertices"]),
        (ply_binary([*QUADS, (0, 1, -1)]), ["face 6", "index -1", "out of range"]),
        (ply_text([]), ["no triangles: 8 points, 0 faces"]),
        (ply_binary([]), ["no triangles: 8 points, 0 faces"]),
        (ply_text().replace(b"0 0 0\n", b"0 inf 0\n", 1), ["not finite"]),
        (ply_text().replace(b"0 0 0\n", b"0 0,5 0\n", 1), ["0,5"]),
        (ply_text().replace(b"4 0 2 3 1", b"4 0 2 3"), ["face 0 has 4 numbers", "take 5"]),
        (ply_text().replace(b"4 0 2 3 1", b"4 0 2 3 1.5"), ["1.5"]),
        (ply_text().replace(b"0 0 0\n", b"0 1_0 0\n", 1), ["'1_0'", "expected a number"]),
        (ply_text().replace(b"4 0 2 3 1", b"-1 0 2 3 1"), ["face 0", "-1 numbers"]),
        (ply_text().replace(b"float y", b"float x"), ["different names"]),
        (ply_text(index="char"), ["not a list of integers"]),
        (ply_binary(index="list char int").replace(b"\x04", b"\xff", 1), ["cut short", "after 0"]),
        (ply_text(vertex="list uchar float"), ["x, y and z"]),
        (ply_text(index="list uchar float"), ["expected integers"]),
        (ply_text(index="list uchar int64"), ["int64", "not understood"]),
        (ply_text().replace(b"ascii 1.0", b"morse 1.0"), ["morse"]),
        (ply_text().replace(b"format ascii 1.0\n", b""), ["format"]),
        (ply_text().replace(b"property float z\n", b""), ["vertex 0 has 3 numbers, expected 2"]),
        (ply_text().replace(b"float z", b"float w"), ["x, y and z"]),
        (ply_text().replace(b"element face", b"element tristrips"), ["tristrips"]),
    ],
)
def test_a_malformed_ply_is_refused(data, words):
    refused(lambda: read(data), *words)
