"""What follows the gate, with real steps on a small table: proof, registration, and who is champion then."""

import io

import pandas as pd
import pytest
from direct import PACKAGED, Direct
from exposed import alone

from evergreen.base.errors import LostRace
from evergreen.decisions.gate import decision as gate
from evergreen.learning.model import model as models
from evergreen.project import Project
from evergreen.record import rollouts
from evergreen.record.outcomes import champion_facts, version_facts
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.case import verdict_of
from flows import settlement
from flows.training import train_and_judge
from tasks.evaluate import evaluate
from tasks.promote import promote


def test_version_is_recorded_when_it_is_registered_and_packaged_and_promoted_after_that(fresh):
    recorded = []

    def registered(*_, **__):
        recorded.append(len(fresh.ledger().entries("visits", "version")))
        return 1

    def packaged(*_, **__):
        recorded.append(len(fresh.ledger().entries("visits", "version")))
        return PACKAGED

    def promoted(facts, **given):
        (entry,) = fresh.ledger().entries("visits", "version")
        assert (entry.key, entry.payload["bento"]) == ("1", "visits:1")
        assert fresh.ledger().champion("visits") is None
        return promote.fn(facts, **given)

    train_and_judge(fresh, reason="why", do=Direct(register=registered, package=packaged, promote=promoted))
    assert recorded == [0, 0]
    (entry,) = fresh.ledger().entries("visits", "promotion")
    assert (entry.payload["by"], entry.payload["reason"]) == (
        "gate",
        champion_facts(fresh.ledger(), "visits").judged.reason,
    )


def test_training_whose_lease_was_taken_over_promotes_nothing(fresh):
    def late(facts, *, fence, **given):
        name, epoch = fence
        return promote.fn(facts, fence=(name, epoch - 1), **given)

    with pytest.raises(LostRace) as caught:
        train_and_judge(fresh, reason="why", do=Direct(promote=late))
    assert caught.value.code == "RACE003"
    assert fresh.ledger().champion("visits") is None


@pytest.mark.parametrize("asked", [None, 0.25])
def test_threshold_of_the_report_is_packaged_and_promoted(asked, fresh, monkeypatch):
    seen = []

    def evaluated(*given, **named):
        made = evaluate.fn(*given, **named)
        seen.append(made.report.threshold)
        return made

    def packaged(*_, threshold, **__):
        seen.append(threshold)
        return PACKAGED

    project = fresh if asked is None else Project.open(overrides=[f"evaluate.threshold={asked}"])
    train_and_judge(project, reason="because", do=Direct(evaluate=evaluated, package=packaged))

    assert seen == [champion_facts(fresh.ledger(), "visits").threshold] * 2
    assert (seen[0] == 0.25) == (asked == 0.25)


def test_simpler_model_ships_whole_where_it_is_the_one_that_passed(fresh, monkeypatch):
    decide = gate.decide

    def simpler(question, field, **about):
        assert [contender.artifact for contender in field] == ["model"]  # the prior is no contender
        return decide(question, field, **about).model_copy(update={"artifact": "baseline"})

    monkeypatch.setattr(gate, "decide", simpler)
    packaged = []
    do = Direct(package=lambda model, *, threshold, **_: packaged.append((model.sha256, threshold)) or PACKAGED)
    outcome = train_and_judge(fresh, reason="because", do=do)

    facts = champion_facts(fresh.ledger(), "visits")
    assert facts.artifact.sha256 == outcome.model_digest == packaged[0][0]
    assert outcome.metrics["roc_auc"] == 0.5  # of the prior, which is this table's simpler family
    assert facts.threshold == packaged[0][1]


def test_refitted_sibling_ships_and_says_which_model_was_judged(fresh):
    project = Project.open(overrides=["train.refit=true"])
    do = Direct()
    outcome = train_and_judge(project, reason="because", do=do)

    facts = champion_facts(project.ledger(), "visits")
    assert do.names.index("refit") < do.names.index("track")
    assert facts.as_judged.sha256 == facts.measured.sha256 == outcome.refit_of
    assert facts.artifact.sha256 == outcome.model_digest != outcome.refit_of
    sibling = models.load(project.workspace.path(facts.artifact.uri), facts.artifact.sha256)
    assert sibling.manifest["refit_of"] == outcome.refit_of
    assert sibling.manifest["rows"] > facts.train.rows


