"""The command line as a shell sees it: output, errors, exit codes."""

import contextlib
import csv
import dataclasses
import io
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from step_makers import OFFSET, Solids, without_ocp
from typer.testing import CliRunner

import massproof as mp
from massproof import cli, commands, dialects, isolation, output, report, workers
from massproof.errors import InputError, UsageError
from massproof.kernels import jit

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"


def run(*arguments, stdin=None):
    return CliRunner().invoke(commands.app, [str(a) for a in arguments], input=stdin)


def test_one_file_is_one_json_object_when_piped(data):
    done = run("measure", data / "box.stl", "--unit", "mm", "--density", "1.05 g/cm^3")
    found = json.loads(done.stdout)

    assert done.exit_code == 0
    assert found["properties"]["volume"]["value"] == 6e-9
    assert found["properties"]["mass"]["value"] == pytest.approx(6.3e-6)
    assert found["verdict"] == "SOUND"
    assert done.stderr == ""


def test_units_choose_the_system_of_the_answer(data):
    found = json.loads(run("measure", data / "box.stl", "--unit", "mm", "--units", "mm").stdout)

    assert found["properties"]["volume"]["displayValue"] == "6.0"


def test_several_files_are_a_list_in_order_and_a_bad_one_does_not_stop_them(data, tmp_path):
    bad = tmp_path / "bad.stl"
    bad.write_text("<html>")
    done = run("measure", data / "box.stl", bad, data / "open_box.stl", "--unit", "mm", "--json")
    found = json.loads(done.stdout)

    assert done.exit_code == 3
    assert [row.get("verdict") for row in found] == ["SOUND", None, "UNSAFE"]
    assert found[1]["error"]["kind"] == "format"
    assert done.stderr.count("\n") == 1


def test_ndjson_is_one_object_a_line(data):
    done = run("measure", data / "box.stl", data / "missing.stl", "--unit", "mm", "--ndjson")
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert [list(line)[-1] for line in lines] == ["absent", "error"]
    assert lines[1]["error"]["kind"] == "unreadable"


def test_csv_has_one_row_a_file_and_units_in_its_header(data):
    done = run("measure", data / "box.stl", data / "open_box.stl", data / "no.stl", "--unit", "mm", "--csv", "--units", "mm",
               "--material", "PLA")  # fmt: skip
    header, box, opened, missing = csv.reader(io.StringIO(done.stdout))
    rows = [dict(zip(header, row, strict=True)) for row in (box, opened, missing)]

    assert rows[0]["volume [mm^3]"] == "6.0"
    assert float(rows[0]["inertia xx [g*mm^2]"]) > 0
    assert float(rows[0]["radius of gyration 1 [mm]"]) == pytest.approx((5 / 12) ** 0.5)
    assert float(rows[0]["center of mass x [mm]"]) == pytest.approx(0)
    assert float(rows[0]["volume from [mm^3]"]) < 6 < float(rows[0]["volume to [mm^3]"])
    assert rows[0]["unit"] == "mm"
    assert rows[1]["volume [mm^3]"] == rows[1]["mass to [g]"] == ""
    assert rows[1]["findings"] == "open-edges"
    assert "No such file" in rows[2]["error"]


def test_a_dialect_is_printed_as_json(data):
    found = json.loads(run("measure", data / "box.stl", "--unit", "mm", "--dialect", "mfgdm").stdout)

    assert found["status"] == "COMPLETED"
    assert found["volume"]["displayValue"] == "0.006"


@pytest.mark.parametrize("dialect", dialects.NAMES)
def test_what_is_printed_in_a_dialect_reads_back(data, dialect):
    done = run("measure", data / "box.stl", "--unit", "mm", "--material", "Steel", "--dialect", dialect)
    read = dialects.parse(json.loads(done.stdout))

    assert read.source.format == dialect
    lo, hi = read.volume.to("mm^3").interval
    assert lo < 6 < hi


def test_a_format_that_a_service_does_not_import_has_no_answer_of_it(tmp_path):
    path = tmp_path / "tetrahedron.off"
    path.write_text("OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n")
    done = run("measure", path, "--unit", "mm", "--dialect", "zoo")

    assert done.exit_code == output.USAGE
    assert done.stderr.startswith(
        "error: this API does not import off; convert the file to, or name as src_format, one of acis"
    )
    assert run("measure", path, "--unit", "mm", "--dialect", "onshape").exit_code == 0


