"""Mass properties of the solids of a file, integrated natively over their exact faces.

`kernels.faces` integrates each face once; here faces become solids: which way each face looks is taken from its
loops and made consistent over the shell, errors are summed by cause, and what is not accurate enough is integrated
again with smaller panels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.brep import SPHERE, SPLINE, TORUS, Floats, Integers, Shapes
from massproof.extents import Extent, extents
from massproof.kernels import faces as kernel
from massproof.kernels.geometry import ROWS, WIDTH
from massproof.kernels.inner import FIELDS
from massproof.mass import Body, Errors
from massproof.tables import Flags, Table, distinct, firsts, grouped, prepare, spread
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
    owner: Integers  # (N,) part of each face
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
    _take_other_side(table, rows, integrals)
    places = _places(table, rows, integrals)
    for _ in range(_ROUNDS):
        sums, parts = _parts(table, rows, integrals, places)
        again = _inaccurate(rows, integrals, sums, parts, accuracy)
        if not len(again):
            return parts
        integrals.refine(again)
    return _parts(table, rows, integrals, places)[1]


def _rows(shapes: Shapes) -> tuple[_Rows, Integers]:
    """Which shells and faces make which part, and the faces, part by part."""
    at, part = spread(shapes.solids[:, 0], shapes.solids[:, 1])
    used = shapes.solid_shells[at, 0]  # their orientation tells nothing: some exporters turn cavities twice
    alone = np.ones(len(shapes.shells), bool)
    alone[used] = False
    free = np.flatnonzero(alone)
    shells = np.concatenate([used, free])
    part = np.concatenate([part, len(shapes.solids) + np.arange(len(free))])
    at, shell = spread(shapes.shells[shells, 0], shapes.shells[shells, 1])
    face, sign = shapes.shell_faces[at].T
    entity = np.concatenate([shapes.solids[:, 2], shapes.shells[free, 2]])
    solid = np.arange(len(entity)) < len(shapes.solids)
    return _Rows(part, firsts(part), entity, solid, shell, part[shell], 2.0 * sign - 1), shapes.faces[face]


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
        self.owner = rows.owner
        known = np.where(np.isfinite(table.boxes[:, :1]), table.boxes, 0.0)
        own = np.linalg.norm(known[:, 3:] - known[:, :3], axis=1)
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
    count = len(rows.entity)
    low = grouped(np.minimum, rows.owner, count, table.boxes[:, :3], np.inf)
    return low, grouped(np.maximum, rows.owner, count, table.boxes[:, 3:], -np.inf)


def _scratch(table: Table) -> tuple[Floats, ...]:
    """Memory for one thread of `kernels.faces.measure`."""
    surfaces = table.shapes.surfaces
    free = surfaces[surfaces[:, 0] == SPLINE]
    columns = int(free[:, 5].max(initial=1))
    cells = int(free[:, 9].max(initial=1)) * _PARTS
    shapes = (
        (ROWS, WIDTH), (7, 3), (3, 3), (columns, 8), (cells, 3), (cells * 15, 2 * WIDTH), (2 * WIDTH,),
        (kernel.PANEL_BORDER + 1, FIELDS), (kernel.PAST_POINT + 1, 8), (table.pieces, 4), (32, 3),
    )  # fmt: skip
    return tuple(np.zeros(shape) for shape in shapes)


def _signs(table: Table, rows: _Rows) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Signs that make neighbours in each shell look alike; which shells are closed, and look outwards throughout.

    An edge joins two faces when it is used by two loops; they look alike when these run it in opposite directions.
    """
    row, edge, direction = table.edge_face, np.abs(table.edge_use), np.sign(table.edge_use)
    key = rows.shell[row] * (len(table.shapes.edges) + 1) + edge
    order = np.argsort(key, kind="stable")
    begin = firsts(key[order]).nonzero()[0]
    count = np.concatenate([begin[1:], [len(order)]]) - begin if len(begin) else begin
    shell = rows.shell[row[order[begin]]] if len(begin) else begin
    closed = np.ones(len(rows.part), bool)
    closed[shell[count != 2]] = False
    balance = np.add.reduceat(direction[order] * rows.sign[row[order]], begin) if len(begin) else begin
    sign = rows.sign.copy()
    apart = shell[(count == 2) & (balance != 0)]
    for wrong in distinct(apart):
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


