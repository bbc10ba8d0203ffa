"""A time that several columns tell together: a date and an hour, or a year, a month and a day."""

import re
from collections.abc import Mapping, Sequence

from evergreen.base.forms import HALF
from evergreen.config.contract.columns import ColumnType
from evergreen.proposal.inference import snake

WORDS: Mapping[str, re.Pattern[str]] = {
    "year": re.compile(r"(year|yr|yyyy|jahr|annee|ano|anno)"),
    "month": re.compile(r"(month|mon|mnth|mm|mo|monat|mois|mes|mese)"),
    "day": re.compile(r"(day|dd|dom|mday|day_?of_?month|tag|jour|dia|giorno)"),
    "hour": re.compile(r"(hour|hr|hh|hours|hour_?of_?day|stunde|heure|hora|ora)"),
    "minute": re.compile(r"(minute|min|minutes|mins)"),
}
CLOCK = re.compile(r"\d{1,2}([:.h]\d{2}([:.]\d{2}(\.0+)?)?)([ \u00a0\u202f]?" + HALF + ")?")
WEEK = 7
RANGES: Mapping[str, tuple[float, float]] = {
    "year": (1900, 2100), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59),
}  # fmt: skip


def named(names: Sequence[str], part: str) -> list[str]:
    """Return the columns that are named like a part of a time, with or without a word that others share.

    Examples
    --------
    >>> named(["Year", "sale_year", "years_old"], "year")
    ['Year', 'sale_year']
    """
    word = WORDS[part].pattern
    whole = re.compile(rf"(.+_)?{word}")
    return [name for name in names if whole.fullmatch(snake(name).strip("_"))]


def stem(name: str, part: str) -> str:
    """Return what a column's name has before the part of a time that it names."""
    return re.sub(rf"{WORDS[part].pattern}$", "", snake(name).strip("_"))


def calendar(kinds: Mapping[str, ColumnType], ranges: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """Return the columns that are year, month and day, and hour and minute where they are; empty unless one of each.

    Of year and month alone they are the whole names.

    Parameters
    ----------
    kinds, ranges : type and range of every column.
    """
    found: list[str] = []
    common: str | None = None
    for part in ("year", "month", "day", "hour", "minute"):
        fit = [name for name in named(list(kinds), part) if kinds[name] == "integer" and _inside(ranges[name], part)]
        fit = [name for name in fit if common is None or stem(name, part) == common]
        if len(fit) != 1:
            break
        found.append(fit[0])
        common = stem(fit[0], part) if common is None else common
    if len(found) == 2 and (common or named(list(kinds), "day")):
        return ()
    return tuple(found) if len(found) >= 2 else ()


def _inside(seen: tuple[float, float], part: str) -> bool:
    low, high = RANGES[part]
    is_weekday = part == "day" and seen[1] <= WEEK
    return low <= seen[0] and seen[1] <= high and not is_weekday


def is_clock(texts: Sequence[str]) -> bool:
    """Return whether texts are times of day.

    Examples
    --------
    >>> is_clock(["18.00.00", "19.00.00"]), is_clock(["8:30 PM"]), is_clock(["08:30-09:00"])
    (True, True, False)
    """
    return bool(texts) and all(CLOCK.fullmatch(text) for text in texts)
