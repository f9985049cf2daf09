"""Refusals in the form of the service whose address was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from massproof.serving.web import Refused

ErrorBody = Callable[[int, str], Any]  # of a status and a message, as JSON says it


def plain(status: int, message: str) -> Any:
    """Our own form, of addresses that belong to no service."""
    return {"status": status, "error": HTTPStatus(status).phrase, "message": message}


class Forms:
    """Which service an address belongs to, told by its first segment, and how that service says no."""

    def __init__(self) -> None:
        self._bodies: dict[str, ErrorBody] = {}

    def add(self, routes: Iterable[BaseRoute], body: ErrorBody) -> None:
        """The addresses of one service; those that start with a parameter are nobody's."""
        for route in routes:
            if segment := _segment(getattr(route, "path", "")):
                self._bodies[segment] = body

    def answer(
        self, path: str, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The refusal of a request to a path."""
        body = self._bodies.get(_segment(path), plain)
        return JSONResponse(body(status, message), status, {**_HEADERS.get(status, {}), **(headers or {})})

    async def refused(self, request: Request, error: Exception) -> Response:
        """What Starlette answers for a `Refused` that a route lets pass."""
        assert isinstance(error, Refused)
        return self.answer(request.url.path, error.status, error.message)

    async def unrouted(self, request: Request, error: Exception) -> Response:
        """What Starlette answers for an address or a method that nothing serves."""
        assert isinstance(error, HTTPException)
        return self.answer(request.url.path, error.status_code, _why(request, error), error.headers)


_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    408: {"Connection": "close"},
    413: {"Connection": "close"},
    429: {"Retry-After": "1"},
    503: {"Retry-After": "1"},
}


def _segment(path: str) -> str:
    first = path.lstrip("/").partition("/")[0]
    return "" if first.startswith("{") else first


def _why(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"nothing is served at {request.url.path[:200]}"
    if error.status_code == 405:
        return f"{request.method} is not served at {request.url.path[:200]}"
    return str(error.detail)
