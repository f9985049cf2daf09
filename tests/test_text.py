"""Compiled readers of text against the readers in Python, which are the authority on what a file means."""

import ctypes
import mmap
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import sphere

from massproof.errors import FormatError
from massproof.formats import obj, stl
from massproof.kernels import obj_text, stl_text
from massproof.kernels.jit import DISABLED
from massproof.kernels.numbers import powers
from massproof.kernels.text import PADDING, SEGMENT, Unusual, gathered, segments
from massproof.mesh import Mesh

EXAMPLES = settings(max_examples=60 if DISABLED else 500)
SPHERE = sphere(1.5, 5)
MOVED = Mesh(SPHERE.vertices + np.array([2, -3, 50]), SPHERE.faces)  # all of its numbers are of usual size


def facets(mesh, number="{:e}", line="\n", gap=" "):
    lines = [f"solid a{gap}name"]
    for triangle in mesh.vertices[mesh.faces].tolist():
        lines += [f"facet{gap}normal 0 0 1", f"{gap}outer loop"]
        lines += [f"{gap}vertex {gap.join(map(number.format, corner))}" for corner in triangle]
        lines += ["endloop", f"{gap}endfacet"]
    return line.join([*lines, "endsolid a name", ""]).encode()


def lines(mesh, number="{:.6f}", face="{0}", line="\n", gap=" ", faces=None):
    out = ["#" + 70 * " comment", "o part", "vn 0 0 1", "vt 0.5 0.5"]
    out += [f"v{gap}{gap.join(map(number.format, vertex))}" for vertex in mesh.vertices.tolist()]
    out += ["g a b", "s 1", "usemtl red"]
    faces = mesh.faces.tolist() if faces is None else faces
    out += [f"f{gap}{gap.join(face.format(i + 1, i - len(mesh.vertices)) for i in f)}" for f in faces]
    return line.join([*out, ""]).encode()


def stl_by_kernel(data, size=SEGMENT):
    vertices, faces = stl_text.triangles(memoryview(data), size)
    return vertices[faces].reshape(-1, 3)


def obj_by_kernel(data, size=SEGMENT):
    vertices, corners, sizes = obj_text.polygons(memoryview(data), size)
    return vertices, corners, np.full(len(corners) // 3, 3) if sizes is None else sizes, ()


def obj_in_python(data):
    return obj._any(memoryview(data))


def same(left, right):
    """Whether two tuples of arrays are equal, also where they hold nan."""
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(left[:3], right[:3], strict=True))


NUMBERS = ("{:e}", "{:.6f}", "{:g}", "{!r}", "{:+.3E}", "{:.25f}", "{:.70f}")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("line", ["\n", "\r\n", "\r", "  \n\t"])
def test_facets_in_the_usual_order_are_read_by_the_kernel(number, line):
    data = facets(SPHERE, number, line)
    far = data.replace(b" 0 0 1", b" " + b"0" * 70 + b" 0 1")
    for text in (
        data,
        data.upper(),
        b"\xef\xbb\xbf" + data,
        data + b"color 1 1 1\n" + data,
        data.strip(),
        far,
    ):
        assert (stl_by_kernel(text, 500) == stl._any_corners(text)).all()


@pytest.mark.parametrize(
    "data",
    [
        facets(SPHERE, line=" "),
        facets(SPHERE) + b"facet normal " + b"0 " * 100,
        facets(SPHERE).replace(b"a name", b"a vertex"),
        facets(SPHERE).replace(b"outer loop", b""),
        facets(SPHERE).replace(b"normal", b""),
        facets(SPHERE).replace(b"endloop", b""),
    ],
)
def test_facets_in_another_order_are_left_to_the_reader(data):
    with pytest.raises(Unusual):
        stl_by_kernel(data, 500)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("line", ["\n", "\r\n", "\r", "\n\n \t", " # why\n"])
