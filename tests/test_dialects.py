"""What all dialects promise: what is written is read back, within the rounding of the vendor's own form."""

import json
import math
import pickle
import tomllib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BOX_FACES, box, rotations

import massproof as mp
from massproof import answers, dialects, units
from massproof.files import Digest
from massproof.properties import (
    Box,
    Finding,
    Inertia,
    Point,
    Principal,
    Properties,
    Quantity,
    Source,
    Verdict,
)

DIALECTS = Path(dialects.__file__).parent
SCHEMA = Path(__file__).parent.parent / "docs/schema/native-1.json"
GRADES = {"verified", "documented", "reported", "inferred"}
PLAIN = ("area", "volume", "density", "mass")
ZOO = {
    name: dialects.shapes("zoo").contract()["units"][name]
    for name in ("length", "area", "volume", "mass", "density")
}

positive = st.floats(1e-12, 1e6)
anything = st.floats(-1e3, 1e3)


def quantity(value, dimension, wide=1e-6):
    half = abs(value) * wide
    bounds = (math.nextafter(value - half, -math.inf), math.nextafter(value + half, math.inf))
    return Quantity(
        value, units.unit(units.SYSTEMS["SI"][dimension]), bounds, {"rounding": half, "tessellation": None}
    )


@cache
def validator():
    jsonschema = pytest.importorskip("jsonschema")
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def keeps_its_schema(document):
    validator().validate(document)


def some(strategy):
    return st.one_of(st.none(), strategy)


@st.composite
def points(draw):
    return Point(*(quantity(draw(anything), "length") for _ in range(3)))


@st.composite
def boxes(draw):
    low, high = draw(points()), draw(points())
    sides = (quantity(abs(b.value - a.value), "length") for a, b in zip(low, high, strict=True))
    pairs = [sorted((a, b), key=lambda q: q.value) for a, b in zip(low, high, strict=True)]
    return Box(Point(*(a for a, _ in pairs)), Point(*(b for _, b in pairs)), *sides)


@st.composite
def principals(draw):
    values = sorted(draw(positive) for _ in range(3))
    radii = tuple(quantity(draw(positive), "length") for _ in range(3))
    axes = tuple(tuple(map(float, row)) for row in draw(rotations()))
    moments = tuple(quantity(x, "inertia") for x in values)
    return Principal(axes, radii, draw(some(st.just(moments))))


@st.composite
def results(draw):
    """Any result that `Properties` can hold: not every one could be measured."""
    found = {name: draw(some(positive.map(lambda x, n=name: quantity(x, n)))) for name in PLAIN}
    found |= {
        "center_of_mass": draw(some(points())),
        "bounding_box": draw(some(boxes())),
        "inertia": draw(some(st.builds(Inertia, *[anything.map(lambda x: quantity(x, "inertia"))] * 6))),
        "principal": draw(some(principals())),
    }
    absent = {name: f"no {name}" for name, value in found.items() if value is None}
    source = Source("a part", "stl", Digest(b"a part"), "mm")
    findings = (Finding("unit-assumed", "no unit", {"assumed": "mm"}),)
    return Properties(
        source, Verdict.BOUNDED, findings, "by hand", {"massproof": "0"}, absent=absent, **found
    )


def through(result, dialect, **options):
    """What is read back of what is written, after a passage through JSON text, and the JSON."""
    document = json.loads(json.dumps(dialects.shapes(dialect).emit(result, **options), allow_nan=False))
    return dialects.shapes(dialect).parse(document), document


def parts(value):
    """The quantities of a property, in order."""
    if isinstance(value, Quantity):
        return [value]
    if isinstance(value, Box):
        corners = [*value.min, *value.max] if value.min else []
        return [value.length, value.width, value.height, *corners]
    if isinstance(value, Principal):
        return [*(value.moments or ())]
    return [getattr(value, name) for name in value.__slots__]


def same(written, read, fields):
    """Each of `fields` that was written is read as an interval that holds it; each other property is absent, with a reason."""
    for field in answers.FIELDS:
        left, right = getattr(written, field), getattr(read, field)
        assert (right is None) == (left is None or field not in fields), field
        assert (field in read.absent) == (right is None)
        if right is not None:
            for a, b in zip(parts(left), parts(right), strict=False):
                assert b.unit.symbol == units.SYSTEMS["SI"][a.unit.dimension]
                assert b.interval[0] <= a.value <= b.interval[1], (field, a, b)


