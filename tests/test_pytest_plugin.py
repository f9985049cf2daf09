"""The pytest plugin, in projects that are not this one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Loaded here, so that a run inside of this one does not load them a second time.
import massproof as mp
import massproof.explained
import massproof.pytest_plugin
from massproof.comparison import FOLDERS

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent


@pytest.fixture
def project(pytester, data, monkeypatch):
    """A scratch project with a part and an answer in its folder of tests, and another part at its root."""
    monkeypatch.delenv(
        "CI", raising=False
    )  # there pytest prints a whole assertion a second time, in its summary
    pytester.makeini("[pytest]\n")
    folder = pytester.mkdir("tests")
    shutil.copy(data / "bracket.stl", folder / "bracket.stl")
    shutil.copy(data / "box.stl", pytester.path / "box.stl")
    shutil.copy(ROOT / "docs/examples/box_zoo.json", folder / "box_zoo.json")
    return pytester


def run(project, *lines, plugin="massproof.pytest_plugin"):
    """Run a test of these lines; what it printed."""
    body = "\n    ".join(lines)
    (project.path / "tests/test_part.py").write_text(
        f"import massproof as mp\ndef test_part(mass_of, cloud):\n    {body}\n", encoding="utf-8"
    )
    return project.runpytest_inprocess("-p", plugin, "-p", "no:cacheprovider", "tests")


def test_a_failing_mass_says_both_values_the_difference_the_tolerance_and_the_cause(project):
    """The acceptance of issue 5, in a process of its own."""
    (project.path / "tests/test_mass.py").write_text(
        "import massproof as mp\n"
        "def test_mass(mass_of):\n"
        "    part = mass_of('bracket.stl', unit='mm', density='2.7 g/cm^3')\n"
        "    assert part.mass == mp.within('330.4 g', rel=0.002)\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "massproof", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=project.path, env=os.environ | {"NUMBA_DISABLE_JIT": "1", "CI": "", "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True)  # fmt: skip
    lines = [line.removeprefix("E").strip() for line in done.stdout.splitlines()]

    assert done.returncode == 1, done.stderr
    assert "AssertionError: assert mass of bracket.stl == within('330.4 g +- 0.2%')" in lines
    assert "measured   113.636542 g in [113.636241, 113.636843]" in lines
    assert "expected   330.4 g +- 0.2%" in lines
    assert "difference 216.763 g (65.6 %) below 330.4 g" in lines
    assert "tolerance  0.6608 g" in lines
    assert any(
        line.startswith(
            "cause      density (89 % sure): 2700 kg/m³ was taken, and what is expected would be 785"
        )
        for line in lines
    )


@pytest.mark.parametrize("plugin", ["massproof", "massproof.pytest_plugin"])
def test_it_is_one_plugin_by_any_name(project, plugin):
    run(
        project, "assert mass_of('box.stl', unit='mm').volume == mp.within('6 mm^3', rel=1e-5)", plugin=plugin
    ).assert_outcomes(passed=1)


def test_the_entry_point_is_called_as_the_module_is():
    """Else `-p massproof.pytest_plugin` and the entry point would be two plugins, which pytest refuses."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["entry-points"]["pytest11"] == {"massproof.pytest_plugin": "massproof.pytest_plugin"}
    assert mp.pytest_plugins == ("massproof.pytest_plugin",)


def test_loading_it_costs_no_numpy():
    code = "import massproof.pytest_plugin, sys; print(*[n for n in ('numpy', 'numba', 'rich', 'typer', 'massproof.diagnoses') if n in sys.modules])"

    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == ""
    )


def test_paths_are_those_of_the_test_and_then_of_the_root(project):
    run(
        project, "assert mass_of('bracket.stl', unit='mm').volume and mass_of('box.stl', unit='mm').volume"
    ).assert_outcomes(passed=1)
    done = run(project, "mass_of('no.stl')")
    done.stdout.fnmatch_lines(["*InputError: there is no no.stl: looked for *tests/no.stl and */no.stl"])


def test_a_false_comparison_shows_its_table_and_the_cause(project):
    done = run(project, "assert mass_of('box.stl', unit='inch').agrees_with('box_zoo.json', profile='zoo')")

    done.stdout.fnmatch_lines([
        "E*AssertionError: assert <box.stl against zoo: DISAGREE by zoo: 11 of 14 differ, area, volume, *",
        "E *property *box.stl *zoo *unit*difference*relative*tolerance*verdict",
        "E *volume * 6 *0.0003661425 *in³ *DISAGREE",
        "E *not compared: gyration 1*",
        "E *cause: length-unit (over 99 % sure): *25.4*",
    ])  # fmt: skip
    done.assert_outcomes(failed=1)


