"""Numbers that spell times, told by range, by the calendar and by name."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.spellings import codes
from evergreen.proposal.spellings.told import Told

HOURS = pd.date_range("2021-01-01", periods=900, freq="h")
SECONDS = HOURS.astype("datetime64[s]").astype("int64").to_numpy()


def told(name: str, values: object, *, typed: bool = False) -> Told | None:
    array = pa.array(values) if typed else pa.array([str(value) for value in values])  # type: ignore[attr-defined]
    seen = ColumnProfile(name)
    seen.add(array)
    return codes.times_in_numbers(seen, array)


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(
    ("name", "factor", "unit"),
    [
        ("ts", 1, "seconds"),
        ("timestamp", 10**3, "milliseconds"),
        ("created_utc", 10**6, "microseconds"),
        ("eventTime", 10**9, "nanoseconds"),
    ],
)
def test_epochs_are_told_by_range_and_name(name: str, factor: int, unit: str, typed: bool):
    found = told(name, SECONDS * factor, typed=typed)
    assert found is not None
    assert (found.type, found.spelling) == ("timestamp", f"epoch {unit}")


def test_epochs_without_a_name_are_only_noted_and_only_where_they_rise():
    found = told("t0", SECONDS)
    assert found is not None
    assert found.type is None
    assert found.is_date
    assert "epoch seconds" in found.notes[0]
    assert told("t0", np.random.default_rng(0).permutation(SECONDS)) is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("order_id", SECONDS),
        ("duration_ns", SECONDS * 10**9),
        ("date", np.arange(900)),
        ("time", np.arange(900) * 10**7),
        ("at", np.arange(900) + 500_000_000),
    ],
)
def test_other_numbers_are_no_epochs(name: str, values: np.ndarray):
    assert told(name, values) is None


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize(
    ("name", "spelling"),
    [("date", "%Y%m%d"), ("n", "%Y%m%d"), ("ts", "%Y%m%d%H%M%S"), ("when", "%Y%m%d%H"), ("month", "%Y%m")],
)
def test_dates_without_separators_are_told_by_the_calendar(name: str, spelling: str, typed: bool):
    days = pd.date_range("2015-01-01", periods=400, freq="3D" if spelling != "%Y%m" else "MS")
    values = np.array([int(day.strftime(spelling)) for day in days[:300]])
    found = told(name, values, typed=typed)
    assert found is not None
    assert (found.type, found.spelling) == ("timestamp", spelling)


def test_few_dates_without_a_name_are_only_noted():
    found = told("lot", [20240101 + n % 28 for n in range(300)])
    assert found is not None
    assert found.type is None
    assert "%Y%m%d" in found.notes[0]


@pytest.mark.parametrize(
    "values", [np.arange(20240101, 20240140), np.array([20240230, 20240101] * 50), np.arange(1, 99)]
)
def test_numbers_off_the_calendar_are_no_dates(values: np.ndarray):
    assert told("date", values) is None


def test_dots_between_thousands_are_noted_and_read_where_a_person_says_so():
    texts = ["1.250", "900", "12.300", "2.400", "3.000", "1.999"]
    noted, read = (codes.grouped_by_dots(texts, decimal=decimal) for decimal in (None, ","))
    assert noted is not None
    assert noted.type is None
    assert "1.25;" in noted.notes[0]
    assert read is not None
    assert read.type == "number"


@pytest.mark.parametrize(
    "texts",
    [
        ["1.250", "900", "12.3", "2.400", "3.000", "1.999"],
        ["1.250", "0.900", "12.300", "2.400", "3.000", "1.999"],
        ["1.250", "1500", "12.300", "2.400", "3.000", "1.999"],
    ],
)
def test_fractions_are_no_thousands(texts: list[str]):
    assert codes.grouped_by_dots(texts, decimal=None) is None


@pytest.mark.parametrize(
    ("name", "first", "since"), [("Date", 45_294.25, "workbooks"), ("visit_dt", 23_378, "SAS"), ("day", 19_725, "R")]
)
def test_days_that_programs_count_are_noted_under_the_name_of_a_date(name: str, first: float, since: str):
    found = told(name, np.arange(200) + first)
    assert found is not None
    assert (found.type, found.is_date) == (None, True)
    assert since in found.notes[0]
    assert told("price", np.arange(200) + first) is None
