"""Records that are read again and again, as those of calls that are polled: kept for a second in the one process."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from typing import Any

from massproof.operations.records import Records

_HOLDS = 1.0  # seconds: what is swept away meanwhile behind our back is told for so long
_MOST, _LONGEST = 4096, 1 << 14  # records, and characters of one


class Remembering:
    """The port `Records` on another, for a process that alone writes to it."""

    def __init__(self, records: Records) -> None:
        self._records, self._lock = records, threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()
        self._writes = 0

    def held(self, space: str, key: str) -> Any:
        """The value if it is at hand, which takes no time; None otherwise."""
        with self._lock:
            since, text = self._known.get((space, key), (0.0, ""))
        return json.loads(text) if since > time.monotonic() - _HOLDS else None

    def get(self, space: str, key: str) -> Any:
        """As the port says."""
        held = self.held(space, key)
        if held is not None:
            return held
        before = self._writes
        found = self._records.get(space, key)
        text = json.dumps(found)
        with self._lock:
            # What was read before another thread wrote may be old already.
            if found is not None and before == self._writes and len(text) <= _LONGEST:
                self._known[space, key] = (time.monotonic(), text)
                self._known.move_to_end((space, key))
                if len(self._known) > _MOST:
                    self._known.popitem(last=False)
        return found

    def put(self, space: str, key: str, value: Any, once: bool = False) -> bool:
        """As the port says."""
        try:
            return self._records.put(space, key, value, once)
        finally:
            self._forget(space, key)

    def delete(self, space: str, key: str) -> bool:
        """As the port says."""
        try:
            return self._records.delete(space, key)
        finally:
            self._forget(space, key)

    def _forget(self, space: str, key: str) -> None:
        with self._lock:
            self._writes += 1
            self._known.pop((space, key), None)

    def list(
        self, space: str, prefix: str = "", after: str = "", limit: int = 100, descending: bool = False
    ) -> list[tuple[str, Any]]:
        """As the port says."""
        return self._records.list(space, prefix, after, limit, descending)

    def close(self) -> None:
        """As the port says."""
        self._records.close()
