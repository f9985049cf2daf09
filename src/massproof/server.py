"""The local server: every dialect's routes on one port, behind what all requests pass."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from massproof import dialects
from massproof.errors import UsageError
from massproof.serving import metrics, pages, web
from massproof.serving.failing import Failing
from massproof.serving.faults import Faults
from massproof.serving.forms import Forms, plain, segments
from massproof.serving.guarding import Guarding
from massproof.serving.observing import LOGS, Observing
from massproof.serving.routing import Segmented
from massproof.serving.service import Service, Settings
from massproof.version import __version__

_FAULTS = "/massproof/faults"
_NOBODY = "0" * 32  # an operation that there is not


def app(settings: Settings, started: Callable[[], None] = lambda: None) -> Starlette:
    """The application of one server; `app.state.service` is what is behind it, `started` is called in its loop.

    Raises InputError when the folder or the database cannot be used, UsageError for faults that are none.

    A dialect's `routes` may have, beside the function of that name, `error_body(refusal)`, how it says no; `ASKS`, true
    where its routes ask for tokens themselves; and `admits(service, token)`, for tokens that it sells.
    """
    if settings.log not in LOGS:
        msg = f"a log is {', '.join(LOGS)}, not {settings.log!r}"
        raise UsageError(msg)
    faults, forms, counts = Faults(settings.faults), Forms(), metrics.Metrics()
    service = Service(settings)

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        started()
        yield
        await asyncio.to_thread(service.close)

    served, opened = _served(service, forms)
    made = Starlette(
        exception_handlers={web.Refused: forms.refused, HTTPException: forms.unrouted},
        middleware=[
            Middleware(Observing, forms, counts, settings.log),
            Middleware(Tidy),
            Middleware(Guarding, service, forms, opened),
            Middleware(Failing, faults, forms),
        ],
    )
    made.router = Segmented(own_routes(service, faults, counts) + served, living)
    made.state.service = service
    return made


def _served(service: Service, forms: Forms) -> tuple[list[BaseRoute], list[str]]:
    """The routes of all dialects, and the paths that ask for a token or secret themselves."""
    routes, opened = list[BaseRoute](), [_FAULTS]
    for name in dialects.SERVED:
        module = import_module(f"massproof.dialects.{name}.routes")
        added = module.routes(service)
        forms.add(added, getattr(module, "error_body", plain))
        routes += added
        if sold := getattr(module, "admits", None):
            service.sold.append(partial(sold, service))
        if getattr(module, "ASKS", False):
            opened += [f"/{first}" for first in segments(added)]
    return routes, opened


def own_routes(service: Service, faults: Faults, counts: metrics.Metrics) -> list[BaseRoute]:
    """What tells of the server itself."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def ready(_: Request) -> Response:
        await service.get(_NOBODY)  # an error is logged, and answered with 500
        return JSONResponse({"status": "ready"})

    async def measures(_: Request) -> Response:
        return Response(await service.call(counts.text, service), media_type=metrics.KIND)

    async def change(request: Request) -> Response:
        secret = request.headers.get("x-massproof-control", "")
        if not hmac.compare_digest(secret.encode(), (service.settings.control or "").encode()):
            raise web.Refused(403, "only who started the server may change its faults")
        try:
            faults.set(await _texts(request))
        except UsageError as error:
            raise web.Refused(400, str(error)) from None
        return JSONResponse({"status": "ok"})

    found: list[BaseRoute] = [Route("/healthz", health), Route("/readyz", ready), Route("/metrics", measures)]
    found += pages.routes()
    if service.settings.control:
        found.append(Route(_FAULTS, change, methods=["PUT"]))
    return found


async def _texts(request: Request) -> list[str]:
    found: Any = await web.json_body(request)
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise web.Refused(400, "faults are a list of texts")
    return found


class Tidy:
    """Takes repeated slashes of a path for one, as clients that join addresses carelessly need."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] == "http" and "//" in scope["path"]:
            scope["raw_path"] = re.sub(b"/{2,}", b"/", scope.get("raw_path") or scope["path"].encode())
            scope["path"] = re.sub("/{2,}", "/", scope["path"])
        await self.app(scope, receive, send)
