"""Two results beside each other: row by row, one verdict, and why they differ.

Modules that look for causes are imported when a comparison is asked for one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from massproof.errors import InputError
from massproof.properties import SCHEMA_VERSION, Properties, Quantity, Verdict
from massproof.rows import Between, Outcome, Row

if TYPE_CHECKING:
    from massproof.diagnoses import Diagnosis, Side
    from massproof.members import Member
    from massproof.profiles import Profile


class Thing(NamedTuple):
    """Geometry at hand, None where there is none, and the format that it was said to have."""

    source: Any
    format: str | None


_SHOWN = 4  # names of properties in the repr
_OF_PRINCIPAL = ("principal_moments", "radii_of_gyration")


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two results compared, in SI; true where they agree."""

    left: Properties
    right: Properties
    profile: Profile
    rows: tuple[Row, ...]  # every property that either side has
    verdict: Outcome
    # What both were measured of and how, to look again when causes are asked for.
    things: tuple[Thing, Thing] = field(repr=False, compare=False)

    def __repr__(self) -> str:
        names = [row.name for row in self.rows if row.verdict is Outcome.DISAGREE]
        some = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        what = f": {len(names)} of {len(self.rows) - len(self.uncompared)} differ, {some}" if names else ""
        left, right = (os.path.basename(one.source.name) for one in (self.left, self.right))  # noqa: PTH119  # light
        return f"<{left} against {right}: {self.verdict} by {self.profile.name}{what}>"

    def __bool__(self) -> bool:
        return self.verdict in (Outcome.AGREE, Outcome.WITHIN)

    @property
    def uncompared(self) -> tuple[Row, ...]:
        """Properties without a counterpart on the other side."""
        return tuple(row for row in self.rows if row.verdict is Outcome.INCOMPARABLE)

    @cached_property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What `explain` finds."""
        from massproof import diagnoses

        between = _between((self.left, self.right), self.profile, self.things)
        left, right = _side(self.left, self.things[0]), _side(self.right, self.things[1])
        return tuple(diagnoses.explain(left, right, between))

    def explain(self) -> tuple[Diagnosis, ...]:
        """The causes that explain the differences, best evidence first; empty when nothing differs or nothing fits."""
        return self.diagnoses

    def to_dict(self) -> dict[str, Any]:
        """JSON object of this: docs/schema/comparison-1.json."""
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict.value,
            "agrees": bool(self),
            "profile": {k: getattr(self.profile, k) for k in ("name", "relative", "about")},
            "left": _summary(self.left),
            "right": _summary(self.right),
            "rows": [_row(row) for row in self.rows],
            "diagnoses": [
                {
                    "code": d.code,
                    "message": d.message,
                    "evidence": dict(d.evidence),
                    "confidence": d.confidence,
                }
                for d in self.diagnoses
            ],
        }


def _summary(result: Properties) -> dict[str, Any]:
    source = {k: getattr(result.source, k) for k in ("name", "format", "unit")}
    findings = [f.code for f in result.findings]
    return {"source": source, "verdict": result.verdict.value, "method": result.method, "findings": findings}


def _row(row: Row) -> dict[str, Any]:
    numbers = {k: _finite(getattr(row, k)) for k in ("absolute", "relative", "tolerance")}
    return {
        "name": row.name,
        "unit": row.unit,
        "left": _quantity(row.left),
        "right": _quantity(row.right),
        **numbers,
        "because": row.because,
        "verdict": row.verdict.value,
    }


def _quantity(q: Quantity | None) -> dict[str, Any] | None:
    return {"value": q.value, "interval": [_finite(end) for end in q.interval]} if q else None


def _finite(x: float | None) -> float | None:
    return x if x is not None and math.isfinite(x) else None


def compare(
    left: Any,
    right: Any,
    *,
    profile: str | Profile | None = None,
    dialect: str | None = None,
    object: str | None = None,
    **options: Any,
) -> Comparison:
    """Compare two results property by property: do they agree, within what, and if not, why.

    left, right : each a result, anything that `measure` accepts, an answer of a vendor (a document, or the path
        of its JSON), or a saved report
    profile : how far numbers may be off: zoo, fusion-low, fusion-medium, fusion-high, fusion-veryhigh,
        model-derivative, onshape, mesh-vs-brep or exact; without it that of the vendors whose answers are compared
    dialect : that of an answer whose form does not tell;  object : which one is meant, where an answer has several
    options : those of `measure`, for what is measured

    Rows are in SI. What each tolerance is relative to is derived in docs/compare.md.

    Raises what `measure` and `dialects.parse` raise, and UsageError for an unknown profile.
    """
    from massproof import profiles, sides
    from massproof.figures import quantities
    from massproof.rows import table

    both = [sides.side(thing, dialect=dialect, object=object, **options) for thing in (left, right)]
    one, two = both
    if profile is None:
        chosen = profiles.default(one, two)
    else:
        chosen = profiles.profile(profile) if isinstance(profile, str) else profile

    def why(name: str, on_the_left: bool) -> str:
        field = name.partition(".")[0]
        field = "principal" if field in _OF_PRINCIPAL else field
        return (one if on_the_left else two).absent.get(field, "")

    form = options.get("format")
    things = (Thing(sides.geometry(left, one), form), Thing(sides.geometry(right, two), form))
    between = _between((one, two), chosen, things)
    rows = table(between, quantities(one), quantities(two), why)
    return Comparison(one, two, chosen, tuple(rows), _overall(one, two, rows), things)


def _between(both: tuple[Properties, Properties], profile: Profile, things: tuple[Thing, Thing]) -> Between:
    from massproof.figures import figures

    left, right = (figures(one) for one in both)
    if not profile.facets:
        return Between(left, right, profile)
    allowed = [_facets(*each) for each in zip(both, things, strict=True)]
    names = {name for one in allowed for name in one}
    return Between(left, right, profile, {name: sum(one.get(name, 0.0) for one in allowed) for name in names})


def _facets(result: Properties, thing: Thing) -> dict[str, float]:
    """How far facets can move each property of a mesh; nothing of what is none, or not at hand."""
    from massproof import deviation, faceting, figures, profiles, sources, units

    if thing.source is None or result.source.format not in profiles.MESHES:
        return {}
    loaded = sources.load(thing.source, thing.format)
    metres = float(units.unit(loaded.unit or result.source.unit, "length").factor)
    mesh: Any = loaded.geometry
    return faceting.tolerances(deviation.deviation(mesh).scaled(metres), figures.figures(result))


def _side(result: Properties, thing: Thing) -> Side:
    from massproof import profiles
    from massproof.diagnoses import Side

    def members() -> Sequence[Member]:
        from massproof.members import members

        try:
            return () if thing.source is None else members(thing.source, result, thing.format)
        except InputError:  # gone since it was measured: the other causes are still looked for
            return ()

    return Side(result, result.source.format in profiles.MESHES, members)


def _overall(left: Properties, right: Properties, rows: list[Row]) -> Outcome:
    """The worst of what was compared; no agreement where one side has no volume and the other has what takes one."""
    found = {row.verdict for row in rows}
    if Outcome.DISAGREE in found:
        return Outcome.DISAGREE
    if any(_without_volume(*pair) for pair in ((left, right), (right, left))):
        return Outcome.INCOMPARABLE
    return next((one for one in (Outcome.WITHIN, Outcome.AGREE) if one in found), Outcome.INCOMPARABLE)


def _without_volume(one: Properties, other: Properties) -> bool:
    return one.verdict is Verdict.UNSAFE and not (other.volume is None and other.mass is None)


# Where `agrees_with` looks first for a relative path: a test sets the folders that its files lie in.
FOLDERS: ContextVar[tuple[str, ...]] = ContextVar("massproof.comparison.FOLDERS", default=())


def agrees_with(left: Properties, right: Any, **options: Any) -> Comparison:
    """What `Properties.agrees_with` answers: `compare`, and a relative path is looked for in FOLDERS first."""
    if isinstance(right, (str, os.PathLike)):
        places = (os.path.join(folder, right) for folder in FOLDERS.get())  # noqa: PTH118  # pathlib takes 10 ms
        right = next((place for place in places if os.path.exists(place)), right)  # noqa: PTH110
    return compare(left, right, **options)
