"""How a STEP file shows its parts: colours, transparency, what is hidden, and layers; of parts, places and faces.

Terms of ISO 10303-46; how exporters use them follows the CAx-IF Recommended Practices for Presentation Style, 1.0.
Colours are taken as sRGB, as CAD systems write them; the standard names no colour space.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from massproof import groups, products
from massproof.entities import Entities, Row
from massproof.products import Part

Colour = tuple[float, float, float]  # red, green, blue, from 0 to 1

_STYLES = (  # from a styled item to a colour
    *("PRESENTATION_STYLE_ASSIGNMENT", "PRESENTATION_STYLE_BY_CONTEXT", "SURFACE_STYLE_USAGE"),
    *("SURFACE_SIDE_STYLE", "SURFACE_STYLE_FILL_AREA", "FILL_AREA_STYLE", "FILL_AREA_STYLE_COLOUR"),
    *("SURFACE_STYLE_RENDERING", "SURFACE_STYLE_RENDERING_WITH_PROPERTIES"),
)
_ITEMS = ("STYLED_ITEM", "OVER_RIDING_STYLED_ITEM", "CONTEXT_DEPENDENT_OVER_RIDING_STYLED_ITEM")
_NAMED: dict[str, Colour] = {
    **{"black": (0.0, 0.0, 0.0), "white": (1.0, 1.0, 1.0), "red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0)},
    **{
        "blue": (0.0, 0.0, 1.0),
        "yellow": (1.0, 1.0, 0.0),
        "magenta": (1.0, 0.0, 1.0),
        "cyan": (0.0, 1.0, 1.0),
    },
}
_DEPTH = 12  # from a styled item to its colour there are eight steps
_SHELLS = ("CLOSED_SHELL", "OPEN_SHELL", "CONNECTED_FACE_SET")  # and oriented ones


@dataclass(frozen=True, slots=True)
class Look:
    """How something is shown; what the file does not say is None, opaque, visible and in no layer."""

    colour: Colour | None = None
    opacity: float = 1.0  # 0: not to be seen
    hidden: bool = False
    layers: tuple[str, ...] = ()

    def over(self, other: Look) -> Look:
        """This look of a part of what looks like `other`."""
        shown = self if self.colour else other
        hidden, layers = self.hidden or other.hidden, self.layers or other.layers
        return Look(shown.colour, shown.opacity, hidden, layers)


_PLAIN = Look()


@dataclass(frozen=True, slots=True)
class Appearance:
    """How all parts of a model look."""

    parts: tuple[tuple[Look, ...], ...]  # of each of `Model.parts`, in each of its placements
    faces: dict[int, Look]  # by number of the instance, of those that look otherwise than their part
    over: dict[tuple[int, int, int], Look] = field(default_factory=dict)  # part, place, face: only there

    def of(self, part: int, place: int = 0, face: int | None = None) -> Look:
        """How a part of `Model.parts` looks in one of its placements; face : number of one, if it is meant."""
        look = self.parts[part][place]
        if face is None:
            return look
        own = self.over.get((part, place, face), _PLAIN).over(self.faces.get(face, _PLAIN))
        return own.over(look)


class _Style(NamedTuple):
    """What one styled item says."""

    item: int
    look: Look
    context: frozenset[int]  # rows of assembly usages and mapped items: it holds only in all of these


def read(entities: Entities, parts: Sequence[Part]) -> Appearance:
    """How the parts of a file look.

    Raises what `products.read` raises.
    """
    reader = _Reader(entities)
    ways = products.paths(entities)
    found = []
    over: dict[tuple[int, int, int], Look] = {}
    for n, part in enumerate(parts):
        places = ways.get(part.row, [()])
        found.append(tuple(reader.there(part.row, path) for path in places))
        for place, path in enumerate(places if reader.somewhere else ()):
            over |= {(n, place, face): look for face, look in reader.faces_there(part.row, path).items()}
    return Appearance(tuple(found), reader.faces(), over)


class _Reader:
    """Styles and layers of one file, by the rows of what they are of."""

    def __init__(self, entities: Entities) -> None:
        self.entities = entities
        self.everywhere: dict[int, Look] = {}
        self.somewhere: dict[int, list[_Style]] = {}
        self._homes = _representations(entities)
        uses, hidden = _uses(entities), _hidden(entities)
        for row in (one for name in _ITEMS for one in entities.of_type(name)):  # what overrides comes last
            for style in _styles(entities, row, uses):
                look = replace(style.look, hidden=row in hidden)
                if style.context:
                    self.somewhere.setdefault(style.item, []).append(style._replace(look=look))
                else:
                    self.everywhere[style.item] = look.over(self.everywhere.get(style.item, _PLAIN))
        for row, layers in _layers(entities).items():
            own = self.everywhere.get(row, _PLAIN)
            dark = own.hidden or any(layer in hidden for layer in layers)
            self.everywhere[row] = replace(own, hidden=dark, layers=tuple(dict.fromkeys(layers.values())))

    def of(self, row: int) -> Look:
        """How a body looks where nothing overrides that: as itself, or as the representation that shows it."""
        look = self.everywhere.get(row, _PLAIN)
        for home in self._homes.get(row, ()):
            look = look.over(self.everywhere.get(home, _PLAIN))
        return look

    def there(self, row: int, path: tuple[int, ...]) -> Look:
        """How a body looks in a place; what is said farther out overrides what is said within."""
        look = self.of(row)
        for mark in reversed(path):
            look = self.everywhere.get(mark, _PLAIN).over(look)
        for item in (*self._homes.get(row, ()), row, *reversed(path)):
            for style in self._held(item, path):
                look = style.look.over(look)
        return look

    def _held(self, item: int, path: tuple[int, ...]) -> list[_Style]:
        """What is said of an item in a place alone, what is said farthest out last."""
        found = [one for one in self.somewhere.get(item, ()) if one.context <= set(path)]
        return sorted(found, key=lambda one: -min(map(path.index, one.context)))

    def faces(self) -> dict[int, Look]:
        """Looks of faces by their numbers, where they or their shells have one."""
        return self._faces_of(self.everywhere.items())

    def faces_there(self, row: int, path: tuple[int, ...]) -> dict[int, Look]:
        """Looks that the faces of a body have in a place alone."""
        members = _references(self.entities, row)
        members += [face for shell in members for face in _faces(self.entities, shell)]
        return self._faces_of((one, style.look) for one in members for style in self._held(one, path))

    def _faces_of(self, looks: Iterable[tuple[int, Look]]) -> dict[int, Look]:
        """Looks of faces and shells as those of faces; that of the face counts more."""
        own: dict[int, Look] = {}
        outer: dict[int, Look] = {}
        for row, look in looks:
            if self.entities.type(row).endswith(_SHELLS):
                outer |= {self.entities.number(face): look for face in _faces(self.entities, row)}
            elif "FACE" in self.entities.type(row):
                number = self.entities.number(row)
                own[number] = look.over(own.get(number, _PLAIN))
        return {face: own.get(face, _PLAIN).over(outer.get(face, _PLAIN)) for face in own | outer}


def _references(entities: Entities, row: int) -> list[int]:
    """Rows of all instances that one refers to, in its lists, too."""
    found, stack = [], [one for part in entities.parts(row).values() for one in part][::-1]
    while stack:
        one = stack.pop()
        if isinstance(one, Row):
            found.append(int(one))
        stack += one[::-1] if isinstance(one, list) else []
    return found


def _faces(entities: Entities, shell: int) -> Iterator[int]:
    """Rows of the faces of a shell, as they are without orientation; of what is none or malformed, nothing."""
    if entities.checked[shell] != 1 or not entities.type(shell).endswith(_SHELLS):
        return
    for one in _references(entities, shell):
        name = entities.type(one)
        if name in ("CLOSED_SHELL", "OPEN_SHELL"):  # this one is that, turned
            yield from _faces(entities, one)
        elif name == "ORIENTED_FACE":
            yield from _references(entities, one)
        else:
            yield one


def _representations(entities: Entities) -> dict[int, list[int]]:
    """Representations that show an item, by its row."""
    found: dict[int, list[int]] = {}
    for row, (items, _) in groups.Reader(entities).representations.items():
        for item in items:
            found.setdefault(int(item), []).append(row)
    return found


def _uses(entities: Entities) -> dict[int, int]:
    """By the row of what a style may have as its context: the assembly usage or mapped item that it means."""
    found = {row: row for row in entities.of_type("NEXT_ASSEMBLY_USAGE_OCCURRENCE", "MAPPED_ITEM")}
    shapes = {row: groups.defined(entities, Row(row)) for row in entities.of_type("PRODUCT_DEFINITION_SHAPE")}
    found |= {row: use for row, use in shapes.items() if use in found}
    for name, shape, picture in (
        ("SHAPE_DEFINITION_REPRESENTATION", 0, 1),
        ("CONTEXT_DEPENDENT_SHAPE_REPRESENTATION", 1, None),
    ):
        for row in entities.of_type(name):
            ends = _references(entities, row)
            if len(ends) == 2 and ends[shape] in found:
                found[row if picture is None else ends[picture]] = found[ends[shape]]
    return found


def _hidden(entities: Entities) -> set[int]:
    """Rows of styled items and layers that are not to be seen."""
    return {one for row in entities.of_type("INVISIBILITY") for one in _references(entities, row)}


def _layers(entities: Entities) -> dict[int, dict[int, str]]:
    """Layers of an item, by its row: rows and names of them. A styled item stands for what it is of."""
    found: dict[int, dict[int, str]] = {}
    for row in entities.of_type("PRESENTATION_LAYER_ASSIGNMENT"):
        for one in _references(entities, row):
            item = _styled(entities, one) if entities.type(one) in _ITEMS else one
            found.setdefault(item, {})[row] = entities.name(row)
    return found


def _styled(entities: Entities, row: int) -> int:
    """What a styled item is of, −1 for nothing."""
    item = (*entities.arguments(row), None, None, None)[2]
    return int(item) if isinstance(item, Row) else -1


def _styles(entities: Entities, row: int, uses: dict[int, int]) -> Iterator[_Style]:
    """What a styled item says, once for each context in which it says so."""
    arguments = (*entities.arguments(row), *[None] * 5)[:5]
    item, places = _styled(entities, row), _list(arguments[4])
    for style in _list(arguments[1]):
        context = list(places)
        if entities.type(style) == "PRESENTATION_STYLE_BY_CONTEXT":
            context += _references(entities, style)[-1:]
        look = _look(entities, style)
        known = frozenset(uses[one] for one in context if one in uses)
        if item >= 0 and look.colour and (known or not context):  # of a context that is not known: nothing
            yield _Style(item, look, known)


def _list(one: Any) -> list[int]:
    return [int(k) for k in one if isinstance(k, Row)] if isinstance(one, list) else []


def _look(entities: Entities, row: int, depth: int = 0) -> Look:
    """Colour and opacity that a style gives to surfaces, from outside."""
    name = entities.type(row)
    arguments = entities.arguments(row)
    if name == "COLOUR_RGB":
        return Look(_colour(arguments[1:4]))
    if name == "DRAUGHTING_PRE_DEFINED_COLOUR":
        return Look(_NAMED.get(entities.name(row).lower()))
    if name == "SURFACE_STYLE_TRANSPARENT":
        part = (*arguments, None)[0]
        return Look(opacity=1.0 - part if isinstance(part, float) and 0 <= part <= 1 else 1.0)
    inside = name == "SURFACE_STYLE_USAGE" and arguments[:1] == ["NEGATIVE"]
    if name not in _STYLES or depth == _DEPTH or inside:
        return _PLAIN
    found = [_look(entities, one, depth + 1) for one in _references(entities, row)]
    return Look(
        next((one.colour for one in found if one.colour), None), min([1.0, *(one.opacity for one in found)])
    )


def _colour(values: Sequence[Any]) -> Colour | None:
    """A colour, None where the three numbers are none."""
    if len(values) == 3 and all(isinstance(one, float) and 0 <= one <= 1 for one in values):
        return values[0], values[1], values[2]
    return None
