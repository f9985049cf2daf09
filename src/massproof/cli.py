"""The command line's door: a plain `massproof measure` is read here, everything else by Typer in `commands`.

Exit codes: those of `output`, and 1 when the output cannot be written.
"""

from __future__ import annotations

import gc
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from massproof import output

_INTERRUPTED = 130  # as a shell reports a command that Ctrl-C ended, and as Typer does

# Options of `commands.measure` and what they are called there; the test says that Typer declares the same.
_TEXTS = {
    "--unit": "unit",
    "--material": "material",
    "--density": "density",
    "--mass": "mass",
    "--units": "system",
    "--dialect": "dialect",
    "--format": "format",
    "--check": "check",
    "--repair": "repair",
    "--engine": "engine",
}
_SWITCHES = {
    "--table": "as_table",
    "--json": "as_json",
    "--csv": "as_csv",
    "--ndjson": "as_ndjson",
    "--strict": "strict",
}


def plain(words: list[str]) -> output.Wanted | None:
    """What is asked for, if `words` say it plainly; None if there is anything that Typer should look at.

    Typer, with what it imports and builds, takes 120 ms, more than numpy and the kernels do: files, switches and
    options with a separate value are read here, as it reads them. Help, mistakes and rarer forms are its own.
    """
    if words[:1] != ["measure"] or os.name == "nt":  # where Typer expands * and ?
        return None
    files: list[str] = []
    found: dict[str, str | bool] = {}
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith("-"):
            files.append(word)
            continue
        name = _TEXTS.get(word) or _SWITCHES.get(word)
        value = True if word in _SWITCHES else next(rest, "")
        if name is None or name in found or not value or str(value).startswith("-"):
            return None
        found[name] = value
    return output.Wanted(files, **found) if all(files) and files else None  # type: ignore[arg-type]


def app() -> None:
    """Let Typer read the command line and run what it says."""
    from massproof import commands

    commands.app()


def main() -> None:
    """Run the command line; a reader that goes away, as `head` does, is no error."""
    # numpy's BLAS starts a thread for each core, which takes as long as the rest of numpy: ours are 3 × 3 matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000)  # what is imported is no garbage: the default looks through it many times
    if sys.stderr is None:  # closed, and what is said there must not go to standard output
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # as long as this runs
    if sys.stdout is None:
        _cannot_write("standard output is closed")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files and units hold more than ASCII
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        wanted = plain(sys.argv[1:])
        if wanted is None:
            app()
        else:
            sys.exit(output.measure(wanted))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        _discard_output()
        sys.exit(0)
    except OSError as error:
        _discard_output()
        _cannot_write(error.strerror)
    finally:
        gc.freeze()  # else Python looks for garbage once more before the system takes all memory back: 15 ms


def _cannot_write(why: str | None) -> NoReturn:
    output.say(f"error: cannot write the output: {why}", to=sys.stderr)
    sys.exit(1)


def _discard_output() -> None:
    # Python flushes standard output once more at exit, which must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
