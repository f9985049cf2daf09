"""A report of ours that was saved, read back."""

import json
import math
import re

import pytest
from strategies import BOX_FACES, box

import massproof as mp
from massproof import dialects


def report(**options):
    r = mp.measure((box().vertices, box().faces), unit="mm", **options)
    return r, json.loads(json.dumps(r.to_dict()))


@pytest.mark.parametrize("options", [{}, {"material": "Steel"}, {"mass": "1 kg"}])
def test_a_saved_report_is_the_result(options):
    r, document = report(**options)
    read = dialects.parse(document)

    assert read.to_dict() == document
    for field in (
        "area",
        "volume",
        "density",
        "mass",
        "center_of_mass",
        "inertia",
        "principal",
        "verdict",
        "method",
        "findings",
        "absent",
        "source",
    ):
        assert getattr(read, field) == getattr(r, field)
    for corner in ("min", "max"):
        for a, b in zip(getattr(r.bounding_box, corner), getattr(read.bounding_box, corner), strict=True):
            assert b.value == a.value
            assert b.interval[0] <= a.interval[0] <= a.interval[1] <= b.interval[1]
            assert b.interval[1] - b.interval[0] < 1e-17  # metres: a few units of the last place of the sides


def test_a_bound_that_is_null_is_infinite():
    r = mp.measure((box().vertices, BOX_FACES), unit="mm", material="Steel")
    document = json.loads(json.dumps(r.to_dict()))
    document["properties"]["mass"]["interval"] = [None, None]
    document["properties"]["mass"]["budget"]["density"] = None

    assert dialects.parse(document).mass.interval == (-math.inf, math.inf)
    assert dialects.parse(document).mass.budget["density"] is None


def test_of_several_results_one_must_be_named():
    one = report()[1]
    other = one | {"source": one["source"] | {"name": "other"}}
    failed = {
        "schema_version": "1",
        "source": {"name": "bad.stl"},
        "error": {"kind": "format", "message": "cut short"},
    }
    document = [one, other, failed]

    with pytest.raises(
        mp.UsageError,
        match=r"the report is of 3 sources; name one with object=: \(vertices, faces\), other, bad.stl",
    ):
        dialects.parse(document)
    assert dialects.parse(document, object="other").source.name == "other"
    assert list(dialects.parse_objects(document)) == ["(vertices, faces)", "other"]
    with pytest.raises(mp.RemoteError, match=r"the report says that bad\.stl was not measured: cut short"):
        dialects.parse(document, object="bad.stl")
    with pytest.raises(mp.FormatError, match=re.escape("[1].source.name '(vertices, faces)' is there twice")):
        dialects.parse_objects([one, one])


def spoil(path, value):
    """The report in which the value at `path` is another one."""
    document = report(material="Steel")[1]
    *keys, last = path.split("/")
    node = document
    for key in keys:
        node = node[int(key) if isinstance(node, list) else key]
    node[int(last) if isinstance(node, list) else last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema_version", "2", "schema_version is \"2\", and '1' is read"),
        ("source", 3, "source must be a JSON object, got 3"),
        ("source/unit", 3, "source.unit must be text, got 3"),
        ("verdict", "FINE", 'verdict is "FINE", which is none of SOUND, BOUNDED, UNSAFE'),
        ("findings", {}, "findings must be a list, got {}"),
        ("findings", [{"code": "a", "message": "b"}], "findings[0].evidence must be a JSON object, got null"),
        ("findings", [{"code": 1, "message": "b", "evidence": {}}], "findings[0].code must be text, got 1"),
        ("method", None, "the report.method must be text, got null"),
        ("absent", [], "absent must be a JSON object, got []"),
        ("provenance/python", 3, "provenance.python must be text, got 3"),
        ("properties", None, "properties must be a JSON object, got null"),
        ("properties/mass/value", "1", 'properties.mass.value must be a finite number, got "1"'),
        ("properties/mass/value", 1.0, "properties.mass.value 1.0 is not in its interval ["),
        ("properties/mass/interval", [1.0], "properties.mass.interval must be two numbers or nulls, got [1.0]"),
        ("properties/mass/budget", None, "properties.mass.budget must be a JSON object, got null"),
        ("properties/mass/definition/units/id", "mm", "properties.mass.definition.units.id: mm is a unit of length, not of mass"),
        ("properties/centerOfMass/z", None, "properties.centerOfMass.z must be a JSON object, got null"),
        ("properties/boundingBox/min", [1.0, 2.0], "properties.boundingBox.min must be three numbers, got 2"),
        ("properties/inertia/xy", 0.0, "properties.inertia.xy must be a JSON object, got 0.0"),
        ("properties/principal/axes", 3, "properties.principal.axes must be three rows of three numbers, got 3"),
        ("properties/principal/axes/1", [1.0], "properties.principal.axes must be three rows of three numbers"),
        ("properties/principal/radiiOfGyration", [], "properties.principal.radiiOfGyration must be three quantities, got []"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(path, value, message):
    with pytest.raises(mp.FormatError, match=re.escape(message)):
        dialects.parse(spoil(path, value))


def test_a_box_of_lengths_only_has_no_corners():
    document = spoil("properties/boundingBox/min", None)
    document["properties"]["boundingBox"]["max"] = None

    assert dialects.parse(document).bounding_box.min is dialects.parse(document).bounding_box.max is None
    assert dialects.parse(document).to_dict() == document


def test_other_reports_of_ours_are_no_results(data):
    for other in (mp.topology(data / "box.stl"), mp.verify(data / "torus_stated.step")):
        assert dialects.sniff(other.to_dict()) is None
