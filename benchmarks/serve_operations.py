"""How long operations take beside the work: submit → durable → result of a job that does nothing, and a repeat.

    python benchmarks/serve_operations.py [COUNT]

One client at a time, on memory, SQLite and PostgreSQL (a server of our own, which syncs as one of yours would).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from massproof.operations.databases import Database
from massproof.operations.durable import Durable
from massproof.operations.memory import Memory
from massproof.operations.port import Job, Outcome, State

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import postgresql


def job(n):
    """One of many."""
    return Job("nothing", (), {"n": n})


def run(one):
    """Nothing but the answer."""
    return Outcome({"n": one.options["n"]})


def timed(call):
    """What it returns, and the milliseconds it took."""
    start = time.perf_counter()
    found = call()
    return found, (time.perf_counter() - start) * 1000


def measured(store, count):
    """Milliseconds of each submission until its result, of each repeat, and calls of `get` a second."""
    first, again = [], []
    for n in range(count):
        one, took = timed(lambda n=n: store.wait(store.submit(job(n)).id, 60))
        assert one.state is State.SUCCEEDED
        first.append(took)
        again.append(timed(lambda n=n: store.submit(job(n)))[1])
    _, gets = timed(lambda: [store.get(one.id) for _ in range(20_000)])
    return first, again, 20_000_000 / gets


def drained(store, count):
    """Operations a second, when all are asked for at once."""

    def all_of_them():
        ids = [store.submit(job(10**6 + n)).id for n in range(count)]
        return [store.wait(id, 60) for id in ids]

    return count * 1000 / timed(all_of_them)[1]


def spread(times):
    """Median and 99th percentile."""
    ordered = sorted(times)
    return f"{statistics.median(ordered):.2f} / {ordered[len(ordered) * 99 // 100]:.2f}"


def main():
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("| database | result, ms p50 / p99 | repeat, ms p50 / p99 | get/s | submit and drain, /s |")
    print("|---|---|---|---|---|")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores = {"memory": lambda: Memory(run), "SQLite": lambda: kept(f"sqlite:///{folder / 'of.sqlite'}")}
        if not postgresql.available():
            address = stack.enter_context(postgresql.cluster(careful=True))
            stores["PostgreSQL"] = lambda: kept(postgresql.created(address, "of"))
        for name, opened in stores.items():
            store = opened()
            first, again, gets = measured(store, count)
            print(
                f"| {name} | {spread(first)} | {spread(again)} | {gets:,.0f} | {drained(store, count):,.0f} |"
            )
            store.close()


def kept(url):
    """A durable store."""
    return Durable(run, Database(url))


if __name__ == "__main__":
    main()
