"""The training flow, with its real steps on a small table: what is judged, in which order, and only once."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest
from direct import PACKAGED, Direct

from evergreen.base.errors import LostRace
from evergreen.decisions.gate import decision as gate
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.verdict import Verdict
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts, former_facts, gates_asked
from evergreen.record.plan.steps import STEPS
from evergreen.record.registry import proof as proofs
from flows.training import find_judged, train_and_judge

REFUSED = Verdict(verdict="FAIL", promote=False, checks=(Check(name="floor", outcome="failed", text="too low"),))


def test_first_training_makes_a_champion_with_the_facts_of_its_candidate(fresh):
    do = Direct()
    outcome = train_and_judge(fresh, reason="because", do=do)

    assert (outcome.verdict, outcome.version, outcome.analysis) == ("promoted", 1, "attached")
    assert do.names == [
        *STEPS,
        "compare",
        "analyse",
        "track",
        "prove",
        "register",
        "package",
        "reference",
        "describe",
        "promote",
        "mirror",
        "attach",
    ]
    assert outcome.reason.startswith("because: ")
    assert {check.name: check.outcome for check in outcome.checks}["champion"] == "not applicable"
    facts = champion_facts(fresh.ledger(), "visits")
    assert (facts.version, facts.run_id, facts.bento, facts.package) == (1, "run", "visits:1", PACKAGED.digest)
    assert facts.data_end == date(2024, 3, 1)
    assert facts.judged.metrics == outcome.metrics
    assert facts.artifact.sha256 == outcome.model_digest
    assert fresh.ledger().find("visits", "analysis", facts.candidate).payload == {"model_digest": outcome.model_digest}


def test_training_says_once_what_nobody_has_said_of_the_model(fresh, caplog):
    fresh.card_file.write_text("owner: the visitors' team\nlicence: MIT\nusers: [hosts]\n")
    train_and_judge(fresh, reason="because", do=Direct())
    (said,) = [record for record in caplog.records if record.getMessage().startswith("card:")]
    assert said.levelname == "WARNING"
    assert said.getMessage().endswith("does not say: intended_use, out_of_scope, limitations, ethics")
    facts = champion_facts(fresh.ledger(), "visits")
    proof, _ = proofs.read(fresh.workspace.path(facts.proof.uri), facts.proof.sha256)
    assert proof.card == fresh.card
    assert proof.card.users == ("hosts",)


def test_same_training_again_is_not_judged_again(visited):
    before = champion_facts(visited.ledger(), "visits")
    do = Direct()
    outcome = train_and_judge(visited, reason="another reason", do=do)

    assert do.names == [*STEPS, "mirror"]  # and neither analysed nor tracked
    assert (outcome.version, outcome.reason) == (1, before.judged.reason)
    assert len(visited.ledger().entries("visits", "promotion")) == 1


def test_refused_candidate_is_recorded_and_leaves_the_champion(visited, monkeypatch):
    monkeypatch.setattr(gate, "decide", refusing(gate.decide))
    other = visited.until(date(2024, 2, 25))
    do = Direct()
    outcome = train_and_judge(other, reason="weaker", do=do)

    assert (outcome.verdict, outcome.version, outcome.promoted_at, outcome.analysis) == ("refused", None, None, None)
    assert not {"prove", "register", "package", "promote", "analyse", "attach"} & set(do.names)
    assert {"compare", "track", "mirror"} <= set(do.names)
    assert champion_facts(visited.ledger(), "visits").version == 1
    assert [entry.payload["verdict"] for entry in visited.ledger().entries("visits", "judgement")] == [
        "promoted",
        "refused",
    ]


def refusing(decide):
    def refused(question, field, **about):
        assert question.champion is not None
        policy = question.policy.model_copy(update={"floor": 1.1})
        return decide(replace(question, policy=policy), field, **about)

    return refused


def test_gate_that_was_asked_is_kept_once_and_counts_for_the_next(visited):
    (first,) = gates_asked(visited.ledger(), "visits")
    assert (first.rule, first.level, first.promoted) == ("first", 0.0, True)
    assert first.rows == visited.ledger().entries("visits", "gate")[0].payload["rows"]

    train_and_judge(visited, reason="again", do=Direct())
    outcome = train_and_judge(Project.open(overrides=["seed=8"]), reason="an idea", do=Direct())

    asked = gates_asked(visited.ledger(), "visits")
    assert [one.rule for one in asked] == ["first", "superiority"]
    assert (outcome.rule, outcome.verdict, outcome.level.asked) == ("superiority", "refused", 0)
    assert outcome.uses == 2  # of the same gate rows
    (candidate,) = outcome.candidates
    assert (candidate.family, candidate.asked, candidate.verdict) == ("logistic", 1, outcome.gate)


@pytest.mark.parametrize(
    ("overrides", "given", "rule"),
    [
        (["ingest.end='2024-03-08'"], None, "refresh"),  # newer rows and nothing else
        (["ingest.end='2024-03-08'", "seed=8"], None, "superiority"),
        (["ingest.end='2024-03-08'", "seed=8"], "refresh", "refresh"),  # a scheduled retraining
        (["seed=8"], None, "superiority"),
        (["ingest.end='2024-03-08'", "gate.rule=superiority"], "refresh", "superiority"),
    ],
)
def test_rule_follows_from_what_is_new_unless_it_is_told(overrides, given, rule, visited):
    outcome = train_and_judge(Project.open(overrides=overrides), reason="why", rule=given, do=Direct())
    assert outcome.rule == rule


def test_person_begins_a_new_lineage_that_no_champion_before_is_held_against(visited, monkeypatch):
    asked = []
    decide = gate.decide
    monkeypatch.setattr(gate, "decide", lambda question, *a, **k: asked.append(question) or decide(question, *a, **k))
    do = Direct(register=lambda *_, **__: 2)
    outcome = train_and_judge(visited, reason="other delays", new_lineage=True, do=do)

    assert (outcome.version, outcome.rule) == (2, "first")
    assert (asked[0].champion, asked[0].former) == (None, ())
    (entry,) = visited.ledger().entries("visits", "lineage")
    assert entry.payload == {"reason": "other delays"}
    assert former_facts(visited.ledger(), "visits", at_most=3) == ()
    assert visited.ledger().champion("visits").version == 2


def test_second_training_of_a_model_at_the_same_time_is_refused_before_any_step(visited):
    do = Direct()
    with visited.ledger().lease("training:visits"), pytest.raises(LostRace):
        train_and_judge(visited, reason="impatient", do=do)
    assert do.names == []


def test_candidate_promoted_before_a_kill_is_found_by_its_key_without_a_judgement(visited):
    ledger, facts = visited.ledger(), champion_facts(visited.ledger(), "visits")
    assert find_judged(ledger, "visits", facts.candidate) == facts.judged
    assert find_judged(ledger, "visits", "another") is None
    assert find_judged(ledger, "other", facts.candidate) is None
    forgetful = SimpleNamespace(
        find=lambda *_: None, entries=ledger.entries, champion=ledger.champion
    )  # killed between the promotion and the judgement
    assert find_judged(forgetful, "visits", facts.candidate) == facts.judged
    assert find_judged(forgetful, "visits", "another") is None


def test_version_that_is_to_be_replaced_is_not_analysed(fresh):
    do = Direct()
    outcome = train_and_judge(fresh, reason="on the way", stays=False, do=do)
    assert (outcome.version, outcome.analysis) == (1, None)
    assert "analyse" not in do.names
    assert not fresh.ledger().entries("visits", "analysis")


def test_champion_with_another_threshold_is_a_refresh_of_itself_and_spends_nothing(visited):
    project = Project.open(overrides=["evaluate.threshold=0.3"])
    outcome = train_and_judge(project, reason="fewer misses", do=Direct(register=lambda *_, **__: 2))

    assert (outcome.rule, outcome.verdict, outcome.version, outcome.level) == ("refresh", "promoted", 2, None)
    assert champion_facts(visited.ledger(), "visits").threshold == 0.3
    assert former_facts(visited.ledger(), "visits", at_most=3) == ()  # it is the same model


def test_refused_lineage_leaves_the_guard_against_creep_as_it_was(visited, monkeypatch):
    monkeypatch.setattr(gate, "decide", lambda *_, **__: REFUSED)
    outcome = train_and_judge(visited, reason="other delays", new_lineage=True, do=Direct())

    assert outcome.verdict == "refused"
    assert not visited.ledger().entries("visits", "lineage")
