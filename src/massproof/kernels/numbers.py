"""Decimal numbers in text to the nearest float64, ties to even, as Python's `float` reads them.

Sources. Digits eight at a time, and the product with a power of five to 128 bits: D. Lemire, "Number parsing
at a gigabyte per second", Software: Practice and Experience 51, 2021; that this always decides: N. Mushtak,
D. Lemire, "Fast number parsing without fallback", Software: Practice and Experience 53, 2023. Short numbers
by one multiplication or division that rounds once: W. D. Clinger, "How to read floating point numbers
accurately", PLDI 1990. What a kernel does not decide it says so, and Python's `float` reads it again.
"""

from functools import cache

import numpy as np

from massproof.kernels.jit import entry, kernel
from massproof.kernels.text import (
    SPACE,
    Unusual,
    after_blanks,
    after_word,
    byte,
    is_blank,
    is_line_end,
    leading_zeros,
    outside,
    trailing_zeros,
    word,
)

_LEAST, _MOST = -342, 308  # exponents of ten at which a uint64 is neither 0 nor too large for float64
POWERS = f"u8[{_MOST - _LEAST + 1},2]"  # type of the table that `powers` makes, for signatures

_EXACT = np.array([10.0**k for k in range(23)])  # powers of ten that are float64
_SHIFT = np.array([10**k for k in range(9)], np.uint64)

_DIGITS = np.uint64(0x0F0F0F0F0F0F0F0F)
_PAIRS, _FOURS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
_BY_1, _BY_2, _BY_4 = np.uint64(2561), np.uint64(6553601), np.uint64(42949672960001)
_0, _1, _3, _4, _7, _8, _9, _10, _16 = (np.uint64(n) for n in (0, 1, 3, 4, 7, 8, 9, 10, 16))
_32, _52, _63, _511 = (np.uint64(n) for n in (32, 52, 63, 511))
_ALL, _WHOLE, _HIDDEN = np.uint64(2**64 - 1), np.uint64(2**53), np.uint64(2**52)
_FRACTION = np.uint64(2**52 - 1)

NOWHERE = -(1 << 62)  # base of a window that holds nothing


@cache
def powers():
    """Powers of five from 5⁻³⁴² to 5³⁰⁸: (651, 2) uint64, both halves of their leading 128 bits.

    Rounded down; reciprocals of powers that divide some uint64, up, so that quotients come out even.
    """
    rows = []
    for exponent in range(_LEAST, _MOST + 1):
        five = 5 ** abs(exponent)
        bits = five.bit_length()
        if exponent >= 0:
            leading = five << (128 - bits) if bits <= 128 else five >> (bits - 128)
        else:
            leading = (1 << (bits + 127)) // five + (exponent >= -27)
        rows.append((leading >> 64, leading & (2**64 - 1)))
    return np.array(rows, np.uint64)


@kernel(replaced_by="high_product")
def high_product(a, b):
    """The upper 64 of the 128 bits of a product of two uint64."""
    return np.uint64(int(a) * int(b) >> 64)


@kernel(replaced_by="from_bits")
def from_bits(x):
    """The float64 of these 64 bits."""
    return x.view(np.float64)


@kernel
def eight_digits(letters, count):
    """Value of the first `count` of eight bytes, one to eight, that are digits."""
    x = (letters << np.uint64(64 - 8 * count)) & _DIGITS
    x = (x * _BY_1) >> _8
    x = ((x & _PAIRS) * _BY_2) >> _16
    return ((x & _FOURS) * _BY_4) >> _32


@kernel
def add_digits(text, at, count, value):
    """value · 10^count and the digits from `at` on; not more than 19 digits that are not leading zeros."""
    while count > 0:
        some = min(count, 8)
        value = value * _SHIFT[some] + eight_digits(word(text, at), some)
        at += some
        count -= some
    return value


@kernel
def first_digits(text, at, end):
    """The first 19 digits from `at` to `end`, from the first that is not 0 on; a point may be among them.

    returns their value, by how many digits they are longer than the integer part, and whether digits that are
    not 0 follow
    """
    value, found, scale, point, rest = _0, 0, 0, False, False
    for i in range(at, end):
        digit = byte(text, i) - 48
        if digit < 0:
            point = True
        elif found < 19:
            value = value * _10 + np.uint64(digit)
            found += value > _0
            scale += point
        else:
            scale -= not point
            rest = rest or digit > 0
    return value, scale, rest


