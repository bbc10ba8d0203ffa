"""How far the deviation of a stretch may lie from the usual one."""

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.faults.spread import spread_of


def test_stretches_that_all_spread_alike_leave_a_factor_of_1_4_free():
    found = spread_of(np.full(30, 5.0), np.linspace(0, 0.2, 30))
    assert found is not None
    assert (found.centre, found.deviation, found.furthest) == pytest.approx((np.log(5.0), 0.0, 0.2))
    assert not found.exceeded_by(np.log(5 * 1.39))
    assert found.exceeded_by(np.log(5 * 1.41))
    assert not found.exceeded_by(np.log(5 / 1.39))
    assert found.exceeded_by(np.log(5 / 1.41))


def test_a_side_leaves_free_what_student_s_t_allows_by_its_own_mean_square():
    logs = np.array([-0.2, 0.0, 0.0, 0.3, 0.3] * 20 + [0.0])
    found = spread_of(np.exp(logs), np.zeros(101))
    assert found is not None
    far = stats.t.isf(1e-6, 100)
    assert found.above == pytest.approx(far * np.sqrt(2 * 40 * 0.3**2 / 101))
    assert found.below == pytest.approx(far * np.sqrt(2 * 20 * 0.2**2 / 101))


def test_twice_what_a_single_stretch_showed_is_free_where_that_is_more():
    found = spread_of(np.exp([0.0] * 999 + [4.0]), np.zeros(1_000))
    assert found is not None
    assert found.above == pytest.approx(8.0)
    assert found.below == pytest.approx(np.log(1.4))


def test_a_column_that_rests_now_and_then_may_vary_as_little_as_it_likes_but_not_more():
    found = spread_of(np.array([1.0] * 18 + [np.nan] * 2), np.zeros(20))
    assert found is not None
    assert not found.exceeded_by(-1e9)
    assert found.exceeded_by(np.log(1.5))


def test_a_column_that_mostly_does_not_vary_has_no_spread():
    assert spread_of(np.array([1.0, np.nan, np.nan]), np.zeros(3)) is None
    assert spread_of(np.array([1.0, np.nan]), np.zeros(2)) is not None
