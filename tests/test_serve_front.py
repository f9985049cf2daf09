"""What stands before every dialect: who may ask and how much, ids, logs and counts, and faults on request."""

import asyncio
import json
import re
import time
from dataclasses import replace

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from massproof import dialects, server
from massproof.dialects.native import routes as native
from massproof.errors import UsageError
from massproof.operations.port import Failure, Job, Operation, Outcome, State
from massproof.serving import faults, guarding, metrics, observing, web
from massproof.serving.faults import Faults, Rule
from massproof.serving.forms import Forms, Refusal, plain
from massproof.serving.service import MEBI, Service, Settings


def client(settings, **options):
    return TestClient(server.app(settings), **options)


@pytest.fixture
def settings(tmp_path):
    return Settings(folder=tmp_path, log="none")


@pytest.fixture
def cloud(settings):
    with client(settings) as made:
        yield made


def upload(cloud, data, name="box.stl", **headers):
    return cloud.post(f"/v1/files?name={name}", content=(data / name).read_bytes(), headers=headers)


def measured(cloud, data, name="box.stl", **headers):
    """The states that a client sees of one measurement, from its submission on."""
    file = upload(cloud, data, name).json()["file"]
    asked = {"kind": "properties", "file": file, "options": {"unit": "mm"}}
    made = cloud.post("/v1/operations", json=asked).json()
    return lambda: cloud.get(f"/v1/operations/{made['id']}?wait=20", headers=headers).json()


# Rules


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("latency=2s", Rule(latency=2.0)),
        ("latency=250ms", Rule(latency=0.25)),
        ("latency=2", Rule(latency=2.0)),
        ("slow=1.5s", Rule(slow=1.5)),
        ("status=429 retry-after=7", Rule(status=429, retry_after="7")),
        ("fail=0.1", Rule(status=500, fail=0.1)),
        ("fail=0.1 status=503", Rule(status=503, fail=0.1)),
        ("fail=0.5 drop", Rule(drop=True, fail=0.5)),
        ("null-status", Rule(null_status=True)),
        ("stuck", Rule(states=(State.RUNNING,))),
        ("failed path=/file method=get times=2", Rule(states=(State.FAILED,), path="/file", method="GET", times=2)),
        ("timeout", Rule(states=(State.TIMED_OUT,))),
        ("states=queued,running,succeeded", Rule(states=(State.QUEUED, State.RUNNING, State.SUCCEEDED))),
        ("states=queued,timeout", Rule(states=(State.QUEUED, State.TIMED_OUT))),
    ],
)  # fmt: skip
def test_a_rule_is_words(text, rule):
    assert faults.rules(text) == (rule,)


def test_rules_are_separated_by_semicolons():
    assert faults.rules("latency=1s; drop ;; ") == (Rule(latency=1.0), Rule(drop=True))


@pytest.mark.parametrize(
    "text",
    ["status", "status=200", "status=x", "drop=1", "fail=2", "latency=1h", "latency=601", "times=0", "states=done", "slow=", "teapot", "retry-after=-1"],
)  # fmt: skip
def test_a_word_that_means_nothing_is_quoted(text):
    with pytest.raises(UsageError, match=re.escape(repr(text))):
        faults.rules(text)


def test_a_rule_happens_so_many_times_where_it_says():
    rules = Faults(["status=503 path=/file method=POST times=2"])
    hits = [
        len(rules.of(*asked)) for asked in [("GET", "/file"), ("POST", "/other"), *[("POST", "/file/x")] * 3]
    ]

    assert hits == [0, 0, 1, 1, 0]


def test_a_share_of_the_requests_fails_and_the_same_ones_in_every_run():
    runs = [
        [bool(rules.of("GET", "/")) for _ in range(1000)]
        for rules in (Faults(["fail=0.1"]), Faults(["fail=0.1"]))
    ]

    assert runs[0] == runs[1]
    assert 70 < sum(runs[0]) < 130  # 3 standard deviations of a binomial distribution: 9.5


def test_requests_with_equal_headers_are_one_sequence():
    rules = Faults()
    first = [len(rules.of("GET", "/", "drop times=1")) for _ in range(2)]
    second = [len(rules.of("GET", "/", "drop times=2")) for _ in range(3)]

    assert (first, second) == ([1, 0], [1, 1, 0])


