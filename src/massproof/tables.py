"""A table of shapes made ready for the kernels: sweeps as splines, offsets resolved, edges with their ranges."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from massproof.brep import (
    CIRCLE,
    CONE,
    CYLINDER,
    EXTRUSION,
    HYPERBOLA,
    LINE,
    OFFSET,
    PARABOLA,
    PLANE,
    REVOLUTION,
    SPHERE,
    SPLINE,
    TORUS,
    Floats,
    Integers,
    Shapes,
)  # fmt: skip
from massproof.kernels.axes import axes
from massproof.kernels.boxes import edge_boxes, face_boxes
from massproof.kernels.closures import closures
from massproof.kernels.geometry import ROWS, WIDTH
from massproof.kernels.trims import ranges
from massproof.kernels.vetting import HOPS
from massproof.sweeps import Net, curve_net, extruded, revolved

Flags = npt.NDArray[np.bool_]

_ULPS = np.finfo(float).eps  # of coordinates, twice what reading them rounds: points are off by that
_FLAT = 1e-12  # of unit vectors: so nearly parallel or in one plane is so


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """What kernels need of a file, and what is the same for all its solids."""

    centre: Floats  # (3,) of the file; everything else is about it
    noise: float  # how far rounding has moved the points of the file
    shapes: Shapes  # only planes, cylinders, cones, spheres, tori, splines, offsets of splines
    ranges: Floats  # (E, 2) parameters of the vertices
    vertex_gaps: Floats  # (E,) how far vertices are from the curves
    closures: Integers  # (S, 4) of splines: repeats in u, in v, is one point at low v, at high v
    face_frames: Floats  # (F, 12)
    boxes: Floats  # (F, 6) of the borders of faces
    bare: Flags  # (F,) whether a face has no edges: its box is that of its whole surface
    slack: Floats  # (F,) how far edges can be outside of the boxes
    bulging: Flags  # (F,) whether a face can reach beyond its edges
    free: Flags  # (F,) whether it is a spline or the offset of one, or has an edge that is
    edge_face: Integers  # (U', ) face of each use, face by face
    edge_use: Integers  # (U', ) edge + 1, negative when the loop runs against it
    pieces: int  # of the border of a face, at most


def prepare(shapes: Shapes) -> Table:
    """Make vetted shapes of a file ready for integration."""
    shapes = Shapes._make(map(np.ascontiguousarray, shapes))
    noise = _ULPS * float(np.abs(shapes.edge_points).max(initial=0.0))
    shapes, centre = _centred(shapes)
    work = np.zeros((ROWS, WIDTH))
    trims, gaps = np.zeros((len(shapes.edges), 2)), np.zeros(len(shapes.edges))
    ranges(*shapes[:7], shapes.edges, shapes.edge_points, 0, len(shapes.edges), work, trims, gaps)
    boxes = _edge_boxes(shapes, trims)
    face, use = _uses(shapes)
    shapes = _resolved(shapes, boxes, face, use)
    closed = _closures(shapes, work)
    shapes, closed = _transposed(shapes, closed, work)
    own, traits = _face_boxes(shapes, boxes, face, use)
    bare = traits[:, 1] == 0
    if bare.any():
        far = np.abs(own[bare, :6].reshape(-1, 2, 3) + centre)
        noise = max(noise, _ULPS * float(far.max(initial=0.0, where=np.isfinite(far))))
    frames, pieces = _face_frames(shapes, trims, work), _pieces(shapes, traits[:, 1])
    return Table(
        *(centre, noise, shapes, trims, gaps, closed, frames, own[:, :6], bare, own[:, 6]),
        *(*_characters(shapes, traits[:, 0] > 0), face, use, pieces),
    )


def _characters(shapes: Shapes, drawn: Flags) -> tuple[Flags, Flags]:
    """Whether each face can reach beyond its edges, and whether it is a spline or has an edge that is: is `drawn`."""
    kinds = np.append(shapes.surfaces[:, 0], 0)[shapes.faces[:, 0]]
    spline = (kinds == SPLINE) | (kinds == OFFSET)
    bulging = (kinds == CONE) | (kinds == SPHERE) | (kinds == TORUS) | spline
    return bulging, spline | (drawn & (kinds > 0))


def _pieces(shapes: Shapes, edges: Integers) -> int:
    """Of how many pieces the border of a face is, at most; edges: the same of its edges."""
    bands = 4 * (int(shapes.surfaces[:, 8].max(initial=0)) + 8) * (2 + int(shapes.faces[:, 3].max(initial=0)))
    return int((edges + 4 * shapes.faces[:, 3]).max(initial=0)) + bands


def _edge_boxes(shapes: Shapes, trims: Floats) -> Floats:
    """Boxes of all edges, and how far these can be outside of them: (E, 7)."""
    boxes, scratch = np.zeros((len(shapes.edges), 7)), np.zeros((int(_steps(shapes).max(initial=0)) + 8, 4))
    work, spot = np.zeros((ROWS, WIDTH)), np.zeros((8, 3))
    edge_boxes(*shapes[:7], shapes.edges, shapes.edge_points, trims, work, spot, scratch, boxes)
    return boxes


def subset(table: Table, faces: Integers) -> Table:
    """Some faces with what they need, and no loops: enough for their boxes."""
    shapes, offset = table.shapes, table.shapes.surfaces[:, 0] == OFFSET
    first = np.searchsorted(table.edge_face, faces)
    use, face = spread(first, np.searchsorted(table.edge_face, faces, "right") - first)
    edges = distinct(edge := np.abs(table.edge_use[use]) - 1)
    surface = shapes.faces[faces, 0]
    surfaces = distinct(surface[surface >= 0])
    surfaces = distinct(np.concatenate([surfaces, shapes.surfaces[surfaces[offset[surfaces]], 11]]))
    curve = shapes.edges[edges, 0]
    curves = distinct(curve[curve >= 0])
    taken = _carriers(shapes, curves, surfaces)
    rows = shapes.edges[edges]
    rows[:, 0] = np.where(curve >= 0, np.searchsorted(curves, curve), -1)
    own = np.zeros((len(faces), 5), np.int64)
    own[:, 0] = np.where(surface >= 0, np.searchsorted(surfaces, surface), -1)
    own[:, 1], own[:, 4] = shapes.faces[faces, 1], shapes.faces[faces, 4]
    return replace(
        table,
        shapes=taken._replace(edges=rows, edge_points=shapes.edge_points[edges], faces=own),
        ranges=table.ranges[edges],
        vertex_gaps=table.vertex_gaps[edges],
        closures=table.closures[surfaces],
        face_frames=table.face_frames[faces],
        boxes=table.boxes[faces],
        bare=table.bare[faces],
        slack=table.slack[faces],
        bulging=table.bulging[faces],
        free=table.free[faces],
        edge_face=face,
        edge_use=(np.searchsorted(edges, edge) + 1) * np.sign(table.edge_use[use]),
    )


def _carriers(shapes: Shapes, curves: Integers, surfaces: Integers) -> Shapes:
    """Some curves and surfaces, each with frames, control points and knots of its own."""
    curve, surface = shapes.curves[curves], shapes.surfaces[surfaces]
    frame = np.concatenate([curve[:, 1], surface[:, 1]])
    count = np.concatenate([curve[:, 4], surface[:, 4] * surface[:, 5]])
    controls, _ = spread(np.concatenate([curve[:, 3], surface[:, 6]]), count)
    knot = np.concatenate([curve[:, 6], surface[:, 8] + surface[:, 9]])
    knots, _ = spread(np.concatenate([curve[:, 5], surface[:, 7]]), knot)
    split = len(curves)
    curve[:, 1], surface[:, 1] = np.arange(split), np.arange(split, len(frame))
    curve[:, 3], surface[:, 6] = np.split(np.cumsum(count) - count, [split])
    curve[:, 5], surface[:, 7] = np.split(np.cumsum(knot) - knot, [split])
    offset = surface[:, 0] == OFFSET
    surface[offset, 11] = np.searchsorted(surfaces, surface[offset, 11])
    frames = np.zeros((len(frame), 12))
    frames[frame >= 0] = shapes.frames[frame[frame >= 0]]
    return shapes._replace(
        frames=frames,
        curves=curve,
        curve_numbers=shapes.curve_numbers[curves],
        surfaces=surface,
        surface_numbers=shapes.surface_numbers[surfaces],
        controls=shapes.controls[controls],
        knots=shapes.knots[knots],
    )


def turned(table: Table, rotation: Floats) -> Table:
    """A table turned about its centre, r -> rotation·r, and with it the boxes of its faces."""
    shapes, back = table.shapes, rotation.T
    numbers, controls = shapes.curve_numbers.copy(), shapes.controls.copy()
    line = shapes.curves[:, 0] == LINE
    numbers[line] = (numbers[line].reshape(-1, 2, 3) @ back).reshape(-1, 6)
    controls[:, :3] = controls[:, :3] @ back
    shapes = shapes._replace(
        frames=(shapes.frames.reshape(-1, 4, 3) @ back).reshape(-1, 12),
        curve_numbers=numbers,
        controls=controls,
        edge_points=(shapes.edge_points.reshape(-1, 2, 3) @ back).reshape(-1, 6),
    )
    edges = _edge_boxes(shapes, table.ranges)
    own, _ = _face_boxes(shapes, edges, table.edge_face, table.edge_use)
    centre = rotation @ table.centre
    return replace(table, centre=centre, shapes=shapes, boxes=own[:, :6], slack=own[:, 6])


def _centred(shapes: Shapes) -> tuple[Shapes, Floats]:
    """The shapes about the middle of their vertices: splines are evaluated with fewer digits lost there."""
    if not len(shapes.edge_points):
        return shapes, np.zeros(3)
    ends = shapes.edge_points.reshape(-1, 3)
    centre = (ends.min(axis=0) + ends.max(axis=0)) / 2
    frames, numbers, controls = shapes.frames.copy(), shapes.curve_numbers.copy(), shapes.controls.copy()
    frames[:, :3] -= centre
    numbers[:, :3] -= (shapes.curves[:, :1] == LINE) * centre
    controls[:, :3] -= centre
    points = (ends - centre).reshape(-1, 6)
    return shapes._replace(
        frames=frames, curve_numbers=numbers, controls=controls, edge_points=points
    ), centre


def _steps(shapes: Shapes) -> Floats:
    """How many pieces each edge has at most."""
    knots = np.append(shapes.curves[:, 6], 0)[shapes.edges[:, 0]]
    return 3.0 * knots + 12.0


def spread(first: Integers, count: Integers) -> tuple[Integers, Integers]:
    """Rows first…first + count − 1 of each group, one group after the other, and the group of each."""
    group: Integers = np.arange(len(first)).repeat(count)
    offset: Integers = first - (np.cumsum(count) - count)
    return np.arange(len(group)) + offset[group], group


def distinct(numbers: Integers) -> Integers:
    """All different ones of some numbers, ascending; numpy's own first imports masked arrays, which takes 10 ms."""
    found = np.sort(numbers)
    return found[firsts(found)]


