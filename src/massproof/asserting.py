"""`massproof assert`: hold a file to budgets and to a lock file.

Exit codes: 0 all are met · 1 one is not · 2 usage · 3 unreadable input, or what cannot be written · 6 missing extra.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from massproof import beside, budgets, comparing, figures, junit, locks, reasons, replacing, report, units
from massproof.budgets import Budget, Judged, Standing
from massproof.errors import MassproofError, UsageError
from massproof.files import Hashed
from massproof.locks import Lock, Part
from massproof.measure import measure
from massproof.output import say
from massproof.properties import SCHEMA_VERSION, Properties, Quantity

FAILS = 1

# Option of the command line, without dashes → property. Products of inertia are entries of the tensor: ixy = −∫ xy dm.
NAMES: dict[str, str] = {
    **{name: name for name in ("mass", "volume", "area")},
    **{f"com_{axis}": f"center_of_mass.{axis}" for axis in "xyz"},
    **{side: f"bounding_box.{side}" for side in ("length", "width", "height")},
    **{f"i{k}": f"inertia.{k}" for k in ("xx", "yy", "zz", "xy", "yz", "zx")},
    **{f"i{k}": f"principal_moments.{k}" for k in "123"},
}
_STYLE = {
    Standing.MET: "green",
    Standing.MISSED: "bold red",
    Standing.STRADDLED: "bold red",
    Standing.ABSENT: "bold red",
}


class Wanted(NamedTuple):
    """What a command line asks for."""

    file: str
    budgets: Mapping[str, str]  # by property
    options: Mapping[str, str]  # of `measure`, those that are given
    baseline: str | None = None
    update: bool = False
    tolerance: str | None = None
    as_json: bool = False
    junit: str | None = None


class Check(NamedTuple):
    """One budget, and how the number stands to it."""

    name: str
    budget: str
    source: str  # where the budget is from
    found: Quantity | None
    judged: Judged
    causes: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """All of them."""

    result: Properties
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    def __bool__(self) -> bool:
        return all(check.judged for check in self.checks)


def run(wanted: Wanted) -> int:
    """Measure, judge, print; the exit code."""
    try:
        outcome = judged(wanted)
        if wanted.junit:
            replacing.write(
                wanted.junit, junit.suite(outcome.result.source.name, _cases(outcome), _plain(outcome))
            )
    except MassproofError as error:
        return comparing.refused(error)
    if wanted.as_json:
        say(json.dumps(_dictionary(outcome), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        beside.show(lines(outcome))
    return 0 if outcome else FAILS


def judged(wanted: Wanted) -> Outcome:
    """Every budget held against the file; raises UsageError, FormatError, and what measuring raises."""
    _contradiction(wanted)
    parsed = {
        name: budgets.budget(text, units.unit(figures.unit(name)).dimension)
        for name, text in wanted.budgets.items()
    }
    lock = _lock(wanted)
    key = locks.key(wanted.file, wanted.baseline) if wanted.baseline else ""
    before = lock.get(key)
    if wanted.baseline and not wanted.update:
        _not_held(wanted, lock, key)
    options: dict[str, Any] = _options(wanted.options, before)
    result = measure(Hashed(wanted.file) if wanted.baseline else wanted.file, **options)
    found = figures.quantities(result)
    checks = [_check(result, found.get(name), name, one) for name, one in parsed.items()]
    if wanted.baseline and wanted.update:
        lock[key] = locks.locked(result, options, before, wanted.tolerance)
        notes = list(_changes(before, lock[key], wanted.baseline))
        locks.save(lock, wanted.baseline)
    else:
        notes = []
        if before:
            checks += [
                _held(result, found, name, before, wanted.baseline or "") for name in before.properties
            ]
            notes = list(_notes(result, found, options, before))
    return Outcome(result, tuple(checks), tuple(notes))


def _contradiction(wanted: Wanted) -> None:
    if not wanted.budgets and not wanted.baseline:
        msg = 'there is nothing to hold the file to: give a budget, such as --mass "<= 1.2 kg", or --baseline FILE'
        raise UsageError(msg)
    if (wanted.update or wanted.tolerance) and not wanted.baseline:
        msg = "--update and --tolerance are of a lock file: name it with --baseline"
        raise UsageError(msg)
    if wanted.tolerance and not wanted.update:
        msg = "--tolerance is that of what --update locks anew; tolerances of what is locked stand in the lock file"
        raise UsageError(msg)
    if wanted.tolerance and not wanted.tolerance.rstrip().endswith("%"):
        msg = f"--tolerance must be relative, such as 0.1%, got {wanted.tolerance}"
        raise UsageError(msg)


def _lock(wanted: Wanted) -> Lock:
    """The lock file, an empty one where it is to be made."""
    if not wanted.baseline or (wanted.update and not Path(wanted.baseline).exists()):
        return {}
    return locks.load(wanted.baseline)


def _not_held(wanted: Wanted, lock: Lock, key: str) -> None:
    """Raise UsageError for a part that the lock file, and no budget, holds to anything."""
    if key not in lock:
        held = ", ".join(sorted(lock)) or "none"
        msg = f"{wanted.baseline} has no part {key!r}; it holds {held}; add it with --update"
        raise UsageError(msg)
    if not (lock[key].properties or wanted.budgets):
        msg = f"{wanted.baseline} holds {key!r} to nothing; lock its properties with --update"
        raise UsageError(msg)


def _options(given: Mapping[str, str], before: Part | None) -> dict[str, str]:
    """How to measure: as the part was when it was locked, but for what is said now."""
    options = dict(before.options) if before else {}
    if {"material", "density"} & {*given}:
        options = {k: v for k, v in options.items() if k not in ("material", "density")}
    return options | dict(given)


def _check(result: Properties, found: Quantity | None, name: str, one: Budget) -> Check:
    option = next(option for option, known in NAMES.items() if known == name)
    source = f"--{option.replace('_', '-')}"
    if found is None:
        return Check(name, one.text, source, None, Judged(Standing.ABSENT, _absent(result, name)))
    standing = one.judge(found)
    causes = reasons.reasons(found, one, standing.standing, result, name)
    return Check(name, one.text, source, found, standing, tuple(causes))


def _held(result: Properties, found: Mapping[str, Quantity], name: str, before: Part, path: str) -> Check:
    row, quantity = before.properties[name], found.get(name)
    standing = row.judge(quantity, _absent(result, name))
    causes: list[str] = []
    if quantity is not None and not standing:
        causes = reasons.reasons(quantity, row.budget(quantity), standing.standing, result, name)
    return Check(name, row.said(), path, quantity, standing, tuple(causes))


def _absent(result: Properties, name: str) -> str:
    field = name.partition(".")[0]
    return result.absent.get("principal" if field == "principal_moments" else field, "it is not known")


def _changes(before: Part | None, now: Part, path: str) -> Iterator[str]:
    """What an update changes."""
    yield f"{path} is written: {len(now.properties)} properties are locked"
    for name, new in now.properties.items():
        old = before.properties.get(name) if before else None
        if old and old.value != new.value:
            yield f"{beside.label(name)}: {old.value} → {new.value}"
        elif before and not old:
            yield f"{beside.label(name)}: locked now, {new.value}"
    for name in before.properties if before else ():
        if name not in now.properties:
            yield f"{beside.label(name)}: no longer locked, for there is none"


def _notes(
    result: Properties, found: Mapping[str, Quantity], options: Mapping[str, str], before: Part
) -> Iterator[str]:
    """What was changed besides numbers, and what is held to nothing."""
    same = before.sha256 == result.source.sha256
    yield (
        "the file is the one that was locked, byte for byte"
        if same
        else "the file has changed since it was locked"
    )
    if options != before.options:
        yield f"measured with {_said(options)}; when it was locked, with {_said(before.options)}"
    free = [name for name in locks.NAMES if name in found and name not in before.properties]
    if free:
        yield f"not in the lock file, so not held: {', '.join(map(beside.label, free))}"


def _said(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(options.items())) or "no options"


def lines(outcome: Outcome) -> Iterator[beside.Line]:
    """The outcome as a person reads it: a table, then what is not met and why."""
    result = outcome.result
    met = sum(bool(check.judged) for check in outcome.checks)
    style = "green" if outcome else "bold red"
    many = f"{met} of {len(outcome.checks)} met" if outcome.checks else "nothing is held"
    yield (
        (beside.title(result), "bold"),
        (f" {beside.worth(result)}: ", ""),
        (many, style if outcome.checks else "dim"),
    )
    heads = ("property", "measured", "budget", "from", "standing")
    system = units.system(report.system_for(result, None))
    cells = [
        (
            beside.label(check.name),
            _measured(check.found, system),
            check.budget,
            report.printable(check.source),
            check.judged.standing.value,
        )
        for check in outcome.checks
    ]
    if cells:
        yield from beside.columns(
            heads, cells, [_STYLE[check.judged.standing] for check in outcome.checks], left=(0, 2, 3, 4)
        )
    for name, sentence in _sentences(outcome):
        yield (f"{name}: ", "bold"), (report.printable(sentence), "")
    for note in (*reasons.findings(result), *outcome.notes):
        yield ((report.printable(note), "dim"),)


def _sentences(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """What is not met, and why; the same cause of several once."""
    causes, known = dict[str, list[str]](), {*reasons.findings(outcome.result)}
    for check in outcome.checks:
        if not check.judged:
            yield beside.label(check.name), check.judged.why
        for cause in check.causes:
            causes.setdefault(cause, []).append(beside.label(check.name))
    for cause, names in causes.items():
        if cause not in known:  # as it is told of the part itself
            yield f"cause of {', '.join(names)}", cause


def _measured(found: Quantity | None, system: Mapping[str, units.Unit]) -> str:
    if found is None:
        return "–"
    q = found.to(system[found.unit.dimension])
    return f"{report.digits(q)} ± {report.width(q)} {report.symbol(q.unit)}"


def _plain(outcome: Outcome) -> str:
    return "\n".join(beside.plain(lines(outcome)))


def _cases(outcome: Outcome) -> list[junit.Case]:
    return [
        junit.Case(
            f"{beside.label(check.name)} {check.budget} ({check.source})",
            "" if check.judged else f"{check.judged.standing}: {check.judged.why}",
            "",
            "\n".join(f"cause: {cause}" for cause in check.causes),
        )
        for check in outcome.checks
    ]


def _dictionary(outcome: Outcome) -> dict[str, Any]:
    source = {k: getattr(outcome.result.source, k) for k in ("name", "format", "unit")}
    return {
        "schema_version": SCHEMA_VERSION,
        "source": source,
        "verdict": outcome.result.verdict.value,
        "findings": [{"code": f.code, "message": f.message} for f in outcome.result.findings],
        "met": bool(outcome),
        "checks": [_entry(check) for check in outcome.checks],
        "notes": list(outcome.notes),
    }


def _entry(check: Check) -> dict[str, Any]:
    q = check.found
    return {
        "name": check.name,
        "budget": check.budget,
        "from": check.source,
        "found": None if q is None else q.to_dict(check.name, units.system("SI")),
        "standing": check.judged.standing.value,
        "why": check.judged.why,
        "causes": list(check.causes),
    }
