"""Days and names as people write them."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.record.standing.words import day, few, period

DAYS = st.dates(date(2000, 1, 1), date(2099, 1, 1))


@given(DAYS)
def test_day_is_read_back(at):
    assert datetime.strptime(day(at), "%d %b %Y").date() == at


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2024-02-01", "2024-03-01", "Feb 2024"),
        ("2024-12-01", "2025-01-01", "Dec 2024"),
        ("2024-02-01", "2024-02-29", "1 to 28 Feb 2024"),
        ("2024-02-05", "2024-02-06", "5 Feb 2024"),
        ("2024-02-26", "2024-03-04", "26 Feb 2024 to 3 Mar 2024"),
        ("2024-12-30", "2025-01-06", "30 Dec 2024 to 5 Jan 2025"),
        ("2024-02-01", "2024-04-01", "1 Feb 2024 to 31 Mar 2024"),
    ],
)
def test_period_is_a_month_a_day_or_from_its_first_to_its_last_day(start, end, said):
    assert period(date.fromisoformat(start), date.fromisoformat(end)) == said


@given(DAYS, st.integers(1, 800))
def test_two_periods_are_not_called_the_same(start, n):
    end = start + timedelta(days=n)
    assert period(start, end) != period(start, end + timedelta(days=1))
    assert period(start, end) != period(start + timedelta(days=1), end + timedelta(days=1))


def test_names_are_counted_rather_than_listed_where_there_are_many():
    assert [few(["a", "b", "c", "d"][:n]) for n in range(5)] == ["", "a", "a, b", "a, b and 1 more", "a, b and 2 more"]
