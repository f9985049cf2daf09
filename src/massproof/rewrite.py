"""STEP of exact shapes: Open CASCADE writes it, for STEP files in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from massproof import engines, isolation
from massproof.brep import Brep, Drawn
from massproof.errors import FormatError, UsageError
from massproof.formats import step as step_format
from massproof.groups import SURFACE
from massproof.mesh import Floats
from massproof.scene import Occurrence
from massproof.selection import meshes
from massproof.stepfile import Model


def step(
    geometry: Brep | Drawn,
    name: str,
    unit: str,
    turn: Floats,
    protocol: str = "AP214",
    created: str = "",
    *,
    roots: Sequence[Occurrence] | None = None,
) -> tuple[bytes, int]:
    """STEP of a STEP file or CAD object, with its exact faces, and how many parts are placed in it.

    roots : some of the tree of a STEP file, which alone are written; None: all of it

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
        "name": name,
        "created": created,
    }
    if isinstance(geometry, Drawn):
        _require_rigid(geometry.model, roots)
        parts = sum(len(one.part.placements) for one in engines.measured(geometry.model))
        if roots is None:
            return _again("rewritten", geometry.model, arguments | {"turn": turn.tolist()}), parts
        told = {"tree": [_told(geometry.model, one, turn) for one in roots]}
        return _again("selected", geometry.model, arguments | told), len(meshes(roots))
    return occt_write.of_objects(geometry, turn=turn.tolist(), **arguments), len(
        geometry.solids or geometry.shells
    )


def _told(model: Model, node: Occurrence, turn: Floats) -> list[Any]:
    """A node of a tree as `occt_write.selected` takes it, whose leaves stand in the frame of the whole."""
    solids: list[int] = []
    shells: list[int] = []
    if node.definition is not None:
        shown = engines.measured(model)[node.definition]
        position = np.cumsum(
            model.entities.rows[:, 0] >= 0
        )  # of rows among the instances of the file, from 1 on
        solids, shells = (
            position[some].tolist() for some in engines.rows(model, shown, shown.part.kind != SURFACE)
        )
    matrix = node.matrix if node.definition is None else turn @ node.matrix
    return [node.name, matrix.tolist(), solids, shells, [_told(model, one, turn) for one in node.children]]


def _again(way: str, model: Model, arguments: dict[str, Any]) -> bytes:
    data = model.entities.data
    engines.require_open_cascade(model)
    return isolation.call_for_bytes(
        f"massproof.occt_write:{way}", data, isolation.limits(len(data)), **arguments
    )[1]


def _require_rigid(model: Model, roots: Sequence[Occurrence] | None) -> None:
    """Refuse placements that Open CASCADE takes for others."""
    shown = engines.measured(model)
    some = [(one.part, slice(None)) for one in model.parts]
    if roots is not None:
        leaves = meshes(roots).values()
        some = [(shown[one.definition or 0].part, slice(one.place, one.place + 1)) for one in leaves]
    for part, places in some:
        if part.mirrored[places].any() or (part.scale[places] != 1).any():
            msg = (
                f"{part.name or 'a part'} (#{part.number}) is placed mirrored or scaled, which Open "
                "CASCADE cannot write again in STEP; write a mesh format, or apply it where the part was made"
            )
            raise FormatError(msg)
