"""The endpoints of the Manufacturing Data Model, and the files that its answers point at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import ExecutionResult
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from massproof.dialects.mfgdm.desk import Context, Desk, shared
from massproof.dialects.mfgdm.queries import Engine, schema, told
from massproof.dialects.mfgdm.remembered import Answers
from massproof.dialects.mfgdm.subject import worst
from massproof.dialects.mfgdm.tree import Late
from massproof.operations.port import State
from massproof.serving import faults, web
from massproof.serving.forms import Refusal
from massproof.serving.service import Service

_BODY = 256 * 1024  # bytes of a request, query and variables
_KINDS = {
    "step": "model/step",
    "stl": "model/stl",
    "obj": "model/obj",
    "mtl": "model/mtl",
    "png": "image/png",
}
_NOTICE = "This is a GraphQL endpoint: POST a JSON body with query, and variables and operationName if there are any."


def routes(service: Service) -> list[BaseRoute]:
    """What the server answers in this API; raises InputError for a hub that is no folder."""
    known = shared(service)
    settings = service.settings
    ends = {}
    for api in ("v2", "v3"):
        desk = Desk(api, known)
        made = schema(api, settings.mfgdm == "seed")
        ends[api] = Endpoint(desk, Engine(made, desk.types.Root(), settings.introspection))

    async def file(request: Request) -> Response:
        return await _file(request, service)

    return [
        Route("/mfg/graphql", ends["v2"].answer, methods=["POST"]),
        Route("/mfg/v3/graphql", ends["v3"].answer, methods=["POST"]),
        Route("/mfg/v3/graphql/public", ends["v3"].answer, methods=["POST"]),
        Route("/mfg/graphql", _notice),
        Route("/mfg/v3/graphql", _notice),
        Route("/mfg/v3/graphql/public", _notice),
        Route("/fusiondata/2022-04/graphql", _retired, methods=["GET", "POST"]),
        Route("/mfg/files/{operation}/{name}", file),
    ]


async def _notice(_: Request) -> Response:
    return JSONResponse({"message": _NOTICE}, 405, {"Allow": "POST"})


async def _retired(_: Request) -> Response:
    message = "Version 1 of this API has been retired; use /mfg/graphql or /mfg/v3/graphql/public."
    return JSONResponse({"message": message}, 404)


class Endpoint:
    """Answers the questions to one version of the API."""

    def __init__(self, desk: Desk, engine: Engine) -> None:
        self._desk, self._engine, self._answers = desk, engine, Answers()

    async def answer(self, request: Request) -> Response:
        """As Starlette calls it."""
        if not web.bearer(request) or not web.authorized(request, self._desk.service):
            raise web.Refused(401, "send Authorization: Bearer and an access token of this server")
        body = await _body(request)
        base = f"{request.url.scheme}://{request.url.netloc}"
        if request.scope.get(faults.KEY):
            return await self._answer(request, body, base, None)
        known = self._answers.get((base, body))
        if known is not None:
            return Response(known.content, 200, known.headers, "application/json")
        return await self._answer(request, body, base, (base, body))

    async def _answer(self, request: Request, body: bytes, base: str, question: object) -> Response:
        query, variables, name = _asked(web.parsed(body))
        prepared = self._engine.prepare(query, name)
        context = self._context(request, base, False)
        if prepared.document is None:
            return _said(400, {"errors": [dict(one) for one in prepared.errors]}, context)
        try:
            result = self._engine.execute(prepared.document, name, variables, context)
        except Late:  # what it needs is not at hand: again, on a thread that may wait
            context, question = self._context(request, base, True), None
            result = await self._desk.service.call(
                self._engine.execute, prepared.document, name, variables, context
            )
        response = _answered(result, context)
        if question is not None and not result.errors:
            headers = {k: v for k, v in response.headers.items() if k.startswith("x-")}
            self._answers.put(question, bytes(response.body), headers, context.ground)
        return response

    def _context(self, request: Request, base: str, may_block: bool) -> Context:
        null = any(one.rule.null_status for one in request.scope.get(faults.KEY, ()))
        return Context(self._desk, may_block, lambda one: faults.view(request, one), base, null)


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise web.Refused(415, "the body must be JSON: send Content-Type: application/json")
    return await web.small(request, _BODY)


def _asked(asked: Any) -> tuple[str, Mapping[str, Any], str | None]:
    """Query, variables and the name of the operation in a body."""
    if not isinstance(asked, dict):
        what = "batches of queries are not answered; " if isinstance(asked, list) else ""
        raise web.Refused(400, what + "the body must be a JSON object with query")
    query, variables, name = (asked.get(key) for key in ("query", "variables", "operationName"))
    if not isinstance(query, str) or not query.strip():
        raise web.Refused(400, "the body must have query, a text that is not empty")
    if not isinstance(variables, (dict, type(None))) or not isinstance(name, (str, type(None))):
        raise web.Refused(400, "variables must be a JSON object, and operationName a text")
    return query, variables or {}, name


def _answered(result: ExecutionResult, context: Context) -> Response:
    """A whole answer; what is wrong with single fields stands beside it, and it is 200 all the same."""
    if not result.errors:
        return _said(200, {"data": result.data}, context)
    errors = [told(one) for one in result.errors]
    if result.data is None and not any("path" in one for one in errors):
        return _said(400, {"errors": errors}, context)
    return _said(200, {"data": result.data, "errors": errors}, context)


def _said(status: int, content: dict[str, Any], context: Context) -> Response:
    for one in content.get("errors", ()):
        extensions = {**one["extensions"], "service": "massproof", "correlation_id": context.correlation}
        one["extensions"] = extensions
    headers = {}
    if context.verdicts:
        headers["X-Massproof-Verdict"] = worst(context.verdicts)
    if context.findings:
        headers["X-Massproof-Findings"] = ",".join(context.findings)
    return JSONResponse(content, status, headers)


def error_body(refusal: Refusal) -> Any:
    """How this API says no to a request that is no question."""
    code = {401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 429: "TOO_MANY_REQUESTS"}.get(
        refusal.status
    )
    return {"errors": [{"message": refusal.message, "extensions": {"code": code or "BAD_REQUEST"}}]}


async def _file(request: Request, service: Service) -> Response:
    """A file that an operation made, for who has its signed address, with or without a token."""
    if not service.signer.holds(request.url.path, request.query_params):
        raise web.Refused(403, "this address has expired, or was never given out; ask for a new one")
    found = await service.get(request.path_params["operation"])
    name = request.path_params["name"]
    digest = None if found is None or found.state is not State.SUCCEEDED else found.outcome.files.get(name)
    if digest is None or not service.blobs.has(digest):
        raise web.Refused(404, "this file is not kept any more; ask for a new one")
    kind = _KINDS.get(name.rpartition(".")[2], "application/octet-stream")
    return web.download(service, digest, name, kind)
