"""The Manufacturing Data Model as this server speaks it: properties, parts, files, errors."""

import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from contracts import HOME, examples
from mfgdm_makers import ALL, PATHS, WAITING, cloud, hub

import massproof as mp
from massproof.dialects.mfgdm import ids, queries, shapes, v2, v3, work
from massproof.dialects.mfgdm.navigation import Folder
from massproof.errors import FormatError
from massproof.operations import jobs
from massproof.operations.port import Outcome

PHYSICAL_SEED = """query GetPhysicalProperties($componentVersionId: ID!) {
  componentVersion(componentVersionId: $componentVersionId) {
    id name partNumber isMilestone materialName lastModifiedOn
    physicalProperties { status
      mass { displayValue value definition { name specification units { id name } } }
      volume { displayValue value definition { name specification units { id name } } }
      area { displayValue value definition { name units { name } } }
      density { displayValue value definition { name units { name } } }
      boundingBox { length { displayValue value } width { displayValue value } height { displayValue value } } } } }"""
THUMBNAIL_SEED = """query GetThumbnail($componentVersionId: ID!) {
  componentVersion(componentVersionId: $componentVersionId) { id name thumbnail { id status signedUrl expires } } }"""
DERIVATIVES_SEED = """query GetGeometry($componentVersionId: ID!) {
  componentVersion(componentVersionId: $componentVersionId) { id name
    derivatives(derivativeInput: {generate: true, outputFormat: [STEP, OBJ, STL]}) { expires id outputFormat signedUrl status } } }"""
SEEDS = [PHYSICAL_SEED, THUMBNAIL_SEED, DERIVATIVES_SEED]
DATA = Path(__file__).parent.parent / "data"
SIDES = ("length", "width", "height")


def picture(job, blobs):
    if blobs.size(job.inputs[0]) < 20:
        msg = "this is no STEP file"
        raise FormatError(msg)
    return Outcome(
        {}, {"thumbnail.png": blobs.put(b"\x89PNG " + json.dumps(dict(job.options)).encode()).digest}
    )


def converted(job, blobs):
    names = [job.options["name"]] + (["part.mtl"] if job.options["name"] == "part.obj" else [])
    return Outcome({}, {name: blobs.put(name.encode() * 100).digest for name in names})


