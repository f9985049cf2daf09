"""Kernels compiled in several processes at once, as many as there are cores.

The compiler works on one kernel at a time in each process, and a STEP file needs sixteen: half a minute. Each process
keeps what it compiled, and this one reads it. What goes wrong there leaves a kernel to be compiled here.
"""

import re
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from massproof.kernels import jit, objectcode

# Modules whose kernels a STEP file needs, so that who compiles one compiles all.
_STEP = (
    *("part21", "signatures", "boundaries", "carriers", "trims", "boxes", "closures", "faces", "surfaces"),
    *("curves", "axes"),
)

_SECONDS, _LONG = 1.2, {"faces.measure": 12.0}  # that compiling takes, more or less
_MOST = 8  # processes: each takes 150 MB, and the longest kernel as long as all others on eight

_PACKAGE = "massproof.kernels"
_one = threading.Lock()


def compile_family(entry):
    """Compile all kernels that a file needs which needs this one."""
    module = entry.function.__module__
    if module.removeprefix(f"{_PACKAGE}.") in _STEP:
        for name in _STEP:
            import_module(f"{_PACKAGE}.{name}")
        compile_together(
            [one for one in jit.ENTRIES.values() if one.name.partition(".")[0] in _STEP and _ours(one)]
        )


def compile_together(entries):
    """Compile and keep those of `entries` that are not kept; nothing where processes would be no help."""
    with _one:
        missing = [one for one in entries if _ours(one) and not objectcode.kept(one)]
        count = min(jit.cores(), len(missing), _MOST)
        if count < 2 or not _python() or objectcode.obstacle():
            return
        missing.sort(key=_seconds, reverse=True)
        _say(missing, count)
        workers = [worker for worker in (_worker() for _ in range(count)) if worker]
        idle = deque(workers)

        def compile_one(one):
            worker = idle.pop()
            with suppress(OSError):  # it has ended
                worker.stdin.write(f"{one.function.__module__} {one.name}\n")
                worker.stdin.flush()
                worker.stdout.readline()
            idle.append(worker)

        try:
            jit.in_threads(compile_one, missing if workers else [], len(workers))
        finally:
            for worker in workers:
                with suppress(OSError):
                    worker.communicate()


def serve():
    """Compile what standard input names, a module and a kernel a line, and answer each with a line."""
    for line in sys.stdin:
        module, name = line.split()
        import_module(module)
        if not objectcode.kept(jit.ENTRIES[name]):  # by another process meanwhile
            objectcode.compiled(jit.ENTRIES[name])
        sys.stdout.write("\n")
        sys.stdout.flush()


def _ours(entry):
    return entry.function.__module__.startswith(f"{_PACKAGE}.")


def _seconds(entry):
    return _LONG.get(entry.name, _SECONDS)


def _say(missing, count):
    """Tell a terminal what it waits for, and about how long."""
    if sys.stderr and sys.stderr.isatty():
        seconds = max(sum(map(_seconds, missing)) / count, *map(_seconds, missing))
        sys.stderr.write(
            f"massproof: compiling {len(missing)} kernels for this processor, once "
            f"(about {seconds:.0f} s on {count} cores)\n"
        )


def _python():
    """Whether this program is Python, which another process can run, and not one that Python is built into."""
    name = Path(sys.executable or "").name
    return bool(re.match(r"python[\d.]*w?(\.exe)?$", name)) and not getattr(sys, "frozen", False)


def _worker():
    """A process that serves, with the modules that this one has; None where there can be none."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {_PACKAGE} import crew; crew.serve()"
    with suppress(OSError):
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    return None
