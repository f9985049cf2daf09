"""Folders as hubs: what is there, what changes, what is nobody's business."""

import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest
from mfgdm_makers import LONG_AGO, age, cloud, hub

from massproof.dialects.mfgdm import desk, ids, parts, tree
from massproof.dialects.mfgdm.parts import Parts
from massproof.errors import InputError, UsageError
from massproof.operations.records import InMemory
from massproof.serving import uploads
from massproof.serving.service import Service, Settings

WALK = """query($h: ID!) { hub(hubId: $h) { id name fusionWebUrl alternativeIdentifiers { dataManagementAPIHubId } projects { results { ...project } } } }
fragment project on Project { id name projectStatus projectType thumbnailUrl hub { id } alternativeIdentifiers { dataManagementAPIProjectId }
  items { results { id name } } folders { results { ...folder folders { results { ...folder } } } } }
fragment folder on Folder { id name objectCount createdOn lastModifiedOn hub { id } project { id } parentFolder { id } items { results { id name parentFolder { id } project { id } hub { id } } } }"""
ITEM = """query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { __typename id name mimeType size extensionType createdOn lastModifiedOn createdBy { id }
  ... on DesignItem { isConfiguration fusionWebUrl rootComponent { id isPartNumberGroupPrimary tipVersion { id } } tipRootComponentVersion { id isRoot } tipVersion { id versionNumber }
    versions { results { id versionNumber createdOn isConfiguration mimeType name hub { id } project { id } item { id } rootComponentVersion { id } drawingItemVersions { results { id } } } } } } }"""


DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def box():
    return (DATA / "box.stl").read_bytes()


@pytest.fixture(scope="module")
def other():
    return (DATA / "open_box.stl").read_bytes()


@pytest.fixture
def folder(tmp_path, box, other):
    return filled(tmp_path, box, other)


def filled(tmp_path, box, other):
    files = {
        "Loose.stl": box,
        "A/one.stl": box,
        "A/two.STL": other,
        "A/notes.txt": b"x",
        "A/.hidden.stl": box,
        "A/In/three.stl": box,
        "A/In/Deep/four.stl": other,
        "B/five.stl": box,
    }
    made = hub(tmp_path / "hub", files)
    (made / ".git").mkdir()
    age(made)
    return made


@pytest.fixture
def served(tmp_path, folder):
    with cloud(tmp_path / "data", folder) as made:
        yield made


@pytest.fixture(scope="module")
def still(tmp_path_factory, box, other):
    """One server for all tests that change nothing."""
    folder = tmp_path_factory.mktemp("still")
    with cloud(folder / "data", filled(folder, box, other)) as made:
        yield made


def walked(served, name="hub"):
    return served.ask(WALK, h=served.hub(name))["hub"]


def names(served, project="A"):
    found = next(one for one in walked(served)["projects"]["results"] if one["name"] == project)
    return [one["name"] for one in found["items"]["results"]]


# What there is


def test_a_folder_is_a_tree(still):
    found = walked(still)
    projects = {one["name"]: one for one in found["projects"]["results"]}
    (inner,) = projects["A"]["folders"]["results"]
    (deep,) = inner["folders"]["results"]

    assert list(projects) == ["A", "B", "hub"]
    assert [one["name"] for one in projects["A"]["items"]["results"]] == ["one.stl", "two.STL"]
    assert [one["name"] for one in projects["hub"]["items"]["results"]] == ["Loose.stl"]
    assert projects["hub"]["folders"]["results"] == []
    assert (inner["name"], inner["objectCount"], inner["parentFolder"], inner["project"]) == (
        "In",
        2,
        None,
        {"id": projects["A"]["id"]},
    )
    assert (deep["name"], deep["parentFolder"], deep["lastModifiedOn"]) == (
        "Deep",
        {"id": inner["id"]},
        "2023-11-14T22:13:20.000Z",
    )
    assert [
        (one["name"], one["parentFolder"], one["project"], one["hub"]) for one in deep["items"]["results"]
    ] == [("four.stl", {"id": deep["id"]}, {"id": projects["A"]["id"]}, {"id": found["id"]})]
    assert len({one["id"] for one in projects.values()}) == 3


