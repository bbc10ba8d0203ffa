"""Holm's correction, held against hand arithmetic and every subset that it stands for."""

from itertools import combinations

import numpy as np
import pytest

from evergreen.decisions.drift.shift.correction import holm


def test_holm_equals_hand_arithmetic():
    # Sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2, 0.04 * 1; steps never fall: 0.04, 0.06, 0.06, 0.06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx((0.06, 0.04, 0.06, 0.06))
    assert holm([0.5, 0.9]) == (1.0, 1.0)
    assert holm([]) == ()


def test_one_column_is_not_corrected():
    assert holm([0.02]) == (0.02,)


def test_equal_p_are_corrected_alike():
    assert holm([0.01, 0.01, 0.01]) == pytest.approx((0.03, 0.03, 0.03))
    assert holm([0.0, 1.0, 0.0]) == (0.0, 1.0, 0.0)


def test_it_is_the_closure_of_bonferroni():
    # By closed testing (Marcus, Peritz and Gabriel, 1976): the largest Bonferroni p of the subsets that hold a column.
    rng = np.random.default_rng(1)
    for n in (2, 3, 6):
        p = rng.random(n) ** 3
        subsets = [list(subset) for k in range(1, n + 1) for subset in combinations(range(n), k)]
        by_hand = [max(min(1.0, len(s) * p[s].min()) for s in subsets if at in s) for at in range(n)]
        assert holm(p.tolist()) == pytest.approx(by_hand)


def test_of_unchanged_columns_one_is_below_alpha_as_rarely_as_stated():
    rng = np.random.default_rng(2)
    together = rng.random((4_000, 1))
    for p in (rng.random((4_000, 8)), np.repeat(together, 8, axis=1)):
        share = np.mean([min(holm(row.tolist())) < 0.05 for row in p])
        assert share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4_000)
