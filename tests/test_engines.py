"""Two engines for STEP files: native, and Open CASCADE in a process of its own for what that leaves, or for both."""

import dataclasses
import importlib.util
import json
import math
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from step_makers import OFFSET, ROUND, Solids, box, without_ocp
from workers import crash, hang

import massproof as mp
from massproof import answering, engines, exact, isolation, occt, solids
from massproof.errors import FormatError, MissingExtra, UsageError
from massproof.formats import step
from massproof.kernels import jit

OCP = pytest.mark.skipif(importlib.util.find_spec("OCP") is None, reason="OCP is not installed")
COMPILED = pytest.mark.skipif(jit.DISABLED, reason="large solids take too long as Python")


def measured(data, engine="native"):
    return solids.measure_drawn(step.read(data), "part", engine, None)


def codes(found):
    return [note[0] for note in found.notes]


def evidence(found, code):
    return next(note[2] for note in found.notes if note[0] == code)


def cylinders(*borders):
    """Cylinders beside each other, each bounded as it is given."""
    f = Solids()
    return f.shown(*(f.cylinder(x=10.0 * n, border=border) for n, border in enumerate(borders))).file()


class Asked(list):
    """What Open CASCADE is asked for, which `isolation.call` would ask in another process."""

    def __init__(self, monkeypatch, **given):
        super().__init__()
        self._given = given
        monkeypatch.setattr(isolation, "call", self.call)

    def call(self, function, data, *limits, **arguments):
        request = {"function": function, "arguments": json.loads(json.dumps(arguments))}
        answer, _ = isolation.answered(request, bytes(data))
        result = answering.understood(json.dumps(answer).encode(), isolation.DEFAULT)
        if arguments:
            self.append(arguments["wanted"])
        return result


# --- what a file contradicts itself in


def test_faces_that_look_another_way_than_their_loops_are_named():
    f = Solids()
    shown = f.shown(f.box(), f.box(x=9.0)).file()
    first, second = re.findall(rb"(#\d+)\s*=\s*(?=ADVANCED_FACE)", shown)[2:4]
    wrong = re.sub(rb"(%b\s*=\s*ADVANCED_FACE.*?)\.T\.\)" % first, rb"\1.F.)", shown, count=1)
    found = measured(wrong)

    assert codes(found) == ["faces-turned"]
    assert evidence(found, "faces-turned") == {"faces": 1, "parts": 1, "numbers": [int(first[1:])]}
    assert (found.body.mass, found.bounded) == (pytest.approx(12, rel=1e-14), True)
    for number in (first, second):  # and their loops another way than the faces beside them
        bound = re.search(rb"%b\s*=\s*ADVANCED_FACE\('',\((#\d+)" % number, wrong)[1]
        wrong = re.sub(rb"(%b\s*=.*?)\.T\.\)" % bound, rb"\1.F.)", wrong, count=1)
    found = measured(wrong)

    assert evidence(found, "faces-turned")["numbers"] == [int(first[1:]), int(second[1:])]
    assert found.body.mass == pytest.approx(12, rel=1e-14)


def test_area_vectors_that_do_not_add_up_are_told(monkeypatch):
    integrate = exact.integrate

    def odd(shapes, accuracy):
        return [dataclasses.replace(one, imbalance=1e-3) for one in integrate(shapes, accuracy)]

    monkeypatch.setattr(exact, "integrate", odd)
    found = measured(box())

    assert codes(found) == ["area-vectors"]
    assert evidence(found, "area-vectors")["relative"] == 1e-3
    assert found.bounded
    found = measured(open_box())
    assert codes(found) == ["open-solids"]  # which says it all


def open_box():
    f = Solids()
    return f.shown(f.box(sides=5)).file()


# --- both


