"""What was said, read from the log: by contract and field, as of a time, by id and by key."""

import logged
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.record.labels.said import nothing_said, said_in
from evergreen.record.predictions.columnar import feedback_batch
from evergreen.record.predictions.log import PredictionLog


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


def at(seconds):
    return logged.NOON + seconds * 1_000_000


def test_what_was_said_is_told_apart_by_contract_and_field(log):
    other = msgspec.structs.replace(logged.COLUMNS, contract="prices", task="regression")
    log.append_feedback(logged.COLUMNS, [logged.feedback("a", 1, label=True), logged.feedback("a", 2, decision="call")])
    log.append_feedback(other, [logged.feedback("a", 3, value=1.5)])
    found = said_in(log.folder)
    assert set(found) == {("visits", "label"), ("visits", "decision"), ("prices", "value")}
    assert found["prices", "value"].by_id.values.to_pylist() == [1.5]
    assert set(said_in(log.folder, contract="prices")) == {("prices", "value")}


def test_only_what_was_known_by_then_is_there(log):
    rows = [logged.feedback("a", 9, label=True, known_us=at(3)), logged.feedback("b", 9, label=True)]
    log.append_feedback(logged.COLUMNS, rows)
    assert said_in(log.folder, as_of_us=at(5))["visits", "label"].by_id.subjects.to_pylist() == ["a"]
    known = said_in(log.folder, as_of_us=at(9))["visits", "label"].by_id
    assert dict(zip(known.subjects.to_pylist(), known.last.tolist(), strict=True)) == {"a": at(3), "b": at(9)}


def test_target_that_was_of_two_types_in_its_time_is_read_as_text(log):
    columns = msgspec.structs.replace(logged.COLUMNS, task="multiclass")
    log.append_feedback(logged.COLUMNS, [logged.feedback("a", 1, label=True)])
    log.append_feedback(columns, [logged.feedback("b", 1, label="high")])
    assert set(said_in(log.folder)["visits", "label"].by_id.values.to_pylist()) == {"true", "high"}


def test_table_of_before_has_no_propensities(log):
    batch = feedback_batch(logged.COLUMNS, [logged.feedback("a", 1, label=True)])
    path = log.folder / "feedback" / "date=2024-05-01" / "20240501T12-aaaaaa-000001.1.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_batches([batch.drop_columns("label_propensity")]), path)
    asked = msgspec.structs.replace(logged.feedback("b", 1, label=True), label_propensity=0.25)
    log.append_feedback(logged.COLUMNS, [asked])
    found = said_in(log.folder)["visits", "label"].by_id
    assert found.subjects.to_pylist() == ["a", "b"]
    assert np.isnan(found.propensity[0])
    assert found.propensity[1] == 0.25


def test_id_and_key_together_are_one_label_or_contradict(log):
    key = ("person-1", 1)
    rows = [
        *(
            logged.feedback("a", 5, label=True),
            logged.feedback("b", 5, label=True),
            logged.feedback("c", 5, label=True),
        ),
        *(logged.feedback(key, 3, label=False), logged.feedback(key, 7, label=True)),
    ]
    log.append_feedback(logged.COLUMNS, rows)
    said = said_in(log.folder)["visits", "label"]
    name = said.by_key.subjects.to_pylist()[0]
    keys = pa.array([name, None, name, name])
    events = np.array([at(4), at(0), at(1), at(8)])
    found = said.of(said.by_id.places(pa.array(["a", "b", "c", "d"])), keys, events)
    assert found.values.to_pylist() == [True, True, True, None]
    assert found.known.cast(pa.int64()).to_pylist() == [at(5), at(5), at(5), None]
    assert found.agreeing.tolist() == [True, False, True, False]
    assert found.contradicting.tolist() == [False, False, True, False]


def test_nothing_said_counts_for_nobody():
    found = nothing_said(pa.bool_()).of(np.array([-1, -1]), pa.array(["k", None]), np.array([1, 2]))
    assert found.values.to_pylist() == found.known.to_pylist() == [None, None]
    assert not (found.contradicting | found.agreeing | found.early).any()
