"""What bounds the solids of a STEP file: rows of edges, loops, faces and shells of its instances.

Columns that name a curve or a surface hold the row of an instance first; it is marked as wanted, and stands for
what could not be read when it turns out to be none. Terms of ISO 10303-42.
"""

import numpy as np

from massproof.kernels.jit import entry, kernel
from massproof.kernels.schema import TYPES
from massproof.kernels.signatures import after_value
from massproof.kernels.tokens import FALSE, LEFT, NUMBER, RIGHT, TRUE

EDGES, VERTEX, POLYGON = 0, 1, 2  # kinds of loops, as in `brep`
CHAIN = 16  # curves and surfaces that may be made of another, one after the other

_EDGE_LOOP, _VERTEX_LOOP, _POLY_LOOP = TYPES["EDGE_LOOP"], TYPES["VERTEX_LOOP"], TYPES["POLY_LOOP"]
_EDGE_CURVE = TYPES["EDGE_CURVE"]
_TRIMMED, _LAST_OF_SURFACE = TYPES["TRIMMED_CURVE"], TYPES["BOUNDED_SURFACE_CURVE"]
_RECTANGULAR, _BOUNDED = TYPES["RECTANGULAR_TRIMMED_SURFACE"], TYPES["CURVE_BOUNDED_SURFACE"]
_EXTRUSION, _REVOLUTION = TYPES["SURFACE_OF_LINEAR_EXTRUSION"], TYPES["SURFACE_OF_REVOLUTION"]
_OFFSET = TYPES["OFFSET_SURFACE"]
_FIRST_FACE, _FACE, _ORIENTED_FACE = TYPES["ADVANCED_FACE"], TYPES["FACE"], TYPES["ORIENTED_FACE"]
_FIRST_SHELL, _LAST_SHELL = TYPES["CLOSED_SHELL"], TYPES["CONNECTED_FACE_SET"]


@kernel
def triple(file, row):
    """Coordinates of a point or direction in space, and whether it is one."""
    rows, kinds, values, checked = file
    t = rows[row, 2] + 3
    if checked[row] != 1 or kinds[t] != NUMBER or kinds[t + 1] != NUMBER or kinds[t + 2] != NUMBER:
        return 0.0, 0.0, 0.0, False
    return values[t], values[t + 1], values[t + 2], kinds[t + 3] == RIGHT


@kernel
def base_curve(file, row):
    """The curve that trims or curves on surfaces are made of, and whether one of these turns it round."""
    rows, kinds, values, checked = file
    turned = 0
    for _ in range(CHAIN):
        code, t = rows[row, 1], rows[row, 2]
        if code < _TRIMMED or code > _LAST_OF_SURFACE or checked[row] != 1:
            break
        if code == _TRIMMED:
            t = after_value(kinds, values, after_value(kinds, values, t + 3))
            turned ^= kinds[t] == FALSE
            t = rows[row, 2]
        row = np.int64(values[t + 2])
    return row, turned


@kernel
def want_surface(file, row, wanted):
    """Mark a surface and all that it is made of; the one that trims are made of, and whether it is turned."""
    rows, kinds, values, checked = file
    turned, first = 0, -1
    for _ in range(CHAIN):
        code, t = rows[row, 1], rows[row, 2]
        trims = checked[row] == 1 and (code in (_RECTANGULAR, _BOUNDED))
        if trims:
            turned ^= code == _RECTANGULAR and kinds[t + 7] != kinds[t + 8]
        else:
            wanted[row] = 1
            first = row if first < 0 else first
            if checked[row] == 1 and (code in (_EXTRUSION, _REVOLUTION)):
                curve, half = base_curve(file, np.int64(values[t + 2]))
                wanted[curve] = 1
                turned ^= half
            if checked[row] != 1 or code != _OFFSET:
                break
        row = np.int64(values[t + 2])
    if first < 0:  # trims of trims that never end
        wanted[row] = 1
        first = row
    return first, turned


