"""Experiments of a project: what may begin, what a look shows, and what follows from it by itself."""

import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from exposed import another

from evergreen.adapters.packaging import building
from evergreen.base.errors import ConfigError, GateRefused, LostRace
from evergreen.decisions.experiments.design import Goal, Guard, Variant
from evergreen.decisions.rollout.traffic import drawn
from evergreen.learning.model import model as models
from evergreen.project import Project
from evergreen.record import rollouts, traffic
from evergreen.record.experiments import kept
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Logged, columns_of
from evergreen.record.registry.people import person
from flows import experiments, rollout
from flows.experiments import Asked
from tasks import mirror

ADA = person("Ada", "it looks right")
GOAL = Goal(metric="target", better="higher", effect=0.05)


@pytest.fixture
def two(visited: Project, monkeypatch) -> Project:
    """A project with a champion, version 1, and a version 2."""
    another(visited)
    monkeypatch.setattr(mirror, "follow", lambda *_, **__: None)
    monkeypatch.setattr(building, "build", lambda *_, **__: None)
    return visited


def asked(name: str = "checkout", **changed) -> Asked:
    given = {
        "name": name,
        "variants": (Variant(name="B", version=2, share=0.5),),
        "goals": (GOAL,),
        "unit": ("visit",),
        "planned": 1_000,
        "then": "rollout",
    }
    return Asked.model_validate({**given, **changed})


def standing(project: Project):
    return traffic.standing(project.ledger(), project.name)


def served(project: Project, *, n: int, lift: float, seed: int = 1) -> None:
    """Log answers to visits of two days ago, when the experiment is said to have begun, and their labels.

    The champion's own model says the probability of each; a visitor returns as it says, and `lift` more often with B.
    """
    champion, rng = project.champion(), np.random.default_rng(seed)
    model = models.load(project.workspace.path(champion.artifact.uri), champion.artifact.sha256)
    columns, log, rule = columns_of(project.contract), PredictionLog(project.settings.predictions), standing(project)
    now = int(datetime.now(UTC).timestamp() * 1e6)
    visited_at = now - 2 * 86_400_000_000
    values = np.column_stack([rng.normal(size=n), rng.normal(size=n)])
    score = model.estimate_raw([["2024-02-01T00:00:00Z", *map(float, row)] for row in values])
    rows, back = [], []
    for number, name in enumerate(log.new_ids(n)):
        arm = drawn(rule, str(number))
        features = tuple(
            visited_at if column.name == "at" else float(values[number, int(column.name == "pages")])
            for column in columns.features
        )
        rows.append(
            Logged(
                name,
                received_us=now,
                model=project.name,
                version=arm.version,
                model_digest="ab" * 32,
                features=features,
                keys=(number,),
                event_us=visited_at,
                probability=float(score[number]) if arm.name == "champion" else 0.5,
                label=bool(score[number] >= champion.threshold),
                variant=arm.name,
                propensity=arm.share,
                traffic_rule=rule.rule,
            )
        )
        returned = bool(rng.random() < score[number] + lift * (arm.name == "B"))
        back.append(Feedback(os.urandom(8).hex(), received_us=now, kind="label", prediction_id=name, label=returned))
    log.append(columns, rows)
    log.append_feedback(columns, back)
    log.close()


def refused(kind, code, *given, **named):
    with pytest.raises(kind) as caught:
        experiments.start(*given, **named)
    assert caught.value.code == code, caught.value
    return caught.value


def test_better_variant_ends_the_experiment_and_gets_a_rollout_from_nothing(two) -> None:
    experiments.start(two, asked(), ADA)
    served(two, n=3_000, lift=0.15)
    looked = experiments.follow_up(two)
    assert looked.report.last.decision.answer == "promote"
    ended = kept.require(two.ledger(), two.name, "checkout")
    assert (ended.ended.by, ended.last.variant) == ("experiment-checkout", "B")
    rule = standing(two)
    assert (rule.kind, {arm.version for arm in rule.arms}) == ("rollout", {1, 2})
    (begun,) = rollouts.rollouts(two.ledger(), two.name)
    assert (begun.begun.by, begun.begun.origin, begun.begun.version) == ("experiment-checkout", "experiment", 2)
    assert begun.begun.reason.startswith("better in target")
    assert experiments.follow_up(two) is None


def test_variant_that_is_no_better_ends_it_and_the_champion_stays(two) -> None:
    experiments.start(two, asked(), ADA)
    served(two, n=3_000, lift=-0.15)
    assert experiments.follow_up(two).report.last.decision.answer == "keep"
    assert standing(two) is None
    assert two.champion().version == 1


