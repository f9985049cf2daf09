"""Zoo's operations: asynchronous answers, lists, conversions with options; and its own Python package against them."""

import base64
import json
import math
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_serve_zoo import DATA, TOKEN, ask, client, convert, data, ended, errors, polled, served

import massproof as mp
from massproof.dialects.zoo import calls, multipart, options, pages, uploads, work
from massproof.dialects.zoo.profiles import profile
from massproof.operations.port import Job, Operation, State
from massproof.serving import faults
from massproof.serving.web import Refused

__all__ = ["client"]  # the fixture

BOX = "src_format=stl&output_unit=mm3"
KITTYCAD = {"forward": {"axis": "y", "direction": "negative"}, "up": {"axis": "z", "direction": "positive"}}
OPENGL = {"forward": {"axis": "z", "direction": "positive"}, "up": {"axis": "y", "direction": "positive"}}
SCENE = {"type": "default_scene"}


# Operations


@pytest.mark.parametrize("how", [{"X-Massproof-Async": "true"}, {"Prefer": "respond-async, wait=10"}, None])
def test_a_call_may_be_answered_before_it_is_done(tmp_path, how):
    with served(tmp_path, force_async=how is None) as client:
        first = client.post(f"/file/volume?{BOX}", content=data("box.stl"), headers=how)
        again = client.post(f"/file/volume?{BOX}", content=data("box.stl"), headers=how)

        assert (first.status_code, first.json()["status"]) == (201, "queued")
        assert "volume" not in first.json()
        assert "type" not in first.json()
        assert first.json() == again.json()
        assert first.headers["Location"] == f"/async/operations/{first.json()['id']}"
        done = ended(client, first.json())
        assert (done["type"], done["status"]) == ("file_volume", "completed")
        assert done["volume"] == mp.measure(DATA / "box.stl", unit="mm").volume.to("mm^3").value


def test_a_large_file_is_answered_before_it_is_done(tmp_path):
    with served(tmp_path, zoo_inline=len(data("box.stl"))) as client:
        assert client.post(f"/file/volume?{BOX}", content=data("box.stl")).json()["status"] == "completed"
        assert client.post(f"/file/volume?{BOX}", content=data("box_ascii.stl")).json()["status"] == "queued"


def test_a_repeat_is_the_same_call_and_another_question_is_not(client):
    first = client.post(f"/file/volume?{BOX}", content=data("box.stl"))
    again = client.post(f"/file/volume?{BOX}", content=data("box.stl"))
    other = client.post("/file/volume?src_format=stl&output_unit=cm3", content=data("box.stl"))
    somebody = client.post(
        f"/file/volume?{BOX}", content=data("box.stl"), headers={"Authorization": "Bearer b"}
    )

    assert first.json() == again.json()
    assert first.headers["X-Api-Call-Id"] == first.json()["id"]
    assert len({first.json()["id"], other.json()["id"], somebody.json()["id"]}) == 3


def test_only_the_owner_sees_an_operation(client):
    id = client.post(f"/file/volume?{BOX}", content=data("box.stl")).json()["id"]

    errors(client.get(f"/async/operations/{id}", headers={"Authorization": "Bearer other"}), 404, "Not Found")
    assert client.get(f"/async/operations/{id.upper()}").json()["id"] == id


def test_what_is_polled_again_is_the_same_answer(client):
    made = client.post(f"/file/volume?{BOX}", content=data("box.stl"))
    first, again = (client.get(f"/async/operations/{made.json()['id']}") for _ in range(2))

    assert first.content == again.content
    assert first.headers["X-Massproof-Verdict"] == again.headers["X-Massproof-Verdict"] == "SOUND"
    assert polled(first.json()) == made.json()
    assert list(first.json())[:8] == [
        "id",
        "created_at",
        "started_at",
        "completed_at",
        "user_id",
        "status",
        "updated_at",
        "type",
    ]


def test_answers_that_are_remembered_are_few(tmp_path, monkeypatch):
    monkeypatch.setattr(work.Finished, "MOST", 1)
    with served(tmp_path) as client:
        for unit in ("mm3", "cm3", "mm3"):
            first, again = (
                ask(client, "volume", "stl", data("box.stl"), f"&output_unit={unit}") for _ in range(2)
            )
            assert first == again
            assert first["output_unit"] == unit


def test_a_result_that_was_forgotten_is_made_again(tmp_path):
    """Calls outlive operations, whose results may expire."""
    with served(tmp_path) as client:
        made = client.post(f"/file/volume?{BOX}", content=data("box.stl")).json()
        client.app.state.service.operations._all.clear()
        client.get(f"/async/operations/{made['id']}")
        done = ended(client, made)

    assert done["volume"] == made["volume"]


