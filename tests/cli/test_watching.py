"""Windows and times as people write them on the command line of `evergreen monitor`."""

from datetime import UTC, date, datetime

import pytest
from trips import TRIPS

from cli import watching
from evergreen.base.errors import ConfigError


def test_window_is_a_month_or_days_without_the_last():
    assert watching.period("2013-03") == (date(2013, 3, 1), date(2013, 4, 1))
    assert watching.period("2013-12-30..2014-01-02") == (date(2013, 12, 30), date(2014, 1, 2))


@pytest.mark.parametrize(
    "text", ["2013", "2013-13", "2013-03-01..", "2013-03-02..2013-03-02", "2013-03-02..2013-03-01", ".."]
)
def test_window_that_is_none_is_refused_with_how_to_write_it(text):
    with pytest.raises(ConfigError) as caught:
        watching.period(text)
    assert caught.value.code == "CFG015"
    assert "Write it as" in caught.value.next_step


def test_time_is_utc_unless_it_says_otherwise_and_now_without_one():
    assert watching.time("2013-04-15T12:00") == datetime(2013, 4, 15, 12, tzinfo=UTC)
    assert watching.time("2013-04-15T12:00+02:00") == datetime(2013, 4, 15, 10, tzinfo=UTC)
    before = datetime.now(UTC)
    assert before <= watching.time(None) <= datetime.now(UTC)


def test_time_that_is_yet_to_come_is_refused():
    with pytest.raises(ConfigError) as caught:
        watching.time("2999-01-01")
    assert (caught.value.code, caught.value.where) == ("MON003", "--as-of")


def test_last_whole_month_is_of_the_contracts_time_zone():
    assert TRIPS.timezone == "America/New_York"
    at = datetime(2024, 3, 1, 2, tzinfo=UTC)  # it is still February in New York
    assert watching.last_month(TRIPS, at) == (date(2024, 1, 1), date(2024, 2, 1))
    assert watching.last_month(TRIPS, datetime(2024, 3, 1, 6, tzinfo=UTC)) == (date(2024, 2, 1), date(2024, 3, 1))
