"""Single tokens of ISO 10303-21 text: names by their hashes, numbers of instances, strings, enumerations.

A token is a kind and a float64: of a number its value; of a reference its number, later its row; of a list
the token after its end; of a string, a binary or an enumeration where it begins in the text; of a keyword
1024 times that and its code. Commas leave no token.

Source of the hash of a name: as in `hashing`, eight letters at a time.
"""

from functools import cache

import numpy as np

from massproof.kernels.jit import kernel
from massproof.kernels.numbers import eight_digits
from massproof.kernels.text import SPACE, byte, outside, trailing_zeros, word

LEFT, RIGHT, NUMBER, REFERENCE, STRING, TRUE, FALSE, WORD, NOTHING, DERIVED, KEYWORD, BINARY, NONE = range(13)
CODES = 1024  # more than there are codes of keywords
OTHER, COMPLEX, EXTERNAL, END = range(4)  # codes: unknown, of several parts, in another file, …
FIRST_CODE = 8  # of names that a caller knows
QUOTE, DOUBLE, OPEN, CLOSE, STAR = 39, 34, 40, 41, 42
PLUS, COMMA, MINUS, POINT, SLASH = 43, 44, 45, 46, 47
SEMICOLON, LESS, EQUALS, DOLLAR, BACKSLASH, UNDERSCORE, EXCLAMATION = 59, 60, 61, 36, 92, 95, 33
_0, _29, _54 = (np.uint64(n) for n in (0, 29, 54))
_ALL = np.uint64(2**64 - 1)
_MULTIPLIER = 0x9E3779B97F4A7C15  # Knuth's: 2⁶⁴ by the golden ratio
_SPREAD = np.uint64(_MULTIPLIER)
_ZEROS, _BEYOND_9, _HIGH = (np.uint64(int(b * 8, 16)) for b in ("30", "76", "80"))
SLOTS = CODES  # of the table of names, twice as many as names or more


def names(keywords):
    """A table for `records` of the names it shall know: (1024, 2) uint64, of hashes and codes.

    keywords : (name, code) of each; fewer than 512, in capitals
    """
    table = np.zeros((SLOTS, 2), np.uint64)
    for keyword, code in keywords:
        found = 0
        for at in range(0, len(keyword), 8):
            found ^= int.from_bytes(keyword[at : at + 8].encode(), "little")
            found = found * _MULTIPLIER & (2**64 - 1)
            found ^= found >> 29
        slot = found >> 54
        while table[slot, 0]:
            slot = (slot + 1) % SLOTS
        table[slot] = found, code
    return table


@cache
def own_names():
    """Names that the text itself has a meaning for, beside those of instances."""
    return (("END-ISO-10303-21", END),)


@kernel
def mixed_in(found, letters):
    """The hash of a name of which `found` is the hash so far, and these the next eight letters."""
    found = (found ^ letters) * _SPREAD
    return found ^ (found >> _29)


@kernel
def code_of(found, table):
    """Code of the name with this hash, `OTHER` if the table does not have it."""
    slot = np.int64(found >> _54)
    while table[slot, 0] != _0:
        if table[slot, 0] == found:
            return np.int64(table[slot, 1])
        slot = (slot + 1) % SLOTS
    return OTHER


@kernel
def is_letter(letter):
    """Whether a keyword may hold this byte; the minus sign stands in the names of the file's ends."""
    capital = letter & ~32
    return (
        (capital >= 65 and capital <= 90)
        or (letter >= 48 and letter <= 57)
        or letter in (UNDERSCORE, EXCLAMATION, MINUS)
    )


@kernel
def begins_keyword(letter):
    """Whether a keyword may begin with this byte."""
    return is_letter(letter) and letter != MINUS and (letter < 48 or letter > 57)


@kernel
def any_keyword(text, at, last, table):
    """Code of a keyword, in letters of any case, and the position after it."""
    found, letters, count = _0, _0, 0
    while at + count < last and is_letter(byte(text, at + count)):
        letter = byte(text, at + count)
        if letter >= 97 and letter <= 122:
            letter -= 32
        letters |= np.uint64(letter) << np.uint64(8 * (count & 7))
        count += 1
        if count & 7 == 0:
            found, letters = mixed_in(found, letters), _0
    if count & 7:
        found = mixed_in(found, letters)
    return code_of(found, table), at + count


