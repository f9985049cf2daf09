"""Budgets: one grammar, exact numbers, and honest where an interval lies across an end."""

import math
from fractions import Fraction

import pytest
from compare_makers import result
from hypothesis import given
from hypothesis import strategies as st

import massproof as mp
from massproof import budgets, explained, reasons, units
from massproof.budgets import Standing
from massproof.properties import Finding, Quantity


def kg(value, low=None, high=None, cause="rounding"):
    ends = (value if low is None else low, value if high is None else high)
    return Quantity(value, units.unit("kg"), ends, {cause: (ends[1] - ends[0]) / 2})


def standing(text, *number):
    return budgets.budget(text, "mass").judge(kg(*number)).standing


@pytest.mark.parametrize(("text", "inside", "on_the_end", "outside"), [
    ("<= 2 kg", 1.0, "MET", 3.0), ("≤2kg", 1.0, "MET", 3.0), ("< 2 kg", 1.0, "MISSED", 3.0),
    (">= 2 kg", 3.0, "MET", 1.0), ("≥ 2 kg", 3.0, "MET", 1.0), ("> 2 kg", 3.0, "MISSED", 1.0),
    ("1.5..2 kg", 1.75, "MET", 1.0), ("1500 g .. 2 kg", 1.75, "MET", 2.5), ("+1.5e0..200e-2 kg", 1.75, "MET", 1.0),
    ("1.75 kg +- 0.25 kg", 1.75, "MET", 1.0), ("1.75 +- 0.25 kg", 1.75, "MET", 2.5), ("1.6 kg ± 25%", 1.5, "MET", 1.0),
    ("1600 g +/- 25 %", 1.5, "MET", 2.5), ("1.75 kg +- 250 g", 1.75, "MET", 1.0), ("= 2 kg", 2.0, "MET", 2.1), ("== 2 kg", 2.0, "MET", 1.9),
])  # fmt: skip
def test_every_form_of_a_budget_allows_what_it_says(text, inside, on_the_end, outside):
    assert standing(text, inside) is Standing.MET
    assert standing(text, 2.0).value == on_the_end
    assert standing(text, outside) is Standing.MISSED


@pytest.mark.parametrize("text", ["<= 2 kg", "< 2 kg", "1..2 kg", "1.5 kg +- 0.5 kg", ">= 2 kg", "> 2 kg"])
def test_a_budget_that_the_interval_straddles_is_not_met_and_says_so(text):
    judged = budgets.budget(text).judge(kg(1.99, 1.98, 2.01))

    assert judged.standing is Standing.STRADDLED
    assert not judged
    assert judged.why == "part of its interval, 1.98 .. 2.01 kg, is not allowed"


def test_an_interval_that_ends_where_the_budget_does_is_inside_unless_the_end_is_not():
    assert standing("<= 2 kg", 1.9, 1.8, 2.0) is Standing.MET
    assert standing("< 2 kg", 1.9, 1.8, 2.0) is Standing.STRADDLED
    assert standing("> 2 kg", 2.1, 2.0, 2.2) is Standing.STRADDLED
    assert standing(">= 2 kg", 1.9, 1.8, 2.0) is Standing.STRADDLED
    assert standing("> 2 kg", 1.9, 1.8, 2.0) is Standing.MISSED


def test_an_interval_without_an_end_straddles_every_budget_on_that_side():
    assert standing("<= 2 kg", 1.0, 0.0, math.inf) is Standing.STRADDLED
    assert standing(">= 0.5 kg", 1.0, 0.7, math.inf) is Standing.MET
    assert "1 .. inf kg" in budgets.budget("<= 2 kg").judge(kg(1.0, 1.0, math.inf)).why