def test_what_is_remembered_of_headers_has_a_bound(monkeypatch):
    monkeypatch.setattr(faults, "_REMEMBERED", 2)
    rules = Faults()
    for text in ("drop times=1", "latency=1", "latency=2"):
        rules.of("GET", "/", text)

    assert list(rules._asked) == ["latency=1", "latency=2"]


def scripted(*texts):
    """What a request with these rules is shown of an operation that has succeeded."""
    made = Operation(
        "1" * 32, Job("properties"), State.SUCCEEDED, 10.0, 11.0, 12.0, outcome=Outcome({"volume": 1})
    )
    rules = Faults(texts)

    def look():
        request = Request({"type": "http", faults.KEY: rules.of("GET", "/")})
        seen = faults.view(request, made)
        assert faults.view(request, made) == seen, "one request sees one state"
        return seen

    return made, look


def test_an_operation_goes_through_the_states_of_a_script_and_stays_at_the_last():
    made, look = scripted("states=queued,running,succeeded")
    seen = [look() for _ in range(4)]

    assert [one.state for one in seen] == [State.QUEUED, State.RUNNING, State.SUCCEEDED, State.SUCCEEDED]
    assert [one.started for one in seen] == [None, 11.0, 11.0, 11.0]
    assert [one.ended for one in seen] == [None, None, 12.0, 12.0]
    assert (seen[0].outcome, seen[3]) == (Outcome(), made)


def test_a_stuck_operation_runs_for_ever():
    _, look = scripted("latency=0s; stuck")

    assert {look().state for _ in range(5)} == {State.RUNNING}


def test_a_failed_operation_says_that_this_was_asked_for():
    _, look = scripted("timeout")

    assert look().failure == Failure("INJECTED", "this operation has timed out because a fault was asked for")
    assert look().outcome == Outcome()


def test_a_script_ends_with_its_times():
    made, look = scripted("failed times=1")

    assert (look().state, look()) == (State.FAILED, made)


def test_an_operation_that_is_not_well_yet_is_not_shown_well():
    running = Operation("1" * 32, Job("properties"), State.RUNNING, 10.0)
    request = Request({"type": "http", faults.KEY: Faults(["states=succeeded"]).of("GET", "/")})

    assert faults.view(request, running) is running
    failed = Request({"type": "http", faults.KEY: Faults(["failed"]).of("GET", "/")})
    assert faults.view(failed, running).ended == pytest.approx(time.time(), abs=60)


def test_no_rule_no_change():
    running = Operation("1" * 32, Job("properties"), State.RUNNING, 10.0)

    assert faults.view(Request({"type": "http"}), running) is running


# Faults of answers


def test_a_header_asks_for_a_status_in_the_form_of_the_service(cloud):
    refused = cloud.get("/v1/operations", headers={"X-Massproof-Fault": "status=429 retry-after=3"})
    ours = cloud.get("/elsewhere", headers={"X-Massproof-Fault": "status=402"})

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "3")
    assert refused.json() == native.error_body(Refusal(429, "429 because a fault was asked for"))
    assert ours.json() == plain(Refusal(402, "402 because a fault was asked for"))
    assert "retry-after" not in ours.headers


def test_a_header_that_asks_for_nothing_is_refused(cloud):
    refused = cloud.get("/v1/operations", headers={"X-Massproof-Fault": "teapot"})

    assert refused.status_code == 400
    assert "'teapot' is no fault" in refused.json()["error"]["message"]


def test_what_tells_of_the_server_never_fails(settings):
    with client(replace(settings, faults=("status=503",))) as cloud:
        assert [
            cloud.get(path).status_code for path in ("/healthz", "/readyz", "/metrics", "/v1/materials")
        ] == [200, 200, 200, 503]


def test_an_answer_can_be_late_and_slow(cloud):
    began = time.perf_counter()
    late = cloud.get("/v1/materials", headers={"X-Massproof-Fault": "latency=100ms; slow=200ms"})

    assert time.perf_counter() - began >= 0.3
    assert late.json() == cloud.get("/v1/materials").json()


def test_an_answer_can_be_cut(settings):
    with client(settings, raise_server_exceptions=False) as cloud:
        assert cloud.get("/v1/materials", headers={"X-Massproof-Fault": "drop"}).text == "{"


def test_every_status_of_an_answer_can_be_null(cloud):
    seen = cloud.get("/elsewhere", headers={"X-Massproof-Fault": "status=503; null-status"})
    whole = cloud.get("/no/where", headers={"X-Massproof-Fault": "null-status"})
    page = cloud.get("/", headers={"X-Massproof-Fault": "null-status"})

    assert seen.json()["status"] == 503
    assert whole.json()["status"] == 404  # a number is no state of anything
    assert page.text == cloud.get("/").text


