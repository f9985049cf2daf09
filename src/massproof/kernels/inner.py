"""Integrals over a surface along one line of constant u, from where the inner parameter begins to v.

Fields of a row of sums: 0 area, 1 volume, 2–4 ∫x ∫y ∫z, 5–10 ∫xx ∫yy ∫zz ∫xy ∫yz ∫zx, 11–13 area vector. By the
divergence theorem, for a point r about the origin of integration and the normal n = Su × Sv:

    ∫1 = ∮ r·n/3    ∫x = ∮ x² nx/2    ∫xx = ∮ x³ nx/3    ∫xy = ∮ x² y nx/2    and so on in turn
"""

import math

from massproof.kernels.bsplines import basis, span
from massproof.kernels.geometry import CONE, CYLINDER, PLANE, SPLINE, WIDTH
from massproof.kernels.jit import kernel
from massproof.kernels.quadrature import COARSE, FIFTEEN, NODES, THREE, TWO, WEIGHTS, nodes_of
from massproof.kernels.surfaces import free_point, meridian

FIELDS = 14


@kernel
def add(x, y, z, nx, ny, nz, weight, sums):
    """Add the integrands at one point, times `weight`, to the fields of one row of sums."""
    sums[0] += weight * math.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx * weight, ny * weight, nz * weight
    fx, fy, fz = x * nx, y * ny, z * nz
    sums[1] += (fx + fy + fz) / 3.0
    gx, gy, gz = 0.5 * x * fx, 0.5 * y * fy, 0.5 * z * fz
    sums[2] += gx
    sums[3] += gy
    sums[4] += gz
    sums[5] += x * gx * (2.0 / 3.0)
    sums[6] += y * gy * (2.0 / 3.0)
    sums[7] += z * gz * (2.0 / 3.0)
    sums[8] += y * gx
    sums[9] += z * gy
    sums[10] += x * gz
    sums[11] += nx
    sums[12] += ny
    sums[13] += nz


@kernel
def clear(sums):
    """All fields of one row to zero."""
    for k in range(FIELDS):
        sums[k] = 0.0


@kernel
def closed_inner(patch, c, s, v, out):
    """Integrals along v of a plane, cylinder, cone, sphere or torus, from patch.start to v.

    c, s : cosine and sine of u; on a plane c is u
    out : row of sums, overwritten

    Gauss's rule of two or three points is exact for plane, cylinder, cone: the integrands are polynomials of
    degree 3 and 4. On sphere and torus they are trigonometric polynomials of degree 5: K15, exact to degree 23,
    leaves less than 1e-15 of an arc of a quarter turn (docs/decisions/step-integration.md).
    """
    clear(out)
    rule, parts = TWO, 1
    if patch.kind == CONE:
        rule = THREE
    elif patch.kind != PLANE and patch.kind != CYLINDER:
        rule = FIFTEEN
        parts = 1 + int(abs(v - patch.start) * (2.0 / math.pi) - 1e-9)
    half = 0.5 * (v - patch.start) / parts
    for part in range(parts):
        middle = patch.start + (2 * part + 1) * half
        for q in range(nodes_of(rule)):
            add_closed(patch, c, s, middle + half * NODES[rule, q], half * WEIGHTS[rule, q], out)


@kernel
def add_closed(patch, c, s, v, weight, out):
    """Add one point of a plane or of a surface of revolution: n = ρ (z' e − ρ' k), e outwards, k the axis."""
    frame, origin = patch.frame, patch.origin
    ox, oy, oz = frame[0] - origin[0], frame[1] - origin[1], frame[2] - origin[2]
    if patch.kind == PLANE:
        x = ox + c * frame[3] + v * frame[6]
        y = oy + c * frame[4] + v * frame[7]
        z = oz + c * frame[5] + v * frame[8]
        add(x, y, z, frame[9], frame[10], frame[11], weight, out)
        return
    rho, high, rho1, high1, _, _ = meridian(patch.kind, patch.a, patch.b, v)
    ex = c * frame[3] + s * frame[6]
    ey = c * frame[4] + s * frame[7]
    ez = c * frame[5] + s * frame[8]
    kx, ky, kz = frame[9], frame[10], frame[11]
    p, q = rho * high1, rho * rho1
    add(
        ox + rho * ex + high * kx,
        oy + rho * ey + high * ky,
        oz + rho * ez + high * kz,
        p * ex - q * kx,
        p * ey - q * ky,
        p * ez - q * kz,
        weight,
        out,
    )


