"""ASCII STL as exporters write it, many facets at once; whatever is written otherwise is left to the reader.

What is accepted here is a part of what `formats.stl` accepts, and means the same: facets of

    facet normal … outer loop vertex x y z vertex x y z vertex x y z endloop endfacet

in any case, with any white space, and lines between them in which no such word stands.
"""

import re

import numpy as np

from massproof.kernels import MULTIPLIERS
from massproof.kernels.jit import entry, kernel
from massproof.kernels.numbers import NOWHERE, POWERS, number, powers, settle, three_numbers
from massproof.kernels.text import (
    SEGMENT,
    SPACE,
    Unusual,
    after_blanks,
    after_word,
    blanks,
    byte,
    gathered,
    is_blank,
    line_end,
    outside,
    segments,
    trailing_zeros,
    unlike,
    word,
)

_CUT = re.compile(rb"endfacet\s", re.IGNORECASE)
_SHORTEST = 79  # bytes of a facet that is accepted
_LONGEST = 384  # bytes of three corners that are read at once, and of the words before them
_MOST = (1 << 31) // 3  # facets whose vertices int32 can number
_UNSURE = 512  # numbers of a segment that may be unusual


def _letters(name):
    return np.uint64(int.from_bytes(name, "little"))


_FACET, _NORMAL, _OUTER, _LOOP = (_letters(w) for w in (b"facet", b"normal", b"outer", b"loop"))
_VERTEX, _ENDLOOP, _ENDFACET = (_letters(w) for w in (b"vertex", b"endloop", b"endfacet"))
_LOWER, _SIX = _letters(b" " * 8), _letters(b"\xff" * 6)
_ALL, _0, _1 = _letters(b"\xff" * 8), np.uint64(0), np.uint64(1)

_SEEN = 1 << 13  # texts of vertices that are remembered: all of a segment of the usual kind
_HASHED = np.uint64(64 - 13)
_K1, _K2, _K3 = (np.uint64(k) for k in MULTIPLIERS)
_K4, _K5 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0xFF51AFD7ED558CCD)


@kernel
def after_keyword(text, at, last, letters, count):
    """Position of what follows the keyword of `count` letters at `at`; −1 if something else is there."""
    if at < 0 or at >= last:
        return -1
    found = (word(text, at) | _LOWER) & (_ALL >> np.uint64(64 - 8 * count))
    if found != letters or not is_blank(byte(text, at + count)):
        return -1
    return after_blanks(text, at + count, last)


@kernel
def after_normal(text, at, last):
    """Position of the first o from `at` on; −1 when a t comes before it, as in every keyword but outer."""
    while at < last:
        o = ~(outside(text, at, 79, 79) & outside(text, at, 111, 111))
        t = ~(outside(text, at, 84, 84) & outside(text, at, 116, 116))
        if o | t:
            return at + trailing_zeros(o) if trailing_zeros(o) < trailing_zeros(t) else -1
        at += 64
    return -1


@kernel
def after_line(text, at, last):
    """Position of what follows a line, as of the name of a solid; −1 when a keyword stands in it."""
    end = line_end(text, at, last)
    for i in range(at, end):
        found = word(text, i) | _LOWER
        if found == _ENDFACET or found & _SIX == _VERTEX:
            return -1
    return after_blanks(text, end, last)


@kernel
def is_like(text, at, gap):
    """Whether what stands at `at` is what stood between the positions gap[0] and gap[1], 64 bytes or less."""
    return unlike(text, at, gap[0]) << np.uint64(64 - (gap[1] - gap[0])) == _0


@kernel
def slot_of(text, at, end):
    """Where `seen` remembers the text from `at` to `end`: its first 24 bytes and last 16, hashed."""
    mixed = word(text, at) * _K1 + word(text, at + 8) * _K2 + word(text, at + 16) * _K3
    mixed += word(text, end - 16) * _K4 + word(text, end - 8) * _K5
    return np.int64(mixed >> _HASHED)


@kernel
def vertex_at(text, at, vertices, places, count, seen):
    """Vertex whose three numbers are at `at`, how many there are with it, and where they end.

    vertices, places, seen : as in `facets`;  count : vertices so far
    The same text as before is the same vertex, and is not read again. The position is −1 when the numbers are
    not written in the most usual way.
    """
    stops = blanks(text, at)
    ends = stops & ~(stops << _1)
    ends &= ends - _1
    size = trailing_zeros(ends & (ends - _1))
    if size == 64:
        return 0, count, -1
    slot = slot_of(text, at, at + size)
    vertex = np.int64(seen[slot])
    # A vertex that was given up may still be seen. What stops the text must be the same, too, or 1 would be 12.
    if vertex >= 0 and vertex < count and unlike(text, at, places[vertex]) << np.uint64(63 - size) == _0:
        return vertex, count, at + size
    end = three_numbers(text, at, stops, vertices, 3 * count)
    seen[slot], places[count] = count, at
    return count, count + 1, end


@kernel
def facets_alike(text, at, last, vertices, faces, places, counts, gaps, seen):
    """Read facets whose words and white space are those of the one before; returns where they end.

    at : after the last number of a facet;  others : as in `facets`
    """
    for k in range(3):
        if gaps[k, 1] - gaps[k, 0] <= 0 or gaps[k, 1] - gaps[k, 0] > 64:
            return at
    end, face, count = at, counts[0], counts[1]
    while is_like(text, at, gaps[0]):
        at = after_normal(text, at + gaps[0, 1] - gaps[0, 0], last)
        if at < 0 or at + _LONGEST > last or not is_like(text, at, gaps[1]):
            break
        at += gaps[1, 1] - gaps[1, 0]
        faces[3 * face], count, at = vertex_at(text, at, vertices, places, count, seen)
        if at < 0 or not is_like(text, at, gaps[2]):
            break
        at += gaps[2, 1] - gaps[2, 0]
        faces[3 * face + 1], count, at = vertex_at(text, at, vertices, places, count, seen)
        if at < 0 or not is_like(text, at, gaps[2]):
            break
        at += gaps[2, 1] - gaps[2, 0]
        faces[3 * face + 2], count, at = vertex_at(text, at, vertices, places, count, seen)
        if at < 0:
            break
        face, end = face + 1, at
        counts[0], counts[1] = face, count
    return end


