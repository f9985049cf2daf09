"""What is written is what was there: read by us and by a peer, in every format and storage."""

import base64
import io
import itertools
import json

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import box, solids

import massproof as mp
from massproof import formats, scene
from massproof.errors import UsageError
from massproof.formats import glb, obj, ply, stl
from massproof.mesh import Records
from massproof.scene import Definition, Occurrence, Scene

RED, GREEN, GLASS = (1.0, 0.0, 0.0, 1.0), (0.0, 0.5, 0.25, 1.0), (0.2, 0.4, 0.6, 0.5)
WAYS = [
    (stl, "part.stl", {"storage": "binary"}),
    (stl, "part.stl", {"storage": "ascii"}),
    (ply, "part.ply", {"storage": "ascii"}),
    (ply, "part.ply", {"storage": "binary_little_endian"}),
    (ply, "part.ply", {"storage": "binary_big_endian"}),
    (obj, "part.obj", {}),
    (glb, "part.glb", {"storage": "binary"}),
]
NAMES = [f"{name} {options.get('storage', '')}".strip() for _, name, options in WAYS]


class Kept(io.BytesIO):
    """A file in memory whose bytes outlive it."""

    def close(self):
        self.kept = self.getvalue()
        super().close()


def written(module, whole, name, **options):
    """The files that are written, by name."""
    files = {}

    def opened(path):
        files[path] = Kept()
        return files[path]

    module.write(whole, name, opened, **options)
    return {path: file.kept for path, file in files.items()}


def at(*offset, scale=(1, 1, 1)):
    matrix = np.diag([*map(float, scale), 1.0])
    matrix[:3, 3] = offset
    return matrix


def tree(unit="mm"):
    block = Definition("block", box((10, 20, 30)).vertices, box().faces, RED, ((4, GREEN),))
    plate = Definition("plate <1>", box((5, 5, 1)).vertices, box().faces)
    return Scene(
        unit,
        (block, plate),
        (
            Occurrence("Größe 1", at(0, 0, 0), 0),
            Occurrence(
                "group",
                at(100, 0, 0),
                children=(
                    Occurrence("left", at(0, 5, 0, scale=(-1, 1, 1)), 0, colour=GLASS),
                    Occurrence("right", at(50, 0, 0), 1),
                ),
            ),
        ),
    )


