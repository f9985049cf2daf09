"""Vendors' contracts and examples, where a copy of them is at hand: what our tables and readers are compared with."""

import json
import os
from pathlib import Path

import pytest

HOME = Path(os.environ.get("MASSPROOF_CONTRACTS", Path(__file__).parents[2] / "shared/contracts"))


def contract(name):
    """The JSON document `name`; the test is skipped, saying so, where there is none."""
    path = HOME / name
    if not path.exists():
        pytest.skip(f"no contracts at {HOME}: set MASSPROOF_CONTRACTS")
    return json.loads(path.read_text())


def examples(folder):
    """Every JSON document of a folder by its name."""
    if not (HOME / folder).is_dir():
        pytest.skip(f"no contracts at {HOME}: set MASSPROOF_CONTRACTS")
    return {path.name: json.loads(path.read_text()) for path in sorted((HOME / folder).glob("*.json"))}
