"""What exact solids define: integrals and their errors by cause, and what is noticed of the solids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from massproof import densities, engines
from massproof.brep import Brep, Drawn
from massproof.errors import Note
from massproof.mass import Errors, Measured
from massproof.placed import Whole, whole
from massproof.stated import DENSITY, Stated

# Findings whose numbers rest on an assumption, however wide the interval.
_ASSUMED = {
    "area-vectors",
    "duplicate-solids",
    "engines-disagree",
    "faces-turned",
    "fallback-occt",  # which takes malformed entities and faces that do not fit their edges as they come
    "integration-estimated",
    "inverted",
    "overlap",
    "placement-missing",
    "solids-missing",
    "tessellation-left",
}


def measure(brep: Brep, name: str) -> Measured:
    """What a CAD object defines, measured by the kernel that made it; `name` is for messages."""
    from massproof import occt  # which a STEP file does not wait for

    method = f"Open CASCADE, adaptive Gauss integration at {occt.COARSE:g} and {occt.FINE:g}"
    return _measured(occt.integrate(brep), brep.notes, name, method)


def measure_drawn(
    drawn: Drawn,
    name: str,
    engine: str | None,
    accuracy: float | None,
    stated: Sequence[Stated] = (),
    pool: Callable[[], engines.Pool] | None = None,
) -> Measured:
    """What a STEP file defines; engine, accuracy : as `engines.integrate` takes them, None for its own.

    stated : what it states, as `densities.applied` has it, of which the densities weigh its parts
    pool : gives its parts, where they are integrated for others, too
    """
    if pool is None:
        found = engines.integrate(drawn.model, engine or engines.NATIVE, accuracy or engines.ACCURACY)
    else:
        found = pool().found(drawn.model)
    together = whole(found.definitions, found.occurrences, solid=found.solid)
    measured = _measured(together, drawn.notes + found.notes, name, found.method, found.unclosed)
    measured = replace(measured, versions=found.versions, bounded=measured.bounded or found.bounded)
    if measured.body and any(one.kind == DENSITY for one in stated):
        own = densities.of_parts(stated, found.shown)
        mass = densities.heavy(found.definitions, found.occurrences, own)
        return densities.weighted(measured, mass, own) if mass else measured
    return measured


def _measured(
    found: Whole, notes: tuple[Note, ...], name: str, method: str, unclosed: tuple[int, ...] = ()
) -> Measured:
    remarks, absent = _remarks(found, name, unclosed)
    notes += remarks
    errors: dict[str, Errors | None] = {**found.errors}
    errors["counted-twice"] = (found.errors.get("counted-twice") or Errors()) + _counted_twice(found)
    cause = "integration" if "integration" in errors else "rounding"  # of faces, and of triangles alone
    errors[cause] = replace(errors.get(cause) or Errors(), box=found.box_error)
    return Measured(
        found.area,
        None if absent else found.body,
        found.lo,
        found.hi,
        errors,
        method,
        notes,
        bool(_ASSUMED & {code for code, _, _ in notes}),
        absent,
    )


def _counted_twice(found: Whole) -> Errors:
    """What solids that stand twice in one place add to the volume."""
    if not found.repeated or found.body is None:
        return Errors()
    size = float(np.linalg.norm(found.hi - found.lo))
    extra = found.repeated_volume
    return Errors(0.0, extra, extra * size / (found.body.mass - extra), extra * size**2)


def _remarks(found: Whole, name: str, unclosed: tuple[int, ...]) -> tuple[tuple[Note, ...], str]:
    """What was noticed while integrating, and why there is no volume, "" when there is one.

    unclosed : numbers of solids in a file that have none
    """
    notes: list[Note] = []
    absent = ""
    if found.body is None and not found.unclosed:
        absent = f"{name} holds no solid, only surfaces: area is valid, volume and mass are not"
    if found.unclosed:
        named = ", ".join(f"#{number}" for number in unclosed[:3])
        absent = (
            f"{name} does not enclose a volume: {found.unclosed} of {found.solids} solids are not closed, "
            f"look both ways or have none{named and f', as {named}'}; area is valid, volume and mass are not; "
            "close them where they were made"
        )
        evidence = {"count": found.unclosed, "solids": found.solids, "numbers": list(unclosed[:20])}
        notes.append(("open-solids", absent, evidence))
    if found.inverted:
        text = f"{found.inverted} of {found.solids} solids are inside out; their volume counts as positive"
        notes.append(("inverted", text, {"count": found.inverted, "solids": found.solids}))
    if found.splines and not absent:
        text = (
            f"faces that are splines or trimmed by splines: {found.splines}; their integration error is "
            "an estimate, the difference of two accuracies, and no proof"
        )
        notes.append(("integration-estimated", text, {"spline_faces": found.splines}))
    return (*notes, *_together(found)), absent


def _together(found: Whole) -> list[Note]:
    """What was noticed of solids beside each other."""
    notes: list[Note] = []
    if found.repeated:
        text = f"{found.repeated} of {found.solids} solids stand where the same one stands already, and count"
        evidence = {"count": found.repeated, "volume": found.repeated_volume}
        notes.append(("duplicate-solids", text, evidence))
    if found.pairs:
        text = (
            f"pairs of solids whose boxes overlap: {found.pairs}; each solid counts in full, so that "
            f"material which lies in two of them, at most {found.shared:g} in its unit, counts twice"
        )
        notes.append(("overlap", text, {"pairs": found.pairs, "volume_at_most": found.shared}))
    return notes
