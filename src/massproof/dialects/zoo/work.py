"""Calls as they are recorded, run and shown."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from massproof.dialects.zoo import calls, texts
from massproof.dialects.zoo.calls import CALLS, CONVERSION, FEEDBACK, ORDER, PROMPT, PROMPTS, Call
from massproof.dialects.zoo.door import Asked, reply
from massproof.operations.port import Operation, State
from massproof.serving import faults
from massproof.serving.service import Service
from massproof.serving.web import Refused


async def made(asked: Asked, call: Call, later: bool) -> Response:
    """Record a call, have it answered, and say how far that is."""
    service = asked.service
    call = replace(await service.call(_recorded, service, call), told=call.told)
    job = call.asked()
    if job is None:
        operation = call.refused()
    elif later:
        operation = await service.submit(job)
    else:
        operation = await service.answer(job, service.settings.job_seconds)
    operation = faults.view(asked.request, operation)
    body, headers = await service.call(shown, service, call, operation, {"typed": False, "begun": later})
    return reply(body, 201, headers)


def _recorded(service: Service, call: Call) -> Call:
    """The call as it was first made."""
    service.records.put(CALLS, call.id, call.to_dict(), True)
    first = Call.from_dict(service.records.get(CALLS, call.id))
    service.records.put(PROMPTS if call.type == PROMPT else ORDER, first.key, call.id, True)
    return first


def shown(
    service: Service, call: Call, operation: Operation, how: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The answer and its headers."""
    outputs = None
    if call.type in (CONVERSION, PROMPT) and operation.state is State.SUCCEEDED and not how.get("begun"):
        outputs = {
            name: _text(service.blobs.read(digest)) for name, digest in operation.outcome.files.items()
        }
    feedback = service.records.get(FEEDBACK, call.id) if call.type == PROMPT else None
    body = texts.answer(call, operation, feedback, outputs=outputs, **how)
    where = {"X-Api-Call-Id": call.id, "Location": f"/async/operations/{call.id}"}
    return body, where | ({} if how.get("begun") else calls.told(call, operation))


def _text(data: bytes) -> str:
    """Base64 as the service writes it: URL-safe, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def own(asked: Asked, id: str, type: str = "") -> Call:
    """A call of this user. Raises Refused, 404, for any other."""
    row = await asked.service.call(asked.service.records.get, CALLS, id)
    if row is None or row["user"] != asked.user or type not in ("", row["type"]):
        raise Refused(404, "Not Found")
    return Call.from_dict(row)


def current(asked: Asked, call: Call) -> Operation:
    """The operation of a call: submitted once more when it was forgotten."""
    job, operations = call.asked(), asked.service.operations
    found = call.refused() if job is None else operations.get(job.id) or operations.submit(job)
    return faults.view(asked.request, found)
