"""DQ014: the newest row is too old."""

from datetime import date

import pytest
from validated import contract_of, stream


def fresh(zone="UTC", **about):
    time = {"name": "t", "type": "timestamp", "role": "time", "nullable": True}
    return contract_of(time, {"type": "number", "max": 5}, freshness_days=10, timezone=zone, **about)


def test_old_table_fires_with_its_age():
    found = stream({"t": ["2024-03-01", "2024-03-21T12:00:00Z"]}, fresh(), today=date(2024, 4, 1)).result("DQ014")

    assert (found.outcome, found.observed) == ("failed", 10.5)
    assert str(found) == (
        "DQ014 table: is not newer than 10 days (the newest row is of 2024-03-21 12:00 UTC, judged on 2024-04-01)"
    )


def test_rows_that_are_not_kept_make_no_table_fresh():
    run = stream({"t": ["2024-03-01", "2024-03-31"], "x": [1, 9]}, fresh(), today=date(2024, 4, 1))

    assert run.result("DQ014").outcome == "failed"
    assert str(run.validation.last_time) == "2024-03-01 00:00:00+00:00"


@pytest.mark.parametrize(("zone", "outcome"), [("UTC", "passed"), ("America/New_York", "failed")])
def test_day_begins_in_the_zone_of_the_contract(zone, outcome):
    rows = {"t": ["2024-03-22T00:00:00Z"]}

    assert stream(rows, fresh(zone), today=date(2024, 4, 1)).result("DQ014").outcome == outcome


def test_severity_is_the_contracts():
    contract = fresh(severity={"DQ014": "warn"})

    assert stream({"t": ["2023-01-01"]}, contract).result("DQ014").outcome == "warned"


def test_not_applicable_without_a_day_or_a_time():
    without_day = stream({"t": ["2024-03-01"]}, fresh(), today=None).result("DQ014")
    without_time = stream({"t": [None], "x": [1]}, fresh()).result("DQ014")

    assert (without_day.outcome, without_day.why) == ("not applicable", "no day was given")
    assert (without_time.outcome, without_time.why) == ("not applicable", "no row that is kept has a time")
