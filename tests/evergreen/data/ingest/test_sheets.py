"""Workbooks: cells as numbers, times and truth values where a column has no others; nothing laid out beyond reason."""

import io
import zipfile
from datetime import datetime

import pytest
from workbooks import workbook

from evergreen.data.ingest import sheets, streams


def plain(rows):
    return [{name: value for name, value in row.items() if name[0] != "_"} for row in rows]


def test_columns_have_the_type_of_their_cells(rows):
    at = datetime(2024, 3, 1, 8, 30)
    table = [["n", "x", "ok", "at", "city"], [1, 1.5, True, at, "Köln"], [2, 2, False, None, "a, b"], [None] * 5]
    found = rows("a.xlsx", workbook([*table, [3, None, True, at, "007"]]))
    assert plain(found) == [
        {"n": 1, "x": 1.5, "ok": True, "at": at, "city": "Köln"},
        {"n": 2, "x": 2.0, "ok": False, "at": None, "city": "a, b"},
        {"n": 3, "x": None, "ok": True, "at": at, "city": "007"},
    ]
    assert [row["_row"] for row in found] == [1, 2, 3]


def test_cells_of_several_kinds_are_texts_and_missing_ones_null(rows):
    table = [["a", "b", 2019], ["n/a", "?", 1], [1.5, True, "NA"], [datetime(2024, 1, 2), "x", 3], [12, " ", 4]]
    assert plain(rows("a.xlsx", workbook(table), missing=("NA", "?"))) == [
        {"a": "n/a", "b": None, "2019": 1},
        {"a": "1.5", "b": "true", "2019": None},
        {"a": "2024-01-02T00:00:00", "b": "x", "2019": 3},
        {"a": "12", "b": None, "2019": 4},
    ]


def test_numbers_that_no_integer_holds_exactly_stay_floats(rows):
    found = rows("a.xlsx", workbook([["a"], [2.0**53], [1e300]]))
    assert plain(found) == [{"a": 2.0**53}, {"a": 1e300}]


def test_columns_without_a_name_are_left_out_and_names_may_be_given(rows, refusal):
    table = [["a", None, "b", None], [1, 2, 3, None]]
    assert plain(rows("a.xlsx", workbook(table))) == [{"a": 1, "b": 3}]
    found = rows("a.xlsx", workbook([[1, "x"], [2, "y"]]), header=False, names=("n", "word"))
    assert plain(found) == [{"n": 1, "word": "x"}, {"n": 2, "word": "y"}]
    for header, what in ((["a", "a"], "names columns twice: 'a'"), (["a", "_row"], "names '_row'")):
        error = refusal("a.xlsx", workbook([header, [1, 2]]))
        assert (error.code, what in error.what) == ("DQ029", True)


def test_rows_come_in_batches_with_their_numbers(rows, monkeypatch):
    monkeypatch.setattr(sheets, "BATCH_ROWS", 7)
    found = rows("a.xlsx", workbook([["n"], *([n] for n in range(1, 51))]))
    assert [(row["_row"], row["n"]) for row in found] == [(n, n) for n in range(1, 51)]


def test_first_sheet_is_read_and_all_are_named(item, rows):
    content = workbook([["a"], [1]], others=["Notes", "More & more"])
    assert plain(rows("a.xlsx", content)) == [{"a": 1}]
    assert sheets.names(item("a.xlsx", content)) == ["Sheet1", "Notes", "More & more"]


@pytest.mark.parametrize("content", [workbook([]), workbook([[None, " "]])])
def test_sheet_without_a_value_is_an_empty_table(refusal, content):
    assert refusal("a.xlsx", content).code == "DQ007"


def test_what_is_no_workbook_is_refused(refusal):
    whole = workbook([["a"], [1]])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
    for content in (b"a,b\n1,2\n", whole[:200], whole[:-10], buffer.getvalue()):
        assert refusal("a.xlsx", content).code == "DQ002"


def test_every_cut_of_a_workbook_is_refused(refusal):
    whole = workbook([["a", "b"], [1, "x"]])
    assert {refusal("a.xlsx", whole[:size]).code for size in range(1, len(whole), 37)} == {"DQ002"}


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="2"><c r="XFD2"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>',
        "<row r='3'><c r='A1048576'><v>1</v></c><c r='XFD3'><v>1</v></c></row>",
    ],
)
def test_sheet_that_lays_out_far_more_than_it_fills_is_refused_before_it_is_read(refusal, cells):
    error = refusal("a.xlsx", workbook([["a"], [1]], cells=cells))
    assert (error.code, error.where) == ("DQ030", "a.xlsx")


def test_sheet_with_a_cell_far_from_the_others_is_read(rows):
    assert len(rows("a.xlsx", workbook([["a"], [1]], cells='<row r="9000"><c r="CZ9000"><v>1</v></c></row>'))) == 2


def test_sheet_that_expands_beyond_reason_is_refused(refusal, monkeypatch):
    monkeypatch.setattr(sheets, "PROBED_BYTES", streams.MIB)
    assert refusal("a.xlsx", workbook([["a"], [1]], cells=" " * 2 * streams.MIB)).code == "DQ030"


def test_archive_that_says_less_than_it_holds_is_refused(refusal):
    content = workbook([["a"], [1]], cells=" " * 100_000)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = [info.file_size for info in archive.infolist() if info.filename.endswith("sheet1.xml")]
    lying = content.replace(sizes[0].to_bytes(4, "little"), (200).to_bytes(4, "little"))
    error = refusal("a.xlsx", lying)
    assert (error.code, "holds more than the archive says" in error.what) == ("DQ002", True)
