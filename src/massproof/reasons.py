"""Why a number is not what was expected of it: the causes of `diagnoses`, tried on that number alone."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from massproof import answers, budgets, diagnoses, materials, profiles, units
from massproof.budgets import Budget, Standing, widest
from massproof.figures import Span
from massproof.properties import Properties, Quantity, Verdict
from massproof.rows import Between

_NAMES = {
    "length": "bounding_box.length",
    "inertia": "principal_moments.1",
}  # where only the dimension is known
_AROUND = 0.1  # of a density: what is near it
_CERTAIN = 0.8  # of a cause that only one number speaks for
_TOLD = 0.1  # of one time
_LIKELY = 0.85  # below this no material is named
_FEW, _ROUND = 9.5, 1e-2
_NAMED = 3  # materials
_REMARKS = ("no-density", "density-stated")  # findings that change no number
_BY_CAUSE = {
    "density": "the range of the material's density: say the density itself, if it is known",
    "file-precision": "how far the file's numbers are rounded",
    "brep-gap": "how far edges lie off their faces",
}


def reasons(
    found: Quantity, expected: Budget, standing: Standing, owner: Properties | None, name: str = ""
) -> list[str]:
    """Why a number does not meet its budget, a sentence each; a miss that nothing explains says so.

    owner : what the number is of, None when that is not known;  name : which property, as in `figures.NAMES`
    """
    if standing is Standing.MET:
        return []
    if standing is Standing.STRADDLED:
        cause = widest(found)
        return [f"the width of the interval is mostly {_BY_CAUSE.get(cause, cause)}", *findings(owner)]
    said = [*_diagnosed(found, expected, owner, name), *_matter(found, expected, owner)]
    if not said and expected.target:
        ratio = budgets.double(Fraction(found.value) / expected.target)
        needed = _needed(found, expected, owner)
        also = f"; at this volume it would take {sum(needed) / 2:.6g} kg/m³" if needed else ""
        said = [f"none is known that explains a factor of {ratio:.6g}: no unit or count fits{also}"]
    return [*said, *findings(owner)]


def _diagnosed(found: Quantity, expected: Budget, owner: Properties | None, name: str) -> Iterator[str]:
    """What `diagnoses` says of the two numbers, where what is expected has two ends."""
    if expected.low is None or expected.high is None or _designed(found, expected):
        return
    unit = units.unit(units.SYSTEMS["SI"][found.unit.dimension])
    middle = expected.target if expected.target is not None else (expected.low + expected.high) / 2
    other = Quantity(float(middle), unit, (float(expected.low), float(expected.high)))
    key = name or _NAMES.get(unit.dimension, unit.dimension)
    left, right = (
        answers.partial("native", {}, {}, dict.fromkeys(answers.FIELDS, ""), name=title)
        for title in (owner.source.name if owner else "the measured one", "what is expected")
    )
    one, two = ({key: Span(q.value, *q.interval)} for q in (found.to(unit), other))
    between = Between(one, two, profiles.profile(profiles.EXACT))
    for cause in diagnoses.explain(diagnoses.Side(left), diagnoses.Side(right), between):
        # Of large whole numbers one is always near: how often a body counts must be told from once more and once less.
        told = cause.evidence.get("times", 0) * (expected.high - expected.low) <= _TOLD * abs(middle)
        if told and cause.confidence >= _CERTAIN:
            yield f"{cause.code} ({sure(cause.confidence)}): {cause.message}"


def _designed(found: Quantity, expected: Budget) -> bool:
    """Whether one length is a few times the other: then a drawing says so rather than feet and yards."""
    middle = float((expected.low or 0) + (expected.high or 0)) / 2
    if found.unit.dimension != "length" or not (middle and found.value):
        return False
    ratio = found.to("m").value / middle
    times = max(abs(ratio), 1 / abs(ratio))
    return times < _FEW and abs(times - round(times)) < _ROUND


def sure(confidence: float) -> str:
    """A confidence in words, none of which claims certainty."""
    return f"{100 * confidence:.0f} % sure" if confidence < 0.99 else "over 99 % sure"


def _needed(found: Quantity, expected: Budget, owner: Properties | None) -> tuple[float, float] | None:
    """From which density to which an expected mass would be that of the volume that there is."""
    volume = owner.volume.value if owner and owner.volume and owner.density else 0.0
    if expected.low is None or expected.high is None or expected.low <= 0:
        return None
    if found.unit.dimension != "mass" or volume <= 0:
        return None
    return float(expected.low) / volume, float(expected.high) / volume


def _matter(found: Quantity, expected: Budget, owner: Properties | None) -> Iterator[str]:
    """Which density would make an expected mass of the volume that there is, if that of a material stands out.

    Bayes, with a wrong density as frequent as anything else: materials in the window weigh against as many as would be
    there if they were spread evenly among the densities around it.
    """
    ends = _needed(found, expected, owner)
    if not ends or owner is None or owner.density is None:
        return
    rho = sum(ends) / 2
    near = [row for row in materials.table() if abs(row.density / rho - 1) <= _AROUND]
    fit = [row.name for row in near if ends[0] <= row.density <= ends[1]]
    chance = len(near) * (ends[1] - ends[0]) / (2 * _AROUND * rho)
    if fit and len(fit) / (len(fit) + chance) >= _LIKELY:
        yield (
            f"density ({sure(len(fit) / (len(fit) + chance))}): {owner.density.value:.6g} kg/m³ was taken, and what is "
            f"expected would be {rho:.6g} kg/m³ at this volume ({'; '.join(fit[:_NAMED])})"
        )


def findings(owner: Properties | None) -> Iterator[str]:
    """What the result itself says of what its numbers are worth."""
    if owner is not None and owner.verdict is not Verdict.SOUND:
        for finding in owner.findings:
            if finding.code not in _REMARKS:
                yield f"{finding.code}: {finding.message}"
