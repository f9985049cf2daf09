"""Materials: a name, a density, and the document that states it. The rows are in materials.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from massproof.errors import UnknownMaterial

_NEAREST = 3  # names in an error message: more would hide the first, which is mostly the right one
_ALIKE = 0.5  # of difflib: "Alu 6061" still reaches "Aluminum 6061-T6", "xyzzy" reaches nothing


@dataclass(frozen=True, slots=True)
class Material:
    """One row of the table.

    density, low, high : kg/m³ at 20–25 °C; low and high are the spread among the grades and
        producers that are sold under this name, not a confidence interval
    """

    name: str
    density: float
    low: float
    high: float
    source: str
    aliases: tuple[str, ...] = ()


@cache
def table() -> tuple[Material, ...]:
    """All materials, in the order of the file, which is read once."""
    # Imported here: naming a density must not cost a TOML parser.
    import tomllib
    from pathlib import Path

    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return tuple(
        Material(
            row["name"],
            float(row["density"]),
            float(row["low"]),
            float(row["high"]),
            row["source"],
            tuple(row["aliases"]),
        )
        for row in rows["material"]
    )


def material(name: str) -> Material:
    """The material with this name or alias; case, spaces, hyphens and commas do not count.

    Raises UnknownMaterial, which names the nearest ones.
    """
    found = _by_spelling().get(_normal(name))
    if found is None:
        raise UnknownMaterial(_unknown(name))
    return found


def find(text: str) -> tuple[Material, ...]:
    """Materials with `text` in their name or an alias, best first; "" finds all.

    A spelling that equals `text` comes before one that starts with it, that before one that
    contains it; among equals a name before an alias, then the one with the least left over.
    """
    wanted = _normal(text)
    hits: dict[Material, tuple[bool, bool, bool, int]] = {}
    for spelling, row in _by_spelling().items():
        if wanted in spelling:
            alias = spelling != _normal(row.name)
            rank = (spelling != wanted, not spelling.startswith(wanted), alias, len(spelling))
            hits[row] = min(rank, hits.get(row, rank))
    return tuple(sorted(hits, key=hits.__getitem__) if wanted else hits)


def _normal(spelling: str) -> str:
    """What is compared: `spelling` without spaces, hyphens and commas, in one case."""
    return re.sub(r"[\s,-]+", "", spelling).casefold()


@cache
def _by_spelling() -> dict[str, Material]:
    return {_normal(text): row for row in table() for text in (row.name, *row.aliases)}


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    wanted, rows = _normal(name), _by_spelling()
    close = get_close_matches(wanted, rows, n=4 * _NEAREST, cutoff=_ALIKE)
    nearest = list(dict.fromkeys(rows[spelling].name for spelling in close))[:_NEAREST]
    # The longest beginning that finds something, so that the command shown is never a dead end.
    hint = next(s for n in range(len(wanted), -1, -1) if find(s := wanted[:n]))
    said = f"nearest: {', '.join(nearest)}" if nearest else "nothing is spelled like it"
    return f'unknown material {name!r}; {said}; list them with: massproof materials find "{hint}"'
