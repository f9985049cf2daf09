"""What a process gives up before it sees a file that may be hostile. Linux only, no root needed.

Limits on what it takes (setrlimit), and Landlock, where the kernel has it: no file but what is already open may be
written, none read outside of the folders that hold code, no program started, no TCP, no signal sent to others.

Landlock: M. Salaün, "Landlock: unprivileged access control", Linux kernel documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from massproof.answering import Limits

WRITTEN = 64 << 20  # bytes that may be written to any one file
FILES = 64  # that may be open
_SPARE = 1  # seconds between the signal that says that there is no time left and the end
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # system calls, which have these numbers on every architecture
_READ = 1 << 2 | 1 << 3  # files and folders
_BENEATH = 1  # kind of a rule: of everything under a path
_NO_NEW_PRIVILEGES, _DEATH_SIGNAL = 38, 1  # of prctl
_SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache")


def confine(limits: Limits, readable: Iterable[str]) -> None:  # pragma: no cover  # runs in the child
    """Bound this process, for good."""
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    for what, bounds in bounded(limits).items():
        resource.setrlimit(what, bounds)
    abi = version()
    if abi > 0:
        _restrict(abi, readable)


def bounded(limits: Limits) -> dict[int, tuple[int, int]]:
    """Soft and hard limits by resource, none above what this process has itself, and so could not raise."""
    cpu = max(1, math.ceil(limits.seconds if limits.cpu is None else limits.cpu))
    wanted = {
        resource.RLIMIT_DATA: (limits.memory, limits.memory),  # not the address space, which maps libraries
        resource.RLIMIT_CPU: (cpu, cpu + _SPARE),
        resource.RLIMIT_FSIZE: (WRITTEN, WRITTEN),
        resource.RLIMIT_NOFILE: (FILES, FILES),
        resource.RLIMIT_CORE: (0, 0),
    }
    return {what: _lower(pair, resource.getrlimit(what)[1]) for what, pair in wanted.items()}


def _lower(pair: tuple[int, int], most: int) -> tuple[int, int]:
    return pair if most == resource.RLIM_INFINITY else (min(pair[0], most), min(pair[1], most))


def version() -> int:
    """The version of Landlock's interface, 0 or less where the kernel has none."""
    return int(ctypes.CDLL(None).syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def ruleset(abi: int) -> bytes:
    """Everything that a version of the interface can deny, as the kernel wants to be told."""
    newer = {2: 13, 3: 14, 5: 15}  # linking into other folders, truncating, devices
    files = (1 << 13) - 1 | sum(1 << bit for since, bit in newer.items() if abi >= since)
    words = 3 if abi >= 6 else 2 if abi >= 4 else 1
    tcp, others = 3, 3  # bind and connect; abstract sockets and signals
    return struct.pack("=QQQ", files, tcp, others)[: 8 * words]


def code_folders(modules: Iterable[ModuleType | None]) -> list[str]:
    """Where modules may still be imported from: the interpreter's own folders, and packages that are already loaded."""
    packages = [
        Path(file).parent
        for module in modules
        if module and (file := getattr(module, "__file__", None)) and module.__name__ == module.__package__
    ]
    prefixes = map(Path, (*_SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix))
    found = sorted({path.resolve() for path in (*prefixes, *packages)} - {Path("/")})
    kept: list[Path] = []
    for path in found:  # those above others come first
        if path.exists() and not any(path.is_relative_to(one) for one in kept):
            kept.append(path)
    return [str(path) for path in kept]


def _restrict(abi: int, readable: Iterable[str]) -> None:  # pragma: no cover  # runs in the child
    kernel = ctypes.CDLL(None, use_errno=True)
    attributes = ruleset(abi)
    rules = _done(kernel.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)))
    for path in readable:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = _READ if Path(path).is_dir() else _READ & ~(1 << 3)
        rule = struct.pack("=Qi", allowed, place)
        _done(kernel.syscall(_ADD, rules, _BENEATH, rule, ctypes.c_uint32(0)))
        os.close(place)
    _done(kernel.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _done(kernel.syscall(_RESTRICT, rules, ctypes.c_uint32(0)))
    os.close(rules)


def _done(result: int) -> int:  # pragma: no cover  # runs in the child
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    return result
