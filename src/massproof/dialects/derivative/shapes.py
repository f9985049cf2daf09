"""Mass properties as Model Derivative has them, written and read: texts among the properties of each object.

Three forms: the properties of objects ("19772.676 millimeter^2"), the same as numbers with units
("##94.172{mm}[3]{m}"), and entries of the viewer's property database. Places and words are in contract.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from massproof import answers, units
from massproof.errors import FormatError, Pending, RemoteError, UnitError, UsageError
from massproof.properties import Point, Properties, Quantity

_FORMS = ("text", "unit", "viewer")
_UNIT_FORM = re.compile(r"##(.*?)\{(.*?)\}\[(\d{1,2})\](?:\{.*?\})?")
_WORD = re.compile(r"[A-Za-z]+")


class _Entry(NamedTuple):
    """One property of an object, as the document has it."""

    category: str
    key: str
    value: Any
    unit: str | None  # where it is told apart from the value
    path: str


class _Object(NamedTuple):
    """One object of a document, and its entries that are of mass properties or name the material."""

    id: str
    name: str
    entries: list[_Entry]


def contract() -> dict[str, Any]:
    """The table of places, words and texts."""
    return answers.contract(__file__)


def emit(
    result: Properties,
    form: str = "text",
    query: bool = False,
    length: str | None = None,
    mass: str | None = None,
    object: int = 1,
    external_id: str = "",
) -> Any:
    """The properties of one object, rounded to the decimals that the vendor prints; what does not exist is left out.

    form : "text" as GET properties answers, "unit" for the numbers with units of properties:query,
        "viewer" for the list of entries in the viewer's property database, which are not rounded
    query : with the pagination of properties:query;  length, mass : the vendor's words for units ("inch", "lbmass")
    object, external_id : the ids of the object

    Raises UsageError for an unknown form or unit.
    """
    if form not in _FORMS:
        msg = f"unknown form {form!r}; use one of {', '.join(_FORMS)}"
        raise UsageError(msg)
    if form == "viewer":
        words = {"length": _word("length", length), "mass": _word("mass", mass)}
        return [_attribute(row, found, words) for row, found in _written(result, form)]
    properties = {"Name": result.source.name} | written(result, form, length, mass)
    one = {
        "objectid": object,
        "name": result.source.name,
        "externalId": external_id,
        "properties": properties,
    }
    data = {"data": {"type": contract()["type"]["collection"], "collection": [one]}}
    limit = contract()["limit"]["default"]
    return {"pagination": {"limit": limit, "offset": 0, "totalResults": 1}, **data} if query else data


def written(
    result: Properties, form: str = "text", length: str | None = None, mass: str | None = None
) -> dict[str, Any]:
    """The mass properties of one object by category and key; see `emit`."""
    words = {"length": _word("length", length), "mass": _word("mass", mass)}
    properties: dict[str, Any] = {}
    for row, found in _written(result, form):
        inner = properties.setdefault(row["category"], {}) if row["category"] else properties
        inner[row["key"]] = (
            _coordinates(found, words) if isinstance(found, Point) else _text(found, words, form)
        )
    return properties


def quantities(result: Properties) -> dict[str, Quantity]:
    """The numbers among what `written` writes, by category and key with a point between."""
    return {
        ".".join(filter(None, (row["category"], row["key"]))): found
        for row, found in _written(result, "unit")
    }


def vanishes(result: Properties) -> bool:
    """Whether an area, a volume or a mass that is there is printed as zero, since the vendor's decimals are few."""
    words = {"length": _word("length", None), "mass": _word("mass", None)}
    numbers = [_in_words(one, words)[0] for one in quantities(result).values()]
    return any(number and _decimals(number) == "0" for number in numbers)


def _written(result: Properties, form: str) -> list[tuple[Mapping[str, Any], Any]]:
    """Places of what there is, in a form."""
    places = [row for row in contract()["places"] if form in row["written"]]
    return [(row, found) for row in places if (found := getattr(result, row["property"])) is not None]


def _word(dimension: str, asked: str | None) -> str:
    known = contract()[f"{dimension}s" if dimension == "length" else "masses"]
    word: str = asked or contract()["defaults"][dimension]
    if word not in known:
        msg = f"unknown unit of {dimension} {word!r}; use one of {', '.join(known)}"
        raise UsageError(msg)
    return word


def _in_words(quantity: Quantity, words: Mapping[str, str]) -> tuple[float, str]:
    """A quantity as a number and the vendor's word for its unit."""
    dimension = quantity.unit.dimension
    power = {"area": "^2", "volume": "^3"}.get(dimension, "")
    word = words["mass" if dimension == "mass" else "length"] + power
    return quantity.to(_symbols(word)).value, word


