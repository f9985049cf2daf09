"""Loops over triangles: arrays in, arrays out, no units and no objects.

Kernels are written in Python and compiled once for each machine (`jit`). The integrals stand here twice:
`scan` is compiled, for many triangles; `integrals_small` is numpy, for inputs that would wait longer for
machine code than for the answer. Both return the same fields.
"""

import numpy as np

# Triangles whose terms are added one after the other: a constant, so that the number of threads cannot change
# a result, and small, because the rounding bound of a sum grows with the number of its terms.
BLOCK = 2048

# Triangles that a compiled kernel computes side by side: its memory of 12 KB stays in the first-level cache.
LANES = 64

# From this many triangles on, compiled code is worth its price, against 1 µs a triangle in numpy: some seconds of
# compiling once for a processor, and at each start 80 ms where LLVM links it, 3 ms where it is kept as an image.
COMPILED_FROM = 50_000

# Fields of one row of sums, in the order both implementations keep. With e₁ = b − a, e₂ = c − a, and p = e₁ᵢe₂ⱼ,
# q = e₁ⱼe₂ᵢ the products whose difference is a coordinate of the normal n = e₁ × e₂, the first three are what the
# error bounds are made of: condition Σ|a|(|p| + |q|)/6, products Σ(|p| + |q|)/2, edges Σ(|e₁|₁ + |e₂|₁).
FIELDS = (
    *("condition", "products", "edges", "area", "nx", "ny", "nz"),
    *("one", "x", "y", "z", "xx", "yy", "zz", "xy", "yz", "zx"),
)

# What sums of |n|, d = a·n, d s and d s² lack to be integrals.
FACTORS = np.array([1 / 6, 1 / 2, 1, 1 / 2, *[1 / 2] * 3, 1 / 6, *[1 / 24] * 3, *[1 / 120] * 6])
