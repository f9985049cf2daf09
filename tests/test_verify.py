"""What STEP files state of their parts against what is measured."""

import contextlib
import io
import json
import math
import re

import pytest
from step_makers import Solids
from test_cli import run
from test_corpus import HOME
from test_products import MM, M
from test_stated import KG, Statements
from test_tessellations import Tessellations

import massproof as mp
from massproof import commands
from massproof.kernels import jit


class Stating(Solids, Statements):
    """Lines of solids and of what is stated of them."""

    def cubic(self, unit=MM, power=3.0):
        return self.derived((unit, power))

    def volume(self, target, value, unit=None):
        self.state(target, self.measure("volume measure", f"VOLUME_MEASURE({value!r})", unit or self.cubic()))
        return self

    def area(self, target, value):
        unit = self.cubic(power=2.0)
        self.state(target, self.measure("surface area measure", f"AREA_MEASURE({value!r})", unit))
        return self

    def centre(self, target, *at, title="centroid"):
        point = self(f"CARTESIAN_POINT('centre point',({','.join(map(repr, at))}))")
        self.state(target, point, title=title, context=self.millimetres())
        return self

    def part(self, *items, name="part"):
        self.representation = self.shape(self.millimetres(), *items)
        return self.product(name, self.representation)

    def verified(self):
        return mp.verify(self.file(), format="step")


class Triangles(Tessellations, Stating):
    """The same of tessellated solids."""


def one(f):
    (found,) = f.verified().compared
    return found


def test_what_the_exporter_computed_is_compared_with_what_is_measured():
    f = Stating()
    part = f.part(f.box())
    found = f.volume(part, 6.0).area(part, 22.0).centre(part, 0.5, 1.0, 1.5).verified()
    assert [(c.kind, c.of, c.level, c.agreement.value) for c in found.compared] == [
        ("volume", "part", "part", "agrees"),
        ("area", "part", "part", "agrees"),
        ("centre", "part", "part", "agrees"),
    ]
    assert [c.unit for c in found.compared] == ["mm^3", "mm^2", "mm"]
    for c in found.compared:
        for stated, measured in zip(c.stated, c.measured, strict=True):
            assert measured.interval[0] <= stated <= measured.interval[1]
        assert c.difference < 1e-14
    assert (found.wrong, found.findings, found.source.unit) == (0, (), "mm")
    assert found.method.startswith("boundary integrals")


@pytest.mark.parametrize(
    ("stated", "agreement"),
    [
        (6.0, "agrees"),
        (6.0001, "close"),  # %g would have written six digits
        (6.00001, "agrees"),
        (6.00000001, "agrees"),
        (6.0000012345, "close"),
        (6.005, "close"),
        (6.01, "disagrees"),
        (-6.0, "disagrees"),
        (6e-9, "wrong unit"),
        (0.0, "disagrees"),
    ],
)
def test_a_value_agrees_to_the_digits_that_are_written(stated, agreement):
    f = Stating()
    found = one(f.volume(f.part(f.box()), stated))
    assert found.agreement.value == agreement
    assert found.difference == pytest.approx(abs(stated - 6) / 6, rel=1e-6, abs=1e-14)


@pytest.mark.parametrize(("stated", "agreement"), [(6.0, "agrees"), (6.001, "close"), (6.5, "not compared")])
def test_what_was_computed_of_the_part_need_not_be_that_of_its_triangles(stated, agreement):
    f = Triangles()
    found = one(f.volume(f.part(f.faceted()), stated))
    assert found.agreement.value == agreement
    assert found.measured[0].value == pytest.approx(6)
    assert ("how far from the part is not known" in found.remark) == (agreement == "not compared")


def test_digits_of_the_file_tell_how_short_numbers_were_written():
    """Zeros at the end are not written: other values of the file show how many digits there could be."""
    f = Stating()
    part = f.part(f.box((1.0, 2.0, 10.0)))
    f.volume(part, 20.00001).area(part, 64.0000000001)
    assert [c.agreement.value for c in f.verified().compared] == ["close", "agrees"]


def test_a_wrong_label_is_told_by_the_unit_that_would_be_right():
    f = Stating()
    found = one(f.volume(f.part(f.box()), 6.0, f.cubic(M)))
    assert (found.agreement.value, found.unit) == ("wrong unit", "m^3")
    assert found.remark == "right in mm^3; its label is a unit 1e+09 times as large"
    assert found.measured[0].unit.symbol == "m^3"


