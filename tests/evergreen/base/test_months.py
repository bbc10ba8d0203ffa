"""Months of the calendar."""

from calendar import monthrange
from datetime import date, timedelta

import pytest

from evergreen.base.months import following, span


@pytest.mark.parametrize("year", [1999, 2000, 2023, 2024])
def test_months_of_a_year_follow_each_other_without_a_gap(year):
    for month in range(1, 13):
        first, after = span(f"{year}-{month:02d}")
        assert (first.year, first.month, first.day, after.day) == (year, month, 1, 1)
        assert after - first == timedelta(days=monthrange(year, month)[1])


def test_every_day_of_a_month_is_followed_by_the_same_first_day():
    assert {following(date(2024, 2, day)) for day in range(1, 30)} == {date(2024, 3, 1)}
    assert following(date(2024, 12, 31)) == date(2025, 1, 1)


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024", "March", "", "2024-03-01"])
def test_text_that_is_no_month_is_refused(text):
    with pytest.raises(ValueError, match=r"isoformat|month"):
        span(text)
