"""Lock files: the mass properties that parts had when somebody last looked, and by how much each may move.

A lock is TOML, sorted, so that a change of it reads as a change of the part. Of each property it has the value and the
interval: a number is held when neither its value nor the ends of its interval go further than the tolerance allows.
A density known within a range moves no end, so it breaks no lock; an interval that has become wider does.
"""

from __future__ import annotations

import json
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from massproof import budgets, figures, replacing, report, units
from massproof.answers import shown
from massproof.budgets import Budget, Judged, Standing
from massproof.errors import FormatError, InputError, MassproofError
from massproof.profiles import Profile
from massproof.properties import Properties, Quantity
from massproof.rows import Between
from massproof.units import Unit
from massproof.version import __version__

VERSION = 1
TOLERANCE = "0.1%"  # what a person calls a change, and no export of the same part is off by
# What a lock holds: nothing that follows from the rest.
NAMES = (*figures.SCALARS, *figures.CENTRE, *figures.SIDES, *figures.LOW, *figures.TENSOR)
OPTIONS = ("unit", "material", "density", "format")  # how a part was measured
ANY = "any"  # an end of an interval that has none
_HEAD = """\
# What `massproof assert FILE --baseline` holds parts to; `--update` writes it anew.
# Tolerances are yours to change, and are kept: "0.1%" of the value, or "0.01 mm".
"""


@dataclass(frozen=True, slots=True)
class Held:
    """One property of a part as it was."""

    value: str
    interval: tuple[str, str]
    tolerance: str

    def said(self) -> str:
        """The value and its tolerance, for a person: not all digits of the value."""
        number, _, unit = self.value.partition(" ")
        return f"{float(number):.9g} {unit} +- {self.tolerance}"

    def budget(self, like: Quantity) -> Budget:
        """What the value may be."""
        dimension = like.unit.dimension
        target, unit = budgets.plain(self.value, dimension)
        half = budgets.slack(self.tolerance, target, dimension)
        return Budget(f"{self.value} +- {self.tolerance}", unit, target - half, target + half, target=target)

    def judge(self, found: Quantity | None, why: str) -> Judged:
        """How a number stands to what it was; why : reason why there is none."""
        if found is None:
            return Judged(Standing.ABSENT, why)
        held = self.budget(found)
        new = _written(found.to(held.unit).value, held.unit)
        if not held.allows(new):
            return Judged(Standing.MISSED, f"{held.off(new)}, which it was when it was locked{held.allowed}")
        if self._wider(found.to(held.unit), held):
            text = "the value is as it was, and its interval has become wider"
            return Judged(Standing.STRADDLED, text)
        return Judged(Standing.MET)

    def _wider(self, new: Quantity, held: Budget) -> bool:
        """Whether an end of the interval is further out than the tolerance allows."""
        low, high = (
            None if end == ANY else budgets.plain(end, new.unit.dimension)[0] for end in self.interval
        )
        slack = held.half or Fraction(0)
        least, most = (_written(end, held.unit) for end in new.interval)
        return (low is not None and least < low - slack) or (high is not None and most > high + slack)


def _written(number: float, unit: Unit) -> Fraction | float:
    """A number as it is written and read again, in SI: the same digits are the same number."""
    return Fraction(repr(number)) * unit.factor if math.isfinite(number) else number


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it was: of which bytes, measured how, and its properties by their names in `figures.NAMES`."""

    sha256: str
    massproof: str  # version that measured it
    options: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Held] = field(default_factory=dict)


Lock = dict[str, Part]  # by path, from the folder of the lock file


def key(part: str, lock: str) -> str:
    """What a part is called in a lock file: its path from the folder of that."""
    path, folder = Path(part).resolve(), Path(lock).resolve().parent
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()


def load(path: str) -> Lock:
    """Read a lock file; raises InputError when it cannot be opened, FormatError when it is none."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"cannot read the lock file {path}: {error.strerror}; make it with --update"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        _malformed(path, f"byte {error.start} is not UTF-8")
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of TOML, of digits, of brackets within brackets
        _malformed(path, str(error))
    if found.get("lock") != VERSION:
        _malformed(path, f"it begins with lock = {shown(found.get('lock'))}, and {VERSION} is read")
    whole = _table(path, "the file", found, ("lock", "part"))
    return {name: _part(path, name, row) for name, row in _table(path, "part", whole.get("part", {})).items()}


