"""What an attacker tries, each with the answer that docs/security.md promises.

Those that need a socket go to a server with short times; all others to the application itself.
"""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.routing import Match, Route
from starlette.testclient import TestClient

from massproof import dialects, server, testing
from massproof.serving.service import MEBI, Settings

ROOT = Path(__file__).parent.parent
TOKEN = {"Authorization": "Bearer s3cret"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(
        folder=tmp_path_factory.mktemp("attacked"), log="none", token="s3cret", upload_limit=4 * MEBI
    )


@pytest.fixture(scope="module")
def cloud(settings):
    with TestClient(server.app(settings), headers=TOKEN) as made:
        yield made


@pytest.fixture(scope="module")
def attacked():
    """A server with sockets, which waits for nobody."""
    with testing.server(header_seconds=1.0, idle_seconds=1.0, upload_limit=2 * MEBI) as made:
        yield made


def served(dialect):
    return pytest.mark.skipif(dialect not in dialects.SERVED, reason=f"{dialect} is not served yet")


# Who asks


def open_paths():
    """What answers without a token, and says nothing about anybody's files."""
    return {
        "/", "/page/{name}", "/healthz", "/massproof/faults", "/ping", "/openapi.json",
        "/authentication/v2/token", "/authentication/v1/authenticate", "/authentication/v2/introspect",
        "/authentication/v2/revoke", "/authentication/v2/keys", "/authentication/v2/authorize",
    }  # fmt: skip


def test_every_route_wants_the_token_but_those_that_are_known_to_be_open(settings):
    app = server.app(replace(settings, control="c"))
    with TestClient(app) as cloud:
        answers = {}
        for route in app.routes:
            assert isinstance(route, Route)
            path = re.sub(r"\{\w+:int\}", "1", route.path)
            path = re.sub(r"\{[^}]*\}", "x", path)
            for method in sorted((route.methods or {"GET", "POST"}) - {"HEAD"}):
                answers[f"{method} {route.path}"] = cloud.request(method, path).status_code
    unasked = {
        key for key, status in answers.items()
        if status not in (401, 403, 404, 405) and key.partition(" ")[2] not in open_paths()
    }  # fmt: skip

    assert len(answers) > 20
    assert unasked == set()


def test_a_route_that_is_not_found_without_a_token_is_not_found_with_it_either(settings):
    """A 404 above must not hide a route that answers to anybody."""
    app = server.app(settings)
    with TestClient(app) as cloud:
        for route in app.routes:
            path = re.sub(r"\{\w+:int\}", "1", route.path)
            path = re.sub(r"\{[^}]*\}", "x", path)
            method = sorted(route.methods or {"GET"})[0]
            if cloud.request(method, path).status_code == 404:
                matched, _ = route.matches({"type": "http", "path": path, "method": method})
                assert matched is Match.FULL
                assert cloud.request(method, path, headers=TOKEN).status_code in (404, 405), path


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer x", "Bearer s3cret2", "Bearer S3CRET", "Basic Og==", "s3cret"]
)
def test_no_token_or_another_is_refused(cloud, shown):
    assert cloud.post("/v1/files", content=b"a", headers={"Authorization": shown}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example:80", "127.0.0.1.evil.example", "evil.example\\127.0.0.1", "169.254.169.254"]
)
def test_a_name_that_was_bound_to_this_address_is_refused(cloud, host):
    """DNS rebinding: the page's own name resolves to 127.0.0.1 on the second look."""
    assert cloud.get("/v1/operations", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"]
)
def test_a_page_of_another_site_is_refused(cloud, origin):
    assert (
        cloud.post(
            "/v1/operations", content=b"{}", headers={"Origin": origin, "Content-Type": "text/plain"}
        ).status_code
        == 403
    )


def test_no_preflight_is_answered(cloud):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = cloud.options("/v1/operations", headers=asked)

    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


# Signed addresses


