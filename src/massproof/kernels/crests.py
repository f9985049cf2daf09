"""How high a rational spline rises: its Bezier patches, the highest first, are halved until they are flat.

A patch stays below its greatest control height, and has no summit inside where its derivative by u or v keeps its
sign. Sources: L. Piegl, W. Tiller, "The NURBS Book", 2nd edition, 1997, section 5.3; L. Ramshaw, "Blossoms are polar
forms", 1989, for the control points of a patch; P. de Casteljau's construction halves it.
"""

import math

from massproof.kernels.jit import entry, kernel

# Columns of a cell: what no point is above; low u, high u, low v, high v; which of these are creases; height × weight
# and weight of its control points follow.
BOUND, SPAN, CREASES, NET = 0, 1, 5, 9
# What a search knows: above which height it looks, how flat a patch must be, what an offset adds at most, how many
# cells there are (−1 before it begins), whether the flat one is to be halved, steps left, a bound of all that is
# left, and where the flat patch is highest.
ABOVE, FINE, LIFT, COUNT, AGAIN, STEPS, HIGHEST, PLACE = range(8)
NOTHING, FLAT, FULL = range(
    3
)  # what it comes to: nothing is above, a flat patch is, there is no room or time

_CERTAIN = 1e-14  # of the size: rounding of a derivative


@kernel
def blossom(knots, i, degree, high, lines):
    """Control point of the patch between knots i and i + 1: the blossom at its end, `high` times, else its beginning.

    lines : the control points d(i − degree)…d(i) in row 0; row 1 is scratch
    """
    for j in range(degree + 1):
        lines[1, j] = lines[0, j]
    for r in range(1, degree + 1):
        t = knots[i + 1] if r <= high else knots[i]
        for j in range(degree, r - 1, -1):
            left, right = knots[i - degree + j], knots[i + 1 + j - r]
            share = (t - left) / (right - left)
            lines[1, j] = (1.0 - share) * lines[1, j - 1] + share * lines[1, j]
    return lines[1, degree]


@kernel
def sharp(knots, i, degree, count, low_crease, high_crease):
    """Whether a spline is creased at knot i: at an end of its domain where it is said to be, else where it may bend."""
    if knots[i] == knots[degree]:
        return low_crease
    if knots[i] == knots[count]:
        return high_crease
    same = 0
    for other in range(len(knots)):
        same += 1 if knots[other] == knots[i] else 0
    return 1.0 if same >= degree else 0.0


@kernel
def rises_above(net, shape, i, j, height):
    """Whether a control point of the patch at knots i and j is above a height."""
    for a in range(i - shape[0], i + 1):
        for b in range(j - shape[1], j + 1):
            point = net[a * shape[3] + b]
            if point[0] > height * point[1]:
                return True
    return False


@kernel
def put_patch(net, knots_u, knots_v, shape, i, j, lines, cell):
    """Write the net of the patch at knots i and j."""
    p, q = shape[0], shape[1]
    for k in range(2):
        for a in range(p + 1):
            for b in range(q + 1):
                lines[0, b] = net[(i - p + a) * shape[3] + j - q + b, k]
            for b in range(q + 1):
                cell[NET + 2 * (a * (q + 1) + b) + k] = blossom(knots_v, j, q, b, lines)
        for b in range(q + 1):
            for a in range(p + 1):
                lines[0, a] = cell[NET + 2 * (a * (q + 1) + b) + k]
            for a in range(p + 1):
                cell[NET + 2 * (a * (q + 1) + b) + k] = blossom(knots_u, i, p, a, lines)


@kernel
def put_patches(net, knots_u, knots_v, shape, creases, state, lines, cells):
    """Fill cells with the patches that may have a summit above a height; how many, or −1 when they are too many."""
    p, q, n, m, count = shape[0], shape[1], shape[2], shape[3], 0
    for i in range(p, n):
        for j in range(q, m):
            if knots_u[i] == knots_u[i + 1] or knots_v[j] == knots_v[j + 1]:
                continue
            if not rises_above(net, shape, i, j, state[ABOVE] - state[LIFT]):
                continue
            if count == len(cells):
                return -1
            cell = cells[count]
            put_patch(net, knots_u, knots_v, shape, i, j, lines, cell)
            for k in range(2):
                cell[SPAN + k], cell[SPAN + 2 + k] = knots_u[i + k], knots_v[j + k]
                cell[CREASES + k] = sharp(knots_u, i + k, p, n, creases[0], creases[1])
                cell[CREASES + 2 + k] = sharp(knots_v, j + k, q, m, creases[2], creases[3])
            if promising(cell, p, q, state):
                count += 1
    return count


@kernel
def promising(cell, p, q, state):
    """Whether a patch may have a summit above a height; its bound is noted."""
    bound = -math.inf
    for c in range((p + 1) * (q + 1)):
        bound = max(bound, cell[NET + 2 * c] / cell[NET + 2 * c + 1])
    cell[BOUND] = bound + state[LIFT]
    if not cell[BOUND] > state[ABOVE]:
        return False
    for k in range(2):
        slope = sloped(cell, p, q, k)
        # What rises goes on beyond the high side, what falls beyond the low one, unless there is a crease.
        if slope != 0 and cell[CREASES + 2 * k + (1 if slope > 0 else 0)] == 0.0:
            return False
    return True


