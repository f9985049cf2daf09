"""From source to result: units, densities, what is absent and why."""

import hashlib
import io
import json
import math
import os
import pickle
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BOX_FACES, box, boxes, solids, sphere

import massproof as mp
from massproof import files, materials, units
from massproof.mesh import Mesh

LENGTHS = [u.symbol for u in units.UNITS if u.dimension == "length"]
SIDES = np.array([1.0, 2.0, 3.0])


def stl(mesh, path=None):
    corners = mesh.vertices[mesh.faces]
    data = b"box".ljust(80) + struct.pack("<I", len(corners))
    data += b"".join(struct.pack("<12fH", 0, 0, 0, *t.ravel(), 0) for t in corners)
    return data if path is None else path.write_bytes(data) and path


def arrays(mesh):
    return mesh.vertices, mesh.faces


OPEN = Mesh(box().vertices, BOX_FACES[:-2])


class Trimesh:
    """As much of trimesh.Trimesh as is asked for."""

    vertices, faces = box().vertices, BOX_FACES.astype(np.int64)


@pytest.mark.parametrize(
    "source",
    [arrays(box()), [box().vertices.tolist(), BOX_FACES.tolist()], Trimesh(), stl(box()), bytearray(stl(box())),
     memoryview(stl(box())), io.BytesIO(stl(box()))],
    ids=["arrays", "lists", "trimesh", "bytes", "bytearray", "memoryview", "file"],
)  # fmt: skip
def test_every_kind_of_source_gives_the_same_box(source):
    r = mp.measure(source, unit="mm", density="1 g/cm^3")

    assert (r.volume.to("mm^3").value, r.area.to("mm^2").value) == (6.0, 22.0)
    assert r.verdict is mp.Verdict.SOUND
    assert r.source.sha256


def test_paths_and_open_files_are_named_after_themselves(tmp_path):
    path = stl(box(), tmp_path / "Part.STL")
    with path.open("rb") as file:
        opened = mp.measure(file, unit="mm")

    assert opened.source.name == str(path)
    assert mp.measure(str(path), unit="mm").source == mp.measure(path, unit="mm").source == opened.source


@given(boxes(), st.sampled_from(LENGTHS))
def test_results_are_in_si_whatever_the_unit_of_the_coordinates(case, unit):
    mesh, _, (a, b, c) = case
    r = mp.measure(arrays(mesh), unit=unit, density="2 kg/m^3")
    k = float(units.unit(unit).factor)

    assert r.area.value == pytest.approx(2 * (a * b + b * c + c * a) * k**2)
    assert r.volume.value == pytest.approx(a * b * c * k**3)
    assert r.mass.value == pytest.approx(2 * a * b * c * k**3)
    assert r.bounding_box.length.to(unit).value == pytest.approx(a)
    assert r.bounding_box.width.to(unit).value == pytest.approx(b)
    assert r.bounding_box.height.to(unit).value == pytest.approx(c)
    assert r.inertia.zz.value == pytest.approx(r.mass.value * (a * a + b * b) * k**2 / 12)
    assert r.center_of_mass.to(unit) == pytest.approx(case[1] + np.array([a, b, c]) / 2)
    assert r.volume.interval[0] < r.volume.value < r.volume.interval[1]


@given(boxes(), st.sampled_from(LENGTHS))
def test_intervals_in_si_enclose_the_exact_values(case, unit):
    """The corners as stored, the unit as defined: both exact; the interval is all that may differ."""
    mesh, _, _ = case
    r = mp.measure(arrays(mesh), unit=unit)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    a, b, c = (Fraction(float(h)) - Fraction(float(w)) for w, h in zip(low, high, strict=True))
    k = units.unit(unit).factor

    for quantity, exact in (
        (r.volume, a * b * c * k**3),
        (r.area, 2 * (a * b + b * c + c * a) * k**2),
    ):
        assert quantity.interval[0] <= exact <= quantity.interval[1]
    for side, exact in ((r.bounding_box.length, a * k), (r.bounding_box.height, c * k)):
        assert side.interval[0] <= exact <= side.interval[1]


def test_without_a_unit_millimetres_are_assumed_and_a_finding_says_so():
    r = mp.measure(arrays(box()))
    (finding,) = [f for f in r.findings if f.code == "unit-assumed"]

    assert r.volume.to("mm^3").value == 6.0
    assert r.verdict is mp.Verdict.BOUNDED
    assert finding.evidence == {"assumed": "mm", "largest_side": 3.0}
    assert "may be" not in finding.message


