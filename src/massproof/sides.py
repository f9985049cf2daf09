"""What may be compared: a result, a file to be measured, a vendor's answer, a saved report."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from massproof import cassettes, dialects
from massproof.errors import FormatError, InputError
from massproof.measure import measure
from massproof.properties import Properties


def side(thing: Any, *, dialect: str | None = None, object: str | None = None, **options: Any) -> Properties:
    """The result that `thing` is, says, or is measured as.

    thing : Properties; a JSON document as Python reads it, or the path of one that ends in .json: a vendor's answer,
        a cassette that holds one, or our own report; else anything that `measure` accepts
    dialect : that of a document whose form does not tell
    object : which one is meant, where a document states several
    options : those of `measure`, for what is measured

    Raises what `measure`, `dialects.parse` and `cassettes.answer` raise.
    """
    if dialect is not None:
        dialects.shapes(dialect)  # an unknown one is refused, needed or not
    if isinstance(thing, Properties):
        return thing
    found = document(thing)
    if found is None:
        return measure(thing, **options)
    which = {} if object is None else {"object": object}
    if cassettes.sniff(found):
        return cassettes.result(found, **which)
    return dialects.parse(found, dialect, **which)


def document(thing: Any) -> Any:
    """The JSON document that `thing` is or names, None when it is none.

    Raises InputError for a file that cannot be read, FormatError for one that is no JSON.
    """
    if isinstance(thing, Mapping):
        return thing
    if isinstance(thing, list) and thing and all(isinstance(one, Mapping) for one in thing):
        return thing
    if isinstance(thing, (str, os.PathLike)) and os.fspath(thing).lower().endswith(".json"):
        return _read(Path(thing))
    return None


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        msg = f"cannot open {path}: {why}"
        raise InputError(msg) from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{path} is no JSON: {error}; give an answer of a service, or a report saved with --json"
        raise FormatError(msg) from error


def geometry(thing: Any, result: Properties) -> Any:
    """What a result was measured of, to look at again; None where that is not at hand."""
    if not isinstance(thing, Properties):
        spent = hasattr(thing, "read")  # a stream is read once
        return None if spent or document(thing) is not None else thing
    known = result.source.format not in dialects.NAMES and Path(result.source.name).is_file()
    return Path(result.source.name) if known else None
