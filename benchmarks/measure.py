"""How long a measurement takes, against trimesh and OCCT, interleaved so that a busy machine slows all alike.

    python benchmarks/measure.py [rounds]

Prints the median of each, and the median of the ratios round by round. Start-up is timed as whole processes.
"""

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import massproof as mp

DATA = Path(__file__).resolve().parent.parent / "data"


def torus_stl(path, count):
    """Write a binary STL of a torus with about `count` triangles."""
    around = int((count / 4) ** 0.5) * 2
    side = around // 2
    u, v = np.meshgrid(
        2 * np.pi * np.arange(around) / around, 2 * np.pi * np.arange(side) / side, indexing="ij"
    )
    ring = 20 + 5 * np.cos(v)
    grid = np.stack([ring * np.cos(u), ring * np.sin(u), 5 * np.sin(v)], axis=2).astype("<f4")
    a, b = grid, np.roll(grid, -1, axis=0)
    d, c = np.roll(a, -1, axis=1), np.roll(b, -1, axis=1)
    corners = np.concatenate(
        [
            np.stack([a, b, c], axis=2).reshape(-1, 3, 3),
            np.stack([a, c, d], axis=2).reshape(-1, 3, 3),
        ]
    )
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    triangles = np.zeros(len(corners), record)
    triangles["corners"] = corners
    path.write_bytes(bytes(80) + len(corners).to_bytes(4, "little") + triangles.tobytes())
    return path


def massproof(path):
    """Area, box, verdict, and where it exists volume, centre and inertia, with intervals."""
    mp.measure(path, unit="mm", density="1 g/cm^3")


def trimesh(path):
    """The same numbers, and the check that trimesh itself offers; no bounds."""
    import trimesh

    mesh = trimesh.load_mesh(path)
    _ = mesh.area, mesh.bounds, mesh.is_watertight, mesh.mass_properties


def occt(path):
    """OCCT's default, whose answer on spline faces is off by up to 1.9 %: the time people know."""
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps
    from OCP.STEPControl import STEPControl_Reader

    reader = STEPControl_Reader()
    reader.ReadFile(str(path))
    reader.TransferRoots()
    shape, volume, area = reader.OneShape(), GProp_GProps(), GProp_GProps()
    # OCP 8 dropped the suffix of static methods.
    suffix = "_s" if hasattr(BRepGProp, "VolumeProperties_s") else ""
    getattr(BRepGProp, f"VolumeProperties{suffix}")(shape, volume)
    getattr(BRepGProp, f"SurfaceProperties{suffix}")(shape, area)


def seconds(function, path):
    """Wall time of one call."""
    start = time.perf_counter()
    function(path)
    return time.perf_counter() - start


def compare(title, path, peers, rounds):
    """Print medians of each peer and of its ratio to massproof."""
    for function in peers:
        function(path)  # imports, page cache, compiled kernels
    times = [[seconds(function, path) for function in peers] for _ in range(rounds)]
    for k, function in enumerate(peers):
        ratio = statistics.median(row[k] / row[0] for row in times)
        median = statistics.median(row[k] for row in times)
        print(f"| {title} | {function.__name__} | {median * 1e3:.1f} | {ratio:.2f} |")


def start_up(rounds):
    """Print the median wall time of whole processes."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "import massproof": ["-c", "import massproof"],
        "massproof --help": ["-m", "massproof", "--help"],
        "massproof measure box.stl": [
            "-m",
            "massproof",
            "measure",
            str(DATA / "box.stl"),
            "--unit",
            "mm",
        ],
        "massproof measure bracket.step": [
            "-m",
            "massproof",
            "measure",
            str(DATA / "bracket.step"),
        ],
    }
    for title, arguments in commands.items():
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        print(f"| {title} | whole process | {statistics.median(times) * 1e3:.0f} | |")


def main():
    """Run all of it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("| input | who | median ms | ratio to massproof |\n|---|---|---|---|")
    start_up(rounds)
    meshes = [massproof] + ([trimesh] if importlib.util.find_spec("trimesh") else [])
    breps = [massproof] + ([occt] if importlib.util.find_spec("OCP") else [])
    compare("sphere.stl, 5 120 triangles", DATA / "sphere.stl", meshes, rounds)
    compare("torus.obj, 2 048 quads", DATA / "torus.obj", meshes, rounds)
    with tempfile.TemporaryDirectory() as folder:
        large = torus_stl(Path(folder) / "torus.stl", 1_000_000)
        compare("torus.stl, 10⁶ triangles", large, meshes, rounds)
    for name in ("bracket.step", "assembly.step"):
        compare(name, DATA / name, breps, rounds)


if __name__ == "__main__":
    main()