@kernel
def keyword(text, at, last, table):
    """Code of a keyword and the position after it."""
    size = trailing_zeros(outside(text, at, 48, 122))
    if size < 64:
        found = _0
        for k in range(0, size, 8):
            letters = word(text, at + k)
            if size - k < 8:
                letters &= _ALL >> np.uint64(64 - 8 * (size - k))
            found = mixed_in(found, letters)
        code = code_of(found, table)
        if code != OTHER:
            return code, at + size
    return any_keyword(text, at, last, table)


@kernel
def after_comment(text, at, last):
    """Position after the end of the comment that `at` is in, `last` if it does not end."""
    while at < last:
        if byte(text, at) == STAR and byte(text, at + 1) == SLASH:
            return at + 2
        at += 1
    return last


@kernel
def after_gap(text, at, last):
    """Position of the next token from `at` on, `last` if there is none."""
    while at < last:
        letter = byte(text, at)
        if letter <= SPACE:
            at += 1
        elif letter == SLASH and byte(text, at + 1) == STAR:
            at = after_comment(text, at + 2, last)
        elif letter == BACKSLASH and byte(text, at + 2) == BACKSLASH:  # \N\ and \F\: a line, a page
            at += 3
        else:
            return at
    return last


@kernel
def after_string(text, at, last, quote):
    """Position after a string in which `at` is; `last` or more if it does not end before."""
    while at < last:
        found = ~outside(text, at, quote, quote)
        if found == _0:
            at += 64
            continue
        at += trailing_zeros(found) + 1
        if byte(text, at) != quote:
            return at
        at += 1
    return last


@kernel
def whole_number(text, at):
    """The digits from `at` on: their value, −1 if there is none or they are too many, and what is after."""
    value, start = 0, at
    while at < start + 24:
        letters = word(text, at)
        digits = letters ^ _ZEROS
        size = trailing_zeros(((digits + _BEYOND_9) | digits) & _HIGH) >> 3
        if size == 0:
            break
        scale = 1
        for _ in range(size):
            scale *= 10
        value = value * scale + np.int64(eight_digits(letters, size))
        at += size
        if size < 8:
            break
    return (value if at > start and at <= start + 15 else -1), at


@kernel
def simple_value(text, at, last, shift, table):
    """Kind and value of a token that is no number, reference or list, and what is after; or `NONE`."""
    letter = byte(text, at)
    where = np.float64(at + shift)
    if letter == QUOTE:
        return STRING, where, after_string(text, at + 1, last, QUOTE)
    if letter == POINT:
        size = trailing_zeros(outside(text, at + 1, 48, 122))
        if size == 0 or size == 64 or byte(text, at + 1 + size) != POINT:
            return NONE, where, at
        capital = byte(text, at + 1) & ~32
        kind = TRUE if capital == 84 else FALSE if capital == 70 else WORD
        return (kind if size == 1 else WORD), where + 1, at + size + 2
    if letter == STAR:
        return DERIVED, where, at + 1
    if letter == DOLLAR:
        return NOTHING, where, at + 1
    if letter == DOUBLE:
        return BINARY, where, after_string(text, at + 1, last, DOUBLE)
    if begins_keyword(letter):
        code, stop = keyword(text, at, last, table)
        return KEYWORD, where * CODES + code, stop
    return NONE, where, at


@kernel
def begins_number(letter, following):
    """Whether a number begins with this byte, and what follows it."""
    return (
        (letter >= 48 and letter <= 57)
        or letter in (MINUS, PLUS)
        or (letter == POINT and following >= 48 and following <= 57)
    )


@kernel
def after_number(text, at, last):
    """Position of the first byte from `at` on that no number has."""
    while at < last and (is_letter(byte(text, at)) or byte(text, at) == POINT or byte(text, at) == PLUS):
        at += 1
    return at
