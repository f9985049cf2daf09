"""Measure files one after the other, and print what comes of them.

Exit codes: 0 ok · 2 usage · 3 unreadable input · 4 measured but UNSAFE under --strict · 6 missing extra. Of several
files the first that applies of 6, 3, 2, 4 counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any, BinaryIO, NamedTuple, TextIO

from massproof import report, units
from massproof.errors import InputError, MassproofError, MissingExtra, UnitError, UnknownMaterial, UsageError
from massproof.files import Hashed
from massproof.measure import measure as measure_one
from massproof.properties import DIALECTS, SCHEMA_VERSION, Properties, Verdict

USAGE, UNREADABLE, UNSAFE, MISSING = 2, 3, 4, 6
_LONG = 2.0  # seconds after which a person wants to know that something is done


class Wanted(NamedTuple):
    """What a command line asks for, by the names that `commands.measure` gives its options."""

    files: list[str]
    unit: str | None = None
    material: str | None = None
    density: str | None = None
    mass: str | None = None
    system: str | None = None
    dialect: str | None = None
    format: str | None = None
    as_table: bool = False
    as_json: bool = False
    as_csv: bool = False
    as_ndjson: bool = False
    strict: bool = False
    check: str = "auto"
    weld: float | None = None
    repair: str | None = None
    engine: str | None = None
    accuracy: float | None = None

    def styles(self) -> list[str]:
        """The forms of output that are asked for."""
        asked = {"table": self.as_table, "json": self.as_json, "csv": self.as_csv, "ndjson": self.as_ndjson}
        return [name for name, on in asked.items() if on]

    def vendor(self) -> str | None:
        """The dialect, None for our own."""
        return self.dialect if self.dialect != "native" else None

    def arguments(self) -> dict[str, Any]:
        """Those that are for `massproof.measure`."""
        names = (
            "unit",
            "material",
            "density",
            "mass",
            "format",
            "check",
            "weld",
            "repair",
            "engine",
            "accuracy",
        )
        return {name: getattr(self, name) for name in names}


def say(text: str, to: TextIO | None = None) -> None:
    """Print a line at once: a reader that waits for it, as of --ndjson, gets it."""
    print(text, file=to or sys.stdout, flush=True)


def measure(wanted: Wanted) -> int:
    """Measure the files and print the results; the exit code."""
    wrong = _contradiction(wanted)
    if wrong:
        return _refused(wrong)
    chosen, vendor = wanted.styles(), wanted.vendor()
    style = chosen[0] if chosen else "json" if vendor or not sys.stdout.isatty() else "table"
    try:
        printer = _Printer(style, vendor or "native", wanted.system, len(wanted.files))
        codes = [_measure_file(name, wanted, printer) for name in wanted.files]
    except (UsageError, UnitError, UnknownMaterial) as error:
        return _refused(str(error))
    printer.close()
    return next((code for code in (MISSING, UNREADABLE, USAGE, UNSAFE) if code in codes), 0)


def _refused(why: str) -> int:
    say(f"error: {why}", to=sys.stderr)
    return USAGE


def _contradiction(wanted: Wanted) -> str:
    """What is wrong with options that are each right, "" when nothing is."""
    chosen, dialect = wanted.styles(), wanted.vendor()
    if len(chosen) > 1:
        return f"choose one of --{' and --'.join(chosen)}"
    if dialect and dialect not in DIALECTS:
        return f"unknown dialect {dialect!r}; use one of native, {', '.join(sorted(DIALECTS))}"
    if dialect and (wanted.system or chosen in (["csv"], ["table"])):
        return f"--dialect {dialect} is JSON in its own units: leave out --units, --csv and --table"
    count = len(wanted.files)
    if wanted.mass and count > 1:
        return f"--mass is that of one whole, and {count} files were given; measure them one by one"
    return ""


def _measure_file(name: str, wanted: Wanted, printer: _Printer) -> int:
    shown = "<stdin>" if name == "-" else name
    try:
        result = measure_one(printer.source(name), **wanted.arguments())
    except (UsageError, UnitError, UnknownMaterial):
        raise  # wrong for every file
    except MassproofError as error:
        printer.error(shown, error)
        return MISSING if isinstance(error, MissingExtra) else UNREADABLE
    if wanted.strict and any(f.code == "unit-assumed" for f in result.findings):
        msg = f"{shown} carries no length unit and --strict assumes none; give one with --unit"
        printer.error(shown, UnitError(msg))
        return USAGE
    printer.result(result)
    return UNSAFE if wanted.strict and result.verdict is Verdict.UNSAFE else 0


class _Printer:
    """Where results and errors go, in the order of the arguments."""

    def __init__(self, style: str, dialect: str, system: str | None, count: int) -> None:
        self._style, self._dialect, self._count = style, dialect, count
        self._system = system
        if system is not None:
            units.system(system)  # an unknown one fails before the first file is read
        self._objects: list[dict[str, Any]] = []
        self._rows = 0
        if style == "table":
            from rich.console import Console

            self._console = Console()

    def source(self, name: str) -> BinaryIO | str | Hashed:
        """What `measure` is given: the digest of a file is asked for where it will be printed."""
        if name == "-":
            if sys.stdin is None:
                msg = "standard input is closed: there is nothing to read; name a file"
                raise InputError(msg)
            return sys.stdin.buffer
        return Hashed(name) if self._style in ("json", "ndjson") and self._dialect == "native" else name

    def result(self, result: Properties) -> None:
        """Print one result, or keep it for `close`."""
        if self._style == "table":
            report.show(result, self._console, self._system)
            self._console.print()
        elif self._style == "csv":
            self._row(report.csv_row(result, self._system or "SI"))
        else:
            self._json(result.to_dict(self._dialect, self._system or "SI"))
        if self._dialect != "native":  # whose shape has no place for them
            for finding in result.findings:
                text = f"{result.verdict} {finding.code}: {report.printable(finding.message)}"
                say(text, to=sys.stderr)

    def error(self, name: str, error: MassproofError) -> None:
        """Report a file that could not be measured, and go on."""
        say(f"error: {report.printable(str(error))}", to=sys.stderr)
        if self._style == "csv":
            self._row(report.csv_error(name, str(error)))
        elif self._style != "table":
            self._json(
                {
                    "schema_version": SCHEMA_VERSION,
                    "source": {"name": name},
                    "error": {"kind": error.kind, "message": str(error)},
                }
            )

    def _row(self, cells: list[str]) -> None:
        import csv

        writer = csv.writer(sys.stdout, lineterminator="\n")
        if not self._rows:
            writer.writerow(report.columns(self._system or "SI"))
        writer.writerow(cells)
        self._rows += 1

    def _json(self, value: dict[str, Any]) -> None:
        if self._style == "ndjson":
            say(json.dumps(value, allow_nan=False, ensure_ascii=False))
        else:
            self._objects.append(value)

    def close(self) -> None:
        """Print what was kept: one object for one file, a list for several."""
        if self._style == "json":
            value = self._objects[0] if self._count == 1 else self._objects
            say(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """On a terminal, say what takes long, once it has taken two seconds."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    status = Console(stderr=True).status(f"{report.printable(what)} …")
    timer = Timer(_LONG, status.start)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        status.stop()
