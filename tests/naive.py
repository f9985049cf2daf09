"""Slow, obvious second implementations in exact arithmetic: what the fast code must equal."""

from fractions import Fraction
from itertools import combinations_with_replacement
from math import isqrt
from operator import mul

PRODUCTS = [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)]


def exact(rows):
    return [[Fraction(float(x)) for x in row] for row in rows]


def solid_moments(vertices, faces, origin=(0, 0, 0)):
    """The ten moments about `origin`, exactly: J = V/20 (Σ p pᵀ + s sᵀ), p = (x, y, z, 1)."""
    points = [
        [Fraction(float(x)) - Fraction(float(o)) for x, o in zip(v, origin, strict=True)] for v in vertices
    ]
    total = [[Fraction(0)] * 4 for _ in range(4)]
    for face in faces:
        p = [[*points[i], Fraction(1)] for i in face]
        p.append([Fraction(0)] * 3 + [Fraction(1)])
        volume = det(p[0][:3], p[1][:3], p[2][:3]) / 6
        s = [sum(column) for column in zip(*p, strict=True)]
        for i, j in combinations_with_replacement(range(4), 2):
            term = volume / 20 * (sum(q[i] * q[j] for q in p) + s[i] * s[j])
            total[i][j] += term
            if i != j:
                total[j][i] += term
    return [total[3][3], *(total[i][3] for i in range(3)), *(total[i][j] for i, j in PRODUCTS)]


def body(vertices, faces):
    """Volume, centre and inertia tensor of unit density about the centre, exactly."""
    one, *rest = solid_moments(vertices, faces)
    centre = [m / one for m in rest[:3]]
    second = dict(zip(PRODUCTS, rest[3:], strict=True))
    second = {k: v - one * centre[k[0]] * centre[k[1]] for k, v in second.items()}
    xx, yy, zz = (second[k, k] for k in range(3))
    xy, yz, zx = second[0, 1], second[1, 2], second[2, 0]
    return one, centre, [[yy + zz, -xy, -zx], [-xy, xx + zz, -yz], [-zx, -yz, xx + yy]]


def area(vertices, faces):
    """Surface area, each triangle's root to 2⁻¹²⁰ of a unit, as a Fraction from below."""
    points = exact(vertices)
    total = Fraction(0)
    for i, j, k in faces:
        a, b, c = points[i], points[j], points[k]
        n = cross([y - x for x, y in zip(a, b, strict=True)], [y - x for x, y in zip(a, c, strict=True)])
        total += root(sum(x * x for x in n)) / 2
    return total