def test_each_place_is_found_by_its_ids(still):
    found = walked(still)
    of_hub, project = found["id"], found["projects"]["results"][0]
    inner = project["folders"]["results"][0]
    asked = [
        (
            "hubByDataManagementAPIId(dataManagementAPIHubId: $a) { id }",
            found["alternativeIdentifiers"]["dataManagementAPIHubId"],
            "",
            of_hub,
        ),
        ("project(projectId: $a) { id }", project["id"], "", project["id"]),
        (
            "projectByDataManagementAPIId(dataManagementAPIProjectId: $a) { id }",
            project["alternativeIdentifiers"]["dataManagementAPIProjectId"],
            "",
            project["id"],
        ),
        ("folder(projectId: $a, folderId: $b) { id }", project["id"], inner["id"], inner["id"]),
        ("folderByHubId(hubId: $a, folderId: $b) { id }", of_hub, inner["id"], inner["id"]),
    ]
    for query, a, b, id in asked:
        assert list(
            still.ask(
                f"query($a: ID!, $b: ID!) {{ it: {query} }}" if b else f"query($a: ID!) {{ it: {query} }}",
                a=a,
                **({"b": b} if b else {}),
            ).values()
        ) == [{"id": id}]
    lists = [
        ("projects(hubId: $a) { results { name } }", of_hub, None, "v2", ["A", "B", "hub"]),
        ("foldersByProject(projectId: $a) { results { name } }", project["id"], None, "v2", ["In"]),
        (
            "foldersByFolderInHub(hubId: $a, folderId: $b) { results { name } }",
            of_hub,
            inner["id"],
            "v2",
            ["Deep"],
        ),
        (
            "foldersByFolder(projectId: $a, folderId: $b) { results { name path } }",
            project["id"],
            inner["id"],
            "v3",
            ["Deep"],
        ),
        (
            "itemsByProject(projectId: $a) { results { name } }",
            project["id"],
            None,
            "v2",
            ["one.stl", "two.STL"],
        ),
        (
            "itemsByFolder(hubId: $a, folderId: $b) { results { name } }",
            of_hub,
            inner["id"],
            "v2",
            ["three.stl"],
        ),
    ]
    for query, a, b, api, wanted in lists:
        told = still.ask(
            f"query($a: ID!, $b: ID!) {{ it: {query} }}" if b else f"query($a: ID!) {{ it: {query} }}",
            api,
            a=a,
            **({"b": b} if b else {}),
        )["it"]["results"]
        assert [one["name"] for one in told] == wanted
    path = still.ask(
        "query($a: ID!, $b: ID!) { foldersByFolder(projectId: $a, folderId: $b) { results { path } } }",
        "v3",
        a=project["id"],
        b=inner["id"],
    )
    assert path["foldersByFolder"]["results"] == [{"path": "In/Deep"}]


@pytest.mark.parametrize(
    "query",
    [
        'hub(hubId: "x") { id }', 'hubByDataManagementAPIId(dataManagementAPIHubId: "a.x") { id }', 'projects(hubId: "x") { results { id } }',
        'project(projectId: "x") { id }', 'project(projectId: $hub) { id }', 'hub(hubId: $folder) { id }',
        'projectByDataManagementAPIId(dataManagementAPIProjectId: "b.x") { id }', 'folder(projectId: "x", folderId: $folder) { id }', 'folder(projectId: $hub, folderId: "x") { id }',
        'folderByHubId(hubId: $uploads, folderId: $folder) { id }', 'item(hubId: $hub, itemId: "x") { id }', "item(hubId: $hub, itemId: $hub) { id }", "item(hubId: $uploads, itemId: $item) { id }",
        'itemVersion(hubId: $hub, versionId: "urn:adsk.wipprod:fs.file:vf.x?version=1") { id }', "itemVersion(hubId: $hub, versionId: $nine) { id }", 'componentVersion(componentVersionId: "x") { id }',
        "componentVersion(componentVersionId: $component) { id }", "component(componentId: $version) { id }", "componentVersion(componentVersionId: $elsewhere) { id }", "componentVersion(componentVersionId: $part) { id }",
        "component(componentId: $nopart) { id }", 'componentVersion(componentVersionId: "../../etc/passwd") { id }', 'item(hubId: $hub, itemId: "urn:adsk.wipprod:dm.lineage:../../etc/passwd") { id }',
    ],
)  # fmt: skip
def test_ids_that_name_nothing(still, query):
    of_hub = still.hub("hub")
    item, version = still.items(of_hub)["one.stl"]
    key, mark = ids.item_key(item), ids.words(version)[2]
    known = {
        "hub": of_hub, "uploads": still.hub("Uploads"), "item": item, "version": version, "nine": ids.item_version(key, 9),
        "folder": walked(still)["projects"]["results"][0]["folders"]["results"][0]["id"], "component": ids.component(key, ids.WHOLE),
        "elsewhere": ids.component_version(key, ids.short("x"), ids.WHOLE), "part": ids.component_version(key, mark, "x"), "nopart": ids.component(key, "x"),
    }  # fmt: skip
    used = {name: value for name, value in known.items() if f"${name}" in query}
    code, message = still.refused(
        f"query({', '.join(f'${name}: ID!' for name in used)}) {{ {query} }}" if used else f"{{ {query} }}",
        **used,
    )

    assert code == "NOT_FOUND"
    assert "there is no" in message


