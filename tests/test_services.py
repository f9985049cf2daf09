"""Each service against a fake of it: every status, every way to fail, and no secret in what is kept."""

import base64
import json
import os
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from fakes import ENVIRON, TOKEN, Fake, FakeClock, part, serving

from massproof import cassettes, clients, dialects
from massproof.clients import mfgdm, port
from massproof.clients.storage import encoded
from massproof.errors import MissingExtra, RemoteError, UsageError

ROOT = Path(__file__).parent.parent
HOME = Path(os.environ.get("MASSPROOF_CORPUS", ROOT.parent / "shared/corpus")).parent
EXAMPLES = HOME / "contracts/autodesk-examples"
SIGNED = "https://s3.example/part?X-Amz-Signature=very-signed&X-Amz-Security-Token=very-tokened"
APPLICATION = {"APS_CLIENT_ID": "an-application", "APS_CLIENT_SECRET": "its/secret+=="}
SECRETS = [
    *ENVIRON.values(),
    *APPLICATION.values(),
    "very-signed",
    "very-tokened",
    "very-opaque",
    "given-token-0123",
    "very-personal",
]


def record(service, fake, one, of=None, clock=None, environ=ENVIRON, **options):
    """The cassette, after a look for secrets in it: each test is a test of that too."""
    tape = clients.record(
        service, one, of, environ=environ, clock=clock or FakeClock(), client=fake.client, **options
    )
    text = json.dumps(tape, ensure_ascii=False)
    for secret in SECRETS:
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            assert form not in text
    assert "uthorization" not in text
    assert "Bearer" not in text
    return tape


def refused(service, fake, one, of=None, **options):
    """The error that a cassette holds, raised again as replaying it does."""
    tape = record(service, fake, one, of, **options)
    with pytest.raises(RemoteError) as raised:
        cassettes.answer(json.loads(json.dumps(tape)))
    return raised.value


def zoo(status="completed", job="0000-1111", **fields):
    return {
        "id": job, "created_at": "2026-11-27T12:00:00.123456789Z", "updated_at": "2026-11-27T12:00:00.123456789Z", "status": status,
        "user_id": "very-personal", "src_format": "step",
    } | fields  # fmt: skip


VOLUME = zoo(output_unit="cm3", volume=1.0000000000000002)
AREA = zoo(output_unit="cm2", surface_area=6.0)
CENTRE = zoo(output_unit="mm", center_of_mass={"x": 5.0, "y": 5.0, "z": -5.0})
BOX = zoo(
    output_unit="mm",
    bounding_box={"center": {"x": 5, "y": 5, "z": 5}, "dimensions": {"x": 10, "y": 10, "z": 10}},
)
MASS = zoo(output_unit="g", material_density=7850.0, material_density_unit="kg:m3", mass=7.85)
QUEUED = ["queued", "uploaded", "in_progress"]


def zoo_fake(**change):
    answers = {
        "volume": [(201, VOLUME)], "surface-area": [(201, AREA)], "center-of-mass": [(201, CENTRE)], "bounding-box": [(201, BOX)], "mass": [(201, MASS)],
        "0000-1111": [(200, VOLUME)],
    }  # fmt: skip
    return Fake(
        *(
            (path, answer)
            for path, answer in (answers | {k.replace("_", "-"): v for k, v in change.items()}).items()
        )
    )


def test_zoo_is_asked_for_each_property(tmp_path):
    fake = zoo_fake()
    found = cassettes.answer(record("zoo", fake, part(tmp_path, density=7850.0)))

    assert found.dialect == "zoo"
    assert found.document == [d | {"user_id": "(removed)"} for d in (VOLUME, AREA, CENTRE, BOX, MASS)]
    assert fake.paths() == [
        f"POST /file/{p}" for p in ("volume", "surface-area", "center-of-mass", "bounding-box", "mass")
    ]
    assert {r.headers["authorization"] for r in fake.asked} == {f"Bearer {TOKEN}"}
    assert {r.content for r in fake.asked} == {b"ISO-10303-21;"}
    asked = {k: v for r in fake.asked for k, v in parse_qs(r.url.query.decode()).items()}
    assert asked["material_density"] == ["7850.0"]
    assert asked["material_density_unit"] == ["kg:m3"]


def test_the_cassette_shows_the_addresses_that_were_sent(tmp_path):
    fake = zoo_fake()
    tape = record("zoo", fake, part(tmp_path, density=2.7e-7))

    assert [e["request"]["url"] for e in tape["exchanges"]] == [str(r.url) for r in fake.asked]
    assert tape["exchanges"][0]["request"]["body"] == {"file": "box.step"}
    assert tape["file"] == {"name": "box.step", "sha256": "a" * 64, "size": 13}
    assert tape["recorded"] == "2026-11-27T12:00:00+00:00"


