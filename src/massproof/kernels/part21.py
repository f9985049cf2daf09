"""ISO 10303-21 text as rows of two arrays: one of its instances and statements, one of their `tokens`.

What is read is the grammar of ISO 10303-21:2016, with white space, comments and print controls between any
tokens, letters of either case in keywords, and numbers without a point or with one at their end or beginning; a
file may go on after its end, which is not read.
"""

import numpy as np

from massproof.kernels.jit import entry, kernel
from massproof.kernels.numbers import NOWHERE, POWERS, number
from massproof.kernels.text import HASH, byte, ones, outside
from massproof.kernels.tokens import (
    CLOSE,
    COMMA,
    COMPLEX,
    END,
    EQUALS,
    EXTERNAL,
    KEYWORD,
    LEFT,
    LESS,
    NONE,
    NUMBER,
    OPEN,
    OTHER,
    REFERENCE,
    RIGHT,
    SEMICOLON,
    SLOTS,
    after_gap,
    after_number,
    begins_keyword,
    begins_number,
    keyword,
    simple_value,
    whole_number,
)

_0 = np.uint64(0)

# What `records` returns: the text goes on, it is read to its end, or why it is not.
MORE, DONE, CUT, FULL, NO_NAME, NO_EQUALS, NO_KEYWORD, NO_OPEN, NO_VALUE, NO_COMMA, NO_SEMICOLON, DEEP = (
    range(12)
)


@kernel
def value_at(text, at, last, shift, token, kinds, values, window, unsure, again, names, powers):
    """Token `token` of a value at `at`: what is after it, −1 if there is none or no room; unsure numbers; window."""
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
        if again == len(unsure):
            return -1, again, window
        stop = after_number(text, at, last)
        unsure[again, 0], unsure[again, 1], unsure[again, 2] = at + shift, stop + shift, token
        again += 1
    return stop, again, (base, digits)


@kernel
def closed(text, at, last, depth, token, kinds, values, stack):
    """Close the lists that end at `at`: the position after them, the depth, and the tokens."""
    while at < last and depth > 0 and byte(text, at) == CLOSE:
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
        if byte(text, at) == OPEN:
            if depth == len(stack):
                return DEEP, at, token, again
            kinds[token], stack[depth] = LEFT, token
            token, depth, at = token + 1, depth + 1, after_gap(text, at + 1, last)
            if byte(text, at) != CLOSE:
                continue
        else:
            stop, again, window = value_at(
                text, at, last, shift, token, kinds, values, window, unsure, again, names, powers
            )
            if stop < 0:
                return (FULL if again == len(unsure) else NO_VALUE), at, token, again
            token, at = token + 1, after_gap(text, stop, last)
            if kinds[token - 1] == KEYWORD:
                if byte(text, at) != OPEN:
                    return NO_OPEN, at, token, again
                continue
        at, depth, token = closed(text, at, last, depth, token, kinds, values, stack)
        if depth == 0:
            return MORE, at, token, again
        if byte(text, at) == COMMA:
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
        if byte(text, at) != EQUALS:
            return NO_EQUALS, found, OTHER, at
        at = after_gap(text, at + 1, last)
        if byte(text, at) == OPEN:
            return MORE, found, COMPLEX, at
    if byte(text, at) == LESS:  # an anchor, or an instance of another file
        while at < last and byte(text, at) != SEMICOLON:
            at += 1
        return MORE, found, EXTERNAL, at
    if not begins_keyword(byte(text, at)):
        return (NO_KEYWORD if found >= 0 else NO_NAME), found, OTHER, at
    code, stop = keyword(text, at, last, names)
    return MORE, found, code, after_gap(text, stop, last)


@entry(f"u1[:] i8 i8 i8[:,4] u1[:] f8[:] i8[:,3] i8[:] u8[{SLOTS},2] {POWERS} i8[5]")
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
        if status == MORE and byte(text, at) == OPEN and at < last:
            parts, memory = 1 if code == COMPLEX else -1, (kinds, values, unsure, again, stack)
            status, at, token, again = parameters(text, at, last, shift, token, parts, *memory, names, powers)
        elif status == MORE and found >= 0 and code != EXTERNAL:
            status = NO_OPEN
        if status == MORE and byte(text, at) != SEMICOLON:
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
        counts[0] += ones(~outside(text, at, COMMA, COMMA))
        counts[1] += ones(~outside(text, at, OPEN, OPEN))
        counts[2] += ones(~outside(text, at, CLOSE, CLOSE))
        counts[3] += ones(~outside(text, at, SEMICOLON, SEMICOLON))
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
