"""Two engines for the solids of a STEP file: native integration, and Open CASCADE for what it cannot do.

Each part is integrated once, in its own frame. Open CASCADE runs in a process of its own (`isolation`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from massproof import exact, isolation
from massproof.brep import Shapes
from massproof.errors import FormatError, Note
from massproof.groups import SURFACE
from massproof.mass import Array, Body, Errors, length
from massproof.placed import Box, Definition, Occurrence, checked, in_unit
from massproof.stepfile import Model, Shown

NATIVE, OCCT, BOTH = "native", "occt", "both"
ACCURACY = exact.ACCURACY

_MILLIMETRES = 1000  # in a metre: Open CASCADE answers in millimetres, and so do we
_NAMED = 3  # parts that a finding names
# Seconds that Open CASCADE has for a file, and for each so many bytes of it one more; of 113 real files the slowest
# took 10 s for 255 kB. Damaged ones can keep it busy for ever.
_PATIENCE, _BYTES = 4.0, 5_000
_TINY = 1e-99  # instead of an error of nothing
_LONGEST = 1e20  # millimetres, a hundred light years: the fifth power of what is longer overflows


class Found(NamedTuple):
    """Parts of a model, integrated."""

    definitions: list[Definition]
    occurrences: list[Occurrence]
    solid: bool  # whether they are solids, and not surfaces
    notes: tuple[Note, ...]
    method: str


def integrate(model: Model, engine: str = NATIVE, accuracy: float = ACCURACY) -> Found:
    """All solids of a model, or where it has none all surfaces, in millimetres if the file states its unit.

    engine : "native"; "occt"; "both": the native result, and a finding where the two disagree
    accuracy : relative, of native integration

    Raises FormatError when a part can be integrated by neither engine or is beyond all measure, MissingExtra when
    one needs Open CASCADE and it is not installed.
    """
    solid = any(one.part.kind != SURFACE for one in model.parts)
    shown = [one for one in model.parts if (one.part.kind != SURFACE) == solid]
    scale = in_millimetres(model)
    _check_lengths(model.shapes, shown, scale)
    occurrences = [place for n, one in enumerate(shown) for place in _occurrences(one, n, scale)]
    native: dict[int, Definition] = {}
    reasons = {n: one.problems[0] for n, one in enumerate(shown) if one.problems}
    if engine != OCCT:
        native, unclear = _native(model, shown, scale, accuracy)
        reasons |= unclear
    asked = sorted(reasons) if engine == NATIVE else list(range(len(shown)))
    foreign, version = _foreign(model, shown, asked, occurrences, solid)
    notes = _fallen_back(shown, reasons)
    if engine == BOTH:
        notes += _disagreements(shown, {n: (native[n], foreign[n]) for n in native})
    chosen = [native[n] if n in native else _made(foreign[n], shown[n]) for n in range(len(shown))]
    method = _method(len(native), len(shown), accuracy, version)
    return Found(chosen, occurrences, solid, tuple(notes), method)


def in_millimetres(model: Model) -> float:
    """One unit of a model's placements in the unit of what is found; 1 where the file states none."""
    return float(model.unit * _MILLIMETRES) if model.unit else 1.0


def _check_lengths(table: Shapes, shown: Sequence[Shown], scale: float) -> None:
    """Refuse what is so large that its moments overflow, or is placed out there."""
    numbers = (table.frames, table.curve_numbers, table.surface_numbers, table.controls, table.edge_points)
    drawn = max(float(np.abs(one).max(initial=0.0)) for one in numbers)
    for one in shown:
        longest = (
            max(drawn * float(one.part.factor), float(np.abs(one.part.placements).max(initial=0.0))) * scale
        )
        if not longest <= _LONGEST:  # catches nan, too
            msg = (
                f"STEP file with a length of {longest:g} mm in or around #{one.part.number}, "
                f"beyond all measure, {_LONGEST:g} mm; export it again"
            )
            raise FormatError(msg)


def _occurrences(shown: Shown, number: int, scale: float) -> Iterable[Occurrence]:
    """Where a part stands, in millimetres."""
    for matrix, size in zip(shown.part.placements, shown.part.scale.tolist(), strict=True):
        offset = matrix[:3, 3] * scale
        yield Occurrence(number, matrix[:3, :3], offset, size, length(offset))


