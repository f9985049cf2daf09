"""What the server answers in these APIs."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from massproof.dialects.derivative.model import Models
from massproof.dialects.derivative.routes import auth, designs, door, files, storage, uploads, views
from massproof.serving.forms import Refusal
from massproof.serving.service import Service

ASKS = True  # for tokens, at its own door
# The key under which each part of it says why it refuses; the rest is of the translations.
_WORDS = {"/oss/": "reason", "/authentication/": "developerMessage", "/userinfo": "developerMessage"}


def error_body(refusal: Refusal) -> dict[str, Any]:
    """How these APIs say no."""
    words = (word for start, word in _WORDS.items() if refusal.path.startswith(start))
    return {next(words, "diagnostic"): refusal.message}


def admits(service: Service, token: str) -> bool:
    """Whether a token was sold here and holds still: it opens the other services of this vendor as well. Blocks."""
    claims = door.known(service, token)
    return claims is not None and claims.use == "access"


def routes(service: Service) -> list[BaseRoute]:
    """All routes: those with more words first, as a key may have any."""
    models = Models()
    return [
        *auth.routes(service),
        *uploads.routes(service),
        *storage.routes(service),
        *designs.routes(service, models),
        *views.routes(service, models),
        *files.routes(service, models),
    ]
