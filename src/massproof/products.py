"""STEP product structure: which solids there are, what they are called, where they are placed, in which unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import numpy as np

from massproof.brep import Floats
from massproof.contexts import Context
from massproof.entities import Entities, Row
from massproof.errors import FormatError, Note
from massproof.groups import (
    SOLID,
    Group,
    Reader,
    collect,
    join,
    map_items,
    members,
    use_products,
)
from massproof.placements import STAY, Places, joined

MAX_OCCURRENCES = 100_000  # placed solids and surfaces; a file of 80 kB can hold 10¹⁰


class Part(NamedTuple):
    """One solid or surface model of a file, and all its places in the whole."""

    row: int
    number: int
    kind: str  # SOLID, SURFACE, FACETS, OTHER
    name: str  # of its product; of itself where it belongs to none
    product: int  # row of its PRODUCT_DEFINITION, −1 where it belongs to none
    context: Context | None
    factor: Fraction  # from the numbers of its context to the unit of the assembly
    placements: Floats  # (n, 4, 4) in the unit of the assembly
    mirrored: Any  # (n,) bool
    scale: Floats  # (n,) 1 where it keeps its size
    travel: Floats  # (n,) how far the placements go that bring it there, in the unit of the assembly
    steps: Floats  # (n,) how many these are; rounding is in proportion to both


class Layout(NamedTuple):
    """Groups of representations, and how they are placed."""

    reader: Reader
    groups: dict[int, Group]
    uses: dict[int, tuple[int, ...]]  # the whole and part of each assembly usage
    tops: list[int]  # groups placed by none
    order: list[int]  # in which groups come before those that they place


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
    layout: Layout  # that the parts were placed by


def read(entities: Entities) -> Assembly:
    """Every solid and surface of a file once, with all its placements.

    Raises FormatError for an assembly that contains itself, for more than MAX_OCCURRENCES placed parts, and
    for units that are none.
    """
    layout = grouped(Reader(entities))
    reader, groups, uses, tops, order = layout
    with np.errstate(all="ignore"):  # sizes that multiply through many levels
        placements = _placements(reader, groups, tops, order)
        parts = _parts(reader, groups, placements)
    declared = dict.fromkeys(
        part.context.length.name for part in parts if part.context and part.context.length
    )
    return Assembly(
        *(tuple(parts), reader.unit, ", ".join(declared), entities.count("PRODUCT"), len(uses)),
        members(uses.values()),
        tuple(groups[row].product for row in tops if groups[row].product >= 0),
        notes(reader, parts, reader.unplaced),
        layout,
    )


def grouped(reader: Reader) -> Layout:
    """The groups of a file; of what draws nothing there are no places. Raises FormatError as `read` does."""
    join(reader)
    groups = collect(reader)
    map_items(reader, groups)
    uses = use_products(reader, groups)
    return Layout(reader, groups, uses, *_order(reader, groups))


def paths(entities: Entities) -> dict[int, list[tuple[int, ...]]]:
    """By row of each solid and surface, for each of its placements in order, what makes it, from the whole inwards.

    That is a row of an assembly usage or of a mapped item for each level.
    """
    _, groups, _, tops, order = grouped(Reader(entities))
    places: dict[int, list[tuple[int, ...]]] = {row: [] for row in order}
    for row in tops:
        places.setdefault(row, []).append(())
    found: dict[int, list[tuple[int, ...]]] = {}
    for row in order:
        for inner, _, mark in groups[row].places:
            places[inner] += [(*path, mark) for path in places[row]]
        for item in groups[row].items:
            found.setdefault(item, []).extend(places[row])
    return found


def _order(reader: Reader, groups: dict[int, Group]) -> tuple[list[int], list[int]]:
    """Groups that are placed by none; all in an order in which those that place come before those placed.

    Raises FormatError when there is none, or when it places too many parts.
    """
    counts: dict[int, int] = {}
    graph = {row: [inner for inner, _, _ in group.places] for row, group in groups.items()}
    try:
        for row in TopologicalSorter(graph).static_order():
            group = groups[row]
            counts[row] = len(group.items) + sum(counts[inner] for inner in graph[row])
            group.places = [place for place in group.places if counts[place[0]]]
    except CycleError as error:
        ring = " > ".join(f"#{reader.entities.number(row)}" for row in error.args[1][:8])
        msg = f"STEP assembly that contains itself, a cycle: {ring}; export it again"
        raise FormatError(msg) from error
    tops = _tops(groups)
    most = sum(counts[row] for row in tops)
    if most > MAX_OCCURRENCES:
        msg = (
            f"STEP file with too many occurrences: {most} placed parts, the limit is "
            f"{MAX_OCCURRENCES}; export the sub-assemblies one by one"
        )
        raise FormatError(msg)
    return tops, [row for row in counts if counts[row]][::-1]


def _tops(groups: dict[int, Group]) -> list[int]:
    """Groups that are placed by none, those of products first.

    What no product has counts only where it draws something that products do not: a file may list its solids
    again to present them, and place them in views.
    """
    products = [row for row in groups if groups[row].product >= 0]
    inside = within(groups, products)
    inner = {one for row in inside for one, _, _ in groups[row].places}
    tops = [row for row in products if row not in inner]
    shown = {item for row in inside for item in groups[row].items}
    others = {one for group in groups.values() for one, _, _ in group.places}
    for row in groups:
        if row not in inside and row not in others:
            drawn = {item for one in within(groups, [row]) for item in groups[one].items}
            if drawn - shown:
                tops.append(row)
                shown |= drawn
    return tops


def within(groups: dict[int, Group], rows: Iterable[int]) -> set[int]:
    """These groups and all that are placed in them, directly or not."""
    stack = list(rows)
    seen = set(stack)
    while stack:
        more = {one for one, _, _ in groups[stack.pop()].places} - seen
        seen |= more
        stack += more
    return seen


def _placements(
    reader: Reader, groups: dict[int, Group], tops: Iterable[int], order: Iterable[int]
) -> dict[int, Places]:
    """All places of each group that is part of the whole."""
    found: dict[int, list[Places]] = {row: [] for row in order}
    for row in tops:
        if row in found:
            found[row].append(STAY)
    whole = {}
    for row in found:
        if found[row]:
            whole[row] = joined(found[row])
            for inner, place, _ in groups[row].places:
                reader.unplaced += len(whole[row].steps) if place is None else 0
                found[inner].append(whole[row] if place is None else whole[row].then(place))
    return whole


def _parts(reader: Reader, groups: dict[int, Group], placements: dict[int, Places]) -> list[Part]:
    """Every solid and surface with its placements, in the order of the file."""
    entities = reader.entities
    places: dict[int, list[Places]] = {}
    homes: dict[int, tuple[int, int]] = {}
    for row, where in placements.items():
        for item, representation in groups[row].items.items():
            places.setdefault(item, []).append(where)
            homes.setdefault(item, (row, representation))
    if not homes:  # no representation: what is drawn is all there is
        for item, kind in reader.kinds.items():
            if kind == SOLID:
                places[item], homes[item] = [STAY], (-1, -1)
    found = []
    for item in sorted(homes):
        group, representation = homes[item]
        product = groups[group].product if group in groups else -1
        found.append(
            Part(
                *(item, entities.number(item), reader.kinds[item], _name(entities, product, item), product),
                *(reader.context(representation), reader.factor(representation)),
                *stands(joined(places[item])),
            )
        )
    return found


def stands(places: Places) -> tuple[Floats, Any, Floats, Floats, Floats]:
    """The last five fields of a `Part` that stands there."""
    size = np.linalg.det(places.matrices[:, :3, :3])
    return places.matrices, size < 0, np.cbrt(np.abs(size)), places.lengths, places.steps


def title(entities: Entities, product: int) -> str:
    """Name of the product of a product definition, or else its identifier; "" where it has none."""
    texts = [one for one in _labels(entities, product) if one]
    return texts[-1] if texts else ""


def identifier(entities: Entities, product: int) -> str:
    """Identifier of the product of a product definition, its part number; "" where it has none."""
    return (*_labels(entities, product), "")[0]


def _labels(entities: Entities, product: int) -> list[str]:
    """Identifier and name of a product, "" for what is blank."""
    row: Any = product
    if row < 0:
        return []
    for argument in (2, 2):  # PRODUCT_DEFINITION, its formation, PRODUCT
        arguments = entities.arguments(row)
        row = arguments[argument] if len(arguments) > argument else None
        if not isinstance(row, Row):
            return []
    return [one if isinstance(one, str) and one.strip() else "" for one in entities.arguments(row)[:2]]


def _name(entities: Entities, product: int, item: int) -> str:
    """Name of a product, or of a solid that belongs to none."""
    return title(entities, product) or entities.name(item)


def notes(reader: Reader, parts: Sequence[Part], unplaced: int) -> tuple[Note, ...]:
    """What whoever measures the parts should know; unplaced : how many of their placements could not be read."""
    found: list[Note] = []
    bare = sum(not (part.context and part.context.length) for part in parts)
    if bare and reader.unit:
        text = (
            f"{bare} of {len(parts)} parts are in contexts that state no unit; that of the others is assumed"
        )
        found.append(("unit-assumed", text, {"parts": len(parts), "without": bare}))
    for code, says, count in (
        ("mirrored", "placed as mirror images", sum(int(part.mirrored.sum()) for part in parts)),
        (
            "scaled",
            "placed at another size",
            sum(int((~(abs(part.scale - 1) <= 1e-9)).sum()) for part in parts),
        ),
    ):
        if count:
            found.append((code, f"{count} parts are {says}", {"count": count}))
    if unplaced:
        text = f"{unplaced} placements could not be read; the parts stand where they were drawn"
        found.append(("placement-missing", text, {"count": unplaced}))
    if reader.unread:
        text = f"{reader.unread} mapped items name no representation; they are left out"
        found.append(("mapped-missing", text, {"count": reader.unread}))
    if reader.pictures:
        text = (
            f"{reader.pictures} tessellated shapes stand beside exact ones of the same product and do not say what "
            "they show; they are taken for pictures of these, and not measured"
        )
        found.append(("tessellation-left", text, {"count": reader.pictures}))
    return tuple(found)
