"""What operations run: the kinds of jobs, each a function of stored files and options.

A kind is one function and one row of `KINDS`. It reads blobs, never a path of a client, and keeps files as blobs.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from massproof.blobs import Blobs
from massproof.errors import MassproofError
from massproof.files import Opened, opened
from massproof.operations import programs
from massproof.operations.port import Failure, Job, Outcome, Run, State

Ending = tuple[State, Outcome, Failure | None]

_LATE = frozenset({"WALL_CLOCK", "CPU_LIMIT"})


def properties(job: Job, blobs: Blobs) -> Outcome:
    """One file measured: our own JSON.

    Options are those of `massproof.measure`; and `otherwise`, those of them that hold where the file states no density:
    one that states it of some of its parts is not weighed as if all were of one density.
    """
    from massproof.measure import measure

    source, options = _asked(job, blobs)
    otherwise = options.pop("otherwise", None)
    found = measure(source, **options)
    stated = any(one.code == "density-stated" and one.evidence["densities"] for one in found.findings)
    if otherwise and found.density is None and not stated:
        found = measure(source, **options, **otherwise)
    return Outcome(found.to_dict())


def assembly(job: Job, blobs: Blobs) -> Outcome:
    """Each part of one file measured: `Assembly.to_dict()`.

    Options are those of `massproof.assembly`; and `otherwise`, those that hold for parts of which no density is stated.
    """
    from massproof.partwise import assembly as measured

    source, options = _asked(job, blobs)
    otherwise = options.pop("otherwise", None)
    found = measured(source, **options)
    if otherwise and any(one.properties.density is None for one in found.parts.values()):
        found = found.filled(measured(source, **options, **otherwise))
    return Outcome(found.to_dict())


def thumbnail(job: Job, blobs: Blobs) -> Outcome:
    """A picture of one file: thumbnail.png. Options are those of `massproof.render`, and `definition`: see `_part`."""
    from massproof.rendering import render

    source, options = _part(*_asked(job, blobs))
    picture = blobs.put(render(source, **options))
    return Outcome({"size": picture.size}, {"thumbnail.png": picture.digest})


def conversion(job: Job, blobs: Blobs) -> Outcome:
    """One file in another format.

    Options are those of `massproof.convert`; `name`, of what is written; and `mesh`, the number or name of the one that
    is, as `choice.mesh` takes it; or `objects` and `of`, which of a breakdown's, as `choice.objects` takes them; or
    `definition`: see `_part`.
    """
    from massproof import choice
    from massproof.conversion import convert

    source, options = _part(*_asked(job, blobs))
    name, mesh = options.pop("name"), options.pop("mesh", None)
    if mesh is not None:
        options["parts"] = choice.mesh(source, options["format"], mesh)
    if (objects := options.pop("objects", None)) is not None:
        options["parts"] = choice.objects(source, objects, options.pop("of"))
    with tempfile.TemporaryDirectory(prefix="massproof-") as folder:
        done = convert(source, Path(folder) / name, **options)
        files = {path.name: blobs.take(path).digest for path in done.files}
        result = done.to_dict() | {
            "files": list(files)
        }  # which hashes what is written: it must still be there
    return Outcome(result, files)


def _part(source: Opened, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The part of a file that the option `definition` names, by its id in the file's `Assembly`, or all of it."""
    definition = options.pop("definition", None)
    if definition is None:
        return source, options
    from massproof.partwise import alone

    return alone(source, definition, options.get("format")), options


def _asked(job: Job, blobs: Blobs) -> tuple[Opened, dict[str, Any]]:
    """The one input of a job, and its options; `called` is its name in messages, and of parts without one."""
    (digest,) = job.inputs
    blobs.size(digest)
    options = dict(job.options)
    found: Opened = opened(blobs.path(digest))
    return found._replace(name=options.pop("called", "part"), suffix=""), options


KINDS: Mapping[str, Callable[[Job, Blobs], Outcome]] = {
    "properties": properties,
    "assembly": assembly,
    "thumbnail": thumbnail,
    "conversion": conversion,
    "program": programs.program,
}


def runner(blobs: Blobs) -> Run:
    """What runs any job on these blobs."""
    return partial(_run, blobs)


def _run(blobs: Blobs, job: Job) -> Outcome:
    return KINDS[job.kind](job, blobs)


def ending(run: Run, job: Job, seconds: float, done: threading.Event) -> Ending | None:
    """How a job ended, after so many seconds at most; None when somebody else sets `done` before.

    It runs on a thread of its own, for no thread can be stopped: one that is late goes on, and nobody hears of it.
    """
    found: list[Ending] = []

    def work() -> None:
        found.append(outcome_of(run, job))
        done.set()

    threading.Thread(target=work, name="massproof-job", daemon=True).start()
    if not done.wait(seconds):
        message = f"this took longer than {seconds:g} s, and was given up; simplify the file"
        return State.TIMED_OUT, Outcome(), Failure("WALL_CLOCK", message)
    return found[0] if found else None


def outcome_of(run: Run, job: Job) -> Ending:
    """How a job ended; whatever it raises is its failure and nobody else's."""
    try:
        return State.SUCCEEDED, run(job), None
    except Exception as error:  # noqa: BLE001  # recorded, and the next job goes on
        failure = failure_of(error)
        return State.TIMED_OUT if failure.code in _LATE else State.FAILED, Outcome(), failure


def failure_of(error: Exception) -> Failure:
    """What is recorded of an exception: our own say what is wrong, others which they are."""
    if isinstance(error, MassproofError):
        code: Any = getattr(error, "code", None) or error.kind
        return Failure(str(code), str(error))
    if isinstance(error, MemoryError):
        return Failure("OUT_OF_MEMORY", "this needed more memory than there is; simplify the file")
    return Failure("INTERNAL", f"{type(error).__name__}: {error}")
