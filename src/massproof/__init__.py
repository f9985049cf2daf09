"""massproof: mass properties of CAD and mesh files, with a proof on every number."""

from massproof import dialects as dialects
from massproof.compare import Comparison, compare
from massproof.convert import Conversion, convert
from massproof.errors import (
    FormatError,
    InputError,
    MassproofError,
    MissingExtra,
    NotASolid,
    Pending,
    RemoteError,
    UnitError,
    UnknownMaterial,
    UsageError,
)
from massproof.measure import measure
from massproof.properties import Finding, Properties, Quantity, Verdict
from massproof.render import render, turntable
from massproof.rows import Outcome, Row
from massproof.topology import Shell, Topology, topology
from massproof.verify import Verification, verify
from massproof.version import __version__ as __version__
from massproof.within import within

pytest_plugins = ("massproof.pytest_plugin",)  # what `pytest -p massproof` loads

__all__ = [
    "Comparison",
    "Conversion",
    "Finding",
    "FormatError",
    "InputError",
    "MassproofError",
    "MissingExtra",
    "NotASolid",
    "Outcome",
    "Pending",
    "Properties",
    "Quantity",
    "RemoteError",
    "Row",
    "Shell",
    "Topology",
    "UnitError",
    "UnknownMaterial",
    "UsageError",
    "Verdict",
    "Verification",
    "compare",
    "convert",
    "measure",
    "render",
    "topology",
    "turntable",
    "verify",
    "within",
]
