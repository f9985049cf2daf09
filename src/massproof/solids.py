"""What exact solids define: integrals and their errors by cause, and what is noticed of the solids."""

from __future__ import annotations

import numpy as np

from massproof import occt
from massproof.brep import Brep
from massproof.errors import Note
from massproof.mass import Errors, Measured

# Findings whose numbers rest on an assumption, however wide the interval.
_ASSUMED = {"inverted", "solids-missing", "integration-estimated", "overlap", "duplicate-solids"}


def measure(brep: Brep, name: str) -> Measured:
    """What `brep` defines, with its errors by cause; `name` is for messages."""
    found = occt.integrate(brep)
    remarks, absent = _remarks(found, name)
    notes = brep.notes + remarks
    errors: dict[str, Errors | None] = {
        "integration": Errors(
            found.area_error, found.volume_error, found.centre_error, found.second_error, found.box_error
        ),
        "brep-gap": None,  # edges lie on their faces within a tolerance only
        "counted-twice": _counted_twice(found),
    }
    return Measured(
        found.area,
        None if absent else found.body,
        found.lo,
        found.hi,
        errors,
        f"Open CASCADE, adaptive Gauss integration at {occt.COARSE:g} and {occt.FINE:g}",
        notes,
        bool(_ASSUMED & {code for code, _, _ in notes}),
        absent,
    )


def _counted_twice(found: occt.Integrals) -> Errors:
    """What solids that stand twice in one place add to the volume."""
    if not found.repeated or found.body is None:
        return Errors()
    size = float(np.linalg.norm(found.hi - found.lo))
    extra = found.repeated_volume
    return Errors(0.0, extra, extra * size / (found.body.mass - extra), extra * size**2)


def _remarks(found: occt.Integrals, name: str) -> tuple[tuple[Note, ...], str]:
    """What was noticed while integrating, and why there is no volume, "" when there is one."""
    notes: list[Note] = []
    absent = ""
    if found.body is None and not found.unclosed:
        absent = f"{name} holds no solid, only surfaces: area is valid, volume and mass are not"
    if found.unclosed:
        absent = (
            f"{name} does not enclose a volume: {found.unclosed} of {found.solids} solids are not closed or "
            "have none; area is valid, volume and mass are not; close them where they were made"
        )
        notes.append(("open-solids", absent, {"count": found.unclosed, "solids": found.solids}))
    if found.inverted:
        text = f"{found.inverted} of {found.solids} solids are inside out; their volume counts as positive"
        notes.append(("inverted", text, {"count": found.inverted, "solids": found.solids}))
    if found.spline_faces and not absent:
        text = (
            f"faces that are splines or trimmed by splines: {found.spline_faces}; their integration error is "
            "an estimate, the difference of two accuracies, and no proof"
        )
        notes.append(("integration-estimated", text, {"spline_faces": found.spline_faces}))
    return (*notes, *_together(found)), absent


def _together(found: occt.Integrals) -> list[Note]:
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
