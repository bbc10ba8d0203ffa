"""Rows of a file: lines of JSON and cells, bounded, and each that is none told in its place."""

import csv
import io
from types import SimpleNamespace

import pytest

from evergreen.base.errors import DataError
from evergreen.learning.model.compiled.plan import PlanColumn
from serving.edge.refusals import Refused
from serving.edge.rows import MAX_LINE, csv_rows, json_rows

COLUMNS = (
    PlanColumn("at", "timestamp", nullable=False),
    PlanColumn("weight", "number", nullable=True),
    PlanColumn("stops", "integer", nullable=True),
    PlanColumn("name", "text", nullable=True),
    PlanColumn("ok", "boolean", nullable=True),
    PlanColumn("before", "number", nullable=True, given=True),
)
ASKED = SimpleNamespace(columns=COLUMNS, keys=(PlanColumn("id", "integer", nullable=True),), parts=())


def of_json(content: bytes):
    return list(json_rows(io.BytesIO(content)))


def of_csv(text: str):
    return list(csv_rows(io.StringIO(text, newline=""), ASKED))


def test_lines_are_objects_of_plain_values_in_their_order():
    rows = of_json(b'{"a":1,"b":"x"}\n\n  \r\n{"a":1.5,"b":null,"c":true}')
    assert rows == [{"a": 1, "b": "x"}, {"a": 1.5, "b": None, "c": True}]


@pytest.mark.parametrize(
    "line",
    [b"1", b"[]", b'"x"', b"{", b'{"a":[1]}', b'{"a":{}}', b"\xff\xfe", b'{"a":NaN}', b'{"a":1}{"a":2}', b"[" * 90_000],
)
def test_line_that_is_no_row_is_told_in_its_place(line):
    before, refused, after = of_json(b'{"a":1}\n' + line + b'\n{"a":2}\n')

    assert (before, after) == ({"a": 1}, {"a": 2})
    assert isinstance(refused, Refused)
    assert refused.field is None


def test_line_without_end_is_passed_over_and_the_next_one_is_read():
    refused, after = of_json(b"x" * (3 * MAX_LINE + 17) + b'\n{"a":2}\n')

    assert "at most" in refused.allowed
    assert after == {"a": 2}


HEADER = "at,weight,stops,name,ok\n"


@pytest.mark.parametrize(
    "cells", ["2024-01-01T00:00:00Z,1.5,3,x,true", 't,"1,5",1 000,"a ""b""",x', 't,NA,"",",", yes']
)
def test_cell_is_the_text_that_it_is(cells):
    (row,) = of_csv(HEADER + cells + "\n")
    assert row == dict(zip(("at", "weight", "stops", "name", "ok"), next(csv.reader([cells])), strict=True))


def test_row_of_another_length_is_told_in_its_place():
    first, second, third = of_csv(HEADER + "t,1,1,x,true\nt,1,1\n\nt,2,1,x,true\n")

    assert (first["weight"], third["weight"]) == ("1", "2")
    assert "5 cells" in second.allowed


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("at,weight,stops,name", "it lacks 'ok'"),
        (f"{HEADER.strip()},colour", "'colour' is not asked for"),
        (f"{HEADER.strip()},ok", "'ok' stands twice"),
        ("", "it lacks 'at'"),
    ],
)
def test_header_that_does_not_fit_ends_it_at_once(header, said):
    with pytest.raises(DataError, match="PKG006") as caught:
        of_csv(header + "\n")
    assert said in caught.value.what


def test_keys_and_columns_of_the_past_may_stand_in_the_header():
    (row,) = of_csv(HEADER.strip() + ",id,before\nt,1,1,x,true,17,2.5\n")
    assert (row["id"], row["before"]) == ("17", "2.5")


def test_text_that_is_no_csv_is_one_error():
    with pytest.raises(DataError, match="not a CSV file"):
        of_csv(HEADER + 't,1,1,"x"y,true\n')