def test_zoo_without_a_density_is_not_asked_for_a_mass(tmp_path):
    fake = zoo_fake()

    assert len(cassettes.answer(record("zoo", fake, part(tmp_path))).document) == 4
    assert "POST /file/mass" not in fake.paths()


def test_zoo_knows_formats_by_its_own_names(tmp_path):
    fake = zoo_fake()
    record("zoo", fake, part(tmp_path, "box.glb", "glb"))
    assert "src_format=gltf" in str(fake.asked[0].url)

    with pytest.raises(UsageError, match=r"Zoo takes step, stl, obj, ply, glb and box.3mf is 3mf"):
        record("zoo", zoo_fake(), part(tmp_path, "box.3mf", "3mf"))


def test_an_older_zoo_has_no_box_and_that_is_no_failure(tmp_path):
    tape = record(
        "zoo", zoo_fake(bounding_box=[(404, {"message": "Not Found", "request_id": "x"})]), part(tmp_path)
    )

    assert [list(d)[-1] for d in cassettes.answer(tape).document] == [
        "volume",
        "surface_area",
        "center_of_mass",
    ]
    assert [e["response"]["status"] for e in tape["exchanges"]] == [201, 201, 201, 404]


def test_zoo_is_polled_until_the_job_is_done(tmp_path):
    clock = FakeClock()
    done = VOLUME | {"type": "file_volume"}
    polls = [
        (200, zoo(status) | {"type": "file_volume", "output_unit": "cm3"})
        for status in [*QUEUED, "in_progress", "in_progress"]
    ]
    fake = zoo_fake(volume=[(201, zoo("queued", output_unit="cm3"))], **{"0000_1111": [*polls, (200, done)]})
    tape = record("zoo", fake, part(tmp_path), clock=clock)

    assert cassettes.answer(tape).document[0] == done | {"user_id": "(removed)"}
    assert clock.slept == [1, 2, 4, 8, 16, 30]
    assert [e["times"] for e in tape["exchanges"]] == [
        1,
        1,
        1,
        3,
        1,
        1,
        1,
        1,
    ]  # the same answer again is only counted


@pytest.mark.parametrize("first", ["queued", "completed"])
def test_a_status_that_is_null_or_missing_is_an_error(tmp_path, first):
    for nothing in ({"status": None}, {}):
        broken = {k: v for k, v in VOLUME.items() if k != "status"} | nothing
        answers = (
            {"volume": [(201, broken)]}
            if first == "completed"
            else {"volume": [(201, zoo("queued"))], "0000_1111": [(200, broken)]}
        )
        error = refused("zoo", zoo_fake(**answers), part(tmp_path))

        assert error.reason == "null-status"
        assert "Zoo's volume of box.step: the status is null" in str(error)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        ((201, zoo("failed", error="the file has no solid")), "failed", "Zoo's volume of box.step failed there: the file has no solid"),
        ((201, zoo("failed")), "failed", "failed there; look at it"),
        ((201, zoo("melted")), "unknown-status", "the status 'melted' is not one of queued, uploaded"),
        ((201, '{"id": "x", "sta'), "malformed", "answered 201 with 16 characters that are not JSON"),
        ((201, "<html>"), "malformed", "beginning with '<html>'"),
        ((201, ""), "malformed", "0 characters that are not JSON"),
        ((201, [1]), "malformed", "the answer should be a dict"),
        ((201, {k: v for k, v in VOLUME.items() if k != "id"}), "malformed", "id should be a str"),
        ((401, {"message": "Unauthorized", "request_id": "r"}), "refused", "HTTP 401: Unauthorized; the credentials are not accepted"),
        ((400, "not json"), "refused", "HTTP 400; check the ids"),
        ((404, {"message": "Not Found"}), "refused", "HTTP 404: Not Found"),
        ((504, "<html>"), "unavailable", "did not answer in 6 tries, at last: HTTP 504"),
        ((429, {"message": "slow down"}, {"Retry-After": "3600"}), "deadline", "asks to wait 3600 s more"),
        (httpx.ConnectError("refused"), "unavailable", "did not answer in 6 tries, at last: ConnectError: refused"),
        (httpx.RemoteProtocolError("incomplete"), "unavailable", "at last: RemoteProtocolError: incomplete"),
        (httpx.ReadTimeout("slow"), "unavailable", "at last: ReadTimeout: slow"),
    ],
)  # fmt: skip
def test_every_way_in_which_zoo_fails_is_one_clear_error(tmp_path, answer, reason, words):
    error = refused("zoo", zoo_fake(volume=[answer]), part(tmp_path))

    assert (error.reason, words in str(error)) == (reason, True), str(error)
    if not isinstance(answer, Exception) and answer[0] == 201 and reason != "malformed":
        fake = zoo_fake(volume=[(201, zoo("queued"))], **{"0000_1111": [(200, *answer[1:])]})
        assert refused("zoo", fake, part(tmp_path)).reason == reason