@pytest.mark.parametrize("face", ["{0}", "{1}", "{0}/7/9", "{0}//{0}", "{1}//{1}", "{0}/", "{0:010d}"])
def test_vertices_and_faces_are_read_by_the_kernel(number, line, face):
    data = lines(SPHERE, number, face, line)
    for text in (data, b"\xef\xbb\xbf" + data, data.strip(), data.replace(b"f", b"fo"), b" " + data):
        assert same(obj_by_kernel(text, 300), obj_in_python(text))


@pytest.mark.parametrize(
    "line",
    b"vx 1|vertex 1|foo 1|f|fo|v|g a \\|g a \\ # b|\x0bv 1 2 3|v 1 2 3\x0c|f 1 2 \\|f 1 2 a|f 1 2 3\x0b|f 1 2 +3|bmat|curv 1".split(
        b"|"
    ),
)
def test_lines_that_may_be_more_than_they_seem_are_left_to_the_reader(line):
    with pytest.raises(Unusual):
        obj_by_kernel(line + b"\n" + lines(SPHERE))


@pytest.mark.parametrize("faces", [[[0, 1, 2, 3]] * 70, [[0, 1, 2]] * 40 + [[0, 1, 2, 3, 4]] * 40])
@pytest.mark.parametrize("face", ["{0}", "{1}"])
def test_polygons_of_any_size_are_read_by_the_kernel(faces, face):
    data = lines(SPHERE, face=face, faces=faces) + lines(SPHERE, face=face, faces=faces)

    assert same(obj_by_kernel(data, 300), obj_in_python(data))


# Numbers that are read three at once, and such as are not, by a sign, a digit or a point.
USUAL = st.from_regex(rb"\A-?[0-9]{1,8}(\.[0-9]{0,9})?\Z")
TOGETHER = st.one_of(
    st.lists(USUAL, min_size=3, max_size=3),
    st.lists(st.from_regex(rb"\A-?[0-9]\.[0-9]{1,8}[eE][+-][01][0-9]\Z"), min_size=3, max_size=3),
    st.lists(st.one_of(USUAL, st.from_regex(rb"\A[-+.e0-9]{1,6}\Z")), min_size=1, max_size=4),
)


@given(st.lists(TOGETHER, max_size=20), st.sampled_from([b" ", b"  ", b"\t", b" \t "]), st.booleans())
@EXAMPLES
def test_three_numbers_are_read_as_python_reads_them(rows, gap, returned):
    data = b"\n".join([*(b"v " + gap.join(row) for row in rows), b"v 0 0 0\nf 1 1 1\n" + b" " * 70])
    data = data.replace(b"\n", b"\r\n") if returned else data
    try:
        found = obj_by_kernel(data)
    except Unusual:
        return
    python = obj_in_python(data)

    assert found[0].tobytes() == python[0].tobytes()  # also the sign of zero


def numbered(words):
    """Corners that the kernel reads of faces of three words each, None if it leaves them to the reader."""
    faces = [b"f %s %s %s\n" % tuple(words[i : i + 3]) for i in range(0, len(words), 3)]
    text = np.frombuffer(b"".join(faces) + b"\n" * PADDING, np.uint8)
    state, corners = np.array([0, 99_999_999, 0, 0, 0, 0]), np.full(len(words), -1, np.int32)
    vertices, sizes, unsure = np.empty((0, 3)), np.zeros(0, np.int32), np.zeros((9, 3), np.int64)
    status = obj_text.read_lines(
        text, 0, len(text) - PADDING, 0, state, vertices, corners, sizes, unsure, powers()
    )
    return None if status else corners.tolist()


