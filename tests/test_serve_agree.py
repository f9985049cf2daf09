"""Every API of one server answers of a file what the library measures, and nothing where the library knows nothing."""

import base64
import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from urllib.parse import quote

import makers
import numpy as np
import pytest
from mfgdm_makers import Cloud, age, cloud, hub
from serve_derivative import URL, job, picture, resources, settled, stored, view
from starlette.testclient import TestClient
from test_measure import stating
from test_partwise import with_a_sheet
from test_products import M
from test_stated import KG
from test_trees import Tree

import massproof as mp
from massproof import dialects, rendering, server
from massproof.dialects.zoo.profiles import table
from massproof.errors import FormatError, RemoteError
from massproof.operations.port import Job, State
from massproof.properties import Box, Point
from massproof.serving.service import Settings

DATA = Path(__file__).parent.parent / "data"
TOKEN = {"Authorization": "Bearer any"}
ASKED = {
    "volume": "",
    "surface-area": "",
    "center-of-mass": "",
    "mass": "&material_density=2700.5",
    "bounding-box": "",
}
IMPORTED = {"step": "step", "stl": "stl", "obj": "obj", "ply": "ply", "glb": "gltf"}
UPRIGHT, LYING = (
    ((0, 1), (2, -1), (1, 1)),
    ((0, 1), (2, 1), (1, -1)),
)  # of each new axis: which old one, its sign


def surfaces():
    f = Tree()
    f.box(sides=5)
    shell = next(line for line in reversed(f) if "CLOSED_SHELL" in line).split("=")[0]
    f.part(f(f"SHELL_BASED_SURFACE_MODEL('',({shell}))"))
    return f.file()


def heavy(f, part):
    """State a density."""
    f.state(part, f.measure("density measure", "X(7850.)", f.derived((KG, 1.0), (M, -3.0))))


def mixed():
    """A sub-assembly of a part of which the file states a density and of one of which it does not, and that again."""
    f = Tree()
    one, first = f.part(f.box(), name="heavy"), f.representation
    heavy(f, one)
    two, second = f.part(f.box(x=20.0), name="plain"), f.representation
    outer, between = f.shape(f.millimetres()), f.shape(f.millimetres())
    middle, whole = f.product("middle", between), f.product("whole", outer)
    f.used(middle, one, first, between, (0.0, 0.0, 0.0))
    f.used(middle, two, second, between, (0.0, 0.0, 0.0))
    f.used(whole, middle, between, outer, (0.0, 0.0, 0.0))
    f.used(whole, two, second, outer, (0.0, 50.0, 0.0))
    return f.file()


def repeated():
    """A part in five places of two levels, in a file that states what it weighs."""
    f = Tree()
    part, inner = f.part(f.box()), f.representation
    heavy(f, part)
    outer, between = f.shape(f.millimetres()), f.shape(f.millimetres())
    middle, whole = f.product("middle", between), f.product("whole", outer)
    f.used(middle, part, inner, between, (0.0, 0.0, 0.0), "left")
    f.used(middle, part, inner, between, (5.0, 0.0, 0.0), "right")
    for x in (0.0, 100.0):
        f.used(whole, middle, between, outer, (x, 0.0, 0.0))
    f.used(whole, part, inner, outer, (0.0, 7.0, 0.0))
    return f.file()


FILES = {
    "box.stl": lambda: (DATA / "box.stl").read_bytes(),
    "box.obj": lambda: (DATA / "box.obj").read_bytes(),
    "cube.ply": makers.ply_text,
    "cube.off": makers.off,
    "cube.3mf": makers.threemf,
    "metres.glb": lambda: makers.glb(points=[(0.03 * x + 0.01, 0.02 * y, 0.01 * z) for x, y, z in makers.POINTS]),
    "inch.step": lambda: (DATA / "box_inch.step").read_bytes(),
    "open.stl": lambda: (DATA / "open_box.stl").read_bytes(),
    "inverted.stl": lambda: (DATA / "inverted.stl").read_bytes(),
    "overlapping.stl": lambda: (DATA / "overlapping.stl").read_bytes(),
    "stated.step": lambda: stating(7850.0, 2700.0).file(),
    "partly.step": lambda: stating(7850.0, None).file(),
    "repeated.step": repeated,
    "mixed.step": mixed,
    "sheet.step": lambda: with_a_sheet().file(),
    "surfaces.step": surfaces,
}  # fmt: skip
BROKEN = {"empty.stl": lambda: b"", "cut.step": lambda: (DATA / "box_inch.step").read_bytes()[:9000]}
content = cache(lambda name: (FILES | BROKEN)[name]())


