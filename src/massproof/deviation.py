"""How far the facets of a mesh can lie off the smooth surface that they stand for, from the angles between them.

A chord of a circle of radius r that spans the angle α has the width w = 2 r sin(α/2) and lies r (1 − cos(α/2)) =
(w/2) tan(α/4) off it at most. Between two facets that approximate a smooth
surface α is the angle of their normals. Facets that meet at more than 30° are taken to meet at an edge of the part.
Angles of all three sides are added, which covers surfaces that bend both ways. It is an estimate of the largest
deviation and holds where facets are about as large as their neighbours; no mesh tells more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from massproof.mass import Array, Errors
from massproof.mesh import Mesh, Records

if TYPE_CHECKING:
    import numpy.typing as npt

_SMOOTH = np.radians(30.5)  # twelve facets around a circle, and a little for the rounding of corners


def deviation(mesh: Mesh | Records) -> Errors:
    """What lies between facets and surfaces, in the unit of the mesh."""
    from massproof.kernels import edges, weld

    mesh = mesh.mesh() if isinstance(mesh, Records) else mesh
    vertices, faces = weld.welded(mesh.vertices, mesh.faces)
    faces = faces[~edges.degenerate(faces)]
    corners = vertices[faces]
    return _summed(corners, *_sagitta(corners, faces))


def _summed(corners: Array, height: Array, more: Array) -> Errors:
    """Each facet can be off by its area times its height, wherever that is."""
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    off = np.linalg.norm(normal, axis=1) / 2 * height
    centre = (corners.min(axis=(0, 1)) + corners.max(axis=(0, 1))) / 2
    volume = abs(float(np.einsum("ij,ij->i", normal, corners.mean(axis=1) - centre).sum())) / 6
    far = np.linalg.norm(corners - centre, axis=2).max(axis=1)
    first = 2 * float((off * far).sum()) / volume if volume else 0.0
    return Errors(
        float(more.sum()), float(off.sum()), first, float((off * far**2).sum()), float(height.max())
    )


def _sagitta(corners: Array, faces: npt.NDArray[np.int32]) -> tuple[Array, Array]:
    """How far each facet lies off its surface at most, and how much larger that can be.

    A surface at a height h over a facet, with curvatures that add up to K, is larger by h K of its area; a flat
    face that ends at it, along a side of length s, by s h.
    """
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double = np.linalg.norm(normal, axis=1)
    angle = _angles(faces, normal / np.where(double, double, 1.0)[:, None])
    smooth = np.where(angle <= _SMOOTH, angle, 0.0)
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)  # of each: from corner k to k + 1
    across = double[:, None] / np.where(sides, sides, np.inf)
    height: Array = (across * np.tan(smooth / 4) / 2).sum(axis=1)
    curved = (smooth / np.where(across, across, np.inf)).sum(axis=1)
    ends = np.where(angle > _SMOOTH, sides, 0.0).sum(axis=1)
    return height, height * (curved * double / 2 + ends)


def _angles(faces: npt.NDArray[np.int32], normals: Array) -> Array:
    """Angle across each side of each face, 0 where not two faces meet."""
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
    low, high = ends.min(axis=1).astype(np.int64), ends.max(axis=1).astype(np.int64)
    order = np.argsort(low * (int(faces.max(initial=0)) + 1) + high, kind="stable")
    key = (low * (int(faces.max(initial=0)) + 1) + high)[order]
    same = np.concatenate([[False], key[1:] == key[:-1], [False]])
    first = np.flatnonzero(~same[:-1] & same[1:] & ~np.append(same[2:], False))
    one, two = order[first], order[first + 1]
    apart = np.linalg.norm(normals[one // 3] - normals[two // 3], axis=1)
    angle = 2 * np.arcsin(np.minimum(apart / 2, 1.0))  # which keeps the digits of a small one
    found = np.zeros(len(ends))
    found[one] = found[two] = angle
    return found.reshape(-1, 3)
