"""What a triangle mesh encloses: topology decides what is defined, integrals measure it.

The bounds follow the standard model of floating-point arithmetic, fl(x∘y) = (x∘y)(1 + δ), |δ| ≤ u =
2⁻⁵³ (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2002, chapters 2 and 4); their
derivation for these sums is in docs/decisions/rounding-bound.md.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.errors import FormatError
from massproof.kernels import BLOCK, integrals_small, topology
from massproof.mass import Array, Body, Errors, Measured, Note
from massproof.mesh import Mesh

Faces = npt.NDArray[np.int32]

COMPILED_FROM = 1_000_000  # triangles: numpy needs 0.5 s for them, importing numba takes as long

# Half a unit in the last place times the length of a block's sum and of one term's own arithmetic;
# 96 terms of 256 would do, see the derivation.
_ROUNDING = 96 * BLOCK / 256 * 2.0**-53

# Corners closer than one float32 step of the size of the part are the same to any exporter that
# computes in float32, and nearly all do.
_PRECISION = 2.0**-23

# Findings whose numbers rest on an assumption, however wide the interval.
_ASSUMED = {
    "inverted",
    "merged-corners",
    "overlap",
    "repeated-faces",
    "inverted-body",
    "nesting-unchecked",
}

_WINDING_LIMIT = 50_000_000  # solid angles: a second or two; beyond, nesting is not looked for


class _Surface(NamedTuple):
    """A mesh whose corners are shared, and what its edges say."""

    vertices: Array
    faces: Faces
    edges: topology.Edges
    merged: float  # how far a vertex was moved to close it, 0.0 when none was


def measure(mesh: Mesh, name: str) -> Measured:
    """Area, box and, when the surface is closed and consistently oriented, the solid inside.

    name : what messages call the mesh

    Raises FormatError when there is no triangle, or when sums overflow.
    """
    if not len(mesh.faces):
        msg = f"{name} holds no triangles: there is nothing to measure; export it as a surface"
        raise FormatError(msg)
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    origin = low + (high - low) / 2
    reach = float(max((high - origin).max(), (origin - low).max()))
    sums = _finite(_sums(vertices, faces, origin), vertices, name)
    errors = _errors(sums, reach, float(np.abs(origin).max()), len(faces), mesh.precision)
    notes: list[Note] = list(mesh.notes)
    surface = _close(_surface(vertices, faces, notes), high - low, notes)
    absent = _why_open(surface, name, notes) or _why_flat(sums, reach, name, notes)
    body = None
    if not absent:
        surface = _outwards(surface, sums, notes)
        body = Body.from_moments(sums[3:], origin)
        errors |= _assumed(surface, sums, reach, notes)
    return Measured(
        float(sums[0]),
        body,
        low,
        high,
        errors | {"tessellation": None},  # a mesh does not say what it approximates
        "divergence theorem over the triangles as stored",
        tuple(notes),
        bounded=any(code in _ASSUMED for code, _, _ in notes),
        absent=absent,
    )


def _finite(sums: Array, vertices: Array, name: str) -> Array:
    if not np.isfinite(sums).all():
        reach = float(np.abs(vertices).max())
        msg = f"{name} has coordinates up to {reach:g}, whose fifth power overflows; use a larger unit"
        raise FormatError(msg)
    return sums


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


def _assumed(surface: _Surface, sums: Array, reach: float, notes: list[Note]) -> dict[str, Errors]:
    """Errors that come of taking the surface for what it nearly is, by cause."""
    errors = {}
    walls = topology.back_to_back(surface.faces)
    if walls:
        text = (
            f"{walls} pairs of triangles lie back to back, as where two bodies touch: the wall between them "
            "is no part of the outside, but counts in the area"
        )
        notes.append(("coincident-faces", text, {"pairs": walls}))
    if surface.merged:
        errors["merged-corners"] = _moved(sums, reach, len(surface.faces), surface.merged)
    counted = _counted_twice(surface, sums, reach, notes)
    if counted:
        errors["counted-twice"] = counted
    return errors


def _sums(vertices: Array, faces: Faces, origin: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # checked by the caller
        if len(faces) < COMPILED_FROM:
            sums: Array = integrals_small.surface_sums(vertices, faces, origin)
        else:
            from massproof.kernels import integrals

            sums = integrals.surface_sums(vertices, faces, origin)
    return sums


def _unit(sums: Array) -> float:
    """What rounding can add to an integral, but for a power of the reach; covers its own rounding."""
    return _ROUNDING * float(sums[1]) * (1 + 1e-9)


def _errors(
    sums: Array, reach: float, offset: float, count: int, precision: float | None
) -> dict[str, Errors | None]:
    """Bounds of the causes that every mesh has; `offset` is how far the local origin lies from zero."""
    unit = _unit(sums)
    rounding = _propagated(sums, 2 * unit, unit * reach, unit * reach**2, unit * reach**3)
    # The centre is added to the local origin at the end, which rounds once more.
    rounding = replace(rounding, centre=rounding.centre + 2.0**-53 * (offset + reach))
    stored = None if precision is None else _moved(sums, reach, count, precision)
    return {"rounding": rounding, "file-precision": stored}


def _moved(sums: Array, reach: float, count: int, step: float) -> Errors:
    """What moving every vertex by up to `step` along each axis can change.

    The surface sweeps a layer of thickness √3·step over an area of at most A + t·L + 2t²F with t that
    thickness, L = Σ(|ab| + |ac|) and F faces.
    """
    thick = 3**0.5 * step
    layer = thick * (float(sums[0]) + thick * float(sums[2]) + 2 * thick**2 * count)
    far = reach + thick
    area = thick * float(sums[2]) + 2 * thick**2 * count
    return _propagated(sums, area, layer, layer * far, layer * far**2, step)


def _propagated(
    sums: Array, area: float, one: float, first: float, second: float, box: float = 0.0
) -> Errors:
    """Errors of centre and central second moment from those of the raw moments about the origin.

    With V ± one, m ± first: |Δ(m/V)| ≤ (first + |m/V| one)/(V − one), and S = M − V r rᵀ term by term.
    """
    volume = abs(float(sums[3]))
    if volume <= one:  # the volume may be zero, and the centre anywhere
        return Errors(area, one, math.inf, math.inf, box)
    r = float(np.abs(sums[4:7]).max()) / volume
    centre = (first + r * one) / (volume - one)
    central = second + (r + centre) ** 2 * one + volume * centre * (2 * r + centre)
    return Errors(area, one, centre, central, box)


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


class _Bodies(NamedTuple):
    """The closed components of a surface."""

    faces: list[Faces]
    volumes: Array  # signed
    low: Array  # (B, 3)
    high: Array


def _bodies(surface: _Surface, label: npt.NDArray[np.int64]) -> _Bodies:
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    faces = np.split(surface.faces[order], cuts)
    boxes = [surface.vertices[f].reshape(-1, 3) for f in faces]
    low = np.array([b.min(axis=0) for b in boxes])
    high = np.array([b.max(axis=0) for b in boxes])
    volumes = [
        _sums(surface.vertices, f, a + (b - a) / 2)[3] for f, a, b in zip(faces, low, high, strict=True)
    ]
    return _Bodies(faces, np.array(volumes), low, high)


def _counted_twice(surface: _Surface, sums: Array, reach: float, notes: list[Note]) -> Errors | None:
    """What material counted twice, or with the wrong sign, can have added: the bodies' overlap."""
    doubt = _repeated(surface, sums, reach, notes)
    label = topology.bodies(surface.faces, len(surface.vertices))
    if label.max():
        doubt += _doubt_of_bodies(_bodies(surface, label), surface.vertices, notes)
    if not doubt:
        return None
    return _propagated(sums, 0.0, doubt, doubt * reach, doubt * reach**2)


