"""`massproof compare`: two sides, one verdict, and where it goes: a terminal, JSON, JUnit XML, an HTML page.

Exit codes: 0 agrees · 1 disagrees, or nothing could be compared · 2 usage · 3 unreadable input, or what cannot be
written · 6 missing extra.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import NamedTuple

from massproof import replacing, report
from massproof.comparison import Comparison, compare
from massproof.errors import MassproofError, MissingExtra, UnitError, UnknownMaterial, UsageError
from massproof.output import MISSING, UNREADABLE, USAGE, say

DISAGREES = 1


class Delivery(NamedTuple):
    """In which forms a comparison is wanted."""

    as_json: bool = False
    as_table: bool = False
    junit: str | None = None
    html: str | None = None


class Wanted(NamedTuple):
    """What a command line asks for, by the names that `commands.compare` gives its options."""

    left: str
    right: str
    profile: str | None = None
    dialect: str | None = None
    object: str | None = None
    unit: str | None = None
    material: str | None = None
    density: str | None = None
    mass: str | None = None
    format: str | None = None
    as_json: bool = False
    as_table: bool = False
    junit: str | None = None
    html: str | None = None

    def delivery(self) -> Delivery:
        """In which forms."""
        return Delivery(self.as_json, self.as_table, self.junit, self.html)


_OPTIONS = ("profile", "dialect", "object", "unit", "material", "density", "mass", "format")


def run(wanted: Wanted) -> int:
    """Compare and print; the exit code."""
    try:
        options = {name: value for name in _OPTIONS if (value := getattr(wanted, name)) is not None}
        return deliver(compare(wanted.left, wanted.right, **options), wanted.delivery())
    except MassproofError as error:
        return refused(error)


def refused(error: MassproofError) -> int:
    """Say what is wrong; the exit code."""
    say(f"error: {report.printable(str(error))}", to=sys.stderr)
    if isinstance(error, MissingExtra):
        return MISSING
    return USAGE if isinstance(error, (UsageError, UnitError, UnknownMaterial)) else UNREADABLE


def deliver(comparison: Comparison, delivery: Delivery) -> int:
    """Print a comparison, write its files; the exit code. Raises UsageError, InputError for a file."""
    if delivery.as_json and delivery.as_table:
        msg = "choose one of --json and --table"
        raise UsageError(msg)
    if delivery.junit:
        from massproof import junit

        replacing.write(delivery.junit, junit.comparison(comparison))
    if delivery.html:
        from massproof import pages

        replacing.write(delivery.html, pages.page(comparison))
    if delivery.as_json or not (delivery.as_table or sys.stdout.isatty()):
        say(json.dumps(comparison.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        from massproof import beside

        beside.show(beside.lines(comparison, shutil.get_terminal_size((100, 24)).columns))
    return 0 if comparison else DISAGREES
