"""The door of the API: who asks, of which time's API, and errors in its own form. Every answer is JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from massproof.dialects.zoo import calls
from massproof.dialects.zoo.profiles import Profile, profile
from massproof.errors import MassproofError
from massproof.serving.forms import ID
from massproof.serving.service import Service
from massproof.serving.web import Refused, authorized, bearer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, of whom, and of which time's API."""

    request: Request
    service: Service
    profile: Profile
    user: str

    @property
    def query(self) -> Mapping[str, str]:
        """Parameters after the question mark."""
        return self.request.query_params

    @property
    def path(self) -> Mapping[str, str]:
        """Parameters of the path."""
        return self.request.path_params


Handler = Callable[[Asked], Awaitable[Response]]


class Door:
    """One path: every answer is JSON, errors as well, and says which call it was."""

    def __init__(self, service: Service, handlers: Mapping[str, Handler], open: bool = False) -> None:
        self._service, self._handlers, self._open = service, handlers, open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        number = str(scope.get(ID) or uuid4())
        try:
            response = await self._answer(Request(scope, receive), number)
        except Refused as error:
            response = _error(error.status, error.message, number)
        except MassproofError as error:
            response = _error(400, str(error), number)
        response.headers.setdefault("X-Api-Call-Id", number)
        await response(scope, receive, send)

    async def _answer(self, request: Request, number: str) -> Response:
        if not self._handlers:
            raise Refused(404, "Not Found")
        allowed = {"Allow": ", ".join((*self._handlers, "OPTIONS"))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allowed)
        handler = self._handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            return _error(405, "Method Not Allowed", number, allowed)
        settings = self._service.settings
        shown = profile(request.headers.get("X-Massproof-Profile") or settings.zoo_profile)
        token = bearer(request)
        if not self._open and not (token and authorized(request, self._service)):
            raise Refused(401, "Unauthorized: send a token in the header Authorization, as Bearer TOKEN")
        return await handler(Asked(request, self._service, shown, calls.user(token)))


def reply(body: Any, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """An answer; raises ValueError for a number that JSON has not."""
    text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    return Response(text, status, headers, "application/json")


def _error(status: int, message: str, number: str, headers: Mapping[str, str] | None = None) -> Response:
    return reply({"message": message, "request_id": number}, headers, status)
