"""What every store of operations does, and every store of records: one set of laws for all that there are."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from itertools import chain

import psycopg
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from massproof import server
from massproof.blobs import Blobs
from massproof.commands import app
from massproof.errors import InputError, MissingExtra, UsageError
from massproof.operations import databases, durable, expiry, port, presence, stores, tables
from massproof.operations.databases import Database
from massproof.operations.durable import Durable
from massproof.operations.memory import Memory
from massproof.operations.port import Job, Operation, Outcome, State
from massproof.operations.recent import Recent
from massproof.operations.records import InMemory, following
from massproof.operations.sql_records import InDatabase
from massproof.operations.tables import Table, Turn
from massproof.serving.service import Settings

AWAY = sa.exc.OperationalError("UPDATE", {}, OSError("database or disk is full"))
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
            msg = "no file is kept here any more; upload it again"
            raise InputError(msg)
        if job.kind == "lacking":
            raise MissingExtra(job.kind, "step")
        if job.kind == "broken":
            raise MemoryError
        if job.kind == "odd":
            raise ZeroDivisionError
        if job.kind == "unsayable":
            return Outcome(object())
        return Outcome({"n": job.options.get("n"), "text": "ß\0"}, {"a.txt": "0" * 64})

    def store(self, **options):
        """What another process would see, were it one: what was open is closed."""
        self.close()
        return self.another(**options)

    def another(self, **options):
        """One more that is open."""
        made = (Memory if self.kind == "memory" else self.durable)(self.run, **options)
        self.open.append(made)
        return made

    def durable(self, run, **options):
        return Durable(run, Database(self.url), **options)

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
    url = (
        request.getfixturevalue("of_postgresql")
        if kind == "postgresql"
        else f"sqlite:///{folder / 'of.sqlite'}"
    )
    place = Kept(kind, url)
    yield place
    place.close()


def job(n=0, kind="plain", **options):
    return Job(kind, ("1" * 64,), {"n": n, **options})


def opened(database, folder, **options):
    """The stores of a server with this folder."""
    return stores.opened(database, folder, Blobs(folder / "blobs"), **options)


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
    assert store.submit(job(7)) == store.get(made.id) == store.held(made.id) == found
    assert kept.runs == [made.id]


def test_what_was_never_asked_for_is_none(kept):
    store = kept.store()
    assert store.get("0" * 32) is None
    assert store.held("0" * 32) is None
    assert store.wait("0" * 32, LONG) is None
    assert store.cancel("0" * 32) is None
    assert store.recover() == 0
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
    assert store.list(before=time.time() + 1) == store.list()


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("failing", "unreadable", "upload it again"),
        ("odd", "INTERNAL", "ZeroDivisionError"),
        ("unsayable", "INTERNAL", "JSON"),
    ],
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


def test_what_failed_without_an_optional_dependency_is_tried_again_by_the_next_process(kept, monkeypatch):
    store = kept.store()
    found = store.wait(store.submit(job(1, "lacking")).id, LONG)
    assert (found.state, found.failure.code) == (State.FAILED, "missing-extra")
    assert store.submit(job(1, "lacking")) == found
    monkeypatch.setattr(port, "_BEGAN", time.time())
    store = store if kept.kind == "memory" else kept.store()
    asked = store.submit(job(1, "lacking"))
    assert (asked.state, asked.attempts) == (State.QUEUED, 1)
    found = store.wait(asked.id, LONG)
    assert (found.state, found.attempts, len(kept.runs)) == (State.FAILED, 2, 2)
    assert store.submit(job(1, "lacking")) == found


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
    store.close()  # once more is no error
    if kept.kind == "memory":
        assert store.get(made.id).state is State.SUCCEEDED
    else:
        assert kept.store().get(made.id).state is State.SUCCEEDED
    assert len(kept.runs) == 1


@pytest.mark.parametrize(
    ("kind", "options", "names"),
    [
        ("properties", {"unit": "mm"}, []),
        ("assembly", {"unit": "mm"}, []),
        ("thumbnail", {"unit": "mm", "size": 24}, ["thumbnail.png"]),
        ("conversion", {"unit": "mm", "name": "box.obj"}, ["box.obj"]),
    ],
)
def test_kinds_of_jobs_read_blobs_and_keep_files_as_blobs(kind, options, names, tmp_path, data):
    blobs = Blobs(tmp_path / "blobs")
    box = blobs.take(data / "box.stl").digest
    store, _ = opened("memory", tmp_path)
    found = store.wait(store.submit(Job(kind, (box,), {**options, "called": "mine.stl"})).id, LONG)
    assert found.state is State.SUCCEEDED, found.failure
    assert list(found.outcome.files) == names
    assert all(blobs.size(digest) > 0 for digest in found.outcome.files.values())
    if kind == "properties":
        assert found.outcome.result["source"]["name"] == "mine.stl"
    gone = store.wait(store.submit(Job(kind, ("0" * 64,), options)).id, LONG)
    assert (gone.state, gone.failure.code) == (State.FAILED, "unreadable")
    store.close()


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


def test_a_file_that_kills_every_process_is_given_up_and_tried_again_when_asked(durably, monkeypatch):
    monkeypatch.setattr(durable, "_GRACE", 0.0)
    monkeypatch.setattr(Table, "leave", lambda *_: False)  # so that closing is to them what dying is
    store = durably.store(tries=2)
    made = store.submit(job(1, "held"))
    for n in range(2):
        until(lambda: durably.open[0].get(made.id).attempts == n + 1)  # noqa: B023
        durably.open.pop().close()
        store = durably.store(tries=2)
    found = store.wait(made.id, LONG)
    assert (found.state, found.failure.code, found.attempts) == (State.FAILED, "WORKER_LOST", 3)
    assert "2 processes ended" in found.failure.message
    durably.gate.set()
    assert store.submit(job(1, "held")).state is State.QUEUED
    assert store.wait(made.id, LONG).state is State.SUCCEEDED


def test_what_a_process_stored_and_did_not_start_is_started_by_another(durably):
    database = Database(durably.url)
    table = Table(database)
    table.join("dead")
    with database.synced.begin() as connection:
        assert table.ask(connection, job(1), time.time(), "dead") == Turn(job(1).id, 1)
    database.close()
    store = durably.store()
    assert store.wait(job(1).id, LONG).state is State.SUCCEEDED
    assert store.recover() == 0
    assert durably.runs == [job(1).id]


def test_what_could_not_be_started_is_missed_and_started(durably, monkeypatch):
    monkeypatch.setattr(durable, "_ROUND", 0.05)
    monkeypatch.setattr(durable, "_STALE", 0.1)
    store = durably.store()
    start, faults = store._flow.start, [OSError("disk full")]

    def failing(turn):
        if faults:
            raise faults.pop()
        start(turn)

    monkeypatch.setattr(store._flow, "start", failing)
    with pytest.raises(OSError, match="disk full"):
        store.submit(job(1))
    assert store.get(job(1).id).state is State.QUEUED
    assert store.wait(job(1).id, LONG).state is State.SUCCEEDED


def test_the_watch_goes_on_after_a_failure(embedded, monkeypatch, caplog):
    monkeypatch.setattr(durable, "_ROUND", 0.02)
    store, faults = embedded.store(), [RuntimeError("away")]
    passed = threading.Event()

    def missed():
        if faults:
            raise faults.pop()
        passed.set()

    monkeypatch.setattr(store, "_missed", missed)
    assert passed.wait(LONG)
    assert "it goes on" in caplog.text


def test_work_waits_for_a_database_that_is_away(embedded, monkeypatch):
    store, claim, faults = embedded.store(), Table.claim, [1, 2]

    def failing(self, *arguments):
        if faults:
            faults.pop()
            raise AWAY
        return claim(self, *arguments)

    monkeypatch.setattr(Table, "claim", failing)
    assert store.wait(store.submit(job(1)).id, LONG).state is State.SUCCEEDED
    assert faults == []


def test_waiting_for_a_database_ends_when_told_to():
    stop = threading.Event()
    stop.set()

    def failing():
        raise AWAY

    with pytest.raises(sa.exc.OperationalError):
        databases.held(failing, stop)


def test_who_comes_second_gets_the_operation_of_the_first(durably, monkeypatch):
    """Two processes submit the same at the same time: both looked, and found nothing."""
    store = durably.store()
    first = store.wait(store.submit(job(1)).id, LONG)
    monkeypatch.setattr(store, "get", lambda id: None)
    assert store.submit(job(1)) == first
    cancelled = Operation(job(1).id, job(1), State.CANCELLED, first.created, updated=first.updated)
    monkeypatch.setattr(store, "get", lambda id: cancelled)
    assert store.submit(job(1)) == first
    assert len(durably.runs) == 1


def test_what_ended_long_ago_is_forgotten_with_the_blobs_that_nothing_needs(durably, tmp_path):
    blobs = Blobs(tmp_path / "blobs")
    database = Database(durably.url)
    records = InDatabase(database)
    old, held, keyed, other, _, used = all_of_them = [blobs.put(bytes([n])).digest for n in range(6)]
    for digest in (old, held, keyed, other, used):
        os.utime(blobs.path(digest), (1, 1))
    records.put("oss.objects", "bucket/name", {"digest": held, "size": 1})
    records.put("files", keyed, None)
    expiry.hold(records, other, "zoo.calls/7")

    def tidy(table, before):
        expiry.sweep(blobs, chain(table.used(), records.named()), before)

    store = durably.store(tidy=tidy)
    store.submit(Job("held", (used,)))
    done = store.wait(store.submit(job(1)).id, LONG)
    assert store.expire() == 0
    assert store.get(done.id) == done
    assert [blobs.has(one) for one in all_of_them] == [False, True, True, True, True, True]

    _aged(database, done.id)
    assert store.expire() == 1
    assert store._table.get(done.id) is None
    assert len(store.list()) == 1
    records.delete("oss.objects", "bucket/name")
    assert expiry.release(records, other, "zoo.calls/7")
    assert not expiry.release(records, other, "zoo.calls/7")
    store.expire()
    assert [blobs.has(one) for one in all_of_them] == [False, False, True, False, True, True]
    database.close()

    durably.gate.set()
    store = durably.store()
    assert store.wait(store.submit(job(1)).id, LONG).state is State.SUCCEEDED  # it is answered anew
    assert durably.runs.count(done.id) == 2


def _aged(database, id):
    """Have an operation end in 1970."""
    with database.synced.begin() as connection:
        connection.execute(sa.text("UPDATE massproof_operations SET ended = 1 WHERE id = :id"), {"id": id})


# Several processes on one PostgreSQL, seen from inside of one: only one of them may run jobs.


def test_a_server_without_threads_has_workers_do_it(shared):
    server = shared.store(threads=0)
    queued = server.submit(job(1))
    worker = shared.another(threads=1)
    found = server.wait(queued.id, LONG)
    assert found.state is State.SUCCEEDED
    assert worker.get(queued.id) == found
    assert server.wait(server.submit(job(2)).id, LONG).attempts == 1
    cancelled = server.cancel(server.submit(job(3, "held")).id)
    assert cancelled.state is State.CANCELLED
    assert server.submit(job(3, "held")).state is State.QUEUED
    shared.gate.set()
    assert server.wait(cancelled.id, LONG).state is State.SUCCEEDED


def test_a_busy_server_leaves_the_rest_to_the_queue(shared, monkeypatch):
    monkeypatch.setattr(durable, "_WAITING", 1)
    store = shared.store(threads=1)
    ids = [store.submit(job(n, "held")).id for n in range(3)]
    until(lambda: shared.runs)
    assert {turn.id for turn in store._table.held("", time.time() + 1)} == set(ids[1:])
    assert shared.runs == ids[:1]
    shared.gate.set()
    assert {store.wait(id, LONG).state for id in ids} == {State.SUCCEEDED}


def test_a_server_without_threads_passes_on_what_a_dead_one_did_not_start(shared):
    server = shared.store(threads=0)
    server._table.join("dead")
    with server._database.synced.begin() as connection:
        server._table.ask(connection, job(1), time.time(), "dead")
    assert server.recover() == 1
    shared.another(threads=1)
    assert server.wait(job(1).id, LONG).state is State.SUCCEEDED


def test_what_another_began_meanwhile_is_not_passed_on(shared):
    server = shared.store(threads=0)
    done = server.submit(job(1))
    server.cancel(done.id)
    server._passed_on(Turn(done.id, 1))
    assert server.get(done.id).state is State.CANCELLED


def test_a_process_is_alive_while_it_holds_its_lock(shared):
    database = Database(shared.url)
    first, second = presence.present(database, "one"), presence.present(database, "two")
    assert first.lives("two")
    assert not first.lives("three")
    assert not first.lives("three")  # looking does not change it
    with first.reaper() as mine, second.reaper() as other:
        assert (mine, other) == (True, False)
    with second.reaper() as other:
        assert other
    second.close()
    until(lambda: not first.lives("two"))
    first.close()
    database.close()


def test_one_process_at_a_time_looks_for_the_dead(shared):
    store = shared.store()
    other = presence.present(store._database, "other")
    store._table.join("dead")
    with other.reaper():
        assert store.recover() == 0
        assert store.expire() == 0
        assert "dead" in store._table.nodes()
    until(lambda: "dead" not in store._table.nodes())  # the watch does it, or this
    other.close()


def test_a_lock_that_the_server_forgot_is_taken_again(shared):
    store = shared.store(threads=0)
    pid = store._presence._session.info.backend_pid
    with psycopg.connect(shared.url, autocommit=True) as session:
        session.execute("SELECT pg_terminate_backend(%s)", (pid,))
    database = Database(shared.url)
    other = presence.present(database, "other")
    store._presence.hold()
    assert other.lives(store._node)
    store._table.part(store._node)  # it was taken for dead meanwhile
    store.recover()
    assert store._node in store._table.nodes()
    other.close()
    database.close()


def test_a_server_that_cut_all_connections_is_asked_again(shared):
    store = shared.store()
    records = InDatabase(store._database)
    records.put("a", "key", 1)
    done = store.wait(store.submit(job(1)).id, LONG)
    calls = (
        lambda: store.submit(job(2)).state is State.QUEUED,
        lambda: len(store.list()) == 2,
        lambda: store.cancel(done.id) == done,
        lambda: records.get("a", "key") == 1,
    )
    for call in calls:
        with psycopg.connect(shared.url, autocommit=True) as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert call()
    assert store.wait(job(2).id, LONG).state is State.SUCCEEDED


def test_other_errors_of_a_database_are_not_asked_about_again(embedded):
    store = embedded.store()
    with store._database.synced.begin() as connection:
        connection.execute(sa.text("DROP TABLE massproof_operations"))
    with pytest.raises(sa.exc.OperationalError, match="no such table"):
        store.get("0" * 32)


def test_a_worker_works_until_it_is_told_to_stop(shared, tmp_path, data):
    blobs = Blobs(tmp_path / "blobs")
    box = blobs.take(data / "box.stl").digest
    server = shared.store(threads=0)
    made = server.submit(Job("properties", (box,), {"unit": "mm"}))

    def tell():
        server.wait(made.id, LONG)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    teller = threading.Thread(target=tell)
    teller.start()
    result = CliRunner().invoke(app, ["work", "--database", shared.url, "--folder", str(tmp_path)])
    teller.join()
    assert result.exit_code == 0, result.output
    assert "working" in result.stderr
    assert server.get(made.id).state is State.SUCCEEDED
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("database", ["sqlite", "memory"])
def test_a_worker_needs_a_database_to_share(database, tmp_path):
    result = CliRunner().invoke(app, ["work", "--database", database, "--folder", str(tmp_path)])
    assert result.exit_code == 2
    assert "a database that it shares" in result.stderr


def test_a_connection_that_is_given_back_too_late_is_closed(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'of.sqlite'}")
    late = database.engine.connect()
    held = late.connection.dbapi_connection
    database.close()
    late.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held.execute("SELECT 1")


def test_a_server_closes_twice_and_comes_back_with_all_it_had(tmp_path, data):
    settings = Settings(folder=tmp_path, database="sqlite", unit="mm")
    results = []
    for _ in range(2):
        made = server.app(settings)
        with TestClient(made):
            service = made.state.service
            box = service.blobs.take(data / "box.stl").digest
            results.append(asyncio.run(service.answer(Job("properties", (box,), {"unit": "mm"}), LONG)))
            service.records.put("space", "key", 1, once=True)
    assert results[0] == results[1]
    assert results[1].state is State.SUCCEEDED


def test_nothing_is_forgotten_that_is_kept_for_ever(durably):
    store = durably.store(keep_seconds=math.inf)
    done = store.wait(store.submit(job(1)).id, LONG)
    _aged(store._database, done.id)
    assert store.expire() == 0
    assert store.get(done.id).state is State.SUCCEEDED


def test_a_turn_that_is_done_with_leaves_the_next_one(embedded):
    store = embedded.store()
    store._mine["0"] = 2
    store._done_with(Turn("0", 1))
    assert store._mine == {"0": 2}


# What cannot be opened.


def test_a_file_serves_one_process(embedded):
    embedded.store()
    with pytest.raises(InputError, match="in use by another process"):
        embedded.another()


def test_a_process_runs_operations_of_one_database(embedded, tmp_path):
    embedded.store()
    with pytest.raises(InputError, match="already runs operations"):
        Durable(embedded.run, Database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    embedded.store()  # and it is free again


def test_more_are_taken_over_than_a_statement_takes(durably, monkeypatch):
    monkeypatch.setattr(tables, "_CHUNK", 3)
    monkeypatch.setattr(durable, "_GRACE", 0.05)
    store = durably.store(threads=1)
    ids = [store.submit(job(n, "held")).id for n in range(8)]
    assert durably.entered.wait(LONG)
    durably.open.pop().close()
    store = durably.store(threads=1)
    durably.gate.set()
    assert {store.wait(id, LONG).state for id in ids} == {State.SUCCEEDED}


@pytest.mark.parametrize(
    ("whose", "what"), [("DBOS", "launch"), ("DBOSClient", "register_queue"), (None, "recover")]
)
def test_a_failed_start_leaves_nothing_behind(shared, monkeypatch, whose, what):
    import dbos

    with monkeypatch.context() as patch:
        patch.setattr(getattr(dbos, whose) if whose else Durable, what, lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shared.store()
    assert shared.store().list() == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "is no database"),
        ("mysql://me@here/it", "mysql is no database for operations"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "cannot be used: "),
    ],
)
def test_what_is_no_database_is_refused_without_its_password(url, words, tmp_path):
    with pytest.raises(InputError, match=words) as found:
        opened(url, tmp_path)
    assert "secret" not in str(found.value)


@pytest.mark.parametrize(
    ("module", "database", "extra"),
    [
        ("sqlalchemy", "sqlite", "serve"),
        ("dbos", "sqlite", "serve"),
        ("psycopg", "postgresql://me@here/it", "postgres"),
    ],
)
def test_what_is_not_installed_is_named(module, database, extra, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra) as found:
        opened(database, tmp_path)
    assert found.value.extra == extra


def test_stores_are_opened_by_name(tmp_path, of_postgresql):
    for database, kind in (("memory", Memory), ("sqlite", Durable), (of_postgresql, Durable)):
        operations, records = opened(database, tmp_path, threads=1)
        assert isinstance(operations, kind)
        records.put("space", "key", 1)
        if kind is Durable:
            operations.expire()
        operations.close()
        records.close()
    assert (tmp_path / "operations.sqlite").exists()


def test_somebody_must_run_jobs(tmp_path):
    with pytest.raises(UsageError, match="share a PostgreSQL"):
        opened("sqlite", tmp_path, threads=0)


# Discretion.


def test_nothing_is_told_to_anybody(embedded, monkeypatch, capfd):
    """No connection is made, no name looked up, nothing printed; DBOS would report to its cloud, were it told to."""
    called = []
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, lambda *a: called.append(a))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: called.append(a))
    monkeypatch.setenv("DBOS__CONDUCTOR_KEY", "key")
    store = embedded.store()
    monkeypatch.setattr(Table, "end", lambda *_: 1 / 0)
    made = store.submit(job(1))
    until(lambda: made.id not in store._mine)
    embedded.close()
    assert called == []
    assert os.environ["DBOS__CONDUCTOR_KEY"] == "key"
    assert capfd.readouterr() == ("", "")


def test_what_is_not_used_is_not_imported():
    text = (
        "import sys, massproof.operations.stores; "
        "print([one for one in ('dbos', 'sqlalchemy', 'psycopg') if one in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_answers_in_memory_are_few_and_small():
    recent = Recent(2, 100)
    one, two, three = (Operation(str(n), job(n), State.SUCCEEDED, n, ended=float(n)) for n in range(3))
    recent.add(one, 10)
    recent.add(two, 10)
    assert recent.get("0", 0.0) is one
    recent.add(three, 10)
    assert recent.get("1", 0.0) is None  # the one that was asked for least recently
    assert recent.get("0", 0.5) is None  # it is too old
    recent.add(three, 95)
    assert recent.get("0", 0.0) is None
    assert recent.get("2", 0.0) is three
    recent.add(three, 101)
    assert recent.get("2", 0.0) is None
    recent.add(one, 100)
    assert recent.get("0", 0.0) is one


# Records.


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def records(request, tmp_path):
    if request.param == "memory":
        yield InMemory()
        return
    url = (
        request.getfixturevalue("of_postgresql")
        if request.param == "postgresql"
        else f"sqlite:///{tmp_path / 'of'}"
    )
    database = Database(url)
    made = InDatabase(database)
    yield made
    made.close()
    database.close()


def test_a_record_is_what_was_put_last(records):
    assert records.get("a", "key") is None
    assert records.put("a", "key", {"n": [1, None, "ß\0"]})
    assert records.put("a", "key", 2)
    assert records.get("a", "key") == 2
    assert records.get("b", "key") is None
    assert records.put("a", "null", None)
    assert records.get("a", "null") is None
    assert records.delete("a", "key")
    assert not records.delete("a", "key")
    assert not records.delete("b", "key")
    assert records.get("a", "key") is None


def test_once_is_once_whoever_asks(records):
    assert records.put("a", "key", 1, once=True)
    assert not records.put("a", "key", 2, once=True)
    assert records.get("a", "key") == 1
    written, gate = [], threading.Barrier(8)

    def put(n):
        gate.wait()
        written.append(records.put("a", "new", n, once=True))

    threads = [threading.Thread(target=put, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(written) == [False] * 7 + [True]


def test_records_are_in_the_order_of_code_points(records):
    keys = [
        "",
        "A",
        "B",
        "a",
        "a%",
        "a/1",
        "a/10",
        "a/2",
        "a0",
        "a_",
        "b",
        "ß",
        "\ue000",
        "\U0001f600",
        "\U0010ffff",
    ]
    for key in reversed(keys):
        records.put("a", key, key.upper())
    assert [key for key, _ in records.list("a")] == keys == sorted(keys)
    assert records.list("a", limit=2) == [("", ""), ("A", "A")]
    assert [key for key, _ in records.list("a", descending=True, limit=3)] == keys[-1:-4:-1]
    assert [key for key, _ in records.list("a", after="a/1", limit=2)] == ["a/10", "a/2"]
    assert [key for key, _ in records.list("a", after="a/2", descending=True, limit=2)] == ["a/10", "a/1"]
    for prefix in ("a/", "a", "A", "a%", "a_", "c", "\U0010ffff", "a/1"):
        assert [key for key, _ in records.list("a", prefix=prefix)] == [
            one for one in keys if one.startswith(prefix)
        ]
    assert [key for key, _ in records.list("a", prefix="a/", after="a/1", limit=1)] == ["a/10"]
    assert records.list("b") == []


@pytest.mark.parametrize("key", ["a\0b", "\ud800"])
def test_what_cannot_be_a_key_is_refused(records, key):
    with pytest.raises(UsageError, match="cannot be a key"):
        records.put("a", key, 1)


def test_what_follows_a_prefix():
    assert following("ab") == "ac"
    assert following("a\ud7ff") == "a\ue000"
    assert following("a\U0010ffff") == "b"
    assert following("\U0010ffff") is None


def test_records_outlive_who_put_them(tmp_path):
    for n in range(2):
        database = Database(f"sqlite:///{tmp_path / 'of.sqlite'}")
        assert InDatabase(database).put("a", "key", n, once=True) == (n == 0)
        database.close()
