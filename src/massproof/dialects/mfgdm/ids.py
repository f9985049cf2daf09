"""Opaque ids that look like the vendor's and hold no path: digests of where a thing is and of what it is.

They are the same after a restart, and no id of a client is ever used but to look for a thing that is known.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from typing import NamedTuple

WHOLE = "root"  # the part that is all of a file
_SPACE = uuid.UUID("5d0d8f0e-3a43-5c9e-9a0e-6f6d66676d31")
_VERSION = re.compile(r"urn:adsk\.wipprod:fs\.file:vf\.([\w-]{22,32})\?version=([1-9]\d{0,8})", re.ASCII)
_ITEM = "urn:adsk.wipprod:dm.lineage:"
_FOLDER = "urn:adsk.wipprod:fs.folder:co."
_HUB = "urn:adsk:ace:prod.scope:"


def short(*words: str) -> str:
    """22 characters that stand for these words: 128 bits of their SHA-256."""
    found = hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(found[:16]).decode().rstrip("=")


def opaque(*words: str) -> str:
    """Words as one id, base64 without padding."""
    return base64.urlsafe_b64encode("~".join(words).encode()).decode().rstrip("=")


def words(id: str) -> list[str]:
    """The words of an id that `opaque` made, [] for any other."""
    if not re.fullmatch(r"[\w-]{4,400}", id, re.ASCII):
        return []
    try:
        text = base64.urlsafe_b64decode(id + "=" * (-len(id) % 4)).decode("ascii")
    except ValueError:
        return []
    return text.split("~") if opaque(text) == id else []


def hub(key: str) -> str:
    """Of a hub."""
    return _HUB + str(uuid.uuid5(_SPACE, key))


def hub_elsewhere(key: str) -> str:
    """Of a hub, in the Data Management API."""
    return "a." + opaque("business:massproof", key)


def project(key: str) -> str:
    """Of a project."""
    return opaque("proj", "co." + key)


def project_elsewhere(key: str) -> str:
    """Of a project, in the Data Management API."""
    return "b." + str(uuid.uuid5(_SPACE, key))


def folder(key: str) -> str:
    """Of a folder."""
    return _FOLDER + key


def item(key: str) -> str:
    """Of an item: the line of its versions."""
    return _ITEM + key


def item_key(id: str) -> str:
    """The key in the id of an item, "" when it is none."""
    return id.removeprefix(_ITEM) if id.startswith(_ITEM) else ""


def item_version(key: str, number: int) -> str:
    """Of a version of an item."""
    return f"urn:adsk.wipprod:fs.file:vf.{key}?version={number}"


def item_version_key(id: str) -> tuple[str, int]:
    """(key, number) in the id of a version of an item, ("", 0) when it is none."""
    found = _VERSION.fullmatch(id)
    return (found[1], int(found[2])) if found else ("", 0)


class Named(NamedTuple):
    """What the id of a component, model or version of one says."""

    file: str  # key of the item
    part: str  # WHOLE, or key of a part of the file
    mark: str = ""  # of a version: `Version.mark`


def component(file: str, part: str) -> str:
    """Of a component, over all its versions."""
    return opaque("comp", "co." + file, part)


def model(file: str, part: str) -> str:
    """Of the geometry of a component, over all its versions."""
    return opaque("model", "co." + file, part)


def component_version(file: str, mark: str, part: str) -> str:
    """Of a component as it is in one version of the file."""
    return opaque("comp", "co." + file, mark, "aga", part)


def named(id: str) -> tuple[str, Named | None]:
    """What kind of id of a component or model this is, "component", "version" or "model", and what it says."""
    match words(id):
        case [("comp" | "model") as kind, line, part] if line[:3] == "co.":
            return ("component" if kind == "comp" else kind), Named(line[3:], part)
        case ["comp", line, mark, "aga", part] if line[:3] == "co.":
            return "version", Named(line[3:], part, mark)
    return "", None
