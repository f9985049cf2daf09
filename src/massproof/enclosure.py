"""What a triangle mesh encloses: topology decides what is defined, integrals measure it.

The bounds follow the standard model of floating-point arithmetic, fl(x∘y) = (x∘y)(1 + δ), |δ| ≤ u =
2⁻⁵³ (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2002, chapters 2 and 4); their
derivation for these sums is in docs/decisions/rounding-bound.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof import nesting
from massproof.errors import FormatError, Note
from massproof.kernels import BLOCK, integrals_small, topology
from massproof.mass import Array, Body, Errors, Measured
from massproof.mesh import Mesh

Faces = npt.NDArray[np.int32]

COMPILED_FROM = 1_000_000  # triangles: numpy needs 0.5 s for them, importing numba takes as long

_METHOD = "divergence theorem over the triangles as stored"

# 96 roundings cover a term and a block of 256 of them, see the derivation; they grow with the block.
_ROUNDING = 96 * BLOCK / 256 * 2.0**-53

# Corners closer than one float32 step of the size of the part are the same to any exporter that
# computes in float32, and nearly all do.
_PRECISION = 2.0**-23

# Coordinates whose fifth powers, times density and unit, stay far from both ends of float64. All of
# float32 lies inside.
_SMALLEST, _LARGEST = 1e-50, 1e50

# Findings whose numbers rest on an assumption, however wide the interval.
_ASSUMED = {
    "inverted",
    "merged-corners",
    "overlap",
    "repeated-faces",
    "inverted-body",
    "tangled-bodies",
    "nesting-unchecked",
    "non-planar-polygons",
    "folded-polygons",
}


class _Surface(NamedTuple):
    """A mesh whose corners are shared, and what its edges say."""

    vertices: Array
    faces: Faces
    edges: topology.Edges
    merged: float  # how far a vertex was moved to close it, 0.0 when none was


def measure(mesh: Mesh, name: str) -> Measured:
    """Area, box and, when the surface is closed and consistently oriented, the solid inside.

    name : what messages call the mesh

    Raises FormatError when there is no triangle, or for coordinates too large or too small to sum.
    """
    _check(mesh, name)
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    origin = low + (high - low) / 2
    reach = float(max((high - origin).max(), (origin - low).max()))
    notes: list[Note] = list(mesh.notes)
    surface = _close(_surface(vertices, faces, notes), high - low, notes)
    sums = _sums(vertices, faces, origin)
    if surface.merged:  # the area is that of the faces as stored, the solid that of the closed surface
        sums[1:] = _sums(vertices, surface.faces, origin)[1:]
    absent = _why_open(surface, name, notes) or _why_flat(sums, reach, name, notes)
    causes = _causes(mesh, surface, sums, reach)
    if not absent:
        surface = _outwards(surface, sums, notes)
        manifold = not surface.edges.nonmanifold
        twice = nesting.doubt(vertices, surface.faces, manifold, notes)
        causes["counted-twice"] = _volume_in_doubt(twice, reach)
    errors = _complete(_by_cause(sums, causes), float(np.abs(origin).max()) + reach)
    body = None if absent else Body.from_moments(sums[3:], origin)
    if body and _impossible(body, errors, low, high):
        body, absent = None, _why_impossible(name, notes)
    bounded = any(code in _ASSUMED for code, _, _ in notes)
    return Measured(float(sums[0]), body, low, high, errors, _METHOD, tuple(notes), bounded, absent)


def _causes(mesh: Mesh, surface: _Surface, sums: Array, reach: float) -> dict[str, _Cause | None]:
    """The causes that are known before it is known what the surface encloses."""
    count = len(mesh.faces)
    area, volume = mesh.bent
    return {
        "rounding": _rounding(sums, reach),
        "file-precision": None if mesh.precision is None else _moved(sums, reach, count, mesh.precision),
        "placement": _moved(sums, reach, count, mesh.placement),
        "merged-corners": _moved(sums, reach, count, surface.merged),
        "non-planar": _volume_in_doubt(volume, reach, area),
    }


def _complete(errors: dict[str, Errors | None], far: float) -> dict[str, Errors | None]:
    rounding = errors["rounding"] or Errors()
    # The centre is added to the local origin at the end, which rounds once more.
    errors["rounding"] = replace(rounding, centre=rounding.centre + 2.0**-53 * far)
    errors["tessellation"] = None  # a mesh does not say what it approximates
    return errors


def _why_impossible(name: str, notes: list[Note]) -> str:
    text = (
        f"{name} does not enclose a volume: parts of the surface are inside out and count as negative, so "
        "that its mass would lie outside its box; make the winding consistent, part by part"
    )
    notes.append(("self-intersecting", text, {}))
    return text


def _check(mesh: Mesh, name: str) -> None:
    """Refuse an empty mesh, and coordinates whose fifth power would overflow or lose digits."""
    if not len(mesh.faces):
        msg = f"{name} holds no triangles: there is nothing to measure; export it as a surface"
        raise FormatError(msg)
    largest = float(np.abs(mesh.vertices).max())
    if not _SMALLEST <= largest <= _LARGEST and largest:
        msg = (
            f"{name} has coordinates of {largest:g}, and only {_SMALLEST:g} to {_LARGEST:g} are possible: "
            "their fifth powers must be; use another unit"
        )
        raise FormatError(msg)


def _why_flat(sums: Array, reach: float, name: str, notes: list[Note]) -> str:
    """The finding, and the sentence, that say that rounding could be all of the volume; "" if not."""
    signed, rounding = float(sums[3]), _unit(sums) * reach
    if abs(signed) > rounding:
        return ""
    text = f"{name} encloses no volume: its signed volume {signed:g} is zero within ±{rounding:.2g}"
    notes.append(("no-volume", text, {"signed_volume": signed, "bound": rounding}))
    return text


def _outwards(surface: _Surface, sums: Array, notes: list[Note]) -> _Surface:
    """The surface with its outside outside; turns `sums` with it."""
    if sums[3] > 0:
        return surface
    text = "all faces point inwards; the volume is reported positive"
    notes.append(("inverted", text, {"signed_volume": float(sums[3])}))
    sums[3:] = -sums[3:]
    return surface._replace(faces=np.ascontiguousarray(surface.faces[:, ::-1]))


def _impossible(body: Body, errors: Mapping[str, Errors | None], low: Array, high: Array) -> bool:
    """Whether no solid in the box has this mass distribution: parts of it count as negative.

    The centre of mass of a solid lies in its box, and ∫ r rᵀ is positive semidefinite.
    """
    centre = sum(e.centre for e in errors.values() if e)
    second = sum(e.second for e in errors.values() if e)
    outside = (body.centre < low - centre) | (body.centre > high + centre)
    return bool(outside.any() or np.linalg.eigvalsh(body.second)[0] < -3 * second)


def _sums(vertices: Array, faces: Faces, origin: Array) -> Array:
    if len(faces) < COMPILED_FROM:
        sums: Array = integrals_small.surface_sums(vertices, faces, origin)
    else:
        from massproof.kernels import integrals

        sums = integrals.surface_sums(vertices, faces, origin)
    return sums


def _unit(sums: Array) -> float:
    """What rounding can add to an integral, but for a power of the reach; covers its own rounding."""
    return _ROUNDING * float(sums[1]) * (1 + 1e-9)


class _Cause(NamedTuple):
    """How far one cause can move the area, the raw moments about the origin, and the box."""

    area: float = 0.0
    one: float = 0.0
    first: float = 0.0
    second: float = 0.0
    box: float = 0.0


def _rounding(sums: Array, reach: float) -> _Cause:
    unit = _unit(sums)
    return _Cause(2 * unit, unit * reach, unit * reach**2, unit * reach**3)


def _volume_in_doubt(volume: float, reach: float, area: float = 0.0) -> _Cause:
    """Volume that may be there or not, anywhere within the reach."""
    return _Cause(area, volume, volume * reach, volume * reach**2)


def _moved(sums: Array, reach: float, count: int, step: float) -> _Cause:
    """What moving every vertex by up to `step` along each axis can change.

    The surface sweeps a layer of thickness √3·step over an area of at most A + t·L + 2t²F with t that
    thickness, L = Σ(|ab| + |ac|) and F faces.
    """
    thick = 3**0.5 * step
    layer = thick * (float(sums[0]) + thick * float(sums[2]) + 2 * thick**2 * count)
    far = reach + thick
    area = thick * float(sums[2]) + 2 * thick**2 * count
    return _Cause(area, layer, layer * far, layer * far**2, step)


def _by_cause(sums: Array, causes: Mapping[str, _Cause | None]) -> dict[str, Errors | None]:
    """Errors of centre and central second moment, jointly, and the share of each cause in them.

    With V ± o, m ± f: |Δ(m/V)| ≤ (f + |m/V| o)/(V − o), and S = M − V r rᵀ term by term. The totals of
    all causes stand in the denominator and beside r, so that the shares add up to the joint bound.
    """
    volume = abs(float(sums[3]))
    least = volume - sum(c.one for c in causes.values() if c)
    if least <= 0:  # the volume may be zero, and the centre anywhere
        return {k: c and Errors(c.area, c.one, math.inf, math.inf, c.box) for k, c in causes.items()}
    r = float(np.abs(sums[4:7]).max()) / volume
    centre = {k: (c.first + r * c.one) / least for k, c in causes.items() if c}
    joint = sum(centre.values())
    return {
        k: c
        and Errors(
            c.area,
            c.one,
            centre[k],
            c.second + (r + joint) ** 2 * c.one + volume * centre[k] * (2 * r + joint),
            c.box,
        )
        for k, c in causes.items()
    }


def _surface(vertices: Array, faces: Faces, notes: list[Note]) -> _Surface:
    flat = topology.degenerate(faces)
    if flat.any():
        text = f"{flat.sum()} of {len(faces)} triangles name a corner twice and enclose nothing"
        notes.append(("degenerate-faces", text, {"count": int(flat.sum()), "faces": len(faces)}))
        faces = faces[~flat]
    return _Surface(vertices, faces, topology.match_edges(faces, len(vertices)), 0.0)


def _close(surface: _Surface, size: Array, notes: list[Note]) -> _Surface:
    """The surface with corners merged within the precision of float32, if that closes it."""
    vertices, faces, edges, _ = surface
    step = _PRECISION * float(np.sqrt((size * size).sum()))
    if not edges.boundary or not step:
        return surface
    merged, move = topology.weld_within(vertices, faces, np.unique(edges.open_pairs), step)
    merged = merged[~topology.degenerate(merged)]
    closed = topology.match_edges(merged, len(vertices))
    if closed.unbalanced or not closed.total:
        return surface
    text = (
        f"{edges.boundary} of {edges.total} edges match only after corners up to {move:.2g} apart were "
        f"taken as one: less than a float32 step of the part's size, {step:.2g}"
    )
    evidence = {"open_edges": edges.boundary, "largest_gap": move, "tolerance": step}
    notes.append(("merged-corners", text, evidence))
    return _Surface(vertices, merged, closed, move)


def _why_open(surface: _Surface, name: str, notes: list[Note]) -> str:
    """The finding, and the sentence, that say why no volume is defined; "" when one is."""
    edges = surface.edges
    if not edges.unbalanced:
        return ""
    loops = topology.connected(len(surface.vertices), edges.open_pairs)[edges.open_pairs]
    holes = len(np.unique(loops)) if edges.boundary else 0
    evidence = {
        "edges": edges.total,
        "boundary_edges": edges.boundary,
        "inconsistent_edges": edges.inconsistent,
        "nonmanifold_edges": edges.nonmanifold,
        "holes": holes,
        "where": surface.vertices[edges.open_pairs[:3, 0]].tolist(),
    }
    if edges.boundary:
        code, text = (
            "open-edges",
            (
                f"{name} does not enclose a volume: {edges.boundary} of {edges.total} edges belong to one "
                f"triangle only, around {holes} hole{'s' * (holes != 1)}; area and box are valid, volume and "
                "mass are not; close the holes where it was made"
            ),
        )
    elif edges.inconsistent:
        code, text = (
            "inconsistent-winding",
            (
                f"{name} does not say which side is inside: at {edges.inconsistent} of {edges.total} edges "
                "the two triangles are wound against each other; make the winding consistent"
            ),
        )
    else:
        code, text = (
            "nonmanifold-edges",
            (
                f"{name} does not enclose a volume: the faces at {edges.unbalanced} of {edges.total} edges, "
                "shared by more than two, do not cancel; remove the extra faces"
            ),
        )
    notes.append((code, text, evidence))
    return text
