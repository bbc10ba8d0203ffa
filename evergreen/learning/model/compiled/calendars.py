"""Wall time in a zone: an instant's distance from UTC, and the parts of the day and year that features are made of."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from evergreen.learning.model.compiled.plan import Calendar, Part

Array = np.ndarray[Any, Any]
MICROSECONDS = 1_000_000
MINUTE, HOUR, DAY = 60 * MICROSECONDS, 3_600 * MICROSECONDS, 86_400 * MICROSECONDS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY = EPOCH.toordinal()
SIZES: Mapping[Part, int] = {"hour": 1440, "weekday": 7, "month": 13, "day_of_year": 367}
MOST_DAYS = 50_000  # that are remembered, about 137 years
Change = tuple[int, int, int]  # the first instant after it, and the distances before and from then on


class Zone:
    """A time zone, asked about instants in microseconds since 1970.

    No zone has ever changed its distance from UTC twice within three days, so that a day has one change at most.
    """

    def __init__(self, name: str) -> None:
        self._zone = ZoneInfo(name)
        self._days: dict[int, Change] = {}

    def offset(self, instant: int) -> int:
        """Return the microseconds by which wall time lies ahead of UTC."""
        day = instant // DAY
        try:
            at, before, after = self._days[day]
        except KeyError:
            at, before, after = self._of_day(day)
        return before if instant < at else after

    def offsets(self, instants: Array) -> Array:
        """Return `offset` of each of many instants, int64, shape (n,)."""
        if not len(instants):
            return np.zeros(0, np.int64)
        days = instants // DAY
        first, last = int(days.min()), int(days.max())
        if last - first > len(days) + 1_000:
            distinct, places = np.unique(days, return_inverse=True)
        else:
            places = days - first
            present = np.zeros(last - first + 1, bool)
            present[places] = True
            distinct = np.flatnonzero(present) + first
            where = np.zeros(len(present), np.int64)
            where[distinct - first] = np.arange(len(distinct))
            places = where[places]
        at, before, after = np.array([self._of_day(day) for day in distinct.tolist()], np.int64).T
        found: Array = before[places]
        if (before != after).any():
            found = np.where(instants < at[places], found, after[places])
        return found

    def _of_day(self, day: int) -> Change:
        days = self._days  # which another thread may replace meanwhile
        if day in days:
            return days[day]
        first, last = day * DAY, day * DAY + DAY - 1
        before, after = self._ask(first), self._ask(last)
        while before != after and last - first > 1:
            middle = (first + last) // 2
            first, last = (middle, last) if self._ask(middle) == before else (first, middle)
        if len(days) >= MOST_DAYS:
            self._days = days = {}
        days[day] = change = (last, before, after)
        return change

    def _ask(self, instant: int) -> int:
        moment = EPOCH + timedelta(microseconds=instant)
        distance = moment.astimezone(self._zone).utcoffset()
        assert distance is not None
        return (distance.days * 86_400 + distance.seconds) * MICROSECONDS + distance.microseconds


def table(value: Calendar) -> Array:
    """Return what each number of a part becomes, float64: minutes of the day for an hour, its number for the others.

    Counted by numpy for all of them at once, as features are, so that a row alone has the bits of a row among many.
    """
    numbers = np.arange(SIZES[value.part], dtype=np.int64)
    parts = (numbers // 60 + (numbers % 60) / 60) if value.part == "hour" else numbers.astype(np.float64)
    if not value.wave:
        return parts
    turn = 2 * np.pi * parts / value.period
    waves: Array = np.sin(turn) if value.wave == "sin" else np.cos(turn)
    return waves


def number_of(part: Part) -> Callable[[int], int]:
    """Return what gives the number of a part, as `table` counts them, of a wall time in microseconds."""
    return _ONE[part]


def numbers_of(part: Part, wall: Array) -> Array:
    """Return the number of a part, as `table` counts them, of each wall time in microseconds."""
    if part == "hour":
        return wall % DAY // MINUTE
    days = wall // DAY
    if part == "weekday":
        return (days + 3) % 7
    dates = days.astype("datetime64[D]")
    if part == "month":
        return dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return days - dates.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 1


_ONE: Mapping[Part, Callable[[int], int]] = {
    "hour": lambda wall: wall % DAY // MINUTE,
    "weekday": lambda wall: (wall // DAY + 3) % 7,
    "month": lambda wall: date.fromordinal(wall // DAY + FIRST_DAY).month,
    "day_of_year": lambda wall: date.fromordinal(wall // DAY + FIRST_DAY).timetuple().tm_yday,
}
