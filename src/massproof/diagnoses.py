"""Why two results differ: causes are tried one after the other and together, and weighed against chance.

Bayes: an explanation after which everything agrees weighs as much as its causes are frequent, times the chance of
the rows that its fitted numbers make agree by themselves; no cause at all weighs the chance of all rows that it would
have to make agree. The chance of a row is the width of its tolerance over the size of its numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from massproof import faceting, figures, frames, scales, subsets, tensors
from massproof.causes import Cause
from massproof.properties import Properties, Verdict
from massproof.rows import Between

if TYPE_CHECKING:
    from massproof.members import Member

_DEEPEST = 3  # causes together
_LARGE = 1e50  # in SI: beyond, or below its inverse, no number is of a body, and powers of it overflow
_KEPT = 8  # explanations of a part that are followed further
_UNKNOWN = 0.3  # prior of a cause that is not in any list: another version of the part, a bug
_LIKELY = 0.5  # below this nothing is said
_LEAST = 1e-9  # chance of a row: a width of zero is no proof that nothing else hits it
_ALSO = 0.02  # from here on another explanation is named
_INDEPENDENT = frozenset(figures.SCALARS + figures.CENTRE + figures.SIDES + figures.LOW + figures.TENSOR)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One cause of a difference; several together explain one comparison."""

    code: str  # stable word for machines
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = (
        1.0  # 0..1: of the whole explanation, against all others that were tried and against chance
    )


class Side(NamedTuple):
    """A result, and what else may be asked of what it was measured of."""

    result: Properties
    faceted: bool = False  # whether it is a mesh
    members: Callable[[], Sequence[Member]] = tuple  # its bodies


_KINDS = {
    "default-density": "density",
    "pound-constant": "density",
    "mirrored": "frame",
}  # of which one is enough
_NAMED = {"material", "density_source"}  # provenance of a density that somebody chose
Family = Callable[[Between], Iterable[Cause]]
FAMILIES: tuple[Family, ...] = (scales.family(), frames.causes, frames.moved, tensors.mixed)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """Both sides without some causes."""

    between: Between
    causes: tuple[Cause, ...] = ()

    @property
    def key(self) -> frozenset[tuple[str, str]]:
        """What explains: the same for causes in another order."""
        return frozenset((cause.code, cause.key) for cause in self.causes)

    @property
    def prior(self) -> float:
        """How frequent these causes are together."""
        return math.prod(cause.prior for cause in self.causes)

    @property
    def rank(self) -> tuple[int, float]:
        """Ascending from the best: how much still disagrees, then how frequent the causes are."""
        return len(self.between.wrong), -self.prior

    def without(self, cause: Cause) -> _Trial:
        """Both sides without one more cause."""
        old = self.between
        left, right = cause.rule(old.left, old.right)
        return _Trial(old.changed(left, right), (*self.causes, cause))

    def takes(self, cause: Cause) -> bool:
        """Whether a cause can be added: units may be wrong of several properties, else no cause comes twice."""
        same = [one for one in self.causes if _kind(one) == _kind(cause)]
        return not same or (cause.code == "mislabelled-unit" and all(one.key != cause.key for one in same))


def _kind(cause: Cause) -> str:
    return _KINDS.get(cause.code, cause.code)


def explain(left: Side, right: Side, between: Between) -> list[Diagnosis]:
    """The causes that explain the differences between two results; none when nothing fits.

    between : the figures of both, and what is allowed between them
    """
    one, two = left.result, right.result
    names = {"left": _title("left", one, two), "right": _title("right", two, one)}
    found = [*_open(one, two), *_open(two, one)]
    numbers = [abs(side[name].value) for name in between.common for side in (between.left, between.right)]
    if not between.wrong or any(x > _LARGE or 0 < x < 1 / _LARGE for x in numbers):
        return found
    sides = {"left": left, "right": right}
    chosen = [name for name, side in sides.items() if _NAMED & set(side.result.provenance)]
    own = [scales.family(chosen), *FAMILIES[1:]]
    # Taking a file apart again is worth it where a body can be missing.
    bodies = (left.members(), right.members()) if "volume" in between.wrong else ((), ())
    if any(bodies):
        own.append(subsets.family(*bodies))
    meshes = [name for name, side in sides.items() if side.faceted]
    if len(meshes) == 1:
        own.append(faceting.family(meshes[0]))
    return found + _told(between, _found(between, own, meshes), names)


def _found(between: Between, families: Sequence[Family], meshes: Sequence[str]) -> list[_Trial]:
    """Explanations; where one side is a mesh also those that hold but for its facets."""
    found = search(between, families)
    if not found and len(families) > len(FAMILIES):
        # Neither a unit nor missing bodies alone make anything agree.
        scaled = (_Trial(between).without(cause) for cause in scales.every_length(between))
        pairs = [new for one in scaled for family in families[len(FAMILIES) :] for new in _tried(one, family)]
        found = [new for new in pairs if not new.between.wrong]
    if found or len(meshes) != 1:
        return found
    rough = search(faceting.loose(between), families[: len(FAMILIES)])
    found = []
    for trial in rough:
        new = _Trial(between)
        for cause in trial.causes:
            new = new.without(cause)
        found += [one for one in _tried(new, faceting.family(meshes[0])) if not one.between.wrong]
    return found


