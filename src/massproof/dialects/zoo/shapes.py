"""Answers of Zoo's file endpoints, written and read: volume, mass, density, surface area, centre of mass, box.

Each endpoint answers one property, so a result is a list of answers. Words and units are in contract.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from massproof import answers, units
from massproof.errors import FormatError, Pending, RemoteError, UsageError
from massproof.properties import Box, Point, Properties, Quantity

_NOBODY = str(UUID(int=0))


def contract() -> dict[str, Any]:
    """The table of endpoints, units and formats."""
    return answers.contract(__file__)


def emit(
    result: Properties,
    endpoints: Iterable[str] | None = None,
    spelling: Mapping[str, str] | None = None,
    src_format: str | None = None,
    operation: bool = False,
    id: str = _NOBODY,
    user_id: str = _NOBODY,
    at: str | None = None,
) -> list[dict[str, Any]]:
    """The answers of the file endpoints, one each; that of what does not exist has failed and says why.

    endpoints : of volume, surface_area, center_of_mass, mass, density, bounding_box; without it those that can be
        asked: of mass where a density is known, of density where a mass is
    spelling : units by dimension, in the API's words: {"volume": "cm3", "density": "lb:ft3"}
    src_format : one of the import formats, which are fewer than ours;  operation : as an operation
    id, user_id : UUIDs, nil where nobody asked;  at : when, in RFC 3339

    Raises UsageError for an unknown endpoint or unit, and when the format is none that the API imports.
    """
    known = contract()["endpoints"]
    chosen = _askable(result) if endpoints is None else list(endpoints)
    for name in chosen:
        if name not in known:
            msg = f"unknown endpoint {name!r}; use some of {', '.join(known)}"
            raise UsageError(msg)
    spelled, source = _spelled(spelling or {}), _format(result, src_format)
    at = at or contract()["times"]["unknown"]
    head = {"id": id, "created_at": at, "started_at": at, "completed_at": at, "user_id": user_id}
    return [_answer(result, name, spelled, head, source, operation) for name in chosen]


def _askable(result: Properties) -> list[str]:
    rows = contract()["endpoints"].items()
    return [name for name, row in rows if "given" not in row or getattr(result, row["given_property"])]


def _spelled(chosen: Mapping[str, str]) -> dict[str, str]:
    """The unit of each dimension; raises UsageError for what the API has no word for."""
    known = contract()["units"]
    for dimension, spelling in chosen.items():
        if spelling not in known.get(dimension, ()):
            words = ", ".join(known[dimension]) if dimension in known else f"dimensions {', '.join(known)}"
            msg = f"unknown unit of {dimension} {spelling!r}; use one of {words}"
            raise UsageError(msg)
    return {**contract()["defaults"], **chosen}


def _format(result: Properties, asked: str | None) -> str:
    own, known = result.source.format, contract()["import_formats"]["names"]
    name = str(asked or contract()["formats"].get(own))
    if name not in known:
        others = ", ".join(known)
        msg = f"this API does not import {asked or own}; convert the file to, or name as src_format, one of {others}"
        raise UsageError(msg)
    return name


def _answer(
    result: Properties, name: str, spelled: Mapping[str, str], head: Mapping[str, str], source: str, operation: bool
) -> dict[str, Any]:  # fmt: skip
    row, words = contract()["endpoints"][name], contract()["status"]
    written: dict[str, Any] = {**head, "status": words["done"], "updated_at": head["created_at"]}
    if operation or row.get("operation"):
        written["type"] = row["type"]
    written["src_format"] = source
    if "given" in row:
        unit = spelled[row["given_property"]]
        given = getattr(result, row["given_property"])
        written |= {row["given"]: given.to(unit).value if given else 0.0, f"{row['given']}_unit": unit}
    unit = spelled[row["dimension"]]
    value = _value(getattr(result, row["property"]), unit)
    if value is not None:
        written[name] = value
    else:
        why = result.absent.get(row["property"], "not known")
        written |= {"status": words["failed"], "error": why}
    return written | {"output_unit": unit}


def _value(found: Quantity | Point | Box | None, unit: str) -> Any:
    """A property as the endpoint answers it, None where it does not exist."""
    if found is None or (isinstance(found, Box) and None in (found.min, found.max)):
        return None
    if isinstance(found, Quantity):
        return found.to(unit).value
    if isinstance(found, Point):
        return dict(zip("xyz", found.to(unit), strict=True))
    low, high = (corner.to(unit) for corner in (found.min, found.max) if corner)
    sides = (q.to(unit).value for q in (found.length, found.width, found.height))
    middle = (a + (b - a) / 2 for a, b in zip(low, high, strict=True))
    return {
        "center": dict(zip("xyz", middle, strict=True)),
        "dimensions": dict(zip("xyz", sides, strict=True)),
    }


def sniff(document: Any) -> bool:
    """Whether `document` is an answer of a file endpoint, its operation, an error, or a list of such."""
    if isinstance(document, list):
        return bool(document) and all(isinstance(one, Mapping) and sniff(one) for one in document)
    if not isinstance(document, Mapping):
        return False
    return _is_error(document) or "output_unit" in document or {"id", "status", "created_at"} <= set(document)


def _is_error(document: Mapping[str, Any]) -> bool:
    return "status" not in document and {"message", "request_id"} <= set(document)


def parse(document: Any) -> Properties:
    """What the service answered, as a partial result.

    document : an answer of one of the six endpoints, the operation that holds it, or a list of such about one part

    The centre is in the frame that the service answered in, which is not always the file's: docs/dialects.md.
    A density or mass that a request gave is taken where no answer has it; `provenance` says so.
    Raises Pending when one is on its way, RemoteError when all have failed, FormatError for what is malformed.
    """
    found: dict[str, Any] = {}
    absent: dict[str, str] = dict(contract()["absent"])
    given: dict[str, tuple[Quantity, str]] = {}
    failed, spelled = [], []
    for path, answer in _listed(document):
        error = _failure(answer, path)
        name = _endpoint(answer, path, error)
        row = contract()["endpoints"][name]
        given |= _given(row, answer, path)
        value, why = (None, f"the service reports: {error}") if error else _value_of(name, answer, path)
        if value is not None and row["property"] in found:
            msg = f"{path}: two answers have the {name}; give those of one part, each once"
            raise FormatError(msg)
        if value is not None:
            found[row["property"]] = value
            spelled.append(answer["output_unit"])
        else:
            absent[row["property"]] = why
        failed += [error] if error else []
    if failed and not found:
        msg = f"the service reports: {'; '.join(dict.fromkeys(failed))}"
        raise RemoteError(msg)
    taken = {k: v for k, v in given.items() if k not in found}
    return answers.partial(
        "zoo", document, found | {k: q for k, (q, _) in taken.items()}, absent, unit=_length(spelled),
        provenance={f"{k}_source": f"{word} of the request" for k, (_, word) in taken.items()},
    )  # fmt: skip


def parse_objects(document: Any) -> dict[str, tuple[str, Properties]]:
    """The one object that answers are about, whose id and name they do not tell. Raises what `parse` raises."""
    return {"": ("", parse(document))}


def _listed(document: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Each answer, and where it is."""
    if not isinstance(document, list):
        return [("the answer", answers.table(document, "the answer"))]
    if not document:
        msg = "the list of answers is empty; give at least one"
        raise FormatError(msg)
    return [(f"[{k}]", answers.table(one, f"[{k}]")) for k, one in enumerate(document)]