def test_candidate_that_lost_the_race_is_not_promoted_and_not_judged(visited):
    def overtaken(facts, *, expected_epoch, settings, fence, direct):
        ledger = visited.ledger()
        assert expected_epoch == 1
        ledger.promote("visits", 9, facts.model_dump(mode="json"), expected_epoch=expected_epoch)
        return promote.fn(facts, expected_epoch=expected_epoch, settings=settings, fence=fence, direct=direct)

    do = Direct(register=lambda *_, **__: 2, promote=overtaken)
    with pytest.raises(LostRace):
        train_and_judge(Project.open(overrides=["seed=8", "gate.rule=refresh"]), reason="late", do=do)
    assert visited.ledger().champion("visits").version == 9
    assert len(visited.ledger().entries("visits", "judgement")) == 1
    registered = version_facts(visited.ledger(), "visits", 2)  # and can be proposed to a person still
    assert (registered.version, registered.judged.verdict, registered.judged.promoted_at) == (2, "proposed", None)
    with visited.ledger().lease("training:visits"):
        """The lease was given back."""


@pytest.mark.parametrize("overrides", [[], ["train.refit=true"]], ids=["as judged", "fitted again"])
def test_version_knows_the_proof_of_what_the_gate_was_asked(overrides, fresh):
    project = Project.open(overrides=overrides)
    outcome = train_and_judge(project, reason="because", do=Direct())

    facts = champion_facts(project.ledger(), "visits")
    proof, files = proofs.read(project.workspace.path(facts.proof.uri), facts.proof.sha256)
    table = pd.read_parquet(io.BytesIO(files["rows.parquet"]))
    assert verdict_of(proof, table) == proof.verdict
    assert (proof.candidate.key, proof.run_id) == (facts.candidate, facts.run_id)
    assert proof.candidate.model.sha256 == facts.measured.sha256
    assert proof.verdict.checks == outcome.checks
    assert facts.author is proof.author is None  # it lies in no checkout


def test_training_that_was_killed_after_its_proof_ends_when_it_runs_again(fresh):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_and_judge(fresh, reason="because", do=Direct(register=killed))
    outcome = train_and_judge(fresh, reason="because", do=Direct())

    facts = champion_facts(fresh.ledger(), "visits")
    proof, _ = proofs.read(fresh.workspace.path(facts.proof.uri), facts.proof.sha256)
    assert (outcome.version, outcome.uses, proof.verdict.uses) == (1, 1, 1)
    assert len(list(fresh.workspace.root.glob("proof-*"))) == 2  # asked at another time


UNCLEAR = ("ingest.end='2024-03-08'", "gate.when_unclear=keep", "gate.champion_margin=0.0001")


@pytest.mark.parametrize("unclear", ["refuse", "shadow"])
def test_candidate_that_the_gate_cannot_tell_is_refused_or_tried_in_a_shadow(unclear, visited, monkeypatch):
    alone(monkeypatch)
    asked = Project.open(overrides=[*UNCLEAR, f"rollout.unclear={unclear}"])
    outcome = train_and_judge(asked, reason="newer rows", do=Direct(register=lambda *_, **__: 2))
    assert outcome.gate == "INCONCLUSIVE"
    found = rollouts.under_way(visited.ledger(), "visits")
    if unclear == "refuse":
        assert (outcome.verdict, outcome.version, found) == ("refused", None, None)
        return
    assert (outcome.verdict, outcome.version, outcome.rollout) == ("proposed", 2, "rollout-1")
    assert (found.begun.origin, found.step.name, found.begun.version) == ("unclear", "shadow", 2)
    assert found.begun.better is (outcome.rule == "superiority")
    assert visited.ledger().champion("visits").version == 1


def test_shadow_of_a_training_that_was_killed_after_it_began_goes_on(visited, monkeypatch):
    alone(monkeypatch)
    asked = Project.open(overrides=[*UNCLEAR, "rollout.unclear=shadow"])
    begin = settlement.rollout.begin

    def begin_and_die(*given, **named):
        begin(*given, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(settlement.rollout, "begin", begin_and_die)
    with pytest.raises(KeyboardInterrupt):
        train_and_judge(asked, reason="newer rows", do=Direct(register=lambda *_, **__: 2))
    outcome = train_and_judge(asked, reason="newer rows", do=Direct(register=lambda *_, **__: 2))
    assert (outcome.verdict, outcome.version, outcome.rollout) == ("proposed", 2, "rollout-1")
    assert len(rollouts.rollouts(visited.ledger(), "visits")) == 1
