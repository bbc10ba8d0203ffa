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


def period(text: str) -> tuple[date, date]:
    """Return the first day of a period and the day after its last: of a month, or of FROM..TO, without the day TO.

    Raises
    ------
    ValueError if it is none.

    Examples
    --------
    >>> [str(day) for day in period("2013-04")], [str(day) for day in period("2013-04-01..2013-04-08")]
    (['2013-04-01', '2013-05-01'], ['2013-04-01', '2013-04-08'])
    """
    begin, between, end = text.partition("..")
    if not between:
        return span(text)
    first, last = date.fromisoformat(begin), date.fromisoformat(end)
    if first >= last:
        raise ValueError(f"{first} is not before {last}")
    return first, last


def named(start: date, end: date) -> str:
    """Return the name of a period without its last day: YYYY-MM where it is a month.

    Examples
    --------
    >>> named(date(2013, 4, 1), date(2013, 5, 1)), named(date(2013, 4, 1), date(2013, 4, 8))
    ('2013-04', '2013-04-01 to 2013-04-08')
    """
    return f"{start:%Y-%m}" if start.day == 1 and following(start) == end else f"{start} to {end}"