@given(
    st.decimals(-1000, 1000, places=6),
    st.integers(0, 10**6),
    st.integers(-(10**6), 10**6),
    st.integers(0, 10**6),
)
def test_judging_is_exact(target, half, off, width):
    """Against rational arithmetic from the texts: no double lies between a budget and its verdict."""
    text = f"{target} g +- {half}e-6 g"
    low, high = (float(target) / 1000 + x * 1e-9 for x in (off - width, off + width))
    middle = min(max((low + high) / 2, low), high)
    allowed = [(Fraction(target) + sign * Fraction(half, 10**6)) / 1000 for sign in (-1, 1)]
    ends = Fraction(low), Fraction(high)
    inside = allowed[0] <= ends[0] and ends[1] <= allowed[1]
    outside = ends[1] < allowed[0] or ends[0] > allowed[1]

    expected = Standing.MET if inside else Standing.MISSED if outside else Standing.STRADDLED
    assert budgets.budget(text).judge(kg(middle, low, high)).standing is expected


def test_equals_means_the_digits_that_are_written():
    """The interval must hold the number, and reach no further than half a unit of its last digit."""
    assert standing("= 12 kg", 12.0, 11.6, 12.4) is Standing.MET
    assert standing("= 12.0 kg", 12.0, 11.6, 12.4) is Standing.STRADDLED
    assert standing("= 1.2e1 kg", 12.0, 11.6, 12.4) is Standing.MET
    assert standing("= 12 kg", 12.2, 12.1, 12.3) is Standing.MISSED
    assert 'wider than "=" can hold' in budgets.budget("= 12.0 kg").judge(kg(12.0, 11.6, 12.4)).why


@pytest.mark.parametrize(("text", "why"), [
    ("153", "is no budget"), ("<= 12", "is no budget"), ("153 g +- 0.2", "is no budget"), ("+- 3 g", "is no budget"), ("heavy", "is no budget"),
    ("5..3 g", "ends below its beginning"), ("153 +- 0.2 %", "has no unit"), ("3 g +- -1%", "no tolerance"),
    ("<= 3 mm", "mm is a unit of length"), ("<= 3 foo", "unknown unit of mass"), ("<= 1e999 g", "too large"),
])  # fmt: skip
def test_what_is_no_budget_is_refused(text, why):
    with pytest.raises((mp.UsageError, mp.UnitError), match=why):
        budgets.budget(text, "mass")


def test_examples_are_those_of_the_dimension():
    for dimension, example in (("length", "12..14 mm"), ("volume", "cm.3"), (None, "1.2 kg")):
        with pytest.raises(mp.UsageError, match=example):
            budgets.budget("?", dimension)


def test_a_miss_says_by_how_much_and_of_what():
    def why(text, value):
        return budgets.budget(text).judge(kg(value)).why

    assert why("<= 2 kg", 2.5) == "0.5 kg (25 %) above 2 kg"
    assert why("2..3 kg", 1.9) == "0.1 kg (5 %) below 2 kg"
    assert why("2 kg +- 0.2%", 2.5) == "0.5 kg (25 %) above 2 kg, and 0.004 kg is allowed"
    assert why("2 kg +- 0.2%", 2000.0) == "1998 kg (a factor of 1000) above 2 kg, and 0.004 kg is allowed"
    assert why("<= 0 kg", 2.5) == "2.5 kg above 0 kg"
    assert why("= 2 kg", 2.5) == "0.5 kg (25 %) above 2 kg"


def test_a_number_of_another_dimension_is_an_error():
    with pytest.raises(mp.UnitError, match="is a budget of length"):
        budgets.budget("<= 3 mm").judge(kg(1.0))


def test_relative_differences_are_written_as_a_person_reads_them():
    assert [budgets.percent(x) for x in (0.0, 1e-13, 3e-7, 0.0125, 0.998, 25.4, math.inf)] == [
        "0", "0", "3.0e-07", "1.25 %", "99.8 %", "25.4×", "∞",
    ]  # fmt: skip


# Within: what a test compares with.


