"""OBJ as exporters write it, many lines at once; whatever is written otherwise is left to the reader.

What is accepted here is a part of what `formats.obj` accepts, and means the same. A first pass counts
vertices and faces, so that a second one can write them where they belong, and knows how many vertices come
before a face.
"""

import re

import numpy as np

from massproof.kernels.jit import entry, in_threads, kernel
from massproof.kernels.numbers import (
    NOWHERE,
    POWERS,
    add_digits,
    eight_digits,
    number,
    powers,
    settle,
    three_numbers,
)
from massproof.kernels.text import (
    FEED,
    HASH,
    RETURN,
    SEGMENT,
    SPACE,
    TAB,
    Unusual,
    after_word,
    byte,
    is_blank,
    line_end,
    ones,
    outside,
    segments,
    trailing_zeros,
    word,
)

_CUT = re.compile(rb"[\r\n]")
_RETRY = 1024  # bytes after which it is tried again whether faces are written in the most usual way
_UNSURE = 512  # numbers of a segment that may be unusual

_VERTEX, _FACE, _OTHER = 1, 2, 0  # kinds of line
_1 = np.uint64(1)


@kernel
def is_end(letter):
    """Whether a byte ends a line or begins a comment."""
    return letter in (FEED, RETURN, HASH)


@kernel
def is_gap(letter):
    """Whether a byte stands between the words of a line; others that Python skips are unusual."""
    return letter in (SPACE, TAB)


@kernel
def after_gap(text, at):
    """Position of the first byte from `at` on that is not a space or tab; a text ends with a line feed."""
    while is_gap(byte(text, at)):
        at += 1
    return at


@kernel
def line_kind(text, at):
    """Kind of the line whose first word is at `at`, and the position after that word."""
    letter, after = byte(text, at), byte(text, at + 1)
    if letter == 118 and is_gap(after):
        return _VERTEX, at + 1
    if letter == 102 and is_gap(after):
        return _FACE, at + 1
    if letter == 102 and after == 111 and is_gap(byte(text, at + 2)):
        return _FACE, at + 2
    return _OTHER, at


@kernel
def next_word(text, at):
    """A bit for each of the 64 bytes from `at` on: whether a vertex follows, a face, and a gap or `fo`."""
    gap = ~(outside(text, at + 2, SPACE, SPACE) & outside(text, at + 2, TAB, TAB))
    face = ~outside(text, at + 1, 102, 102)
    odd = ~(outside(text, at + 1, SPACE, SPACE) & outside(text, at + 1, TAB, TAB))
    odd |= face & ~outside(text, at + 2, 111, 111)
    return ~outside(text, at + 1, 118, 118) & gap, face & gap, odd


@entry("u1[:] i8 i8 i8[2]")
def count_lines(text, first, last, counts):
    """Count vertices and faces in the lines from byte `first`, where one begins, to `last`; returns 0."""
    kind, _ = line_kind(text, after_gap(text, first))
    vertices, faces = int(kind == _VERTEX), int(kind == _FACE)
    for at in range(first, last - 1, 64):
        ends = ~(outside(text, at, FEED, FEED) & outside(text, at, RETURN, RETURN))
        if last - 1 - at < 64:
            ends &= (_1 << np.uint64(last - 1 - at)) - _1
        vertex, face, odd = next_word(text, at)
        vertices += ones(ends & vertex)
        faces += ones(ends & face)
        odd &= ends
        while odd:  # lines that are indented, or may be faces in the old spelling
            kind, _ = line_kind(text, after_gap(text, at + 1 + trailing_zeros(odd)))
            vertices, faces = vertices + (kind == _VERTEX), faces + (kind == _FACE)
            odd &= odd - _1
    counts[0], counts[1] = vertices, faces
    return 0


@kernel
def after_comment(text, at, last):
    """Position of the end of a line of which nothing, or a comment, is left."""
    return line_end(text, at, last) if byte(text, at) == HASH else at


