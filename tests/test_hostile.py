"""Files that are made to crash, fill or deceive what reads them, each with its documented answer.

All are small, or a few megabytes of nothing. What would hurt Open CASCADE never reaches it: docs/isolation.md.
"""

import importlib.util
import os
import re
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from makers import model
from makers import threemf as make
from step_makers import Solids, bomb, mapped_bomb

import massproof as mp
from massproof import isolation, part21, recursion
from massproof.errors import FormatError
from massproof.kernels import jit

SECONDS = 10.0  # most answers take milliseconds
LONG = 100_000 if jit.DISABLED else 8 << 20  # Python reads a letter as slowly as a kernel reads a line
TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
LINE, PLANE = r"#(\d+) *= *LINE *\(.*?\);", r"#(\d+) *= *PLANE *\(.*?\);"
TRIMMED = "TRIMMED_CURVE('',#{},(0.),(1.),.T.,.PARAMETER.)"


def box():
    f = Solids()
    return f.shown(f.box()).file()


def changed(pattern, text, data=None):
    """A box, or other data, with the first match written otherwise, where @ stands for its group."""
    data = data or box()
    match = re.search(pattern.encode(), data)
    return (
        data[: match.start()]
        + text.encode().replace(b"@", (match.groups() or (b"",))[0])
        + data[match.end() :]
    )


def added(line):
    return changed("DATA;", f"DATA;\n{line}\n")


def chain(length, last):
    """A line as a trimmed curve of a trimmed curve, and so on, of the curve `last`."""
    numbers = range(90_000, 90_000 + length)
    links = "\n".join(f"#{n}={TRIMMED.format(n + 1)};" for n in numbers[:-1])
    return changed(LINE, f"#@={TRIMMED.format(numbers[0])};\n{links}\n#{numbers[-1]}={TRIMMED.format(last)};")


def stl(count, *corners):
    facets = b"".join(struct.pack("<12fH", 0, 0, 1, *np.ravel(one), 0) for one in corners)
    return bytes(80) + struct.pack("<I", count) + facets


def facet(corner):
    text = f"solid x\nfacet normal 0 0 1\nouter loop\nvertex {corner}\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    return f"{text}endsolid\n".encode()


