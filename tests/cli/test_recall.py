"""What the commands that remember find in a project with a real champion."""

from datetime import timedelta

import pytest
import remembered

from cli import recall
from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.base.files import file_digest
from evergreen.record.outcomes import champion_facts
from evergreen.record.registry.proof import PROOF


def test_standing_now_has_the_keys_of_before_and_who_decided(visited):
    facts = champion_facts(visited.ledger(), visited.name)
    told = recall.standing(visited, None).told()
    judged = facts.judged.model_dump(mode="json")
    assert {name: told[name] for name in judged} == judged
    assert told["campaign"] == visited.level().model_dump(mode="json")
    assert (told["by"], told["decided"]["kind"], told["decided"]["epoch"]) == ("gate", "promotion", 1)
    assert told["decided"]["until"] is None


def test_standing_at_a_time_is_the_champion_and_the_campaign_of_then(visited):
    ledger = visited.ledger()
    remembered.prove(visited)
    (first, second) = ledger.changes(visited.name)
    then = recall.standing(visited, first.at.isoformat()).told()
    assert (then["version"], then["decided"]["until"]) == (1, second.at.isoformat())
    assert recall.standing(visited, second.at.isoformat()).told()["version"] == 2
    just_before = (second.at - timedelta(microseconds=1)).isoformat()
    assert recall.standing(visited, just_before).told()["version"] == 1
    ledger.record(
        visited.name,
        "gate",
        "later",
        {"rule": "superiority", "given": 0.01, "level": 0.0, "promoted": False, "rows": "r"},
    )
    assert recall.standing(visited, first.at.isoformat()).level.asked == 0
    assert recall.standing(visited, None).level.asked == 1


def test_promotion_of_another_shape_is_a_ledger_that_may_not_be_believed(visited):
    visited.ledger().promote(visited.name, 2, {"by": "somebody", "reason": "hashes fit"}, expected_epoch=1)
    with pytest.raises(IntegrityError, match="INT005"):
        recall.standing(visited, None)


@pytest.mark.parametrize(("at", "code"), [("2020-01-01", "STA005"), ("soon", "STA009"), ("2999-01-01", "STA009")])
def test_standing_before_the_first_and_in_the_future_is_refused(visited, at, code):
    with pytest.raises(ConfigError) as caught:
        recall.standing(visited, at)
    assert caught.value.code == code


@pytest.mark.parametrize("at", [None, "2020-01-01"])
def test_standing_without_any_champion_says_how_to_get_one(fresh, at):
    with pytest.raises(ConfigError) as caught:
        recall.standing(fresh, at)
    assert caught.value.code == "STA001"


def test_events_are_decisions_unless_everything_is_asked_for(visited):
    assert [(event.kind, event.version) for event in recall.events(visited, everything=False)] == [("promotion", 1)]
    kinds = {event.kind for event in recall.events(visited, everything=True)}
    assert {"start", "gate", "promotion", "judgement", "analysis"} <= kinds


def test_why_walks_from_a_real_champion(visited):
    (cause,) = recall.why(visited, "champion")
    assert cause.what == "version 1 became champion, promoted by gate"
    assert [inner.kind for inner in cause.because] == ["gate", "training"]
    assert cause.because[1].what == "the training was asked for: first training"


def test_difference_of_a_proven_and_an_unproven_version(visited):
    remembered.unprove(visited)
    proof = recall.proof_of(recall.facts_of(visited, "1"), visited.workspace)
    found = recall.difference(visited, "2", "1")
    assert (found.versions, found.params) == ((2, 1), None)
    report = proof.candidate.report
    assert found.metrics["roc_auc"].intervals == (None, report.intervals["roc_auc"])
    assert found.data.rows == (None, proof.candidate.raw.rows)
    same = recall.difference(visited, "1", "v1")
    assert (same.params, same.notes, same.code.packages) == ({}, (), {})


def test_proof_that_was_changed_is_not_read(visited):
    remembered.prove(visited)
    facts = champion_facts(visited.ledger(), visited.name)
    path = visited.workspace.path(facts.proof.uri) / PROOF
    path.write_bytes(path.read_bytes().replace(b'"seed":7', b'"seed":8'))
    with pytest.raises(IntegrityError):
        recall.difference(visited, "1", "2")


@pytest.mark.parametrize("asked", ["9", "x", ""])
def test_version_that_is_not_registered_is_refused(visited, asked):
    with pytest.raises(ConfigError) as caught:
        recall.facts_of(visited, asked)
    assert caught.value.code == "STA006"


def test_lineage_leads_from_the_champion_to_its_file_and_back(visited):
    proof = remembered.prove(visited)
    file = visited.settings.project / "visits.csv"
    found = recall.line_of(visited, "champion").version
    assert (found.version, found.parent, found.items) == (2, 1, {"visits.csv": file_digest(file)})
    assert (found.train, found.gate_rows) == (proof.candidate.train.sha256, proof.candidate.test.sha256)
    assert len(found.datasets) == 1
    for asked in (str(file), "visits.csv", file_digest(file)[:12], found.datasets[0][:12]):
        (made,) = recall.line_of(visited, asked).made
        assert (made.versions, made.champions) == ((1, 2), (1, 2)), asked
    assert recall.line_of(visited, "v1").version.version == 1


def test_lineage_of_a_commit_is_read_from_the_proofs(visited):
    from evergreen.record.plan.commits import Commit

    remembered.prove(visited, commit=Commit(sha="ab" * 20))
    (made,) = recall.line_of(visited, "abababab").made
    assert (made.kind, made.versions) == ("commit", (2,))


def test_lineage_of_what_nobody_knows_is_refused(visited, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    for asked in ("9", "nothing.csv", "0" * 12, str(other)):
        with pytest.raises(ConfigError) as caught:
            recall.line_of(visited, asked)
        assert caught.value.code == "STA006"
