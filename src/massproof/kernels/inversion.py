"""Parameters of points near a surface: their foot on it, how far it is, and how it moves with the point.

Planes and surfaces of revolution with a straight or round meridian give it in closed form. On splines it is
where S(u, v) − Q is normal to the surface: Newton's method with step halving, from the foot of a point nearby or
from the nearest of a grid of points (L. Piegl, W. Tiller, "The NURBS Book", 2nd edition, 1997, section 6.1).
"""

import math

from massproof.kernels.geometry import CONE, CYLINDER, PLANE, SPHERE, distance, local
from massproof.kernels.jit import kernel
from massproof.kernels.surfaces import free_point

# What a row says of a foot: parameters (of closed surfaces of revolution cosine and sine of u, too), their
# derivatives along the curve, the distance, and whether the foot is at a pole, where u has no value.
U, V, COS, SIN, DU, DV, GAP, POLE = 0, 1, 2, 3, 4, 5, 6, 7
WILD = COS  # of splines, which have no use for a cosine: what rounding can make of the derivative of u

# Row of an evaluated point, after the six that it takes: the parameters where that is, not a number if unknown.
PLACE = 6

_STEPS = 40  # of Newton's method; five are usual
_SHORT = 1e-8  # of the size of a face: after so short a step nothing needs to be evaluated anew
_STEADY = 1e-6  # of a step: what is left of its error is the square of that
_POLE = 1e-9  # of the size of a face: so near to its axis, u has no value
_DIGITS = 4e-15  # of the size of a face: rounding of an evaluated point
_FLAT = 1e-13  # of two squares: a smaller determinant is that of a pole


@kernel
def closed_foot(patch, point, tangent, here):
    """Foot of `point` on a plane, cylinder, cone, sphere or torus; `here[V]` is that of a point nearby."""
    frame = patch.frame
    x, y, z = local(frame, point[0] - frame[0], point[1] - frame[1], point[2] - frame[2])
    tx, ty, tz = local(frame, tangent[0], tangent[1], tangent[2])
    here[POLE] = 0.0
    if patch.kind == PLANE:
        here[U], here[V], here[COS], here[DU], here[DV], here[GAP] = x, y, x, tx, ty, abs(z)
        return
    if patch.lemon:  # the meridian is on the other side of the axis
        x, y, tx, ty = -x, -y, -tx, -ty
    rho = math.sqrt(x * x + y * y)
    if rho <= _POLE * patch.size:
        here[POLE], here[DU], rho1 = 1.0, 0.0, 0.0
        here[COS], here[SIN] = 1.0, 0.0
    else:
        here[COS], here[SIN] = x / rho, y / rho
        here[DU], rho1 = (x * ty - y * tx) / (rho * rho), (x * tx + y * ty) / rho
    if patch.lemon:
        rho, rho1 = -rho, -rho1
    if patch.kind == CYLINDER or patch.kind == CONE:
        slope = math.tan(patch.b) if patch.kind == CONE else 0.0
        here[V], here[DV] = z, tz
        here[GAP] = abs(rho - patch.a - z * slope) / math.sqrt(1.0 + slope * slope)
        return
    tube_foot(patch, rho, z, rho1, tz, here)


@kernel
def tube_foot(patch, rho, z, rho1, z1, here):
    """v of a point of a sphere or torus at distance rho from the axis and height z; rho1, z1: how these change."""
    radius = patch.a if patch.kind == SPHERE else patch.b
    rho -= 0.0 if patch.kind == SPHERE else patch.a
    square = rho * rho + z * z
    v = math.atan2(z, rho)
    if patch.period_v > 0.0:
        v += patch.period_v * math.floor((here[V] - v) / patch.period_v + 0.5)
    elif patch.lemon and v < 0.0:
        v += 2.0 * math.pi
    here[V], here[GAP] = v, abs(math.sqrt(square) - radius)
    here[DV] = (rho * z1 - z * rho1) / square if square > 0.0 else 0.0


@kernel
def settle(patch, here):
    """Bring u of a closed surface of revolution, whose cosine and sine are known, near to `here[U]`."""
    if patch.cells == 0 and patch.period_u > 0.0:
        u = math.atan2(here[SIN], here[COS])
        here[U] = u + patch.period_u * math.floor((here[U] - u) / patch.period_u + 0.5)


@kernel
def wrapped(u, low, period):
    """u in [low, low + period) when there is a period."""
    return u - period * math.floor((u - low) / period) if period > 0.0 else u


@kernel
def within(u, low, high, period):
    """u, moved to the nearer end of the domain where that has one."""
    return u if period > 0.0 else min(high, max(low, u))


