"""What every store of operations does, and every store of records: one set of laws for all that there are."""

from __future__ import annotations

import threading
import time

import pytest

from massproof.blobs import Blobs
from massproof.errors import InputError, MissingExtra, UsageError
from massproof.operations import databases, durable, expiry, jobs, presence, stores, workflows
from massproof.operations.databases import Database
from massproof.operations.durable import Durable
from massproof.operations.memory import Memory
from massproof.operations.port import Failure, Job, Operation, Outcome, State
from massproof.operations.recent import Recent
from massproof.operations.records import InMemory, following
from massproof.operations.sql_records import InDatabase
from massproof.operations.tables import Table

LONG = 20.0  # seconds: more than anything here takes


class Kept:
    """A place that stores are opened in, one at a time."""

    def __init__(self, kind, url):
        self.kind, self.url, self.runs, self.open = kind, url, [], []
        self.gate = threading.Event()  # what a job "held" waits for
        self.entered = threading.Event()

    def run(self, job):
        self.runs.append(job.id)
        if job.kind == "held":
            self.entered.set()
            assert self.gate.wait(LONG)
        if job.kind == "failing":
            raise InputError("no file is kept here any more; upload it again")
        if job.kind == "broken":
            raise MemoryError
        if job.kind == "odd":
            raise ZeroDivisionError("division by zero")
        if job.kind == "unsayable":
            return Outcome(object())
        return Outcome({"n": job.options.get("n"), "text": "ß\0"}, {"a.txt": "0" * 64})

    def store(self, run=None, **options):
        """Another process's view, were it one: what was open is closed."""
        self.close()
        if self.kind == "memory":
            options.pop("keep_seconds", None)
            made = Memory(run or self.run, **options)
        else:
            made = Durable(run or self.run, Database(self.url), **options)
        self.open.append(made)
        return made

    def close(self):
        self.gate.set()
        while self.open:
            self.open.pop().close()
        self.gate.clear()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def kept(request, tmp_path):
    yield from _kept(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def durably(request, tmp_path):
    yield from _kept(request.param, request, tmp_path)


@pytest.fixture
def embedded(request, tmp_path):
    yield from _kept("sqlite", request, tmp_path)


@pytest.fixture
def shared(request, tmp_path):
    yield from _kept("postgresql", request, tmp_path)


def _kept(kind, request, folder):
    url = request.getfixturevalue("of_postgresql") if kind == "postgresql" else f"sqlite:///{folder / 'of.sqlite'}"
    place = Kept(kind, url)
    yield place
    place.close()


def job(n=0, kind="plain", **options):
    return Job(kind, ("1" * 64,), {"n": n, **options})


def until(what, seconds=LONG):
    """Wait for a thing to be so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


# Operations.


def test_a_job_is_answered_once_and_the_answer_is_kept(kept):
    store = kept.store()
    before = time.time()
    made = store.submit(job(7))
    assert (made.id, made.state) == (job(7).id, State.QUEUED)
    found = store.wait(made.id, LONG)
    assert found.state is State.SUCCEEDED
    assert found.outcome == Outcome({"n": 7, "text": "ß\0"}, {"a.txt": "0" * 64})
    assert found.job == job(7)
    assert (found.attempts, found.failure) == (1, None)
    assert before <= found.created <= found.started <= found.ended <= found.updated <= time.time()
    assert store.submit(job(7)) == store.get(made.id) == found
    assert kept.runs == [made.id]


def test_what_was_never_asked_for_is_none(kept):
    store = kept.store()
    assert store.get("0" * 32) is None
    assert store.wait("0" * 32, LONG) is None
    assert store.cancel("0" * 32) is None
    assert store.list() == []


def test_the_newest_come_first_by_kind_and_state_and_time(kept):
    store = kept.store()
    for n, kind in enumerate(["plain", "failing", "plain", "failing"]):
        store.wait(store.submit(job(n, kind)).id, LONG)
    assert [one.job.options["n"] for one in store.list()] == [3, 2, 1, 0]
    assert [one.job.options["n"] for one in store.list(limit=2)] == [3, 2]
    assert [one.job.options["n"] for one in store.list(kind="plain")] == [2, 0]
    assert [one.job.options["n"] for one in store.list(state=State.FAILED)] == [3, 1]
    assert store.list(state=State.FAILED, kind="plain") == []
    oldest = store.list()[-1]
    assert store.list(before=oldest.created) == []
    assert store.list(before=oldest.created + 1e-6 * 1e6) == store.list()


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [("failing", "unreadable", "upload it again"), ("odd", "INTERNAL", "ZeroDivisionError"), ("unsayable", "INTERNAL", "JSON")],
)
def test_a_failure_is_kept_with_its_code_and_not_tried_again(kept, kind, code, words):
    if kind == "unsayable" and kept.kind == "memory":
        kind, code, words = "failing", "unreadable", "kept here"  # nothing is said in JSON there
    store = kept.store()
    found = store.wait(store.submit(job(1, kind)).id, LONG)
    assert (found.state, found.failure.code) == (State.FAILED, code)
    assert words in found.failure.message
    assert found.outcome == Outcome()
    assert store.submit(job(1, kind)) == found
    assert len(kept.runs) == 1


def test_a_failure_that_may_pass_is_tried_again_when_it_is_asked_for(kept):
    store = kept.store()
    found = store.wait(store.submit(job(1, "broken")).id, LONG)
    assert (found.state, found.failure.code, found.attempts) == (State.FAILED, "OUT_OF_MEMORY", 1)
    again = store.submit(job(1, "broken"))
    assert (again.state, again.attempts, again.failure) == (State.QUEUED, 1, None)
    assert store.wait(again.id, LONG).attempts == 2
    assert len(kept.runs) == 2


def test_what_takes_too_long_times_out_and_its_late_answer_is_dropped(kept):
    store = kept.store(job_seconds=0.2, threads=1)
    made = store.submit(job(1, "held"))
    found = store.wait(made.id, LONG)
    assert (found.state, found.failure.code) == (State.TIMED_OUT, "WALL_CLOCK")
    assert "0.2 s" in found.failure.message
    kept.gate.set()
    assert store.wait(store.submit(job(2)).id, LONG).state is State.SUCCEEDED  # its place is free
    assert store.get(made.id) == found == store.submit(job(1, "held"))


def test_no_more_run_at_once_than_there_are_threads(kept):
    store = kept.store(threads=2)
    ids = [store.submit(job(n, "held")).id for n in range(4)]
    until(lambda: len(kept.runs) == 2)
    assert [store.get(id).state for id in ids].count(State.RUNNING) == 2
    assert store.wait(ids[3], 0.1).state is State.QUEUED
    kept.gate.set()
    assert {store.wait(id, LONG).state for id in ids} == {State.SUCCEEDED}


def test_what_waits_is_cancelled_and_never_runs(kept):
    store = kept.store(threads=1)
    first = store.submit(job(1, "held"))
    second = store.submit(job(2))
    assert kept.entered.wait(LONG)
    cancelled = store.cancel(second.id)
    assert cancelled.state is State.CANCELLED
    assert cancelled.ended is not None
    kept.gate.set()
    assert store.wait(first.id, LONG).state is State.SUCCEEDED
    assert store.wait(store.submit(job(3)).id, LONG).state is State.SUCCEEDED
    assert second.id not in kept.runs
    assert store.cancel(first.id) == store.get(first.id)  # it has ended, and stays as it is


def test_what_runs_is_cancelled_and_its_answer_is_dropped(kept):
    store = kept.store(threads=1)
    made = store.submit(job(1, "held"))
    assert kept.entered.wait(LONG)
    waited = []
    waiter = threading.Thread(target=lambda: waited.append(store.wait(made.id, LONG)))
    waiter.start()
    assert store.cancel(made.id).state is State.CANCELLED
    waiter.join(LONG)
    assert waited[0].state is State.CANCELLED
    assert store.wait(store.submit(job(2)).id, LONG).state is State.SUCCEEDED
    again = store.submit(job(1, "held"))
    assert again.state is State.QUEUED
    kept.gate.set()
    found = store.wait(made.id, LONG)
    assert (found.state, found.attempts) == (State.SUCCEEDED, 2)


def test_many_ask_for_the_same_and_it_runs_once(kept):
    store = kept.store(threads=2)
    answers = []

    def ask():
        answers.append(store.wait(store.submit(job(1)).id, LONG))

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for one in askers:
        one.start()
    for one in askers:
        one.join()
    assert {one.state for one in answers} == {State.SUCCEEDED}
    assert len(kept.runs) == 1


def test_a_wait_ends_at_once_when_the_work_does(kept):
    store = kept.store()
    made = store.submit(job(1, "held"))
    assert kept.entered.wait(LONG)
    threading.Timer(0.1, kept.gate.set).start()
    start = time.monotonic()
    assert store.wait(made.id, LONG).state is State.SUCCEEDED
    assert time.monotonic() - start < 1.0


def test_closing_finishes_what_runs(kept):
    store = kept.store()
    made = store.submit(job(1, "held"))
    assert kept.entered.wait(LONG)
    threading.Timer(0.1, kept.gate.set).start()
    kept.open.clear()
    store.close()
    if kept.kind == "memory":
        assert store.get(made.id).state is State.SUCCEEDED
    else:
        assert kept.store().get(made.id).state is State.SUCCEEDED
    assert len(kept.runs) == 1


# Operations that survive.


def test_answers_survive_a_restart(durably):
    store = durably.store()
    found = store.wait(store.submit(job(1)).id, LONG)
    failed = store.wait(store.submit(job(2, "failing")).id, LONG)
    store = durably.store()
    assert store.submit(job(1)) == found
    assert store.get(failed.id) == failed
    assert store.list() == [failed, found]
    assert len(durably.runs) == 2


def test_what_was_queued_runs_after_a_restart(durably, monkeypatch):
    monkeypatch.setattr(durable, "_GRACE", 0.05)
    store = durably.store(threads=1)
    ids = [store.submit(job(n, "held")).id for n in range(3)]
    assert durably.entered.wait(LONG)
    durably.open.clear()
    store.close()  # one runs, and is left
    durably.gate.set()
    store = durably.store()
    durably.gate.set()
    assert {store.wait(id, LONG).state for id in ids} == {State.SUCCEEDED}
    assert sorted(store.get(id).attempts for id in ids) == [1, 1, 2]