@pytest.mark.parametrize(("scale", "guess"), [(0.01, "metres or inches"), (10_000.0, "micrometres")])
def test_a_size_that_is_odd_for_millimetres_is_evidence(scale, guess):
    r = mp.measure(arrays(box(SIDES * scale)))

    assert guess in next(f.message for f in r.findings if f.code == "unit-assumed")


def test_strict_assumes_nothing():
    with pytest.raises(mp.UnitError, match="carries no length unit"):
        mp.measure(arrays(box()), strict=True)
    with pytest.raises(mp.NotASolid, match="4 of 17 edges"):
        mp.measure(arrays(OPEN), unit="mm", strict=True)

    assert mp.measure(arrays(box()), unit="mm", strict=True).verdict is mp.Verdict.SOUND


def test_an_open_mesh_has_area_and_box_and_says_why_nothing_else():
    r = mp.measure(arrays(OPEN), unit="mm", material="Steel")

    assert (r.area.to("mm^2").value, r.bounding_box.height.to("mm").value) == (16.0, 3.0)
    assert r.density.value == 7850
    assert r.verdict is mp.Verdict.UNSAFE
    assert set(r.absent) == {"volume", "mass", "center_of_mass", "inertia", "principal"}
    assert all("4 of 17 edges" in why for why in r.absent.values())
    assert all(getattr(r, name) is None for name in r.absent)
    assert r.radii_of_gyration is r.principal_moments is r.principal_axes is None


def test_without_a_density_there_is_no_mass_and_no_inertia_but_the_shape_is_known():
    r = mp.measure(arrays(box()), unit="mm")

    assert r.mass is r.density is r.inertia is r.principal_moments is None
    assert set(r.absent) == {"density", "mass", "inertia"}
    assert "no density" in r.absent["mass"]
    assert [f.code for f in r.findings] == ["no-density"]
    assert r.verdict is mp.Verdict.SOUND
    assert [q.to("mm").value for q in r.radii_of_gyration] == pytest.approx(
        [math.sqrt(x / 12) for x in (5, 10, 13)]
    )


def test_a_material_brings_its_range_into_the_mass():
    r = mp.measure(arrays(box()), unit="cm", material="ABS Plastic")
    row = materials.material("ABS Plastic")

    assert r.density.interval == (row.low, row.high)
    assert r.mass.value == pytest.approx(6e-6 * row.density)
    assert r.mass.interval == pytest.approx((6e-6 * row.low, 6e-6 * row.high), rel=1e-12)
    assert r.mass.budget["density"] == pytest.approx(
        6e-6 * max(row.density - row.low, row.high - row.density)
    )
    assert r.inertia.xx.interval[1] / r.inertia.xx.value == pytest.approx(row.high / row.density)


def test_a_known_mass_fixes_the_density():
    r = mp.measure(arrays(box()), unit="cm", mass="85 g")

    assert (r.mass.value, r.mass.interval) == (0.085, (0.085, 0.085))
    assert r.density.value == pytest.approx(0.085 / 6e-6)
    assert r.density.interval[0] < r.density.value < r.density.interval[1]
    assert r.inertia.zz.value == pytest.approx(0.085 * 5e-4 / 12)


def test_a_known_mass_of_an_open_mesh_gives_no_density():
    r = mp.measure(arrays(OPEN), unit="cm", mass="85 g")

    assert r.mass.value == 0.085
    assert r.density is r.inertia is None
    assert "without a volume" in r.absent["density"]


def test_a_quantity_serves_as_density_and_mass():
    steel = mp.measure(arrays(box()), unit="mm", material="Steel")

    assert mp.measure(arrays(box()), unit="mm", density=steel.density).mass.value == pytest.approx(
        steel.mass.value
    )
    assert mp.measure(arrays(box()), unit="mm", mass=steel.mass).density.value == pytest.approx(7850)


@given(solids())
def test_principal_axes_turn_the_tensor_into_its_moments(mesh):
    r = mp.measure(arrays(mesh), unit="m", density="3 kg/m^3")
    axes, tensor = np.array(r.principal_axes), np.array(r.inertia.matrix())
    moments = [q.value for q in r.principal_moments]

    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert moments == sorted(moments)
    assert axes @ tensor @ axes.T == pytest.approx(np.diag(moments), rel=1e-9, abs=1e-9 * moments[2])
    assert moments[0] + moments[1] >= moments[2]
    assert [q.value**2 * r.mass.value for q in r.radii_of_gyration] == pytest.approx(moments)
    assert all(q.interval[0] <= m <= q.interval[1] for q, m in zip(r.principal_moments, moments, strict=True))


