"""The registry of dialects: each writes a result in the shape of one vendor's API."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from massproof import properties

NAMES = ("mfgdm",)


def _writer(name: str) -> Any:
    def shape(result: properties.Properties) -> dict[str, Any]:
        module = import_module(f"massproof.dialects.{name}.shapes")
        written: dict[str, Any] = module.physical_properties(result)
        return written

    return shape


properties.DIALECTS.update({name: _writer(name) for name in NAMES})
