"""VTK, and two libraries built on it."""

# ruff: noqa: D102 - the methods are those of Peer
from __future__ import annotations

from typing import Any

from peers import Answer, Peer, answer


class Pyvista(Peer):
    """PyVista."""

    name, package = "pyvista", "pyvista"
    kinds = ("binary", "ascii", "obj")
    note = "centre is that of the vertices"

    def __init__(self) -> None:
        import pyvista

        self._read = pyvista.read

    def load(self, path: str) -> Any:
        return self._read(path)

    def properties(self, loaded: Any) -> Answer:
        return answer(loaded.volume, loaded.area, loaded.center_of_mass())

    def closed(self, loaded: Any) -> bool | None:
        return bool(loaded.is_manifold)


class Vtk(Peer):
    """VTK without PyVista: reader, mass properties, feature edges."""

    name, package = "vtk", "vtk"
    kinds = ("binary", "ascii", "obj")

    def __init__(self) -> None:
        from vtkmodules import vtkFiltersCore, vtkIOGeometry

        self._geometry, self._core = vtkIOGeometry, vtkFiltersCore

    def load(self, path: str) -> Any:
        reader = self._geometry.vtkOBJReader() if path.endswith(".obj") else self._geometry.vtkSTLReader()
        reader.SetFileName(path)
        reader.Update()
        return reader.GetOutput()

    def properties(self, loaded: Any) -> Answer:
        found = self._core.vtkMassProperties()
        found.SetInputData(loaded)
        found.Update()
        return answer(found.GetVolume(), found.GetSurfaceArea())

    def closed(self, loaded: Any) -> bool | None:
        edges = self._core.vtkFeatureEdges()
        edges.SetInputData(loaded)
        edges.FeatureEdgesOff()
        edges.ManifoldEdgesOff()
        edges.Update()
        return edges.GetOutput().GetNumberOfCells() == 0


class VtkMulti(Vtk):
    """VTK's measure of each body apart, which tests them too."""

    name, note, kinds = "vtk per body", "`vtkMultiObjectMassProperties`", ("binary",)

    def properties(self, loaded: Any) -> Answer:
        found = self._core.vtkMultiObjectMassProperties()
        found.SetInputData(loaded)
        found.Update()
        self._valid = bool(found.GetAllValid())
        areas = found.GetOutput().GetFieldData().GetArray("ObjectAreas")
        return answer(
            found.GetTotalVolume(), sum(areas.GetValue(k) for k in range(areas.GetNumberOfTuples()))
        )

    def closed(self, loaded: Any) -> bool | None:
        return self._valid


class Vedo(Peer):
    """vedo."""

    name, package = "vedo", "vedo"
    kinds = ("binary", "obj")
    note = "centre is that of the vertices"

    def __init__(self) -> None:
        import vedo

        self._mesh = vedo.Mesh

    def load(self, path: str) -> Any:
        return self._mesh(path)

    def properties(self, loaded: Any) -> Answer:
        return answer(loaded.volume(), loaded.area(), loaded.center_of_mass())

    def closed(self, loaded: Any) -> bool | None:
        return bool(loaded.is_closed())
