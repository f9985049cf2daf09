"""What all clients of remote services share: waiting, trying again, and writing down without secrets."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import httpx
import pytest
from fakes import ENVIRON, START, Fake, FakeClock, part
from hypothesis import given
from hypothesis import strategies as st

from massproof import cassettes, clients
from massproof.clients import port, waiting
from massproof.clients.line import Line
from massproof.clients.port import Part, Reply, Request, State
from massproof.clients.session import Login, find_login, open_session
from massproof.clients.tape import REMOVED, Tape
from massproof.clients.waiting import Patience, SystemClock, retry_after, seconds
from massproof.clients.wire import Wire
from massproof.errors import FormatError, InputError, MissingCredential, MissingExtra, RemoteError, UsageError

HOST = "https://service.example"


def line(fake, deadline=600.0, clock=None):
    clock = clock or FakeClock()
    tape = Tape(HOST, ["a-long-secret"], clock)
    wire = Wire(HOST, {"authorization": "Bearer a-long-secret"}, fake.client)
    return Line("Service", wire, Patience(deadline, clock), tape), tape, clock


def test_pauses_double_up_to_a_limit_and_half_of_each_is_chance():
    for chance, share in [(0.0, 0.5), (1.0, 1.0)]:
        clock = FakeClock(chance)
        patience = Patience(600.0, clock)
        for turn in range(8):
            patience.pause(turn, "it")

        assert clock.slept == [share * s for s in (1, 2, 4, 8, 16, 30, 30, 30)]


@given(st.integers(0, 100_000), st.floats(0, 1))
def test_no_pause_is_longer_than_the_limit_however_late(turn, chance):
    clock = FakeClock(chance)
    Patience(600.0, clock).pause(turn, "it")

    assert 0.5 <= clock.slept[0] <= 30


def test_a_pause_that_would_pass_the_deadline_is_an_error_at_once():
    clock = FakeClock()
    patience = Patience(10.0, clock)

    with pytest.raises(RemoteError, match="deadline of 10 s; the service asks to wait 3600 s more") as raised:
        patience.pause(0, "it", 3600.0)
    assert raised.value.reason == "deadline"
    assert clock.slept == []
    clock.sleep(10.0)
    with pytest.raises(RemoteError, match=r"it: not done by the deadline of 10 s; give more time"):
        patience.for_request("it")


def test_one_request_takes_what_is_left_and_five_minutes_at_most():
    clock = FakeClock()
    patience = Patience(1000.0, clock)
    assert patience.for_request("it") == 300.0
    clock.sleep(900.0)
    assert patience.for_request("it") == 100.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Fri, 27 Nov 2026 12:01:30 GMT", 90.0),
        ("Fri, 27 Nov 2026 12:01:30 -0000", 90.0),  # no zone is known: UTC
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0),  # over already
        ("soon", None),
        ("-5", None),
        ("Fri, 99 Nov 2026 12:01:30 GMT", None),
        ("Fri, 27 Nov 99999999999999999999 12:01:30 GMT", None),
        ("Fri, 27 Nov 2026 12:01:30 +9999999999999999999999", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header, expected):
    assert retry_after(header, START) == expected


@given(st.text())
def test_no_text_of_retry_after_is_a_crash(text):
    found = retry_after(text, START)

    assert found is None or found >= 0


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("10m", 600), ("10 min", 600), ("1.5h", 5400), (".5s", 0.5)])  # fmt: skip
def test_deadlines_are_lengths_of_time(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "m", "0", "-1s", "10d", "1000h", "1e3", "nan"])
def test_other_deadlines_are_refused(text):
    with pytest.raises(UsageError, match="write it like 90s, 10m or 1h"):
        seconds(text)


def test_the_clock_of_the_system_goes_forward():
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.0)

    assert clock.now() >= before
    assert abs((clock.today() - datetime.now(UTC)).total_seconds()) < 60
    assert 0 <= clock.chance() < 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again(status):
    fake = Fake(("/x", [(status, "<html>"), (status, "<html>"), (200, {"a": 1})]))
    conversation, tape, clock = line(fake)
    number, reply = conversation.send(Request("GET", HOST + "/x"))

    assert reply.json("it") == {"a": 1}
    assert clock.slept == [1, 2]
    assert number == 1
    assert tape.body(0) == "<html>"
    assert tape.cassette("zoo", None)["exchanges"][0]["times"] == 2


@pytest.mark.parametrize("header", ["45", "Fri, 27 Nov 2026 12:00:45 GMT"])
def test_retry_after_is_honoured(header):
    fake = Fake(("/x", [(429, {}, {"Retry-After": header}), (200, {})]))
    conversation, _, clock = line(fake)
    conversation.send(Request("GET", HOST + "/x"))

    assert clock.slept == [45]


def test_a_service_that_asks_for_less_than_our_own_pause_gets_that():
    fake = Fake(("/x", [(429, {}), (429, {}), (429, {}, {"Retry-After": "1"}), (200, {})]))
    conversation, _, clock = line(fake)
    conversation.send(Request("GET", HOST + "/x"))

    assert clock.slept == [1, 2, 4]


def test_a_retry_after_beyond_the_deadline_ends_it_now():
    conversation, _, clock = line(Fake(("/x", [(503, "", {"Retry-After": "900"})])))

    with pytest.raises(
        RemoteError, match=r"at last: HTTP 503: not done by the deadline .* asks to wait 900 s more"
    ):
        conversation.send(Request("GET", HOST + "/x"))
    assert clock.slept == []


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("peer closed connection without sending complete message body"), httpx.ReadError("")],
    ids=["refused", "slow", "cut short", "reset"],
)  # fmt: skip
def test_connections_that_fail_are_tried_again_and_not_for_ever(failure):
    conversation, _, _ = line(Fake(("/x", [failure, failure, (200, {})])))
    assert conversation.send(Request("GET", HOST + "/x"))[1].status == 200

    fake = Fake(("/x", [failure]))
    conversation, _, clock = line(fake)
    with pytest.raises(
        RemoteError, match=rf"did not answer in 6 tries, at last: {type(failure).__name__}"
    ) as raised:
        conversation.send(Request("GET", HOST + "/x"))
    assert raised.value.reason == "unavailable"
    assert len(fake.asked) == 6
    assert clock.slept == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 406, 409, 413, 422, 500, 301])
def test_a_refusal_is_final(status):
    fake = Fake(
        (
            "/x",
            [
                (
                    status,
                    {
                        "message": "no a-long-secret here",
                        "error_code": 7,
                        "errors": [{"message": "nor there"}],
                    },
                )
            ],
        )
    )
    conversation, tape, _ = line(fake)

    with pytest.raises(
        RemoteError, match=rf"refused with HTTP {status}: no \(removed\) here; nor there; "
    ) as raised:
        conversation.send(Request("GET", HOST + "/x"))
    assert raised.value.reason == "refused"
    assert len(fake.asked) == 1
    assert tape.cassette("zoo", None)["exchanges"][0]["response"]["status"] == status


@pytest.mark.parametrize("body", ["<html>", "[1]", '"x"', ""])
def test_a_refusal_without_words_says_what_to_do(body):
    conversation, _, _ = line(Fake(("/x", [(401, body)])))

    with pytest.raises(RemoteError, match="refused with HTTP 401; the credentials are not accepted"):
        conversation.send(Request("GET", HOST + "/x"))


def test_a_fault_that_only_the_client_can_tell_is_tried_again_too():
    conversation, _, clock = line(Fake(("/x", [(200, {"flaky": 1}), (200, {})])))
    conversation.send(
        Request("GET", HOST + "/x"), again=lambda reply: "flaky" if "flaky" in reply.text else ""
    )

    assert clock.slept == [1]


def test_the_secret_goes_to_the_services_own_host_only():
    fake = Fake(("/x", [(200, {})]))
    conversation, _, _ = line(fake)
    for url in (HOST + "/x", "https://elsewhere.example/x", HOST + ".evil.example/x"):
        conversation.send(Request("GET", url))

    assert ["authorization" in r.headers for r in fake.asked] == [True, False, False]


@pytest.mark.parametrize("text", ['{"a": 1', "", "<html>", '{"a": NaN}', "Infinity"])
def test_text_that_is_no_json_is_malformed(text):
    with pytest.raises(RemoteError, match=r"it answered 200 with .* characters that are not JSON") as raised:
        Reply(200, {}, text).json("it")
    assert raised.value.reason == "malformed"


def test_waiting_ends_when_the_job_does():
    conversation, _, clock = line(Fake())
    states = iter([State.PENDING, State.PENDING, State.DONE])

    assert conversation.wait("it", lambda: (next(states), "", "brought")) == "brought"
    assert clock.slept == [1, 2]


@pytest.mark.parametrize(("state", "words"), [(State.FAILED, r"failed there: because \(removed\);"), (State.CANCELLED, "was cancelled there"), (State.TIMEOUT, "took too long there")])  # fmt: skip
def test_a_job_that_ends_badly_is_one_clear_error(state, words):
    conversation, _, _ = line(Fake())

    with pytest.raises(RemoteError, match=words) as raised:
        conversation.wait(
            "it", lambda: (state, "because a-long-secret" if state is State.FAILED else "", None)
        )
    assert raised.value.reason == state.value


def test_a_job_that_never_ends_is_left_at_the_deadline():
    conversation, _, clock = line(Fake(), deadline=60.0)

    with pytest.raises(RemoteError, match="it: not done by the deadline of 60 s") as raised:
        conversation.wait("it", lambda: (State.PENDING, "", None))
    assert raised.value.reason == "deadline"
    assert clock.slept == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("name", clients.NAMES)
def test_contracts_are_whole(name):
    """Each status of a contract means something; each has an address, credentials, and an end that is good."""
    contract = port.contract(name)

    assert contract["service"]["host"].startswith("https://")
    assert all(way["kind"] in ("bearer", "basic", "client") for way in contract["credentials"])
    states = {State(meaning) for meaning in contract.tables.get("statuses", {"": "done"}).values()}
    assert State.DONE in states


def test_a_status_that_nobody_knows_is_no_status_to_wait_on():
    contract = port.contract("zoo")

    assert contract.state("in_progress", "it") is State.PENDING
    for status, words, reason in [
        (None, "the status is null", "null-status"),
        ("melted", "'melted' is not one of queued, uploaded", "unknown-status"),
        (["completed"], "is not one of", "unknown-status"),
    ]:
        with pytest.raises(RemoteError, match=words) as raised:
            contract.state(status, "it")
        assert raised.value.reason == reason


# Secrets


SECRET = 'pass"wörd/+ 12345'
words = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words | st.builds(
    lambda before, form, after: before + form + after,
    words,
    st.sampled_from([SECRET, quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode(), f"https://{SECRET}@x.example/?a=b", f"https://other.example/?Signature={SECRET}"]),
    words,
)  # fmt: skip
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.just(SECRET) | st.just("signedUrl"), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(documents)
def test_no_secret_survives_wherever_it_stands(document):
    tape = Tape(HOST, [SECRET], FakeClock())
    text = json.dumps(document)
    tape.record(
        Request("POST", f"{HOST}/x?token={quote(SECRET)}", {"Authorization": SECRET}, document),
        Reply(200, {"Set-Cookie": SECRET}, text),
    )
    found = json.dumps(
        tape.cassette("zoo", None, of={"urn": SECRET}, error={"message": f"!{SECRET}!"}), ensure_ascii=False
    )

    for form in (
        SECRET,
        json.dumps(SECRET)[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
    ):
        assert form not in found


def test_every_form_of_a_secret_is_known():
    tape = Tape(HOST, [SECRET], FakeClock())
    encoded = base64.b64encode(SECRET.encode()).decode()

    for form in (
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        encoded,
        encoded.rstrip("="),
        json.dumps(SECRET)[1:-1],
    ):
        assert tape.clean({"a": [f"-{form}-"]}) == {"a": [f"-{REMOVED}-"]}


def test_a_secret_that_begins_with_another_leaves_no_end_behind():
    tape = Tape(HOST, ["the-first", "the-first-and-more"], FakeClock())

    assert tape.text("the-first-and-more") == REMOVED


def test_what_is_a_secret_later_was_one_before():
    tape = Tape(HOST, [], FakeClock())
    tape.record(Request("GET", HOST), Reply(200, {}, '{"a": "a-late-secret"}'))
    tape.hide("a-late-secret")

    assert tape.cassette("zoo", None)["exchanges"][0]["response"]["body"] == {"a": REMOVED}


@given(documents)
def test_cleaning_twice_is_cleaning_once(document):
    tape = Tape(HOST, [SECRET], FakeClock())

    assert tape.clean(tape.clean(document)) == tape.clean(document)


def test_what_is_no_secret_is_kept():
    """Numbers digit by digit, keys in their order, the query of the service's own address."""
    tape = Tape(HOST, [SECRET], FakeClock())
    body = {
        "volume": 1.0375403388552853e-07,
        "n": 10,
        "none": None,
        "urn": "urn:adsk.objects:os.object:b/x",
        "list": ["a", 1.5, True],
    }
    tape.record(
        Request("GET", f"{HOST}/x?output_unit=cm3&src_format=step#f"),
        Reply(200, {"Date": "now", "X-Other": "1"}, json.dumps(body)),
    )
    (exchange,) = tape.cassette("zoo", None)["exchanges"]

    assert tape.body(0) == body
    assert exchange["request"]["url"] == f"{HOST}/x?output_unit=cm3&src_format=step"
    assert exchange["response"]["headers"] == {"date": "now"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://bucket.s3.example/key?X-Amz-Signature=abc&X-Amz-Credential=def", f"https://bucket.s3.example/key?{REMOVED}"),
        (f"{HOST}/x?a=1&access_token=abc&b=2", f"{HOST}/x?a=1&access_token={REMOVED}&b=2"),
        (f"{HOST}/x?sig=abc", f"{HOST}/x?sig=abc"),
        ("https://me:pw@service.example/x?a=1", "https://service.example/x?a=1"),
        ("https://[broken", REMOVED),
    ],
)  # fmt: skip
def test_addresses_lose_what_signs_them(url, shown):
    tape = Tape(HOST, [], FakeClock())

    assert tape.address(url) == shown
    assert tape.clean({"a": f"see {url}"}) == {"a": f"see {shown}"}


