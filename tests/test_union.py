"""The union of bodies: what several of them share counts once."""

import builtins

import numpy as np
import pytest
from strategies import BOX_FACES, QUADS, box, joined, sphere

from massproof import union
from massproof.errors import MissingExtra, NotASolid
from massproof.kernels import formulas, topology
from massproof.mesh import Mesh

CUBE, ROOM = box((1, 1, 1)), box((10, 10, 10))
ALT_FACES = np.array([f for a, b, c, d in QUADS for f in ((b, c, d), (b, d, a))], np.int32)


def turned(mesh):
    return Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))


def other(size, corner=(0, 0, 0)):
    return Mesh(box(size, corner).vertices, ALT_FACES)


def united(*meshes):
    """Volume of the union, whose surface must be closed."""
    mesh = joined(*meshes)
    vertices, faces = topology.weld(mesh.vertices, mesh.faces)
    label, _ = topology.bodies(vertices, faces)
    vertices, faces = union.united(vertices, faces, label)

    assert vertices.dtype == np.float64
    assert faces.dtype == np.int32
    assert topology.paired(faces, len(vertices)).unbalanced == 0
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float((a * formulas.cross(b, c)).sum() / 6)


@pytest.mark.parametrize(
    ("parts", "volume"),
    [
        ([CUBE], 1),
        ([CUBE, box((1, 1, 1), (0.5, 0, 0))], 1.5),
        ([CUBE, box((1, 1, 1), (0.5, 0.5, 0.5))], 1.875),
        ([ROOM, CUBE], 1000),
        ([ROOM, box((1, 1, 1), (4, 4, 4))], 1000),
        ([CUBE, box((1, 1, 1), (1, 0, 0))], 2),
        ([CUBE, box((1, 1, 1), (1, 0.5, 0))], 2),
        ([CUBE, box((1, 1, 1), (1, 1, 0))], 2),
        ([CUBE, box((1, 1, 1), (0.5, 0, 0)), box((1, 1, 1), (1, 0, 0))], 2),
        ([CUBE, other((1, 1, 1))], 1),
        ([CUBE, other((1, 1, 2))], 2),
        ([CUBE, CUBE], 1),
        ([ROOM, turned(box((3, 3, 3), (1, 1, 1))), turned(box((3, 3, 3), (2, 2, 2)))], 954),
        ([ROOM, turned(box((3, 3, 3), (1, 1, 1))), turned(other((3, 3, 3), (1, 1, 1)))], 973),
        (
            [ROOM, turned(box((8, 8, 8), (1, 1, 1))), box((6, 6, 6), (2, 2, 2)), box((6, 6, 6), (3, 3, 3))],
            795,
        ),
    ],
    ids=[
        "one",
        "half",
        "an eighth",
        "flush in a corner",
        "inside",
        "wall",
        "shifted wall",
        "edge",
        "three",
        "coincident",
        "shared base",
        "twice",
        "crossing cavities",
        "one cavity twice",
        "two in a cavity",
    ],
)
def test_what_bodies_share_counts_once(parts, volume):
    pytest.importorskip("manifold3d")

    assert united(*parts) == pytest.approx(volume, rel=1e-12)


def test_a_body_inside_out_in_no_other_has_no_union():
    pytest.importorskip("manifold3d")
    with pytest.raises(NotASolid, match="body 2 of 2 is inside out and lies in no other one"):
        united(CUBE, turned(box((1, 1, 1), (5, 5, 5))))


def test_a_body_that_crosses_itself_has_no_union():
    """manifold3d would take it as it is, and count what is covered twice as often."""
    pytest.importorskip("manifold3d")
    mesh = sphere(1.0, 8)
    vertices = mesh.vertices * [1, 1, 2]
    vertices[np.abs(vertices[:, 2] - 2) < 0.5, 2] -= 5
    with pytest.raises(NotASolid, match="body 1 of 2 crosses itself"):
        united(Mesh(vertices, mesh.faces), box((1, 1, 1), (9, 9, 9)))


@pytest.mark.parametrize("hollows", [0, 1], ids=["within", "between"])
def test_what_is_too_much_to_look_at_has_no_union(hollows, monkeypatch):
    """Whether bodies cross themselves, and whether hollows cross other bodies."""
    pytest.importorskip("manifold3d")
    real = union.intersections

    def partly(surface, limit, label=None):
        return real(surface, limit, label)._replace(complete=label is not None and hollows > 0)

    monkeypatch.setattr(union, "intersections", partly)
    with pytest.raises(NotASolid, match="too many of their boxes overlap"):
        united(ROOM, *[turned(box((1, 1, 1), (4, 4, 4)))] * hollows)


def test_what_manifold3d_refuses_is_refused_with_its_reason():
    pytest.importorskip("manifold3d")
    with pytest.raises(NotASolid, match="manifold3d refuses body 1: NotManifold"):
        union._manifold(CUBE.vertices, BOX_FACES[1:], 0)


def test_without_manifold3d_the_message_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name == "manifold3d":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"massproof\[union\]"):
        union.united(CUBE.vertices, CUBE.faces, np.zeros(12, np.int64))
