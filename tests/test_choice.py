"""Some parts of a file, written and drawn: they stand where they stood, and are what is measured."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from occt_makers import SOLIDS, compound, moved, open_shell
from occt_makers import written as exact
from PIL import Image
from step_makers import Solids
from strategies import box
from test_appearance import RED, Styles, assembly
from test_cli import run
from test_scene import at
from test_verify import Stating
from test_writing import GLASS, tree, written

import massproof as mp
from massproof import choice, files, formats, selection, sources, tessellate
from massproof.errors import FormatError, UsageError
from massproof.formats import glb
from massproof.kernels import jit
from massproof.scene import Definition, Occurrence, Scene
from massproof.tessellate import Fineness

SHARE = 2e-2 if jit.DISABLED else 1e-3
convert = mp.convert


def volume(result):
    return result.volume.to("mm^3").value


def named(roots):
    return [node.name for node in selection.nodes(roots)]


LEAF, OTHER = Occurrence("leaf", at(0, 0, 1), 0), Occurrence("1", at(0, 0, 2), 0)
ROOTS = (Occurrence("all", at(1, 0, 0), children=(LEAF, replace(OTHER, children=(LEAF,)))), OTHER)


# --- which ones


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ("leaf", ["all", "leaf", "1", "leaf"]),
        ("1", ["all", "1", "leaf", "1"]),
        (1, ["all", "leaf"]),
        ([3], ["all", "1", "leaf"]),
        (["3", 4], ["all", "1", "leaf", "1"]),
        ([0], ["all", "leaf", "1", "leaf"]),
        ([2], ["all", "1", "leaf"]),
        (["all", "leaf"], ["all", "leaf", "1", "leaf"]),
    ],
)
def test_a_part_is_meant_by_its_name_or_number(parts, names):
    """A name goes before a number, and means all that have it."""
    assert named(selection.selected(ROOTS, parts)) == names


def test_what_is_selected_stands_where_it_stood_and_the_rest_has_no_mesh():
    block = Definition("block", box().vertices, box().faces)
    (found,) = Scene("mm", (block,), selection.selected(ROOTS, 3)).placed()

    assert found.path == ("all", "1", "leaf")
    assert found.matrix[:3, 3].tolist() == [1, 0, 3]


@pytest.mark.parametrize("part", ["Leaf", 5, -1, "5", ""])
def test_what_there_is_not_is_refused_with_what_there_is(part, monkeypatch):
    with pytest.raises(UsageError, match=re.escape(f"no part {part!r}; name one of these")) as caught:
        selection.selected(ROOTS, part)
    assert "0 'all', 1 'leaf', 2 '1', 3 'leaf', 4 '1'" in str(caught.value)
    monkeypatch.setattr(selection, "_LISTED", 2)
    with pytest.raises(UsageError, match="1 'leaf' and 3 more"):
        selection.selected(ROOTS, part)


def test_what_is_hidden_is_left_out_with_groups_that_hold_nothing_else():
    dark = replace(LEAF, hidden=True)
    roots = (Occurrence("a", np.eye(4), children=(dark,)), Occurrence("b", np.eye(4), children=(dark, LEAF)))

    assert named(selection.visible(roots)) == ["b", "leaf"]
    assert selection.visible((dark,)) == ()


# --- written


@pytest.mark.parametrize("engine", ["native", "occt"])
def test_parts_of_a_step_file_add_up_to_it(engine, data):
    """Mass, and its first moment: each part stands where it stood."""
    loaded = sources.load(data / "assembly.step")
    exact = mp.measure(loaded, engine=engine)
    found = [
        mp.measure(choice.of(loaded, number).loaded(), engine=engine)
        for number in selection.meshes(choice.of(loaded).tree)
    ]
    mass = [volume(one) for one in found]

    assert len(found) == 7
    assert sum(mass) == pytest.approx(volume(exact), rel=1e-12)
    centres = np.array([one.center_of_mass.to("mm") for one in found])
    assert np.average(centres, axis=0, weights=mass) == pytest.approx(exact.center_of_mass.to("mm"), abs=1e-9)


@pytest.mark.parametrize("suffix", ["stl", "glb", "obj"])
def test_a_group_and_a_part_of_a_step_file_are_written(suffix, here, data, tmp_path):
    found = convert(
        data / "assembly.step",
        tmp_path / f"a.{suffix}",
        parts=["standoff 1", "bolt 4"],
        volume_error=SHARE,
    )
    (finding,) = found.findings

    assert (finding.code, finding.evidence["parts"], finding.evidence["of"]) == ("parts-selected", 3, 7)
    assert "3 of 7 parts are taken: bolt, spacer, bolt 4" in finding.message
    assert "measured exactly" in finding.message
    assert found.parts == 3
    assert found.volume_error <= SHARE
    assert volume(found.source) < 0.7 * volume(mp.measure(data / "assembly.step"))


def test_only_what_is_selected_is_divided(here, data, monkeypatch):
    asked = []
    once = tessellate._asked
    monkeypatch.setattr(
        tessellate, "_asked", lambda model, shown, *more: (asked.extend(shown), once(model, shown, *more))[1]
    )
    chosen = choice.of(sources.load(data / "assembly.step"), "spacer")
    scene = chosen.scene(None, Fineness())

    assert len(asked) == 1
    assert [placed.path[-1] for placed in scene.placed()] == ["spacer", "spacer"]


TWO = compound(SOLIDS["box"][0], moved(SOLIDS["box"][0], 0.4, (200, 0, 0))[0], SOLIDS["cone"][0])


@pytest.mark.parametrize(("parts", "count"), [([1], 1), ("Solid 1", 2), ([2, 0], 2), ([0, 1, 2], 3)])
@pytest.mark.parametrize("suffix", ["stl", "step"])
def test_parts_of_a_cad_object_are_written(parts, count, suffix, tmp_path):
    name = sources.load(TWO).name
    parts = f"{name} 1" if isinstance(parts, str) else parts
    found = convert(TWO, tmp_path / f"a.{suffix}", parts=parts)

    assert found.parts == count
    assert found.volume_error <= (1e-12 if suffix == "step" else 1e-2)
    assert [one.code for one in found.findings] == ["parts-selected"] * (count < 3)


def test_surfaces_of_a_cad_object_are_chosen_too(tmp_path):
    two = compound(open_shell(), moved(open_shell(), 0.4, (200, 0, 0))[0])
    area = [mp.measure(two).area, convert(two, tmp_path / "a.stl", parts=1).source.area]

    assert area[1].value == pytest.approx(area[0].value / 2)


def file(module, name, **options):
    return written(module, tree(), name, **options)[name]


@pytest.mark.parametrize("suffix", ["stl", "glb", "step"])
def test_parts_of_a_mesh_file_are_written(suffix, tmp_path):
    source = tmp_path / "source.glb"
    source.write_bytes(file(glb, "source.glb"))
    found = convert(source, tmp_path / f"a.{suffix}", parts=["Größe 1", "right"])
    centre = np.average([(5, 10, 15), (152.5, 2.5, 0.5)], axis=0, weights=[6000, 25])
    up = {"stl": centre, "step": centre, "glb": centre[[0, 2, 1]] * [1, 1, -1]}[suffix]

    assert volume(found.written) == pytest.approx(6025, rel=1e-6)
    assert found.volume_error <= 1e-6
    assert "measured by their triangles" in found.findings[0].message
    assert found.written.center_of_mass.to("mm") == pytest.approx(up, rel=1e-5, abs=1e-4)
    assert len(found.findings) == 1


def test_the_interval_of_some_parts_encloses_what_they_are(tmp_path):
    """Of a mesh precision and rounding are those of the whole, which are no less."""
    loaded = sources.load(file(glb, "a.glb"), "glb")
    found = mp.measure(choice.of(loaded, "Größe 1").loaded())
    low, high = found.volume.interval

    assert low <= 6e-6 <= high
    assert high - low < 1e-10


def test_a_file_of_one_part_is_taken_as_it_is(data, tmp_path):
    found = convert(data / "box.stl", tmp_path / "a.ply", unit="mm", parts="box")

    assert found.findings == ()
    with pytest.raises(UsageError, match="no part 'lid'; name one of these, or give its number: 0 'box'"):
        convert(data / "box.stl", tmp_path / "b.ply", unit="mm", parts=["lid"])


# --- as exact STEP


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        (["standoff 1", "bolt 4"], ["assembly", "carrier", "standoff 1", "bolt", "spacer", "bolt 4"]),
        ("plate", ["assembly", "carrier", "plate"]),
        (["bolt"], ["assembly", "carrier", "standoff 1", "bolt", "standoff 2", "bolt"]),
    ],
)
def test_parts_of_a_step_file_become_exact_step_with_their_tree(parts, names, here, data, tmp_path):
    found = convert(
        data / "assembly.step", tmp_path / "a.step", parts=parts, up="+y", forward="+z", to_unit="in"
    )

    assert [one.code for one in found.findings] == ["parts-selected", "layers-left"]
    assert found.volume_error < 1e-12
    assert (found.parts, found.triangles) == (
        len(selection.meshes(choice.of(sources.load(data / "assembly.step"), parts).roots)),
        0,
    )
    assert named(choice.of(sources.load(tmp_path / "a.step")).tree) == names


def test_all_parts_of_a_step_file_are_the_file(data, tmp_path):
    assert convert(data / "box_inch.step", tmp_path / "a.step", parts=0).findings == ()


def test_parts_of_exact_step_keep_their_colours(here, tmp_path):
    f = Styles()
    block = f.box()
    assembly(f, block)
    f.style(block, RED)
    convert(io.BytesIO(f.file()), tmp_path / "a.step", format="step", parts=[1, 3])
    found = choice.of(sources.load(tmp_path / "a.step")).scene(None, Fineness())

    assert [placed.colour for placed in found.placed()] == [(*RED, 1.0)] * 2


def test_products_that_nothing_holds_together_become_one_file(here, tmp_path):
    f = Stating()
    for x, name in ((0.0, "one"), (20.0, "two"), (40.0, "three")):
        f.part(f.box((4.0, 5.0, 6.0), x=x), name=name)
    found = convert(io.BytesIO(f.file()), tmp_path / "a.step", format="step", parts=["one", "three"])

    assert volume(found.written) == pytest.approx(240, rel=1e-12)
    assert named(choice.of(sources.load(tmp_path / "a.step")).tree)[-2:] == ["one", "three"]


def test_surfaces_become_exact_step_too(here, tmp_path):
    two = compound(open_shell(), moved(open_shell(), 0.4, (200, 0, 0))[0])
    found = convert(io.BytesIO(exact(two)), tmp_path / "a.step", format="step", parts=1)

    assert found.written.area.value == pytest.approx(mp.measure(two).area.value / 2)
    assert found.parts == 1


def test_one_of_several_solids_of_a_product_becomes_exact_step(here, tmp_path):
    """Open CASCADE has no part for it alone: it becomes one, with the name of the product."""
    f = Stating()
    f.part(f.box(), f.box((4.0, 5.0, 6.0), x=20.0), name="pair")
    found = convert(io.BytesIO(f.file()), tmp_path / "a.step", format="step", parts=2)

    assert volume(found.written) == pytest.approx(120, rel=1e-12)
    assert found.written.center_of_mass.to("mm") == pytest.approx((22, 2.5, 3), rel=1e-12)
    assert found.parts == 1
    assert "pair" in named(choice.of(sources.load(tmp_path / "a.step")).tree)


def test_what_exact_step_of_some_parts_cannot_be_is_refused(here, tmp_path, monkeypatch):
    mirrored, one = Solids(), np.eye(3)
    block = mirrored.box()
    mirrored.placed(block, mirrored.operator(one), mirrored.operator(np.diag([-1.0, 1, 1]), (10, 0, 0)))
    number = list(selection.meshes(choice.of(sources.load(mirrored.file(), "step")).tree))

    found = convert(io.BytesIO(mirrored.file()), tmp_path / "a.step", format="step", parts=number[0])
    assert found.volume_error < 1e-12
    with pytest.raises(FormatError, match="is placed mirrored or scaled"):
        convert(io.BytesIO(mirrored.file()), tmp_path / "b.step", format="step", parts=number[1])
    monkeypatch.setattr("massproof.occt.drawn_by", lambda reader: ({}, lambda face: -1))
    with pytest.raises(FormatError, match="Open CASCADE makes no shape of"):
        convert(io.BytesIO(mirrored.file()), tmp_path / "b.step", format="step", parts=number[0])
    assert [path.name for path in tmp_path.iterdir()] == ["a.step"]


# --- in several files


@pytest.mark.parametrize("suffix", ["stl", "stla", "obj", "ply", "glb", "gltf"])
def test_a_file_for_each_part_is_the_whole_together(suffix, tmp_path):
    source, target = tmp_path / "in.glb", tmp_path / "out" / f"my part.{suffix}"
    target.parent.mkdir()
    source.write_bytes(file(glb, "in.glb"))
    whole, found = (
        convert(source, target.with_stem(stem), structure=structure)
        for stem, structure in (("one", "single"), ("my part", "multiple"))
    )
    own = [path.name for path in found.files if path.suffix == target.suffix]

    assert own == [f"my part_{k}-{name}.{suffix}" for k, name in enumerate(("Größe_1", "left", "right"), 1)]
    assert all(path.exists() for path in found.files)
    assert not target.exists()
    assert (found.parts, found.triangles) == (3, 36)
    assert volume(found.written) == pytest.approx(volume(whole.written), rel=1e-12)
    assert found.written.center_of_mass.to("mm") == pytest.approx(whole.written.center_of_mass.to("mm"))
    assert found.volume_error <= 1e-6
    assert found.written.volume.interval[1] > found.written.volume.interval[0]
    assert set(target.parent.iterdir()) == {*whole.files, *found.files}


def test_parts_in_files_of_their_own_keep_their_colours(tmp_path):
    (tmp_path / "in.glb").write_bytes(file(glb, "in.glb"))
    found = convert(tmp_path / "in.glb", tmp_path / "a.glb", structure="multiple", parts=["left"])
    (placed,) = formats.scene(found.files[0].read_bytes(), "glb").placed()

    assert found.files == (tmp_path / "a_1-left.glb",)
    assert placed.colour == pytest.approx(GLASS, abs=1e-6)
    assert found.parts == 1


def test_several_files_are_written_all_or_none(tmp_path, monkeypatch):
    (tmp_path / "in.glb").write_bytes(file(glb, "in.glb"))
    once, calls = formats.write, []

    def third(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        once(*arguments)

    monkeypatch.setattr(formats, "write", third)
    with pytest.raises(KeyboardInterrupt):
        convert(tmp_path / "in.glb", tmp_path / "a.stl", structure="multiple")
    assert [path.name for path in tmp_path.iterdir()] == ["in.glb"]


def test_names_of_files_are_safe_and_differ(tmp_path):
    names = ["../../etc", "a/b\\c:d", "", "\x00\n", "x" * 300, "same", "same"]
    block = Definition("block", box().vertices, box().faces)
    scene = Scene("m", (block,), tuple(Occurrence(name, np.eye(4), 0) for name in names))
    (tmp_path / "in.glb").write_bytes(written(glb, scene, "in.glb")["in.glb"])
    found = convert(tmp_path / "in.glb", tmp_path / "a.stl", structure="multiple")

    assert len({path.name for path in found.files}) == len(names)
    assert {path.parent for path in found.files} == {tmp_path}
    assert all(re.fullmatch(r"a_\d-[\w.-]{1,40}\.stl", path.name) for path in found.files)


@pytest.mark.parametrize(
    ("target", "structure", "message"),
    [
        ("a.stl", "many", "is single or multiple, not 'many'"),
        ("a.step", "multiple", "STEP is one file with all"),
    ],
)
def test_a_structure_that_there_is_not_is_refused(target, structure, message, data, tmp_path):
    with pytest.raises(UsageError, match=message):
        convert(data / "box.stl", tmp_path / target, unit="mm", structure=structure)


# --- for a server


def test_a_file_under_another_name_is_converted_into_a_folder(data, tmp_path):
    """As a store of contents has it: no suffix, a name of its own, and an empty folder for what is written."""
    blob, folder = tmp_path / "3f2a", tmp_path / "new"
    blob.write_bytes((data / "box.stl").read_bytes())
    folder.mkdir()
    found = convert(blob, folder / "source.obj", format="stl", unit="mm")
    called = convert(
        files.opened(blob)._replace(name="my box.stl", suffix=".stl"), folder / "b.obj", unit="mm"
    )

    assert found.source.source.format == "stl"
    assert [path.name for path in found.files] == ["source.obj"]
    assert b"o 3f2a\n" in found.files[0].read_bytes()
    assert b"o my_box\n" in called.files[0].read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["b.obj", "source.obj"]


# --- drawn


def opened(picture):
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA")).astype(int)


def dark(*hidden):
    """Three boxes in a row, of which some are hidden: by their places."""
    f = Styles()
    block = f.box()
    _, _, uses, _ = assembly(f, block)
    for number in hidden:
        f(f"INVISIBILITY(({f.style(block, RED, where=uses[number])}))")
    return f.file()


def test_what_a_file_hides_is_not_drawn_but_written(here, tmp_path):
    def drawn(data, **more):
        return mp.render(io.BytesIO(data), format="step", size=48, **more)

    shown, alone = drawn(dark(2)), drawn(dark(), parts=[1, 2], overlay=())
    found = convert(io.BytesIO(dark(2)), tmp_path / "a.stl", format="step")

    assert (opened(shown)[..., 3] == opened(alone)[..., 3]).all()
    assert (opened(shown) != opened(drawn(dark()))).any()
    assert drawn(dark(0, 1, 2), parts="whole") == drawn(dark(0, 1, 2), parts=["part"])
    assert (found.parts, found.findings) == (3, ())
    with pytest.raises(UsageError, match="all 3 parts of <stream> are hidden; name those"):
        drawn(dark(0, 1, 2))


def test_marks_are_of_what_is_drawn(tmp_path):
    """The centre of one of two boxes is in the middle of the picture of it."""
    two = Scene(
        "m",
        (Definition("a", box((1, 2, 3)).vertices, box().faces),),
        (Occurrence("near", np.eye(4), 0), Occurrence("far", at(90, 0, 0), 0)),
    )
    source = io.BytesIO(written(glb, two, "a.glb")["a.glb"])
    plain, marked = (
        opened(mp.render(source.getvalue(), format="glb", size=64, view="front", parts="far", overlay=o))
        for o in ((), ("center",))
    )
    changed = np.argwhere((plain != marked).any(axis=2))

    assert (changed.min(axis=0) + changed.max(axis=0)) / 2 == pytest.approx([32, 32], abs=1.5)


def test_a_part_alone_turns():
    turned = mp.turntable(file(glb, "a.glb"), format="glb", size=32, frames=3, parts="left")

    assert Image.open(io.BytesIO(turned)).n_frames == 3


# --- commands


def test_commands_take_parts(tmp_path):
    source, target = tmp_path / "in.glb", tmp_path / "a.stl"
    source.write_bytes(file(glb, "in.glb"))
    done = run("convert", source, target, "--part", "left", "--part", 0, "--structure", "multiple")
    drawn = run("render", source, "-o", tmp_path / "a.png", "--size", 32, "--part", "right")
    wrong = run("render", source, "-o", tmp_path / "b.png", "--size", 32, "--part", "bolt")

    assert (done.exit_code, drawn.exit_code, wrong.exit_code) == (0, 0, 2)
    assert sorted(path.name for path in tmp_path.glob("*.stl")) == ["a_1-Größe_1.stl", "a_2-left.stl"]
    assert "there is no part 'bolt'" in wrong.stderr
    assert not (tmp_path / "b.png").exists()
