"""Every comparison; the whole run writes RESULTS.md, results.svg and a line of history.jsonl.

    python benchmarks/mesh.py                                       all of it: 30 minutes on 2 cores
    python benchmarks/mesh.py --quick                               3 minutes: fewer rounds, no 10⁷
    python benchmarks/mesh.py --only torus_1e6 --peers admesh,trimesh       one table, printed
    python benchmarks/mesh.py --only step --again                   one part anew, in the results of the last run
    python benchmarks/mesh.py --list                                what can follow --only and --peers

Files and exact answers are kept in $MASSPROOF_BENCH, a folder of the temporary one by default.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import convert
import machine
import meshes
import peers
import processes
import results
import rounds
import step
import tables

SIZES = ("torus_1e3", "torus_1e5", "torus_1e6", "many_1e6", "torus_1e7", "ascii_1e6", "obj_1e6")
BROKEN = (
    "torus_1e3",
    "facet_missing",
    "half_missing",
    "facet_flipped",
    "inside_out",
    "overlapping",
    "cavity_outward",
)
PLACES = ("torus_1e4", "moved_1e3", "moved_1e6", "tiny", "huge")
LIMITED = ("torus_1e6", "torus_1e7")  # where the machine's limit is measured beside the peers
TOPOLOGY = "topology_1e6"
OTHERS = ("broken", "accuracy", TOPOLOGY, "step", "convert", "cold", "larger")


class Run:
    """One run: which peers, how long, and what was found."""

    def __init__(self, wanted: list[str], effort: rounds.Effort) -> None:
        self.workers, self.effort, self.wanted = rounds.Workers(), effort, wanted
        self.found: dict[str, Any] = {"machine": machine.description(), "cases": {}}
        self._pace: dict[str, float] = {}  # seconds a triangle, from the largest file so far

    def peers(self, kind: str) -> list[str]:
        """Installed peers that read a kind of file."""
        names = [name for name, peer in peers.registry().items() if kind in peer.kinds]
        return [
            name for name in names if (not self.wanted or name in self.wanted) and self.workers.ready(name)
        ]

    def case(self, name: str) -> None:
        """Compare all peers on one file."""
        case, path = meshes.CASES[name], meshes.file(name)
        exact = meshes.answer(name)
        count = _count(name)
        limit = self.effort.limit_largest if count > 2e6 else self.effort.limit
        names = self.peers(case.kind) + (self.peers("limit") if name in LIMITED else [])
        slow = {n: self._pace[n] * count for n in names if self._pace.get(n, 0.0) * count >= limit}
        rows = rounds.Comparison(self.workers, path, self.effort).rows([n for n in names if n not in slow])
        for peer, row in rows.items():
            if "cpu" in row:
                row["error"] = tables.error(row["answer"], exact)
            if case.kind == "binary" and count >= 1e5:  # smaller files say nothing of larger ones
                self._pace[peer] = _seconds(row, limit) / count
        rows |= {n: {"why": f"left out: about {predicted:.0f} s"} for n, predicted in slow.items()}
        self.found["cases"][name] = {"title": case.title, "bytes": path.stat().st_size, "rows": rows}

    def once(self, key: str, names: tuple[str, ...]) -> None:
        """What each peer answers on small files, each asked once."""
        table: dict[str, dict[str, Any]] = {}
        for peer in (n for n in self.peers("binary") if peers.registry()[n].judged):
            table[peer] = {}
            for name in names:
                request = {"path": str(meshes.file(name)), "least": 0.0, "check": True, "memory": False}
                reply = self.workers.ask(peer, 60, **request)
                if "answer" in reply:
                    reply["error"] = tables.error(reply["answer"], meshes.answer(name))
                table[peer][name] = reply
        self.found[key] = {
            "names": names,
            "rows": table,
            "exact": {name: meshes.answer(name) for name in names},
        }

    def topology(self) -> None:
        """Weld, edges and bodies of 10⁶ triangles, from the file."""
        found = {}
        base, names = "massproof topology", self.peers("topology")
        for name in ("torus_1e6", "many_1e6") if self.effort is rounds.FULL else ("torus_1e6",):
            if self.workers.ready(base):
                compared = rounds.Comparison(self.workers, meshes.file(name), self.effort, base)
                found[name] = compared.rows(names)
        self.found["topology"] = found

    def step(self) -> None:
        """STEP files against OCCT."""
        quick = self.effort is rounds.QUICK
        paths = step.files()[:: 4 if quick else 1]
        self.found["step"] = step.run(self.workers, step.QUICK if quick else step.FULL, paths)

    def do(self, part: str) -> None:
        """One part of the run."""
        start = time.perf_counter()
        if part in SIZES:
            self.case(part)
        elif part == "broken":
            self.once("broken", BROKEN)
        elif part == "accuracy":
            self.once("accuracy", PLACES)
        elif part == TOPOLOGY:
            self.topology()
        elif part == "step":
            self.step()
        elif part == "convert":
            self.found["convert"] = convert.large(10)
        elif part == "cold":
            self.found["cold"] = processes.cold(min(5, self.effort.rounds), self.effort.limit)
        else:
            self.found["larger"] = processes.larger()
        print(f"{part}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


def _seconds(row: dict[str, Any], limit: float) -> float:
    """Wall time of a call with its check; what was stopped took the limit."""
    if "cpu" in row:
        return row["wall"] + (row["check"] or [0.0, 0.0])[1]
    return limit if row["why"].startswith("more than") else 0.0


def _count(name: str) -> int:
    return round(float(name.rpartition("_")[2]))


def renewed(found: dict[str, Any], parts: list[str]) -> dict[str, Any]:
    """The results of the last run, with the parts that were measured again in place of its own."""
    last: dict[str, Any] = json.loads((meshes.FOLDER / "results.json").read_text())
    for part in parts:
        home = found["cases"] if part in found["cases"] else found
        (last["cases"] if home is not found else last)[part] = home[part]
    dates = dict.fromkeys(parts, found["machine"]["date"])
    return last | {"again": last.get("again", {}) | dates}


def main() -> None:
    """Measure, then print or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="parts, separated by commas")
    parser.add_argument("--peers", default="", help="peers, separated by commas; massproof is always there")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no file of 10⁷ triangles")
    parser.add_argument(
        "--again", action="store_true", help="with --only: put the parts into the last run's results"
    )
    parser.add_argument("--list", action="store_true", help="print parts and peers")
    options = parser.parse_args()
    parts = [part for part in options.only.split(",") if part]
    wanted = [peer for peer in options.peers.split(",") if peer]
    if options.list:
        print("parts:", *SIZES, *OTHERS, "\npeers:", ", ".join(peers.registry()))
        return
    skipped = ("many_1e6", "torus_1e7", "step", "convert", "larger") if options.quick else ()
    run = Run([*wanted, rounds.BASE] if wanted else [], rounds.QUICK if options.quick else rounds.FULL)
    start = time.perf_counter()
    for part in parts or [part for part in (*SIZES, *OTHERS) if part not in skipped]:
        run.do(part)
    run.workers.end()
    run.found |= {"quick": options.quick, "seconds": time.perf_counter() - start}
    run.found |= {"versions": run.workers.versions, "missing": run.workers.missing}
    if options.again:
        run.found = renewed(run.found, parts)
    elif parts or wanted:
        print("\n".join(tables.every(run.found)))
        return
    (meshes.FOLDER / "results.json").write_text(json.dumps(run.found))
    results.write(run.found)
    if not options.again:
        results.remember(run.found)


if __name__ == "__main__":
    main()
