"""Rows of a database as a Parquet file: the narrowest type that holds a column, whole or not at all."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base.errors import DataError
from evergreen.data.ingest.snapshots import write_snapshot

NAIVE, AWARE = datetime(2024, 1, 1, 2), datetime(2024, 1, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("batches", "kind", "values"),
    [
        ([[1, None]], pa.int64(), [1, None]),
        ([[1], [0.5]], pa.float64(), [1.0, 0.5]),
        ([[True, None]], pa.bool_(), [True, None]),
        ([[True], [1]], pa.string(), ["true", "1"]),
        ([[1], ["a"], [1.0]], pa.string(), ["1", "a", "1"]),
        ([[None], [None]], pa.string(), [None, None]),
        ([[None], [date(2024, 1, 1)]], pa.date32(), [None, date(2024, 1, 1)]),
        ([[NAIVE]], pa.timestamp("us"), [NAIVE]),
        ([[AWARE]], pa.timestamp("us", "UTC"), [AWARE]),
        ([[NAIVE], [AWARE]], pa.string(), [NAIVE.isoformat(), AWARE.isoformat()]),
        ([[2**63]], pa.string(), [str(2**63)]),
        ([[Decimal("3")]], pa.int64(), [3]),
        ([[Decimal("0.5")]], pa.float64(), [0.5]),
        ([[Decimal(2**53 + 1), Decimal("0.5")]], pa.string(), [str(2**53 + 1), "0.5"]),
        ([[{"a": "ü"}]], pa.string(), ['{"a": "ü"}']),
    ],
)
def test_column_has_the_narrowest_type_that_holds_its_values(tmp_path, batches, kind, values):
    write_snapshot(tmp_path / "s.parquet", ["x"], iter([[(value,) for value in batch] for batch in batches]))
    found = pq.read_table(tmp_path / "s.parquet")
    assert found.schema.field("x").type == kind
    assert found["x"].to_pylist() == values


def test_snapshot_says_what_it_holds_and_how_far_it_goes(tmp_path):
    path = tmp_path / "s.parquet"
    rows = iter([[(1, "a"), (None, "b")], [(3, "c")]])
    found = write_snapshot(path, ["n", "t"], rows, last_of="n")
    assert (found.path, found.rows, found.last, found.nulls) == (path, 3, 3, 1)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [file.name for file in tmp_path.iterdir()] == ["s.parquet"]


def test_query_without_rows_has_columns_of_text(tmp_path):
    found = write_snapshot(tmp_path / "s.parquet", ["a", "b"], iter([]), last_of="a")
    assert (found.rows, found.last, found.nulls) == (0, None, 0)
    assert pq.read_schema(tmp_path / "s.parquet").types == [pa.string()] * 2


def test_equal_rows_leave_the_file_as_it_lies_there(tmp_path):
    path = tmp_path / "s.parquet"
    write_snapshot(path, ["n"], iter([[(1,)]]))
    before = path.stat().st_ino
    write_snapshot(path, ["n"], iter([[(1,)]]))
    assert path.stat().st_ino == before
    write_snapshot(path, ["n"], iter([[(2,)]]))
    assert pq.read_table(path)["n"].to_pylist() == [2]


@pytest.mark.parametrize(
    ("names", "rows", "last_of", "code"),
    [
        (["a", "a"], [(1, 2)], None, "DQ029"),
        (["a", "b"], [(1, 2)], "c", "DQ029"),
        (["a", "b"], [(1, b"x")], None, "DQ002"),
    ],
)
def test_result_that_cannot_be_kept_leaves_no_file(tmp_path, names, rows, last_of, code):
    with pytest.raises(DataError) as caught:
        write_snapshot(tmp_path / "s.parquet", names, iter([rows]), last_of=last_of)
    assert caught.value.code == code
    assert not list(tmp_path.iterdir())


def test_database_that_fails_midway_leaves_what_was_there(tmp_path):
    path = tmp_path / "s.parquet"
    write_snapshot(path, ["n"], iter([[(1,)]]))

    def breaking():
        yield [("a",)]
        raise ConnectionError("gone")

    with pytest.raises(Exception, match="gone"):
        write_snapshot(path, ["n"], breaking())
    assert pq.read_table(path)["n"].to_pylist() == [1]
    assert [file.name for file in tmp_path.iterdir()] == ["s.parquet"]