def _decimals(value: float) -> str:
    """`value` to as many decimals as the vendor prints, without zeros at the end."""
    text = f"{value:.{contract()['decimals']['text']}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _text(quantity: Quantity, words: Mapping[str, str], form: str) -> str:
    value, word = _in_words(quantity, words)
    if form == "text":
        return f"{_decimals(value)} {word}"
    si = units.SYSTEMS["SI"][quantity.unit.dimension]
    return f"##{_decimals(value)}{{{_symbols(word)}}}[{contract()['decimals']['text']}]{{{si}}}"


def _coordinates(point: Point, words: Mapping[str, str]) -> str:
    symbol = _symbols(words["length"])
    return ", ".join(f"{_decimals(x)} {symbol}" for x in point.to(symbol))


def _attribute(row: Mapping[str, Any], quantity: Quantity, words: Mapping[str, str]) -> dict[str, Any]:
    value, word = _in_words(quantity, words)
    return {
        "attributeName": row["key"],
        "displayName": row["key"],
        "displayCategory": row["category"],
        "displayValue": value,
        "units": word,
        "type": contract()["viewer"]["number"],
        "precision": contract()["viewer"]["precision"],
    }


def sniff(document: Any) -> bool:
    """Whether `document` is a collection of properties, one object of it, or what the viewer knows of one."""
    if isinstance(document, list):
        return bool(document) and all(
            isinstance(x, Mapping) and (_is_attribute(x) or _is_object(x)) for x in document
        )
    if not isinstance(document, Mapping):
        return False
    data = document.get("data")
    kind = data.get("type") if isinstance(data, Mapping) else None
    return (
        kind == contract()["type"]["collection"] or _is_object(document) or _no_answer(document) is not None
    )


def _is_object(row: Mapping[str, Any]) -> bool:
    return "properties" in row and ("objectid" in row or "dbId" in row)


def _is_attribute(row: Mapping[str, Any]) -> bool:
    return {"attributeName", "displayCategory"} <= set(row)


def _no_answer(document: Mapping[str, Any]) -> str | None:
    """What the service says instead of an answer, "" when it only is not ready, None when it does answer."""
    if set(document) == set(contract()["pending"]) and document["result"] == contract()["pending"]["result"]:
        return ""
    return next((str(document[key]) for key in contract()["error"]["keys"] if key in document), None)


def parse(document: Any, object: int | str | None = None) -> Properties:
    """What the service answered about one object, as a partial result.

    document : an answer of properties or properties:query, its collection, one object, or entries of the viewer
    object : the objectid that is meant, where several objects have mass properties

    Intervals are half a unit of the last digit printed, or of the decimals stated; of the viewer's numbers, float32.
    Raises Pending while properties are being extracted, RemoteError for a diagnostic, FormatError for what is
    malformed or has no mass properties, UsageError when several objects have them and none is named.
    """
    everything = _objects(document)
    weighed = [one for one in everything if _relevant(one)]
    fitting = [one for one in weighed if object is None or one.id == str(object)]
    if not weighed:
        msg = f"none of {len(everything)} objects has mass properties: the authoring application saved none"
        raise FormatError(msg)
    if len(fitting) != 1:
        listed = ", ".join(f"{one.id} ({one.name})" if one.name else one.id for one in weighed)
        msg = f"{len(weighed)} objects have mass properties; name one with object=: {listed}"
        raise UsageError(msg)
    return _result(document, fitting[0])


def parse_objects(document: Any) -> dict[str, tuple[str, Properties]]:
    """Every object that has mass properties: objectid, as text → (name, result). Raises what `parse` raises."""
    out: dict[str, tuple[str, Properties]] = {}
    for one in _objects(document):
        if _relevant(one):
            if one.id in out:
                msg = f"two objects have the objectid {one.id!r}: of one file each has its own"
                raise FormatError(msg)
            out[one.id] = one.name, _result(document, one)
    return out


def _objects(document: Any) -> list[_Object]:
    if isinstance(document, Mapping) and (said := _no_answer(document)) is not None:
        if not said:
            msg = "the properties are being extracted: ask again"
            raise Pending(msg)
        msg = f"the service reports {said}"
        raise RemoteError(msg)
    rows, path = document, ""
    if isinstance(document, Mapping) and "data" in document:
        path = "data.collection"
        rows = answers.table(document["data"], "data").get("collection")
    elif isinstance(document, Mapping):
        return [_object(document, "the answer")]
    if not isinstance(rows, list):
        msg = f"{path or 'the answer'} must be a list of objects, got {answers.shown(rows)}"
        raise FormatError(msg)
    if rows and all(isinstance(row, Mapping) and _is_attribute(row) for row in rows):
        return [_Object("", "", _kept(_attributes(rows, path)))]
    return [_object(row, f"{path}[{k}]") for k, row in enumerate(rows)]


def _object(value: Any, path: str) -> _Object:
    row = answers.table(value, path)
    listed, at = row.get("properties"), f"{path}.properties"
    entries = _attributes(listed, at) if isinstance(listed, list) else _flat(answers.table(listed, at), at)
    name = row.get("name")
    known = str(row.get("objectid", row.get("dbId", "")))
    return _Object(known, name if isinstance(name, str) else "", _kept(entries))


