"""The parts of a file: definitions, and how they use each other, as the job "assembly" tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from massproof.breakdown import Assembly
from massproof.dialects.mfgdm import ids
from massproof.errors import InputError

_MOST = 100_000  # occurrences that are counted through, level by level


class Use(NamedTuple):
    """One use of a part in another."""

    id: str  # unique within the part that uses it
    part: str  # key


@dataclass(frozen=True, slots=True)
class Part:
    """A part or sub-assembly of a file, or all of it."""

    key: str  # `ids.WHOLE`, or of its name
    id: str  # in the result
    name: str
    number: str | None  # part number
    material: str | None
    properties: Mapping[str, Any]  # as `Properties.to_dict` writes them
    uses: tuple[Use, ...]


class Parts:
    """All parts of one file by key, the whole first."""

    def __init__(self, result: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> None:
        """result : of the job "assembly";  more : the same with a density for those that state none."""
        if more is not None:
            result = Assembly.from_dict(result).filled(Assembly.from_dict(more)).to_dict()
        told = result["parts"]
        keys = _keys(told, result["root"])
        self.all: dict[str, Part] = {}
        for id in sorted(told, key=lambda id: id != result["root"]):
            row = told[id]
            uses = tuple(Use(one["id"], keys[one["part"]]) for one in row["children"])
            self.all[keys[id]] = Part(
                keys[id], id, row["name"], row["number"], row["material"], row["properties"], uses
            )
        self.users: dict[str, list[str]] = {key: [] for key in self.all}
        for part in self.all.values():
            for key in dict.fromkeys(use.part for use in part.uses):
                self.users[key].append(part.key)

    def below(self, key: str, depth: int | None = None) -> Iterator[tuple[tuple[str, ...], Part, Use]]:
        """All uses below a part, those of each part before those in them: path of ids, the user, the use.

        depth : levels, None for all. Raises InputError for more uses than can be told.
        """
        count = 0
        waiting = [self._level((), key)]
        while waiting:
            found = next(waiting[-1], None)
            if found is None:
                waiting.pop()
                continue
            count += 1
            if count > _MOST:
                msg = f"there are more than {_MOST} occurrences; ask for those of one level, or of a sub-assembly"
                raise InputError(msg)
            yield found
            if depth is None or len(waiting) < depth:
                waiting.append(self._level(found[0], found[2].part))

    def _level(self, path: tuple[str, ...], key: str) -> Iterator[tuple[tuple[str, ...], Part, Use]]:
        part = self.all[key]
        for use in part.uses:
            yield (*path, use.id), part, use


def _keys(told: Mapping[str, Any], root: str) -> dict[str, str]:
    """A key for each part, which stays when others are added: of its name, and of which of that name it is."""
    found, seen = {root: ids.WHOLE}, dict[str, int]()
    for id, row in told.items():
        if id != root:
            seen[row["name"]] = number = seen.get(row["name"], 0) + 1
            found[id] = ids.short("part", row["name"], str(number))
    return found
