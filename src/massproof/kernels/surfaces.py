"""Points of surfaces, with first and second derivatives, in the parameters of ISO 10303-42."""

import math

from massproof.kernels.bsplines import surface_point
from massproof.kernels.curves import point as curve_point
from massproof.kernels.geometry import (
    BASE,
    CONE,
    CURVE,
    CYLINDER,
    EXTRUSION,
    GEOMETRY,
    OFFSET,
    PLANE,
    SPHERE,
    SPLINE,
    Geometry,
)
from massproof.kernels.jit import entry, kernel


@kernel
def domain(geometry, s):
    """Least and greatest u, least and greatest v of a spline or of an offset of one."""
    numbers = geometry.surfaces[geometry.surfaces[s, 11] if geometry.surfaces[s, 0] == OFFSET else s]
    knot, other = numbers[7], numbers[7] + numbers[8]
    return (
        geometry.knots[knot + numbers[2]],
        geometry.knots[knot + numbers[4]],
        geometry.knots[other + numbers[3]],
        geometry.knots[other + numbers[5]],
    )


@kernel
def meridian(kind, a, b, v):
    """Distance from the axis and height of the meridian at v of a surface of revolution, and derivatives.

    cylinder (r, v)    cone (r + v tan α, v)    sphere (r cos v, r sin v)    torus (R + r cos v, r sin v)
    """
    if kind == CYLINDER:
        return a, v, 0.0, 1.0, 0.0, 0.0
    if kind == CONE:
        return a + v * math.tan(b), v, math.tan(b), 1.0, 0.0, 0.0
    radius = a if kind == SPHERE else b
    x, y = radius * math.cos(v), radius * math.sin(v)
    return (0.0 if kind == SPHERE else a) + x, y, -y, x, -x, -y


@kernel
def closed_point(geometry, s, u, v, out):
    """S, Su, Sv, Suu, Suv, Svv of a plane, cylinder, cone, sphere or torus, to out[0:6]."""
    frame = geometry.frames[geometry.surfaces[s, 1]]
    kind = geometry.surfaces[s, 0]
    if kind == PLANE:
        for k in range(3):
            out[0, k] = frame[k] + u * frame[3 + k] + v * frame[6 + k]
            out[1, k], out[2, k] = frame[3 + k], frame[6 + k]
            out[3, k] = out[4, k] = out[5, k] = 0.0
        return
    numbers = geometry.surface_numbers[s]
    rho, z, rho1, z1, rho2, z2 = meridian(kind, numbers[0], numbers[1], v)
    c, d = math.cos(u), math.sin(u)
    for k in range(3):
        out_, round_, up = (
            c * frame[3 + k] + d * frame[6 + k],
            c * frame[6 + k] - d * frame[3 + k],
            frame[9 + k],
        )
        out[0, k] = frame[k] + rho * out_ + z * up
        out[1, k], out[2, k] = rho * round_, rho1 * out_ + z1 * up
        out[3, k], out[4, k], out[5, k] = -rho * out_, rho1 * round_, rho2 * out_ + z2 * up


@kernel
def turned(frame, c, s, x, y, z):
    """Vector (x, y, z) turned about the axis of `frame` by the angle of cosine c and sine s.

    Olinde Rodrigues' formula, for a unit axis k: k(k·x)(1 − c) + c x + s k × x
    """
    kx, ky, kz = frame[9], frame[10], frame[11]
    along = (kx * x + ky * y + kz * z) * (1.0 - c)
    return (
        kx * along + c * x + s * (ky * z - kz * y),
        ky * along + c * y + s * (kz * x - kx * z),
        kz * along + c * z + s * (kx * y - ky * x),
    )