def firsts(group: Integers) -> Flags:
    """Which rows are the first of their group, where groups come one after the other."""
    first = np.ones(len(group), bool)
    np.not_equal(group[1:], group[:-1], out=first[1:])
    return first


def grouped(function: np.ufunc, group: Integers, count: int, values: Floats, empty: float) -> Floats:
    """Sums, or what else a function of two makes, of the rows of each of so many groups that come one after the other.

    group : of each row;  empty : what a group without rows gets
    """
    out: Floats = np.full((count, *values.shape[1:]), empty)
    if len(group):
        begin = firsts(group).nonzero()[0]
        out[group[begin]] = function.reduceat(values, begin, axis=0)
    return out


def _uses(shapes: Shapes) -> tuple[Integers, Integers]:
    """Face and edge of each use, face by face; the edge negative when its loop runs against it."""
    loop, face = spread(shapes.faces[:, 2], shapes.faces[:, 3])
    rows = shapes.loops[loop]
    use, owner = spread(rows[:, 0], rows[:, 1])
    return face[owner], shapes.uses[use] * (2 * rows[owner, 2] - 1)


def _face_boxes(shapes: Shapes, boxes: Floats, face: Integers, use: Integers) -> tuple[Floats, Integers]:
    """Boxes of the borders of all faces, of their surfaces where they have none: (F, 7); and their traits, (F, 2)."""
    out, traits = np.empty((len(shapes.faces), 7)), np.empty((len(shapes.faces), 2), np.int64)
    face_boxes(shapes.edges, shapes.curves, boxes, face, use, out, traits)
    for f in np.flatnonzero((traits[:, 1] == 0) & (shapes.faces[:, 0] >= 0)).tolist():
        out[f, :6] = _whole_box(shapes, int(shapes.faces[f, 0]))
    return out, traits