def test_calls_are_forgotten_when_their_results_are(tmp_path):
    with served(tmp_path, keep_seconds=60.0) as client:
        service = client.app.state.service
        made = [
            client.post(f"/file/volume?src_format={kind}", content=data("box.stl")).json()
            for kind in ("stl", "catia", "fbx", "obj")
        ]
        assert len(client.get("/async/operations").json()["items"]) == 4
        service.operations._all.clear()
        for one in (made[0], made[1]):
            row = service.records.get(calls.CALLS, one["id"])
            old = calls.Call.from_dict({**row, "created": row["created"] - 61})
            service.records.delete(calls.ORDER, calls.Call.from_dict(row).key)
            service.records.put(calls.ORDER, old.key, one["id"])
            service.records.put(calls.CALLS, one["id"], old.to_dict())
        errors(client.get(f"/async/operations/{made[1]['id']}"), 404, "Not Found")
        assert [one["id"] for one in client.get("/async/operations").json()["items"]] == [
            one["id"] for one in made[2:]
        ]
        assert service.records.list(calls.CALLS, prefix=made[0]["id"]) == []
        assert len(service.records.list(calls.ORDER)) == 2


def test_a_restart_loses_nothing(tmp_path):
    pytest.importorskip("dbos")
    with served(tmp_path, database="sqlite") as client:
        made = client.post(f"/file/volume?{BOX}", content=data("box.stl")).json()
        done = client.post("/file/conversion/stl/obj", content=data("box.stl")).json()
    with served(tmp_path, database="sqlite") as client:
        assert polled(client.get(f"/async/operations/{made['id']}").json()) == made
        assert polled(client.get(f"/async/operations/{done['id']}").json()) == done
        assert [one["id"] for one in client.get("/async/operations").json()["items"]] == [
            made["id"],
            done["id"],
        ]
        assert client.post(f"/file/volume?{BOX}", content=data("box.stl")).json() == made


def test_the_words_for_every_state():
    call = calls.Call(
        "file_volume", "u", "zoo-2026-10", 5.25, {"src_format": "stl", "output_unit": "mm3"}, None
    )
    shown = {}
    for state in State:
        times = {State.RECEIVED: (None, None), State.QUEUED: (None, None), State.RUNNING: (6.0, None)}.get(
            state, (6.0, 7.0)
        )
        operation = Operation("x", Job("properties"), state, 1.0, *times, 9.0)
        if state is not State.SUCCEEDED:
            shown[state.value] = calls.answer(call, operation, None)

    assert {key: one["status"] for key, one in shown.items()} == {
        "received": "uploaded", "queued": "queued", "running": "in_progress",
        "failed": "failed", "timed_out": "failed", "cancelled": "failed",
    }  # fmt: skip
    assert shown["running"]["created_at"] == "1970-01-01T00:00:05.250000000Z"
    assert (
        shown["running"]["updated_at"] == shown["running"]["started_at"] == "1970-01-01T00:00:06.000000000Z"
    )
    assert "started_at" not in shown["queued"]
    assert "cancelled" in shown["cancelled"]["error"]
    assert all(("completed_at" in one) == (one["status"] == "failed") for one in shown.values())


def test_what_goes_wrong_on_purpose_is_what_a_client_sees(client, monkeypatch):
    from dataclasses import replace

    made = client.post(f"/file/volume?{BOX}", content=data("box.stl")).json()
    monkeypatch.setattr(faults, "view", lambda request, operation: replace(operation, state=State.RUNNING))
    stuck = client.get(f"/async/operations/{made['id']}").json()
    listed = client.get("/async/operations?status=completed&limit=1").json()

    assert (stuck["status"], stuck.get("volume")) == ("in_progress", None)
    assert listed == {"items": []}


# Lists


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A server that was asked for seven things, two of which have failed."""
    with served(tmp_path_factory.mktemp("many")) as client:
        for unit in ("mm3", "cm3", "m3", "l", "ml"):
            ask(client, "volume", "stl", data("box.stl"), f"&output_unit={unit}")
        ask(client, "volume", "catia", b"x")
        ask(client, "volume", "stl", data("open_box.stl"))
        yield client


def walked(client, query):
    """All items of a list, page by page, as the vendor's package walks it."""
    items, seen, token = [], set(), None
    while True:
        page = client.get(f"/async/operations?{query}" + (f"&page_token={token}" if token else "")).json()
        items += page["items"]
        token = page.get("next_page")
        if token is None:
            return items
        assert token not in seen
        assert token.strip()
        seen.add(token)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100_000])
