"""What GLB, 3MF and OBJ show beside triangles: parts, names, the tree, colours; and it measures as what is read."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import CUBE, FACES, POINTS, QUADS, VERTICES, component, composed, model, refused, threemf
from makers import glb as make
from strategies import box
from test_scene import at
from test_writing import GLASS, GREEN, RED, tree, written

import massproof as mp
from massproof import formats, scene
from massproof.formats import glb, obj, ply
from massproof.formats import threemf as threemf_format
from massproof.scene import PLAIN, Definition, Occurrence, Scene, frame


def triangles(mesh):
    """All of them, in an order of their own."""
    corners = mesh if isinstance(mesh, np.ndarray) else mesh.vertices[mesh.faces]
    rows = corners.reshape(-1, 9)
    return rows[np.lexsort(rows.T)]


def of(scene):
    return np.concatenate([placed.vertices()[placed.faces()] for placed in scene.placed()])


def same(data, format):
    """The scene, whose triangles where they stand are those that are measured."""
    scene, read = formats.scene(data, format), formats.read(data, f".{format}")[0]
    assert triangles(of(scene)) == pytest.approx(triangles(read), abs=1e-15)
    return scene


def test_formats_without_parts_show_nothing_more():
    assert formats.scene(b"", "stl") is None


# --- GLB


def test_a_glb_that_we_wrote_shows_what_it_was_made_of():
    was = tree("m")
    scene = same(written(glb, was, "a.glb")["a.glb"], "glb")

    for old, new in zip(was.placed(), scene.placed(), strict=True):
        assert new.path == old.path
        assert new.definition.name == old.definition.name
        assert [first for first, _ in new.patches()] == [first for first, _ in old.patches()]
        for (_, one), (_, other) in zip(new.patches(), old.patches(), strict=True):
            assert one == pytest.approx(other, abs=1e-6) if other else one is None
    assert len(scene.definitions) == 3  # one of two is of another colour in one place


def test_written_again_it_is_the_same():
    once = written(glb, tree("m"), "a.glb")["a.glb"]
    scene = formats.scene(once, "glb")
    again = written(glb, scene.moved(frame("+y", "+z").T), "a.glb")["a.glb"]
    assert triangles(formats.read(again, ".glb")[0]) == pytest.approx(
        triangles(formats.read(once, ".glb")[0])
    )
    assert [p.path for p in formats.scene(again, "glb").placed()] == [p.path for p in scene.placed()]


def painted(material, **more):
    primitives = [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]
    return make(meshes=[{"primitives": primitives}], materials=[material], **more)


def shade(data):
    (definition,) = formats.scene(data, "glb").definitions
    return definition.colour


@pytest.mark.parametrize(
    ("material", "colour"),
    [
        ({}, (1, 1, 1, 1)),
        ({"pbrMetallicRoughness": {}}, (1, 1, 1, 1)),
        ({"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0.5, 0.25]}}, (1, 0, 0.735357, 1)),
        (
            {"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0.002, 0.25]}, "alphaMode": "BLEND"},
            (1, 0, 0.02584, 0.25),
        ),
        ({"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0.5]}}, None),
        ({"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 2, 1]}}, None),
    ],
)
def test_colours_are_those_of_materials_as_a_screen_shows_them(material, colour):
    """IEC 61966-2-1: 0.5 of the light is 0.7354; below 0.0031308 it is 12.92 times as much."""
    found = shade(painted(material))

    assert found is None if colour is None else found == pytest.approx(colour, abs=1e-6)
    assert shade(make()) is None


def test_primitives_of_a_mesh_are_patches_of_one_part():
    """Six triangles of two materials each, points between them, and a part without a name."""
    six = [{"attributes": {"POSITION": 0}, "indices": n, "material": m} for n, m in ((1, 0), (2, 1))]
    points = {"attributes": {"POSITION": 0}, "mode": 0}
    base = [{"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3"}]
    base += [
        {"bufferView": 1, "byteOffset": at, "componentType": 5123, "count": 18, "type": "SCALAR"}
        for at in (0, 36)
    ]
    red = {"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}}
    data = make(
        meshes=[{"primitives": [points, six[0], points, six[1]]}], accessors=base, materials=[red, {}]
    )
    scene = same(data, "glb")

    assert scene.definitions[0].patches == ((0, RED), (6, (1, 1, 1, 1)))
    assert len(scene.definitions[0].vertices) == 8
    assert [placed.path for placed in scene.placed()] == [("",)]


def test_nodes_without_triangles_are_groups():
    points = [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 0}]}]
    solid = {"name": "cube", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}
    nodes = [
        {"name": "top", "mesh": 1, "children": [1, 2]},
        {"mesh": 0},
        {"mesh": 1, "translation": [2, 0, 0]},
    ]
    scene = same(make(meshes=[*points, solid], nodes=nodes), "glb")

    assert [placed.path for placed in scene.placed()] == [("top",), ("top", "cube")]
    assert len(scene.definitions) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"indices": [0, 1, 99]}, ["vertex index 99"]),
        ({"nodes": [{"children": [0]}]}, ["node 0 is its own ancestor"]),
        ({"nodes": [{"mesh": 7}]}, ["refers to meshes 7"]),
        ({"nodes": [{"mesh": 0, "children": "no"}]}, ["damaged"]),
    ],
)
def test_what_is_malformed_is_refused_in_either_way(changes, words):
    for read in (glb.read, glb.scene):
        refused(lambda read=read: read(memoryview(make(**changes))), *words)


# --- 3MF


def test_objects_and_components_are_the_tree():
    named = CUBE.replace('id="1"', 'id="1" name="cube"')
    resources = named + composed(2, component(1, "1 0 0 0 1 0 0 0 1 5 0 0"), component(1)).replace(
        'id="2"', 'id="2" partnumber="P-2"'
    )
    build = '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 0 7 0"/><item objectid="1"/>'
    scene = same(threemf(model(resources, build, 'unit="inch"')), "3mf")

    assert [placed.path for placed in scene.placed()] == [("P-2", "cube"), ("P-2", "cube"), ("cube",)]
    assert [placed.matrix[:3, 3].tolist() for placed in scene.placed()] == [[5, 7, 0], [0, 7, 0], [0, 0, 0]]
    assert scene.unit == "in"
    assert len(scene.definitions) == 1


M = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
COLOURS = (
    '<basematerials id="5"><base name="a" displaycolor="#FF0000"/><base name="b" displaycolor="#33669980"/>'
    '<base name="c" displaycolor="red"/></basematerials>'
    f'<m:colorgroup xmlns:m="{M}" id="6"><m:color color="#008040FF"/></m:colorgroup>'
)


def coloured(looks, whole=""):
    """A cube, whose triangles have attributes of their own."""
    faces = FACES
    for look in looks:
        faces = faces.replace('"/>', f'" {look} />', 1)
    text = f'<object id="1" {whole}><mesh><vertices>{VERTICES}</vertices><triangles>{faces}</triangles></mesh></object>'
    (definition,) = same(threemf(model(COLOURS + text)), "3mf").definitions
    return definition


def test_a_part_has_the_colour_of_its_material():
    assert coloured([]).colour is None
    assert coloured([], 'pid="5"').colour == RED
    assert coloured([], 'pid="5" pindex="1"').colour == pytest.approx((0.2, 0.4, 0.6, 128 / 255))
    assert coloured([], 'pid="6" pindex="0"').colour == pytest.approx((0, 128 / 255, 64 / 255, 1))
    for unknown in ('pid="5" pindex="2"', 'pid="5" pindex="3"', 'pid="7"', 'pid="5" pindex="x" '):
        assert coloured([], unknown).colour in (None, RED)


def test_triangles_of_one_colour_come_together():
    """Of twelve the second and fourth are glass, by a group of their own the third is green."""
    found = coloured(
        ['p1="0"', 'p1="1"', 'pid="6" p1="0"', 'pid="5" p1="1" p2="1" p3="1"'], 'pid="5" pindex="0"'
    )
    red, glass, green = (
        RED,
        pytest.approx((0.2, 0.4, 0.6, 128 / 255)),
        pytest.approx((0, 128 / 255, 64 / 255, 1)),
    )

    assert [first for first, _ in found.patches] == [0, 9, 11]
    assert [colour for _, colour in found.patches] == [red, glass, green]
    assert coloured(['pid="5" p1="0"']).patches == ((0, RED), (1, PLAIN))


def test_a_malformed_package_is_refused_in_either_way():
    ring = composed(1, component(2)) + composed(2, component(1))
    for data, words in ((threemf(model(ring)), ["contains itself"]), (b"PK\3\4 no zip", ["truncated"])):
        for read in (threemf_format.read, threemf_format.scene):
            refused(lambda read=read, data=data: read(memoryview(data)), *words)
    refused(lambda: threemf_format.scene(memoryview(threemf(model(CUBE, '<item objectid="9"/>')))), "'9'")
    refused(lambda: threemf_format.scene(memoryview(threemf(model()[:-9]))), "damaged")


# --- OBJ


def text(*parts, faces=QUADS):
    """Cubes, each with the lines that go before some of its faces."""
    lines = []
    for number, heads in enumerate(parts):
        lines += [f"v {x + 3 * number} {y} {z}" for x, y, z in POINTS]
        for n, face in enumerate(faces):
            lines += heads.get(n, [])
            lines.append("f " + " ".join(str(corner + 1 + 8 * number) for corner in face))
    return "\n".join([*lines, ""]).encode()


def names(data):
    scene = same(data, "obj")
    return [(placed.path[0], len(placed.definition.faces)) for placed in scene.placed()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (text({}), [("", 12)]),
        (text({0: ["o cube"]}), [("cube", 12)]),
        (text({0: ["o empty", "o cube"]}), [("cube", 12)]),
        (text({0: ["g cube  a "]}), [("cube a", 12)]),
        (text({0: ["usemtl steel"]}, {0: ["usemtl brass"]}), [("steel", 12), ("brass", 12)]),
        (text({0: ["o one", "g a"]}, {0: ["o two", "g a"]}), [("one", 12), ("two", 12)]),
        (text({0: ["o one"]}, {0: ["o one"]}), [("one", 12), ("one", 12)]),
        (text({0: ["g one"]}, {0: ["g two"]}, {0: ["g one"]}), [("one", 24), ("two", 12)]),
        (text({}, {0: ["o two"]}), [("", 12), ("two", 12)]),
        (text({0: ["g top"], 2: ["g side"]}), [("", 12)]),
        (text({0: ["g top"], 2: ["g side"]}, {0: ["g two"]}), [("top", 12), ("two", 12)]),
        (text({0: ["g"]}, {0: ["g Größe\xa0"]}), [("", 12), ("Größe\xa0", 12)]),
        (text({0: ["g  "]}), [("", 12)]),
        (text({0: ["usemtl a"], 3: ["usemtl b"]}), [("", 12)]),
    ],
)  # fmt: skip
def test_parts_are_objects_or_groups_or_materials(data, expected, monkeypatch):
    assert names(data) == expected
    assert names(data.replace(b"\n", b"\r\n")) == expected
    monkeypatch.setattr(obj, "_COMPILED_FROM", 0)  # as of a large file
    for length in (1 << 24, 40):
        monkeypatch.setattr(obj, "_SEGMENT", length)
        assert names(data) == expected
    assert names(data.replace(b"f ", b" f ")) == expected  # which cannot be counted from afar


def lit(colours):
    """A cube whose first vertices have colours, the last of these all others."""
    lines = [f"v {x} {y} {z} {colours[min(n, len(colours) - 1)]}" for n, (x, y, z) in enumerate(POINTS)]
    lines += ["f " + " ".join(str(corner + 1) for corner in face) for face in QUADS]
    (definition,) = same("\n".join([*lines, ""]).encode(), "obj").definitions
    return definition


def test_triangles_have_the_mean_colour_of_their_corners():
    assert lit(["1 0 0"]).colour == RED
    assert lit(["255 0.0 0"]).colour == RED
    found = lit(["0 0 0", "1 0 0"])
    assert {colour for _, colour in found.patches} == {RED, (170 / 255, 0, 0, 1)}
    assert [first for first, _ in found.patches] == [0, 6]


@pytest.mark.parametrize(
    "colour", ["", "1", "1 0", "red green blue", "-1 0 0", "nan 0 0", "256 0 0", "1 0 0 0", "1 0 0"]
)
def test_what_is_no_colour_is_none(colour):
    data = text({}).replace(b"v 0 0 0", b"v 0 0 0 " + colour.encode())
    assert formats.scene(data, "obj").definitions[0].colour is None


def test_many_colours_are_rounded(monkeypatch):
    monkeypatch.setattr(scene, "_COLOURS", 1)
    assert {colour for _, colour in lit(["0 0 0", "1 0 0"]).patches} == {RED, (10 / 15, 0, 0, 1)}
    assert {colour for _, colour in lit(["0 0 0", "0.1 0 0"]).patches} == {
        (34 / 255, 0, 0, 1),
        (17 / 255, 0, 0, 1),
    }


def test_colours_of_a_file_that_is_too_large_are_left_out(monkeypatch):
    monkeypatch.setattr(obj, "_COLOURED", 10)
    assert lit(["1 0 0"]).colour is None


def test_surfaces_that_do_not_touch_stay_apart():
    lid = text({0: ["g one"]}, {0: ["g two"]}, faces=QUADS[:1])

    assert names(lid) == [("one", 2), ("two", 2)]


def test_more_parts_than_can_be_placed_are_one(monkeypatch):
    monkeypatch.setattr(obj, "_MOST", 1)
    assert names(text({0: ["o one"]}, {0: ["o two"]})) == [("", 24)]


def test_an_obj_without_faces_is_refused_in_either_way():
    for read in (obj.read, obj.scene):
        refused(lambda read=read: read(memoryview(b"o a\nv 0 0 0\n")), "no faces")


@settings(max_examples=20)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), st.integers(0, 3))
def test_an_obj_that_we_wrote_shows_its_parts(called, turned):
    block = Definition("block", box().vertices, np.roll(box().faces, turned, axis=0))
    was = Scene(
        "mm", (block,), tuple(Occurrence(name, at(9.0 * n, 0, 0), 0) for n, name in enumerate(called))
    )

    assert [name for name, _ in names(written(obj, was, "a.obj")["a.obj"])] == called


# --- PLY


def painted_ply(owner, kind, shades, encoding="ascii", extra="", after=b""):
    """The cube, of which each vertex or face has a row of `shades`, by turns."""
    names = [f"property {kind} {name}\n" for name in ("red", "green", "blue", "alpha")[: len(shades[0])]]
    rows = [b"".join(np.array(v, "<f4").tobytes() for v in p) for p in POINTS]
    faces = [struct.pack("<B4i", 4, *f) for f in QUADS]
    if encoding == "ascii":
        rows, faces = [f"{x} {y} {z}".encode() for x, y, z in POINTS], [b"4 %d %d %d %d" % f for f in QUADS]
    own = rows if owner == "vertex" else faces
    for n in range(len(own)):
        shade = shades[n % len(shades)]
        code = {"uchar": "B", "ushort": "H", "float": "f", "int": "i"}[kind]
        own[n] += (
            (" " + " ".join(map(str, shade))).encode()
            if encoding == "ascii"
            else struct.pack(f"<{len(shade)}{code}", *shade)
        )
    end = b"\n" if encoding == "ascii" else b""
    head = f"ply\nformat {encoding} 1.0\nelement vertex 8\n" + "".join(f"property float {a}\n" for a in "xyz")
    head += "".join(names) * (owner == "vertex") + "element face 6\nproperty list uchar int vertex_indices\n"
    head += "".join(names) * (owner == "face") + extra + "end_header\n"
    return head.encode() + b"".join(row + end for row in rows + faces) + after


BINARY = "binary_little_endian"


@pytest.mark.parametrize("encoding", ["ascii", BINARY])
@pytest.mark.parametrize(
    ("kind", "shade", "colour"),
    [
        ("uchar", (255, 0, 51), (1, 0, 0.2, 1)),
        ("ushort", (65535, 0, 13107), (1, 0, 0.2, 1)),
        ("float", (1.0, 0.0, 0.2), (1, 0, 0.2, 1)),
        ("uchar", (255, 0, 51, 102), (1, 0, 0.2, 0.4)),
        ("float", (1.0, 0.0, 2.0), None),
        ("int", (255, 0, 51), None),
    ],
)
@pytest.mark.parametrize("owner", ["vertex", "face"])
def test_ply_has_colours_of_vertices_or_faces(owner, kind, shade, colour, encoding):
    data = painted_ply(owner, kind, [shade], encoding)
    if colour is None:
        assert formats.scene(data, "ply") is None
    else:
        assert same(data, "ply").definitions[0].colour == pytest.approx(colour)


@pytest.mark.parametrize("encoding", ["ascii", BINARY])
def test_each_face_has_its_own_colour_or_the_mean_of_its_vertices(encoding):
    six = same(painted_ply("face", "uchar", [(255, 0, 0), (0, 255, 0)], encoding), "ply").definitions[0]
    odd = same(painted_ply("vertex", "float", [(1.0, 0, 0), (0.0, 0, 0)], encoding), "ply").definitions[0]

    assert six.patches == ((0, (0, 1, 0, 1)), (6, RED))
    assert {colour[0] for _, colour in odd.patches} <= {0.0, 85 / 255, 170 / 255, 1.0}


def test_faces_of_different_sizes_have_colours_in_text_only():
    """Four corners and three; a flat polygon of two counts for nothing."""
    text = painted_ply("face", "uchar", [(255, 0, 0)]).replace(b"element face 6", b"element face 8")
    text += b"3 0 1 2 0 0 255\n2 0 1 9 9 9\n"
    found = same(text, "ply").definitions[0]
    data = painted_ply("face", "uchar", [(255, 0, 0)], BINARY).replace(b"element face 6", b"element face 7")

    assert found.patches == ((0, (0, 0, 1, 1)), (1, RED))
    assert formats.scene(data + struct.pack("<B3i3B", 3, 0, 1, 2, 0, 0, 255), "ply") is None


def test_ply_without_colours_or_with_half_of_them_shows_nothing_more():
    assert formats.scene(painted_ply("vertex", "uchar", [(1, 2)]), "ply") is None
    mixed = painted_ply("vertex", "uchar", [(1, 2, 3)]).replace(b"uchar red", b"float red")
    assert formats.scene(mixed, "ply") is None


def test_a_ply_that_we_wrote_keeps_its_colours():
    for storage in ply.STORAGE:
        found = same(written(ply, tree("mm"), "a.ply", storage=storage)["a.ply"], "ply").definitions[0]
        assert {tuple(np.round(colour, 2)) for _, colour in found.patches} == {
            tuple(np.round(colour, 2).tolist())
            for colour in (
                RED,
                (0, 128 / 255, 64 / 255, 1),
                (51 / 255, 102 / 255, 153 / 255, 128 / 255),
                PLAIN,
            )
        }


def test_a_malformed_ply_is_refused_in_either_way():
    data = painted_ply("vertex", "uchar", [(1, 2, 3)])
    for read in (ply.read, ply.scene):
        refused(lambda read=read: read(memoryview(data[:-20])), "cut short")
        refused(lambda read=read: read(memoryview(data.replace(b"1 1 1 1 2 3", b"1 1 1 1 2 x"))), "damaged")


# --- kept when they are converted


@pytest.mark.parametrize("suffix", ["glb", "3mf", "obj"])
def test_names_and_colours_are_in_what_is_made_of_them(suffix, tmp_path):
    source = tmp_path / f"in.{suffix}"
    colours = COLOURS + CUBE.replace('id="1"', 'id="1" name="left" pid="5"')
    source.write_bytes(
        threemf(model(colours))
        if suffix == "3mf"
        else written({"glb": glb, "obj": obj}[suffix], tree(), source.name)[source.name]
    )
    made = mp.convert(source, tmp_path / "out.glb")
    found = list(formats.scene((tmp_path / "out.glb").read_bytes(), "glb").placed())

    assert "left" in [placed.path[-1].rpartition("/")[2] for placed in found]
    assert made.volume_error <= 1e-6
    assert {colour for placed in found for _, colour in placed.patches() if colour} == {
        "glb": {RED, GREEN, GLASS},
        "3mf": {RED},
        "obj": set(),
    }[suffix]


def test_what_has_no_name_is_called_after_its_file(tmp_path):
    (tmp_path / "my cube.glb").write_bytes(make())
    mp.convert(tmp_path / "my cube.glb", tmp_path / "a.obj")

    assert b"o my_cube\n" in (tmp_path / "a.obj").read_bytes()


def test_a_solid_whose_faces_are_groups_stays_a_solid_in_step(tmp_path):
    (tmp_path / "a.obj").write_bytes(text({0: ["g top"], 2: ["g side"]}))
    found = mp.convert(tmp_path / "a.obj", tmp_path / "a.step", unit="mm")

    assert found.findings == ()
    assert found.written.volume.to("mm^3").value == pytest.approx(1)