@kernel
def any_facet(text, at, last, vertices, faces, places, unsure, counts, gaps, table):
    """Read the facet whose first keyword is before `at`; returns where its last number ends, −1 if it is unusual.

    others : as in `facets`
    """
    at = gaps[0, 1] = after_keyword(text, at, last, _NORMAL, 6)
    at = gaps[1, 0] = after_normal(text, at, last) if at >= 0 else -1
    at = after_keyword(text, after_keyword(text, at, last, _OUTER, 5), last, _LOOP, 4)
    stop, first, base, digits = 0, 3 * counts[1], NOWHERE, np.uint64(0)
    for k in range(9):
        if k % 3 == 0:
            gaps[2, 0], base = stop, NOWHERE
            at = gaps[2, 1] = after_keyword(text, at, last, _VERTEX, 6)
            gaps[1, 1] = at if k == 0 else gaps[1, 1]
            faces[3 * counts[0] + k // 3], places[counts[1]] = counts[1], at
            counts[1] += 1
        if at < 0 or at >= last:
            return -1
        vertices[first + k], stop, sure, base, digits = number(text, at, base, digits, table)
        if not (sure and is_blank(byte(text, stop))):
            stop, again = after_word(text, at, last, SPACE), counts[2]
            if again == len(unsure):
                return -1
            unsure[again, 0], unsure[again, 1], unsure[again, 2] = at, stop, first + k
            counts[2] += 1
        at = after_blanks(text, stop, last)
    counts[0] += 1
    return stop


@entry(f"u1[:] i8 i8 f8[:] i4[:] i8[:] i8[:,3] i8[3] i8[3,2] i4[{_SEEN}] {POWERS}")
def facets(text, first, last, vertices, faces, places, unsure, counts, gaps, seen, table):
    """Facets from byte `first` to `last`, where both are outside of a facet.

    text : with `PADDING` after `last`, white space before or after it
    vertices, faces : (9N,) float64, (3N,) int32, N one for every `_SHORTEST` bytes; the kernel knows some
        vertices again, not all
    counts : how many facets, vertices and numbers that are not sure there are
    unsure : as in `numbers.decimals`, places in vertices;  table : what `powers` returns
    places : (3N,) memory for where the text of each vertex begins
    gaps : memory for where words stood that are looked for again: those before a normal, from the last number
        on; those between a normal and the first corner; those between corners
    seen : memory, all −1, for vertices by their text: most are written some six times
    returns 0, or −1 when something else is there than `formats.stl` describes as usual, or too much is unsure
    """
    at = after_blanks(text, first, last)
    counts[0] = counts[1] = counts[2] = 0
    gaps[0, 0] = first - 65  # before the first facet something else may stand: too far off to be compared
    while at < last:
        inner = after_keyword(text, at, last, _FACET, 5)
        if inner < 0:
            at = after_line(text, at, last)
            if at < 0:
                return -1
            continue
        stop = any_facet(text, inner, last, vertices, faces, places, unsure, counts, gaps, table)
        if stop < 0:
            return -1
        stop = facets_alike(text, stop, last, vertices, faces, places, counts, gaps, seen)
        gaps[0, 0] = stop
        at = after_blanks(text, stop, last)
        at = after_keyword(text, after_keyword(text, at, last, _ENDLOOP, 7), last, _ENDFACET, 8)
        if at < 0:
            return -1
    return 0


def triangles(text, size=SEGMENT, threads=0):
    """Vertices (V, 3) float64 and faces (F, 3) int32 of an ASCII STL file; many of the vertices are shared.

    Raises Unusual when the file, or a number in it, is not written in the usual way.
    """
    most = len(text) // _SHORTEST + 1
    if most > _MOST:
        raise Unusual
    vertices, faces = np.empty((3 * most, 3)), np.empty((most, 3), np.int32)  # memory is what is written

    def write(arrays, starts):
        for array, out, start in zip(arrays, (vertices, faces), starts, strict=True):
            np.add(array, 0 if out is vertices else starts[0], out=out[start : start + len(array)])

    begin = 3 if text[:3] == b"\xef\xbb\xbf" else 0
    used, count = gathered(_rows, write, segments(text, begin, _CUT, size), threads)
    return vertices[:used], faces[:count]


def _rows(text, first, last):
    most = (last - first) // _SHORTEST + 1
    vertices, faces, places = np.empty(9 * most), np.empty(3 * most, np.int32), np.empty(3 * most, np.int64)
    unsure, counts = np.empty((_UNSURE, 3), np.int64), np.zeros(3, np.int64)
    gaps, seen = np.zeros((3, 2), np.int64), np.full(_SEEN, -1, np.int32)
    if facets(text, first, last, vertices, faces, places, unsure, counts, gaps, seen, powers()):
        raise Unusual
    settle(text, unsure[: counts[2]], vertices)
    return vertices[: 3 * counts[1]].reshape(-1, 3), faces[: 3 * counts[0]].reshape(-1, 3)
