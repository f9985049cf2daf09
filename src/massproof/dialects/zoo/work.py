"""Calls as they are recorded, run and shown."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from massproof.dialects.zoo import calls, pages
from massproof.dialects.zoo.calls import CALLS, CONVERSION, FEEDBACK, ORDER, PROMPT, PROMPTS, Call
from massproof.dialects.zoo.door import Asked, reply
from massproof.operations.port import Operation, State
from massproof.properties import Properties
from massproof.serving import faults
from massproof.serving.service import Service
from massproof.serving.web import Refused


async def made(asked: Asked, call: Call, later: bool) -> Response:
    """Record a call, have it answered, and say how far that is."""
    service = asked.service
    call, operation = await service.call(_begun, service, call)
    if not (later or operation.state.ended):
        operation = await service.wait(operation.id, service.settings.job_seconds) or operation
    operation = faults.view(asked.request, operation)
    return reply(*await answered(asked, call, operation, {"typed": False, "begun": later}), status=201)


def _begun(service: Service, call: Call) -> tuple[Call, Operation]:
    """The call as it was first made, and its operation."""
    call = replace(_recorded(service, call), told=call.told)
    job = call.asked()
    return call, service.operations.submit(job) if job else call.refused()


def _recorded(service: Service, call: Call) -> Call:
    """The call as it was first made: in the order of time, and then for good."""
    records = service.records
    first = records.get(CALLS, call.id)
    if first is None:
        for space in (ORDER, PROMPTS) if call.type == PROMPT else (ORDER,):
            records.put(space, call.key, call.id)
        if records.put(CALLS, call.id, call.to_dict(), True):
            return call
        first = records.get(CALLS, call.id)  # somebody else was faster
    return Call.from_dict(first)


def listed(service: Service, key: str, id: str) -> Call | None:
    """The call that stands in the order of time; None for a place that it was given and never took."""
    row = service.records.get(CALLS, id)
    call = None if row is None else Call.from_dict(row)
    return call if call and call.key == key else None


def shown(
    service: Service, call: Call, operation: Operation, how: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The answer and its headers; how : typed and begun, as `calls.answer` takes them."""
    where = {"X-Api-Call-Id": call.id, "Location": f"/async/operations/{call.id}"}
    if how.get("begun"):
        return calls.answer(call, operation, None, **how), where
    found = calls.result(call, operation)
    made: Properties | dict[str, str] | None = found
    if found is None and operation.state is State.SUCCEEDED:
        files = operation.outcome.files.items()
        made = {name: _text(service.blobs.read(digest)) for name, digest in files}
    body = calls.answer(call, operation, made, **how)
    said = service.records.get(FEEDBACK, call.id) if call.type == PROMPT else None
    return body | ({"feedback": said} if said else {}), where | calls.told(call, operation, found)


def _text(data: bytes) -> str:
    """Base64 as the service writes it: URL-safe, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Finished:
    """Answers that will not change, as they were sent: whoever waits for an operation asks again and again."""

    MOST = 4096

    def __init__(self) -> None:
        self._all: dict[str, tuple[Operation, Response]] = {}

    async def answer(self, asked: Asked, call: Call, operation: Operation) -> Response:
        """The answer to a question about an operation as it stands, for this request."""
        known, response = self._all.get(call.id, (None, None))
        if known is not operation or response is None:
            body, headers = await answered(asked, call, operation, {})
            response = reply(body, headers=headers)
            if operation.state.ended and call.type not in (CONVERSION, PROMPT):
                self._all.pop(next(iter(self._all)) if len(self._all) >= self.MOST else call.id, None)
                self._all[call.id] = operation, response
        return Response(response.body, headers=dict(response.headers))


async def own(asked: Asked, id: str, type: str = "") -> Call:
    """A call of this user. Raises Refused, 404, for any other."""
    row = await asked.service.record(CALLS, id)
    if row is None or row["user"] != asked.user or type not in ("", row["type"]):
        raise Refused(404, "Not Found")
    return Call.from_dict(row)


async def now(asked: Asked, call: Call) -> Operation:
    """The operation of a call, without a detour where it is at hand; as `current` otherwise."""
    job = call.asked()
    held = None if job is None else asked.service.operations.held(job.id)
    if held is not None:
        return faults.view(asked.request, held)
    return await asked.service.call(seen, asked, call)


async def answered(
    asked: Asked, call: Call, operation: Operation, how: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The answer and its headers; on another thread where something is read for it."""
    if call.type in (CONVERSION, PROMPT):
        return await asked.service.call(shown, asked.service, call, operation, how)
    return shown(asked.service, call, operation, how)


def current(service: Service, call: Call) -> Operation:
    """The operation of a call: submitted once more when it was forgotten.

    Raises Refused, 404, when it is as old as operations that are not kept any more; then it is forgotten as well.
    """
    job, operations = call.asked(), service.operations
    found = operations.get(job.id) if job else None
    if found is not None:
        return found
    if call.created < time.time() - service.settings.keep_seconds:
        for space in (ORDER, PROMPTS):
            service.records.delete(space, call.key)
        service.records.delete(CALLS, call.id)
        raise Refused(404, "Not Found")
    return operations.submit(job) if job else call.refused()


def seen(asked: Asked, call: Call) -> Operation:
    """As `current`, the way this request shall see it."""
    return faults.view(asked.request, current(asked.service, call))


def items(
    asked: Asked,
    space: str,
    start: Mapping[str, str],
    limit: int,
    shown: Callable[[Call], dict[str, Any] | None],
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the calls of this user, as `pages.page` makes it; start : sort_by, and after which key."""

    def item(key: str, id: str) -> dict[str, Any] | None:
        call = listed(asked.service, key, id)
        try:
            return shown(call) if call else None
        except Refused:  # it has just been forgotten
            return None

    descending = start["sort_by"] == "created_at_descending"
    return pages.page(
        asked.service.records, space, asked.user, start.get("after", ""), descending, limit, item
    )