def test_an_answer_that_is_one_secret_is_not_written_down():
    tape = Tape(HOST, [], FakeClock())
    tape.record(Request("GET", HOST, secret=True), Reply(200, {}, '{"key": "value"}'))

    assert tape.body(0) == REMOVED


# Cassettes


def cassette(**change):
    whole = {
        "massproof_cassette": "1", "massproof": "0", "recorded": "2026-11-27T12:00:00+00:00", "dialect": "zoo", "file": {}, "options": {},
        "exchanges": [{"response": {"body": 1}}, {"response": {"body": {"a": 2}}}], "answer": [0, 1], "error": None,
    }  # fmt: skip
    return whole | change


def test_a_cassette_gives_one_answer_or_several():
    assert cassettes.answer(cassette()).document == [1, {"a": 2}]
    assert cassettes.answer(cassette(answer=1)).document == {"a": 2}
    assert cassettes.sniff(cassette())
    assert not cassettes.sniff({"data": 1})
    assert not cassettes.sniff([cassette()])


def test_a_recorded_error_is_raised_again():
    with pytest.raises(RemoteError, match="no luck") as raised:
        cassettes.answer(cassette(error={"reason": "failed", "message": "no luck"}))
    assert raised.value.reason == "failed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"massproof_cassette": "2"}, 'of version "2", and "1" is read'),
        ({"answer": 2}, "exchange 2, and it has no such exchange"),
        ({"answer": True}, "exchange true"),
        ({"answer": None}, "exchange null"),
        ({"answer": [-1]}, "exchange -1"),
        ({"exchanges": None, "answer": 0}, "no such exchange"),
        ({"exchanges": [1], "answer": 0}, "exchange 0 has no response"),
        ({"exchanges": [{"response": {}}], "answer": 0}, "exchange 0 has no response with a body"),
        ({"dialect": 3}, "its dialect is 3"),
        ({"options": []}, r"its options is \[\]"),
        ({"options": {"dialect": "zoo"}}, "its option .dialect. is nothing that zoo knows"),
        ({"options": {"object": "1"}}, "its option .object. is nothing that zoo knows"),
        ({"dialect": "fusion"}, "its dialect is .fusion., which is none of mfgdm"),
        ({"dialect": "native"}, "its dialect is .native., which is none of mfgdm"),
    ],
)  # fmt: skip
def test_a_malformed_cassette_is_refused(change, words):
    with pytest.raises(FormatError, match=words):
        cassettes.answer(cassette(**change))


