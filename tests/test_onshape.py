"""Onshape's answers: the numbers of a live one in public, and every way in which it can be wrong or incomplete."""

import dataclasses
import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import box, rotations

import massproof as mp
from massproof import dialects

MOMENTS = [0.09944605933465941, 0.09944605954654827, 0.19238058837442526]
AXES = [
    [-0.9702683926946019, -5.514078101148926e-9, -0.2420314982349062],
    [-0.2420314982349062, -5.44073563520025e-10, 0.9702683926946021],
    [5.481818620570986e-9, -0.9999999999999999, 8.066832175421143e-10],
]
# Of the tensor and the centroid the public copy has the first numbers: these follow from the axes and moments.
TENSOR = np.array(AXES).T @ np.diag(MOMENTS) @ np.array(AXES)


def bounded(values, half):
    return [*values, *(x - half for x in values), *(x + half for x in values)]


def body(**more):
    return {
        "volume": [0.003411385108378978, 0.003410724395374695, 0.0034120458213832646],
        "periphery": [0.3551154530453107, 0.35506836484837767, 0.3551625412422433],
        "centroid": bounded([-2.07609188073475e-9, 0.01, 0.0], 1e-8),
        "inertia": bounded(TENSOR.ravel().tolist(), 1e-5),
        "mass": [9.585992154544929, 9.584199206938452, 9.587785102151415],
        "hasMass": True,
        "massMissingCount": 0,
        "principalInertia": MOMENTS,
        "principalAxes": [dict(zip("xyz", axis, strict=True)) for axis in AXES],
    } | more


def without(*keys):
    return {k: v for k, v in body().items() if k not in keys}


def test_a_live_answer_keeps_its_bounds():
    assert TENSOR[0, 0] == pytest.approx(0.0994460593470721, rel=1e-9)  # as far as it is in public
    read = dialects.parse({"bodies": {"JHD": body()}, "microversionId": "m1"})

    assert read.volume.value == 0.003411385108378978
    assert read.volume.interval == (0.003410724395374695, 0.0034120458213832646)
    assert read.volume.budget == {"vendor-bounds": pytest.approx(6.61e-7, rel=1e-3)}
    assert read.area.interval == (0.35506836484837767, 0.3551625412422433)
    assert read.mass.interval == (9.584199206938452, 9.587785102151415)
    assert read.center_of_mass.x.value == -2.07609188073475e-9
    assert np.array(read.inertia.matrix()) == pytest.approx(TENSOR, rel=1e-12, abs=1e-15)
    assert read.inertia.xy.interval == pytest.approx((TENSOR[0, 1] - 1e-5, TENSOR[0, 1] + 1e-5))
    assert [q.value for q in read.principal_moments] == MOMENTS
    assert read.principal_moments[0].interval == pytest.approx(
        (MOMENTS[0] - 3e-5, MOMENTS[0] + 3e-5), rel=1e-9
    )
    assert [q.value for q in read.radii_of_gyration] == pytest.approx(
        [math.sqrt(x / 9.585992154544929) for x in MOMENTS]
    )
    assert all(q.interval[0] < q.value < q.interval[1] for q in read.radii_of_gyration)
    assert np.linalg.det(read.principal_axes) == pytest.approx(1)  # the live ones are left-handed
    assert read.principal_axes[0] == tuple(AXES[0])
    assert (read.source.name, read.provenance["microversion"]) == ("JHD", "m1")
    assert read.absent == {
        "density": "this API has no density",
        "bounding_box": "this endpoint has no bounding box",
    }


def test_an_assembly_and_all_bodies_and_one_of_them():
    bare, whole = (
        dialects.parse(body()),
        {"bodies": {"JHD": body(mass=[1.0, 1.0, 1.0]), "-all-": body(), "JHK": body()}},
    )

    assert bare.source.name == "-all-"
    assert dialects.parse(whole).mass == bare.mass
    assert dialects.parse(whole, object="JHD").mass.value == 1.0
    assert list(dialects.parse_objects(whole)) == ["JHD", "-all-", "JHK"]
    assert dialects.parse_objects(body())["-all-"][1].mass == bare.mass
    for document, wanted in ((whole, "JHX"), ({"bodies": {"JHD": body(), "JHK": body()}}, None)):
        with pytest.raises(mp.UsageError, match="bodies; name one with object=: JHD, "):
            dialects.parse(document, object=wanted)


