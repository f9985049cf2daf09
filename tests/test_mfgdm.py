"""The `physicalProperties` object, against what the vendor's own samples print."""

import json
import math
import re

import pytest
from hypothesis import given
from strategies import BOX_FACES, box, boxes

import massproof as mp
from massproof import dialects
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


def numbers(text, unit=None, **more):
    return {"displayValue": text, **more} | ({"definition": {"units": {"name": unit}}} if unit else {})


def published(density_unit="Kilograms per Cubic Centimeter", **more):
    """The numbers that the vendor's samples print for their own model, as their query selects them."""
    return {
        "status": "COMPLETED",
        "area": numbers("819.4486552856862", "Square centimeters"),
        "volume": numbers("848.945652239262", "Cubic centimeters"),
        "mass": numbers("6.664223370078205", "Kilograms", value=6.664223370078205),
        "density": numbers("0.00785", density_unit),
        "boundingBox": {
            "length": numbers("11.2966", "Centimeters"),
            "height": numbers("36.50386108368127", "Centimeters"),
            "width": numbers("21.439766566807783", "Centimeters"),
        },
    } | more


PLACES = [
    lambda p: p,
    lambda p: {"data": {"componentVersion": {"physicalProperties": p}}},
    lambda p: {"data": {"model": {"name": {"displayValue": "Main"}, "physicalProperties": p}}},
    lambda p: {"data": {"component": {"primaryModel": {"id": "m", "physicalProperties": p}}}},
    lambda p: {"data": {"hubs": {"results": [{"items": [None, {"name": "Main", "physicalProperties": p}]}]}}},
]


@pytest.mark.parametrize("place", PLACES)
def test_the_published_numbers_are_read_wherever_the_object_hangs(place):
    read = dialects.parse(place(published()))

    assert read.area.to("cm^2").value == pytest.approx(819.4486552856862, rel=1e-15)
    assert read.area.to("cm^2").interval[0] < 819.4486552856862 < read.area.to("cm^2").interval[1]
    assert read.volume.to("cm^3").value == pytest.approx(848.945652239262, rel=1e-15)
    assert read.mass.value == 6.664223370078205
    assert read.density.to("kg/cm^3").value == pytest.approx(0.00785, rel=1e-15)
    box = read.bounding_box
    assert [q.to("cm").value for q in (box.length, box.width, box.height)] == pytest.approx(
        [11.2966, 21.439766566807783, 36.50386108368127], rel=1e-15
    )
    assert read.findings == ()
    assert read.source.unit == "cm"
    assert read.source.name in ("Main", "mfgdm")
    assert set(read.absent) == {"center_of_mass", "inertia", "principal"}
    # The mass is a unit of the last place off volume times density, and the intervals are not wider than that.
    product = read.volume.value * read.density.value
    assert abs(product - read.mass.value) < 1e-14 * product
    assert read.mass.budget == {"vendor-rounding": math.ulp(6.664223370078205)}


def test_the_label_that_the_vendor_printed_for_a_density_is_a_finding_and_changes_no_number():
    read = dialects.parse(published(density_unit="Cubic centimeters"))

    (finding,) = read.findings
    assert finding.code == "unit-mislabelled"
    assert finding.message.startswith("density is labelled 'Cubic centimeters', a unit of volume")
    assert finding.evidence == {"property": "density", "label": "Cubic centimeters", "used": "kg/cm^3"}
    assert read.density == dialects.parse(published()).density


@pytest.mark.parametrize(
    ("label", "symbol", "codes"),
    [("Grams per cubic centimeter", "g/cm^3", []), ("g/cm^3", "g/cm^3", []), ("Gramm je Liter", "kg/cm^3", ["unit-mislabelled"])],
)  # fmt: skip
def test_a_label_that_can_be_right_is_right(label, symbol, codes):
    read = dialects.parse(published(density_unit=label))

    assert read.density.to(symbol).value == pytest.approx(0.00785)
    assert [f.code for f in read.findings] == codes


