"""One peer in a process of its own: it measures files when told to, one JSON line for each.

    python benchmarks/worker.py trimesh           (started by `rounds`)

A request is {"path", "least", "check", "memory"}. `least`: seconds to repeat for, where a call is too short
for the clock. The reply holds the medians of [CPU, wall] seconds of load, properties and check, the answer,
and the peak memory if asked. What libraries print is thrown away.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

import peers

_LARGE = 200_000_000  # bytes of a file after which freed memory is given back, since other peers need it
_REPEATS = 25


def now() -> tuple[float, float]:
    """CPU time of this process, all threads, and wall time."""
    return time.process_time(), time.perf_counter()


def timed(function: Any, *arguments: Any) -> tuple[Any, list[float]]:
    """Result and [CPU, wall] seconds of a call."""
    start = now()
    result = function(*arguments)
    end = now()
    return result, [end[0] - start[0], end[1] - start[1]]


def status(field: str) -> int:
    """Bytes that the kernel counts for this process: VmHWM, VmRSS, RssAnon."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


class Memory:
    """Peak of all resident memory, and of that which is not a mapped file, above the start; Linux only."""

    def __enter__(self) -> Memory:
        self.peak = self.private = None
        if not Path("/proc/self/clear_refs").exists():
            return self
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # forgets the old peak
        self._resident, self._base, self._most = status("VmRSS"), status("RssAnon"), 0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self._most = max(self._most, status("RssAnon"))

    def __exit__(self, *_: object) -> None:
        if self.peak is None and hasattr(self, "_over"):
            self._over.set()
            self._watcher.join()
            self.peak = status("VmHWM") - self._resident
            self.private = max(self._most, status("RssAnon")) - self._base


def once(peer: peers.Peer, path: str, check: bool) -> tuple[list[list[float] | None], dict[str, Any]]:
    """Times of load, properties, check, and what was said."""
    loaded, load = timed(peer.load, path)
    answer, compute = timed(peer.properties, loaded)
    closed, test = timed(peer.closed, loaded) if check and peer.tests_closed else (None, None)
    return [load, compute, test], {"answer": answer, "closed": closed}


def measured(peer: peers.Peer, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request."""
    path, samples, end = request["path"], [], time.perf_counter() + request["least"]
    memory = Memory()
    if request["memory"]:
        with memory:
            times, said = once(peer, path, request["check"])
        samples.append(times)
    else:
        while not samples or (time.perf_counter() < end and len(samples) < _REPEATS):
            times, said = once(peer, path, request["check"])
            samples.append(times)
    if Path(path).stat().st_size > _LARGE:
        give_back()
    steps = [
        None if column[0] is None else [statistics.median(t[k] for t in column) for k in (0, 1)]
        for column in zip(*samples, strict=True)
    ]
    reply = dict(zip(("load", "compute", "check"), steps, strict=True), **said)
    if hasattr(peer, "says"):
        reply["says"] = peer.says()
    if request["memory"]:
        reply |= {"peak": memory.peak, "private": memory.private}
    return reply


def give_back() -> None:
    """Return freed memory to the system."""
    import ctypes

    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def main() -> None:
    """Answer requests until the input ends."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 1)
    if "--loud" not in sys.argv:
        os.dup2(void, 2)
    try:
        peer = peers.registry()[sys.argv[1]]()
        print(json.dumps({"version": peer.version()}), file=channel)
    except (ImportError, OSError) as error:
        print(json.dumps({"missing": f"{type(error).__name__}: {error}"}), file=channel)
        return
    for line in sys.stdin:
        try:
            reply = measured(peer, json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever a library raises is its answer
            reply = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(reply), file=channel)


if __name__ == "__main__":
    main()
