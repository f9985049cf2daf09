"""From a file of loose triangles to a surface: shared vertices, matched edges, bodies.

The answer is a dictionary of counts: vertices, boundary edges, bodies; what a library does not count is None.
"""

# ruff: noqa: D102 - the methods are those of Peer
from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np

from peers import Answer, Peer


class _Joiner(Peer):
    kinds = ("topology",)
    tests_closed = False


def counts(vertices: Any, boundary: Any, bodies: Any) -> Answer:
    """An answer in plain Python numbers."""
    return {
        "vertices": None if vertices is None else int(vertices),
        "boundary": None if boundary is None else int(boundary),
        "bodies": None if bodies is None else int(bodies),
    }


class Massproof(_Joiner):
    """massproof's weld, edges and bodies."""

    name, package = "massproof topology", "massproof"

    def __init__(self) -> None:
        from massproof.kernels import edges, topology, weld

        self._weld, self._pair, self._topology = weld.welded_records, edges.paired, topology

    def load(self, path: str) -> Any:
        with Path(path).open("rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ), np.uint8)

    def properties(self, loaded: Any) -> Answer:
        vertices, faces = self._weld(loaded, 96, (len(loaded) - 84) // 50)
        sides = self._pair(faces, len(vertices))
        edges = self._topology.match_edges(faces, len(vertices), sides)
        label, _ = self._topology.bodies(vertices, faces, sides)
        return counts(len(vertices), edges.boundary, label.max() + 1)


class Trimesh(_Joiner):
    """trimesh, every step apart."""

    name, package = "trimesh topology", "trimesh"

    def __init__(self) -> None:
        import trimesh

        self._load = trimesh.load_mesh

    def load(self, path: str) -> Any:
        return self._load(path, process=False)

    def properties(self, loaded: Any) -> Answer:
        loaded.merge_vertices()
        boundary = len(loaded.edges_unique) - len(loaded.face_adjacency)
        return counts(len(loaded.vertices), boundary if not loaded.is_watertight else 0, loaded.body_count)


class Pyvista(_Joiner):
    """PyVista, whose reader merges."""

    name, package, note = "pyvista topology", "pyvista", "merges while it loads"

    def __init__(self) -> None:
        import pyvista

        self._read = pyvista.read

    def load(self, path: str) -> Any:
        return self._read(path)

    def properties(self, loaded: Any) -> Answer:
        return counts(loaded.n_points, loaded.n_open_edges, loaded.connectivity("all")["RegionId"].max() + 1)


class PyvistaStl(_Joiner):
    """pyvista-stl's reader, which merges; numpy matches edges, scipy finds bodies."""

    name, package, note = (
        "pyvista-stl topology",
        "pyvista-stl",
        "merges while it loads; numpy and scipy do the rest",
    )

    def __init__(self) -> None:
        import pyvista_stl
        from scipy.sparse import coo_matrix, csgraph

        self._read, self._matrix, self._graph = pyvista_stl.read, coo_matrix, csgraph

    def load(self, path: str) -> Any:
        return self._read(path)

    def properties(self, loaded: Any) -> Answer:
        vertices, faces = loaded
        ends = faces.astype(np.int64)
        ends = np.concatenate([ends[:, [0, 1]], ends[:, [1, 2]], ends[:, [2, 0]]])
        _, uses = np.unique(ends.min(axis=1) * len(vertices) + ends.max(axis=1), return_counts=True)
        graph = self._matrix((np.ones(len(ends), bool), ends.T), (len(vertices), len(vertices)))
        return counts(
            len(vertices), (uses == 1).sum(), self._graph.connected_components(graph, directed=False)[0]
        )


class Pymeshlab(_Joiner):
    """PyMeshLab, whose reader merges."""

    name, package, note = "pymeshlab topology", "pymeshlab", "merges while it loads"

    def __init__(self) -> None:
        import pymeshlab

        self._set = pymeshlab.MeshSet

    def load(self, path: str) -> Any:
        meshes = self._set(verbose=False)
        meshes.load_new_mesh(path)
        return meshes

    def properties(self, loaded: Any) -> Answer:
        found = loaded.get_topological_measures()
        return counts(found["vertices_number"], found["boundary_edges"], found["connected_components_number"])


class Meshlib(_Joiner):
    """MeshLib, whose reader merges and matches edges."""

    name, package, note = "meshlib topology", "meshlib", "merges and matches edges while it loads"

    def __init__(self) -> None:
        from meshlib import mrmeshpy

        self._module = mrmeshpy

    def load(self, path: str) -> Any:
        return self._module.loadMesh(path)

    def properties(self, loaded: Any) -> Answer:
        topology = loaded.topology
        bodies = self._module.MeshComponents.getNumComponents(self._module.MeshPart(loaded))
        return counts(topology.numValidVerts(), len(topology.findHoleRepresentiveEdges()), bodies)


class Igl(_Joiner):
    """libigl."""

    name, package = "libigl topology", "libigl"

    def __init__(self) -> None:
        import igl

        self._igl = igl

    def load(self, path: str) -> Any:
        return self._igl.read_triangle_mesh(path)

    def properties(self, loaded: Any) -> Answer:
        vertices, *_, faces = self._igl.remove_duplicate_vertices(*loaded, 0.0)
        boundary = self._igl.boundary_facets(faces)[0]
        return counts(len(vertices), len(boundary), self._igl.facet_components(faces)[0])


class Admesh(_Joiner):
    """admesh's exact check: edges, no bodies."""

    name, package, note = "admesh check", "libadmesh", "matches edges only"
    bodies = False

    def __init__(self) -> None:
        from peers.compiled import Admesh as Library

        self._peer = Library()

    def version(self) -> str:
        return self._peer.version()

    def load(self, path: str) -> Any:
        return self._peer.load(path)

    def properties(self, loaded: Any) -> Answer:
        self._peer.closed(loaded)
        if self.bodies:
            self._peer.find_bodies(loaded)
        stats = loaded.handle.stats
        boundary = 3 * stats.number_of_facets - stats.connected_edges
        return counts(None, boundary, stats.number_of_parts if self.bodies else None)


class AdmeshParts(Admesh):
    """admesh's exact check, then its walk over neighbours, which counts parts."""

    name, note, bodies = "admesh topology", "matches edges, walks over neighbours", True
