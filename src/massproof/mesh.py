"""The triangle mesh every mesh reader returns; checked once here so that kernels need not check."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.errors import FormatError, Note
from massproof.kernels import COMPILED_FROM
from massproof.kernels.polygons import bending, divide, mark

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Corners = npt.NDArray[np.int32] | Integers
Precision = Callable[[Floats], float]


class Transform(NamedTuple):
    """An affine map, and how far rounding may have moved its entries."""

    matrix: Floats  # (4, 4), the last row 0 0 0 1
    error: Floats  # (4, 4), not negative

    def then(self, inner: Transform) -> Transform:
        """`inner` first, then this one: four products and their sum are rounded for each entry."""
        size = np.abs(self.matrix) @ np.abs(inner.matrix)
        error = self.error @ (np.abs(inner.matrix) + inner.error) + np.abs(self.matrix) @ inner.error
        return Transform(self.matrix @ inner.matrix, error + 8 * 2.0**-53 * size)


def placed_at(matrix: Floats, rounded: float = 0.0) -> Transform:
    """The map of a matrix whose entries are off by up to `rounded` of their size."""
    return Transform(matrix, np.abs(matrix) * rounded)


Placed = tuple[Floats, Integers, Transform]  # (V, 3) vertices, (F, 3) faces, where an instance stands

_PLANAR = 1e-6  # of the perimeter: decimals of six digits bend polygons no further

_FEW = 65_536  # triangles whose corners are gathered together
_PART = 1_000_000  # triangles that are looked at together

MAX_INSTANCES = 100_000  # uses of a mesh; ten levels of ten components would be 10^10
MAX_TRIANGLES = 50_000_000  # of all instances together: 4 GB while they are placed


@dataclass(frozen=True, eq=False, slots=True)
class Mesh:
    """Triangles that share vertices. Coordinates stay in the file's own unit.

    Raises TypeError for a wrong shape or dtype, ValueError for an index out of range or a
    coordinate that is not finite.
    """

    vertices: npt.NDArray[np.float64]  # (V, 3)
    faces: npt.NDArray[np.int32]  # (F, 3), counter-clockwise seen from outside
    unit: str | None = None  # length unit the file declares; None when its format has none
    # Half the spacing between neighbouring coordinates the file can store, in its unit: how far
    # the exporter may have moved a coordinate. None when the format does not say.
    precision: float | None = None
    notes: tuple[Note, ...] = ()  # what the reader noticed
    placement: float = 0.0  # how far rounding may have moved a coordinate when an instance was placed
    # Area and volume that depend on how polygons which are not planar are cut into triangles.
    bent: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.vertices.dtype != np.float64 or self.vertices.shape[1:] != (3,):
            msg = f"vertices must be (V, 3) float64, got {_describe(self.vertices)}"
            raise TypeError(msg)
        if self.faces.dtype != np.int32 or self.faces.shape[1:] != (3,):
            msg = f"faces must be (F, 3) int32, got {_describe(self.faces)}"
            raise TypeError(msg)
        if self.faces.size and not _inside(self.faces, len(self.vertices)):
            msg = (
                f"faces refer to vertices {self.faces.min()}..{self.faces.max()}, "
                f"but there are {len(self.vertices)} vertices"
            )
            raise ValueError(msg)
        if not np.isfinite(self.vertices).all():
            row = int(np.argmax(~np.isfinite(self.vertices).all(axis=1)))
            msg = f"vertex {row} is not finite: {self.vertices[row].tolist()}"
            raise ValueError(msg)
        for name in ("vertices", "faces"):  # kernels read rows one after the other
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name)))


@dataclass(frozen=True, eq=False, slots=True)
class Records:
    """Triangles as a binary STL file stores them, viewed where the file is mapped: read once, and not copied.

    Whether coordinates are finite is found when they are summed; `require_finite` then says which are not.
    """

    stored: npt.NDArray[np.uint8]  # the whole file
    count: int  # triangles
    unit: str | None = None  # STL has none
    notes: tuple[Note, ...] = ()
    placement: float = 0.0
    bent: tuple[float, float] = (0.0, 0.0)

    START = 96  # byte of the first corner: a header of 84 and a normal of 12
    SIZE = 50  # bytes a triangle: normal, three corners, an attribute

    def corners(self) -> npt.NDArray[np.float32]:
        """View of all corners: (count, 3, 3)."""
        return np.ndarray((self.count, 3, 3), "<f4", self.stored, self.START, (self.SIZE, 12, 4))

    def mesh(self) -> Mesh:
        """The same triangles as a mesh; copies them.

        Raises FormatError for a coordinate that is not finite.
        """
        corners = self.corners()
        require_finite(corners)
        vertices = corners.reshape(-1, 3).astype(np.float64)
        faces = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
        return Mesh(vertices, faces, precision=float32_precision(vertices))


def require_finite(corners: npt.NDArray[Any]) -> None:
    """Raise FormatError for corners (F, 3, 3) that are not all finite."""
    count, first = 0, -1
    for i in range(0, len(corners), _PART):  # in parts: the file may be larger than the memory
        bad = ~np.isfinite(corners[i : i + _PART]).all(axis=2)
        if bad.any():
            first = first if count else 3 * i + int(np.argmax(bad))
            count += int(bad.sum())
    if count:
        msg = (
            f"STL with {count} of {3 * len(corners)} corners not finite, the first in triangle {first // 3}: "
            f"{corners[first // 3, first % 3].tolist()} is nan or inf; export it again"
        )
        raise FormatError(msg)


def as_mesh(vertices: npt.ArrayLike, faces: npt.ArrayLike, unit: str | None = None) -> Mesh:
    """Mesh from anything numpy can read as (V, 3) numbers and (F, 3) indices.

    Raises ValueError when an index does not fit the vertices, a coordinate is not finite, or entries are masked.
    """
    for name, given in (("vertices", vertices), ("faces", faces)):
        count = int(given.mask.sum()) if isinstance(given, np.ma.MaskedArray) else 0
        if count:
            msg = f"{count} entries of {name} are masked, and have no value: leave out what is masked first"
            raise ValueError(msg)
    corners, points = np.asarray(faces), np.asarray(vertices)
    if corners.size and corners.dtype.kind not in "iu":
        msg = f"faces must be integers, got {_describe(corners)}"
        raise TypeError(msg)
    if points.size and points.dtype.kind not in "iuf":
        msg = f"vertices must be numbers of a size that float64 holds, got {_describe(points)}"
        raise TypeError(msg)
    if corners.shape[1:] != (3,):
        msg = f"faces must be triangles, (F, 3), got {_describe(corners)}"
        raise TypeError(msg)
    if corners.size and not -1 < int(corners.min()) <= int(corners.max()) < 2**31:
        msg = f"faces refer to vertices {corners.min()}..{corners.max()}; 0 to 2147483647 are possible"
        raise ValueError(msg)
    doubles = np.ascontiguousarray(points, np.float64)
    rounded = points.size and points.dtype.itemsize >= 8 and points.dtype != np.float64
    if rounded and not (doubles.astype(points.dtype) == points).all():
        msg = f"vertices are {points.dtype} with more digits than float64 holds; subtract an offset first"
        raise ValueError(msg)
    mesh = Mesh(doubles, np.ascontiguousarray(corners, np.int32), unit)
    if points.dtype == np.float32 and points.size:
        return replace(mesh, precision=float32_precision(mesh.vertices))
    return mesh


def float32_precision(vertices: Floats) -> float:
    """Half the distance to the next float32 at the largest coordinate; `vertices` are finite."""
    # Between the smallest normal float32 and the largest one; numpy.spacing overflows there.
    largest = np.clip(np.abs(vertices).max(), 2.0**-126, np.finfo(np.float32).max)
    return math.ldexp(1.0, math.frexp(np.float32(largest))[1] - 25)


def from_polygons(
    vertices: Floats,
    corners: Corners,
    sizes: Corners | None,
    *,
    precision: Precision | None = None,
    notes: tuple[Note, ...] = (),
) -> Mesh:
    """Mesh of polygons, triangulated without leaving them, and of the vertices they use.

    vertices : (V, 3)
    corners : (K,) vertex numbers of all polygons, one after the other
    sizes : (P,) how many of them each polygon has, trusted to be at least 0 and to add up to K; None: three
    precision : float32_precision when the file stores float32

    Raises FormatError for an index out of range, a vertex in use that is not finite, or no face.
    """
    if sizes is None or (sizes == 3).all():
        _check(vertices, corners, lambda at: at // 3)
        vertices, corners = _used(vertices, corners)
        step = precision(vertices) if precision else None
        faces = np.ascontiguousarray(corners.reshape(-1, 3), np.int32)
        return Mesh(vertices, faces, precision=step, notes=notes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    _check(vertices, corners, lambda at: int(np.searchsorted(starts, at, side="right")) - 1)
    flat = sizes < 3
    if flat.any():
        corners, sizes = corners[~np.repeat(flat, sizes)], sizes[~flat]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        count = int(flat.sum())
        why = f"{count} faces have less than 3 corners, so they have no area; they are left out"
        notes = (*notes, ("faces-without-area", why, {"count": count}))
    vertices, corners = _used(vertices, corners)
    with np.errstate(all="ignore"):  # areas of 1e200 overflow; such coordinates are refused later
        faces, excess, thickness, perimeter = divide(vertices, corners, starts)
        area, volume = bending(thickness, perimeter, sizes)
        notes += _crooked(thickness / np.maximum(perimeter, 1e-300), excess)
    step = precision(vertices) if precision else None
    bent = (float(area + excess.sum()), float(volume))
    return Mesh(vertices, faces, precision=step, notes=notes, bent=bent)


def _crooked(bend: Floats, excess: Floats) -> tuple[Note, ...]:
    """What to say of polygons that are not planar, or that fold over themselves."""
    notes: list[Note] = []
    crooked, folded = int((bend > _PLANAR).sum()), int((excess > 0).sum())
    if crooked:
        worst = float(bend.max())
        why = (
            f"{crooked} of {len(bend)} polygons are not planar, by up to {worst:.1g} of their perimeter: "
            "area and volume depend on how they are cut into triangles; export triangles"
        )
        notes.append(("non-planar-polygons", why, {"count": crooked, "worst": worst}))
    if folded:
        why = f"{folded} of {len(bend)} polygons cross or fold over themselves: their area is not defined"
        notes.append(("folded-polygons", why, {"count": folded, "area_at_most": float(excess.sum())}))
    return tuple(notes)


def from_instances(placed: Iterable[Placed], unit: str, precision: Precision | None = None) -> Mesh:
    """One mesh of all instances; a mirrored one is turned, so that its outside stays outside.

    placed : taken one by one, so that too many are refused before they take memory
    precision : float32_precision when the file stores float32; a matrix stretches it with the rest

    Raises FormatError as `from_polygons` does, and for too many instances or triangles.
    """
    vertices, faces, first = [np.empty((0, 3))], [np.empty((0, 3), np.int64)], 0
    step = moved = 0.0
    with np.errstate(all="ignore"):  # an infinity is reported below
        for points, corners, (matrix, error) in _limited(placed):
            _check(points, corners.reshape(-1), lambda at: at // 3)
            mirrored = np.linalg.det(matrix[:3, :3]) < 0
            vertices.append(points @ matrix[:3, :3].T + matrix[:3, 3])
            faces.append((corners[:, ::-1] if mirrored else corners) + first)
            first += len(points)
            reach = _reach(points, corners)
            if len(corners) and (matrix != np.eye(4)).any():
                # Three products, three sums of them and of the offset, each rounded once.
                slack = error + 4 * 2.0**-53 * np.abs(matrix)
                moved = max(moved, float((slack @ np.append(reach, 1.0))[:3].max()))
            if precision and len(corners):
                stretch = float(np.abs(matrix[:3, :3]).sum(axis=1).max())
                step = max(step, precision(reach) * stretch)
    everywhere, joined = np.concatenate(vertices), np.concatenate(faces).reshape(-1)
    _check(everywhere, joined, lambda at: at // 3)
    everywhere, corners_used = _used(everywhere, joined)
    triangles = corners_used.reshape(-1, 3).astype(np.int32)
    return Mesh(everywhere, triangles, unit, step if precision else None, placement=moved)


def _reach(points: Floats, corners: Integers) -> Floats:
    """(3,) the largest size of each coordinate of the corners (F, 3)."""
    reach = np.zeros(3)
    for first in range(0, len(corners), _FEW):
        np.maximum(reach, np.abs(points[corners[first : first + _FEW]]).max(axis=(0, 1)), out=reach)
    return reach


def _limited(placed: Iterable[Placed]) -> list[Placed]:
    instances, triangles = [], 0
    for instance in placed:
        instances.append(instance)
        triangles += len(instance[1])
        if triangles > MAX_TRIANGLES or len(instances) > MAX_INSTANCES:
            msg = (
                f"too many instances: more than {MAX_INSTANCES} components or {MAX_TRIANGLES} "
                "triangles, the limit; split the file"
            )
            raise FormatError(msg)
    return instances


def _inside(indices: Corners, count: int) -> bool:
    """Whether all are from 0 to count − 1, found in one pass: without its sign a negative one is a large one."""
    return int(indices.view(f"u{indices.dtype.itemsize}").max()) < count


def _check(vertices: Floats, corners: Corners, face_of: Callable[[int], int]) -> None:
    """Refuse a corner without a vertex, or one with a vertex that is not finite."""
    if len(corners) and not _inside(corners, len(vertices)):
        at = int(np.argmax((corners < 0) | (corners >= len(vertices))))
        msg = (
            f"face {face_of(at)} has vertex index {corners[at]}, which is out of range: "
            f"the file has {len(vertices)} vertices, numbered from 0; export it again"
        )
        raise FormatError(msg)
    if np.isfinite(vertices).all():
        return
    bad = ~np.logical_and.reduce(np.isfinite(vertices), axis=1)[corners]
    if bad.any():
        at = int(np.argmax(bad))
        where = vertices[corners[at]].tolist()
        msg = f"face {face_of(at)} uses vertex {corners[at]}, which is not finite: {where}; export it again"
        raise FormatError(msg)


def _used(vertices: Floats, corners: Corners) -> tuple[Floats, Corners]:
    """The vertices that corners refer to, and the corners renumbered; refused when there are none."""
    if not len(corners):
        msg = f"the file holds no triangles: {len(vertices)} points, 0 faces; export it as a surface"
        raise FormatError(msg)
    used = np.zeros(len(vertices), np.uint8)
    if len(corners) >= 3 * COMPILED_FROM:
        mark(np.ascontiguousarray(corners, np.int32), used)
    else:
        used[corners] = 1
    vertices = np.ascontiguousarray(vertices, np.float64)
    if used.all():
        return vertices, corners
    return vertices[used != 0], (np.cumsum(used != 0) - 1)[corners]


def _describe(array: npt.NDArray[Any]) -> str:
    return f"{array.shape} {array.dtype}"
