"""Readers without integrals of their own: the library loads, plain numpy integrates."""

# ruff: noqa: D102 - the methods are those of Peer
from __future__ import annotations

from typing import Any

import numpy as np

from peers import Answer, Peer, of_faces, of_soup


class _Reader(Peer):
    note = "reader; integrals by numpy"
    tests_closed = False
    judged = False

    def properties(self, loaded: Any) -> Answer:
        return of_faces(*loaded)


class NumpyFromFile(_Reader):
    """The least that Python can do: one `np.fromfile`, and formulas."""

    name, package, note = "numpy", "numpy", "`np.fromfile`; integrals by numpy"
    judged = True

    def load(self, path: str) -> Any:
        record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
        return np.fromfile(path, record, offset=84)["corners"]

    def properties(self, loaded: Any) -> Answer:
        return of_soup(loaded)


class StlReader(_Reader):
    """stl-reader."""

    name, package = "stl-reader", "stl-reader"
    kinds = ("binary", "ascii")

    def __init__(self) -> None:
        import stl_reader

        self._read = stl_reader.read

    def load(self, path: str) -> Any:
        return self._read(path)


class PyvistaStl(_Reader):
    """pyvista-stl."""

    name, package = "pyvista-stl", "pyvista-stl"
    kinds = ("binary", "ascii")

    def __init__(self) -> None:
        import pyvista_stl

        self._read = pyvista_stl.read

    def load(self, path: str) -> Any:
        return self._read(path)


class PyvistaStlThreads(PyvistaStl):
    """pyvista-stl with as many threads as there are cores."""

    name = "pyvista-stl threads=0"

    def load(self, path: str) -> Any:
        return self._read(path, threads=0)


class Meshio(_Reader):
    """meshio."""

    name, package = "meshio", "meshio"
    kinds = ("binary", "ascii", "obj")

    def __init__(self) -> None:
        import meshio

        self._read = meshio.read

    def load(self, path: str) -> Any:
        mesh = self._read(path)
        return mesh.points, mesh.cells_dict["triangle"]


class Potpourri(_Reader):
    """potpourri3d."""

    name, package = "potpourri3d", "potpourri3d"
    kinds = ("binary", "obj")

    def __init__(self) -> None:
        import potpourri3d

        self._read = potpourri3d.read_mesh

    def load(self, path: str) -> Any:
        return self._read(path)


class Gpytoolbox(_Reader):
    """gpytoolbox."""

    name, package = "gpytoolbox", "gpytoolbox"
    kinds = ("binary", "obj")

    def __init__(self) -> None:
        import gpytoolbox

        self._read = gpytoolbox.read_mesh

    def load(self, path: str) -> Any:
        return self._read(path)


class Assimp(_Reader):
    """assimp-py, corners joined as its documentation shows."""

    name, package = "assimp-py", "assimp-py"
    kinds = ("binary", "ascii", "obj")

    def __init__(self) -> None:
        import assimp_py

        self._module = assimp_py

    def load(self, path: str) -> Any:
        module = self._module
        flags = module.Process_Triangulate | module.Process_JoinIdenticalVertices
        (mesh,) = module.import_file(path, flags).meshes
        # Copies: the arrays are the scene's, which ends here.
        return np.array(mesh.vertices).reshape(-1, 3), np.array(mesh.indices).reshape(-1, 3)


class Gmsh(_Reader):
    """gmsh."""

    name, package = "gmsh", "gmsh"
    kinds = ("binary", "ascii")

    def __init__(self) -> None:
        import gmsh

        self._gmsh = gmsh
        gmsh.initialize(interruptible=False)
        gmsh.option.setNumber("General.Terminal", 0)

    def load(self, path: str) -> Any:
        gmsh = self._gmsh
        gmsh.clear()
        gmsh.merge(path)
        tags, coordinates, _ = gmsh.model.mesh.getNodes()
        _, corners = gmsh.model.mesh.getElementsByType(2)
        row = np.empty(int(tags.max()) + 1, np.int64)
        row[tags] = np.arange(len(tags))
        return coordinates.reshape(-1, 3), row[corners].reshape(-1, 3)