@pytest.mark.parametrize(
    ("value", "elements", "remark"),
    [
        (6.0, [(KG, 1.0), (MM, 3.0)], "right in mm^3; it is labelled with mass × length^3"),
        (6.0, [(MM, 2.5)], "right in mm^3; it is labelled with a unit that cannot be read"),
        (7.0, [(MM, 1.0)], "in no unit of volume is it right; it is labelled with length"),
    ],
)
def test_a_label_that_is_none_is_told_too(value, elements, remark):
    f = Stating()
    found = f.volume(f.part(f.box()), value, f.derived(*elements)).verified()
    (c,) = found.compared
    assert (c.agreement.value, c.remark, c.unit, c.difference) == ("wrong unit", remark, "", None)
    assert found.wrong == 1


def test_a_unit_of_ours_is_not_needed_to_compare():
    f = Stating()
    size = f(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(2.),{f(MM)})")
    double = f"(CONVERSION_BASED_UNIT('DOUBLE',{size})LENGTH_UNIT()NAMED_UNIT(#1))"
    found = one(f.volume(f.part(f.box()), 0.75, f.cubic(double)))
    assert (found.agreement.value, found.unit, found.measured[0].unit.symbol) == ("agrees", "", "mm^3")


def assembly():
    """A box at the origin and the same turned and moved by 10 along x, which a third usage does not say."""
    f = Stating()
    part = f.part(f.box())
    inner, outer = f.representation, f.shape(f.millimetres())
    whole = f.product("whole", outer)
    uses = [f.use(whole, part) for _ in range(2)]
    f.place(uses[0], inner, outer, f.between(f.frame(), f.frame()))
    f.place(uses[1], inner, outer, f.between(f.frame(), f.frame((10, 0, 0), (0, 0, 1), (0, 1, 0))))
    return f, part, whole, uses


def test_assemblies_and_their_components_are_compared_in_their_own_frames():
    f, part, whole, uses = assembly()
    turned = (9.0, 0.5, 1.5)  # x and y of the centre become −y and x
    f.volume(part, 6.0).volume(whole, 12.0).area(whole, 44.0)
    f.centre(whole, (0.5 + 9.0) / 2, 0.75, 1.5).centre(uses[0], 0.5, 1.0, 1.5).centre(uses[1], *turned)
    found = f.verified()
    assert {c.agreement.value for c in found.compared} == {"agrees"}
    assert [c.level for c in found.compared] == ["part", "assembly", "assembly", "assembly", "use", "use"]
    assert [c.of for c in found.compared] == ["part"] + ["whole"] * 3 + ["part"] * 2


def test_a_usage_that_places_nothing_leaves_its_part_where_it_was_drawn():
    f, part, whole, _ = assembly()
    f.centre(f.use(whole, part), 0.5, 1.0, 1.5)
    found = f.verified()
    assert found.compared[0].agreement.value == "agrees"
    assert "placement-missing" in [finding.code for finding in found.findings]


def test_a_centre_of_an_assembly_may_be_weighed_by_densities():
    f, _, whole, _ = assembly()
    found = one(f.centre(whole, 2.0, 0.75, 1.5))
    assert (found.agreement.value, found.remark) == (
        "disagrees",
        "parts of different density would explain it",
    )


def test_a_centre_is_weighed_by_the_densities_that_are_stated():
    """Of a box of 1 × 2 × 3 at the origin and one of half the density at x = 10; of one alone nothing changes."""
    f = Stating()
    parts, places = [], []
    for x, density in ((0.0, 8000.0), (10.0, 4000.0)):
        parts.append(f.part(f.box(x=x)))
        places.append(f.representation)
        f.state(parts[-1], f.measure("density measure", f"X({density!r})", f.derived((KG, 1.0), (M, -3.0))))
    outer = f.shape(f.millimetres())
    whole = f.product("whole", outer)
    for part, inner in zip(parts, places, strict=True):
        f.place(f.use(whole, part), inner, outer, f.between(f.frame(), f.frame()))
    f.centre(whole, 0.5 + 10 / 3, 1.0, 1.5).centre(whole, 5.5, 1.0, 1.5).centre(whole, 4.5, 1.0, 1.5)
    f.centre(parts[1], 10.5, 1.0, 1.5)
    weighed, plain, wrong, alone = f.verified().compared

    assert (weighed.agreement.value, weighed.remark) == (
        "agrees",
        "weighed by the densities that the file states",
    )
    assert [(c.agreement.value, c.remark) for c in (plain, alone)] == [("agrees", "")] * 2
    assert (wrong.agreement.value, "different density" in wrong.remark) == ("disagrees", False)
    assert weighed.measured[0].interval[0] <= 0.5 + 10 / 3 <= weighed.measured[0].interval[1]


