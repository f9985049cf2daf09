"""Processes that run operations and are killed, again and again; what became of the operations.

    killing.py URL COUNT KILLS PROCESSES SEED LOG

One process imports everything and forks the others, so that each lives within milliseconds. It prints what it found as
JSON. A process writes to the log, in single writes that survive it: `A n`, operation n was accepted; `S n`, it was
begun, `E n`, its job is done; `R n run`, its answer, and which run made it; `LOST n`, `CHANGED n`: what must not be.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from massproof.operations.databases import Database
from massproof.operations.durable import Durable
from massproof.operations.port import Job, Outcome, State

PATIENCE = 60.0  # seconds for the last process to finish everything


class Log:
    def __init__(self, path):
        self._path, self._read = path, 0
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.counts, self.accepted, self.answers, self.bad = Counter(), set(), {}, []

    def say(self, *words):
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())

    def grown(self, lines, patience=2.0):
        """Wait until about so many more lines were said, or none for some time."""
        size = Path(self._path).stat().st_size
        goal, end = size + 7 * lines, time.monotonic() + patience
        while size < goal and time.monotonic() < end:
            time.sleep(0.001)
            before, size = size, Path(self._path).stat().st_size
            end = time.monotonic() + patience if size > before else end

    def read(self):
        """Take in what was said since."""
        with Path(self._path).open() as file:
            file.seek(self._read)
            for line in file:
                what, n, *more = line.split()
                self.counts[what, int(n)] += 1
                if what == "A":
                    self.accepted.add(int(n))
                elif what == "R":
                    if self.answers.setdefault(int(n), more[0]) != more[0]:
                        self.bad.append(line.strip())
                elif what in ("LOST", "CHANGED", "FAILED"):
                    self.bad.append(line.strip())
            self._read = file.tell()


def job(n):
    return Job("killed", (), {"n": n})


def live(url, count, share, log, last, threads=4):
    """One process's life: see that all is there, ask for some more, and work."""

    def run(one):
        n = one.options["n"]
        log.say("S", n)
        time.sleep(n % 9 / 1000)
        log.say("E", n)
        return Outcome({"n": n, "run": os.urandom(8).hex()})

    store = Durable(run, Database(url), threads=threads, tries=10**6)
    numbers = {job(n).id: n for n in range(count)}
    there = {numbers[one.id]: one for one in store.list(limit=count)}
    for n in log.accepted - set(there):
        log.say("LOST", n)
    _compare(there, log)
    todo = [n for n in range(count) if n not in log.accepted]
    start = 0 if last else os.getpid() % max(1, len(todo))  # so that two do not always ask for the same
    for n in todo if last else (todo[start:] + todo[:start])[:share]:
        store.submit(job(n))
        log.say("A", n)
    if last:
        ended = {n: store.wait(id, PATIENCE) for id, n in numbers.items()}
        _compare(ended, log)
        for n, one in ended.items():
            if one.state is not State.SUCCEEDED or one.outcome.result["n"] != n:
                log.say("FAILED", n, one.state)
        store.close()
    else:
        time.sleep(60)


def _compare(operations, log):
    for n, one in operations.items():
        if one.state is State.SUCCEEDED:
            run = one.outcome.result["run"]
            if n not in log.answers:
                log.say("R", n, run)
            elif log.answers[n] != run:
                log.say("CHANGED", n)
        elif n in log.answers:
            log.say("CHANGED", n)


def born(*arguments):
    """A child that lives, and ends with 0 if nobody kills it."""
    child = os.fork()
    if child:
        return child
    try:
        live(*arguments)
        os._exit(0)
    except BaseException:  # noqa: BLE001  # it ends here, and may not return into its parent
        traceback.print_exc()
        os._exit(1)


def main(url, count, kills, processes, seed, path):
    import dbos  # noqa: F401  # before the children, so that they need not

    dice, log, start = random.Random(seed), Log(path), time.monotonic()
    share = -(-4 * count // max(1, kills))
    children, done, worst = {}, 0, []
    while done < kills:
        while len(children) < processes:
            log.read()
            children[born(url, count, share, log, False)] = time.monotonic()
        if dice.random() < 0.25:
            time.sleep(dice.uniform(0, 0.4))  # while they begin and recover
        else:
            log.grown(dice.randint(1, 12 * count // max(1, kills)))
        child = dice.choice(sorted(children))
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            worst.append(f"a process ended by itself: {status}")
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        del children[child]
        done += 1
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    log.read()
    before, asked = time.monotonic(), len(log.accepted)
    _, status = os.waitpid(born(url, count, share, log, True), 0)
    log.read()
    runs = Counter(n for (what, n), many in log.counts.items() if what == "S" for _ in range(many))
    found = {
        "operations": count,
        "kills": done + len(children),
        "asked for before the last kill": asked,
        "lost": sum(what == "LOST" for what, _ in log.counts) + count - len(log.answers),
        "answers that changed": len(log.bad),
        "run more than once": sum(many > 1 for many in runs.values()),
        "runs at most": max(runs.values()),
        "runs too many": sum(runs.values()) - len(runs),
        "last process": status,
        "bad": (log.bad + worst)[:9],
        "seconds": round(time.monotonic() - start, 1),
        "seconds of the last": round(time.monotonic() - before, 1),
    }
    print(json.dumps(found))  # noqa: T201  # it is a program


if __name__ == "__main__":
    url, count, kills, processes, seed, path = sys.argv[1:]
    main(url, int(count), int(kills), int(processes), int(seed), path)
