"""The look at an experiment by the clock: the flow is what a deployment starts, and does what the plain call does."""

from datetime import UTC, datetime

from evergreen.decisions.experiments.verdict import Decision
from flows import experimenting, experiments
from flows.experiments import Looked


def test_flow_returns_what_its_look_decided(visited, monkeypatch) -> None:
    decision = Decision(answer="keep", variant=None, why="worse")
    last = type("Look", (), {"decision": decision, "at": datetime.now(UTC)})
    looked = Looked.model_construct(experiment=None, report=type("Report", (), {"last": last}))
    opened = []
    monkeypatch.setattr(experiments, "follow_up", lambda project: opened.append(project.name) or looked)
    assert experimenting.experiment.fn() == decision
    assert opened == [visited.name]


def test_where_none_runs_it_decides_nothing(visited) -> None:
    assert experimenting.experiment.fn() is None
