"""Triangles and lines to pixels: which one is nearest, and which way it faces.

Corners are rounded to 1/256 of a pixel and compared in integers, so that triangles with a common edge leave no
crack and any number of threads gives the same picture: J. Pineda, "A parallel algorithm for polygon
rasterization", 1988. Orthographic: x to the right, y down, both in pixels; z in pixels, towards the eye.
"""

import math

import numpy as np

from massproof.kernels.jit import entry, kernel

SUBPIXEL = 256  # as graphics hardware has it: 8 bits
FARTHEST = -3.0e38  # of the depth of a pixel where nothing is
UNIT = 32767.0  # length of a unit normal as it is stored


@kernel
def snapped(x):
    """x in units of 1/SUBPIXEL, rounded."""
    return np.int64(math.floor(x * SUBPIXEL + 0.5))


@kernel
def screen(x, y):
    """0 to 8 in some order for the parts of 3 × 3 pixels: what lets light through is drawn on the first of them."""
    return 3 * ((x + y) % 3) + (x + 2 * y) % 3


@kernel
def least(a, b, c):
    """The least of three."""
    return min(a, min(b, c))


@kernel
def most(a, b, c):
    """The greatest of three."""
    return max(a, max(b, c))


@kernel
def stored_normal(normals, row, u, v, w, flat, side):
    """The normal at a point with barycentric coordinates u, v, w: that of its corners, else the flat one.

    flat : (x, y, z) of the triangle, unit;  side : 1 or −1, by which it is turned
    """
    x, y, z = flat
    if len(normals):
        x = u * normals[row, 0, 0] + v * normals[row, 1, 0] + w * normals[row, 2, 0]
        y = u * normals[row, 0, 1] + v * normals[row, 1, 1] + w * normals[row, 2, 1]
        z = u * normals[row, 0, 2] + v * normals[row, 1, 2] + w * normals[row, 2, 2]
        size = math.sqrt(x * x + y * y + z * z)
        if size > 0.0:
            x, y, z = x / size, y / size, z / size
        else:
            x, y, z = flat
    factor = side * UNIT
    return np.int16(x * factor), np.int16(y * factor), np.int16(z * factor)


