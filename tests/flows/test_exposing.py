"""The flow `rollout`: named by where the rollout is, and nothing but the ledger is read where there is none."""

from exposed import Town, alone, another

from evergreen.project import Project
from evergreen.record.alerts import standing
from flows import exposing, rollout
from flows.exposing import rollout as flow


def test_look_without_a_rollout_reads_no_log(visited, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(exposing, "tell_or_say", told.append)
    assert flow.fn().why == "no rollout is under way"
    assert not visited.settings.predictions.exists()
    assert told == []
    assert exposing._at(visited, {}) == "none is under way"


def test_version_that_is_taken_out_is_told(visited, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(exposing, "tell_or_say", told.append)
    alone(monkeypatch)
    another(visited)
    rollout.begin(visited, 2, plan="50,100", by="Ada", reason="newer")
    assert exposing._at(visited, {}) == "rollout-1 at 50 %"
    town = Town(visited, rows=200, broken=0.5)
    town.day()
    town.close()
    found = flow.fn()
    assert (found.rollout, found.decision.answer, len(told)) == ("rollout-1", "return", 1)
    (incident,) = standing.standing_incidents(visited.ledger(), "visits", at=town.now)
    assert (incident.kind, incident.severity, incident.subject) == ("rollout-returned", "page", "v2")
    assert "requests; 1.0% may. It answered" in incident.evidence
    assert isinstance(told[0], Project)
