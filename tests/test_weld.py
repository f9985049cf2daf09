import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import box, either_way, solids, sphere

from massproof.kernels import hashing, topology, weld

coordinates = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 1e-300, 5e-324, -5e-324, 2.0**60, 1e300])
soups = st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=40).map(
    lambda rows: np.array(rows[: max(3, len(rows) // 3 * 3)] * (1 if len(rows) > 2 else 3))
)


def stl(corners):
    """A binary STL file of triangles (F, 3, 3), as bytes."""
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    records = np.zeros(len(corners), record)
    records["corners"], records["normal"], records["attribute"] = corners, 7.0, 0xFFFF
    return np.frombuffer(b"\1" * 84 + records.tobytes(), np.uint8)


@given(soups, st.integers(0, 2**31))
def test_positions_are_numbered_in_order_of_their_first_appearance(vertices, seed):
    """Any floats, and faces that name vertices in any order, twice or not at all."""
    faces = np.random.default_rng(seed).integers(0, len(vertices), (len(vertices), 3)).astype(np.int32)
    found, shared = either_way(weld.welded, vertices, faces)

    expected, numbers = naive.welded(vertices, faces)
    assert found.tolist() == expected
    assert shared.tolist() == numbers
    assert not np.signbit(found[found == 0]).any()


@given(st.lists(st.tuples(*[st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e-40, 3e38])] * 9), max_size=20))
def test_records_of_a_file_are_welded_as_their_corners_are(triangles):
    corners = np.array(triangles, np.float32).reshape(-1, 3, 3)
    found = either_way(weld.welded_records, stl(corners), 96, len(corners))
    points = corners.reshape(-1, 3).astype(np.float64)
    expected = either_way(weld.welded, points, np.arange(len(points), dtype=np.int32).reshape(-1, 3))

    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])


@given(solids(), st.integers(0, 99))
def test_welding_a_soup_gives_back_the_mesh(mesh, seed):
    """Any order of triangles, each with corners of its own: same positions, same edges, same triangles."""
    order = np.random.default_rng(seed).permutation(len(mesh.faces))
    corners = mesh.vertices[mesh.faces[order]].reshape(-1, 3)
    vertices, faces = either_way(
        topology.weld, corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    )

    assert len(vertices) == len(mesh.vertices)
    assert (vertices[faces].reshape(-1, 3) == corners).all()
    assert topology.match_edges(faces, len(vertices)).unbalanced == 0


def test_corners_are_shared_with_triangles_far_before_them():
    """More triangles than are looked up in one round."""
    mesh = sphere(1.0, 18)
    order = np.random.default_rng(5).permutation(len(mesh.faces))
    corners = mesh.vertices[mesh.faces[order]].reshape(-1, 3)
    soup = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    vertices, faces = either_way(weld.welded, corners, soup)

    assert (vertices.tolist(), faces.tolist()) == naive.welded(corners, soup)


def test_welding_twice_changes_nothing():
    mesh = box()
    once = weld.welded(mesh.vertices, mesh.faces)
    again = weld.welded(*once)

    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))


def test_more_positions_than_a_closed_surface_has_get_more_memory():
    corners = np.random.default_rng(1).random((3 * 1100, 3))
    vertices, faces = either_way(weld.welded, corners, np.arange(3300, dtype=np.int32).reshape(-1, 3))

    assert np.array_equal(vertices, corners)
    assert np.array_equal(faces.ravel(), np.arange(3300))


@given(st.integers(0, 2**31))
def test_different_positions_with_one_hash_stay_apart(seed):
    """c' = u + c − u' gives (a', b', c') the hash of (a, b, c), with u what is known of it after a and b."""
    rng = np.random.default_rng(seed)
    words = np.exp(rng.normal(0, 50, (2, 3))).view(np.uint64)
    zero = np.zeros(1, np.uint64)
    mixed = [hashing.mixed(words[k : k + 1, 0], words[k : k + 1, 1], zero) for k in range(2)]
    inverse = np.uint64(pow(0xD6E8FEB86659FD93, -1, 2**64))
    known = [(m ^ (m >> np.uint64(32))) * inverse for m in mixed]
    words[1, 2] = (known[0] + words[0, 2] - known[1])[0]
    points = words.view(np.float64)
    if not np.isfinite(points).all():
        return
    assert len(set(hashing.mixed(*words.T).tolist())) == 1
    faces = np.array([[0, 1, 0], [1, 1, 0]], np.int32)

    vertices, shared = either_way(weld.welded, points, faces)
    assert np.array_equal(vertices, points)
    assert np.array_equal(shared, faces)


@given(st.integers(0, 63), st.sampled_from([15, 63]))
def test_probing_visits_each_slot_once(slot, mask):
    s, seen = np.uint64(slot & mask), []
    for step in range(1, mask + 2):
        seen.append(int(s))
        s = weld.after(s, np.uint64(step), np.uint64(mask))

    assert sorted(seen) == list(range(mask + 1))
    assert len({n // 16 for n in seen[:16]}) == 1


def test_a_full_line_of_the_table_leads_to_the_next():
    """Twenty positions that all belong to the first of two lines of sixteen."""
    points = np.random.default_rng(3).random((200, 3))
    with np.errstate(over="ignore"):
        words = hashing.mixed(*points.view(np.uint64).T)
        points = points[hashing.place(words, np.uint64(32)) < 16][:20]
        points = np.concatenate([points, np.zeros((1, 3))])
        table = np.zeros(32, np.uint32)
        weld.fill(points, 20, table)
        number = [
            weld.vertex_at(*p, weld.hashed(*p), table, np.uint64(31), points, np.uint64(20))
            for p in points[:20]
        ]
        proposed = [weld.proposed(weld.hashed(*p), table, np.uint64(31)) & np.uint64(31) for p in points[:20]]

    assert np.count_nonzero(table) == 20
    assert number == list(range(20))
    assert all(1 <= n <= 20 for n in proposed)


@pytest.mark.parametrize("count", [0, 1, 8, 63, 64, 65])
def test_any_number_of_triangles_is_welded(count):
    corners = np.random.default_rng(count).integers(0, 4, (count, 3, 3)).astype(np.float32)
    vertices, faces = either_way(weld.welded_records, stl(corners), 96, count)

    assert np.array_equal(vertices[faces], corners.astype(np.float64))
