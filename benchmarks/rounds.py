"""Peers measured in turns, each in its own process, massproof right before each of them.

A busy machine slows both halves of such a pair alike, so ratios are taken pair by pair.
"""

from __future__ import annotations

import json
import select
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

Reply = dict[str, Any]
BASE = "massproof"
WORK = ("load", "compute")


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int  # at most, for each peer
    budget: float  # seconds for each peer and case
    limit: float  # seconds that one call may take; slower peers are left out
    limit_largest: float  # the same at 10⁷ triangles


FULL = Effort(9, 4.0, 15.0, 30.0)
QUICK = Effort(3, 0.5, 4.0, 10.0)


class Workers:
    """Processes of the peers, started when first asked."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[str]] = {}
        self.versions: dict[str, str] = {}
        self.missing: dict[str, str] = {}

    def ready(self, name: str) -> bool:
        """Whether the peer is installed; starts it."""
        if name in self.missing:
            return False
        if name not in self._running:
            command = [sys.executable, str(Path(__file__).parent / "worker.py"), name]
            self._running[name] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
            first = self._reply(name, 300)
            if "version" not in first:
                self.missing[name] = first.get("missing") or first["failed"]
                self._end(name)
                return False
            self.versions[name] = first["version"]
        return True

    def ask(self, name: str, limit: float, **request: Any) -> Reply:
        """Reply of a peer, or {"failed": …} when it raises, dies or takes more than `limit` seconds."""
        if not self.ready(name):
            return {"failed": self.missing[name]}
        stdin = self._running[name].stdin
        assert stdin
        try:
            stdin.write(json.dumps(request) + "\n")
        except BrokenPipeError:
            self._end(name)
            return {"failed": "the process died"}
        return self._reply(name, limit)

    def _reply(self, name: str, limit: float) -> Reply:
        stdout = self._running[name].stdout
        assert stdout
        if not select.select([stdout], [], [], limit)[0]:
            self._end(name)
            return {"failed": f"more than {limit:.0f} s"}
        line = stdout.readline()
        if line:
            return json.loads(line)
        self._end(name)
        return {"failed": "the process died"}

    def _end(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process:
            process.kill()
            process.wait()

    def end(self) -> None:
        """End all of them."""
        for name in list(self._running):
            self._end(name)


def seconds(reply: Reply, clock: int, *steps: str) -> float:
    """CPU (clock 0) or wall (1) time of some steps of a reply."""
    return sum(reply[step][clock] for step in steps if reply.get(step))


class Row:
    """What one peer needed for one file."""

    def __init__(self, first: Reply, base: Reply) -> None:
        self.first, self._first_pair = first, (first, base)
        self.pairs: list[tuple[Reply, Reply]] = []

    def rounds_left(self, effort: Effort, largest: bool) -> int:
        """How often it pays to ask again: a slow peer's first call has to do."""
        wall = seconds(self.first, 1, *WORK, "check")
        return min(effort.rounds, int(effort.budget * (2 if largest else 1) / max(wall, 1e-3)))

    def summary(self) -> dict[str, Any]:
        """Medians, and the ratios of pairs."""
        pairs = self.pairs or [self._first_pair]
        found: dict[str, Any] = {"rounds": len(pairs)}
        for step in (*WORK, "check"):
            values = [peer[step] for peer, _ in [*pairs, self._first_pair] if peer.get(step)][: len(pairs)]
            found[step] = [statistics.median(v[k] for v in values) for k in (0, 1)] if values else None
        for clock, word in ((0, "cpu"), (1, "wall")):
            times = [(seconds(peer, clock, *WORK), seconds(base, clock, *WORK)) for peer, base in pairs]
            found[word] = statistics.median(own for own, _ in times)
            found[f"{word}_best"] = min(own for own, _ in times)
            ratios = [own / base for own, base in times if base]
            found[f"{word}_ratio"] = statistics.median(ratios) if ratios else None
        if found["check"] and found["cpu_ratio"]:
            base = statistics.median(seconds(base, 0, *WORK) for _, base in pairs)
            found["checked_ratio"] = found["cpu_ratio"] + found["check"][0] / base
        kept = ("answer", "closed", "says", "peak", "private")
        return found | {key: self.first[key] for key in kept if key in self.first}


class Comparison:
    """Peers against `base` on one file."""

    def __init__(self, workers: Workers, path: Path, effort: Effort, base: str = BASE) -> None:
        self._workers, self._effort, self._base = workers, effort, base
        # Above this size one call may take `limit_largest`; below 20 MB a call is too short for the clock.
        self._largest = path.stat().st_size > 300_000_000
        self._limit = effort.limit_largest if self._largest else effort.limit
        least = 0.03 if path.stat().st_size < 20_000_000 else 0.0
        self._timed = {"path": str(path), "least": least, "memory": False}
        self._first = self._timed | {"least": 0.0, "memory": True, "check": True}

    def rows(self, names: list[str]) -> dict[str, dict[str, Any]]:
        """Rows of the peers `names` and of `base`; a peer without numbers says why."""
        found: dict[str, dict[str, Any]] = {}
        rows: dict[str, Row] = {}
        for name in dict.fromkeys([self._base, *names]):
            first, before = self._introduced(name)
            if "failed" in first:
                found[name] = {"why": first["failed"]}
            else:
                rows[name] = Row(first, before)
        self._take_turns(rows)
        return {name: rows[name].summary() if name in rows else found[name] for name in [*rows, *found]}

    def _introduced(self, name: str) -> tuple[Reply, Reply]:
        """The first call of a peer, with its memory, and the call of the base before it."""
        if name.startswith(BASE):  # what is compiled once for each machine is not timed
            self._workers.ask(name, 600, **self._timed, check=True)
        before = self._workers.ask(self._base, self._limit, **self._timed, check=False)
        return self._workers.ask(name, self._limit, **self._first), before

    def _take_turns(self, rows: dict[str, Row]) -> None:
        left = {name: row.rounds_left(self._effort, self._largest) for name, row in rows.items()}
        quick = {name: seconds(row.first, 1, "check") < 2.0 for name, row in rows.items()}
        own: list[Reply] = []
        for turn in range(self._effort.rounds):
            for name in (n for n, rounds in left.items() if rounds > turn and n != self._base):
                before = self._workers.ask(self._base, self._limit, **self._timed, check=False)
                reply = self._workers.ask(name, self._limit, **self._timed, check=quick[name])
                if "failed" not in reply:
                    rows[name].pairs.append((reply, before))
                    own.append(before)
        if self._base in rows:
            rows[self._base].pairs = [(reply, reply) for reply in own]
