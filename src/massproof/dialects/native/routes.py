"""Our own API, which the page at `/` uses: files, operations on them, and their answers in every dialect's form.

POST   /v1/files?name=part.step          the bytes of a file → its SHA-256, by which operations call it
POST   /v1/operations                    {"kind", "file", "name", "options"} → the operation, new or known
GET    /v1/operations?limit=&before=     the newest first
GET    /v1/operations/{id}?wait=         after so many seconds at most, when it has ended
DELETE /v1/operations/{id}               told to stop
GET    /v1/operations/{id}/files/{name}  what it made
GET    /v1/operations/{id}/as/{dialect}  what it measured, as a vendor would answer
GET    /v1/materials                     what `material` may be
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from massproof import dialects, formats, materials
from massproof.errors import MassproofError, UsageError
from massproof.operations.port import Job, Operation
from massproof.serving import faults, uploads, weighing
from massproof.serving.forms import Refusal
from massproof.serving.service import Service, measured
from massproof.serving.web import Refused, download, json_body, receive

_FILES = "native.files"  # space of records: what is known of an upload, by its SHA-256
_BODY = 1 << 16  # bytes of a request that asks for an operation
_LONGEST, _WAIT = 200, 30.0  # bytes of a name, seconds
_MEASURED = frozenset(
    {"unit", "material", "density", "mass", "check", "weld", "repair", "engine", "accuracy"}
)
_DRAWN = frozenset({"unit", "size", "view", "transparent", "overlay", "deflection"})
_WRITTEN = frozenset({
    "unit", "to_unit", "up", "forward", "deflection", "angle", "volume_error", "storage", "presentation", "protocol",
})  # fmt: skip
_OPTIONS: Mapping[str, frozenset[str]] = {
    "properties": _MEASURED,
    "assembly": _MEASURED,
    "thumbnail": _DRAWN,
    "conversion": _WRITTEN | {"to"},
}
_TYPES = {
    "png": "image/png",
    "glb": "model/gltf-binary",
    "gltf": "model/gltf+json",
    "stl": "model/stl",
    "obj": "model/obj",
}

Endpoint = Callable[[Service, Request], Awaitable[Response]]


def routes(service: Service) -> list[BaseRoute]:
    """What the server answers in our own API."""
    table: list[tuple[str, str, Endpoint]] = [
        ("POST", "/v1/files", _upload),
        ("POST", "/v1/operations", _submit),
        ("GET", "/v1/operations", _list),
        ("GET", "/v1/operations/{id}", _get),
        ("DELETE", "/v1/operations/{id}", _cancel),
        ("GET", "/v1/operations/{id}/files/{name}", _file),
        ("GET", "/v1/operations/{id}/as/{dialect}", _spoken),
        ("GET", "/v1/materials", _materials),
    ]
    return [Route(path, _told(service, endpoint), methods=[method]) for method, path, endpoint in table]


def _told(service: Service, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that shows its errors as JSON."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(service, request)
        except Refused as refused:
            return _error(refused.status, "refused", refused.message)
        except MassproofError as error:
            return _error(400, error.kind, str(error))

    return answer


def error_body(refusal: Refusal) -> dict[str, Any]:
    """How this API says no."""
    return {"error": {"kind": "refused", "message": refusal.message}}


def _error(status: int, kind: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"kind": kind, "message": message}}, status)


async def _upload(service: Service, request: Request) -> Response:
    name = _plain(request.query_params.get("name", ""))
    blob = await receive(request, service)
    known = {"file": blob.digest, "name": name, "size": blob.size}
    await service.call(service.records.put, _FILES, blob.digest, known)
    await service.call(uploads.keep, service.records, name, "native", blob)
    return JSONResponse(known, 201)


def _plain(name: str) -> str:
    """The last part of what a client calls a file, without characters that are none of a name."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    shown = re.sub(r"[\x00-\x1f\x7f]", "", last)
    return shown.encode(errors="ignore")[:_LONGEST].decode(errors="ignore") or "part"


async def _submit(service: Service, request: Request) -> Response:
    asked = await _asked(request)
    kind, digest, given = str(asked.get("kind")), str(asked.get("file")), asked.get("options", {})
    if kind not in _OPTIONS:
        msg = f"kind {kind!r} is unknown; use one of {', '.join(_OPTIONS)}"
        raise UsageError(msg)
    upload = await service.call(service.records.get, _FILES, digest)
    if upload is None:
        raise Refused(404, f"no file {digest!r} was uploaded; POST its bytes to /v1/files first")
    if not isinstance(given, dict) or not given.keys() <= _OPTIONS[kind]:
        odd = sorted(given.keys() - _OPTIONS[kind]) if isinstance(given, dict) else [repr(given)]
        msg = f"options of {kind} cannot be {', '.join(odd)}; use some of {', '.join(sorted(_OPTIONS[kind]))}"
        raise UsageError(msg)
    name = _plain(str(asked.get("name") or upload["name"]))  # the same bytes may have several
    operation = await service.submit(Job(kind, (digest,), _complete(service, kind, name, given)))
    return JSONResponse(await _shown(service, request, operation), 200 if operation.state.ended else 202)