def test_what_has_no_material_has_no_mass_and_no_centre():
    alone = dialects.parse({"bodies": {"JHN": {"hasMass": False, "massMissingCount": 1}}})
    assert all(
        getattr(alone, k) is None
        for k in ("area", "volume", "mass", "center_of_mass", "inertia", "principal")
    )
    massless = {
        "hasMass": False,
        "massMissingCount": 1,
        "mass": [0, -1.19e-10, 1.19e-10],
        "centroid": [0.0] * 9,
        "inertia": [0.0] * 27,
    }
    read = dialects.parse(body(**massless))
    assert read.volume and read.area
    for field in ("mass", "center_of_mass", "inertia", "principal"):
        assert read.absent[field] == "hasMass is false: no part has a material"
    (finding,) = read.findings
    assert (finding.code, finding.evidence) == ("mass-missing", {"parts": 1})
    some = dialects.parse(body(massMissingCount=3))
    assert some.mass.value == 9.585992154544929
    assert some.findings[0].message == "parts without a material, which mass, centre and inertia leave out: 3"


def test_the_periphery_of_a_surface_is_no_area():
    for volume in ([0.0, -1e-12, 1e-12], None):
        read = dialects.parse(body(volume=volume))
        assert read.area is None
        assert "perimeter" in read.absent["area"]


def test_numbers_without_bounds_leave_them_open():
    read = dialects.parse(body(mass=[2.0], volume=[0.5], centroid=[1, 2, 3], inertia=TENSOR.ravel().tolist()))

    assert read.mass.budget == {"vendor-rounding": math.ulp(2.0), "vendor-bounds": None}
    assert read.mass.interval[0] < 2.0 < read.mass.interval[1]
    assert read.center_of_mass.to("m") == (1, 2, 3)
    assert read.principal_moments[0].budget["vendor-bounds"] is None
    assert dialects.parse(without("inertia")).principal_moments[2].budget["vendor-bounds"] is None


@given(rotations(), st.sampled_from([1.0, -1.0]))
def test_axes_are_read_right_handed_and_else_as_they_are(rotation, hand):
    axes = [dict(zip("xyz", map(float, row), strict=True)) for row in rotation * [[1.0], [1.0], [hand]]]
    read = dialects.parse(body(principalAxes=axes)).principal_axes

    assert np.array(read) == pytest.approx(rotation, abs=1e-15)


@pytest.mark.parametrize("missing", ["mass", "principalInertia", "principalAxes"])
def test_without_mass_axes_or_moments_there_are_no_principal_ones(missing):
    read = dialects.parse(without(missing))

    assert read.principal is None
    assert read.absent["principal"] == "the answer has no principal axes and moments with a mass"


def test_what_is_not_answered_is_absent():
    read = dialects.parse(
        without("centroid", "inertia", "mass", "principalInertia", "hasMass", "massMissingCount")
    )

    assert read.absent["mass"] == "the answer has no mass"
    assert read.absent["center_of_mass"] == "the answer has no centroid"
    assert read.absent["inertia"] == "the answer has no inertia"


def test_moments_in_another_order_are_sorted_with_their_axes():
    turned = body(principalInertia=MOMENTS[::-1], principalAxes=body()["principalAxes"][::-1])

    assert dialects.parse(turned).principal == dialects.parse(body()).principal


