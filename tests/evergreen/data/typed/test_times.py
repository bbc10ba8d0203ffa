"""Times of any spelling, unit and zone become the instants that Python says they are, or nothing."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import UNREADABLE, arrow_schema, conform
from evergreen.data.typed.times import Offsets

NEW_YORK = "America/New_York"


def column(kind: str, name: str = "x", **more) -> Column:
    return Column(name=name, type=kind, role="feature", **more)


def read(values, kind: str, *, zone: str = "UTC", **more) -> list:
    """Return each value as it is read; one that cannot be is given as a tuple of what is noted of it."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    typed = conform(pa.RecordBatch.from_arrays([array], ["x"]), [column(kind, **more)], zone=zone)
    typed.validate(full=True)
    assert typed.schema == arrow_schema([column(kind)])
    assert len(typed) == len(array)
    notes = [json.loads(note) if note else {} for note in typed[UNREADABLE].to_pylist()]
    assert all(value is None for value, note in zip(typed["x"].to_pylist(), notes, strict=True) if note)
    return [(note["x"],) if note else value for value, note in zip(typed["x"].to_pylist(), notes, strict=True)]


def one(value, kind: str, **more):
    return read([value] if not isinstance(value, pa.Array) else value, kind, **more)[0]


WALL = st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31))


def instants(wall: datetime, zone: str) -> set[datetime]:
    """Return the instants at which clocks show a wall time: none in a gap, two in a fold."""
    both = {wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    return {each for each in both if each.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall}


@given(WALL, st.sampled_from([NEW_YORK, "America/St_Johns", "America/Asuncion", "Asia/Kolkata", "UTC"]))
@example(datetime(2013, 3, 10, 2, 30), NEW_YORK)
@example(datetime(2013, 3, 10, 3, 0), NEW_YORK)
@example(datetime(2013, 11, 3, 1, 30), NEW_YORK)
@example(datetime(2013, 11, 3, 2, 0), NEW_YORK)
@example(datetime(2009, 11, 1, 0, 0, 30), "America/St_Johns")
@example(datetime(2017, 10, 1, 0, 30), "America/Asuncion")
@settings(max_examples=150)
def test_wall_time_is_the_one_instant_at_which_clocks_show_it(wall, zone):
    expected = instants(wall, zone)
    arrays = [pa.array([wall.isoformat()]), pa.array([f" {wall}"]), pa.array([wall], pa.timestamp("us"))]
    if not wall.microsecond:
        arrays.append(pa.array([wall], pa.timestamp("s")))
    arrays.append(pa.array([wall], pa.timestamp("ns")))
    for array in arrays:
        found = one(array, "timestamp", zone=zone)
        assert {found} == expected if len(expected) == 1 else isinstance(found, tuple)


@given(WALL, st.integers(-14 * 60, 14 * 60))
def test_time_with_an_offset_is_that_instant_in_any_zone(wall, minutes):
    offset = timedelta(minutes=minutes)
    instant = (wall - offset).replace(tzinfo=UTC)
    sign, hours = "-" if minutes < 0 else "+", f"{abs(minutes) // 60:02d}"
    texts = [f"{wall.isoformat()}{sign}{hours}{colon}{abs(minutes) % 60:02d}" for colon in ("", ":")]
    texts += [f"{texts[1]} ", instant.isoformat(), f"{instant:%Y-%m-%d %H:%M:%S.%f}Z"]
    for text in texts:
        assert read([text, "2013-01-01"], "timestamp", zone=NEW_YORK)[0] == instant, text
        assert one(text, "timestamp", zone=NEW_YORK) == instant, text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2013-01-31T05Z", datetime(2013, 1, 31, 5)),
        ("2013-01-31 05Z", datetime(2013, 1, 31, 5)),
        ("2013-01-31T05-03", datetime(2013, 1, 31, 8)),
        ("2013-01-31T05:30 +01:30", datetime(2013, 1, 31, 4)),
        ("2013-01-31", datetime(2013, 1, 31, 5)),
        ("2013-01-31 05", datetime(2013, 1, 31, 10)),
        ("2013/01/31 05:30", datetime(2013, 1, 31, 10, 30)),
    ],
)
def test_time_is_read_alike_alone_and_among_others(text, instant):
    instant = instant.replace(tzinfo=UTC)
    for others in ([], ["2013-06-01T00:00:00Z"], ["2013-06-01T00:00:00"], ["no"]):
        assert read([text, *others], "timestamp", zone=NEW_YORK)[0] == instant


