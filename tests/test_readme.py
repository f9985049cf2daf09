"""The README's commands and examples run, and its numbers are current."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import massproof as mp
from massproof.kernels import jit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*)$", README, re.MULTILINE)


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_readme_run(command):
    if jit.DISABLED and command.startswith(("massproof convert", "massproof render")):
        pytest.skip("facets and pixels take minutes as Python")
    if "--engine" in command:
        pytest.importorskip("OCP")
    if "--repair union" in command:
        pytest.importorskip("manifold3d")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_python_of_the_readme_runs_and_says_what_it_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    scope = {}
    files = []
    scope["open"] = lambda *a: files.append(open(*a)) or files[-1]  # noqa: SIM115, PTH123  # closed below
    for block in blocks("python"):
        exec(block, scope)  # what a reader would type
    for file in files:
        file.close()
    opened = scope["r"]
    assert opened.absent["volume"].startswith(
        "data/open_box.stl does not enclose a volume: 4 of 17 edges belong to"
    )
    assert opened.area.to("mm^2").value == 17.5
    assert f"# {scope['cloud'].mass!r}\n" in README
    assert f"# {scope['cloud'].absent['bounding_box']!r}\n" in README
    r = mp.measure("data/bracket.stl", unit="mm", material="ABS Plastic")

    assert r.verdict is mp.Verdict.SOUND
    assert repr(r.volume.to("cm^3").value) in README
    assert f"'{r.mass:.1f g}'" in README
    assert {k: v and f"{v:.0e}" for k, v in r.volume.budget.items()} == {
        "rounding": "6e-18", "file-precision": "1e-10", "tessellation": None,
    }  # fmt: skip


def test_the_open_box_table_is_current(monkeypatch):
    spec = importlib.util.spec_from_file_location("open_box", ROOT / "benchmarks/open_box.py")
    open_box = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(open_box)

    assert open_box.massproof_column() == open_box.recorded()["columns"]["massproof"]
    for cell in open_box.massproof_column().values():
        assert cell.split(",")[0] in README