@kernel
def nearest(mantissa, exponent, table):
    """Bits of the float64 nearest to mantissa · 10^exponent; all ones when it is too large.

    mantissa : not 0;  exponent : one that `table` has, which is what `powers` returns
    """
    zeros = leading_zeros(mantissa)
    w = mantissa << np.uint64(zeros)
    row = exponent - _LEAST
    high, low = high_product(w, table[row, 0]), w * table[row, 0]
    if high & _511 == _511:  # the lower half of the power of five may carry into the bits that count
        more = high_product(w, table[row, 1])
        low += more
        high += np.uint64(low < more)
    upper = high >> _63
    m = high >> (upper + _9)
    power = ((217706 * exponent) >> 16) + 1086 + np.int64(upper) - zeros  # log2(10) is 217706 / 2^16
    if power <= 0:
        if power < -62:
            return _0
        m >>= np.uint64(1 - power)
        return (m + (m & _1)) >> _1  # 2^52 is the smallest normal number, as its bits say
    if low <= _1 and exponent >= -4 and exponent <= 23 and m & _3 == _1 and m << (upper + _9) == high:
        m -= _1  # half way between two numbers: to the even one
    m = (m + (m & _1)) >> _1
    if m == _WHOLE:
        m, power = _HIDDEN, power + 1
    return _ALL if power >= 2047 else (np.uint64(power) << _52) | (m & _FRACTION)


@kernel
def scaled(mantissa, exponent, more, table):
    """mantissa · 10^exponent, and whether that is sure; with `more` the mantissa is up to 1 too small."""
    if mantissa <= _WHOLE and exponent >= -22 and exponent <= 22 and not more:
        # One of the two changes nothing; asking which takes longer.
        return np.float64(mantissa) * _EXACT[max(exponent, 0)] / _EXACT[max(-exponent, 0)], True
    if mantissa == _0 or exponent < _LEAST:
        return 0.0, True
    if exponent > _MOST:
        return 0.0, False
    last = found = _ALL
    for step in range(1 + more):
        last, found = found, nearest(mantissa + np.uint64(step), exponent, table)
        if found == _ALL:
            return 0.0, False
    return from_bits(found), not more or last == found


@kernel
def mantissa_at(text, at, whole, part):
    """Digits of a number whose integer part, from `at` on, has `whole` of them, and its fraction `part`.

    returns their value, the digits of the fraction that are in it, and whether others are left out
    """
    point = at + whole
    if whole < 8 and whole + part <= 8:
        shift = np.uint64(8 * whole)
        joined = (word(text, at) & ~(_ALL << shift)) | (word(text, point + 1) << shift)
        return eight_digits(joined, whole + part), part, False
    if 0 < whole <= 8 and 0 < part <= 8:
        before, after = eight_digits(word(text, at), whole), eight_digits(word(text, point + 1), part)
        return before * _SHIFT[part] + after, part, False
    if whole + part <= 19:
        return add_digits(text, point + 1, part, add_digits(text, at, whole, _0)), part, False
    return first_digits(text, at, point + 1 + part if part else point)


@kernel
def exponent_at(text, at, others):
    """The exponent from byte `at` on, and the bytes it takes with the letter before it; 0 when there is none.

    others : a bit for each byte from `at` on, whether it is no digit
    """
    sign = byte(text, at)
    signed = sign == 45 or sign == 43
    if signed and (others >> _1) & _7 == _4:  # two digits
        value, count = 10 * byte(text, at + 1) + byte(text, at + 2) - 528, 4
    else:
        digits = trailing_zeros(others >> np.uint64(signed))
        if digits == 0 or digits > 8:
            return 0, 0
        value, count = np.int64(eight_digits(word(text, at + signed), digits)), 1 + signed + digits
    return (-value if sign == 45 else value), count


@kernel
def split(text, at, others):
    """How many digits are before and after a point, from `at` on; where they end; what is none, but the point.

    others : a bit for each byte from `at` on, whether it is no digit
    """
    whole = trailing_zeros(others)
    if whole < 64 and byte(text, at + whole) == 46:
        others &= others - _1
        end = trailing_zeros(others)
        return whole, end - whole - 1, end, others
    return whole, 0, whole, others


