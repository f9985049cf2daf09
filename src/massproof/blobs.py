"""Bytes on disk under the SHA-256 of what they are: nothing that a client calls them reaches a path."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from massproof.errors import InputError

_NAME = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 20  # bytes: read at a time


class Blob(NamedTuple):
    """What is known of stored bytes."""

    digest: str  # SHA-256 in hexadecimal
    size: int  # bytes


class Blobs:
    """A folder of blobs, each there wholly or not at all; several processes may share it."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError when the folder cannot be made."""
        self.folder = folder
        self._new = folder / "new"
        try:
            self._new.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"cannot keep files in {folder}: {error.strerror or error}; name another folder"
            raise InputError(msg) from error

    def path(self, digest: str) -> Path:
        """Where a blob is, or would be; raises InputError for what is no SHA-256."""
        if not _NAME.fullmatch(digest):
            msg = f"{digest!r} is no SHA-256 in hexadecimal"
            raise InputError(msg)
        return self.folder / digest[:2] / digest

    def has(self, digest: str) -> bool:
        """Whether it is there."""
        return self.path(digest).is_file()

    def size(self, digest: str) -> int:
        """Bytes of a blob; raises InputError when it is not there."""
        try:
            return self.path(digest).stat().st_size
        except OSError as error:
            msg = f"no file {digest} is kept here any more; upload it again"
            raise InputError(msg) from error

    def read(self, digest: str) -> bytes:
        """All of a blob; raises InputError when it is not there."""
        self.size(digest)
        return self.path(digest).read_bytes()

    def put(self, content: bytes) -> Blob:
        """Keep some bytes."""
        with self.writing() as out:
            out.write(content)
        return out.blob

    def take(self, path: Path) -> Blob:
        """Keep a copy of a file."""
        with self.writing() as out, path.open("rb") as file:
            while piece := file.read(_PIECE):
                out.write(piece)
        return out.blob

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Keep what is written before the block ends; nothing is left of it when the block raises."""
        out = Writer(self)
        try:
            yield out
            out.close()
        except BaseException:
            out.abandon()
            raise

    def aged(self, before: float) -> Iterator[str]:
        """Digests of blobs that were last stored before a time, in seconds since 1970.

        What a process left half written when it died before that time is deleted on the way.
        """
        for path in self._new.iterdir():
            if _stored(path) < before:
                path.unlink(missing_ok=True)
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            if _stored(path) < before:
                yield path.name

    def drop(self, digest: str) -> None:
        """Forget a blob, if it is there."""
        self.path(digest).unlink(missing_ok=True)


class Writer:
    """A blob that is being written: `write` pieces, then `close`; or `abandon` it."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs, self._hash, self.size = blobs, hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=blobs.folder / "new")
        self._path, self._file = Path(name), os.fdopen(handle, "wb")

    def write(self, piece: bytes) -> None:
        """Append some bytes."""
        self._hash.update(piece)
        self._file.write(piece)
        self.size += len(piece)

    @property
    def blob(self) -> Blob:
        """What was written so far."""
        return Blob(self._hash.hexdigest(), self.size)

    def close(self) -> Blob:
        """On disk for good, under its name."""
        final = self._blobs.path(self.blob.digest)
        self._file.flush()
        if _renewed(final, self.size):
            self.abandon()
            return self.blob
        os.fsync(self._file.fileno())
        self._file.close()
        if not final.parent.is_dir():
            final.parent.mkdir(exist_ok=True)
            _sync(self._blobs.folder)
        self._path.replace(final)
        _sync(final.parent)
        return self.blob

    def abandon(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


def _renewed(path: Path, size: int) -> bool:
    """Whether a blob is there already; then it is as young as one that is written now."""
    try:
        os.utime(path)
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _sync(folder: Path) -> None:
    """Have the names in a folder on disk."""
    with suppress(PermissionError):  # Windows opens no folder, and needs none
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _stored(path: Path) -> float:
    """When a file was last written; never, for one that has just gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def pieces(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of an open file from `start` up to `stop`, a piece at a time."""
    file.seek(start)
    while start < stop and (piece := file.read(min(_PIECE, stop - start))):
        start += len(piece)
        yield piece