@pytest.mark.parametrize("status", ["", "completed", "failed", "queued", "undefined"])
def test_pages_put_together_are_the_whole_list(many, limit, status):
    query = f"limit={limit}&page_token=undefined&status={status}"
    items = walked(many, query)
    back = walked(many, query + "&sort_by=created_at_descending")

    assert items == back[::-1]
    assert [one["created_at"] for one in items] == sorted(one["created_at"] for one in items)
    assert len({one["id"] for one in items}) == {"completed": 5, "failed": 2, "queued": 0}.get(status, 7)
    first = many.get(f"/async/operations?limit={limit}&status={status}").json()
    assert len(first["items"]) == min(limit, len(items))


def test_an_item_of_the_list(many):
    item = many.get("/async/operations?limit=1").json()["items"][0]

    assert {key: item[key] for key in ("type", "status", "input", "worker", "attempts")} == {
        "type": "file_volume", "status": "completed", "input": {"src_format": "stl", "output_unit": "mm3"},
        "worker": "massproof", "attempts": 1,
    }  # fmt: skip
    assert item["output"] == {"volume": pytest.approx(6.0)}
    assert many.get("/async/operations", headers={"Authorization": "Bearer other"}).json() == {"items": []}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=0", "number would be zero for non-zero type"),
        ("limit=-1", "invalid digit found in string"),
        ("limit=99999999999", "number too large"),
        ("limit=4294967296", "number too large"),
        ("sort_by=name", "unknown variant `name`, expected `created_at_ascending` or `created_at_descending`"),
        ("status=done", "unknown variant `done`"),
        ("page_token=x", "failed to parse pagination token"),
        ("page_token=" + "A" * 600, "failed to parse pagination token: too large"),
        ("page_token=" + base64.b64encode(b"[]").decode(), "unsupported version"),
        ("page_token=" + base64.b64encode(b'{"v":"v1","page_start":{"after":1}}').decode(), "corrupted"),
    ],
)  # fmt: skip
def test_lists_refuse_what_they_cannot_follow(many, query, text):
    errors(many.get(f"/async/operations?{query}"), 400, text)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_a_token_says_where_to_go_on(start):
    token = pages.token(start)
    for text in (token, token.rstrip("=")):
        try:
            assert pages.start(text) == start
        except Refused as error:
            assert error.message.endswith("too large")


def test_many_calls_are_read_a_hundred_at_a_time():
    from massproof.operations.records import InMemory

    records = InMemory()
    for k in range(250):
        records.put("space", f"u/{k:03}", k)
    rest, last = pages.page(records, "space", "u", "", False, 300, lambda key, k: {"k": k} if k % 2 else None)
    assert ([one["k"] for one in rest], last) == (list(range(1, 250, 2)), None)
    some, last = pages.page(records, "space", "u", "", True, 60, lambda key, k: {"k": k} if k % 2 else None)
    assert ([one["k"] for one in some], last) == (list(range(249, 130, -2)), "u/131")


def test_a_call_that_two_made_at_once_is_one(tmp_path, monkeypatch):
    with served(tmp_path) as client:
        service = client.app.state.service
        get, seen = service.records.get, []

        def late(space, key):
            """Nothing at first, as somebody else is about to write it."""
            found = get(space, key)
            seen.append(key)
            if len(seen) == 1:
                earlier = {**client_call(client, get), "created": 1.0}
                service.records.put(space, key, earlier)
                service.records.put(calls.ORDER, calls.Call.from_dict(earlier).key, key)
                return None
            return found if len(seen) > 2 else get(space, key)

        def client_call(client, get):
            return kept[0]

        kept = []
        record = work._recorded
        monkeypatch.setattr(
            work, "_recorded", lambda service, call: (kept.append(call.to_dict()), record(service, call))[1]
        )
        monkeypatch.setattr(service.records, "get", late)
        made = client.post(f"/file/volume?{BOX}", content=data("box.stl")).json()
        listed = client.get("/async/operations").json()["items"]

    assert made["created_at"].startswith("1970")
    assert [one["id"] for one in listed] == [made["id"]]


# Conversions


@pytest.mark.parametrize("source", ["stl", "obj", "step"])
@pytest.mark.parametrize("target", ["stl", "obj", "ply", "gltf", "glb", "step"])
def test_every_conversion_keeps_the_volume(client, source, target):
    """Also what is read again through the server."""
    name = {"stl": "box.stl", "obj": "box.obj", "step": "box_inch.step"}[source]
    outputs = convert(client, source, target, data(name))

    assert list(outputs) == [f"source.{target}"]
    content = base64.urlsafe_b64decode(outputs[f"source.{target}"])
    unit = "mm" if target in ("stl", "obj", "ply") else None
    before = mp.measure(data(name), unit=None if source == "step" else "mm", format=source).volume
    if target != "gltf":
        assert mp.measure(content, unit=unit, format=target).volume.value == pytest.approx(
            before.value, rel=1e-6
        )
    back = ask(client, "volume", {"glb": "gltf"}.get(target, target), content, "&output_unit=m3")
    assert back["volume"] == pytest.approx(before.value, rel=1e-6)