def _whole_box(shapes: Shapes, s: int) -> Floats:
    """Box of a whole surface: exact of sphere and torus, of the control points of a spline."""
    kind, (a, b, _, _) = shapes.surfaces[s, 0], shapes.surface_numbers[s]
    if kind in (SPHERE, TORUS):
        origin, _, _, axis = shapes.frames[shapes.surfaces[s, 1]].reshape(4, 3)
        reach = np.full(3, a) if kind == SPHERE else a * np.sqrt(np.maximum(0.0, 1 - axis**2)) + b
        return np.concatenate([origin - reach, origin + reach])
    if kind == SPLINE:
        first, count = shapes.surfaces[s, 6], shapes.surfaces[s, 4] * shapes.surfaces[s, 5]
        points = shapes.controls[first : first + count, :3]
        return np.concatenate([points.min(axis=0), points.max(axis=0)])
    return np.array([np.inf] * 3 + [-np.inf] * 3)


def _closures(shapes: Shapes, work: Floats) -> Integers:
    out = np.zeros((len(shapes.surfaces), 4), np.int64)
    if not ((shapes.surfaces[:, 0] == SPLINE) | (shapes.surfaces[:, 0] == OFFSET)).any():
        return out
    closures(*shapes[:7], work, np.zeros((6, 3)), np.zeros((20, 3)), out)
    return out


