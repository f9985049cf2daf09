"""Files that people uploaded, by the names that they gave them: the same name again is a new version.

The names are told to whoever lists them and reach no path.
"""

from __future__ import annotations

import hashlib
import time
from typing import NamedTuple

from massproof.blobs import Blob
from massproof.operations.records import Records

_SPACE = "uploads"
_PAGE = 1000  # rows that are read at a time


class Upload(NamedTuple):
    """One version of a file that was uploaded."""

    key: str  # of its name: 32 hexadecimal digits
    name: str
    digest: str  # SHA-256 of the blob
    size: int  # bytes
    time: float  # seconds since 1970


def keep(records: Records, name: str, source: str, blob: Blob) -> Upload:
    """Enter an upload, so that it is listed; bytes that are the newest under this name already change nothing.

    source : where names are told apart, as "oss/my-bucket"; a name from another source is another file
    """
    key = _key(name, source)
    before = versions(records, key)
    if before and before[-1].digest == blob.digest:
        return before[-1]
    made = Upload(key, name, blob.digest, blob.size, time.time())
    row = {"name": name, "digest": blob.digest, "size": blob.size, "time": made.time}
    records.put(_SPACE, f"{key}/{time.time_ns():020d}", row)
    return made


def forget(records: Records, name: str, source: str) -> None:
    """List a file no longer."""
    while rows := records.list(_SPACE, f"{_key(name, source)}/", limit=_PAGE):
        for key, _ in rows:
            records.delete(_SPACE, key)


def _key(name: str, source: str) -> str:
    return hashlib.sha256(f"{source}\0{name}".encode("utf-8", "replace")).hexdigest()[:32]


def versions(records: Records, key: str) -> list[Upload]:
    """All versions of one file, the oldest first."""
    return _listed(records, f"{key}/")


def newest(records: Records, key: str = "") -> list[Upload]:
    """The newest version of each file, or of the one with a key, by name."""
    found = {one.key: one for one in _listed(records, key and f"{key}/")}
    return sorted(found.values(), key=lambda one: (one.name, one.key))


def _listed(records: Records, prefix: str) -> list[Upload]:
    found: list[Upload] = []
    after = ""
    while rows := records.list(_SPACE, prefix, after, _PAGE):
        found += [Upload(key.partition("/")[0], **row) for key, row in rows]
        after = rows[-1][0]
    return found