def test_what_is_said_of_a_conversion(client):
    reply = client.post("/file/conversion/stl/obj", content=data("open_box.stl"))
    answer = reply.json()

    assert answer["status"] == "completed"
    assert list(answer)[7:] == ["src_format", "output_format", "outputs"]
    assert not set("+/=") & set(answer["outputs"]["source.obj"])
    assert reply.headers["X-Massproof-Verdict"] == "UNSAFE"
    assert ended(client, answer)["type"] == "file_conversion"
    fbx = client.post("/file/conversion/stl/fbx", content=data("box.stl")).json()
    assert (fbx["status"], "cannot write FBX" in fbx["error"]) == ("failed", True)
    broken = client.post("/file/conversion/stl/obj", content=b"no mesh").json()
    assert (broken["status"], "outputs" in broken) == ("failed", False)


def test_a_conversion_of_large_files(tmp_path, monkeypatch):
    """Those are hashed late, and what was written is there for as long as that takes."""
    from massproof import files

    monkeypatch.setattr(files, "_COPIED", 0)
    monkeypatch.setattr(files, "_HASHED_AT_ONCE", 0)
    with served(tmp_path) as client:
        assert convert(client, "stl", "ply", data("box.stl"))


def send(client, source, target, files, name="body", **headers):
    """A conversion with options."""
    body = json.dumps({"src_format": source, "output_format": target})
    parts = [(name, ("body.json", body, "application/json"))] if name else []
    parts += [("file", (key, content)) for key, content in files.items()]
    return client.post("/file/conversion", files=parts, headers=headers)


def files_of(client, reply):
    assert reply.status_code == 201, reply.text
    assert reply.json()["status"] == "queued"
    done = ended(client, reply.json())
    assert done["status"] == "completed", done
    return {name: base64.urlsafe_b64decode(text + "==") for name, text in done["outputs"].items()}


OBJ = {"type": "obj", "coords": KITTYCAD, "units": "mm"}
STL = {"type": "stl", "coords": KITTYCAD, "units": "mm"}


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ({"type": "stl", "coords": KITTYCAD, "units": "in", "storage": "ascii", "selection": SCENE}, ["source.stl"]),
        ({"type": "ply", "coords": KITTYCAD, "units": "cm", "storage": "binary_big_endian", "selection": SCENE}, ["source.ply"]),
        ({"type": "obj", "coords": KITTYCAD, "units": "m"}, ["source.obj"]),
        ({"type": "step", "units": "mm", "presentation": "compact", "created": "2026-01-02T03:04:05Z"}, ["source.step"]),
        ({"type": "step"}, ["source.step"]),
        ({"type": "gltf", "storage": "binary", "presentation": "pretty"}, ["source.glb"]),
        ({"type": "gltf", "storage": "standard", "presentation": "pretty"}, ["source.gltf", "source.bin"]),
        ({"type": "gltf", "storage": "embedded", "presentation": "compact", "include_uuids": False}, ["source.gltf"]),
    ],
)  # fmt: skip
def test_options_of_what_is_written(client, target, names):
    reply = send(client, STL, target, {"box.stl": data("box.stl")})
    found = files_of(client, reply)

    assert list(found) == names
    assert reply.json()["src_format_options"] == STL
    assert reply.json()["output_format_options"] == {"type": target["type"], **target}
    content = found[names[0]]
    if names[0] != "source.gltf":
        kind = names[0].removeprefix("source.")
        read = mp.measure(content, unit=target.get("units"), format=kind)
        assert read.volume.to("mm^3").value == pytest.approx(6.0, rel=1e-6)
    if target["type"] == "stl":
        assert content.startswith(b"solid")
    if target.get("created"):
        assert b"2026-01-02T03:04:05Z" in content


def test_units_of_what_is_read(client):
    found = files_of(client, send(client, {**STL, "units": "in"}, OBJ, {"box.stl": data("box.stl")}))

    assert mp.measure(found["source.obj"], unit="mm", format="obj").volume.to("in^3").value == pytest.approx(
        6.0
    )


TWO = b"o one\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
TWO += b"o two\nv 5 5 5\nv 7 5 5\nv 5 7 5\nv 5 5 7\nf 5 7 6\nf 5 6 8\nf 6 7 8\nf 7 5 8\n"


