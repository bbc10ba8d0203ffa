"""Predictions with their labels as of a time, held against what pandas finds in the same records."""

from datetime import UTC, datetime, timedelta

import labelled
import logged
import msgspec
import numpy as np
import pandas as pd
import pytest
from labelled import DELAY, START, us

from evergreen.decisions.performance import measure
from evergreen.record.labels.join import join
from evergreen.record.predictions.log import PredictionLog

NOON = datetime(2024, 5, 1, 12, 0, 15, 250, tzinfo=UTC)


def second(at: float) -> datetime:
    return NOON + timedelta(seconds=at)


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


def say(log, *said):
    for each in said:
        log.append_feedback(logged.COLUMNS, [each])


def at(log, seconds, **asked):
    asked = {"delay": timedelta(seconds=5), "model": "visits", **asked}
    return join(log.folder, as_of=second(seconds), **asked)


def targets(joined):
    return dict(zip(*(joined.rows[name].to_pylist() for name in ("prediction_id", "target")), strict=True))


def agrees(world, as_of, start, end):
    """Hold what was joined as of a time against pandas, and return the metric of both."""
    joined = join(world.folder, model="visits", as_of=as_of, delay=DELAY, start=start, end=end)
    at_least, before = us(start), us(end)
    expected = world.predictions.assign(target=world.labels_at(as_of))
    expected = expected[(expected["received"] <= us(as_of)) & expected["event"].between(at_least, before - 1)]
    found = joined.rows.to_pandas().set_index("prediction_id")
    assert joined.rows.num_rows == found.index.nunique() == len(expected) == joined.labels.n
    expected = expected.set_index("id").loc[found.index]
    pd.testing.assert_series_equal(
        found["target"].astype("boolean"), expected["target"].astype("boolean"), check_names=False
    )
    assert joined.labels.n_labelled == expected["target"].notna().sum()
    metrics = [
        measure("binary", frame["target"].astype("boolean"), frame["probability"]) for frame in (found, expected)
    ]
    assert metrics[0] == metrics[1]
    return joined, metrics[0]


def test_matured_metrics_of_100_000_predictions_equal_the_truth(tmp_path):
    world = labelled.world(tmp_path / "predictions", 100_000, seed=1, rolled=0.0)
    end = START + timedelta(days=90)
    joined, metric = agrees(world, end + DELAY, START, end)
    truth = measure("binary", world.predictions["truth"], world.predictions["probability"])
    assert metric == truth
    assert (joined.labels.verdict, joined.labels.coverage, joined.labels.watermark) == ("complete", 1.0, end)
    assert (joined.labels.repeated, joined.labels.n_unknown_ids, joined.labels.late) == (2_000, 0, 0)
    wrong = world.said.groupby("id")["value"].nunique().gt(1).sum()
    assert joined.labels.contradicting == wrong == 1_000
    assert joined.labels.future_known == (world.said["told"] > world.said["received"]).sum() > 100
    agrees(world, START + timedelta(days=77), START, end)


def campaign(world, times):
    rng = np.random.default_rng(5)
    verdicts = set()
    for _ in range(times):
        as_of = START + timedelta(days=float(rng.uniform(5, 125)))
        begin = START + timedelta(days=float(rng.uniform(0, 60)))
        joined, _ = agrees(world, as_of, begin, begin + timedelta(days=30))
        verdicts.add(joined.labels.verdict)
        known = joined.rows["known_at"].to_pandas().dropna()
        assert (known <= as_of).all()
        assert (joined.rows["received_at"].to_pandas() <= as_of).all()
    assert verdicts >= {"complete", "immature", "no traffic"}


def test_metrics_at_100_random_times_use_only_what_was_known(tmp_path):
    campaign(labelled.world(tmp_path / "predictions", 3_000, seed=2, rolled=0.05), 100)


@pytest.mark.long
def test_metrics_of_100_000_predictions_at_100_random_times_use_only_what_was_known(tmp_path):
    campaign(labelled.world(tmp_path / "predictions", 100_000, seed=3), 100)


def test_label_that_was_known_last_counts_however_it_arrived(log):
    a, b, c = logged.append(log, [1, 2, 3])
    say(
        log,
        logged.feedback(a, 40, label=True, known_us=us(second(30))),
        logged.feedback(a, 50, label=False, known_us=us(second(20))),
        logged.feedback(b, 20, label=True),
        logged.feedback(b, 20, label=True),
        logged.feedback(c, 30, label=True, known_us=us(second(10))),
        logged.feedback(c, 35, label=False, known_us=us(second(10))),
    )
    joined = at(log, 60)
    assert targets(joined) == {a: True, b: True, c: False}
    assert (joined.labels.contradicting, joined.labels.repeated, joined.labels.late) == (2, 1, 3)
    assert targets(at(log, 25)) == {a: False, b: True, c: False}
    assert targets(at(log, 15)) == {a: None, b: None, c: False}
    assert targets(at(log, 2.5, delay=timedelta())) == {a: None, b: None}


def test_label_of_one_moment_is_decided_by_receipt_and_then_by_name(log):
    (a,) = logged.append(log, [1])
    first, second_ = (
        msgspec.structs.replace(logged.feedback(a, 20, label=label), feedback_id=name)
        for label, name in ((True, "b"), (False, "a"))
    )
    say(log, first, second_)
    assert targets(at(log, 60)) == {a: True}
    say(log, msgspec.structs.replace(logged.feedback(("person-1", 1), 20, label=False), feedback_id="c"))
    assert targets(at(log, 60)) == {a: False}


