"""Cassettes: what was asked of a remote service and what it answered, as one JSON object that can be read again.

They are written by `clients`, hold no secret, and stand for the service's answer wherever a result can be compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from massproof import dialects, replacing
from massproof.answers import shown
from massproof.errors import FormatError, InputError, RemoteError
from massproof.properties import Properties

KEY = "massproof_cassette"  # the mark, and the version of this format
VERSION = "1"


class Answer(NamedTuple):
    """What a service answered in the end, as `dialects.parse` takes it."""

    dialect: str
    document: Any  # the service's JSON; a list of them where each property is asked for on its own
    options: dict[str, Any]  # which part of the document is meant: object="2"
    file: dict[str, Any]  # name, sha256 and size of the file that was compared or sent
    recorded: str  # date and time, UTC


def sniff(document: object) -> bool:
    """Whether `document`, read from JSON, is a cassette."""
    return isinstance(document, Mapping) and KEY in document


def load(path: str | Path) -> dict[str, Any]:
    """Read a cassette from a file.

    Raises InputError when it cannot be opened, FormatError when it is no cassette.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"cannot read the cassette {path}: {error.strerror}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no cassette: byte {error.start} is not UTF-8; record one with --cassette"
        raise FormatError(msg) from error
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        msg = f"{path} is no cassette: it is not JSON ({error}); record one with --cassette"
        raise FormatError(msg) from error
    if not sniff(document):
        msg = f'{path} is no cassette: it has no "{KEY}"; record one with --cassette'
        raise FormatError(msg)
    return dict(document)


def _no_number(name: str) -> NoReturn:
    msg = f"{name} is no JSON"
    raise ValueError(msg)


def save(cassette: Mapping[str, Any], path: str | Path) -> None:
    """Write a cassette; raises InputError when the file cannot be written."""
    text = json.dumps(cassette, indent=2, allow_nan=False, ensure_ascii=False)
    replacing.write(path, text + "\n")


def result(cassette: Mapping[str, Any], **options: Any) -> Properties:
    """What the service answered, as a partial result.

    options : for `dialects.parse`, in place of those that were recorded

    Raises what `answer` and `dialects.parse` raise.
    """
    found = answer(cassette)
    return dialects.parse(found.document, found.dialect, **found.options | options)


def answer(cassette: Mapping[str, Any]) -> Answer:
    """What the service answered in the end.

    Raises RemoteError when that was an error, as it was raised when it was recorded; FormatError when the cassette
    is of another version or malformed.
    """
    if cassette.get(KEY) != VERSION:
        msg = f"this cassette is of version {shown(cassette.get(KEY))}, and {shown(VERSION)} is read; record it again"
        raise FormatError(msg)
    error = cassette.get("error")
    if isinstance(error, dict):
        raise RemoteError(_text(error, "message"), _text(error, "reason"))
    if error is not None:
        _malformed(f"its error is {shown(error)}, neither null nor an object")
    dialect, options = _text(cassette, "dialect"), _mapping(cassette, "options")
    _check_options(dialect, options)
    which = cassette.get("answer")
    several = isinstance(which, list)
    bodies = [_body(cassette, i) for i in (which if isinstance(which, list) else [which])]
    return Answer(
        dialect=dialect,
        document=bodies if several else bodies[0],
        options=options,
        file=_mapping(cassette, "file"),
        recorded=_text(cassette, "recorded"),
    )


def _check_options(dialect: str, options: dict[str, Any]) -> None:
    if dialect not in dialects.NAMES:
        _malformed(f"its dialect is {shown(dialect)}, which is none of {', '.join(dialects.NAMES)}")
    known = list(signature(dialects.shapes(dialect).parse).parameters)[1:]  # the first is the document
    for name in options:
        if name not in known:
            _malformed(f"its option {shown(name)} is nothing that {dialect} knows")


def _body(cassette: Mapping[str, Any], index: object) -> Any:
    exchanges = cassette.get("exchanges")
    if not isinstance(exchanges, list) or type(index) is not int or not 0 <= index < len(exchanges):
        _malformed(f"its answer is exchange {shown(index)}, and it has no such exchange")
    exchange = exchanges[index]
    response = exchange.get("response") if isinstance(exchange, dict) else None
    if not isinstance(response, dict) or "body" not in response:
        _malformed(f"exchange {index} has no response with a body")
    return response["body"]


def _mapping(cassette: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = cassette.get(key)
    if not isinstance(value, dict):
        _malformed(f"its {key} is {shown(value)}, not an object")
    return dict(value)


def _text(cassette: Mapping[str, Any], key: str) -> str:
    value = cassette.get(key)
    if not isinstance(value, str):
        _malformed(f"its {key} is {shown(value)}, not a text")
    return value


def _malformed(why: str) -> NoReturn:
    msg = f"malformed cassette: {why}; record it again with --cassette"
    raise FormatError(msg)
