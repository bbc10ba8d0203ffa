"""JSON arrays: the rows of JSON lines, however they are laid out and wherever a block cuts them."""

import gzip
import json

import numpy as np
import pytest

from evergreen.data.ingest import json_arrays, json_lines

ROWS = [
    {"a": 1, "b": 'x, ]} "é" \\ ['},
    {"a": 2.50, "b": None, "c": {"d": [1, 2]}},
    {"b": "😀", "a": -1e-7},
    {"a": 12345678901234567890},
]


def good(rows):
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows if row["_unreadable"] is None]


@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
@pytest.mark.parametrize("block", [1, 2, 3, 7, 16, 64, 2**20])
def test_array_gives_the_rows_of_json_lines(rows, monkeypatch, indent, block):
    for module in (json_arrays, json_lines):
        monkeypatch.setattr(module, "READ_BYTES", block)
    lines = rows("a.jsonl", "\n".join(json.dumps(row) for row in ROWS))
    assert rows("a.json", "\n " + json.dumps(ROWS, indent=indent) + "\n") == lines
    assert [row["a"] for row in good(lines)] == ["1", "2.5", "-1e-07", "12345678901234567890"]


def test_random_arrays_are_read_whole(rows, monkeypatch):
    rng = np.random.default_rng(5)
    for _ in range(40):
        monkeypatch.setattr(json_arrays, "READ_BYTES", int(rng.integers(1, 200)))
        table = [
            {"n": int(n), "t": "".join(rng.choice(list('[]{},:"\\ é\n'), rng.integers(0, 12)))}
            for n in range(rng.integers(1, 30))
        ]
        found = rows("a.json", json.dumps(table, ensure_ascii=bool(rng.random() < 0.5)), missing=())
        assert good(found) == [{"n": str(row["n"]), "t": row["t"]} for row in table]
        assert [row["_row"] for row in found] == list(range(1, len(table) + 1))


def test_json_that_is_lines_or_compressed_is_read(rows):
    assert good(rows("a.json", '{"a":1}\n{"a":2}\n')) == [{"a": "1"}, {"a": "2"}]
    assert good(rows("a.json.gz", gzip.compress(b'[{"a":1}]'))) == [{"a": "1"}]
    assert good(rows("a.json", '[{"a":"é"}]'.encode("utf-16"))) == [{"a": "é"}]


def test_elements_that_are_no_rows_are_set_aside_with_their_number(rows):
    found = rows("a.json", b'[{"a":1}, 7, [2], {"a":1,"a":2}, {"a":"\\ud800"}, {"a":"\xff"}, {"a":3}]')
    assert good(found) == [{"a": "1"}, {"a": "3"}]
    assert {row["_row"] for row in found if row["_unreadable"]} == {2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[{"a":1}', "row 1 of the array: the array does not end"),
        ('[{"a":1},', "row 2 of the array"),
        ('[{"a":1},]', "row 2 of the array"),
        ('[{"a":1} {"a":2}]', "row 1 of the array: neither a comma nor a bracket follows it"),
        ('[{"a":1}] x', "something follows the array, after row 1"),
        ('[{"a":1},{"a":nope}]', "row 2 of the array"),
        ("[" * 100_000, "row 1 of the array"),
        ('[{"a":"', "row 1 of the array"),
    ],
)
def test_what_is_no_array_says_in_which_row(refusal, content, says):
    error = refusal("a.json", content)
    assert (error.code, says in error.what) == ("DQ002", True), error.what


@pytest.mark.parametrize("content", ["[]", "[ \n ]", ""])
def test_array_without_elements_is_an_empty_table(refusal, content):
    assert refusal("a.json", content).code == "DQ007"


@pytest.mark.parametrize("content", ['{"a": {"0": 1}, "b": {"0": 2}}', '{"data": [{"a": 1}]}', '{\n "a": 1\n}'])
def test_one_object_is_no_table(refusal, content):
    error = refusal("a.json", content)
    assert (error.code, error.what.startswith("looks like one JSON object")) == ("DQ029", True)


def test_element_that_never_ends_is_not_read_into_memory(refusal, monkeypatch):
    monkeypatch.setattr(json_arrays, "LONGEST_ELEMENT", 2**20)
    assert refusal("a.json", '[{"a":"' + "x" * 2**23).code == "DQ002"
