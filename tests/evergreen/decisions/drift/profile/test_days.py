"""Local days against the standard library, a second around every change of a clock or a day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from profiled import ZONES

from evergreen.decisions.drift.profile.days import FIRST, LAST, LocalDays

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND, HOUR = 1_000_000, 3_600_000_000


def by_the_book(times: np.ndarray, zone: str) -> list[int]:
    days = [(EPOCH + timedelta(microseconds=int(time))).astimezone(ZoneInfo(zone)).date() for time in times]
    return [(day - date(1970, 1, 1)).days for day in days]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [1931, 1969, 2006, 2011, 2013, 2050])
def test_days_are_those_of_the_standard_library(zone, year):
    begin = (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    half_hours = begin + np.arange(366 * 48, dtype=np.int64) * HOUR // 2
    times = np.concatenate([half_hours - SECOND, half_hours, half_hours + SECOND])[::3]
    assert LocalDays(zone).of(times).tolist() == by_the_book(times, zone)


def test_a_clock_set_back_over_midnight_gives_the_day_before_once_more():
    midnight = (datetime(2006, 10, 29, 2, 30, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # 0:00 in St. John's
    minutes = midnight + np.arange(-2, 70) * 60 * SECOND
    found = LocalDays("America/St_Johns").of(minutes)
    assert found.tolist() == by_the_book(minutes, "America/St_Johns")
    assert np.diff(found).tolist().count(-1) == 1


def test_what_was_asked_before_does_not_change_the_answer():
    rng = np.random.default_rng(1)
    days = LocalDays("America/New_York")
    for center in (0, 2_000, -3_000, 90_000, 100):
        times = center * 24 * HOUR + rng.integers(-(40 * 24 * HOUR), 40 * 24 * HOUR, 500)
        assert days.of(times).tolist() == by_the_book(times, "America/New_York")


def test_the_ends_of_the_calendar_are_days():
    found = LocalDays("Pacific/Apia").of(np.array([FIRST, LAST - 1]))
    assert [(date(1970, 1, 1) + timedelta(days=int(day))).year for day in found] == [1, 9999]
    assert LocalDays("UTC").of(np.empty(0, np.int64)).tolist() == []
