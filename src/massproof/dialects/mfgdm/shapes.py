"""The `physicalProperties` object of the Manufacturing Data Model, written and read.

The object is the same in v2 and v3 of the API, which place it differently. What names and ids it carries, and
where it is placed, is in contract.toml.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from massproof import answers, units
from massproof.errors import FormatError, Pending, RemoteError, UnitError, UsageError
from massproof.properties import Box, Finding, Properties, Quantity
from massproof.units import Unit

_KEY = "physicalProperties"
_SIDES = ("length", "width", "height")
_PLAIN = ("area", "volume", "density", "mass")


def contract() -> dict[str, Any]:
    """The table of names, units and ids, property by property."""
    return answers.contract(__file__)


def emit(result: Properties, placement: str | None = None) -> dict[str, Any]:
    """The `physicalProperties` object; a property that does not exist is null.

    placement : "v2", "v3" or "v3-component" for the whole response of a query, which holds nothing else

    The work is done, so its status is COMPLETED whatever is absent: FAILED would have the vendor's
    clients submit it again. Raises UsageError for an unknown placement.
    """
    box = result.bounding_box
    written: dict[str, Any] = {"status": contract()["status"]["done"]}
    written |= {name: _written(name, getattr(result, name)) for name in _PLAIN}
    written["boundingBox"] = {k: _written(k, getattr(box, k)) for k in _SIDES} if box else None
    if placement is None:
        return written
    places = contract()["placements"]
    if placement not in places:
        msg = f"unknown placement {placement!r}; use one of {', '.join(places)}"
        raise UsageError(msg)
    for key in (_KEY, *reversed(places[placement])):
        written = {key: written}
    return written


def _written(name: str, quantity: Quantity | None) -> dict[str, Any] | None:
    if quantity is None:
        return None
    row = contract()[name]
    value = quantity.to(row["unit"]).value
    return {
        "name": row["definition_name"],
        "displayValue": repr(value),
        "value": value,
        "definition": {
            "name": row["definition_name"],
            "specification": row["specification"],
            "units": {"id": row["unit_id"], "name": row["unit_name"]},
        },
    }


def sniff(document: Any) -> bool:
    """Whether `document` is a response that holds `physicalProperties`, that object, or GraphQL errors."""
    if not isinstance(document, Mapping):
        return False
    return _bare(document) or _errors(document) is not None or next(_found(document), None) is not None


def _bare(document: Mapping[str, Any]) -> bool:
    known = {"status", "boundingBox", "__typename", *_PLAIN}
    if not document or not set(document) <= known:
        return False
    status = contract()["status"]
    words = [*status["waiting"], *status["failed"], status["done"]]
    return document.get("status") in words or any(
        isinstance(document.get(name), Mapping) for name in ("boundingBox", *_PLAIN)
    )


def _found(document: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where in a response `physicalProperties` is: the path of its owner, and the owner."""
    waiting = [("", document)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Mapping):
            if _KEY in node:
                yield path, node
            inner = [(f"{path}.{key}" if path else str(key), value) for key, value in node.items()]
        else:
            inner = (
                [(f"{path}[{k}]", value) for k, value in enumerate(node)] if isinstance(node, list) else []
            )
        waiting += reversed(inner)


