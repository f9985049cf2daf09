"""The command line: parse, call, print.

Exit codes: 0 ok · 1 the output cannot be written · 2 usage · 3 unreadable input · 4 measured but UNSAFE under
--strict · 6 missing extra. Of several files the first that applies of 6, 3, 2, 4 counts.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer

from massproof import materials, report, units
from massproof.errors import MassproofError, MissingExtra, UnitError, UnknownMaterial, UsageError
from massproof.measure import measure as measure_one
from massproof.properties import DIALECTS, SCHEMA_VERSION, Properties, Verdict
from massproof.topology import topology
from massproof.version import __version__

USAGE, UNREADABLE, UNSAFE, MISSING = 2, 3, 4, 6

app = typer.Typer(
    name="massproof",
    help="Mass properties of CAD and mesh files on your own machine, with a proof on every number.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich costs 60 ms of start-up, which --help does not need
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"massproof {__version__}")
        raise typer.Exit


@app.command()
def measure(
    files: Annotated[list[str], typer.Argument(help="STL, OBJ, STEP, PLY, OFF, 3MF or GLB; - is standard input.")],
    unit: Annotated[str | None, typer.Option(help="Length unit of files that declare none: mm, cm, m, inch, ft.")] = None,
    material: Annotated[str | None, typer.Option(help="Material by name; see 'massproof materials'.")] = None,
    density: Annotated[str | None, typer.Option(help='Density with its unit: "2.7 g/cm^3".')] = None,
    mass: Annotated[str | None, typer.Option(help='Known mass of the whole: "85 g"; the density follows.')] = None,
    system: Annotated[str | None, typer.Option("--units", help="Units of the answer: SI, mm, cm, inch, ft.")] = None,
    dialect: Annotated[str | None, typer.Option(help="JSON in a vendor's shape: mfgdm.")] = None,
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says: stl, obj, step, ...")] = None,
    as_table: Annotated[bool, typer.Option("--table", help="A table: the default on a terminal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One row a file.")] = False,
    as_ndjson: Annotated[bool, typer.Option("--ndjson", help="One JSON object a line, in order.")] = False,
    strict: Annotated[bool, typer.Option(help="Assume no unit; exit with 4 when no volume is defined.")] = False,
    check: Annotated[str, typer.Option(help="Of meshes: closed (one pass), full (intersections too), auto (by size).")] = "auto",
    weld: Annotated[float | None, typer.Option(help="Take corners of open edges this near as one, in the file's unit.")] = None,
    repair: Annotated[str | None, typer.Option(help="Of meshes: estimate (cap holes) or union (count shared volume once).")] = None,
) -> None:  # fmt: skip
    """Measure files: area, volume, mass, centre of mass, inertia, bounding box."""
    asked = {"table": as_table, "json": as_json, "csv": as_csv, "ndjson": as_ndjson}
    chosen = [name for name, on in asked.items() if on]
    vendor = dialect not in (None, "native")
    wrong = _contradiction(chosen, dialect if vendor else None, system, mass, files)
    if wrong:
        _stop(USAGE, wrong)
    style = chosen[0] if chosen else "json" if vendor or not sys.stdout.isatty() else "table"
    arguments: dict[str, Any] = {
        "unit": unit,
        "material": material,
        "density": density,
        "mass": mass,
        "format": format,
    }
    arguments |= {"check": check, "weld": weld, "repair": repair}
    try:
        output = _Output(style, dialect or "native", system, len(files))
        codes = [_measure_file(f, arguments, strict, output) for f in files]
    except (UsageError, UnitError, UnknownMaterial) as error:
        _stop(USAGE, str(error))
    output.close()
    raise typer.Exit(next((code for code in (MISSING, UNREADABLE, USAGE, UNSAFE) if code in codes), 0))


@app.command("topology")
def show_topology(
    file: Annotated[str, typer.Argument(help="A mesh: STL, OBJ, PLY, OFF, 3MF or GLB.")],
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says: stl, obj, ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
) -> None:  # fmt: skip
    """How a mesh is connected: shells, open and crowded edges, holes, genus, what lies inside what."""
    try:
        found = topology(file, format=format)
    except MassproofError as error:
        _stop(USAGE if isinstance(error, UsageError) else UNREADABLE, report.printable(str(error)))
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(found.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        report.show_topology(found)


@app.command()
def warm() -> None:
    """Compile all kernels for this processor now, so that no measurement has to."""
    from massproof.kernels import jit

    try:
        count, folder = jit.warm()
    except MassproofError as error:
        _stop(USAGE if isinstance(error, UsageError) else 1, str(error))
    typer.echo(f"{count} kernels are compiled and kept in {folder}")


def _contradiction(
    chosen: list[str], dialect: str | None, system: str | None, mass: str | None, files: list[str]
) -> str:
    """What is wrong with options that are each right, "" when nothing is."""
    if len(chosen) > 1:
        return f"choose one of --{' and --'.join(chosen)}"
    if dialect and dialect not in DIALECTS:
        return f"unknown dialect {dialect!r}; use one of native, {', '.join(sorted(DIALECTS))}"
    if dialect and (system or chosen in (["csv"], ["table"])):
        return f"--dialect {dialect} is JSON in its own units: leave out --units, --csv and --table"
    if mass and len(files) > 1:
        return f"--mass is that of one whole, and {len(files)} files were given; measure them one by one"
    return ""


def _measure_file(name: str, arguments: dict[str, Any], strict: bool, output: _Output) -> int:
    shown = "<stdin>" if name == "-" else name
    try:
        result = measure_one(sys.stdin.buffer if name == "-" else name, **arguments)
    except (UsageError, UnitError, UnknownMaterial):
        raise  # wrong for every file
    except MassproofError as error:
        output.error(shown, error)
        return MISSING if isinstance(error, MissingExtra) else UNREADABLE
    if strict and any(f.code == "unit-assumed" for f in result.findings):
        msg = f"{shown} carries no length unit and --strict assumes none; give one with --unit"
        output.error(shown, UnitError(msg))
        return USAGE
    output.result(result)
    return UNSAFE if strict and result.verdict is Verdict.UNSAFE else 0


class _Output:
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
                typer.echo(f"{result.verdict} {finding.code}: {report.printable(finding.message)}", err=True)

    def error(self, name: str, error: MassproofError) -> None:
        """Report a file that could not be measured, and go on."""
        typer.echo(f"error: {report.printable(str(error))}", err=True)
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
        writer = csv.writer(sys.stdout, lineterminator="\n")
        if not self._rows:
            writer.writerow(report.columns(self._system or "SI"))
        writer.writerow(cells)
        self._rows += 1

    def _json(self, value: dict[str, Any]) -> None:
        if self._style == "ndjson":
            typer.echo(json.dumps(value, allow_nan=False, ensure_ascii=False))
            sys.stdout.flush()
        else:
            self._objects.append(value)

    def close(self) -> None:
        """Print what was kept: one object for one file, a list for several."""
        if self._style == "json":
            value = self._objects[0] if self._count == 1 else self._objects
            typer.echo(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


@app.command("materials")
def list_materials(
    action: Annotated[str | None, typer.Argument(help="'list', which is the default, or 'find'.")] = None,
    text: Annotated[list[str] | None, typer.Argument(help="Part of a name or alias.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
) -> None:  # fmt: skip
    """List the materials table, or find materials in it: massproof materials find "ABS"."""
    if action not in (None, "list", "find") or (action == "find" and not text):
        _stop(USAGE, "write: massproof materials, or: massproof materials find TEXT")
    words = " ".join(text or ())
    found = materials.find(words) if words else materials.table()
    if as_json or not sys.stdout.isatty():
        keys = ("name", "density", "low", "high", "source", "aliases")
        listed = [{k: getattr(row, k) for k in keys} for row in found]
        typer.echo(json.dumps({"unit": "kg/m^3", "materials": listed}, indent=2, ensure_ascii=False))
    else:
        _show_materials(found)
    if not found:
        _stop(
            USAGE,
            f"no material's name or alias holds {words!r}; list all with: massproof materials",
        )


def _show_materials(found: tuple[materials.Material, ...]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("material", "kg/m³", "from", "to", "source"):
        table.add_column(name, justify="right" if name in ("kg/m³", "from", "to") else "left")
    for row in found:
        table.add_row(
            escape(row.name),
            f"{row.density:g}",
            f"{row.low:g}",
            f"{row.high:g}",
            f"[dim]{escape(row.source)}[/]",
        )
    Console().print(table)


def _stop(code: int, message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line; a reader that goes away, as `head` does, is no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files and units hold more than ASCII
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        app()
    except BrokenPipeError:
        _discard_output()
        sys.exit(0)
    except OSError as error:
        _discard_output()
        typer.echo(f"error: cannot write the output: {error.strerror}", err=True)
        sys.exit(1)


def _discard_output() -> None:
    # Python flushes standard output once more at exit, which must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
