"""How much bodies may share, from their boxes alone.

By Bonferroni's inequality the union of bodies with volumes Vᵢ holds at least Σ Vᵢ − Σ |Bᵢ ∩ Bⱼ|, and
two bodies share at most the smaller of them and what is common to their boxes.
"""

import numpy as np


def shared_volume(volumes, low, high):
    """Pairs of bodies whose boxes overlap, and the most volume that all these pairs can share.

    volumes : (B,) of each body, not negative;  low, high : (B, 3) corners of its box
    returns the number of pairs and a volume
    """
    pairs, shared = 0, 0.0
    if not len(volumes):
        return pairs, shared
    extent = high.max(axis=0) - low.min(axis=0)
    crowd = (high - low).sum(axis=0) / np.where(extent > 0, extent, 1)
    axis = int(np.argmin(np.where(extent > 0, crowd, np.inf)))  # where the fewest overlap
    order = np.argsort(low[:, axis], kind="stable")
    begin = low[order, axis]
    for n, i in enumerate(order):  # sweep along an axis: only bodies that begin before this one ends
        rest = order[n + 1 : np.searchsorted(begin, high[i, axis])]
        sides = np.minimum(high[i], high[rest]) - np.maximum(low[i], low[rest])
        meet = (sides > 0).all(axis=1)
        least = np.minimum(volumes[i], volumes[rest][meet])
        pairs += int(meet.sum())
        shared += float(np.minimum(np.prod(sides[meet], axis=1), least).sum())
    return pairs, shared
