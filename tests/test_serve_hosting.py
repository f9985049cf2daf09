"""A server on a port: started, reached, stopped; from the command line, in tests, and by pytest."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import httpx
import postgresql
import pytest
import typer.testing

# Loaded here, so that a run inside of this one does not load them a second time.
import massproof.pytest_plugin
from massproof import cli, commands, hosting, server, testing
from massproof.errors import InputError, MissingExtra, UnitError, UnknownMaterial, UsageError
from massproof.serving.service import MEBI, Settings

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def running():
    with testing.server() as made:
        yield made


@pytest.fixture
def http(running):
    running.heal()
    with httpx.Client(base_url=running.url, trust_env=False) as made:
        yield made


# Settings


def test_settings_come_from_words(tmp_path):
    made = hosting.settings_of(
        {"folder": str(tmp_path), "faults": "drop", "names": ["a", "b"], "token": None, "port": 0}
    )

    assert (made.folder, made.faults, made.names, made.token, made.port) == (
        tmp_path,
        ("drop",),
        ("a", "b"),
        None,
        0,
    )
    assert hosting.settings_of({}).folder == hosting.folder()


def test_a_setting_that_there_is_not():
    with pytest.raises(UsageError, match=r"a server has no setting 'prot'; it has: folder, database, "):
        hosting.settings_of({"prot": 1})


def test_every_setting_has_an_option():
    """All but the secret of tests, which nobody types."""
    typed = {parameter.name for parameter in typer.main.get_command(commands.app).commands["serve"].params}
    typed = {hosting._NAMES.get(name, name) for name in typed}

    assert set(Settings.__dataclass_fields__) - typed == {"control"}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1000", 1000),
        ("512 MiB", 512 * MEBI),
        ("2g", 2 * 10**9),
        ("1 KiB", 1024),
        (" 7 b ", 7),
        ("25 MB", 25 * 10**6),
    ],
)
def test_sizes(text, size):
    assert hosting.spelled({"upload_limit": text, "fault": ["drop"]}) == {
        "upload_limit": size, "faults": ["drop"], "database": "sqlite",
    }  # fmt: skip


def test_times():
    told = hosting.spelled({"keep": "7 d", "inline": "0", "database": "memory"})

    assert told == {"keep_seconds": 7 * 86400, "zoo_inline": 0, "database": "memory"}


@pytest.mark.parametrize("text", ["", "-1", "1.5 GiB", "12 parsecs", "9" * 16, "7 d"])
def test_sizes_that_are_none(text):
    with pytest.raises(UsageError, match=r"is no number with one of b, kb, k, .*gib"):
        hosting.spelled({"upload_limit": text})


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/massproof/serve"),
        ("linux", {}, "/home/me/.local/share/massproof/serve"),
        ("darwin", {}, "/home/me/Library/Application Support/massproof/serve"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/massproof/serve"),
        ("win32", {}, "/home/me/AppData/Local/massproof/serve"),
    ],
)
def test_a_folder_of_the_users_own_data(monkeypatch, platform, variable, folder):
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))

    assert hosting.folder() == Path(folder)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "cad.example"])
def test_a_server_on_the_network_wants_a_token(tmp_path, host):
    with pytest.raises(
        UsageError, match=r"others on the network can reach the server.*set MASSPROOF_TOKEN or --token"
    ):
        hosting.run(Settings(folder=tmp_path, host=host))
    hosting.checked(Settings(folder=tmp_path, host=host, token="t"))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"unit": "parsec"}, UnitError, "parsec"), ({"unit": "kg"}, UnitError, "kg"), ({"material": "unobtainium"}, UnknownMaterial, "unobtainium"),
        ({"density": "3 mm"}, UnitError, "mm"), ({"formats": "none"}, UsageError, "formats are extended or strict, not 'none'"),
        ({"hubs": (Path("/no/such/folder"),)}, InputError, "/no/such/folder is no folder"),
    ],
)  # fmt: skip
def test_what_every_request_would_fail_for_fails_at_the_start(tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        hosting.run(Settings(folder=tmp_path, port=0, **settings))


def test_settings_that_mean_something(tmp_path):
    hosting.meant(
        Settings(folder=tmp_path, unit="mm", material="ABS Plastic", density="2.7 g/cm^3", hubs=(tmp_path,))
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_a_server_on_this_machine_need_not(tmp_path, host):
    hosting.checked(Settings(folder=tmp_path, host=host))


def test_many_workers_share_a_database(tmp_path):
    with pytest.raises(
        UsageError, match=r"2 worker processes need a database that they share, and memory is none"
    ):
        hosting.checked(Settings(folder=tmp_path, workers=2))
    hosting.checked(Settings(folder=tmp_path, workers=2, database="postgresql://localhost/massproof"))


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            InputError, match=rf"cannot serve on port {port} of 127.0.0.1: .*; name another with --port"
        ):
            hosting.free_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 99999), ("no.such.host.invalid", 0), ("300.1.1.1", 0)]
)
def test_a_port_that_there_is_not(host, port):
    with pytest.raises(InputError, match="cannot serve on port"):
        hosting.free_port(host, port)


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_a_free_port(monkeypatch, system):
    monkeypatch.setattr(hosting.os, "name", system)
    port = hosting.free_port("127.0.0.1", 0)

    assert port > 0
    assert hosting.free_port("127.0.0.1", port) == port


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("cad", "http://cad:80")]
)  # fmt: skip
def test_where_clients_reach_it(tmp_path, host, url):
    assert hosting.url(Settings(folder=tmp_path, host=host, port=80)) == url


def test_what_is_said_at_the_start(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(hosting.dialects, "SERVED", tuple(hosting.dialects.ADDRESSES))
    hosting.announce(Settings(folder=tmp_path, port=1234))
    said = capsys.readouterr().out

    assert said.startswith(f"massproof {massproof.__version__} serves at http://127.0.0.1:1234 until Ctrl-C")
    assert "ZOO_HOST=http://127.0.0.1:1234\n" in said
    assert "http://127.0.0.1:1234/mfg/graphql" in said


@pytest.mark.parametrize(("module", "extra"), [("PIL", "render"), ("OCP", "step")])
def test_what_requests_will_miss_is_said_at_the_start(tmp_path, capsys, monkeypatch, module, extra):
    monkeypatch.setattr(hosting, "find_spec", lambda name: None if name == module else name)
    hosting.announce(Settings(folder=tmp_path))
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  no ")]

    assert f'pip install "massproof[{extra}]"' in said


@pytest.mark.parametrize("missing", ["massproof.serving.service", "granian.server"])
def test_what_is_not_installed_is_said(tmp_path, monkeypatch, missing):
    settings = Settings(folder=tmp_path)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=r'massproof serve needs .*pip install "massproof\[serve\]"'):
        (hosting.run(settings) if missing == "granian.server" else hosting.settings_of({}))


# What runs in a process of its own, here


def fake_granian(monkeypatch, then=lambda worker: None):
    """Granian, whose processes are this one; what it was told."""
    told = {}

    class Fake:
        def __init__(self, name, **options):
            told.update(options)

        def serve(self, target_loader, wrap_loader):
            told["application"] = target_loader
            then(target_loader)

    monkeypatch.setattr("granian.server.Server", Fake)
    return told


def test_how_granian_is_told(tmp_path, monkeypatch):
    told = fake_granian(monkeypatch)
    hosting.run(Settings(folder=tmp_path, port=0, header_seconds=0.5))

    assert told["port"] > 0
    assert told["http1_settings"].header_read_timeout == 500
    assert told["workers"] == 1


def test_one_process_says_that_the_server_listens(tmp_path, monkeypatch, capsys):
    told = fake_granian(monkeypatch)
    hosting.run(Settings(folder=tmp_path, port=0))
    monkeypatch.setattr(hosting, "_STEP", 0.0)
    monkeypatch.setattr(hosting, "_WATCH", 0.0)
    monkeypatch.setattr(os, "getppid", os.getpid)  # which the application's parent is here
    from starlette.testclient import TestClient

    for _ in range(2):
        with TestClient(told["application"]()) as cloud:
            assert cloud.get("/healthz").status_code == 200

    assert capsys.readouterr().out.count("serves at http://127.0.0.1:") == 1


def test_a_process_ends_with_its_parent(monkeypatch):
    killed = []
    monkeypatch.setattr(os, "kill", lambda *told: killed.append(told))
    hosting._watch(None, -1)

    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_a_folder_that_cannot_be_used_is_said_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    told = fake_granian(monkeypatch)
    hosting.run(Settings(folder=tmp_path / "file", port=0))
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            told["application"]()

    assert ended.value.code == 3
    assert re.fullmatch(
        r"error: cannot keep files in .*: Not a directory; name another folder\n", capsys.readouterr().err
    )


def test_a_program_is_told_the_address_and_stops_the_server(tmp_path, monkeypatch, capsys):
    """Its standard input is settings, and then open for as long as the server shall live."""
    ended = threading.Event()
    monkeypatch.setattr(os, "kill", lambda *told: ended.set())
    read, write = os.pipe()
    os.write(write, hosting.as_json({"folder": tmp_path, "port": 0}).encode() + b"\n")
    fake_granian(monkeypatch, lambda worker: hosting.tell(worker.args[0]))
    with os.fdopen(read, buffering=1) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        hosting.main()
        os.write(write, b"more")
        assert not ended.wait(0.05)
        os.close(write)
        assert ended.wait(10)

    assert json.loads(capsys.readouterr().out)["url"].startswith("http://127.0.0.1:")


def test_a_program_is_told_what_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"prot": 1}\n'))
    with pytest.raises(SystemExit) as ended:
        hosting.main()

    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("error: a server has no setting 'prot'")


# Servers in processes of their own


def test_a_server_for_tests_starts_soon_and_leaves_nothing(data):
    began = time.perf_counter()
    with testing.server() as cloud:
        started = time.perf_counter() - began
        with httpx.Client(base_url=cloud.url, trust_env=False) as http:
            assert http.get("/readyz").json() == {"status": "ready"}
            assert http.post("/v1/files", content=(data / "box.stl").read_bytes()).status_code == 201
        assert cloud.folder.is_dir()

    assert not cloud.folder.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", cloud.port))
    assert started < 10  # 0.7 s where nothing else runs


def test_a_test_says_what_goes_wrong(running, http):
    running.fault("status=503 times=1", "latency=1ms")
    statuses = [http.get("/v1/materials").status_code for _ in range(2)]
    with pytest.raises(UsageError, match="'teapot' is no fault"):
        running.fault("teapot")

    assert statuses == [503, 200]


def test_a_connection_can_be_cut(running, http):
    with pytest.raises(httpx.RemoteProtocolError):
        http.get("/v1/materials", headers={"X-Massproof-Fault": "drop"})


def test_clients_find_it_by_their_environment(running):
    assert running.environment == {
        "ZOO_HOST": running.url,
        "ZOO_API_TOKEN": "local",
        "KITTYCAD_API_TOKEN": "local",
    }


def test_zoos_own_client_is_ready(running):
    pytest.importorskip("kittycad")

    assert running.zoo.base_url == running.url


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"host": "0.0.0.0"}, "others on the network"), ({"prot": 1}, "no setting 'prot'"), ({"faults": ["teapot"]}, "'teapot' is no fault")],
)  # fmt: skip
def test_a_server_that_cannot_be_says_why(settings, message):
    with pytest.raises(UsageError, match=message), testing.server(**settings):
        raise AssertionError


def test_a_server_that_says_nothing():
    assert str(testing._why("")) == "the server ended without a word"


def test_a_server_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(testing, "_PATIENCE", 0.1)
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    testing._end(process)

    assert process.returncode == -signal.SIGKILL


def test_two_processes_answer_on_one_database_and_one_that_is_killed_comes_back(data):
    if why := postgresql.available():
        pytest.skip(why)
    with (
        postgresql.cluster() as address,
        testing.server(workers=2, database=postgresql.created(address, "front")) as cloud,
    ):
        with httpx.Client(base_url=cloud.url, trust_env=False) as http:
            file = http.post("/v1/files?name=box.stl", content=(data / "box.stl").read_bytes()).json()["file"]
            asked = {"kind": "properties", "file": file, "options": {"unit": "mm"}}
            id = http.post("/v1/operations", json=asked).json()["id"]
            assert http.get(f"/v1/operations/{id}?wait=30").json()["state"] == "succeeded"
        pids = workers(cloud, 2)
        os.kill(pids.pop(), signal.SIGKILL)
        assert len(workers(cloud, 2) - pids) == 1
        seen = [
            httpx.get(f"{cloud.url}/v1/operations/{id}", trust_env=False).json()["state"] for _ in range(8)
        ]

    assert seen == ["succeeded"] * 8


def workers(cloud, count):
    """Processes that answer: each connection is one's."""
    found, until = set(), time.monotonic() + 30
    while len(found) < count and time.monotonic() < until:
        try:
            text = httpx.get(f"{cloud.url}/metrics", trust_env=False, timeout=20).text
        except httpx.TransportError:  # it went to the one that was killed
            continue
        found |= {int(pid) for pid in re.findall(r'sent_bytes_total\{worker="(\d+)"', text)}
        found = {pid for pid in found if Path(f"/proc/{pid}").exists()} if Path("/proc").exists() else found
    return found


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_what_is_asked_is_answered_before_the_server_ends(tmp_path, told):
    process, url = serving("--folder", tmp_path)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(get(f"{url}/v1/materials", "latency=700ms")))
    asking.start()
    time.sleep(0.3)
    process.send_signal(told)
    asking.join()
    _, err = process.communicate(timeout=20)

    assert answers == [200]
    assert process.returncode == 0, err