def test_experiment_that_cannot_tell_goes_on_and_keeps_its_look(two) -> None:
    experiments.start(two, asked(planned=50_000), ADA)
    served(two, n=400, lift=0.0)
    assert experiments.follow_up(two).report.last.decision.answer == "inconclusive"
    assert standing(two).owner == "experiment-checkout"
    assert kept.require(two.ledger(), two.name, None).last.answer == "inconclusive"


def test_one_that_saw_as_many_units_as_were_planned_ends_without_a_winner(two) -> None:
    experiments.start(two, asked(planned=150, goals=(Goal(metric="target", better="higher", effect=0.001),)), ADA)
    served(two, n=400, lift=0.0)
    decision = experiments.follow_up(two).report.last.decision
    assert (decision.answer, decision.is_over) == ("inconclusive", True)
    assert standing(two) is None


def test_without_an_agreement_a_person_ends_it(two) -> None:
    experiments.start(two, asked(then="keep"), ADA)
    served(two, n=3_000, lift=0.15)
    experiments.follow_up(two)
    assert standing(two).owner == "experiment-checkout"
    ended = experiments.stop(two, None, person("Bo", "seen enough"))
    assert (ended.ended.by, ended.last.answer, standing(two)) == ("Bo", "promote", None)
    with pytest.raises(ConfigError) as caught:
        experiments.stop(two, None, ADA)
    assert caught.value.code == "EXP005"


def test_what_the_champion_says_of_every_row_is_taken_out(two) -> None:
    experiments.start(two, asked(), ADA)
    served(two, n=3_000, lift=0.0)
    (adjusted,) = experiments.look(two).report.last.readings
    assert adjusted.correlation > 0.4
    assert adjusted.width == pytest.approx((1 - adjusted.correlation**2) ** 0.5, rel=0.01)


def test_another_champion_ends_it_and_is_not_replaced(two) -> None:
    experiments.start(two, asked(), ADA)
    served(two, n=3_000, lift=0.15)
    facts = another(two, 3)
    two.ledger().promote(two.name, 3, facts.model_dump(mode="json"), expected_epoch=1, kind="promotion")
    experiments.follow_up(two)
    ended = kept.require(two.ledger(), two.name, None).ended
    assert ended.reason.startswith("the champion changed")
    assert (standing(two), two.champion().version) == (None, 3)


def test_a_rollout_and_an_experiment_never_divide_the_traffic_at_once(two) -> None:
    rollout.begin(two, 2, plan="shadow,100", by="Ada", reason="newer")
    assert "rollout-1 divides" in str(refused(LostRace, "RACE006", two, asked(), ADA))
    assert kept.experiments(two.ledger(), two.name) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"variants": (Variant(name="B", version=9, share=0.5),)}, "STA004"),
        ({"goals": (Goal(metric="absolute error", better="lower", effect=1),)}, "EXP002"),
        ({"guards": (Guard(metric="absolute error", better="lower", margin=1),)}, "EXP002"),
        ({"unit": ("returned",)}, "EXP002"),
        ({"unit": ("nobody",)}, "EXP002"),
    ],
)
def test_what_cannot_be_measured_does_not_begin(two, changed, code) -> None:
    refused(ConfigError, code, two, asked(**changed), ADA)
    assert standing(two) is None


def test_version_that_the_gate_refused_does_not_meet_customers(two) -> None:
    ledger, facts = two.ledger(), another(two, 4)
    judged = facts.judged.model_copy(update={"verdict": "refused", "version": None, "promoted_at": None})
    ledger.record(
        two.name, "version", "5", facts.model_copy(update={"version": 5, "candidate": "c5"}).model_dump(mode="json")
    )
    ledger.record(two.name, "judgement", "c5", judged.model_dump(mode="json"))
    refused(GateRefused, "GATE005", two, asked(variants=(Variant(name="B", version=5, share=0.5),)), ADA)


def test_without_an_experiment_a_look_costs_nothing(two, monkeypatch) -> None:
    monkeypatch.setattr(models, "load", lambda *_: pytest.fail("the model was read"))
    assert experiments.follow_up(two) is None


def test_look_back_knows_what_was_known_then(two) -> None:
    begun = experiments.start(two, asked(), ADA)
    served(two, n=500, lift=0.0)
    then = experiments.look(two, as_of=begun.begun - timedelta(minutes=1))
    assert then.report.rows == 0
    assert experiments.look(two, points=5).report.rows == 500
