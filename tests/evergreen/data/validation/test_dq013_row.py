"""DQ013: a row that could not be split into values."""

import json

import pyarrow as pa
from validated import TODAY, asked, contract_of, item, stream, typed

from evergreen.adapters.expectations import agree

CONTRACT = contract_of({"type": "integer", "nullable": False})


def with_whole_rows(*raw):
    """Return rows 0, 1, … of which those with a text could not be split."""
    rows = typed({"x": [None if text else 5 for text in raw]}, CONTRACT)
    texts = [json.dumps({"*": text}) if text else None for text in raw]
    return rows.set_column(rows.schema.get_field_index("_unreadable"), "_unreadable", pa.array(texts, pa.string()))


def test_row_that_could_not_be_split_is_set_aside_as_it_came():
    run = stream(with_whole_rows(None, "1,2,3", None, '"open'), CONTRACT, items=(item(),), today=TODAY)

    found = run.result("DQ013")
    assert (found.column, found.n_bad, found.rows, found.outcome) == ("", 2, 4, "failed")
    assert [str(sample) for sample in found.samples] == ["rows.csv row 1: 1,2,3", 'rows.csv row 3: "open']
    assert run.bad.column("unreadable").to_pylist() == ["1,2,3", '"open']
    assert run.bad.column("source").to_pylist() == ["rows.csv", "rows.csv"]
    assert run.counts == {("DQ013", ""): 2}
    agree(asked(run, CONTRACT), run.validation)


def test_silent_on_rows_that_were_split():
    assert stream(with_whole_rows(None, None), CONTRACT).result("DQ013").outcome == "passed"


def test_not_applicable_to_no_rows():
    assert stream({"x": []}, CONTRACT).result("DQ013").outcome == "not applicable"
