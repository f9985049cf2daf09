"""Kernels are compiled once, kept, linked without the compiler, and refused when they would need it at run time."""

import hashlib
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from massproof.errors import InputError, UsageError
from massproof.kernels import crew, jit, objectcode
from massproof.kernels.jit import entry, in_threads, kernel

COMPILED = pytest.mark.skipif(jit.DISABLED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")


@kernel
def doubled(x):
    return x + x


@entry("f8[:,3] i8 u1[4]")
def add_rows(rows, count, flags):
    """Doubles `count` rows and returns the sum of the flags."""
    for i in range(count):
        for k in range(3):
            rows[i, k] = doubled(rows[i, k])
    total = 0
    for k in range(4):
        total += flags[k]
    return total


@pytest.fixture(autouse=True, scope="module")
def forget():
    """Kernels of these tests are none of the package's."""
    yield
    for name in [n for n in jit.ENTRIES if n.startswith("test_jit.")]:
        del jit.ENTRIES[name]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MASSPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(add_rows, "_native", None)
    return tmp_path / "cache"


def call():
    rows = np.ones((5, 3))
    total = add_rows(rows, 2, np.array([1, 2, 3, 4], np.uint8))
    return total, rows[:, 0].tolist()


EXPECTED = (10, [2, 2, 1, 1, 1])


def test_a_kernel_does_what_its_python_says(cache):
    assert call() == EXPECTED


@COMPILED
def test_object_code_is_kept_and_linked_again(cache, monkeypatch):
    assert call() == EXPECTED
    assert [path.name.partition("-")[0] for path in cache.iterdir()] == ["test_jit.add_rows"]
    monkeypatch.setattr(add_rows, "_native", None)
    monkeypatch.setattr(objectcode, "compiled", lambda entry: pytest.fail("compiled a second time"))
    assert call() == EXPECTED


@COMPILED
@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 4000])
def test_a_damaged_file_is_compiled_again_and_never_run(cache, damage, monkeypatch):
    call()
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + damage)
    monkeypatch.setattr(add_rows, "_native", None)

    assert call() == EXPECTED
    assert path.read_bytes()[32:40] == whole[32:40]


@COMPILED
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"image",
        b"image x",
        b"image -1",
        b"image 99999999",
        b"image 0 no_such_function",
        b"object ",
        b"object a b",
        b"code 0",
        b"\xff 0",
    ],
)
def test_a_file_that_does_not_say_how_to_run_it_is_compiled_again(cache, head, monkeypatch):
    call()
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    code = head + b"\n" + whole[32:].partition(b"\n")[2]
    path.write_bytes(hashlib.sha256(code).digest() + code)
    monkeypatch.setattr(add_rows, "_native", None)

    assert call() == EXPECTED
    assert path.read_bytes() == whole


POSIX = pytest.mark.skipif(os.name != "posix", reason="there are no such modes")


@COMPILED
@POSIX
def test_only_this_user_can_write_to_the_folder_that_is_made(cache):
    call()

    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in cache.iterdir()] == [0o600]
    assert objectcode.obstacle() == ""


@COMPILED
@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_code_in_a_folder_to_which_others_can_write_is_not_run(cache, mode, monkeypatch, capsys):
    """Whatever lies there: it is compiled, not kept, and that is said once."""
    call()
    (path,) = cache.iterdir()
    path.write_bytes(planted := b"planted")
    cache.chmod(mode)
    objectcode._safe.cache_clear()
    for _ in range(2):
        monkeypatch.setattr(add_rows, "_native", None)
        assert call() == EXPECTED

    assert not objectcode.quick(add_rows)
    assert [one.read_bytes() for one in cache.iterdir()] == [planted]
    assert capsys.readouterr().err.count("others can write to") == 1
    with pytest.raises(InputError, match=r"others can write to .*, and what they put there would be run"):
        jit.warm()


@COMPILED
@POSIX
@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_a_file_that_others_can_write_is_compiled_again(cache, mode, monkeypatch):
    call()
    (path,) = cache.iterdir()
    path.chmod(mode)
    monkeypatch.setattr(add_rows, "_native", None)

    assert not objectcode.quick(add_rows)
    assert objectcode._read(path) is None
    assert call() == EXPECTED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert objectcode.quick(add_rows) == objectcode._IMAGES


