"""Units: one static, exact table, each row with the spellings and ids vendors use for it.

Factors are exact rationals by definition: the international yard and pound agreement of 1959
(yd = 0.9144 m, lb = 0.45359237 kg), the US gallon of 231 in³ (NIST Handbook 44, appendix C).
Autodesk ids and names: the published unit library (`autodesk.unit.unit`), as of the versions in
each id; an empty id means that the library has no such unit. Zoo spellings: the enums of its OpenAPI
document. A static table because a units package costs 0.3 s to import and 30–100 µs a conversion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from massproof.errors import UnitError

_AUTODESK = "autodesk.unit.unit:"


@dataclass(frozen=True, slots=True, repr=False)
class Unit:
    """One unit: `value * factor` is the same quantity in the SI unit of its dimension."""

    symbol: str
    dimension: str  # length, area, volume, mass, density or inertia
    factor: Fraction
    name: str  # as Autodesk displays it, for units that it displays
    autodesk: str = ""  # id in Autodesk's unit library
    zoo: str = ""  # value of Zoo's enum
    aliases: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"unit({self.symbol!r})"

    def to(self, other: Unit, value: float) -> float:
        """`value` of this unit in `other`, correctly rounded.

        Raises UnitError when the dimensions differ.
        """
        return self.convert(other, [value])[0]

    def convert(self, other: Unit, values: Iterable[float]) -> list[float]:
        """Each of `values` of this unit in `other`, as `to` does it."""
        if other.dimension != self.dimension:
            msg = (
                f"cannot convert {self.dimension} in {self.symbol} to {other.dimension} in "
                f"{other.symbol}; use a unit of {self.dimension}: {', '.join(symbols(self.dimension))}"
            )
            raise UnitError(msg)
        top = self.factor.numerator * other.factor.denominator
        bottom = self.factor.denominator * other.factor.numerator
        return [_product(x, top, bottom) if math.isfinite(x) else x for x in values]


_IN, _FT, _YD = Fraction("0.0254"), Fraction("0.3048"), Fraction("0.9144")
_MM, _CM, _DM = Fraction(1, 1000), Fraction(1, 100), Fraction(1, 10)
_G, _LB = Fraction(1, 1000), Fraction("0.45359237")
_OZ, _GAL = _LB / 16, 231 * _IN**3

_ROWS: tuple[tuple[str, str, Fraction | int, str, str, str, str], ...] = (
    # symbol, dimension, factor to SI, name, Autodesk id, Zoo, other spellings
    ("m", "length", 1, "Meters", "meters-1.0.0", "m", "metre meter metres"),
    ("dm", "length", _DM, "Decimeters", "decimeters-1.0.1", "", "decimetre decimeter decimetres"),
    ("cm", "length", _CM, "Centimeters", "centimeters-1.0.1", "cm", "centimetre centimeter centimetres"),
    ("mm", "length", _MM, "Millimeters", "millimeters-1.0.1", "mm", "millimetre millimeter millimetres"),
    ("um", "length", Fraction(1, 10**6), "Micrometers", "", "", "µm μm micron microns micrometre micrometer"),
    ("km", "length", 1000, "Kilometers", "kilometers-1.0.1", "", "kilometre kilometer kilometres"),
    ("in", "length", _IN, "Inches", "inches-1.0.1", "in", 'inch " in. inches'),
    ("ft", "length", _FT, "Feet", "feet-1.0.1", "ft", "foot"),
    ("yd", "length", _YD, "Yards", "yards-1.0.1", "yd", "yard"),
    ("mil", "length", _IN / 1000, "Mils", "", "", "thou mils"),
    ("m^2", "area", 1, "Square meters", "squareMeters-1.0.1", "m2", "square_metres sqm"),
    ("dm^2", "area", _DM**2, "Square decimeters", "", "dm2", ""),
    ("cm^2", "area", _CM**2, "Square centimeters", "squareCentimeters-1.0.1", "cm2", "sqcm"),
    ("mm^2", "area", _MM**2, "Square millimeters", "squareMillimeters-1.0.1", "mm2", "sqmm"),
    ("km^2", "area", 10**6, "Square kilometers", "", "km2", ""),
    ("in^2", "area", _IN**2, "Square inches", "squareInches-1.0.1", "in2", "sqin sq_in"),
    ("ft^2", "area", _FT**2, "Square feet", "squareFeet-1.0.1", "ft2", "sqft sq_ft"),
    ("yd^2", "area", _YD**2, "Square yards", "squareYards-1.0.1", "yd2", "sqyd"),
    ("m^3", "volume", 1, "Cubic meters", "cubicMeters-1.0.1", "m3", "cubic_metres cbm"),
    ("dm^3", "volume", _DM**3, "Cubic decimeters", "", "", ""),
    ("cm^3", "volume", _CM**3, "Cubic centimeters", "cubicCentimeters-1.0.1", "cm3", "cc ccm"),
    ("mm^3", "volume", _MM**3, "Cubic millimeters", "cubicMillimeters-1.0.1", "mm3", ""),
    ("in^3", "volume", _IN**3, "Cubic inches", "cubicInches-1.0.1", "in3", "cu_in cuin"),
    ("ft^3", "volume", _FT**3, "Cubic feet", "cubicFeet-1.0.1", "ft3", "cu_ft cuft"),
    ("yd^3", "volume", _YD**3, "Cubic yards", "cubicYards-1.0.1", "yd3", "cu_yd cuyd"),
    ("l", "volume", _DM**3, "Liters", "liters-1.0.1", "l", "L litre liter litres"),
    ("ml", "volume", _CM**3, "Milliliters", "", "ml", "mL millilitre milliliter"),
    ("usgal", "volume", _GAL, "US gallons", "usGallons-1.0.1", "usgal", "gal gallon us_gal us_gallon"),
    ("usfloz", "volume", _GAL / 128, "US fluid ounces", "", "usfloz", "floz fl_oz us_fl_oz"),
    ("kg", "mass", 1, "Kilograms", "kilograms-1.0.0", "kg", "kilogram kilogramme kilo"),
    ("g", "mass", _G, "Grams", "grams-1.0.1", "g", "gram gramme"),
    ("mg", "mass", _G / 1000, "Milligrams", "", "", "milligram"),
    ("t", "mass", 1000, "Tonnes", "tonnes-1.0.1", "", "tonne metric_ton Mg"),
    ("lb", "mass", _LB, "Pounds mass", "poundsMass-1.0.1", "lb", "lbs lbm pound pounds"),
    ("oz", "mass", _OZ, "Ounces", "", "", "ounce"),
    ("kg/m^3", "density", 1, "Kilograms per cubic meter", "kilogramsPerCubicMeter-1.0.1", "kg:m3", ""),
    ("g/cm^3", "density", 1000, "Grams per cubic centimeter", "", "", "g/ml g/cc kg/l kg/dm^3 t/m^3 Mg/m^3"),
    ("kg/cm^3", "density", 10**6, "Kilograms per Cubic Centimeter", "", "", ""),
    ("g/mm^3", "density", 10**6, "Grams per cubic millimeter", "", "", ""),
    ("kg/mm^3", "density", 10**9, "Kilograms per cubic millimeter", "", "", ""),
    ("t/mm^3", "density", 10**12, "Tonnes per cubic millimeter", "", "", "tonne/mm^3"),
    ("lb/ft^3", "density", _LB / _FT**3, "Pounds mass per cubic foot", "poundsMassPerCubicFoot-1.0.1", "lb:ft3", "pcf lbm/ft^3"),
    ("lb/in^3", "density", _LB / _IN**3, "Pounds mass per cubic inch", "poundsMassPerCubicInch-1.0.1", "", "lbm/in^3 pci"),
    ("oz/in^3", "density", _OZ / _IN**3, "Ounces per cubic inch", "", "", ""),
    ("kg*m^2", "inertia", 1, "Kilogram square meters", "", "", ""),
    ("kg*cm^2", "inertia", _CM**2, "Kilogram square centimeters", "", "", ""),
    ("kg*mm^2", "inertia", _MM**2, "Kilogram square millimeters", "", "", ""),
    ("g*cm^2", "inertia", _G * _CM**2, "Gram square centimeters", "", "", ""),
    ("g*mm^2", "inertia", _G * _MM**2, "Gram square millimeters", "", "", ""),
    ("lb*in^2", "inertia", _LB * _IN**2, "Pound square inches", "", "", ""),
    ("lb*ft^2", "inertia", _LB * _FT**2, "Pound square feet", "", "", ""),
)  # fmt: skip

UNITS: tuple[Unit, ...] = tuple(
    Unit(symbol, dimension, Fraction(factor), name, _AUTODESK + id_ if id_ else "", zoo, tuple(more.split()))
    for symbol, dimension, factor, name, id_, zoo, more in _ROWS
)  # fmt: skip

# One unit of each dimension: what `--units` and `to_dict(units=...)` choose between.
SYSTEMS: dict[str, dict[str, str]] = {
    "SI": {"length": "m", "area": "m^2", "volume": "m^3", "mass": "kg", "density": "kg/m^3", "inertia": "kg*m^2"},
    "mm": {"length": "mm", "area": "mm^2", "volume": "mm^3", "mass": "g", "density": "g/cm^3", "inertia": "g*mm^2"},
    "cm": {"length": "cm", "area": "cm^2", "volume": "cm^3", "mass": "kg", "density": "kg/cm^3", "inertia": "kg*cm^2"},
    "inch": {"length": "in", "area": "in^2", "volume": "in^3", "mass": "lb", "density": "lb/in^3", "inertia": "lb*in^2"},
    "ft": {"length": "ft", "area": "ft^2", "volume": "ft^3", "mass": "lb", "density": "lb/ft^3", "inertia": "lb*ft^2"},
}  # fmt: skip

_SYSTEM_NAMES = {
    "si": "SI",
    "m": "SI",
    "mm": "mm",
    "cm": "cm",
    "inch": "inch",
    "in": "inch",
    "ft": "ft",
}


def _normal(spelling: str) -> str:
    """One form for the many ways to write a unit: `kg / m³`, `kg:m3`, `kg/m**3` → `kg/m^3`."""
    text = spelling.strip().replace("**", "^").replace("²", "^2").replace("³", "^3")
    text = re.sub(r"\s*[·⋅×]\s*", "*", text)
    text = re.sub(r"\s+per\s+|\s*:\s*|\s*/\s*", "/", text)
    text = re.sub(r"(?<=[A-Za-z])([23])(?![0-9])", r"^\1", text)
    return re.sub(r"[\s_]+", "_", text)


@cache
def _spellings() -> dict[str, Unit]:
    """Every way to write a unit: built when one is asked for that is not a symbol, which takes 3 ms."""
    return _table()


def _table() -> dict[str, Unit]:
    rows: dict[str, Unit] = {}
    for row in UNITS:
        for spelling in (row.symbol, row.name, row.name.lower(), row.zoo, *row.aliases):
            if spelling:
                known = rows.setdefault(_normal(spelling), row)
                if known is not row:
                    msg = f"unit spelling {spelling!r} stands for {known.symbol} and {row.symbol}"
                    raise ValueError(msg)
        if row.autodesk:
            rows[row.autodesk] = row
            rows[row.autodesk.rpartition("-")[0]] = row  # versions differ between products
    return rows


_BY_SYMBOL = {row.symbol: row for row in UNITS}
_EXACT = 2**53  # integers up to here are float64, and one operation with them rounds once
_MEGA = re.compile(r"M[a-z]{1,3}(?![a-z])")  # a megagram is no milligram: here case decides


def symbols(dimension: str) -> list[str]:
    """Symbols of all units of `dimension`, in table order."""
    return [row.symbol for row in UNITS if row.dimension == dimension]


def _spelled(name: str) -> Unit | None:
    """The unit that `name` is one more way to write."""
    known, normal = _spellings(), _normal(name)
    match = known.get(name) or known.get(normal)
    if match is None and not _MEGA.match(normal):
        match = known.get(normal.lower())
    if match is None and name.startswith(_AUTODESK):
        match = known.get(name.rpartition("-")[0])
    return match


def scale(values: Iterable[float], factor: Fraction) -> list[float]:
    """Each of `values` times `factor`, correctly rounded."""
    top, bottom = factor.numerator, factor.denominator
    return [_product(value, top, bottom) for value in values]


def difference(value: float, other: float, factor: Fraction) -> float:
    """`value` less `other`, times `factor`, correctly rounded."""
    (a, b), (c, d) = value.as_integer_ratio(), other.as_integer_ratio()
    return ((a * d - c * b) * factor.numerator) / (b * d * factor.denominator)


def _product(value: float, top: int, bottom: int) -> float:
    """`value` times `top` by `bottom`, correctly rounded, as Python divides integers of any size."""
    if isinstance(value, float):
        if top == bottom:
            return value
        if top == 1 and bottom <= _EXACT:
            return value / bottom
        if bottom == 1 and top <= _EXACT:
            return value * top
    try:
        numerator, denominator = value.as_integer_ratio()
        return (numerator * top) / (denominator * bottom)
    except OverflowError:
        return math.copysign(math.inf, value)


def unit(name: str | Unit, dimension: str | None = None) -> Unit:
    """The unit called `name`: a symbol, an English name, a Zoo spelling or an Autodesk id.

    Raises UnitError when there is none, or when it does not measure `dimension`.
    """
    if isinstance(name, Unit):
        found = name
    else:
        name = str(name)
        match = _BY_SYMBOL.get(name) or _spelled(name)
        if match is None:
            of = f" of {dimension}" if dimension else ""
            known = ", ".join(symbols(dimension) if dimension else (row.symbol for row in UNITS))
            msg = f"unknown unit{of} {name!r}; use one of {known}"
            raise UnitError(msg)
        found = match
    if dimension and found.dimension != dimension:
        msg = (
            f"{found.symbol} is a unit of {found.dimension}, not of {dimension}; "
            f"use one of {', '.join(symbols(dimension))}"
        )
        raise UnitError(msg)
    return found


def system(name: str) -> dict[str, Unit]:
    """The unit of each dimension in the system `name`: SI, mm, cm, inch or ft.

    Raises UnitError when there is no such system.
    """
    known = _SYSTEM_NAMES.get(name.lower())
    if known is None:
        msg = f"unknown unit system {name!r}; use one of {', '.join(SYSTEMS)}"
        raise UnitError(msg)
    return {dimension: unit(symbol) for dimension, symbol in SYSTEMS[known].items()}


_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(\S.*?)?\s*$")


def parse(text: str, dimension: str) -> float:
    """`text`, a number and a unit such as "2.7 g/cm^3" or "85 g", as a value in SI.

    Raises UnitError when the number does not parse, the unit is missing or of another dimension.
    """
    match = _QUANTITY.match(text) if isinstance(text, str) else None
    if match is None or not match[2]:
        example = {"density": "2.7 g/cm^3", "mass": "85 g"}.get(dimension, f"10 {symbols(dimension)[0]}")
        msg = f"{text!r} is not a {dimension} with its unit; write it like {example!r}"
        raise UnitError(msg)
    found = unit(match[2], dimension)
    try:
        return float(Fraction(match[1]) * found.factor)
    except OverflowError:
        msg = f"{text!r} is too large to be a {dimension}"
        raise UnitError(msg) from None
