"""`massproof assert`: budgets and lock files, from the command line to the exit code."""

import json
import os
import shutil
import tomllib
from xml.etree import ElementTree

import pytest
from compare_makers import result
from typer.testing import CliRunner

import massproof as mp
from massproof import asserting, commands, figures, locks
from massproof.budgets import Standing

STEEL = ("--unit", "mm", "--density", "7.85 g/cm^3")


def run(*arguments):
    return CliRunner().invoke(commands.app, ["assert", *map(str, arguments)])


@pytest.fixture
def part(data, tmp_path):
    return shutil.copy(data / "box.stl", tmp_path / "part.stl")


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "props.lock"


def test_every_option_is_a_budget_of_its_property(data):
    """Each holds its own number, met when it is what was measured, missed when it is not."""
    measured = figures.quantities(mp.measure(str(data / "box.stl"), unit="mm", density="7.85 g/cm^3"))
    for option, name in asserting.NAMES.items():
        q = measured[name]
        at = f"{q.value!r} {q.unit.symbol}"
        near, far = (
            f"{at} +- {abs(q.value) / 100 + 1e-6!r} {q.unit.symbol}",
            f">= {abs(q.value) * 2 + 1:g} {q.unit.symbol}",
        )
        option = f"--{option.replace('_', '-')}"

        assert run(data / "box.stl", *STEEL, option, near).exit_code == 0, option
        assert run(data / "box.stl", *STEEL, option, far).exit_code == 1, option


def test_a_table_says_what_is_met_and_why_not(data):
    done = run(
        data / "bracket.stl",
        "--unit",
        "mm",
        "--material",
        "ABS",
        "--mass",
        "<= 44 g",
        "--com-z",
        "12..14 mm",
        "--volume",
        "42.1 cm^3 +- 0.1%",
    )

    assert done.exit_code == 1
    rows = {line.split("  ")[0]: line.split()[-1] for line in done.stdout.splitlines()[2:5]}
    assert rows == {"mass": "STRADDLED", "volume": "MET", "center of mass z": "MISSED"}
    assert "1 of 3 met" in done.stdout
    assert "mass: part of its interval, 42.92925 .. 45.45474 g, is not allowed" in done.stdout
    assert "center of mass z: 0.273997 mm (2.28 %) below 12 mm" in done.stdout
    assert (
        "cause of mass: the width of the interval is mostly the range of the material's density"
        in done.stdout
    )


def test_json_and_junit_hold_the_same(data, tmp_path):
    file = tmp_path / "out.xml"
    done = run(
        data / "bracket.stl",
        *STEEL,
        "--mass",
        "0.4 kg +- 1%",
        "--length",
        "80 mm +- 0.1 mm",
        "--json",
        "--junit",
        file,
    )
    found, suite = json.loads(done.stdout), ElementTree.parse(file).getroot()

    assert done.exit_code == 1
    assert found["met"] is False
    assert [(c["name"], c["standing"], c["from"]) for c in found["checks"]] == [
        ("mass", "MISSED", "--mass"),
        ("bounding_box.length", "MET", "--length"),
    ]
    assert found["checks"][0]["found"]["definition"]["units"]["id"] == "kg"
    assert "below 0.4 kg" in found["checks"][0]["why"]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite.find(".//testcase/failure").get("message").startswith("MISSED: ")
    assert "none is known" in suite.find(".//testcase/failure").text


def test_an_absent_number_is_not_met_and_says_why(data):
    done = run(data / "open_box.stl", *STEEL, "--volume", "<= 1 m^3", "--i1", "<= 1 kg*m^2", "--json")
    checks = json.loads(done.stdout)["checks"]

    assert done.exit_code == 1
    assert [c["standing"] for c in checks] == ["ABSENT", "ABSENT"]
    assert all("does not enclose a volume" in c["why"] for c in checks)
    assert checks[0]["found"] is None
    assert "–" in run(data / "open_box.stl", *STEEL, "--volume", "<= 1 m^3").stdout


def test_an_assumed_unit_is_told_even_where_all_budgets_are_met(data):
    met = run(data / "box.stl", "--volume", "<= 1 m^3")
    missed = run(data / "box.stl", "--volume", ">= 1 m^3", "--length", ">= 1 m")
    found = json.loads(run(data / "box.stl", "--volume", "<= 1 m^3", "--json").stdout)

    assert (met.exit_code, missed.exit_code) == (0, 1)
    for done in (met, missed):
        assert "BOUNDED, unit-assumed: " in done.stdout
        assert done.stdout.count("millimetres are assumed") == 1
    assert "0.999 m (a factor of 0.001) below 1 m" in missed.stdout
    assert "unit-assumed" in [finding["code"] for finding in found["findings"]]