@OCP
@pytest.mark.parametrize("name", ["box", "cylinder", "cone", "sphere", "torus", "drilled"])
@pytest.mark.parametrize("spline", [False, True])
def test_the_engines_agree_on_solids_and_on_the_same_as_splines(name, spline, monkeypatch):
    from occt_makers import SOLIDS, written
    from OCP.BRepBuilderAPI import BRepBuilderAPI_NurbsConvert

    if jit.DISABLED and spline:
        pytest.skip("splines take too long as Python")
    Asked(monkeypatch)
    shape, volume, area = SOLIDS[name]
    found = measured(written(BRepBuilderAPI_NurbsConvert(shape, True).Shape() if spline else shape), "both")

    assert "engines-agree" in codes(found)
    assert ("integration-estimated" in codes(found)) == spline
    for value, exact_one, errors in (
        (found.body.mass, volume, [e.volume for e in found.errors.values()]),
        (found.area, area, [e.area for e in found.errors.values()]),
    ):
        assert abs(value - exact_one) <= sum(errors) <= 2e-9 * exact_one


@OCP
@pytest.mark.parametrize("what", ["area", "volume", "centre", "second moment", "number of volumes"])
def test_a_difference_beyond_the_errors_is_told(what, monkeypatch):
    Asked(monkeypatch)
    ours = engines._definition

    def tampered(parts, solid):
        one = ours(parts, solid)
        body = one.body
        changed = {
            "area": {"area": one.area * (1 + 1e-9)},
            "volume": {"body": dataclasses.replace(body, mass=body.mass * (1 + 1e-9))},
            "centre": {"body": dataclasses.replace(body, centre=body.centre + 1e-8)},
            "second moment": {"body": dataclasses.replace(body, second=body.second * (1 + 1e-7))},
            "number of volumes": {"body": None},
        }[what]
        return dataclasses.replace(one, **changed)

    monkeypatch.setattr(engines, "_definition", tampered)
    f = Solids()
    found = measured(f.shown(f.box()).file(), "both")
    told = evidence(found, "engines-disagree")

    assert (told["parts"], told["disagree"], told["what"]) == (1, 1, what)
    assert told["excess"] > 1
    assert found.bounded
    json.dumps(told, allow_nan=False)


@OCP
def test_a_part_of_which_open_cascade_makes_nothing_is_not_called_compared(monkeypatch):
    monkeypatch.setattr(isolation, "call", lambda *given, **wanted: {"parts": [None], "version": "7.9"})
    found = measured(box(), "both")

    assert evidence(found, "engines-unchecked") == {"parts": 1, "count": 1, "numbers": [15]}
    assert "engines-agree" not in codes(found)
    assert found.body.mass == pytest.approx(6)


# --- fallback


@OCP
def test_only_what_cannot_be_integrated_natively_is_asked_of_open_cascade(monkeypatch):
    asked = Asked(monkeypatch)
    data = cylinders(*[ROUND] * 2, OFFSET)
    found = measured(data)
    told = evidence(found, "fallback-occt")

    assert (told["parts"], told["fallen_back"], len(told["numbers"])) == (3, 1, 1)
    text = next(note[1] for note in found.notes if note[0] == "fallback-occt")
    assert f"#{told['numbers'][0]}: " in text
    assert "OFFSET_CURVE_3D is of a type that is not read" in text
    assert [len(wanted) for wanted in asked] == [1]
    assert found.body.mass == pytest.approx(3 * 20 * math.pi, rel=1e-9)
    assert found.low == pytest.approx([-2, -2, 0], abs=1e-6)
    assert found.high == pytest.approx([22, 2, 5], abs=1e-6)
    assert found.bounded  # gaps between its edges and faces are not known
    assert "2 of 3 parts" not in found.method
    assert "for 1 of 3 parts" in found.method
    assert found.versions == {"OCCT": occt.version(), "isolation": isolation.way()}
    assert mp.measure(data).provenance["OCCT"] == occt.version()
    assert "OCCT" not in mp.measure(box()).provenance