def test_zoo_that_never_ends_is_left_at_the_deadline(tmp_path):
    clock = FakeClock()
    fake = zoo_fake(volume=[(201, zoo("queued"))], **{"0000_1111": [(200, zoo("in_progress"))]})
    error = refused("zoo", fake, part(tmp_path), clock=clock, deadline=100.0)

    assert error.reason == "deadline"
    assert clock.now() < 100


def test_zoo_recovers_from_a_gateway_and_a_limit(tmp_path):
    clock = FakeClock()
    fake = zoo_fake(volume=[(503, ""), httpx.ReadError(""), (429, {}, {"Retry-After": "9"}), (201, VOLUME)])

    assert len(cassettes.answer(record("zoo", fake, part(tmp_path), clock=clock)).document) == 4
    assert clock.slept == [1, 2, 9]


def test_what_kittycad_does_not_know_yet_is_no_failure(tmp_path):
    """A new unit, a new field, an answer to GET without its type: the package's models refuse them."""
    new = VOLUME | {"output_unit": "pm3", "new": 1}
    found = cassettes.answer(record("zoo", zoo_fake(volume=[(201, new)]), part(tmp_path)))

    assert found.document[0]["output_unit"] == "pm3"


def test_without_kittycad_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "kittycad", None)
    with pytest.raises(MissingExtra, match=r"massproof\[zoo\]"):
        record("zoo", zoo_fake(), part(tmp_path))


def test_an_answer_that_kittycad_swallows_is_no_answer(tmp_path, monkeypatch):
    import kittycad

    class Silent:
        def __init__(self, **options):
            self.file = self

        def create_file_volume(self, **options):
            raise ValueError

    monkeypatch.setattr(kittycad, "KittyCAD", Silent)
    assert "there was no answer" in str(refused("zoo", zoo_fake(), part(tmp_path)))


def test_zoo_host_is_where_kittycad_goes(tmp_path):
    """Through a real socket, with answers that end too early."""
    answers = {
        "volume": [(201, VOLUME, 20), (201, zoo("queued", output_unit="cm3"), None)],
        "0000-1111": [(200, VOLUME | {"type": "file_volume"}, 5), (200, VOLUME | {"type": "file_volume"}, None)],
        "surface-area": [(502, {}, None), (201, AREA, None)],
        "center-of-mass": [(201, CENTRE, None)],
        "bounding-box": [(404, {"message": "Not Found", "request_id": "x"}, None)],
    }  # fmt: skip
    clock = FakeClock()
    with serving(answers) as host:
        tape = clients.record("zoo", part(tmp_path), environ=ENVIRON | {"ZOO_HOST": host + "/"}, clock=clock)

    assert [d["id"] for d in cassettes.answer(tape).document] == ["0000-1111"] * 3
    assert clock.slept == [1, 1, 1, 1]  # cut short, queued, cut short again, gateway
    assert TOKEN not in json.dumps(tape)


def echo(request):
    """The worst that a service can do with secrets: say them back, in words that look like any other."""
    return 400, {"message": f"{dict(request.headers)} {request.content!r} {request.url}"}


@pytest.mark.parametrize(
    ("service", "environ", "of", "where"),
    [
        ("zoo", ENVIRON, {}, "volume"),
        ("mfgdm", ENVIRON, {"model": "m"}, "public"),
        ("derivative", ENVIRON, {"urn": "u"}, "manifest"),
        ("derivative", APPLICATION, {"urn": "u"}, "token"),
        ("derivative", APPLICATION, {"urn": "u"}, "manifest"),
        ("derivative", APPLICATION, {"upload": "yes", "bucket": "b"}, "/job"),
        ("onshape", ENVIRON, {"document": "d", "workspace": "w", "element": "e"}, "elements"),
    ],
)  # fmt: skip
def test_a_service_that_says_secrets_back_gives_none_away(tmp_path, service, environ, of, where):
    fake = derivative_fake(**{where: [echo]})
    tape = clients.record(service, part(tmp_path), of, environ=environ, clock=FakeClock(), client=fake.client)
    text = json.dumps(tape)
    basics = [
        base64.b64encode(":".join(pair).encode()).decode()
        for pair in (list(ENVIRON.values())[2:], list(APPLICATION.values()))
    ]

    assert "(removed)" in tape["error"]["message"]
    for secret in [*SECRETS, *basics]:
        assert secret not in text


