"""Numbers that are something else: seconds since 1970, dates without separators, thousands behind dots."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from evergreen.config.contract.columns import Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.schema import conform
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.inference import snake
from evergreen.proposal.spellings.told import Told

LOOKED_AT = 20_000
FIRST, LAST = 631_152_000, 2_208_988_800  # 1990 and 2040
EPOCHS: Mapping[str, int] = {
    "epoch seconds": 1, "epoch milliseconds": 10**3, "epoch microseconds": 10**6, "epoch nanoseconds": 10**9,
}  # fmt: skip
# Numbers of so many digits, as dates from 1990 to 2040.
PACKED: Mapping[str, tuple[float, float]] = {
    "%Y%m%d": (19900101, 20401231),
    "%Y%m%d%H": (1990010100, 2040123123),
    "%Y%m%d%H%M": (199001010000, 204012312359),
    "%Y%m%d%H%M%S": (19900101000000, 20401231235959),
    "%Y%m": (199001, 204012),
}
# No counter gets past the 31st of a month.
FEWEST_DAYS = 32
NAMED = re.compile(
    r"(^|_)(time|timestamp|timestmp|datetime|date|dates|datum|fecha|data|ts|dt|at|on|when|epoch|unix|posix|utc|created|"
    r"day|dteday|yyyymmdd|ymd|time_?ms|time_?ns|millis|created_utc|sold|observed|measured|recorded|event_?time)(_|$)"
)
MONTHS_NAMED = re.compile(r"(^|_)(month|yearmonth|year_month|yyyymm|ym|period|periode|date|mois|monat)(_|$)")
DAYS_NAMED = re.compile(r"(^|_)(date|dates|datum|fecha|data|dt|day|dteday)(_|$)|date$")
# What programs count days from, with the days that 1990 and 2040 are then.
DAY_NUMBERS: Mapping[str, tuple[float, float]] = {
    "1899-12-30, as workbooks count": (32_874, 51_136),
    "1960-01-01, as SAS counts": (10_958, 29_220),
    "1970-01-01, as R counts": (7_305, 25_567),
}
NOT_NAMED = re.compile(r"(^|_)(id|ids|key|nr|no|number|duration|elapsed|latency|took|age|lifetime|uptime)(_|$)")
DOTTED, UNDOTTED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}"), re.compile(r"[+-]?\d{1,3}")
FEWEST_DOTTED = 5
FIRST_TRIED = 50


def times_in_numbers(seen: ColumnProfile, values: pa.Array) -> Told | None:
    """Return which times numbers spell, by their range, by being dates of the calendar all, and by the column's name.

    Parameters
    ----------
    values : some of the column's, as they came.
    """
    words = snake(seen.name).strip("_")
    is_named = NAMED.search(words) is not None and NOT_NAMED.search(words) is None
    low, high = seen.range.low, seen.range.high
    for spelling, (first, last) in PACKED.items():
        if not (first <= low and high <= last) or low == high or not _reads_all(values, spelling):
            continue
        by_name = MONTHS_NAMED.search(words) is not None if spelling == "%Y%m" else is_named
        by_count = spelling != "%Y%m" and seen.distinct.n >= FEWEST_DAYS and NOT_NAMED.search(words) is None
        if by_name or by_count:
            return _told(spelling, values)
        return Told(notes=(f"may be a date: for one, set type: timestamp and spelling: '{spelling}'",), is_date=True)
    for spelling, per_second in EPOCHS.items():
        if FIRST * per_second <= low and high < LAST * per_second and low < high:
            if is_named and _reads_all(values, spelling):
                return _told(spelling, values)
            if seen.rising and NOT_NAMED.search(words) is None:
                return Told(
                    notes=(f"may be a time in {spelling}: for one, set type: timestamp and spelling: {spelling}",),
                    is_date=True,
                )
    if DAYS_NAMED.search(words) and seen.distinct.n >= FEWEST_DAYS:
        since = [what for what, (first, last) in DAY_NUMBERS.items() if first <= low and high < last]
        if since:
            note = f"may be days since {' or '.join(since)}: if so, write them as 2024-12-31T08:00:00 at the source"
            return Told(notes=(note,), is_date=True)
    return None


def _told(spelling: str, values: pa.Array) -> Told:
    note = f"numbers such as {values.drop_null()[0].as_py()} are read by spelling: '{spelling}'"
    return Told("timestamp", spelling, notes=(note,), is_date=True)


def _reads_all(values: pa.Array, spelling: str) -> bool:
    values = values.slice(0, LOOKED_AT).drop_null()
    column = Column(name="values", type="timestamp", role="ignore", spelling=spelling, nullable=True)
    read = conform(pa.RecordBatch.from_arrays([values], names=["values"]), [column], zone="UTC")
    return bool(len(values)) and read.column("values").null_count == 0


def grouped_by_dots(texts: Sequence[str], *, decimal: str | None) -> Told | None:
    """Return that dots may separate thousands: where there are three digits behind each, and none above 999 without.

    Examples
    --------
    >>> grouped_by_dots(["1.250", "900", "12.300", "2.400", "3.000", "1.999"], decimal=",").spelling.thousands
    '.'
    >>> grouped_by_dots(["1.25", "900", "12.3"], decimal=None)
    """
    if not all(DOTTED.fullmatch(text) or UNDOTTED.fullmatch(text) for text in map(str.strip, texts[:FIRST_TRIED])):
        return None
    texts = [text.strip() for text in texts]
    dotted = [text for text in texts if DOTTED.fullmatch(text)]
    rest = [text for text in texts if not DOTTED.fullmatch(text)]
    if len(dotted) < FEWEST_DOTTED or not all(UNDOTTED.fullmatch(text) for text in rest):
        return None
    spelling = NumberSpelling(decimal=",", thousands=".")
    if decimal == ",":
        return Told("number", spelling, notes=(f"numbers such as {dotted[0]!r} are read with dots between thousands",))
    if decimal is None and any(len(text.lstrip("+-")) == 3 for text in rest):
        return Told(
            notes=(
                f"{dotted[0]!r} is read as {float(dotted[0]):g}; if the dot separates thousands, set spelling: "
                "{decimal: ',', thousands: '.'}",
            )
        )
    return None
