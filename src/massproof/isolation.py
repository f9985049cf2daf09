"""Code that may crash, hang or eat all memory, in a process of its own.

A worker process is started when it is first needed and kept, so that imports are paid for once. What it
answers is JSON, never a pickle: whoever takes it over cannot run code here. One that crashes or takes too
long is an error for the call it served; the next call gets another.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import IO, Any, NamedTuple

from massproof import errors
from massproof.errors import FormatError, MassproofError

MAX_ANSWER = 1 << 26  # bytes: a hundred thousand placed solids; more is no answer of ours
MAX_DATA = (
    1 << 32
)  # bytes of numbers beside it: twenty million triangles and their corners have a sixth of it

_LENGTH = struct.Struct("<QQ")  # bytes of the request or answer, and of the data that follow
_START = "import sys; sys.path[:] = {path!r}; from massproof import isolation; isolation.serve({memory})"


class Stopped(FormatError):
    """A worker crashed or went beyond a limit: with less to do it might not."""


class Limits(NamedTuple):
    """What one call may take."""

    seconds: float = 300.0  # on the clock
    memory: int = 8 << 30  # bytes of data, where the system can limit them


DEFAULT = Limits()
_PATIENCE = 120.0  # seconds that any file may take
_RATE = 20_000.0  # bytes for which it may take one more


def limits(size: int) -> Limits:
    """What making shapes of a file of `size` bytes may take."""
    return DEFAULT._replace(seconds=_PATIENCE + size / _RATE)


def call(function: str, data: bytes | memoryview, limits: Limits = DEFAULT, **arguments: Any) -> Any:
    """What `function` returns, called in a worker process as function(data, **arguments).

    function : "module:name"; it returns what JSON can say, and so are its arguments

    Raises the MassproofError that it raised, and Stopped when it crashed or exceeded a limit.
    """
    return call_for_bytes(function, data, limits, **arguments)[0]


def call_for_bytes(
    function: str, data: bytes | memoryview, limits: Limits = DEFAULT, **arguments: Any
) -> tuple[Any, bytes]:
    """As `call`, of a function that returns a pair: what JSON can say, and bytes; of any other these are none."""
    worker = _POOL.take(limits)
    try:
        answer, numbers = worker.ask({"function": function, "arguments": arguments}, data, limits)
    except BaseException:
        worker.kill()
        raise
    _POOL.give_back(worker)
    if "error" in answer:
        raise _raised(answer["error"], limits)
    return answer["result"], numbers


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
        )

    def ask(
        self, request: dict[str, Any], data: bytes | memoryview, limits: Limits
    ) -> tuple[dict[str, Any], bytes]:
        """The answer to a request, and its bytes; Stopped when there is none in time."""
        answers: list[tuple[bytes, bytes]] = []
        reader = threading.Thread(target=self._exchange, args=(request, data, answers), daemon=True)
        reader.start()
        reader.join(limits.seconds)
        if reader.is_alive():
            self.kill()
            reader.join()
            msg = (
                f"reading took more than {limits.seconds:g} s in a separate process, which was stopped; "
                "simplify the file"
            )
            raise Stopped(msg)
        if not answers:
            raise Stopped(_death(self._process.wait(), limits))
        text, numbers = answers[0]
        answer: dict[str, Any] = json.loads(text)
        return answer, numbers

    def _exchange(
        self, request: dict[str, Any], data: bytes | memoryview, answers: list[tuple[bytes, bytes]]
    ) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        try:
            _send(stdin, json.dumps(request).encode(), data)
            answers.append(_received(stdout, MAX_ANSWER))
        except (OSError, EOFError):  # it died, or was stopped: `ask` says which
            return
        except ValueError:  # it says too much, and waits for somebody to listen
            self._process.kill()

    def kill(self) -> None:
        """Stop the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in filter(None, (self._process.stdin, self._process.stdout)):
            with suppress(OSError):  # what it did not take will not be sent
                stream.close()


class _Pool:
    """Workers that wait for a call."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def take(self, limits: Limits) -> _Worker:
        """A worker of this process: a copy of ours that was forked has pipes that are not its own."""
        with self._lock:
            for worker in self._idle:
                if worker.owner == os.getpid() and worker.memory == limits.memory:
                    self._idle.remove(worker)
                    return worker
        return _Worker(limits.memory)

    def give_back(self, worker: _Worker) -> None:
        """Keep a worker for the next call."""
        with self._lock:
            self._idle.append(worker)

    def end(self) -> None:
        """Stop those of this process that wait."""
        with self._lock:
            own = [worker for worker in self._idle if worker.owner == os.getpid()]
            self._idle = [worker for worker in self._idle if worker not in own]
        for worker in own:
            worker.kill()


_POOL = _Pool()
atexit.register(_POOL.end)


def _death(code: int, limits: Limits) -> str:
    """What to say of a worker that ended without an answer."""
    how = f"crashed ({signal.Signals(-code).name})" if code < 0 else f"ended without an answer (exit {code})"
    return (
        f"the process that read the file {how}; it may have needed more than {limits.memory / 2**30:g} GiB: "
        "repair or simplify the file"
    )


def _raised(error: dict[str, str], limits: Limits) -> MassproofError:
    """The exception of a worker, as one of ours."""
    kind = getattr(errors, error["type"], None)
    if isinstance(kind, type) and issubclass(kind, MassproofError):
        made = kind.__new__(kind)
        made.args = (error["message"],)
        return made
    if error["type"] == "MemoryError":
        return Stopped(
            f"reading needed more than {limits.memory / 2**30:g} GiB in a separate process; simplify the file"
        )
    return FormatError(f"reading failed: {error['type']}: {error['message']}; repair the file")


def _send(stream: IO[bytes], text: bytes, data: bytes | memoryview = b"") -> None:
    stream.write(_LENGTH.pack(len(text), len(data)))
    stream.write(text)
    stream.write(data)
    stream.flush()


def _received(stream: IO[bytes], most: int) -> tuple[bytes, bytes]:
    """Text and data of one message; EOFError at the end, ValueError when it is too long."""
    text, data = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if text > most or data > MAX_DATA:
        msg = "an answer that is too long"
        raise ValueError(msg)
    return _exactly(stream, text), _exactly(stream, data)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise EOFError
    return found


def serve(memory: int) -> None:  # pragma: no cover  # runs in the worker
    """Answer calls until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    void = os.open(os.devnull, os.O_RDWR)
    requests = os.fdopen(os.dup(0), "rb")
    for stream in (0, 1):  # what libraries print and read is not ours
        os.dup2(void, stream)
    _limit(memory)
    while True:
        try:
            text, data = _received(requests, MAX_ANSWER)
        except EOFError:
            return
        answer, numbers = answered(json.loads(text), data)
        _send(answers, json.dumps(answer).encode(), numbers)


def answered(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """The answer to one request: its result with the bytes beside it, or the error that it raised."""
    module, _, name = request["function"].partition(":")
    try:
        result = getattr(import_module(module), name)(data, **request["arguments"])
    except Exception as error:  # noqa: BLE001 - whatever is raised is the answer
        return {"error": {"type": type(error).__name__, "message": str(error)}}, b""
    result, numbers = result if isinstance(result, tuple) else (result, b"")
    return {"result": result}, numbers


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
