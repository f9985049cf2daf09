"""Shapes of a STEP file that are made of themselves, which no file may have and Open CASCADE does not survive."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from massproof.entities import Entities
from massproof.errors import FormatError
from massproof.kernels import schema, tokens

MOST = (
    64  # steps from a solid to a point, of which real files have a dozen; Open CASCADE goes down on its stack
)
_SHOWN = 8  # members of a ring that are named
_OTHERS = ["PCURVE", "DEFINITIONAL_REPRESENTATION", "CSG_SOLID", "BOOLEAN_RESULT", "SOLID_REPLICA"]


@cache
def _shapes() -> npt.NDArray[np.bool_]:
    """Whether a code is of a type of shape. Others may refer to each other in rings, and in real files do."""
    found = np.zeros(tokens.CODES, bool)
    found[[schema.TYPES[name] for names in schema.OF_CLASS.values() for name in names]] = True
    found[[schema.TYPES[name] for name in _OTHERS]] = True
    return found


def check(entities: Entities) -> None:
    """Refuse shapes that are made of themselves, or of others in more than MOST steps.

    Raises FormatError, with the ring.
    """
    sources, targets = _references(entities)
    for _ in range(MOST):
        further = np.zeros(len(entities), bool)
        further[sources] = True  # the others are made of nothing more
        left = further[targets]
        sources, targets = sources[left], targets[left]
        if not len(sources):
            return
    raise FormatError(_why(entities, sources, targets))


def _references(entities: Entities) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of shapes, and of shapes that each is made of."""
    rows = entities.rows
    shape = (rows[:, 0] >= 0) & _shapes()[rows[:, 1]]
    places = np.flatnonzero(entities.kinds == tokens.REFERENCE)
    sources = np.searchsorted(rows[:, 2], places, "right") - 1
    targets = entities.values[places].astype(np.int64)
    kept = shape[sources] & shape[targets]
    return sources[kept], targets[kept]


def _why(entities: Entities, sources: npt.NDArray[Any], targets: npt.NDArray[Any]) -> str:
    """What to say of references that remain when all ends have been taken away often enough."""
    order = np.argsort(sources, kind="stable")
    sources, targets = sources[order], targets[order]
    steps: dict[int, int] = {}
    row = int(sources[0])
    while row not in steps:
        steps[row] = len(steps)
        at = int(np.searchsorted(sources, row))
        if at == len(sources) or sources[at] != row:
            return (
                f"STEP file with {entities.describe(int(sources[0]))} made of others in more than {MOST} steps; "
                "export it again"
            )
        row = int(targets[at])
    ring = [*list(steps)[steps[row] :], row]
    shown = " > ".join(entities.describe(one) for one in ring[:_SHOWN])
    more = f" > …, {len(ring) - 1} in all" if len(ring) > _SHOWN else ""
    return f"STEP file with a cycle, a shape that is made of itself: {shown}{more}; export it again"
