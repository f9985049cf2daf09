"""Our own API and the page: files in, operations, answers in every dialect's form."""

import json

import pytest
from starlette.testclient import TestClient

import massproof as mp
from massproof import server
from massproof.operations import jobs
from massproof.operations.port import Job, Outcome
from massproof.serving.service import Settings


@pytest.fixture
def client(tmp_path):
    with TestClient(server.app(Settings(folder=tmp_path))) as client:
        yield client


def sent(client, path, name=None):
    answer = client.post("/v1/files", params={"name": name or path.name}, content=path.read_bytes())
    assert answer.status_code == 201, answer.text
    return answer.json()["file"]


def asked(client, kind, file, **options):
    return client.post("/v1/operations", json={"kind": kind, "file": file, "options": options})


def done(client, kind, file, **options):
    """The operation when it has ended."""
    answer = asked(client, kind, file, **options)
    assert answer.status_code in (200, 202), answer.text
    return client.get(f"/v1/operations/{answer.json()['id']}", params={"wait": 30}).json()


def test_a_file_is_measured_as_the_library_measures_it(client, data):
    file = sent(client, data / "box.stl")
    found = done(client, "properties", file, unit="mm", material="Steel")
    direct = mp.measure(data / "box.stl", unit="mm", material="Steel").to_dict()

    assert found["state"] == "succeeded"
    assert found["result"]["properties"] == direct["properties"]
    assert found["inputs"] == [{"file": file, "name": "box.stl", "size": (data / "box.stl").stat().st_size}]
    assert found["options"] == {"unit": "mm", "material": "Steel", "format": "stl"}
    assert found["created"] <= found["started"] <= found["ended"]
    assert found["attempts"] == 1


def test_asking_again_is_answered_at_once_by_the_same_operation(client, data):
    file = sent(client, data / "box.stl")
    first = done(client, "properties", file, unit="mm")
    again = asked(client, "properties", file, unit="mm")

    assert again.status_code == 200
    assert again.json() == first


@pytest.mark.parametrize("dialect", ["mfgdm", "derivative", "zoo", "onshape"])
def test_what_was_measured_is_told_as_each_cloud_would(client, data, dialect):
    found = done(client, "properties", sent(client, data / "box.stl"), unit="mm")
    told = client.get(f"/v1/operations/{found['id']}/as/{dialect}").json()
    result = mp.measure(data / "box.stl", unit="mm")

    assert mp.dialects.sniff(told) == dialect
    assert mp.dialects.parse(told, dialect).volume.value == pytest.approx(result.volume.value, rel=1e-12)


def test_our_own_form_comes_in_the_units_that_are_asked_for(client, data):
    found = done(client, "properties", sent(client, data / "box.stl"), unit="mm")
    told = client.get(f"/v1/operations/{found['id']}/as/native", params={"units": "inch"}).json()

    assert told["source"]["name"] == "box.stl"
    assert told["properties"]["volume"]["value"] == pytest.approx(6 / 25.4**3, rel=1e-12)


def test_materials_and_the_newest_operations_are_listed(client, data):
    file = sent(client, data / "box.stl")
    ids = [done(client, "properties", file, unit=unit)["id"] for unit in ("mm", "cm", "m")]
    listed = client.get("/v1/operations", params={"limit": 2}).json()["operations"]

    assert [one["id"] for one in listed] == ids[:0:-1]
    assert {"name": "Steel", "density": 7850.0, "unit": "kg/m^3"} in client.get("/v1/materials").json()[
        "materials"
    ]
    assert client.get("/v1/operations", params={"before": 0}).json() == {"operations": []}


def test_the_name_says_the_format_and_no_path(client, data):
    file = sent(client, data / "box.stl", "../..\\..\\etc/pass\x00wd.STL")
    found = done(client, "properties", file, unit="mm")

    assert found["inputs"][0]["name"] == "passwd.STL"
    assert found["options"]["format"] == "stl"
    assert found["result"]["source"]["name"] == "passwd"


def test_a_name_without_a_known_suffix_leaves_the_format_to_the_bytes(client, data):
    file = sent(client, data / "box.stl", "/")
    found = done(client, "properties", file, unit="mm")

    assert found["inputs"][0]["name"] == "part"
    assert found["result"]["source"]["format"] == "stl"


def test_the_server_has_a_unit_and_a_material_for_files_that_have_none(tmp_path, data):
    with TestClient(server.app(Settings(folder=tmp_path, unit="inch", material="Steel"))) as client:
        file = sent(client, data / "box.stl")
        found, dense = done(client, "properties", file), done(client, "properties", file, density="1 g/cm^3")

    assert found["result"] == mp.measure((data / "box.stl").read_bytes(), unit="inch", material="Steel", format="stl").to_dict() | {"source": found["result"]["source"]}  # fmt: skip
    assert dense["result"]["properties"]["density"]["value"] == 1000


