"""Processes that run operations are killed at any moment, and nothing is lost, nor answered twice.

`benchmarks/serve_kills.py` does the same for longer: 200 kills over 2 000 operations, and one at every write.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