def test_a_float32_sphere_is_within_its_interval_of_its_facets(tmp_path):
    mesh = sphere(10.0, 12)
    r = mp.measure(stl(mesh, tmp_path / "s.stl"), unit="mm")
    exact = mp.measure(arrays(mesh), unit="mm")

    assert set(r.volume.budget) == {"rounding", "file-precision", "tessellation"}
    assert r.volume.budget["tessellation"] is None
    assert r.volume.interval[0] < exact.volume.value < r.volume.interval[1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"material": "Steel", "density": "1 g/cm^3"},
            mp.UsageError,
            "one of material, density and mass",
        ),
        ({"density": "1060"}, mp.UnitError, "with its unit"),
        ({"density": "0 g/cm^3"}, mp.UnitError, "greater than zero"),
        ({"mass": "-1 g"}, mp.UnitError, "greater than zero"),
        ({"unit": "furlong"}, mp.UnitError, "unknown unit of length 'furlong'"),
        ({"unit": "kg"}, mp.UnitError, "not of length"),
        ({"material": "Unobtainium"}, mp.UnknownMaterial, "Unobtainium"),
    ],
)
def test_arguments_that_mean_nothing_are_errors(options, error, message):
    with pytest.raises(error, match=message):
        mp.measure(arrays(box()), **options)


def test_text_streams_are_refused_with_the_remedy(data):
    with (data / "box.obj").open() as file, pytest.raises(TypeError, match="open it in binary mode"):
        mp.measure(file)


def test_the_unit_of_a_trimesh_object_is_its_own():
    class Inches(Trimesh):
        units = "inches"

    r = mp.measure(Inches())

    assert r.volume.to("in^3").value == pytest.approx(6)
    assert "unit-assumed" not in [f.code for f in r.findings]


def test_float32_arrays_state_their_precision():
    single = box().vertices.astype(np.float32)

    assert mp.measure((single, BOX_FACES), unit="mm").volume.budget["file-precision"] > 0
    assert mp.measure((box().vertices, BOX_FACES), unit="mm").volume.budget["file-precision"] is None


def test_quads_are_no_triangles():
    with pytest.raises(mp.FormatError, match=r"faces must be triangles, \(F, 3\), got \(6, 4\)"):
        mp.measure((box().vertices, np.zeros((6, 4), int)))


def test_results_print_in_a_line():
    r = mp.measure(arrays(box()), unit="mm", material="Steel")

    assert repr(r).startswith(
        "<(vertices, faces): SOUND, area 2.2e-05 m^2, volume 6e-09 m^3, density 7850.0 kg/m^3"
    )
    assert repr(r.density) == "<7850 kg/m^3 in [7800, 7870]>"
    assert r.provenance["material"] == "Steel"


@pytest.mark.parametrize("source", [42, None, object(), (1, 2, 3)])
def test_what_is_no_geometry_is_a_type_error_that_lists_what_is(source):
    with pytest.raises(TypeError, match=r"cannot measure a .*: give a path"):
        mp.measure(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ((box().vertices, [[0, 1, 99]]), r"\(vertices, faces\): faces refer to vertices 0\.\.99"),
        (b"", "empty"),
        (b"what is this", "of no known format"),
    ],
)
def test_malformed_input_is_a_format_error(source, message):
    with pytest.raises(mp.FormatError, match=message):
        mp.measure(source, unit="mm")


def test_paths_that_cannot_be_opened_are_input_errors(tmp_path):
    os.mkfifo(tmp_path / "pipe.stl")
    (tmp_path / "loop.stl").symlink_to(tmp_path / "loop.stl")
    for name, message in (
        ("missing.stl", "No such file"), ("", "is a directory"), ("pipe.stl", "FIFO"), ("loop.stl", "symbolic link"),
        ("nul\0.stl", "null"),
    ):  # fmt: skip
        with pytest.raises(mp.InputError, match=message):
            mp.measure(tmp_path / name)


def test_the_suffix_decides_and_an_unknown_one_lists_the_known(tmp_path):
    path = tmp_path / "part.xyz"
    path.write_bytes(stl(box()))

    with pytest.raises(mp.FormatError, match=r"\.xyz is no known format; supported are \.stl, "):
        mp.measure(path)
    assert mp.measure(path, format="stl", unit="mm").volume.to("mm^3").value == 6.0
    empty = tmp_path / "empty.stl"
    empty.write_bytes(b"")
    with pytest.raises(mp.FormatError, match=r"empty\.stl: the file is empty \(0 bytes\)"):
        mp.measure(empty)