def test_numbers_below_zero_are_budgets_too(data):
    where = ["--com-x", "-1..1 mm", "--com-y", "-0.5 mm +- 1 mm", "--com-z", ">= -1e-3 m"]

    assert run(data / "box.stl", "--unit", "mm", *where).exit_code == 0
    assert "3 mm (100 %) below 3 mm" in run(data / "box.stl", "--com-x", ">= 3 mm").stdout


@pytest.mark.parametrize(("arguments", "code", "why"), [
    ([], 2, "nothing to hold the file to"), (["--mass", "heavy"], 2, "is no budget"), (["--mass", "<= 3 mm"], 2, "unit of length"),
    (["--mass", "<= 1 kg", "--update"], 2, "name it with --baseline"), (["--baseline", "no.lock"], 3, "cannot read the lock file no.lock: No such file or directory; make it with --update"),
    (["--baseline", "no.lock", "--tolerance", "1%"], 2, "--tolerance is that of what --update"), (["--baseline", "no.lock", "--update", "--tolerance", "1 mm"], 2, "must be relative"),
    (["--baseline", "no/no.lock", "--update"], 3, "cannot write"), (["--mass", "<= 1 kg", "--junit", "no/no.xml"], 3, "cannot write no/no.xml"),
])  # fmt: skip
def test_what_means_nothing_is_refused_in_a_sentence(part, tmp_path, monkeypatch, arguments, code, why):
    monkeypatch.chdir(tmp_path)
    done = run(part, *STEEL, *arguments)

    assert (done.exit_code, done.stderr.count("\n")) == (code, 1), done.output
    assert why in done.stderr


# Lock files.


def test_what_was_locked_is_held(part, lock):
    made = run(part, *STEEL, "--baseline", lock, "--update")
    held = run(part, "--baseline", lock)  # measured as it was locked

    assert (made.exit_code, held.exit_code) == (0, 0), made.output + held.output
    assert f"{lock} is written: 19 properties are locked" in made.stdout.replace("\n", "")
    assert "nothing is held" in made.stdout
    assert "19 of 19 met" in held.stdout
    assert "the file is the one that was locked, byte for byte" in held.stdout
    names = list(tomllib.loads(lock.read_text())["part"]["part.stl"]["properties"])
    assert names == sorted(locks.NAMES)


def test_a_lock_is_stable_and_sorted_and_keeps_what_is_yours(part, data, lock):
    run(part, *STEEL, "--baseline", lock, "--update")
    run(
        shutil.copy(data / "box.stl", lock.parent / "a box.stl"),
        "--unit",
        "mm",
        "--baseline",
        lock,
        "--update",
        "--tolerance",
        "1%",
    )
    text = lock.read_text()
    run(part, "--baseline", lock, "--update")

    assert lock.read_text() == text
    assert text.index('[part."a box.stl"]') < text.index('[part."part.stl"]')
    assert locks.load(str(lock))["a box.stl"].properties["volume"].tolerance == "1%"
    lock.write_text(text.replace('tolerance = "0.1%"', 'tolerance = "3%"'))
    run(part, "--baseline", lock, "--update")
    assert lock.read_text() == text.replace('tolerance = "0.1%"', 'tolerance = "3%"')
    assert [path.name for path in lock.parent.iterdir() if path.name.startswith(".")] == []


def test_the_same_digits_are_held_with_no_tolerance_at_all(part, lock):
    run(part, *STEEL, "--baseline", lock, "--update", "--tolerance", "0%")

    assert run(part, "--baseline", lock).exit_code == 0


def test_a_part_that_has_changed_fails_and_an_update_says_what(part, data, lock):
    run(part, *STEEL, "--baseline", lock, "--update")
    shutil.copy(data / "overlapping.stl", part)
    changed = run(part, "--baseline", lock)
    updated = run(part, "--baseline", lock, "--update")

    assert changed.exit_code == 1
    assert "the file has changed since it was locked" in changed.stdout
    assert "which it was when it was locked" in changed.stdout
    assert "→" in updated.stdout
    assert run(part, "--baseline", lock).exit_code == 0


