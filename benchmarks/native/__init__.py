"""C++ readers, compiled with g++ when a peer is first asked for, and loaded through ctypes.

Their headers are looked for in `SOURCES`, one folder for each library; where they are missing, git fetches
the pinned commit. Without network or compiler the peer is "not installed".
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import NamedTuple

import meshes

HERE = Path(__file__).parent
SOURCES = meshes.FOLDER / "sources"


class Library(NamedTuple):
    """Where a library comes from."""

    address: str
    commit: str
    include: str  # folder of its headers
    version: str


LIBRARIES = {
    "fast_obj": Library(
        "https://github.com/thisistherk/fast_obj", "d620667f10a548dee94dbc8c144bb22f79162176", ".", "1.3"
    ),
    "rapidobj": Library(
        "https://github.com/guybrush77/rapidobj", "fe4c779314b0daed19530c8b5aa323c789d08f81", "include", "1.1"
    ),
    "tinyobjloader": Library(
        "https://github.com/tinyobjloader/tinyobjloader",
        "b5346fac929c8a862a1c1d4d89db5477d30b7e6f",
        ".",
        "2.0.0rc13",
    ),
}


def _run(command: list[str], what: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        raise ImportError(what) from error


def _headers(name: str) -> Path:
    library, folder = LIBRARIES[name], SOURCES / name
    if not (folder / library.include).exists():
        folder.mkdir(parents=True, exist_ok=True)
        git, what = ["git", "-C", str(folder)], f"headers of {name}: no network"
        _run([*git, "init", "--quiet"], what)
        _run([*git, "fetch", "--quiet", "--depth", "1", library.address, library.commit], what)
        _run([*git, "checkout", "--quiet", "FETCH_HEAD"], what)
    return folder / library.include


def linked(name: str) -> ctypes.CDLL:
    """The compiled wrapper `name`; ImportError where it cannot be made."""
    target = meshes.FOLDER / f"{name}-{LIBRARIES[name].commit[:8]}.so"
    source = HERE / f"{name}.cpp"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        flags = ["-std=c++17", "-O3", "-march=native", "-DNDEBUG", "-shared", "-fPIC", "-pthread"]
        command = ["g++", *flags, "-I", str(_headers(name)), str(source), "-o", str(target)]
        _run(command, f"g++ cannot compile {name}")
    return ctypes.CDLL(str(target))