async def _spoken(_):
    async def pieces():
        for piece in (b'{"status": "succ', b"", b'eeded", "inner": [{"status": "x", "n": 1}]}'):
            yield piece

    return StreamingResponse(pieces(), media_type="application/json", headers={"Content-Length": "58"})


def test_a_status_that_is_null_may_come_in_pieces(settings):
    app = server.app(settings)
    app.router.routes.append(Route("/spoken", _spoken))
    with TestClient(app) as cloud:
        seen = cloud.get("/spoken", headers={"X-Massproof-Fault": "null-status"})
        slow = cloud.get("/spoken", headers={"X-Massproof-Fault": "slow=10ms"})

    assert seen.json() == {"status": None, "inner": [{"status": None, "n": 1}]}
    assert slow.json()["status"] == "succeeded"


def test_a_script_is_seen_by_who_polls(cloud, data):
    look = measured(cloud, data, **{"X-Massproof-Fault": "states=queued,running,succeeded"})

    assert [look()["state"] for _ in range(4)] == ["queued", "running", "succeeded", "succeeded"]


def test_jobs_take_as_long_as_they_are_told(settings, data):
    with client(replace(settings, job_latency=0.3)) as cloud:
        began = time.perf_counter()
        assert measured(cloud, data)()["state"] == "succeeded"
        assert time.perf_counter() - began >= 0.3


def test_who_started_a_server_may_change_its_faults(settings):
    with client(replace(settings, control="s3cret")) as cloud:
        right = {"X-Massproof-Control": "s3cret"}
        told = cloud.put("/massproof/faults", json=["status=500"], headers=right)
        failing = cloud.get("/v1/materials")
        wrong = cloud.put("/massproof/faults", json=[], headers={"X-Massproof-Control": "s3creT"})
        unread = [
            cloud.put("/massproof/faults", json=rules, headers=right).status_code
            for rules in ({}, [1], ["teapot"])
        ]
        still = cloud.get("/v1/materials")
        cloud.put("/massproof/faults", json=[], headers=right)
        healed = cloud.get("/v1/materials")

    assert [one.status_code for one in (told, failing, wrong, still, healed)] == [200, 500, 403, 500, 200]
    assert unread == [400, 400, 400]


def test_without_a_secret_nobody_may(cloud):
    assert cloud.put("/massproof/faults", json=[], headers={"X-Massproof-Control": ""}).status_code == 404


def test_a_server_with_faults_that_are_none_does_not_start(settings):
    with pytest.raises(UsageError, match="'teapot' is no fault"):
        server.app(replace(settings, faults=("teapot",)))


def test_an_answer_that_is_waited_for(settings, data):
    service = Service(settings)
    job = Job("properties", (service.blobs.put((data / "box.stl").read_bytes()).digest,), {"unit": "mm"})
    first, again = (asyncio.run(service.answer(job, 20)) for _ in range(2))
    service.close()

    assert first.state is State.SUCCEEDED
    assert again == first


# Refusals


def test_an_address_that_nothing_serves_is_refused_in_the_form_of_its_service(cloud):
    assert cloud.get("/v1/nothing").json() == native.error_body(
        Refusal(404, "nothing is served at /v1/nothing")
    )
    assert cloud.put("/v1/materials").json() == native.error_body(
        Refusal(405, "PUT is not served at /v1/materials")
    )
    assert cloud.put("/v1/materials").headers["allow"] in ("GET, HEAD", "HEAD, GET")
    assert cloud.get("/nothing").json() == plain(Refusal(404, "nothing is served at /nothing"))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/file/mass", {"message": "m", "request_id": "i"}), ("/oss/v2/buckets", {"reason": "m"}), ("/authentication/v2/x", {"developerMessage": "m"}),
        ("/modelderivative/v2/x", {"diagnostic": "m"}), ("/v1/files", {"error": {"kind": "refused", "message": "m"}}), ("/x", plain(Refusal(418, "m"))),
    ],
)  # fmt: skip
def test_each_service_says_no_in_its_own_form(settings, path, body):
    forms = Forms()
    service = Service(settings)
    server._served(service, forms)
    service.close()

    assert json.loads(forms.answer({"path": path, "massproof.id": "i"}, 418, "m").body) == body