def test_an_item_tells_what_is_known_of_it(still, box):
    of_hub = still.hub("hub")
    id, version = still.items(of_hub)["one.stl"]
    found = still.ask(ITEM, h=of_hub, i=id)["item"]
    (only,) = found["versions"]["results"]

    assert (found["__typename"], found["name"], found["mimeType"], found["size"]) == (
        "DesignItem",
        "one.stl",
        "model/stl",
        str(len(box)),
    )
    assert found["createdOn"] == found["lastModifiedOn"] == only["createdOn"] == "2023-11-14T22:13:20.000Z"
    assert (found["extensionType"], found["createdBy"], found["fusionWebUrl"], found["isConfiguration"]) == (
        None,
        None,
        None,
        False,
    )
    assert found["tipRootComponentVersion"] == {"id": version, "isRoot": True}
    assert found["rootComponent"]["tipVersion"] == only["rootComponentVersion"] == {"id": version}
    assert found["tipVersion"] == {"id": only["id"], "versionNumber": 1}
    assert (only["name"], only["mimeType"], only["item"], only["hub"], only["drawingItemVersions"]) == (
        "one.stl",
        "model/stl",
        {"id": id},
        {"id": of_hub},
        {"results": []},
    )
    again = still.ask(
        "query($h: ID!, $v: ID!) { itemVersion(hubId: $h, versionId: $v) { __typename id versionNumber } }",
        h=of_hub,
        v=only["id"],
    )
    assert again["itemVersion"] == {"__typename": "DesignItemVersion", "id": only["id"], "versionNumber": 1}


# Pages and filters


@pytest.mark.parametrize("first", [{}, {"cursor": None}, {"cursor": ""}])
def test_pages_make_up_the_whole(tmp_path, box, first):
    many = hub(tmp_path / "many", {f"P/{k:02d}.stl": box for k in range(23)})
    query = "query($h: ID!, $p: PaginationInput) { projects(hubId: $h) { results { items(pagination: $p) { pagination { cursor pageSize } results { name } } } } }"
    with cloud(tmp_path / "data", many) as served:
        for limit in (1, 5, 22, 23, 24, 100):
            found, asked = [], {**first, "limit": limit}
            while asked is not None:
                page = served.ask(query, h=served.hub("many"), p=asked)["projects"]["results"][0]["items"]
                assert page["pagination"]["pageSize"] == len(page["results"])
                assert len(page["results"]) == min(limit, 23 - len(found))
                found += [one["name"] for one in page["results"]]
                cursor = page["pagination"]["cursor"]
                asked = None if cursor is None else {"cursor": cursor, "limit": limit}
            assert found == [f"{k:02d}.stl" for k in range(23)]
        nothing = served.ask(query, h=served.hub("many"), p={"limit": 0})["projects"]["results"][0]["items"][
            "pagination"
        ]
        same = served.ask(query, h=served.hub("many"), p={"limit": 0, "cursor": nothing["cursor"]})[
            "projects"
        ]["results"][0]["items"]["pagination"]
        assert nothing == same
        assert nothing["pageSize"] == 0
        assert served.ask(query, h=served.hub("many"), p={"limit": 23, "cursor": nothing["cursor"]})[
            "projects"
        ]["results"][0]["items"]["pagination"] == {"cursor": None, "pageSize": 23}