def _face_frames(shapes: Shapes, trims: Floats, work: Floats) -> Floats:
    """The frame of each face's surface; of a sphere one whose poles are far from the edges."""
    surface = shapes.faces[:, 0]
    if not len(shapes.surfaces):
        return np.zeros((len(surface), 12))
    known = np.where(surface >= 0, surface, 0)
    frame = np.where(shapes.surfaces[known, 1] >= 0, shapes.surfaces[known, 1], 0)
    out = shapes.frames[frame] if len(shapes.frames) else np.zeros((len(surface), 12))
    chosen = np.flatnonzero((surface >= 0) & (shapes.surfaces[known, 0] == SPHERE))
    topology = (shapes.edges, shapes.edge_points, trims, shapes.uses, shapes.loops, shapes.faces)
    if len(chosen):
        axes(*shapes[:7], *topology, chosen, work, np.zeros((3, 3)), np.zeros(13), out)
    return out


def _transposed(shapes: Shapes, closed: Integers, work: Floats) -> tuple[Shapes, Integers]:
    """Exchange u and v of splines that repeat in v, or end in points at both ends of u, and not in u.

    The normal turns round with that: faces on them change their sense, offsets their sign.
    """
    own = shapes.surfaces[:, 0] == SPLINE
    wrong = own & (closed[:, 1] == 1) & (closed[:, 0] == 0)
    if not wrong.any():
        return shapes, closed
    surfaces, numbers = shapes.surfaces.copy(), shapes.surface_numbers.copy()
    controls, knots, faces = shapes.controls.copy(), shapes.knots.copy(), shapes.faces.copy()
    for s in np.flatnonzero(wrong):
        p, q, n, m, first, knot, in_u, in_v = surfaces[s, 2:10]
        net = controls[first : first + n * m].reshape(n, m, 4)
        controls[first : first + n * m] = net.transpose(1, 0, 2).reshape(-1, 4)
        knots[knot : knot + in_u + in_v] = np.roll(knots[knot : knot + in_u + in_v], in_v)
        surfaces[s, 2:10] = q, p, m, n, first, knot, in_v, in_u
    based = (surfaces[:, 0] == OFFSET) & wrong[surfaces[:, 11]]
    numbers[based, 0] *= -1
    turned = (faces[:, 0] >= 0) & (wrong | based)[faces[:, 0]]
    faces[turned, 1] = 1 - faces[turned, 1]
    shapes = shapes._replace(
        surfaces=surfaces, surface_numbers=numbers, controls=controls, knots=knots, faces=faces
    )
    return shapes, _closures(shapes, work)


