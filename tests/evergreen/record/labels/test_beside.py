"""Predictions with what counts of all that came back about them beside them."""

from datetime import UTC, datetime, timedelta

import logged

from evergreen.record.labels import beside
from evergreen.record.predictions import reading, rolling
from evergreen.record.predictions.log import PredictionLog

NOON = datetime(2024, 5, 1, 12, 0, 15, 250, tzinfo=UTC)


def test_last_that_came_back_wins_by_prediction_and_by_key(tmp_path):
    folder = tmp_path / "predictions"
    log = PredictionLog(folder)
    a, b, c = logged.append(log, [1, 2, 3])
    said = [
        logged.feedback(a, 10, label=True),
        logged.feedback(("person-1", 1), 20, label=False),
        logged.feedback(("person-2", 2), 30, label=True),
        logged.feedback(b, 25, label=False),
        logged.feedback(b, 5, decision="call"),
        logged.feedback(("person-1", 2), 99, label=True),
    ]
    for each in said:
        log.append_feedback(logged.COLUMNS, [each])
    expected = {a: (False, None, 20), b: (True, "call", 30), c: (None, None, None)}

    def found():
        names = ("feedback_label", "feedback_decision", "feedback_at")
        rows = [row for batch in beside.with_feedback(folder) for row in batch.to_pylist()]
        return {row["prediction_id"]: tuple(row[name] for name in names) for row in rows}

    told = {name: (*rest, at and NOON + timedelta(seconds=at)) for name, (*rest, at) in expected.items()}
    assert found() == told
    log.close()
    rolling.roll(folder)
    assert found() == told
    assert reading.read(folder, "feedback").num_rows == len(said)
