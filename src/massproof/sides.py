"""What may be compared: a result, a file to be measured, a vendor's answer, a saved report."""

from __future__ import annotations

from typing import Any

from massproof.measure import measure
from massproof.properties import Properties


def side(thing: Any, *, dialect: str | None = None, **options: Any) -> Properties:
    """The result that `thing` is, or that it is measured as.

    thing : Properties, or anything that `measure` accepts
    options : those of `measure`, for what is measured

    Raises what `measure` raises.
    """
    if isinstance(thing, Properties):
        return thing
    return measure(thing, **options)