@given(st.lists(st.integers(1, 8).flatmap(lambda n: st.integers(1, 10**n - 1)), min_size=6, max_size=60))
def test_faces_of_any_numbers_are_read_in_pairs(indices):
    indices = indices[: len(indices) // 3 * 3]

    assert numbered([b"%d" % i for i in indices]) == [i - 1 for i in indices]
    assert numbered([b"%d/7" % i if i % 5 == 0 else b"%d" % i for i in indices]) == [i - 1 for i in indices]


@pytest.mark.parametrize("place", range(12))
@pytest.mark.parametrize("word", [b"0", b"100000000", b"00", b"1.5", b"+1", b"f", b"1 f", b""])
def test_a_corner_that_is_none_is_found_in_every_place_of_a_pair(place, word):
    words = [b"1234567"] * 36
    words[12 + place] = word

    assert numbered(words) is None


@given(st.dictionaries(st.integers(0, 100), st.sampled_from([b"+", b"0000000", b" ", b"\n"]), max_size=9))
@EXAMPLES
def test_corners_that_repeat_are_shared_also_after_a_facet_that_is_unlike(changes):
    """A facet that is begun in the quick way and ended in the slow one leaves nothing wrong behind."""
    words = facets(MOVED, "{:e}").split(b"vertex ")
    for at, put in changes.items():
        words[at + 1] = put + words[at + 1].lstrip(b"-")
    data = b"vertex ".join(words)
    vertices, faces = stl_text.triangles(memoryview(data))

    assert np.array_equal(vertices[faces].reshape(-1, 3), stl._any_corners(data))
    assert np.array_equal(np.unique(faces), np.arange(len(vertices)))
    assert changes or len(vertices) < 2 * len(faces)


@pytest.mark.parametrize("digits", [5, 17, 19, 22, 25])
def test_numbers_of_any_length_are_those_that_are_written(digits):
    """Three of them may take more than the 64 bytes that are looked at at once."""
    data = facets(MOVED, f"{{:.{digits}f}}")

    assert (stl_by_kernel(data) == stl._any_corners(data)).all()


def test_a_number_that_another_begins_with_is_not_taken_for_it():
    data = facets(SPHERE, "{:.1f}").replace(b" 0.0\n", b" 0.0123\n", 9)

    assert (stl_by_kernel(data) == stl._any_corners(data)).all()


def test_colours_are_not_read_and_may_be_no_numbers_only_for_the_reader_in_python():
    data = lines(SPHERE).replace(b"000\n", b"000 0.5 1e-3 1\n")

    assert same(obj_by_kernel(data), obj_in_python(data))
    with pytest.raises(Unusual):
        obj_by_kernel(data.replace(b"-3 1\n", b"-3 nan\n", 1))


def test_a_vertex_that_is_not_finite_and_not_used_is_left_to_the_caller():
    data = b"v nan inf 1e999\n" + lines(SPHERE, face="{1}")

    assert same(obj_by_kernel(data), obj_in_python(data))


# What a file may hold where nobody expects it.
PIECES = [
    *b"vertex|endfacet|facet|solid|endsolid|outer|loop|endloop|normal|vertex 1 2 3|facet normal 0 0 0".split(b"|"),
    *b"v 1 2 3|v|f 1 2 3|f|f 1 2|f -1 -2 -3|f 1 2 3 4|fo 1 2 3|fo|v 1 2 3 nan|v 1 2 3 # nan|vx 1|vp 1 2".split(b"|"),
    *b"surf 1|curv|cstype|bmat|call x|csh|bevel on|s off|g a|l 1 2|# c \\|o a \\ # c|\\|\\\n|\\ \r\n|#".split(b"|"),
    *b"\n|\r|\r\n|\t| |  |\x0b|\x0c|\0|\x1c|\x80|\xa0|\n\n|\n \n|\n\x0bv 1 2 3\n|\n\x0cf 1 2 3\n".split(b"|"),
    *b"1|0|-0|9|99999999999|-99|1/2/3|1//|/|-|+|.|1.5|1e5|1e400|nan|inf|1_0|0x1|1,5|--1|1e|1..2".split(b"|"),
    b"12345678901234567890123.5", b"0." + b"1" * 70, b"x" * 70, b" " * 70, b"\n" * 70, b"1/" + b"2" * 70,
]  # fmt: skip


@st.composite
def damaged(draw, data):
    """A file with some pieces put in, left out, repeated or moved."""
    for _ in range(draw(st.integers(0, 3))):
        at, to = (draw(st.integers(0, len(data))) for _ in range(2))
        length = draw(st.integers(0, 30))
        put = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3), st.just(data[to : to + length])))
        # Between words or inside of them: both happen.
        if draw(st.booleans()):
            at = max(data.rfind(b"\n", 0, at), data.rfind(b" ", 0, at)) + 1
            put += draw(st.sampled_from([b"", b" ", b"\n"]))
        data = data[:at] + put + data[at + draw(st.sampled_from([0, 0, 1, length])) :]
    return data


