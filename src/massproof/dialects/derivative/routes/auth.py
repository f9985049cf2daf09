"""Authentication v2: tokens for applications and for people. Who they are is not asked, unless the server has a secret.

OAuth 2.0 (RFC 6749) with introspection (RFC 7662), revocation (RFC 7009) and proof keys (RFC 7636).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from massproof.dialects.derivative import tables, tokens
from massproof.dialects.derivative.routes.door import REVOKED, Barred, known, mark, route, same
from massproof.serving.service import Service
from massproof.serving.web import Refused, bearer, small

_LARGEST = 1 << 16  # bytes of a form
_CODES = "aps.codes"
Form = Mapping[str, str]


def routes(service: Service) -> list[BaseRoute]:
    """Its routes."""
    door = Authentication(service)
    rows = [
        ("/authentication/v2/token", "POST", door.token),
        ("/authentication/v1/authenticate", "POST", door.token),
        ("/authentication/v2/introspect", "POST", door.introspect),
        ("/authentication/v2/revoke", "POST", door.revoke),
        ("/authentication/v2/keys", "GET", door.keys),
        ("/authentication/v2/authorize", "GET", door.authorize),
        ("/userinfo", "GET", door.userinfo),
    ]
    return [route(service, path, method, handler) for path, method, handler in rows]


class Authentication:
    """The routes' functions."""

    def __init__(self, service: Service) -> None:
        self._service, self._table = service, tables.service()["auth"]

    async def token(self, request: Request) -> Response:
        """A token for credentials, a code, or an older token."""
        form = await _form(request)
        client = self._client(request, form)
        kind = form.get("grant_type")
        if kind == "client_credentials":
            return self._granted(tokens.Claims("access", client, form.get("scope", "")), refresh=False)
        if kind == "authorization_code":
            return self._granted(await self._coded(client, form), refresh=True)
        if kind == "refresh_token":
            claims = await self._known(form.get("refresh_token", ""), "refresh", client)
            scope = form.get("scope") or claims.scope
            if not set(scope.split()) <= set(claims.scope.split()):
                raise Refused(400, "The scope is wider than that of the refresh token.")
            return self._granted(claims._replace(scope=scope), refresh=True)
        known = "client_credentials, authorization_code, refresh_token"
        raise Refused(400, f"grant_type {str(kind)[:40]!r} is none of {known}.")

    def _client(self, request: Request, form: Form) -> str:
        """Id of the application that asks; its secret must be the server's, if that has one."""
        id, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
            except (ValueError, binascii.Error):
                raise Barred(why="client") from None
        wanted = self._service.settings.token
        if not id or (wanted and not same(secret, wanted)):
            raise Barred(why="client")
        return id

    async def _known(self, token: str, use: str, client: str) -> tokens.Claims:
        claims = await self._service.call(known, self._service, token)
        if claims is None or claims.use != use or claims.client != client:
            raise Refused(
                400, f"The {use} token or code is invalid, has expired, or is another application's."
            )
        return claims

    async def _coded(self, client: str, form: Form) -> tokens.Claims:
        code = form.get("code", "")
        claims = await self._known(code, "code", client)
        shown = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(shown).decode().rstrip("=")
        if claims.redirect != form.get("redirect_uri", "") or claims.challenge not in ("", proof):
            raise Refused(400, "The code was given for another redirect_uri or code_challenge.")
        if not await self._service.call(self._service.records.put, _CODES, mark(code), True, True):
            raise Refused(400, "The code was used before.")
        return claims

    def _granted(self, claims: tokens.Claims, refresh: bool) -> Response:
        plain = claims._replace(use="access", redirect="", challenge="")
        seconds = self._table["expires"]
        answer = {
            "access_token": tokens.issue(self._service.signer, plain, seconds),
            "token_type": "Bearer",
            "expires_in": seconds,
        }
        if refresh:
            again = plain._replace(use="refresh")
            answer["refresh_token"] = tokens.issue(self._service.signer, again, self._table["refresh"])
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def introspect(self, request: Request) -> Response:
        """What a token says."""
        form = await _form(request)
        self._client(request, form)
        claims = await self._service.call(known, self._service, form.get("token", ""))
        if claims is None or claims.use == "code":
            return JSONResponse({"active": False})
        named = {"scope": claims.scope, "client_id": claims.client, "exp": claims.expires}
        return JSONResponse({"active": True, **named})

    async def revoke(self, request: Request) -> Response:
        """A token that is of no use any more."""
        form = await _form(request)
        self._client(request, form)
        await self._service.call(self._service.records.put, REVOKED, mark(form.get("token", "")), True)
        return Response(status_code=200)

    async def keys(self, request: Request) -> Response:
        """No keys: tokens are opaque, and only this server can tell its own."""
        return JSONResponse({"keys": []})

    async def authorize(self, request: Request) -> Response:
        """Nobody is asked: the browser goes back at once, with a code."""
        query = request.query_params
        back, client = query.get("redirect_uri", ""), query.get("client_id", "")
        if not _address(back) or not client or query.get("response_type") != "code":
            raise Refused(
                400, "authorize wants client_id, response_type=code and an http or https redirect_uri."
            )
        if query.get("code_challenge") and query.get("code_challenge_method", "S256") != "S256":
            raise Refused(400, "code_challenge_method must be S256.")
        claims = tokens.Claims(
            "code", client, query.get("scope", ""), redirect=back, challenge=query.get("code_challenge", "")
        )
        answer = {"code": tokens.issue(self._service.signer, claims, self._table["code"])}
        answer |= {"state": query["state"]} if "state" in query else {}
        return RedirectResponse(f"{back}{'&' if urlsplit(back).query else '?'}{urlencode(answer)}", 302)

    async def userinfo(self, request: Request) -> Response:
        """Somebody, whoever it is."""
        claims = await self._service.call(known, self._service, bearer(request))
        if claims is None or claims.use != "access":
            raise Barred(why="invalid" if bearer(request) else "missing")
        name = {"name": claims.client, "preferred_username": claims.client}
        return JSONResponse({"sub": mark(claims.client)[:12], **name, "email_verified": False})


async def _form(request: Request) -> Form:
    text = (await small(request, _LARGEST)).decode(errors="replace")
    try:
        return dict(parse_qsl(text, max_num_fields=50))
    except ValueError:
        raise Refused(400, "The body of the request is not a form.") from None


def _address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and bool(parts.hostname) and text.isascii() and text.isprintable()
    )