@kernel
def after_remark(text, at, last):
    """Position of the end of a line whose rest means nothing; −1 when it continues on the next line."""
    stop = at
    while True:
        found = outside(text, stop, FEED, FEED) & outside(text, stop, RETURN, RETURN)
        found = ~(found & outside(text, stop, HASH, HASH))
        stop += trailing_zeros(found)
        if found or stop >= last:
            break
    mark = stop - 1
    while is_gap(byte(text, mark)) and mark > at:
        mark -= 1
    return -1 if byte(text, mark) == 92 else line_end(text, stop, last)


@kernel
def after_other(text, at, last):
    """Position of the end of a line that is neither vertex nor face; −1 when it may be more than it seems.

    That is a free-form surface, a keyword in v or f that is not known, an unusual gap, or a continuation.
    """
    letter, after = byte(text, at), byte(text, at + 1)
    if letter == HASH:
        return line_end(text, at, last)
    if letter == 98 or letter == 99 or (letter == 115 and after == 117):  # b, c, su
        return -1
    if letter == 102 or (
        letter == 118 and after != 110 and after != 116 and after != 112
    ):  # f; v, but vn vt vp
        return -1
    return -1 if is_blank(letter) else after_remark(text, at, last)


@kernel
def after_colour(text, at, last):
    """Position of the end of a vertex after its coordinates; −1 when a word there is not a usual number."""
    while not is_end(byte(text, at)):
        letter = byte(text, at)
        if not (is_gap(letter) or (letter >= 43 and letter <= 57) or letter | 32 == 101):
            return -1
        at += 1
    return after_comment(text, at, last)


@kernel
def corner(text, at, before, total, base, digits):
    """Vertex that the word at `at` names and the position after it, −1 when it is not usual; and a window.

    before, total : vertices read before this line, and in the file;  base, digits : as in `numbers.number`
    """
    back = byte(text, at) == 45
    begin = at + back
    if begin > base + 48:
        base, digits = begin, outside(text, begin, 48, 57)
    count = trailing_zeros(digits >> np.uint64(begin - base))
    if count == 0 or count > 10:
        return -1, -1, base, digits
    if count <= 8:
        named = np.int64(eight_digits(word(text, begin), count))
    else:
        named = np.int64(add_digits(text, begin, count, np.uint64(0)))
    index = before - named if back else named - 1
    at = begin + count
    if byte(text, at) == 47:
        count = trailing_zeros(outside(text, at, 45, 57))
        at += count
    after = byte(text, at)
    if index < 0 or index >= total or named == 0 or count == 64 or not (is_gap(after) or is_end(after)):
        return -1, -1, base, digits
    return index, at, base, digits


@kernel
def read_vertex(text, at, last, row, vertices, unsure, again, table):
    """Coordinates from `at` on to vertices[row]: where their line ends, and how many numbers are unsure.

    The position is −1 when the line is not usual.
    """
    at = after_gap(text, at)
    line_ends = ~(outside(text, at, FEED, FEED) & outside(text, at, RETURN, RETURN))
    gaps = ~(outside(text, at, SPACE, SPACE) & outside(text, at, TAB, TAB))
    end = three_numbers(text, at, gaps | line_ends, vertices, 3 * row)
    if end >= 0 and line_ends & ((_1 << np.uint64(end - at)) - _1) == 0:
        return after_colour(text, end, last), again
    base, digits = NOWHERE, np.uint64(0)
    for axis in range(3):
        at = after_gap(text, at)
        vertices[row, axis], stop, sure, base, digits = number(text, at, base, digits, table)
        after = byte(text, stop)
        if not (sure and (is_gap(after) or is_end(after))):
            if again == len(unsure):
                return -1, again
            stop = after_word(text, at, last, HASH)
            unsure[again, 0], unsure[again, 1], unsure[again, 2] = at, stop, 3 * row + axis
            again += 1
        at = stop
    return after_colour(text, at, last), again


