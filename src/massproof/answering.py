"""What a process that works for another says, and what its end means: messages of JSON and bytes, and outcome codes.

Never a pickle: whoever takes such a process over cannot run code in the one that asked it.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import struct
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from massproof import errors
from massproof.errors import FormatError, MassproofError

MAX_ANSWER = 1 << 26  # bytes: a hundred thousand placed solids; more is no answer of ours
MAX_DATA = (
    1 << 32
)  # bytes of numbers beside it: twenty million triangles and their corners have a sixth of it
_NEAR = (
    0.8  # of the memory that is allowed: whoever dies beyond it asked for more, as buffers grow by doubling
)
_LENGTH = struct.Struct("<QQ")  # bytes of the request or answer, and of the data that follow
_PIECE = 1 << 20  # bytes that are read at once, whatever a message says that it holds


# Beginnings of the names of variables that a process needs to start, find libraries and be measured. Nothing else is
# handed on: what runs there may be somebody else's, and tell what it reads; tokens and keys are in variables too.
_HANDED_ON = (
    "PATH", "HOME", "LANG", "LC_", "TZ", "TMP", "TEMP", "PYTHON", "LD_", "DYLD_", "SYSTEMROOT", "WINDIR", "COV_",
    "COVERAGE_", "NUMBA_", "OMP_", "OPENBLAS_", "MKL_", "CSF_", "CASROOT", "MASSPROOF_CACHE",
)  # fmt: skip


def environment() -> dict[str, str]:
    """Variables of this process that one which works for it is given."""
    return {name: value for name, value in os.environ.items() if name.upper().startswith(_HANDED_ON)}


class Stopped(FormatError):
    """A process crashed or went beyond a limit: with less to do it might not.

    code : how it ended: CRASH_SIGSEGV, CRASH_SIGABRT and so on for other signals, EXITED_WITHOUT_ANSWER, WALL_CLOCK,
        CPU_LIMIT, OUT_OF_MEMORY, FILE_LIMIT, DENIED, BAD_ANSWER, ANSWER_TOO_LARGE, ZYGOTE_LOST
    """

    def __init__(self, message: str, code: str = "EXITED_WITHOUT_ANSWER") -> None:
        super().__init__(message)
        self.code = code


class TooLong(ValueError):
    """A message is longer than any that we send."""


class Limits(NamedTuple):
    """What one call may take."""

    seconds: float = 300.0  # on the clock
    memory: int = 8 << 30  # bytes of data, where the system can limit them
    cpu: float | None = (
        None  # seconds of all its threads together, where it can; None: as many as on the clock
    )


def message(text: bytes, data: bytes | memoryview = b"") -> list[bytes | memoryview]:
    """What to send, in order, of a text and the bytes beside it."""
    return [_LENGTH.pack(len(text), len(data)), text, data]


def received(take: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """Text and data of one message.

    take : at most so many bytes that came, none at the end

    Raises EOFError where it ends early, TooLong for more than MAX_ANSWER or MAX_DATA.
    """
    text, data = _LENGTH.unpack(_exactly(take, _LENGTH.size))
    if text > MAX_ANSWER or data > MAX_DATA:
        msg = f"a message of {text} and {data} bytes"
        raise TooLong(msg)
    return _exactly(take, text), _exactly(take, data)


def _exactly(take: Callable[[int], bytes], size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        piece = take(min(_PIECE, size - len(found)))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


def answered(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """The answer to one request: its result with the bytes beside it, or the error that it raised."""
    module, _, name = request["function"].partition(":")
    try:
        result = getattr(import_module(module), name)(data, **request["arguments"])
    except Exception as error:  # noqa: BLE001 - whatever is raised is the answer
        told = {"type": type(error).__name__, "message": str(error), "code": _code(error)}
        return {"error": told}, b""
    result, numbers = result if isinstance(result, tuple) else (result, b"")
    return {"result": result}, numbers


def reply(text: bytes, data: bytes) -> list[bytes | memoryview]:
    """The message that answers a request."""
    answer, numbers = answered(json.loads(text), data)
    try:
        text = json.dumps(answer).encode()
    except (TypeError, ValueError, RecursionError) as error:
        told = {"type": type(error).__name__, "message": str(error), "code": "BAD_ANSWER"}
        text, numbers = json.dumps({"error": told}).encode(), b""
    return message(text, numbers)


def _code(error: Exception) -> str:
    """The outcome code of an exception, none for what is the caller's to name."""
    if isinstance(error, MemoryError):
        return "OUT_OF_MEMORY"
    if isinstance(error, PermissionError):
        return "DENIED"
    return "FILE_LIMIT" if isinstance(error, OSError) and error.errno == errno.EFBIG else ""


