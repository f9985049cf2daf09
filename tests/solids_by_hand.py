"""Exact solids put together by hand, their twins as splines, and what their mass properties are."""

import math
from typing import NamedTuple

import numpy as np

from massproof.brep import CIRCLE, CONE, CYLINDER, ELLIPSE, LINE, PLANE, SPHERE, SPLINE, TORUS, Shapes
from massproof.sweeps import Net, arc, curve_net, extruded, revolved

X, Y, Z, ORIGIN = np.eye(3)[0], np.eye(3)[1], np.eye(3)[2], np.zeros(3)
PI = math.pi


class Truth(NamedTuple):
    """Area, volume, centre, and second moments about the centre, as far as they are known in closed form."""

    area: float
    volume: float
    centre: np.ndarray
    second: np.ndarray | None = None


class Builder:
    """Collects rows of a `Shapes`."""

    def __init__(self):
        self.frames, self.curves, self.curve_numbers, self.surfaces, self.surface_numbers = [], [], [], [], []
        self.controls, self.knots, self.edges, self.edge_points, self.uses = [], [], [], [], []
        self.loops, self.faces, self.shells, self.shell_faces, self.solids, self.solid_shells = (
            [],
            [],
            [],
            [],
            [],
            [],
        )

    def frame(self, origin=ORIGIN, z=Z, x=None):
        z = np.array(z, float) / np.linalg.norm(z)
        x = np.array(x, float) if x is not None else (X if abs(z[0]) < 0.9 else Y)
        x = x - (x @ z) * z
        x /= np.linalg.norm(x)
        self.frames.append(np.concatenate([origin, x, np.cross(z, x), z]))
        return len(self.frames) - 1

    def curve(self, kind, frame=-1, *numbers):
        self.curves.append((kind, frame, 0, 0, 0, 0, 0, 0))
        self.curve_numbers.append((*numbers, *[0.0] * (6 - len(numbers))))
        return len(self.curves) - 1

    def line(self, p, q):
        return self.curve(LINE, -1, *p, *(np.array(q) - p))

    def spline_curve(self, net):
        row = (
            SPLINE,
            -1,
            net.degrees[0],
            len(self.controls),
            len(net.points),
            len(self.knots),
            len(net.knots[0]),
        )
        self.curves.append((*row, int((net.points[:, 3] != 1).any())))
        self.curve_numbers.append([0.0] * 6)
        self.controls += net.points.tolist()
        self.knots += net.knots[0].tolist()
        return len(self.curves) - 1

    def surface(self, kind, frame=-1, *numbers, base=0):
        self.surfaces.append((kind, frame, *[0] * 9, base))
        self.surface_numbers.append((*numbers, *[0.0] * (4 - len(numbers))))
        return len(self.surfaces) - 1

    def spline_surface(self, net):
        n, m = net.points.shape[:2]
        row = (*net.degrees, n, m, len(self.controls), len(self.knots), len(net.knots[0]), len(net.knots[1]))
        self.surfaces.append((SPLINE, 0, *row, int((net.points[..., 3] != 1).any()), 0))
        self.surface_numbers.append([0.0] * 4)
        self.controls += net.points.reshape(-1, 4).tolist()
        self.knots += [*net.knots[0], *net.knots[1]]
        return len(self.surfaces) - 1

    def edge(self, curve, p, q, sense=1):
        closed = int(np.allclose(p, q, atol=1e-12))
        self.edges.append((curve, sense, closed, 100 + len(self.edges)))
        self.edge_points.append((*p, *q))
        return len(self.edges)  # + 1, as `uses` has it

    def segment(self, p, q):
        return self.edge(self.line(p, q), p, q)

    def circle(self, origin, z, r, p, q=None, sense=1):
        """Arc about z from p to q, the whole circle without q."""
        return self.edge(self.curve(CIRCLE, self.frame(origin, z), r, r), p, p if q is None else q, sense)

    def face(self, surface, *loops, sense=1, orientations=None, kind=0):
        first = len(self.loops)
        for i, loop in enumerate(loops):
            self.loops.append((len(self.uses), len(loop), orientations[i] if orientations else 1, kind))
            self.uses += loop
        self.faces.append((surface, sense, first, len(loops), 500 + len(self.faces)))
        return len(self.faces) - 1

    def shell(self, faces, orientations=None):
        self.shells.append((len(self.shell_faces), len(faces), 800 + len(self.shells)))
        self.shell_faces += list(zip(faces, orientations or [1] * len(faces), strict=True))
        return len(self.shells) - 1

    def solid(self, *shells):
        self.solids.append((len(self.solid_shells), len(shells), 900 + len(self.solids)))
        self.solid_shells += [(s, 1) for s in shells]

    def shapes(self):
        def floats(rows, wide):
            return np.array(rows, float).reshape(-1, wide)

        def integers(rows, wide):
            return np.array(rows, np.int64).reshape(-1, wide)

        return Shapes(
            floats(self.frames, 12), integers(self.curves, 8), floats(self.curve_numbers, 6),
            integers(self.surfaces, 12), floats(self.surface_numbers, 4), floats(self.controls, 4),
            np.array(self.knots, float), integers(self.edges, 4), floats(self.edge_points, 6),
            np.array(self.uses, np.int64), integers(self.loops, 4), integers(self.faces, 5),
            integers(self.shells, 3), integers(self.shell_faces, 2), integers(self.solids, 3),
            integers(self.solid_shells, 2),
        )  # fmt: skip


