"""Two engines for the solids of a STEP file: native integration, and Open CASCADE for what it cannot do.

Each part is integrated once, in its own frame. Open CASCADE runs in a process of its own (`isolation`).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from massproof import exact, isolation, recursion
from massproof.brep import Shapes
from massproof.errors import FormatError, Note
from massproof.groups import SURFACE
from massproof.mass import Array, Body, Errors
from massproof.placed import Box, Definition, Occurrence, checked, in_unit
from massproof.stepfile import Model, Shown

NATIVE, OCCT, BOTH = "native", "occt", "both"
ACCURACY = exact.ACCURACY

_MILLIMETRES = 1000  # in a metre: Open CASCADE answers in millimetres, and so do we
_NAMED, _LISTED = 3, 20  # numbers that a finding names, and those in its evidence
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
    versions: dict[str, str]  # of Open CASCADE, where it was asked, and how that was kept apart
    unclosed: tuple[int, ...]  # numbers of the instances that are solids without a volume
    shown: tuple[Shown, ...]  # what the definitions are of
    bounded: bool = False  # whether a note is an assumption of what tessellated parts enclose


def integrate(model: Model, engine: str = NATIVE, accuracy: float = ACCURACY) -> Found:
    """All solids of a model, or where it has none all surfaces, in millimetres if the file states its unit.

    engine : "native"; "occt"; "both": the native result, and a finding where the two disagree
    accuracy : relative, of native integration

    Raises FormatError when a part can be integrated by neither engine or is beyond all measure, MissingExtra when
    one needs Open CASCADE and it is not installed.
    """
    return Pool(model, engine, accuracy).found(model)


class Pool:
    """The parts of one file that count, each integrated once, in however many wholes it is then put together."""

    def __init__(
        self, model: Model, engine: str = NATIVE, accuracy: float = ACCURACY, others: Iterable[Model] = ()
    ) -> None:
        """Integrate them; others : models of some of the same parts in other places, which `found` will be asked for.

        Raises FormatError for lengths beyond all measure, MissingExtra as `integrate` does.
        """
        self.shown, self.engine, self.accuracy = measured(model), engine, accuracy
        self._solid = self.shown[0].part.kind != SURFACE
        self._scale = in_millimetres(model)
        self._drawn = _longest(model.shapes)
        self._number = {one.part.row: n for n, one in enumerate(self.shown)}
        _check_lengths(self._drawn, self.shown, self._scale)
        self._own = _own(model, self.shown, self._scale, accuracy if engine != OCCT else None)
        asked = sorted(self._own.reasons)
        if engine != NATIVE:
            asked = [
                n for n, one in enumerate(self.shown) if not one.mesh
            ]  # of triangles Open CASCADE knows no volume
        self._asked = frozenset(asked)
        there = (place for other in (model, *others) for place in self._occurrences(other) if asked)
        self._foreign, self._lost, self._version = _foreign(model, self.shown, asked, there, self._solid)

    def found(self, model: Model) -> Found:
        """The parts of a model, all of which are parts of this one; where it has solids, these alone.

        Raises FormatError when a part can be integrated by neither engine or is placed beyond all measure.
        """
        shown = measured(model)
        _check_lengths(self._drawn, shown, self._scale)
        own, foreign, lost, version = self._some([self._number[one.part.row] for one in shown])
        if lost.keys() - own.made.keys():
            raise _unmade(shown, lost, min(lost.keys() - own.made.keys()))
        notes = [*_mended(list(own.parts.values())), *_fallen_back(shown, own.reasons)]
        if self.engine == BOTH:
            notes += _unchecked(
                shown,
                lost | {n: FormatError("it is of triangles") for n, one in enumerate(shown) if one.mesh},
            )
            notes += _disagreements(shown, {n: (own.made[n], foreign[n]) for n in own.made if n in foreign})
        chosen = [own.made[n] if n in own.made else foreign[n] for n in range(len(shown))]
        method = _method(len(own.made) - len(own.facets), len(own.facets), len(shown), self.accuracy, version)
        unclosed = tuple(one.part.number for one, made in zip(shown, chosen, strict=True) if made.unclosed)
        facets, bounded = _facet_notes(shown, own.facets)
        versions = {"OCCT": version, "isolation": isolation.way()} if version else {}
        told = (versions, unclosed, tuple(shown), bounded)
        places = [place for n, one in enumerate(shown) for place in _occurrences(one, n, self._scale)]
        return Found(chosen, places, self._solid, (*notes, *facets), method, *told)

    def _occurrences(self, model: Model) -> Iterable[Occurrence]:
        """Where the parts stand that are in this pool, by their number in it."""
        for one in model.parts:
            if one.part.row in self._number:
                yield from _occurrences(one, self._number[one.part.row], self._scale)

    def _some(
        self, numbers: Sequence[int]
    ) -> tuple[_Own, dict[int, Definition], dict[int, FormatError], str]:
        """What is known of some parts, by their place in `numbers`: natively, by Open CASCADE, lost; its version."""
        if len(numbers) == len(self.shown):  # all of them, in the order in which they are
            return self._own, self._foreign, self._lost, self._version

        def kept(known: dict[int, Any]) -> dict[int, Any]:
            return {n: known[number] for n, number in enumerate(numbers) if number in known}

        version = self._version if self._asked.intersection(numbers) else ""
        own = _Own(
            *(kept(known) for known in (self._own.made, self._own.reasons, self._own.parts, self._own.facets))
        )
        return own, kept(self._foreign), kept(self._lost), version


def measured(model: Model) -> list[Shown]:
    """The parts of a model that count: its solids, or where it has none its surfaces."""
    solid = any(one.part.kind != SURFACE for one in model.parts)
    return [one for one in model.parts if (one.part.kind != SURFACE) == solid]


def in_millimetres(model: Model) -> float:
    """One unit of a model's placements in the unit of what is found; 1 where the file states none."""
    return float(model.unit * _MILLIMETRES) if model.unit else 1.0


