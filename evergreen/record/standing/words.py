"""Days and names as people write them."""

from collections.abc import Sequence
from datetime import date, timedelta

from evergreen.base import months

NAMED = 2  # columns in a headline


def day(at: date) -> str:
    """Return a day as people write it.

    Examples
    --------
    >>> day(date(2026, 11, 2))
    '2 Nov 2026'
    """
    return f"{at.day} {at:%b %Y}"


def period(start: date, end: date) -> str:
    """Return the days of [start, end) as people write them.

    Examples
    --------
    >>> period(date(2026, 11, 1), date(2026, 12, 1)), period(date(2026, 11, 2), date(2026, 11, 9))
    ('Nov 2026', '2 to 8 Nov 2026')
    """
    last = end - timedelta(days=1)
    if start.day == 1 and months.following(start) == end:
        return f"{start:%b %Y}"
    if start >= last:
        return day(start)
    begins = f"{start.day}" if (start.year, start.month) == (last.year, last.month) else day(start)
    return f"{begins} to {day(last)}"


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are.

    Examples
    --------
    >>> few(["temp"]), few(["temp", "dewp", "humid", "visib"])
    ('temp', 'temp, dewp and 2 more')
    """
    return ", ".join(names) if len(names) <= NAMED else f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
