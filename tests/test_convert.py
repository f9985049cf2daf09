"""What is written in another format measures as its source, within the error that is asked for, and nothing is lost half-way."""

import io
import json
import math
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import trimesh
from occt_makers import SOLIDS, compound, moved, open_shell, written
from PIL import Image
from step_makers import without_ocp
from strategies import box
from test_cli import run

import massproof as mp
from massproof import commands, formats, isolation, occt, occt_facets, output, report, sources, tessellate
from massproof.errors import FormatError, InputError, MissingExtra, UnitError, UsageError
from massproof.kernels import jit
from massproof.mesh import Records
from massproof.tessellate import Fineness

convert = mp.convert
SHARE = 2e-2 if jit.DISABLED else 1e-3  # of the volume that facets may miss: few facets as Python
SUFFIXES = ("stl", "stla", "obj", "ply", "glb", "gltf")


def scene_of(data, **fineness):
    loaded = sources.load(data, "step")
    return tessellate.scene(loaded.geometry, "part.step", "mm", Fineness(**fineness))


def measured(scene):
    whole = list(scene.placed())
    start, vertices, faces = 0, [], []
    for placed in whole:
        vertices.append(placed.vertices())
        faces.append(placed.faces() + start)
        start += len(placed.definition.vertices)
    check = "closed" if jit.DISABLED else "full"  # intersections of facets take minutes as Python
    return mp.measure((np.concatenate(vertices), np.concatenate(faces)), unit=scene.unit, check=check)


# --- nothing is left half-written

INTERRUPTED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start tests where it is ignored
import massproof as mp
from massproof import formats

def write(scene, format, name, files, options):
    files(name).write(b"half of it")
    print("begun", flush=True)
    time.sleep(60)

