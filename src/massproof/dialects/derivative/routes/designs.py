"""Translations (Model Derivative): what can be made of what, jobs, manifests."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from massproof.dialects.derivative import archives, manifests, outputs, tables, urns
from massproof.dialects.derivative.model import Models
from massproof.dialects.derivative.routes.door import Handler, route, told
from massproof.dialects.derivative.translations import REFERENCES, Source, Translations
from massproof.operations.port import State
from massproof.serving import weighing
from massproof.serving.service import Service
from massproof.serving.web import Refused, flag

READ, WRITE = ("data:read", "viewables:read"), ("data:create", "data:write")
_PREFIXES = ("/modelderivative/v2/designdata", "/modelderivative/v2/regions/{region}/designdata")


def both(service: Service, rows: Iterable[tuple[str, str, Handler, tuple[str, ...]]]) -> list[BaseRoute]:
    """Routes below the path of these APIs, and below that of a region."""
    return [
        route(service, prefix + path, method, _timed(handler), scopes)
        for prefix in _PREFIXES
        for path, method, handler, scopes in rows
    ]


def _timed(handler: Handler) -> Handler:
    async def taken(request: Request) -> Response:
        start = time.perf_counter()
        answer = await handler(request)
        answer.headers["x-ads-app-identifier"] = "massproof"
        answer.headers["x-ads-duration"] = f"{(time.perf_counter() - start) * 1000:.0f} ms"
        return answer

    return taken


def routes(service: Service, models: Models) -> list[BaseRoute]:
    """Its routes."""
    door = Designs(service, models)
    return both(
        service,
        [
            ("/formats", "GET", door.formats, READ),
            ("/job", "POST", door.job, WRITE),
            ("/{urn}/manifest", "GET", door.manifest, READ),
            ("/{urn}/manifest", "DELETE", door.delete, ("data:write", "data:create")),
            ("/{urn}/references", "POST", door.references, WRITE),
        ],
    )


class Designs:
    """The routes' functions."""

    def __init__(self, service: Service, models: Models) -> None:
        self._service, self._translations = service, Translations(service)
        self._models = models
        self._mode, self._since = service.settings.formats, int(time.time())

    async def formats(self, request: Request) -> Response:
        """Suffixes of sources by format of output: what this server does, in its mode."""
        headers = {"Last-Modified": formatdate(self._since, usegmt=True)}
        try:
            known = parsedate_to_datetime(request.headers.get("if-modified-since", "")).timestamp()
        except (ValueError, OverflowError):
            known = 0.0
        if known >= self._since:
            return Response(status_code=304, headers=headers)
        return JSONResponse({"formats": outputs.sources(self._mode)}, headers=headers)

    async def job(self, request: Request) -> Response:
        """Begin a translation; its manifest is there when this answers."""
        asked = await told(request)
        of, output = (asked.get(name) for name in ("input", "output"))
        if not isinstance(of, dict) or not isinstance(output, dict) or not isinstance(of.get("urn"), str):
            raise Refused(400, "The request must have input.urn and output.formats.")
        key, row = await self._translations.source(of["urn"])
        packed = of.get("compressedUrn") is True
        name = of.get("rootFilename") if packed else key
        if not isinstance(name, str) or not name:
            raise Refused(400, "input.rootFilename must name the file in the archive: compressedUrn is true.")
        short = name.rpartition("/")[2]
        suffix = short.rpartition(".")[2].lower() if "." in short else ""
        given = weighing.unit(self._service.settings)
        made = outputs.outputs(output, suffix, self._mode, given)
        region = _region(request, output)
        digest = await self._unpacked(row["digest"], name) if packed else row["digest"]
        source = Source(urns.encoded(urns.decoded(of["urn"])), short, digest)
        made = [await self._chosen(request, source, given, one) for one in made]
        more = {"region": region, "given": given, "force": flag(request.headers.get("x-ads-force"))}
        done = await self._translations.begin(request, source, made, more)
        body = {"result": "created" if done else "success", "urn": source.urn}
        return JSONResponse(body | {"acceptedJobs": {"output": output}}, 201 if done else 200)

    async def _chosen(
        self, request: Request, source: Source, given: dict[str, Any], output: outputs.Output
    ) -> outputs.Output:
        """An output with nothing but the objects that are asked for; raises Refused for objects that there are not."""
        ids = outputs.wanted(output)
        if not ids:
            return output
        if output.advanced["modelGuid"] != manifests.view(source.digest):
            raise Refused(400, "advanced.modelGuid is none of this file; ask for metadata first.")
        found = await weighing.operations(request, self._service, source.digest, given)
        if not all(one.state is State.SUCCEEDED for one in found):
            raise Refused(409, "The objects of this file are not known yet; ask for its object tree first.")
        model = await self._service.call(self._models.of, found, source.name)
        nodes = [model.node(id) for id in ids]
        if None in nodes:
            raise Refused(400, f"advanced.objectIds: there are the objects 1 to {len(model.nodes)}.")
        if 1 in ids:  # the whole
            return output
        objects = [[node.id - 1, node.name] for node in nodes if node]  # as JSON has them again
        return outputs.of_some(output, objects, len(model.nodes))

    async def _unpacked(self, digest: str, name: str) -> str:
        blobs = self._service.blobs
        blobs.size(digest)
        return (await self._service.call(archives.taken, blobs.path(digest), name, blobs)).digest

    async def manifest(self, request: Request) -> Response:
        """What a translation has come to."""
        rows = await self._translations.rows(request, request.path_params["urn"])
        told = await self._service.call(self._service.records.get, REFERENCES, rows[0].source.urn)
        return JSONResponse(manifests.manifest(rows, told is not None))

    async def delete(self, request: Request) -> Response:
        """Forget a translation."""
        await self._translations.delete(request.path_params["urn"])
        return JSONResponse({"result": "success"})

    async def references(self, request: Request) -> Response:
        """What a file refers to: noted, and not followed, which the manifest says."""
        urn, asked = urns.encoded(urns.decoded(request.path_params["urn"])), await told(request)
        if not isinstance(asked.get("references"), list):
            raise Refused(400, "references must be a list.")
        await self._service.call(self._service.records.put, REFERENCES, urn, len(asked["references"]))
        return JSONResponse({"result": "success", "urn": urn})


def _region(request: Request, output: dict[str, Any]) -> str:
    destination = output.get("destination")
    asked = (
        request.path_params.get("region")
        or request.headers.get("region")
        or (destination.get("region") if isinstance(destination, dict) else None)
        or "US"
    )
    known: dict[str, str] = tables.service()["regions"]
    if str(asked).upper() not in known:
        raise Refused(400, f"The region {str(asked)[:20]!r} is none of {', '.join(known)}.")
    return known[str(asked).upper()]