class Corners:
    """Edges by their ends, so that two faces that name the same ends share one edge."""

    def __init__(self, builder):
        self.builder, self.known = builder, {}

    def use(self, p, q, centre=None):
        """The segment from p to q, or the short arc about `centre`: signed as in `uses`."""
        p, q = np.array(p, float), np.array(q, float)
        key = tuple(map(tuple, np.round([p, q, ORIGIN if centre is None else centre], 9)))
        if (key[1], key[0], key[2]) in self.known:
            return -self.known[key[1], key[0], key[2]]
        if key not in self.known:
            if centre is None:
                self.known[key] = self.builder.segment(p, q)
            else:
                a, b = p - centre, q - centre
                self.known[key] = self.builder.circle(centre, np.cross(a, b), float(np.linalg.norm(a)), p, q)
        return self.known[key]

    def loop(self, *points):
        """Segments round a polygon."""
        return [self.use(p, q) for p, q in zip(points, [*points[1:], points[0]], strict=True)]


def box(a=2.0, b=3.0, c=5.0):
    build = Builder()
    faces = box_faces(build, np.array([a, b, c]))
    build.solid(build.shell(faces))
    second = a * b * c / 12 * np.diag([a * a, b * b, c * c])
    return build.shapes(), Truth(2 * (a * b + b * c + c * a), a * b * c, np.array([a, b, c]) / 2, second)


def box_faces(build, size, low=ORIGIN, inward=False):
    corners, faces = Corners(build), []
    for axis in range(3):
        for side in (0, 1):
            u, v = (axis + 1) % 3, (axis + 2) % 3
            ring = []
            for p, q in ((0, 0), (1, 0), (1, 1), (0, 1)):
                point = np.zeros(3)
                point[axis], point[u], point[v] = side * size[axis], p * size[u], q * size[v]
                ring.append(point + low)
            if (side == 0) != inward:
                ring.reverse()
            z = np.eye(3)[axis] * (1 if side else -1) * (-1 if inward else 1)
            faces.append(build.face(build.surface(PLANE, build.frame(ring[0], z)), corners.loop(*ring)))
    return faces


def hollow_box():
    """A box with a void that is a box."""
    build = Builder()
    outer, inner = build.shell(box_faces(build, np.array([4.0, 4, 4]))), None
    inner = build.shell(box_faces(build, np.array([1.0, 2, 1]), np.array([1.0, 1, 1]), inward=True))
    build.solid(outer, inner)
    centre = (64 * np.array([2.0, 2, 2]) - 2 * np.array([1.5, 2, 1.5])) / 62
    return build.shapes(), Truth(96 + 10, 62.0, centre)


