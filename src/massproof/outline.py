"""Parts of a file as a person reads them: a line for each part below what uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from massproof.breakdown import Assembly, Part
from massproof.properties import Quantity, Verdict
from massproof.report import REMARKS, STYLE, digits, printable, symbol, system_for
from massproof.units import Unit, system

if TYPE_CHECKING:
    from rich.table import Table

_REASONS = 5  # that are told of parts without a volume
_DIGITS = 6  # which leave room for names
_NAME = 14  # columns that a name has, if it needs them, in a window however narrow


def lines(found: Assembly) -> Iterator[tuple[int, int, Part, bool]]:
    """From the whole downwards: depth, how often it is used there, the part, whether its uses were listed before."""
    seen: set[str] = set()
    waiting = [(0, 1, found.whole)]
    while waiting:
        depth, count, part = waiting.pop()
        again = part.id in seen and bool(part.children)
        yield depth, count, part, again
        if not again:
            seen.add(part.id)
            uses = Counter(use.part for use in part.children)
            waiting += [(depth + 1, n, found.parts[name]) for name, n in reversed(uses.items())]


def show(found: Assembly, system_name: str | None = None) -> None:
    """Print what each part weighs, in its own frame; uses of one part in another are one line."""
    from rich.console import Console

    console = Console()
    console.print(_table(found, system(system_for(found.whole.properties, system_name))))
    for text in _remarks(found):
        console.print(text, soft_wrap=True, highlight=False)


def _table(found: Assembly, units: Mapping[str, Unit]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="dim")
    widest = max(2 * depth + len(_name(part)) + 2 * again for depth, _, part, again in lines(found))
    table.add_column("part", overflow="fold", min_width=min(widest, _NAME))
    table.add_column("count", justify="right")
    names = (("volume", "volume"), ("mass", "mass"), *((f"center {axis}", "length") for axis in "xyz"))
    for name, dimension in names:
        table.add_column(f"{name},\n{symbol(units[dimension])}", justify="right")
    table.add_column("")
    for depth, count, part, again in lines(found):
        one = part.properties
        numbers = (one.volume, one.mass, *(one.center_of_mass or (None,) * 3))
        more = " [dim]…[/]" if again else ""
        verdict = "" if one.verdict is Verdict.SOUND else f"[{STYLE[one.verdict]}]{one.verdict}[/]"
        cells = [_cell(quantity, units) for quantity in numbers]
        table.add_row(f"{'  ' * depth}{_name(part)}{more}", str(count), *cells, verdict)
    return table


def _name(part: Part) -> str:
    from rich.markup import escape

    return escape(printable(part.name or part.id))


def _cell(quantity: Quantity | None, units: Mapping[str, Unit]) -> str:
    return digits(quantity.to(units[quantity.unit.dimension]), _DIGITS) if quantity else "[dim]—[/]"


def _remarks(found: Assembly) -> Iterator[str]:
    """Findings of the whole, and why parts of it have no volume."""
    from rich.markup import escape

    for finding in found.whole.properties.findings:
        style = "dim" if finding.code in REMARKS else "yellow"
        yield f"[{style}]{finding.code}[/]: {escape(printable(finding.message))}"
    lost = [
        part.properties.absent["volume"]
        for part in found.parts.values()
        if part.properties.volume is None and not part.children and part is not found.whole
    ]
    for why in lost[:_REASONS]:
        yield f"[yellow]no volume[/]: {escape(printable(why))}"
    if len(lost) > _REASONS:
        yield f"[yellow]and {len(lost) - _REASONS} more parts without a volume[/]"
