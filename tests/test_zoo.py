"""Zoo's answers: the numbers that its live service gave in public tests, and every way in which it does not answer."""

import re
import struct

import contracts
import pytest
from strategies import box

import massproof as mp
from massproof import dialects
from massproof.dialects.zoo.shapes import contract

HEAD = {
    "id": "8f0b6c1e-0000-4000-8000-000000000001",
    "created_at": "2026-01-02T03:04:05.123456789Z",
    "updated_at": "2026-01-02T03:04:05.123456789Z",
    "user_id": "8f0b6c1e-0000-4000-8000-000000000002",
    "status": "completed",
}


def answer(name, unit, value=None, src_format="stl", **more):
    """What the endpoint `name` answers; of what is null nothing is there, as in the one answer printed in public."""
    return (
        {**HEAD, "src_format": src_format, "output_unit": unit}
        | ({} if value is None else {name: value})
        | more
    )


def xyz(*values):
    return dict(zip("xyz", values, strict=True))


def mass(value, unit, density, density_unit="kg:m3", **more):
    return answer("mass", unit, value, material_density=density, material_density_unit=density_unit, **more)


CUBE = [
    answer("volume", "cm3", 1.0),
    mass(1.0, "g", 1000.0),
    answer("surface_area", "mm2", 600.0),
    answer("center_of_mass", "mm", xyz(5.0, 5.0, -5.0)),  # (x, z, -y): the frame of 2024 to 2026
]
KCL_BOX = [
    answer("volume", "cm3", 31.25),
    mass(31.25, "g", 1000.0),
    answer("density", "kg:m3", 2000.0, material_mass=62.5, material_mass_unit="g"),
    answer("surface_area", "cm2", 62.5),
    answer("center_of_mass", "cm", xyz(1.25, 1.25, 2.5)),
    answer(
        "bounding_box",
        "mm",
        {"center": xyz(12.5, 12.5, 25), "dimensions": xyz(25, 25, 50)},
        type="file_bounding_box",
    ),
]


def test_the_cube_of_the_vendor_s_own_tests():
    read = dialects.parse(CUBE)

    assert (read.volume.value, read.area.value, read.mass.value) == pytest.approx((1e-6, 6e-4, 1e-3))
    assert read.center_of_mass.to("mm") == (5.0, 5.0, -5.0)
    assert read.density.to("kg/m^3").value == 1000.0
    assert read.density.interval[1] - read.density.interval[0] < 1e-12
    assert read.provenance["density_source"] == "material_density of the request"
    assert read.absent["bounding_box"] == "the answer has no bounding box: that is another endpoint"
    assert read.source.unit == "mm"


def test_the_box_that_the_engine_measured():
    read = dialects.parse(KCL_BOX)

    assert read.volume.to("cm^3").value == pytest.approx(31.25)
    assert read.area.to("cm^2").value == pytest.approx(62.5)
    assert read.mass.to("g").value == 31.25
    assert read.density.value == 2000.0  # what was answered, not what another request gave
    assert read.center_of_mass.to("cm") == (1.25, 1.25, 2.5)
    assert [list(p.to("mm")) for p in (read.bounding_box.min, read.bounding_box.max)] == [
        [0, 0, 0],
        [25, 25, 50],
    ]
    assert set(read.absent) == {"inertia", "principal"}
    assert not any(k.endswith("_source") for k in read.provenance)


@pytest.mark.parametrize(
    ("document", "field", "unit", "value"),
    [
        (mass(1.0375403388552853e-07, "g", 0.007, src_format="obj"), "mass", "g", 1.0375403388552853e-07),
        (mass(103.7539631347172, "g", 0.007, src_format="obj"), "mass", "g", 103.7539631347172),
        (mass(103.75396340798275, "g", 0.007, src_format="obj"), "mass", "g", 103.75396340798275),
        (mass(4.970484108657113, "lb", 168.48, "lb:ft3", src_format="step"), "mass", "lb", 4.970484108657113),
        (answer("volume", "mm3", 999.999997475), "volume", "mm^3", 999.999997475),
    ],
)
def test_pinned_numbers_are_read_to_the_last_digit(document, field, unit, value):
    read = dialects.parse(document)

    lo, hi = getattr(read, field).to(unit).interval
    assert lo < value < hi
    assert hi - lo < 1e-14 * value
    if field == "mass":
        assert read.density.value > 0
        assert set(read.absent) == {
            "area",
            "volume",
            "center_of_mass",
            "bounding_box",
            "inertia",
            "principal",
        }


