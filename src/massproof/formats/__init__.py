"""The registry of formats: modules with SUFFIXES, sniff(data), read(data), write(scene, …) where we export, and
scene(data) where a file has parts with names, places or colours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from massproof.errors import FormatError, UsageError
from massproof.files import Bytes

if TYPE_CHECKING:
    from massproof.brep import Drawn
    from massproof.mesh import Mesh, Records
    from massproof.scene import Files, Scene

# In the order of `sniff`: first the magic words, then STL, which is told by its exact length and so
# may have any of the other words in its header, then the first words of texts.
MODULES = ("step", "glb", "threemf", "stl", "ply", "off", "obj")

# What is handed in by mistake, by its first bytes after white space, in lower case; and what to do.
_MISTAKES = (
    (re.compile(rb"<!doctype html|<html"), "an HTML page, perhaps of a login; download the file itself"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer; fetch the content: git lfs pull"),
    (re.compile(rb"<"), "an XML file, which is none of the supported formats; export one of them"),
    (re.compile(rb"\x1f\x8b|pk\x03\x04"), "a compressed file; unpack it first"),
    (re.compile(rb"\xff\xfe|\xfe\xff|[ -~]\0[ -~]\0|\0[ -~]\0[ -~]"), "in UTF-16 encoding; save it as ASCII"),
)

# Suffixes are repeated here so that telling a format by its name imports no reader.
SUFFIXES = {
    ".stl": "stl",
    ".stla": "stl",
    ".stlb": "stl",
    ".obj": "obj",
    ".step": "step",
    ".stp": "step",
    ".ply": "ply",
    ".off": "off",
    ".3mf": "threemf",
    ".glb": "glb",
}


def read(data: Bytes, suffix: str | None = None) -> tuple[Mesh | Records | Drawn, str]:
    """Geometry in `data`, and the name of its format.

    data : the whole file, in any object with the buffer interface
    suffix : ".stl" and so on, in any case; None to tell the format from the bytes

    Raises FormatError when the format is unknown or the bytes are not a well-formed file of it.
    """
    view = memoryview(data)
    if not view.nbytes:
        msg = "the file is empty (0 bytes): nothing was written to it, or the copy failed"
        raise FormatError(msg)
    module = _sniffed(view) if suffix is None else _named(suffix, view)
    geometry: Mesh | Records | Drawn = module.read(view)
    return geometry, _name(module)


def scene(data: Bytes, format: str) -> Scene | None:
    """Parts, names, tree and colours of what `read` has read as `format`; None where that has none of these."""
    shown = getattr(_module(SUFFIXES[f".{format}"]), "scene", None)
    found: Scene | None = shown(memoryview(data)) if shown else None
    return found


def write(scene: Scene, format: str, name: str, files: Files, options: Mapping[str, str]) -> None:
    """Write a scene in a format, the module's name, to the file `name` and what belongs beside it.

    options : those of the `write` of that module

    Raises UsageError for an option that it does not have, and what it raises.
    """
    require_options(format, options)
    _module(format).write(scene, name, files, **options)


def require_options(format: str, options: Mapping[str, str]) -> None:
    """Raise UsageError for an option that the `write` of a format does not have."""
    from inspect import signature  # which takes longer to import than all of this

    parameters = signature(_module(format).write).parameters.values()
    known = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    unknown = sorted(options.keys() - set(known))
    if unknown:
        msg = f"{format.upper()} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}"
        raise UsageError(msg)


def _module(name: str) -> ModuleType:
    return import_module(f"massproof.formats.{name}")


def _name(module: ModuleType) -> str:
    suffix: str = module.SUFFIXES[0]
    return suffix[1:]


def _named(suffix: str, view: memoryview) -> ModuleType:
    """The module of a suffix, which the content does not contradict."""
    name = suffix.lower()
    if name not in SUFFIXES:
        msg = f"{suffix or 'no suffix'} is no known format; supported are {', '.join(SUFFIXES)}"
        raise FormatError(msg)
    module = _module(SUFFIXES[name])
    if module.sniff(view):
        return module
    found = _content(view)
    if found is not None:
        msg = (
            f"not {_article(module)} file, as the suffix {name} says: the content is "
            f"{_article(found)} file, it begins with {bytes(view[:8])!r}; "
            f"give it the suffix {found.SUFFIXES[0]} or export it again"
        )
        raise FormatError(msg)
    mistake = _mistake(view)
    if mistake:
        msg = f"not {_article(module)} file but {mistake}"
        raise FormatError(msg)
    return module  # which says best what it misses


def _mistake(view: memoryview) -> str:
    start = bytes(view[:512]).lstrip().lower()
    return next((what for pattern, what in _MISTAKES if pattern.match(start)), "")


def _article(module: ModuleType) -> str:
    name = _name(module).upper()
    return f"{'an' if name in ('OBJ', 'OFF', 'STL') else 'a'} {name}"


def _sniffed(view: memoryview) -> ModuleType:
    found = _content(view)
    if found is None:
        what = _mistake(view) or f"supported are {', '.join(SUFFIXES)}"
        msg = f"the bytes are of no known format, they begin with {bytes(view[:24])!r}: {what}"
        raise FormatError(msg)
    return found


def _content(view: memoryview) -> ModuleType | None:
    """The first module that recognises the bytes."""
    return next((module for module in map(_module, MODULES) if module.sniff(view)), None)