@entry("f8[:,3] i4[:,3] f4[:,3,3] i4[:] f8[:] i8 i8 f4[:,:] i2[:,:,3] i4[:,:]")
def cover(points, faces, normals, parts, opacities, first, last, depth, facing, part):
    """Draw triangles on the rows of pixels from `first` to `last`.

    points : (V, 3) in pixels;  faces : (F, 3), trusted
    normals : (F, 3, 3) float32, unit, at each corner; or none: flat
    parts : (F,) what each triangle is a piece of, 1 and up;  opacities : of each part, 0 to 1, by its number
    depth : (H, W) float32, FARTHEST at first;  facing : (H, W, 3) int16, the normal times UNIT, towards the eye
    part : (H, W) int32, 0 at first; minus the number of what is seen from its back
    """
    width = depth.shape[1]
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ay, by, cy = snapped(points[a, 1]), snapped(points[b, 1]), snapped(points[c, 1])
        # Centres of pixels lie at half a pixel.
        top = max(first, (least(ay, by, cy) + SUBPIXEL // 2 - 1) // SUBPIXEL)
        bottom = min(last, (most(ay, by, cy) - SUBPIXEL // 2) // SUBPIXEL + 1)
        if top >= bottom:
            continue
        ax, bx, cx = snapped(points[a, 0]), snapped(points[b, 0]), snapped(points[c, 0])
        left = max(0, (least(ax, bx, cx) + SUBPIXEL // 2 - 1) // SUBPIXEL)
        right = min(width, (most(ax, bx, cx) - SUBPIXEL // 2) // SUBPIXEL + 1)
        double = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if left >= right or double == 0:
            continue
        # y runs down: what is counter-clockwise from outside has a negative area here and faces the eye.
        way = -1 if double < 0 else 1
        cover_one(
            points, (a, b, c), (ax, ay, bx, by, cx, cy), way, (left, right, top, bottom),
            normals, f, parts[f], opacities[parts[f]], depth, facing, part,
        )  # fmt: skip
    return 0


@kernel
def flat_normal(points, a, b, c):
    """The unit normal of a triangle, y up, from its corners, where y runs down; (0, 0, 1) without one."""
    ux, uy, uz = points[b, 0] - points[a, 0], points[a, 1] - points[b, 1], points[b, 2] - points[a, 2]
    wx, wy, wz = points[c, 0] - points[a, 0], points[a, 1] - points[c, 1], points[c, 2] - points[a, 2]
    x, y, z = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
    size = math.sqrt(x * x + y * y + z * z)
    if size > 0.0:
        return x / size, y / size, z / size
    return 0.0, 0.0, 1.0


@kernel
def cover_one(points, corners, flat, way, window, normals, f, number, opacity, depth, facing, part):
    """Draw one triangle, whose snapped corners and window of pixels are given."""
    a, b, c = corners
    ax, ay, bx, by, cx, cy = flat
    left, right, top, bottom = window
    normal = flat_normal(points, a, b, c)
    side = -1.0 if way > 0 else 1.0
    shown = -number if way > 0 else number
    whole = np.float64(way * ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)))
    for y in range(top, bottom):
        py = y * SUBPIXEL + SUBPIXEL // 2
        for x in range(left, right):
            px = x * SUBPIXEL + SUBPIXEL // 2
            u = way * ((cx - bx) * (py - by) - (cy - by) * (px - bx))
            v = way * ((ax - cx) * (py - cy) - (ay - cy) * (px - cx))
            w = way * ((bx - ax) * (py - ay) - (by - ay) * (px - ax))
            if u < 0 or v < 0 or w < 0:
                continue
            if opacity < 1.0 and screen(x, y) >= 9.0 * opacity:
                continue
            fu, fv, fw = u / whole, v / whole, w / whole
            z = np.float32(fu * points[a, 2] + fv * points[b, 2] + fw * points[c, 2])
            if z <= depth[y, x]:
                continue
            depth[y, x], part[y, x] = z, shown
            nx, ny, nz = stored_normal(normals, f, fu, fv, fw, normal, side)
            facing[y, x, 0], facing[y, x, 1], facing[y, x, 2] = nx, ny, nz


@entry("f8[:,3] i8[:] f8 i8 i8 f4[:,:] u1[:,:]")
def draw_lines(points, starts, behind, first, last, depth, ink):
    """Mark pixels of polylines that nothing hides, on the rows from `first` to `last`, as 1.

    points : (n, 3) in pixels;  starts : (L+1,) line i is points[starts[i]:starts[i+1]]
    behind : how far a line may lie behind what is drawn there, in pixels, and still be seen
    ink : (H, W) uint8
    """
    width = depth.shape[1]
    for i in range(len(starts) - 1):
        for k in range(starts[i], starts[i + 1] - 1):
            x, y, z = points[k, 0], points[k, 1], points[k, 2]
            dx, dy, dz = points[k + 1, 0] - x, points[k + 1, 1] - y, points[k + 1, 2] - z
            if max(y, y + dy) < first or min(y, y + dy) > last:
                continue
            steps = np.int64(max(abs(dx), abs(dy))) + 1
            for s in range(steps + 1):
                t = s / steps
                column, row = np.int64(math.floor(x + t * dx)), np.int64(math.floor(y + t * dy))
                if first <= row < last and 0 <= column < width and z + t * dz > depth[row, column] - behind:
                    ink[row, column] = 1
    return 0


@kernel
def parts_way(facing, part, depth, y, x, v, u, sharp):
    """Whether a line runs between the pixels (y, x) and (v, u): another part, an edge or a step in depth.

    sharp : cosine of the angle between faces from which on a line is drawn
    """
    if part[y, x] != part[v, u]:
        return True
    if part[y, x] == 0:
        return False
    ax, ay, az = np.float64(facing[y, x, 0]), np.float64(facing[y, x, 1]), np.float64(facing[y, x, 2])
    bx, by, bz = np.float64(facing[v, u, 0]), np.float64(facing[v, u, 1]), np.float64(facing[v, u, 2])
    if ax * bx + ay * by + az * bz < sharp * UNIT * UNIT:
        return True
    # By how much a plane through one pixel misses the other, in pixels. A surface seen from its side is steep.
    step = np.float64(depth[v, u]) - np.float64(depth[y, x])
    right, up = u - x, y - v
    here = -(right * ax + up * ay) / max(az, 0.05 * UNIT)
    there = -(right * bx + up * by) / max(bz, 0.05 * UNIT)
    return min(abs(step - here), abs(step - there)) > 3.0 + 0.5 * max(abs(here), abs(there))


@entry("f4[:,:] i2[:,:,3] i4[:,:] u1[:] f8 i8 i8 u1[:,:]")
def outline(depth, facing, part, clear, sharp, first, last, ink):
    """Mark as 2 the pixels at edges and silhouettes on the rows from `first` to `last`.

    others : as in `cover`, all drawn;  clear : 1 for each part that lets light through, and gets no lines
    """
    height, width = depth.shape
    for y in range(first, last):
        for x in range(width):
            if clear[abs(part[y, x])]:
                continue
            for k in range(2):
                v, u = y + k, x + 1 - k
                if v >= height or u >= width or clear[abs(part[v, u])]:
                    continue
                if parts_way(facing, part, depth, y, x, v, u, sharp):
                    ink[y, x] = 2
                    if v < last:
                        ink[v, u] = 2
            # The row above belongs to another thread: what it would mark here is marked here.
            above = y == first and y > 0 and not clear[abs(part[y - 1, x])]
            if above and parts_way(facing, part, depth, y - 1, x, y, x, sharp):
                ink[y, x] = 2
    return 0


@kernel
def light(nx, ny, nz):
    """How bright a surface is that faces (nx, ny, nz), unit: a lamp at the upper left, a weaker one, the sky."""
    key = max(0.0, -0.42 * nx + 0.58 * ny + 0.70 * nz)
    fill = max(0.0, 0.70 * nx + 0.10 * ny + 0.70 * nz)
    gloss = max(0.0, -0.23 * nx + 0.31 * ny + 0.92 * nz)
    for _ in range(4):
        gloss *= gloss
    return 0.40 + 0.50 * key + 0.14 * fill + 0.04 * ny, 0.08 * gloss


@entry("i2[:,:,3] i4[:,:] u1[:,:] f8[:,3] f8[3] f8[4] i8 i8 i8 u1[:,:,4]")
def shade(facing, part, ink, colours, line, ground, factor, first, last, picture):
    """Light what was drawn, average factor × factor pixels to one, for rows of `picture` from `first` to `last`.

    colours : of each part, by its number, 0 to 1
    line, ground : colours of lines, and with its opacity, of where nothing is
    picture : (h, w, 4) uint8, red, green, blue, opacity, not multiplied by it
    """
    count = factor * factor
    for y in range(first, last):
        for x in range(picture.shape[1]):
            red, green, blue, opacity = 0.0, 0.0, 0.0, 0.0
            for k in range(count):
                v, u = y * factor + k // factor, x * factor + k % factor
                r, g, b, a = ground[0], ground[1], ground[2], ground[3]
                if part[v, u]:
                    r, g, b = lit(facing[v, u, 0], facing[v, u, 1], facing[v, u, 2], part[v, u], colours)
                    a = 1.0
                if ink[v, u]:
                    keep = 0.0 if ink[v, u] == 2 else 0.5
                    r, g, b = (
                        line[0] + keep * (r - line[0]),
                        line[1] + keep * (g - line[1]),
                        line[2] + keep * (b - line[2]),
                    )
                    a = 1.0
                red, green, blue, opacity = red + a * r, green + a * g, blue + a * b, opacity + a
            share = 1.0 / max(opacity, 1e-9)
            picture[y, x, 0], picture[y, x, 1] = byte(red * share), byte(green * share)
            picture[y, x, 2], picture[y, x, 3] = byte(blue * share), byte(opacity / count)
    return 0


@kernel
def byte(share):
    """A share of 1 as a byte."""
    return np.uint8(min(255.0, 255.0 * share + 0.5))


@kernel
def lit(nx, ny, nz, number, colours):
    """Colour of a lit pixel of a part; what is seen from its back is dull, as it shows that a surface is open."""
    bright, gloss = light(nx / UNIT, ny / UNIT, nz / UNIT)
    k = abs(number)
    r, g, b = colours[k, 0], colours[k, 1], colours[k, 2]
    if number < 0:
        r, g, b, gloss = 0.5 * r + 0.16, 0.5 * g + 0.10, 0.5 * b + 0.08, 0.0
    return min(1.0, r * bright + gloss), min(1.0, g * bright + gloss), min(1.0, b * bright + gloss)


@entry("f8[:,3] i4[:,3] i8[:] i8[:] f8 f4[:,3,3]")
def corner_normals(vertices, faces, starts, uses, sharp, out):
    """Unit normals at the corners of triangles, the mean of those around it that meet at less than an angle.

    starts : (V+2,) zeros;  uses : (3F,) memory;  sharp : cosine of that angle
    out : (F, 3, 3) float32, written
    """
    for f in range(len(faces)):
        for k in range(3):
            starts[faces[f, k] + 2] += 1
    for i in range(2, len(starts)):
        starts[i] += starts[i - 1]
    for f in range(len(faces)):  # each beginning moves on to its end, which is the next one's beginning
        for k in range(3):
            uses[starts[faces[f, k] + 1]] = f
            starts[faces[f, k] + 1] += 1
    for f in range(len(faces)):
        nx, ny, nz, size = area_vector(vertices, faces, f)
        for k in range(3):
            vertex = faces[f, k]
            x, y, z = 0.0, 0.0, 0.0
            for i in range(starts[vertex], starts[vertex + 1]):
                mx, my, mz, other = area_vector(vertices, faces, uses[i])
                if nx * mx + ny * my + nz * mz >= sharp * size * other:
                    x, y, z = x + mx, y + my, z + mz
            length = math.sqrt(x * x + y * y + z * z)
            if length > 0.0:
                out[f, k, 0], out[f, k, 1], out[f, k, 2] = x / length, y / length, z / length
            else:
                out[f, k, 0], out[f, k, 1], out[f, k, 2] = 0.0, 0.0, 0.0
    return 0


@kernel
def area_vector(vertices, faces, f):
    """Twice the area vector of a triangle, and its length."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    ux, uy, uz = (
        vertices[b, 0] - vertices[a, 0],
        vertices[b, 1] - vertices[a, 1],
        vertices[b, 2] - vertices[a, 2],
    )
    wx, wy, wz = (
        vertices[c, 0] - vertices[a, 0],
        vertices[c, 1] - vertices[a, 1],
        vertices[c, 2] - vertices[a, 2],
    )
    x, y, z = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
    return x, y, z, math.sqrt(x * x + y * y + z * z)
