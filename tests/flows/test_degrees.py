"""Degrees of automation of a real, small champion: begun by a training, earned by labels, and taken away at once."""

import os
import time
from datetime import UTC, datetime, timedelta

import direct
import numpy as np
import pytest
from direct import Direct

from evergreen.base.errors import ConfigError, GateRefused
from evergreen.project import Project
from evergreen.record import degree
from evergreen.record.outcomes import champion_facts
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Logged, columns_of
from evergreen.record.registry.people import Person
from flows import degrees
from flows.training import train_and_judge

POLICY = "decision: {degree: %s, error: 0.2, audit: 0.2, rows: 60, days: 5}\n"
ADA = Person(by="ada", reason="it went well")


def declare(project, highest="auto", policy=POLICY):
    path = project.settings.project / "configs" / "visits" / "contract.yaml"
    path.write_text(direct.CONTRACT + policy % highest)
    return Project.open()


@pytest.fixture
def trained(fresh):
    """A project whose training began under a policy."""
    project = declare(fresh)
    train_and_judge(project, reason="why", do=Direct())
    return project


@pytest.fixture
def log(trained):
    log = PredictionLog(trained.settings.predictions)
    yield log
    log.close()


def answer(project, log, rules, *, wrong=0.05, people=None, labelled=1.0, seed=7):
    """Log a row for each rule, over ten days, with a label for those that people saw, or a share of these."""
    facts, columns = champion_facts(project.ledger(), "visits"), columns_of(project.contract)
    rng, now = np.random.default_rng(seed), time.time_ns() // 1_000
    ids, rows, said = log.new_ids(len(rules)), [], []
    for at, (name, rule) in enumerate(zip(ids, rules, strict=True)):
        event = now - int(timedelta(days=3 + at % 10).total_seconds() * 1e6)
        is_sure = rule not in ("unsure",)
        truth = bool(rng.random() < 0.5)
        label = truth ^ bool(rng.random() < (wrong if is_sure else 0.4))
        likely = 0.999 if is_sure else 0.55
        rows.append(
            Logged(
                name, now, "visits", facts.version, facts.artifact.sha256, (event, 1.0, 1.0), (at,),
                event_us=event, label=label, probability=likely if label else 1 - likely,
                decision=("positive" if label else "negative") if rule == "threshold" else "referred", rule=rule,
            )
        )  # fmt: skip
        if rule != "threshold" and rng.random() < labelled:
            said.append(Feedback(os.urandom(16).hex(), now, "label", prediction_id=name, label=truth))
            if people is not None:
                decision = str(truth ^ bool(rng.random() < people)).lower()
                said.append(Feedback(os.urandom(16).hex(), now, "decision", prediction_id=name, decision=decision))
    log.append(columns, rows)
    log.append_feedback(columns, said)


def test_first_training_under_a_policy_begins_with_shadow_and_has_its_threshold_before_it_is_champion(trained):
    entries = trained.ledger().entries("visits", "degree", "promotion")
    assert [entry.kind for entry in entries] == ["degree", "promotion"]
    facts, automation = champion_facts(trained.ledger(), "visits"), degree.standing(trained.ledger(), "visits")
    assert (automation.degree, automation.error, automation.audit) == ("shadow", 0.2, 0.2)
    least = automation.sure_from[facts.artifact.sha256]
    assert 0.5 <= least < 1
    told = entries[0].payload["sure"]
    assert told["at_most"] <= 0.2
    assert told["wrong"] < told["at_most"]
    assert told["unit"] == "day"
    assert entries[0].payload["reason"] == "version 1 was registered"


def test_model_and_recipe_are_the_same_whatever_the_policy_says(fresh, trained):
    assert fresh.recipe == trained.recipe
    assert fresh.contract == trained.contract
    assert "decision" not in trained.contract.model_dump()
    before = champion_facts(trained.ledger(), "visits")
    train_and_judge(declare(trained, "shadow"), reason="again", do=Direct())
    assert champion_facts(trained.ledger(), "visits").artifact == before.artifact


def test_without_a_policy_nothing_is_kept_and_the_model_answers(fresh):
    train_and_judge(fresh, reason="why", do=Direct())
    assert degree.standing(fresh.ledger(), "visits") is None
    found = degrees.standing(fresh)
    assert (found.degree, found.highest, found.bar) == (None, None, None)
    with pytest.raises(ConfigError, match="says nothing of who decides"):
        degrees.lift(fresh, ADA)


def test_every_degree_is_earned_and_what_was_seen_is_kept(trained, log):
    with pytest.raises(GateRefused, match="0 labels of 0 days are known; 60 of 5 are needed") as caught:
        degrees.lift(trained, ADA)
    assert (caught.value.code, caught.value.exit_code) == ("DEG001", 4)

    answer(trained, log, ["shadow"] * 200)
    assert degrees.lift(trained, ADA).degree == "assist"

    answer(trained, log, ["assist"] * 200)
    found = degrees.standing(trained)
    assert (found.n_rows, found.decided, found.bar.degree, found.bar.met) == (200, {"assist": 200}, "partial", True)
    assert degrees.lift(trained, ADA).degree == "partial"

    answer(trained, log, ["threshold"] * 400 + ["audit:0.2"] * 100 + ["unsure"] * 20)
    found = degrees.standing(trained)
    assert found.decided == {"audit": 100, "automatic": 400, "unsure": 20}
    assert found.partial.referred == pytest.approx(20 / 520)
    assert found.partial.automatic.n_labels == 100
    assert found.partial.plain > found.partial.automatic.loss
    assert degrees.lift(trained, ADA).degree == "auto"

    told = [entry.payload for entry in trained.ledger().entries("visits", "degree")]
    assert [each["automation"]["degree"] for each in told] == ["shadow", "assist", "partial", "auto"]
    assert "200 labels of 10 days" in told[2]["evidence"]
    assert told[2]["by"] == "ada"
    with pytest.raises(ConfigError, match="allows auto at most"):
        degrees.lift(trained, ADA)


