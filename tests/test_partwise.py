"""Each part and sub-assembly of a file: what it weighs in its own frame, where it is used, and that it all adds up."""

import contextlib
import io
import json
from fractions import Fraction

import numpy as np
import pytest
from step_makers import Solids, bomb, mapped_bomb, without_ocp
from test_breakdown import keeps_its_schema
from test_cli import run
from test_corpus import HOME
from test_measure import stating
from test_products import M
from test_stated import KG
from test_trees import Tree

import massproof as mp
from massproof import engines, outline, structure
from massproof.blobs import Blobs
from massproof.kernels import jit
from massproof.operations import jobs
from massproof.operations.port import Job

DENSITY = "2500 kg/m^3"
IDENTITY = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))


def measured(f, **options):
    data = f if isinstance(f, bytes) else f.file()
    return mp.assembly(data, format="step", **options)


def moments(part):
    """Mass, first and second moment about the origin of its frame, exactly those of the numbers of a part."""
    found = part.properties
    mass, centre = Fraction(found.mass.value), [Fraction(q.value) for q in found.center_of_mass]
    tensor = [[Fraction(x) for x in row] for row in found.inertia.matrix()]
    half = sum(tensor[k][k] for k in range(3)) / 2
    second = [
        [(half if i == j else 0) - tensor[i][j] + mass * centre[i] * centre[j] for j in range(3)]
        for i in range(3)
    ]
    return mass, [mass * x for x in centre], second


def moved(body, matrix):
    """Moments after a similarity: r → M r + t makes k³ as much of it, k³ = |det M|."""
    mass, first, second = body
    m = [[Fraction(x) for x in row[:3]] for row in matrix[:3]]
    t = [Fraction(row[3]) for row in matrix[:3]]
    size = abs(
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
        - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    )
    axes = range(3)
    turned = [sum(m[i][k] * first[k] for k in axes) for i in axes]
    inner = [[sum(m[i][k] * second[k][n] * m[j][n] for k in axes for n in axes) for j in axes] for i in axes]
    return (
        size * mass,
        [size * (turned[i] + mass * t[i]) for i in axes],
        [
            [size * (inner[i][j] + turned[i] * t[j] + t[i] * turned[j] + mass * t[i] * t[j]) for j in axes]
            for i in axes
        ],
    )


def composed(found, part):
    """The moments of a definition, from those of its leaves alone."""
    if part.properties.volume is None:  # surfaces
        return 0, [0, 0, 0], [[0, 0, 0]] * 3
    if not part.children:
        return moments(part)
    bodies = [moved(composed(found, found.parts[use.part]), use.matrix) for use in part.children]
    return (
        sum(mass for mass, _, _ in bodies),
        [sum(first[k] for _, first, _ in bodies) for k in range(3)],
        [[sum(second[i][j] for _, _, second in bodies) for j in range(3)] for i in range(3)],
    )


def adds_up(found):
    """Every definition is the sum of its uses: mass, first and second moments, to what float64 rounds on the way."""
    for part in found.parts.values():
        if part.properties.mass is None:
            continue
        (mass, first, second), (_, f, s) = composed(found, part), moments(part)
        low, high = (part.properties.mass.interval[k] for k in (0, 1))
        reach = max(
            abs(q.value) for corner in ("min", "max") for q in getattr(part.properties.bounding_box, corner)
        )
        tiny = 1e-12 * float(mass)
        assert low - tiny <= mass <= high + tiny
        assert all(abs(a - b) <= tiny * reach for a, b in zip(first, f, strict=True))
        assert all(
            abs(a - b) <= tiny * reach**2
            for one, other in zip(second, s, strict=True)
            for a, b in zip(one, other, strict=True)
        )
    return True


def outlined(found):
    """Names of the parts as they are nested, with those of their uses."""

    def inner(part):
        return [
            (use.name, found.parts[use.part].name, *inner(found.parts[use.part])) for use in part.children
        ]

    return (found.whole.name, *inner(found.whole))


def turned(f, whole, part, inner, outer, at, axis, reference, name=""):
    """A use by which the part stands turned."""
    use = f(f"NEXT_ASSEMBLY_USAGE_OCCURRENCE('',{name!r},'',{whole},{part},$)")
    f.place(use, inner, outer, f.between(f.frame(), f.frame(at, axis, reference)))


