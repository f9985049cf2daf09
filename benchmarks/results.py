"""From what a run found to RESULTS.md, results.svg and history.jsonl.

python benchmarks/results.py        write them again from the last run
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import meshes
import plot
import tables
import targets

HERE = Path(__file__).resolve().parent
Found = dict[str, Any]

_READING = (
    "Each peer runs in a process of its own, in turns, with massproof right before each of them. Times are",
    "medians; ratios are medians over such pairs, of load + compute: how many times the work of massproof,",
    "whose time holds its bounds and its proof of closedness; “with check” adds what the peer needs to say",
    "whether the mesh is closed. Files are in the page cache. *rounds* 1: only the first call, because it is",
    "slow. *peak*: resident memory above that of the idle process, a mapped file included. Errors are",
    "relative, against exact integer arithmetic on the same coordinates (`benchmarks/exact.py`).",
)


def lines(found: Found) -> list[str]:
    """The whole page."""
    machine, minutes = found["machine"], round(found["seconds"] / 60)
    quick = " QUICK=1" if found["quick"] else ""
    return [
        "# Benchmarks",
        "",
        f"A run of `make bench{quick}` on {machine['date']}, {minutes} minutes, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory']}, {machine['system']}; Python {machine['python']}, "
        f"numpy {machine['numpy']}, massproof {machine['massproof']}; load before: {machine['load']}.",
        "",
        *(
            f"The part `{part}` was measured again on {date}: `python benchmarks/mesh.py --only {part} --again`.\n"
            for part, date in found.get("again", {}).items()
        ),
        *_READING,
        "",
        "![CPU time of load + compute](results.svg)",
        "",
        *targets.table(found),
        *tables.every(found),
    ]


def write(found: Found) -> None:
    """Write the page and the plot, and add a line to the history."""
    (HERE / "RESULTS.md").write_text("\n".join(lines(found)).rstrip() + "\n")
    plot.draw(found, HERE / "results.svg")


def remember(found: Found) -> None:
    """Add a line to the history: medians of massproof, and the ratios of its peers."""
    cases = {name: case["rows"] for name, case in found["cases"].items()}
    own = {name: rows["massproof"] for name, rows in cases.items() if "cpu" in rows.get("massproof", {})}
    line = {
        **found["machine"],
        "quick": found["quick"],
        "seconds": {name: [_short(row["cpu"]), _short(row["wall"])] for name, row in own.items()},
        "ratios": {
            name: {peer: _short(row["cpu_ratio"]) for peer, row in rows.items() if row.get("cpu_ratio")}
            for name, rows in cases.items()
        },
    }
    with (HERE / "history.jsonl").open("a") as history:
        history.write(json.dumps(line, ensure_ascii=False) + "\n")


def _short(number: float) -> float:
    return float(f"{number:.4g}")


if __name__ == "__main__":
    write(json.loads((meshes.FOLDER / "results.json").read_text()))
