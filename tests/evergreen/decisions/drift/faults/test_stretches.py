"""Stretches of days: which are looked at, and what values come to in each."""

import numpy as np
import pytest

from evergreen.decisions.drift.faults import stretches


def test_every_stretch_of_a_short_window_is_looked_at_once():
    looked = stretches.every(5)
    found = [(int(start), int(end)) for start, end in zip(looked.starts, looked.ends, strict=True)]
    assert sorted(found) == [(start, end) for start in range(5) for end in range(start + 1, 6)]
    assert found[-1] == (0, 5)


@pytest.mark.parametrize("n_days", [1, 62, 63, 100, 1_000])
def test_of_a_long_window_single_days_and_the_whole_are_looked_at_and_lengths_grow_by_a_quarter(n_days: int):
    lengths = np.unique(stretches.every(n_days).lengths)
    assert (lengths[0], lengths[-1]) == (1, n_days)
    long = lengths[lengths >= 62]
    assert (long[1:] <= 1.26 * long[:-1] + 1).all()
    assert len(lengths) <= 62 + np.log(max(n_days / 62, 1)) / np.log(1.25) + 1


def test_sums_are_those_of_the_days_from_start_to_before_end():
    by_day = np.random.default_rng(0).integers(0, 9, (70, 3))
    looked = stretches.every(70)
    expected = [by_day[start:end].sum(axis=0) for start, end in zip(looked.starts, looked.ends, strict=True)]
    np.testing.assert_array_equal(looked.sums(by_day), expected)
    np.testing.assert_array_equal(looked.sums(by_day[:, 0]), np.array(expected)[:, 0])


def test_a_huge_or_infinite_day_leaves_the_sums_of_all_other_days_exact():
    for huge in (1e300, np.inf):
        sums = stretches.of_length(4, 1).sums(np.array([1.0, huge, 0.1, 0.2]))
        assert sums.tolist() == [1.0, huge, 0.1, 0.2]


def test_no_days_have_no_stretches_of_a_length_that_they_lack():
    none = stretches.of_length(2, 3)
    assert len(none.lengths) == 0
    assert none.sums(np.ones((2, 6))).shape == (0, 6)


@pytest.mark.parametrize(("length", "days"), [(1, 1), (7, 1), (8, 3), (9, 3), (10, 4), (180, 60), (400, 60)])
def test_one_day_excuses_a_week_and_a_third_as_many_days_whatever_is_longer(length: int, days: int):
    assert stretches.patient(length, 60) == days
