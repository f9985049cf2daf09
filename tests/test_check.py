"""`massproof check`: from a file and a service to one verdict, and the same again from a cassette."""

import copy
import json
import re
import sys

import pytest
from fakes import ENVIRON, TOKEN, serving
from typer.testing import CliRunner

import massproof as mp
from massproof import cassettes, check, commands, dialects
from massproof.diagnoses import Diagnosis
from massproof.rows import Outcome

ZOO = {
    "volume": "volume",
    "surface_area": "surface-area",
    "center_of_mass": "center-of-mass",
    "bounding_box": "bounding-box",
    "mass": "mass",
}
DENSITY = "7.85 g/cm^3"
GIVEN = ("--unit", "mm", "--density", DENSITY)


def run(*arguments):
    return CliRunner().invoke(commands.app, ["check", *map(str, arguments)])


@pytest.fixture
def box(data):
    return data / "box.stl"


@pytest.fixture
def here(box):
    return mp.measure(str(box), unit="mm", density=DENSITY)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in (
        "KITTYCAD_API_TOKEN",
        "ZOO_HOST",
        "APS_CLIENT_ID",
        "APS_CLIENT_SECRET",
        "ONSHAPE_API",
        "ONSHAPE_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def zoo_answers(result, factor=1.0):
    """What Zoo would say of a result, its volume off by a factor."""
    said = dict(zip(ZOO, dialects.shapes("zoo").emit(result, endpoints=list(ZOO)), strict=True))
    answers = {ZOO[name]: [(201, copy.deepcopy(answer), None)] for name, answer in said.items()}
    answers["volume"][0][1]["volume"] *= factor
    return answers


def services(result):
    """service → the answers of a whole conversation about `result`, and the options that ask for it."""
    shapes = dialects.shapes
    views = {"data": {"metadata": [{"name": "Scene", "role": "3d", "guid": "g"}]}}
    bodies = shapes("onshape").emit(result)
    v3, derived = shapes("mfgdm").emit(result, placement="v3"), shapes("derivative").emit(result)
    return {
        "zoo": (zoo_answers(result), []),
        "mfgdm": ({"public": [(200, v3, None)]}, ["--model", "m"]),
        "derivative": ({"manifest": [(200, {"status": "success"}, None)], "metadata": [(200, views, None)], "properties": [(200, derived, None)]}, ["--urn", "u"]),
        "onshape": ({"elements": [(200, [{"id": "e", "elementType": "PARTSTUDIO"}], None)], "massproperties": [(200, bodies, None)]}, ["--document", "d", "--workspace", "w", "--element", "e"]),
    }  # fmt: skip


@pytest.mark.parametrize(("service", "variable"), [("zoo", "ZOO_HOST"), ("mfgdm", "APS_BASE_URL"), ("derivative", "APS_BASE_URL"), ("onshape", "ONSHAPE_API")])  # fmt: skip
def test_a_service_that_says_what_we_say_agrees_live_and_replayed(
    box, here, tmp_path, environment, service, variable
):
    answers, options = services(here)[service]
    kept = tmp_path / "c.json"
    with serving(answers) as host:
        environment.setenv(variable, host)
        live = run(box, *GIVEN, "--against", service, "--cassette", kept, *options)
    environment.delenv(variable)
    for name in ENVIRON:
        environment.delenv(name)
    replayed = run(box, *GIVEN, "--replay", kept)

    assert (live.exit_code, replayed.exit_code) == (0, 0), live.output + replayed.output
    assert replayed.stdout == live.stdout
    assert json.loads(live.stdout)["agrees"] is True
    assert json.loads(live.stdout)["right"]["source"]["format"] == service
    assert TOKEN not in kept.read_text()
    assert json.loads(kept.read_text())["file"]["sha256"] == here.source.sha256


def test_a_cassette_is_a_side_of_a_comparison(box, here, tmp_path, environment):
    kept = tmp_path / "c.json"
    answers, options = services(here)["onshape"]
    with serving(answers) as host:
        environment.setenv("ONSHAPE_API", host)
        run(box, *GIVEN, "--against", "onshape", "--cassette", kept, *options)

    for side in (kept, str(kept), cassettes.load(kept)):
        found = mp.compare(here, side)
        assert found
        assert found.profile.name == "onshape"
    with pytest.raises(mp.UsageError, match="name one with object=: -all-"):
        mp.compare(here, kept, object="JHD")
    failed = cassettes.load(kept) | {"error": {"reason": "failed", "message": "no luck"}}
    with pytest.raises(mp.RemoteError, match="no luck"):
        mp.compare(failed, here)
    for error, words in (
        ("failed", 'its error is "failed", neither null'),
        ({}, "its message is null, not a text"),
    ):
        with pytest.raises(mp.FormatError, match=words):
            mp.compare(cassettes.load(kept) | {"error": error}, here)


def test_a_disagreement_is_exit_code_1_and_so_is_its_replay(box, here, tmp_path, environment):
    kept = tmp_path / "c.json"
    with serving(zoo_answers(here, 1.01)) as host:
        environment.setenv("ZOO_HOST", host)
        live = run(box, *GIVEN, "--against", "zoo", "--cassette", kept)
    found = json.loads(live.stdout)

    assert live.exit_code == 1
    assert {row["name"] for row in found["rows"] if row["verdict"] == "DISAGREE"} == {"volume"}
    assert run(box, *GIVEN, "--replay", kept, "--against", "zoo").exit_code == 1
    assert run(box, *GIVEN, "--replay", kept, "--profile", "fusion-low").exit_code == 0


def test_nothing_is_kept_unless_it_is_asked_for(box, here, tmp_path, environment):
    with serving(zoo_answers(here)) as host:
        environment.setenv("ZOO_HOST", host)
        environment.chdir(tmp_path)
        assert run(box, "--unit", "mm", "--against", "zoo").exit_code == 0

    assert list(tmp_path.iterdir()) == []


def test_a_cassette_of_an_error_is_the_same_error(box, here, tmp_path, environment):
    kept = tmp_path / "c.json"
    with serving({"volume": [(401, {"message": "Unauthorized"}, None)]}) as host:
        environment.setenv("ZOO_HOST", host)
        live = run(box, "--against", "zoo", "--cassette", kept)
    replayed = run(box, "--replay", kept)

    assert (live.exit_code, replayed.exit_code) == (3, 3)
    assert "refused with HTTP 401: Unauthorized; the credentials are not accepted" in live.stderr
    assert replayed.stderr == live.stderr
    assert live.stdout == ""


def test_a_cassette_of_another_file_says_so(data, box, here, tmp_path, environment):
    kept = tmp_path / "c.json"
    with serving(zoo_answers(here)) as host:
        environment.setenv("ZOO_HOST", host)
        run(box, *GIVEN, "--against", "zoo", "--cassette", kept)
    done = run(data / "overlapping.stl", "--unit", "mm", "--replay", kept)

    assert done.exit_code == 1
    assert "was recorded for another box.stl" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "say whom to ask with --against: zoo, mfgdm, derivative, onshape"),
        (["--against", "fusion"], 2, "unknown service 'fusion'"),
        (["--against", "zoo", "--deadline", "soon"], 2, "write it like 90s, 10m or 1h"),
        (["--against", "zoo", "--urn", "x"], 2, "--urn is nothing that zoo knows"),
        (["--against", "derivative"], 2, "say what to ask for: --urn"),
        (["--against", "zoo", "--unit", "parsec"], 2, "parsec"),
        (["--against", "zoo", "--material", "Unobtainium-1234"], 2, "Unobtainium"),
        (["--replay", "{kept}", "--urn", "x", "--upload", "--cassette", "y"], 2, "--replay asks nobody, so there is nothing for --urn and --upload and --cassette to say"),
        (["--replay", "{kept}", "--against", "onshape"], 2, "holds an answer of \"zoo\", not of onshape"),
        (["--replay", "{kept}.none"], 3, "cannot read the cassette"),
        (["--replay", "{kept}", "--profile", "lax"], 2, "unknown profile"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_command_line_is_said(box, here, tmp_path, arguments, code, words):
    kept = tmp_path / "c.json"
    answers = dialects.shapes("zoo").emit(here)
    exchanges = [{"response": {"body": answer}} for answer in answers]
    cassettes.save(
        {
            "massproof_cassette": "1",
            "recorded": "",
            "dialect": "zoo",
            "file": {},
            "options": {},
            "exchanges": exchanges,
            "answer": list(range(len(answers))),
        },
        kept,
    )
    done = run(box, *(a.replace("{kept}", str(kept)) for a in arguments))

    assert done.exit_code == code, done.output
    assert words in done.stderr


def test_credentials_that_are_missing_are_a_matter_of_usage(box, environment):
    environment.delenv("ZOO_API_TOKEN")
    done = run(box, "--against", "zoo")

    assert done.exit_code == 2
    assert "Zoo wants credentials: set KITTYCAD_API_TOKEN, or ZOO_API_TOKEN" in done.stderr


def test_a_missing_extra_is_exit_code_6(box, monkeypatch):
    monkeypatch.setitem(sys.modules, "kittycad", None)
    done = run(box, "--against", "zoo")

    assert done.exit_code == 6
    assert "massproof[zoo]" in done.stderr


def test_on_a_terminal_it_is_a_table(box, here, monkeypatch, capsys, tmp_path):
    kept = tmp_path / "c.json"
    bodies = dialects.shapes("onshape").emit(here)
    cassettes.save(
        {
            "massproof_cassette": "1",
            "recorded": "",
            "dialect": "onshape",
            "file": {},
            "options": {},
            "exchanges": [{"response": {"body": bodies}}],
            "answer": 0,
        },
        kept,
    )
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    cause = Diagnosis("density", "another density [g/cm^3]", {}, 0.9)
    monkeypatch.setattr("massproof.diagnoses.explain", lambda *sides: [cause])

    assert check.run(check.Wanted(str(box), replay=str(kept), unit="mm", density="7 g/cm^3")) == 1
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert re.search(r"^center of mass x +\S+ +\S+ +mm +\S+ +\S+ +AGREE$", shown, re.MULTILINE)
    assert re.search(r"^mass +0.042 +0.0471 +g +\+0.0051 +0 +DISAGREE$", shown, re.MULTILINE)
    assert re.search(r"^too far apart: .*mass", shown, re.MULTILINE)
    assert re.search(r"^not compared: length, .*: right has none: ", shown, re.MULTILINE)
    assert f"{Outcome.DISAGREE} by the profile onshape" in shown
    assert "cause: density (90 % sure): another density [g/cm^3]" in shown


def test_wanted_says_which_thing_by_the_names_of_the_contracts():
    found = check.Wanted(
        "x", against="derivative", component_version="c", upload=True, bucket="b", unit="mm"
    ).of()

    assert found == {"component-version": "c", "upload": "yes", "bucket": "b"}
