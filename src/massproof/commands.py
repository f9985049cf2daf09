"""What the command line understands: commands, their options and help, declared with Typer.

A plain `massproof measure` does not come here: `cli` reads it without Typer, whose import takes longer than the answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from massproof import materials, output, replacing, report, units
from massproof.errors import MassproofError, MissingExtra, UnitError, UsageError
from massproof.files import Hashed
from massproof.output import MISSING, UNREADABLE, UNSAFE, USAGE, say
from massproof.properties import Verdict
from massproof.topology import topology
from massproof.verify import verify
from massproof.version import __version__

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
        say(f"massproof {__version__}")
        raise typer.Exit


@app.command()
def measure(
    files: Annotated[list[str], typer.Argument(help="STL, OBJ, STEP, PLY, OFF, 3MF or GLB; - is standard input.")],
    unit: Annotated[str | None, typer.Option(help="Length unit of files that declare none: mm, cm, m, inch, ft.")] = None,
    material: Annotated[str | None, typer.Option(help="Material by name; see 'massproof materials'.")] = None,
    density: Annotated[str | None, typer.Option(help='Density with its unit: "2.7 g/cm^3".')] = None,
    mass: Annotated[str | None, typer.Option(help='Known mass of the whole: "85 g"; the density follows.')] = None,
    system: Annotated[str | None, typer.Option("--units", help="Units of the answer: SI, mm, cm, inch, ft.")] = None,
    dialect: Annotated[str | None, typer.Option(help="JSON in a vendor's shape: mfgdm, derivative, zoo, onshape.")] = None,
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says: stl, obj, step, ...")] = None,
    as_table: Annotated[bool, typer.Option("--table", help="A table: the default on a terminal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One row a file.")] = False,
    as_ndjson: Annotated[bool, typer.Option("--ndjson", help="One JSON object a line, in order.")] = False,
    strict: Annotated[bool, typer.Option(help="Assume no unit; exit with 4 when no volume is defined.")] = False,
    check: Annotated[str, typer.Option(help="Of meshes: closed (one pass), full (intersections too), auto (by size).")] = "auto",
    weld: Annotated[float | None, typer.Option(help="Take corners of open edges this near as one, in the file's unit.")] = None,
    repair: Annotated[str | None, typer.Option(help="Of meshes: estimate (cap holes) or union (count shared volume once).")] = None,
    engine: Annotated[str | None, typer.Option(help="Of STEP: native, occt, or both and whether they agree.")] = None,
    accuracy: Annotated[float | None, typer.Option(help="Of STEP: relative, of native integration; 1e-9 without it.")] = None,
) -> None:  # fmt: skip
    """Measure files: area, volume, mass, centre of mass, inertia, bounding box."""
    raise typer.Exit(output.measure(output.Wanted(**locals())))


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
        say(json.dumps(found.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        report.show_topology(found)


@app.command("tree")
def show_tree(
    file: Annotated[str, typer.Argument(help="A STEP file; of any other the whole is its one part.")],
    unit: Annotated[str | None, typer.Option(help="Length unit of a file that declares none: mm, cm, m, inch, ft.")] = None,
    material: Annotated[str | None, typer.Option(help="Material of all parts by name; see 'massproof materials'.")] = None,
    density: Annotated[str | None, typer.Option(help='Density of all parts with its unit: "2.7 g/cm^3".')] = None,
    mass: Annotated[str | None, typer.Option(help='Known mass of the whole: "85 g"; each part has its share.')] = None,
    system: Annotated[str | None, typer.Option("--units", help="Units of the answer: SI, mm, cm, inch, ft.")] = None,
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says: step, ...")] = None,
    as_table: Annotated[bool, typer.Option("--table", help="A table: the default on a terminal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
    strict: Annotated[bool, typer.Option(help="Assume no unit; exit with 4 when the whole has no volume.")] = False,
    engine: Annotated[str | None, typer.Option(help="Of STEP: native, occt, or both and whether they agree.")] = None,
    accuracy: Annotated[float | None, typer.Option(help="Of STEP: relative, of native integration; 1e-9 without it.")] = None,
) -> None:  # fmt: skip
    """What each part and sub-assembly of a file weighs, and how often it is used where."""
    from massproof.partwise import assembly  # with numpy and all that integrates

    if as_table and as_json:
        _stop(USAGE, "choose one of --table and --json")
    shown = as_table or not (as_json or not sys.stdout.isatty())
    with _reported(), output.waiting(f"measuring {file}"):
        if system is not None:
            units.system(system)  # an unknown one fails before the file is read
        found = assembly(
            file if shown else Hashed(file), unit=unit, material=material, density=density, mass=mass, format=format,
            engine=engine, accuracy=accuracy,
        )  # fmt: skip
        whole = found.whole.properties
        if strict and any(one.code == "unit-assumed" for one in whole.findings):
            msg = f"{file} carries no length unit and --strict assumes none; give one with --unit"
            raise UnitError(msg)
    if shown:
        from massproof import outline

        outline.show(found, system)
    else:
        say(json.dumps(found.to_dict(system or "SI"), indent=2, allow_nan=False, ensure_ascii=False))
    if strict and whole.verdict is Verdict.UNSAFE:
        raise typer.Exit(UNSAFE)


@app.command("verify")
def show_verification(
    file: Annotated[str, typer.Argument(help="A STEP file.")],
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says: step.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
    strict: Annotated[bool, typer.Option(help="Exit with 4 when a value disagrees.")] = False,
    engine: Annotated[str | None, typer.Option(help="native, occt, or both and whether they agree.")] = None,
    accuracy: Annotated[float | None, typer.Option(help="Relative, of native integration; 1e-9 without it.")] = None,
) -> None:  # fmt: skip
    """Compare volumes, areas and centres that a STEP file states with those of its faces."""
    try:
        found = verify(file, format=format, engine=engine, accuracy=accuracy)
    except MassproofError as error:
        code = MISSING if isinstance(error, MissingExtra) else UNREADABLE
        _stop(USAGE if isinstance(error, UsageError) else code, report.printable(str(error)))
    if as_json or not sys.stdout.isatty():
        say(json.dumps(found.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        report.show_verification(found)
    if strict and found.wrong:
        raise typer.Exit(UNSAFE)


@app.command("check")
def check_remotely(
    file: Annotated[str, typer.Argument(help="STL, OBJ, STEP, PLY, OFF, 3MF or GLB.")],
    against: Annotated[str | None, typer.Option(help="Who is asked: zoo, mfgdm, derivative or onshape.")] = None,
    profile: Annotated[str | None, typer.Option(help="How far numbers may be off: zoo, fusion-low, ...; that of the service without it.")] = None,
    cassette: Annotated[str | None, typer.Option(help="Keep what was said in this file, without secrets.")] = None,
    replay: Annotated[str | None, typer.Option(help="Ask nobody: take the answer from a cassette.")] = None,
    deadline: Annotated[str, typer.Option(help="Give up after this: 90s, 10m, 1h.")] = "10m",
    unit: Annotated[str | None, typer.Option(help="Length unit of files that declare none: mm, cm, m, inch, ft.")] = None,
    material: Annotated[str | None, typer.Option(help="Material by name; see 'massproof materials'.")] = None,
    density: Annotated[str | None, typer.Option(help='Density with its unit: "2.7 g/cm^3".')] = None,
    mass: Annotated[str | None, typer.Option(help='Known mass of the whole: "85 g".')] = None,
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says: stl, obj, step, ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
    as_table: Annotated[bool, typer.Option("--table", help="A table: the default on a terminal.")] = False,
    junit: Annotated[str | None, typer.Option(help="Write JUnit XML to this file, a test case for each property.")] = None,
    html: Annotated[str | None, typer.Option(help="Write a page to this file: both columns, verdicts, the cause.")] = None,
    component_version: Annotated[str | None, typer.Option(help="mfgdm v2: id of a component version.")] = None,
    model: Annotated[str | None, typer.Option(help="mfgdm v3: id of a model.")] = None,
    component: Annotated[str | None, typer.Option(help="mfgdm v3: id of a component.")] = None,
    urn: Annotated[str | None, typer.Option(help="derivative: urn of a translated file.")] = None,
    object: Annotated[str | None, typer.Option(help="derivative: id of one object of several.")] = None,
    view: Annotated[str | None, typer.Option(help="derivative: name or guid of a view, if there are several.")] = None,
    upload: Annotated[bool, typer.Option("--upload", help="derivative: send the file and translate it, which costs credits.")] = False,
    bucket: Annotated[str | None, typer.Option(help="derivative: where to upload; made if it does not exist.")] = None,
    region: Annotated[str | None, typer.Option(help="mfgdm, derivative: EMEA, AUS, ...; US without it.")] = None,
    document: Annotated[str | None, typer.Option(help="onshape: link of a tab, or id of a document.")] = None,
    workspace: Annotated[str | None, typer.Option(help="onshape: id; or --version, or --microversion.")] = None,
    version: Annotated[str | None, typer.Option(help="onshape: id.")] = None,
    microversion: Annotated[str | None, typer.Option(help="onshape: id.")] = None,
    element: Annotated[str | None, typer.Option(help="onshape: id of a part studio or assembly.")] = None,
    part: Annotated[str | None, typer.Option(help="onshape: id of one part; all of them without it.")] = None,
    configuration: Annotated[str | None, typer.Option(help="onshape: as its links encode it.")] = None,
) -> None:  # fmt: skip
    """Have a remote service measure a file, and compare: exit with 1 where it disagrees."""
    wanted = dict(locals())
    from massproof import check

    raise typer.Exit(check.run(check.Wanted(**wanted)))


@app.command()
def compare(
    left: Annotated[str, typer.Argument(help="A file to be measured, or JSON: a service's answer, a cassette, a report of ours.")],
    right: Annotated[str, typer.Argument(help="The same, to compare with.")],
    profile: Annotated[str | None, typer.Option(help="How far numbers may be off: zoo, fusion-low, exact, ...; that of the services without it.")] = None,
    dialect: Annotated[str | None, typer.Option(help="Of JSON whose form does not tell: mfgdm, derivative, zoo, onshape, native.")] = None,
    object: Annotated[str | None, typer.Option(help="Which one is meant, where JSON states several.")] = None,
    unit: Annotated[str | None, typer.Option(help="Length unit of files that declare none: mm, cm, m, inch, ft.")] = None,
    material: Annotated[str | None, typer.Option(help="Material of what is measured; see 'massproof materials'.")] = None,
    density: Annotated[str | None, typer.Option(help='Density of what is measured: "2.7 g/cm^3".')] = None,
    mass: Annotated[str | None, typer.Option(help='Known mass of the whole that is measured: "85 g".')] = None,
    format: Annotated[str | None, typer.Option(help="Format of what is measured, whatever the suffix says.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
    as_table: Annotated[bool, typer.Option("--table", help="A table: the default on a terminal.")] = False,
    junit: Annotated[str | None, typer.Option(help="Write JUnit XML to this file, a test case for each property.")] = None,
    html: Annotated[str | None, typer.Option(help="Write a page to this file: both columns, verdicts, the cause.")] = None,
) -> None:  # fmt: skip
    """Compare two results property by property, and say why they differ: exit with 1 where they do."""
    wanted = dict(locals())
    from massproof import comparing

    raise typer.Exit(comparing.run(comparing.Wanted(**wanted)))


_BUDGET = 'Budget: "<= 1.2 kg", "150..155 g", "153 g +- 0.2%"; also <, >=, >, =.'
_LENGTH = 'Budget: "12..14 mm".'
_MOMENT = 'Budget: "<= 5 kg*mm^2"; entry of the tensor about the centre of mass.'


@app.command("assert")
def hold_to_budgets(
    file: Annotated[str, typer.Argument(help="STL, OBJ, STEP, PLY, OFF, 3MF or GLB.")],
    mass: Annotated[str | None, typer.Option(help=_BUDGET)] = None,
    volume: Annotated[str | None, typer.Option(help='Budget: "<= 60 cm^3".')] = None,
    area: Annotated[str | None, typer.Option(help='Budget: "<= 200 cm^2".')] = None,
    com_x: Annotated[str | None, typer.Option(help=_LENGTH)] = None,
    com_y: Annotated[str | None, typer.Option(help=_LENGTH)] = None,
    com_z: Annotated[str | None, typer.Option(help=_LENGTH)] = None,
    length: Annotated[str | None, typer.Option(help="Budget of the box along x.")] = None,
    width: Annotated[str | None, typer.Option(help="Budget of the box along y.")] = None,
    height: Annotated[str | None, typer.Option(help="Budget of the box along z.")] = None,
    ixx: Annotated[str | None, typer.Option(help=_MOMENT)] = None,
    iyy: Annotated[str | None, typer.Option(help=_MOMENT)] = None,
    izz: Annotated[str | None, typer.Option(help=_MOMENT)] = None,
    ixy: Annotated[str | None, typer.Option(help=_MOMENT + " ixy is minus the product.")] = None,
    iyz: Annotated[str | None, typer.Option(help=_MOMENT)] = None,
    izx: Annotated[str | None, typer.Option(help=_MOMENT)] = None,
    i1: Annotated[str | None, typer.Option(help="Budget of the least principal moment.")] = None,
    i2: Annotated[str | None, typer.Option(help="Budget of the middle one.")] = None,
    i3: Annotated[str | None, typer.Option(help="Budget of the largest.")] = None,
    baseline: Annotated[str | None, typer.Option(help="Lock file: hold the file to what is recorded there.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Record the file in the lock file, anew.")] = False,
    tolerance: Annotated[str | None, typer.Option(help="For what --update records first; 0.1% without it.")] = None,
    unit: Annotated[str | None, typer.Option(help="Length unit of files that declare none: mm, cm, m, inch, ft.")] = None,
    material: Annotated[str | None, typer.Option(help="Material by name; see 'massproof materials'.")] = None,
    density: Annotated[str | None, typer.Option(help='Density with its unit: "2.7 g/cm^3".')] = None,
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says: stl, obj, step, ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of the table.")] = False,
    junit: Annotated[str | None, typer.Option(help="Write JUnit XML to this file, a test case for each budget.")] = None,
) -> None:  # fmt: skip
    """Hold a file to budgets of mass, centre, size and inertia: exit with 1 where one is not met."""
    said = dict(locals())
    from massproof import asserting, locks

    given = {k: v for k, v in said.items() if v is not None}
    limits = {asserting.NAMES[k]: v for k, v in given.items() if k in asserting.NAMES}
    options = {k: v for k, v in given.items() if k in locks.OPTIONS}
    wanted = asserting.Wanted(file, limits, options, baseline, update, tolerance, as_json, junit)
    raise typer.Exit(asserting.run(wanted))


@app.command("convert")
def convert_file(
    source: Annotated[str, typer.Argument(help="STL, OBJ, STEP, PLY, OFF, 3MF or GLB.")],
    target: Annotated[str, typer.Argument(help="What to write: its suffix is the format: .stl .stla .obj .ply .glb .gltf .step.")],
    unit: Annotated[str | None, typer.Option(help="Length unit of a source that declares none: mm, cm, m, inch, ft.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of the source, whatever its suffix says.")] = None,
    to: Annotated[str | None, typer.Option(help="Format of the target, whatever its suffix says.")] = None,
    to_unit: Annotated[str | None, typer.Option(help="Length unit of the target; without it mm, of STEP m.")] = None,
    up: Annotated[str, typer.Option(help="Axis of the target that up, +z of the source, becomes.")] = "+z",
    forward: Annotated[str, typer.Option(help="Axis of the target that forward, -y of the source, becomes.")] = "-y",
    deflection: Annotated[float | None, typer.Option(help="Of exact shapes: millimetres between facets and faces.")] = None,
    angle: Annotated[float | None, typer.Option(help="Of exact shapes: degrees between neighbouring facets.")] = None,
    volume_error: Annotated[str | None, typer.Option(help="Of exact shapes: share of the volume that facets may miss, as 0.01%.")] = None,
    part: Annotated[list[str] | None, typer.Option(help="Write this part or group alone, by its name or number; may be repeated.")] = None,
    structure: Annotated[str, typer.Option(help="single, or multiple: a file for each part.")] = "single",
    storage: Annotated[str | None, typer.Option(help="binary, ascii, ...: as the format has it.")] = None,
    presentation: Annotated[str | None, typer.Option(help="Of glTF: compact or pretty.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Of STEP: AP203, AP214 or AP242.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON: the default when not on a terminal.")] = False,
) -> None:  # fmt: skip
    """Write a file in another format, measure what was written, and say how it differs."""
    from massproof.conversion import convert

    with _reported(), output.waiting(f"converting {source}"):
        share = None if volume_error is None else _share(volume_error)
        chosen = {"storage": storage, "presentation": presentation, "protocol": protocol}
        found = convert(
            source, target, unit=unit, format=format, to=to, to_unit=to_unit, up=up, forward=forward,
            deflection=deflection, angle=angle, volume_error=share, parts=part or (), structure=structure,
            **{name: value for name, value in chosen.items() if value},
        )  # fmt: skip
    if as_json or not sys.stdout.isatty():
        say(json.dumps(found.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        report.show_conversion(found)


def _share(text: str) -> float:
    """A share as a number, or in percent."""
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError as error:
        msg = f"a volume error is a share, as 0.0001 or 0.01%, not {text!r}"
        raise UsageError(msg) from error


@app.command("render")
def render_file(
    source: Annotated[str, typer.Argument(help="STL, OBJ, STEP, PLY, OFF, 3MF or GLB.")],
    target: Annotated[str, typer.Option("--output", "-o", help="PNG to write; of a turntable .gif or .apng.")],
    size: Annotated[int, typer.Option(help="Width and height in pixels: 16 to 4096.")] = 400,
    view: Annotated[str, typer.Option(help="isometric, front, back, left, right, top or bottom.")] = "isometric",
    transparent: Annotated[bool, typer.Option(help="Leave out the white ground.")] = False,
    overlay: Annotated[list[str] | None, typer.Option(help="center (of mass), axes (principal) or box; may be repeated.")] = None,
    turns: Annotated[bool, typer.Option("--turntable", help="Turn it once: an animated GIF or PNG.")] = False,
    frames: Annotated[int, typer.Option(help="Of a turntable.")] = 36,
    unit: Annotated[str | None, typer.Option(help="Length unit of a source that declares none.")] = None,
    format: Annotated[str | None, typer.Option(help="Format, whatever the suffix says.")] = None,
    deflection: Annotated[float | None, typer.Option(help="Of exact shapes: millimetres between facets and faces.")] = None,
    part: Annotated[list[str] | None, typer.Option(help="Draw this part or group alone, by its name or number; may be repeated.")] = None,
) -> None:  # fmt: skip
    """Draw a file: a thumbnail, or a turntable."""
    from massproof.rendering import render, turntable

    with _reported(), output.waiting(f"drawing {source}"):
        given: dict[str, Any] = {"unit": unit, "format": format, "deflection": deflection}
        if turns:
            kind = "apng" if target.lower().endswith(("png", "apng")) else "gif"
            picture = turntable(source, size=size, frames=frames, kind=kind, parts=part or (), **given)
        else:
            picture = render(
                source,
                size=size,
                view=view,
                transparent=transparent,
                overlay=overlay or (),
                parts=part or (),
                **given,
            )
        replacing.write(target, picture)
    say(f"{target}: {len(picture)} bytes")


@contextmanager
def _reported() -> Iterator[None]:
    """Errors as a line on standard error, and the exit code for each."""
    try:
        yield
    except MassproofError as error:
        code = MISSING if isinstance(error, MissingExtra) else UNREADABLE
        usage = isinstance(error, (UsageError, UnitError))
        _stop(USAGE if usage else code, report.printable(str(error)))


@app.command()
def serve(
    folder: Annotated[str | None, typer.Option(help="Where files are kept; a folder of your own data without it.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen at, 127.0.0.1 without it; others need a token.")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 1234 without it; 0 for a free one.")] = None,
    database: Annotated[str | None, typer.Option(envvar="MASSPROOF_DATABASE", help="Of operations: sqlite in the folder, as without it; memory; postgresql://...")] = None,
    token: Annotated[str | None, typer.Option(envvar="MASSPROOF_TOKEN", help="What clients must show; others see an option, not a variable.")] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="A host name by which clients may call it; may be repeated.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer, 1 without it; more with PostgreSQL.")] = None,
    threads: Annotated[int | None, typer.Option(help="Jobs that run at once in each, 2 without it; 0 where 'massproof work' runs them.")] = None,
    unit: Annotated[str | None, typer.Option(help="Length unit of files that declare none; mm, with a finding, without it.")] = None,
    material: Annotated[str | None, typer.Option(help="Material of files that state no density.")] = None,
    density: Annotated[str | None, typer.Option(help='The same as a number, "2.7 g/cm^3", without a material.')] = None,
    hub: Annotated[list[str] | None, typer.Option("--hub", help="A folder that Autodesk's data model shows; may be repeated.")] = None,
    quirks: Annotated[str | None, typer.Option(help="clean, or live: with the oddities of the live services.")] = None,
    mfgdm: Annotated[str | None, typer.Option(help="live, or seed: with the statuses of Autodesk's first tutorial.")] = None,
    introspection: Annotated[bool | None, typer.Option(help="Whether GraphQL schemas may be asked for, which they may without it.")] = None,
    upload_limit: Annotated[str | None, typer.Option(help='Of one file: "512 MiB", which it is without it.')] = None,
    uploads: Annotated[int | None, typer.Option(help="Files that are received at once, 32 without it.")] = None,
    job_seconds: Annotated[float | None, typer.Option(help="That a job may take, 60 without it.")] = None,
    job_latency: Annotated[float | None, typer.Option(help="Seconds that every job takes beside its own, as in the cloud.")] = None,
    keep: Annotated[str | None, typer.Option(help='How long results and files are kept: "12 h", "7 d", which it is without it.')] = None,
    formats: Annotated[str | None, typer.Option(help="extended, or strict: only translations that Autodesk's own service does.")] = None,
    profile: Annotated[str | None, typer.Option(help="Zoo's API as of a time: zoo-2024-04, zoo-2026-04, zoo-2026-10.")] = None,
    inline: Annotated[str | None, typer.Option(help='Of Zoo: size up to which an answer waits for the result, "25 MB" without it.')] = None,
    force_async: Annotated[bool | None, typer.Option("--force-async", help="Of Zoo: answer every call before it is done.")] = None,
    text_to_cad: Annotated[str | None, typer.Option(help="Of Zoo, who answers prompts: none, replay:FOLDER, program, openai:URL#MODEL.")] = None,
    fault: Annotated[list[str] | None, typer.Option("--fault", help='What goes wrong: "status=503 times=2 path=/file"; see docs/serve.md; may be repeated.')] = None,
    header_seconds: Annotated[float | None, typer.Option(help="That a client may take to send its headers, 5 without it.")] = None,
    idle_seconds: Annotated[float | None, typer.Option(help="Without a byte of a body that is awaited, 10 without it.")] = None,
    log: Annotated[str | None, typer.Option(help="A line for each request: text, json or none.")] = None,
) -> None:  # fmt: skip
    """Serve the APIs of Zoo, Autodesk and Onshape over files on this machine, until Ctrl-C."""
    told = {k: v for k, v in locals().items() if v is not None}
    from massproof import hosting

    with _reported():
        hosting.run(hosting.settings_of(hosting.spelled(told)))


@app.command()
def mcp(
    root: Annotated[
        str, typer.Option(help="Folder that tools may read and write; the current one without it.")
    ] = ".",
) -> None:
    """Offer measure, compare, convert and materials to an assistant (Model Context Protocol, on standard input)."""
    from massproof import tools

    with _reported():
        tools.server(Path(root)).run()


@app.command()
def warm() -> None:
    """Compile all kernels for this processor now, so that no measurement has to."""
    from massproof.kernels import jit

    try:
        count, folder = jit.warm()
    except MassproofError as error:
        _stop(USAGE if isinstance(error, UsageError) else 1, str(error))
    say(f"{count} kernels are compiled and kept in {folder}")


@app.command()
def work(
    database: Annotated[str, typer.Option(help="The servers' PostgreSQL: postgresql://user@host/name.")],
    folder: Annotated[Path, typer.Option(help="The servers' folder, shared with them.")],
    threads: Annotated[int, typer.Option(help="Jobs at once.")] = 2,
    job_seconds: Annotated[float, typer.Option(help="Seconds that a job may take.")] = 60.0,
) -> None:  # fmt: skip
    """Run jobs that servers stored in a shared PostgreSQL, until SIGTERM; then finish those that run."""
    from massproof.operations.working import work as working

    with _reported():
        working(database, folder, threads, job_seconds, ready=lambda: say("working", to=sys.stderr))


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
        say(json.dumps({"unit": "kg/m^3", "materials": listed}, indent=2, ensure_ascii=False))
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
    say(f"error: {message}", to=sys.stderr)
    raise typer.Exit(code)