@pytest.fixture(scope="module")
def quick():
    """Thumbnails and conversions that take no time: what is in them is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(jobs.KINDS, "thumbnail", picture)
        patch.setitem(jobs.KINDS, "conversion", converted)
        yield


@pytest.fixture(scope="module")
def served(tmp_path_factory, quick):
    """One server for all tests that only ask: each file is measured once."""
    folder = tmp_path_factory.mktemp("served")
    names = ["box.stl", "open_box.stl", "torus_stated.step", "assembly.step"]
    files = {f"Parts/{name}": (DATA / name).read_bytes() for name in names}
    files |= {"Parts/broken.step": b"ISO-10303-21;", "Parts/Deep/box.obj": (DATA / "box.obj").read_bytes()}
    with cloud(folder / "data", hub(folder / "hub", files)) as made:
        yield made


@pytest.fixture
def few(tmp_path):
    """A hub with two files that are measured in no time."""
    names = ["box.stl", "torus_stated.step"]
    files = {f"Parts/{name}": (DATA / name).read_bytes() for name in names}
    return hub(tmp_path / "hub", files | {"Parts/broken.step": b"ISO-10303-21;"})


@pytest.fixture
def fresh(tmp_path, few, quick):
    """A server of its own for a test that changes something."""
    with cloud(tmp_path / "data", few) as made:
        yield made


def roots(served, api="v2"):
    of_hub = served.hub("hub", api)
    found = served.items(of_hub) if api == "v2" else served.models(of_hub)
    return {name: root for name, (_, root) in found.items()}


# Numbers


@pytest.mark.parametrize("name", ["box.stl", "torus_stated.step", "open_box.stl", "assembly.step"])
def test_numbers_are_those_of_the_library_to_the_last_digit(served, data, name):
    told = shapes.emit(mp.measure(data / name))
    for api in ("v2", "v3"):
        found = served.physical(roots(served, api)[name], api)
        box, wanted = found["boundingBox"], told["boundingBox"]
        rows = [(found[k], told[k]) for k in ("area", "volume", "density", "mass")] + [
            (box[k], wanted[k]) for k in SIDES
        ]

        assert found["status"] == "COMPLETED"
        for one, other in rows:
            assert (one is None) == (other is None)
            if one:
                assert (one["value"], one["displayValue"]) == (other["value"], repr(other["value"]))
                assert one["definition"]["units"] == other["definition"]["units"]


def test_what_a_client_reads_is_what_was_measured(served, data):
    query = PHYSICAL_SEED.replace("query GetPhysicalProperties", "query")
    id = roots(served)["torus_stated.step"]
    served.physical(id)
    answer = served.post(query, {"componentVersionId": id})
    read = mp.dialects.parse(answer.json(), "mfgdm")

    assert read.mass.value == pytest.approx(mp.measure(data / "torus_stated.step").mass.value, rel=1e-15)
    assert answer.headers["X-Massproof-Verdict"] == "SOUND"
    assert answer.headers["X-Massproof-Findings"] == "density-stated"


def test_what_does_not_exist_is_null_and_the_headers_say_why(served):
    id = roots(served)["open_box.stl"]
    found = served.physical(id)
    answer = served.post(
        "query($id: ID!) { componentVersion(componentVersionId: $id) { physicalProperties { status } } }",
        {"id": id},
    )

    assert (found["volume"], found["mass"], found["density"]) == (None, None, None)
    assert found["area"]["value"] > 0
    assert answer.headers["X-Massproof-Verdict"] == "UNSAFE"
    assert "no-density" in answer.headers["X-Massproof-Findings"]


def test_the_worst_verdict_of_several_is_told(served):
    ids = roots(served)
    for name in ("open_box.stl", "torus_stated.step"):
        served.physical(ids[name])
    query = "query($a: ID!, $b: ID!) { a: componentVersion(componentVersionId: $a) { physicalProperties { status } } b: componentVersion(componentVersionId: $b) { physicalProperties { status } } }"
    answer = served.post(query, {"a": ids["open_box.stl"], "b": ids["torus_stated.step"]})

    assert answer.headers["X-Massproof-Verdict"] == "UNSAFE"


def test_a_file_that_cannot_be_read_fails_each_time_that_it_is_asked_for(served):
    id = roots(served)["broken.step"]
    query = "query($id: ID!) { componentVersion(componentVersionId: $id) { physicalProperties { status area { value } } } }"
    for _ in range(2):
        assert served.physical(id) == {
            "status": "FAILED",
            "area": None,
            "volume": None,
            "density": None,
            "mass": None,
            "boundingBox": None,
        }
        assert served.post(query, {"id": id}).headers["X-Massproof-Findings"] == "format"
    code, message = served.refused(
        "query($id: ID!) { componentVersion(componentVersionId: $id) { occurrences { results { id } } } }",
        id=id,
    )
    assert code == "UNPROCESSABLE"
    assert message.startswith("broken.step cannot be taken apart: ")


@pytest.mark.parametrize(
    "settings", [{"material": "Steel"}, {"density": "7850 kg/m^3"}, {"material": "Steel", "unit": "inch"}]
)
def test_the_density_of_the_server_is_for_files_that_state_none(tmp_path, few, data, settings):
    given = {k: v for k, v in settings.items() if k != "unit"}
    unit = {"unit": settings["unit"]} if "unit" in settings else {}
    with cloud(tmp_path / "data", few, **settings) as served:
        ids = roots(served)
        found = {name: served.physical(ids[name]) for name in ("box.stl", "torus_stated.step")}
        material = served.ask(
            "query($id: ID!) { componentVersion(componentVersionId: $id) { materialName } }",
            id=ids["box.stl"],
        )

    assert (
        found["box.stl"]["mass"]["value"]
        == shapes.emit(mp.measure(data / "box.stl", **given, **unit))["mass"]["value"]
    )
    assert found["torus_stated.step"]["mass"] is not None
    assert (
        found["torus_stated.step"]["mass"]["value"]
        == shapes.emit(mp.measure(data / "torus_stated.step"))["mass"]["value"]
    )
    assert (
        material["componentVersion"]["materialName"] == ("Carbon steel" if "material" in settings else None)
        or "teel" in material["componentVersion"]["materialName"]
    )


# The queries of the tutorials, and of the vendor's own samples


@pytest.mark.parametrize("query", SEEDS)
def test_the_queries_of_the_tutorials_run_on_v2_and_are_rejected_on_v3(served, query):
    id = roots(served)["torus_stated.step"]
    ready = lambda told: not any(f'"{word}"' in json.dumps(told) for word in WAITING)  # noqa: E731
    found = served.until(query, ready, componentVersionId=id)["componentVersion"]
    code, message = served.refused(query, "v3", status=400, componentVersionId=id)

    assert found["id"] == id
    assert (code, "componentVersion" in message) == ("GRAPHQL_VALIDATION_FAILED", True)


def test_the_tutorials_answers_have_what_they_say(served):
    id = roots(served)["torus_stated.step"]
    served.physical(id)
    physical = served.until(
        PHYSICAL_SEED, lambda told: told["componentVersion"]["partNumber"], componentVersionId=id
    )["componentVersion"]
    ready = lambda told: all(one["status"] == "SUCCESS" for one in told["componentVersion"]["derivatives"])  # noqa: E731
    derivatives = served.until(DERIVATIVES_SEED, ready, componentVersionId=id)["componentVersion"][
        "derivatives"
    ]

    assert (physical["name"], physical["partNumber"], physical["materialName"]) == (
        "torus_stated",
        "torus",
        "Steel",
    )
    assert (physical["isMilestone"], physical["lastModifiedOn"]) == (False, "2023-11-14T22:13:20.000Z")
    assert physical["physicalProperties"]["mass"]["definition"] == {
        "name": "Mass",
        "specification": "MASS",
        "units": {"id": "autodesk.unit.unit:kilograms-1.0.0", "name": "Kilograms"},
    }
    assert [one["outputFormat"] for one in derivatives] == ["STEP", "OBJ", "MTL", "STL"]
    assert all(
        one["expires"].isdigit() and one["signedUrl"].startswith("http://localhost/mfg/files/")
        for one in derivatives
    )
    assert len({one["id"] for one in derivatives}) == 4


SAMPLES = {
    "v2": """query GetProperties($hubName: String!, $projectName: String!, $componentName: String!) {
      hubs(filter: {name: $hubName}) { results { projects(filter: {name: $projectName}) { results {
        items(filter: {name: $componentName}) { results { ... on DesignItem { tipRootComponentVersion { id } } } } } } } } }""",
    "v3": """query GetProperties($hubName: String!, $projectName: String!, $componentName: String!) {
      hubs(filter: {name: $hubName}) { results { hubDataVersion projects(filter: {name: $projectName}) { results {
        items(filter: {name: $componentName}) { results { ... on DesignItem { tipRootModel { id name { displayValue } } } } } } } } } }""",
}


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_the_samples_find_an_item_by_its_names(served, api):
    found = served.ask(SAMPLES[api], api, hubName="hub", projectName="Parts", componentName="box.stl")
    (of_hub,) = found["hubs"]["results"]
    (item,) = of_hub["projects"]["results"][0]["items"]["results"]

    assert [one["id"] for one in item.values()] == [roots(served, api)["box.stl"]]
    assert of_hub.get("hubDataVersion", "2")[0] == "2"


@pytest.mark.skipif(not HOME.is_dir(), reason="the vendors' examples are not here")
@pytest.mark.parametrize(
    ("name", "api"),
    [
        ("mfgdm_v2_response_reconstructed.json", "v2"),
        ("mfgdm_v3_response_reconstructed.json", "v3"),
        ("mfgdm_seed_query_response_INFERRED.json", "v2"),
    ],
)
def test_answers_have_the_form_of_the_vendors_examples(served, name, api):
    """Selecting all that an example holds gives an answer with the same keys and kinds of values."""
    example = examples("autodesk-examples")[name]["data"]
    ((field, owner),) = example.items()
    id = roots(served, api)["torus_stated.step"]
    served.physical(id, api)
    query = f"query($id: ID!) {{ {field}({field}Id: $id) {selected(owner)} }}"
    ready = lambda told: told[field].get("partNumber", "told")  # noqa: E731
    found = served.until(query, ready, api, id=id)[field]

    assert form(found) == form(owner)


def selected(value):
    return (
        "{ " + " ".join(f"{k} {selected(v) if isinstance(v, dict) else ''}" for k, v in value.items()) + " }"
    )


def form(value):
    return {k: form(v) for k, v in value.items()} if isinstance(value, dict) else type(value).__name__


# Statuses


def test_parts_of_a_file_that_takes_longer_than_a_job_may_are_asked_for_again(fresh, monkeypatch):
    id = roots(fresh)["box.stl"]
    query = "query($id: ID!) { componentVersion(componentVersionId: $id) { partNumber occurrences { results { id } } } }"
    gate = threading.Event()
    measured = jobs.KINDS["assembly"]
    with monkeypatch.context() as patch:
        patch.setitem(jobs.KINDS, "assembly", lambda *given: gate.wait(20) and measured(*given))
        patch.setattr(fresh.client.app.state.service.operations, "wait", lambda id, seconds: None)
        assert fresh.refused(query, id=id) == ("TIMEOUT", "box.stl is still being read; ask again")
        gate.set()
    assert fresh.ask(query, id=id)["componentVersion"]["occurrences"] == {"results": []}


def test_what_was_not_asked_for_the_longest_is_forgotten():
    kept = work.Recent(2)
    for key in "ab":
        kept.put(key, key)
    kept.get("a")
    kept.put("c", "c")

    assert [kept.get(key) for key in "abc"] == ["a", None, "c"]


def test_a_script_of_states_is_said_in_the_words_of_each_field(served):
    id = roots(served)["box.stl"]
    served.physical(id)
    query = "query($id: ID!) { componentVersion(componentVersionId: $id) { physicalProperties { status area { value } } thumbnail { status signedUrl } } }"
    served.until(query, lambda told: told["componentVersion"]["thumbnail"]["status"] == "SUCCESS", id=id)
    header = {"X-Massproof-Fault": "states=queued,running,failed,timed_out,cancelled,succeeded"}
    seen = [
        served.post(query, {"id": id}, headers=header).json()["data"]["componentVersion"] for _ in range(6)
    ]

    assert [one["physicalProperties"]["status"] for one in seen] == [
        "QUEUED",
        "IN_PROGRESS",
        "FAILED",
        "FAILED",
        "CANCELLED",
        "COMPLETED",
    ]
    assert [one["thumbnail"]["status"] for one in seen] == [
        "PENDING",
        "IN_PROGRESS",
        "FAILED",
        "TIMEOUT",
        "FAILED",
        "SUCCESS",
    ]
    assert [bool(one["physicalProperties"]["area"]) for one in seen] == [False] * 5 + [True]
    assert [bool(one["thumbnail"]["signedUrl"]) for one in seen] == [False] * 5 + [True]


def test_a_null_status_nulls_the_answer_as_the_service_does(served):
    id = roots(served)["box.stl"]
    answer = served.post(
        "query($id: ID!) { componentVersion(componentVersionId: $id) { physicalProperties { status } } }",
        {"id": id},
        headers={"X-Massproof-Fault": "null-status"},
    )
    told = answer.json()

    assert answer.status_code == 200
    assert told["data"] == {"componentVersion": {"physicalProperties": None}}
    assert told["errors"][0]["path"] == ["componentVersion", "physicalProperties", "status"]
    assert told["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_statuses_can_be_those_of_the_tutorial(tmp_path, few):
    with cloud(tmp_path / "data", few, mfgdm="seed") as served:
        words = served.ask('{ __type(name: "PhysicalPropertyStatusEnum") { enumValues { name } } }')[
            "__type"
        ]["enumValues"]
        ids = roots(served)

        assert served.physical(ids["box.stl"])["status"] == "SUCCESS"
        assert served.physical(ids["broken.step"])["status"] == "FAILED"
        assert [one["name"] for one in words] == ["IN_PROGRESS", "PENDING", "FAILED", "TIMEOUT", "SUCCESS"]


def test_oddities_of_the_live_service_are_reproduced_on_request(tmp_path, few):
    names = {}
    for quirks in ("clean", "live"):
        with cloud(tmp_path / quirks, few, quirks=quirks) as served:
            for api in ("v2", "v3"):
                found = served.physical(roots(served, api)["torus_stated.step"], api)
                last = served.ask("{ hubs { pagination { cursor } } }", api)["hubs"]["pagination"]["cursor"]
                first = served.post("{ hubs(pagination: {cursor: null}) { results { id } } }", api=api).json()
                names[quirks, api] = found["density"]["definition"]["units"]["name"], last, "errors" in first
    right = ("Kilograms per Cubic Centimeter", None, False)

    assert names == {
        ("clean", "v2"): right,
        ("clean", "v3"): right,
        ("live", "v3"): right,
        ("live", "v2"): ("Cubic centimeters", "", True),
    }


# Parts of files

TREE = """query($id: ID!) { componentVersion(componentVersionId: $id) { id isRoot
  occurrences { results { ...one occurrences { results { ...one } } } }
  allOccurrences { results { ...one } } } }
