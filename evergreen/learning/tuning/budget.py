"""What a search may still spend: trials and seconds, whichever is reached first."""

import time
from collections import defaultdict
from collections.abc import Callable
from statistics import fmean

OVERRUN = 1.05  # of the seconds: what a trial may be expected to end at, so that the search ends within a tenth


class Budget:
    """Seconds of a whole search, those of its earlier parts included.

    A fit cannot be interrupted, so what would end too late by the durations seen so far is not begun. Of the first
    trial nothing is known.

    Parameters
    ----------
    seconds : None is as long as it takes.
    spent : by the parts of the search that were killed.
    clock : seconds from any moment.
    """

    def __init__(
        self, seconds: float | None, *, spent: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._began = clock() - spent
        self._trials: dict[str, list[float]] = defaultdict(list)
        self._folds: dict[str, list[float]] = defaultdict(list)

    @property
    def spent(self) -> float:
        """Seconds since the search began, without the time between its parts."""
        return self._clock() - self._began

    def note_fold(self, family: str, seconds: float) -> None:
        self._folds[family].append(seconds)

    def note_trial(self, family: str, seconds: float) -> None:
        self._trials[family].append(seconds)

    def has_time_for_trial(self, family: str) -> bool:
        """Return whether a trial, pruned as often as the others were, is expected to end in time."""
        return self._has_time(self._trials, family)

    def has_time_for_fold(self, family: str) -> bool:
        return self._has_time(self._folds, family)

    def _has_time(self, seen: dict[str, list[float]], family: str) -> bool:
        if self._seconds is None:
            return True
        of_all = [seconds for of_family in seen.values() for seconds in of_family]
        expected = seen[family] or of_all
        left = OVERRUN * self._seconds - self.spent
        return left > 0 and (not expected or fmean(expected) <= left)
