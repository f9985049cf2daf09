"""Loops over triangles: arrays in, arrays out, no units and no objects.

Two implementations of the integrals stand side by side: `integrals` is compiled by numba, for many
triangles; `integrals_small` is numpy, for inputs that would wait longer for the compiler than for
the answer. Both return the same fields, added up in blocks of the same size.
"""

# Triangles per partial sum. A constant, so the number of threads cannot change a result; small,
# because the rounding bound of a sum grows with the number of its terms.
BLOCK = 256

# Fields of one row of sums, in the order both implementations keep.
FIELDS = ("area", "spread", "edges", "one", "x", "y", "z", "xx", "yy", "zz", "xy", "yz", "zx")
