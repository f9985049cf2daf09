"""What the API was at a time, and its words: the tables profiles.toml and contract.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from massproof.dialects.zoo.shapes import contract
from massproof.serving.web import Refused


@cache
def table() -> dict[str, Any]:
    """The table profiles.toml."""
    return tomllib.loads(Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Profile:
    """The API at a time."""

    name: str
    unit: str  # of the coordinates of files that declare none
    up: str  # axis of centres of mass that points up, "y" or "z"
    without: frozenset[str]  # endpoints, formats and units that it does not have
    prompts: str  # "short" or "long" answers of text-to-cad

    def words(self, kind: str) -> list[str]:
        """The words of an enumeration: of a dimension, "import" formats, or one of the table."""
        if kind == "import":
            known = contract()["import_formats"]["names"]
        else:
            known = contract()["units"].get(kind) or table()["enums"][kind]
        return [word for word in known if word not in self.without]

    def require(self, what: str) -> None:
        """Raise Refused, 404, for an endpoint that it does not have."""
        if what in self.without:
            others = ", ".join(name for name in table()["profiles"] if what not in profile(name).without)
            raise Refused(
                404, f"Not Found: {self.name} has no {what}; ask as {others} in X-Massproof-Profile"
            )


@cache
def profile(name: str) -> Profile:
    """A profile by its name, "" for the default; raises Refused, 400, for one that there is not."""
    rows = table()["profiles"]
    name = name or table()["default"]
    if name not in rows:
        raise Refused(400, f"there is no profile {name!r}; use one of {', '.join(rows)}")
    row = rows[name]
    return Profile(name, row["unit"], row["up"], frozenset(row["without"]), row["prompts"])