def test_a_service_is_told_by_the_first_segment():
    async def nothing(_):
        raise AssertionError

    forms = Forms()
    forms.add(
        [Route("/async/operations/{id}", nothing), Route("/{any}", nothing)], lambda refusal: [refusal.status]
    )

    assert json.loads(forms.answer({"path": "/async/other"}, 404, "").body) == [404]
    assert json.loads(forms.answer({"path": "/{any}"}, 404, "").body)["status"] == 404
    assert forms.answer({"path": "/x"}, 401, "").headers["www-authenticate"] == "Bearer"


async def _refuses(request):
    kind = request.path_params["kind"]
    if kind == "refused":
        raise web.Refused(413, "too large")
    if kind == "http":
        raise server.HTTPException(418, "short and stout")
    raise ZeroDivisionError(kind)


@pytest.fixture
def refusing(settings, capsys):
    app = server.app(settings)
    app.router.routes.append(Route("/v1/{kind}", _refuses))
    with TestClient(app) as made:
        yield made


def test_a_route_may_raise_a_refusal(refusing):
    assert (refusing.get("/v1/refused").status_code, refusing.get("/v1/refused").json()) == (
        413,
        native.error_body(Refusal(413, "too large")),
    )
    assert (refusing.get("/v1/http").status_code, refusing.get("/v1/http").json()) == (
        418,
        native.error_body(Refusal(418, "short and stout")),
    )


def test_a_mistake_of_ours_is_logged_and_not_shown(refusing, capsys):
    answer = refusing.get("/v1/mistake", headers={"X-Request-Id": "my-id.1"})
    logged = capsys.readouterr().err

    assert answer.status_code == 500
    assert answer.json() == native.error_body(
        Refusal(500, "the server made a mistake; its log says more about request my-id.1")
    )
    assert "error in request my-id.1" in logged
    assert "ZeroDivisionError: mistake" in logged


async def _breaks(_):
    async def pieces():
        yield b"half"
        raise ZeroDivisionError

    return StreamingResponse(pieces())


def test_a_mistake_in_the_middle_of_an_answer_ends_it(settings, capsys):
    app = server.app(settings)
    app.router.routes.append(Route("/breaks", _breaks))
    with TestClient(app) as cloud, pytest.raises(ZeroDivisionError):
        cloud.get("/breaks")

    assert "ZeroDivisionError" in capsys.readouterr().err


# Ids, logs, counts


def test_every_answer_has_an_id_and_no_type_is_guessed(cloud):
    given = cloud.get("/healthz", headers={"X-Request-Id": "abc-1"})
    odd = cloud.get("/healthz", headers={"X-Request-Id": 'a"; b'})

    assert given.headers["x-request-id"] == "abc-1"
    assert re.fullmatch("[0-9a-f]{16}", odd.headers["x-request-id"])
    assert given.headers.get_list("x-content-type-options") == ["nosniff"]
    assert cloud.get("/").headers.get_list("x-content-type-options") == ["nosniff"]


def test_an_error_tells_the_id_that_the_log_has(settings, capsys):
    with client(replace(settings, log="text")) as cloud:
        answer = cloud.get(
            "/async/operations/x", headers={"Authorization": "Bearer any", "X-Request-Id": "mine"}
        )

    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]
    assert capsys.readouterr().err.endswith(f" {answer.json()['request_id']}\n")