def test_points_are_known_as_float32_and_plain_numbers_as_doubles():
    read = dialects.parse(answer("center_of_mass", "in", xyz(10.0, 2.5, -9.0)))

    assert read.center_of_mass.to("in") == (10.0, 2.5, -9.0)
    lo, hi = read.center_of_mass.x.interval
    assert hi - lo == pytest.approx(2 * 0.254 * 2**-24)
    assert read.source.unit == "in"


def test_a_centre_of_a_live_test_is_the_float32_that_was_printed():
    read = dialects.parse(answer("center_of_mass", "m", xyz(-13.3537855, -0.016604856, -1.1221532)))

    for q, text in zip(read.center_of_mass, (-13.3537855, -0.016604856, -1.1221532), strict=True):
        (single,) = struct.unpack("f", struct.pack("f", text))
        assert q.interval[0] < single < q.interval[1]


@pytest.mark.parametrize("z", [5, -5])
def test_a_box_is_read_from_its_centre_and_its_sides(z):
    read = dialects.parse(
        answer("bounding_box", "mm", {"center": xyz(5, 5, z), "dimensions": xyz(10, 10, 10)})
    )

    assert read.bounding_box.min.to("mm") == (0, 0, z - 5)
    assert read.bounding_box.max.to("mm") == (10, 10, z + 5)
    assert read.bounding_box.height.to("mm").value == 10


@pytest.mark.parametrize("row", contract()["endpoints"].items(), ids=list(contract()["endpoints"]))
def test_an_operation_is_read_like_the_answer_it_holds(row):
    name, known = row
    plain = next(one for one in KCL_BOX if name in one)
    unit = plain["output_unit"]

    for one in (plain, plain | {"type": known["type"]}, plain | {"started_at": None, "error": None}):
        assert getattr(dialects.parse(one), known["property"]) is not None
    for spelled in contract()["units"][known["dimension"]]:
        assert getattr(dialects.parse(plain | {"output_unit": spelled}), known["property"]) is not None
    with pytest.raises(mp.FormatError, match=re.escape(f'output_unit is "{unit}s", which is none of')):
        dialects.parse(plain | {"output_unit": unit + "s"})


@pytest.mark.parametrize("spelling", ["kg/m3", "lb/ft^3", "kg-m3", "KG:M3", None, 3])
def test_only_the_exact_words_for_units_are_read(spelling):
    with pytest.raises(mp.FormatError, match=r"material_density_unit is .*, which is none of lb:ft3, kg:m3"):
        dialects.parse(mass(1.0, "g", 1000.0, spelling))


def test_a_density_of_zero_is_none():
    for none in (0.0, None):
        read = dialects.parse(mass(1.0, "g", none, None))
        assert read.density is None
        assert read.absent["density"].endswith("another endpoint")


@pytest.mark.parametrize("status", ["queued", "uploaded", "in_progress"])
def test_what_is_on_its_way_is_pending_and_says_where_to_ask(status):
    document = answer("volume", "cm3") | {"status": status}
    assert dialects.sniff(document) == "zoo"
    with pytest.raises(
        mp.Pending, match=f"the answer.status is {status}: ask GET /async/operations/8f0b6c1e"
    ):
        dialects.parse(document)
    with pytest.raises(mp.Pending, match=r"\[4\].status is"):
        dialects.parse([*CUBE, document])


