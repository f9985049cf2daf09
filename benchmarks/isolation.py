"""A confined process for each call against one that is kept: what Open CASCADE is asked through, in turns.

python benchmarks/isolation.py [folder of STEP files] [how many of them]
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import massproof as mp
from massproof import isolation

ROUNDS = 50
POOLS = {way: isolation._Pool(way) for way in (isolation.CONFINED, isolation.PROCESS)}


def timed(way: str, work: Callable[[], object]) -> tuple[float, object]:
    """Seconds that some work takes one way, and what it gives."""
    isolation._POOL = POOLS[way]
    start = time.perf_counter()
    try:
        found = work()
    except mp.MassproofError as error:
        found = str(error)
    return time.perf_counter() - start, found


def told(title: str, seconds: list[float]) -> None:
    """One line of milliseconds."""
    ms = sorted(1e3 * one for one in seconds)
    print(f"{title:42s} p50 {statistics.median(ms):8.1f}  p10 {ms[5]:8.1f}  p90 {ms[-6]:8.1f} ms")


def processor(way: str) -> float:
    """Seconds of processors that the processes of a way have taken, their children included, not this one."""
    pool = POOLS[way]
    owner = pool._zygote or next(iter(pool._workers._idle), None)
    if owner is None or not Path("/proc/self/stat").exists():
        return 0.0
    fields = Path(f"/proc/{owner._process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def volume(path: Path) -> object:
    """What is measured of a file by Open CASCADE."""
    found = mp.measure(path, engine="occt", unit="mm")
    return found.volume and found.volume.value, found.area and found.area.value


def main() -> None:
    """Calls that do nothing, small files, and real ones."""
    from massproof.occt_warm import ball

    small = ball()
    cases: dict[str, Callable[[], object]] = {
        "nothing": lambda: isolation.call("massproof.occt:ready", b""),
        "integrals of a ball": lambda: isolation.call(
            "massproof.occt:parts", small, wanted=[[[20], [19], []]]
        ),
        "measure(ball, engine='occt')": lambda: mp.measure(small, format="step", engine="occt").volume.value,
    }
    for way in POOLS:
        print(f"{'the first call, ' + way:42s} {timed(way, cases['nothing'])[0]:8.2f} s")
        print(f"{'the first file, ' + way:42s} {timed(way, cases['integrals of a ball'])[0]:8.2f} s")
    for title, work in cases.items():
        taken: dict[str, list[float]] = {way: [] for way in POOLS}
        before = {way: processor(way) for way in POOLS}
        for _ in range(ROUNDS):
            for way in POOLS:
                taken[way].append(timed(way, work)[0])
        for way, seconds in taken.items():
            told(f"{title}, {way}", seconds)
            print(f"{'':42s} of processors {1e3 * (processor(way) - before[way]) / ROUNDS:8.1f} ms a call")
    if len(sys.argv) > 1:
        real_files(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 38)
    for pool in POOLS.values():
        pool.end()


def real_files(folder: Path, count: int) -> None:
    """Files of a folder, of all sizes up to 2 MB, both ways."""
    paths = [path for path in folder.rglob("*") if path.suffix.lower() in (".step", ".stp")]
    paths = sorted(
        (path for path in paths if path.stat().st_size < 2 << 20), key=lambda path: path.stat().st_size
    )
    chosen = paths[:: max(1, len(paths) // count)][:count]
    total, same = dict.fromkeys(POOLS, 0.0), 0
    for n, path in enumerate(chosen):
        answers = []
        for way in POOLS if n % 2 else reversed(POOLS):
            seconds, found = timed(way, lambda path=path: volume(path))
            total[way] += seconds
            answers.append(found)
        same += answers[0] == answers[1]
        if answers[0] != answers[1]:
            print(path, answers)
    print(
        f"{len(chosen)} files, {sum(path.stat().st_size for path in chosen) / 1e6:.1f} MB, {same} with equal answers"
    )
    for way, seconds in total.items():
        print(f"{'all of them, ' + way:42s} {seconds:8.2f} s")


if __name__ == "__main__":
    main()
