"""Mass properties of the solids of a file, integrated natively over their exact faces.

`kernels.faces` integrates each face once; here faces become solids: which way each face looks is taken from its
loops and made consistent over the shell, errors are summed by cause, and what is not accurate enough is integrated
again with smaller panels.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.brep import SPLINE, Floats, Integers, Shapes
from massproof.extents import Extent, extents
from massproof.kernels import faces as kernel
from massproof.kernels.geometry import ROWS, WIDTH
from massproof.kernels.inner import FIELDS
from massproof.mass import Body, Errors
from massproof.tables import Table, prepare, spread
from massproof.vetting import vetted

ACCURACY = 1e-9  # relative, of area, volume and moments

_PARTS = 8  # into which knot spans are divided at most
_PANEL = 2e-2  # of the accuracy, what one panel may be off by, per size of the solid to the power
_FINER = 1e-2  # of a panel's target, when a face is integrated again
_ROUNDS = 3  # of that
_ROUNDING = 64 * np.finfo(float).eps  # of sums, per area × reach
_STRAY = 1e-2  # of its size: edges so far from their face belong to another


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """What was integrated over one solid or one free shell, in powers of the file's length unit."""

    entity: int
    area: float
    body: Body | None  # of unit density; None when no volume is defined, `absent` says why
    low: Floats  # (3,) corners of the bounding box
    high: Floats
    errors: dict[str, Errors]  # by cause: integration, brep-gap
    faces: int
    unsupported: tuple[int, ...]  # entity numbers of faces that could not be integrated
    closed: bool  # whether every edge joins two faces
    turned: tuple[
        int, ...
    ]  # entity numbers of faces that looked the other way than their loops or neighbours say
    inverted: bool  # whether the outer shell is inside out; its volume counts as positive
    imbalance: float  # |Σ area vectors| over the area: 0 for a closed surface
    gap: float  # largest distance of an edge from one of its faces
    absent: str
    splines: (
        int  # faces that are splines or offsets of them, or have an edge that is: their error is an estimate
    )
    extent: Extent

    @property
    def unbalanced(self) -> bool:
        """Whether the area vectors of its closed surface add up to more than gaps and errors let them."""
        known = self.errors["brep-gap"].area + self.errors["integration"].area
        return self.closed and 2 * self.imbalance * self.area > known

    def box(self, matrix: Floats) -> tuple[Floats, Floats]:
        """Tight corners after r -> matrix·r, a rotation or mirror times a scale; made when asked, and kept."""
        low, high, _ = self.extent.box(matrix)
        return low, high

    def rim(self, matrix: Floats) -> float:
        """How far that box may be off; of the identity it is `errors["integration"].box`."""
        return self.extent.box(matrix)[2]


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    """Shells of parts and their faces, flat: face i belongs to shell shell[i] of part part[shell[i]].

    A face that stands in two shells, or in a shell of two solids, is there twice.
    """

    part: Integers  # (W,) part of each shell
    outer: npt.NDArray[np.bool_]  # (W,) whether it is the part's first
    entity: Integers  # (P,)
    solid: npt.NDArray[np.bool_]  # (P,) whether the part is a solid
    shell: Integers  # (N,) shell of each face
    sign: Floats  # (N,) 1 or −1: orientation in the shell


def integrate(shapes: Shapes, accuracy: float = ACCURACY) -> list[Part]:
    """Mass properties of every solid, then of every shell that belongs to none; each is integrated once.

    accuracy : relative, of area, volume and moments; what cannot be had shows in the errors
    """
    shapes = vetted(shapes)
    rows, faces = _rows(shapes)
    table = prepare(shapes._replace(faces=faces))
    integrals = _Integrals(table, rows, accuracy)
    integrals.run(np.arange(len(faces)))
    places = _places(table, rows, integrals)
    parts = _parts(table, rows, integrals, places)
    for _ in range(_ROUNDS):
        again = _inaccurate(rows, integrals, parts, accuracy)
        if not len(again):
            break
        integrals.refine(again)
        parts = _parts(table, rows, integrals, places)
    return parts


