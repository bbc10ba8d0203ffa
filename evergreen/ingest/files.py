"""A CSV or Parquet file with one row per observation."""

import lzma
import zipfile
import zlib
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.contract import Contract
from evergreen.errors import DataError

# What the parsers, and the decompressors below them, raise on bytes that are not what the file's name says.
NOT_PARSED = (ValueError, OSError, EOFError, pa.ArrowException, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
OFFSET = r"\d:\d{2}.*(?:Z|[+-]\d{2}(?::?\d{2})?)$"


def observations(path: Path, contract: Contract) -> pd.DataFrame:
    """Return the rows of a file: categories as text, the time column in UTC, booleans as booleans.

    Raises
    ------
    DataError if the file cannot be parsed, is empty, or its time column does not hold timestamps.
    """
    categories = [column.name for column in contract.columns if column.type == "category"]
    try:
        table = _parquet(path, categories) if path.suffix.lower() == ".parquet" else _csv(path, categories)
    except NOT_PARSED as error:
        raise DataError(
            "DQ002",
            f"cannot be parsed: {str(error).partition(chr(10))[0]}",
            where=str(path),
            next_step="Check that the file is whole, and that its name ends in .csv or .parquet.",
        ) from error
    if table.empty:
        raise DataError("DQ007", "the table is empty", where=str(path), next_step="Put rows into the file.")
    for column in contract.columns:
        if column.name not in table.columns:
            continue
        if column.name == contract.time:
            table[column.name] = _instants(table[column.name], contract.timezone, path)
        elif column.type == "boolean":
            table[column.name] = _booleans(table[column.name], path)
    return table


def _csv(path: Path, categories: list[str]) -> pd.DataFrame:
    # low_memory would guess types chunk by chunk, and leave a column of numbers and text that cannot be written.
    # The default parser misses some numbers by a last digit; a row must score as the same row sent to the service.
    return pd.read_csv(path, dtype=dict.fromkeys(categories, "str"), low_memory=False, float_precision="round_trip")


def _parquet(path: Path, categories: list[str]) -> pd.DataFrame:
    table = pq.read_table(path)
    for name in categories:  # here, because pandas turns integers with nulls into 1.0
        if name in table.column_names and pa.types.is_integer(table.schema.field(name).type):
            index = table.column_names.index(name)
            table = table.set_column(index, name, table.column(name).cast(pa.string()))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)  # a column stays one, even if it was pandas' index
    return frame


def _instants(values: "pd.Series", zone: str, path: Path) -> "pd.Series":
    """Return instants in UTC; times without an offset are wall time in `zone`."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        known: pd.Series = values.dt.tz_convert("UTC").dt.as_unit("us")
        return known
    next_step = "Write them as ISO 8601, such as 2013-01-31T17:05:00Z."
    text = values.dropna().astype("str").str.strip()
    times = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    # A number reads as a year, or as nanoseconds since 1970: it is neither.
    wrong = text if pd.api.types.is_numeric_dtype(values.dtype) else text[times.isna()]
    if len(wrong):
        what = f"column '{values.name}' has {len(wrong)} of {len(values)} values that are not timestamps"
        raise DataError("DQ002", f"{what}, such as '{wrong.iloc[0]}'", where=str(path), next_step=next_step)
    with_offset = text.str.contains(OFFSET)
    if with_offset.any() and not with_offset.all():
        what = f"column '{values.name}' has times with an offset from UTC and {(~with_offset).sum()} without"
        raise DataError("DQ002", what, where=str(path), next_step=next_step)
    if not with_offset.any():
        try:
            times = times.dt.tz_localize(None).dt.tz_localize(zone).dt.tz_convert("UTC")
        except ValueError as error:  # the clocks change: that wall time was never, or twice
            what = f"column '{values.name}': {str(error).partition(',')[0]}, in {zone}"
            raise DataError("DQ002", what, where=str(path), next_step=next_step) from error
    return times.dt.as_unit("us").reindex(values.index)


def _booleans(values: "pd.Series", path: Path) -> "pd.Series":
    text = values.dropna().astype("str").str.strip().str.lower()
    text = text[text != ""]
    wrong = text[~text.isin(BOOLEANS)]
    if len(wrong):
        raise DataError(
            "DQ002",
            f"column '{values.name}' has {len(wrong)} of {len(values)} values that are not booleans, "
            f"such as '{values[wrong.index[0]]}'",
            where=str(path),
            next_step="Write true, false or nothing.",
        )
    return text.map(BOOLEANS).astype("boolean").reindex(values.index)
