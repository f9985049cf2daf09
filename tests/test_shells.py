"""What `topology` says of a mesh, against Euler's formula and surfaces made to have faults."""

import json
import sys

import numpy as np
import pytest
from strategies import BOX_FACES, box, joined, sphere

import massproof as mp
from massproof.mesh import Mesh


def look(mesh):
    return mp.topology((mesh.vertices, mesh.faces))


def torus(around=8, across=5):
    """A closed surface of genus one."""
    u, v = np.meshgrid(
        2 * np.pi * np.arange(around) / around, 2 * np.pi * np.arange(across) / across, indexing="ij"
    )
    vertices = np.stack(
        [(3 + np.cos(v)) * np.cos(u), (3 + np.cos(v)) * np.sin(u), np.sin(v)], axis=-1
    ).reshape(-1, 3)
    faces = []
    for i in range(around):
        for j in range(across):
            a, b = i * across + j, (i + 1) % around * across + j
            c, d = (i + 1) % around * across + (j + 1) % across, i * across + (j + 1) % across
            faces += [(a, b, c), (a, c, d)]
    return Mesh(vertices, np.array(faces, np.int32))


@pytest.mark.parametrize(
    ("mesh", "genus"), [(box(), 0), (sphere(1.0, 4), 0), (torus(), 1)], ids=["box", "sphere", "torus"]
)
def test_euler_tells_the_genus_of_a_closed_surface(mesh, genus):
    found = look(mesh)
    (shell,) = found.shells

    assert found.closed
    assert shell.closed
    assert shell.euler == 2 - 2 * genus == found.vertices - found.edges + found.triangles
    assert shell.genus == genus
    assert shell.volume > 0
    assert found.where == {}


def test_a_cavity_and_what_lies_in_it_know_their_hosts():
    hollow = Mesh(box((3, 3, 3), (1, 1, 1)).vertices, BOX_FACES[:, ::-1])
    found = look(joined(box((5, 5, 5)), hollow, box((1, 1, 1), (2, 2, 2)), box((1, 1, 1), (9, 9, 9))))

    assert [shell.volume for shell in found.shells] == pytest.approx([125, -27, 1, 1])
    assert [shell.inside for shell in found.shells] == [(), (0,), (0, 1), ()]
    assert found.shells[3].low == (9, 9, 9)


def test_a_shell_whose_box_lies_in_another_s_is_not_inside_it_for_that():
    dented = sphere(2.0, 6)
    beside = box((0.2, 0.2, 0.2), (1.7, 1.7, 1.7))  # in the corner of the sphere's box

    assert [shell.inside for shell in look(joined(dented, beside)).shells] == [(), ()]


def test_every_fault_is_counted_and_placed():
    mesh = box()
    fin, repeated, flat = [[0, 7, 3]], [mesh.faces[11]], [[2, 2, 5]]
    faces = np.vstack([np.delete(mesh.faces, 2, axis=0), fin, repeated, flat]).astype(np.int32)
    found = look(Mesh(mesh.vertices, faces))

    assert not found.closed
    assert found.triangles == 14
    assert found.degenerate_faces == 1
    assert found.repeated_faces == 1
    assert found.nonmanifold_edges > 0
    assert found.boundary_edges > 0
    assert found.boundary_loops >= 1
    assert set(found.where) == {"unmatched_edges", "nonmanifold_edges", "degenerate_faces", "repeated_faces"}
    assert found.where["degenerate_faces"] == [tuple(mesh.vertices[2])]
    assert {shell.genus for shell in found.shells if not shell.closed} == {None}
    assert json.loads(json.dumps(found.to_dict()))["degenerate_faces"] == 1


def test_two_holes_are_two_loops_and_open_shells_have_no_volume():
    mesh = sphere(1.0, 6)
    found = look(Mesh(mesh.vertices, np.delete(mesh.faces, [3, 40], axis=0)))

    assert (found.boundary_edges, found.boundary_loops) == (6, 2)
    assert found.shells[0].volume is None
    assert found.shells[0].genus is None
    assert found.shells[0].euler == 0


def test_nothing_but_degenerate_faces_has_no_shells():
    found = look(Mesh(box().vertices, np.array([[1, 1, 2]], np.int32)))

    assert (found.shells, found.closed, found.edges) == ((), False, 0)


def test_too_many_faces_to_look_for_hosts_leaves_them_unknown(monkeypatch):
    monkeypatch.setattr(sys.modules["massproof.topology"], "_NESTED_AT_MOST", 3)
    assert {shell.inside for shell in look(joined(box((3, 3, 3)), box((1, 1, 1), (1, 1, 1)))).shells} == {
        None
    }


def test_a_file_on_disk_large_or_small_is_looked_at_the_same(data, monkeypatch):
    from massproof.kernels import weld

    small = mp.topology(data / "bracket.stl")
    monkeypatch.setattr(weld, "COMPILED_FROM", 1)
    large = mp.topology(data / "bracket.stl")

    assert small.closed
    assert small == large


def test_a_b_rep_is_refused(data):
    pytest.importorskip("OCP")
    with pytest.raises(mp.UsageError, match="is a B-rep"):
        mp.topology(data / "sphere.step")