def test_a_quantity_equals_what_it_is_within():
    mass = kg(0.153, 0.1529, 0.1531)

    assert mass == mp.within("153 g", rel=0.002)
    assert mp.within("153 g", rel=0.002) == mass
    assert mass == mp.within("153 g", abs="0.2 g")
    assert mass == mp.within(kg(0.153), rel=0.002)
    assert mass == mp.within(kg(0.153).to("g"), abs=kg(0.0002))
    assert mass == mp.within("<= 0.154 kg")
    assert mass == mp.within("152..154 g")
    assert mass != mp.within("153 g", rel=0.0005)  # straddled
    assert mass != mp.within("154 g", rel=0.002)
    assert mp.within("153 g", rel=0.002) is not None
    assert (mp.within("153 g", rel=0.002) == None) is False  # noqa: E711  # what an absent property is
    assert mass.to("g") == mp.within("153 g", rel=0.002)
    assert (mp.within("153 g", rel=0.002) == "153 g") is False
    assert repr(mp.within("153 g", rel=0.002)) == "within('153 g +- 0.2%')"
    assert repr(mp.within("3 g", rel=1 / 3)) == "within('3 g +- 33.33333333333333%')"
    with pytest.raises(TypeError):
        hash(mp.within("153 g", rel=0.002))


@pytest.mark.parametrize(("given", "options", "why"), [
    ("153 g", {}, "say how near to '153 g'"), (kg(1.0), {}, "say how near to 1.0 kg"), ("153 g", {"rel": 0.1, "abs": "1 g"}, "give one of"),
    ("153 g", {"rel": -0.1}, "rel must be"), ("153 g", {"rel": math.inf}, "rel must be"), ("153 g", {"rel": "2%"}, "rel must be"),
    ("153", {"rel": 0.1}, "has no unit"), ("153 g", {"abs": "0.1"}, "is no budget"), (153, {}, "is no budget"),
])  # fmt: skip
def test_what_is_no_expectation_is_refused(given, options, why):
    with pytest.raises((mp.UsageError, mp.UnitError), match=why):
        mp.within(given, **options)


def test_a_number_without_a_unit_is_not_compared():
    with pytest.raises(mp.UsageError, match="has no unit"):
        assert mp.within("153 g", rel=0.1) == 0.153
    with pytest.raises(mp.UnitError, match="budget of length"):
        assert kg(1.0) == mp.within("3 mm", rel=0.1)


# Reasons.


def owner(**more):
    return result(
        {"volume": 1e-3, "density": 2700.0, "mass": 2.7, "center_of_mass.x": 0.01}, name="/x/part.stl", **more
    )


def said(value, text, of=None, name="mass"):
    budget = budgets.budget(text)
    return reasons.reasons(value, budget, budget.judge(value).standing, of, name if of else "")


@pytest.mark.parametrize(("text", "code"), [("44245 kg +- 0.1%", "length-unit"), ("8.1 kg +- 0.1%", "counted"), ("5.9525 kg +- 0.01%", "mislabelled-unit"),
                                            ("7.85 kg +- 0.1%", "density (93 % sure): 2700 kg/m³ was taken, and what is expected would be 7850")])  # fmt: skip
def test_the_cause_of_a_miss_is_named(text, code):
    assert said(kg(2.7), text, owner())[0].startswith(code)


def test_a_miss_that_nothing_explains_says_so():
    for of, also in ((owner(), "; at this volume it would take 3060 kg/m³"), (None, "")):
        assert said(kg(2.7), "3.06 kg +- 0.1%", of) == [
            "none is known that explains a factor of 0.882353: no unit or count fits" + also
        ]
    assert said(kg(2.7), "3..3.5 kg", owner()) == []  # no one number is expected
    assert said(kg(2.7), "<= 2 kg", owner()) == []
    assert said(kg(2.7), "<= 3 kg", owner()) == []  # met
    assert said(kg(2.7), "0 kg +- 1 g", owner()) == []


def test_a_coincidence_is_no_cause():
    """Some material has nearly any density, and some whole number is near any large one."""
    for text in ("3.065 kg +- 0.2%", "7.85 kg +- 1%", "116 kg +- 2%", "8.1 kg +- 5%"):
        assert said(kg(2.7), text, owner())[0].startswith("none is known"), text