def test_standard_input_is_a_file_called_dash(data):
    done = run("measure", "-", "--unit", "mm", stdin=(data / "box.stl").read_bytes())
    named = run("measure", "-", "--unit", "mm", "--format", "obj", stdin=(data / "box.obj").read_bytes())

    assert json.loads(done.stdout)["properties"]["volume"]["value"] == 6e-9
    assert json.loads(named.stdout)["source"]["format"] == "obj"


@pytest.mark.parametrize(
    "arguments",
    [
        ["box.stl", "--unit", "furlong"],
        ["box.stl", "--density", "1.05"],
        ["box.stl", "--material", "Unobtainium"],
        ["box.stl", "--units", "imperial"],
        ["box.stl", "--dialect", "klingon"],
        ["box.stl", "--json", "--csv"],
        ["box.stl", "--density", "1 g/cm^3", "--mass", "1 g"],
        ["box.stl", "--csv", "--dialect", "mfgdm"],
        ["box.stl", "--units", "mm", "--dialect", "mfgdm"],
        ["box.stl", "sphere.stl", "--mass", "5 g"],
        ["box.stl", "--csv", "--unit", "furlong"],
        ["box.stl", "--density", "1e400 g/cm^3"],
        ["box.stl", "--no-such-option"],
        [],
    ],
)
def test_wrong_usage_exits_with_2_and_one_line(data, monkeypatch, arguments):
    monkeypatch.chdir(data)
    done = run("measure", *arguments)

    assert done.exit_code == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_strict_exits_with_4_after_measuring_what_there_is(data):
    done = run("measure", data / "open_box.stl", "--unit", "mm", "--strict")

    assert done.exit_code == 4
    assert json.loads(done.stdout)["verdict"] == "UNSAFE"
    assert run("measure", data / "open_box.stl", "--unit", "mm").exit_code == 0
    assert run("measure", data / "box.stl", "--unit", "mm", "--strict").exit_code == 0


BAD = {
    "empty.stl": b"",
    "cut.stl": b"\0" * 80 + (12).to_bytes(4, "little") + b"\0" * 590,
    "page.stl": b"<!DOCTYPE html><html><body>404</body></html>",
    "pointer.stl": LFS.encode(),
    "nan.stl": b"solid x\nfacet normal 0 0 0\nouter loop\nvertex 0 0 nan\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid\n",
    "zero.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n",
    "huge.stl": b"\0" * 80 + (4_000_000_000).to_bytes(4, "little"),
    "garbage.stl": b"solid x\nfacet normal 0 0 0\nouter loop\nvertex a b c\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid\n",
    "range.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n",
    "half.step": b"ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nENDSEC;\nDATA;\n#1=CARTESIAN_POINT('',(0.,0.",
    "folder.stl": None,
}


@pytest.mark.parametrize("name", [*BAD, "missing.stl"])
def test_bad_input_exits_with_3_and_one_line_that_names_the_file(tmp_path, name):
    path = tmp_path / name
    content = BAD.get(name)
    if content is not None:
        path.write_bytes(content)
    elif name in BAD:
        path.mkdir()
    done = run("measure", path, "--json")

    assert done.exit_code == 3
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert name in done.stderr
    assert json.loads(done.stdout)["error"]["message"] in done.stderr


def test_strict_refuses_a_file_without_a_unit_and_goes_on(data):
    done = run("measure", data / "box.stl", data / "box_inch.step", "--strict")
    found = json.loads(done.stdout)

    assert done.exit_code == 2
    assert found[0]["error"]["kind"] == "unit"
    assert found[1]["verdict"] == "SOUND"


def test_findings_of_a_dialect_go_to_standard_error(data):
    done = run("measure", data / "overlapping.stl", "--unit", "mm", "--dialect", "mfgdm")

    assert json.loads(done.stdout)["status"] == "COMPLETED"
    assert "BOUNDED overlap: " in done.stderr


