"""`massproof compare`, and a comparison as a table, JSON, JUnit XML and a page."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from compare_makers import result
from typer.testing import CliRunner

import massproof as mp
from massproof import beside, commands, comparing, junit, pages
from massproof.rows import Outcome

SCALARS = {"area": 0.0022, "volume": 6e-6, "density": 2700.0, "mass": 0.0162}
BOX = {f"bounding_box.{side}": x for side, x in (("length", 0.01), ("width", 0.02), ("height", 0.03))}


def run(*arguments):
    return CliRunner().invoke(commands.app, ["compare", *map(str, arguments)])


@pytest.fixture
def inches(data):
    """A box that is read in inches, and what a service says of it in millimetres."""
    return [data / "box.stl", data.parent / "docs/examples/box_zoo.json", "--unit", "inch"]


def different(**more):
    return mp.compare(
        result(SCALARS | BOX, name="left.stl"),
        result(SCALARS | BOX | more, name="right.step"),
        profile="exact",
    )


class Page(HTMLParser):
    """What a browser shows, and which tags are there; tags that are not closed are a mistake."""

    VOID = ("meta", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_compare_exits_with_0_where_sides_agree_and_1_where_they_do_not(data, inches):
    file, answer, *_ = inches
    agrees, disagrees = run(file, answer, "--unit", "mm"), run(*inches)

    assert (agrees.exit_code, disagrees.exit_code) == (0, 1)
    assert json.loads(agrees.stdout)["verdict"] == "AGREE"
    found = json.loads(disagrees.stdout)
    assert found["verdict"] == "DISAGREE"
    assert found["diagnoses"][0]["code"] == "length-unit"
    names = {row["name"] for row in found["rows"] if row["verdict"] == "INCOMPARABLE"}
    assert {"radii_of_gyration.1"} <= names


def test_any_two_things_are_compared(data, tmp_path):
    """A file, an answer, a cassette, a report: each with each."""
    report = tmp_path / "report.json"
    measured = mp.measure(str(data / "box.stl"), unit="mm", density="2.7 g/cm^3")
    report.write_text(json.dumps(measured.to_dict()))
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(measured.to_dict("onshape")))
    things = [data / "box.stl", report, answer, data.parent / "docs/examples/box_zoo.json"]
    for one in things:
        for two in things:
            assert run(one, two, "--unit", "mm", "--density", "2.7 g/cm^3").exit_code == 0, (one, two)


def test_options_are_those_of_measure_and_of_answers(data, tmp_path):
    file = tmp_path / "box"
    file.write_bytes((data / "box.stl").read_bytes())

    assert (
        run(file, data / "box.stl", "--format", "stl", "--material", "Steel", "--profile", "zoo").exit_code
        == 0
    )
    assert run(file, file, "--format", "stl", "--mass", "3 g", "--unit", "mm").exit_code == 0


@pytest.mark.parametrize(("arguments", "code", "why"), [
    (["--profile", "guess"], 2, "unknown profile"), (["--json", "--table"], 2, "choose one of --json and --table"), (["--html", "no/no.html"], 3, "cannot write no/no.html: No such"),
    (["--unit", "parsec"], 2, "unknown unit"), (["--dialect", "guess"], 2, "unknown dialect"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_in_a_sentence(inches, arguments, code, why):
    done = run(*inches[:2], *arguments)

    assert (done.exit_code, done.stderr.count("\n")) == (code, 1), done.output
    assert why in done.stderr


def test_a_missing_file_is_3_and_a_missing_extra_6(data, monkeypatch):
    def missing(*_, **__):
        raise mp.MissingExtra(what="this", extra="step")

    assert run(data / "no.stl", data / "box.stl").exit_code == 3
    monkeypatch.setattr(comparing, "compare", missing)
    assert run(data / "box.stl", data / "box.stl").exit_code == 6


def test_a_check_gives_the_same_reports(data, tmp_path):
    files = ["--html", str(tmp_path / "a.html"), "--junit", str(tmp_path / "a.xml")]
    given = [
        str(data / "box.stl"),
        "--unit",
        "mm",
        "--replay",
        str(data.parent / "docs/examples/box_zoo.json"),
    ]
    done = CliRunner().invoke(commands.app, ["check", *given, "--table", *files])

    assert done.exit_code == 0
    assert "AGREE by the profile zoo" in done.stdout
    assert "AGREE" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert ElementTree.parse(tmp_path / "a.xml").getroot().get("failures") == "0"


# The table.


def table(comparison, width=100):
    return beside.plain(beside.lines(comparison, width))


def test_the_table_shows_both_values_in_units_that_a_person_would_choose():
    lines = table(different(volume=6.06e-6))

    assert lines[0] == "left left.stl (made, mm) SOUND"
    assert lines[2] == "DISAGREE by the profile exact: the intervals of both sides alone"
    assert lines[3].split() == [
        "property",
        "left.stl",
        "right.step",
        "unit",
        "difference",
        "relative",
        "tolerance",
        "verdict",
    ]
    row = next(line for line in lines if line.startswith("volume"))
    assert row.split() == ["volume", "6000.000", "6060.000", "mm³", "+60", "0.99", "%", "0", "DISAGREE"]
    assert "too far apart: volume (exact: intervals alone)" in lines


def test_columns_are_as_wide_as_what_is_in_them_and_a_narrow_terminal_gets_fewer():
    wide, narrow = table(different(volume=6.06e-6)), table(different(volume=6.06e-6), 80)

    assert len({line.rfind("  ") for line in wide[3:8]}) == 1
    assert "relative" not in narrow[3]
    assert "0.99 %" not in "\n".join(narrow)


def test_a_disagreement_without_a_known_cause_says_so():
    assert table(different(volume=6.06e-6))[-1].startswith("cause: none that is known explains this")
    assert table(different())[-1].startswith("height")


def test_what_is_not_compared_is_listed_once_for_each_reason():
    left = result(SCALARS | BOX, name="left.stl")
    right = result(
        {"volume": 6e-6},
        name="a name that is too long for a column.step",
        absent={"mass": "unknown density", "area": "nobody asked"},
    )
    lines = table(mp.compare(left, right, profile="exact"))

    assert "not compared: area: right has none: nobody asked" in lines
    assert "not compared: mass: right has none: unknown density" in lines
    assert "not compared: density, length, width, height: right has none" in lines
    assert lines[3].split()[1:3] == ["left", "right"]


def test_nothing_compared_is_no_table_and_no_agreement():
    nothing = mp.compare(result({"mass": 1.0}), result({"area": 1.0}), profile="exact")

    assert table(nothing)[2].startswith("INCOMPARABLE")
    assert not any(line.startswith("property") for line in table(nothing))
    assert "nothing could be compared" in Page(pages.page(nothing)).text
    assert junit.comparison(nothing).count("<failure") == 1


@pytest.mark.parametrize(("left", "right", "shown"), [
    (6e-6, 6e-6, ("6000", "6000", "0")), (6e-6, 6e-6 * (1 + 1e-9), ("6000.0000000", "6000.0000060", "1.0e-09")), (6e-6, 6e-6 * (1 + 2e-16), ("6000", "6000", "0")),
    (6e-6, 6e-9, ("6000", "6", "99.9 %")), (6.0, 6.1, ("6e+09", "6.1e+09", "1.64 %")),
])  # fmt: skip
def test_values_have_the_digits_that_show_the_difference(left, right, shown):
    row = beside.shown(mp.compare(result({"volume": left}), result({"volume": right}), profile="exact"))[0]

    assert (row.left, row.right, row.relative) == shown


def test_what_is_far_below_the_size_of_the_body_is_shown_as_zero():
    at = {"center_of_mass.x": 1e-18} | BOX
    row = beside.shown(mp.compare(result(at), result(at | {"center_of_mass.x": 1e-4}), profile="exact"))[0]
    lone = beside.shown(
        mp.compare(result({"center_of_mass.x": 0.0}), result({"center_of_mass.x": 1.0}), profile="exact")
    )[0]

    assert (row.left, row.right) == ("0", "0.10000")
    assert lone.relative == "∞"


def test_reasons_are_in_the_unit_of_their_row():
    row = next(row for row in beside.shown(different(volume=6.06e-6)) if row.label == "volume")

    assert row.because == "exact: intervals alone; the intervals miss each other by 60 mm³"


def test_colours_are_for_terminals_and_for_verdicts(monkeypatch, capsys):
    comparison = different(volume=6.06e-6)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    beside.show(beside.lines(comparison))
    coloured = capsys.readouterr().out
    monkeypatch.delenv("FORCE_COLOR")
    beside.show(beside.lines(comparison))
    bare = capsys.readouterr().out

    assert "\x1b[1;31mDISAGREE" in coloured
    assert "\x1b[32mAGREE" in coloured
    assert set(re.findall(r"\x1b\[(?:\d;)*3\dm(\w+)", coloured)) == {"DISAGREE", "AGREE"}
    assert "\x1b" not in bare
    assert bare.splitlines() == table(comparison)


def test_str_of_a_comparison_is_short_and_says_what_differs():
    some = different(**{name: 2 * x for name, x in SCALARS.items()}, **{"bounding_box.length": 1.0})

    assert (
        repr(some)
        == "<left.stl against right.step: DISAGREE by exact: 5 of 7 differ, area, volume, density, mass, ...>"
    )
    assert repr(different()) == "<left.stl against right.step: AGREE by exact>"


# JUnit.


def test_junit_has_a_case_for_each_property(inches, tmp_path):
    file = tmp_path / "out.xml"
    done = run(*inches, "--junit", file, "--json")
    suites, rows = ElementTree.parse(file).getroot(), json.loads(done.stdout)["rows"]
    suite = suites.find("testsuite")
    became = {case.get("name"): {part.tag for part in case} for case in suite.findall("testcase")}
    outcomes = {"DISAGREE": {"failure"}, "INCOMPARABLE": {"skipped"}}

    assert became == {beside.label(row["name"]): outcomes.get(row["verdict"], set()) for row in rows}
    for one in (suites, suite):
        assert int(one.get("tests")) == len(rows)
        assert int(one.get("failures")) == sum(row["verdict"] == "DISAGREE" for row in rows)
        assert int(one.get("skipped")) == sum(row["verdict"] == "INCOMPARABLE" for row in rows)
    assert suite.find("testcase/failure").text.startswith("cause: length-unit")
    assert "DISAGREE by the profile zoo" in suite.find("system-out").text


def test_what_xml_cannot_hold_is_escaped():
    name = "a\x00b<&\"'\ud800\n.stl"
    text = junit.suite(name, [junit.Case(name, name, "", name), junit.Case(name, "", name)])
    suite = ElementTree.fromstring(text.encode()).find("testsuite")

    assert suite.get("name") == "a\\x00b<&\"'\\ud800\\n.stl"
    assert suite.find("testcase/failure").text == "a\\x00b<&\"'\\ud800\n.stl"
    assert suite.find("system-out") is None


# The page.


def test_the_page_stands_alone_and_holds_everything(inches, tmp_path):
    file = tmp_path / "out.html"
    done = run(*inches, "--html", file, "--json")
    page, found = Page(file.read_text(encoding="utf-8")), json.loads(done.stdout)

    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not [a for _, a in page.tags if {"src", "href"} & {*a}]
    assert "url(" not in file.read_text(encoding="utf-8")
    for row in found["rows"]:
        assert beside.label(row["name"]) in page.text
    for text in (
        "DISAGREE",
        "0.03410007",
        "22",
        "length-unit",
        found["diagnoses"][0]["message"],
        "Not compared",
        "this API has no inertia",
        "profile zoo",
    ):
        assert text in page.text
    assert "prefers-color-scheme: dark" in file.read_text(encoding="utf-8")


def test_what_comes_from_files_is_escaped_on_the_page():
    evil = "<script>alert('1')</script>&\"\x1b[31m"
    left = result(SCALARS, name=evil, format=evil, absent={"area": evil})
    right = result({"volume": 7e-6}, name="b", absent={"mass": evil, "density": evil, "area": evil})
    text = pages.page(mp.compare(left, right, profile="exact"))

    assert "script" not in {tag for tag, _ in Page(text).tags}
    assert text.count("&lt;script&gt;") >= 4
    assert "\x1b" not in text
    assert evil.replace("\x1b", "\\x1b") in Page(text).text


def test_the_page_of_an_agreement_has_no_cause_and_of_an_open_mesh_says_unsafe(data):
    agrees = pages.page(different())
    opened = pages.page(mp.compare(str(data / "open_box.stl"), str(data / "box.stl"), unit="mm"))

    assert 'class="cause"' not in agrees
    assert "Not compared" not in agrees
    assert "cause unknown" in pages.page(different(volume=6.06e-6))
    assert '<span class="DISAGREE">UNSAFE</span>' in opened
    assert "no-density" in opened


def test_reports_cost_nothing_until_they_are_asked_for():
    code = "import massproof.comparing, sys; print(*[n for n in ('massproof.pages', 'massproof.junit', 'rich', 'numpy') if n in sys.modules])"

    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == ""
    )


def test_meanings_are_there_for_every_outcome():
    assert {*pages._MEANING} == {*Outcome} == {*beside.STYLE}