@kernel
def read_triangle(text, at, total, corners, place):
    """Corners of a face of three plain numbers, one space before each, to corners[place:]: where its line ends.

    The position is −1 when the face is written otherwise, or has a corner that is none.
    """
    others = outside(text, at + 1, 48, 57)
    one = trailing_zeros(others)
    others &= others - _1
    two = trailing_zeros(others)
    others &= others - _1
    three = trailing_zeros(others)
    begin, middle, last = at + 1, at + 2 + one, at + 2 + two
    digits, more, most = one - 1, two - one - 2, three - two - 2
    if (digits | more | most) & ~7 or place + 2 >= len(
        corners
    ):  # from one to eight digits have none of these bits
        return -1
    end = at + 1 + three
    if byte(text, at) != SPACE or byte(text, middle - 1) != SPACE or byte(text, last - 1) != SPACE:
        return -1
    a = np.int64(eight_digits(word(text, begin), one)) - 1
    b = np.int64(eight_digits(word(text, middle), more + 1)) - 1
    c = np.int64(eight_digits(word(text, last), most + 1)) - 1
    if byte(text, end) != FEED or min(min(a, b), c) < 0 or max(max(a, b), c) >= total:
        return -1
    corners[place], corners[place + 1], corners[place + 2] = a, b, c
    return end


@kernel(replaced_by="six_indices")
def six_indices(text, at, befores, ends, total, corners, place):
    """Six numbers of one to eight digits, each less 1, to corners[place:]: whether all are from 1 to `total`.

    befores, ends : (6,) bytes from `at` on, before the first digit and after the last one
    """
    named = [int(bytes(text[at + a + 1 : at + b])) for a, b in zip(befores, ends, strict=True)]
    corners[place : place + 6] = [index - 1 for index in named]
    return int(min(named) > 0 and max(named) <= total)


@kernel
def eight_ones(bits):
    """Places of the eight lowest ones of a uint64, and what the fourth and the eighth one are."""
    b = bits & (bits - _1)
    c = b & (b - _1)
    d = c & (c - _1)
    e = d & (d - _1)
    f = e & (e - _1)
    g = f & (f - _1)
    h = g & (g - _1)
    low = trailing_zeros(bits), trailing_zeros(b), trailing_zeros(c), trailing_zeros(d)
    high = trailing_zeros(e), trailing_zeros(f), trailing_zeros(g), trailing_zeros(h)
    return low, high, d ^ e, h


@kernel
def pairs_of_triangles(text, at, last, total, corners, place):
    """Corners of as many pairs of lines as are, to the letter, `f 1 2 3`: where they end, and the next place.

    Bits of all bytes show where the numbers of both lines are, so that none waits for the one before it.
    """
    while at + 64 <= last and place + 6 <= len(corners):
        feeds, spaces = ~outside(text, at, FEED, FEED), ~outside(text, at, SPACE, SPACE)
        one = feeds & (~feeds + _1)
        two = feeds ^ one
        two &= ~two + _1
        below, begins = (two << _1) - _1, (one << _1) | _1
        stops = (spaces & below) | one | two
        if two == 0 or ~outside(text, at, 102, 102) & below != begins:
            break
        (a, b, c, d), (e, f, g, h), fourth, eighth = eight_ones(stops)
        if fourth != one or eighth != two or (begins << _1) & ~spaces != 0:
            break
        if outside(text, at, 48, 57) & below != stops | begins:
            break
        if ((b - a - 2) | (c - b - 2) | (d - c - 2) | (f - e - 2) | (g - f - 2) | (h - g - 2)) & ~7 != 0:
            break
        if not six_indices(text, at, (a, b, c, e, f, g), (b, c, d, f, g, h), total, corners, place):
            break
        at, place = at + h + 1, place + 6
    return at, place


@kernel
def read_face(text, at, last, before, total, corners, place):
    """Corners from `at` on to corners[place:]: where their line ends, and how many they are.

    The position is −1 when the line is not usual.
    """
    end = read_triangle(text, at, total, corners, place)
    if end > 0:
        return end, 3
    count, base, digits = 0, NOWHERE, np.uint64(0)
    at = after_gap(text, at)
    while not is_end(byte(text, at)):
        index, at, base, digits = corner(text, at, before, total, base, digits)
        if index < 0:
            return -1, 0
        if place + count < len(corners):
            corners[place + count] = index
        count += 1
        at = after_gap(text, at)
    return (after_comment(text, at, last) if count >= 3 else -1), count


