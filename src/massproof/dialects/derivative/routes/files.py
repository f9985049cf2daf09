"""What was made: thumbnails and files, to be had with a token, or with signed cookies."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from massproof.dialects.derivative import manifests, outputs, propertydb, tables, urns
from massproof.dialects.derivative.model import Models
from massproof.dialects.derivative.routes.designs import READ, both
from massproof.dialects.derivative.routes.door import Later, base, route, whole
from massproof.dialects.derivative.routes.views import succeeded
from massproof.dialects.derivative.translations import Row, Translations
from massproof.operations.port import Job, State
from massproof.serving import faults, weighing
from massproof.serving.service import Service
from massproof.serving.web import Refused, download, given

_CDN = "/derivatives"
_COOKIES = ("Policy", "Key-Pair-Id", "Signature")  # in this order: clients count on it
_WAIT = 8.0  # seconds for a picture that is being drawn; clients give up after 15


def routes(service: Service, models: Models) -> list[BaseRoute]:
    """Its routes."""
    door, one = Files(service, models), "/{urn}/manifest/{derivative:path}"
    rows = [
        ("/{urn}/thumbnail", "GET", door.thumbnail, READ),
        (f"{one}/signedcookies", "GET", door.cookies, READ),
        (one, "GET", door.derivative, READ),
    ]
    signed = f"{_CDN}/{{urn}}/{{operation}}/{{name}}"
    return [*both(service, rows), route(service, signed, "GET", door.signed)]


class Files:
    """The routes' functions."""

    def __init__(self, service: Service, models: Models) -> None:
        self._service, self._translations, self._models = service, Translations(service), models

    async def thumbnail(self, request: Request) -> Response:
        """A picture of a file, of the size nearest to the one that is asked for."""
        row, *_ = await self._translations.rows(request, request.path_params["urn"])
        sizes = tables.service()["output"]["sizes"]
        wide, high = (whole(request.query_params.get(k), k, sizes[1], 1, 10000) for k in ("width", "height"))
        size = min(sizes, key=lambda one: abs(one - max(wide, high)))
        kind, options = outputs.picture(size, row.given)
        found = await self._translations.operation(request, Job(kind, (row.source.digest,), options))
        if not found.state.ended:
            found = faults.view(request, await self._service.wait(found.id, _WAIT) or found)
        if found.state is not State.SUCCEEDED:
            why = found.failure.message if found.failure else "it is being drawn"
            raise Refused(404, f"There is no thumbnail: {why}")
        headers = {
            "Cache-Control": "public, max-age=86400",
            "x-ads-name": f"thumb_{size}x{size}.png",
            "x-ads-job-status": "success",
            "x-ads-role": "rendered",
            "x-ads-size": f"[{size}, {size}]",
        }
        (digest,) = found.outcome.files.values()
        self._service.blobs.size(digest)
        return download(self._service, digest, f"thumb_{size}x{size}.png", "image/png", headers)

    async def _found(self, request: Request, output: urns.Output) -> str:
        """Digest of what was made; raises Refused, and Later while it is being made."""
        for row in await self._translations.rows(request, output.urn):
            for one in row.operations:
                if one.id != output.operation:
                    continue
                if not one.state.ended:
                    raise Later
                if output.name == propertydb.NAME and one.job.kind == weighing.KIND:
                    return await self._database(request, row)
                if output.name in one.outcome.files:
                    return one.outcome.files[output.name]
        raise Refused(404, "The derivative urn is none of this manifest.")

    async def _database(self, request: Request, row: Row) -> str:
        """Digest of the property database of a file, which is written when somebody asks for it."""
        found = succeeded(await self._translations.objects(request, row))
        model = await self._service.call(self._models.of, found, row.source.name)
        if not model.database or not self._service.blobs.has(model.database):
            view = manifests.view(row.source.digest)
            content = await self._service.call(propertydb.written, model, view)
            model.database = (await self._service.call(self._service.blobs.put, content)).digest
        return model.database

    async def _asked(self, request: Request) -> tuple[urns.Output, str]:
        output = urns.output(request.path_params["derivative"])
        if output.urn.rstrip("=") != urns.encoded(urns.decoded(request.path_params["urn"])):
            raise Refused(404, "The derivative urn is none of this manifest.")
        return output, await self._found(request, output)

    async def derivative(self, request: Request) -> Response:
        """The bytes of what was made."""
        output, digest = await self._asked(request)
        limit = "database" if output.name == propertydb.NAME else "file"
        size, most = self._service.blobs.size(digest), tables.service()["limits"][limit]
        if size > most and request.method == "GET" and "range" not in request.headers:
            raise Refused(
                413, f"The derivative has {size} bytes: ask for ranges of {most} at most, or signed cookies."
            )
        return download(self._service, digest, output.name, _mime(output.name))

    async def cookies(self, request: Request) -> Response:
        """An address of what was made, and the cookies that it wants."""
        query, most = request.query_params, tables.service()["limits"]["cookie"]
        minutes = whole(query.get("minutes-expiration"), "minutes-expiration", most, 1, most)
        shown = given(query.get("response-content-disposition"))
        if shown is not None and not (
            shown.startswith("attachment") and shown.isascii() and shown.isprintable()
        ):
            raise Refused(400, "response-content-disposition must begin with attachment.")
        output, digest = await self._asked(request)
        size = self._service.blobs.size(digest)
        path = f"{_CDN}/{output.urn}/{output.operation}/{output.name}"
        url, until = base(request) + path, int(time.time() + minutes * 60)
        policy = _policy(url, until, shown)
        marks = parse_qs(self._service.signer.signed(f"{path}\n{policy}", minutes * 60).rpartition("?")[2])
        values = (policy, "massproof", f"{marks['expires'][0]}.{marks['signature'][0]}")
        mime = _mime(output.name)
        body = {"etag": digest, "size": size, "url": url, "content-type": mime, "expiration": until * 1000}
        answer = JSONResponse(body)
        for name, value in zip(_COOKIES, values, strict=True):
            answer.headers.append("set-cookie", f"CloudFront-{name}={value}; Path=/; HTTPOnly")
        return answer

    async def signed(self, request: Request) -> Response:
        """The bytes of what was made, for whoever has the cookies, or the same in the query."""
        shown = {
            name: request.query_params.get(name) or request.cookies.get(f"CloudFront-{name}", "")
            for name in _COOKIES
        }
        policy, (expires, _, signature) = shown["Policy"], shown["Signature"].partition(".")
        signs = {"expires": expires, "signature": signature}
        if not self._service.signer.holds(f"{request.url.path}\n{policy}", signs):
            raise Refused(403, "The signature of this address does not match, or has expired.")
        output = urns.Output(**request.path_params)
        digest = await self._found(request, output)
        self._service.blobs.size(digest)
        answer = download(self._service, digest, output.name, _mime(output.name))
        if disposition := json.loads(base64.urlsafe_b64decode(policy + "=" * (-len(policy) % 4)))["shown"]:
            answer.headers["content-disposition"] = disposition
        return answer


def _policy(url: str, until: int, shown: str | None) -> str:
    """What the cookies allow, in the form of the vendor's, and under which name a browser shall keep the file."""
    statement: dict[str, Any] = {
        "Resource": url,
        "Condition": {"DateLessThan": {"AWS:EpochTime": until}},
    }
    text = json.dumps({"Statement": [statement], "shown": shown}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _mime(name: str) -> str:
    if name == propertydb.NAME:
        return propertydb.MIME
    mime: str = tables.service()["output"]["mime"]
    return "image/png" if name.endswith(".png") else mime
