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
    "test_scan.py",
    "test_enclosure.py",
]

# The suite that is nearest to a file goes first, so that most mistakes are noticed in seconds.
NEAREST = {
    "bounds.py": "test_enclosure.py",
    "enclosure.py": "test_enclosure.py",
    "repair.py": "test_enclosure.py",
    "kernels/__init__.py": "test_integrals.py",
    "kernels/clusters.py": "test_topology.py",
    "kernels/polygons.py": "test_polygons.py",
    "kernels/formulas.py": "test_integrals.py",
    "kernels/scan.py": "test_scan.py",
    "kernels/scan_small.py": "test_integrals.py",
    "kernels/topology.py": "test_topology.py",
}

MUTANTS = [
    # file, as it is, as it must not be
    ("kernels/__init__.py", "*[1 / 120] * 6", "*[1 / 60] * 6"),
    ("kernels/formulas.py", "sums[7] + d,", "sums[7] + abs(d),"),
    ("kernels/formulas.py", "(z, z), (x, y), (y, z)", "(z, z), (x, z), (y, z)"),
    ("kernels/formulas.py", "p - origin[k % 3]", "p + origin[k % 3]"),
    ("kernels/formulas.py", "(a, b, c, a + b + c)", "(a, b, c, a + b - c)"),
    ("kernels/formulas.py", "q * (b2 - b1)", "q * (b2 + b1)"),
    ("kernels/formulas.py", "q * (c2 - c1)", "(a3 - a2) * (c2 - c1)"),
    ("kernels/formulas.py", "t = (x | (y << 32)) * _K1", "t = (x | (x << 32)) * _K1"),
    ("kernels/formulas.py", "t = ((t ^ (t >> 29)) + y) * _K3", "t = ((t ^ (t >> 29)) + x) * _K3"),
    ("kernels/formulas.py", "m.most(box[k + 3], m.most(a, m.most(b, c)))", "m.most(a, m.most(b, c))"),
    ("kernels/scan.py", "for j in range(whole, n):", "for j in range(whole, n - 1):"),
    ("kernels/scan.py", "lanes[3 * k + axis, j] = vertices[v, axis] + 0.0", "lanes[3 * k + axis, j] = vertices[v, axis]"),
    ("kernels/scan.py", "lanes[q, j] = lanes[q % 3, 0]", "lanes[q, j] = lanes[q, 0]"),
    ("kernels/scan.py", "            sums[q, j] = 0.0\n", ""),
    ("kernels/formulas.py", "az * bx - ax * bz", "ax * bz - az * bx"),
    ("kernels/scan_small.py", "lanes[:, :, :half] + lanes[:, :, half:]", "lanes[:, :, :half]"),
    ("kernels/scan_small.py", "+ corners.dtype.type(0)", "+ corners.dtype.type(-0.0)"),
    ("kernels/topology.py", "np.where(balance[:, None] > 0, up[:, ::-1], up)", "np.where(balance[:, None] > 0, up, up[:, ::-1])"),
    ("kernels/clusters.py", "for shift in range(8):", "for shift in range(1):"),
    ("kernels/polygons.py", "excess = covered - area", "excess = area - covered"),
    ("mass.py", "return float(np.trace(self.second)) * np.eye(3) - self.second", "return float(np.trace(self.second)) * np.eye(3) + self.second"),
    ("mass.py", "raw - one * np.outer(r, r)", "raw + one * np.outer(r, r)"),
    ("mass.py", "np.outer(apart, apart) * (self.mass * other.mass / mass)", "np.outer(apart, apart) * (self.mass * other.mass)"),
    ("mass.py", "rotation @ self.second @ rotation.T", "rotation.T @ self.second @ rotation"),
    ("enclosure.py", "if sums.volume < 0:\n                found", "if False:\n                found"),
    ("enclosure.py", "doubt + sums.rounding < abs(sums.volume)", "doubt < 1e9 * abs(sums.volume)"),
    ("bounds.py", "_ROUNDING = 64 ", "_ROUNDING = 0.02 "),
    ("bounds.py", "thick = 3**0.5 * step", "thick = 0.3 * step"),
    ("bounds.py", "fields[_NORMAL:] = -fields[_NORMAL:]", "fields[_NORMAL:] = fields[_NORMAL:]"),
    ("repair.py", "inwards = mixed & (signed < 0)", "inwards = mixed & (signed > 0)"),
    ("repair.py", "2 / 3 * np.pi * radius**3", "0.01 * np.pi * radius**3"),
    ("repair.py", "bounds.moved(around, move, sums.reach)", "bounds.moved(around, 0.0, sums.reach)"),
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
        command
        + [f"tests/{suite}" for suite in sorted(SUITES, key=lambda suite: suite != NEAREST.get(name))],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: a test failed, as one should
    return done.returncode == 0


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1" or not os.environ.get("MASSPROOF_MUTANTS"),
    reason="minutes of planted mistakes: make check runs them, or MASSPROOF_MUTANTS=1",
)
def test_every_planted_mistake_is_noticed(tmp_path):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        alive = list(
            pool.map(survives, [HEALTHY, *MUTANTS], [tmp_path / str(n) for n in range(len(MUTANTS) + 1)])
        )

    assert alive.pop(0), "the copy without a mistake fails too, so the others prove nothing"
    assert [mutant for mutant, lives in zip(MUTANTS, alive, strict=True) if lives] == []
