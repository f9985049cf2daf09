"""The service behind all dialects: files, operations, records, and the settings of one server."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from massproof.blobs import Blobs
from massproof.operations import jobs
from massproof.operations.port import Job, Operation, Operations, Outcome, Run
from massproof.operations.records import Records
from massproof.operations.stores import opened
from massproof.properties import Properties
from massproof.serving.remembering import Remembering
from massproof.serving.signing import Signer

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MEBI = 1 << 20
_WAITING = 64  # threads that wait for operations, one for each client that asked for an answer at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one server behaves."""

    folder: Path  # of blobs and, without another database, of it
    database: str = "memory"  # or "sqlite" in the folder, or "postgresql://…"
    host: str = "127.0.0.1"
    port: int = 1234
    token: str | None = None  # what clients must show; None: any, or none where the API asks for none
    upload_limit: int = 512 * MEBI  # bytes of one file
    threads: int = 2  # that run jobs; 0: other processes do, on the same PostgreSQL
    job_seconds: float = 60.0  # that a job may take
    keep_seconds: float = 7 * 86400.0  # that operations stay after their end, and blobs that nothing needs
    unit: str | None = None  # of files that declare none; None: millimetres, with a finding
    material: str | None = None  # of files that state no density
    density: str | None = None  # the same as "2.7 g/cm^3", where no material is named
    hubs: tuple[Path, ...] = ()  # folders that the Manufacturing Data Model shows, beside what was uploaded
    mfgdm: str = "live"  # or "seed": its physical properties have the statuses of the tutorial
    quirks: str = "clean"  # or "live": oddities of the live services are reproduced
    introspection: bool = True  # whether GraphQL schemas may be asked for
    names: tuple[str, ...] = ()  # by which clients may call the host, beside its address and localhost
    workers: int = 1  # processes that answer; more than one needs a database that they share
    faults: tuple[str, ...] = ()  # what goes wrong on purpose: see `faults`
    job_latency: float = 0.0  # seconds that every job takes beside its own
    control: str | None = None  # a secret with which a test may change the faults of a running server
    log: str = "text"  # or "json", or "none": a line for each request
    header_seconds: float = 5.0  # that a client may take to send the headers of a request
    idle_seconds: float = 10.0  # without a byte of a body that is awaited
    uploads: int = 32  # bodies of more than a mebibyte that are read at once
    force_async: bool = False  # answer every call of Zoo's before it is done, as those of large files
    zoo_inline: int = 25_000_000  # bytes of a file up to which Zoo's answer waits for the result
    zoo_profile: str = ""  # Zoo's API as of a time: zoo-2024-04, zoo-2026-04, zoo-2026-10; "": the last
    text_to_cad: str = "none"  # who answers prompts: replay:FOLDER, program, openai:URL#MODEL
    formats: str = "extended"  # or "strict": only those translations that the vendor's own service does


class Service:
    """What dialects' routes are given."""

    def __init__(self, settings: Settings) -> None:
        """Raises InputError when the folder or the database cannot be used, MissingExtra without what it takes."""
        self.settings = settings
        self.blobs = Blobs(settings.folder / "blobs")
        self.operations: Operations
        self.records: Records
        self.operations, self.records = opened(
            settings.database,
            settings.folder,
            self.blobs,
            run=_delayed(jobs.runner(self.blobs), settings.job_latency),
            threads=settings.threads,
            job_seconds=settings.job_seconds,
            keep_seconds=settings.keep_seconds,
        )
        self._remembered: Remembering | None = None
        if settings.workers == 1 and not settings.database.startswith("postgres"):
            self.records = self._remembered = Remembering(self.records)
        self.sold: list[
            Callable[[str], bool]
        ] = []  # whether a token was sold by one of the dialects; they block
        self.signer = Signer(_key(settings.folder))
        self._threads = ThreadPoolExecutor(_WAITING, "massproof-wait")

    def admits(self, token: str) -> bool:
        """Whether a token lets in: any, where the server wants none."""
        wanted = self.settings.token
        return not wanted or hmac.compare_digest(token.encode(), wanted.encode())

    async def submit(self, job: Job) -> Operation:
        """The operation of a job, stored; see `Operations.submit`."""
        return await self.call(self.operations.submit, job)

    async def get(self, id: str) -> Operation | None:
        """An operation, None if there is none."""
        return self.operations.held(id) or await self.call(self.operations.get, id)

    async def record(self, space: str, key: str) -> Any:
        """A record, None if there is none."""
        held = self._remembered.held(space, key) if self._remembered else None
        return await self.call(self.records.get, space, key) if held is None else held

    async def wait(self, id: str, seconds: float) -> Operation | None:
        """An operation when it has ended, or as it is after so many seconds."""
        return await self.call(self.operations.wait, id, seconds)

    async def answer(self, job: Job, seconds: float) -> Operation:
        """Submit a job and wait for it, for so many seconds at most."""
        made = await self.submit(job)
        return made if made.state.ended else (await self.wait(made.id, seconds) or made)

    async def call(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What a function returns that blocks, called on another thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def close(self) -> None:
        """Finish what runs, and let go of everything."""
        self.operations.close()
        self.records.close()
        self._threads.shutdown()


def _delayed(run: Run, seconds: float) -> Run:
    """The same, and it takes longer."""
    if not seconds:
        return run

    def late(job: Job) -> Outcome:
        time.sleep(seconds)
        return run(job)

    return late


# Results that are polled are read once.
_READ: dict[tuple[str, float | None], Properties] = {}
_MOST = 256


def measured(operation: Operation, name: str) -> Properties:
    """The result of a "properties" job, of a file that its owner calls `name`."""
    key = (operation.id, operation.ended)
    found = _READ.get(key)
    if found is None:
        found = Properties.from_dict(operation.outcome.result)
        if len(_READ) >= _MOST:
            _READ.clear()
        _READ[key] = found
    return replace(found, source=replace(found.source, name=name))


def _key(folder: Path) -> bytes:
    """The secret that addresses are signed with: made once for a folder, so that they outlive a restart."""
    path = folder / "signing.key"
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(os.urandom(32))
    except FileExistsError:
        pass
    return path.read_bytes()
