"""Code that may crash, hang or eat all memory, in a process of its own.

What it answers is JSON, never a pickle: whoever takes it over cannot run code here. Where the system can, each call
has a confined process for itself ("confined": `zygote`), elsewhere one that is kept ("process": `workers`). A crash
or too long a wait is an error for the call it served; the next call works.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from massproof import answering
from massproof.answering import Limits, Stopped, answered
from massproof.workers import Workers

if TYPE_CHECKING:
    from massproof.zygote import Zygote

__all__ = [
    "CONFINED",
    "DEFAULT",
    "PROCESS",
    "Limits",
    "Stopped",
    "answered",
    "call",
    "call_for_bytes",
    "limits",
    "way",
]

CONFINED, PROCESS = "confined", "process"
DEFAULT = Limits()
_PATIENCE = 120.0  # seconds that any file may take
_RATE = 20_000.0  # bytes for which it may take one more


def limits(size: int) -> Limits:
    """What making shapes of a file of `size` bytes may take."""
    return DEFAULT._replace(seconds=_PATIENCE + size / _RATE)


def call(function: str, data: bytes | memoryview, limits: Limits = DEFAULT, **arguments: Any) -> Any:
    """What `function` returns, called in another process as function(data, **arguments).

    function : "module:name"; it returns what JSON can say, and so are its arguments

    Raises the MassproofError that it raised, and Stopped when it crashed or exceeded a limit.
    """
    return call_for_bytes(function, data, limits, **arguments)[0]


def call_for_bytes(
    function: str, data: bytes | memoryview, limits: Limits = DEFAULT, **arguments: Any
) -> tuple[Any, bytes]:
    """As `call`, of a function that returns a pair: what JSON can say, and bytes; of any other these are none."""
    text, numbers = _POOL.ask({"function": function, "arguments": arguments}, data, limits)
    return answering.understood(text, limits), numbers


def way() -> str:
    """How calls are isolated here: CONFINED, a process for each that may do little else; or PROCESS."""
    return _POOL.way


def _watches() -> bool:
    """Whether this system forks processes, and tells when one has ended."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # Linux before 5.3, or a container that forbids it
        return False
    return True


class _Pool:
    """The processes that serve calls, started when they are first needed."""

    def __init__(self, way: str = "") -> None:
        """way : CONFINED or PROCESS, "" for what the system can."""
        self._way = way
        self._workers = Workers()
        self._zygote: Zygote | None = None
        self._lock = threading.Lock()

    @property
    def way(self) -> str:
        """CONFINED or PROCESS."""
        if not self._way:
            self._way = CONFINED if _watches() else PROCESS
        return self._way

    def ask(self, request: dict[str, Any], data: bytes | memoryview, limits: Limits) -> tuple[bytes, bytes]:
        """The answer to a request, and its bytes; raises Stopped when there is none."""
        if self.way == PROCESS:
            return self._workers.ask(request, data, limits)
        from massproof import zygote

        for _ in range(2):
            living = self._living()
            try:
                return living.ask(request, data, limits)
            except zygote.Gone:  # since its last call
                self._drop(living)
        raise zygote.lost()

    def _living(self) -> Zygote:
        """A zygote of this process, another where the last one has ended."""
        from massproof import zygote

        with self._lock:
            if self._zygote is None or not self._zygote.alive():
                old, self._zygote = self._zygote, zygote.Zygote()
                if old is not None:
                    old.end()
            return self._zygote

    def _drop(self, living: Zygote) -> None:
        with self._lock:
            if self._zygote is living:
                self._zygote = None
        living.end()

    def end(self) -> None:
        """Stop all processes of this one that wait."""
        self._workers.end()
        if self._zygote is not None:
            self._drop(self._zygote)


_POOL = _Pool()
atexit.register(_POOL.end)
