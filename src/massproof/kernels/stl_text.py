"""ASCII STL as exporters write it, many facets at once; whatever is written otherwise is left to the reader.

What is accepted here is a part of what `formats.stl` accepts, and means the same: facets of

    facet normal … outer loop vertex x y z vertex x y z vertex x y z endloop endfacet

in any case, with any white space, and lines between them in which no such word stands.
"""

import re

import numpy as np

from massproof.kernels.jit import entry, kernel
from massproof.kernels.numbers import NOWHERE, POWERS, number, powers, settle
from massproof.kernels.text import (
    SEGMENT,
    SPACE,
    Unusual,
    after_blanks,
    after_word,
    byte,
    gathered,
    is_blank,
    line_end,
    outside,
    segments,
    trailing_zeros,
    word,
)

_CUT = re.compile(rb"endfacet\s", re.IGNORECASE)
_SHORTEST = 79  # bytes of a facet that is accepted
_UNSURE = 512  # numbers of a segment that may be unusual


def _letters(name):
    return np.uint64(int.from_bytes(name, "little"))


_FACET, _NORMAL, _OUTER, _LOOP = (_letters(w) for w in (b"facet", b"normal", b"outer", b"loop"))
_VERTEX, _ENDLOOP, _ENDFACET = (_letters(w) for w in (b"vertex", b"endloop", b"endfacet"))
_LOWER, _SIX = _letters(b" " * 8), _letters(b"\xff" * 6)
_ALL = _letters(b"\xff" * 8)


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
def to_vertices(text, at, last):
    """Position of the first vertex of the facet whose first keyword is before `at`; −1 if there is none."""
    at = after_keyword(text, at, last, _NORMAL, 6)
    if at >= 0:
        at = after_normal(text, at, last)
    at = after_keyword(text, at, last, _OUTER, 5)
    return after_keyword(text, at, last, _LOOP, 4)


@entry(f"u1[:] i8 i8 f8[:,9] i8[:,3] i8[2] {POWERS}")
def facets(text, first, last, corners, unsure, counts, table):
    """Corners of the facets from byte `first` to `last`, where both are outside of a facet.

    text : with `PADDING` after `last`, white space before or after it
    corners : (N, 9) float64, of a row for every `_SHORTEST` bytes
    unsure, counts : as in `numbers.decimals`;  table : what `powers` returns
    returns 0, or −1 when something else is there than `formats.stl` describes as usual, or too much is unsure
    """
    count, again, at = 0, 0, after_blanks(text, first, last)
    base, digits = NOWHERE, np.uint64(0)
    while at < last:
        inner = after_keyword(text, at, last, _FACET, 5)
        if inner < 0:
            at = after_line(text, at, last)
            if at < 0:
                return -1
            continue
        at = to_vertices(text, inner, last)
        for k in range(9):
            if k % 3 == 0:
                base, digits = NOWHERE, np.uint64(0)
                at = after_keyword(text, at, last, _VERTEX, 6)
            if at < 0 or at >= last:
                return -1
            corners[count, k], stop, sure, base, digits = number(text, at, base, digits, table)
            if not (sure and is_blank(byte(text, stop))):
                stop = after_word(text, at, last, SPACE)
                if again == len(unsure):
                    return -1
                unsure[again, 0], unsure[again, 1], unsure[again, 2] = at, stop, 9 * count + k
                again += 1
            at = after_blanks(text, stop, last)
        at = after_keyword(text, after_keyword(text, at, last, _ENDLOOP, 7), last, _ENDFACET, 8)
        if at < 0:
            return -1
        count += 1
    counts[0], counts[1] = count, again
    return 0


def corners(text, size=SEGMENT, threads=0):
    """Corners (F, 3, 3) float64 of all facets of an ASCII STL file.

    Raises Unusual when the file, or a number in it, is not written in the usual way.
    """
    out = np.empty((len(text) // _SHORTEST + 1, 9))  # only the pages that are written take memory
    begin = 3 if text[:3] == b"\xef\xbb\xbf" else 0
    count = gathered(_rows, segments(text, begin, _CUT, size), out, threads)
    return out[:count].reshape(-1, 3, 3)


def _rows(text, first, last):
    rows = np.empty(((last - first) // _SHORTEST + 1, 9))
    unsure, counts = np.empty((_UNSURE, 3), np.int64), np.zeros(2, np.int64)
    if facets(text, first, last, rows, unsure, counts, powers()):
        raise Unusual
    settle(text, unsure[: counts[1]], rows.reshape(-1))
    return rows[: counts[0]]