def test_no_process_is_left_of_a_server_that_was_killed(tmp_path):
    process, url = serving("--folder", tmp_path)
    process.kill()
    process.communicate(timeout=20)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and listens(url):
        time.sleep(0.1)

    assert not listens(url)


def listens(url):
    try:
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 1).close()
    except OSError:
        return False
    return True


def test_a_second_server_on_a_port_is_refused(running):
    done = serve("--port", str(running.port), "--folder", running.folder)

    assert done.returncode == 3
    assert re.fullmatch(rf"error: cannot serve on port {running.port} of 127.0.0.1: .*\n", done.stderr)


def test_the_token_is_in_no_argument_of_a_process(tmp_path):
    process, url = serving("--folder", tmp_path, env={"MASSPROOF_TOKEN": "s3cret"})
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    refused = get(f"{url}/v1/materials")
    process.terminate()
    process.communicate(timeout=20)

    assert "massproof" in listing and "s3cret" not in listing
    assert refused == 401


def get(url, fault=""):
    request = urllib.request.Request(url, headers={"X-Massproof-Fault": fault} if fault else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def command(*words):
    return [sys.executable, "-m", "massproof", "serve", "--log", "none", *map(str, words)]


def serve(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=60, env=environment())


def serving(*words, env=None):
    """A server that listens, from the command line: its process and its address."""
    process = subprocess.Popen(
        command("--port", "0", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment() | (env or {})
    )  # fmt: skip
    line = process.stdout.readline()
    return process, re.search(r"http://127\.0\.0\.1:\d+", line)[0]


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT / "src")}


