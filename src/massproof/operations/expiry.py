"""Which blobs are needed, and the end of those that are not.

A blob is needed by an operation that has it as input or file, and by a record that says so: who keeps a record that is
worth nothing without a blob calls `hold`, and `release` when the record goes. Others are dropped when they have been
there for as long as operations are kept, so that what was uploaded and not yet used is safe.
"""

from __future__ import annotations

from collections.abc import Iterable

from massproof.blobs import Blobs
from massproof.operations.records import Records

SPACE = "blobs.kept"  # of records; keys are <SHA-256>/<who>


def hold(records: Records, digest: str, who: str) -> None:
    """Keep a blob for a record; who : its space and key, or whatever else is its own."""
    records.put(SPACE, f"{digest}/{who}", None)


def release(records: Records, digest: str, who: str) -> bool:
    """Let go of it for that record; whether it was held."""
    return records.delete(SPACE, f"{digest}/{who}")


def sweep(blobs: Blobs, records: Records, used: Iterable[str], before: float) -> int:
    """Drop blobs that were there before a time, and are neither used nor held; how many."""
    aged = set(blobs.aged(before))
    if aged:
        aged.difference_update(used)
    gone = [one for one in aged if not records.list(SPACE, prefix=f"{one}/", limit=1)]
    for digest in gone:
        blobs.drop(digest)
    return len(gone)
