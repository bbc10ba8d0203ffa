"""The rows of a file as batch scoring reads them: all of them, in their order, with their columns as they came."""

import logging

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base.errors import DataError
from evergreen.data.ingest.items import item_of
from evergreen.data.ingest.rows import read, without_missing
from evergreen.data.typed.schema import ROW, UNREADABLE


def table(path):
    found = read(item_of(path, name=str(path)))
    batches = list(found.batches)
    assert {tuple(batch.schema.names) for batch in batches} == {(*found.schema.names, ROW, UNREADABLE)}
    return pa.Table.from_batches(batches)


def test_values_of_text_stay_as_they_are_written_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('extra,word,at,x\n007,b,2024-01-02,1.50\n2,NA,"2024-01-01",\n')
    rows = table(path).drop_columns([ROW, UNREADABLE]).to_pydict()
    assert rows == {"extra": ["007", "2"], "word": ["b", "NA"], "at": ["2024-01-02", "2024-01-01"], "x": ["1.50", ""]}


def test_what_stands_for_no_value_is_null_in_the_columns_that_are_asked_for():
    rows = pa.RecordBatch.from_pydict({"x": ["1", "NA", None], "y": ["NA", "", "n/a"]})
    found = without_missing(rows, ["x"], ("NA", ""))
    assert found.to_pydict() == {"x": ["1", None, None], "y": ["NA", "", "n/a"]}


def test_typed_file_keeps_its_types_but_for_nested_columns_which_it_names(tmp_path, caplog):
    rows = pa.table({"x": pa.array([0.5, None], pa.float32()), "word": ["a", "b"], "deep": [[1], [2]]})
    pq.write_table(rows, tmp_path / "rows.parquet")
    with caplog.at_level(logging.WARNING):
        found = table(tmp_path / "rows.parquet")
    assert found.schema.field("x").type == pa.float32()
    assert found.schema.names == ["x", "word", ROW, UNREADABLE]
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "nested columns are left out: deep"
    ]


def test_row_that_cannot_be_split_keeps_its_place(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x,word\n1,a\n1,2,3\n3,c\n\xff,d\n5,e\n6\n")
    found = table(path)
    assert found[ROW].to_pylist() == [1, 2, 3, 4, 5, 6]
    assert found["x"].to_pylist() == ["1", None, "3", None, "5", None]
    assert [text is None for text in found[UNREADABLE].to_pylist()] == [True, False, True, False, True, False]


def test_many_rows_that_cannot_be_split_keep_their_places_over_blocks(tmp_path):
    path = tmp_path / "rows.csv"
    n = 400_000  # of several blocks
    path.write_text("x,word\n" + "".join(f"{at},{'a' if at % 50 else 'a,b'}\n" for at in range(1, n + 1)))
    found = table(path)
    assert found[ROW].to_pylist() == list(range(1, n + 1))
    assert found["x"].null_count == n // 50


def test_column_that_comes_late_in_lines_of_json_is_there_from_the_first(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"x": 1.50}\nbroken\n{"late": true, "x": null}\n' + '{"x": 2}\n' * 300_000 + '{"last": "z"}\n')
    found = table(path)
    assert found.schema.names[:3] == ["x", "late", "last"]
    assert found["x"].to_pylist()[:3] == ["1.50", None, None]
    assert found["late"].to_pylist()[:3] == [None, None, "true"]
    assert found["last"].to_pylist()[-1] == "z"
    assert found[ROW].to_pylist() == list(range(1, found.num_rows + 1))


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"x,word\n", "DQ007", "empty"),
        (b"", "DQ007", "empty"),
        (b"PAR1 this is none", "DQ002", "Parquet"),
        (b"x,x\n1,2\n", "DQ029", "twice"),
    ],
)
def test_file_that_cannot_be_read_says_why(tmp_path, content, code, says):
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        table(path)
    assert caught.value.code == code


def test_empty_parquet_file_is_refused_too(tmp_path):
    pd.DataFrame({"x": []}).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match="the table is empty"):
        table(tmp_path / "rows.parquet")


def test_texts_that_repeat_come_as_the_dictionaries_in_which_they_are_stored(tmp_path):
    n = 5_000
    rows = pa.table(
        {"word": [None if at % 9 == 0 else "ab"[at % 2] for at in range(n)], "id": [f"{at:032x}" for at in range(n)]}
    )
    pq.write_table(rows, tmp_path / "rows.parquet")
    found = read(item_of(tmp_path / "rows.parquet", name="rows.parquet"))
    batches = list(found.batches)
    assert set(found.coded) == {"word"}
    assert found.schema.types == [pa.string(), pa.string()]
    assert {str(batch.schema.field("word").type) for batch in batches} == {
        "dictionary<values=string, indices=int32, ordered=0>"
    }
    assert [word for batch in batches for word in batch.column("word").to_pylist()] == rows["word"].to_pylist()


def test_text_that_is_no_text_is_told_in_a_file_of_dictionaries_too(tmp_path):
    words = pa.array([b"a", b"\xff", b"b"] * 2_000, pa.binary())
    stored = pa.Array.from_buffers(pa.string(), len(words), words.buffers())
    pq.write_table(pa.table({"word": stored}), tmp_path / "rows.parquet")
    found = read(item_of(tmp_path / "rows.parquet", name="rows.parquet"))
    (batch,) = found.batches
    assert batch.column("word").to_pylist() == ["a", None, "b"] * 2_000
    assert [text is None for text in batch.column(UNREADABLE).to_pylist()] == [True, False, True] * 2_000
