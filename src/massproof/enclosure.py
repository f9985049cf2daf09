"""What a triangle mesh encloses: topology decides what is defined, integrals measure it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from massproof import bounds, nesting, repair
from massproof.bounds import Cause, Faces, Sums
from massproof.errors import FormatError, NotASolid, Note
from massproof.kernels import scan, topology, weld
from massproof.mass import Array, Body, Errors, Measured
from massproof.mesh import Mesh, Records, float32_precision, require_finite

# Triangles among which bodies, overlap and intersections are looked for unless asked otherwise: a tenth of a second for
# an ordinary part, two for thousands of long slanted ones, and some before it is said what was too much.
THOROUGH_BELOW = 200_000

_WELDED_AT_MOST = 60_000_000  # triangles: what is needed to find the open edges of more is not there
_SAMPLE = 64  # triangles whose box tells where about the part is

_METHOD = "divergence theorem over the triangles as stored"

# Coordinates whose fifth powers, times density and unit, stay far from both ends of float64. All of
# float32 lies inside.
_SMALLEST, _LARGEST = 1e-50, 1e50

# Findings whose numbers rest on an assumption, however wide the interval.
_ASSUMED = {
    "closed-within-tolerance",
    "estimated",
    "folded-polygons",
    "intersections-unchecked",
    "inverted",
    "inverted-body",
    "nesting-unchecked",
    "non-planar-polygons",
    "overlap",
    "reoriented",
    "repeated-faces",
    "self-intersecting",
    "tangled-bodies",
    "united",
}


# Findings that say that the sum of all bodies may count a place more than once, or not know: a union counts it once.
_UNITED = {
    "intersections-unchecked",
    "inverted-body",
    "nesting-unchecked",
    "overlap",
    "repeated-faces",
    "self-intersecting",
    "tangled-bodies",
}


class Options(NamedTuple):
    """What is asked for beyond the measuring of a surface as it is."""

    check: str = "auto"  # "closed": only whether it is closed; "full": intersections too; "auto": by size
    weld: float | None = None  # corners of open edges this near are one, in the unit of the coordinates
    repair: str | None = None  # "estimate": cap holes; "union": count what several bodies share once

    def thorough(self, count: int) -> bool:
        """Whether intersections are looked for among `count` triangles: a union, too, must know of them."""
        asked = self.check == "full" or self.repair == "union"
        return count <= _WELDED_AT_MOST and (asked or (self.check == "auto" and count < THOROUGH_BELOW))


_DEFAULT = Options()


class _Look(NamedTuple):
    """What the first look at all triangles found."""

    sums: Sums
    low: Array
    high: Array
    closed: bool  # proved; False: not known


def measure(geometry: Mesh | Records, name: str, options: Options = _DEFAULT) -> Measured:
    """Area, box and, when the surface is closed and consistently oriented, the solid inside.

    name : what messages call the mesh

    Raises FormatError when there is no triangle, or for coordinates too large or too small to sum, or not finite.
    """
    count = geometry.count if isinstance(geometry, Records) else len(geometry.faces)
    if not count:
        msg = f"{name} holds no triangles: there is nothing to measure; export it as a surface"
        raise FormatError(msg)
    work = _Work(geometry, name, options, list(geometry.notes))
    look = _scanned(geometry, name)
    if look.closed and not options.thorough(count):
        return work.streamed(look)
    if count > _WELDED_AT_MOST:
        return work.finish(look, look.sums, {}, _why_unknown(count, name, work.notes))
    return work.surface(look, *_welded(geometry))


class _Work:
    """One measurement: what is asked, and what is worth saying so far."""

    def __init__(self, geometry: Mesh | Records, name: str, options: Options, notes: list[Note]) -> None:
        self.geometry, self.name, self.options, self.notes = geometry, name, options, notes

    def streamed(self, look: _Look) -> Measured:
        """The result of one pass over a surface that it proved to be closed."""
        sums = look.sums
        self._unchecked(sums.faces)
        absent = _why_flat(sums, self.name, self.notes)
        if self.options.repair == "union" and not absent:
            self._not_united(f"{sums.faces} triangles are too many to look for what bodies share")
        if not absent and sums.volume < 0:
            sums = _inverted(sums, self.notes)
        return self.finish(look, sums, {}, absent)

    def surface(self, look: _Look, vertices: Array, faces: Faces) -> Measured:
        """The result for triangles that share corners: what is wrong is named, and mended where asked."""
        found, causes = self._mended(look, vertices, faces)
        sums = look.sums
        if found.faces is not faces:
            sums = _solid_of(found, look)
        absent = _why_open(found, self.name, self.notes) or _why_flat(sums, self.name, self.notes)
        absent = absent or _why_doubtful(sums, causes, self.name, self.notes)
        if not absent:
            if sums.volume < 0:
                found = repair.surface(found.vertices, np.ascontiguousarray(found.faces[:, ::-1]))
                sums = _inverted(sums, self.notes)
            found, sums, twice = self._bodies(look, found, sums)
            causes["counted-twice"] = bounds.in_doubt(twice, look.sums.reach)
        return self.finish(look, sums, causes, absent)

    def _mended(
        self, look: _Look, vertices: Array, faces: Faces
    ) -> tuple[repair.Surface, dict[str, Cause | None]]:
        flat = topology.degenerate(faces)
        if flat.any():
            text = f"{flat.sum()} of {len(faces)} triangles name a corner twice and enclose nothing"
            self.notes.append(("degenerate-faces", text, {"count": int(flat.sum()), "faces": len(faces)}))
            faces = faces[~flat]
        found = repair.surface(vertices, faces)
        found, cracks = repair.close_cracks(found, look.sums, self.options.weld, self.notes)
        estimate = self.options.repair == "estimate"
        found = repair.reorient(found, self.notes, holes=estimate)
        causes: dict[str, Cause | None] = {"cracks": cracks}
        if estimate:
            found, causes["holes"] = repair.cap_holes(found, look.sums, self.notes)
        return found, causes

    def _bodies(self, look: _Look, found: repair.Surface, sums: Sums) -> tuple[repair.Surface, Sums, float]:
        """Volume in doubt because bodies overlap, and the union of them where that is asked for."""
        if not self.options.thorough(sums.faces):
            self._unchecked(sums.faces)
            return found, sums, 0.0
        before = len(self.notes)
        manifold = not found.edges.nonmanifold
        twice = nesting.doubt(found.vertices, found.faces, manifold, self.notes, found.sides)
        seen = self.notes[before:]
        if self.options.repair == "union" and _UNITED & {code for code, _, _ in seen}:
            try:
                return self._united(look, found, sums, seen)
            except NotASolid as error:
                self._not_united(str(error))
        return found, sums, twice

    def _united(
        self, look: _Look, found: repair.Surface, sums: Sums, seen: list[Note]
    ) -> tuple[repair.Surface, Sums, float]:
        """The union of all bodies, of which `seen` was found; raises NotASolid where there is none."""
        from massproof import union

        label, _ = topology.bodies(found.vertices, found.faces, found.sides)
        joined = repair.surface(*union.united(found.vertices, found.faces, label))
        if _covers_again(seen):  # only where bodies that share edges were told apart rightly is it gone
            left: list[Note] = []
            nesting.doubt(joined.vertices, joined.faces, not joined.edges.nonmanifold, left, joined.sides)
            if _covers_again(left):
                msg = "a body covers points several times without crossing itself; mend it where it was made"
                raise NotASolid(msg)
        whole = _solid_of(joined, look)
        text = (
            f"all bodies were united with manifold3d: the volume {sums.volume:g} became {whole.volume:g}; the area is "
            "that of the faces as stored"
        )
        self.notes.append(("united", text, {"bodies": int(label.max()) + 1, "sum": sums.volume}))
        return joined, whole, 0.0

    def _not_united(self, why: str) -> None:
        self.notes.append(("not-united", f"the union that was asked for was not made: {why}", {}))

    def _unchecked(self, count: int) -> None:
        text = (
            f"the surface is closed and consistently wound; whether it intersects itself, or bodies overlap, was not "
            f"looked for among its {count} triangles: "
        )
        if count > _WELDED_AT_MOST:
            text += f"that is done for up to {_WELDED_AT_MOST}"
        else:
            text += "check='full' (--check full) does"
        self.notes.append(("intersections-unchecked", text, {"faces": count}))

    def finish(self, look: _Look, sums: Sums, causes: dict[str, Cause | None], absent: str) -> Measured:
        """What was found, with the errors of every cause."""
        if absent and self.options.repair == "union":
            self._not_united("there is no volume, and thus none that bodies share")
        mesh, stored = self.geometry, look.sums
        area, volume = mesh.bent
        box = np.array([look.low, look.high])
        precision = float32_precision(box) if isinstance(mesh, Records) else mesh.precision
        known: dict[str, Cause | None] = {
            "rounding": bounds.rounding(sums)._replace(area=bounds.rounding(stored).area),
            "file-precision": None if precision is None else bounds.moved(stored, precision),
            "placement": bounds.moved(stored, mesh.placement),
            "non-planar": bounds.in_doubt(volume, stored.reach, area),
        }
        errors = bounds.by_cause(sums, known | causes)
        errors["tessellation"] = None  # a mesh does not say what it approximates
        body = None if absent else Body.from_moments(sums.moments, sums.origin)
        if body and _impossible(body, errors, look.low, look.high):
            body, absent = None, _why_impossible(self.name, self.notes)
        bounded = any(code in _ASSUMED for code, _, _ in self.notes)
        notes = tuple(self.notes)
        return Measured(stored.area, body, look.low, look.high, errors, _METHOD, notes, bounded, absent)


def _covers_again(notes: list[Note]) -> bool:
    """Whether a body was found to cover points several times, though no two triangles of it cross."""
    return any(code == "self-intersecting" and "bodies" in found for code, _, found in notes)


def _scanned(geometry: Mesh | Records, name: str) -> _Look:
    """One pass over everything, straight off the file where that is possible."""
    if isinstance(geometry, Records):
        corners = geometry.corners()[:: max(1, geometry.count // _SAMPLE)].astype(np.float64)
        origin = _middle(corners.reshape(-1, 3))
        found = scan.scan_records(geometry.stored, Records.START, geometry.count, origin)
        if not (np.isfinite(found.sums).all() and np.isfinite([found.low, found.high]).all()):
            require_finite(geometry.corners())
    else:
        sample = geometry.faces[:: max(1, len(geometry.faces) // _SAMPLE)]
        origin = _middle(geometry.vertices[sample.ravel()])
        found = scan.scan_faces(geometry.vertices, geometry.faces, origin)
    _check(found.low, found.high, name)
    count = geometry.count if isinstance(geometry, Records) else len(geometry.faces)
    sums = Sums(found.sums, origin, _reach(found.low, found.high, origin), count)
    return _Look(sums, found.low, found.high, not any(found.fingerprint) and not sums.leaves)


def _middle(points: Array) -> Array:
    with np.errstate(all="ignore"):  # what is not finite, or too large, is refused after the scan
        low, high = points.min(axis=0), points.max(axis=0)
        middle: Array = low + (high - low) / 2
    return middle


def _reach(low: Array, high: Array, origin: Array) -> float:
    return float(max((high - origin).max(), (origin - low).max())) * (1 + 2.0**-50)


def _welded(geometry: Mesh | Records) -> tuple[Array, Faces]:
    """Vertices and faces in which equal positions are one vertex."""
    if isinstance(geometry, Records):
        vertices, faces = weld.welded_records(geometry.stored, Records.START, geometry.count)
    else:
        vertices, faces = weld.welded(geometry.vertices, geometry.faces)
    return vertices, faces


def _solid_of(found: repair.Surface, look: _Look) -> Sums:
    """The integrals over a surface that was mended; the area stays that of the faces as stored."""
    return bounds.integrate(found.vertices, found.faces, look.sums.origin, look.sums.reach)


def _check(low: Array, high: Array, name: str) -> None:
    """Refuse coordinates whose fifth power would overflow or lose digits."""
    largest = float(max(-low.min(), high.max(), 0.0))
    if not _SMALLEST <= largest <= _LARGEST and largest:
        msg = (
            f"{name} has coordinates of {largest:g}, and only {_SMALLEST:g} to {_LARGEST:g} are possible: "
            "their fifth powers must be; use another unit"
        )
        raise FormatError(msg)


def _why_unknown(count: int, name: str, notes: list[Note]) -> str:
    """The finding, and the sentence, that say that a surface is open, where looking for its holes takes too much."""
    text = (
        f"{name} does not enclose a volume: the edges of its {count} triangles do not all match; area and box are "
        f"valid, volume and mass are not; where is looked for in up to {_WELDED_AT_MOST} triangles: split the file"
    )
    notes.append(("open-edges", text, {"faces": count}))
    return text


def _why_flat(sums: Sums, name: str, notes: list[Note]) -> str:
    """The finding, and the sentence, that say that rounding could be all of the volume; "" if not."""
    if abs(sums.volume) > sums.rounding:
        return ""
    text = f"{name} encloses no volume: its signed volume {sums.volume:g} is zero within ±{sums.rounding:.2g}"
    notes.append(("no-volume", text, {"signed_volume": sums.volume, "bound": sums.rounding}))
    return text


def _why_doubtful(sums: Sums, mended: Mapping[str, Cause | None], name: str, notes: list[Note]) -> str:
    """The finding, and the sentence, that say that what was closed could be all of the volume; "" if not.

    A surface that is closed by itself may enclose little, and its volume is true to the digits that it is given
    with; of one that we closed not even the sign is known then.
    """
    doubt = sum(cause.one for cause in mended.values() if cause)
    if not doubt or doubt + sums.rounding < abs(sums.volume):
        return ""
    text = (
        f"{name} encloses no volume that is known: with cracks and holes closed it would be {abs(sums.volume):g}, and "
        f"that can be wrong by {doubt:.3g}; mend it where it was made"
    )
    notes.append(("volume-in-doubt", text, {"signed_volume": sums.volume, "bound": doubt}))
    return text


def _inverted(sums: Sums, notes: list[Note]) -> Sums:
    """The integrals of a surface that is inside out, with its outside outside."""
    text = "all faces point inwards; the volume is reported positive"
    notes.append(("inverted", text, {"signed_volume": sums.volume}))
    return sums.inverted()


def _impossible(body: Body, errors: Mapping[str, Errors | None], low: Array, high: Array) -> bool:
    """Whether no solid in the box has this mass distribution: parts of it count as negative.

    The centre of mass of a solid lies in its box, and ∫ r rᵀ is positive semidefinite.
    """
    centre = sum(e.centre for e in errors.values() if e)
    second = sum(e.second for e in errors.values() if e)
    outside = (body.centre < low - centre) | (body.centre > high + centre)
    return bool(outside.any() or np.linalg.eigvalsh(body.second)[0] < -3 * second)


def _why_impossible(name: str, notes: list[Note]) -> str:
    text = (
        f"{name} does not enclose a volume: parts of the surface are inside out and count as negative, so "
        "that its mass would lie outside its box; make the winding consistent, part by part"
    )
    notes.append(("impossible-mass", text, {}))
    return text


def _why_open(surface: repair.Surface, name: str, notes: list[Note]) -> str:
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