@cache
def library(name, **options):
    return mp.measure(content(name), format=name.rpartition(".")[2], **options)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = Settings(folder=tmp_path_factory.mktemp("agree"), log="none")
    with pytest.MonkeyPatch.context() as patch, served(settings) as made:
        patch.setattr(rendering, "render", drawn)
        yield made


def drawn(source, size=400, **options):
    """A picture, in place of one that takes longer, which tells what it is of."""
    return picture(source, size) + str(mp.measure(source).source.sha256).encode()


def served(settings):
    return TestClient(server.app(settings), base_url=URL, headers=TOKEN)


def agreed(there, here):
    """Every number of an answer is one of the library's, within what both state; and there is no other."""
    found = mp.compare(here, there, profile="exact")
    wrong = [row for row in found.rows if row.verdict is mp.Outcome.DISAGREE]
    invented = [row for row in found.rows if row.left is None and row.right is not None]
    assert not wrong and not invented
    return {row.name for row in found.rows if row.right is not None}


# How each API is asked


def native(client, name, data, kind="properties", **options):
    """An operation of our own API that has ended."""
    file = client.post("/v1/files", params={"name": name}, content=data).json()["file"]
    asked = {"kind": kind, "file": file, "name": name, "options": options}
    made = client.post("/v1/operations", json=asked)
    assert made.status_code in (200, 202), made.text
    return client.get(f"/v1/operations/{made.json()['id']}", params={"wait": 30}).json()


def zoo(client, name, data, profile, asked=ASKED):
    """Answers, one for each endpoint that there was."""
    found, headers = [], {"X-Massproof-Profile": profile}
    for endpoint, more in asked.items():
        query = f"?src_format={IMPORTED[name.rpartition('.')[2]]}{more}"
        made = client.post(f"/file/{endpoint}{query}", content=data, headers=headers)
        if made.status_code == 404:
            assert endpoint == "bounding-box"
            continue
        found.append(_ended(client, made.json()))
    return found


def _ended(client, answer):
    for operation in client.app.state.service.operations.list(state=State.RUNNING):
        client.app.state.service.operations.wait(operation.id, 30)
    return client.get(f"/async/operations/{answer['id']}").json()


def turned(result, axes):
    """The result as seen in other axes, whose box and centre move."""
    if result.center_of_mass:
        centre = [_signed(list(result.center_of_mass)[axis], sign) for axis, sign in axes]
        result = replace(result, center_of_mass=Point(*centre))
    box = result.bounding_box
    ends = [
        [_signed(list(corner)[axis], sign) for corner in (box.min, box.max)[::sign]] for axis, sign in axes
    ]
    sides = (box.length, box.width, box.height)
    corners = (Point(*(pair[k] for pair in ends)) for k in (0, 1))
    return replace(result, bounding_box=Box(*corners, *(sides[axis] for axis, _ in axes)))


def _signed(quantity, sign):
    ends = sorted(sign * end for end in quantity.interval)
    return replace(quantity, value=sign * quantity.value, interval=tuple(ends))


def mfgdm(client, name, api):
    """The physical properties of what was uploaded under a name."""
    cloud = Cloud(client, TOKEN)
    hub = cloud.hub("Uploads", api)
    return cloud.physical((cloud.items(hub) if api == "v2" else cloud.models(hub))[name][1], api)


