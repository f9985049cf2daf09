"""Every example in a folder of vendors' answers, where there is one: read, or refused for the right reason."""

import contracts
import pytest

import massproof as mp
from massproof import dialects

# What each file of the folder is: the objects that are read of it, or the error; None: no answer about mass properties.
EXPECTED = {
    "mfgdm_v2_response_reconstructed.json": 1,
    "mfgdm_v3_response_reconstructed.json": 1,
    "mfgdm_seed_query_response_INFERRED.json": 1,
    "mfgdm_pending_INFERRED.json": mp.Pending,
    "mfgdm_physical_official_numbers.json": mp.FormatError,  # a table of the numbers, in a form of its own
    "md_properties_inventor.json": 4,
    "md_viewer_property_db_inventor.json": 1,
}
WRAPPED = {  # a file that holds answers by name
    ("mfgdm_errors.json", "not_found_flaky_200"): mp.RemoteError,
    ("mfgdm_errors.json", "null_status_shape"): mp.RemoteError,
    ("md_properties_query.json", "response_shape"): 0,
}


def outcome(document):
    if dialects.sniff(document) is None:
        return None
    try:
        return len(dialects.parse_objects(document))
    except mp.MassproofError as error:
        return type(error)


def test_every_example_is_read_or_refused_as_it_should_be():
    found = contracts.examples("autodesk-examples")

    assert {name: outcome(document) for name, document in found.items()} == {
        name: EXPECTED.get(name) for name in found
    }
    assert set(EXPECTED) <= set(found)
    for (name, key), expected in WRAPPED.items():
        assert outcome(found[name][key]) == expected


def test_the_published_numbers_are_those_that_are_read():
    found = contracts.examples("autodesk-examples")
    printed = found["mfgdm_physical_official_numbers.json"]
    for name in (
        "mfgdm_v2_response_reconstructed.json",
        "mfgdm_v3_response_reconstructed.json",
        "mfgdm_seed_query_response_INFERRED.json",
    ):
        read = dialects.parse(found[name])
        for field, unit in (("area", "cm^2"), ("volume", "cm^3"), ("mass", "kg"), ("density", "kg/cm^3")):
            assert getattr(read, field).to(unit).value == pytest.approx(float(printed[field][0]), rel=1e-15)
        for side, (text, _) in printed["boundingBox"].items():
            assert getattr(read.bounding_box, side).to("cm").value == pytest.approx(float(text), rel=1e-15)
    whole = dialects.parse(found["md_properties_inventor.json"], object=2)
    assert whole.area.to("mm^2").value == pytest.approx(19772.676, rel=1e-15)
    assert whole.volume.to("mm^3").value == pytest.approx(83673.946, rel=1e-15)
    assert dialects.parse(found["md_viewer_property_db_inventor.json"]).mass.value == 0.8492693
    number = found["md_properties_query.json"]["unit_payload_value_example"]
    centre = {"objectid": 1, "properties": {"Center of Gravity:": ", ".join([number] * 3)}}
    assert dialects.parse(centre).center_of_mass.to("mm") == pytest.approx((94.172,) * 3, rel=1e-15)
