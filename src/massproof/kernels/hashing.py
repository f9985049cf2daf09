"""Hashes of three words, and where they stand in a table.

Multiplicative hashing (D. E. Knuth, "The Art of Computer Programming", volume 3, 1998, section 6.4): a
product with an odd constant spreads each bit over all higher ones, and a shift brings those down again.
"""

import numpy as np

from massproof.kernels import MULTIPLIERS
from massproof.kernels.jit import kernel

_K1, _K2, _K3 = (np.uint64(k) for k in MULTIPLIERS)
_29, _32 = np.uint64(29), np.uint64(32)


@kernel
def mixed(a, b, c):
    """A uint64 of three, or an array of three arrays; its highest bits depend on every bit of them."""
    t = a * _K1
    t = ((t ^ (t >> _32)) + b) * _K2
    t = ((t ^ (t >> _29)) + c) * _K3
    return t ^ (t >> _32)


@kernel
def place(word, size):
    """The slot of a hash in a table of `size` < 2³² slots, by its highest bits; both are uint64."""
    return ((word >> _32) * size) >> _32
