"""Text-to-CAD: what a prompt becomes, by the provider that the operator has named, and how it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid5

from massproof.blobs import Blobs
from massproof.dialects.zoo import calls
from massproof.dialects.zoo.calls import NAMES, PROMPT, Call
from massproof.dialects.zoo.forms import BODY, text
from massproof.dialects.zoo.profiles import Profile, profile
from massproof.errors import UsageError
from massproof.operations import providers
from massproof.operations.port import Job
from massproof.serving.web import Refused

LONGEST = 1 << 20  # bytes of a request with a prompt

_NO_PROVIDER = (
    "this server has no provider of text-to-CAD, and makes up no shape; start it with one: replay:FOLDER with saved "
    "answers, program for prompts that are CadQuery programs, or openai:URL#MODEL"
)
_NO_KCL = (
    "KCL is executed by Zoo's engine alone, which cannot run here: no model of this server writes or runs KCL; leave "
    "out kcl=true for a part in STEP, or send the request to Zoo"
)


def body(document: Any) -> str:
    """The prompt of a request. Raises Refused, 400, for a body that has none."""
    if not isinstance(document, Mapping):
        raise Refused(400, f"{BODY}invalid type, expected struct TextToCadCreateBody")
    if "prompt" not in document:
        raise Refused(400, f"{BODY}missing field `prompt`")
    for name in ("prompt", "kcl_version", "model_version", "project_name"):
        value = document.get(name)
        if not isinstance(value, str) and (value is not None or name == "prompt"):
            raise Refused(400, f"{BODY}invalid type for `{name}`, expected a string")
    return text(document["prompt"])


def call(
    prompt: str, form: str, kcl: bool, chosen: str, user: str, shown: Profile, now: float, blobs: Blobs
) -> Call:  # fmt: skip
    """The call of a prompt: with the job that answers it, or why nothing can.

    form : export format;  kcl : whether KCL is wanted;  chosen : the provider
    """
    job, why = None, ""
    try:
        job = _job(prompt, form, kcl, chosen, blobs)
    except UsageError as error:
        why = str(error)
    kind = chosen.partition(":")[0]
    echo = {"prompt": prompt, "output_format": form, "model_version": f"local/{kind}"}
    if shown.prompts == "long":
        echo |= {"model": "kcl" if kcl else "cad", "conversation_id": str(uuid5(NAMES, f"{user} {prompt}"))}
    return Call(PROMPT, user, shown.name, now, echo, calls.as_json(job) if job else None, why)


def _job(prompt: str, form: str, kcl: bool, chosen: str, blobs: Blobs) -> Job:
    """Raises UsageError when there is no provider, or it has nothing for this prompt."""
    kind, where = providers.known(chosen)
    if kcl:
        raise UsageError(_NO_KCL)
    if kind == providers.NONE:
        raise UsageError(_NO_PROVIDER)
    if not prompt.strip():
        msg = "400 Bad Request: The prompt must clearly describe a CAD model"
        raise UsageError(msg)
    if kind == providers.REPLAY:
        found = providers.saved(where, prompt)
        digests = tuple(blobs.take(path).digest for path in found.values())
        return Job("program", digests, {"saved": list(found), "format": form})
    if kind == providers.PROGRAM:
        return Job("program", (blobs.put(prompt.encode()).digest,), {"format": form})
    return Job("program", (), {"openai": where, "prompt": prompt, "format": form})


def typed(call: Call) -> bool:
    """Whether a GET of it says its type: not in 2024."""
    return profile(call.profile).prompts == "long"
