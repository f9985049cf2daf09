import numpy as np
import pytest

from massproof.kernels.quadrature import COARSE, NODES, WEIGHTS, nodes_of

DEGREES = {0: (1, 1), 1: (3, 3), 2: (5, 5), 3: (16, 9), 4: (23, 13), 5: (31, 19)}


@pytest.mark.parametrize("rule", DEGREES)
def test_rules_are_exact_up_to_their_degree_and_not_beyond(rule):
    n = nodes_of(rule)
    for weights, degree in zip((WEIGHTS, COARSE), DEGREES[rule], strict=True):
        for power in range(degree + 1):
            exact = 2 / (power + 1) if power % 2 == 0 else 0
            assert weights[rule, :n] @ NODES[rule, :n] ** power == pytest.approx(exact, abs=1e-15)
        even = degree + 1 + degree % 2 - (degree % 2 == 1)
        even += even % 2
        assert abs(weights[rule, :n] @ NODES[rule, :n] ** even - 2 / (even + 1)) > 1e-13
    assert (np.diff(NODES[rule, :n]) > 0).all() and not NODES[rule, n:].any()
