import io
import re

import numpy as np
import pytest

pytest.importorskip("OCP")

from OCP.BRep import BRep_Builder
from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeSphere
from OCP.gp import gp_Trsf, gp_Vec
from OCP.Interface import Interface_Static
from OCP.STEPControl import STEPControl_StepModelType, STEPControl_Writer
from OCP.TopLoc import TopLoc_Location
from OCP.TopoDS import TopoDS_Compound

from massproof import occt
from massproof.errors import FormatError
from massproof.formats import step


def written(shape, unit="MM"):
    """`shape`, in millimetres, as a STEP file in `unit`."""
    set_text = getattr(Interface_Static, "SetCVal_s", None) or Interface_Static.SetCVal
    writer = STEPControl_Writer()  # its constructor defines the parameter
    set_text("write.step.unit", unit)
    try:
        writer.Transfer(shape, STEPControl_StepModelType.STEPControl_AsIs)
        stream = io.BytesIO()
        writer.WriteStream(stream)
    finally:
        set_text("write.step.unit", "MM")
    return stream.getvalue()


@pytest.fixture(scope="module")
def box():
    return written(BRepPrimAPI_MakeBox(10.0, 20.0, 30.0).Shape())


def compound(*shapes):
    builder, whole = BRep_Builder(), TopoDS_Compound()
    builder.MakeCompound(whole)
    for shape in shapes:
        builder.Add(whole, shape)
    return whole


def shifted(shape, x):
    trsf = gp_Trsf()
    trsf.SetTranslation(gp_Vec(x, 0.0, 0.0))
    return shape.Moved(TopLoc_Location(trsf))


def nested(leaf, levels, fan=10):
    for level in range(levels):
        leaf = compound(*(shifted(leaf, 2.0 * fan**level * i) for i in range(fan)))
    return leaf


def test_a_box_is_read_in_millimetres(box):
    brep = step.read(memoryview(box))
    found = occt.integrate(brep)

    assert (brep.unit, brep.declared.lower(), brep.notes) == ("mm", "millimetre", ())
    assert abs(found.body.mass - 6000) <= found.volume_error
    assert found.lo == pytest.approx([0, 0, 0], abs=1e-9)
    assert found.hi == pytest.approx([10, 20, 30], abs=1e-9)


@pytest.mark.parametrize(
    ("unit", "declared"),
    [("MM", "millimetre"), ("INCH", "INCH"), ("M", "metre"), ("CM", "centimetre")],
)
def test_the_unit_of_the_file_does_not_change_the_part(unit, declared):
    data = written(BRepPrimAPI_MakeSphere(10.0).Shape(), unit)
    brep = step.read(data)
    found = occt.integrate(brep)

    assert (brep.unit, brep.declared.lower()) == ("mm", declared.lower())
    # the writer rounds 1/2.54 to 13 digits
    assert found.body.mass == pytest.approx(4000 * np.pi / 3, rel=1e-11)


def test_the_setting_of_the_process_does_not_change_the_part(box):
    set_text = getattr(Interface_Static, "SetCVal_s", None) or Interface_Static.SetCVal
    set_text("xstep.cascade.unit", "M")
    try:
        assert occt.integrate(step.read(box)).body.mass == pytest.approx(6000, rel=1e-13)
    finally:
        set_text("xstep.cascade.unit", "MM")


def test_a_file_without_units_says_so(box):
    data = box.replace(b"GLOBAL_UNIT_ASSIGNED_CONTEXT", b"GLOBAL_UNIT_ASSIGNED_CONTEXX")
    brep = step.read(data)
    assert (brep.unit, brep.declared, brep.notes) == (None, "", ())
    assert occt.integrate(brep).body.mass == pytest.approx(6000)


def test_a_second_context_without_units_says_so(box):
    context = b"#900=(GEOMETRIC_REPRESENTATION_CONTEXT(3)REPRESENTATION_CONTEXT('',''));\nENDSEC;\nEND-"
    brep = step.read(box.replace(b"ENDSEC;\nEND-", context))
    assert brep.declared
    assert [note[0] for note in brep.notes] == ["unit-assumed"]
    assert brep.notes[0][2] == {"contexts": 2, "without": 1}


def test_an_assembly_counts_every_occurrence():
    leaf = BRepPrimAPI_MakeBox(1.0, 1.0, 1.0).Shape()
    brep = step.read(written(nested(leaf, 3, fan=3)))
    found = occt.integrate(brep)
    assert found.solids == 27
    assert occt.definitions(brep.solids) == 1
    assert abs(found.body.mass - 27) <= found.volume_error


def test_a_file_of_ten_billion_parts_is_refused():
    data = bomb(10)
    assert len(data) < 100_000
    with pytest.raises(FormatError, match="10000000000 placed"):
        step.read(data)


