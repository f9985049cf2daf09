"""What libraries say about a 1 × 2 × 3 mm box when its file is damaged.

    python benchmarks/open_box.py                                   print the table
    python benchmarks/open_box.py --json benchmarks/open_box.json   and record the answers
    python benchmarks/open_box.py --json benchmarks/open_box.json --write    and put it in README.md
    python benchmarks/open_box.py --check          does massproof still say what was recorded?

The files are those of `data/`. The libraries are those of `pip install massproof[bench]`; one that
is missing keeps its recorded answers with `--json` and reads "not installed" without. Open3D needs
libusb-1.0 on Linux (Debian: apt-get install libusb-1.0-0), also to run without a screen.

Each library is used as its documentation shows: load the file, ask for the volume. "Silent" means
that nothing was raised, warned, logged or printed meanwhile, file descriptors 1 and 2 included.
Afterwards the library's own test of the mesh is asked, which a user may or may not think of.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import logging
import math
import os
import platform
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "open_box.json"
BEGIN, END = "<!-- open-box:begin -->", "<!-- open-box:end -->"
CASES = {
    "box.stl": "closed",
    "open_box.stl": "open: 2 of its 12 triangles missing",
    "open_box_moved.stl": "the same, moved by 100 mm",
    "inverted.stl": "closed, all triangles flipped",
    "mixed_winding.stl": "closed, half of the triangles flipped",
    "overlapping.stl": "two unit cubes that overlap by half",
}


class Answer(NamedTuple):
    """What one library says about one file."""

    volume: float | None  # mm³
    test: str  # the library's own test of the mesh, as one would call it
    passed: Callable[[], bool]  # what that test says


def trimesh_says(path: str) -> Answer:
    """Ask trimesh."""
    import trimesh

    mesh = trimesh.load_mesh(path)
    return Answer(float(mesh.volume), "mesh.is_volume", lambda: mesh.is_volume)


def numpy_stl_says(path: str) -> Answer:
    """Ask numpy-stl."""
    from stl import mesh as stl

    mesh = stl.Mesh.from_file(path)
    volume = float(mesh.get_mass_properties()[0])
    return Answer(volume, "mesh.is_closed(exact=True)", lambda: mesh.is_closed(exact=True))


def pyvista_says(path: str) -> Answer:
    """Ask PyVista."""
    import pyvista

    mesh = pyvista.read(path)
    return Answer(float(mesh.volume), "mesh.is_manifold", lambda: mesh.is_manifold)


def pymeshlab_says(path: str) -> Answer:
    """Ask PyMeshLab, which leaves `mesh_volume` out of its measures when the mesh is open."""
    import pymeshlab

    meshes = pymeshlab.MeshSet()
    meshes.load_new_mesh(path)
    volume = meshes.get_geometric_measures().get("mesh_volume")
    test = 'get_topological_measures()["boundary_edges"] == 0'
    return Answer(volume, test, lambda: meshes.get_topological_measures()["boundary_edges"] == 0)


def open3d_says(path: str) -> Answer:
    """Ask Open3D; before vertices are merged it refuses every STL, the closed box too."""
    import open3d

    mesh = open3d.io.read_triangle_mesh(path)
    mesh.remove_duplicated_vertices()
    return Answer(mesh.get_volume(), "mesh.is_watertight()", mesh.is_watertight)


def meshlib_says(path: str) -> Answer:
    """Ask MeshLib."""
    from meshlib import mrmeshpy

    mesh = mrmeshpy.loadMesh(path)
    return Answer(mesh.volume(), "mesh.topology.isClosed()", mesh.topology.isClosed)


PEERS: dict[str, Callable[[str], Answer]] = {
    "trimesh": trimesh_says,
    "numpy-stl": numpy_stl_says,
    "pyvista": pyvista_says,
    "pymeshlab": pymeshlab_says,
    "open3d": open3d_says,
    "meshlib": meshlib_says,
}


def massproof_column() -> dict[str, str]:
    """What massproof says about each file, as the table shows it."""
    import massproof as mp

    column = {}
    for name in CASES:
        result = mp.measure(ROOT / "data" / name, unit="mm", density="1 g/cm^3")
        number = "no volume"
        if result.volume is not None:
            volume = result.volume.to("mm^3")
            number = f"{volume.value:.1f}"
            if volume.interval[1] - volume.interval[0] > 1e-3:
                number += " in [{:.1f}, {:.1f}]".format(*volume.interval)
        codes = "" if result.verdict == "SOUND" else ", ".join(f.code for f in result.findings)
        column[name] = f"{number}, {result.verdict}" + (f": {codes}" if codes else "")
    return column


def recorded(path: Path = RECORD) -> dict[str, Any]:
    """The recorded measurement: `columns` as the table shows them, `answers` and `versions`."""
    if not path.exists():
        return {"versions": {}, "columns": {}, "answers": {}}
    return json.loads(path.read_text(encoding="utf-8"))


def peer_column(ask: Callable[[str], Answer]) -> tuple[dict[str, str], dict[str, Any]]:
    """The cells of one library, and the answers that they are made of."""
    cells, answers = {}, {}
    for name in CASES:
        answer, raised = None, None
        with listening() as heard:
            try:
                answer = ask(str(ROOT / "data" / name))
            except (RuntimeError, ValueError) as error:
                raised = spoken(str(error))
        with listening():  # what the test says on the way is not about the volume
            passed = bool(answer.passed()) if answer else None
        cells[name] = cell(name, answer, passed, heard)
        answers[name] = {
            "volume": answer.volume if answer else None,
            "raised": raised,
            "heard": sorted(set(heard)),
            "test": answer.test if answer else None,
            "passed": passed,
        }
    return cells, answers


def cell(name: str, answer: Answer | None, passed: bool | None, heard: list[str]) -> str:
    """One cell: the number and, when it is wrong, whether anyone said so."""
    if answer is None:
        return "refuses"
    if answer.volume is None:
        return "no volume"
    number = shown(answer.volume, name)
    if "**" not in number and not heard:
        return number
    # A division by zero further down is numpy's word about a number, not about the mesh.
    numpy_only = all(text.startswith("RuntimeWarning") for text in heard)
    said = "silent" if not heard else "numpy warns" if numpy_only else "warns"
    return f"{number}, {said}" + ("" if passed else " †")


def shown(volume: float, name: str) -> str:
    """A volume in mm³ to three decimals, bold when it is not that of the file."""
    rounded = round(volume, 3)
    text = f"{volume:.0e}" if volume and not rounded else repr(rounded)
    text = text.replace("-", "−")
    true = truth()[name]
    good = true is not None and math.isclose(volume, true, rel_tol=1e-9)
    return text if good else f"**{text}**"


def truth() -> dict[str, float | None]:
    """The true volume of each file in mm³, None where there is none."""
    known = json.loads((ROOT / "data" / "truth.json").read_text(encoding="utf-8"))
    volumes = {name: known[name]["volume"] for name in CASES}
    return {name: None if v is None else round(v * 1e9, 9) for name, v in volumes.items()}


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what is warned, logged and printed meanwhile, by C++ code too."""
    heard: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(spoken(record.getMessage()))  # type: ignore[method-assign]
    sys.stdout.flush()
    saved = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        logging.getLogger().addHandler(handler)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield heard
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, number)
                os.close(copy)
            logging.getLogger().removeHandler(handler)
            file.seek(0)
            heard += [spoken(t) for t in file.read().decode(errors="replace").splitlines()]
            heard += [f"{w.category.__name__}: {spoken(str(w.message))}" for w in warned]


