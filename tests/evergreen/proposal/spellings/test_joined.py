"""A time in several columns is joined where it is clear, and only there."""

from typing import Any

import pandas as pd
import pytest
from proposals import column, frame, proposed

HOURS = pd.date_range("2021-01-01", periods=600, freq="h")
DAY = HOURS.strftime("%d/%m/%Y")


@pytest.mark.parametrize(
    ("columns", "parts"),
    [
        ({"Date": DAY, "Time": HOURS.strftime("%H.%M.%S")}, ("Date", "Time")),
        ({"Date": DAY, "Hour": HOURS.hour}, ("Date", "Hour")),
        ({"d": HOURS.strftime("%m/%d/%Y"), "t": HOURS.strftime("%I:%M %p")}, ("d", "t")),
        ({"dteday": HOURS.strftime("%Y-%m-%d"), "hr": HOURS.hour}, ("dteday", "hr")),
        ({"day": HOURS.strftime("%Y%m%d"), "hour": HOURS.hour, "minute": HOURS.minute + 5}, ("day", "hour")),
        (
            {"year": HOURS.year, "month": HOURS.month, "day": HOURS.day, "hour": HOURS.hour},
            ("year", "month", "day", "hour"),
        ),
        ({"yr": HOURS.year, "mo": HOURS.month, "dd": HOURS.day}, ("yr", "mo", "dd")),
        ({"year": HOURS.year, "month": HOURS.strftime("%m"), "day": HOURS.strftime("%d")}, ("year", "month", "day")),
        ({"Date": DAY, "Hour": HOURS.strftime("%H")}, ("Date", "Hour")),
        ({"year": HOURS.year, "month": HOURS.strftime("%b"), "day": HOURS.day}, ("year", "month", "day")),
        ({"Jahr": HOURS.year, "Monat": HOURS.month, "Tag": HOURS.day}, ("Jahr", "Monat", "Tag")),
    ],
)
def test_parts_of_a_time_are_joined(columns: dict[str, Any], parts: tuple[str, ...]):
    proposal = proposed(frame(**columns), target="target")
    joined = column(proposal, "observed_at")
    assert (joined.type, joined.role, joined.parts) == ("timestamp", "time", parts)
    assert proposal.params.features.test_days is not None
    assert column(proposal, parts[0]).role == "ignore"


def test_year_and_month_alone_are_a_time():
    months = pd.date_range("1960-01-01", periods=600, freq="MS")
    proposal = proposed(frame(year=months.year, month=months.month), target="target")
    assert column(proposal, "observed_at").parts == ("year", "month")


def test_a_joined_time_takes_a_name_that_is_free():
    proposal = proposed(frame(Date=DAY, Hour=HOURS.hour, observed_at="here"), target="target")
    assert proposal.contract.time == "observed_at_2"


@pytest.mark.parametrize(
    "columns",
    [
        {"at": HOURS.strftime("%Y-%m-%dT%H:%M:%SZ"), "day": DAY, "hour": HOURS.hour},  # there is a time
        {"year": [2021, 2022] * 300, "month": [13, 1] * 300, "day": [1, 2] * 300},
        {"year": [2021] * 600, "month": [2] * 600, "day": [30, 31] * 300},  # off the calendar
        {"hour": HOURS.hour},
        {"start_hour": HOURS.hour, "words": ["a", "b"] * 300},
    ],
)
def test_nothing_is_joined_where_there_is_no_need_or_no_time(columns: dict[str, Any]):
    assert not [c for c in proposed(frame(**columns), target="target").contract.columns if c.parts]


def test_two_dates_or_two_hours_are_only_noted():
    ended = (HOURS + pd.Timedelta(days=40)).strftime("%d/%m/%Y")
    proposal = proposed(frame(first=DAY, second=ended, hour=HOURS.hour), target="target")
    assert not [c for c in proposal.contract.columns if c.parts]
    assert any("parts: [first, hour]" in note for note in proposal.review)
