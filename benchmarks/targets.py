"""What massproof set out to reach, and what this run measured."""

from __future__ import annotations

import re
from typing import Any

Found = dict[str, Any]
Line = tuple[str, str, float | None, str]  # work, target, measured, how it reads
_OWN = ("massproof", "sum of")


def table(found: Found) -> list[str]:
    """Markdown; lines whose parts were not run are left out."""
    rows = [line for line in lines(found) if line[2] is not None]
    if not rows:
        return []
    body = [f"| {work} | {target} | {text} | {_met(target, value)} |" for work, target, value, text in rows]
    return ["## Targets", "", "| work | target | measured | met |", "|---|---|---|---|", *body, ""]


def _met(target: str, value: float | None) -> str:
    sign, number = re.match(r"([≥≤]) ([\d.]+)", target).groups()  # type: ignore[union-attr]
    assert value is not None
    return "yes" if (value >= float(number) if sign == "≥" else value <= float(number)) else "**no**"


def lines(found: Found) -> list[Line]:
    """Every target."""
    large, small = _rows(found, "torus_1e6"), _rows(found, "torus_1e3")
    huge, text, obj = _rows(found, "torus_1e7"), _rows(found, "ascii_1e6"), _rows(found, "obj_1e6")
    tests = _fastest(large, "checked_ratio")
    return [
        _ratio("binary STL 10⁶, against admesh without its check", "≥ 7", large, "admesh"),
        (
            "binary STL 10⁶, against the fastest that says whether it is closed",
            "≥ 15 ×",
            tests[0],
            _of(tests),
        ),
        _ratio("binary STL 10⁶, against trimesh", "≥ 180", large, "trimesh"),
        *_speed(huge),
        _best("binary STL 10³, against the fastest, wall time", "≥ 1", small, "wall_ratio"),
        *_cold(found),
        *_topology(found),
        _ratio("OBJ 10⁶, against fast_obj", "≥ 1", obj, "fast_obj"),
        _ratio("OBJ 10⁶, against rapidobj", "≥ 1.7", obj, "rapidobj"),
        _ratio("OBJ 10⁶, against tinyobjloader", "≥ 7", obj, "tinyobjloader"),
        _ratio("OBJ 10⁶, against trimesh", "≥ 25", obj, "trimesh"),
        _best("ASCII STL 10⁶, against the fastest", "≥ 3", text, "cpu_ratio"),
        *_memory(found),
        *_step(found),
    ]


def _rows(found: Found, case: str) -> dict[str, Any]:
    return {n: row for n, row in found["cases"].get(case, {}).get("rows", {}).items() if "cpu" in row}


def _fastest(rows: dict[str, Any], ratio: str) -> tuple[float | None, str]:
    """Smallest ratio among the others, and whose it is."""
    others = [
        (row[ratio], name) for name, row in rows.items() if row.get(ratio) and not name.startswith(_OWN)
    ]
    return min(others, default=(None, ""))


def _of(best: tuple[float | None, str]) -> str:
    return f"{best[0]:.1f} × ({best[1]})" if best[0] is not None else ""


def _ratio(work: str, target: str, rows: dict[str, Any], peer: str) -> Line:
    value = rows[peer]["cpu_ratio"] if peer in rows else None
    return work, f"{target} ×", value, f"{value:.1f} ×" if value is not None else ""


def _best(work: str, target: str, rows: dict[str, Any], ratio: str) -> Line:
    best = _fastest(rows, ratio)
    return work, f"{target} ×", best[0], _of(best)


def _speed(rows: dict[str, Any]) -> list[Line]:
    """Against the machine: adding up the bytes of the file."""
    needed = ("massproof", "massproof kernel", "massproof kernel 1 thread", "sum of mapped bytes")
    if any(name not in rows for name in needed):
        return []
    wall = {name: row["wall"] for name, row in rows.items()}
    one = wall["sum of mapped bytes"] / wall["massproof kernel 1 thread"]
    whole = wall["sum of mapped bytes all cores"] / wall["massproof"]
    threads = wall["massproof kernel 1 thread"] / wall["massproof kernel"]
    return [
        (
            "binary STL 10⁷, speed of summing its mapped bytes, 1 thread",
            "≥ 60 %",
            100 * one,
            f"{100 * one:.0f} %",
        ),
        ("the same with all cores, whole `measure`", "≥ 60 %", 100 * whole, f"{100 * whole:.0f} %"),
        ("binary STL 10⁷, all cores against 1 thread", "≥ 1.7 ×", threads, f"{threads:.2f} ×"),
    ]


def _cold(found: Found) -> list[Line]:
    row = found.get("cold", {}).get("massproof measure, 10⁶ triangles")
    if row is None:
        return []
    text = f"{row['wall_ratio']:.2f} × ({row['wall']:.2f} s)"
    return [
        (
            'whole command on 10⁶ triangles, against `python -c "import numpy"`',
            "≤ 1.5 ×",
            row["wall_ratio"],
            text,
        )
    ]


def _topology(found: Found) -> list[Line]:
    rows = {n: row for n, row in found.get("topology", {}).get("torus_1e6", {}).items() if "cpu" in row}
    full = {n: row for n, row in rows.items() if (row["answer"]["bodies"] is not None)}
    work = "weld, edges, bodies, 10⁶ triangles"
    return [
        _ratio(f"{work}, against trimesh", "≥ 20", rows, "trimesh topology"),
        _best(f"{work}, against the fastest", "≥ 3", full, "cpu_ratio"),
    ]


def _memory(found: Found) -> list[Line]:
    row = _rows(found, "torus_1e7").get("massproof")
    if row is None or row.get("private") is None:
        return []
    beyond = max(row["private"], row["peak"] - found["cases"]["torus_1e7"]["bytes"]) / 1e6
    return [("binary STL 10⁷, memory beyond the mapped file", "≤ 64 MB", beyond, f"{beyond:.0f} MB")]


def _step(found: Found) -> list[Line]:
    """STEP: times are CPU, of the shell wall."""
    if "step" not in found:
        return []
    import step

    numbers = step.summary(found["step"])
    where = "corpus" if found["step"]["corpus"] else "data/"
    wanted = (
        (f"STEP files of the {where}, against OCCT's defaults, median", "≥ 18 ×", "median", "×", 1),
        ("the same, worst", "≥ 3 ×", "worst", "×", 1),
        ("the same, sums of times", "≥ 12 ×", "sum", "×", 1),
        ("`massproof measure` of a STEP file of about 200 kB, against CadQuery", "≥ 20 ×", "shell", "×", 1),
        ("faces integrated natively", "≥ 99 %", "faces", "%", 2),
        ("solids integrated natively", "≥ 98 %", "solids", "%", 2),
        ("Part 21 tokens on one core", "≥ 200 MB/s", "tokens", "MB/s", 0),
    )
    return [
        (work, target, numbers[key], f"{numbers[key]:.{digits}f} {unit}")
        for work, target, key, unit, digits in wanted
        if key in numbers
    ]
