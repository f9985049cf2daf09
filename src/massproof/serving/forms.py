"""Refusals in the form of the service whose address was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Scope

from massproof.serving.web import Refused

ID = "massproof.id"  # in the scope of a request


class Refusal(NamedTuple):
    """What is said to a request that no route takes."""

    status: int
    message: str
    id: str = ""  # of the request, as its header X-Request-Id has it
    path: str = ""


ErrorBody = Callable[[Refusal], Any]  # as JSON says it


def plain(refusal: Refusal) -> Any:
    """Our own form, of addresses that belong to no service."""
    status, message, *_ = refusal
    return {"status": status, "error": HTTPStatus(status).phrase, "message": message}


class Forms:
    """Which service an address belongs to, told by its first segment, and how that service says no."""

    def __init__(self) -> None:
        self._bodies: dict[str, ErrorBody] = {}

    def add(self, routes: Iterable[BaseRoute], body: ErrorBody) -> None:
        """The addresses of one service; those that start with a parameter are nobody's."""
        self._bodies |= dict.fromkeys(segments(routes), body)

    def answer(
        self, scope: Scope, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The refusal of a request."""
        refusal = Refusal(status, message, scope.get(ID, ""), scope["path"])
        body = self._bodies.get(segment(scope["path"]), plain)
        return JSONResponse(body(refusal), status, {**_HEADERS.get(status, {}), **(headers or {})})

    async def refused(self, request: Request, error: Exception) -> Response:
        """What Starlette answers for a `Refused` that a route lets pass."""
        assert isinstance(error, Refused)
        return self.answer(request.scope, error.status, error.message)

    async def unrouted(self, request: Request, error: Exception) -> Response:
        """What Starlette answers for an address or a method that nothing serves."""
        assert isinstance(error, HTTPException)
        return self.answer(request.scope, error.status_code, _why(request, error), error.headers)


_HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    408: {"Connection": "close"},
    413: {"Connection": "close"},
    429: {"Retry-After": "1"},
    503: {"Retry-After": "1"},
}


def segments(routes: Iterable[BaseRoute]) -> list[str]:
    """First segments of the addresses of routes; one that starts with a parameter has none."""
    return [first for route in routes if (first := segment(getattr(route, "path", "")))]


def segment(path: str) -> str:
    """The first segment of an address, which tells whose it is; "" for one that starts with a parameter."""
    first = path.lstrip("/").partition("/")[0]
    return "" if first.startswith("{") else first


def _why(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"nothing is served at {request.url.path[:200]}"
    if error.status_code == 405:
        return f"{request.method} is not served at {request.url.path[:200]}"
    return str(error.detail)
