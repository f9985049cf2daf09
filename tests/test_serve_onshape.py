"""Onshape's mass properties from this server: what its clients ask, and what they get wrong."""

import json

import pytest
from fakes import ENVIRON, FakeClock
from serve_derivative import Through, put_together
from starlette.testclient import TestClient

from massproof import cassettes, clients, dialects, measure, partwise, server
from massproof.kernels import jit
from massproof.serving.service import Settings

BASIC = ("OnAccessKey/0123", "OnSecret+Key=4567")
URL = "http://localhost:1234"


@pytest.fixture
def client(tmp_path):
    with TestClient(
        server.app(Settings(folder=tmp_path, material="steel", log="none")), base_url=URL
    ) as made:
        made.auth = BASIC
        yield made


def uploaded(client, content, name="part.stl"):
    """A document with one element: its id, that of its workspace and that of the element."""
    document = client.post("/api/v10/documents", json={"name": "Parts"}).json()
    within = document["defaultWorkspace"]["id"]
    made = client.post(
        f"/api/v10/blobelements/d/{document['id']}/w/{within}", files={"file": (name, content)}
    )
    assert made.status_code == 200, made.text
    return document["id"], within, made.json()["id"]


COMPILED = pytest.mark.skipif(jit.DISABLED, reason="exact faces take minutes without compiled code")


@pytest.mark.parametrize(
    "name", ["box.stl", *(pytest.param(name, marks=COMPILED) for name in ("bracket.step", "assembly.step"))]
)
def test_our_own_client_measures_there_what_we_measure_here(client, data, name):
    path = data / name
    truth = measure(path, material="steel")
    document, within, element = uploaded(client, path.read_bytes(), name)
    of = {"document": document, "workspace": within, "element": element}
    environ = ENVIRON | {"ONSHAPE_API": URL}
    part = clients.part_of(path, truth)
    client.auth = None
    tape = clients.record("onshape", part, of, environ=environ, clock=FakeClock(), client=Through(client))
    answer = cassettes.answer(json.loads(json.dumps(tape)))
    read = dialects.parse(answer.document, answer.dialect, **answer.options)

    for found in ("area", "volume", "mass"):
        assert getattr(read, found).value == pytest.approx(getattr(truth, found).value, rel=1e-12)
    assert list(read.center_of_mass.to("mm")) == pytest.approx(list(truth.center_of_mass.to("mm")))
    assert read.inertia.xx.interval[0] <= truth.inertia.xx.value <= read.inertia.xx.interval[1]


def test_each_part_is_there_by_itself(client, data, monkeypatch):
    monkeypatch.setattr(partwise, "assembly", put_together(data / "box.stl"))
    document, within, element = uploaded(client, (data / "box.stl").read_bytes())
    truth = partwise.assembly(data / "box.stl", material="steel")
    leaves = {id: one for id, one in truth.parts.items() if not one.children}
    at = f"d/{document}/w/{within}/e/{element}"
    parts = client.get(f"/api/v10/parts/{at}").json()
    assert [one["partId"] for one in parts] == list(leaves)
    studio = client.get(f"/api/v10/partstudios/{at}/massproperties", params={"massAsGroup": "false"}).json()
    assert list(studio["bodies"]) == list(leaves)
    for id, one in leaves.items():
        alone = client.get(f"/api/parts/{at}/partid/{id}/massproperties").json()
        assert alone["bodies"][id] == studio["bodies"][id]
        assert alone["bodies"][id]["volume"][0] == pytest.approx(one.properties.volume.value)
    some = client.get(f"/api/v6/partstudios/{at}/massproperties", params={"partId": list(leaves)[:1]}).json()
    assert list(some["bodies"]) == list(leaves)[:1]
    whole = client.get(f"/api/v10/assemblies/{at}/massproperties").json()
    assert whole["volume"][0] == pytest.approx(truth.whole.properties.volume.value)
    version = f"d/{document}/m/{whole['microversionId']}/e/{element}"
    assert client.get(f"/api/v10/assemblies/{version}/massproperties").json() == whole


def test_the_elements_of_a_document(client, data):
    document, within, element = uploaded(client, (data / "box.stl").read_bytes())
    one = {"id": element, "name": "part.stl", "type": "Part Studio", "elementType": "PARTSTUDIO"}
    path = f"/api/v10/documents/d/{document}/w/{within}/elements"
    assert [row | one for row in client.get(path).json()] == client.get(
        path, params={"elementId": element}
    ).json()
    assert client.get(path, params={"elementId": "none"}).json() == []
    assert client.get(f"/api/v10/documents/{document}").json()["name"] == "Parts"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"document": "0" * 24}, 404), ({"document": "é"}, 404), ({"within": "0" * 24}, 404), ({"letter": "v"}, 404), ({"element": "0" * 24}, 404), ({"element": "-"}, 404)],
)  # fmt: skip
def test_what_is_not_there(client, data, change, status):
    document, within, element = uploaded(client, (data / "box.stl").read_bytes())
    at = {"document": document, "letter": "w", "within": within, "element": element} | change
    found = client.get(
        "/api/v10/partstudios/d/{document}/{letter}/{within}/e/{element}/massproperties".format(**at)
    )

    assert found.status_code == status
    assert set(found.json()) >= {"message", "moreInfoUrl"}


def test_what_is_asked_wrongly(client, data):
    document, within, element = uploaded(client, (data / "box.stl").read_bytes())
    at = f"d/{document}/w/{within}/e/{element}"
    assert client.get(f"/api/v10/parts/{at}/partid/d9/massproperties").status_code == 404
    assert client.get(f"/api/v10/partstudios/{at}/massproperties?partId=d9").status_code == 404
    for body in ([], {"name": ""}, {"name": 1}):
        assert client.post("/api/v10/documents", json=body).status_code == 400
    form = client.post(f"/api/v10/blobelements/d/{document}/w/{within}", files={"other": ("a", b"a")})
    assert form.status_code == 400
    assert client.post(f"/api/v10/blobelements/d/{document}/w/{within}", content=b"x").status_code == 400
    assert client.get("/api/v10/nothing").json()["message"].startswith("nothing is served")
    client.auth = None
    assert client.get(f"/api/v10/parts/{at}").status_code == 401


def test_a_file_that_is_no_part(client):
    document, within, element = uploaded(client, b"no part at all")
    found = client.get(f"/api/v10/partstudios/d/{document}/w/{within}/e/{element}/massproperties")

    assert found.status_code == 400
    assert "of no known format" in found.json()["message"]


def test_what_takes_long_is_to_be_asked_again(client, data):
    document, within, element = uploaded(client, (data / "box.stl").read_bytes())
    path = f"/api/v10/partstudios/d/{document}/w/{within}/e/{element}/massproperties"
    stuck = client.get(path, headers={"X-Massproof-Fault": "stuck"})
    assert (stuck.status_code, stuck.headers["retry-after"]) == (503, "1")
    assert client.get(path, headers={"X-Massproof-Fault": "failed"}).status_code == 400


def test_bytes_that_are_gone(client, data):
    document, within, element = uploaded(client, (data / "box.stl").read_bytes())
    service = client.app.state.service
    for path in service.blobs.folder.glob("*/*"):
        path.unlink()
    found = client.get(f"/api/v10/partstudios/d/{document}/w/{within}/e/{element}/massproperties")

    assert found.status_code == 400
    assert "upload it again" in found.json()["message"]
