"""Exact solids: the table of shapes of a file, and opaque shapes of a kernel, in one unit and one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from massproof.errors import Note
from massproof.kernels.geometry import (
    CIRCLE,
    CONE,
    CYLINDER,
    ELLIPSE,
    EXTRUSION,
    HYPERBOLA,
    LINE,
    OFFSET,
    PARABOLA,
    PLANE,
    REVOLUTION,
    SPHERE,
    SPLINE,
    TORUS,
    Floats,
    Integers,
)

# Kinds of curves, in column 0 of `Shapes.curves`, and of surfaces, where SPLINE may stand, too; parameters as
# ISO 10303-42 has them. Kinds of loops, in column 3 of `Shapes.loops`.
__all__ = [
    "CIRCLE",
    "CONE",
    "CYLINDER",
    "EDGES",
    "ELLIPSE",
    "EXTRUSION",
    "HYPERBOLA",
    "LINE",
    "OFFSET",
    "PARABOLA",
    "PLANE",
    "POLYGON",
    "REVOLUTION",
    "SPHERE",
    "SPLINE",
    "TORUS",
    "VERTEX",
    "Brep",
    "Drawn",
    "Floats",
    "Integers",
    "Shapes",
]  # fmt: skip

EDGES, VERTEX, POLYGON = 0, 1, 2


class Shapes(NamedTuple):
    """The geometry of one file, in one length unit: rows that name rows of other arrays.

    What is drawn from a file may name rows that are not there only as −1 where that is said; who integrates
    trusts all others.
    """

    frames: Floats  # (A, 12) origin, x, y, z axis: orthonormal, right-handed
    curves: Integers  # (C, 8) kind, frame, degree, first control point, control points, first knot, knots, rational
    curve_numbers: Floats  # (C, 6) line: point, direction × magnitude; circle: r, r; ellipse: a, b;
    #                               hyperbola: a, b; parabola: focal distance
    surfaces: Integers  # (S, 12) kind, frame, degree u, degree v, points u, points v, first control point,
    #                            first knot, knots u, knots v, rational, base
    surface_numbers: Floats  # (S, 4) cylinder: r; cone: r, half angle in radian; sphere: r; torus: R, r;
    #                               extrusion: unit direction; offset: distance
    controls: (
        Floats  # (K, 4) x, y, z, weight, not multiplied by it; of a surface row by row, v running fastest
    )
    knots: Floats  # (N,) repeated by multiplicity; of a surface first those of u, then those of v
    edges: (
        Integers  # (E, 4) curve or −1: unsupported, same sense, closed: ends where it starts, entity number
    )
    edge_points: Floats  # (E, 6) start and end vertex, as EDGE_CURVE names them
    uses: Integers  # (U,) edge + 1 of each oriented edge in its loop's order, negative: against the edge
    loops: Integers  # (L, 4) first use, uses, orientation of the bound, kind: EDGES, VERTEX, POLYGON
    faces: Integers  # (F, 5) surface or −1: unsupported, same sense, first loop, loops, entity number
    shells: Integers  # (H, 3) first row of shell_faces, faces, entity number
    shell_faces: Integers  # (T, 2) face, orientation of the face in the shell
    solids: Integers  # (B, 3) first row of solid_shells, shells, outer one first, entity number
    solid_shells: Integers  # (W, 2) shell, orientation

    # Column `base` of a surface: of EXTRUSION and REVOLUTION the curve, of OFFSET the surface; of a TORUS 1 when
    # the inner part of a spindle is meant. Senses and orientations are 1 or 0, as .T. and .F.


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """What a STEP file draws."""

    model: Any  # stepfile.Model
    unit: str | None  # length unit of what is measured of it; None when the file states none
    declared: str  # what the file itself says of its unit, "" when it says nothing
    notes: tuple[Note, ...] = ()  # what the reader noticed


@dataclass(frozen=True, eq=False, slots=True)
class Brep:
    """The solids and free shells of one file or one CAD object, placed in its frame.

    A solid that occurs n times is listed n times, each with its own placement; who integrates may
    recognise the shared definition and measure it once.
    """

    solids: tuple[Any, ...]  # placed kernel shapes
    shells: tuple[Any, ...]  # surfaces that bound no solid: area yes, volume no
    unit: str | None  # length unit of the shapes' coordinates; None when the source has none
    declared: str  # what the source itself says of its unit, "" when it says nothing
    notes: tuple[Note, ...] = ()  # what the reader noticed

    def only(self, places: Sequence[int]) -> Brep:
        """The same with some of its solids, or where it has none of its surfaces."""
        if self.solids:
            return replace(self, solids=tuple(self.solids[place] for place in places))
        return replace(self, shells=tuple(self.shells[place] for place in places))
