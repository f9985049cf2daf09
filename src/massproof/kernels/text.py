"""Text as kernels see it: bytes, words of eight bytes, a bit for each of 64 bytes; its cut into segments.

Positions are trusted, and kernels look ahead: from any byte of a text they read up to `PADDING` bytes more.
"""

from itertools import pairwise
from threading import Condition

import numpy as np

from massproof.kernels.jit import in_threads, kernel

PADDING = 80  # bytes that must follow the last one of a text: 64 and a sign, a keyword or a digit's word

SEGMENT = 1 << 20  # bytes a thread takes at a time: a millisecond of work, and a constant


class Unusual(Exception):
    """A text that kernels do not read: only what is written as usual is theirs."""


TAB, FEED, RETURN, SPACE, HASH = 9, 10, 13, 32, 35
_SPACES = np.uint64(0x2020202020202020)


@kernel(replaced_by="byte")
def byte(text, at):
    """Byte `at` as int64."""
    return int(text[at])


@kernel(replaced_by="word")
def word(text, at):
    """Eight bytes from `at` on as one uint64, the first byte lowest."""
    return text[at : at + 8].view(np.uint64)[0]


@kernel(replaced_by="outside")
def outside(text, at, low, high):
    """A bit for each of the 64 bytes from `at` on, the first lowest: whether it is not one of low..high."""
    part = text[at : at + 64]
    return np.packbits((part < low) | (part > high), bitorder="little").view(np.uint64)[0]


@kernel(replaced_by="unlike")
def unlike(text, at, other):
    """A bit for each of the 64 bytes from `at` on, the first lowest: whether another byte stands at `other`."""
    return np.packbits(text[at : at + 64] != text[other : other + 64], bitorder="little").view(np.uint64)[0]


@kernel(replaced_by="trailing_zeros")
def trailing_zeros(x):
    """How many zeros are below the lowest one of a uint64; 64 if there is none."""
    return (int(x) & -int(x)).bit_length() - 1 if x else 64


@kernel(replaced_by="leading_zeros")
def leading_zeros(x):
    """How many zeros are above the highest one of a uint64; 64 if there is none."""
    return 64 - int(x).bit_length()


@kernel
def blanks(text, at):
    """A bit for each of the 64 bytes from `at` on, the first lowest: whether it is white space."""
    return ~(outside(text, at, SPACE, SPACE) & outside(text, at, TAB, RETURN))


@kernel
def is_blank(letter):
    """Whether a byte is what Python's bytes.split and the \\s of its expressions call white space."""
    return letter == SPACE or (letter >= TAB and letter <= RETURN)


@kernel
def is_line_end(letter):
    """Whether a byte is what Python's str.splitlines ends a line at."""
    return letter > TAB and letter <= RETURN


@kernel
def after_blanks(text, at, last):
    """Position of the first byte from `at` on that is not white space, `last` if there is none."""
    if at + 1 < last and byte(text, at) == SPACE and byte(text, at + 1) > SPACE:
        return at + 1
    if at < last and byte(text, at) == FEED:
        indented = at + 1 + trailing_zeros(word(text, at + 1) ^ _SPACES) // 8
        if indented < last and byte(text, indented) > SPACE:
            return indented
    while at < last:
        found = outside(text, at, SPACE, SPACE) & outside(text, at, TAB, RETURN)
        if found:
            return min(at + trailing_zeros(found), last)
        at += 64
    return last


@kernel
def after_word(text, at, last, mark):
    """Position of the first white space or byte `mark` from `at` on, `last` if there is none."""
    while at < last and not is_blank(byte(text, at)) and byte(text, at) != mark:
        at += 1
    return at


@kernel
def line_end(text, at, last):
    """Position of the first line feed or carriage return from `at` on, `last` if there is none."""
    while at < last:
        found = ~(outside(text, at, FEED, FEED) & outside(text, at, RETURN, RETURN))
        if found:
            return min(at + trailing_zeros(found), last)
        at += 64
    return last


@kernel(replaced_by="ones")
def ones(x):
    """How many bits of a uint64 are set."""
    return int(x).bit_count()


def segments(text, first, boundary, size=SEGMENT):
    """Pieces of a text from byte `first` on, that kernels can read: list of (bytes, first, last).

    text : memoryview;  boundary : expression that ends where a piece may end, with white space
    All but the last lie in the text itself, which has `PADDING` bytes and more after them; the last, of any
    length, is copied to where there is room.
    """
    cuts = [first]
    while found := boundary.search(text, cuts[-1] + size):
        if len(text) - found.end() < PADDING:
            break
        cuts.append(found.end())
    array = np.frombuffer(text, np.uint8)
    rest = bytes(text[cuts[-1] :])
    padded = np.frombuffer(rest + b"\n" * PADDING, np.uint8)
    return [*((array, a, b) for a, b in pairwise(cuts)), (padded, 0, len(rest))]


def gathered(read, write, parts, threads=0):
    """Hand what `read` returns for each of `parts` to `write`: how many rows there are in all, of each array.

    read : returns a tuple of arrays;  write : gets them, and how many rows each of the parts before has in all
    Parts are read in threads; each then waits for those before it, which have begun before it did, to say how
    many rows they have.
    """
    ends: list[tuple[int, ...] | None] = [(), *[None] * len(parts)]
    turn = Condition()

    def part(i):
        arrays = ()
        try:
            arrays = read(*parts[i])
        finally:  # also after an error: those that follow must not wait for ever
            with turn:
                turn.wait_for(lambda: ends[i] is not None)
                starts = ends[i] or (0,) * len(arrays)
                ends[i + 1] = tuple(a + len(b) for a, b in zip(starts, arrays, strict=False))
                turn.notify_all()
        write(arrays, starts)

    in_threads(part, range(len(parts)), threads)
    return ends[-1]
