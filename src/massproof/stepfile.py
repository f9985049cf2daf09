"""One STEP file read whole: its parts, where they are placed, and the table of their shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from massproof import part21, products, shapes, stated, tessellations
from massproof.brep import CONE, Floats, Shapes
from massproof.entities import Entities, Row
from massproof.errors import FormatError, Note
from massproof.groups import FACETS, SOLID, SURFACE
from massproof.products import Assembly, Layout, Part
from massproof.shapes import Decoded
from massproof.stated import Stated

if TYPE_CHECKING:
    from massproof.appearance import Appearance
    from massproof.mesh import Mesh


class Shown(NamedTuple):
    """A part and what it is made of."""

    part: Part
    solid: int  # its row in `shapes.solids`, −1 where it is none
    shells: tuple[
        tuple[int, int], ...
    ]  # of a solid or a surface: rows in `shapes.shells`, −1: not read; orientations
    problems: tuple[str, ...]  # why it cannot be measured from `shapes`; empty where it can
    mesh: Mesh | None = None  # of a tessellated one, which has nothing in `shapes`; lengths as written


class Model(NamedTuple):
    """What a file holds.

    Lengths in `shapes` are as written: those of a part times its `factor` are in the unit of the model, as all
    placements are. Angles are in radian.
    """

    shapes: Shapes
    parts: tuple[Shown, ...]  # every solid, surface model and other body once
    unit: Fraction | None  # metres; None: the file has none
    declared: str  # names of the units of length of the parts, as written
    members: dict[
        int, dict[int, int]
    ]  # row of each product definition that uses others: their rows, how often
    tops: tuple[int, ...]  # rows of the product definitions that are part of no other
    notes: tuple[Note, ...]
    entities: Entities
    layout: Layout  # how its representations place each other

    @property
    def appearance(self) -> Appearance:
        """Colours, layers and what is hidden, read anew each time: nothing of it is needed to measure."""
        from massproof import appearance

        return appearance.read(self.entities, [shown.part for shown in self.parts])

    def stated(self) -> tuple[Stated, ...]:
        """What the file says of volumes, areas, … of its parts; raises FormatError for units that are none."""
        return stated.read(self.entities)


def read(data: bytes | memoryview) -> Model:
    """Read a STEP file.

    Raises FormatError for what `part21`, `shapes` and `products` refuse, for an oriented edge made of another,
    which no reader survives, and for a file that draws no body and no surface.
    """
    entities = part21.read(data)
    _check_edges(entities)
    whole = products.read(entities)
    if not whole.parts:
        raise FormatError(_nothing(entities, whole))
    angles = {float(part.context.angle.factor) for part in whole.parts if part.context and part.context.angle}
    drawn = shapes.decode(entities, next(iter(angles or {1.0})) if len(angles) < 2 else None)
    parts = tuple(_shown(entities, drawn, part) for part in whole.parts)
    table = in_radian(drawn.shapes, _angles(drawn, parts)) if angles - {1.0} else drawn.shapes
    notes = whole.notes + surface_notes(parts)
    return Model(
        table, parts, whole.unit, whole.declared, whole.members, whole.tops, notes, entities, whole.layout
    )


def _check_edges(entities: Entities) -> None:
    """ISO 10303-42 forbids edges of oriented edges, and Open CASCADE overflows its stack on a ring of them."""
    rows = entities.rows_of("ORIENTED_EDGE")
    for row in rows[entities.checked[rows] < 0].tolist():
        for one in entities.arguments(row)[3:4]:
            if isinstance(one, Row) and entities.type(one) == "ORIENTED_EDGE":
                msg = (
                    f"STEP file with a reference from one ORIENTED_EDGE, #{entities.number(row)}, to another, "
                    f"#{entities.number(one)}, expected an EDGE_CURVE; export it again"
                )
                raise FormatError(msg)


def _nothing(entities: Entities, whole: Assembly) -> str:
    """Why a file that can be read holds nothing to measure."""
    faces = entities.count("ADVANCED_FACE", "FACE_SURFACE", "FACE", *tessellations.FACES)
    if faces:
        why = f"{faces} faces are written, none of them in a solid or a surface model that is shown; export it again"
    elif whole.uses:
        why = (
            f"{whole.products} products and {whole.uses} assembly uses, but not one face; the parts are in "
            "other files: measure those"
        )
    else:
        why = "not one face is written, only curves (wireframe), points or other data; export solids"
    return f"STEP file with no solid and no surface: {why}"


def _tessellated(entities: Entities, part: Part) -> Shown:
    """Triangles; without a solid of them, and with open edges, they are a surface."""
    try:
        mesh = tessellations.mesh(entities, part.row)
    except tessellations.Unread as error:
        return Shown(part, -1, (), (str(error),))
    solid = tessellations.kind(entities, part.row) in tessellations.SOLIDS or tessellations.closed(mesh)
    return Shown(part if solid else part._replace(kind=SURFACE), -1, (), (), mesh)


def _shown(entities: Entities, drawn: Decoded, part: Part) -> Shown:
    if part.kind == FACETS:
        return _tessellated(entities, part)
    solid = drawn.solids.get(part.row, -1)
    if part.kind == SOLID:
        first, count, _ = drawn.shapes.solids[solid].tolist()
        shells = tuple(map(tuple, drawn.shapes.solid_shells[first : first + count].tolist()))
    else:
        shells = drawn.surfaces.get(part.row, ())
    problems = tuple(dict.fromkeys(_problems(entities, drawn, part, shells)))
    return Shown(part, solid, shells, problems)


def _problems(
    entities: Entities, drawn: Decoded, part: Part, shells: tuple[tuple[int, int], ...]
) -> Iterator[str]:
    """What of a part could not be read, and why."""
    if part.kind not in (SOLID, SURFACE):
        yield f"{entities.describe(part.row)} is of a type that is not read"
    elif entities.checked[part.row] < 0:
        yield entities.problem(part.row)
    elif not shells or any(shell < 0 for shell, _ in shells):
        yield f"{entities.describe(part.row)} has a shell that cannot be read"
    table = drawn.shapes
    for shell in (shell for shell, _ in shells if shell >= 0):
        first, count, number = table.shells[shell].tolist()
        faces = table.shell_faces[first : first + count, 0]
        if (faces < 0).any():
            yield f"#{number} has a face that cannot be read"
        yield from _problems_of_faces(drawn, faces[faces >= 0].tolist())


def _problems_of_faces(drawn: Decoded, faces: list[int]) -> Iterator[str]:
    if not drawn.problems and (drawn.shapes.faces[:, 0] >= 0).all():
        return
    table = drawn.shapes
    for face in faces:
        surface, _, loop, loops, number = table.faces[face].tolist()
        if surface < 0:
            yield drawn.problems.get(int(drawn.face_rows[face]), f"#{number} has no area, and no surface")
        for first, count, _, _ in table.loops[loop : loop + loops].tolist():
            edges = np.abs(table.uses[first : first + count]) - 1
            for edge in edges[table.edges[edges, 0] < 0].tolist():
                yield drawn.problems[int(drawn.edge_rows[edge])]


def _angles(drawn: Decoded, parts: tuple[Shown, ...]) -> Floats:
    """Radian of one unit of angle, for each shell."""
    found = np.ones(len(drawn.shapes.shells))
    for shown in parts:
        if shown.part.context and shown.part.context.angle:
            rows = [shell for shell, _ in shown.shells if shell >= 0]
            found[rows] = float(shown.part.context.angle.factor)
    return found


def in_radian(table: Shapes, factors: Floats) -> Shapes:
    """`table` with the angles of each shell times a factor; a cone that shells of several share becomes several.

    factors : (H,) one for each shell
    """
    members = table.shell_faces[:, 0]
    turns = np.ones(len(table.faces))
    turns[members[members >= 0]] = np.repeat(factors, table.shells[:, 1])[members >= 0]
    surfaces = table.faces[:, 0]
    known = np.flatnonzero(surfaces >= 0)
    on_cones = known[table.surfaces[surfaces[known], 0] == CONE]
    pairs = np.column_stack([surfaces[on_cones], turns[on_cones]])
    cones, which = np.unique(pairs, axis=0, return_inverse=True)
    if not len(cones):
        return table
    rows = cones[:, 0].astype(np.int64)
    numbers = table.surface_numbers[rows]
    numbers[:, 1] *= cones[:, 1]
    faces = table.faces.copy()
    faces[on_cones, 0] = len(table.surfaces) + which.reshape(-1)
    return table._replace(
        faces=faces,
        surfaces=np.concatenate([table.surfaces, table.surfaces[rows]]),
        surface_numbers=np.concatenate([table.surface_numbers, numbers]),
    )


def surface_notes(parts: Sequence[Shown]) -> tuple[Note, ...]:
    """What to say of surfaces that bound no solid."""
    surfaces = [shown for shown in parts if shown.part.kind == SURFACE]
    number = sum(max(len(shown.shells), 1) * len(shown.part.placements) for shown in surfaces)
    if not number:
        return ()
    if len(surfaces) < len(parts):
        text = f"{number} free shells or faces bound no solid; they are not measured"
        return (("free-shells", text, {"count": number}),)
    text = (
        f"no solid, only {number} open shells or faces: area is valid, volume is not defined; "
        "close the surface where it was made"
    )
    return (("open-shells", text, {"count": number}),)
