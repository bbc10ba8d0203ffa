"""Row-wise features: the same code for training, batch scoring and the service."""

from typing import Any

import pandas as pd

from evergreen.artifacts import Value
from evergreen.contract import Column, Contract
from evergreen.params import FeatureParams

Frame = pd.DataFrame


class Inputs(Value):
    """The names of the model's input columns by kind, each in the order of the table that `build` makes."""

    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    text: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All of them, kind by kind."""
        return [*self.categorical, *self.numeric, *self.text]


def inputs(contract: Contract, params: FeatureParams) -> Inputs:
    """Return what `build` makes of a table."""
    of_type = {column.name: column.type for column in contract.features}
    return Inputs(
        categorical=tuple(name for name, kind in of_type.items() if kind == "category"),
        numeric=(
            *(name for name, kind in of_type.items() if kind not in ("category", "text")),
            *(f"{contract.time}_{part}" for part in params.calendar),
        ),
        text=tuple(name for name, kind in of_type.items() if kind == "text"),
    )


def build(rows: Frame, contract: Contract, params: FeatureParams) -> Frame:
    """Return the model's inputs, shape (n, features + calendar parts), in the contract's order.

    Nothing is fitted and no row sees another one, so a row has the same features alone and in a table. The order and
    the dtypes of the columns in `rows` do not matter; columns without the role feature or time are not read.
    """
    built = {column.name: typed(rows[column.name], column) for column in contract.features}
    if params.calendar:
        local = local_time(rows, contract)
        built |= {f"{contract.time}_{part}": _calendar_part(local, part).astype("float64") for part in params.calendar}
    return pd.DataFrame(built, index=rows.index)


def local_time(rows: Frame, contract: Contract) -> "pd.Series[pd.Timestamp]":
    """Return the time column as wall time in the contract's time zone."""
    assert contract.time is not None
    return instants(rows[contract.time]).dt.tz_convert(contract.timezone)


def instants(values: pd.Series) -> "pd.Series[pd.Timestamp]":
    # Without the format, text is read as the first row looks, and rows with another precision fail.
    return pd.to_datetime(values, utc=True, format="ISO8601")


def _calendar_part(local: "pd.Series[pd.Timestamp]", part: str) -> "pd.Series[Any]":
    if part == "hour":
        return local.dt.hour + local.dt.minute / 60
    if part == "weekday":
        return local.dt.weekday  # Monday is 0
    return local.dt.month if part == "month" else local.dt.dayofyear


def typed(values: pd.Series, column: Column) -> pd.Series:
    if column.type in ("category", "text"):
        return values.astype("object").astype("str")
    if column.type == "timestamp":
        return (instants(values) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    if values.dtype == "object":
        values = values.where(values.notna(), float("nan"))  # pd.NA and NaT have no float
    return values.astype("float64")
