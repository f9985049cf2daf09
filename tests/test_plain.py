"""A plain command line is read without Typer, exactly as Typer reads it; all others are left to it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from massproof import cli, commands, output
from massproof.kernels import jit, objectcode

MEASURE = get_command(commands.app).commands["measure"]
words = st.sampled_from(
    [*cli._TEXTS, *cli._SWITCHES, "mm", "box.stl", "a b", "-", "--", "", "--unit=mm", "--weld", "0.5", "--help",
     "--no-strict", "-x", "--jso", "ü", "measure"]
)  # fmt: skip


def by_typer(rest):
    return MEASURE.make_context("measure", list(rest), resilient_parsing=False).params


@given(st.lists(words, max_size=8))
def test_what_is_read_plainly_is_read_as_typer_reads_it(rest):
    wanted = cli.plain(["measure", *rest])

    if wanted is not None:
        assert wanted._asdict() == by_typer(rest)


@pytest.mark.parametrize("option", [*cli._TEXTS, *cli._SWITCHES])
def test_every_option_is_read_plainly(option):
    rest = ["one.stl", option, *["cm"] * (option in cli._TEXTS), "two.stl"]
    wanted = cli.plain(["measure", *rest])

    assert wanted.files == ["one.stl", "two.stl"]
    assert wanted._asdict() == by_typer(rest)


def test_the_defaults_are_those_that_typer_shows():
    assert cli.plain(["measure", "box.stl"])._asdict() == by_typer(["box.stl"])
    assert set(output.Wanted._fields) == {parameter.name for parameter in MEASURE.params}


@pytest.mark.parametrize(
    "line",
    ["", "--help", "materials", "measure", "measure --json", "measure -", "measure a --unit", "measure a --weld 1",
     "measure a --unit=mm", "measure a --unit mm --unit cm", "measure a --unit -5", "measure -- a", "measure a --help"],
)  # fmt: skip
def test_anything_else_is_for_typer(line):
    assert cli.plain(line.split()) is None


def test_where_typer_expands_patterns_it_reads_everything(monkeypatch):
    monkeypatch.setattr(cli.os, "name", "nt")

    assert cli.plain(["measure", "box.stl"]) is None


@pytest.mark.parametrize(("file", "code"), [("box.stl", 0), ("missing.stl", 3)])
def test_a_plain_command_prints_and_exits(data, file, code, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["massproof", "measure", str(data / file), "--unit", "mm"])
    with pytest.raises(SystemExit) as stop:
        cli.main()

    assert stop.value.code == code
    assert capsys.readouterr().out.startswith("{\n")


def test_ctrl_c_ends_a_plain_command_without_a_word(data, monkeypatch, capsys):
    def interrupted(wanted):
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "measure", interrupted)
    monkeypatch.setattr(sys, "argv", ["massproof", "measure", str(data / "box.stl")])
    with pytest.raises(SystemExit) as stop:
        cli.main()

    assert (stop.value.code, *capsys.readouterr()) == (130, "", "")


def modules(*arguments):
    """Modules that a command imports, with those that it links for the first time already kept."""
    code = (
        "import sys\n"
        f"sys.argv = {['massproof', *map(str, arguments)]!r}\n"
        "from massproof.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return set(done.stderr.splitlines()[-1].split())


NOT_PLAIN = {"typer", "click", "pydantic", "rich", "llvmlite", "numba", "massproof.commands"}


def test_measuring_a_small_mesh_imports_no_typer_and_no_compiler(data):
    found = modules("measure", data / "box.stl", "--unit", "mm", "--json")

    assert not found & (NOT_PLAIN | {"massproof.kernels.objectcode"})


def test_measuring_a_step_file_imports_no_typer_no_compiler_and_no_open_cascade(data):
    """What it takes is what `massproof measure part.step` waits for."""
    found = modules("measure", data / "box_inch.step", "--json")

    linker = set() if objectcode._IMAGES else {"llvmlite"}
    assert "massproof.exact" in found
    assert not found & (NOT_PLAIN - linker | {"OCP", "massproof.occt", "massproof.enclosure"})


@pytest.mark.skipif(jit.DISABLED or not objectcode._IMAGES, reason="nothing is linked, or LLVM links it")
def test_measuring_a_large_mesh_imports_neither_typer_nor_llvm(tmp_path):
    import struct

    triangle = struct.pack("<12fH", 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    path = tmp_path / "large.stl"
    path.write_bytes(bytes(80) + struct.pack("<I", 60_000) + 60_000 * triangle)
    found = modules("measure", path, "--unit", "mm", "--json", "--check", "closed")

    assert "massproof.kernels.objectcode" in found
    assert not found & NOT_PLAIN