class _Additions:
    """Surfaces that are written anew, and the rows that they need."""

    def __init__(self, shapes: Shapes) -> None:
        self.surfaces, self.numbers = shapes.surfaces.copy(), shapes.surface_numbers.copy()
        self.frames, self.controls, self.knots = [shapes.frames], [shapes.controls], [shapes.knots]
        self.counts = [len(shapes.frames), len(shapes.controls), len(shapes.knots)]
        self.flipped = np.zeros(len(shapes.surfaces), bool)  # those whose normal is now the other one

    def frame(self, *axes: Floats) -> int:
        """Add a frame of origin, x, y, z."""
        self.frames.append(np.concatenate(axes).reshape(1, 12))
        self.counts[0] += 1
        return self.counts[0] - 1

    def spline(self, s: int, net: Net) -> None:
        """Surface s becomes a spline."""
        rational = int((net.points[..., 3] != 1.0).any())
        row = (*net.degrees, *net.points.shape[:2], self.counts[1], self.counts[2], *map(len, net.knots))
        self.surfaces[s] = (SPLINE, 0, *row, rational, 0)
        self.controls.append(net.points.reshape(-1, 4))
        self.knots.extend(net.knots)
        self.counts[1] += net.points.shape[0] * net.points.shape[1]
        self.counts[2] += sum(map(len, net.knots))

    def closed(self, s: int, kind: int, frame: int, *numbers: float, flipped: bool = False) -> None:
        """Surface s becomes one of closed form, whose normal may be the other one."""
        self.flipped[s] = flipped
        self.surfaces[s] = (kind, frame, *[0] * 10)
        self.numbers[s] = (*numbers, *[0.0] * (4 - len(numbers)))

    def shapes(self, shapes: Shapes) -> Shapes:
        """`shapes` with these surfaces, faces looking where they did."""
        faces = shapes.faces.copy()
        turned = (faces[:, 0] >= 0) & self.flipped[faces[:, 0]]
        faces[turned, 1] = 1 - faces[turned, 1]
        return shapes._replace(
            faces=faces,
            surfaces=self.surfaces,
            surface_numbers=self.numbers,
            frames=np.concatenate(self.frames),
            controls=np.concatenate(self.controls),
            knots=np.concatenate(self.knots),
        )


def _resolved(shapes: Shapes, boxes: Floats, face: Integers, use: Integers) -> Shapes:
    """Surfaces of extrusion and revolution as planes, cylinders, …, or splines; offsets of splines only."""
    kinds = shapes.surfaces[:, 0]
    swept = np.flatnonzero((kinds == EXTRUSION) | (kinds == REVOLUTION))
    offset = np.flatnonzero(kinds == OFFSET)
    if not (len(swept) or len(offset)):
        return shapes
    centre, reach = _extent(shapes, boxes)
    new = _Additions(shapes)
    for s in map(int, swept):
        if kinds[s] == EXTRUSION:
            _extrude(shapes, s, centre, reach, new)
        else:
            _revolve(shapes, s, centre, reach, new)
    for s in map(int, offset):
        _offset(shapes, s, new)
    return new.shapes(shapes)