@kernel
def sloped(cell, p, q, k):
    """1 when the height rises everywhere in a patch with u (k = 0) or v, −1 when it falls, else 0.

    With X = height × weight and any c, G = X − c W: the derivative has the sign of G' W − G W'.
    """
    count, wide = (p + 1) * (q + 1), q + 1
    middle = size = moved = most = change = 0.0
    least, down, up = math.inf, math.inf, -math.inf
    for c in range(count):
        middle += cell[NET + 2 * c] / cell[NET + 2 * c + 1] / count
    for c in range(count):
        x, w = cell[NET + 2 * c], cell[NET + 2 * c + 1]
        size, moved = max(size, abs(x)), max(moved, abs(x - middle * w))
        least, most = min(least, w), max(most, w)
        if (c % wide == q) if k == 1 else (c >= p * wide):
            continue
        after = c + 1 if k == 1 else c + wide
        y, v = cell[NET + 2 * after], cell[NET + 2 * after + 1]
        step = (y - middle * v) - (x - middle * w)
        down, up, change = min(down, step), max(up, step), max(change, abs(v - w))
    doubt = moved * change + _CERTAIN * size * most
    if down * least > doubt:
        return 1
    return -1 if -up * least > doubt else 0


@kernel
def is_flat(cell, p, q, state):
    """Whether no point of a patch is much above its highest corner; where that is, is noted."""
    highest = -math.inf
    for at in range(4):
        c = (at // 2) * p * (q + 1) + (at % 2) * q
        height = cell[NET + 2 * c] / cell[NET + 2 * c + 1]
        if height > highest:
            highest = height
            state[PLACE], state[PLACE + 1] = cell[SPAN + at // 2], cell[SPAN + 2 + at % 2]
    return cell[BOUND] - state[LIFT] - highest <= state[FINE]


@kernel
def steeper(cell, p, q):
    """The parameter with which the height changes more from one control point to the next: 0 u, 1 v."""
    along_u = along_v = 0.0
    for c in range((p + 1) * (q + 1)):
        height = cell[NET + 2 * c] / cell[NET + 2 * c + 1]
        if c % (q + 1) < q:
            along_v = max(along_v, abs(cell[NET + 2 * c + 2] / cell[NET + 2 * c + 3] - height))
        if c < p * (q + 1):
            after = NET + 2 * (c + q + 1)
            along_u = max(along_u, abs(cell[after] / cell[after + 1] - height))
    return 1 if along_v > along_u else 0


@kernel
def halve(cell, other, p, q):
    """Halve a patch: `cell` keeps its lower half, `other` gets the upper one."""
    for k in range(NET + 2 * (p + 1) * (q + 1)):
        other[k] = cell[k]
    k = steeper(cell, p, q)
    row = 2 * (q + 1)
    degree, stride = (q, 2) if k == 1 else (p, row)
    for line in range(2 * (p + 1) if k == 1 else row):
        first = NET + (line // 2 * row + line % 2 if k == 1 else line)
        for r in range(1, degree + 1):
            for i in range(degree + 1 - r):
                at = first + i * stride
                other[at] = 0.5 * (other[at] + other[at + stride])
            cell[first + r * stride] = other[first]
    half = 0.5 * (cell[SPAN + 2 * k] + cell[SPAN + 2 * k + 1])
    cell[SPAN + 2 * k + 1] = other[SPAN + 2 * k] = half
    cell[CREASES + 2 * k + 1] = other[CREASES + 2 * k] = 0.0


@kernel
def keep_promising(cells, p, q, count, state):
    """Of the two cells from `count` on keep those that may have a summit; how many cells there are then."""
    kept = count
    for n in range(count, count + 2):
        if promising(cells[n], p, q, state):
            for k in range(NET + 2 * (p + 1) * (q + 1)):
                cells[kept, k] = cells[n, k]
            kept += 1
    return kept


@kernel
def take_highest(cells, count):
    """Bring the cell with the greatest bound to the end, whose it is."""
    best = 0
    for n in range(1, count):
        if cells[n, BOUND] > cells[best, BOUND]:
            best = n
    for k in range(cells.shape[1]):
        cells[best, k], cells[count - 1, k] = cells[count - 1, k], cells[best, k]


@entry("f8[:,2] f8[:] f8[:] i8[4] f8[4] f8[9] f8[2,32] f8[:,:]")
def climb(net, knots_u, knots_v, shape, creases, state, lines, cells):
    """Search for a flat patch above state[ABOVE], to be called again with what was learned of it.

    net : (n m, 2) height × weight, weight;  shape : degrees, n, m;  creases : at low u, high u, low v, high v
    state : see above;  lines : scratch;  cells : one row each, the flat patch in row state[COUNT]
    """
    p, q = shape[0], shape[1]
    if state[COUNT] < 0.0:
        count = put_patches(net, knots_u, knots_v, shape, creases, state, lines, cells)
        if count < 0:
            for c in range(len(net)):
                state[HIGHEST] = max(state[HIGHEST], net[c, 0] / net[c, 1] + state[LIFT])
            return FULL
        state[COUNT] = count
    while True:
        count = int(state[COUNT])
        if state[AGAIN] == 0.0:
            if count == 0:
                return NOTHING
            take_highest(cells, count)
            state[HIGHEST] = cells[count - 1, BOUND]
            if state[HIGHEST] <= state[ABOVE]:
                return NOTHING
            state[STEPS] -= 1.0
            if state[STEPS] < 0.0 or count == len(cells):
                return FULL
            count -= 1
            state[COUNT] = count
            if is_flat(cells[count], p, q, state):
                return FLAT
        state[AGAIN] = 0.0
        halve(cells[count], cells[count + 1], p, q)
        state[COUNT] = keep_promising(cells, p, q, count, state)
