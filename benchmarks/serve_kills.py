"""Kill what runs operations, at random and at every write, and see that nothing is lost nor answered twice.

    python benchmarks/serve_kills.py [COUNT KILLS SEED]

At random: 200 kills over 2 000 operations, on SQLite (one process) and on PostgreSQL (two that take over from each
other). At every write: a process dies before and after each INSERT, UPDATE and DELETE, and before and after each
commit, of its own as of DBOS; another takes over. It takes minutes, and ends with 1 when anything was found.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from massproof.operations.databases import Database
from massproof.operations.durable import Durable
from massproof.operations.port import Outcome, State

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(TESTS))

import killing  # noqa: E402
import postgresql  # noqa: E402


def at_random(url, count, kills, processes, seed, folder):
    """What `killing` found."""
    command = [sys.executable, TESTS / "killing.py", url, count, kills, processes, seed, folder / "log"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    (folder / "log").unlink()
    return json.loads(done.stdout)


class Fuse:
    """Ends this process at a certain write."""

    def __init__(self, database, at):
        self._left, self._dirty, self._done = at, False, False
        for engine in (database.engine, database.synced):
            sa.event.listen(engine, "before_cursor_execute", lambda *a: self._write(a[2]))
            sa.event.listen(engine, "after_cursor_execute", lambda *a: self._write(a[2]))
            sa.event.listen(engine, "commit", lambda _: self._commit())
            sa.event.listen(engine, "checkin", lambda *_: self._committed())

    def _write(self, statement):
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE", "WITH U"):
            self._dirty = True
            self._burn()

    def _commit(self):
        if self._dirty:
            self._dirty, self._done = False, True
            self._burn()

    def _committed(self):
        if self._done:
            self._done = False
            self._burn()

    def _burn(self):
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def once(url, log, n, at):
    """Ask for one operation and wait for it, in a process that dies at a write."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        database = Database(url)
        Fuse(database, at)
        store = Durable(lambda _: (log.say("S", n), Outcome({"n": n}))[1], database, threads=1, tries=100)
        if n in log.accepted and store.get(killing.job(n).id) is None:
            log.say("LOST", n)
        store.submit(killing.job(n))
        log.say("A", n)
        found = store.wait(killing.job(n).id, 30)
        log.say("R" if found.state is State.SUCCEEDED else "FAILED", n, found.outcome.result["n"])
        store.close()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  # it ends here, and may not return into its parent
        log.say("FAILED", n, repr(error).replace(" ", "_"))
        os._exit(1)


def at_every_write(url, folder):
    """Die at the first write, at the second, … until there is none left to die at."""
    import dbos  # noqa: F401  # before the children, so that they need not

    log = killing.Log(folder / "log")
    once(url, log, 0, 0)
    start, n, twice = time.monotonic(), 0, 0
    while True:
        n += 1
        ended = once(url, log, n, n)
        log.read()
        if ended == 0:
            break
        once(url, log, n, 0)
        log.read()
        twice += log.counts["S", n] == 2
        if ended != signal.SIGKILL or log.counts["R", n] < 1 or log.counts["S", n] > 2:
            log.bad.append(f"point {n}: ended with {ended}, {log.counts['S', n]} runs")
    seconds = round(time.monotonic() - start, 1)
    return {"points": n - 1, "run twice": twice, "bad": log.bad[:9], "seconds": seconds}


def main():
    """Print what was found, a line each."""
    count, kills, seed = map(int, sys.argv[1:] or (2000, 200, 7))
    bad = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {name: f"sqlite:///{folder / name}" for name in ("random", "every")}
        places = {"SQLite": (urls, 1)}
        if not postgresql.available():
            address = stack.enter_context(postgresql.cluster())
            places["PostgreSQL"] = {name: postgresql.created(address, name) for name in urls}, 2
        for database, (place, processes) in places.items():
            for how, found in (
                ("at random", at_random(place["random"], count, kills, processes, seed, folder)),
                ("at every write", at_every_write(place["every"], folder)),
            ):
                print(database, how, json.dumps(found), flush=True)
                bad += found["bad"]
            (folder / "log").unlink()
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