def test_every_json_output_keeps_the_schema(data, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((data.parent / "docs/schema/native-1.json").read_text())
    for files in ([data / "box.stl"], [data / "missing.stl"], [data / "open_box.stl", data / "missing.stl"]):
        jsonschema.validate(json.loads(run("measure", *files, "--unit", "mm").stdout), schema)


def test_names_that_a_terminal_would_obey_are_escaped(tmp_path):
    done = run("measure", tmp_path / "esc\x1b[31m\nnext.stl")

    assert done.stderr.count("\n") == 1
    assert "\\x1b[31m\\nnext.stl" in done.stderr


@pytest.mark.parametrize(
    ("half", "shown"), [(1.701, "1.8"), (0.00012, "0.00012"), (3e-9, "3e-09"), (0.0, "0"), (12345.0, "13000")]
)
def test_a_width_is_rounded_up_and_plain(half, shown):
    from massproof import report, units
    from massproof.properties import Quantity

    q = Quantity(50.0, units.unit("mm"), (50.0 - half, 50.0 + half / 2))

    assert report.width(q) == shown
    assert report.digits(Quantity(123456.789, q.unit, (123456.789 - 50, 123456.789 + 1))) == "123457"


def test_output_that_cannot_be_written_is_one_line(data):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as out:
        command = [sys.executable, "-m", "massproof", "measure", str(data / "box.stl"), "--unit", "mm"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot write the output" in done.stderr


def test_a_missing_extra_exits_with_6_and_names_the_install(data, monkeypatch, tmp_path):
    (tmp_path / "odd.step").write_bytes(odd_step())
    without_ocp(monkeypatch, tmp_path)
    done = run("measure", tmp_path / "odd.step", data / "bracket.step", data / "box.stl", "--unit", "mm")
    isolation._POOL.end()

    assert done.exit_code == 6
    assert 'pip install "massproof[step]"' in done.stderr
    assert [row.get("verdict") for row in json.loads(done.stdout)] == [None, "SOUND", "SOUND"]


def odd_step():
    """A cylinder whose edges Open CASCADE alone reads."""
    f = Solids()
    return f.shown(f.cylinder(border=OFFSET)).file()


def test_a_solid_that_needs_open_cascade_and_crashes_it_is_an_error_of_its_file_only(
    data, monkeypatch, tmp_path
):
    (tmp_path / "odd.step").write_bytes(odd_step())
    monkeypatch.setattr(workers, "_START", "import os; os.abort()")
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool(isolation.PROCESS))
    done = run("measure", tmp_path / "odd.step", data / "box_inch.step")

    assert done.exit_code == 3
    assert "odd.step: the process that read the file crashed (SIGABRT)" in done.stderr
    assert [row.get("verdict") for row in json.loads(done.stdout)] == [None, "SOUND"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "magic"], "engine='magic' is unknown; use native, occt or both"),
        (["--accuracy", "2"], "accuracy must be relative, from 1e-14 to 0.01, got 2.0"),
        (["--accuracy", "0"], "accuracy must be relative"),
    ],
)
def test_options_of_step_files_are_checked(data, options, message):
    done = run("measure", data / "box_inch.step", *options)

    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_options_of_step_files_are_for_these_only(data):
    done = run("measure", data / "box.stl", "--unit", "mm", "--engine", "native")

    assert done.exit_code == 2
    assert "box.stl is no STEP file: engine and accuracy are for those" in done.stderr


def test_the_accuracy_that_was_asked_for_is_in_the_answer(data):
    found = json.loads(
        run("measure", data / "box_inch.step", "--engine", "native", "--accuracy", "1e-6").stdout
    )

    assert found["method"] == "boundary integrals over the exact faces, to 1e-06"


