"""massproof: mass properties of CAD and mesh files, with a proof on every number."""

import importlib
from typing import TYPE_CHECKING, Any

from massproof import dialects as dialects
from massproof import properties
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
from massproof.topology import Shell, Topology, topology
from massproof.verify import Verification, verify
from massproof.version import __version__ as __version__

if TYPE_CHECKING:
    from massproof.breakdown import Assembly, Part, Use
    from massproof.comparison import Comparison, compare
    from massproof.conversion import Conversion, convert
    from massproof.expected import within
    from massproof.partwise import assembly
    from massproof.rendering import render, turntable
    from massproof.rows import Outcome, Row

pytest_plugins = ("massproof.pytest_plugin",)  # what `pytest -p massproof` loads

# Imported when they are first used, so that `import massproof` stays light. No module may be called as one of them:
# importing it would put it in the place of the function.
_LATER = {
    "Assembly": "breakdown",
    "Comparison": "comparison",
    "Conversion": "conversion",
    "Outcome": "rows",
    "Part": "breakdown",
    "Row": "rows",
    "Use": "breakdown",
    "assembly": "partwise",
    "compare": "comparison",
    "convert": "conversion",
    "render": "rendering",
    "turntable": "rendering",
    "within": "expected",
}

__all__ = [
    "Assembly",
    "Comparison",
    "Conversion",
    "Finding",
    "FormatError",
    "InputError",
    "MassproofError",
    "MissingExtra",
    "NotASolid",
    "Outcome",
    "Part",
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
    "Use",
    "Verdict",
    "Verification",
    "assembly",
    "compare",
    "convert",
    "measure",
    "render",
    "topology",
    "turntable",
    "verify",
    "within",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        msg = f"module 'massproof' has no attribute {name!r}"
        raise AttributeError(msg)
    found = getattr(importlib.import_module(f"massproof.{_LATER[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _agrees_with(*sides: Any, **options: Any) -> "Comparison":
    from massproof.comparison import agrees_with

    return agrees_with(*sides, **options)


properties.COMPARE["agrees_with"] = _agrees_with
