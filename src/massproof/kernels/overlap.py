"""How much bodies may share, from their boxes and volumes.

By Bonferroni's inequality the union of bodies with volumes Vᵢ holds at least Σ Vᵢ − Σ |Bᵢ ∩ Bⱼ|, and
two bodies share at most the smaller of them and what is common to their boxes. It also holds the largest of them.
"""

import numpy as np

from massproof.kernels.tree import Boxes, Grid

_PAIRS = 1 << 22  # looked at in one go
_MOST = (
    10_000_000  # pairs looked at, a second; so many bodies in one place leave little to say but the largest
)


def shared_by_pairs(volumes, low, high, pairs):
    """The most volume that pairs (n, 2) of bodies can share, together.

    volumes : (B,) of each body, not negative;  low, high : (B, 3) corners of its box
    """
    i, j = pairs.T
    sides = np.clip(np.minimum(high[i], high[j]) - np.maximum(low[i], low[j]), 0.0, None)
    shared = float(np.minimum(np.prod(sides, axis=1), np.minimum(volumes[i], volumes[j])).sum())
    paired = np.zeros(len(volumes), bool)
    paired[pairs] = True
    return min(shared, _but_the_largest(volumes[paired]))


def shared_volume(volumes, low, high):
    """Pairs of bodies whose boxes overlap, and the most volume that all these pairs can share.

    volumes, low, high : as in `shared_by_pairs`
    returns how many pairs were found, whether they are all, and a volume
    """
    count, shared, left = 0, 0.0, _MOST
    if len(volumes) < 2:
        return count, True, shared
    boxes = Boxes(Grid(np.concatenate([low, high])).around(low, high))
    block = max(1, _PAIRS // len(volumes))
    for first in range(0, len(volumes), block):
        pairs = boxes.meeting(boxes.rows[first : first + block])
        pairs[:, 0] += first
        left -= len(pairs)
        i, j = pairs = pairs[pairs[:, 0] < pairs[:, 1]].T
        pairs = pairs.T[(np.minimum(high[i], high[j]) > np.maximum(low[i], low[j])).all(axis=1)]
        count += len(pairs)
        shared += shared_by_pairs(volumes, low, high, pairs)
        if left < 0 and first + block < len(volumes):
            return count, False, _but_the_largest(volumes)
    return count, True, min(shared, _but_the_largest(volumes))


def _but_the_largest(volumes):
    return float(volumes.sum() - volumes.max(initial=0.0))