def frustum(r=2.0, top=1.0, h=3.0):
    """Cylinder when both radii agree, cone when the upper one is 0; one seam, as most programs write it."""
    build = Builder()
    p, q = np.array([r, 0, 0]), np.array([top, 0, h])
    low = build.circle(ORIGIN, Z, r, p)
    seam = build.segment(p, q)
    if r == top:
        side = build.surface(CYLINDER, build.frame(), r)
    else:
        side = build.surface(CONE, build.frame(), r, math.atan2(top - r, h))
    faces = [build.face(build.surface(PLANE, build.frame(ORIGIN, -Z)), [-low])]
    if top:
        high = build.circle(q * Z, Z, top, q)
        faces += [build.face(side, [low, seam, -high, -seam])]
        faces += [build.face(build.surface(PLANE, build.frame(q * Z, Z)), [high])]
    else:
        faces += [build.face(side, [low, seam, -seam])]
    build.solid(build.shell(faces))
    area = PI * (r * r + top * top + (r + top) * math.hypot(h, r - top))
    volume = PI * h / 3 * (r * r + r * top + top * top)
    z = h * (r * r + 2 * r * top + 3 * top * top) / (4 * (r * r + r * top + top * top))
    xx = PI * h / 20 * sum(r ** (4 - k) * top**k for k in range(5))
    zz = PI * h**3 / 30 * (r * r + 3 * r * top + 6 * top * top) - volume * z * z
    return build.shapes(), Truth(area, volume, np.array([0, 0, z]), np.diag([xx, xx, zz]))


def cone_without_seam(r=2.0, h=3.0):
    """Its apex is a vertex loop, its border one circle."""
    shapes, truth = frustum(r, 0.0, h)
    loops = shapes.loops.copy()
    loops[1, 1] = 1
    return shapes._replace(loops=loops), truth


def sphere_truth(r):
    return Truth(4 * PI * r * r, 4 / 3 * PI * r**3, ORIGIN, 4 / 15 * PI * r**5 * np.eye(3))


def sphere(r=1.5):
    """Without edges: a vertex loop."""
    build = Builder()
    build.solid(build.shell([build.face(build.surface(SPHERE, build.frame(), r), [], kind=1)]))
    return build.shapes(), sphere_truth(r)


def sphere_with_seam(r=1.5):
    build = Builder()
    seam = build.circle(ORIGIN, -Y, r, np.array([0, 0, -r]), np.array([0, 0, r]))
    build.solid(build.shell([build.face(build.surface(SPHERE, build.frame(), r), [seam, -seam])]))
    return build.shapes(), sphere_truth(r)


def sphere_octants(r=1.5):
    """Eight faces that meet at the poles of their own sphere."""
    build, faces = Builder(), []
    corners, surface = Corners(build), build.surface(SPHERE, build.frame(), r)
    for i in range(8):
        x, y, z = np.eye(3) * r * (1 - 2 * np.array([i & 1, i >> 1 & 1, i >> 2]))
        ring = [x, y, z] if bin(i).count("1") % 2 == 0 else [x, z, y]
        faces.append(
            build.face(
                surface, [corners.use(p, q, ORIGIN) for p, q in zip(ring, [*ring[1:], ring[0]], strict=True)]
            )
        )
    build.solid(build.shell(faces))
    return build.shapes(), sphere_truth(r)


def caps(r=1.5, height=0.4):
    """A sphere cut by a plane into two solids' common surface: the part above `height` alone."""
    build = Builder()
    rho = math.sqrt(r * r - height * height)
    circle = build.circle(height * Z, Z, rho, np.array([rho, 0, height]))
    top = build.face(build.surface(SPHERE, build.frame(), r), [circle])
    build.solid(build.shell([top, build.face(build.surface(PLANE, build.frame(height * Z, -Z)), [-circle])]))
    h = r - height
    volume = PI * h * h * (3 * r - h) / 3
    z = 3 * (2 * r - h) ** 2 / (4 * (3 * r - h))
    return build.shapes(), Truth(2 * PI * r * h + PI * rho**2, volume, np.array([0, 0, z]))


def torus_truth(R, r):
    v = 2 * PI**2 * R * r * r
    zz, xx = v * r * r / 4, v * (4 * R * R + 3 * r * r) / 8
    return Truth(4 * PI**2 * R * r, v, ORIGIN, np.diag([xx, xx, zz]))


def torus(R=3.0, r=1.0):
    """With both seams."""
    build = Builder()
    p = np.array([R + r, 0, 0])
    long, short = build.circle(ORIGIN, Z, R + r, p), build.circle(R * X, -Y, r, p)
    build.solid(
        build.shell([build.face(build.surface(TORUS, build.frame(), R, r), [long, short, -long, -short])])
    )
    return build.shapes(), torus_truth(R, r)


def bare_torus(R=3.0, r=1.0):
    """Without edges."""
    build = Builder()
    build.solid(build.shell([build.face(build.surface(TORUS, build.frame(), R, r))]))
    return build.shapes(), torus_truth(R, r)


