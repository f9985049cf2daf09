"""The local server: every dialect's routes on one port."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from massproof import dialects
from massproof.serving import pages
from massproof.serving.service import Service, Settings
from massproof.version import __version__


def app(settings: Settings, started: Callable[[], None] = lambda: None) -> Starlette:
    """The application of one server; `app.state.service` is what is behind it, `started` is called in its loop.

    Raises InputError when the folder or the database cannot be used.
    """
    service = Service(settings)

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        started()
        yield
        await service.call(service.operations.close)
        service.close()

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "version": __version__})

    routes: list[BaseRoute] = [Route("/healthz", health), *pages.routes()]
    for name in dialects.SERVED:
        routes += import_module(f"massproof.dialects.{name}.routes").routes(service)
    made = Starlette(routes=routes, lifespan=living)
    made.add_middleware(Tidy)
    made.state.service = service
    return made


class Tidy:
    """Takes repeated slashes of a path for one, as clients that join addresses carelessly need."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] == "http" and "//" in scope["path"]:
            raw = re.sub(b"/{2,}", b"/", scope.get("raw_path") or scope["path"].encode())
            scope = {**scope, "path": re.sub("/{2,}", "/", scope["path"]), "raw_path": raw}
        await self.app(scope, receive, send)
