"""Which spelling of a time is found: the one that every text has, and none where two would do."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import conform
from evergreen.proposal.spellings import times
from evergreen.proposal.spellings.told import Told

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = pd.date_range("2021-03-01 00:00", "2022-02-01", freq="5D5h7min")
EARLY = pd.to_datetime([f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 13)])


def read(texts: Sequence[str], spelling: str | None) -> pa.Array:
    column = Column(name="at", type="timestamp", role="ignore", spelling=spelling, nullable=True)
    return conform(pa.RecordBatch.from_pydict({"at": list(texts)}), [column], zone="UTC").column("at")


def told(texts: Sequence[str], counts: Sequence[int] | None = None) -> Told | None:
    texts = list(dict.fromkeys(texts))
    weights = np.ones(len(texts), np.int64) if counts is None else np.array(counts)
    return times.told(texts, weights, read=lambda spelling: read(texts, spelling), now=NOW)


@pytest.mark.parametrize(
    "spelling",
    [
        "%d/%m/%Y", "%m/%d/%Y %H:%M", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%y", "%B %d, %Y", "%b %d %Y", "%Y.%m.%d",
        "%d %b %Y %H:%M:%S", "%d-%b-%y", "%d-%b-%Y", "%d%b%Y", "%A, %B %d, %Y", "%m/%d/%Y %I:%M:%S %p", "%Y%m%d %H:%M",
        "%Y-%m-%dT%H.%M.%S", "%d. %B %Y", "%a %b %d %H:%M:%S %Y", "%Y-%b-%d", "%d/%m/%Y %H.%M.%S", "%Y%m%dT%H%M%S",
        "%Y%m%dT%H%M", "%Y-%m-%d %H:%M:%S,%f", "%b-%y", "%b '%y", "%d/%b/%Y:%H:%M:%S",
        "%Y年%m月%d日", "%Y년 %m월 %d일", "%d.%m.%Y, %H:%M Uhr", "%d/%m/%Y %Hh%M", "%m/%d/%Y, %I:%M:%S\u202f%p",
    ],
)  # fmt: skip
def test_times_of_one_spelling_are_read_as_they_were_written(spelling: str):
    texts = [day.strftime(spelling) for day in DAYS]
    found = told(texts)
    assert found is not None
    assert found.type == "timestamp"
    wanted = pd.to_datetime(pd.Series(texts), format=spelling, utc=True).to_list()
    assert read(texts, found.spelling if isinstance(found.spelling, str) else None).to_pylist() == wanted


@pytest.mark.parametrize("spelling", ["%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d"])
def test_times_that_are_read_anyway_need_no_spelling(spelling: str):
    found = told([day.strftime(spelling) for day in DAYS])
    assert found == Told("timestamp", is_date=True)


def test_times_without_zeros_in_front_are_read():
    assert told([f"{day.year}-{day.month}-{day.day}" for day in DAYS]) == Told("timestamp", is_date=True)
    found = told([f"{day.month}/{day.day}/{day.year} {day.hour}:{day.minute:02}" for day in DAYS])
    assert found is not None
    assert found.spelling == "%m/%d/%Y %H:%M"


@pytest.mark.parametrize(
    ("ending", "written"),
    [
        (" UTC", "%Y-%m-%d %H:%M:%S"),
        (" GMT", "%d/%m/%Y %H:%M"),
        (" +0200", "%d/%b/%Y:%H:%M:%S"),
        (" +0000", "%a, %d %b %Y %H:%M:%S"),
        (" GMT", "%a, %d %b %Y %H:%M:%S"),
    ],
)
def test_times_that_say_their_offset_keep_it(ending: str, written: str):
    found = told([day.strftime(written) + ending for day in DAYS])
    assert found is not None
    assert found.type == "timestamp"
    there, here = (
        conform(
            pa.RecordBatch.from_pydict({"at": [DAYS[3].strftime(written) + ending]}), [found.column("at")], zone=zone
        )["at"].to_pylist()
        for zone in ("America/New_York", "UTC")
    )
    assert there == here
    assert here == [pd.Timestamp(DAYS[3]).floor("min" if "%S" not in written else "s").tz_localize(
        "Etc/GMT-2" if "+0200" in ending else "UTC"
    )]  # fmt: skip


@pytest.mark.parametrize("spelling", ["%d/%m/%Y", "%m-%d-%Y", "%d-%m-%y", "%m/%d/%Y %H:%M"])
def test_times_whose_day_and_month_could_change_places_are_only_noted(spelling: str):
    found = told([day.strftime(spelling) for day in EARLY])
    assert found is not None
    assert found.type is None
    assert found.is_date
    assert "day first from month first" in found.notes[0]
    assert spelling.split()[0] in found.notes[0]


def test_dots_are_taken_as_day_first_and_it_is_said():
    found = told([day.strftime("%d.%m.%Y") for day in EARLY])
    assert found is not None
    assert found.spelling == "%d.%m.%Y"
    assert "'%m.%d.%Y'" in found.notes[0]


def test_months_stand_for_their_first_day():
    texts = [f"{1949 + n // 12}-{n % 12 + 1:02}" for n in range(40)]
    found = told(texts)
    assert found is not None
    assert found.spelling == "%Y-%m"
    assert "first day" in found.notes[0]
    assert [at.isoformat() for at in read(texts[:2], "%Y-%m").to_pylist()] == [
        "1949-01-01T00:00:00+00:00", "1949-02-01T00:00:00+00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["31/12/2024", "12/31/2024", "01/02/2024"], "change places"),
        (["2024/12/31", "05.01.2024", "31.01.2024"], "several spellings"),
        (["5. Januar 2024", "6. März 2024"], "not English"),
        (["2024-Q1", "2024-Q2"], "quarters"),
        (["2024-01-05 10:00:00 EST", "2024-02-15 10:00:00 EST"], "read as text"),
        (["2024-13-31", "2024-31-12"], "read as text"),
        (['{"$date":"2024-01-03T08:05:00Z"}', '{"$date":"2024-01-04T08:05:00Z"}'], "read as text"),
        (["/Date(1704269100000)/", "/Date(1704269100001+0100)/"], "read as text"),
        (["Wed Jan 03 2024 08:05:00 GMT+0100 (Central European Standard Time)"], "read as text"),
        ([day.strftime("%Y-%j") for day in DAYS], "days of a year"),
        ([day.strftime("%Y%j") for day in DAYS], "days of a year"),
    ],
)
def test_times_that_cannot_be_read_are_noted_with_what_to_do(texts: list[str], said: str):
    found = told(texts)
    assert found is not None
    assert found.type is None
    assert found.is_date
    assert said in found.notes[0]
    assert ";" in found.notes[0]
    assert found.fault
    assert found.remedy


@pytest.mark.parametrize(
    "texts",
    [
        ["2009-10", "2010-11", "2011-12", "2012-13"],
        [f"2024-{n:03}" for n in range(1, 20)],
        [f"2024-{n:03}" for n in range(1, 900)],
        ["basic", "plus"],
        ["1.2.3", "1.2.4"],
        ["1/2", "3/4"],
        ["10.1.1.2", "10.1.1.3"],
        ["555-123-4567", "555-123-4568"],
        ["May", "June"],
        ["18-25", "26-35"],
    ],
)
def test_what_is_no_time_is_left_alone(texts: list[str]):
    assert told(texts) is None


def test_a_few_other_texts_do_not_hide_a_spelling_and_many_do():
    texts = [day.strftime("%d/%m/%Y") for day in DAYS]
    found = told([*texts, "10 weeks"])
    assert found is not None
    assert found.spelling == "%d/%m/%Y"
    many = told([*texts, "10 weeks"], [1] * len(texts) + [len(texts)])
    assert many is None or many.type is None


def test_two_digits_are_no_year_to_come():
    found = told(["04/05/45", "05/06/61", "25/12/50"])
    assert found is None or found.type is None


def test_what_is_shown_of_a_spelling_is_spelled_so():
    found = told(["[UTC]", *(day.strftime("%d.%m.%Y %H:%M") for day in DAYS)])
    assert found is not None
    assert DAYS[0].strftime("'%d.%m.%Y %H:%M'") in found.notes[0]


def test_times_with_an_offset_before_the_year_are_read():
    texts = [day.strftime("%a %b %d %H:%M:%S +0100 %Y") for day in DAYS]
    found = told(texts)
    assert found is not None
    assert found.spelling == "%a %b %d %H:%M:%S %z %Y"
    assert read(texts, found.spelling).to_pylist() == [day.tz_localize("Etc/GMT-1") for day in DAYS.floor("s")]


def test_halves_of_a_day_are_read_as_spaniards_write_them():
    texts = [day.strftime("%d/%m/%Y %I:%M ") + ("a. m." if day.hour < 12 else "p.\u00a0m.") for day in DAYS]
    found = told(texts)
    assert found is not None
    assert found.spelling == "%d/%m/%Y %I:%M %p"
    assert read(texts, found.spelling).to_pylist() == [day.tz_localize("UTC") for day in DAYS]
