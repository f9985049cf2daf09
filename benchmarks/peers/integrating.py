"""Libraries with integrals of their own."""

# ruff: noqa: D102 - the methods are those of Peer
from __future__ import annotations

import logging
from typing import Any

import numpy as np

from peers import Answer, Peer, answer


class Trimesh(Peer):
    """trimesh as it loads by default, corners merged."""

    name, package = "trimesh", "trimesh"
    kinds = ("binary", "ascii", "obj")
    options: dict[str, Any] = {}  # noqa: RUF012 - a constant of the class

    def __init__(self) -> None:
        import trimesh

        logging.getLogger("trimesh").setLevel(logging.CRITICAL)
        self._load = trimesh.load_mesh

    def load(self, path: str) -> Any:
        return self._load(path, **self.options)

    def properties(self, loaded: Any) -> Answer:
        found = loaded.mass_properties
        return answer(found.volume, loaded.area, found.center_mass, found.inertia)

    def closed(self, loaded: Any) -> bool | None:
        return bool(loaded.is_watertight)


class TrimeshRaw(Trimesh):
    """trimesh without merging, which leaves it without a test."""

    name, note, tests_closed = "trimesh process=False", "corners not merged", False
    kinds = ("binary",)
    judged = False
    options = {"process": False}  # noqa: RUF012

    def closed(self, loaded: Any) -> bool | None:
        return None


class NumpyStl(Peer):
    """numpy-stl."""

    name, package = "numpy-stl", "numpy-stl"
    kinds = ("binary", "ascii")

    def __init__(self) -> None:
        from stl import mesh

        logging.getLogger("stl").setLevel(logging.CRITICAL)
        self._read = mesh.Mesh.from_file

    def load(self, path: str) -> Any:
        return self._read(path)

    def properties(self, loaded: Any) -> Answer:
        volume, centre, inertia = loaded.get_mass_properties()
        loaded.update_areas()
        return answer(volume, loaded.areas.sum(), centre, inertia)

    def closed(self, loaded: Any) -> bool | None:
        return bool(loaded.is_closed(exact=True))


class Pymeshlab(Peer):
    """PyMeshLab, which leaves the volume out when the mesh is open."""

    name, package = "pymeshlab", "pymeshlab"
    kinds = ("binary", "ascii", "obj")

    def __init__(self) -> None:
        import pymeshlab

        self._set = pymeshlab.MeshSet

    def load(self, path: str) -> Any:
        meshes = self._set(verbose=False)
        meshes.load_new_mesh(path)
        return meshes

    def properties(self, loaded: Any) -> Answer:
        found = loaded.get_geometric_measures()
        return answer(
            found.get("mesh_volume"),
            found["surface_area"],
            found.get("center_of_mass"),
            found.get("inertia_tensor"),
        )

    def closed(self, loaded: Any) -> bool | None:
        return loaded.get_topological_measures()["boundary_edges"] == 0


class Open3d(Peer):
    """Open3D; corners are merged, since it refuses every STL before."""

    name, package = "open3d", "open3d"
    kinds = ("binary", "obj")

    def __init__(self) -> None:
        import open3d

        open3d.utility.set_verbosity_level(open3d.utility.VerbosityLevel.Error)
        self._read = open3d.io.read_triangle_mesh

    def load(self, path: str) -> Any:
        return self._read(path).remove_duplicated_vertices()

    def properties(self, loaded: Any) -> Answer:
        return answer(loaded.get_volume(), loaded.get_surface_area())

    def closed(self, loaded: Any) -> bool | None:
        return loaded.is_watertight()


class Meshlib(Peer):
    """MeshLib."""

    name, package = "meshlib", "meshlib"
    kinds = ("binary", "ascii", "obj")

    def __init__(self) -> None:
        from meshlib import mrmeshpy

        self._load = mrmeshpy.loadMesh

    def load(self, path: str) -> Any:
        return self._load(path)

    def properties(self, loaded: Any) -> Answer:
        return answer(loaded.volume(), loaded.area())

    def closed(self, loaded: Any) -> bool | None:
        return loaded.topology.isClosed()


class Igl(Peer):
    """libigl; moments about the origin, as it computes them."""

    name, package = "libigl", "libigl"
    kinds = ("binary", "obj")
    note = "its check merges corners first"

    def __init__(self) -> None:
        import igl

        self._igl = igl

    def load(self, path: str) -> Any:
        return self._igl.read_triangle_mesh(path)

    def properties(self, loaded: Any) -> Answer:
        vertices, faces = loaded
        volume, first, inertia = self._igl.moments(vertices, faces)
        area = self._igl.doublearea(vertices, faces).sum() / 2
        return answer(volume, area, first / volume if volume else None, inertia)

    def closed(self, loaded: Any) -> bool | None:
        *_, faces = self._igl.remove_duplicate_vertices(*loaded, 0.0)
        return bool(self._igl.is_edge_manifold(faces)[0]) and not len(self._igl.boundary_facets(faces)[0])


