"""Pictures of parts and assemblies: PNG without a display, a graphics card or a window system.

Orthographic. What is drawn is lit by two lamps that move with the eye; lines run where faces meet at an angle, at
silhouettes, and along the edges that a STEP file has. Rows of the picture are shared among threads, and any number
of them gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from massproof.errors import UsageError
from massproof.kernels import raster
from massproof.kernels.jit import in_threads
from massproof.mesh import Floats
from massproof.scene import PLAIN, Colour, Definition, Placed, Scene, pieces

Picture = npt.NDArray[np.uint8]  # (h, w, 4) red, green, blue, opacity

_LINE = (0.10, 0.12, 0.15)
_MARGIN = 0.06  # of the picture, on each side
_SHARP = math.radians(28.0)  # faces that meet at more than this have a line between them
_SMOOTHED = 400_000  # triangles of one part: with more of them facets are smaller than pixels
_FINE = 1024  # pixels: pictures up to this are sampled 3 × 3 times a pixel, larger ones 2 × 2
_CHUNK = 1 << 20  # triangles that are placed and drawn together
_BANDS = 8  # rows of the picture are divided into so many parts for each thread

# Where the eye stands, seen from the middle, and what is up in the picture.
VIEWS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "isometric": ((1.0, -1.0, 1.0), (0.0, 0.0, 1.0)),
    "front": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "back": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "left": ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "right": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "top": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    "bottom": ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
}


@dataclass(frozen=True, eq=False, slots=True)
class Camera:
    """From the frame of the scene to pixels: x to the right, y down, z towards the eye."""

    matrix: Floats  # (3, 3)
    offset: Floats  # (3,)

    def seen(self, points: Floats) -> Floats:
        """(n, 3) points in pixels."""
        return np.ascontiguousarray(points @ self.matrix.T + self.offset)

    def placed(self, placed: Placed) -> Camera:
        """The same for what stands where a part does, in the frame of the part."""
        matrix = placed.matrix
        return Camera(self.matrix @ matrix[:3, :3], self.matrix @ matrix[:3, 3] + self.offset)

    def enlarged(self, factor: int) -> Camera:
        """The same for pixels that are smaller by `factor`."""
        return Camera(self.matrix * factor, self.offset * factor)


class _Canvas(NamedTuple):
    """What is known of every pixel while parts are drawn."""

    depth: npt.NDArray[np.float32]  # (H, W)
    facing: npt.NDArray[np.int16]  # (H, W, 3)
    part: npt.NDArray[np.int32]  # (H, W)
    ink: npt.NDArray[np.uint8]  # (H, W)

    def bands(self) -> list[tuple[int, int]]:
        """Rows that one thread takes at a time."""
        height = len(self.depth)
        step = -(-height // _BANDS)
        return [(first, min(first + step, height)) for first in range(0, height, step)]


def turn(view: str, degrees: float = 0.0) -> Floats:
    """Rows are right, up and towards the eye of a standard view, after turning what is seen about z.

    Raises UsageError for a view that `VIEWS` does not have.
    """
    if view not in VIEWS:
        msg = f"unknown view {view!r}; use one of {', '.join(VIEWS)}"
        raise UsageError(msg)
    eye, up = (np.array(v) for v in VIEWS[view])
    towards = eye / np.linalg.norm(eye)
    right = np.cross(up, towards)
    right /= np.linalg.norm(right)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    about = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    axes: Floats = np.stack([right, np.cross(towards, right), towards]) @ about
    return axes


def fitted(scene: Scene, axes: Floats, size: int) -> Camera:
    """The camera that shows all of `scene` in the middle of a square of `size` pixels.

    axes : (3, 3) as `turn` returns them

    Raises UsageError for a scene without triangles.
    """
    return framed(*extent(scene, axes), axes, size)


def framed(low: Floats, high: Floats, axes: Floats, size: int) -> Camera:
    """The camera that shows what lies between coordinates `low` and `high` along `axes`, all (3,) or (3, 3)."""
    widest = float(max(high[:2] - low[:2])) or float(max(high - low)) or 1.0
    scale = size * (1 - 2 * _MARGIN) / widest
    matrix = axes * np.array([[scale], [-scale], [scale]])
    middle = (low + high) / 2 * np.array([scale, -scale, scale])
    return Camera(matrix, np.array([size / 2, size / 2, 0.0]) - middle)


def extent(scene: Scene, axes: Floats) -> tuple[Floats, Floats]:
    """Least and greatest coordinates (3,) of a scene along axes, the rows of (3, 3).

    Raises UsageError for a scene without triangles.
    """
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for placed in scene.placed():
        place = Camera(axes, np.zeros(3)).placed(placed)
        for points in pieces(placed.definition.vertices):
            turned = place.seen(points)
            low, high = np.minimum(low, turned.min(axis=0)), np.maximum(high, turned.max(axis=0))
    if not np.isfinite(low).all():
        msg = "there is nothing to draw: no part has triangles"
        raise UsageError(msg)
    return low, high


def round_about(scene: Scene, size: int) -> Callable[[Floats], Camera]:
    """Cameras that turn round the middle of `scene`, at a scale at which it stays in the picture: they take the axes.

    Raises UsageError for a scene without triangles.
    """
    low, high = extent(scene, np.eye(3))
    scale = size * (1 - 2 * _MARGIN) / (float(np.linalg.norm(high - low)) or 1.0)
    middle = (low + high) / 2

    def camera(axes: Floats) -> Camera:
        matrix = axes * np.array([[scale], [-scale], [scale]])
        return Camera(matrix, np.array([size / 2, size / 2, 0.0]) - matrix @ middle)

    return camera


def draw(scene: Scene, camera: Camera, size: int, ground: Colour = (1.0, 1.0, 1.0, 1.0)) -> Picture:
    """Picture of `scene`, `size` pixels wide and high, on a ground of one colour and opacity."""
    factor = 3 if size <= _FINE else 2  # in which a pixel is divided either way, so that edges are smooth
    canvas, camera = _canvas(size * factor), camera.enlarged(factor)
    parts = [(placed, placed.patches()) for placed in scene.placed()]
    colours = np.array([PLAIN, *(colour or PLAIN for _, rows in parts for _, colour in rows)])
    smoothed: dict[int, npt.NDArray[np.float32]] = {}
    number = 1
    for placed, rows in parts:
        key = id(placed.definition)
        if key not in smoothed:
            smoothed[key] = corner_normals(placed.definition)
        _cover(canvas, camera, placed, smoothed[key], rows, number, np.ascontiguousarray(colours[:, 3]))
        number += len(rows)
    return _finished(canvas, camera, parts, colours, factor, ground)


def _canvas(size: int) -> _Canvas:
    return _Canvas(
        np.full((size, size), raster.FARTHEST, np.float32),
        np.zeros((size, size, 3), np.int16),
        np.zeros((size, size), np.int32),
        np.zeros((size, size), np.uint8),
    )


def corner_normals(definition: Definition) -> npt.NDArray[np.float32]:
    """(F, 3, 3) unit normals that make round what is meant to be; none for a part with facets beyond number."""
    faces = definition.faces
    if len(faces) > _SMOOTHED:
        return np.empty((0, 3, 3), np.float32)
    normals = np.empty((len(faces), 3, 3), np.float32)
    starts, uses = np.zeros(len(definition.vertices) + 2, np.int64), np.empty(3 * len(faces), np.int64)
    vertices = np.ascontiguousarray(definition.vertices)
    raster.corner_normals(vertices, np.ascontiguousarray(faces), starts, uses, math.cos(_SHARP), normals)
    return normals


def _cover(
    canvas: _Canvas,
    camera: Camera,
    placed: Placed,
    normals: npt.NDArray[np.float32],
    rows: Iterable[tuple[int, Colour | None]],
    number: int,
    opacities: Floats,
) -> None:
    """Draw one part where it stands, its patches numbered from `number` on."""
    points, faces = camera.placed(placed).seen(placed.definition.vertices), placed.faces()
    numbers = np.empty(len(faces), np.int32)
    for k, (first, _) in enumerate(rows):
        numbers[first:] = number + k
    # Normals turn with the part; a scale of it does not matter, and neither does which corner comes first.
    turn = camera.matrix @ placed.matrix[:3, :3]
    turn = turn * np.array([[1.0], [-1.0], [1.0]]) / np.cbrt(abs(np.linalg.det(turn)))
    order = slice(None, None, -1) if placed.mirrored else slice(None)
    for first in range(0, len(faces), _CHUNK):
        stop = min(first + _CHUNK, len(faces))
        some = np.ascontiguousarray(faces[first:stop])
        turned = np.ascontiguousarray(normals[first:stop, order] @ turn.T.astype(np.float32))
        these = np.ascontiguousarray(numbers[first:stop])
        in_threads(
            lambda band, some=some, turned=turned, these=these: raster.cover(
                points, some, turned, these, opacities, *band, canvas.depth, canvas.facing, canvas.part
            ),
            canvas.bands(),
        )


def _finished(
    canvas: _Canvas,
    camera: Camera,
    parts: Iterable[tuple[Placed, object]],
    colours: Floats,
    factor: int,
    ground: Colour,
) -> Picture:
    """Lines over what was drawn, and light on it."""
    size = len(canvas.depth) // factor
    clear = (colours[:, 3] < 1.0).astype(np.uint8)
    points, starts = _lines(parts, camera)
    in_threads(
        lambda band: raster.draw_lines(points, starts, 1.5 * factor, *band, canvas.depth, canvas.ink),
        canvas.bands(),
    )
    in_threads(
        lambda band: raster.outline(
            canvas.depth, canvas.facing, canvas.part, clear, math.cos(_SHARP), *band, canvas.ink
        ),
        canvas.bands(),
    )
    picture = np.empty((size, size, 4), np.uint8)
    shades = np.ascontiguousarray(colours[:, :3])
    step = -(-size // _BANDS)
    in_threads(
        lambda first: raster.shade(
            canvas.facing, canvas.part, canvas.ink, shades, np.array(_LINE), np.array(ground), factor,
            first, min(first + step, size), picture,
        ),
        range(0, size, step),
    )  # fmt: skip
    return picture


def _lines(parts: Iterable[tuple[Placed, object]], camera: Camera) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The edges of all parts in pixels, one after the other, and where each begins."""
    lines = [camera.placed(placed).seen(line) for placed, _ in parts for line in placed.definition.lines]
    starts = np.cumsum([0, *(len(line) for line in lines)], dtype=np.int64)
    return np.concatenate([*lines, np.empty((0, 3))]), starts
