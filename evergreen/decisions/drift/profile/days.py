"""The local day of an instant, for many instants at once."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Times = npt.NDArray[np.int64]  # microseconds since 1970 in UTC
DayNumbers = npt.NDArray[np.int64]  # days since 1970-01-01, of the wall calendar

MICROSECONDS_A_DAY = 86_400_000_000
FIRST = -719_160 * MICROSECONDS_A_DAY  # in the year 1; a day's offset from UTC stays within what a date can be
LAST = 2_932_890 * MICROSECONDS_A_DAY  # in the year 9999
SLOT_BITS = 28  # 268 seconds
MOST_SLOTS = 2**20  # nine years


class LocalDays:
    """Answers on which day of a time zone an instant lies; a period once asked about is answered from a table.

    Examples
    --------
    >>> noon = 12 * 3_600_000_000
    >>> LocalDays("Asia/Tokyo").of(np.array([0, noon, 2 * noon])).tolist()
    [0, 0, 1]
    """

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._first = 0
        self._days = np.empty(0, np.int64)  # by slot; of one in which the day changes, CHANGES

    def of(self, times: Times) -> DayNumbers:
        """Return the local day of each instant of [FIRST, LAST)."""
        if len(times) == 0:
            return np.empty(0, np.int64)
        slots = times >> SLOT_BITS
        if not self._reaches(int(slots.min()), int(slots.max())):
            return self._asked(times)
        days: DayNumbers = self._days[slots - self._first]
        changes = np.flatnonzero(days == CHANGES)
        if len(changes):
            days[changes] = self._asked(times[changes])
        return days

    def _reaches(self, low: int, high: int) -> bool:
        """Let the table reach over these slots; return False if it would become too long."""
        first, last = low, high + 1
        if len(self._days):
            first, last = min(low, self._first), max(last, self._first + len(self._days))
        if last - first > MOST_SLOTS:
            return False
        before = self._answers(first, self._first if len(self._days) else last)
        after = self._answers(self._first + len(self._days), last) if len(self._days) else before[:0]
        self._days, self._first = np.concatenate([before, self._days, after]), first
        return True

    def _answers(self, first: int, last: int) -> DayNumbers:
        begins = np.arange(first, last, dtype=np.int64) << SLOT_BITS
        days = self._asked(begins)
        return np.where(days == self._asked(begins + ((1 << SLOT_BITS) - 1)), days, CHANGES)

    def _asked(self, times: Times) -> DayNumbers:
        instants = pd.DatetimeIndex(times.view("M8[us]")).tz_localize("UTC").tz_convert(self._zone)
        wall: Times = instants.tz_localize(None).as_unit("us").asi8
        return wall // MICROSECONDS_A_DAY


CHANGES = np.iinfo(np.int64).min
