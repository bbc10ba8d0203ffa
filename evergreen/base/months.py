"""Months of the calendar."""

from datetime import date


def following(day: date) -> date:
    """Return the first day of the month after that of `day`.

    Examples
    --------
    >>> following(date(2013, 12, 31)).isoformat()
    '2014-01-01'
    """
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def span(month: str) -> tuple[date, date]:
    """Return the first day of a month written YYYY-MM, and of the next one; raises ValueError if it is none."""
    first = date.fromisoformat(f"{month}-01")
    return first, following(first)