def understood(text: bytes, limits: Limits) -> Any:
    """The result that an answer holds; raises what it says was raised, Stopped for one that is no answer."""
    try:
        answer = json.loads(text)
        if "result" in answer:
            return answer["result"]
        error = {name: str(answer["error"][name]) for name in ("type", "message", "code")}
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        msg = f"a separate process gave no answer but {text[:40]!r} in {len(text)} bytes; repair the file"
        raise Stopped(msg, "BAD_ANSWER") from problem
    raise raised(error, limits)


def raised(error: dict[str, str], limits: Limits) -> MassproofError:
    """The exception of another process, as one of ours."""
    kind = getattr(errors, error["type"], None)
    if isinstance(kind, type) and issubclass(kind, MassproofError):
        made = kind.__new__(kind)
        made.args = (error["message"],)
        return made
    text = f"{error['type']}: {error['message']}"
    ends = {
        "OUT_OF_MEMORY": f"reading needed more than {_gibibytes(limits)} in a separate process; simplify the file",
        "DENIED": f"reading was denied what it may not do in a separate process ({text}); repair the file",
        "FILE_LIMIT": f"reading wrote more than it may in a separate process ({text}); simplify the file",
        "BAD_ANSWER": f"reading gave what is no answer ({text}); repair the file",
    }
    code = error["code"]
    return (
        Stopped(ends[code], code) if code in ends else FormatError(f"reading failed: {text}; repair the file")
    )


def died(status: int, limits: Limits, peak: int = 0) -> Stopped:
    """What to say of a process that ended without an answer.

    status : its exit code, or minus the signal that ended it;  peak : bytes that it had in memory at most
    """
    may = f"it may have needed more than {_gibibytes(limits)}"
    subject = "the process that read the file"
    if status >= 0:
        msg = f"{subject} ended without an answer (exit {status}); {may}: repair or simplify the file"
        return Stopped(msg, "EXITED_WITHOUT_ANSWER")
    name = _signal(-status)
    if peak >= _NEAR * limits.memory:
        msg = f"{subject} needed more than {_gibibytes(limits)}, and crashed ({name}); simplify the file"
        return Stopped(msg, "OUT_OF_MEMORY")
    if name == "SIGXCPU":
        msg = f"{subject} took more than {limits.cpu or limits.seconds:g} s of processors; simplify the file"
        return Stopped(msg, "CPU_LIMIT")
    if name == "SIGXFSZ":
        return Stopped(f"{subject} wrote more than it may; simplify the file", "FILE_LIMIT")
    return Stopped(f"{subject} crashed ({name}); {may}: repair or simplify the file", f"CRASH_{name}")


def late(limits: Limits) -> Stopped:
    """What to say of a process that was stopped because it took too long."""
    msg = (
        f"reading took more than {limits.seconds:g} s in a separate process, which was stopped; "
        "simplify the file"
    )
    return Stopped(msg, "WALL_CLOCK")


def talkative() -> Stopped:
    """What to say of a process that was stopped because its answer is too long."""
    msg = (
        f"a separate process answered more than {MAX_ANSWER >> 20} MiB of text or {MAX_DATA >> 20} MiB of numbers, "
        "and was stopped; simplify the file"
    )
    return Stopped(msg, "ANSWER_TOO_LARGE")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of those that have no name
        return f"signal {number}"


def _gibibytes(limits: Limits) -> str:
    return f"{limits.memory / 2**30:g} GiB"
