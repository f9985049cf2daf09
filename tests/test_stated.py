"""What STEP files state of volumes, areas, centres, densities and materials."""

from fractions import Fraction

import pytest
from test_corpus import HOME
from test_products import MM, RADIAN, M, Products

from massproof import part21, stated, stepfile
from massproof.errors import FormatError
from massproof.kernels import jit

KG, G = (f"(MASS_UNIT()NAMED_UNIT(*)SI_UNIT({prefix},.GRAM.))" for prefix in (".KILO.", "$"))


class Statements(Products):
    """Lines of properties."""

    def derived(self, *elements, name="DERIVED_UNIT"):
        rows = [self(f"DERIVED_UNIT_ELEMENT({self(unit)},{exponent!r})") for unit, exponent in elements]
        return self(f"{name}(({','.join(rows)}))")

    def measure(self, name, value, unit):
        return self(f"MEASURE_REPRESENTATION_ITEM('{name}',{value},{unit})")

    def state(self, target, *items, title="", context="$"):
        shown = self(f"REPRESENTATION('{title}',({','.join(items)}),{context})")
        definition = self(f"PROPERTY_DEFINITION('geometric validation property','',{target})")
        return self(f"PROPERTY_DEFINITION_REPRESENTATION({definition},{shown})")

    def read(self):
        return stated.read(part21.read(self.file()))


def names(f, rows):
    """Numbers of rows, as references."""
    entities = part21.read(f.file())
    return [f"#{entities.number(row)}" if row >= 0 else "" for row in rows]


@pytest.mark.parametrize(
    ("name", "value", "elements", "expected"),
    [
        ("volume measure", "VOLUME_MEASURE(5.)", [(MM, 3.0)], ("volume", 5, Fraction(1, 10**9), (3, 0))),
        ("surface area measure", "AREA_MEASURE(5.)", [(M, 2.0)], ("area", 5, 1, (2, 0))),
        ("Wetted Area Measure ", "5.", [(MM, 1.0), (M, 1.0)], ("area", 5, Fraction(1, 1000), (2, 0))),
        ("density measure", "X(5.)", [(KG, 1.0), (M, -3.0)], ("density", 5, 1, (-3, 1))),
        ("density measure", "X(5.)", [(G, 1.0), (MM, -3.0)], ("density", 5, 10**6, (-3, 1))),
        ("density measure", "X(5.)", [(KG, 1.0), (M, 3.0)], ("density", 5, None, (3, 1))),
        ("volume measure", "X(5.)", [(RADIAN, 3.0)], ("volume", 5, None, None)),
        ("volume measure", "X(5.)", [(MM, 2.5)], ("volume", 5, None, None)),
        ("volume measure", "X(5.)", [(MM, 1e9)], ("volume", 5, None, None)),
        ("volume measure", "X(5.)", [("(CONVERSION_BASED_UNIT('X',$)LENGTH_UNIT())", 3.0)], ("volume", 5, None, None)),
        ("volume measure", "X(5.)", [], ("volume", 5, None, None)),
    ],
)  # fmt: skip
def test_measures_have_a_kind_and_a_factor_to_si(name, value, elements, expected):
    f = Statements()
    part = f.product("p")
    f.state(f.of(part), f.measure(name, value, f.derived(*elements)))
    (found,) = f.read()
    assert (found.kind, found.value, found.factor, found.unit) == expected
    assert names(f, [found.product, found.use]) == [part, ""]


def test_a_volume_unit_is_a_derived_unit():
    f = Statements()
    unit = f.derived((MM, 3.0), name="VOLUME_UNIT")
    element = f(f"DERIVED_UNIT_ELEMENT({f(MM)},3.)")
    parts = f(f"(AREA_UNIT()DERIVED_UNIT(({element},$)))")
    bare = f("DERIVED_UNIT((#1,$))")
    f.state("#1", *(f.measure("volume measure", "X(1.)", one) for one in (unit, parts, bare, "$")))
    assert [one.factor for one in f.read()] == [Fraction(1, 10**9)] * 2 + [None] * 2


