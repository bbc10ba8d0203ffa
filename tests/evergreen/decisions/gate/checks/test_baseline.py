"""GT002 and GT003: a candidate is refused that is shown to be worth less than a model that knows less."""

import numpy as np
import pytest
from gates import POLICY, World, contender, prior

from evergreen.decisions.gate.checks import baseline

WORLD = World(2_000)


def checked(*aucs, of="baseline", world=WORLD, seed=1, **policy):
    rows, (ours, theirs) = world.draw(np.random.default_rng(seed), *aucs)
    return baseline.check(rows, contender(ours), theirs, of=of, policy=POLICY.model_copy(update=policy))


@pytest.mark.parametrize(("of", "code"), [("prior", "GT002"), ("baseline", "GT003")])
def test_better_candidate_passes(of, code):
    check = checked(0.75, 0.65, of=of)

    assert (check.name, check.code, check.outcome, check.would_change) == (of, code, "passed", "")
    assert check.evidence["gain"] == pytest.approx(check.evidence["ours"] - check.evidence["theirs"])
    assert check.evidence["gain"] > 0.05
    assert f"against the {of}'s {check.evidence['theirs']:.4f}" in check.text


def test_candidate_that_is_shown_to_be_worse_fails():
    check = checked(0.65, 0.75)

    assert check.outcome == "failed"
    assert check.text.endswith("shown to gain less than 0")
    assert check.would_change == "a gain whose interval reaches 0"


def test_doubt_is_not_held_against_a_candidate():
    checks = [checked(0.7, 0.7, seed=seed) for seed in range(20)]
    worse = [check.outcome for check in checks if -0.01 < check.evidence["gain"] < 0]

    assert len(worse) > 5
    assert set(worse) == {"passed"}


def test_gain_that_is_shown_to_be_smaller_than_is_asked_for_fails():
    assert checked(0.72, 0.70, world=World(20_000), baseline_gain=0.05).outcome == "failed"
    assert checked(0.72, 0.70, world=World(20_000), baseline_gain=0.01).outcome == "passed"


def test_same_model_passes_where_no_gain_is_asked_for_and_fails_where_one_is():
    rows, (model,) = WORLD.draw(np.random.default_rng(2), 0.7)
    asked = POLICY.model_copy(update={"baseline_gain": 0.001})

    assert baseline.check(rows, contender(model), model, of="baseline", policy=POLICY).outcome == "passed"
    assert baseline.check(rows, contender(model), model, of="baseline", policy=asked).outcome == "failed"


def test_model_without_one_below_it_has_nothing_to_beat():
    rows, (model,) = WORLD.draw(np.random.default_rng(2), 0.7)

    check = baseline.check(rows, contender(model), None, of="baseline", policy=POLICY)

    assert (check.outcome, check.text) == ("not applicable", "there is no baseline but the candidate itself")


def test_too_few_days_are_not_applicable_and_keep_their_evidence():
    check = checked(0.65, 0.75, world=World(2_000, days=7))

    assert (check.outcome, check.would_change) == ("not applicable", "")
    assert check.text == "not compared with the baseline: 7 days; at least 8 are needed"
    assert check.evidence["n"] == 7


def test_no_knowledge_has_an_auc_of_one_half():
    rows, (model,) = WORLD.draw(np.random.default_rng(3), 0.7)

    assert baseline.check(rows, contender(model), prior(2_000), of="prior", policy=POLICY).evidence["theirs"] == 0.5
