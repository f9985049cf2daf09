"""The part of Zoo's OpenAPI document that is served here, made of the same tables that requests are read by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from massproof.dialects.zoo import conversions
from massproof.dialects.zoo.profiles import Profile, table
from massproof.dialects.zoo.shapes import contract
from massproof.version import __version__

Schema = dict[str, Any]

_NUMBER: Schema = {"type": "number", "format": "double"}
_POINT: Schema = {
    "type": "object",
    "required": ["x", "y", "z"],
    "properties": dict.fromkeys("xyz", _NUMBER),
}
_BOX: Schema = {
    "type": "object", "required": ["center", "dimensions"], "properties": {"center": _POINT, "dimensions": _POINT},
}  # fmt: skip
_SHAPES = {"center_of_mass": _POINT, "bounding_box": _BOX}
_FILE: Schema = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_UUID: Schema = {"type": "string", "format": "uuid"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_TEXT: Schema = {"type": "string"}
_OUTPUTS: Schema = {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}}


def document(profile: Profile) -> dict[str, Any]:
    """OpenAPI 3.0 of what a profile serves."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Zoo API, served by massproof", "version": f"{__version__}, {profile.name}"},
        "paths": {
            **_files(profile),
            **_conversions(profile),
            **_operations(profile),
            **_units(profile),
            **_texts(profile),
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _object({"message": _TEXT, "request_id": _TEXT}, {"error_code": _TEXT})},
        },
        "security": [{"bearer": []}],
    }  # fmt: skip


def _object(needed: Mapping[str, Any], more: Mapping[str, Any] | None = None, open: bool = False) -> Schema:
    """An object; open : of a request, in which what is not known is ignored."""
    return {
        "type": "object",
        "required": list(needed),
        "properties": {**needed, **(more or {})},
        "additionalProperties": open,
    }


def _words(words: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(words)}


def _parameter(name: str, schema: Schema, needed: bool = False, where: str = "query") -> dict[str, Any]:
    return {"name": name, "in": where, "required": needed or where == "path", "schema": schema}


def _operation(
    status: int, schema: Schema | None, parameters: Iterable[Any] = (), body: Schema | None = None
) -> Any:
    content = {"application/json": {"schema": schema}}
    schema_of_error = {"$ref": "#/components/schemas/Error"}
    error = {"description": "error", "content": {"application/json": {"schema": schema_of_error}}}
    answers = {
        str(status): {"description": "answer", **({"content": content} if schema else {})},
        "4XX": error,
        "5XX": error,
    }
    return {
        "parameters": list(parameters),
        "responses": answers,
        **({"requestBody": {"required": True, "content": body}} if body else {}),
    }


def _call(needed: Mapping[str, Any], more: Mapping[str, Any], typed: Iterable[str] = ()) -> Schema:
    """The answer to a call: the fields that all have, and its own."""
    head = {"id": _UUID, "created_at": _TIME, "updated_at": _TIME, "user_id": _UUID}
    head["status"] = _words(table()["enums"]["state"])
    kind = {"type": _words(typed)} if typed else {}
    return _object(
        {**head, **kind, **needed}, {"started_at": _TIME, "completed_at": _TIME, "error": _TEXT, **more}
    )


def _answer(name: str, profile: Profile, typed: bool = False) -> Schema:
    row = contract()["endpoints"][name]
    needed = {
        "src_format": _words(profile.words("import")),
        "output_unit": _words(profile.words(row["dimension"])),
    }
    if "given" in row:
        needed |= {
            row["given"]: _NUMBER,
            f"{row['given']}_unit": _words(profile.words(row["given_property"])),
        }
    return _call(needed, {name: _SHAPES.get(name, _NUMBER)}, [row["type"]] if typed else [])


def _files(profile: Profile) -> dict[str, Any]:
    found = {}
    for name, row in contract()["endpoints"].items():
        if name in profile.without:
            continue
        parameters = [_parameter("src_format", _words(profile.words("import")), True)]
        if "given" in row:
            parameters += [
                _parameter(row["given"], _NUMBER, True),
                _parameter(f"{row['given']}_unit", _words(profile.words(row["given_property"]))),
            ]
        parameters.append(_parameter("output_unit", _words(profile.words(row["dimension"]))))
        found[f"/file/{name.replace('_', '-')}"] = {
            "post": _operation(201, _answer(name, profile), parameters, _FILE)
        }
    return found


def _converted(profile: Profile, typed: bool = False) -> Schema:
    words = {"src_format": _words(profile.words("import")), "output_format": _words(profile.words("export"))}
    more = {
        "src_format_options": {"type": "object"},
        "output_format_options": {"type": "object"},
        "outputs": _OUTPUTS,
    }
    return _call(words, more, ["file_conversion"] if typed else [])


def _conversions(profile: Profile) -> dict[str, Any]:
    path = [
        _parameter("src_format", _words(profile.words("import")), where="path"),
        _parameter("output_format", _words(profile.words("export")), where="path"),
    ]
    plain = {
        "/file/conversion/{src_format}/{output_format}": {
            "post": _operation(201, _converted(profile), path, _FILE)
        }
    }
    if "conversion_with_options" in profile.without:
        return plain
    asked = {"src_format": _sides("input", profile), "output_format": _sides("output", profile)}
    parts = {"body": _object(asked, open=True), "file": {"type": "string", "format": "binary"}}
    form = {"multipart/form-data": {
        "schema": _object(parts, open=True),
        "encoding": {"body": {"contentType": "application/json"}},
    }}  # fmt: skip
    return plain | {"/file/conversion": {"post": _operation(201, _converted(profile), (), form)}}


