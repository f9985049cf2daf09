"""3MF: every variant of one cube is the same cube; every lie is refused in words."""

import io
import struct
import zipfile

import pytest
from makers import (
    CUBE,
    MESH,
    RELS,
    assert_cube,
    component,
    composed,
    doubled,
    model,
    refused,
    volume,
)
from makers import threemf as make

from massproof.formats import threemf


def read(data):
    return threemf.read(memoryview(data))


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ("", "mm"),
        ('unit="micron"', "um"),
        ('unit="centimeter"', "cm"),
        ('unit="inch"', "in"),
        ('unit="foot"', "ft"),
        ('unit="meter"', "m"),
    ],
)
@pytest.mark.parametrize("rels", [RELS, ""], ids=["rels", "no rels"])
def test_every_3mf_cube_is_the_cube_in_its_unit(attributes, unit, rels):
    data = make(model(attributes=attributes), rels)
    assert threemf.sniff(memoryview(data))
    mesh = read(data)
    assert_cube(mesh)
    assert mesh.unit == unit and mesh.precision is None


def test_transforms_of_item_and_component_apply_inside_out_and_mirrors_stay_outward():
    resources = CUBE + composed(2, component(1, "-2 0 0 0 2 0 0 0 2 0 0 0"))
    text = model(resources, '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 5 0 0"/>')
    assert_cube(read(make(text)), 2.0, (3, 0, 0))


def test_a_production_part_counts_once_for_each_use():
    resources = composed(1, component(7, path="/3D/Part.model"))
    resources += composed(2, component(1), component(7, "1 0 0 0 1 0 0 0 1 9 0 0", "3d/part.MODEL"))
    part = model(CUBE.replace('id="1"', 'id="7"'), "")
    text = model(resources, '<item objectid="2"/>', 'requiredextensions="p"')
    mesh = read(make(text, part=part))
    assert len(mesh.faces) == 24 and volume(mesh) == pytest.approx(2, rel=1e-12)


def test_the_objects_that_the_build_does_not_reach_are_not_read():
    assert_cube(read(make(model(CUBE + f'<object id="2">{MESH}</object>'))))


BOMB = CUBE + "".join(composed(i, *[component(i - 1)] * 10) for i in range(2, 12))
DEEP = CUBE + "".join(composed(i, component(i - 1)) for i in range(2, 80))
DTD = '<!DOCTYPE model [<!ENTITY a "aaaa">]>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (make()[:300], ["zip", "truncated"]),
        (make("", ""), ["no part", "3dmodel", "missing"]),
        (make(rels=RELS.replace("/3D/3d", "/3D/4d")), ["4dmodel", "missing"]),
        (make(rels="<Relationships/>"), ["0 models", "expected one"]),
        (make(rels=DTD + RELS), ["DTD"]),
        (make(DTD + model()[21:]), ["DTD", "entities"]),
        (make("<html/>"), ["html", "expected <model>"]),
        (make(model() + model()), ["3MF file is damaged", "junk after document element"]),
        (make(model().replace("<vertex x=", '<vertex x="1" x=', 1)), ["duplicate attribute"]),
        (make(model().replace('x="1"', 'x="1,5"', 1)), ["<vertex>", "1,5"]),
        (make(model().replace('x="1"', 'x="1_0"', 1)), ["<vertex>", "1_0", "not a number"]),
        (make(model().replace('x="1"', 'x="&#95;1"', 1)), ["<vertex>", "not a number"]),
        (make(model().replace('x="1"', 'x="١"', 1)), ["<vertex>", "not a number"]),
        (make(model().replace('v1="0"', 'v1="0_0"', 1)), ["<triangle>", "not a number"]),
        (make(model().replace('v1="0"', f'v1="{2**70}"', 1)), ["<triangle>", str(2**70)]),
        (make(model(build='<item objectid="1" transform="1_0 0 0 0 1 0 0 0 1 0 0 0"/>')), ["<item>"]),
        (make(model().replace('x="1"', 'x="1e999"', 1)), ["not finite"]),
        (make(model().replace('x="0" y', 'w="0" y', 1)), ["<vertex>", "no 'x'"]),
        (
            make(model().replace('v1="0"', 'v1="8"', 1)),
            ["index 8", "out of range", "8 vertices"],
        ),
        (make(model().replace('v1="0"', 'v1="-1"', 1)), ["index -1", "out of range"]),
        (make(model().replace("<build>", "<b>").replace("</build>", "</b>")), ["no <build>"]),
        (make(model().replace("resources", "r")), ["no <resources>"]),
        (make(model(build='<item objectid="14"/>')), ["'14'", "does not define"]),
        (make(model(CUBE + CUBE)), ["another object has this id"]),
        (make(model(build="")), ["no triangles: 0 points, 0 faces"]),
        (make(model(attributes='unit="parsec"')), ["parsec", "millimeter"]),
        (make(model(attributes='requiredextensions="q"')), ["extension 'q'"]),
        (make(model(composed(1, component(1)))), ["cycle", "'1'"]),
        (make(model(BOMB, '<item objectid="11"/>')), ["too many", "limit", "component"]),
        (make(model(DEEP, '<item objectid="79"/>')), ["deeper", "limit"]),
        (make(model(build='<item objectid="1" transform="1 0 0"/>')), ["<item>"]),
        (make(model(build=f'<item objectid="1" transform="{"0 " * 12}"/>')), ["not invertible"]),
        (make(model() + " " * (2 << 20)), ["too large", "ratio"]),
    ],
)
def test_a_malformed_3mf_is_refused(data, words):
    refused(lambda: read(data), *words)


def test_two_models_in_one_3mf_are_refused():
    relation = RELS[RELS.index("<Relationship ") : RELS.index("</Rel")]
    refused(lambda: read(make(rels=RELS.replace(relation, relation * 2))), "2 models", "expected one")
    data = doubled()
    refused(lambda: read(data), "two parts")


def test_a_bad_checksum_in_a_3mf_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("3D/3dmodel.model", model())
    data = stream.getvalue().replace(b'x="1"', b'x="2"', 1)
    refused(lambda: read(data), "CRC")


def test_an_offset_beyond_any_file_is_refused():
    data = bytearray(make())
    entry, end = data.rindex(b"PK\1\2"), data.rindex(b"PK\5\6")
    name = struct.unpack_from("<H", data, entry + 28)[0]
    size = struct.unpack_from("<I", data, end + 12)[0]
    struct.pack_into("<I", data, end + 12, size + 12)
    struct.pack_into("<H", data, entry + 30, 12)
    struct.pack_into("<I", data, entry + 42, 2**32 - 1)
    data[entry + 46 + name : entry + 46 + name] = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    refused(lambda: read(data), "3MF file is damaged")


def test_a_part_that_is_packed_in_another_way_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("3D/3dmodel.model", model())
    refused(lambda: read(stream.getvalue()), "neither stored nor deflated")
