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
    content = "a,b\n" + "1,2,3\n" * 20_000 + "1\n"
    assert len(bad(rows("a.csv", content))) == 20_001
    monkeypatch.setattr(delimited, "MOST_RAGGED", 10_000)
    error = refusal("a.csv", content.replace("\n", "\n1\n", 2))
    assert (error.code, "Expected 2 columns, got 3" in error.what) == ("DQ002", True)


@pytest.mark.parametrize(
    ("content", "widths", "advice"),
    [
        ("a,b\n" + "1,2,\n3,,\n", (3, 2), "Each row ends with a comma: end the header with one too"),
        ("x,y,z\n" + "".join(f"r{n},1,2,3\n" for n in range(50)), (4, 3), "Add the name that the header lacks"),
        ("a,b,c\n" + "1,2\n3,4\n", (2, 3), "Check the header; the values are taken to be separated by a comma."),
        ("a,b\n" + "1,2,3\n" * 300_000, (3, 2), "Add the name that the header lacks"),
    ],
)
def test_rows_that_all_have_another_number_of_values_than_the_header_are_refused(refusal, content, widths, advice):
    error = refusal("a.csv", content)
    assert (error.code, error.what) == ("DQ029", f"rows have {widths[0]} values, the header {widths[1]}")
    assert error.next_step.startswith(advice)


def test_one_ragged_row_alone_is_set_aside(rows):
    assert bad(rows("a.csv", "a,b\n1,2,3\n")) == {1: "1,2,3"}


@pytest.mark.parametrize("content", ["a,,b,\n1,2,3,\n", "a,b, ,\n1,3,,x\n", "a,b,,,,\n1,3,,,,\n"])
def test_several_columns_without_a_name_are_left_out(rows, content):
    assert good(rows("a.csv", content)) == [{"a": "1", "b": "3"}]


def test_columns_without_a_name_are_left_out_beside_rows_that_are_set_aside(rows):
    found = rows("a.csv", b"a,b,,\n1,2,,\n3,4\n5,\xff,,\n6,7,,\n")
    assert good(found) == [{"a": "1", "b": "2"}, {"a": "6", "b": "7"}]
    assert bad(found) == {2: "3,4", 3: "5,\\xff,,"}


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "SEP=; \n"])
def test_line_that_names_the_separator_is_believed(rows, first):
    assert good(rows("a.csv", f"{first}a;b\n1,5;2\n")) == [{"a": "1,5", "b": "2"}]
    assert good(rows("a.csv", "sep=|\na|b\n1|2\n", delimiter=";")) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("delimiter", [";", "|", "\t", " ", "^"])
def test_declared_separator_is_used(rows, delimiter):
    text = "a,b\n1,2\n".replace(",", delimiter)
    assert good(rows("a.csv", text, delimiter=delimiter)) == [{"a": "1", "b": "2"}]


def test_file_without_a_header_has_names_of_its_own_or_those_that_are_given(rows, refusal):
    text = "M,0.4,15\nF,0.3,7\n,x\n"
    assert good(rows("a.csv", text, header=False))[0] == {"column_1": "M", "column_2": "0.4", "column_3": "15"}
    found = rows("a.csv", text, header=False, names=("sex", "length", "rings"))
    assert [(row["_row"], row["rings"]) for row in found] == [(1, "15"), (2, "7"), (3, None)]
    assert bad(found) == {3: ",x"}
    error = refusal("a.csv", text, header=False, names=("sex", "length"))
    assert (error.code, error.what) == ("DQ029", "the first row has 3 values, and there are 2 names")


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1251", "utf-16-le", "shift_jis"])
def test_declared_encoding_is_used(rows, encoding):
    word = {"cp1251": "Москва", "shift_jis": "東京"}.get(encoding, "Málaga")
    text = f"{word},b\n{word},1\n"
    assert good(rows("a.csv", text.encode(encoding), encoding=encoding)) == [{word: word, "b": "1"}]


def test_bytes_that_an_encoding_has_not_are_set_aside(rows):
    assert bad(rows("a.csv", b"a,b\n\xe9,1\n\x81,2\n", encoding="cp1252")) == {2: "\\x81,2"}


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "iso-8859-15"])
def test_file_that_is_utf8_is_read_so_although_another_encoding_of_single_bytes_is_named(rows, encoding):
    assert good(rows("a.csv", "a,b\nKöln,1\n", encoding=encoding)) == [{"a": "Köln", "b": "1"}]
    for marked in ("utf-8-sig", "utf-16"):
        assert good(rows("a.csv", "a,b\nKöln,1\n".encode(marked), encoding=encoding)) == [{"a": "Köln", "b": "1"}]


def test_comments_are_left_out_and_not_counted(rows):
    text = '# station 7\na,b\n1,2\n# a remark\n3,"x\n# y"\n#4,5\n6\n# end'
    found = rows("a.csv", text, comment="#")
    assert good(found) == [{"a": "1", "b": "2"}, {"a": "3", "b": "x\n# y"}, {"a": "#4", "b": "5"}]
    assert bad(found) == {4: "6"}


def test_header_that_looks_like_a_row_is_said_where_it_cannot_be_one(refusal):
    error = refusal("a.csv", "x,s,x,1\nb,s,y,2\nx,t,x,3\n")
    assert error.what == "the header names columns twice: 'x'"
    assert error.next_step == "It looks like a row. Set source.header in the contract to false."


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
        ("a.csv", ",,\n1,2,3\n", "the header names no column"),
        ("a.csv", "a;b;c\n1;2;3\n4;5;6\n", "looks separated by ';'; csv is separated by a comma"),
        ("a.csv", "a\tb\n1\t2\n", "looks separated by a tab; csv is separated by a comma"),
        ("a.tsv", "a,b\n1,2\n", "looks separated by a comma; tsv is separated by a tab"),
        ("a.csv", b"caf\xe9,b\n1,2\n", "the header is not UTF-8 text: byte 0xE9 in line 1"),
        (
            "a.csv",
            "a,b\n1,2\n".encode("utf-16-le"),
            "the header is not UTF-8 text: it holds NUL bytes, as UTF-16 does",
        ),
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
