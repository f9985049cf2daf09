"""The promises of the house itself: light imports, no vendor words below the dialects, current docs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src/massproof"
HEAVY = {
    "numba",
    "OCP",
    "trimesh",
    "cadquery",
    "scipy",
    "rich",
    "typer",
    "httpx",
    "kittycad",
    "starlette",
    "granian",
    "graphql",
    "dbos",
}


@pytest.mark.parametrize(
    ("code", "allowed"),
    [("import massproof", set()), ("import massproof.cli", set()), ("import massproof; massproof.measure('data/box.stl', unit='mm')", set())],
    ids=["package", "command line", "one small mesh"],
)  # fmt: skip
def test_imports_stay_light(code, allowed):
    """Start-up time is measured in benchmarks; here is what it depends on."""
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert not set(done.stdout.split()) & (HEAVY - allowed)


def test_the_package_itself_needs_no_numpy():
    done = subprocess.run(
        [sys.executable, "-c", "import massproof, sys; print('numpy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "False"


def test_vendor_words_stay_below_the_dialects():
    """`displayValue` and `definition` are ours by decision of the native form; these are not."""
    words = re.compile(r"physicalProperties|output_unit|componentVersion|massproperties|COMPLETED")
    found = [
        f"{path.relative_to(SRC)}: {words.search(text)[0]}"
        for path in SRC.rglob("*.py")
        if "dialects" not in path.parts and words.search(text := path.read_text())
    ]

    assert found == []


def test_every_public_name_has_a_docstring():
    import massproof as mp

    assert [name for name in mp.__all__ if not getattr(mp, name).__doc__] == []


# Functions that are one list of options, arguments or formulas, and longer than the rule for that reason.
LISTS = {
    "commands.py:check_remotely",
    "commands.py:measure",
    "enclosure.py:_why_open",
    "measure.py:measure",
    "part21.py:parameters",  # one grammar, whose split would cost as much as it reads
    "properties.py:_native",
    "scan.py:add_integrals",
    "topology.py:_topology",
    "topology.py:_shells",
}


def test_functions_and_modules_stay_small():
    """Rule 12 of the house: at most 30 lines a function without its docstring, 600 a module."""
    long = []
    for path in SRC.rglob("*.py"):
        text = path.read_text()
        if text.count("\n") > 600:
            long.append(path.name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = node.end_lineno - body[0].lineno + 1 if body else 0
                if lines > 30 and f"{path.name}:{node.name}" not in LISTS:
                    long.append(f"{path.name}:{node.name} has {lines} lines")

    assert long == []


def test_the_changelog_has_a_heading_for_the_version():
    from massproof import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
