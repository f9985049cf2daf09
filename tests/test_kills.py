"""Processes that run operations are killed at any moment, and nothing is lost, nor answered twice.

`benchmarks/serve_kills.py` does the same for longer: 200 kills over 2 000 operations, and one at every write.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from massproof.operations.databases import Database
from massproof.operations.durable import Durable
from massproof.operations.port import Job, Outcome, State

KILLING = Path(__file__).with_name("killing.py")


@pytest.mark.parametrize(("kind", "processes"), [("sqlite", 1), ("postgresql", 2)])
def test_what_was_accepted_is_answered_once_however_often_processes_die(kind, processes, request, tmp_path):
    url = (
        request.getfixturevalue("of_postgresql")
        if kind == "postgresql"
        else f"sqlite:///{tmp_path / 'of.sqlite'}"
    )
    command = [sys.executable, KILLING, url, "60", "6", str(processes), "20", tmp_path / "log"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["bad"] == []
    assert (found["lost"], found["answers that changed"], found["last process"]) == (0, 0, 0)
    assert found["kills"] >= 6
    assert found["runs too many"] <= found["kills"] * 4  # no more than ran at once


WORKER = """
import sys, time
from massproof.operations.databases import Database
from massproof.operations.durable import Durable

def run(job):
    print("begun", flush=True)
    time.sleep(60)

store = Durable(run, Database(sys.argv[1]), threads=1)
time.sleep(60)
"""


def test_another_takes_over_from_the_dead_within_ten_seconds(of_postgresql):
    server = Durable(lambda job: None, Database(of_postgresql), threads=0)
    made = server.submit(Job("long"))
    with subprocess.Popen([sys.executable, "-c", WORKER, of_postgresql], stdout=subprocess.PIPE) as worker:
        assert worker.stdout.readline() == b"begun\n"
        other = Durable(lambda job: Outcome("done"), Database(of_postgresql), threads=1)
        assert server.get(made.id).state is State.RUNNING  # the first one lives, and is left alone
        worker.kill()
        start = time.monotonic()
        found = server.wait(made.id, 30)
        taken = time.monotonic() - start
    assert (found.state, found.outcome.result, found.attempts) == (State.SUCCEEDED, "done", 2)
    assert taken < 10
    other.close()
    server.close()
