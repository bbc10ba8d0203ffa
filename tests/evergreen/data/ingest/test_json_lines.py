"""JSON lines: values as they are spelled, a broken line set aside, a late column when it comes."""

import json

import pytest

from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import json_lines, readers


def good(rows):
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows if row["_unreadable"] is None]


def bad(rows):
    return {row["_row"]: json.loads(row["_unreadable"])["*"] for row in rows if row["_unreadable"] is not None}


def test_json_lines_become_text_as_they_are_spelled(rows):
    lines = [
        '{"a": 1, "b": 1.50, "c": "x"}',
        '{"a": "1", "b": true, "c": null}',
        "",
        '{"a": 123456789012345678901234567890, "d": [1, {"e": 2.0}], "c": "NA"}',
        '{"a": NaN, "b": 1e400}',
    ]
    assert good(rows("a.jsonl", "\n".join(lines))) == [
        {"a": "1", "b": "1.50", "c": "x", "d": None},
        {"a": "1", "b": "true", "c": None, "d": None},
        {"a": "123456789012345678901234567890", "b": None, "c": None, "d": '[1,{"e":2.0}]'},
        {"a": None, "b": "1e400", "c": None, "d": None},
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1',
        "{'a': 1}",
        "5",
        "null",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": ["\\ud800"]}',
        '{"a": "\\u0000"}',
        '{"a": "x\0y"}',
        '{"a": ' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"a": [' + "9" * 5_000 + "]}",
    ],
)
def test_broken_json_line_is_set_aside(rows, line):
    found = rows("a.jsonl", f'{{"a": 0}}\n{line}\n{{"a": 2}}\n')
    assert bad(found) == {2: line[:10_000]}
    assert [row["a"] for row in found] == ["0", None, "2"]


def test_json_line_without_end_is_refused(refusal, monkeypatch):
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 1_000_000)
    assert "does not end within" in refusal("a.jsonl", '{"a": "' + "x" * 3_000_000).what


def test_new_column_appears_with_the_batch_that_has_it(item, monkeypatch):
    monkeypatch.setattr(json_lines, "READ_BYTES", 16)
    batches = readers.read(item("a.jsonl", '{"a": 1}\n{"a": 2, "b": 3}\n'), missing=MISSING)
    assert [batch.schema.names[:-2] for batch in batches] == [["a"], ["a", "b"]]