def _owners(document: Any) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The owners of `physicalProperties` by id, or by path: a component that occurs often is one owner."""
    out: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for path, owner in _found(document):
        key = owner["id"] if isinstance(owner.get("id"), str) else path
        if key in out and out[key][1][_KEY] != owner[_KEY]:
            key = path
        out.setdefault(key, (path, owner))
    return out


def _errors(document: Mapping[str, Any]) -> str | None:
    """What the errors of a GraphQL response say, None when it has none."""
    listed = document.get("errors")
    if not isinstance(listed, list) or not all(isinstance(e, Mapping) and "message" in e for e in listed):
        return None
    texts = []
    for error in listed:
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, Mapping) else None
        texts.append(f"{code}: {error['message']}" if code else str(error["message"]))
    return "; ".join(texts) or None


def parse(document: Any, object: str | None = None) -> Properties:
    """What the service answered, as a partial result.

    document : a whole GraphQL response, of v2 or v3, or the `physicalProperties` object alone
    object : id or path of the owner, where a response holds several

    Raises Pending for a status that is on its way, RemoteError for one that failed and for GraphQL errors,
    FormatError for what is malformed, UsageError when several are there and none is named.
    """
    answer = answers.table(document, "the answer")
    owners = _owners(answer)
    if not owners:
        return _alone(answer)
    paths = {path: key for key, (path, _) in owners.items()}
    wanted = next(iter(owners)) if object is None and len(owners) == 1 else paths.get(object or "", object)
    if wanted not in owners:
        msg = f"the answer has {_KEY} of {len(owners)} objects; name one with object=: {', '.join(owners)}"
        raise UsageError(msg)
    return _result(answer, *owners[wanted])


def parse_objects(document: Any) -> dict[str, tuple[str, Properties]]:
    """Every owner of `physicalProperties` in a response: its id, or its path where it has none → (name, result).

    Owners without geometry are left out. Raises what `parse` raises.
    """
    owners = {key: pair for key, pair in _owners(document).items() if pair[1][_KEY] is not None}
    if not owners:  # the object alone, or nothing to be read: why, `parse` says
        return {"": ("", parse(document))}
    return {key: (_name(owner), _result(document, path, owner)) for key, (path, owner) in owners.items()}


def _alone(answer: Mapping[str, Any]) -> Properties:
    """The result of an answer in which nothing owns the object: it is the object, or there is none."""
    if _bare(answer):
        return _read_all(answer, answer, "", "", [])
    if (reported := _errors(answer)) is not None:
        msg = f"the service reports {reported}"
        raise RemoteError(msg)
    msg = f"the answer has no {_KEY}: it holds {answers.shown(answer)}; select it in the query"
    raise FormatError(msg)


def _result(answer: Mapping[str, Any], path: str, owner: Mapping[str, Any]) -> Properties:
    """The result of one owner."""
    at = f"{path}.{_KEY}" if path else _KEY
    reported = _errors(answer)
    if owner[_KEY] is None:
        msg = f"the service reports {reported or f'{at} null: the component has no geometry'}"
        raise RemoteError(msg)
    findings = [] if reported is None else [Finding("remote-errors", f"the service reports {reported}")]
    return _read_all(answer, answers.table(owner[_KEY], at), at, _name(owner), findings)


def _read_all(
    answer: Mapping[str, Any], node: Mapping[str, Any], path: str, name: str, findings: list[Finding]
) -> Properties:
    _check_status(node, path)
    found, absent = _read(node, path, findings)
    return answers.partial(
        "mfgdm", answer, found, absent | contract()["absent"],
        name=name, unit=contract()["length"]["unit"], findings=findings,
    )  # fmt: skip


def _name(owner: Mapping[str, Any]) -> str:
    """The name of an owner: plain text in v2, a property object in v3."""
    name = owner.get("name")
    if isinstance(name, Mapping):
        name = name.get("displayValue")
    return name if isinstance(name, str) else ""


def _check_status(node: Mapping[str, Any], path: str) -> None:
    """Raise unless the work is done; a client may not have asked for the status, and the service may leave it null."""
    status, words = node.get("status"), contract()["status"]
    at = f"{path}.status" if path else "status"
    if status is None and all(node.get(name) is None for name in ("boundingBox", *_PLAIN)):
        msg = f"{at} is {'null' if 'status' in node else 'missing'} and every property is null; ask again"
        raise Pending(msg)
    if status in words["waiting"]:
        msg = f"{at} is {status}: the service has not finished; ask again"
        raise Pending(msg)
    if status in words["failed"]:
        msg = f"{at} is {status}: the service gave up; asking again submits the work anew"
        raise RemoteError(msg)
    if status not in (None, words["done"]):
        known = ", ".join([words["done"], *words["waiting"], *words["failed"]])
        msg = f"{at} is {answers.shown(status)}, which is none of {known}"
        raise FormatError(msg)


def _read(
    node: Mapping[str, Any], path: str, findings: list[Finding]
) -> tuple[dict[str, Any], dict[str, str]]:
    found: dict[str, Any] = {}
    absent: dict[str, str] = {}
    dot = f"{path}." if path else ""
    for name in _PLAIN:
        found[name] = _quantity(name, node.get(name), dot + name, findings)
        absent[name] = _why(node, name)
    box = node.get("boundingBox")
    absent["bounding_box"] = _why(node, "boundingBox")
    if box is not None:
        sides = answers.table(box, f"{dot}boundingBox")
        found_sides = [_quantity(k, sides.get(k), f"{dot}boundingBox.{k}", findings) for k in _SIDES]
        length, width, height = found_sides
        if length and width and height:
            found["bounding_box"] = Box(None, None, length, width, height)
        missing = ", ".join(k for k, q in zip(_SIDES, found_sides, strict=True) if q is None)
        absent["bounding_box"] = f"the answer has the box without {missing}"
    return found, absent


def _why(node: Mapping[str, Any], key: str) -> str:
    """Why a property is None, if it is."""
    return (
        "the service answered null"
        if key in node
        else "the answer does not have it: the query did not select it"
    )


def _quantity(name: str, value: Any, path: str, findings: list[Finding]) -> Quantity | None:
    """One property in SI, by its number and by its text, which must not contradict each other."""
    if value is None:
        return None
    row = answers.table(value, path)
    plain, text = row.get("value"), row.get("displayValue")
    if isinstance(plain, str):
        plain, text = None, text if text is not None else plain
    if plain is None and text is None:
        return None
    unit = _unit(name, row, path, findings)
    by_number = by_text = None
    if plain is not None:
        by_number = answers.double(answers.number(plain, f"{path}.value"), unit, f"{path}.value")
    if text is not None:
        by_text = _displayed(text, unit, plain is None, f"{path}.displayValue")
    if by_number and by_text and answers.apart(by_number, by_text):
        msg = (
            f"{path} contradicts itself: value {plain!r}, displayValue {answers.shown(text)} in {unit.symbol}"
        )
        raise FormatError(msg)
    return by_number or by_text


def _displayed(text: Any, unit: Unit, alone: bool, path: str) -> Quantity:
    """A displayed number: the shortest text of a double, or rounded where a unit follows or the double is beside."""
    if not isinstance(text, str):
        msg = f"{path} must be text, got {answers.shown(text)}"
        raise FormatError(msg)
    value, half, label = answers.printed(text, path)
    if not label:
        return answers.rounded(value, unit, math.ulp(value) if alone else half, path)
    try:
        own = units.unit(label, unit.dimension)
    except UnitError as error:
        msg = f"{path} is {answers.shown(text)}: {error}"
        raise FormatError(msg) from error
    return answers.rounded(value, own, half, path)


def _unit(name: str, row: Mapping[str, Any], path: str, findings: list[Finding]) -> Unit:
    """The unit of a number: the one it is labelled with, and the API's own where the label cannot be right."""
    own = units.unit(contract()[name]["unit"])
    label = _label(row, path)
    if label is None or label == contract()[name]["unit_id"]:
        return own
    try:
        stated = units.unit(label)
    except UnitError:
        stated, what = own, "which is no unit known here"
    else:
        what = f"a unit of {stated.dimension}" if stated.dimension != own.dimension else ""
    if what:
        text = (
            f"{path} is labelled {label!r}, {what}; its number is taken in {own.symbol}, as the API states it"
        )
        evidence = {"property": name, "label": label, "used": own.symbol}
        findings.append(Finding("unit-mislabelled", text, evidence))
        return own
    return stated


def _label(row: Mapping[str, Any], path: str) -> str | None:
    """The name of the unit in a property's definition, its id where it has no name, None where it has neither."""
    for key in ("definition", "units"):
        inner = row.get(key)
        if inner is None:
            return None
        path = f"{path}.{key}"
        row = answers.table(inner, path)
    name = row.get("name", row.get("id"))
    if name is not None and not isinstance(name, str):
        msg = f"{path} must name its unit, got {answers.shown(name)}"
        raise FormatError(msg)
    return name