def _longest(table: Shapes) -> float:
    """The largest coordinate or size of any face, as written."""
    numbers = (table.frames, table.curve_numbers, table.surface_numbers, table.controls, table.edge_points)
    return max(float(np.abs(one).max(initial=0.0)) for one in numbers)


def _check_lengths(drawn: float, shown: Sequence[Shown], scale: float) -> None:
    """Refuse what is so large that its moments overflow, or is placed out there; drawn : the longest of all faces."""
    for one in shown:
        own = float(np.abs(one.mesh.vertices).max()) if one.mesh else drawn
        longest = (
            max(own * float(one.part.factor), float(np.abs(one.part.placements).max(initial=0.0))) * scale
        )
        if not longest <= _LONGEST:  # catches nan, too
            msg = (
                f"STEP file with a length of {longest:g} mm in or around #{one.part.number}, "
                f"beyond all measure, {_LONGEST:g} mm; export it again"
            )
            raise FormatError(msg)


def _occurrences(shown: Shown, number: int, scale: float) -> Iterable[Occurrence]:
    """Where a part stands, in millimetres."""
    part = shown.part
    numbers = (part.scale.tolist(), (part.travel * scale).tolist(), part.steps.tolist())
    for matrix, size, travel, steps in zip(part.placements, *numbers, strict=True):
        yield Occurrence(number, matrix[:3, :3], matrix[:3, 3] * scale, size, travel, steps)


class _Own(NamedTuple):
    """What is integrated without Open CASCADE, by number in `shown`."""

    made: dict[int, Definition]
    reasons: dict[int, str]  # why others are not
    parts: dict[int, list[exact.Part]]  # what of `made` has faces
    facets: dict[int, Any]  # and what has triangles: `facetted.Facetted`


def _facetted(shown: Sequence[Shown]) -> dict[int, Any]:
    """The tessellated parts, by their number in `shown`."""
    own = {n: one for n, one in enumerate(shown) if one.mesh}
    if not own:
        return {}
    from massproof import facetted  # which files without any do not wait for

    return {n: facetted.measure(one.mesh, one.part.kind != SURFACE) for n, one in own.items() if one.mesh}


def _facet_notes(shown: Sequence[Shown], found: dict[int, Any]) -> tuple[list[Note], bool]:
    """What is said of tessellated parts together, and whether that is an assumption of what they enclose."""
    if not found:
        return [], False
    from massproof import facetted

    numbers = [shown[n].part.number for n in found]
    return list(facetted.notes(numbers, list(found.values()))), any(one.bounded for one in found.values())


def _own(model: Model, shown: Sequence[Shown], scale: float, accuracy: float | None) -> _Own:
    """Parts of triangles, and natively all that can be; accuracy : None: no faces."""
    reasons = {n: one.problems[0] for n, one in enumerate(shown) if one.problems}
    facets = _facetted(shown)
    made = {n: in_unit(one.definition, scale * float(shown[n].part.factor)) for n, one in facets.items()}
    if accuracy is None:
        return _Own(made, reasons, {}, facets)
    parts = _integrated(model.shapes, shown, accuracy)
    exactly, unclear = _native(parts, shown, scale)
    return _Own(made | exactly, reasons | unclear, {n: parts[n] for n in exactly}, facets)


def _native(
    parts: dict[int, list[exact.Part]], shown: Sequence[Shown], scale: float
) -> tuple[dict[int, Definition], dict[int, str]]:
    """What could be integrated natively, by its number in `shown`; and why others could not, though they were read."""
    definitions, reasons = {}, {}
    for n, rows in parts.items():
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


