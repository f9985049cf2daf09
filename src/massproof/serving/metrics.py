"""What a server has done, in the text form of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from massproof.operations.port import State
from massproof.serving.service import Service
from massproof.version import __version__

KIND = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds
_STALE = 5.0  # seconds for which what is counted on disk and in the database holds
_NEWEST = 10_000  # operations that are counted

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts of one process, which its label `worker` tells from others of the same server."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._latency: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._sent = 0
        self._stored: tuple[float, str] = (-_STALE, "")

    def request(self, method: str, route: str, status: int, seconds: float, sent: int) -> None:
        """Count a request that was answered; route : the template of its path."""
        self._requests[method, route, status] += 1
        buckets = self._latency.setdefault(route, [0] * (len(_BOUNDS) + 1))
        buckets[next((i for i, bound in enumerate(_BOUNDS) if seconds <= bound), len(_BOUNDS))] += 1
        self._seconds[route] = self._seconds.get(route, 0.0) + seconds
        self._sent += sent

    def text(self, service: Service) -> str:
        """All there is; reads the folder and the database, and so blocks."""
        now = time.monotonic()
        if now - self._stored[0] >= _STALE:
            self._stored = (now, "".join(_stored(service)))
        return "".join(self._counted()) + self._stored[1]

    def _counted(self) -> Iterator[str]:
        worker = ("worker", str(os.getpid()))
        yield from _family(
            "massproof_info", "gauge", "The version that runs.", [((("version", __version__),), 1)]
        )
        yield from _family(
            "massproof_requests_total",
            "counter",
            "Requests answered.",
            [
                ((("method", method), ("route", route), ("status", str(status)), worker), count)
                for (method, route, status), count in sorted(self._requests.items())
            ],
        )
        yield from _family("massproof_request_seconds", "histogram", "Time to the end of the answer.", [])
        for route, buckets in sorted(self._latency.items()):
            yield from self._histogram(route, buckets, (("route", route), worker))
        sent = [((worker,), self._sent)]
        yield from _family("massproof_sent_bytes_total", "counter", "Bytes of answers.", sent)

    def _histogram(self, route: str, buckets: list[int], labels: Labels) -> Iterator[str]:
        total = 0
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), buckets, strict=True):
            total += count
            yield _line("massproof_request_seconds_bucket", (*labels, ("le", bound)), total)
        yield _line("massproof_request_seconds_sum", labels, round(self._seconds[route], 6))
        yield _line("massproof_request_seconds_count", labels, total)


def _stored(service: Service) -> Iterator[str]:
    found = service.operations.list(limit=_NEWEST)
    states = Counter((one.job.kind, one.state.value) for one in found)
    rows = [((("kind", kind), ("state", state)), count) for (kind, state), count in sorted(states.items())]
    yield from _family("massproof_operations", "gauge", f"Operations, of the {_NEWEST} newest.", rows)
    waiting = sum(one.state is State.QUEUED for one in found)
    yield from _family("massproof_queue_length", "gauge", "Operations that wait.", [((), waiting)])
    sizes = [path.stat().st_size for path in service.blobs.folder.glob("[0-9a-f][0-9a-f]/*")]
    yield from _family("massproof_blobs", "gauge", "Files that are kept.", [((), len(sizes))])
    yield from _family("massproof_blobs_bytes", "gauge", "Bytes of files that are kept.", [((), sum(sizes))])


def _family(name: str, kind: str, help: str, rows: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    yield f"# HELP {name} {help}\n# TYPE {name} {kind}\n"
    for labels, value in rows:
        yield _line(name, labels, value)


def _line(name: str, labels: Labels, value: float) -> str:
    said = ",".join(f'{key}="{text.translate(_ESCAPED)}"' for key, text in labels)
    return f"{name}{{{said}}} {value}\n" if said else f"{name} {value}\n"


_ESCAPED: Mapping[int, str] = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
