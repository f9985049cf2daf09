"""Rows of a table that cannot be what they say are cleared, in one pass: kernels may trust all that is left.

Of a range of rows, first and count, it is told whether all are there and none is wrong from how many rows before each
are wrong: (n + 1,) counts, `wrong` below.
"""

import math

from massproof.kernels.geometry import (
    CIRCLE,
    CONE,
    DEGREE,
    EXTRUSION,
    GEOMETRY,
    HYPERBOLA,
    LINE,
    OFFSET,
    PARABOLA,
    PLANE,
    REVOLUTION,
    SPLINE,
    TORUS,
    Geometry,
)
from massproof.kernels.jit import entry, kernel

HOPS = 16  # offsets of offsets that are followed
_FAR = 1e6  # times the extent of all vertices: control points so far away are no part of a solid
_HUGE = 1e50  # whose fifth power is still a number
_BAD, _HALF, _GOOD = 0, 1, 2  # of surfaces: an offset is good when its basis is


@kernel
def finite(row):
    """Whether all numbers of a row are numbers."""
    wrong = 0
    for k in range(len(row)):
        wrong += 0 if abs(row[k]) < math.inf else 1
    return wrong == 0


@kernel
def there(first, count, rows):
    """Whether rows first to first + count − 1 are among so many."""
    return 0 <= first <= rows and 0 <= count <= rows - first


@kernel
def sound(first, count, wrong):
    """Whether rows first to first + count − 1 are there, and none of them is wrong."""
    return there(first, count, len(wrong) - 1) and wrong[first] == wrong[first + count]


@kernel
def named(row, marks, least):
    """Whether a row is there, and marked so well."""
    return 0 <= row < len(marks) and marks[row] >= least


@kernel
def framed(geometry, row):
    """Whether a frame is there."""
    return 0 <= row < len(geometry.frames) and finite(geometry.frames[row])


@kernel
def spaced(knots, wrong, degree, points, first, count):
    """Whether knots first to first + count − 1 are those of a spline."""
    if not (1 <= degree <= DEGREE and degree < points and count == points + degree + 1):
        return False
    good = there(first, count, len(knots)) and sound(first, count - 1, wrong)
    return good and knots[first + degree] < knots[first + points]


@kernel
def good_curve(geometry, c, wrong_controls, wrong_knots):
    """Whether a curve can be what it says."""
    kind, numbers, row = geometry.curves[c, 0], geometry.curve_numbers[c], geometry.curves[c]
    if not finite(numbers):
        return False
    if kind == LINE:
        return numbers[3] != 0.0 or numbers[4] != 0.0 or numbers[5] != 0.0
    if kind == SPLINE:
        return sound(row[3], row[4], wrong_controls) and spaced(
            geometry.knots, wrong_knots, row[2], row[4], row[5], row[6]
        )
    conic = CIRCLE <= kind <= HYPERBOLA and framed(geometry, row[1])
    return conic and numbers[0] > 0.0 and (numbers[1] > 0.0 or kind == PARABOLA)


@kernel
def good_surface(geometry, s, wrong_controls, wrong_knots, curves):
    """Whether a surface can be what it says; half, when that is for its basis to say."""
    row, numbers = geometry.surfaces[s], geometry.surface_numbers[s]
    kind, base = row[0], row[11]
    good = False
    if not finite(numbers):
        return _BAD
    if kind == OFFSET:
        return _HALF
    if PLANE <= kind <= TORUS:
        good = framed(geometry, row[1]) and (kind != CONE or abs(numbers[1]) < 0.5 * math.pi)
    elif kind == EXTRUSION:
        good = named(base, curves, 1) and (numbers[0] != 0.0 or numbers[1] != 0.0 or numbers[2] != 0.0)
    elif kind == REVOLUTION:
        good = named(base, curves, 1) and framed(geometry, row[1])
    elif kind == SPLINE:
        most = len(geometry.controls)
        few = 0 <= row[4] <= most and 0 <= row[5] <= most  # so that their product is no overflow
        good = few and sound(row[6], row[4] * row[5], wrong_controls)
        good = good and spaced(geometry.knots, wrong_knots, row[2], row[4], row[7], row[8])
        good = good and spaced(geometry.knots, wrong_knots, row[3], row[5], row[7] + row[8], row[9])
    return _GOOD if good else _BAD


@kernel
def count_wrong(geometry, edge_points, controls, knots):
    """Count control points that are no numbers, absurdly far or of no positive weight, and knots in disorder."""
    size = 0.0
    for e in range(len(edge_points)):
        for k in range(6):
            size = max(size, abs(edge_points[e, k]) if abs(edge_points[e, k]) < math.inf else 0.0)
    most = _FAR * size if size > 0.0 else _HUGE
    controls[0] = knots[0] = 0
    for i in range(len(geometry.controls)):
        point = geometry.controls[i]
        far = max(abs(point[0]), abs(point[1]), abs(point[2]))
        good = finite(point) and far <= most and point[3] > 0.0
        controls[i + 1] = controls[i] + (0 if good else 1)
    for i in range(len(geometry.knots)):
        last = i + 1 == len(geometry.knots)
        good = abs(geometry.knots[i]) < math.inf and (last or geometry.knots[i] <= geometry.knots[i + 1])
        knots[i + 1] = knots[i] + (0 if good else 1)