def test_another_density_is_named_as_the_cause(part, lock):
    run(part, *STEEL, "--baseline", lock, "--update")
    done = run(part, "--density", "2.7 g/cm^3", "--baseline", lock)

    assert done.exit_code == 1
    assert (
        "measured with density 2.7 g/cm^3, unit mm; when it was locked, with density 7.85 g/cm^3, unit mm"
        in done.stdout.replace("\n", " ")
    )
    assert (
        "density (93 % sure): 2700 kg/m³ was taken, and what is expected would be 7850 kg/m³ at this volume"
        in done.stdout.replace("\n", " ")
    )


def test_a_property_that_comes_or_goes_is_told(part, lock):
    run(part, "--unit", "mm", "--baseline", lock, "--update")
    more = run(part, *STEEL, "--baseline", lock)
    added = run(part, *STEEL, "--baseline", lock, "--update")
    held = locks.load(str(lock))["part.stl"]
    locks.save({"part.stl": locks.Part(held.sha256, held.massproof, {}, held.properties)}, str(lock))
    less = run(part, "--baseline", lock)

    assert more.exit_code == 0
    assert "not in the lock file, so not held: density, mass, inertia xx" in more.stdout
    assert "mass: locked now" in added.stdout
    assert less.exit_code == 1
    assert "mass: no density is known" in less.stdout
    assert "measured with no options" not in less.stdout
    assert "mass: no longer locked, for there is none" in run(part, "--baseline", lock, "--update").stdout
    assert (
        "measured with unit mm; when it was locked, with no options"
        in run(part, "--unit", "mm", "--baseline", lock).stdout
    )


def test_a_part_that_is_not_in_the_lock_is_no_pass(part, data, lock):
    run(part, *STEEL, "--baseline", lock, "--update")
    done = run(data / "box.stl", *STEEL, "--baseline", lock)

    assert done.exit_code == 2
    assert "it holds part.stl; add it with --update" in done.stderr


def test_an_interval_that_has_become_wider_is_not_held(part, lock):
    """A density known within a range breaks no lock that was made so, and one that was made with a density alone."""
    run(part, "--unit", "mm", "--density", "1.04 g/cm^3", "--baseline", lock, "--update")
    wider = run(part, "--material", "ABS", "--baseline", lock, "--json")
    found = {check["name"]: check for check in json.loads(wider.stdout)["checks"]}
    run(part, "--material", "ABS", "--baseline", lock, "--update")

    assert wider.exit_code == 1
    assert found["mass"]["standing"] == "STRADDLED"
    assert found["mass"]["why"] == "the value is as it was, and its interval has become wider"
    assert found["volume"]["standing"] == "MET"
    assert run(part, "--baseline", lock).exit_code == 0


def test_ends_that_are_none_are_locked_as_such_and_can_only_become_narrower():
    q = result({"mass": 2.0}, half={"mass": float("inf")})
    part = locks.locked(q, {})
    tight = result({"mass": 2.0}, half={"mass": 0.1})

    assert part.properties["mass"].interval == ("any", "any")
    assert part.properties["mass"].judge(q.mass, "")
    assert part.properties["mass"].judge(tight.mass, "")
    assert locks.locked(tight, {}).properties["mass"].judge(q.mass, "").standing is Standing.STRADDLED


def test_tolerances_of_what_may_be_zero_are_those_of_the_body(part, lock):
    run(part, *STEEL, "--baseline", lock, "--update")
    held = locks.load(str(lock))["part.stl"].properties

    assert held["center_of_mass.y"].tolerance == "0.0037 mm"  # a thousandth of the diagonal, 3.7 mm
    assert held["inertia.xy"].tolerance.endswith("g*mm^2")
    assert held["mass"].tolerance == "0.1%"


GOOD = 'mass = { value = "1 kg", interval = ["1 kg", "any"], tolerance = "1%" }'


