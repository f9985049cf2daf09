"""Profiles: how far numbers of a service may be off before they disagree. The rows are in profiles.toml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from massproof.errors import UsageError
from massproof.properties import Properties

EXACT, FACETS = "exact", "mesh-vs-brep"
MESHES = ("stl", "obj", "ply", "off", "3mf", "glb", "arrays")
_SOLIDS = ("step", "cad-object")


@dataclass(frozen=True, slots=True)
class Profile:
    """One row of the table."""

    name: str
    relative: float
    about: str
    single: bool = False  # coordinates pass through float32
    facets: bool = False  # one side is a mesh of what the other is exactly
    dialects: tuple[str, ...] = ()
    density: float | None = None  # instead of `relative`, where densities are known better than shapes


@cache
def table() -> dict[str, Profile]:
    """All profiles by name, in the order of the file, which is read once."""
    import tomllib
    from pathlib import Path

    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        name: Profile(
            name,
            row["relative"],
            row["about"],
            row.get("single", False),
            row.get("facets", False),
            tuple(row.get("dialects", ())),
        )
        for name, row in rows.items()
    }


def profile(name: str) -> Profile:
    """The profile called `name`; raises UsageError, which lists them."""
    found = table().get(str(name).lower())
    if found is None:
        msg = f"unknown profile {name!r}; use one of {', '.join(table())}"
        raise UsageError(msg)
    return found


def default(left: Properties, right: Properties) -> Profile:
    """The profile for two results when none is named: the widest of those of their dialects."""
    formats = (left.source.format, right.source.format)
    rows = [row for row in table().values() if set(row.dialects) & set(formats)]
    if rows:
        return max(rows, key=lambda row: row.relative)
    if any(one in MESHES for one in formats) and any(one in _SOLIDS for one in formats):
        return table()[FACETS]
    return table()[EXACT]