def test_a_table_shows_value_width_and_cause(data, capsys):
    from rich.console import Console

    import massproof as mp
    from massproof import report

    text = io.StringIO()
    console = Console(file=text, width=120, color_system=None)
    report.show(mp.measure(data / "sphere.stl", unit="mm", material="Steel"), console)
    report.show(mp.measure(data / "open_box.stl"), console)
    shown = text.getvalue()

    assert "SOUND: each number is enclosed by its interval" in shown
    assert "4179.739 mm³" in " ".join(shown.split())
    assert "file-precision" in shown
    assert "UNSAFE: the input does not define a volume" in shown
    assert "unit-assumed: no length unit" in shown
    assert "open-edges" in shown
    assert "\n volume" not in shown
    assert "tessellation: how far the facets lie from the part they stand for is not known" in shown
    text.truncate(0)
    report.show(dataclasses.replace(mp.measure(data / "box.stl", unit="mm"), area=None, volume=None), console)
    assert "not in any interval" not in text.getvalue()


def test_a_terminal_gets_the_table(data, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    with pytest.raises(SystemExit) as stop:
        commands.app(["measure", str(data / "box.stl"), "--unit", "mm"])

    assert stop.value.code == 0
    assert "SOUND" in out.getvalue()
    out.truncate(0)
    with pytest.raises(SystemExit):
        commands.app(["materials", "find", "ABS"])
    assert "kg/m³" in out.getvalue()
    with pytest.raises(SystemExit):
        commands.app(["topology", str(data / "open_box.stl")])
    assert "boundary loops" in out.getvalue()
    with pytest.raises(SystemExit) as stop:
        commands.app(["measure", str(data / "missing.stl")])
    assert stop.value.code == 3


def test_materials_are_listed_and_found():
    everything = json.loads(run("materials").stdout)["materials"]
    found = json.loads(run("materials", "find", "aluminum", "6061").stdout)["materials"]

    assert len(everything) >= 120
    assert found[0]["density"] == 2700
    assert run("materials", "find", "unobtainium").exit_code == 2
    assert run("materials", "search").exit_code == 2
    assert run("materials", "find").exit_code == 2


def test_version_and_help():
    assert run("--version").stdout.startswith("massproof ")
    assert "measure" in run("--help").stdout
    assert "--material" in run("measure", "--help").stdout


def test_a_reader_that_goes_away_is_no_error(data):
    command = f"{sys.executable} -m massproof materials | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)

    assert done.stderr == ""


def test_output_that_has_no_room_is_an_error(monkeypatch, capsys):
    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "app", full)
    monkeypatch.setattr(cli.os, "dup2", lambda *descriptors: None)
    monkeypatch.setattr(sys, "stdout", type("Out", (), {"fileno": lambda self: 1})())
    with pytest.raises(SystemExit) as stop:
        cli.main()

    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: cannot write the output: No space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell that can close streams")
@pytest.mark.parametrize("command", ["measure data/box.stl --unit mm", "topology data/box.stl", "--version"])
def test_a_closed_output_is_one_that_cannot_be_written(data, command):
    line = f"{sys.executable} -m massproof {command}"
    done = subprocess.run(["sh", "-c", f"{line} >&-"], capture_output=True, text=True, cwd=data.parent)

    assert done.returncode == 1
    assert done.stderr == "error: cannot write the output: standard output is closed\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell that can close streams")
def test_errors_that_nobody_wants_do_not_go_to_the_output(data):
    line = f"{sys.executable} -m massproof measure data/missing.stl --unit mm"
    done = subprocess.run(["sh", "-c", f"{line} 2>&-"], capture_output=True, text=True, cwd=data.parent)

    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["kind"] == "unreadable"


