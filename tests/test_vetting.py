"""Tables that cannot be: rows that name others that are not there, splines without order, numbers that are none."""

import numpy as np
import pytest
from solids_by_hand import SOLIDS, box, frustum, sphere, torus, twin

from massproof.brep import OFFSET
from massproof.exact import integrate
from massproof.kernels.jit import DISABLED
from massproof.vetting import vetted

WHOLE = (
    "curves",
    "surfaces",
    "edges",
    "uses",
    "loops",
    "faces",
    "shells",
    "shell_faces",
    "solids",
    "solid_shells",
)
REAL = ("frames", "curve_numbers", "surface_numbers", "controls", "knots", "edge_points")


@pytest.mark.parametrize("name", SOLIDS)
def test_sound_tables_stay_as_they_are(name):
    for shapes in [SOLIDS[name]()[0]] + (
        [] if name in ("apple", "lemon", "bare_torus") else [twin(SOLIDS[name]()[0])]
    ):
        again = vetted(shapes)
        for field in set(shapes._fields) - {"curves", "surfaces"}:
            assert np.array_equal(getattr(again, field), getattr(shapes, field))
        assert np.array_equal(again.surfaces[:, 0], shapes.surfaces[:, 0])
        assert np.array_equal(again.curves[:, 0], shapes.curves[:, 0])


def changed(shapes, **cells):
    """With other numbers at places: field=((row, column), value)."""
    copies = {}
    for field, (place, value) in cells.items():
        copies[field] = getattr(shapes, field).copy()
        copies[field][place] = value
    return shapes._replace(**copies)


@pytest.mark.parametrize(
    ("field", "place", "value"),
    [
        ("controls", (0, 3), 0.0), ("controls", (0, 3), -1.0), ("controls", (1, 0), np.nan), ("controls", (1, 0), 1e9),
        ("knots", 0, 9.0), ("knots", 1, np.nan), ("surfaces", (0, 2), 31), ("surfaces", (0, 2), 0),
        ("surfaces", (0, 4), 1), ("surfaces", (0, 6), -1), ("surfaces", (0, 6), 10**6), ("surfaces", (0, 7), 10**6),
        ("surfaces", (0, 0), 99), ("faces", (0, 0), 99), ("faces", (0, 2), -3), ("faces", (0, 3), 99),
        ("loops", (0, 0), -1), ("loops", (0, 1), 2**40), ("uses", 0, 0), ("uses", 0, 99), ("surfaces", (0, 4), 2**40),
    ],
)  # fmt: skip
def test_a_face_that_lacks_something_counts_as_unsupported(field, place, value):
    """A box of splines, whose first face is spoilt."""
    (part,) = integrate(changed(twin(box()[0]), **{field: (place, value)}), 0.1)

    assert 500 in part.unsupported and part.body is None and part.faces == 6


@pytest.mark.parametrize(("row", "value"), [(0, -5), (0, 99)])
def test_an_edge_without_a_curve_spoils_its_faces(row, value):
    (part,) = integrate(changed(frustum(2.0, 2.0)[0], edges=((row, 0), value)))

    assert part.unsupported


def test_a_curve_of_no_number_spoils_its_faces():
    (part,) = integrate(changed(frustum(2.0, 2.0)[0], curve_numbers=((0, 0), np.nan)))

    assert part.unsupported


def test_points_that_are_no_numbers_spoil_their_faces_only():
    (part,) = integrate(changed(box()[0], edge_points=((0, 1), np.inf)))

    assert len(part.unsupported) == 2


@pytest.mark.parametrize("base", [0, 1, 7, -1])
def test_an_offset_of_itself_or_of_nothing_is_no_surface(base):
    shapes, _ = sphere()
    (part,) = integrate(changed(shapes, surfaces=((0, [0, 11]), [OFFSET, base])))

    assert part.unsupported == (500,)


@pytest.mark.parametrize(
    ("field", "place", "value"),
    [
        ("shells", (0, 0), 99), ("shells", (0, 1), 2**40), ("shell_faces", (0, 0), 99), ("shell_faces", (0, 0), -1),
        ("solids", (0, 1), 99), ("solids", (0, 0), -2), ("solid_shells", (0, 0), 99), ("solid_shells", (0, 0), -1),
    ],
)  # fmt: skip
def test_what_is_named_and_is_not_there_counts_as_a_face_that_cannot_be_integrated(field, place, value):
    parts = integrate(changed(torus()[0], **{field: (place, value)}), 0.1)

    assert parts[0].entity == 900 and parts[0].unsupported


def test_no_table_makes_the_engine_fail():
    """One to three numbers of a table changed, to others or to none."""
    rng = np.random.default_rng(11)
    tables = [box()[0], frustum()[0], twin(box()[0])]
    for _ in range(12 if DISABLED else 300):
        shapes = tables[rng.integers(len(tables))]
        for _ in range(rng.integers(1, 4)):
            field = (WHOLE + REAL)[rng.integers(16)]
            rows = getattr(shapes, field)
            if rows.size:
                place = tuple(rng.integers(size) for size in rows.shape)
                other = [-1, 0, 1, 2, 5, 6, 17, 1000, 2**40, rows[place] + 1]
                value = rng.choice(other if field in WHOLE else [0.0, -1.0, np.nan, np.inf, 2 * rows[place]])
                shapes = changed(shapes, **{field: (place, value)})
        with np.errstate(all="ignore"):
            for part in integrate(shapes, 0.1):
                assert all(np.isfinite(one).all() for one in part.extent.box(np.diag([1.0, 1.0, -1.0])))
