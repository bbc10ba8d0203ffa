"""Records as columns, and back."""

import logged
import msgspec
import pyarrow as pa
import pytest

from evergreen.record.predictions.columnar import (
    as_schema,
    columns_in,
    feedback_batch,
    keys_of,
    logged_rows,
    named_values,
    predictions_batch,
    unified,
)
from evergreen.record.predictions.records import LoggedColumn


def test_record_comes_back_as_it_was():
    rows = [logged.row("a" * 32, 1), logged.row("b" * 32, 2, features=(None,) * 5, keys=(), label=None, decision=None)]
    batch = predictions_batch(logged.COLUMNS, rows)
    batch.validate(full=True)
    back = list(logged_rows(batch))
    assert columns_in(batch.schema) == logged.COLUMNS
    assert back[0] == msgspec.structs.replace(rows[0], features=list(rows[0].features), keys=list(rows[0].keys))
    assert back[1].features == [None] * 5
    assert back[1].keys == [None] * 3


def test_value_of_another_type_is_left_out_and_said(caplog):
    batch = predictions_batch(logged.COLUMNS, [logged.row("a" * 32, features=(1, "heavy", 2**70, "v", True))])
    assert (batch["weight"].to_pylist(), batch["stops"].to_pylist()) == ([None], [None])
    assert batch["_Version"].to_pylist() == ["v"]
    assert "were left out" in caplog.text


@pytest.mark.parametrize(("task", "kind"), [("binary", pa.bool_()), ("multiclass", pa.string())])
def test_labels_have_the_type_of_the_task(task, kind):
    columns = msgspec.structs.replace(logged.COLUMNS, task=task)
    assert predictions_batch(columns, []).schema.field("label").type == kind
    assert feedback_batch(columns, []).schema.field("label").type == kind


def test_column_that_files_of_before_name_like_a_field_that_came_later_keeps_its_name():
    columns = msgspec.structs.replace(
        logged.COLUMNS, features=(LoggedColumn("label_propensity", "number", "feature"),), keys=()
    )
    assert named_values(columns) == {"label_propensity": "label_propensity"}


def test_key_of_a_prediction_is_that_of_the_feedback_on_it():
    rows = [logged.row("a" * 32, 1), logged.row("b" * 32, 2, keys=())]
    said = feedback_batch(logged.COLUMNS, [logged.feedback(("person-1", 1), 1, label=True)])
    assert keys_of(predictions_batch(logged.COLUMNS, rows)) == [said["key"][0].as_py(), None]
    plain = msgspec.structs.replace(logged.COLUMNS, key=())
    assert keys_of(predictions_batch(plain, rows)) == [None, None]


def test_columns_that_two_models_type_differently_are_brought_together():
    one = pa.schema([("a", pa.int64()), ("b", pa.int64()), ("c", pa.bool_())])
    two = pa.schema([("b", pa.float64()), ("c", pa.string()), ("d", pa.bool_())])
    schema = unified([one, two])
    assert schema == pa.schema([("a", pa.int64()), ("b", pa.float64()), ("c", pa.string()), ("d", pa.bool_())])
    batch = pa.RecordBatch.from_pydict({"a": [1], "b": [2], "c": [True]}, one)
    assert as_schema(batch, schema).to_pylist() == [{"a": 1, "b": 2.0, "c": "true", "d": None}]
