"""Columns in another unit: found, named and dated, and not where only the spread or the season changed."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest
from daily import FIRST, Array, Break, Make, Process, broken, listed

from evergreen.decisions.drift.faults.unit import find_unit
from evergreen.decisions.drift.faults.verdict import Fault


def normal(mean: float, deviation: float, *, share: float = 0.0) -> Make:
    return lambda days, rng: mean + deviation * Process(share=share).normal(days, rng)


def skewed(days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
    return np.exp(0.5 * rng.standard_normal(len(days)))


def rain(days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
    return np.where(rng.random(len(days)) < 0.1, rng.exponential(2, len(days)), 0.0)


def scaled(factor: float) -> Break:
    return lambda x, rng: x * factor


def found_in(make: Make, harm: Break, *, seed: int = 1, rows: int = 2_000, last: int = 30) -> Fault | None:
    return find_unit("x", *broken(make, harm, seed=seed, n_days=30, rows=rows, last=last))


@pytest.mark.parametrize(
    ("make", "factor"),
    [(normal(100, 5), 1.609344), (normal(100, 5), 2.54), (normal(0, 1), 1_000.0), (skewed, 60.0), (rain, 1_000.0)],
)
def test_a_factor_that_can_be_told_is_named(make: Make, factor: float):
    found = found_in(make, scaled(factor))
    assert found is not None
    assert found.kind == "unit"
    assert f"about {factor:,.3g} times" in found.evidence or f"about {factor:,.0f} times" in found.evidence
    assert found.share > 0.7


def test_a_small_factor_about_zero_looks_like_any_wider_spread_and_is_not_told():
    assert found_in(normal(0, 1), scaled(2.54)) is None


@pytest.mark.parametrize(
    ("words", "harm"),
    [
        ("Fahrenheit for Celsius", lambda x, rng: 1.8 * x + 32),
        ("kelvins for degrees Celsius", lambda x, rng: x + 273.15),
    ],
)
def test_another_scale_of_temperature_is_named(words: str, harm: Break):
    found = found_in(normal(12, 8, share=0.3), harm, seed=2, rows=1_000)
    assert found is not None
    assert words in found.evidence


def test_the_days_in_the_other_unit_are_dated_and_shown_with_both_means():
    day = np.linspace(90, 110, 101)
    found = find_unit("x", *listed([day] * 75 + [day * 1_000] * 5))
    assert found is not None
    assert (found.since, found.share) == (FIRST + timedelta(days=75), 505 / 2_020)
    assert "505 values from 2024-03-16 to 2024-03-20 are about 1,000 times the reference's" in found.evidence
    assert "Mean 1e+05 and deviation 5831, in the reference 100 and 5.831" in found.evidence  # 20 / sqrt(12) * 1.01


def test_a_single_day_counts_only_where_it_is_the_whole_window():
    day = np.linspace(90, 110, 101)
    assert find_unit("x", *listed([day] * 60 + [day / 1_000])) is not None
    assert find_unit("x", *listed([day] * 70 + [day / 1_000] + [day] * 9)) is None
    assert find_unit("x", *listed([day] * 60 + [day[:19] / 1_000])) is None  # 20 numbers at least


def test_a_small_factor_is_not_believed_while_the_other_days_are_on_their_way_too():
    day = np.linspace(90, 110, 101)
    half = [day] * 10 + [day * 2.54] * 10
    assert find_unit("x", *listed([day] * 60 + half)) is not None
    rising = [day * factor for factor in np.linspace(1.5, 2.54, 20)]
    assert find_unit("x", *listed([day] * 60 + rising)) is None


def test_a_shift_a_wider_spread_and_a_reference_that_does_not_vary_are_no_unit():
    day = np.linspace(90, 110, 101)
    assert find_unit("x", *listed([day] * 60 + [day + 12] * 20)) is None
    assert find_unit("x", *listed([day] * 60 + [100 + 2.54 * (day - 100)] * 20)) is None
    assert find_unit("x", *listed([np.full(100, 3.0)] * 60 + [np.full(100, 3_000.0)] * 20)) is None
