"""What runs in the zygote: one thread that forks a child for each call, and buries it. Linux only.

It never sees a file. Each call hands over one end of a pair of sockets, on which its caller talks with the child,
and one of another pair, whose other end that caller closes to have the child killed. So no clock is needed here, and
a caller that dies takes its children with it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from massproof import answering, confinement
from massproof.answering import Limits

BEGUN, UNABLE = b"+", b"-"  # what a caller is told when its child begins, or when there will be none
DEATH = struct.Struct("=iQ")  # and when it ended: exit code or minus the signal, bytes in memory at most
_WARMED_BY = {
    "massproof.occt": "massproof.occt_warm"
}  # what names of modules begin with, and what warms these
_CHANNEL = 3  # the descriptor that a child has beside the standard ones
_LEAST_CLOSED = 64  # descriptors that are closed in a child at least, for what libraries opened


def serve(control: int, parent: int) -> None:  # pragma: no cover  # runs in the zygote
    """Fork children until nobody is left to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each call takes three
    watched = os.pidfd_open(parent)
    if os.getppid() == parent:
        Nursery(socket.socket(fileno=control), watched, _fork).run()


class _Child(NamedTuple):
    pid: int
    watched: int  # a descriptor that is readable when it has ended
    end: socket.socket  # which its caller closes


class Nursery:
    """The children, and who asked for them."""

    def __init__(
        self, control: socket.socket, parent: int, fork: Callable[[int, dict[str, Any], int], int]
    ) -> None:
        """control : where calls come from;  parent : readable when that process has ended;  fork : as `_fork`."""
        self._control, self._parent, self._fork = control, parent, fork
        self._poll = select.poll()
        self._children: dict[int, _Child] = {}  # by both descriptors
        self._ready: set[str] = set()
        self._readable: list[str] = []  # where children may read, which is not free to find out
        for one in (control.fileno(), parent):
            self._poll.register(one, select.POLLIN)

    def run(self) -> None:
        """Serve until the control is closed or the parent dies; then kill all children."""
        while self._turn([number for number, _ in self._poll.poll()]):
            pass
        for child in set(self._children.values()):
            _kill(child.pid)

    def _turn(self, numbers: list[int]) -> bool:
        """Whether to go on after what happened at these descriptors."""
        for number in numbers:
            child = self._children.get(number)
            if number == self._parent or (number == self._control.fileno() and not self._begin()):
                return False
            if child and number == child.watched:
                self._bury(child)
            elif child and number in self._children:  # and not buried in this turn
                self._poll.unregister(number)  # it stays readable
                _kill(child.pid)
        return True

    def _begin(self) -> bool:
        """Fork a child; False when nobody is there to ask for any."""
        text, numbers, _, _ = socket.recv_fds(self._control, 1 << 18, 2)
        if not text:
            return False
        if (
            len(numbers) < 2
        ):  # so many descriptors are open that no more can be had: the caller sees these closed
            for one in numbers:
                os.close(one)
            return True
        talk, end = numbers[0], socket.socket(fileno=numbers[1])
        request = json.loads(text)
        sys.path[:] = request["path"]
        self._prepare(request["module"])
        request["readable"] = self._readable
        highest = max([*self._children, talk, end.fileno(), self._parent, self._control.fileno()])
        try:
            self._adopt(self._fork(talk, request, highest), end)
        except OSError:  # nor a process, or memory for it
            end.send(UNABLE)
            end.close()
        finally:
            os.close(talk)
        return True

    def _adopt(self, pid: int, end: socket.socket) -> None:
        """Watch a child, and tell its caller that it has begun."""
        try:
            child = _Child(pid, os.pidfd_open(pid), end)
        except OSError:
            _kill(pid)
            os.waitpid(pid, 0)
            raise
        with contextlib.suppress(OSError):  # its caller may have gone
            end.send(BEGUN)
        for one in (child.watched, end.fileno()):
            self._children[one] = child
            self._poll.register(one, select.POLLIN)

    def _prepare(self, name: str) -> None:
        """Import a module and do once what is slow the first time; what fails will fail again where it is told."""
        if name in self._ready:
            return
        self._readable = confinement.code_folders(list(sys.modules.values()))
        try:
            import_module(name)
            for start, warmer in _WARMED_BY.items():
                if name.startswith(start):
                    import_module(warmer).warm(name)
        except Exception:  # noqa: BLE001 - the child says which
            return
        self._ready.add(name)
        self._readable = confinement.code_folders(list(sys.modules.values()))
        gc.collect()
        gc.freeze()  # else collecting in a child would copy what it shares with this process

    def _bury(self, child: _Child) -> None:
        """Kill what a child that has ended leaves behind, and tell its caller how it ended."""
        _kill(child.pid)  # a number is not given again before it is waited for
        _, status, used = os.wait4(child.pid, 0)
        death = DEATH.pack(os.waitstatus_to_exitcode(status), used.ru_maxrss << 10)
        with contextlib.suppress(OSError):  # its caller may have gone, with an answer
            child.end.send(death)
        for one in (child.watched, child.end.fileno()):
            del self._children[one]
            with contextlib.suppress(KeyError):
                self._poll.unregister(one)
        os.close(child.watched)
        child.end.close()


def _kill(group: int) -> None:
    """Kill a child and what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _fork(talk: int, request: dict[str, Any], highest: int) -> int:  # pragma: no cover  # runs in the zygote
    """A child that answers on `talk`; highest : descriptor that is open."""
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):  # whoever of both is first
            os.setpgid(pid, pid)
        return pid
    try:
        os.setpgid(0, 0)
        _answer(talk, request, max(highest, _LEAST_CLOSED), zygote)
    finally:
        os._exit(70)  # without an answer


def _answer(
    talk: int, request: dict[str, Any], highest: int, zygote: int
) -> None:  # pragma: no cover  # runs in the child
    os.dup2(talk, _CHANNEL)
    os.closerange(_CHANNEL + 1, highest + 8)  # of the zygote and of other calls
    limits = Limits(*request["limits"])
    confinement.confine(limits, request["readable"])
    if os.getppid() != zygote:  # it died before it could be asked to take us with it
        return
    with open(_CHANNEL, "rb", buffering=0, closefd=False) as requests:
        text, data = answering.received(requests.read)
    for part in answering.reply(text, data):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(_CHANNEL, rest) :]
    os._exit(0)