@kernel
def vertex(file, row, points, edge, column):
    """Write the point of a vertex; the row of what is wrong with it, −1 if nothing is."""
    rows, _kinds, values, checked = file
    if checked[row] != 1:
        return row
    point = np.int64(values[rows[row, 2] + 2])
    x, y, z, there = triple(file, point)
    points[edge, column], points[edge, column + 1], points[edge, column + 2] = x, y, z
    return -1 if there else point


@entry("i8[:,4] i8 u1[:] f8[:] i1[:] u1[:] i4[:] i8[:,4] f8[:,6]")
def edges(rows, count, kinds, values, checked, wanted, slots, out, points):
    """Edges of a file: how many.

    rows, count, kinds, values, checked : of `signatures.verify`
    wanted : (count,) uint8, where what is needed becomes 1;  slots : (count,) int32, row in `out` of each edge
    out, points : `edges` and `edge_points` of `brep.Shapes`; a curve is a row of the file
    """
    file, edge = (rows, kinds, values, checked), 0
    for row in range(count):
        if rows[row, 1] != _EDGE_CURVE or checked[row] != 1:
            continue
        t = rows[row, 2]
        curve, turned = base_curve(file, np.int64(values[t + 4]))
        first = vertex(file, np.int64(values[t + 2]), points, edge, 0)
        second = vertex(file, np.int64(values[t + 3]), points, edge, 3)
        same = values[t + 2] == values[t + 3]
        if not same and first < 0 and second < 0:
            same = True
            for k in range(3):
                same = same and points[edge, k] == points[edge, k + 3]
        curve = first if first >= 0 else second if second >= 0 else curve
        wanted[curve] = 1
        out[edge, 0], out[edge, 1], out[edge, 2] = curve, (kinds[t + 5] == TRUE) ^ turned, same
        out[edge, 3] = rows[row, 0]
        slots[row] = edge
        edge += 1
    return edge


@entry("i8[:,4] i8 u1[:] f8[:] i1[:] i8[3]")
def sizes(rows, count, kinds, values, checked, found):
    """Add up how many loops all faces have, how many edges or points those loops, and how many faces all shells."""
    for row in range(count):
        code, t = rows[row, 1], rows[row, 2]
        if code < _FIRST_FACE or code > _LAST_SHELL or checked[row] != 1:
            continue
        if code >= _FIRST_SHELL:
            found[2] += np.int64(values[t + 2]) - t - 4
        if code > _FACE:
            continue
        for token in range(t + 3, np.int64(values[t + 2]) - 1):
            found[0] += 1
            bound = np.int64(values[token])
            if checked[bound] != 1:
                continue
            loop = np.int64(values[rows[bound, 2] + 2])
            inner = rows[loop, 2] + 2
            if checked[loop] == 1 and kinds[inner] == LEFT:
                found[1] += np.int64(values[inner]) - inner - 2
    return 0


@kernel
def add_uses(file, slots, loop, uses, use):
    """Write the edges of a loop, or the points of a polygon as rows of the file: how many, and what is wrong."""
    rows, kinds, values, checked = file
    t = rows[loop, 2] + 2
    count = np.int64(values[t]) - t - 2
    for i in range(count):
        one = np.int64(values[t + 1 + i])
        if rows[loop, 1] == _POLY_LOOP:
            uses[use + i] = one
            if not triple(file, one)[3]:
                return count, one
            continue
        uses[use + i] = 1
        if checked[one] != 1:
            return count, one
        last = after_value(kinds, values, after_value(kinds, values, rows[one, 2] + 2))
        edge = np.int64(values[last])
        if slots[edge] < 0:
            return count, edge
        uses[use + i] = slots[edge] + 1 if kinds[last + 1] == TRUE else -slots[edge] - 1
    return count, -1


