"""Measure a binary STL of 2 GB in a process that may use 600 MB of address space beyond the mapped file.

    python benchmarks/larger_than_memory.py [million triangles]

The file is made in the temporary folder and removed afterwards. Linux and macOS.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import exact
import meshes
import processes

BEYOND = 600_000_000  # bytes, of which the interpreter, numpy and the linked kernels take more than half
STEP = Fraction(1, 1 << 16)


def measured(path: Path, allowed: int | None = None) -> dict[str, Any]:
    """What `massproof measure` says of a file, within `allowed` bytes of addresses, and how long it took."""

    def limited() -> None:
        if allowed is not None:
            resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))

    command = [*processes.own_command(), "measure", str(path), "--unit", "mm", "--json"]
    pipe = subprocess.PIPE
    start = time.perf_counter()
    process = subprocess.run(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=limited, check=False)
    if not process.stdout:
        raise SystemExit(process.stderr)
    return {"seconds": time.perf_counter() - start, **json.loads(process.stdout)}


def main() -> None:
    """Make the file, measure it, compare with the exact volume, remove it."""
    count = float(sys.argv[1]) * 1e6 if len(sys.argv) > 1 else 4e7
    blocks = meshes.torus(count)
    measured(meshes.file("torus_1e6"))  # compiles kernels, which needs more memory, once for each machine
    path = meshes.FOLDER / f"larger-{os.getpid()}.stl"
    try:
        meshes.write_binary(path, blocks(STEP), STEP)
        size = path.stat().st_size
        found = measured(path, size + BEYOND)
    finally:
        path.unlink(missing_ok=True)
    volume = found["properties"]["volume"]
    low, high = (bound * 1e9 for bound in volume["interval"])
    true = exact.volume(blocks(STEP), STEP)
    print(
        f"{count:.0f} triangles, {size / 1e9:.2f} GB; address space limited to {(size + BEYOND) / 1e9:.2f} GB"
    )
    print(f"massproof measure: {found['seconds']:.1f} s, {found['verdict']}, {volume['value'] * 1e9:.9f} mm³")
    print(f"exact: {true:.9f} mm³, {'inside' if low <= true <= high else 'OUTSIDE'} [{low:.9f}, {high:.9f}]")


if __name__ == "__main__":
    main()
