"""Mass properties of the solids of a file, integrated natively over their exact faces.

`kernels.faces` integrates each face once; here faces become solids: which way each face looks is taken from its
loops and made consistent over the shell, errors are summed by cause, and what is not accurate enough is integrated
again with smaller panels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from massproof.brep import SPLINE, Floats, Integers, Shapes
from massproof.errors import Note
from massproof.kernels import faces as kernel
from massproof.kernels.geometry import ROWS, WIDTH
from massproof.mass import Body, Errors
from massproof.tables import Table, prepare, spread

ACCURACY = 1e-9  # relative, of area, volume and moments

_PARTS = 8  # into which knot spans are divided at most
_PANEL = 2e-2  # of the accuracy, what one panel may be off by, per size of the solid to the power
_FINER = 1e-3  # of a panel's target, when a face is integrated again
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
    flipped: int  # faces that looked the wrong way in their shell
    inverted: bool  # whether the outer shell is inside out; its volume counts as positive
    imbalance: float  # |Σ area vectors| over the area: 0 for a closed surface
    gap: float  # largest distance of an edge from one of its faces
    absent: str = ""
    notes: tuple[Note, ...] = field(default=())


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    """Shells of parts and their faces, flat: row i of `face` belongs to shell shell[i] of part part[shell[i]]."""

    part: Integers  # (W,) part of each shell
    outer: npt.NDArray[np.bool_]  # (W,) whether it is the part's first
    entity: Integers  # (P,)
    solid: npt.NDArray[np.bool_]  # (P,) whether the part is a solid
    shell: Integers  # (N,) shell of each face
    face: Integers  # (N,)
    sign: Floats  # (N,) 1 or −1: orientation in the shell


def integrate(shapes: Shapes, accuracy: float = ACCURACY) -> list[Part]:
    """Mass properties of every solid, then of every shell that belongs to none; each is integrated once.

    accuracy : relative, of area, volume and moments; what cannot be had shows in the errors
    """
    table = prepare(shapes)
    rows = _rows(table.shapes)
    integrals = _Integrals(table, rows, accuracy)
    integrals.run(np.unique(rows.face))
    parts = _parts(table, rows, integrals)
    for _ in range(_ROUNDS):
        again = _inaccurate(rows, integrals, parts, accuracy)
        if not len(again):
            break
        integrals.refine(again)
        parts = _parts(table, rows, integrals)
    return parts


def _rows(shapes: Shapes) -> _Rows:
    """Which shells and faces make which part."""
    at, part = spread(shapes.solids[:, 0], shapes.solids[:, 1])
    used = shapes.solid_shells[at, 0]
    free = np.setdiff1d(np.arange(len(shapes.shells)), used)
    shells = np.concatenate([used, free])
    part = np.concatenate([part, len(shapes.solids) + np.arange(len(free))])
    outer = np.diff(part, prepend=-1) > 0
    at, shell = spread(shapes.shells[shells, 0], shapes.shells[shells, 1])
    face, sign = shapes.shell_faces[at].T
    entity = np.concatenate([shapes.solids[:, 2], shapes.shells[free, 2]])
    solid = np.arange(len(entity)) < len(shapes.solids)
    return _Rows(part, outer, entity, solid, shell, face, 2.0 * sign - 1)


class _Integrals:
    """The integrals over all faces, each about the origin of the part that it belongs to first."""

    def __init__(self, table: Table, rows: _Rows, accuracy: float) -> None:
        count = len(table.shapes.faces)
        self.table = table
        self.fields, self.errors = np.zeros((count, kernel.FIELDS)), np.zeros((count, 4))
        self.borders, self.outcomes = np.zeros((count, 6)), np.zeros((count, 3), np.int64)
        self.low, self.high = _boxes(rows, table)
        self.origin = np.where(np.isfinite(self.low), (self.low + self.high) / 2, 0.0)
        size = np.linalg.norm(self.high - self.low, axis=1)
        self.reach = np.where(np.isfinite(size) & (size > 0), size, 1.0) / 2
        self.owner = np.zeros(count, np.int64)
        self.owner[rows.face[::-1]] = rows.part[rows.shell[::-1]]
        own = np.linalg.norm(table.boxes[:, 3:] - table.boxes[:, :3], axis=1)
        self.sizes = np.where(np.isfinite(own) & (own > 0), own, 1.0)
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
        faces = (table.closures, table.face_frames, origins, self.sizes, targets, self.parts)
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
    np.minimum.at(low, part, table.boxes[rows.face, :3])
    np.maximum.at(high, part, table.boxes[rows.face, 3:])
    return low, high


def _scratch(table: Table) -> tuple[Floats, ...]:
    """Memory for one thread of `kernels.faces.measure`."""
    surfaces = table.shapes.surfaces
    free = surfaces[surfaces[:, 0] == SPLINE]
    columns = int(free[:, 5].max(initial=1))
    cells = int(free[:, 9].max(initial=1)) * _PARTS
    shapes = (
        (ROWS, WIDTH), (6, 3), (3, 3), (columns, 8), (cells, 3), (cells * 15, 2 * WIDTH), (2 * WIDTH,),
        (kernel.PANEL_BORDER + 1, kernel.FIELDS), (kernel.PAST_POINT + 1, 8), (table.pieces, 4), (32, 3),
    )  # fmt: skip
    return tuple(np.zeros(shape) for shape in shapes)


def _signs(table: Table, rows: _Rows) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Signs that make neighbours in each shell look alike; which shells are closed; how many faces were turned.

    An edge joins two faces when it is used by two loops; they look alike when these run it in opposite directions.
    """
    first = np.searchsorted(table.edge_face, np.arange(len(table.shapes.faces) + 1))
    use, row = spread(first[rows.face], np.diff(first)[rows.face])
    edge, direction = np.abs(table.edge_use[use]), np.sign(table.edge_use[use])
    key = rows.shell[row] * (len(table.shapes.edges) + 1) + edge
    order = np.argsort(key, kind="stable")
    begin = np.flatnonzero(np.diff(key[order], prepend=-1))
    count = np.diff(np.append(begin, len(order)))
    shell = rows.shell[row[order[begin]]] if len(begin) else begin
    closed = np.ones(len(rows.part), bool)
    closed[shell[count != 2]] = False
    balance = np.add.reduceat(direction[order] * rows.sign[row[order]], begin) if len(begin) else begin
    turned = np.zeros(len(rows.part), np.int64)
    sign = rows.sign.copy()
    for wrong in np.unique(shell[(count == 2) & (balance != 0)]):
        pairs = (
            order[begin[(shell == wrong) & (count == 2)]][:, None],
            order[1 + begin[(shell == wrong) & (count == 2)]][:, None],
        )
        both = np.hstack(pairs)
        turned[wrong] = _turn(sign, row[both], direction[both])
    return sign, closed, turned