def bomb(levels):
    """An assembly whose every level holds the one below ten times."""
    leaf = written(BRepPrimAPI_MakeBox(1.0, 1.0, 1.0).Shape()).decode()
    product = int(re.search(r"#(\d+) *= *PRODUCT_DEFINITION\(", leaf)[1])
    shape = int(re.search(r"#(\d+) *= *ADVANCED_BREP_SHAPE_REPRESENTATION\(", leaf)[1])
    text = " ".join(leaf.split())  # the writer breaks long lines
    owner = int(re.search(r"PRODUCT\([^;]*#(\d+)\)\);", text)[1])
    axis = int(re.search(r"#(\d+) *= *AXIS2_PLACEMENT_3D", text)[1])
    context = int(re.search(rf"#{shape} *=[^;]*#(\d+)\);", text)[1])
    frame = int(re.search(r"PRODUCT_DEFINITION\([^;]*#(\d+)\);", text)[1])
    new: list[str] = []
    count = 10_000

    def add(body):
        nonlocal count
        count += 1
        new.append(f"#{count}={body};")
        return count

    for level in range(levels):
        item = add(f"PRODUCT('level{level}','','',(#{owner}))")
        formation = add(f"PRODUCT_DEFINITION_FORMATION('','',#{item})")
        whole = add(f"PRODUCT_DEFINITION('','',#{formation},#{frame})")
        defined = add(f"PRODUCT_DEFINITION_SHAPE('','',#{whole})")
        group = add(f"SHAPE_REPRESENTATION('',(#{axis}),#{context})")
        add(f"SHAPE_DEFINITION_REPRESENTATION(#{defined},#{group})")
        for i in range(10):
            use = add(f"NEXT_ASSEMBLY_USAGE_OCCURRENCE('{i}','','',#{whole},#{product},$)")
            placed = add(f"PRODUCT_DEFINITION_SHAPE('','',#{use})")
            turn = add(f"ITEM_DEFINED_TRANSFORMATION('','',#{axis},#{axis})")
            relation = add(
                f"(REPRESENTATION_RELATIONSHIP('','',#{shape},#{group})"
                f"REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION(#{turn})"
                "SHAPE_REPRESENTATION_RELATIONSHIP())"
            )
            add(f"CONTEXT_DEPENDENT_SHAPE_REPRESENTATION(#{relation},#{placed})")
        product, shape = whole, group
    end = leaf.rindex("ENDSEC;")
    return (leaf[:end] + "\n".join(new) + "\n" + leaf[end:]).encode()


def mapped_bomb(levels):
    """A representation whose every level maps the one below ten times."""
    leaf = written(BRepPrimAPI_MakeBox(1.0, 1.0, 1.0).Shape()).decode()
    text = " ".join(leaf.split())
    shape = int(re.search(r"#(\d+) *= *ADVANCED_BREP_SHAPE_REPRESENTATION\(", text)[1])
    context = re.search(rf"#{shape} *=[^;]*#(\d+)\);", text)[1]
    axis = re.search(r"#(\d+) *= *AXIS2_PLACEMENT_3D", text)[1]
    top, new, count = shape, [], 10_000
    for _ in range(levels):
        source, items = count + 1, range(count + 2, count + 12)
        new.append(f"#{source}=REPRESENTATION_MAP(#{axis},#{top});")
        new += [f"#{item}=MAPPED_ITEM('',#{source},#{axis});" for item in items]
        top = count = count + 12
        listed = ",".join(f"#{item}" for item in items)
        new.append(f"#{top}=SHAPE_REPRESENTATION('',({listed}),#{context});")
    link = re.search(r"(SHAPE_DEFINITION_REPRESENTATION\(#\d+,)#\d+\)", leaf)
    leaf = leaf.replace(link[0], f"{link[1]}#{top})")
    end = leaf.rindex("ENDSEC;")
    return (leaf[:end] + "\n".join(new) + "\n" + leaf[end:]).encode()


def test_mapped_items_count_before_they_are_copied():
    """OCCT copies every mapped item: 10¹⁰ of them would neither end nor fit."""
    assert len(step.read(mapped_bomb(2)).solids) == 100
    with pytest.raises(FormatError, match="10000000000 placed"):
        step.read(mapped_bomb(10))


def test_an_assembly_that_contains_itself_is_refused():
    data = bomb(2)
    ids = re.findall(rb"#(\d+)=PRODUCT_DEFINITION\('','',#", data)
    top, low = ids[-1], ids[-2]
    ring = b"#99999=NEXT_ASSEMBLY_USAGE_OCCURRENCE('','','',#%s,#%s,$);\nENDSEC;\nEND-" % (low, top)
    with pytest.raises(FormatError, match="contains itself, a cycle"):
        step.read(data.replace(b"ENDSEC;\nEND-", ring))


