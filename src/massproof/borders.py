"""Whether a point of a face's surface is inside of the face: where a path to its border first meets that.

The border becomes chords in the plane of the parameters, as fine as the question asks for. A straight path from
the point to the middle of a chord has the face on its near side where it first crosses a chord whose left side is
seen from there. Poles and periods need no care: any path will do, and several are asked.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from massproof.brep import LINE, OFFSET, SPHERE, SPLINE, TORUS, Floats, Integers
from massproof.kernels.curves import points as curve_points
from massproof.kernels.feet import feet as spline_feet
from massproof.kernels.geometry import ROWS, WIDTH
from massproof.kernels.surfaces import points as surface_points
from massproof.tables import Table

_PIECES = (8, 64, 512)  # of an edge; of a spline some more for each of its knot spans
_NEAR = 4.0  # times the sag of the chords: points so near to a chord may be on its other side
_PATHS = 9
_AGREE = 8  # of them
_OFF = 1e-2  # of the length of the border: feet so far off are none


class _Chords(NamedTuple):
    """The border of a face along its loops."""

    spots: Floats  # (n, 3)
    steps: Integers  # (c,) chords lead from these spots to the next
    sag: float  # how far the border can be from the chords
    places: Floats | None = None  # (n, 2) the spots as parameters


class Border:
    """The border of face f; sense: 1 where its loops run counter-clockwise round Su × Sv."""

    def __init__(self, table: Table, f: int, sense: float) -> None:
        self.table, self.f, self.sense = table, f, sense
        self.surface = int(table.shapes.faces[f, 0])
        self.levels: dict[int, _Chords] = {}

    def holds(self, spot: Floats, place: Floats) -> bool | None:
        """Whether the face has a point of its surface; None when it is too near to the border to say.

        spot, place : (3,) the point and (2,) its parameters; those of a sphere's are not looked at
        """
        for pieces in _PIECES:
            if pieces not in self.levels:
                self.levels[pieces] = self._chords(pieces)
            chords = self.levels[pieces]
            if not len(chords.steps):
                return True
            if _distance(spot, chords) <= _NEAR * chords.sag:
                continue
            found = self._sided(spot, place, chords)
            if found is not None:
                return found
        return None

    def _chords(self, pieces: int) -> _Chords:
        chords = _chords(self.table, self.f, pieces)
        kind = self.table.shapes.surfaces[self.surface, 0]
        if kind == SPHERE or not len(chords.steps):  # its parameters depend on the point that is asked for
            return chords
        if kind not in (SPLINE, OFFSET):
            return chords._replace(places=_revolved(self.table, self.surface, chords.spots))
        extent = float(np.ptp(chords.spots, axis=0).max())
        places, off = feet(self.table, self.surface, chords.spots, extent)
        return chords._replace(places=places, sag=chords.sag + off if off <= _OFF * extent else math.inf)

    def _sided(self, spot: Floats, place: Floats, chords: _Chords) -> bool | None:
        if chords.places is not None:
            period = periods(self.table, self.surface)
            return _left(place, chords.places, chords.steps, period, self.sense)
        frame = self.table.shapes.frames[self.table.shapes.surfaces[self.surface, 1]]
        towards = spot - frame[:3]
        if not np.linalg.norm(towards) > 0:  # a sphere that is smaller than rounding has no sides
            return None
        places = _globe(towards, chords.spots - frame[:3])
        return _left(np.zeros(2), places, chords.steps, np.array([2 * math.pi, 0.0]), self.sense)


def _chords(table: Table, f: int, pieces: int) -> _Chords:
    """Chords of the edges of a face; edges used in both directions bound nothing."""
    shapes = table.shapes
    first, last = np.searchsorted(table.edge_face, [f, f + 1])
    uses = table.edge_use[first:last]
    parts, sag = [np.zeros((0, 3))], 0.0
    for use in uses[~np.isin(-uses, uses)].tolist():
        e = abs(use) - 1
        c, (low, high) = int(shapes.edges[e, 0]), table.ranges[e]
        if c < 0 or shapes.curves[c, 0] == LINE:
            spots = np.linspace(shapes.edge_points[e, :3], shapes.edge_points[e, 3:], 2 * pieces + 1)
        else:
            count = 2 * (pieces + 2 * int(shapes.curves[c, 4]))
            out = np.zeros((3 * count + 3, 3))
            t = np.linspace(float(low), float(high), count + 1)
            curve_points(*shapes[:7], c, t, np.zeros((ROWS, WIDTH)), out)
            spots = out[::3]
        sag = max(sag, float(np.abs(spots[1::2] - (spots[:-2:2] + spots[2::2]) / 2).max()))
        parts.append(spots[::2] if use > 0 else spots[::-2])
    return _Chords(np.concatenate(parts), _starts(parts), 2 * sag)


def _starts(parts: list[Floats]) -> Integers:
    """Where chords begin: at all spots but the last of each edge."""
    ends = np.cumsum([len(part) for part in parts])
    begins = np.ones(ends[-1], bool)
    begins[ends[ends > 0] - 1] = False
    return np.flatnonzero(begins)


def _distance(spot: Floats, chords: _Chords) -> float:
    """Distance of a point from the nearest chord."""
    starts = chords.spots[chords.steps]
    away, along = spot - starts, chords.spots[chords.steps + 1] - starts
    square = (along * along).sum(axis=1)
    share = np.clip((away * along).sum(axis=1) / np.where(square > 0, square, 1.0), 0.0, 1.0)
    return float(np.linalg.norm(away - share[:, None] * along, axis=1).min())


def _left(place: Floats, places: Floats, steps: Integers, period: Floats, sense: float) -> bool | None:
    """Whether paths from a point to chords come to these from the left, when nearly all do the same."""
    turn = np.where(period > 0, period, np.inf)
    step = places[steps + 1] - places[steps]
    step -= period * np.round(step / turn)
    middle = places[steps] + step / 2 - place
    middle -= period * np.round(middle / turn)
    turns = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (period[0] or not i) and (period[1] or not j)]
    begin = np.concatenate([middle - step / 2 + period * k for k in turns])
    chord = np.concatenate([step] * len(turns))
    votes = []
    for to in middle[np.linspace(0, len(middle) - 1, _PATHS + 2).astype(int)[1:-1]]:
        across = _cross(to, chord)
        known = np.where(across != 0, across, 1.0)
        t, s = _cross(begin, chord) / known, _cross(begin, to) / known
        met = np.flatnonzero((across != 0) & (t > 0) & (t < 1 + 1e-9) & (s >= 0) & (s <= 1))
        if len(met):
            votes.append(bool(across[met[t[met].argmin()]] * sense > 0))
    if sum(votes) >= _AGREE:
        return True
    return False if len(votes) - sum(votes) >= _AGREE else None


def _cross(a: Floats, b: Floats) -> Floats:
    out: Floats = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return out


def periods(table: Table, s: int) -> Floats:
    """Periods of u and v, 0 where there is none."""
    shapes, kind = table.shapes, table.shapes.surfaces[s, 0]
    if kind in (SPLINE, OFFSET):
        u, v = domains(table, s)
        return np.array([u[1] - u[0], v[1] - v[0]]) * (table.closures[s, :2] > 0)
    ring = kind == TORUS and shapes.surface_numbers[s, 0] > shapes.surface_numbers[s, 1]
    return np.array([2 * math.pi, 2 * math.pi if ring else 0.0])


def domains(table: Table, s: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Least and greatest u and v of a spline, or of an offset of one."""
    p, q, n, m, _, knot, in_u, _ = table.shapes.surfaces[s, 2:10].tolist()
    u, v = table.shapes.knots[knot : knot + in_u], table.shapes.knots[knot + in_u :]
    return (float(u[p]), float(u[n])), (float(v[q]), float(v[m]))


