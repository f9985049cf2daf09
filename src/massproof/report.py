"""A result as a person or a spreadsheet reads it: a terminal table, a CSV row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING

from massproof import units
from massproof.properties import Properties, Quantity, Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from massproof.conversion import Conversion
    from massproof.topology import Topology
    from massproof.verify import Comparison, Verification

_SYSTEM_OF = {"mm": "mm", "cm": "cm", "in": "inch", "ft": "ft"}
STYLE = {Verdict.SOUND: "bold green", Verdict.BOUNDED: "bold yellow", Verdict.UNSAFE: "bold red"}
_MEANING = {
    Verdict.SOUND: "each number is enclosed by its interval",
    Verdict.BOUNDED: "usable, with the assumptions stated below",
    Verdict.UNSAFE: "the input does not define a volume",
}
_SUPERSCRIPT = str.maketrans({"2": "²", "3": "³", "*": "·", "^": None})


def system_for(result: Properties, name: str | None) -> str:
    """The unit system to show `result` in: `name`, else the one its own length unit belongs to."""
    return name or _SYSTEM_OF.get(result.source.unit, "SI" if result.source.unit == "m" else "mm")


def _part(name: str, part: str) -> Callable[[Properties], Quantity | None]:
    return lambda result: getattr(getattr(result, name), part, None)


def _nth(name: str, k: int) -> Callable[[Properties], Quantity | None]:
    return lambda result: (getattr(result, name) or (None, None, None))[k]


# Label, dimension and source of every line of the table and column of the CSV.
_LINES: tuple[tuple[str, str, Callable[[Properties], Quantity | None]], ...] = (
    *((name, name, attrgetter(name)) for name in ("area", "volume", "density", "mass")),
    *((f"center of mass {axis}", "length", _part("center_of_mass", axis)) for axis in "xyz"),
    ("length (x)", "length", _part("bounding_box", "length")),
    ("width (y)", "length", _part("bounding_box", "width")),
    ("height (z)", "length", _part("bounding_box", "height")),
    *((f"inertia {k}", "inertia", _part("inertia", k)) for k in ("xx", "yy", "zz", "xy", "yz", "zx")),
    *((f"principal moment {k + 1}", "inertia", _nth("principal_moments", k)) for k in range(3)),
    *((f"radius of gyration {k + 1}", "length", _nth("radii_of_gyration", k)) for k in range(3)),
)
_BOUNDED = ("volume", "mass")  # whose intervals a spreadsheet is given, too


def rows(result: Properties, system_name: str) -> Iterator[tuple[str, Quantity | None]]:
    """Each property with its label, in the units of a system; None where it does not exist."""
    system = units.system(system_name)
    for label, dimension, source in _LINES:
        quantity = source(result)
        yield label, quantity.to(system[dimension]) if quantity else None


def columns(system_name: str) -> list[str]:
    """Header of the CSV table: every label with its unit."""
    system = units.system(system_name)
    return [
        "source",
        "unit",
        "verdict",
        *(f"{label} [{system[dimension].symbol}]" for label, dimension, _ in _LINES),
        *(f"{name} {end} [{system[name].symbol}]" for name in _BOUNDED for end in ("from", "to")),
        "findings",
        "error",
    ]


def csv_row(result: Properties, system_name: str) -> list[str]:
    """One row of the CSV table; a value that does not exist is an empty cell."""
    values = dict(rows(result, system_name))
    cells = [repr(q.value) if q else "" for q in values.values()]
    for name in _BOUNDED:
        quantity = values[name]
        cells += [repr(bound) for bound in quantity.interval] if quantity else ["", ""]
    codes = " ".join(f.code for f in result.findings)
    return [result.source.name, result.source.unit, result.verdict.value, *cells, codes, ""]


def csv_error(source: str, message: str) -> list[str]:
    """The row of a file that could not be measured."""
    return [source, *[""] * (len(columns("SI")) - 2), message]


def printable(text: str) -> str:
    """`text` on one line, with what a terminal would obey or cannot show as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def symbol(unit: units.Unit) -> str:
    """The unit as typeset: cm³, g·mm²."""
    return unit.symbol.translate(_SUPERSCRIPT)


