"""What the server says and allows: service.toml, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def service() -> dict[str, Any]:
    """The table of service.toml."""
    return tomllib.loads(Path(__file__).with_name("service.toml").read_text(encoding="utf-8"))