def test_a_conversion_and_a_picture_can_be_kept(client, data):
    file = sent(client, data / "box.stl")
    made = done(client, "conversion", file, unit="mm", to="obj")
    picture = done(client, "thumbnail", file, unit="mm", size=16)
    kept = client.get(made["files"]["box.obj"])

    assert mp.measure(kept.content, unit="mm", format="obj").volume.to("mm^3").value == pytest.approx(6)
    assert kept.headers["content-disposition"] == 'attachment; filename="box.obj"'
    assert client.get(picture["files"]["thumbnail.png"]).headers["content-type"] == "image/png"
    assert client.get(made["files"]["box.obj"] + "x").status_code == 404


def test_what_is_no_solid_fails_for_itself_alone(client, data):
    bad = done(client, "properties", sent(client, data / "box.stl", "box.step"))

    assert (bad["state"], bad["error"]["kind"], bad["result"]) == ("failed", "format", None)
    assert "not a STEP file" in bad["error"]["message"]
    assert client.get(f"/v1/operations/{bad['id']}/as/zoo").status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"kind": "magic", "file": "x"}, 400, "kind 'magic' is unknown"),
        ({"kind": "properties", "file": "../x"}, 404, "no file '../x' was uploaded"),
        ([], 400, "a JSON list"),
        (b"{", 400, "the body is no JSON"),
        (b"[" * 40_000, 400, "the body is no JSON"),
        (b" " * 70_000, 413, "maximum size of 65536 bytes"),
    ],
)
def test_what_means_nothing_is_refused(client, body, status, words):
    content = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.post("/v1/operations", content=content)

    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("properties", {"called": "x"}, "options of properties cannot be called"),
        ("properties", {"strict": True}, "cannot be strict"),
        ("properties", 3, "cannot be 3"),
        ("conversion", {"to": "../x"}, "to='../x' is unknown"),
    ],
)
def test_options_that_are_none_are_refused(client, data, kind, options, words):
    file = sent(client, data / "box.stl")
    answer = client.post("/v1/operations", json={"kind": kind, "file": file, "options": options})

    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/operations/nothing", 404),
        ("/v1/operations/nothing?wait=x", 400),
        ("/v1/operations?limit=-1", 400),
        ("/v1/operations?limit=nan", 400),
        ("/page/server.py", 404),
        ("/page/%2e%2e/pages.py", 404),
    ],
)
def test_what_is_not_there_is_not_found(client, path, status):
    assert client.get(path).status_code == status


def test_an_unknown_dialect_is_not_found(client, data):
    found = done(client, "properties", sent(client, data / "box.stl"), unit="mm")

    assert client.get(f"/v1/operations/{found['id']}/as/klingon").status_code == 404


def test_what_runs_can_be_told_to_stop(client, data, monkeypatch):
    import threading

    go = threading.Event()
    monkeypatch.setitem(jobs.KINDS, "properties", lambda job, blobs: Outcome(go.wait(10)))
    id = asked(client, "properties", sent(client, data / "box.stl")).json()["id"]
    told = client.delete(f"/v1/operations/{id}").json()
    go.set()

    assert told["state"] == "cancelled"
    assert client.get(f"/v1/operations/{id}", params={"wait": 1}).json()["state"] == "cancelled"
    assert client.delete("/v1/operations/none").status_code == 404


def test_an_operation_of_another_api_is_shown_too(client):
    service = client.app.state.service
    blob = service.blobs.put(b"abc")
    made = service.operations.submit(Job("properties", (blob.digest,)))
    found = client.get(f"/v1/operations/{made.id}", params={"wait": 10}).json()

    assert found["inputs"] == [{"file": blob.digest}]
    assert found["state"] == "failed"


def test_a_server_with_a_token_wants_it(tmp_path, data):
    with TestClient(server.app(Settings(folder=tmp_path, token="s3cret"))) as client:
        bare = client.get("/v1/operations")
        wrong = client.get("/v1/operations", headers={"Authorization": "Bearer s3cre"})
        right = client.get("/v1/operations", headers={"Authorization": "Bearer s3cret"})

    assert (bare.status_code, wrong.status_code, right.status_code) == (401, 401, 200)
    assert "Bearer" in bare.json()["error"]["message"]


def test_the_page_takes_nothing_from_elsewhere(client):
    page = client.get("/")

    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for part in ("page.js", "page.css", "icon.svg", "model-viewer.min.js"):
        assert client.get(f"/page/{part}").status_code == 200
    assert "http" not in page.text
