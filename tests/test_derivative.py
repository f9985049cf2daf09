"""Texts of mass properties as the vendor's field guide, its API document and its viewer show them."""

import re

import pytest
from strategies import box

import massproof as mp
from massproof import dialects


def row(objectid, name, **properties):
    return {
        "objectid": objectid,
        "name": name,
        "externalId": f"x{objectid}",
        "properties": {"Name": name} | properties,
    }


def collection(*rows):
    return {"data": {"type": "properties", "collection": list(rows)}}


def texts(area, volume):
    return {"Mass Properties": {"Area": area, "Volume": volume}}


# The numbers of the vendor's assembly and its parts; places as in its field guide.
ASSEMBLY = collection(
    row(2, "Model", **texts("19772.676 millimeter^2", "83673.946 millimeter^3")),
    row(3, "Bottom", **texts("7000 millimeter^2", "25000 millimeter^3")),
    row(4, "Box", **{"Center of Gravity:": "-13.452 mm, -9.879 mm, -40.735 mm"}),
    row(5, "Top", **texts("5772.676 millimeter^2", "33673.946 millimeter^3")),
    row(6, "Cylinder", **{"Mass:": "0.012 gram"}),
    row(8, "Box", Material="ABS Plastic"),
)


def entry(key, value, category="Physical", units="kilogram", **more):
    return {
        "attributeName": key,
        "displayName": key,
        "displayCategory": category,
        "displayValue": value,
        "units": units,
    } | more


VIEWER = [
    entry("Mass", 0.8492693, type=3, precision=0),
    {"attributeName": "Material", "displayCategory": "Physical", "type": 20},
]


def test_the_vendor_s_assembly_is_the_sum_of_its_parts():
    found = {name: r for name, r in dialects.parse_objects(ASSEMBLY).values() if r.volume}

    assert list(dialects.parse_objects(ASSEMBLY)) == ["2", "3", "4", "5", "6"]
    whole, bottom, top = found["Model"], found["Bottom"], found["Top"]
    for field in ("area", "volume"):
        total = sum(getattr(r, field).value for r in (bottom, bottom, top))
        assert getattr(whole, field).interval[0] < total < getattr(whole, field).interval[1]
    assert whole.area.to("mm^2").value == pytest.approx(19772.676, rel=1e-15)
    lo, hi = whole.area.to("mm^2").interval
    assert (lo, hi) == pytest.approx((19772.6755, 19772.6765), rel=1e-12)
    assert set(whole.area.budget) == {"vendor-rounding"}
    assert bottom.volume.to("mm^3").interval == pytest.approx((24999.5, 25000.5), rel=1e-12)
    assert whole.absent["mass"].endswith("the authoring application saved none")
    assert whole.source.unit == "mm"


def test_loose_properties_of_bodies():
    mass = dialects.parse(ASSEMBLY, object=6).mass
    centre = dialects.parse(ASSEMBLY, object="4").center_of_mass

    assert mass.to("g").value == pytest.approx(0.012)
    assert mass.to("g").interval == pytest.approx((0.0115, 0.0125), rel=1e-9)
    assert centre.to("mm") == pytest.approx((-13.452, -9.879, -40.735))
    assert centre.x.to("mm").interval == pytest.approx((-13.4525, -13.4515), rel=1e-9)


def test_of_several_objects_one_must_be_named():
    with pytest.raises(
        mp.UsageError,
        match=r"5 objects have mass properties; name one with object=: 2 \(Model\), 3 \(Bottom\)",
    ):
        dialects.parse(ASSEMBLY)
    with pytest.raises(mp.UsageError, match="5 objects have mass properties"):
        dialects.parse(ASSEMBLY, object=8)
    one = collection(
        row(2, "Model", **texts("1 millimeter^2", "1 millimeter^3")), row(8, "Box", Material="ABS Plastic")
    )
    assert dialects.parse(one).source.name == "Model"
    with pytest.raises(
        mp.FormatError, match="none of 1 objects has mass properties: the authoring application saved none"
    ):
        dialects.parse(collection(row(8, "Box", Material="ABS Plastic")))
    assert dialects.parse_objects(collection()) == {}
    with pytest.raises(mp.FormatError, match="two objects have the objectid '2'"):
        dialects.parse_objects(
            collection(*[row(2, "Model", **texts("1 millimeter^2", "1 millimeter^3"))] * 2)
        )


