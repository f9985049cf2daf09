"""The end of blobs that nothing needs.

A blob is needed by an operation that has it as input or file, and by a record that names it: whatever a record says in
64 hexadecimal digits is taken for the name of a blob. Others are dropped when they have been there for as long as
operations are kept, so that what was uploaded and not yet used is safe.
"""

from __future__ import annotations

from collections.abc import Iterable

from massproof.blobs import Blobs


def sweep(blobs: Blobs, used: Iterable[str], before: float) -> int:
    """Drop blobs that were last stored before a time and are not used; how many."""
    aged = set(blobs.aged(before))
    if aged:
        aged.difference_update(used)
    for digest in aged:
        blobs.drop(digest)
    return len(aged)
