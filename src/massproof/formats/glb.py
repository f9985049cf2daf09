"""GLB, binary glTF: triangles, strips and fans below the nodes of a scene, in metres.

Source: Khronos Group, "glTF 2.0 specification", 2021. Nothing outside the file is read, and what
would change the triangles but is not supported (skins, morphs, compression) is refused.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from operator import index as whole
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from massproof.errors import FormatError
from massproof.mesh import Floats, Integers, Mesh, Placed, float32_precision, from_instances, placed_at

SUFFIXES = (".glb",)

_DEEPEST = 64  # levels of nodes
_FLOAT = {5126: "<f4"}  # glTF componentType: numpy type
_INDEX = {5121: "u1", 5123: "<u2", 5125: "<u4"}
_LIST, _STRIP, _FAN = 4, 5, 6  # modes; those below are points and lines
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
    try:
        return from_instances(_scene(data).instances(), "m", float32_precision)
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
            node = self._item("nodes", number)
            if number in seen or depth > _DEEPEST:
                _refuse(
                    f"node {number} is its own ancestor (a cycle), has two parents or lies "
                    f"deeper than the limit of {_DEEPEST} nodes; export it again"
                )
            seen.add(number)
            matrix = above.then(placed_at(_node_matrix(number, node), _QUATERNION))
            for points, faces in self._node_meshes(number, node):
                yield points, faces, matrix
            stack.extend((child, matrix, depth + 1) for child in node.get("children", []))

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
