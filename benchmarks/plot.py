"""One picture of a run: CPU time against the number of triangles, and all peers at a million."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_SIZES = {"torus_1e3": 1e3, "torus_1e5": 1e5, "torus_1e6": 1e6, "torus_1e7": 1e7}
_OWN = "#c2410c"
_NAMED = (
    "massproof",
    "admesh",
    "vtk",
    "meshlib",
    "ocp",
    "libigl",
    "trimesh",
    "pymeshlab",
    "numpy-stl",
    "open3d",
)


def _style(name: str) -> dict[str, Any]:
    if name == "massproof":
        return {"color": _OWN, "linewidth": 2.5, "zorder": 3}
    return {"color": "#94a3b8", "linewidth": 0.9}


def _labels(axes: Any, ends: list[tuple[float, float, str]]) -> None:
    """Names at the right ends of some curves, moved apart where they would meet."""
    low = {}
    for x, y, name in sorted(end for end in ends if end[2] in _NAMED):
        place = low[x] = max(y, low.get(x, 0.0) * 1.5)
        colour = _OWN if name == "massproof" else "#475569"
        axes.annotate(name, (x, y), (x * 1.3, place), fontsize=7.5, color=colour, va="center")


def draw(found: dict[str, Any], path: Path) -> None:
    """Write the picture as SVG; nothing when matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "massproof", "svg.fonttype": "none", "font.family": "sans-serif"}
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6.2), width_ratios=(1.15, 1))
    cases = {name: case["rows"] for name, case in found["cases"].items()}
    sizes = {name: size for name, size in _SIZES.items() if name in cases}
    names = {peer for name in sizes for peer, row in cases[name].items() if "cpu" in row}
    names = {n for n in names if not n.startswith(("massproof ", "sum of", "pyvista-stl t", "trimesh p"))}
    ends = []
    for peer in sorted(names):
        points = [
            (size, cases[n][peer]["cpu"]) for n, size in sizes.items() if "cpu" in cases[n].get(peer, {})
        ]
        left.plot(*zip(*points, strict=True), marker="o", markersize=2.5, **_style(peer))
        ends.append((*points[-1], peer))
    _labels(left, ends)
    left.set(xscale="log", yscale="log", xlabel="triangles, binary STL", ylabel="CPU seconds, load + compute")
    left.set_xlim(right=max(sizes.values(), default=1.0) * 12)
    _dots(right, {p: row for p, row in cases.get("torus_1e6", {}).items() if "cpu" in row and p in names})
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _dots(axes: Any, rows: dict[str, Any]) -> None:
    """Each peer's time, the fastest on top."""
    order = sorted(rows, key=lambda name: -rows[name]["cpu"])
    total = [rows[name]["cpu"] * 1e3 for name in order]
    colours = [_OWN if name == "massproof" else "#94a3b8" for name in order]
    axes.scatter(total, order, color=colours, zorder=2)
    for k, (name, value) in enumerate(zip(order, total, strict=True)):
        ratio = f"{rows[name]['cpu_ratio']:.1f} ×" if rows[name]["cpu_ratio"] else ""
        axes.text(value * 1.25, k, f"{value:.0f} ms  {ratio}", va="center", fontsize=7)
    axes.set(xscale="log", xlabel="CPU milliseconds, 10⁶ triangles, load + compute")
    axes.set_xlim(right=max(total, default=1.0) * 8)
    axes.grid(axis="x", which="major", color="#e2e8f0", zorder=0)
    axes.tick_params(axis="y", labelsize=7.5)
