"""Tokens, storage and what is asked wrongly: every refusal in its form, and nothing that a server falls over."""

import base64
import hashlib
import io
import json
import re
import struct
import zipfile
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serve_derivative import (
    DESIGN,
    OSS,
    TETRAHEDRON,
    bucket,
    encoded,
    job,
    opened,
    picture,
    put_together,
    settled,
    stored,
    translated,
    urn_of,
    view,
)

from massproof import measure, partwise, rendering
from massproof.dialects.derivative import store, tables, tokens, urns
from massproof.serving.signing import Signer
from massproof.serving.web import Refused

TOKEN = "/authentication/v2/token"
APP = ("app", "secret")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(rendering, "render", picture)


@pytest.fixture
def made(tmp_path):
    with opened(tmp_path) as make:
        yield make


@pytest.fixture
def client(made):
    return made()


def granted(client, scope="data:read", auth=APP, **form):
    return client.post(
        TOKEN,
        data={"grant_type": "client_credentials", "scope": scope} | form,
        auth=auth,
        headers={"Authorization": ""},
    )


def shown(token):
    return {"Authorization": f"Bearer {token}"}


# Tokens


def test_a_token_says_what_it_may_do(client):
    token = granted(client, "data:read bucket:read").json()["access_token"]
    told = client.post("/authentication/v2/introspect", data={"token": token}, auth=APP).json()
    assert (told["active"], told["scope"], told["client_id"]) == (True, "data:read bucket:read", "app")
    assert client.get(OSS, headers=shown(token)).status_code == 200
    barred = client.post(OSS, json={"bucketKey": "abc", "policyKey": "transient"}, headers=shown(token))
    assert (barred.status_code, barred.json()["errorCode"]) == (403, "AUTH-012")
    client.post("/authentication/v2/revoke", data={"token": token}, auth=APP)
    assert client.get(OSS, headers=shown(token)).json()["errorCode"] == "AUTH-006"
    assert client.post("/authentication/v2/introspect", data={"token": token}, auth=APP).json() == {
        "active": False
    }


@pytest.mark.parametrize("path", [OSS, f"{DESIGN}/formats", f"{DESIGN}/abc/manifest"])
def test_without_a_token_nothing_is_told(client, path):
    del client.headers["Authorization"]
    found = client.get(path)

    assert found.status_code == 401
    assert found.json() == {
        "developerMessage": "Token is not provided in the request.",
        "moreInfo": "https://aps.autodesk.com/en/docs/oauth/v2/developers_guide/error_handling/",
        "errorCode": "AUTH-010",
    }


def test_credentials_in_the_form_and_the_older_address(client):
    form = {"client_id": "app", "client_secret": "x", "grant_type": "client_credentials"}
    for path in (TOKEN, "/authentication/v1/authenticate"):
        assert client.post(path, data=form, headers={"Authorization": ""}).json()["expires_in"] == 3599


@pytest.mark.parametrize(
    ("form", "auth", "status"),
    [
        ({"grant_type": "password"}, APP, 400),
        ({}, APP, 400),
        ({"grant_type": "client_credentials"}, None, 401),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, APP, 400),
        ({"grant_type": "authorization_code", "code": "x"}, APP, 400),
        ({f"k{k}": "v" for k in range(60)}, APP, 400),
    ],
)
def test_tokens_that_are_asked_wrongly(client, form, auth, status):
    found = client.post(TOKEN, data=form, auth=auth, headers={} if auth else {"Authorization": "Basic %%%"})

    assert found.status_code == status
    assert found.json()["developerMessage"]


