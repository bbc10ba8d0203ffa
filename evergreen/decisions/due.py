"""Which windows there are by the calendar, and when the next one is due to be looked at."""

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from evergreen.base import months
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract

Length = Literal["month", "week", "day"]


class Rhythm(Value):
    """How often is looked: at every `window`, when its labels are due, `label_delay_days` after its end, local time."""

    window: Length
    label_delay_days: int
    timezone: str

    @classmethod
    def of(cls, contract: Contract, window: Length = "month") -> "Rhythm | None":
        """Return the rhythm of a contract's rows; None where they have no time, and nobody can look at a window."""
        if contract.time is None:
            return None
        return cls(window=window, label_delay_days=contract.label_delay_days, timezone=contract.timezone)


def window_of(day: date, length: Length) -> tuple[date, date]:
    """Return the first day of the window that a day lies in, and the day after its last; weeks begin on Mondays.

    Examples
    --------
    >>> [str(day) for day in window_of(date(2026, 11, 29), "week")]
    ['2026-11-23', '2026-11-30']
    """
    if length == "month":
        return day.replace(day=1), months.following(day)
    start = day - timedelta(days=day.weekday() if length == "week" else 0)
    return start, start + timedelta(days=7 if length == "week" else 1)


def next_due(after: datetime, rhythm: Rhythm) -> datetime:
    """Return the first time after `after` at which a window is due to be looked at.

    Examples
    --------
    >>> months = Rhythm(window="month", label_delay_days=2, timezone="UTC")
    >>> next_due(datetime.fromisoformat("2026-03-02T12:00+00:00"), months).isoformat()
    '2026-03-03T00:00:00+00:00'
    >>> next_due(datetime.fromisoformat("2026-03-03T02:00+00:00"), months).isoformat()
    '2026-04-03T00:00:00+00:00'
    """
    zone, delay = ZoneInfo(rhythm.timezone), timedelta(days=rhythm.label_delay_days)
    day = (after.astimezone(zone) - delay).date()
    while True:
        _, end = window_of(day, rhythm.window)
        due = datetime.combine(end + delay, time(), tzinfo=zone)
        if due > after:
            return due.astimezone(after.tzinfo)
        day = end
