"""One call of the API: what was asked, which is recorded, and the answer as its operation has come along.

The id of a call is derived from what is asked and by whom: the same question is the same call.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from massproof.dialects.zoo import values
from massproof.dialects.zoo.profiles import profile
from massproof.dialects.zoo.shapes import contract
from massproof.operations.port import Failure, Job, Operation, State
from massproof.properties import Properties
from massproof.serving.service import measured

CALLS, ORDER, PROMPTS, FEEDBACK = "zoo.calls", "zoo.order", "zoo.prompts", "zoo.feedback"  # spaces of records
CONVERSION, PROMPT = "file_conversion", "text_to_cad"  # types of calls, beside those of the contract
NAMES = UUID("9a6c1f0e-3b52-5d0c-8e0f-7d2f6a4b1c90")  # the space of our ids: a constant, so that they last

_STATUS = {
    State.RECEIVED: "uploaded",
    State.QUEUED: "queued",
    State.RUNNING: "in_progress",
    State.SUCCEEDED: "completed",
}


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, and of whom."""

    type: str  # that of the operation
    user: str
    profile: str
    created: float  # seconds since 1970
    echo: Mapping[str, Any]  # fields of the answer that repeat the question
    job: Mapping[str, Any] | None  # kind, inputs and options of what answers it
    refusal: str = ""  # why nothing can answer it
    told: Mapping[str, str] = field(default_factory=dict)  # what else was done with the input, for headers

    @property
    def id(self) -> str:
        """A UUID."""
        asked = [self.type, self.user, self.profile, self.echo, self.job, self.refusal]
        return str(uuid5(NAMES, json.dumps(asked, sort_keys=True, allow_nan=False)))

    @property
    def key(self) -> str:
        """Under which it stands in the order of time."""
        return f"{self.user}/{round(self.created * 1e6):020d}/{self.id}"

    def to_dict(self) -> dict[str, Any]:
        """JSON of this."""
        return asdict(self)

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Call:
        """What `to_dict` wrote."""
        return Call(**document)

    def asked(self) -> Job | None:
        """The job that answers it, None where nothing can."""
        if self.job is None:
            return None
        inputs = (base64.b64decode(digest).hex() for digest in self.job["inputs"])
        return Job(self.job["kind"], tuple(inputs), self.job["options"])

    def refused(self) -> Operation:
        """The operation of a call that nothing can answer: it has failed from the start."""
        now = self.created
        return Operation(
            self.id, Job("none"), State.FAILED, now, now, now, now, failure=Failure("refused", self.refusal)
        )


def as_json(job: Job) -> dict[str, Any]:
    """A job as a call records it.

    Digests are in base64: records that name blobs keep them, and files that were asked about may go when answers do.
    """
    inputs = [base64.b64encode(bytes.fromhex(digest)).decode() for digest in job.inputs]
    return {"kind": job.kind, "inputs": inputs, "options": dict(job.options)}


def user(token: str) -> str:
    """The id of whoever shows this token."""
    return str(uuid5(NAMES, f"user {token}"))


def time(seconds: float) -> str:
    """In RFC 3339, with the nanoseconds that the service prints."""
    whole = int(seconds)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{int((seconds - whole) * 1e9):09d}Z"


def status(operation: Operation) -> str:
    """The service's word for how far it is."""
    return _STATUS.get(operation.state, "failed")


def answer(
    call: Call,
    operation: Operation,
    made: Properties | Mapping[str, str] | None,
    typed: bool = True,
    begun: bool = False,
) -> dict[str, Any]:
    """The answer as the operation stands.

    made : what was measured, or the files in base64;  typed : as an operation, which says its type
    begun : it was only just submitted, and says nothing else whatever has become of it
    """
    state, error, found = status(operation), "", dict[str, Any]()
    if begun:
        state = "queued"
    elif state == "failed":
        error = operation.failure.message if operation.failure else "it was cancelled; ask again"
    elif state == "completed":
        found, error = _found(call, made)
        state = "failed" if error else state
    return {
        **_head(call, operation, state),
        **({"type": call.type} if typed else {}),
        **({"error": error} if error else {}),
        **_body(call.echo, found),
    }


def _head(call: Call, operation: Operation, state: str) -> dict[str, Any]:
    """The fields of every answer, in the order of the service."""
    made, times = time(call.created), {}
    if operation.started is not None and state not in ("queued", "uploaded"):
        times["started_at"] = time(max(operation.started, call.created))
    if operation.ended is not None and state in ("completed", "failed"):
        times["completed_at"] = time(max(operation.ended, call.created))
    return {"id": call.id, "created_at": made} | times | {
        "user_id": call.user, "status": state, "updated_at": times.get("completed_at", times.get("started_at", made)),
    }  # fmt: skip


def _body(echo: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked and found: what was found stands before its unit."""
    last = {key: value for key, value in echo.items() if key == "output_unit"}
    return {**{key: value for key, value in echo.items() if key not in last}, **found, **last}


def _found(call: Call, made: Properties | Mapping[str, str] | None) -> tuple[dict[str, Any], str]:
    """The fields of what was made, or why there are none."""
    if not isinstance(made, Properties):
        return ({} if made is None else {"outputs": dict(made)}), ""
    name = next(name for name, row in contract()["endpoints"].items() if row["type"] == call.type)
    value, why = values.answer(made, name, call.echo, up(call))
    return ({} if value is None else {name: value}), why


def result(call: Call, operation: Operation) -> Properties | None:
    """What was measured, None where nothing was."""
    if operation.state is not State.SUCCEEDED or call.type in (CONVERSION, PROMPT):
        return None
    return measured(operation, "the file")


def up(call: Call) -> str:
    """The axis that points up in its answers."""
    return profile(call.profile).up


def listed(call: Call, operation: Operation) -> dict[str, Any]:
    """The call as a list of operations shows it: without the content of files."""
    whole = answer(call, operation, result(call, operation))
    head = {key: value for key, value in whole.items() if key not in call.echo}
    output = {key: head.pop(key) for key in contract()["endpoints"] if key in head}
    head |= {"input": dict(call.echo)} | ({"output": output} if output else {})
    return head | {"worker": "massproof", "attempts": operation.attempts}


def told(call: Call, operation: Operation, found: Properties | None) -> dict[str, str]:
    """Headers that say what the service's answers have no field for."""
    made = {"X-Massproof-Profile": call.profile, **call.told}
    if call.type == CONVERSION and operation.state is State.SUCCEEDED:
        document = operation.outcome.result
        verdict, codes = document["source"]["verdict"], [one["code"] for one in document["findings"]]
    elif found is None:
        return made
    else:
        verdict, codes = found.verdict.value, [one.code for one in found.findings]
        codes = [code for code in codes if code != "no-density"]  # which these endpoints do not ask for
        made["X-Massproof-Frame"] = f"+{up(call)} up" if call.type != "file_bounding_box" else "+z up"
    return made | {"X-Massproof-Verdict": verdict, "X-Massproof-Findings": ",".join(dict.fromkeys(codes))}
