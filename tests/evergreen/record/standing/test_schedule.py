"""The next time of a schedule, in its own time zone: over changes of the clock too, and none where there is none."""

from datetime import UTC, datetime

import pytest

from evergreen.record.standing.schedule import next_time


@pytest.mark.parametrize(
    ("cron", "zone", "after", "due"),
    [
        ("0 2 * * *", "UTC", "2026-03-02T01:59", "2026-03-02T02:00"),
        ("0 2 * * *", "UTC", "2026-03-02T02:00", "2026-03-03T02:00"),  # later than it, never at it
        ("0 2 * * *", "America/New_York", "2026-03-02T06:59", "2026-03-02T07:00"),
        ("0 2 * * *", "America/New_York", "2026-07-02T06:01", "2026-07-03T06:00"),
        ("0 5 * * 1", "UTC", "2026-03-02T06:00", "2026-03-09T05:00"),  # Mondays
        ("30 2 * * *", "Europe/Paris", "2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 was left out that night
    ],
)
def test_next_time_is_the_first_later_one_on_the_clock_of_its_zone(cron, zone, after, due):
    found = next_time(cron, zone, after=datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert str(found.tzinfo) == zone


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "", "at noon", "61 * * * *"])
def test_schedule_that_names_no_time_has_no_next_one(cron):
    assert next_time(cron, "UTC", after=datetime(2026, 3, 2, tzinfo=UTC)) is None
