"""Row-wise features: the same code for training, batch scoring and the service."""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from evergreen.base.values import Value
from evergreen.config import derived as declared
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features import derived

Frame = pd.DataFrame
NONE: Mapping[str, Frame] = MappingProxyType({})


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
    columns = (*contract.features, *declared.columns(contract, params))
    return Inputs(
        categorical=tuple(column.name for column in columns if column.type == "category"),
        numeric=tuple(column.name for column in columns if column.type not in ("category", "text")),
        text=tuple(column.name for column in columns if column.type == "text"),
    )


def build(rows: Frame, contract: Contract, params: FeatureParams, lookups: Mapping[str, Frame] = NONE) -> Frame:
    """Return the model's inputs, shape (n, features and derived), in the order of the contract and `declared.columns`.

    Nothing is fitted and no row sees another one, so a row has the same features alone and in a table. The order and
    the dtypes of the columns in `rows` do not matter; columns without the role feature or time are not read, but for
    those of `params.history`, which are missing where `rows` has none.

    Parameters
    ----------
    lookups : the tables of `params.lookups` by name, as `lookups.read` returns them.
    """
    needed = typed_columns(rows, contract, params)
    built = {column.name: needed[column.name] for column in contract.features}
    built |= derived.build(needed, _times(rows, contract, params), params, lookups, time=contract.time)
    for name in params.history:
        built[name] = (
            derived.finite(derived.numbers(rows[name])) if name in rows else pd.Series(float("nan"), index=rows.index)
        )
    return pd.DataFrame(built, index=rows.index)


def check_functions(rows: Frame, contract: Contract, params: FeatureParams) -> None:
    """Raise DataError if a function of the user's own gives one of some rows another value alone than among them."""
    given = pd.DataFrame(typed_columns(rows, contract, params), index=rows.index)
    derived.check_functions(given.assign(**dict(_times(rows, contract, params))), params)


def typed_columns(rows: Frame, contract: Contract, params: FeatureParams) -> dict[str, pd.Series]:
    """Return the features as the model takes them, and the time too where something is derived from it."""
    named = {name for pair in params.differences.values() for name in pair}
    return {
        column.name: typed(rows[column.name], column)
        for column in contract.request_columns
        if column.role == "feature" or column.name in named
    }


def local_time(rows: Frame, contract: Contract) -> "pd.Series[pd.Timestamp]":
    """Return the time column as wall time in the contract's time zone."""
    assert contract.time is not None
    return instants(rows[contract.time]).dt.tz_convert(contract.timezone)


def instants(values: pd.Series) -> "pd.Series[pd.Timestamp]":
    """Return times as instants in UTC; a number is a count of seconds, as `build` makes of a time."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return pd.to_datetime(values, unit="s", utc=True).dt.round("us")
    # Without the format, text is read as the first row looks, and rows with another precision fail.
    return pd.to_datetime(values, utc=True, format="ISO8601")


def typed(values: pd.Series, column: Column) -> pd.Series:
    """Return values as the model takes them: str, or float64 with times in seconds; typed twice is typed once."""
    if column.type in ("category", "text"):
        return values.astype("object").astype("str")
    if column.type == "timestamp" and not pd.api.types.is_numeric_dtype(values.dtype):
        return (instants(values) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return derived.numbers(values)


def _times(rows: Frame, contract: Contract, params: FeatureParams) -> Frame:
    """Return the times that calendar parts and functions are given, in the contract's time zone."""
    names = [contract.time] if contract.time and (params.calendar or params.cyclic or params.functions) else []
    names += [column.name for column in contract.features if params.functions and column.type == "timestamp"]
    local = {name: instants(rows[name]).dt.tz_convert(contract.timezone) for name in names}
    return pd.DataFrame(local, index=rows.index)
