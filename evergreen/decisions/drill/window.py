"""The rows that a fault is put into, and what has to be known of them to choose where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.config.contract.columns import ColumnType
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.values import EXACT

Flags = npt.NDArray[np.bool_]
NUMBERS: tuple[ColumnType, ...] = ("number", "integer")


@dataclass(frozen=True)
class Window:
    """Typed rows of [start, end), local days, as a source delivers them.

    `importances`: what a model leans on, by column, on any scale. `odd`: columns of which something is said already.
    """

    rows: pd.DataFrame
    contract: Contract
    importances: Mapping[str, float]
    start: date
    end: date
    seed: int
    odd: frozenset[str] = frozenset()

    @property
    def times(self) -> "pd.Series[pd.Timestamp]":
        """When each row was, in the contract's time zone."""
        assert self.contract.time is not None
        times: pd.Series[pd.Timestamp] = self.rows[self.contract.time].dt.tz_convert(self.contract.timezone)
        return times

    @property
    def third(self) -> date:
        """The first day after a third of the window."""
        return self.start + (self.end - self.start) / 3

    def since(self, day: date) -> Flags:
        """Return which rows lie on a local day or later."""
        return np.asarray(self.times.dt.tz_localize(None) >= pd.Timestamp(day), dtype=np.bool_)

    def draws(self) -> npt.NDArray[np.float64]:
        """Return a number in [0, 1) for each row, the same each time."""
        return np.random.default_rng(self.seed).random(len(self.rows))

    def leaned_on(self, *types: ColumnType) -> list[str]:
        """Return the features of some types that vary here, those that are not odd first, then by importance."""
        named = [
            column.name
            for column in self.contract.features
            if column.type in types and not column.pii and self.rows[column.name].nunique(dropna=True) > 1
        ]
        return sorted(named, key=lambda name: (name in self.odd, -self.importances.get(name, 0.0)))

    def first(self, *types: ColumnType) -> str | None:
        """Return the first of `leaned_on`, None without any."""
        return next(iter(self.leaned_on(*types)), None)

    def with_columns(self, columns: Mapping[str, object]) -> pd.DataFrame:
        """Return the rows with other values in some columns; whole numbers where they are declared to be."""
        types = {column.name: column.type for column in self.contract.stored}
        series = {name: pd.Series(values, index=self.rows.index) for name, values in columns.items()}
        return self.rows.assign(
            **{name: whole(values) if types[name] == "integer" else values for name, values in series.items()}
        )

    @property
    def labels(self) -> pd.Series:
        """The target, where anything is known of it; else without any row."""
        labels = self.rows[self.contract.target]
        return labels if labels.notna().any() else labels.iloc[:0]


def whole(values: pd.Series) -> pd.Series:
    """Return numbers rounded; those that a float cannot tell from their neighbours, and infinite ones, are missing.

    Examples
    --------
    >>> whole(pd.Series([1.6, np.inf, None])).tolist()
    [2, <NA>, <NA>]
    """
    numbers = pd.to_numeric(values).astype("float64")
    return numbers.where(numbers.abs() < EXACT).round().astype("Int64")
