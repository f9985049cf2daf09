"""STEP that is written is read again, by us and by Open CASCADE, as what it was made of."""

import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from occt_makers import SOLIDS, compound, moved, open_shell, static
from occt_makers import written as exact
from step_makers import Solids
from strategies import box, solids
from test_cli import run
from test_convert import scene_of
from test_writing import GLASS, GREEN, RED, tree, written

import massproof as mp
from massproof import conversion, occt_write, report, shells, stepfile
from massproof.errors import FormatError, UsageError
from massproof.formats import step
from massproof.scene import Definition, Occurrence, Scene

pytestmark = pytest.mark.usefixtures("here")
door = conversion
UNITS = {"m": 1e3, "dm": 100, "cm": 10, "mm": 1, "um": 1e-3, "km": 1e6, "in": 25.4, "ft": 304.8, "yd": 914.4, "mil": 0.0254}  # fmt: skip
STILL = np.eye(4).tolist()


def whole(*meshes, unit="mm", name="part", **more):
    """One part of several meshes, each with its faces reversed where it says so."""
    vertices, faces = np.zeros((0, 3)), np.zeros((0, 3), np.int32)
    for mesh, turned in meshes:
        faces = np.concatenate([faces, mesh.faces[:, :: -1 if turned else 1] + len(vertices)])
        vertices = np.concatenate([vertices, mesh.vertices])
    return Scene(
        unit, (Definition(name, vertices, faces.astype(np.int32), **more),), (Occurrence(name, np.eye(4), 0),)
    )


def text_of(scene, **options):
    return written(step, scene, "part.step", **{"created": "2026-01-01T00:00:00"} | options)["part.step"]


def both(data):
    """What is measured natively, after Open CASCADE has agreed."""
    found, other = (mp.measure(data, format="step", engine=engine) for engine in ("native", "occt"))
    assert other.area.value == pytest.approx(found.area.value, rel=1e-12)
    assert (other.volume is None) == (found.volume is None)
    if found.volume:
        assert other.volume.value == pytest.approx(found.volume.value, rel=1e-12)
        reach = max(abs(x) for x in (*found.bounding_box.min.to("m"), *found.bounding_box.max.to("m")))
        assert other.center_of_mass.to("m") == pytest.approx(found.center_of_mass.to("m"), abs=1e-12 * reach)
    return found


# --- meshes


