"""CSV and TSV: every value as text, ragged rows set aside by their number, headers that name columns."""

import json

import numpy as np
import pytest

from evergreen.data.ingest import delimited, streams


def good(rows):
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows if row["_unreadable"] is None]


def bad(rows):
    return {row["_row"]: json.loads(row["_unreadable"])["*"] for row in rows if row["_unreadable"] is not None}


def test_csv_gives_every_value_as_text_and_missing_ones_as_null(rows):
    found = rows("a.csv", 'id,x,note\n007,1.50,"a, ""b"""\n8,NA,\n9,"NA"," NA"\n')
    assert good(found) == [
        {"id": "007", "x": "1.50", "note": 'a, "b"'},
        {"id": "8", "x": None, "note": None},
        {"id": "9", "x": None, "note": " NA"},
    ]
    assert [row["_row"] for row in found] == [1, 2, 3]
    assert good(rows("a.csv", "a\nNA\n-\n", missing=("-",))) == [{"a": "NA"}, {"a": None}]


def test_ragged_rows_are_set_aside_with_their_number_and_text(rows):
    found = rows("a.csv", 'a,b\n1,2\n\n3\n"x\ny",5\n6,7,8\n\n9,10\n')
    assert bad(found) == {2: "3", 4: "6,7,8"}
    assert [(row["_row"], row["a"]) for row in found] == [(1, "1"), (2, None), (3, "x\ny"), (4, None), (5, "9")]


def test_numbers_hold_across_batches_with_ragged_rows_at_their_edges(rows, monkeypatch):
    monkeypatch.setattr(delimited, "READ_BYTES", 64)
    generator = np.random.default_rng(7)
    ragged = set(generator.choice(np.arange(1, 2001), 600, replace=False).tolist()) | {1, 2, 3, 1998, 1999, 2000}
    lines = [f"{n},x,y" if n in ragged else f"{n},x" for n in range(1, 2001)]
    found = rows("a.csv", "n,b\n" + "\n".join(lines))
    assert [row["_row"] for row in found] == list(range(1, 2001))
    assert bad(found) == {n: f"{n},x,y" for n in ragged}
    assert all(row["n"] == str(row["_row"]) for row in found if row["_unreadable"] is None)


def test_table_of_ragged_rows_only_is_set_aside_up_to_a_limit(rows, refusal, monkeypatch):
    content = "a,b\n" + "1,2,3\n" * 20_000
    assert len(bad(rows("a.csv", content))) == 20_000
    monkeypatch.setattr(delimited, "MOST_RAGGED", 10_000)
    error = refusal("a.csv", content)
    assert (error.code, "Expected 2 columns, got 3" in error.what) == ("DQ002", True)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.csv.gz"])
def test_empty_file_is_an_empty_table(refusal, name):
    assert (refusal(name, b"").code, refusal(name, b"").what) == ("DQ007", "the table is empty")


@pytest.mark.parametrize(("name", "content"), [("a.csv", "\n\r\n \n"), ("a.jsonl", "\n\n"), ("a.csv", b"\xff\xfe")])
def test_file_of_blank_lines_is_an_empty_table(refusal, name, content):
    assert refusal(name, content).code == "DQ007"


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\r\n\r\n", '"a","b"'])
def test_header_alone_has_no_rows(rows, content):
    assert rows("a.csv", content) == []


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", "a,b,a,c,b\n1,2,3,4,5\n", "the header names columns twice: 'a', 'b'"),
        ("a.csv", "a,,\n1,2,3\n", "the header names columns twice: ''"),
        ("a.csv", "a;b;c\n1;2;3\n4;5;6\n", "looks separated by ';'; csv is separated by a comma"),
        ("a.csv", "a\tb\n1\t2\n", "looks separated by a tab; csv is separated by a comma"),
        ("a.tsv", "a,b\n1,2\n", "looks separated by a comma; tsv is separated by a tab"),
        ("a.csv", b"caf\xe9,b\n1,2\n", "the header is not UTF-8 text"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), "the header is not UTF-8 text"),
        ("a.csv", "a,_row\n1,2\n", "the header names '_row', which Evergreen adds itself"),
        ("a.jsonl", '{"_unreadable":1}\n', "a row names '_unreadable', which Evergreen adds itself"),
        ("a.jsonl", '[{"a":1}]', "looks like one JSON array; jsonl has one object on each line"),
        ("a.jsonl", '[\n{"a":1}\n]\n', "looks like one JSON array; jsonl has one object on each line"),
    ],
)
def test_header_that_names_no_columns_is_refused(refusal, name, content, what):
    error = refusal(name, content)
    assert (error.code, error.what, error.where) == ("DQ029", what, name)


def test_one_column_is_a_table_too(rows):
    assert good(rows("a.csv", "name\na; b\nc\n")) == [{"name": "a; b"}, {"name": "c"}]


def test_value_whose_quotes_never_close_is_not_read_into_memory(refusal, item):
    error = refusal("a.csv", 'a,b\n1,"' + "x\n" * (5 * streams.MIB))
    assert (error.code, "does not end within 2 MiB" in error.what) == ("DQ002", True)
