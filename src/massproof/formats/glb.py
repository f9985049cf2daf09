"""GLB, binary glTF: triangles, strips and fans below the nodes of a scene, in metres.

Source: Khronos Group, "glTF 2.0 specification", 2021. Nothing outside the file is read, and what
would change the triangles but is not supported (skins, morphs, compression) is refused.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from operator import index as whole
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from massproof import units
from massproof.errors import FormatError, UsageError
from massproof.kernels import weld
from massproof.mesh import (
    Floats,
    Integers,
    Mesh,
    Placed,
    float32_precision,
    from_instances,
    from_polygons,
    placed_at,
)
from massproof.scene import Colour, Definition, Files, Occurrence, Scene, frame, painted

SUFFIXES = (".glb",)

_DEEPEST = 64  # levels of nodes
_FLOAT = {5126: "<f4"}  # glTF componentType: numpy type
_INDEX = {5121: "u1", 5123: "<u2", 5125: "<u4"}
_LIST, _STRIP, _FAN = 4, 5, 6  # modes; those below are points and lines
_PLACES = 6  # of a colour that is read: 8 bits have three
_HARMLESS = re.compile("(KHR|EXT)_(materials|texture|lights|xmp|animation)|EXT_mesh_manifold")
# What a short header, bytes that are no JSON, and JSON of another shape raise where it is used.
_DAMAGED = (
    struct.error, ValueError, RecursionError, LookupError, TypeError, AttributeError, OverflowError,
)  # fmt: skip


def sniff(data: memoryview) -> bool:
    """Whether `data` begins with the magic word of binary glTF."""
    return bytes(data[:4]) == b"glTF"


def read(data: memoryview) -> Mesh:
    """Read a GLB file: every triangle of the default scene, placed, in metres.

    Raises FormatError when it is no such file or cut short, an index or a length does not fit,
    nodes form a cycle, or something is needed that changes the triangles and is not supported.
    """
    if not sniff(data):
        msg = (
            f"not a GLB file, which starts with the magic word glTF; this one starts with "
            f"{bytes(data[:8])!r}; export it again or give it the suffix of its content"
        )
        raise FormatError(msg)
    with _told():
        return from_instances(_scene(data).instances(), "m", float32_precision)


def scene(data: memoryview) -> Scene:
    """What a GLB file shows: nodes with their names, meshes and the colours of their materials, in metres.

    A root without a name, as it turns a whole upright, is not kept: what is in it stands for itself. Textures and
    colours of vertices are left out. Raises what `read` raises.
    """
    with _told():
        return _scene(data).shown()


@contextmanager
def _told() -> Iterator[None]:
    """What is raised where the file is not what it should be, as FormatError."""
    try:
        yield
    except _DAMAGED as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        msg = f"GLB file is damaged: {what}; export or copy it again"
        raise FormatError(msg) from error


def _scene(data: memoryview) -> _Scene:
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2 or length > len(data):
        _refuse(
            f"cut short or of another version: its header gives version {version} and a length "
            f"of {length} bytes, but the file has {len(data)}; export or copy it again"
        )
    chunks: dict[bytes, memoryview] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + size > length:
            _refuse(f"chunk {kind!r} of {size} bytes ends beyond the length of the file, {length}")
        chunks.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    tree = json.loads(bytes(chunks.get(b"JSON", b"")).decode("utf-8"))
    return _Scene(tree, chunks.get(b"BIN\0", memoryview(b"")))


class _Scene:
    """The default scene of a glTF tree; every reference is checked when it is followed."""

    def __init__(self, tree: dict[str, Any], binary: memoryview) -> None:
        self.tree, self.binary = tree, binary
        self.meshes: dict[int, list[tuple[Floats, Integers]]] = {}
        self.definitions: list[Definition] = []  # and the number in it of each mesh
        self.numbers: dict[int, int | None] = {}
        for number, buffer in enumerate(tree.get("buffers", [])):
            if "uri" in buffer:
                _refuse(
                    f"buffer {number} has the external uri {str(buffer['uri'])[:80]!r}; only "
                    "data inside the file is read, so export it with embedded data"
                )
        for extension in tree.get("extensionsRequired", []):
            if not _HARMLESS.match(extension):
                _refuse(f"needs {extension!r}, which is not supported; export without it")

    def instances(self) -> Iterator[Placed]:
        """Triangles of every node below the roots of the scene."""
        stack = [(root, placed_at(np.eye(4)), 0) for root in self._roots()]
        seen: set[int] = set()
        while stack:
            number, above, depth = stack.pop()
            node = self._node(number, depth, seen)
            matrix = above.then(placed_at(_node_matrix(number, node), _QUATERNION))
            for points, faces in self._node_meshes(number, node):
                yield points, faces, matrix
            stack.extend((child, matrix, depth + 1) for child in node.get("children", []))

    def shown(self) -> Scene:
        """The same as a tree."""
        seen: set[int] = set()
        roots = tuple(self._occurrence(root, 0, seen) for root in self._roots())
        if len(roots) == 1 and not roots[0].name and roots[0].definition is None:
            above = roots[0].matrix
            roots = tuple(replace(one, matrix=above @ one.matrix) for one in roots[0].children)
        return Scene("m", tuple(self.definitions), roots)

    def _occurrence(self, number: int, depth: int, seen: set[int]) -> Occurrence:
        node = self._node(number, depth, seen)
        mesh, definition = {}, None
        if "mesh" in node:
            mesh, parts = self._item("meshes", node["mesh"]), self._node_meshes(number, node)
            definition = self._defined(node["mesh"], mesh, parts)
        name = str(node.get("name") or mesh.get("name") or "")
        children = tuple(self._occurrence(one, depth + 1, seen) for one in node.get("children", []))
        return Occurrence(name, _node_matrix(number, node), definition, children)

    def _defined(self, number: int, mesh: dict[str, Any], parts: list[tuple[Floats, Integers]]) -> int | None:
        """Number of the definition that a mesh is; None of one without triangles."""
        if number not in self.numbers:
            made = [self._definition(mesh, parts)] if any(len(faces) for _, faces in parts) else []
            self.numbers[number] = len(self.definitions) if made else None
            self.definitions += made
        return self.numbers[number]

    def _definition(self, mesh: dict[str, Any], parts: list[tuple[Floats, Integers]]) -> Definition:
        """The primitives of a mesh together, each in its colour."""
        count, faces = np.cumsum([0, *(len(points) for points, _ in parts)]), [one for _, one in parts]
        together = np.concatenate([one + first for one, first in zip(faces, count, strict=False)])
        whole = from_polygons(np.concatenate([points for points, _ in parts]), together.reshape(-1), None)
        vertices, corners = weld.welded(whole.vertices, whole.faces)
        starts = np.cumsum([0, *map(len, faces)]).tolist()
        colours = [
            self._colour(one) for one, some in zip(mesh["primitives"], faces, strict=True) if len(some)
        ]
        firsts = [first for first, some in zip(starts, faces, strict=False) if len(some)]
        return painted(str(mesh.get("name") or ""), vertices, corners, firsts, colours)

    def _colour(self, primitive: dict[str, Any]) -> Colour | None:
        """Of the material of a primitive; None without one, or where its numbers are no colour."""
        if "material" not in primitive:
            return None
        material = self._item("materials", primitive["material"])
        factor = material.get("pbrMetallicRoughness", {}).get("baseColorFactor", [1.0, 1.0, 1.0, 1.0])
        if len(factor) != 4 or not all(0 <= share <= 1 for share in factor):
            return None
        red, green, blue = (round(_seen(share), _PLACES) for share in factor[:3])
        return red, green, blue, float(factor[3]) if material.get("alphaMode") == "BLEND" else 1.0

    def _node(self, number: int, depth: int, seen: set[int]) -> dict[str, Any]:
        """A node that is reached for the first time."""
        node = self._item("nodes", number)
        if number in seen or depth > _DEEPEST:
            _refuse(
                f"node {number} is its own ancestor (a cycle), has two parents or lies "
                f"deeper than the limit of {_DEEPEST} nodes; export it again"
            )
        seen.add(number)
        return node

    def _roots(self) -> list[int]:
        if self.tree.get("scenes"):
            scene = self._item("scenes", self.tree.get("scene", 0))
            return list(scene.get("nodes", []))
        nodes = self.tree.get("nodes", [])
        children = {child for node in nodes for child in node.get("children", [])}
        roots = [number for number in range(len(nodes)) if number not in children]
        return roots or list(range(len(nodes)))  # without roots the nodes form a cycle

    def _item(self, kind: str, number: Any) -> dict[str, Any]:
        items = self.tree.get(kind, [])
        if not 0 <= whole(number) < len(items):  # Python would take -1 for the last one
            _refuse(f"refers to {kind} {number}, out of range: the file has {len(items)}")
        item: dict[str, Any] = items[number]
        return item

    def _node_meshes(self, number: int, node: dict[str, Any]) -> list[tuple[Floats, Integers]]:
        if "mesh" not in node:
            return []
        mesh = self._item("meshes", node["mesh"])
        deformed = "skin" in node or any(node.get("weights", mesh.get("weights", [])))
        if deformed or "EXT_mesh_gpu_instancing" in node.get("extensions", {}):
            _refuse(
                f"node {number} has a skin, morph weights or GPU instances, which are not "
                "supported; apply them and export it again"
            )
        if node["mesh"] not in self.meshes:
            self.meshes[node["mesh"]] = [self._primitive(p) for p in mesh["primitives"]]
        return self.meshes[node["mesh"]]

    def _primitive(self, primitive: dict[str, Any]) -> tuple[Floats, Integers]:
        position = self._accessor(primitive["attributes"]["POSITION"], _FLOAT, "VEC3")
        corners = np.arange(len(position))
        if "indices" in primitive:
            corners = self._accessor(primitive["indices"], _INDEX, "SCALAR").astype(np.int64)[:, 0]
        mode = primitive.get("mode", _LIST)
        if not 0 <= whole(mode) <= _FAN or (mode == _LIST and len(corners) % 3):
            _refuse(f"primitive of mode {mode} cannot have {len(corners)} corners; export it again")
        faces = np.empty((0, 3), np.int64)
        if mode == _LIST:
            faces = corners.reshape(-1, 3)
        elif mode == _STRIP:
            faces = np.column_stack([corners[:-2], corners[1:-1], corners[2:]])
            faces[1::2] = faces[1::2, [1, 0, 2]]
        elif mode == _FAN:
            first = np.full(max(len(corners) - 2, 0), corners[0])
            faces = np.column_stack([first, corners[1:-1], corners[2:]])
        return position.astype(np.float64), faces

    def _accessor(self, number: int, types: dict[int, str], shape: str) -> npt.NDArray[Any]:
        """(count, 1 or 3) values, a view of the file."""
        accessor = self._item("accessors", number)
        component, count = accessor["componentType"], whole(accessor["count"])
        plain = "sparse" not in accessor and "bufferView" in accessor
        if not plain or component not in types or accessor["type"] != shape:
            _refuse(
                f"accessor {number} is sparse, compressed or quantized ({accessor['type']} of "
                f"type {component}), which is not supported; export {shape} of type {list(types)}"
            )
        view = self._item("bufferViews", accessor["bufferView"])
        dtype, width = np.dtype(types[component]), 3 if shape == "VEC3" else 1
        stride = whole(view.get("byteStride", width * dtype.itemsize))
        offset, start = whole(view.get("byteOffset", 0)), whole(accessor.get("byteOffset", 0))
        end = start + stride * (count - 1) + width * dtype.itemsize
        inside = end <= view["byteLength"] and offset + view["byteLength"] <= len(self.binary)
        if not (inside and min(count - 1, stride, offset, start) >= 0) or view["buffer"] != 0:
            _refuse(
                f"accessor {number} with a count of {count} lies outside its buffer of "
                f"{len(self.binary)} bytes; export or copy it again"
            )
        strides = (stride, dtype.itemsize)
        return np.ndarray((count, width), dtype, self.binary, offset + start, strides)


# Squares, products, their sum and the scale, each rounded: less than twelve roundings an entry.
_QUATERNION = 16 * 2.0**-53


def _node_matrix(number: int, node: dict[str, Any]) -> Floats:
    """4×4 matrix of a node: its own, or translation · rotation · scale."""
    matrix = np.eye(4)
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
    else:
        # columns, rows and diagonal below: x y z, and the quaternion x y z w
        x, y, z, w = rotation = np.array(node.get("rotation", [0, 0, 0, 1]), np.float64)
        norm = float(rotation @ rotation)
        matrix[:3, :3] += (2 / norm if norm else np.nan) * np.array([
            [-y * y - z * z, x * y - z * w, x * z + y * w],
            [x * y + z * w, -x * x - z * z, y * z - x * w],
            [x * z - y * w, y * z + x * w, -x * x - y * y]])  # fmt: skip
        matrix[:3, :3] *= np.array(node.get("scale", [1, 1, 1]), np.float64).reshape(3)
        matrix[:3, 3] = np.array(node.get("translation", [0, 0, 0]), np.float64).reshape(3)
    if not np.isfinite(matrix).all() or (matrix[3] != [0, 0, 0, 1]).any():
        _refuse(f"node {number} has a transform that is not affine and finite: {matrix.tolist()}")
    return matrix


def _refuse(why: str) -> NoReturn:
    msg = f"GLB {why}"
    raise FormatError(msg)


STORAGE = ("binary", "standard", "embedded")  # as it can be written, the usual one first
PRESENTATION = ("compact", "pretty")
_MOST = 2**32 - 2**20  # bytes; its header has 32 bits for the length of the whole


def write(
    scene: Scene, name: str, files: Files, *, storage: str = "binary", presentation: str = "compact"
) -> None:
    """Write the tree of a scene as glTF 2.0, in metres, up +y: names, placements, colours, each part once.

    storage : "binary" is GLB; "standard" puts numbers into a file beside it that ends in .bin; "embedded" into the text
    presentation : of the text, "compact" or "pretty"

    Coordinates of parts are rounded to 32 bits, in the frame of the part. Raises UsageError for another storage or
    presentation, and when the numbers take more than 4 GB.
    """
    if storage not in STORAGE or presentation not in PRESENTATION:
        msg = f"glTF can be {', '.join(STORAGE)} and {' or '.join(PRESENTATION)}, not {storage!r}, {presentation!r}"
        raise UsageError(msg)
    document = _Tree(scene)
    tree = document.tree()
    beside = f"{name.rpartition('.')[0] or name}.bin"
    for buffer in tree.get("buffers", []):  # one at most; that of a GLB is in the file
        if storage == "standard":
            buffer["uri"] = beside
        elif storage == "embedded":
            buffer["uri"] = (
                "data:application/octet-stream;base64," + base64.b64encode(b"".join(document.arrays)).decode()
            )
    pretty = {"indent": 2} if presentation == "pretty" else {"separators": (",", ":")}
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, **pretty).encode()
    with files(name) as out:
        if storage != "binary":
            out.write(text)
        else:
            text += b" " * (-len(text) % 4)
            out.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + document.size))
            out.write(struct.pack("<I4s", len(text), b"JSON") + text)
            out.write(struct.pack("<I4s", document.size, b"BIN\0"))
            out.writelines(document.arrays)
    if storage == "standard":
        with files(beside) as out:
            out.writelines(document.arrays)


class _Tree:
    """The document of a scene while it is put together."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.size = scene, 0
        self.arrays: list[memoryview] = []  # the numbers, which have `size` bytes
        self.nodes: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.materials: dict[Colour, int] = {}
        self.meshes: dict[tuple[int, Colour | None], int] = {}
        self.drawn: list[dict[str, Any]] = []
        self.positions: dict[int, int] = {}

    def tree(self) -> dict[str, Any]:
        """The tree, whose numbers are then in `arrays`."""
        factor = units.unit(self.scene.unit).to(units.unit("m"), 1.0)
        upright = frame("+y", "+z") @ np.diag([factor] * 3 + [1.0])
        whole = Occurrence("", upright, children=self.scene.roots)
        root = self.node(whole, None)
        del self.nodes[root]["name"]
        if self.size > _MOST:
            msg = f"glTF holds {_MOST} bytes of numbers, and there are {self.size}; write STL or PLY"
            raise UsageError(msg)
        tree: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "massproof"},
            "scene": 0,
            "scenes": [{"nodes": [root]}],
            "nodes": self.nodes,
        }
        lists = {"meshes": self.drawn, "materials": [_look(c) for c in self.materials]}
        lists |= {"accessors": self.accessors, "bufferViews": self.views}
        tree |= {key: rows for key, rows in lists.items() if rows}
        if self.size:
            tree["buffers"] = [{"byteLength": self.size}]
        return tree

    def node(self, occurrence: Occurrence, colour: Colour | None) -> int:
        """Number of the node of an occurrence, which is entered with all below it."""
        row: dict[str, Any] = {"name": occurrence.name}
        if not np.array_equal(occurrence.matrix, np.eye(4)):
            row["matrix"] = occurrence.matrix.T.ravel().tolist()  # column by column
        colour = colour or occurrence.colour
        if occurrence.definition is not None and len(self.scene.definitions[occurrence.definition].faces):
            row["mesh"] = self.mesh(occurrence.definition, colour)
        self.nodes.append(row)
        number = len(self.nodes) - 1
        children = [self.node(child, colour) for child in occurrence.children]
        if children:
            row["children"] = children
        return number

    def mesh(self, number: int, colour: Colour | None) -> int:
        """Number of the mesh of a definition in a colour, None: its own."""
        key = number, colour
        if key not in self.meshes:
            definition = self.scene.definitions[number]
            position = self.position(number)
            patches = ((0, colour),) if colour else _own(definition)
            stops = [*(first for first, _ in patches[1:]), len(definition.faces)]
            drawn = [
                self.primitive(definition.faces[first:stop], position, shade)
                for (first, shade), stop in zip(patches, stops, strict=True)
                if stop > first
            ]
            self.meshes[key] = len(self.drawn)
            self.drawn.append({"name": definition.name, "primitives": drawn})
        return self.meshes[key]

    def position(self, number: int) -> int:
        """Number of the accessor of the vertices of a definition."""
        if number not in self.positions:
            exact = self.scene.definitions[number].vertices
            most = float(np.abs(exact).max())
            if most > float(np.finfo(np.float32).max):
                msg = f"a coordinate of {most:g} does not fit the 32 bits of glTF; write PLY or OBJ"
                raise UsageError(msg)
            points = exact.astype("<f4")
            low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
            self.positions[number] = self.accessor(points, 34962, 5126, "VEC3", {"min": low, "max": high})
        return self.positions[number]

    def primitive(self, faces: npt.NDArray[Any], position: int, colour: Colour | None) -> dict[str, Any]:
        """Some triangles of one colour."""
        indices = self.accessor(faces.astype("<u4").ravel(), 34963, 5125, "SCALAR", {})
        row: dict[str, Any] = {"attributes": {"POSITION": position}, "indices": indices, "mode": _LIST}
        if colour:
            row["material"] = self.materials.setdefault(colour, len(self.materials))
        return row

    def accessor(self, array: npt.NDArray[Any], target: int, component: int, kind: str, more: Any) -> int:
        """Number of the accessor of an array, whose bytes are taken up."""
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": array.nbytes, "target": target}
        self.arrays.append(np.ascontiguousarray(array).data)
        self.size += array.nbytes
        self.views.append(view)
        row = {
            "bufferView": len(self.views) - 1,
            "componentType": component,
            "count": len(array),
            "type": kind,
        }
        self.accessors.append(row | more)
        return len(self.accessors) - 1


def _own(definition: Definition) -> tuple[tuple[int, Colour | None], ...]:
    """From which triangle on a part has which colour of its own."""
    patches = definition.patches
    return patches if patches and patches[0][0] == 0 else ((0, definition.colour), *patches)


def _seen(linear: float) -> float:
    """A share of light as sRGB has it, the other way round than in `_look`."""
    return linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def _look(colour: Colour) -> dict[str, Any]:
    """A material of a colour, whose numbers glTF wants linear; IEC 61966-2-1 has the curve of sRGB."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    row: dict[str, Any] = {
        "pbrMetallicRoughness": {
            "baseColorFactor": [*linear, colour[3]],
            "metallicFactor": 0.0,
            "roughnessFactor": 0.6,
        },
        "doubleSided": True,
    }
    return row | ({"alphaMode": "BLEND"} if colour[3] < 1 else {})
