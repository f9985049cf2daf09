"""How requests are read and answered, whatever the dialect."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NoReturn

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from massproof.blobs import Blob, Blobs
from massproof.serving.service import MEBI, Service

ADMITTED = "massproof.admitted"  # in the scope of a request that `guarding` has let in
_DEEPEST = 64  # levels of JSON
_TOO_LARGE = "request body exceeded maximum size of {} bytes"


class Refused(Exception):
    """A request that no route can take; each dialect says it in its own form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


async def receive(
    request: Request, service: Service, limit: int | None = None, blobs: Blobs | None = None
) -> Blob:
    """Keep the body of a request, never more of it in memory than a piece; among the service's blobs, or others.

    Raises Refused: 413 for more than `limit` bytes (the service's without it), 408 for a body that stalls, 400 for
    one that breaks off, 507 where there is no room for it.
    """
    most = service.settings.upload_limit if limit is None else limit
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise Refused(413, _TOO_LARGE.format(most))
    try:
        with (blobs or service.blobs).writing() as out:
            async for piece in _pieces(request, most):
                await service.call(out.write, piece)
        return out.blob
    except OSError as error:
        raise Refused(507, f"the file cannot be kept: {error.strerror or error}") from error


async def _pieces(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body in pieces of a mebibyte, whatever pieces it comes in; `guarding` has an eye on its speed."""
    size, kept = 0, bytearray()
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise Refused(413, _TOO_LARGE.format(most))
            kept += piece
            if len(kept) >= MEBI:
                yield bytes(kept)
                kept.clear()
    except ClientDisconnect:
        raise Refused(400, "the body broke off before its end") from None
    if kept:
        yield bytes(kept)


async def json_body(request: Request, limit: int = MEBI) -> Any:
    """What a body of JSON says.

    Raises Refused: 413 for more than `limit` bytes, 400 for what is no JSON, or is nested deeper than anything asked
    of us.
    """
    return parsed(await small(request, limit))


def parsed(body: bytes) -> Any:
    """What JSON says; raises Refused as `json_body` does."""
    try:
        found = json.loads(body, parse_constant=_no_number, parse_float=_finite)
        if b"\\u" in body:
            json.dumps(found, ensure_ascii=False).encode()  # half a character could be said in no answer
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise Refused(400, f"the body is no JSON: {why}") from None
    if not _is_shallow(found):
        raise Refused(400, f"the body is nested more than {_DEEPEST} deep")
    return found


def _finite(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    msg = f"{text} is no number there"
    raise ValueError(msg)


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _nested(outer)]
    return not level


def _nested(value: Any) -> Iterable[Any]:
    """The lists and objects in one; a value of neither kind has none."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return ()
    return (inner for inner in value if isinstance(inner, (dict, list)))


def tokens(headers: Headers) -> tuple[str, ...]:
    """What a request shows to be let in: a Bearer token; or both halves of what HTTP calls Basic."""
    scheme, shown = _credentials(headers)
    if scheme == "bearer":
        return (shown.strip(),)
    if scheme != "basic":
        return ()
    try:
        name, _, password = base64.b64decode(shown, validate=True).decode().partition(":")
    except ValueError:
        return ()
    return (password, name)


async def small(request: Request, most: int) -> bytes:
    """The body of a request that is never large; raises Refused as `receive` does."""
    return b"".join([piece async for piece in _pieces(request, most)])


def bearer(request: Request) -> str:
    """The token that a request shows, "" without one."""
    scheme, token = _credentials(request.headers)
    return token.strip() if scheme == "bearer" else ""


def _credentials(headers: Headers) -> tuple[str, str]:
    """The scheme of the header Authorization, in lower case, and what follows it."""
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    return scheme.lower(), shown


def authorized(request: Request, service: Service) -> bool:
    """Whether a request shows the token of this server, or it wants none, or its address is signed."""
    if request.scope.get(ADMITTED) or not service.settings.token:
        return True
    return any(map(service.admits, tokens(request.headers)))


def download(
    service: Service, digest: str, name: str, kind: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A blob as a file to keep, whole or the ranges that are asked for; nothing that a browser would run."""
    return FileResponse(
        service.blobs.path(digest),
        filename=name,
        media_type=kind,
        headers={"X-Content-Type-Options": "nosniff", **(headers or {})},
    )


def flag(value: str | None) -> bool:
    """A query parameter that is true or false."""
    return (value or "").lower() in ("true", "1", "yes")


def given(value: Any) -> Any:
    """A query parameter; None also for the "undefined" that a JavaScript client writes for nothing."""
    return None if value in (None, "", "undefined") else value
