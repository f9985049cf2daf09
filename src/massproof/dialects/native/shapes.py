"""Our own JSON, written and read back, so that a saved report can be one side of a comparison.

In SI what is read is what was measured, number by number; in other units it is as wide as the rounding between them.
The form has the corners of the box as bare numbers: read back, each may be off by as much as the longer side may.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from massproof import answers, units
from massproof.errors import FormatError, RemoteError, UnitError, UsageError
from massproof.files import Digest
from massproof.properties import (
    SCHEMA_VERSION,
    Box,
    Finding,
    Inertia,
    Point,
    Principal,
    Properties,
    Quantity,
    Source,
    Verdict,
)

_PLAIN = ("area", "volume", "density", "mass")
_SIDES = ("length", "width", "height")


def emit(result: Properties, units: str = "SI") -> dict[str, Any]:
    """`result.to_dict(units=units)`, as docs/schema/native-1.json describes it."""
    written: dict[str, Any] = result.to_dict(units=units)
    return written


def sniff(document: Any) -> bool:
    """Whether `document` is a report of ours, or a list of such."""
    if isinstance(document, list):
        return bool(document) and all(isinstance(one, Mapping) and sniff(one) for one in document)
    if not isinstance(document, Mapping) or not {"schema_version", "source"} <= set(document):
        return False
    return "properties" in document or "error" in document


def parse(document: Any, object: str | None = None) -> Properties:
    """The result that a report holds.

    object : the name of the source that is meant, where a report has several

    Raises FormatError for what is malformed or of another version, RemoteError when the report is of a file that
    could not be measured, UsageError when several results are there and none is named.
    """
    reports = _reports(document)
    names = [str(answers.table(one.get("source"), f"{path}source").get("name")) for path, one in reports]
    fitting = [k for k, name in enumerate(names) if object in (None, name)]
    if len(fitting) != 1:
        msg = f"the report is of {len(reports)} sources; name one with object=: {', '.join(names)}"
        raise UsageError(msg)
    path, report = reports[fitting[0]]
    return _result(report, path)


def parse_objects(document: Any) -> dict[str, tuple[str, Properties]]:
    """Every result of a report by the name of its source; files that could not be measured are left out."""
    out: dict[str, tuple[str, Properties]] = {}
    for path, report in _reports(document):
        if "error" not in report:
            found = _result(report, path)
            if found.source.name in out:
                msg = (
                    f"{path}source.name {found.source.name!r} is there twice; compare its reports one by one"
                )
                raise FormatError(msg)
            out[found.source.name] = found.source.name, found
    return out


def _reports(document: Any) -> list[tuple[str, Mapping[str, Any]]]:
    if isinstance(document, list):
        return [(f"[{k}].", answers.table(one, f"[{k}]")) for k, one in enumerate(document)]
    return [("", answers.table(document, "the report"))]


def _result(report: Mapping[str, Any], path: str) -> Properties:
    if report.get("schema_version") != SCHEMA_VERSION:
        msg = f"{path}schema_version is {answers.shown(report.get('schema_version'))}, and {SCHEMA_VERSION!r} is read"
        raise FormatError(msg)
    source = answers.table(report.get("source"), f"{path}source")
    if "error" in report:
        error = answers.table(report["error"], f"{path}error")
        msg = f"the report says that {source.get('name')} was not measured: {error.get('message')}"
        raise RemoteError(msg)
    texts = {k: _text(source, k, f"{path}source") for k in ("name", "format", "sha256", "unit")}
    properties = answers.table(report.get("properties"), f"{path}properties")
    absent = _texts(report, "absent", path)
    return Properties(
        Source(texts["name"], texts["format"], Digest(known=texts["sha256"]), texts["unit"]),
        _verdict(report, path),
        tuple(_findings(report, path)),
        _text(report, "method", path.removesuffix(".") or "the report"),
        _texts(report, "provenance", path),
        **_quantities(properties, f"{path}properties"),
        absent=absent,
    )


def _text(row: Mapping[str, Any], key: str, path: str) -> str:
    if not isinstance(row.get(key), str):
        msg = f"{path}.{key} must be text, got {answers.shown(row.get(key))}"
        raise FormatError(msg)
    return str(row[key])


def _texts(row: Mapping[str, Any], key: str, path: str) -> dict[str, str]:
    inner = answers.table(row.get(key), f"{path}{key}")
    return {name: _text(inner, name, f"{path}{key}") for name in inner}


def _verdict(report: Mapping[str, Any], path: str) -> Verdict:
    try:
        return Verdict(str(report.get("verdict")))
    except ValueError as error:
        msg = (
            f"{path}verdict is {answers.shown(report.get('verdict'))}, which is none of {', '.join(Verdict)}"
        )
        raise FormatError(msg) from error


def _findings(report: Mapping[str, Any], path: str) -> list[Finding]:
    listed = report.get("findings")
    if not isinstance(listed, list):
        msg = f"{path}findings must be a list, got {answers.shown(listed)}"
        raise FormatError(msg)
    out = []
    for k, one in enumerate(listed):
        at = f"{path}findings[{k}]"
        row = answers.table(one, at)
        evidence = dict(answers.table(row.get("evidence"), f"{at}.evidence"))
        out.append(Finding(_text(row, "code", at), _text(row, "message", at), evidence))
    return out


def _quantities(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Every property by its field name in `Properties`."""
    found: dict[str, Any] = {name: _quantity(row.get(name), name, f"{path}.{name}") for name in _PLAIN}
    for field, key, reader in (
        ("center_of_mass", "centerOfMass", _point),
        ("bounding_box", "boundingBox", _box),
        ("inertia", "inertia", _inertia),
        ("principal", "principal", _principal),
    ):
        value = row.get(key)
        found[field] = (
            None if value is None else reader(answers.table(value, f"{path}.{key}"), f"{path}.{key}")
        )
    return found