def test_a_page_goes_on_where_the_last_one_ended_though_files_came_and_went(served, folder, box):
    query = 'query($p: PaginationInput) { hubs { results { projects(filter: {name: "B"}) { results { items(pagination: $p) { pagination { cursor } results { name } } } } } } }'
    for name in ("a.stl", "c.stl", "e.stl"):
        (folder / "B" / name).write_bytes(box)

    def page(**asked):
        found = served.ask(query, p=asked)["hubs"]["results"]
        return next(one["projects"]["results"][0]["items"] for one in found if one["projects"]["results"])

    first = page(limit=2)
    (folder / "B/c.stl").unlink()
    (folder / "B/b.stl").write_bytes(box)
    second = page(limit=2, cursor=first["pagination"]["cursor"])

    assert [one["name"] for one in first["results"]] == ["a.stl", "c.stl"]
    assert [one["name"] for one in second["results"]] == ["e.stl", "five.stl"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"limit": -1}, "between 0 and 100"),
        ({"limit": 101}, "between 0 and 100"),
        ({"cursor": "nonsense!"}, "no cursor of this server"),
        ({"cursor": "é"}, "no cursor of this server"),
        ({"cursor": "/w"}, "no cursor of this server"),
    ],
)
def test_pages_that_cannot_be(still, asked, words):
    code, message = still.refused(
        "query($p: PaginationInput) { hubs(pagination: $p) { results { id } } }", p=asked
    )

    assert (code, words in message) == ("BAD_USER_INPUT", True)


def test_an_answer_has_a_size(still, monkeypatch):
    monkeypatch.setattr(desk, "_OBJECTS", 5)
    code, message = still.refused(
        "{ hubs { results { projects { results { items { results { id } } } } } } }"
    )

    assert (code, "more than 5 objects" in message) == ("BAD_USER_INPUT", True)


def test_filters_are_exact(still):
    query = 'query($n: String, $t: ItemTypeEnum) { hubs(filter: {name: "hub"}) { results { projects(filter: {name: "A"}) { results { folders(filter: {name: $n}) { results { name } } items(filter: {name: $n, itemType: $t}) { results { name } } } } } } }'

    def found(name, kind=None):
        (project,) = still.ask(query, n=name, t=kind)["hubs"]["results"][0]["projects"]["results"]
        return [one["name"] for one in (*project["folders"]["results"], *project["items"]["results"])]

    assert found("one.stl") == found("one.stl", "MFG_DESIGN_ITEM") == ["one.stl"]
    assert found("One.stl") == found("one") == found("") == found("one.stl", "MFG_DRAWING_ITEM") == []
    assert found("In") == ["In"]
    assert found(None) == ["In", "one.stl", "two.STL"]


# What changes


def test_new_files_and_folders_appear_and_removed_ones_go(served, folder, box):
    assert names(served) == ["one.stl", "two.STL"]
    item = served.items(served.hub("hub"))["two.STL"][0]
    (folder / "A/six.stl").write_bytes(box)
    (folder / "A/two.STL").unlink()
    (folder / "C/D").mkdir(parents=True)
    assert names(served) == ["one.stl", "six.stl"]
    assert [one["name"] for one in walked(served)["projects"]["results"]] == ["A", "B", "C", "hub"]
    assert served.refused(ITEM, h=served.hub("hub"), i=item)[0] == "NOT_FOUND"
    id = walked(served)["projects"]["results"][0]["folders"]["results"][0]["id"]
    shutil.rmtree(folder / "A")
    assert [one["name"] for one in walked(served)["projects"]["results"]] == ["B", "C", "hub"]
    assert (
        served.refused(
            "query($h: ID!, $f: ID!) { folderByHubId(hubId: $h, folderId: $f) { id } }",
            h=served.hub("hub"),
            f=id,
        )[0]
        == "NOT_FOUND"
    )
    shutil.rmtree(folder)
    assert walked(served)["projects"]["results"] == []


def test_other_bytes_are_a_new_version_and_the_old_one_stays(served, folder, box, other):
    of_hub = served.hub("hub")
    item, first = served.items(of_hub)["one.stl"]
    before = served.physical(first)
    for k, content in enumerate((other, box), 1):
        (folder / "A/one.stl").write_bytes(content)
        os.utime(folder / "A/one.stl", (LONG_AGO + k, LONG_AGO + k))
        served.items(of_hub)
    found = served.ask(ITEM, h=of_hub, i=item)["item"]
    versions = found["versions"]["results"]
    listed = served.ask(
        "query($h: ID!, $i: ID!) { itemVersions(hubId: $h, itemId: $i, pagination: {limit: 2}) { pagination { cursor } results { versionNumber } } }",
        h=of_hub,
        i=item,
    )["itemVersions"]
    now = "query($i: ID!) { component(componentId: $i) { tipVersion { id } } }"

    assert [one["versionNumber"] for one in versions] == [3, 2, 1]
    assert len({one["rootComponentVersion"]["id"] for one in versions}) == 3
    assert versions[2]["rootComponentVersion"]["id"] == first
    assert found["tipRootComponentVersion"]["id"] == versions[0]["rootComponentVersion"]["id"]
    assert (
        served.ask(now, i=found["rootComponent"]["id"])["component"]["tipVersion"]["id"]
        == found["tipRootComponentVersion"]["id"]
    )
    assert [one["versionNumber"] for one in listed["results"]] == [3, 2]
    assert listed["pagination"]["cursor"]
    assert served.physical(first) == before
    assert served.physical(versions[1]["rootComponentVersion"]["id"])["volume"] is None
    assert served.physical(versions[0]["rootComponentVersion"]["id"])["volume"] == before["volume"]


