"""The triangle mesh every mesh reader returns; checked once here so that kernels need not check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


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
    # (code, message, evidence) of what the reader noticed
    notes: tuple[tuple[str, str, Mapping[str, Any]], ...] = field(default=())

    def __post_init__(self) -> None:
        if self.vertices.dtype != np.float64 or self.vertices.shape[1:] != (3,):
            msg = f"vertices must be (V, 3) float64, got {_describe(self.vertices)}"
            raise TypeError(msg)
        if self.faces.dtype != np.int32 or self.faces.shape[1:] != (3,):
            msg = f"faces must be (F, 3) int32, got {_describe(self.faces)}"
            raise TypeError(msg)
        if self.faces.size and not (0 <= self.faces.min() and self.faces.max() < len(self.vertices)):
            msg = (
                f"faces refer to vertices {self.faces.min()}..{self.faces.max()}, "
                f"but there are {len(self.vertices)} vertices"
            )
            raise ValueError(msg)
        if not np.isfinite(self.vertices).all():
            row = int(np.argmax(~np.isfinite(self.vertices).all(axis=1)))
            msg = f"vertex {row} is not finite: {self.vertices[row].tolist()}"
            raise ValueError(msg)


def as_mesh(vertices: npt.ArrayLike, faces: npt.ArrayLike, unit: str | None = None) -> Mesh:
    """Mesh from anything numpy can read as (V, 3) numbers and (F, 3) indices.

    Raises ValueError when an index does not fit the vertices or a coordinate is not finite.
    """
    corners = np.asarray(faces)
    if corners.size and corners.dtype.kind not in "iu":
        msg = f"faces must be integers, got {_describe(corners)}"
        raise TypeError(msg)
    if corners.size and not -1 < int(corners.min()) <= int(corners.max()) < 2**31:
        msg = f"faces refer to vertices {corners.min()}..{corners.max()}; 0 to 2147483647 are possible"
        raise ValueError(msg)
    points = np.ascontiguousarray(vertices, np.float64)
    return Mesh(points, np.ascontiguousarray(corners.reshape(-1, 3), np.int32), unit)


def _describe(array: npt.NDArray[Any]) -> str:
    return f"{array.shape} {array.dtype}"