def test_a_result_without_bounds_can_still_be_written_and_shown(tmp_path):
    thin = Mesh(box((1, 1, 1e-9)).vertices, BOX_FACES)
    r = mp.measure(stl(thin, tmp_path / "thin.stl"), unit="mm", material="Steel")
    written = json.loads(json.dumps(r.to_dict(), allow_nan=False))
    from massproof.report import digits

    assert r.volume.to("mm^3").value == pytest.approx(1e-9)
    assert written["properties"]["centerOfMass"]["x"]["interval"] == [None, None]
    assert written["properties"]["centerOfMass"]["x"]["budget"]["file-precision"] is None
    assert digits(r.center_of_mass.x) == "0.0005"


def test_provenance_names_what_computed():
    r = mp.measure(arrays(box()), unit="mm")

    assert {"massproof", "python", "numpy"} <= set(r.provenance)
    assert "divergence" in r.method


def test_the_truth_of_the_sample_meshes(data):
    """data/truth.json: closed forms, and exact sums for what float32 made of them."""
    truth = json.loads((data / "truth.json").read_text())
    for path in sorted([*data.glob("*.stl"), *data.glob("*.obj")]):
        r, t = mp.measure(path, unit="mm", density="1 kg/m^3"), truth[path.name]
        rel = t["tolerance"].get("relative", 1e-11) if isinstance(t["tolerance"], dict) else t["tolerance"]
        assert r.area.value == pytest.approx(t["area"], rel=max(rel, 1e-7)), path.name
        if path.name == "mixed_winding.stl":
            assert (r.volume.to("mm^3").value, r.findings[0].code) == (pytest.approx(6.0), "reoriented")
        elif not t["closed"]:
            assert r.volume is None, path.name
        elif path.name == "overlapping.stl":
            assert r.volume.interval[0] <= t["volume"] <= r.volume.interval[1]
        else:
            assert r.volume.value == pytest.approx(t["volume"], rel=1e-7), path.name
            assert r.volume.interval[0] <= t["volume"] <= r.volume.interval[1], path.name


def test_the_truth_of_the_sample_solids(data):
    """data/truth.json has closed forms: the interval holds them, and is no wider than a part in 10⁹."""
    truth = json.loads((data / "truth.json").read_text())
    for path in sorted(data.glob("*.step")):
        r, t = mp.measure(path, density="1 kg/m^3"), truth[path.name]
        # Bolts stand in the holes of the assembly: their boxes overlap, which is all that is looked at.
        sound = path.name != "assembly.step"
        assert r.verdict == ("SOUND" if sound else "BOUNDED"), path.name
        assert [f.code for f in r.findings] == ([] if sound else ["overlap"]), path.name
        assert r.volume.value == pytest.approx(t["volume"], rel=1e-12), path.name
        for quantity, exact in ((r.volume, t["volume"]), (r.area, t["area"])):
            assert quantity.interval[0] <= exact <= quantity.interval[1], path.name
            assert quantity.interval[1] - quantity.interval[0] <= 1e-9 * exact, path.name
        for q, exact in zip(r.center_of_mass, t["center_of_mass"], strict=True):
            assert q.interval[0] <= exact <= q.interval[1], path.name


def test_a_sphere_of_step_is_a_sphere(data):
    r = mp.measure(data / "sphere.step")
    exact = 4 / 3 * math.pi * 0.01**3

    assert abs(r.volume.value / exact - 1) <= 1e-12
    assert r.volume.interval[0] <= exact <= r.volume.interval[1]
    assert r.volume.budget["brep-gap"] is not None
    assert "OCCT" not in r.provenance
    assert r.method == "boundary integrals over the exact faces, to 1e-09"


def test_step_and_its_mesh_agree_within_the_tessellation(data):
    """The STL of the bracket was cut at a deflection of 0.01 mm: its area times that bounds the difference."""
    solid, mesh = (
        mp.measure(data / "bracket.step", material="Steel"),
        mp.measure(data / "bracket.stl", unit="mm"),
    )

    assert abs(solid.volume.value - mesh.volume.value) <= 1e-5 * solid.area.value
    assert solid.volume.interval[1] - solid.volume.interval[0] <= 1e-9 * solid.volume.value
    assert solid.mass.value == pytest.approx(7850 * solid.volume.value)


