"""Versions of files: each time that other bytes are found, they are kept, and listed from then on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from massproof.blobs import Blob
from massproof.dialects.mfgdm.queries import missing, refuse, wrong
from massproof.dialects.mfgdm.tree import Asked, File, State, Version, inside, settled, state_of
from massproof.errors import InputError
from massproof.serving import uploads
from massproof.serving.service import Service

_SPACE = "mfgdm.versions"
_TRIES = 3  # of reading a file that is being written


class Versions:
    """The versions of all files; what they were survives in the records of the service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def of(self, file: File, asked: Asked) -> tuple[Version, ...]:
        """All versions of a file, the oldest first; raises Refused when it is gone or cannot be read."""
        if file.path is None:
            asked.block()
            told = uploads.versions(self._service.records, file.key)
            found: list[Version] = []
            for one in told:
                found.append(_next(found, one.digest, one.size, one.time))
            file.versions = tuple(found)
            return file.versions
        state = asked.state(file.path)
        if not state:
            missing("item", file.id)
        if state != file.state:
            asked.block()
            with file.lock:
                self._read(file, file.path)
        return file.versions

    def tip(self, file: File, asked: Asked) -> Version:
        """The newest version."""
        return self.of(file, asked)[-1]

    def marked(self, file: File, mark: str, asked: Asked) -> Version | None:
        """The version with a mark, which never changes; None where there is none."""
        known = next((one for one in file.versions if one.mark == mark), None)
        return known or next((one for one in self.of(file, asked) if one.mark == mark), None)

    def keep(self, file: File, version: Version, asked: Asked) -> None:
        """Have the bytes of a version stored; raises Refused when they are gone."""
        if self._service.blobs.has(version.digest):
            return
        file.state = ()
        self.of(file, asked)
        if not self._service.blobs.has(version.digest):
            msg = f"the bytes of version {version.number} of {file.name} are not kept any more"
            refuse("NOT_FOUND", msg, "UNKNOWN")

    def _read(self, file: File, path: Path) -> None:
        """Find what the file holds now, and enter it if that is new."""
        row = self._service.records.get(_SPACE, file.key) or {"state": [], "versions": []}
        known = [Version(*one) for one in row["versions"]]
        for _ in range(_TRIES):
            state = state_of(path)
            quiet = settled(state)
            if quiet and list(state) == row["state"] and self._service.blobs.has(known[-1].digest):
                break
            found = self._taken(file, path, state)
            if state_of(path) == state:
                if not known or known[-1].digest != found.digest:
                    known.append(_next(known, found.digest, found.size, state[2] / 1e9))
                self._service.records.put(_SPACE, file.key, _row(state if quiet else (), known))
                break
        else:
            wrong(f"{file.name} changes while it is read; ask again when it is complete")
        file.versions, file.state = tuple(known), state if quiet else ()

    def _taken(self, file: File, path: Path, state: State) -> Blob:
        """The bytes of a file, stored."""
        if not state or not inside(path, file.parent):
            missing("item", file.id)
        limit = self._service.settings.upload_limit
        if state[1] > limit:
            wrong(f"{file.name} has {state[1]} bytes; at most {limit} are read")
        try:
            return self._service.blobs.take(path)
        except OSError as error:
            msg = f"{file.name} cannot be read: {error.strerror or error}"
            raise InputError(msg) from error


def _next(before: list[Version], digest: str, size: int, time: float) -> Version:
    """The version that follows some others."""
    again = sum(one.digest == digest for one in before)
    return Version(len(before) + 1, digest, size, time, again)


def _row(state: State, versions: list[Version]) -> dict[str, Any]:
    return {"state": list(state), "versions": [list(one) for one in versions]}
