"""Tools for assistants that speak the Model Context Protocol: what `massproof mcp` offers on standard input.

Every answer has units, a verdict, and what is not known, so that no number can be told without them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from massproof import materials
from massproof.errors import InputError, MassproofError, MissingExtra
from massproof.figures import quantities
from massproof.properties import Properties, Quantity
from massproof.version import __version__

_TOLD = (
    "Every value has a unit and an interval that encloses it. The verdict is SOUND (proven), BOUNDED (something was "
    "assumed: see the findings) or UNSAFE (the mesh encloses no volume: volume and mass do not exist, and absent says "
    "why). Tell the verdict and the findings with the numbers. Files of STL, OBJ and PLY have no unit: ask for it."
)
_NEAR = 12  # materials that a search lists
_ASKED = ParamSpec("_ASKED")


def server(root: Path) -> Any:
    """The server with its tools, which read and write files below `root` alone; `run()` serves.

    Raises MissingExtra without the package `mcp`, InputError for a root that is no folder.
    """
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ModuleNotFoundError as error:
        what = "massproof mcp"
        raise MissingExtra(what, "mcp") from error
    if not root.is_dir():
        msg = f"{root} is no folder, so that no tool could read a file; name one with --root"
        raise InputError(msg)
    made = MCPServer("massproof", version=__version__, instructions=_TOLD)
    for tool in Tools(root).all():
        made.tool()(_told(tool, ToolError))
    return made


def _told(tool: Callable[_ASKED, Any], error: type[Exception]) -> Callable[_ASKED, Any]:
    """A tool whose errors reach the assistant as what they say."""

    @wraps(tool)
    def answer(*args: _ASKED.args, **options: _ASKED.kwargs) -> Any:
        try:
            return tool(*args, **options)
        except MassproofError as wrong:
            raise error(str(wrong)) from wrong

    return answer


class Tools:
    """What an assistant can ask for."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def all(self) -> list[Callable[..., Any]]:
        """The tools; their names, parameters and docstrings are what an assistant sees."""
        return [self.measure, self.compare, self.convert, self.materials]

    def measure(
        self,
        file: str,
        unit: str | None = None,
        material: str | None = None,
        density: str | None = None,
        units: str = "mm",
    ) -> dict[str, Any]:
        """Measure a CAD or mesh file: area, volume, mass, density, centre of mass, inertia and bounding box.

        file: a STEP, STL, OBJ, PLY, OFF, 3MF or GLB file on this machine.
        unit: length unit of a file that declares none: mm, cm, m, inch, ft. Without it mm is assumed, with a finding.
        material: a name of the table that the tool `materials` searches.
        density: instead of a material, as "2.7 g/cm^3".
        units: of the answer: SI, mm, cm, inch or ft.
        """
        from massproof.measure import measure

        found = measure(self._inside(file), unit=unit, material=material, density=density)
        return _answer(found, units)

    def compare(
        self,
        left: str,
        right: str,
        unit: str | None = None,
        material: str | None = None,
        profile: str | None = None,
    ) -> dict[str, Any]:
        """Compare the mass properties of two files, or of a file and a saved JSON answer of a cloud: do they agree?

        left, right: files on this machine; of JSON, what Zoo, Autodesk, Onshape or massproof answered.
        unit, material: as in `measure`, for what is measured.
        profile: how far numbers may be off: exact, zoo, fusion-low, onshape, mesh-vs-brep; without it what fits.
        """
        from massproof.comparison import compare

        sides = [str(self._inside(one)) for one in (left, right)]
        found = compare(*sides, profile=profile, unit=unit, material=material)
        told = found.to_dict()
        return told | {"agrees": bool(found)}

    def convert(
        self,
        file: str,
        target: str,
        unit: str | None = None,
        to_unit: str | None = None,
        volume_error: float | None = None,
    ) -> dict[str, Any]:
        """Write a file in another format, and say by how much its volume then differs.

        file: as in `measure`.
        target: the file to write; its suffix says the format: .stl, .obj, .ply, .glb, .gltf or .step.
        unit: length unit of a file that declares none.  to_unit: of what is written.
        volume_error: share of the volume that facets of a STEP file may miss, as 0.001.
        """
        from massproof.conversion import convert

        options = {"unit": unit, "to_unit": to_unit, "volume_error": volume_error}
        told = convert(self._inside(file), self._inside(target), **options).to_dict()  # type: ignore[arg-type]
        return {
            key: told[key]
            for key in ("files", "format", "unit", "parts", "triangles", "volumeError", "findings")
        }

    def materials(self, text: str = "") -> dict[str, Any]:
        """Find materials by part of a name: their densities in kg/m³, the range of each, and who says so."""
        rows = materials.find(text)
        keys = ("name", "density", "low", "high", "source")
        listed = [{key: getattr(row, key) for key in keys} for row in rows[:_NEAR]]
        return {"unit": "kg/m^3", "found": len(rows), "materials": listed}

    def _inside(self, path: str) -> Path:
        """Where a file is; raises InputError for one outside of the folder that tools may use."""
        found = (self._root / path).resolve()
        if not found.is_relative_to(self._root):
            msg = f"{path} is outside of {self._root}, where tools may read and write; start with --root for another"
            raise InputError(msg)
        return found


def _answer(found: Properties, system: str) -> dict[str, Any]:
    """A result as an assistant reads it best: each property once, flat."""
    from massproof import units

    chosen = units.system(system)
    return {
        "file": found.source.name,
        "verdict": found.verdict.value,
        "properties": {
            name: _plain(one.to(chosen[one.unit.dimension])) for name, one in quantities(found).items()
        },
        "absent": dict(found.absent),
        "findings": [{"code": one.code, "message": one.message} for one in found.findings],
        "method": found.method,
    }


def _plain(quantity: Quantity) -> dict[str, Any]:
    ends = [bound if math.isfinite(bound) else None for bound in quantity.interval]
    return {"value": quantity.value, "unit": quantity.unit.symbol, "interval": ends}
