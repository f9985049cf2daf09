"""The objects of a file: every occurrence of every part, numbered from the whole downwards, and their properties."""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from massproof.breakdown import Assembly, Part
from massproof.dialects.derivative import shapes, tables
from massproof.operations.port import Operation
from massproof.properties import Quantity
from massproof.serving import weighing
from massproof.serving.web import Refused

_KEPT = 8  # models in memory: clients ask for one, many times


@dataclass(frozen=True, slots=True)
class Node:
    """One object."""

    id: int  # from 1; a parent before its children
    name: str
    external: str  # the same for the same bytes of the file
    part: str  # id of its definition
    children: list[int] = field(default_factory=list)


class Model:
    """The tree of a file, and what is known of each definition."""

    def __init__(self, assembly: Assembly, name: str, digest: str) -> None:
        """Raises Refused for more objects than one tree may have."""
        self.assembly, self.whole = assembly, assembly.whole.properties
        self.nodes = _nodes(assembly, name, digest)
        self.database = ""  # digest of its property database, once that is written
        self._texts: dict[tuple[str, str], dict[str, Any]] = {}
        self._numbers: dict[str, dict[str, Quantity]] = {}

    def node(self, id: int) -> Node | None:
        """An object, None if there is none."""
        return self.nodes[id - 1] if 1 <= id <= len(self.nodes) else None

    def tree(self, root: int, deep: bool) -> dict[str, Any]:
        """An object with those below it, or without `deep` those just below it."""
        made: dict[int, dict[str, Any]] = {}
        for node in self._below(root, deep):  # parents first
            made[node.id] = {"objectid": node.id, "name": node.name}
        for id, one in made.items():
            below = [made[child] for child in self.nodes[id - 1].children if child in made]
            if below:
                one["objects"] = below
        return made[root]

    def _below(self, root: int, deep: bool) -> Iterator[Node]:
        waiting = [root]
        while waiting:
            node = self.nodes[waiting.pop() - 1]
            yield node
            if deep or node.id == root:
                waiting += reversed(node.children)

    def numbers(self, node: Node) -> dict[str, Quantity]:
        """The numbers among an object's properties, by category and key."""
        if node.part not in self._numbers:
            self._numbers[node.part] = shapes.quantities(self.assembly.parts[node.part].properties)
        return self._numbers[node.part]

    def words(self, node: Node) -> dict[str, str]:
        """What is told of an object and is no number: material and part number, where they are known."""
        return _words(self.assembly.parts[node.part])

    def described(self, node: Node, form: str = "text") -> dict[str, Any]:
        """An object with its properties, which others may share."""
        part = self.assembly.parts[node.part]
        if (part.id, form) not in self._texts:
            self._texts[part.id, form] = _properties(part, form)
        return {
            "objectid": node.id,
            "name": node.name,
            "externalId": node.external,
            "properties": {"Name": node.name, **self._texts[part.id, form]},
        }


def _properties(part: Part, form: str) -> dict[str, Any]:
    return shapes.written(part.properties, form) | (_words(part) if form == "text" else {})


def _words(part: Part) -> dict[str, str]:
    material = part.material or part.properties.provenance.get("material")
    told = {"Part Number": part.number, shapes.contract()["material"]["key"]: material}
    return {key: text for key, text in told.items() if text}


def _nodes(assembly: Assembly, name: str, digest: str) -> list[Node]:
    count, most = sum(assembly.counts().values()), tables.service()["limits"]["objects"]
    if count > most:
        raise Refused(406, f"The file places {count} objects, and a tree has {most} at most.")
    nodes: list[Node] = []
    waiting = [(assembly.root, name, "", 0)]
    while waiting:
        part, called, path, parent = waiting.pop()
        hashed = hashlib.sha256(f"{digest}{path}".encode()).digest()[:16]
        node = Node(len(nodes) + 1, called, base64.urlsafe_b64encode(hashed).decode().rstrip("="), part)
        nodes.append(node)
        if parent:
            nodes[parent - 1].children.append(node.id)
        uses = reversed(assembly.parts[part].children)
        waiting += [(use.part, use.name, f"{path}/{use.id}", node.id) for use in uses]
    return nodes


class Models:
    """The models that were last asked for. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, ...], Model] = OrderedDict()
        self._lock = Lock()

    def of(self, operations: Sequence[Operation], name: str) -> Model:
        """The model of `weighing.operations` that have succeeded, of a file called `name`; blocks."""
        key = (*(one.id for one in operations), name)
        with self._lock:
            if key not in self._kept:
                digest, title = operations[0].job.inputs[0], name.rpartition(".")[0] or name
                self._kept[key] = Model(weighing.assembly(operations), title, digest)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]
