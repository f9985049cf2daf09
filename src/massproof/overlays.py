"""What was measured, drawn over a picture: centre of mass, principal axes, bounding box with its dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from massproof import drawing
from massproof.drawing import Camera
from massproof.mesh import Floats
from massproof.properties import Properties
from massproof.scene import Scene

if TYPE_CHECKING:
    from PIL.Image import Image

_RED, _GREEN, _BLUE, _INK = (200, 40, 40, 255), (30, 140, 50, 255), (40, 70, 210, 255), (40, 45, 55, 255)
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if (a ^ b).bit_count() == 1]  # of a box


def around_box(scene: Scene, axes: Floats, size: int) -> Camera:
    """The camera that shows all of the bounding box of a scene, whose corners stand out from the parts."""
    seen = _corners(*drawing.extent(scene, np.eye(3))) @ axes.T
    return drawing.framed(seen.min(axis=0), seen.max(axis=0), axes, size)


def _corners(low: Floats, high: Floats) -> Floats:
    """(8, 3) corners of a box; those of which one bit of the number differs have an edge between them."""
    return np.array([[(low, high)[n >> k & 1][k] for k in range(3)] for n in range(8)])


def draw(image: Image, camera: Camera, unit: str, found: Properties, wanted: Sequence[str]) -> None:
    """Draw what was measured over a picture; what does not exist is left out.

    unit : length unit of what `camera` sees;  wanted : any of "center", "axes", "box"
    """
    from PIL import ImageDraw, ImageFont

    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(10, image.width // 32))
    wide = max(1, image.width // 300)
    box = found.bounding_box
    if "box" in wanted and box and box.min and box.max:
        low, high = (np.array(corner.to(unit)) for corner in (box.min, box.max))
        seen = camera.seen(_corners(low, high))[:, :2]
        for a, b in _EDGES:
            pen.line([tuple(seen[a]), tuple(seen[b])], _BLUE, wide)
        _dimensions(pen, font, seen, high - low, unit)
    centre = np.array(found.center_of_mass.to(unit)) if found.center_of_mass else None
    if "axes" in wanted and centre is not None and found.principal:
        radii = [radius.to(unit).value for radius in found.principal.radii]
        for axis, radius, colour in zip(found.principal.axes, radii, (_RED, _GREEN, _BLUE), strict=True):
            ends = camera.seen(centre + np.outer([-1.0, 1.0], np.array(axis) * radius))[:, :2]
            pen.line([tuple(ends[0]), tuple(ends[1])], colour, 2 * wide)
    if "center" in wanted and centre is not None:
        _mark(pen, camera.seen(centre[None])[0], max(5, image.width // 50))


def _dimensions(pen: Any, font: Any, seen: Floats, sides: Floats, unit: str) -> None:
    """The length of each side of the box beside the edge of that direction that is lowest in the picture."""
    for k, side in enumerate(sides):
        edges = [(a, b) for a, b in _EDGES if a ^ b == 1 << k]
        a, b = max(edges, key=lambda edge: (seen[edge[0], 1] + seen[edge[1], 1], seen[edge[0], 0]))
        middle = (seen[a] + seen[b]) / 2
        if math.dist(seen[a], seen[b]) > 8:  # else it is seen from its end
            pen.text(
                tuple(middle),
                f"{side:.4g} {unit}",
                _INK,
                font,
                anchor="mm",
                stroke_width=3,
                stroke_fill=(255, 255, 255, 255),
            )


def _mark(pen: Any, at: Floats, radius: int) -> None:
    """The sign of a centre of mass: a circle of four quarters, two of them black."""
    x, y = float(at[0]), float(at[1])
    frame = (x - radius, y - radius, x + radius, y + radius)
    pen.ellipse(frame, (255, 255, 255, 255), _INK, max(1, radius // 6))
    for start in (0, 180):
        pen.pieslice(frame, start, start + 90, _INK)
