"""Translations: which formats were asked for of which file, as records; what became of each is its operations'.

A record has the digest of the file as it was then, and the jobs. Operations are found again, or done again, by asking
for the same jobs: nothing else has to survive a restart.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from starlette.requests import Request

from massproof.dialects.derivative import outputs, store, urns
from massproof.operations import expiry
from massproof.operations.port import Job, Operation, State
from massproof.serving import weighing
from massproof.serving.service import Service
from massproof.serving.web import Refused

PICTURE = "thumbnail"  # the kind of job that draws one
ROWS, REFERENCES = "derivative.outputs", "derivative.references"


class Source(NamedTuple):
    """A file to translate."""

    urn: str  # encoded
    name: str
    digest: str


class Row(NamedTuple):
    """One format of one file, and its operations."""

    source: Source
    output: outputs.Output
    region: str
    given: dict[str, Any]  # options of measuring the source
    operations: list[Operation]


class Translations:
    """What was asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def rows(self, request: Request, text: str) -> list[Row]:
        """The formats of a file; raises Refused when none was asked for."""
        urn = urns.encoded(urns.decoded(text))
        found = await self._service.call(self._listed, urn)
        if not found:
            raise Refused(404, "There is no manifest of this urn: post a job first.")
        return [await self._row(request, urn, row) for row in found]

    def _listed(self, urn: str) -> list[dict[str, Any]]:
        return [row for _, row in self._service.records.list(ROWS, f"{urn}/")]

    async def _row(self, request: Request, urn: str, row: dict[str, Any]) -> Row:
        source = Source(urn, row["name"], row["digest"])
        output = outputs.Output(row["type"], row["advanced"], [(kind, of) for kind, of in row["jobs"]])
        operations: list[Operation] = []
        for kind, of in output.jobs:
            if kind == weighing.KIND:  # a translation is done when the weights are known
                operations += await weighing.operations(request, self._service, source.digest, of)
            else:
                operations.append(await self.operation(request, Job(kind, (source.digest,), of)))
        return Row(source, output, row["region"], row["given"], operations)

    async def operation(self, request: Request, job: Job) -> Operation:
        """The operation of a job, as this request shall see it."""
        return await weighing.operation(request, self._service, job)

    async def objects(self, request: Request, row: Row) -> list[Operation]:
        """The operations that tell objects and properties of a file."""
        return await weighing.operations(request, self._service, row.source.digest, row.given)

    async def begin(
        self, request: Request, source: Source, made: list[outputs.Output], of: dict[str, Any]
    ) -> bool:
        """Ask for formats; whether all of them were there already.

        of : the region, the options of measuring, and "force" to begin again; raises Refused for what is in the way
        """
        known = {row.output.type: row for row in await self._known(request, source.urn)}
        there = [known[one.type] for one in made if one.type in known]
        running = [row for row in there if not all(one.state.ended for one in row.operations)]
        for row, new in ((row, new) for row in running for new in made if new.type == row.output.type):
            if of["force"] or row.source != source or row.output != new:
                raise Refused(
                    409, f"The request conflicts with a previous one, of {new.type}, that is in progress."
                )
        same = [row for row in there if row.source == source and row.output in made]
        done = len(same) == len(made) and all(_succeeded(row) for row in same) and not of["force"]
        await self._service.call(self._write, source, made, of)
        for job in (Job(kind, (source.digest,), options) for one in made for kind, options in one.jobs):
            await self._service.submit(job)
        return done

    async def _known(self, request: Request, urn: str) -> list[Row]:
        return [await self._row(request, urn, row) for row in await self._service.call(self._listed, urn)]

    def _write(self, source: Source, made: list[outputs.Output], of: dict[str, Any]) -> None:
        for row in self._listed(source.urn):
            # of what was stored under this name before, or read in another unit
            if row["digest"] != source.digest or row["given"] != of["given"]:
                self._drop(source.urn, row)
        for one in made:
            expiry.hold(self._service.records, source.digest, _holder(source.urn, one.type))
            row = {"name": source.name, "digest": source.digest, "region": of["region"], "given": of["given"]}
            self._service.records.put(ROWS, f"{source.urn}/{one.type}", row | one._asdict())

    async def delete(self, text: str) -> None:
        """Forget all formats of a file; raises Refused when there are none."""
        urn = urns.encoded(urns.decoded(text))
        if not await self._service.call(self._delete, urn):
            raise Refused(404, "There is no manifest of this urn.")

    def _delete(self, urn: str) -> int:
        return sum(self._drop(urn, row) for row in self._listed(urn))

    def _drop(self, urn: str, row: dict[str, Any]) -> bool:
        expiry.release(self._service.records, row["digest"], _holder(urn, row["type"]))
        return self._service.records.delete(ROWS, f"{urn}/{row['type']}")

    async def source(self, text: str) -> tuple[str, dict[str, Any]]:
        """Key and record of the object in storage that a urn names; raises Refused."""
        bucket, key = urns.place(urns.decoded(text))
        return key, await self._service.call(store.Store(self._service).object, bucket, key)


def _holder(urn: str, kind: str) -> str:
    """Who keeps the bytes of a source from being dropped."""
    return hashlib.sha256(f"{ROWS}/{urn}/{kind}".encode()).hexdigest()


def _succeeded(row: Row) -> bool:
    return all(one.state is State.SUCCEEDED for one in required(row))


def required(row: Row) -> list[Operation]:
    """The operations without which a format is not there: a view may lack pictures."""
    return [one for one in row.operations if one.job.kind != PICTURE] or row.operations