SMALL = sphere(1.0, 2)
TEXTS = st.tuples(st.sampled_from(["{:e}", "{:g}", "{:.25f}"]), st.sampled_from(["\n", "\r\n", "\r"]))
SIZES = st.sampled_from([1, 100, 400, SEGMENT])


@given(TEXTS.flatmap(lambda t: damaged(facets(SMALL, *t))), SIZES)
@EXAMPLES
def test_whatever_the_kernel_accepts_of_an_stl_file_python_reads_the_same(data, size):
    try:
        found = stl_by_kernel(data, size)
    except Unusual:
        return
    if stl._END.search(data[-4096:]):
        assert np.array_equal(found, stl._any_corners(data), equal_nan=True)


@given(
    TEXTS.flatmap(lambda t: damaged(lines(SMALL, t[0], line=t[1]) + lines(SMALL, face="{1}/1", line=t[1]))),
    SIZES,
)
@EXAMPLES
def test_whatever_the_kernel_accepts_of_an_obj_file_python_reads_the_same(data, size):
    try:
        found = obj_by_kernel(data, size)
    except Unusual:
        return
    if b"\0" in data[:512]:  # the kernel is not asked
        return
    assert same(found, obj_in_python(data))
    assert not obj_in_python(data)[3]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_number_of_threads_changes_nothing(threads):
    data, text = lines(SPHERE, face="{1}"), facets(SPHERE)

    assert same(obj_text.polygons(memoryview(data), 200, threads)[:2], obj_by_kernel(data)[:2])
    vertices, faces = stl_text.triangles(memoryview(text), 200, threads)
    assert (vertices[faces].reshape(-1, 3) == stl_by_kernel(text)).all()


def test_large_files_go_to_the_kernel_and_mean_the_same(monkeypatch):
    data, text = lines(SPHERE), facets(SPHERE)
    slow = obj.read(memoryview(data)), stl.read(memoryview(text))
    monkeypatch.setattr(obj, "_COMPILED_FROM", 100)
    monkeypatch.setattr(stl, "_COMPILED_FROM", 100)
    monkeypatch.setattr(obj, "_any", None)
    monkeypatch.setattr(stl, "_any_corners", None)
    fast = obj.read(memoryview(data)), stl.read(memoryview(text))

    for a, b in zip(slow, fast, strict=True):
        assert np.array_equal(a.vertices[a.faces], b.vertices[b.faces])


@pytest.mark.parametrize(
    ("module", "data", "message"),
    [
        (obj, lines(SPHERE) + b"f 1 2 0\n", "vertex index 0 is out of range"),
        (obj, lines(SPHERE) + b"f 1 2 3000\n", "vertex index 3000 is out of range"),
        (obj, lines(SPHERE) + b"f 1 2 -3000\n", "vertex index -3000 is out of range"),
        (obj, lines(SPHERE) + b"f 1 2\n", "a face has 2 corners"),
        (obj, lines(SPHERE) + b"v 1 2\n", "'1 2' is not three numbers"),
        (obj, lines(SPHERE) + b"surf 1\n", "'surf' is not supported"),
        (obj, lines(SPHERE) + b"v 1 1e999 2\nf 1 2 -1\n", "is not finite: .*inf"),
        (obj, b"\0" + lines(SPHERE), "NUL"),
        (obj, lines(SPHERE, faces=[]), "no faces"),
        (stl, facets(SPHERE).replace(b"vertex 0", b"vertex o", 1), "is not three numbers"),
        (stl, facets(SPHERE).replace(b"vertex 0", b"vertex 1e999 0", 1), "inf"),
        (stl, facets(SPHERE).replace(b"endsolid", b"end"), "no 'endsolid'"),
        (stl, facets(SPHERE)[:4000] + b" endsolid", "cut short"),
    ],
)
def test_errors_are_the_same_for_large_files(monkeypatch, module, data, message):
    with pytest.raises(FormatError, match=message) as slow:
        module.read(memoryview(data))
    monkeypatch.setattr(module, "_COMPILED_FROM", 100)
    with pytest.raises(FormatError, match=message) as fast:
        module.read(memoryview(data))

    assert str(fast.value) == str(slow.value)