def test_a_file_that_is_only_touched_stays_the_same_version(served, folder):
    of_hub = served.hub("hub")
    before = served.items(of_hub)["one.stl"]
    os.utime(folder / "A/one.stl", (LONG_AGO + 5, LONG_AGO + 5))

    assert served.items(of_hub)["one.stl"] == before
    assert len(served.ask(ITEM, h=of_hub, i=before[0])["item"]["versions"]["results"]) == 1


def test_a_change_in_the_same_tick_is_seen(served, folder, box, other):
    """A file that has just changed is read again: its time of change need not move with the next change."""
    of_hub, path = served.hub("hub"), folder / "A/one.stl"
    now = time.time()
    seen = set()
    for content in (other, other[:-50] + b"\0" * 50):
        path.write_bytes(content)
        os.utime(path, (now, now))
        seen.add(served.items(of_hub)["one.stl"][1])

    assert len(seen) == 2


def test_ids_are_the_same_after_a_restart(tmp_path, folder, other):
    def everything():
        with cloud(tmp_path / "data", folder, database="sqlite") as served:
            of_hub = served.hub("hub")
            items = served.items(of_hub)
            return (
                walked(served),
                items,
                {name: served.ask(ITEM, h=of_hub, i=id) for name, (id, _) in items.items()},
            )

    first = everything()
    assert everything() == first
    (folder / "A/one.stl").write_bytes(other)
    age(folder / "A/one.stl", folder / "A")
    changed = everything()
    assert changed == everything()
    assert [one["versionNumber"] for one in changed[2]["one.stl"]["item"]["versions"]["results"]] == [2, 1]
    assert changed[1]["two.STL"] == first[1]["two.STL"]


def test_an_id_is_known_without_having_walked_there(tmp_path, folder):
    with cloud(tmp_path / "data", folder) as served:
        id = walked(served)["projects"]["results"][0]["folders"]["results"][0]["folders"]["results"][0][
            "items"
        ]["results"][0]["id"]
        of_hub = served.hub("hub")
        version = served.ask(ITEM, h=of_hub, i=id)["item"]["tipRootComponentVersion"]["id"]
    with cloud(tmp_path / "data", folder) as served:
        assert served.physical(version)["status"] == "COMPLETED"


def test_no_id_tells_a_path(served, folder):
    import base64

    text = str(walked(served)) + str(served.items(served.hub("hub")))
    for word in text.replace("'", " ").split():
        padded = word + "=" * (-len(word) % 4)
        try:
            plain = base64.urlsafe_b64decode(padded.encode("ascii", "ignore"))
        except ValueError:
            continue
        assert b"stl" not in plain
        assert b"hub" not in plain
    assert str(folder) not in text


# What is nobody's business


def test_links_out_of_the_hub_are_not_followed(tmp_path, folder, box):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.stl").write_bytes(box)
    (folder / "A/out.stl").symlink_to(outside / "secret.stl")
    (folder / "A/inside.stl").symlink_to(folder / "B/five.stl")
    (folder / "A/broken.stl").symlink_to(folder / "nothing")
    (folder / "A/loop.stl").symlink_to(folder / "A/loop.stl")
    (folder / "A/Linked").symlink_to(outside)
    (folder / "Link").symlink_to(outside)
    with cloud(tmp_path / "data", folder) as served:
        assert names(served) == ["inside.stl", "one.stl", "two.STL"]
        assert [one["name"] for one in walked(served)["projects"]["results"]] == ["A", "B", "hub"]
        assert [one["name"] for one in walked(served)["projects"]["results"][0]["folders"]["results"]] == [
            "In"
        ]


