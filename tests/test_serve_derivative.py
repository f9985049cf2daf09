"""The whole way of the official clients through storage and translation, in process, and every status on it."""

import base64
import io
import itertools
import json
import struct
import zipfile
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from starlette.testclient import TestClient

from massproof import dialects, measure, server
from massproof.operations.port import State
from massproof.serving import faults
from massproof.serving.service import Settings

DESIGN = "/modelderivative/v2/designdata"
BEARER = {"Authorization": "Bearer anything"}


@pytest.fixture
def made(tmp_path):
    """A client of a new server; `made(**settings)` of one on the same folder."""
    opened = []

    def make(**settings):
        client = TestClient(server.app(Settings(folder=tmp_path, **settings)), base_url="http://localhost:1234")
        opened.append(client.__enter__())
        client.headers.update(BEARER)
        return client

    yield make
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture
def client(made):
    return made()


def urn_of(bucket, key):
    return base64.urlsafe_b64encode(f"urn:adsk.objects:os.object:{bucket}/{key}".encode()).decode().rstrip("=")


def stored(client, content, key="part.stl", bucket="parts"):
    """Put a file into storage as older clients do; its urn."""
    client.post("/oss/v2/buckets", json={"bucketKey": bucket, "policyKey": "transient"})
    put = client.put(f"/oss/v2/buckets/{bucket}/objects/{quote(key, safe='')}", content=content)
    assert put.status_code == 200, put.text
    return urn_of(bucket, key)


def job(client, urn, *formats, headers=None, **of):
    body = {"input": {"urn": urn, **of}, "output": {"formats": list(formats)}}
    return client.post(f"{DESIGN}/job", json=body, headers=headers or {})


def settled(client, urn):
    """The manifest when it will not change any more."""
    for _ in range(2000):
        found = client.get(f"{DESIGN}/{urn}/manifest").json()
        if found["status"] not in ("pending", "inprogress"):
            return found
        for operation in client.app.state.service.operations.list():
            client.app.state.service.operations.wait(operation.id, 5)
    raise AssertionError(found)


def view(client, urn):
    """Path of the one view."""
    for _ in range(200):
        found = client.get(f"{DESIGN}/{urn}/metadata")
        if found.status_code != 202:
            (one,) = found.json()["data"]["metadata"]
            return f"{DESIGN}/{urn}/metadata/{one['guid']}"
        for operation in client.app.state.service.operations.list():
            client.app.state.service.operations.wait(operation.id, 5)
    raise AssertionError


def translated(client, content, *formats, key="part.stl"):
    urn = stored(client, content, key)
    assert job(client, urn, *(formats or ({"type": "svf2", "views": ["3d"]},))).status_code == 200
    return urn


def resources(manifest, role):
    def below(rows):
        for row in rows:
            yield row
            yield from below(row.get("children", []))

    return [row for row in below(manifest["derivatives"]) if row.get("role") == role]


@pytest.mark.parametrize("parts", [1, 3])
def test_the_whole_way_from_a_token_to_bytes(made, data, parts):
    """As the official packages go it; what comes back is what was measured, and what went in."""
    client, content = made(), (data / "box.stl").read_bytes()
    del client.headers["Authorization"]
    form = {"grant_type": "client_credentials", "scope": "data:read data:write data:create bucket:create bucket:read"}
    token = client.post("/authentication/v2/token", data=form, auth=("app", "secret")).json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3599)
    client.headers["Authorization"] = f"Bearer {token['access_token']}"
    bucket = {"bucketKey": "b-1", "policyKey": "transient"}
    assert client.post("/oss/v2/buckets", json=bucket).status_code == 200
    assert client.post("/oss/v2/buckets", json=bucket).status_code == 409
    path = "/oss/v2/buckets/b-1/objects/my%20b%C3%B6x%2F1.stl"
    begun = client.get(f"{path}/signeds3upload", params={"parts": parts, "firstPart": 1}).json()
    step = -(-len(content) // parts)
    for k, url in enumerate(begun["urls"]):
        put = client.put(url, content=content[k * step : (k + 1) * step], headers={"Authorization": ""})
        assert put.status_code == 200
    done = client.post(f"{path}/signeds3upload", json={"uploadKey": begun["uploadKey"]}).json()
    assert done["objectId"] == "urn:adsk.objects:os.object:b-1/my böx/1.stl"
    assert (done["size"], done["contentType"]) == (len(content), "application/octet-stream")
    assert client.post(f"{path}/signeds3upload", json={"uploadKey": begun["uploadKey"]}).json() == done
    signed = client.get(f"{path}/signeds3download", params={"useCdn": "true"}).json()
    assert client.get(signed["url"], headers={"Authorization": ""}).content == content
    assert (signed["status"], signed["size"]) == ("complete", len(content))

    urn = urn_of("b-1", "my böx/1.stl")
    asked = [{"type": "svf2", "views": ["2d", "3d"]}, {"type": "stl", "advanced": {"format": "binary"}}]
    started = job(client, urn + "==", *asked)
    assert (started.status_code, started.json()) == (200, {"result": "success", "urn": urn, "acceptedJobs": {"output": {"formats": asked}}})
    manifest = settled(client, urn)
    assert (manifest["status"], manifest["progress"], manifest["hasThumbnail"]) == ("success", "complete", "true")
    assert job(client, urn, *asked).status_code == 201

    one = view(client, urn)
    tree = client.get(one).json()["data"]
    assert tree == {"type": "objects", "objects": [{"objectid": 1, "name": "1"}]}
    answer = client.get(f"{one}/properties")
    truth = measure(data / "box.stl")
    assert answer.headers["X-Massproof-Verdict"] == truth.verdict.value
    assert answer.headers["X-Massproof-Findings"] == ", ".join(sorted({f.code for f in truth.findings}))
    read = dialects.parse(answer.json())
    assert read.volume.interval[0] <= truth.volume.value <= read.volume.interval[1]
    query = {"query": {"$in": ["objectid", 1]}, "fields": ["objectid", "name", "properties.Mass Properties.*"]}
    found = client.post(f"{one}/properties:query", json=query).json()
    assert found["pagination"] == {"limit": 20, "offset": 0, "totalResults": 1}
    assert found["data"]["collection"] == [
        {"objectid": 1, "name": "1", "properties": {k: v for k, v in answer.json()["data"]["collection"][0]["properties"].items() if k == "Mass Properties"}}
    ]

    (resource,) = resources(manifest, "STL")
    cookies = client.get(f"{DESIGN}/{urn}/manifest/{quote(resource['urn'], safe='')}/signedcookies")
    named = [line.partition("=")[::2] for line in cookies.headers.get_list("set-cookie")]
    assert [name for name, _ in named] == ["CloudFront-Policy", "CloudFront-Key-Pair-Id", "CloudFront-Signature"]
    values = [value.partition(";")[0] for _, value in named]
    url = f"{cookies.json()['url']}?Policy={values[0]}&Key-Pair-Id={values[1]}&Signature={values[2]}"
    got = client.get(url, headers={"Authorization": ""})
    direct = client.get(f"{DESIGN}/{urn}/manifest/{resource['urn']}")
    assert got.content == direct.content
    assert len(got.content) == cookies.json()["size"]
    assert measure(got.content, unit="mm").volume.value == pytest.approx(truth.volume.value)
    assert client.delete(f"{DESIGN}/{urn}/manifest").json() == {"result": "success"}
    assert client.get(f"{DESIGN}/{urn}/manifest").status_code == 404
