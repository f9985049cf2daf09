"""Onshape's mass properties, over files that are uploaded as it takes them: into a document, as a blob element.

A document has one workspace; each file in it is one element, which answers as a part studio and as an assembly. Parts
are the definitions of the file, in their own frames, by the ids that `massproof.assembly` gives them.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from massproof.blobs import Blob
from massproof.breakdown import Assembly
from massproof.dialects.onshape import shapes
from massproof.operations import expiry
from massproof.operations.port import Operation, State
from massproof.properties import Properties
from massproof.serving import faults, weighing
from massproof.serving.forms import Refusal
from massproof.serving.service import MEBI, Service
from massproof.serving.web import Refused, flag, json_body

_DOCUMENTS, _ELEMENTS = "onshape.documents", "onshape.elements"
_TOLD = "massproof.onshape.told"  # in the scope of a request: headers of its answer
_WAIT = 60.0  # seconds for an answer; then the client is told to ask again
_MORE = "https://onshape-public.github.io/docs/api-intro/"
_WITHIN = "d/{document}/{letter:str}/{within}"
_Handler = Callable[[Request], Awaitable[Any]]


def error_body(refusal: Refusal) -> dict[str, Any]:
    """How this API says no."""
    return {"message": refusal.message, "code": 0, "status": refusal.status, "moreInfoUrl": _MORE}


def routes(service: Service) -> list[BaseRoute]:
    """Its routes, with and without the version of the API in the path."""
    door = Onshape(service)
    element = f"{_WITHIN}/e/{{element}}"
    rows: list[tuple[str, str, _Handler]] = [
        ("documents", "POST", door.create),
        ("documents/{document}", "GET", door.document),
        ("blobelements/d/{document}/w/{within}", "POST", door.upload),
        (f"documents/{_WITHIN}/elements", "GET", door.elements),
        (f"parts/{element}", "GET", door.parts),
        (f"parts/{element}/partid/{{part}}/massproperties", "GET", door.part),
        (f"partstudios/{element}/massproperties", "GET", door.studio),
        (f"assemblies/{element}/massproperties", "GET", door.whole),
    ]
    return [
        Route(f"{prefix}/{path}", _taken(handler), methods=[method])
        for prefix in ("/api/{version}", "/api")
        for path, method, handler in rows
    ]


def _taken(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    async def taken(request: Request) -> Response:
        try:
            if not request.headers.get("authorization"):
                raise Refused(401, "Unauthenticated API request")
            found = await handler(request)
            return JSONResponse(found, headers=request.scope.get(_TOLD))
        except Refused as error:
            later = {"Retry-After": "1"} if error.status == 503 else {}
            return JSONResponse(error_body(Refusal(error.status, error.message)), error.status, later)

    return taken


class Onshape:
    """The routes' functions."""

    def __init__(self, service: Service) -> None:
        self._service, self._records = service, service.records

    async def create(self, request: Request) -> Any:
        """A new document."""
        asked = await json_body(request)
        name = asked.get("name") if isinstance(asked, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= 256 or not name.isprintable():
            raise Refused(400, "name must be a text of 1 to 256 characters")
        document, row = secrets.token_hex(12), {"name": name, "workspace": secrets.token_hex(12)}
        await self._service.call(self._records.put, _DOCUMENTS, document, row)
        return _document(document, row)

    async def document(self, request: Request) -> Any:
        """A document."""
        return _document(request.path_params["document"], await self._row(request))

    async def _row(self, request: Request) -> Mapping[str, Any]:
        document = request.path_params["document"]
        known = document.isascii() and document.isalnum()
        row = await self._service.call(self._records.get, _DOCUMENTS, document) if known else None
        if row is None:
            raise Refused(404, "Not found: there is no such document")
        found: Mapping[str, Any] = row
        return found

    async def upload(self, request: Request) -> Any:
        """A file as an element of a document: the part "file" of a form."""
        await self._within(request, "")
        async with request.form(max_files=1, max_fields=20) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Refused(400, "the form must have a file")
            name = "".join(c for c in file.filename or "file" if c.isprintable())[:256]
            blob = await self._service.call(self._kept, file.file)
        element = hashlib.sha256(f"{name}/{blob.digest}".encode()).hexdigest()[:24]
        row = {"name": name, "digest": blob.digest}
        key = f"{request.path_params['document']}/{element}"
        await self._service.call(expiry.hold, self._records, blob.digest, f"{_ELEMENTS}:{key}")
        await self._service.call(self._records.put, _ELEMENTS, key, row)
        return _element(element, row)

    def _kept(self, file: BinaryIO) -> Blob:
        with self._service.blobs.writing() as out:
            while piece := file.read(MEBI):
                out.write(piece)
        return out.blob

    async def _within(self, request: Request, digest: str) -> None:
        """Refuse a workspace, version or microversion that there is not; digest : of the element, "" of none."""
        row, letter = await self._row(request), request.path_params.get("letter", "w")
        known = {"w": row["workspace"], "m": _microversion(digest)}.get(letter)
        if request.path_params["within"] != known:
            raise Refused(404, f"Not found: there is no {letter} {request.path_params['within'][:40]}")

    async def elements(self, request: Request) -> Any:
        """The elements of a document, or one of them."""
        document, asked = request.path_params["document"], request.query_params.get("elementId")
        await self._row(request)
        rows = await self._service.call(self._listed, document, asked)
        await self._within(request, rows[0][1]["digest"] if len(rows) == 1 else "")
        return [_element(element, row) for element, row in rows]

    def _listed(self, document: str, one: str | None = None) -> list[tuple[str, Any]]:
        """Elements by id, a thousand at most; or the one that is asked for, if it is there."""
        if one is not None:
            known = one.isascii() and one.isalnum()
            row = self._records.get(_ELEMENTS, f"{document}/{one}") if known else None
            return [] if row is None else [(one, row)]
        rows = self._records.list(_ELEMENTS, f"{document}/", limit=1000)
        return [(key.partition("/")[2], row) for key, row in rows]

    async def _measured(self, request: Request) -> tuple[Assembly, str]:
        """What is measured of an element, and its microversion."""
        element, document = request.path_params["element"], request.path_params["document"]
        await self._row(request)
        rows = await self._service.call(self._listed, document, element)
        if not rows:
            raise Refused(404, "Not found: there is no such element")
        ((_, row),) = rows
        await self._within(request, row["digest"])
        options = weighing.unit(self._service.settings)
        found = await self._ended(request, row["digest"], options)
        assembly = await self._service.call(weighing.assembly, found)
        request.scope[_TOLD] = weighing.told(assembly)
        return assembly, _microversion(row["digest"])

    async def _ended(self, request: Request, digest: str, options: dict[str, Any]) -> list[Operation]:
        """The operations that measure a file, when they have succeeded; raises Refused."""
        until, anew = time.monotonic() + _WAIT, True
        while True:
            found = await weighing.operations(request, self._service, digest, options, anew)
            anew = False
            for one in found:
                if one.state.ended and one.state is not State.SUCCEEDED:
                    raise Refused(400, one.failure.message if one.failure else one.state.value)
            running = [one for one in found if not one.state.ended]
            if not running:
                return found
            left = until - time.monotonic()
            now = await self._service.wait(running[0].id, left) if left > 0 else None
            if now is None or not faults.view(request, now).state.ended:
                raise Refused(503, "the mass properties are being computed; ask again")

    async def parts(self, request: Request) -> Any:
        """The parts of an element."""
        assembly, version = await self._measured(request)
        element = request.path_params["element"]
        return [
            {"partId": id, "name": one.name, "elementId": element, "microversionId": version}
            for id, one in assembly.parts.items()
            if not one.children
        ]

    async def part(self, request: Request) -> Any:
        """One part."""
        assembly, version = await self._measured(request)
        part = assembly.parts.get(request.path_params["part"])
        if part is None:
            raise Refused(404, "Not found: there is no such part")
        return shapes.emit(part.properties, part.id) | {"microversionId": version}

    async def studio(self, request: Request) -> Any:
        """All parts as one, or each, or those that are asked for."""
        assembly, version = await self._measured(request)
        asked = request.query_params.getlist("partId")
        if not asked and flag(request.query_params.get("massAsGroup", "true")):
            return shapes.emit(assembly.whole.properties) | {"microversionId": version}
        found: dict[str, Properties] = {
            id: one.properties
            for id, one in assembly.parts.items()
            if (id in asked if asked else not one.children)
        }
        if len(found) < len(set(asked)):
            raise Refused(404, "Not found: there is no such part")
        bodies = [shapes.emit(one, id)["bodies"] for id, one in found.items()]
        return {"bodies": {k: v for body in bodies for k, v in body.items()}, "microversionId": version}

    async def whole(self, request: Request) -> Any:
        """All of it, as the answer of an assembly."""
        assembly, version = await self._measured(request)
        return shapes.emit(assembly.whole.properties, assembly=True) | {"microversionId": version}


def _document(id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    workspace = {"id": row["workspace"], "name": "Main"}
    return {"id": id, "name": row["name"], "defaultWorkspace": workspace}


def _element(id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    version = _microversion(row["digest"])
    kind = {"type": "Part Studio", "elementType": "PARTSTUDIO", "microversionId": version}
    return {"id": id, "name": row["name"], **kind}


def _microversion(digest: str) -> str:
    """Of an element: the same bytes are the same."""
    return digest[:24]