def test_the_result_of_a_cassette_is_what_its_dialect_reads():
    answer = {
        "id": "1",
        "created_at": "",
        "status": "completed",
        "src_format": "stl",
        "output_unit": "cm3",
        "volume": 2.0,
    }
    found = cassettes.result(cassette(exchanges=[{"response": {"body": answer}}], answer=[0]))

    assert found.volume.to("cm^3").value == 2.0
    assert found.source.format == "zoo"


def test_an_option_that_the_dialect_knows_is_kept():
    options = {"object": "2"}

    assert cassettes.answer(cassette() | {"dialect": "derivative", "options": options}).options == options


def test_cassettes_are_files(tmp_path):
    path = tmp_path / "c.json"
    cassettes.save(cassette(), path)

    assert cassettes.load(path) == cassette()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as editors of Windows begin a file
    assert cassettes.load(path) == cassette()
    halves = cassette() | {"note": "half a pair \ud800, and a whole one 😀"}
    cassettes.save(halves, path)
    assert cassettes.load(path) == halves
    for content, words in [
        (b"\xff", "byte 0 is not UTF-8"),
        (b"{", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b"{}", 'it has no "massproof_cassette"'),
    ]:
        path.write_bytes(content)
        with pytest.raises(FormatError, match=words):
            cassettes.load(path)
    with pytest.raises(InputError, match="cannot read the cassette"):
        cassettes.load(tmp_path / "none.json")
    with pytest.raises(InputError, match=r"cannot write .*No such file"):
        cassettes.save(cassette(), tmp_path / "none" / "c.json")


