"""Every API of one server answers of a file what the library measures, and nothing where the library knows nothing."""

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import makers
import pytest
from mfgdm_makers import Cloud
from serve_derivative import URL, job, picture, resources, settled, stored, view
from starlette.testclient import TestClient
from test_measure import stating
from test_partwise import with_a_sheet
from test_trees import Tree

import massproof as mp
from massproof import dialects, rendering, server
from massproof.dialects.zoo.profiles import table
from massproof.errors import FormatError, RemoteError
from massproof.operations.port import State
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


def repeated():
    """A part in five places of two levels, in a file that states what it weighs."""
    from test_products import M
    from test_stated import KG

    f = Tree()
    part, inner = f.part(f.box()), f.representation
    f.state(part, f.measure("density measure", "X(7850.)", f.derived((KG, 1.0), (M, -3.0))))
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
        patch.setattr(rendering, "render", picture)
        yield made


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
