"""Operations that the service runs for components: started when their results are first asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from massproof.dialects.mfgdm.tree import Asked
from massproof.operations.port import Job, Operation, State
from massproof.serving.service import Service

T = TypeVar("T")

Options = tuple[tuple[str, Any], ...]  # of a job, sorted by name


class Recent(Generic[T]):
    """The values of the keys that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most, self._all, self._lock = most, OrderedDict[Any, T](), threading.Lock()

    def get(self, key: Any) -> T | None:
        """The value of a key, None when it is not kept."""
        with self._lock:
            found = self._all.get(key)
            if found is not None:
                self._all.move_to_end(key)
            return found

    def put(self, key: Any, value: T) -> T:
        """Keep a value, and forget the one that was not asked for the longest."""
        with self._lock:
            self._all[key] = value
            self._all.move_to_end(key)
            if len(self._all) > self._most:
                self._all.popitem(last=False)
        return value


class Work:
    """Jobs of files; those that have succeeded are remembered, others are asked for again each time."""

    def __init__(self, service: Service) -> None:
        self._service, self._done = service, Recent[Operation](4096)
        settings = service.settings
        self._unit: Options = (("unit", settings.unit),) if settings.unit else ()
        weights = (("density", settings.density), ("material", settings.material))
        self._weight: Options = next(((pair,) for pair in weights if pair[1]), ())
        self._weighing: Options = tuple(sorted((*self._unit, *self._weight)))

    def find(self, kind: str, digest: str, options: Options, asked: Asked) -> Operation | None:
        """The operation of a job that was submitted before, None when it was not."""
        return self._ask(self._service.operations.get, kind, digest, options, asked)

    def start(
        self, kind: str, digest: str, options: Options, asked: Asked, keep: Callable[[], None]
    ) -> Operation:
        """The operation of a job, submitted if there is none or it may succeed now; `keep` stores its input."""

        def submit(id: str) -> Operation:
            keep()
            return self._service.operations.submit(Job(kind, (digest,), dict(options)))

        found = self._ask(submit, kind, digest, options, asked)
        assert found is not None  # noqa: S101
        return found

    def _ask(
        self,
        how: Callable[[str], Operation | None],
        kind: str,
        digest: str,
        options: Options,
        asked: Asked,
    ) -> Operation | None:
        key = kind, digest, options
        found = self._done.get(key)
        if found is None:
            asked.block()
            found = how(Job(kind, (digest,), dict(options)).id)
            if found is not None and found.state is State.SUCCEEDED:
                self._done.put(key, found)
        return found

    def properties(self, digest: str, asked: Asked, keep: Callable[[], None]) -> Operation:
        """The operation that measures all of a file.

        A density or material of the server is used where the file states none, and only there.
        """
        found = self.start("properties", digest, self._unit, asked, keep)
        if self._weight and found.state is State.SUCCEEDED and not weighed(found.outcome.result):
            return self.start("properties", digest, self._weighing, asked, keep)
        return found

    def parts(
        self, digest: str, asked: Asked, keep: Callable[[], None]
    ) -> tuple[Operation, Operation | None]:
        """The operation that measures each part of a file, and the one that does so with the server's density.

        Both have ended, or there was no time left; the second is None where no part needs it.
        """
        found = self._ended(self._unit, digest, asked, keep)
        if not self._weight or found.state is not State.SUCCEEDED:
            return found, None
        if all(weighed(one["properties"]) for one in found.outcome.result["parts"].values()):
            return found, None
        return found, self._ended(self._weighing, digest, asked, keep)

    def _ended(self, options: Options, digest: str, asked: Asked, keep: Callable[[], None]) -> Operation:
        found = self.start("assembly", digest, options, asked, keep)
        if not found.state.ended:
            asked.block()
            self._service.operations.wait(found.id, self._service.settings.job_seconds)
            found = self.start("assembly", digest, options, asked, keep)
        return found


def weighed(result: Mapping[str, Any]) -> bool:
    """Whether a result that was measured has a density."""
    return result["properties"]["density"] is not None
