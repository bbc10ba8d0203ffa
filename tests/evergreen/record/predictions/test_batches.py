"""Answers of batch scoring in the prediction log's table: as C's own records read them, personal values changed."""

import pyarrow as pa
import pytest
import validated

from evergreen.data import personal
from evergreen.data.typed.schema import ROW, UNREADABLE
from evergreen.record.predictions.batches import Answering, BatchLog, is_logged
from evergreen.record.predictions.columnar import columns_in, logged_rows, prediction_schema
from evergreen.record.predictions.records import columns_of
from evergreen.record.predictions.table import files, find_row, read_file

CONTRACT = validated.contract_of(
    {"name": "x", "type": "number"},
    {"name": "word", "type": "category"},
    {"name": "person", "type": "text", "role": "ignore", "pii": "hash"},
    {"name": "note", "type": "text", "role": "ignore", "pii": "mask"},
    {"name": "version", "type": "integer", "role": "ignore"},
)
ANSWERING = Answering(model="m", version=4, model_digest="d" * 64, variant="champion", event=None)
NAME = "batch-1-2.v4.parquet"


@pytest.fixture
def log(tmp_path):
    there = ["x", "word", "person", "note"]
    return BatchLog(
        tmp_path / "log", NAME, ANSWERING, contract=CONTRACT, columns=columns_of(CONTRACT), there=there,
        key=tmp_path / "pii.key",
    )  # fmt: skip


def add(log):
    rows = pa.RecordBatch.from_pydict(
        {
            **{"x": ["1", "many", "3"], "word": ["a", "b", None], "person": ["Ann", "Bo", "Ann"]},
            **{"note": ["Tel. 77", None, ""], ROW: [1, 2, 3], UNREADABLE: pa.nulls(3, pa.string())},
        }
    )
    asked = pa.RecordBatch.from_arrays([pa.array([1.0, 3.0]), pa.array(["a", None]).dictionary_encode()], ["x", "word"])
    answers = {"prediction_id": ["i1", None, "i3"], "probability": [0.25, None, 0.75], "label": [False, None, True]}
    log.add(rows, asked, pa.RecordBatch.from_pydict(answers), pa.array([True, False, True]))


def test_rows_that_were_answered_are_there_with_whom_they_are_about(log, tmp_path):
    add(log)
    assert not is_logged(tmp_path / "log", NAME)
    log.output.publish()
    assert is_logged(tmp_path / "log", NAME)
    (path,) = files(tmp_path / "log", "table")
    (batch,) = read_file(path)
    assert batch.schema.equals(prediction_schema(columns_of(CONTRACT)), check_metadata=True)
    assert columns_in(batch.schema) == columns_of(CONTRACT)
    first, second = logged_rows(batch)
    secret = (tmp_path / "pii.key").read_bytes()
    assert [first.prediction_id, second.prediction_id] == ["i1", "i3"]
    assert [list(first.features), list(second.features)] == [[1.0, "a"], [3.0, None]]
    assert list(first.keys) == [personal.hashed("Ann", secret), "xxx. xx", None]
    assert list(second.keys) == [personal.hashed("Ann", secret), None, None]  # nothing but spaces is missing
    assert (first.decision, second.decision, first.rule, first.source) == ("negative", "positive", "threshold", "batch")
    assert (first.model, first.version, first.model_digest, first.variant) == ("m", 4, "d" * 64, "champion")
    assert (first.propensity, first.latency_us, first.event_us, first.value) == (1.0, 0, None, None)
    found = find_row(path, "i3")
    assert found is not None
    assert found[1] == second


def test_nothing_is_seen_of_a_file_that_is_given_up(log, tmp_path):
    add(log)
    log.output.discard()
    assert files(tmp_path / "log", "table") == []
    assert not is_logged(tmp_path / "log", NAME)
