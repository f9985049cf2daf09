import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massproof import units
from massproof.errors import UnitError

EXACT = {  # definitions: international yard and pound 1959; US gallon 231 in³
    ("in", "mm"): Fraction("25.4"),
    ("ft", "in"): Fraction(12),
    ("yd", "ft"): Fraction(3),
    ("lb", "g"): Fraction("453.59237"),
    ("oz", "lb"): Fraction(1, 16),
    ("usgal", "in^3"): Fraction(231),
    ("usgal", "usfloz"): Fraction(128),
    ("usgal", "l"): Fraction("3.785411784"),
    ("kg/cm^3", "kg/m^3"): Fraction(10**6),
    ("lb/ft^3", "kg/m^3"): Fraction("0.45359237") / Fraction("0.3048") ** 3,
    ("lb/in^3", "lb/ft^3"): Fraction(1728),
    ("kg*m^2", "g*mm^2"): Fraction(10**9),
}


@pytest.mark.parametrize(("pair", "factor"), EXACT.items(), ids=str)
def test_factors_are_the_exact_definitions(pair, factor):
    one, other = (units.unit(name) for name in pair)

    assert one.factor / other.factor == factor


@given(st.sampled_from(units.UNITS), st.data(), st.floats(1e-9, 1e9))
def test_converting_there_and_back_changes_the_last_place_at_most(one, data, value):
    other = data.draw(st.sampled_from([u for u in units.UNITS if u.dimension == one.dimension]))

    assert other.to(one, one.to(other, value)) == pytest.approx(value, rel=2**-52)


@pytest.mark.parametrize("row", units.UNITS, ids=lambda row: row.symbol)
def test_every_spelling_of_a_unit_finds_it(row):
    for spelling in (row.symbol, row.name, row.zoo, row.autodesk, *row.aliases):
        assert not spelling or units.unit(spelling) is row


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [
        ("kg/m³", "kg/m^3"), ("kg / m3", "kg/m^3"), ("kg per m^3", "kg/m^3"), ("kg:m3", "kg/m^3"),
        ("lb:ft3", "lb/ft^3"), ("LB/FT^3", "lb/ft^3"), ("g/cc", "g/cm^3"), ("kg·m²", "kg*m^2"), ("MM", "mm"),
        ("cubic centimeters", "cm^3"), ("mm**3", "mm^3"), ("Square centimeters", "cm^2"),
        ("autodesk.unit.unit:squareCentimeters-1.0.1", "cm^2"), ("autodesk.unit.unit:squareCentimeters-2.0.0", "cm^2"),
    ],
)  # fmt: skip
def test_units_are_found_as_people_and_vendors_write_them(spelling, symbol):
    assert units.unit(spelling).symbol == symbol


def test_zoo_and_autodesk_enums_are_covered():
    """Every value of Zoo's UnitLength, UnitArea, UnitVolume, UnitMass and UnitDensity."""
    zoo = {
        "length": "cm ft in m mm yd", "area": "cm2 dm2 ft2 in2 km2 m2 mm2 yd2", "mass": "g kg lb",
        "volume": "mm3 cm3 ft3 in3 m3 yd3 usfloz usgal l ml", "density": "lb:ft3 kg:m3",
    }  # fmt: skip
    for dimension, names in zoo.items():
        assert {u.zoo for u in units.UNITS if u.dimension == dimension and u.zoo} == set(names.split())


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("2.7 g/cm^3", "density", 2700.0),
        ("1.05g/cm³", "density", 1050.0),
        ("85 g", "mass", 0.085),
        ("1e-3 t", "mass", 1.0),
        (".5 lb", "mass", 0.226796185),
        ("490 lb/ft^3", "density", float(490 * Fraction("0.45359237") / Fraction("0.3048") ** 3)),
    ],
)
def test_a_number_and_its_unit_parse_to_si(text, dimension, value):
    assert units.parse(text, dimension) == value


@pytest.mark.parametrize(
    "text", ["2.7", "g/cm^3", "2,7 g/cm^3", "2.7 g", "2.7 furlongs", "", "nan g/cm^3", None, 2.7]
)
def test_a_density_without_number_unit_or_dimension_is_refused(text):
    with pytest.raises(UnitError):
        units.parse(text, "density")


