"""What goes wrong on request, so that clients can be tested against it."""

from __future__ import annotations

from starlette.requests import Request

from massproof.operations.port import Operation


def view(request: Request, operation: Operation) -> Operation:
    """The operation as this request shall see it."""
    return operation
