"""Processes that are kept and serve one call after the other: isolation on any system, though not confinement.

Imports are paid for once. One that crashes or takes too long is an error for the call it served; the next call gets
another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Any

from massproof import answering
from massproof.answering import Limits, TooLong

_START = "import sys; sys.path[:] = {path!r}; from massproof import workers; workers.serve({memory})"


class Workers:
    """Processes that wait for a call."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def ask(self, request: dict[str, Any], data: bytes | memoryview, limits: Limits) -> tuple[bytes, bytes]:
        """The answer to a request, and its bytes; raises Stopped when there is none."""
        worker = self._take(limits)
        try:
            answer = worker.ask(request, data, limits)
        except BaseException:
            worker.kill()
            raise
        with self._lock:
            self._idle.append(worker)
        return answer

    def _take(self, limits: Limits) -> _Worker:
        """A worker of this process: a copy of ours that was forked has pipes that are not its own."""
        with self._lock:
            for worker in self._idle:
                if worker.owner == os.getpid() and worker.memory == limits.memory:
                    self._idle.remove(worker)
                    return worker
        return _Worker(limits.memory)

    def end(self) -> None:
        """Stop those of this process that wait."""
        with self._lock:
            own = [worker for worker in self._idle if worker.owner == os.getpid()]
            self._idle = [worker for worker in self._idle if worker not in own]
        for worker in own:
            worker.kill()


class _Worker:
    """A process that serves one call after the other."""

    def __init__(self, memory: int) -> None:
        code = _START.format(path=sys.path, memory=memory)
        self.owner, self.memory = os.getpid(), memory
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=answering.environment(),
        )

    def ask(self, request: dict[str, Any], data: bytes | memoryview, limits: Limits) -> tuple[bytes, bytes]:
        """The answer to a request, and its bytes; Stopped when there is none in time."""
        answers: list[tuple[bytes, bytes] | None] = []
        reader = threading.Thread(target=self._exchange, args=(request, data, answers), daemon=True)
        reader.start()
        reader.join(limits.seconds)
        if reader.is_alive():
            self.kill()
            reader.join()
            raise answering.late(limits)
        if not answers:
            raise answering.died(self._process.wait(), limits)
        if answers[0] is None:
            raise answering.talkative()
        return answers[0]

    def _exchange(
        self, request: dict[str, Any], data: bytes | memoryview, answers: list[tuple[bytes, bytes] | None]
    ) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        try:
            _send(stdin, answering.message(json.dumps(request).encode(), data))
            answers.append(answering.received(stdout.read))
        except (OSError, EOFError):  # it died, or was stopped: `ask` says which
            return
        except TooLong:
            answers.append(None)

    def kill(self) -> None:
        """Stop the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in filter(None, (self._process.stdin, self._process.stdout)):
            with suppress(OSError):  # what it did not take will not be sent
                stream.close()


def _send(stream: IO[bytes], parts: list[bytes | memoryview]) -> None:
    for part in parts:
        stream.write(part)
    stream.flush()


def serve(memory: int) -> None:  # pragma: no cover  # runs in the worker
    """Answer calls until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    void = os.open(os.devnull, os.O_RDWR)
    requests = os.fdopen(os.dup(0), "rb")
    for stream in (0, 1):  # what libraries print and read is not ours
        os.dup2(void, stream)
    _limit(memory)
    with suppress(EOFError):
        while True:
            _send(answers, answering.reply(*answering.received(requests.read)))


def _limit(memory: int) -> None:  # pragma: no cover  # runs in the worker
    """Bound the data of this process where the system can: not the address space, which maps files."""
    try:
        import resource
    except ImportError:  # Windows: only the time is limited
        return
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]  # which this process may be given, and cannot raise
    memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
