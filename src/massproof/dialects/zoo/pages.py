"""Pages of what was asked before, with the tokens of dropshot: URL-safe base64 of a version and where to go on."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from massproof.operations.records import Records
from massproof.serving.web import Refused

_LONGEST = 512  # bytes of a token
_AT_ONCE = 100  # keys that are read at once


def token(start: Mapping[str, Any]) -> str:
    """What a client sends to go on at `start`."""
    text = json.dumps({"v": "v1", "page_start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def start(text: str) -> dict[str, str]:
    """Where a token goes on. Raises Refused, 400, for what is no token of ours."""
    if len(text) > _LONGEST:
        raise Refused(400, "failed to parse pagination token: too large")
    try:
        raw = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
        document = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Refused(400, f"failed to parse pagination token: {error}") from error
    if not isinstance(document, dict) or document.get("v") != "v1":
        raise Refused(400, "failed to parse pagination token: unsupported version")
    found = document.get("page_start")
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise Refused(400, "failed to parse pagination token: corrupted")
    return found


def page(
    records: Records,
    space: str,
    user: str,
    after: str,
    descending: bool,
    limit: int,
    shown: Callable[[str, Any], dict[str, Any] | None],
) -> tuple[list[dict[str, Any]], str | None]:
    """Some items of a user, and the key to go on after; None where no more are.

    shown : an item from its key and what is recorded there, None for one that was not asked for
    """
    items: list[dict[str, Any]] = []
    last = after
    while True:
        rows = records.list(space, f"{user}/", after, _AT_ONCE, descending)
        for after, recorded in rows:
            item = shown(after, recorded)
            if item is None:
                continue
            if len(items) == limit:
                return items, last
            items.append(item)
            last = after
        if len(rows) < _AT_ONCE:
            return items, None
