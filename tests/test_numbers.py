import math
import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from massproof.kernels.jit import DISABLED
from massproof.kernels.numbers import decimals, powers, settle
from massproof.kernels.text import PADDING, Unusual


def parsed(words):
    """What the kernel reads, and how many of the numbers it was not sure of."""
    text = np.frombuffer(b" ".join(words) + b"\n" * PADDING, np.uint8)
    values, unsure = np.full(len(words), 7.0), np.zeros((len(words) + 1, 3), np.int64)
    counts = np.zeros(3, np.int64)
    assert decimals(text, 0, len(text) - PADDING, 0, values, unsure, counts, powers()) == 0
    assert counts[0] == len(words)
    settle(text, unsure[: counts[1]], values)
    return values, counts[1]


def differences(words):
    """Numbers that are not read to the bit as Python reads them."""
    values, _ = parsed(words)
    exact = np.array([float(word) for word in words])
    same = (values.view(np.uint64) == exact.view(np.uint64)) | (np.isnan(values) & np.isnan(exact))
    return [words[i] for i in np.flatnonzero(~same)]


def from_bits(bits):
    return np.array(bits, np.uint64).view(np.float64)


def exact_decimal(number, digits):
    """A positive Fraction in decimal: its first digits, and whether others follow."""
    exponent = len(str(number.numerator)) - len(str(number.denominator))
    scaled = number / Fraction(10) ** (exponent - digits)
    return f"{int(scaled)}e{exponent - digits}", scaled.denominator > 1


def halfway(bits):
    """Decimals at, just below and just above the middle of a positive number and the next one, in three lengths."""
    a, b = (Fraction(float(x)) for x in from_bits([bits, bits + 1]))
    for digits in (17, 19, 40, 800):
        shown, _ = exact_decimal((a + b) / 2, digits)
        mantissa, exponent = shown.split("e")
        yield from (f"{int(mantissa) + step}e{exponent}".encode() for step in (-1, 0, 1))


def hard(count, rng):
    """Decimals that other readers got wrong: short, long, half way, at the ends of the range."""
    bits = rng.integers(0, 0x7FEFFFFFFFFFFFFF, count, np.uint64)
    bits[::4] &= np.uint64(0xFFF0000000000000)  # powers of two
    bits[1::4] &= np.uint64(0x000FFFFFFFFFFFFF)  # subnormal numbers
    bits[2::4] = rng.normal(0, 100, len(bits[2::4])).astype(np.float64).view(np.uint64) & np.uint64(2**63 - 1)
    for x, b in zip(from_bits(bits).tolist(), bits.tolist(), strict=True):
        yield repr(x).encode()
        yield b"-%.17e" % x
        yield b"%.18e" % x
        yield b"%.25e" % x
        yield from halfway(b)


def plain(count, rng):
    """Decimals as exporters write them."""
    for form in (b"%e", b"%.6f", b"%g", b"%.9g", b"%.3f", b"%.0f", b"%.17g", b"%.12E", b"%+.4f", b"%.15f"):
        yield from (form % x for x in rng.normal(0, 50, count).tolist())
    digits, places = rng.integers(0, 10**18, count).tolist(), rng.integers(-40, 40, count).tolist()
    yield from (b"%de%d" % pair for pair in zip(digits, places, strict=True))