def test_facets_converge_to_the_solid_that_occt_cuts_them_from():
    """Halving deflection and angle three times: the volume's difference shrinks each time, to an eighth or less."""
    pytest.importorskip("OCP")
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeTorus

    solid = BRepPrimAPI_MakeTorus(20.0, 5.0).Shape()
    exact = mp.measure(solid, unit="mm").volume.value
    gaps = [
        abs(1 - mp.measure(facets(solid, 0.4 / 2**n, 0.8 / 2**n), unit="mm").volume.value / exact)
        for n in range(4)
    ]

    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < gaps[0] / 8


def facets(shape, deflection, angle):
    """Vertices and faces of an OCCT triangulation, seams unjoined but bit-identical."""
    from OCP.BRep import BRep_Tool
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.BRepTools import BRepTools
    from OCP.TopAbs import TopAbs_ShapeEnum
    from OCP.TopExp import TopExp_Explorer
    from OCP.TopLoc import TopLoc_Location
    from OCP.TopoDS import TopoDS

    def static(owner, name):
        return getattr(owner, f"{name}_s", None) or getattr(owner, name)

    static(BRepTools, "Clean")(shape)
    BRepMesh_IncrementalMesh(shape, deflection, False, angle, False)
    vertices, faces = [], []
    found = TopExp_Explorer(shape, TopAbs_ShapeEnum.TopAbs_FACE)
    while found.More():
        face = static(TopoDS, "Face")(found.Current())
        cut = static(BRep_Tool, "Triangulation")(face, TopLoc_Location())
        first = len(vertices) - 1
        vertices += [(p.X(), p.Y(), p.Z()) for p in (cut.Node(i + 1) for i in range(cut.NbNodes()))]
        for i in range(cut.NbTriangles()):
            faces.append([first + n for n in cut.Triangle(i + 1).Get()])
        found.Next()
    return vertices, faces


def test_a_spline_is_measured_with_an_estimate_and_says_so(tmp_path):
    pytest.importorskip("OCP")
    from OCP.BRepBuilderAPI import BRepBuilderAPI_NurbsConvert
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeSphere

    r = mp.measure(BRepBuilderAPI_NurbsConvert(BRepPrimAPI_MakeSphere(10.0).Shape(), True).Shape(), unit="mm")
    exact = 4 / 3 * math.pi * 0.01**3

    assert r.verdict is mp.Verdict.BOUNDED
    assert "integration-estimated" in [f.code for f in r.findings]
    assert r.volume.interval[0] <= exact <= r.volume.interval[1]
    assert (r.source.format, r.source.sha256, r.source.unit) == ("cad-object", "", "mm")
    assert 0 <= r.volume.budget.get("brep-gap", 0.0) <= 1e-9 * r.volume.value
    assert r.provenance["OCCT"]


def test_a_step_file_without_a_unit_takes_the_one_asked_for(data):
    bare = (
        (data / "box_inch.step")
        .read_bytes()
        .replace(b"GLOBAL_UNIT_ASSIGNED_CONTEXT", b"GLOBAL_UNIT_ASSIGNED_CONTEXX")
    )

    assert mp.measure(bare, unit="inch").volume.to("in^3").value == pytest.approx(6)
    assert "unit-assumed" in [f.code for f in mp.measure(bare).findings]
    with pytest.raises(mp.UnitError, match="carries no length unit"):
        mp.measure(bare, strict=True)


def test_solids_that_overlap_or_repeat_are_never_sound():
    pytest.importorskip("OCP")
    from OCP.BRep import BRep_Builder
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox
    from OCP.gp import gp_Pnt
    from OCP.TopoDS import TopoDS_Compound

    def together(*shapes):
        builder, compound = BRep_Builder(), TopoDS_Compound()
        builder.MakeCompound(compound)
        for shape in shapes:
            builder.Add(compound, shape)
        return mp.measure(compound, unit="mm")

    cube, shifted = (BRepPrimAPI_MakeBox(gp_Pnt(x, 0.0, 0.0), 10.0, 10.0, 10.0).Shape() for x in (0.0, 5.0))
    beside = BRepPrimAPI_MakeBox(gp_Pnt(10.0, 0.0, 0.0), 10.0, 10.0, 10.0).Shape()
    overlap, twice, apart = together(cube, shifted), together(cube, cube), together(cube, beside)

    assert overlap.verdict is twice.verdict is mp.Verdict.BOUNDED
    assert next(f for f in overlap.findings if f.code == "overlap").evidence[
        "volume_at_most"
    ] == pytest.approx(500)
    assert [f.evidence["count"] for f in twice.findings if f.code == "duplicate-solids"] == [1]
    assert twice.volume.interval[0] <= 1e-6 <= twice.volume.interval[1]
    assert apart.verdict is mp.Verdict.SOUND


