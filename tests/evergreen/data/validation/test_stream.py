"""The streaming pass: rows are kept or set aside whole, whatever the batches, and both layers count alike."""

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from validated import both, contract_of, item, stream

from evergreen.config.contract.columns import COLUMN_CODES, TABLE_CODES
from evergreen.data.validation import ROW_CODES, Validation

CONTRACT = contract_of(
    {"name": "t", "type": "timestamp", "role": "time", "nullable": True},
    {"name": "k", "type": "integer", "role": "key"},
    {"name": "n", "type": "number", "min": -5, "max": 5, "nullable": False, "mean": [-1, 1]},
    {"name": "c", "type": "category", "categories": ["a", "b"], "open": True, "max_null_share": 0.2},
    {"name": "p", "type": "text", "pattern": "[a-c]+", "unique": True},
    {"name": "m", "type": "number"},
    rules=[{"name": "below", "left": "n", "is": "<", "right": "m"}],
    key=["t", "k"],
    rows=[2, 5],
    future_days=1,
)
VALUES = {
    "t": ["2024-03-01", "2024-03-02", "2030-01-01", "soon", None],
    "k": [1, 2, "word", None],
    "n": [0, 1.5, -6, 6, "many", None],
    "c": ["a", "b", "z", None],
    "p": ["a", "ab", "abc", "d", "é", None],
    "m": [1, 100, "x", None],
}
DIRTY = st.integers(0, 9).flatmap(
    lambda n: st.fixed_dictionaries(
        {name: st.lists(st.sampled_from(values), min_size=n, max_size=n) for name, values in VALUES.items()}
    )
)


def as_objects(columns):
    return pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in columns.items()})


@given(DIRTY)
@settings(max_examples=12)
def test_layers_agree_on_any_rows(columns):
    assert both(as_objects(columns), CONTRACT).validation.rows == len(columns["k"])


@given(DIRTY, st.integers(1, 4))
@settings(max_examples=60)
def test_size_of_batches_changes_nothing(columns, size):
    rows = as_objects(columns)

    whole, cut = stream(rows, CONTRACT), stream(rows, CONTRACT, size=size)

    assert cut.validation == whole.validation
    assert cut.bad.equals(whole.bad)
    assert cut.kept.equals(whole.kept)


@given(DIRTY)
@settings(max_examples=60)
def test_kept_rows_break_nothing_and_bad_ones_name_their_codes(columns):
    run = stream(as_objects(columns), CONTRACT)

    again = stream(pa.RecordBatch.from_struct_array(run.kept.to_struct_array().combine_chunks()).to_pandas(), CONTRACT)
    assert again.validation.quarantined == 0
    assert set(" ".join(run.bad.column("codes").to_pylist()).split()) <= set(ROW_CODES)
    assert all(run.bad.column("codes").to_pylist())


def test_quarantine_holds_values_as_text_and_what_could_not_be_read_as_it_came():
    contract = contract_of(
        {"name": "t", "type": "timestamp"}, {"name": "a", "type": "integer", "max": 5}, {"name": "b", "type": "number"}
    )

    run = stream({"t": ["2024-03-01 05:00"] * 3, "a": [9, "1,5", 1], "b": [2.5, None, 1]}, contract, items=(item(),))

    assert run.bad.drop_columns("y").to_pylist() == [
        {"t": "2024-03-01 05:00:00.000000Z", "a": "9", "b": "2.5", "source": "rows.csv", "row": 0, "codes": "DQ004",
         "unreadable": None},
        {"t": "2024-03-01 05:00:00.000000Z", "a": "1,5", "b": None, "source": "rows.csv", "row": 1, "codes": "DQ002",
         "unreadable": None},
    ]  # fmt: skip
    assert run.kept.column("a").to_pylist() == [1]


def test_row_names_each_code_once_and_only_those_that_set_it_aside():
    contract = contract_of(
        {"name": "a", "type": "number", "max": 1}, {"name": "b", "type": "number", "max": 1},
        {"name": "c", "type": "category", "categories": ["x"], "open": True},
        {"name": "d", "type": "text", "pattern": "q"},
    )  # fmt: skip

    run = stream({"a": [2], "b": [2], "c": ["z"], "d": ["z"]}, contract)

    assert run.bad.column("codes").to_pylist() == ["DQ004 DQ011"]
    assert run.result("DQ005").outcome == "warned"


def test_at_most_three_samples_the_first_over_batches():
    run = stream({"x": [9] * 5}, contract_of({"type": "number", "max": 1}), size=2)

    assert [sample.row for sample in run.result("DQ004").samples] == [0, 1, 2]


def test_broken_rules_come_worst_first_and_warnings_apart():
    contract = contract_of(
        {"name": "a", "type": "number", "max": 1}, {"name": "b", "type": "number", "max": 1},
        {"name": "c", "type": "number", "max": 1, "severity": {"DQ004": "warn"}},
    )  # fmt: skip

    found = stream({"a": [2, 0, 0.5], "b": [2, 3, 0], "c": [2, 3, 4]}, contract).validation

    assert [rule.column for rule in found.broken] == ["b", "a"]
    assert [rule.column for rule in found.warnings] == ["c"]
    assert found.stopping == ()


def test_validation_survives_json_and_knows_the_newest_kept_row():
    rows = {"t": ["2024-03-02", "2024-03-01", "2031-01-01"], "k": [1, 1, 1], "n": [0, 0, 0]}

    found = stream(rows, CONTRACT, size=1).validation

    assert Validation.model_validate_json(found.model_dump_json()) == found
    assert str(found.last_time) == "2024-03-02 00:00:00+00:00"


def test_no_rule_that_could_not_be_evaluated_passes():
    run = stream({"t": []}, CONTRACT)

    assert {rule.outcome for rule in run.validation.rules if rule.code != "DQ015"} == {"not applicable"}
    assert run.result("DQ015").outcome == "failed"


@pytest.mark.parametrize("code", ["DQ002", "DQ012", "DQ013"])
def test_severity_of_what_cannot_be_read_is_not_for_setting(code):
    assert code not in (*COLUMN_CODES, *TABLE_CODES)
    assert code in ROW_CODES
