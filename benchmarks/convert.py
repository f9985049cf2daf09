"""Every file of the corpus written as STL, OBJ, PLY and glTF, read again by massproof and by peers, and compared.

    python benchmarks/convert.py corpus [word of the path …]
    python benchmarks/convert.py large [million triangles]

`corpus`: facets of exact shapes may miss 0.1 % of the volume of each part. Peers are trimesh and meshio; the Khronos
validator of glTF is asked when NODE_PATH holds `gltf-validator`. `large`: a binary STL is written in each format and
drawn, in processes that may use so much memory and no more; Linux.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import massproof as mp
from massproof import formats, sources, tessellate

SHARE = 1e-3
TARGETS = {
    "stl": ("stl", "mm", {}),
    "obj": ("obj", "mm", {}),
    "ply": ("ply", "mm", {}),
    "glb": ("glb", "m", {"storage": "binary"}),
    "gltf": ("glb", "m", {"storage": "standard"}),
}
ROUNDED = {"stl", "glb"}  # whose coordinates have 32 bits
VALIDATOR = """
const validator = require('gltf-validator'), fs = require('fs'), path = require('path');
(async () => { for (const name of process.argv.slice(1)) {
  const beside = (uri) => Promise.resolve(new Uint8Array(fs.readFileSync(path.join(path.dirname(name), uri))));
  const options = {externalResourceFunction: beside};
  const found = await validator.validateBytes(new Uint8Array(fs.readFileSync(name)), options);
  const told = found.issues.messages.map((m) => m.code);
  console.log(JSON.stringify({name: path.basename(name), errors: found.issues.numErrors,
    warnings: found.issues.numWarnings, codes: [...new Set(told)]}));
}})();
"""


def files(words: list[str]) -> list[Path]:
    """Files of the corpus whose answers are known and that hold any of the words in their path."""
    home = Path(os.environ["MASSPROOF_CORPUS"])
    rows = json.loads((home / "truth.json").read_text())["files"]
    names = [row["file"] for row in rows if row["truth"] and row["expect"] != "error"]
    return [home / name for name in names if not words or any(word in name for word in words)]


def relative(found: Any, exact: Any) -> float | None:
    """How far a value lies from another, as a share of it; None where there are not both."""
    return abs(found.value / exact.value - 1) if found and exact and exact.value else None


def compared(name: str, found: Any, before: Any, turned: bool) -> dict[str, Any]:
    """What was written against its source: shares of volume, area and the diagonal of the box, and whether it closes."""
    row = {"volume": relative(found.volume, before.volume), "area": relative(found.area, before.area)}
    row["closed"] = found.volume is not None if before.volume else None
    row["centre"] = None
    if found.center_of_mass and before.center_of_mass:
        x, y, z = (q.value for q in before.center_of_mass)
        there = (x, z, -y) if turned else (x, y, z)
        box = before.bounding_box
        low, high = ([q.value for q in corner] for corner in (box.min, box.max))
        row["centre"] = math.dist([q.value for q in found.center_of_mass], there) / math.dist(low, high)
    return row


def peers(path: Path, volume: float) -> dict[str, float | None]:
    """How far from `volume`, in the unit of the file, trimesh and meshio find it."""
    import meshio
    import pyvista
    import trimesh

    found: dict[str, float | None] = {}
    if path.suffix == ".gltf":
        return found
    mesh = trimesh.load_mesh(path)
    found["trimesh"] = abs(mesh.volume / volume - 1)
    if path.suffix == ".ply":  # meshio 5.3.5 reads no binary PLY that has colours of faces
        found["pyvista"] = abs(pyvista.read(path).volume / volume - 1)
    elif path.suffix in (".stl", ".obj"):
        other = meshio.read(path)
        corners = [block.data for block in other.cells if block.type == "triangle"]
        again = [trimesh.Trimesh(other.points, faces, process=False).volume for faces in corners]
        found["meshio"] = abs(sum(again) / volume - 1)
    return found


def round_trip(path: Path, folder: Path) -> list[dict[str, Any]]:
    """Rows of what became of a file in each format."""
    try:
        before = mp.measure(path, unit="mm")
        loaded = sources.load(path)
        fineness = tessellate.Fineness(volume_error=SHARE)
        scene = tessellate.scene(loaded.geometry, loaded.name, loaded.length("mm").symbol, fineness)
    except mp.MassproofError as error:
        return [{"file": path.name, "refused": f"{type(error).__name__}: {error}"}]
    rows = []
    for suffix, (name, unit, options) in TARGETS.items():
        target = folder / f"part.{suffix}"
        row: dict[str, Any] = {"file": str(path.relative_to(os.environ["MASSPROOF_CORPUS"])), "to": suffix}
        try:
            formats.write(scene.in_unit(unit), name, target.name, lambda n: (folder / n).open("wb"), options)
            if suffix != "gltf":
                again = mp.measure(target, unit=None if suffix == "glb" else "mm")
                row |= compared(suffix, again, before, suffix == "glb") | {"triangles": scene.triangles}
                if again.volume and suffix != "gltf":
                    row["peers"] = peers(target, again.volume.to(f"{unit}^3").value)
        except Exception as error:  # what it is belongs into the table
            row["refused"] = f"{type(error).__name__}: {error}"
        rows.append(row)
    return rows


def validated(paths: list[Path]) -> list[dict[str, Any]]:
    """What the validator of Khronos says of files, nothing where it is not installed."""
    if not shutil.which("node") or not os.environ.get("NODE_PATH"):
        return []
    there = [str(path) for path in paths if path.exists()]
    lines = subprocess.run(["node", "-e", VALIDATOR, *there], capture_output=True, text=True, check=False)
    if lines.returncode:
        raise SystemExit(lines.stderr)
    return [json.loads(line) for line in lines.stdout.splitlines()]


def corpus(words: list[str]) -> None:
    """Rows as JSON, one a line, and their summary at the end."""
    rows: list[dict[str, Any]] = []
    for path in files(words):
        with tempfile.TemporaryDirectory() as name:
            folder, start = Path(name), time.perf_counter()
            made = round_trip(path, folder)
            for told in validated([folder / "part.glb", folder / "part.gltf"]):
                made.append({"file": made[0]["file"], "to": f"validator {told['name']}", "validator": told})
            for row in made:
                print(json.dumps(row | {"seconds": round(time.perf_counter() - start, 2)}), flush=True)
            rows += made
    print(table(rows))


def table(rows: list[dict[str, Any]]) -> str:
    """A row for each format: how many, the largest errors, and what is not closed or was refused."""
    lines = [
        "| to | files | volume | area | centre | closed | trimesh | meshio | refused |",
        "|---" * 9 + "|",
    ]
    for suffix in TARGETS:
        own = [row for row in rows if row.get("to") == suffix]
        largest = [
            f"{max((row[key] for row in own if row.get(key) is not None), default=0):.2g}"
            for key in ("volume", "area", "centre")
        ]
        solid = [row["closed"] for row in own if row.get("closed") is not None]
        others = [
            f"{max((row['peers'][who] for row in own if row.get('peers', {}).get(who) is not None), default=0):.2g}"
            for who in ("trimesh", "meshio")
        ]
        refused = sum("refused" in row for row in own)
        cells = [suffix, len(own), *largest, f"{sum(solid)} of {len(solid)}", *others, refused]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    told = [row["validator"] for row in rows if "validator" in row]
    codes = Counter(code for one in told for code in one["codes"])
    lines.append(f"validator: {len(told)} files, {sum(one['errors'] for one in told)} errors, {dict(codes)}")
    return "\n".join(lines)


if __name__ == "__main__":
    corpus(sys.argv[2:])
