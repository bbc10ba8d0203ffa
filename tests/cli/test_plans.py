"""What is already recorded: a plan, and the outcome of a training that has nothing left to do."""

import pytest

from cli import plans
from cli.plans import DECIDING, planned, recorded_outcome
from evergreen.project import Project
from evergreen.record.outcomes import Judgement, champion_facts
from evergreen.record.plan.plan import PlannedStep
from evergreen.record.plan.steps import STEPS


def test_nothing_is_recorded_of_a_fresh_project(fresh):
    found = planned(fresh)
    assert [step.name for step in found] == [*STEPS, *DECIDING]
    assert not any(step.cached for step in found)
    assert {step.why for step in found[len(STEPS) :]} == {"to be judged"}
    assert recorded_outcome(fresh) is None


@pytest.fixture
def recorded(visited, monkeypatch):
    """A project of which every step is recorded, as the plan says it, with the champion's own artifacts."""
    from direct import Direct

    from flows.making import make_candidate

    candidate = make_candidate(visited, Direct())
    steps = [PlannedStep(name=name, identity="i", cached=True, why="recorded") for name in STEPS]
    made = {"report": candidate.report.model_dump(mode="json"), "model": candidate.model.model_dump(mode="json")}
    monkeypatch.setattr(plans.plan, "plan", lambda *_, **__: (steps, made))
    return visited


def test_recorded_training_has_the_outcome_that_was_judged(recorded):
    facts = champion_facts(recorded.ledger(), "visits")
    found = recorded_outcome(recorded)
    assert Judgement(**{name: getattr(found, name) for name in Judgement.model_fields}) == facts.judged
    assert [step.name for step in found.steps] == [*STEPS, *DECIDING]
    assert all(step.cached and step.seconds == 0 for step in found.steps)
    assert found.analysis == "attached"
    assert all(step.cached for step in planned(recorded))


def test_analysis_that_is_owed_is_a_step_to_run(recorded, monkeypatch):
    ledger, facts = recorded.ledger(), champion_facts(recorded.ledger(), "visits")
    assert ledger.find("visits", "analysis", facts.candidate) is not None
    find = type(ledger).find

    def forgetful(self, model, kind, key):
        return None if kind == "analysis" else find(self, model, kind, key)

    monkeypatch.setattr(type(ledger), "find", forgetful)
    assert recorded_outcome(recorded) is None
    assert [step.name for step in planned(recorded) if not step.cached] == ["analyse"]


def test_other_gate_has_to_judge_again(recorded):
    stricter = Project.open(overrides=["gate.floor=0.61"])
    assert recorded_outcome(stricter) is None
    assert [step.name for step in planned(stricter) if not step.cached] == list(DECIDING)
