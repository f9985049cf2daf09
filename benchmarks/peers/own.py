"""massproof itself: what a user calls, and the kernel below it."""

# ruff: noqa: D102 - the methods are those of Peer
from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from peers import Answer, Peer, answer


class Massproof(Peer):
    """`massproof.measure`: reads and integrates in one pass, so there is nothing to time apart."""

    name, package = "massproof", "massproof"
    kinds = ("binary", "ascii", "obj", "step")
    note = 'all of `measure(path, check="closed")`: bounds and proof of closedness'
    options: ClassVar[dict[str, Any]] = {"check": "closed"}

    def __init__(self) -> None:
        import massproof

        self._measure = massproof.measure

    def load(self, path: str) -> Any:
        return path

    def properties(self, loaded: Any) -> Answer:
        unit = None if loaded.endswith((".step", ".stp")) else "mm"
        self._found = found = self._measure(loaded, unit=unit, density="1 kg/mm^3", **self.options)
        area = found.area.to("mm^2").value
        if found.volume is None:
            return answer(None, area)
        tensor = found.inertia
        entries = [getattr(tensor, k).to("kg*mm^2").value for k in ("xx", "yy", "zz", "xy", "yz", "zx")]
        centre, volume = found.center_of_mass.to("mm"), found.volume.to("mm^3")
        half = (volume.interval[1] - volume.interval[0]) / 2
        return {**answer(volume.value, area, centre), "inertia": entries, "half": half}

    def closed(self, loaded: Any) -> bool | None:
        return self._found.volume is not None

    def says(self) -> str:
        """Verdict and findings of the last answer."""
        codes = ", ".join(finding.code for finding in self._found.findings)
        return ": ".join([self._found.verdict, *([codes] if codes else [])])


class MassproofFull(Massproof):
    """`massproof.measure` with everything it checks."""

    name = "massproof full"
    note = '`check="full"`: also bodies, overlap, self-intersection'
    kinds = ("binary",)
    options: ClassVar[dict[str, Any]] = {"check": "full"}


class Kernel(Peer):
    """Map the file and scan it: what the machine code alone takes."""

    name, package, kinds = "massproof kernel", "massproof", ("binary",)
    note = "map and scan alone"
    judged = False
    threads = 0

    def __init__(self) -> None:
        from massproof.kernels import scan

        self._scan = scan.scan_records

    def load(self, path: str) -> Any:
        with Path(path).open("rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ), np.uint8)

    def properties(self, loaded: Any) -> Answer:
        origin = loaded[96:108].view(np.float32).astype(np.float64)
        count = (len(loaded) - 84) // 50
        self._found = found = self._scan(loaded, 96, count, origin, self.threads)
        _, _, _, area, _, _, _, one, *rest = found.sums.tolist()
        centre = np.array(rest[:3]) / one
        xx, yy, zz, xy, yz, zx = rest[3:]
        second = np.array([[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]]) - one * np.outer(centre, centre)
        return answer(one, area, centre + origin, np.trace(second) * np.eye(3) - second)

    def closed(self, loaded: Any) -> bool | None:
        return self._found.fingerprint == (0, 0)


class KernelOneThread(Kernel):
    """The same on one thread."""

    name, threads, note = "massproof kernel 1 thread", 1, "map and scan alone, on one thread"
    judged = False


class _Sum(Peer):
    """What reading costs: adding up the mapped bytes of the same file, eight at a time."""

    package, kinds, tests_closed = "numpy", ("limit",), False
    threads = 1

    def load(self, path: str) -> Any:
        with Path(path).open("rb") as file:
            words = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        return np.frombuffer(words, "<u8", count=len(words) // 8)

    def properties(self, loaded: Any) -> Answer:
        self._add(loaded)
        return answer(None)

    def _add(self, words: np.ndarray) -> None:
        from concurrent.futures import ThreadPoolExecutor

        if self.threads == 1:
            words.sum()
            return
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(np.sum, np.array_split(words, 16 * self.threads)))


class SumMapped(_Sum):
    """On one thread."""

    name, note = "sum of mapped bytes", "fresh mapping, 1 thread"


class SumMappedThreads(_Sum):
    """On every core."""

    name, note = "sum of mapped bytes all cores", "fresh mapping, a thread for each core"
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class SumMemory(_Sum):
    """The same bytes in memory: what is left when the file is not mapped anew."""

    name, note = "sum of bytes in memory", "read before, 1 thread"

    def load(self, path: str) -> Any:
        if getattr(self, "_path", None) != path:
            self._path, self._kept = path, np.fromfile(path, "<u8", count=Path(path).stat().st_size // 8)
        return self._kept


class SumMemoryThreads(SumMemory, SumMappedThreads):
    """On every core."""

    name, note = "sum of bytes in memory all cores", "read before, a thread for each core"
