"""The tools of zoo-mcp that send files, called as an assistant calls them, against a running server; prints a table.

    ZOO_HOST=http://127.0.0.1:1234 EXPECTED=expected.json python tests/clients/zoo/mcp_client.py zoo-mcp

The package is as its vendor publishes it, in an environment of its own that also has `mcp`: only its address is another.
It asks for boxes by converting to STL, and takes the first file of an answer.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

EXPECTED = json.loads(Path(os.environ["EXPECTED"]).read_text())
UNITS = {
    "unit_length": "mm",
    "unit_mass": "g",
    "unit_density": "kg:m3",
    "density": 2700.0,
    "unit_area": "mm2",
}


def near(got, wanted, off=1e-12):
    if isinstance(wanted, dict):
        return all(near(got[key], wanted[key], off) for key in wanted)
    return abs(got - wanted) <= off * max(abs(wanted), 1e-3)


async def called(session, name, **arguments):
    """What a tool answers: structured, else as text."""
    found = await session.call_tool(name, arguments)
    content = getattr(found, "structured_content", None) or getattr(found, "structuredContent", None)
    if content is not None:
        return content.get("result", content) if isinstance(content, dict) else content
    return "".join(getattr(part, "text", "") for part in found.content)


async def of_file(session, kind, wanted):
    path = wanted["path"]
    loose = 1e-3 if kind == "step" else 1e-6  # boxes are of facets in 32 bits
    asked = {
        "volume": ("calculate_volume", {"unit_volume": "cm3"}),
        "surface_area": ("calculate_surface_area", {"unit_area": "mm2"}),
        "mass": ("calculate_mass", {"unit_mass": "g", "unit_density": "kg:m3", "density": 2700.0}),
        "center_of_mass": ("calculate_center_of_mass", {"unit_length": "mm"}),
    }
    for name, (tool, arguments) in asked.items():
        got = await called(session, tool, input_file=path, **arguments)
        yield kind, tool, not isinstance(got, str) and near(got, wanted[name]), got
    got = await called(session, "calculate_bounding_box_cad", input_file=path)
    good = not isinstance(got, str) and near(got["dimensions"], wanted["dimensions"], loose)
    yield kind, "calculate_bounding_box_cad", good, got
    tool = "calculate_cad_physical_properties"
    got = await called(session, tool, input_file=path, unit_volume="cm3", **UNITS)
    good = not isinstance(got, str) and all(near(got[name], wanted[name]) for name in asked)
    yield kind, tool, good and near(got["bounding_box"]["dimensions"], wanted["dimensions"], loose), got
    with tempfile.TemporaryDirectory() as folder:
        for target in ("stl", "obj", "ply", "step", "gltf", "glb"):
            out = Path(folder) / f"out.{target}"
            got = await called(
                session, "convert_cad_file", input_file=path, export_path=str(out), export_format=target
            )
            yield kind, f"convert_cad_file {target}", out.exists() and out.stat().st_size > 100, got


async def main(command):
    names = ("ZOO_HOST", "PATH", "HOME")
    environment = {name: os.environ[name] for name in names if name in os.environ} | {"ZOO_API_TOKEN": "any"}
    results = []
    async with (
        stdio_client(StdioServerParameters(command=command, env=environment)) as streams,
        ClientSession(*streams[:2]) as session,
    ):
        await session.initialize()
        for kind, wanted in EXPECTED.items():
            async for which, tool, good, got in of_file(session, kind, wanted):
                results.append(good)
                print(f"{which:5} {tool:36} {'good' if good else f'WRONG {got}'}")
    print(f"{sum(results)} of {len(results)} are as they should be")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
