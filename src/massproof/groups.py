"""Representations of a STEP file that share a frame, what they draw, and which place which.

Representations that a relationship without transformation joins are one group, and so are all of one product.
Groups place groups: by mapped items, and by the transformations of assembly uses. Terms of ISO 10303-43 and -44;
which of two related representations is the component follows the CAx-IF recommended practices, unless the
products say otherwise, as some exporters turn it round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from massproof import contexts, tessellations
from massproof.contexts import Context, Measure
from massproof.entities import Entities, Row
from massproof.placements import Places, back, frame, step

SOLID, SURFACE, FACETS, OTHER = "solid", "surface", "facets", "other"  # OTHER is read elsewhere, if at all
_KINDS = {
    **dict.fromkeys(("MANIFOLD_SOLID_BREP", "FACETED_BREP", "BREP_WITH_VOIDS", "SOLID_OF_PARTS"), SOLID),
    **dict.fromkeys(("SHELL_BASED_SURFACE_MODEL", "FACE_BASED_SURFACE_MODEL"), SURFACE),
    **dict.fromkeys(("OPEN_SHELL", "CLOSED_SHELL"), SURFACE),
    **dict.fromkeys(("CSG_SOLID", "BOOLEAN_RESULT", "BLOCK"), OTHER),
    **dict.fromkeys(("SPHERE", "RIGHT_CIRCULAR_CYLINDER", "RIGHT_CIRCULAR_CONE", "TORUS"), OTHER),
    **dict.fromkeys(("RIGHT_ANGULAR_WEDGE", "EXTRUDED_AREA_SOLID", "REVOLVED_AREA_SOLID"), OTHER),
    **dict.fromkeys(("SOLID_REPLICA", "EXTRUDED_FACE_SOLID", "REVOLVED_FACE_SOLID"), OTHER),
}
_TESSELLATED = (
    *(*tessellations.ALL, *tessellations.GROUPS, tessellations.OF_PARTS),
    "CUBIC_BEZIER_TRIANGULATED_FACE",
)
_REPRESENTATIONS = (
    *("REPRESENTATION", "SHAPE_REPRESENTATION", "ADVANCED_BREP_SHAPE_REPRESENTATION"),
    *("FACETED_BREP_SHAPE_REPRESENTATION", "MANIFOLD_SURFACE_SHAPE_REPRESENTATION"),
    "GEOMETRICALLY_BOUNDED_SURFACE_SHAPE_REPRESENTATION",
    "GEOMETRICALLY_BOUNDED_WIREFRAME_SHAPE_REPRESENTATION",
    *("TESSELLATED_SHAPE_REPRESENTATION", "EDGE_BASED_WIREFRAME_SHAPE_REPRESENTATION"),
    *("SHELL_BASED_WIREFRAME_SHAPE_REPRESENTATION", "CSG_SHAPE_REPRESENTATION", "REPRESENTATION_OF_PARTS"),
)
_DEFINITIONS = ("PRODUCT_DEFINITION", "PRODUCT_DEFINITION_WITH_ASSOCIATED_DOCUMENTS")
_RELATIONS = ("SHAPE_REPRESENTATION_RELATIONSHIP", "REPRESENTATION_RELATIONSHIP")


class Group:
    """Representations that share one frame."""

    def __init__(self) -> None:
        self.items: dict[int, int] = {}  # row of each solid or surface, and of its representation
        # Groups placed in it; where, None: it is not known; row of the assembly usage or mapped item that does it.
        self.places: list[tuple[int, Places | None, int]] = []
        self.product = -1


def _references(items: list[Any]) -> list[Row]:
    return [one for one in items if isinstance(one, Row)]


class Reader:
    """Collects the groups of one file."""

    def __init__(self, entities: Entities) -> None:
        self.entities = entities
        self.contexts: dict[int, Context] = {}
        self.units: dict[int, Measure] = {}
        self.representations: dict[int, tuple[list[Row], Any]] = {}
        self.kinds = {row: kind for name, kind in _KINDS.items() for row in entities.of_type(name)}
        self.facets = set(entities.of_type(*_TESSELLATED))  # and sets of them, and annotations
        for row in entities.of_type(*_REPRESENTATIONS):
            parts = entities.parts(row)
            arguments = parts.get("REPRESENTATION") or next(iter(parts.values()))
            if len(arguments) >= 3 and isinstance(arguments[1], list):
                items = _references(arguments[1])
                self.representations[row] = self._told(items) if self.facets else items, arguments[2]
        self.leader: dict[int, int] = {}
        self.shown: dict[int, int] = {}  # representation of each product definition
        self.placed: dict[int, Places | None] = {}  # of each assembly usage its one place; None: not known
        self.unit = self._unit()
        self.unplaced = self.unread = self.pictures = 0

    def _told(self, items: list[Row]) -> list[Row]:
        """Items of a representation, instead of sets of tessellated ones what these hold."""
        found: list[Row] = []
        for one in items:
            drawn = (
                [Row(row) for row in tessellations.surfaces(self.entities, one)] if one in self.facets else []
            )
            self.kinds |= dict.fromkeys(map(int, drawn), FACETS)
            found += drawn or [one]
        return found

    def _unit(self) -> Fraction | None:
        """The unit of length of the first representation that has a solid or surface, or of any."""
        drawn = [
            row for row, (items, _) in self.representations.items() if any(i in self.kinds for i in items)
        ]
        for row in [*drawn, *self.representations]:
            context = self.context(row)
            if context and context.length:
                return context.length.factor
        return next((one.length.factor for one in self._all_contexts() if one.length), None)

    def _all_contexts(self) -> Iterator[Context]:
        return (
            contexts.read(self.entities, row, self.units) for row in self.entities.of_type(*contexts.TYPES)
        )

    def shows(self, one: Any) -> bool:
        """Whether an argument refers to a representation."""
        return isinstance(one, Row) and one in self.representations

    def context(self, representation: int) -> Context | None:
        """The context of a representation, None if it is none of geometry."""
        _, context = self.representations.get(representation, ((), None))
        if not isinstance(context, Row):
            return None
        if context not in self.contexts:
            self.contexts[context] = contexts.read(self.entities, context, self.units)
        return self.contexts[context]

    def factor(self, representation: int) -> Fraction:
        """From the unit of length of a representation to that of the whole; 1 where it has none."""
        context = self.context(representation)
        return context.length.factor / self.unit if context and context.length and self.unit else Fraction(1)

    def find(self, row: int) -> int:
        """The row that stands for the group of a representation or of a product without any."""
        while (above := self.leader.get(row, row)) != row:
            self.leader[row] = self.leader.get(above, above)
            row = above
        return row

    def join(self, first: int, second: int) -> None:
        """Make two groups one; the earlier row stands for it."""
        a, b = sorted((self.find(first), self.find(second)))
        self.leader[b] = a


def join(reader: Reader) -> None:
    """Join representations that are one: by a relationship, or as shapes of one product."""
    entities = reader.entities
    for row in entities.of_type(*_RELATIONS):
        pair = [one for one in entities.arguments(row)[2:4] if reader.shows(one)]
        if len(pair) == 2:
            reader.join(*pair)
    for row in entities.of_type("SHAPE_DEFINITION_REPRESENTATION"):
        shape, representation = (*entities.arguments(row), None, None)[:2]
        product = defined(entities, shape)
        if product >= 0 and entities.type(product) in _DEFINITIONS and reader.shows(representation):
            reader.join(reader.shown.setdefault(product, int(representation)), int(representation))


def defined(entities: Entities, shape: Any) -> int:
    """What a PRODUCT_DEFINITION_SHAPE is the shape of, −1 for nothing."""
    if not isinstance(shape, Row) or entities.type(shape) != "PRODUCT_DEFINITION_SHAPE":
        return -1
    arguments = entities.arguments(shape)
    return int(arguments[2]) if len(arguments) > 2 and isinstance(arguments[2], Row) else -1


def collect(reader: Reader) -> dict[int, Group]:
    """All groups with what they draw, those of products first."""
    groups: dict[int, Group] = {}
    for product in reader.entities.of_type(*_DEFINITIONS):
        shown = reader.shown.setdefault(product, product)
        group = groups.setdefault(reader.find(shown), Group())
        group.product = product if group.product < 0 else group.product
    for row, (items, _) in reader.representations.items():
        group = groups.setdefault(reader.find(row), Group())
        for item in items:
            if item in reader.kinds:
                group.items.setdefault(int(item), row)
    if reader.facets:
        _drop_pictures(reader, groups.values())
    return groups


def _drop_pictures(reader: Reader, groups: Iterable[Group]) -> None:
    """Forget triangles that show what is there exactly, as they say, or as all do beside exact shapes of a product."""
    exact = {item for group in groups for item in group.items if reader.kinds[item] in (SOLID, SURFACE)}
    exact |= {int(shell) for item in exact for shell in _shells(reader.entities, item)}
    for group in groups:
        own = {reader.kinds[item] for item in group.items}
        for item in [one for one in group.items if reader.kinds[one] == FACETS]:
            linked = tessellations.link(reader.entities, item)
            solid = tessellations.kind(reader.entities, item) in tessellations.SOLIDS
            if linked in exact or SOLID in own or (SURFACE in own and not solid):
                del group.items[item]
                reader.pictures += linked not in exact


def _shells(entities: Entities, row: int) -> Iterator[Row]:
    """Shells that an exact solid or surface model names; a picture may be of one of them."""
    for argument in (one for part in entities.parts(row).values() for one in part):
        yield from _references(argument if isinstance(argument, list) else [argument])


def map_items(reader: Reader, groups: dict[int, Group]) -> None:
    """Place what mapped items place."""
    entities = reader.entities
    mapped = set(entities.of_type("MAPPED_ITEM"))
    for outer, (items, _) in reader.representations.items():
        for item in (one for one in items if one in mapped):
            _, source, target = (*entities.arguments(item), None, None, None)[:3]
            mapping = entities.expect(item, source, "REPRESENTATION_MAP")
            origin, shown = (*entities.arguments(mapping), None, None)[:2]
            if not isinstance(shown, Row) or shown not in reader.representations:
                reader.unread += 1
                continue
            place = _between(reader, (origin, shown), (target, outer))
            groups[reader.find(outer)].places.append((reader.find(shown), place, int(item)))


def _between(reader: Reader, inner: tuple[Any, int], outer: tuple[Any, int]) -> Places | None:
    """The place that brings a frame of one representation onto a frame of another, None if one is none."""
    matrices = []
    for one, representation in (inner, outer):
        matrix = None
        if isinstance(one, Row):
            matrix = frame(reader.entities, one, float(reader.factor(representation)))
        if matrix is None:
            return None
        matrices.append(matrix)
    with np.errstate(all="ignore"):  # lengths beyond all measure are refused where they are seen
        return step(matrices[1]).then(back(matrices[0]))


def use_products(reader: Reader, groups: dict[int, Group]) -> dict[int, tuple[int, ...]]:
    """Place what assembly uses place: the whole and the part of each."""
    entities = reader.entities
    uses: dict[int, tuple[int, ...]] = {}
    for row in entities.of_type("NEXT_ASSEMBLY_USAGE_OCCURRENCE"):
        whole, part = (*entities.arguments(row)[3:5], None, None)[:2]
        uses[row] = tuple(entities.expect(row, one, *_DEFINITIONS) for one in (whole, part))
    for row in entities.of_type("CONTEXT_DEPENDENT_SHAPE_REPRESENTATION"):
        relation, shape = (*entities.arguments(row), None, None)[:2]
        use = defined(entities, shape)
        if use in uses and isinstance(relation, Row):
            whole, part = (reader.find(reader.shown[one]) for one in uses[use])
            if reader.shown[uses[use][1]] == uses[use][1]:
                part = _pictured(reader, relation, whole, part)
            reader.placed[use] = _related(reader, relation, part)
            groups[whole].places.append((part, reader.placed[use], use))
    for use in uses.keys() - reader.placed:
        whole, part = (reader.find(reader.shown[one]) for one in uses[use])
        groups[whole].places.append((part, None, use))
    return uses


def _pictured(reader: Reader, relation: Row, whole: int, part: int) -> int:
    """What shows the component of a relationship, where nothing but that says so; `part` where it does not, either."""
    pair = reader.entities.parts(relation).get("REPRESENTATION_RELATIONSHIP", [None] * 4)[2:4]
    return next((reader.find(one) for one in pair if reader.shows(one) and reader.find(one) != whole), part)


def members(uses: Iterable[tuple[int, ...]]) -> dict[int, dict[int, int]]:
    """How often each whole uses each part."""
    found: dict[int, dict[int, int]] = {}
    for whole, part in uses:
        inner = found.setdefault(whole, {})
        inner[part] = inner.get(part, 0) + 1
    return found


def _related(reader: Reader, relation: Row, part: int) -> Places | None:
    """The place of a relationship with transformation, of which group `part` is the component."""
    parts = reader.entities.parts(relation)
    pair = parts.get("REPRESENTATION_RELATIONSHIP", [None] * 4)[2:4]
    with_transformation = parts.get("REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION", [None])
    if len(pair) < 2 or not all(map(reader.shows, pair)) or not with_transformation:
        return None
    operator = with_transformation[0]
    if not isinstance(operator, Row):
        return None
    first, second = pair
    turned = reader.find(first) != part and reader.find(second) == part
    if reader.entities.type(operator) == "ITEM_DEFINED_TRANSFORMATION":
        inner, outer = (*reader.entities.arguments(operator)[2:4], None, None)[:2]
        ends = ((inner, first), (outer, second))
        return _between(reader, *(ends[::-1] if turned else ends))
    matrix = frame(reader.entities, operator, float(reader.factor(second)))
    make = back if turned else step
    return None if matrix is None else make(matrix)
