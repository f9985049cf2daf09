"""massproof: mass properties of CAD and mesh files, with a proof on every number."""

from massproof import dialects as dialects
from massproof.errors import (
    FormatError,
    InputError,
    MassproofError,
    MissingExtra,
    NotASolid,
    UnitError,
    UnknownMaterial,
    UsageError,
)
from massproof.measure import measure
from massproof.properties import Finding, Properties, Quantity, Verdict

__all__ = [
    "Finding",
    "FormatError",
    "InputError",
    "MassproofError",
    "MissingExtra",
    "NotASolid",
    "Properties",
    "Quantity",
    "UnitError",
    "UnknownMaterial",
    "UsageError",
    "Verdict",
    "measure",
]