@pytest.mark.parametrize(
    "document",
    [
        ASSEMBLY["data"]["collection"][0],
        ASSEMBLY["data"]["collection"][:1],
        {"pagination": {"limit": 20, "offset": 0, "totalResults": 1}, "data": {"type": "properties", "collection": ASSEMBLY["data"]["collection"][:1]}},
    ],
)  # fmt: skip
def test_one_object_a_list_and_the_answer_to_a_query_read_the_same(document):
    assert dialects.sniff(document) == "derivative"
    assert dialects.parse(document).volume == dialects.parse(ASSEMBLY, object=2).volume


def test_the_viewer_s_number_is_a_float32():
    read = dialects.parse(VIEWER)

    assert read.mass.value == 0.8492693
    lo, hi = read.mass.interval
    assert hi - lo == pytest.approx(2 * 0.8492693 * 2**-24)
    of_object = {
        "dbId": 7,
        "name": "Part",
        "externalId": "",
        "properties": [*VIEWER, entry("Material", "Steel"), entry("Material", "Paint", "Appearance")],
    }
    assert dialects.sniff(of_object) == dialects.sniff([of_object]) == "derivative"
    named = dialects.parse(of_object)
    assert (named.mass, named.source.name, named.provenance["material"]) == (read.mass, "Part", "Steel")
    assert list(dialects.parse_objects([of_object])) == ["7"]


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("##94.172{mm^2}[3]{m^2}", 94.172, 5e-4),
        ("##94{mm^2}[3]{m^2}", 94, 5e-4),
        ("##0.94172{cm^2}[2]{m^2}", 94.172, 0.5),
        ("##94.172{millimeter^2}[3]", 94.172, 5e-4),
        ("94.172 mm^2", 94.172, 5e-4),
        ("0.00014596654 foot^2", 13.5607353, 4.645e-7),
    ],
)
def test_numbers_with_units_know_the_decimals_that_they_state(text, value, half):
    area = dialects.parse(row(1, "A", **{"Mass Properties": {"Area": text}})).area.to("mm^2")

    assert area.value == pytest.approx(value, rel=1e-7)
    assert area.interval[1] - area.interval[0] == pytest.approx(2 * half, rel=0.1)


def test_two_places_of_one_object_must_agree():
    both = {"Mass:": "12 gram", "Physical": {"Mass": "0.0121 kilogram", "Density": "1.05 gram/centimeter^3"}}
    read = dialects.parse(row(1, "A", **both))
    assert read.mass.to("g").value == 12
    assert read.density.to("g/cm^3").value == pytest.approx(1.05)
    with pytest.raises(
        mp.FormatError, match=r"Physical.Mass is <0.013 kg in .*another place of the object says <0.012"
    ):
        dialects.parse(row(1, "A", **both | {"Physical": {"Mass": "0.0130 kilogram"}}))
    centre = entry("Center of Gravity:", "1 mm, 2 mm, 3 mm", "", None)
    assert dialects.parse([centre, centre]).center_of_mass.to("mm") == (1, 2, 3)
    with pytest.raises(mp.FormatError, match="another place of the object says"):
        dialects.parse([centre, entry("Center of Gravity:", "1 mm, 2 mm, 5 mm", "", None)])


