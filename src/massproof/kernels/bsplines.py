"""B-spline curves and surfaces, rational or not: points with first and second derivatives.

Source: L. Piegl, W. Tiller, "The NURBS Book", 2nd edition, 1997: the basis functions are those of algorithm
A2.2, their derivatives come from equation 2.7, the quotients of rational ones from sections 4.3 and 4.4. Knots
that coincide make a quotient 0/0, which counts as 0 (ibid., section 2.2).
"""

from massproof.kernels.jit import kernel


@kernel
def span(knots, first, count, degree, t):
    """The i with knots[first + i] <= t < knots[first + i + 1], clamped to the domain.

    first : where the knots of this curve begin;  count : its control points
    """
    low, high = degree, count
    if t >= knots[first + count]:
        low = count - 1
        while low > degree and knots[first + low] >= knots[first + count]:
            low -= 1
        return low
    while high - low > 1:
        middle = (low + high) // 2
        if knots[first + middle] <= t:
            low = middle
        else:
            high = middle
    return low


@kernel
def climb(knots, last, degree, t, out, row):
    """Basis functions of `degree`, their first and second derivatives, from those of one degree less, in place.

    With Sᵣ = Nᵣ/(tᵣ₊ₚ − tᵣ), 0 where knots coincide: Nᵣ becomes (t − tᵣ) Sᵣ₋₁ + (tᵣ₊ₚ − t) Sᵣ, and its derivative
    p (Sᵣ₋₁ − Sᵣ), whose own derivative has those of N in S.
    """
    saved = slope = bend = 0.0
    for r in range(degree):
        right, left = knots[last + r + 1] - t, t - knots[last + 1 - degree + r]
        wide = left + right
        over = 1.0 / wide if wide > 0.0 else 0.0
        share, first, second = (
            out[row, r] * over,
            degree * over * out[row, r],
            degree * over * out[row + 1, r],
        )
        out[row, r], out[row + 1, r], out[row + 2, r] = saved + right * share, slope - first, bend - second
        saved, slope, bend = left * share, first, second
    out[row, degree], out[row + 1, degree], out[row + 2, degree] = saved, slope, bend


@kernel(apart=True)
def basis(knots, last, degree, t, out, row):
    """The basis functions that are not zero at t, and their derivatives: to out[row], out[row+1], out[row+2].

    last : index in `knots` of the one at or before t, as first + span(...)
    """
    out[row, 0], out[row + 1, 0], out[row + 2, 0] = 1.0, 0.0, 0.0
    for p in range(1, degree + 1):
        climb(knots, last, p, t, out, row)


@kernel
def divide_curve(sums, row, out, at):
    """Point and derivatives of a rational curve: out[at:at+3], from homogeneous sums[row:row+3].

    P = A/w    P' = (A' − w'P)/w    P'' = (A'' − 2w'P' − w''P)/w
    """
    w = sums[row, 3]
    for k in range(3):
        p = sums[row, k] / w
        d = (sums[row + 1, k] - sums[row + 1, 3] * p) / w
        out[at, k] = p
        out[at + 1, k] = d
        out[at + 2, k] = (sums[row + 2, k] - 2.0 * sums[row + 1, 3] * d - sums[row + 2, 3] * p) / w


@kernel(apart=True)
def curve_point(numbers, controls, knots, t, work, out, at):
    """Point, first and second derivative of a spline at t, to out[at:at+3].

    numbers : row of `curves`;  work : scratch, its first six rows are used
    """
    degree, first, count, knot = numbers[2], numbers[3], numbers[4], numbers[5]
    i = span(knots, knot, count, degree, t)
    basis(knots, knot + i, degree, t, work, 0)
    for d in range(3):
        for k in range(4):
            work[3 + d, k] = 0.0
    for r in range(degree + 1):
        q = first + i - degree + r
        w = controls[q, 3]
        for d in range(3):
            b = work[d, r] * w
            work[3 + d, 0] += b * controls[q, 0]
            work[3 + d, 1] += b * controls[q, 1]
            work[3 + d, 2] += b * controls[q, 2]
            work[3 + d, 3] += b
    divide_curve(work, 3, out, at)


@kernel
def divide_surface(sums, row, out, at):
    """S, Su, Sv, Suu, Suv, Svv of a rational surface: out[at:at+6], from homogeneous sums[row:row+6]."""
    w, wu, wv = sums[row, 3], sums[row + 1, 3], sums[row + 2, 3]
    for k in range(3):
        s = sums[row, k] / w
        u = (sums[row + 1, k] - wu * s) / w
        v = (sums[row + 2, k] - wv * s) / w
        out[at, k], out[at + 1, k], out[at + 2, k] = s, u, v
        out[at + 3, k] = (sums[row + 3, k] - 2.0 * wu * u - sums[row + 3, 3] * s) / w
        out[at + 4, k] = (sums[row + 4, k] - wu * v - wv * u - sums[row + 4, 3] * s) / w
        out[at + 5, k] = (sums[row + 5, k] - 2.0 * wv * v - sums[row + 5, 3] * s) / w


@kernel(apart=True)
def surface_point(numbers, controls, knots, u, v, work, out, at):
    """S, Su, Sv, Suu, Suv, Svv of a spline at (u, v), to out[at:at+6].

    numbers : row of `surfaces`;  work : scratch, its first twelve rows are used
    """
    p, q, rows, columns = numbers[2], numbers[3], numbers[4], numbers[5]
    first, knot = numbers[6], numbers[7]
    i = span(knots, knot, rows, p, u)
    j = span(knots, knot + numbers[8], columns, q, v)
    basis(knots, knot + i, p, u, work, 0)
    basis(knots, knot + numbers[8] + j, q, v, work, 3)
    for d in range(6, 12):
        for k in range(4):
            work[d, k] = 0.0
    for a in range(p + 1):
        add_row(controls, first + (i - p + a) * columns + j - q, q, a, work)
    divide_surface(work, 6, out, at)


@kernel
def add_row(controls, c, q, a, work):
    """Add a row of control points, c to c + q, times its basis function a, to the six homogeneous sums."""
    x = y = z = w = xv = yv = zv = wv = xvv = yvv = zvv = wvv = 0.0
    for b in range(q + 1):
        weight = controls[c + b, 3]
        n, d, e = work[3, b] * weight, work[4, b] * weight, work[5, b] * weight
        px, py, pz = controls[c + b, 0], controls[c + b, 1], controls[c + b, 2]
        x, y, z, w = x + n * px, y + n * py, z + n * pz, w + n
        xv, yv, zv, wv = xv + d * px, yv + d * py, zv + d * pz, wv + d
        xvv, yvv, zvv, wvv = xvv + e * px, yvv + e * py, zvv + e * pz, wvv + e
    n, d, e = work[0, a], work[1, a], work[2, a]
    add_scaled(work[6], n, x, y, z, w)
    add_scaled(work[7], d, x, y, z, w)
    add_scaled(work[8], n, xv, yv, zv, wv)
    add_scaled(work[9], e, x, y, z, w)
    add_scaled(work[10], d, xv, yv, zv, wv)
    add_scaled(work[11], n, xvv, yvv, zvv, wvv)


@kernel
def add_scaled(row, n, x, y, z, w):
    """Add n times a homogeneous point to a row of sums."""
    row[0] += n * x
    row[1] += n * y
    row[2] += n * z
    row[3] += n * w
