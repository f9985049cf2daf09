"""STEP files as `measure` meets them: read to the last bit without Open CASCADE, or refused with a reason."""

import re
from functools import cache

import numpy as np
import pytest
import step_makers
from step_makers import END, Solids, bomb, mapped_bomb
from test_products import MM

from massproof import solids
from massproof.errors import FormatError
from massproof.formats import step


@pytest.fixture(scope="module")
def box():
    return step_makers.box()


def measured(data, engine=None):
    """What becomes of the bytes of a file, in millimetres if it has a unit."""
    return solids.measure_drawn(step.read(data), "part", engine, None)


def codes(found):
    return [note[0] for note in found.notes]


def volume_error(found):
    return sum(one.volume for one in found.errors.values() if one)


def test_a_box_is_read_in_millimetres(box):
    drawn, found = step.read(memoryview(box)), measured(memoryview(box))

    assert (drawn.unit, drawn.declared.lower(), drawn.notes) == ("mm", "millimetre", ())
    assert abs(found.body.mass - 6) <= volume_error(found) <= 6e-12
    assert found.low == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.high == pytest.approx([1, 2, 3], abs=1e-12)


@pytest.mark.parametrize(
    ("unit", "declared", "size"),
    [("mm", "millimetre", 1.0), ("inch", "INCH", 25.4), ("m", "metre", 1e3), ("cm", "centimetre", 10.0)],
)
def test_the_unit_of_the_file_does_not_change_the_part(unit, declared, size):
    drawn, found = step.read(step_makers.box(unit)), measured(step_makers.box(unit))

    assert (drawn.unit, drawn.declared.lower()) == ("mm", declared.lower())
    assert found.body.mass == pytest.approx(6 * size**3, rel=1e-14)
    assert found.area == pytest.approx(22 * size**2, rel=1e-14)
    assert found.body.second == pytest.approx(0.5 * size**5 * np.diag([1, 4, 9]), rel=1e-13, abs=1e-9)
    assert found.high == pytest.approx(size * np.array([1, 2, 3]), rel=1e-14)


def test_a_file_may_mix_units_and_end_its_lines_as_it_likes():
    """Boxes in millimetres, inches and centimetres, placed in an assembly in metres; the file in two sections."""
    f = Solids()
    units = [f(MM), f.inch(), f(MM.replace("MILLI", "CENTI"))]
    metres, axis = f.context(f(MM.replace(".MILLI.", "$")), f.degree()), f.frame()
    group = f.shape(metres, axis)
    whole = f.product("whole", group)
    for n, unit in enumerate(units):
        shape = f.shape(f.context(unit, f.degree()), f.box(), axis)
        f.place(f.use(whole, f.product(f"{n}", shape)), shape, group, f.between(axis, f.frame((n, 0, 0))))
    text = f.file().replace(b"\n", b"\r\n/* a comment; #1=( */\r\n")
    middle = text.index(b"#400=")
    found = measured(text[:middle] + b"ENDSEC;\r\nDATA;\r\n" + text[middle:])

    assert found.body.mass == pytest.approx(6 * (1 + 25.4**3 + 10**3), rel=1e-14)
    assert found.area == pytest.approx(22 * (1 + 25.4**2 + 10**2), rel=1e-14)
    assert found.high == pytest.approx([2010, 2 * 25.4, 3 * 25.4], rel=1e-12)
    assert found.notes == ()


@pytest.mark.parametrize("unit", ["MM", "INCH", "M", "CM"])
def test_what_open_cascade_writes_in_any_unit_is_the_part(unit):
    pytest.importorskip("OCP")
    from occt_makers import written
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeSphere

    found = measured(written(BRepPrimAPI_MakeSphere(10.0).Shape(), unit))

    # the writer rounds 1/2.54 to 13 digits
    assert found.body.mass == pytest.approx(4000 * np.pi / 3, rel=1e-11)


def test_parts_in_several_units_stand_together():
    """A box in millimetres and one in inches: the numbers are those of their own contexts."""
    f = Solids()
    radian = f(step_makers.RADIAN)
    for name, unit, x in (("small", f(step_makers.MM), 0.0), ("large", f.inch(), 1.0)):
        f.product(name, f.shape(f.context(unit, radian), f.box(x=x)))
    found = measured(f.file())

    assert found.body.mass == pytest.approx(6 + 6 * 25.4**3, rel=1e-12)
    assert found.low == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.high == pytest.approx([50.8, 50.8, 76.2], rel=1e-12)


def test_a_file_without_units_says_so(box):
    data = box.replace(b"GLOBAL_UNIT_ASSIGNED_CONTEXT", b"GLOBAL_UNIT_ASSIGNED_CONTEXX")
    drawn, found = step.read(data), measured(data)

    assert (drawn.unit, drawn.declared, drawn.notes) == (None, "", ())
    assert found.body.mass == pytest.approx(6)


