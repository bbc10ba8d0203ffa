"""Times of any spelling, unit and zone as instants in UTC."""

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

INSTANT = pa.timestamp("us", "UTC")
# ISO 8601 with a whole date; pandas would also read 2013, 20130101 and today.
TIME = (
    r"^((\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2})"
    r"([T ]\d{1,2}(:?\d{2}(:?\d{2}(\.\d+)?)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?"
    r"|\d{8}T\d{2}(\d{2}(\d{2}(\.\d+)?)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)$"
)
ITS_UTC = r"(\d) ?(?:UTC|GMT)$"
OFFSET = r"\d[T ]\d.*(Z|[+-]\d{2}(:?\d{2})?)$"
# What pandas can hold in every unit; beyond it, a conversion to local time overflows.
EARLIEST, LATEST = pd.Timestamp("1678-01-01", tz="UTC"), pd.Timestamp("2262-01-01", tz="UTC")
LAST_RULED = datetime(2037, 1, 1)  # Arrow knows no daylight saving after 2037
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
DAY = 86_400


@dataclass
class Offsets:
    """How many times of each text column were written with an offset from UTC, and how many without."""

    with_offset: dict[str, int] = field(default_factory=dict)
    without: dict[str, int] = field(default_factory=dict)

    def note(self, column: str, *, with_offset: int, without: int) -> None:
        self.with_offset[column] = self.with_offset.get(column, 0) + with_offset
        self.without[column] = self.without.get(column, 0) + without

    @property
    def mixed(self) -> list[str]:
        """The columns that have both."""
        return [name for name, count in self.with_offset.items() if count and self.without[name]]


def instants(values: pa.Array, name: str, zone: str, offsets: Offsets | None) -> pa.Array:
    """Return instants in UTC, to the microsecond. A number is none: it could be a year, or seconds or nanoseconds."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        times = _microseconds(where(_inside(values), values))
        utc_times = times.cast(INSTANT) if kind.tz else _localized(times, zone)
    elif pa.types.is_string(kind):
        utc_times = _from_text(values, name, zone, offsets)
    else:
        return pa.nulls(len(values), INSTANT)
    inside = pc.and_(pc.greater_equal(utc_times, EARLIEST), pc.less(utc_times, LATEST))
    return utc_times if inside.true_count == len(inside) - inside.null_count else where(inside, utc_times)


def written(times: pa.Array) -> pa.Array:
    """Return times as text, equal for equal times of any unit: a date alone at midnight, a fraction without zeros."""
    if pa.types.is_timestamp(times.type):
        times = where(_inside(times), times)
        times = times.cast(pa.timestamp(times.type.unit, "UTC")) if times.type.tz else times
    texts = pc.replace_substring_regex(times.cast(pa.string()), r"(\.\d*[1-9])0+(Z?)$|\.0+(Z?)$", r"\1\2\3")
    return pc.replace_substring_regex(texts, r" 00:00:00$", "")


def _inside(times: pa.Array) -> pa.Array:
    """Return where times, of any unit and zone, are less than a day beyond EARLIEST and LATEST."""
    per_second, counts = PER_SECOND[times.type.unit], times.cast(pa.int64())
    first, last = ((int(bound.timestamp()) + slack) * per_second for bound, slack in ((EARLIEST, -DAY), (LATEST, DAY)))
    return pc.and_(pc.greater_equal(counts, first), pc.less(counts, last))


def _microseconds(times: pa.Array) -> pa.Array:
    kind = pa.timestamp("us", times.type.tz)
    if times.type.unit != "ns":
        return times.cast(kind)
    counts = times.cast(pa.int64()).fill_null(0).to_numpy() // 1_000  # down, as pandas does; Arrow cuts towards 1970
    return where(times.is_valid(), pa.array(counts).cast(kind))


def _from_text(texts: pa.Array, name: str, zone: str, offsets: Offsets | None) -> pa.Array:
    with_offset = without = pa.nulls(0)
    try:
        utc_times = with_offset = texts.cast(INSTANT)
    except pa.ArrowInvalid:
        try:
            without = texts.cast(pa.timestamp("us"))
            utc_times = _localized(where(_inside(without), without), zone)
        except pa.ArrowInvalid:
            texts = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), ITS_UTC, r"\1Z")
            texts = where(pc.match_substring_regex(texts, TIME), texts)
            has_offset = pc.match_substring_regex(texts, OFFSET)
            with_offset, without = (_parsed_times(where(mask, texts)) for mask in (has_offset, pc.invert(has_offset)))
            without = without.cast(pa.timestamp("us"))
            utc_times = pc.coalesce(with_offset, _localized(where(_inside(without), without), zone))
    if offsets is not None:
        counts = [len(times) - times.null_count for times in (with_offset, without)]
        offsets.note(name, with_offset=counts[0], without=counts[1])
    return utc_times


def _parsed_times(texts: pa.Array) -> pa.Array:
    times = pd.to_datetime(pd.Series(texts.to_pandas(), dtype="str"), format="ISO8601", utc=True, errors="coerce")
    return pa.Array.from_pandas(times.dt.as_unit("us")).cast(INSTANT)


def _localized(wall: pa.Array, zone: str) -> pa.Array:
    """Return the instants of wall times; null for one that the clocks skip or repeat."""
    late = pc.fill_null(pc.greater_equal(wall, pa.scalar(LAST_RULED, wall.type)), False)
    if late.true_count:
        times = where(late, wall).to_pandas().dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        before = where(pc.invert(late), wall)
        return pc.coalesce(_localized(before, zone), pa.Array.from_pandas(times).cast(INSTANT))
    try:
        return pc.assume_timezone(wall, zone).cast(INSTANT)
    except pa.ArrowInvalid:  # one that is skipped or repeated
        pass
    first = pc.assume_timezone(wall, zone, ambiguous="earliest", nonexistent="earliest")
    last = pc.assume_timezone(wall, zone, ambiguous="latest", nonexistent="latest")
    once = pc.equal(first, last)
    return where(once, first).cast(INSTANT)


def where(mask: pa.Array, values: pa.Array) -> pa.Array:
    """Return `values` where `mask` is true, null elsewhere."""
    return pc.if_else(pc.fill_null(mask, False), values, pa.scalar(None, values.type))