def _repeated(surface: _Surface, sums: Array, reach: float, notes: list[Note]) -> float:
    again = topology.repeated(surface.faces)
    if not again.any():
        return 0.0
    count = int(again.sum())
    text = f"{count} of {len(again)} triangles repeat another one: their area and volume count twice"
    notes.append(("repeated-faces", text, {"count": count, "faces": len(again)}))
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    extra = _sums(surface.vertices, surface.faces[again], low + (high - low) / 2)
    return float(min(abs(extra[3]), extra[0] * reach))


def _doubt_of_bodies(found: _Bodies, vertices: Array, notes: list[Note]) -> float:
    """Volume that nesting and overlap leave in doubt, by Bonferroni's inequality.

    The union of bodies with volumes Vᵢ holds at least Σ Vᵢ − Σ |Bᵢ ∩ Bⱼ| over the pairs, and a pair
    shares at most the smaller volume and the volume common to their boxes.
    """
    inverted, pairs, shared = _nesting(found, vertices, notes)
    doubt = 0.0
    if inverted:
        extra = float(-found.volumes[inverted].sum())
        text = (
            f"{len(inverted)} of {len(found.faces)} bodies are inside out and lie in no other: "
            f"their volume, {extra:g}, is subtracted as if they were cavities"
        )
        notes.append(("inverted-body", text, {"count": len(inverted), "volume": extra}))
        doubt += 2 * extra
    if pairs:
        text = (
            f"the boxes of {pairs} pair{'s' * (pairs != 1)} of bodies overlap, so the bodies may too: "
            f"material in both, at most {shared:g}, would be counted twice"
        )
        notes.append(("overlap", text, {"pairs": pairs, "volume_at_most": shared}))
        doubt += shared
    return doubt