@pytest.mark.parametrize("text", ["N/A", ""])
def test_what_is_stale_is_absent_and_says_so(text):
    read = dialects.parse(row(1, "A", **texts("1 millimeter^2", text)))

    assert read.volume is None
    assert read.absent["volume"] == f"the answer.properties.Mass Properties.Volume is {text}"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Mass:": "0.012"}, 'the answer.properties.Mass: has no unit: "0.012"'),
        ({"Mass:": 0.012}, "the answer.properties.Mass: has no unit: 0.012"),
        ({"Mass:": "0.012 millimeter"}, "mm is a unit of length, not of mass"),
        ({"Mass:": "0.012 stone"}, "the answer.properties.Mass:: unknown unit of mass 'stone'"),
        ({"Mass:": "about 3 gram"}, "must begin with a finite number"),
        ({"Mass:": "0,012 gram"}, "must begin with a finite number"),
        ({"Center of Gravity:": "1 mm, 2 mm"}, "must be three lengths with a comma between"),
        ({"Center of Gravity:": 3}, "must be three lengths with a comma between"),
        ({"Center of Gravity:": "1 mm, 2 mm, 3 gram"}, "g is a unit of mass, not of length"),
    ],
)
def test_what_is_no_mass_property_is_refused(properties, message):
    with pytest.raises(mp.FormatError, match=re.escape(message)):
        dialects.parse(row(1, "A", **properties))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"data": {"type": "properties"}}, "data.collection must be a list of objects, got null"),
        ({"data": 3}, "data must be a JSON object"),
        ({"data": {"type": "properties", "collection": [3]}}, "data.collection[0] must be a JSON object"),
        (row(1, "A") | {"properties": 3}, "the answer.properties must be a JSON object"),
        (row(1, "A") | {"properties": [3]}, "the answer.properties[0] must be a JSON object"),
        (3, "the answer must be a list of objects, got 3"),
        ([entry("Mass", [1])], "[0] must be a finite number, got [1]"),
        ([entry("Mass", 1.0, units=3)], "[0] has no unit: 1.0"),
    ],
)
def test_what_is_malformed_is_refused(document, message):
    with pytest.raises(mp.FormatError, match=re.escape(message)):
        dialects.parse(document, "derivative")


def test_an_answer_that_is_none_yet_is_pending_and_a_diagnostic_is_an_error():
    assert dialects.sniff({"result": "success"}) == "derivative"
    with pytest.raises(mp.Pending, match="the properties are being extracted: ask again"):
        dialects.parse({"result": "success"})
    for document in (
        {"diagnostic": "Failed to query the data."},
        {"developerMessage": "Failed to query the data."},
    ):
        assert dialects.sniff(document) == "derivative"
        with pytest.raises(mp.RemoteError, match="the service reports Failed to query the data"):
            dialects.parse_objects(document)


def test_what_is_written_reads_like_the_vendor_s_texts():
    r = mp.measure(
        (box((7, 50, 500 / 7), (-3, 0, 0)).vertices, box().faces), unit="mm", density="1.05 g/cm^3"
    )
    (one,) = r.to_dict("derivative", object=4, external_id="x")["data"]["collection"]

    assert one == {
        "objectid": 4, "name": "(vertices, faces)", "externalId": "x",
        "properties": {
            "Name": "(vertices, faces)",
            "Mass Properties": {"Area": "8842.857 millimeter^2", "Volume": "25000 millimeter^3"},
            "Mass:": "26.25 gram",
            "Center of Gravity:": "0.5 mm, 25 mm, 35.714 mm",
        },
    }  # fmt: skip
    (one,) = r.to_dict("derivative", form="unit")["data"]["collection"]
    assert one["properties"]["Mass Properties"]["Volume"] == "##25000{mm^3}[3]{m^3}"
    assert r.to_dict("derivative", form="viewer", mass="kilogram")[0] == {
        "attributeName": "Mass", "displayName": "Mass", "displayCategory": "Physical",
        "displayValue": pytest.approx(0.02625), "units": "kilogram", "type": 3, "precision": 0,
    }  # fmt: skip
    assert list(r.to_dict("derivative")) == ["data"]
    assert r.to_dict("derivative", query=True)["pagination"] == {"limit": 20, "offset": 0, "totalResults": 1}
    tiny = mp.measure((box((1e-3, 1e-3, 1e-3), (-1e-3,) * 3).vertices, box().faces), unit="mm").to_dict(
        "derivative"
    )
    assert tiny["data"]["collection"][0]["properties"]["Center of Gravity:"] in (
        "-0.001 mm, -0.001 mm, -0.001 mm",
        "0 mm, 0 mm, 0 mm",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "html"}, "unknown form 'html'; use one of text, unit, viewer"),
        ({"length": "mm"}, "unknown unit of length 'mm'; use one of millimeter, centimeter"),
        ({"mass": "stone"}, "unknown unit of mass 'stone'; use one of gram, kilogram, lbmass"),
    ],
)
def test_words_that_the_vendor_has_not_are_refused(options, message):
    with pytest.raises(mp.UsageError, match=re.escape(message)):
        mp.measure((box().vertices, box().faces), unit="mm").to_dict("derivative", **options)