def components(client, name):
    """Name and id of every part below what was uploaded under a name."""
    cloud = Cloud(client, TOKEN)
    query = "query($id: ID!) { it: componentVersion(componentVersionId: $id) { allOccurrences { results { componentVersion { id name } } } } }"
    found = cloud.ask(query, id=cloud.items(cloud.hub("Uploads"))[name][1])["it"]["allOccurrences"]["results"]
    return {(one["componentVersion"]["name"], one["componentVersion"]["id"]) for one in found}


def objects(client, urn, form="text"):
    """Objects of a translated file as properties:query answers."""
    path = view(client, urn) + "/properties:query"
    return client.post(path, json={"payload": form, "pagination": {"limit": 100}}).json()


def onshape(client, name, data):
    """Path below which a file is asked for."""
    document = client.post("/api/v10/documents", json={"name": "Parts"}).json()
    within = f"d/{document['id']}/w/{document['defaultWorkspace']['id']}"
    element = client.post(f"/api/v10/blobelements/{within}", files={"file": (name, data)}).json()["id"]
    return f"{within}/e/{element}"


# Laws


@pytest.mark.parametrize("name", FILES)
def test_every_api_says_what_the_library_measures(client, name):
    here, data = library(name), content(name)
    own = native(client, name, data)
    assert own["result"]["properties"] == here.to_dict()["properties"]
    assert agreed(dialects.parse(own["result"]), here) >= {"area"} | ({"volume"} if here.volume else set())
    imported = name.rpartition(".")[2] in IMPORTED
    for dialect in ("mfgdm", "derivative", "onshape", "native", *(["zoo"] if imported else [])):
        spoken = client.get(f"/v1/operations/{own['id']}/as/{dialect}").json()
        agreed(_read(spoken, dialect), here)

    for api in ("v2", "v3"):
        there = dialects.parse(mfgdm(client, name, api))
        assert agreed(there, here) >= {"area"} | ({"volume"} if here.volume else set())
        for one in ("volume", "mass", "density"):
            assert (getattr(there, one) is None) == (getattr(here, one) is None)

    client.auth = None
    assembly = mp.assembly(data, format=name.rpartition(".")[2])
    urn = stored(client, data, name)
    assert job(client, urn, {"type": "svf2", "views": ["3d"]}).status_code == 200
    settled(client, urn)
    for form in ("text", "unit"):
        of = parts_in_order(assembly)
        read = dialects.parse_objects(objects(client, urn, form))
        assert list(read) == [str(n + 1) for n in range(len(of))]
        for part, (_, there) in zip(of, read.values(), strict=True):
            agreed(there, part.properties)

    at = onshape(client, name, data)
    for path in ("partstudios", "assemblies"):
        document = client.get(f"/api/v10/{path}/{at}/massproperties").json()
        agreed(dialects.parse(document, "onshape"), here)
    for id, part in assembly.parts.items():
        document = client.get(f"/api/v10/parts/{at}/partid/{id}/massproperties").json()
        agreed(dialects.parse(document, "onshape", object=id), part.properties)


def _read(document, dialect):
    """What a dialect's document says; nothing where all that was asked for has failed."""
    if dialect == "zoo":
        document = [one for one in document if one["status"] == "completed"]
    return dialects.parse(document, dialect)


def parts_in_order(assembly):
    """The part of each occurrence, a parent before its children."""
    found = []

    def below(id):
        found.append(assembly.parts[id])
        for use in assembly.parts[id].children:
            below(use.part)

    below(assembly.root)
    return found


