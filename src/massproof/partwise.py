"""Each part and sub-assembly of a file measured: what it weighs in its own frame, and where it is used.

Of a STEP file these are its products. Each solid is integrated once; a sub-assembly is the sum of those it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from functools import cached_property, partial
from pathlib import PurePath
from typing import Any

from massproof import engines, formats, products, sources, structure, units
from massproof.breakdown import Assembly, Part, Use, matrix_of
from massproof.brep import Drawn
from massproof.errors import FormatError, MissingExtra, UsageError
from massproof.groups import SURFACE
from massproof.measure import Begun, begin, report
from massproof.placements import STAY, Places
from massproof.properties import Finding, Properties, Source, Verdict
from massproof.sources import Loaded
from massproof.stated import MATERIAL, Stated
from massproof.stepfile import Model
from massproof.structure import Key, Node
from massproof.weigh import Density


def assembly(source: Any, **options: Any) -> Assembly:
    """Measure each part and sub-assembly of a file in its own frame, and tell where it is used.

    source, options : as `measure` takes them; a mass is that of the whole, of which each part has its share of the
        volume, and `strict` asks for a volume of the whole. Densities that a STEP file states weigh each part that
        has one, whatever others have.

    The whole has the properties that `measure` gives it, and is the sum of its uses: parts with bodies of their own
    beside the products that they use have these as one more part. A part of surfaces alone has an area and no volume,
    and counts for nothing in a whole that has solids, as `measure` says (finding `free-shells`). Products that draw
    nothing are left out. A file without products, a mesh or a CAD object is one part.

    Raises what `measure` raises, and FormatError for sub-assemblies so deep in each other that summing them would
    take too long. Of a part that cannot be measured, `absent` says why.
    """
    begun = begin(source, **options)
    if isinstance(begun.loaded.geometry, Drawn):
        return _Products(begun, begun.loaded.geometry).assembly()
    measured = sources.integrate(begun.loaded, stated=begun.stated, **begun.options)
    properties = report(begun.loaded, measured, begun.stated, begun.asked)
    return Assembly("d0", {"d0": Part("d0", _stem(begun.loaded), properties)})


def alone(source: Any, part: str, format: str | None = None) -> Loaded:
    """A part or sub-assembly of a file alone, in its own frame; part : its id in the `assembly` of the file.

    Facets can be made of it, and it can be measured; STEP would be of the whole file.

    Raises what `measure` raises for a source that cannot be read, and UsageError for an id that there is not.
    """
    loaded = sources.load(source, format)
    geometry, found = loaded.geometry, None
    if isinstance(geometry, Drawn):
        tree = structure.tree(geometry.model)
        found = next((tree.nodes[key] for key, id in _ids(tree).items() if id == part), None)
    if part == "d0":
        return loaded
    if found is None or not isinstance(geometry, Drawn):
        msg = f"{loaded.name} has no part {part!r}; give an id of its `assembly`"
        raise UsageError(msg)
    return replace(loaded, geometry=replace(geometry, model=found.model))


def _ids(tree: structure.Tree) -> dict[Key, str]:
    """Ids of all products of a file; d0 is the whole, whether that is one product or several."""
    return {key: f"d{number + (len(tree.tops) != 1)}" for number, key in enumerate(_met(tree))}


def _stem(loaded: Loaded) -> str:
    """What a file is called without its folder and the suffix of a format."""
    path = PurePath(loaded.name)
    return path.stem if path.suffix.lower() in formats.SUFFIXES else path.name


class _Products:
    """The products of a STEP file."""

    def __init__(self, begun: Begun, drawn: Drawn) -> None:
        self._begun, self._drawn = begun, drawn
        self._model: Model = drawn.model
        self._tree = structure.tree(self._model)
        self._pools: dict[bool, engines.Pool] = {}
        self._told = _by_owner(self._stated)

    @cached_property
    def _stated(self) -> tuple[Stated, ...]:
        """What the file states, also where it weighs nothing; nothing where that cannot be read and is not needed."""
        asked = self._begun.asked
        if asked.given is None and asked.total is None:
            return self._begun.stated
        try:
            return self._begun.loaded.weighed()
        except FormatError:
            return ()

    def assembly(self) -> Assembly:
        """All of them."""
        loaded, stated = self._begun.loaded, self._begun.stated
        pool = partial(self._pool, self._model)
        measured = sources.integrate(loaded, stated=stated, pool=pool, **self._begun.options)
        whole = report(loaded, measured, stated, self._begun.asked)
        self._asked = self._begun.asked._replace(strict=False)
        if self._asked.total is not None:
            self._asked = self._asked._replace(total=None, given=_density(whole))
        self._side = float((measured.high - measured.low).max())
        return self._named(whole)

    def _named(self, whole: Properties) -> Assembly:
        """Everything by its id, in the order in which it is met from the whole downwards."""
        tree = self._tree
        ids = _ids(tree)
        parts: dict[str, Part] = {}
        if len(tree.tops) != 1:
            stay = [structure.Use(key, STAY, -1) for key in tree.tops]
            parts["d0"] = Part("d0", _stem(self._begun.loaded), whole, self._uses(stay, ids))
        for key, name in ids.items():
            node = tree.nodes[key]
            root = (key,) == tree.tops
            title = self._title(node) or (_stem(self._begun.loaded) if root else "")
            properties = whole if root else self._properties(node, title)
            uses = self._uses(node.uses, ids)
            own = None if key[1] else products.identifier(self._model.entities, node.product) or None
            parts[name] = Part(name, title, properties, uses, own, self._material(node))
        return Assembly("d0", parts)

    def _title(self, node: Node) -> str:
        """Name of a product, or of the one body that is drawn in none."""
        shown = engines.measured(node.model)
        own = shown[0].part.name if len(shown) == 1 else ""
        return products.title(self._model.entities, node.product) or own

    def _material(self, node: Node) -> str | None:
        bodies = () if node.uses else (one.part.row for one in node.model.parts)
        told = (one for owner in (node.product, *bodies) for one in self._told.get(owner, ()))
        found = {one.value for one in told if one.kind == MATERIAL}
        return str(found.pop()) if len(found) == 1 else None

    def _uses(self, uses: Iterable[structure.Use], ids: Mapping[Key, str]) -> tuple[Use, ...]:
        return tuple(
            Use(
                f"u{n}",
                structure.label(self._model.entities, use.row) or self._title(self._tree.nodes[use.part]),
                ids[use.part],
                self._matrix(use.places),
            )
            for n, use in enumerate(uses)
        )

    @property
    def _length(self) -> units.Unit:
        """The unit of length of what is measured."""
        asked = self._begun.asked.unit
        return self._begun.loaded.length(asked.symbol if asked else None)

    @cached_property
    def _metre(self) -> Fraction:
        """Metres of one unit of the placements."""
        return self._model.unit or self._length.factor

    def _matrix(self, places: Places) -> Any:
        rows = places.matrices[0].tolist()
        for row in rows[:3]:
            row[3] = units.scale(row[3:], self._metre)[0]
        return matrix_of(rows)

    def _pool(self, model: Model) -> engines.Pool:
        """The integrated parts that a model is of: solids, or where it has none surfaces."""
        solid = any(one.part.kind != SURFACE for one in model.parts)
        if solid not in self._pools:
            some = tuple(one for one in self._model.parts if (one.part.kind != SURFACE) == solid)
            engine, accuracy = self._begun.options["engine"], self._begun.options["accuracy"]
            self._pools[solid] = engines.Pool(
                self._model._replace(parts=some),
                engine or engines.NATIVE,
                accuracy or engines.ACCURACY,
                [node.model for node in self._tree.nodes.values()],
            )
        return self._pools[solid]

    def _properties(self, node: Node, title: str) -> Properties:
        """What a product is measured to be, in its own frame."""
        drawn = replace(self._drawn, model=node.model, notes=node.model.notes)
        loaded = replace(self._begun.loaded, geometry=drawn, name=f"{self._begun.loaded.name}: {title}")
        stated = self._of(node.model) if self._begun.stated else ()
        try:
            pool = partial(self._pool, node.model)
            measured = sources.integrate(loaded, stated=stated, pool=pool, **self._begun.options)
        except (
            FormatError,
            MissingExtra,
        ) as error:  # of surfaces beside solids, which the whole does without
            return self._unmeasured(loaded, str(error))
        return report(loaded, measured, stated, self._asked, self._side)

    def _of(self, model: Model) -> tuple[Stated, ...]:
        """What is stated of parts of a model."""
        owners = {row: None for one in model.parts for row in (one.part.product, one.part.row)}
        return tuple(dict.fromkeys(one for owner in owners for one in self._told.get(owner, ())))

    def _unmeasured(self, loaded: Loaded, why: str) -> Properties:
        known = {"source", "verdict", "findings", "method", "provenance", "absent"}
        nothing = {one.name: None for one in fields(Properties) if one.name not in known}
        unit = loaded.declared or self._length.symbol
        return Properties(
            Source(loaded.name, loaded.format, loaded.digest, unit),
            Verdict.UNSAFE,
            (Finding("not-measured", why),),
            "none",
            loaded.provenance(),
            absent=dict.fromkeys(nothing, why),
            **nothing,
        )


def _met(tree: structure.Tree) -> Iterator[Key]:
    """Each node where it is met first, before what it uses."""
    seen: set[Key] = set()
    waiting = list(reversed(tree.tops))
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            yield key
            waiting += [use.part for use in reversed(tree.nodes[key].uses)]


def _by_owner(stated: Iterable[Stated]) -> dict[int, list[Stated]]:
    """What is stated, by the row of the product or of each shape that it is of."""
    found: dict[int, list[Stated]] = {}
    for one in stated:
        for owner in one.items or (one.product,):
            found.setdefault(owner, []).append(one)
    return found


def _density(whole: Properties) -> Density | None:
    """That of a whole, with what it can be."""
    own = whole.density
    return Density(own.value, *own.interval) if own else None
