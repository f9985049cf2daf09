"""Whole commands, as a shell starts them: CPU and wall time from start to end, in turns.

python benchmarks/processes.py [rounds]
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import meshes

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
BASE = 'python -c "import numpy"'
OWN = ("massproof measure, 10⁶ triangles", "massproof measure bracket.step")  # timed however slow


def own_command() -> list[str]:
    """How a shell calls massproof."""
    beside = Path(sys.executable).parent / "massproof"
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "massproof"]


def commands() -> dict[str, list[str]]:
    """Title and command line; what is not installed is left out."""
    large = str(meshes.file("torus_1e6"))
    own = own_command()
    found = {
        "python -c pass": [sys.executable, "-c", "pass"],
        BASE: [sys.executable, "-c", "import numpy"],
        "import massproof": [sys.executable, "-c", "import massproof"],
        "massproof --help": [*own, "--help"],
        "massproof measure, 10⁶ triangles": [*own, "measure", large, "--unit", "mm", "--json"],
        "massproof measure box.stl": [*own, "measure", str(DATA / "box.stl"), "--unit", "mm", "--json"],
        "massproof measure bracket.step": [*own, "measure", str(DATA / "bracket.step"), "--json"],
        "admesh, 10⁶ triangles": ["admesh", large],
        "admesh without its checks": ["admesh", "--no-check", large],
        "prusa-slicer --info, 10⁶ triangles": ["prusa-slicer", "--info", large],
        "trimesh, 10⁶ triangles": [
            sys.executable,
            "-c",
            "import sys, trimesh; m = trimesh.load_mesh(sys.argv[1]); m.is_watertight, m.mass_properties",
            large,
        ],
    }
    return {title: line for title, line in found.items() if shutil.which(line[0])}


def run(line: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of a command; its exit status is not looked at: an imperfect mesh may set it."""
    start = time.perf_counter()
    process = subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if not hasattr(os, "wait4"):
        process.wait()
        return float("nan"), time.perf_counter() - start
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start


def cold(rounds: int, limit: float) -> dict[str, Any]:
    """Medians, and ratios to `BASE` of the same round; what takes more than half of `limit` is left out."""
    # The first turn brings files to memory and compiles kernels.
    first = {title: (line, run(line)) for title, line in commands().items()}
    lines = {title: line for title, (line, (_, wall)) in first.items() if wall < limit / 2 or title in OWN}
    turns = [{title: run(line) for title, line in lines.items()} for _ in range(rounds)]
    return {
        title: {
            "cpu": statistics.median(turn[title][0] for turn in turns),
            "wall": statistics.median(turn[title][1] for turn in turns),
            "cpu_ratio": statistics.median(turn[title][0] / turn[BASE][0] for turn in turns),
            "wall_ratio": statistics.median(turn[title][1] / turn[BASE][1] for turn in turns),
        }
        for title in lines
    }


def larger() -> str:
    """What `larger_than_memory` prints."""
    command = [sys.executable, str(HERE / "larger_than_memory.py")]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return process.stdout or process.stderr[-500:]


if __name__ == "__main__":
    for title, row in cold(int(sys.argv[1]) if len(sys.argv) > 1 else 5, 100.0).items():
        print(f"{title:40} {row['cpu']:7.3f} s CPU {row['wall']:7.3f} s wall {row['wall_ratio']:6.2f} ×")
