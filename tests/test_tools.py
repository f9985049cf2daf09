"""Tools for assistants: called as an assistant calls them, over the protocol."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import run

import massproof as mp
from massproof import tools
from massproof.errors import InputError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def work(tmp_path, data):
    for name in ("box.stl", "open_box.stl", "bracket.step"):
        (tmp_path / name).write_bytes((data / name).read_bytes())
    return tmp_path


def call(work, name, **arguments):
    """What a tool answers: its JSON, and whether it is an error."""
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        found = asyncio.run(tools.server(work).call_tool(name, arguments))
    except ToolError as error:
        return str(error), True
    return json.loads(found.content[0].text), bool(found.is_error)


def test_a_file_is_measured_with_units_intervals_and_a_verdict(work):
    told, failed = call(work, "measure", file="box.stl", unit="mm", material="Steel", units="mm")
    direct = mp.measure(work / "box.stl", unit="mm", material="Steel")
    volume = direct.volume.to("mm^3")

    assert not failed
    assert told["verdict"] == direct.verdict.value
    assert told["properties"]["volume"] == {
        "value": volume.value,
        "unit": "mm^3",
        "interval": list(volume.interval),
    }
    assert told["properties"]["mass"]["unit"] == "g"
    assert {"area", "center_of_mass.x", "inertia.xx"} <= told["properties"].keys()
    assert told["absent"] == {}


def test_a_mesh_with_a_hole_has_no_volume_to_tell(work):
    told, _ = call(work, "measure", file="open_box.stl", unit="mm")

    assert told["verdict"] == "UNSAFE"
    assert "volume" not in told["properties"]
    assert "edges" in told["absent"]["volume"]


def test_two_files_are_compared(work):
    same, _ = call(work, "compare", left="box.stl", right="box.stl", unit="mm")
    other, _ = call(work, "compare", left="box.stl", right="bracket.step", unit="mm")

    assert same["agrees"] and not other["agrees"]
    assert other["verdict"] == "DISAGREE"


def test_a_file_is_written_in_another_format(work):
    told, _ = call(work, "convert", file="box.stl", target="box.ply", unit="mm")

    assert told["volumeError"] == 0
    assert told["files"] == [str(work / "box.ply")]
    assert (
        mp.measure(work / "box.ply", unit="mm").volume.value
        == mp.measure(work / "box.stl", unit="mm").volume.value
    )


def test_materials_are_found(work):
    told, _ = call(work, "materials", text="6061")

    assert told["unit"] == "kg/m^3"
    assert told["materials"][0]["density"] == 2700
    assert call(work, "materials")[0]["found"] == len(mp.materials.table())


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("measure", {"file": "none.stl"}, "cannot open"),
        ("measure", {"file": "../../etc/passwd"}, "is outside of"),
        ("convert", {"file": "box.stl", "target": "/tmp/out.stl"}, "is outside of"),
        ("measure", {"file": "box.stl", "material": "unobtainium"}, "unobtainium"),
        ("measure", {"file": "box.stl", "units": "parsec"}, "parsec"),
    ],
)
def test_what_is_wrong_is_said_to_the_assistant(work, name, arguments, words):
    told, failed = call(work, name, **arguments)

    assert failed
    assert words in told


def test_a_link_does_not_lead_outside(work, tmp_path_factory):
    secret = tmp_path_factory.mktemp("other") / "box.stl"
    secret.write_bytes((work / "box.stl").read_bytes())
    (work / "link.stl").symlink_to(secret)

    with pytest.raises(InputError, match="outside"):
        tools.Tools(work).measure("link.stl")


def test_what_is_not_bounded_ends_nowhere(work):
    from massproof.properties import Quantity

    assert tools._plain(Quantity(1.0, mp.measure(work / "box.stl", unit="mm").area.unit, (-float("inf"), 2.0)))["interval"] == [None, 2.0]  # fmt: skip


def test_without_the_package_it_says_what_to_install(monkeypatch, work):
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)

    assert "massproof[mcp]" in run("mcp", "--root", str(work)).stderr


def test_a_root_that_is_no_folder_is_said(work):
    found = run("mcp", "--root", str(work / "absent"))

    assert found.exit_code != 0
    assert "absent is no folder" in found.stderr


def test_the_command_speaks_the_protocol(work):
    """One exchange with a real process: initialize, list, call."""
    asked = [
        {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
        {"id": 3, "method": "tools/call", "params": {"name": "measure", "arguments": {"file": "box.stl", "unit": "mm"}}},
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "massproof", "mcp"], cwd=work, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    found = {}
    with process:
        for one in asked:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **one}) + "\n")
            process.stdin.flush()
            if "id" in one:
                found[one["id"]] = json.loads(process.stdout.readline())["result"]
        process.stdin.close()

    assert found[1]["serverInfo"]["name"] == "massproof"
    assert [one["name"] for one in found[2]["tools"]] == ["measure", "compare", "convert", "materials"]
    assert json.loads(found[3]["content"][0]["text"])["properties"]["volume"]["unit"] == "mm^3"
