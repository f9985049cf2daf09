import dataclasses
import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BOX_FACES, box

import massproof as mp
from massproof import units
from massproof.properties import Finding, Quantity

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/schema/native-1.json").read_text())


def quantity(value=6e-9, half=1e-15, symbol="m^3"):
    return Quantity(
        value,
        units.unit(symbol),
        (value - half, value + half),
        {"rounding": half, "tessellation": None},
    )


@given(st.floats(1e-12, 1e12), st.floats(0, 1e-3), st.sampled_from(units.symbols("volume")))
def test_an_interval_still_encloses_after_conversion(value, relative, symbol):
    q = quantity(value, value * relative)
    converted = q.to(symbol)
    factor = units.unit(symbol).factor

    assert Fraction(converted.interval[0]) * factor <= Fraction(q.interval[0])
    assert Fraction(converted.interval[1]) * factor >= Fraction(q.interval[1])
    assert converted.budget["tessellation"] is None


def test_a_quantity_converts_formats_and_counts_as_a_number():
    q = quantity()

    assert float(q) == q.value == 6e-9
    assert q.to("m^3") == q
    assert f"{q:.3f mm^3}" == "6.000 mm^3"
    assert f"{q:.1e}" == "6.0e-09"
    assert f"{q}" == str(q) == "6e-09 m^3"
    assert f"{q: mm^3}" == "6.0 mm^3"
    with pytest.raises(mp.UnitError, match="cannot convert volume"):
        q.to("mm")


def test_results_are_frozen():
    r = mp.measure((box().vertices, BOX_FACES), unit="mm")
    with pytest.raises(AttributeError):
        r.volume = None
    with pytest.raises(AttributeError):
        r.volume.value = 1.0


def every_result():
    yield mp.measure((box().vertices, BOX_FACES), unit="mm", material="Steel")
    yield mp.measure((box().vertices, BOX_FACES))
    yield mp.measure((box().vertices, BOX_FACES[:-1]), unit="inch", density="1 lb/in^3")
    yield mp.measure((box().vertices, BOX_FACES[:-1]), mass="1 kg")


@pytest.mark.parametrize("system", units.SYSTEMS)
def test_the_native_form_keeps_its_schema(system):
    jsonschema = pytest.importorskip("jsonschema")
    for r in every_result():
        jsonschema.validate(json.loads(json.dumps(r.to_dict(units=system), allow_nan=False)), SCHEMA)


def test_the_schema_refuses_what_is_not_the_native_form():
    jsonschema = pytest.importorskip("jsonschema")
    for spoil in (
        lambda d: d.pop("verdict"),
        lambda d: d["properties"].update(volume=6.0),
        lambda d: d.update(more=1),
    ):
        written = next(every_result()).to_dict()
        spoil(written)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(written, SCHEMA)


def test_native_values_are_si_or_in_the_units_asked_for():
    r = next(every_result())
    si, mm = r.to_dict()["properties"], r.to_dict(units="mm")["properties"]

    assert si["volume"]["value"] == 6e-9
    assert si["volume"]["displayValue"] == "6e-09"
    assert si["volume"]["definition"] == {
        "name": "Volume", "specification": "volume", "units": {"id": "m^3", "name": "Cubic meters"},
    }  # fmt: skip
    assert mm["volume"]["value"] == 6.0
    assert mm["mass"]["definition"]["units"]["id"] == "g"
    assert mm["boundingBox"]["max"] == [1.0, 2.0, 3.0]
    assert mm["centerOfMass"]["z"]["value"] == 1.5
    assert mm["inertia"]["tensor"][0][0] == pytest.approx(6 * 7.85e-3 * 13 / 12)


def test_what_is_absent_is_null_and_a_finding_says_why():
    written = mp.measure((box().vertices, BOX_FACES[:-1]), unit="mm").to_dict()

    assert [k for k, v in written["properties"].items() if v is None] == [
        "volume", "density", "mass", "centerOfMass", "inertia", "principal",
    ]  # fmt: skip
    assert {f["code"] for f in written["findings"]} == {"open-edges", "no-density"}


def test_an_endless_interval_is_written_without_infinity():
    q = Quantity(1.0, units.unit("m"), (0.0, math.inf))

    assert q.to_dict("Length", units.system("mm"))["interval"][1] is None


def test_a_partial_result_is_written_with_nulls():
    r = dataclasses.replace(next(every_result()), area=None, bounding_box=None)

    assert r.to_dict()["properties"]["boundingBox"] is None
    assert r.to_dict(dialect="mfgdm")["boundingBox"] is None


def test_an_unknown_dialect_names_the_known():
    with pytest.raises(mp.MassproofError, match="use one of native, derivative, mfgdm, onshape, zoo"):
        next(every_result()).to_dict(dialect="klingon")


def test_findings_compare_by_what_they_say():
    assert Finding("a", "b", {"n": 1}) == Finding("a", "b", {"n": 1})
