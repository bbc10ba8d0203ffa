"""Rows of SQLite and a real PostgreSQL: read only, bound, typed by what comes, and only new ones above a watermark."""

import sqlite3
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from evergreen.base.errors import ConfigError, EvergreenError
from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import databases, readers


@pytest.fixture
def refusal(find):
    def refusal(*args, **options) -> EvergreenError:
        with pytest.raises(EvergreenError) as caught:
            find(*args, **options)
        return caught.value

    return refusal


@pytest.fixture
def insert(tmp_path):
    def insert(statement, *rows):
        with sqlite3.connect(tmp_path / "flights.db") as database:
            database.executemany(statement, rows or [()])
        database.close()

    return insert


def rows(item):
    return [row for batch in readers.read(item, missing=MISSING) for row in batch.to_pylist()]


def ids(items):
    return [[row["id"] for row in rows(item)] for item in items]


def test_rows_become_one_typed_item(find):
    (item,) = find()
    assert (item.name, item.format) == ("rows 1 to 3 of db", "parquet")
    schema = pq.read_schema(item.uri)
    assert [str(kind) for kind in schema.types] == ["int64", "double", "string"]
    assert rows(item)[1] == {"id": 2, "delay": None, "carrier": "AA", "_row": 2, "_unreadable": None}
    assert find() == (item,)


def test_query_is_run_each_time(find, insert):
    (before,) = find()
    insert("INSERT INTO flights VALUES (4, 0, 'B6')")
    (after,) = find()
    assert (after.name, after.uri) == ("rows 1 to 4 of db", before.uri)
    assert after.sha256 != before.sha256


def test_query_without_rows_gives_an_empty_item(find):
    (item,) = find("SELECT * FROM flights WHERE id > 9")
    assert (item.name, rows(item)) == ("no rows of db", [])
    assert pq.read_schema(item.uri).names == ["id", "delay", "carrier"]


def test_parameters_are_bound_and_never_pasted(find, refusal):
    query = "SELECT * FROM flights WHERE carrier = :carrier"
    assert ids(find(query, parameters={"carrier": "UA"})) == [[1]]
    assert ids(find(query, parameters={"carrier": "UA' OR '1'='1"})) == [[]]
    assert ids(find()) == [[1, 2, 3]]
    assert refusal(query).what.startswith("the database refuses the query: ")


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE flights",
        "SELECT 1; DROP TABLE flights",
        "DELETE FROM flights",
        "WITH x AS (SELECT 1) DELETE FROM flights",
        "WITH x AS (DELETE FROM flights RETURNING *) SELECT * FROM x",
        "SELECT * INTO copied FROM flights",
        "/* SELECT */ DROP TABLE flights",
        "-- SELECT\nDROP TABLE flights",
        "PRAGMA table_info(flights)",
        "ATTACH 'x.db' AS x",
        "SELECT ';' ; DROP TABLE flights --'",
        ";",
    ],
)
def test_statement_that_is_not_one_select_is_refused_and_not_run(refusal, find, query):
    error = refusal(query)
    assert (type(error), error.code) == (ConfigError, "CFG022")
    assert ids(find()) == [[1, 2, 3]]


@pytest.mark.parametrize(
    "query",
    [
        "select id from flights;",
        "  SELECT id FROM flights ; -- done; really",
        "-- all of them\nSELECT id FROM flights",
        "WITH x AS (SELECT id FROM flights) SELECT id FROM x",
        "SELECT id FROM flights WHERE ';' <> 'delete; from' AND \"id\" > 0 /* ; */",
    ],
)
@pytest.mark.parametrize("watermark", [None, "id"])
def test_spellings_of_a_select_are_accepted(find, query, watermark):
    assert ids(find(query, watermark=watermark)) == [[1, 2, 3]]


def test_watermark_reads_only_what_is_above_the_last_row_seen(find, insert):
    (first,) = find(watermark="id")
    assert find(watermark="id") == (first,)
    insert("INSERT INTO flights VALUES (?, 0, 'B6')", (5,), (4,))
    insert("UPDATE flights SET delay = 99 WHERE id = 1")
    both = find(watermark="id")
    assert [item.name for item in both] == ["rows 1 to 3 of db", "rows 4 to 5 of db"]
    assert (both[0], ids(both)) == (first, [[1, 2, 3], [4, 5]])
    assert find(watermark="id") == both
    assert len(find("SELECT * FROM flights WHERE id > 0", watermark="id")) == 1


def test_watermark_of_an_empty_table_waits_for_rows(find, insert):
    insert("DELETE FROM flights")
    assert find(watermark="id")[0].name == "no rows of db"
    insert("INSERT INTO flights VALUES (7, 0, 'B6')")
    assert ids(find(watermark="id")) == [[7]]


