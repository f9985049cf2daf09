"""The scan in numpy, to the same bits: for inputs that would wait longer for compiled code than for the answer.

The formulas are those of `formulas`; sums are added in the order in which `scan` adds them.
"""

import math

import numpy as np

from massproof.kernels import BLOCK, CHUNK, FACTORS, FIELDS, WIDTH, formulas

_AT_ONCE = 8 * BLOCK  # triangles: temporaries of 16 384 numbers stay in the cache


class Scan:
    """What one pass found."""

    __slots__ = ("fingerprint", "high", "low", "sums")

    def __init__(self, rows, low, high, words):
        """rows : (blocks, 17) sums but for FACTORS;  low, high : (n, 3);  words : (n, 2) uint64."""
        # (17,) as FIELDS names them, about the origin that was given
        self.sums = np.array([_total(column) for column in rows.T.tolist()]) * FACTORS
        self.low, self.high = low.min(axis=0), high.max(axis=0)  # (3,) corners of the box
        # two words, both 0 when every directed edge meets its opposite
        self.fingerprint = tuple(words.sum(axis=0, dtype=np.uint64).tolist())


class Arrays:
    """The `m` of `formulas` for numpy arrays; `narrow` when a coordinate is stored in 32 bits."""

    sqrt, least, most = np.sqrt, np.minimum, np.maximum

    def __init__(self, narrow):
        self.narrow = narrow


def scan_corners(corners, origin):
    """Scan of triangles (F, 9) float32 or float64, F not 0: the coordinates of their corners.

    origin : three numbers, in the unit u of the coordinates; choose it near: rounding grows with distance
    """
    with np.errstate(all="ignore"):  # what overflows or is not finite is found in the sums
        parts = [_part(corners[i : i + _AT_ONCE], origin) for i in range(0, len(corners), _AT_ONCE)]
    rows, low, high, words = zip(*parts, strict=True)
    return Scan(np.concatenate(rows), np.array(low), np.array(high), np.array(words))


def _part(corners, origin):
    lanes = np.ascontiguousarray(corners.T) + corners.dtype.type(0)  # −0.0 becomes 0.0
    m = Arrays(lanes.dtype == np.float32)
    stored = lanes.view(np.uint32 if m.narrow else np.uint64).astype(np.uint64)
    words = np.array(formulas.boundary(m, stored, (np.uint64(0), np.uint64(0))))
    box = lanes.reshape(3, 3, -1)
    terms = formulas.integrals(m, lanes.astype(np.float64), origin, [0.0] * len(FIELDS))
    return (
        _block_sums(np.stack(terms)),
        box.min(axis=(0, 2)).astype(np.float64),
        box.max(axis=(0, 2)).astype(np.float64),
        words.sum(axis=1, dtype=np.uint64),
    )


def _block_sums(terms):
    """Terms (17, F), summed in blocks: (blocks, 17)."""
    blocks = -(-terms.shape[1] // BLOCK)
    padded = np.zeros((len(terms), blocks * BLOCK))
    padded[:, : terms.shape[1]] = terms
    chunks = _added(padded.reshape(len(terms), blocks, BLOCK // CHUNK, CHUNK // WIDTH, WIDTH), 3)
    lanes = _added(chunks, 2)
    while lanes.shape[2] > 1:
        half = lanes.shape[2] // 2
        lanes = lanes[:, :, :half] + lanes[:, :, half:]
    return lanes[:, :, 0].T


def _total(terms):
    """The exact sum of floats, rounded once; nan for what has none: ∞ − ∞, and sums beyond the largest float64."""
    try:
        return math.fsum(terms)
    except (ValueError, OverflowError):
        return math.nan


def _added(array, axis):
    """The sum along an axis, one after the other; numpy's own order is its own affair."""
    first, *others = np.moveaxis(array, axis, 0)
    for other in others:
        first = first + other
    return first
