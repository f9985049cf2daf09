"""Thumbnails: a PNG of a file or an object, with what was measured drawn over it on request.

Pillow writes the files, and the letters.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from massproof.errors import MissingExtra, UsageError
from massproof.measure import measure

if TYPE_CHECKING:
    from PIL.Image import Image

    from massproof.choice import Choice
    from massproof.drawing import Picture
    from massproof.mesh import Floats
    from massproof.scene import Scene
    from massproof.selection import Parts

OVERLAYS = ("center", "axes", "box")
SIZES = (16, 4096)  # pixels, from and to
_WHITE, _CLEAR = (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0)
_MILLISECONDS = 60  # a frame of a turntable is shown


def render(
    source: Any,
    *,
    size: int = 400,
    view: str = "isometric",
    transparent: bool = False,
    overlay: Sequence[str] = (),
    unit: str | None = None,
    format: str | None = None,
    deflection: float | None = None,
    parts: Parts = (),
) -> bytes:
    """A PNG of a file or an object, the same bytes each time.

    source, unit, format : as `massproof.measure` takes them
    size : width and height in pixels;  view : one of `drawing.VIEWS`: isometric, front, back, left, right, top, bottom
    transparent : leave out the white ground
    overlay : any of "center" (of mass), "axes" (principal), "box" (bounding, with its dimensions)
    deflection : of exact shapes, millimetres between facets and faces; without it what suits their size
    parts : names or numbers of what is drawn and measured for overlays, as `convert` takes them; without any all that
        the file does not hide

    Raises what `massproof.measure` raises for a source that cannot be read, UsageError for a size, view, overlay
    or part that there is not, or when nothing can be drawn, MissingExtra without Pillow, or for exact shapes
    without OCCT.
    """
    from massproof import drawing, overlays

    _check(size, overlay)
    chosen, scene, upright = subject(source, unit, format, deflection, parts)
    axes = drawing.turn(view) @ upright
    camera = drawing.fitted(scene, axes, size)
    if "box" in overlay:  # whose corners may lie outside of what holds the part
        camera = overlays.around_box(scene, axes, size)
    image = _image(drawing.draw(scene, camera, size, _CLEAR if transparent else _WHITE))
    if overlay:
        overlays.draw(image, camera, scene.unit, measure(chosen.loaded(), unit=unit), overlay)
    return _png(image)


def turntable(
    source: Any,
    *,
    size: int = 400,
    frames: int = 36,
    kind: str = "gif",
    unit: str | None = None,
    format: str | None = None,
    deflection: float | None = None,
    parts: Parts = (),
) -> bytes:
    """A part that turns once about its vertical axis, seen from above at a slant: an animated GIF or PNG.

    kind : "gif" or "apng";  others : as in `render`

    Raises what `render` raises, and UsageError for fewer than 2 or more than 360 frames, or another kind.
    """
    from massproof import drawing

    _check(size, ())
    if kind not in ("gif", "apng") or not 2 <= frames <= 360:
        msg = f"a turntable is gif or apng with 2 to 360 frames, not {kind!r} with {frames}"
        raise UsageError(msg)
    _, scene, upright = subject(source, unit, format, deflection, parts)
    camera = drawing.round_about(scene, size)
    shown = [camera(drawing.turn("isometric", 360.0 * k / frames) @ upright) for k in range(frames)]
    images = [_image(drawing.draw(scene, one, size, _WHITE)).convert("RGB") for one in shown]
    out = io.BytesIO()
    images[0].save(
        out,
        "PNG" if kind == "apng" else "GIF",
        save_all=True,
        append_images=images[1:],
        duration=_MILLISECONDS,
        loop=0,
    )
    return out.getvalue()


def subject(
    source: Any, unit: str | None, format: str | None, deflection: float | None, parts: Parts
) -> tuple[Choice, Scene, Floats]:
    """What is drawn of a file or an object, its scene, and the (3, 3) rotation after which up is +z.

    Raises what `render` raises.
    """
    from massproof import choice, sources, tessellate
    from massproof.scene import frame

    loaded = sources.load(source, format)
    chosen = choice.of(loaded, parts, seen=True)
    scene = chosen.scene(unit, tessellate.Fineness(deflection=deflection))
    return chosen, scene, frame(*loaded.upright)[:3, :3].T


def _check(size: int, overlay: Sequence[str]) -> None:
    least, most = SIZES
    if not least <= size <= most:
        msg = f"a picture can have {least} to {most} pixels, not {size}"
        raise UsageError(msg)
    unknown = [one for one in overlay if one not in OVERLAYS]
    if unknown:
        msg = f"cannot draw {unknown[0]!r} over it; use any of {', '.join(OVERLAYS)}"
        raise UsageError(msg)


def _image(picture: Picture) -> Image:
    try:
        from PIL import Image
    except ImportError as error:
        what = "writing pictures"
        raise MissingExtra(what, "render") from error
    return Image.fromarray(picture, "RGBA")


def _png(image: Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return out.getvalue()