def entities_bomb():
    """The same word a billion times, by entities that name each other."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    dtd = f'<!DOCTYPE model [<!ENTITY e0 "{"x" * 100}">{levels}]>'
    return make(dtd + model()[21:].replace("<resources>", '<metadata name="t">&e9;</metadata><resources>'))


OUTSIDE = '<!DOCTYPE model [<!ENTITY e SYSTEM "file:///etc/passwd">]>'

# What to read, its format, and what is said of it.
REFUSED = {
    "edge of itself": (
        lambda: changed(r"#(\d+) *= *ORIENTED_EDGE *\(.*?\);", r"#@=ORIENTED_EDGE('',*,*,#@,.T.);"),
        *("step", r"reference from one ORIENTED_EDGE, #\d+, to another, #\d+, expected an EDGE_CURVE"),
    ),
    "ring of edges": (
        lambda: changed(
            r"#(\d+) *= *ORIENTED_EDGE *\(.*?\);",
            r"#@=ORIENTED_EDGE('',*,*,#90000,.T.); #90000=ORIENTED_EDGE('',*,*,#@,.T.);",
        ),
        *("step", r"reference from one ORIENTED_EDGE, #\d+, to another, #90000"),
    ),
    "200 000 parentheses": (
        lambda: added(f"#90000=CARTESIAN_POINT('',({'(' * 200_000}0.{')' * 200_000}));"),
        *("step", "nested 200002 deep .* the limit is 32"),
    ),
    "assembly of 10¹² leaves": (
        lambda: bomb(12),
        *("step", "too many occurrences: 1000000000000 placed parts, the limit is 100000"),
    ),
    "10¹² mapped items": (
        lambda: mapped_bomb(12),
        *("step", "too many occurrences: 1000000000000 placed parts, the limit is 100000"),
    ),
    "assembly that contains itself": (
        lambda: changed(
            r"NEXT_ASSEMBLY_USAGE_OCCURRENCE\('','','',(#\d+),#\d+,\$\)",
            "NEXT_ASSEMBLY_USAGE_OCCURRENCE('','','',@,@,$)",
            bomb(1, fan=1),
        ),
        *("step", "contains itself, a cycle"),
    ),
    "cut short in a string": (
        lambda: box().rpartition(b"ENDSEC")[0] + b"#90000=CARTESIAN_POINT('abc",
        *("step", "truncated.*inside a string"),
    ),
    "comment that never ends": (lambda: box()[:-30] + b"/*", "step", "comment that never ends"),
    "string of megabytes": (
        lambda: added(f"#90000=CARTESIAN_POINT('{'A' * LONG}',(0.,0.,0.));"),
        *("step", f"string of {LONG} bytes at byte .* the limit is 65536"),
    ),
    "number of an instance beyond 2⁶⁴": (
        lambda: added("#99999999999999999999=CARTESIAN_POINT('',(0.,0.,0.));"),
        *("step", "syntax error .* in #99999999999999999999"),
    ),
    "coordinate beyond float64": (
        lambda: changed(r"(CARTESIAN_POINT *\('',\()[^,]*", r"@1.E400"),
        *("step", "number out of range, 1.E400"),
    ),
    "binary STL with NaN": (
        lambda: stl(1, [[0, 0, 0], [1, 0, 0], [0, np.nan, 0]]),
        *("stl", "not finite.*nan"),
    ),
    "binary STL with infinity": (
        lambda: stl(1, [[0, 0, 0], [np.inf, 0, 0], [0, 1, 0]]),
        *("stl", "not finite.*inf"),
    ),
    "text STL with NaN": (lambda: facet("nan 0 0"), "stl", "not finite.*nan"),
    "text STL beyond float64": (lambda: facet("1e400 0 0"), "stl", "not finite"),
    "text STL with a number of a million digits": (lambda: facet("1" * 10**6 + " 0 0"), "stl", "not finite"),
    "text STL with a name of a million letters": (
        lambda: b"solid " + b"A" * 10**6 + b"\nendsolid\n",
        *("stl", "no triangles: 0 facets"),
    ),
    "STL cut short": (
        lambda: stl(1000, np.eye(3))[:-1],
        *("stl", "counts 1000 triangles, which take 50084 bytes, but the file has 133"),
    ),
    "STL that counts 4·10⁹": (
        lambda: stl(2**32 - 1, np.eye(3)),
        *("stl", "counts 4294967295 triangles, which take 214748364834 bytes, but the file has 134"),
    ),
    "empty STL": (lambda: b"", "stl", "empty"),
    "OBJ of index 0": (lambda: f"{TRIANGLE}f 0 1 2\n".encode(), "obj", "vertex index 0 is out of range"),
    "OBJ of index 10⁹": (
        lambda: f"{TRIANGLE}f 1 2 1000000000\n".encode(),
        *("obj", "index 1000000000 is out of range: the file has 3 vertices"),
    ),
    "OBJ of index −10⁷": (
        lambda: f"{TRIANGLE}f -1 -2 -9999999\n".encode(),
        "obj",
        "index -9999999 is out of range",
    ),
    "OBJ of nothing but a face": (lambda: b"f 1 1 1\n", "obj", "index 1 is out of range: the file has 0"),
    "OBJ of one line in 300 000": (lambda: b"v 0 0 0 " + b"\\\n" * 300_000, "obj", "no faces"),
    "3MF of 10⁹ entities": (entities_bomb, "3mf", "DTD"),
    "3MF that reads a file": (
        lambda: make(
            OUTSIDE + model()[21:].replace("<resources>", '<metadata name="t">&e;</metadata><resources>')
        ),
        *("3mf", "DTD"),
    ),
    "3MF of 16 MB of nothing": (
        lambda: make(model().replace("<resources>", " " * (1 << 24) + "<resources>")),
        *("3mf", "too large: .* the limit is"),
    ),
    "zip that leaves its folder": (lambda: make(part="x"), "zip", "no known format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_files_are_refused_with_numbers_and_at_once(name, monkeypatch):
    """With either engine the same: Open CASCADE is not asked."""
    monkeypatch.setattr(isolation, "call_for_bytes", None)
    made, form, says = REFUSED[name]
    data = made()
    for given in ({"engine": "native"}, {"engine": "occt"}) if form == "step" else ({"unit": "mm"},):
        start = time.perf_counter()
        with pytest.raises(mp.MassproofError, match=says) as caught:
            mp.measure(data, format=form, **given)
        assert time.perf_counter() - start < SECONDS
        assert len(str(caught.value)) < 500
        assert "\n" not in str(caught.value)


# The others, and the tests that have them.
ELSEWHERE = {
    "3MF of 10¹⁰ components": "test_threemf.py: make(model(BOMB",
    "3MF of components that hold each other": "test_threemf.py: composed(1, component(1))",
    "instance that is defined twice": "test_part21.py: duplicate",
    "reference to nothing": "test_part21.py: undefined",
    "unit that is defined by itself": "test_products.py: defined by itself",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_others_are_tested_elsewhere(name):
    file, _, words = ELSEWHERE[name].partition(": ")

    assert words in (Path(__file__).parent / file).read_text(encoding="utf-8")


# Shapes that are made of themselves: Open CASCADE crashes, or goes on for ever.
RINGS = {
    "trimmed curve": lambda: changed(LINE, rf"#@={TRIMMED.format('@')};"),
    "two trimmed curves": lambda: changed(
        LINE, rf"#@={TRIMMED.format(90_000)}; #90000={TRIMMED.format('@')};"
    ),
    "composite curve": lambda: changed(
        LINE,
        r"#@=COMPOSITE_CURVE('',(#90000),.F.); #90000=COMPOSITE_CURVE_SEGMENT(.CONTINUOUS.,.T.,#@);",
    ),
    "curve on surfaces": lambda: changed(LINE, r"#@=SURFACE_CURVE('',#@,(),.CURVE_3D.);"),
    "offset surface": lambda: changed(PLANE, r"#@=OFFSET_SURFACE('',#@,1.,.F.);"),
    "trimmed surface": lambda: changed(PLANE, r"#@=RECTANGULAR_TRIMMED_SURFACE('',#@,0.,1.,0.,1.,.T.,.T.);"),
    "shell": lambda: changed(r"#(\d+) *= *CLOSED_SHELL *\(.*?\);", r"#@=ORIENTED_CLOSED_SHELL('',*,#@,.T.);"),
    "a hundred trimmed curves": lambda: chain(100, 90_000),
}


@pytest.mark.parametrize("name", RINGS)
@pytest.mark.parametrize("engine", ["native", "occt"])
def test_shapes_made_of_themselves_do_not_reach_open_cascade(name, engine, monkeypatch):
    monkeypatch.setattr(isolation, "call_for_bytes", None)
    with pytest.raises(
        FormatError, match=r"a cycle, a shape that is made of itself: #\d+ \w+ > #\d+"
    ) as caught:
        mp.measure(RINGS[name](), format="step", engine=engine)
    assert ("…, 100 in all" in str(caught.value)) == (name == "a hundred trimmed curves")


@pytest.mark.parametrize("target", ["step", "stl"])
def test_nor_when_they_are_converted(target, monkeypatch, tmp_path):
    monkeypatch.setattr(isolation, "call_for_bytes", None)
    with pytest.raises(FormatError, match="a cycle, a shape that is made of itself"):
        mp.convert(RINGS["offset surface"](), tmp_path / f"there.{target}", format="step")
    assert not list(tmp_path.iterdir())


def test_long_chains_of_shapes_do_not_reach_open_cascade():
    """It goes down them on its stack."""
    line = re.search(LINE.encode(), box())[0].rpartition(b"=")[2].decode()

    def ended(length):
        return part21.read(changed("DATA;", f"DATA;\n#89999={line}\n", chain(length, 89_999)))

    recursion.check(ended(40))
    for length in (recursion.MOST, 5_000):
        with pytest.raises(FormatError, match="TRIMMED_CURVE made of others in more than 64 steps"):
            recursion.check(ended(length))


def test_what_refers_to_itself_and_is_no_shape_is_let_through():
    """As in a real file, whose density is a representation of itself; Open CASCADE survives that."""
    data = added("#90000=REPRESENTATION('density',(#90000),#90000);")

    recursion.check(part21.read(data))
    assert mp.measure(data, format="step").volume


@pytest.mark.skipif(importlib.util.find_spec("OCP") is None, reason="OCP is not installed")
@pytest.mark.parametrize("engine", ["native", "occt"])
def test_absurd_knots_are_an_error_and_no_volume_of_zero(engine):
    knots = "B_SPLINE_CURVE_WITH_KNOTS('',3,({0},{0},{0},{0}),.UNSPECIFIED.,.F.,.F.,(4,4,99999999),(0.,1.),.UNSPECIFIED.)"
    point = re.search(rb"(#\d+) *= *CARTESIAN_POINT", box())[1].decode()
    data = changed(LINE, rf"#@={knots.format(point)};")
    with pytest.raises(FormatError, match="knots that do not fit its control points") as caught:
        mp.measure(data, format="step", engine=engine)
    assert "invalid geometry" in str(caught.value)  # Open CASCADE left the face out, and that was seen


def test_no_file_that_an_obj_names_is_opened(tmp_path):
    """Each would hang whoever reads it: nobody writes into these pipes."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    (tmp_path / "folder").mkdir()
    for name in ("secret", "folder/secret", "folder/picture"):
        os.mkfifo(tmp_path / name)
    path = tmp_path / "folder/part.obj"
    outside = "../" * 12 + "etc/passwd"
    path.write_text(
        f"mtllib secret\nmtllib ../secret\nmtllib {outside}\nmap_Kd picture\n{TRIANGLE}usemtl root\nf 1 2 3\n"
    )
    found = mp.measure(path, unit="mm")

    assert found.volume is None
    assert found.area.value == pytest.approx(0.5e-6)


def test_a_face_with_30_000_corners_is_measured_as_what_it_is():
    corners = " ".join(str(1 + i % 3) for i in range(30_000))
    found = mp.measure(f"{TRIANGLE}f {corners}\n".encode(), format="obj", unit="mm")

    assert found.volume is None
    assert found.verdict is mp.Verdict.UNSAFE


def test_a_binary_stl_that_says_solid_is_read_as_what_it_is():
    data = b"solid".ljust(80) + stl(1, np.eye(3))[80:]

    assert mp.measure(data, format="stl", unit="mm").area.value == pytest.approx(np.sqrt(3) / 2 * 1e-6)
