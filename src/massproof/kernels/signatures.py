"""Whether the arguments of each instance are what its type declares in `schema`.

Only what is declared there is read as geometry; whoever reads trusts what `verify` has passed.
"""

import numpy as np

from massproof.kernels.jit import entry, kernel
from massproof.kernels.schema import (
    ANY,
    COUNT,
    DEEP,
    ENUMERATION,
    FLAG,
    LIST,
    NUMBERS,
    OF_PARTS,
    OPTIONAL,
    REFERENCES,
    TYPES,
)
from massproof.kernels.tokens import (
    CODES,
    COMPLEX,
    DERIVED,
    KEYWORD,
    LEFT,
    NOTHING,
    NUMBER,
    REFERENCE,
    STRING,
    TRUE,
    WORD,
)

_CURVE_OF_PARTS, _SURFACE_OF_PARTS = TYPES["SPLINE_OF_PARTS"], TYPES["SURFACE_OF_PARTS"]
_NAMED_BY = tuple((TYPES[part], TYPES[name]) for name, part in OF_PARTS.items())
_LARGEST = 1 << 31


@kernel
def after_value(kinds, values, token):
    """The token after a value."""
    if kinds[token] == KEYWORD:
        token += 1
    return np.int64(values[token]) if kinds[token] == LEFT else token + 1


@kernel
def is_one(rows, kinds, values, token, wanted, members):
    """Whether a token is what an argument, or each in its list, must be."""
    kind, form = kinds[token], wanted & 15
    if form == REFERENCES:
        if kind != REFERENCE:
            return kind == NOTHING and wanted & OPTIONAL > 0
        row = np.int64(values[token])
        return row >= 0 and members[rows[row, 1]] & wanted != 0
    if form == NUMBERS:
        return kind == NUMBER
    if form == COUNT:
        return kind == NUMBER and values[token] >= 0 and values[token] < _LARGEST and values[token] % 1 == 0
    if form == FLAG:
        return kind >= TRUE and kind < WORD
    if form == ENUMERATION:  # an exporter may leave out what is of no use
        return (kind >= TRUE and kind <= WORD) or kind == NOTHING
    return kind in (STRING, NOTHING, DERIVED)


@kernel
def is_list(rows, kinds, values, token, wanted, members):
    """Whether a token begins a list of what each in it must be, of lists if it is deep."""
    if kinds[token] != LEFT:
        return False
    end, token = np.int64(values[token]) - 1, token + 1
    while token < end:
        if wanted & DEEP:
            if kinds[token] != LEFT:
                return False
            inner = np.int64(values[token]) - 1
            token += 1
        else:
            inner = end
        while token < inner:
            if not is_one(rows, kinds, values, token, wanted, members):
                return False
            token += 1
        token += inner < end
    return True


@kernel
def first_wrong(rows, kinds, values, token, code, signatures, members):
    """Which argument of the list at `token` is the first that is wrong, from 1 on; 0 if none is."""
    end, token, count = np.int64(values[token]) - 1, token + 1, signatures[code, 0]
    for k in range(1, count + 1):
        if token >= end:
            return k
        wanted = signatures[code, k]
        if wanted & LIST:
            if not is_list(rows, kinds, values, token, wanted, members):
                return k
        elif wanted & 15 != ANY and not is_one(rows, kinds, values, token, wanted, members):
            return k
        token = after_value(kinds, values, token)
    return 0 if token == end else count + 1


@kernel
def type_of_parts(kinds, values, token):
    """The type of a complex instance whose parts begin after `token`, as `OF_PARTS` calls it, or `COMPLEX`."""
    end, token = np.int64(values[token]) - 1, token + 1
    while token < end:
        code = np.int64(values[token]) % CODES
        for part, name in _NAMED_BY:
            if code == part:
                return name
        token = after_value(kinds, values, token)
    return COMPLEX


@kernel
def wrong_part(rows, kinds, values, token, parts, members):
    """The first wrong argument of all parts of a complex instance, counted through them; 0 if none is."""
    end, token, before = np.int64(values[token]) - 1, token + 1, 0
    while token < end:
        code = np.int64(values[token]) % CODES
        if code < len(parts) and parts[code, 0] >= 0:
            wrong = first_wrong(rows, kinds, values, token + 1, code, parts, members)
            if wrong:
                return before + wrong
            before += parts[code, 0]
        token = after_value(kinds, values, token)
    return 0


@entry("i8[:,4] i8 u1[:] f8[:] i8[:,14] i8[:,14] i8[:] i1[:]")
def verify(rows, count, kinds, values, signatures, parts, members, checked):
    """Whether the arguments of each instance are what its type declares; complex splines get their code.

    rows, count, kinds, values : of `part21.records`, resolved
    signatures, parts, members : `SIGNATURES`, `PARTS`, `MEMBERS`
    checked : (count,) int8: 1 when they are, 0 when the type is in no class, −k when argument k is not
    """
    for row in range(count):
        if rows[row, 1] == COMPLEX:
            rows[row, 1] = type_of_parts(kinds, values, rows[row, 2])
    for row in range(count):
        code, token = rows[row, 1], rows[row, 2]
        wrong = -1
        if code in (_CURVE_OF_PARTS, _SURFACE_OF_PARTS):
            wrong = wrong_part(rows, kinds, values, token, parts, members)
        elif signatures[code, 0] >= 0 and rows[row, 0] >= 0:
            wrong = first_wrong(rows, kinds, values, token, code, signatures, members)
        checked[row] = 1 if wrong == 0 else -wrong if wrong > 0 else 0
    return 0


@entry(f"i8[:,4] i8 i8[{CODES + 2}] i4[:]")
def by_type(rows, count, places, order):
    """Sort rows by their types, and leave those of one type as they follow each other.

    rows, count : of `verify`
    places : (CODES + 2,) int64 of 0, becomes the place in `order` of the first row of each type
    order : (count,) int32, becomes the rows
    """
    for row in range(count):
        places[rows[row, 1] + 2] += 1
    for code in range(CODES):
        places[code + 2] += places[code + 1]
    for row in range(count):
        code = rows[row, 1]
        order[places[code + 1]] = row
        places[code + 1] += 1
    return 0