def reach(quantity: Quantity) -> float:
    """How far the interval reaches from the value, on its longer side."""
    lo, hi = quantity.interval
    return max(quantity.value - lo, hi - quantity.value)


def digits(quantity: Quantity, most: int = 12) -> str:
    """The value with one digit past the first uncertain one, at most so many significant."""
    half, value = reach(quantity), quantity.value
    if math.isinf(half):
        return f"{value:.3g}"
    if abs(value) <= half:
        return f"{round(value, 1 - math.floor(math.log10(half))) + 0.0:g}" if half else "0"
    sure = math.floor(math.log10(abs(value))) - math.floor(math.log10(half)) + 1 if half else most
    return _plain(value, max(3, min(most, sure)))


def width(quantity: Quantity) -> str:
    """`reach` to two digits, rounded up: what is shown never excludes what the interval holds."""
    half = reach(quantity)
    if not half or math.isinf(half):
        return "0" if not half else "any"
    unit = 10.0 ** (math.floor(math.log10(half)) - 1)
    return _plain(math.ceil(half / unit * (1 - 1e-9)) * unit, 2)


def _plain(value: float, significant: int) -> str:
    """Without an exponent where a person would write none."""
    text = f"{value:.{significant}g}"
    if "e" in text and 1e-4 <= abs(value) < 1e9:
        return f"{value:.{max(0, significant - 1 - math.floor(math.log10(abs(value))))}f}"
    return text


# What a cause of unknown size leaves open, in words.
_OPEN = {
    "tessellation": "how far the facets lie from the part they stand for",
    "file-precision": "how far the exporter rounded the numbers",
}
REMARKS = {
    "no-density",
    "density-stated",
    "cavities",
    "coincident-faces",
    "degenerate-faces",
    "empty-bodies",
    "unit-declared",
}  # no warnings


def show(result: Properties, console: Console, system_name: str | None = None) -> None:
    """Print `result`: verdict, a table of values with the half widths of their intervals, findings."""
    from rich.markup import escape

    verdict, source = result.verdict, result.source
    title = f"[bold]{escape(printable(source.name))}[/]  {source.format.upper()}, {escape(source.unit)}"
    console.print(f"{title}  [{STYLE[verdict]}]{verdict}[/]: {_MEANING[verdict]}", highlight=False)
    console.print(_table(result, system_for(result, system_name)))
    for finding in result.findings:
        style = "dim" if finding.code in REMARKS else "yellow"
        text = f"[{style}]{finding.code}[/]: {escape(printable(finding.message))}"
        console.print(text, soft_wrap=True, highlight=False)
    for cause in _unknown(result):
        text = f"[dim]{cause}[/]: {_OPEN.get(cause, 'its size')} is not known, and not in any interval"
        console.print(text, soft_wrap=True, highlight=False)