def test_what_was_opaque_stays_so_when_it_is_said_back(tmp_path):
    def said(request):
        if request.method == "GET":
            return 200, {
                "uploadKey": "very-opaque",
                "urls": [SIGNED],
                "note": "nobody knows-that-this-is-one",
            }
        return echo(request)

    fake = derivative_fake(signeds3upload=[said])
    tape = clients.record(
        "derivative", part(tmp_path), UPLOAD, environ=ENVIRON, clock=FakeClock(), client=fake.client
    )

    assert "(removed)" in tape["error"]["message"]
    assert "very-opaque" not in json.dumps(tape)
    assert "knows-that-this" not in json.dumps(tape)


def test_a_token_is_not_written_down_however_it_is_wrapped(tmp_path):
    answer = {"access_token": "given-token-0123", "wrapped": {"in": "eyJ.given-otherwise.0123"}}
    tape = record(
        "derivative",
        derivative_fake(token=[(200, answer)]),
        part(tmp_path),
        {"urn": "u"},
        environ=APPLICATION,
    )

    assert "given-otherwise" not in json.dumps(tape)
    assert tape["exchanges"][0]["response"]["body"] == "(removed)"


# Autodesk: Manufacturing Data Model


def measured(status="COMPLETED", at=("componentVersion",), **properties):
    document = {"status": status, "volume": {"displayValue": "848.945652239262"}} | properties
    for step in reversed([*at, "physicalProperties"]):
        document = {step: document}
    return {"data": document}


VERSION = {"component-version": "Y29tcH5jby5leGFtcGxl"}
GRAPHQL = "/mfg/graphql"


@pytest.mark.parametrize(
    ("kind", "path", "at"),
    [
        ("component-version", GRAPHQL, ("componentVersion",)),
        ("model", "/mfg/v3/graphql/public", ("model",)),
        ("component", "/mfg/v3/graphql/public", ("component", "primaryModel")),
    ],
)  # fmt: skip
def test_both_versions_of_the_data_model_are_asked_as_they_want(tmp_path, kind, path, at):
    fake = Fake((path, [(200, measured(at=at))]))
    found = cassettes.answer(record("mfgdm", fake, part(tmp_path), {kind: "an-id", "region": "EMEA"}))
    (request,) = fake.asked
    body = json.loads(request.content)

    assert found.document == measured(at=at)
    assert request.headers["x-ads-region"] == "EMEA"
    assert request.headers["authorization"] == f"Bearer {ENVIRON['APS_ACCESS_TOKEN']}"
    assert body["variables"] == {"id": "an-id"}
    assert "physicalProperties { ...measured }" in body["query"]


def test_the_data_model_is_asked_again_until_it_is_done(tmp_path):
    clock = FakeClock()
    answers = [
        (200, measured(status, volume=None)) for status in ("SCHEDULED", "QUEUED", "IN_PROGRESS", "PENDING")
    ]
    tape = record(
        "mfgdm", Fake((GRAPHQL, [*answers, (200, measured())])), part(tmp_path), VERSION, clock=clock
    )

    assert cassettes.answer(tape).document == measured()
    assert clock.slept == [1, 2, 4, 8]
    assert len(tape["exchanges"]) == 5


FLAKY = {
    "data": None,
    "errors": [
        {
            "message": "Requested resource not found.",
            "extensions": {"code": "NOT_FOUND", "errorType": "UNKNOWN"},
        }
    ],
}


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        ((200, measured("FAILED")), "failed", "component-version Y29tcH5jby5leGFtcGxl failed there"),
        ((200, measured("CANCELLED")), "cancelled", "was cancelled there"),
        ((200, measured("TIMEOUT")), "timeout", "took too long there"),
        ((200, measured(None)), "null-status", "the status is null"),
        ((200, measured("DONE?")), "unknown-status", "'DONE?' is not one of SCHEDULED"),
        ((200, {"data": {"componentVersion": None}, "errors": [{"message": "Cannot return null", "path": ["componentVersion", "physicalProperties", "status"]}]}), "null-status", "and with it the answer: Cannot return null"),
        ((200, {"data": {"componentVersion": None}}), "absent", "componentVersion is null, so there is nothing of that id"),
        ((200, {"data": {"componentVersion": {"physicalProperties": None}}}), "absent", "physicalProperties is null"),
        ((200, {"data": {"componentVersion": []}}), "malformed", "componentVersion should be a dict"),
        ((200, {"data": None}), "malformed", "data should be a dict"),
        ((200, {"data": None, "errors": [{"message": "depth", "extensions": None}]}), "refused", "was refused: depth; check the id"),
        ((200, FLAKY), "unavailable", "did not answer in 6 tries, at last: Requested resource not found."),
        ((200, "[]"), "malformed", "the answer should be a dict"),
        ((200, '{"data": {"comp'), "malformed", "15 characters that are not JSON"),
        ((400, {"errors": [{"message": "no such field"}]}), "refused", "HTTP 400: no such field"),
        ((401, "Unauthorized"), "refused", "HTTP 401; the credentials are not accepted"),
        ((429, {"developerMessage": "Quota limit exceeded."}, {"Retry-After": "Fri, 27 Nov 2026 13:00:00 GMT"}), "deadline", "asks to wait 3600 s more"),
        ((502, "<html>"), "unavailable", "at last: HTTP 502"),
    ],
)  # fmt: skip
def test_every_way_in_which_the_data_model_fails_is_one_clear_error(tmp_path, answer, reason, words):
    error = refused("mfgdm", Fake((GRAPHQL, [answer])), part(tmp_path), VERSION)

    assert (error.reason, words in str(error)) == (reason, True), str(error)


