"""What a STEP file states of its parts: the volume, area and centre that the exporter computed; density, material.

Sources: CAx-IF Recommended Practices for Geometric and Assembly Validation Properties, 4.4, and for Material
Identification and Density, 2.1. Units are taken as they are written, with their exponents, since densities are often
written in nonsense such as kg m³.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from massproof import contexts
from massproof.contexts import Measure
from massproof.entities import Entities, Row, Typed
from massproof.errors import FormatError

VOLUME, AREA, CENTRE, DENSITY, MATERIAL = "volume", "area", "centre", "density", "material"
NOTIONAL = "notional centre"  # of one unit solid at the origin of each component: no mass property

_KINDS = {
    **{"volume measure": VOLUME, "surface area measure": AREA, "wetted area measure": AREA},
    **{"density measure": DENSITY, "centre point": CENTRE},
}
_EXPONENTS = {VOLUME: (3, 0), AREA: (2, 0), DENSITY: (-3, 1)}  # of length and mass
_MOST = 12  # exponents beyond this are no unit of anything
_SHAPES = ("PRODUCT_DEFINITION_SHAPE",)


class Stated(NamedTuple):
    """One value that a file states."""

    kind: str
    value: float | str | tuple[float, ...]  # as written
    factor: Fraction | None  # from there to m³, m², m, kg/m³; None: its unit is not one of that
    unit: tuple[int, int] | None  # exponents of length and mass of the unit; None: not read
    number: int  # of the instance that states it
    product: int  # row of the product definition that it is of, −1: of none
    use: int  # row of the assembly usage that it is of, −1: of the product itself
    items: tuple[int, ...]  # rows of the shapes that it is of, where it is not of all of the product


def read(entities: Entities) -> tuple[Stated, ...]:
    """All that a file states of volumes, areas, centres, densities and materials, in its order."""
    known: dict[int, Measure] = {}
    drawn = _drawn(entities)
    found = []
    for row in entities.of_type("PROPERTY_DEFINITION_REPRESENTATION"):
        definition, shown = (*entities.arguments(row), None, None)[:2]
        target = _argument(entities, definition, 2)
        if entities.type(_row(definition)) == "PROPERTY_DEFINITION" and target >= 0:
            product, use = _owner(entities, target)
            for item in _items(entities, _row(shown)):
                value = _value(entities, item, _row(shown), known)
                if value:
                    found.append(Stated(*value, entities.number(item), product, use, drawn.get(target, ())))
    return tuple(found)


def _row(one: Any) -> int:
    return int(one) if isinstance(one, Row) else -1


def _argument(entities: Entities, one: Any, which: int) -> int:
    """The row that an argument of an instance refers to, −1 for none."""
    arguments = entities.arguments(one) if isinstance(one, Row) else []
    return _row(arguments[which]) if len(arguments) > which else -1


def _items(entities: Entities, shown: int) -> list[Row]:
    """What a representation lists."""
    arguments = next(iter(entities.parts(shown).values()), []) if shown >= 0 else []
    items = arguments[1] if len(arguments) > 1 else None
    return [one for one in items if isinstance(one, Row)] if isinstance(items, list) else []


def _drawn(entities: Entities) -> dict[int, tuple[int, ...]]:
    """Shapes of each aspect of a product, by the row of the aspect."""
    found: dict[int, tuple[int, ...]] = {}
    for row in entities.of_type("SHAPE_DEFINITION_REPRESENTATION"):
        definition, shown = (*entities.arguments(row), None, None)[:2]
        aspect = _argument(entities, definition, 2)
        if entities.type(aspect) == "SHAPE_ASPECT":
            found[aspect] = tuple(map(int, _items(entities, _row(shown))))
    return found


def _owner(entities: Entities, target: int) -> tuple[int, int]:
    """Rows of the product definition and of the assembly usage that something is of, −1 for none."""
    name = entities.type(target)
    if name == "SHAPE_ASPECT":
        target = _argument(entities, Row(target), 2)
        name = entities.type(target)
    if name in _SHAPES:
        target = _argument(entities, Row(target), 2)
        name = entities.type(target)
    if name == "NEXT_ASSEMBLY_USAGE_OCCURRENCE":
        return _argument(entities, Row(target), 4), target
    return (target if name.startswith("PRODUCT_DEFINITION") else -1), -1


def _value(
    entities: Entities, item: int, shown: int, known: dict[int, Measure]
) -> tuple[str, Any, Fraction | None, tuple[int, int] | None] | None:
    """Kind, value, factor and unit of an item that states something, None for others."""
    name = entities.type(item)
    arguments = entities.arguments(item)
    kind = _KINDS.get(str(arguments[0]).strip().lower() if arguments else "")
    if name == "DESCRIPTIVE_REPRESENTATION_ITEM" and len(arguments) > 1 and isinstance(arguments[1], str):
        named = _title(entities, shown) == "material name"
        return (MATERIAL, arguments[1], None, None) if named else None
    if name == "CARTESIAN_POINT" and kind == CENTRE and entities.checked[item] == 1:
        kind = NOTIONAL if "notional" in _title(entities, shown) else CENTRE
        return kind, tuple(arguments[1]), _length(entities, shown, known), (1, 0)
    if name == "MEASURE_REPRESENTATION_ITEM" and kind in _EXPONENTS and len(arguments) > 2:
        value = arguments[1].value if isinstance(arguments[1], Typed) else [arguments[1]]
        if value and isinstance(value[0], float):
            factor, unit = _unit(entities, _row(arguments[2]), known)
            return kind, value[0], factor if unit == _EXPONENTS[str(kind)] else None, unit
    return None


def _title(entities: Entities, shown: int) -> str:
    """Name of a representation, in small letters."""
    return str(next(iter(entities.parts(shown).values()))[0]).lower()


def _length(entities: Entities, shown: int, known: dict[int, Measure]) -> Fraction | None:
    """Unit of length of a representation."""
    arguments = next(iter(entities.parts(shown).values()))
    context = _row(arguments[2]) if len(arguments) > 2 else -1
    length = contexts.read(entities, context, known).length if context >= 0 else None
    return length.factor if length else None


def _unit(
    entities: Entities, row: int, known: dict[int, Measure]
) -> tuple[Fraction | None, tuple[int, int] | None]:
    """Factor of a unit to SI, and its exponents of length and mass; None where it cannot be read."""
    factor, length, mass = Fraction(1), 0, 0
    for element in _elements(entities, row):
        unit, exponent = (*entities.arguments(element), None, None)[:2]
        if not isinstance(exponent, float) or abs(exponent) > _MOST or exponent % 1:
            return None, None
        try:
            one = contexts.measure(entities, _row(unit), known) if isinstance(unit, Row) else None
        except FormatError:
            one = None
        if one is None or one.kind not in ("LENGTH_UNIT", "MASS_UNIT"):
            return None, None
        factor *= one.factor ** int(exponent)
        length += int(exponent) if one.kind == "LENGTH_UNIT" else 0
        mass += int(exponent) if one.kind == "MASS_UNIT" else 0
    return (factor, (length, mass)) if length or mass else (None, None)


def _elements(entities: Entities, row: int) -> list[Row]:
    """Elements of a derived unit, of which a volume or an area is one, too."""
    for arguments in entities.parts(row).values() if row >= 0 else ():
        if arguments and isinstance(arguments[0], list):
            return [one for one in arguments[0] if entities.type(_row(one)) == "DERIVED_UNIT_ELEMENT"]
    return []
