"""An operation, and the port through which the server reaches whatever keeps and runs them.

The id of an operation is the hash of what is asked: the same question is the same operation, its answer is kept, and
asking again, after a crash as well, does nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from massproof.errors import MissingExtra
from massproof.version import __version__


class State(StrEnum):
    """Where an operation stands; each dialect has words of its own for these."""

    RECEIVED = "received"  # its input is stored
    QUEUED = "queued"  # it is stored, and survives a crash
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self in _ENDED


_ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for."""

    kind: str  # one of `jobs.KINDS`
    inputs: tuple[str, ...] = ()  # SHA-256 of blobs
    options: Mapping[str, Any] = field(default_factory=dict)  # as JSON says it

    @property
    def id(self) -> str:
        """32 hexadecimal digits: of the inputs, the kind, the options and the version that answers."""
        told = [self.kind, self.inputs, dict(self.options), __version__]
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer."""

    code: str  # one word: `MassproofError.kind`, or an outcome code of `isolation`, as WALL_CLOCK
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job made."""

    result: Any = None  # as JSON says it
    files: Mapping[str, str] = field(default_factory=dict)  # SHA-256 of blobs by file name


@dataclass(frozen=True, slots=True)
class Operation:
    """A job, and what became of it; times in seconds since 1970."""

    id: str
    job: Job
    state: State
    created: float
    started: float | None = None
    ended: float | None = None
    updated: float = 0.0
    attempts: int = 0
    outcome: Outcome = field(default_factory=Outcome)  # when it has succeeded
    failure: Failure | None = None  # when it has failed or timed out


Run = Callable[[Job], Outcome]  # raises what `failure_of` knows


class Operations(Protocol):
    """A store of operations that also runs them. All methods may be called from any thread, and block."""

    def submit(self, job: Job) -> Operation:
        """Store a job, durably before this returns, and have it run; what there is, if it was asked before.

        One that was cancelled, or failed for a reason that may pass (`TRANSIENT`), runs once more; so does one that
        failed without an optional dependency before this process began: it may have been installed since.
        """
        ...

    def get(self, id: str) -> Operation | None:
        """The operation, None if there is none."""
        ...

    def held(self, id: str) -> Operation | None:
        """The operation if it is at hand, which does not block; None says nothing."""
        ...

    def list(
        self,
        *,
        kind: str | None = None,
        state: State | None = None,
        limit: int = 100,
        before: float | None = None,
    ) -> Sequence[Operation]:
        """Operations, newest first; before : created before this time."""
        ...

    def wait(self, id: str, seconds: float) -> Operation | None:
        """The operation when it has ended, or as it is after so many seconds."""
        ...

    def cancel(self, id: str) -> Operation | None:
        """The operation after it was told to stop: one that has ended stays as it is."""
        ...

    def recover(self) -> int:
        """Take over what a process that died was running; how many there were."""
        ...

    def close(self) -> None:
        """Stop taking work, finish what runs or leave it to be recovered."""
        ...


# Reasons that may pass: another try may succeed.
TRANSIENT = frozenset({"OUT_OF_MEMORY", "ZYGOTE_LOST", "WORKER_LOST", "PROVIDER_UNAVAILABLE"})

_BEGAN = time.time()  # of this process, which sees no package that is installed later


def again(known: Operation) -> bool:
    """Whether an operation runs once more when it is submitted."""
    if known.state is State.CANCELLED:
        return True
    if known.state is not State.FAILED or known.failure is None:
        return False
    installed = known.failure.code == MissingExtra.kind and (known.ended or 0.0) < _BEGAN
    return installed or known.failure.code in TRANSIENT