def _part(path: str, name: str, row: Any) -> Part:
    table = _table(path, name, row, ("sha256", "massproof", "options", "properties"))
    options = _table(path, f"options of {name}", table.get("options", {}))
    rows = _table(path, f"properties of {name}", table.get("properties", {}))
    if not {*options} <= {*OPTIONS} or not all(isinstance(value, str) for value in options.values()):
        _malformed(path, f"options of {name} are {dict(options)}, and known are {', '.join(OPTIONS)}")
    properties = {prop: _held(path, f"{prop} of {name}", prop, row) for prop, row in rows.items()}
    return Part(str(table.get("sha256")), str(table.get("massproof")), options, properties)


def _held(path: str, where: str, name: str, row: Any) -> Held:
    """One row, whose texts must be what they are said to be."""
    if name not in figures.NAMES:
        _malformed(path, f"{where} is no property; known are {', '.join(figures.NAMES)}")
    table = _table(path, where, row, ("value", "interval", "tolerance"))
    interval = table.get("interval")
    if not (isinstance(interval, list) and len(interval) == 2):
        _malformed(path, f"the interval of {where} is {shown(interval)}, not two ends")
    held = Held(str(table.get("value")), (str(interval[0]), str(interval[1])), str(table.get("tolerance")))
    dimension = units.unit(figures.unit(name)).dimension
    try:
        value, _ = budgets.plain(held.value, dimension)
        budgets.slack(held.tolerance, value, dimension)
        for end in held.interval:
            if end != ANY:
                budgets.plain(end, dimension)
    except MassproofError as error:
        _malformed(path, f"{where}: {error}")
    return held


def _table(path: str, where: str, row: Any, known: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """A table; with `known`, of those words alone: one that is mistyped would hold nothing."""
    if not isinstance(row, dict):
        _malformed(path, f"{where} is {shown(row)}, not a table")
    strange = [word for word in row if known and word not in known]
    if strange:
        _malformed(path, f"{where} has {', '.join(map(shown, strange))}, and known are {', '.join(known)}")
    return row


def _malformed(path: str, why: str) -> NoReturn:
    msg = f"{path} is no lock file that can be read: {why}; mend it, or delete it and make it anew with --update"
    raise FormatError(msg)


def locked(
    result: Properties, options: Mapping[str, str], before: Part | None = None, tolerance: str | None = None
) -> Part:
    """A part as it is now, with the tolerances that it had before.

    tolerance : for properties that had none, relative: "0.1%". That of a place is the same part of the diagonal of the
        box, that of a product of inertia of √(Sxx Syy): such numbers may be zero
    """
    system = units.system(report.system_for(result, None))
    found = figures.figures(result)
    ratio = float(budgets.slack(tolerance or TOLERANCE, Fraction(1), "length"))
    between = Between(found, found, Profile("lock", ratio, ""))
    rows = {}
    for name, quantity in figures.quantities(result).items():
        if name in NAMES:
            q = quantity.to(system[quantity.unit.dimension])
            old = before.properties.get(name) if before else None
            near = old.tolerance if old else _tolerance(between, name, q, tolerance or TOLERANCE)
            low, high = (f"{end!r} {q.unit.symbol}" if math.isfinite(end) else ANY for end in q.interval)
            rows[name] = Held(f"{q.value!r} {q.unit.symbol}", (low, high), near)
    return Part(result.source.sha256, __version__, dict(options), rows)


def _tolerance(between: Between, name: str, q: Quantity, text: str) -> str:
    bound = between.bound(name)
    if bound.of == "the value":
        return text
    return f"{bound.tolerance / float(q.unit.factor):.2g} {q.unit.symbol}"


def save(lock: Lock, path: str) -> None:
    """Write a lock file in one step: the old one or the new one is there; raises InputError if that fails."""
    try:
        content = ("\n".join(_lines(lock)) + "\n").encode()
    except UnicodeEncodeError as error:
        msg = f"cannot write the lock file {path}: the name of a part in it is no text; rename that"
        raise InputError(msg) from error
    replacing.write(path, content)


def _lines(lock: Lock) -> Iterator[str]:
    yield f"{_HEAD}lock = {VERSION}"
    for name in sorted(lock):
        part, title = lock[name], f"part.{_text(name)}"
        yield f"\n[{title}]\nsha256 = {_text(part.sha256)}\nmassproof = {_text(part.massproof)}"
        if part.options:
            pairs = ", ".join(f"{k} = {_text(v)}" for k, v in sorted(part.options.items()))
            yield f"options = {{ {pairs} }}"
        yield f"\n[{title}.properties]"
        for prop in sorted(part.properties):
            held = part.properties[prop]
            ends = ", ".join(map(_text, held.interval))
            values = f"value = {_text(held.value)}, interval = [{ends}], tolerance = {_text(held.tolerance)}"
            yield f"{_text(prop) if '.' in prop else prop} = {{ {values} }}"


def _text(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON but for DEL, which TOML wants escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
