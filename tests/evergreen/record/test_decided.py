"""What a log says of who decided: each row once, its label, what people decided, and nothing of others' rows."""

from datetime import UTC, date, datetime, timedelta

import logged
import numpy as np
import pytest

from evergreen.record.decided import decided, read
from evergreen.record.predictions.log import PredictionLog

NOON = datetime.fromtimestamp(logged.NOON / 1e6, UTC)


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


def referred(log, numbers, rule, **more):
    return logged.append(log, numbers, **{"decision": "referred", "rule": rule, **more})


def found(log, **more):
    return read(log.folder, logged.CONTRACT, **{"version": 3, **more})


def test_each_row_has_who_decides_it_its_label_and_what_people_decided(log):
    (audited,) = referred(log, [1], "audit:0.25", label=True, probability=0.9)
    (unsure,) = referred(log, [2], "unsure", label=False, probability=0.4)
    logged.append(log, [3], label=True, probability=0.99)
    referred(log, [4], "human", label=None, probability=None)
    log.append_feedback(
        logged.COLUMNS,
        [
            logged.feedback(audited, 10, label=False),
            logged.feedback(audited, 10, decision="no"),
            logged.feedback(unsure, 10, label=False),
            logged.feedback(unsure, 10, decision="later"),
        ],
    )

    seen = found(log)

    assert seen.by == ("audit", "unsure", "automatic", "human")
    np.testing.assert_array_equal(seen.wrong, [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(seen.people_wrong, [0, np.nan, np.nan, np.nan])
    np.testing.assert_allclose(seen.sure, [0.9, 0.6, 0.99, np.nan])
    np.testing.assert_array_equal(seen.shares, [0.25, np.nan, np.nan, np.nan])
    assert seen.days == (date(2024, 5, 1),) * 4


def test_rows_of_other_versions_of_batches_and_of_other_times_are_left_out(log):
    referred(log, [1], "assist")
    referred(log, [2], "assist", source="batch")
    referred(log, [3], "assist", received_us=logged.NOON - 1)
    referred(log, [4], "assist", event_us=logged.NOON + 3_600_000_000)
    assert len(found(log)) == 3
    assert len(found(log, version=2)) == 0
    assert len(found(log, since=NOON)) == 2
    assert len(found(log, until=NOON + timedelta(minutes=30))) == 2


def test_what_people_decided_may_stand_in_a_column_that_was_sent_along(log):
    (name,) = referred(log, [1], "shadow", label=True, keys=("person-1", 1, "yes"))
    said = [logged.feedback(name, 10, label=False), logged.feedback(name, 10, decision="no")]
    log.append_feedback(logged.COLUMNS, said)
    assert found(log).people_wrong.tolist() == [0]
    assert np.isnan(found(log, people="street").people_wrong).all()  # which is masked, and no word of a decision


def test_empty_log_holds_nothing(tmp_path):
    assert len(read(tmp_path, logged.CONTRACT, version=3)) == 0


@pytest.mark.parametrize(
    ("said", "task", "label"),
    [
        ("positive", "binary", True),
        (" No ", "binary", False),
        (True, "binary", True),
        ("perhaps", "binary", None),
        (None, "binary", None),
        ("red", "multiclass", "red"),
        (None, "multiclass", None),
        ("3.5", "regression", 3.5),
        ("much", "regression", None),
    ],
)
def test_decision_of_a_person_is_read_as_a_label_of_the_task(said, task, label):
    assert decided(said, task) == label
