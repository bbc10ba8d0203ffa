"""The retraining flow in this process: one window leads to one training at most, on the labels that were known."""

from datetime import date

import looking
import pytest
from direct import Direct, at_once
from looking import APRIL, LATE, MARCH, MAY, at

from evergreen.base.errors import ConfigError, LostRace, ResourceError
from flows import retraining
from flows.monitoring import look_at
from flows.retraining import act_on_window, cause
from flows.training import train_and_judge


@pytest.fixture
def trainings(visited, monkeypatch) -> list:
    """The trainings that were started: the project and the reason of each; they answer what the first one did."""
    looking.directly(monkeypatch)
    first = train_and_judge(visited, reason="again", do=Direct())
    started = []

    def run_training(project, *, reason, stays=True, rule=None, repair=None, do=None):
        assert rule == "refresh"
        started.append((project, reason, stays))
        return first

    monkeypatch.setattr(retraining, "run_training", run_training)
    return started


@pytest.fixture
def harmed(visited):
    """The project, whose visitors do the opposite from April on."""
    looking.bring(visited, looking.flipped(looking.source(visited), "04-01"))
    return visited


def test_without_a_window_there_is_nothing_to_act_on(visited, trainings):
    with pytest.raises(ConfigError) as caught:
        act_on_window(visited, reason="wanted")
    assert caught.value.code == "RET001"
    assert trainings == []


def test_quiet_window_trains_nothing_unless_there_is_a_reason(visited, trainings):
    look = look_at(visited, MARCH, APRIL, as_of=LATE)
    assert not look.decision.retrain
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


def test_last_window_leads_to_one_training_on_the_rows_before_its_end(harmed, trainings):
    look_at(harmed, MARCH, APRIL, as_of=LATE)
    worse = look_at(harmed, APRIL, MAY, as_of=LATE)
    first = act_on_window(harmed, reason=None)
    again = act_on_window(harmed, reason="and once more")

    assert (first.already_done, again.already_done, again.training) == (False, True, None)
    ((project, reason, stays),) = trainings
    assert project.params.ingest.end == MAY
    assert (reason, stays) == ("retraining after v1:2024-04-01:2024-05-01", True)
    (entry,) = harmed.ledger().entries("visits", "retraining")
    assert (entry.key, entry.payload["reason"]) == (first.window, worse.decision.summary)
    assert (entry.payload["triggers"], entry.payload["look"]) == (["harm", "probe"], worse.key)


def test_event_of_a_window_that_is_not_the_last_any_more_is_superseded(harmed, trainings):
    before = look_at(harmed, date(2024, 4, 1), date(2024, 4, 15), as_of=LATE)
    last = look_at(harmed, date(2024, 4, 15), MAY, as_of=LATE)
    outcome = act_on_window(harmed, reason=None, incident=before.incident)
    assert (outcome.training, outcome.superseded_by) == (None, last.incident)
    assert trainings == []
    assert act_on_window(harmed, reason=None, incident=last.incident).training is not None


def test_event_and_schedule_that_meet_lead_to_one_training(harmed, trainings, monkeypatch):
    look = look_at(harmed, APRIL, MAY, as_of=LATE)
    trains = retraining.run_training

    def meets_another(*given, **asked):
        with pytest.raises(LostRace):
            act_on_window(harmed, reason=None, incident=look.incident)
        return trains(*given, **asked)

    monkeypatch.setattr(retraining, "run_training", meets_another)
    assert act_on_window(harmed, reason=None).training is not None
    assert act_on_window(harmed, reason=None, incident=look.incident).already_done
    assert len(trainings) == 1


def test_second_look_at_a_window_is_acted_on_where_the_first_one_said_nothing(harmed, trainings):
    early = look_at(harmed, APRIL, MAY, as_of=at("04-02"))
    assert (early.days, early.decision.retrain) == ((), False)
    assert act_on_window(harmed, reason=None).training is None

    late = look_at(harmed, APRIL, MAY, as_of=LATE)
    outcome = act_on_window(harmed, reason=None)
    assert (outcome.decision, outcome.training is None) == (late.decision, False)
    assert len(trainings) == 1


def test_look_back_at_an_old_window_does_not_turn_time_back(harmed, trainings):
    look_at(harmed, APRIL, MAY, as_of=LATE)
    look_at(harmed, MARCH, APRIL, as_of=LATE)  # recorded last, and of an earlier period
    outcome = act_on_window(harmed, reason=None)
    assert outcome.window == "v1:2024-04-01:2024-05-01"
    ((project, _, _),) = trainings
    assert project.params.ingest.end == MAY


@pytest.mark.parametrize(
    ("time", "until"), [("05-01", date(2024, 4, 30)), ("04-11", date(2024, 4, 10)), ("05-09", MAY)]
)
def test_training_knows_no_label_that_nobody_had_when_the_window_was_looked_at(harmed, trainings, time, until):
    look_at(harmed, APRIL, MAY, as_of=at(time))
    act_on_window(harmed, reason="wanted")
    ((project, _, _),) = trainings
    assert project.params.ingest.end == until


def test_open_circuit_holds_everybody_back_but_a_person_with_a_reason(harmed, trainings):
    once = type(harmed).open(overrides=["retrain.attempts=1", "retrain.cooldown_days=0"])
    look_at(once, APRIL, date(2024, 4, 15), as_of=LATE)
    assert act_on_window(once, reason=None).training is not None
    second = look_at(once, date(2024, 4, 15), MAY, as_of=LATE)
    assert second.decision.circuit_open
    assert act_on_window(once, reason=None).training is None
    assert act_on_window(once, reason="the recipe was changed").training is not None
    assert [reason for _, reason, _ in trainings][1:] == ["the recipe was changed"]


def test_training_that_fails_is_not_recorded_and_is_tried_again(harmed, trainings, monkeypatch):
    look_at(harmed, APRIL, MAY, as_of=LATE)
    works = retraining.run_training

    def fails(*_, **__):
        raise ResourceError("RES004", "memory is short")

    monkeypatch.setattr(retraining, "run_training", fails)
    with pytest.raises(ResourceError):
        act_on_window(harmed, reason=None)
    assert not harmed.ledger().entries("visits", "retraining")
    monkeypatch.setattr(retraining, "run_training", works)
    assert act_on_window(harmed, reason=None).training is not None


def test_run_is_named_after_what_fired_and_the_window_of_it(harmed, trainings):
    assert cause(harmed, reason=None) == "no window yet"
    look_at(harmed, MARCH, APRIL, as_of=LATE)
    assert cause(harmed, reason=None) == "nothing fired, 2024-03"
    look_at(harmed, APRIL, MAY, as_of=LATE)
    assert cause(harmed, reason=None) == "harm, probe, 2024-04"
    assert cause(harmed, reason="wanted") == "wanted, 2024-04"


def test_run_of_an_open_project_hands_on_what_was_asked(visited, trainings, monkeypatch):
    monkeypatch.setattr(retraining, "run_opened", at_once)
    look_at(visited, MARCH, APRIL, as_of=LATE)
    retraining.run_retraining(visited, reason="wanted", stays=False)
    assert [(reason, stays) for _, reason, stays in trainings] == [("wanted", False)]