def test_a_comparison_that_has_a_name_shows_its_table_too(project):
    done = run(
        project,
        "found = mp.compare(mass_of('box.stl', unit='inch'), 'tests/box_zoo.json')",
        "same = mp.compare(mass_of('box.stl'), mass_of('box.stl'))",
        "assert same",
        "assert found, 'of the box'",
    )

    done.stdout.fnmatch_lines(["E*AssertionError: of the box", "E *cause: length-unit*"])
    assert str(done.stdout).count("cause: ") == 1


def test_a_unittest_shows_it_too(project):
    (project.path / "tests/test_case.py").write_text(
        "import unittest, massproof as mp\n"
        "class Test(unittest.TestCase):\n"
        "    def test_box(self):\n"
        "        self.assertTrue(mp.compare(mp.measure('box.stl', unit='inch'), 'tests/box_zoo.json'))\n"
    )
    done = project.runpytest_inprocess("-p", "massproof.pytest_plugin", "-p", "no:cacheprovider", "tests")

    done.stdout.fnmatch_lines(
        ["E*AssertionError: <box.stl against zoo: DISAGREE*> is not true", "E*cause: length-unit*"]
    )


def test_other_failures_are_left_alone(project):
    for lines in (
        ["assert 1 == 2"],
        ["assert 2 < 1"],
        ["raise ValueError"],
        ["found = mp.compare(mass_of('box.stl', unit='inch'), 'tests/box_zoo.json')", "assert 1 == 2"],
        ["assert mp.within('1 g', rel=1) == mp.within('1 g', rel=1)"],
        ["assert mass_of('box.stl').volume < 3"],
    ):
        done = run(project, *lines)

        done.assert_outcomes(failed=1)
        assert "cause" not in str(done.stdout)


def test_an_absent_property_is_told(project):
    done = run(project, "assert mass_of('box.stl', unit='mm').mass == mp.within('1 g', rel=0.1)")

    done.stdout.fnmatch_lines(
        ["E*assert None == within('1 g +- 10%')", "E*there is no number: `absent` of the result says why"]
    )


def test_a_number_is_named_by_its_part_whichever_side_it_stands_on(project):
    done = run(
        project,
        "part = mass_of('box.stl', unit='mm', mass='3 g')",
        "assert mp.within('3 mm', abs='1 um') == part.bounding_box.length",
    )

    done.stdout.fnmatch_lines(
        [
            "E*assert bounding_box.length of box.stl == within('3 mm +- 1 um')",
            "E*cause *none is known that explains a factor of 0.333333*",
        ]
    )


def test_a_number_whose_part_is_not_known_is_explained_by_itself(project):
    done = run(
        project,
        "mass_of('box.stl', unit='mm')",
        "mass = mp.measure('box.stl', unit='mm', mass='3 g').mass",
        "assert mp.within('3 kg', rel=0.1) == mass",
    )

    done.stdout.fnmatch_lines(["E*assert 0.003 kg == within('3 kg +- 10%')", "E*cause *"])


def test_services_answer_in_their_own_form(project):
    run(
        project,
        "part = mass_of('box.stl', unit='mm', density='7.85 g/cm^3')",
        "for name in ('zoo', 'mfgdm', 'derivative', 'onshape'):",
        "    answer = getattr(cloud, name)('box.stl', unit='mm', density='7.85 g/cm^3')",
        "    assert answer.source.format == name",
        "    assert part.agrees_with(answer)",
        "assert cloud.zoo('box_zoo.json').volume == mp.within('6 mm^3', rel=1e-6)",
        "assert cloud.onshape.json('box.stl', unit='mm')['bodies']",
    ).assert_outcomes(passed=1)


def test_an_answer_of_another_service_is_refused(project):
    done = run(project, "cloud.onshape('box_zoo.json')")

    done.stdout.fnmatch_lines(["*UsageError: box_zoo.json holds an answer of zoo, not of onshape"])


def test_folders_are_those_of_a_test_only_while_it_runs(project, data, monkeypatch):
    before = FOLDERS.get()
    run(
        project,
        f"assert __import__('sys').modules['massproof.comparison'].FOLDERS.get()[0] == {str(project.path / 'tests')!r}",
    ).assert_outcomes(passed=1)

    assert FOLDERS.get() == before == ()
    monkeypatch.chdir(data)
    assert mp.measure("box.stl", unit="mm").agrees_with("box.stl", unit="mm")
    assert mp.measure("box.stl", unit="mm").agrees_with(mp.measure("box.stl", unit="mm"))


def test_a_project_that_does_not_use_it_sees_nothing_of_it(pytester):
    pytester.makepyfile("def test_one():\n    assert [1] == [2]\n")
    with_plugin = pytester.runpytest_inprocess("-p", "massproof.pytest_plugin", "-p", "no:cacheprovider")
    without = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    def failure(done):
        return [line for line in done.stdout.lines if line.startswith("E")]

    assert failure(with_plugin) == failure(without) != []
