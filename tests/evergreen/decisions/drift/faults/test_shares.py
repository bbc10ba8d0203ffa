"""Shares of rows that rose: where, by how much, and what the reference's own days excuse."""

import numpy as np
import pytest
from scipy import stats

from evergreen.decisions.drift.faults.shares import Risen, gain, risen


def found_in(hits: list[int], *, before: list[int], each: int = 100, shortest: int = 1) -> Risen | None:
    rows = np.full(len(hits), each)
    return risen(np.array(hits), rows, np.array(before), np.full(len(before), 100), least=0.1, shortest=shortest)


def test_the_stretch_that_rose_is_found_with_its_rows_and_share():
    found = found_in([2] * 10 + [60] * 5 + [2] * 10, before=[2] * 60)
    assert found is not None
    assert (found.start, found.end, found.n, found.hits, found.share) == (10, 15, 500, 300, 0.6)
    assert (found.usual, found.worst) == (0.02, 0.02)
    assert 0.12 <= found.limit < 0.6


@pytest.mark.parametrize(("hits", "rose"), [(11, False), (12, False), (16, True)])
def test_a_rise_counts_from_the_least_that_was_asked_on_and_beyond_chance(hits: int, rose: bool):
    assert (found_in([hits] * 30, before=[2] * 60) is not None) == rose


def test_few_rows_may_be_so_by_chance():
    assert found_in([2], before=[2] * 60, each=4) is None
    assert found_in([4], before=[2] * 60, each=4) is not None  # 0.12 ** 4 < 1 / 1000


def test_an_outage_of_the_reference_excuses_a_week_like_it_and_no_month():
    before = [0] * 30 + [100] * 3 + [0] * 27
    assert found_in([0] * 10 + [100] * 7, before=before) is None
    month = found_in([0] * 10 + [100] * 30, before=before)
    assert month is not None
    assert month.end == 40


def test_with_a_reference_of_few_days_only_a_larger_rise_counts():
    assert found_in([45] * 5, before=[2] * 4) is None  # 2 of 4 days: half of all rows
    assert found_in([45] * 5, before=[2] * 60) is not None


def test_a_shorter_stretch_than_asked_does_not_count_unless_the_window_is_as_short():
    assert found_in([0, 0, 90, 0, 0, 0], before=[2] * 60, shortest=6) is None
    assert found_in([90], before=[2] * 60, shortest=6) is not None


def test_the_gain_is_the_divergence_of_two_coins():
    shares, limits = np.array([0.0, 0.2, 0.5, 1.0]), np.array([0.1, 0.2, 0.1, 0.9])
    expected = [stats.entropy([p, 1 - p], [q, 1 - q]) for p, q in zip(shares, limits, strict=True)]
    np.testing.assert_allclose(gain(shares, limits), expected, atol=1e-15)