@pytest.mark.parametrize(
    "forge",
    [
        lambda url: url[:-2] + ("00" if url[-2:] != "00" else "11"),
        lambda url: url.replace("expires=", "expires=9"),
        lambda url: url.replace("/v1/materials", "/v1/operations"),
        lambda url: url.partition("&signature=")[0] + "&signature=",
        lambda url: url.partition("&signature=")[0] + "&signature=%00",
        lambda url: re.sub(r"expires=\d+", "expires=-1", url),
        lambda url: re.sub(r"expires=\d+", "expires=99999999999999", url),
        lambda url: re.sub(r"expires=\d+", "expires=\u0663", url),
    ],
    ids=[
        "changed",
        "longer",
        "another path",
        "empty",
        "zero byte",
        "negative",
        "huge",
        "digits of another script",
    ],
)
def test_a_signed_address_that_was_forged_is_refused(settings, forge):
    app = server.app(settings)
    with TestClient(app) as cloud:
        good = app.state.service.signer.signed("/v1/materials", 60)
        assert cloud.get(good).status_code == 200
        assert cloud.get(forge(good)).status_code == 401


def test_a_signed_address_that_has_expired_or_is_for_another_method_is_refused(settings):
    app = server.app(settings)
    signed = app.state.service.signer.signed
    with TestClient(app) as cloud:
        assert cloud.get(signed("/v1/materials", -1)).status_code == 401
        assert cloud.get(signed("/v1/materials", 60, "PUT")).status_code == 401


# Paths

TRAVERSALS = [
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//etc/passwd", "/etc/passwd",
    "C:\\windows\\win.ini", "..\\..\\etc\\passwd", "x%00.stl", "%c0%ae%c0%ae/etc/passwd", "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_of_a_client_leads_anywhere(cloud, path):
    for start in ("/page/", "/v1/operations/", "/v1/operations/x/files/", "/massproof/", "/"):
        answer = cloud.get(start + path)
        assert answer.status_code in (400, 401, 404, 405), answer.text[:200]
        assert "root:" not in answer.text


def test_a_name_of_a_client_is_no_path(cloud, settings, data):
    content = (data / "box.stl").read_bytes()
    before = {path.parent for path in ROOT.parent.iterdir()}
    for name in (
        "../../evil.stl",
        "/tmp/evil.stl",
        "..\\evil.stl",
        "a\0b.stl",
        "con",
        "x" * 10_000,
        "\u202egpj.exe",
    ):
        answer = cloud.post("/v1/files", params={"name": name}, content=content)
        assert answer.status_code in (201, 414)
    names = [path.name for path in settings.folder.rglob("*")]

    assert not [name for name in names if "evil" in name or "con" == name]
    assert {path.parent for path in ROOT.parent.iterdir()} == before


def test_what_is_downloaded_is_kept_not_shown(cloud, data):
    """A file that a browser would run is offered for saving, and its type is not guessed."""
    file = cloud.post("/v1/files?name=x.html", content=(data / "box.stl").read_bytes()).json()["file"]
    asked = {"kind": "conversion", "file": file, "options": {"unit": "mm", "to": "obj"}}
    made = cloud.post("/v1/operations", json=asked).json()
    made = cloud.get(f"/v1/operations/{made['id']}?wait=30").json()
    (path,) = made["files"].values()
    answer = cloud.get(path)

    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


@served("derivative")
@pytest.mark.parametrize(
    "urn",
    [
        "urn:adsk.objects:os.object:bkt/../../etc/passwd", "/etc/passwd", "urn:adsk.objects:os.object:../x", "file:///etc/passwd",
        "urn:adsk.objects:os.object:bkt/x\0", "http://127.0.0.1:22/", "urn:adsk.objects:os.object:" + "a" * 3000,
    ],
)  # fmt: skip
def test_a_urn_is_a_name_and_no_path(cloud, urn):
    told = base64.urlsafe_b64encode(urn.encode()).decode().rstrip("=")
    for text in (told, urn.replace("\0", "%00").replace("/", "%2f"), "%2e%2e%2f", "A" * 5000):
        answer = cloud.get(f"/modelderivative/v2/designdata/{text}/manifest")
        assert answer.status_code in (400, 404), (text[:40], answer.text[:200])
        assert "root:" not in answer.text


# Bodies


def test_a_body_that_is_declared_too_large(cloud):
    assert cloud.post("/v1/files", content=b"", headers={"Content-Length": str(10 << 30)}).status_code == 413


def test_a_body_that_says_no_size_and_does_not_end(cloud, settings):
    assert cloud.post("/v1/files", content=(b"y" * MEBI for _ in range(64))).status_code == 413
    assert list((settings.folder / "blobs/new").iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"[" * 100 + b"]" * 100,
        b"{",
        b"\xff\xfe",
        b"",
        b"NaN",
        b'"' + b"a" * (2 * MEBI) + b'"',
        b"9" * 10_000,
    ],
    ids=["nested", "nested objects", "nested and closed", "cut", "no text", "empty", "NaN", "long", "digits"],
)
def test_json_that_is_a_bomb_or_none(cloud, body):
    answer = cloud.post("/v1/operations", content=body, headers=JSON)

    assert answer.status_code in (400, 413)
    assert "Traceback" not in answer.text