@kernel
def tabulate(geometry, base, rule, parts, cells, table, work):
    """Divide v of spline `base` into its knot spans, each in `parts`, and list the basis functions at all nodes.

    cells : rows of first v, last v, span;  table : a row for each node: functions, then their derivatives
    returns the number of cells
    """
    numbers = geometry.surfaces[base]
    degree, count, first = numbers[3], numbers[5], numbers[7] + numbers[8]
    used, n = 0, nodes_of(rule)
    for j in range(degree, count):
        low, high = geometry.knots[first + j], geometry.knots[first + j + 1]
        if high <= low:
            continue
        half = 0.5 * (high - low) / parts
        for part in range(parts):
            middle = low + (2 * part + 1) * half
            cells[used, 0], cells[used, 1], cells[used, 2] = middle - half, middle + half, j
            for q in range(n):
                basis(geometry.knots, first + j, degree, middle + half * NODES[rule, q], work, 0)
                for r in range(degree + 1):
                    table[used * n + q, r] = work[0, r]
                    table[used * n + q, WIDTH + r] = work[1, r]
            used += 1
    return used


@kernel
def contract(geometry, patch, u, last, columns, work):
    """Sum the control points over u: homogeneous points and u-derivatives of columns 0…last of the net."""
    numbers = geometry.surfaces[patch.base]
    p, rows, wide, knot = numbers[2], numbers[4], numbers[5], numbers[7]
    i = span(geometry.knots, knot, rows, p, u)
    basis(geometry.knots, knot + i, p, u, work, 0)
    for j in range(last + 1):
        for k in range(8):
            columns[j, k] = 0.0
        for a in range(p + 1):
            c = numbers[6] + (i - p + a) * wide + j
            w = geometry.controls[c, 3]
            n, d = work[0, a] * w, work[1, a] * w
            for k in range(3):
                columns[j, k] += n * geometry.controls[c, k]
                columns[j, 4 + k] += d * geometry.controls[c, k]
            columns[j, 3] += n
            columns[j, 7] += d


@kernel
def add_spline(patch, columns, first, degree, row, weight, coarse, out, rough):
    """Add one point of a spline, whose columns are contracted and whose basis functions are in `row`."""
    x = y = z = w = xu = yu = zu = wu = xv = yv = zv = wv = 0.0
    for r in range(degree + 1):
        n, d, column = row[r], row[WIDTH + r], columns[first + r]
        x, y, z, w = x + n * column[0], y + n * column[1], z + n * column[2], w + n * column[3]
        xu, yu, zu, wu = xu + n * column[4], yu + n * column[5], zu + n * column[6], wu + n * column[7]
        xv, yv, zv, wv = xv + d * column[0], yv + d * column[1], zv + d * column[2], wv + d * column[3]
    w = 1.0 / w
    x, y, z = x * w, y * w, z * w
    xu, yu, zu = (xu - x * wu) * w, (yu - y * wu) * w, (zu - z * wu) * w
    xv, yv, zv = (xv - x * wv) * w, (yv - y * wv) * w, (zv - z * wv) * w
    x, y, z = x - patch.origin[0], y - patch.origin[1], z - patch.origin[2]
    nx, ny, nz = yu * zv - zu * yv, zu * xv - xu * zv, xu * yv - yu * xv
    add(x, y, z, nx, ny, nz, weight, out)
    add_rough(x, y, z, nx, ny, nz, coarse, rough)


