"""Who may ask, and how much: what every request passes before a route sees it. docs/security.md says against whom."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from massproof.serving.forms import Forms, segment
from massproof.serving.service import MEBI, Service
from massproof.serving.web import ADMITTED, Refused, tokens

OPEN = ("/healthz", "/", "/page")  # to everybody, with all below them
_HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
_ADDRESS = 8192  # bytes of path and query: 414 beyond
_AROUND = MEBI  # bytes that a form may have around its files
_SMALL = MEBI  # bytes of a body that does not count as an upload
_GRACE = 5.0  # seconds of waiting for a body before it must be fast enough
_LEAST = 16 << 10  # bytes a second of a body, on average
_SPARE = 64 * MEBI  # bytes of the disk that an upload must leave


class Guarding:
    """Middleware: host and origin, token, size and speed of bodies."""

    def __init__(self, app: ASGIApp, service: Service, forms: Forms, opened: Iterable[str] = ()) -> None:
        """opened : paths, with all below them, whose routes ask for tokens themselves."""
        settings = service.settings
        self.app, self._service, self._forms = app, service, forms
        self._open = frozenset((*OPEN, *opened))
        self._names = _HERE | {name.lower() for name in settings.names} | {_bracketed(settings.host)}
        # Whoever must show a token cannot be a page that has our address under its own name.
        self._any_name = bool(settings.token) and not settings.names and settings.host not in _HERE
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(raw=scope["headers"])
        counted = False
        try:
            await self._check(scope, headers)
            if counted := _is_upload(headers):
                self._room(headers)
                self._uploads += 1
            await self.app(scope, Body(receive, headers, self._service), send)
        except Refused as error:
            await self._forms.answer(scope, error.status, error.message)(scope, receive, send)
        finally:
            self._uploads -= counted

    async def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.getlist("host")
        if len(host) != 1:
            raise Refused(400, f"a request has one Host header, this one has {len(host)}")
        if not self._any_name and _name(host[0]) not in self._names:
            raise Refused(421, f"this server is not called {host[0][:100]!r}; add that with --name")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host[0]:
            raise Refused(403, f"pages of {origin[:100]!r} may not use this server")
        if len(scope["path"]) + len(scope["query_string"]) > _ADDRESS:
            raise Refused(414, f"an address has {_ADDRESS} bytes at most")
        if not self._is_open(scope["path"]):
            if not await self._admitted(scope, headers):
                raise Refused(401, "this server wants its token: send Authorization: Bearer and the token")
            scope[ADMITTED] = True
        if _length(headers) > self._most:
            raise Refused(413, f"request body exceeded maximum size of {self._most} bytes")

    @property
    def _most(self) -> int:
        return self._service.settings.upload_limit + _AROUND

    def _is_open(self, path: str) -> bool:
        return path in self._open or f"/{segment(path)}" in self._open

    async def _admitted(self, scope: Scope, headers: Headers) -> bool:
        service, query, shown = self._service, scope["query_string"], tokens(headers)
        if not service.settings.token or any(map(service.admits, shown)):
            return True
        if b"signature=" in query:
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            if service.signer.holds(scope["path"], QueryParams(query), method):
                return True
        return bool(shown and service.sold) and await service.call(_is_sold, service, shown[0])

    def _room(self, headers: Headers) -> None:
        """Raises Refused: 503 while too many upload, 507 where the disk would be full."""
        most = self._service.settings.uploads
        if self._uploads >= most:
            raise Refused(
                503, f"{most} files are being received, which is as many as this server takes at once"
            )
        free = shutil.disk_usage(self._service.settings.folder).free
        if free < _length(headers) + _SPARE:
            raise Refused(507, f"the file cannot be kept: {free} bytes are free")


class Body:
    """The body of a request as it comes in, no more of it and no slower than is allowed."""

    def __init__(self, receive: Receive, headers: Headers, service: Service) -> None:
        self._receive, self._idle = receive, service.settings.idle_seconds
        self._most = service.settings.upload_limit + _AROUND
        self._left = _length(headers) > 0 or "transfer-encoding" in headers
        self._size, self._waited = 0, 0.0

    async def __call__(self) -> Message:
        """The next message, as ASGI has it; raises Refused: 413, or 408 for a body that stalls or trickles."""
        if not self._left:
            return await self._receive()
        before = time.monotonic()
        try:
            async with asyncio.timeout(self._idle):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, f"no byte of the body came for {self._idle:g} s") from None
        self._waited += time.monotonic() - before
        self._size += len(message.get("body", b""))
        self._left = message.get("more_body", False)
        if self._size > self._most:
            raise Refused(413, f"request body exceeded maximum size of {self._most} bytes")
        if self._left and self._waited > _GRACE and self._size < _LEAST * self._waited:
            raise Refused(408, f"{self._size} bytes of the body came in {self._waited:.0f} s: too slow")
        return message


def _is_sold(service: Service, token: str) -> bool:
    return any(holds(token) for holds in service.sold)


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _is_upload(headers: Headers) -> bool:
    return _length(headers) > _SMALL or "transfer-encoding" in headers


def _name(host: str) -> str:
    """The name in a Host header, without a port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()
