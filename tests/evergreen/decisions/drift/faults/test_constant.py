"""Columns of one value, and how long or often the reference makes that likely."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest
from daily import FIRST, Array, broken, listed

from evergreen.decisions.drift.faults.constant import find_constant

VARIED = np.arange(100.0)


def halves(n: int = 100) -> Array:
    """Return as many of category 0 as of 1."""
    return np.arange(n) % 2.0


@pytest.mark.parametrize(("n", "fault"), [(16, False), (17, True)])
def test_equal_rows_are_a_fault_where_their_probability_is_below_one_in_a_hundred_thousand(n: int, fault: bool):
    # 0.5 ** 16 = 1.5e-5, 0.5 ** 17 = 7.6e-6
    assert (find_constant("x", *listed([halves()] * 60 + [np.zeros(n)], categories=2)) is not None) == fault


@pytest.mark.parametrize(("n", "fault"), [(4, False), (6, True)])
def test_a_number_that_the_reference_never_had_counts_as_one_in_ten(n: int, fault: bool):
    assert (find_constant("x", *listed([VARIED] * 60 + [np.full(n, -7.5)])) is not None) == fault


def test_the_days_at_one_value_are_dated_counted_and_shown():
    reference, window = listed([VARIED] * 67 + [np.full(50, 41.5)] * 2 + [np.full(3, np.nan)] + [np.full(50, 41.5)])
    found = find_constant("x", reference, window)
    assert found is not None
    assert (found.kind, found.since, found.share) == ("constant", FIRST + timedelta(days=67), 150 / 853)
    assert found.evidence.startswith("all of 150 values from 2024-03-08 to 2024-03-11 are 41.5;")  # over a day without
    named = find_constant("x", *listed([halves()] * 60 + [np.ones(50)] * 3, categories=2))
    assert named is not None
    assert "are 'c1';" in named.evidence


def test_a_single_day_counts_only_where_it_is_the_whole_window():
    assert find_constant("x", *listed([VARIED] * 60 + [np.zeros(100)])) is not None
    assert find_constant("x", *listed([VARIED] * 65 + [np.zeros(100)] + [VARIED] * 5)) is None


def test_one_other_row_or_an_infinite_one_is_not_one_value():
    for other in (5.0, np.inf):
        day = np.append(np.zeros(99), other)
        assert find_constant("x", *listed([VARIED] * 60 + [day] * 10)) is None


def test_many_new_categories_are_not_one_value():
    assert find_constant("x", *listed([halves()] * 60 + [np.full(100, 7.0)] * 10, categories=2)) is None


def test_a_column_of_one_value_a_day_may_hold_it_for_a_day_and_not_for_a_month():
    weather = [np.full(100, float(day % 13)) for day in range(60)]
    assert find_constant("x", *listed([*weather, np.full(100, 99.0)])) is None
    assert find_constant("x", *listed([*weather, *[np.full(100, 99.0)] * 30])) is not None


def test_a_value_at_which_the_reference_rests_is_no_fault_however_long():
    def snow(days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
        return np.where((days > 10) & (days < 40) & (rng.random(len(days)) < 0.3), rng.exponential(3, len(days)), 0.0)

    assert find_constant("x", *broken(snow, lambda x, rng: x, seed=7, n_days=30, rows=1_000)) is None
