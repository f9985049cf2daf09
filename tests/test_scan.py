"""One pass over triangles: the same sums from a file as from a mesh, and a fingerprint that is zero when closed."""

from itertools import pairwise

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import BOX_FACES, box, joined, solids, sphere

from massproof.kernels import BLOCK, jit, scan

JIT = not jit.DISABLED
MANY = 1 if JIT else 0


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Even for few triangles."""
    monkeypatch.setattr(scan, "COMPILED_FROM", 0)


def stored(corners):
    """Bytes of a binary STL of (F, 3, 3) corners, as the scan is handed them."""
    out = np.zeros((len(corners), 50), np.uint8)
    out[:, 12:48] = np.ascontiguousarray(corners, "<f4").view(np.uint8).reshape(-1, 36)
    return np.concatenate([np.zeros(84, np.uint8), out.ravel()])


def scan_stl(corners, origin=(0, 0, 0), threads=0):
    return scan.scan_records(stored(corners), 96, len(corners), origin, threads)


def scan_mesh(mesh, origin=(0, 0, 0)):
    return scan.scan_faces(mesh.vertices, mesh.faces, origin)


def zero(found):
    return found.fingerprint == (0, 0)


@given(solids())
@settings(max_examples=10)
def test_a_file_and_a_mesh_of_the_same_triangles_scan_to_the_same_bits(mesh):
    """But for the fingerprint, which hashes the bits as they are stored, 32 or 64 a coordinate."""
    corners = mesh.vertices.astype(np.float32)[mesh.faces]
    same = type(mesh)(mesh.vertices.astype(np.float32).astype(float), mesh.faces)
    left, right = scan_stl(corners, (1, 2, 3)), scan_mesh(same, (1, 2, 3))

    assert left.sums.tobytes() == right.sums.tobytes()
    assert zero(left) == zero(right)
    assert (left.low == corners.min(axis=(0, 1))).all()
    assert (left.high == corners.max(axis=(0, 1))).all()


def in_numpy(function, *arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "COMPILED_FROM", 1 << 60)
        for one in (scan.records, scan.faces):
            patch.setattr(one, "at_hand", lambda size: False)
        return function(*arguments)


@given(solids())
@settings(max_examples=10)
def test_numpy_finds_the_same_bits(mesh):
    corners = mesh.vertices.astype(np.float32)[mesh.faces][:-1]
    for function, what in ((scan_stl, corners), (scan_mesh, mesh)):
        left, right = function(what), in_numpy(function, what)

        assert (left.sums == right.sums).all()
        assert left.fingerprint == right.fingerprint
        assert (left.low == right.low).all()
        assert (left.high == right.high).all()


def balanced(vertices, faces):
    """Whether every directed edge meets its opposite, by exact pairing over exact positions."""
    places = {}
    ids = [
        [places.setdefault(tuple(float(x) + 0.0 for x in vertices[v]), len(places)) for v in f] for f in faces
    ]
    return all(balance == 0 for ends, (_, balance) in naive.edge_balance(ids).items() if len(ends) == 2)


@st.composite
def surfaces(draw):
    """Closed, open, flipped, repeated, touching and degenerate surfaces, by small edits of closed ones."""
    mesh = draw(st.sampled_from([box(), sphere(1.0, 3), joined(box(), box(corner=(1, 0, 0)))]))
    faces, vertices = mesh.faces.copy(), mesh.vertices.copy()
    for _ in range(draw(st.integers(0, 3))):
        edit = draw(st.sampled_from(["drop", "flip", "repeat", "twice", "collapse", "move", "reverse"]))
        which = draw(st.integers(0, len(faces) - 1))
        if edit == "drop" and len(faces) > 1:
            faces = np.delete(faces, which, axis=0)
        elif edit == "flip":
            faces[which] = faces[which, ::-1]
        elif edit == "repeat":
            faces = np.concatenate([faces, faces[which : which + 1]])
        elif edit == "twice":
            faces = np.concatenate([faces, faces[which : which + 1], faces[which : which + 1, ::-1]])
        elif edit == "collapse":
            faces[which, 1] = faces[which, 0]
        elif edit == "move":
            vertices = np.concatenate([vertices, np.nextafter(vertices[faces[which, :1]], np.inf)])
            faces[which, 0] = len(vertices) - 1
        else:
            faces = np.ascontiguousarray(faces[:, ::-1])
    return type(mesh)(vertices, faces.astype(np.int32))


@given(surfaces())
@settings(max_examples=3000 if JIT else 60)
def test_the_fingerprint_is_zero_exactly_when_all_directed_edges_are_matched(mesh):
    corners = mesh.vertices.astype(np.float32)[mesh.faces]
    single = corners.reshape(-1, 3).astype(float), np.arange(3 * len(corners)).reshape(-1, 3)

    assert zero(scan_mesh(mesh)) == balanced(mesh.vertices, mesh.faces)
    assert zero(scan_stl(corners)) == balanced(*single)


def scan_as_stl(vertices, faces):
    return scan_stl(vertices.astype(np.float32)[faces])


def scan_as_mesh(vertices, faces):
    return scan.scan_faces(vertices, np.asarray(faces, np.int32), np.zeros(3))


BOTH = pytest.mark.parametrize("scanned", [scan_as_stl, scan_as_mesh], ids=["file", "mesh"])


@BOTH
def test_both_words_see_an_open_edge(scanned):
    """Each alone, so that one of them failing would be noticed."""
    for drop in range(12):
        left = scanned(box().vertices, np.delete(BOX_FACES, drop, axis=0)).fingerprint

        assert all(left)
        assert left[0] != left[1]


def test_positions_are_equal_when_their_coordinates_are_equal_and_not_their_bits():
    """−0.0 and 0.0 are one place: exporters write both."""
    corners = (box().vertices - [0, 1, 0])[BOX_FACES].astype(np.float32)
    corners[::2] = np.where(corners[::2] == 0, np.float32(-0.0), corners[::2])

    doubles = corners.reshape(-1, 3).astype(float)

    assert np.signbit(doubles[doubles == 0]).any()
    for way in (lambda function, *given: function(*given), in_numpy):
        assert zero(way(scan_stl, corners))
        assert zero(way(scan_as_mesh, doubles, np.arange(36).reshape(-1, 3)))


STRUCTURED = {
    "grid": lambda i: np.array([i % 40, i // 40 % 40, i // 1600], float),
    "powers of two": lambda i: 2.0 ** np.array([i % 17 - 8, i // 17 % 17 - 8, i // 289 - 4]),
    "flat halves": lambda i: np.array([i % 64 * 0.5, i // 64 * 0.5, 0.0]),
    "random": lambda i: np.random.default_rng(i).normal(size=3),
}


@pytest.mark.skipif(not JIT, reason="statistics over thousands of scans")
@BOTH
@pytest.mark.parametrize("kind", STRUCTURED)
def test_words_of_single_triangles_look_random_on_structured_positions(kind, scanned):
    """A 2 × 2 determinant of random words is divisible by 2^k with probability 3/2 · 2^-k − 1/2 · 4^-k.

    Haar-distributed 2-adic matrices; 2 000 words, six standard deviations.
    """
    words = []
    for i in range(2000):
        corner = STRUCTURED[kind](i)
        step = np.eye(3)[[0, 1]] * (np.abs(corner[:1]) if kind == "powers of two" else 0.5)
        vertices = np.concatenate([corner[None], corner + step])
        words.append(scanned(vertices, [[0, 1, 2]]).fingerprint)
    for column in np.array(words, np.uint64).T:
        assert (column != 0).all()
        assert len(np.unique(column)) == len(column)
        for k in range(1, 9):
            even = int((column & np.uint64(2**k - 1) == 0).sum())
            expected = len(column) * (1.5 * 2.0**-k - 0.5 * 4.0**-k)
            assert abs(even - expected) <= 6 * expected**0.5 + 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [(0, 0, 0), (11, 2, 2), (5, 1, 1)])
def test_a_coordinate_that_is_not_finite_cannot_hide(bad, at):
    corners = box().vertices[BOX_FACES].astype(np.float32)
    corners[at] = bad
    found = scan_stl(corners)

    assert not (np.isfinite(found.sums).all() and np.isfinite([found.low, found.high]).all())


@pytest.mark.parametrize(
    "count", [1, 7, 8, 9, scan.CHUNK - 1, scan.CHUNK + 1, BLOCK * MANY + 1, BLOCK * MANY + 71]
)
def test_every_triangle_counts_once_at_every_length(count):
    """Areas of 1, 2, 3, … add up, whatever is left over from lanes and blocks."""
    legs = np.arange(1, count + 1, dtype=np.float32)
    corners = np.zeros((count, 3, 3), np.float32)
    corners[:, 1, 0] = legs
    corners[:, 2, 1] = 2
    found = scan_stl(corners)

    assert found.sums[3] == legs.sum(dtype=float)
    assert found.high[0] == count


@pytest.mark.skipif(not JIT, reason="a million triangles")
def test_threads_and_blocks_do_not_change_a_bit():
    rng = np.random.default_rng(3)
    corners = rng.normal(size=(600_000, 3, 3)).astype(np.float32)
    found = [scan_stl(corners, threads=n) for n in (1, 2, 4)]

    for a, b in pairwise(found):
        assert a.sums.tobytes() == b.sums.tobytes()
        assert a.fingerprint == b.fingerprint
        assert (a.low == b.low).all()
        assert (a.high == b.high).all()
