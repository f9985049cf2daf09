"""STEP of exact shapes: Open CASCADE writes it, for STEP files in a process of its own."""

from __future__ import annotations

from typing import Any

from massproof import engines, isolation
from massproof.brep import Brep, Drawn
from massproof.errors import FormatError, UsageError
from massproof.formats import step as step_format
from massproof.mesh import Floats
from massproof.stepfile import Model


def step(
    geometry: Brep | Drawn, name: str, unit: str, turn: Floats, protocol: str = "AP214", created: str = ""
) -> tuple[bytes, int]:
    """STEP of a STEP file or CAD object, with its exact faces, and how many parts are placed in it.

    name, created : what the header tells, without a time now;  unit : of length;  turn : (4, 4) rotation of the whole
    protocol : as `formats.step.write` takes it

    Raises UsageError for another unit or protocol than can be written, FormatError for shapes that cannot be written
    or are placed mirrored or scaled, MissingExtra without Open CASCADE.
    """
    from massproof import occt_write

    if unit not in occt_write.UNITS:
        msg = f"exact STEP is written in {', '.join(occt_write.UNITS)}, not in {unit}; choose one of these"
        raise UsageError(msg)
    arguments: dict[str, Any] = {
        "unit": unit,
        "protocol": step_format.known(protocol),
        "turn": turn.tolist(),
        "name": name,
        "created": created,
    }
    if isinstance(geometry, Drawn):
        _require_rigid(geometry.model)
        parts = sum(len(one.part.placements) for one in engines.measured(geometry.model))
        return _again(geometry.model, arguments), parts
    return occt_write.of_objects(geometry, **arguments), len(geometry.solids or geometry.shells)


def _again(model: Model, arguments: dict[str, Any]) -> bytes:
    data = model.entities.data
    engines.require_open_cascade(model)
    return isolation.call_for_bytes(
        "massproof.occt_write:rewritten", data, isolation.limits(len(data)), **arguments
    )[1]


def _require_rigid(model: Model) -> None:
    """Refuse placements that Open CASCADE takes for others."""
    for one in model.parts:
        if one.part.mirrored.any() or (one.part.scale != 1).any():
            msg = (
                f"{one.part.name or 'a part'} (#{one.part.number}) is placed mirrored or scaled, which Open "
                "CASCADE cannot write again in STEP; write a mesh format, or apply it where the part was made"
            )
            raise FormatError(msg)
