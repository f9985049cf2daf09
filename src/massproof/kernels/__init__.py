"""Loops over triangles: arrays in, arrays out, no units and no objects.

Kernels are written in Python and compiled once for each machine (`jit`). The scan stands here twice: `scan` is
compiled; `scan_small` is numpy, for inputs that would wait longer for compiled code than for the answer. Both
give the same bits.
"""

import numpy as np

# Triangles whose terms are added one after the other: a constant, so that the number of threads cannot change
# a result, and small, because the rounding bound of a sum grows with the number of its terms.
BLOCK = 2048

# Triangles that welding lays out side by side: 5 KB stay in the first-level cache.
LANES = 64

# Triangles in one vector: eight float64 fill a register of 512 bits, or two of 256.
WIDTH = 8

# Triangles laid out at a time: 5 KB of lanes, and as much of the file, stay in half a first-level cache.
CHUNK = 16 * WIDTH

# From this many triangles on, compiled code is worth its price, against 1 µs a triangle in numpy: some seconds of
# compiling once for a processor, and at each start 80 ms where LLVM links it, 3 ms where it is kept as an image.
COMPILED_FROM = 50_000

# Odd words of 64 bits for multiplicative hashing: 2⁶⁴ divided by the golden ratio, the second prime of xxHash, and
# the multiplier of degski's hash64. Their bits look random, so that a product spreads what it is given.
MULTIPLIERS = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93

# Fields of one row of sums, in the order both implementations keep. With e₁ = b − a, e₂ = c − a, and p = e₁ᵢe₂ⱼ,
# q = e₁ⱼe₂ᵢ the products whose difference is a coordinate of the normal n = e₁ × e₂, the first three are what the
# error bounds are made of: condition Σ|a|(|p| + |q|)/6, products Σ(|p| + |q|)/2, edges Σ(|e₁|₁ + |e₂|₁).
FIELDS = (
    *("condition", "products", "edges", "area", "nx", "ny", "nz"),
    *("one", "x", "y", "z", "xx", "yy", "zz", "xy", "yz", "zx"),
)

# What sums of |n|, d = a·n, d s and d s² lack to be integrals.
FACTORS = np.array([1 / 6, 1 / 2, 1, 1 / 2, *[1 / 2] * 3, 1 / 6, *[1 / 24] * 3, *[1 / 120] * 6])
