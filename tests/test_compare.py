"""Two results beside each other: rows, tolerances and verdicts; what may be compared; bodies and facets."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import contracts
import jsonschema
import numpy as np
import pytest
from compare_makers import in_unit, result, solid, times

import massproof as mp
from massproof import figures, profiles, sources
from massproof.deviation import deviation
from massproof.members import members
from massproof.profiles import Profile
from massproof.properties import Quantity, Verdict
from massproof.rows import Between
from massproof.units import unit

DATA = Path(__file__).parent.parent / "data"
ZOO = Path(os.environ.get("MASSPROOF_CORPUS", Path(__file__).parents[2] / "shared/corpus")) / "zoo"
NUMBERS = solid(np.random.default_rng(5))[0].numbers()
ONE = Profile("one", 0.01, "")


def row(comparison, name):
    return next(one for one in comparison.rows if one.name == name)


def test_the_same_result_agrees_with_itself():
    comparison = mp.compare(result(NUMBERS), result(NUMBERS))

    assert comparison.verdict is mp.Outcome.AGREE
    assert comparison
    assert comparison.profile.name == "exact"
    assert {one.verdict for one in comparison.rows} == {mp.Outcome.AGREE}
    assert [one.name for one in comparison.rows] == list(figures.NAMES)
    assert comparison.uncompared == comparison.explain() == ()
    assert {one.because for one in comparison.rows} == {"the same number"}


def test_intervals_that_meet_agree_and_the_wider_one_is_named():
    left = result({"volume": 1.0}, half={"volume": 0.02})
    comparison = mp.compare(left, result({"volume": 1.03}, half={"volume": 0.015}), profile="exact")

    assert comparison.verdict is mp.Outcome.AGREE
    assert (
        row(comparison, "volume").because
        == "intervals meet; the wider one is ±0.02 m^3, left, mostly from rounding"
    )


def test_a_gap_within_the_tolerance_is_within_and_beyond_it_disagrees():
    left, half = result({"volume": 1.0}), {"volume": 0.001}
    near = mp.compare(left, result({"volume": 1.0110}, half=half), profile=ONE)
    far = mp.compare(left, result({"volume": 1.0115}, half=half), profile=ONE)

    assert (near.verdict, far.verdict) == (mp.Outcome.WITHIN, mp.Outcome.DISAGREE)
    assert near
    assert not far
    one = row(far, "volume")
    assert (one.absolute, one.relative) == (pytest.approx(0.0115), pytest.approx(0.0115 / 1.0115))
    assert one.tolerance == pytest.approx(0.01 * 1.0115)
    assert one.because == "one: 0.01 of the value; the intervals miss each other by 0.0105 m^3"
    assert row(near, "volume").because == "one: 0.01 of the value"


def test_comparing_is_the_same_from_both_sides():
    left, right = result(NUMBERS), result({k: x * 1.004 for k, x in NUMBERS.items()})
    there, back = (mp.compare(*pair, profile="fusion-medium") for pair in ((left, right), (right, left)))

    assert [one.verdict for one in there.rows] == [one.verdict for one in back.rows]
    assert [one.tolerance for one in there.rows] == [one.tolerance for one in back.rows]
    assert [one.absolute for one in there.rows] == [-one.absolute for one in back.rows]


def test_what_has_no_counterpart_is_listed_and_says_why():
    left = result(NUMBERS | {"area": 1.0}, absent={})
    right = result({"area": 1.0}, absent={"volume": "another endpoint", "principal": "no density"})
    comparison = mp.compare(left, right)

    assert comparison.verdict is mp.Outcome.AGREE
    assert {one.name for one in comparison.uncompared} == set(figures.NAMES) - {"area"}
    assert row(comparison, "volume").because == "not compared: right has none: another endpoint"
    assert row(comparison, "principal_moments.1").because == "not compared: right has none: no density"
    assert row(mp.compare(right, left), "mass").because == "not compared: left has none"
    assert row(comparison, "volume").tolerance is None


def test_nothing_to_compare_is_no_agreement():
    comparison = mp.compare(result({"area": 1.0}), result({"volume": 1.0}))

    assert comparison.verdict is mp.Outcome.INCOMPARABLE
    assert not comparison


def test_an_interval_without_an_end_is_not_compared():
    endless = replace(
        result({"area": 1.0}),
        volume=Quantity(1.0, unit("m^3"), (-math.inf, math.inf)),
    )
    comparison = mp.compare(endless, result({"area": 1.0, "volume": 2.0}))

    assert row(comparison, "volume").verdict is mp.Outcome.INCOMPARABLE
    assert row(comparison, "volume").tolerance is None
    assert comparison.explain() == ()
    assert comparison.to_dict()["rows"][1]["left"] == {"value": 1.0, "interval": [None, None]}


def test_a_side_without_a_volume_does_not_agree_with_one_that_states_it():
    opened = result({"area": 1.0}, verdict=Verdict.UNSAFE)
    for stated in ({"volume": 1.0}, {"mass": 1.0}):
        comparison = mp.compare(opened, result({"area": 1.0} | stated))
        assert comparison.verdict is mp.Outcome.INCOMPARABLE
        assert mp.compare(result({"area": 1.0} | stated), opened).explain()[0].code == "open-mesh"
    assert mp.compare(opened, result({"area": 1.0})).verdict is mp.Outcome.AGREE
    assert mp.compare(opened, result({"area": 2.0, "volume": 1.0})).verdict is mp.Outcome.DISAGREE


# --- what tolerances are relative to


def bound(name, left, right=None, profile=ONE):
    spans = [
        {k: figures.Span(x, x, x) for k, x in side.items()}
        for side in (left, left if right is None else right)
    ]
    return Between(*spans, profile).bound(name)


def test_a_position_is_relative_to_the_body_and_not_to_its_coordinate():
    far = NUMBERS | {"center_of_mass.x": 1000.0}
    sides = [NUMBERS[name] for name in figures.SIDES]

    assert bound("center_of_mass.x", far).tolerance == pytest.approx(0.01 * math.hypot(*sides))
    assert bound("bounding_box.min.y", NUMBERS).scale == pytest.approx(math.hypot(*sides))
    assert bound("bounding_box.length", NUMBERS).scale == NUMBERS["bounding_box.length"]


def test_without_a_box_the_size_comes_from_what_there_is():
    """Of a cube of edge 1 all four sizes are known: its diagonal, and two that no cube of its volume undercuts."""
    cube = dict.fromkeys(figures.SIDES, 1.0) | dict.fromkeys(figures.RADII, math.sqrt(1 / 6))
    cube |= {"volume": 1.0, "area": 6.0, "center_of_mass.x": 0.0}
    expected = math.sqrt(3)
    assert bound("center_of_mass.x", cube).scale == pytest.approx(expected)
    for left_out in (figures.SIDES, figures.RADII, ("volume",)):
        cube = {name: x for name, x in cube.items() if name not in left_out}
        assert bound("center_of_mass.x", cube).scale == pytest.approx(expected)
    cube.pop("area")
    assert bound("center_of_mass.x", cube).scale == 0.0


def test_without_a_size_positions_are_compared_by_their_intervals_alone():
    left, right = {"center_of_mass.x": 1.0}, {"center_of_mass.x": 1.001}
    comparison = mp.compare(result(left), result(right), profile=ONE)

    assert comparison.verdict is mp.Outcome.DISAGREE
    assert row(comparison, "center_of_mass.x").relative == math.inf
    assert row(comparison, "center_of_mass.x").because.startswith(
        "one: no size is known that 0.01 could be of, so intervals alone"
    )
    assert comparison.to_dict()["rows"][0]["relative"] is None


def test_a_product_of_inertia_is_relative_to_the_second_moments_of_its_axes():
    """|∫ xy dm| ≤ √(Sxx Syy), and a part of every mass element is that part of it at most."""
    rng = np.random.default_rng(0)
    body = solid(rng)[0]
    numbers, second = body.numbers(), body.density * body.second

    assert bound("inertia.xy", numbers).scale == pytest.approx(math.sqrt(second[0, 0] * second[1, 1]))
    assert abs(numbers["inertia.zx"]) <= bound("inertia.zx", numbers).scale
    assert bound("inertia.xx", numbers).scale == numbers["inertia.xx"]
    alone = {name: numbers[name] for name in figures.PRODUCTS}
    assert bound("inertia.xy", alone).scale == abs(alone["inertia.xy"])


@pytest.mark.parametrize("seed", range(20))
def test_mass_that_is_off_everywhere_by_a_part_stays_within_the_tolerances(seed):
    """Boxes whose densities are off by up to t, each in its own way: what tolerances are derived from."""
    rng = np.random.default_rng(seed)
    whole, parts = solid(rng, boxes=6)
    t = 0.01
    weights = 1 + t * rng.uniform(-1, 1, len(parts))
    mass = sum(w * p.volume for w, p in zip(weights, parts, strict=True))
    centre = sum(w * p.volume * p.centre for w, p in zip(weights, parts, strict=True)) / mass
    second = sum(
        w * (p.second + p.volume * np.outer(p.centre - centre, p.centre - centre))
        for w, p in zip(weights, parts, strict=True)
    )
    other = replace(whole, volume=mass, centre=centre, second=second)
    comparison = mp.compare(
        result(whole.numbers()), result(other.numbers()), profile=Profile("t", 1.02 * t, "")
    )

    assert comparison, [one for one in comparison.rows if one.verdict is mp.Outcome.DISAGREE]


def test_single_precision_rounds_a_coordinate_however_small_the_body_is():
    """A float32 at 1 km is off by 3e-5 m, beside which a millionth of a part of a decimetre is nothing."""
    far = NUMBERS | {name: NUMBERS[name] + 1000.0 for name in figures.POSITIONS}
    off = far | {name: float(np.float32(far[name])) for name in figures.POSITIONS}
    off["bounding_box.length"] = off["bounding_box.max.x"] - off["bounding_box.min.x"]

    assert mp.compare(result(far), result(off), profile="zoo").verdict is mp.Outcome.WITHIN
    assert not mp.compare(result(far), result(off), profile=Profile("double", 1e-6, ""))


# --- profiles


def test_every_profile_can_be_named():
    assert list(profiles.table()) == [
        *("zoo", "fusion-low", "fusion-medium", "fusion-high", "fusion-veryhigh"),
        *("model-derivative", "onshape", "mesh-vs-brep", "exact"),
    ]
    assert profiles.profile("Fusion-Low").relative == 1e-2
    with pytest.raises(mp.UsageError, match="unknown profile 'fusion'; use one of zoo, fusion-low"):
        mp.compare(result(NUMBERS), result(NUMBERS), profile="fusion")


@pytest.mark.parametrize(
    ("left", "right", "name"),
    [
        ("stl", "obj", "exact"),
        ("step", "step", "exact"),
        ("stl", "step", "mesh-vs-brep"),
        ("cad-object", "arrays", "mesh-vs-brep"),
        ("step", "zoo", "zoo"),
        ("mfgdm", "zoo", "fusion-low"),
        ("onshape", "stl", "onshape"),
        ("derivative", "step", "model-derivative"),
    ],
)
def test_the_sides_choose_the_profile(left, right, name):
    one, two = result(NUMBERS, format=left), result(NUMBERS, format=right)

    assert mp.compare(one, two).profile.name == mp.compare(two, one).profile.name == name


# --- what may be compared


def report(tmp_path, name="report.json", **options):
    path = tmp_path / name
    path.write_text(json.dumps(mp.measure(DATA / "box.stl", unit="mm", **options).to_dict()))
    return path


def test_files_reports_answers_and_results_can_be_compared(tmp_path):
    measured = mp.measure(DATA / "box.stl", unit="mm", material="Steel")
    answer = measured.to_dict("mfgdm")
    saved = report(tmp_path, material="Steel")
    for other in (
        DATA / "box.stl",
        str(DATA / "box.stl"),
        saved,
        str(saved),
        json.loads(saved.read_text()),
        answer,
    ):
        comparison = mp.compare(measured, other, unit="mm", material="Steel")
        assert comparison.verdict in (mp.Outcome.AGREE, mp.Outcome.WITHIN)
        assert row(comparison, "mass").verdict is mp.Outcome.AGREE
    assert mp.compare(measured, measured.to_dict("zoo")).profile.name == "zoo"


def test_one_of_several_objects_is_chosen():
    document = {
        "data": {
            "type": "properties",
            "collection": [
                {
                    "objectid": k,
                    "name": "n",
                    "properties": {"Mass Properties": {"Volume": f"{k}.0 millimeter^3"}},
                }
                for k in (1, 2)
            ],
        }
    }
    left = result({"volume": 2e-9})

    assert mp.compare(left, document, object="2")
    assert not mp.compare(left, document, object="1")
    with pytest.raises(mp.UsageError):
        mp.compare(left, document)


def test_what_is_no_document_is_refused(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(mp.FormatError, match=r"broken\.json is no JSON: .*; give an answer of a service"):
        mp.compare(path, path)
    with pytest.raises(mp.InputError, match=r"cannot open .*missing\.json: No such file"):
        mp.compare(tmp_path / "missing.json", path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(mp.InputError, match=r"cannot open .*broken\.json"):
        mp.compare(path, path)
    with pytest.raises(mp.FormatError, match="no known dialect"):
        mp.compare({"a": 1}, path)
    with pytest.raises(mp.UsageError, match="unknown dialect 'zoom'"):
        mp.compare({"a": 1}, path, dialect="zoom")


def test_a_comparison_is_json():
    left, right = result(NUMBERS), result(in_unit(NUMBERS, 25.4), name="other")
    written = mp.compare(left, right, profile="zoo").to_dict()

    assert json.loads(json.dumps(written, allow_nan=False)) == written
    schema = json.loads((DATA.parent / "docs/schema/comparison-1.json").read_text())
    jsonschema.validate(written, schema)
    lonely = mp.compare(left, result({"area": 1.0}, verdict=Verdict.UNSAFE)).to_dict()
    jsonschema.validate(lonely, schema)
    assert (written["verdict"], written["agrees"], written["profile"]["name"]) == ("DISAGREE", False, "zoo")
    assert written["right"]["source"] == {"name": "other", "format": "made", "unit": "mm"}
    assert written["rows"][0]["name"] == "area"
    assert written["rows"][0]["left"]["value"] == NUMBERS["area"]
    assert [one["code"] for one in written["diagnoses"]] == ["length-unit"]


def test_a_comparison_shows_no_geometry():
    assert "things" not in repr(mp.compare(result({"area": 1.0}), result({"area": 1.0})))


# --- bodies


def cuboids(*boxes):
    """A mesh of boxes, each (low, high)."""
    vertices, faces = [], []
    for low, high in boxes:
        one = _cuboid(low, high)
        faces.append(one[1] + sum(map(len, vertices)))
        vertices.append(one[0])
    return np.concatenate(vertices), np.concatenate(faces)


def _cuboid(low, high):
    corners = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return corners.astype(float), np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])


BOXES = (
    ((0, 0, 0), (1, 2, 3)),
    ((5, 0, 0), (6, 1, 1)),
    ((0, 7, 0), (3, 8, 2)),
    ((0, 0, 9), (1, 1.5, 10.5)),
    ((-4, 0, 0), (-3, 0.7, 0.6)),
)
STEEL = {"unit": "mm", "material": "Steel"}


def test_missing_bodies_are_named():
    less = mp.measure(cuboids(*BOXES[:2], *BOXES[3:]), **STEEL)
    there = mp.compare(cuboids(*BOXES), less, profile="zoo", **STEEL).explain()
    back = mp.compare(less, cuboids(*BOXES), profile="zoo", **STEEL).explain()

    assert [one.code for one in there] == [one.code for one in back] == ["missing-bodies"]
    assert there[0].message == (
        "missing bodies: the right lacks body around (1.5, 7.5, 1) of the 5 bodies of the left"
    )
    assert back[0].evidence["missing"] == ["body around (1.5, 7.5, 1)"]
    assert back[0].evidence["side"] == "left"
    assert there[0].confidence > 0.99


def test_missing_bodies_are_found_in_another_unit():
    less = mp.measure(cuboids(BOXES[0], BOXES[3]), unit="inch", material="Steel")
    told = mp.compare(cuboids(*BOXES), less, profile="zoo", **STEEL).explain()

    assert sorted(one.code for one in told) == ["length-unit", "missing-bodies"]
    assert len(next(one for one in told if one.code == "missing-bodies").evidence["missing"]) == 3


def test_missing_bodies_are_found_in_another_unit_by_area_and_volume_alone():
    """Neither cause alone makes anything agree."""
    less = mp.measure(cuboids(BOXES[0], BOXES[3]), unit="inch")
    told = mp.compare(
        cuboids(*BOXES),
        result({"area": less.area.value, "volume": less.volume.value}),
        profile="zoo",
        unit="mm",
    ).explain()

    assert sorted(one.code for one in told) == ["length-unit", "missing-bodies"]


def test_bodies_are_no_cause_where_volumes_agree():
    mesh = cuboids(*BOXES)
    centre = mp.measure(mesh, unit="mm").center_of_mass.to("m")
    wrong = dict(zip(figures.CENTRE, (centre[0], centre[2], -centre[1]), strict=True))
    (told,) = mp.compare(mesh, result(wrong), unit="mm", profile="zoo").explain()

    assert told.code == "frame"


def test_a_side_with_bodies_can_be_found_wrong_in_another_way():
    """The volume is wrong, by a unit of its own: bodies are looked at, and are no cause; then it agrees."""
    whole = mp.measure(cuboids(*BOXES), **STEEL)
    wrong = {
        "volume": whole.volume.value * 1e9 / 16387.064,
        "area": whole.area.value,
        "mass": whole.mass.value,
    }
    centre = whole.center_of_mass.to("m")
    wrong |= dict(zip(figures.CENTRE, (centre[0], centre[2], -centre[1]), strict=True))
    told = mp.compare(cuboids(*BOXES), result(wrong), profile="zoo", **STEEL).explain()

    assert sorted(one.code for one in told) == ["frame", "mislabelled-unit"]


def test_many_missing_bodies_are_counted():
    row_of = [((2 * k, 0, 0), (2 * k + 1, 1 + k / 7, 1 + k / 11)) for k in range(8)]
    told = mp.compare(
        cuboids(*row_of), mp.measure(cuboids(row_of[0]), **STEEL), profile="zoo", **STEEL
    ).explain()

    assert told[0].code == "missing-bodies"
    assert " and 3 more of the 8 bodies" in told[0].message


def test_subsets_are_not_tried_without_end():
    many = [((2 * k, 0, 0), (2 * k + 1, 1 + k / 97, 1)) for k in range(60)]
    other = mp.measure(cuboids(*many[::2]), **STEEL)

    assert mp.compare(cuboids(*many), other, profile="zoo", **STEEL).explain() == ()


def test_a_body_that_counts_several_times_is_named():
    whole = mp.measure(cuboids(*BOXES), **STEEL)
    three = solid_of(BOXES, (1, 3, 1, 1, 1))
    told = mp.compare(cuboids(*BOXES), result(three), profile="zoo", **STEEL).explain()

    assert whole.volume.value < three["volume"]
    assert [one.code for one in told] == ["counted"]
    assert "counts body around (5.5, 0.5, 0.5)" in told[0].message
    assert told[0].evidence["times"] == 3
    twice = mp.compare(
        result(solid_of(BOXES, (2, 1, 1, 1, 1))), cuboids(*BOXES), profile="zoo", **STEEL
    ).explain()
    assert [one.code for one in twice] == ["counted-twice"]
    assert twice[0].evidence["side"] == "left"


def solid_of(boxes, counts):
    """Numbers of steel boxes in millimetres that count several times."""
    from compare_makers import Solid

    total = None
    for (low, high), count in zip(boxes, counts, strict=True):
        low, high = np.array(low) / 1000, np.array(high) / 1000
        x, y, z = sides = high - low
        second = np.diag(x * y * z * sides**2 / 12)
        one = Solid(2 * (x * y + y * z + z * x), x * y * z, (low + high) / 2, second, low, high, 7850.0)
        for _ in range(count):
            total = one if total is None else total + one
    return total.numbers()


def test_the_bodies_of_a_step_file_are_its_solids_where_they_stand():
    whole = mp.measure(DATA / "assembly.step", material="Steel")
    found = members(DATA / "assembly.step", whole)

    assert [one.name.partition(" ")[0] for one in found] == ["plate", *["bolt"] * 4, *["spacer"] * 2]
    assert sum(one.body.mass for one in found) == pytest.approx(whole.volume.value, rel=1e-12)
    assert sum(one.area for one in found) == pytest.approx(whole.area.value, rel=1e-12)
    assert np.min([one.low for one in found], axis=0) == pytest.approx(whole.bounding_box.min.to("m"))
    less = solid_less(whole, found[3])
    told = mp.compare(DATA / "assembly.step", less, profile="zoo", material="Steel").explain()
    assert told[0].code == "missing-bodies"
    assert told[0].evidence["missing"] == [found[3].name]


def solid_less(whole, member):
    """Volume and centre of a whole without one body."""
    volume = whole.volume.value - member.body.mass
    centre = (
        whole.volume.value * np.array(whole.center_of_mass.to("m")) - member.body.mass * member.body.centre
    )
    numbers = dict(zip(figures.CENTRE, centre / volume, strict=True))
    return result({"area": whole.area.value - member.area, "volume": volume} | numbers)


def test_a_cavity_belongs_to_the_body_around_it():
    outer = _cuboid((0, 0, 0), (4, 4, 4))
    inner = _cuboid((1, 1, 1), (2, 2, 2))
    beside = _cuboid((9, 0, 0), (10, 1, 1))
    vertices = np.concatenate([outer[0], inner[0], beside[0]])
    faces = np.concatenate([outer[1], inner[1][:, ::-1] + 8, beside[1] + 16])
    whole = mp.measure((vertices, faces), unit="mm")
    found = members((vertices, faces), whole)

    assert [one.body.mass for one in found] == pytest.approx([1e-9, 63e-9])
    assert [one.area for one in found] == pytest.approx([6e-6, 102e-6])


def test_bodies_that_are_not_those_of_the_whole_are_none():
    whole = mp.measure(cuboids(*BOXES), unit="mm")

    assert members(cuboids(*BOXES[:2]), whole) == []
    assert members(cuboids(BOXES[0]), mp.measure(cuboids(BOXES[0]), unit="mm")) == []
    opened = mp.measure(DATA / "open_box.stl", unit="mm")
    assert members(DATA / "open_box.stl", opened) == []
    step = mp.measure(DATA / "torus.step")
    assert members(DATA / "torus.step", step) == []


def test_bodies_of_too_many_triangles_are_not_looked_for(monkeypatch):
    monkeypatch.setattr("massproof.members._MOST", 10)

    assert members(cuboids(*BOXES), mp.measure(cuboids(*BOXES), unit="mm")) == []


def test_a_cad_object_is_not_taken_apart():
    cadquery = pytest.importorskip("cadquery")
    made = cadquery.Workplane().box(1, 2, 3)

    assert members(made, mp.measure(made, unit="mm")) == []


def test_a_result_of_a_file_that_is_still_there_is_looked_at_again(tmp_path):
    path = tmp_path / "part.stl"
    path.write_bytes((DATA / "overlapping.stl").read_bytes())
    left = mp.measure(path, unit="mm", density="1 g/cm^3")
    comparison = mp.compare(
        left, result({"volume": left.volume.value / 2, "area": left.area.value / 2}), profile="zoo"
    )
    assert comparison.things[0].source == path
    path.unlink()

    assert [one.code for one in comparison.explain()] == ["counted-twice"]
    assert mp.compare(left, left).things[0].source is None


def test_a_stream_is_read_once():
    with (DATA / "box.stl").open("rb") as file:
        comparison = mp.compare(file, DATA / "box.stl", unit="mm")

    assert comparison
    assert comparison.things[0].source is None


# --- facets


def lathe(n, radius=5.0, height=20.0):
    """A prism of n sides in a cylinder."""
    angle = 2 * np.pi * np.arange(n) / n
    ring = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    low, high = (np.column_stack([ring, np.full(n, z)]) for z in (0.0, height))
    vertices = np.concatenate([low, high, [[0, 0, 0], [0, 0, height]]])
    faces = []
    for k in range(n):
        m = (k + 1) % n
        faces += [(k, m, n + m), (k, n + m, n + k), (2 * n, m, k), (2 * n + 1, n + k, n + m)]
    return vertices, np.array(faces)


def cylinder(radius=5.0, height=20.0):
    """The exact one, of steel, as numbers in SI."""
    r, h = radius / 1000, height / 1000
    volume = np.pi * r * r * h
    mass = 7850 * volume
    flat, along = mass * (3 * r * r + h * h) / 12, mass * r * r / 2
    moments = (along, flat, flat)
    values = [
        *(2 * np.pi * r * (r + h), volume, 7850.0, mass, 0, 0, h / 2, 2 * r, 2 * r, h, -r, -r, 0, r, r, h),
        *(flat, flat, along, 0, 0, 0, *moments, *np.sqrt(np.array(moments) / mass)),
    ]
    return dict(zip(figures.NAMES, map(float, values), strict=True))


@pytest.mark.parametrize("sides", [12, 16, 24, 32, 64, 200])
def test_the_computed_bound_holds_for_a_cylinder(sides):
    mesh = lathe(sides)
    comparison = mp.compare(result(cylinder(), format="step"), mesh, **STEEL)

    assert comparison.profile.name == "mesh-vs-brep"
    assert comparison.verdict is mp.Outcome.WITHIN
    assert row(comparison, "volume").because == "mesh-vs-brep: so far facets can be off"
    lacking = row(comparison, "volume")
    assert 1 < lacking.tolerance / abs(lacking.absolute) < 2


@pytest.mark.parametrize(("name", "radius"), [("sphere.stl", None)])
def test_the_computed_bound_holds_for_the_sphere(name, radius):
    comparison = mp.compare(DATA / "sphere.step", DATA / name, unit="mm", density="1 g/cm^3")

    assert comparison.profile.name == "mesh-vs-brep"
    assert comparison, [one for one in comparison.rows if one.verdict is mp.Outcome.DISAGREE]


def test_edges_of_a_part_are_no_facets():
    assert deviation(sources.load(_cuboid((0, 0, 0), (1, 2, 3))).geometry).volume == 0.0
    assert deviation(sources.load(lathe(11)).geometry).volume < 1e-12
    assert deviation(sources.load(DATA / "box.stl").geometry).volume == 0.0
    flat = ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    assert deviation(sources.load(flat).geometry).centre == 0.0


def test_facets_of_what_is_not_at_hand_allow_nothing():
    mesh = mp.measure(lathe(32), **STEEL)
    comparison = mp.compare(result(cylinder(), format="step"), mesh)

    assert comparison.profile.name == "mesh-vs-brep"
    assert comparison.verdict is mp.Outcome.DISAGREE
    assert row(comparison, "volume").because.startswith("mesh-vs-brep: intervals alone")


def test_facets_can_move_only_what_there_is():
    left = {name: cylinder()[name] for name in ("area",)}
    comparison = mp.compare(result(left, format="step"), lathe(32), unit="mm")

    assert row(comparison, "area").verdict is mp.Outcome.WITHIN


@pytest.mark.parametrize("sides", [8, 16, 32, 100])
def test_faceting_is_told_and_that_it_makes_a_convex_part_smaller(sides):
    mesh = mp.measure(lathe(sides), **STEEL)
    exact = result(cylinder(), format="step", name="part.step")
    for pair in ((exact, mesh), (mesh, exact)):
        (told,) = mp.compare(*pair, profile="zoo").explain()
        assert told.code == "faceting"
        assert "smaller, as of a convex part" in told.message
        assert told.evidence["volume"] == pytest.approx(mesh.volume.value / exact.volume.value - 1)


def test_faceting_is_told_beside_a_unit():
    mesh = mp.measure(lathe(32), unit="inch", material="Steel")
    told = mp.compare(result(cylinder(), format="step"), mesh, profile="zoo").explain()

    assert [one.code for one in told] == ["length-unit", "faceting"]


def test_faceting_is_told_beside_a_unit_that_alone_makes_nothing_agree():
    exact = {name: cylinder()[name] for name in ("area", "volume")}
    told = mp.compare(result(exact, format="step"), lathe(32), unit="inch", profile="zoo").explain()

    assert [one.code for one in told] == ["length-unit", "faceting"]


def test_faceting_is_told_beside_a_density():
    """Volumes differ by the facets, so that the density alone explains nothing within the tolerance."""
    mesh = mp.measure(lathe(32), unit="mm", density="8960 kg/m^3")
    told = mp.compare(result(cylinder(), format="step"), mesh, profile="zoo").explain()

    assert sorted(one.code for one in told) == ["default-density", "faceting"]


def test_what_is_no_faceting_is_not_called_so():
    """A mesh with more area than the part; one whose mass is off besides; two meshes; one of another size."""
    exact = cylinder()
    more = result(times(exact, {"area": 1.01}), format="stl")
    heavy = result(times(exact, {"area": 0.998, "volume": 0.997, "mass": 1.4}), format="stl")
    hollow = result(times(exact, {"area": 0.99999, "volume": 0.9}), format="stl")
    for mesh in (more, heavy, hollow):
        assert mp.compare(result(exact, format="step"), mesh, profile="zoo").explain() == ()
    less = result(times(exact, {"area": 0.998}), format="stl")
    assert mp.compare(result(exact, format="obj"), less, profile="zoo").explain() == ()
    only = {"area": exact["area"]}
    assert (
        mp.compare(
            result(only, format="step"), result(times(only, {"area": 0.99}), format="stl"), profile="zoo"
        ).explain()
        == ()
    )


# --- vendors' own numbers


def zoo_answers(case):
    """A case of the oracles as the service would have answered it."""
    head = {
        "id": "1",
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
        "user_id": "2",
        "status": "completed",
        "src_format": case["src_format"],
    }
    answers = []
    for name in ("volume", "surface_area", "mass", "center_of_mass", "bounding_box"):
        if name not in case:
            continue
        one = case[name]
        unit_of = "mm" if name == "bounding_box" else one["unit"]
        value = one.get("value", one.get("pinned"))
        if name == "center_of_mass":
            value = dict(zip("xyz", value, strict=True))
        if name == "bounding_box":
            value = {key: dict(zip("xyz", one[key], strict=True)) for key in ("center", "dimensions")}
        given = {f"material_{key}": one[key] for key in ("density", "density_unit") if key in one}
        answers.append({**head, "output_unit": unit_of, name: value, **given})
    return answers


# Of each case with a model in the corpus: verdict and causes.
ORACLES = {
    ("mcp_cube.stl", "mm, 2025-09..2026-08"): ("DISAGREE", "Y-up frame (x, z, −y)"),
    ("mcp_cube.stl", ""): ("AGREE", ""),
    ("mcp_cube.step", ""): ("AGREE", ""),
    ("ts_example.obj", "mm, 2025-02.."): ("WITHIN", ""),
    ("ts_example.obj", "metres, 2024-03..2025-02"): ("DISAGREE", "length unit, a factor 1000ⁿ"),
    ("ts_example.obj", "metres, 2023-08..2024-03"): ("DISAGREE", "length unit, a factor 1000ⁿ"),
}


def test_what_zoo_answered_is_compared_and_explained():
    cases = [one for one in contracts.contract("zoo-oracles.json")["cases"] if one["file"]]
    if not ZOO.is_dir():
        pytest.skip(f"no corpus at {ZOO}: set MASSPROOF_CORPUS")
    seen = {}
    for case in cases:
        density = f"{case['mass']['density']} kg/m^3" if "mass" in case else None
        comparison = mp.compare(ZOO / case["file"], zoo_answers(case), unit="mm", density=density)
        assert comparison.profile.name == "zoo"
        told = [one.message for one in comparison.explain()]
        expected = ORACLES[case["file"], case.get("era", "")]
        seen[case["file"], case.get("era", "")] = (comparison.verdict.value, expected[1] if told else "")
        assert len(told) == bool(expected[1])
        assert all(one.startswith(expected[1]) for one in told)

    assert seen == ORACLES


def test_the_examples_of_autodesk_agree_with_each_other():
    """Their models are not published; the same numbers in two versions of the API are."""
    found = contracts.examples("autodesk-examples")
    two, three = (found[f"mfgdm_v{k}_response_reconstructed.json"] for k in (2, 3))
    comparison = mp.compare(two, three)

    assert comparison.profile.name == "fusion-low"
    assert comparison.verdict is mp.Outcome.AGREE
    assert len(comparison.rows) == 7


def test_the_label_of_a_density_that_is_a_volume_is_told():
    """The cloud labelled kg/cm³ as cubic centimetres: a reader that took kg/m³ is a million off."""
    found = contracts.examples("autodesk-examples")["mfgdm_physical_official_numbers.json"]
    area, volume, mass, density = (float(found[k][0]) for k in ("area", "volume", "mass", "density"))
    right = {"area": area * 1e-4, "volume": volume * 1e-6, "mass": mass, "density": density * 1e6}
    (told,) = mp.compare(result(right), result(right | {"density": density}), profile="fusion-low").explain()

    assert told.code == "mislabelled-unit"
    assert "what the right gives as kg/m^3 is kg/cm^3" in told.message