@pytest.mark.parametrize(("text", "why"), [
    ("lock = 2", "begins with lock = 2"), ("lock", "no lock file"), ("lock = 1\npart = 3", "part is 3, not a table"), ('lock = 1\n[part]\na = "b"', 'a is "b", not a table'),
    ("lock = 1\n[part.a]\noptions = { colour = 'red' }", "known are unit"), ("lock = 1\n[part.a]\noptions = { unit = 3 }", "known are unit"),
    ("lock = 1\n[part.a.properties]\nweight = 3", "weight of a is no property"), ("lock = 1\n[part.a.properties]\nmass = 3", "mass of a is 3, not a table"),
    ("lock = 1\n[part.a.properties]\n" + GOOD.replace('["1 kg", "any"]', "3"), "not two ends"), ("lock = 1\n[part.a.properties]\n" + GOOD.replace('"1 kg",', '"1",'), "is no mass with its unit"),
    ("lock = 1\n[part.a.properties]\n" + GOOD.replace('"1%"', '"some"'), "is no tolerance"), ("lock = 1\n[part.a.properties]\n" + GOOD.replace('["1 kg"', '["1 mm"'), "unit of length"),
    ("lock = 1\nx = " + "[" * 100_000, "maximum recursion depth"), ("lock = " + "9" * 5000, "4300 digits"), ("lock = 1\n[parts.a]", 'the file has "parts"'),
    ("lock = 1\n[part.a.propertys]\n" + GOOD, 'a has "propertys", and known are sha256'), ("lock = 1\n[part.a.properties]\n" + GOOD.replace("tol", "Tol"), 'mass of a has "Tolerance"'),
])  # fmt: skip
def test_a_lock_file_that_is_none_is_refused(part, lock, text, why):
    lock.write_text(text)
    done = run(part, *STEEL, "--baseline", lock)

    assert (done.exit_code, done.stderr.count("\n")) == (3, 1), done.output
    assert why in done.stderr


def test_a_part_that_is_held_to_nothing_is_no_pass(part, lock):
    lock.write_text('lock = 1\n[part."part.stl"]\nsha256 = "x"\n')
    done = run(part, *STEEL, "--baseline", lock)

    assert done.exit_code == 2
    assert "holds 'part.stl' to nothing; lock its properties with --update" in done.stderr
    assert run(part, *STEEL, "--baseline", lock, "--mass", "> 0 g").exit_code == 0
    assert run(part, *STEEL, "--baseline", lock, "--update").exit_code == 0


def test_a_lock_file_may_hold_parts_that_nobody_asks_for(part, lock):
    run(part, *STEEL, "--baseline", lock, "--update")
    lock.write_text(lock.read_text() + "\n[part.other.properties]\n" + GOOD)

    assert run(part, "--baseline", lock).exit_code == 0
    lock.write_bytes(b"\xef\xbb\xbf" + lock.read_bytes())  # as editors of Windows begin a file
    assert run(part, "--baseline", lock).exit_code == 0


def test_bytes_that_are_no_text_are_no_lock_file(part, lock):
    lock.write_bytes(b"lock = 1 \xff")

    assert "byte 9 is not UTF-8" in run(part, "--baseline", lock).stderr


def test_names_are_written_so_that_toml_reads_them(tmp_path, lock):
    names = ['a"b', "a\\b", "a\x7fb", "a\x01b", "ä 部品", "a.b"]
    part = locks.locked(result({"mass": 2.0}), {})
    locks.save(dict.fromkeys(names, part), str(lock))

    assert set(locks.load(str(lock))) == set(names)
    with pytest.raises(mp.InputError, match="the name of a part in it is no text"):
        locks.save({"a\udcff": part}, str(lock))
    assert set(locks.load(str(lock))) == set(names)  # the old one is still there


def test_a_lock_that_cannot_be_replaced_leaves_nothing_behind(lock, monkeypatch):
    lock.write_text("lock = 1\n")
    mode = lock.stat().st_mode
    locks.save({}, str(lock))
    assert lock.stat().st_mode == mode
    lock.chmod(0o640)
    locks.save({}, str(lock))
    assert lock.stat().st_mode & 0o777 == 0o640
    lock.unlink()
    lock.mkdir()

    with pytest.raises(mp.InputError, match=r"cannot write .*Is a directory"):
        locks.save({}, str(lock))
    assert [path.name for path in lock.parent.iterdir()] == ["props.lock"]


def test_a_part_on_another_drive_is_called_by_its_whole_path(monkeypatch, tmp_path):
    def relative(*_):
        raise ValueError

    monkeypatch.setattr(os.path, "relpath", relative)
    assert locks.key(str(tmp_path / "a.stl"), "props.lock") == (tmp_path / "a.stl").as_posix()