# Credentials and addresses


@pytest.mark.parametrize(
    ("service", "environ", "kind"),
    [
        ("zoo", {"ZOO_API_TOKEN": " api-12345678\n"}, "bearer"),
        ("zoo", {"KITTYCAD_API_TOKEN": "api-12345678", "ZOO_API_TOKEN": "other-123456"}, "bearer"),
        ("mfgdm", {"APS_ACCESS_TOKEN": "api-12345678"}, "bearer"),
        ("derivative", {"APS_CLIENT_ID": "api-12345678", "APS_CLIENT_SECRET": "secret-123"}, "client"),
        ("onshape", {"ONSHAPE_ACCESS_KEY": "api-12345678", "ONSHAPE_SECRET_KEY": "secret-123"}, "basic"),
    ],
)  # fmt: skip
def test_credentials_come_from_the_vendors_own_variables(service, environ, kind):
    login = find_login(port.contract(service), environ)

    assert (login.kind, login.values[0]) == (kind, "api-12345678")


@pytest.mark.parametrize(
    ("service", "environ", "words"),
    [
        ("zoo", {}, r"Zoo wants credentials: set KITTYCAD_API_TOKEN, or ZOO_API_TOKEN in the environment \(https://zoo.dev"),
        ("derivative", {"APS_CLIENT_ID": "12345678"}, "set APS_ACCESS_TOKEN, or APS_CLIENT_ID and APS_CLIENT_SECRET"),
        ("mfgdm", {"APS_CLIENT_ID": "12345678", "APS_CLIENT_SECRET": "12345678"}, "set APS_ACCESS_TOKEN in the environment .a three-legged"),
        ("onshape", {"ONSHAPE_ACCESS_KEY": "12345678", "ONSHAPE_SECRET_KEY": "  "}, "ONSHAPE_ACCESS_KEY and ONSHAPE_SECRET_KEY"),
        ("zoo", {"ZOO_API_TOKEN": "short"}, "ZOO_API_TOKEN has 5 characters, and a credential has at least 8"),
        ("zoo", {"ZOO_API_TOKEN": "not\nprintable"}, "printable ASCII"),
        ("zoo", {"ZOO_API_TOKEN": "pässwörd"}, "printable ASCII"),
    ],
)  # fmt: skip
def test_missing_credentials_say_which(service, environ, words):
    with pytest.raises(MissingCredential, match=words):
        find_login(port.contract(service), environ)


