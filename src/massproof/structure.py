"""Products of a STEP file: what each holds in its own frame, as a model of its own, and which others it uses where.

What is placed and belongs to no product, as a mapped item often does, belongs to the product that it is placed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from massproof import products, stepfile
from massproof.entities import Entities
from massproof.errors import FormatError
from massproof.groups import Group, Reader
from massproof.placements import STAY, Places, joined
from massproof.stepfile import Model

_MOST = 20 * products.MAX_OCCURRENCES  # placed parts of all products together, each of which is summed alone

_STANDS = ("placements", "mirrored", "scale", "travel", "steps")  # what `products.stands` returns

Key = tuple[int, bool]  # row of a group, and whether its own bodies alone are meant, beside what it uses


class Use(NamedTuple):
    """One use of a product in another."""

    part: Key
    places: Places  # one, in the unit of the model
    row: int  # of the assembly usage or mapped item, −1 of none


class Node(NamedTuple):
    """A product, or what is drawn in none."""

    product: int  # row of its PRODUCT_DEFINITION, −1 of none
    uses: tuple[Use, ...]  # () of what holds bodies and uses nothing
    model: Model  # what it holds, in its own frame


class Tree(NamedTuple):
    """All products that draw something."""

    nodes: Mapping[Key, Node]
    tops: tuple[Key, ...]  # what is used in no other, from which all others are reached


class _Held:
    """What a group holds in its own frame."""

    def __init__(self) -> None:
        self.bodies: dict[
            int, list[Places]
        ] = {}  # by row, of what belongs to it and not to a product that it uses
        self.all: dict[int, Places] = {}  # and with what those hold
        self.uses: list[Use] = []
        self.unplaced = 0  # placements that could not be read


def tree(model: Model) -> Tree:
    """The products of a model.

    Raises FormatError when they hold too many placed parts together, each counted where it stands in each product.
    """
    reader, groups, _, tops, order = model.layout
    known = set(order)
    tops = [row for row in tops if row in known]
    inside = products.within(groups, tops)
    inner = [row for row in reversed(order) if row in inside]
    _check_size(groups, inner)
    named = {row for row in inner if groups[row].product >= 0} | set(tops)
    held: dict[int, _Held] = {}
    with np.errstate(all="ignore"):  # sizes that multiply through many levels
        for row in inner:
            held[row] = _gathered(groups[row], held, named)
        nodes: dict[Key, Node] = {}
        part = _Part(model, reader)
        for row in sorted(named):
            nodes |= _nodes(row, groups[row].product, held[row], part)
    return Tree(nodes, tuple((row, False) for row in tops))


def _check_size(groups: Mapping[int, Group], inner: Iterable[int]) -> None:
    """Refuse what takes too long; inner : groups, each after those that it places."""
    counts: dict[int, int] = {}
    for row in inner:
        group = groups[row]
        counts[row] = len(group.items) + sum(counts[one] for one, _, _ in group.places)
    total = sum(counts.values())
    if total > _MOST:
        msg = (
            f"STEP file with sub-assemblies so deep in each other that they hold {total} placed parts together, the "
            f"limit is {_MOST}; export the sub-assemblies one by one, or measure the whole alone"
        )
        raise FormatError(msg)


def _gathered(group: Group, held: Mapping[int, _Held], named: set[int]) -> _Held:
    """What a group holds; held : what those hold that it places."""
    found = _Held()
    found.bodies = {item: [STAY] for item in group.items}
    standing = {item: [STAY] for item in group.items}
    placed: dict[int, list[Places]] = {}
    for row, place, mark in sorted(group.places, key=lambda one: one[2]):
        outer = STAY if place is None else place
        found.unplaced += (place is None) + held[row].unplaced
        placed.setdefault(row, []).append(outer)
        if row in named:
            found.uses.append(Use((row, False), outer, mark))
        else:
            found.uses += [Use(use.part, outer.then(use.places), use.row) for use in held[row].uses]
    for row, places in placed.items():
        outer = joined(places)
        for item, inner in held[row].all.items():
            standing.setdefault(item, []).append(outer.each(inner))
        for item, own in held[row].bodies.items() if row not in named else ():
            found.bodies.setdefault(item, []).append(outer.each(joined(own)))
    found.all = {item: joined(places) for item, places in standing.items()}
    return found


class _Part:
    """Makes models of some parts of a file."""

    def __init__(self, whole: Model, reader: Reader) -> None:
        self._whole, self._reader = whole, reader
        self._shown = {shown.part.row: shown for shown in whole.parts}

    def model(self, items: Mapping[int, Places], unplaced: int) -> Model:
        """What a file would hold that has these parts alone."""
        parts = []
        for row in sorted(items):
            shown = self._shown[row]
            where = dict(zip(_STANDS, products.stands(items[row]), strict=True))
            parts.append(shown._replace(part=shown.part._replace(**where)))
        notes = products.notes(self._reader, [one.part for one in parts], unplaced)
        return self._whole._replace(parts=tuple(parts), notes=notes + stepfile.surface_notes(parts))


def _nodes(row: int, product: int, held: _Held, part: _Part) -> dict[Key, Node]:
    """The node of a group, and that of its own bodies where it uses others beside."""
    uses, found = held.uses, {}
    if uses and held.bodies:
        own = {item: joined(places) for item, places in held.bodies.items()}
        found[row, True] = Node(product, (), part.model(own, 0))
        uses = [Use((row, True), STAY, -1), *uses]
    found[row, False] = Node(product, tuple(uses), part.model(held.all, held.unplaced))
    return found


def label(entities: Entities, use: int) -> str:
    """Name of an assembly usage or of a mapped item; "" where it has none."""
    arguments = entities.arguments(use) if use >= 0 else []
    which = 1 if entities.type(use) == "NEXT_ASSEMBLY_USAGE_OCCURRENCE" else 0
    text = arguments[which] if len(arguments) > which else None
    return text.strip() if isinstance(text, str) else ""