fragment one on Occurrence { id isDistributedDesign parentComponentVersion { id name } componentVersion { id name partNumber isRoot whereUsed { results { name } } } }"""


def test_an_assembly_is_a_tree_of_occurrences(served, data):
    root = roots(served)["assembly.step"]
    found = served.ask(TREE, id=root)["componentVersion"]
    (carrier,) = found["occurrences"]["results"]
    everything = found["allOccurrences"]["results"]
    names = [one["componentVersion"]["name"] for one in everything]

    assert (carrier["parentComponentVersion"]["id"], carrier["componentVersion"]["name"]) == (root, "carrier")
    assert carrier["componentVersion"]["partNumber"] == "carrier"
    assert carrier["componentVersion"]["whereUsed"]["results"] == [{"name": "assembly"}]
    assert sorted(set(names)) == ["bolt", "carrier", "plate", "spacer", "standoff"]
    assert {one["id"] for one in carrier["occurrences"]["results"]} <= {one["id"] for one in everything}
    assert len({one["id"] for one in everything}) == len(everything)
    assert len({(one["componentVersion"]["id"], one["componentVersion"]["name"]) for one in everything}) == 5


def test_parts_have_properties_of_their_own(served, data):
    told = mp.assembly(data / "assembly.step")
    bolt = next(part for part in told.parts.values() if part.name == "bolt")
    everything = served.ask(TREE, id=roots(served)["assembly.step"])["componentVersion"]["allOccurrences"][
        "results"
    ]
    id = next(
        one["componentVersion"]["id"] for one in everything if one["componentVersion"]["name"] == "bolt"
    )
    more = "query($id: ID!) { componentVersion(componentVersionId: $id) { id materialName thumbnail { id } derivatives(derivativeInput: {outputFormat: STEP}) { status } occurrences { results { id } } component { id name isRoot tipVersion { id } } designItemVersion { name } } }"
    found = served.ask(more, id=id)["componentVersion"]

    assert served.physical(id)["volume"]["value"] == shapes.emit(bolt.properties)["volume"]["value"]
    assert (found["materialName"], found["occurrences"]["results"]) == (None, [])
    assert found["derivatives"] == [{"status": "NOT_GENERATED"}]
    assert (
        found["component"]["name"],
        found["component"]["isRoot"],
        found["component"]["tipVersion"]["id"],
    ) == ("bolt", False, id)
    assert found["designItemVersion"]["name"] == "assembly.step"
    again = "query($id: ID!) { component(componentId: $id) { tipVersion { id name } } }"
    assert served.ask(again, id=found["component"]["id"])["component"]["tipVersion"] == {
        "id": id,
        "name": "bolt",
    }
    assert (
        served.refused(
            "query($id: ID!) { componentVersion(componentVersionId: $id) { derivatives(derivativeInput: {outputFormat: STEP, generate: true}) { id } } }",
            id=id,
        )[0]
        == "BAD_USER_INPUT"
    )


def test_parts_have_thumbnails_and_derivatives_of_their_own(served):
    """Which part is meant, the job is told by its id in the breakdown of the file."""
    everything = served.ask(TREE, id=roots(served)["assembly.step"])["componentVersion"]["allOccurrences"][
        "results"
    ]
    id = next(
        one["componentVersion"]["id"] for one in everything if one["componentVersion"]["name"] == "bolt"
    )
    query = "query($id: ID!) { componentVersion(componentVersionId: $id) { thumbnail { status signedUrl } derivatives(derivativeInput: {outputFormat: [STL, OBJ], generate: true}) { outputFormat status } } }"
    found = served.until(
        query, lambda told: "PENDING" not in str(told) and "IN_PROGRESS" not in str(told), id=id
    )["componentVersion"]
    asked = json.loads(served.client.get(found["thumbnail"]["signedUrl"]).content[5:])

    assert asked == {"format": "step", "definition": "d4", "size": 100, "transparent": True}
    assert [(one["outputFormat"], one["status"]) for one in found["derivatives"]] == [
        ("STL", "SUCCESS"),
        ("OBJ", "SUCCESS"),
        ("MTL", "SUCCESS"),
    ]


def test_parts_weigh_what_the_server_says_where_the_file_says_nothing(tmp_path, few, data):
    shutil.copy(data / "assembly.step", few / "Parts")
    with cloud(tmp_path / "data", few, material="Steel") as served:
        ids = roots(served)
        everything = served.ask(TREE, id=ids["assembly.step"])["componentVersion"]["allOccurrences"][
            "results"
        ]
        id = next(
            one["componentVersion"]["id"] for one in everything if one["componentVersion"]["name"] == "bolt"
        )
        found = served.physical(id)
        stated = served.ask(TREE, id=ids["torus_stated.step"])["componentVersion"]
        material = served.ask(
            "query($id: ID!) { componentVersion(componentVersionId: $id) { materialName } }", id=id
        )

    assert found["mass"]["value"] == pytest.approx(
        found["volume"]["value"] * found["density"]["value"], rel=1e-12
    )
    assert material["componentVersion"]["materialName"]
    assert stated["allOccurrences"]["results"] == []


RELATIONS = """query($id: ID!, $deep: Int) { model(modelId: $id) { isRoot isTip isPrimary composition timestamp
  materialName { displayValue } totalCompositeMaterialName { displayValue } name { displayValue definition { id specification units { id } } }
  designItem { name } thumbnail { status }
  assemblyRelations(depth: $deep) { pagination { cursor } results { ...rel } }
  unique: uniqueAssemblyRelations(depth: $deep) { results { ...rel } }
  component { id name { displayValue } hasChildren isTip description { displayValue } partNumber { displayValue } tipPartNumber { displayValue } materialName { displayValue }
    hub { name } primaryModel { id } baseProperties { results { name } } customProperties { results { name } }
    bomRelations(depth: $deep) { results { id quantity sequenceNumber toComponentState quantityProperty { value displayValue } fromComponent { name { value } } toComponent { id name { value } hasChildren } } } } } }
