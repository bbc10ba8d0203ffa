"""Columns by day, and profiles of them with moments, for tests of what is decided on days."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from evergreen.decisions.drift.profile.bins import quantile_edges
from evergreen.decisions.drift.profile.profile import ColumnBins, Profile

FIRST = date(2024, 1, 1)
REFERENCE = 60  # days
Array = npt.NDArray[np.float64]
Make = Callable[[npt.NDArray[np.int64], np.random.Generator], Array]
Break = Callable[[Array, np.random.Generator], Array]


def bins_of(values: Array, *, categories: int | None = None, cells: int = 10) -> ColumnBins:
    """Return quantile bins of numbers, or of category codes a cell each from 0 to before `categories`."""
    if categories is not None:
        return ColumnBins("category", categories=tuple(f"c{code}" for code in range(categories)))
    present = values[np.isfinite(values)]
    return ColumnBins("number", edges=quantile_edges(present, cells), origin=float(np.median(present)))


def profile_of(
    days: npt.NDArray[np.int64], columns: Mapping[str, Array], bins: Mapping[str, ColumnBins], *, first: date = FIRST
) -> Profile:
    """Return the profile of rows on days after `first`, shape (n,); categories are codes, NaN is missing."""
    found, codes = np.unique(days, return_inverse=True)
    b = len(found)
    counts, moments = {}, {}
    for name, one in bins.items():
        values = columns[name]
        missing = np.isnan(values)
        if one.edges is not None:
            cells = np.searchsorted(one.edges, values, side="left")
            moments[name] = _moments(values, codes, b, one.origin)
        else:
            cells = np.minimum(np.where(missing, 0, values), one.n_cells - 2).astype(np.int64)
        cells[missing] = one.n_cells - 1
        flat = np.bincount(codes * one.n_cells + cells, minlength=b * one.n_cells)
        counts[name] = flat.reshape(b, one.n_cells).astype(np.int64)
    return Profile(
        bins=bins,
        days=tuple(first + timedelta(days=int(day)) for day in found),
        rows=np.bincount(codes, minlength=b).astype(np.int64),
        counts=counts,
        moments=moments,
        lost={},
    )


def _moments(values: Array, codes: npt.NDArray[np.int64], b: int, origin: float) -> Array:
    finite = np.isfinite(values)
    some, at = values[finite], codes[finite]
    least, most = np.full(b, np.inf), np.full(b, -np.inf)
    np.minimum.at(least, at, some)
    np.maximum.at(most, at, some)
    n = np.bincount(at, minlength=b).astype(np.float64)
    total, squares = np.bincount(at, some, minlength=b), np.bincount(at, (some - origin) ** 2, minlength=b)
    infinite = np.bincount(codes[np.isinf(values)], minlength=b).astype(np.float64)
    return np.column_stack([n, total, squares, least, most, infinite])


@dataclass(frozen=True)
class Process:
    """What a day's rows share: a part `share` of the variance, kept from day to day by `memory`, and seasons."""

    share: float = 0.0
    memory: float = 0.0
    weekly: float = 0.0
    yearly: float = 0.0

    def of_days(self, n_days: int, rng: np.random.Generator) -> Array:
        """Return the shared part by day, shape (n_days,)."""
        shock = rng.standard_normal(n_days)
        for day in range(1, n_days):
            shock[day] = self.memory * shock[day - 1] + np.sqrt(1 - self.memory**2) * shock[day]
        day = np.arange(n_days)
        weekly, yearly = (np.sin(2 * np.pi * day / days + rng.uniform(0, 2 * np.pi)) for days in (7, 365))
        return np.asarray(np.sqrt(self.share) * shock + self.weekly * weekly + self.yearly * yearly)

    def normal(self, days: npt.NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Return normal values of rows on days, shape (n,)."""
        by_day = self.of_days(int(days.max()) + 1, rng)
        return np.asarray(by_day[days] + np.sqrt(1 - self.share) * rng.standard_normal(len(days)))


def days_of(
    n_days: int, rows: int, rng: np.random.Generator, *, before: int = REFERENCE, each: int = 100
) -> npt.NDArray[np.int64]:
    """Return the day of each row: `each` on the days of the reference, then `rows` spread over the window's."""
    window = before + np.sort(rng.integers(0, n_days, rows))
    return np.concatenate([np.repeat(np.arange(before), each), window])


def profiles(
    days: npt.NDArray[np.int64],
    columns: Mapping[str, Array],
    *,
    before: int = REFERENCE,
    categories: tuple[str, ...] = (),
) -> tuple[Profile, Profile]:
    """Return reference and window of columns, cut at day `before`, on cells of the reference."""
    early = days < before
    known = {name: int(np.nanmax(columns[name][early])) + 1 for name in categories}
    bins = {name: bins_of(values[early], categories=known.get(name)) for name, values in columns.items()}
    sides = [profile_of(days[at], {name: x[at] for name, x in columns.items()}, bins) for at in (early, ~early)]
    return sides[0], sides[1]


def broken(
    make: Make,
    harm: Break,
    *,
    seed: int,
    n_days: int,
    rows: int,
    last: int = 1_000,
    categories: tuple[str, ...] = (),
) -> tuple[Profile, Profile]:
    """Return reference and window of one column, `x`, whose last days are broken."""
    rng = np.random.default_rng(seed)
    days = days_of(n_days, rows, rng)
    x = make(days, rng)
    late = days >= max(REFERENCE, REFERENCE + n_days - last)
    x[late] = harm(x[late], rng)
    return profiles(days, {"x": x}, categories=categories)


def listed(by_day: list[Array], *, categories: int | None = None, before: int = REFERENCE) -> tuple[Profile, Profile]:
    """Return reference and window of one column, `x`, of the values of each day, of which `before` are the former's."""
    days = np.repeat(np.arange(len(by_day)), [len(day) for day in by_day])
    early = np.concatenate(by_day[:before])
    bins = {"x": bins_of(early, categories=categories)}
    first = days < before
    x = np.concatenate(by_day)
    return profile_of(days[first], {"x": x[first]}, bins), profile_of(days[~first], {"x": x[~first]}, bins)
