"""On which side of a plane or a line a point lies: signs that are exact, whatever the coordinates.

A sum of rounded products decides when it exceeds its own rounding; else the sign is that of the same sum without
rounding: differences and products are split into parts that are exact together, and the parts are added
exactly. After J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
Predicates", Discrete & Computational Geometry 18, 1997; in numpy the parts are added by `math.fsum`, which
rounds once and so keeps the sign.

Coordinates are trusted to be 0 or between 1e-90 and 1e+50 in size: then no part of a product of three
underflows. `flushed` makes them so.
"""

import math

import numpy as np

from massproof.kernels.jit import kernel

# Of the sum of absolute products. Shewchuk proves 3 + 16u and 7 + 56u in units of u = 2⁻⁵³; the rest is slack.
TURN_BOUND, HEIGHT_BOUND = 6 * 2.0**-53, 12 * 2.0**-53
TINY = 1e-200  # far above what underflow in a product can take away, far below any product that matters

_SMALLEST = 1e-90
_SPLITTER = 2.0**27 + 1
_ROWS = 128  # undecided at a time, with up to 192 products each
_SIGNS = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])[:, None]  # of the products of coordinates i, j, k
_I, _J, _K = [0, 1, 2, 0, 1, 2], [1, 2, 0, 2, 0, 1], [2, 0, 1, 1, 2, 0]


def flushed(vertices):
    """`vertices` with coordinates below 1e-90 made 0: as far below any precision as the predicates need."""
    small = np.abs(vertices) < _SMALLEST
    return np.where(small, 0.0, vertices) if vertices[small].any() else vertices


def heights(a, b, c, x, known=False):
    """1 where x lies above the plane of a, b, c, from where these are seen counter-clockwise, −1 below, 0 in it.

    a, b, c, x : (3, ...) float64, of shapes that fit;  known : where x is one of the three, so that 0 is the answer
    returns (...) int8
    """
    found, size, sure = _rounded_heights(a, b, c, x)
    return _settled(found, (size > 0) & ~sure & ~known, _exact_heights, (a, b, c, x), known)


def rounded_heights(a, b, c, x):
    """As `heights`, and where rounding leaves no doubt of them."""
    found, _, sure = _rounded_heights(a, b, c, x)
    return found, sure


def _rounded_heights(a, b, c, x):
    (ux, uy, uz), (wx, wy, wz), (x, y, z) = b - a, c - a, x - a
    p1, p2, p3, p4, p5, p6 = uy * wz, uz * wy, uz * wx, ux * wz, ux * wy, uy * wx
    det = (p1 - p2) * x + (p3 - p4) * y + (p5 - p6) * z
    size = (abs(p1) + abs(p2)) * abs(x) + (abs(p3) + abs(p4)) * abs(y) + (abs(p5) + abs(p6)) * abs(z)
    return np.sign(det).astype(np.int8), size, np.abs(det) > HEIGHT_BOUND * size + TINY


def turns(a, b, c, known=False):
    """1 where a, b, c are counter-clockwise, −1 where clockwise, 0 on a line.

    a, b, c : (2, ...) float64, of shapes that fit;  known : where c is a or b, so that 0 is the answer
    returns (...) int8
    """
    (ux, uy), (wx, wy) = b - a, c - a
    p, q = ux * wy, uy * wx
    det, size = p - q, abs(p) + abs(q)
    unsure = (np.abs(det) <= TURN_BOUND * size + TINY) & (size > 0) & ~np.asarray(known)
    return _settled(np.sign(det).astype(np.int8), unsure, _exact_turns, (a, b, c), known)


def _settled(found, unsure, exactly, points, known):
    """`found`, where it is unsure replaced by what `exactly` says, and 0 where it is known."""
    if known is not False:
        found[known] = 0
    places = np.nonzero(unsure)
    if len(places[0]):
        points = [np.broadcast_to(p, (len(p), *found.shape))[:, *places] for p in points]
        blocks = range(0, len(places[0]), _ROWS)
        found[places] = np.concatenate([exactly(*(p[:, i : i + _ROWS] for p in points)) for i in blocks])
    return found


def _exact_heights(a, b, c, x):
    u, w, x = (_difference(p, a) for p in (b, c, x))
    first = _product((u[:, _I] * _SIGNS)[:, None], w[None, :, _J])
    return _sign_of_sum(_product(first[:, :, :, None], x[None, None, None, :, _K]))