def _extent(shapes: Shapes, boxes: Floats) -> tuple[Floats, float]:
    """A ball that holds all edges."""
    if not len(boxes):
        return np.zeros(3), 1.0
    low, high = boxes[:, :3].min(axis=0), boxes[:, 3:6].max(axis=0)
    return (low + high) / 2, float(np.linalg.norm(high - low)) * 0.51 or 1.0


def _range(shapes: Shapes, c: int, centre: Floats, reach: float) -> tuple[float, float]:
    """Parameters between which curve c can be inside the ball; any for a spline."""
    kind, numbers = shapes.curves[c, 0], shapes.curve_numbers[c]
    if kind == LINE:
        speed = float(np.linalg.norm(numbers[3:]))
        middle = float((centre - numbers[:3]) @ numbers[3:]) / speed**2
        return middle - reach / speed, middle + reach / speed
    if kind in (PARABOLA, HYPERBOLA):
        frame = shapes.frames[shapes.curves[c, 1]].reshape(4, 3)
        y = abs(float((centre - frame[0]) @ frame[2])) + reach
        most = y / (2 * numbers[0]) if kind == PARABOLA else math.asinh(y / numbers[1])
        return -most, most
    return 0.0, 2 * math.pi


def _extrude(shapes: Shapes, s: int, centre: Floats, reach: float, new: _Additions) -> None:
    """Write a surface of extrusion as a plane, or as a spline that reaches through the ball."""
    c, direction = int(shapes.surfaces[s, 11]), shapes.surface_numbers[s, :3]
    net = curve_net(shapes, c, *_range(shapes, c, centre, reach))
    if shapes.curves[c, 0] == LINE:
        x = shapes.curve_numbers[c, 3:] / np.linalg.norm(shapes.curve_numbers[c, 3:])
        z = np.cross(x, direction)
        z /= np.linalg.norm(z)
        new.closed(s, PLANE, new.frame(shapes.curve_numbers[c, :3], x, np.cross(z, x), z))
        return
    along = net.points[:, :3] @ direction
    middle = float(centre @ direction)
    new.spline(s, extruded(net, direction, middle - reach - along.max(), middle + reach - along.min()))


def _revolve(shapes: Shapes, s: int, centre: Floats, reach: float, new: _Additions) -> None:
    """Write a surface of revolution in closed form if a straight or round meridian allows, else as a spline."""
    c, row = int(shapes.surfaces[s, 11]), int(shapes.surfaces[s, 1])
    frame = shapes.frames[row]
    kind = shapes.curves[c, 0]
    if kind == LINE and _revolve_line(shapes.curve_numbers[c], s, frame, new):
        return
    if kind == CIRCLE and _revolve_circle(shapes, c, s, frame, new):
        return
    new.spline(s, revolved(curve_net(shapes, c, *_range(shapes, c, centre, reach)), frame))