def test_a_line_of_json_for_each_request_without_secrets(settings, capsys):
    with client(replace(settings, log="json", token="s3cret")) as cloud:
        cloud.get(
            "/v1/operations/123?signature=abc",
            headers={"Authorization": "Bearer s3cret", "X-Request-Id": "one"},
        )
        cloud.get("/else%0Awhere", headers={"Authorization": "Bearer s3cret"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert lines[0] | {"time": 0, "ms": 0, "bytes": 0} == {
        "time": 0, "id": "one", "method": "GET", "path": "/v1/operations/{id}", "status": 404, "ms": 0, "bytes": 0,
    }  # fmt: skip
    assert lines[0]["time"].endswith("+00:00")
    assert lines[1]["path"] == r"/else\nwhere"
    assert "s3cret" not in str(lines) and "abc" not in str(lines)


def test_a_file_that_the_server_sends_by_itself_is_counted_unless_it_shall_be_slow(settings, capsys):
    """As Granian does where an answer is a whole file; with a fault it must come through our hands."""
    app = server.app(replace(settings, log="json"))
    kinds = []

    async def asked(fault):
        async def send(message):
            kinds.append(message["type"].rpartition(".")[2])

        headers = [(b"host", b"localhost"), *([(b"x-massproof-fault", fault)] if fault else [])]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/page/page.css",
            "query_string": b"",
            "headers": headers,
        }
        await app(scope | {"extensions": {"http.response.pathsend": {}}}, asyncio.Event().wait, send)

    asyncio.run(asked(b""))
    asyncio.run(asked(b"slow=10ms"))
    sizes = [json.loads(line)["bytes"] for line in capsys.readouterr().err.splitlines()]

    assert kinds[:2] == ["start", "pathsend"]
    assert "pathsend" not in kinds[2:]
    assert sizes[0] == sizes[1] > 1000


def test_a_line_of_text_for_each_request(settings, capsys):
    with client(replace(settings, log="text")) as cloud:
        cloud.get("/healthz", headers={"X-Request-Id": "one"})

    assert re.fullmatch(r"GET /healthz 200 \d+\.\d ms \d+ B one\n", capsys.readouterr().err)


def test_a_log_that_is_none(settings):
    with pytest.raises(UsageError, match="a log is json, text, none, not 'xml'"):
        server.app(replace(settings, log="xml"))


def test_what_the_server_has_done_is_counted(cloud, data):
    measured(cloud, data)()
    cloud.get("/nothing")
    cloud.request("BREW", "/nothing")
    text = cloud.get("/metrics").text
    found = dict(
        re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", re.sub(r'worker="\d+"', 'worker="1"', text), re.MULTILINE)
    )

    assert found['massproof_requests_total{method="POST",route="/v1/files",status="201",worker="1"}'] == "1"
    assert found['massproof_requests_total{method="GET",route="unmatched",status="404",worker="1"}'] == "1"
    assert found['massproof_requests_total{method="other",route="unmatched",status="404",worker="1"}'] == "1"
    assert found['massproof_operations{kind="properties",state="succeeded"}'] == "1"
    assert found["massproof_queue_length"] == "0"
    assert found["massproof_blobs"] == "1"
    assert int(found["massproof_blobs_bytes"]) == (data / "box.stl").stat().st_size


def test_buckets_of_latency_are_cumulative(settings):
    service, counts = Service(settings), metrics.Metrics()
    for seconds in (0.0005, 0.003, 0.004, 99.0):
        counts.request("GET", '/a"b', 200, seconds, 10)
    text = counts.text(service)
    buckets = [
        int(n)
        for n in re.findall(
            r'massproof_request_seconds_bucket\{route="/a\\"b".*\} (\d+)$', text, re.MULTILINE
        )
    ]
    service.close()

    assert buckets == [1, 1, 3, *[3] * 11, 4]
    assert re.search(r"request_seconds_sum\{.*\} 99.0075\n", text)
    assert re.search(r"sent_bytes_total\{.*\} 40\n", text)


def test_what_is_stored_is_counted_now_and_then(settings, monkeypatch):
    service, counts = Service(settings), metrics.Metrics()
    before = counts.text(service)
    service.blobs.put(b"abc")
    soon = counts.text(service)
    monkeypatch.setattr(metrics, "_STALE", 0.0)
    late = counts.text(service)
    service.close()

    assert ["massproof_blobs 0\n" in text for text in (before, soon, late)] == [True, True, False]


def test_prometheus_reads_what_is_counted(cloud):
    parser = pytest.importorskip("prometheus_client.parser")
    cloud.get("/healthz")
    families = {
        family.name: family.type
        for family in parser.text_string_to_metric_families(cloud.get("/metrics").text)
    }

    assert families["massproof_requests"] == "counter"
    assert families["massproof_request_seconds"] == "histogram"


# Who may ask


def test_a_token_is_wanted_everywhere_but_where_it_says_no_more_than_that_it_lives(settings):
    with client(replace(settings, token="s3cret")) as cloud:
        open = [cloud.get(path).status_code for path in ("/healthz", "/", "/page/page.js", "/page/none")]
        shut = [
            cloud.get(path).status_code
            for path in ("/readyz", "/metrics", "/v1/operations", "/nothing", "/pages")
        ]
        refused = cloud.get("/v1/operations")

    assert (open, shut) == ([200, 200, 200, 404], [401] * 5)
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["error"]["kind"] == "refused"


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ("Bearer s3cret", 200), ("bearer s3cret", 200), ("Bearer s3cre", 401), ("Bearer", 401), ("s3cret", 401),
        ("Basic a2V5OnMzY3JldA==", 200), ("Basic czNjcmV0Og==", 200), ("Basic eA==", 401), ("Basic \xe4", 401), ("Digest s3cret", 401),
    ],
)  # fmt: skip
def test_how_a_token_is_shown(settings, shown, status):
    """As Bearer, or as either half of Basic, as clients with a key and a secret send."""
    with client(replace(settings, token="s3cret")) as cloud:
        assert (
            cloud.get("/v1/operations", headers={"Authorization": shown.encode("latin-1")}).status_code
            == status
        )