def test_bar_that_is_missed_is_recorded_and_the_next_look_may_err_less(trained, log):
    answer(trained, log, ["shadow"] * 200)
    degrees.lift(trained, ADA)
    answer(trained, log, ["assist"] * 200, wrong=0.19)
    ends = []
    for n in (1, 2, 3):
        with pytest.raises(GateRefused, match=r"at most 0\.2 may be"):
            degrees.lift(trained, ADA)
        assert len(trained.ledger().entries("visits", degrees.ASKED)) == n
        found = degrees.standing(trained)
        assert (found.degree, found.missed, found.bar.met) == ("assist", n, False)
        ends.append(float(found.bar.evidence.partition("at most ")[2].partition(";")[0]))
    assert ends == sorted(ends)


def test_labels_of_a_part_of_the_rows_are_no_evidence(trained, log):
    answer(trained, log, ["shadow"] * 200)
    degrees.lift(trained, ADA)
    answer(trained, log, ["assist"] * 300, labelled=0.6)
    with pytest.raises(GateRefused, match="labels of the answers that would be automatic are known"):
        degrees.lift(trained, ADA)


def test_model_that_is_shown_to_be_worse_than_people_is_not_shown_to_them(trained, log):
    answer(trained, log, ["shadow"] * 400, wrong=0.25, people=0.05)
    with pytest.raises(GateRefused, match="worse than they are"):
        degrees.lift(trained, ADA)


def test_model_that_is_no_worse_than_people_is(trained, log):
    answer(trained, log, ["shadow"] * 400, wrong=0.05, people=0.05)
    assert "people were wrong in" in degrees.standing(trained).bar.evidence
    assert degrees.lift(trained, ADA).degree == "assist"


def test_lowering_needs_no_evidence_and_going_up_again_does(trained):
    assert degrees.lower(trained, "human", ADA).degree == "human"
    with pytest.raises(ConfigError, match="shadow leaves less to people than human"):
        degrees.lower(trained, "shadow", ADA)
    assert degrees.lift(trained, ADA).degree == "shadow"


def test_project_that_was_served_before_it_had_a_policy_begins_where_it_says(fresh):
    train_and_judge(fresh, reason="why", do=Direct())
    project = declare(fresh, "partial")
    with pytest.raises(ConfigError, match="the model answers every row"):
        degrees.lift(project, ADA)
    with pytest.raises(ConfigError, match="auto leaves less to people than partial"):
        degrees.lower(project, "auto", ADA)

    found = degrees.lower(project, "assist", ADA)

    assert found.degree == "assist"
    assert found.threshold is not None


def test_threshold_is_chosen_again_by_the_contract_as_it_is_now(trained):
    before = degrees.standing(trained)
    strict = declare(trained, policy=POLICY.replace("0.2,", "0.15,", 1))
    found = degrees.renew(strict, ADA)

    assert (found.degree, found.error) == ("shadow", 0.15)
    assert found.since == before.since
    assert found.threshold is None or found.threshold > before.threshold

    degrees.lower(strict, "shadow", ADA)
    with pytest.raises(ConfigError, match="allows human at most"):
        degrees.renew(declare(trained, "human"), ADA)


def test_broken_promise_leaves_every_decision_to_people_at_once(trained, log):
    assert degrees.take_away(trained, "harm") is None
    for rule in ("shadow", "assist"):
        answer(trained, log, [rule] * 200)
        degrees.lift(trained, ADA)
    assert degree.standing(trained.ledger(), "visits").degree == "partial"

    entry = degrees.take_away(trained, "0.31 of the automatic answers are wrong")

    assert degree.standing(trained.ledger(), "visits").degree == "assist"
    assert (entry.payload["by"], entry.payload["reason"]) == ("monitor", "0.31 of the automatic answers are wrong")
    assert degrees.take_away(trained, "again") is None


def test_change_that_somebody_else_makes_at_the_same_time_is_made_after_theirs(trained, monkeypatch):
    change, theirs = degree.change, []

    def raced(ledger, model, automation, *, after, because):
        if not theirs:
            theirs.append(change(ledger, model, automation.model_copy(update={"degree": "human"}), after=after,
                                 because={"by": "bob", "reason": "careful"}))  # fmt: skip
        return change(ledger, model, automation, after=after, because=because)

    monkeypatch.setattr(degree, "change", raced)
    strict = declare(trained, policy=POLICY.replace("0.2,", "0.3,", 1))
    assert degrees.renew(strict, ADA).degree == "human"
    assert degrees.standing(strict).error == 0.3


def test_rows_from_before_the_degree_and_those_not_due_are_no_evidence(trained, log):
    answer(trained, log, ["shadow"] * 50)
    columns, facts = columns_of(trained.contract), champion_facts(trained.ledger(), "visits")
    now = int(datetime.now(UTC).timestamp() * 1e6)
    (name,) = log.new_ids(1)
    log.append(columns, [Logged(name, now, "visits", 1, facts.artifact.sha256, (now, 1.0, 1.0), (1,), event_us=now,
                                label=True, probability=0.9, decision="referred", rule="shadow")])  # fmt: skip
    assert degrees.standing(trained).n_rows == 50
    degrees.lower(trained, "human", ADA)
    degrees.lift(trained, ADA)
    assert degrees.standing(trained).n_rows == 0
