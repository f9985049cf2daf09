"""Whatever happens in another process is an answer or one clear error here, and the next call works."""

import gc
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import massproof as mp
from massproof import answering, isolation
from massproof.errors import FormatError, UnitError
from massproof.isolation import CONFINED, PROCESS, Limits, Stopped, call

FAST = Limits(seconds=20, memory=2 << 30)
LINUX = isolation._watches()
WAYS = [CONFINED, PROCESS] if LINUX else [PROCESS]
confined_only = pytest.mark.skipif(not LINUX, reason="only Linux has zygotes")


@pytest.fixture(scope="module", params=WAYS)
def pool(request):
    """Processes of one way that are kept for all tests here."""
    made = isolation._Pool(request.param)
    yield made
    made.end()


@pytest.fixture
def ask(pool, monkeypatch):
    monkeypatch.setattr(isolation, "_POOL", pool)

    def asked(name, data=b"abc", limits=FAST, **arguments):
        return call(f"workers:{name}", data, limits, **arguments)

    return asked


@pytest.fixture(scope="module")
def zygotes():
    made = isolation._Pool(CONFINED)
    yield made
    made.end()


@pytest.fixture
def confined(zygotes, monkeypatch):
    monkeypatch.setattr(isolation, "_POOL", zygotes)

    def asked(name, data=b"abc", limits=FAST, **arguments):
        return call(f"workers:{name}", data, limits, **arguments)

    return asked


def code_of(function, *given, **arguments):
    with pytest.raises(FormatError) as caught:
        function(*given, **arguments)
    return getattr(caught.value, "code", "PARSER_ERROR")


