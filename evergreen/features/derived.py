"""What is derived from a row's own values: calendar parts, ratios, differences, buckets, lookups, own functions."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from evergreen import own_code
from evergreen.errors import DataError
from evergreen.params import CalendarPart, FeatureParams

Frame = pd.DataFrame
PERIODS: Mapping[CalendarPart, int] = {"hour": 24, "weekday": 7, "month": 12, "day_of_year": 366}


def build(
    typed: Mapping[str, pd.Series],
    times: Frame,
    params: FeatureParams,
    lookups: Mapping[str, Frame],
    *,
    time: str | None,
) -> Iterator[tuple[str, pd.Series]]:
    """Yield the derived columns by name.

    Parameters
    ----------
    typed : the columns of the contract as the model takes them, times in seconds.
    times : those of type timestamp, in the contract's time zone.
    lookups : by name, each with the key as its index.
    """
    for part in params.calendar:
        yield f"{time}_{part}", _calendar_part(times[time], part).astype("float64")
    for part in params.cyclic:
        turn = 2 * np.pi * _calendar_part(times[time], part).astype("float64") / PERIODS[part]
        yield f"{time}_{part}_sin", pd.Series(np.sin(turn))
        yield f"{time}_{part}_cos", pd.Series(np.cos(turn))
    for name, (above, below) in params.ratios.items():
        yield name, finite(typed[above] / typed[below])
    for name, (left, right) in params.differences.items():
        yield name, finite(typed[left] - typed[right])
    for name, buckets in params.buckets.items():
        values = typed[buckets.of]
        codes = np.searchsorted(buckets.edges, values, side="right").astype("float64")
        yield name, pd.Series(codes, index=values.index).where(values.notna())
    for name, lookup in params.lookups.items():
        found = lookups[name].reindex(typed[lookup.by].array)
        for column in (*lookup.numeric, *lookup.categorical):
            yield f"{name}_{column}", pd.Series(found[column].array, index=typed[lookup.by].index)
    if params.functions:
        rows = pd.DataFrame({**typed, **{str(name): values for name, values in times.items()}})
        for path in params.functions:
            yield from call(path, rows)


def call(path: str, rows: Frame) -> Iterator[tuple[str, pd.Series]]:
    """Yield the columns that a function of the user's own returns for rows.

    Raises
    ------
    DataError if it raises, or returns anything but the columns that it declares, row by row.
    """
    function = own_code.load_function(path)
    names = (*function.numeric, *function.categorical)
    try:
        made = function(rows.copy(deep=False))
        if not isinstance(made, pd.DataFrame) or not made.index.equals(rows.index):
            raise TypeError("it has to return a DataFrame with the index of its rows")
        if sorted(map(str, made.columns)) != sorted(names):
            raise TypeError(f"it declares {', '.join(names)} and returned {', '.join(map(str, made.columns))}")
        columns = {name: finite(made[name].astype("float64")) for name in function.numeric}
        columns |= {name: made[name].astype("object").astype("str") for name in function.categorical}
    except Exception as error:
        raise DataError(
            "FEA001",
            f"function '{path}' failed on {len(rows)} rows: {type(error).__name__}: {error}",
            where="features.functions",
            next_step="Correct the function; it is given the time and feature columns, any of which may be missing.",
        ) from error
    yield from columns.items()


def check_functions(rows: Frame, params: FeatureParams, *, n: int = 10) -> None:
    """Ask every function for `n` of the rows that it is given, one by one.

    Raises
    ------
    DataError if a row gets another value alone than among the others: a service would answer otherwise than training.
    """
    for path in params.functions:
        together = pd.DataFrame(dict(call(path, rows)))
        for place in np.unique(np.linspace(0, len(rows) - 1, n, dtype=int)) if len(rows) else ():
            alone = pd.DataFrame(dict(call(path, rows.iloc[[place]])))
            among = together.iloc[[place]]
            for differs in (name for name in alone if not _agree(alone[name], among[name])):
                raise DataError(
                    "FEA002",
                    f"function '{path}' gives a row {differs} = {alone[differs].iloc[0]} alone, and "
                    f"{among[differs].iloc[0]} among {len(rows)} rows",
                    where="features.functions",
                    next_step="Use nothing but the row itself: no mean, rank, shift or order of the table.",
                )


def _agree(left: pd.Series, right: pd.Series) -> bool:
    """Whether values are the same, but for the last digits of a number: one row may take another path through BLAS."""
    if pd.api.types.is_numeric_dtype(left.dtype):
        return bool(np.isclose(left, right, rtol=1e-9, atol=0, equal_nan=True).all())
    return left.equals(right)


def finite(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return values with infinite ones missing: no estimator takes them."""
    return values.where(np.isfinite(values))


def numbers(values: pd.Series) -> pd.Series:
    """Return numbers and truth values of any type as float64."""
    if values.dtype == "object":
        values = values.where(values.notna(), float("nan"))  # pd.NA and NaT have no float
    return values.astype("float64")


def _calendar_part(local: "pd.Series[pd.Timestamp]", part: CalendarPart) -> "pd.Series[Any]":
    if part == "hour":
        return local.dt.hour + local.dt.minute / 60
    if part == "weekday":
        return local.dt.weekday  # Monday is 0
    return local.dt.month if part == "month" else local.dt.dayofyear