@OCP
def test_numbers_of_both_engines_add_up(monkeypatch):
    Asked(monkeypatch)
    data = cylinders(ROUND, OFFSET)
    one, other = measured(data), measured(data, "occt")

    assert one.body.mass == pytest.approx(other.body.mass, rel=1e-10)
    assert one.body.centre == pytest.approx(other.body.centre, rel=1e-10, abs=1e-9)
    assert one.body.second == pytest.approx(other.body.second, rel=1e-8, abs=1e-6)
    assert one.errors["brep-gap"] is not None
    # it approximates the border of a face whose edge is an offset
    assert 0 < other.errors["brep-gap"].volume < 1e-6 * other.body.mass


@OCP
def test_a_face_that_does_not_fit_its_edges_falls_back_and_is_not_sound(monkeypatch):
    """Open CASCADE takes it as it comes."""
    Asked(monkeypatch)
    f = Solids()
    data = f.shown(f.cylinder()).file().replace(b",2.0)", b",2.5)", 3)
    found = measured(data)

    assert "faces cannot be integrated natively" in next(n[1] for n in found.notes if n[0] == "fallback-occt")
    assert found.bounded


@OCP
def test_surfaces_fall_back_too(monkeypatch):
    asked = Asked(monkeypatch)
    f = Solids()
    solid = f.cylinder(border=OFFSET)
    model = f(f"SHELL_BASED_SURFACE_MODEL('',({shell_of(f, solid)}))")
    found = measured(f.shown(model).file())

    assert codes(found)[:2] == ["open-shells", "fallback-occt"]
    assert found.body is None
    assert found.area == pytest.approx(28 * math.pi, rel=1e-9)
    assert [(solids, len(shells)) for wanted in asked for solids, shells, _ in wanted] == [([], 1)]


def shell_of(lines, solid):
    """The shell of a solid among lines."""
    return next(line for line in lines if line.startswith(f"{solid}=")).rpartition(",")[2][:-1]


def test_without_ocp_a_fallback_names_the_extra(monkeypatch, tmp_path):
    without_ocp(monkeypatch, tmp_path)
    with pytest.raises(MissingExtra, match=r'pip install "massproof\[step\]"'):
        mp.measure(cylinders(OFFSET))
    isolation._POOL.end()

    assert mp.measure(box()).verdict is mp.Verdict.SOUND


def test_step_files_are_measured_where_ocp_cannot_be_imported(data):
    """A whole process: no module of it even tries."""
    code = textwrap.dedent(
        """
        import sys, pathlib
        sys.modules["OCP"] = None
        import massproof as mp
        for path in sorted(pathlib.Path(sys.argv[1]).glob("*.step")):
            found = mp.measure(path, material="Steel")
            print(path.name, found.verdict.value, found.mass.value > 0)
        print([name for name in sys.modules if name.startswith(("OCP.", "cadquery")) or name == "massproof.occt"])
        """
    )
    names = ["assembly", "bracket", "sphere", "torus"] if not jit.DISABLED else []
    if jit.DISABLED:
        code = code.replace('"*.step"', '"box_inch.step"')
    done = subprocess.run([sys.executable, "-c", code, str(data)], capture_output=True, text=True, check=True)

    for name in names:
        assert f"{name}.step {'SOUND' if name != 'assembly' else 'BOUNDED'} True" in done.stdout
    assert "box_inch.step SOUND True" in done.stdout


@OCP
def test_what_neither_engine_can_make_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr(isolation, "call", lambda *given, **wanted: {"parts": [None], "version": "7.9"})
    with pytest.raises(
        FormatError, match=r"a part, #\d+, that cannot be made: #\d+ OFFSET_CURVE_3D is of a type"
    ):
        measured(cylinders(OFFSET))
    with pytest.raises(
        FormatError, match=r"a part, #\d+, that cannot be made: Open CASCADE leaves it out; exp"
    ):
        measured(box(), "occt")


# --- Open CASCADE alone, in its process