def gone(pid, seconds=10.0):
    """Whether a process ends in time, one that nobody waits for included."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


# --- both ways


def test_answers_come_with_their_bytes(ask):
    assert ask("size", times=4)["size"] == 12
    assert ask("size", memoryview(b"12"))["size"] == 2
    assert ask("size")["pid"] != os.getpid()
    assert isolation.call_for_bytes("workers:doubled", b"abc", FAST) == ({"size": 3}, b"abcabc")
    assert isolation.call_for_bytes("workers:doubled", bytes(3 << 20), FAST)[1] == bytes(6 << 20)


def test_a_call_has_a_process_for_itself_or_one_that_is_kept(ask, pool):
    first, second = ask("size")["pid"], ask("size")["pid"]

    assert (first == second) == (pool.way == PROCESS)


def test_errors_of_ours_come_through_as_they_are(ask):
    with pytest.raises(UnitError, match="no unit in 3 bytes"):
        ask("refuse")


@pytest.mark.parametrize(
    ("name", "says", "code"),
    [
        ("fail", "KeyError", "PARSER_ERROR"),
        ("crash", r"crashed \(SIGSEGV\)", "CRASH_SIGSEGV"),
        ("abort", r"crashed \(SIGABRT\)", "CRASH_SIGABRT"),
        ("leave", r"exit 3", "EXITED_WITHOUT_ANSWER"),
        ("flood", "more than 64 MiB", "ANSWER_TOO_LARGE"),
        ("unsayable", "set is not JSON", "BAD_ANSWER"),
    ],
)
def test_every_other_ending_is_one_error_and_the_next_call_works(ask, name, says, code):
    with pytest.raises(FormatError, match=says) as caught:
        ask(name)
    assert getattr(caught.value, "code", "PARSER_ERROR") == code
    assert ask("size")["size"] == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the data of a process")
def test_too_much_memory_is_an_error(ask):
    with pytest.raises(Stopped, match="more than 2 GiB") as caught:
        ask("eat")
    assert caught.value.code == "OUT_OF_MEMORY"


def test_too_much_time_is_an_error(ask):
    with pytest.raises(Stopped, match=r"more than 0\.3 s") as caught:
        ask("hang", limits=FAST._replace(seconds=0.3))
    assert caught.value.code == "WALL_CLOCK"
    assert ask("size")["size"] == 3


def test_what_a_library_prints_is_no_answer(ask):
    assert ask("chatter") == "quiet"


def test_threads_have_processes_of_their_own(ask):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda n: ask("size", b"x" * n)["size"], range(1, 7)))

    assert found == [1, 2, 3, 4, 5, 6]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("way", WAYS)
def test_a_forked_process_starts_processes_of_its_own(way, monkeypatch):
    pool = isolation._Pool(way)
    monkeypatch.setattr(isolation, "_POOL", pool)
    helper = "pid" if way == PROCESS else "parent"
    before = call("workers:state", b"", FAST)[helper]
    reader, writer = os.pipe()
    copy = os.fork()
    if not copy:  # pragma: no cover
        try:
            os.write(writer, str(call("workers:state", b"", FAST)[helper]).encode())
            pool.end()
        finally:
            os._exit(0)
    os.waitpid(copy, 0)
    os.close(writer)
    there = os.read(reader, 20).decode()
    os.close(reader)

    assert there not in ("", str(before))
    assert call("workers:state", b"", FAST)[helper] == before
    pool.end()


def test_the_copy_of_a_process_leaves_workers_that_are_not_its_own(monkeypatch):
    """As the copy sees it, in one process, where coverage is taken."""
    pool = isolation._Pool(PROCESS)
    monkeypatch.setattr(isolation, "_POOL", pool)
    before = call("workers:size", b"", FAST)["pid"]
    with monkeypatch.context() as forked:
        forked.setattr(isolation.os, "getpid", lambda: -1)
        assert call("workers:size", b"", FAST)["pid"] != before
        pool.end()
    assert call("workers:size", b"", FAST)["pid"] == before
    pool.end()


@confined_only
def test_the_copy_of_a_process_leaves_the_zygote(monkeypatch):
    from massproof.zygote import Zygote

    made = Zygote()
    assert made.alive()
    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: -1)
        assert not made.alive()
        made.end()
    os.kill(made._process.pid, signal.SIGKILL)
    assert os.waitpid(made._process.pid, 0)[1] == signal.SIGKILL  # it was there


def test_the_way_is_what_the_system_can(monkeypatch):
    assert isolation.way() == (CONFINED if LINUX else PROCESS)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert isolation._Pool().way == PROCESS
    monkeypatch.setattr(sys, "platform", "linux")

    def forbidden(pid):
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", forbidden, raising=False)
    assert isolation._Pool().way == PROCESS


# --- what answers and ends mean


def test_answers_are_made_of_results_and_errors():
    assert isolation.answered({"function": "builtins:len", "arguments": {}}, b"four") == ({"result": 4}, b"")
    assert (
        isolation.answered({"function": "builtins:int", "arguments": {}}, b"x")[0]["error"]["type"]
        == "ValueError"
    )


@pytest.mark.parametrize(
    ("status", "peak", "code"),
    [
        (0, 0, "EXITED_WITHOUT_ANSWER"),
        (70, 1 << 33, "EXITED_WITHOUT_ANSWER"),
        (-signal.SIGSEGV, 0, "CRASH_SIGSEGV"),
        (-signal.SIGABRT, 1 << 30, "CRASH_SIGABRT"),
        (-signal.SIGSEGV, 1 << 31, "OUT_OF_MEMORY"),
        (-40, 0, "CRASH_signal 40"),
        pytest.param(-24, 0, "CPU_LIMIT", marks=confined_only),
        pytest.param(-25, 0, "FILE_LIMIT", marks=confined_only),
    ],
)
def test_every_end_has_a_code(status, peak, code):
    found = answering.died(status, FAST, peak)

    assert found.code == code
    assert str(found).endswith("the file")


@pytest.mark.parametrize(
    "text", [b"", b"{]", b"[]", b"3", b'{"error": 3}', b'{"error": {"type": "x"}}', b"[" * 100_000]
)
def test_what_is_no_answer_is_told(text):
    assert code_of(answering.understood, text, FAST) == "BAD_ANSWER"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "OUT_OF_MEMORY"),
        (PermissionError(13, "no"), "DENIED"),
        (OSError(27, "File too large"), "FILE_LIMIT"),
        (OSError(2, "not there"), "PARSER_ERROR"),
        (RecursionError(), "PARSER_ERROR"),
    ],
)
def test_exceptions_of_the_system_have_codes(error, code, monkeypatch):
    def failing(data):
        raise error

    monkeypatch.setattr(sys.modules[__name__], "failing", failing, raising=False)
    answer, _ = answering.answered({"function": f"{__name__}:failing", "arguments": {}}, b"")

    assert code_of(answering.understood, json.dumps(answer).encode(), FAST) == code


def test_what_cannot_be_said_is_a_bad_answer():
    told = [
        json.dumps({"function": f"workers:{name}", "arguments": {}}).encode()
        for name in ("doubled", "unsayable")
    ]
    good, bad = (answering.reply(one, b"ab") for one in told)

    assert (answering.understood(good[1], FAST), good[2]) == ({"size": 2}, b"abab")
    assert code_of(answering.understood, bad[1], FAST) == "BAD_ANSWER"


def test_large_files_may_take_longer():
    assert isolation.limits(0).seconds < 200 < isolation.limits(1 << 24).seconds
    assert isolation.limits(0).memory == isolation.DEFAULT.memory


def test_a_message_ends_where_it_says_or_is_refused():
    whole = b"".join(answering.message(b"text", b"numbers"))

    def fed(content):
        left = bytearray(content)

        def take(size):
            piece = bytes(left[: min(size, 5)])
            del left[: len(piece)]
            return piece

        return take

    assert answering.received(fed(whole)) == (b"text", b"numbers")
    with pytest.raises(EOFError):
        answering.received(fed(whole[:-1]))
    for header in ((answering.MAX_ANSWER + 1, 0), (0, answering.MAX_DATA + 1)):
        with pytest.raises(answering.TooLong):
            answering.received(fed(answering._LENGTH.pack(*header)))


def test_codes_survive_pickling_and_raising_again():
    error = pickle.loads(pickle.dumps(Stopped("too much", "OUT_OF_MEMORY")))

    assert (str(error), error.code, error.kind) == ("too much", "OUT_OF_MEMORY", "format")
    assert Stopped("what").code == "EXITED_WITHOUT_ANSWER"


# --- confined


MISCHIEF = {
    "crash": "CRASH_SIGSEGV",
    "abort": "CRASH_SIGABRT",
    "leave": "EXITED_WITHOUT_ANSWER",
    "spin": "CPU_LIMIT",
    "hang": "WALL_CLOCK",
    "swell": "OUT_OF_MEMORY",
    "flood": "ANSWER_TOO_LARGE",
    "babble": "BAD_ANSWER",
    "unsayable": "BAD_ANSWER",
    "spill": "FILE_LIMIT",
    "spill_hard": "FILE_LIMIT",
    "look": "DENIED",
    "fail": "PARSER_ERROR",
}


@confined_only
def test_mischief_is_named_while_neighbours_go_on(confined):
    limits = Limits(seconds=20, memory=512 << 20, cpu=1)
    with ThreadPoolExecutor(8) as threads:
        bad = {
            name: threads.submit(
                code_of, confined, name, limits=limits._replace(seconds=0.5) if name == "hang" else limits
            )
            for name in MISCHIEF
        }
        good = [threads.submit(confined, "size", b"x" * n) for n in range(45)]

    assert {name: one.result() for name, one in bad.items()} == MISCHIEF
    assert [one.result()["size"] for one in good] == list(range(45))


@confined_only
def test_a_child_can_do_little(confined, tmp_path):
    from massproof import confinement

    found = confined("state")
    assert found["group"]
    assert found["first"] == 4  # nothing is open but the standard ones and the line to its caller
    if confinement.version() < 4:
        pytest.skip("a kernel without Landlock, or without its rules for TCP")
    secret = tmp_path / "secret"
    secret.write_bytes(b"keep out")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        denied = [
            code_of(confined, "look", path=str(secret)),
            code_of(confined, "write", path=str(tmp_path / "new")),
            code_of(confined, "write", path=str(secret)),
            code_of(confined, "connect", port=port),
            code_of(confined, "start", path="/bin/true"),
        ]
    assert denied == ["DENIED"] * 5
    assert secret.read_bytes() == b"keep out"
    assert not (tmp_path / "new").exists()
    if confinement.version() >= 6:
        assert code_of(confined, "strike", victim=os.getpid()) == "DENIED"


@confined_only
def test_what_a_child_leaves_behind_is_killed(confined):
    assert gone(confined("leave_child"))


@confined_only
def test_a_zygote_that_is_lost_is_noticed_and_replaced(confined, monkeypatch):
    from massproof.zygote import Zygote

    first = confined("state")["parent"]
    begun, awaited = threading.Event(), Zygote._await
    monkeypatch.setattr(Zygote, "_await", lambda *given: (awaited(*given), begun.set()))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(code_of, confined, "hang")
        assert begun.wait(20)
        child = _child_of(first)
        os.kill(first, signal.SIGKILL)
        assert waiting.result() == "ZYGOTE_LOST"
    assert gone(child)
    second = confined("state")["parent"]
    assert second != first

    os.kill(second, signal.SIGKILL)  # between two calls
    assert confined("state")["parent"] not in (first, second)


def _child_of(pid):
    """The one child of a process, when it has one."""
    for _ in range(500):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.01)
    raise AssertionError


@confined_only
def test_nothing_is_left_when_the_caller_is_killed(tmp_path):
    code = textwrap.dedent(
        """
        import sys, threading
        from massproof import isolation
        state = isolation.call("workers:state", b"")
        print(state["parent"], flush=True)
        threading.Thread(target=isolation.call, args=("workers:hang", b"")).start()
        """
    )
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    caller = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path}
    )
    with caller:
        zygote = int(caller.stdout.readline())
        child = _child_of(zygote)
        caller.kill()
    assert gone(zygote)
    assert gone(child)


@confined_only
def test_an_interrupted_call_leaves_no_child(confined, zygotes, monkeypatch):
    from massproof import zygote

    parent = confined("state")["parent"]

    def interrupted(*given):
        children.append(_child_of(parent))
        raise KeyboardInterrupt

    children = []
    with monkeypatch.context() as patched:
        patched.setattr(zygote, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            confined("hang")
    assert gone(children[0])
    assert confined("size")["size"] == 3


@confined_only
def test_a_zygote_with_open_cascade_has_one_thread_and_is_started_for_it_alone(monkeypatch, data):
    """A process of several threads must not fork."""
    pytest.importorskip("OCP")
    pool = isolation._Pool(CONFINED)
    monkeypatch.setattr(isolation, "_POOL", pool)
    mp.measure(data / "box.stl", unit="mm")
    mp.measure(data / "bracket.step")
    assert pool._zygote is None
    assert mp.measure(data / "bracket.step", engine="occt").provenance["isolation"] == CONFINED
    pid = pool._zygote._process.pid
    assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    assert (
        "libTKernel" in Path(f"/proc/{pid}/maps").read_text()
        or "OCP" in Path(f"/proc/{pid}/maps").read_text()
    )
    pool.end()


@confined_only
def test_what_open_cascade_writes_and_divides_is_the_same_in_confinement(monkeypatch, data):
    """Whatever it needs for that can be read."""
    pytest.importorskip("OCP")
    file = (data / "bracket.step").read_bytes()
    solid = 1 + [line.partition(b"=")[2].split(b"(")[0].strip() for line in _instances(file)].index(
        b"MANIFOLD_SOLID_BREP"
    )
    written = {"unit": "mm", "protocol": "AP214", "turn": np.eye(4).tolist(), "name": "a", "created": "now"}
    divided = {"wanted": [[[solid], []]], "deflection": 0.1, "angle": None, "volumes": [None], "share": None}
    answers = []
    for way in WAYS:
        monkeypatch.setattr(isolation, "_POOL", isolation._Pool(way))
        for name, given in (("occt_write:rewritten", written), ("occt_facets:facets", divided)):
            answers.append(
                isolation.call_for_bytes(f"massproof.{name}", file, FAST._replace(seconds=60), **given)
            )
        isolation._POOL.end()

    assert answers[:2] == answers[2:]
    assert all(len(numbers) > 1000 for _, numbers in answers)


def _instances(file):
    """Its instances, each from its number on."""
    return [b"#" + one for one in file.partition(b"DATA;")[2].split(b"\n#")[1:]]


# --- the zygote, and what asks it, in this process, where coverage is taken


@pytest.fixture
def nursery(monkeypatch):
    """A zygote whose children are real, but made by this process; the ends of it that callers have."""
    if not LINUX:
        pytest.skip("only Linux has zygotes")
    from massproof import nursery

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here, there = os.pipe()
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = nursery.Nursery(theirs, here, lambda talk, request, highest: _sleeper(made, request))
    made.requests = []
    with ours, theirs:
        yield made, ours, there
    os.close(here)


def _sleeper(nursery, request):
    nursery.requests.append(request)
    if request["module"] == "unforkable":
        raise BlockingIOError
    copy = os.fork()
    if not copy:  # pragma: no cover
        os.setpgid(0, 0)
        time.sleep(60)
        os._exit(0)
    os.setpgid(copy, copy)
    return copy


def _handed(control, module):
    """Our end of a call of this module."""
    (talk, talks), (end, ends) = socket.socketpair(), socket.socketpair()
    asked = json.dumps({"module": module, "limits": FAST, "path": sys.path}).encode()
    with talk, talks, ends:
        socket.send_fds(control, [asked], [talks.fileno(), ends.fileno()])
    end.settimeout(20)
    return end


@confined_only
def test_a_zygote_forks_kills_and_tells(nursery):
    from massproof import zygote

    made, control, _ = nursery
    with _handed(control, "workers") as end, _handed(control, "unforkable") as other:
        assert made._turn([made._control.fileno()])
        assert end.recv(1) == zygote.BEGUN
        assert made._turn([made._control.fileno()])
        assert other.recv(1) == zygote.UNABLE
        assert made._turn([other.fileno()])  # which nobody watches
        end.shutdown(socket.SHUT_WR)
        for _ in range(2):
            assert made._turn([number for number, _ in made._poll.poll()])
        code, peak = zygote.DEATH.unpack(end.recv(zygote.DEATH.size))
    assert code == -signal.SIGKILL
    assert peak > 1 << 20
    assert not made._children
    assert str(Path(sys.prefix).resolve()) in made.requests[0]["readable"]


@confined_only
def test_a_child_that_ends_alone_is_buried_though_nobody_listens(nursery):
    made, control, _ = nursery
    with _handed(control, "workers"):
        pass
    assert made._turn([made._control.fileno()])
    (child,) = set(made._children.values())
    os.kill(child.pid, signal.SIGKILL)
    gone(child.pid)
    assert made._turn([child.watched, child.end.fileno()])
    assert not made._children


@confined_only
@pytest.mark.parametrize("how", ["control", "parent"])
def test_a_zygote_ends_with_its_callers(nursery, how):
    made, control, parent = nursery
    with _handed(control, "workers"):
        if how == "control":
            control.close()
        else:
            os.close(parent)
            made._turn([made._control.fileno()])
        made.run()
    (child,) = set(made._children.values())
    if how == "control":
        os.close(parent)
    assert os.waitpid(child.pid, 0)[1] == signal.SIGKILL
    os.close(child.watched)
    child.end.close()


@confined_only
def test_a_zygote_without_descriptors_or_watchers_says_no(nursery, monkeypatch):
    from massproof import zygote

    made, control, there = nursery
    asked = json.dumps({"module": "workers", "limits": FAST, "path": sys.path}).encode()
    socket.send_fds(control, [asked], [there])
    assert made._turn([made._control.fileno()])
    assert not made.requests
    monkeypatch.setattr(os, "pidfd_open", lambda pid: os.open("/does/not/exist", 0))
    with _handed(control, "workers") as end:
        assert made._turn([made._control.fileno()])
        assert end.recv(1) == zygote.UNABLE
    os.close(there)


@confined_only
def test_a_module_is_warmed_once_and_again_after_it_failed(nursery, monkeypatch):
    from massproof import nursery as _nursery

    made, _, there = nursery
    seen = []
    warmer = type(sys)("warmer")
    warmer.warm = lambda name: seen.append(name) or (len(seen) > 1 or {}["not yet"])
    monkeypatch.setitem(sys.modules, "warmer", warmer)
    monkeypatch.setattr(_nursery, "_WARMED_BY", {"work": "warmer"})
    for _ in range(4):
        made._prepare("workers")
    gc.unfreeze()
    assert seen == ["workers"] * 2
    os.close(there)


@confined_only
def test_a_zygote_that_does_not_answer_is_lost(monkeypatch):
    from massproof import zygote

    monkeypatch.setattr(zygote, "_STARTING", 0.05)
    monkeypatch.setattr(zygote, "_START", "import time; time.sleep(60)  # {path} {control} {parent}")
    made = zygote.Zygote()
    assert code_of(made.ask, {"function": "workers:size", "arguments": {}}, b"", FAST) == "ZYGOTE_LOST"
    assert not made.alive()
    pool = isolation._Pool(CONFINED)
    pool._zygote = zygote.Zygote()
    pool._drop(made)  # which another thread has replaced before
    with pytest.raises(zygote.Gone):
        made.ask({"function": "workers:size", "arguments": {}}, b"", FAST)
    assert pool._zygote.alive()
    pool.end()


@confined_only
def test_the_end_kills_what_runs_and_waits_for_no_import(monkeypatch):
    from massproof import zygote

    pool = isolation._Pool(CONFINED)
    monkeypatch.setattr(isolation, "_POOL", pool)
    state = call("workers:state", b"", FAST)
    begun, awaited = threading.Event(), zygote.Zygote._await
    monkeypatch.setattr(zygote.Zygote, "_await", lambda *given: (awaited(*given), begun.set()))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(code_of, call, "workers:hang", b"", FAST)
        assert begun.wait(20)
        child = _child_of(state["parent"])
        pool.end()
        assert waiting.result() in ("ZYGOTE_LOST", "CRASH_SIGKILL")
    assert gone(child)
    monkeypatch.setattr(zygote, "_START", "import time; time.sleep(60)  # {path} {control} {parent}")
    made = zygote.Zygote()
    made.end()
    assert not made.alive()


@confined_only
def test_a_zygote_that_always_dies_is_tried_twice(monkeypatch):
    from massproof import zygote

    monkeypatch.setattr(zygote, "_START", "import os; os.abort()  # {path} {control} {parent}")
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool(CONFINED))
    assert code_of(call, "workers:size", b"") == "ZYGOTE_LOST"
    isolation._POOL.end()


@confined_only
def test_what_a_zygote_says_is_understood(monkeypatch):
    from massproof import zygote

    made = zygote.Zygote()
    for told, error in ((zygote.UNABLE, Stopped), (b"", zygote.Gone), (b"?", zygote.Gone)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(told)
            theirs.shutdown(socket.SHUT_WR)
            with pytest.raises(error):
                made._await(ours)
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(b"left unread")
        theirs.close()
        with pytest.raises(zygote.Gone):
            made._await(ours)
    monkeypatch.setattr(zygote, "_DYING", 0.01)
    ours, theirs = socket.socketpair()
    with ours, theirs:  # nobody says anything
        assert made._ended(ours) is None
    made.end()


@confined_only
def test_no_time_is_left_for_what_comes_too_late():
    from massproof import zygote

    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        zygote._exchange(ours, answering.message(b"", b""), time.monotonic() - 1)


# --- what a child gives up


@confined_only
def test_who_answers_before_nothing_more_is_sent_is_heard():
    from massproof import zygote

    ours, theirs = socket.socketpair()

    def parts():
        yield b"asked"
        theirs.recv(5)
        theirs.sendall(b"".join(answering.message(b"said", b"beside")))
        theirs.close()
        yield b""

    with ours:
        assert zygote._exchange(ours, parts(), time.monotonic() + 5) == (b"said", b"beside")


@confined_only
def test_limits_are_those_asked_for_but_never_above_our_own(monkeypatch):
    import resource

    from massproof import confinement

    monkeypatch.setattr(
        resource, "getrlimit", lambda what: (5, 5) if what == resource.RLIMIT_NOFILE else (-1, -1)
    )
    found = confinement.bounded(Limits(2.5, 1 << 30))
    assert found[resource.RLIMIT_DATA] == (1 << 30, 1 << 30)
    assert found[resource.RLIMIT_CPU] == (3, 4)
    assert found[resource.RLIMIT_NOFILE] == (5, 5)
    assert found[resource.RLIMIT_CORE] == (0, 0)
    assert confinement.bounded(Limits(2.5, 1 << 30, 0.2))[resource.RLIMIT_CPU] == (1, 2)


@confined_only
@pytest.mark.parametrize(
    ("abi", "size", "files"),
    [(1, 8, 0x1FFF), (2, 8, 0x3FFF), (3, 8, 0x7FFF), (4, 16, 0x7FFF), (5, 16, 0xFFFF), (7, 24, 0xFFFF)],
)
def test_every_kernel_is_asked_for_what_it_knows(abi, size, files):
    from massproof import confinement

    found = confinement.ruleset(abi)
    assert len(found) == size
    assert int.from_bytes(found[:8], sys.byteorder) == files


@confined_only
def test_children_read_code_and_nothing_else(tmp_path):
    from massproof import confinement

    package = type(sys)("somewhere")
    package.__file__, package.__package__ = str(tmp_path / "somewhere/__init__.py"), "somewhere"
    (tmp_path / "somewhere/inner").mkdir(parents=True)
    inner = type(sys)("somewhere.inner")
    inner.__file__, inner.__package__ = str(tmp_path / "somewhere/inner/__init__.py"), "somewhere.inner"
    module = type(sys)("alone")
    module.__file__, module.__package__ = str(tmp_path / "alone.py"), ""
    found = confinement.code_folders([package, inner, module, None, sys])

    assert str((tmp_path / "somewhere").resolve()) in found
    assert str((tmp_path / "somewhere/inner").resolve()) not in found
    assert "/" not in found
    assert not any(Path("/etc/passwd").is_relative_to(one) for one in found)
    assert not any(tmp_path.resolve().is_relative_to(one) for one in found)