def test_a_signed_address_needs_no_token_and_another_does(settings):
    app = server.app(replace(settings, token="s3cret"))
    signer = app.state.service.signer
    with TestClient(app) as cloud:
        good = signer.signed("/v1/materials", 60)
        statuses = [
            cloud.get(good).status_code,
            cloud.head(good).status_code,
            cloud.delete(good).status_code,
            cloud.get(good[:-1] + ("0" if good[-1] != "0" else "1")).status_code,
            cloud.get(signer.signed("/v1/materials", -1)).status_code,
            cloud.get(good.replace("materials", "operations")).status_code,
        ]

    assert statuses == [200, 200, 401, 401, 401, 401]


def test_a_token_that_was_sold_opens_the_other_services_until_it_is_revoked(settings):
    app = server.app(replace(settings, token="s3cret"))
    with TestClient(app) as cloud:
        asked = {"grant_type": "client_credentials", "scope": "data:read"}
        refused = cloud.post("/authentication/v2/token", data=asked, auth=("me", "wrong"))
        sold = cloud.post("/authentication/v2/token", data=asked, auth=("me", "s3cret")).json()[
            "access_token"
        ]
        shown = {"Authorization": f"Bearer {sold}"}
        before = [
            cloud.get("/v1/operations", headers=shown).status_code,
            cloud.post("/mfg/graphql", headers=shown, json={"query": "{__typename}"}).status_code,
        ]
        forged = cloud.get("/v1/operations", headers={"Authorization": f"Bearer {sold[:-1]}"})
        cloud.post("/authentication/v2/revoke", data={"token": sold}, auth=("me", "s3cret"))
        after = cloud.get("/v1/operations", headers=shown)

    assert (refused.status_code, before, forged.status_code, after.status_code) == (401, [200, 200], 401, 401)


@pytest.mark.parametrize(
    ("options", "host", "status"),
    [
        ({}, "127.0.0.1:1234", 200), ({}, "localhost", 200), ({}, "LOCALHOST:80", 200), ({}, "[::1]:1234", 200),
        ({}, "evil.example", 421), ({}, "127.0.0.1.evil.example:1234", 421), ({}, "", 421), ({"names": ("cad.local",)}, "cad.local:1", 200),
        ({"host": "::"}, "[::]:1", 200), ({"host": "192.0.2.1", "token": "t"}, "any.example", 200),
        ({"host": "192.0.2.1", "token": "t", "names": ("cad.local",)}, "any.example", 421),
    ],
)  # fmt: skip
def test_a_server_answers_to_its_own_names(settings, options, host, status):
    with client(replace(settings, **options)) as cloud:
        assert cloud.get("/healthz", headers={"Host": host}).status_code == status


def test_a_request_has_one_host(settings):
    sent = []

    async def send(message):
        sent.append(message)

    async def twice():
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/healthz",
            "query_string": b"",
            "headers": [(b"host", b"localhost")] * 2,
        }
        await server.app(settings)(scope, None, send)

    asyncio.run(twice())

    assert sent[0]["status"] == 400
    assert b"this one has 2" in sent[1]["body"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://127.0.0.1", 200), ("https://127.0.0.1", 200), ("http://127.0.0.1:3000", 403), ("http://evil.example", 403), ("null", 403), ("", 403)],
)  # fmt: skip
def test_pages_of_others_are_refused(cloud, origin, status):
    assert cloud.get("/v1/materials", headers={"Origin": origin}).status_code == status


def test_no_answer_lets_other_pages_read_it(cloud):
    answer = cloud.get("/v1/materials", headers={"Origin": "http://127.0.0.1"})

    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_an_address_has_a_length(cloud):
    assert cloud.get("/v1/materials?" + "a" * 9000).status_code == 414


# How much


