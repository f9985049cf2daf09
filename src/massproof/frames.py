"""Axes that are exchanged or turned round: the 48 ways to lay one right-angled frame over another.

Sources of the named ones: modeling-api of KittyCAD, `coord.rs` (Z up, −Y forward, to Y up, Z forward is
(x, z, −y)); the frames of glTF 2.0 (+Y up) and of STEP and most CAD systems (+Z up).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import permutations, product

from massproof import figures
from massproof.causes import Cause, on_right, shift
from massproof.figures import Figures
from massproof.rows import Between

Frame = tuple[tuple[int, int], ...]  # for each axis of the right side: which axis of the left, and its sign

_NAMED: dict[Frame, tuple[float, str]] = {
    ((0, 1), (2, 1), (1, -1)): (0.2, "Y-up frame (x, z, −y): {right} has Y up where {left} has Z up"),
    ((0, 1), (2, -1), (1, 1)): (0.15, "Y-up frame (x, z, −y): {left} has Y up where {right} has Z up"),
}
_CYCLIC, _HALF_TURN, _MIRROR, _SWAP, _RARE = 0.02, 0.02, 0.03, 0.02, 0.002


def frames() -> Iterator[Frame]:
    """All but the one that changes nothing."""
    for order in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            frame = tuple(zip(order, signs, strict=True))
            if frame != ((0, 1), (1, 1), (2, 1)):
                yield frame


def spelled(frame: Frame) -> str:
    """(x, z, −y): what the right side calls x, y, z, in axes of the left."""
    return "(" + ", ".join(("−" if sign < 0 else "") + figures.AXES[axis] for axis, sign in frame) + ")"


def handed(frame: Frame) -> int:
    """1 for a rotation, −1 for a mirror."""
    order = [axis for axis, _ in frame]
    swaps = sum(order[i] > order[j] for i in range(3) for j in range(i + 1, 3))
    sign = frame[0][1] * frame[1][1] * frame[2][1]
    return -sign if swaps % 2 else sign


def undone(frame: Frame, found: Figures, names: Iterable[str]) -> Figures:
    """Those of `names` in the frame of the left side."""
    new = dict(found)
    for name in names:
        source, sign = _source(frame, name)
        if source in found:
            new[name] = found[source].times(sign)
    return new


@cache
def _source(frame: Frame, name: str) -> tuple[str, int]:
    """Which number of the right side is a property in the frame of the left, and its sign."""
    if name in figures.TENSOR:
        places = {axis: k for k, (axis, _) in enumerate(frame)}
        i, j = (places[figures.AXES.index(axis)] for axis in name[-2:])
        return entry(i, j), frame[i][1] * frame[j][1]
    group = next(group for group in _GROUPS if name in group)
    axis = group.index(name)
    k, sign = next((k, sign) for k, (of, sign) in enumerate(frame) if of == axis)
    if group is figures.SIDES:
        return group[k], 1
    if sign < 0 and group is not figures.CENTRE:
        group = figures.HIGH if group is figures.LOW else figures.LOW
    return group[k], sign


_GROUPS = (figures.CENTRE, figures.SIDES, figures.LOW, figures.HIGH, figures.TENSOR)
_ENTRIES = {frozenset(figures.AXES.index(axis) for axis in name[-2:]): name for name in figures.TENSOR}


def entry(i: int, j: int) -> str:
    """Name of an entry of the inertia tensor."""
    return _ENTRIES[frozenset((i, j))]


_ALL = frozenset(figures.POSITIONS + figures.SIDES + figures.TENSOR)
_PARTS = (
    (_ALL, 1.0, ""),
    (frozenset(figures.CENTRE), 0.3, ", of the centre of mass alone"),
    (frozenset(figures.CENTRE + figures.TENSOR), 0.1, ", of centre and inertia, and not of the box"),
    (frozenset(figures.TENSOR), 0.1, ", of the inertia alone"),
)


def causes(between: Between) -> Iterator[Cause]:
    """Every frame that makes something agree."""
    for frame in frames() if between.wrong & _ALL else ():
        prior, code, text = _described(frame)
        for names, share, where in _PARTS:
            if not between.wrong & names:
                continue

            if not _helps(frame, between, names):
                continue

            def change(found: Figures, frame: Frame = frame, names: frozenset[str] = names) -> Figures:
                return undone(frame, found, names)

            evidence = {
                "frame": spelled(frame),
                "of": sorted({n.partition(".")[0] for n in names & set(between.common)}),
            }
            yield Cause(code, spelled(frame), prior * share, text + where, on_right(change), evidence)


def _helps(frame: Frame, between: Between, names: frozenset[str]) -> bool:
    """Whether all that is wrong with some point, the box or the tensor is right in another frame."""
    for group in _GROUPS:
        if between.wrong & names & set(group):
            right = undone(frame, between.right, group)
            trial = Between(between.left, right, between.profile, between.facets)
            if all(trial.agree(name) for name in group if name in between.common):
                return True
    return False


def moved(between: Between) -> Iterator[Cause]:
    """The body somewhere else: its centre and the corners of its box differ by the same vector."""
    if not all(name in between.common for name in figures.POSITIONS) or not between.wrong & set(
        figures.POSITIONS
    ):
        return
    by = {
        axis: shift(between, (n for n in figures.POSITIONS if n[-1] == axis)) or 0.0 for axis in figures.AXES
    }

    def change(found: Figures) -> Figures:
        return {n: s.plus(by[n[-1]]) if n in figures.POSITIONS else s for n, s in found.items()}

    metres = [by[axis] for axis in figures.AXES]
    text = f"moved: {{left}} stands at another place, by {tuple(float(f'{x * 1000:.6g}') for x in metres)} mm"
    yield Cause("moved", "", 0.05, text, on_right(change), {"shift": metres, "unit": "m"}, 3)


def _described(frame: Frame) -> tuple[float, str, str]:
    """How likely a frame is, the code, the sentence."""
    known = _NAMED.get(frame)
    if known:
        return known[0], "frame", known[1]
    straight = all(axis == k for k, (axis, _) in enumerate(frame))
    turned = sum(sign < 0 for _, sign in frame)
    if handed(frame) > 0:
        prior = _HALF_TURN if straight else _CYCLIC if not turned else _RARE
        return prior, "frame", f"axes are exchanged: {{right}} has {spelled(frame)} of {{left}}"
    prior = _MIRROR if straight and turned == 1 else _SWAP if not turned else _RARE
    return prior, "mirrored", f"mirrored: {{right}} has {spelled(frame)} of {{left}}, which is left-handed"
