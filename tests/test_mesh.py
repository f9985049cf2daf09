import numpy as np
import pytest

from massproof.mesh import Mesh, as_mesh

POINTS = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_anything_that_looks_like_arrays_becomes_a_mesh():
    mesh = as_mesh(POINTS, [[0, 1, 2]], "mm")

    assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.unit) == (np.float64, np.int32, "mm")


@pytest.mark.parametrize(
    ("vertices", "faces", "error", "message"),
    [
        (POINTS, [[0, 1, 3]], ValueError, r"0\.\.3, but there are 3 vertices"),
        (POINTS, [[0, 1, -1]], ValueError, r"-1\.\.1"),
        (POINTS, [[0, 1, 2**31]], ValueError, "2147483648"),
        (POINTS, [[0.0, 1.0, 2.0]], TypeError, "integers"),
        ([[0, 0], [1, 1], [2, 2]], [[0, 1, 2]], TypeError, r"\(V, 3\)"),
        ([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], [[0, 1, 2]], ValueError, "vertex 2 is not finite"),
        (POINTS, [0, 1], ValueError, "reshape"),
    ],
)
def test_what_is_no_mesh_is_refused_with_numbers(vertices, faces, error, message):
    with pytest.raises(error, match=message):
        as_mesh(vertices, faces)


def test_the_constructor_wants_the_dtypes_kernels_trust():
    with pytest.raises(TypeError, match="float64"):
        Mesh(np.zeros((3, 3), np.float32), np.zeros((0, 3), np.int32))
    with pytest.raises(TypeError, match="int32"):
        Mesh(np.zeros((3, 3)), np.zeros((1, 3), np.int64))
    with pytest.raises(ValueError, match=r"0\.\.9"):
        Mesh(np.zeros((3, 3)), np.array([[0, 1, 9]], np.int32))