def apple(R=1.0, r=2.0):
    """The outer part of a spindle torus, without edges."""
    build = Builder()
    build.solid(build.shell([build.face(build.surface(TORUS, build.frame(), R, r))]))
    return build.shapes(), spindle_truth(R, r, math.acos(-R / r), 1)


def lemon(R=1.0, r=2.0):
    """The inner part of a spindle torus, without edges; its normal looks inwards."""
    build = Builder()
    build.solid(build.shell([build.face(build.surface(TORUS, build.frame(), R, r, base=1), sense=0)]))
    return build.shapes(), spindle_truth(R, r, math.acos(R / r), -1)


def spindle_truth(R, r, half, side):
    """The arc of half angle `half` about (±R, 0), turned round the axis: Pappus and plain integrals of it."""
    area = 2 * PI * r * (2 * half * R * side + 2 * r * math.sin(half))
    # ∫ π ρ² dz, ρ = ±R + r cos t, dz = r cos t dt, from −half to half
    s1 = 2 * math.sin(half)
    s2 = half + math.sin(2 * half) / 2
    s3 = 2 * (math.sin(half) - math.sin(half) ** 3 / 3)
    volume = PI * r * (R * R * s1 + 2 * side * R * r * s2 + r * r * s3)
    return Truth(area, volume, ORIGIN)


def elbow(R=4.0, r=1.0, inner=0.6, angle=PI / 2, seam=True):
    """A pipe bent along an arc: two tori and two rings."""
    build = Builder()
    e = np.array([math.cos(angle), math.sin(angle), 0])
    rings = []
    for radius in (r, inner):
        p, q = (R + radius) * X, (R + radius) * e
        start, stop = build.circle(R * X, -Y, radius, p), build.circle(R * e, np.cross(e, Z), radius, q)
        rings.append((start, stop, build.circle(ORIGIN, Z, R + radius, p, q) if seam else 0))
    faces = []
    for (start, stop, along), radius, sense in zip(rings, (r, inner), (1, 0), strict=True):
        surface = build.surface(TORUS, build.frame(), R, radius)
        loops = [[along, stop, -along, -start]] if seam else [[stop], [-start]]
        if sense:
            faces.append(build.face(surface, *loops))
        else:
            back = [[-u for u in reversed(loop)] for loop in loops]
            faces.append(build.face(surface, *back, sense=0))
    faces.append(build.face(build.surface(PLANE, build.frame(R * X, -Y)), [rings[0][0]], [-rings[1][0]]))
    plane = build.surface(PLANE, build.frame(R * e, np.cross(Z, e)))
    faces.append(build.face(plane, [-rings[0][1]], [rings[1][1]]))
    build.solid(build.shell(faces))
    section = PI * (r * r - inner * inner)
    # centroid of the swept section: ∫ ρ · ρ dA/(R A) along the bisector times sin(a/2)/(a/2)
    far = (R * R * section + PI * (r**4 - inner**4) / 4) / (R * section)
    middle = far * math.sin(angle / 2) / (angle / 2)
    centre = middle * np.array([math.cos(angle / 2), math.sin(angle / 2), 0])
    return build.shapes(), Truth(2 * PI * R * angle * (r + inner) + 2 * section, section * R * angle, centre)


def seamless_elbow():
    return elbow(seam=False)


def plate_with_hole(a=4.0, b=3.0, h=1.0, r=0.8, x=1.5, y=1.4):
    build = Builder()
    faces = box_faces(build, np.array([a, b, h]))
    low, high = np.array([x, y, 0]), np.array([x, y, h])
    p = r * X
    bottom, top = build.circle(low, Z, r, low + p), build.circle(high, Z, r, high + p)
    seam = build.segment(low + p, high + p)
    for f, loop in ((faces[4], [bottom]), (faces[5], [-top])):
        row = build.faces[f]
        build.loops.append(build.loops[row[2]])
        build.loops.append((len(build.uses), 1, 1, 0))
        build.uses += loop
        build.faces[f] = (*row[:2], len(build.loops) - 2, 2, row[4])
    hole = build.face(build.surface(CYLINDER, build.frame(low), r), [-bottom, seam, top, -seam], sense=0)
    build.solid(build.shell([*faces, hole]))
    disc = PI * r * r
    volume = (a * b - disc) * h
    centre = (a * b * h * np.array([a, b, h]) / 2 - disc * h * np.array([x, y, h / 2])) / volume
    return build.shapes(), Truth(2 * (a * b - disc) + 2 * h * (a + b) + 2 * PI * r * h, volume, centre)