def test_what_failed_is_an_error_alone_and_absent_among_others():
    failed = answer("center_of_mass", "mm") | {"status": "failed", "error": "no solid"}
    with pytest.raises(mp.RemoteError, match="the service reports: no solid"):
        dialects.parse(failed)
    with pytest.raises(mp.RemoteError, match="the service reports: failed, without saying why"):
        dialects.parse_objects(failed | {"error": None, "type": "file_volume"})
    read = dialects.parse([*CUBE[:3], failed])
    assert read.center_of_mass is None
    assert read.absent["center_of_mass"] == "the service reports: no solid"
    other = {**HEAD, "status": "failed", "error": "gone", "output_unit": "mi", "src_format": "stl"}
    with pytest.raises(mp.RemoteError, match="the service reports: gone"):
        dialects.parse([*CUBE, other])


def test_what_completed_without_a_value_is_absent():
    read = dialects.parse([answer("volume", "cm3"), answer("surface_area", "m2", None, surface_area=None)])

    assert read.absent["volume"] == "the service completed and answered no volume"
    assert read.absent["area"] == "the service completed and answered no surface_area"
    assert read.source.unit == "m"


def test_an_error_body_is_an_error_of_the_service():
    body = {"message": "unable to parse query string", "request_id": "1", "error_code": "BAD"}
    assert dialects.sniff(body) == "zoo"
    with pytest.raises(mp.RemoteError, match="the service reports BAD: unable to parse"):
        dialects.parse(body)
    with pytest.raises(mp.RemoteError, match="the service reports unable to parse"):
        dialects.parse([{"message": "unable to parse query string", "request_id": "1"}])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (answer("volume", "cm3", 1.0) | {"status": "Completed"}, 'the answer.status is "Completed", which is none of completed, queued'),
        ({**HEAD, "type": "file_conversion", "outputs": {}}, 'has type "file_conversion", and no one of volume, surface_area'),
        ({**HEAD, "src_format": "stl"}, "has fields id, created_at, updated_at, user_id, status, src_format, and no one of"),
        ([*CUBE, CUBE[0]], "[4]: two answers have the volume"),
        ([], "the list of answers is empty"),
        ([3], "[0] must be a JSON object, got 3"),
        (answer("volume", "cm3", "1.0"), 'the answer.volume must be a finite number, got "1.0"'),
        (answer("center_of_mass", "cm", [1, 2, 3]), "the answer.center_of_mass must be a JSON object, got [1, 2, 3]"),
        (answer("center_of_mass", "cm", {"x": 1, "y": 2}), "the answer.center_of_mass.z must be a finite number, got null"),
        (answer("bounding_box", "cm", {"center": xyz(1, 2, 3)}), "the answer.bounding_box.dimensions must be a JSON object, got null"),
        (answer("bounding_box", "cm", 3), "the answer.bounding_box must be a JSON object, got 3"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(document, message):
    with pytest.raises(mp.FormatError, match=re.escape(message)):
        dialects.parse(document, "zoo")


def steel_box():
    return mp.measure((box().vertices, box().faces), unit="mm", material="Steel")


def test_an_answer_has_exactly_the_fields_of_the_schema_in_the_order_of_a_real_one():
    found = steel_box().to_dict(
        "zoo", src_format="stl", endpoints=["mass"], spelling={"mass": "kg"}, at="2026-01-02T03:04:05Z"
    )

    assert found == [{
        "id": "00000000-0000-0000-0000-000000000000",
        "created_at": "2026-01-02T03:04:05Z",
        "started_at": "2026-01-02T03:04:05Z",
        "completed_at": "2026-01-02T03:04:05Z",
        "user_id": "00000000-0000-0000-0000-000000000000",
        "status": "completed",
        "updated_at": "2026-01-02T03:04:05Z",
        "src_format": "stl",
        "material_density": 7850.0,
        "material_density_unit": "kg:m3",
        "mass": pytest.approx(4.71e-5),
        "output_unit": "kg",
    }]  # fmt: skip
    assert list(found[0]) == [
        "id", "created_at", "started_at", "completed_at", "user_id", "status", "updated_at", "src_format",
        "material_density", "material_density_unit", "mass", "output_unit",
    ]  # fmt: skip


def test_units_that_nobody_names_are_the_defaults_and_are_echoed():
    found = {
        next(k for k in contract()["endpoints"] if k in one): one
        for one in steel_box().to_dict("zoo", src_format="ply")
    }

    assert {k: one["output_unit"] for k, one in found.items()} == {
        "volume": "m3", "surface_area": "m2", "center_of_mass": "m", "mass": "g", "density": "kg:m3", "bounding_box": "m",
    }  # fmt: skip
    assert found["bounding_box"]["bounding_box"]["center"] == pytest.approx(
        {"x": 5e-4, "y": 1e-3, "z": 1.5e-3}
    )
    assert found["bounding_box"]["type"] == "file_bounding_box"  # it is always an operation


def test_without_a_density_there_is_no_request_for_a_mass():
    plain = mp.measure((box().vertices, box().faces), unit="mm")

    assert [set(one) & set(contract()["endpoints"]) for one in plain.to_dict("zoo", src_format="stl")] == [
        {"volume"}, {"surface_area"}, {"center_of_mass"}, {"bounding_box"},
    ]  # fmt: skip
    (asked,) = plain.to_dict("zoo", src_format="stl", endpoints=["mass"])
    assert asked["status"] == "failed"
    assert asked["material_density"] == 0.0
    assert asked["error"].startswith("no density is known")


def test_a_box_without_corners_has_no_centre_to_answer():
    read = dialects.parse(steel_box().to_dict("mfgdm"))
    (one,) = dialects.shapes("zoo").emit(read, endpoints=["bounding_box"], src_format="stl")

    assert one["status"] == "failed"
    assert one["error"] == "not known"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoints": ["inertia"]}, "unknown endpoint 'inertia'; use some of volume, surface_area"),
        ({"spelling": {"volume": "cm^3"}}, "unknown unit of volume 'cm^3'; use one of mm3, cm3"),
        ({"spelling": {"inertia": "kg"}}, "unknown unit of inertia 'kg'; use one of dimensions length, area"),
        (
            {"src_format": "stp"},
            "this API does not import stp; convert the file to, or name as src_format, one of acis",
        ),
        ({"src_format": None}, "this API does not import "),
    ],
)
def test_words_that_the_service_has_not_are_refused(options, message):
    with pytest.raises(mp.UsageError, match=re.escape(message)):
        steel_box().to_dict("zoo", **({"src_format": "stl"} | options))


