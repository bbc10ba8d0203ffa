"""Rows that a reader sets aside, and what it says of bytes that it cannot take."""

import json

import pyarrow as pa

from evergreen.base.artifacts.refs import Item
from evergreen.data.ingest.faults import LONGEST_SHOWN, bad_header, empty, not_parsed, unreadable_rows, with_rows
from evergreen.data.typed.schema import ROW, UNREADABLE

ITEM = Item(name="a.csv", uri="/a.csv", size=1, sha256="a" * 64, format="csv")
SCHEMA = pa.schema([("n", pa.int64()), ("t", pa.string())])


def test_faults_name_the_file_by_code():
    faults = [not_parsed(ITEM, "why\nnot"), empty(ITEM), bad_header(ITEM, "what", "next")]
    found = [(fault.code, fault.where) for fault in faults]
    assert found == [("DQ002", "a.csv"), ("DQ007", "a.csv"), ("DQ029", "a.csv")]
    assert str(faults[0]).endswith("cannot be parsed: why")
    assert "the bytes are not what the name says" in str(not_parsed(ITEM, ""))


def test_readable_rows_keep_their_numbers_and_have_nothing_unreadable():
    batch = pa.RecordBatch.from_pydict({"n": [7, 8], "t": ["a", None]}, SCHEMA)
    found = with_rows(batch, pa.array([4, 9]))
    assert found.schema.names == ["n", "t", ROW, UNREADABLE]
    assert found.to_pylist() == [
        {"n": 7, "t": "a", ROW: 4, UNREADABLE: None},
        {"n": 8, "t": None, ROW: 9, UNREADABLE: None},
    ]


def test_unreadable_rows_have_the_types_of_the_others_and_their_text():
    found = unreadable_rows(SCHEMA, [3], ['a,"ü'])
    assert found.schema.types[:2] == SCHEMA.types
    (row,) = found.to_pylist()
    assert (row["n"], row["t"], row[ROW]) == (None, None, 3)
    assert json.loads(row[UNREADABLE]) == {"*": 'a,"ü'}


def test_long_text_is_cut_at_whole_characters():
    (row,) = unreadable_rows(SCHEMA, [1], ["x" + "ü" * LONGEST_SHOWN]).to_pylist()
    text = json.loads(row[UNREADABLE])["*"]
    assert text == "x" + "ü" * ((LONGEST_SHOWN - 1) // 2)