def _take_other_side(table: Table, rows: _Rows, integrals: _Integrals) -> None:
    """Of surfaces without end, take the other region where neighbours say that the loops of a face are turned.

    Loops and normal together tell which of the two it is. One flag is likelier to be wrong than both, so the normal
    stays: the face is asked for the region that its loops bound with the normal turned, and `_signs` turns that.
    """
    faces = table.shapes.faces
    kind, closed = table.shapes.surfaces[:, 0], table.closures > 0
    endless = (
        (kind == SPHERE) | (kind == TORUS) | (closed[:, 0] & (closed[:, 1] | closed[:, 2] & closed[:, 3]))
    )
    chosen = np.flatnonzero(faces[:, 0] >= 0)
    chosen = chosen[endless[faces[chosen, 0]]]
    if len(chosen):
        sign, _ = _signs(table, rows)
        chosen = chosen[sign[chosen] != rows.sign[chosen]]
    if len(chosen):
        faces[chosen, 1] = 1 - faces[chosen, 1]
        integrals.run(chosen)


class _Sums(NamedTuple):
    """Sums over the faces of parts, one row each."""

    total: Floats  # (P, 13) moments about the origin and area vector
    area: Floats  # (P,)
    errors: Floats  # (P, 4)
    imbalance: Floats  # (P,) length of the area vector: 0 for a closed surface
    gap: Floats  # (P,) the largest
    integration: Floats  # (P, 4) errors of area, volume, first and second moments about the origin
    gaps: Floats  # (P, 4) the same errors, of gaps

    @classmethod
    def of(cls, table: Table, rows: _Rows, integrals: _Integrals, moments: Floats) -> _Sums:
        """Sums of all parts; moments : (N, 13) of the faces, signed.

        A strip of area s between an edge and its face, somewhere within reach R, is missing or counted twice: it
        changes the moments by no more than s R, s R², s R³. What the area vectors lack to add up to zero is another
        such strip, and is seen whether the gaps explain it or not.
        """
        count, noise, reach = len(rows.entity), table.noise, integrals.reach
        borders, areas = integrals.borders, np.abs(integrals.fields[:, :1])
        columns = np.hstack([moments, areas, integrals.errors, borders[:, 3:5]])
        summed = grouped(np.add, rows.owner, count, columns, 0.0)
        total, area, errors, length, strip = np.split(summed, (13, 14, 18, 19), axis=1)
        imbalance = np.linalg.norm(total[:, 10:], axis=1)
        powers = reach[:, None] ** np.arange(4)
        integration = errors + (_ROUNDING * area + noise * length) * powers
        integration[:, 1:] += noise * area * powers[:, :3]
        gap = grouped(np.maximum, rows.owner, count, borders[:, 5], 0.0)
        gaps = (strip + imbalance[:, None]) * powers
        return cls(total, area[:, 0], errors, imbalance, gap, integration, gaps)


class _Place(NamedTuple):
    """What a part is made of, and where it is."""

    extent: Extent
    splines: int
    faces: int


def _places(table: Table, rows: _Rows, integrals: _Integrals) -> list[_Place]:
    """Extents of all parts, whose faces stand one part after the other."""
    first = np.searchsorted(rows.owner, np.arange(len(rows.entity) + 1))
    senses = np.where(integrals.fields[:, 0] >= 0, 1.0, -1.0)
    free = np.append(0, np.cumsum(table.free))
    splines, faces = (free[first[1:]] - free[first[:-1]]).tolist(), (first[1:] - first[:-1]).tolist()
    return [_Place(*row) for row in zip(extents(table, first, senses), splines, faces, strict=True)]


