"""A process that has imported what is slow to import and forks a confined one for every call, as callers see it.

A call costs a fork and no import, and what a file does to the process that reads it ends with that process: none
reads two files. What runs in the zygote is `nursery`. Linux only.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

from massproof import answering
from massproof.answering import Limits, Stopped, TooLong
from massproof.nursery import BEGUN, DEATH, UNABLE

_START = (
    "import sys; sys.path[:] = {path!r}; from massproof import nursery; nursery.serve({control}, {parent})"
)
_ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_STARTING = 120.0  # seconds for importing, before a call begins
_LEAVING = 0.3  # seconds for noticing that it is no longer wanted, unless it is importing
_DYING = 10.0  # seconds until a process that was killed is gone


class Gone(Exception):
    """The zygote has ended before it took a call."""


class Zygote:
    """The process as whoever calls sees it; any number of threads may at a time."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        code = _START.format(path=sys.path, control=theirs.fileno(), parent=self.owner)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for whoever calls, and closes its ends
                env=answering.environment() | _ALONE,  # a process of several threads must not fork
            )

    def ask(self, request: dict[str, Any], data: bytes | memoryview, limits: Limits) -> tuple[bytes, bytes]:
        """The answer to a request, and its bytes.

        Raises Stopped when there is none, Gone when the zygote has ended before.
        """
        text = json.dumps(request).encode()
        talk, end = self._begun(request["function"], limits)
        with talk, end:
            try:
                return _exchange(talk, answering.message(text, data), time.monotonic() + limits.seconds)
            except TimeoutError:
                why = answering.late(limits)
            except TooLong:
                why = answering.talkative()
            except (OSError, EOFError):
                why = None
            death = self._ended(end)
            raise why or (answering.died(*death[:1], limits, death[1]) if death else lost())

    def _begun(self, function: str, limits: Limits) -> tuple[socket.socket, socket.socket]:
        """Our ends, for talking with a child that has begun and for ending it."""
        asked = json.dumps({"module": function.partition(":")[0], "limits": limits, "path": sys.path})
        (talk, talks), (end, ends) = socket.socketpair(), socket.socketpair()
        try:
            with talks, ends:
                self._hand_over(asked.encode(), [talks.fileno(), ends.fileno()])
            self._await(end)
        except BaseException:
            talk.close()
            end.close()
            raise
        return talk, end

    def _hand_over(self, asked: bytes, numbers: list[int]) -> None:
        try:
            socket.send_fds(self._control, [asked], numbers)
        except OSError as error:
            raise Gone from error

    def _await(self, end: socket.socket) -> None:
        """Wait until a child begins."""
        end.settimeout(_STARTING)
        try:
            told = end.recv(1)
        except TimeoutError:  # it hangs, and so would the next call
            self._process.kill()
            self._process.wait()
            raise lost() from None
        except OSError as error:
            raise Gone from error
        if told == UNABLE:
            msg = "no process could be started to read the file: the system gives no more; try again later"
            raise Stopped(msg, "ZYGOTE_LOST")
        if told != BEGUN:
            raise Gone

    def _ended(self, end: socket.socket) -> tuple[int, int] | None:
        """How a child ended, which is killed if it has not; None if nobody is there to tell."""
        end.settimeout(_DYING)
        try:
            end.shutdown(socket.SHUT_WR)
            report = end.recv(DEATH.size)
        except OSError:
            report = b""
        return DEATH.unpack(report) if len(report) == DEATH.size else None

    def alive(self) -> bool:
        """Whether it can be asked from this process."""
        return self.owner == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        """Stop it and its children; a copy of ours that was forked only forgets it."""
        self._control.close()
        if self.owner != os.getpid():
            self._process.returncode = 0  # nobody here may wait for it
            return
        try:
            self._process.wait(_LEAVING)  # it kills what its children started, too
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def lost() -> Stopped:
    """What to say when the zygote ended during a call."""
    msg = "the process that starts those which read files was lost, killed or crashed; try again"
    return Stopped(msg, "ZYGOTE_LOST")


def _exchange(talk: socket.socket, parts: list[bytes | memoryview], deadline: float) -> tuple[bytes, bytes]:
    """Send a request and receive the answer; raises TimeoutError, OSError, EOFError or TooLong."""

    def left() -> float:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def take(size: int) -> bytes:
        talk.settimeout(left())
        return talk.recv(size)

    for part in filter(
        len, parts
    ):  # to send nothing fails as well when who has all of it has answered and gone
        talk.settimeout(left())
        talk.sendall(part)
    return answering.received(take)
