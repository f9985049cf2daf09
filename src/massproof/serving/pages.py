"""The page at `/`, and what it is made of: nothing comes from anywhere else."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

_FOLDER = Path(__file__).with_name("page")
_FILES = {
    "index.html": "text/html",
    "page.js": "text/javascript",
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
    "model-viewer.min.js": "text/javascript",
}
# Own files only, and what scripts make of downloads; nobody may frame the page. The viewer compiles a decoder it has.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "connect-src 'self' blob: data:",
        "worker-src 'self' blob:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes() -> list[BaseRoute]:
    """`/` and `/page/{file}`."""
    return [Route("/", _page), Route("/page/{name}", _page)]


async def _page(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    if name not in _FILES:
        return Response("there is no such page", 404, {"X-Content-Type-Options": "nosniff"}, "text/plain")
    return FileResponse(_FOLDER / name, media_type=_FILES[name], headers=_HEADERS)
