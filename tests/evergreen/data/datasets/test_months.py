"""Local months: whatever the clocks do at a month's end, as `zoneinfo` says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from versions import ASUNCION, NEW_YORK, ST_JOHNS, at

from evergreen.data.datasets.months import crosses, midnight, month_of, months_of

ZONES = ("UTC", NEW_YORK, ST_JOHNS, ASUNCION, "Asia/Kathmandu")
HOURLY = [datetime(year, 12, 31, tzinfo=UTC) + timedelta(hours=h) for year in (2012, 2044) for h in range(48)]


@pytest.mark.parametrize("zone", ZONES)
def test_months_of_times_are_those_of_their_wall_clocks(zone):
    times = pa.array([*HOURLY, None], pa.timestamp("us", "UTC"))
    local = [time.astimezone(ZoneInfo(zone)) for time in HOURLY]
    expected = [time.year * 12 + time.month - 1 for time in local]
    for last in (HOURLY[-1], HOURLY[47]):  # by pandas after 2037, by Arrow before
        some = times if last == HOURLY[-1] else times.slice(0, 48)
        found = months_of(some, last, zone).tolist()
        assert found == [*expected, -1][: len(some)]
    assert [month_of(time, zone) for time in HOURLY] == [f"{time:%Y-%m}" for time in local]


def test_day_begins_at_local_midnight():
    assert midnight(date(2013, 1, 1), NEW_YORK) == at("2013-01-01T05:00")
    assert midnight(date(2013, 7, 1), NEW_YORK, last=True) == at("2013-07-01T04:00")


def test_day_that_has_two_midnights_begins_at_the_first_and_at_the_last_where_that_is_asked():
    # St. John's set its clocks back at 00:01 until 2011: midnight came twice, an hour apart.
    day = date(2009, 11, 1)
    assert midnight(day, ST_JOHNS) == at("2009-11-01T02:30")
    assert midnight(day, ST_JOHNS, last=True) == at("2009-11-01T03:30")


def test_times_cross_where_they_may_leave_their_month():
    first, last = at("2013-01-01T05:00"), at("2013-02-01T05:00")
    inside = timedelta(microseconds=1)
    assert not crosses("2013-01", first, last - inside, NEW_YORK)
    assert crosses("2013-01", first, last, NEW_YORK)
    assert crosses("2013-01", first - inside, first, NEW_YORK)