def _rows(shapes: Shapes) -> tuple[_Rows, Integers]:
    """Which shells and faces make which part, and the faces, part by part."""
    at, part = spread(shapes.solids[:, 0], shapes.solids[:, 1])
    used = shapes.solid_shells[at, 0]  # their orientation tells nothing: some exporters turn cavities twice
    free = np.setdiff1d(np.arange(len(shapes.shells)), used)
    shells = np.concatenate([used, free])
    part = np.concatenate([part, len(shapes.solids) + np.arange(len(free))])
    outer = np.diff(part, prepend=-1) > 0
    at, shell = spread(shapes.shells[shells, 0], shapes.shells[shells, 1])
    face, sign = shapes.shell_faces[at].T
    entity = np.concatenate([shapes.solids[:, 2], shapes.shells[free, 2]])
    solid = np.arange(len(entity)) < len(shapes.solids)
    return _Rows(part, outer, entity, solid, shell, 2.0 * sign - 1), shapes.faces[face]


class _Integrals:
    """The integrals over all faces, each about the origin of its part."""

    def __init__(self, table: Table, rows: _Rows, accuracy: float) -> None:
        count = len(table.shapes.faces)
        self.table = table
        self.fields, self.errors = np.zeros((count, FIELDS)), np.zeros((count, 4))
        self.borders, self.outcomes = np.zeros((count, 6)), np.zeros((count, 3), np.int64)
        self.low, self.high = _boxes(rows, table)
        empty = ~(self.low <= self.high)  # of parts whose faces have no known extent
        self.low[empty], self.high[empty] = 0.0, 0.0
        self.origin = (self.low + self.high) / 2
        size = np.linalg.norm(self.high - self.low, axis=1)
        self.reach = np.where(size > 0, size, 1.0) / 2
        self.owner = rows.part[rows.shell]
        known = np.isfinite(table.boxes[:, :1])
        own = np.linalg.norm(
            np.where(known, table.boxes[:, 3:], 0.0) - np.where(known, table.boxes[:, :3], 0.0), axis=1
        )
        self.sizes = np.where(own > 0, own, 1.0)
        self.target = np.full(count, _PANEL * accuracy)
        self.parts = 1
        self.scratch = _scratch(table)

    def run(self, chosen: Integers) -> None:
        """Integrate the faces `chosen`."""
        table, shapes = self.table, self.table.shapes
        size = 2 * self.reach[self.owner] if len(self.reach) else np.ones(len(self.owner))
        targets = self.target[:, None] * size[:, None] ** np.arange(2, 6)
        origins = self.origin[self.owner] if len(self.origin) else np.zeros((len(self.owner), 3))
        topology = (shapes.edges, shapes.edge_points, table.ranges, shapes.uses, shapes.loops, shapes.faces)
        faces = (table.closures, table.face_frames, origins, self.sizes, table.noise, targets, self.parts)
        order = chosen[np.argsort(shapes.faces[chosen, 0], kind="stable")]  # a spline is tabulated once
        results = (self.fields, self.errors, self.borders, self.outcomes)
        kernel.measure(*shapes[:7], *topology, *faces, order, *self.scratch, *results)

    def refine(self, chosen: Integers) -> None:
        """Integrate the faces `chosen` again, with smaller panels and divided knot spans."""
        self.target[chosen] *= _FINER
        self.parts = min(2 * self.parts, _PARTS)
        self.run(chosen)


def _boxes(rows: _Rows, table: Table) -> tuple[Floats, Floats]:
    """Boxes of all parts."""
    low = np.full((len(rows.entity), 3), np.inf)
    high = -low
    part = rows.part[rows.shell]
    np.minimum.at(low, part, table.boxes[:, :3])
    np.maximum.at(high, part, table.boxes[:, 3:])
    return low, high


