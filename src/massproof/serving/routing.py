"""Routes by the first segment of their paths, so that a request is not held against those of every service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute, Router
from starlette.types import Lifespan, Receive, Scope, Send

from massproof.serving.forms import segment


class Segmented(Router):
    """A router that asks only the routes whose paths begin as the request's does; none begins with a parameter."""

    def __init__(self, routes: Sequence[BaseRoute], lifespan: Lifespan[Any]) -> None:
        super().__init__(routes, lifespan=lifespan)
        self._groups: dict[str, Router] = {}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As Starlette calls it."""
        if scope["type"] == "lifespan":
            await super().app(scope, receive, send)
            return
        if not self._groups:  # not before the first request: until then routes may be added
            self._groups = self._grouped()
        found = self._groups.get(segment(scope["path"]))
        await (found.app if found else super().app)(scope, receive, send)

    def _grouped(self) -> dict[str, Router]:
        found: dict[str, Router] = {}
        for route in self.routes:
            found.setdefault(segment(getattr(route, "path", "")), Router()).routes.append(route)
        return found