def search(between: Between, families: Sequence[Family] = FAMILIES) -> list[_Trial]:
    """Explanations of the fewest causes after which everything agrees."""
    trials, odd = [_Trial(between)], list[_Trial]()
    for depth in range(_DEEPEST if between.wrong else 0):
        found: dict[frozenset[tuple[str, str]], _Trial] = {}
        tried = [(one, f, len(one.between.wrong)) for one in trials for f in families]
        tried += [(one, _beside(one.between), len(between.wrong)) for one in odd]
        odd = []
        for trial, family, before in tried:
            for new in _tried(trial, family):
                if depth == 0 and new.causes[0].code in _MIXED:
                    odd.append(new)
                known = found.get(new.key)
                if len(new.between.wrong) < before and (known is None or new.rank < known.rank):
                    found[new.key] = new
        whole = [new for new in found.values() if not new.between.wrong]
        if whole:
            return whole
        trials = sorted(found.values(), key=lambda new: new.rank)[:_KEPT]
    return []


_MIXED = ("packed-tensor", "products-sign", "inertia-about-origin", "volume-inertia")


def _beside(between: Between) -> Family:
    """What may have come before a tensor was mixed up, when that alone mends nothing."""
    return tensors.mixed if between.wrong <= {*figures.TENSOR, *figures.MOMENTS} else frames.causes


def _tried(trial: _Trial, family: Family) -> Iterator[_Trial]:
    for cause in family(trial.between):
        if trial.takes(cause):
            yield trial.without(cause)


def _told(start: Between, found: list[_Trial], names: Mapping[str, str]) -> list[Diagnosis]:
    """The likeliest explanation, a diagnosis for each of its causes; the others in their evidence."""
    if not found:
        return []
    chances = {id(trial): _chances(start, trial) for trial in found}
    weights: dict[tuple[str, ...], float] = {}
    best: dict[tuple[str, ...], _Trial] = {}
    for trial in sorted(found, key=lambda one: -_weight(one, chances[id(one)])):
        said = tuple(sorted(_said(cause, names) for cause in trial.causes))
        weights[said] = weights.get(said, 0.0) + _weight(trial, chances[id(trial)])
        best.setdefault(said, trial)
    order = sorted(weights, key=lambda said: -weights[said])
    first = best[order[0]]
    by_chance = _UNKNOWN * math.prod(chances[id(first)])
    total = sum(weights.values())
    if total / (total + by_chance) < _LIKELY:
        return []
    shares = {said: weights[said] / (total + by_chance) for said in order}
    also = [{"causes": list(said), "confidence": shares[said]} for said in order[1:] if shares[said] >= _ALSO]
    agree = {"agree_then": list(dict.fromkeys(n.partition(".")[0] for n in start.common if n in start.wrong))}
    return [
        Diagnosis(
            cause.code,
            _said(cause, names),
            dict(cause.evidence) | agree | ({"or": also} if also else {}),
            shares[order[0]],
        )
        for cause in first.causes
    ]


def _weight(trial: _Trial, chances: list[float]) -> float:
    fitted = sum(cause.fitted for cause in trial.causes)
    return trial.prior * math.prod(chances[:fitted])


def _chances(start: Between, trial: _Trial) -> list[float]:
    """Of each row that agrees only now, the chance that an arbitrary number would; ascending."""
    fixed = start.wrong & set(trial.between.common)
    counted = fixed & _INDEPENDENT or fixed
    return sorted(_chance(start, name) for name in counted)


def _chance(start: Between, name: str) -> float:
    """Unknown causes change numbers by a factor near 1 more often than by a thousand."""
    bound, left, right = start.bound(name), start.left[name], start.right[name]
    width = 2 * bound.tolerance + sum(span.high - span.low for span in (left, right))
    size = max(bound.scale, abs(left.value), abs(right.value))
    same = left.value * right.value > 0
    far = math.log(left.value / right.value) if same else 0.0
    return min(1.0, max(width / size / (1 + far * far), _LEAST))


def _said(cause: Cause, names: Mapping[str, str]) -> str:
    text = cause.text
    for side, name in names.items():
        text = text.replace(f"{{{side}}}", name)
    return text


def _title(side: str, one: Properties, other: Properties) -> str:
    """A name for a side that the other does not have."""
    name, same = (re.split(r"[/\\]", each.source.name)[-1] for each in (one, other))
    if name != same:
        return name
    forms = [(each.source.format, each.source.unit) for each in (one, other)]
    return f"{name} ({', '.join(forms[0])})" if forms[0] != forms[1] else f"the {side}"


def _open(one: Properties, other: Properties) -> list[Diagnosis]:
    """A side that has no volume, and why, where the other states one."""
    if one.verdict is not Verdict.UNSAFE or (other.volume is None and other.mass is None):
        return []
    why = one.absent.get("volume", "it defines no volume")
    text = f"{other.source.name} states what only a solid has, and {one.source.name} is none: {why}"
    return [Diagnosis("open-mesh", text, {"findings": [f.code for f in one.findings]})]