def _scratch(table: Table) -> tuple[Floats, ...]:
    """Memory for one thread of `kernels.faces.measure`."""
    surfaces = table.shapes.surfaces
    free = surfaces[surfaces[:, 0] == SPLINE]
    columns = int(free[:, 5].max(initial=1))
    cells = int(free[:, 9].max(initial=1)) * _PARTS
    shapes = (
        (ROWS, WIDTH), (6, 3), (3, 3), (columns, 8), (cells, 3), (cells * 15, 2 * WIDTH), (2 * WIDTH,),
        (kernel.PANEL_BORDER + 1, FIELDS), (kernel.PAST_POINT + 1, 8), (table.pieces, 4), (32, 3),
    )  # fmt: skip
    return tuple(np.zeros(shape) for shape in shapes)


def _signs(table: Table, rows: _Rows) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Signs that make neighbours in each shell look alike; which shells are closed, and look outwards throughout.

    An edge joins two faces when it is used by two loops; they look alike when these run it in opposite directions.
    """
    first = np.searchsorted(table.edge_face, np.arange(len(table.shapes.faces) + 1))
    use, row = spread(first[:-1], np.diff(first))
    edge, direction = np.abs(table.edge_use[use]), np.sign(table.edge_use[use])
    key = rows.shell[row] * (len(table.shapes.edges) + 1) + edge
    order = np.argsort(key, kind="stable")
    begin = np.flatnonzero(np.diff(key[order], prepend=-1))
    count = np.diff(np.append(begin, len(order)))
    shell = rows.shell[row[order[begin]]] if len(begin) else begin
    closed = np.ones(len(rows.part), bool)
    closed[shell[count != 2]] = False
    balance = np.add.reduceat(direction[order] * rows.sign[row[order]], begin) if len(begin) else begin
    sign = rows.sign.copy()
    for wrong in np.unique(shell[(count == 2) & (balance != 0)]):
        pairs = (
            order[begin[(shell == wrong) & (count == 2)]][:, None],
            order[1 + begin[(shell == wrong) & (count == 2)]][:, None],
        )
        both = np.hstack(pairs)
        closed[wrong] &= _turn(sign, row[both], direction[both])
    return sign, closed


def _turn(sign: Floats, rows: Integers, directions: Integers) -> bool:
    """Turn faces until neighbours look alike, as few as may be; False for a surface with one side only.

    rows, directions : (n, 2) the two faces at each edge, and which way their loops run it
    """
    neighbours: dict[int, list[tuple[int, int]]] = {}
    for (a, b), (p, q) in zip(rows.tolist(), directions.tolist(), strict=True):
        if a != b:
            neighbours.setdefault(a, []).append((b, p * q))
            neighbours.setdefault(b, []).append((a, p * q))
    seen: set[int] = set()
    for start in neighbours:
        if start in seen:
            continue
        seen.add(start)
        patch, stack, changed = [start], [start], {start: 1.0}
        while stack:
            a = stack.pop()
            for b, same in neighbours[a]:
                if b not in seen:
                    seen.add(b)
                    changed[b] = -same * sign[a] * changed[a] * sign[b]
                    patch.append(b)
                    stack.append(b)
        flips = np.array([changed[a] for a in patch])
        if (flips < 0).sum() > len(patch) / 2:
            flips = -flips
        sign[patch] *= flips
    return bool(((directions * sign[rows]).sum(axis=1) == 0).all())


@dataclass(frozen=True, eq=False, slots=True)
class _Sums:
    """Sums over the faces of parts, (P, …) each, or of one part."""

    total: Floats  # (13,) moments about the origin and area vector
    area: Any
    errors: Floats  # (4,)
    length: Any  # of edges, each counted for both its faces
    strip: Any  # ∫ gap along them
    gap: Any
    origin: Floats
    reach: Any
    centre: Floats  # (3,) of the file
    noise: float

    @classmethod
    def of(cls, table: Table, rows: _Rows, integrals: _Integrals, moments: Floats) -> _Sums:
        """Sums of all parts; moments : (N, 13) of the faces, signed."""
        part, count = rows.part[rows.shell], len(rows.entity)

        def summed(values: Floats) -> Floats:
            out = np.zeros((count, *values.shape[1:]))
            np.add.at(out, part, values)
            return out

        border = summed(integrals.borders)
        gap = np.zeros(count)
        np.maximum.at(gap, part, integrals.borders[:, 5])
        area, errors = summed(np.abs(integrals.fields[:, 0])), summed(integrals.errors)
        place = (integrals.origin, integrals.reach, table.centre, table.noise)
        return cls(summed(moments), area, errors, border[:, 3], border[:, 4], gap, *place)

    def of_part(self, p: int) -> _Sums:
        """Sums of one part."""
        names = [one.name for one in fields(self) if one.name not in ("centre", "noise")]
        return replace(self, **{name: getattr(self, name)[p] for name in names})


class _Place(NamedTuple):
    """What a part is made of, and where it is."""

    extent: Extent
    splines: int
    faces: int


def _places(table: Table, rows: _Rows, integrals: _Integrals) -> list[_Place]:
    """Extents of all parts, whose faces stand one part after the other."""
    first = np.searchsorted(rows.part[rows.shell], np.arange(len(rows.entity) + 1))
    senses = np.where(integrals.fields[:, 0] >= 0, 1.0, -1.0)
    free = np.append(0, np.cumsum(table.free))
    splines, faces = np.diff(free[first]).tolist(), np.diff(first).tolist()
    return [_Place(*row) for row in zip(extents(table, first, senses), splines, faces, strict=True)]


def _parts(table: Table, rows: _Rows, integrals: _Integrals, places: list[_Place]) -> list[Part]:
    """All parts, from the integrals of their faces."""
    sign, closed = _signs(table, rows)
    count = len(rows.entity)
    moments = sign[:, None] * integrals.fields[:, 1:]
    flux = np.bincount(rows.shell, moments[:, 0], len(rows.part))
    inside_out = ((flux < 0) == rows.outer) & (flux != 0)
    moments *= np.where(inside_out, -1.0, 1.0)[rows.shell, None]
    sums = _Sums.of(table, rows, integrals, moments)
    turned = (sign != rows.sign) | ((integrals.outcomes[:, 1] & kernel.REVERSED) > 0)
    bad = _numbers(table, rows, (integrals.outcomes[:, 0] > 0) | _stray(integrals))
    other = _numbers(table, rows, turned)
    whole = np.ones(count, bool)
    np.logical_and.at(whole, rows.part, closed)
    inverted = np.zeros(count, bool)
    np.logical_or.at(inverted, rows.part, inside_out & rows.outer)
    return [
        _part(
            sums.of_part(p),
            (int(rows.entity[p]), bool(rows.solid[p]), bad.get(p, ())),
            places[p],
            (bool(whole[p]), other.get(p, ()), bool(inverted[p])),
        )
        for p in range(count)
    ]


def _numbers(table: Table, rows: _Rows, faces: npt.NDArray[np.bool_]) -> dict[int, tuple[int, ...]]:
    """Entity numbers of some faces, by part."""
    found: dict[int, list[int]] = {}
    for f in np.flatnonzero(faces):
        found.setdefault(int(rows.part[rows.shell[f]]), []).append(int(table.shapes.faces[f, 4]))
    return {part: tuple(numbers) for part, numbers in found.items()}


def _stray(integrals: _Integrals) -> npt.NDArray[np.bool_]:
    """Faces whose area vector is not that of their border, gaps and errors granted: they were misunderstood."""
    apart = np.linalg.norm(integrals.fields[:, 11:14] - integrals.borders[:, :3], axis=1)
    area = np.abs(integrals.fields[:, 0])
    far = apart > 4 * integrals.borders[:, 4] + 10 * integrals.errors[:, 0] + 1e-9 * (
        area + integrals.sizes**2
    )
    wound = (integrals.outcomes[:, 1] & kernel.WOUND) > 0
    off = integrals.borders[:, 5] > _STRAY * integrals.sizes
    stray: npt.NDArray[np.bool_] = far | wound | off | ~(area <= np.inf)
    return stray


def _part(
    raw: _Sums,
    what: tuple[int, bool, tuple[int, ...]],
    place: _Place,
    shells: tuple[bool, tuple[int, ...], bool],
) -> Part:
    """A part of its sums; what: entity, solid, unsupported; shells: closed, faces turned, inside out."""
    entity, solid, unsupported = what
    imbalance = float(np.linalg.norm(raw.total[10:]))
    absent = _absent(solid, float(raw.total[0]), len(unsupported), place.faces)
    body, integration, gaps = _body(raw, imbalance, bool(absent))
    low, high, rim = place.extent.box(np.eye(3))
    errors = {
        "integration": replace(Errors(*map(float, integration)), box=rim),
        "brep-gap": replace(Errors(*map(float, gaps)), box=float(raw.gap)),
    }
    share = imbalance / float(raw.area) if raw.area else 0.0
    return Part(
        *(
            entity,
            float(raw.area),
            body,
            low,
            high,
            errors,
            place.faces,
            unsupported,
            *shells,
        ),
        *(share, float(raw.gap), absent, place.splines, place.extent),
    )


def _body(raw: _Sums, imbalance: float, absent: bool) -> tuple[Body | None, list[float], list[float]]:
    """The body of unit density, unless it is absent, and the errors of integration and of gaps."""
    integration, gaps = _errors(raw, imbalance)
    if absent:
        return None, [integration[0], 0.0, 0.0, 0.0], [gaps[0], 0.0, 0.0, 0.0]
    about = Body.from_moments(raw.total[:10], raw.origin)
    away = float(np.linalg.norm(about.centre - raw.origin))
    integration, gaps = (_centred(e, away, about.mass) for e in (integration, gaps))
    integration[2] += raw.noise
    return replace(about, centre=about.centre + raw.centre), integration, gaps


def _absent(solid: bool, volume: float, unsupported: int, faces: int) -> str:
    """Why a part has no volume, "" when it has one."""
    if not solid:
        return "a free shell bounds no solid"
    if unsupported:
        return f"{unsupported} of {faces} faces cannot be integrated natively"
    return "" if volume > 0 else "the faces enclose no volume"


def _errors(raw: _Sums, imbalance: float) -> tuple[list[float], list[float]]:
    """Errors of area, volume, first and second moments about the origin: of integration, and of gaps.

    A strip of area s between an edge and its face, somewhere within reach R, is missing or counted twice: it
    changes the moments by no more than s R, s R², s R³. What the area vectors lack to add up to zero is another
    such strip, and is seen whether the gaps explain it or not.
    """
    powers = raw.reach ** np.arange(4)
    rounding = _ROUNDING * raw.area + raw.noise * raw.length
    moved = raw.noise * raw.area * np.array([0.0, 1.0, raw.reach, raw.reach**2])
    integration = raw.errors + rounding * powers + moved
    return integration.tolist(), ((raw.strip + imbalance) * powers).tolist()


def _centred(errors: list[float], away: float, volume: float) -> list[float]:
    """Errors of area, volume, centre and central second moment, from those of moments about an origin.

    away : of the centre from the origin; with c = m/V, |Δc| ≤ (Δm + c ΔV)/V, and of M − V c cᵀ alike
    """
    area, body, first, second = errors
    return [area, body, (first + away * body) / volume, second + 2 * away * first + away * away * body]


def _inaccurate(rows: _Rows, integrals: _Integrals, parts: list[Part], accuracy: float) -> Integers:
    """Faces that have to be integrated again for their parts to be as accurate as asked, and as their gaps allow."""
    first = np.searchsorted(rows.part[rows.shell], np.arange(len(parts) + 1))
    again = np.zeros(len(rows.shell), bool)
    for p, one in enumerate(parts):
        reach, own = integrals.reach[p], slice(first[p], first[p + 1])
        volume = one.body.mass if one.body else np.inf
        allowed = accuracy * np.array([one.area, volume, volume * reach, volume * reach**2])
        allowed = np.maximum(allowed, 0.1 * one.errors["brep-gap"].area * reach ** np.arange(4))
        errors = integrals.errors[own]
        if (errors.sum(axis=0) > 0.5 * allowed).any():
            again[own] |= (errors > 0.25 * allowed / max(1, len(errors))).any(axis=1)
    return np.flatnonzero(again)