def test_closed_streams_are_noticed_in_this_process_too(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    sys.stderr.close()

    assert stop.value.code == 1


def test_a_closed_input_is_unreadable(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)

    assert output.measure(output.Wanted(["-"])) == output.UNREADABLE
    assert "standard input is closed" in capsys.readouterr().err


def test_streams_take_every_name(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(cli, "app", lambda: print("Gehäuse \udcfc", flush=True))  # noqa: T201
    cli.main()

    assert out.buffer.getvalue() == "Gehäuse \\udcfc\n".encode()


def test_output_that_nobody_reads_is_discarded(monkeypatch):
    def broken():
        raise BrokenPipeError

    kept = []
    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setattr(cli.os, "dup2", lambda *descriptors: kept.append(descriptors))
    monkeypatch.setattr(sys, "stdout", type("Out", (), {"fileno": lambda self: 1})())
    with pytest.raises(SystemExit) as stop:
        cli.main()

    assert stop.value.code == 0
    assert kept[0][1] == 1


def test_python_dash_m_in_this_process_too(data, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["massproof", "materials", "find", "PLA"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(Path(mp.__file__).with_name("__main__.py")), run_name="massproof.__main__")

    assert stop.value.code == 0
    assert "PLA" in capsys.readouterr().out


def test_python_dash_m_runs_the_command_line(data):
    done = subprocess.run(
        [sys.executable, "-m", "massproof", "measure", str(data / "box.stl"), "--unit", "mm"],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "SOUND"


def test_topology_is_json_in_a_pipe(data):
    found = json.loads(run("topology", data / "open_box.stl").stdout)

    assert (found["boundary_edges"], found["boundary_loops"], found["closed"]) == (4, 1, False)
    assert len(found["where"]["unmatched_edges"]) == 3


def test_topology_is_a_table_on_a_terminal(data, monkeypatch):
    printed = io.StringIO()
    monkeypatch.setattr(report, "printable", lambda text: text)
    with contextlib.redirect_stdout(printed):
        report.show_topology(mp.topology(data / "open_box.stl"))
        report.show_topology(mp.topology(data / "box.stl"))
    text = printed.getvalue()

    assert "open_box.stl  not closed" in text
    assert "boundary edges                 4" in text
    assert "unmatched edges at (" in text
    assert "6" in text.splitlines()[-1]


@pytest.mark.parametrize(("name", "code"), [("missing.stl", 3), ("sphere.step", 2)])
def test_topology_of_what_is_no_mesh_is_one_line(data, name, code):
    done = run("topology", data / name)

    assert done.exit_code == code
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--check", "some", "check='some' is unknown; use one of auto, closed, full"),
        ("--repair", "magic", "repair='magic' is unknown; use estimate or union"),
        ("--weld", "-1", "weld must be a length greater than zero"),
        ("--weld", "inf", "weld must be a length greater than zero"),
    ],
)
def test_options_of_meshes_are_checked(data, option, value, message):
    done = run("measure", data / "box.stl", "--unit", "mm", option, value)

    assert done.exit_code == 2
    assert message in done.stderr


def test_repairs_are_not_for_a_b_rep(data):
    done = run("measure", data / "sphere.step", "--repair", "estimate")

    assert done.exit_code == 2
    assert "is a B-rep: weld and repair are for meshes" in done.stderr


def test_an_estimate_is_given_when_it_is_asked_for(data, tmp_path):
    whole = (data / "sphere.stl").read_bytes()
    (tmp_path / "open.stl").write_bytes(whole[:80] + (5119).to_bytes(4, "little") + whole[84:-50])
    found = json.loads(run("measure", tmp_path / "open.stl", "--unit", "mm", "--repair", "estimate").stdout)

    assert found["verdict"] == "BOUNDED"
    low, high = found["properties"]["volume"]["interval"]
    assert low < 4179.738908e-9 < high < 1.001 * low
    assert "estimated" in [finding["code"] for finding in found["findings"]]


@pytest.mark.parametrize("option", ["--repair=estimate", "--weld=10"])
def test_a_volume_that_may_be_all_repair_is_withheld(data, option):
    """The hole is as wide as the box, and welding it moves corners by all of its height."""
    found = json.loads(run("measure", data / "open_box.stl", "--unit", "mm", option).stdout)

    assert found["verdict"] == "UNSAFE"
    assert found["properties"]["volume"] is None
    assert "that can be wrong by" in found["absent"]["volume"]
    assert "volume-in-doubt" in [finding["code"] for finding in found["findings"]]


def test_warming_says_what_is_kept_where_or_why_not(monkeypatch):
    monkeypatch.setattr(jit, "warm", lambda: (7, "/some/where"))
    assert run("warm").stdout == "7 kernels are compiled and kept in /some/where\n"
    for error, code in ((InputError("cannot write"), 1), (UsageError("switched off"), 2)):
        monkeypatch.setattr(jit, "warm", lambda error=error: (_ for _ in ()).throw(error))
        done = run("warm")
        assert (done.exit_code, done.stderr) == (code, f"error: {error}\n")