def _revolve_line(numbers: Floats, s: int, frame: Floats, new: _Additions) -> bool:
    """A line in one plane with the axis sweeps a plane, a cylinder or a cone; others are left alone."""
    origin, _, _, axis = frame.reshape(4, 3)
    away, d = numbers[:3] - origin, numbers[3:] / np.linalg.norm(numbers[3:])
    along = float(d @ axis)
    if abs(1 - abs(along)) < _FLAT:
        across = away - (away @ axis) * axis
        radius = float(np.linalg.norm(across))
        new.closed(s, CYLINDER, _upright(frame, across, 0.0, new), radius, flipped=along < 0)
        return True
    side = d - along * axis
    side /= np.linalg.norm(side)
    if abs(float(away @ np.cross(axis, side))) > _FLAT * (1.0 + float(np.linalg.norm(away))):
        return False
    foot, radius = float(away @ axis), float(away @ side)
    if abs(along) < _FLAT:
        new.closed(s, PLANE, _upright(frame, side, foot, new), flipped=radius >= 0)
        return True
    # Half angle: between axis and meridian, in the half plane where the radius at the foot is positive.
    slope = math.tan(math.acos(min(1.0, abs(along)))) * (1 if along > 0 else -1)
    if radius < 0:
        radius, slope, side = -radius, -slope, -side
    new.closed(s, CONE, _upright(frame, side, foot, new), radius, math.atan(slope), flipped=along < 0)
    return True


def _revolve_circle(shapes: Shapes, c: int, s: int, frame: Floats, new: _Additions) -> bool:
    """A circle in one plane with the axis sweeps a torus, or a sphere when its centre is on the axis."""
    origin, _, _, axis = frame.reshape(4, 3)
    circle, r = shapes.frames[shapes.curves[c, 1]].reshape(4, 3), float(shapes.curve_numbers[c, 0])
    away = circle[0] - origin
    foot = float(away @ axis)
    across = away - foot * axis
    if abs(float(circle[3] @ axis)) > _FLAT or abs(float(circle[3] @ across)) > _FLAT * r:
        return False
    distance = float(np.linalg.norm(across))
    if _FLAT * r < distance <= r:
        return False
    # Upwards on the outer side the normal points out of the tube; of a sphere that is where the circle begins.
    inward = float(circle[3] @ np.cross(across if distance > r else circle[1], axis)) < 0
    if distance > r:
        new.closed(s, TORUS, _upright(frame, across, foot, new), distance, r, flipped=inward)
    else:
        new.closed(s, SPHERE, _upright(frame, np.cross(axis, circle[3]), foot, new), r, flipped=inward)
    return True


def _upright(frame: Floats, side: Floats, height: float, new: _Additions) -> int:
    """A frame on the axis of another, at a height, with x towards `side` if that has a length."""
    origin, x, _, axis = frame.reshape(4, 3)
    size = float(np.linalg.norm(side))
    x = side / size if size > 0 else x
    x = x - (x @ axis) * axis
    x /= np.linalg.norm(x)
    return new.frame(origin + height * axis, x, np.cross(axis, x), axis)


def _offset(shapes: Shapes, s: int, new: _Additions) -> None:
    """Resolve an offset down to its basis: of closed form it is one itself, of a spline it stays an offset."""
    base, distance, hops = int(s), 0.0, 0
    while new.surfaces[base, 0] == OFFSET and hops < HOPS:
        distance += float(new.numbers[base, 0])
        base, hops = int(new.surfaces[base, 11]), hops + 1
    # Of a basis that was turned round the distance counts the other way, and so does the normal of the offset.
    flipped = bool(new.flipped[base])
    distance = -distance if flipped else distance
    new.flipped[s] = flipped
    kind, (a, b, _, _) = int(new.surfaces[base, 0]), new.numbers[base]
    if kind == SPLINE:
        new.surfaces[s] = new.surfaces[base]
        new.surfaces[s, 0], new.surfaces[s, 11], new.numbers[s, 0] = OFFSET, base, distance
        return
    row = int(new.surfaces[base, 1])
    frame = np.concatenate(new.frames)[row].reshape(4, 3)
    if kind == PLANE:
        new.closed(s, PLANE, new.frame(frame[0] + distance * frame[3], *frame[1:]), flipped=flipped)
    elif kind == CONE:
        new.closed(s, CONE, row, a + distance / math.cos(b), b, flipped=flipped)
    elif kind == TORUS:
        new.closed(s, TORUS, row, a, b + distance, flipped=flipped)
    else:  # a cylinder or a sphere
        new.closed(s, kind, row, a + distance, flipped=flipped)
