"""A service, a clock and a world of secrets that tests of remote clients play with. Nobody sleeps, nobody is called."""

import contextlib
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx

from massproof.clients.port import Part

TOKEN = "zoo-0123-very-secret-token"
ENVIRON = {
    "ZOO_API_TOKEN": TOKEN,
    "APS_ACCESS_TOKEN": "aps.eyJ-very-secret.token",
    "ONSHAPE_ACCESS_KEY": "OnAccessKey/0123",
    "ONSHAPE_SECRET_KEY": "OnSecret+Key=4567",
}
START = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time that passes only while somebody sleeps; chance is 1, so pauses have their full length."""

    def __init__(self, chance=1.0):
        self.slept, self._chance = [], chance

    def now(self):
        return sum(self.slept)

    def sleep(self, seconds):
        self.slept.append(seconds)

    def today(self):
        return START + timedelta(seconds=self.now())

    def chance(self):
        return self._chance


class Fake:
    """A service that answers from a script, and remembers what it was asked.

    script : (path's end, answers) pairs; each answer is (status, body[, headers]), an exception, or a function of the
        request; the last one is repeated
    """

    def __init__(self, *script):
        self._script = [(path, list(answers)) for path, answers in script]
        self.asked = []
        self.client = httpx.Client(transport=httpx.MockTransport(self))

    def __call__(self, request):
        request.read()
        self.asked.append(request)
        for path, answers in self._script:
            if request.url.path.endswith(path):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return self._answer(answer, request)
        msg = f"nobody expects {request.method} {request.url}"
        raise AssertionError(msg)

    def _answer(self, answer, request):
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        status, body, *headers = answer
        text = body if isinstance(body, str) else json.dumps(body)
        given = headers[0] if headers else {}
        return httpx.Response(
            status, content=text.encode(), headers={"content-type": "application/json"} | given
        )

    def paths(self):
        return [f"{r.method} {r.url.path}" for r in self.asked]


def part(tmp_path, name="box.step", format="step", density=None, content=b"ISO-10303-21;"):
    path = tmp_path / name
    path.write_bytes(content)
    return Part(str(path), name, format, "a" * 64, len(content), density)


@contextlib.contextmanager
def serving(answers):
    """The address of a real server on this machine.

    answers : by the last part of a path, a list of (status, body, bytes sent of it or None); the last one is repeated
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self):
            listed = answers[urlsplit(self.path).path.rpartition("/")[2]]
            status, body, cut = listed.pop(0) if len(listed) > 1 else listed[0]
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Set-Cookie", f"session={TOKEN}")
            self.end_headers()
            self.wfile.write(text[:cut])
            self.close_connection = True

        def log_message(self, *arguments):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
