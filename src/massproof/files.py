"""Files as they are opened: mapped and not read, with the SHA-256 of their bytes. Needs no numpy.

So that a file can be hashed on another core while what measures it is being imported.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

from massproof.errors import InputError

Bytes = bytes | bytearray | memoryview | mmap

_COPIED = 1 << 16  # bytes that are read in less time than it takes to map them
_HASHED_AT_ONCE = 1 << 20  # bytes: half a millisecond; hashing more takes longer than measuring it


class Digest:
    """SHA-256 of what was read, computed when it is asked for; as a pickle it is the digest alone."""

    __slots__ = ("_data", "_found", "_known", "_same", "_started")

    def __init__(
        self, data: Bytes = b"", same: Callable[[], bool] | None = None, known: str | None = None
    ) -> None:
        """Digest of `data`; `same` tells whether a file it is mapped from is still the one that was read."""
        self._data, self._same, self._known = data, same, known
        self._found = ""
        self._started: threading.Thread | None = None
        lasting = same is not None or isinstance(data, bytes)
        if known is None and not (lasting and memoryview(data).nbytes > _HASHED_AT_ONCE):
            self()

    def start(self) -> None:
        """Begin to compute it on another thread: somebody will ask."""
        if self._known is None:
            # A daemon, so that a command that has failed does not wait for it.
            self._started = threading.Thread(target=self._compute, daemon=True)
            self._started.start()

    def __call__(self) -> str:
        """The digest in hexadecimal; raises InputError when the file has changed."""
        if self._known is None:
            if self._started is None:
                self._compute()
            else:
                self._started.join()
            if self._same is not None and not self._same():
                msg = "the file has changed since it was measured, so its SHA-256 is not known; measure it again"
                raise InputError(msg)
            self._known, self._data = self._found, b""
        return self._known

    def _compute(self) -> None:
        self._found = hashlib.sha256(self._data).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Digest, (b"", None, self())


class Hashed(NamedTuple):
    """A path whose digest will be asked for, so that it is computed from the start."""

    path: str


class Opened(NamedTuple):
    """A file that has been opened."""

    name: str
    suffix: str
    data: mmap | bytes
    digest: Digest


def opened(source: Any) -> Any:
    """A path as an `Opened` file; whatever else it is, `source` itself.

    Raises InputError when a path cannot be opened, or is not that of a regular file.
    """
    if not isinstance(source, (str, Path, Hashed)):
        return source
    name = source.path if isinstance(source, Hashed) else str(source)
    path = Path(name)
    data, same = _mapped(path)
    digest = Digest(data, same)
    if isinstance(source, Hashed):
        digest.start()
    return Opened(name, path.suffix, data, digest)


def _mapped(path: Path) -> tuple[mmap | bytes, Callable[[], bool] | None]:
    """The bytes of a regular file, and whether it still is the same file; of a small one they are a copy.

    The map of another closes with its last view.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a device, pipe (FIFO) or socket"
            msg = f"{path} is {kind}, not a regular file; name a file"
            raise InputError(msg)
        with path.open("rb", 0) as file:
            if status.st_size <= _COPIED:
                return file.read(status.st_size), None
            data = mmap(file.fileno(), 0, access=ACCESS_READ)
            return data, lambda: _state(path) == _state(path, status)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        msg = f"cannot open {path}: {why}"
        raise InputError(msg) from error


def _state(path: Path, status: os.stat_result | None = None) -> tuple[int, ...]:
    """What changes when a file does; nothing when it is gone."""
    try:
        found = status or path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