@OCP
@pytest.mark.parametrize("unit", ["mm", "inch", "m"])
def test_open_cascade_alone_gives_the_same_part(unit, monkeypatch):
    Asked(monkeypatch)
    one, other = measured(box(unit)), measured(box(unit), "occt")

    assert other.method.startswith(f"Open CASCADE {occt.version()}, adaptive")
    assert "boundary integrals" not in other.method
    assert other.body.mass == pytest.approx(one.body.mass, rel=1e-13)
    assert other.body.centre == pytest.approx(one.body.centre, rel=1e-12)
    assert other.body.second == pytest.approx(
        one.body.second, rel=1e-12, abs=1e-12 * np.trace(one.body.second)
    )
    assert other.high == pytest.approx(one.high, rel=1e-9)


@OCP
def test_the_setting_of_the_process_does_not_change_the_part(monkeypatch):
    from occt_makers import static
    from OCP.Interface import Interface_Static

    Asked(monkeypatch)
    measured(box(), "occt")  # defines the parameter
    static(Interface_Static, "SetCVal")("xstep.cascade.unit", "M")
    try:
        assert measured(box(), "occt").body.mass == pytest.approx(6, rel=1e-13)
    finally:
        static(Interface_Static, "SetCVal")("xstep.cascade.unit", "MM")


@OCP
def test_a_worker_answers_as_this_process_does(monkeypatch):
    data = cylinders(OFFSET)
    there = measured(data)
    Asked(monkeypatch)
    here = measured(data)

    assert there.body.mass == here.body.mass
    assert there.errors == here.errors
    assert there.low.tolist() == here.low.tolist()


@pytest.mark.parametrize(
    ("function", "says", "code"),
    [
        (crash, r"crashed \(SIGSEGV\)", "CRASH_SIGSEGV"),
        (hang, r"took more than 0\.\d+ s", "WALL_CLOCK"),
    ],
)
def test_a_crash_or_a_hang_is_an_error_of_that_file_only(function, says, code, monkeypatch, tmp_path):
    """As `massproof measure` prints it, between two files that are measured."""
    call = isolation.call

    def instead(name, data, *limits, **arguments):
        if not arguments:
            return True
        (given,) = limits
        return call(f"{function.__module__}:{function.__name__}", data, given._replace(seconds=0.9))

    monkeypatch.setattr(isolation, "call", instead)
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool())
    bad = tmp_path / "bad.step"
    bad.write_bytes(cylinders(OFFSET))
    with pytest.raises(isolation.Stopped, match=says) as caught:
        mp.measure(bad)
    assert caught.value.code == code
    assert mp.measure(box()).verdict is mp.Verdict.SOUND
    isolation._POOL.end()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("abort", r"crashed \(SIGABRT\)"),
        ("hang", r"took more than 0\.\d+ s"),
        pytest.param(
            *("eat", "needed more than 2 GiB"),
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="only Linux bounds the data of a process"
            ),
        ),
    ],
)
def test_what_one_part_does_to_open_cascade_is_its_own_affair(how, says, monkeypatch):
    """Others are compared, and all of them are measured natively."""
    call = isolation.call
    f = Solids()
    parts = [f.box() for _ in range(3)]
    bad = int(parts[1][1:])
    limits = isolation.Limits(1.8, 2 << 30)

    def instead(name, data, *given, **arguments):
        if not arguments:
            return True
        seconds = min(limits.seconds, given[0].seconds) / (2 if how == "hang" else 1)
        given = limits._replace(seconds=seconds)
        return call("workers:all_but_one", data, given, bad=bad, how=how, **arguments)

    monkeypatch.setattr(isolation, "call", instead)
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool())
    found = measured(f.shown(*parts).file(), "both")
    told = next(note[1] for note in found.notes if note[0] == "engines-unchecked")
    isolation._POOL.end()

    assert re.search(says, told)
    assert evidence(found, "engines-unchecked") == {"parts": 3, "count": 1, "numbers": [bad]}
    assert evidence(found, "engines-agree") == {"parts": 2}
    assert found.body.mass == pytest.approx(18, rel=1e-14)


