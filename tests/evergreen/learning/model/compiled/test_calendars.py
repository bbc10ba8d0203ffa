"""Wall time: as pandas tells it, alone and among others."""

import numpy as np
import pandas as pd
import pytest

from evergreen.learning.model.compiled import calendars
from evergreen.learning.model.compiled.plan import Calendar

ZONES = ["UTC", "America/New_York", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Monrovia"]
RNG = np.random.default_rng(4)
INSTANTS = np.concatenate(
    [
        RNG.integers(-9_214_560_000_000_000, 9_214_646_400_000_000, 400),  # 1678 to 2262
        RNG.integers(1_300_000_000_000_000, 1_700_000_000_000_000, 400),
        np.array([1_362_898_800, 1_362_898_799, 1_383_458_400, 63_593_070, 0, -1, 1_330_473_600]) * 1_000_000,
    ]
)


def local(zone):
    return pd.Series(pd.to_datetime(INSTANTS, unit="us", utc=True)).dt.tz_convert(zone)


@pytest.mark.parametrize("zone", ZONES)
def test_distance_from_utc_is_that_of_pandas(zone):
    wall = local(zone).dt.tz_localize(None).dt.as_unit("us").astype("int64").to_numpy()
    asked = calendars.Zone(zone)

    np.testing.assert_array_equal(asked.offsets(INSTANTS), wall - INSTANTS)
    assert [calendars.Zone(zone).offset(each) for each in INSTANTS.tolist()] == (wall - INSTANTS).tolist()
    assert asked.offsets(INSTANTS[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("zone", "begin"),
    [("America/New_York", "2013-01-01"), ("Australia/Lord_Howe", "2013-01-01"), ("Africa/Monrovia", "1971-01-01")],
)
def test_distance_changes_within_a_day_at_the_very_microsecond(zone, begin):
    starts = np.arange(500) * calendars.DAY + pd.Timestamp(begin).value // 1_000
    minutes = (starts[:, None] + np.arange(0, calendars.DAY, 15 * calendars.MINUTE)).ravel()
    instants = np.concatenate([minutes - 1, minutes, [63_593_069_999_999, 63_593_070_000_000]])
    times = pd.Series(pd.to_datetime(instants, unit="us", utc=True)).dt.tz_convert(zone)
    expected = times.dt.tz_localize(None).dt.as_unit("us").astype("int64").to_numpy() - instants

    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(calendars.Zone(zone).offsets(instants), expected)
    asked = calendars.Zone(zone)
    assert [asked.offset(each) for each in instants.tolist()] == expected.tolist()


def test_days_are_remembered_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(calendars, "MOST_DAYS", 10)
    zone = calendars.Zone("Europe/Paris")
    found = [zone.offset(day * calendars.DAY) for day in range(80)]

    assert found == [calendars.HOUR] * 80
    assert len(zone._days) <= 10


@pytest.mark.parametrize(("part", "period"), [("hour", 24), ("weekday", 7), ("month", 12), ("day_of_year", 366)])
@pytest.mark.parametrize("wave", ["", "sin", "cos"])
def test_parts_and_waves_are_those_that_features_make(part, period, wave):
    times = local("America/New_York").dt
    parts = {
        "hour": times.hour + times.minute / 60,
        "weekday": times.weekday,
        "month": times.month,
        "day_of_year": times.dayofyear,
    }
    expected = parts[part].astype("float64").to_numpy()
    if wave:
        turn = 2 * np.pi * expected / period
        expected = np.sin(turn) if wave == "sin" else np.cos(turn)
    wall = INSTANTS + calendars.Zone("America/New_York").offsets(INSTANTS)
    table, number = calendars.table(Calendar(part, period, wave)), calendars.number_of(part)

    np.testing.assert_array_equal(table[calendars.numbers_of(part, wall)], expected)
    np.testing.assert_array_equal([table[number(each)] for each in wall.tolist()], expected)