def test_centres_are_in_the_unit_of_their_context():
    f = Statements()
    part = f.product("p")
    centre = f("CARTESIAN_POINT('centre point',(1.,2.,3.))")
    f.state(part, centre, f.point(1, 2, 3), context=f.context(f(MM)))
    f.state(part, centre, context=f.context())
    f.state(part, centre, f("CARTESIAN_POINT('centre point',1.)"))
    found = f.read()
    assert [(one.kind, one.value, one.factor) for one in found] == [
        ("centre", (1, 2, 3), Fraction(1, 1000)),
        ("centre", (1, 2, 3), None),
        ("centre", (1, 2, 3), None),
    ]


def test_materials_have_a_name():
    f = Statements()
    steel = f("DESCRIPTIVE_REPRESENTATION_ITEM('Steel','Steel 1.4301')")
    f.state(f.product("p"), steel, f("DESCRIPTIVE_REPRESENTATION_ITEM('x')"), title="material name")
    f.state("#1", steel, title="other")
    assert [(one.kind, one.value) for one in f.read()] == [("material", "Steel 1.4301")]


def test_statements_are_of_products_their_uses_or_their_shapes():
    f = Statements()
    part, whole = f.product("part"), f.product("whole")
    use = f.use(whole, part)
    body = f.body()
    aspect = f(f"SHAPE_ASPECT('','solid data',{f.of(part)},.F.)")
    of_aspect = f(f"PROPERTY_DEFINITION('','shape for solid data',{aspect})")
    f(f"SHAPE_DEFINITION_REPRESENTATION({of_aspect},{f.shape('$', body)})")
    f(f"SHAPE_DEFINITION_REPRESENTATION({of_aspect},$)".replace(of_aspect, "$"))
    volume = f.measure("volume measure", "X(1.)", "$")
    for target in (part, f.of(part), use, f.of(use), aspect, body):
        f.state(target, volume)
    found = f.read()
    assert names(f, [one.product for one in found]) == [part, part, part, part, part, ""]
    assert names(f, [one.use for one in found]) == ["", "", use, use, "", ""]
    assert [names(f, one.items) for one in found] == [[], [], [], [], [body], []]


def test_what_states_nothing_is_left_out():
    f = Statements()
    part = f.product("p")
    unit = f.derived((MM, 3.0))
    f.state(
        *(part, f.measure("other", "X(1.)", unit), f.measure("volume measure", "X('a')", unit)),
        *(
            f.measure("volume measure", "X()", unit),
            f("MEASURE_REPRESENTATION_ITEM('volume measure')"),
            f("X()"),
        ),
    )
    f.state("$", f.measure("volume measure", "X(1.)", unit))
    f("PROPERTY_DEFINITION_REPRESENTATION($,$)")
    definition = f(f"PROPERTY_DEFINITION('','',{part})")
    for shown in ("$", f("X()"), f("REPRESENTATION('',$,$)")):
        f(f"PROPERTY_DEFINITION_REPRESENTATION({definition},{shown})")
    f(f"PROPERTY_DEFINITION_REPRESENTATION({f(f'X(1,2,{part})')},$)")
    assert f.read() == ()


def test_a_representation_without_a_context_has_no_unit():
    f = Statements()
    centre = f("CARTESIAN_POINT('centre point',(1.,2.,3.))")
    definition = f(f"PROPERTY_DEFINITION('','',{f.product('p')})")
    f(f"PROPERTY_DEFINITION_REPRESENTATION({definition},{f(f'REPRESENTATION($,({centre}))')})")
    assert f.read()[0].factor is None


@pytest.mark.skipif(not (HOME / "truth.json").exists(), reason=f"no corpus at {HOME}")
@pytest.mark.skipif(jit.DISABLED, reason="real files take too long as Python")
def test_real_files_state_volumes_of_their_products():
    """Every volume of a product is of one that has a part, or that is made of others."""
    counts = dict.fromkeys(("volume", "area", "centre", "notional centre", "density", "material"), 0)
    for path in sorted((HOME / "files/step").rglob("*.st*p")):
        try:
            model = stepfile.read(path.read_bytes())
        except FormatError:
            continue
        owners = {shown.part.product for shown in model.parts}
        for one in model.stated():
            counts[one.kind] += 1
            assert one.product >= 0
            if one.kind == "volume":
                assert one.factor is not None
                assert one.product in owners or one.product in model.members
    assert all(counts.values())
