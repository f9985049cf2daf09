"""The libraries that are compared. Each is used as its documentation shows, in the fastest way we know of.

A peer is a class with `load(path)`, `properties(loaded)` and, where the library offers one, its own test
`closed(loaded)`. It imports its library in `__init__`, which is not timed. Lengths are the file's.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

_MODULES = ("own", "integrating", "kitware", "reading", "compiled", "joining")
_REGISTRY: dict[str, type[Peer]] = {}

Answer = dict[str, Any]  # volume, area, centre (3), inertia (xx yy zz xy yz zx about the centre, density 1)


class Peer:
    """One library in one use; subclasses register themselves under `name`."""

    name: ClassVar[str]
    package: ClassVar[str]  # distribution that tells the version
    kinds: ClassVar[tuple[str, ...]] = ("binary",)  # binary, ascii, obj: what it is asked to measure
    note: ClassVar[str] = ""  # how it is used, where that is not obvious
    tests_closed: ClassVar[bool] = True
    judged: ClassVar[bool] = True  # whether its answers differ from those of another peer

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "name"):
            _REGISTRY[cls.name] = cls

    def version(self) -> str:
        """Version of the library."""
        from importlib.metadata import version

        return version(self.package)

    def load(self, path: str) -> Any:
        """What the library makes of a file."""
        raise NotImplementedError

    def properties(self, loaded: Any) -> Answer:
        """Volume, area, centre, inertia as far as the library has them."""
        raise NotImplementedError

    def closed(self, loaded: Any) -> bool | None:
        """What the library says when asked whether the mesh is closed; None when it cannot say."""
        return None


def registry() -> dict[str, type[Peer]]:
    """Every peer by name, in the order of the modules."""
    for module in _MODULES:
        importlib.import_module(f"peers.{module}")
    return _REGISTRY


def six(tensor: Any) -> list[float]:
    """The entries xx yy zz xy yz zx of a symmetric 3 × 3 matrix."""
    return [float(tensor[i][j]) for i, j in [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)]]


def numpy_properties(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Answer:
    """What a careful user of a reader without integrals writes: float64, about the first corner.

    a, b, c : (n, 3) corners
    """
    origin = a[0].astype(np.float64)
    a, b, c = (p.astype(np.float64).T - origin[:, None] for p in (a, b, c))
    u, w = b - a, c - a
    normal = np.stack([u[1] * w[2] - u[2] * w[1], u[2] * w[0] - u[0] * w[2], u[0] * w[1] - u[1] * w[0]])
    area = float(np.sqrt(np.einsum("ij,ij->j", normal, normal)).sum()) / 2
    d = np.einsum("ij,ij->j", a, normal)
    s = a + b + c
    volume = float(d.sum()) / 6
    centre = s @ d / 24 / volume if volume else np.zeros(3)
    second = (np.einsum("j,ij,kj->ik", d, s, s) + sum(p * d @ p.T for p in (a, b, c))) / 120
    second -= volume * np.outer(centre, centre)
    inertia = np.trace(second) * np.eye(3) - second
    return {"volume": volume, "area": area, "centre": (centre + origin).tolist(), "inertia": six(inertia)}


def of_faces(vertices: Any, faces: Any) -> Answer:
    """The same of vertices (V, 3) and faces (F, 3)."""
    points, corners = np.asarray(vertices), np.asarray(faces)
    return numpy_properties(points[corners[:, 0]], points[corners[:, 1]], points[corners[:, 2]])


def of_soup(corners: np.ndarray) -> Answer:
    """The same of corners (n, 3, 3)."""
    return numpy_properties(corners[:, 0], corners[:, 1], corners[:, 2])


def answer(volume: Any, area: Any = None, centre: Sequence[Any] | None = None, inertia: Any = None) -> Answer:
    """An answer in plain Python numbers."""
    return {
        "volume": None if volume is None else float(volume),
        "area": None if area is None else float(area),
        "centre": None if centre is None else [float(x) for x in centre],
        "inertia": None if inertia is None else six(inertia),
    }