def _failure(answer: Mapping[str, Any], path: str) -> str | None:
    """What an answer says about its failure, None when it is complete; raises Pending when it is neither."""
    if _is_error(answer):
        code = answer.get("error_code")
        msg = f"the service reports {f'{code}: ' if code else ''}{answer['message']}"
        raise RemoteError(msg)
    status, words = answer.get("status"), contract()["status"]
    if status in words["waiting"]:
        msg = f"{path}.status is {status}: ask GET /async/operations/{answer.get('id')} for the result"
        raise Pending(msg)
    if status == words["failed"]:
        return str(answer.get("error") or "failed, without saying why")
    if status != words["done"]:
        known = ", ".join([words["done"], *words["waiting"], words["failed"]])
        msg = f"{path}.status is {answers.shown(status)}, which is none of {known}"
        raise FormatError(msg)
    return None


def _endpoint(answer: Mapping[str, Any], path: str, error: str | None) -> str:
    """The endpoint that an answer is of: by the type of an operation, by its fields, by its unit."""
    rows = contract()["endpoints"]
    kind = answer.get("type")
    if kind is not None:
        fitting = [name for name, row in rows.items() if row["type"] == kind]
    else:
        fitting = [name for name, row in rows.items() if name in answer or row.get("given") in answer]
    if (
        kind is None and not fitting
    ):  # it failed: its unit tells, as lengths are the centre's but for operations
        plain = {name: row for name, row in rows.items() if not row.get("operation")}
        fitting = [name for name, row in plain.items() if answer.get("output_unit") in _words(row)]
    if len(fitting) == 1:
        return str(fitting[0])
    if error is not None:
        msg = f"the service reports: {error}"
        raise RemoteError(msg)
    what = f"type {answers.shown(kind)}" if kind is not None else f"fields {', '.join(answer)}"
    msg = f"{path} has {what}, and no one of {', '.join(rows)}: it is no answer about mass properties"
    raise FormatError(msg)


