"""The end of blobs that nothing needs.

A blob is needed by an operation that has it as input or file, and by a record that names it: whatever a record says in
64 hexadecimal digits is taken for the name of a blob. What names it otherwise, or not at all, calls `hold`, and
`release` when it is over. Others are dropped when they have been there for as long as operations are kept, so that what
was uploaded and not yet used is safe.
"""

from __future__ import annotations

from collections.abc import Iterable

from massproof.blobs import Blobs
from massproof.operations.records import Records

SPACE = "blobs.kept"  # of records; keys are <SHA-256>/<who>


def hold(records: Records, digest: str, who: str) -> None:
    """Keep a blob; who : the space and key of a record that needs it, or whatever else is its own."""
    records.put(SPACE, f"{digest}/{who}", None)


def release(records: Records, digest: str, who: str) -> bool:
    """Let go of it for that one; whether it was held."""
    return records.delete(SPACE, f"{digest}/{who}")


def sweep(blobs: Blobs, used: Iterable[str], before: float) -> int:
    """Drop blobs that were last stored before a time and are not used; how many."""
    aged = set(blobs.aged(before))
    if aged:
        aged.difference_update(used)
    for digest in aged:
        blobs.drop(digest)
    return len(aged)