def _flat(properties: Mapping[str, Any], path: str) -> Iterator[_Entry]:
    for key, value in properties.items():
        if isinstance(value, Mapping):
            yield from (_Entry(key, k, v, None, f"{path}.{key}.{k}") for k, v in value.items())
        else:
            yield _Entry("", key, value, None, f"{path}.{key}")


def _attributes(listed: list[Any], path: str) -> Iterator[_Entry]:
    for k, one in enumerate(listed):
        row = answers.table(one, f"{path}[{k}]")
        unit = row.get("units")
        key, category = (str(row.get(name) or "") for name in ("attributeName", "displayCategory"))
        yield _Entry(
            category, key, row.get("displayValue"), unit if isinstance(unit, str) else None, f"{path}[{k}]"
        )


@cache
def _places() -> frozenset[tuple[str, str]]:
    return frozenset((row["category"], row["key"]) for row in contract()["places"])


def _kept(entries: Iterable[_Entry]) -> list[_Entry]:
    """Those that are of mass properties or name the material, and hold something."""
    material = contract()["material"]["key"]
    return [
        e for e in entries if ((e.category, e.key) in _places() or e.key == material) and e.value is not None
    ]


def _relevant(one: _Object) -> bool:
    return any((entry.category, entry.key) in _places() for entry in one.entries)


def _result(document: Any, one: _Object) -> Properties:
    found: dict[str, Any] = {}
    absent: dict[str, str] = dict(contract()["absent"])
    lengths: list[str] = []
    for row in contract()["places"]:
        for entry in one.entries:
            if (entry.category, entry.key) != (row["category"], row["key"]):
                continue
            if entry.value in contract()["unknown"]["texts"]:
                absent[row["property"]] = f"{entry.path} is {entry.value}"
                continue
            value, word = _read(row["property"], entry)
            lengths.append(word)
            found[row["property"]] = _agreed(found.get(row["property"]), value, entry.path)
    key = contract()["material"]["key"]
    material = [entry.value for entry in one.entries if entry.key == key and isinstance(entry.value, str)]
    return answers.partial(
        "derivative", document, found, absent, name=one.name or one.id, unit=_length(lengths),
        provenance={"material": material[0]} if material else {},
    )  # fmt: skip


def _length(words: list[str]) -> str:
    found = [units.unit(word) for word in words]
    spatial = (u for u in found if u.dimension in ("length", "area", "volume"))
    return answers.length_of(next(spatial, "m"))


def _agreed(known: Any, value: Any, path: str) -> Any:
    """The first of two values that an object has of one property, which must not contradict each other."""
    if known is not None and answers.apart(known, value):
        msg = f"{path} is {value!r}, and another place of the object says {known!r}"
        raise FormatError(msg)
    return value if known is None else known


def _read(name: str, entry: _Entry) -> tuple[Quantity | Point, str]:
    """A property in SI, and the unit that it is written in."""
    if name == "center_of_mass":
        return _point(entry)
    if isinstance(entry.value, str):
        return _number(entry.value, name, entry)
    unit = _unit(entry.unit, name, entry)
    return answers.single(answers.number(entry.value, entry.path), unit, entry.path), unit.symbol


def _point(entry: _Entry) -> tuple[Point, str]:
    parts = entry.value.split(",") if isinstance(entry.value, str) else []
    if len(parts) != 3:
        msg = f"{entry.path} must be three lengths with a comma between, got {answers.shown(entry.value)}"
        raise FormatError(msg)
    (x, word), (y, _), (z, _) = (_number(part, "length", entry) for part in parts)
    return Point(x, y, z), word


def _number(text: str, dimension: str, entry: _Entry) -> tuple[Quantity, str]:
    """A number with its unit, in either form, and the unit."""
    match = _UNIT_FORM.fullmatch(text.strip())
    value, half, label = answers.printed(match[1] if match else text, entry.path)
    if match:  # the decimals are stated; zeros at the end are left out
        half, label = answers.last_digit(value, int(match[3])), match[2]
    unit = _unit(label or entry.unit, dimension, entry)
    return answers.rounded(value, unit, half, entry.path), unit.symbol


def _unit(label: str | None, dimension: str, entry: _Entry) -> units.Unit:
    if not label:
        msg = f"{entry.path} has no unit: {answers.shown(entry.value)}"
        raise FormatError(msg)
    try:
        return units.unit(_symbols(label), dimension)
    except UnitError as error:
        msg = f"{entry.path}: {error}"
        raise FormatError(msg) from error


def _symbols(label: str) -> str:
    """A unit in the vendor's words, such as "millimeter^2", with our symbols for them."""
    known = contract()["lengths"] | contract()["masses"]
    return _WORD.sub(lambda match: known.get(match[0], match[0]), label)