def test_the_words_are_those_of_the_contract_where_it_can_be_compared():
    theirs = contracts.contract("zoo-contract.json")
    enums, ours = theirs["enums"], contract()

    assert ours["units"] == {
        k.removeprefix("Unit").lower(): v for k, v in enums.items() if k.startswith("Unit")
    }
    assert ours["import_formats"]["names"] == enums["FileImportFormat"]
    status = ours["status"]
    assert [*status["waiting"], status["done"], status["failed"]] == enums["ApiCallStatus"]
    rows = {row["type"]: row for row in theirs["file_endpoints"]}
    for name, row in ours["endpoints"].items():
        assert name in rows[row["type"]]["adds"]
        assert row.get("operation", False) == rows[row["type"]].get("always_async", False)
        assert set(rows[row["type"]]["adds"]) == {"src_format", "output_unit", name} | (
            {row["given"], f"{row['given']}_unit"} if "given" in row else set()
        )


def as_answer(name, given):
    """The answer that a recorded number was taken from."""
    value = float(given["prefix"]) if "prefix" in given else given.get("value", given.get("pinned"))
    if name == "bounding_box":
        value = {key: xyz(*given[key]) for key in ("center", "dimensions")}
    elif name == "center_of_mass":
        value = xyz(*value)
    more = {"type": contract()["endpoints"][name]["type"]}
    if "density" in given:
        more |= {"material_density": given["density"], "material_density_unit": given["density_unit"]}
    more |= {key: given[key] for key in ("material_mass", "material_mass_unit") if key in given}
    return answer(name, given["unit"].split()[0].replace("file", "mm"), value, **more)


def test_every_number_that_the_live_service_gave_is_read_where_the_list_is_there():
    cases = contracts.contract("zoo-oracles.json")["cases"]
    recorded = [(name, case[name]) for case in cases for name in contract()["endpoints"] if name in case]

    for name, given in recorded:
        read = dialects.parse(as_answer(name, given))
        assert getattr(read, contract()["endpoints"][name]["property"]) is not None
    assert len(recorded) == 20