def test_a_failed_job_is_not_asked_again(tmp_path):
    """Asking would submit it again."""
    fake = Fake((GRAPHQL, [(200, measured("FAILED"))]))
    refused("mfgdm", fake, part(tmp_path), VERSION)

    assert len(fake.asked) == 1


def test_a_flaky_gateway_is_asked_again(tmp_path):
    fake = Fake((GRAPHQL, [(200, FLAKY), (200, FLAKY), (200, measured())]))

    assert cassettes.answer(record("mfgdm", fake, part(tmp_path), VERSION)).document == measured()


@pytest.mark.parametrize("of", [{}, {"model": "a", "component": "b"}, {"region": "US"}])
def test_the_data_model_wants_one_id(tmp_path, of):
    with pytest.raises(
        UsageError, match="say which one thing to ask for: --component-version, --model or --component"
    ):
        record("mfgdm", Fake(), part(tmp_path), of)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the vendors' examples are not here")
@pytest.mark.parametrize(
    "name",
    [
        "mfgdm_v2_response_reconstructed",
        "mfgdm_v3_response_reconstructed",
        "mfgdm_seed_query_response_INFERRED",
    ],
)
def test_the_vendors_examples_pass_through(tmp_path, name):
    document = json.loads((EXAMPLES / f"{name}.json").read_text())
    kind = "model" if "model" in document["data"] else "component-version"
    fake = Fake(("", [(200, document)]))

    assert cassettes.answer(record("mfgdm", fake, part(tmp_path), {kind: "id"})).document == document


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("mfgdm", {"SCHEDULED", "QUEUED", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"}),
        ("zoo", {*QUEUED, "completed", "failed"}),
    ],
)
def test_statuses_mean_here_what_they_mean_to_the_dialect(name, statuses):
    of, words = port.contract(name), dialects.shapes(name).contract()["status"]
    failed = [words["failed"]] if isinstance(words["failed"], str) else words["failed"]

    assert {s for s in statuses if of.state(s, "it") is port.State.PENDING} == set(words["waiting"])
    assert {s for s in statuses if of.state(s, "it") is port.State.DONE} == {words["done"]}
    assert {s for s in statuses if of.state(s, "it") in (port.State.FAILED, port.State.CANCELLED)} == set(
        failed
    )


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the vendors' examples are not here")
def test_the_vendors_example_of_a_pending_job_is_pending():
    document = json.loads((EXAMPLES / "mfgdm_pending_INFERRED.json").read_text())
    contract = port.contract("mfgdm")
    found = mfgdm.properties(port.Reply(200, {}, json.dumps(document)), ["componentVersion"], contract, "it")

    assert contract.state(found["status"], "it") is port.State.PENDING


# Autodesk: Model Derivative

URN = "dXJuOmFkc2sub2JqZWN0czpvcy5vYmplY3Q6Yi9ib3guc3RlcA"
COLLECTION = {
    "data": {
        "type": "properties",
        "collection": [
            {
                "objectid": 2,
                "name": "Model",
                "properties": {"Mass Properties": {"Volume": "25000 millimeter^3"}},
            }
        ],
    }
}
VIEWS = {
    "data": {
        "type": "metadata",
        "metadata": [
            {"name": "Sheet", "role": "2d", "guid": "g-2"},
            {"name": "Scene", "role": "3d", "guid": "g-3"},
        ],
    }
}
UPLOAD = {"upload": "yes", "bucket": "b"}


def manifest(status, **more):
    return {"type": "manifest", "status": status, "progress": "complete", "derivatives": []} | more


def derivative_fake(**change):
    answers = {
        "token": [(200, {"access_token": "given-token-0123", "token_type": "Bearer", "expires_in": 3599})],
        "buckets": [(200, {"bucketKey": "b"})],
        "signeds3upload": [lambda r: (200, {"uploadKey": "very-opaque", "urls": [SIGNED]} if r.method == "GET" else {"objectId": "urn:adsk.objects:os.object:b/box.step"})],
        "/part": [(200, "")],
        "/job": [(201, {"result": "created", "urn": URN})],
        "manifest": [(200, manifest("success"))],
        "metadata": [(200, VIEWS)],
        "properties": [(200, COLLECTION)],
    }  # fmt: skip
    return Fake(*(answers | change).items())