def _exact_turns(a, b, c):
    u, w = _difference(b, a), _difference(c, a)
    return _sign_of_sum(_product((u * _SIGNS[2:4])[:, None], w[None, :, ::-1]))


def _difference(p, a):
    """Arrays (1 or 2, ...) that add up to p − a exactly."""
    head = p - a
    b = p - head
    tail = (p - (head + b)) + (b - a)
    return np.stack([head, tail]) if tail.any() else head[None]


def _product(a, b):
    """Arrays (2, ...) that add up to a·b exactly."""
    head = a * b
    big = _SPLITTER * a
    a1 = big - (big - a)
    big = _SPLITTER * b
    b1 = big - (big - b)
    a2, b2 = a - a1, b - b1
    return np.stack([head, a2 * b2 - (((head - a1 * b1) - a2 * b1) - a1 * b2)])


def _sign_of_sum(terms):
    """Sign of the sum of (..., n) along all axes but the last.

    Added in pairs, and what rounding took away after that, as T. Ogita, S. Rump, S. Oishi, "Accurate Sum and Dot
    Product", 2005, do in sequence; where that leaves doubt, without error.
    """
    terms = terms.reshape(-1, terms.shape[-1])
    sums, lost = terms, np.zeros(terms.shape[1])
    while len(sums) > 1:
        half = len(sums) // 2
        x, y = sums[:half], sums[half : 2 * half]
        head = x + y
        virtual = head - x
        lost += ((x - (head - virtual)) + (y - virtual)).sum(axis=0)
        sums = np.concatenate([head, sums[2 * half :]])
    total, size = sums[0] + lost, np.abs(terms).sum(axis=0)
    sign = np.sign(total).astype(np.int8)
    rows = np.flatnonzero((np.abs(total) <= 2 * (len(terms) * 2.0**-53) ** 2 * size) & (size > 0))
    sign[rows] = np.sign([math.fsum(row) for row in terms[:, rows].T.tolist()])
    return sign


@kernel
def add_part(parts, n, x):
    """Add x to a sum of `n` parts, the smallest first, no two of which overlap; returns their new number."""
    kept = 0
    for i in range(n):
        y = parts[i]
        head = x + y
        virtual = head - x
        tail = (x - (head - virtual)) + (y - virtual)
        x = head
        if tail != 0.0:
            parts[kept] = tail
            kept += 1
    if x != 0.0:
        parts[kept] = x
        kept += 1
    return kept


@kernel
def split_difference(a, b):
    """Two numbers that add up to a − b exactly."""
    head = a - b
    virtual = a - head
    return head, (a - (head + virtual)) + (virtual - b)


@kernel
def exact_turn(ax, ay, bx, by, cx, cy, parts):
    """As `turn`, without rounding; `parts` holds sixteen numbers and eight differences."""
    parts[16], parts[17] = split_difference(bx, ax)
    parts[18], parts[19] = split_difference(cy, ay)
    parts[20], parts[21] = split_difference(ay, by)
    parts[22], parts[23] = split_difference(cx, ax)
    n = 0
    for i in range(8):
        first = 16 + 4 * (i & 1)
        a, b = parts[first + (i >> 1 & 1)], parts[first + 2 + (i >> 2)]
        head = a * b
        big = _SPLITTER * a
        a1 = big - (big - a)
        big = _SPLITTER * b
        b1 = big - (big - b)
        a2, b2 = a - a1, b - b1
        n = add_part(parts, n, a2 * b2 - (((head - a1 * b1) - a2 * b1) - a1 * b2))
        n = add_part(parts, n, head)
    if n == 0:
        return 0
    return 1 if parts[n - 1] > 0.0 else -1


@kernel
def turn(ax, ay, bx, by, cx, cy, parts):
    """1 when a, b, c are counter-clockwise, −1 when clockwise, 0 on a line; parts : (24,) float64 of memory."""
    p, q = (bx - ax) * (cy - ay), (by - ay) * (cx - ax)
    det, bound = p - q, TURN_BOUND * (abs(p) + abs(q)) + TINY
    if det > bound:
        return 1
    if det < -bound:
        return -1
    return exact_turn(ax, ay, bx, by, cx, cy, parts)