@pytest.mark.parametrize(
    ("selection", "volume"),
    [
        ({"type": "mesh_by_index", "index": 0}, 1 / 6),
        ({"type": "mesh_by_index", "index": 1}, 8 / 6),
        ({"type": "mesh_by_name", "name": "two"}, 8 / 6),
        ({"type": "scene_by_index", "index": 0}, 9 / 6),
        ({"type": "default_scene"}, 9 / 6),
    ],
)
def test_one_mesh_of_several_may_be_written(client, selection, volume):
    target = {**STL, "storage": "binary", "selection": selection}
    reply = send(client, OBJ, target, {"two.obj": TWO})
    content = files_of(client, reply)["source.stl"]
    assert mp.measure(content, unit="mm", format="stl").volume.to("mm^3").value == pytest.approx(volume)
    codes = client.get(f"/async/operations/{reply.json()['id']}").headers["X-Massproof-Findings"].split(",")
    assert ("parts-selected" in codes) == (volume != 9 / 6)


def test_a_mesh_is_counted_without_groups():
    from massproof import choice

    assert choice.mesh(DATA / "assembly.step", None, 0) > 0  # the first node is the group of all
    with pytest.raises(mp.MassproofError, match=r"there is no mesh 99; there are 0 .*(and \d+ more)?"):
        choice.mesh(DATA / "assembly.step", None, 99)


VULKAN = {"forward": {"axis": "z", "direction": "positive"}, "up": {"axis": "y", "direction": "negative"}}


@pytest.mark.parametrize("source", [KITTYCAD, OPENGL, VULKAN])
@pytest.mark.parametrize("target", [KITTYCAD, OPENGL, VULKAN])
def test_axes_are_those_of_two_systems(source, target):
    """What is up and forward in the one is so in the other; the third is such that nothing is mirrored."""
    up, forward = options.axes(source, target)
    moved = turned(up, forward)
    for side in ("up", "forward"):
        assert moved(axis(source[side])) == axis(target[side])
    back = turned(*options.axes(target, source))
    assert all(back(moved(v)) == v for v in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))


def axis(pair):
    sign = 1 if pair["direction"] == "positive" else -1
    return tuple(sign * (name == pair["axis"]) for name in "xyz")


def turned(up, forward):
    """The map that `massproof.convert` makes of these options."""
    from massproof.scene import frame

    matrix = frame(up, forward)[:3, :3]
    return lambda vector: tuple(round(x) for x in matrix @ vector)


