"""The hour of a row's time as pandas has it, in the zone of the contract."""

import pandas as pd
import pyarrow as pa
import pytest

from evergreen.decisions.drift.profile.clock import hour_of, with_hour

AT = pd.date_range("2024-03-09T22:17", periods=200, freq="37min", tz="UTC")  # clocks change on 10 March in New York


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_hour_is_that_of_local_time(zone):
    rows = pa.RecordBatch.from_pydict({"at": pa.array(AT, pa.timestamp("us", "UTC")), "x": range(200)})
    timed = with_hour(rows, "at", zone)
    assert timed.column(hour_of("at")).to_pylist() == [f"{hour:02d}" for hour in AT.tz_convert(zone).hour]
    assert timed.schema.names == ["at", "x", "hour of at"]


@pytest.mark.parametrize("times", [pa.array(["2024-03-01"]), pa.array([1, 2]), pa.array([0], pa.timestamp("us"))])
def test_rows_without_such_a_time_stay_as_they_are(times):
    rows = pa.RecordBatch.from_pydict({"at": times})
    assert with_hour(rows, "at", "UTC").equals(rows)
    assert with_hour(rows, "elsewhen", "UTC").equals(rows)