@pytest.mark.parametrize("damage", ["changed", "gone", "index"])
def test_damaged_snapshot_and_those_after_it_are_read_anew(find, insert, tmp_path, damage):
    find(watermark="id")
    insert("INSERT INTO flights VALUES (4, 0, 'B6')")
    _, second = find(watermark="id")
    insert("INSERT INTO flights VALUES (5, 0, 'B6')")
    find(watermark="id")
    if damage == "changed":
        (tmp_path / second.uri).write_bytes(b"PAR1")
    elif damage == "gone":
        (tmp_path / second.uri).unlink()
    else:
        next((tmp_path / "sources" / "sql").glob("*/index.json")).write_text("{")
    found = find(watermark="id")
    assert ids(found) == ([[1, 2, 3, 4, 5]] if damage == "index" else [[1, 2, 3], [4, 5]])


@pytest.mark.parametrize("name", ["id; DROP TABLE flights", "id)", '"id"', "1", "id --"])
def test_watermark_must_be_a_column_name(refusal, name):
    assert (refusal(watermark=name).code, refusal(watermark=name).what) == (
        "CFG022",
        "the watermark is not the name of a column",
    )


def test_watermark_that_is_no_column_of_the_result_is_refused(refusal):
    assert refusal(watermark="nothing").code in ("DQ000", "DQ029")


def test_watermark_without_a_value_is_refused_now_and_later(refusal, find, insert):
    assert refusal(watermark="carrier").what == "watermark 'carrier' has rows without a value"
    find(watermark="id")
    insert("INSERT INTO flights VALUES (NULL, 0, 'B6')")
    assert refusal(watermark="id").what == "watermark 'id' has rows without a value"


def test_column_of_mixed_types_becomes_text_also_when_they_come_late(find, insert, monkeypatch):
    monkeypatch.setattr(databases, "BATCH_ROWS", 2)
    insert("INSERT INTO flights VALUES (?, ?, 'B6')", ("x7", 1), (5, "late"), (2**62, None))
    (item,) = find("SELECT id, delay, NULL AS empty FROM flights")
    assert [str(kind) for kind in pq.read_schema(item.uri).types] == ["string", "string", "string"]
    assert [row["id"] for row in rows(item)] == ["1", "2", "3", "x7", "5", str(2**62)]
    assert [row["delay"] for row in rows(item)] == ["2.5", None, "-1", "1", "late", None]


def test_nulls_first_and_integers_before_numbers_find_their_type(find, insert, monkeypatch):
    monkeypatch.setattr(databases, "BATCH_ROWS", 1)
    insert("DELETE FROM flights")
    insert("INSERT INTO flights VALUES (?, ?, ?)", (None, 1, None), (1, 2, None), (None, 2.5, "UA"))
    (item,) = find("SELECT id, CASE WHEN delay = 1 THEN 1 ELSE delay END AS delay, carrier FROM flights")
    assert [str(kind) for kind in pq.read_schema(item.uri).types] == ["int64", "double", "string"]
    assert [row["id"] for row in rows(item)] == [None, 1, None]


def test_bytes_and_repeated_names_are_refused(refusal):
    assert refusal("SELECT x'00ff' AS picture FROM flights").what == "cannot be parsed: column 'picture' holds bytes"
    assert refusal("SELECT id, id FROM flights").what == "the query's result names columns twice: id"


def test_failed_query_leaves_no_file_behind(refusal, tmp_path):
    refusal("SELECT id, x'00' AS b FROM flights")
    left = [path.name for path in (tmp_path / "sources").rglob("*") if path.is_file()]
    assert left == [".lock"]


def test_postgres_types_arrive_as_they_are(find, warehouse):
    (item,) = find("SELECT * FROM events ORDER BY id", "warehouse")
    assert {field.name: str(field.type) for field in pq.read_schema(item.uri)} == {
        "id": "int64", "price": "double", "code": "string", "at": "timestamp[us, tz=UTC]", "wall": "timestamp[us]",
        "day": "date32[day]", "ok": "bool", "note": "string", "Odd Name": "int64", "tags": "string", "ident": "string",
    }  # fmt: skip
    first = rows(item)[0]
    assert (first["price"], first["code"], first["tags"]) == (1.25, "100000000000000000001", '["a", "b"]')
    assert first["at"] == datetime(2024, 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("watermark", ["id", "at", "wall", "day", "price", "note"])
def test_postgres_watermark_of_every_type_goes_on_where_it_was(find, warehouse, watermark):
    query = "SELECT * FROM events"
    (first,) = find(query, "warehouse", watermark=watermark)
    assert find(query, "warehouse", watermark=watermark) == (first,)
    with warehouse.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO events (id, price, at, wall, day, note) VALUES (99, 999, now(), now(), now(), 'zz')")
        )
    assert [len(rows(item)) for item in find(query, "warehouse", watermark=watermark)] == [50, 1]


def test_postgres_takes_a_select_in_parentheses(find, warehouse):
    assert ids(find("(SELECT id FROM events LIMIT 1)", "warehouse")) == [[1]]
