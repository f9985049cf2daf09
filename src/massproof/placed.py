"""From definitions and their placements to the whole: each solid is integrated once and placed many times.

Solids are summed, overlapping or not, as the parts of an assembly weigh; how much could count twice is said.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from massproof.kernels.overlap import shared_volume
from massproof.mass import Array, Body, Errors, length

Box = tuple[Array, Array, float]  # two corners, and how far they can be off

# What each placement of a chain rounds, per length that the chain passes through: docs/decisions/placing.md.
_ULPS = 16 * sys.float_info.epsilon


@dataclass(frozen=True, eq=False, slots=True)
class Definition:
    """Integrals of one solid or surface in its own frame."""

    body: Body | None  # of unit density; None: no volume is defined
    area: float
    errors: Mapping[str, Errors | None]  # by cause, the first of which is known; None: its size is unknown
    box: Callable[[Array], Box]  # the tight box of the turned and scaled shape; takes (3, 3)
    splines: int = 0  # faces that are splines or are trimmed by splines
    inverted: bool = False  # its surface is inside out; its volume counts as positive
    unclosed: bool = False  # an edge does not join two faces, or there is no volume


@dataclass(frozen=True, eq=False, slots=True)
class Occurrence:
    """Where a definition stands: r -> matrix·r + offset, with matrix = scale × (rotation or mirror)."""

    definition: int
    matrix: Array  # (3, 3)
    offset: Array  # (3,)
    scale: float = 1.0
    travel: float = 0.0  # how far the placements that make it go, one after the other
    steps: float = 1.0  # how many these are

    def turned(self) -> tuple[int, bytes]:
        """Equal for the same definition turned the same way."""
        return self.definition, (self.matrix + 0.0).tobytes()

    def key(self) -> tuple[int, bytes, bytes]:
        """Equal for the same definition in the same place."""
        return *self.turned(), (self.offset + 0.0).tobytes()


@dataclass(frozen=True, eq=False, slots=True)
class Whole:
    """Mass properties of everything that is placed, in the unit of the placements."""

    body: Body | None  # of unit density; None without solids
    area: float
    lo: Array  # (3,) corners of the tight bounding box
    hi: Array
    errors: dict[str, Errors | None]  # by cause; None: unknown of a part
    box_error: float
    splines: int  # faces of distinct solids that are splines or are trimmed by splines
    solids: int  # occurrences
    repeated: int  # solids that stand where the same one stands already
    repeated_volume: float
    pairs: int  # of solids whose boxes overlap
    shared: float  # volume that these pairs can have in common at most
    inverted: int  # solids whose surface is inside out
    unclosed: int  # solids without a volume


@dataclass(frozen=True, eq=False, slots=True)
class _Part:
    """One occurrence, in the frame of the whole."""

    definition: Definition
    body: Body | None
    area: float
    errors: dict[str, Errors | None]
    where: Occurrence


def checked(definition: Definition) -> Definition:
    """The definition; without its body where that is none, since mass cannot have a negative second moment.

    Faces that do not close, or are written inside out, can enclose any number.
    """
    body = definition.body
    if body is None:
        return definition
    least = float(np.linalg.eigvalsh(body.second)[0])
    if least >= -sum(one.second for one in definition.errors.values() if one):
        return definition
    errors = {cause: one and Errors(one.area, box=one.box) for cause, one in definition.errors.items()}
    return replace(definition, body=None, errors=errors, inverted=False, unclosed=True)


def whole(definitions: Sequence[Definition], occurrences: Sequence[Occurrence], *, solid: bool) -> Whole:
    """Everything together; `solid`: whether the definitions are solids, and not surfaces."""
    parts = [_placed(definitions[one.definition], one) for one in occurrences]
    low, high, rims = _boxes(definitions, occurrences)
    again = _repeated(occurrences) if solid else np.zeros(len(parts), bool)
    volumes = np.array([part.body.mass if part.body else 0.0 for part in parts])
    once = ~again if solid else np.zeros(len(parts), bool)
    pairs, _, shared = shared_volume(volumes[once], (low + rims)[once], (high - rims)[once])
    body, errors = _total(parts)
    lo, hi = low.min(axis=0), high.max(axis=0)
    used = {one.definition for one in occurrences}
    return Whole(
        *(body, sum(part.area for part in parts), lo, hi, errors),
        float(rims.max()) + max(_rounded(np.abs([lo, hi]).max(), one) for one in occurrences),
        sum(definitions[d].splines for d in used),
        len(parts) if solid else 0,
        int(again.sum()),
        float(volumes[again].sum()),
        *(pairs, shared),
        sum(part.definition.inverted for part in parts),
        sum(part.definition.unclosed for part in parts),
    )


def _placed(definition: Definition, where: Occurrence) -> _Part:
    k = abs(where.scale)
    body = definition.body and definition.body.moved(where.matrix, where.offset).scaled(k**3)
    errors = {cause: one and one.scaled(k) for cause, one in definition.errors.items()}
    return _Part(definition, body, definition.area * k**2, errors, where)


def _rounded(distance: float, where: Occurrence) -> float:
    """What placing rounds of a point that comes to stand this far from the origin."""
    return _ULPS * max(where.steps, 1.0) * (float(distance) + where.travel)


def _total(parts: list[_Part]) -> tuple[Body | None, dict[str, Errors | None]]:
    """Sum of the bodies, and by cause the errors of area, volume, centre and second moment.

    The centre of a body of mass m, off by δ, moves that of the whole by mδ, and an error ΔV of its volume by
    ΔV times its distance r; the second moment changes by ΔV r² + 2 m r δ besides. Placing adds rounding.
    """
    causes = dict.fromkeys(cause for part in parts for cause in part.errors)
    told = {cause: [one for part in parts if (one := part.errors.get(cause))] for cause in causes}
    unknown = {cause: None for part in parts for cause, one in part.errors.items() if one is None}
    plain = {c: (sum(one.area for one in some), sum(one.volume for one in some)) for c, some in told.items()}
    boxes = {c: max((one.box for one in some), default=0.0) for c, some in told.items()}
    solid = [part for part in parts if part.body]
    bodies = [part.body for part in solid if part.body]
    if not bodies:
        return None, {c: Errors(area, box=boxes[c]) for c, (area, _) in plain.items()} | unknown
    total = functools.reduce(operator.add, bodies)
    centre, second = dict.fromkeys(causes, 0.0), dict.fromkeys(causes, 0.0)
    for part, body in zip(solid, bodies, strict=True):
        apart = length(body.centre - total.centre)
        placing = _rounded(length(body.centre), part.where)
        for n, (cause, error) in enumerate(part.errors.items()):
            if error is None:
                continue
            own = error.centre + (placing if n == 0 else 0.0)
            centre[cause] += body.mass * own + error.volume * apart
            second[cause] += error.second + error.volume * apart**2 + 2 * body.mass * apart * own
    found = {c: Errors(*plain[c], centre[c] / total.mass, second[c], boxes[c]) for c in causes}
    return total, found | unknown


def _boxes(
    definitions: Sequence[Definition], occurrences: Sequence[Occurrence]
) -> tuple[Array, Array, Array]:
    """Corners of the tight box of each occurrence, and how far it can be off; a translation shifts a known box."""
    boxes: dict[tuple[int, bytes], Box] = {}
    lows, highs, rims = [], [], []
    for one in occurrences:
        key = one.turned()
        if key not in boxes:
            boxes[key] = definitions[one.definition].box(one.matrix)
        low, high, rim = boxes[key]
        lows.append(low + one.offset)
        highs.append(high + one.offset)
        rims.append(rim)
    return np.array(lows), np.array(highs), np.array(rims)[:, None]


def _repeated(occurrences: Sequence[Occurrence]) -> npt.NDArray[np.bool_]:
    """Which are the same definition in the same place as an earlier one."""
    seen: set[tuple[int, bytes, bytes]] = set()
    again = []
    for key in (one.key() for one in occurrences):
        again.append(key in seen)
        seen.add(key)
    return np.array(again, bool)


def in_unit(definition: Definition, factor: float) -> Definition:
    """A definition whose numbers are in a unit that is `factor` units of the whole."""
    if factor == 1.0:
        return definition
    body = definition.body

    def box(matrix: Array) -> Box:
        low, high, rim = definition.box(matrix)
        return low * factor, high * factor, rim * factor

    return replace(
        definition,
        body=body and Body(body.mass * factor**3, body.centre * factor, body.second * factor**5),
        area=definition.area * factor**2,
        errors={cause: one and one.scaled(factor * (1 + 1e-15)) for cause, one in definition.errors.items()},
        box=box,
    )