def test_a_unit_is_known_by_its_id_where_its_name_is_not_selected():
    for row in (contract()["area"], contract()["density"]):
        field = {"value": 2.0, "definition": {"units": {"id": row["unit_id"]}}}
        name = "area" if row is contract()["area"] else "density"
        read = dialects.parse({"status": "COMPLETED", name: field})
        assert getattr(read, name).to(row["unit"]).value == 2.0
        assert read.findings == ()


@pytest.mark.parametrize(
    ("field", "grams", "half"),
    [
        ({"displayValue": "5.23 kg"}, 5230, 5),
        ({"displayValue": "5230 g", "value": 5.2304}, 5230.4, 1e-9),
        ({"displayValue": "5.23", "value": 5.2304}, 5230.4, 1e-9),
        ({"value": "5.2304"}, 5230.4, 1e-9),
        ({"value": 5}, 5000, 1e-9),
        ({"displayValue": "5.23", "definition": None}, 5230, 1e-9),
        ({"displayValue": "5.23", "definition": {"units": None}}, 5230, 1e-9),
    ],
)
def test_a_number_may_be_a_number_a_text_or_a_text_with_its_unit(field, grams, half):
    read = dialects.parse(published(mass=field)).mass

    assert read.to("g").value == pytest.approx(grams, rel=1e-12)
    lo, hi = read.to("g").interval
    assert lo < grams < hi
    assert hi - lo == pytest.approx(2 * half, rel=1e-6) if half > 1 else hi - lo < half


