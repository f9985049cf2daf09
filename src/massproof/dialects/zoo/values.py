"""What an endpoint answers of a measured file: in the frame of the service, with the density or mass that was given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from massproof import units
from massproof.dialects.zoo.shapes import contract, emit
from massproof.properties import Box, Point, Properties, Quantity

Turn = tuple[tuple[int, int], ...]  # of each new axis: which old one, and its sign

STRAIGHT: Turn = ((0, 1), (1, 1), (2, 1))
UPRIGHT: Turn = ((0, 1), (2, -1), (1, 1))  # from +y up, as glTF is, to +z up: (x, −z, y)
LYING: Turn = ((0, 1), (2, 1), (1, -1))  # from +z up to +y up: (x, z, −y)

_LEAST = 1e-30  # kg or kg/m³, as `measure` has it


def turn(src_format: str, up: str) -> Turn:
    """From coordinates of a file to those of a service whose `up` is y or z."""
    first, then = UPRIGHT if src_format == "gltf" else STRAIGHT, LYING if up == "y" else STRAIGHT
    return tuple((first[axis][0], first[axis][1] * sign) for axis, sign in then)


def turned(result: Properties, turn: Turn, upright: Turn) -> Properties:
    """The result with its centre in one frame and its box in another."""
    centre, box = result.center_of_mass, result.bounding_box
    return replace(
        result,
        center_of_mass=centre and Point(*_along(centre, turn)),
        bounding_box=box and _box(box, upright),
    )


def _along(point: Point, turn: Turn) -> list[Quantity]:
    old = tuple(point)
    return [old[axis] if sign > 0 else _negative(old[axis]) for axis, sign in turn]


def _negative(quantity: Quantity) -> Quantity:
    low, high = quantity.interval
    return replace(quantity, value=0.0 - quantity.value, interval=(0.0 - high, 0.0 - low))


def _box(box: Box, turn: Turn) -> Box:
    assert box.min
    assert box.max
    ends = []
    for low, high, (_, sign) in zip(_along(box.min, turn), _along(box.max, turn), turn, strict=True):
        ends.append((low, high) if sign > 0 else (high, low))
    sides = (box.length, box.width, box.height)
    return Box(
        Point(*(low for low, _ in ends)),
        Point(*(high for _, high in ends)),
        *(sides[axis] for axis, _ in turn),
    )


def weighed(result: Properties, name: str, value: float, unit: str) -> Properties:
    """The result of a part of one density, or of one mass: the other follows from its volume.

    name : "density" or "mass", which `value` is
    """
    own = units.unit(unit)
    si = units.SYSTEMS["SI"]
    given = Quantity(value, own, (value, value)).to(si[name])
    other = "mass" if name == "density" else "density"
    volume = result.volume
    made = None
    if volume:
        low, high = volume.interval
        factor = given.value
        value = volume.value * factor if other == "mass" else factor / volume.value
        ends = (low * factor, high * factor) if other == "mass" else (factor / high, _over(factor, low))
        bounds = math.nextafter(ends[0], -math.inf), math.nextafter(ends[1], math.inf)
        made = Quantity(value, units.unit(si[other]), bounds)
    absent = {key: why for key, why in result.absent.items() if key != name}
    absent[other] = result.absent.get("volume", "")
    if made:
        del absent[other]
    fields: dict[str, Any] = {name: given, other: made}
    return replace(result, absent=absent, **fields)


def _over(a: float, b: float) -> float:
    return a / b if b > 0 else math.inf


def refusal(name: str, value: float, unit: str) -> str:
    """Why a part cannot have this density or mass, "" when it can."""
    text = f"material_{name}"
    if not value > 0:
        return f"{text} must be greater than zero, got {value!r} {unit}; give the {name} of the part"
    if not _LEAST < units.unit(unit).to(units.unit(units.SYSTEMS["SI"][name]), value) < 1 / _LEAST:
        return (
            f"{text} of {value!r} {unit} is none that a part can have; give it between 1e-30 and 1e30 in SI"
        )
    return ""


def answer(result: Properties, name: str, echo: Mapping[str, Any], up: str) -> tuple[Any, str]:
    """What the endpoint `name` answers and "", or None and why there is nothing to answer.

    echo : src_format, output_unit and, where the endpoint takes them, material_density or material_mass and its unit
    """
    row = contract()["endpoints"][name]
    source, spelled = echo["src_format"], {row["dimension"]: echo["output_unit"]}
    result = turned(result, turn(source, up), turn(source, "z"))
    if "given" in row:
        unit = echo[f"{row['given']}_unit"]
        result = weighed(result, row["given_property"], echo[row["given"]], unit)
        spelled[row["given_property"]] = unit
    (found,) = emit(result, [name], spelled, source)
    value = found.get(name)
    if value is None:
        return None, found["error"]
    if not _finite(value):
        return None, f"the {name} is too large to be written in {echo['output_unit']}; ask for a larger unit"
    return value, ""


def _finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_finite(one) for one in value.values())
    return math.isfinite(value)