def _nesting(found: _Bodies, vertices: Array, notes: list[Note]) -> tuple[list[int], int, float]:
    """Inverted bodies that are no cavities; pairs that may overlap; the volume they may share."""
    solid = np.flatnonzero(found.volumes > 0)
    hollow = np.flatnonzero(found.volumes < 0)
    inverted: list[int] = []
    cavities: list[int] = []
    budget = _WINDING_LIMIT
    for i in hollow:
        around = [int(k) for k in solid if _box_within(found, int(i), int(k))]
        budget -= sum(len(found.faces[k]) for k in around)
        point = vertices[found.faces[i][0]].mean(axis=0)
        inside = budget > 0 and any(topology.winding(vertices, found.faces[k], point) > 0.5 for k in around)
        (cavities if inside else inverted).append(int(i))
    if budget <= 0:
        text = f"{len(hollow)} inside-out bodies: too many to find which of them are cavities"
        notes.append(("nesting-unchecked", text, {"bodies": len(hollow)}))
    if cavities:
        text = f"{len(cavities)} closed cavities are subtracted"
        volume = float(-found.volumes[cavities].sum())
        notes.append(("cavities", text, {"count": len(cavities), "volume": volume}))
    pairs, shared = 0, 0.0
    order = solid[np.argsort(found.low[solid, 0], kind="stable")]
    for n, i in enumerate(order):  # sweep along x: only bodies that begin before this one ends
        rest = order[n + 1 :]
        rest = rest[found.low[rest, 0] < found.high[i, 0]]
        sides = np.minimum(found.high[i], found.high[rest]) - np.maximum(found.low[i], found.low[rest])
        meet = (sides > 0).all(axis=1)
        common = np.prod(sides[meet], axis=1)
        least = np.minimum(found.volumes[i], found.volumes[rest][meet])
        pairs += int(meet.sum())
        shared += float(np.minimum(common, least).sum())
    return inverted, pairs, shared


def _box_within(found: _Bodies, i: int, k: int) -> bool:
    return bool((found.low[k] <= found.low[i]).all() and (found.high[i] <= found.high[k]).all())