def test_a_translated_file_is_read(tmp_path):
    fake = derivative_fake()
    found = cassettes.answer(
        record("derivative", fake, part(tmp_path), {"urn": URN + "==", "object": "2", "region": "EMEA"})
    )

    assert found.document == COLLECTION
    assert found.options == {"object": "2"}
    base = f"GET /modelderivative/v2/designdata/{URN}"
    assert fake.paths() == [f"{base}/manifest", f"{base}/metadata", f"{base}/metadata/g-3/properties"]
    assert fake.asked[-1].url.query == b"objectid=2"
    assert {r.headers["region"] for r in fake.asked} == {"EMEA"}


def test_a_file_is_uploaded_translated_and_read(tmp_path):
    fake = derivative_fake(
        manifest=[(200, manifest("pending")), (200, manifest("inprogress")), (200, manifest("success"))]
    )
    tape = record("derivative", fake, part(tmp_path), UPLOAD | {"region": "EMEA"}, environ=APPLICATION)

    assert cassettes.answer(tape).document == COLLECTION
    key = "/oss/v2/buckets/b/objects/aaaaaaaaaaaaaaaa-box.step/signeds3upload"
    assert fake.paths()[:6] == [
        "POST /authentication/v2/token",
        "POST /oss/v2/buckets",
        f"GET {key}",
        "PUT /part",
        f"POST {key}",
        "POST /modelderivative/v2/designdata/job",
    ]
    token, bucket, _, put, end, job = fake.asked[:6]
    assert (
        token.headers["authorization"]
        == "Basic " + base64.b64encode(b"an-application:its/secret+==").decode()
    )
    assert parse_qs(token.content.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["data:read data:write data:create bucket:create bucket:read"],
    }
    assert bucket.headers["authorization"] == "Bearer given-token-0123"
    assert bucket.headers["x-ads-region"] == "EMEA"
    assert (put.content, "authorization" in put.headers, str(put.url)) == (b"ISO-10303-21;", False, SIGNED)
    assert json.loads(end.content) == {"uploadKey": "very-opaque"}
    assert json.loads(job.content)["input"] == {"urn": URN}
    shown = {
        e["request"]["url"].partition("?")[2]
        for e in tape["exchanges"]
        if "s3.example" in e["request"]["url"]
    }
    assert shown == {"(removed)"}


def test_a_bucket_that_exists_is_used(tmp_path):
    fake = derivative_fake(buckets=[(409, {"reason": "Bucket already exists"})])

    assert cassettes.answer(record("derivative", fake, part(tmp_path), UPLOAD)).document == COLLECTION


def test_extraction_is_waited_for_and_large_models_are_forced(tmp_path):
    clock = FakeClock()
    fake = derivative_fake(
        metadata=[(202, {"result": "success"}), (200, VIEWS)],
        properties=[(413, {"diagnostic": "Please use the 'forceget' parameter to force querying the data."}), (202, {"result": "success"}), (413, {}), (200, COLLECTION)],
    )  # fmt: skip

    assert (
        cassettes.answer(
            record("derivative", fake, part(tmp_path), {"urn": URN, "object": "2"}, clock=clock)
        ).document
        == COLLECTION
    )
    assert clock.slept == [1, 1]
    assert [r.url.query for r in fake.asked[-4:]] == [b"objectid=2", b"objectid=2&forceget=true"] * 2


def test_a_model_too_large_even_so_is_refused(tmp_path):
    error = refused("derivative", derivative_fake(properties=[(413, {})]), part(tmp_path), {"urn": URN})

    assert "HTTP 413; it is too large" in str(error)


