"""How a kernel becomes fast: written as plain Python, compiled once for this machine, kept as object code.

Importing numba takes half a second and compiling takes seconds, so neither happens when a file is measured:
`compiler` does both once, `objectcode` keeps the result in the user's cache and links it in milliseconds.
With NUMBA_DISABLE_JIT=1 kernels run as the Python they are written in.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable
from ctypes import addressof, c_char
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from massproof.errors import InputError, UsageError

DISABLED = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")

KERNELS: dict[
    Callable[..., Any], str
] = {}  # functions kernels may call, and what replaces them when compiled
APART: set[Callable[..., Any]] = set()  # those of them that are not inlined where they are called
ENTRIES: dict[str, "Entry"] = {}  # kernels called from Python, by name

_NOT_KERNELS = {"__init__", "compiler", "crew", "image", "objectcode", "simd", "wide"}
_ENOUGH = 3_000  # triangles, which take numpy as long as loading a kernel that is kept: 3 ms
_DTYPES = {name: np.dtype(name) for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")}
_buffer = (c_char * 0).from_buffer  # looked up once: that takes as long as calling it
_ARGUMENT = re.compile(r"([iuf][1248])(?:\[(.*)\])?")


class Argument(NamedTuple):
    """One argument of an entry: a scalar, or a C-contiguous array."""

    dtype: str  # as numpy spells it: f8, i4, u1
    shape: tuple[int | None, ...] | None  # None: a scalar; what is known only when called, None, comes first


def kernel(function=None, *, replaced_by="", apart=False):
    """A function that kernels may call: plain Python here, machine code in them.

    replaced_by : name of a function in `simd` that generates better code than the compiler would
    apart : compiled once for all that call it, where it is long and inlining it everywhere takes too long
    """
    if function is None:
        return lambda f: kernel(f, replaced_by=replaced_by, apart=apart)
    KERNELS[function] = replaced_by
    if apart:
        APART.add(function)
    return function


def entry(signature):
    """A kernel that Python calls: `signature` names its arguments' types, as in "f8[:,3] i4[:,3] i8".

    It returns an integer, raises nothing and allocates nothing: all memory it needs is handed in. The global
    lock is released while it runs. Arrays are checked for type, shape and contiguity at each call.
    """
    arguments = [_argument(word) for word in signature.split()]
    return lambda function: Entry(function, arguments)


def _argument(word):
    dtype, shape = _ARGUMENT.fullmatch(word).groups()
    return Argument(dtype, shape and tuple(None if n == ":" else int(n) for n in shape.split(",")))


def _expected(dtype, shape):
    """An argument as `_flat` looks at it: type, how many dimensions, how many unknown ones come first, the others."""
    unknown = shape.count(None) if shape else 0
    return _DTYPES[dtype], len(shape or ()), unknown, (shape or ())[unknown:]


class Entry:
    """A compiled kernel that is linked when it is first called."""

    def __init__(self, function, arguments):
        self.function, self.arguments = function, arguments
        self._expected = [_expected(*argument) for argument in arguments]
        self.name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self._native, self._without = None, 0
        self._lock = threading.Lock()
        ENTRIES[self.name] = self

    def __call__(self, *values):
        """Run the kernel; raises TypeError for an array that does not fit its signature."""
        if DISABLED:
            with np.errstate(all="ignore"):
                return int(self.function(*values))
        native = self._native or self.link()
        return native(*_flat(values, self._expected))

    def at_hand(self, size):
        """Whether compiled code serves a small input too: it is linked, or kept, and enough was done without.

        size : of the input, which counts as done without where the answer is no
        """
        if self._native is None and not DISABLED:
            self._without += size
            if self._without >= _ENOUGH:
                from massproof.kernels import objectcode

                self._without = 0
                if objectcode.quick(self):
                    self.link()
        return self._native is not None

    def link(self):
        """Machine code of this kernel, compiled if the cache does not hold it."""
        from massproof.kernels import objectcode

        with self._lock:
            if self._native is None:
                self._native = objectcode.linked(self)
            return self._native


def _flat(values, arguments):
    """What C gets: scalars as they are, of arrays their unknown dimensions and their addresses."""
    flat = []
    for value, (dtype, rank, unknown, known) in zip(values, arguments, strict=True):
        if not rank:
            flat.append(value)
            continue
        shape = value.shape
        if shape[unknown:] != known or len(shape) != rank or value.dtype != dtype:
            raise TypeError(_misfit(value, dtype, unknown, known))
        if unknown:
            flat += shape[:unknown]
        try:
            flat.append(addressof(_buffer(value)))  # ten times as fast as what serves any array
        except TypeError:
            if not value.flags.c_contiguous:
                raise TypeError(_misfit(value, dtype, unknown, known)) from None
            flat.append(value.__array_interface__["data"][0])  # of what cannot be written
    return flat


def _misfit(value, dtype, unknown, known):
    needed = ",".join([":"] * unknown + [str(n) for n in known])
    return f"a C-contiguous array of {dtype}[{needed}] is needed, got {value.shape} {value.dtype}"


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(function, parts, threads=0):
    """Call `function` with each of `parts`, on as many threads as there are cores; their order is free.

    threads : 0 means one for each core
    """
    count = min(threads or cores(), len(parts))
    if count <= 1:
        return [function(part) for part in parts]
    results, failures = [None] * len(parts), []
    waiting = deque([*enumerate(parts), *[None] * count])  # taking from it is atomic; a None ends each thread

    def work():
        try:
            for k, part in iter(waiting.popleft, None):
                results[k] = function(part)
                if failures:
                    return
        except BaseException as error:  # noqa: BLE001  # raised below, by the thread that called
            failures.append(error)

    others = [threading.Thread(target=work) for _ in range(count - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]
    return results


def warm() -> tuple[int, str]:
    """Compile every kernel that the cache does not hold; how many there are, and where they are kept.

    Raises InputError when the cache cannot be written, or others can, UsageError when compiling is switched off.
    """
    if DISABLED:
        msg = "NUMBA_DISABLE_JIT is set, so kernels run as Python and nothing is compiled; unset it"
        raise UsageError(msg)
    from massproof.kernels import crew, objectcode

    msg = objectcode.obstacle()
    if msg:
        raise InputError(msg)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in _NOT_KERNELS:
            import_module(f"massproof.kernels.{path.stem}")
    crew.compile_together(ENTRIES.values())
    for one in ENTRIES.values():
        one.link()
    return len(ENTRIES), str(objectcode.folder())