def _sides(side: str, profile: Profile) -> Schema:
    """The options of each format of one side."""
    rows = table()[side].items()
    return {"oneOf": [_options(name, row, profile) for name, row in rows if name not in profile.without]}


def _options(name: str, row: Mapping[str, str], profile: Profile) -> Schema:
    kinds = {key: _kind(kind.removesuffix("!"), profile) for key, kind in row.items()}
    needed = {key: kinds[key] for key, kind in row.items() if kind.endswith("!")}
    rest = {key: one for key, one in kinds.items() if key not in needed}
    return _object({"type": _words([name])} | needed, rest, True)


def _kind(kind: str, profile: Profile) -> Schema:
    if kind == "system":
        enums = table()["enums"]
        pair = _object({key: _words(enums[key]) for key in ("axis", "direction")}, open=True)
        return _object({"forward": pair, "up": pair}, open=True)
    if kind == "selection":
        return {"oneOf": [_selected(word) for word in table()["enums"]["selection"]]}
    plain = {"flag": {"type": "boolean"}, "time": _TIME}
    return plain.get(kind) or _words(profile.words(kind))


def _selected(word: str) -> Schema:
    key = word.partition("_by_")[2]
    value = {"index": {"type": "integer", "minimum": 0}, "name": _TEXT}
    return _object({"type": _words([word])} | ({key: value[key]} if key else {}), open=True)


def _operations(profile: Profile) -> dict[str, Any]:
    enums = table()["enums"]
    page = [
        _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 2**32 - 1}),
        _parameter("page_token", _TEXT),
        _parameter("sort_by", _words(enums["order"])),
        _parameter("status", _words(enums["state"])),
    ]
    kinds = [row["type"] for row in contract()["endpoints"].values()] + ["file_conversion", "text_to_cad"]
    more = {"input": {}, "output": {}, "worker": _TEXT, "attempts": {"type": "integer"}}
    items = _object({"items": {"type": "array", "items": _call({}, more, kinds)}}, {"next_page": _TEXT})
    answers = [
        _answer(name, profile, True) for name in contract()["endpoints"] if name not in profile.without
    ]
    one = {"oneOf": [*answers, _converted(profile, True), _text(profile, True)]}
    return {
        "/async/operations": {"get": _operation(200, items, page)},
        "/async/operations/{id}": {"get": _operation(200, one, [_parameter("id", _UUID, where="path")])},
        "/ping": {"get": {**_operation(200, _object({"message": _TEXT})), "security": []}},
    }


def _units(profile: Profile) -> dict[str, Any]:
    found = {}
    for kind in conversions.kinds():
        words = _words(conversions.words(kind, profile))
        sides = [_parameter(name, words, where="path") for name in ("input_unit", "output_unit")]
        answer = _call({"input": _NUMBER, "input_unit": words, "output_unit": words}, {"output": _NUMBER})
        found[f"/unit/conversion/{kind}/{{input_unit}}/{{output_unit}}"] = {
            "get": _operation(200, answer, [*sides, _parameter("value", _NUMBER, True)])
        }
    return found


def _text(profile: Profile, typed: bool) -> Schema:
    enums = table()["enums"]
    needed: Schema = {"prompt": _TEXT, "output_format": _words(enums["export"]), "model_version": _TEXT}
    long = profile.prompts == "long"
    if long:
        needed |= {"model": _words(["cad", "kcl", "kcl_iteration"]), "conversation_id": _UUID}
    more = {"feedback": _words(enums["feedback"]), "outputs": _OUTPUTS}
    return _call(needed, more, ["text_to_cad"] if typed else [])


def _texts(profile: Profile) -> dict[str, Any]:
    enums, typed = table()["enums"], profile.prompts == "long"
    page = [_parameter("limit", {"type": "integer", "minimum": 1}), _parameter("page_token", _TEXT),
            _parameter("sort_by", _words(enums["order"])), _parameter("conversation_id", _UUID)]  # fmt: skip
    whole = _object({"items": {"type": "array", "items": _text(profile, typed)}}, {"next_page": _TEXT})
    id = _parameter("id", _UUID, where="path")
    said = _parameter("feedback", _words(enums["feedback"]), True)
    found = {
        "/user/text-to-cad": {"get": _operation(200, whole, page)},
        "/user/text-to-cad/{id}": {
            "get": _operation(200, _text(profile, typed), [id]),
            "post": _operation(204, None, [id, said]),
        },
    }
    if "text_to_cad" in profile.without:
        return found
    prompt = {
        "application/json": {
            "schema": _object({"prompt": _TEXT}, {"project_name": {"type": "string", "nullable": True}}, True)
        }
    }
    form = _parameter("output_format", _words(enums["export"]), where="path")
    flag = _parameter("kcl", {"type": "boolean"})
    return found | {
        "/ai/text-to-cad/{output_format}": {
            "post": _operation(201, _text(profile, False), [form, flag], prompt)
        }
    }