def _quantity(value: Any, dimension: str, path: str) -> Quantity | None:
    return None if value is None else _known(value, dimension, path)


def _known(value: Any, dimension: str, path: str) -> Quantity:
    """A quantity, in SI; a bound that is null is infinite."""
    row = answers.table(value, path)
    definition = answers.table(row.get("definition"), f"{path}.definition")
    at = f"{path}.definition.units"
    symbol = _text(answers.table(definition.get("units"), at), "id", at)
    try:
        own = units.unit(symbol, dimension)
    except UnitError as error:
        msg = f"{at}.id: {error}"
        raise FormatError(msg) from error
    bounds = row.get("interval")
    if not isinstance(bounds, list) or len(bounds) != 2:
        msg = f"{path}.interval must be two numbers or nulls, got {answers.shown(bounds)}"
        raise FormatError(msg)
    low, high = (
        end if bound is None else answers.number(bound, f"{path}.interval")
        for bound, end in zip(bounds, (-math.inf, math.inf), strict=True)
    )
    number = answers.number(row.get("value"), f"{path}.value")
    if not low <= number <= high:
        msg = f"{path}.value {number!r} is not in its interval [{low!r}, {high!r}]"
        raise FormatError(msg)
    budget = answers.table(row.get("budget"), f"{path}.budget")
    sizes = {k: None if v is None else answers.number(v, f"{path}.budget.{k}") for k, v in budget.items()}
    return _in_si(Quantity(number, own, (low, high), sizes))


def _in_si(quantity: Quantity) -> Quantity:
    """In SI; from another unit a unit of the last place wider, which the conversion into it may have cost."""
    si = units.unit(units.SYSTEMS["SI"][quantity.unit.dimension])
    if quantity.unit.factor == si.factor:
        return Quantity(quantity.value, si, quantity.interval, quantity.budget)
    return quantity.to(si)


def _point(row: Mapping[str, Any], path: str) -> Point:
    x, y, z = (_known(row.get(k), "length", f"{path}.{k}") for k in "xyz")
    return Point(x, y, z)


def _box(row: Mapping[str, Any], path: str) -> Box:
    sides = [_known(row.get(k), "length", f"{path}.{k}") for k in _SIDES]
    length = answers.table(answers.table(row["length"], path)["definition"], path)["units"]["id"]
    corners = [_corner(row.get(k), sides, length, f"{path}.{k}") for k in ("min", "max")]
    return Box(corners[0], corners[1], *sides)


def _corner(value: Any, sides: list[Quantity], unit: str, path: str) -> Point | None:
    """A corner of the box, whose coordinates may be off by as much as the sides."""
    if value is None:
        return None
    found = answers.numbers(value, path)
    if len(found) != 3:
        msg = f"{path} must be three numbers, got {len(found)}"
        raise FormatError(msg)
    own = units.unit(unit)
    out = []
    for x, side in zip(found, sides, strict=True):
        half = max(side.value - side.interval[0], side.interval[1] - side.value)
        at = _in_si(Quantity(x, own, (math.nextafter(x, -math.inf), math.nextafter(x, math.inf))))
        low, high = (math.nextafter(at.interval[k] + s * half, s * math.inf) for k, s in ((0, -1), (1, 1)))
        out.append(Quantity(at.value, at.unit, (low, high), side.budget))
    return Point(*out)


def _inertia(row: Mapping[str, Any], path: str) -> Inertia:
    return Inertia(*(_known(row.get(k), "inertia", f"{path}.{k}") for k in Inertia.__slots__))


def _principal(row: Mapping[str, Any], path: str) -> Principal:
    radii = _three(row.get("radiiOfGyration"), "length", f"{path}.radiiOfGyration")
    moments = row.get("moments")
    return Principal(
        _axes(row.get("axes"), f"{path}.axes"),
        radii,
        None if moments is None else _three(moments, "inertia", f"{path}.moments"),
    )


def _three(value: Any, dimension: str, path: str) -> tuple[Quantity, Quantity, Quantity]:
    if not isinstance(value, list) or len(value) != 3:
        msg = f"{path} must be three quantities, got {answers.shown(value)}"
        raise FormatError(msg)
    one, two, three = (_known(x, dimension, f"{path}[{k}]") for k, x in enumerate(value))
    return one, two, three


def _axes(value: Any, path: str) -> tuple[tuple[float, float, float], ...]:
    rows = [
        answers.numbers(row, f"{path}[{k}]") for k, row in enumerate(value if isinstance(value, list) else ())
    ]
    if len(rows) != 3 or any(len(row) != 3 for row in rows):
        msg = f"{path} must be three rows of three numbers, got {answers.shown(value)}"
        raise FormatError(msg)
    return tuple((x, y, z) for x, y, z in rows)
