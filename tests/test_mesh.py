import numpy as np
import pytest

import massproof as mp
from massproof.errors import FormatError
from massproof.mesh import Mesh, as_mesh, float32_precision, from_instances, from_polygons, placed_at

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
        ([[10**400, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], TypeError, "float64 holds"),
        ([[2**60 + 1, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], ValueError, "more digits than float64"),
        ([[1j, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], TypeError, "complex"),
        (POINTS, [0, 1], TypeError, r"triangles, \(F, 3\)"),
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


@pytest.mark.parametrize("largest", [1.0, 1.5, 2.0, -3.0, 1e-45, 0.0, 3e38])
def test_no_decimal_rounds_further_than_the_precision_of_float32(largest):
    vertices = np.array([[0, 0, largest]])
    step = float32_precision(vertices)

    assert 2 * step == np.spacing(np.float32(abs(largest)))


def test_a_coordinate_beyond_float32_has_the_precision_of_the_largest_one():
    assert float32_precision(np.array([[0, 0, 1e300]])) == 2.0**103


@pytest.mark.parametrize("compiled_from", [0, 10**9])
def test_polygons_become_triangles_of_the_vertices_they_use(compiled_from, monkeypatch):
    monkeypatch.setattr("massproof.mesh.COMPILED_FROM", compiled_from)
    vertices = np.array([[9.0, 9, 9], [0, 0, 0], [np.nan, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    corners, sizes = np.array([1, 3, 1, 3, 4, 5]), np.array([2, 4])
    mesh = from_polygons(vertices, corners, sizes, precision=float32_precision, notes=(("a", "b", {}),))

    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.precision == 2.0**-24
    assert [note[0] for note in mesh.notes] == ["a", "faces-without-area"]


@pytest.mark.parametrize("which", ["vertices", "faces"])
def test_masked_entries_have_no_value_and_are_refused(which):
    arrays = {"vertices": np.eye(3), "faces": np.array([[0, 1, 2]])}
    masked = np.ma.masked_equal(arrays[which], 1)
    with pytest.raises(FormatError, match=rf"{masked.mask.sum()} entries of {which} are masked"):
        mp.measure(tuple((arrays | {which: masked}).values()), unit="mm")
    whole = arrays | {which: np.ma.array(arrays[which])}

    assert as_mesh(**whole).faces.tolist() == [[0, 1, 2]]


def test_polygons_of_1e200_are_divided_without_a_warning():
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]) * 1e200
    assert len(from_polygons(square, np.arange(4), np.array([4])).faces) == 2


def test_a_mirrored_instance_keeps_its_outside_outside():
    points, faces = np.array(POINTS, float), np.array([[0, 1, 2]])
    mesh = from_instances([(points, faces, placed_at(np.diag([-1.0, 1, 1, 1])))], "mm")

    assert mesh.faces.tolist() == [[2, 1, 0]] and mesh.vertices[1, 0] == -1
    assert (mesh.unit, mesh.precision) == ("mm", None)


def test_too_many_instances_are_refused_before_they_take_memory(monkeypatch):
    monkeypatch.setattr("massproof.mesh.MAX_INSTANCES", 3)
    endless = iter(lambda: (np.zeros((0, 3)), np.zeros((0, 3), np.int64), placed_at(np.eye(4))), None)
    with pytest.raises(FormatError, match="more than 3 components"):
        from_instances(endless, "mm")


def test_a_polygon_that_crosses_itself_is_noted_with_the_area_in_doubt():
    bowtie = np.array([[0, 0, 0], [2, 2, 0], [2, 0, 0], [0, 1, 0]], float)
    mesh = from_polygons(bowtie, np.arange(4), np.array([4]))

    assert [code for code, _, _ in mesh.notes] == ["folded-polygons"]
    assert mesh.bent[0] > 0