def test_a_file_that_becomes_a_link_out_of_the_hub_is_not_read(tmp_path, folder, box):
    secret = tmp_path / "secret.stl"
    secret.write_bytes(box)
    with cloud(tmp_path / "data", folder) as served:
        of_hub = served.hub("hub")
        item = served.items(of_hub)["one.stl"][0]
        (folder / "A/one.stl").unlink()
        (folder / "A/one.stl").symlink_to(secret)
        age(folder / "A")
        query = "query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { ... on DesignItem { tipRootComponentVersion { id } } } }"
        assert served.refused(query, h=of_hub, i=item)[0] == "NOT_FOUND"


def test_between_listing_and_reading_a_link_is_not_followed_either(tmp_path, folder, box):
    (tmp_path / "secret.stl").write_bytes(box)
    service = Service(Settings(folder=tmp_path / "data", hubs=(folder,)))
    from massproof.dialects.mfgdm.desk import shared
    from massproof.dialects.mfgdm.queries import Refused

    known = shared(service)
    asked = tree.Asked(True)
    file = next(
        file
        for place in known.tree.walk(known.tree.hubs[0], asked)
        for file in place.files
        if file.name == "one.stl"
    )
    file.path.unlink()
    file.path.symlink_to(tmp_path / "secret.stl")
    with pytest.raises(Refused, match="there is no item"):
        known.versions.of(file, asked)
    file.path.unlink()
    with pytest.raises(Refused, match="there is no item"):
        known.versions.of(file, asked)
    service.close()


def test_a_file_beyond_the_limit_is_refused(tmp_path, folder):
    with cloud(tmp_path / "data", folder, upload_limit=100) as served:
        of_hub = served.hub("hub")
        found = served.ask(
            "query($h: ID!) { projects(hubId: $h) { results { items { results { id name } } } } }", h=of_hub
        )["projects"]["results"][0]["items"]["results"]
        code, message = served.refused(
            "query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { createdOn } }",
            h=of_hub,
            i=found[0]["id"],
        )

    assert (code, "at most 100 are read" in message) == ("BAD_USER_INPUT", True)


def test_folders_and_files_that_cannot_be_read(served, folder, monkeypatch):
    of_hub = served.hub("hub")
    item = next(one["id"] for one in walked(served)["projects"]["results"][0]["items"]["results"])
    project = walked(served)["projects"]["results"][1]["id"]
    (folder / "B/new.stl").write_bytes(b"")

    def closed(path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(tree.os, "scandir", closed)
        code, message = served.refused(
            "query($p: ID!) { project(projectId: $p) { items { results { id } } } }", p=project
        )
        assert (code, message) == ("BAD_USER_INPUT", "the folder B cannot be read: Permission denied")
        assert (
            served.refused('query($h: ID!) { item(hubId: $h, itemId: "x") { id } }', h=of_hub)[0]
            == "NOT_FOUND"
        )
    with monkeypatch.context() as patch:
        patch.setattr(served.client.app.state.service.blobs, "take", closed)
        os.utime(folder / "A/one.stl", (LONG_AGO + 9, LONG_AGO + 9))
        code, message = served.refused(
            "query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { createdOn } }", h=of_hub, i=item
        )
        assert (code, message) == ("BAD_USER_INPUT", "one.stl cannot be read: Permission denied")


def test_a_file_that_never_rests_is_refused(served, folder, monkeypatch):
    of_hub = served.hub("hub")
    item = next(one["id"] for one in walked(served)["projects"]["results"][0]["items"]["results"])
    blobs = served.client.app.state.service.blobs
    take, count = blobs.take, iter(range(100))

    def growing(path):
        found = take(path)
        with path.open("ab") as file:
            file.write(b"x" * (next(count) + 1))
        return found

    monkeypatch.setattr(blobs, "take", growing)
    code, message = served.refused(
        "query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { createdOn } }", h=of_hub, i=item
    )

    assert (code, "changes while it is read" in message) == ("BAD_USER_INPUT", True)


def test_bytes_that_were_swept_are_taken_again_where_they_are(served, folder, other):
    of_hub = served.hub("hub")
    item, first = served.items(of_hub)["one.stl"]
    service = served.client.app.state.service
    for blob in list(service.blobs.folder.glob("??/*")):
        service.blobs.drop(blob.name)
    assert served.physical(first)["status"] == "COMPLETED"
    (folder / "A/five.stl").write_bytes(other)
    (folder / "A/one.stl").write_bytes(other + b"")
    os.utime(folder / "A/one.stl", (LONG_AGO + 3, LONG_AGO + 3))
    second = served.ask(ITEM, h=of_hub, i=item)["item"]["tipRootComponentVersion"]["id"]
    for blob in list(service.blobs.folder.glob("??/*")):
        service.blobs.drop(blob.name)
    query = "query($i: ID!) { componentVersion(componentVersionId: $i) { occurrences { results { id } } } }"
    assert second != first
    assert served.refused(query, i=first) == (
        "NOT_FOUND",
        "the bytes of version 1 of one.stl are not kept any more",
    )


def test_a_hub_must_be_a_folder(tmp_path):
    with (
        pytest.raises(InputError, match="is no folder; name one that exists"),
        cloud(tmp_path / "data", tmp_path / "nothing"),
    ):
        pass


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "1969-12-31T23:59:59.000Z"),
        (1e15, "9999-12-31T23:59:59.000Z"),
        (-1e15, "0001-01-01T00:00:00.000Z"),
        (0.0625, "1970-01-01T00:00:00.062Z"),
    ],
)
def test_any_time_of_a_file_can_be_told(seconds, told):
    assert desk.moment(seconds) == told