def test_a_part_in_a_second_context_without_units_says_so():
    f = Solids()
    for name, context, x in (("one", f.millimetres(), 0.0), ("other", f.context(), 9.0)):
        f.product(name, f.shape(context, f.box(x=x)))
    drawn = step.read(f.file())

    assert drawn.declared
    assert codes(drawn) == ["unit-assumed"]
    assert drawn.notes[0][2] == {"parts": 2, "without": 1}


def test_a_context_that_no_part_uses_says_nothing(box):
    context = b"#900=(GEOMETRIC_REPRESENTATION_CONTEXT(3)REPRESENTATION_CONTEXT('',''));\nENDSEC;\nEND-"

    assert step.read(box.replace(b"ENDSEC;\nEND-", context)).notes == ()


@pytest.mark.parametrize("make", [bomb, mapped_bomb])
def test_an_assembly_counts_every_occurrence(make):
    drawn = step.read(make(3, fan=3))
    found = solids.measure_drawn(drawn, "part", None, None)

    assert [len(one.part.placements) for one in drawn.model.parts] == [27]
    assert abs(found.body.mass - 27) <= volume_error(found)
    assert found.high - found.low == pytest.approx([53, 1, 1], rel=1e-14)


@pytest.mark.parametrize("make", [bomb, mapped_bomb])
def test_a_file_of_ten_billion_parts_is_refused_at_once(make):
    data = make(10)
    assert len(data) < 100_000
    with pytest.raises(FormatError, match=r"10000000000 placed .* limit is 100000"):
        step.read(data)


def test_an_assembly_that_contains_itself_is_refused():
    data = bomb(2)
    ids = re.findall(rb"#(\d+)=PRODUCT_DEFINITION\('','',#", data)
    top, low = ids[-1], ids[-2]
    ring = b"#99999=NEXT_ASSEMBLY_USAGE_OCCURRENCE('','','',#%s,#%s,$);\nENDSEC;\nEND-" % (low, top)
    with pytest.raises(FormatError, match="contains itself, a cycle"):
        step.read(data.replace(b"ENDSEC;\nEND-", ring))


def as_surface(box):
    data = re.sub(rb"CLOSED_SHELL\('',\(#\d+,", b"CLOSED_SHELL('',(", box)
    data = data.replace(b"MANIFOLD_SOLID_BREP", b"SHELL_BASED_SURFACE_MODEL")
    data = re.sub(rb"(SHELL_BASED_SURFACE_MODEL\('',)(#\d+)", rb"\1(\2)", data)
    data = data.replace(b"CLOSED_SHELL", b"OPEN_SHELL")
    return data.replace(b"ADVANCED_BREP_SHAPE", b"MANIFOLD_SURFACE_SHAPE")


def test_an_open_shell_has_an_area_only(box):
    found = measured(as_surface(box))

    assert codes(found) == ["open-shells"]
    assert found.body is None
    assert found.absent == "part holds no solid, only surfaces: area is valid, volume and mass are not"
    assert found.area == pytest.approx(22 - 6, rel=1e-14)
    assert (found.high - found.low) == pytest.approx([1, 2, 3], rel=1e-14)


def test_a_solid_whose_shell_is_open_has_no_volume_and_says_so(box):
    """Open CASCADE turns it into a shell, and says that all is well."""
    found = measured(re.sub(rb"CLOSED_SHELL\('',\(#\d+,", b"CLOSED_SHELL('',(", box))

    assert codes(found) == ["open-solids"]
    assert found.body is None
    assert "1 of 1 solids are not closed" in found.absent
    assert found.area == pytest.approx(16, rel=1e-14)


def test_a_solid_of_no_faces_is_none(box):
    found = measured(re.sub(rb"CLOSED_SHELL\('',\([^)]*\)", rb"CLOSED_SHELL('',()", box))

    assert (codes(found), found.body, found.area) == (["open-solids"], None, 0.0)


def between(data, old, new):
    assert old in data
    return data.replace(old, new)


