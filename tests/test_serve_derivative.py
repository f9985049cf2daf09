"""The whole way of the official clients through storage and translation, in process, and every status on it."""

import contextlib
import json
import sqlite3
from urllib.parse import quote

import pytest
from fakes import FakeClock
from serve_derivative import (
    DESIGN,
    STAY,
    TETRAHEDRON,
    TWO,
    Through,
    job,
    opened,
    picture,
    put_together,
    resources,
    settled,
    stored,
    translated,
    urn_of,
    view,
    wait,
)

from massproof import cassettes, choice, clients, dialects, measure, partwise, rendering
from massproof.breakdown import Assembly, Part, Use
from massproof.dialects.derivative import tables
from massproof.errors import UsageError
from massproof.kernels import jit

COMPILED = pytest.mark.skipif(
    jit.DISABLED, reason="exact faces and pictures take minutes without compiled code"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pictures of one colour."""
    monkeypatch.setattr(rendering, "render", picture)


@pytest.fixture
def made(tmp_path):
    """`made(**settings)` is a client of a new server on one folder."""
    with opened(tmp_path) as make:
        yield make


@pytest.fixture
def client(made):
    return made()


@pytest.mark.parametrize("parts", [1, 3])
def test_the_whole_way_from_a_token_to_bytes(made, data, parts):
    """As the official packages go it; what comes back is what was measured, and what went in."""
    client, content = made(), (data / "box.stl").read_bytes()
    del client.headers["Authorization"]
    form = {
        "grant_type": "client_credentials",
        "scope": "data:read data:write data:create bucket:create bucket:read",
    }
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
    assert (started.status_code, started.json()) == (
        200,
        {"result": "success", "urn": urn, "acceptedJobs": {"output": {"formats": asked}}},
    )
    manifest = settled(client, urn)
    assert (manifest["status"], manifest["progress"], manifest["hasThumbnail"]) == (
        "success",
        "complete",
        "true",
    )
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
    query = {
        "query": {"$in": ["objectid", 1]},
        "fields": ["objectid", "name", "properties.Mass Properties.*"],
    }
    found = client.post(f"{one}/properties:query", json=query).json()
    assert found["pagination"] == {"limit": 20, "offset": 0, "totalResults": 1}
    assert found["data"]["collection"] == [
        {
            "objectid": 1,
            "name": "1",
            "properties": {
                k: v
                for k, v in answer.json()["data"]["collection"][0]["properties"].items()
                if k == "Mass Properties"
            },
        }
    ]

    (resource,) = resources(manifest, "STL")
    cookies = client.get(f"{DESIGN}/{urn}/manifest/{quote(resource['urn'], safe='')}/signedcookies")
    named = [line.partition("=")[::2] for line in cookies.headers.get_list("set-cookie")]
    assert [name for name, _ in named] == [
        "CloudFront-Policy",
        "CloudFront-Key-Pair-Id",
        "CloudFront-Signature",
    ]
    values = [value.partition(";")[0] for _, value in named]
    url = f"{cookies.json()['url']}?Policy={values[0]}&Key-Pair-Id={values[1]}&Signature={values[2]}"
    got = client.get(url, headers={"Authorization": ""})
    direct = client.get(f"{DESIGN}/{urn}/manifest/{resource['urn']}")
    assert got.content == direct.content
    assert len(got.content) == cookies.json()["size"]
    assert measure(got.content, unit="mm").volume.value == pytest.approx(truth.volume.value)
    assert client.delete(f"{DESIGN}/{urn}/manifest").json() == {"result": "success"}
    assert client.get(f"{DESIGN}/{urn}/manifest").status_code == 404


def test_our_own_client_measures_there_what_we_measure_here(client, data):
    """It uploads, waits for the translation, and reads the properties of the one object."""
    path = data / "box.stl"
    truth = measure(path)
    environ = {
        "APS_BASE_URL": "http://localhost:1234",
        "APS_CLIENT_ID": "an-application",
        "APS_CLIENT_SECRET": "its/secret+==",
    }
    del client.headers["Authorization"]
    part = clients.part_of(path, truth)
    clock = Waiting(client)
    tape = clients.record(
        "derivative",
        part,
        {"upload": "yes", "bucket": "mine"},
        environ=environ,
        clock=clock,
        client=Through(client),
    )
    answer = cassettes.answer(json.loads(json.dumps(tape)))
    read = dialects.parse(answer.document, answer.dialect, **answer.options)
    for name in ("area", "volume"):
        low, high = getattr(read, name).interval
        assert low <= getattr(truth, name).value <= high

    (urn,) = {row[0].partition("/")[0] for row in client.app.state.service.records.list("derivative.outputs")}
    tape = clients.record(
        "derivative", part, {"urn": urn}, environ=environ, clock=clock, client=Through(client)
    )
    again = cassettes.answer(json.loads(json.dumps(tape)))
    assert again.document == answer.document


class Waiting(FakeClock):
    """Who sleeps, sleeps until all is done."""

    def __init__(self, client):
        super().__init__()
        self._client = client

    def sleep(self, seconds):
        super().sleep(seconds)
        wait(self._client)


@pytest.mark.parametrize("real", [False, pytest.param(True, marks=COMPILED)])
def test_an_assembly_is_a_tree_of_objects_each_with_its_properties(made, data, real, monkeypatch):
    path = data / ("assembly.step" if real else "box.stl")
    if not real:
        monkeypatch.setattr(partwise, "assembly", put_together(path))
    client, truth = made(material="steel"), partwise.assembly(path, material="steel")
    urn = translated(client, path.read_bytes(), key="assembly.step")
    one, expected = view(client, urn), _walked(truth)
    answer = client.get(f"{one}/properties")
    rows = answer.json()["data"]["collection"]

    assert [row["objectid"] for row in rows] == list(range(1, len(expected) + 1))
    assert len({row["externalId"] for row in rows}) == len(rows) > 6
    read = dialects.shapes("derivative").parse_objects(answer.json())
    for row, (name, part) in zip(rows, expected, strict=True):
        assert (row["name"], row["properties"]["Name"]) == (name, name)
        assert row["properties"]["Material"] == (part.material or part.properties.provenance["material"])
        assert row["properties"].get("Part Number") == part.number
        found = read[str(row["objectid"])][1]
        for field in ("area", "volume", "mass"):
            low, high = getattr(found, field).interval
            assert low <= getattr(part.properties, field).value <= high
    (tree,) = client.get(one).json()["data"]["objects"]
    assert _flat(tree) == [(row["objectid"], row["name"]) for row in rows]
    (top,) = client.get(one, params={"objectid": 1, "level": 1}).json()["data"]["objects"]
    assert all("objects" not in child for child in top["objects"])
    (leaf,) = client.get(one, params={"objectid": len(rows)}).json()["data"]["objects"]
    assert leaf == {"objectid": len(rows), "name": rows[-1]["name"]}
    (alone,) = client.get(f"{one}/properties", params={"objectid": 2}).json()["data"]["collection"]
    assert alone == rows[1]
    for other in range(9):  # models are forgotten, and made again the same
        client.get(f"{view(client, translated(client, path.read_bytes(), key=f'{other}.step'))}/properties")
    assert client.get(f"{one}/properties").json() == answer.json()


def test_the_density_of_the_server_is_for_parts_that_state_none(made, data, monkeypatch):
    """And not for what is put together from parts of which some do: its weight would be of neither."""

    def mixed(source, **options):
        light, own = (
            measure(data / "box.stl", unit="mm", **options),
            measure(data / "box.stl", unit="mm", density="1 g/cm^3"),
        )
        uses = (Use("u0", "told", "d1", STAY), Use("u1", "untold", "d2", STAY))
        return Assembly(
            "d0",
            {
                "d0": Part("d0", "all", light, uses),
                "d1": Part("d1", "told", own),
                "d2": Part("d2", "untold", light),
            },
        )

    monkeypatch.setattr(partwise, "assembly", mixed)
    both = {"material": "steel", "density": "2 g/cm^3"}  # a material says more
    for weight, times in (({"density": "2 g/cm^3"}, 2), (both, 7.85)):
        client = made(**weight)
        urn = translated(client, (data / "box.stl").read_bytes())
        assert settled(client, urn)["status"] == "success"
        assert client.get(f"{DESIGN}/{urn}/metadata").status_code == 200  # at once, as clients count on it
        rows = client.get(f"{view(client, urn)}/properties").json()["data"]["collection"]
        grams = measure(data / "box.stl", unit="mm", density="1 g/cm^3").mass.to("g").value
        assert [row["properties"].get("Mass:") for row in rows] == [
            None,
            f"{grams:g} gram",
            f"{round(times * grams, 3):g} gram",
        ]


def _walked(truth):
    """Names and definitions of all objects, a parent before its children."""
    found = []

    def down(part, name):
        found.append((name, part))
        for use in part.children:
            down(truth.parts[use.part], use.name)

    down(truth.whole, "assembly")
    return found


def _flat(tree):
    return [
        (tree["objectid"], tree["name"]),
        *(row for child in tree.get("objects", []) for row in _flat(child)),
    ]


@pytest.mark.parametrize(
    ("path", "status"),
    [("?objectid=99", 404), ("/properties?objectid=99", 404), ("?objectid=-1", 400), ("?level=2", 400), ("/properties?objectid=x", 400)],
)  # fmt: skip
def test_objects_that_are_not_there(client, data, path, status):
    found = client.get(view(client, translated(client, (data / "box.stl").read_bytes())) + path)

    assert (found.status_code, set(found.json())) == (status, {"diagnostic"})


def test_large_answers_are_given_to_whoever_insists(client, data, monkeypatch):
    one = view(client, translated(client, (data / "box.stl").read_bytes()))
    monkeypatch.setitem(tables.service()["limits"], "tree", 10)
    for path in (one, f"{one}/properties"):
        found = client.get(path)
        assert (found.status_code, found.json()) == (
            413,
            {"diagnostic": "Please use the 'forceget' parameter to force querying the data."},
        )
        assert client.get(f"{path}?forceget=true").status_code == 200
        assert client.get(path, headers={"x-ads-force": "true"}).status_code == 200
    monkeypatch.setitem(tables.service()["limits"], "forced", 20)
    assert client.get(f"{one}?forceget=true").status_code == 406


def test_more_objects_than_a_tree_has_are_refused(client, data, monkeypatch):
    monkeypatch.setitem(tables.service()["limits"], "objects", 1)
    monkeypatch.setattr(partwise, "assembly", put_together(data / "box.stl"))
    urn = translated(client, (data / "box.stl").read_bytes())
    assert client.get(view(client, urn)).status_code == 406


def test_answers_that_are_not_there_yet(client, data):
    """202 of views and objects, "inprogress" of the manifest, 404 of a picture, as a stuck worker has it."""
    content = (data / "box.stl").read_bytes()
    urn = translated(client, content, {"type": "svf2", "views": ["3d"]}, {"type": "obj"})
    one, stuck = view(client, urn), {"X-Massproof-Fault": "stuck"}
    manifest = settled(client, urn)
    (resource,) = resources(manifest, "OBJ")
    for path in (
        f"{DESIGN}/{urn}/metadata",
        one,
        f"{one}/properties",
        f"{DESIGN}/{urn}/manifest/{resource['urn']}",
    ):
        found = client.get(path, headers=stuck)
        assert (found.status_code, found.json()) == (202, {"result": "success"})
    assert client.post(f"{one}/properties:query", json={}, headers=stuck).status_code == 202
    shown = client.get(f"{DESIGN}/{urn}/manifest", headers=stuck).json()
    assert (shown["status"], shown["progress"], shown["hasThumbnail"]) == (
        "inprogress",
        "0% complete",
        "false",
    )
    assert [row["children"] for row in shown["derivatives"]] == [[], []]
    queued = client.get(f"{DESIGN}/{urn}/manifest", headers={"X-Massproof-Fault": "states=queued"}).json()
    assert (queued["status"], {row["status"] for row in queued["derivatives"]}) == ("pending", {"pending"})
    assert client.get(f"{DESIGN}/{urn}/thumbnail", headers=stuck).status_code == 404
    assert job(client, urn, {"type": "obj", "advanced": {"unit": "inch"}}, headers=stuck).status_code == 409
    assert job(client, urn, {"type": "obj"}, headers=stuck | {"x-ads-force": "true"}).status_code == 409
    assert job(client, urn, {"type": "obj"}, headers=stuck).json()["result"] == "success"


@pytest.mark.parametrize(("fault", "status"), [("failed", "failed"), ("timeout", "timeout")])
def test_translations_that_go_wrong(client, data, fault, status):
    urn = translated(client, (data / "box.stl").read_bytes())
    one, wrong = view(client, urn), {"X-Massproof-Fault": fault}
    shown = client.get(f"{DESIGN}/{urn}/manifest", headers=wrong).json()
    (derivative,) = shown["derivatives"]

    assert (shown["status"], shown["progress"], derivative["status"]) == (status, "complete", status)
    assert derivative["messages"][0]["code"] == "INJECTED"
    assert client.get(f"{DESIGN}/{urn}/metadata", headers=wrong).status_code == 404
    assert client.get(one, headers=wrong).json()["diagnostic"].startswith("Failed to query the data. ")
    assert client.get(f"{DESIGN}/{urn}/thumbnail", headers=wrong).status_code == 404


def test_a_file_that_is_no_part_fails_and_says_why(client):
    urn = translated(client, b"no part at all", {"type": "svf2"}, {"type": "stl"})
    shown = settled(client, urn)

    assert (shown["status"], shown["hasThumbnail"]) == ("failed", "false")
    for derivative in shown["derivatives"]:
        assert "of no known format" in derivative["messages"][0]["message"]
        assert derivative["children"] == []
    assert job(client, urn, {"type": "stl"}).status_code == 200


def test_a_part_of_open_surfaces_has_no_volume_and_says_so(client, data):
    one = view(client, translated(client, (data / "open_box.stl").read_bytes()))
    answer = client.get(f"{one}/properties")
    (row,) = answer.json()["data"]["collection"]

    assert set(row["properties"]["Mass Properties"]) == {"Area"}
    assert answer.headers["X-Massproof-Verdict"] == "UNSAFE"
    assert "Center of Gravity:" not in row["properties"]


def test_a_view_without_pictures_is_a_view(client, data, monkeypatch):
    """Where nothing can be drawn there is no thumbnail, and the rest is there."""

    def refused(*given, **options):
        msg = "nothing to draw"
        raise UsageError(msg)

    monkeypatch.setattr(rendering, "render", refused)
    urn = translated(client, (data / "box.stl").read_bytes(), {"type": "svf"}, {"type": "thumbnail"})
    shown = settled(client, urn)
    assert [(row["outputType"], row["status"]) for row in shown["derivatives"]] == [
        ("svf", "success"),
        ("thumbnail", "failed"),
    ]
    assert (shown["hasThumbnail"], shown["status"]) == ("false", "failed")
    assert [row["code"] for row in shown["derivatives"][0]["messages"]] == [
        "usage",
        "no-graphics",
    ]  # of three sizes
    assert client.get(f"{DESIGN}/{urn}/thumbnail").json() == {
        "diagnostic": "There is no thumbnail: nothing to draw"
    }


@pytest.mark.parametrize(("asked", "size"), [("", 200), ("?width=100&height=100", 100), ("?width=400", 400), ("?width=150&height=90", 100), ("?width=999&height=1", 400)])  # fmt: skip
def test_thumbnails_of_three_sizes(client, data, asked, size):
    urn = translated(
        client,
        (data / "box.stl").read_bytes(),
        {"type": "thumbnail", "advanced": {"width": 100, "height": "100"}},
    )
    found = client.get(f"{DESIGN}/{urn}/thumbnail{asked}")

    (resource,) = resources(settled(client, urn), "thumbnail")
    assert resource["resolution"] == [100, 100]
    assert found.headers["content-type"] == "image/png"
    assert int.from_bytes(found.content[16:20], "big") == size
    assert found.headers["x-ads-size"] == f"[{size}, {size}]"
    assert found.headers["x-ads-name"] == f"thumb_{size}x{size}.png"
    assert found.headers["cache-control"] == "public, max-age=86400"
    assert client.get(f"{DESIGN}/{urn}/thumbnail?width=0").status_code == 400


def test_files_are_had_in_ranges_and_by_head(client, data):
    urn = translated(
        client,
        (data / "box.stl").read_bytes(),
        {"type": "obj", "advanced": {"unit": "inch", "exportFileStructure": "single"}},
    )
    (resource,) = resources(settled(client, urn), "OBJ")
    raw, whole = (
        f"/{DESIGN}/{urn}/manifest/{resource['urn']}",
        f"{DESIGN}/{urn}/manifest/{quote(resource['urn'], safe='')}",
    )
    content = client.get(whole).content
    assert client.get("http://localhost:1234/" + raw).content == content
    assert client.get(whole.replace("v2/", "v2/regions/eu/")).content == content
    assert client.head(whole).headers["content-length"] == str(len(content))
    part = client.get(whole, headers={"Range": f"bytes=0-{len(content)}", "If-None-Match": "anything"})
    assert (part.status_code, part.content) == (206, content)
    assert part.headers["content-range"] == f"bytes 0-{len(content) - 1}/{len(content)}"
    assert client.get(whole, headers={"Range": "bytes=5-9"}).content == content[5:10]
    assert measure(content, unit="in").volume.value == pytest.approx(measure(data / "box.stl").volume.value)
    assert resource["unit"] == "inch"


def test_files_too_large_to_be_had_at_once(client, data, monkeypatch):
    urn = translated(
        client,
        (data / "box.stl").read_bytes(),
        {"type": "stl", "advanced": {"advanced": {"format": "ascii"}}},
    )
    (resource,) = resources(settled(client, urn), "STL")
    path = f"{DESIGN}/{urn}/manifest/{resource['urn']}"
    assert client.get(path).content.startswith(b"solid")
    monkeypatch.setitem(tables.service()["limits"], "file", 100)
    assert client.get(path).status_code == 413
    assert client.head(path).status_code == 200
    assert client.get(path, headers={"Range": "bytes=0-9"}).status_code == 206


def test_files_that_are_not_there(client, data):
    content = (data / "box.stl").read_bytes()
    urn, other = (
        translated(client, content, {"type": "stl"}),
        translated(client, content, {"type": "stl"}, key="b.stl"),
    )
    (resource,) = resources(settled(client, urn), "STL")
    for wrong in (
        resource["urn"] + "x",
        "urn:x",
        resource["urn"].replace(urn, other),
        "urn:adsk.viewing:fs.file:a",
        resource["urn"].replace("/output/", "/output/0"),
    ):
        assert client.get(f"{DESIGN}/{urn}/manifest/{wrong}").status_code == 404, wrong
    for path in client.app.state.service.blobs.folder.glob("*/*"):
        path.unlink()
    gone = client.get(f"{DESIGN}/{urn}/manifest/{resource['urn']}")
    assert (gone.status_code, set(gone.json())) == (404, {"diagnostic"})


def test_signed_cookies(client, data):
    urn = translated(client, (data / "box.stl").read_bytes(), {"type": "stl"})
    (resource,) = resources(settled(client, urn), "STL")
    path = f"{DESIGN}/{urn}/manifest/{resource['urn']}/signedcookies"
    shown = 'attachment; filename="mine.stl"'
    answer = client.get(path, params={"minutes-expiration": 5, "response-content-disposition": shown})
    cookies = "; ".join(line.partition(";")[0] for line in answer.headers.get_list("set-cookie"))
    client.cookies.clear()
    del client.headers["Authorization"]
    url = answer.json()["url"]
    got = client.get(url, headers={"Cookie": cookies})
    assert got.headers["content-disposition"] == shown
    assert len(got.content) == answer.json()["size"]
    assert client.get(url).status_code == 403
    assert (
        client.get(url, headers={"Cookie": cookies.replace("Signature=", "Signature=9")}).status_code == 403
    )
    client.headers["Authorization"] = "Bearer x"
    for asked in (
        {"minutes-expiration": 361},
        {"response-content-disposition": "inline"},
        {"response-content-disposition": "attachment\r\nX: y"},
    ):
        assert client.get(path, params=asked).status_code == 400


def test_a_file_for_each_part(client):
    urn = translated(
        client, TWO, {"type": "stl", "advanced": {"exportFileStructure": "multiple"}}, key="two.obj"
    )
    rows = resources(settled(client, urn), "STL")
    assert len(rows) == 2
    volumes = [
        measure(client.get(f"{DESIGN}/{urn}/manifest/{row['urn']}").content, unit="mm")
        .volume.to("mm^3")
        .value
        for row in rows
    ]

    assert volumes == pytest.approx([121.5, 4.5])


def test_the_property_database_holds_what_the_objects_are(made, data, monkeypatch):
    monkeypatch.setattr(partwise, "assembly", put_together(data / "box.stl"))
    client = made(material="steel")
    urn = translated(client, (data / "box.stl").read_bytes())
    rows = client.get(f"{view(client, urn)}/properties").json()["data"]["collection"]
    (resource,) = resources(settled(client, urn), "Autodesk.CloudPlatform.PropertyDatabase")
    path = f"{DESIGN}/{urn}/manifest/{resource['urn']}"
    found = client.get(path)
    assert found.headers["content-type"] == resource["mime"] == "application/autodesk-db"
    assert client.get(path).content == found.content
    with contextlib.closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(found.content)
        told = base.execute(
            "SELECT i.id, i.external_id, a.category, a.name, v.value, a.data_type_context FROM _objects_eav e JOIN _objects_id i ON e.entity_id = i.id "
            "JOIN _objects_attr a ON e.attribute_id = a.id JOIN _objects_val v ON e.value_id = v.id"
        ).fetchall()
    truth = measure(data / "box.stl", material="steel")
    names = {id: value for id, _, _, name, value, _ in told if name == "name"}
    assert names == {row["objectid"]: row["name"] for row in rows}
    assert {(id, external) for id, external, *_ in told} == {
        (row["objectid"], row["externalId"]) for row in rows
    }
    children = {(id, value) for id, _, _, name, value, _ in told if name == "child"}
    assert (
        children
        == {(value, id) for id, _, _, name, value, _ in told if name == "parent"}
        == {(1, 2), (1, 5), (2, 3), (2, 4), (5, 6), (5, 7)}
    )
    for name, quantity in (
        ("Mass", truth.mass.to("kg")),
        ("Volume", truth.volume.to("mm^3")),
        ("Area", truth.area.to("mm^2")),
    ):
        assert {value for _, _, category, key, value, _ in told if (category, key) == ("Physical", name)} == {
            quantity.value
        }
    assert {value for _, _, _, key, value, _ in told if key == "Material"} == {
        "brass",
        truth.provenance["material"],
    }
    monkeypatch.setitem(tables.service()["limits"], "database", 100)
    assert client.get(path).status_code == 413
    assert client.get(path, headers={"X-Massproof-Fault": "stuck"}).status_code == 202


def test_some_objects_alone(client, data, monkeypatch):
    """Where they stand, as exact as all of them; what is no object is refused, by the job too."""

    def told(source, **options):
        one = measure(TWO, unit="mm")
        uses = (Use("u0", "one", "d1", STAY), Use("u1", "two", "d1", STAY))
        return Assembly("d0", {"d0": Part("d0", "all", one, uses), "d1": Part("d1", "one", one)})

    monkeypatch.setattr(partwise, "assembly", told)
    urn = stored(client, TWO, "two.obj")
    assert job(client, urn, {"type": "svf2"}).status_code == 200
    guid = view(client, urn).rpartition("/")[2]

    def asked(*ids, **headers):
        advanced = {"modelGuid": guid, "objectIds": list(ids)}
        return job(client, urn, {"type": "obj", "advanced": advanced}, headers=headers)

    assert asked(4).status_code == 400
    assert asked(3, **{"X-Massproof-Fault": "stuck"}).status_code == 409
    assert asked(3).status_code == 200
    (resource,) = resources(settled(client, urn), "OBJ")
    assert (resource["modelGuid"], resource["objectIds"]) == (guid, [3])
    assert asked(3).status_code == 201
    some = measure(client.get(f"{DESIGN}/{urn}/manifest/{resource['urn']}").content, unit="mm")
    assert some.volume.to("mm^3").value == pytest.approx(4.5)
    assert some.center_of_mass.to("mm")[0] == pytest.approx(20.75)
    assert asked(1, 2).status_code == 200
    (resource,) = resources(settled(client, urn), "OBJ")
    everything = measure(client.get(f"{DESIGN}/{urn}/manifest/{resource['urn']}").content, unit="mm")
    assert everything.volume.to("mm^3").value == pytest.approx(126)


def test_objects_that_the_file_has_not_are_not_written(data):
    for wanted, count in (([(1, "other")], 2), ([(1, "box")], 9), ([(5, "box")], 1)):
        with pytest.raises(UsageError, match="not those of the"):
            choice.objects(data / "box.obj", wanted, count)


@COMPILED
def test_parts_of_a_step_file_alone(client, data):
    urn = translated(client, (data / "assembly.step").read_bytes(), key="assembly.step")
    one = view(client, urn)
    rows = client.get(f"{one}/properties").json()["data"]["collection"]
    advanced = {"modelGuid": one.rpartition("/")[2], "objectIds": [3]}
    assert job(client, urn, {"type": "obj", "advanced": advanced}).status_code == 200
    (resource,) = resources(settled(client, urn), "OBJ")
    some = measure(client.get(f"{DESIGN}/{urn}/manifest/{resource['urn']}").content, unit="mm")
    volume = float(rows[2]["properties"]["Mass Properties"]["Volume"].partition(" ")[0])
    assert some.volume.to("mm^3").value == pytest.approx(volume, rel=1e-2)


def test_everything_outlives_a_restart(made, data):
    client = made(database="sqlite")
    urn = translated(
        client,
        (data / "box.stl").read_bytes(),
        {"type": "svf2"},
        {"type": "step", "advanced": {"applicationProtocol": "242", "tolerance": 0.1}},
    )
    before, one = settled(client, urn), view(client, urn)
    properties = client.get(f"{one}/properties").json()
    address = client.get("/oss/v2/buckets/parts/objects/part.stl/signeds3download").json()["url"]
    begun = client.get("/oss/v2/buckets/parts/objects/new.stl/signeds3upload").json()
    client = made(database="sqlite")

    assert client.get(f"{DESIGN}/{urn}/manifest").json() == before
    assert client.get(f"{one}/properties").json() == properties
    assert client.get(address).content == (data / "box.stl").read_bytes()
    assert client.put(begun["urls"][0], content=b"abc").status_code == 200
    assert (
        client.post(
            "/oss/v2/buckets/parts/objects/new.stl/signeds3upload", json={"uploadKey": begun["uploadKey"]}
        ).json()["size"]
        == 3
    )
    for row in resources(before, "STEP"):
        assert client.get(f"{DESIGN}/{urn}/manifest/{row['urn']}").content.startswith(b"ISO-10303-21;")


def test_what_was_stored_anew_is_translated_anew(client, data):
    """A manifest is of the bytes that were there; another job makes it one of those that are there now."""
    urn = translated(client, (data / "box.stl").read_bytes(), {"type": "svf2"}, {"type": "stl"})
    before = settled(client, urn)
    assert stored(client, TETRAHEDRON) == urn
    assert settled(client, urn) == before
    assert job(client, urn, {"type": "svf2"}).json()["result"] == "success"
    after = settled(client, urn)
    assert [row["outputType"] for row in after["derivatives"]] == ["svf2"]
    (row,) = client.get(f"{view(client, urn)}/properties").json()["data"]["collection"]
    read = dialects.parse({"data": {"type": "properties", "collection": [row]}})
    low, high = read.volume.interval
    assert low <= measure(TETRAHEDRON).volume.value <= high
    assert job(client, urn, {"type": "svf2"}, headers={"x-ads-force": "true"}).status_code == 200


@COMPILED
def test_thumbnails_are_drawn(client, data, monkeypatch):
    monkeypatch.undo()
    urn = translated(client, (data / "bracket.step").read_bytes(), key="bracket.step")
    assert settled(client, urn)["hasThumbnail"] == "true"
    found = client.get(f"{DESIGN}/{urn}/thumbnail").content
    assert found.startswith(b"\x89PNG")
    assert len(set(found)) > 100
