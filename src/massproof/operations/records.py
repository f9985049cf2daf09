"""What the server must not forget beside operations: JSON by space and key."""

from __future__ import annotations

import json
import threading
from typing import Any, Protocol

from massproof.errors import UsageError

_LAST, _SURROGATES, _AFTER = 0x10FFFF, range(0xD800, 0xE000), 0xE000


class Records(Protocol):
    """JSON values by space ("zoo.calls", "oss.objects") and key. May be called from any thread.

    Spaces and keys are any text but NUL and lone surrogates, which no database can keep: UsageError.
    """

    def put(self, space: str, key: str, value: Any, once: bool = False) -> bool:
        """Keep a value, durably; with `once` only where there is none yet. Whether it was written."""
        ...

    def get(self, space: str, key: str) -> Any:
        """The value, None where there is none."""
        ...

    def list(
        self, space: str, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> list[tuple[str, Any]]:
        """Keys and values in the order of keys (code points); `after` this key in that order, "" for all."""
        ...

    def delete(self, space: str, key: str) -> bool:
        """Whether there was one."""
        ...

    def close(self) -> None:
        """Let go of what holds them."""
        ...


class InMemory:
    """The port `Records`, without durability."""

    def __init__(self) -> None:
        self._all: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def put(self, space: str, key: str, value: Any, once: bool = False) -> bool:
        """As the port says."""
        text = json.dumps(value)
        with self._lock:
            rows = self._all.setdefault(checked(space), {})
            if once and checked(key) in rows:
                return False
            rows[checked(key)] = text
            return True

    def get(self, space: str, key: str) -> Any:
        """As the port says."""
        text = self._all.get(space, {}).get(key)
        return None if text is None else json.loads(text)

    def list(
        self, space: str, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> list[tuple[str, Any]]:
        """As the port says."""
        with self._lock:
            rows = dict(self._all.get(space, {}))
        keys = sorted((key for key in rows if key.startswith(prefix)), reverse=descending)
        if after:
            keys = [key for key in keys if (key < after if descending else key > after)]
        return [(key, json.loads(rows[key])) for key in keys[:limit]]

    def delete(self, space: str, key: str) -> bool:
        """As the port says."""
        with self._lock:
            return self._all.get(space, {}).pop(key, None) is not None

    def close(self) -> None:
        """Nothing holds them."""


def checked(text: str) -> str:
    """A space or key, if it can be one; raises UsageError."""
    if "\0" in text or any(ord(letter) in _SURROGATES for letter in text):
        msg = f"{text!r} cannot be a key: it holds NUL or half of a character"
        raise UsageError(msg)
    return text


def following(prefix: str) -> str | None:
    """The first text, by code points, after all that begin with a prefix; None when none is."""
    for last in range(len(prefix) - 1, -1, -1):
        if (code := ord(prefix[last])) < _LAST:
            return prefix[:last] + chr(_AFTER if code + 1 in _SURROGATES else code + 1)
    return None
