"""Makes happen what `faults` says of a request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from massproof.errors import UsageError
from massproof.serving import faults
from massproof.serving.faults import Faults, Rule
from massproof.serving.forms import Forms

OURS = ("/healthz", "/readyz", "/metrics", "/massproof/")  # which tell of the server, and always do
_PIECES = 16  # of a body that is sent slowly
_MISSING = 1024  # bytes that an answer that is cut promises and does not send


class Cut(Exception):
    """The connection shall be cut: what carries the answer closes it when the application raises."""


class Failing:
    """Middleware: late, refused, cut, slow and null answers."""

    def __init__(self, app: ASGIApp, faults: Faults, forms: Forms) -> None:
        self.app, self._faults, self._forms = app, faults, forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http" or scope["path"].startswith(OURS):
            await self.app(scope, receive, send)
            return
        asked = next((value for name, value in scope["headers"] if name == faults.HEADER), b"").decode(
            "latin-1"
        )
        try:
            hit = self._faults.of(scope["method"], scope["path"], asked)
        except UsageError as error:
            await self._forms.answer(scope, 400, str(error))(scope, receive, send)
            return
        scope[faults.KEY] = hit
        if any(one.rule.slow for one in hit):  # a file that the server sends by itself is never slow
            scope["extensions"] = {}
        for one in hit:
            send = _changed(send, one.rule)
            await asyncio.sleep(one.rule.latency)
            if one.rule.status:
                await self._refuse(one.rule, scope, receive, send)
                return
            if one.rule.drop:
                await _cut(send)
        await self.app(scope, receive, send)

    async def _refuse(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        status = rule.status or 0
        headers = {"Retry-After": rule.retry_after} if status in (429, 503) else {}
        message = f"{status} because a fault was asked for"
        await self._forms.answer(scope, status, message, headers)(scope, receive, send)


async def _cut(send: Send) -> None:
    length = str(_MISSING).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise Cut


def _changed(send: Send, rule: Rule) -> Send:
    if rule.slow:
        send = _slowly(send, rule.slow)
    return _nulled(send) if rule.null_status else send


def _slowly(send: Send, seconds: float) -> Send:
    async def slow(message: Message) -> None:
        body = message.get("body", b"")
        if not body:
            await send(message)
            return
        step = -(-len(body) // _PIECES)
        for start in range(0, len(body), step):
            await asyncio.sleep(seconds / _PIECES)
            more = start + step < len(body) or message.get("more_body", False)
            await send({**message, "body": body[start : start + step], "more_body": more})

    return slow


def _nulled(send: Send) -> Send:
    """Holds a JSON answer back until it is whole, then sends it with every "status" null."""
    start: list[Message] = []
    body = bytearray()

    async def nulled(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.append(message)
            if not Headers(raw=message["headers"]).get("content-type", "").startswith("application/json"):
                await send(message)
        elif Headers(raw=start[0]["headers"]).get("content-type", "").startswith("application/json"):
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                text = json.dumps(_without_status(json.loads(bytes(body)))).encode()
                MutableHeaders(raw=start[0]["headers"])["content-length"] = str(len(text))
                await send(start[0])
                await send({"type": "http.response.body", "body": text})
        else:
            await send(message)

    return nulled


def _without_status(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: None if key == "status" and isinstance(inner, str) else _without_status(inner)
            for key, inner in value.items()
        }
    return [_without_status(inner) for inner in value] if isinstance(value, list) else value