def _words(row: Mapping[str, Any]) -> list[str]:
    words: list[str] = contract()["units"][row["dimension"]]
    return words


def _given(row: Mapping[str, Any], answer: Mapping[str, Any], path: str) -> dict[str, tuple[Quantity, str]]:
    """The density or mass that a request gave; 0, which is what the API makes of none, is none."""
    key = str(row.get("given"))
    value = answers.number(answer[key], f"{path}.{key}") if answer.get(key) is not None else 0.0
    if not value:
        return {}
    unit = _unit(answer, f"{key}_unit", contract()["units"][row["given_property"]], path)
    return {row["given_property"]: (answers.double(value, unit, f"{path}.{key}"), key)}


def _unit(answer: Mapping[str, Any], key: str, known: list[str], path: str) -> str:
    unit = answer.get(key)
    if unit not in known:
        msg = f"{path}.{key} is {answers.shown(unit)}, which is none of {', '.join(known)}"
        raise FormatError(msg)
    return str(unit)


def _value_of(name: str, answer: Mapping[str, Any], path: str) -> tuple[Any, str]:
    """The property of an answer in SI, or None and why."""
    value = answer.get(name)
    if value is None:
        return None, f"the service completed and answered no {name}"
    row, at = contract()["endpoints"][name], f"{path}.{name}"
    unit = _unit(answer, "output_unit", _words(row), path)
    if row["property"] == "bounding_box":
        return _box(answers.table(value, at), unit, at), ""
    if row["property"] == "center_of_mass":
        return Point(*(answers.single(x, unit, at) for x in _xyz(value, at))), ""
    return answers.double(answers.number(value, at), unit, at), ""


def _xyz(value: Any, path: str) -> list[float]:
    row = answers.table(value, path)
    return [answers.number(row.get(k), f"{path}.{k}") for k in "xyz"]


def _box(value: Mapping[str, Any], unit: str, path: str) -> Box:
    """A box from its centre and its dimensions, each declared as float32."""
    middle, size = (_xyz(value.get(key), f"{path}.{key}") for key in ("center", "dimensions"))
    corners = [
        Point(*(
            answers.rounded(c + side * d / 2, unit, answers.half_single(c) + answers.half_single(d), path)
            for c, d in zip(middle, size, strict=True)
        ))
        for side in (-1, 1)
    ]  # fmt: skip
    length, width, height = (answers.single(d, unit, path) for d in size)
    return Box(corners[0], corners[1], length, width, height)


def _length(spelled: list[str]) -> str:
    """The length unit of the answers, else the one whose power they are in."""
    order = list(contract()["units"])  # lengths, areas, volumes
    found = sorted((units.unit(word) for word in spelled), key=lambda u: order.index(u.dimension))
    return answers.length_of(found[0]) if found else "m"