def asked(dialect, result):
    """Which properties a dialect writes of a result."""
    fields = {
        "mfgdm": {*PLAIN, "bounding_box"},
        "derivative": {"area", "volume", "mass", "center_of_mass"},
        "zoo": {*PLAIN, "center_of_mass", "bounding_box"},
        "onshape": {"volume"},
    }[dialect]
    if dialect == "onshape":
        fields |= {"area"} if result.volume else set()
        if result.mass:
            fields |= {"mass", "center_of_mass", "inertia"}
            fields |= {"principal"} if result.principal and result.principal.moments else set()
    return fields


@given(results(), st.sampled_from([None, "v2", "v3", "v3-component"]))
def test_mfgdm_reads_what_it_writes(result, placement):
    read, document = through(result, "mfgdm", placement=placement)

    same(result, read, asked("mfgdm", result))
    if result.mass:
        assert read.mass.value == result.mass.value  # kilograms on both sides
    assert read.bounding_box is None or read.bounding_box.min is read.bounding_box.max is None
    assert [n for n in dialects.READ if dialects.shapes(n).sniff(document)] == ["mfgdm"]


@given(results(), st.sampled_from(["text", "unit"]), st.booleans(), st.sampled_from(["millimeter", "centimeter", "meter", "inch", "foot"]),
       st.sampled_from(["gram", "kilogram", "lbmass"]))  # fmt: skip
def test_derivative_reads_what_it_writes(result, form, query, length, mass):
    fields = asked("derivative", result) - ({"center_of_mass"} if form == "unit" else set())
    if not any(getattr(result, field) for field in fields):
        with pytest.raises(mp.FormatError, match="none of 1 objects has mass properties"):
            through(result, "derivative", form=form, query=query)
        return
    read, document = through(result, "derivative", form=form, query=query, length=length, mass=mass)

    same(result, read, fields)
    assert [n for n in dialects.READ if dialects.shapes(n).sniff(document)] == ["derivative"]
    assert read.source.name == "a part"


@given(results(), st.sampled_from(["millimeter", "inch"]))
def test_the_viewer_has_numbers_without_rounding_them(result, length):
    fields = asked("derivative", result) - {"center_of_mass"}
    if any(getattr(result, field) for field in fields):
        read, document = through(result, "derivative", form="viewer", length=length)

        same(result, read, fields)
        assert [n for n in dialects.READ if dialects.shapes(n).sniff(document)] == ["derivative"]


@given(results(), st.fixed_dictionaries({k: st.sampled_from(v) for k, v in ZOO.items()}), st.booleans())
def test_zoo_reads_what_it_writes(result, spelling, operation):
    if not any(
        (
            result.area,
            result.volume,
            result.center_of_mass,
            result.bounding_box,
            result.mass and result.density,
        )
    ):
        with pytest.raises(mp.RemoteError, match="no area"):
            through(result, "zoo")
        return
    read, document = through(result, "zoo", spelling=spelling, operation=operation)

    same(result, read, asked("zoo", result))
    assert [n for n in dialects.READ if dialects.shapes(n).sniff(document)] == ["zoo"]
    assert all((("type" in one) == operation) or one["type"] == "file_bounding_box" for one in document)
    for field, why in read.absent.items():
        assert (
            field in ("inertia", "principal", "mass", "density") or why == f"the service reports: no {field}"
        )


@given(results(), st.sampled_from([None, "JHD"]), st.booleans())
def test_onshape_reads_what_it_writes_and_keeps_every_bound(result, object_, assembly):
    read, document = through(result, "onshape", object=object_, assembly=assembly)

    same(result, read, asked("onshape", result))
    for field in {"volume", "area", "mass", "center_of_mass", "inertia"} - set(read.absent):
        assert [q.interval for q in parts(getattr(read, field))] == [
            q.interval for q in parts(getattr(result, field))
        ]
    if read.principal:
        for axis, turned in zip(result.principal.axes, read.principal.axes, strict=True):
            assert turned == pytest.approx(axis, abs=1e-12)
    assert [n for n in dialects.READ if dialects.shapes(n).sniff(document)] == ["onshape"]


