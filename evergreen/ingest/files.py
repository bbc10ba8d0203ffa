"""A CSV or Parquet file with one row per observation."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from evergreen.contract import Contract
from evergreen.errors import DataError


def observations(path: Path, contract: Contract) -> pd.DataFrame:
    """Return the rows of a file, its time column in UTC.

    Raises
    ------
    DataError if the file cannot be parsed, is empty, or its time column does not hold timestamps.
    """
    categories = {column.name: "str" for column in contract.columns if column.type == "category"}
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=categories)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise DataError(
            "DQ002",
            f"cannot be parsed: {error}",
            where=str(path),
            next_step="Check that the file is whole, and that its name ends in .csv or .parquet.",
        ) from error
    if table.empty:
        raise DataError("DQ007", "the table is empty", where=str(path), next_step="Put rows into the file.")
    if contract.time in table.columns:
        try:
            times = pd.to_datetime(table[contract.time])
            localized = times if times.dt.tz is not None else times.dt.tz_localize(contract.timezone)
            table[contract.time] = localized.dt.tz_convert("UTC")
        except (ValueError, TypeError, AttributeError) as error:
            raise DataError(
                "DQ002",
                f"column '{contract.time}' does not hold timestamps: {error}",
                where=str(path),
                next_step="Write them as ISO 8601, such as 2013-01-31T17:05:00Z.",
            ) from error
    for column in contract.columns:
        if column.type == "boolean" and column.name in table.columns:
            table[column.name] = _boolean(table[column.name], path)
    return table


def _boolean(values: "pd.Series", path: Path) -> "pd.Series":
    try:
        return (
            values.astype("boolean")
            if values.dtype != "str"
            else values.str.lower().map({"true": True, "false": False, "1": True, "0": False}).astype("boolean")
        )
    except (TypeError, ValueError) as error:
        raise DataError(
            "DQ002",
            f"column '{values.name}' does not hold booleans: {error}",
            where=str(path),
            next_step="Write true, false or nothing.",
        ) from error