def _globe(towards: Floats, spots: Floats) -> Floats:
    """Longitude and latitude on a globe whose poles are far from a border, and (0, 0) is `towards`."""
    x = towards / np.linalg.norm(towards)
    side = np.cross(x, np.eye(3)[np.abs(x).argmin()])
    side /= np.linalg.norm(side)
    angles = np.linspace(0, math.pi, 12, endpoint=False)
    axes = np.outer(np.cos(angles), side) + np.outer(np.sin(angles), np.cross(x, side))
    z = axes[np.abs(spots @ axes.T).max(axis=0).argmin()]
    out: Floats = np.column_stack(
        [
            np.arctan2(spots @ np.cross(z, x), spots @ x),
            np.arctan2(spots @ z, np.linalg.norm(np.cross(spots, z), axis=1)),
        ]
    )
    return out


def _revolved(table: Table, s: int, spots: Floats) -> Floats:
    """Parameters of points of a torus or of a cone."""
    origin, *axes = table.shapes.frames[table.shapes.surfaces[s, 1]].reshape(4, 3)
    x, y, z = ((spots - origin) @ np.array(axes).T).T
    if table.shapes.surfaces[s, 0] != TORUS:
        return np.column_stack([np.arctan2(y, x), z])
    radius = float(table.shapes.surface_numbers[s, 0])
    if table.shapes.surfaces[s, 11] == 1:  # the inner part of a spindle: its meridian is beyond the axis
        v = np.arctan2(z, -np.hypot(x, y) - radius)
        return np.column_stack([np.arctan2(-y, -x), v + 2 * math.pi * (v < 0)])
    return np.column_stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y) - radius)])


def evaluated(table: Table, s: int, places: Floats) -> Floats:
    """(n, 6, 3): S, Su, Sv, Suu, Suv, Svv at parameters (n, 2)."""
    out = np.zeros((6 * len(places), 3))
    surface_points(*table.shapes[:7], s, np.ascontiguousarray(places), np.zeros((ROWS, WIDTH)), out)
    return out.reshape(-1, 6, 3)


def feet(table: Table, s: int, spots: Floats, size: float) -> tuple[Floats, float]:
    """Parameters where a spline is nearest to the points of a border, and how far these are from it at most."""
    out = np.zeros((len(spots), 3))
    scratch = np.zeros((1, 12)), np.zeros((ROWS, WIDTH)), np.zeros((7, 3)), np.zeros(8)
    spline_feet(*table.shapes[:7], s, table.closures[s], spots, size, *scratch, out)
    return out[:, :2].copy(), float(out[:, 2].max())
