"""Bytes of files made by hand: one cube in every format, and ways to spoil it."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest

from massproof.errors import FormatError

POINTS = [(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
TRIANGLES = [t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))]
MIXED = [*TRIANGLES[:6], *QUADS[3:]]


def area(mesh):
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def volume(mesh):
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    return np.einsum("ij,ij", a, np.cross(b, c)) / 6


def assert_cube(mesh, edge=1.0, low=(0, 0, 0)):
    assert len(mesh.faces) == 12
    assert volume(mesh) == pytest.approx(edge**3, rel=1e-12)
    assert area(mesh) == pytest.approx(6 * edge**2, rel=1e-12)
    assert mesh.vertices.min(axis=0) == pytest.approx(low, abs=1e-12)
    assert mesh.vertices.dtype == np.float64 and mesh.faces.dtype == np.int32


def refused(read, *words):
    """`read` raises FormatError, and its message has the words."""
    with pytest.raises(FormatError) as caught:
        read()
    for word in words:
        assert word in str(caught.value)


def off(points=POINTS, faces=QUADS, head="OFF", counts=None, after=("", "")):
    counts = counts or (len(points), len(faces))
    rows = [" ".join(map(str, p)) + after[0] for p in points]
    rows += [f"{len(f)} {' '.join(map(str, f))}{after[1]}" for f in faces]
    return "\n".join([head, f"{counts[0]} {counts[1]} 0", *rows, ""]).encode()


def ply(body, encoding="ascii", vertex="float", faces=6, index="list uchar int", end="\n"):
    head = (
        f"ply\nformat {encoding} 1.0\ncomment a cube\nelement vertex 8\nproperty {vertex} x\n"
        f"property {vertex} y\nproperty {vertex} z\nelement face {faces}\n"
        f"property {index} vertex_indices\nend_header\n"
    )
    return head.replace("\n", end).encode() + body


def ply_text(faces=QUADS, **more):
    rows = [" ".join(map(str, p)) for p in POINTS]
    rows += [f"{len(f)} {' '.join(map(str, f))}" for f in faces]
    return ply("\n".join([*rows, ""]).encode(), faces=len(faces), **more)


def ply_binary(faces=QUADS, order="<", vertex="f", **more):
    body = b"".join(struct.pack(f"{order}3{vertex}", *p) for p in POINTS)
    body += b"".join(struct.pack(f"{order}B{len(f)}i", len(f), *f) for f in faces)
    encoding = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    name = {"f": "float", "d": "float64"}[vertex]
    return ply(body, encoding, name, len(faces), **more)


CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Target="/3D/3dmodel.model" Id="a" '
    'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)
VERTICES = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in POINTS)
FACES = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in TRIANGLES)
MESH = f"<mesh><vertices>{VERTICES}</vertices><triangles>{FACES}</triangles></mesh>"
CUBE = f'<object id="1">{MESH}</object>'
ITEM = '<item objectid="1"/>'


def model(resources=CUBE, build=ITEM, attributes=""):
    return (
        f'<?xml version="1.0"?><model xmlns="{CORE}" xmlns:p="{PRODUCTION}" {attributes}>'
        f"<resources>{resources}</resources><build>{build}</build></model>"
    )


def threemf(text=None, rels=RELS, **others):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        if rels:
            archive.writestr("_rels/.rels", rels)
        for name, part in {"3dmodel": model() if text is None else text, **others}.items():
            if part:
                archive.writestr(f"3D/{name}.model", part)
    return stream.getvalue()


def component(number, transform="", path=""):
    place = f'transform="{transform}"' if transform else ""
    home = f'p:path="{path}"' if path else ""
    return f'<component objectid="{number}" {place} {home}/>'


def composed(number, *components):
    return f'<object id="{number}"><components>{"".join(components)}</components></object>'


def doubled():
    """A 3MF archive with two parts of one name."""
    with pytest.warns(UserWarning, match="Duplicate name"), io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("3D/3dmodel.model", model())
            archive.writestr("3D/3dmodel.model", model())
        return stream.getvalue()


def glb(tree=None, points=POINTS, indices=None, **changes):
    flat = np.array(TRIANGLES if indices is None else indices, "<u2").reshape(-1)
    binary = np.array(points, "<f4").tobytes()
    start = len(binary)
    binary += flat.tobytes()
    base = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": start},
            {"buffer": 0, "byteOffset": start, "byteLength": 2 * len(flat)},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": len(flat), "type": "SCALAR"},
        ],
    }
    text = json.dumps({**base, **(tree or {}), **changes}).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    body += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


GOOD = {
    "off": [off()],
    "ply": [ply_text(), ply_binary(), ply_binary(MIXED)],
    "threemf": [threemf()],
    "glb": [glb()],
}