def test_clock_that_jumps_ahead_is_not_believed_and_counted(log):
    a, b = logged.append(log, [1, 2])
    say(
        log,
        logged.feedback(a, 20, label=True, known_us=us(second(10_000_000))),
        logged.feedback(a, 30, label=False),
        logged.feedback(b, 20, label=True, known_us=us(second(-500))),
    )
    joined = at(log, 60)
    assert targets(joined) == {a: False, b: True}
    assert (joined.labels.future_known, joined.labels.early) == (1, 1)
    assert targets(at(log, 25)) == {a: True, b: True}


def test_label_by_key_is_about_the_predictions_of_the_key_that_it_did_not_precede(log):
    keys = {"keys": ("person-1", 1, "Elm Street 1")}
    names = log.new_ids(3)
    rows = [
        logged.row(name, 1, event_us=us(second(event)), received_us=us(second(event)), **keys)
        for name, event in zip(names, (0, 10, 40), strict=True)
    ]
    log.append(logged.COLUMNS, rows)
    say(log, logged.feedback(("person-1", 1), 20, label=True), logged.feedback(("person-9", 9), 20, label=True))
    joined = at(log, 60)
    assert targets(joined) == dict(zip(names, (True, True, None), strict=True))
    assert joined.rows.num_rows == 3


def test_prediction_that_was_logged_again_counts_once(log):
    (a,) = log.new_ids(1)
    log.append(logged.COLUMNS, [logged.row(a), logged.row(a)])
    log.append(logged.COLUMNS, [logged.row(a, received_us=us(second(9)))])
    say(log, logged.feedback(a, 20, label=True))
    joined = at(log, 60)
    assert (joined.rows.num_rows, joined.labels.repeated_predictions) == (1, 2)


def test_ids_that_the_log_does_not_hold_are_counted_until_it_does(log):
    (a,) = logged.append(log, [1])
    say(log, logged.feedback("f" * 32, 5, label=True), logged.feedback(a, 5, label=True))
    assert at(log, 60).labels.n_unknown_ids == 1
    assert at(log, 60, start=second(50)).labels.n_unknown_ids == 1
    log.append(logged.COLUMNS, [logged.row("f" * 32, 2)])
    assert at(log, 60).labels.n_unknown_ids == 0


def test_version_and_period_are_those_that_are_asked_for(log):
    a, b = logged.append(log, [1, 2])
    (c,) = log.new_ids(1)
    log.append(logged.COLUMNS, [msgspec.structs.replace(logged.row(c, 3), version=4)])
    assert set(targets(at(log, 60))) == {a, b, c}
    assert set(targets(at(log, 60, version=4))) == {c}
    event = NOON + timedelta(microseconds=2)
    assert set(targets(at(log, 60, start=event))) == {b, c}
    assert set(targets(at(log, 60, end=event))) == {a}
    nobody = at(log, 60, model="nobody")
    assert (nobody.labels.verdict, nobody.rows.num_rows) == ("no traffic", 0)


def test_labels_that_only_repeat_the_predictions_are_not_believed(log):
    names = logged.append(log, range(200))
    say(log, *(logged.feedback(name, 500, label=number > 3) for number, name in enumerate(names)))
    told = at(log, 1_000, error_at_gate=0.2).labels
    assert told.verdict == "unknown"
    assert "200 of 200 labels equal what was predicted, where the gate's error was 20.00%" in told.evidence
    assert at(log, 1_000, error_at_gate=0.01).labels.verdict == at(log, 1_000).labels.verdict == "complete"


def test_numbers_are_joined_as_numbers(log):
    columns = msgspec.structs.replace(logged.COLUMNS, task="regression", contract="prices")
    a, b = log.new_ids(2)
    rows = [logged.row(name, number, label=None, value=2.5) for number, name in ((1, a), (2, b))]
    log.append(columns, rows)
    log.append_feedback(columns, [logged.feedback(a, 9, value=2.5), logged.feedback(a, 12, value=3.5)])
    joined = at(log, 60, model="prices")
    assert targets(joined) == {a: 3.5, b: None}
    assert (joined.labels.contradicting, joined.labels.n_equal, joined.labels.verdict) == (1, 0, "immature")
    assert at(log, 10, model="prices", delay=timedelta(seconds=2)).labels.n_equal == 1


def test_tasks_that_changed_within_the_period_are_said(log):
    logged.append(log, [1])
    columns = msgspec.structs.replace(logged.COLUMNS, task="regression")
    log.append(columns, [logged.row(log.new_ids(1)[0], 2, label=None, value=2.5)])
    joined = at(log, 60)
    assert (joined.labels.verdict, joined.rows.num_rows) == ("unknown", 0)
    assert "binary, regression" in joined.labels.evidence


def test_what_cannot_be_asked_is_refused(log):
    with pytest.raises(ValueError, match="offset"):
        join(log.folder, model="visits", as_of=datetime(2024, 5, 1), delay=DELAY)
    for needed in (0, 1.5):
        with pytest.raises(ValueError, match="share"):
            at(log, 60, needed=needed)