def root(square):
    """Square root of a Fraction, from below, with 240 bits after its leading one or better."""
    if not square:
        return Fraction(0)
    shift = 2 * (240 + max(0, square.denominator.bit_length() - square.numerator.bit_length()))
    return Fraction(isqrt((square.numerator << shift) // square.denominator), 1 << (shift // 2))


def cross(a, b):
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def det(a, b, c):
    return sum(x * y for x, y in zip(a, cross(b, c), strict=True))


def polygon_area(points):
    """Area of a planar polygon, by the length of its vector area."""
    p = exact(points)
    total = [Fraction(0)] * 3
    for a, b in zip(p, p[1:] + p[:1], strict=True):
        total = [t + n for t, n in zip(total, cross(a, b), strict=True)]
    return float(root(sum(x * x for x in total)) / 2)


def edge_balance(faces):
    """For every undirected edge how often it is used, and by how much its two directions differ."""
    uses = {}
    for face in faces:
        for a, b in ((face[0], face[1]), (face[1], face[2]), (face[2], face[0])):
            count, balance = uses.get(frozenset((int(a), int(b))), (0, 0))
            uses[frozenset((int(a), int(b)))] = (count + 1, balance + (1 if a < b else -1))
    return uses


def components(faces):
    """Sets of face numbers connected through shared edges."""
    groups = []
    for n, face in enumerate(faces):
        edges = {frozenset((int(face[k]), int(face[k - 1]))) for k in range(3)}
        members = {n}
        for other in [g for g in groups if g[0] & edges]:
            groups.remove(other)
            edges |= other[0]
            members |= other[1]
        groups.append((edges, members))
    return [members for _, members in groups]


def welded(vertices, faces):
    """Distinct positions in order of their first appearance in the faces, and the faces over them."""
    numbers = {}
    found = [
        [numbers.setdefault(tuple(float(x) + 0.0 for x in vertices[v]), len(numbers)) for v in face]
        for face in faces
    ]
    return [list(position) for position in numbers], found


def edge_faces(faces):
    """For every undirected edge the faces that use it, each with whether it runs up; none that name a vertex twice."""
    uses = {}
    for n, (a, b, c) in enumerate(faces):
        if len({a, b, c}) == 3:
            for i, j in ((a, b), (b, c), (c, a)):
                uses.setdefault((min(i, j), max(i, j)), []).append((n, i < j))
    return uses


def missing(faces):
    """The directed edges, sorted, that would balance the others."""
    balance = {edge: sum(1 if up else -1 for _, up in uses) for edge, uses in edge_faces(faces).items()}
    return sorted(
        [(j, i) for (i, j), n in balance.items() for _ in range(n)]
        + [(i, j) for (i, j), n in balance.items() for _ in range(-n)]
    )


def oriented(faces):
    """Which faces to turn, how many parts have no orientation, the part of each face; over edges of two faces."""
    neighbours = [[] for _ in faces]
    for uses in edge_faces(faces).values():
        if len(uses) == 2:
            (f, up), (g, other) = uses
            neighbours[f].append((g, up == other))
            neighbours[g].append((f, up == other))
    turned, part, torn, members = {}, {}, set(), []
    for first in range(len(faces)):
        if first in turned:
            continue
        turned[first], part[first], todo, found = False, len(members), [first], [first]
        while todo:
            f = todo.pop()
            for g, alike in neighbours[f]:
                if g not in turned:
                    turned[g], part[g] = turned[f] ^ alike, len(members)
                    todo.append(g)
                    found.append(g)
                elif turned[g] != turned[f] ^ alike:
                    torn.add(len(members))
        members.append(found)
    for n, found in enumerate(members):
        many = 2 * sum(turned[f] for f in found) > len(found)
        for f in found:
            turned[f] = (turned[f] ^ many) and n not in torn
    every = range(len(faces))
    return [turned[f] for f in every], len(torn), [part[f] for f in every]


def euler(faces, label):
    """Vertices less edges plus faces of each label; none of faces that name a vertex twice."""
    cells = [set() for _ in range(max(label, default=-1) + 1)]
    for n, (face, b) in enumerate(zip(faces, label, strict=True)):
        if len(set(face)) == 3:
            cells[b] |= {("face", n)} | {("vertex", v) for v in face}
            cells[b] |= {("edge", frozenset((face[k], face[k - 1]))) for k in range(3)}
    return [sum(-1 if kind == "edge" else 1 for kind, _ in found) for found in cells]


def coincident(faces):
    """Which faces repeat an earlier one wound alike, and how many sets of three vertices have both windings."""
    seen, again = set(), []
    for a, b, c in faces:
        turns = frozenset(((a, b), (b, c), (c, a)))
        again.append(turns in seen)
        if len({a, b, c}) == 3:
            seen.add(turns)
    return again, sum(frozenset((j, i) for i, j in turns) in seen for turns in seen) // 2


def chains(points, tolerance):
    """For each point the first one that a chain of points within the tolerance leads to."""
    label = list(range(len(points)))
    changed = True
    while changed:
        changed = False
        for i, p in enumerate(points):
            for j, q in enumerate(points):
                if label[j] < label[i] and all(abs(a - b) <= tolerance for a, b in zip(p, q, strict=True)):
                    label[i], changed = label[j], True
    return label


def minus(a, b):
    return [x - y for x, y in zip(a, b, strict=True)]


def sign(x):
    return (x > 0) - (x < 0)


def height(triangle, point):
    """Six times the volume between a triangle and a point, positive above it."""
    a, b, c = triangle
    return det(minus(b, a), minus(c, a), minus(point, a))


def turn(a, b, c):
    """Twice the area of a triangle in the plane, positive when it is counter-clockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def normal(triangle):
    return cross(minus(triangle[1], triangle[0]), minus(triangle[2], triangle[0]))


def walls(triangle):
    """Planes through the edges of a triangle that it lies below."""
    top = [[x + n for x, n in zip(p, normal(triangle), strict=True)] for p in triangle]
    return [[triangle[k - 1], triangle[k], top[k]] for k in range(3)]


def enters(first, second):
    """Whether `first` meets the interior of `second` and reaches below its plane; corners are Fractions."""
    heights = [height(second, p) for p in first]
    if not any(normal(first)) or not any(normal(second)) or min(heights) >= 0 or max(heights) < 0:
        return False
    ends = [p for p, h in zip(first, heights, strict=True) if h == 0]
    for k in range(3):
        h, g = heights[k - 1], heights[k]
        if h * g < 0:
            ends.append([x + h / (h - g) * (y - x) for x, y in zip(first[k - 1], first[k], strict=True)])
    least, most = Fraction(-1), Fraction(2)  # the points of the way from ends[0] to ends[-1] within all walls
    for wall in walls(second):
        here, there = height(wall, ends[0]), height(wall, ends[-1])
        if here == there:
            most = most if here < 0 else Fraction(-1)
        elif here < there:
            most = min(most, here / (here - there))
        else:
            least = max(least, here / (here - there))
    return least < most and least < 1 and most > 0


def covers(first, second):
    """Whether two triangles of one plane face the same way and share an area."""
    n = normal(first)
    if not any(n) or any(height(first, p) for p in second) or sum(map(mul, n, normal(second))) <= 0:
        return False
    polygon = list(first)
    for wall in walls(second):
        heights = [height(wall, p) for p in polygon]
        clipped = []
        for k in range(len(polygon)):
            h, g, p, q = heights[k - 1], heights[k], polygon[k - 1], polygon[k]
            if h * g < 0:
                clipped.append([x + h / (h - g) * (y - x) for x, y in zip(p, q, strict=True)])
            if g <= 0:
                clipped.append(q)
        polygon = clipped
    fan = [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)]
    return any(any(normal(triangle)) for triangle in fan)


def crosses(first, second):
    return enters(first, second) or enters(second, first) or covers(first, second)


def winding(triangles, point, rng):
    """How often a closed surface winds around a point that is not on it, by a ray that meets no edge."""
    triangles = [triangle for triangle in triangles if any(normal(triangle))]
    while True:
        far = [x + 1000 * int(rng.integers(-(10**6), 10**6)) for x in point]
        hits = [hit(triangle, point, far) for triangle in triangles]
        if None not in hits:
            return sum(hits)


def hit(triangle, point, far):
    """1 when the way from a point to one far away leaves through a triangle, −1 when it comes in; None: at its rim."""
    here, there = sign(height(triangle, point)), sign(height(triangle, far))
    if not here or here == there:
        return 0
    sides = [sign(height([point, far, triangle[k - 1]], triangle[k])) for k in range(3)]
    if not there or 0 in sides:
        return None
    return there if len(set(sides)) == 1 else 0
