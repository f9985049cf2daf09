"""A number that is not what a test expects: both, the difference, the tolerance and the cause, a line each."""

from __future__ import annotations

from pathlib import PurePath

from massproof import reasons, units
from massproof.budgets import Standing, double
from massproof.expected import Within
from massproof.properties import Properties, Quantity


def lines(found: Quantity, expected: Within, owner: Properties | None, name: str) -> list[str]:
    """What to print below an assertion; the first line is the assertion itself.

    owner, name : the result that the number is of, and which property, where they are known
    """
    budget = expected.budget
    q, judged = found.to(budget.unit), expected.judge(found)
    symbol = budget.unit.symbol
    low, high = q.interval
    whose = f"{name} of {PurePath(owner.source.name).name}" if owner else f"{q.value:.9g} {symbol}"
    said = [
        ("measured", f"{q.value:.9g} {symbol} in [{low:.9g}, {high:.9g}]"),
        ("expected", budget.text),
        ("difference", budget.off(found.unit.to(_si(found), found.value))),
    ]
    if budget.half is not None:
        said.append(("tolerance", f"{double(budget.half / budget.unit.factor):.6g} {symbol}"))
    why = "" if judged or judged.standing is Standing.MISSED else f": {judged.why}"
    said.append(("verdict", f"{judged.standing}{why}"))
    said += [("cause", cause) for cause in reasons.reasons(found, budget, judged.standing, owner, name)]
    return [f"{whose} == {expected!r}", *(f"{word:<11}{text}" for word, text in said)]


def _si(found: Quantity) -> units.Unit:
    return units.unit(units.SYSTEMS["SI"][found.unit.dimension])