@pytest.mark.parametrize("profile", table()["profiles"])
@pytest.mark.parametrize("name", [name for name in FILES if name.rpartition(".")[2] in IMPORTED])
def test_zoo_says_the_same_in_its_frames_and_units_of_all_times(client, name, profile):
    row = table()["profiles"][profile]
    unit = {} if name.endswith((".step", ".glb")) else {"unit": row["unit"]}
    weighed = library(name, density="2700.5 kg/m^3", **unit)
    plain = library(name, **unit)
    here = replace(
        plain,
        mass=weighed.mass,
        density=weighed.density,
        inertia=weighed.inertia,
        principal=weighed.principal,
    )
    here = turned(here, UPRIGHT) if name.endswith(".glb") else here
    lying = turned(here, LYING) if row["up"] == "y" else here
    there = zoo(client, name, content(name), profile)
    done = [one for one in there if one["status"] == "completed"]
    failed = {one["type"] for one in there if one["status"] == "failed" and one["error"]}

    assert len(done) + len(failed) == len(there) == len(ASKED) - ("bounding_box" in row["without"])
    assert failed == (set() if here.volume else {"file_volume", "file_center_of_mass", "file_mass"})
    agreed(
        dialects.parse([one for one in done if one["type"] == "file_center_of_mass"] or done),
        lying if here.volume else here,
    )
    rest = [one for one in done if one["type"] != "file_center_of_mass"]
    assert "area" in agreed(dialects.parse(rest), here)


@pytest.mark.parametrize("name", BROKEN)
def test_no_api_has_a_number_of_a_file_that_cannot_be_read(client, name):
    data = content(name)
    with pytest.raises(FormatError) as caught:
        library(name)
    why = str(caught.value).partition(": ")[2]
    found = native(client, name, data)
    assert (found["state"], found["result"]) == ("failed", None)
    assert why in found["error"]["message"]
    assert client.get(f"/v1/operations/{found['id']}/as/zoo").status_code == 409
    assert all(why in one["error"] and "output" not in one for one in zoo(client, name, data, "zoo-2026-10"))
    for api in ("v2", "v3"):
        told = mfgdm(client, name, api)
        assert told.pop("status") == "FAILED"
        assert set(told.values()) == {None}
    urn = stored(client, data, name)
    job(client, urn, {"type": "svf2", "views": ["3d"]})
    manifest = settled(client, urn)
    assert manifest["status"] == "failed"
    assert why in manifest["derivatives"][0]["messages"][0]["message"]
    assert client.get(f"/modelderivative/v2/designdata/{urn}/metadata").status_code == 404
    said = client.get(f"/api/v10/partstudios/{onshape(client, name, data)}/massproperties")
    assert said.status_code == 400
    with pytest.raises(RemoteError):
        dialects.parse(said.json(), "onshape")


def generated(client, name, *formats):
    """The thumbnail and the derivatives of what was uploaded under a name, in the Manufacturing Data Model."""
    cloud = Cloud(client, TOKEN)
    query = """query($id: ID!, $formats: [OutputFormatEnum]) { it: componentVersion(componentVersionId: $id) {
        thumbnail { status signedUrl }
        derivatives(derivativeInput: {outputFormat: $formats, generate: true}) { status outputFormat signedUrl } } }"""
    asked = {"id": cloud.items(cloud.hub("Uploads"))[name][1], "formats": formats}

    def ready(found):
        return not {"PENDING", "IN_PROGRESS"} & {
            one["status"] for one in (found["it"]["thumbnail"], *found["it"]["derivatives"])
        }

    return cloud.until(query, ready, **asked)["it"]


def test_pictures_are_of_the_part_that_is_asked_for(client):
    seen = set()
    for name in ("box.stl", "inch.step", "metres.glb"):
        data = content(name)
        own = native(client, name, data, "thumbnail", size=64)
        assert own["error"] is None
        assert client.get(own["files"]["thumbnail.png"]).content == drawn(data, 64)
        shown = client.get(generated(client, name, "STL")["thumbnail"]["signedUrl"]).content
        urn = stored(client, data, name)
        job(client, urn, {"type": "svf2", "views": ["3d"]})
        for row in resources(settled(client, urn), "thumbnail"):
            size = row["resolution"][0]
            path = f"/modelderivative/v2/designdata/{urn}/manifest/{quote(row['urn'], safe='')}"
            assert client.get(path).content == drawn(data, size)
        of = client.get(
            f"/modelderivative/v2/designdata/{urn}/thumbnail", params={"width": 100, "height": 100}
        ).content
        assert of == drawn(data, 100)
        assert shown.startswith(b"\x89PNG") and shown.endswith(drawn(data)[-64:])
        seen.add(shown[-64:])
    assert len(seen) == 3


