"""Whatever happens in a worker is an answer or one clear error here, and the next call works."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from massproof import isolation
from massproof.errors import FormatError, UnitError
from massproof.isolation import Limits, call

FAST = Limits(seconds=20, memory=2 << 30)


def size(data, times=1):
    return {"size": len(data) * times, "pid": os.getpid()}


def refuse(data):
    msg = f"no unit in {len(data)} bytes"
    raise UnitError(msg)


def fail(data):
    return {}[data]


def crash(data):
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(data):
    os._exit(3)


def chatter(data):
    sys.stdout.write("noise")
    sys.stdout.flush()
    return "quiet"


def flood(data):
    return "x" * (isolation.MAX_ANSWER + 1)


@pytest.fixture(autouse=True, scope="module")
def importable():
    """Workers see this module as `test_isolation`."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    yield
    isolation._POOL.end()
    sys.path.remove(folder)


def ask(name, data=b"abc", limits=FAST, **arguments):
    return call(f"test_isolation:{name}", data, limits, **arguments)


def test_a_worker_answers_and_is_kept():
    first, second = ask("size", times=4), ask("size", memoryview(b"12"))

    assert first["size"] == 12
    assert second["size"] == 2
    assert first["pid"] == second["pid"] != os.getpid()


def test_errors_of_ours_come_through_as_they_are():
    with pytest.raises(UnitError, match="no unit in 3 bytes"):
        ask("refuse")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fail", "KeyError"),
        ("crash", r"crashed \(SIGSEGV\)"),
        ("leave", r"exit 3"),
        ("flood", r"crashed \(SIGKILL\)"),
    ],
)
def test_every_other_ending_is_one_error_and_the_next_call_works(name, says):
    with pytest.raises(FormatError, match=says):
        ask(name)
    assert ask("size")["size"] == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the data of a process")
def test_too_much_memory_is_an_error():
    with pytest.raises(FormatError, match="more than 2 GiB"):
        call("workers:eat", b"abc", FAST)


def test_too_much_time_is_an_error():
    with pytest.raises(FormatError, match=r"more than 0\.3 s"):
        call("workers:hang", b"abc", FAST._replace(seconds=0.3))
    assert ask("size")["size"] == 3


def test_what_a_library_prints_is_no_answer():
    assert ask("chatter") == "quiet"


def test_threads_have_workers_of_their_own():
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda n: ask("size", b"x" * n)["size"], range(1, 7)))

    assert found == [1, 2, 3, 4, 5, 6]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_starts_workers_of_its_own(monkeypatch):
    isolation._POOL.end()
    before = ask("size")["pid"]
    with monkeypatch.context() as forked:
        forked.setattr(isolation.os, "getpid", lambda: -1)  # as a forked copy sees it
        assert ask("size")["pid"] != before
        isolation._POOL.end()

    assert ask("size")["pid"] == before


def test_answers_are_made_of_results_and_errors():
    assert isolation.answered({"function": "builtins:len", "arguments": {}}, b"four") == ({"result": 4}, b"")
    assert (
        isolation.answered({"function": "builtins:int", "arguments": {}}, b"x")[0]["error"]["type"]
        == "ValueError"
    )