# The command and the fixture


def test_the_command_serves_what_its_options_say(tmp_path, monkeypatch):
    told = fake_granian(monkeypatch)
    options = [
        "--folder",
        str(tmp_path),
        "--port",
        "0",
        "--fault",
        "drop",
        "--fault",
        "stuck",
        "--upload-limit",
        "1 MiB",
        "--name",
        "cad",
    ]
    done = typer.testing.CliRunner().invoke(commands.app, ["serve", *options])
    made = told["application"].args[0]

    assert done.exit_code == 0
    assert (made.folder, made.faults, made.upload_limit, made.names) == (
        tmp_path,
        ("drop", "stuck"),
        MEBI,
        ("cad",),
    )


def test_the_command_says_what_is_wrong(tmp_path):
    done = typer.testing.CliRunner().invoke(
        commands.app, ["serve", "--host", "0.0.0.0", "--folder", str(tmp_path)]
    )

    assert done.exit_code == 2
    assert "others on the network can reach the server" in done.stderr


def test_the_command_line_leaves_it_to_typer():
    assert cli.plain(["serve", "--port", "0"]) is None


def test_pytest_has_a_server_and_heals_it(pytester):
    pytester.makeconftest(
        "import pytest\n@pytest.fixture(scope='session')\ndef massproof_settings():\n    return {'token': 't'}\n"
    )
    pytester.makepyfile(
        "import httpx\n"
        "def get(server):\n"
        "    headers = {'Authorization': 'Bearer t'}\n"
        "    return httpx.get(server.url + '/v1/materials', headers=headers, trust_env=False).status_code\n"
        "def test_one(massproof_server):\n"
        "    assert (massproof_server.token, get(massproof_server)) == ('t', 200)\n"
        "    massproof_server.fault('status=503')\n"
        "    assert get(massproof_server) == 503\n"
        "def test_two(massproof_server):\n"
        "    assert get(massproof_server) == 200\n"
    )
    done = pytester.runpytest_inprocess("-p", "massproof.pytest_plugin", "-p", "no:cacheprovider")

    done.assert_outcomes(passed=2)


def test_pytest_has_one_without_settings(pytester):
    pytester.makepyfile("def test_one(massproof_server):\n    assert massproof_server.token is None\n")

    pytester.runpytest_inprocess("-p", "massproof.pytest_plugin", "-p", "no:cacheprovider").assert_outcomes(
        passed=1
    )


def test_the_application_says_that_it_has_started(tmp_path):
    from starlette.testclient import TestClient

    said = []
    with TestClient(server.app(Settings(folder=tmp_path, log="none"), lambda: said.append("started"))):
        assert said == ["started"]
