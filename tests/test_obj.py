import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import QUADS, boxes

from massproof.errors import FormatError
from massproof.formats import obj
from massproof.kernels import FIELDS
from massproof.kernels.scan import scan_faces

CUBE = "".join(f"v {i & 1} {i >> 1 & 1} {i >> 2 & 1}\n" for i in range(8))
FACES = "".join("f " + " ".join(str(i + 1) for i in q) + "\n" for q in QUADS)


def read(text):
    data = text if isinstance(text, bytes) else text.encode()
    return obj.read(memoryview(data))


def integral(mesh, name):
    return scan_faces(mesh.vertices, mesh.faces, np.zeros(3)).sums[FIELDS.index(name)]


def volume(mesh):
    return integral(mesh, "one")


@given(boxes())
def test_numbers_are_read_as_the_nearest_doubles(case):
    mesh = case[0]
    vertices = mesh.vertices * (1 + 2**-40)
    text = "".join("v {!r} {!r} {!r}\n".format(*map(float, v)) for v in vertices)
    found = read(text + "".join("f {} {} {}\n".format(*(f + 1)) for f in mesh.faces))

    assert (found.vertices[found.faces] == vertices[mesh.faces]).all()
    assert found.precision is None


@pytest.mark.parametrize(
    "text",
    [
        CUBE + FACES,
        FACES + CUBE,
        "# C:\\models\\\n" + CUBE + FACES,
        (CUBE + FACES).replace("\n", "\r\n"),
        (CUBE + FACES).replace("\n", "\r"),
        "# a comment\no part\ng left right\ns off\nmtllib ../../x.mtl\n"
        + CUBE
        + "usemtl red\n"
        + FACES.replace("\n", " # why\n"),
        CUBE + "f -8 -6 -5 -7\nf -4 -3 -1 -2\n" + FACES.split("\n", 2)[2],
        CUBE + FACES.replace("f 1 3 4 2", "f 1/7 3//8 4/9/9 2/"),
        CUBE + FACES.replace("f 1 3 4 2", "f 1 3 \\\n 4 2"),
        CUBE.replace("\n", " 0.5 0.5 0.5\n") + FACES,
        CUBE + "l 1 2\np 1\nvn 0 0 1\nvt 0 0\nvp 1 1\n" + FACES,
        b"\xef\xbb\xbf" + (CUBE + FACES).encode(),
        CUBE + "v nan inf 0\n" + FACES,
    ],
)
def test_every_way_to_write_a_cube_has_volume_one(text):
    mesh = read(text)

    assert len(mesh.faces) == 12
    assert volume(mesh) == pytest.approx(1.0)


def test_negative_indices_count_from_the_last_vertex_so_far():
    """Not from the end of the file, as several readers take them: area 2 there becomes something else."""
    square = "v 0 0 {z}\nv 1 0 {z}\nv 1 1 {z}\nv 0 1 {z}\nf -4 -3 -2 -1\n"
    mesh = read(square.format(z=0) + square.format(z=5))

    assert integral(mesh, "area") == 2.0


def test_a_concave_polygon_has_its_own_area():
    shape = "v 0 0 0\nv 2 0 0\nv 2 1 0\nv 1 1 0\nv 1 2 0\nv 0 2 0\nf 2 3 4 5 6 1\n"
    mesh = read(shape)

    assert integral(mesh, "area") == 3.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CUBE + "f 0 1 2\n", "line 9: vertex index 0 is out of range"),
        (CUBE + "f 1 2 9\n", "line 9: vertex index 9 is out of range: the file has 8 vertices"),
        (CUBE + "f 1 2 -9\n", "line 9: vertex index -9 is out of range"),
        (CUBE + "f 1 2 1.0\n", "line 9: '1.0' names no vertex: an index is an integer"),
        (CUBE + "f --1 2 3\n", "'--1' names no vertex"),
        (CUBE + "f " + "9" * 5000 + " 2 3\n", "names no vertex"),
        (CUBE + "f 1 2 /1\n", "line 9: '/1' names no vertex"),
        (CUBE + "f 1 2\n", "line 9: a face has 2 corners"),
        ("v 0 0\nf 1 1 1\n", "line 1: the vertex '0 0' is not three numbers"),
        ("v 0 two 0\n", "'0 two 0' is not three numbers"),
        ("v 0 1,0 0\n", "with a point"),
        ("v 0 1_0 0\n", "not three numbers"),
        (CUBE.replace("v 1 1 1", "v 1 nan 1") + FACES, "not finite"),
        (CUBE.replace("v 1 1 1", "v 1 1e999 1") + FACES, "inf"),
        (CUBE, "8 vertices and 0 polygons"),
        ("# nothing\n", "no faces"),
        (CUBE + "surf 0 1 0 1 1 2 3 4\n", "'surf' is not supported"),
        (CUBE + "call other.obj\n" + FACES, "'call' is not supported"),
        (b"\0" * 9 + b"v 0 0 0", "NUL"),
    ],
)
def test_what_is_malformed_is_refused_with_its_line(text, message):
    with pytest.raises(FormatError, match=message):
        read(text)


def test_only_text_with_obj_keywords_looks_like_obj():
    assert obj.sniff(memoryview((CUBE + FACES).encode()))
    assert not obj.sniff(memoryview(b"ISO-10303-21;"))


@given(st.text("vf0123456789 .-/\\\n#e", max_size=200))
def test_random_text_is_read_or_refused_and_nothing_else(text):
    try:
        assert len(read(text).faces)
    except FormatError as error:
        assert str(error)


def test_a_colour_that_is_not_a_number_is_noted_and_not_used():
    mesh = read(CUBE.replace("v 1 1 1", "v 1 1 1 nan 0 0") + FACES)

    assert volume(mesh) == pytest.approx(1.0)
    assert [code for code, _, _ in mesh.notes] == ["ignored-nan"]