@pytest.mark.parametrize("name", ["box.stl", "inch.step", "metres.glb"])
def test_what_is_written_in_other_formats_measures_as_it_is_said_to(client, name):
    here, data = library(name), content(name)
    for to in ("stl", "obj", "ply", "glb", "step"):
        found = native(client, name, data, "conversion", to=to)["result"]
        (path,) = (
            one
            for one in native(client, name, data, "conversion", to=to)["files"].values()
            if one.endswith(to)
        )
        measured = mp.measure(client.get(path).content, format=to, unit=found["unit"])
        assert abs(measured.volume.value / here.volume.value - 1) <= found["volumeError"] + 1e-12
        agreed(dialects.parse(found["written"]), measured)
        as_large(measured, here)
    for row in generated(client, name, "STL", "OBJ", "STEP")["derivatives"]:
        as_large(
            mp.measure(client.get(row["signedUrl"]).content, format=row["outputFormat"].lower(), unit="mm"),
            here,
        )
    urn, formats = stored(client, data, name), ["stl", "obj"]
    assert job(client, urn, *({"type": one} for one in formats)).status_code == 200
    for one in formats:
        (row,) = resources(settled(client, urn), one.upper())
        path = f"/modelderivative/v2/designdata/{urn}/manifest/{quote(row['urn'], safe='')}"
        as_large(mp.measure(client.get(path).content, format=one, unit="mm"), here)


def as_large(measured, here):
    """To what float32 rounds, which some formats write."""
    assert measured.volume.value == pytest.approx(here.volume.value, rel=1e-6)
    assert measured.area.value == pytest.approx(here.area.value, rel=1e-6)


@pytest.mark.parametrize("profile", ["zoo-2024-04", "zoo-2026-10"])
@pytest.mark.parametrize("name", ["box.stl", "inch.step"])
def test_what_zoo_writes_is_in_the_unit_of_the_time(client, name, profile):
    kind, unit = name.rpartition(".")[2], table()["profiles"][profile]["unit"]
    here = library(name, **({"unit": unit} if kind == "stl" else {}))
    for to in ("stl", "obj", "ply", "glb", "step"):
        path, headers = f"/file/conversion/{kind}/{to}", {"X-Massproof-Profile": profile}
        made = client.post(path, content=content(name), headers=headers).json()
        (packed,) = _ended(client, made)["outputs"].values()
        as_large(mp.measure(base64.urlsafe_b64decode(packed + "=="), format=to, unit=unit), here)