@kernel
def add_loop(file, slots, bound, loops, loop, uses, use):
    """Write a bound of a face: how many uses it has, and the row of what is wrong with it, −1 if nothing is."""
    rows, kinds, values, checked = file
    loops[loop, 0], loops[loop, 1], loops[loop, 2], loops[loop, 3] = use, 0, 1, EDGES
    if checked[bound] != 1:
        return 0, bound
    t = rows[bound, 2] + 2
    one = np.int64(values[t])
    loops[loop, 2] = kinds[t + 1] == TRUE
    if checked[one] != 1:
        return 0, one
    if rows[one, 1] == _VERTEX_LOOP:
        loops[loop, 3] = VERTEX
        return 0, -1
    loops[loop, 3] = POLYGON if rows[one, 1] == _POLY_LOOP else EDGES
    count, wrong = add_uses(file, slots, one, uses, use)
    if wrong >= 0:
        count = 0
    loops[loop, 1] = count
    return count, (one if count == 0 and wrong < 0 else wrong)


@entry("i8[:,4] i8 u1[:] f8[:] i1[:] u1[:] i4[:] i8[:,5] i8[:,4] i8[:] i8[3]")
def faces(rows, count, kinds, values, checked, wanted, slots, out, loops, uses, found):
    """Faces of a file: how many; `found` says how many loops and uses.

    rows, count, kinds, values, checked, wanted, slots : as in `edges`, which comes first
    out, loops, uses : `faces`, `loops` and `uses` of `brep.Shapes`, with room for what `sizes` adds up to;
        a surface is a row of the file, −1 where there is none; of polygons uses are points, rows of the file
    """
    file, face, loop, use = (rows, kinds, values, checked), 0, 0, 0
    for row in range(count):
        code, t = rows[row, 1], rows[row, 2]
        if code < _FIRST_FACE or code > _FACE:
            continue
        out[face, 1], out[face, 2], out[face, 3], out[face, 4] = 1, loop, 0, rows[row, 0]
        surface, wrong = -1, -1 if checked[row] == 1 else row
        if checked[row] == 1:
            end = np.int64(values[t + 2])
            for token in range(t + 3, end - 1):
                added, bad = add_loop(file, slots, np.int64(values[token]), loops, loop, uses, use)
                loop, use, wrong = loop + 1, use + added, bad if bad >= 0 else wrong
            out[face, 3] = end - t - 4
            if code != _FACE:
                surface, turned = want_surface(file, np.int64(values[end]), wanted)
                out[face, 1] = (kinds[end + 1] == TRUE) ^ turned
        if wrong >= 0:
            wanted[wrong] = 1
        out[face, 0] = wrong if wrong >= 0 else surface
        slots[row] = face
        face += 1
    found[0], found[1] = loop, use
    return face


@entry("i8[:,4] i8 u1[:] f8[:] i1[:] i4[:] i8[:,3] i8[:,2]")
def shells(rows, count, kinds, values, checked, slots, out, members):
    """Shells of a file: how many.

    rows, count, kinds, values, checked, slots : as in `faces`, which comes first
    out, members : `shells` and `shell_faces` of `brep.Shapes`; a face that cannot be found is −1
    """
    shell, member = 0, 0
    for row in range(count):
        t = rows[row, 2]
        if rows[row, 1] < _FIRST_SHELL or rows[row, 1] > _LAST_SHELL or checked[row] != 1:
            continue
        out[shell, 0], out[shell, 2] = member, rows[row, 0]
        for token in range(t + 3, np.int64(values[t + 2]) - 1):
            face, sense = np.int64(values[token]), 1
            if rows[face, 1] == _ORIENTED_FACE and checked[face] == 1:
                last = after_value(kinds, values, rows[face, 2] + 2)
                sense = np.int64(kinds[last + 1] == TRUE)
                face = np.int64(values[last])
            members[member, 0], members[member, 1] = slots[face], sense
            member += 1
        out[shell, 1] = member - out[shell, 0]
        slots[row] = shell
        shell += 1
    return shell
