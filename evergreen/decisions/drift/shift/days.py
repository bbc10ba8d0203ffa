"""The days of a reference and of a window, and what a day's mean is expected to be from weekday and season."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from evergreen.decisions.drift.profile.profile import Floats, Profile

LEAST_OF_A_WEEKDAY = 4
YEAR_DAYS = 365.2425
LEAST_OF_A_YEAR = 360
WAVES = 2


@dataclass(frozen=True)
class Period:
    """The days with rows of a reference or a window, shape (B,).

    `at`: how many days after the first each lies. `rows`: in each. `weights`: rise with the rows and level off, so that
    no day of many rows speaks for the others; their sum is 1.
    """

    days: tuple[date, ...]
    at: npt.NDArray[np.int64]
    rows: Floats
    weights: Floats

    @property
    def length(self) -> int:
        """How many days there are from the first to the last, those without rows too."""
        return int(self.at[-1]) + 1

    def on_every_day(self, values: Floats) -> Floats:
        """Return values of days with rows, shape (..., B), on every day, shape (..., length), 0 on those without."""
        out = np.zeros((*values.shape[:-1], self.length))
        out[..., self.at] = values
        return out


def period_of(profile: Profile) -> Period:
    """Return the days of a profile that have rows; at least one must."""
    some = np.flatnonzero(profile.rows)
    days = tuple(profile.days[index] for index in some)
    rows = profile.rows[some].astype(np.float64)
    weights = rows / (rows + rows.mean())
    ordinals = _ordinals(days)
    return Period(days, ordinals - ordinals[0], rows, weights / weights.sum())


def design(reference: Period, window: Period, *, season: bool) -> tuple[Floats, Floats]:
    """Return what a day's mean is explained by, shape (B, k), of the reference's days and of the window's.

    A mean for each weekday, where the reference has four of each that occurs, else one for all; with `season`, two
    waves of the year beside it.
    """
    weekdays = [np.array([day.weekday() for day in period.days]) for period in (reference, window)]
    found = np.unique(np.concatenate(weekdays))
    enough = all((weekdays[0] == weekday).sum() >= LEAST_OF_A_WEEKDAY for weekday in found)
    made = []
    for period, of_days in zip((reference, window), weekdays, strict=True):
        columns = (of_days[:, None] == found).astype(np.float64) if enough else np.ones((len(period.days), 1))
        if season:
            turns = 2 * np.pi * np.outer(_ordinals(period.days), np.arange(1, WAVES + 1)) / YEAR_DAYS
            columns = np.hstack([columns, np.sin(turns), np.cos(turns)])
        made.append(columns)
    return made[0], made[1]


def has_a_year(reference: Period) -> bool:
    """Return whether the days span a year, so that a season may be told from a shift."""
    return reference.length >= LEAST_OF_A_YEAR


def _ordinals(days: Sequence[date]) -> npt.NDArray[np.int64]:
    return np.array([day.toordinal() for day in days], dtype=np.int64)
