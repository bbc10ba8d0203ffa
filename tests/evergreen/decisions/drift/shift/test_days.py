"""The days of a reference and a window, and what explains a day's mean."""

from datetime import timedelta

import numpy as np
import pytest
from simulated import FIRST, period, profile_of

from evergreen.decisions.drift.shift.days import design, has_a_year, period_of


def test_days_without_rows_are_gaps_and_not_days():
    found = period([0, 5, 0, 0, 7, 3, 0])
    assert found.days == tuple(FIRST + timedelta(days=at) for at in (1, 4, 5))
    assert found.at.tolist() == [0, 3, 4]
    assert found.rows.tolist() == [5, 7, 3]
    assert found.length == 5
    assert found.on_every_day(np.array([[1.0, 2.0, 3.0]])).tolist() == [[1, 0, 0, 2, 3]]


def test_one_day_is_a_period():
    found = period([0, 4])
    assert (found.length, found.weights.tolist(), found.at.tolist()) == (1, [1.0], [0])


def test_days_of_many_rows_weigh_more_but_not_without_end():
    odd = period([10, 10, 10, 10, 10_000])
    assert odd.weights.sum() == pytest.approx(1)
    assert odd.weights[0] < odd.weights[4] < 0.99
    assert np.allclose(period([7] * 5).weights, 0.2)


def test_weekdays_are_taken_out_where_there_are_four_of_each():
    full, window = period([10] * 60), period([10] * 30)
    assert design(full, window, season=False)[0].shape == (60, 7)
    assert design(period([10] * 20), window, season=False)[0].shape == (20, 1)
    assert design(full, window, season=True)[0].shape == (60, 11)


def test_each_weekday_of_the_window_has_its_mean_in_the_reference():
    before, after = design(period([10] * 60), period([10] * 30), season=False)
    for weekday in range(7):
        monday_first = np.arange(60) % 7 == weekday
        assert before[monday_first].tolist() == [np.eye(7)[weekday].tolist()] * monday_first.sum()
    assert after.tolist() == before[:30].tolist()


def test_a_weekday_that_the_reference_has_not_leaves_one_mean_for_all():
    working = np.where(np.arange(60) % 7 < 5, 10, 0)
    assert design(period(working), period(working[:14]), season=False)[0].shape == (43 + 1, 5)
    before, after = design(period(working), period([10] * 7), season=False)
    assert before.tolist() == [[1.0]] * 44
    assert after.tolist() == [[1.0]] * 7


def test_the_waves_of_a_window_go_on_where_those_of_the_reference_end():
    rows = np.full(400, 10)
    whole = design(period(rows), period(rows), season=True)[0]
    later = period_of(profile_of(rows[365:], {}, {}, first=FIRST + timedelta(days=365)))
    before, after = design(period(rows[:365]), later, season=True)
    assert np.vstack([before, after]) == pytest.approx(whole)
    assert after[:, 7:] == pytest.approx(before[:35, 7:], abs=0.01)  # 365 days on, the year is where it was


def test_a_year_is_told_by_its_first_and_last_day_and_not_by_how_many_have_rows():
    sparse = np.where(np.arange(361) % 30 == 0, 10, 0)
    assert has_a_year(period(sparse))
    assert not has_a_year(period([10] * 359))
    assert has_a_year(period([10] * 360))
