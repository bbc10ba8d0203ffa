"""What waits for a person: what was referred, and what nobody has answered since, by whatever door."""

from datetime import UTC, datetime, timedelta

import logged
import msgspec
import pytest

from evergreen.record.predictions import rolling
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.review import queue

RECEIVED = datetime(2024, 5, 1, 12, 0, 15, 250, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


def refer(log, numbers, *, rule="unsure", **changed):
    return logged.append(log, numbers, decision="referred", rule=rule, **changed)


def waiting(log, **how):
    rows = queue.waiting(queue.referred(log.folder, contract="visits"), **how)
    return rows.column("prediction_id").to_pylist()


def test_what_was_referred_waits_and_what_was_answered_by_the_model_does_not(log):
    logged.append(log, [1, 2])
    assert waiting(log) == []
    third, fourth = refer(log, [4, 3])[::-1]
    assert waiting(log) == [third, fourth]
    log.close()
    rolling.roll(log.folder)
    assert waiting(log) == [third, fourth]
    found = queue.length(queue.referred(log.folder, contract="visits"))
    assert (found.waiting, found.referred, found.oldest) == (2, 2, RECEIVED + timedelta(seconds=3))


def test_row_leaves_the_queue_with_a_label_or_a_decision_by_id_or_by_key(log):
    by_label, by_decision, _, before, left = refer(log, range(1, 6))
    log.append_feedback(
        logged.COLUMNS,
        [
            logged.feedback(by_label, 100, label=True),
            logged.feedback(by_decision, 100, decision="call"),
            logged.feedback(("person-3", 3), 100, label=False),
            logged.feedback(("person-4", 4), 100, label=False, known_us=logged.NOON - 1),
        ],
    )
    assert waiting(log) == [before, left]
    rows = queue.referred(log.folder, contract="visits").to_pylist()
    assert [row["answered_at"] is not None for row in rows] == [True, True, True, False, False]


def test_queue_is_the_same_whether_files_are_passed_over_or_read(log):
    """Files and row groups without a referred row say so: decisions above, below and around the word, and none."""
    for decision in ("accepted", "zzz", None, "positive"):
        logged.append(log, [1, 2], decision=decision)
    log.close()
    rolling.roll(log.folder)
    assert waiting(log) == []
    again = PredictionLog(log.folder)
    logged.append(again, [3], decision="accepted")
    names = refer(again, [4])
    logged.append(again, [5], decision="zzz")
    again.close()
    rolling.roll(log.folder)
    assert waiting(log) == names


def test_least_sure_come_first_by_the_probability_of_the_answer_that_was_given(log):
    sure = refer(log, [1], label=True, probability=0.97)
    unsure = refer(log, [2], label=True, probability=0.31)
    false = refer(log, [3], label=False, probability=0.4)
    unasked = refer(log, [4], rule="human", label=None, probability=None)
    assert waiting(log) == [*sure, *unsure, *false, *unasked]
    assert waiting(log, order="unsure") == [*unsure, *false, *sure, *unasked]


def test_time_and_contract_bound_the_queue_and_a_row_that_was_logged_again_waits_once(log):
    first, second = refer(log, [1, 2])
    again = logged.row(second, 2, decision="referred", rule="unsure")
    log.append(logged.COLUMNS, [again])
    log.append(msgspec.structs.replace(logged.COLUMNS, contract="others"), [logged.row(log.new_ids(1)[0], 3)])
    assert waiting(log) == [first, second]
    assert waiting(log, since=RECEIVED + timedelta(seconds=2)) == [second]


def test_person_sees_what_was_sent_as_the_log_keeps_it_and_the_models_answer_in_assist_alone(log):
    names = [*refer(log, [2], rule="assist"), *refer(log, [2], rule="audit:0.05"), *refer(log, [2], rule="unsure")]
    assist, audit, unsure = (queue.shown(*log.find(name)) for name in names)
    assert assist.said == {"label": False, "probability": 0.002}
    assert audit.said is None
    assert unsure.said is None
    assert assist.sent.keys() == {"at", "weight", "stops", "Version", "insured", "person", "day", "street"}
    assert assist.sent["at"] == "2024-05-01T12:00:15.000252+00:00"
    assert assist.sent["weight"] == 0.25
    assert "person-2" not in str(assist)
    assert "mail" not in assist.sent


def test_records_are_read_once_each_with_all_their_columns(log):
    names = refer(log, [1, 2, 3])
    log.append(logged.COLUMNS, [logged.row(names[0], 1)])
    found = [row for batch in queue.records(log.folder, names[:2]) for row in batch.to_pylist()]
    assert [(row["prediction_id"], row["stops"]) for row in found] == [(names[0], 1), (names[1], 2)]
    assert list(queue.records(log.folder, [])) == []
