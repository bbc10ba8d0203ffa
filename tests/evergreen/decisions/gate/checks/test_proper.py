"""GT006: a candidate that orders rows as well, and says worse probabilities, is refused."""

import numpy as np
import pytest
from gates import POLICY, World, classes, contender, numbers, rival
from scipy import special
from sklearn.metrics import log_loss, roc_auc_score

from evergreen.decisions.gate.checks import proper
from evergreen.learning.evaluation.estimates import Estimates

WORLD = World(4_000, share_true=0.13)


def overstated(model, by):
    """Return the same order of rows with greater probabilities, and a higher mean."""
    return Estimates("binary", special.expit(special.logit(model.values) + by))


def drawn(seed=1):
    rows, (model,) = WORLD.draw(np.random.default_rng(seed), 0.7)
    return rows, model


def test_equal_probabilities_pass():
    rows, model = drawn()

    check = proper.check(rows, contender(model), rival(model), POLICY)

    assert (check.name, check.code, check.outcome, check.would_change) == ("proper score", "GT006", "passed", "")
    assert check.evidence["ours"] == pytest.approx(log_loss(rows.labels, model.values))


def test_probabilities_off_by_half_fail_with_the_same_auc():
    rows, model = drawn()
    off = overstated(model, 0.9)
    assert roc_auc_score(rows.labels, off.values) == pytest.approx(roc_auc_score(rows.labels, model.values))
    assert off.values.mean() > 1.5 * model.values.mean()

    check = proper.check(rows, contender(off), rival(model), POLICY)

    assert check.outcome == "failed"
    assert check.text.endswith("shown to be greater by more than 5%")
    assert check.evidence["gain"] == pytest.approx(
        log_loss(rows.labels, model.values) - log_loss(rows.labels, off.values)
    )
    assert check.evidence["gain"] < 0
    limit = 1.05 * log_loss(rows.labels, model.values)
    assert check.would_change == f"a log_loss below {limit:.4f}, or calibration: tune.calibrate"


def test_champion_that_is_off_is_no_reason_to_refuse_a_candidate_that_is_not():
    rows, model = drawn()

    assert proper.check(rows, contender(model), rival(overstated(model, 0.9)), POLICY).outcome == "passed"


def test_greater_loss_within_the_share_passes():
    rows, model = drawn()
    off = overstated(model, 0.9)
    lenient = POLICY.model_copy(update={"proper_margin": 0.5})

    assert proper.check(rows, contender(off), rival(model), lenient).outcome == "passed"


def test_probabilities_of_classes_are_judged_too():
    rows, (good, poor) = classes(np.random.default_rng(2), {"ash": 200, "beech": 200}, 0.8, 0.5)

    assert proper.check(rows, contender(poor), rival(good), POLICY).outcome == "failed"
    assert proper.check(rows, contender(good), rival(poor), POLICY).outcome == "passed"


def test_numbers_have_a_proper_score_already():
    rows, (good, poor) = numbers(np.random.default_rng(3), 100, 0.5, 0.9)
    policy = POLICY.model_copy(update={"metric": "r2"})

    check = proper.check(rows, contender(poor), rival(good), policy)

    assert (check.outcome, check.text) == ("not applicable", "r2 is a proper score")


@pytest.mark.parametrize("other", [None, rival(None, why_not="it has seen the rows")])
def test_missing_champion_leaves_nothing_to_compare(other):
    rows, model = drawn()

    assert proper.check(rows, contender(model), other, POLICY).outcome == "not applicable"


def test_too_few_days_are_not_applicable():
    rows, (model,) = World(500, days=6).draw(np.random.default_rng(4), 0.7)

    check = proper.check(rows, contender(overstated(model, 2)), rival(model), POLICY)

    assert (check.outcome, check.text) == ("not applicable", "not compared: 6 days; at least 8 are needed")
