"""The `physicalProperties` object, against what the vendor's own samples print."""

import json

import pytest
from hypothesis import given
from strategies import BOX_FACES, box, boxes

import massproof as mp
from massproof.dialects.mfgdm.shapes import contract
from massproof.units import unit

# Unit names that the vendor's samples printed for its own model (contract.toml names the source).
PRINTED = {
    "area": "Square centimeters",
    "volume": "Cubic centimeters",
    "mass": "Kilograms",
    "length": "Centimeters",
    "width": "Centimeters",
    "height": "Centimeters",
    "density": "Kilograms per Cubic Centimeter",
}


def written(mesh, **options):
    return mp.measure((mesh.vertices, mesh.faces), unit="mm", **options).to_dict(dialect="mfgdm")


def test_the_object_has_exactly_the_fields_of_the_schema():
    found = written(box(), material="Steel")

    assert list(found) == ["status", "area", "volume", "density", "mass", "boundingBox"]
    assert list(found["boundingBox"]) == ["length", "width", "height"]
    for field in (found["area"], found["mass"], found["boundingBox"]["width"]):
        assert set(field) == {"name", "displayValue", "value", "definition"}
        assert set(field["definition"]) == {"name", "specification", "units"}
        assert set(field["definition"]["units"]) == {"id", "name"}
    assert found["status"] == "COMPLETED"
    assert json.loads(json.dumps(found)) == found


@given(boxes())
def test_values_are_in_centimetres_and_kilograms_and_display_as_the_shortest_double(case):
    mesh, _, (a, b, c) = case
    found = written(mesh, density="7.85 g/cm^3")

    assert found["area"]["value"] == pytest.approx(2 * (a * b + b * c + c * a) / 100)
    assert found["volume"]["value"] == pytest.approx(a * b * c / 1000)
    assert found["density"]["value"] == pytest.approx(0.00785)
    assert found["mass"]["value"] == pytest.approx(0.00785 * a * b * c / 1000)
    sides = [found["boundingBox"][k]["value"] for k in ("length", "width", "height")]
    assert sides == pytest.approx([a / 10, b / 10, c / 10])
    for field in (
        found["area"],
        found["volume"],
        found["density"],
        found["mass"],
        *found["boundingBox"].values(),
    ):
        assert field["displayValue"] == repr(field["value"])
        assert float(field["displayValue"]) == field["value"]


def test_units_are_named_as_the_vendor_prints_them():
    found = written(box(), material="Steel")
    fields = {k: v for k, v in found.items() if k in PRINTED} | found["boundingBox"]

    assert {k: v["definition"]["units"]["name"] for k, v in fields.items()} == PRINTED
    for name, row in contract().items():
        if name in PRINTED and name != "density":
            assert unit(row["unit_id"]).symbol == row["unit"]


def test_what_does_not_exist_is_null_and_the_work_is_completed():
    found = written(type(box())(box().vertices, BOX_FACES[:-1]))

    assert found["volume"] is found["mass"] is found["density"] is None
    assert found["area"]["value"] > 0
    assert found["status"] == "COMPLETED"