def test_a_file_is_written_in_another_system(client):
    """The example of the vendor's own tests: (1, 2, 3) is (1, 3, −2) with +y up."""
    corners = b"v 1 2 3\nv 2 2 3\nv 1 3 3\nv 1 2 4\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
    found = files_of(client, send(client, OBJ, {**OBJ, "coords": OPENGL}, {"a.obj": corners}))["source.obj"]
    first = next(line for line in found.decode().splitlines() if line.startswith("v "))
    assert [float(x) for x in first.split()[1:]] == [1, 3, -2]
    same = files_of(
        client, send(client, {**OBJ, "coords": OPENGL}, {**OBJ, "coords": OPENGL}, {"a.obj": corners})
    )
    assert b"v 1.0 2.0 3.0" in same["source.obj"]


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        (STL, {"type": "fbx", "storage": "binary"}, "cannot write FBX"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "mesh_by_index", "index": 1}}, "there is no mesh 1; there are 0 'part'"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "mesh_by_name", "name": "x"}}, "there is no mesh called 'x'"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "scene_by_index", "index": 1}}, "cannot tell scenes apart"),
        ({"type": "gltf"}, {**STL, "storage": "binary", "selection": {"type": "scene_by_index", "index": 0}}, "cannot tell scenes apart"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "scene_by_name", "name": "a"}}, "cannot tell scenes apart"),
        (STL, {"type": "gltf", "storage": "binary", "presentation": "compact", "include_uuids": True}, "UUIDs"),
        ({"type": "step", "split_closed_faces": True}, {"type": "step"}, "split closed faces"),
        ({"type": "step", "target_representation": "mesh"}, {"type": "step"}, "facets of STEP as STEP"),
        ({"type": "sldprt"}, {"type": "step"}, "cannot read sldprt"),
        ({**STL, "coords": {"up": KITTYCAD["up"], "forward": KITTYCAD["up"]}}, {"type": "step"}, "along one axis"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_fails_and_says_so(client, source, target, text):
    reply = send(client, source, target, {"a.stl": data("box.stl")})
    assert reply.json()["status"] == "queued"
    done = ended(client, reply.json())

    assert done["status"] == "failed"
    assert text in done["error"]


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        (None, OBJ, "invalid type: null, expected a map"),
        ([], OBJ, "invalid type: sequence, expected a map"),
        ({}, OBJ, "missing field `type`"),
        ({"type": "glb"}, OBJ, "unknown variant `glb`"),
        ({"type": ["stl"]}, OBJ, "unknown variant"),
        ({"type": "stl", "units": "mm"}, OBJ, "missing field `coords`"),
        ({**STL, "units": "km"}, OBJ, "unknown variant `km`"),
        ({**STL, "coords": {"up": KITTYCAD["up"]}}, OBJ, "missing field `forward`"),
        ({**STL, "coords": {"up": 1, "forward": 2}}, OBJ, "invalid type: number, expected struct AxisDirectionPair"),
        ({**STL, "coords": {**KITTYCAD, "up": {"axis": "x", "direction": "positive"}}}, OBJ, "expected `y` or `z`"),
        ({"type": "step", "split_closed_faces": "no"}, OBJ, "expected a boolean"),
        (STL, {**STL, "storage": "binary"}, "missing field `selection`"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "mesh_by_index", "index": -1}}, "expected usize"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "mesh_by_name", "name": 1}}, "expected a string"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "mesh_by_name", "name": "\0"}}, "invalid unicode"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "mesh_by_index", "index": 2**32}}, "expected usize"),
        (STL, {**STL, "storage": "binary", "selection": {"type": "mesh_by_name"}}, "missing field `name`"),
        (STL, {"type": "step", "created": "yesterday"}, "no time in RFC 3339"),
        (STL, {"type": "step", "created": 5}, "no time in RFC 3339"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing_are_refused(client, source, target, text):
    errors(send(client, source, target, {"a.stl": data("box.stl")}), 400, text)


def test_bodies_of_several_parts(client):
    with_library = {"thing.obj": b"mtllib thing.mtl\n" + data("box.obj"), "thing.mtl": b"newmtl a\n"}
    assert files_of(client, send(client, OBJ, {"type": "step"}, with_library, "event"))
    errors(send(client, OBJ, STL | {"storage": "binary", "selection": SCENE}, {}), 400, "no file was sent")
    errors(
        send(client, OBJ, {"type": "step"}, {"a.obj": b"1", "b.obj": b"2"}), 400, "of 2 files 2 end in .obj"
    )
    errors(
        send(client, {"type": "step"}, OBJ, {"a.x": b"1", "b.y": b"2"}),
        400,
        "of 2 files 0 end in .step or .stp",
    )
    errors(send(client, OBJ, {"type": "step"}, {"a.obj": b"1"}, ""), 400, "missing field `body`")
    twice = [("body", ("b", "{}")), ("f", ("a.obj", b"1")), ("f", ("a.obj", b"2"))]
    errors(client.post("/file/conversion", files=twice), 400, "two files are called 'a.obj'")
    errors(
        client.post("/file/conversion", files={"body": ("b", b"nonsense")}),
        400,
        "unable to parse JSON body: ",
    )
    errors(
        client.post("/file/conversion", files={"body": ("b", b"[1]")}),
        400,
        "expected struct ConversionParams",
    )
    errors(
        client.post("/file/conversion", files={"body": ("b", bytes(1 << 21))}), 413, "exceeded maximum size"
    )
    errors(
        client.post("/file/conversion", files=[("f", (str(k), b"")) for k in range(65)]),
        400,
        "more than 64 parts",
    )
    errors(client.post("/file/conversion", content=b"x"), 400, "expected multipart/form-data")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    errors(
        client.post("/file/conversion", content=b"--y\r\n", headers=headers),
        400,
        "unable to parse multipart body",
    )
    cut = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc'
    errors(
        client.post("/file/conversion", content=cut, headers=headers), 400, "ends before its last boundary"
    )
    nameless = (
        b'--x\r\nContent-Disposition: form-data; name="thing.obj"\r\n\r\n' + data("box.obj") + b"\r\n--x\r\n"
    )
    nameless += (
        b'Content-Disposition: form-data; name="body"\r\n\r\n'
        + json.dumps({"src_format": OBJ, "output_format": {"type": "step"}}).encode()
    )
    assert files_of(
        client, client.post("/file/conversion", content=nameless + b"\r\n--x--\r\n", headers=headers)
    )
    new = client.app.state.service.blobs.folder / "new"
    assert list(new.iterdir()) == []


def test_gltf_in_several_files_and_in_one(client):
    """What is written as text with a file beside it, or with numbers inside, is read again."""
    for storage in ("standard", "embedded"):
        target = {"type": "gltf", "storage": storage, "presentation": "compact"}
        made = files_of(client, send(client, STL, target, {"box.stl": data("box.stl")}))
        again = files_of(client, send(client, {"type": "gltf"}, OBJ, made))
        assert mp.measure(again["source.obj"], unit="mm", format="obj").volume.to(
            "mm^3"
        ).value == pytest.approx(6.0, rel=1e-6)
    made = files_of(
        client, send(client, STL, {**target, "storage": "standard"}, {"box.stl": data("box.stl")})
    )
    del made["source.bin"]
    errors(send(client, {"type": "gltf"}, OBJ, made), 400, "needs 'source.bin', which was not sent")


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"{}",
        b'{"buffers": 5}',
        b'{"buffers":[{"uri":"data:;base64,!"}]}',
        b'{"bufferViews":[{}]}',
        b'\xef\xbb\xbf {"asset":{"version":"2.0"}}',
    ],
)
def test_gltf_that_is_none_fails_in_its_reader(client, text):
    assert ask(client, "volume", "gltf", text)["status"] == "failed"