def test_an_open_shell_has_an_area_only(box):
    data = re.sub(rb"CLOSED_SHELL\('',\(#\d+,", b"CLOSED_SHELL('',(", box)
    data = data.replace(b"MANIFOLD_SOLID_BREP", b"SHELL_BASED_SURFACE_MODEL")
    data = re.sub(rb"(SHELL_BASED_SURFACE_MODEL\('',)(#\d+)", rb"\1(\2)", data)
    data = data.replace(b"CLOSED_SHELL", b"OPEN_SHELL")
    data = data.replace(b"ADVANCED_BREP_SHAPE", b"MANIFOLD_SURFACE_SHAPE")
    brep = step.read(data)
    assert [note[0] for note in brep.notes] == ["open-shells"]
    assert occt.integrate(brep).body is None


def test_a_solid_that_was_not_made_is_reported(box):
    """OCCT turns a solid whose shell is open into a shell, and says that all is well."""
    brep = step.read(re.sub(rb"CLOSED_SHELL\('',\(#\d+,", b"CLOSED_SHELL('',(", box))
    assert [note[0] for note in brep.notes] == ["open-shells", "solids-missing"]
    assert brep.notes[1][2] == {"expected": 1, "found": 0}


def between(data, old, new):
    assert old in data
    return data.replace(old, new)


def cases(box):
    """(file, words of the message) for every way to be malformed."""
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
        "lower case": (box.replace(b"HEADER", b"header"), "lower case"),
        "deep": (between(box, end, b"#900=X(" + b"(" * 2000 + end), "nested 2001 deep"),
        "overflow": (
            box.replace(point, number + b" = CARTESIAN_POINT('',(0.,0.,1.E400));"),
            "1.E400",
        ),
        "duplicate": (between(box, end, point + b"\n" + end), "is defined twice"),
        "undefined": (
            box.replace(point, b""),
            f"undefined references, the first {number.decode()}",
        ),
        "edge of edge": (ring, "from one ORIENTED_EDGE"),
        "no geometry": (
            re.sub(rb"DATA;.*?ENDSEC;", b"DATA;\nENDSEC;", box, flags=re.S),
            "not one face",
        ),
        "shell in itself": (
            re.sub(rb"(#\d+) = CLOSED_SHELL\('',\([^)]*\)", rb"\1 = CLOSED_SHELL('',(\1)", box),
            "no solid and no surface",
        ),
        "syntax": (between(box, end, b"#900=);;(('\n'" + end), ""),
    }


@pytest.mark.parametrize("name", cases(written(BRepPrimAPI_MakeBox(1.0, 1.0, 1.0).Shape())))
def test_malformed_files_are_refused_with_a_reason(name, box, capfd):
    data, words = cases(box)[name]
    with pytest.raises(FormatError) as caught:
        step.read(data)
    assert words in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("factor", [b"0.", b"-25.4", b"1.E400", b"0.0E+00", b"LENGTH_MEASURE(0.)", b"+-"])
def test_a_conversion_factor_must_be_positive(factor):
    data = written(BRepPrimAPI_MakeBox(1.0, 1.0, 1.0).Shape(), "INCH")
    assert b"MEASURE_WITH_UNIT(25.4," in data
    with pytest.raises(FormatError, match=r"conversion factor|out of range"):
        step.read(data.replace(b"WITH_UNIT(25.4,", b"WITH_UNIT(" + factor + b","))


def test_references_to_external_parts_are_named(box):
    data = re.sub(rb"(MANIFOLD_SOLID_BREP|ADVANCED_FACE)\(", b"PLANE(", bomb(1))
    with pytest.raises(FormatError, match="2 products and 10 assembly uses, but not one face"):
        step.read(data)


def test_a_face_that_fails_is_refused_not_dropped(box):
    """The surface of one face is no surface: OCCT leaves that face out and reports success."""
    plane = re.search(rb"(#\d+) = PLANE\('',#\d+\)", box)
    with pytest.raises(FormatError, match="invalid geometry, 1 entities in all, the first: Surf"):
        step.read(box.replace(plane[0], plane[1] + b" = VECTOR('',#11,1.)"))


@pytest.mark.parametrize(
    "prefix", [b"", b"\xef\xbb\xbf", b"\r\n \t", b"/* from\na tool */ ", b"\xef\xbb\xbf /* x */\n"]
)
def test_step_is_recognised_by_its_start(prefix, box):
    assert step.sniff(prefix + box)
    assert not step.sniff(prefix + b"solid")


def test_a_large_number_in_range_is_no_overflow(box):
    end = b"ENDSEC;\nEND-ISO"
    data = box.replace(end, b"#900=CARTESIAN_POINT('',(0.,0.,1.E+300));\n" + end)
    assert len(step.read(data).solids) == 1


def test_a_byte_order_mark_changes_nothing(box):
    assert len(step.read(b"\xef\xbb\xbf" + box).solids) == 1


def test_nothing_is_printed(box, capfd):
    step.read(box)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", [b"(()", b")(", b"((1),(2))" * 5, b"x" * (1 << 20) + b"((("])
def test_nesting_counts_open_parentheses(text):
    level = deepest = 0
    for byte in text:
        level += (byte == ord("(")) - (byte == ord(")"))
        deepest = max(deepest, level)
    assert step._nesting(text) == deepest