def test_basic_authentication_is_that_of_the_rfc():
    """RFC 7617's own example."""
    assert Login("basic", ("Aladdin", "open sesame")).headers() == {
        "authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    }
    assert Login("client", ("Aladdin", "open sesame")).headers() == {}


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8787",
        "ftp://x.example",
        "https://",
        "https://x.example?a=1",
        "https://x.example:99999",
        "http://[x",
    ],
)
def test_addresses_that_are_none_are_refused(address):
    with pytest.raises(UsageError, match=r"ZOO_HOST is .*which is no address"):
        open_session("zoo", 1.0, ENVIRON | {"ZOO_HOST": address})


def test_addresses_come_from_the_environment_or_the_contract():
    fake = Fake()
    assert (
        open_session("zoo", 1.0, ENVIRON | {"ZOO_HOST": "http://localhost:8787/"}, client=fake.client).host
        == "http://localhost:8787"
    )
    assert open_session("onshape", 1.0, ENVIRON, client=fake.client).host == "https://cad.onshape.com"
    assert (
        open_session(
            "onshape", 1.0, ENVIRON | {"ONSHAPE_BASE_URL": "https://my.onshape.com"}, client=fake.client
        ).host
        == "https://my.onshape.com"
    )


def test_without_httpx_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"massproof\[remote\]"):
        open_session("onshape", 1.0, ENVIRON)