def spoken(text: str) -> str:
    """`text` on one line, without terminal colours and without the C++ function and file line."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return " ".join(re.sub(r"^\[.*?\.cpp:\d+: ", "", plain, flags=re.DOTALL).split())


def measure_all() -> dict[str, Any]:
    """Ask every library that is installed here."""
    found: dict[str, Any] = {"versions": {}, "columns": {}, "answers": {}}
    for library, ask in PEERS.items():
        try:
            with listening():  # a first import may warn; that is not an answer
                ask(str(ROOT / "data" / "box.stl"))
        except ImportError:
            continue
        found["columns"][library], found["answers"][library] = peer_column(ask)
        found["versions"][library] = importlib.metadata.version(library)
    try:
        found["columns"]["massproof"] = massproof_column()
        found["versions"]["massproof"] = importlib.metadata.version("massproof")
    except ImportError:
        pass
    found["versions"]["python"] = platform.python_version()
    return found


def table(found: dict[str, Any]) -> str:
    """The Markdown table: one column a library."""
    libraries = [*PEERS, "massproof"]
    heads = [f"{name} {found['versions'].get(name, '')}".strip() for name in libraries]
    true = {name: "none" if v is None else repr(v) for name, v in truth().items()}
    rows = [["1 × 2 × 3 mm box", "true", *heads], ["---"] * (len(heads) + 2)]
    for name, label in CASES.items():
        columns = [found["columns"].get(k, {}).get(name, "not installed") for k in libraries]
        rows.append([label, true[name], *columns])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    note = (
        "Volumes in mm³. Bold: not the volume of the body, or a volume where the surface encloses "
        "none. † The library has a test that fails here, but its volume does not ask it: "
        "`is_volume`, `is_closed(exact=True)`, `is_manifold`, `isClosed()`."
    )
    return "\n".join([*lines, "", note])


def write_readme(text: str) -> None:
    """Put the table between its markers in README.md."""
    path = ROOT / "README.md"
    content = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        msg = f"README.md has no {BEGIN} … {END}; put both where the table belongs"
        raise SystemExit(msg)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def check() -> None:
    """Exit with 1 when massproof does not say what was recorded."""
    now, then = massproof_column(), recorded()["columns"].get("massproof", {})
    changed = {k: (then.get(k), v) for k, v in now.items() if then.get(k) != v}
    for name, (old, new) in changed.items():
        print(f"{name}: recorded {old!r}, now {new!r}")
    if changed:
        raise SystemExit(1)
    print(f"massproof says what was recorded about {len(now)} files")


def main() -> None:
    """Run as a script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="record the answers; keep those not asked here")
    parser.add_argument("--write", action="store_true", help="put the table in README.md")
    parser.add_argument("--check", action="store_true", help="compare massproof with the record")
    options = parser.parse_args()
    if options.check:
        check()
        return
    found = measure_all()
    if options.json:
        old = recorded(options.json)
        found = {key: old[key] | found[key] for key in found}
        text = json.dumps(found, indent=1, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    print(table(found))
    if options.write:
        write_readme(table(found))


if __name__ == "__main__":
    main()