def _turn(sign: Floats, rows: Integers, directions: Integers) -> int:
    """Turn faces until neighbours look alike, as few as may be; how many were turned.

    rows, directions : (n, 2) the two faces at each edge, and which way their loops run it
    """
    neighbours: dict[int, list[tuple[int, int]]] = {}
    for (a, b), (p, q) in zip(rows.tolist(), directions.tolist(), strict=True):
        if a != b:
            neighbours.setdefault(a, []).append((b, p * q))
            neighbours.setdefault(b, []).append((a, p * q))
    turned = 0
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
        turned += int((flips < 0).sum())
    return turned


def _moved(fields: Floats, offset: Floats) -> Floats:
    """Ten moments of faces about another origin, from their fields about their own.

    offset : (N, 3) own origin minus the other. A face's share of ∫1 is ∮ r·n/3, which changes by offset·∮n/3;
    the shares of the first and second moments change likewise. Over a closed surface the sums are those of
    the solid that is moved.
    """
    out: Floats = fields[:, 1:11].copy()
    moved = np.flatnonzero((offset != 0).any(axis=1))
    if len(moved):
        msg = "a face of two parts"
        raise NotImplementedError(msg)
    return out


def _parts(table: Table, rows: _Rows, integrals: _Integrals) -> list[Part]:
    """All parts, from the integrals of their faces."""
    sign, closed, turned = _signs(table, rows)
    part = rows.part[rows.shell]
    count, shells = len(rows.entity), len(rows.part)
    moments = sign[:, None] * integrals.fields[rows.face, 1:]
    flux = np.bincount(rows.shell, moments[:, 0], shells)
    inside_out = (flux < 0) == rows.outer
    inside_out &= flux != 0
    moments *= np.where(inside_out, -1.0, 1.0)[rows.shell, None]
    total = np.zeros((count, 13))
    np.add.at(total, part, moments)
    area = np.bincount(part, np.abs(integrals.fields[rows.face, 0]), count)
    errors = np.zeros((count, 4))
    np.add.at(errors, part, integrals.errors[rows.face])
    border = np.zeros((count, 2))
    np.add.at(border, part, integrals.borders[rows.face][:, 3:5])
    gap = np.zeros(count)
    np.maximum.at(gap, part, integrals.borders[rows.face, 5])
    faces = np.bincount(part, minlength=count)
    bad = integrals.outcomes[rows.face, 0] > 0
    parts = []
    for p in range(count):
        own = rows.part == p
        parts.append(
            _part(
                int(rows.entity[p]),
                bool(rows.solid[p]),
                float(area[p]),
                total[p],
                errors[p],
                border[p],
                float(gap[p]),
                integrals.origin[p],
                float(integrals.reach[p]),
                integrals.low[p],
                integrals.high[p],
                int(faces[p]),
                tuple(int(n) for n in table.shapes.faces[rows.face[bad & (part == p)], 4])
                if bad.any()
                else (),
                bool(closed[own].all()),
                int(turned[own].sum()),
                bool((inside_out & own & rows.outer).any()),
            )
        )
    return parts