def _native(
    model: Model, shown: Sequence[Shown], scale: float, accuracy: float
) -> tuple[dict[int, Definition], dict[int, str]]:
    """What could be integrated natively, by its number in `shown`; and why others could not, though they were read."""
    read = [n for n, one in enumerate(shown) if not one.problems]
    parts = _integrated(model.shapes, [shown[n] for n in read], accuracy)
    definitions, reasons = {}, {}
    for n, rows in zip(read, parts, strict=True):
        wrong = next((part for part in rows if part.unsupported), None)
        if wrong:
            faces = ", ".join(f"#{number}" for number in wrong.unsupported[:_NAMED])
            reasons[n] = (
                f"{len(wrong.unsupported)} of its {wrong.faces} faces cannot be integrated natively, as {faces}"
            )
        else:
            definitions[n] = in_unit(
                checked(_definition(rows, shown[n].solid >= 0)), scale * float(shown[n].part.factor)
            )
    return definitions, reasons


def _integrated(table: Shapes, shown: Sequence[Shown], accuracy: float) -> list[list[exact.Part]]:
    """Of each solid its part, of each surface model those of its shells; the rest of the table is left alone."""
    rows = sorted({shell for one in shown for shell, _ in one.shells})
    place = {row: n for n, row in enumerate(rows)}
    solids: list[tuple[int, int, int]] = []
    members: list[tuple[int, int]] = []
    for one in shown:
        if one.solid >= 0:
            solids.append((len(members), len(one.shells), one.part.number))
            members += [(place[shell], same) for shell, same in one.shells]
    table = table._replace(
        shells=table.shells[rows],
        solids=np.array(solids, np.int64).reshape(-1, 3),
        solid_shells=np.array(members, np.int64).reshape(-1, 2),
    )
    parts = exact.integrate(table, accuracy)
    bodies = iter(parts)  # solids come first, and where there are solids no surface is shown
    return [
        [next(bodies)] if one.solid >= 0 else [parts[place[shell]] for shell, _ in one.shells]
        for one in shown
    ]


def _definition(parts: Sequence[exact.Part], solid: bool) -> Definition:
    """A solid, or the shells of a surface model together, in the unit of the file."""
    first = parts[0]
    errors = {cause: Errors(sum(part.errors[cause].area for part in parts)) for cause in first.errors}
    return Definition(
        first.body if solid else None,
        sum(part.area for part in parts),
        first.errors if solid else errors,
        functools.partial(_box, parts),
        sum(part.splines for part in parts),
        first.inverted and solid,
        solid and (first.body is None or not first.closed),
    )


def _box(parts: Sequence[exact.Part], matrix: Array) -> Box:
    boxes = [part.extent.box(matrix) for part in parts]
    if len(boxes) == 1:
        return boxes[0]
    low, high = np.min([low for low, _, _ in boxes], axis=0), np.max([high for _, high, _ in boxes], axis=0)
    return low, high, max(rim for _, _, rim in boxes)


def _foreign(
    model: Model, shown: Sequence[Shown], asked: Sequence[int], occurrences: Iterable[Occurrence], solid: bool
) -> tuple[dict[int, Definition | None], str]:
    """What Open CASCADE makes of parts, None where it makes nothing of one; and its version."""
    if not asked:
        return {}, ""
    turns: dict[int, dict[bytes, Any]] = {n: {} for n in asked}
    for one in occurrences:
        if one.definition in turns:
            turns[one.definition].setdefault((one.matrix + 0.0).tobytes(), one.matrix.tolist())
    position = np.cumsum(
        model.entities.rows[:, 0] >= 0
    )  # of each row among the instances of the file, from 1 on
    wanted = [
        [[int(position[row]) for row in _rows(model, shown[n], solid)], solid, list(turns[n].values())]
        for n in asked
    ]
    data = model.entities.data
    isolation.call("massproof.occt:ready", b"")  # importing it may take longer than what is asked of it
    limits = isolation.DEFAULT._replace(seconds=_PATIENCE + len(data) / _BYTES)
    answer = isolation.call("massproof.occt:parts", data, limits, wanted=wanted)
    made = {
        n: found and _answered(found, list(turns[n])) for n, found in zip(asked, answer["parts"], strict=True)
    }
    return made, answer["version"]


def _rows(model: Model, shown: Shown, solid: bool) -> list[int]:
    """Rows of the file where a solid is written, or the shells of a surface."""
    if solid:
        return [shown.part.row]
    numbers = {int(model.shapes.shells[shell, 2]) for shell, _ in shown.shells if shell >= 0}
    return np.flatnonzero(np.isin(model.entities.rows[:, 0], list(numbers))).tolist()


