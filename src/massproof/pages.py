"""A comparison as one HTML page: it needs no script, no other file and no network, and prints."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from string import Template

from massproof import beside
from massproof.comparison import Comparison
from massproof.properties import Properties, Verdict
from massproof.reasons import sure
from massproof.report import printable
from massproof.rows import Outcome
from massproof.version import __version__

_MEANING = {
    Outcome.AGREE: "the intervals of all compared properties meet",
    Outcome.WITHIN: "all compared properties are within the tolerance",
    Outcome.DISAGREE: "a property differs by more than the tolerance",
    Outcome.INCOMPARABLE: "nothing could be compared, or one side is no solid",
}
_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$verdict: $left and $right</title>
<style>
:root { color-scheme: light dark; --ink: #1c2024; --dim: #60666d; --line: #dfe3e8; --page: #fff; --band: #f6f7f9;
  --good: #18794e; --bad: #c62a2f; --doubt: #8a5a00; --badband: #fff0f0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ea; --dim: #9ba1a8; --line: #33383e; --page: #15181b; --band: #1d2125;
    --good: #5bc894; --bad: #ff8589; --doubt: #f0b849; --badband: #331d1f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.dim, th, figcaption { color: var(--dim); }
.AGREE, .WITHIN { color: var(--good); } .DISAGREE { color: var(--bad); } .INCOMPARABLE { color: var(--doubt); }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; margin: 1.25rem 0; }
.side, .cause { border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; background: var(--band); }
.side strong { overflow-wrap: anywhere; }
.cause { border-left: 4px solid var(--bad); margin: .5rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 600; font-size: .85rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
.text { text-align: left; }
.verdict { font-weight: 600; font-size: .85rem; }
tr.off td, tr.off th { background: var(--badband); border-bottom: 0; }
tr.why td { background: var(--badband); text-align: left; white-space: normal; padding-top: 0; color: var(--dim); }
tbody th { color: inherit; font-weight: 400; font-size: inherit; }
ul { margin: .25rem 0; padding-left: 1.25rem; }
footer { margin-top: 2.5rem; font-size: .85rem; color: var(--dim); }
@media print { body { padding: 0; max-width: none; font-size: 12px; } }
</style>
</head>
<body>
<h1><span class="$verdict">$verdict</span></h1>
<p>$meaning; profile <strong>$profile</strong> <span class="dim">($about)</span></p>
<div class="sides">$sides</div>
$causes
$table
$uncompared
<footer>massproof $version. Values are shown rounded; the verdict is of the exact ones and their intervals.</footer>
</body>
</html>
"""
)


def page(comparison: Comparison) -> str:
    """The page; whatever comes from a file or a service is escaped."""
    one, two = beside.sides(comparison)
    heads = beside.names(comparison)
    return _PAGE.substitute(
        verdict=comparison.verdict.value,
        meaning=_MEANING[comparison.verdict],
        left=_text(one.source.name),
        right=_text(two.source.name),
        profile=_text(comparison.profile.name),
        about=_text(comparison.profile.about),
        sides="".join(_side(name, side) for name, side in zip(("left", "right"), (one, two), strict=True)),
        causes="".join(_causes(comparison)),
        table="\n".join(_table(comparison, heads)),
        uncompared="".join(_uncompared(comparison)),
        version=__version__,
    )


def _text(text: str) -> str:
    return escape(printable(text))


def _side(name: str, side: Properties) -> str:
    source = side.source
    notes = "".join(f"<li>{_text(f.code)}: {_text(f.message)}</li>" for f in side.findings)
    unsafe = ' class="DISAGREE"' if side.verdict is Verdict.UNSAFE else ""
    return (
        f'<div class="side"><span class="dim">{name}</span><br><strong>{_text(source.name)}</strong>'
        f"<p>{_text(source.format)}, unit {_text(source.unit)}; <span{unsafe}>{side.verdict.value}</span>; "
        f"{_text(side.method)}</p>" + (f"<ul>{notes}</ul>" if notes else "") + "</div>"
    )


def _causes(comparison: Comparison) -> Iterator[str]:
    for cause in comparison.diagnoses:
        how = f'<span class="dim">{sure(cause.confidence)}</span>'
        yield f'<div class="cause"><strong>{_text(cause.code)}</strong> {how}<p>{_text(cause.message)}</p></div>\n'
    if comparison.verdict is Outcome.DISAGREE and not comparison.diagnoses:
        yield f'<div class="cause"><strong>cause unknown</strong><p>{beside.NONE}</p></div>\n'


def _table(comparison: Comparison, heads: tuple[str, str]) -> Iterator[str]:
    compared = [row for row in beside.shown(comparison) if row.verdict is not Outcome.INCOMPARABLE]
    if not compared:
        return
    names = ("property", *heads, "unit", "difference", "relative", "tolerance", "verdict")
    left = (0, 3, 7)
    cells = "".join(f'<th scope="col"{_class(k in left)}>{_text(name)}</th>' for k, name in enumerate(names))
    yield f'<h2>Compared</h2>\n<div class="wide"><table>\n<thead><tr>{cells}</tr></thead>\n<tbody>'
    for row in compared:
        off = row.verdict is Outcome.DISAGREE
        values = "".join(f"<td{_class(k + 1 in left)}>{_text(text)}</td>" for k, text in enumerate(row[1:7]))
        verdict = f'<td class="text verdict {row.verdict.value}">{row.verdict.value}</td>'
        head = f'<th scope="row" class="text">{_text(row.label)}</th>'
        kind = ' class="off"' if off else ""
        yield f"<tr{kind}>{head}{values}{verdict}</tr>"
        if off:
            yield f'<tr class="why"><td colspan="8">{_text(row.because)}</td></tr>'
    yield "</tbody></table></div>"


def _class(text: bool) -> str:
    return ' class="text"' if text else ""


def _uncompared(comparison: Comparison) -> Iterator[str]:
    found = beside.uncompared(comparison)
    if found:
        rows = "".join(f"<li>{_text(', '.join(names))}: {_text(why)}</li>" for why, names in found.items())
        yield f"<h2>Not compared</h2>\n<ul>{rows}</ul>\n"