fragment rel on AssemblyRelation { toModelInstanceIndex createdOn fromModel { id name { displayValue } } toModel { id isRoot name { displayValue } } }"""


def test_what_a_file_states_of_a_component_are_its_base_properties(served):
    query = "query($id: ID!, $f: PropertyFilterInput) { component(componentId: $id) { baseProperties(filter: $f) { results { name displayValue definition { id } } } } }"
    own = "query($id: ID!) { componentVersion(componentVersionId: $id) { component { id } } }"
    id = served.ask(own, id=roots(served)["torus_stated.step"])["componentVersion"]["component"]["id"]

    def told(api="v2", **filter):
        found = served.until(
            query,
            lambda one: filter or len(one["component"]["baseProperties"]["results"]) == 3,
            api,
            id=id,
            f=filter or None,
        )
        return {one["name"]: one["displayValue"] for one in found["component"]["baseProperties"]["results"]}

    everything = {"Material Name": "Steel", "Name": "torus_stated", "Part Number": "torus"}
    assert told() == told("v3") == everything
    assert (
        told(names=["Name", "x"])
        == told("v3", ids=["autodesk.massproof.definition:name"])
        == {"Name": "torus_stated"}
    )


def test_v3_tells_relations_and_quantities(served):
    id = roots(served, "v3")["assembly.step"]
    shallow, deep = (served.ask(RELATIONS, "v3", id=id, deep=depth)["model"] for depth in (0, 5))
    counted = {}
    for one in deep["assemblyRelations"]["results"]:
        pair = one["fromModel"]["name"]["displayValue"], one["toModel"]["name"]["displayValue"]
        counted.setdefault(pair, []).append(one["toModelInstanceIndex"])
    bom = {
        (one["fromComponent"]["name"]["value"], one["toComponent"]["name"]["value"]): one
        for one in deep["component"]["bomRelations"]["results"]
    }

    assert [one["toModel"]["name"]["displayValue"] for one in shallow["assemblyRelations"]["results"]] == [
        "carrier"
    ]
    assert (
        set(counted)
        == set(bom)
        == {
            (one["fromModel"]["name"]["displayValue"], one["toModel"]["name"]["displayValue"])
            for one in deep["unique"]["results"]
        }
    )
    assert {pair: one["quantity"] for pair, one in bom.items()} == {
        pair: max(indices) + 1 for pair, indices in counted.items()
    }
    assert all(
        one["quantityProperty"] == {"value": one["quantity"], "displayValue": str(one["quantity"])}
        for one in bom.values()
    )
    assert len({one["id"] for one in bom.values()}) == len(bom)
    assert (deep["isRoot"], deep["isTip"], deep["composition"], deep["designItem"]) == (
        True,
        True,
        "WORKING",
        {"name": "assembly.step"},
    )
    assert (
        deep["component"]["hasChildren"],
        deep["component"]["primaryModel"],
        deep["component"]["hub"],
    ) == (True, {"id": id}, {"name": "hub"})
    assert (
        deep["component"]["partNumber"] == deep["component"]["tipPartNumber"] == {"displayValue": "assembly"}
    )
    assert deep["name"] == {
        "displayValue": "assembly",
        "definition": {"id": "autodesk.massproof.definition:name", "specification": "STRING", "units": None},
    }


def test_v3_parts_are_found_by_their_ids(served):
    id = roots(served, "v3")["assembly.step"]
    found = served.ask(RELATIONS, "v3", id=id, deep=5)["model"]
    bolt = next(
        one["toModel"]["id"]
        for one in found["assemblyRelations"]["results"]
        if one["toModel"]["name"]["displayValue"] == "bolt"
    )
    component = "query($id: ID!, $c: BOMCompositionEnum) { component(componentId: $id, composition: $c) { name { value } composition primaryModel { id } bomRelations { results { id } } } }"
    own = next(
        one["toComponent"]["id"]
        for one in found["component"]["bomRelations"]["results"]
        if one["toComponent"]["name"]["value"] == "bolt"
    )
    told = served.ask(component, "v3", id=own, c="WORKING")["component"]

    assert served.physical(bolt, "v3")["status"] == "COMPLETED"
    assert told == {
        "name": {"value": "bolt"},
        "composition": "WORKING",
        "primaryModel": {"id": bolt},
        "bomRelations": {"results": []},
    }
    assert served.refused(component, "v3", id=own, c="RELEASED")[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("model(modelId: $id, composition: RELEASED) { id }", "NOT_FOUND"),
        ('model(modelId: $id, time: "2001-01-01T00:00:00Z") { id }', "NOT_FOUND"),
        ('model(modelId: $id, time: "yesterday") { id }', "BAD_USER_INPUT"),
        ("model(modelId: $id, time: 7) { id }", "BAD_USER_INPUT"),
        ("model(modelId: $id) { assemblyRelations(depth: -1) { results { createdOn } } }", "BAD_USER_INPUT"),
        ('component(componentId: $id, state: "old") { id }', "BAD_USER_INPUT"),
        ("component(componentId: $id) { id }", "NOT_FOUND"),
    ],
)
def test_v3_says_what_it_does_not_have(served, query, code):
    assert (
        served.refused(f"query($id: ID!) {{ {query} }}", "v3", id=roots(served, "v3")["box.stl"])[0] == code
    )


def test_a_model_is_told_as_of_a_time(served):
    query = 'query($id: ID!) { model(modelId: $id, time: "2030-01-01T00:00:00Z", composition: LATEST) { id composition timestamp } }'
    id = roots(served, "v3")["box.stl"]

    assert served.ask(query, "v3", id=id)["model"] == {
        "id": id,
        "composition": "LATEST",
        "timestamp": "2023-11-14T22:13:20.000Z",
    }


def test_components_of_a_hub_are_paged_file_by_file(served):
    ask = "query($h: ID!, $f: ComponentSearchInput, $p: PaginationInput) { componentsByHub(hubId: $h, filter: $f, pagination: $p) { pagination { cursor pageSize } results { id name isRoot } } }"
    of_hub = served.hub("hub")

    def every(limit, **filter):
        cursor, found = None, []
        while True:
            page = served.ask(ask, h=of_hub, f=filter, p={"cursor": cursor, "limit": limit})[
                "componentsByHub"
            ]
            assert page["pagination"]["pageSize"] == len(page["results"]) <= limit
            found += page["results"]
            cursor = page["pagination"]["cursor"]
            if cursor is None:
                return found

    everything = every(50)
    assert every(3) == every(1) == everything
    assert len({one["id"] for one in everything}) == len(everything) == 11
    assert [one["name"] for one in everything if one["isRoot"]] == [
        "assembly",
        "box",
        "box",
        "broken",
        "open_box",
        "torus_stated",
    ]
    assert every(2, isRoot=True) == [one for one in everything if one["isRoot"]]
    assert every(2, isRoot=False) == [one for one in everything if not one["isRoot"]]
    assert [one["name"] for one in every(4, name="bolt")] == ["bolt"]
    assert every(4, ids=[everything[3]["id"]]) == [everything[3]]
    assert every(4, lastModifiedOn="2030-01-01T00:00:00Z") == []
    assert (
        served.ask(ask, h=of_hub, f={}, p={"limit": 0})["componentsByHub"]["pagination"]["cursor"] is not None
    )
    assert served.refused(ask, h=of_hub, f={}, p={"limit": 51}) == (
        "BAD_USER_INPUT",
        "pagination must be between 0 and 50",
    )


def test_tips_of_projects_and_folders(served):
    of_hub = served.hub("hub")
    places = served.ask(
        "query($h: ID!) { projects(hubId: $h) { results { id folders { results { id } } } } }", h=of_hub
    )["projects"]["results"]
    by_project = "query($h: ID!, $p: [ID!]!) { tipComponentVersionsByProjects(hubId: $h, projectIds: $p) { results { name } } }"
    by_folder = "query($h: ID!, $p: [ID!]!) { tipComponentVersionsByFolders(hubId: $h, folderIds: $p) { results { name designItemVersion { name } } } }"
    project, folder = places[0]["id"], places[0]["folders"]["results"][0]["id"]

    assert (
        len(served.ask(by_project, h=of_hub, p=[project])["tipComponentVersionsByProjects"]["results"]) == 11
    )
    assert served.ask(by_folder, h=of_hub, p=[folder])["tipComponentVersionsByFolders"]["results"] == [
        {"name": "box", "designItemVersion": {"name": "box.obj"}}
    ]
    assert served.refused(by_folder, h=served.hub("Uploads"), p=[folder])[0] == "NOT_FOUND"


# Files that are made


def address(served, id, format="STL"):
    query = "query($id: ID!, $f: [OutputFormatEnum]) { componentVersion(componentVersionId: $id) { derivatives(derivativeInput: {outputFormat: $f, generate: true}) { status signedUrl expires } } }"
    ready = lambda told: told["componentVersion"]["derivatives"][0]["status"] == "SUCCESS"  # noqa: E731
    return served.until(query, ready, id=id, f=[format])["componentVersion"]["derivatives"][0]


def test_a_derivative_is_there_when_it_was_made(fresh):
    id = roots(fresh)["box.stl"]
    listed = "query($id: ID!, $f: [OutputFormatEnum]) { componentVersion(componentVersionId: $id) { derivatives(derivativeInput: {outputFormat: $f}) { id outputFormat status signedUrl expires } } }"
    before = fresh.ask(listed, id=id, f=[])["componentVersion"]["derivatives"]
    asked = fresh.ask(listed, id=id, f="STEP")["componentVersion"]["derivatives"]
    address(fresh, id)

    assert before == []
    assert [(one["outputFormat"], one["status"], one["signedUrl"], one["expires"]) for one in asked] == [
        ("STEP", "NOT_GENERATED", None, None)
    ]
    assert [
        one["outputFormat"] for one in fresh.ask(listed, id=id, f=[])["componentVersion"]["derivatives"]
    ] == ["STL"]
    literal = "query($id: ID!) { componentVersion(componentVersionId: $id) { derivatives(derivativeInput: {outputFormat: STL}) { status } } }"
    assert fresh.ask(literal, id=id)["componentVersion"]["derivatives"] == [{"status": "SUCCESS"}]


def test_v3_has_derivatives_too(served):
    query = "query($id: ID!) { model(modelId: $id) { derivatives(derivativeInput: {outputFormat: STEP}) { outputFormat status } } }"

    assert served.ask(query, "v3", id=roots(served, "v3")["open_box.stl"])["model"]["derivatives"] == [
        {"outputFormat": "STEP", "status": "NOT_GENERATED"}
    ]


def test_a_signed_address_is_enough(served):
    found = address(served, roots(served)["box.stl"])
    url = found["signedUrl"]
    whole = served.client.get(url)
    part = served.client.get(url, headers={"Range": "bytes=5-8", "Authorization": "Bearer other"})

    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (
        200,
        b"part.stl" * 100,
        "model/stl",
    )
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"stlp", "bytes 5-8/800")
    assert time.time() < int(found["expires"]) <= time.time() + 3600
    assert served.client.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    assert served.client.get(url.replace("part.stl", "part.obj")).status_code == 403
    assert (
        served.client.get(url.partition("?")[0], headers=served.headers).json()["errors"][0]["extensions"][
            "code"
        ]
        == "FORBIDDEN"
    )


def test_a_file_that_is_kept_no_more_is_said_to_be_gone(fresh):
    url = address(fresh, roots(fresh)["box.stl"])["signedUrl"]
    service = fresh.client.app.state.service
    operation = service.operations.get(url.split("/")[5])
    service.blobs.drop(operation.outcome.files["part.stl"])
    nobody = service.signer.signed("/mfg/files/0/part.stl", 60)

    assert fresh.client.get(url).status_code == fresh.client.get(nobody).status_code == 404


def test_thumbnails_are_those_of_the_samples_in_size(served):
    sizes = {}
    for api, field in (("v2", "componentVersion(componentVersionId: $id)"), ("v3", "model(modelId: $id)")):
        query = f"query($id: ID!) {{ it: {field} {{ thumbnail {{ id status signedUrl expires }} }} }}"
        found = served.until(
            query,
            lambda told: told["it"]["thumbnail"]["status"] == "SUCCESS",
            api,
            id=roots(served, api)["box.stl"],
        )
        sizes[api] = json.loads(served.client.get(found["it"]["thumbnail"]["signedUrl"]).content[5:])

    assert sizes["v2"] == {"format": "stl", "size": 100, "transparent": True}
    assert sizes["v3"] == {"format": "stl", "size": 800, "transparent": True}


def test_items_and_their_versions_have_the_same_thumbnail(served):
    query = "query($h: ID!, $i: ID!) { item(hubId: $h, itemId: $i) { ... on DesignItem { thumbnail { id } tipVersion { thumbnail { id } rootComponentVersion { thumbnail { id } } } } } }"
    of_hub = served.hub("hub")
    found = served.ask(query, h=of_hub, i=served.items(of_hub)["box.stl"][0])["item"]

    assert (
        found["thumbnail"]
        == found["tipVersion"]["thumbnail"]
        == found["tipVersion"]["rootComponentVersion"]["thumbnail"]
    )


def test_a_thumbnail_that_cannot_be_made_has_failed(served):
    query = "query($id: ID!) { componentVersion(componentVersionId: $id) { thumbnail { status signedUrl } } }"
    found = served.until(
        query,
        lambda told: told["componentVersion"]["thumbnail"]["status"] not in WAITING,
        id=roots(served)["broken.step"],
    )

    assert found["componentVersion"]["thumbnail"] == {"status": "FAILED", "signedUrl": None}


# Mutations

SET = "mutation($t: ID!, $p: [PropertyInput!]!) { setProperties(input: {targetId: $t, propertyInputs: $p}) { targetId properties { name displayValue value definition { id specification isReadOnly } } } }"
CUSTOM = "query($id: ID!, $f: PropertyFilterInput) { componentVersion(componentVersionId: $id) { customProperties(filter: $f) { results { name displayValue value } } component { customProperties { results { name } } } } }"


def test_custom_properties_are_kept_and_cleared(fresh):
    id = roots(fresh)["box.stl"]
    given = {"text": "a", "number": 2.5, "flag": True}
    made = fresh.ask(SET, t=id, p=[{"propertyDefinitionId": k, "value": v} for k, v in given.items()])[
        "setProperties"
    ]
    found = fresh.ask(CUSTOM, id=id)["componentVersion"]
    component = fresh.ask(
        "query($id: ID!) { componentVersion(componentVersionId: $id) { component { id } } }", id=id
    )["componentVersion"]["component"]["id"]
    cleared = fresh.ask(SET, t=component, p=[{"propertyDefinitionId": "text", "shouldClear": True}])[
        "setProperties"
    ]

    assert made["targetId"] == id
    assert [one["displayValue"] for one in made["properties"]] == ["a", "2.5", "true"]
    assert [one["definition"]["specification"] for one in made["properties"]] == [
        "STRING",
        "FLOAT",
        "BOOLEAN",
    ]
    assert [(one["name"], one["value"]) for one in found["customProperties"]["results"]] == sorted(
        given.items()
    )
    assert len(found["component"]["customProperties"]["results"]) == 3
    assert [
        one["name"]
        for one in fresh.ask(CUSTOM, id=id, f={"names": ["flag", "x"]})["componentVersion"][
            "customProperties"
        ]["results"]
    ] == ["flag"]
    assert cleared["properties"] == []
    assert len(fresh.ask(CUSTOM, id=id)["componentVersion"]["customProperties"]["results"]) == 2


@pytest.mark.parametrize(
    ("target", "inputs", "code", "words"),
    [
        ("own", [{"propertyDefinitionId": "", "value": 1}], "BAD_USER_INPUT", "has 0 characters"),
        ("own", [{"propertyDefinitionId": "x"}], "BAD_USER_INPUT", "takes text"),
        ("own", [{"propertyDefinitionId": "x", "value": [1]}], "BAD_USER_INPUT", "takes text"),
        ("own", [{"propertyDefinitionId": "x", "value": 10**400}], "BAD_USER_INPUT", "takes text"),
        ("own", [{"propertyDefinitionId": "x", "value": "y" * 10_001}], "BAD_USER_INPUT", "takes text"),
        (
            "own",
            [{"propertyDefinitionId": "known to be text", "value": 1}],
            "BAD_USER_INPUT",
            "takes a STRING",
        ),
        (
            "own",
            [{"propertyDefinitionId": str(k), "value": 1} for k in range(1001)],
            "BAD_USER_INPUT",
            "at most 1000 are kept",
        ),
        ("nobody", [], "NOT_FOUND", "there is no component 'nobody'"),
    ],
)
def test_custom_properties_that_cannot_be(served, target, inputs, code, words):
    id = roots(served)["open_box.stl"]
    served.ask(SET, t=id, p=[{"propertyDefinitionId": "known to be text", "value": "text"}])
    found = served.refused(SET, t=id if target == "own" else target, p=inputs)

    assert (found[0], words in found[1]) == (code, True), found
    assert [
        one["name"] for one in served.ask(CUSTOM, id=id)["componentVersion"]["customProperties"]["results"]
    ] == ["known to be text"]


EXPORT = "mutation($h: ID!, $i: ID!, $n: String) { createDesignFromFile(input: {hubId: $h, sourceItemId: $i, name: $n}) { exportId } }"
STATUS = "query($h: ID!, $e: ID!) { exportStatusOfFile(input: {hubId: $h, exportId: $e}) { status progress designItemVersion { id name versionNumber } } }"


def test_a_file_is_a_design_already(served):
    of_hub = served.hub("hub")
    item = served.items(of_hub)["box.stl"][0]
    made = {
        served.ask(EXPORT, h=of_hub, i=item, n=name)["createDesignFromFile"]["exportId"]
        for name in ("box", "box.stl", None)
    }
    (export,) = made
    found = served.ask(STATUS, h=of_hub, e=export)["exportStatusOfFile"]

    assert (
        found["status"],
        found["designItemVersion"]["name"],
        found["designItemVersion"]["versionNumber"],
    ) == ("SUCCESS", "box.stl", 1)
    assert served.refused(EXPORT, h=of_hub, i=item, n="other")[0] == "BAD_USER_INPUT"
    assert served.refused(STATUS, h=of_hub, e=ids.opaque("export", ids.item_key(item), "x"))[0] == "NOT_FOUND"
    assert served.refused(STATUS, h=of_hub, e="nothing")[0] == "NOT_FOUND"
    assert served.refused(STATUS, h=served.hub("Uploads"), e=export)[0] == "NOT_FOUND"
    assert served.refused("{ exportStatusOfFile { status } }")[0] == "BAD_USER_INPUT"


# Addresses, tokens, bodies


def test_addresses_that_answer_otherwise(served):
    get = [served.client.get(path) for path in (*PATHS.values(), "/mfg/v3/graphql")]
    old = served.client.post("/fusiondata/2022-04/graphql", json={})

    assert {(one.status_code, one.headers["allow"]) for one in get} == {(405, "POST")}
    assert "POST a JSON body" in get[0].json()["message"]
    assert (old.status_code, "retired" in old.json()["message"]) == (404, True)
    assert served.client.post(
        "/mfg/v3/graphql", json={"query": "{ __typename }"}, headers=served.headers
    ).json() == {"data": {"__typename": "Query"}}


def test_a_token_is_wanted(tmp_path, few, served):
    query = {"query": "{ __typename }"}

    assert served.client.post(PATHS["v2"], json=query).status_code == 401
    with cloud(tmp_path / "other", few, token="secret") as guarded:
        assert guarded.ask("{ __typename }") == {"__typename": "Query"}
        refused = guarded.post("{ __typename }", headers={"Authorization": "Bearer other"})
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (
            401,
            "UNAUTHENTICATED",
        )


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b'{"query": "{ __typename }"}', "text/plain", 415, "application/json"),
        (b"{", "application/json", 400, "no JSON"),
        (b'[{"query": "{ __typename }"}]', "application/json", 400, "batches"),
        (b'"{ __typename }"', "application/json", 400, "JSON object"),
        (b'{"variables": {}}', "application/json", 400, "must have query"),
        (b'{"query": "  "}', "application/json", 400, "must have query"),
        (b'{"query": "{ __typename }", "variables": []}', "application/json", 400, "variables must be"),
        (b'{"query": "{ __typename }", "operationName": 7}', "application/json", 400, "operationName a text"),
        (
            b'{"query": "{ __typename }", "x": "' + b"y" * 300_000 + b'"}',
            "application/json",
            413,
            "maximum size",
        ),
        (
            b'{"query": "{ __typename }", "variables": {"x": ' + b"[" * 200 + b"]" * 200 + b"}}",
            "application/json",
            400,
            "nested",
        ),
        (
            b'{"query": "query A { __typename } query B { __typename }"}',
            "application/json",
            400,
            "operation name",
        ),
        (b'{"query": "query A { __typename }", "operationName": "C"}', "application/json", 400, "'C'"),
        (b'{"query": "query($id: ID!) { hub(hubId: $id) { id } }"}', "application/json", 400, "$id"),
        (
            b'{"query": "query($id: ID!) { hub(hubId: $id) { id } }", "variables": {"id": [1]}}',
            "application/json",
            400,
            "$id",
        ),
    ],
)
def test_bodies_that_are_no_question(served, body, kind, status, words):
    answer = served.client.post(
        PATHS["v2"], content=body, headers=served.headers | {"Content-Type": kind + "; charset=utf-8"}
    )

    assert answer.status_code == status, answer.text
    assert words in answer.json()["errors"][0]["message"]
    assert answer.json()["errors"][0]["extensions"]["code"] != "INTERNAL_SERVER_ERROR"


def test_errors_have_the_vendors_form(served):
    answer = served.post('{ hub(hubId: "urn:none") { id } }')
    (error,) = answer.json()["errors"]

    assert answer.status_code == 200
    assert answer.json()["data"] == {"hub": None}
    assert (error["path"], error["extensions"]["code"], error["extensions"]["errorType"]) == (
        ["hub"],
        "NOT_FOUND",
        "UNKNOWN",
    )
    assert set(error["extensions"]) == {"code", "errorType", "service", "correlation_id"}
    assert error["message"].startswith("Requested resource not found")


def test_a_mistake_of_this_server_says_no_more_than_that(fresh, monkeypatch):
    def broken(self, info, hubId):
        msg = "/secret/path"
        raise KeyError(msg)

    monkeypatch.setattr(v2.Root, "hub", broken)
    code, message = fresh.refused('{ hub(hubId: "x") { id } }')

    assert (code, message) == (
        "INTERNAL_SERVER_ERROR",
        "this server made a mistake (KeyError); please report it",
    )


# Schemas


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_the_schema_is_that_of_the_contract(api):
    """Types, fields, arguments and nullability; descriptions and order are ours."""
    from graphql import build_schema, lexicographic_sort_schema, print_schema

    path = HOME / f"mfgdm-{api}.graphql"
    if not path.is_file():
        pytest.skip(f"no contracts at {HOME}: set MASSPROOF_CONTRACTS")

    def plain(schema):
        for type in schema.type_map.values():
            type.description = None
        return print_schema(lexicographic_sort_schema(schema))

    assert plain(queries.schema(api)) == plain(build_schema(path.read_text()))


@pytest.mark.parametrize(("api", "module"), [("v2", v2), ("v3", v3)])
def test_every_field_of_the_schema_has_a_resolver(api, module):
    """A field without one would be null in silence."""
    schema = queries.schema(api)
    classes = {"Query": module.Root, "Mutation": module.Root, "Hub": module.Hub, "Folder": Folder}
    classes |= {
        name: getattr(module, name)
        for name in (
            "Project",
            "DesignItem",
            "DesignItemVersion",
            "Component",
            "ComponentVersion",
            "Occurrence",
            "Model",
        )
        if hasattr(module, name)
    }
    own = {
        "id",
        "name",
        "isRoot",
        "versionNumber",
        "createdOn",
        "lastModifiedOn",
        "alternativeIdentifiers",
        "timestamp",
        "composition",
    }  # set when an object is made
    missing = [
        f"{name}.{field}"
        for name, made in classes.items()
        for field in (schema.type_map[name].fields if name in schema.type_map else ())
        if not hasattr(made, field) and field not in own
    ]

    assert missing == []


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_tools_may_read_the_schema(served, api):
    from graphql import build_client_schema, get_introspection_query

    found = served.ask(get_introspection_query(), api)

    assert "PhysicalProperties" in build_client_schema(found).type_map


def test_introspection_can_be_switched_off(tmp_path, few):
    with cloud(tmp_path / "data", few, introspection=False) as served:
        for query in ("{ __schema { types { name } } }", '{ ... { t: __type(name: "Hub") { name } } }'):
            assert served.refused(query, status=400) == (
                "BAD_USER_INPUT",
                "introspection is switched off on this server",
            )
        assert served.ask("{ __typename hubs { __typename } }")["hubs"] == {"__typename": "Hubs"}


def test_one_id_has_one_content_as_caches_expect(served):
    """Every object with an id is the same wherever it stands, as Apollo's normalised cache takes for granted."""
    seen = {}

    def walk(value):
        if isinstance(value, dict):
            if "id" in value and "__typename" in value:
                plain = {k: v for k, v in value.items() if not isinstance(v, (dict, list))}
                assert seen.setdefault((value["__typename"], value["id"]), plain) == plain
            value = list(value.values())
        for one in value if isinstance(value, list) else ():
            walk(one)

    fields = ALL.replace("definition {", "definition { __typename localizedName shouldCopy ").replace(
        "units {", "units { __typename"
    )
    query = f"query($id: ID!) {{ it: model(modelId: $id) {{ name {{ ...all }} materialName {{ ...all }} component {{ id __typename partNumber {{ ...all }} description {{ ...all }} }} physicalProperties {{ status area {{ ...all }} volume {{ ...all }} mass {{ ...all }} density {{ ...all }} boundingBox {{ length {{ ...all }} width {{ ...all }} height {{ ...all }} }} }} }} }} {fields}"
    for id in roots(served, "v3").values():
        served.physical(id, "v3")
        walk(served.ask(query, "v3", id=id))
    assert len({id for kind, id in seen if kind == "Units"}) == 5
    assert len({id for kind, id in seen if kind == "PropertyDefinition"}) == 11