def test_a_person_goes_through_the_browser(client):
    back = "http://localhost:8080/back?a=b"
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": "app",
        "response_type": "code",
        "redirect_uri": back,
        "scope": "data:read data:write",
        "state": "s",
        "code_challenge": challenge,
    }
    went = client.get("/authentication/v2/authorize", params=query, follow_redirects=False)
    assert went.status_code == 302
    told = parse_qs(urlsplit(went.headers["location"]).query)
    assert (told["a"], told["state"]) == (["b"], ["s"])
    form = {
        "grant_type": "authorization_code",
        "code": told["code"][0],
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    assert client.post(TOKEN, data=form | {"code_verifier": "w"}, auth=APP).status_code == 400
    assert client.post(TOKEN, data=form, auth=("other", "x")).status_code == 400
    found = client.post(TOKEN, data=form, auth=APP).json()
    assert client.post(TOKEN, data=form, auth=APP).status_code == 400  # used before
    assert client.get("/userinfo", headers=shown(found["access_token"])).json()["name"] == "app"
    assert client.get(OSS, headers=shown(found["refresh_token"])).status_code == 401
    again = {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
    assert client.post(TOKEN, data=again | {"scope": "data:read"}, auth=APP).json()["token_type"] == "Bearer"
    assert client.post(TOKEN, data=again | {"scope": "data:create"}, auth=APP).status_code == 400
    assert client.post(TOKEN, data=again, auth=APP).status_code == 200
    assert client.get("/authentication/v2/keys").json() == {"keys": []}


@pytest.mark.parametrize(
    "change",
    [{"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": "http://["}, {"redirect_uri": "/x"}, {"client_id": ""}, {"response_type": "token"}, {"code_challenge": "x", "code_challenge_method": "plain"}],
)  # fmt: skip
def test_browsers_are_sent_nowhere_odd(client, change):
    query = {"client_id": "app", "response_type": "code", "redirect_uri": "http://localhost/x"} | change
    assert client.get("/authentication/v2/authorize", params=query, follow_redirects=False).status_code == 400
    assert client.get("/userinfo").status_code == 401
    assert client.get("/userinfo", headers={"Authorization": ""}).json()["errorCode"] == "AUTH-010"


def test_a_server_with_a_secret_wants_it(made):
    client = made(token="very secret")
    assert client.get(OSS).status_code == 401
    assert client.get(OSS, headers=shown("very secret")).status_code == 200
    assert granted(client).json()["errorCode"] == "AUTH-003"
    token = granted(client, "bucket:read", ("app", "very secret")).json()["access_token"]
    assert client.get(OSS, headers=shown(token)).status_code == 200
    assert client.get(OSS, headers=shown(token + "0")).status_code == 401
    asked = {"query": "{ __typename }"}  # of another service of this vendor, whose tokens are the same
    assert client.post("/mfg/graphql", json=asked, headers=shown(token)).status_code == 200
    assert client.post("/mfg/graphql", json=asked, headers=shown(token + "0")).status_code == 401


def test_tokens_expire_and_cannot_be_made_up(monkeypatch):
    signer = Signer(b"key")
    token = tokens.issue(signer, tokens.Claims("access", "app", "data:read"), 100)
    assert tokens.read(signer, token).client == "app"
    assert tokens.read(Signer(b"other"), token) is None
    assert tokens.read(signer, tokens.issue(signer, tokens.Claims("access", "app", ""), -5)) is None
    assert tokens.read(signer, "massproof.") is None
    assert tokens.read(signer, "eyJ.a.b") is None


# Storage


def test_buckets_are_listed_a_page_at_a_time(client):
    for name in "cba":
        bucket(client, f"bucket-{name}")
    first = client.get(OSS, params={"limit": 2}).json()
    assert [row["bucketKey"] for row in first["items"]] == ["bucket-a", "bucket-b"]
    assert [row["bucketKey"] for row in client.get(first["next"]).json()["items"]] == ["bucket-c"]
    assert "next" not in client.get(first["next"]).json()
    assert client.get(f"{OSS}/bucket-a/details").json()["policyKey"] == "transient"
    assert client.get(f"{OSS}/none/details").json() == {"reason": "Bucket not found"}
    assert client.get(OSS, params={"limit": 101}).status_code == 400


@pytest.mark.parametrize("body", [{"bucketKey": "No", "policyKey": "transient"}, {"bucketKey": "a/b", "policyKey": "transient"}, {"bucketKey": "good", "policyKey": "forever"}, {}, [], "x"])  # fmt: skip
def test_buckets_that_cannot_be(client, body):
    assert client.post(OSS, json=body).status_code == 400


def test_objects_are_listed_copied_and_forgotten(client):
    objects = bucket(client)
    for key in ("a/1.stl", "a/2.stl", "b.stl"):
        stored(client, key.encode(), key)
    first = client.get(objects, params={"limit": 1, "beginsWith": "a/"}).json()
    assert [row["objectKey"] for row in first["items"]] == ["a/1.stl"]
    assert [row["objectKey"] for row in client.get(first["next"]).json()["items"]] == ["a/2.stl"]
    details = client.get(f"{objects}/a%2F1.stl/details").json()
    assert details["sha1"] == hashlib.sha1(b"a/1.stl").hexdigest()
    assert details["location"].endswith("/oss/v2/buckets/parts/objects/a%2F1.stl")
    assert client.put(f"{objects}/a%2F1.stl/copyto/c%20d.stl").json()["objectKey"] == "c d.stl"
    assert client.get(f"{objects}/c%20d.stl").content == b"a/1.stl"
    assert client.get(f"{objects}/c%20d.stl", headers={"Range": "bytes=2-3"}).content == b"1."
    assert client.delete(f"{objects}/c%20d.stl").status_code == 200
    assert client.get(f"{objects}/c%20d.stl/details").json() == {"reason": "Object not found"}
    assert client.get(f"{OSS}/none/objects/x/details").json() == {"reason": "Bucket not found"}
    stored(client, b"new", "b.stl")
    stored(client, b"new", "b.stl")
    assert client.get(f"{objects}/b.stl").content == b"new"
    assert client.delete(f"{OSS}/parts").status_code == 200
    assert client.get(f"{OSS}/parts/details").status_code == 404
    assert client.app.state.service.records.list("blobs.kept") == []


def test_what_is_stored_is_held_as_long_as_it_is_stored(client):
    stored(client, b"one")
    ((name, _),) = client.app.state.service.records.list("blobs.kept")
    assert name.startswith(hashlib.sha256(b"one").hexdigest())


def test_several_objects_at_once(client):
    objects = bucket(client)
    asked = {"requests": [{"objectKey": "a b", "parts": 2}, {"objectKey": "\n"}]}
    begun = client.post(f"{objects}/batchsigneds3upload", json=asked).json()["results"]
    assert begun["\n"]["status"] == "error"
    for k, url in enumerate(begun["a b"]["urls"]):
        client.put(url, content=b"%d" % k)
    asked = {"requests": [{"objectKey": "a b", "uploadKey": begun["a b"]["uploadKey"]}]}
    assert client.post(f"{objects}/batchcompleteupload", json=asked).json()["results"]["a b"]["size"] == 2
    found = client.post(
        f"{objects}/batchsigneds3download", json={"requests": [{"objectKey": "a b"}, {"objectKey": "none"}]}
    ).json()["results"]
    assert client.get(found["a b"]["url"]).content == b"01"
    assert found["none"]["reason"] == "Object not found"
    for wrong in ({}, {"requests": [{}]}, {"requests": [{"objectKey": 1}]}, {"requests": [1] * 26}):
        assert client.post(f"{objects}/batchsigneds3upload", json=wrong).status_code == 400


def test_an_address_for_somebody_else(client):
    objects = bucket(client)
    stored(client, b"abc", "x")
    shared = client.post(f"{objects}/x/signed", json={"minutesExpiration": 5}).json()
    assert client.get(shared["signedUrl"], headers={"Authorization": ""}).content == b"abc"
    assert (
        client.get(shared["signedUrl"].replace("expires=", "expires=9"))
        .json()["reason"]
        .startswith("The signature")
    )
    assert client.post(f"{objects}/x/signed?access=write", json={}).status_code == 400


def test_uploads_that_go_wrong(client):
    objects = bucket(client)
    path = f"{objects}/x/signeds3upload"
    begun = client.get(path, params={"parts": 3}).json()
    key = begun["uploadKey"]
    client.put(begun["urls"][2], content=b"c")
    assert (
        client.post(path, json={"uploadKey": key}).json()["reason"]
        == "The upload is not complete: part 1 is missing."
    )
    more = client.get(path, params={"parts": 2, "firstPart": 1, "uploadKey": key}).json()
    assert more["uploadKey"] == key
    tags = [
        client.put(url, content=content).headers["etag"]
        for url, content in zip(begun["urls"], (b"a", b"b", b"c"), strict=True)
    ]
    assert client.post(path, json={"uploadKey": key, "size": 4}).status_code == 400
    assert client.post(path, json={"uploadKey": key, "eTags": tags[::-1]}).status_code == 400
    assert client.post(path, json={"uploadKey": key, "eTags": "x"}).status_code == 400
    done = client.post(
        path,
        json={"uploadKey": key, "size": 3, "eTags": tags},
        headers={"x-ads-meta-Content-Type": "model/stl"},
    ).json()
    assert (done["size"], done["contentType"]) == (3, "model/stl")
    assert client.get(f"{objects}/x").content == b"abc"
    for wrong in ("0" * 32, "../..", ""):
        assert client.post(path, json={"uploadKey": wrong}).status_code == 400
        assert client.get(path, params={"uploadKey": wrong or "x"}).status_code == 400
    assert client.post(f"{objects}/y/signeds3upload", json={"uploadKey": key}).status_code == 400
    for asked in (
        {"parts": 26},
        {"parts": 0},
        {"firstPart": 10001},
        {"parts": "x"},
        {"minutesExpiration": 61},
    ):
        assert client.get(path, params=asked).status_code == 400
    unsigned = urlsplit(begun["urls"][0]).path
    assert client.put(unsigned, content=b"a").status_code == 403
    service = client.app.state.service
    gone = service.signer.signed(f"/oss/v2/parts/{'0' * 32}/1", 60, "PUT")
    assert client.put(gone, content=b"a").status_code == 404
    assert client.get(f"{OSS}/none/objects/x/signeds3upload").status_code == 404
    assert client.get(f"{objects}/{'x' * 1025}/signeds3upload").status_code == 400
    assert client.get(f"{objects}/%00/signeds3upload").status_code == 400


def test_parts_together_are_no_larger_than_a_file(made):
    client = made(upload_limit=10)
    begun = client.get(f"{bucket(client)}/x/signeds3upload", params={"parts": 2}).json()
    assert client.put(begun["urls"][0], content=b"123456").status_code == 200
    assert client.put(begun["urls"][0], content=b"1234567890").status_code == 200
    assert client.put(begun["urls"][1], content=b"1").status_code == 413


def test_uploads_that_were_given_up_are_forgotten(client, monkeypatch):
    path = f"{bucket(client)}/x/signeds3upload"
    begun = client.get(path).json()
    client.put(begun["urls"][0], content=b"a")
    folder = client.app.state.service.settings.folder / "uploads"
    assert [one.name for one in folder.iterdir()] == [begun["uploadKey"]]
    late = store.time.time() + 2 * 86400
    monkeypatch.setattr(store.time, "time", lambda: late)
    records = client.app.state.service.records
    store.Store(client.app.state.service).begin("parts", "y", None)
    assert list(folder.iterdir()) == []
    assert records.list("oss.parts") == []
    store.Store(client.app.state.service).begin("parts", "z", None)
    assert len(records.list("oss.uploads")) == 2


# Translations


def test_formats_are_those_of_the_mode(made):
    client = made()
    answer = client.get(f"{DESIGN}/formats")
    assert "stl" in answer.json()["formats"]["step"]
    since = answer.headers["last-modified"]
    assert client.get(f"{DESIGN}/formats", headers={"If-Modified-Since": since}).status_code == 304
    assert client.get(f"{DESIGN}/formats", headers={"If-Modified-Since": "yesterday"}).status_code == 200
    client = made(formats="strict")
    listed = client.get(f"{DESIGN}/formats").json()["formats"]
    assert set(listed) == {"obj", "svf", "svf2", "thumbnail"}
    urn = stored(client, TETRAHEDRON)
    assert job(client, urn, {"type": "obj"}).status_code == 406
    assert job(client, urn, {"type": "stl"}).status_code == 406
    assert job(client, urn, {"type": "svf2"}).status_code == 200


def test_what_a_server_makes_of_each_source_is_what_it_says(client):
    listed = client.get(f"{DESIGN}/formats").json()["formats"]
    for suffix in ("stl", "zip", "f3d"):
        urn = stored(client, TETRAHEDRON, f"a.{suffix}")
        for kind in tables.service()["output"]["types"]:
            status = job(client, urn, {"type": kind}).status_code
            assert status == (200 if suffix in listed.get(kind, []) else 406), (suffix, kind)


@pytest.mark.parametrize(
    ("formats", "status"),
    [
        ([], 400), (None, 400), ([1], 400), ([{}], 400), ([{"type": "pdf"}], 400), ([{"type": "iges"}], 406), ([{"type": "stl"}, {"type": "stl"}], 400),
        ([{"type": "svf2", "views": ["2d"]}], 406), ([{"type": "svf2", "views": "3d"}], 400), ([{"type": "svf2", "views": ["4d"]}], 400),
        ([{"type": "stl", "advanced": 1}], 400), ([{"type": "stl", "advanced": {"advanced": [1]}}], 400), ([{"type": "stl", "advanced": {"format": "x"}}], 400),
        ([{"type": "stl", "advanced": {"exportColor": "perhaps"}}], 400), ([{"type": "stl", "advanced": {"exportFileStructure": "none"}}], 400),
        ([{"type": "obj", "advanced": {"unit": "parsec"}}], 400), ([{"type": "obj", "advanced": {"objectIds": [3]}}], 400), ([{"type": "obj", "advanced": {"objectIds": ["3"]}}], 400), ([{"type": "obj", "advanced": {"objectIds": 3}}], 400),
        ([{"type": "obj", "advanced": {"objectIds": [3], "modelGuid": "x"}}], 400),
        ([{"type": "obj", "advanced": {"objectIds": [-1], "unit": "METER"}}], 200),
        ([{"type": "step", "advanced": {"applicationProtocol": "999"}}], 400), ([{"type": "step", "advanced": {"tolerance": -1}}], 400),
        ([{"type": "step", "advanced": {"tolerance": True}}], 400), ([{"type": "step", "advanced": {"applicationProtocol": 203, "tolerance": None}}], 200),
        ([{"type": "thumbnail", "advanced": {"width": 300}}], 400), ([{"type": "thumbnail", "advanced": {"width": 400, "height": 400}}], 200),
    ],
)  # fmt: skip
def test_jobs_that_mean_nothing(client, formats, status):
    body = {"input": {"urn": stored(client, TETRAHEDRON)}, "output": {"formats": formats}}
    found = client.post(f"{DESIGN}/job", json=body)

    assert found.status_code == status
    if status != 200:
        assert set(found.json()) == {"diagnostic"}


def test_jobs_of_what_is_not_there(client):
    assert job(client, urn_of("none", "x.stl"), {"type": "svf2"}).status_code == 404
    bucket(client)
    assert job(client, urn_of("parts", "x.stl"), {"type": "svf2"}).status_code == 404
    assert job(client, encoded("urn:adsk.wipprod:fs.file:vf.x"), {"type": "svf2"}).status_code == 404
    for urn in ("%%", "é", "a", "A" * 6000, encoded("x")[:1]):
        assert job(client, urn, {"type": "svf2"}).status_code in (400, 404)
    for body in (
        {},
        {"input": {"urn": 1}, "output": {}},
        {"input": [], "output": {}},
        {"input": {"urn": "x"}, "output": 1},
    ):
        assert client.post(f"{DESIGN}/job", json=body).status_code == 400
    assert client.post(f"{DESIGN}/job", content=b'{"input": "\\ud800"}').status_code == 400
    assert client.post(f"{DESIGN}/job", content=b"[" * 100).status_code == 400
    for path in ("manifest", "metadata", "thumbnail", "metadata/x/properties"):
        assert client.get(f"{DESIGN}/{urn_of('parts', 'x.stl')}/{path}").status_code == 404
    assert client.delete(f"{DESIGN}/{urn_of('parts', 'x.stl')}/manifest").status_code == 404
    assert client.get(f"{DESIGN}/nothing/at/all").json()["diagnostic"].startswith("nothing is served")


def test_regions(client):
    urn = stored(client, TETRAHEDRON)
    body = {"input": {"urn": urn}, "output": {"destination": {"region": "us"}, "formats": [{"type": "svf2"}]}}
    for path, headers, region in (
        (DESIGN, {}, "US"),
        (DESIGN, {"region": "AUS"}, "AUS"),
        (DESIGN.replace("v2", "v2/regions/eu"), {}, "EMEA"),
    ):
        assert client.post(f"{path}/job", json=body, headers=headers).status_code in (200, 201)
        assert client.get(f"{path}/{urn}/manifest").json()["region"] == region
    assert client.post(f"{DESIGN}/job", json=body, headers={"region": "MARS"}).status_code == 400
    del body["output"]["destination"]
    assert client.post(f"{DESIGN}/job", json=body).status_code in (200, 201)
    assert client.get(f"{DESIGN}/{urn}/manifest").json()["region"] == "US"
    assert re.fullmatch(r"\d+ ms", client.get(f"{DESIGN}/{urn}/manifest").headers["x-ads-duration"])


def test_references_are_not_followed_and_the_manifest_says_so(client):
    urn = translated(client, TETRAHEDRON)
    body = {"urn": urn, "references": [{"urn": urn, "filename": "a.stl"}]}
    assert client.post(f"{DESIGN}/{urn}/references", json=body).json() == {"result": "success", "urn": urn}
    assert client.post(f"{DESIGN}/{urn}/references", json={}).status_code == 400
    (derivative,) = settled(client, urn)["derivatives"]
    assert [row["code"] for row in derivative["messages"]] == ["no-graphics", "references"]


def test_a_view_of_another_guid(client):
    urn = translated(client, TETRAHEDRON)
    assert client.get(f"{view(client, urn)}x").status_code == 404


def packed(*files, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def test_a_file_in_an_archive(client):
    urn = stored(client, packed(("a/../b.stl", TETRAHEDRON), ("c.txt", "x")), "all.zip")
    of = {"compressedUrn": True, "rootFilename": "a/../b.stl"}
    assert job(client, urn, {"type": "svf2"}, **of).status_code == 200
    assert settled(client, urn)["derivatives"][0]["name"] == "b.stl"
    answer = client.get(f"{view(client, urn)}/properties")
    volume = measure(TETRAHEDRON).volume.to("mm^3").value
    assert (
        answer.json()["data"]["collection"][0]["properties"]["Mass Properties"]["Volume"]
        == f"{volume:g} millimeter^3"
    )
    assert job(client, urn, {"type": "svf2"}, **of).status_code == 201


def lied():
    """An archive whose one entry is longer than it says."""
    content = bytearray(packed(("a.stl", b"x" * 1000)))
    start = content.rindex(b"PK\1\2")
    struct.pack_into("<I", content, start + 24, 10)
    struct.pack_into("<I", content, 22, 10)
    return bytes(content)


def locked():
    content = bytearray(packed(("a.stl", b"x")))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


def broken():
    content = bytearray(packed(("a.stl", bytes(range(256)) * 20)))
    content[40:60] = b"\xff" * 20
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no archive", "no ZIP"), (b"", "no ZIP"), (b"PK\5\6", "no ZIP"), (packed(("b.stl", "x")), "has 0 files"), (packed(("a.stl", b"0" * 20_000_000)), "a ratio of 100"),
        (packed(*((f"{k}", "") for k in range(10_001))), "more than 10000 entries"), (lied(), "no ZIP archive that can be read"), (locked(), "encrypted"), (broken(), "no ZIP"),
        (packed(("a.stl", "x"))[:-22] + b"PK\6\7" + bytes(16) + packed(("a.stl", "x"))[-22:], "more than"), (packed(("a.stl", "x")) + b"PK\5\6" + bytes(40), "no ZIP|has 0"),
    ],
)  # fmt: skip
def test_archives_that_are_none_or_a_danger(client, content, says):
    urn = stored(client, content, "all.zip")
    found = job(client, urn, {"type": "svf2"}, compressedUrn=True, rootFilename="a.stl")

    assert found.status_code == 400
    assert re.search(says, found.json()["diagnostic"]), found.text
    assert job(client, urn, {"type": "svf2"}, compressedUrn=True).status_code == 400
    assert list((client.app.state.service.blobs.folder / "new").iterdir()) == []


# Queries


@pytest.fixture
def asked(client, data, monkeypatch):
    """What a query of an assembly answers: seven objects, of 20 × 30 × 50 mm or so."""
    monkeypatch.setattr(partwise, "assembly", put_together(data / "box.stl"))
    one = view(client, translated(client, (data / "box.stl").read_bytes(), key="all.stl"))

    def ask(query=None, status=200, **more):
        found = client.post(
            f"{one}/properties:query", json=({} if query is None else {"query": query}) | more
        )
        assert found.status_code == status, found.text
        return found.json()

    return ask


def ids(answer):
    return [row["objectid"] for row in answer["data"]["collection"]]


def test_queries_find_objects(asked, data):
    everything = asked()["data"]["collection"]
    volume, area = (getattr(measure(data / "box.stl"), name).value for name in ("volume", "area"))
    path = "properties.Mass Properties."
    for query, expected in [
        ({"$in": ["objectid", 1, "3", 99]}, [1, 3]),
        ({"$in": ["externalId", everything[3]["externalId"]]}, [4]),
        ({"$prefix": ["name", "f"]}, [2]),
        ({"$prefix": ["properties.Material", "bra"]}, [3, 4, 6, 7]),
        ({"$eq": ["name", "back"]}, [5]),
        ({"$eq": ["objectid", 5]}, [5]),
        ({"$eq": ["properties.Part Number", "N-1"]}, [3, 4, 6, 7]),
        ({"$eq": ["externalId", everything[0]["externalId"]]}, [1]),
        ({"$eq": [f"{path}Volume", volume]}, [1, 2, 3, 4, 5, 6, 7]),
        ({"$eq": [f"{path}Volume", volume * 1000]}, []),
        ({"$between": [f"{path}Area", area * 0.99, area * 1.01]}, [1, 2, 3, 4, 5, 6, 7]),
        ({"$le": [f"{path}Area", area * 0.99]}, []),
        ({"$ge": [f"{path}Area", area * 0.99]}, [1, 2, 3, 4, 5, 6, 7]),
        ({"$ge": ["Area", 0]}, []),
        ({"$contains": ["properties.Mass Properties.Volume", "MILLIMETER^3"]}, [1, 2, 3, 4, 5, 6, 7]),
        ({"$contains": ["name", "left x"]}, []),
        ({"$contains": ["nothing", "x"]}, []),
    ]:
        assert ids(asked(query)) == expected, query


def test_queries_give_pages_and_fields(asked):
    page = asked(pagination={"offset": 2, "limit": 3}, fields=["objectid", "name"])
    assert page["pagination"] == {"limit": 3, "offset": 2, "totalResults": 7}
    assert [set(row) for row in page["data"]["collection"]] == [{"objectid", "name"}] * 3

    def properties(*fields):
        return asked({"$in": ["objectid", 3]}, fields=list(fields))["data"]["collection"][0]["properties"]

    everything = properties("properties")
    assert properties("properties.Mass*") == {"Mass Properties": everything["Mass Properties"]}
    assert properties("properties.Mass Properties") == {"Mass Properties": everything["Mass Properties"]}
    assert properties("properties.Mass Properties.Area") == {
        "Mass Properties": {"Area": everything["Mass Properties"]["Area"]}
    }
    assert properties("properties.*.Volume") == {
        "Mass Properties": {"Volume": everything["Mass Properties"]["Volume"]}
    }
    assert properties("properties.Material", "properties.Nam*") == {
        "Name": everything["Name"],
        "Material": "brass",
    }
    assert properties("properties.*") == everything
    unit = asked({"$in": ["objectid", 1]}, payload="unit")["data"]["collection"][0]["properties"]
    assert re.fullmatch(r"##[\d.]+\{mm\^3\}\[3\]\{m\^3\}", unit["Mass Properties"]["Volume"])


@pytest.mark.parametrize(
    "body",
    [
        {"query": 1}, {"query": {}}, {"query": {"$in": ["objectid", 1], "$eq": ["name", "x"]}}, {"query": {"$or": ["a", "b"]}}, {"query": {"$in": 1}}, {"query": {"$in": ["objectid"]}},
        {"query": {"$in": [1, 2]}}, {"query": {"$in": ["name", "x"]}}, {"query": {"$prefix": ["name", 1]}}, {"query": {"$prefix": ["name", "a", "b"]}}, {"query": {"$le": ["x", "1"]}},
        {"query": {"$between": ["x", 1]}}, {"query": {"$contains": ["name", "w " * 51]}}, {"query": {"$contains": ["name", " "]}}, {"fields": "name"}, {"fields": [1]},
        {"pagination": 1}, {"pagination": {"limit": 0}}, {"pagination": {"limit": 1001}}, {"pagination": {"offset": -1}}, {"pagination": {"offset": True}}, {"payload": "xml"}, [],
    ],
)  # fmt: skip
def test_queries_that_mean_nothing(client, body):
    one = view(client, translated(client, TETRAHEDRON))
    found = client.post(f"{one}/properties:query", json=body)

    assert (found.status_code, set(found.json())) == (400, {"diagnostic"})


# Anything at all

_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["urn", "formats", "type", "advanced", "query", "$in", "$eq", "limit", "requests", "objectKey"]) | st.text(max_size=5), inner, max_size=3), max_leaves=8)  # fmt: skip
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30) | st.sampled_from(
    ["..", "../../etc/passwd", "/etc/passwd", "a/../b", "\0", "C:\\x"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(key=_TEXTS, name=_TEXTS)
def test_no_key_leaves_the_folder_or_breaks_the_server(client, tmp_path, key, name):
    objects = bucket(client)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    put = client.put(f"{objects}/{quote(key, safe='')}", content=b"x")
    assert put.status_code < 500
    for path in tmp_path.rglob("*"):
        assert path in before or re.fullmatch(
            r"[0-9a-f]{2}|[0-9a-f]{64}|new|blobs|uploads|signing\.key|tmp.*", path.name
        )
    for path in (
        f"{objects}/{quote(name, safe='')}/details",
        f"{OSS}/{quote(name, safe='')}/details",
        f"{DESIGN}/{quote(name, safe='')}/manifest",
        f"{DESIGN}/{encoded(name)}/metadata",
        f"{DESIGN}/{urn_of('parts', name)}/manifest/{quote(name, safe='')}",
    ):
        assert client.get(path).status_code < 500, path
    if put.status_code == 200:
        found = client.get(f"{objects}/{quote(key, safe='')}/signeds3download").json()
        assert client.get(found["url"]).content == b"x"
        assert job(client, urn_of("parts", put.json()["objectKey"]), {"type": "svf2"}).status_code in (
            200,
            201,
            406,
        )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(body=_VALUES, inner=_VALUES)
def test_no_body_breaks_the_server(client, body, inner):
    urn = stored(client, TETRAHEDRON)
    requests = [
        (f"{DESIGN}/job", body),
        (
            f"{DESIGN}/job",
            {"input": {"urn": urn}, "output": {"formats": [inner, {"type": "stl", "advanced": body}]}},
        ),
        (
            f"{DESIGN}/{urn}/metadata/x/properties:query",
            {"query": body, "fields": inner, "pagination": inner},
        ),
        (f"{DESIGN}/{urn}/references", body),
        (OSS, body),
        (f"{OSS}/parts/objects/batchsigneds3upload", {"requests": body}),
        (f"{OSS}/parts/objects/x/signeds3upload", body),
    ]
    for path, sent in requests:
        assert client.post(path, content=json.dumps(sent).encode()).status_code < 500, path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    header=st.from_regex(
        r"(bytes|items|)=? ?(\d{0,30}-?\d{0,30},?){0,4}",
        fullmatch=True,
        alphabet=st.characters(codec="ascii"),
    ),
    query=st.text("0123456789-x%&=", max_size=20),
)
def test_no_range_or_query_breaks_the_server(client, header, query):
    urn = stored(client, TETRAHEDRON)
    job(client, urn, {"type": "thumbnail"})
    for path in (
        f"{OSS}/parts/objects/part.stl",
        f"{DESIGN}/{urn}/thumbnail?width={query}",
        f"{OSS}?limit={query}",
        f"{OSS}/parts/objects/x/signeds3upload?parts={query}",
    ):
        assert client.get(path, headers={"Range": header}).status_code < 500, path


@given(st.text(max_size=60))
def test_urns_are_read_or_refused(text):
    for read in (urns.decoded, urns.place, urns.output):
        try:
            read(text)
        except Refused as error:
            assert error.status in (400, 404)
    try:
        urn = text.encode().decode()
    except UnicodeEncodeError:
        return
    assert urns.decoded(urns.encoded(urn)) == urn