BROKEN = manifest("failed", derivatives=[
    {"status": "failed", "messages": [{"type": "error", "code": "TranslationWorker-InternalFailure", "message": "Unrecoverable exit code"}, "?"]}, {"messages": None}, 7,
])  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"manifest": [(200, BROKEN)]}, "failed", "failed there: TranslationWorker-InternalFailure: Unrecoverable exit code"),
        ({"manifest": [(200, manifest("timeout", derivatives=None))]}, "timeout", "the translation of box.step took too long there"),
        ({"manifest": [(200, manifest(None))]}, "null-status", "manifest: the status is null"),
        ({"manifest": [(200, manifest("new"))]}, "unknown-status", "'new' is not one of pending, inprogress"),
        ({"manifest": [(404, {"diagnostic": "Failed to query the data."})]}, "refused", "HTTP 404: Failed to query the data."),
        ({"manifest": [(200, "[]")]}, "malformed", "the manifest should be a dict"),
        ({"manifest": [(200, manifest("inprogress"))]}, "deadline", "not done by the deadline of 600 s"),
        ({"metadata": [(200, {"data": {"metadata": [VIEWS["data"]["metadata"][0]]}})]}, "absent", "no view in three dimensions; it has Sheet (2d, g-2)"),
        ({"metadata": [(200, {"data": {"metadata": []}})]}, "absent", "it has none at all"),
        ({"metadata": [(200, {"data": {}})]}, "malformed", "data.metadata should be a list"),
        ({"properties": [(200, '{"data": {"coll')]}, "malformed", "15 characters that are not JSON"),
        ({"properties": [(503, "")]}, "unavailable", "at last: HTTP 503"),
        ({"properties": [(202, {})]}, "deadline", "Autodesk Model Derivative's properties"),
    ],
)  # fmt: skip
def test_every_way_in_which_a_translation_fails_is_one_clear_error(tmp_path, change, reason, words):
    error = refused("derivative", derivative_fake(**change), part(tmp_path), {"urn": URN})

    assert (error.reason, words in str(error)) == (reason, True), str(error)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": [(401, {"developerMessage": "its/secret+== is wrong", "errorCode": "AUTH-001"})]}, "HTTP 401: (removed) is wrong; AUTH-001"),
        ({"token": [(200, {})]}, "access_token should be a str"),
        ({"buckets": [(403, {"reason": "no"})]}, "HTTP 403: no"),
        ({"signeds3upload": [(200, {"uploadKey": "very-opaque", "urls": []})]}, "the first url should be a str"),
        ({"signeds3upload": [(200, {"urls": [SIGNED]})]}, "uploadKey should be a str"),
        ({"/part": [(403, "<Error><SignatureProvided>very-signed</SignatureProvided></Error>")]}, "https://s3.example/part?(removed) refused with HTTP 403"),
        ({"/job": [(406, {"diagnostic": "unsupported"})]}, "HTTP 406: unsupported; the service cannot do this with this kind of file"),
    ],
)  # fmt: skip
def test_an_upload_that_fails_says_where(tmp_path, change, words):
    error = refused("derivative", derivative_fake(**change), part(tmp_path), UPLOAD, environ=APPLICATION)

    assert words in str(error)


def test_views_are_chosen_and_never_guessed(tmp_path):
    two = {
        "data": {
            "metadata": [
                {"name": "A", "role": "3d", "guid": "g-a"},
                {"name": "B", "role": "3d", "guid": "g-b"},
                7,
            ]
        }
    }
    for asked in ("B", "g-b"):
        fake = derivative_fake(metadata=[(200, two)])
        record("derivative", fake, part(tmp_path), {"urn": URN, "view": asked})
        assert "g-b" in fake.paths()[-1]
    with pytest.raises(
        UsageError, match=r"2 views fit; choose with --view one of: A \(3d, g-a\), B \(3d, g-b\)"
    ):
        record("derivative", derivative_fake(metadata=[(200, two)]), part(tmp_path), {"urn": URN})
    with pytest.raises(UsageError, match="0 views fit"):
        record(
            "derivative", derivative_fake(metadata=[(200, two)]), part(tmp_path), {"urn": URN, "view": "C"}
        )


def test_an_object_may_be_named(tmp_path):
    """A name is found in the whole collection by the dialect: the service takes numbers only."""
    fake = derivative_fake()
    tape = record("derivative", fake, part(tmp_path), {"urn": URN, "object": "Model"})

    assert cassettes.answer(tape).options == {"object": "Model"}
    assert fake.asked[-1].url.query == b""


@pytest.mark.parametrize(("of", "words"), [({}, "--urn of a file"), ({"urn": "x", "upload": "yes"}, "--urn of a file"), ({"upload": "yes"}, "--upload wants --bucket")])  # fmt: skip
def test_a_translation_wants_to_know_of_what(tmp_path, of, words):
    with pytest.raises(UsageError, match=words):
        record("derivative", derivative_fake(), part(tmp_path), of)


def test_urns_are_encoded_once():
    assert encoded("urn:adsk.objects:os.object:b/box.step") == URN
    assert encoded(URN + "=") == URN


# Onshape

TAB = {"document": "d1", "workspace": "w1", "element": "e1"}
BODIES = {"bodies": {"-all-": {"hasMass": True, "volume": [0.003411385, 0.003410724, 0.003412046]}}}


def onshape_fake(kind="PARTSTUDIO", **change):
    answers = {
        "elements": [(200, [{"id": "e0", "elementType": "BLOB"}, 7, {"id": "e1", "elementType": kind}])],
        "massproperties": [(200, BODIES)],
    }
    return Fake(*(answers | change).items())