@pytest.mark.parametrize("setting", [{"mfgdm": "v1"}, {"quirks": "some"}])
def test_settings_that_mean_nothing_are_refused(tmp_path, folder, setting):
    with (
        pytest.raises(UsageError, match="is unknown; use one of"),
        cloud(tmp_path / "data", folder, **setting),
    ):
        pass


def test_a_hub_named_twice_is_one(tmp_path, folder):
    with cloud(tmp_path / "data", folder, folder / ".." / "hub") as served:
        assert [one["name"] for one in served.ask("{ hubs { results { name } } }")["hubs"]["results"]] == [
            "Uploads",
            "hub",
        ]


def test_folders_so_deep_are_left_out(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(tree, "_DEEPEST", 3)
    with cloud(tmp_path / "data", folder) as served:
        (inner,) = walked(served)["projects"]["results"][0]["folders"]["results"]
        assert (inner["name"], inner["objectCount"]) == ("In", 1)


# Uploads


def test_what_was_uploaded_is_a_hub(served, box, other):
    for content in (box, other, other):
        assert (
            served.client.post("/v1/files?name=part.stl", content=content, headers=served.headers).status_code
            == 201
        )
    served.client.post("/v1/files?name=notes.txt", content=b"x", headers=served.headers)
    of_hub = served.hub("Uploads")
    items = served.items(of_hub)
    found = served.ask(ITEM, h=of_hub, i=items["part.stl"][0])["item"]
    place = "query($h: ID!) { hub(hubId: $h) { projects { results { name folders { results { id } } items { results { parentFolder { id } project { name } } } } } } }"

    assert list(items) == ["part.stl"]
    assert [one["versionNumber"] for one in found["versions"]["results"]] == [2, 1]
    assert (found["size"], found["tipRootComponentVersion"]["id"]) == (str(len(other)), items["part.stl"][1])
    assert (
        served.physical(found["versions"]["results"][1]["rootComponentVersion"]["id"])["volume"]["value"] > 0
    )
    assert served.ask(place, h=of_hub)["hub"]["projects"]["results"] == [
        {
            "name": "Files",
            "folders": {"results": []},
            "items": {"results": [{"parentFolder": None, "project": {"name": "Files"}}]},
        }
    ]
    service = served.client.app.state.service
    service.blobs.drop(hashlib.sha256(box).hexdigest())
    gone = "query($i: ID!) { componentVersion(componentVersionId: $i) { occurrences { results { id } } } }"
    assert (
        served.refused(gone, i=found["versions"]["results"][1]["rootComponentVersion"]["id"])[0]
        == "NOT_FOUND"
    )


def test_objects_of_buckets_are_uploads_until_they_are_deleted(still, box):
    def oss(method, path, **more):
        answer = still.client.request(method, f"/oss/v2/buckets{path}", headers=still.headers, **more)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else {}

    for bucket in ("one-bucket", "two-bucket"):
        oss("POST", "", json={"bucketKey": bucket, "policyKey": "transient"})
        begun = oss("GET", f"/{bucket}/objects/a%20box.stl/signeds3upload")
        assert still.client.put(begun["urls"][0], content=box).status_code == 200
        oss("POST", f"/{bucket}/objects/a%20box.stl/signeds3upload", json={"uploadKey": begun["uploadKey"]})
    listed = "query($h: ID!) { projects(hubId: $h) { results { items { results { id name } } } } }"
    found = still.ask(listed, h=still.hub("Uploads"))["projects"]["results"][0]["items"]["results"]
    own = "query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { ... on DesignItem { tipRootComponentVersion { id } } } }"
    versions = {
        one["id"]: still.ask(own, h=still.hub("Uploads"), i=one["id"])["item"]["tipRootComponentVersion"][
            "id"
        ]
        for one in found
    }
    oss("DELETE", "/one-bucket/objects/a%20box.stl")
    refused = [
        one["id"]
        for one in found
        if still.post(
            "query($i: ID!) { componentVersion(componentVersionId: $i) { id } }", {"i": versions[one["id"]]}
        ).json()["data"]["componentVersion"]
        is None
    ]
    left = still.ask(listed, h=still.hub("Uploads"))["projects"]["results"][0]["items"]["results"]

    assert [one["name"] for one in found] == ["a box.stl"] * 2
    assert len(left) == 1
    assert left[0] in found
    (gone,) = (one["id"] for one in found if one not in left)
    assert refused == [gone]
    assert (
        still.refused(
            "query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { id } }", h=still.hub("Uploads"), i=gone
        )[0]
        == "NOT_FOUND"
    )


def test_uploads_are_kept_in_pages(tmp_path, monkeypatch):
    from massproof.blobs import Blobs

    monkeypatch.setattr(uploads, "_PAGE", 2)
    records, blobs = InMemory(), Blobs(tmp_path)
    made = [uploads.keep(records, name, "x", blobs.put(name.encode())) for name in "cab"]
    again = uploads.keep(records, "a", "x", blobs.put(b"a"))
    more = uploads.keep(records, "a", "x", blobs.put(b"other"))

    assert again == made[1]
    assert [one.name for one in uploads.newest(records)] == ["a", "b", "c"]
    assert uploads.versions(records, more.key) == [made[1], more]
    other = uploads.keep(records, "a", "y", blobs.put(b"a"))
    uploads.forget(records, "a", "x")
    assert [one.key for one in uploads.newest(records)] == [other.key, made[2].key, made[0].key]


# Ids and parts alone


@pytest.mark.parametrize(
    "id",
    [
        "",
        "x",
        "a b c d",
        "é" * 8,
        "AAAAA",
        "====",
        "A" * 401,
        "Y29tcA==",
        ids.opaque("comp", "x", "root"),
        ids.opaque("comp", "x", "m", "aga", "root"),
        ids.opaque("comp"),
        "gICAgICA",
    ],
)
def test_ids_that_are_none(id):
    assert ids.named(id) == ("", None)


@pytest.mark.parametrize(
    "id",
    [
        "",
        "urn:adsk.wipprod:fs.file:vf.short?version=1",
        "urn:adsk.wipprod:fs.file:vf." + "x" * 22 + "?version=0",
    ],
)
def test_ids_of_versions_that_are_none(id):
    assert ids.item_version_key(id) == ("", 0)


def test_ids_say_what_they_were_made_of():
    assert ids.named(ids.component("f", "p")) == ("component", ids.Named("f", "p"))
    assert ids.named(ids.model("f", "p")) == ("model", ids.Named("f", "p"))
    assert ids.named(ids.component_version("f", "m", "p")) == ("version", ids.Named("f", "p", "m"))
    assert ids.item_version_key(ids.item_version("k" * 22, 12)) == ("k" * 22, 12)


def nested(levels, width=2):
    """An assembly in which each part uses the next so often: width to the power of levels occurrences."""
    uses = [{"id": f"u{k}", "name": "", "part": "", "matrix": None} for k in range(width)]
    rows = {
        f"d{k}": {
            "name": "same",
            "number": None,
            "material": None,
            "properties": {},
            "children": [one | {"part": f"d{k + 1}"} for one in uses] if k < levels else [],
        }
        for k in range(levels + 1)
    }
    return {"root": "d0", "parts": rows}


def test_parts_of_one_name_have_keys_of_their_own():
    found = Parts(nested(3))

    assert len(found.all) == 4
    assert [len(list(found.below(ids.WHOLE, depth))) for depth in (1, 2, 3, None)] == [2, 6, 14, 14]
    assert len({path for path, _, _ in found.below(ids.WHOLE)}) == 14


def test_more_occurrences_than_can_be_told_are_refused(monkeypatch):
    monkeypatch.setattr(parts, "_MOST", 1000)
    with pytest.raises(InputError, match="more than 1000 occurrences"):
        list(Parts(nested(40)).below(ids.WHOLE))
