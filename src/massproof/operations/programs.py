"""From a program or saved files to a part: the job kind "program".

A program is CadQuery or build123d in Python, and runs in a process of its own with limits: see `isolation`. Its part is
what it leaves in the variable `result` or hands to `show_object`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from massproof import isolation
from massproof.blobs import Blobs
from massproof.errors import FormatError, UsageError
from massproof.operations import providers
from massproof.operations.port import Job, Outcome

LIMITS = isolation.Limits(seconds=60.0, memory=4 << 30)
_ALWAYS = ("step", "gltf")
_LONGEST = 1 << 20  # bytes of a program
_TOLD = 1000  # characters of its error


def program(job: Job, blobs: Blobs) -> Outcome:
    """A part as source.step, source.gltf and source.FORMAT, with the program that made it as source.py.

    inputs : the program; or files that were saved, whose suffixes are the option "saved"
    options : "format", what is wanted beside STEP and glTF; "openai", where a model is, and "prompt", what to ask it
    """
    given, text = dict[str, bytes](), b""
    if "saved" in job.options:
        pairs = zip(job.options["saved"], job.inputs, strict=True)
        given = {f"source{suffix}": blobs.read(digest) for suffix, digest in pairs}
    elif "openai" in job.options:
        text = providers.asked(job.options["openai"], job.options["prompt"]).encode()
    else:
        text = blobs.read(job.inputs[0])
    if text:
        given = {"source.step": executed(text), "source.py": text}
    files = _completed(given, job.options["format"])
    return Outcome({"files": list(files)}, {name: blobs.put(data).digest for name, data in files.items()})


def executed(text: bytes) -> bytes:
    """STEP of the part that a program makes, in a process of its own.

    Raises FormatError when the program fails or leaves no part, Stopped when it exceeds a limit.
    """
    if len(text) > _LONGEST:
        msg = f"the program has {len(text)} bytes, of at most {_LONGEST}; shorten it"
        raise FormatError(msg)
    try:
        step: bytes = isolation.call_for_bytes("massproof.operations.programs:run", text, LIMITS)[1]
    except isolation.Stopped as error:
        msg = f"the program was stopped ({error.code}): {error}"
        raise isolation.Stopped(msg, error.code) from error
    return step


def run(text: bytes) -> tuple[dict[str, Any], bytes]:
    """Run a program and write its part as STEP: what `executed` calls elsewhere, since it may do anything.

    Raises FormatError when it fails, or leaves no shape.
    """
    from massproof import occt, occt_write

    shown: list[Any] = []
    space: dict[str, Any] = {
        "__name__": "__main__",
        "show_object": lambda part, *_, **__: shown.append(part),
    }
    try:
        exec(compile(text, "<program>", "exec"), space)
    except (Exception, SystemExit) as error:
        msg = f"the program fails: {type(error).__name__}: {str(error)[:_TOLD]}; correct it and ask again"
        raise FormatError(msg) from error
    part = space.get("result")
    if part is None and shown:
        part = shown[-1]
    if part is None:
        msg = "the program leaves no part: assign one to the variable result, or call show_object(part)"
        raise FormatError(msg)
    shape = occt.wrap(part)
    if shape is None:
        msg = f"the program's part is a {type(part).__name__}, no CadQuery or build123d shape; assign one to result"
        raise FormatError(msg)
    turn = [[float(row == column) for column in range(4)] for row in range(4)]
    return {}, occt_write.of_objects(shape, unit="mm", protocol="AP214", turn=turn, name="source", created="")


def _completed(given: dict[str, bytes], wanted: str) -> dict[str, bytes]:
    """The files with STEP, glTF and what is wanted, each that is missing made from the one that there is.

    Raises UsageError when no file is a part that can be converted, or FBX is wanted.
    """
    from massproof.conversion import TARGETS, convert

    if wanted == "fbx" and "source.fbx" not in given:
        msg = "this server cannot write FBX files; ask for gltf, glb, obj, ply, step or stl"
        raise UsageError(msg)
    readable = [name for name in given if Path(name).suffix in TARGETS and not name.endswith(".gltf")]
    origin = "source.step" if "source.step" in given else next(iter(readable), "")
    if not origin:
        msg = f"of {', '.join(given)} none is a part that can be converted; save one as STEP"
        raise UsageError(msg)
    found = dict(given)
    with tempfile.TemporaryDirectory(prefix="massproof-") as folder:
        source = Path(folder) / origin
        source.write_bytes(given[origin])
        for name in dict.fromkeys((*_ALWAYS, wanted)):
            if f"source.{name}" not in found:
                options: dict[str, Any] = {"storage": "embedded"} if name == "gltf" else {}
                made = convert(source, Path(folder) / f"out.{name}", **options)
                found |= {f"source{path.suffix}": path.read_bytes() for path in made.files}
    return {name: found[name] for name in sorted(found, key=lambda name: (name != "source.step", name))}