def test_parts_that_no_time_is_left_for_are_not_asked_for(monkeypatch):
    asked = []

    def call(name, data, *limits, **arguments):
        if arguments:
            asked.append(len(arguments["wanted"]))
            monkeypatch.setattr(engines.time, "monotonic", lambda: 1e9 * len(asked))
            msg = "took too long"
            raise isolation.Stopped(msg)
        return True

    monkeypatch.setattr(isolation, "call", call)
    monkeypatch.setattr(engines.time, "monotonic", lambda: 0.0)
    f = Solids()
    found = measured(f.shown(*(f.box() for _ in range(3))).file(), "both")

    assert asked == [3, 1]
    assert evidence(found, "engines-unchecked")["count"] == 3
    assert "engines-agree" not in codes(found)


def test_time_grows_with_the_file(monkeypatch):
    seen = []

    def call(function, data, *limits, **arguments):
        seen.extend(one.seconds for one in limits)
        return {"parts": [None], "version": "7.9"}

    monkeypatch.setattr(isolation, "call", call)
    for data in (box(), box().replace(b"ENDSEC;\nEND", b"/*" + b"x" * 500_000 + b"*/ENDSEC;\nEND")):
        with pytest.raises(FormatError, match="cannot be made"):
            measured(data, "occt")

    assert seen[0] < 10
    assert seen[1] == pytest.approx(seen[0] + 100, abs=1)


# --- each distinct part once


def test_an_assembly_of_two_hundred_integrates_ten(monkeypatch):
    counted = []
    once = exact.integrate

    def counting(shapes, accuracy):
        counted.append(len(shapes.solids))
        return once(shapes, accuracy)

    monkeypatch.setattr(exact, "integrate", counting)
    f = Solids()
    context, axis = f.millimetres(), f.frame()
    group = f.shape(context, axis)
    top = f.product("whole", group)
    for n in range(10):
        shape = f.shape(context, f.box((1.0, 1.0 + n, 1.0)), axis)
        part = f.product(f"part{n}", shape)
        for i in range(20):
            there = f.frame((2.0 * i, 0, 2.0 * n), (0, 1, 0) if i % 2 else (0, 0, 1))
            f.place(f.use(top, part), shape, group, f.between(axis, there))
    found = measured(f.file())

    assert counted == [10]
    assert found.body.mass == pytest.approx(20 * 55, rel=1e-13)
    assert found.area == pytest.approx(20 * sum(2 + 4 * (1 + n) for n in range(10)), rel=1e-13)


@OCP
def test_what_falls_back_is_asked_once_too(monkeypatch):
    asked = Asked(monkeypatch)
    f = Solids()
    turned = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    places = [f.operator(np.eye(3), (10.0 * i, 0, 0)) for i in range(3)]
    places += [f.operator(turned, (0, 10.0, 0)), f.operator(np.eye(3), (0, 30, 0), 2.0)]
    found = measured(f.placed(f.cylinder(border=OFFSET), *places).file())

    ((one,),) = asked
    assert len(one[2]) == 3  # boxes: as it is, turned, and at twice its size
    assert found.body.mass == pytest.approx((4 + 8) * 20 * math.pi, rel=1e-9)
    assert found.high == pytest.approx([22, 34, 10], abs=1e-6)


def test_what_no_part_shows_is_not_integrated(monkeypatch):
    seen = []
    once = exact.integrate
    monkeypatch.setattr(exact, "integrate", lambda *given: seen.append(given[0]) or once(*given))
    f = Solids()
    free = f(f"SHELL_BASED_SURFACE_MODEL('',({shell_of(f, f.box(x=50.0))}))")
    found = measured(f.shown(f.box(), free).file())

    assert [(len(table.solids), len(table.shells)) for table in seen] == [(1, 1)]
    assert found.body.mass == pytest.approx(6)
    assert found.high == pytest.approx([1, 2, 3])
    assert "free-shells" in codes(found)


def test_shells_of_a_surface_model_are_measured_together():
    f = Solids()
    shells = [shell_of(f, f.box(x=x)) for x in (0.0, 20.0)]
    found = measured(f.shown(f(f"SHELL_BASED_SURFACE_MODEL('',({','.join(shells)}))")).file())

    assert found.body is None
    assert found.area == pytest.approx(44)
    assert found.high == pytest.approx([21, 2, 3])
    assert codes(found) == ["open-shells"]


