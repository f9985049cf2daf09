"""Why two results differ: causes, best evidence first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from massproof.properties import Properties, Verdict
from massproof.rows import Bounds


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One cause of a difference; several together explain one comparison."""

    code: str  # stable word for machines
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = (
        1.0  # 0..1: of the whole explanation, against the others that were tried and against chance
    )


def explain(left: Properties, right: Properties, bounds: Bounds) -> list[Diagnosis]:
    """The causes that explain the differences between two results; none when nothing fits."""
    return [*_open(left, right), *_open(right, left)]


def _open(one: Properties, other: Properties) -> list[Diagnosis]:
    """A side that has no volume, and why, where the other states one."""
    if one.verdict is not Verdict.UNSAFE or (other.volume is None and other.mass is None):
        return []
    why = one.absent.get("volume", "it defines no volume")
    text = f"{other.source.name} states what only a solid has, and {one.source.name} is none: {why}"
    return [Diagnosis("open-mesh", text, {"findings": [f.code for f in one.findings]})]
