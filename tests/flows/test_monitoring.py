"""The monitoring flow in this process: what is recorded of a window, once, and under which name."""

from datetime import date

import pytest
from direct import A_DAY, Direct
from sklearn.metrics import roc_auc_score

from evergreen.base.errors import ConfigError
from evergreen.record.windows import WindowOutcome
from flows import monitoring
from flows.monitoring import last_retraining, made_with, monitor_window, window_key

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


@pytest.fixture
def direct(monkeypatch) -> Direct:
    do = Direct()
    monkeypatch.setattr(monitoring, "Recorder", lambda: do)
    return do


def test_window_is_scored_compared_measured_and_recorded_under_its_name(visited, direct):
    outcome = monitor_window(visited, MARCH, APRIL)

    assert direct.names == ["ingest", "validate", "score", "drift", "performance"]
    assert (outcome.version, outcome.start, outcome.end, outcome.model) == (1, MARCH, APRIL, "visits")
    assert outcome.valid.rows == 31 * A_DAY
    assert (outcome.drift.n_current, outcome.drift.verdict) == (31 * A_DAY, "no drift")
    (entry,) = visited.ledger().entries("visits", "window")
    assert entry.key == window_key(outcome) == "v1:2024-03-01:2024-04-01"
    assert "steps" not in entry.payload
    assert WindowOutcome.model_validate(entry.payload) == outcome.model_copy(update={"steps": ()})


def test_value_of_a_window_is_scikit_learns_on_the_predictions(visited, monkeypatch):
    kept = []

    def score(*rows, **given):
        kept.append(monitoring.score.fn(*rows, **given))
        return kept[-1]

    monkeypatch.setattr(monitoring, "Recorder", lambda: Direct(score=score))
    outcome = monitor_window(visited, MARCH, APRIL)

    said = visited.workspace.read(kept[0].predictions)
    expected = roc_auc_score(said["target"].astype(bool), said["probability"])
    assert outcome.performance.value == pytest.approx(expected, abs=1e-12)
    assert set(said["version"]) == {1}


def test_window_that_moved_is_a_reason_to_train_again_and_is_held_back_after_a_retraining(visited, direct):
    outcome = monitor_window(visited, APRIL, MAY)
    assert (outcome.drift.verdict, outcome.decision.retrain) == ("drift", True)
    assert [column.name for column in outcome.drift.columns if column.verdict == "drift"] == ["minutes"]
    assert "drift" in outcome.decision.triggers

    visited.ledger().record("visits", "retraining", "v1:w", {"window_end": date(2024, 4, 20)})
    again = monitor_window(visited, APRIL, MAY)
    assert again.decision.triggers == outcome.decision.triggers
    assert not again.decision.retrain


def test_first_look_at_a_window_is_the_one_that_is_kept(visited, direct):
    first = monitor_window(visited, MARCH, APRIL)
    monitor_window(visited, MARCH, APRIL)
    monitor_window(visited, APRIL, MAY)
    entries = visited.ledger().entries("visits", "window")
    assert [entry.key for entry in entries] == ["v1:2024-03-01:2024-04-01", "v1:2024-04-01:2024-05-01"]
    assert WindowOutcome.model_validate(entries[0].payload).performance == first.performance


def test_monitoring_without_a_champion_runs_no_step(fresh, direct):
    with pytest.raises(ConfigError) as caught:
        monitor_window(fresh, MARCH, APRIL)
    assert caught.value.code == "STA001"
    assert direct.names == []


def test_digest_of_what_made_a_window_follows_the_parameters_but_not_the_period(visited):
    assert made_with(visited.for_period(APRIL, MAY)) == made_with(visited)
    moved = type(visited).open(overrides=["drift.alpha=0.02"])
    assert made_with(moved) != made_with(visited)


def test_last_retraining_is_the_end_of_the_last_window_that_caused_one(visited):
    ledger = visited.ledger()
    assert last_retraining(ledger, "visits") is None
    for key, end in (("a", APRIL), ("b", MAY), ("c", MARCH)):
        ledger.record("visits", "retraining", key, {"window_end": end})
    ledger.record("other", "retraining", "d", {"window_end": date(2030, 1, 1)})
    assert last_retraining(ledger, "visits") == MARCH