def bomb():
    """A 3MF of 80 kB that holds 80 MB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("3D/3dmodel.model", b" " * (80 * MEBI))
    return out.getvalue()


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % ((98 + i,) + (97 + i,) * 8) for i in range(10)
    )
    + b"]><model>&k;</model>"
)
SECRET = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><model>&e;</model>'


def threemf(model):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("3D/3dmodel.model", model)
        archive.writestr("_rels/.rels", b"")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bomb.3mf", bomb()), ("entities.3mf", threemf(ENTITIES)), ("secret.3mf", threemf(SECRET)), ("counts.stl", b"\0" * 80 + b"\xff" * 4 + b"\0" * 46),
        ("nested.step", b"ISO-10303-21;HEADER;ENDSEC;DATA;#1=" + b"(" * 200_000), ("index.obj", b"v 0 0 0\nf 1 2 999999999\n"), ("nan.stl", b"solid\nfacet normal nan nan nan\nouter loop\nvertex 1e999 0 0\n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_file_that_is_a_bomb_fails_alone(cloud, data, name, content):
    """The operation says so; the server and its neighbours go on."""
    seen = {}
    for key, what in ((name, content), ("box.stl", (data / "box.stl").read_bytes())):
        file = cloud.post(f"/v1/files?name={key}", content=what).json()["file"]
        asked = {"kind": "properties", "file": file, "options": {"unit": "mm"}}
        made = cloud.post("/v1/operations", json=asked).json()
        seen[key] = cloud.get(f"/v1/operations/{made['id']}?wait=30").json()

    assert seen[name]["state"] in ("failed", "timed_out"), seen[name]
    assert "root:" not in json.dumps(seen[name])
    assert seen["box.stl"]["state"] == "succeeded"


def test_a_file_that_names_another_does_not_get_it(cloud):
    content = (
        b"mtllib ../../../etc/passwd\nmtllib http://127.0.0.1:22/x\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
    )
    file = cloud.post("/v1/files?name=open.obj", content=content).json()["file"]
    asked = {"kind": "properties", "file": file, "options": {"unit": "mm"}}
    made = cloud.post("/v1/operations", json=asked).json()
    seen = cloud.get(f"/v1/operations/{made['id']}?wait=30")

    assert seen.json()["state"] == "succeeded"
    assert "root:" not in seen.text


@served("zoo")
def test_a_form_with_very_many_parts(cloud):
    part = b'--x\r\nContent-Disposition: form-data; name="f%d"; filename="f%d"\r\n\r\na\r\n'
    body = b"".join(part % (i, i) for i in range(5000)) + b"--x--\r\n"
    answer = cloud.post(
        "/file/conversion", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )

    assert answer.status_code == 400


@served("zoo")
@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "text/plain",
        "multipart/form-data; boundary=" + "x" * 5000,
    ],
)
def test_a_form_that_is_none(cloud, kind):
    assert cloud.post("/file/conversion", content=b"--x", headers={"Content-Type": kind}).status_code == 400


# GraphQL


def graphql(cloud, query, **options):
    return cloud.post("/mfg/graphql", json={"query": query} | options)


ITEM = 'item(hubId: "x", itemId: "y")'
QUERIES = {
    "aliases": "{" + " ".join(f"a{i}: hubs {{ results {{ id }} }}" for i in range(600)) + "}",
    "depth": "{ hubs " + "{ results { hub " * 200 + "{ id }" + "}}" * 200 + "}",
    "great depth": "{" + "a{" * 4000 + "b" + "}" * 4000 + "}",
    "cycle of fragments": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "fragments of fragments": "{ ...f0 }" + "".join(f" fragment f{i} on Query {{ ...f{i + 1} x: __typename ...f{i + 1} }}" for i in range(20)) + " fragment f20 on Query { __typename }",
    "equal fields": "{ hubs { " + "results { id } " * 900 + "} }",
    "many tokens": "{" + " ,".join("__typename" for _ in range(3000)) + "}",
    "no query": "{",
}  # fmt: skip


@served("mfgdm")
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_query_that_costs_too_much_is_refused_soon(cloud, query):
    began = time.perf_counter()
    answer = graphql(cloud, query)

    assert answer.status_code in (200, 400)
    assert answer.json()["errors"]
    assert not answer.json().get("data")
    assert time.perf_counter() - began < 5  # milliseconds where nothing else runs


@served("mfgdm")
def test_queries_do_not_come_in_batches(cloud):
    answer = cloud.post("/mfg/graphql", json=[{"query": "{__typename}"}] * 100)

    assert answer.status_code == 400


@served("mfgdm")
def test_a_form_of_another_site_is_no_query(cloud):
    """text/plain is what a page may send without asking first."""
    answer = cloud.post(
        "/mfg/graphql", content=b'{"query":"{__typename}"}', headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code in (400, 415)


@served("mfgdm")
def test_deep_variables_are_refused(cloud):
    body = b'{"query": "{__typename}", "variables": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    answer = cloud.post("/mfg/graphql", content=body, headers=JSON)

    assert answer.status_code == 400


# Mistakes do not show


def test_no_answer_shows_where_the_server_lives(cloud, settings):
    for path in (
        "/v1/operations/" + "f" * 32,
        "/v1/operations?before=1e400",
        "/v1/operations?limit=x",
        "/nothing",
        "/v1/operations/..%2f",
    ):
        text = cloud.get(path).text
        assert "Traceback" not in text
        assert str(settings.folder) not in text
        assert "site-packages" not in text


def test_headers_of_a_client_do_not_break_lines_of_the_log(settings, capsys):
    with TestClient(server.app(replace(settings, log="text")), headers=TOKEN) as cloud:
        cloud.get("/x%0aGET /forged 200", headers={"X-Request-Id": "a b"})

    assert capsys.readouterr().err.count("\n") == 1


# Sockets


def connection(server, *pieces):
    made = socket.create_connection(("127.0.0.1", server.port), 20)
    for piece in pieces:
        made.sendall(piece)
    return made


HEAD = b"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def status(made, seconds=20):
    """The status that is answered, or how the connection ends."""
    made.settimeout(seconds)
    try:
        text = made.recv(64)
    except ConnectionResetError:
        return "reset"
    return int(text[9:12]) if text else "closed"


def test_headers_that_do_not_end_are_cut_and_others_are_served(attacked):
    began = time.monotonic()
    slow = [connection(attacked, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ") for _ in range(200)]
    with connection(attacked, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as other:
        assert status(other) == 200
    ends = [status(made) for made in slow]
    for made in slow:
        made.close()

    assert set(ends) <= {"closed", "reset", 408}
    assert time.monotonic() - began < 10


def test_five_megabytes_of_headers_are_cut(attacked):
    with connection(attacked, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n") as made:
        sent = 0
        with contextlib.suppress(OSError):
            for i in range(5000):
                made.sendall(b"X-%d: " % i + b"a" * 1000 + b"\r\n")
                sent += 1000
        assert status(made) in (431, 400, "closed", "reset")

    assert sent < 5_000_000


def test_a_body_that_stalls_is_cut(attacked):
    began = time.monotonic()
    with connection(attacked, HEAD + b"Content-Length: 1000000\r\n\r\n", b"z" * 10) as made:
        assert status(made) == 408

    assert time.monotonic() - began < 10


def test_a_body_that_breaks_off_leaves_nothing(attacked):
    connection(attacked, HEAD + b"Content-Length: 1000000\r\n\r\n", b"z" * 1000).close()
    deadline = time.monotonic() + 10
    while list((attacked.folder / "blobs/new").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert list((attacked.folder / "blobs/new").iterdir()) == []


def test_chunks_without_end_are_cut(attacked):
    with connection(attacked, HEAD + b"Transfer-Encoding: chunked\r\n\r\n") as made:
        with contextlib.suppress(OSError):
            for _ in range(64):
                made.sendall(b"100000\r\n" + b"y" * MEBI + b"\r\n")
        assert status(made) in (413, "closed", "reset")

    assert list((attacked.folder / "blobs/new").iterdir()) == []


@pytest.mark.parametrize(
    ("request_", "answers"),
    [
        (b"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n", {201, 400}),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", {400}), (HEAD + b"Content-Length: -5\r\n\r\n", {400}),
        (HEAD + b"Content-Length: 1e3\r\n\r\n", {400}), (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", {400, "closed", "reset"}),
        (b"GET /healthz HTTP/1.1\r\n\r\n", {400, 421}), (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", {400}),
        (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", {421}), (b"CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example:80\r\n\r\n", {400, 404, 405, 421}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400, "closed", "reset"}), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, "closed", "reset"}),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {414, 431, 400}), (b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", {404, 405, 400}),
        (b"GET /healthz\r\n\r\n", {400, "closed", "reset"}), (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n", {400, 200}),
    ],
    ids=["two lengths of two kinds", "two lengths", "negative length", "length with exponent", "no chunk", "no host", "two hosts", "proxy", "tunnel", "TLS", "HTTP/2", "long address", "asterisk", "HTTP/0.9", "folded header"],
)  # fmt: skip
def test_a_request_that_is_smuggled_or_malformed(attacked, request_, answers):
    with connection(attacked, request_) as made:
        assert status(made) in answers


def test_the_server_is_well_after_all_that(attacked):
    with connection(attacked, b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as made:
        assert status(made) == 200


# The network


FLOW = """
import json, socket, sys, urllib.request
from pathlib import Path
def ask(path, body=None):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return json.load(opener.open(urllib.request.Request(sys.argv[1] + path, body), timeout=60))
file = ask("/v1/files?name=box.stl", Path(sys.argv[2]).read_bytes())["file"]
asked = {"kind": "properties", "file": file, "options": {"unit": "mm"}}
made = ask("/v1/operations", json.dumps(asked).encode())
print(ask(f"/v1/operations/{made['id']}?wait=30")["state"])
"""
ALONE = """
import os, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
from massproof import testing
with testing.server() as cloud:
    flow = subprocess.run([sys.executable, "-c", sys.argv[1], cloud.url, sys.argv[2]], check=True, capture_output=True, text=True)
    found = [line.split()[1:4] for name in ("tcp", "tcp6", "udp", "udp6") for line in open(f"/proc/net/{name}").readlines()[1:]]
