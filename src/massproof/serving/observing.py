"""Every request gets an id, a line in the log and a count; every mistake of ours an answer that does not show it."""

from __future__ import annotations

import json
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from massproof.serving.failing import Cut
from massproof.serving.forms import ID, Forms
from massproof.serving.metrics import Metrics

_ASKED, _TYPES = _OURS = (b"x-request-id", b"x-content-type-options")
_GOOD = re.compile(rb"[A-Za-z0-9._-]{1,64}")  # an id of the client's that may stand in our log
_LONGEST = 200  # characters of a path that no route has

_PROCESS, _NUMBERS = (
    secrets.token_hex(4),
    count(),
)  # an id of both is one of its own, and costs no system call

Write = Callable[[str], object]


class Observing:
    """Middleware, the outermost of ours."""

    def __init__(
        self, app: ASGIApp, forms: Forms, metrics: Metrics, log: str, write: Write | None = None
    ) -> None:
        self.app, self._forms, self._metrics = app, forms, metrics
        self._log, self._write = _LOGS[log], write or _to_stderr

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen = _Seen(scope, send)
        try:
            await self.app(scope, receive, seen)
        except Cut:
            seen.status = 0
            raise
        except Exception as error:
            self._write(f"error in request {seen.id}\n{''.join(traceback.format_exception(error))}")
            if seen.status:  # too late for another answer
                raise
            text = f"the server made a mistake; its log says more about request {seen.id}"
            await self._forms.answer(scope, 500, text)(scope, receive, seen)
        finally:
            self._done(scope, seen)

    def _done(self, scope: Scope, seen: _Seen) -> None:
        seconds = time.perf_counter() - seen.began
        route = getattr(scope.get("route"), "path", None)
        self._metrics.request(_method(scope), route or "unmatched", seen.status, seconds, seen.sent)
        if self._log:
            shown = route or ascii(scope["path"])[1:-1][:_LONGEST]
            self._write(self._log(seen.id, scope["method"], shown, seen.status, seconds * 1e3, seen.sent))


class _Seen:
    """What is sent, on its way."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send, self.status, self.sent, self.began = send, 0, 0, time.perf_counter()
        asked = next((value for name, value in scope["headers"] if name == _ASKED), b"")
        self.id = asked.decode() if _GOOD.fullmatch(asked) else f"{_PROCESS}{next(_NUMBERS) % 2**32:08x}"
        scope[ID] = self.id

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            theirs = [(name, value) for name, value in message["headers"] if name not in _OURS]
            ours = [(_ASKED, self.id.encode()), (_TYPES, b"nosniff")]
            message = {**message, "headers": theirs + ours}
        elif message["type"] == "http.response.pathsend":  # a file, which the server sends by itself
            self.sent += Path(message["path"]).stat().st_size
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _to_stderr(text: str) -> None:
    sys.stderr.write(text + "\n")


def _json(id: str, method: str, path: str, status: int, ms: float, sent: int) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"time": now, "id": id, "method": method, "path": path, "status": status, "ms": round(ms, 2)}
    return json.dumps(line | {"bytes": sent})


def _text(id: str, method: str, path: str, status: int, ms: float, sent: int) -> str:
    return f"{method} {path} {status} {ms:.1f} ms {sent} B {id}"


_LOGS: dict[str, Callable[[str, str, str, int, float, int], str] | None] = {
    "json": _json,
    "text": _text,
    "none": None,
}
LOGS = tuple(_LOGS)
