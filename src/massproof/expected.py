"""What a test expects of a number: `assert part.mass == within("153 g", rel=0.002)`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from massproof import budgets, units
from massproof.budgets import Budget, Judged, Standing
from massproof.errors import UsageError
from massproof.properties import Quantity


class Within:
    """A budget that a Quantity can be compared with by ==: equal where its whole interval is allowed."""

    __slots__ = ("budget",)
    __hash__ = None  # type: ignore[assignment]  # equal to many things that are not equal to each other

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def __eq__(self, other: object) -> bool:
        if other is None or isinstance(other, Quantity):
            return bool(self.judge(other))
        if isinstance(other, (int, float)):
            msg = f"{other!r} has no unit and no interval; compare the quantity itself with {self!r}"
            raise UsageError(msg)
        return NotImplemented

    def __repr__(self) -> str:
        return f"within({self.budget.text!r})"

    def judge(self, found: Quantity | None) -> Judged:
        """How a number stands to what is expected; raises UnitError for one of another dimension."""
        if found is None:
            return Judged(Standing.ABSENT, "there is no number: `absent` of the result says why")
        return self.budget.judge(found)


def within(
    expected: str | Quantity, *, rel: float | None = None, abs: str | Quantity | None = None
) -> Within:
    """What a number is expected to be, for comparing with ==, which holds where its whole interval is inside.

    expected : "153 g" or a Quantity, with one of the tolerances; or a whole budget: "<= 1.2 kg", "12..14 mm",
        "153 g +- 0.2%" (docs/pytest.md has the grammar)
    rel : of what is expected: 0.002 is 0.2 %;  abs : a quantity of the same dimension: "0.3 g"

    Comparing raises UnitError for a number of another dimension, UsageError for one without a unit.
    Raises UsageError for what is no budget or tolerance, UnitError for an unknown unit.
    """
    if rel is None and abs is None:
        if isinstance(expected, Quantity):
            msg = f"say how near to {expected!s}: rel=0.001, or abs='0.1 {expected.unit.symbol}'"
            raise UsageError(msg)
        return Within(budgets.budget(_full(expected)))
    if rel is not None and abs is not None:
        msg = "give one of rel= and abs=: which of two tolerances holds would not be plain"
        raise UsageError(msg)
    if rel is not None and not (isinstance(rel, (int, float)) and 0 <= rel < math.inf):
        msg = f"rel must be zero or more and finite, got {rel!r}; 0.002 is 0.2 %"
        raise UsageError(msg)
    near = f"{_decimal(rel * 1.0, 100)}%" if rel is not None else _quantity(abs)
    return Within(budgets.budget(f"{_quantity(expected)} +- {near}"))


def _full(text: Any) -> str:
    """A budget; raises UsageError for a number alone, which no measured one is exactly."""
    if (
        isinstance(text, str)
        and text.strip()[:1].isdigit()
        and not any(sign in text for sign in ("..", "+", "±"))
    ):
        msg = (
            f"say how near to {text!r}: rel=0.001, or abs=; or write a whole budget, such as '{text} +- 0.1%'"
        )
        raise UsageError(msg)
    return str(text)


def _quantity(found: Any) -> str:
    """A quantity as a budget writes it."""
    if not isinstance(found, Quantity):
        return str(found)
    if found.unit.symbol not in units.SYSTEMS["SI"].values():
        found = found.to(units.SYSTEMS["SI"][found.unit.dimension])
    return f"{found.value!r} {found.unit.symbol}"


def _decimal(value: float, times: int) -> str:
    """`value` times a whole number, as a decimal number that is exactly so much."""
    exact = Fraction(repr(value)) * times
    return f"{exact.numerator}" if exact.denominator == 1 else f"{float(exact)!r}"