@given(st.text("a\n", max_size=2000).map(str.encode), st.integers(1, 500))
def test_segments_cover_the_text_and_leave_room_to_look_ahead(data, size):
    parts = segments(memoryview(data), 0, obj_text._CUT, size)

    assert b"".join(bytes(array[first:last]) for array, first, last in parts) == data
    assert all(len(array) - last >= PADDING for array, _, last in parts)
    assert all(array[last - 1] == ord("\n") for array, _, last in parts[:-1])


def test_more_unusual_numbers_than_there_is_room_for_are_left_to_the_reader(monkeypatch):
    data, text = lines(SPHERE, "{:.70f}"), facets(SPHERE, "{:.70f}")
    for module in (obj_text, stl_text):
        monkeypatch.setattr(module, "_UNSURE", 2)
    with pytest.raises(Unusual):
        obj_by_kernel(data)
    with pytest.raises(Unusual):
        stl_by_kernel(text)


def test_more_facets_than_can_be_numbered_are_left_to_the_reader(monkeypatch):
    monkeypatch.setattr(stl_text, "_MOST", 2)
    with pytest.raises(Unusual):
        stl_by_kernel(facets(SPHERE))


def test_an_error_in_one_part_does_not_keep_the_others_waiting():
    def read(part):
        if part == 3:
            raise Unusual
        return (np.full((1, 2), part),)

    with pytest.raises(Unusual):
        gathered(read, lambda arrays, starts: None, [(i,) for i in range(9)], threads=2)


def test_a_file_that_changes_while_it_is_read_is_left_to_the_reader():
    """Nothing is written beyond the arrays that its first reading asked for."""
    data = np.frombuffer(lines(SMALL) + b"\n" * PADDING, np.uint8)
    state, unsure = np.array([0, 9, 0, 0, 0, 0]), np.zeros((9, 3), np.int64)
    faces, none = np.full(9, -1, np.int32), np.zeros(0, np.int32)
    arguments = unsure, powers()

    assert (
        obj_text.read_lines(data, 0, len(data) - PADDING, 0, state, np.zeros((2, 3)), faces, none, *arguments)
        == -1
    )
    assert (
        obj_text.read_lines(data, 0, len(data) - PADDING, 0, state, np.zeros((9, 3)), faces, none, *arguments)
        == 0
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
@pytest.mark.parametrize("beyond", range(3))
def test_nothing_is_read_beyond_the_end_of_the_file(beyond):
    """The page after the file's last byte may not be touched: the process would end."""
    page = mmap.PAGESIZE
    data, text = lines(SPHERE), facets(SPHERE)
    for content, read in ((data, obj_by_kernel), (text, stl_by_kernel)):
        content += b"\n" * (beyond - len(content) % page % 3)
        area = mmap.mmap(-1, (len(content) // page + 2) * page)
        end = len(area) - page
        area[end - len(content) : end] = content
        address = ctypes.addressof(ctypes.c_char.from_buffer(area)) + end
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        assert protect(ctypes.c_void_p(address), ctypes.c_size_t(page), 0) == 0
        for size in (100, 1000, SEGMENT):
            read(memoryview(area)[end - len(content) : end], size)
