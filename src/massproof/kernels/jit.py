"""The one place that spells numba options; kernels write `@kernel`.

No fastmath: it may reorder sums, and our error bounds count on the order as written. The global
lock is released, so that plain threads can share a loop: numba's own threading layer costs start-up
time and does not survive a fork.
"""

from numba import njit

kernel = njit(cache=True, error_model="numpy", nogil=True)
