"""Zoo's file endpoints over the wire: numbers, words, texts and frames, as the API was at three times."""

import base64
import json
import math
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import contracts
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import massproof as mp
from massproof import server
from massproof.dialects.zoo import conversions, values
from massproof.dialects.zoo.profiles import profile, table
from massproof.dialects.zoo.shapes import contract
from massproof.serving.service import Settings

DATA = Path(__file__).parent.parent / "data"
TOKEN = {"Authorization": "Bearer any"}
FILES = {"stl": "box.stl", "obj": "box.obj", "step": "box_inch.step"}
ENDPOINTS = {
    "volume": ("volume", "volume"),
    "surface-area": ("surface_area", "area"),
    "center-of-mass": ("center_of_mass", "length"),
    "mass": ("mass", "mass"),
    "density": ("density", "density"),
    "bounding-box": ("bounding_box", "length"),
}
GIVEN = {"mass": "&material_density=2700.5", "density": "&material_mass=85.25"}
PROFILES = list(table()["profiles"])


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with served(tmp_path_factory.mktemp("zoo")) as made:
        yield made


def served(folder, **options):
    return TestClient(server.app(Settings(folder=folder, **options)), headers=TOKEN)


def data(name):
    return (DATA / name).read_bytes()


def ask(client, endpoint, kind, content, query="", **headers):
    """The answer of an endpoint that measures, polled where it is an operation."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/file/{endpoint}?src_format={kind}{GIVEN.get(endpoint, '')}{query}"
    reply = client.post(path, content=content, headers=headers)
    assert reply.status_code == 201, reply.text
    return ended(client, reply.json())


def ended(client, answer):
    """The operation of an answer when it has ended."""
    client.app.state.service.operations.wait(_job(client, answer["id"]), 60)
    reply = client.get(f"/async/operations/{answer['id']}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def _job(client, id):
    from massproof.dialects.zoo.calls import CALLS, Call

    job = Call.from_dict(client.app.state.service.records.get(CALLS, id)).asked()
    return job.id if job else id


def polled(answer):
    """What a POST answers, of what a GET does."""
    return {key: value for key, value in answer.items() if key != "type"}


# Numbers


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("kind", FILES)
def test_every_endpoint_answers_what_the_library_measures(client, endpoint, kind):
    name, dimension = ENDPOINTS[endpoint]
    unit = None if kind == "step" else "mm"
    given = {"mass": {"density": "2700.5 kg/m^3"}, "density": {"mass": "85.25 g"}}.get(endpoint, {})
    result = library(kind, unit, **given)
    for word in contract()["units"][dimension]:
        answer = ask(client, endpoint, kind, data(FILES[kind]), f"&output_unit={word}")
        (expected,) = result.to_dict("zoo", endpoints=[name], spelling={dimension: word}, operation=True)

        assert answer["status"] == "completed"
        assert answer[name] == expected[name]
        assert answer["output_unit"] == word
        assert list(answer) == list(expected)


@cache
def library(kind, unit, **given):
    return mp.measure(DATA / FILES[kind], unit=unit, **given)


def test_one_file_is_measured_once_whatever_is_asked_of_it(tmp_path):
    with served(tmp_path) as client:
        for endpoint in ENDPOINTS:
            ask(
                client,
                endpoint,
                "stl",
                data("box.stl"),
                "&output_unit=" + {"mass": "lb", "density": "lb:ft3"}.get(endpoint, ""),
            )

        assert [one.attempts for one in client.app.state.service.operations.list()] == [1]


def test_a_pound_per_cubic_foot_is_exact_and_is_answered_as_it_came(client):
    answer = ask_with(client, "material_density=168.48&material_density_unit=lb%3Aft3&output_unit=lb")

    assert answer["material_density"] == 168.48
    assert answer["material_density_unit"] == "lb:ft3"
    volume = mp.measure(DATA / "box.stl", unit="mm").volume
    assert answer["mass"] == pytest.approx(volume.to("ft^3").value * 168.48, rel=1e-15)


def ask_with(client, query):
    return client.post(f"/file/mass?src_format=stl&{query}", content=data("box.stl")).json()


@pytest.mark.parametrize("profile", PROFILES)
def test_what_the_live_service_answered(client, profile):
    """Oracles: numbers in public tests of the vendor, each in the time that it was answered."""
    folder = Path(os.environ.get("MASSPROOF_CORPUS", "absent")) / "zoo"
    if not folder.is_dir():
        pytest.skip(f"no corpus at {folder}: set MASSPROOF_CORPUS")
    metres, checked = profile == "zoo-2024-04", 0
    for case in contracts.contract("zoo-oracles.json")["cases"]:
        if case.get("file") is None or "via" in case or case.get("era", "").startswith("metres") != metres:
            continue
        content = (folder / case["file"]).read_bytes()
        if case.get("body_encoding"):
            content = base64.b64encode(content)
        for name in contract()["endpoints"]:
            if name not in case or (name == "center_of_mass" and profile == "zoo-2026-10"):
                continue
            row = case[name]
            query = f"src_format={case['src_format']}&output_unit={row['unit']}"
            if name == "mass":
                query += f"&material_density={row['density']}&material_density_unit={row['density_unit']}"
            path = f"/file/{name.replace('_', '-')}?{query}"
            answer = client.post(path, content=content, headers={"X-Massproof-Profile": profile}).json()
            expected = row.get("pinned", row.get("value"))
            value = list(answer[name].values()) if name == "center_of_mass" else answer[name]
            assert value == pytest.approx(expected, rel=1e-6)
            checked += 1
    assert checked >= (2 if metres else 1)


def test_the_centre_is_in_the_frame_of_the_time(client):
    """(x, z, −y) to 2026, (x, y, z) since; a file that has +y up, as glTF, is turned; boxes never were lying."""
    stl = moved_box(client)
    glb = base64.urlsafe_b64decode(convert(client, "stl", "glb", stl)["source.glb"])
    x, y, z = mp.measure(stl, unit="mm").center_of_mass.to("mm")
    for name, expected in (("zoo-2026-04", (x, z, -y)), ("zoo-2026-10", (x, y, z))):
        for kind, content in (("stl", stl), ("gltf", glb)):
            answer = ask(client, "center-of-mass", kind, content, "&output_unit=mm", X_Massproof_Profile=name)
            assert list(answer["center_of_mass"].values()) == pytest.approx(expected, rel=1e-6)
    boxes = [ask(client, "bounding-box", *one)["bounding_box"] for one in (("stl", stl), ("gltf", glb))]
    for key in ("center", "dimensions"):
        assert list(boxes[0][key].values()) == pytest.approx(list(boxes[1][key].values()), rel=1e-6)
    assert list(boxes[0]["dimensions"].values()) == pytest.approx([0.001, 0.002, 0.003])


def moved_box(client):
    """A box of 1 × 2 × 3 mm whose centre is at 10.5, 21, 31.5."""
    lines = [line.split() for line in data("box.obj").decode().splitlines()]
    corners = [[float(x) for x in line[1:4]] for line in lines if line and line[0] == "v"]
    low = [min(c[k] for c in corners) for k in range(3)]
    text = "\n".join(
        " ".join(["v", *(repr(c[k] - low[k] + 10 * (k + 1)) for k in range(3))]) if line[:1] == ["v"] else " ".join(line)
        for line, c in _with_corners(lines, corners)
    )  # fmt: skip
    return base64.urlsafe_b64decode(convert(client, "obj", "stl", text.encode())["source.stl"] + "==")


def _with_corners(lines, corners):
    rest = iter(corners)
    for line in lines:
        yield line, next(rest) if line[:1] == ["v"] else None


def convert(client, source, target, content):
    reply = client.post(f"/file/conversion/{source}/{target}", content=content)
    assert reply.status_code == 201, reply.text
    assert reply.json()["status"] == "completed", reply.text
    return {name: text + "=" * (-len(text) % 4) for name, text in reply.json()["outputs"].items()}


def test_a_file_without_a_unit_is_in_that_of_the_time(client):
    answers = [
        ask(client, "volume", "stl", data("box.stl"), "&output_unit=m3", X_Massproof_Profile=one)["volume"]
        for one in PROFILES
    ]

    assert answers[0] == pytest.approx(answers[1] * 1e9)
    assert answers[1] == answers[2]


def test_an_operator_may_say_the_unit(tmp_path):
    with served(tmp_path, unit="inch") as client:
        answer = ask(client, "volume", "stl", data("box.stl"), "&output_unit=in3")

    assert answer["volume"] == pytest.approx(mp.measure(DATA / "box.stl", unit="mm").volume.to("mm^3").value)


def test_what_is_too_large_for_a_unit_is_an_error_and_no_infinity():
    result = mp.measure(DATA / "box.stl", unit="mm")
    huge = replace(result, volume=replace(result.volume, value=1e305))
    echo = {"src_format": "stl", "output_unit": "cm3"}

    value, why = values.answer(huge, "volume", echo, "z")

    assert value is None
    assert why == "the volume is too large to be written in cm3; ask for a larger unit"
    assert values.answer(huge, "volume", {**echo, "output_unit": "m3"}, "z")[0] == 1e305


# Words


def test_the_words_are_those_of_the_contract():
    enums = contracts.contract("zoo-contract.json")["enums"]
    own = table()["enums"]

    assert own["export"] == enums["FileExportFormat"]
    assert own["state"] == enums["ApiCallStatus"]
    assert own["order"] == enums["CreatedAtSortMode"]
    assert own["feedback"] == enums["MlFeedback"]
    assert (own["axis"], own["direction"]) == (enums["Axis"], enums["Direction"])


def test_the_words_and_options_are_those_of_the_vendor_s_package():
    """kittycad 1.8.0 was generated from the OpenAPI document."""
    models = pytest.importorskip("kittycad.models")
    for kind in table()["quantities"]:
        words = [one.value for one in getattr(models, f"Unit{kind.capitalize()}")]
        assert sorted(table()["quantities"][kind]) == sorted(words)
    for side, union in (("input", models.InputFormat3d), ("output", models.OutputFormat3d)):
        found = {}
        for model in union.model_fields["root"].annotation.__args__:
            fields = {k: v for k, v in model.model_fields.items() if k != "type"}
            found[model.model_fields["type"].default] = {k: v.is_required() for k, v in fields.items()}
        own = {name: {k: v.endswith("!") for k, v in row.items()} for name, row in table()[side].items()}
        assert own == found


@pytest.mark.parametrize("profile", PROFILES)
def test_formats_units_and_paths_are_those_of_the_time(client, profile):
    headers = {"X-Massproof-Profile": profile}
    new = profile == "zoo-2026-10"
    for kind in ("acis", "catia", "creo", "inventor", "nx", "parasolid"):
        reply = client.post(f"/file/volume?src_format={kind}", content=b"x", headers=headers)
        assert reply.status_code == (201 if new else 400)
    mm3 = client.post("/file/volume?src_format=stl&output_unit=mm3", content=data("box.stl"), headers=headers)
    assert mm3.status_code == (201 if new else 400)
    box = client.post("/file/bounding-box?src_format=stl", content=data("box.stl"), headers=headers)
    assert box.status_code == (201 if new else 404)
    prompt = client.post("/ai/text-to-cad/step", json={"prompt": "a cube"}, headers=headers)
    assert prompt.status_code == (404 if new else 201)
    multipart = client.post("/file/conversion", files={"body": b"{}"}, headers=headers)
    assert multipart.status_code == (404 if profile == "zoo-2024-04" else 400)
    if multipart.status_code == 404:
        assert "zoo-2026-04, zoo-2026-10" in multipart.json()["message"]


def test_formats_that_cannot_be_read_here_are_words_and_fail_honestly(client):
    for kind in ("acis", "catia", "creo", "fbx", "inventor", "nx", "parasolid", "sldprt"):
        answer = ask(client, "volume", kind, b"anything")
        assert answer["status"] == "failed"
        assert answer["error"].startswith(f"this server cannot read {kind} files")
        done = client.post(f"/file/conversion/{kind}/stl", content=b"anything").json()
        assert (done["status"], done["error"]) == ("failed", answer["error"])


# Errors


def errors(reply, status, text):
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {"message", "request_id"}
    assert text in body["message"]
    if "X-Api-Call-Id" in reply.headers:  # it came as far as this API
        assert reply.headers["X-Request-Id"] == reply.headers["X-Api-Call-Id"] == body["request_id"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/file/volume", "unable to parse query string: missing field `src_format`"),
        ("/file/volume?src_format=undefined", "unable to parse query string: missing field `src_format`"),
        ("/file/volume?src_format=stp", "unable to parse query string: unknown variant `stp`, expected one of `acis`, `catia`"),
        ("/file/volume?src_format=stl&output_unit=mm", "unknown variant `mm`, expected one of `mm3`"),
        ("/file/mass?src_format=stl", "unable to parse query string: missing field `material_density`"),
        ("/file/mass?src_format=stl&material_density=heavy", "unable to parse query string: invalid float literal"),
        ("/file/mass?src_format=stl&material_density=NaN", "invalid float literal"),
        ("/file/mass?src_format=stl&material_density=1e999", "invalid float literal"),
        ("/file/mass?src_format=stl&material_density=1&material_density_unit=g:cm3", "expected `lb:ft3` or `kg:m3`"),
        ("/file/conversion/stl/stp", "bad parameter in URL path: unknown variant `stp`"),
        ("/file/conversion/glb/stl", "bad parameter in URL path: unknown variant `glb`"),
    ],
)  # fmt: skip
def test_what_is_no_word_is_refused_in_the_words_of_the_service(client, path, text):
    errors(client.post(path, content=data("box.stl")), 400, text)


def test_every_error_is_json(client):
    errors(client.get("/file/volume"), 405, "Method Not Allowed")
    errors(client.get("/file/nothing"), 404, "Not Found")
    errors(client.get("/async/operations/8f0b6c1e-0000-4000-8000-000000000001"), 404, "Not Found")
    errors(client.get("/async/operations/seven"), 400, "bad parameter in URL path: UUID parsing failed")
    errors(client.get("/unit/conversion/length/mm/in"), 400, "missing field `value`")
    errors(client.get("/unit/conversion/size/mm/in?value=1"), 400, "unknown variant `size`")
    errors(client.get("/unit/conversion/length/mm/parsec?value=1"), 400, "unknown variant `parsec`")
    errors(
        client.post("/file/volume?src_format=stl", headers={"X-Massproof-Profile": "zoo-1999"}),
        400,
        "there is no profile",
    )
    assert client.delete("/file/volume").headers["Allow"] == "POST, OPTIONS"
    assert client.options("/file/volume").status_code == 204
    assert client.options("/file/volume").headers["Allow"] == "POST, OPTIONS"


def test_a_token_is_needed_and_any_will_do(client):
    assert client.get("/ping", headers={"Authorization": ""}).json() == {"message": "pong"}
    errors(client.get("/async/operations", headers={"Authorization": ""}), 401, "Unauthorized")
    errors(client.get("/async/operations", headers={"Authorization": "Basic eA=="}), 401, "Unauthorized")


def test_an_operator_may_ask_for_one_token(tmp_path):
    with served(tmp_path, token="sesame") as client:
        errors(client.get("/async/operations"), 401, "Unauthorized")
        assert client.get("/async/operations", headers={"Authorization": "Bearer sesame"}).status_code == 200


def test_what_is_larger_than_the_server_takes(tmp_path):
    with served(tmp_path, upload_limit=100) as client:
        reply = client.post("/file/volume?src_format=stl", content=bytes(101))
        errors(reply, 413, "request body exceeded maximum size of 100 bytes")


def test_what_nobody_foresaw_is_json_as_well(tmp_path, monkeypatch, capfd):
    def broken(*_):
        raise ZeroDivisionError

    with served(tmp_path) as client:
        monkeypatch.setattr(client.app.state.service.records, "get", broken)
        errors(
            client.get("/async/operations/8f0b6c1e-0000-4000-8000-000000000001"),
            500,
            "the server made a mistake",
        )
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_our_own_errors_are_bad_requests(tmp_path):
    with served(tmp_path) as client:
        service = client.app.state.service
        client.post("/file/conversion/stl/obj", content=data("box.stl"))
        (operation,) = service.operations.list()
        service.blobs.drop(operation.outcome.files["source.obj"])

        errors(client.post("/file/conversion/stl/obj", content=data("box.stl")), 400, "upload it again")


@pytest.mark.parametrize("options", [{"zoo_profile": "zoo-1999"}, {"text_to_cad": "oracle:delphi"}])
def test_a_server_that_is_told_nonsense_does_not_start(tmp_path, options):
    with pytest.raises(mp.MassproofError, match=next(iter(options.values())).partition(":")[0]):
        served(tmp_path, **options)


# What does not exist


def test_an_open_mesh_has_an_area_and_no_volume(client):
    """A signed volume of what is open depends on where the origin is: we say so instead."""
    for endpoint in ("volume", "mass", "density", "center-of-mass"):
        answer = ask(client, endpoint, "stl", data("open_box.stl"))
        assert answer["status"] == "failed"
        assert ENDPOINTS[endpoint][0] not in answer
        assert "4 of 17 edges belong to one triangle only" in answer["error"]
    assert ask(client, "surface-area", "stl", data("open_box.stl"))["status"] == "completed"
    assert ask(client, "bounding-box", "stl", data("open_box.stl"))["status"] == "completed"
    reply = client.post("/file/surface-area?src_format=stl", content=data("open_box.stl"))
    assert reply.headers["X-Massproof-Verdict"] == "UNSAFE"
    assert reply.headers["X-Massproof-Findings"] == "open-edges"


@pytest.mark.parametrize(
    ("query", "found"), [("-1", "-1.0"), ("0", "0.0"), ("1e-40", "1e-40"), ("1e300", "1e+300")]
)
def test_no_part_has_such_a_density_or_mass(client, query, found):
    for endpoint, name in (("mass", "material_density"), ("density", "material_mass")):
        answer = client.post(
            f"/file/{endpoint}?src_format=stl&{name}={query}", content=data("box.stl")
        ).json()
        assert answer["status"] == "failed"
        assert found in answer["error"]
        assert endpoint not in answer
        assert answer[name] == float(query)


def test_a_file_that_cannot_be_read_fails_with_what_is_wrong(client):
    answer = ask(client, "volume", "stl", data("box.stl")[:-9])
    assert answer["status"] == "failed"
    assert "cut short" in answer["error"]
    assert ask(client, "volume", "step", data("box.stl"))["status"] == "failed"
    assert "empty" in ask(client, "volume", "stl", b"")["error"]


# Bodies


@pytest.mark.parametrize(
    "encode",
    [
        base64.b64encode,
        base64.urlsafe_b64encode,
        lambda x: base64.b64encode(x).rstrip(b"="),
        base64.encodebytes,
    ],
)
@pytest.mark.parametrize("kind", FILES)
def test_a_body_in_base64_is_the_file_in_it(client, kind, encode):
    plain = ask(client, "volume", kind, data(FILES[kind]))
    reply = client.post(f"/file/volume?src_format={kind}", content=encode(data(FILES[kind])))

    assert reply.json() == polled(plain)
    assert reply.headers["X-Massproof-Body"] == "base64"


def test_what_only_looks_like_base64_is_left_alone(client):
    for content in (b"solidsolid", b"abcde", b"a" * 5000 + b"!", b"ab", b"abcde="):
        reply = client.post("/file/volume?src_format=stl", content=content)
        assert reply.json()["status"] == "failed"


@pytest.mark.parametrize(
    "kind", ["application/octet-stream", "application/octect-stream", "text/html", "x", None]
)
def test_no_content_type_is_refused(client, kind):
    headers = {} if kind is None else {"Content-Type": kind}

    assert (
        client.post("/file/volume?src_format=stl", content=data("box.stl"), headers=headers).status_code
        == 201
    )


@pytest.mark.parametrize("path", ["//file//volume", "/file/volume"])
@pytest.mark.parametrize("unit", ["kg:m3", "kg%3Am3"])
def test_addresses_may_be_joined_and_encoded_carelessly(client, path, unit):
    reply = client.post(f"http://127.0.0.1{path}?src_format=stl&output_unit=cm3", content=data("box.stl"))
    assert reply.json()["output_unit"] == "cm3"
    query = f"src_format=stl&material_mass=1&output_unit={unit}&material_mass_unit=undefined"
    reply = client.post(f"http://127.0.0.1/file/density?{query}", content=data("box.stl"))
    assert (reply.json()["output_unit"], reply.json()["material_mass_unit"]) == ("kg:m3", "g")


# Units


def test_units_are_converted_there_and_back():
    now = profile("")
    for kind in conversions.kinds():
        words = conversions.words(kind, now)
        for source in words:
            for target in words:
                there, _ = conversions.converted(kind, source, target, 12.5, now)
                assert conversions.converted(kind, target, source, there, now)[0] == pytest.approx(
                    12.5, rel=1e-12
                )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("length/mm/in?value=25.4", 1.0),
        ("temperature/celsius/fahrenheit?value=100", 212.0),
        ("temperature/fahrenheit/kelvin?value=-459.67", 0.0),
        ("temperature/rankine/kelvin?value=9", 5.0),
        ("pressure/psi/pascals?value=1", 6894.757293168362),
        ("power/horsepower/watts?value=1", 745.6998715822702),
        ("torque/pound_foot/newton_metres?value=1", 1.3558179483314004),
        ("angle/degrees/radians?value=180", math.pi),
        ("angle/radians/radians?value=2", 2.0),
        ("volume/usgal/usfloz?value=1", 128.0),
    ],
)
def test_a_unit_in_another(client, path, value):
    answer = client.get(f"/unit/conversion/{path}").json()

    assert answer["output"] == value
    assert list(answer)[:7] == [
        "id",
        "created_at",
        "started_at",
        "completed_at",
        "user_id",
        "status",
        "updated_at",
    ]


def test_what_is_too_large_to_be_converted(client):
    answer = client.get("/unit/conversion/energy/kilowatt_hours/electronvolts?value=1e308").json()

    assert answer["status"] == "failed"
    assert "output" not in answer


# Anything at all

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
WORDS = st.sampled_from(
    ["stl", "obj", "step", "gltf", "mm", "cm3", "kg:m3", "1", "-0", "1e5", "undefined", "nan", "null"]
)
NAMES = st.sampled_from(
    [
        "src_format",
        "output_unit",
        "material_density",
        "material_density_unit",
        "limit",
        "page_token",
        "sort_by",
        "status",
        "value",
        "kcl",
        "feedback",
    ]
)


@settings(
    max_examples=100 if os.environ.get("MASSPROOF_EXAMPLES") != "gate" else 40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(
    st.sampled_from(["POST", "GET", "OPTIONS", "PUT"]),
    st.sampled_from(["/file/volume", "/file/mass", "/file/conversion", "/file/conversion/stl/obj", "/async/operations", "/async/operations/x", "/user/text-to-cad", "/ai/text-to-cad/step", "/unit/conversion/length/mm/in", "/file/x/y"]),
    st.dictionaries(NAMES | TEXT, WORDS | TEXT, max_size=4),
    st.binary(max_size=64) | TEXT.map(str.encode) | st.recursive(st.none() | st.integers() | TEXT, lambda x: st.lists(x, max_size=3) | st.dictionaries(NAMES | st.just("prompt"), x, max_size=3), max_leaves=6).map(lambda x: json.dumps(x).encode()),
    st.sampled_from([*PROFILES, ""]),
)  # fmt: skip
def test_nothing_that_is_sent_breaks_the_server(client, method, path, query, body, profile):
    headers = {"X-Massproof-Profile": profile} if profile else {}
    reply = client.request(method, path, params=query, content=body, headers=headers)

    assert reply.status_code < 500
    if reply.status_code != 204:
        assert isinstance(json.loads(reply.content), dict)
