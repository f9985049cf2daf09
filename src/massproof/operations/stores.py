"""Where a server keeps operations and records, by the name of a database."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from massproof.blobs import Blobs
from massproof.errors import UsageError
from massproof.operations import expiry, jobs
from massproof.operations.memory import Memory
from massproof.operations.port import Operations, Run
from massproof.operations.records import InMemory, Records

if TYPE_CHECKING:
    from massproof.operations.tables import Table


def opened(
    database: str,
    folder: Path,
    blobs: Blobs,
    *,
    run: Run | None = None,
    threads: int = 2,
    job_seconds: float = 60.0,
    keep_seconds: float = 7 * 86400.0,
) -> tuple[Operations, Records]:
    """What keeps and runs operations, and what keeps records.

    database : "memory"; "sqlite", a file in the folder, for one process; or postgresql://…, for many
    run : what a job is run with, `jobs.runner` without it;  threads : that run jobs; 0: others do
    Raises InputError for a database that cannot be used, MissingExtra where what it takes is not installed,
    UsageError for none to run jobs.
    """
    run = run or jobs.runner(blobs)
    if database == "memory":
        return Memory(run, threads, job_seconds), InMemory()
    if database == "sqlite" and threads < 1:
        msg = 'no thread runs jobs, and on "sqlite" no other process can; say threads=1, or share a PostgreSQL database'
        raise UsageError(msg)
    from massproof.operations.databases import Database

    url = f"sqlite:///{folder / 'operations.sqlite'}" if database == "sqlite" else database
    reached = Database(url)
    from massproof.operations.durable import Durable
    from massproof.operations.sql_records import InDatabase

    records = InDatabase(reached)

    def tidy(table: Table, before: float) -> None:
        expiry.sweep(blobs, chain(table.used(), records.named()), before)

    kept = Durable(
        run, reached, threads=threads, job_seconds=job_seconds, keep_seconds=keep_seconds, tidy=tidy
    )
    return kept, records
