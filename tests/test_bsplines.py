"""Basis functions where knots coincide, and how knots divide a border: what the rest of splines stands on."""

import numpy as np
import pytest

from massproof.kernels.bsplines import climb, span
from massproof.kernels.pieces import EDGE, put_between


@pytest.mark.parametrize("more", [0, 1, 2])
def test_the_end_of_the_domain_belongs_to_the_last_span_that_is_not_empty(more):
    """Control points beyond it, on knots that repeat the last one, do not count."""
    knots = np.array([0.0, 0, 0, 0.5, 1, 1, 1, *[1.0] * more])
    count = len(knots) - 3

    assert span(knots, 0, count, 2, 1.0) == span(knots, 0, count, 2, 0.75) == 3


def test_a_basis_function_on_coinciding_knots_counts_as_nothing():
    """With Sᵣ = Nᵣ/(tᵣ₊ₚ − tᵣ), N' = p (Sᵣ₋₁ − Sᵣ), and 0/0 is 0: no part of it is infinite or not a number."""
    start = np.array([[0.25, 0.75, np.nan], [-1, 1, np.nan], [0, 0, np.nan]])
    out = start.copy()
    climb(np.full(8, 0.5), 3, 2, 0.5, out, 0)
    assert out.tolist() == np.zeros((3, 3)).tolist()

    out = start.copy()
    climb(np.array([0.0, 0, 0, 0, 1, 1, 1, 1]), 3, 2, 0.75, out, 0)
    assert out.tolist() == [[0.0625, 0.375, 0.5625], [-0.5, -1, 1.5], [2, -4, 2]]


@pytest.mark.parametrize(("period", "inner"), [(0.0, [0, 0.25, 1]), (2.0, [0, 0.25, 1, 2, 2.25])])
def test_a_range_is_divided_at_knots_and_the_parts_are_the_whole(period, inner):
    """Without a period each knot counts once; with one, also one period earlier and later."""
    knots, pieces = np.array([0.0, 0, 0.25, 1, 1]), np.zeros((20, 4))
    count = put_between(knots, 0, 5, period, EDGE, 7, -0.5, 2.5, pieces, 2)
    rows = pieces[2:count]

    assert (rows[:, :2] == (EDGE, 7)).all()
    assert rows[:, 2].tolist() == [-0.5, *inner]
    assert rows[:, 3].tolist() == [*inner, 2.5]