def test_a_megagram_is_not_a_milligram():
    assert units.parse("2 Mg", "mass") == 2000
    assert units.parse("1 Mg/m^3", "density") == 1000
    assert [units.unit(name).symbol for name in ("MM", "Kg", "Inch", "Meters")] == ["mm", "kg", "in", "m"]
    for name in ("Mm", "Ml", "Mm^2"):
        with pytest.raises(UnitError, match="unknown unit"):
            units.unit(name)


@pytest.mark.parametrize("text", ["1e400 g/cm^3", "1e308 t/mm^3", "1e99999999 g/cm^3"])
def test_a_number_beyond_all_measure_is_refused_at_once(text):
    with pytest.raises(UnitError):
        units.parse(text, "density")


def test_what_overflows_in_another_unit_is_infinite_there():
    assert units.unit("km").to(units.unit("um"), -1e300) == -float("inf")


def test_a_unit_prints_as_the_call_that_finds_it():
    assert repr(units.unit("kg/m3")) == "unit('kg/m^3')"


def test_an_error_names_what_could_be_meant():
    with pytest.raises(UnitError, match=r"mm is a unit of length, not of mass; use one of kg, g"):
        units.unit("mm", "mass")
    with pytest.raises(UnitError, match=r"unknown unit 'parsec'"):
        units.unit("parsec")
    with pytest.raises(UnitError, match="unknown unit"):
        units.unit("autodesk.unit.unit:parsecs-1.0.0")
    with pytest.raises(UnitError, match="cannot convert length in mm to mass"):
        units.unit("mm").to(units.unit("kg"), 1.0)
    with pytest.raises(UnitError, match="unknown unit system 'imperial'"):
        units.system("imperial")


def test_a_spelling_that_means_two_units_is_refused(monkeypatch):
    twice = (
        units.unit("mm"),
        units.Unit("other", "length", Fraction(1), "Others", aliases=("mm",)),
    )
    monkeypatch.setattr(units, "UNITS", twice)

    with pytest.raises(ValueError, match="'mm' stands for mm and other"):
        units._table()


def test_a_symbol_is_found_without_the_table_of_spellings(monkeypatch):
    """The table takes 3 ms to build, and a measurement names symbols only."""
    expected = [units._spellings()[row.symbol] for row in units.UNITS]
    monkeypatch.setattr(units, "_spellings", lambda: pytest.fail("was built"))

    assert [units.unit(row.symbol) for row in units.UNITS] == expected


@pytest.mark.parametrize("name", units.SYSTEMS)
def test_a_system_has_one_unit_of_each_dimension(name):
    assert {d: u.dimension for d, u in units.system(name).items()} == {d: d for d in units.SYSTEMS["SI"]}


def test_a_value_beyond_float64_becomes_infinite_with_its_sign():
    assert units.unit("m").to(units.unit("inch"), -1e308) == -math.inf
    assert units.unit("m").to(units.unit("mm"), 1e308) == math.inf


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(1, 5))
def test_scaling_in_one_step_is_what_exact_rationals_round_to(value, power):
    for factor in (Fraction(1, 1000), Fraction(1000), Fraction(127, 5000), Fraction(1)):
        try:
            exact = float(Fraction(value) * factor**power)
        except OverflowError:
            continue
        assert units.scale([value, value], factor**power) == [exact, exact]


def test_whole_numbers_are_converted_as_exactly():
    assert units.unit("in").to(units.unit("mm"), 3) == 76.2
    assert units.unit("m").convert(units.unit("mm"), [2, 2.5]) == [2000.0, 2500.0]


@given(*[st.floats(-1e300, 1e300, allow_nan=False)] * 2)
def test_a_difference_is_rounded_once(value, other):
    for factor in (Fraction(1, 1000), Fraction(127, 5000), Fraction(1)):
        exact = (Fraction(value) - Fraction(other)) * factor
        assert units.difference(value, other, factor) == float(exact)
