"""JUnit XML, which CI servers read: a test case for each property.

The form is that of Ant's JUnit task as Jenkins, GitLab and others read it: testsuites > testsuite > testcase, in which
`failure` or `skipped` says what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree

from massproof import beside
from massproof.comparison import Comparison
from massproof.report import printable
from massproof.rows import Outcome


class Case(NamedTuple):
    """One test case: passed where it has neither a failure nor a reason to be skipped."""

    name: str
    failure: str = ""
    skipped: str = ""
    text: str = ""  # below the failure


def suite(name: str, cases: Sequence[Case], said: str = "") -> str:
    """The document; `said` is what the whole printed."""
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failure) for case in cases)),
        "errors": "0",
        "skipped": str(sum(bool(case.skipped) for case in cases)),
    }
    root = ElementTree.Element("testsuites", {"name": "massproof"} | counts)
    inner = ElementTree.SubElement(root, "testsuite", {"name": printable(name)} | counts)
    for case in cases:
        one = ElementTree.SubElement(
            inner, "testcase", {"classname": printable(name), "name": printable(case.name), "time": "0"}
        )
        if case.failure:
            failure = ElementTree.SubElement(
                one, "failure", {"message": printable(case.failure), "type": "DISAGREE"}
            )
            failure.text = _lines(case.text)
        elif case.skipped:
            ElementTree.SubElement(one, "skipped", {"message": printable(case.skipped)})
    if said:
        ElementTree.SubElement(inner, "system-out").text = _lines(said)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _lines(text: str) -> str:
    """What XML 1.0 cannot hold, control characters and halves of pairs, as escapes; lines stay."""
    return "\n".join(map(printable, text.split("\n")))


def comparison(found: Comparison) -> str:
    """A case for each property; what could not be compared is skipped, and a comparison of nothing fails."""
    one, two = beside.sides(found)
    causes = beside.plain(beside.causes(found))
    cases = [_case(row, causes) for row in beside.shown(found)]
    if found.verdict is Outcome.INCOMPARABLE:
        why = "nothing could be compared, or one side is no solid"
        cases.append(Case("comparison", why, "", "\n".join(causes)))
    name = f"{one.source.name} against {two.source.name}"
    return suite(name, cases, "\n".join(beside.plain(beside.lines(found))))


def _case(row: beside.Shown, causes: Sequence[str]) -> Case:
    if row.verdict is Outcome.DISAGREE:
        values = f"{row.left} and {row.right} {row.unit}, difference {row.difference} ({row.relative})"
        message = f"{values}, tolerance {row.tolerance}: {row.because}"
        return Case(row.label, message, "", "\n".join(causes))
    return Case(row.label, "", row.because if row.verdict is Outcome.INCOMPARABLE else "")
