"""Row-wise features, the same code for training, batch scoring and the service, and the time split."""

from datetime import timedelta
from typing import Any

import pandas as pd

from evergreen.contract import Column, Contract
from evergreen.errors import DataError
from evergreen.params import FeatureParams

Frame = pd.DataFrame


def build(rows: Frame, contract: Contract, params: FeatureParams) -> Frame:
    """Return the model's inputs, shape (n, features + calendar parts), in the contract's order.

    Nothing is fitted and no row sees another one, so a row has the same features alone and in a table. The order and
    the dtypes of the columns in `rows` do not matter; columns without the role feature or time are not read.
    """
    built = {column.name: _typed(rows[column.name], column) for column in contract.features}
    local = _local(rows, contract)
    for part in params.calendar:
        built[f"{contract.time}_{part}"] = _calendar_part(local, part).astype("float64")
    return pd.DataFrame(built, index=rows.index)


def _local(rows: Frame, contract: Contract) -> "pd.Series[pd.Timestamp]":
    """Return the time column as wall time in the contract's time zone."""
    return _instants(rows[contract.time]).dt.tz_convert(contract.timezone)


def _instants(values: pd.Series) -> "pd.Series[pd.Timestamp]":
    # Without the format, text is read as the first row looks, and rows with another precision fail.
    return pd.to_datetime(values, utc=True, format="ISO8601")


def _calendar_part(local: "pd.Series[pd.Timestamp]", part: str) -> "pd.Series[Any]":
    if part == "hour":
        return local.dt.hour + local.dt.minute / 60
    if part == "weekday":
        return local.dt.weekday  # Monday is 0
    return local.dt.month if part == "month" else local.dt.dayofyear


def columns_by_kind(contract: Contract, params: FeatureParams) -> tuple[list[str], list[str]]:
    """Return the names of the categorical and of the numeric inputs that `build` makes, in its order."""
    categorical = [column.name for column in contract.features if column.type == "category"]
    numeric = [column.name for column in contract.features if column.type != "category"]
    return categorical, numeric + [f"{contract.time}_{part}" for part in params.calendar]


def _typed(values: pd.Series, column: Column) -> pd.Series:
    if column.type == "category":
        return values.astype("object").astype("str")
    if column.type == "timestamp":
        return (_instants(values) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    if values.dtype == "object":
        values = values.where(values.notna(), float("nan"))  # pd.NA and NaT have no float
    return values.astype("float64")


def labelled(rows: Frame, contract: Contract) -> Frame:
    """Return the rows whose target is known."""
    return rows[rows[contract.target].notna()]


def split_by_time(rows: Frame, contract: Contract, params: FeatureParams) -> tuple[Frame, Frame]:
    """Return train and test rows: the last `test_days` local days are test, `embargo_days` before them are in neither.

    Both are sorted by time, then by key.

    Raises
    ------
    DataError if either side is empty or its target has one class only.
    """
    rows = rows.sort_values([contract.time, *contract.key], kind="stable").reset_index(drop=True)
    if rows.empty:
        raise DataError(
            "DQ007",
            "no labelled rows to split",
            where=contract.name,
            next_step="Widen ingest.start and ingest.end, or check the target column.",
        )
    days = _local(rows, contract).dt.date
    first_test = days.max() - timedelta(days=params.test_days - 1)
    train = rows[days < first_test - timedelta(days=params.embargo_days)]
    test = rows[days >= first_test].reset_index(drop=True)
    for side, part in (("train", train), ("test", test)):
        classes = part[contract.target].dropna().unique()
        if len(classes) < 2:
            found = f"{len(part)} rows with the one class {classes[0]}" if len(classes) else "0 labelled rows"
            raise DataError(
                "DQ009",
                f"cutoff {first_test} leaves {found} in {side}; data runs from {days.min()} to {days.max()}",
                where=f"features.test_days = {params.test_days}",
                next_step="Change features.test_days, or ingest a longer period.",
            )
    return train, test
