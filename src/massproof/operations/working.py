"""A process that does nothing but run jobs that servers have stored in a PostgreSQL database."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from massproof.blobs import Blobs
from massproof.errors import UsageError
from massproof.operations.stores import opened


def work(
    database: str, folder: Path, threads: int, job_seconds: float, ready: Callable[[], None] = lambda: None
) -> None:
    """Run jobs until SIGTERM or SIGINT; then those that run are finished, or left to others after 10 s.

    database, folder : those of the servers. Call it on the main thread; `ready` is called when it works.
    Raises UsageError for a database that is not shared, and what `stores.opened` raises.
    """
    if database in ("memory", "sqlite") or threads < 1:
        msg = (
            f"{threads} threads on {database!r}: a worker takes one thread at least, and a database that it shares "
            "with servers, postgresql://…"
        )
        raise UsageError(msg)
    with _asked_to_stop() as stop:
        blobs = Blobs(folder / "blobs")
        operations, records = opened(
            database,
            folder,
            blobs,
            threads=threads,
            job_seconds=job_seconds,
            keep_seconds=math.inf,  # to forget is for servers, which are told when
        )
        try:
            ready()
            stop.wait()
        finally:
            operations.close()
            records.close()


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    stop = threading.Event()
    signals = signal.SIGTERM, signal.SIGINT
    before = [signal.signal(one, lambda *_: stop.set()) for one in signals]
    try:
        yield stop
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