def three_deep():
    """A machine of two turned arms and a loose bolt; an arm has a beam and two bolts, one in a joint."""
    f = Tree()
    bolt, bolts = f.part(f.box((1.0, 2.0, 3.0)), name="bolt"), f.representation
    beam, beams = f.part(f.box((4.0, 1.0, 1.0), x=0.5), name="beam"), f.representation
    shapes = [f.shape(f.millimetres()) for _ in range(3)]
    joint, arm, machine = (
        f.product(name, shape) for name, shape in zip(("joint", "arm", "machine"), shapes, strict=True)
    )
    turned(f, joint, bolt, bolts, shapes[0], (0.0, 0.5, 9.0), (1.0, 2.0, 2.0), (2.0, 1.0, -2.0), "pin")
    turned(f, arm, beam, beams, shapes[1], (7.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    turned(f, arm, joint, shapes[0], shapes[1], (0.0, 11.0, 0.0), (0.0, 0.6, 0.8), (1.0, 0.0, 0.0))
    f.used(arm, bolt, bolts, shapes[1], (3.0, 3.0, 30.0), "spare")
    turned(
        f, machine, arm, shapes[1], shapes[2], (100.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1.0, -1.0, 0.0), "left"
    )
    f.used(machine, arm, shapes[1], shapes[2], (0.0, -100.0, 0.0), "right")
    f.used(machine, bolt, bolts, shapes[2], (-50.0, 0.0, 0.0))
    return f


def test_an_assembly_three_deep_is_the_sum_of_its_uses():
    f = three_deep()
    found = measured(f, density=DENSITY)
    arm = [("beam", "beam"), ("joint", "joint", ("pin", "bolt")), ("spare", "bolt")]

    assert outlined(found) == ("machine", ("left", "arm", *arm), ("right", "arm", *arm), ("bolt", "bolt"))
    assert [(part.id, part.name) for part in found.parts.values()] == [
        *(("d0", "machine"), ("d1", "arm"), ("d2", "beam"), ("d3", "joint"), ("d4", "bolt")),
    ]
    assert [use.id for use in found.whole.children] == ["u0", "u1", "u2"]
    assert found.counts() == {"d0": 1, "d1": 2, "d2": 2, "d3": 2, "d4": 5}
    assert {part.number for part in found.parts.values()} == {"id"}
    assert adds_up(found)
    assert found.parts["d4"].properties.center_of_mass.to("mm") == (0.5, 1.0, 1.5)
    whole = mp.measure(f.file(), density=DENSITY)
    assert found.whole.properties == whole
    assert found.whole.properties.to_dict() == whole.to_dict()


def test_a_part_is_what_it_is_alone_as_a_file():
    """To the last digit, findings and all, but for its name and what it was read from."""
    found = measured(three_deep(), density=DENSITY)
    alone = Tree()
    alone.part(alone.box((4.0, 1.0, 1.0), x=0.5), name="beam")
    one, other = found.parts["d2"].properties.to_dict(), mp.measure(alone.file(), density=DENSITY).to_dict()

    assert (one.pop("source")["name"], other.pop("source")["name"]) == ("<bytes>: beam", "<bytes>")
    assert one == other


def test_moving_a_use_moves_the_whole_and_no_part():
    def two(at):
        f = Tree()
        part, inner = f.part(f.box()), f.representation
        outer = f.shape(f.millimetres())
        whole = f.product("whole", outer)
        f.used(whole, part, inner, outer, (0.0, 0.0, 0.0))
        f.used(whole, part, inner, outer, at)
        return measured(f, density=DENSITY)

    near, far = two((10.0, 0.0, 0.0)), two((10.0, 8.0, 0.0))

    assert near.parts["d1"].properties == far.parts["d1"].properties
    assert near.whole.properties.mass == far.whole.properties.mass
    assert far.whole.properties.center_of_mass.y.value - near.whole.properties.center_of_mass.y.value == (
        pytest.approx(0.004, rel=1e-12)
    )
    assert [row[3] for row in far.whole.children[1].matrix[:3]] == [0.01, 0.008, 0.0]
    assert adds_up(near)
    assert adds_up(far)


@pytest.mark.parametrize(("unit", "metres"), [(None, Fraction(1)), ("inch", Fraction(254, 10000))])
def test_matrices_are_in_metres_whatever_the_unit_of_the_file(unit, metres):
    f = Tree()
    context = f.context(f.inch()) if unit else f.context(f(M))
    inner, outer = f.shape(context, f.box()), f.shape(context)
    part, whole = f.product("part", inner), f.product("whole", outer)
    f.used(whole, part, inner, outer, (3.0, 5.0, -7.0))
    found = measured(f, density=DENSITY)

    (use,) = found.whole.children
    assert [row[3] for row in use.matrix[:3]] == [float(k * metres) for k in (3, 5, -7)]
    assert found.parts[use.part].properties.volume.value == pytest.approx(float(6 * metres**3), rel=1e-14)
    assert adds_up(found)


def test_without_a_unit_the_one_asked_for_is_that_of_matrices_and_the_finding_speaks_of_the_whole():
    f = Tree()
    context = f.context()
    inner, outer = f.shape(context, f.box((0.1, 0.1, 0.1))), f.shape(context)
    part, whole = f.product("part", inner), f.product("whole", outer)
    for x in (0.0, 3.0):
        f.used(whole, part, inner, outer, (x, 0.0, 0.0))
    assumed, given = measured(f, density=DENSITY), measured(f, density=DENSITY, unit="inch")

    assert [use.matrix[0][3] for use in assumed.whole.children] == [0.0, 0.003]
    assert [use.matrix[0][3] for use in given.whole.children] == [0.0, 0.0762]
    said = {
        part.id: [one for one in part.properties.findings if one.code == "unit-assumed"]
        for part in assumed.parts.values()
    }
    assert said["d0"][0].evidence == said["d1"][0].evidence
    assert "may be in" not in said["d1"][0].message
    assert adds_up(assumed)
    assert adds_up(given)


def test_mirrored_and_scaled_uses_carry_both_in_their_matrix():
    f = Tree()
    inner, outer = f.shape(f.millimetres(), f.box()), f.shape(f.millimetres())
    part, whole = f.product("part", inner), f.product("whole", outer)
    for matrix, offset, scale in ((np.eye(3), (0, 0, 0), 1.0), (np.diag([1, 1, -1]), (9, 0, 0), 2.0)):
        f.place(f.use(whole, part), inner, outer, f.operator(matrix, offset, scale))
    found = measured(f, density=DENSITY)
    plain, other = (np.array(use.matrix)[:3, :3] for use in found.whole.children)

    assert (np.linalg.det(plain), np.linalg.det(other)) == (pytest.approx(1), pytest.approx(-8))
    assert found.whole.properties.volume.value == pytest.approx(6e-9 * 9, rel=1e-12)
    assert {one.code for one in found.whole.properties.findings} == {"mirrored", "scaled"}
    assert found.parts["d1"].properties.findings == ()
    assert adds_up(found)


def test_what_belongs_to_no_product_belongs_to_the_one_it_is_placed_in():
    f = Tree()
    inner = f.shape(f.millimetres(), f.box())
    part = f.part(
        f.mapped(f.frame(), inner, f.frame((5, 0, 0))), f.mapped(f.frame(), inner, f.frame((9, 0, 0)))
    )
    shown, outer = f.representation, f.shape(f.millimetres())
    f.used(f.product("whole", outer), part, shown, outer, (0.0, 1.0, 0.0))
    found = measured(f, density=DENSITY)

    assert outlined(found) == ("whole", ("part", "part"))
    assert found.parts["d1"].properties.volume.value == pytest.approx(12e-9, rel=1e-14)
    assert found.parts["d1"].properties.center_of_mass.to("mm") == pytest.approx((7.5, 1, 1.5))
    assert adds_up(found)


def test_products_are_reached_through_what_belongs_to_none():
    f = Tree()
    f.part(f.box(), name="bolt")
    bolts = f.representation
    middle = f.shape(f.millimetres(), f.mapped(f.frame(), bolts, f.frame((5, 0, 0))))
    items = [f.mapped(f.frame(), middle, f.frame((0, y, 0))) for y in (0, 10)]
    f.product("whole", f.shape(f.millimetres(), *items))
    found = measured(f, density=DENSITY)

    assert outlined(found) == ("whole", ("bolt", "bolt"), ("bolt", "bolt"))
    assert [[row[3] for row in use.matrix[:3]] for use in found.whole.children] == [
        [0.005, 0.0, 0.0],
        [0.005, 0.01, 0.0],
    ]
    assert adds_up(found)


def test_bodies_beside_uses_are_a_part_of_their_own():
    f = Tree()
    bolt, bolts = f.part(f.box(), name="bolt"), f.representation
    whole = f.part(f.box((9.0, 9.0, 1.0), x=20.0), name="plate with bolts")
    f.used(whole, bolt, bolts, f.representation, (0.0, 0.0, 40.0))
    found = measured(f, density=DENSITY)

    assert outlined(found) == ("plate with bolts", ("plate with bolts", "plate with bolts"), ("bolt", "bolt"))
    assert [found.parts[use.part].number for use in found.whole.children] == [None, "id"]
    assert found.whole.children[0].matrix == IDENTITY
    assert adds_up(found)


def test_several_roots_are_used_in_the_whole_where_they_stand():
    f = Tree()
    f.part(f.box(), name="one")
    f.part(f.box((2.0, 2.0, 2.0), x=30.0), name="two")
    found = measured(f, density=DENSITY)

    assert outlined(found) == ("<bytes>", ("one", "one"), ("two", "two"))
    assert all(use.matrix == IDENTITY for use in found.whole.children)
    assert (found.whole.number, found.whole.material) == (None, None)
    assert found.whole.properties == mp.measure(f.file(), density=DENSITY)
    assert adds_up(found)


def test_a_file_without_products_is_one_part_called_as_its_solid():
    f = Solids()
    f.shape(f.millimetres(), f.box())
    found = measured(f)
    bare = Solids()
    bare.box()
    without = measured(bare, density=DENSITY)

    assert outlined(found) == ("body",)
    assert (found.whole.number, found.whole.material) == (None, None)
    assert outlined(without) == ("<bytes>",)
    assert without.whole.properties == mp.measure(bare.file(), density=DENSITY)


def test_a_mesh_is_one_part(data):
    found = mp.assembly(data / "box.stl", unit="mm", density=DENSITY)

    assert outlined(found) == ("box",)
    assert found.whole.properties == mp.measure(data / "box.stl", unit="mm", density=DENSITY)
    keeps_its_schema(found.to_dict())


def test_each_part_weighs_what_the_file_states_of_it():
    found = measured(stating(8000.0, 2000.0, made_of="Steel"))
    parts = [found.parts[use.part] for use in found.whole.children]
    masses = [part.properties.mass for part in parts]

    assert [mass.value for mass in masses] == pytest.approx([48e-6, 12e-6], rel=1e-14)
    low, high = found.whole.properties.mass.interval
    assert (
        low <= sum(mass.interval[0] for mass in masses) + 1e-15 and sum(mass.value for mass in masses) <= high
    )
    assert [part.material for part in parts] == ["Steel", "Steel"]
    assert found.whole.material is None
    assert [part.properties.findings[0].evidence["densities"] for part in parts] == [[8000.0], [2000.0]]
    assert adds_up(found)


def test_a_part_without_a_density_has_no_mass_and_says_why_and_others_have_theirs():
    found = measured(stating(8000.0, None))
    heavy, light = (found.parts[use.part].properties for use in found.whole.children)

    assert found.whole.properties.mass is None
    assert heavy.mass.value == pytest.approx(48e-6, rel=1e-14)
    assert light.mass is None
    assert "no density is known" in light.absent["mass"]
    assert "density-stated" not in [one.code for one in light.findings]


def test_what_is_stated_of_a_body_is_of_the_part_that_it_is():
    f = Tree()
    bodies = [f.box(x=9.0 * n) for n in range(2)]
    shapes = []
    for n, body in enumerate(bodies):
        part = f.part(body, name=f"{n}")
        shapes.append((part, f.representation))
        aspect = f(f"SHAPE_ASPECT('','solid data',{f.of(part)},.F.)")
        of_aspect = f(f"PROPERTY_DEFINITION('','shape for solid data',{aspect})")
        f(f"SHAPE_DEFINITION_REPRESENTATION({of_aspect},{f.shape('$', body)})")
        unit = f.derived((KG, 1.0), (M, -3.0))
        f.state(aspect, f.measure("density measure", f"X({1000.0 * (n + 1)!r})", unit))
        f.state(aspect, f(f"DESCRIPTIVE_REPRESENTATION_ITEM('','M{n}')"), title="material name")
    outer = f.shape(f.millimetres())
    whole = f.product("whole", outer)
    for part, inner in shapes:
        f.used(whole, part, inner, outer, (0.0, 0.0, 0.0))
    found = measured(f)

    assert [(one.material, one.properties.mass.value) for one in (found.parts["d1"], found.parts["d2"])] == [
        ("M0", pytest.approx(6e-6)),
        ("M1", pytest.approx(12e-6)),
    ]
    assert found.whole.material is None
    assert adds_up(found)


def test_materials_are_told_where_something_else_weighs_and_several_are_none():
    f = stating(8000.0, 2000.0, made_of="Steel")
    part = f"#{next(n for n, line in enumerate(f, 1) if '=PRODUCT_DEFINITION(' in line)}"
    f.state(part, f("DESCRIPTIVE_REPRESENTATION_ITEM('','Brass')"), title="material name")
    found = measured(f, density=DENSITY)

    assert [found.parts[use.part].material for use in found.whole.children] == [None, "Steel"]
    assert found.parts["d1"].properties.density.value == 2500
    assert "material" not in found.parts["d2"].properties.provenance


def test_what_is_stated_in_units_that_are_none_matters_only_where_it_weighs():
    f = stating(None, None)
    part = f"#{next(n for n, line in enumerate(f, 1) if '=PRODUCT_DEFINITION(' in line)}"
    unit = f(f"(CONVERSION_BASED_UNIT('X',#{len(f) + 2})LENGTH_UNIT())")
    f(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(2.),{unit})")
    f.state(part, f("CARTESIAN_POINT('centre point',(0.,0.,0.))"), context=f.context(unit))

    assert len(measured(f, density=DENSITY).parts) == 3
    with pytest.raises(mp.FormatError, match="defined by itself"):
        measured(f)


def test_of_a_known_mass_each_part_has_the_share_of_its_volume():
    found = measured(three_deep(), mass="1 kg")
    whole, beam = found.whole.properties, found.parts["d2"].properties

    assert whole.mass.value == 1.0
    assert beam.mass.value == pytest.approx(beam.volume.value / whole.volume.value, rel=1e-14)
    assert beam.mass.interval[0] < beam.mass.value < beam.mass.interval[1]
    assert adds_up(found)


def test_an_open_part_has_no_volume_and_leaves_the_whole_without_one():
    f = Tree()
    sound, inner = f.part(f.box(), name="sound"), f.representation
    leaking, other = f.part(f.box(x=20.0, sides=5), name="leaking"), f.representation
    outer = f.shape(f.millimetres())
    whole = f.product("whole", outer)
    f.used(whole, sound, inner, outer, (0.0, 0.0, 0.0))
    f.used(whole, leaking, other, outer, (0.0, 0.0, 0.0))
    found = measured(f, density=DENSITY)
    good, bad = (found.parts[use.part].properties for use in found.whole.children)

    assert good.verdict is mp.Verdict.SOUND
    assert good.mass.value == pytest.approx(6e-9 * 2500)
    assert bad.verdict is found.whole.properties.verdict is mp.Verdict.UNSAFE
    assert bad.absent["volume"].startswith("<bytes>: leaking does not enclose a volume: 1 of 1 solids")
    assert found.whole.properties.absent["volume"].startswith(
        "<bytes> does not enclose a volume: 1 of 2 solids"
    )
    with pytest.raises(mp.NotASolid, match="does not enclose"):
        measured(f, density=DENSITY, strict=True)
    for known in (found, mp.Assembly.from_dict(found.to_dict())):  # mass of the whole, without a share of it
        assert known.parts["d2"].properties.volume is None
    shared = measured(f, mass="1 kg")
    assert shared.whole.properties.mass.value == 1.0
    assert shared.parts["d1"].properties.mass is None


def with_a_sheet(broken=False):
    """A whole of a box and of a part that is one of its faces, or a shell of nothing."""
    f = Tree()
    box, inner = f.part(f.box(), name="box"), f.representation
    shell = next(line for line in reversed(f) if "CLOSED_SHELL" in line)
    face = "#" + shell.split("#")[2].split(",")[0].strip(")")
    shell = f("OPEN_SHELL('',$)") if broken else f.shell(face, kind="OPEN_SHELL")
    surface = f(f"SHELL_BASED_SURFACE_MODEL('',({shell}))")
    label, other = f.part(surface, name="label"), f.representation
    outer = f.shape(f.millimetres())
    whole = f.product("whole", outer)
    f.used(whole, box, inner, outer, (0.0, 0.0, 0.0))
    f.used(whole, label, other, outer, (0.0, 0.0, 9.0))
    return f


def test_a_part_of_surfaces_alone_has_an_area_and_the_whole_does_not_count_it():
    f = with_a_sheet()
    found = measured(f, density=DENSITY)
    box, label = (found.parts[use.part].properties for use in found.whole.children)

    assert found.whole.properties == mp.measure(f.file(), density=DENSITY)
    assert [one.code for one in found.whole.properties.findings] == ["free-shells"]
    assert found.whole.properties.area.value == box.area.value
    assert box.findings == ()
    assert label.area.value == pytest.approx(6e-6, rel=1e-12)
    assert label.volume is label.mass is None
    assert "holds no solid, only surfaces" in label.absent["volume"]
    assert adds_up(found)


def test_surfaces_alone_are_measured_as_measure_does():
    f = Tree()
    box = f.box(sides=5)
    shell = next(line for line in reversed(f) if "CLOSED_SHELL" in line).split("=")[0]
    assert box
    f.part(f(f"SHELL_BASED_SURFACE_MODEL('',({shell}))"))
    found = measured(f)

    assert found.whole.properties == mp.measure(f.file())
    assert found.whole.properties.volume is None


@pytest.mark.parametrize("installed", [True, False])
def test_a_surface_that_no_engine_makes_is_told_and_the_rest_is_measured(
    installed, here, monkeypatch, tmp_path
):
    if installed:
        pytest.importorskip("OCP")
    else:
        without_ocp(monkeypatch, tmp_path)
    f = with_a_sheet(broken=True)
    found = measured(f, density=DENSITY)
    broken = found.parts["d2"].properties

    assert found.whole.properties == mp.measure(f.file(), density=DENSITY)
    assert found.parts["d1"].properties.verdict is mp.Verdict.SOUND
    assert broken.verdict is mp.Verdict.UNSAFE
    assert (broken.source.unit, broken.source.name) == ("mm", "<bytes>: label")
    assert broken.area is broken.bounding_box is broken.mass is None
    assert set(broken.absent.values()) == {broken.findings[0].message}
    assert broken.findings[0].code == "not-measured"
    assert ("<bytes>: label: STEP file with a part" if installed else "pip install") in broken.absent["area"]
    document = found.to_dict()
    keeps_its_schema(document)
    assert mp.Assembly.from_dict(document).to_dict() == document


@pytest.mark.parametrize("engine", ["occt", "both"])
def test_parts_are_measured_by_the_engine_that_is_asked_for(engine, here):
    """Open CASCADE is asked for the box of each turn in which a part stands in any frame, too."""
    pytest.importorskip("OCP")
    f = three_deep()
    found, native = (measured(f, density=DENSITY, engine=one) for one in (engine, None))

    assert found.whole.properties == mp.measure(f.file(), density=DENSITY, engine=engine)
    for part in found.parts.values():
        one, other = part.properties, native.parts[part.id].properties
        assert "engines-agree" in [finding.code for finding in one.findings] or engine == "occt"
        assert "OCCT" in one.provenance
        for side in ("length", "width", "height"):
            mine, theirs = getattr(one.bounding_box, side), getattr(other.bounding_box, side)
            assert mine.interval[0] <= theirs.interval[1]
            assert theirs.interval[0] <= mine.interval[1]
    assert adds_up(found)


def test_a_solid_that_no_engine_makes_is_an_error_as_of_measure(here, monkeypatch, tmp_path):
    without_ocp(monkeypatch, tmp_path)
    f = Tree()
    f.part(f.hollow())
    with pytest.raises(mp.MissingExtra) as one:
        mp.measure(f.file())
    with pytest.raises(mp.MissingExtra) as other:
        measured(f)
    assert str(one.value) == str(other.value)


@pytest.mark.parametrize("options", [{"weld": 0.1}, {"repair": "union"}, {"engine": "best"}, {"unit": "kg"}])
def test_options_that_mean_nothing_are_refused_as_measure_does(options):
    f = Tree()
    f.part(f.box())
    with pytest.raises(mp.MassproofError) as one:
        mp.measure(f.file(), **options)
    with pytest.raises(type(one.value)) as other:
        measured(f, **options)
    assert str(one.value) == str(other.value)


def test_placements_that_cannot_be_read_are_told_where_they_are():
    f = Tree()
    bolt, bolts = f.part(f.box(), name="bolt"), f.representation
    shapes = [f.shape(f.millimetres()) for _ in range(2)]
    arm, whole = f.product("arm", shapes[0]), f.product("whole", shapes[1])
    f.use(arm, bolt)
    f.used(whole, arm, shapes[0], shapes[1], (5.0, 0.0, 0.0))
    f.used(whole, bolt, bolts, shapes[1], (5.0, 0.0, 0.0))
    found = measured(f)
    told = {
        part.name: [
            (one.code, one.evidence["count"]) for one in part.properties.findings if "missing" in one.code
        ]
        for part in found.parts.values()
    }

    assert told == {"whole": [("placement-missing", 1)], "arm": [("placement-missing", 1)], "bolt": []}
    assert found.parts["d1"].children[0].matrix == IDENTITY


def test_a_part_that_is_beyond_all_measure_in_a_frame_of_its_own_is_told():
    """What brings it back, as a scale, is not in that frame."""
    f = Tree()
    bolt, bolts = f.part(f.box(), name="bolt"), f.representation
    shapes = [f.shape(f.millimetres()) for _ in range(2)]
    arm, whole = f.product("arm", shapes[0]), f.product("whole", shapes[1])
    f.used(arm, bolt, bolts, shapes[0], (1e21, 0.0, 0.0))
    f.place(f.use(whole, arm), shapes[0], shapes[1], f.operator(np.eye(3), (0, 0, 0), 1e-9))
    found = measured(f)

    assert found.whole.properties == mp.measure(f.file())
    assert (
        found.parts["d1"]
        .properties.absent["area"]
        .startswith("<bytes>: arm: STEP file with a length of 1e+21")
    )
    assert found.parts["d2"].properties.verdict is mp.Verdict.SOUND


@pytest.mark.parametrize("make", [bomb, mapped_bomb])
def test_each_part_is_integrated_once_however_many_stand_in_the_whole(make, monkeypatch):
    asked = []
    ours = engines._integrated

    def counted(table, shown, accuracy):
        asked.append(len(shown))
        return ours(table, shown, accuracy)

    monkeypatch.setattr(engines, "_integrated", counted)
    found = measured(make(2), density=DENSITY)

    assert asked == [1]
    assert sum(n for key, n in found.counts().items() if not found.parts[key].children) == (
        100 if make is bomb else 1
    )
    assert adds_up(found)


def test_sub_assemblies_that_take_too_long_to_sum_are_refused(monkeypatch):
    monkeypatch.setattr(structure, "_MOST", 110)
    with pytest.raises(mp.FormatError, match="hold 111 placed parts together, the limit is 110"):
        measured(bomb(2))
    monkeypatch.setattr(structure, "_MOST", 111)
    assert len(measured(bomb(2)).parts) == 3


def test_what_draws_nothing_is_left_out():
    f = Tree()
    bolt, bolts = f.part(f.box(), name="bolt"), f.representation
    empty, outer = f.product("empty"), f.shape(f.millimetres())
    whole = f.product("whole", outer)
    f.use(whole, empty)
    f.used(whole, bolt, bolts, outer, (0.0, 0.0, 0.0))

    assert outlined(measured(f)) == ("whole", ("bolt", "bolt"))


def test_names_of_uses_that_are_none_are_those_of_the_parts():
    f = Tree()
    bolt, bolts = f.part(f.box(), name="bolt"), f.representation
    outer = f.shape(f.millimetres(), f.mapped(f.frame(), bolts, f.frame((5, 0, 0))))
    whole = f.product("whole", outer)
    for text in (
        "NEXT_ASSEMBLY_USAGE_OCCURRENCE('','  ','',{},{},$)",
        "NEXT_ASSEMBLY_USAGE_OCCURRENCE('',$,'',{},{},$)",
    ):
        f.place(f(text.format(whole, bolt)), bolts, outer, f.between(f.frame(), f.frame((9, 0, 0))))

    assert [use.name for use in measured(f).whole.children] == ["bolt"] * 3


@pytest.mark.parametrize(("called", "name"), [("a/b.STEP", "b"), ("valve v1.2", "valve v1.2")])
def test_a_whole_without_a_name_is_called_as_its_file(called, name, tmp_path):
    f = Tree()
    for k in (1.0, 2.0):
        f.part(f.box((k, k, k), x=9 * k), name=f"{k}")
    blobs = Blobs(tmp_path)
    job = Job("assembly", (blobs.put(f.file()).digest,), {"called": called})

    found = mp.Assembly.from_dict(jobs.KINDS["assembly"](job, blobs).result)
    assert found.whole.name == name


def test_an_operation_answers_the_same(tmp_path):
    f = three_deep()
    blobs = Blobs(tmp_path)
    digest = blobs.put(f.file()).digest
    outcome = jobs.KINDS["assembly"](
        Job("assembly", (digest,), {"called": "arm.step", "density": DENSITY}), blobs
    )
    document = json.loads(json.dumps(outcome.result, allow_nan=False))

    keeps_its_schema(document)
    found = mp.Assembly.from_dict(document)
    assert found.whole.properties.source.name == "arm.step"
    assert found.parts["d2"].properties.source.name == "arm.step: beam"
    assert adds_up(found)


def test_the_command_prints_json_when_piped(tmp_path):
    path = tmp_path / "machine.step"
    path.write_bytes(three_deep().file())
    done = run("tree", path, "--density", "2.7 g/cm^3", "--units", "mm")
    document = json.loads(done.stdout)

    assert (done.exit_code, done.stderr) == (0, "")
    keeps_its_schema(document)
    assert document == mp.assembly(str(path), density="2.7 g/cm^3").to_dict("mm")
    assert (
        document["parts"]["d2"]["properties"]["properties"]["volume"]["definition"]["units"]["id"] == "mm^3"
    )


@pytest.mark.parametrize("width", ["80", "120"])
def test_the_command_prints_a_table_with_a_line_for_each_part(data, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    done = run("tree", data / "assembly.step", "--density", "2.7 g/cm^3", "--table")
    lines = done.stdout.splitlines()[1:]  # the names of columns are two lines

    assert [line.split()[:2] for line in lines[1:8]] == [
        *(["assembly", "1"], ["carrier", "1"], ["plate", "1"], ["standoff", "2"]),
        *(["bolt", "1"], ["spacer", "1"], ["bolt", "2"]),
    ]
    assert (
        lines[1].startswith("assembly")
        and lines[2].startswith("  carrier")
        and lines[5].startswith("      bolt")
    )
    assert lines[4].split()[2:4] == ["836.838", "2.25946"]
    assert lines[4].endswith("BOUNDED")
    assert lines[8].startswith("overlap: ")


def printed(found):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        outline.show(found)
    return text.getvalue()


def test_the_table_says_what_is_absent_and_lists_uses_of_a_part_once(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    f = three_deep()
    again = printed(measured(f))
    assert again.count("beam") == 1
    assert "no-density: " in again
    leaking = Tree()
    outer = leaking.shape(leaking.millimetres())
    whole = leaking.product("whole", outer)
    for n in range(7):
        part = leaking.part(leaking.box(x=20.0 * n, sides=5), name=f"[leaking] {n}")
        leaking.used(whole, part, leaking.representation, outer, (0.0, 0.0, 0.0))
    text = printed(measured(leaking))

    assert "[leaking] 6" in text
    assert text.count("\nno volume: <bytes>: [leaking] ") == 5
    assert "and 2 more parts without a volume" in text


def test_a_part_that_is_listed_before_is_not_opened_again():
    f = Tree()
    bolt, bolts = f.part(f.box(), name="bolt"), f.representation
    shapes = [f.shape(f.millimetres()) for _ in range(3)]
    joint, arm, whole = (
        f.product(name, one) for name, one in zip(("joint", "arm", "whole"), shapes, strict=True)
    )
    f.used(joint, bolt, bolts, shapes[0], (0.0, 0.0, 0.0))
    f.used(arm, joint, shapes[0], shapes[1], (0.0, 0.0, 0.0))
    f.used(whole, arm, shapes[1], shapes[2], (0.0, 0.0, 0.0))
    f.used(whole, joint, shapes[0], shapes[2], (50.0, 0.0, 0.0))
    found = measured(f)

    assert [(depth, part.name, again) for depth, _, part, again in outline.lines(found)] == [
        *((0, "whole", False), (1, "arm", False), (2, "joint", False), (3, "bolt", False)),
        (1, "joint", True),
    ]
    assert printed(found).count("joint …") == 1


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--table", "--json"], 2, "choose one of --table and --json"),
        (["--units", "furlong"], 2, "furlong"),
        (["--density", "1"], 2, "with its unit"),
        (["--strict"], 2, "--strict assumes none"),
        (["--strict", "--unit", "mm"], 4, ""),
        (["--unit", "mm"], 0, ""),
    ],
)
def test_the_command_stops_as_measure_does(options, code, says, data):
    done = run("tree", data / "open_box.stl", *options)

    assert done.exit_code == code
    assert says in done.stderr


@pytest.mark.skipif(not (HOME / "truth.json").exists(), reason=f"no corpus at {HOME}")
@pytest.mark.skipif(jit.DISABLED, reason="real files take too long as Python")
def test_real_files_are_what_measure_says_and_the_sum_of_their_parts():
    count = 0
    for path in sorted((HOME / "files/step").rglob("*.st*p")):
        if path.stat().st_size > 400_000:  # of which this would take a quarter of a minute
            continue
        try:
            whole = mp.measure(path, density=DENSITY)
        except mp.MassproofError as error:
            with pytest.raises(type(error)):
                mp.assembly(path, density=DENSITY)
            continue
        found = mp.assembly(path, density=DENSITY)
        count += len(found.parts) > 1
        assert found.whole.properties.to_dict() == whole.to_dict(), path
        for part in found.parts.values():
            own = [(found.parts[use.part].properties, use.matrix) for use in part.children]
            if own and part.properties.volume:
                sizes = [abs(np.linalg.det(np.array(matrix)[:3, :3])) for _, matrix in own]
                low, high = (
                    sum(
                        k * one.volume.interval[end]
                        for (one, _), k in zip(own, sizes, strict=True)
                        if one.volume
                    )
                    for end in (0, 1)
                )
                value, slack = part.properties.volume, 1e-12 * part.properties.volume.value
                assert low - slack <= value.interval[1] and value.interval[0] <= high + slack, (
                    path,
                    part.name,
                )
    assert count > 20


def shapes_of(path):
    """Name and volume in m³ of each definition that Open CASCADE's own reader finds, assemblies included."""
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps
    from OCP.STEPCAFControl import STEPCAFControl_Reader
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.TDataStd import TDataStd_Name
    from OCP.TDF import TDF_LabelSequence
    from OCP.TDocStd import TDocStd_Document
    from OCP.XCAFDoc import XCAFDoc_DocumentTool, XCAFDoc_ShapeTool

    document, reader = TDocStd_Document(TCollection_ExtendedString("part")), STEPCAFControl_Reader()
    reader.SetNameMode(True)
    reader.ReadFile(str(path))
    reader.Transfer(document)
    labels = TDF_LabelSequence()
    XCAFDoc_DocumentTool.ShapeTool_s(document.Main()).GetShapes(labels)
    for n in range(1, labels.Length() + 1):
        name, properties = TDataStd_Name(), GProp_GProps()
        labels.Value(n).FindAttribute(TDataStd_Name.GetID_s(), name)
        BRepGProp.VolumeProperties_s(XCAFDoc_ShapeTool.GetShape_s(labels.Value(n)), properties, 1e-6)
        yield name.Get().ToExtString(), properties.Mass() * 1e-9


@pytest.mark.skipif(not (HOME / "truth.json").exists(), reason=f"no corpus at {HOME}")
@pytest.mark.parametrize("name", ["as1-oc-214.stp", "dm1-oc-214.stp", "ogeom_asm_bolted_plate.stp"])
def test_products_are_those_of_another_reader_by_name_and_volume(name):
    pytest.importorskip("OCP")
    if jit.DISABLED:
        pytest.skip("real files take too long as Python")
    path = next((HOME / "files/step").rglob(name))
    ours = sorted((part.name, part.properties.volume.value) for part in mp.assembly(path).parts.values())
    theirs = sorted(shapes_of(path))

    assert [one for one, _ in ours] == [one for one, _ in theirs]
    assert [volume for _, volume in ours] == pytest.approx([volume for _, volume in theirs], rel=1e-5)
