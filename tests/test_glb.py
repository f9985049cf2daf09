"""GLB: every variant of one cube is the same cube; every lie is refused in words."""

import json
import struct

import numpy as np
import pytest
from makers import POINTS, TRIANGLES, assert_cube, refused, volume
from makers import glb as make

import massproof.mesh
from massproof.formats import glb


def read(data):
    return glb.read(memoryview(data))


def primitive(**more):
    return [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, **more}]}]


HALF = 0.5**0.5


@pytest.mark.parametrize(
    ("nodes", "edge", "low"),
    [
        ([{"mesh": 0}], 1, (0, 0, 0)),
        ([{"mesh": 0, "scale": [2, 2, 2], "translation": [1, 0, 0]}], 2, (1, 0, 0)),
        ([{"mesh": 0, "rotation": [0, 0, HALF, HALF]}], 1, (-1, 0, 0)),  # a quarter turn about z
        ([{"mesh": 0, "scale": [-1, 1, 1]}], 1, (-1, 0, 0)),
        ([{"mesh": 0, "matrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 5, 6, 7, 1]}], 2, (5, 6, 7)),
        (
            [{"translation": [1, 0, 0], "children": [1]}, {"mesh": 0, "scale": [3, 3, 3]}],
            3,
            (1, 0, 0),
        ),
        ([{"camera": 0, "children": [1]}, {"mesh": 0}], 1, (0, 0, 0)),
    ],
    ids=["plain", "scale", "rotation", "mirror", "matrix", "child", "camera"],
)
def test_every_glb_cube_is_the_cube_in_metres(nodes, edge, low):
    data = make(nodes=nodes)
    assert glb.sniff(memoryview(data))
    mesh = read(data)
    assert_cube(mesh, edge, low)
    assert mesh.unit == "m"
    assert mesh.precision == pytest.approx(2.0**-24 * edge)  # that of 1, as stored, and stretched


def test_a_part_stored_far_away_and_moved_back_keeps_the_precision_it_was_stored_with():
    points = [(4096, 0, 0), (4097, 0, 0), (4096, 1, 0)]
    mesh = read(make(points=points, indices=[0, 1, 2], nodes=[{"mesh": 0, "translation": [-4096, 0, 0]}]))
    assert mesh.vertices.max() == 1
    assert mesh.precision == 2.0**-12


def test_extensions_that_leave_the_triangles_alone_are_accepted():
    assert_cube(read(make(extensionsRequired=["KHR_materials_unlit"])))


def test_a_nearly_rigid_matrix_is_applied_as_written():
    x = 1.000001
    mesh = read(make(nodes=[{"mesh": 0, "scale": [x, 1, 1]}]))
    assert volume(mesh) == pytest.approx(x, rel=1e-12)


def test_two_nodes_with_one_mesh_are_two_bodies_and_unreached_nodes_are_none():
    nodes = [{"mesh": 0}, {"mesh": 0, "translation": [3, 0, 0]}, {"mesh": 0}]
    assert volume(read(make(nodes=nodes, scenes=[{"nodes": [0, 1]}]))) == pytest.approx(2)
    assert volume(read(make(nodes=nodes[:2], scenes=[]))) == pytest.approx(2)


@pytest.mark.parametrize(("mode", "order"), [(5, [0, 1, 2, 3]), (6, [0, 1, 3, 2]), (4, [0, 1, 2, 2, 1, 3])])
def test_lists_strips_and_fans_wind_alike(mode, order):
    square = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)]
    mesh = read(make(points=square, indices=order, meshes=primitive(mode=mode)))
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    assert np.cross(b - a, c - a).sum(axis=0).tolist() == [0, 0, 2]


def test_corners_without_indices_and_with_a_stride_are_read():
    soup = np.array([POINTS[i] for t in TRIANGLES for i in t], float)
    meshes = [{"primitives": [{"attributes": {"POSITION": 0}}]}]
    assert_cube(read(make(points=soup.tolist(), meshes=meshes)))
    padded = np.hstack([POINTS, np.full((8, 1), 9)]).reshape(-1)
    data = make(points=padded.tolist())
    data = data.replace(b'"count": 32', b'"count": 8 ').replace(
        b'"byteLength": 128}', b'"byteStride":16, "byteLength":128}'
    )
    head = data.index(b"{")
    size = data.index(b"BIN\0") - 4 - head
    data = data[:8] + struct.pack("<I", len(data)) + struct.pack("<I", size) + data[16:]
    assert_cube(read(data))


def changed(kind, number, **change):
    tree = json.loads(make()[20:].split(b"BIN\0")[0][:-4])
    tree[kind][number] |= change
    return make({kind: tree[kind]})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (make()[:-4], ["length", "cut short"]),
        (make()[:10], ["GLB file is damaged"]),
        (make()[:4] + b"\1" + make()[5:], ["version 1"]),
        (make()[:12] + b"\xff\xff\xff\0" + make()[16:], ["chunk", "beyond"]),
        (make().replace(b'{"asset"', b'["asset"'), ["GLB file is damaged"]),
        (changed("accessors", 1, count=4 * 10**9), ["accessor 1", "count of 4000000000", "buffer"]),
        (changed("accessors", 1, count=0), ["count of 0"]),
        (changed("accessors", 1, count=35), ["mode 4", "35 corners"]),
        (changed("accessors", 1, count=1.5), ["GLB file is damaged"]),
        (changed("meshes", 0, primitives=[{"attributes": {}}]), ["GLB file is damaged: no 'POSITION'"]),
        (changed("nodes", 0, scale=[1e308, 1e308, 1e308], translation=[1e308, 1e308, 1e308]), ["not finite"]),
        (changed("accessors", 0, sparse={}), ["accessor 0", "sparse"]),
        (changed("accessors", 0, componentType=5122), ["quantized"]),
        (changed("accessors", 0, bufferView=-1), ["bufferViews -1", "out of range"]),
        (changed("bufferViews", 0, byteOffset=-12), ["accessor 0", "outside its buffer"]),
        (changed("bufferViews", 0, byteLength=10**6), ["outside its buffer"]),
        (changed("buffers", 0, uri="../../secret.bin"), ["external uri", "secret.bin"]),
        (changed("nodes", 0, mesh=7), ["meshes 7", "out of range"]),
        (changed("nodes", 0, children=[0]), ["node 0", "cycle"]),
        (changed("nodes", 0, skin=0), ["skin"]),
        (changed("nodes", 0, weights=[0.5]), ["morph"]),
        (changed("nodes", 0, rotation=[0, 0, 0, 0]), ["node 0", "transform"]),
        (changed("nodes", 0, scale=[1e400, 1, 1]), ["node 0", "transform"]),
        (changed("nodes", 0, matrix=[1] * 16), ["node 0", "affine"]),
        (make(extensionsRequired=["KHR_draco_mesh_compression"]), ["KHR_draco_mesh_compression"]),
        (make(indices=[[0, 1, 8]]), ["index 8", "out of range", "8 vertices"]),
        (make(points=[(float("inf"), 0, 0), *POINTS[1:]]), ["not finite"]),
        (make(meshes=primitive(mode=1)), ["no triangles", "0 faces"]),
        (make(meshes=primitive(mode=7)), ["mode 7"]),
        (make(nodes=[{"children": [1]}, {"children": [0]}], scenes=[]), ["cycle"]),
        (make(nodes=[{"children": [i + 1]} for i in range(70)] + [{"mesh": 0}]), ["deeper"]),
    ],
)
def test_a_malformed_glb_is_refused(data, words):
    refused(lambda: read(data), *words)


def test_too_many_triangles_are_refused_before_they_are_placed(monkeypatch):
    monkeypatch.setattr(massproof.mesh, "MAX_TRIANGLES", 11)
    refused(lambda: read(make()), "too many", "11 triangles")