@kernel
def grid_place(patch, step):
    """Parameters of one of the points among which the nearest is looked for."""
    u, v = (step // patch.grid_v + 0.5) / patch.grid_u, (step % patch.grid_v + 0.5) / patch.grid_v
    return patch.low_u + (patch.high_u - patch.low_u) * u, patch.low_v + (patch.high_v - patch.low_v) * v


@kernel
def abscissa(knots, first, degree, i):
    """Where control point i of a spline belongs: T. N. E. Greville's mean of the knots between its ends."""
    total = 0.0
    for k in range(first + i + 1, first + i + 1 + degree):
        total += knots[k]
    return total / degree


@kernel
def nearest_control(geometry, patch, point, here):
    """Begin at the control point that is nearest to `point`: mostly its foot is nearby."""
    numbers, best, nearest = geometry.surfaces[patch.base], math.inf, 0
    for c in range(numbers[4] * numbers[5]):
        d = distance(geometry.controls[numbers[6] + c], point)
        if d < best:
            best, nearest = d, c
    i, j = nearest // numbers[5], nearest % numbers[5]
    u = abscissa(geometry.knots, numbers[7], numbers[2], i)
    v = abscissa(geometry.knots, numbers[7] + numbers[8], numbers[3], j)
    here[U], here[V] = min(patch.high_u, max(patch.low_u, u)), min(patch.high_v, max(patch.low_v, v))


@kernel
def free_foot(geometry, patch, point, tangent, here, search, scratch):
    """Foot of `point` on a spline or on an offset of one, near `here[U]`, `here[V]` unless search is 1; steps taken.

    One loop serves the search and Newton's method, since each evaluation that is written is compiled.
    """
    at, grid = scratch.at, patch.grid_u * patch.grid_v if search == 1 else 0
    u, v, best_u, best_v, du, dv, best, done = here[U], here[V], here[U], here[V], 0.0, 0.0, math.inf, False
    for step in range(grid + _STEPS):
        if step < grid:
            u, v = grid_place(patch, step)
        elif step == grid and grid > 0:
            u, v, best = best_u, best_v, math.inf
        evaluate(geometry, patch, u, v, scratch)
        x, y, z = at[0, 0] - point[0], at[0, 1] - point[1], at[0, 2] - point[2]
        d = x * x + y * y + z * z
        if d < best:
            best_u, best_v, best = u, v, d
        if step < grid:
            continue
        if done:
            break
        if d > best and d > 1e-24 * patch.size * patch.size:
            du, dv = 0.5 * du, 0.5 * dv  # the step led away
        else:
            du, dv = newton(patch, at, x, y, z, u, v)
            best_u, best_v = u, v
        u = within(best_u + du, patch.low_u, patch.high_u, patch.period_u)
        v = within(best_v + dv, patch.low_v, patch.high_v, patch.period_v)
        short = step_size(at, u - best_u, v - best_v)
        if best == d and short <= _SHORT * patch.size and steady(at, u, v, short):
            advance(at, u, v)
            break
        done = short <= 1e-9 * patch.size
    follow(patch, at, point, tangent, u, v, here)
    return step + 1


@kernel
def evaluate(geometry, patch, u, v, scratch):
    """Evaluate the surface at (u, v), unless it was evaluated there last, and note where that is.

    Nothing is noted of an offset, whose second derivatives are not those of its surface: `steady` asks for them.
    """
    at = scratch.at
    if at[PLACE, 0] == u and at[PLACE, 1] == v:
        return
    p, q = wrapped(u, patch.low_u, patch.period_u), wrapped(v, patch.low_v, patch.period_v)
    free_point(geometry, patch.surface, p, q, scratch.work, at)
    at[PLACE, 0], at[PLACE, 1] = u if patch.base == patch.surface else math.nan, v


@kernel
def steady(at, u, v, short):
    """Whether tangents hardly change over a step to (u, v), which is so long: none is left to take after it."""
    du, dv, bend = u - at[PLACE, 0], v - at[PLACE, 1], 0.0
    for k in range(3):
        bend += abs(du * du * at[3, k]) + abs(2.0 * du * dv * at[4, k]) + abs(dv * dv * at[5, k])
    return bend <= _STEADY * short


@kernel
def advance(at, u, v):
    """Move an evaluated point by a step so short that its second derivatives say how it changes."""
    du, dv = u - at[PLACE, 0], v - at[PLACE, 1]
    at[PLACE, 0], at[PLACE, 1] = u, v
    for k in range(3):
        at[0, k] += du * at[1, k] + dv * at[2, k] + 0.5 * (du * du * at[3, k] + dv * dv * at[5, k])
        at[0, k] += du * dv * at[4, k]
        at[1, k] += du * at[3, k] + dv * at[4, k]
        at[2, k] += du * at[4, k] + dv * at[5, k]


@kernel
def step_size(at, du, dv):
    """How far a step moves the point, at most."""
    a = at[1, 0] ** 2 + at[1, 1] ** 2 + at[1, 2] ** 2
    c = at[2, 0] ** 2 + at[2, 1] ** 2 + at[2, 2] ** 2
    return abs(du) * math.sqrt(a) + abs(dv) * math.sqrt(c)


@kernel
def matrix(patch, at, x, y, z):
    """Second derivatives of half the squared distance, (x, y, z) being S − Q; their determinant.

    a = Su·Su + (S − Q)·Suu, and so on; without the second parts where the second derivatives are not known,
    or where they would turn a nearest point into a farthest one.
    """
    a = at[1, 0] ** 2 + at[1, 1] ** 2 + at[1, 2] ** 2
    b = at[1, 0] * at[2, 0] + at[1, 1] * at[2, 1] + at[1, 2] * at[2, 2]
    c = at[2, 0] ** 2 + at[2, 1] ** 2 + at[2, 2] ** 2
    if patch.base == patch.surface:
        p = a + x * at[3, 0] + y * at[3, 1] + z * at[3, 2]
        q = b + x * at[4, 0] + y * at[4, 1] + z * at[4, 2]
        r = c + x * at[5, 0] + y * at[5, 1] + z * at[5, 2]
        if p > 0.5 * a and r > 0.5 * c and p * r - q * q > 0.25 * (a * c - b * b):
            a, b, c = p, q, r
    return a, b, c, a * c - b * b


@kernel
def solve(a, b, c, determinant, e, f):
    """The step that [[a, b], [b, c]] takes to (e, f); each by itself at a pole, where there is no other."""
    if determinant > _FLAT * a * c:
        return (c * e - b * f) / determinant, (a * f - b * e) / determinant
    return 0.0 if a <= _FLAT * c else e / a, 0.0 if c <= _FLAT * a else f / c


@kernel
def bent(at, du, dv, x, y, z):
    """(x, y, z) = S − Q, with what the surface bends by over a step: a step towards zero of that is one order better.

    P. L. Chebyshev's method; (x, y, z) itself where the step is so long that it bends by more than a quarter of it.
    """
    p, q, r = 0.5 * du * du, du * dv, 0.5 * dv * dv
    ax = p * at[3, 0] + q * at[4, 0] + r * at[5, 0]
    ay = p * at[3, 1] + q * at[4, 1] + r * at[5, 1]
    az = p * at[3, 2] + q * at[4, 2] + r * at[5, 2]
    bx, by, bz = du * at[1, 0] + dv * at[2, 0], du * at[1, 1] + dv * at[2, 1], du * at[1, 2] + dv * at[2, 2]
    if 16.0 * (ax * ax + ay * ay + az * az) > bx * bx + by * by + bz * bz:
        return x, y, z
    return x + ax, y + ay, z + az


@kernel
def newton(patch, at, x, y, z, u, v):
    """Step towards the foot; along the end of the domain where it would leave that."""
    a, b, c, determinant = matrix(patch, at, x, y, z)
    e = -(x * at[1, 0] + y * at[1, 1] + z * at[1, 2])
    f = -(x * at[2, 0] + y * at[2, 1] + z * at[2, 2])
    du, dv = solve(a, b, c, determinant, e, f)
    if patch.base == patch.surface:
        x, y, z = bent(at, du, dv, x, y, z)
        e = -(x * at[1, 0] + y * at[1, 1] + z * at[1, 2])
        f = -(x * at[2, 0] + y * at[2, 1] + z * at[2, 2])
        du, dv = solve(a, b, c, determinant, e, f)
    if within(u, patch.low_u, patch.high_u, patch.period_u) == within(
        u + du, patch.low_u, patch.high_u, patch.period_u
    ):
        return 0.0, f / c if c > 0.0 else 0.0
    if within(v, patch.low_v, patch.high_v, patch.period_v) == within(
        v + dv, patch.low_v, patch.high_v, patch.period_v
    ):
        return e / a if a > 0.0 else 0.0, 0.0
    return du, dv


@kernel
def follow(patch, at, point, tangent, u, v, here):
    """Where and how far the foot is, how it moves when the point moves along `tangent`, and whether it is at a pole."""
    here[U], here[V] = u, v
    x, y, z = at[0, 0] - point[0], at[0, 1] - point[1], at[0, 2] - point[2]
    here[GAP] = math.sqrt(x * x + y * y + z * z)
    a, b, c, determinant = matrix(patch, at, x, y, z)
    e = tangent[0] * at[1, 0] + tangent[1] * at[1, 1] + tangent[2] * at[1, 2]
    f = tangent[0] * at[2, 0] + tangent[1] * at[2, 1] + tangent[2] * at[2, 2]
    here[DU], here[DV] = solve(a, b, c, determinant, e, f)
    # An edge that runs along a line of constant u, as far as its gap lets one see, runs along it: near a pole
    # what rounding makes of that would be divided by the square of the distance from it.
    turn = (patch.high_u - patch.low_u) / (2.0 * math.pi)
    speed = math.sqrt(tangent[0] ** 2 + tangent[1] ** 2 + tangent[2] ** 2)
    noise = patch.noise + _DIGITS * patch.size
    here[WILD] = speed * noise / (a * turn) if a > 0.0 else 0.0
    seen = noise + (4.0 * here[GAP] if patch.pole_low or patch.pole_high else 0.0)
    if abs(here[DU]) * a * turn <= speed * seen:
        here[DU] = 0.0
    near = 1e-6 * (patch.high_v - patch.low_v)
    at_pole = (patch.pole_low and here[V] <= patch.low_v + near) or (
        patch.pole_high and here[V] >= patch.high_v - near
    )
    here[POLE] = 1.0 if at_pole else 0.0
