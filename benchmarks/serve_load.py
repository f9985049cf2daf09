"""How much one server process answers: 64 clients at once, and operations in SQLite.

    python benchmarks/serve_load.py [--quick] [--database memory]

Each part counts answers for a minute (10 s with --quick), and every answer that is not 200 as an error. A rate is told
twice: by the clock, where the clients take their share of the processor, and per second of the server's own CPU time,
which is what one core gives. The clients are sockets of one process, which reads no more of an answer than its length.
Writes what it finds to the page of results, where there is one of this machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import selectors
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import machine
import meshes
import results

from massproof import dialects, testing

CLIENTS, SECONDS, QUICK = 64, 60.0, 10.0
MEBI = 1 << 20
IDLE = 2.0  # seconds after which a connection is not used again: the server closes those that idle
LARGE = 512 * MEBI
DATA = Path(__file__).resolve().parent.parent / "data"
HEADERS = {"Authorization": "Bearer benchmark"}


class Client:
    """One connection that asks the same again and again."""

    def __init__(self, port: int, request: bytes) -> None:
        self._request, self._read, self._whole = request, b"", 0
        self.done = self.errors = 0
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ask()

    def ask(self) -> None:
        """Send the request."""
        self._read, self._whole = b"", 0
        self.socket.sendall(self._request)

    def hear(self) -> None:
        """Read what has come; count and ask again when the answer is whole."""
        piece = self.socket.recv(1 << 16)
        self._read += piece
        head = self._read.find(b"\r\n\r\n")
        if not self._whole and head > 0:
            length = re.search(rb"content-length: (\d+)", self._read[:head])
            self._whole = head + 4 + int(length[1]) if length else sys.maxsize
        if not piece or (self._whole and len(self._read) >= self._whole):
            self.errors += not self._read.startswith(b"HTTP/1.1 200")
            self.done += 1
            self.ask()


def load(port: int, request: bytes, seconds: float) -> tuple[int, int, float]:
    """Answers, errors among them, and seconds, of all clients at once."""
    clients = [Client(port, request) for _ in range(CLIENTS)]
    with selectors.DefaultSelector() as waiting:
        for one in clients:
            waiting.register(one.socket, selectors.EVENT_READ, one)
        start = time.perf_counter()
        while (took := time.perf_counter() - start) < seconds:
            for key, _ in waiting.select(1):
                key.data.hear()
    for one in clients:
        one.socket.close()
    return sum(one.done for one in clients), sum(one.errors for one in clients), took


class Watched:
    """A server, and what its processes take."""

    def __init__(self, server: testing.Server) -> None:
        self.server = server
        self._used = 0.0
        self._line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        self.worker = int(re.search(r'worker="(\d+)"', self._text("/metrics"))[1])

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """The JSON that is answered."""
        return json.loads(self._text(path, body))

    def _text(self, path: str, body: bytes | None = None) -> str:
        kind = {"Content-Type": "application/json"} if body and body[:1] == b"{" else {}
        if time.monotonic() - self._used > IDLE:
            self._line.close()
        self._used = time.monotonic()
        self._line.request("POST" if body else "GET", path, body, HEADERS | kind)
        with self._line.getresponse() as answer:
            text = answer.read().decode()
            assert answer.status < 300, text
            return text

    def processes(self) -> Iterator[Path]:
        """The one that answers, and those that it started."""
        family = {self.worker}
        for path in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: int(one.name)):
            with suppress(OSError):
                if int((path / "stat").read_text().rpartition(")")[2].split()[1]) in family:
                    family.add(int(path.name))
        return (Path("/proc", str(pid)) for pid in family)

    def cpu(self) -> float:
        """Seconds that they have computed."""
        ticks = 0
        for path in self.processes():
            with suppress(OSError):
                ticks += sum(map(int, (path / "stat").read_text().rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Megabytes of memory of the one that answers."""
        text = (Path("/proc") / str(self.worker) / "status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1000


def request(path: str, body: bytes = b"") -> bytes:
    """What a client sends."""
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    method = "POST" if body else "GET"
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}{kind}\r\n".encode() + body


def rate(watched: Watched, told: bytes, seconds: float) -> dict[str, Any]:
    """Answers a second, by the clock and of the server's CPU time."""
    before = watched.cpu()
    done, errors, took = load(watched.server.port, told, seconds)
    computed = watched.cpu() - before
    return {"wall": done / took, "per core": done / computed, "count": done, "errors": errors}


def triangle(number: int) -> bytes:
    """A small binary STL that no other is: a tetrahedron, whose header is the number."""
    a, b, c, d = (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)
    faces = b"".join(
        struct.pack("<12fH", 0, 0, 0, *x, *y, *z, 0)
        for x, y, z in ((a, c, b), (a, b, d), (b, c, d), (a, d, c))
    )
    return str(number).encode().ljust(80) + struct.pack("<I", 4) + faces


