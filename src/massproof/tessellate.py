"""From what was read to what can be written and drawn: meshes as they are, exact shapes divided into facets.

Exact shapes are divided by Open CASCADE, those of STEP files in a process of its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from massproof import engines, isolation, trees
from massproof.brep import Brep, Drawn
from massproof.errors import FormatError, UsageError
from massproof.groups import SURFACE
from massproof.kernels import weld
from massproof.mesh import Mesh, Records, require_finite
from massproof.scene import PLAIN, Definition, Occurrence, Scene
from massproof.selection import nodes

if TYPE_CHECKING:
    from massproof.appearance import Look
    from massproof.mass import Body
    from massproof.stepfile import Model, Shown


@dataclass(frozen=True, slots=True)
class Fineness:
    """How near facets lie to exact shapes; what is None is left to what suits the size of the part.

    Raises UsageError for what is no length, angle or share.
    """

    deflection: float | None = None  # millimetres between facets and faces
    angle: float | None = None  # degrees between neighbouring facets
    volume_error: float | None = None  # share of the volume of each part that facets may miss

    def __post_init__(self) -> None:
        for name, most in (("deflection", math.inf), ("angle", 180.0), ("volume_error", 1.0)):
            value = getattr(self, name)
            if value is not None and not 0 < value < most:
                msg = f"{name.replace('_', ' ')} must be greater than 0 and less than {most:g}, got {value:g}"
                raise UsageError(msg)

    @property
    def turn(self) -> float | None:
        """The angle in radian."""
        return None if self.angle is None else math.radians(self.angle)


def tree(
    geometry: Mesh | Records | Brep | Drawn, name: str, own: Scene | None = None
) -> tuple[Occurrence, ...]:
    """What `scene` places, before exact shapes are divided: the definitions are those of the scene."""
    stem = Path(name).stem or name
    if isinstance(geometry, Drawn):
        shown = engines.measured(geometry.model)
        names = _names([one.part.name for one in shown], stem)
        return trees.grown(geometry.model, shown, names, engines.in_millimetres(geometry.model))
    if isinstance(geometry, Brep):
        from massproof import occt_facets

        return tuple(
            Occurrence(f"{stem} {number + 1}", matrix, number, place=place)
            for place, (number, matrix) in enumerate(occt_facets.numbered(geometry))
        )
    return _called(own.roots, stem) if own else (Occurrence(stem, np.eye(4), 0),)


def scene(
    geometry: Mesh | Records | Brep | Drawn,
    name: str,
    unit: str,
    fineness: Fineness | None = None,
    *,
    roots: Sequence[Occurrence] | None = None,
    own: Scene | None = None,
) -> Scene:
    """The meshes of any geometry where they stand.

    name : of a part that the source gives none;  unit : length unit of the coordinates of a mesh
    fineness : of facets of exact shapes
    roots : some of what `tree` returns; None: all of it. What is not among them is not divided
    own : what the file of a mesh shows, where its format has parts

    Raises MissingExtra without Open CASCADE, FormatError for what it makes nothing of, UsageError where facets that
    fine are too many.
    """
    fineness, stem = fineness or Fineness(), Path(name).stem or name
    roots = tree(geometry, name, own) if roots is None else tuple(roots)
    if isinstance(geometry, Drawn):
        return _from_step(geometry.model, stem, fineness, roots)
    if isinstance(geometry, Brep):
        return _from_objects(geometry, fineness, roots)
    if own:
        named = (replace(one, name=one.name or stem) for one in own.definitions)
        return Scene(unit, tuple(named), roots)
    if isinstance(geometry, Records):
        require_finite(geometry.corners())
        vertices, faces = weld.welded_records(geometry.stored, Records.START, geometry.count)
    else:
        vertices, faces = weld.welded(geometry.vertices, geometry.faces)
    return Scene(unit, (Definition(stem, vertices, faces),), roots)


def _called(roots: Sequence[Occurrence], stem: str) -> tuple[Occurrence, ...]:
    """The tree of a file, in which a part that has no name is called after it."""
    return tuple(
        replace(node, name=node.name or stem, children=_called(node.children, stem)) for node in roots
    )


def _from_step(model: Model, stem: str, fineness: Fineness, roots: tuple[Occurrence, ...]) -> Scene:
    whole = engines.measured(model)
    names = _names([one.part.name for one in whole], stem)
    used = sorted({node.definition for node in nodes(roots) if node.definition is not None})
    shown = [whole[n] for n in used]
    found = engines.integrate(model._replace(parts=tuple(shown))) if fineness.volume_error else None
    exact = [n for n, one in enumerate(shown) if one.mesh is None]
    bodies = [found.definitions[n].body if found else None for n in exact]
    answer, numbers = _asked(model, [shown[n] for n in exact], fineness, bodies)
    answers, start = dict(zip(exact, answer, strict=True)), 0
    numbers_of = model.entities.rows[model.entities.rows[:, 0] >= 0, 0]  # of instances, by their position
    scale, looks = engines.in_millimetres(model), model.appearance
    definitions = [Definition(name, np.empty((0, 3)), np.empty((0, 3), np.int32)) for name in names]
    for n, (at, one) in enumerate(zip(used, shown, strict=True)):
        row = answers.get(n)
        if one.mesh:
            factor = scale * float(one.part.factor)
            definitions[at] = Definition(names[at], one.mesh.vertices * factor, one.mesh.faces)
        elif row is None:
            msg = f"Open CASCADE makes no shape of {names[at]} (#{one.part.number}): repair it where it was made"
            raise FormatError(msg)
        else:
            made, start = _unpacked(names[at], row, numbers, start)
            looked = functools.partial(looks.of, model.parts.index(one))
            definitions[at] = _painted(made, looked, row["patches"], numbers_of)
    return Scene("mm", tuple(definitions), roots)


def _painted(
    made: Definition,
    looked: Callable[..., Look],
    patches: Sequence[tuple[int, int]],
    numbers: npt.NDArray[np.int64],
) -> Definition:
    """A part in the colours that its file gives it and its faces, where nothing overrides them.

    looked : how the part looks in a place, and with a second argument a face of it, by its number
    """
    whole = trees.colour(looked(0))
    colours = [
        (first, trees.colour(looked(0, int(numbers[at - 1]))) if at > 0 else whole) for first, at in patches
    ]
    if all(colour == whole for _, colour in colours):
        return replace(made, colour=whole)
    return replace(made, colour=whole, patches=tuple((first, colour or PLAIN) for first, colour in colours))


def _asked(
    model: Model, shown: Sequence[Shown], fineness: Fineness, bodies: Sequence[Body | None]
) -> tuple[list[Any], bytes]:
    """What Open CASCADE makes of parts, in a process of its own: see `occt_facets.facets`."""
    if not shown:
        return [], b""
    position = np.cumsum(model.entities.rows[:, 0] >= 0)  # of rows among the instances of the file, from 1 on
    solid = shown[0].part.kind != SURFACE
    engines.require_open_cascade(model)
    answer, numbers = isolation.call_for_bytes(
        "massproof.occt_facets:facets",
        model.entities.data,
        isolation.limits(len(model.entities.data)),
        wanted=[[position[some].tolist() for some in engines.rows(model, one, solid)] for one in shown],
        deflection=fineness.deflection,
        angle=fineness.turn,
        volumes=[body and body.mass for body in bodies],
        share=fineness.volume_error,
    )
    return answer["parts"], numbers


def _names(given: Sequence[str], stem: str) -> list[str]:
    """A name for each part: its own, else that of the file, numbered where there are several."""
    return [name or (stem if len(given) == 1 else f"{stem} {n + 1}") for n, name in enumerate(given)]


def _unpacked(name: str, row: dict[str, Any], numbers: bytes, start: int) -> tuple[Definition, int]:
    """The facets that `row` tells of, whose numbers begin at `start`; and where they end."""
    vertices = np.frombuffer(numbers, np.float64, 3 * row["vertices"], start).reshape(-1, 3)
    faces = np.frombuffer(numbers, np.int32, 3 * row["faces"], start + vertices.nbytes).reshape(-1, 3)
    start += vertices.nbytes + faces.nbytes
    through = np.frombuffer(numbers, np.int32, sum(row["lines"]), start)
    ends = np.cumsum(row["lines"], dtype=np.int64)
    lines = tuple(vertices[corners] for corners in np.split(through, ends[:-1]) if len(corners))
    return Definition(name, vertices, faces, lines=lines), start + through.nbytes


def _from_objects(brep: Brep, fineness: Fineness, roots: tuple[Occurrence, ...]) -> Scene:
    from massproof import occt_facets

    found: dict[int, Definition] = {}
    some = brep.only([node.place for node in roots])
    made = occt_facets.of_objects(some, fineness.deflection, fineness.turn, fineness.volume_error)
    for node, facets in zip(roots, made, strict=True):
        if node.definition is not None and node.definition not in found:
            lines = tuple(facets.vertices[line] for line in facets.lines)
            faces = facets.faces.astype(np.int32)
            found[node.definition] = Definition(node.name, facets.vertices, faces, lines=lines)
    order = {number: n for n, number in enumerate(found)}
    placed = (replace(node, definition=order.get(node.definition or 0)) for node in roots)
    return Scene("mm", tuple(found.values()), tuple(placed))
