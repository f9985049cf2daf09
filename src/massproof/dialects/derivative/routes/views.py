"""What is in a file: its views, the tree of its objects, and their properties."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from massproof.dialects.derivative import manifests, queries, shapes, tables
from massproof.dialects.derivative.model import Model, Models
from massproof.dialects.derivative.routes.designs import READ, both
from massproof.dialects.derivative.routes.door import Later, told, whole
from massproof.dialects.derivative.translations import Translations
from massproof.operations.port import Operation, State
from massproof.serving import weighing
from massproof.serving.service import Service
from massproof.serving.web import Refused, flag


def routes(service: Service, models: Models) -> list[BaseRoute]:
    """Its routes."""
    door, one = Views(service, models), "/{urn}/metadata/{guid}"
    return both(
        service,
        [
            ("/{urn}/metadata", "GET", door.views, READ),
            (one, "GET", door.tree, READ),
            (f"{one}/properties", "GET", door.properties, READ),
            (f"{one}/properties:query", "POST", door.query, READ),
        ],
    )


class Views:
    """The routes' functions."""

    def __init__(self, service: Service, models: Models) -> None:
        self._service, self._translations, self._models = service, Translations(service), models

    async def views(self, request: Request) -> Response:
        """The one view of a file, when what is in it is known."""
        rows = await self._translations.rows(request, request.path_params["urn"])
        succeeded(await self._translations.objects(request, rows[0]))
        view = {
            "name": tables.service()["output"]["view"],
            "role": "3d",
            "guid": manifests.view(rows[0].source.digest),
        }
        return JSONResponse({"data": {"type": "metadata", "metadata": [view]}})

    async def _model(self, request: Request) -> Model:
        rows = await self._translations.rows(request, request.path_params["urn"])
        if request.path_params["guid"] != manifests.view(rows[0].source.digest):
            raise Refused(404, "There is no view of this guid; ask for metadata first.")
        operations = succeeded(await self._translations.objects(request, rows[0]))
        return await self._service.call(self._models.of, operations, rows[0].source.name)

    async def tree(self, request: Request) -> Response:
        """The objects."""
        model, query = await self._model(request), request.query_params
        id, level = _object(query.get("objectid")), query.get("level")
        if level not in (None, "1"):
            raise Refused(400, "level must be 1.")
        if id is not None and model.node(id) is None:
            raise Refused(404, tables.service()["messages"]["failed"])
        return await self._said(
            request, model, lambda: {"type": "objects", "objects": [model.tree(id or 1, level is None)]}
        )

    async def properties(self, request: Request) -> Response:
        """The properties of all objects, or of one."""
        model, id = await self._model(request), _object(request.query_params.get("objectid"))
        one = None if id is None else model.node(id)
        if id is not None and one is None:
            raise Refused(404, tables.service()["messages"]["failed"])
        nodes, kind = [one] if one else model.nodes, shapes.contract()["type"]["collection"]
        return await self._said(
            request, model, lambda: {"type": kind, "collection": [model.described(node) for node in nodes]}
        )

    async def query(self, request: Request) -> Response:
        """The objects that fit, and of their properties what is asked for."""
        asked = queries.read(await told(request))
        model = await self._model(request)
        found = await self._service.call(queries.answer, model, asked)
        return JSONResponse(found, headers=_told_of(model))

    async def _said(self, request: Request, model: Model, make: Callable[[], Any]) -> Response:
        """An answer that may be large, if it is not too large."""
        body, limits = await self._service.call(_encoded, make), tables.service()["limits"]
        forced = flag(request.query_params.get("forceget")) or flag(request.headers.get("x-ads-force"))
        if len(body) > limits["forced"]:
            raise Refused(406, tables.service()["messages"]["failed"])
        if len(body) > limits["tree"] and not forced:
            raise Refused(413, tables.service()["messages"]["large"])
        return Response(body, media_type="application/json", headers=_told_of(model))


def _encoded(make: Callable[[], Any]) -> bytes:
    return json.dumps({"data": make()}, ensure_ascii=False, separators=(",", ":")).encode()


def succeeded(operations: list[Operation]) -> list[Operation]:
    """Operations that have succeeded; raises Later, or Refused with why one has not."""
    for one in operations:
        if one.state.ended and one.state is not State.SUCCEEDED:
            why = one.failure.message if one.failure else one.state.value
            raise Refused(404, f"{tables.service()['messages']['failed']} {why}")
    if not all(one.state.ended for one in operations):
        raise Later
    return operations


def _object(text: str | None) -> int | None:
    return whole(text, "objectid", 0, 1, 1 << 29) or None


def _told_of(model: Model) -> dict[str, str]:
    """What the numbers are worth, and whether one that is none is printed as zero."""
    small = any(shapes.vanishes(part.properties) for part in model.assembly.parts.values())
    return weighing.told(model.assembly, *(["rounded-to-zero"] if small else []))