def submissions(watched: Watched, count: int) -> dict[str, dict[str, Any]]:
    """Milliseconds of an operation from its submission to its result, of the same again, and of a call of Zoo's."""
    times: dict[str, list[float]] = {
        "submit → durable → result": [],
        "the same once more": [],
        "Zoo: a new file → its volume": [],
    }
    submitted, repeated, called = times.values()
    for number in range(count):
        file = watched.ask("/v1/files?name=part.stl", triangle(number))["file"]
        asked = json.dumps({"kind": "properties", "file": file, "options": {"unit": "mm"}}).encode()
        start = time.perf_counter()
        made = watched.ask("/v1/operations", asked)
        found = watched.ask(f"/v1/operations/{made['id']}?wait=30")
        submitted.append((time.perf_counter() - start) * 1e3)
        start = time.perf_counter()
        again = watched.ask("/v1/operations", asked)
        repeated.append((time.perf_counter() - start) * 1e3)
        start = time.perf_counter()
        answer = watched.ask("/file/volume?src_format=stl&output_unit=mm3", triangle(count + number))
        called.append((time.perf_counter() - start) * 1e3)
        assert found["state"] == again["state"] == "succeeded" and answer["status"] == "completed", (
            found,
            again,
            answer,
        )
    return {name: _quantiles(column[20:]) for name, column in times.items()}


def _quantiles(times: list[float]) -> dict[str, Any]:
    return {
        "p50": statistics.median(times),
        "p99": statistics.quantiles(times, n=100)[98],
        "count": len(times),
        "errors": 0,
    }


def upload(watched: Watched) -> dict[str, Any]:
    """Megabytes that the server's memory grows by, at most, while it receives a large file."""
    before, seen, ended = watched.resident(), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.append(watched.resident() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", watched.server.port)) as sent:
        sent.sendall(
            f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {LARGE}\r\n\r\n".encode()
        )
        for _ in range(LARGE // MEBI):
            sent.sendall(os.urandom(4096) * (MEBI // 4096))
        status = int(sent.recv(64)[9:12])
    took = time.perf_counter() - start
    ended.set()
    thread.join()
    return {"growth": max(seen), "rate": LARGE / MEBI / took, "count": 1, "errors": int(status != 201)}


def prepared(watched: Watched) -> dict[str, bytes]:
    """What clients ask, by the name of its part: of a measurement that has been made."""
    file = watched.ask("/v1/files?name=box.stl", (DATA / "box.stl").read_bytes())["file"]
    asked = {"kind": "properties", "file": file, "options": {"unit": "mm"}}
    made = watched.ask("/v1/operations", json.dumps(asked).encode())
    watched.ask(f"/v1/operations/{made['id']}?wait=30")
    call = watched.ask("/file/volume?src_format=stl&output_unit=mm3", (DATA / "box.stl").read_bytes())
    found = {
        "alive": request("/healthz"),
        "status": request(f"/v1/operations/{made['id']}"),
        "Zoo's status": request(f"/async/operations/{call['id']}"),
    }
    if "mfgdm" in dialects.SERVED:
        found["cached GraphQL properties"] = request(
            "/mfg/graphql", json.dumps({"query": _query(watched)}).encode()
        )
    return found


def _query(watched: Watched) -> str:
    """The mass properties of the one file in a hub that is a folder, by its id, once they are there."""
    hubs = _graphql(watched, _TREE)["hubs"]["results"]
    hub = next(
        one for one in hubs if any(project["name"] == "project" for project in one["projects"]["results"])
    )
    (item,) = hub["projects"]["results"][0]["items"]["results"]
    query = _PROPERTIES % (hub["id"], item["id"])
    for _ in range(100):
        body = _graphql(watched, query)
        if "COMPLETED" in json.dumps(body):
            return query
        time.sleep(0.1)
    raise RuntimeError(body)


def _graphql(watched: Watched, query: str) -> Any:
    return watched.ask("/mfg/graphql", json.dumps({"query": query}).encode())["data"]


_TREE = "{ hubs { results { id projects { results { name items { results { id } } } } } } }"
_PROPERTIES = """{ item(hubId: "%s", itemId: "%s") { ... on DesignItem { tipRootComponentVersion {
    physicalProperties { status mass { value } volume { value } area { value } } } } } }"""


def run(database: str, quick: bool) -> dict[str, Any]:
    """All parts."""
    found: dict[str, Any] = {
        "machine": machine.description(),
        "database": database,
        "quick": quick,
        "rows": {},
    }
    rows = found["rows"]
    with (
        tempfile.TemporaryDirectory() as hub,
        testing.server(database=database, upload_limit=LARGE, hubs=[hub]) as server,
    ):
        (Path(hub) / "project").mkdir()
        shutil.copy(DATA / "box.stl", Path(hub) / "project")
        watched = Watched(server)
        for name, told in prepared(watched).items():
            rows[name] = rate(watched, told, QUICK if quick else SECONDS)
            print(name, rows[name], flush=True)
        count = 200 if quick else 1000
        rows |= submissions(watched, count)
        rows["upload of 512 MiB"] = upload(watched)
    for name in list(rows)[-4:]:
        print(name, rows[name], flush=True)
    return found


def main() -> None:
    """Measure, print, and put it into the page of results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="10 s a part")
    parser.add_argument("--database", default="sqlite", help="memory, sqlite or postgresql://...")
    options = parser.parse_args()
    found = run(options.database, options.quick)
    page = meshes.FOLDER / "results.json"
    if page.exists() and not options.quick:
        whole = json.loads(page.read_text()) | {"serve": found}
        page.write_text(json.dumps(whole))
        results.write(whole)


if __name__ == "__main__":
    main()
