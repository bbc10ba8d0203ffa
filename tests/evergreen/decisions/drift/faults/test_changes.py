"""Which change of unit a change of spread and mean may be."""

import numpy as np
import pytest
from daily import listed

from evergreen.decisions.drift.faults.changes import AFFINE, Change, agrees, changes_of
from evergreen.decisions.drift.faults.scaled import Usual


def usual_of(mean: float, deviation: float, *, by_day: float = 0.0) -> Usual:
    """Return a column of so many a day more or less, of that mean and deviation but for what it grows."""
    values = np.linspace(-1, 1, 101)
    values *= deviation / values.std()
    return Usual("x", listed([mean + values + by_day * day for day in range(61)])[0])


FAR, ABOUT_ZERO, CELSIUS = usual_of(100, 5), usual_of(0, 5), usual_of(12, 8)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1.609344, "kilometres for miles"),
        (1 / 1.609344, "the other way round than kilometres for miles"),
        (2.54, "centimetres for inches"),
        (1 / 3.6, "the other way round than km/h for m/s"),
        (60.0, "minutes for hours, or seconds for minutes"),
        (1_000.0, ""),
        (0.01, ""),
    ],
)
def test_a_known_factor_is_named_from_values_that_lie_away_from_zero(factor: float, words: str):
    found = changes_of(np.log(factor), 100 * factor, FAR, 0.01)[0]
    assert found.factor == pytest.approx(factor)
    assert (found.offset, found.words) == (0.0, words)


def test_a_small_factor_is_named_only_where_it_can_be_told():
    assert changes_of(np.log(2.54), 0.0, ABOUT_ZERO, 0.01) == []
    assert any(change.factor == 2.54 for change in changes_of(np.log(2.54), 254.0, FAR, 0.1))
    assert all(change.offset for change in changes_of(np.log(2.54), 254.0, FAR, 0.11))  # it may be any wider spread
    assert all(change.offset for change in changes_of(np.log(1.3), 130.0, FAR, 0.01))


def test_a_gross_factor_without_a_name_is_taken_as_it_is():
    (found,) = changes_of(np.log(37), 0.0, ABOUT_ZERO, 0.5)
    assert found == Change(pytest.approx(37), 0.0, "")
    assert found.is_gross


def test_means_away_from_zero_say_more_exactly_what_a_gross_factor_is():
    assert changes_of(np.log(45), 6_000.0, FAR, 0.01)[0].factor == 60
    assert changes_of(np.log(45), 0.0, ABOUT_ZERO, 0.01)[0].factor == pytest.approx(45)


def test_scales_of_temperature_are_told_by_spread_and_mean_and_not_of_a_counter():
    to_fahrenheit, to_celsius, to_kelvins, _ = AFFINE
    hotter = changes_of(np.log(1.8), 53.6, CELSIUS, 0.05)
    assert to_fahrenheit in hotter
    assert to_celsius not in hotter
    same_spread = changes_of(0.0, 285.15, CELSIUS, 0.05)
    assert to_kelvins in same_spread
    assert to_fahrenheit not in same_spread
    assert changes_of(0.0, 285.15, usual_of(12, 8, by_day=5), 0.05) == []


def test_what_a_change_does_to_a_mean():
    assert AFFINE[0].moves(10.0) == 40.0  # 10 degrees Celsius are 50 degrees Fahrenheit
    assert AFFINE[2].moves(-5.0) == 273.15
    assert Change(1_000.0, 0.0, "").moves(2.0) == 1_998.0
    assert [Change(factor, 0.0, "").is_gross for factor in (0.125, 0.2, 7.9, 8.0)] == [True, False, False, True]
    assert not Change(10.0, 1.0, "").is_gross


@pytest.mark.parametrize(
    ("mean", "change", "fits"),
    [
        (285.15, AFFINE[2], True),
        (12.0, AFFINE[2], False),
        (1_000 * (12 + 2.9 * 8), Change(1_000.0, 0.0, ""), True),
        (1_000 * (12 + 3.1 * 8), Change(1_000.0, 0.0, ""), False),
    ],
)
def test_a_mean_agrees_that_the_reference_might_have_had_in_its_own_unit(mean: float, change: Change, fits: bool):
    assert agrees(mean, change, CELSIUS) == fits
