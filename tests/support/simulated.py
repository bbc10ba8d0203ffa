"""Profiles of simulated days: rows of a day share a shock, and a day may remember the one before."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from scipy import stats

from evergreen.decisions.drift.profile.profile import ColumnBins, Profile
from evergreen.decisions.drift.shift.days import Period, period_of

FIRST = date(2023, 1, 2)
EDGES = stats.norm.ppf(np.linspace(0, 1, 11)[1:-1])
TENTHS = ColumnBins("number", edges=EDGES)
Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def shocks(n_days: int, n_columns: int, memory: float, rng: np.random.Generator) -> Array:
    """Return a series of variance 1 for each column that forgets geometrically, shape (n_days, n_columns)."""
    out = rng.standard_normal((n_days, n_columns))
    for day in range(1, n_days):
        out[day] = memory * out[day - 1] + np.sqrt(1 - memory**2) * out[day]
    return out


def evenly(n: int, n_days: int) -> Ints:
    """Return how many of n rows lie on each day, as even as can be, shape (n_days,)."""
    return np.diff(np.arange(n_days + 1) * n // n_days)


def normal_profile(means: Array, spread: float, rows: Ints, rng: np.random.Generator, *, first: date) -> Profile:
    """Return the profile of normal values about a mean for each day and column, shape (days, columns), on TENTHS."""
    below = stats.norm.cdf((EDGES - means[..., None]) / spread)
    shares = np.diff(below, axis=-1, prepend=0.0, append=1.0)
    cells = rng.multinomial(rows[:, None], shares)
    counts = {f"c{at}": np.pad(cells[:, at], ((0, 0), (0, 1))) for at in range(means.shape[1])}
    return profile_of(rows, counts, dict.fromkeys(counts, TENTHS), first=first)


def profile_of(
    rows: Ints, counts: Mapping[str, Ints], bins: Mapping[str, ColumnBins], *, first: date = FIRST, undated: int = 0
) -> Profile:
    """Return the profile of days from `first` on, of their rows, shape (days,), and counts, shape (days, n_cells)."""
    return Profile(
        bins=bins,
        days=tuple(first + timedelta(days=at) for at in range(len(rows))),
        rows=np.asarray(rows, dtype=np.int64),
        counts=counts,
        moments={},
        lost={},
        undated=undated,
    )


def period(rows: npt.ArrayLike) -> Period:
    """Return the period of days from FIRST on with these many rows, shape (days,)."""
    return period_of(profile_of(np.asarray(rows, dtype=np.int64), {}, {}))
