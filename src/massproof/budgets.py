"""Budgets: what a number may be, as a person writes it, held against the interval that encloses a measured one.

    budget   = ("<=" | "<" | ">=" | ">" | "=") quantity
             | number [unit] ".." quantity
             | number [unit] ("+-" | "±") (quantity | number "%")
    quantity = number unit

A unit that is left out is that of the other number. Numbers are decimal and taken exactly, as are the ends of the
interval: nothing is rounded on the way.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple, NoReturn

from massproof import units
from massproof.errors import UnitError, UsageError
from massproof.properties import Quantity
from massproof.units import Unit

_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)"
_UNIT = r"([^\d\s.].*)"
_BOUND = re.compile(rf"(<=|<|>=|>|==?|≤|≥)\s*{_NUMBER}\s*{_UNIT}")
_RANGE = re.compile(rf"{_NUMBER}\s*([^.\d][^.]*?)?\s*\.\.\s*{_NUMBER}\s*{_UNIT}")
_AROUND = re.compile(rf"{_NUMBER}\s*([^+±\d][^+±]*?)?\s*(?:\+/?-|±)\s*{_NUMBER}\s*{_UNIT}")
_PLAIN = re.compile(rf"{_NUMBER}\s*{_UNIT}")
_SAME = {"≤": "<=", "≥": ">=", "==": "="}
_EXAMPLES = {
    "mass": '"<= 1.2 kg", "150..155 g", "153 g +- 0.2%"',
    "length": '"<= 40 mm", "12..14 mm", "13 mm +- 0.1 mm"',
}


_FAR = Fraction(1, 10), 10  # ratios within which a difference is told in hundredths
_LONGEST = 1000  # characters of a budget: as many digits as a number may have, and more
_TOLD = 40  # characters of one that is refused
_NOISE = 1e-12  # of the size of numbers: what the last digits of float64 say


class Standing(StrEnum):
    """How a number stands to its budget."""

    MET = "MET"  # the whole interval is allowed
    MISSED = "MISSED"  # none of it is
    STRADDLED = "STRADDLED"  # part of it is: not met, for nobody knows on which side the number is
    ABSENT = "ABSENT"  # there is no number


class Judged(NamedTuple):
    """How a number stands to its budget, and why, "" where it is met."""

    standing: Standing
    why: str = ""

    def __bool__(self) -> bool:
        return self.standing is Standing.MET


@dataclass(frozen=True, slots=True)
class Budget:
    """What a number may be: from `low` to `high`, in SI, None where it may be anything."""

    text: str
    unit: Unit  # that it is written in
    low: Fraction | None
    high: Fraction | None
    strict: bool = False  # whether the ends themselves are not allowed
    target: Fraction | None = None  # what it is around
    exact: bool = False  # whether the interval must hold the target

    @property
    def half(self) -> Fraction | None:
        """The tolerance in SI, None where none is stated."""
        return None if self.high is None or self.target is None or self.exact else self.high - self.target

    def judge(self, found: Quantity) -> Judged:
        """How a number stands to this; raises UnitError when it is of another dimension."""
        if found.unit.dimension != self.unit.dimension:
            msg = f"{self.text!r} is a budget of {self.unit.dimension}, and {found!s} is a {found.unit.dimension}"
            raise UnitError(msg)
        least, most = _si(found)
        if self._outside(least, most) or (self.exact and not self._holds(least, most)):
            return Judged(Standing.MISSED, self.off(_value(found)) + self.allowed)
        if self._inside(least, most):
            return Judged(Standing.MET)
        return Judged(Standing.STRADDLED, self._straddled(found))

    def _outside(self, least: float, most: float) -> bool:
        above = self.high is not None and (least >= self.high if self.strict else least > self.high)
        below = self.low is not None and (most <= self.low if self.strict else most < self.low)
        return above or below

    def _inside(self, least: Fraction | float, most: Fraction | float) -> bool:
        below = self.high is None or (most < self.high if self.strict else most <= self.high)
        above = self.low is None or (least > self.low if self.strict else least >= self.low)
        return below and above

    def _holds(self, least: float, most: float) -> bool:
        return self.target is not None and least <= self.target <= most

    def allows(self, value: Fraction | float) -> bool:
        """Whether a number without an interval, in SI, is allowed."""
        return self._inside(value, value)

    def off(self, value: Fraction | float) -> str:
        """On which side of what is allowed, or of the target, a number in SI is, and by how much."""
        exact = Fraction(value)
        near = [end for end in (self.target, self.high, self.low) if end is not None]
        end = near[0] if self.target is not None else min(near, key=lambda end: abs(exact - end))
        off = exact - end
        text = f"{_short(abs(off), self.unit)}{_part(exact, end)} {'above' if off > 0 else 'below'} "
        return text + _short(end, self.unit)

    @property
    def allowed(self) -> str:
        """The tolerance, to be said after `off`."""
        return "" if self.half is None else f", and {_short(self.half, self.unit)} is allowed"

    def _straddled(self, found: Quantity) -> str:
        least, most = (_ends(end, self.unit) for end in _si(found))
        symbol = self.unit.symbol
        need = (
            f'; that is wider than "=" can hold, so write how near: "+- 0.1 {symbol}"' if self.exact else ""
        )
        return f"part of its interval, {least} .. {most} {symbol}, is not allowed{need}"


def _part(value: Fraction, end: Fraction) -> str:
    """How far a number is from another one, as part of that, or as a factor where it is far."""
    if not end:
        return ""
    ratio = value / end
    if ratio and not _FAR[0] < ratio < _FAR[1]:
        return f" (a factor of {double(ratio):.6g})"
    return f" ({percent(float(abs(ratio - 1)))})"


def _si(found: Quantity) -> tuple[float, float]:
    """The interval in SI."""
    return found.to(units.SYSTEMS["SI"][found.unit.dimension]).interval


def _value(found: Quantity) -> float:
    return found.to(units.SYSTEMS["SI"][found.unit.dimension]).value


def _ends(end: float, unit: Unit) -> str:
    return f"{double(Fraction(end) / unit.factor):.7g}" if math.isfinite(end) else f"{end:g}"


def _short(value: Fraction, unit: Unit) -> str:
    return f"{double(value / unit.factor):.6g} {unit.symbol}"


def percent(ratio: float) -> str:
    """A relative difference: 1.3 %, 2.0e-07 where hundredths say nothing, a factor from ten on."""
    if ratio < _NOISE or math.isinf(ratio):
        return "0" if ratio < _NOISE else "∞"
    if ratio >= 10:
        return f"{ratio:.6g}×"
    return f"{100 * ratio:.3g} %" if ratio >= 1e-5 else f"{ratio:.1e}"


def widest(found: Quantity) -> str:
    """What the interval is mostly as wide as it is from."""
    known = {cause: half for cause, half in found.budget.items() if half}
    return max(known, key=lambda cause: known[cause], default="rounding")


def budget(text: str, dimension: str | None = None) -> Budget:
    """The budget that a text states; `dimension`, where it is known, is what its units must measure.

    Raises UsageError for what is no budget, UnitError for a unit that is unknown or of another dimension.
    """
    said = text.strip()
    if match := _match(_BOUND, said):
        return _bound(said, match[1], match[2], match[3], dimension)
    if match := _match(_RANGE, said):
        low, one, high, two = match.groups()
        return _range(said, (low, one or two), (high, two), dimension)
    if match := _match(_AROUND, said):
        return _around(said, (match[1], match[2]), match[3], match[4], dimension)
    example = _EXAMPLES.get(dimension or "mass", '"<= 10 cm^3", "9..11 cm^3", "10 cm^3 +- 0.1%"')
    msg = f"{_begun(text)} is no budget; write it like {example}"
    raise UsageError(msg)


def _bound(text: str, sign: str, number: str, name: str, dimension: str | None) -> Budget:
    unit, sign = units.unit(name, dimension), _SAME.get(sign, sign)
    end = _exactly(number, text) * unit.factor
    if sign == "=":
        half = _last_digit(number) / 2 * unit.factor
        return Budget(text, unit, end - half, end + half, target=end, exact=True)
    strict = len(sign) == 1
    return Budget(text, unit, None, end, strict) if sign[0] == "<" else Budget(text, unit, end, None, strict)


def _range(text: str, low: tuple[str, str], high: tuple[str, str], dimension: str | None) -> Budget:
    unit = units.unit(high[1], dimension)
    ends = [_exactly(number, text) * units.unit(name, unit.dimension).factor for number, name in (low, high)]
    if ends[0] > ends[1]:
        msg = f"the budget {text!r} allows nothing: it ends below its beginning"
        raise UsageError(msg)
    return Budget(text, unit, ends[0], ends[1])


def _around(
    text: str, number: tuple[str, str | None], near: str, other: str, dimension: str | None
) -> Budget:
    if other == "%" and not number[1]:
        _no_unit(text)
    unit = units.unit(number[1] or other, dimension)
    target = _exactly(number[0], text) * unit.factor
    half = slack(f"{near} {other}", target, unit.dimension)
    return Budget(text, unit, target - half, target + half, target=target)


def _no_unit(text: str) -> NoReturn:
    msg = f"{text!r} has no unit; write it like {_EXAMPLES['mass']}"
    raise UnitError(msg)


def plain(text: str, dimension: str) -> tuple[Fraction, Unit]:
    """A number with its unit, such as "85 g": in SI, and the unit. Raises UsageError, UnitError."""
    match = _match(_PLAIN, text.strip())
    if match is None:
        msg = f"{_begun(text)} is no {dimension} with its unit"
        raise UsageError(msg)
    unit = units.unit(match[2], dimension)
    return _exactly(match[1], text) * unit.factor, unit


def slack(text: str, size: Fraction, dimension: str) -> Fraction:
    """A tolerance such as "0.1%" of a size, or "0.01 mm", in SI. Raises UsageError, UnitError."""
    match = _match(_PLAIN, text.strip())
    if match is None or match[1].startswith("-"):
        msg = (
            f'{_begun(text)} is no tolerance; write it like "0.1%" or "0.01 {units.SYSTEMS["mm"][dimension]}"'
        )
        raise UsageError(msg)
    width = _exactly(match[1], text)
    return abs(size) * width / 100 if match[2] == "%" else width * units.unit(match[2], dimension).factor


def _exactly(number: str, text: str) -> Fraction:
    value = Fraction(number)
    if not math.isfinite(double(value)):
        msg = f"{_begun(number)} in {_begun(text)} is too large a number"
        raise UsageError(msg)
    return value


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return pattern.fullmatch(text) if len(text) <= _LONGEST else None


def _begun(text: str) -> str:
    """The beginning of a text, quoted."""
    return repr(text if len(text) <= _TOLD else f"{text[:_TOLD]}…")


def double(value: Fraction) -> float:
    """The nearest float64, infinity where there is none."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _last_digit(number: str) -> Fraction:
    """The unit of the last digit that is written: 0.01 of "3.14", 1 of "153"."""
    mantissa, _, exponent = number.lower().partition("e")
    return Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
