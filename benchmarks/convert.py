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
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import meshes
import processes
import tables

import massproof as mp
from massproof import formats, sources, tessellate
from massproof.scene import frame

SHARE = 1e-3
LIMIT = 3_000_000_000  # bytes of addresses, of which the interpreter, libraries and mapped files take 1.5 GB
STEP = Fraction(1, 1 << 16)
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


def compared(found: Any, before: Any, turned: int) -> dict[str, Any]:
    """What was written against its source, as shares: volume, area, centre of the diagonal, and whether it closes."""
    row = {"volume": relative(found.volume, before.volume), "area": relative(found.area, before.area)}
    row["closed"] = found.volume is not None if before.volume else None
    row["centre"] = None
    weighed = any(one.code == "density-stated" for one in before.findings)  # each part with its own density
    if found.center_of_mass and before.center_of_mass and not weighed:
        x, y, z = (q.value for q in before.center_of_mass)
        there = {1: (x, z, -y), 0: (x, y, z), -1: (x, -z, y)}[turned]
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
    scene = scene.moved(frame(*loaded.upright).T)
    for suffix, (name, unit, options) in TARGETS.items():
        target = folder / f"part.{suffix}"
        row: dict[str, Any] = {"file": str(path.relative_to(os.environ["MASSPROOF_CORPUS"])), "to": suffix}
        turned = (suffix == "glb") - (path.suffix == ".glb")
        try:
            formats.write(scene.in_unit(unit), name, target.name, lambda n: (folder / n).open("wb"), options)
            if suffix != "gltf":
                again = mp.measure(target, unit=None if suffix == "glb" else "mm")
                row |= compared(again, before, turned) | {"triangles": scene.triangles}
                if again.volume and suffix != "gltf":
                    row["peers"] = peers(target, again.volume.to(f"{unit}^3").value)
        except Exception as error:  # noqa: BLE001 what it is belongs into the table
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
        "| to | files | volume | area | centre | closed | trimesh | meshio | pyvista | refused |",
        "|---" * 10 + "|",
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
            for who in ("trimesh", "meshio", "pyvista")
        ]
        refused = sum("refused" in row for row in own)
        cells = [suffix, len(own), *largest, f"{sum(solid)} of {len(solid)}", *others, refused]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    told = [row["validator"] for row in rows if "validator" in row]
    codes = Counter(code for one in told for code in one["codes"])
    lines.append(f"validator: {len(told)} files, {sum(one['errors'] for one in told)} errors, {dict(codes)}")
    return "\n".join(lines)


def large(million: float) -> dict[str, Any]:
    """What converting and drawing a binary STL takes: seconds, and the peak of resident memory with mapped files."""
    for name in ("torus_1e5.stl", "torus_1e5.png"):  # compiles kernels, once for each machine
        limited(meshes.file("torus_1e5"), Path(name))
    path = meshes.file("torus_1e7") if million == 10 else meshes.FOLDER / f"convert-{os.getpid()}.stl"
    if million != 10:
        meshes.write_binary(path, meshes.torus(million * 1e6)(STEP), STEP)
    found = {"million": million, "bytes": path.stat().st_size, "limit": LIMIT}
    names = ("part.stl", "part.ply", "part.glb", "part.obj", "part.png")
    found["rows"] = [limited(path, Path(name)) for name in names]
    if million != 10:
        path.unlink()
    return found


def limited(path: Path, name: Path) -> dict[str, Any]:
    """What the command of the shell took that writes `name`, within LIMIT bytes of addresses."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / name
        words = ["render", path, "-o", target] if name.suffix == ".png" else ["convert", path, target]
        command = [*processes.own_command(), *map(str, words), "--unit", "mm"]
        start = time.perf_counter()
        with (Path(folder) / "told").open("w") as told:
            child = subprocess.Popen(command, stdout=told, preexec_fn=_limit)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if not target.exists():
            raise SystemExit(child.returncode)
        wall, text = time.perf_counter() - start, (Path(folder) / "told").read_text()
        row: dict[str, Any] = {"to": name.suffix[1:].upper(), "wall": wall, "written": target.stat().st_size}
        row |= {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024}
        return row | ({} if name.suffix == ".png" else {"error": json.loads(text)["volumeError"]})


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


if __name__ == "__main__":
    if sys.argv[1:2] == ["corpus"]:
        corpus(sys.argv[2:])
    elif sys.argv[1:2] == ["large"]:
        given = large(float(sys.argv[2]) if len(sys.argv) > 2 else 10)
        print("\n".join(tables.convert({"convert": given})))
    else:
        raise SystemExit(__doc__)
