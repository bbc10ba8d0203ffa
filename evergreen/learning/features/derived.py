"""What is derived from a row's own values: calendar parts, ratios, differences, buckets, lookups, own functions."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from evergreen import own_code
from evergreen.base.errors import DataError
from evergreen.config.params.features import CalendarPart, FeatureParams

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
        looked_up = lookups[name].reindex(typed[lookup.by].array)
        for column in lookup.columns:
            yield f"{name}_{column}", pd.Series(looked_up[column].array, index=typed[lookup.by].index)
    if params.functions:
        rows = pd.DataFrame({**typed, **{str(name): values for name, values in times.items()}})
        for path in params.functions:
            yield from call(path, rows)


def call(path: str, rows: Frame) -> Iterator[tuple[str, pd.Series]]:
    """Yield the columns that a function of the user's own returns for rows.

    Raises
    ------
    DataError if it raises, or returns anything but the columns that it declares, row by row. Without rows it is not
    called.
    """
    function = own_code.load_function(path)
    names = (*function.numeric, *function.categorical)
    if rows.empty:
        yield from ((name, pd.Series(index=rows.index, dtype="float64")) for name in function.numeric)
        yield from ((name, pd.Series(index=rows.index, dtype="str")) for name in function.categorical)
        return
    try:
        made = function(rows.copy(deep=False))
        if not isinstance(made, pd.DataFrame) or not made.index.equals(rows.index):
            raise TypeError("it has to return a DataFrame with the index of its rows")
        if sorted(map(str, made.columns)) != sorted(names):
            raise TypeError(f"it declares {', '.join(names)} and returned {', '.join(map(str, made.columns))}")
        columns = {name: finite(numbers(made[name])) for name in function.numeric}
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
    """Ask every function for the rows again: every second one, backwards, and some alone.

    Alone are asked `n` rows, and of each column the first one that misses it: what fills a gap by the other rows shows
    there.

    Raises
    ------
    DataError if a row gets another value so than among them all: a service would answer otherwise than training.
    """
    if rows.empty or not params.functions:
        return
    places = {*np.linspace(0, len(rows) - 1, n, dtype=int).tolist()}
    missing = rows.isna().to_numpy()
    places |= {*missing.argmax(axis=0)[missing.any(axis=0)].tolist()}
    everything = np.arange(len(rows))
    parts = [everything[-1::-2], everything[-2::-2], *(everything[[place]] for place in sorted(places))]
    for path in params.functions:
        together = pd.DataFrame(dict(call(path, rows)))
        for part in parts:
            apart = pd.DataFrame(dict(call(path, rows.iloc[part])))
            for name in apart:
                _require_same(path, str(name), apart[name].array, together[name].iloc[part].array, n_rows=len(rows))


def _require_same(path: str, name: str, apart: Any, together: Any, *, n_rows: int) -> None:
    """Raise DataError unless values agree, but for a number's last digits: fewer rows may take another path in BLAS."""
    if pd.api.types.is_numeric_dtype(apart.dtype):
        agree = np.isclose(apart, together, rtol=1e-9, atol=0, equal_nan=True)
    else:
        agree = np.asarray((apart == together) | (pd.isna(apart) & pd.isna(together)))
    if agree.all():
        return
    first = int(np.argmin(agree))
    few = "alone" if len(apart) == 1 else f"among {len(apart)} rows"
    raise DataError(
        "FEA002",
        f"function '{path}' gives a row {name} = {apart[first]} {few}, and {together[first]} among {n_rows} rows",
        where="features.functions",
        next_step="Use nothing but the row itself: no mean, rank, shift or order of the table.",
    )


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