@POSIX
@pytest.mark.parametrize(
    ("owner", "mode", "own"),
    [(1000, 0o644, True), (0, 0o755, True), (1001, 0o600, False), (1000, 0o664, False), (0, 0o646, False)],
)
def test_own_is_what_this_user_or_root_alone_can_write(owner, mode, own, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert objectcode._own(SimpleNamespace(st_uid=owner, st_mode=mode)) == own
    monkeypatch.setattr(os, "name", "nt")
    assert objectcode._own(SimpleNamespace(st_uid=owner, st_mode=mode))


def test_what_cannot_be_kept_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()
    objectcode._write(tmp_path / "taken", b"code")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@COMPILED
def test_without_a_writable_cache_everything_works_and_nothing_is_kept(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("MASSPROOF_CACHE", str(blocked / "below"))
    monkeypatch.setattr(add_rows, "_native", None)

    assert call() == EXPECTED
    with pytest.raises(InputError, match=r"cannot write to .* MASSPROOF_CACHE"):
        jit.warm()


@COMPILED
def test_a_user_without_a_home_keeps_nothing(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv("MASSPROOF_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)

    assert objectcode._read(objectcode.path_of(add_rows)) is None
    objectcode._write(objectcode.path_of(add_rows), b"x")
    assert not objectcode.path_of(add_rows).exists()


@COMPILED
def test_a_terminal_is_told_that_it_waits_for_the_compiler(cache, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    call()

    assert "compiling test_jit.add_rows for this processor, once" in capsys.readouterr().err


@COMPILED
def test_threads_that_call_at_once_get_one_kernel(cache):
    results = []
    threads = [threading.Thread(target=lambda: results.append(call())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [EXPECTED] * 8


@COMPILED
def test_a_forked_worker_uses_what_is_linked_and_links_what_is_not(cache):
    code = (
        "import os, numpy as np\n"
        "from massproof.kernels import scan\n"
        "t = np.eye(3), np.array([[0, 1, 2]], np.int32), np.zeros(3)\n"
        "for linked in (False, True):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        os._exit(0 if scan.scan_faces(*t).sums[3] > 0.86 else 1)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
        "    scan.scan_faces(*t)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_c_gets_addresses_and_the_dimensions_it_does_not_know(monkeypatch):
    got = []
    monkeypatch.setattr(jit, "DISABLED", False)
    monkeypatch.setattr(add_rows, "_native", lambda *flat: got.append(flat) or 0)
    rows, flags = np.ones((5, 3)), np.zeros(4, np.uint8)
    add_rows(rows, 2, flags)

    frozen, none = np.ones((5, 3)), np.zeros((0, 3))
    frozen.flags.writeable = False
    add_rows(frozen, 2, flags)
    add_rows(none, 2, flags)

    assert got == [(len(a), a.ctypes.data, 2, flags.ctypes.data) for a in (rows, frozen, none)]


def test_a_kernel_is_linked_when_it_is_first_called_and_once(monkeypatch):
    linked = []
    monkeypatch.setattr(jit, "DISABLED", False)
    monkeypatch.setattr(add_rows, "_native", None)
    monkeypatch.setattr(objectcode, "linked", lambda entry: linked.append(entry.name) or (lambda *flat: 7))

    assert [call()[0], call()[0]] == [7, 7]
    assert add_rows.link() is add_rows.link()
    assert linked == ["test_jit.add_rows"]


@pytest.mark.parametrize("obstacle", ["", "cannot write to /there"])
def test_warming_links_every_kernel_and_needs_a_place_to_keep_them(monkeypatch, obstacle):
    linked = []
    monkeypatch.setattr(jit, "DISABLED", False)
    monkeypatch.setattr(objectcode, "obstacle", lambda: obstacle)
    monkeypatch.setattr(crew, "compile_together", lambda entries: None)
    monkeypatch.setattr(jit.Entry, "link", lambda self: linked.append(self.name))
    if obstacle:
        with pytest.raises(InputError, match="cannot write to /there"):
            jit.warm()
        return

    assert jit.warm()[0] == len(linked) == len(jit.ENTRIES)
    assert {"scan.records", "test_jit.add_rows"} <= set(linked)


@pytest.mark.parametrize(
    "arguments",
    [
        (np.ones((5, 3), np.float32), 2, np.zeros(4, np.uint8)),
        (np.ones((5, 2)), 2, np.zeros(4, np.uint8)),
        (np.ones(5), 2, np.zeros(4, np.uint8)),
        (np.ones((5, 6))[:, ::2], 2, np.zeros(4, np.uint8)),
        (np.ones((5, 3)), 2, np.zeros(5, np.uint8)),
    ],
    ids=["type", "columns", "dimensions", "strides", "length"],
)
def test_an_array_that_does_not_fit_is_refused_before_it_is_read(arguments, monkeypatch):
    monkeypatch.setattr(jit, "DISABLED", False)
    monkeypatch.setattr(add_rows, "_native", lambda *flat: pytest.fail("was called"))
    with pytest.raises(TypeError, match="is needed, got"):
        add_rows(*arguments)


@kernel(apart=True)
def halved(x):
    """Long enough to be worth compiling once, let us say."""
    return x / 2


@kernel(apart=True)
def checked(n):
    if n > 2:
        raise ValueError(n)
    return n


@COMPILED
def test_kernels_apart_are_compiled_once_and_do_the_same(monkeypatch, cache):
    """One function, called twice: the code says so, and needs nothing of numba for the errors it cannot raise."""
    from massproof.kernels import compiler

    @entry("f8[:]")
    def twice(x):
        x[0], x[1] = halved(x[0]) + 1.0, halved(x[1])
        return 3

    texts = []
    monkeypatch.setattr(
        compiler, "_alone", lambda text, entry, real=compiler._alone: texts.append(text) or real(text, entry)
    )
    x = np.array([4.0, 3.0])

    assert (twice(x), x.tolist()) == (3, [3, 1.5])
    assert len(re.findall(r"^define internal .*halved", texts[0], re.M)) == 1
    assert len(re.findall(r"call .*halved", texts[0])) == 2


@COMPILED
@pytest.mark.parametrize(
    ("greedy", "needs"),
    [
        (lambda n: np.zeros(n).size + len(np.ones(n).reshape(-1)), "NRT_MemInfo_alloc"),
        (lambda n: checked(n), "picklebuf"),
    ],
    ids=["allocates", "raises"],
)
def test_a_kernel_that_allocates_or_raises_is_refused(greedy, needs):
    one = entry("i8")(greedy)

    with pytest.raises(RuntimeError, match=rf"{re.escape(one.name)} must not allocate or raise, .*{needs}"):
        one(3)
    del jit.ENTRIES[one.name]


@COMPILED
def test_the_user_s_own_numba_goes_on_working():
    """Linked kernels leave numba's symbols alone: its functions still raise, and do not end the process."""
    code = (
        "import numba, numpy as np\n"
        "from massproof.kernels import scan\n"
        "scan.scan_faces(np.eye(3), np.array([[0, 1, 2]], np.int32), np.zeros(3))\n"
        "@numba.njit\n"
        "def own(n):\n"
        "    if n > 2:\n"
        "        raise ValueError('too many')\n"
        "    return np.ones(n).sum()\n"
        "assert own(2) == 2\n"
        "try:\n"
        "    own(3)\n"
        "except ValueError:\n"
        "    print('raised')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "raised\n"), done.stderr


def test_parts_are_done_once_each_on_any_number_of_threads():
    for threads in (0, 1, 2, 5):
        assert in_threads(lambda x: x * x, range(7), threads) == [x * x for x in range(7)]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_what_goes_wrong_in_a_thread_is_raised_where_it_was_called(threads):
    def fail(x):
        if x == 3:
            msg = "three"
            raise ValueError(msg)
        return x

    with pytest.raises(ValueError, match="three"):
        in_threads(fail, range(7), threads)


def test_cores_are_those_this_process_may_use(monkeypatch):
    assert jit.cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert jit.cores() == os.cpu_count()


@COMPILED
def test_warming_compiles_every_kernel_of_the_package():
    """Two runs: what the first compiles, the second finds, without importing the compiler."""
    code = "import sys; from massproof.kernels import jit; print(jit.warm()[0], 'numba' in sys.modules)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]

    count, _ = runs[0].stdout.split()

    assert int(count) > 5
    assert runs[1].stdout.split() == [count, "False"]


def test_warming_says_that_compiling_is_switched_off(monkeypatch):
    monkeypatch.setattr(jit, "DISABLED", True)
    with pytest.raises(UsageError, match="NUMBA_DISABLE_JIT is set"):
        jit.warm()


@COMPILED
def test_kernels_that_are_kept_run_without_llvm():
    """All of them, those too that call sin and cos."""
    code = (
        "import sys\n"
        "from massproof.kernels import jit\n"
        "jit.warm()\n"
        "print(*{'llvmlite', 'numba'} & set(sys.modules))\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ([] if objectcode._IMAGES else ["llvmlite"])


@pytest.mark.parametrize("kept", [True, False])
def test_a_kept_kernel_serves_small_inputs_once_enough_was_done_without(monkeypatch, kept):
    one = jit.Entry(lambda: 0, [])
    monkeypatch.setattr(jit, "DISABLED", False)
    monkeypatch.setattr(objectcode, "quick", lambda entry: kept)
    monkeypatch.setattr(objectcode, "linked", lambda entry: lambda: 7)
    answers = [one.at_hand(2_000) for _ in range(4)]

    assert answers == [False, kept, kept, kept]
    del jit.ENTRIES[one.name]