def test_two_buffers_of_odd_length_become_one(client):
    blobs = client.app.state.service.blobs
    document = {
        "buffers": [{"uri": "data:application/octet-stream;base64,YWJj"}, {"uri": "x/b.bin"}],
        "bufferViews": [{"buffer": 0, "byteLength": 3}, {"buffer": 1, "byteOffset": 1, "byteLength": 2}],
    }
    packed = uploads.packed(blobs, blobs.put(json.dumps(document).encode()), {"b.bin": blobs.put(b"defg")}, 8)
    content = blobs.read(packed.digest)
    tail = content[content.index(b"BIN\0") + 4 :]

    assert tail == b"abc\0defg"
    with pytest.raises(Refused, match="more than 7 bytes"):
        uploads.packed(blobs, blobs.put(json.dumps(document).encode()), {"b.bin": blobs.put(b"defg")}, 7)
    assert int.from_bytes(content[8:12], "little") == len(content)
    length = int.from_bytes(content[12:16], "little")
    views = json.loads(content[20 : 20 + length])["bufferViews"]
    assert [tail[v["byteOffset"] : v["byteOffset"] + v["byteLength"]] for v in views] == [b"abc", b"ef"]


def test_a_text_of_gltf_that_is_too_long(client, monkeypatch):
    monkeypatch.setattr(uploads, "_TEXT", 10)
    errors(
        client.post("/file/volume?src_format=gltf", content=b'{"asset": {}}'),
        413,
        "has 10 bytes at most, this one 13",
    )


def test_a_body_that_another_request_has_taken(client, monkeypatch):
    from massproof.blobs import Blob
    from massproof.dialects.zoo import routes

    with pytest.raises(Refused, match="twice at a time"):
        routes._parts(client.app.state.service, Blob("0" * 64, 1), "multipart/form-data; boundary=b")


