"""Which columns are named and filled like parts of a time."""

from typing import Any

import pytest

from evergreen.proposal.spellings import parts

RANGES = {
    "year": (2019.0, 2024.0),
    "month": (1.0, 12.0),
    "day": (1.0, 31.0),
    "hour": (0.0, 23.0),
    "minute": (0.0, 59.0),
}


def calendar(names: dict[str, str], **other: tuple[float, float]) -> tuple[str, ...]:
    ranges = {name: RANGES[part] for name, part in names.items()} | other
    kinds: dict[str, Any] = dict.fromkeys(ranges, "integer")
    return parts.calendar(kinds, ranges)


def test_calendar_is_found_by_names_of_any_fashion():
    assert calendar({"Year": "year", "Month": "month", "Day": "day"}) == ("Year", "Month", "Day")
    assert calendar({"yr": "year", "mo": "month", "dd": "day", "hr": "hour"}) == ("yr", "mo", "dd", "hr")
    pickup = {"pickup_day": "day", "pickup_month": "month", "pickup_year": "year", "pickup_hour": "hour"}
    assert calendar(pickup) == ("pickup_year", "pickup_month", "pickup_day", "pickup_hour")
    assert calendar({"year": "year", "month": "month"}) == ("year", "month")


@pytest.mark.parametrize(
    ("names", "other"),
    [
        ({"year": "year"}, {}),
        ({"birth_year": "year", "birth_month": "month"}, {}),  # whole names alone, without a day
        ({"year": "year", "month": "month"}, {"day": (1.0, 7.0)}),
        ({"month": "month", "day": "day"}, {"year": (0.0, 1.0)}),
        ({"year": "year"}, {"month": (1.0, 24.0), "day": (1.0, 31.0)}),
        ({"sale_year": "year", "sale_month": "month", "start_year": "year", "day": "day"}, {}),
    ],
)
def test_calendar_is_not_found_where_it_is_not_clear(names: dict[str, str], other: dict[str, tuple[float, float]]):
    assert calendar(names, **other) == ()


@pytest.mark.parametrize(
    "texts", [["18.00.00"], ["08:30", "9:45"], ["11:59 PM", "12:00 am"], ["7h30"], ["00:00:00.000"]]
)
def test_times_of_day_are_known(texts: list[str]):
    assert parts.is_clock(texts)


@pytest.mark.parametrize("texts", [[], ["18"], ["1:2"], ["10:30", "late"], ["2024-01-01 10:30"], ["3.5"]])
def test_other_texts_are_no_times_of_day(texts: list[str]):
    assert not parts.is_clock(texts)
