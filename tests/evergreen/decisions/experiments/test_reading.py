"""What a look shows: intervals that hold at all looks, corrected, and adjusted only where that is fair."""

import numpy as np
import pytest
from experimented import design

from evergreen.decisions.experiments.design import Goal, Variant
from evergreen.decisions.experiments.ratios import Units, group
from evergreen.decisions.experiments.reading import FEWEST, readings
from evergreen.decisions.experiments.sequential import half_width


def shares(n: int, hits: int, before: np.ndarray | None = None) -> Units:
    return Units(np.repeat([1.0, 0.0], [hits, n - hits]), np.ones(n), before)


def test_interval_is_the_confidence_sequence_of_the_difference() -> None:
    a, b = shares(1_000, 100), shares(1_000, 160)
    (found,) = readings(design(), {("target", "champion"): a, ("target", "B"): b})
    per_unit = 1_000 * (group(a).variance + group(b).variance)
    half = half_width(1_000, per_unit, alpha=0.05, planned=2_000)
    assert (found.low, found.high) == pytest.approx((0.06 - half, 0.06 + half))
    assert found.lift == pytest.approx(0.6)
    assert found.progress == 0.5


def test_first_p_value_below_alpha_is_where_the_interval_leaves_zero() -> None:
    for hits in range(100, 200, 5):
        (found,) = readings(
            design(), {("target", "champion"): shares(1_000, 100), ("target", "B"): shares(1_000, hits)}
        )
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


@pytest.mark.parametrize("n", [1, FEWEST - 1])
def test_nothing_is_said_of_few_units_and_nothing_of_an_arm_without_rows(n) -> None:
    few = readings(design(), {("target", "champion"): shares(900, 90), ("target", "B"): shares(n, 1)})[0]
    assert (few.low, few.high, few.p_value) == (None, None, 1)
    alone = readings(design(), {("target", "champion"): shares(900, 90)})[0]
    assert (alone.seen, alone.difference, alone.progress) == (None, None, 0)


def test_no_success_of_the_champion_has_no_lift_and_no_interval_before_there_is_one() -> None:
    (found,) = readings(design(), {("target", "champion"): shares(900, 0), ("target", "B"): shares(900, 9)})
    assert (found.lift, found.low) == (None, None)


def test_two_variants_are_corrected_for_each_other() -> None:
    two = (Variant(name="B", version=2, share=0.3), Variant(name="C", version=3, share=0.3))
    units = {("target", "champion"): shares(1_000, 100), ("target", "B"): shares(1_000, 150)}
    alone = readings(design(), units)[0].p_value
    both = readings(design(variants=two), {**units, ("target", "C"): shares(1_000, 100)})
    assert both[0].p_value == pytest.approx(2 * alone)


def test_what_differs_before_anybody_was_assigned_is_not_taken_out() -> None:
    rng = np.random.default_rng(1)
    known = rng.normal(size=(2, 5_000))
    values = 0.8 * known + 0.6 * rng.normal(size=(2, 5_000))
    goal = Goal(metric="target", better="higher", effect=0.1)
    for shift, unbalanced in ((0.0, False), (0.3, True)):
        a, b = (
            Units(value, np.ones(5_000), before + shift * at)
            for at, (value, before) in enumerate(zip(values, known, strict=True))
        )
        (found,) = readings(
            design(goals=(goal,), adjust=True, planned=5_000), {("target", "champion"): a, ("target", "B"): b}
        )
        assert found.unbalanced is unbalanced
        assert (found.width is None) is unbalanced
    assert (
        readings(design(goals=(goal,), planned=5_000), {("target", "champion"): a, ("target", "B"): b})[0].width is None
    )


def test_so_many_more_units_would_leave_zero_out_if_the_difference_stays() -> None:
    at = {("target", "champion"): shares(500, 50), ("target", "B"): shares(500, 65)}
    (found,) = readings(design(), at)
    n = 500 + found.more
    later = {("target", "champion"): shares(n, round(n * 0.1)), ("target", "B"): shares(n, round(n * 0.13))}
    assert readings(design(), later)[0].p_value == pytest.approx(0.05, abs=0.004)


@pytest.mark.parametrize(("better", "hits"), [("higher", 51), ("lower", 49)])
def test_so_many_more_units_would_leave_what_is_worth_having_out(better, hits) -> None:
    agreed = design(goals=(Goal(metric="target", better=better, effect=0.03),))
    (found,) = readings(agreed, {("target", "champion"): shares(500, 50), ("target", "B"): shares(500, hits)})
    n = (500 + found.more_without) // 100 * 100
    later = {("target", "champion"): shares(n, n // 10), ("target", "B"): shares(n, n // 10 + (hits - 50) * n // 500)}
    (then,) = readings(agreed, later)
    assert (then.high if better == "higher" else -then.low) == pytest.approx(0.03, abs=0.0005)
