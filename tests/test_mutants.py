"""Mistakes planted in the kernels and the algebra, one at a time: some test must notice each."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUITES = [
    "test_mass.py",
    "test_topology.py",
    "test_polygons.py",
    "test_integrals.py",
    "test_enclosure.py",
]

MUTANTS = [
    # file, as it is, as it must not be
    ("kernels/integrals.py", "d1, d2 = d / 24, d / 120", "d1, d2 = d / 24, d / 60"),
    ("kernels/integrals.py", "total[3] += d / 6", "total[3] += abs(d) / 6"),
    ("kernels/integrals.py", "total[10] += d2 * (sx * sy", "total[10] += d2 * (sx * sz"),
    ("kernels/integrals.py", "stop = min((block + 1) * BLOCK, len(faces))", "stop = min((block + 1) * BLOCK, len(faces) - 1)"),
    ("kernels/integrals.py", "p = minus(a, origin)", "p = a"),
    ("kernels/integrals.py", "sx, sy, sz = p.x + qx + rx", "sx, sy, sz = p.x + qx - rx"),
    ("kernels/integrals_small.py", "products = _products(s) + _products(p)", "products = _products(s) - _products(p)"),
    ("kernels/integrals_small.py", "return p * p[:, [1, 2, 0]]", "return p * p[:, [2, 0, 1]]"),
    ("kernels/integrals_small.py", "az * bx - ax * bz", "ax * bz - az * bx"),
    ("kernels/vector.py", "a.z * b.x - a.x * b.z", "a.x * b.z - a.z * b.x"),
    ("kernels/topology.py", "points = vertices[used] + 0.0", "points = vertices[used]"),
    ("kernels/topology.py", "(uses == 2) & (balance != 0)", "(uses == 2) & (balance == 2)"),
    ("kernels/topology.py", "unmatched = key[order][starts[balance != 0]]", "unmatched = key[order][starts[uses == 1]]"),
    ("kernels/topology.py", "for shift in range(8):", "for shift in range(1):"),
    ("kernels/polygons.py", "return not inside.any()", "return True"),
    ("kernels/polygons.py", "covered - area", "area - covered"),
    ("mass.py", "return float(np.trace(self.second)) * np.eye(3) - self.second", "return float(np.trace(self.second)) * np.eye(3) + self.second"),
    ("mass.py", "raw - one * np.outer(r, r)", "raw + one * np.outer(r, r)"),
    ("mass.py", "np.outer(apart, apart) * (self.mass * other.mass / mass)", "np.outer(apart, apart) * (self.mass * other.mass)"),
    ("mass.py", "rotation @ self.second @ rotation.T", "rotation.T @ self.second @ rotation"),
    ("enclosure.py", "if sums[3] > 0:", "if True:"),
    ("enclosure.py", "_ROUNDING = 96 ", "_ROUNDING = 0.02 "),
    ("enclosure.py", "thick = 3**0.5 * step", "thick = 0.3 * step"),
]  # fmt: skip

HEALTHY = ("mass.py", "NOTHING IS CHANGED", "NOTHING IS CHANGED")


def survives(mutant, folder):
    """Whether every suite still passes with this mistake in a copy of the package."""
    name, old, new = mutant
    package = folder / "massproof"
    shutil.copytree(ROOT / "src/massproof", package, ignore=shutil.ignore_patterns("__pycache__"))
    path = package / name
    text = path.read_text()
    assert text.count(old) == 1 or mutant is HEALTHY, (
        f"{name} no longer holds {old!r} once: move the mutant along"
    )
    path.write_text(text.replace(old, new))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--hypothesis-profile=mutants",
    ]
    done = subprocess.run(
        command + [f"tests/{suite}" for suite in SUITES],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: a test failed, as one should
    return done.returncode == 0


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1",
    reason="mutants run without the JIT anyway, once is enough",
)
def test_every_planted_mistake_is_noticed(tmp_path):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        alive = list(
            pool.map(survives, [HEALTHY, *MUTANTS], [tmp_path / str(n) for n in range(len(MUTANTS) + 1)])
        )

    assert alive.pop(0), "the copy without a mistake fails too, so the others prove nothing"
    assert [mutant for mutant, lives in zip(MUTANTS, alive, strict=True) if lives] == []
