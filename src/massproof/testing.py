"""A server for the tests of your own client: real measurements at an address of this machine, and faults on request.

    with massproof.testing.server() as cloud:
        mine = MyClient(base_url=cloud.url)
        cloud.fault("status=503 times=2")  # and see whether it tries again

pytest has it as the fixture `massproof_server`.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from massproof.errors import MassproofError, UsageError
from massproof.hosting import as_json

_PATIENCE = 35.0  # seconds for a server to end: what it gives its jobs, and some
CONTROL = "X-Massproof-Control"


class Server:
    """A running server."""

    def __init__(self, url: str, port: int, token: str | None, folder: Path, control: str) -> None:
        self.url, self.port, self.token, self.folder = url, port, token, folder
        self._control, self._closing = control, ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which clients that read them find the server."""
        token = self.token or "local"
        return {"ZOO_HOST": self.url, "ZOO_API_TOKEN": token, "KITTYCAD_API_TOKEN": token}

    @cached_property
    def zoo(self) -> Any:
        """A client of Zoo's own package `kittycad` at this server, closed with it."""
        from kittycad import KittyCAD

        client = KittyCAD(token=self.token or "local", base_url=self.url)
        self._closing.callback(client.close)
        return client

    def fault(self, *rules: str) -> None:
        """What goes wrong from now on, as "status=503 times=2"; raises UsageError for what is no such rule."""
        self._put(list(rules))

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._put([])

    def _put(self, rules: list[str]) -> None:
        request = urllib.request.Request(
            f"{self.url}/massproof/faults",
            json.dumps(rules).encode(),
            {CONTROL: self._control, "Content-Type": "application/json"},
            method="PUT",
        )
        try:
            _direct().open(request, timeout=10).close()
        except urllib.error.HTTPError as error:
            with error:
                raise UsageError(json.load(error)["message"]) from None


def _direct() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # the server is here, not behind a proxy


@contextmanager
def server(**settings: Any) -> Iterator[Server]:
    """A server on a free port while the block runs, in processes of its own.

    settings : those of `massproof.serving.service.Settings`; a folder that is removed afterwards and the database
        "memory" without them

    Raises UsageError and InputError for settings that no server can have, MissingExtra without massproof[serve].
    """
    with tempfile.TemporaryDirectory(prefix="massproof-serve-", ignore_cleanup_errors=True) as folder:
        told: dict[str, Any] = {"folder": folder, "port": 0, "log": "none", "control": secrets.token_hex(16)}
        told |= settings
        with _process(told) as line:
            running = Server(
                line["url"], line["port"], told.get("token"), Path(told["folder"]), told["control"]
            )
            with running._closing:
                yield running


@contextmanager
def _process(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-c", "from massproof.hosting import main; main()"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8"
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(as_json(told) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                process.wait(_PATIENCE)
                errors.seek(0)
                raise _why(errors.read().decode("utf-8", "replace"))
            yield json.loads(line)
        finally:
            _end(process)


def _why(text: str) -> MassproofError:
    last = text.strip().rpartition("\n")[2].removeprefix("error: ")
    return UsageError(last or "the server ended without a word")


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
