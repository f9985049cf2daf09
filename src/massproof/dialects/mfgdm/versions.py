"""Versions of files: each time that other bytes are found, they are kept, and listed from then on."""

from __future__ import annotations

import threading
from typing import Any

from massproof.dialects.mfgdm import ids
from massproof.dialects.mfgdm.queries import Refused, missing
from massproof.dialects.mfgdm.tree import Asked, File, Version, inside, settled
from massproof.errors import InputError
from massproof.serving import uploads
from massproof.serving.service import Service

_SPACE = "mfgdm.versions"
_TRIES = 3  # of reading a file that is being written


class Versions:
    """The versions of all files; what they were survives in the records of the service."""

    def __init__(self, service: Service) -> None:
        self._service, self._lock = service, threading.Lock()

    def of(self, file: File, asked: Asked) -> tuple[Version, ...]:
        """All versions of a file, the oldest first; raises Refused when it is gone or cannot be read."""
        if file.path is None:
            asked.block()
            told = uploads.versions(self._service.records, file.key)
            file.versions = tuple(Version(k, u.digest, u.size, u.time) for k, u in enumerate(told, 1))
            return file.versions
        state = file.now()
        if not state:
            raise missing("item", file.id)
        if state != file.state:
            asked.block()
            with self._lock:
                self._read(file)
        return file.versions

    def tip(self, file: File, asked: Asked) -> Version:
        """The newest version."""
        return self.of(file, asked)[-1]

    def with_digest(self, file: File, digest: str, asked: Asked) -> Version | None:
        """The newest version whose bytes have this `ids.short` of their SHA-256; it never changes."""
        for versions in (lambda: file.versions, lambda: self.of(file, asked)):
            for one in reversed(versions()):
                if ids.short(one.digest) == digest:
                    return one
        return None

    def keep(self, file: File, version: Version, asked: Asked) -> None:
        """Have the bytes of a version stored; raises Refused when they are gone."""
        if self._service.blobs.has(version.digest):
            return
        file.state = ()
        self.of(file, asked)
        if not self._service.blobs.has(version.digest):
            msg = f"the bytes of version {version.number} of {file.name} are not kept any more"
            raise Refused("NOT_FOUND", msg, "UNKNOWN")

    def _read(self, file: File) -> None:
        """Find what the file holds now, and enter it if that is new."""
        row = self._service.records.get(_SPACE, file.key) or {"state": [], "versions": []}
        known = [Version(*one) for one in row["versions"]]
        for _ in range(_TRIES):
            state = file.now()
            quiet = bool(state) and settled(state[2])
            if quiet and list(state) == row["state"] and self._service.blobs.has(known[-1].digest):
                break
            found = self._taken(file, state, len(known) + 1)
            if file.now() == state:
                known = known if known and known[-1].digest == found.digest else [*known, found]
                self._service.records.put(_SPACE, file.key, _row(state if quiet else (), known))
                break
        else:
            msg = f"{file.name} changes while it is read; ask again when it is complete"
            raise Refused("BAD_USER_INPUT", msg)
        file.versions, file.state = tuple(known), state if quiet else ()

    def _taken(self, file: File, state: tuple[int, ...], number: int) -> Version:
        """The bytes of a file, stored."""
        if file.path is None or not state or not inside(file.path, file.parent):
            raise missing("item", file.id)
        limit = self._service.settings.upload_limit
        if state[1] > limit:
            msg = f"{file.name} has {state[1]} bytes; at most {limit} are read"
            raise Refused("BAD_USER_INPUT", msg)
        try:
            blob = self._service.blobs.take(file.path)
        except OSError as error:
            msg = f"{file.name} cannot be read: {error.strerror or error}"
            raise InputError(msg) from error
        return Version(number, blob.digest, blob.size, state[2] / 1e9)


def _row(state: tuple[int, ...], versions: list[Version]) -> dict[str, Any]:
    return {"state": list(state), "versions": [list(one) for one in versions]}