def _complete(service: Service, kind: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a job: what is given, and what the name and the server's settings say of the file."""
    stem, _, suffix = name.rpartition(".")
    options: dict[str, Any] = {**weighing.unit(service.settings), **given, "called": stem or name}
    if f".{suffix.lower()}" in formats.SUFFIXES:
        options["format"] = suffix.lower()
    more = weighing.weight(service.settings)
    if kind in ("properties", "assembly") and more and not options.keys() & _DENSE:
        options["otherwise"] = more
    if kind == "conversion":
        options["name"] = f"{options['called']}.{_target(options.pop('to', None))}"
    return options


_DENSE = {"material", "density", "mass"}


def _target(to: Any) -> str:
    from massproof.conversion import TARGETS

    if f".{to}" not in TARGETS:
        msg = f"to={to!r} is unknown; use one of {', '.join(one.lstrip('.') for one in TARGETS)}"
        raise UsageError(msg)
    return str(to)


async def _asked(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    found = await json_body(request, _BODY)
    if not isinstance(found, dict):
        raise Refused(400, f"the body is a JSON {type(found).__name__}, not an object")
    return found


async def _list(service: Service, request: Request) -> Response:
    query = request.query_params
    limit, before = _number(query, "limit", 20, 100), _number(query, "before", None, 1e12)
    found = await service.call(lambda: service.operations.list(limit=int(limit or 0), before=before))
    rows = [await _shown(service, request, one) for one in found]
    return JSONResponse({"operations": rows})


def _number(query: Mapping[str, str], name: str, usual: float | None, most: float) -> float | None:
    """A parameter that is a number from 0 to `most`."""
    text = query.get(name)
    if text is None:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise Refused(400, f"{name} must be a number from 0 to {most:g}, got {text!r}")
    return value


async def _known(service: Service, request: Request) -> Operation:
    """The operation that a path names, as this request shall see it."""
    id = request.path_params["id"]
    seconds = _number(request.query_params, "wait", None, _WAIT)
    found = await (service.get(id) if seconds is None else service.wait(id, seconds))
    if found is None:
        raise Refused(404, f"there is no operation {id!r}")
    return faults.view(request, found)


async def _get(service: Service, request: Request) -> Response:
    return _said(await _shown(service, request, await _known(service, request)))


def _said(shown: Mapping[str, Any]) -> Response:
    """An operation as an answer; one that has succeeded is written once, however often it is looked at."""
    told = {key: value for key, value in shown.items() if key != "result"}
    key = (str(told), shown["result"] is None)
    text = _TEXTS.get(key) if shown["state"] == "succeeded" else None
    if text is None:
        text = bytes(JSONResponse(shown).body)
        if shown["state"] == "succeeded" and len(text) <= _LARGEST:
            if len(_TEXTS) >= _MOST:
                _TEXTS.clear()
            _TEXTS[key] = text
    return Response(text, media_type="application/json")


# The id of an operation says what its result is, so what is told beside that says which text this is.
_TEXTS: dict[tuple[str, bool], bytes] = {}
_MOST, _LARGEST = 256, 1 << 16


async def _cancel(service: Service, request: Request) -> Response:
    known = await _known(service, request)
    found = await service.call(service.operations.cancel, known.id)
    return JSONResponse(await _shown(service, request, found or known))


async def _shown(service: Service, request: Request, operation: Operation) -> dict[str, Any]:
    """An operation as JSON."""
    seen = faults.view(request, operation)
    inputs = [await service.record(_FILES, digest) for digest in seen.job.inputs]
    return {
        "id": seen.id,
        "kind": seen.job.kind,
        "options": {key: value for key, value in seen.job.options.items() if key not in ("called", "name")},
        "inputs": [
            one | {"name": _name(seen, one)} if one else {"file": digest}
            for one, digest in zip(inputs, seen.job.inputs, strict=True)
        ],
        "state": seen.state.value,
        "created": _time(seen.created),
        "started": _time(seen.started),
        "ended": _time(seen.ended),
        "attempts": seen.attempts,
        "result": seen.outcome.result,
        "files": {name: f"/v1/operations/{seen.id}/files/{name}" for name in seen.outcome.files},
        "error": {"kind": seen.failure.code, "message": seen.failure.message} if seen.failure else None,
    }


def _name(operation: Operation, upload: Mapping[str, Any]) -> str:
    """What its input was called when it was asked for; the same bytes may have been uploaded by another name since."""
    of, last = operation.job.options, str(upload.get("name", "part"))
    asked = ".".join(of[key] for key in ("called", "format") if key in of)
    return asked if "called" in of and asked.lower() != last.lower() else last


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


async def _file(service: Service, request: Request) -> Response:
    operation, name = await _known(service, request), request.path_params["name"]
    digest = operation.outcome.files.get(name)
    if digest is None or not await service.call(service.blobs.has, digest):
        raise Refused(404, f"operation {operation.id} has no file {name!r}, or no longer; submit it again")
    kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return download(service, digest, name, kind)


async def _spoken(service: Service, request: Request) -> Response:
    operation, dialect = await _known(service, request), request.path_params["dialect"]
    if operation.job.kind != "properties" or operation.outcome.result is None:
        raise Refused(
            409, f"operation {operation.id} ({operation.job.kind}, {operation.state}) has measured nothing"
        )
    if dialect not in dialects.READ:
        raise Refused(404, f"there is no dialect {dialect!r}; use one of {', '.join(dialects.READ)}")
    upload = await service.call(service.records.get, _FILES, operation.job.inputs[0]) or {}
    found = measured(operation, _name(operation, upload))
    if dialect == "native":
        return JSONResponse(found.to_dict(units=request.query_params.get("units", "SI")))
    return JSONResponse(found.to_dict(dialect))


async def _materials(service: Service, request: Request) -> Response:
    rows = [{"name": one.name, "density": one.density, "unit": "kg/m^3"} for one in materials.table()]
    return JSONResponse({"materials": rows})