def test_a_void_is_taken_away():
    f = Solids()
    outer, inner = (
        shell_of(f, f.box(size, x)) for size, x in (((9.0, 9.0, 9.0), -4.0), ((1.0, 1.0, 1.0), 0.0))
    )
    void = f(f"ORIENTED_CLOSED_SHELL('',*,{inner},.F.)")
    found = measured(f.shown(f(f"BREP_WITH_VOIDS('',{outer},({void}))")).file())

    assert found.body.mass == pytest.approx(728, rel=1e-14)
    assert found.area == pytest.approx(6 * 82, rel=1e-14)
    assert not found.bounded


# --- what is asked for


@pytest.mark.parametrize("options", [{"engine": "native"}, {"accuracy": 1e-6}])
def test_engine_and_accuracy_are_for_step_files(options, data):
    with pytest.raises(UsageError, match=r"box\.stl is no STEP file: engine and accuracy are for those"):
        mp.measure(data / "box.stl", unit="mm", **options)


@OCP
def test_engine_and_accuracy_are_not_for_cad_objects():
    import occt_makers

    with pytest.raises(UsageError, match="TopoDS_Shape is no STEP file"):
        mp.measure(occt_makers.box(), unit="mm", engine="native")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "magic"}, "engine='magic' is unknown; use native, occt or both"),
        ({"accuracy": 0.0}, "accuracy must be relative, from 1e-14 to 0.01, got 0"),
        ({"accuracy": 0.5}, "accuracy must be relative"),
        ({"accuracy": math.nan}, "accuracy must be relative"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, words, data):
    with pytest.raises(UsageError, match=words):
        mp.measure(data / "box_inch.step", **options)


@pytest.mark.parametrize("given", [None, 1e-3, 1e-12])
def test_the_method_says_how_accurate_it_was_asked_to_be(given, data):
    assert f"to {given or 1e-9:g}" in mp.measure(data / "box_inch.step", accuracy=given).method


@COMPILED
@OCP
def test_a_lower_accuracy_is_a_wider_interval():
    from occt_makers import SOLIDS, written
    from OCP.BRepBuilderAPI import BRepBuilderAPI_NurbsConvert

    shape, volume, _ = SOLIDS["torus"]
    data = written(BRepBuilderAPI_NurbsConvert(shape, True).Shape())
    rough, fine = (mp.measure(data, accuracy=accuracy).volume for accuracy in (1e-2, 1e-12))
    widths = [one.interval[1] - one.interval[0] for one in (rough, fine)]

    assert widths[0] >= widths[1]
    for one in (rough, fine):
        # the writer rounds weights to 13 digits
        assert one.interval[0] * (1 - 1e-12) <= volume * 1e-9 <= one.interval[1] * (1 + 1e-12)


# --- sizes beyond all measure


@pytest.mark.parametrize("size", ["1.E25", "1.E300", "-1.E99"])
def test_lengths_beyond_all_measure_are_refused(size):
    data = box()
    with pytest.raises(FormatError, match="beyond all measure"):
        measured(data.replace(b"(1.,2.,3.)", f"(1.,2.,{size})".encode()))
    f = Solids()
    with pytest.raises(FormatError, match="beyond all measure"):
        measured(f.placed(f.box(), f.operator(np.eye(3), (0, 0, float(size)))).file())


def test_a_body_with_negative_moments_is_none(monkeypatch):
    """Faces that were written inside out can enclose any number."""
    integrate = exact.integrate

    def odd(shapes, accuracy):
        return [
            dataclasses.replace(one, body=dataclasses.replace(one.body, second=-one.body.second))
            for one in integrate(shapes, accuracy)
        ]

    monkeypatch.setattr(exact, "integrate", odd)
    found = measured(box())

    assert codes(found) == ["open-solids"]
    assert found.body is None
    assert found.area == pytest.approx(22)