def test_a_body_that_is_declared_too_large_is_not_read(settings):
    with client(replace(settings, upload_limit=1000)) as cloud:
        assert cloud.post("/v1/files", content=b"a" * 1001).status_code == 413
        assert cloud.post("/v1/files", content=b"a" * 1000).status_code == 201
        assert cloud.post("/elsewhere", content=b"a" * (1000 + MEBI + 1)).status_code == 413


def test_a_body_that_turns_out_too_large_is_dropped(settings):
    with client(replace(settings, upload_limit=MEBI)) as cloud:
        assert cloud.post("/v1/files", content=(b"a" * 65536 for _ in range(17))).status_code == 413
        assert cloud.post("/v1/files", content=(b"a" * 65536 for _ in range(40))).status_code == 413
        assert list((settings.folder / "blobs" / "new").iterdir()) == []
        assert cloud.post("/v1/files", content=(b"a" * 65536 for _ in range(16))).json()["size"] == MEBI


def test_a_disk_that_is_full_is_said(cloud, monkeypatch):
    monkeypatch.setattr(guarding, "_SPARE", 1 << 60)
    refused = cloud.post("/v1/files", content=(b"a" for _ in range(2)))

    assert refused.status_code == 507
    assert "bytes are free" in refused.json()["error"]["message"]


def test_so_many_files_are_received_at_once(settings):
    async def both():
        going, done = asyncio.Event(), asyncio.Event()

        async def body():
            yield b"a"
            going.set()
            await done.wait()

        transport = httpx.ASGITransport(server.app(replace(settings, uploads=1)))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as cloud:
            first = asyncio.create_task(cloud.post("/v1/files", content=body()))
            await going.wait()
            refused = await cloud.post("/v1/files", content=b"a" * (MEBI + 1))
            small = await cloud.post("/v1/files", content=b"a")
            done.set()
            return refused, small, await first, await cloud.post("/v1/files", content=b"a" * (MEBI + 1))

    refused, *others = asyncio.run(both())

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert [one.status_code for one in others] == [201, 201, 201]


def body_of(messages, headers=(), **options):
    """A body of these messages, and a service whose settings are these."""

    class OfService:
        settings = Settings(folder=None, **options)

    waiting = iter(messages)

    async def receive():
        message = next(waiting)
        if isinstance(message, (int, float)):
            await asyncio.sleep(message)
            return await receive()
        return message

    return guarding.Body(receive, guarding.Headers(dict(headers)), OfService())


def piece(content, more=True):
    return {"type": "http.request", "body": content, "more_body": more}


async def read(body):
    while (await body()).get("more_body"):
        pass


@pytest.mark.parametrize(
    ("messages", "status", "message"),
    [
        ([piece(b"a"), 0.2], 408, "no byte of the body came for 0.1 s"),
        ([piece(b"a" * 2048), piece(b"a" * MEBI)], 413, "exceeded maximum size"),
    ],
    ids=["stalls", "too large"],
)
def test_a_body_that_is_not_as_it_should_be(messages, status, message):
    body = body_of(messages, {"transfer-encoding": "chunked"}, idle_seconds=0.1, upload_limit=1024)
    with pytest.raises(web.Refused, match=message) as error:
        asyncio.run(read(body))

    assert error.value.status == status


def test_a_body_that_trickles_is_refused(monkeypatch):
    monkeypatch.setattr(guarding, "_GRACE", 0.05)
    body = body_of([0.06, piece(b"a")], {"content-length": "100"})
    with pytest.raises(web.Refused, match="1 bytes of the body came in 0 s: too slow"):
        asyncio.run(read(body))


def test_who_waits_for_the_end_of_a_connection_is_not_refused():
    """Only a body has to come: what follows it may take as long as it likes."""
    body = body_of(
        [piece(b"a", more=False), 0.2, {"type": "http.disconnect"}], {"content-length": "1"}, idle_seconds=0.1
    )

    async def both():
        await read(body)
        return await body()

    assert asyncio.run(both()) == {"type": "http.disconnect"}


@pytest.mark.parametrize("text", ["", "-1", "1_0", "x", "٣", "9" * 20])
def test_a_length_that_is_none_counts_as_none(text):
    assert guarding._length({"content-length": text}) == 0


# Bodies


