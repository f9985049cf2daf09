"""What the server answers in these APIs."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from massproof.dialects.derivative.routes import auth, designs, files, storage, uploads, views
from massproof.serving.service import Service

# Paths whose routes look at tokens themselves, as those that are issued here are none of the server's own.
OPEN = ("/authentication/", "/userinfo", "/oss/", "/modelderivative/", "/derivatives/")


def error_body(status: int, message: str) -> dict[str, Any]:
    """How the gateway before all these APIs says no."""
    return {"developerMessage": message, "errorCode": str(status)}


def routes(service: Service) -> list[BaseRoute]:
    """All routes: those with more words first, as a key may have any."""
    return [
        *auth.routes(service),
        *uploads.routes(service),
        *storage.routes(service),
        *designs.routes(service),
        *views.routes(service),
        *files.routes(service),
    ]
