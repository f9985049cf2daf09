"""Hypothesis strategies: solids with known answers, and the motions the laws are about."""

import numpy as np
import pytest
from hypothesis import strategies as st

from massproof.kernels import clusters, coincident, edges, regions, weld
from massproof.mesh import Mesh

coordinates = st.floats(-10, 10).map(lambda x: round(x, 3))
lengths = st.floats(0.1, 10).map(lambda x: round(x, 3))
vectors = st.tuples(coordinates, coordinates, coordinates).map(np.array)

QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
CORNERS = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], float)
BOX_FACES = np.array([f for a, b, c, d in QUADS for f in ((a, b, c), (a, c, d))], np.int32)


def box(size=(1.0, 2.0, 3.0), corner=(0.0, 0.0, 0.0)):
    """An axis-aligned box as 12 triangles."""
    return Mesh(np.array(corner) + CORNERS * np.array(size), BOX_FACES.copy())


def joined(*meshes):
    """One mesh of several."""
    starts = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    faces = [m.faces + np.int32(start) for m, start in zip(meshes, starts, strict=True)]
    return Mesh(np.vstack([m.vertices for m in meshes]), np.vstack(faces).astype(np.int32))


def sphere(radius=1.0, rings=16, centre=(0.0, 0.0, 0.0)):
    """A closed sphere of triangles, poles included, every vertex on the sphere."""
    around = 2 * rings
    polar = np.pi * np.arange(1, rings) / rings
    turn = 2 * np.pi * np.arange(around) / around
    ring = np.stack(
        [
            np.outer(np.sin(polar), np.cos(turn)),
            np.outer(np.sin(polar), np.sin(turn)),
            np.outer(np.cos(polar), np.ones(around)),
        ],
        axis=2,
    ).reshape(-1, 3)
    vertices = np.vstack([[[0, 0, 1]], ring, [[0, 0, -1]]]) * radius + np.array(centre)
    faces = []
    for k in range(around):
        faces.append((0, 1 + k, 1 + (k + 1) % around))
        faces.append(
            (
                len(vertices) - 1,
                len(vertices) - 1 - around + (k + 1) % around,
                len(vertices) - 1 - around + k,
            )
        )
        for r in range(rings - 2):
            a, b = 1 + r * around + k, 1 + r * around + (k + 1) % around
            faces += [(a, a + around, b), (b, a + around, b + around)]
    return Mesh(vertices, np.array(faces, np.int32))


@st.composite
def rotations(draw):
    """Proper rotations, from a random unit quaternion."""
    x, y, z = (draw(st.floats(-1, 1)) for _ in range(3))
    w, x, y, z = np.array([1.0, x, y, z]) / np.linalg.norm([1.0, x, y, z])
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@st.composite
def boxes(draw):
    """An axis-aligned box, with its corner and its size."""
    corner, size = draw(vectors), np.array([draw(lengths) for _ in range(3)])
    return box(size, corner), corner, size


@st.composite
def solids(draw):
    """A closed solid of no special symmetry: a star-shaped, randomly dented octahedron or sphere."""
    mesh = sphere(1.0, draw(st.integers(2, 5)), draw(vectors))
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    centre = mesh.vertices.mean(axis=0)
    stretch = rng.uniform(0.2, 5.0, (len(mesh.vertices), 1)) * rng.uniform(0.1, 3.0, 3)
    return Mesh(centre + (mesh.vertices - centre) * stretch, mesh.faces)


@st.composite
def tangles(draw):
    """Faces over a few vertices, in no order: open, crowded, repeated, back to back, naming a vertex twice."""
    count = draw(st.integers(3, 9))
    corner = st.integers(0, count - 1)
    faces = draw(st.lists(st.tuples(corner, corner, corner), max_size=30))
    return np.array(faces, np.int32).reshape(-1, 3), count


@st.composite
def broken_surfaces(draw):
    """One or two closed surfaces of which some faces are missing, turned, or there twice, in random order."""
    meshes = [draw(solids()) for _ in range(draw(st.integers(1, 2)))]
    faces = joined(*meshes).faces
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    lost, turned, twice = (draw(st.sampled_from([0.0, 0.02, 0.5])) for _ in range(3))
    faces = faces[rng.permutation(len(faces))]
    faces = faces[rng.random(len(faces)) >= lost]
    faces = np.where(rng.random((len(faces), 1)) < turned, faces[:, ::-1], faces)
    faces = np.concatenate([faces, faces[rng.random(len(faces)) < twice]])
    return np.ascontiguousarray(faces, np.int32), sum(len(m.vertices) for m in meshes)


def either_way(function, *arguments):
    """What topology by numpy returns, after a check that the compiled kernels return the same."""
    found = []
    for limit in (2**62, 0):
        with pytest.MonkeyPatch.context() as patch:
            for module in (weld, edges, regions, coincident, clusters):
                patch.setattr(module, "COMPILED_FROM", limit)
            found.append(function(*arguments))
    _assert_same(*found)
    return found[0]


def _assert_same(left, right):
    if isinstance(left, tuple):
        for a, b in zip(left, right, strict=True):
            _assert_same(a, b)
    else:
        assert np.asarray(left).dtype == np.asarray(right).dtype
        assert np.array_equal(left, right)