@pytest.mark.parametrize(
    ("name", "told"),
    [(name, {"density": "2.7 g/cm^3"}) for name in ("box.stl", "open.stl", "stated.step", "mixed.step")]
    + [("partly.step", {"material": "Copper"}), ("box.stl", {"material": "Copper", "density": "2.7 g/cm^3"})],
)
def test_what_a_server_was_told_weighs_what_the_file_does_not_in_every_api(tmp_path, monkeypatch, name, told):
    monkeypatch.setattr(rendering, "render", drawn)
    data, kind = content(name), name.rpartition(".")[2]
    given = told
    told = {"material": told["material"]} if "material" in told else told  # which says more
    here = library(name, unit="inch")
    if not any(one.code == "density-stated" for one in here.findings):
        here = library(name, unit="inch", **told)
    parts = mp.assembly(data, format=kind, unit="inch").filled(
        mp.assembly(data, format=kind, unit="inch", **told)
    )
    with served(Settings(folder=tmp_path, log="none", unit="inch", **given)) as client:
        found = native(client, name, data)
        assert found["result"]["properties"] == here.to_dict()["properties"]
        assert found["result"]["provenance"].get("material") == here.provenance.get("material")
        whole = native(client, name, data, "assembly")["result"]["parts"]["d0"]["properties"]
        assert whole["properties"] == parts.whole.properties.to_dict()["properties"]
        assert (
            native(client, name, data, density="1 g/cm^3")["result"]["properties"]["density"]["value"] == 1000
        )
        for api in ("v2", "v3"):
            there = dialects.parse(mfgdm(client, name, api))
            assert ("density" in agreed(there, here)) == (here.density is not None)
        for title, id in components(client, name) if name == "mixed.step" else ():
            (part,) = (one for one in parts.parts.values() if one.name == title)
            there = dialects.parse(Cloud(client, TOKEN).physical(id))
            assert ("mass" in agreed(there, part.properties)) == (part.properties.mass is not None)
        at = onshape(client, name, data)
        urn = stored(client, data, name)
        job(client, urn, {"type": "svf2", "views": ["3d"]})
        settled(client, urn)
        read = dialects.parse_objects(objects(client, urn))
        for part, (_, there) in zip(parts_in_order(parts), read.values(), strict=True):
            assert ("mass" in agreed(there, part.properties)) == (part.properties.mass is not None)
        for id, part in parts.parts.items():
            document = client.get(f"/api/v10/parts/{at}/partid/{id}/massproperties").json()
            there = dialects.parse(document, "onshape", object=id)
            assert ("mass" in agreed(there, part.properties)) == (part.properties.mass is not None)


def test_equal_bytes_have_the_name_under_which_they_are_asked_for(client):
    data = content("cube.ply")
    first, second, wrong = (native(client, name, data) for name in ("one.ply", "Two.PLY", "three.stl"))

    assert len({first["id"], second["id"], wrong["id"]}) == 3
    assert wrong["error"]["kind"] == "format"
    for found, name in ((first, "one.ply"), (second, "Two.ply"), (wrong, "three.stl")):
        again = client.get(f"/v1/operations/{found['id']}").json()
        assert again["inputs"][0]["name"] == name
    spoken = client.get(f"/v1/operations/{first['id']}/as/native").json()
    assert spoken["source"]["name"] == "one.ply"
    assert spoken["properties"] == library("cube.ply").to_dict()["properties"]


@pytest.mark.parametrize("number", ["NaN", "1e999", '"\\ud800"'])
def test_what_no_answer_could_repeat_is_refused_by_every_api(client, number):
    file = client.post("/v1/files", params={"name": "a.stl"}, content=content("box.stl")).json()["file"]
    urn, kind = stored(client, content("box.stl")), {"Content-Type": "application/json"}
    for path, text in (
        ("/v1/operations", f'{{"kind":"properties","file":"{file}","options":{{"weld":%s}}}}'),
        ("/mfg/graphql", '{"query":"{ __typename }","variables":{"x":%s}}'),
        ("/modelderivative/v2/designdata/job", f'{{"input":{{"urn":"{urn}"}},"output":{{"formats":[{{"type":"step","advanced":{{"tolerance":%s}}}}]}}}}'),
    ):  # fmt: skip
        answer = client.post(path, content=(text % number).encode(), headers=kind)
        assert answer.status_code == 400, path
    assert client.get("/v1/operations").status_code == 200


def test_a_translation_in_another_unit_takes_the_place_of_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "render", drawn)
    data, view_of = content("box.stl"), {"type": "svf2", "views": ["3d"]}
    with served(Settings(folder=tmp_path, database="sqlite", log="none")) as client:
        urn = stored(client, data)
        job(client, urn, {"type": "obj"})
        settled(client, urn)
    with served(Settings(folder=tmp_path, database="sqlite", log="none", unit="inch")) as client:
        job(client, urn, view_of)
        manifest = settled(client, urn)
        (_, there), *_ = dialects.parse_objects(objects(client, urn)).values()

    assert [one["outputType"] for one in manifest["derivatives"]] == ["svf2"]
    assert "volume" in agreed(there, library("box.stl", unit="inch"))


