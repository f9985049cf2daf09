"""STEP product structure: which solids there are, what they are called, where they are placed, in which unit.

Representations that a relationship without transformation joins are one group, and so are all of one product.
Groups place groups: by mapped items, and by the transformations of assembly uses. Terms of ISO 10303-43 and -44;
which of two related representations is the component follows the CAx-IF recommended practices, unless the
products say otherwise, as some exporters turn it round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import numpy as np

from massproof import contexts
from massproof.brep import Floats
from massproof.contexts import Context, Measure
from massproof.errors import FormatError, Note
from massproof.part21 import Entities, Row
from massproof.placements import frame, inverse

MAX_OCCURRENCES = 100_000  # placed solids and surfaces; a file of 80 kB can hold 10¹⁰

SOLID, SURFACE, OTHER = "solid", "surface", "other"  # OTHER has a volume or an area, and is read elsewhere

_KINDS = {
    **dict.fromkeys(("MANIFOLD_SOLID_BREP", "FACETED_BREP", "BREP_WITH_VOIDS", "SOLID_OF_PARTS"), SOLID),
    **dict.fromkeys(("SHELL_BASED_SURFACE_MODEL", "FACE_BASED_SURFACE_MODEL"), SURFACE),
    **dict.fromkeys(("OPEN_SHELL", "CLOSED_SHELL"), SURFACE),
    **dict.fromkeys(
        ("TESSELLATED_SOLID", "TESSELLATED_SHELL", "CSG_SOLID", "BOOLEAN_RESULT", "BLOCK"), OTHER
    ),
    **dict.fromkeys(("SPHERE", "RIGHT_CIRCULAR_CYLINDER", "RIGHT_CIRCULAR_CONE", "TORUS"), OTHER),
    **dict.fromkeys(("RIGHT_ANGULAR_WEDGE", "EXTRUDED_AREA_SOLID", "REVOLVED_AREA_SOLID"), OTHER),
    **dict.fromkeys(("SOLID_REPLICA", "EXTRUDED_FACE_SOLID", "REVOLVED_FACE_SOLID"), OTHER),
}
_TESSELLATED = ("TESSELLATED_SOLID", "TESSELLATED_SHELL")
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


class Part(NamedTuple):
    """One solid or surface model of a file, and all its places in the whole."""

    row: int
    number: int
    kind: str  # SOLID, SURFACE, OTHER
    name: str  # of its product; of itself where it belongs to none
    product: int  # row of its PRODUCT_DEFINITION, −1 where it belongs to none
    context: Context | None
    factor: Fraction  # from the numbers of its context to the unit of the assembly
    placements: Floats  # (n, 4, 4) in the unit of the assembly
    mirrored: Any  # (n,) bool
    scale: Floats  # (n,) 1 where it keeps its size


class Assembly(NamedTuple):
    """What a file puts together."""

    parts: tuple[Part, ...]
    unit: Fraction | None  # metres, of all placements and of parts times their factors; None: not written
    declared: str  # names of the units of length of all parts, as the file writes them
    products: int
    uses: int
    members: dict[
        int, dict[int, int]
    ]  # row of each product definition that uses others: their rows, how often
    tops: tuple[int, ...]  # rows of the product definitions that are part of no other
    notes: tuple[Note, ...]


class _Group:
    """Representations that share one frame."""

    def __init__(self) -> None:
        self.items: dict[int, int] = {}  # row of each solid or surface, and of its representation
        self.places: list[tuple[int, Floats | None]] = []  # groups placed in it; None: it is not known where
        self.product = -1


def _references(items: list[Any]) -> list[Row]:
    return [one for one in items if isinstance(one, Row)]


class _Reader:
    """Collects the groups of one file."""

    def __init__(self, entities: Entities) -> None:
        self.entities = entities
        self.contexts: dict[int, Context] = {}
        self.units: dict[int, Measure] = {}
        self.representations: dict[int, tuple[list[Row], Any]] = {}
        self.kinds = {row: kind for name, kind in _KINDS.items() for row in entities.of_type(name)}
        for row in entities.of_type(*_REPRESENTATIONS):
            parts = entities.parts(row)
            arguments = parts.get("REPRESENTATION") or next(iter(parts.values()))
            if len(arguments) >= 3 and isinstance(arguments[1], list):
                self.representations[row] = _references(arguments[1]), arguments[2]
        self.leader: dict[int, int] = {}
        self.shown: dict[int, int] = {}  # representation of each product definition
        self.unit = self._unit()
        self.unplaced = self.unread = 0

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


def read(entities: Entities) -> Assembly:
    """Every solid and surface of a file once, with all its placements.

    Raises FormatError for an assembly that contains itself, for more than MAX_OCCURRENCES placed parts, and
    for units that are none.
    """
    reader = _Reader(entities)
    _join(reader)
    groups = _groups(reader)
    _map(reader, groups)
    uses = _use(reader, groups)
    order = _order(reader, groups)
    placements = _placements(reader, groups, order)
    parts = _parts(reader, groups, placements)
    declared = dict.fromkeys(
        part.context.length.name for part in parts if part.context and part.context.length
    )
    return Assembly(
        *(tuple(parts), reader.unit, ", ".join(declared), len(entities.of_type("PRODUCT")), len(uses)),
        _members(uses.values()),
        tuple(groups[row].product for row in _tops(groups) if groups[row].product >= 0),
        _notes(reader, parts),
    )


def _join(reader: _Reader) -> None:
    """Join representations that are one: by a relationship, or as shapes of one product."""
    entities = reader.entities
    for row in entities.of_type(*_RELATIONS):
        pair = [one for one in entities.arguments(row)[2:4] if reader.shows(one)]
        if len(pair) == 2:
            reader.join(*pair)
    for row in entities.of_type("SHAPE_DEFINITION_REPRESENTATION"):
        shape, representation = (*entities.arguments(row), None, None)[:2]
        product = _defined(entities, shape)
        if product >= 0 and entities.type(product) in _DEFINITIONS and reader.shows(representation):
            reader.join(reader.shown.setdefault(product, int(representation)), int(representation))


def _defined(entities: Entities, shape: Any) -> int:
    """What a PRODUCT_DEFINITION_SHAPE is the shape of, −1 for nothing."""
    if not isinstance(shape, Row) or entities.type(shape) != "PRODUCT_DEFINITION_SHAPE":
        return -1
    arguments = entities.arguments(shape)
    return int(arguments[2]) if len(arguments) > 2 and isinstance(arguments[2], Row) else -1


def _groups(reader: _Reader) -> dict[int, _Group]:
    """All groups with what they draw, those of products first."""
    groups: dict[int, _Group] = {}
    for product in reader.entities.of_type(*_DEFINITIONS):
        shown = reader.shown.setdefault(product, product)
        group = groups.setdefault(reader.find(shown), _Group())
        group.product = product if group.product < 0 else group.product
    for row, (items, _) in reader.representations.items():
        group = groups.setdefault(reader.find(row), _Group())
        for item in items:
            if item in reader.kinds:
                group.items.setdefault(int(item), row)
    for group in groups.values():
        solid = any(reader.kinds[item] == SOLID for item in group.items)
        if solid:  # then triangles show it again
            for again in [one for one in group.items if reader.entities.type(one) in _TESSELLATED]:
                del group.items[again]
    return groups


def _map(reader: _Reader, groups: dict[int, _Group]) -> None:
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
            matrix = _between(reader, (origin, shown), (target, outer))
            groups[reader.find(outer)].places.append((reader.find(shown), matrix))


def _between(reader: _Reader, inner: tuple[Any, int], outer: tuple[Any, int]) -> Floats | None:
    """Matrix that brings a frame of one representation onto a frame of another, None if one is none."""
    matrices = []
    for one, representation in (inner, outer):
        matrix = None
        if isinstance(one, Row):
            matrix = frame(reader.entities, one, float(reader.factor(representation)))
        if matrix is None:
            return None
        matrices.append(matrix)
    placed: Floats = matrices[1] @ inverse(matrices[0])
    return placed


def _use(reader: _Reader, groups: dict[int, _Group]) -> dict[int, tuple[int, ...]]:
    """Place what assembly uses place: the whole and the part of each."""
    entities = reader.entities
    uses: dict[int, tuple[int, ...]] = {}
    for row in entities.of_type("NEXT_ASSEMBLY_USAGE_OCCURRENCE"):
        whole, part = (*entities.arguments(row)[3:5], None, None)[:2]
        uses[row] = tuple(entities.expect(row, one, *_DEFINITIONS) for one in (whole, part))
    placed = set()
    for row in entities.of_type("CONTEXT_DEPENDENT_SHAPE_REPRESENTATION"):
        relation, shape = (*entities.arguments(row), None, None)[:2]
        use = _defined(entities, shape)
        if use in uses and isinstance(relation, Row):
            whole, part = (reader.find(reader.shown[one]) for one in uses[use])
            placed.add(use)
            groups[whole].places.append((part, _related(reader, relation, part)))
    for use in uses.keys() - placed:
        whole, part = (reader.find(reader.shown[one]) for one in uses[use])
        groups[whole].places.append((part, None))
    return uses


def _members(uses: Iterable[tuple[int, ...]]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for whole, part in uses:
        inner = found.setdefault(whole, {})
        inner[part] = inner.get(part, 0) + 1
    return found


def _related(reader: _Reader, relation: Row, part: int) -> Floats | None:
    """Matrix of a relationship with transformation, of which group `part` is the component."""
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
    return matrix if matrix is None or not turned else inverse(matrix)


def _order(reader: _Reader, groups: dict[int, _Group]) -> list[int]:
    """Groups in an order in which those that place come before those placed.

    Raises FormatError when there is none, or when it places too many parts.
    """
    counts: dict[int, int] = {}
    graph = {row: [inner for inner, _ in group.places] for row, group in groups.items()}
    try:
        for row in TopologicalSorter(graph).static_order():
            group = groups[row]
            counts[row] = len(group.items) + sum(counts[inner] for inner in graph[row])
            group.places = [place for place in group.places if counts[place[0]]]
    except CycleError as error:
        ring = " > ".join(f"#{reader.entities.number(row)}" for row in error.args[1][:8])
        msg = f"STEP assembly that contains itself, a cycle: {ring}; export it again"
        raise FormatError(msg) from error
    most = sum(counts[row] for row in _tops(groups))
    if most > MAX_OCCURRENCES:
        msg = (
            f"STEP file with too many occurrences: {most} placed parts, the limit is "
            f"{MAX_OCCURRENCES}; export the sub-assemblies one by one"
        )
        raise FormatError(msg)
    return [row for row in counts if counts[row]][::-1]


def _tops(groups: dict[int, _Group]) -> list[int]:
    """Groups that are placed by none, those of products first.

    What no product has counts only where it draws something that products do not: a file may list its solids
    again to present them, and place them in views.
    """
    products = [row for row in groups if groups[row].product >= 0]
    within = _within(groups, products)
    inner = {one for row in within for one, _ in groups[row].places}
    tops = [row for row in products if row not in inner]
    shown = {item for row in within for item in groups[row].items}
    others = {one for group in groups.values() for one, _ in group.places}
    for row in groups:
        if row not in within and row not in others:
            drawn = {item for one in _within(groups, [row]) for item in groups[one].items}
            if drawn - shown:
                tops.append(row)
                shown |= drawn
    return tops


def _within(groups: dict[int, _Group], rows: Iterable[int]) -> set[int]:
    """These groups and all that are placed in them, directly or not."""
    stack = list(rows)
    seen = set(stack)
    while stack:
        more = {one for one, _ in groups[stack.pop()].places} - seen
        seen |= more
        stack += more
    return seen


def _placements(reader: _Reader, groups: dict[int, _Group], order: Iterable[int]) -> dict[int, Floats]:
    """Matrices of all places of each group that is part of the whole."""
    found: dict[int, list[Floats]] = {row: [] for row in order}
    for row in _tops(groups):
        if row in found:
            found[row].append(np.eye(4)[None])
    whole = {}
    for row in found:
        if found[row]:
            whole[row] = np.concatenate(found[row])
            for inner, matrix in groups[row].places:
                reader.unplaced += len(whole[row]) if matrix is None else 0
                found[inner].append(whole[row] if matrix is None else whole[row] @ matrix)
    return whole


def _parts(reader: _Reader, groups: dict[int, _Group], placements: dict[int, Floats]) -> list[Part]:
    """Every solid and surface with its placements, in the order of the file."""
    entities = reader.entities
    places: dict[int, list[Floats]] = {}
    homes: dict[int, tuple[int, int]] = {}
    for row, matrices in placements.items():
        for item, representation in groups[row].items.items():
            places.setdefault(item, []).append(matrices)
            homes.setdefault(item, (row, representation))
    if not homes:  # no representation: what is drawn is all there is
        for item, kind in reader.kinds.items():
            if kind == SOLID:
                places[item], homes[item] = [np.eye(4)[None]], (-1, -1)
    found = []
    for item in sorted(homes):
        group, representation = homes[item]
        product = groups[group].product if group in groups else -1
        whole = np.concatenate(places[item])
        size = np.linalg.det(whole[:, :3, :3])
        found.append(
            Part(
                *(item, entities.number(item), reader.kinds[item], _name(entities, product, item), product),
                *(reader.context(representation), reader.factor(representation)),
                *(whole, size < 0, np.cbrt(np.abs(size))),
            )
        )
    return found


def _name(entities: Entities, product: int, item: int) -> str:
    """Name of a product, or of a solid that belongs to none."""
    row: Any = product
    if row >= 0:
        for argument in (2, 2):  # PRODUCT_DEFINITION, its formation, PRODUCT
            arguments = entities.arguments(row)
            row = arguments[argument] if len(arguments) > argument else None
            if not isinstance(row, Row):
                break
        else:
            texts = [one for one in entities.arguments(row)[:2] if isinstance(one, str) and one.strip()]
            if texts:
                return texts[-1]
    arguments = entities.arguments(item)
    return arguments[0] if arguments and isinstance(arguments[0], str) else ""


def _notes(reader: _Reader, parts: list[Part]) -> tuple[Note, ...]:
    """What whoever measures the parts should know."""
    notes: list[Note] = []
    bare = sum(not (part.context and part.context.length) for part in parts)
    if bare and reader.unit:
        text = (
            f"{bare} of {len(parts)} parts are in contexts that state no unit; that of the others is assumed"
        )
        notes.append(("unit-assumed", text, {"parts": len(parts), "without": bare}))
    for code, says, count in (
        ("mirrored", "placed as mirror images", sum(int(part.mirrored.sum()) for part in parts)),
        ("scaled", "placed at another size", sum(int((abs(part.scale - 1) > 1e-9).sum()) for part in parts)),
    ):
        if count:
            notes.append((code, f"{count} parts are {says}", {"count": count}))
    if reader.unplaced:
        text = f"{reader.unplaced} placements could not be read; the parts stand where they were drawn"
        notes.append(("placement-missing", text, {"count": reader.unplaced}))
    if reader.unread:
        text = f"{reader.unread} mapped items name no representation; they are left out"
        notes.append(("mapped-missing", text, {"count": reader.unread}))
    return tuple(notes)
