"""Every row in the file of its local month, at a bounded number of open files."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from versions import ASUNCION, NEW_YORK, SCHEMA, ST_JOHNS, TYPES, at, rows_of, write

from evergreen.data import datasets
from evergreen.data.datasets import UNDATED, WHOLE, Writer
from evergreen.data.typed.schema import UNREADABLE

EXAMPLE = {
    "at": at("2013-01-31T05:00"), "n": 1, "m": 0, "x": 0.5, "t": "a", "u": "", "b": False, UNREADABLE: None
}  # fmt: skip


INSTANTS = st.one_of(
    st.none(),
    st.datetimes(datetime(1901, 1, 1), datetime(2261, 1, 1)).map(lambda wall: wall.replace(tzinfo=UTC)),
    st.builds(
        lambda year, month, minutes: datetime(year, month, 1, tzinfo=UTC) + timedelta(minutes=minutes),
        st.integers(2006, 2045), st.integers(1, 12), st.integers(-900, 900),
    ),
)  # fmt: skip


@given(st.lists(st.lists(INSTANTS, max_size=6), max_size=4), st.sampled_from([NEW_YORK, ST_JOHNS, ASUNCION, "UTC"]))
@example([[at("2009-11-01T02:20"), at("2009-11-01T02:30:30"), at("2009-11-01T03:00")]], ST_JOHNS)
@example([[at("2009-11-01T02:30:30")], [at("2009-11-01T03:00")]], ST_JOHNS)
@example([[at("2040-07-01T04:30"), at("2040-07-01T03:30")], [], [None]], NEW_YORK)
@settings(max_examples=40)
def test_every_row_lies_in_its_local_month(tmp_path_factory, batches, zone):
    folder = tmp_path_factory.mktemp("months")
    numbered = [rows_of([{"at": instant, "n": n} for n, instant in enumerate(each)]) for each in batches]
    fragments, unordered = write(folder, numbered, zone=zone)
    found = Counter()
    for fragment in fragments:
        table = pq.read_table(folder / fragment.path, partitioning=None)
        assert table.schema.equals(SCHEMA)
        assert (table.num_rows, fragment.size) == (fragment.rows, (folder / fragment.path).stat().st_size)
        found.update((fragment.partition, instant) for instant in table["at"].to_pylist())
    instants = [instant for each in batches for instant in each]
    assert found == Counter((f"{i.astimezone(ZoneInfo(zone)):%Y-%m}" if i else UNDATED, i) for i in instants)
    present = [instant for instant in instants if instant]
    assert unordered == sum(b < a for a, b in pairwise(present))


def test_year_ends_at_local_midnight(tmp_path):
    rows = [{"at": at("2014-01-01T04:59:59.999999")}, {"at": at("2014-01-01T05:00")}, {"at": at("2013-12-01T05:00")}]
    fragments, _ = write(tmp_path, [rows_of(rows)])
    assert [(part.partition, part.rows) for part in fragments] == [("2013-12", 2), ("2014-01", 1)]


def test_table_without_a_time_column_is_one_partition(tmp_path):
    fragments, unordered = write(tmp_path, [rows_of([EXAMPLE] * 3), rows_of([EXAMPLE])], time=None)
    assert [(part.partition, part.rows) for part in fragments] == [(WHOLE, 4)]
    assert unordered == 0


@pytest.mark.parametrize("batches", [[], [rows_of([])], [rows_of([])] * 3])
def test_no_rows_make_no_files(tmp_path, batches):
    assert write(tmp_path, batches) == ((), 0)
    assert list(tmp_path.iterdir()) == []


def test_more_months_than_files_may_be_open_lose_no_row(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.writer, "MOST_OPEN", 3)
    months = [at(f"{2000 + n // 12}-{n % 12 + 1:02d}-15T00:00") for n in range(10)]
    rows = [{"at": months[n % 10], "n": n} for n in range(100)]
    fragments, _ = write(tmp_path, [rows_of(rows[n : n + 20]) for n in range(0, 100, 20)])
    assert len(fragments) > 10
    assert Counter(part.partition for part in fragments).keys() == {f"{month:%Y-%m}" for month in months}
    found = [n for part in fragments for n in pq.read_table(tmp_path / part.path, partitioning=None)["n"].to_pylist()]
    assert sorted(found) == list(range(100))
    assert datasets.digest(TYPES, fragments) == datasets.digest(TYPES, write(tmp_path / "b", [rows_of(rows)])[0])


def test_rows_of_many_months_wait_within_bounds_and_none_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.writer, "MOST_WAITING", 10_000)
    rows = [{"at": at(f"2013-{n % 12 + 1:02d}-15T00:00"), "n": n} for n in range(1_200)]
    writer = Writer(tmp_path, item="ab" * 32, time="at", zone="UTC")
    for begin in range(0, 1_200, 100):
        writer.add(rows_of(rows[begin : begin + 100]))
        assert sum(part.waiting for part in writer._open.values()) <= 10_000
    fragments = writer.close()
    found = [n for part in fragments for n in pq.read_table(tmp_path / part.path, partitioning=None)["n"].to_pylist()]
    assert sorted(found) == list(range(1_200))
    assert datasets.digest(TYPES, fragments) == datasets.digest(TYPES, write(tmp_path / "b", [rows_of(rows)])[0])


def test_dataset_has_one_digest_however_it_was_split(tmp_path):
    shuffle = random.Random(7)
    rows = [{**EXAMPLE, "at": at("2013-01-01T00:00") + timedelta(hours=13 * n), "n": n} for n in range(200)]
    whole = datasets.digest(TYPES, write(tmp_path / "whole", [rows_of(rows)])[0])
    shuffle.shuffle(rows)
    parts = []
    for item, half in (("a" * 64, rows[:70]), ("b" * 64, rows[70:])):
        parts += write(tmp_path / item[0], [rows_of(half[n : n + 9]) for n in range(0, len(half), 9)], item=item)[0]
    assert datasets.digest(TYPES, parts) == whole