def test_an_answer_is_given_again_until_its_file_changes(fresh, few, data, monkeypatch):
    id = roots(fresh, "v3")["box.stl"]
    first = fresh.physical(id, "v3")
    fresh.physical(id, "v3")
    calls = []
    execute = queries.Engine.execute
    monkeypatch.setattr(queries.Engine, "execute", lambda *given: calls.append(1) or execute(*given))
    for _ in range(3):
        assert fresh.physical(id, "v3") == first
    assert calls == []
    shutil.copy(data / "open_box.stl", few / "Parts/box.stl")
    assert fresh.physical(id, "v3")["volume"] != first["volume"]


def test_an_answer_is_not_given_again_for_ever(served, monkeypatch):
    from massproof.dialects.mfgdm import remembered

    answers = remembered.Answers()
    monkeypatch.setattr(remembered, "_SECONDS", -1.0)
    answers.put("q", b"{}", {}, {})
    assert answers.get("q") is None
    monkeypatch.setattr(remembered, "_SECONDS", 60.0)
    answers.put("q", b"x" * 70_000, {}, {})
    assert answers.get("q") is None
    answers.put("q", b"{}", {}, {})
    assert answers.get("q").content == b"{}"


def test_the_command_line_names_hubs():
    from massproof import hosting

    found = hosting.settings_of(
        hosting.spelled({"hub": ["a", "b"], "quirks": "live", "introspection": False})
    )

    assert (found.hubs, found.quirks, found.introspection, found.mfgdm) == (
        (Path("a"), Path("b")),
        "live",
        False,
        "live",
    )