def test_a_value_may_be_of_some_of_the_shapes():
    f = Stating()
    first, second = f.box(), f.box((1.0, 1.0, 1.0), x=5.0)
    part = f.part(first, second)
    aspect = f(f"SHAPE_ASPECT('','solid data',{f.of(part)},.F.)")
    of_aspect = f(f"PROPERTY_DEFINITION('','shape for solid data',{aspect})")
    f(f"SHAPE_DEFINITION_REPRESENTATION({of_aspect},{f.shape('$', f.frame(), second)})")
    found = f.volume(aspect, 1.0).volume(part, 7.0).verified()
    assert [(c.level, c.agreement.value) for c in found.compared] == [("shape", "agrees"), ("part", "agrees")]


def test_surfaces_that_bound_no_solid_may_count_or_not():
    f = Stating()
    sheet = f(f"SHELL_BASED_SURFACE_MODEL('',({f.shell(f.disc(), kind='OPEN_SHELL')}))")
    part = f.part(f.box(), sheet)
    f.area(part, 22.0).area(part, 22.0 + math.pi).volume(part, 6.0)
    found = f.verified()
    assert [(c.agreement.value, c.remark) for c in found.compared] == [
        ("agrees", "of its solids alone"),
        ("agrees", "with its surfaces that bound no solid"),
        ("agrees", ""),
    ]


def test_what_cannot_be_compared_says_why():
    f = Stating()
    box = f.box(sides=5)
    part, empty = f.part(box), f.product("empty")
    sheets = f.product("sheet", f.shape(f.millimetres(), f(f"SHELL_BASED_SURFACE_MODEL('',({f.shell(f.disc(), kind='OPEN_SHELL')}))")))  # fmt: skip
    f.volume(part, 6.0).area(part, 20.0).volume(empty, 1.0).area(empty, 1.0).volume(box, 1.0)
    f.volume(sheets, 1.0).centre(part, 1.0, 2.0, 3.0, title="notional solids centroid")
    found = f.verified()
    assert [(c.agreement.value, c.remark) for c in found.compared] == [
        ("not compared", "1 of its 1 solids are not closed"),
        ("agrees", ""),
        ("not compared", "it holds no solid"),
        ("not compared", "it draws nothing that can be measured"),
        ("not compared", "of no product"),
        ("not compared", "it holds no solid"),
        ("not compared", "of unit solids at the origins of the components, which is no mass property"),
    ]
    assert found.compared[4].of == ""
    assert found.wrong == 0
    assert found.to_dict()["counts"]["not compared"] == 6


def test_products_that_hold_nothing_are_not_visited_however_often_they_are_used():
    f = Stating()
    whole = part = f.product("hollow")
    for level in range(30):
        whole = f.product(f"level{level}")
        for _ in range(10):
            f.use(whole, part)
        part = whole
    f.part(f.box())
    assert one(f.volume(whole, 1.0)).remark == "it holds no solid"


@pytest.mark.parametrize(
    ("value", "elements", "density", "unit", "remark"),
    [
        (7850.0, [(KG, 1.0), (M, -3.0)], 7850.0, "kg/m^3", ""),
        (7.85e-6, [(KG, 1.0), (MM, -3.0)], 7850.0, "kg/mm^3", ""),
        (7850.0, [(KG, 1.0), (MM, -3.0)], 7850e9, "kg/mm^3", "no solid has such a density"),
        (7850.0, [(KG, 1.0), (M, 3.0)], None, "mass × length^3", "mass × length^3 is no unit of density; 7850 kg/m^3 would be plausible"),
        (0.284, [(KG, 1.0), (M, 3.0)], None, "mass × length^3", "mass × length^3 is no unit of density"),
        (7850.0, [(MM, 1.5)], None, "a unit that cannot be read", "a unit that cannot be read is no unit of density; 7850 kg/m^3 would be plausible"),
    ],
)  # fmt: skip
def test_densities_are_listed_and_odd_ones_said_so(value, elements, density, unit, remark):
    f = Stating()
    part = f.part(f.box())
    f.state(part, f.measure("density measure", f"X({value!r})", f.derived(*elements)))
    found = f.verified()
    (d,) = found.described
    assert (d.kind, d.of, d.stated, d.unit, d.remark) == ("density", "part", value, unit, remark)
    assert (d.density and d.density.value) == (density and pytest.approx(density))
    assert [finding.code for finding in found.findings] == ([] if density else ["density-unit"])
    assert json.dumps(found.to_dict(), allow_nan=False)


def test_materials_are_listed_and_nothing_stated_is_said_plainly(tmp_path):
    f = Stating()
    f.state(
        f.part(f.box()), f("DESCRIPTIVE_REPRESENTATION_ITEM('Steel','Steel 1.4301')"), title="material name"
    )
    path = tmp_path / "part.step"
    path.write_bytes(f.file())
    done = run("verify", path, "--strict")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert found["compared"] == []
    assert found["described"][0]["stated"] == "Steel 1.4301"
    assert "states no volume, no area and no centre" in shown(path)
    assert "material of part: Steel 1.4301" in shown(path)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(path):
    """What a terminal shows."""
    out = Terminal()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as stopped:
        commands.app(["verify", str(path)])
    assert stopped.value.code == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())