@kernel
def parts_at(text, at, base, digits):
    """What `split` returns for the number at `at`; and a window.

    base, digits : as in `number`
    """
    if at > base + 36:  # one window serves a line, so that no number waits for where the last one ends
        base, digits = at, outside(text, at, 48, 57)
    while True:
        whole, part, end, others = split(text, at, digits >> np.uint64(at - base))
        if end < 24 or base == at:
            return whole, part, end, others, base, digits
        base, digits = at, outside(text, at, 48, 57)


@kernel
def value_of(text, at, whole, part, end, others, table):
    """Value of a number without sign that `split` took apart, its bytes, 0 for none, and whether it is sure."""
    if end >= 60 or whole + part == 0:  # 60: what an exponent may need of the 64 bits
        return 0.0, 0, False
    exponent, size = 0, end
    if byte(text, at + end) | 32 == 101:
        exponent, count = exponent_at(text, at + end + 1, others >> np.uint64(end + 1))
        size += count
        if count == 0 or size >= 64:
            return 0.0, 0, False
    mantissa, part, more = mantissa_at(text, at, whole, part)
    value, sure = scaled(mantissa, exponent - part, more, table)
    return value, size, sure


@kernel
def number(text, at, base, digits, table):
    """A decimal number from byte `at` on: value, the position after it, whether both are sure, and a window.

    text : with `PADDING` after the place where it ends;  table : what `powers` returns
    base, digits : the window, a bit for each of the 64 bytes from `base` on, whether it is no digit: what was
        returned for a number shortly before this one, or `NOWHERE` and 0
    Not sure are numbers of 60 bytes or more, and such as overflow. What follows is for the caller to check.
    """
    first = byte(text, at)
    start = at + (first == 45 or first == 43)
    whole, part, end, others, base, digits = parts_at(text, start, base, digits)
    value, size, sure = value_of(text, start, whole, part, end, others, table)
    if size == 0:
        return 0.0, at, False, base, digits
    return (-value if first == 45 else value), start + size, sure, base, digits


@kernel(replaced_by="three_values")
def three_values(text, at, begins, points, ends, minus, divisors, values, place):
    """Three numbers, times 10^8 and divided by their divisors, to values.reshape(−1)[place:]; returns 0.

    begins, points, ends : (3,) bytes from `at` on of first digits, points, and ends of fractions; one to seven
        digits are before a point, which is the end when there is no fraction, and up to eight after it
    minus : a bit for each byte from `at` on: whether it is a minus sign
    """
    for axis in range(3):
        begin, point, end = at + begins[axis], at + points[axis], at + ends[axis]
        digits = bytes(text[begin:point]) + bytes(text[point + 1 : max(end, point + 1)]).ljust(8, b"0")
        value = float(int(digits)) / divisors[axis]
        negative = (int(minus) << 1) >> begins[axis] & 1
        values.reshape(-1)[place + axis] = -value if negative else value
    return 0


@kernel
def three_ones(bits):
    """Places of the three lowest ones of a uint64."""
    two = bits & (bits - _1)
    three = two & (two - _1)
    return trailing_zeros(bits), trailing_zeros(two), trailing_zeros(three)


@kernel
def scale_at(text, at):
    """8 less the exponent whose sign and two digits are at `at`."""
    exponent = 10 * byte(text, at + 1) + byte(text, at + 2) - 528
    negative = np.int64(byte(text, at) == 45)
    return 8 - (exponent ^ -negative) - negative


@kernel
def scales_at(text, at, ends, minus, odd):
    """8 less the exponents of three numbers, −1 if they are not usual, and how many bytes each of them takes.

    ends : a bit for each byte from `at` on, whether a number ends there
    minus, odd : also, whether it is a minus sign; whether it is in a number and neither digit nor point
    """
    if odd == _0:
        return 8, 8, 8, 0
    letters, signs = ends >> _4, ends >> _3
    found = ~(outside(text, at, 69, 69) & outside(text, at, 101, 101))
    signed = minus | ~outside(text, at, 43, 43)
    if odd != letters | signs or (letters & ~found) | (signs & ~signed) != _0:
        return -1, -1, -1, 4
    a, b, c = three_ones(signs)
    return scale_at(text, at + a), scale_at(text, at + b), scale_at(text, at + c), 4


@kernel
def first_three(stops):
    """Where three numbers begin, where these and others end, and all bits up to there; 0 if they are not there.

    stops : a bit for each byte, whether it may stand between numbers
    """
    ends = stops & ~(stops << _1)
    third = ends & (ends - _1)
    third &= third - _1
    third &= ~third + _1
    below = (third - _1) | third if third > _0 and stops & _1 == _0 else _0
    return ((stops << _1) | _1) & ~stops & below, ends, below