def test_without_the_part_a_ratio_still_tells_a_unit():
    assert said(kg(2.7), "44245 kg +- 0.1%")[0].startswith("length-unit (over 99 % sure)")
    length = Quantity(0.0254, units.unit("m"), (0.0254, 0.0254))
    assert said(length, "1 mm +- 0.1%")[0].startswith("length-unit")
    assert said(length, "8.4667 mm +- 0.1%")[0].startswith(
        "none is known"
    )  # three times is a design, no yard
    assert said(Quantity(0.0, units.unit("m"), (0.0, 0.0)), "1 mm +- 0.1%")[0].startswith("none is known")


def test_density_is_no_cause_of_what_is_no_mass_or_where_it_is_not_known():
    lone = result({"volume": 1e-3, "mass": 2.7})
    area = Quantity(7.85, units.unit("m^2"), (7.85, 7.85))
    for value, text, of, name in (
        (kg(2.7), "7.85 kg +- 0.1%", lone, "mass"),
        (kg(2.7), "7.85 kg +- 2%", owner(), "mass"),
        (area, "9 m^2 +- 0.1%", owner(), "area"),
    ):
        assert all(not one.startswith("density") for one in said(value, text, of, name))


def test_what_makes_an_interval_wide_is_told_and_so_are_findings_of_the_part():
    wide = kg(2.7, 2.5, 2.9, "density")
    doubtful = owner(verdict=mp.Verdict.BOUNDED)
    object.__setattr__(doubtful, "findings", (Finding("unit-assumed", "no unit"), Finding("no-density", "")))

    assert said(wide, "<= 2.8 kg", doubtful) == ["the width of the interval is mostly the range of the material's density: say the density itself, if it is known", "unit-assumed: no unit"]  # fmt: skip
    assert "mostly rounding" in said(Quantity(2.7, units.unit("kg"), (2.5, 2.9)), "<= 2.8 kg")[0]


def test_no_confidence_claims_certainty():
    assert [reasons.sure(x) for x in (0.5, 0.984, 1.0)] == ["50 % sure", "98 % sure", "over 99 % sure"]


def test_a_failed_expectation_is_told_line_by_line():
    missed = explained.lines(kg(2.7), mp.within("7.85 kg", rel=0.001), owner(), "mass")
    straddled = explained.lines(kg(2.7, 2.5, 2.9), mp.within("<= 2.8 kg"), None, "")

    assert missed[0] == "mass of part.stl == within('7.85 kg +- 0.1%')"
    assert [line.split()[0] for line in missed[1:]] == [
        "measured",
        "expected",
        "difference",
        "tolerance",
        "verdict",
        "cause",
    ]
    assert "5.15 kg (65.6 %) below 7.85 kg" in missed[3]
    assert "0.00785 kg" in missed[4]
    assert straddled[0] == "2.7 kg == within('<= 2.8 kg')"
    assert "STRADDLED: part of its interval, 2.5 .. 2.9 kg, is not allowed" in straddled[4]


@pytest.mark.parametrize("text", ["9" * 10_000 + "!", "<= 1" + "0" * 5000 + " g", "1 a" + " " * 10_000 + "b"])
def test_texts_of_any_length_are_refused_at_once_and_in_a_line(text):
    with pytest.raises(mp.UsageError, match="is no budget; write it like") as refused:
        budgets.budget(text, "mass")
    assert len(str(refused.value)) < 200
    for read in (budgets.plain, lambda text, dimension: budgets.slack(text, Fraction(1), dimension)):
        with pytest.raises(mp.UsageError) as refused:
            read(text, "mass")
        assert len(str(refused.value)) < 200


def test_a_difference_that_no_double_holds_is_told():
    """Of decimal numbers, which are exact, the ratio to a measured one may have any size."""
    tiny = budgets.budget("1e-400 kg +- 1%")
    judged = tiny.judge(kg(0.012))

    assert judged.standing is Standing.MISSED
    assert "(a factor of inf)" in judged.why
    wide = budgets.budget("1e100 kg +- 1e300%")
    assert (wide.half, wide.judge(kg(0.012)).standing) == (Fraction(10) ** 398, Standing.MET)
    missed = explained.lines(kg(0.012), mp.within("1e-400 kg", rel=0.01), None, "")
    assert "none is known that explains a factor of inf" in missed[-1]
