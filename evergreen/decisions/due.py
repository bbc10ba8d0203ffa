"""Which windows are to be looked at now: pure, from what was looked at before and which days have rows."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Literal

from evergreen.base.months import following
from evergreen.base.values import Value

Size = Literal["month", "week", "day"]
Period = tuple[date, date]
DAY, WEEK = timedelta(days=1), timedelta(days=7)


class Looked(Value):
    """The look that decides of a window [start, end).

    `day`: the local day on which it was made, which it knows nothing of. `known`: the day before which all labels were
    due then. `complete`: whether those of all its rows had come. `rows`: how many it found.
    """

    start: date
    end: date
    day: date
    known: date
    complete: bool
    rows: int

    @property
    def period(self) -> Period:
        return self.start, self.end

    def covers(self, day: date) -> bool:
        """Return whether the look saw the rows of a day."""
        return bool(self.rows) and self.start <= day < min(self.end, self.day)


def complete_windows(size: Size, *, after: date, today: date) -> Iterator[Period]:
    """Yield the windows of the calendar that end after a day and are over today, by time.

    Examples
    --------
    >>> [str(start) for start, _ in complete_windows("month", after=date(2013, 3, 1), today=date(2013, 6, 2))]
    ['2013-03-01', '2013-04-01', '2013-05-01']
    >>> [
    ...     (str(start), str(end))
    ...     for start, end in complete_windows("week", after=date(2024, 5, 1), today=date(2024, 5, 8))
    ... ]
    [('2024-04-29', '2024-05-06')]
    """
    start = {"month": after.replace(day=1), "week": after - after.weekday() * DAY, "day": after}[size]
    while (end := following(start) if size == "month" else start + (WEEK if size == "week" else DAY)) <= today:
        if end > after:
            yield start, end
        start = end


def due(
    size: Size, looks: Sequence[Looked], *, data_end: date, today: date, known: date, with_rows: Collection[date]
) -> tuple[Period, ...]:
    """Return the windows to look at now, in order; the last one decides, and is looked at after those before it.

    That are the complete windows with rows that no look has seen; the newest complete one, even without rows, since
    somebody must notice; and windows whose labels were not complete, once more of them are due. The last one is looked
    at again every day until its labels are complete: they may come late.

    Parameters
    ----------
    looks : those that decide, of whatever length their windows are: a day that one saw is not looked at again because
        windows are cut otherwise now.
    data_end : the day after the last one that the champion has seen.
    known : the day before which all labels are due now.
    with_rows : the days that have rows.
    """
    windows = list(complete_windows(size, after=data_end, today=today))
    if not windows:
        return ()
    unseen = {day for day in with_rows if day >= data_end and not any(look.covers(day) for look in looks)}
    chosen = {(start, end) for start, end in windows if any(start <= day < end for day in unseen)}
    alive = [look for look in looks if data_end < look.end <= today]
    newest_start, newest_end = windows[-1]
    if not any(look.end >= newest_end and look.day >= newest_end for look in alive):
        chosen.add((newest_start, newest_end))
    again = [look for look in alive if not look.complete]
    chosen |= {look.period for look in again if look.known < min(look.end, known)}
    last = max([*chosen, *(look.period for look in alive)], key=by_end)
    waiting = any(look.period == last and look.day < today for look in again)
    return tuple(sorted({*chosen, last} if chosen or waiting else chosen, key=by_end))


def by_end(period: Period) -> Period:
    """Return what orders windows: their ends, and where two end together, the shorter one is later."""
    return period[1], period[0]
