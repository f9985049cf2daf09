"""The manifest: what a translation has come to, in the vendor's words."""

from __future__ import annotations

import uuid
from typing import Any

from massproof.dialects.derivative import propertydb, tables, urns
from massproof.dialects.derivative.translations import PICTURE, Row, required
from massproof.operations.port import Operation, State

_SPACE = uuid.UUID("2f7c2b0a-6a6c-5c9e-9c5e-0d1f5b6f3a11")  # of our own making
_STATUS = {
    State.RECEIVED: "pending",
    State.QUEUED: "pending",
    State.RUNNING: "inprogress",
    State.SUCCEEDED: "success",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
    State.TIMED_OUT: "timeout",
}
_ENDED = ("success", "failed", "timeout")


def manifest(rows: list[Row], referenced: bool) -> dict[str, Any]:
    """The manifest of the formats of one file. referenced : whether its references were told"""
    parts = [_derivative(row, referenced) for row in rows]
    statuses = [part["status"] for part in parts]
    ended = sum(part["status"] in _ENDED for part in parts)
    share = sum(one.state.ended for row in rows for one in row.operations) * 100
    share //= sum(len(row.operations) for row in rows)
    return {
        "type": "manifest",
        "hasThumbnail": _word(any(part["hasThumbnail"] == "true" for part in parts)),
        "status": _status(statuses),
        "progress": "complete" if ended == len(parts) else f"{min(share, 99)}% complete",
        "region": rows[0].region,
        "urn": rows[0].source.urn,
        "version": "1.0",
        "derivatives": parts,
    }


def _status(statuses: list[str]) -> str:
    """Of all: what runs comes first, then what went wrong."""
    for word in ("inprogress", "pending"):
        if word in statuses:
            return "pending" if set(statuses) == {"pending"} else "inprogress"
    return next((word for word in ("failed", "timeout") if word in statuses), "success")


def guid(*words: str) -> str:
    """An id that is the same for the same words (RFC 9562, version 5)."""
    return str(uuid.uuid5(_SPACE, "/".join(words)))


def view(digest: str) -> str:
    """The guid of the one view of a file."""
    return guid("view", digest)


def _derivative(row: Row, referenced: bool) -> dict[str, Any]:
    needed = required(row)
    if all(one.state is State.SUCCEEDED for one in needed):  # pictures may still be drawn, or fail
        needed = [one for one in row.operations if not one.state.ended] or needed
    status = _status([_STATUS[one.state] for one in needed])
    ended = sum(one.state.ended for one in row.operations) * 100 // len(row.operations)
    pictures = [one for one in row.operations if _picture(one)]
    found: dict[str, Any] = {
        "name": row.source.name,
        "hasThumbnail": _word(bool(pictures)),
        "status": status,
        "progress": "complete" if status in _ENDED else f"{min(ended, 99)}% complete",
        "outputType": row.output.type,
        "children": [],
    }
    if status == "success":
        found["children"] = _children(row, pictures)
    if messages := _messages(row, status, referenced):
        found["messages"] = messages
    return found


def _picture(operation: Operation) -> bool:
    return operation.job.kind == PICTURE and operation.state is State.SUCCEEDED


def _children(row: Row, pictures: list[Operation]) -> list[dict[str, Any]]:
    drawn = [_resource(row, one, name, "thumbnail") for one in pictures for name in one.outcome.files]
    if row.output.type == "thumbnail":
        return drawn
    if row.output.type.startswith("svf"):
        scene = {
            "guid": view(row.source.digest),
            "type": "geometry",
            "role": "3d",
            "name": tables.service()["output"]["view"],
            "hasThumbnail": _word(bool(pictures)),
            "status": "success",
            "progress": "complete",
            "children": drawn,
        }
        return [scene, _database(row)]
    role = row.output.type.upper()
    return [
        _resource(row, one, name, role) | row.output.advanced
        for one in row.operations
        for name in one.outcome.files
    ]


def _database(row: Row) -> dict[str, Any]:
    operation = required(row)[0]
    return {
        "guid": guid(operation.id, propertydb.NAME),
        "type": "resource",
        "role": propertydb.ROLE,
        "mime": propertydb.MIME,
        "status": "success",
        "urn": str(urns.Output(row.source.urn, operation.id, propertydb.NAME)),
    }


def _resource(row: Row, operation: Operation, name: str, role: str) -> dict[str, Any]:
    picture = role == "thumbnail"
    size = operation.job.options.get("size")
    return {
        "guid": guid(operation.id, name),
        "type": "resource",
        "role": role,
        "mime": "image/png" if picture else tables.service()["output"]["mime"],
        "status": "success",
        "urn": str(urns.Output(row.source.urn, operation.id, name)),
    } | ({"resolution": [size, size]} if picture else {})


def _messages(row: Row, status: str, referenced: bool) -> list[dict[str, Any]]:
    """What went wrong, and what is not there though it might be looked for."""
    failures = dict.fromkeys(one.failure for one in row.operations if one.failure)  # once, however many sizes
    said = [{"type": "error", "code": one.code, "message": one.message} for one in failures]
    table = tables.service()["messages"]
    if status == "success" and row.output.type.startswith("svf"):
        said.append({"type": "warning", "code": "no-graphics", "message": table["graphics"]})
    if referenced:
        said.append({"type": "warning", "code": "references", "message": table["references"]})
    return said


def _word(value: bool) -> str:
    return "true" if value else "false"
