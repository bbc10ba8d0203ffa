"""Stretches of days in a row: the unit in which a fault begins, lasts and is told from what the reference had."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ALL_LENGTHS = 62  # days; of longer windows not every length is looked at
PATIENCE, WEEK = 3, 7  # what the reference had for a day may last a week; for longer, three times as long

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stretches:
    """Days `starts` to before `ends`, each of shape (S,)."""

    starts: Whole
    ends: Whole

    @property
    def lengths(self) -> Whole:
        """Days of each."""
        return self.ends - self.starts

    def sums(self, by_day: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> Floats:
        """Return what values by day, shape (D, …), come to in each stretch, shape (S, …).

        Day by day, not as differences of running sums, in which one huge day would drown all days after it.
        """
        if not len(self.starts):
            return np.zeros((0, *by_day.shape[1:]))
        padded = np.concatenate([by_day, np.zeros((1, *by_day.shape[1:]))]).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            between = np.add.reduceat(padded, np.column_stack([self.starts, self.ends]).ravel(), axis=0)
        return np.asarray(between[::2])


def every(n_days: int) -> Stretches:
    """Return all stretches of up to 62 days, and of longer ones those of a length that is a rounded power of 1.25.

    Examples
    --------
    >>> [(int(start), int(end)) for start, end in zip(every(2).starts, every(2).ends)]
    [(0, 1), (1, 2), (0, 2)]
    """
    lengths = set(range(1, min(n_days, ALL_LENGTHS) + 1)) | {n_days}
    size = float(ALL_LENGTHS)
    while (size := size * 1.25) < n_days:
        lengths.add(round(size))
    parts = [of_length(n_days, length) for length in sorted(lengths)]
    return Stretches(np.concatenate([part.starts for part in parts]), np.concatenate([part.ends for part in parts]))


def of_length(n_days: int, length: int) -> Stretches:
    """Return the stretches of one length, in order."""
    starts = np.arange(n_days - length + 1, dtype=np.int64)
    return Stretches(starts, starts + length)


def patient(length: int, n_reference: int) -> int:
    """Return how many days of the reference in a row excuse `length` days of a window.

    Examples
    --------
    >>> patient(7, 60), patient(30, 60), patient(30, 5)
    (1, 10, 5)
    """
    return 1 if length <= WEEK else min(-(-length // PATIENCE), n_reference)
