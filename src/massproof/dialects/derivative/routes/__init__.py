"""What the server answers in these APIs."""

from __future__ import annotations

from starlette.routing import BaseRoute

from massproof.dialects.derivative.routes import auth, designs, files, storage, uploads, views
from massproof.serving.service import Service


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