def test_a_radius_of_what_may_weigh_nothing_has_no_upper_bound():
    read = dialects.parse(body(mass=[1e-12, -1e-10, 1e-10]))

    assert read.radii_of_gyration[0].interval[1] == math.inf
    for nothing in (-1.0, 0.0):
        assert dialects.parse(body(mass=[nothing] * 3)).principal is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"mass": [1.0, 2.0, 3.0]}, "bodies.-all-.mass: value 1.0 is not between its minimum 2.0 and its maximum 3.0"),
        ({"mass": [1.0, 2.0]}, "bodies.-all-.mass must have 1 or 3 numbers (values, minima, maxima), got 2"),
        ({"centroid": [0.0] * 4}, "centroid must have 3 or 9 numbers"),
        ({"inertia": [0.0] * 18}, "inertia must have 9 or 27 numbers"),
        ({"mass": "1"}, 'bodies.-all-.mass must be a list of numbers, got "1"'),
        ({"inertia": [1.0, 0.1, 0, 0, 1, 0, 0, 0, 1]}, "inertia must be a symmetric tensor, row by row"),
        ({"hasMass": "yes"}, 'got {"hasMass": "yes", "massMissingCount": 0}'),
        ({"massMissingCount": True}, "count parts in massMissingCount"),
        ({"principalAxes": [{"x": 1}]}, "principalAxes must be three vectors"),
        ({"principalAxes": [{"x": 1, "y": 0, "z": 0}] * 2 + [{"x": 1, "y": 1, "z": 0}]}, "principalAxes[2] must be a unit vector, got one of length 1.41421"),
        ({"principalAxes": [{"x": 1, "y": 0}] * 3}, "principalAxes[0].z must be a finite number, got null"),
        ({"principalInertia": [1.0]}, "principalInertia must have 3 or 9 numbers"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(more, message):
    with pytest.raises(mp.FormatError, match=re.escape(message)):
        dialects.parse(body(**more))


def test_errors_and_answers_without_bodies():
    error = {"message": "Not found", "status": 404, "code": 0, "moreInfoUrl": ""}
    assert dialects.sniff(error) == "onshape"
    with pytest.raises(mp.RemoteError, match='the service reports "Not found"'):
        dialects.parse(error)
    with pytest.raises(mp.RemoteError, match="the service answered no bodies"):
        dialects.parse({"bodies": {}})
    with pytest.raises(mp.FormatError, match="bodies must be a JSON object"):
        dialects.parse({"bodies": [1]}, "onshape")
    with pytest.raises(mp.FormatError, match="the answer has no bodies and no mass properties: it holds"):
        dialects.parse({"volume": [1.0]}, "onshape")
    with pytest.raises(mp.FormatError, match=r"bodies\.JHD must be a JSON object"):
        dialects.parse({"bodies": {"JHD": 3}})


def test_what_is_written_has_the_order_and_the_counts_of_the_vendor():
    r = mp.measure((box().vertices, box().faces), unit="mm", material="Steel")
    written = r.to_dict("onshape", assembly=True)

    assert {k: len(v) for k, v in written.items() if isinstance(v, list)} == {
        "volume": 3, "periphery": 3, "mass": 3, "centroid": 9, "inertia": 27, "principalInertia": 3, "principalAxes": 3,
    }  # fmt: skip
    assert written["centroid"][:3] == [0.0005, 0.001, 0.0015]
    assert written["inertia"][:9] == np.array(r.inertia.matrix()).ravel().tolist()
    assert written["inertia"][9:18] <= written["inertia"][:9] <= written["inertia"][18:]
    assert r.to_dict("onshape", object="JHD") == {"bodies": {"JHD": written}}
    plain = mp.measure((box().vertices, box().faces), unit="mm").to_dict("onshape", assembly=True)
    assert plain == {
        "volume": written["volume"],
        "periphery": written["periphery"],
        "hasMass": False,
        "massMissingCount": 1,
    }
    unbounded = dialects.parse(body(mass=[2.0], inertia=None))
    assert dialects.shapes("onshape").emit(unbounded)["bodies"]["-all-"]["mass"] == [
        2.0,
        *unbounded.mass.interval,
    ]
    endless = mp.Quantity(1.0, r.mass.unit, (-math.inf, math.inf))
    assert dialects.shapes("onshape").emit(dataclasses.replace(r, mass=endless), assembly=True)["mass"] == [
        1.0,
        -sys.float_info.max,
        sys.float_info.max,
    ]
