"""ISO 10303-21 text as rows of two arrays: one of its instances and statements, one of their tokens.

A token is a kind and a float64: of a number its value; of a reference its number, later its row; of a list
the token after its end; of a string, a binary or an enumeration where it begins in the text; of a keyword
1024 times that and its code. Commas leave no token. What is read is the grammar of ISO 10303-21:2016, with
white space, comments and print controls between any tokens, letters of either case in keywords, and numbers
without a point or with one at their end or beginning; a file may go on after its end, which is not read.
"""

from functools import cache

import numpy as np

from massproof.kernels.jit import entry, kernel
from massproof.kernels.numbers import NOWHERE, POWERS, eight_digits, number
from massproof.kernels.text import HASH, SPACE, byte, ones, outside, trailing_zeros, word

LEFT, RIGHT, NUMBER, REFERENCE, STRING, TRUE, FALSE, WORD, NOTHING, DERIVED, KEYWORD, BINARY, NONE = range(13)
CODES = 1024  # more than there are codes of keywords

OTHER, COMPLEX, EXTERNAL, STATEMENT, END = range(5)  # codes: unknown, of several parts, in another file, …
FIRST_CODE = 8  # of names that a caller knows

# What `records` returns: the text goes on, it is read to its end, or why it is not.
MORE, DONE, CUT, FULL, NO_NAME, NO_EQUALS, NO_KEYWORD, NO_OPEN, NO_VALUE, NO_COMMA, NO_SEMICOLON, DEEP = (
    range(12)
)

_QUOTE, _DOUBLE, _OPEN, _CLOSE, _STAR, _PLUS, _COMMA, _MINUS, _POINT, _SLASH = (
    39,
    34,
    40,
    41,
    42,
    43,
    44,
    45,
    46,
    47,
)
_SEMICOLON, _LESS, _EQUALS, _DOLLAR, _BACKSLASH, _UNDERSCORE, _EXCLAMATION = 59, 60, 61, 36, 92, 95, 33

_0, _8, _29, _54, _64 = (np.uint64(n) for n in (0, 8, 29, 54, 64))
_ALL = np.uint64(2**64 - 1)
_MULTIPLIER = 0x9E3779B97F4A7C15  # Knuth's: 2⁶⁴ by the golden ratio
_SPREAD = np.uint64(_MULTIPLIER)
_ZEROS, _BEYOND_9, _HIGH = (np.uint64(int(b * 8, 16)) for b in ("30", "76", "80"))
_SLOTS = CODES  # of the table of names, twice as many as names or more


def names(keywords):
    """A table for `records` of the names it shall know: (1024, 2) uint64, of hashes and codes.

    keywords : (name, code) of each; fewer than 512, in capitals
    """
    table = np.zeros((_SLOTS, 2), np.uint64)
    for keyword, code in keywords:
        found = 0
        for at in range(0, len(keyword), 8):
            found ^= int.from_bytes(keyword[at : at + 8].encode(), "little")
            found = found * _MULTIPLIER & (2**64 - 1)
            found ^= found >> 29
        slot = found >> 54
        while table[slot, 0]:
            slot = (slot + 1) % _SLOTS
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
        slot = (slot + 1) % _SLOTS
    return OTHER


@kernel
def is_letter(letter):
    """Whether a keyword may hold this byte; the minus sign stands in the names of the file's ends."""
    capital = letter & ~32
    return (
        (capital >= 65 and capital <= 90)
        or (letter >= 48 and letter <= 57)
        or letter in (_UNDERSCORE, _EXCLAMATION, _MINUS)
    )


@kernel
def begins_keyword(letter):
    """Whether a keyword may begin with this byte."""
    return is_letter(letter) and letter != _MINUS and (letter < 48 or letter > 57)


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
        if byte(text, at) == _STAR and byte(text, at + 1) == _SLASH:
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
        elif letter == _SLASH and byte(text, at + 1) == _STAR:
            at = after_comment(text, at + 2, last)
        elif letter == _BACKSLASH and byte(text, at + 2) == _BACKSLASH:  # \N\ and \F\: a line, a page
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
    if letter == _QUOTE:
        return STRING, where, after_string(text, at + 1, last, _QUOTE)
    if letter == _POINT:
        size = trailing_zeros(outside(text, at + 1, 48, 122))
        if size == 0 or size == 64 or byte(text, at + 1 + size) != _POINT:
            return NONE, where, at
        capital = byte(text, at + 1) & ~32
        kind = TRUE if capital == 84 else FALSE if capital == 70 else WORD
        return (kind if size == 1 else WORD), where + 1, at + size + 2
    if letter == _STAR:
        return DERIVED, where, at + 1
    if letter == _DOLLAR:
        return NOTHING, where, at + 1
    if letter == _DOUBLE:
        return BINARY, where, after_string(text, at + 1, last, _DOUBLE)
    if begins_keyword(letter):
        code, stop = keyword(text, at, last, table)
        return KEYWORD, where * CODES + code, stop
    return NONE, where, at