OUTER, INNER, BESIDE = box((10, 10, 10)), box((2, 3, 4), (3, 3, 3)), box((1, 1, 1), (20, 0, 0))
CORE = box((1, 1, 1), (4, 4, 4))
SPIKE = type(OUTER)(10.0 * np.eye(4)[:, :3], np.array([[0, 1, 2], [3, 1, 0], [3, 2, 1], [3, 0, 2]], np.int32))
BODIES = {
    "one": ([(OUTER, False)], 1000, 600),
    "inside out": ([(OUTER, True)], 1000, 600),
    "several": ([(OUTER, False), (BESIDE, False)], 1001, 606),
    "one of them inside out": ([(OUTER, False), (BESIDE, True)], 1001, 606),
    "inside out, in the box of another": ([(SPIKE, False), (box((1, 1, 1), (8, 8, 8)), True)], 500 / 3 + 1, 156 + 50 * 3**0.5),
    "a hollow": ([(OUTER, False), (INNER, True)], 976, 652),
    "a hollow, inside out": ([(OUTER, True), (INNER, False)], 976, 652),
    "a core in a hollow": ([(OUTER, False), (INNER, True), (CORE, False)], 977, 658),
    "a hollow core": ([(OUTER, False), (INNER, True), (CORE, False), (box((0.5, 0.5, 0.5), (4.2, 4.2, 4.2)), True)], 976.875, 659.5),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_what_closes_becomes_solids_with_their_hollows(name):
    meshes, volume, area = BODIES[name]
    data = text_of(whole(*meshes))
    found = both(data)

    assert {one.code for one in found.findings} <= {
        "no-density",
        "overlap",
    }  # of boxes: a core lies in that of another
    assert found.volume.to("mm^3").value == pytest.approx(volume, rel=1e-12)
    assert found.area.to("mm^2").value == pytest.approx(area, rel=1e-12)
    assert data.count(b"BREP_WITH_VOIDS(") == name.count("hollow") + name.count("hollow core")
    assert (b"FACETED_BREP_SHAPE_REPRESENTATION" in data) == ("hollow" not in name)


def test_what_does_not_close_becomes_a_surface():
    lid = Definition("lid", box().vertices, box().faces[2:])
    found = both(data := text_of(Scene("mm", (lid,), (Occurrence("lid", np.eye(4), 0),))))

    assert found.verdict is mp.Verdict.UNSAFE
    assert found.area.to("mm^2").value == pytest.approx(
        mp.measure((lid.vertices, lid.faces), unit="mm").area.to("mm^2").value
    )
    assert b"MANIFOLD_SURFACE_SHAPE_REPRESENTATION" in data


def test_solids_beside_surfaces_keep_their_volume():
    sheet = Definition("sheet", box().vertices + 50, box().faces[2:])
    scene = whole((OUTER, False))
    found = both(
        text_of(Scene("mm", (*scene.definitions, sheet), (*scene.roots, Occurrence("sheet", np.eye(4), 1))))
    )

    assert found.volume.to("mm^3").value == pytest.approx(1000)
    assert "free-shells" in [one.code for one in found.findings]


def test_a_sheet_of_two_sides_encloses_nothing():
    corners = np.array([[9.0, 0, 0], [10, 0, 0], [9, 1, 0]])
    found = both(
        text_of(
            whole((box(), False), (type(box())(corners, np.array([[0, 1, 2], [0, 2, 1]], np.int32)), False))
        )
    )

    assert found.volume.to("mm^3").value == pytest.approx(6)
    assert shells.parts(corners, np.zeros((0, 3), np.int32)) == ()


def test_placements_are_applied_and_mirrored_ones_turned():
    found = both(text_of(tree()))

    assert found.volume.to("mm^3").value == pytest.approx(2 * 6000 + 25, rel=1e-12)
    assert found.bounding_box.max.to("mm") == pytest.approx((155, 25, 30))


@settings(max_examples=15)
@given(solids(), st.sampled_from(sorted(UNITS)))
def test_a_mesh_measures_the_same_in_step(case, unit):
    mesh = case
    before, after = (
        mp.measure((mesh.vertices, mesh.faces), unit=unit),
        mp.measure(text_of(whole((mesh, False), unit=unit)), format="step"),
    )

    assert after.area.value == pytest.approx(before.area.value, rel=1e-9)
    assert after.volume.value == pytest.approx(before.volume.value, rel=1e-9)
    reach = max(abs(x) for x in (*before.bounding_box.min.to("m"), *before.bounding_box.max.to("m")))
    assert after.center_of_mass.to("m") == pytest.approx(before.center_of_mass.to("m"), abs=1e-9 * reach)


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_those_that_the_file_says(unit):
    found = both(text_of(whole((box(), False), unit=unit)))

    assert found.source.unit == unit
    assert found.volume.to("mm^3").value == pytest.approx(6 * UNITS[unit] ** 3, rel=1e-12)


@pytest.mark.parametrize(
    ("protocol", "schema"),
    [("AP203", b"AP203_CONF"), ("214", b"AUTOMOTIVE_DESIGN "), ("ap242", b"AP242_MANAGED")],
)
def test_the_protocol_is_that_asked_for_and_the_file_says_that_it_is_faceted(protocol, schema):
    data = text_of(whole((box(), False)), protocol=protocol)
    both(data)

    assert b"FILE_SCHEMA(('" + schema in data
    assert b"FILE_DESCRIPTION(('faceted: 12 plane triangles" in data
    assert b"PRODUCT('part (faceted)'" in data
    assert scene_of(data).roots[0].name.startswith("part (faceted)")


def test_colours_and_names_are_written():
    block = whole((box(), False), name="O'Größe\\", colour=RED, patches=((0, RED), (4, GREEN), (6, GLASS)))
    plain = whole((BESIDE, False), name="glass", colour=GLASS)
    scene = Scene(
        "mm", (*block.definitions, *plain.definitions), (block.roots[0], Occurrence("glass", np.eye(4), 1))
    )
    data = text_of(scene)
    both(data)
    looks = stepfile.read(data).appearance

    assert [look.colour for look in looks.faces.values()][:12] == [RED[:3]] * 4 + [GREEN[:3]] * 2 + [
        GLASS[:3]
    ] * 6
    assert looks.of(1).opacity == pytest.approx(GLASS[3])
    assert looks.of(1).colour == GLASS[:3]
    assert data.count(b"COLOUR_RGB") == 3
    assert b"FACETED_BREP('O''Gr\\X4\\000000F6000000DF\\X0\\e\\\\'," in data


def test_triangles_without_area_or_corners_of_their_own_do_no_harm():
    """A side of the box is divided once more on its edge, by a triangle without area; one face names a vertex twice."""
    vertices = np.concatenate(
        [box().vertices, [(box().vertices[box().faces[0]][:2]).mean(axis=0), [9, 9, 9]]]
    )
    a, b, c = box().faces[0]
    split = [[a, 8, c], [8, b, c], [a, b, 8], [a, a, b]]
    faces = np.concatenate([box().faces[1:], np.array(split, np.int32)])
    found = both(text_of(Scene("mm", (Definition("s", vertices, faces),), (Occurrence("s", np.eye(4), 0),))))

    assert found.volume.to("mm^3").value == pytest.approx(6, rel=1e-12)
    assert found.bounding_box.max.to("mm") == pytest.approx((1, 2, 3))


def test_numbers_are_written_as_part_21_wants_them():
    assert step._reals(np.array([1e-5, -2.5e300, 0.0, 3.0, 1e22])) == [
        "1.E-05",
        "-2.5E+300",
        "0.0",
        "3.0",
        "1.E+22",
    ]


def test_what_is_too_much_is_refused(monkeypatch):
    scene = whole(*BODIES["a hollow"][0])
    with pytest.raises(UsageError, match=r"protocols AP203, AP214, AP242, not in 'AP9'"):
        text_of(scene, protocol="AP9")
    with pytest.raises(UsageError, match="not finite in this unit"):
        text_of(scene.moved(np.diag([1e308, 1, 1, 1])))
    monkeypatch.setattr(shells, "_LOOKED_AT", 11)
    with pytest.raises(UsageError, match="2 shells, too many to find out which hollow"):
        text_of(scene)
    monkeypatch.setattr(step, "MAX_TRIANGLES", 10)
    with pytest.raises(UsageError, match=r"24 triangles would take .* GB in STEP"):
        text_of(scene)


def test_a_mesh_file_is_converted(data, tmp_path):
    found = mp.convert(data / "bracket.stl", tmp_path / "b.step", unit="mm")

    assert (found.unit, found.triangles, found.findings) == ("m", 4716, ())
    assert found.volume_error <= 1e-12
    assert found.written.verdict is mp.Verdict.SOUND
    turned = mp.convert(
        data / "box.stl",
        tmp_path / "c.stp",
        unit="mm",
        to_unit="inch",
        up="+y",
        forward="+z",
        protocol="AP203",
    )
    assert turned.written.bounding_box.max.to("mm") == pytest.approx((0.5, 1.5, 1.0), rel=1e-12)
    assert (turned.unit, turned.findings) == ("in", ())


def test_mixed_winding_is_not_put_right_in_silence(data, tmp_path):
    found = mp.convert(data / "mixed_winding.stl", tmp_path / "b.step", unit="mm")

    assert [one.code for one in found.findings] == ["not-closed"]


# --- exact shapes


@pytest.mark.parametrize(
    ("unit", "protocol", "schema"),
    [
        (None, "AP203", b"CONFIG_CONTROL_DESIGN"),
        ("mm", "AP214", b"AUTOMOTIVE_DESIGN"),
        ("in", "AP242", b"AP242_MANAGED"),
        ("ft", "AP214", b"AUTOMOTIVE_DESIGN"),
    ],
)
def test_step_is_written_again_as_it_is(unit, protocol, schema, data, tmp_path):
    found = mp.convert(
        data / "assembly.step",
        tmp_path / "a.step",
        to_unit=unit,
        protocol=protocol,
        created="2026-01-01T00:00:00",
    )
    written = (tmp_path / "a.step").read_bytes()
    read, source = scene_of(written), scene_of((data / "assembly.step").read_bytes())

    assert (found.unit, found.parts, found.triangles, found.findings) == (unit or "m", 7, 0, ())
    assert found.volume_error < 1e-13
    assert schema in written
    assert b"FILE_NAME('a','2026-01-01T00:00:00'" in written
    assert [one.path for one in read.placed()] == [one.path for one in source.placed()]


def test_the_whole_is_turned(data, tmp_path, capsys):
    found = mp.convert(data / "bracket.step", tmp_path / "b.step", up="+y", forward="+z")
    report.show_conversion(found)
    assert "exact faces, 1 part, m" in capsys.readouterr().out
    x, y, z = found.source.center_of_mass.to("mm")

    assert found.findings == ()
    assert b"=>[" not in (tmp_path / "b.step").read_bytes()
    assert found.written.center_of_mass.to("mm") == pytest.approx((x, z, -y))


def test_all_digits_are_kept():
    assert [
        occt_write._short(one)
        for one in (
            b"1.0000000000000001E-01",
            b"-5.0000000000000000E+00",
            b"1.0000000000000000E-07",
            b"2.5000000000000000E+20",
        )
    ] == [b"0.1", b"-5.", b"1.E-07", b"2.5E+20"]
    data = occt_write.rewritten(exact(SOLIDS["drilled"][0]), "mm", "AP214", STILL, "d", "")[1]

    assert not re.search(rb"0E[+-]", data)
    assert b"'d'" in data


def test_colours_of_parts_and_faces_stay():
    """Styles as our own writer makes them, of an exact solid and one of its faces."""
    plain = exact(SOLIDS["box"][0])
    solid, face, context = (
        int(re.search(rb"#(\d+) = " + what, plain)[1])
        for what in (b"MANIFOLD_SOLID_BREP", b"ADVANCED_FACE", rb"\( GEOMETRIC_REPRESENTATION_CONTEXT\(3\)")
    )
    writer = step._Writer(io.BytesIO(), "AP214")
    writer.last = 9000
    writer.style(solid, GREEN)
    writer.style(face, RED)
    writer.add(
        f"MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION('',({step._listed(writer.styled)}),#{context})"
    )
    end = plain.index(b"ENDSEC;\nEND-ISO")
    painted = plain[:end] + writer.out.getvalue() + plain[end:]
    for protocol in ("AP203", "AP214", "AP242"):
        looks = stepfile.read(occt_write.rewritten(painted, "m", protocol, STILL, "b", "")[1]).appearance
        faces = [look.colour for look in looks.faces.values()]

        assert faces.count(pytest.approx(RED[:3])) == 1
        assert looks.of(0).colour == pytest.approx(GREEN[:3], abs=1e-6)


def test_layers_and_stated_properties_stay_right(data):
    stated = re.sub(
        rb"(PROPERTY_DEFINITION\('geometric validation property','[a-z ]+',)#5",
        rb"\1#4",
        (data / "torus_stated.step").read_bytes(),
    )
    stated = stated.replace(b"'centre point',(0.,0.,0.)", b"'centre point',(5.,0.,0.)").replace(
        b"DERIVED_UNIT_ELEMENT(#79,2.)", b"DERIVED_UNIT_ELEMENT(#74,2.)"
    )
    end = stated.index(b"ENDSEC;\nEND-ISO")
    layered = stated[:end] + b"#900=PRESENTATION_LAYER_ASSIGNMENT('outside','',(#15));\n" + stated[end:]
    again = layered
    for unit in ("in", "m"):
        again = occt_write.rewritten(again, unit, "AP214", STILL, "t", "")[1]
        values = [(one.kind, one.agreement) for one in mp.verify(again).compared]
        assert sorted(values) == sorted((one.kind, one.agreement) for one in mp.verify(layered).compared)
        assert len(values) == 3
        assert b"PRESENTATION_LAYER_ASSIGNMENT('outside'" in again


def test_settings_of_open_cascade_are_left_as_they_were():
    from OCP.Interface import Interface_Static

    get = static(Interface_Static, "CVal")
    before = [get(key) for key in ("write.step.unit", "write.step.schema")]
    with pytest.raises(FormatError, match="Open CASCADE cannot write"):
        occt_write._written(occt_write._document(), "in", "AP203", "n", "")

    assert [get(key) for key in ("write.step.unit", "write.step.schema")] == before
    with pytest.raises(FormatError, match="does not parse"):
        occt_write.rewritten(b"no STEP", "mm", "AP214", STILL, "n", "")


MIRRORED = moved(SOLIDS["cone"][0], 0.3, (100, 2, 3), mirror=True)[0]
OBJECTS = {
    "one": (SOLIDS["drilled"][0], 1),
    "one that is placed": (moved(SOLIDS["cone"][0], 0.3, (1, 2, 3))[0], 1),
    "several": (compound(SOLIDS["box"][0], moved(SOLIDS["box"][0], 0.4, (200, 0, 0))[0], MIRRORED), 3),
    "scaled": (moved(SOLIDS["torus"][0], 0.4, (2, 0, 0), scale=2.0)[0], 1),
    "open": (open_shell(), 1),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_cad_objects_become_exact_step(name, tmp_path):
    shape, count = OBJECTS[name]
    found = mp.convert(shape, tmp_path / "part.step", up="+x", forward="+z")

    assert (found.parts, found.findings, found.triangles) == (count, (), 0)
    assert b"PRODUCT('part','part'" in (tmp_path / "part.step").read_bytes()


def test_what_exact_step_cannot_be_is_refused(data, tmp_path):
    mirrored, block = Solids(), np.eye(3)
    mirrored.placed(
        mirrored.box(), mirrored.operator(block), mirrored.operator(np.diag([-1.0, 1, 1]), (10, 0, 0))
    )
    for source, options, error, message in (
        (
            data / "box_inch.step",
            {"to_unit": "yd"},
            UsageError,
            "in m, cm, mm, um, km, in, ft, mil, not in yd",
        ),
        (data / "box_inch.step", {"protocol": "AP1"}, UsageError, "not in 'AP1'"),
        (
            data / "box_inch.step",
            {"storage": "ascii"},
            UsageError,
            "STEP has no option 'storage'; it has protocol, created",
        ),
        (data / "box_inch.step", {"deflection": 1.0}, UsageError, "exact faces: leave out deflection"),
        (
            io.BytesIO(mirrored.file()),
            {"format": "step"},
            FormatError,
            r"body \(#\d+\) is placed mirrored or scaled",
        ),
    ):
        with pytest.raises(error, match=message):
            mp.convert(source, tmp_path / "a.step", **options)
    assert list(tmp_path.iterdir()) == []


def test_what_differs_is_said():
    one, other, none = (
        mp.measure((b.vertices, b.faces), unit="mm")
        for b in (box(), box((1, 2, 3.1)), type(box())(box().vertices, box().faces[2:]))
    )
    assert door._findings(one, one, np.eye(4)) == []
    (found,) = door._findings(one, other, np.eye(4))

    assert found.code == "differs"
    assert sorted(found.evidence) == ["area", "centre z", "volume"]
    assert "volume 6" in found.message
    (found,) = door._findings(none, one, np.eye(4))
    assert found.evidence["volume"][0] is None


def test_the_command_writes_step(data, tmp_path):
    done = run("convert", data / "box.stl", tmp_path / "b.step", "--unit", "mm", "--protocol", "AP242")

    assert done.exit_code == 0
    assert b"AP242" in (tmp_path / "b.step").read_bytes()
