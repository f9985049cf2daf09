import numpy as np
import pytest
from solids_by_hand import SOLIDS, Builder, box_faces, moved, moved_truth, twin

from massproof import exact
from massproof.exact import integrate
from massproof.kernels.jit import DISABLED

TURN = np.linalg.qr(np.array([[1.0, 2, 3], [-1, 4, 1], [2, 0, -5]]))[0]
TURN *= np.sign(np.linalg.det(TURN))
PLACES = {
    "as made": {},
    "turned": {"rotation": TURN},
    "far away": {"rotation": TURN, "translation": np.array([1e5, -2e5, 3e4])},
    "small": {"rotation": TURN, "scale": 1e-3},
    "large": {"translation": np.array([10.0, 0, 0]), "scale": 1e3},
}
if DISABLED:  # pure Python takes a thousand times as long
    PLACES = {"turned": PLACES["turned"]}
TWINS = ["box", "caps"] if DISABLED else sorted(set(SOLIDS) - {"apple", "lemon", "bare_torus"})


# How wide an interval may be, relative. Far away the coordinates themselves are known to 1e-11 only.
WIDTHS = {"far away": 4e-9}


def check(part, truth, width):
    """The true values lie in the reported intervals, these are narrow, and the values nearly exact."""
    whole = [
        sum(getattr(e, name) for e in part.errors.values()) for name in ("area", "volume", "centre", "second")
    ]
    size = truth.volume ** (1 / 3)

    assert part.closed and not part.unsupported and not part.turned and not part.absent
    assert abs(part.area - truth.area) <= whole[0] and whole[0] <= width * truth.area
    assert abs(part.body.mass - truth.volume) <= whole[1] and whole[1] <= width * truth.volume
    assert np.abs(part.body.centre - truth.centre).max() <= whole[2] and whole[2] <= width * (
        size + np.abs(truth.centre).max()
    )
    assert part.area == pytest.approx(truth.area, rel=1e-9)
    assert part.body.mass == pytest.approx(truth.volume, rel=1e-9)
    if truth.second is not None:
        assert np.abs(part.body.second - truth.second).max() <= whole[3]
        assert whole[3] <= 10 * width * np.trace(truth.second)


def test_a_surface_with_one_side_is_not_closed():
    """Across one edge two faces look alike when they do not across the others: no turning makes them fit."""
    shapes, _ = SOLIDS["box"]()
    (part,) = integrate(shapes)
    assert part.closed and not part.unbalanced
    shapes.uses[0] = -shapes.uses[0]
    (part,) = integrate(shapes)
    assert not part.closed and not part.unbalanced


def run_back(shapes, loops):
    """Run these loops the other way, their normals left as they are: as one wrong flag of a bound does."""
    for loop in loops:
        first, count = shapes.loops[loop, :2]
        shapes.uses[first : first + count] = -shapes.uses[first : first + count][::-1]


@pytest.mark.parametrize("written", [lambda shapes: shapes, twin])
def test_seams_of_a_surface_without_end_may_run_either_way(written):
    """They bound all of it, whichever way they run: exporters that mirror a torus turn them."""
    shapes, truth = SOLIDS["torus"]()
    shapes = written(shapes)
    run_back(shapes, [0])
    (part,) = integrate(shapes)
    check(part, truth, 1e-9)


@pytest.mark.parametrize("name", ["elbow", "seamless_elbow", "sphere_octants"])
def test_a_face_whose_loops_are_turned_keeps_its_side_of_a_surface_without_end(name):
    """Of the two regions that its loops may bound, it is that with its normal outside: not all the rest."""
    shapes, truth = SOLIDS[name]()
    first, count = shapes.faces[0, 2:4]
    run_back(shapes, range(first, first + count))
    (part,) = integrate(shapes)
    assert part.turned == (int(shapes.faces[0, 4]),)
    assert part.area == pytest.approx(truth.area, rel=1e-9)
    assert part.body.mass == pytest.approx(truth.volume, rel=1e-9)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", SOLIDS)
def test_analytic_solids_are_what_their_formulas_say(name, place):
    shapes, truth = SOLIDS[name]()
    (part,) = integrate(moved(shapes, **PLACES[place]))

    check(part, moved_truth(truth, **PLACES[place]), WIDTHS.get(place, 1e-9))


@pytest.mark.parametrize("place", sorted({"turned", "far away"} & set(PLACES)))
@pytest.mark.parametrize("name", TWINS)
def test_solids_written_as_splines_are_the_same_solids(name, place):
    shapes, truth = SOLIDS[name]()
    (part,) = integrate(moved(twin(shapes), **PLACES[place]))

    check(part, moved_truth(truth, **PLACES[place]), WIDTHS.get(place, 1e-9))


def test_solids_share_a_face_or_a_shell_and_are_as_they_are_alone():
    """A box far from another one, between them a face of both; and the first one's shell once more."""
    build = Builder()
    first = box_faces(build, np.array([1.0, 1, 1]))
    apart = box_faces(build, np.array([1.0, 1, 1]), np.array([1.0, 0, 0]))
    shell = build.shell(first)
    build.solid(shell)
    build.solid(build.shell([first[1], apart[1], *apart[2:]], [0, 1, 1, 1, 1, 1]))
    build.solid(shell)
    parts = integrate(build.shapes())

    assert [part.body.mass for part in parts] == pytest.approx([1, 1, 1], rel=1e-14)
    assert np.array([part.body.centre for part in parts]) == pytest.approx(
        np.array([[0.5, 0.5, 0.5], [1.5, 0.5, 0.5], [0.5, 0.5, 0.5]]), abs=1e-14
    )
    assert [part.faces for part in parts] == [6, 6, 6]


def test_parts_count_the_faces_whose_error_is_an_estimate():
    shapes, _ = SOLIDS["elliptic_prism"]()
    (part,) = integrate(shapes, 0.1)

    assert part.splines == 1 and integrate(twin(SOLIDS["box"]()[0]), 0.1)[0].splines == 6
    assert integrate(SOLIDS["elbow"]()[0])[0].splines == 0


def test_what_no_refinement_makes_accurate_is_given_up(monkeypatch):
    """As if every face were always too inaccurate: some rounds, and the errors as they are."""
    rounds = []
    monkeypatch.setattr(exact, "_inaccurate", lambda *_: rounds.append(1) or np.arange(6))
    shapes, truth = SOLIDS["box"]()
    (part,) = integrate(shapes)

    assert len(rounds) == 3
    assert abs(part.body.mass - truth.volume) <= sum(e.volume for e in part.errors.values())