def _parts(
    table: Table, rows: _Rows, integrals: _Integrals, places: list[_Place]
) -> tuple[_Sums, list[Part]]:
    """All parts, from the integrals of their faces, and their sums."""
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
    whole, inverted = np.ones(count, bool), np.zeros(count, bool)
    whole[rows.part[~closed]] = False
    inverted[rows.part[inside_out & rows.outer]] = True
    what = zip(rows.entity.tolist(), rows.solid.tolist(), bad, strict=True)
    shells = zip(whole.tolist(), other, inverted.tolist(), strict=True)
    described = enumerate(zip(what, places, shells, strict=True))
    return sums, [_part(table, integrals.origin[p], sums, p, *row) for p, row in described]


def _numbers(table: Table, rows: _Rows, faces: Flags) -> list[tuple[int, ...]]:
    """Entity numbers of some faces, part by part."""
    found: list[tuple[int, ...]] = [()] * len(rows.entity)
    for f in np.flatnonzero(faces).tolist():
        found[rows.owner[f]] += (int(table.shapes.faces[f, 4]),)
    return found


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
    table: Table,
    origin: Floats,
    sums: _Sums,
    p: int,
    what: tuple[int, bool, tuple[int, ...]],
    place: _Place,
    shells: tuple[bool, tuple[int, ...], bool],
) -> Part:
    """Part p of its sums; what: entity, solid, unsupported; shells: closed, faces turned, inside out."""
    entity, solid, unsupported = what
    area, imbalance, gap = float(sums.area[p]), float(sums.imbalance[p]), float(sums.gap[p])
    absent = _absent(solid, float(sums.total[p, 0]), len(unsupported), place.faces)
    low, high, rim = place.extent.plain
    integration: list[float] = sums.integration[p].tolist()
    gaps: list[float] = sums.gaps[p].tolist()
    body = None
    if absent:
        integration[1:], gaps[1:] = [0.0] * 3, [0.0] * 3
    else:
        about = Body.from_moments(sums.total[p, :10], origin)
        away = math.dist(about.centre, origin)
        integration, gaps = (_centred(errors, away, about.mass) for errors in (integration, gaps))
        integration[2] += table.noise
        body = Body(about.mass, about.centre + table.centre, about.second)
    causes = {"integration": _told(integration, rim), "brep-gap": _told(gaps, gap)}
    return Part(
        *(entity, area, body, low, high, causes, place.faces, unsupported, *shells),
        *(imbalance / area if area else 0.0, gap, absent, place.splines, place.extent),
    )


def _absent(solid: bool, volume: float, unsupported: int, faces: int) -> str:
    """Why a part has no volume, "" when it has one."""
    if not solid:
        return "a free shell bounds no solid"
    if unsupported:
        return f"{unsupported} of {faces} faces cannot be integrated natively"
    return "" if volume > 0 else "the faces enclose no volume"


def _told(errors: list[float], box: float) -> Errors:
    area, volume, centre, second = errors
    return Errors(area, volume, centre, second, box)


def _centred(errors: list[float], away: float, volume: float) -> list[float]:
    """Errors of area, volume, centre and central second moment, from those of moments about an origin.

    away : of the centre from the origin; with c = m/V, |Δc| ≤ (Δm + c ΔV)/V, and of M − V c cᵀ alike
    """
    area, body, first, second = errors
    return [area, body, (first + away * body) / volume, second + 2 * away * first + away * away * body]


def _inaccurate(
    rows: _Rows, integrals: _Integrals, sums: _Sums, parts: list[Part], accuracy: float
) -> Integers:
    """Faces that have to be integrated again for their parts to be as accurate as asked, and as their gaps allow."""
    powers = integrals.reach[:, None] ** np.arange(4)
    volume = np.array([one.body.mass if one.body else np.inf for one in parts])
    allowed = accuracy * np.where([True, False, False, False], sums.area[:, None], volume[:, None])
    allowed[:, 2:] *= powers[:, 1:3]
    allowed = np.maximum(allowed, 0.1 * sums.gaps[:, :1] * powers)
    wrong: Flags = np.logical_or.reduce(sums.errors > 0.5 * allowed, axis=1)
    if not wrong.any():
        return np.zeros(0, np.int64)
    share = 0.25 * allowed / np.bincount(rows.owner, minlength=len(parts)).clip(1)[:, None]
    again = wrong[rows.owner] & (integrals.errors > share[rows.owner]).any(axis=1)
    return np.flatnonzero(again)
