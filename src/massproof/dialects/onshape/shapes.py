"""Onshape's mass properties, written and read: the one service that states a minimum and a maximum for each number.

An assembly's answer is one body; that of a part or a part studio has bodies by part id. Names are in contract.toml.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from massproof import answers, units
from massproof.errors import FormatError, RemoteError, UsageError
from massproof.properties import Finding, Inertia, Point, Principal, Properties, Quantity

_ENTRIES = ("xx", "xy", "zx", "xy", "yy", "yz", "zx", "yz", "zz")  # of the symmetric tensor, row by row
_DIMENSIONS = {
    "area": "area",
    "volume": "volume",
    "mass": "mass",
    "center_of_mass": "length",
    "inertia": "inertia",
}
_SKEW = 1e-6  # a unit vector, or a symmetric tensor, of a service that prints 15 digits is far closer to it than this


def contract() -> dict[str, Any]:
    """The table of names."""
    return answers.contract(__file__)


def emit(result: Properties, object: str | None = None, assembly: bool = False) -> dict[str, Any]:
    """The answer of a part or part studio, in which the result is the one body; with `assembly` that of an assembly.

    object : id of the part; without it the key that stands for all bodies

    A property that does not exist is left out. Without a mass there is no centroid either: a part without material.
    """
    body = _body(result)
    if assembly:
        return body
    return {contract()["fields"]["bodies"]: {object or contract()["all"]["key"]: body}}


def _body(result: Properties) -> dict[str, Any]:
    names, mass = contract()["fields"], result.mass
    body: dict[str, Any] = {}
    if result.volume:
        body[names["volume"]] = _triple([result.volume])
        if result.area:
            body[names["area"]] = _triple([result.area])
    body |= {names["has_mass"]: mass is not None, names["missing"]: int(mass is None)}
    if mass is None:
        return body
    body[names["mass"]] = _triple([mass])
    if result.center_of_mass:
        body[names["center_of_mass"]] = _triple(list(result.center_of_mass))
    if result.inertia:
        body[names["inertia"]] = _triple([getattr(result.inertia, k) for k in _ENTRIES])
    if result.principal and result.principal.moments:
        body[names["moments"]] = [q.value for q in result.principal.moments]
        body[names["axes"]] = [dict(zip("xyz", axis, strict=True)) for axis in result.principal.axes]
    return body


def _triple(quantities: list[Quantity]) -> list[float]:
    """All values, then all minima, then all maxima; what is not bounded ends where doubles do."""
    most = sys.float_info.max
    rows = [(q.value, *(min(max(bound, -most), most) for bound in q.interval)) for q in quantities]
    return [row[k] for k in range(3) for row in rows]


def sniff(document: Any) -> bool:
    """Whether `document` is an answer with bodies, one body, or an error of this service."""
    if not isinstance(document, Mapping):
        return False
    names = contract()["fields"]
    return (
        isinstance(document.get(names["bodies"]), Mapping)
        or not {names["has_mass"], names["missing"], names["area"], names["moments"]}.isdisjoint(document)
        or set(contract()["error"]["keys"]) <= set(document)
    )


def parse(document: Any, object: str | None = None) -> Properties:
    """What the service answered, as a partial result; the intervals are the service's own.

    document : the answer of a part, part studio or assembly, or one body of it
    object : id of the part that is meant; without it all bodies as one, or the only one

    Raises RemoteError for an error, FormatError for what is malformed, UsageError when several bodies are there and
    none is named.
    """
    answer = answers.table(document, "the answer")
    bodies = _bodies(answer)
    name = object or (contract()["all"]["key"] if len(bodies) > 1 else next(iter(bodies)))
    if name not in bodies:
        msg = f"the answer has {len(bodies)} bodies; name one with object=: {', '.join(bodies)}"
        raise UsageError(msg)
    return _result(document, answer, name, answers.table(bodies[name], f"bodies.{name}"))


def parse_objects(document: Any) -> dict[str, tuple[str, Properties]]:
    """Every body of an answer: part id → (part id, result). Raises what `parse` raises."""
    return {name: (name, parse(document, name)) for name in _bodies(answers.table(document, "the answer"))}


def _bodies(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    bodies = answer.get(contract()["fields"]["bodies"])
    if set(contract()["error"]["keys"]) <= set(answer):
        msg = f"the service reports {answers.shown(answer['message'])}"
        raise RemoteError(msg)
    if bodies is None:
        if not sniff(answer):
            msg = f"the answer has no bodies and no mass properties: it holds {answers.shown(answer)}"
            raise FormatError(msg)
        return {contract()["all"]["key"]: answer}
    if not answers.table(bodies, "bodies"):
        msg = (
            "the service answered no bodies: the part studio or assembly has none, or the part id is unknown"
        )
        raise RemoteError(msg)
    return answers.table(bodies, "bodies")


def _result(document: Any, answer: Mapping[str, Any], name: str, body: Mapping[str, Any]) -> Properties:
    names, path = contract()["fields"], f"bodies.{name}"
    read = {
        field: _bounded(
            body, names[field], dimension, path, {"center_of_mass": 3, "inertia": 9}.get(field, 1)
        )
        for field, dimension in _DIMENSIONS.items()
    }
    found: dict[str, Any] = {
        k: rows[0] for k, rows in read.items() if rows and k in ("area", "volume", "mass")
    }
    absent = dict(contract()["absent"])
    if not (found.get("volume") and found["volume"].value > 0):
        found.pop("area", None)
    findings: list[Finding] = []
    if _has_mass(body, path, findings):
        if read["center_of_mass"]:
            found["center_of_mass"] = Point(*read["center_of_mass"])
        if read["inertia"]:
            found["inertia"] = _inertia(read["inertia"], f"{path}.{names['inertia']}")
        found["principal"] = _principal(body, found.get("mass"), read["inertia"], path)
    else:
        found.pop("mass", None)
        why = f"{names['has_mass']} is false: no part has a material"
        absent |= dict.fromkeys(("mass", "center_of_mass", "inertia", "principal"), why)
    version = answer.get(names["version"])
    provenance = {"microversion": version} if isinstance(version, str) else {}
    return answers.partial(
        "onshape", document, found, absent, name=name, findings=findings, provenance=provenance
    )


def _has_mass(body: Mapping[str, Any], path: str, findings: list[Finding]) -> bool:
    """Whether the body has a mass; parts that do not count in it are a finding."""
    names = contract()["fields"]
    has, missing = body.get(names["has_mass"], True), body.get(names["missing"], 0)
    if not isinstance(has, bool) or not isinstance(missing, int) or isinstance(missing, bool):
        what = answers.shown({k: body.get(k) for k in (names["has_mass"], names["missing"])})
        msg = f"{path} must have {names['has_mass']} true or false and count parts in {names['missing']}, got {what}"
        raise FormatError(msg)
    if missing:
        text = f"parts without a material, which mass, centre and inertia leave out: {missing}"
        findings.append(Finding("mass-missing", text, {"parts": missing}))
    return has


def _bounded(body: Mapping[str, Any], key: str, dimension: str, path: str, count: int) -> list[Quantity]:
    """The quantities of a field, none where it is missing or null; without bounds what they leave open is not known."""
    if body.get(key) is None:
        return []
    path = f"{path}.{key}"
    listed = answers.numbers(body[key], path)
    if len(listed) not in (count, 3 * count):
        msg = f"{path} must have {count} or {3 * count} numbers (values, minima, maxima), got {len(listed)}"
        raise FormatError(msg)
    si = units.unit(units.SYSTEMS["SI"][dimension])
    if len(listed) == count:
        return [_unbounded(value, si, path) for value in listed]
    out = []
    for k, value in enumerate(listed[:count]):
        low, high = listed[count + k], listed[2 * count + k]
        if not low <= value <= high:
            msg = f"{path}: value {value!r} is not between its minimum {low!r} and its maximum {high!r}"
            raise FormatError(msg)
        out.append(Quantity(value, si, (low, high), {answers.BOUNDS: max(value - low, high - value)}))
    return out


def _unbounded(value: float, si: units.Unit, path: str) -> Quantity:
    found = answers.double(value, si, path)
    return Quantity(found.value, si, found.interval, {**found.budget, answers.BOUNDS: None})


def _inertia(rows: list[Quantity], path: str) -> Inertia:
    """The six entries of a tensor of nine, which must be symmetric."""
    scale = max(abs(q.value) for q in rows)
    for k, mirrored in ((1, 3), (2, 6), (5, 7)):
        if abs(rows[k].value - rows[mirrored].value) > _SKEW * scale:
            msg = f"{path} must be a symmetric tensor, row by row, got {[q.value for q in rows]}"
            raise FormatError(msg)
    return Inertia(**dict(zip(_ENTRIES, rows, strict=True)))


def _principal(
    body: Mapping[str, Any], mass: Quantity | None, tensor: list[Quantity], path: str
) -> Principal | None:
    """Axes and moments, ascending. Only the tensor is bounded: by its norm its eigenvalues move at most (Weyl)."""
    names = contract()["fields"]
    if body.get(names["moments"]) is None or body.get(names["axes"]) is None or not mass or mass.value <= 0:
        return None
    at = f"{path}.{names['moments']}"
    listed = _bounded({at: body[names["moments"]]}, at, "inertia", path, 3)
    widths = [q.budget[answers.BOUNDS] for q in tensor] or [None]
    if None not in widths:
        listed = [_widened(q, math.hypot(*(w or 0.0 for w in widths))) for q in listed]
    axes = _axes(body[names["axes"]], f"{path}.{names['axes']}")
    order = sorted(range(3), key=lambda k: listed[k].value)
    one, two, three = (listed[k] for k in order)
    return Principal(
        _right_handed([axes[k] for k in order]),
        (_radius(one, mass), _radius(two, mass), _radius(three, mass)),
        (one, two, three),
    )


def _widened(quantity: Quantity, half: float) -> Quantity:
    low, high = quantity.interval
    bounds = math.nextafter(low - half, -math.inf), math.nextafter(high + half, math.inf)
    return Quantity(quantity.value, quantity.unit, bounds, {answers.BOUNDS: half})


def _axes(value: Any, path: str) -> list[tuple[float, float, float]]:
    if not isinstance(value, list) or len(value) != 3:
        msg = f"{path} must be three vectors, got {answers.shown(value)}"
        raise FormatError(msg)
    out = []
    for k, one in enumerate(value):
        row = answers.table(one, f"{path}[{k}]")
        x, y, z = (answers.number(row.get(name), f"{path}[{k}].{name}") for name in "xyz")
        if abs(math.hypot(x, y, z) - 1) > _SKEW:
            msg = f"{path}[{k}] must be a unit vector, got one of length {math.hypot(x, y, z):g}"
            raise FormatError(msg)
        out.append((x, y, z))
    return out


def _right_handed(axes: list[tuple[float, float, float]]) -> tuple[tuple[float, float, float], ...]:
    """The axes, the last turned round where they are left-handed: live answers are."""
    (a, b, c), (d, e, f), (x, y, z) = axes
    volume = x * (b * f - c * e) + y * (c * d - a * f) + z * (a * e - b * d)
    return (axes[0], axes[1], axes[2] if volume > 0 else (-x, -y, -z))


def _radius(moment: Quantity, mass: Quantity) -> Quantity:
    """The radius of gyration √(I/m)."""
    (low, high), (light, heavy) = moment.interval, mass.interval
    value = math.sqrt(max(moment.value, 0.0) / mass.value)
    least = math.nextafter(math.sqrt(max(low, 0.0) / heavy), 0.0)
    most = math.nextafter(math.sqrt(max(high, 0.0) / light), math.inf) if light > 0 else math.inf
    return Quantity(
        value, units.unit("m"), (least, most), {"mass and inertia": max(most - value, value - least)}
    )