@pytest.mark.parametrize(
    "text", ["2013", "2013-01", "20130131", "now", "today", "01/02/2013", "2013-02-30", "2013-01-31T24:00",
             "2013-01-31T05:30:61", "2013-01-31T05:30z", "9999-12-31", "0001-01-01", "-2013-01-01", "1577-01-01",
             "2013-01-31T05:30+99"]
)  # fmt: skip
def test_text_that_is_no_day_within_reach_is_unreadable(text):
    assert read([text], "timestamp") == [(text,)]
    assert read(["2013-01-31", text], "timestamp")[1] == (text,)


@pytest.mark.parametrize("value", [20130131, 1.5, True, Decimal("20130131"), time(5), timedelta(1)])
def test_number_is_no_time(value):
    assert isinstance(one(value, "timestamp"), tuple)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", NEW_YORK, "+05:30"])
def test_times_beyond_reach_of_any_unit_are_unreadable_not_wrapped(unit, zone):
    far = pa.array([2**62, -(2**62), 0, None], pa.int64()).cast(pa.timestamp(unit, zone))
    found = read(far, "timestamp")
    assert found[2:] == [datetime(1970, 1, 1, tzinfo=UTC), None]
    if unit == "ns":
        assert found[0] == datetime(2116, 2, 20, 23, 53, 38, 427387, tzinfo=UTC)
    else:
        assert all(isinstance(each, tuple) for each in found[:2])
    assert isinstance(read(far, "text")[0], str if unit == "ns" else tuple)


@given(st.integers(-(2**62), 2**62))
@example(-1)
@example(-1_001)
def test_nanoseconds_are_cut_as_pandas_cuts_them(nanoseconds):
    expected = pd.Timestamp(nanoseconds, tz="UTC").floor("us").to_pydatetime()
    assert one(pa.array([nanoseconds], pa.timestamp("ns", "UTC")), "timestamp") == expected


def test_nanoseconds_of_a_text_are_cut_alike():
    text = "1969-12-31T23:59:59.123456789Z"
    assert one(text, "timestamp") == datetime(1969, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)


def test_days_are_local_midnights():
    assert one(date(2013, 1, 31), "timestamp", zone=NEW_YORK) == datetime(2013, 1, 31, 5, tzinfo=UTC)
    assert one(pa.array([date(2013, 1, 31)], pa.date64()), "timestamp") == datetime(2013, 1, 31, tzinfo=UTC)
    assert isinstance(one(pa.array([2**31 - 1], pa.date32()), "timestamp"), tuple)
    assert isinstance(one(pa.array([2**62], pa.date64()), "timestamp"), tuple)


def test_offsets_are_counted_where_times_could_be_read():
    offsets = Offsets()
    texts = ["2013-01-31T05:00Z", "2013-13-31T05:00Z", "2013-01-31 05:00", "no", None, "NA", "2013-03-10 02:30"]
    rows = pa.RecordBatch.from_pydict({"x": texts})
    conform(rows, [column("timestamp")], zone=NEW_YORK, offsets=offsets)
    assert (offsets.with_offset, offsets.without, offsets.mixed) == ({"x": 1}, {"x": 2}, ["x"])
    each = Offsets()
    for n in range(len(rows)):
        conform(rows.slice(n, 1), [column("timestamp")], zone=NEW_YORK, offsets=each)
    assert each == offsets


def test_times_all_with_or_all_without_an_offset_are_no_mixture():
    offsets = Offsets()
    for texts in (["2013-01-31T05:00Z", None], ["no", "2013-01-31T05:00Z"], ["NA"]):
        conform(pa.RecordBatch.from_pydict({"x": texts}), [column("timestamp")], zone="UTC", offsets=offsets)
    assert (offsets.with_offset, offsets.mixed) == ({"x": 2}, [])