@given(
    st.dictionaries(
        st.text(
            st.characters(codec="ascii", exclude_characters='"\\\r\n\0', exclude_categories=("Cc",)),
            min_size=1,
            max_size=8,
        ),
        st.binary(max_size=200),
        max_size=4,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_parts_are_read_as_they_were_sent(client, files):
    import io

    blobs = client.app.state.service.blobs
    body = b'--b\r\ncontent-disposition: form-data; name="body"\r\n\r\n{}\r\n'
    for name, content in files.items():
        body += (
            f'--b\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode()
            + content
            + b"\r\n"
        )
    text, found = multipart.read(io.BytesIO(body + b"--b--\r\n"), "multipart/form-data; boundary=b", blobs)

    assert text == b"{}"
    assert [blobs.read(blob.digest) for blob in found.values()] == list(files.values())


# The vendor's package


@pytest.fixture(scope="module")
def kittycad(client):
    """The package as it is, but for what carries its requests."""
    package, httpx = pytest.importorskip("kittycad"), pytest.importorskip("httpx")

    class Carrier(httpx.BaseTransport):
        def handle_request(self, request):
            headers = {
                key: value for key, value in request.headers.items() if key not in ("host", "accept-encoding")
            }
            reply = client.request(request.method, str(request.url), content=request.read(), headers=headers)
            return httpx.Response(
                reply.status_code, headers=list(reply.headers.items()), content=reply.content
            )

    with httpx.Client(transport=Carrier()) as carried:
        yield package.KittyCAD(token="t", base_url="http://127.0.0.1/", http_client=carried)


@pytest.mark.parametrize(
    ("kind", "name"), [("stl", "box.stl"), ("obj", "box.obj"), ("step", "box_inch.step")]
)
def test_the_vendor_s_package_measures_and_converts(kittycad, kind, name):
    from kittycad import models as m

    body, asked = data(name), {"src_format": m.FileImportFormat(kind)}
    result = mp.measure(DATA / name, unit=None if kind == "step" else "mm", density="7850 kg/m^3")
    volume = kittycad.file.create_file_volume(body=body, output_unit=m.UnitVolume.CM3, **asked)
    mass = kittycad.file.create_file_mass(
        body=body,
        material_density=7850.0,
        material_density_unit=m.UnitDensity.KG_M3,
        output_unit=m.UnitMass.LB,
        **asked,
    )
    density = kittycad.file.create_file_density(
        body=body,
        material_mass=mass.mass,
        material_mass_unit=m.UnitMass.LB,
        output_unit=m.UnitDensity.LB_FT3,
        **asked,
    )
    area = kittycad.file.create_file_surface_area(body=body, output_unit=m.UnitArea.IN2, **asked)
    centre = kittycad.file.create_file_center_of_mass(body=body, output_unit=m.UnitLength.MM, **asked)
    box = operated(
        kittycad, kittycad.file.create_file_bounding_box(body=body, output_unit=m.UnitLength.MM, **asked)
    )

    assert volume.volume == result.volume.to("cm^3").value
    assert mass.mass == result.mass.to("lb").value
    assert density.density == pytest.approx(result.density.to("lb/ft^3").value, rel=1e-14)
    assert area.surface_area == result.area.to("in^2").value
    assert (
        centre.center_of_mass.x,
        centre.center_of_mass.y,
        centre.center_of_mass.z,
    ) == result.center_of_mass.to("mm")
    assert box.bounding_box.dimensions.z == result.bounding_box.height.to("mm").value
    done = kittycad.file.create_file_conversion(
        body=body, src_format=asked["src_format"], output_format=m.FileExportFormat.GLB
    )
    read = mp.measure(bytes(done.outputs["source.glb"]), format="glb")
    assert read.volume.value == pytest.approx(result.volume.value, rel=1e-6)


def operated(kittycad, answer):
    """What the package gets of an operation when it has ended."""
    for _ in range(200):
        found = kittycad.api_calls.get_async_operation(id=str(answer.id)).root
        if str(found.status) not in ("queued", "in_progress", "uploaded"):
            return found
        time.sleep(0.01)
    raise AssertionError(found)


def test_the_vendor_s_package_converts_with_options(kittycad):
    from kittycad import models as m

    system = m.System(
        forward=m.AxisDirectionPair(axis="y", direction="negative"),
        up=m.AxisDirectionPair(axis="z", direction="positive"),
    )
    body = m.ConversionParams(
        src_format=m.InputFormat3d(m.input_format3d.OptionObj(coords=system, units="mm")),
        output_format=m.OutputFormat3d(m.output_format3d.OptionStep(coords=system, units="mm")),
    )
    made = kittycad.file.create_file_conversion_options(
        body=body, file_attachments={"thing.obj": DATA / "box.obj"}
    )
    done = operated(kittycad, made)

    assert str(done.status) == "completed"
    assert mp.measure(bytes(done.outputs["source.step"])).volume.to("mm^3").value == pytest.approx(6.0)


def test_the_vendor_s_package_understands_our_errors(kittycad):
    from kittycad import exceptions
    from kittycad import models as m

    with pytest.raises(exceptions.KittyCADClientError, match="Not Found"):
        kittycad.api_calls.get_async_operation(id="8f0b6c1e-0000-4000-8000-000000000001")
    failed = kittycad.file.create_file_volume(body=data("open_box.stl"), src_format=m.FileImportFormat.STL)
    assert (str(failed.status), failed.volume) == ("failed", None)
    assert "does not enclose a volume" in failed.error
    assert kittycad.meta.ping().message == "pong"
    made = kittycad.unit.get_mass_unit_conversion(
        input_unit=m.UnitMass.LB, output_unit=m.UnitMass.KG, value=1.0
    )
    assert math.isclose(made.output, 0.45359237)


# The document


@pytest.mark.parametrize("name", ["zoo-2024-04", "zoo-2026-04", "zoo-2026-10"])
def test_answers_are_as_our_openapi_document_says(client, name):
    jsonschema = pytest.importorskip("jsonschema")
    headers = {**TOKEN, "X-Massproof-Profile": name}
    document = client.get("/openapi.json", headers=headers).json()
    assert ("/file/bounding-box" in document["paths"]) == ("bounding_box" not in profile(name).without)

    def check(path, method, reply):
        responses = document["paths"][path][method]["responses"]
        schema = responses[str(reply.status_code)]["content"]["application/json"]["schema"]
        jsonschema.validate(reply.json(), schema)

    for path, query in (("volume", ""), ("center-of-mass", ""), ("mass", "&material_density=1")):
        reply = client.post(f"/file/{path}?src_format=stl{query}", content=data("box.stl"), headers=headers)
        check(f"/file/{path}", "post", reply)
        check(
            "/async/operations/{id}",
            "get",
            client.get(f"/async/operations/{reply.json()['id']}", headers=headers),
        )
    check("/async/operations", "get", client.get("/async/operations?limit=3", headers=headers))
    reply = client.post("/file/conversion/stl/obj", content=data("box.stl"), headers=headers)
    check("/file/conversion/{src_format}/{output_format}", "post", reply)
    reply = client.get("/unit/conversion/mass/g/lb?value=1", headers=headers)
    check("/unit/conversion/mass/{input_unit}/{output_unit}", "get", reply)
    check("/ping", "get", client.get("/ping"))