def _table(result: Properties, system_name: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("")
    table.add_column("±", justify="right")
    table.add_column("mostly from", style="dim")
    for name, quantity in rows(result, system_name):
        if quantity is not None:
            known = {k: v for k, v in quantity.budget.items() if v}
            cause = max(known, key=lambda k: known[k], default="")
            table.add_row(name, digits(quantity), symbol(quantity.unit), width(quantity), cause)
        elif name in ("volume", "mass"):  # of the others it goes without saying
            table.add_row(name, "[dim]—[/]")
    return table


def _unknown(result: Properties) -> list[str]:
    quantity = result.volume or result.area
    return [k for k, v in quantity.budget.items() if v is None] if quantity else []


def show_topology(found: Topology) -> None:
    """Print how a mesh is connected, a line for each shell."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("shell", "faces", "closed", "genus", "volume", "inside"):
        table.add_column(name, justify="right")
    for number, shell in enumerate(found.shells):
        genus, volume = ("—" if x is None else f"{x:.7g}" for x in (shell.genus, shell.volume))
        inside = "unknown" if shell.inside is None else ", ".join(map(str, shell.inside)) or "—"
        table.add_row(str(number), str(shell.faces), "yes" if shell.closed else "no", genus, volume, inside)
    console = Console()
    console.print(f"{printable(found.name)}  {'closed' if found.closed else 'not closed'}", markup=False)
    for label, count in (
        ("triangles", found.triangles),
        ("vertices", found.vertices),
        ("edges", found.edges),
        ("boundary edges", found.boundary_edges),
        ("boundary loops", found.boundary_loops),
        ("inconsistent edges", found.inconsistent_edges),
        ("non-manifold edges", found.nonmanifold_edges),
        ("degenerate faces", found.degenerate_faces),
        ("repeated faces", found.repeated_faces),
    ):
        if count or label in ("triangles", "vertices", "edges"):
            console.print(f"{label:20}{count:>12}", highlight=False)
    for kind, places in found.where.items():
        shown = "  ".join(f"({x:.6g}, {y:.6g}, {z:.6g})" for x, y, z in places)
        console.print(f"{kind.replace('_', ' ')} at {shown}", highlight=False)
    console.print(table)


_AGREEMENTS = {"agrees": "green", "close": "green", "disagrees": "bold red", "wrong unit": "bold red"}


def show_verification(found: Verification) -> None:
    """Print what a file states and what was measured, a line for each value under the name of what it is of."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    source = f"{found.source.format.upper()}, {escape(printable(found.source.unit))}"
    console.print(f"[bold]{escape(printable(found.source.name))}[/]  {source}")
    owner = None
    for one in found.compared:
        if one.measured and owner != (owner := (one.of, one.level)):
            name = escape(printable(one.of)) or "—"
            console.print(f"{name}[dim]{'' if one.level == 'part' else f', {one.level}'}[/]")
        for line, verdict in _compared(one):
            console.print(f"{line}[{_AGREEMENTS.get(verdict, 'dim')}]{verdict}[/]")
    for text in _remarks(found):
        console.print(printable(text), markup=False)
    for finding in found.findings:
        console.print(f"[yellow]{finding.code}[/]: {escape(printable(finding.message))}")


def _remarks(found: Verification) -> Iterator[str]:
    """Lines below the values, each once."""
    if not found.compared:
        yield "the file states no volume, no area and no centre: there is nothing to compare"
    yield from dict.fromkeys(_remark(one) for one in found.compared if one.remark)
    for one in found.described:
        density = f" = {one.density.value:.6g} kg/m³" if one.density and one.unit != "kg/m^3" else ""
        remark = f": {one.remark}" if one.remark else ""
        yield f"{one.kind} of {one.of}: {one.stated} {one.unit}{density}{remark}".rstrip()


def _remark(one: Comparison) -> str:
    verdict = "" if one.measured else f"{one.agreement}: "
    return f"{one.kind} of {one.of}, #{one.entity}: {verdict}{one.remark}"


def _compared(one: Comparison) -> Iterator[tuple[str, str]]:
    """Lines of one value, of a centre three: stated, measured, relative difference; and the verdict on the first."""
    off = "" if one.difference is None else f"{one.difference:.0e}"
    for n, (value, measured) in enumerate(zip(one.stated, one.measured, strict=False)):
        label = f"{one.kind} {'xyz'[n]}" if len(one.stated) > 1 else one.kind
        unit = one.unit.translate(_SUPERSCRIPT)
        ours = f"{digits(measured):>16} ± {width(measured):<8}"
        first = (off, one.agreement.value) if n == 0 else ("", "")
        yield f"  {label:<10}{value:>16.10g} {unit:<4}{ours}{first[0]:>7}  ", first[1]


def show_conversion(found: Conversion) -> None:
    """Print what was written, and how it differs from what was read."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    names = ", ".join(escape(printable(str(path))) for path in found.files)
    what = f"{found.triangles} triangles" if found.triangles else "exact faces"
    count = f"{what}, {found.parts} part{'s' if found.parts != 1 else ''}, {found.unit}"
    verdict = found.written.verdict
    console.print(f"[bold]{names}[/]  {count}  [{STYLE[verdict]}]{verdict}[/]")
    system = system_for(found.source, None)
    before, after = (dict(rows(one, system)) for one in (found.source, found.written))
    for name in ("area", "volume"):
        old, new = before[name], after[name]
        if old and new:
            off = abs(new.value - old.value) / old.value if old.value else 0.0
            console.print(f"  {name:<8}{digits(old):>16} → {digits(new):>16} {symbol(new.unit):<4} {off:.1e}")
    for finding in found.findings:
        console.print(f"[yellow]{finding.code}[/]: {escape(printable(finding.message))}")