class Manifold(Peer):
    """manifold3d, which has no reader: numpy reads, it merges, and refuses what is not closed."""

    name, package = "manifold3d", "manifold3d"
    note = "read with numpy; refuses open meshes"

    def __init__(self) -> None:
        import manifold3d

        self._module = manifold3d

    def load(self, path: str) -> Any:
        record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
        corners = np.fromfile(path, record, offset=84)["corners"].reshape(-1, 3)
        mesh = self._module.Mesh(
            np.ascontiguousarray(corners), np.arange(len(corners), dtype=np.uint32).reshape(-1, 3)
        )
        mesh.merge()
        return self._module.Manifold(mesh)

    def properties(self, loaded: Any) -> Answer:
        return answer(loaded.volume(), loaded.surface_area())

    def closed(self, loaded: Any) -> bool | None:
        return loaded.status() == self._module.Error.NoError


class Occt(Peer):
    """OCCT's reader and mesh properties through OCP, as CadQuery brings it."""

    name, package = "ocp", "cadquery-ocp-novtk"
    kinds = ("binary", "ascii")
    note = "`RWStl`, `BRepGProp_MeshProps`"
    tests_closed = False

    def __init__(self) -> None:
        from OCP import BRepGProp, RWStl, TopAbs

        self._props, self._read = BRepGProp.BRepGProp_MeshProps, RWStl.RWStl
        self._forward = TopAbs.TopAbs_Orientation.TopAbs_FORWARD

    def version(self) -> str:
        import OCP

        return str(OCP.__version__)

    def load(self, path: str) -> Any:
        return _static(self._read, "ReadFile")(path)

    def properties(self, loaded: Any) -> Answer:
        kind = self._props.BRepGProp_MeshObjType_e
        solid, surface = self._props(kind.Vinert), self._props(kind.Sinert)
        solid.Perform(loaded, self._forward)
        surface.Perform(loaded, self._forward)
        centre, tensor = solid.CentreOfMass(), solid.MatrixOfInertia()
        matrix = [[tensor.Value(i, j) for j in (1, 2, 3)] for i in (1, 2, 3)]
        return answer(solid.Mass(), surface.Mass(), [centre.X(), centre.Y(), centre.Z()], matrix)


class OcctStep(Peer):
    """OCCT's reader of STEP and its default integration, off by up to 1.9 % on spline faces."""

    name, package, kinds = "ocp step", "cadquery-ocp-novtk", ("step",)
    note = "`STEPControl_Reader`, `BRepGProp`"
    tests_closed = False

    def __init__(self) -> None:
        from OCP import BRepGProp, GProp, Message, STEPControl

        _static(Message.Message, "DefaultMessenger")().ChangePrinters().Clear()  # they write to stdout

        self._props, self._reader, self._results = (
            BRepGProp.BRepGProp,
            STEPControl.STEPControl_Reader,
            GProp.GProp_GProps,
        )

    def version(self) -> str:
        import OCP

        return str(OCP.__version__)

    def load(self, path: str) -> Any:
        reader = self._reader()
        reader.ReadFile(path)
        reader.TransferRoots()
        return reader.OneShape()

    def properties(self, loaded: Any) -> Answer:
        volume, area = self._results(), self._results()
        _static(self._props, "VolumeProperties")(loaded, volume)
        _static(self._props, "SurfaceProperties")(loaded, area)
        return answer(volume.Mass(), area.Mass())


class OcctCareful(OcctStep):
    """The same reader, and the integration at two accuracies with which massproof falls back to OCCT."""

    name = "ocp step careful"
    kinds = ("step careful",)
    note = "`STEPControl_Reader`, `massproof.measure` of the shape"

    def properties(self, loaded: Any) -> Answer:
        import massproof

        found = massproof.measure(loaded, unit="mm", density="1 kg/mm^3")
        if found.volume is None:
            return answer(None, found.area.to("mm^2").value)
        volume = found.volume.to("mm^3")
        half = (volume.interval[1] - volume.interval[0]) / 2
        return {**answer(volume.value, found.area.to("mm^2").value), "half": half}


def _static(owner: Any, method: str) -> Any:
    """A static method: some versions of OCP end its name in `_s`."""
    return getattr(owner, f"{method}_s", None) or getattr(owner, method)
