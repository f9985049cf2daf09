"""Options of a conversion: InputFormat3d and OutputFormat3d, checked, and as `massproof.convert` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from massproof.dialects.zoo.forms import BODY, text, variant
from massproof.dialects.zoo.profiles import Profile, table
from massproof.dialects.zoo.shapes import contract
from massproof.errors import UsageError
from massproof.serving.web import Refused

Vector = tuple[int, int, int]

UNITLESS = ("stl", "obj", "ply")
FILES = {"gltf": "gltf", "glb": "glb", "obj": "obj", "ply": "ply", "step": "step", "stl": "stl"}  # suffixes
_KITTYCAD = {
    "forward": {"axis": "y", "direction": "negative"},
    "up": {"axis": "z", "direction": "positive"},
}
_KINDS = {
    "scene_by_index": "index",
    "mesh_by_index": "index",
    "scene_by_name": "name",
    "mesh_by_name": "name",
}


def checked(value: Any, side: str, profile: Profile) -> dict[str, Any]:
    """The options of one format as they were given, `side` being "input" or "output".

    Raises Refused, 400, for what is missing or no word of the profile; what there is beside is ignored, as by serde.
    """
    row = _mapping(value, "a map")
    words = table()[side]
    known = [name for name in words if name not in profile.without]
    name = variant(_needed(row, "type"), known, BODY)
    found: dict[str, Any] = {"type": name}
    for key, kind in words[name].items():
        if row.get(key) is not None:
            found[key] = _value(row[key], kind.removesuffix("!"), key, profile)
        elif kind.endswith("!"):
            _needed(row, key)
    return found


def _needed(row: Mapping[str, Any], name: str) -> Any:
    if row.get(name) is None:
        raise Refused(400, f"{BODY}missing field `{name}`")
    return row[name]


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused(400, f"{BODY}invalid type: {_type(value)}, expected {what}")
    return value


def _type(value: Any) -> str:
    """What serde calls a JSON value."""
    names = {type(None): "null", bool: "boolean", str: "string", list: "sequence", dict: "map"}
    return names.get(type(value), "number")


def _value(value: Any, kind: str, name: str, profile: Profile) -> Any:
    if kind == "system":
        return {side: _axis(_needed(_mapping(value, "struct System"), side)) for side in ("forward", "up")}
    if kind == "flag":
        if not isinstance(value, bool):
            raise Refused(400, f"{BODY}invalid type: {_type(value)}, expected a boolean")
        return value
    if kind == "time":
        return _time(value)
    if kind == "selection":
        return _selection(_mapping(value, "enum Selection"))
    return variant(value, profile.words(kind), BODY)


def _axis(value: Any) -> dict[str, str]:
    row = _mapping(value, "struct AxisDirectionPair")
    return {key: variant(_needed(row, key), table()["enums"][key], BODY) for key in ("axis", "direction")}


def _time(value: Any) -> str:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Refused(400, f"{BODY}input contains invalid characters: no time in RFC 3339") from error
    return str(value)


def _selection(row: Mapping[str, Any]) -> dict[str, Any]:
    kind = variant(_needed(row, "type"), table()["enums"]["selection"], BODY)
    if kind not in _KINDS:
        return {"type": kind}
    key = _KINDS[kind]
    value = _needed(row, key)
    if key == "name":
        return {"type": kind, key: text(value)}
    if type(value) is not int or not 0 <= value < 2**32:
        raise Refused(400, f"{BODY}invalid type: {_type(value)}, expected usize")
    return {"type": kind, key: value}


def unread(source: str) -> str:
    """Why a file of this format cannot be read, "" when it can."""
    known = contract()["formats"].values()
    if source in known:
        return ""
    return f"this server cannot read {source} files; export the part as one of {', '.join(sorted(known))}"


def conversion(source: Mapping[str, Any], target: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Options of the job that converts a file, from what `checked` returned, or a bare {"type": …} of each.

    Raises UsageError for what is asked and cannot be done.
    """
    kind, made = source["type"], target["type"]
    if why := unread(kind) or _undone(source, target):
        raise UsageError(why)
    theirs = {known: own for own, known in contract()["formats"].items()}
    suffix = "glb" if target.get("storage") == "binary" and made == "gltf" else FILES[made]
    found: dict[str, Any] = {"name": f"source.{suffix}", "format": theirs[kind]}
    if kind in UNITLESS:
        found["unit"] = source.get("units", profile.unit)
    if made not in ("gltf", "glb"):
        found["to_unit"] = target.get("units", profile.unit if made in UNITLESS else "m")
    found["up"], found["forward"] = axes(source.get("coords", _KITTYCAD), target.get("coords", _KITTYCAD))
    if made == "gltf":
        found |= {
            "storage": target.get("storage", "embedded"),
            "presentation": target.get("presentation", "compact"),
        }
    elif made != "step" and "storage" in target:
        found["storage"] = target["storage"]
    selection = target.get("selection", {})
    if selection.get("type", "").startswith("mesh_by"):
        found["mesh"] = selection["index"] if "index" in selection else selection["name"]
    if made == "step" and target.get("created"):
        found["created"] = target["created"]
    return found


