"""The walk over the calendar in this process: which months, from which state, and measured against the first model."""

from datetime import date
from itertools import pairwise

import looking
import pytest
from direct import Direct, at_once
from looking import at

from evergreen.base.errors import ConfigError, GateRefused
from evergreen.record.outcomes import TrainingOutcome, champion_facts
from flows import monitoring, replay, retraining, training
from flows.monitoring import CLOCKS
from flows.replay import Month, as_of_end, months, recorded_look, recorded_retraining, refuse_other_walk, yardstick

FEBRUARY, MARCH, APRIL, MAY = (date(2024, month, 1) for month in range(2, 6))


@pytest.fixture
def walked(monkeypatch) -> list[str]:
    """The steps of the flows that run in this process, in order."""
    names: list[str] = []

    class Noting(Direct):
        def __call__(self, step, *args, **kwargs):
            names.append(step.name)
            return super().__call__(step, *args, **kwargs)

    versions = iter(range(1, 9))
    recorder = lambda: Noting(register=lambda *_, **__: next(versions))  # noqa: E731  one name in four modules
    for module in (training, monitoring, replay):
        monkeypatch.setattr(module, "Recorder", recorder)
    for module in (training, monitoring, replay, retraining):
        monkeypatch.setattr(module, "run_opened", at_once)
    return names


def test_months_join_each_other_across_the_year():
    found = list(months(date(2023, 11, 1), date(2024, 3, 1)))
    assert [begin.isoformat()[:7] for begin, _ in found] == ["2023-11", "2023-12", "2024-01", "2024-02"]
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert found[-1][1] == date(2024, 3, 1)
    assert list(months(MARCH, MARCH)) == []


def test_walk_trains_first_then_watches_each_month_and_analyses_who_is_left(fresh, walked):
    looking.bring(fresh, looking.flipped(looking.source(fresh), "04-01"))
    first, march, april = replay.replay(fresh, MARCH, MAY)

    assert isinstance(first, TrainingOutcome)
    assert (first.version, first.analysis) == (1, None)
    assert isinstance(march, Month)
    assert (march.look.version, march.look.start, march.look.decision.retrain) == (1, MARCH, False)
    assert march.retraining.training is None
    assert march.never_retrained == march.look.performance
    assert (april.look.start, april.look.as_of, april.look.decision.retrain) == (APRIL, at("05-01"), True)
    assert april.retraining.training is not None
    champion = champion_facts(fresh.ledger(), "visits")
    assert champion.version == (april.retraining.training.version or 1)
    assert [entry.key for entry in fresh.ledger().entries("visits", "analysis")] == [champion.candidate]


def test_walk_that_was_done_is_told_again_from_the_ledger(fresh, walked):
    done = list(replay.replay(fresh, MARCH, APRIL))
    walked.clear()
    again = list(replay.replay(fresh, MARCH, APRIL))
    assert not {"score", "drift", "performance", "promote"} & set(walked)
    assert again[1].look.model_dump(exclude=CLOCKS) == done[1].look.model_dump(exclude=CLOCKS)


def test_first_candidate_that_is_refused_ends_the_walk(fresh, walked):
    hopeless = type(fresh).open(overrides=["gate.floor=0.999"])
    walk = replay.replay(hopeless, MARCH, APRIL)
    assert next(walk).verdict == "refused"
    with pytest.raises(GateRefused) as caught:
        next(walk)
    assert caught.value.code == "GATE001"
    assert "score" not in walked


def test_months_that_the_champion_has_seen_are_refused_unless_the_walk_is_its_own(visited, walked):
    refuse_other_walk(visited, MARCH)  # its data ends there
    with pytest.raises(ConfigError, match="has seen data until 2024-03-01") as caught:
        refuse_other_walk(visited, FEBRUARY)
    assert caught.value.code == "RPL001"
    monitoring.look_at(visited, MARCH, APRIL)
    refuse_other_walk(visited, FEBRUARY)  # a look of this very walk was recorded
    with pytest.raises(ConfigError):
        refuse_other_walk(type(visited).open(overrides=["retrain.policy=drift"]), FEBRUARY)


def test_no_walk_is_refused_without_a_champion(fresh):
    refuse_other_walk(fresh, FEBRUARY)


def test_recorded_look_is_of_the_same_period_time_parameters_and_walk(visited, walked):
    assert recorded_look(visited, MARCH, APRIL) is None
    monitoring.look_at(visited, MARCH, APRIL, as_of=at("03-20"))
    assert recorded_look(visited, MARCH, APRIL) is None  # of a look before the month was over
    look = monitoring.look_at(visited, MARCH, APRIL, as_of=as_of_end(APRIL, visited))
    assert recorded_look(visited, MARCH, APRIL).model_dump(exclude=CLOCKS) == look.model_dump(exclude=CLOCKS)
    assert recorded_look(visited, MARCH, MAY) is None
    assert recorded_look(type(visited).open(overrides=["drift.alpha=0.02"]), MARCH, APRIL) is None


def test_recorded_retraining_is_said_to_be_done_already(visited, walked):
    look = monitoring.look_at(visited, MARCH, APRIL)
    assert recorded_retraining(visited, look) is None
    outcome = training.train_and_judge(visited, reason="again", do=Direct())
    kept = {"window_end": APRIL, "reason": "r", "outcome": outcome.model_dump(mode="json")}
    visited.ledger().record("visits", "retraining", "v1:2024-03-01:2024-04-01", kept)
    found = recorded_retraining(visited, look)
    assert (found.already_done, found.training, found.decision) == (True, outcome, look.decision)


def test_first_model_is_measured_anew_only_where_another_one_served(visited, walked):
    first = champion_facts(visited.ledger(), "visits")
    look = monitoring.look_at(visited, MARCH, APRIL)
    walked.clear()
    assert yardstick(look, first, visited) is look.performance
    assert walked == []
    served = look.model_copy(update={"version": 2, "performance": None})
    assert yardstick(served, first, visited) == look.performance
    assert [name for name in walked if name not in ("ingest", "validate")] == ["score", "performance"]


def test_end_of_a_period_is_midnight_where_the_data_is(visited):
    assert as_of_end(APRIL, visited) == at("04-01")
    there = looking.asking(visited, "timezone: UTC", "timezone: America/New_York")
    assert as_of_end(APRIL, there) == at("04-01T04:00")


def test_first_candidate_that_waits_for_a_person_ends_the_walk_and_says_how_it_goes_on(fresh, walked):
    asking = type(fresh).open(overrides=["approval.required=[first]"])
    walk = replay.replay(asking, MARCH, APRIL)
    assert next(walk).verdict == "proposed"
    with pytest.raises(GateRefused) as caught:
        next(walk)
    assert caught.value.code == "GATE006"
    assert "evergreen approve 1" in caught.value.next_step
