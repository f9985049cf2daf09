"""Slow, obvious second implementations in exact arithmetic: what the fast code must equal."""

from fractions import Fraction
from itertools import combinations_with_replacement
from math import isqrt

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
