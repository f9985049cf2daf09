"""Integrals over the faces of exact solids, each from the line integral along its border.

With n = Su × Sv and G(u, v) = ∫ f n dv' from a fixed v to v, Green's theorem gives ∬ f n du dv = −∮ G du over the
border, which is walked along the edges as the file has them in space: each point of an edge is carried to its foot
on the surface. What the walk leaves open is closed by straight lines of the parameter plane: between the ends of
edges, at poles, round surfaces that repeat. The outer integrals are adaptive (G10, K21) on closed forms and
(G7, K15) on splines; what the two rules of a pair differ by counts as error, unreduced.

Sources: B. Mirtich, "Fast and accurate computation of polyhedral mass properties", 1996, for the reduction to the
border; the walk, its closing and the bounds are derived in docs/decisions/step-integration.md.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.kernels.geometry import (
    CONE,
    CYLINDER,
    GEOMETRY,
    LINE,
    PLANE,
    SPHERE,
    SPLINE,
    TORUS,
    Geometry,
)
from massproof.kernels.inner import FIELDS, clear, closed_inner, spline_inner, tabulate
from massproof.kernels.inversion import (
    COS,
    DU,
    GAP,
    PLACE,
    POLE,
    SIN,
    WILD,
    U,
    V,
    closed_foot,
    free_foot,
    nearest_control,
    settle,
    wrapped,
)
from massproof.kernels.jit import entry, kernel
from massproof.kernels.patches import inner_rule, is_free, make_patch
from massproof.kernels.pieces import BAND, CLOSE, EDGE, END, FIRST, LINK, START, Borders, put_band, put_loop
from massproof.kernels.quadrature import COARSE, FIFTEEN, NODES, ONE, THREE, TWENTYONE, WEIGHTS, nodes_of
from massproof.kernels.trims import edge_point

# Rows of sums: of the face, of a panel by the finer and the coarser rule, of an inner integral by both, of the
# errors of face and panel, of what is measured along the edges of face and panel.
TOTAL, FINE, ROUGH, INNER, INNER_ROUGH, ERRORS, PANEL_ERRORS, BORDER, PANEL_BORDER = range(9)
# Fields of a border row.
LINES, LENGTH, GAP_SUM, GAP_MOST, TRAVEL = 0, 3, 4, 5, 6
# Rows of places: of the walk, at the beginning of a panel, where the loop began, where the edge before ended,
# before a search; a segment: u, v, u, v; counts: turns in u, in v, searches left, v of a pole, and work: all of it,
# that of panels before they are halved, that of one step of a search, that of one inner integral; in space the
# vertex where the walk is, where the loop began, where the edge before ended.
HERE, BEFORE, ORIGIN, PAST, SPARE, SEGMENT, COUNTS, POINT, ORIGIN_POINT, PAST_POINT = range(10)
TURNS_U, TURNS_V, SEARCHES, POLE_V, WORK, PLAIN, STEP, INTEGRAL = range(8)

_LEVELS = 12  # how often a panel is halved
_SEARCHES = 40  # of feet, in a face whose edges are far from it
# Work is counted in what takes a nanosecond, more or less, and not timed: so the same face gives the same numbers
# anywhere. Panels are halved while it is less than _FREE, or than _TIMES what the panels took before, and less
# than _ENOUGH; faces of 114 real files take a tenth of that. Then what is left over counts as error.
_FREE, _TIMES, _ENOUGH = 3e8, 5.0, 3e9
_DOUBT = (
    4.0  # times what rules differ by: on panels too long for what they hold, they are off by more than that
)
_MOST = 1e10  # for a face: more is left to another engine
_STRIP = 1e-3  # of the strip between an edge and its face: to integrate finer than that is no gain
_WHOLES = 2  # whole surfaces that may be missing from what the loops of a face enclose
_NEAR = 1e-3  # of half an edge: so near to a pole its tangent still tells u
_CLOSE = 1e-6  # of the size of a face: a foot so near to its point needs no search whether another is nearer
_FAR = 1e-3  # of the size of a face: a foot that is farther is looked for everywhere

OUTCOMES = ("measured", "unsupported surface", "unsupported edge", "without border", "too much work")
# Flags: loops run against the face; wind round a surface that does not end there; are too rough to be integrated as
# accurately as asked.
REVERSED, WOUND, SPENT = 1, 2, 4


class Scratch(NamedTuple):
    """Memory of one thread."""

    work: npt.NDArray[np.float64]  # (ROWS, WIDTH) of an evaluation
    at: npt.NDArray[np.float64]  # (7, 3) a point of a surface, derivatives, and where that is
    spot: npt.NDArray[np.float64]  # (3, 3) a point of an edge and derivatives
    columns: npt.NDArray[np.float64]  # (points v, 8)
    cells: npt.NDArray[np.float64]  # (spans × parts, 3)
    table: npt.NDArray[np.float64]  # (spans × parts × 15, 64)
    row: npt.NDArray[np.float64]  # (64,)
    sums: npt.NDArray[np.float64]  # (9, FIELDS)
    places: npt.NDArray[np.float64]  # (10, 8)
    pieces: npt.NDArray[np.float64]  # (most pieces of a face, 4)
    stack: npt.NDArray[np.float64]  # (32, 3)


# How an entry spells the arguments that make a `Scratch`.
SCRATCH = "f8[:,32] f8[7,3] f8[3,3] f8[:,8] f8[:,3] f8[:,64] f8[64] f8[9,14] f8[10,8] f8[:,4] f8[32,3]"


@kernel
def rule_of(geometry, borders, patch, piece, places):
    """Rule for a panel of a piece: exact where the integrand is a polynomial, one point for a tiny gap."""
    if piece[0] == EDGE:
        line = geometry.curves[borders.edges[int(piece[1]), 0], 0] == LINE
        if line and (patch.kind == PLANE or patch.kind == CYLINDER or patch.kind == CONE):
            return THREE
    elif piece[0] == LINK or piece[0] == CLOSE:
        step = abs(places[SEGMENT, 2] - places[SEGMENT, 0])
        wide = patch.size if patch.kind == PLANE else patch.high_u - patch.low_u
        if step <= 1e-5 * wide:
            return ONE
        if step <= 1e-2 * wide or patch.kind == PLANE:
            return THREE
    elif piece[0] != BAND:
        return ONE
    return FIFTEEN if is_free(patch.kind) else TWENTYONE


@kernel
def find_foot(geometry, patch, search, scratch):
    """Foot of the point in scratch.spot, looked for everywhere if `search` is 1 or it is far from the last one."""
    here, spare, counts = scratch.places[HERE], scratch.places[SPARE], scratch.places[COUNTS]
    if not is_free(patch.kind):
        closed_foot(patch, scratch.spot[0], scratch.spot[1], here)
        return
    u, v, again, guessed = here[U], here[V], False, search == 1
    if guessed:
        nearest_control(geometry, patch, scratch.spot[0], here)
        search = 0
    while True:
        steps = free_foot(geometry, patch, scratch.spot[0], scratch.spot[1], here, search, scratch)
        counts[WORK] += counts[STEP] * steps
        if again and spare[GAP] <= here[GAP]:
            copy(spare, here)
        if search == 1 or here[GAP] <= (_CLOSE if guessed else _FAR) * patch.size:
            break
        if not guessed:
            if counts[SEARCHES] <= 0.0:
                break
            counts[SEARCHES] -= 1.0
        copy(here, spare)
        search, again = 1, True
    here[U] = nearest_turn(here[U], u, patch.period_u)
    here[V] = nearest_turn(here[V], v, patch.period_v)


@kernel
def copy(source, target):
    """One row of places to another."""
    for k in range(8):
        target[k] = source[k]


@kernel
def nearest_turn(u, to, period):
    """u, with as many periods added as bring it nearest to `to`."""
    return u + period * math.floor((to - u) / period + 0.5) if period > 0.0 else u


@kernel
def along_segment(patch, t, places):
    """The place at t of the segment."""
    here, s = places[HERE], places[SEGMENT]
    here[U], here[V] = s[0] + (s[2] - s[0]) * t, s[1] + (s[3] - s[1]) * t
    here[DU], here[GAP] = s[2] - s[0], 0.0
    if patch.kind == PLANE:
        here[COS] = here[U]
    elif is_free(patch.kind):
        here[WILD] = 0.0
    else:
        here[COS], here[SIN] = math.cos(here[U]), math.sin(here[U])


@kernel
def settle_end(patch, look, step, scratch):
    """Take the place of a vertex; False when it is a pole, and u has to come from a point inside the edge.

    look : 0 at the vertex, 1 in the middle of the edge, which tells u if it is the same all along, 2 near the vertex,
    from where u is continued along its tangent;  step : parameter of the vertex minus that of the point
    """
    here, counts = scratch.places[HERE], scratch.places[COUNTS]
    if look == 0:
        for k in range(3):
            scratch.places[POINT, k] = scratch.spot[0, k]
        counts[POLE_V] = here[V]
        settle(patch, here)
        return here[POLE] == 0.0
    settle(patch, here)
    here[V] = counts[POLE_V]
    change = here[DU] * step
    if look == 1:
        return abs(change) <= (1e-12 + 8.0 * patch.noise / patch.size) * (patch.high_u - patch.low_u)
    here[U] += change
    doubt = 0.1 * abs(change) + (here[WILD] * abs(step) if is_free(patch.kind) else 0.0)
    strip = 4.0 * patch.size**2 * doubt / (patch.high_u - patch.low_u)
    for k in range(4):
        scratch.sums[ERRORS, k] += strip * patch.size**k
    return True


@kernel
def add_border(patch, weight, scratch):
    """Measure along the edge: its area vector ∮ r × dr/2, length, gap; how far u travels."""
    p, d, row = scratch.spot[0], scratch.spot[1], scratch.sums[PANEL_BORDER]
    x, y, z = p[0] - patch.origin[0], p[1] - patch.origin[1], p[2] - patch.origin[2]
    row[LINES] += 0.5 * weight * (y * d[2] - z * d[1])
    row[LINES + 1] += 0.5 * weight * (z * d[0] - x * d[2])
    row[LINES + 2] += 0.5 * weight * (x * d[1] - y * d[0])
    length = abs(weight) * math.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
    gap = scratch.places[HERE, GAP]
    row[LENGTH] += length
    row[GAP_SUM] += length * gap
    row[GAP_MOST] = max(row[GAP_MOST], gap)
    row[TRAVEL] += weight * scratch.places[HERE, DU]


@kernel
def add_jump(patch, p, q, row):
    """Close the border in space between two edges: r × dr/2 from p to q, and the square that is open there."""
    o = patch.origin
    x, y, z, a, b, c = p[0] - o[0], p[1] - o[1], p[2] - o[2], q[0] - o[0], q[1] - o[1], q[2] - o[2]
    row[LINES] += 0.5 * (y * c - z * b)
    row[LINES + 1] += 0.5 * (z * a - x * c)
    row[LINES + 2] += 0.5 * (x * b - y * a)
    row[GAP_SUM] += (a - x) ** 2 + (b - y) ** 2 + (c - z) ** 2


@kernel
def add_node(geometry, patch, weight, coarse, scratch):
    """Add −G du at the place where the walk is, by both rules, and the error of G."""
    here, sums = scratch.places[HERE], scratch.sums
    step, rough = -weight * here[DU], -coarse * here[DU]
    if abs(step) <= 1e-16 * (patch.size if patch.kind == PLANE else patch.high_u - patch.low_u):
        return
    scratch.places[COUNTS, WORK] += scratch.places[COUNTS, INTEGRAL]
    if is_free(patch.kind):
        u = wrapped(here[U], patch.low_u, patch.period_u)
        spline_inner(geometry, patch, u, here[V], scratch, sums[INNER], sums[INNER_ROUGH])
        fields, wild = sums[PANEL_ERRORS], abs(weight) * here[WILD]
        trace = sums[INNER, 5] + sums[INNER, 6] + sums[INNER, 7]
        fields[0] += abs(step * (sums[INNER, 0] - sums[INNER_ROUGH, 0])) + wild * abs(sums[INNER, 0])
        fields[1] += abs(step * (sums[INNER, 1] - sums[INNER_ROUGH, 1])) + wild * abs(sums[INNER, 1])
        fields[3] += abs(step * (trace - sums[INNER_ROUGH, 2])) + wild * abs(trace)
    else:
        closed_inner(patch, here[COS], here[SIN], here[V], sums[INNER])
    for k in range(FIELDS):
        sums[FINE, k] += step * sums[INNER, k]
        sums[ROUGH, k] += rough * sums[INNER, k]


@kernel
def panel(geometry, borders, patch, piece, a, b, scratch):
    """Walk one panel: of an edge from a to b, of a segment, or the points that tell where a vertex is."""
    rule, sums = rule_of(geometry, borders, patch, piece, scratch.places), scratch.sums
    for k in range(FINE, FINE + 2):
        clear(sums[k])
    clear(sums[PANEL_ERRORS])
    clear(sums[PANEL_BORDER])
    copy(scratch.places[HERE], scratch.places[BEFORE])
    vertex = piece[0] == FIRST or piece[0] == START or piece[0] == END
    half, middle = 0.5 * (b - a), 0.5 * (b + a)
    for q in range(3 if vertex else nodes_of(rule)):
        t = middle + half * NODES[rule, q]
        if vertex:
            t = a if q == 0 else b if q == 1 else a + _NEAR * (b - a)
        if piece[0] >= CLOSE or piece[0] == LINK:
            along_segment(patch, t, scratch.places)
        else:
            e, search = int(piece[1]), 1 if piece[0] == FIRST or (vertex and q > 0) else 0
            edge_point(geometry, borders.edges, borders.edge_points, e, t, scratch.work, scratch.spot, 0)
            find_foot(geometry, patch, search, scratch)
        if vertex:
            if settle_end(patch, q, a - t, scratch):
                break
            continue
        if piece[0] == EDGE:
            add_border(patch, half * WEIGHTS[rule, q], scratch)
        add_node(geometry, patch, half * WEIGHTS[rule, q], half * COARSE[rule, q], scratch)


@kernel
def differences(sums):
    """What the two rules differ by on a panel, in area, volume, first and second moments."""
    first = second = 0.0
    for k in range(2, 5):
        first += abs(sums[FINE, k] - sums[ROUGH, k])
    for k in range(5, 11):
        second += abs(sums[FINE, k] - sums[ROUGH, k])
    return abs(sums[FINE, 0] - sums[ROUGH, 0]), abs(sums[FINE, 1] - sums[ROUGH, 1]), first, second


@kernel
def keep_panel(patch, piece, targets, last, scratch):
    """Add a panel to its face when its rules agree; False when they do not, and it is to be halved.

    last : 0, or how often what the rules differ by counts as error of a panel that is not halved
    """
    sums, here = scratch.sums, scratch.places[HERE]
    area, volume, first, second = differences(sums)
    strip = _STRIP * sums[PANEL_BORDER, GAP_SUM]
    good = area <= targets[0] + strip and volume <= targets[1] + strip * patch.size
    good = (
        good and first <= targets[2] + strip * patch.size**2 and second <= targets[3] + strip * patch.size**3
    )
    if not (good or last > 0.0):
        copy(scratch.places[BEFORE], here)
        return False
    if not good:
        area, volume, first, second = last * area, last * volume, last * first, last * second
    for k in range(FIELDS):
        sums[TOTAL, k] += sums[FINE, k]
    inner, row, more = sums[PANEL_ERRORS], sums[BORDER], sums[PANEL_BORDER]
    row_errors = sums[ERRORS]
    row_errors[0] += area + inner[0]
    row_errors[1] += volume + inner[1]
    row_errors[2] += first + max(inner[1] * patch.size, inner[3] / patch.size)
    row_errors[3] += second + inner[3]
    for k in range(GAP_MOST):
        row[k] += more[k]
    row[GAP_MOST] = max(row[GAP_MOST], more[GAP_MOST])
    if piece[0] == EDGE and not is_free(patch.kind) and patch.kind != PLANE:
        here[U] = scratch.places[BEFORE, U] + more[TRAVEL]
    return True


@kernel
def begin_piece(patch, piece, places):
    """Lay the segment that a piece walks along, if it is one."""
    here, s, origin, past = places[HERE], places[SEGMENT], places[ORIGIN], places[PAST]
    if piece[0] == LINK:
        s[0], s[1], s[2], s[3] = past[U], past[V], here[U], here[V]
    elif piece[0] == CLOSE:
        s[0], s[1] = here[U], here[V]
        s[2] = nearest_turn(origin[U], here[U], patch.period_u)
        s[3] = nearest_turn(origin[V], here[V], patch.period_v)
    elif piece[0] == BAND:
        s[0], s[1], s[2], s[3] = piece[2], piece[1], piece[3], piece[1]


@kernel
def end_piece(geometry, patch, piece, count, scratch):
    """Remember what the next pieces need; a loop that winds in v appends a band. Returns the pieces."""
    places = scratch.places
    here, s, counts = places[HERE], places[SEGMENT], places[COUNTS]
    if piece[0] == FIRST:
        copy(here, places[ORIGIN])
        copy(places[POINT], places[ORIGIN_POINT])
    elif piece[0] == START:
        add_jump(patch, places[PAST_POINT], places[POINT], scratch.sums[BORDER])
    elif piece[0] == END:
        copy(here, places[PAST])
        copy(places[POINT], places[PAST_POINT])
    elif piece[0] == LINK:
        here[U], here[V] = s[2], s[3]
    elif piece[0] == CLOSE:
        add_jump(patch, places[PAST_POINT], places[ORIGIN_POINT], scratch.sums[BORDER])
        u, v = places[ORIGIN, U], places[ORIGIN, V]
        if patch.period_u > 0.0:
            counts[TURNS_U] += math.floor((s[2] - u) / patch.period_u + 0.5)
        if patch.period_v > 0.0:
            turns = math.floor((s[3] - v) / patch.period_v + 0.5)
            counts[TURNS_V] += turns
            # Cut along u = low: what the cut shore adds is ±∫ of the whole circle of v, from there to the loop.
            if turns != 0.0:
                u = wrapped(u, patch.low_u, patch.period_u)
                a, b = (u, patch.low_u) if turns > 0.0 else (patch.low_u, u)
                return put_band(geometry, patch, patch.start + patch.period_v, a, b, scratch.pieces, count)
    return count


@kernel
def finish(geometry, patch, sense, stage, count, scratch):
    """Append what closes the face round its pole, then the whole surface where its loops bound the rest of it.

    sense : 1 or −1, of the face's normal along Su × Sv;  stage : 0, then 1 to _WHOLES, once for each whole surface
    """
    turns, area = scratch.places[COUNTS, TURNS_U], sense * scratch.sums[TOTAL, 0]
    if patch.period_u == 0.0:
        return count
    around = 0.0
    if stage == 0 and patch.period_v == 0.0:
        around = -turns * patch.period_u
    elif stage > 0 and patch.whole:
        torus = patch.kind == TORUS and patch.period_v > 0.0
        full = 4.0 * math.pi**2 * patch.a * patch.b if torus else math.inf
        # Seams alone, run against the face, enclose minus all of the surface: two of it are missing.
        doubt = min(_DOUBT * scratch.sums[ERRORS, 0], 1e-6 * patch.size**2) if stage > 1 else 0.0
        if area <= 1e-12 * patch.size**2 + doubt:
            around = -sense * patch.period_u
        elif area > full * (1.0 + 1e-9):
            around = sense * patch.period_u
    if around == 0.0:
        return count
    v = patch.top if stage > 0 or turns > 0.0 else patch.bottom
    return put_band(geometry, patch, v, patch.low_u, patch.low_u + around, scratch.pieces, count)


@kernel
def price(geometry, patch, counts):
    """Note how much work a step of a search is, and an inner integral."""
    counts[STEP], counts[INTEGRAL] = 0.0, 4000.0 if patch.kind == SPHERE or patch.kind == TORUS else 200.0
    if is_free(patch.kind):
        numbers = geometry.surfaces[patch.base]
        u, v, columns = numbers[2] + 1.0, numbers[3] + 1.0, numbers[5] * 1.0
        counts[STEP] = 100.0 + 12.0 * u * v
        point = 10.0 + 4.0 * v if patch.kind == SPLINE else counts[STEP]
        counts[INTEGRAL] = 5.0 * u * columns + point * patch.cells * nodes_of(patch.rule)


@kernel
def spent(counts):
    """Whether no more panels of a face may be halved."""
    return counts[WORK] > min(_FREE + _TIMES * counts[PLAIN], _ENOUGH)


@kernel
def walk_piece(geometry, borders, patch, piece, targets, scratch):
    """Walk one piece, in panels that are halved until they are good, or enough was done."""
    stack, counts, depth = scratch.stack, scratch.places[COUNTS], 1
    stack[0, 0], stack[0, 1], stack[0, 2] = piece[2], piece[3], 0.0
    if piece[0] == BAND:
        stack[0, 0], stack[0, 1] = 0.0, 1.0
    while depth > 0:
        a, b, level = stack[depth - 1, 0], stack[depth - 1, 1], stack[depth - 1, 2]
        before = counts[WORK]
        panel(geometry, borders, patch, piece, a, b, scratch)
        if level == 0.0:
            counts[PLAIN] += counts[WORK] - before
        depth -= 1
        last = _DOUBT if spent(counts) else 1.0 if level >= _LEVELS else 0.0
        if keep_panel(patch, piece, targets, last, scratch):
            continue
        stack[depth, 0], stack[depth, 1], stack[depth, 2] = 0.5 * (a + b), b, level + 1.0
        stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = a, 0.5 * (a + b), level + 1.0
        depth += 2


@kernel
def walk(geometry, borders, patch, sense, count, targets, scratch):
    """Walk all pieces of a face, and those that are appended on the way; returns how many, −1 for too many."""
    i = stage = 0
    while i < count or stage <= _WHOLES:
        if scratch.places[COUNTS, WORK] > _MOST:
            return -1
        if i == count:
            count = finish(geometry, patch, sense, stage, count, scratch)
            stage += 1
            continue
        piece = scratch.pieces[i]
        begin_piece(patch, piece, scratch.places)
        walk_piece(geometry, borders, patch, piece, targets, scratch)
        count = end_piece(geometry, patch, piece, count, scratch)
        i += 1
    return count


@kernel
def supported(geometry, borders, face):
    """Index in OUTCOMES: whether surface and edges are there; whether there are edges."""
    if face[0] < 0:
        return 1, False
    edged = False
    for loop in range(face[2], face[2] + face[3]):
        first = borders.loops[loop, 0]
        for i in range(first, first + borders.loops[loop, 1]):
            edged = True
            if borders.edges[abs(borders.uses[i]) - 1, 0] < 0:
                return 2, edged
    return 0, edged


@kernel
def first_vertex(borders, face, frame):
    """A vertex of the face; the origin of its frame when it has no edges."""
    for loop in range(face[2], face[2] + face[3]):
        if borders.loops[loop, 1] > 0:
            return borders.edge_points[abs(borders.uses[borders.loops[loop, 0]]) - 1]
    return frame


@kernel
def reset(geometry, patch, scratch):
    """Make the memory ready for a new face."""
    for k in range(PANEL_BORDER + 1):
        clear(scratch.sums[k])
    for k in range(PAST_POINT + 1):
        for i in range(8):
            scratch.places[k, i] = 0.0
    scratch.places[COUNTS, SEARCHES] = _SEARCHES
    scratch.at[PLACE, 0] = math.nan
    price(geometry, patch, scratch.places[COUNTS])


@kernel
def list_pieces(geometry, borders, face, pieces):
    """The pieces of all loops of a face; returns how many."""
    count = 0
    for loop in range(face[2], face[2] + face[3]):
        count = put_loop(geometry, borders, loop, pieces, count)
    return count


@kernel
def flags_of(patch, sense, count, scratch):
    """Flags of what a face should not be, and how many pieces it had."""
    counts, flags = scratch.places[COUNTS], 0
    if sense * scratch.sums[TOTAL, 0] < 0.0:
        flags |= REVERSED
    round_ = patch.kind == CYLINDER or (patch.period_v > 0.0 and patch.period_u > 0.0)
    if (round_ and counts[TURNS_U] != 0.0) or counts[TURNS_V] != 0.0:
        flags |= WOUND
    if spent(counts):
        flags |= SPENT
    return flags


@kernel
def publish(sums, count, fields, errors, border):
    """Copy the sums of a face to its rows, unless its walk was given up; returns the outcome."""
    if count < 0:
        return 4
    for k in range(FIELDS):
        fields[k] = sums[TOTAL, k]
    for k in range(4):
        errors[k] = sums[ERRORS, k]
    for k in range(TRAVEL):
        border[k] = sums[BORDER, k]
    return 0


@entry(
    f"{GEOMETRY} i8[:,4] f8[:,6] f8[:,2] i8[:] i8[:,4] i8[:,5] i8[:,4] f8[:,12] f8[:,3] f8[:] f8 f8[:,4] i8 "
    f"i8[:] {SCRATCH} f8[:,14] f8[:,4] f8[:,6] i8[:,3]"
)
def measure(
    frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots,
    edges, edge_points, ranges, uses, loops, faces, closures,
    face_frames, origins, sizes, noise, targets, parts, chosen,
    work, at, spot, columns, cells, table, row, sums, places, pieces, stack,
    out, errors, borders_out, outcomes,
):  # fmt: skip
    """Integrals over the faces `chosen`, about the origin of each; indices are trusted.

    closures : (S, 4) of splines: repeat in u, in v, a point at low and at high v
    face_frames : (F, 12) frame of each face's surface, of a sphere turned so that its poles are not on edges
    sizes : (F,) length;  noise : how far rounding has moved points
    targets : (F, 4) what a panel may be off by, in u² u³ u⁴ u⁵
    parts : in how many the knot spans of v are divided
    out : (F, 14) fields of `inner`;  errors : (F, 4) of area, volume, first, second moments
    borders_out : (F, 6) area vector along the edges, their length, ∫ gap, largest gap
    outcomes : (F, 3) index in OUTCOMES, flags, pieces; what was SPENT before stays as it is
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    borders = Borders(edges, edge_points, ranges, uses, loops)
    scratch = Scratch(work, at, spot, columns, cells, table, row, sums, places, pieces, stack)
    tabulated, used = -1, 0
    for f in chosen:
        if outcomes[f, 1] & SPENT:
            continue
        face, s = faces[f], faces[f, 0]
        outcomes[f, 0], edged = supported(geometry, borders, face)
        outcomes[f, 1] = outcomes[f, 2] = 0
        if outcomes[f, 0] > 0:
            continue
        if is_free(surfaces[s, 0]) and s != tabulated:
            base = surfaces[s, 11] if surfaces[s, 0] != 6 else s
            used = tabulate(geometry, base, inner_rule(geometry, base), parts, cells, table, work)
            tabulated = s
        frame, sense = face_frames[f], 2.0 * face[1] - 1.0
        vertex = first_vertex(borders, face, frame)
        count = used if is_free(surfaces[s, 0]) else 0
        patch = make_patch(geometry, s, frame, origins[f], vertex, sizes[f], noise, closures[s], count)
        if not edged and not patch.whole:
            outcomes[f, 0] = 3
            continue
        reset(geometry, patch, scratch)
        count = list_pieces(geometry, borders, face, pieces)
        count = walk(geometry, borders, patch, sense, count, targets[f], scratch)
        outcomes[f, 1], outcomes[f, 2] = flags_of(patch, sense, count, scratch), count
        outcomes[f, 0] = publish(sums, count, out[f], errors[f], borders_out[f])
    return 0
