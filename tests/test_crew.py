"""Kernels that are missing are compiled by several processes, if these would be a help, and else by this one."""

import subprocess
import sys

import pytest

from massproof.kernels import crew, jit, objectcode, part21, polygons, scan, tree

COMPILED = pytest.mark.skipif(jit.DISABLED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
TWO = [polygons.mark, tree.curve]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MASSPROOF_CACHE", str(tmp_path))
    monkeypatch.setattr(jit, "cores", lambda: 2)
    return tmp_path


@COMPILED
def test_processes_compile_what_is_missing_and_keep_it(cache, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    crew.compile_together(TWO)

    assert all(objectcode.kept(one) for one in TWO)
    assert capsys.readouterr().err == (
        "massproof: compiling 2 kernels for this processor, once (about 1 s on 2 cores)\n"
    )
    monkeypatch.setattr(crew, "_worker", lambda: pytest.fail("compiled a second time"))
    crew.compile_together(TWO)


@COMPILED
def test_two_programs_that_need_the_same_kernels_at_once_both_get_them(cache):
    code = (
        "from massproof.kernels import crew, jit, polygons, tree\n"
        "jit.cores = lambda: 2\n"
        "crew.compile_together([jit.ENTRIES['polygons.mark'], jit.ENTRIES['tree.curve']])\n"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]

    assert [one.wait() for one in programs] == [0, 0]
    assert all(objectcode.kept(one) for one in TWO)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize(
    "program", ["pass", "import sys; sys.stdin.readline()"], ids=["at once", "when asked"]
)
def test_a_process_that_ends_leaves_its_kernels_to_this_one(cache, monkeypatch, program):
    def dead():
        return subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    monkeypatch.setattr(crew, "_worker", dead)
    crew.compile_together(TWO)

    assert not any(objectcode.kept(one) for one in TWO)


@pytest.mark.parametrize("fault", ["no process", "one core", "no python", "no folder", "one kernel"])
def test_where_processes_are_no_help_there_are_none(cache, monkeypatch, fault):
    started = []
    monkeypatch.setattr(crew, "_worker", lambda: started.append(1))
    if fault == "one core":
        monkeypatch.setattr(jit, "cores", lambda: 1)
    elif fault == "no python":
        monkeypatch.setattr(sys, "executable", "/usr/bin/blender")
    elif fault == "no folder":
        monkeypatch.setattr(objectcode, "obstacle", lambda: "cannot write")
    crew.compile_together(TWO[:1] if fault == "one kernel" else TWO)

    assert len(started) == (2 if fault == "no process" else 0)


def test_a_system_without_processes_has_no_worker(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python3")

    assert crew._python() and crew._worker() is None


def test_who_needs_one_kernel_of_step_needs_all(monkeypatch):
    asked = []
    monkeypatch.setattr(crew, "compile_together", lambda entries: asked.append({one.name for one in entries}))
    crew.compile_family(part21.records)
    crew.compile_family(scan.records)

    (names,) = asked
    assert {"part21.records", "faces.measure", "trims.ranges"} <= names
    assert not names & {"scan.records", "tree.curve", "polygons.mark"}