def filleted_box(a=4.0, b=3.0, c=2.0, r=0.5):
    """Six planes, twelve quarters of cylinders, eight of spheres."""
    build = Builder()
    corners, faces = Corners(build), []
    size = np.array([a, b, c])
    half = size / 2 - r
    eye = np.eye(3)

    def at(signs, axis):
        """The corner of the flat part of the side towards signs[axis]·axis, at the corner `signs` of the box."""
        return signs * half + r * signs[axis] * eye[axis]

    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for side in (1.0, -1.0):
            ring = []
            for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                signs = np.zeros(3)
                signs[axis], signs[u], signs[v] = side, p, q
                ring.append(at(signs, axis))
            ring = ring if side > 0 else ring[::-1]
            plane = build.surface(PLANE, build.frame(ring[0], side * eye[axis]))
            faces.append(build.face(plane, corners.loop(*ring)))
            for other in (1.0, -1.0):  # the edge along v between side·axis and other·u
                signs = side * eye[axis] + other * eye[u]
                low, high = signs - eye[v], signs + eye[v]
                uses = [
                    corners.use(at(low, axis), at(low, u), low * half),
                    corners.use(at(low, u), at(high, u)),
                    corners.use(at(high, u), at(high, axis), high * half),
                    corners.use(at(high, axis), at(low, axis)),
                ]
                if side * other < 0:
                    uses = [-n for n in reversed(uses)]
                surface = build.surface(CYLINDER, build.frame(signs * half, eye[v]), r)
                faces.append(build.face(surface, uses))
    for i in range(8):
        signs = 1.0 - 2.0 * np.array([i & 1, i >> 1 & 1, i >> 2])
        order = (0, 1, 2) if bin(i).count("1") % 2 == 0 else (0, 2, 1)
        ring = [at(signs, axis) for axis in order]
        uses = [corners.use(p, q, signs * half) for p, q in zip(ring, [*ring[1:], ring[0]], strict=True)]
        faces.append(build.face(build.surface(SPHERE, build.frame(signs * half), r), uses))
    build.solid(build.shell(faces))
    inner = size - 2 * r
    pairs = inner[0] * inner[1] + inner[1] * inner[2] + inner[2] * inner[0]
    volume = inner.prod() + 2 * r * pairs + PI * r * r * inner.sum() + 4 / 3 * PI * r**3
    return build.shapes(), Truth(2 * pairs + 2 * PI * r * inner.sum() + 4 * PI * r * r, volume, ORIGIN)


def elliptic_prism(a=2.0, b=1.0, h=1.5):
    """A disc with an elliptic border, extruded: its side is a spline here, its border an ellipse."""
    build = Builder()
    p, q = np.array([a, 0, 0]), np.array([a, 0, h])
    low = build.edge(build.curve(ELLIPSE, build.frame(), a, b), p, p)
    high = build.edge(build.curve(ELLIPSE, build.frame(h * Z), a, b), q, q)
    seam = build.segment(p, q)
    side = build.spline_surface(extruded(arc(a, b, 0, 2 * PI), Z, 0.0, h))
    faces = [
        build.face(build.surface(PLANE, build.frame(ORIGIN, -Z)), [-low]),
        build.face(side, [low, seam, -high, -seam]),
        build.face(build.surface(PLANE, build.frame(h * Z, Z)), [high]),
    ]
    build.solid(build.shell(faces))
    v = PI * a * b * h
    e = 1 - b * b / a / a
    t = (np.arange(400) + 0.5) / 400 * PI / 2  # midpoints: converges geometrically for a period
    around = 4 * a * np.sqrt(1 - e * np.sin(t) ** 2).mean() * PI / 2
    second = v * np.diag([a * a / 4, b * b / 4, h * h / 12])
    return build.shapes(), Truth(2 * PI * a * b + around * h, v, np.array([0, 0, h / 2]), second)


SOLIDS = {
    function.__name__: function
    for function in (
        box, hollow_box, frustum, cone_without_seam, sphere, sphere_with_seam, sphere_octants, caps, torus,
        bare_torus, apple, lemon, elbow, seamless_elbow, plate_with_hole, filleted_box, elliptic_prism,
    )
} | {"cylinder": lambda: frustum(2.0, 2.0), "cone": lambda: frustum(2.0, 0.0)}  # fmt: skip