@kernel
def begins_number(letter, following):
    """Whether a number begins with this byte, and what follows it."""
    return (
        (letter >= 48 and letter <= 57)
        or letter in (_MINUS, _PLUS)
        or (letter == _POINT and following >= 48 and following <= 57)
    )


@kernel
def after_number(text, at, last):
    """Position of the first byte from `at` on that no number has."""
    while at < last and (is_letter(byte(text, at)) or byte(text, at) == _POINT or byte(text, at) == _PLUS):
        at += 1
    return at


@kernel
def value_at(text, at, last, shift, token, kinds, values, window, unsure, again, names, powers):
    """Token `token` of a value at `at`: the position after it, −1 if there is none; unsure numbers; window."""
    letter = byte(text, at)
    base, digits = window
    if letter == HASH:
        found, stop = whole_number(text, at + 1)
        kinds[token], values[token] = REFERENCE, found
        return (stop if found >= 0 else -1), again, window
    if not begins_number(letter, byte(text, at + 1)):
        kind, value, stop = simple_value(text, at, last, shift, names)
        kinds[token], values[token] = kind, value
        return (stop if kind != NONE else -1), again, window
    value, stop, sure, base, digits = number(text, at, base, digits, powers)
    kinds[token], values[token] = NUMBER, value
    if not sure:
        stop = after_number(text, at, last)
        unsure[again, 0], unsure[again, 1], unsure[again, 2] = at + shift, stop + shift, token
        again += 1
    return stop, again, (base, digits)


@kernel
def closed(text, at, last, depth, token, kinds, values, stack):
    """Close the lists that end at `at`: the position after them, the depth, and the tokens."""
    while at < last and depth > 0 and byte(text, at) == _CLOSE:
        depth -= 1
        kinds[token], values[token] = RIGHT, 0.0
        token += 1
        values[stack[depth]] = token
        at = after_gap(text, at + 1, last)
    return at, depth, token


@kernel
def parameters(text, at, last, shift, token, parts, kinds, values, unsure, again, stack, names, powers):
    """Tokens of the list at `at`: why it is not read or `MORE`, the position after it, tokens, unsure ones.

    parts : 1 if it is one of the parts of a complex instance, which have no commas; else −1
    """
    depth, window = 0, (NOWHERE, _0)
    while at < last:
        if depth == parts and kinds[token - 1] != KEYWORD and not begins_keyword(byte(text, at)):
            return NO_KEYWORD, at, token, again
        if byte(text, at) == _OPEN:
            if depth == len(stack):
                return DEEP, at, token, again
            kinds[token], stack[depth] = LEFT, token
            token, depth, at = token + 1, depth + 1, after_gap(text, at + 1, last)
            if byte(text, at) != _CLOSE:
                continue
        else:
            if again == len(unsure):
                return FULL, at, token, again
            stop, again, window = value_at(
                text, at, last, shift, token, kinds, values, window, unsure, again, names, powers
            )
            if stop < 0:
                return NO_VALUE, at, token, again
            token, at = token + 1, after_gap(text, stop, last)
            if kinds[token - 1] == KEYWORD:
                if byte(text, at) != _OPEN:
                    return NO_OPEN, at, token, again
                continue
        at, depth, token = closed(text, at, last, depth, token, kinds, values, stack)
        if depth == 0:
            return MORE, at, token, again
        if byte(text, at) == _COMMA:
            at = after_gap(text, at + 1, last)
        elif depth != parts:
            return NO_COMMA, at, token, again
    return CUT, at, token, again


