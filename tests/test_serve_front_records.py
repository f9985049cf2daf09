"""Records that are read again: kept for a second, and never older than what this process wrote."""

import time

import pytest

from massproof.operations.records import InMemory
from massproof.serving import remembering
from massproof.serving.remembering import Remembering
from massproof.serving.service import Service, Settings


class Counting(InMemory):
    """Records that say how often they were read."""

    def __init__(self):
        super().__init__()
        self.reads = 0
        self.closed = False
        self.meanwhile = lambda: None

    def get(self, space, key):
        self.reads += 1
        found = super().get(space, key)
        self.meanwhile()
        return found

    def close(self):
        self.closed = True


@pytest.fixture
def inner():
    return Counting()


@pytest.fixture
def records(inner):
    return Remembering(inner)


def test_a_record_is_read_once(records, inner):
    records.put("space", "key", {"a": [1]})
    seen = [records.get("space", "key") for _ in range(3)]
    seen[0]["a"].append(2)  # which is nobody else's

    assert seen[1:] == [{"a": [1]}] * 2
    assert inner.reads == 1
    assert records.held("space", "key") == {"a": [1]}
    assert records.held("space", "other") is None


def test_what_was_written_is_read(records):
    for value in (1, 2):
        records.put("space", "key", value)
        assert records.get("space", "key") == value
    assert records.put("space", "key", 3, once=True) is False
    assert records.get("space", "key") == 2
    assert records.delete("space", "key") is True
    assert records.get("space", "key") is None


def test_what_is_not_there_is_looked_for_again(records, inner):
    assert [records.get("space", "key") for _ in range(2)] == [None, None]
    assert inner.reads == 2


def test_what_was_read_while_another_wrote_is_not_kept(records, inner):
    records.put("space", "key", 1)
    inner.meanwhile = lambda: records.put("space", "key", 2)
    assert records.get("space", "key") == 1
    inner.meanwhile = lambda: None

    assert records.get("space", "key") == 2


def test_a_record_is_kept_for_a_while_only(records, inner, monkeypatch):
    records.put("space", "key", 1)
    records.get("space", "key")
    monkeypatch.setattr(remembering, "_HOLDS", 0.0)
    time.sleep(0.001)
    records.get("space", "key")

    assert inner.reads == 2


def test_so_many_are_kept_and_no_long_ones(records, inner, monkeypatch):
    monkeypatch.setattr(remembering, "_MOST", 2)
    for key, value in (("a", 1), ("b", 2), ("c", 3), ("long", "x" * 20_000)):
        records.put("space", key, value)
        records.get("space", key)

    assert [records.held("space", key) for key in ("a", "b", "c", "long")] == [None, 2, 3, None]


def test_all_else_is_theirs(records, inner):
    records.put("space", "key", 1)
    records.close()

    assert records.list("space") == [("key", 1)]
    assert inner.closed


@pytest.mark.parametrize("workers", [1, 2])
def test_only_a_process_that_is_alone_remembers(tmp_path, workers):
    import asyncio

    service = Service(Settings(folder=tmp_path, workers=workers))
    service.records.put("space", "key", 1)
    seen = [asyncio.run(service.record("space", key)) for key in ("key", "key", "other")]
    service.close()

    assert seen == [1, 1, None]
    assert isinstance(service.records, Remembering) is (workers == 1)
