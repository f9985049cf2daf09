"""STEP files: massproof's native integration against OCCT, file by file; the tokenizer; whole commands.

    python benchmarks/step.py                   all of it: 5 minutes on 2 cores with the corpus, printed
    python benchmarks/step.py --quick           every fourth file, once
    python benchmarks/step.py --files nist      those whose path holds a word

The files are those of the corpus, in $MASSPROOF_CORPUS or ../shared/corpus, or else of data/. OCCT reads, transfers
and integrates with its defaults, which are off by up to 2 % on spline faces; how far is said by its own integration
at two high accuracies, which each file is asked for once and which is not timed against anything.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import processes
import rounds

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("MASSPROOF_CORPUS", ROOT.parent / "shared/corpus")) / "files/step"
FULL = rounds.Effort(3, 1.5, 30.0, 30.0)
QUICK = rounds.Effort(1, 0.5, 10.0, 10.0)
DEFAULT, CAREFUL = "ocp step", "ocp step careful"
_SHELL_SIZE = 200_000  # bytes of the file for whole commands
_LARGE = 100_000  # bytes from which on reading outweighs what every measurement costs
_LEAST_TOKENS = 20_000_000  # bytes that the tokenizer is timed over
_CADQUERY = """
import sys, cadquery
shape = cadquery.importers.importStep(sys.argv[1]).combine().val()
print(shape.Volume(), shape.Area(), shape.Center(), cadquery.Shape.matrixOfInertia(shape), shape.BoundingBox())
"""


def files(word: str = "") -> list[Path]:
    """What is measured."""
    folder = CORPUS if CORPUS.exists() else ROOT / "data"
    return sorted(path for path in folder.rglob("*.st*p") if word in str(path))


def run(workers: rounds.Workers, effort: rounds.Effort, paths: list[Path]) -> dict[str, Any]:
    """Everything that is told of STEP."""
    compared = [_file(workers, effort, path) for path in paths]
    rows = [row for row in compared if "refused" not in row]
    size = min(paths, key=lambda path: abs(path.stat().st_size - _SHELL_SIZE))
    return {
        "rows": rows,
        "refused": [row for row in compared if "refused" in row],
        "tokens": tokens(max(paths, key=lambda path: path.stat().st_size)),
        "shell": shell(size, 3 if effort is QUICK else 5),
        "corpus": CORPUS.exists(),
    }


def _file(workers: rounds.Workers, effort: rounds.Effort, path: Path) -> dict[str, Any]:
    """One row of the table."""
    names = [DEFAULT] if workers.ready(DEFAULT) else []
    found = rounds.Comparison(workers, path, effort).rows(names)
    own = found[rounds.BASE]
    name = str(path.relative_to(CORPUS if CORPUS.exists() else ROOT))
    if "cpu" not in own:
        return {"file": name, "refused": own["why"]}
    row = {"file": name, "bytes": path.stat().st_size, "own": own, **contents(path)}
    if names:
        row["occt"] = found[DEFAULT]
        request = {"path": str(path), "least": 0.0, "check": False, "memory": False}
        row["careful"] = workers.ask(CAREFUL, effort.limit, **request)
    return row


def contents(path: Path) -> dict[str, Any]:
    """Faces by kind, solids, and how many of each were integrated natively."""
    from massproof import brep, engines, stepfile

    model = stepfile.read(path.read_bytes())
    found = engines.integrate(model)
    fallen = {n for code, _, evidence in found.notes if code == "fallback-occt" for n in evidence["numbers"]}
    solid = any(one.part.kind != "surface" for one in model.parts)
    names = {brep.SPLINE: "spline"} | {
        getattr(brep, name.upper()): name
        for name in ("plane", "cylinder", "cone", "sphere", "torus", "extrusion", "revolution", "offset")
    }
    counts: dict[str, int] = {}
    solids = faces = native_solids = native_faces = 0
    for one in model.parts:
        if (one.part.kind != "surface") == solid:
            shells = [shell for shell, _ in one.shells if shell >= 0]
            members = [model.shapes.shell_faces[a : a + n, 0] for a, n, _ in model.shapes.shells[shells]]
            rows = np.concatenate([np.zeros(0, np.int64), *members])
            surfaces = model.shapes.faces[rows[rows >= 0], 0]
            for kind in model.shapes.surfaces[surfaces[surfaces >= 0], 0].tolist():
                counts[names[kind]] = counts.get(names[kind], 0) + 1
            native = one.part.number not in fallen
            solids, native_solids = solids + 1, native_solids + native
            faces, native_faces = faces + len(rows), native_faces + native * len(rows)
    return {
        "kinds": counts,
        "solids": [native_solids, solids],
        "faces": [native_faces, faces],
    }


def tokens(path: Path) -> dict[str, Any]:
    """Bytes a second of tokens, index of instances, references and types, on one core; the best of several."""
    from massproof import part21

    data, times, total = path.read_bytes(), [], 0
    while total < _LEAST_TOKENS or len(times) < 5:
        start = time.process_time()
        part21.read(data)
        times.append(time.process_time() - start)
        total += len(data)
    speeds = [len(data) / seconds / 1e6 for seconds in times]
    return {"file": path.name, "bytes": len(data), "median": statistics.median(speeds), "best": max(speeds)}


def shell(path: Path, turns: int) -> dict[str, Any]:
    """Whole commands in turns: massproof, and a CadQuery script that asks for the same."""
    ours = [*processes.own_command(), "measure", str(path), "--json"]
    theirs = [sys.executable, "-c", _CADQUERY, str(path)]
    first = [processes.run(line) for line in (ours, theirs)]  # brings files to memory and compiles kernels
    pairs = [(processes.run(ours), processes.run(theirs)) for _ in range(turns)]
    if first[1][1] < 0.2 or not _imports("cadquery"):
        return {}
    return {
        "file": path.name,
        "bytes": path.stat().st_size,
        "own": [statistics.median(own[k] for own, _ in pairs) for k in (0, 1)],
        "cadquery": [statistics.median(other[k] for _, other in pairs) for k in (0, 1)],
        "ratio": [statistics.median(other[k] / own[k] for own, other in pairs) for k in (0, 1)],
    }


def _imports(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


def summary(found: dict[str, Any]) -> dict[str, float]:
    """What the targets are about."""
    rows = found["rows"]
    pairs = [(r["own"]["cpu"], r["occt"]["cpu"], r["occt"]["cpu_ratio"]) for r in rows if _timed(r)]
    numbers = {
        "faces": 100 * sum(r["faces"][0] for r in rows) / max(1, sum(r["faces"][1] for r in rows)),
        "solids": 100 * sum(r["solids"][0] for r in rows) / max(1, sum(r["solids"][1] for r in rows)),
        "tokens": found["tokens"]["median"],
    }
    if pairs:
        ratios = [ratio for _, _, ratio in pairs]
        numbers |= {"median": statistics.median(ratios), "worst": min(ratios)}
        large = [r["occt"]["cpu_ratio"] for r in rows if _timed(r) and r["bytes"] >= _LARGE]
        numbers |= {"large": statistics.median(large)} if large else {}
        numbers["sum"] = sum(theirs for _, theirs, _ in pairs) / sum(own for own, _, _ in pairs)
    if found["shell"]:
        numbers["shell"] = found["shell"]["ratio"][1]
    return numbers


def _timed(row: dict[str, Any]) -> bool:
    """Whether both were timed on a file, and ours was all native: a worker's time is not ours to see."""
    return row.get("occt", {}).get("cpu_ratio") is not None and row["solids"][0] == row["solids"][1]


def apart(row: dict[str, Any], other: dict[str, Any] | None) -> float | None:
    """Relative difference of a volume from ours."""
    ours, theirs = row["own"]["answer"]["volume"], ((other or {}).get("answer") or {}).get("volume")
    return abs(theirs / ours - 1) if ours and theirs else None


def within(row: dict[str, Any]) -> bool | None:
    """Whether the careful volume and ours are no further apart than both intervals allow."""
    ours, theirs = row["own"]["answer"], (row.get("careful") or {}).get("answer") or {}
    if not ours.get("half") or theirs.get("volume") is None:
        return None
    return abs(ours["volume"] - theirs["volume"]) <= ours["half"] + theirs["half"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", default="", help="only files whose path holds this")
    parser.add_argument("--quick", action="store_true", help="every fourth file, once")
    options = parser.parse_args()
    import tables
    import targets

    paths = files(options.files)[:: 4 if options.quick else 1]
    workers, start = rounds.Workers(), time.perf_counter()
    found = {"cases": {}, "step": run(workers, QUICK if options.quick else FULL, paths)}
    workers.end()
    print("\n".join([*targets.table(found), *tables.step(found)]))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