@kernel
def heading(text, at, last, names):
    """What is before the list of a record: why it is not read or `MORE`, its number, its code, what is after.

    A statement, which has no number, is −1.
    """
    found = -1
    if byte(text, at) == HASH:
        found, stop = whole_number(text, at + 1)
        if found < 0:
            return NO_NAME, found, OTHER, at
        at = after_gap(text, stop, last)
        if byte(text, at) != _EQUALS:
            return NO_EQUALS, found, OTHER, at
        at = after_gap(text, at + 1, last)
        if byte(text, at) == _OPEN:
            return MORE, found, COMPLEX, at
    if byte(text, at) == _LESS:  # an anchor, or an instance of another file
        while at < last and byte(text, at) != _SEMICOLON:
            at += 1
        return MORE, found, EXTERNAL, at
    if not begins_keyword(byte(text, at)):
        return (NO_KEYWORD if found >= 0 else NO_NAME), found, OTHER, at
    code, stop = keyword(text, at, last, names)
    return MORE, found, code, after_gap(text, stop, last)


@entry(f"u1[:] i8 i8 i8[:,4] u1[:] f8[:] i8[:,3] i8[:] u8[{_SLOTS},2] {POWERS} i8[5]")
def records(text, last, shift, rows, kinds, values, unsure, stack, names, powers, state):
    """Instances and statements of a text, from where `state` says to byte `last`.

    text : with `PADDING` after `last`;  shift : what to add to positions in it
    rows : (N, 4) int64: number or −1, code, first token, position; N: one more than semicolons
    kinds : (T,) uint8, values : (T,) float64; T: commas + 3 opening and 1 closing parentheses + 8
    unsure : (M, 3) int64, of numbers that are not sure, where they start and stop and their token
    stack : (D,) int64, where D lists may be nested;  names, powers : what `names` and `numbers.powers` return
    state : rows, tokens, unsure numbers and position of what is read; how far the record after it was seen
    returns DONE after the end of the file, CUT when byte `last` came first, FULL when M are too few, or why
        the next record is none
    """
    row, token, again, at = state[0], state[1], state[2], state[3]
    status = MORE
    while status == MORE:
        state[0], state[1], state[2], state[3] = row, token, again, at
        start = after_gap(text, at, last)
        if start >= last:
            return CUT
        status, found, code, at = heading(text, start, last, names)
        rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3] = found, code, token, start + shift
        if status == MORE and byte(text, at) == _OPEN and at < last:
            parts, memory = 1 if code == COMPLEX else -1, (kinds, values, unsure, again, stack)
            status, at, token, again = parameters(text, at, last, shift, token, parts, *memory, names, powers)
        elif status == MORE and found >= 0 and code != EXTERNAL:
            status = NO_OPEN
        if status == MORE and byte(text, at) != _SEMICOLON:
            status = NO_SEMICOLON
        state[4] = at
        row, at = row + 1, at + 1
        if code == END and found < 0:
            state[0], state[1], state[2], state[3] = row, token, again, at
            return DONE
        if at > last and status != FULL:
            return CUT
    return status


@entry("u1[:] i8 i8[4]")
def marks(text, last, counts):
    """Add to `counts` the commas, opening and closing parentheses and semicolons before byte `last`.

    last : a multiple of 64
    """
    for at in range(0, last, 64):
        counts[0] += ones(~outside(text, at, _COMMA, _COMMA))
        counts[1] += ones(~outside(text, at, _OPEN, _OPEN))
        counts[2] += ones(~outside(text, at, _CLOSE, _CLOSE))
        counts[3] += ones(~outside(text, at, _SEMICOLON, _SEMICOLON))
    return 0


@entry("i8[:,4] i8 u1[:] f8[:] i8 i4[:] i8[4]")
def resolve(rows, count, kinds, values, tokens, index, found):
    """Turn the numbers in references into rows, −1 where no row has that number.

    rows, count : of instances and statements;  kinds, values, tokens : of their tokens
    index : (N,) int32 of −1, longer than the greatest number; becomes the row of each number
    found : of instances whose number an earlier one has, how many and the first one's row; of references to
        nothing, how many and the least number, which the caller sets beforehand
    """
    for row in range(count):
        named = rows[row, 0]
        if named < 0:
            continue
        if index[named] >= 0:
            found[0] += 1
            found[1] = min(found[1], row)
        else:
            index[named] = row
    for token in range(tokens):
        if kinds[token] == REFERENCE:
            named = np.int64(values[token])
            row = index[named] if named < len(index) else -1
            values[token] = row
            if row < 0:
                found[2] += 1
                found[3] = min(found[3], named)
    return 0