def test_a_file_of_the_same_size_and_age_in_a_hub_is_measured_anew(tmp_path):
    """As archives unpack it, whose files are all of one time."""
    small, large = content("box.stl"), content("inverted.stl")
    folder = hub(tmp_path / "hub", {"part.stl": small})
    assert len(small) == len(large)
    with cloud(tmp_path / "server", folder) as asked:
        query = "query($id: ID!) { it: item(hubId: $hub, itemId: $id) { ... on DesignItem { tipRootComponentVersion { id } } } }"
        query = query.replace("($id", "($hub: ID!, $id")
        top = asked.hub("hub")
        item = asked.items(top)["part.stl"][0]

        def tip():
            return asked.ask(query, hub=top, id=item)["it"]["tipRootComponentVersion"]["id"]

        first = tip()
        assert [tip() for _ in range(3)] == [first] * 3
        (folder / "part.stl").write_bytes(large)
        age(folder / "part.stl", folder)
        assert tip() != first


def test_every_api_says_what_its_numbers_are_worth(client):
    """Of a file that has no unit, and is so small that Inventor's three decimals do not show it."""
    data = makers.off(points=[tuple(0.05 * x for x in point) for point in makers.POINTS])
    urn, at = stored(client, data, "tiny.off"), onshape(client, "tiny.off", data)
    job(client, urn, {"type": "svf2", "views": ["3d"]})
    settled(client, urn)
    own = client.get(f"{view(client, urn)}/properties")
    assert own.json()["data"]["collection"][0]["properties"]["Mass Properties"]["Volume"] == "0 millimeter^3"
    assert own.headers["X-Massproof-Findings"] == "no-density, rounded-to-zero, unit-assumed"
    for path in (f"partstudios/{at}", f"assemblies/{at}", f"parts/{at}/partid/d0"):
        said = client.get(f"/api/v10/{path}/massproperties").headers
        assert said["X-Massproof-Verdict"] == "BOUNDED"
        assert said["X-Massproof-Findings"] == "no-density, unit-assumed"


def test_a_name_of_many_bytes_is_cut_between_characters(client):
    found = native(client, "\N{SNOWMAN}" * 100 + ".ply", content("cube.ply"), "conversion", to="stl")
    assert found["inputs"][0]["name"] == "\N{SNOWMAN}" * 66
    assert list(found["files"]) == ["\N{SNOWMAN}" * 66 + ".stl"]


def test_what_one_client_cancels_another_gets_all_the_same(tmp_path):
    data = content("cube.ply")
    with served(Settings(folder=tmp_path, log="none", job_latency=0.2)) as client:
        at, operations = onshape(client, "cube.ply", data), client.app.state.service.operations
        made = operations.submit(Job("assembly", (hashlib.sha256(data).hexdigest(),)))
        assert operations.cancel(made.id).state is State.CANCELLED
        document = client.get(f"/api/v10/partstudios/{at}/massproperties").json()
    assert agreed(dialects.parse(document, "onshape"), library("cube.ply")) == {"area", "volume"}


@pytest.mark.parametrize(
    ("change", "status"),
    [({}, 201), ({"byteLength": 97}, 400), ({"byteOffset": -1}, 400), ({"byteLength": -1}, 400)],
)
def test_a_view_of_a_gltf_buffer_does_not_reach_into_the_next(client, change, status):
    points, faces = (
        np.array(part, kind).tobytes() for part, kind in ((makers.POINTS, "<f4"), (makers.TRIANGLES, "<u2"))
    )
    uris = [
        "data:application/octet-stream;base64," + base64.b64encode(one).decode() for one in (points, faces)
    ]
    tree = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [
            {"byteLength": len(one), "uri": uri} for one, uri in zip((points, faces), uris, strict=True)
        ],
        "bufferViews": [{"buffer": 0, "byteLength": 96} | change, {"buffer": 1, "byteLength": 72}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
    }
    answer = client.post("/file/volume?src_format=gltf&output_unit=m3", content=json.dumps(tree).encode())
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.json()["volume"] == 1.0
    else:
        assert "of a buffer that has 96" in answer.json()["message"]
