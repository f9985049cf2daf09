"""Damaged STEP files are refused or measured: no crash, no hang, no exception that is not ours.

A part of it runs with the other tests; all of it, on twenty real files, with MASSPROOF_FUZZ=1.
"""

import json
import os
import re
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_corpus import HOME

import massproof as mp
from massproof import isolation
from massproof.kernels import jit

pytestmark = pytest.mark.skipif(jit.DISABLED, reason="thousands of files take too long as Python")
ROOT = Path(__file__).parent.parent
ALL = os.environ.get("MASSPROOF_FUZZ")
TOKEN = re.compile(rb"'(?:[^']|'')*'|/\*.*?\*/|#\d+|\.\w+\.|[-+.\w]+|[(),;=$*]", re.DOTALL)
REFERENCE = re.compile(rb"#\d+")
SAMPLES = ("bracket.step", "torus.step", "assembly.step")
SECONDS = 10.0


def truncated(data):
    """Cut at every hundredth of its length, with and without an end that hides it."""
    end = b"ENDSEC;\nEND-ISO-10303-21;\n"
    for percent in range(100):
        cut = data[: len(data) * percent // 100]
        yield f"cut at {percent} %", cut
        yield f"cut and closed at {percent} %", cut[: cut.rfind(b";") + 1] + b"\n" + end


def without_tokens(data, random, count):
    """One to eight tokens of the data section deleted."""
    tokens = [match.span() for match in TOKEN.finditer(data, data.find(b"DATA;") + 5)]
    for _ in range(count):
        chosen = sorted(random.choice(len(tokens), random.integers(1, 9), replace=False))
        pieces, at = [], 0
        for start, stop in (tokens[i] for i in chosen):
            pieces.append(data[at:start])
            at = stop
        yield f"without tokens {chosen}", b"".join([*pieces, data[at:]])


def shuffled(data, random, count):
    """References that name other instances: a few, or a hundredth, or all of one type of them."""
    found = [m for m in REFERENCE.finditer(data) if not re.match(rb"\s*=", data[m.end() : m.end() + 9])]
    for _ in range(count):
        number = int(random.choice([2, 3, 8, max(2, len(found) // 100), max(2, len(found) // 10)]))
        chosen = random.choice(len(found), min(number, len(found)), replace=False)
        names = [found[i][0] for i in random.permutation(chosen)]
        pieces, at = [], 0
        for i, name in sorted(zip(chosen.tolist(), names, strict=True)):
            pieces += [data[at : found[i].start()], name]
            at = found[i].end()
        yield f"references {sorted(chosen.tolist())} shuffled", b"".join([*pieces, data[at:]])


def changed_numbers(data, random, count):
    """One to four numbers replaced by others that are written as well."""
    others = (b"0.", b"-1.", b"1.E300", b"-1.E-300", b"1", b"1.E30", b"7", b"$", b"*", b".T.", b"''", b"()")
    found = [m.span() for m in re.finditer(rb"(?<=[(,\s])-?\d+(?:\.\d*)?(?:E[-+]?\d+)?(?=[\s,)])", data)]
    for _ in range(count):
        chosen = sorted(random.choice(len(found), random.integers(1, 5), replace=False))
        pieces, at = [], 0
        for start, stop in (found[i] for i in chosen):
            pieces += [data[at:start], others[random.integers(len(others))]]
            at = stop
        yield f"numbers {chosen} changed", b"".join([*pieces, data[at:]])


def damaged(data, seed, count):
    """`count` of each kind of damage but truncation, which is always the same 200."""
    random = np.random.default_rng(seed)
    yield from truncated(data)
    yield from without_tokens(data, random, count)
    yield from shuffled(data, random, count)
    yield from changed_numbers(data, random, count)


def measured(data):
    """What became of a file: its verdict, or the name of the error; anything else is raised."""
    try:
        with warnings.catch_warnings(action="error"):
            found = mp.measure(bytes(data), density="1 g/cm^3")
        json.dumps(found.to_dict(), allow_nan=False)
    except mp.MassproofError as error:
        assert "\n" not in str(error)
        how = next(
            (word for word in ("crashed", "took more than", "needed more than") if word in str(error)),
            "refused",
        )
        return f"{type(error).__name__}, {how}"
    return found.verdict.value


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_samples_are_refused_or_measured(name, monkeypatch):
    """Without Open CASCADE, which a damaged file may crash or keep busy: that is what its process is for."""

    def nothing(function, data, *limits, **arguments):
        return {"parts": [None] * len(arguments["wanted"]), "version": "7.9"} if arguments else True

    monkeypatch.setattr(isolation, "call", nothing)
    for what, case in damaged((ROOT / "data" / name).read_bytes(), 1, 40):
        start = time.perf_counter()
        assert measured(case), what
        assert time.perf_counter() - start < SECONDS, what


def real_files(count=20):
    """Small files of many sources, each of them once before any twice."""
    path = HOME / "truth.json"
    records = json.loads(path.read_text())["files"] if path.exists() else []
    small = sorted(
        (r["bytes"], r["file"]) for r in records if r["kind"] == "brep" and 2_000 < r["bytes"] < 200_000
    )
    sources: dict[str, int] = {}
    ranked = []
    for size, name in small:
        source = name.split("/")[2]
        sources[source] = sources.get(source, 0) + 1
        ranked.append((sources[source], size, name))
    return [name for _, _, name in sorted(ranked)[:count]]


@pytest.mark.skipif(not ALL, reason="an hour of damaged files: MASSPROOF_FUZZ=1 runs them")
@pytest.mark.parametrize("name", real_files() if ALL else [])
def test_damaged_real_files_are_refused_or_measured(name, monkeypatch):
    """Each in a process of its own, so that a crash and a hang are seen as what they are."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    # Each case may ask for Open CASCADE in a process of its own, which one that is confined cannot start.
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool(isolation.PROCESS))
    limits = isolation.Limits(SECONDS, 4 << 30)
    data = (HOME / name).read_bytes()
    wrong, outcomes = [], {}
    for what, case in damaged(data, 1, int(ALL)):
        try:
            outcome = isolation.call("test_step_fuzz:measured", case, limits)
        except mp.MassproofError as error:
            outcome = str(error)
            wrong.append((what, outcome))
            folder = os.environ.get("MASSPROOF_FUZZ_KEEP")
            if folder:
                (Path(folder) / f"{Path(name).stem}-{len(wrong)}.step").write_bytes(case)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    isolation._POOL.end()
    sys.stderr.write(f"\n{name}: {outcomes}\n")

    assert wrong == []
