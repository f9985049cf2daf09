import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import box

from massproof import scene
from massproof.errors import UnitError, UsageError
from massproof.scene import Definition, Occurrence, Scene

RED, BLUE = (1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 0.5)
BOX = Definition("box", box().vertices, box().faces, colour=RED)
AXES = [sign + letter for sign in "+-" for letter in "xyz"]


def at(x, y, z):
    matrix = np.eye(4)
    matrix[:3, 3] = x, y, z
    return matrix


def volume(vertices, faces):
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


TREE = Scene(
    "mm",
    (BOX,),
    (
        Occurrence(
            "all",
            at(10, 0, 0),
            children=(
                Occurrence("left", at(0, 1, 0), 0),
                Occurrence("right", np.diag([-1.0, 1, 1, 1]), 0, colour=BLUE),
            ),
        ),
    ),
)


def test_every_part_stands_where_the_tree_says_in_its_order():
    left, right = TREE.placed()

    assert [p.path for p in (left, right)] == [("all", "left"), ("all", "right")]
    assert [p.colour for p in (left, right)] == [RED, BLUE]
    assert (left.vertices() == np.add(BOX.vertices, [10, 1, 0])).all()
    assert (right.vertices() == BOX.vertices * [-1, 1, 1] + [10, 0, 0]).all()
    assert TREE.triangles == 2 * len(BOX.faces)


def test_the_colour_of_a_group_is_that_of_all_in_it():
    group = Scene("mm", (BOX,), (Occurrence("all", np.eye(4), colour=BLUE, children=TREE.roots),))

    assert {p.colour for p in group.placed()} == {BLUE}


def test_a_mirrored_part_still_encloses_a_positive_volume():
    volumes = [volume(p.vertices(), p.faces()) for p in TREE.placed()]

    assert volumes == pytest.approx([volume(BOX.vertices, BOX.faces)] * 2, rel=1e-12)


@given(st.sampled_from(["mm", "cm", "m", "inch", "ft"]), st.sampled_from(["mm", "cm", "m", "inch", "ft"]))
def test_a_unit_is_changed_there_and_back(first, second):
    there = TREE.in_unit(first).in_unit(second)

    for old, new in zip(TREE.in_unit(second).placed(), there.placed(), strict=True):
        assert new.vertices() == pytest.approx(old.vertices(), rel=1e-14, abs=1e-12)
    assert there.unit == second or first == second == "mm"


def test_a_unit_that_is_no_length_is_refused():
    with pytest.raises(UnitError):
        TREE.in_unit("kg")


@pytest.mark.parametrize(("up", "forward"), list(itertools.product(AXES, AXES)))
def test_the_frame_is_turned_and_stays_right_handed(up, forward):
    if up[1] == forward[1]:
        with pytest.raises(UsageError, match="lie along one axis"):
            TREE.turned(up, forward)
        return
    matrix = scene.frame(up, forward)

    assert np.linalg.det(matrix) == 1
    sign = {"+": 1, "-": -1}
    assert (matrix[:3, :3] @ [0, 0, 1]).tolist() == [sign[up[0]] * (up[1] == letter) for letter in "xyz"]
    assert (matrix[:3, :3] @ [0, -1, 0]).tolist() == [sign[forward[0]] * (forward[1] == a) for a in "xyz"]


def test_opengl_is_what_others_say_it_is():
    """Up +y, forward +z takes (1, 2, 3) to (1, 3, −2), as the tests of modeling-api state."""
    assert (scene.frame("y", "z")[:3, :3] @ [1, 2, 3]).tolist() == [1, 3, -2]


def test_what_is_no_axis_is_refused():
    with pytest.raises(UsageError, match=r"'up' is no axis"):
        TREE.turned("up", "-y")


def test_more_parts_than_can_be_drawn_are_refused(monkeypatch):
    monkeypatch.setattr(scene, "MAX_PLACED", 1)
    with pytest.raises(UsageError, match="more than 1 parts"):
        list(TREE.placed())