@kernel
def add_rough(x, y, z, nx, ny, nz, weight, rough):
    """Add area, volume and trace of the second moment to the sums of the coarser rule."""
    if weight == 0.0:
        return
    fx, fy, fz = x * nx, y * ny, z * nz
    rough[0] += weight * math.sqrt(nx * nx + ny * ny + nz * nz)
    rough[1] += weight * (fx + fy + fz) / 3.0
    rough[2] += weight * (x * x * fx + y * y * fy + z * z * fz) / 3.0


@kernel(apart=True)
def add_offset(geometry, patch, u, v, weight, coarse, work, at, out, rough):
    """Add one point of an offset of a spline."""
    free_point(geometry, patch.surface, u, v, work, at)
    x, y, z = at[0, 0] - patch.origin[0], at[0, 1] - patch.origin[1], at[0, 2] - patch.origin[2]
    nx = at[1, 1] * at[2, 2] - at[1, 2] * at[2, 1]
    ny = at[1, 2] * at[2, 0] - at[1, 0] * at[2, 2]
    nz = at[1, 0] * at[2, 1] - at[1, 1] * at[2, 0]
    add(x, y, z, nx, ny, nz, weight, out)
    add_rough(x, y, z, nx, ny, nz, coarse, rough)


@kernel
def spline_inner(geometry, patch, u, v, scratch, out, rough):
    """Integrals along v of a spline or of an offset of one, from its first v to v.

    u : in the domain;  v : may lie beyond it where the surface is closed in v
    scratch : `Scratch`;  out, rough : rows of sums of the finer and of the coarser rule, overwritten
    """
    clear(out)
    clear(rough)
    turns = 0.0
    if patch.period_v > 0.0:
        turns = math.floor((v - patch.start) / patch.period_v)
    numbers = geometry.surfaces[patch.base]
    degree, last = numbers[3], numbers[5] - 1
    if patch.kind == SPLINE:
        if turns == 0.0:
            last = span(geometry.knots, numbers[7] + numbers[8], numbers[5], degree, v)
        contract(geometry, patch, u, last, scratch.columns, scratch.work)
    for lap in range(2 if turns != 0.0 else 1):
        stop = v - turns * patch.period_v if lap == 0 else patch.high_v
        factor = 1.0 if lap == 0 else turns
        for cell in range(patch.cells):
            if scratch.cells[cell, 0] >= stop:
                break
            spline_cell(geometry, patch, u, cell, stop, factor, degree, scratch, out, rough)


@kernel
def spline_cell(geometry, patch, u, cell, stop, factor, degree, scratch, out, rough):
    """Add the integrals over one cell, up to `stop` where that lies in it."""
    low, high, j = scratch.cells[cell, 0], scratch.cells[cell, 1], int(scratch.cells[cell, 2])
    whole = high <= stop
    half = 0.5 * ((high if whole else stop) - low)
    numbers, n = geometry.surfaces[patch.base], nodes_of(patch.rule)
    row = scratch.row
    for q in range(n):
        v = low + half * (1.0 + NODES[patch.rule, q])
        weight, coarse = factor * half * WEIGHTS[patch.rule, q], factor * half * COARSE[patch.rule, q]
        if patch.kind != SPLINE:
            add_offset(geometry, patch, u, v, weight, coarse, scratch.work, scratch.at, out, rough)
            continue
        if whole:
            row = scratch.table[cell * n + q]
        else:
            row = scratch.row
            basis(geometry.knots, numbers[7] + numbers[8] + j, degree, v, scratch.work, 0)
            for r in range(degree + 1):
                row[r], row[WIDTH + r] = scratch.work[0, r], scratch.work[1, r]
        add_spline(patch, scratch.columns, j - degree, degree, row, weight, coarse, out, rough)