def volume(vertices, faces):
    a, b, c = (vertices[faces[:, k]].astype(float) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize(("module", "name", "options"), WAYS, ids=NAMES)
def test_what_is_written_measures_as_what_was_there(module, name, options):
    files = written(module, tree(), name, **options)
    found = mp.measure(
        io.BytesIO(files[name]), format=name.rpartition(".")[2], unit=None if module is glb else "mm"
    )

    assert found.verdict is mp.Verdict.SOUND
    assert found.volume.to("mm^3").value == pytest.approx(2 * 6000 + 25, rel=1e-6)
    assert found.area.to("mm^2").value == pytest.approx(2 * 2200 + 70, rel=1e-6)
    low, high = np.array(found.bounding_box.min.to("mm")), np.array(found.bounding_box.max.to("mm"))
    if module is glb:  # up +y: (x, y, z) is (x, z, −y) there
        low, high = np.array([low[0], -high[2], low[1]]), np.array([high[0], -low[2], high[1]])
    assert low == pytest.approx([0, 0, 0], abs=1e-4)
    assert high == pytest.approx([155, 25, 30], rel=1e-6)


@pytest.mark.parametrize(("module", "name", "options"), WAYS, ids=NAMES)
def test_a_peer_reads_the_same(module, name, options):
    data = written(module, tree(), name, **options)[name]
    loaded = trimesh.load(
        io.BytesIO(data), file_type=name.rpartition(".")[2], force="scene", skip_materials=True
    )
    found = loaded.to_mesh()
    factor = 1e9 if module is glb else 1.0

    assert len(found.faces) == 36
    assert found.volume * factor == pytest.approx(2 * 6000 + 25, rel=1e-6)


@settings(max_examples=20)
@given(solids(), st.sampled_from(range(len(WAYS))))
def test_a_closed_solid_stays_closed(case, way):
    module, name, options = WAYS[way]
    mesh = case[0] if isinstance(case, tuple) else case
    one = Scene("m", (Definition("solid", mesh.vertices, mesh.faces),), (Occurrence("solid", np.eye(4), 0),))
    read = formats.read(written(module, one, name, **options)[name], name[-4:])[0]
    read = read.mesh() if isinstance(read, Records) else read

    single = module is glb or options.get("storage") == "binary"
    expected = mesh.vertices.astype(np.float32).astype(float) if single else mesh.vertices
    if module is glb:
        expected = expected[:, [0, 2, 1]] * [1, 1, -1]
    assert (read.vertices[read.faces] == expected[mesh.faces]).all()


def test_text_keeps_all_digits():
    points = np.array([(0.1, 1 / 3, 2e-300), (1e16, 0, 1), (0, np.pi, 5e-324)])
    one = Scene(
        "mm", (Definition("a", points, np.array([[0, 1, 2]], np.int32)),), (Occurrence("a", np.eye(4), 0),)
    )
    for module, name, options in (WAYS[1], WAYS[2], WAYS[3], WAYS[5]):
        read = formats.read(written(module, one, name, **options)[name], name[-4:])[0]
        assert (read.vertices[read.faces[0]] == points).all(), name


def test_a_large_part_is_written_in_pieces(monkeypatch):
    whole = [written(module, tree(), name, **options) for module, name, options in WAYS]
    monkeypatch.setattr(scene, "_PIECE", 5)

    assert [written(module, tree(), name, **options) for module, name, options in WAYS] == whole


def test_obj_names_its_parts_and_their_colours():
    files = written(obj, tree(), "my part.obj")
    lines = files["my part.obj"].decode().splitlines()

    assert sorted(files) == ["my part.obj", "my_part.mtl"]
    assert "mtllib my_part.mtl" in lines
    assert [line for line in lines if line.startswith("o ")] == ["o Größe_1", "o group/left", "o group/right"]
    used = [line for line in lines if line.startswith("usemtl ")]
    shades = {block.splitlines()[0]: block for block in files["my_part.mtl"].decode().split("newmtl ")[1:]}
    assert len(shades) == 3
    assert [shades[line[7:]].splitlines()[1] for line in used] == [
        "Kd 1 0 0",
        "Kd 0 0.5 0.25",
        "Kd 0.2 0.4 0.6",
    ]
    assert "d 0.5" in shades[used[2][7:]]


def test_ply_has_the_colours_of_faces():
    found = trimesh.load(io.BytesIO(written(ply, tree(), "a.ply")["a.ply"]), file_type="ply")

    colours = found.visual.face_colors
    assert colours[0].tolist() == [255, 0, 0, 255]
    assert colours[4].tolist() == [0, 128, 64, 255]
    assert colours[12].tolist() == [51, 102, 153, 128]
    assert colours[24].tolist() == [168, 181, 196, 255]


def test_gltf_has_the_tree_with_names_colours_and_each_part_once():
    files = written(glb, tree(), "a.gltf", storage="embedded", presentation="pretty")
    document = json.loads(files["a.gltf"])
    nodes, root = document["nodes"], document["nodes"][document["scenes"][0]["nodes"][0]]

    assert [nodes[k]["name"] for k in root["children"]] == ["Größe 1", "group"]
    group = nodes[root["children"][1]]
    assert [nodes[k]["name"] for k in group["children"]] == ["left", "right"]
    assert nodes[root["children"][0]].get("matrix") is None
    assert group["matrix"][12:15] == [100, 0, 0]
    assert [m["name"] for m in document["meshes"]] == ["block", "block", "plate <1>"]
    first, second = document["meshes"][:2]
    assert len(first["primitives"]) == 2
    assert len({p["attributes"]["POSITION"] for p in first["primitives"] + second["primitives"]}) == 1
    colours = [m["pbrMetallicRoughness"]["baseColorFactor"] for m in document["materials"]]
    assert colours[0] == [1, 0, 0, 1]
    assert colours[1] == pytest.approx([0, 0.21404, 0.05087, 1], abs=1e-5)
    assert document["materials"][2]["alphaMode"] == "BLEND"
    assert base64.b64decode(document["buffers"][0]["uri"].partition(",")[2])[:4] == b"\0" * 4


def test_gltf_may_keep_its_numbers_beside_it():
    files = written(glb, tree(), "a.v1.gltf", storage="standard")
    document = json.loads(files["a.v1.gltf"])

    assert document["buffers"][0] == {"byteLength": len(files["a.v1.bin"]), "uri": "a.v1.bin"}


def test_a_part_may_begin_with_another_colour_or_have_no_triangles():
    nothing = Definition("nothing", np.empty((0, 3)), np.empty((0, 3), np.int32))
    block = Definition("block", box().vertices, box().faces, RED, ((0, GREEN), (12, RED)))
    whole = Scene(
        "mm", (nothing, block), (Occurrence("nothing", np.eye(4), 0), Occurrence("block", np.eye(4), 1))
    )
    document = json.loads(written(glb, whole, "a.gltf", storage="embedded")["a.gltf"])

    assert len(document["materials"]) == 1
    assert len(document["meshes"][0]["primitives"]) == 1
    for module, name, options in WAYS[:-1]:
        data = written(module, whole, name, **options)[name]
        assert mp.measure(io.BytesIO(data), format=name[-3:], unit="mm").volume.to(
            "mm^3"
        ).value == pytest.approx(6)


def test_a_scene_of_nothing_is_still_a_document():
    document = json.loads(written(glb, Scene("mm", (), ()), "a.gltf", storage="embedded")["a.gltf"])

    assert "meshes" not in document
    assert "buffers" not in document


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (stl, {"storage": "text"}),
        (ply, {"storage": "binary"}),
        (glb, {"storage": "x"}),
        (glb, {"presentation": "x"}),
    ],
)
def test_another_storage_is_refused(module, options):
    with pytest.raises(UsageError, match="can be"):
        written(module, tree(), "a", **options)


