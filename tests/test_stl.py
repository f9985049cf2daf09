import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import box, boxes

from massproof.errors import FormatError
from massproof.formats import stl
from massproof.mesh import Records


def binary(corners, header=b"solid made by an exporter that lies"):
    """Bytes of a binary STL with the given (F, 3, 3) corners."""
    out = header.ljust(80, b" ") + struct.pack("<I", len(corners))
    return out + b"".join(struct.pack("<12fH", 0, 0, 0, *np.ravel(t), 0) for t in corners)


def text(corners, line="\n", number="{!r}"):
    """Text of an ASCII STL."""
    lines = ["solid part"]
    for triangle in corners:
        lines += ["facet normal 0 0 0", "outer loop"]
        lines += ["vertex " + " ".join(number.format(float(x)) for x in corner) for corner in triangle]
        lines += ["endloop", "endfacet"]
    return line.join([*lines, "endsolid part", ""]).encode()


def read(data):
    found = stl.read(memoryview(data))
    return found.mesh() if isinstance(found, Records) else found


CORNERS = box().vertices[box().faces]


@given(boxes())
def test_a_binary_file_gives_its_corners_in_order(case):
    """Even under a header that starts with "solid", which fools readers that look only there."""
    corners = case[0].vertices[case[0].faces].astype(np.float32)
    mesh = read(binary(corners))

    assert (mesh.vertices[mesh.faces] == corners).all()
    assert mesh.precision == np.spacing(np.abs(corners).max()) / 2
    assert stl.sniff(memoryview(binary(corners)))


@given(boxes(), st.sampled_from(["\n", "\r\n", "\r", " ", "\n \t"]), st.booleans(), st.booleans())
def test_an_ascii_file_gives_the_doubles_it_names(case, line, upper, marked):
    corners = case[0].vertices[case[0].faces] * (1 + 2**-40)
    data = text(corners, line)
    data = b"\xef\xbb\xbf" * marked + (data.upper() if upper else data)
    mesh = read(data)

    assert (mesh.vertices[mesh.faces] == corners).all()
    assert mesh.precision is None
    assert stl.sniff(memoryview(data))


def test_several_solids_in_one_file_are_all_read():
    assert len(read(text(CORNERS) + text(CORNERS + 5)).faces) == 24


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (binary(CORNERS)[:-10], r"cut short .*counts 12 triangles, which take 684 bytes, .* has 674"),
        (binary(CORNERS) + b"more", r"followed by other .*has 688"),
        (b"\0" * 80 + struct.pack("<I", 4_000_000_000), r"counts 4000000000 triangles"),
        (binary([]), "no triangles"),
        (b"\0" * 83, "83 bytes is too small"),
        (b"x", "1 bytes is too small"),
        (b"solid x\nendsolid x\n", "no triangles"),
        (text(CORNERS)[:700], "cut short or a number is missing"),
        (
            text(CORNERS).replace(b"endloop\nendfacet\n", b"", 1).replace(b"endfacet", b"endfacet endfacet", 1),
            "each facet has 3 vertices",
        ),
        (text(CORNERS).replace(b"endsolid part", b""), "no 'endsolid'"),
        (text(CORNERS).replace(b"vertex 1.0", b"vertex one", 1), "'one .*' of facet 0 is not three numbers"),
        (text(CORNERS).replace(b"vertex 1.0", b"vertex 1,0", 1), "with a point"),
        (text(CORNERS).replace(b"vertex 1.0", b"vertex 1_0", 1), "not three numbers"),
        (text(CORNERS).replace(b"vertex 1.0", b"vertex nan", 1), "not finite"),
        (text(CORNERS).replace(b"vertex 1.0", b"vertex 1e999", 1), "inf"),
        (binary(np.where(CORNERS == 3, np.nan, CORNERS)), r"18 of 36 corners not finite, the first in triangle"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused_with_its_numbers(data, message):
    with pytest.raises(FormatError, match=message):
        read(data)


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_and_nothing_else(data):
    try:
        assert np.isfinite(read(data).vertices).all()
    except FormatError as error:
        assert str(error)
