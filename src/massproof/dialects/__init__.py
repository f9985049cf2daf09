"""The registry of dialects: each writes a result in the shape of one vendor's API, and reads that shape back.

A dialect is a folder with `shapes.py`: `emit(result, **options)`, `parse(document, **options)`,
`sniff(document)` and `parse_objects(document)`. `native` is our own JSON, whose writer is `Properties.to_dict`.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from massproof import properties
from massproof.errors import FormatError, UsageError
from massproof.properties import Properties

NAMES = ("mfgdm", "derivative", "zoo", "onshape")
READ = (*NAMES, "native")
# Whose folders have `routes`: `routes(service)` is what the server answers in that API.
SERVED: tuple[str, ...] = (
    "mfgdm",
    "native",
    "zoo",
    "derivative",
    "onshape",
)
# How the service's own clients are told another address.
ADDRESSES = {
    "zoo": "ZOO_HOST={url}",
    "mfgdm": "GraphQL at {url}/mfg/v3/graphql/public and {url}/mfg/graphql",
    "derivative": "base address of the SDKs: {url}",
    "onshape": "base address: {url}",
    "native": "a page: {url}/ and our own API: {url}/v1",
}


def shapes(dialect: str) -> Any:
    """The module of a dialect that `READ` names; raises UsageError when it names none."""
    if dialect not in READ:
        msg = f"unknown dialect {dialect!r}; use one of {', '.join(READ)}"
        raise UsageError(msg)
    return import_module(f"massproof.dialects.{dialect}.shapes")


def sniff(document: Any) -> str | None:
    """The dialect of a JSON document, None when it is none of those in `READ`."""
    return next((name for name in READ if shapes(name).sniff(document)), None)


def parse(document: Any, dialect: str | None = None, **options: Any) -> Properties:
    """What a service answered, as a partial result in SI.

    document : JSON as Python reads it;  dialect : one of `READ`, told by the document's own form without it
    options : those of that dialect's `parse`, such as object="JHD", which of several objects is meant

    An interval holds what the service may have rounded; `absent` says why each missing property is None.
    Raises FormatError for what is no such document, Pending when the service has not finished, RemoteError when it
    says that it failed, UsageError for an unknown dialect or when several objects are there and none is named.
    """
    found: Properties = shapes(dialect or _sniffed(document)).parse(document, **options)
    return found


def parse_objects(document: Any, dialect: str | None = None) -> dict[str, tuple[str, Properties]]:
    """Every object with mass properties in a document: id → (name, result). Raises what `parse` raises."""
    found: dict[str, tuple[str, Properties]] = shapes(dialect or _sniffed(document)).parse_objects(document)
    return found


def _sniffed(document: Any) -> str:
    found = sniff(document)
    if found is None:
        what = (
            f"a JSON object with {', '.join(map(repr, list(document)[:5]))}"
            if isinstance(document, dict)
            else "it"
        )
        msg = f"no known dialect has this form: {what} is none of {', '.join(READ)}; name one with dialect="
        raise FormatError(msg)
    return found


def _writer(name: str) -> Any:
    def emit(result: Properties, **options: Any) -> Any:
        return shapes(name).emit(result, **options)

    return emit


properties.DIALECTS.update({name: _writer(name) for name in NAMES})
properties.READERS.update({name: partial(parse, dialect=name) for name in READ})