def request_of(*pieces, **headers):
    messages = [piece(content) for content in pieces] + [piece(b"", more=False)]
    waiting = iter(messages)

    async def receive():
        return next(waiting)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "no JSON"), (b"[NaN]", 400, "NaN is no number there"), (b"\xff", 400, "no JSON"),
        (b"[" * 65 + b"]" * 65, 400, "nested more than 64 deep"), (b"[" * 500_000, 400, "nested too deeply"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, 400, "nested more than 64 deep"), (b" " * (MEBI + 1), 413, "maximum size of 1048576 bytes"),
        (b"9" * 5000, 400, "no JSON"), (b'["\\ud800"]', 400, "no JSON"), (b"[1e999]", 400, "no number there"),
    ],
    ids=["cut", "NaN", "no text", "deep", "very deep", "deep objects", "large", "digits", "half a character", "overflow"],
)  # fmt: skip
def test_json_that_is_refused(body, status, message):
    with pytest.raises(web.Refused, match=message) as error:
        asyncio.run(web.json_body(request_of(body)))

    assert error.value.status == status


def test_json_comes_in_pieces():
    assert asyncio.run(web.json_body(request_of(b'{"a": [1,', b' {"b": null}]}'))) == {"a": [1, {"b": None}]}
    assert asyncio.run(web.json_body(request_of(b"[" * 64 + b"]" * 64)))
    assert asyncio.run(web.json_body(request_of(b"1.5"))) == 1.5


def test_a_body_that_breaks_off(settings):
    async def receive():
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(web.Refused, match="broke off before its end") as error:
        asyncio.run(web.json_body(request))

    assert error.value.status == 400


def test_a_disk_that_fails_is_said(cloud, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("massproof.blobs.Writer.write", full)

    assert cloud.post("/v1/files", content=b"abc").status_code == 507


def test_words_of_queries():
    assert [web.flag(text) for text in (None, "", "true", "1", "YES", "no")] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    assert [web.given(text) for text in (None, "", "undefined", "x")] == [None, None, None, "x"]


@pytest.mark.parametrize("largest", [0, 1 << 16])
def test_a_result_that_is_polled_is_the_same_text(cloud, data, monkeypatch, largest):
    monkeypatch.setattr(native, "_TEXTS", {})
    monkeypatch.setattr(native, "_MOST", 1)
    monkeypatch.setattr(native, "_LARGEST", largest)
    looks = [measured(cloud, data, name) for name in ("box.stl", "open_box.stl", "box.stl")]
    first, second, again, same = looks[0](), looks[1](), looks[2](), looks[2]()

    assert first == again == same
    assert first["result"] != second["result"]
    assert len(native._TEXTS) == (largest > 0)


def test_a_result_is_read_once_and_told_under_any_name(settings, data, monkeypatch):
    from massproof.serving import service as serving

    monkeypatch.setattr(serving, "_READ", {})
    monkeypatch.setattr(serving, "_MOST", 1)
    service = Service(settings)
    jobs = [
        Job("properties", (service.blobs.put((data / name).read_bytes()).digest,), {"unit": "mm"})
        for name in ("box.stl", "open_box.stl")
    ]
    first, second = (asyncio.run(service.answer(job, 20)) for job in jobs)
    service.close()
    names = [
        serving.measured(one, name).source.name for one, name in ((first, "a"), (first, "b"), (second, "c"))
    ]

    assert names == ["a", "b", "c"]
    assert list(serving._READ) == [(second.id, second.ended)]


def test_what_an_open_path_asks_itself(settings):
    """`authorized` is for paths that are open to all, as those that sell tokens."""
    service = Service(replace(settings, token="s3cret"))
    seen = [web.authorized(request_of(authorization=text), service) for text in ("", "Bearer s3cret")]
    service.close()

    assert seen == [False, True]
    assert web.authorized(request_of(), server.app(settings).state.service)


def test_a_bearer_token_of_a_request():
    assert [web.bearer(request_of(authorization=text)) for text in ("Bearer  a ", "Basic a", "")] == [
        "a",
        "",
        "",
    ]


def test_slashes_that_are_repeated_are_one(cloud):
    assert cloud.get("/v1///materials").status_code == 200


def test_every_dialect_has_an_address_to_tell():
    assert set(dialects.SERVED) <= set(dialects.ADDRESSES)


def test_what_is_no_request_passes(settings):
    """A lifespan, which Starlette answers, and a websocket, which nothing here speaks."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    forms = Forms()
    service = Service(settings)
    from massproof.serving.failing import Failing

    for made in (
        observing.Observing(app, forms, metrics.Metrics(), "none"),
        guarding.Guarding(app, service, forms),
        Failing(app, Faults(), forms),
    ):
        asyncio.run(made({"type": "websocket", "path": "/"}, None, None))
    service.close()

    assert seen == ["websocket"] * 3
