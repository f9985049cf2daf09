"""Some parts of what was loaded, or all of them: what is written and drawn of it, and what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from massproof import engines, formats, tessellate
from massproof.brep import Brep, Drawn
from massproof.errors import UsageError
from massproof.mesh import Mesh
from massproof.properties import Finding
from massproof.scene import Occurrence, Scene
from massproof.selection import Parts, meshes, nodes, selected, visible
from massproof.sources import Loaded, load
from massproof.stepfile import Model, Shown
from massproof.tessellate import Fineness

_NAMED = 8  # parts that a finding names


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """Parts of what was loaded."""

    whole: Loaded
    own: Scene | None  # what the file of a mesh shows
    tree: tuple[Occurrence, ...]  # of the whole
    roots: tuple[Occurrence, ...]  # of what is chosen

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return len(meshes(self.roots)) == len(meshes(self.tree))

    def scene(self, unit: str | None, fineness: Fineness) -> Scene:
        """The meshes of these parts where they stand; raises what `tessellate.scene` raises."""
        symbol, loaded = self.whole.length(unit).symbol, self.whole
        return tessellate.scene(
            loaded.geometry, loaded.name, symbol, fineness, roots=self.roots, own=self.own
        )

    def loaded(self) -> Loaded:
        """These parts alone: exact where they are, of a mesh their triangles."""
        geometry, leaves = self.whole.geometry, [*meshes(self.roots).values()]
        if self.all:
            return self.whole
        if isinstance(geometry, Drawn):
            geometry = replace(geometry, model=_only(geometry.model, leaves))
        elif isinstance(geometry, Brep):
            geometry = geometry.only([node.place for node in leaves])
        else:  # files of several parts are read as meshes
            geometry = _triangles(cast("Mesh", geometry), self.scene(None, Fineness()))
        return replace(self.whole, geometry=geometry)

    def findings(self) -> list[Finding]:
        """What to say of what is left out."""
        if self.all:
            return []
        chosen, count = meshes(self.roots).values(), len(meshes(self.tree))
        names = list(dict.fromkeys(node.name for node in chosen))
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        how = "exactly" if isinstance(self.whole.geometry, (Drawn, Brep)) else "by their triangles"
        text = (
            f"{len(chosen)} of {count} parts are taken: {', '.join(names[:_NAMED])}{more}; what was written "
            f"is compared with these alone, which are measured {how} where they stand"
        )
        return [Finding("parts-selected", text, {"parts": len(chosen), "of": count, "names": names})]


def of(loaded: Loaded, parts: Parts = (), *, seen: bool = False) -> Choice:
    """Some parts of what was loaded, as `selection.selected` takes them; all without any.

    seen : leave out what a file hides, unless parts are asked for

    Raises UsageError for parts that there are not, or where all are hidden.
    """
    mesh = not isinstance(loaded.geometry, (Drawn, Brep)) and len(loaded.data)
    own = formats.scene(loaded.data, loaded.format) if mesh else None
    tree = tessellate.tree(loaded.geometry, loaded.name, own)
    if isinstance(parts, int) or parts:
        return Choice(loaded, own, tree, selected(tree, parts))
    roots = visible(tree) if seen else tree
    if not roots:
        count = len(meshes(tree))
        msg = f"all {count} parts of {loaded.name} are hidden; name those that shall be seen: parts, --part"
        raise UsageError(msg)
    return Choice(loaded, own, tree, roots)


def mesh(source: Any, format: str | None, which: int | str) -> int:
    """The number, among all parts and groups of a file, of the mesh of a number among meshes, or the first of a name.

    Raises UsageError when there is none, and what `sources.load` raises.
    """
    found = [(at, node.name) for at, node in meshes(of(load(source, format)).tree).items()]
    for number, (at, name) in enumerate(found):
        if which in (number, name):
            return at
    what = f"mesh {which!r}" if isinstance(which, int) else f"mesh called {which!r}"
    listed = ", ".join(f"{number} {name!r}" for number, (_, name) in enumerate(found[:_NAMED]))
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    msg = f"there is no {what}; there are {listed}{more}"
    raise UsageError(msg)


def objects(source: Any, wanted: Sequence[tuple[int, str]], count: int) -> list[int]:
    """Numbers, as `of` takes them, of occurrences that a breakdown of the same file has.

    wanted : number of each among all occurrences, each before what is in it, from 0, the whole; and its name
    count : of all occurrences, the whole among them

    Raises UsageError where the file is not put together as it says, and what `sources.load` raises.
    """
    names = [node.name for node in nodes(of(load(source)).tree)]
    above = count - len(names)  # 1 where the whole is none of the parts, but above several
    found = [number - above for number, _ in wanted]
    told = [name for _, name in wanted]
    if above not in (0, 1) or [names[n] for n in found if 0 <= n < len(names)] != told:
        msg = f"the file shows {len(names)} parts and groups that are not those of the {count} objects; write all of it"
        raise UsageError(msg)
    return found


def _only(model: Model, leaves: Sequence[Occurrence]) -> Model:
    """A model with some of its parts, in some of their places."""
    places: dict[int, list[int]] = {}
    for node in leaves:
        places.setdefault(node.definition or 0, []).append(node.place)
    shown = engines.measured(model)
    return model._replace(parts=tuple(_placed(shown[n], sorted(some)) for n, some in sorted(places.items())))


def _placed(shown: Shown, places: list[int]) -> Shown:
    """A part in some of its places."""
    part = shown.part
    some: dict[str, Any] = {
        name: getattr(part, name)[places] for name in ("placements", "mirrored", "scale", "travel", "steps")
    }
    return shown._replace(part=part._replace(**some))


def _triangles(mesh: Mesh, scene: Scene) -> Mesh:
    """The triangles of a scene; what is known of the whole holds for some of it: precision, rounding, bent polygons."""
    placed = list(scene.placed())
    starts = np.cumsum([0, *(len(one.definition.vertices) for one in placed)])
    faces = [one.faces() + first for one, first in zip(placed, starts, strict=False)]
    vertices = np.concatenate([one.vertices() for one in placed])
    return replace(mesh, vertices=vertices, faces=np.concatenate(faces).astype(np.int32))
