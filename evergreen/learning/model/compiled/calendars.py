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
MOST_HOURS = 200_000  # that are remembered, about 23 years


class Zone:
    """A time zone, asked about instants in microseconds since 1970.

    No zone changes its distance from UTC twice in an hour, so that of an hour is remembered where it is one.
    """

    def __init__(self, name: str) -> None:
        self._zone = ZoneInfo(name)
        self._hours: dict[int, int | None] = {}

    def offset(self, instant: int) -> int:
        """Return the microseconds by which wall time lies ahead of UTC."""
        hour = instant // HOUR
        try:
            known = self._hours[hour]
        except KeyError:
            known = self._of_hour(hour)
        return self._ask(instant) if known is None else known

    def offsets(self, instants: Array) -> Array:
        """Return `offset` of each of many instants, int64, shape (n,)."""
        if not len(instants):
            return np.zeros(0, np.int64)
        hours = instants // HOUR
        first, last = int(hours.min()), int(hours.max())
        if last - first < 4 * len(hours) + 1_000:
            present = np.zeros(last - first + 1, bool)
            present[hours - first] = True
            distinct = np.flatnonzero(present) + first
        else:
            distinct = np.unique(hours)
        known = [self._of_hour(hour) for hour in distinct.tolist()]
        changing = np.array([each is None for each in known])
        table = np.array([each or 0 for each in known], np.int64)
        at = np.searchsorted(distinct, hours)
        found = table[at]
        if changing.any():
            for place in np.flatnonzero(changing[at]).tolist():
                found[place] = self._ask(int(instants[place]))
        return found

    def _of_hour(self, hour: int) -> int | None:
        """Return the distance in an hour since 1970; None where it changes."""
        hours = self._hours  # which another thread may replace meanwhile
        if hour in hours:
            return hours[hour]
        first, last = self._ask(hour * HOUR), self._ask(hour * HOUR + HOUR - 1)
        if len(hours) >= MOST_HOURS:
            self._hours = hours = {}
        hours[hour] = found = first if first == last else None
        return found

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
