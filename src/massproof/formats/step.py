"""STEP, ISO 10303-21: what its parts are made of and where they are placed."""

from __future__ import annotations

import re

from massproof import stepfile
from massproof.brep import Drawn
from massproof.errors import FormatError

SUFFIXES = (".step", ".stp")

_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|/\*.*?\*/)*ISO-10303-21\b", re.DOTALL)


def sniff(data: memoryview) -> bool:
    """Whether `data` looks like STEP, from its first bytes only."""
    return bool(_START.match(bytes(data[:4096])))


def read(data: memoryview) -> Drawn:
    """Read a STEP file; what is measured of it is in millimetres, if it states its unit.

    Raises FormatError when it is no STEP file, cut short, not well-formed, refers to what it does not define,
    contains itself, or holds nothing that has an area.
    """
    if not sniff(data):
        msg = f"not a STEP file: it begins with {bytes(data[:16])!r}, expected ISO-10303-21; check what was exported"
        raise FormatError(msg)
    model = stepfile.read(data)
    return Drawn(model, "mm" if model.unit else None, model.declared, model.notes)
