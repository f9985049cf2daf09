"""How requests are read and answered, whatever the dialect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from massproof.blobs import Blob, Blobs
from massproof.serving.service import Service

_IDLE = 10.0  # seconds without a byte of a body


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
        raise Refused(413, f"request body exceeded maximum size of {most} bytes")
    try:
        with (blobs or service.blobs).writing() as out:
            async for piece in _pieces(request):
                if out.size + len(piece) > most:
                    raise Refused(413, f"request body exceeded maximum size of {most} bytes")
                await service.call(out.write, piece)
        return out.blob
    except OSError as error:
        raise Refused(507, f"the file cannot be kept: {error.strerror or error}") from error


async def small(request: Request, most: int) -> bytes:
    """The body of a request that is never large; raises Refused as `receive` does."""
    body = b""
    async for piece in _pieces(request):
        body += piece
        if len(body) > most:
            raise Refused(413, f"request body exceeded maximum size of {most} bytes")
    return body


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream().__aiter__()
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream), _IDLE)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refused(408, f"no byte of the body came for {_IDLE:g} s") from None
        except ClientDisconnect:
            raise Refused(400, "the body broke off before its end") from None
        yield piece


def bearer(request: Request) -> str:
    """The token that a request shows, "" without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


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