@pytest.mark.parametrize(
    ("mass", "message"),
    [
        ({"displayValue": "5.23", "value": 6.0}, "mass contradicts itself: value 6.0, displayValue \"5.23\" in kg"),
        ({"displayValue": "5.23 cm"}, "cm is a unit of length, not of mass"),
        ({"displayValue": "5,23"}, "mass.displayValue must begin with a finite number"),
        ({"displayValue": 5.23}, "mass.displayValue must be text, got 5.23"),
        ({"value": True}, "mass.value must be a finite number, got true"),
        ({"value": 1.0, "definition": {"units": {"name": 3}}}, "mass.definition.units must name its unit, got 3"),
        ({"value": 1.0, "definition": "kg"}, "mass.definition must be a JSON object"),
        ([1.0, "kg"], "mass must be a JSON object"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_property_is_refused(mass, message):
    with pytest.raises(mp.FormatError, match=re.escape(message)):
        dialects.parse(published(mass=mass))


def test_what_is_null_and_what_was_not_selected_are_absent_for_different_reasons():
    read = dialects.parse(
        {"status": "COMPLETED", "area": None, "volume": {"value": None, "displayValue": None}}
    )

    assert read.absent["area"] == read.absent["volume"] == "the service answered null"
    assert read.absent["mass"] == "the answer does not have it: the query did not select it"
    partly = dialects.parse(published(boundingBox={"length": numbers("1"), "width": None}))
    assert partly.bounding_box is None
    assert partly.absent["bounding_box"] == "the answer has the box without width, height"
    assert dialects.parse(published(boundingBox=None)).absent["bounding_box"] == "the service answered null"


@pytest.mark.parametrize("status", ["SCHEDULED", "QUEUED", "IN_PROGRESS"])
@pytest.mark.parametrize("place", PLACES)
def test_work_that_is_on_its_way_is_pending(status, place):
    empty = dict.fromkeys(("area", "volume", "mass", "density", "boundingBox"))
    for read in (dialects.parse, dialects.parse_objects):
        with pytest.raises(mp.Pending, match=f"status is {status}: the service has not finished"):
            read(place({"status": status, **empty}))


def test_without_a_status_nothing_is_pending_and_something_is_done():
    without = {k: v for k, v in published().items() if k != "status"}
    assert (
        dialects.parse(without).mass
        == dialects.parse(without | {"status": None}).mass
        == dialects.parse(published()).mass
    )
    for answer in ({"mass": None}, {"status": None, "mass": None}):
        with pytest.raises(mp.Pending, match=r"status is (missing|null) and every property is null"):
            dialects.parse({"data": {"model": {"physicalProperties": answer}}})


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_work_that_failed_is_an_error_of_the_service(status):
    with pytest.raises(mp.RemoteError, match=f"status is {status}: the service gave up"):
        dialects.parse({"status": status})


@pytest.mark.parametrize("status", ["SUCCESS", "completed", 1])
def test_a_status_of_another_field_is_no_status_of_this_one(status):
    with pytest.raises(mp.FormatError, match="which is none of COMPLETED, SCHEDULED"):
        dialects.parse({"data": {"model": {"physicalProperties": published(status=status)}}})


NOT_FOUND = {"message": "not found", "extensions": {"code": "NOT_FOUND", "service": "cw"}}


def test_errors_of_the_query_are_errors_of_the_service():
    for document in (
        {"data": {"hub": {"projects": None}}, "errors": [NOT_FOUND]},
        {"data": {"componentVersion": {"physicalProperties": None}}, "errors": [NOT_FOUND]},
        {
            "data": {"componentVersion": None},
            "errors": [{"message": "NOT_FOUND: not found", "extensions": None}],
        },
    ):
        assert dialects.sniff(document) == "mfgdm"
        with pytest.raises(mp.RemoteError, match="the service reports NOT_FOUND: not found"):
            dialects.parse(document)
    with pytest.raises(
        mp.RemoteError,
        match=r"data\.model\.physicalProperties null: the component has no geometry",
    ):
        dialects.parse({"data": {"model": {"physicalProperties": None}}})
    beside = dialects.parse({"data": {"model": {"physicalProperties": published()}}, "errors": [NOT_FOUND]})
    assert [(f.code, f.message) for f in beside.findings] == [
        ("remote-errors", "the service reports NOT_FOUND: not found")
    ]


def test_of_several_objects_one_must_be_named():
    document = {"data": {"a": {"id": "A", "name": "left", "physicalProperties": published()},
                         "b": [{"name": {"displayValue": "right"}, "physicalProperties": published(mass=numbers("1"))}],
                         "c": {"id": "C", "physicalProperties": None}}}  # fmt: skip
    with pytest.raises(mp.UsageError, match=r"of 3 objects; name one with object=: A, data.b\[0\], C"):
        dialects.parse(document)
    with pytest.raises(mp.UsageError, match="of 3 objects"):
        dialects.parse(document, object="B")
    assert dialects.parse(document, object="A").mass.value == 6.664223370078205
    assert dialects.parse(document, object="data.a").source.name == "left"
    found = dialects.parse_objects(document)
    assert {k: (name, r.mass.value) for k, (name, r) in found.items()} == {
        "A": ("left", 6.664223370078205), "data.b[0]": ("right", 1.0),
    }  # fmt: skip


def test_a_component_that_occurs_often_is_one_object_unless_its_numbers_differ():
    one, other = ({"id": "A", "physicalProperties": published(mass=numbers(text))} for text in ("1", "2"))

    assert dialects.parse({"data": [one, one]}).mass.value == 1.0
    assert {k: r.mass.value for k, (_, r) in dialects.parse_objects({"data": [one, other]}).items()} == {
        "A": 1.0,
        "data[1]": 2.0,
    }


def test_an_answer_without_the_object_says_what_to_do():
    with pytest.raises(
        mp.FormatError,
        match=re.escape('has no physicalProperties: it holds {"data": {"model": {}}}; select it'),
    ):
        dialects.parse({"data": {"model": {}}}, "mfgdm")
    with pytest.raises(mp.FormatError, match=r"data\.model\.physicalProperties must be a JSON object, got 3"):
        dialects.parse({"data": {"model": {"physicalProperties": 3}}})


@pytest.mark.parametrize("placement", ["v2", "v3", "v3-component"])
def test_the_whole_response_of_either_version_is_written(placement):
    r = mp.measure((box().vertices, box().faces), unit="mm", material="Steel")
    whole = r.to_dict("mfgdm", placement=placement)

    for key in contract()["placements"][placement]:
        (whole,) = whole.values() if list(whole) == [key] else [None]
    assert whole == {"physicalProperties": r.to_dict("mfgdm")}
    with pytest.raises(mp.UsageError, match="unknown placement 'v1'; use one of v2, v3, v3-component"):
        r.to_dict("mfgdm", placement="v1")