@pytest.mark.parametrize("name", ["cone", "steinmetz", "unequal cylinders"])
def test_solids_that_stretch_the_estimate_are_enclosed_or_not_sound(name):
    """Apexes and trimmed cylinders are where Gauss points and trim curves err most."""
    pytest.importorskip("OCP")
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Common
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeCone, BRepPrimAPI_MakeCylinder
    from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt

    def cylinder(radius, *direction):
        start = gp_Pnt(*(-10.0 * x for x in direction))
        return BRepPrimAPI_MakeCylinder(gp_Ax2(start, gp_Dir(*direction)), radius, 20.0).Shape()

    if name == "cone":
        solid, exact = BRepPrimAPI_MakeCone(5.0, 0.0, 10.0).Shape(), math.pi * 250 / 3
    elif name == "steinmetz":
        solid, exact = BRepAlgoAPI_Common(cylinder(2.0, 1, 0, 0), cylinder(2.0, 0, 1, 0)).Shape(), 128 / 3
    else:
        solid, exact = BRepAlgoAPI_Common(cylinder(2.0, 1, 0, 0), cylinder(1.5, 0, 1, 0)).Shape(), None
    r = mp.measure(solid, unit="mm")

    assert r.verdict == ("BOUNDED" if exact is None else "SOUND")
    assert exact is None or r.volume.interval[0] <= exact * 1e-9 <= r.volume.interval[1]


def test_cadquery_objects_are_measured():
    cadquery = pytest.importorskip("cadquery")
    part = cadquery.Workplane().box(1, 2, 3)
    pair = cadquery.Assembly(part).add(part, loc=cadquery.Location((5, 0, 0)))

    assert [
        mp.measure(s, unit="mm").volume.to("mm^3").value for s in (part, part.val(), pair)
    ] == pytest.approx([6, 6, 12])
    assert "unit-assumed" in [f.code for f in mp.measure(part).findings]


def test_a_declared_unit_wins_and_a_contradiction_is_said(data):
    path = data / "box_inch.step"
    same, other = mp.measure(path, unit="inch"), mp.measure(path, unit="mm")

    assert same.volume.to("in^3").value == other.volume.to("in^3").value == pytest.approx(6)
    assert "unit-declared" not in [f.code for f in same.findings]
    assert next(f.evidence for f in other.findings if f.code == "unit-declared") == {"declared": "in"}
    assert same.source.unit == "in"


def test_a_word_for_a_unit_that_we_do_not_know_is_kept_as_it_is():
    from massproof.brep import Brep
    from massproof.sources import Loaded

    assert Loaded(Brep((), (), "mm", "METRE, INCH"), "a", "step", "").declared == "METRE, INCH"


def test_the_open_box_says_the_same_wherever_it_lies(data):
    here, there = (mp.measure(data / name, unit="mm") for name in ("open_box.stl", "open_box_moved.stl"))

    assert here.area.value == there.area.value
    assert here.volume is there.volume is None
    assert here.verdict is there.verdict is mp.Verdict.UNSAFE
    assert [
        f.evidence["boundary_edges"] for r in (here, there) for f in r.findings if f.code == "open-edges"
    ] == [4, 4]


def test_trimesh_agrees(data):
    """An independent implementation, on the files of which both can say something."""
    trimesh = pytest.importorskip("trimesh")
    for name in ("box.stl", "sphere.stl", "bracket.stl", "torus.obj"):
        r, peer = (
            mp.measure(data / name, unit="m", density="1 kg/m^3"),
            trimesh.load_mesh(data / name),
        )
        assert r.volume.value == pytest.approx(peer.volume, rel=1e-9)
        assert r.area.value == pytest.approx(peer.area, rel=1e-7)
        assert r.center_of_mass.to("m") == pytest.approx(peer.center_mass, rel=1e-9, abs=1e-9)
        assert np.array(r.inertia.matrix()) == pytest.approx(
            peer.moment_inertia, rel=1e-7, abs=1e-7 * r.inertia.xx.value
        )
        assert mp.measure(peer, unit="m").volume.value == r.volume.value


def test_paths_may_be_given_as_they_come(data, monkeypatch):
    monkeypatch.chdir(data)

    assert mp.measure("box.stl", unit="mm").source.name == "box.stl"
    assert Path(mp.measure(Path("box.stl"), unit="mm").source.name) == Path("box.stl")


