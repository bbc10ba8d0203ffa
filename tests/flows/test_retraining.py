"""The retraining flow in this process: one window leads to one training at most, on the rows before its end."""

from datetime import date

import pytest
from direct import Direct, at_once

from evergreen.base.errors import ConfigError, ResourceError
from flows import monitoring, retraining
from flows.monitoring import monitor_window
from flows.retraining import act_on_window
from flows.training import train_and_judge

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


@pytest.fixture
def trainings(visited, monkeypatch) -> list:
    """The trainings that were started: the project and the reason of each; they answer what the first one did."""
    monkeypatch.setattr(monitoring, "Recorder", Direct)
    first = train_and_judge(visited, reason="again", do=Direct())
    started = []

    def run_training(project, *, reason, stays=True, rule=None):
        assert rule == "refresh"
        started.append((project, reason, stays))
        return first

    monkeypatch.setattr(retraining, "run_training", run_training)
    return started


def test_without_a_window_there_is_nothing_to_act_on(visited, trainings):
    with pytest.raises(ConfigError) as caught:
        act_on_window(visited, reason="wanted")
    assert caught.value.code == "RET001"
    assert trainings == []


def test_quiet_window_trains_nothing_unless_there_is_a_reason(visited, trainings):
    window = monitor_window(visited, MARCH, APRIL)
    assert not window.decision.retrain
    outcome = act_on_window(visited, reason=None)
    assert (outcome.training, outcome.already_done, outcome.window) == (None, False, "v1:2024-03-01:2024-04-01")
    assert trainings == []
    assert not visited.ledger().entries("visits", "retraining")

    asked = act_on_window(visited, reason="wanted", stays=False)
    assert asked.training is not None
    ((project, reason, stays),) = trainings
    assert (project.params.ingest.end, reason, stays) == (APRIL, "wanted", False)
    (entry,) = visited.ledger().entries("visits", "retraining")
    assert (entry.payload["window_end"], entry.payload["reason"]) == ("2024-04-01", "wanted")


def test_last_window_leads_to_one_training_on_the_rows_before_its_end(visited, trainings):
    monitor_window(visited, MARCH, APRIL)
    moved = monitor_window(visited, APRIL, MAY)
    first = act_on_window(visited, reason=None)
    again = act_on_window(visited, reason="and once more")

    assert (first.already_done, again.already_done, again.training) == (False, True, None)
    ((project, reason, stays),) = trainings
    assert project.params.ingest.end == MAY
    assert (reason, stays) == ("retraining after v1:2024-04-01:2024-05-01", True)
    (entry,) = visited.ledger().entries("visits", "retraining")
    assert (entry.key, entry.payload["reason"]) == (first.window, moved.decision.summary)


def test_training_that_fails_is_not_recorded_and_is_tried_again(visited, trainings, monkeypatch):
    monitor_window(visited, APRIL, MAY)
    works = retraining.run_training

    def fails(*_, **__):
        raise ResourceError("RES004", "memory is short")

    monkeypatch.setattr(retraining, "run_training", fails)
    with pytest.raises(ResourceError):
        act_on_window(visited, reason=None)
    assert not visited.ledger().entries("visits", "retraining")
    monkeypatch.setattr(retraining, "run_training", works)
    assert act_on_window(visited, reason=None).training is not None


def test_run_of_an_open_project_hands_on_what_was_asked(visited, trainings, monkeypatch):
    monkeypatch.setattr(retraining, "run_opened", at_once)
    monitor_window(visited, MARCH, APRIL)
    retraining.run_retraining(visited, reason="wanted", stays=False)
    assert [(reason, stays) for _, reason, stays in trainings] == [("wanted", False)]
