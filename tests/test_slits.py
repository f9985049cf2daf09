"""Slits are closed, and holes that are wider than facets may lie from faces stay, so that they are found."""

import numpy as np
import pytest
from strategies import box, sphere

import massproof as mp
from massproof import slits


def test_a_slit_along_an_edge_closes():
    """Corners of one side bow out of the edge by little: what lies between is filled."""
    mesh = sphere(10.0, 6)
    a, b, c = mesh.faces[0]
    middle = (mesh.vertices[a] + mesh.vertices[b]) / 2 + [0.0, 0.0, 0.01]
    points = np.concatenate([mesh.vertices, [middle]])
    new = len(mesh.vertices)
    faces = np.concatenate([[[a, new, c], [new, b, c]], mesh.faces[1:]])
    assert mp.measure((points, faces), unit="mm").volume is None

    more = slits.filled(points, faces, 0.02)
    whole = mp.measure((points, np.concatenate([faces, more])), unit="mm")

    assert len(more) == 1
    assert whole.volume.value == pytest.approx(
        mp.measure((mesh.vertices, mesh.faces), unit="mm").volume.value, rel=1e-2
    )
    assert slits.filled(points, faces, 0.001) == []


@pytest.mark.parametrize("seed", range(5))
def test_what_is_filled_is_as_it_was(seed):
    """Any few triangles that are taken out of a closed surface leave holes; with no bound on width all are closed."""
    mesh = sphere(10.0, 7)
    random = np.random.default_rng(seed)
    kept = mesh.faces[np.sort(random.permutation(len(mesh.faces))[4:])]
    more = slits.filled(mesh.vertices, kept, np.inf)
    directed = {
        tuple(pair)
        for face in [*kept.tolist(), *more]
        for pair in zip(face, np.roll(face, -1).tolist(), strict=True)
    }

    untouched = slits._loops(kept)
    assert len(more) == sum(len(loop) - 2 for loop in untouched)
    assert all(
        (b, a) in directed for loop in untouched for a, b in zip(loop, [*loop[1:], loop[0]], strict=True)
    )


def test_wide_holes_long_ones_and_those_that_touch_stay(monkeypatch):
    mesh = box()
    assert slits.filled(mesh.vertices, mesh.faces, 1.0) == []  # closed
    assert slits.filled(mesh.vertices, mesh.faces[2:], 0.1) == []
    assert len(slits.filled(mesh.vertices, mesh.faces[2:], 10.0)) == 2
    monkeypatch.setattr(slits, "_LONGEST", 3)
    assert slits.filled(mesh.vertices, mesh.faces[2:], 10.0) == []
    monkeypatch.undo()
    # Two triangles that have one corner in common: round that corner there are two ways to go on.
    at = int(mesh.faces[0, 0])
    around = [n for n, face in enumerate(mesh.faces) if at in face]
    pairs = [(m, n) for m in around for n in around if len(set(mesh.faces[m]) & set(mesh.faces[n])) == 1]
    kept = np.delete(mesh.faces, pairs[0], axis=0)
    assert slits.filled(mesh.vertices, kept, 10.0) == []


def test_what_fills_slits_of_a_part_is_a_patch_of_its_own():
    pytest.importorskip("OCP")
    from massproof import occt_facets

    mesh = sphere(10.0, 6)
    a, b, c = mesh.faces[0].tolist()
    middle = (mesh.vertices[a] + mesh.vertices[b]) / 2 + [0.0, 0.0, 0.01]
    net, new = occt_facets._Net(), len(mesh.vertices)
    net.points = [*map(tuple, mesh.vertices.tolist()), tuple(middle.tolist())]
    net.triangles = [(a, new, c), (new, b, c), *map(tuple, mesh.faces[1:].tolist())]
    net.close(0.02)
    made = net.facets(0.02)

    assert made.patches == [(len(mesh.faces) + 1, -1)]
    assert mp.measure((made.vertices, made.faces), unit="mm").volume is not None