formats.write = write
mp.convert(*sys.argv[1:], unit="mm")
"""


def test_an_interrupt_leaves_what_was_there_and_nothing_else(tmp_path):
    source, target = tmp_path / "box.obj", tmp_path / "old.stl"
    source.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n")
    target.write_bytes(b"what was there")
    command = [sys.executable, "-c", INTERRUPTED, str(source), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)

    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in told
    assert target.read_bytes() == b"what was there"
    assert sorted(tmp_path.iterdir()) == [source, target]


# --- what is up stays up


def test_up_of_gltf_is_up_in_other_formats_and_in_pictures(tmp_path):
    """A box 1 wide, 2 deep and 3 high, as STL, is the same after it has been glTF, and in a picture of that."""
    mesh = box()
    there, back = tmp_path / "part.glb", tmp_path / "part.stl"
    first = convert((mesh.vertices, mesh.faces), there, unit="mm")
    second = convert(there, back)
    again = convert(there, tmp_path / "again.glb")

    low, high = (
        np.array(corner.to("mm"))
        for corner in (first.written.bounding_box.min, first.written.bounding_box.max)
    )
    assert high - low == pytest.approx([1, 3, 2], rel=1e-6)
    low, high = (
        np.array(corner.to("mm"))
        for corner in (second.written.bounding_box.min, second.written.bounding_box.max)
    )
    assert high - low == pytest.approx([1, 2, 3], rel=1e-6)
    assert again.written.bounding_box.max.to("mm") == pytest.approx(
        first.written.bounding_box.max.to("mm"), rel=1e-6
    )
    # Coordinates have 32 bits in between, which may move the edge of a line by a pixel.
    shown = [
        np.asarray(Image.open(io.BytesIO(mp.render(path, size=100)))).astype(int) for path in (there, back)
    ]
    assert (np.abs(shown[0] - shown[1]) > 60).sum() < 40


# --- facets of exact shapes


@pytest.mark.parametrize("name", SOLIDS)
def test_facets_of_a_solid_close_and_miss_no_more_than_asked(name, here):
    shape, volume, area = SOLIDS[name]
    for share in (1e-2, SHARE):
        found = measured(scene_of(written(shape), volume_error=share))

        assert found.verdict is (mp.Verdict.BOUNDED if jit.DISABLED else mp.Verdict.SOUND), found.findings
        assert abs(found.volume.to("mm^3").value - volume) <= share * volume
        assert found.area.to("mm^2").value == pytest.approx(area, rel=2 * math.sqrt(share))


def test_a_smaller_deflection_or_angle_gives_more_facets(here):
    data = written(SOLIDS["torus"][0])
    coarse, by_length, by_angle = (
        scene_of(data, **f).triangles for f in ({}, {"deflection": 0.02}, {"angle": 4.0})
    )

    assert by_length > 1.2 * coarse
    assert by_angle > 1.2 * coarse


def test_parts_stand_where_the_file_places_them(here):
    ball, cone = SOLIDS["sphere"][0], SOLIDS["cone"][0]
    whole = compound(
        moved(ball, 0.3, (100, 0, 0))[0], moved(ball, 0.7, (-100, 0, 0))[0], moved(cone, 1.1, (0, 300, 5))[0]
    )
    found, exact = measured(scene_of(written(whole))), mp.measure(written(whole), format="step")

    assert found.volume.value == pytest.approx(exact.volume.value, rel=1e-2)
    assert found.center_of_mass.to("mm") == pytest.approx(exact.center_of_mass.to("mm"), abs=1)


def test_a_file_in_inches_becomes_millimetres(here):
    scene = scene_of(written(SOLIDS["box"][0], "INCH"))

    assert measured(scene).volume.to("mm^3").value == pytest.approx(6000, rel=1e-11)  # written with 15 digits


def test_open_shells_are_divided_as_they_are(here):
    found = measured(scene_of(written(open_shell())))

    assert found.volume is None
    assert found.area.to("mm^2").value == pytest.approx(
        mp.measure(written(open_shell()), format="step").area.to("mm^2").value
    )


def test_edges_of_the_part_come_with_the_facets(here):
    lines = scene_of(written(SOLIDS["box"][0])).definitions[0].lines

    assert len(lines) == 12
    assert sorted(float(np.linalg.norm(line[-1] - line[0])) for line in lines) == pytest.approx(
        [10] * 4 + [20] * 4 + [30] * 4
    )


@pytest.mark.parametrize(
    ("missing", "open_edges"), [("Triangulation", True), ("PolygonOnTriangulation", False)]
)
def test_what_open_cascade_does_not_divide_leaves_a_hole_that_is_found(
    missing, open_edges, here, monkeypatch
):
    """A face without triangles leaves a hole, and no volume is told; an edge without corners is closed by its coordinates."""
    once, calls = occt.static, []

    def some(owner, name):
        made = once(owner, name)
        if name != missing:
            return made
        calls.append(name)
        return made if len(calls) > 1 else lambda *arguments: None

    monkeypatch.setattr(occt, "static", some)
    found = measured(scene_of(written(SOLIDS["cylinder"][0])))

    assert calls
    assert (found.volume is None) == open_edges


@pytest.mark.parametrize("name", ["box", "torus"])
def test_cad_objects_are_divided_as_files_are(name):
    shape, volume, _ = SOLIDS[name]
    twice = compound(shape, moved(shape, 0.4, (200, 0, 0))[0])
    loaded = sources.load(twice)
    scene = tessellate.scene(loaded.geometry, loaded.name, "mm", Fineness(volume_error=1e-3))

    assert len(scene.definitions) == 1
    assert measured(scene).volume.to("mm^3").value == pytest.approx(2 * volume, rel=1e-3)


def test_more_facets_than_can_be_are_refused(here, monkeypatch):
    monkeypatch.setattr(occt_facets, "MAX_TRIANGLES", 50)
    with pytest.raises(UsageError, match="more than 50 triangles"):
        scene_of(written(SOLIDS["torus"][0]))
    with pytest.raises(UsageError, match=r"still miss .* of the volume, where 1e-05 was asked for"):
        scene_of(written(SOLIDS["torus"][0]), volume_error=1e-5)
    monkeypatch.setattr(occt_facets, "_ROUNDS", 1)
    monkeypatch.setattr(occt_facets, "MAX_TRIANGLES", 10**6)
    with pytest.raises(UsageError, match="ask for a larger volume error"):
        scene_of(written(SOLIDS["torus"][0]), volume_error=1e-7)


def test_a_part_that_open_cascade_makes_nothing_of_is_named(here, monkeypatch):
    monkeypatch.setattr("massproof.occt.drawn", lambda data: ({}, lambda face: -1))
    with pytest.raises(FormatError, match=r"makes no shape of .* \(#\d+\)"):
        scene_of(written(SOLIDS["box"][0]))


@pytest.mark.parametrize(
    "given", [{"deflection": 0.0}, {"angle": 180.0}, {"volume_error": 1.5}, {"deflection": math.inf}]
)
def test_a_fineness_that_means_nothing_is_refused(given):
    with pytest.raises(UsageError, match="must be greater than 0 and less than"):
        Fineness(**given)


# --- files


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_mesh_becomes_a_file_that_measures_the_same(suffix, data, tmp_path):
    found = convert(data / "box.stl", tmp_path / f"b.{suffix}", unit="mm")

    assert found.volume_error <= 1e-6
    assert found.triangles == 12
    assert found.findings == ()
    assert all(path.exists() for path in found.files)
    assert found.unit == ("m" if suffix.startswith("gl") else "mm")
    assert found.to_dict()["volumeError"] == found.volume_error


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_step_file_becomes_facets_of_the_error_that_is_asked_for(suffix, here, data, tmp_path):
    found = convert(data / "assembly.step", tmp_path / f"a.{suffix}", volume_error=SHARE)

    assert found.parts == 7
    assert found.volume_error <= SHARE
    assert found.written.center_of_mass is not None
    if not suffix.startswith("gl"):
        ours, theirs = (one.center_of_mass.to("mm") for one in (found.written, found.source))
        assert ours == pytest.approx(theirs, abs=0.01)


def test_the_unit_and_the_frame_of_the_target_are_those_asked_for(data, tmp_path):
    target = tmp_path / "b.stl"
    convert(data / "box.stl", target, unit="mm", to_unit="inch", up="+y", forward="+z")
    read = formats.read(target.read_bytes())[0].mesh()

    assert np.ptp(read.vertices, axis=0) * 25.4 == pytest.approx([1, 3, 2], rel=1e-6)
    assert mp.measure(target, unit="inch").volume.to("mm^3").value == pytest.approx(6, rel=1e-6)


def test_streams_and_objects_are_converted_as_files_are(data, tmp_path):
    with (data / "box.stl").open("rb") as stream:
        assert convert(stream, tmp_path / "a.ply", unit="mm").volume_error == 0
    assert convert(box(), tmp_path / "b.obj", unit="mm").triangles == 12
    assert convert(SOLIDS["box"][0], tmp_path / "c.glb").volume_error <= 1e-6


def test_peers_read_what_is_written(data, tmp_path):
    for suffix in ("stl", "obj", "ply", "glb", "gltf"):
        target = tmp_path / f"b.{suffix}"
        convert(data / "box.stl", target, unit="mm")
        peer = trimesh.load(target, force="mesh")
        assert peer.is_watertight, suffix
        unit = "m" if suffix.startswith("gl") else "mm"
        assert peer.volume == pytest.approx(
            mp.measure(data / "box.stl", unit="mm").volume.to(f"{unit}^3").value, rel=1e-5
        )


def test_an_open_mesh_stays_open_and_is_no_finding(data, tmp_path):
    found = convert(data / "open_box.stl", tmp_path / "o.ply", unit="mm")

    assert (found.volume_error, found.findings) == (None, ())
    assert found.written.verdict is mp.Verdict.UNSAFE


def test_a_solid_that_does_not_close_any_more_is_said(data, tmp_path):
    """32 bits, a kilometre away, cannot tell the corners of a part of a hundredth of a millimetre from each other."""
    far = (box((1e-5, 1e-5, 1e-5), (1e6, 0, 0)).vertices, box().faces)
    found = convert(far, tmp_path / "far.stl", unit="mm")

    assert [one.code for one in found.findings] == ["not-closed"]
    assert "the source encloses a volume" in found.findings[0].message


def test_what_is_there_is_replaced_only_by_what_is_complete(data, tmp_path, monkeypatch):
    target = tmp_path / "b.obj"
    target.write_text("before")

    def half(scene, name, files):
        with files(name) as out:
            out.write(b"half")
            raise KeyboardInterrupt

    monkeypatch.setattr("massproof.formats.obj.write", half)
    with pytest.raises(KeyboardInterrupt):
        convert(data / "box.stl", target, unit="mm")
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["b.obj"]


@pytest.mark.parametrize(
    ("target", "options", "error", "message"),
    [
        ("a.iges", {}, UsageError, "cannot write '.iges'; give the target one of the suffixes stl"),
        ("a", {}, UsageError, "cannot write 'a'"),
        ("a.stl", {"to_unit": "kg"}, UnitError, "kg"),
        ("a.stl", {"up": "+y", "forward": "-y"}, UsageError, "lie along one axis"),
        ("a.stl", {"storage": "text"}, UsageError, "not as 'text'"),
        ("a.obj", {"storage": "ascii"}, UsageError, "OBJ has no option 'storage'; it has none"),
        ("a.stl", {"presentation": "pretty"}, UsageError, "STL has no option 'presentation'; it has storage"),
        ("missing/a.stl", {}, InputError, "cannot write .*No such file or directory; choose another place"),
    ],
)
def test_what_cannot_be_written_is_refused(target, options, error, message, data, tmp_path):
    with pytest.raises(error, match=message):
        convert(data / "box.stl", tmp_path / target, unit="mm", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_format_may_be_named_without_a_suffix(data, tmp_path):
    assert convert(data / "box.stl", tmp_path / "box", unit="mm", to="ply").format == "ply"
    assert formats.read((tmp_path / "box").read_bytes())[1] == "ply"


def test_records_that_are_not_finite_are_refused(data):
    damaged = bytearray((data / "box.stl").read_bytes())
    damaged[Records.START : Records.START + 4] = np.float32(np.nan).tobytes()
    loaded = sources.load(bytes(damaged), "stl")
    with pytest.raises(FormatError, match="not finite"):
        tessellate.scene(loaded.geometry, "a.stl", "mm")


def test_without_open_cascade_meshes_are_converted_and_exact_shapes_say_what_is_needed(
    data, tmp_path, monkeypatch
):
    without_ocp(monkeypatch, tmp_path)
    assert convert(data / "box.stl", tmp_path / "b.ply", unit="mm").volume_error == 0
    with pytest.raises(MissingExtra, match=r"massproof\[step\]"):
        convert(data / "bracket.step", tmp_path / "b.stl")
    isolation._POOL.end()


# --- the command


def test_the_command_tells_what_it_wrote(data, tmp_path):
    done = run("convert", data / "box.stl", tmp_path / "b.glb", "--unit", "mm")
    found = json.loads(done.stdout)

    assert done.exit_code == 0
    assert found["files"] == [str(tmp_path / "b.glb")]
    assert found["triangles"] == 12


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--volume-error", "much"], 2, "a volume error is a share, as 0.0001 or 0.01%, not 'much'"),
        (["--volume-error", "200%"], 2, "must be greater than 0"),
        (["--to-unit", "kg"], 2, "kg"),
        (["--storage", "text"], 2, "not as 'text'"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, code, message, data, tmp_path):
    done = run("convert", data / "box.stl", tmp_path / "b.stl", "--unit", "mm", *arguments)

    assert done.exit_code == code
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_the_command_reads_a_share_in_percent(data, tmp_path):
    done = run(
        "convert",
        data / "box.stl",
        tmp_path / "b.stl",
        "--unit",
        "mm",
        "--volume-error",
        "0.1%",
        "--storage",
        "ascii",
    )

    assert done.exit_code == 0
    assert (tmp_path / "b.stl").read_bytes().startswith(b"solid")


def test_a_source_that_cannot_be_read_is_exit_3(tmp_path):
    assert run("convert", tmp_path / "missing.stl", tmp_path / "b.stl").exit_code == 3


def test_a_person_sees_how_it_differs(data, tmp_path, capsys):
    report.show_conversion(convert(data / "box.stl", tmp_path / "b.obj", unit="mm"))
    report.show_conversion(convert(data / "open_box.stl", tmp_path / "o.obj", unit="mm"))
    report.show_conversion(
        convert((box((1e-5, 1e-5, 1e-5), (1e6, 0, 0)).vertices, box().faces), tmp_path / "f.stl", unit="mm")
    )
    shown = capsys.readouterr().out

    assert "12 triangles, 1 part, mm" in shown
    assert "volume" in shown
    assert "UNSAFE" in shown
    assert "not-closed" in shown


def test_what_takes_long_is_said_on_a_terminal(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(output, "_LONG", 0.0)
    with output.waiting("converting \x1b a"):
        time.sleep(0.3)

    assert "converting" in terminal.getvalue()
    assert "\\x1b" in terminal.getvalue()


def test_the_command_shows_a_person_what_it_wrote(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    commands.convert_file(str(data / "box.stl"), str(tmp_path / "b.ply"), unit="mm")

    assert "12 triangles, 1 part, mm" in capsys.readouterr().out