def _part(
    entity,
    solid,
    area,
    total,
    errors,
    border,
    gap,
    origin,
    reach,
    low,
    high,
    faces,
    unsupported,
    closed,
    turned,
    inverted,
):
    volume = float(total[0])
    imbalance = float(np.linalg.norm(total[10:]))
    rounding = _ROUNDING * area
    place = np.finfo(float).eps * (np.abs(origin).max() + reach)
    e_area = errors[0] + rounding + place * border[0]
    e_volume = errors[1] + rounding * reach + place * area
    e_first = errors[2] + rounding * reach**2 + place * area * reach
    e_second = errors[3] + rounding * reach**3 + place * area * reach**2
    strip = border[1] + imbalance
    body, absent = None, ""
    integration, gaps = Errors(e_area), Errors(strip)
    if solid and volume > 0 and not unsupported:
        body = Body.from_moments(total[:10], origin)
        r = float(np.linalg.norm(body.centre - origin))

        def spread_(v, f, s):
            return (f + r * v) / volume, s + 2 * r * f + r * r * v

        c, s = spread_(e_volume, e_first, e_second)
        integration = Errors(float(e_area), float(e_volume), float(c), float(s))
        c, s = spread_(strip * reach, strip * reach**2, strip * reach**3)
        gaps = Errors(float(strip), float(strip * reach), float(c), float(s))
    return Part(
        entity,
        area,
        body,
        low,
        high,
        {"integration": integration, "brep-gap": gaps},
        faces,
        unsupported,
        closed,
        turned,
        inverted,
        imbalance / area if area else 0.0,
        gap,
        absent,
    )


def _inaccurate(rows, integrals, parts, accuracy):
    """Faces that have to be integrated again for their parts to be as accurate as asked."""
    part = rows.part[rows.shell]
    again = np.zeros(len(rows.face), bool)
    for p, one in enumerate(parts):
        reach = integrals.reach[p]
        volume = one.body.mass if one.body else np.inf
        allowed = accuracy * np.array([one.area, volume, volume * reach, volume * reach**2])
        own = np.flatnonzero(part == p)
        errors = integrals.errors[rows.face[own]]
        if (errors.sum(axis=0) > 0.5 * allowed).any():
            again[own] |= (errors > 0.25 * allowed / max(1, len(own))).any(axis=1)
    return np.unique(rows.face[again])
