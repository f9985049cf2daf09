"""Zoo's API: files measured and converted, their operations, conversions of units, text-to-CAD."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from massproof.blobs import Blob
from massproof.dialects.zoo import (
    calls,
    conversions,
    forms,
    multipart,
    openapi,
    options,
    pages,
    texts,
    uploads,
    values,
    work,
)
from massproof.dialects.zoo.calls import CONVERSION, FEEDBACK, ORDER, PROMPT, PROMPTS, Call
from massproof.dialects.zoo.door import Asked, Door, Handler, reply
from massproof.dialects.zoo.profiles import table
from massproof.dialects.zoo.shapes import contract
from massproof.errors import UsageError
from massproof.operations import providers
from massproof.operations.port import Job
from massproof.serving.forms import Refusal
from massproof.serving.service import Service
from massproof.serving.web import Refused, flag, given, receive, small

OPEN = ("/ping", "/openapi.json")  # to everybody

_ASYNC = "X-Massproof-Async"  # a header that has any call answered as that of a large file is
ASKS = True  # for tokens, at its own door


def error_body(refusal: Refusal) -> dict[str, Any]:
    """How this API says no."""
    return {"message": refusal.message, "request_id": refusal.id}


def routes(service: Service) -> list[BaseRoute]:
    """The routes of this API. Raises UsageError for a profile, or a provider of text-to-CAD, that there is not."""
    known = table()["profiles"]
    if service.settings.zoo_profile not in ("", *known):
        msg = f"there is no profile {service.settings.zoo_profile!r}; use one of {', '.join(known)}"
        raise UsageError(msg)
    providers.known(service.settings.text_to_cad)
    paths: dict[str, dict[str, Handler]] = {
        f"/file/{name.replace('_', '-')}": {"POST": partial(_measure, name)}
        for name in contract()["endpoints"]
    }
    paths |= {
        "/file/conversion/{src_format}/{output_format}": {"POST": _convert},
        "/file/conversion": {"POST": _convert_with_options},
        "/async/operations": {"GET": _operations},
        "/async/operations/{id}": {"GET": partial(_operation, work.Finished())},
        "/unit/conversion/{kind}/{input_unit}/{output_unit}": {"GET": _unit},
        "/ai/text-to-cad/{output_format}": {"POST": _prompt},
        "/user/text-to-cad": {"GET": _prompts},
        "/user/text-to-cad/{id}": {"GET": _prompted, "POST": _feedback},
    }
    made: list[BaseRoute] = [Route(path, Door(service, handlers)) for path, handlers in paths.items()]
    made += [
        Route(path, Door(service, {"GET": handler}, True))
        for path, handler in zip(OPEN, (_ping, _spec), strict=True)
    ]
    made += [
        Route(f"/{top}/{{rest:path}}", Door(service, {})) for top in ("file", "async", "unit", "ai", "user")
    ]
    return made


async def _ping(_: Asked) -> Response:
    return reply({"message": "pong"})


async def _spec(asked: Asked) -> Response:
    return reply(openapi.document(asked.profile))


async def _measure(name: str, asked: Asked) -> Response:
    asked.profile.require(name)
    question = forms.analysis(name, asked.profile, asked.query)
    sent, kept, told = await _file(asked, question.src_format)
    row = contract()["endpoints"][name]
    echo: dict[str, Any] = {"src_format": question.src_format}
    why = options.unread(question.src_format)
    if question.given is not None:
        key, unit = row["given"], str(question.given_unit)
        echo |= {key: question.given, f"{key}_unit": unit}
        why = why or values.refusal(row["given_property"], question.given, unit)
    job = None if why else calls.as_json(_measuring(asked, kept, question.src_format))
    call = _call(asked, row["type"], echo | {"output_unit": question.output_unit}, job, why, told)
    return await work.made(asked, call, _later(asked, sent) or bool(row.get("operation")))


def _measuring(asked: Asked, blob: Blob, source: str) -> Job:
    """What measures a file: one job for all endpoints."""
    own = {theirs: ours for ours, theirs in contract()["formats"].items()}[source]
    unit = {"unit": asked.service.settings.unit or asked.profile.unit} if source in options.UNITLESS else {}
    return Job("properties", (blob.digest,), {"format": own, **unit})


async def _file(asked: Asked, source: str) -> tuple[Blob, Blob, dict[str, str]]:
    """The body as it was sent, the file in it, and what to say of the difference."""
    sent = await receive(asked.request, asked.service)
    return sent, *await asked.service.call(_usable, asked.service, sent, source, {})


def _usable(
    service: Service, sent: Blob, source: str, beside: Mapping[str, Blob]
) -> tuple[Blob, dict[str, str]]:
    kept = uploads.decoded(service.blobs, sent)
    told = {} if kept == sent else {"X-Massproof-Body": "base64"}
    if source == "gltf":
        kept = uploads.packed(service.blobs, kept, beside, service.settings.upload_limit)
    return kept, told


def _later(asked: Asked, sent: Blob) -> bool:
    """Whether a call is answered before it is done: of a large file, or when somebody wants it so."""
    settings, headers = asked.service.settings, asked.request.headers
    forced = settings.force_async or flag(headers.get(_ASYNC)) or "respond-async" in headers.get("prefer", "")
    return forced or sent.size > settings.zoo_inline


def _call(
    asked: Asked, type: str, echo: Mapping[str, Any], job: Mapping[str, Any] | None, why: str, told: Mapping[str, str]
) -> Call:  # fmt: skip
    return Call(type, asked.user, asked.profile.name, time.time(), echo, job, why, told)


async def _convert(asked: Asked) -> Response:
    source = forms.word(asked.path, "src_format", asked.profile.words("import"), where=forms.PATH)
    target = forms.word(asked.path, "output_format", asked.profile.words("export"), where=forms.PATH)
    sent, kept, told = await _file(asked, source)
    echo = {"src_format": source, "output_format": target}
    call = _conversion(asked, kept, {"type": source}, {"type": target}, echo, told)
    return await work.made(asked, call, _later(asked, sent))


async def _convert_with_options(asked: Asked) -> Response:
    asked.profile.require("conversion_with_options")
    sent = await receive(asked.request, asked.service)
    text, files = await asked.service.call(
        _parts, asked.service, sent, asked.request.headers.get("content-type", "")
    )
    document = _document(text)
    if not isinstance(document, Mapping):
        raise Refused(400, f"{forms.BODY}invalid type, expected struct ConversionParams")
    sides = {"input": "src_format", "output": "output_format"}
    source, target = (options.checked(document.get(key), side, asked.profile) for side, key in sides.items())
    name = uploads.main(files, source["type"])
    kept, told = await asked.service.call(_usable, asked.service, files[name], source["type"], files)
    echo = {"src_format": source["type"], "output_format": target["type"],
            "src_format_options": source, "output_format_options": target}  # fmt: skip
    return await work.made(asked, _conversion(asked, kept, source, target, echo, told), True)


def _parts(service: Service, sent: Blob, kind: str) -> tuple[bytes, dict[str, Blob]]:
    try:
        file = service.blobs.path(sent.digest).open("rb")
    except FileNotFoundError:  # dropped below, for a request with the same boundary
        raise Refused(409, "the same body was sent twice at a time; send it again") from None
    with file:
        service.blobs.drop(sent.digest)  # which is its parts, and these are kept
        return multipart.read(file, kind, service.blobs)


def _document(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"{forms.BODY}{error}") from error


def _conversion(
    asked: Asked, blob: Blob, source: Mapping[str, Any], target: Mapping[str, Any], echo: Mapping[str, Any],
    told: Mapping[str, str],
) -> Call:  # fmt: skip
    try:
        chosen = options.conversion(source, target, asked.profile)
    except UsageError as error:
        return _call(asked, CONVERSION, echo, None, str(error), told)
    return _call(asked, CONVERSION, echo, calls.as_json(Job("conversion", (blob.digest,), chosen)), "", told)


async def _operation(finished: work.Finished, asked: Asked) -> Response:
    call = await work.own(asked, forms.identifier(asked.path["id"]))
    return await finished.answer(asked, call, await work.now(asked, call))


async def _operations(asked: Asked) -> Response:
    start = _start(asked, "created_at_ascending")
    wanted = forms.maybe(start, "status", table()["enums"]["state"])

    def shown(call: Call) -> dict[str, Any] | None:
        item = calls.listed(call, work.seen(asked, call))
        return item if wanted in (None, item["status"]) else None

    return await _page(asked, ORDER, start, shown)


async def _prompts(asked: Asked) -> Response:
    start = _start(asked, "created_at_descending")
    wanted = given(start.get("conversation_id"))
    wanted = wanted and forms.identifier(wanted, forms.QUERY)

    def shown(call: Call) -> dict[str, Any] | None:
        if wanted not in (None, call.echo.get("conversation_id")):
            return None
        return work.shown(asked.service, call, work.seen(asked, call), {"typed": texts.typed(call)})[0]

    return await _page(asked, PROMPTS, start, shown)


def _start(asked: Asked, usual: str) -> dict[str, str]:
    """Where a page begins: with a token as that says, otherwise as the parameters say."""
    token = given(asked.query.get("page_token"))
    row = pages.start(token) if token else dict(asked.query)
    order = forms.word(row, "sort_by", table()["enums"]["order"], usual)
    return row | {"sort_by": order} if token else {**row, "sort_by": order, "after": ""}


async def _page(
    asked: Asked, space: str, start: Mapping[str, str], shown: Callable[[Call], dict[str, Any] | None]
) -> Response:
    limit = forms.limit(asked.query)
    items, last = await asked.service.call(work.items, asked, space, start, limit, shown)
    kept = {key: start[key] for key in ("sort_by", "status", "conversation_id") if given(start.get(key))}
    return reply({"items": items} | ({"next_page": pages.token(kept | {"after": last})} if last else {}))


async def _unit(asked: Asked) -> Response:
    kind, source, target = (asked.path[key] for key in ("kind", "input_unit", "output_unit"))
    head = {"id": str(uuid4()), "created_at": (now := calls.time(time.time())), "started_at": now}
    head |= {
        "completed_at": now,
        "user_id": asked.user,
        "status": contract()["status"]["done"],
        "updated_at": now,
    }
    value = forms.number(asked.query, "value")
    body = conversions.answer(kind, source, target, value, asked.profile, head)
    return reply(body, {"X-Api-Call-Id": head["id"]})


async def _prompt(asked: Asked) -> Response:
    asked.profile.require("text_to_cad")
    form = forms.word(asked.path, "output_format", table()["enums"]["export"], where=forms.PATH)
    kcl, service = forms.flag(asked.query, "kcl"), asked.service
    prompt = texts.body(_document(await small(asked.request, texts.LONGEST)))
    chosen = service.settings.text_to_cad
    call = await service.call(
        texts.call, prompt, form, kcl, chosen, asked.user, asked.profile, time.time(), service.blobs
    )
    return await work.made(asked, call, True)


async def _prompted(asked: Asked) -> Response:
    call = await work.own(asked, forms.identifier(asked.path["id"]), PROMPT)
    operation = await asked.service.call(work.seen, asked, call)
    body, headers = await asked.service.call(
        work.shown, asked.service, call, operation, {"typed": texts.typed(call)}
    )
    return reply(body, headers)


async def _feedback(asked: Asked) -> Response:
    call = await work.own(asked, forms.identifier(asked.path["id"]), PROMPT)
    said = forms.word(asked.query, "feedback", table()["enums"]["feedback"])
    await asked.service.call(asked.service.records.put, FEEDBACK, call.id, said)
    return Response(status_code=204)