print(flow.stdout.strip())
print(*{remote.rpartition(":")[0] for _, remote, state in found})
"""


def alone(command):
    """The command in a namespace without any network."""
    return ["unshare", "--user", "--map-root-user", "--net", *command]


def is_permitted():
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run(alone(["ip", "link", "set", "lo", "up"]), capture_output=True).returncode == 0


def test_all_of_it_works_where_there_is_no_network(data):
    if not is_permitted():
        pytest.skip("this system lets nobody make a network namespace, or has no ip")
    command = alone([sys.executable, "-c", ALONE, FLOW, str(data / "box.stl")])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )

    assert done.returncode == 0, done.stderr
    state, addresses = done.stdout.splitlines()
    assert state == "succeeded"
    assert set(addresses.split()) <= {"00000000", "0100007F", "0" * 32}  # nobody, and 127.0.0.1


def test_no_part_of_it_calls_anybody(tmp_path, data, monkeypatch):
    """Every connection that Python opens while files are measured, drawn and converted is an error."""
    called = []
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, lambda self, *told: called.append(told))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *told, **more: called.append(told))
    with TestClient(server.app(Settings(folder=tmp_path, log="none"))) as cloud:
        for name in ("box.stl", "open_box.stl"):
            file = cloud.post(f"/v1/files?name={name}", content=(data / name).read_bytes()).json()["file"]
            for kind, options in (
                ("properties", {"unit": "mm"}),
                ("conversion", {"unit": "mm", "to": "obj"}),
            ):
                asked = {"kind": kind, "file": file, "options": options}
                made = cloud.post("/v1/operations", json=asked).json()
                assert cloud.get(f"/v1/operations/{made['id']}?wait=30").json()["state"] == "succeeded"

    assert called == []
