"""What each product of a STEP file holds, placed in the product's own frame: validation properties are stated there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from typing import NamedTuple

import numpy as np

from massproof import densities, engines, groups
from massproof.engines import Found
from massproof.errors import Note
from massproof.groups import SURFACE
from massproof.placed import Occurrence, Whole, whole
from massproof.placements import STAY, Places
from massproof.stated import Stated
from massproof.stepfile import Model

Owner = tuple[
    int, int, tuple[int, ...]
]  # a product, the usage that places it or −1, and of it these shapes or all


class Branch(NamedTuple):
    """The solids of a product and its surfaces that bound none, in millimetres if the file states its unit."""

    solids: Whole | None
    surfaces: Whole | None
    weighed: Whole | None = (
        None  # the solids as `densities.heavy` has them, where densities are stated that differ
    )


class Branches:
    """All products of a model; each solid and surface is integrated once, each product put together when asked."""

    def __init__(self, model: Model, stated: Sequence[Stated], engine: str, accuracy: float) -> None:
        """Integrate what a model draws; stated : of which the densities weigh it."""
        self._scale = engines.in_millimetres(model)
        self._reader = groups.Reader(model.entities)
        groups.join(self._reader)
        self._groups = groups.collect(self._reader)
        groups.map_items(self._reader, self._groups)
        groups.use_products(self._reader, self._groups)
        self._prune()
        self._found: dict[bool, Found] = {}
        self._number: dict[int, tuple[bool, int]] = {}  # of each item: whether it is a solid, its definition
        self._known: dict[Owner, Branch] = {}
        self._densities: list[float | None] = []  # kg/m³ that the file states of each solid
        told = densities.applied(model.entities, stated)
        for solid in (True, False):
            parts = tuple(one for one in model.parts if (one.part.kind != SURFACE) == solid)
            if parts:
                self._found[solid] = engines.integrate(model._replace(parts=parts), engine, accuracy)
                self._number |= {one.part.row: (solid, n) for n, one in enumerate(parts)}
                if solid:
                    self._densities = densities.of_parts(told, parts)

    def _prune(self) -> None:
        """Forget places of what holds nothing, of which a small file can have too many to visit."""
        graph = {row: {inner for inner, _, _ in group.places} for row, group in self._groups.items()}
        holding = set()
        for row in TopologicalSorter(graph).static_order():
            group = self._groups[row]
            group.places = [place for place in group.places if place[0] in holding]
            if group.items or group.places:
                holding.add(row)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the engines noticed."""
        return tuple(note for found in self._found.values() for note in found.notes)

    @property
    def method(self) -> str:
        """How it was integrated."""
        return next(iter(self._found.values())).method

    def of(self, product: int, use: int = -1, items: tuple[int, ...] = ()) -> Branch:
        """What product definition `product` holds, in its own frame.

        use : the assembly usage in the frame of whose whole it is wanted, −1 for its own
        items : rows of the shapes of which alone it is wanted
        """
        key = product, use, items
        if key not in self._known:
            self._known[key] = self._together(self._items(product, use, items))
        return self._known[key]

    def _items(self, product: int, use: int, items: tuple[int, ...]) -> Iterator[tuple[int, Places]]:
        """Solids and surfaces of a product with their placements."""
        if items:
            yield from ((item, STAY) for item in items)
            return
        place = self._reader.placed.get(use)
        start = self._reader.find(self._reader.shown.get(product, product))
        stack = [(start, STAY if place is None else place)]
        while stack:
            row, outer = stack.pop()
            group = self._groups.get(row, groups.Group())
            yield from ((item, outer) for item in group.items)
            stack += [(inner, outer if one is None else outer.then(one)) for inner, one, _ in group.places]

    def _together(self, items: Iterable[tuple[int, Places]]) -> Branch:
        places: dict[bool, list[Occurrence]] = {True: [], False: []}
        for item, place in items:
            if item in self._number:
                solid, number = self._number[item]
                (matrix,), (travel,), (steps,) = place.matrices, place.lengths, place.steps
                size = float(np.cbrt(abs(np.linalg.det(matrix[:3, :3]))))
                offset, travel = matrix[:3, 3] * self._scale, float(travel) * self._scale
                places[solid].append(Occurrence(number, matrix[:3, :3], offset, size, travel, float(steps)))
        solids, surfaces = (
            whole(self._found[solid].definitions, found, solid=solid) if found else None
            for solid, found in places.items()
        )
        return Branch(solids, surfaces, self._weighed(places[True]))

    def _weighed(self, solids: list[Occurrence]) -> Whole | None:
        if len({self._densities[one.definition] for one in solids}) < 2:
            return None
        return densities.heavy(self._found[True].definitions, solids, self._densities)