def _integrated(table: Shapes, shown: Sequence[Shown], accuracy: float) -> dict[int, list[exact.Part]]:
    """Of each solid that was read its part, of each surface model those of its shells, by its number in `shown`.

    The rest of the table is left alone.
    """
    read = {n: one for n, one in enumerate(shown) if not (one.problems or one.mesh)}
    rows = sorted({shell for one in read.values() for shell, _ in one.shells})
    place = {row: n for n, row in enumerate(rows)}
    solids: list[tuple[int, int, int]] = []
    members: list[tuple[int, int]] = []
    for one in read.values():
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
    return {
        n: [next(bodies)] if one.solid >= 0 else [parts[place[shell]] for shell, _ in one.shells]
        for n, one in read.items()
    }


def _mended(found: Sequence[list[exact.Part]]) -> list[Note]:
    """Where files contradict themselves, and what was assumed to integrate them all the same."""
    parts = [part for rows in found for part in rows]
    notes: list[Note] = []
    turned = [part for part in parts if part.turned]
    if turned:
        numbers = [number for part in turned for number in part.turned]
        named = ", ".join(f"#{number}" for number in numbers[:_NAMED])
        text = (
            f"faces that look the other way than their loops or their neighbours say: {len(numbers)}, in "
            f"{len(turned)} of {len(parts)} parts, as {named}; they were turned to fit, and the volume rests on that"
        )
        evidence = {"faces": len(numbers), "parts": len(turned), "numbers": numbers[:_LISTED]}
        notes.append(("faces-turned", text, evidence))
    open_ = [part for part in parts if part.unbalanced]
    if open_:
        worst = max(open_, key=lambda part: part.imbalance)
        text = (
            f"parts whose faces do not close, though their edges do: {len(open_)} of {len(parts)}; most open is "
            f"#{worst.entity}, whose area vectors add up to {worst.imbalance:.2g} of its area and not to zero"
        )
        evidence = {"relative": worst.imbalance, "numbers": [part.entity for part in open_[:_LISTED]]}
        notes.append(("area-vectors", text, evidence))
    return notes


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
) -> tuple[dict[int, Definition], dict[int, FormatError], str]:
    """What Open CASCADE makes of parts, why it makes nothing of others, and its version."""
    if not asked:
        return {}, {}, ""
    turns: dict[int, dict[bytes, Any]] = {n: {} for n in asked}
    for one in occurrences:
        if one.definition in turns:
            turns[one.definition].setdefault((one.matrix + 0.0).tobytes(), one.matrix.tolist())
    position = np.cumsum(
        model.entities.rows[:, 0] >= 0
    )  # of each row among the instances of the file, from 1 on
    wanted = [
        [[int(position[row]) for row in some] for some in rows(model, shown[n], solid)]
        + [list(turns[n].values())]
        for n in asked
    ]
    answers, version = _answers(model, wanted)
    made: dict[int, Definition] = {}
    lost: dict[int, FormatError] = {}
    for n, found in zip(asked, answers, strict=True):
        if isinstance(found, FormatError):
            lost[n] = found
        else:
            made[n] = _answered(found, list(turns[n]))
    return made, lost, version


def require_open_cascade(model: Model) -> None:
    """Raise MissingExtra where Open CASCADE is not there, FormatError for a file that it would not survive."""
    recursion.check(model.entities)
    _require_it()


def _require_it() -> None:
    if isolation.way() == isolation.PROCESS:  # else a call begins when it has been imported
        isolation.call("massproof.occt:ready", b"")  # which may take longer than what is asked of it


def _answers(model: Model, wanted: list[Any]) -> tuple[list[Any], str]:
    """What Open CASCADE says of each part, or why it says nothing; and its version.

    Where it crashes, hangs or takes too much, each part is asked for alone, in the same time once more.
    """
    try:
        recursion.check(model.entities)
    except FormatError as error:
        return [error] * len(wanted), ""
    _require_it()
    data = model.entities.data
    limits = isolation.DEFAULT._replace(seconds=_PATIENCE + len(data) / _BYTES)
    try:
        return _call(data, wanted, limits)
    except isolation.Stopped as error:
        if len(wanted) == 1:
            return [error], ""
    except FormatError as error:
        return [error] * len(wanted), ""
    answers: list[Any] = [isolation.Stopped("no time is left for it", "WALL_CLOCK")] * len(wanted)
    version, end = "", time.monotonic() + limits.seconds
    for n, one in enumerate(wanted):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            (answers[n],), version = _call(data, [one], limits._replace(seconds=left))
        except FormatError as error:
            answers[n] = error
    return answers, version


def _call(data: Any, wanted: list[Any], limits: isolation.Limits) -> tuple[list[Any], str]:
    answer = isolation.call("massproof.occt:parts", data, limits, wanted=wanted)
    return [one or FormatError("Open CASCADE leaves it out") for one in answer["parts"]], answer["version"]