def moved(shapes, rotation=None, translation=ORIGIN, scale=1.0):
    """The shapes after r → scale · rotation · r + translation."""
    rotation = np.eye(3) if rotation is None else rotation

    def points(p):
        return scale * p @ rotation.T + translation

    frames, curve_numbers, numbers = (
        shapes.frames.copy(),
        shapes.curve_numbers.copy(),
        shapes.surface_numbers.copy(),
    )
    frames[:, :3] = points(frames[:, :3])
    for k in (3, 6, 9):
        frames[:, k : k + 3] = frames[:, k : k + 3] @ rotation.T
    line = shapes.curves[:, 0] == LINE
    curve_numbers[line, :3] = points(curve_numbers[line, :3])
    curve_numbers[line, 3:] = scale * curve_numbers[line, 3:] @ rotation.T
    curve_numbers[~line] *= scale
    cone = shapes.surfaces[:, 0] == CONE
    numbers[:, 0] *= scale
    numbers[~cone, 1] *= scale
    controls, ends = shapes.controls.copy(), shapes.edge_points.copy()
    controls[:, :3] = points(controls[:, :3])
    ends[:, :3], ends[:, 3:] = points(ends[:, :3]), points(ends[:, 3:])
    return shapes._replace(
        frames=frames,
        curve_numbers=curve_numbers,
        surface_numbers=numbers,
        controls=controls,
        edge_points=ends,
    )


def moved_truth(truth, rotation=None, translation=ORIGIN, scale=1.0):
    rotation = np.eye(3) if rotation is None else rotation
    second = None if truth.second is None else scale**5 * rotation @ truth.second @ rotation.T
    centre = scale * rotation @ truth.centre + translation
    return Truth(truth.area * scale**2, truth.volume * scale**3, centre, second)


def twin(shapes):
    """The same solids with every surface and every curve written as the spline that it is."""
    build = Builder()
    reach = np.abs(shapes.edge_points).max(initial=1.0) * 2
    for s in range(len(shapes.surfaces)):
        build.spline_surface(_surface_net(shapes, s, reach))
    for c in range(len(shapes.curves)):
        build.spline_curve(curve_net(shapes, c, 0.0, 1.0 if shapes.curves[c, 0] == LINE else 2 * PI))
    rows = build.shapes()
    return shapes._replace(
        curves=rows.curves, curve_numbers=rows.curve_numbers, surfaces=rows.surfaces,
        surface_numbers=rows.surface_numbers, controls=rows.controls, knots=rows.knots,
    )  # fmt: skip


def _surface_net(shapes, s, reach):
    kind, (a, b, _, _) = shapes.surfaces[s, 0], shapes.surface_numbers[s]
    if kind == SPLINE:
        p, q, n, m, first, knot, in_u, in_v = shapes.surfaces[s, 2:10]
        points = shapes.controls[first : first + n * m].reshape(n, m, 4)
        knots = shapes.knots[knot : knot + in_u + in_v]
        return Net(points, (int(p), int(q)), (knots[:in_u], knots[in_u:]))
    frame = shapes.frames[shapes.surfaces[s, 1]]
    origin, x, y, z = frame.reshape(4, 3)
    if kind == PLANE:
        edge = np.array([0.0, 0, 1, 1])
        points = np.ones((2, 2, 4))
        for i, u in enumerate((-reach, reach)):
            for j, v in enumerate((-reach, reach)):
                points[i, j, :3] = origin + u * x + v * y
        return Net(points, (1, 1), (edge, edge))
    if kind == SPHERE:
        flat = arc(a, a, -PI / 2, PI / 2)
    elif kind == TORUS:
        flat = arc(b, b, 0, 2 * PI)
        flat.points[:, 0] += a
    else:
        low, high = -reach, reach
        slope = math.tan(b) if kind == CONE else 0.0
        if slope:  # up to the apex, so that it is the pole that it is
            low, high = sorted([-a / slope, -reach if slope < 0 else reach])
        points = np.array([[a + slope * low, low, 0, 1], [a + slope * high, high, 0, 1]])
        flat = Net(points, (1,), (np.array([0.0, 0, 1, 1]),))
    points = flat.points.copy()
    points[:, :3] = origin + np.outer(flat.points[:, 0], x) + np.outer(flat.points[:, 1], z)
    return revolved(Net(points, flat.degrees, flat.knots), frame)