def test_a_terminal_gets_lines_and_strict_exits_with_4(tmp_path):
    f, part, whole, _ = assembly()
    f.volume(part, 6.0).volume(whole, 12.0, f.cubic(M)).centre(whole, 4.75, 0.75, 1.5)
    f.volume("$", 1.0).volume(whole, 1.0, "$")
    f.state(part, f.measure("density measure", "X(7.85E-6)", f.derived((KG, 1.0), (MM, -3.0))))
    f.state(part, f.measure("density measure", "X(1.)", "$"))
    path = tmp_path / "whole.step"
    path.write_bytes(f.file())
    lines = [" ".join(line.split()) for line in shown(path).splitlines()]

    assert lines[0].endswith("whole.step STEP, mm")
    assert lines[1:3] == ["part", "volume 6 mm³ 6 ± 7.6e-15 1e-16 agrees"] or lines[2].endswith("agrees")
    assert lines[3] == "whole, assembly"
    assert lines[4].startswith("volume 12 m³") and lines[4].endswith("wrong unit")
    assert lines[5].startswith("centre x 4.75 mm 4.75 ±")
    assert any(": right in mm^3; its label is a unit 1e+09 times as large" in line for line in lines)
    assert "density of part: 7.85e-06 kg/mm^3 = 7850 kg/m³" in lines
    assert lines[-1].startswith("density-unit: 1 densities are stated in units that are none")

    done = run("verify", path, "--strict")
    assert done.exit_code == 4
    assert json.loads(done.stdout)["counts"]["wrong unit"] == 2
    assert run("verify", path).exit_code == 0


def test_a_file_without_a_unit_is_read_in_millimetres_and_says_so():
    f = Stating()
    part = f.product("part", f.shape(f.context(), f.box()))
    found = f.volume(part, 6.0).verified()
    assert [finding.code for finding in found.findings] == ["unit-assumed"]
    assert (found.source.unit, found.compared[0].agreement.value) == ("mm", "agrees")


@pytest.mark.parametrize(
    ("name", "options", "code", "message"),
    [
        ("box.stl", [], 2, "is no STEP file"),
        ("missing.step", [], 3, "missing.step"),
        ("bracket.step", ["--engine", "parasolid"], 2, "parasolid"),
    ],
)
def test_what_cannot_be_verified_is_one_line(data, name, options, code, message):
    done = run("verify", data / name, *options)
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1)
    assert message in done.stderr


def test_a_missing_extra_exits_with_6(data, monkeypatch):
    def missing(*_, **__):
        raise mp.MissingExtra(what, "step")

    what = "measuring"
    monkeypatch.setattr("massproof.commands.verify", missing)
    assert run("verify", data / "bracket.step").exit_code == 6


def test_the_sample_states_what_it_is_and_labels_its_area_wrong(data):
    found = mp.verify(data / "torus_stated.step")
    assert [c.agreement.value for c in found.compared] == ["agrees", "wrong unit", "agrees"]
    assert [(d.kind, d.stated) for d in found.described] == [("density", 7850.0), ("material", "Steel")]
    codes = [finding.code for finding in mp.measure(data / "torus_stated.step").findings]
    assert codes == ["density-stated"]


@pytest.mark.skipif(not (HOME / "truth.json").exists(), reason=f"no corpus at {HOME}: set MASSPROOF_CORPUS")
@pytest.mark.skipif(jit.DISABLED, reason="real files take too long as Python")
def test_exporters_of_real_files_agree():
    """Areas of as1-oc's threaded rod disagree, 0.13 % off; dm1's centre is that of its three densities."""
    counts = dict.fromkeys(verify_agreements(), 0)
    wrong = set()
    for path in sorted((HOME / "files/step").rglob("*.st*p")):
        try:
            found = mp.verify(path)
        except mp.FormatError:
            continue
        for c in found.compared:
            counts[c.agreement.value] += 1
            if c.agreement.value in ("disagrees", "wrong unit"):
                wrong.add((path.name, c.kind, c.of))
    assert wrong == {
        ("as1-oc-214.stp", "area", "rod"),
        ("as1-oc-214.stp", "area", "rod-assembly"),
    }
    assert counts["agrees"] >= 50
    assert counts["close"] >= 150
    assert counts["not compared"] == 5


def verify_agreements():
    from massproof.verify import Agreement

    return [one.value for one in Agreement]