@kernel(apart=True)
def swept_point(geometry, s, u, v, work, out):
    """S, Su, Sv, Suu, Suv, Svv of a surface of extrusion or of revolution, to out[0:6].

    extrusion C(u) + v d    revolution O + turned(C(v) − O, u)
    """
    numbers = geometry.surfaces[s]
    extruded = numbers[0] == EXTRUSION
    curve_point(geometry, numbers[11], u if extruded else v, work, work, CURVE)
    if extruded:
        for k in range(3):
            d = geometry.surface_numbers[s, k]
            out[0, k], out[1, k], out[2, k] = work[CURVE, k] + v * d, work[CURVE + 1, k], d
            out[3, k], out[4, k], out[5, k] = work[CURVE + 2, k], 0.0, 0.0
        return
    frame = geometry.frames[numbers[1]]
    c, d = math.cos(u), math.sin(u)
    for k in range(3):
        work[CURVE, k] -= frame[k]
    for i in range(3):
        x, y, z = work[CURVE + i, 0], work[CURVE + i, 1], work[CURVE + i, 2]
        row = 0 if i == 0 else 2 if i == 1 else 5
        out[row, 0], out[row, 1], out[row, 2] = turned(frame, c, d, x, y, z)
    kx, ky, kz = frame[9], frame[10], frame[11]
    for i in range(3):  # the derivative by u is k × (…): of S, of Su, of Sv
        source, target = (0, 1) if i == 0 else (1, 3) if i == 1 else (2, 4)
        x, y, z = out[source, 0], out[source, 1], out[source, 2]
        out[target, 0], out[target, 1], out[target, 2] = ky * z - kz * y, kz * x - kx * z, kx * y - ky * x
    for k in range(3):
        out[0, k] += frame[k]


@kernel
def free_point(geometry, s, u, v, work, out):
    """S, Su, Sv, Suu, Suv, Svv of a spline, a swept surface, or an offset of one, to out[0:6].

    Of an offset S + d n, n = Su × Sv/|Su × Sv|, only the first derivatives are those of the offset; the
    second ones are those of its basis.
    """
    base = geometry.surfaces[s, 11] if geometry.surfaces[s, 0] == OFFSET else s
    if geometry.surfaces[base, 0] == SPLINE:
        surface_point(geometry.surfaces[base], geometry.controls, geometry.knots, u, v, work, out, 0)
    else:
        swept_point(geometry, base, u, v, work, out)
    if base != s:
        set_off(geometry.surface_numbers[s, 0], work, out)


@kernel
def normal(at, row, column, out, to):
    """Cross product of two rows, to out[to]."""
    out[to, 0] = at[row, 1] * at[column, 2] - at[row, 2] * at[column, 1]
    out[to, 1] = at[row, 2] * at[column, 0] - at[row, 0] * at[column, 2]
    out[to, 2] = at[row, 0] * at[column, 1] - at[row, 1] * at[column, 0]


@kernel
def set_off(d, work, out):
    """Move a surface point by d along its unit normal, and its tangents with it.

    With N = Su × Sv: Nu = Suu × Sv + Su × Suv, and n_u = (Nu − n (n·Nu))/|N|; v alike.
    """
    normal(out, 1, 2, work, BASE)
    size = math.sqrt(work[BASE, 0] ** 2 + work[BASE, 1] ** 2 + work[BASE, 2] ** 2)
    scale = 1.0 / size if size > 0.0 else 0.0  # at a pole there is no normal: the basis is as near as any
    x, y, z = work[BASE, 0] * scale, work[BASE, 1] * scale, work[BASE, 2] * scale
    for i in range(2):
        normal(out, 3 if i == 0 else 4, 2, work, BASE + 1)
        normal(out, 1, 4 if i == 0 else 5, work, BASE + 2)
        for k in range(3):
            work[BASE + 1, k] = (work[BASE + 1, k] + work[BASE + 2, k]) * scale
        along = x * work[BASE + 1, 0] + y * work[BASE + 1, 1] + z * work[BASE + 1, 2]
        work[3 + i, 0] = work[BASE + 1, 0] - along * x  # rows 3 and 4 are free once the basis is known
        work[3 + i, 1] = work[BASE + 1, 1] - along * y
        work[3 + i, 2] = work[BASE + 1, 2] - along * z
    out[0, 0] += d * x
    out[0, 1] += d * y
    out[0, 2] += d * z
    for k in range(3):
        out[1, k] += d * work[3, k]
        out[2, k] += d * work[4, k]


@entry(f"{GEOMETRY} i8 f8[:,2] f8[:,32] f8[:,3]")
def points(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots, s, uv, work, out):
    """S, Su, Sv, Suu, Suv, Svv of surface s at each of uv: six rows of `out` for each.

    work : (ROWS, WIDTH) scratch
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    free = surfaces[s, 0] == SPLINE or surfaces[s, 0] >= EXTRUSION
    for i in range(len(uv)):
        at = out[6 * i : 6 * i + 6]
        if free:
            free_point(geometry, s, uv[i, 0], uv[i, 1], work, at)
        else:
            closed_point(geometry, s, uv[i, 0], uv[i, 1], at)
    return 0