@given(results())
def test_a_report_in_si_reads_back_to_the_last_digit(result):
    read, document = through(result, "native")

    assert read.to_dict() == document
    assert read.verdict is result.verdict
    assert read.findings == result.findings
    assert read.absent == result.absent
    assert read.source == result.source
    assert read.source.sha256 == result.source.sha256
    for field in answers.FIELDS:
        if (left := getattr(result, field)) is not None and field not in ("bounding_box", "principal"):
            assert getattr(read, field) == left
    if result.bounding_box:
        for a, b in zip(parts(result.bounding_box), parts(read.bounding_box), strict=True):
            assert b.value == a.value
    assert [n for n in dialects.READ if dialects.shapes(n).sniff(document)] == ["native"]


@given(results(), st.sampled_from(list(units.SYSTEMS)))
def test_a_report_in_other_units_still_encloses_what_was_measured(result, system):
    read, document = through(result, "native", units=system)

    same(result, read, set(answers.FIELDS))
    for left, right in zip(result.radii_of_gyration or (), read.radii_of_gyration or (), strict=True):
        assert right.interval[0] <= left.interval[0] <= left.interval[1] <= right.interval[1]
    for name in PLAIN:
        if getattr(result, name):
            (lo, hi), (a, b) = getattr(result, name).interval, getattr(read, name).interval
            assert a <= lo <= hi <= b
    keeps_its_schema(document)


@given(results(), st.sampled_from(dialects.NAMES))
def test_a_service_s_answer_can_be_reported_as_any_result(result, dialect):
    """What was read is a `Properties` like any other: our own JSON holds it, and keeps its schema."""
    document = dialects.shapes(dialect).emit(result)
    try:
        read = dialects.parse(document)
    except (mp.FormatError, mp.RemoteError):
        return  # there is nothing in it
    again = dialects.parse(json.loads(json.dumps(read.to_dict(), allow_nan=False)))

    keeps_its_schema(read.to_dict())
    assert again.to_dict() == read.to_dict()
    assert again.absent == read.absent
    assert pickle.loads(pickle.dumps(read)) == read
    assert read.source.format == dialect
    assert read.method == f"remote: {dialect}"
    assert read.verdict is mp.Verdict.BOUNDED


@pytest.mark.parametrize("dialect", dialects.NAMES)
def test_a_measured_part_goes_through_every_dialect(dialect, data):
    r = mp.measure(data / "bracket.stl", unit="mm", material="Steel")
    read = dialects.parse(r.to_dict(dialect))

    same(r, read, asked(dialect, r))
    (found,) = dialects.parse_objects(r.to_dict(dialect)).values()
    assert found[1].volume == read.volume


@pytest.mark.parametrize("dialect", ["mfgdm", "zoo", "onshape", "derivative"])
def test_an_open_mesh_has_an_area_in_every_dialect_but_one(dialect):
    """Onshape's periphery of a surface is its perimeter, so there it is not written."""
    r = mp.measure((box().vertices, BOX_FACES[:-1]), unit="mm", material="Steel")
    read = dialects.parse(r.to_dict(dialect, **({"src_format": "stl"} if dialect == "zoo" else {})))

    assert read.volume is read.mass is None
    assert (read.area is None) == (dialect == "onshape")


@pytest.mark.parametrize("dialect", dialects.NAMES)
def test_every_word_of_a_contract_has_its_evidence(dialect):
    """A word is graded by "table.key", by "key", by its table, or in its own row."""
    table = tomllib.loads((DIALECTS / dialect / "contract.toml").read_text())
    grades = table.pop("grades")
    assert set(grades.values()) <= GRADES
    for name, rows in table.items():
        for row in rows if isinstance(rows, list) else [rows]:
            for key in row:
                known = {f"{name}.{key}", key, name} & set(grades)
                assert known or row.get("grade") in GRADES, f"{name}.{key}"
    used = {grade.partition(".")[0] for grade in grades}
    known = set(table) | {
        key for rows in table.values() for row in (rows if isinstance(rows, list) else [rows]) for key in row
    }
    assert used <= known | {"definition_id"}


