"""What a service answered, as a partial result in SI whose intervals are as wide as its own rounding.

Shared by the dialects, which know the words; nothing here knows a vendor.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from massproof import units
from massproof.errors import FormatError
from massproof.files import Digest
from massproof.properties import Finding, Point, Properties, Quantity, Source, Verdict
from massproof.units import Unit

ROUNDING, BOUNDS = "vendor-rounding", "vendor-bounds"  # causes in the budget of what a service answered
FIELDS = ("area", "volume", "density", "mass", "center_of_mass", "bounding_box", "inertia", "principal")

_SINGLE = 2.0**-24, 2.0**-150  # half a unit of the last place of float32: relative, and of the least numbers
_NUMBER = re.compile(
    r"([+-]?(?:\d+(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,3}))?)(?![\d.,])\s*(.*)", re.ASCII | re.DOTALL
)


@cache
def contract(beside: str) -> dict[str, Any]:
    """The table contract.toml beside the module file `beside`: a vendor's names, units and ids."""
    return tomllib.loads(Path(beside).with_name("contract.toml").read_text(encoding="utf-8"))


def table(value: Any, path: str) -> Mapping[str, Any]:
    """`value` as a JSON object; raises FormatError when it is none."""
    if not isinstance(value, Mapping):
        msg = f"{path} must be a JSON object, got {shown(value)}"
        raise FormatError(msg)
    return value


def numbers(value: Any, path: str) -> list[float]:
    """`value` as a list of finite numbers; raises FormatError when it is none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        msg = f"{path} must be a list of numbers, got {shown(value)}"
        raise FormatError(msg)
    return [number(x, f"{path}[{k}]") for k, x in enumerate(value)]


def number(value: Any, path: str) -> float:
    """`value` as a finite number; raises FormatError when it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            if math.isfinite(found := float(value)):
                return found
        except OverflowError:
            pass  # an integer of more than 308 digits: refused below
    msg = f"{path} must be a finite number, got {shown(value)}"
    raise FormatError(msg)


def printed(text: str, path: str) -> tuple[float, float, str]:
    """Of a text such as "0.012 gram": the number, half a unit of its last digit, and what follows it.

    Raises FormatError when it does not begin with a number.
    """
    match = _NUMBER.fullmatch(text.strip())
    value = float(match[1]) if match else math.nan
    if match is None or not math.isfinite(value):
        msg = f"{path} must begin with a finite number written with a decimal point, got {shown(text)}"
        raise FormatError(msg)
    decimals = len(match[2] or match[3] or "")
    return value, last_digit(value, decimals - int(match[4] or 0)), match[5].strip()


def last_digit(value: float, decimals: int) -> float:
    """Half a unit of the last of so many decimals, and of the doubles that it was printed from and read into."""
    return float(f"0.5e{-decimals}") + math.ulp(value)


def double(value: float, unit: str | Unit, path: str) -> Quantity:
    """A number that the service printed as the double that it has: off by a unit of its last place at most."""
    return rounded(value, unit, math.ulp(value), path)


def single(value: float, unit: str | Unit, path: str) -> Quantity:
    """A number that the service declares as float32, or computes with as such."""
    return rounded(value, unit, half_single(value), path)


def half_single(value: float) -> float:
    """How far a number can be from the float32 that it is rounded to, in the range of those."""
    return max(abs(value) * _SINGLE[0], _SINGLE[1])


def rounded(value: float, unit: str | Unit, half: float, path: str) -> Quantity:
    """A number that the service rounded by `half` at most, in SI."""
    own = units.unit(unit)
    bounds = (math.nextafter(value - half, -math.inf), math.nextafter(value + half, math.inf))
    found = Quantity(value, own, bounds, {ROUNDING: half}).to(units.SYSTEMS["SI"][own.dimension])
    if not all(map(math.isfinite, (found.value, *found.interval))):
        msg = f"{path} is too large to be a {own.dimension}: {value!r} {own.symbol}"
        raise FormatError(msg)
    return found


def apart(one: Quantity | Point, other: Quantity | Point) -> bool:
    """Whether the intervals of two values in the same unit do not meet."""
    left, right = ([q] if isinstance(q, Quantity) else list(q) for q in (one, other))
    pairs = ((a.interval, b.interval) for a, b in zip(left, right, strict=True))
    return any(a[1] < b[0] or b[1] < a[0] for a, b in pairs)


def length_of(unit: str | Unit) -> str:
    """The length unit whose power `unit` is, "m" when there is none."""
    own = units.unit(unit)
    power = {"length": 1, "area": 2, "volume": 3}.get(own.dimension, 0)
    return next((s for s in units.symbols("length") if units.unit(s).factor ** power == own.factor), "m")


class _Digest:
    """SHA-256 of a document written as JSON, computed when it is asked for; as a pickle it is the digest alone."""

    __slots__ = ("_document",)

    def __init__(self, document: Any) -> None:
        self._document = document

    def __call__(self) -> str:
        text = json.dumps(self._document, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Digest, (b"", None, self())


def partial(
    dialect: str,
    document: Any,
    found: Mapping[str, Any],
    absent: Mapping[str, str],
    *,
    name: str = "",
    unit: str = "m",
    findings: Iterable[Finding] = (),
    provenance: Mapping[str, str] | None = None,
) -> Properties:
    """The result that a service answered.

    found : quantities in SI by field of `Properties`;  absent : why each other field is None, by field
    name : what the answer is about;  unit : the length unit that it is written in
    """
    return Properties(
        Source(name or dialect, dialect, _Digest(document), unit),
        Verdict.BOUNDED,  # by a service's word and its rounding, never by a proof of ours
        tuple(findings),
        f"remote: {dialect}",
        {"dialect": dialect} | dict(provenance or {}),
        **{field: found.get(field) for field in FIELDS},
        absent={field: absent[field] for field in FIELDS if found.get(field) is None},
    )


def shown(value: Any) -> str:
    """`value` as an error message shows it: its beginning, on one line."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
