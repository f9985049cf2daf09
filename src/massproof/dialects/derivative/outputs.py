"""What a translation is asked to make, and the jobs that make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from massproof.dialects.derivative import tables
from massproof.serving import weighing
from massproof.serving.web import Refused

NAME = "part"  # of what is written: an OBJ names its library, so the name is part of the content
_VIEWS = ("svf", "svf2")

Options = dict[str, Any]


class Output(NamedTuple):
    """One format that was asked for.

    advanced : its options, as asked for;  jobs : kind and options of each job
    """

    type: str
    advanced: dict[str, Any]
    jobs: list[tuple[str, Options]]


def sources(mode: str) -> Mapping[str, list[str]]:
    """Suffixes of sources by format of output."""
    found: Mapping[str, list[str]] = tables.service()["matrix"][mode]
    return found


def outputs(asked: Mapping[str, Any], suffix: str, mode: str, given: Options) -> list[Output]:
    """What the `output` of a request asks for.

    suffix : of the source, without its point;  mode : "strict" or "extended";  given : options of measuring it

    Raises Refused: 400 for what means nothing, 406 for what cannot be made of such a source.
    """
    formats = asked.get("formats")
    if (
        not isinstance(formats, list)
        or not formats
        or len(formats) > len(tables.service()["output"]["types"])
    ):
        raise Refused(400, "output.formats must be a list of one or more formats.")
    found = [_output(one, suffix, mode, given) for one in formats]
    if len({one.type for one in found}) < len(found):
        raise Refused(400, "output.formats has the same type twice.")
    return found


def picture(size: int, given: Options) -> tuple[str, Options]:
    """Kind and options of the job that draws a thumbnail."""
    unit = {"unit": given["unit"]} if "unit" in given else {}
    return "thumbnail", {"size": size, **unit}


def _output(one: Any, suffix: str, mode: str, given: Options) -> Output:
    kind = str(one.get("type")) if isinstance(one, Mapping) else ""
    types = tables.service()["output"]["types"]
    if kind not in types:
        raise Refused(400, f"output.formats: the type {kind[:40]!r} is none of {', '.join(types)}.")
    if suffix not in sources(mode).get(kind, []):
        what = ", ".join(sources(mode).get(kind, [])) or "nothing"
        raise Refused(
            406, f"{kind} cannot be made of {suffix or 'a file without a suffix'}; it can of {what}."
        )
    advanced = _advanced(one)
    return Output(kind, advanced, _MADE[kind](one, advanced, given))


def _advanced(one: Mapping[str, Any]) -> dict[str, Any]:
    """Options, whether they are nested once, as clients send them, or twice, as one document has them."""
    outer = one.get("advanced") or {}
    inner = outer.get("advanced") or {} if isinstance(outer, Mapping) else None
    if not isinstance(inner, Mapping):
        raise Refused(400, "output.formats.advanced must be an object.")
    return {
        key: value for key, value in {**outer, **inner}.items() if key != "advanced" and value is not None
    }


def _views(one: Mapping[str, Any], advanced: Options, given: Options) -> list[tuple[str, Options]]:
    known = tables.service()["output"]["views"]
    views = one.get("views") or ["3d"]
    if not isinstance(views, list) or not all(view in known for view in views):
        raise Refused(400, f"output.formats.views must be a list of {', '.join(known)}.")
    if "3d" not in views:
        raise Refused(406, "There are no views in two dimensions of such a source; ask for 3d.")
    sizes = tables.service()["output"]["sizes"]
    return [(weighing.KIND, given), *(picture(size, given) for size in sizes)]


def _thumbnail(one: Mapping[str, Any], advanced: Options, given: Options) -> list[tuple[str, Options]]:
    sizes = tables.service()["output"]["sizes"]
    wide, high = (_one_of(advanced, name, sizes, sizes[0]) for name in ("width", "height"))
    return [picture(max(wide, high), given)]


def _stl(one: Mapping[str, Any], advanced: Options, given: Options) -> list[tuple[str, Options]]:
    storage = _one_of(advanced, "format", ["binary", "ascii"], "binary")
    _one_of(advanced, "exportColor", [True, False], True)
    return [_conversion("stl", {"storage": storage} | _structure(advanced), given)]


def _obj(one: Mapping[str, Any], advanced: Options, given: Options) -> list[tuple[str, Options]]:
    units = tables.service()["units"]
    unit = _one_of(advanced, "unit", list(units), "millimeter")
    return [_conversion("obj", {"to_unit": units[unit]} | _structure(advanced), given)]


def wanted(output: Output) -> list[int]:
    """Ids of the objects that an OBJ shall have, none for all; raises Refused for what are none."""
    ids = output.advanced.get("objectIds", [-1]) if output.type == "obj" else [-1]
    if not isinstance(ids, list) or not ids or not all(isinstance(id, int) for id in ids):
        raise Refused(400, "advanced.objectIds must be a list of objectids, or [-1].")
    if ids == [-1]:
        return []
    if not isinstance(output.advanced.get("modelGuid"), str):
        raise Refused(400, "advanced.objectIds need the modelGuid of their view.")
    return ids


def of_some(output: Output, objects: list[list[Any]], count: int) -> Output:
    """The same of some objects, as the job takes them."""
    ((kind, options),) = output.jobs
    return output._replace(jobs=[(kind, {**options, "objects": objects, "of": count})])


def _step(one: Mapping[str, Any], advanced: Options, given: Options) -> list[tuple[str, Options]]:
    protocols = tables.service()["protocols"]
    protocol = _one_of(advanced, "applicationProtocol", list(protocols), "214")
    tolerance = advanced.get("tolerance", 0.001)  # exact shapes stay exact, so any is met
    if not isinstance(tolerance, (int, float)) or isinstance(tolerance, bool) or not 0 < tolerance < 1e9:
        raise Refused(400, "advanced.tolerance must be a number greater than zero.")
    return [_conversion("step", {"protocol": protocols[protocol]}, given)]


def _conversion(suffix: str, options: Options, given: Options) -> tuple[str, Options]:
    unit = {"unit": given["unit"]} if "unit" in given else {}
    return "conversion", {"name": f"{NAME}.{suffix}", **options, **unit}


def _structure(advanced: Options) -> Options:
    """One file, or one of each part."""
    structure = _one_of(advanced, "exportFileStructure", ["single", "multiple"], "single")
    return {} if structure == "single" else {"structure": structure}


def _one_of(advanced: Options, name: str, known: list[Any], default: Any) -> Any:
    """An option of a few values; numbers and texts may stand for each other."""
    value = advanced.get(name, default)
    found = next((one for one in known if str(one).lower() == str(value).lower()), None)
    if found is None:
        raise Refused(
            400, f"advanced.{name} must be one of {', '.join(map(str, known))}, not {str(value)[:40]!r}."
        )
    return found


_MADE: dict[str, Callable[[Mapping[str, Any], Options, Options], list[tuple[str, Options]]]] = {
    "svf": _views,
    "svf2": _views,
    "thumbnail": _thumbnail,
    "stl": _stl,
    "obj": _obj,
    "step": _step,
}
