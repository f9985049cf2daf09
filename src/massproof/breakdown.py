"""What a file is put together from: each part and sub-assembly once with its properties, and where each is used."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from massproof.errors import FormatError
from massproof.properties import Properties

SCHEMA_VERSION = "1"

Matrix = tuple[tuple[float, float, float, float], ...]

_KEYS = {"name", "number", "material", "children", "properties"}


@dataclass(frozen=True, slots=True)
class Use:
    """An occurrence of a definition in its parent."""

    id: str  # unique within its parent, "u0", "u1", … in the order of the file
    name: str  # that the file gives this occurrence, else that of the definition
    part: str  # id of the definition
    # 4 × 4, r → matrix·r from the frame of the definition to that of its parent, translation in metres: a rotation
    # and a shift, in files that mirror or scale parts times a mirror and a uniform scale k; volume grows by k³ then.
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class Part:
    """A definition: a part or a sub-assembly, in its own frame."""

    id: str  # "d0", "d1", … in order of first appearance from the root downwards: the same for the same bytes
    name: str
    properties: Properties
    children: tuple[Use, ...] = ()  # () of a part
    number: str | None = None  # part number: the identifier of its product, None where the file has none
    material: str | None = None  # as the file calls it, None where it names none or several


@dataclass(frozen=True, slots=True)
class Assembly:
    """All definitions of a file by their id; the root is the whole file."""

    root: str
    parts: Mapping[str, Part]

    @property
    def whole(self) -> Part:
        """The root."""
        return self.parts[self.root]

    def counts(self) -> dict[str, int]:
        """How often each definition stands in the whole, by its id; the root once."""
        found = dict.fromkeys(self.parts, 0)
        found[self.root] = 1
        for part in reversed(_ordered(self.parts)):
            for use in self.parts[part].children:
                found[use.part] += found[part]
        return found

    def filled(self, other: Assembly) -> Assembly:
        """The same; where neither a part nor anything in it has a density, as `other` has it, of the same file."""
        known: dict[str, bool] = {}
        for key in _ordered(self.parts):  # a part before what it is used in
            part = self.parts[key]
            inner = any(known[use.part] for use in part.children)
            known[key] = inner or part.properties.density is not None
        parts = {key: part if known[key] else other.parts[key] for key, part in self.parts.items()}
        return Assembly(self.root, parts)

    def walk(self) -> Iterator[tuple[int, Use | None, Part]]:
        """Every definition below each other one it is used in, from the root: depth, the use, the definition.

        The uses of a definition are walked where it appears first: a file can place more than there is memory for.
        """
        seen: set[str] = set()
        waiting: list[tuple[int, Use | None, Part]] = [(0, None, self.whole)]
        while waiting:
            depth, use, part = waiting.pop()
            yield depth, use, part
            if part.id not in seen:
                seen.add(part.id)
                waiting += [(depth + 1, one, self.parts[one.part]) for one in reversed(part.children)]

    def to_dict(self, units: str = "SI") -> dict[str, Any]:
        """JSON object of this breakdown: docs/schema/assembly-1.json.

        units : unit system of the properties, as `Properties.to_dict` takes it; matrices stay in metres

        Raises UnitError for an unknown system.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "root": self.root,
            "parts": {part.id: _written(part, units) for part in self.parts.values()},
        }

    @staticmethod
    def from_dict(document: Any) -> Assembly:
        """The breakdown that a JSON object of `to_dict` holds.

        Raises FormatError for what is malformed: another version, a use of a part that is not there, a matrix that is
        none, an assembly that contains itself.
        """
        if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
            version = document.get("schema_version") if isinstance(document, dict) else None
            msg = (
                f"no breakdown of an assembly: schema_version is {version!r}, and {SCHEMA_VERSION!r} is read"
            )
            raise FormatError(msg)
        root, rows = document.get("root"), document.get("parts")
        if not isinstance(rows, dict) or not isinstance(root, str) or root not in rows:
            msg = f"breakdown whose root, {root!r}, is none of its parts; write it again"
            raise FormatError(msg)
        parts = {str(key): _read(str(key), row, rows) for key, row in rows.items()}
        _ordered(parts)
        return Assembly(root, parts)


def _ordered(parts: Mapping[str, Part]) -> list[str]:
    """Ids of parts before those of what they are used in; raises FormatError when one contains itself."""
    graph = {key: dict.fromkeys(use.part for use in part.children) for key, part in parts.items()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        msg = f"breakdown of an assembly that contains itself: {' > '.join(error.args[1])}; write it again"
        raise FormatError(msg) from error


def _written(part: Part, units: str) -> dict[str, Any]:
    return {
        "name": part.name,
        "number": part.number,
        "material": part.material,
        "children": [
            {"id": use.id, "name": use.name, "part": use.part, "matrix": [list(row) for row in use.matrix]}
            for use in part.children
        ],
        "properties": part.properties.to_dict(units=units),
    }


def _read(key: str, row: Any, known: Mapping[str, Any]) -> Part:
    if not isinstance(row, dict) or set(row) != _KEYS or not isinstance(row["children"], list):
        found = ", ".join(map(str, row)) if isinstance(row, dict) else repr(row)
        msg = f"part {key} of a breakdown has not the fields {', '.join(sorted(_KEYS))} but {found}; write it again"
        raise FormatError(msg)
    number, material = (row[name] if row[name] is None else str(row[name]) for name in ("number", "material"))
    uses = tuple(_use(key, one, known) for one in row["children"])
    return Part(key, str(row["name"]), Properties.from_dict(row["properties"]), uses, number, material)


def _use(key: str, row: Any, known: Mapping[str, Any]) -> Use:
    if not isinstance(row, dict) or str(row.get("part")) not in known:
        part = row.get("part") if isinstance(row, dict) else row
        msg = f"part {key} of a breakdown uses {part!r}, which is none of its parts; write it again"
        raise FormatError(msg)
    rows = row.get("matrix")
    if not isinstance(rows, list) or len(rows) != 4 or not all(map(_is_row, rows)) or rows[3] != [0, 0, 0, 1]:
        msg = (
            f"use {row.get('id')!r} in part {key} of a breakdown has no matrix of 4 × 4 finite numbers "
            "above 0 0 0 1; write it again"
        )
        raise FormatError(msg)
    return Use(str(row.get("id")), str(row.get("name")), str(row["part"]), matrix_of(rows))


def matrix_of(rows: Iterable[Iterable[float]]) -> Matrix:
    """Four rows of four numbers as nested tuples; -0.0 becomes 0.0."""
    return tuple((float(a) + 0.0, float(b) + 0.0, float(c) + 0.0, float(d) + 0.0) for a, b, c, d in rows)


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 4
        and all(isinstance(x, (int, float)) and math.isfinite(x) for x in row)
    )