@kernel
def are_usual(whole, part, scale):
    """Whether `three_values` reads three numbers of so many bytes before the point and from it on, and scales."""
    # One to seven, then none to nine bytes: such have no other bits than these. 10^22 is a float64.
    wrong = (whole[0] | whole[1] | whole[2]) & ~7
    wrong |= ((part[0] + 6) | (part[1] + 6) | (part[2] + 6)) & ~15
    negative = part[0] | part[1] | part[2] | scale[0] | scale[1] | scale[2]
    negative |= (22 - scale[0]) | (22 - scale[1]) | (22 - scale[2])
    return wrong == 0 and negative >= 0


@kernel
def three_numbers(text, at, stops, values, place):
    """Three numbers of up to 15 digits from byte `at` on to values.reshape(−1)[place:]: the position after them.

    stops : a bit for each of the 64 bytes from `at` on, whether it may stand between numbers
    The position is −1 when something else is there, or a number is not written in the most usual way. What can
    be asked of all three at once is asked once, by bits of all bytes: no number waits for the one before it.
    """
    begins, ends, below = first_three(stops)
    if below == _0:
        return -1
    minus, others = ~outside(text, at, 45, 45), outside(text, at, 48, 57)
    signed = begins & minus
    begins += signed  # which moves these bits by one: a number begins after its sign
    odd = others & below & ~(stops | signed)
    points = odd & ~outside(text, at, 46, 46)
    k, m, n, exponent = scales_at(text, at, ends & below, minus, odd ^ points)
    x, y, z = three_ones(begins)
    p, q = x + trailing_zeros(others >> np.uint64(x)), y + trailing_zeros(others >> np.uint64(y))
    r = z + trailing_zeros(others >> np.uint64(z))
    a, b, c = three_ones(ends)
    end = at + c
    a, b, c = a - exponent, b - exponent, c - exponent
    known = (_1 << np.uint64(p)) | (_1 << np.uint64(q)) | (_1 << np.uint64(r))
    if (points & ~known) | (begins & others) != _0:  # a second point in a number, or no digit to begin with
        return -1
    if not are_usual((p - x, q - y, r - z), (a - p, b - q, c - r), (k, m, n)):
        return -1
    divisors = _EXACT[k & 31], _EXACT[m & 31], _EXACT[n & 31]
    three_values(text, at, (x, y, z), (p, q, r), (a, b, c), minus, divisors, values, place)
    return end


@entry(f"u1[:] i8 i8 i8 f8[:] i8[:,3] i8[3] {POWERS}")
def decimals(text, first, last, width, values, unsure, counts, table):
    """Numbers between white space, one after the other, from byte `first` to `last`, or as many as N.

    text : with `PADDING` after `last`, white space before or after it
    width : how many numbers each line must have that is not empty; 0: any
    values : (N,) float64
    unsure : (M, 3) int64, of numbers that are not sure where they start and stop, and their place in `values`
    counts : how many numbers were read, how many of them are not sure, and the position after them
    returns 0, or −1 when a line has another width, or more than M numbers are not sure
    """
    count, again, at, left = 0, 0, after_blanks(text, first, last), width
    while at < last and count < len(values):
        values[count], stop, sure, _, _ = number(text, at, NOWHERE, _0, table)
        if not (sure and is_blank(byte(text, stop))):
            if again == len(unsure):
                return -1
            stop = after_word(text, at, last, SPACE)
            unsure[again, 0], unsure[again, 1], unsure[again, 2] = at, stop, count
            again += 1
        count, left = count + 1, left - 1
        at = after_blanks(text, stop, last)
        if width > 0:
            while stop < at and not is_line_end(byte(text, stop)):
                stop += 1
            if (stop < at or at == last) != (left == 0):
                return -1
            left = left if left > 0 else width
    counts[0], counts[1], counts[2] = count, again, at
    return 0


def settle(text, unsure, values):
    """Read what a kernel was not sure of as Python's `float` does.

    text : (N,) uint8;  unsure : (M, 3) int64, start, stop and place of each;  values : (K,) float64

    Raises Unusual for what is no number, and for 1_0, which Python takes for ten: a typing error here.
    """
    for start, stop, place in unsure.tolist():
        found = bytes(text[start:stop])
        try:
            values[place] = float(found.replace(b"_", b"no number"))
        except ValueError:
            raise Unusual from None