@kernel
def clear_curves(rows, marks):
    """Let rows of curves name nothing that they do not use, and nothing at all where they are no good."""
    for c in range(len(rows)):
        kind = rows[c, 0] if marks[c] > 0 else 0
        rows[c, 0] = kind
        for k in range(2, 8):
            rows[c, k] = rows[c, k] if kind == SPLINE else 0
        if not CIRCLE <= kind <= HYPERBOLA:
            rows[c, 1] = -1


@kernel
def clear_surfaces(rows, marks):
    """The same of surfaces, once it is known which offsets have a basis."""
    for _ in range(HOPS):
        for s in range(len(rows)):
            if marks[s] == _HALF and named(rows[s, 11], marks, _GOOD):
                marks[s] = _GOOD
    for s in range(len(rows)):
        kind = rows[s, 0] if marks[s] == _GOOD else 0
        rows[s, 0] = kind
        for k in range(2, 11):
            rows[s, k] = rows[s, k] if kind == SPLINE else 0
        if not (PLANE <= kind <= TORUS or kind == REVOLUTION):
            rows[s, 1] = -1
        if not (kind == TORUS or kind >= EXTRUSION):
            rows[s, 11] = 0


@kernel
def clear_edges(edges, edge_points, curves):
    """Take their curve from edges that have none or whose vertices are no numbers."""
    for e in range(len(edges)):
        if not (named(edges[e, 0], curves, 1) and finite(edge_points[e])):
            edges[e, 0] = -1
            for k in range(6):
                edge_points[e, k] = edge_points[e, k] if abs(edge_points[e, k]) < math.inf else 0.0
        edges[e, 1], edges[e, 2] = 1 if edges[e, 1] != 0 else 0, 1 if edges[e, 2] != 0 else 0


@kernel
def clear_faces(edges, uses, loops, faces, surfaces, wrong_uses, wrong_loops):
    """Take their surface from faces that lack something, and their loops where these do."""
    wrong_uses[0] = wrong_loops[0] = 0
    for i in range(len(uses)):
        wrong_uses[i + 1] = wrong_uses[i] + (0 if 1 <= abs(uses[i]) <= len(edges) else 1)
    for i in range(len(loops)):
        loops[i, 2] = 1 if loops[i, 2] != 0 else 0
        wrong_loops[i + 1] = wrong_loops[i] + (0 if sound(loops[i, 0], loops[i, 1], wrong_uses) else 1)
    for f in range(len(faces)):
        faces[f, 1] = 1 if faces[f, 1] != 0 else 0
        if not sound(faces[f, 2], faces[f, 3], wrong_loops):
            faces[f, 0], faces[f, 2], faces[f, 3] = -1, 0, 0
        elif not named(faces[f, 0], surfaces, _GOOD):
            faces[f, 0] = -1


@kernel
def missing(faces, shells, shell_faces, solids, solid_shells):
    """Whether a shell names a face, or a solid a shell, that is not there."""
    lost = False
    for i in range(len(shell_faces)):
        lost = lost or not 0 <= shell_faces[i, 0] < len(faces)
    for i in range(len(solid_shells)):
        lost = lost or not 0 <= solid_shells[i, 0] < len(shells)
    for i in range(len(shells)):
        lost = lost or not there(shells[i, 0], shells[i, 1], len(shell_faces))
    for i in range(len(solids)):
        lost = lost or not there(solids[i, 0], solids[i, 1], len(solid_shells))
    return lost


@entry(f"{GEOMETRY} i8[:,4] f8[:,6] i8[:] i8[:,4] i8[:,5] i8[:,3] i8[:,2] i8[:,3] i8[:,2] i8[:]")
def vet(
    frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots,
    edges, edge_points, uses, loops, faces, shells, shell_faces, solids, solid_shells, scratch,
):  # fmt: skip
    """Clear rows of curves, surfaces, edges, edge_points, loops and faces that cannot be, in place.

    scratch : as many as there are curves, surfaces, control points, knots, uses and loops together, and four more
    returns 1 when a shell or a solid names what is not there, else 0
    """
    geometry = Geometry(frames, curves, curve_numbers, surfaces, surface_numbers, controls, knots)
    a = len(curves)
    b = a + len(surfaces)
    c = b + len(controls) + 1
    d = c + len(knots) + 1
    e = d + len(uses) + 1
    good_curves, good_surfaces, wrong_controls, wrong_knots = (
        scratch[:a],
        scratch[a:b],
        scratch[b:c],
        scratch[c:d],
    )
    count_wrong(geometry, edge_points, wrong_controls, wrong_knots)
    for i in range(len(curves)):
        good_curves[i] = 1 if good_curve(geometry, i, wrong_controls, wrong_knots) else 0
    for i in range(len(surfaces)):
        good_surfaces[i] = good_surface(geometry, i, wrong_controls, wrong_knots, good_curves)
    clear_curves(curves, good_curves)
    clear_surfaces(surfaces, good_surfaces)
    clear_edges(edges, edge_points, good_curves)
    clear_faces(edges, uses, loops, faces, good_surfaces, scratch[d:e], scratch[e:])
    return 1 if missing(faces, shells, shell_faces, solids, solid_shells) else 0