def _undone(source: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    """What is asked and this server cannot do, "" for nothing."""
    exact = source["type"] == target["type"] == "step"
    asked = {
        "write FBX files; ask for gltf, glb, obj, ply, step or stl": target["type"] == "fbx",
        "split closed faces of STEP; leave out split_closed_faces": exact
        and source.get("split_closed_faces"),
        "write facets of STEP as STEP; leave out target_representation": (
            exact and source.get("target_representation") == "mesh"
        ),
        "write UUIDs into glTF; leave out include_uuids": target.get("include_uuids"),
        "tell scenes apart; ask for the default_scene or one mesh": _is_scene(
            target.get("selection", {}), source["type"] != "gltf"
        ),
    }
    return next((f"this server cannot {what}" for what, given in asked.items() if given), "")


def _is_scene(selection: Mapping[str, Any], single: bool) -> bool:
    """Whether a selection means a scene that may be another than the default; single : there is one only."""
    kind = selection.get("type", "")
    return bool(
        kind == "scene_by_name" or (kind == "scene_by_index" and not (single and selection["index"] == 0))
    )


def axes(source: Mapping[str, Any], target: Mapping[str, Any]) -> tuple[str, str]:
    """Where +z and −y of a file lie in what is written, as "+y" and "-z", when both are in systems of their own.

    Raises UsageError for a system whose up and forward lie along one axis.
    """
    old, new = _frame(source), _frame(target)

    def moved(vector: Vector) -> str:
        along = [sum(v * c for v, c in zip(vector, column, strict=True)) for column in old]
        sums = [sum(a * column[k] for a, column in zip(along, new, strict=True)) for k in range(3)]
        axis = next(k for k in range(3) if sums[k])
        return f"{'+' if sums[axis] > 0 else '-'}{'xyz'[axis]}"

    return moved((0, 0, 1)), moved((0, -1, 0))


def _frame(system: Mapping[str, Any]) -> tuple[Vector, Vector, Vector]:
    """Right, back and up of a system, right-handed."""
    (_, by, bz), (_, uy, uz) = (_vector(system[side]) for side in ("forward", "up"))
    if not by * uz - bz * uy:
        msg = "up and forward lie along one axis; name two, as up +z, forward −y"
        raise UsageError(msg)
    back, up = (0, -by, -bz), (0, uy, uz)
    return (back[1] * up[2] - back[2] * up[1], 0, 0), back, up


def _vector(pair: Mapping[str, str]) -> Vector:
    sign = 1 if pair["direction"] == "positive" else -1
    return (0, sign, 0) if pair["axis"] == "y" else (0, 0, sign)
