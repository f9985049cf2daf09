"""Are decimals read to the bit as Python's `float` reads them, and how fast? For millions, random and hard.

    python benchmarks/decimals.py [millions]

Each number is read twice: by itself, and as a coordinate of a vertex in OBJ, where three are read at once.

Hard are the middles between two neighbours and what is next to them, 17 to 20 digits, subnormal numbers,
powers of two and their neighbours, and the shortest decimals of any 64 bits. One line for each kind, with the
number of differences, which must be 0; the exit status says whether it is.
"""

import math
import sys
import time

import numpy as np

from massproof.kernels.numbers import decimals, powers, settle
from massproof.kernels.obj_text import read_lines
from massproof.kernels.text import PADDING

BATCH = 250_000


def finite(bits):
    """The numbers among these 64-bit words, as a list."""
    numbers = bits.view(np.float64)
    return numbers[np.isfinite(numbers)].tolist()


def words(rng):
    """Any 64 bits."""
    return rng.integers(0, 2**64, BATCH, np.uint64)


def subnormal(rng):
    """Numbers with fewer than 53 bits, and the smallest with 53."""
    return words(rng) & np.uint64(0x801FFFFFFFFFFFFF)


def twos(rng):
    """Powers of two and up to four numbers below and above them."""
    return (words(rng) & np.uint64(0x7FF0000000000000)) + rng.integers(0, 9, BATCH, np.uint64) - np.uint64(4)


def middle(number, digits):
    """Decimals of about `digits` digits at the middle between a positive number and the next one."""
    numerator, denominator = number.as_integer_ratio()
    step, steps = math.ulp(number).as_integer_ratio()
    numerator, denominator = 2 * numerator * steps + step * denominator, 2 * denominator * steps
    exponent = len(str(numerator)) - len(str(denominator)) - digits
    scaled = numerator * 10 ** max(-exponent, 0) // (denominator * 10 ** max(exponent, 0))
    return [b"%de%d" % (scaled + last, exponent) for last in (-1, 0, 1)]


def middles(rng, bits):
    """Decimals around the middles of numbers, of 16 to 30 digits."""
    numbers = finite(bits[: BATCH // 3] & np.uint64(0x7FFFFFFFFFFFFFFF))
    digits = rng.integers(16, 30, len(numbers)).tolist()
    return [word for pair in zip(numbers, digits, strict=True) for word in middle(*pair)]


def integers(rng):
    """17 to 20 digits and an exponent."""
    most = 10 ** rng.integers(17, 20, BATCH).astype(np.uint64)
    digits = [
        number * 7 + 3 for number in rng.integers(most // np.uint64(10), most, BATCH, np.uint64).tolist()
    ]
    exponents = rng.integers(-330, 300, BATCH).tolist()
    return [b"%de%d" % row for row in zip(digits, exponents, strict=True)]


def formatted(form, most):
    """Coordinates as an exporter writes them."""
    return lambda rng: [form % x for x in rng.normal(0, most, BATCH).tolist()]


KINDS = {
    "shortest, any bits": lambda rng: [repr(x).encode() for x in finite(words(rng))],
    "shortest, subnormal": lambda rng: [repr(x).encode() for x in finite(subnormal(rng))],
    "shortest, at powers of two": lambda rng: [repr(x).encode() for x in finite(twos(rng))],
    "17 digits, any bits": lambda rng: [b"%.16e" % x for x in finite(words(rng))],
    "19 digits, any bits": lambda rng: [b"%.18e" % x for x in finite(words(rng))],
    "25 digits, any bits": lambda rng: [b"%.24e" % x for x in finite(words(rng))],
    "17 to 20 random digits": integers,
    "middles, any bits": lambda rng: middles(rng, words(rng)),
    "middles, subnormal": lambda rng: middles(rng, subnormal(rng)),
    "middles, at powers of two": lambda rng: middles(rng, twos(rng)),
    "middles, coordinates": lambda rng: middles(rng, np.abs(rng.normal(0, 99, BATCH)).view(np.uint64)),
    "%e": formatted(b"%e", 30),
    "%.6f": formatted(b"%.6f", 30),
    "%g": formatted(b"%g", 30),
    "%.9g": formatted(b"%.9g", 1),
    "%.17g": formatted(b"%.17g", 1000),
    "%.20f": formatted(b"%.20f", 1000),
}


def compared(texts):
    """Numbers read, numbers that differ, numbers left to Python, and nanoseconds for each."""
    text = np.frombuffer(b" ".join(texts) + b"\n" * PADDING, np.uint8)
    values, unsure = np.empty(len(texts)), np.empty((len(texts) + 1, 3), np.int64)
    counts, table = np.zeros(3, np.int64), powers()
    start = time.perf_counter()
    decimals(text, 0, len(text) - PADDING, 0, values, unsure, counts, table)
    seconds = time.perf_counter() - start
    settle(text, unsure[: counts[1]], values)
    exact = np.fromiter(map(float, texts), np.float64, len(texts))
    wrong = 0
    for found in (values, coordinates(texts)):
        differ = np.flatnonzero(found.view(np.uint64) != exact[: len(found)].view(np.uint64))
        for i in differ[:3]:
            print("  differs:", texts[i], found[i], exact[i])
        wrong += len(differ)
    return len(texts), wrong, int(counts[1]), seconds * 1e9


def coordinates(texts):
    """The same numbers as vertices of an OBJ file, three each."""
    vertices = [b"v %s %s %s" % row for row in zip(texts[::3], texts[1::3], texts[2::3], strict=False)]
    text = memoryview(b"\n".join([*vertices, b"f 1 2 3", b""]))
    array = np.frombuffer(bytes(text) + b"\n" * PADDING, np.uint8)
    state = np.array([0, len(vertices), 0, 0, 0, 0])
    out, unsure = np.empty((len(vertices), 3)), np.empty((len(texts) + 1, 3), np.int64)
    corners, sizes = np.empty(3, np.int32), np.empty(0, np.int32)
    assert read_lines(array, 0, len(text), 0, state, out, corners, sizes, unsure, powers()) == 0
    settle(array, unsure[: state[5]], out.reshape(-1))
    return out.reshape(-1)


def main(millions=20.0):
    """Go through all kinds until so many numbers are compared."""
    rng = np.random.default_rng(1990)
    totals = {name: np.zeros(4) for name in KINDS}
    decimals.link()
    while sum(total[0] for total in totals.values()) < millions * 1e6:
        for name, make in KINDS.items():
            totals[name] += compared(make(rng))
    for name, (count, wrong, unsure, time_taken) in totals.items():
        again = f"{unsure:10,.0f} by Python {time_taken / count:6.1f} ns"
        print(f"{name:28}{count:12,.0f} numbers {wrong:6.0f} differ {again}")
    count, wrong = sum(totals.values())[:2]
    print(f"{'all':28}{count:12,.0f} numbers {wrong:6.0f} differ")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
