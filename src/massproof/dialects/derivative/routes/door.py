"""What every route goes through: who asks, may they, and how a refusal is said."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from massproof.dialects.derivative import tables, tokens
from massproof.errors import MassproofError
from massproof.serving.service import Service
from massproof.serving.web import Refused, bearer, json_body

Handler = Callable[[Request], Awaitable[Response]]

REVOKED = "aps.revoked"


class Later(Exception):
    """An answer that is not there yet."""


class Barred(Refused):
    """A request without a token that allows it."""

    def __init__(self, why: str) -> None:
        row = tables.service()["auth"]["refusals"][why]
        super().__init__(row["status"], row["message"])
        more = tables.service()["auth"]["more"]
        self.body = {"developerMessage": row["message"], "moreInfo": more, "errorCode": row["code"]}


def route(service: Service, path: str, methods: str, handler: Handler, scopes: Iterable[str] = ()) -> Route:
    """A route for methods, as "GET PUT", that a token with one of these scopes may take; any, without scopes."""
    may = frozenset(scopes)

    async def taken(request: Request) -> Response:
        try:
            if may:
                await _admit(service, request, may)
            return await handler(request)
        except Later:
            return JSONResponse({"result": "success"}, 202)
        except Barred as error:
            return JSONResponse(error.body, error.status)
        except MassproofError as error:
            raise Refused(404, str(error)) from error  # a file that is not kept any more

    return Route(path, taken, methods=methods.split())


async def _admit(service: Service, request: Request, may: frozenset[str]) -> None:
    token = bearer(request)
    if not token:
        raise Barred(why="missing")
    claims = await service.call(known, service, token)
    secret = service.settings.token
    if claims is None:
        if tokens.ours(token) or (secret and not same(token, secret)):
            raise Barred(why="invalid")
    elif claims.use != "access":
        raise Barred(why="invalid")
    elif may.isdisjoint(claims.scope.split()):
        raise Barred(why="scope")


def known(service: Service, token: str) -> tokens.Claims | None:
    """What a token of ours says, None for another and for one that was revoked."""
    claims = tokens.read(service.signer, token)
    if claims and service.records.get(REVOKED, mark(token)) is not None:
        return None
    return claims


def mark(token: str) -> str:
    """What a token is remembered by."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that tells nothing."""
    return hmac.compare_digest(one.encode(), other.encode())


def base(request: Request) -> str:
    """The address of this server as the client calls it."""
    return str(request.base_url).rstrip("/")


async def told(request: Request) -> dict[str, Any]:
    """The JSON object in the body of a request; raises Refused."""
    found = await json_body(request)
    if not isinstance(found, dict):
        raise Refused(400, "The body of the request is not a JSON object.")
    return found


def whole(text: str | None, name: str, default: int, least: int, most: int) -> int:
    """A query parameter that is a whole number between bounds; raises Refused."""
    if not text or text == "undefined":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not least <= int(text) <= most:
        raise Refused(400, f"{name} must be a whole number from {least} to {most}, not {text[:20]!r}.")
    return int(text)
