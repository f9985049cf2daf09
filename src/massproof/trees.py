"""The tree of a STEP file as its users see it: assemblies, what they use under which name, and in which colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from massproof import products
from massproof.appearance import Look
from massproof.entities import Entities
from massproof.scene import Colour, Occurrence
from massproof.stepfile import Model, Shown

_Leaf = tuple[
    tuple[int, ...], Occurrence
]  # what makes a place, from the whole inwards, and what stands there


def colour(look: Look) -> Colour | None:
    """Red, green, blue and opacity, None where the file gives no colour."""
    return (*look.colour, look.opacity) if look.colour else None


def grown(model: Model, shown: Sequence[Shown], names: Sequence[str], scale: float) -> tuple[Occurrence, ...]:
    """Occurrences of parts, whose definitions have their numbers in `shown`, below those of what uses them.

    names : of the parts;  scale : from the unit of the placements to that of the scene
    Leaves alone have matrices: they stand in the frame of the whole.
    """
    ways, looks = products.paths(model.entities), model.appearance
    leaves: list[_Leaf] = []
    for number, (one, name) in enumerate(zip(shown, names, strict=True)):
        own, count = model.parts.index(one), len(one.part.placements)
        paths = ways.get(one.part.row, ())
        if len(paths) != count:  # placed by nothing, or alone in the frame of one product
            paths = [()] * count
        first = colour(looks.of(own))
        for place, (matrix, path) in enumerate(zip(one.part.placements, paths, strict=True)):
            stands = matrix.copy()
            stands[:3, 3] *= scale
            look = looks.of(own, place)
            shade = None if colour(look) == first else colour(look)
            leaf = Occurrence(name, stands, number, colour=shade, hidden=look.hidden, place=place)
            leaves.append((path, leaf))
    leaves.sort(key=lambda leaf: leaf[0])  # uses in the order of the file, and parts in theirs
    roots = _below(model.entities, leaves, 0)
    title = products.title(model.entities, model.tops[0]) if len(model.tops) == 1 else ""
    several = len(leaves) > 1 or any(path for path, _ in leaves)
    return (Occurrence(title, np.eye(4), children=roots),) if title and several else roots


def _below(entities: Entities, leaves: Sequence[_Leaf], depth: int) -> tuple[Occurrence, ...]:
    """Occurrences of leaves whose first `depth` steps are the same."""
    groups: dict[int, list[_Leaf]] = {}
    found: list[Occurrence] = []
    for path, leaf in leaves:
        if len(path) <= depth:
            found.append(leaf)
        else:
            groups.setdefault(path[depth], []).append((path, leaf))
    for use, members in groups.items():
        inner = _below(entities, members, depth + 1)
        name = _name(entities, use)
        if len(members) == 1 and len(members[0][0]) == depth + 1:  # a part, under the name of its use
            found.append(replace(inner[0], name=name or inner[0].name))
        else:
            found.append(Occurrence(name, np.eye(4), children=inner))
    return tuple(found)


def _name(entities: Entities, use: int) -> str:
    """Name of an assembly usage, else of the product that it uses; "" of a mapped item without one."""
    arguments = entities.arguments(use)
    if entities.type(use) != "NEXT_ASSEMBLY_USAGE_OCCURRENCE":
        return arguments[0] if arguments and isinstance(arguments[0], str) else ""
    own = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], str) else ""
    return own.strip() or products.title(entities, int(arguments[4]))