def rows(model: Model, shown: Shown, solid: bool) -> tuple[list[int], list[int]]:
    """Rows of the file where a solid is written, none for a surface, and those of the shells of either."""
    numbers = {int(model.shapes.shells[shell, 2]) for shell, _ in shown.shells if shell >= 0}
    shells = np.flatnonzero(np.isin(model.entities.rows[:, 0], list(numbers))).tolist()
    return [shown.part.row] if solid else [], shells


def _answered(answer: dict[str, Any], turns: list[bytes]) -> Definition:
    boxes = {
        turn: (np.array(low), np.array(high), rim)
        for turn, (low, high, rim) in zip(turns, answer["boxes"], strict=True)
    }
    body = answer["body"] and Body(answer["body"][0], *map(np.array, answer["body"][1:]))
    return Definition(
        body,
        answer["area"],
        {cause: Errors(*one) for cause, one in answer["errors"].items()},
        lambda matrix: boxes[(matrix + 0.0).tobytes()],
        answer["splines"],
        answer["inverted"],
        answer["unclosed"],
    )


def _unmade(shown: Sequence[Shown], lost: dict[int, FormatError], n: int) -> FormatError:
    """What to say of a part that no engine makes; where Open CASCADE was stopped, with the code of that."""
    error = lost[n]
    why = "; ".join([*shown[n].problems[:1], str(error)])
    return error.again(
        f"STEP file with a part, #{shown[n].part.number}, that cannot be made: {why}; export it again"
    )


def _unchecked(shown: Sequence[Shown], lost: dict[int, FormatError]) -> list[Note]:
    """Parts that only one engine could make."""
    if not lost:
        return []
    first = min(lost)
    text = (
        f"Open CASCADE makes nothing of {len(lost)} of {len(shown)} parts, which are not compared, as "
        f"#{shown[first].part.number}: {lost[first]}"
    )
    numbers = [shown[n].part.number for n in sorted(lost)[:_LISTED]]
    return [("engines-unchecked", text, {"parts": len(shown), "count": len(lost), "numbers": numbers})]


def _fallen_back(shown: Sequence[Shown], reasons: dict[int, str]) -> list[Note]:
    """Which parts Open CASCADE integrated, and why."""
    if not reasons:
        return []
    named = "; ".join(f"#{shown[n].part.number}: {why}" for n, why in list(reasons.items())[:_NAMED])
    text = f"{len(reasons)} of {len(shown)} parts were integrated by Open CASCADE. {named}"
    numbers = [shown[n].part.number for n in reasons]
    evidence = {"parts": len(shown), "fallen_back": len(reasons), "numbers": numbers[:_LISTED]}
    return [("fallback-occt", text, evidence)]


def _disagreements(shown: Sequence[Shown], both: dict[int, tuple[Definition, Definition]]) -> list[Note]:
    """Parts of which the engines say what both cannot be, by their errors."""
    worst: list[tuple[float, int, str, float, float]] = []
    for n, (native, foreign) in both.items():
        for what, ours, theirs, allowed in _compared(native, foreign):
            if not abs(ours - theirs) <= allowed:
                worst.append((abs(ours - theirs) / max(allowed, _TINY), n, what, ours, theirs))
    if worst:
        return [_disagreement(shown, len(both), worst)]
    if not both:
        return []
    text = f"the native engine and Open CASCADE agree on all {len(both)} parts, within their errors"
    return [("engines-agree", text, {"parts": len(both)})]


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
        return float(sum(getattr(one, field) for one in both if one))

    yield "area", native.area, foreign.area, allowed("area")
    volumes = [one.body is not None and not one.unclosed for one in (native, foreign)]
    if not (native.body and foreign.body and all(volumes)):
        yield "number of volumes", float(volumes[0]), float(volumes[1]), 0.0
        return
    yield "volume", native.body.mass, foreign.body.mass, allowed("volume")
    for k in range(3):
        yield "centre", float(native.body.centre[k]), float(foreign.body.centre[k]), allowed("centre")
        for j in range(k + 1):
            ours, theirs = float(native.body.second[k, j]), float(foreign.body.second[k, j])
            yield "second moment", ours, theirs, allowed("second")


def _method(native: int, facets: int, count: int, accuracy: float, version: str) -> str:
    """How parts were measured: the first way without the number of those."""
    ways = (
        (native, f"boundary integrals over the exact faces, to {accuracy:g}"),
        (facets, "divergence theorem over the triangles as stored"),
        (count - native - facets, f"Open CASCADE {version}, adaptive Gauss integration at two accuracies"),
    )
    first, *others = [(parts, how) for parts, how in ways if parts]
    return "; ".join([first[1], *(f"{how} for {parts} of {count} parts" for parts, how in others)])
