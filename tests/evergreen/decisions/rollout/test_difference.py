import numpy as np
import pytest
from scipy import stats
from steps import clusters

from evergreen.decisions.experiments.sequential import half_width
from evergreen.decisions.rollout.difference import between, paired

RNG = np.random.default_rng(5)


def test_paired_interval_is_the_sequence_of_blocks_widened_for_few_of_them() -> None:
    days = np.repeat(np.arange(12), 50)
    values = RNG.normal(0.01, 0.1, 600) + np.where(days % 2, 0.05, -0.05)  # days that undo each other: no stretch
    found = paired(
        values, clusters("row", np.arange(600)), clusters("day", days, in_time=True), alpha=0.05, planned=500
    )
    sums = np.array([(values[days == day] - values.mean()).sum() for day in range(12)]) / 600
    variance = 12 / 11 * (sums**2).sum()
    few = stats.t.isf(0.025, 11) / stats.norm.isf(0.025)
    by_day = few * half_width(12, variance * 12, alpha=0.05, planned=14)
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.mean == pytest.approx(by_day, rel=1e-6)
    assert (found.low, found.n, found.blocks) == (pytest.approx(found.mean - by_day), 600, 12)


def test_paired_interval_has_no_end_before_there_are_eight_blocks() -> None:
    days = np.repeat(np.arange(7), 100)
    found = paired(np.full(700, 0.5), clusters("row", np.arange(700)), clusters("day", days), alpha=0.05, planned=500)
    assert (found.mean, found.low, found.high) == (0.5, None, None)
    assert paired(np.zeros(0), clusters("row", []), clusters("day", []), alpha=0.05, planned=500) is None


def test_two_arms_have_a_lower_end_with_enough_units_and_an_upper_one_with_enough_blocks_too() -> None:
    n = 4_000
    rows, is_new = np.arange(n), np.arange(n) % 2 == 0
    values = np.where(is_new, 0.5, 0.2) + RNG.normal(0, 0.1, n)
    one_day = clusters("day", np.zeros(n))
    found = between(values, is_new, clusters("row", rows), one_day, alpha=0.05, planned=500)
    assert found.mean == pytest.approx(0.3, abs=0.01)
    assert 0.28 < found.low < found.mean
    assert found.high is None
    many = between(values, is_new, clusters("row", rows), clusters("day", rows * 8 // n), alpha=0.05, planned=500)
    assert many.high > many.mean
    few_units = between(values, is_new, clusters("unit", rows % 40), one_day, alpha=0.05, planned=500)
    assert (few_units.low, few_units.units) == (None, 20)


def test_arm_without_rows_says_nothing() -> None:
    nobody = np.zeros(10, bool)
    assert (
        between(np.ones(10), nobody, clusters("row", range(10)), clusters("day", range(10)), alpha=0.05, planned=5)
        is None
    )


def test_rows_of_one_unit_count_as_one() -> None:
    """A hundred visitors with forty rows each know as much as a hundred, not as four thousand."""
    who = np.repeat(np.arange(100), 40)
    values, is_new = RNG.normal(0, 1, 100)[who], who % 2 == 0
    one_day = clusters("day", np.zeros(4_000))
    apart = between(values, is_new, clusters("row", np.arange(4_000)), one_day, alpha=0.05, planned=500)
    together = between(values, is_new, clusters("unit", who), one_day, alpha=0.05, planned=500)
    assert (together.mean - together.low) > 4 * (apart.mean - apart.low)
