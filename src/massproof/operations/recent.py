"""What a process remembers of operations: those that ended, and who waits for the others."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from massproof.operations.port import Operation


class Recent:
    """Operations that will not change, the most recently asked for."""

    def __init__(self, most: int, size: int) -> None:
        """most : of them. size : of all of them, by what `add` says."""
        self._most, self._size, self._lock, self._held = most, size, threading.Lock(), 0
        self._all: OrderedDict[str, tuple[Operation, int]] = OrderedDict()

    def get(self, id: str, since: float) -> Operation | None:
        """One that has ended since."""
        with self._lock:
            found = self._all.get(id)
            if found is None or (found[0].ended or 0.0) < since:
                return None
            self._all.move_to_end(id)
            return found[0]

    def add(self, operation: Operation, size: int) -> None:
        """Keep one, and forget those that were not asked for, should there be too many."""
        with self._lock:
            self._held += size - self._all.pop(operation.id, (operation, 0))[1]
            self._all[operation.id] = operation, size
            while len(self._all) > self._most or self._held > self._size:
                self._held -= self._all.popitem(last=False)[1][1]


class Waiting:
    """Who waits for operations that end in this process."""

    def __init__(self) -> None:
        self._lock, self._all = threading.Lock(), dict[str, list[threading.Event]]()

    @contextmanager
    def on(self, id: str) -> Iterator[threading.Event]:
        """An event that is set whenever something happens to an operation here."""
        event = threading.Event()
        with self._lock:
            self._all.setdefault(id, []).append(event)
        try:
            yield event
        finally:
            with self._lock:
                events = self._all[id]
                events.remove(event)
                if not events:
                    del self._all[id]

    def tell(self, id: str) -> None:
        """Wake those who wait for it."""
        with self._lock:
            for event in self._all.get(id, ()):
                event.set()