def _answered(answer: dict[str, Any], turns: list[bytes]) -> Definition:
    boxes = {
        turn: (np.array(low), np.array(high), rim)
        for turn, (low, high, rim) in zip(turns, answer["boxes"], strict=True)
    }
    body = answer["body"] and Body(answer["body"][0], *map(np.array, answer["body"][1:]))
    return Definition(
        body,
        answer["area"],
        {"integration": Errors(*answer["errors"])},
        lambda matrix: boxes[(matrix + 0.0).tobytes()],
        answer["splines"],
        answer["inverted"],
        answer["unclosed"],
    )


def _made(found: Definition | None, shown: Shown) -> Definition:
    if found is None:
        why = f": {shown.problems[0]}" if shown.problems else ""
        msg = f"STEP file with a part, #{shown.part.number}, that cannot be made{why}; export it again"
        raise FormatError(msg)
    return found


def _fallen_back(shown: Sequence[Shown], reasons: dict[int, str]) -> list[Note]:
    """Which parts Open CASCADE integrated, and why."""
    if not reasons:
        return []
    named = "; ".join(f"#{shown[n].part.number}: {why}" for n, why in list(reasons.items())[:_NAMED])
    text = f"{len(reasons)} of {len(shown)} parts were integrated by Open CASCADE. {named}"
    numbers = [shown[n].part.number for n in reasons]
    evidence = {"parts": len(shown), "fallen_back": len(reasons), "numbers": numbers[:20]}
    return [("fallback-occt", text, evidence)]


def _disagreements(
    shown: Sequence[Shown], pairs: dict[int, tuple[Definition, Definition | None]]
) -> list[Note]:
    """Parts of which the engines say what both cannot be, by their errors."""
    both = {n: (native, foreign) for n, (native, foreign) in pairs.items() if foreign}
    notes: list[Note] = []
    if len(both) < len(pairs):
        text = f"Open CASCADE makes nothing of {len(pairs) - len(both)} of {len(pairs)} parts, which are not compared"
        evidence = {"parts": len(pairs), "count": len(pairs) - len(both)}
        notes.append(("engines-unchecked", text, evidence))
    worst: list[tuple[float, int, str, float, float]] = []
    for n, (native, foreign) in both.items():
        for what, ours, theirs, allowed in _compared(native, foreign):
            if not abs(ours - theirs) <= allowed:
                worst.append((abs(ours - theirs) / max(allowed, _TINY), n, what, ours, theirs))
    if worst:
        notes.append(_disagreement(shown, len(both), worst))
    elif both:
        text = f"the native engine and Open CASCADE agree on all {len(both)} parts, within their errors"
        notes.append(("engines-agree", text, {"parts": len(both)}))
    return notes


def _disagreement(
    shown: Sequence[Shown], count: int, found: list[tuple[float, int, str, float, float]]
) -> Note:
    """What to say of differences: excess over the errors, part, what differs, both values."""
    excess, n, what, ours, theirs = max(found)
    wrong = len({part for _, part, _, _, _ in found})
    text = (
        f"the native engine and Open CASCADE disagree on {wrong} of {count} parts beyond "
        f"their errors, most on the {what} of #{shown[n].part.number}: {ours:.12g} and {theirs:.12g}"
    )
    evidence = {"parts": count, "disagree": wrong, "number": shown[n].part.number, "what": what}
    return "engines-disagree", text, evidence | {"native": ours, "occt": theirs, "excess": excess}


def _compared(native: Definition, foreign: Definition) -> Iterable[tuple[str, float, float, float]]:
    """Names and values of what both give, and how far these may be apart."""

    def allowed(field: str) -> float:
        both = [*native.errors.values(), *foreign.errors.values()]
        return float(sum(getattr(one, field) for one in both))

    yield "area", native.area, foreign.area, allowed("area")
    if not (native.body and foreign.body):
        yield "number of volumes", float(bool(native.body)), float(bool(foreign.body)), 0.0
        return
    yield "volume", native.body.mass, foreign.body.mass, allowed("volume")
    for k in range(3):
        yield "centre", float(native.body.centre[k]), float(foreign.body.centre[k]), allowed("centre")
        for j in range(k + 1):
            ours, theirs = float(native.body.second[k, j]), float(foreign.body.second[k, j])
            yield "second moment", ours, theirs, allowed("second")


def _method(native: int, count: int, accuracy: float, version: str) -> str:
    own = f"boundary integrals over the exact faces, to {accuracy:g}"
    foreign = f"Open CASCADE {version}, adaptive Gauss integration at two accuracies"
    if native == count:
        return own
    return f"{own}; {foreign} for {count - native} of {count} parts" if native else foreign
