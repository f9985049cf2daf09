"""What is written to a file and drawn in a picture: meshes, where they stand, names and colours, as a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from massproof import units
from massproof.errors import UsageError
from massproof.mesh import Corners, Floats

Colour = tuple[
    float, float, float, float
]  # red, green, blue, opacity, each 0 to 1, as a screen shows them (sRGB)

PLAIN: Colour = (0.66, 0.71, 0.77, 1.0)  # of what has no colour where others have

# Opens a file to be written, by its name without a folder: the one that is asked for, or one beside it.
Files = Callable[[str], BinaryIO]

_PIECE = 1 << 16  # rows: 5 MB of corners of triangles, 30 MB of Python numbers on their way to text

_COLOURS = 256  # of one part that are told apart

MAX_PLACED = 100_000  # meshes where they stand, as many as an assembly is measured with

_AXES = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


@dataclass(frozen=True, eq=False, slots=True)
class Definition:
    """The facets of one part in its own frame, and the lines that make it look like CAD."""

    name: str
    vertices: Floats  # (V, 3)
    faces: Corners  # (F, 3), counter-clockwise seen from outside
    colour: Colour | None = None
    patches: tuple[tuple[int, Colour], ...] = ()  # from this face on, another colour; ascending
    lines: tuple[Floats, ...] = ()  # (n, 3) each: edges between the faces of the part


@dataclass(frozen=True, eq=False, slots=True)
class Occurrence:
    """A node of the tree: where a part or a group stands in the frame of what it belongs to."""

    name: str
    matrix: Floats  # (4, 4): r -> matrix·r
    definition: int | None = None
    children: tuple[Occurrence, ...] = ()
    colour: Colour | None = None  # of all below it; None: their own
    hidden: bool = False  # its file says that its own mesh is not to be seen
    place: int = 0  # which of the places of its definition in the source this is


class Placed(NamedTuple):
    """One mesh where it stands in the whole."""

    path: tuple[str, ...]  # names from the root to it
    matrix: Floats  # (4, 4)
    definition: Definition
    colour: Colour | None

    @property
    def mirrored(self) -> bool:
        """Whether its triangles, as they are listed, are clockwise seen from outside."""
        return bool(np.linalg.det(self.matrix[:3, :3]) < 0)

    def vertices(self) -> Floats:
        """(V, 3) in the frame of the whole."""
        return self.definition.vertices @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    def faces(self) -> Corners:
        """(F, 3), counter-clockwise seen from outside in the frame of the whole."""
        return self.definition.faces[:, ::-1] if self.mirrored else self.definition.faces

    def points(self) -> Iterator[Floats]:
        """(n, 3) what `vertices` returns, some ten thousand at a time."""
        for some in pieces(self.definition.vertices):
            yield some @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    def corners(self) -> Iterator[Floats]:
        """(n, 3, 3) corners of the triangles in the frame of the whole, some ten thousand at a time."""
        for some in pieces(self.faces()):
            yield self.definition.vertices[some] @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    def patches(self) -> tuple[tuple[int, Colour | None], ...]:
        """From which triangle on it has which colour where it stands; the first is triangle 0."""
        own = self.definition.patches
        if not own or self.colour != self.definition.colour:  # it has another colour where it stands
            return ((0, self.colour),)
        return own if own[0][0] == 0 else ((0, self.colour), *own)


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """Parts and where they stand, in one length unit."""

    unit: str  # one that `units.unit` knows
    definitions: tuple[Definition, ...]
    roots: tuple[Occurrence, ...]

    def placed(self) -> Iterator[Placed]:
        """Every mesh where it stands, in the order of the tree. Raises UsageError for more than `MAX_PLACED`."""
        count = 0
        waiting: list[tuple[Occurrence, tuple[str, ...], Floats, Colour | None]]
        waiting = [(root, (), np.eye(4), None) for root in reversed(self.roots)]
        while waiting:
            node, above, matrix, colour = waiting.pop()
            path, here = (*above, node.name), matrix @ node.matrix
            colour = colour or node.colour
            if node.definition is not None:
                count += 1
                if count > MAX_PLACED:
                    msg = f"more than {MAX_PLACED} parts are placed; take a part of the assembly"
                    raise UsageError(msg)
                definition = self.definitions[node.definition]
                yield Placed(path, here, definition, colour or definition.colour)
            waiting += [(child, path, here, colour) for child in reversed(node.children)]

    @property
    def triangles(self) -> int:
        """Of all parts where they stand."""
        return sum(len(placed.definition.faces) for placed in self.placed())

    def moved(self, matrix: Floats, unit: str | None = None) -> Scene:
        """The whole after r -> matrix·r, a (4, 4) affine map."""
        roots = tuple(replace(root, matrix=matrix @ root.matrix) for root in self.roots)
        return Scene(unit or self.unit, self.definitions, roots)

    def in_unit(self, name: str) -> Scene:
        """The same in another length unit. Raises UnitError when `name` is none."""
        factor = units.unit(self.unit).to(units.unit(name), 1.0)
        return self if factor == 1.0 else self.moved(np.diag([factor] * 3 + [1.0]), name)

    def turned(self, up: str, forward: str) -> Scene:
        """The same with what was up (+z) and forward (−y) along other axes, as "+y" and "-z".

        Raises UsageError when these are no axes or are not perpendicular.
        """
        return self.moved(frame(up, forward))


def painted(
    name: str, vertices: Floats, faces: Corners, firsts: Sequence[int], colours: Sequence[Colour | None]
) -> Definition:
    """A part with a colour, None for none, from each of some triangles on, the first of which is triangle 0."""
    if all(colour == colours[0] for colour in colours):
        return Definition(name, vertices, faces, colours[0])
    shades = (colour or PLAIN for colour in colours)
    return Definition(name, vertices, faces, patches=tuple(zip(firsts, shades, strict=True)))


def shaded(name: str, vertices: Floats, faces: Corners, shades: Floats) -> Definition:
    """A part whose triangles have colours of their own, those of one colour together.

    shades : (F, 4) red, green, blue and opacity, each 0 to 1. They are told apart by 8 bits each; where there are more
        than _COLOURS, as in scans, by 4
    """
    levels, codes = 255, _coded(shades, 255)
    if len(np.unique(codes)) > _COLOURS:
        levels, codes = 15, _coded(shades, 15)
    order = np.argsort(codes, kind="stable")
    found, firsts = np.unique(codes[order], return_index=True)
    parts = np.stack([found >> shift & 255 for shift in (24, 16, 8, 0)], axis=1) / levels
    colours: list[Colour] = [(red, green, blue, opacity) for red, green, blue, opacity in parts.tolist()]
    return painted(name, vertices, faces[order], firsts.tolist(), colours)


def _coded(shades: Floats, levels: int) -> npt.NDArray[np.int64]:
    red, green, blue, opacity = np.round(shades * levels).astype(np.int64).T
    codes: npt.NDArray[np.int64] = red << 24 | green << 16 | blue << 8 | opacity
    return codes


def pieces(rows: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Rows of an array one after the other, some ten thousand at a time."""
    return (rows[first : first + _PIECE] for first in range(0, len(rows), _PIECE))


def frame(up: str, forward: str) -> Floats:
    """The (4, 4) rotation that takes +z to `up` and −y to `forward`.

    Raises UsageError when these are no axes or are not perpendicular.
    """
    above, ahead = _axis(up), _axis(forward)
    if np.dot(above, ahead):
        msg = f"up {up!r} and forward {forward!r} lie along one axis; name two, as up +z, forward -y"
        raise UsageError(msg)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([np.cross(-ahead, above), -ahead, above])  # x = y × z: right-handed
    return matrix + 0.0


def _axis(name: str) -> Floats:
    sign = -1.0 if name.startswith("-") else 1.0
    letter = name.removeprefix("-").removeprefix("+")
    if letter not in _AXES:
        msg = f"{name!r} is no axis; write one of +x -x +y -y +z -z"
        raise UsageError(msg)
    return sign * np.array(_AXES[letter])
