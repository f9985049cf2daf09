"""Two results beside each other, as a person reads them: the table, why rows disagree, what is not compared, the cause.

What is shown is lines of pieces, each a text and a style, which are words of rich and are left out where nothing is
coloured. Colour says only what a verdict says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from massproof import rows, units
from massproof.budgets import percent
from massproof.comparison import Comparison
from massproof.properties import Properties, Quantity
from massproof.reasons import sure
from massproof.report import REMARKS, printable, symbol, system_for
from massproof.rows import Outcome, Row

Line = tuple[tuple[str, str], ...]  # text and style

STYLE = {
    Outcome.AGREE: "green",
    Outcome.WITHIN: "green",
    Outcome.DISAGREE: "bold red",
    Outcome.INCOMPARABLE: "bold yellow",
}
_WORDS = {
    "center_of_mass": "center of mass",
    "principal_moments": "principal moment",
    "radii_of_gyration": "gyration",
}
_LONGEST = 16  # of a file's name as the head of a column
_LEAST = 7  # significant digits
_ALIKE = 0.1  # relative difference below which two numbers are read digit by digit
_PLAIN = 1e-3, 1e9  # sizes that a person writes without an exponent
_NOISE = 1e-12  # of the size of the numbers: what the last digits of float64 say


class Shown(NamedTuple):
    """A row as texts, in units that a person would choose."""

    label: str
    left: str
    right: str
    unit: str
    difference: str
    relative: str
    tolerance: str
    verdict: Outcome
    because: str


def label(name: str) -> str:
    """What a property is called: center of mass x."""
    field, _, part = name.partition(".")
    return " ".join(
        [*([] if field == "bounding_box" else [_WORDS.get(field, field)]), *part.split(".")]
    ).strip()


def shown(comparison: Comparison) -> list[Shown]:
    """Every row, those that are compared and those that are not."""
    system = units.system(system_for(comparison.left, None))
    return [_shown(row, system[units.unit(row.unit).dimension]) for row in comparison.rows]


def _shown(row: Row, unit: units.Unit) -> Shown:
    def number(x: float | None, form: str) -> str:
        return "" if x is None else f"{_of(x, row, unit):{form}}"

    left, right = ("–" if q is None else _value(q, row, unit) for q in (row.left, row.right))
    relative = "" if row.relative is None else percent(row.relative)
    difference = number(row.absolute, "+.3g") if relative not in ("", "0") else relative
    tolerance = number(row.tolerance, ".3g")
    return Shown(
        label(row.name),
        left,
        right,
        symbol(unit),
        difference,
        relative,
        tolerance,
        row.verdict,
        _because(row, unit),
    )


def _of(x: float, row: Row, unit: units.Unit) -> float:
    return units.unit(row.unit).to(unit, x)


def _value(q: Quantity, row: Row, unit: units.Unit) -> str:
    """A value with as many decimals as show the difference, within reason; what is far below its size is 0."""
    value = q.to(unit).value + 0.0
    if not (row.absolute and row.relative) or math.isinf(row.relative):
        return f"{value:.{_LEAST}g}"
    size = abs(_of(row.absolute, row, unit)) / row.relative
    if abs(value) < _NOISE * size:
        return "0"
    if not _NOISE <= row.relative < _ALIKE or not _PLAIN[0] <= size < _PLAIN[1]:
        return f"{value:.{_LEAST}g}"
    digits = max(_LEAST, 2 - math.floor(math.log10(row.relative)))
    return f"{value:.{max(0, digits - 1 - math.floor(math.log10(size)))}f}"


def _because(row: Row, unit: units.Unit) -> str:
    """The reason of a row, its gap in the unit that the row is shown in."""
    reason, miss, _ = row.because.partition(rows.MISS)
    if not (miss and row.left and row.right):
        return row.because
    return f"{reason}{miss}{_of(_gap(row.left, row.right), row, unit):.3g} {symbol(unit)}"


def _gap(left: Quantity, right: Quantity) -> float:
    return max(left.interval[0] - right.interval[1], right.interval[0] - left.interval[1])


def names(comparison: Comparison) -> tuple[str, str]:
    """Heads of the two columns: the names of the sides where they are short and tell them apart."""
    found = [printable(one.source.name).replace("\\", "/").rpartition("/")[2] for one in sides(comparison)]
    if found[0] != found[1] and all(0 < len(name) <= _LONGEST for name in found):
        return found[0], found[1]
    return "left", "right"


def sides(comparison: Comparison) -> tuple[Properties, Properties]:
    """Both results."""
    return comparison.left, comparison.right


def worth(result: Properties) -> str:
    """Its verdict, and the codes of what may change its numbers."""
    codes = [finding.code for finding in result.findings if finding.code not in REMARKS]
    return ", ".join([result.verdict.value, *dict.fromkeys(codes)])


def title(result: Properties) -> str:
    """Which result: bracket.step (step, mm)."""
    source = result.source
    return printable(f"{source.name} ({source.format}, {source.unit})")


def uncompared(comparison: Comparison) -> dict[str, list[str]]:
    """Properties that have no counterpart, by the reason why."""
    reasons: dict[str, list[str]] = {}
    for row in comparison.uncompared:
        reasons.setdefault(row.because.removeprefix("not compared: "), []).append(label(row.name))
    return reasons


def _wrong(comparison: Comparison) -> dict[str, list[str]]:
    """What disagrees, by the tolerance that it is beyond."""
    reasons: dict[str, list[str]] = {}
    for row in comparison.rows:
        if row.verdict is Outcome.DISAGREE:
            reasons.setdefault(row.because.partition(rows.MISS)[0], []).append(label(row.name))
    return reasons


def lines(comparison: Comparison, width: int = 100) -> Iterator[Line]:
    """The whole comparison; `width` in characters is that of the table, whose relative column needs 90."""
    one, two = sides(comparison)
    verdict = comparison.verdict
    for side, name in ((one, "left "), (two, "right ")):
        yield (name, "dim"), (title(side), "bold"), (f" {worth(side)}", "")
    yield (
        (verdict.value, STYLE[verdict]),
        (f" by the profile {comparison.profile.name}: {comparison.profile.about}", ""),
    )
    yield from _table(comparison, width)
    for because, wrong in _wrong(comparison).items():
        yield (("too far apart: ", "dim"), (f"{', '.join(wrong)}", ""), (f" ({printable(because)})", "dim"))
    for because, without in uncompared(comparison).items():
        yield (("not compared: ", "dim"), (f"{', '.join(without)}: {printable(because)}", "dim"))
    yield from causes(comparison)


def causes(comparison: Comparison) -> Iterator[Line]:
    """The diagnosis, in which a disagreement without a known cause says so."""
    for cause in comparison.diagnoses:
        text = f" ({sure(cause.confidence)}): {printable(cause.message)}"
        yield (("cause: ", ""), (cause.code, "bold"), (text, ""))
    if comparison.verdict is Outcome.DISAGREE and not comparison.diagnoses:
        yield ((f"cause: {NONE}", ""),)


NONE = "none that is known explains this: no unit, density, frame, tensor convention, missing or repeated body fits"


def _table(comparison: Comparison, width: int) -> Iterator[Line]:
    compared = [row for row in shown(comparison) if row.verdict is not Outcome.INCOMPARABLE]
    if not compared:
        return
    heads: tuple[str, ...] = (
        "property",
        *names(comparison),
        "unit",
        "difference",
        "relative",
        "tolerance",
        "verdict",
    )
    cells: list[tuple[str, ...]] = [(*row[:7], row.verdict.value) for row in compared]
    if width < _WIDE:
        heads, cells = _narrow(heads), [_narrow(row) for row in cells]
    styles = [STYLE[row.verdict] for row in compared]
    yield from columns(heads, cells, styles, left=(0, 3, len(heads) - 1))


_WIDE = 90


def _narrow(row: Sequence[str]) -> tuple[str, ...]:
    return (*row[:5], *row[6:])


def columns(
    heads: Sequence[str], cells: Iterable[Sequence[str]], styles: Iterable[str], left: Sequence[int]
) -> Iterator[Line]:
    """Rows of text in columns, the last cell of each in its style; `left`: columns that are aligned there."""
    found = [heads, *cells]
    widths = [max(len(row[k]) for row in found) for k in range(len(heads))]
    for row, style in zip(found, ["dim", *styles], strict=True):
        padded = [
            text.ljust(width) if k in left else text.rjust(width)
            for k, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield ("  ".join(padded[:-1]) + "  ", "dim" if style == "dim" else ""), (padded[-1].rstrip(), style)


def plain(found: Iterable[Line]) -> list[str]:
    """The same lines without colours."""
    return ["".join(text for text, _ in line).rstrip() for line in found]


def show(found: Iterable[Line]) -> None:
    """Print lines, coloured on a terminal that has colours and wants them."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in found:
        console.print(Text.assemble(*line, end=""))
