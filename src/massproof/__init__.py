"""massproof: mass properties of CAD and mesh files, with a proof on every number."""

from massproof import dialects as dialects
from massproof.convert import Conversion, convert
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
from massproof.render import render, turntable
from massproof.topology import Shell, Topology, topology
from massproof.verify import Verification, verify
from massproof.version import __version__ as __version__

__all__ = [
    "Conversion",
    "Finding",
    "FormatError",
    "InputError",
    "MassproofError",
    "MissingExtra",
    "NotASolid",
    "Properties",
    "Quantity",
    "Shell",
    "Topology",
    "UnitError",
    "UnknownMaterial",
    "UsageError",
    "Verdict",
    "Verification",
    "convert",
    "measure",
    "render",
    "topology",
    "turntable",
    "verify",
]