@pytest.mark.parametrize(
    ("kind", "of", "path"),
    [
        ("PARTSTUDIO", TAB, "/api/v10/partstudios/d/d1/w/w1/e/e1/massproperties?massAsGroup=true"),
        ("ASSEMBLY", TAB, "/api/v10/assemblies/d/d1/w/w1/e/e1/massproperties"),
        ("PARTSTUDIO", TAB | {"part": "J/D", "configuration": "a=1 mm"}, "/api/v10/parts/d/d1/w/w1/e/e1/partid/J%2FD/massproperties?configuration=a%3D1+mm"),
        ("ASSEMBLY", {"document": "d1", "version": "v1", "element": "e1"}, "/api/v10/assemblies/d/d1/v/v1/e/e1/massproperties"),
        ("ASSEMBLY", {"document": "https://cad.onshape.com/documents/d1/m/m1/e/e1?renderMode=0"}, "/api/v10/assemblies/d/d1/m/m1/e/e1/massproperties"),
        ("PARTSTUDIO", {"document": "https://cad.onshape.com/documents/d1/w/w1/e/e1", "part": "JHD"}, "/api/v10/parts/d/d1/w/w1/e/e1/partid/JHD/massproperties"),
    ],
)  # fmt: skip
def test_a_tab_or_a_part_is_asked_for(tmp_path, kind, of, path):
    fake = onshape_fake(kind)
    found = cassettes.answer(record("onshape", fake, part(tmp_path), of))
    basic = base64.b64encode(
        f"{ENVIRON['ONSHAPE_ACCESS_KEY']}:{ENVIRON['ONSHAPE_SECRET_KEY']}".encode()
    ).decode()

    assert found.document == BODIES
    assert str(fake.asked[-1].url) == "https://cad.onshape.com" + path
    assert len(fake.asked) == (1 if "part" in of else 2)
    assert {r.headers["authorization"] for r in fake.asked} == {f"Basic {basic}"}


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"elements": [(200, [])]}, "absent", "element e1 is not in the document; give that of one of PARTSTUDIO, ASSEMBLY"),
        ({"kind": "BLOB"}, "absent", "element e1 is a tab of type 'BLOB'"),
        ({"elements": [(200, {})]}, "malformed", "the list of tabs should be a list"),
        ({"massproperties": [(200, "null")]}, "malformed", "the answer should be a dict"),
        ({"massproperties": [(200, '{"bodies":')]}, "malformed", "10 characters that are not JSON"),
        ({"elements": [(401, {"message": "Unauthenticated API request", "status": 401})]}, "refused", "HTTP 401: Unauthenticated API request"),
        ({"massproperties": [(402, {"message": "limit"})]}, "refused", "no calls or credits left"),
        ({"massproperties": [(307, "", {"Location": "https://elsewhere.example/"})]}, "refused", "HTTP 307; look at the service's own pages"),
        ({"massproperties": [(504, "")]}, "unavailable", "at last: HTTP 504"),
        ({"massproperties": [(429, "", {"Retry-After": "700"})]}, "deadline", "asks to wait 700 s more"),
    ],
)  # fmt: skip
def test_every_way_in_which_onshape_fails_is_one_clear_error(tmp_path, change, reason, words):
    error = refused("onshape", onshape_fake(**change), part(tmp_path), TAB)

    assert (error.reason, words in str(error)) == (reason, True), str(error)


def test_a_limit_of_onshape_is_waited_for(tmp_path):
    clock = FakeClock()
    fake = onshape_fake(
        massproperties=[(429, {"message": "Too many requests."}, {"Retry-After": "33"}), (200, BODIES)]
    )

    assert cassettes.answer(record("onshape", fake, part(tmp_path), TAB, clock=clock)).document == BODIES
    assert clock.slept == [33]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ({}, "say which tab to ask for"),
        ({"document": "d1", "element": "e1"}, "one of --workspace, --version, --microversion"),
        (TAB | {"version": "v1"}, "say which tab to ask for"),
        ({"document": "d1", "workspace": "w1"}, "say which tab to ask for"),
        ({"document": "https://cad.onshape.com/documents/d1"}, "it names no tab"),
        ({"document": "https://cad.onshape.com/documents/d1/w/w1/e/e1", "element": "e2"}, "with a link leave out --element"),
        ({"document": "https://evil.example/documents/d1/w/w1/e/e1"}, "the link is to evil.example, and the keys go to https://cad.onshape.com"),
    ],
)  # fmt: skip
def test_onshape_wants_to_know_which_tab(tmp_path, of, words):
    fake = onshape_fake()
    with pytest.raises(UsageError, match=words):
        record("onshape", fake, part(tmp_path), of)
    assert fake.asked == []