@pytest.mark.parametrize("dialect", dialects.READ)
@pytest.mark.parametrize(
    "junk",
    [
        None,
        1,
        "x",
        [],
        {},
        [1],
        [{}],
        {"data": None},
        {"data": {"type": 1}},
        {"a": {"b": []}},
        {"errors": [1]},
        {"data": []},
    ],
)
def test_what_is_no_document_is_told_apart_and_refused(dialect, junk):
    assert dialects.shapes(dialect).sniff(junk) is False
    assert dialects.sniff(junk) is None
    with pytest.raises((mp.FormatError, mp.UsageError)):
        dialects.shapes(dialect).parse(junk)
    if junk != []:
        with pytest.raises(mp.FormatError):
            dialects.shapes(dialect).parse_objects(junk)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def spoiled(draw):
    """A document of some dialect in which one value is replaced by any other, or left out."""
    dialect = draw(st.sampled_from(dialects.READ))
    document = json.loads(json.dumps(dialects.shapes(dialect).emit(draw(results()))))
    node = document
    while True:
        keys = list(range(len(node)) if isinstance(node, list) else node)
        key = draw(st.sampled_from(keys))
        if not isinstance(node[key], (dict, list)) or not node[key] or draw(st.integers(0, 4)) == 0:
            break
        node = node[key]
    if isinstance(node, dict) and draw(st.booleans()):
        del node[key]
    else:
        node[key] = draw(json_values)
    return dialect, document


@given(spoiled())
def test_a_spoiled_document_gives_a_result_or_an_error_of_ours(case):
    dialect, document = case
    dialects.sniff(document)
    for read in (dialects.shapes(dialect).parse, dialects.shapes(dialect).parse_objects):
        try:
            read(document)
        except mp.MassproofError as error:
            assert str(error)


def test_the_dialect_is_told_or_named():
    document = {"bodies": {"JHD": {"hasMass": False, "massMissingCount": 1}}}

    assert dialects.parse(document).source.format == "onshape"
    assert dialects.parse(document, "onshape").source.format == "onshape"
    with pytest.raises(mp.UsageError, match="unknown dialect 'klingon'; use one of mfgdm"):
        dialects.parse(document, "klingon")
    with pytest.raises(
        mp.FormatError, match="no known dialect has this form: a JSON object with 'volume', 'colour'"
    ):
        dialects.parse({"volume": 1, "colour": 2})
    with pytest.raises(mp.FormatError, match="no known dialect"):
        dialects.parse_objects([1])


def test_numbers_are_finite_numbers():
    assert answers.number(3, "x") == 3.0
    for wrong in (True, "3", None, math.nan, math.inf, 10**400, [1]):
        with pytest.raises(mp.FormatError, match="x must be a finite number, got "):
            answers.number(wrong, "x")
    with pytest.raises(mp.FormatError, match=r"x\[1\] must be a finite number, got null"):
        answers.numbers([1, None], "x")
    for wrong in ("123", 3):
        with pytest.raises(mp.FormatError, match="x must be a list of numbers"):
            answers.numbers(wrong, "x")


@pytest.mark.parametrize(
    ("text", "value", "half", "rest"),
    [
        ("19772.676 millimeter^2", 19772.676, 5e-4, "millimeter^2"),
        ("7000 millimeter^2", 7000, 0.5, "millimeter^2"),
        ("-.5mm", -0.5, 0.05, "mm"),
        ("+1.50e-3 kg", 1.5e-3, 5e-6, "kg"),
        ("2.e3", 2000, 500, ""),
        ("300.000 mm", 300, 5e-4, "mm"),
        ("0e999 mm", 0, math.inf, "mm"),
        ("1e-999", 0, 0, ""),
    ],
)
def test_a_printed_number_is_known_to_half_a_unit_of_its_last_digit(text, value, half, rest):
    found = answers.printed(text, "x")

    assert found == (value, pytest.approx(half), rest)
    assert found[1] >= half


@pytest.mark.parametrize("text", ["", "gram", "1,5 kg", "1.2.3", "1e999", "--1", "nan", "١", "kg 1"])
def test_what_does_not_begin_with_a_number_is_refused(text):
    with pytest.raises(
        mp.FormatError, match="x must begin with a finite number written with a decimal point, got "
    ):
        answers.printed(text, "x")


def test_a_number_that_no_double_holds_in_si_is_refused():
    with pytest.raises(mp.FormatError, match=r"x is too large to be a density: 1e\+308 t/mm\^3"):
        answers.double(1e308, "t/mm^3", "x")


def test_the_length_unit_of_powers():
    assert [answers.length_of(u) for u in ("mm", "cm^2", "ft^3", "l", "kg", "g", "usgal")] == [
        "mm",
        "cm",
        "ft",
        "dm",
        "m",
        "m",
        "m",
    ]


def test_an_answer_is_shown_by_its_beginning():
    assert answers.shown({"a": [1]}) == '{"a": [1]}'
    assert len(answers.shown(["x" * 200])) == 80
