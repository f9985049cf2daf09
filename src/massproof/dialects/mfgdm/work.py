"""Operations that the service runs for components: started when their results are first asked for."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from massproof.dialects.mfgdm.tree import Asked
from massproof.operations.port import Job, Operation, State
from massproof.serving import weighing
from massproof.serving.service import Service

T = TypeVar("T")
Found = TypeVar("Found", Operation, Operation | None)

_PATIENCE = 10.0  # seconds of waiting for parts of a file: clients give up after 15

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


class Input(NamedTuple):
    """A file that jobs are of."""

    digest: str  # SHA-256
    format: str  # its suffix
    keep: Callable[[], None]  # stores its bytes, should they not be


class Work:
    """Jobs of files; those that have succeeded are remembered, others are asked for again each time."""

    def __init__(self, service: Service) -> None:
        self._service, self._done = service, Recent[Operation](4096)
        settings = service.settings
        self._unit: Options = tuple(weighing.unit(settings).items())
        self._weight: Options = tuple(weighing.weight(settings).items())

    def find(self, kind: str, file: Input, options: Options, asked: Asked) -> Operation | None:
        """The operation of a job that was submitted before, None when it was not."""
        return self._ask(self._service.operations.get, self._job(kind, file, options), asked)

    def start(self, kind: str, file: Input, options: Options, asked: Asked) -> Operation:
        """The operation of a job, submitted if there is none or it may succeed now."""
        key = self._job(kind, file, options)

        def submit(_: str) -> Operation:
            file.keep()
            return self._service.operations.submit(_asked(key))

        return self._ask(submit, key, asked)

    def _job(self, kind: str, file: Input, options: Options) -> tuple[str, str, Options]:
        return kind, file.digest, (("format", file.format), *self._unit, *options)

    def _ask(self, how: Callable[[str], Found], key: Any, asked: Asked) -> Found | Operation:
        done = self._done.get(key)
        if done is not None and (done.ended or 0.0) > time.time() - self._service.settings.keep_seconds:
            return done
        asked.block()
        found = how(_asked(key).id)
        if found is not None and found.state is State.SUCCEEDED:
            self._done.put(key, found)
        return found

    def properties(self, file: Input, asked: Asked) -> Operation:
        """The operation that measures all of a file.

        A density or material of the server is used where the file states none, and only there.
        """
        found = self.start("properties", file, (), asked)
        if self._weight and found.state is State.SUCCEEDED and not _weighs(found.outcome.result):
            return self.start("properties", file, self._weight, asked)
        return found

    def parts(self, file: Input, asked: Asked, wait: bool) -> tuple[Operation, Operation | None]:
        """The operation that measures each part of a file, and the one that does so with the server's density.

        The second is None where no part needs it.  wait : until they have ended, or there is no time left
        """
        found = self._parts(file, (), asked, wait)
        if not self._weight or found.state is not State.SUCCEEDED:
            return found, None
        if all(weighed(one["properties"]) for one in found.outcome.result["parts"].values()):
            return found, None
        return found, self._parts(file, self._weight, asked, wait)

    def _parts(self, file: Input, options: Options, asked: Asked, wait: bool) -> Operation:
        found = self.start("assembly", file, options, asked)
        if wait and not found.state.ended:
            asked.block()
            self._service.operations.wait(found.id, _PATIENCE)
            found = self.start("assembly", file, options, asked)
        return found


def _asked(key: tuple[str, str, Options]) -> Job:
    kind, digest, options = key
    return Job(kind, (digest,), dict(options))


def _weighs(result: Mapping[str, Any]) -> bool:
    """Whether a file has a density, or states those of some of its parts, which one density of all would override."""
    stated = (one["evidence"]["densities"] for one in result["findings"] if one["code"] == "density-stated")
    return weighed(result) or any(stated)


def weighed(result: Mapping[str, Any]) -> bool:
    """Whether a result that was measured has a density."""
    return result["properties"]["density"] is not None
