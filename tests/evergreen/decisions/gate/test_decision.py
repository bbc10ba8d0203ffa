"""The gate: a candidate passes only if no check refuses it, and a number that is not finite never passes."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from gates import (
    POLICY,
    World,
    asked,
    classes,
    contender,
    numbers,
    prior,
    question,
    rival,
    said,
    shift,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.metrics import roc_auc_score

from evergreen.base.artifacts.refs import FolderRef
from evergreen.decisions.gate import decision as gate
from evergreen.decisions.gate.campaign import MOST_USES, WHOLE
from evergreen.decisions.gate.evidence import GateError, GateRows
from evergreen.learning.evaluation import Report
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

NAN, INF = math.nan, math.inf
WORLD = World(4_000)
NAMES = (
    "floor", "prior", "baseline", "champion", "former champion", "proper score", "bias", "slices", "train gap",
    "suspicion", "size", "latency",
)  # fmt: skip


def drawn(*aucs, world=WORLD, seed=1):
    rows, models = world.draw(np.random.default_rng(seed), *aucs)
    return rows, *models


def measured(rows, estimates, **changed):
    """Return a candidate with the metric that it has on the gate rows."""
    return contender(estimates, auc=float(roc_auc_score(rows.labels, estimates.values)), **changed)


def simpler(rows, estimates, **changed):
    return measured(rows, estimates, artifact="baseline", family="logistic", **changed)


def outcomes(verdict):
    return {check.name: check.outcome for check in verdict.checks}


def report():
    return Report(
        family="lightgbm",
        baseline_family="logistic",
        candidate={"roc_auc": 0.75},
        baseline={"roc_auc": 0.7},
        train={"roc_auc": 0.9},
        n_train=1_000,
        n_test=200,
    )


def test_first_model_passes_with_every_check_in_its_place():
    rows, ours, linear = drawn(0.75, 0.68)

    verdict = gate.decide(question(rows, None), [measured(rows, ours), simpler(rows, linear)])

    assert (verdict.verdict, verdict.promote, verdict.artifact, verdict.rule) == ("PASS", True, "model", "first")
    assert tuple(outcomes(verdict)) == NAMES
    assert [check.code for check in verdict.checks] == [f"GT{number:03}" for number in range(1, 13)]
    assert outcomes(verdict)["champion"] == "not applicable"
    assert (verdict.sees, verdict.level) == (None, None)


@pytest.mark.parametrize("auc", [NAN, INF, -INF, 0.4999])
def test_metric_below_the_floor_or_no_number_is_refused(auc):
    rows, ours = drawn(0.75)

    verdict = gate.decide(question(rows, None), [contender(ours, auc=auc)])

    assert (verdict.verdict, verdict.promote) == ("FAIL", False)
    assert outcomes(verdict)["floor"] == "failed"


def test_metric_that_was_left_out_of_the_report_never_passes():
    rows, ours = drawn(0.75)

    verdict = gate.decide(question(rows, None), [contender(ours, metrics={"log_loss": 0.1})])

    assert not verdict.promote
    assert outcomes(verdict)["floor"] == "failed"


def test_metric_of_the_gate_is_the_only_one_that_counts():
    rows, ours = drawn(0.75)

    assert gate.decide(question(rows, None), [contender(ours, metrics={"roc_auc": 0.75, "log_loss": NAN})]).promote


def test_gate_keeps_champion_when_gain_is_within_noise():
    rows, ours, theirs = drawn(0.7, 0.7)

    verdict = gate.decide(question(rows, theirs, rule="superiority"), [measured(rows, ours)])

    assert not verdict.promote
    assert verdict.verdict in ("FAIL", "INCONCLUSIVE")
    assert "shown" in verdict.reason


@pytest.mark.parametrize("rule", ["refresh", "superiority"])
def test_better_candidate_passes_and_the_same_two_swapped_fail(rule):
    rows, better, worse = drawn(0.76, 0.70)

    there = gate.decide(question(rows, worse, rule=rule), [measured(rows, better)])
    back = gate.decide(question(rows, better, rule=rule), [measured(rows, worse)])

    assert (there.verdict, there.promote) == ("PASS", True)
    assert (back.verdict, back.promote) == ("FAIL", False)


@pytest.mark.parametrize(("policy", "promote"), [("newer", True), ("keep", False)])
def test_refresh_that_the_rows_leave_open_does_what_the_policy_says(policy, promote):
    rows, ours, theirs = drawn(0.69, 0.7, world=World(300), seed=3)
    unclear = POLICY.model_copy(update={"when_unclear": policy})

    verdict = gate.decide(question(rows, theirs, policy=unclear), [measured(rows, ours)])

    assert (verdict.verdict, verdict.promote) == ("INCONCLUSIVE", promote)
    assert verdict.reason.endswith("gate.when_unclear takes the newer model") == promote
    assert "against version 4" in verdict.reason


def test_superiority_that_the_rows_leave_open_keeps_the_champion_whatever_the_policy():
    rows, ours, theirs = drawn(0.71, 0.7, world=World(300), seed=3)
    newer = POLICY.model_copy(update={"when_unclear": "newer"})

    verdict = gate.decide(question(rows, theirs, rule="superiority", policy=newer), [measured(rows, ours)])

    assert (verdict.verdict, verdict.promote) == ("INCONCLUSIVE", False)


def test_refusal_says_each_check_that_failed():
    rows, ours, theirs = drawn(0.55, 0.75)
    policy = POLICY.model_copy(update={"floor": 0.6, "max_megabytes": 20.0})

    verdict = gate.decide(question(rows, theirs, policy=policy), [measured(rows, ours, megabytes=21.0)])

    floor, champion, *_, size = verdict.reason.split("; ")
    assert floor.endswith("against a floor of 0.6")
    assert champion.endswith("against version 4: shown to be worse by more than 0.01")
    assert size == "21 MB against a limit of 20 MB"


def test_promotion_says_the_checks_that_passed_and_not_those_that_did_not_apply():
    rows, ours, linear = drawn(0.75, 0.68)

    reasons = gate.decide(question(rows, None), [measured(rows, ours), simpler(rows, linear)]).reason.split("; ")

    assert [reason.split(" against ")[1][:9] for reason in reasons] == ["a floor o", "the prior", "the basel"]


def test_comparison_that_is_not_valid_is_refused_with_its_reason():
    rows, ours = drawn(0.75)
    seen = rival(None, why_not="it has seen data until 2013-05-01")

    verdict = gate.decide(replace(question(rows, None), rule="refresh", champion=seen), [measured(rows, ours)])

    assert (verdict.verdict, verdict.promote) == ("FAIL", False)
    assert verdict.reason == "cannot be compared with version 4: it has seen data until 2013-05-01"
    assert verdict.sees is None


@given(st.sampled_from([NAN, INF, -INF, 0.3, 0.7]), st.sampled_from([NAN, INF, 0.0, 0.5]), st.integers(0, 199))
def test_gate_never_promotes_what_a_check_did_not_pass(auc, value, at):
    rows, ours, theirs = drawn(0.75, 0.7, world=World(200))
    values = ours.values.copy()
    values[at] = value

    verdict = gate.decide(question(rows, theirs), [contender(Estimates("binary", values), auc=auc)])

    failed = "failed" in outcomes(verdict).values()
    assert verdict.promote == (not failed)  # a refresh: what is left open is taken
    assert failed == (not math.isfinite(value) or auc != 0.7)
    assert verdict.verdict == "FAIL" or not failed


def test_verdict_survives_json():
    rows, ours, linear, theirs = drawn(0.75, 0.68, 0.7)

    asked_now = question(rows, theirs, rule="superiority", history=asked(3))
    verdict = gate.decide(asked_now, [measured(rows, ours), simpler(rows, linear)])

    assert verdict.level is not None
    assert verdict.sees is not None
    assert gate.Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_verdict_with_numbers_that_are_not_finite_can_be_read_again():
    rows, ours, theirs = drawn(0.75, 0.7, world=World(200))
    broken = Estimates("binary", ours.values * NAN)

    verdict = gate.decide(question(rows, theirs), [contender(broken, auc=NAN)])

    again = gate.Verdict.model_validate_json(verdict.model_dump_json())
    assert (again.promote, again.reason) == (False, verdict.reason)


def test_candidate_is_named_by_its_model_its_report_and_its_gate():
    key = gate.candidate_key("a" * 64, report(), POLICY)

    assert gate.candidate_key("a" * 64, report(), POLICY) == key
    assert gate.candidate_key("b" * 64, report(), POLICY) != key
    assert gate.candidate_key("a" * 64, report().model_copy(update={"n_test": 201}), POLICY) != key
    for name, value in {"floor": 0.61, "baseline_gain": 0.1, "champion_margin": 0.0, "confidence": 0.9}.items():
        assert gate.candidate_key("a" * 64, report(), POLICY.model_copy(update={name: value})) != key, name


def test_candidate_keeps_its_name_wherever_its_model_lies():
    here, there = (FolderRef(uri=uri, sha256="a" * 64) for uri in ("model-aaaa", "elsewhere/model"))

    assert gate.candidate_key(here.sha256, report(), POLICY) == gate.candidate_key(there.sha256, report(), POLICY)


# A field of candidates


def test_simplest_that_is_not_worse_on_folds_is_asked_first_and_ships():
    rows, ours, linear, theirs = drawn(0.75, 0.75, 0.70)
    field = [
        measured(rows, ours, folds={"roc_auc": (0.7, 0.8, 0.6)}),
        simpler(rows, linear, folds={"roc_auc": (0.71, 0.79, 0.61)}),
    ]

    verdict = gate.decide(question(rows, theirs), field)

    assert (verdict.verdict, verdict.artifact) == ("PASS", "baseline")
    assert [(one.family, one.asked, one.verdict, one.promote) for one in verdict.candidates] == [
        ("logistic", 1, "PASS", True),
        ("lightgbm", None, None, False),
    ]
    assert verdict.candidates[1].checks == ()


def test_next_is_asked_where_the_first_is_refused():
    rows, ours, linear, theirs = drawn(0.65, 0.76, 0.72)

    verdict = gate.decide(question(rows, theirs), [measured(rows, ours), simpler(rows, linear)])

    assert (verdict.promote, verdict.artifact) == (True, "baseline")
    assert [(one.asked, one.verdict) for one in verdict.candidates] == [(1, "FAIL"), (2, "PASS")]


def test_first_that_was_asked_answers_where_all_are_refused():
    rows, ours, linear, theirs = drawn(0.66, 0.60, 0.75)

    verdict = gate.decide(question(rows, theirs), [measured(rows, ours), simpler(rows, linear)])

    assert (verdict.verdict, verdict.promote, verdict.artifact) == ("FAIL", False, "model")
    assert verdict.checks == verdict.candidates[0].checks


def test_error_is_shared_by_all_who_may_be_asked():
    rows, ours, linear, theirs = drawn(0.75, 0.68, 0.70)
    alone = gate.decide(question(rows, theirs, rule="superiority"), [measured(rows, ours)])
    both = gate.decide(question(rows, theirs, rule="superiority"), [measured(rows, ours), simpler(rows, linear)])

    levels = [verdict.checks[NAMES.index("champion")].evidence["level"] for verdict in (alone, both)]
    assert levels == pytest.approx([0.05 / WHOLE, 0.05 / WHOLE / 2])


@pytest.mark.parametrize(
    ("loss", "low", "high"), [(0.0010, -0.016, 0.014), (0.0018, -0.056, 0.053), (0.0119, -0.046, 0.022)]
)
def test_better_candidate_is_not_refused_because_a_simpler_model_is_better_by_noise(loss, low, high):
    """March, April and November: the simpler model was ahead by so much, with such an interval of days."""
    n_days = 14
    rng = np.random.default_rng(4)
    labels, days = np.tile([1.0, -1.0], 35 * n_days), np.repeat(np.arange(n_days), 70)
    rows = GateRows(labels, Clusters("day", days, in_time=False))
    half = (high - low) / 2
    # Squared errors of the candidate are those of the simpler model and, day by day, so much more: of variance 1, so
    # that this is the difference in R² too.
    extra = rng.normal(size=n_days)
    extra = (extra - extra.mean()) / extra.std(ddof=1) * half / 1.77 * np.sqrt(n_days) + loss
    of_linear, of_champion = np.full(len(labels), 0.6), np.full(len(labels), 0.9)
    ours, linear, theirs = (
        Estimates("regression", labels + np.where(np.arange(len(labels)) // 2 % 2, 1, -1) * np.sqrt(squares))
        for squares in (of_linear + extra[days], of_linear, of_champion)
    )
    policy = POLICY.model_copy(update={"metric": "r2", "floor": 0.0})
    no_knowledge = Estimates("regression", np.zeros(len(labels)))
    field = [
        contender(ours, metrics={"r2": 0.4 - loss}),
        contender(linear, metrics={"r2": 0.4}, artifact="baseline", family="linear"),
    ]

    verdict = gate.decide(question(rows, theirs, prior=no_knowledge, policy=policy), field)

    baseline = verdict.checks[NAMES.index("baseline")]
    assert baseline.evidence["gain"] == pytest.approx(-loss)
    assert baseline.outcome == "passed"
    assert verdict.promote


def test_better_candidate_ships_in_nearly_every_world_in_which_a_simpler_model_is_as_good():
    promoted = ahead = 0
    for seed in range(60):
        rows, ours, linear, theirs = drawn(0.72, 0.72, 0.66, world=World(2_000, days=20, shock=0.1), seed=seed)
        field = [measured(rows, ours), simpler(rows, linear)]
        verdict = gate.decide(question(rows, theirs), field)
        promoted += verdict.promote
        ahead += field[1].metrics["roc_auc"] > field[0].metrics["roc_auc"]

    assert ahead > 20  # a rule that asks for a greater number refuses as many
    assert promoted == 60


# What a gate may get wrong


def test_sees_is_said_of_the_first_that_is_asked():
    rows, ours, theirs = drawn(0.7, 0.7)

    verdict = gate.decide(question(rows, theirs), [measured(rows, ours)])

    champion = verdict.checks[NAMES.index("champion")].evidence
    assert (verdict.sees.n, verdict.sees.unit, verdict.sees.se) == (4_000, "row", champion["se"])
    assert verdict.sees.alpha == pytest.approx(0.05)


def test_level_of_superiority_is_that_of_the_campaign_and_a_refresh_spends_none():
    rows, ours, theirs = drawn(0.7, 0.7)

    by_rule = {
        rule: gate.decide(question(rows, theirs, rule=rule, history=asked(9)), [measured(rows, ours)])
        for rule in ("superiority", "refresh")
    }

    assert by_rule["superiority"].level.level == pytest.approx(0.05 / WHOLE / 10)
    assert by_rule["superiority"].level.asked == 9
    assert by_rule["refresh"].level is None


def test_rows_that_chose_too_often_are_no_licence_for_a_newer_model():
    rows, ours, theirs = drawn(0.69, 0.7, world=World(300), seed=3)

    def after(n, **given):
        history = asked(n, rule="refresh", rows="rows")
        return gate.decide(question(rows, theirs, history=history, **given), [measured(rows, ours)])

    assert [after(n).uses for n in (0, 1, MOST_USES)] == [1, 2, MOST_USES + 1]
    assert after(MOST_USES - 1).promote
    assert (after(MOST_USES).verdict, after(MOST_USES).promote) == ("INCONCLUSIVE", False)


def test_level_of_a_refresh_is_shared_by_all_uses_of_its_rows():
    rows, ours, theirs = drawn(0.7, 0.7)
    history = asked(3, rule="refresh", rows="rows")

    verdict = gate.decide(question(rows, theirs, history=history), [measured(rows, ours)])

    assert verdict.checks[NAMES.index("champion")].evidence["level"] == pytest.approx(0.05 / (4 * 5))


def test_campaign_that_has_nothing_left_passes_nobody():
    rows, ours, theirs = drawn(0.8, 0.7)
    spent = asked(365, every=timedelta(hours=1))

    verdict = gate.decide(question(rows, theirs, rule="superiority", history=spent), [measured(rows, ours)])

    assert (verdict.verdict, verdict.promote, verdict.level.level) == ("INCONCLUSIVE", False, 0)
    assert verdict.checks[NAMES.index("champion")].would_change.startswith("the next campaign")


def test_promotion_gives_back_what_those_before_it_did_not_spend():
    rows, ours, linear, theirs = drawn(0.76, 0.76, 0.70)

    def returned(first, second):
        field = [measured(rows, first), simpler(rows, second)]
        return gate.decide(question(rows, theirs, rule="superiority"), field).returned

    worse = drawn(0.76, 0.60)[2]
    assert returned(ours, worse) == pytest.approx(0.05 / WHOLE)
    assert returned(worse, linear) == pytest.approx(0.05 / WHOLE / 2)
    assert returned(worse, worse) == 0
    assert gate.decide(question(rows, theirs), [measured(rows, ours)]).returned == 0


# Rows and models that are not as they should be


def test_loss_on_one_slice_refuses_a_better_mean_and_names_it():
    rows, ours, theirs = drawn(0.73, 0.70)
    inside = np.arange(4_000) % 8 == 3
    rng = np.random.default_rng(5)
    poor = said(rng.normal(size=4_000) + shift(0.52) * rows.labels, 0.52)
    mixed = Estimates("binary", np.where(inside, poor.values, ours.values))
    sliced = replace(rows, slices={f"carrier={at}": np.arange(4_000) % 8 == at for at in range(8)})

    verdict = gate.decide(question(sliced, theirs), [measured(rows, mixed)])

    assert (verdict.verdict, verdict.promote) == ("FAIL", False)
    assert verdict.reason.startswith("roc_auc of carrier=3 -")
    assert gate.decide(question(sliced, theirs), [measured(rows, ours)]).promote


def test_slices_of_a_first_model_are_held_against_the_baseline_else_the_prior():
    rows, ours, linear = drawn(0.72, 0.70)
    inside = {"half": np.arange(4_000) < 2_000}
    upside_down = Estimates("binary", np.where(inside["half"], ours.values[::-1], ours.values))
    reversed_inside = Estimates("binary", np.where(inside["half"], 0.4 - ours.values, ours.values))
    sliced = replace(rows, slices=inside)

    against_linear = gate.decide(question(sliced, None), [measured(rows, upside_down), simpler(rows, linear)])
    against_prior = gate.decide(question(sliced, None), [measured(rows, reversed_inside)])

    assert "against the baseline" in against_linear.candidates[0].checks[NAMES.index("slices")].text
    assert "against the prior" in against_prior.checks[NAMES.index("slices")].text


def test_probabilities_off_by_half_do_not_pass_on_auc_alone():
    world = World(4_000, share_true=0.13)
    rows, model, theirs = drawn(0.7, 0.7, world=world)
    off = Estimates("binary", special.expit(special.logit(model.values) + 0.75))
    assert off.values.mean() == pytest.approx(0.23, abs=0.01)

    verdict = gate.decide(question(rows, theirs, prior=prior(4_000, 0.13)), [measured(rows, off)])
    first = gate.decide(question(rows, None, prior=prior(4_000, 0.13)), [measured(rows, off)])

    assert outcomes(verdict)["champion"] != "failed"
    assert {name for name, outcome in outcomes(verdict).items() if outcome == "failed"} == {"proper score", "bias"}
    assert {name for name, outcome in outcomes(first).items() if outcome == "failed"} == {"bias"}


@pytest.mark.parametrize("rule", ["refresh", "superiority"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_scores_that_are_no_number_are_refused(rule, task):
    rng = np.random.default_rng(6)
    if task == "binary":
        rows, ours, theirs = drawn(0.75, 0.7, world=World(300))
        metric, no_knowledge = "roc_auc", prior(300)
    elif task == "multiclass":
        rows, (ours, theirs) = classes(rng, {"ash": 150, "beech": 150}, 0.8, 0.6)
        metric, no_knowledge = "balanced_accuracy", Estimates(task, np.full((300, 2), 0.5), ("ash", "beech"))
    else:
        rows, (ours, theirs) = numbers(rng, 300, 0.5, 0.7)
        metric, no_knowledge = "r2", Estimates(task, np.zeros(300))
    policy = POLICY.model_copy(update={"metric": metric, "floor": 0.0})
    values = ours.values.copy()
    values[17] = NAN
    good, broken = (
        contender(Estimates(task, said, ours.classes), metrics={metric: 0.8}) for said in (ours.values, values)
    )
    asks = question(rows, theirs, rule=rule, policy=policy, prior=no_knowledge)

    assert gate.decide(asks, [good]).promote
    verdict = gate.decide(asks, [broken])
    assert (verdict.verdict, verdict.promote) == ("FAIL", False)
    assert "no number" in verdict.reason


@pytest.mark.parametrize("label", [True, False])
@pytest.mark.parametrize("rule", ["first", "refresh", "superiority"])
def test_rows_of_one_class_are_refused_by_the_floor_and_by_nothing_else(rule, label):
    rows, ours, theirs = drawn(0.75, 0.7, world=World(300))
    same = replace(rows, labels=np.full(300, label))

    verdict = gate.decide(question(same, None if rule == "first" else theirs, rule=rule), [contender(ours, metrics={})])

    assert (verdict.verdict, verdict.promote) == ("FAIL", False)
    assert {name for name, outcome in outcomes(verdict).items() if outcome == "failed"} == {"floor"}
    assert verdict.sees is None


def test_no_rows_are_refused():
    rows = GateRows(np.zeros(0, dtype=bool), Clusters("row", np.zeros(0, dtype=np.int64)))
    nothing = Estimates("binary", np.zeros(0))

    verdict = gate.decide(question(rows, nothing), [contender(nothing, metrics={})])

    assert (verdict.verdict, verdict.promote) == ("FAIL", False)


def test_slice_of_one_row_and_no_slices_block_nothing():
    rows, ours, theirs = drawn(0.75, 0.7)

    for slices in ({}, {"one": np.arange(4_000) == 7}, {"none": np.zeros(4_000, dtype=bool)}):
        verdict = gate.decide(question(replace(rows, slices=slices), theirs), [measured(rows, ours)])

        assert verdict.verdict == "PASS"
        assert outcomes(verdict)["slices"] == "not applicable"


def test_class_with_few_gate_rows_or_none_before_blocks_nothing():
    rng = np.random.default_rng(7)
    rows, (ours, theirs) = classes(rng, {"ash": 300, "beech": 300, "yew": 3}, 0.8, 0.75)
    policy = POLICY.model_copy(update={"metric": "balanced_accuracy"})
    no_knowledge = Estimates("multiclass", np.full((603, 3), 1 / 3), ours.classes)
    # The champion does not know the class at all: it never answers it.
    known = theirs.values * [1, 1, 0]
    old = Estimates("multiclass", known / known.sum(axis=1, keepdims=True), ours.classes)
    candidate = contender(ours, metrics={"balanced_accuracy": 0.8})

    for champion in (theirs, old):
        verdict = gate.decide(question(rows, champion, policy=policy, prior=no_knowledge), [candidate])

        assert verdict.promote
        assert "inconclusive" not in outcomes(verdict).values()


@pytest.mark.parametrize("of", ["candidate", "champion", "former", "prior", "simpler"])
def test_estimates_of_other_rows_are_one_clear_error(of):
    rows, ours, theirs = drawn(0.75, 0.7, world=World(300))
    short = Estimates("binary", ours.values[:299])
    asks = question(
        rows,
        short if of == "champion" else theirs,
        prior=short if of == "prior" else prior(300),
        former=(rival(short if of == "former" else theirs, name="version 3"),),
    )
    field = [
        contender(short if of == "candidate" else ours),
        contender(short if of == "simpler" else ours, artifact="baseline", family="logistic"),
    ]

    with pytest.raises(GateError, match=r"299 estimates of .* for 300 gate rows"):
        gate.decide(asks, field)


@pytest.mark.parametrize("rule", ["refresh", "superiority"])
def test_policy_without_a_margin_answers_the_same_model_again(rule):
    rows, model = drawn(0.7)
    strict = POLICY.model_copy(update={"champion_margin": 0.0})

    verdict = gate.decide(question(rows, model, rule=rule, policy=strict), [measured(rows, model)])

    assert verdict.verdict == {"refresh": "PASS", "superiority": "FAIL"}[rule]
    assert verdict.sees is None  # there is no difference to see


def test_former_champion_stops_a_row_of_small_losses():
    rows, ours, theirs, before = drawn(0.67, 0.675, 0.73)

    drifting = gate.decide(question(rows, theirs, former=(rival(before, name="version 1"),)), [measured(rows, ours)])

    assert outcomes(drifting)["champion"] != "failed"
    assert drifting.reason.endswith("shown to be worse by more than 0.01")
    assert gate.decide(question(rows, theirs), [measured(rows, ours)]).promote