def test_the_client_we_make_ourselves_follows_nobody_elsewhere():
    session = open_session("onshape", 1.0, ENVIRON)

    assert session.wire.client.follow_redirects is False
    assert session.wire.client.headers["user-agent"].startswith("massproof/")
    session.wire.client.close()


def test_services_and_options_that_do_not_exist_are_refused(tmp_path):
    one = part(tmp_path)
    with pytest.raises(UsageError, match="unknown service 'fusion'; use one of zoo, mfgdm"):
        clients.record("fusion", one)
    with pytest.raises(UsageError, match="--urn is nothing that zoo knows; it needs none of these"):
        clients.record("zoo", one, {"urn": "x"}, environ=ENVIRON)
    with pytest.raises(UsageError, match="--urn is nothing that mfgdm knows; it takes --component-version"):
        clients.record("mfgdm", one, {"urn": "x", "model": None}, environ=ENVIRON)


def test_a_part_is_what_was_measured(data):
    import massproof as mp

    path = data / "box.stl"
    found = clients.part_of(path, mp.measure(str(path), unit="mm", density="2 g/cm^3"))

    assert found == Part(str(path), "box.stl", "stl", found.sha256, path.stat().st_size, 2000.0)
    assert len(found.sha256) == 64
    assert clients.part_of(path, mp.measure(str(path), unit="mm")).density is None


def test_the_same_clock_serves_all():
    assert isinstance(
        open_session("onshape", 1.0, ENVIRON, client=Fake().client).line._patience.clock, waiting.SystemClock
    )