@cache
def cases():
    """(file, words of the message) for every way to be malformed."""
    box = step_makers.box()
    point = re.search(rb"#\d+ = CARTESIAN_POINT\('',\([^)]*\)\);", box)[0]
    number = point.split(b" ")[0]
    edge = re.search(rb"(#\d+) = ORIENTED_EDGE\('',\*,\*,(#\d+)", box)
    ring = box.replace(edge[0], edge[0].replace(edge[2], edge[1]), 1)
    end = b"ENDSEC;\nEND-ISO"
    return {
        "other": (b"solid cube", "begins with b'solid cube'"),
        "cut in half": (box[: len(box) // 2], f"{len(box) // 2} bytes without"),
        "cut in a string": (box[: box.index(b"'") + 1], "inside a string"),
        "comment": (between(box, b"DATA;", b"DATA; /* "), "comment that never ends"),
        "no header": (between(box, b"HEADER;", b""), "HEADER"),
        "no data": (between(box, b"DATA;", b""), "DATA"),
        "deep": (between(box, end, b"#900=X(" + b"(" * 2000 + end), "nested 2001 deep"),
        "overflow": (
            box.replace(point, number + b" = CARTESIAN_POINT('',(0.,0.,1.E400));"),
            "1.E400",
        ),
        "duplicate": (between(box, end, point + b"\n" + end), "is defined twice"),
        "undefined": (box.replace(point, b""), f"undefined references, the first {number.decode()}"),
        "edge of edge": (ring, "from one ORIENTED_EDGE"),
        "no geometry": (re.sub(rb"DATA;.*?ENDSEC;", b"DATA;\nENDSEC;", box, flags=re.S), "not one face"),
        "syntax": (between(box, end, b"#900=);;(('\n'" + end), ""),
        "beyond all measure": (box.replace(b"(1.,2.,3.)", b"(1.,2.,3.E30)"), "beyond all measure"),
    }


@pytest.mark.parametrize("name", cases())
def test_malformed_files_are_refused_with_a_reason(name, capfd):
    data, words = cases()[name]
    with pytest.raises(FormatError) as caught:
        measured(data)
    assert words in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_keywords_may_be_in_lower_case(box):
    """ISO 10303-21 has them in capitals, and there is only one thing that others can mean."""
    lower = re.sub(rb"\b[A-Z_0-9]{3,}\b", lambda m: m[0].lower(), box.replace(b"ISO-10303-21", b"@"))

    assert measured(lower.replace(b"@", b"ISO-10303-21")).body.mass == pytest.approx(6)


@pytest.mark.parametrize("factor", [b"0.", b"-25.4", b"1.E400", b"0.0E+00", b"LENGTH_MEASURE(0.)", b"+-"])
def test_a_conversion_factor_must_be_positive(factor):
    data = step_makers.box("inch")
    assert b"MEASURE_WITH_UNIT(25.4," in data
    with pytest.raises(FormatError, match=r"conversion factor|out of range|expected a number"):
        step.read(data.replace(b"WITH_UNIT(25.4,", b"WITH_UNIT(" + factor + b","))


def test_references_to_external_parts_are_named():
    data = re.sub(rb"(MANIFOLD_SOLID_BREP|ADVANCED_FACE)\(", b"PLANE(", bomb(1))
    with pytest.raises(FormatError, match="2 products and 10 assembly uses, but not one face"):
        step.read(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            rb"(#\d+) = PLANE\('',#\d+\)",
            rb"\1 = VECTOR('',#30,1.)",
        ),  # which Open CASCADE leaves out, and reports success
        (rb"(#\d+) = CLOSED_SHELL\('',\([^)]*\)", rb"\1 = CLOSED_SHELL('',(\1)"),
        (rb"(#\d+) = MANIFOLD_SOLID_BREP\('',#\d+", rb"\1 = MANIFOLD_SOLID_BREP('',\1"),
        (rb"(#\d+) = MANIFOLD_SOLID_BREP\('',#\d+", rb"\1 = MANIFOLD_SOLID_BREP('',$"),
    ],
    ids=["a face without a surface", "shell of itself", "solid of itself", "solid of nothing"],
)
def test_what_cannot_be_read_is_refused_not_dropped(box, old, new):
    pytest.importorskip("OCP")
    with pytest.raises(FormatError, match=r"cannot be made|invalid geometry|no extent"):
        measured(re.sub(old, new, box, count=1))


@pytest.mark.parametrize(
    "prefix", [b"", b"\xef\xbb\xbf", b"\r\n \t", b"/* from\na tool */ ", b"\xef\xbb\xbf /* x */\n"]
)
def test_step_is_recognised_by_its_start(prefix, box):
    assert step.sniff(prefix + box)
    assert not step.sniff(prefix + b"solid")


@pytest.mark.parametrize("change", [
    lambda box: b"\xef\xbb\xbf" + box,
    lambda box: box.replace(b"\n", b"\r\n"),
    lambda box: box.replace(b"\n", b" "),
    lambda box: box.replace(END, b"#900=CARTESIAN_POINT('',(0.,0.,1.E+300));\n" + END),
    lambda box: box.replace(END, b"#900=SOMETHING_NEW('',(1.,$),*,.T.);\n" + END),
    lambda box: box.replace(END, b"/* #900=) */" + END),
], ids=["byte order mark", "CRLF", "one line", "a large number that nothing uses", "an unknown type", "a comment"])  # fmt: skip
def test_what_means_nothing_changes_nothing(box, change):
    found, plain = measured(change(box)), measured(box)

    assert found.body.mass == plain.body.mass
    assert (found.area, found.low.tolist(), found.high.tolist()) == (
        plain.area,
        plain.low.tolist(),
        plain.high.tolist(),
    )


def test_nothing_is_printed(box, capfd):
    measured(box)
    assert capfd.readouterr() == ("", "")