def test_what_does_not_fit_a_format_is_refused(monkeypatch):
    far = Scene(
        "mm", (Definition("far", box().vertices * 1e39, box().faces),), (Occurrence("far", np.eye(4), 0),)
    )
    with pytest.raises(UsageError, match=r"3e\+39 does not fit the 32 bits of binary STL"):
        written(stl, far, "a.stl")
    with pytest.raises(UsageError, match="does not fit the 32 bits of glTF"):
        written(glb, far, "a.glb")
    monkeypatch.setattr(stl, "_MOST", 10)
    with pytest.raises(UsageError, match="counts 10 triangles at most, and there are 36"):
        written(stl, tree(), "a.stl")
    monkeypatch.setattr(ply, "_MOST", 10)
    with pytest.raises(UsageError, match="numbers 10 vertices at most, and there are 24"):
        written(ply, tree(), "a.ply")
    monkeypatch.setattr(glb, "_MOST", 10)
    with pytest.raises(UsageError, match="holds 10 bytes of numbers, and there are"):
        written(glb, tree(), "a.glb")


def test_storages_are_all_tested():
    tested = {(m, o.get("storage")) for m, _, o in WAYS}
    named = set(itertools.chain(((stl, s) for s in stl.STORAGE), ((ply, s) for s in ply.STORAGE)))

    assert named <= tested


def test_gltf_refers_to_a_part_that_stands_in_many_places():
    block = Definition("block", box().vertices, box().faces)
    whole = Scene("mm", (block,), tuple(Occurrence(str(x), at(x, 0, 0), 0) for x in range(5)))
    document = json.loads(written(glb, whole, "a.gltf", storage="embedded")["a.gltf"])

    assert len(document["meshes"]) == 1
    assert [node.get("mesh") for node in document["nodes"][1:]] == [0] * 5