def test_a_great_many_numbers_are_read_as_python_reads_them():
    rng = np.random.default_rng(20210)
    size = 30 if DISABLED else 10_000

    assert differences(list(plain(size, rng))) == []
    assert differences(list(hard(size // 2, rng))) == []


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_the_shortest_decimal_of_a_number_is_that_number(numbers):
    values, _ = parsed([repr(x).encode() for x in numbers])

    assert struct.pack(f"{len(numbers)}d", *numbers) == values.tobytes()


@given(
    st.lists(
        st.from_regex(rb"\A[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,4})?\Z"),
        min_size=1,
        max_size=20,
    )
)
def test_every_way_to_write_a_number_is_read_as_python_reads_it(words):
    assert differences(words) == []


EDGES = b"""
0 -0 +0 0.0 -0.0e5 0e999999999 .0 0. 000000000000000000000000000000001 1. .5 -.5e-3 +1E+2 1e0 1e00000000001
1.7976931348623157e308 1.7976931348623158e308 1.7976931348623159e308 1e309 -1e400 9e99999 1e-400 1e-342 9999999999999999999e-342 1e-343 -1e-99999999999
4.9406564584124654e-324 2.4703282292062327e-324 2.4703282292062328e-324 7.4e-324 2.2250738585072011e-308
2.2250738585072014e-308 2.225073858507201e-308 9007199254740992 9007199254740993 9007199254740991.5 1e22 1e23 1e-22
1e-23 9007199254740993e22 18446744073709551615 18446744073709551616 9999999999999999999 99999999999999999999
0.000000000000000000000000000000000000000000000000000000000000000000000000000000001 inf -inf nan -nan infinity Inf
123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890e-60 9.5367431640625e-7
8.988465674311579e307 6.9294956446009195e15 5e-20 3e-324 1448997445238699e-20 7.2057594037927933e16 1e+15 1E-5
0.30000000000000004 5.0e-324 179769313486231580793728971405301e276 100000000000000016777215 100000000000000016777216
""".split()  # fmt: skip


@pytest.mark.parametrize("word", EDGES)
def test_edges_of_the_range_and_of_the_precision_are_met(word):
    assert differences([word, b"-" + word.lstrip(b"+-")]) == []


@pytest.mark.parametrize(
    "word", b"1_0 0x10 1e 1e+ . - + e5 --1 1..2 1.2.3 1,5 1e5.5 nan1 one 1f 1d5 \xb2".split()
)
def test_what_is_no_number_is_refused(word):
    with pytest.raises(Unusual):
        parsed([b"1", word])


def test_what_exporters_write_needs_no_second_reading():
    rng = np.random.default_rng(5)
    words = list(plain(20, rng))

    assert parsed(words)[1] == 0


def table(text, width, size=99, room=99):
    """What `decimals` returns, the numbers, and the rest of the text."""
    padded = np.frombuffer(text + b"\n" * PADDING, np.uint8)
    values, unsure, counts = np.zeros(size), np.zeros((room, 3), np.int64), np.zeros(3, np.int64)
    status = decimals(padded, 0, len(text), width, values, unsure, counts, powers())
    return status, values[: counts[0]].tolist(), text[counts[2] :]


def test_reading_stops_when_there_is_no_more_room():
    assert table(b"1 2 3 4\n", 0, size=3) == (0, [1, 2, 3], b"4\n")
    assert table(b"1 2\n 3 4\n\n5", 2, size=4) == (0, [1, 2, 3, 4], b"5")
    assert table(b"1 nan nan", 0, room=1)[0] == -1


@given(
    st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), max_size=6),
    st.sampled_from(["\n", "\r\n", "\r", " \n\n\t"]),
)
def test_every_line_of_a_table_has_its_width(rows, line):
    text = line.join([*(" ".join(map(str, row)) for row in rows), ""]).encode()
    status, values, _ = table(text, 2)

    assert (status == 0) == all(len(row) == 2 for row in rows)
    if status == 0:
        assert values == [x for row in rows for x in row]


def test_the_table_holds_the_leading_bits_of_powers_of_five():
    """To 128 bits, rounded down; the reciprocals to which a 64-bit product may be equal are rounded up."""
    for exponent, (high, low) in zip(range(-342, 309), powers().tolist(), strict=True):
        exact, bits = Fraction(5) ** exponent, high << 64 | low
        scale = Fraction(2) ** (127 - math.floor(math.log2(5) * exponent))
        below = math.floor(exact * scale)

        assert bits == below + (-27 <= exponent < 0)
        assert bits.bit_length() == 128