def test_a_density_that_was_measured_keeps_its_interval(data):
    """A known mass over a volume of a certain width: handed on, the width of the mass follows."""
    one = mp.measure(data / "box.stl", unit="mm", mass="85 g")
    other = mp.measure(data / "box.stl", unit="mm", density=one.density)

    assert other.density.interval == one.density.interval
    assert other.mass.interval[0] < 0.085 < other.mass.interval[1]
    assert "density" in other.mass.budget


def test_a_large_file_is_hashed_when_it_is_asked_for_and_only_if_it_is_the_same(data, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_HASHED_AT_ONCE", 10)
    monkeypatch.setattr(files, "_COPIED", 10)
    path = tmp_path / "box.stl"
    path.write_bytes((data / "box.stl").read_bytes())
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    kept, changed, gone = (mp.measure(path, unit="mm") for _ in range(3))

    assert kept.source.sha256 == kept.source.sha256 == expected
    assert pickle.loads(pickle.dumps(kept)).source.sha256 == expected
    path.write_bytes(path.read_bytes() + b"")
    os.utime(path, ns=(1, 1))
    with pytest.raises(mp.InputError, match="has changed since it was measured"):
        _ = changed.source.sha256
    path.unlink()
    with pytest.raises(mp.InputError, match="has changed"):
        _ = gone.source.sha256
    assert mp.measure((data / "box.stl").read_bytes(), unit="mm").source.sha256 == expected


@pytest.mark.parametrize("at_once", [10, 1 << 20], ids=["large", "small"])
def test_a_file_whose_digest_will_be_asked_for_is_hashed_from_the_start(data, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(files, "_HASHED_AT_ONCE", at_once)
    monkeypatch.setattr(files, "_COPIED", at_once)
    path = tmp_path / "box.stl"
    path.write_bytes((data / "box.stl").read_bytes())
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    found, changed = (mp.measure(files.Hashed(str(path)), unit="mm") for _ in range(2))

    assert found.source.name == str(path)
    assert found.source.sha256 == found.source.sha256 == expected
    os.utime(path, ns=(1, 1))
    if at_once == 10:
        with pytest.raises(mp.InputError, match="has changed since it was measured"):
            _ = changed.source.sha256


def stating(*densities, power=-3.0, made_of="", boxes=None):
    """A part, or an assembly of several, of boxes of 1 × 2 × 3 beside each other, and what is stated of each."""
    from test_stated import KG, M
    from test_verify import Stating

    f = Stating()
    parts, shapes = [], []
    for n, density in enumerate(densities):
        parts.append(f.part(f.box(x=10.0 * n, **(boxes or {}))))
        shapes.append(f.representation)
        unit = f.derived((KG, 1.0), (M, power))
        for one in density if isinstance(density, tuple) else (density,):
            if one is not None:
                f.state(parts[-1], f.measure("density measure", f"X({one!r})", unit))
        if made_of:
            name = f(f"DESCRIPTIVE_REPRESENTATION_ITEM('',{made_of!r})")
            f.state(parts[-1], name, title="material name")
    if len(parts) > 1:
        outer = f.shape(f.millimetres())
        whole = f.product("whole", outer)
        for part, inner in zip(parts, shapes, strict=True):
            f.place(f.use(whole, part), inner, outer, f.between(f.frame(), f.frame()))
    return f


def test_a_density_that_the_file_states_is_used_where_none_is_given_and_told():
    f = stating(7850.0, made_of="Steel 1.4301")
    r = mp.measure(f.file())

    assert [finding.code for finding in r.findings] == ["density-stated"]
    told = {"densities": [7850.0], "odd": [], "materials": ["Steel 1.4301"], "used": True}
    assert r.findings[0].evidence == told
    assert "is used, 7850 kg/m³ (Steel 1.4301)" in r.findings[0].message
    assert r.provenance["density_source"] == "stated in the file"
    assert r.provenance["material"] == "Steel 1.4301"
    assert (r.verdict, r.absent) == (mp.Verdict.SOUND, {})
    assert r.mass.value == pytest.approx(6e-9 * 7850, rel=1e-14)
    given = mp.measure(f.file(), density="1 g/cm^3")
    assert (given.findings, given.density.value) == ((), 1000)
    assert "density_source" not in given.provenance
    assert mp.measure(f.file(), mass="1 kg").mass.value == 1


def test_parts_of_several_densities_weigh_each_its_own():
    """The centre and the inertia are those of the mass, the volume that of the shapes."""
    r = mp.measure(stating(8000.0, 2000.0).file())
    masses, centres = np.array([8000.0, 2000.0]) * 6e-9, np.array([[0.5, 1, 1.5], [10.5, 1, 1.5]]) * 1e-3
    middle = masses @ centres / masses.sum()
    second = masses.sum() / 12 * np.diag([1.0, 4.0, 9.0]) * 1e-6
    second += sum(m * np.outer(c - middle, c - middle) for m, c in zip(masses, centres, strict=True))

    assert (r.volume.value, r.density.value) == (pytest.approx(12e-9), pytest.approx(5000, rel=1e-14))
    assert r.mass.interval[0] <= masses.sum() <= r.mass.interval[1]
    assert r.density.interval[0] <= 5000 <= r.density.interval[1]
    for quantity, expected in zip(r.center_of_mass, middle, strict=True):
        assert quantity.interval[0] <= expected <= quantity.interval[1]
    assert np.array(r.inertia.matrix()) == pytest.approx(
        np.trace(second) * np.eye(3) - second, rel=1e-12, abs=1e-22
    )
    assert r.findings[0].evidence["densities"] == [2000.0, 8000.0]
    assert mp.measure(stating(8000.0, 2000.0).file(), density="1 g/cm^3").center_of_mass.x.value == (
        pytest.approx(5.5e-3)
    )


def test_a_solid_that_stands_twice_in_one_place_may_be_the_dense_one():
    from massproof import densities
    from massproof.mass import Errors

    plain, mass = Errors(1.0, 2.0, 3.0, 4.0, 5.0), Errors(1.0, 30.0, 6.0, 40.0, 5.0)
    assert densities._together(plain, None, 10.0, 2.0) == Errors(1.0, 4.0, 6.0, 8.0, 5.0)
    assert densities._together(plain, mass, 10.0, 2.0) == Errors(1.0, 3.0, 6.0, 4.0, 5.0)


@pytest.mark.parametrize(
    ("given", "words", "told"),
    [
        ({"densities": (7850.0, None)}, "not each of them has a volume and one density", [7850.0]),
        ({"densities": ((7850.0, 2700.0),)}, "which is not used", [2700.0, 7850.0]),
        ({"densities": (7.85,)}, "a solid can have", [7.85]),
        ({"densities": (7850.0,), "boxes": {"sides": 5}}, "has a volume", [7850.0]),
        ({"densities": (7850.0,), "power": 3.0}, "states 7850 as density, in no unit of density", []),
        ({"densities": (None,), "made_of": "Steel"}, "made of (Steel) and no density", []),
    ],
)
def test_a_density_that_cannot_be_used_is_told_and_why(given, words, told):
    given = dict(given)
    r = mp.measure(stating(*given.pop("densities"), **given).file())
    (finding,) = (one for one in r.findings if one.code == "density-stated")

    assert words in finding.message
    assert (finding.evidence["densities"], finding.evidence["used"]) == (told, False)
    assert r.mass is None
    assert "no-density" in [one.code for one in r.findings]


def test_a_file_that_states_no_density_says_nothing_of_it():
    f = stating(None)
    f.volume(f"#{next(n for n, line in enumerate(f, 1) if '=PRODUCT_DEFINITION(' in line)}", 6.0)

    assert [one.code for one in mp.measure(f.file()).findings] == ["no-density"]


def test_a_raw_material_has_the_density_of_what_is_made_from_it():
    from test_stated import KG, M

    f = stating(None)
    part, raw = (
        f"#{next(n for n, line in enumerate(f, 1) if '=PRODUCT_DEFINITION(' in line)}",
        f.product("AMS 5613"),
    )
    f.state(raw, f.measure("density measure", "X(7900.)", f.derived((KG, 1.0), (M, -3.0))))
    f(f"MAKE_FROM_USAGE_OPTION('','','',{part},{raw},1,'',$)")
    f(f"MAKE_FROM_USAGE_OPTION('','','',{part},$,1,'',$)")

    assert mp.measure(f.file()).density.value == 7900


def test_a_statement_in_units_that_are_none_is_refused_when_it_is_read():
    """By name, as all that is wrong with a file; who gives a density does not ask what the file says."""
    from test_verify import Stating

    f = Stating()
    part = f.part(f.box())
    endless = f"(CONVERSION_BASED_UNIT('X',#{len(f) + 2})LENGTH_UNIT())"
    unit = f(endless)
    f(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(2.),{unit})")
    centre = f("CARTESIAN_POINT('centre point',(0.,0.,0.))")
    f.state(part, centre, context=f.context(unit))

    assert mp.measure(f.file(), density="1 g/cm^3").findings == ()
    with pytest.raises(mp.FormatError, match=r"^<bytes>: .*defined by itself"):
        mp.measure(f.file())