@entry(f"u1[:] i8 i8 i8 i8[6] f8[:,3] i4[:] i4[:] i8[:,3] {POWERS}")
def read_lines(text, first, last, mixed, state, vertices, corners, sizes, unsure, table):
    """Vertices and faces of the lines from byte `first`, where one begins, to `last`.

    text : with `PADDING` after `last`, the end of a line before or after it
    mixed : whether this is the second time, for faces that are not all triangles
    state : vertices before these lines and in all, place of the first face and of its first corner; on return
        also how many corners there are and how many numbers are unsure
    vertices : (V, 3) float64, unless mixed
    corners : (K,) int32, three of each face; when mixed, so many as its row of sizes : (P,) int32 says
    unsure : as in `numbers.decimals`, places in vertices.reshape(−1);  table : what `powers` returns
    returns 0, or −1 when something else is there than is usual, or too much is unsure
    """
    row, total, face, place, again, at = state[0], state[1], state[2], state[3], 0, first
    begin, retry = place, first
    while at < last:
        kind, after = line_kind(text, at)
        if is_gap(byte(text, at)) or byte(text, at) == FEED or byte(text, at) == RETURN:
            at += 1
        elif kind == _VERTEX and not mixed:
            if row >= len(vertices):
                return -1
            at, again = read_vertex(text, after, last, row, vertices, unsure, again, table)
            row += 1
        elif kind == _FACE and not mixed and at >= retry:
            begins = at
            at, count = pairs_of_triangles(text, at, last, total, corners, 3 * face)
            face, place = count // 3, place + count - 3 * face
            retry = at if at > begins else at + _RETRY
        elif kind == _FACE:
            at, count = read_face(text, after, last, row, total, corners, place if mixed else 3 * face)
            if face < len(sizes):
                sizes[face] = count
            face, place = face + 1, place + count
        elif kind == _VERTEX:
            at, row = line_end(text, at, last), row + 1
        else:
            at = after_other(text, at, last)
        if at < 0:
            return -1
    state[4], state[5] = place - begin, again
    return 0


def polygons(text, size=SEGMENT, threads=0):
    """Vertices (V, 3) float64, corners (K,) int32 of all faces, their sizes (P,) int32, None for triangles.

    Raises Unusual when the file, or a number in it, is not written in the usual way.
    """
    parts = segments(text, 3 if text[:3] == b"\xef\xbb\xbf" else 0, _CUT, size)
    counts = np.zeros((len(parts), 2), np.int64)
    in_threads(lambda i: count_lines(*parts[i], counts[i]), range(len(parts)), threads)
    total, faces = (int(n) for n in counts.sum(axis=0))
    if not faces or total >= 1 << 31:
        raise Unusual
    state = np.zeros((len(parts), 6), np.int64)
    state[:, 1] = total
    state[1:, [0, 2]] = counts[:-1].cumsum(axis=0)
    vertices, corners, sizes = np.empty((total, 3)), np.empty(3 * faces, np.int32), np.empty(0, np.int32)
    in_threads(lambda i: _read(parts[i], 0, state[i], vertices, corners, sizes), range(len(parts)), threads)
    if (state[:, 4] == 3 * counts[:, 1]).all():
        return vertices, corners, None
    state[1:, 3] = state[:-1, 4].cumsum()
    corners, sizes = np.empty(state[:, 4].sum(), np.int32), np.empty(faces, np.int32)
    in_threads(lambda i: _read(parts[i], 1, state[i], vertices, corners, sizes), range(len(parts)), threads)
    return vertices, corners, sizes


def _read(part, mixed, state, vertices, corners, sizes):
    unsure = np.empty((_UNSURE, 3), np.int64)
    if read_lines(*part, mixed, state, vertices, corners, sizes, unsure, powers()):
        raise Unusual
    settle(part[0], unsure[: state[5]], vertices.reshape(-1))
